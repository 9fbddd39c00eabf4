"""The hidden Markov model: likelihoods, states, best paths, and learning.

The recursions run over sequences side by side: arrays are (states, sequences), and a step is one
product for all of them. A long sequence is cut into overlapping windows, which run side by side
too. Where two windows do not agree to 1e-11, wider ones take their place, or the whole sequence.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._blas import one_thread
from rnnbook._check import number, shaped, whole
from rnnbook.text import token_ids

LEAST = 1e-180  # a state that can be reached and is less probable needs logarithms
CACHED = 2**17  # so many numbers stay in the cache
Sequences = Sequence[ArrayLike]


class HMM:
    r"""A hidden Markov model with N states and V symbols.

    ``start``, (N,), holds the probability π_i of each state i at the first step, row i of
    ``transitions``, (N, N), those of each state after state i, a_ij, and row i of ``emissions``,
    (N, V), those of each symbol in state i, b_i(x).

    What only such a model has (``filter``, ``posterior``, ``viterbi``, ``log_likelihoods``,
    ``baum_welch``, ``count_labeled``) takes a list of S sequences and returns one entry a
    sequence; an impossible one is refused, except by ``log_likelihoods``. What all language models
    have takes one text, as in :class:`~rnnbook.text.ngram.NGram`.

    After Rabiner (1989): α_t is the probability of each state given the symbols up to t, c_t that
    of symbol t given those before, and β is 1 at the end.

    .. math::

        c_t\, \alpha_t(j) = b_j(x_t) \sum_i \alpha_{t-1}(i)\, a_{ij}, \qquad
        \beta_{t-1}(i) = \sum_j a_{ij}\, b_j(x_t)\, \beta_t(j) / c_t

    γ_t(i) = α_t(i) β_t(i) is the probability of state i given all symbols. A state that can be
    reached but falls below 1e-180 of the total, as among states that are never left, would be lost.
    Such sequences are computed with logarithms: exact, and some 20 times slower.

    >>> coins = HMM([0.5, 0.5], [[0.8, 0.2], [0.2, 0.8]], [[0.5, 0.5], [0.9, 0.1]])
    >>> coins
    HMM(N=2, V=2)
    >>> coins.viterbi([[0, 0, 1], [0, 0]])[0]
    [array([0, 0, 0]), array([1, 1])]
    >>> coins.next_probabilities([0, 0]).round(2)
    array([0.75, 0.25])
    >>> learned, history = coins.baum_welch([coins.sample(99, seed=1)], iterations=5)
    >>> history == sorted(history)
    True
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
        """Return a model with random rows, each as likely as any other: a start for learning."""
        rng = np.random.default_rng(whole("seed", seed, 0))
        N, V = whole("N", N), whole("V", V)
        return cls(*(rng.dirichlet(np.ones(k), n) for k, n in [(N, None), (N, N), (V, N)]))

    @classmethod
    def count_labeled(
        cls, states: Sequences, sequences: Sequences, N: int, V: int, smoothing: float = 0
    ) -> "HMM":
        """Return the model of sequences whose symbols have known states, from 0 to N - 1.

        Its rows are the shares of what occurs, with ``smoothing``, 0 or more, added to each count.
        With 0, a symbol that a state never gave is impossible there, and a state that never occurs,
        or is never left, has a uniform row.
        """
        N, V = whole("N", N), whole("V", V)
        (states, first, _), (ids, others, _) = _join(states, N), _join(sequences, V)
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
        """Return each symbol's log-probability, (n,): from the first impossible one on, -inf."""
        ids = token_ids(ids, self.V)
        return self._states([ids])[1] if len(ids) else np.empty(0)

    def log_likelihoods(self, sequences: Sequences) -> np.ndarray:
        """Return the log-likelihood of each sequence, shape (S,); -inf if it is impossible."""
        _, log_c, first = self._states(sequences)
        return np.add.reduceat(log_c, first)

    def next_probabilities(self, context: ArrayLike) -> np.ndarray:
        """Return the probability of each symbol after a context of any length, shape (V,)."""
        return self._next_state(context) @ self.emissions

    def sample(self, n: int, context: ArrayLike = (), seed: int = 0) -> np.ndarray:
        """Draw n symbols after a context, shape (n,)."""
        return self.sample_with_states(n, context, seed)[0]

    def sample_with_states(
        self, n: int, context: ArrayLike = (), seed: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw as :meth:`sample`, and return the symbols and their states, each of shape (n,)."""
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

    def filter(self, sequences: Sequences) -> list[np.ndarray]:
        """Return the probability of each state at each step, (n, N), given the symbols up to it.

        This is what the model carries from step to step, as a network does its hidden state.
        """
        return self._state_probabilities(sequences, smooth=False)

    def posterior(self, sequences: Sequences) -> list[np.ndarray]:
        """Return as :meth:`filter` the probability of each state, but given all symbols."""
        return self._state_probabilities(sequences, smooth=True)

    def viterbi(self, sequences: Sequences) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the best path of each sequence: the states most probable together.

        Return the paths, each (n,), and the log-probability of each together with its symbols,
        (S,). Of equally good paths, rounding decides. After Viterbi (1967).
        """
        ids, first, _ = text = _join(sequences, self.V)
        path = np.empty(len(ids), np.int64)
        for batch, best in _solve(self._batches(text), self._best_paths):
            path[batch.place[batch.kept]] = best[batch.kept]
        log_start, log_a, log_b = map(_log, (self.start, self.transitions, self.emissions))
        came = np.append(0, log_a[path[:-1], path[1:]])
        came[first] = log_start[path[first]]
        log_p = np.add.reduceat(came + log_b[path, ids], first)
        if log_p.min() == -np.inf:
            _refuse_impossible(*self._states(sequences)[1:])
        return np.split(path, first[1:]), log_p

    def baum_welch(
        self, sequences: Sequences, iterations: int, smoothing: float = 0
    ) -> tuple["HMM", list[float]]:
        """Learn from unlabeled sequences, from this model on (Baum et al., 1970).

        Each iteration takes the shares of the expected counts, with ``smoothing``, 0 or more, added
        to each. With 0 the likelihood never falls, and a symbol that does not occur becomes
        impossible. A state that is never visited, or never left, keeps its row. Return the learned
        model, and the log-likelihood of all sequences before each iteration.
        """
        text, model, history = _join(sequences, self.V), self, []
        batches, log_c = self._batches(text), np.empty(len(text[0]))
        for _ in range(whole("iterations", iterations)):
            old = model.start, model.transitions, model.emissions
            start, pairs, gave = counts = [np.zeros(array.shape) for array in old]
            for batch, gamma, logs, found in _solve(batches, partial(model._infer, smooth=True)):
                log_c[batch.place[batch.kept]] = logs[batch.kept]
                start += gamma[0][:, batch.kept[0]].sum(axis=1)
                pairs += found
                ids = np.where(batch.kept, batch.ids, self.V).ravel()
                for i in range(self.N):
                    gave[i] += np.bincount(ids, gamma[:, i].ravel(), self.V + 1)[: self.V]
            _refuse_impossible(log_c, text[1])
            history.append(float(log_c.sum()))
            model = HMM(*(_shares(c, smoothing, o) for c, o in zip(counts, old, strict=True)))
        return model, history

    def _states(self, sequences, smooth=False):
        """Return α or γ, shape (n, N), log c, shape (n,), and where each sequence begins."""
        text = _join(sequences, self.V)
        p, log_c = np.empty((len(text[0]), self.N)), np.empty(len(text[0]))
        solve = partial(self._infer, smooth=smooth)
        for batch, x, logs, _ in _solve(self._batches(text), solve):
            place = batch.place[batch.kept]
            p[place], log_c[place] = x.transpose(0, 2, 1)[batch.kept], logs[batch.kept]
        return p, log_c, text[1]

    def _batches(self, text):
        # The margin: in so many steps the transitions alone forget a state.
        sizes = np.sort(np.abs(np.linalg.eigvals(self.transitions)))[:-1]
        second = sizes.max(initial=0.0).clip(1e-9, 1 - 1e-9)
        margin = int(np.clip(np.log(1e-13) / np.log(second), 40, 1000))
        return _batches(text, self.N, self.V, margin, np.arange(len(text[1])))

    def _state_probabilities(self, sequences, smooth):
        p, log_c, first = self._states(sequences, smooth)
        _refuse_impossible(log_c, first)
        return np.split(p, first[1:])

    def _next_state(self, context):
        context = token_ids(context, self.V, name="context")
        return self.filter([context])[0][-1] @ self.transitions if len(context) else self.start

    def _padded_emissions(self):
        # V stands for a step after the end, which says nothing of the state.
        return np.column_stack([self.emissions, np.ones(self.N)])

    def _infer(self, batch, smooth):
        """Return the batch with α or γ, log c and counts, or what to solve in its place."""
        if batch.in_logs:
            return self._infer_in_logs(batch, smooth)
        b = self._padded_emissions()
        largest = b.max(axis=0)
        b /= np.where(largest > 0, largest, 1)
        x, c = self._forward(batch, b)
        safe = self._find_safe(batch, b, x, c)
        if not safe.all() or not batch.agrees(x, rtol=1e-12):
            return batch.replace(safe)
        log_c = np.minimum(_log(c) + _log(largest)[batch.ids], 0)  # rounding may give more than 1
        pairs = self._backward(batch, b, x, c) if smooth else None
        return (batch, x, log_c, pairs) if batch.agrees(x, rtol=1e-12) else batch.replace(safe)

    def _forward(self, batch, b):
        """Return α, shape (T, N, S), and c, shape (T, S)."""
        T, S = batch.ids.shape
        x, c, b_t = np.empty((T, self.N, S)), np.empty((T, S)), np.empty((self.N, S))
        x[0] = np.where(batch.kept[0], self.start[:, None], 1 / self.N)
        to = np.ascontiguousarray(self.transitions.T)
        for t, ids in enumerate(batch.ids):
            if t:
                np.matmul(to, x[t - 1], out=x[t])
            x[t] *= np.take(b, ids, axis=1, out=b_t, mode="clip")
            np.add.reduce(x[t], axis=0, out=c[t])
            x[t] *= 1 / np.where(c[t] > 0, c[t], 1)
        return x, c

    def _backward(self, batch, b, x, c):
        """Turn α into γ, and return the expected transitions, shape (N, N)."""
        pairs, beta, to = np.zeros((self.N, self.N)), np.ones(x.shape[1:]), np.empty(x.shape[1:])
        for t in range(len(x) - 1, 0, -1):
            np.take(b, batch.ids[t], axis=1, out=to, mode="clip")
            to *= beta
            to *= 1 / np.where(c[t] > 0, c[t], 1)
            np.minimum(to, LEAST**-1.5, out=to)  # states that cannot be reached know no bound
            kept = batch.kept[t]
            if kept.any():
                pairs += x[t - 1] @ (to if kept.all() else to * kept).T
            x[t] *= beta
            np.matmul(self.transitions, to, out=beta)
        x[0] *= beta
        return self.transitions * pairs

    def _find_safe(self, batch, b, x, c):
        """Return True for each sequence whose states have all a number where they can be."""
        safe = np.full(c.shape[1], True)
        if self.transitions.min() > LEAST**0.5:  # each state comes back from any other
            return safe
        leads, possible = (self.transitions.T > 0).astype(np.float32), b > 0
        ways = np.where(batch.kept[0], self.start[:, None], 1)
        for t, ids in enumerate(batch.ids):
            reached = (ways > 0) & possible[:, ids]
            safe &= ~(reached & ((x[t] < LEAST) | (c[t] < LEAST**0.5))).any(axis=0)
            ways = leads @ reached
        return safe

    def _infer_in_logs(self, batch, smooth):
        """Do as :meth:`_infer` with the logarithms of α and β, for sequences that are not cut."""
        a, b = _log(self.transitions)[:, :, None], _log(self._padded_emissions())
        c = np.empty(batch.ids.shape)
        x, pairs = np.empty((len(c), self.N, c.shape[1])), np.zeros((self.N, self.N))
        for t, ids in enumerate(batch.ids):
            before = np.logaddexp.reduce(x[t - 1][:, None] + a) if t else _log(self.start)[:, None]
            x[t] = before + b[:, ids]
            c[t] = np.logaddexp.reduce(x[t])
            x[t] -= _finite(c[t])
        if smooth:
            beta = np.zeros(x.shape[1:])
            for t in range(len(x) - 1, 0, -1):
                ways = a + (b[:, batch.ids[t]] + beta - _finite(c[t]))  # from i to j
                pairs += np.exp(x[t - 1][:, None] + ways) @ batch.kept[t]
                x[t] += beta
                beta = np.logaddexp.reduce(ways, axis=1)
            x[0] += beta
        return batch, np.exp(x, out=x), c, pairs

    def _best_paths(self, batch):
        """Return the batch with its best paths, shape (T, S), or what to solve in its place."""
        (T, S), N = batch.ids.shape, self.N
        a, b = _log(self.transitions), _log(self._padded_emissions())
        to = np.ascontiguousarray(a.T)[:, :, None]
        k = min(N, max(1, CACHED // (N * S)))  # states whose sums stay in the cache
        x, sums = np.empty((T, N, S)), np.empty((k, N, S))  # x: log δ
        x[0] = np.where(batch.kept[0], _log(self.start)[:, None], 0) + b[:, batch.ids[0]]
        for t in range(1, T):
            for j in range(0, N, k):
                ways = np.add(x[t - 1], to[j : j + k], out=sums[: N - j])
                np.maximum.reduce(ways, axis=1, out=x[t, j : j + k])
            x[t] += b.take(batch.ids[t], axis=1, mode="clip")
            x[t] -= _finite(x[t].max(axis=0))  # large numbers have fewer digits after the point
        last = batch.length - 1
        path = np.tile(x[last, :, np.arange(S)].argmax(axis=1), (T, 1))
        for t in range(T - 2, -1, -1):
            ways = a.take(path[t + 1], axis=1, mode="clip")
            ways += x[t]
            path[t] = np.where(t < last, ways.argmax(axis=0), path[t])
        agree = batch.agrees(x, atol=1e-11) and batch.agrees(path)
        return (batch, path) if agree else batch.replace()


class _Batch:
    """Sequences, or overlapping windows of long ones, side by side; shorter ones are padded.

    ``kept`` is a window's core, which begins where that of the window before ends. Around it the
    window holds ``margin`` more symbols, as far as the sequence reaches.
    """

    def __init__(self, text, N, V, margin, begin, core):
        ids, firsts, ends = text
        self.which = np.searchsorted(firsts, begin, side="right") - 1  # each column's sequence
        first, stop = firsts[self.which], ends[self.which]
        end = np.minimum(begin + core, stop)
        first, stop = np.maximum(first, begin - margin), np.minimum(stop, end + margin)
        self.again, self.margin = partial(_batches, text, N, V), margin
        self.in_logs, self.length = False, stop - first
        self.multiplications = N * N * len(first)  # of a step
        self.place = first + np.arange(self.length.max())[:, None]  # (T, S), of all symbols
        self.ids = np.where(self.place < stop, ids.take(self.place, mode="clip"), V)
        self.kept = (self.place >= begin) & (self.place < end)

    def agrees(self, x, rtol=0, atol=0):
        """Return True if each window ends its core with what the next one found there."""
        begin = self.kept.argmax(axis=0)
        end, after = begin + self.kept.sum(axis=0), np.flatnonzero(begin)
        one, other = x[end[after - 1] - 1, ..., after - 1], x[begin[after] - 1, ..., after]
        return np.isclose(one, other, rtol, atol).all()

    def replace(self, safe=None):
        """Return batches of the same sequences: with wider windows, or with logarithms."""
        if not self.kept[0].all():
            return self.again(4 * self.margin, np.unique(self.which))
        lost, others = (self.again(self.margin, self.which[part]) for part in (~safe, safe))
        for batch in lost:
            batch.in_logs = True
        return lost + others


def _batches(text, N, V, margin, which):
    """Return batches of sequences: the long ones cut into windows, the others by length."""
    ids, first, end = text
    which = which[np.argsort(first[which] - end[which], kind="stable")]  # the longest first
    # Symbols around a core are worked out twice: cheap with few states, not with many.
    core = max(margin * min(8, max(1, N // 4)), len(ids) // 200)
    long, which = np.split(which, [np.count_nonzero((end - first)[which] > 2 * core)])
    batches = []
    if long.size:
        begin = np.concatenate([np.arange(first[k], end[k], core) for k in long])
        batches.append(_Batch(text, N, V, margin, begin, core))
    while which.size:
        length = (end - first)[which]
        n = min(np.count_nonzero(2 * length >= length[0]), max(250, CACHED // (4 * N)))
        now, which = np.split(which, [n])
        batches.append(_Batch(text, N, V, margin, first[now], len(ids)))
    return batches


def _solve(batches, method):
    """Yield what a method finds for each batch, or for those that it puts in its place."""
    k = 0
    while k < len(batches):
        with one_thread(batches[k].multiplications):
            found = method(batches[k])
        if isinstance(found, list):  # kept there for the next time
            batches[k : k + 1] = found
        else:
            yield found
            k += 1


def _join(sequences, V):
    """Return the symbols of all sequences in one array, and where each begins and ends."""
    arrays = list(sequences)
    if not arrays:
        raise ValueError("sequences must hold at least one sequence, got none")
    if isinstance(arrays[0], int | np.integer):
        raise TypeError("sequences must be a list of sequences, got one of numbers (write [ids])")
    ids = None
    if all(type(a) is np.ndarray and a.ndim == 1 and a.dtype.kind in "iu" for a in arrays):
        ids = np.concatenate(arrays, dtype=np.int64, casting="unsafe")  # too large: negative
    if ids is None or not all(map(len, arrays)) or ids.min() < 0 or ids.max() >= V:
        arrays = [token_ids(a, V, 1, f"sequences[{k}]") for k, a in enumerate(arrays)]
        ids = np.concatenate(arrays, dtype=np.int64, casting="unsafe")
    end = np.cumsum([len(array) for array in arrays])
    return ids, np.append(0, end[:-1]), end


def _refuse_impossible(log_c, first):
    where = np.flatnonzero(log_c == -np.inf)
    if where.size:
        k = np.searchsorted(first, where[0], side="right") - 1
        raise ValueError(
            f"sequence {k} is impossible under the model from index {where[0] - first[k]} on "
            "(smooth the counts from which it comes)"
        )


def _distributions(name, array):
    """Return rows of probabilities as float64, each scaled to sum to 1; refuse what is far off."""
    if array.min() < 0:
        raise ValueError(f"{name} must hold probabilities, got {array.min()}")
    total = array.astype(float).sum(axis=-1, keepdims=True)
    k = np.abs(total - 1).argmax()
    if abs(total.flat[k] - 1) > 1e-6:
        row = f"row {k} of {name}" if array.ndim == 2 else name
        advice = "divide it by its sum" if total.flat[k] else "give it a uniform row, or smooth"
        raise ValueError(f"{row} must sum to 1, got {total.flat[k]:.6g} ({advice})")
    return array / total


def _shares(counts, smoothing, otherwise):
    """Return counts as shares of their rows' sums; rows without counts are ``otherwise``."""
    counts = counts + number("smoothing", smoothing, least=0)
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), otherwise)


def _cumulative(p):
    p = np.cumsum(p, axis=-1)
    return p / p[..., -1:]


def _log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def _finite(logs):
    return np.where(logs > -np.inf, logs, 0)
