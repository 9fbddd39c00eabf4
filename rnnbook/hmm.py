"""The hidden Markov model: likelihoods, states, best paths, and learning.

The recursions run over sequences side by side: arrays are (states, sequences), and a step is one
product for all of them. A long sequence is cut into overlapping windows, which run side by side
too; where two windows do not agree, wider ones take their place.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import shaped, whole
from rnnbook.text import token_ids

LEAST = 1e-180  # a state that can be reached and is less probable needs logarithms
TINY = float(np.finfo(float).tiny)
CACHED = 2**17  # so many numbers stay in the cache


class HMM:
    r"""A hidden Markov model with N states and V symbols.

    At each step it is in one state, which depends on the state before alone, and gives one
    symbol, which depends on the state alone. What only such a model has (``filter``,
    ``posterior``, ``viterbi``, ``log_likelihoods``, ``baum_welch``, ``count_labeled``) takes a
    list of sequences and returns one entry a sequence. What all language models have
    (``log_probabilities``, ``next_probabilities``, ``sample``) takes one text, as in
    :class:`~rnnbook.text.ngram.NGram`.

    Parameters
    ----------
    start : array_like, shape (N,)
        :math:`\pi_i`, the probability of each state at the first step.
    transitions : array_like, shape (N, N)
        :math:`a_{ij}`: row i holds the probability of each state after state i.
    emissions : array_like, shape (N, V)
        :math:`b_i(x)`: row i holds the probability of each symbol in state i.

    Notes
    -----
    After Rabiner (1989). With α_t for the probability of each state given the symbols up to t,
    c_t for that of symbol t given those before, and β_T = 1,

    .. math::

        c_t\, \alpha_t(j) = b_j(x_t) \sum_i \alpha_{t-1}(i)\, a_{ij}, \qquad
        \beta_{t-1}(i) = \sum_j a_{ij}\, b_j(x_t)\, \beta_t(j) / c_t,

    and :math:`\alpha_t(i)\, \beta_t(i)` is the probability of state i given all symbols. Where a
    state that can be reached falls below 1e-180 of the total, as among states that are never
    left, these numbers would be lost; such sequences are computed with logarithms, which is
    exact and some 20 times slower.

    Examples
    --------
    >>> coins = HMM([0.5, 0.5], [[0.8, 0.2], [0.2, 0.8]], [[0.5, 0.5], [0.9, 0.1]])
    >>> coins
    HMM(N=2, V=2)
    >>> coins.viterbi([[0, 0, 1], [0, 0]])[0]
    [array([0, 0, 0]), array([1, 1])]
    """

    def __init__(self, start: ArrayLike, transitions: ArrayLike, emissions: ArrayLike):
        transitions = shaped("transitions", transitions, "N N")
        self.N = N = len(transitions)
        self.start = _distributions("start", shaped("start", start, "N", N=N))
        self.transitions = _distributions("transitions", transitions)
        self.emissions = _distributions("emissions", shaped("emissions", emissions, "N V", N=N))
        self.V = self.emissions.shape[1]

    def __repr__(self) -> str:
        return f"HMM(N={self.N}, V={self.V})"

    @classmethod
    def random(cls, N: int, V: int, seed: int = 0) -> "HMM":
        """Return a model with random rows, each as likely as any other: a start for learning.

        >>> HMM.random(3, 5, seed=1)
        HMM(N=3, V=5)
        """
        rng = np.random.default_rng(whole("seed", seed, 0))
        N, V = whole("N", N), whole("V", V)
        return cls(*(rng.dirichlet(np.ones(k), n) for k, n in [(N, None), (N, N), (V, N)]))

    @classmethod
    def count_labeled(
        cls,
        states: Sequence[ArrayLike],
        sequences: Sequence[ArrayLike],
        N: int,
        V: int,
        smoothing: float = 0.0,
    ) -> "HMM":
        """Return the model of labeled sequences: the shares of what occurs in them.

        ``states`` holds the state of each symbol, from 0 to N - 1, in arrays as long as those of
        the sequences; ``smoothing``, 0 or more, is added to each count. With 0, a symbol that a
        state never gave is impossible there, and a state that never occurs, or is never left,
        has a uniform row.

        >>> HMM.count_labeled([[0, 0, 1]], [[2, 0, 1]], N=2, V=3).transitions
        array([[0.5, 0.5],
               [0.5, 0.5]])
        """
        N, V = whole("N", N), whole("V", V)
        states, first, _ = _concatenate(states, N)
        ids, others, _ = _concatenate(sequences, V)
        if first.tolist() != others.tolist() or len(states) != len(ids):
            raise ValueError(
                f"states and sequences must have the same lengths, got {len(first)} sequences "
                f"with {len(states)} states and {len(others)} with {len(ids)} symbols"
            )
        later = np.delete(np.arange(len(ids)), first)
        pairs = np.bincount(states[later - 1] * N + states[later], minlength=N * N)
        gave = np.bincount(states * V + ids, minlength=N * V)
        counts = np.bincount(states[first], minlength=N), pairs.reshape(N, N), gave.reshape(N, V)
        return cls(*(_shares(c, smoothing, np.full(c.shape, 1 / c.shape[-1])) for c in counts))

    def log_probabilities(self, ids: ArrayLike) -> np.ndarray:
        """Return the log-probability of each symbol of a text, given those before it.

        Natural logarithms, shape (n,); from the first impossible symbol on, minus infinity.

        >>> HMM([1], [[1]], [[0.5, 0.25, 0.25]]).log_probabilities([0, 1]) / np.log(2)
        array([-1., -2.])
        """
        ids = token_ids(ids, self.V)
        return self._log_c(_concatenate([ids], self.V)) if len(ids) else np.empty(0)

    def log_likelihoods(self, sequences: Sequence[ArrayLike]) -> np.ndarray:
        """Return the log-likelihood of each of S sequences, shape (S,).

        An impossible sequence has minus infinity.

        >>> HMM([1], [[1]], [[0.5, 0.5]]).log_likelihoods([[0, 1], [0]]) / np.log(2)
        array([-2., -1.])
        """
        text = _concatenate(sequences, self.V)
        return np.add.reduceat(self._log_c(text), text[1])

    def next_probabilities(self, context: ArrayLike) -> np.ndarray:
        """Return the probability of each symbol after a context of any length, shape (V,).

        >>> HMM.random(2, 3).next_probabilities([0, 2, 1]).sum().round(12)
        np.float64(1.0)
        """
        return self._next_state(context) @ self.emissions

    def sample(self, n: int, context: ArrayLike = (), seed: int = 0) -> np.ndarray:
        """Draw n symbols after a context, with a generator that begins with ``seed``.

        >>> HMM([1, 0], [[0, 1], [1, 0]], [[1, 0], [0, 1]]).sample(5, context=[0])
        array([1, 0, 1, 0, 1])
        """
        return self.sample_with_states(n, context, seed)[0]

    def sample_with_states(
        self, n: int, context: ArrayLike = (), seed: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw as :meth:`sample`, and return the symbols and their states, each of shape (n,).

        >>> ids, states = HMM.random(2, 3).sample_with_states(7)
        >>> ids.shape == states.shape == (7,)
        True
        """
        rng = np.random.default_rng(whole("seed", seed, 0))
        draws = rng.random((2, whole("n", n)))
        chances, rows = _cumulative(self._next_state(context)), _cumulative(self.transitions)
        states, ids = np.empty(n, np.int64), np.empty(n, np.int64)
        for t, u in enumerate(draws[0]):
            states[t] = np.searchsorted(chances, u, side="right")
            chances = rows[states[t]]
        for i, chances in enumerate(_cumulative(self.emissions)):
            ids[states == i] = np.searchsorted(chances, draws[1, states == i], side="right")
        return ids, states

    def filter(self, sequences: Sequence[ArrayLike]) -> list[np.ndarray]:
        """Return the probability of each state at each step, given the symbols up to it.

        This is what the model carries from step to step, as a network does its hidden state.
        The results have shape (n, N), one a sequence; an impossible sequence is refused.

        >>> HMM([1, 0], [[0.5, 0.5], [0, 1]], [[0.5, 0.5], [0.5, 0.5]]).filter([[0, 1, 1]])[0]
        array([[1.  , 0.  ],
               [0.5 , 0.5 ],
               [0.25, 0.75]])
        """
        return self._state_probabilities(sequences, smooth=False)

    def posterior(self, sequences: Sequence[ArrayLike]) -> list[np.ndarray]:
        """Return the probability of each state at each step, given all symbols.

        The results have shape (n, N), one a sequence; an impossible sequence is refused.

        >>> HMM([1, 0], [[0.5, 0.5], [0, 1]], [[1, 0], [0.5, 0.5]]).posterior([[0, 0, 1]])[0]
        array([[1. , 0. ],
               [0.5, 0.5],
               [0. , 1. ]])
        """
        return self._state_probabilities(sequences, smooth=True)

    def viterbi(self, sequences: Sequence[ArrayLike]) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the best path of each of S sequences: the states most probable together.

        Returned are the paths, each of shape (n,), and the log-probability of each together with
        its symbols, shape (S,). Of equally good paths, rounding decides. An impossible sequence
        is refused. After Viterbi (1967).

        >>> HMM([0.5, 0.5], np.eye(2), [[0.9, 0.1], [0.1, 0.9]]).viterbi([[0, 1, 1]])[0]
        [array([1, 1, 1])]
        """
        ids, first, _ = text = _concatenate(sequences, self.V)
        path = np.empty(len(ids), np.int64)
        for batch, best in _solve(_batches(text, self.N, self.V), self._best_paths):
            path[batch.place[batch.kept]] = best[batch.kept]
        log_start, log_a, log_b = map(_log, (self.start, self.transitions, self.emissions))
        log_p = log_b[path, ids]
        log_p[1:] += np.where(np.isin(np.arange(1, len(ids)), first), 0, log_a[path[:-1], path[1:]])
        log_p[first] += log_start[path[first]]
        return np.split(path, first[1:]), np.add.reduceat(log_p, first)

    def baum_welch(
        self, sequences: Sequence[ArrayLike], iterations: int, smoothing: float = 0.0
    ) -> tuple["HMM", list[float]]:
        """Learn from S unlabeled sequences, from this model on (Baum et al., 1970).

        An iteration takes the shares of the expected counts as the next model; ``smoothing``, 0
        or more, is added to each count. With 0 the likelihood never falls, and a symbol that
        does not occur becomes impossible. A state that is never visited, or never left, keeps
        its row. Returned are the learned model, and the log-likelihood of all sequences before
        each iteration. An impossible sequence is refused.

        >>> model, history = HMM.random(2, 2).baum_welch([[0, 0, 1, 1]] * 9, iterations=5)
        >>> history == sorted(history)
        True
        """
        batches, model, history = (
            _batches(_concatenate(sequences, self.V), self.N, self.V),
            self,
            [],
        )
        for _ in range(whole("iterations", iterations)):
            old = model.start, model.transitions, model.emissions
            counts, log_p = [np.zeros(array.shape) for array in old], 0.0
            for batch, gamma, log_c, steps in _solve(batches, partial(model._infer, smooth=True)):
                log_p += log_c[batch.kept].sum()
                counts[0] += gamma[0][:, batch.kept[0]].sum(axis=1)
                counts[1] += steps
                ids = np.where(batch.kept, batch.ids, self.V).ravel()
                for i in range(self.N):
                    counts[2][i] += np.bincount(ids, gamma[:, i].ravel(), self.V + 1)[: self.V]
            history.append(float(log_p))
            model = HMM(*(_shares(c, smoothing, o) for c, o in zip(counts, old, strict=True)))
        return model, history

    def _log_c(self, text):
        log_c = np.empty(len(text[0]))
        for batch, _, logs, _ in _solve(_batches(text, self.N, self.V), self._infer):
            log_c[batch.place[batch.kept]] = logs[batch.kept]
        return log_c

    def _state_probabilities(self, sequences, smooth):
        text = _concatenate(sequences, self.V)
        result = np.empty((len(text[0]), self.N))
        method = partial(self._infer, smooth=smooth)
        for batch, x, log_c, _ in _solve(_batches(text, self.N, self.V), method):
            batch.refuse_impossible(log_c > -np.inf)
            result[batch.place[batch.kept]] = x.transpose(0, 2, 1)[batch.kept]
        return np.split(result, text[1][1:])

    def _next_state(self, context):
        context = token_ids(context, self.V)
        return self.filter([context])[0][-1] @ self.transitions if len(context) else self.start

    def _infer(self, batch, smooth=False):
        """Return the batch with α or γ, log c and counts; or what to solve instead."""
        if batch.in_logs:
            return self._infer_in_logs(batch, smooth)
        # Emissions relative to the largest of each symbol; V stands for a step after the end,
        # which says nothing of the state.
        largest = self.emissions.max(axis=0)
        b = self.emissions / np.where(largest > 0, largest, 1)
        b, log_largest = np.column_stack([b, np.ones(self.N)]), np.append(_log(largest), 0)
        # Where every state leads to every other, none can be lost.
        dense = self.transitions.min() * b[b > 0].min() > LEAST
        x, c = self._forward(batch, b)
        safe = np.ones(c.shape[1], bool) if dense else self._is_safe(batch, b, x, c)
        if not safe.all() or not batch.agrees(x, rtol=1e-12):
            return batch.replace(safe)
        log_c = np.minimum(_log(c) + log_largest[batch.ids], 0)  # rounding may give more than 1
        counts = None
        if smooth:
            batch.refuse_impossible(c > 0)
            counts = self._backward(batch, b, x, c, np.inf if dense else LEAST**-1.5)
            if not batch.agrees(x, rtol=1e-12):
                return batch.replace(safe)
        return batch, x, log_c, counts

    def _forward(self, batch, b):
        """Return α, shape (T, N, S), and c, shape (T, S)."""
        T, S = batch.ids.shape
        x, c, b_t = np.empty((T, self.N, S)), np.empty((T, S)), np.empty((self.N, S))
        x[0] = np.where(batch.kept[0], self.start[:, None], 1 / self.N)
        to = np.ascontiguousarray(self.transitions.T)
        for t, (ids, x_t) in enumerate(zip(batch.ids, x, strict=True)):
            if t:
                np.matmul(to, x[t - 1], out=x_t)
            x_t *= np.take(b, ids, axis=1, out=b_t, mode="clip")
            np.add.reduce(x_t, axis=0, out=c[t])
            x_t *= 1 / np.maximum(c[t], TINY)
        return x, c

    def _backward(self, batch, b, x, c, most):
        """Turn α into γ, and return the expected transitions, shape (N, N)."""
        pairs, beta, to = np.zeros((self.N, self.N)), np.ones(x.shape[1:]), np.empty(x.shape[1:])
        for t in range(len(x) - 1, 0, -1):
            np.take(b, batch.ids[t], axis=1, out=to, mode="clip")
            to *= beta
            to *= 1 / c[t]
            if most < np.inf:  # states that cannot be reached know no bound
                np.minimum(to, most, out=to)
            kept = batch.kept[t]
            if kept.any():
                pairs += x[t - 1] @ (to if kept.all() else to * kept).T
            x[t] *= beta
            np.matmul(self.transitions, to, out=beta)
        x[0] *= beta
        return self.transitions * pairs

    def _is_safe(self, batch, b, x, c):
        """Return True for each sequence in which all states that can be reached have a number."""
        leads, possible = (self.transitions.T > 0).astype(np.float32), b > 0
        reached = np.where(batch.kept[0], self.start[:, None], 1) > 0
        lost = np.zeros(c.shape[1], bool)
        for t, ids in enumerate(batch.ids):
            if t:
                reached = leads @ reached.astype(np.float32) > 0
            reached &= possible[:, ids]
            lost |= (reached & ((x[t] < LEAST) | (c[t] < LEAST**0.5))).any(axis=0)
        return ~lost

    def _infer_in_logs(self, batch, smooth):
        """Do what :meth:`_infer` does with the logarithms of α and β, for sequences not cut."""
        a, b = _log(self.transitions)[:, :, None], _log(self.emissions)
        b, N = np.column_stack([b, np.zeros(self.N)]), self.N
        x, log_c = np.empty((len(batch.ids), N, batch.ids.shape[1])), np.empty(batch.ids.shape)
        for t, ids in enumerate(batch.ids):
            before = _log_sum(x[t - 1][:, None] + a) if t else _log(self.start)[:, None]
            x[t] = before + b[:, ids]
            log_c[t] = _log_sum(x[t])
            x[t] -= np.where(log_c[t] > -np.inf, log_c[t], 0)
        if not smooth:
            return batch, np.exp(x), log_c, None
        batch.refuse_impossible(log_c > -np.inf)
        pairs, log_beta = np.zeros((N, N)), np.zeros(x.shape[1:])
        for t in range(len(x) - 1, 0, -1):
            ways = a + (b[:, batch.ids[t]] + log_beta - log_c[t])  # from i to j
            pairs += np.exp(x[t - 1][:, None] + ways) @ batch.kept[t]
            x[t] = np.exp(x[t] + log_beta)
            log_beta = _log_sum(ways.swapaxes(0, 1))
        x[0] = np.exp(x[0] + log_beta)
        return batch, x, log_c, pairs

    def _best_paths(self, batch):
        """Return the batch with the best paths, shape (T, S); or what to solve instead."""
        (T, S), N = batch.ids.shape, self.N
        a, b = _log(self.transitions), np.column_stack([_log(self.emissions), np.zeros(self.N)])
        to = np.ascontiguousarray(a.T)[:, :, None]
        k = max(1, CACHED // (N * S))  # states at a time, so that their sums stay in the cache
        x, sums = np.empty((T, N, S)), np.empty((min(k, N), N, S))  # x: log δ
        x[0] = np.where(batch.kept[0], _log(self.start)[:, None], 0) + b[:, batch.ids[0]]
        for t in range(1, T):
            for j in range(0, N, k):
                ways = np.add(x[t - 1], to[j : j + k], out=sums[: N - j])
                np.maximum.reduce(ways, axis=1, out=x[t, j : j + k])
            x[t] += b.take(batch.ids[t], axis=1, mode="clip")
            if t % 32 == 0:  # large numbers have fewer digits after the point
                x[t] -= _top(x[t])
        if not batch.is_cut and x[-1].max(axis=0).min() == -np.inf:
            batch.refuse_impossible(x.max(axis=1) > -np.inf)
        last = batch.length - 1
        path = np.tile(x[last, :, np.arange(S)].argmax(axis=1), (T, 1))
        for t in range(T - 2, -1, -1):
            ways = a.take(path[t + 1], axis=1, mode="clip")
            ways += x[t]
            path[t] = np.where(t < last, ways.argmax(axis=0), path[t])
        if batch.is_cut:
            one, other = (y - _top(y, 1) for y in batch.joints(x))
            if not (np.isclose(one, other, rtol=0, atol=1e-11).all() and batch.agrees(path)):
                return batch.replace(last > 0)
        return batch, path


class _Batch:
    """Sequences, or overlapping windows of long ones, side by side; shorter ones are padded.

    Of all symbols, column s holds those from first[s] to stop[s]; it is there for those from
    begin[s] to end[s], its core. A window's core begins where that of the window before ends.
    """

    def __init__(self, text, N, V, which, margin, begin, end, first, stop):
        self.starts, ids = text[1], text[0]
        self.which, self.margin, self.in_logs = which, margin, False
        self.make = partial(_batches, text, N, V)
        self.length, self.is_cut = stop - first, bool((first < begin).any())
        self.place = first + np.arange(self.length.max())[:, None]  # (T, S)
        self.ids = np.where(self.place < stop, ids.take(self.place, mode="clip"), V)
        self.kept = (self.place >= begin) & (self.place < end)

    def replace(self, safe):
        """Return batches of the same sequences: with wider windows, or with logarithms."""
        if self.is_cut:
            return self.make(self.which, 4 * self.margin)
        parts = self.make(self.which[~safe], self.margin)
        for part in parts:
            part.in_logs = True
        return parts + self.make(self.which[safe], self.margin)

    def agrees(self, x, **tolerance):
        """Return True if each window ends its core with what the next one found there."""
        return np.isclose(*self.joints(x), **{"rtol": 0, "atol": 0, **tolerance}).all()

    def joints(self, x):
        """Return x, shape (T, ..., S), at the last step of each core, from both windows."""
        begin = self.kept.argmax(axis=0)
        end, next_ = begin + self.kept.sum(axis=0), np.flatnonzero(begin)
        return x[end[next_ - 1] - 1, ..., next_ - 1], x[begin[next_] - 1, ..., next_]

    def refuse_impossible(self, possible):
        """Raise a ValueError that names a sequence with a symbol that is not possible."""
        where = self.place[self.kept & ~possible]
        if where.size:
            k = np.searchsorted(self.starts, where.min(), side="right") - 1
            raise ValueError(
                f"sequence {k} is impossible under the model from index "
                f"{where.min() - self.starts[k]} on (smooth the counts from which it comes)"
            )


def _batches(text, N, V, which=None, margin=40):
    """Return batches of sequences: the long ones cut into windows, the others by length."""
    ids, first, end = text
    which = np.arange(len(first)) if which is None else which
    which = which[np.argsort(first[which] - end[which], kind="stable")]  # the longest first
    length, batches = (end - first)[which], []
    core = max(8 * margin, len(ids) // 200)
    long, which = np.split(which, [np.count_nonzero(length > 2 * core)])
    if long.size:
        pieces = -(-(end - first)[long] // core)
        lo, hi = np.repeat(first[long], pieces), np.repeat(end[long], pieces)
        begin = lo + core * (np.arange(len(lo)) - np.repeat(np.cumsum(pieces) - pieces, pieces))
        stop = np.minimum(begin + core, hi)
        around = np.maximum(begin - margin, lo), np.minimum(stop + margin, hi)
        batches.append(_Batch(text, N, V, long, margin, begin, stop, *around))
    while which.size:
        length = (end - first)[which]
        # Products of at most 2**18 multiplications stay on one thread: no other has to wake.
        n = min(np.count_nonzero(2 * length >= length[0]), max(250, min(4096, 2**18 // N**2)))
        now, which = np.split(which, [n])
        bounds = first[now], end[now]
        batches.append(_Batch(text, N, V, now, margin, *bounds, *bounds))
    return batches


def _solve(batches, method):
    """Yield what a method finds for each batch, or for those that it puts in its place."""
    k = 0
    while k < len(batches):
        found = method(batches[k])
        if isinstance(found, list):  # kept there for the next time
            batches[k : k + 1] = found
        else:
            yield found
            k += 1


def _concatenate(sequences, V):
    """Return the symbols of S sequences in one array, and where each begins and ends."""
    arrays = [np.asarray(ids) if type(ids) in (list, tuple) else ids for ids in sequences]
    if not arrays:
        raise ValueError("sequences must hold at least one sequence, got none")
    plain = all(type(a) is np.ndarray and a.ndim == 1 and a.dtype.kind in "iu" for a in arrays)
    # Signed with unsigned integers would make floats; what is too large is negative then.
    ids = np.concatenate(arrays, dtype=np.int64, casting="unsafe") if plain else None
    if not plain or not all(map(len, arrays)) or ids.min() < 0 or ids.max() >= V:
        for k, array in enumerate(arrays):
            if np.ndim(array) == 0 and not isinstance(array, str):
                raise TypeError(f"sequences must be a list of them, got {array!r} (write [ids])")
            try:
                arrays[k] = token_ids(array, V, 1).astype(np.int64)
            except (TypeError, ValueError) as error:
                raise type(error)(f"sequence {k}: {error}") from error
        ids = np.concatenate(arrays)
    end = np.cumsum([len(array) for array in arrays])
    return ids, np.append(0, end[:-1]), end


def _distributions(name, array):
    """Return rows of probabilities as float64, each scaled to sum to 1; refuse what is far off."""
    if array.min() < 0:
        raise ValueError(f"{name} must hold probabilities, got {array.min()}")
    array = array.astype(float)
    total = array.sum(axis=-1, keepdims=True)
    off = np.abs(total - 1).ravel()
    if off.max() > 1e-6:
        k = off.argmax()
        row = f"row {k} of {name}" if array.ndim == 2 else name
        advice = "divide it by its sum" if total.flat[k] else "give it a uniform row, or smooth"
        raise ValueError(f"{row} must sum to 1, got {total.flat[k]:.6g} ({advice})")
    return array / total


def _shares(counts, smoothing, otherwise):
    """Return counts, with ``smoothing`` added, divided by the sums of their rows.

    Rows without counts are taken from ``otherwise``.
    """
    smoothing = float(shaped("smoothing", smoothing, ""))
    if smoothing < 0:
        raise ValueError(f"smoothing must be at least 0, got {smoothing} (it is added to counts)")
    counts = counts + smoothing
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), otherwise)


def _cumulative(p):
    p = np.cumsum(p, axis=-1)
    return p / p[..., -1:]


def _log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def _top(logs, axis=0):
    """Return the largest logarithms along an axis, or 0 where all are those of 0."""
    top = logs.max(axis=axis, keepdims=True)
    return np.where(top > -np.inf, top, 0)


def _log_sum(logs):
    """Return the logarithms of sums over the first axis, from those of the terms."""
    top = _top(logs)
    return top[0] + _log(np.exp(logs - top).sum(axis=0))
