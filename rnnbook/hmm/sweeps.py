"""The recursions of a hidden Markov model, fast: many rows of symbols side by side.

A step is one product for all rows, and its arrays are (states, rows). A long sequence is cut into
rows. All but its first start from a guess, and are run again from where the row before ended,
until they agree with what they were. Most models soon forget where they started, so that takes a
few steps. ``hmm.steps`` has the same recursions to read.
"""

import numpy as np

from rnnbook.hmm.rows import AGREE, refuse, settled

LEAST = float(np.finfo(float).tiny)  # what is less probable counts as impossible


class Sweep:
    """A recursion over rows, forward or backward in time.

    Forward, x_t is what is known of the state at t from the symbols up to t; backward, from
    those after t. Each is scaled: forward, the total of x_t is one.

    Parameters
    ----------
    rows : Rows
        The symbols.
    steps : numpy.ndarray, shape (N, N)
        What a step multiplies with; row j leads to state j.
    first : numpy.ndarray, shape (N,)
        What is known of the first state before its symbol, or of the last from what follows.
    emissions : numpy.ndarray, shape (N, V)
        What a symbol multiplies each state with.
    backward : bool
        The direction.

    Attributes
    ----------
    x : list of numpy.ndarray, length L
        The result: entry t has shape (N, active[t]).
    totals : list of numpy.ndarray, length L
        Forward, what each symbol made of a total of one, its probability given those before:
        entry t has shape (1, active[t]).
    settled : bool
        Whether all rows agree with their neighbors. If not, take longer rows.
    """

    def __init__(self, rows, steps, first, emissions, backward=False):
        self.rows, self.steps, self.emissions = rows, steps, emissions
        self.backward = backward
        self.x, self.totals = rows.empty(len(first)), rows.empty(1)
        self.room = np.empty((2, self.x[0].size))
        self.times = range(len(self.x))[:: -1 if backward else 1]
        self.neighbor, self.follower = rows.before, rows.after
        if backward:
            self.neighbor, self.follower = rows.after, rows.before
        self._run(np.where(self.neighbor < 0, first[:, None], 1.0))
        self.settled = settled(self._again, self.neighbor, self.follower)

    def refuse_impossible(self):
        """Raise a ValueError if, forward, a symbol has no probability after those before it."""
        if min(total.min() for total in self.totals) <= 0:
            refuse(self.rows.in_order(self.totals)[:, 0] <= 0, self.rows.lengths)

    def _run(self, first):
        """Run all rows at once."""
        f = first[:, :0]
        for t in self.times:
            x = self.x[t]
            going = min(x.shape[1], f.shape[1])  # backward, the shorter rows set in later
            if going:
                np.matmul(self.steps, f[:, :going], out=x[:, :going])
            x[:, going:] = first[:, going : x.shape[1]]
            f = self._hear(x, self.rows.ids[t], self.totals[t])

    def _hear(self, x, ids, totals):
        """Multiply with the symbols' emissions and scale: forward x itself, backward a copy."""
        heard, f = (room[: x.size].reshape(x.shape) for room in self.room)
        if not self.backward:
            f = x
        np.take(self.emissions, ids, axis=1, out=heard, mode="clip")
        np.multiply(x, heard, out=f)
        np.add.reduce(f, axis=0, keepdims=True, out=totals)
        return np.multiply(f, 1 / np.maximum(totals, LEAST), out=f)

    def _again(self, todo):
        """Run rows until each agrees with what it was; return those that never did."""
        end, ends = self.times[-1], self.neighbor[todo]
        f = self.x[end][:, ends]
        if self.backward:
            f = self._hear(f, self.rows.ids[end][ends], np.empty((1, len(ends))))
        for t in self.times:
            here = np.searchsorted(todo, self.rows.active[t])  # the others have ended
            todo, f = todo[:here], f[:, :here]
            x, totals = self.steps @ f, np.empty((1, here))
            f = self._hear(x, self.rows.ids[t][todo], totals)
            old = self.x[t][:, todo]
            on = ~(np.abs(x - old) <= AGREE * old).all(axis=0)
            self.x[t][:, todo], self.totals[t][:, todo] = x, totals
            todo, f = todo[on], f[:, on]
            if not todo.size:
                break
        return todo


def counts(rows, transitions, emissions, forward, backward):
    """Return the expected counts of Baum and Welch, from settled sweeps in both directions.

    Parameters
    ----------
    rows : Rows
        The symbols.
    transitions, emissions : numpy.ndarray, shapes (N, N) and (N, V)
        The model.
    forward, backward : Sweep
        The sweeps; ``backward.x`` becomes the posterior.

    Returns
    -------
    start, transitions, emissions : numpy.ndarray, shapes (N,), (N, N) and (N, V)
        How often each state is expected to begin a sequence, each transition to be taken, and
        each symbol to come from each state.

    Raises
    ------
    ValueError
        If forward a state has a probability below 1e-308 that backward is the only one possible.
    """
    N, V = emissions.shape
    steps = np.zeros((N, N))
    for t, (alpha, beta) in enumerate(zip(forward.x, backward.x, strict=True)):
        to = emissions.take(rows.ids[t], axis=1)
        to *= beta
        beta *= alpha
        total = beta.sum(axis=0)
        if not total.all():
            raise ValueError(
                "a state that the later symbols need was too improbable before them, below 1e-308 "
                "(use rnnbook.hmm.steps, or smooth the transitions)"
            )
        scale = 1 / total
        to *= scale / forward.totals[t]
        beta *= scale
        if t:
            steps += forward.x[t - 1][:, : to.shape[1]] @ to.T
        else:  # the steps into a row from the one before
            cut = rows.before >= 0
            steps += forward.x[-1][:, rows.before[cut]] @ to[:, cut].T
    ids = np.concatenate(rows.ids)
    # One state at a time, or a second copy of the posterior would be needed.
    heard = [np.bincount(ids, np.concatenate([p[i] for p in backward.x]), V) for i in range(N)]
    return backward.x[0][:, ~cut].sum(axis=1), transitions * steps, np.array(heard)
