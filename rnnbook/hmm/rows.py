"""Sequences of unequal length side by side, for the recursions of a hidden Markov model."""

import numpy as np

from rnnbook.text import token_ids

# Two vectors of a recursion whose entries agree to this stay as close from there on: no step moves
# two vectors apart, be it of sums or of best paths (in Hilbert's metric; Seneta 1981, section 3.1).
AGREE = 1e-12
ROUNDS = 4  # after as many, rows that still change are made longer


class Rows:
    """Sequences cut into rows, the longest first, so that at each step the first n go on.

    Parameters
    ----------
    ids : numpy.ndarray of int, shape (n,)
        The symbols of all sequences, one sequence after another.
    lengths : numpy.ndarray of int, shape (S,)
        The length of each sequence, at least 1.
    longest : int, optional
        The largest length L of a row. By default there are more rows than steps, and L is at
        least 128.

    Attributes
    ----------
    active : numpy.ndarray of int, shape (L,)
        How many rows are longer than t.
    order : numpy.ndarray of int
        The place of each symbol among all n symbols, step after step.
    ids : list of numpy.ndarray of int, length L
        The symbols t of the active rows, shape (active[t],) each.
    before, after : numpy.ndarray of int, shape (R,)
        The rows of the same sequence before and after a row, or -1.
    """

    def __init__(self, ids, lengths, longest=None):
        self.all_ids, self.lengths = ids, lengths
        L = min(longest or max(128, int(np.sqrt(len(ids)) / 2)), lengths.max())
        pieces = -(-lengths // L)
        sequence = np.repeat(np.arange(len(lengths)), pieces)
        row = np.arange(len(sequence))
        nth = row - (np.cumsum(pieces) - pieces)[sequence]
        length = np.minimum(L, lengths[sequence] - nth * L)
        order = np.argsort(-length, kind="stable")
        place = np.argsort(order)
        self.before = np.where(nth > 0, place[row - 1], -1)[order]
        self.after = np.where(nth + 1 < pieces[sequence], np.roll(place, -1), -1)[order]
        self.active = len(row) - np.cumsum(np.bincount(length, minlength=L + 1))[:L]
        begin = (begins(lengths)[sequence] + nth * L)[order]
        self.order = np.concatenate([begin[:n] + t for t, n in enumerate(self.active)])
        self.ids = self.cut(ids[self.order])

    def longer(self):
        """Return the same sequences in rows four times as long."""
        return Rows(self.all_ids, self.lengths, 4 * len(self.ids))

    def cut(self, x):
        """Return an array (n, ...), step after step, as L views of shape (active[t], ...)."""
        stops = np.cumsum(self.active).tolist()
        return [x[i:k] for i, k in zip([0, *stops], stops, strict=False)]

    def empty(self, N):
        """Return a list of L arrays of shape (N, active[t]), each a run of memory."""
        return [part.reshape(N, -1) for part in self.cut(np.empty((len(self.all_ids), N)))]

    def in_order(self, x):
        """Return a list as from :meth:`empty` as one array (n, N), in the order of the symbols."""
        out = np.empty((len(self.all_ids), len(x[0])), x[0].dtype)
        for at, x_t in zip(self.cut(self.order), x, strict=True):
            out[at] = x_t.T
        return out


def settled(again, before, after):
    """Run rows that began with a guess again, from where the ones before them ended.

    Parameters
    ----------
    again : callable
        Given the numbers of rows, it runs them again until each agrees with what it was, and
        returns those that never did.
    before, after : numpy.ndarray of int, shape (R,)
        The row that each begins from, and the one that begins from it, or -1.

    Returns
    -------
    bool
        Whether in the end all rows agree with their neighbors. If not, take longer rows.
    """
    todo = np.flatnonzero(before >= 0)
    for _ in range(ROUNDS):
        if not todo.size:
            break
        todo = after[again(todo)]
        todo = np.sort(todo[todo >= 0])
    return not todo.size


def refuse(impossible, lengths):
    """Raise a ValueError that names the first symbol that is impossible, if there is one.

    ``impossible`` says it of each symbol, one sequence after another; the lengths are theirs.
    """
    where = np.flatnonzero(impossible)
    if where.size:
        begin = begins(lengths)
        k = np.searchsorted(begin, where[0], side="right") - 1
        raise ValueError(
            f"sequence {k} is impossible under the model from index {where[0] - begin[k]} on "
            "(smooth the counts from which it comes)"
        )


def joined(sequences, V):
    """Return the ids of S sequences in one array, and the length of each.

    Parameters
    ----------
    sequences : sequence of S array_like of int
        The symbols, from 0 to V - 1.
    V : int
        The number of symbols.

    Returns
    -------
    ids : numpy.ndarray of int, shape (n,)
        The sequences one after another.
    lengths : numpy.ndarray of int, shape (S,)
        At least 1 each.

    Raises
    ------
    TypeError, ValueError
        If there is no sequence, or one is empty or has other ids; it is named.
    """
    arrays = [np.asarray(ids) for ids in sequences]
    if not arrays:
        raise ValueError("sequences must hold at least one sequence, got none")
    lengths = np.array([array.size for array in arrays])
    regular = lengths.all() and all(a.ndim == 1 and a.dtype.kind in "iu" for a in arrays)
    # Signed with unsigned integers would make floats; what is too large is negative then.
    ids = np.concatenate(arrays, dtype=np.int64, casting="unsafe") if regular else None
    if ids is None or ids.min() < 0 or ids.max() >= V:
        for k, array in enumerate(arrays):
            try:
                token_ids(array, V, 1)
            except (TypeError, ValueError) as error:
                raise type(error)(f"sequence {k}: {error}") from error
    return ids, lengths


def begins(lengths):
    """Return where each of S sequences begins among all symbols, shape (S,)."""
    return np.cumsum(lengths) - lengths
