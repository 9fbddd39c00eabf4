"""The recursions of a hidden Markov model, fast: many rows of symbols side by side.

A step is one product for all rows, and its arrays are (states, rows). A long sequence is cut into
rows. All but its first start from a guess, and are run again from where the row before ended,
until they agree with what they were. Most models soon forget where they started, so that takes a
few steps. ``hmm.steps`` has the same recursions to read.
"""

import numpy as np

from rnnbook.hmm.rows import begins

# Two vectors whose entries agree to this stay as close from there on: no step of either
# algebra moves two vectors apart (in Hilbert's projective metric; Seneta 1981, section 3.1).
AGREE = 1e-12
NEVER = -1e300  # log 0: of minus infinity, BLAS may make NaN. No sum of possible steps is as low.
CACHED = 2**17  # so many numbers stay in the cache
ROUNDS = 4  # after as many, rows that still change are made longer


class Sums:
    """The algebra of probabilities: along a path they multiply, over paths they add up.

    Parameters
    ----------
    steps : numpy.ndarray, shape (N, N)
        What a step multiplies with; row j leads to state j.
    """

    times, plus, inverse = np.multiply, np.add, np.reciprocal
    one, none, least = 1.0, 0.0, float(np.finfo(float).tiny)

    def __init__(self, steps):
        self.steps = steps

    def product(self, f, out):
        """Write what f, shape (N, n), becomes after a step into ``out``."""
        np.matmul(self.steps, f, out=out)

    @staticmethod
    def agree(a, b):
        """Return for each column whether all its entries agree."""
        return (np.abs(a - b) <= AGREE * b).all(axis=0)


class Paths:
    """The algebra of best paths: along a path logarithms add up, over paths the largest counts.

    Parameters
    ----------
    steps : numpy.ndarray, shape (N, N)
        The :func:`logarithms` that a step adds; row j leads to state j.
    """

    times, plus, inverse = np.add, np.maximum, np.negative
    one, none, least = 0.0, NEVER / 2, 10 * NEVER

    def __init__(self, steps):
        self.pairs = np.stack([steps.T, np.ones_like(steps)], axis=-1)
        self.n = 0

    def product(self, f, out):
        """Write what f, shape (N, n), becomes after a step into ``out``."""
        # A sum w_j + f_r for all j and r is the product of (w, 1) and (1, f), and as that it
        # takes a third of the time that broadcasting takes.
        N, n = f.shape
        if n != self.n:
            self.n, self.terms = n, np.ones((N, 2, n))
            self.sums = np.empty((N if N * N * n <= CACHED else 1, N, n))
        self.terms[:, 1] = f
        if len(self.sums) == N:
            np.maximum.reduce(np.matmul(self.pairs, self.terms, out=self.sums), axis=0, out=out)
            return
        np.matmul(self.pairs[0], self.terms[0], out=out)
        for pair, term in zip(self.pairs[1:], self.terms[1:], strict=True):
            np.maximum(out, np.matmul(pair, term, out=self.sums[0]), out=out)

    @staticmethod
    def agree(a, b):
        """Return for each column whether all its entries agree."""
        return (np.abs(a - b) <= AGREE).all(axis=0)


def logarithms(p):
    """Return log p for :class:`Paths`, with ``NEVER`` for log 0."""
    return np.log(p, out=np.full(p.shape, NEVER), where=p > 0)


