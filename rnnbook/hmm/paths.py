"""Viterbi's algorithm, fast: the best paths of many rows of symbols side by side.

A long sequence is cut into rows, and its arrays are (states, rows), as in ``hmm.sweeps``. Here a
step adds logarithms and takes the largest sum.
"""

import numpy as np

from rnnbook.hmm.rows import AGREE, Rows, begins, refuse, settled

NEVER = -1e300  # log 0: of minus infinity, BLAS may make NaN. No sum of possible steps is as low.
CACHED = 2**17  # so many numbers stay in the cache
CHECK = 4  # to compare two vectors takes longer than a step
EVERY = 32  # after as many steps the logarithms are scaled, long before they lose digits


def best_paths(ids, lengths, start, transitions, emissions):
    """Return the best path of each sequence, and its log-probability.

    Parameters
    ----------
    ids : numpy.ndarray of int, shape (n,)
        The symbols of all sequences, one sequence after another.
    lengths : numpy.ndarray of int, shape (S,)
        The length of each sequence, at least 1.
    start, transitions, emissions : numpy.ndarray, shapes (N,), (N, N) and (N, V)
        The model.

    Returns
    -------
    path : numpy.ndarray of int, shape (n,)
        The states of all paths, one path after another.
    log_p : numpy.ndarray, shape (S,)
        Of each path together with its symbols.

    Raises
    ------
    ValueError
        If a sequence is impossible.
    """
    start, steps, heard = map(_logarithms, (start, transitions, emissions))
    paths = Paths(Rows(ids, lengths), start, steps, heard)
    while not paths.settled:
        paths = Paths(paths.rows.longer(), start, steps, heard)
    path = paths.traced()
    log_p = heard.ravel().take(path * heard.shape[1] + ids)
    log_p[1:] += steps.ravel().take(path[:-1] * len(start) + path[1:])
    first = begins(lengths)
    log_p[first] = start[path[first]] + heard[path[first], ids[first]]
    return path, np.add.reduceat(log_p, first)


class Paths:
    """The recursion of the best paths over rows.

    Parameters
    ----------
    rows : Rows
        The symbols.
    start, steps, heard : numpy.ndarray, shapes (N,), (N, N) and (N, V)
        The logarithms of a model, with ``NEVER`` for log 0.

    Attributes
    ----------
    x : list of numpy.ndarray, length L
        Entry t, shape (N, active[t]), holds the logarithm of the best path to each state, up to
        a number for each row.
    settled : bool
        Whether all rows agree with their neighbors. If not, take longer rows.
    """

    def __init__(self, rows, start, steps, heard):
        self.rows, self.steps, self.heard = rows, steps, heard
        N, n = len(start), rows.active[0]
        self.pairs = np.stack([steps, np.ones_like(steps)], axis=-1)
        self.terms = np.ones((N, 2, n))
        self.sums = np.empty((N if N * N * n <= CACHED else 1, N, n))
        self.x = rows.empty(N)
        self._run(np.where(rows.before < 0, start[:, None], 0.0))
        self.settled = settled(self._again, rows.before, rows.after)

    def _run(self, first):
        """Run all rows at once, from their first states before the first symbol."""
        f, best = first, np.empty(first.shape)
        for t, x in enumerate(self.x):
            n = x.shape[1]
            np.take(self.heard, self.rows.ids[t], axis=1, out=x, mode="clip")
            x += self._step(f[:, :n], best[:, :n]) if t else first
            if t % EVERY == 0:
                x -= _largest(x)
            f = x

    def _step(self, f, out):
        """Write the best way into each state from f, shape (N, n), into ``out``, and return it."""
        # A sum w_j + f_r for all j and r is the product of (w, 1) and (1, f), and as that it
        # takes a third of the time that broadcasting takes.
        n = f.shape[1]
        terms, sums = self.terms[..., :n], self.sums[..., :n]
        terms[:, 1] = f
        if len(sums) == len(terms):
            return np.maximum.reduce(np.matmul(self.pairs, terms, out=sums), axis=0, out=out)
        np.matmul(self.pairs[0], terms[0], out=out)
        for pair, term in zip(self.pairs[1:], terms[1:], strict=True):
            np.maximum(out, np.matmul(pair, term, out=sums[0]), out=out)
        return out

    def _again(self, todo):
        """Run rows from where their neighbors ended until each agrees; return the others."""
        f = self.x[-1][:, self.rows.before[todo]]
        for t, x in enumerate(self.x):
            here = np.searchsorted(todo, x.shape[1])  # the others have ended
            todo = todo[:here]
            f = self._step(f[:, :here], np.empty((len(f), here)))
            f += self.heard.take(self.rows.ids[t][todo], axis=1, mode="clip")
            on = slice(None)
            if (t + 1) % CHECK == 0:
                f, old = (a - _largest(a) for a in (f, x[:, todo]))
                on = (np.abs(f - old) > AGREE).any(axis=0)
            x[:, todo] = f
            todo, f = todo[on], f[:, on]
            if not todo.size:
                break
        return todo

    def traced(self):
        """Return the best paths, shape (n,), in the order of the symbols.

        Each row is traced back from its own best end; where the row after it says otherwise,
        again, until the two paths meet.
        """
        rows, states = self.rows, np.empty(len(self.rows.all_ids), np.int64)
        path = rows.cut(states)
        for t in reversed(range(len(path))):
            n = len(path[t + 1]) if t + 1 < len(path) else 0
            if n < len(path[t]):
                path[t][n:] = self._ends(self.x[t][:, n:])
            if n:
                path[t][:n] = self._origins(self.x[t][:, :n], path[t + 1])
        todo = np.flatnonzero(rows.after >= 0)
        while todo.size:
            state = path[0][rows.after[todo]]
            for x, here in zip(self.x[::-1], path[::-1], strict=True):
                state = self._origins(x[:, todo], state)
                on = state != here[todo]
                todo, state = todo[on], state[on]
                here[todo] = state
                if not todo.size:
                    break
            todo = rows.before[todo]
            todo = todo[todo >= 0]
        result = np.empty_like(states)
        result[rows.order] = states
        return result

    def _ends(self, x):
        """Return the best last states of rows that end with x, or refuse what is impossible."""
        if x.max(axis=0).min() <= NEVER / 2:  # what is impossible once remains so
            possible = [x.max(axis=0, keepdims=True) > NEVER / 2 for x in self.x]
            refuse(~self.rows.in_order(possible)[:, 0], self.rows.lengths)
        return first_largest(x)

    def _origins(self, x, state):
        """Return for each row the state from which its best path came to the given one."""
        ways = self.steps.take(state, axis=1, mode="clip")
        ways += x
        return first_largest(ways)


def _logarithms(p):
    return np.log(p, out=np.full(p.shape, NEVER), where=p > 0)


def _largest(x):
    """Return the largest number of each column, or 0 where all are impossible."""
    largest = x.max(axis=0)
    return np.where(largest > NEVER / 2, largest, 0)


def first_largest(x):
    """Return ``x.argmax(axis=0)``, in half the time where the columns are short."""
    N = len(x)
    marks = np.arange(N, 0, -1, np.min_scalar_type(N))[:, None]
    found = (x == x.max(axis=0)).view(np.uint8)
    return N - (found * marks).max(axis=0).astype(np.int64)