class Sweep:
    """A recursion over rows, forward or backward in time.

    Forward, x_t is what is known of the state at t from the symbols up to t; backward, from
    those after t. Each is scaled: forward, the total of x_t is one.

    Parameters
    ----------
    rows : Rows
        The symbols.
    algebra : Sums or Paths
        How a step multiplies and adds.
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

    def __init__(self, rows, algebra, first, emissions, backward=False):
        self.rows, self.algebra, self.emissions = rows, algebra, emissions
        self.backward = backward
        self.x, self.totals = rows.empty(len(first)), rows.empty(1)
        self.room = np.empty((2, self.x[0].size))
        self.times = range(len(self.x))[:: -1 if backward else 1]
        self.neighbor, self.follower = rows.before, rows.after
        if backward:
            self.neighbor, self.follower = rows.after, rows.before
        self._run(np.where(self.neighbor < 0, first[:, None], algebra.one))
        self.settled = self._settle()

    def refuse_impossible(self):
        """Raise a ValueError if, forward, a symbol has no probability after those before it."""
        totals = self.rows.in_order(self.totals)[:, 0]
        where = np.flatnonzero(totals <= self.algebra.none)
        if where.size:
            begin = begins(self.rows.lengths)
            k = np.searchsorted(begin, where[0], side="right") - 1
            raise ValueError(
                f"sequence {k} is impossible under the model from index {where[0] - begin[k]} on "
                "(smooth the counts from which it comes)"
            )

    def _run(self, first):
        """Run all rows at once."""
        f = first[:, :0]
        for t in self.times:
            x = self.x[t]
            going = min(x.shape[1], f.shape[1])  # backward, the shorter rows set in later
            if going:
                self.algebra.product(f[:, :going], x[:, :going])
            x[:, going:] = first[:, going : x.shape[1]]
            f = self._hear(x, self.rows.ids[t], self.totals[t])

    def _hear(self, x, ids, totals):
        """Multiply with the symbols' emissions and scale: forward x itself, backward a copy."""
        heard, f = (room[: x.size].reshape(x.shape) for room in self.room)
        if not self.backward:
            f = x
        np.take(self.emissions, ids, axis=1, out=heard, mode="clip")
        self.algebra.times(x, heard, out=f)
        self.algebra.plus.reduce(f, axis=0, keepdims=True, out=totals)
        scale = self.algebra.inverse(np.maximum(totals, self.algebra.least))
        return self.algebra.times(f, scale, out=f)

    def _settle(self):
        """Run the rows that began with a guess again, from where their neighbors ended."""
        todo = np.flatnonzero(self.neighbor >= 0)
        for _ in range(ROUNDS):
            if not todo.size:
                break
            todo = self.follower[self._again(todo)]
            todo = np.sort(todo[todo >= 0])
        return not todo.size

    def _again(self, todo):
        """Run rows until each agrees with what it was; return those that never did."""
        end, ends = self.times[-1], self.neighbor[todo]
        f = self.x[end][:, ends]
        if self.backward:
            f = self._hear(f, self.rows.ids[end][ends], np.empty((1, len(ends))))
        for t in self.times:
            here = np.searchsorted(todo, self.rows.active[t])  # the others have ended
            todo, f = todo[:here], f[:, :here]
            x, totals = np.empty(f.shape), np.empty((1, here))
            self.algebra.product(f, x)
            f = self._hear(x, self.rows.ids[t][todo], totals)
            on = ~self.algebra.agree(x, self.x[t][:, todo])
            self.x[t][:, todo], self.totals[t][:, todo] = x, totals
            todo, f = todo[on], f[:, on]
            if not todo.size:
                break
        return todo


def settled(rows, algebra, start, emissions):
    """Return a forward :class:`Sweep` that settled, over the rows or over longer ones."""
    sweep = Sweep(rows, algebra, start, emissions)
    return sweep if sweep.settled else settled(rows.longer(), algebra, start, emissions)


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


def trace(rows, best, log_transitions):
    """Return the states of the best paths, from the arrays of a settled sweep of ``Paths``.

    Each row is traced back from its own best end; where the row after it says otherwise, again,
    until the two paths meet. The result is a list of L arrays, shaped as ``rows.ids``.
    """
    path = [np.empty(n, np.int64) for n in rows.active]
    going = 0
    for t in reversed(range(len(path))):
        if going:
            path[t][:going] = _origin(best[t][:, :going], path[t + 1], log_transitions)
        path[t][going:] = best[t][:, going:].argmax(axis=0)
        going = len(path[t])
    todo = np.flatnonzero(rows.after >= 0)
    while todo.size:
        state = path[0][rows.after[todo]]
        for t in reversed(range(len(path))):
            state = _origin(best[t][:, todo], state, log_transitions)
            on = state != path[t][todo]
            todo, state = todo[on], state[on]
            path[t][todo] = state
            if not todo.size:
                break
        todo = rows.before[todo]
        todo = todo[todo >= 0]
    return path


def _origin(x, state, log_transitions):
    """Return for each column the state from which its best path came to the given one."""
    return (x + log_transitions.take(state, axis=1)).argmax(axis=0)
