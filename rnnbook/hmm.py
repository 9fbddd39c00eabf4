"""The hidden Markov model: likelihoods, states, best paths, and learning.

The recursions run over sequences side by side: arrays are (states, sequences), and a step is one
product for all of them. A long sequence is cut into overlapping windows, which run side by side
too. Where two do not agree to 1e-11, wider ones take their place, at last the whole sequence.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import number, shaped, whole
from rnnbook._machine import one_thread
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
        (states, first, end), (ids, _, other) = _join(states, N, "states"), _join(sequences, V)
        if end.tolist() != other.tolist():
            raise ValueError(
                f"states and sequences must have the same lengths, got {len(end)} sequences "
                f"with {len(states)} states and {len(other)} with {len(ids)} symbols"
            )
        later = np.delete(np.arange(len(ids)), first)
        pairs = np.bincount(states[later - 1] * N + states[later], minlength=N * N)
        gave = np.bincount(states * V + ids, minlength=N * V)
        counts = np.bincount(states[first], minlength=N), pairs.reshape(N, N), gave.reshape(N, V)
        return cls(*(_shares(c, smoothing, 1 / c.shape[-1]) for c in counts))

    def log_probabilities(self, ids: ArrayLike) -> np.ndarray:
        """Return each symbol's log-probability, (n,): from the first impossible one on, -inf."""
        ids = token_ids(ids, self.V)
        return self._states([ids], refuse=False)[1] if len(ids) else np.empty(0)

    def log_likelihoods(self, sequences: Sequences) -> np.ndarray:
        """Return the log-likelihood of each sequence, shape (S,); -inf if it is impossible."""
        _, log_c, first = self._states(sequences, refuse=False)
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
        states, ids = np.empty(n, np.int64), np.empty(n, np.int64)
        # Sums of probabilities; the last, which is 1, bounds nothing.
        bounds = np.cumsum(self._next_state(context))[:-1]
        rows = np.cumsum(self.transitions, axis=1)[:, :-1]
        for t, u in enumerate(draws[0]):
            states[t] = np.searchsorted(bounds, u, side="right")
            bounds = rows[states[t]]
        for i, bounds in enumerate(np.cumsum(self.emissions, axis=1)[:, :-1]):
            ids[states == i] = np.searchsorted(bounds, draws[1, states == i], side="right")
        return ids, states

    def filter(self, sequences: Sequences) -> list[np.ndarray]:
        """Return the probability of each state at each step, (n, N), given the symbols up to it.

        This is what the model carries from step to step, as a network does its hidden state.
        """
        return self._states(sequences)[0]

    def posterior(self, sequences: Sequences) -> list[np.ndarray]:
        """Return as :meth:`filter` the probability of each state, but given all symbols."""
        return self._states(sequences, smooth=True)[0]

    def viterbi(self, sequences: Sequences) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the best path of each sequence: the states most probable together.

        Return the paths, each (n,), and the log-probability of each together with its symbols,
        (S,). Of equally good paths, rounding decides. After Viterbi (1967).
        """
        ids, first, _ = text = _join(sequences, self.V)
        path = np.empty(len(ids), np.int64)
        for batch, best in self._solve(self._batches(text), self._best_paths):
            path[batch.place[batch.kept]] = best[batch.kept]
        log_start, log_a, log_b = map(_log, (self.start, self.transitions, self.emissions))
        came = np.append(0, log_a[path[:-1], path[1:]])
        came[first] = log_start[path[first]]
        log_p = np.add.reduceat(came + log_b[path, ids], first)
        if log_p.min() == -np.inf:
            self._states(sequences)  # refuses them
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
        batches, log_c = list(self._batches(text)), np.empty(len(text[0]))
        for _ in range(whole("iterations", iterations)):
            old = model.start, model.transitions, model.emissions
            start, pairs, gave = counts = [np.zeros(array.shape) for array in old]
            for batch, (gamma, logs, found) in model._solve(batches, model._infer, True):
                log_c[batch.place[batch.kept]] = logs[batch.kept]
                start += gamma[0][:, batch.kept[0]].sum(axis=1)
                pairs += found
                ids = np.where(batch.kept, batch.ids, self.V).ravel()
                gave += [np.bincount(ids, p.ravel(), self.V + 1)[:-1] for p in gamma.swapaxes(0, 1)]
            if log_c.min() == -np.inf:
                model._states(sequences)  # refuses them
            history.append(float(log_c.sum()))
            model = HMM(*(_shares(c, smoothing, o) for c, o in zip(counts, old, strict=True)))
        return model, history

    def _next_state(self, context):
        context = token_ids(context, self.V, name="context")
        return self.filter([context])[0][-1] @ self.transitions if len(context) else self.start

    def _states(self, sequences, smooth=False, refuse=True):
        """Return α or γ of each sequence, (n, N), all log c, and where each sequence begins."""
        ids, first, _ = text = _join(sequences, self.V)
        p, log_c = np.empty((len(ids), self.N)), np.empty(len(ids))
        for batch, (x, logs, _) in self._solve(self._batches(text), self._infer, smooth):
            place = batch.place[batch.kept]
            p[place], log_c[place] = x.transpose(0, 2, 1)[batch.kept], logs[batch.kept]
        if refuse and log_c.min() == -np.inf:
            k = np.searchsorted(first, log_c.argmin(), side="right") - 1
            raise ValueError(
                f"sequence {k} is impossible under the model from index "
                f"{log_c.argmin() - first[k]} on (smooth the counts from which it comes)"
            )
        return np.split(p, first[1:]), log_c, first

    def _solve(self, batches, method, *options):
        """Yield each batch, or those with wider windows in its place, with what a method finds."""
        for batch in batches:
            with one_thread(self.N**2 * batch.ids.shape[1]):
                found = method(batch, *options)
            if found is not None:
                yield batch, found
            else:
                wider = self._batches(batch.text, 4 * batch.margin, np.unique(batch.which))
                yield from self._solve(wider, method, *options)

    def _infer(self, batch, smooth):
        """Return α or γ, log c and the expected transitions, or None: the windows are too small."""
        b = np.column_stack([self.emissions, np.ones(self.N)])
        largest = b.max(axis=0)
        b /= np.where(largest > 0, largest, 1)
        x, c = self._forward(batch, b)
        lost = self._find_lost(batch, b, x, c)
        if not batch.agrees(x) or (lost.any() and not batch.kept[0].all()):
            return None
        log_c = np.minimum(_log(c) + _log(largest)[batch.ids], 0)  # rounding may give more than 1
        pairs = self._backward(batch, batch.kept & ~lost, b, x, c) if smooth else 0
        if lost.any():
            x[..., lost], log_c[:, lost], more = self._infer_in_logs(batch, lost, smooth)
            pairs += more
        return (x, log_c, pairs) if batch.agrees(x) else None

    def _forward(self, batch, b):
        """Return α, shape (T, N, S), and c, shape (T, S)."""
        T, S = batch.ids.shape
        x, c, b_t = np.empty((T, self.N, S)), np.empty((T, S)), np.empty((self.N, S))
        x[0] = np.where(batch.kept[0], self.start[:, None], 1 / self.N)
        to = np.ascontiguousarray(self.transitions.T)
        for t, ids in enumerate(batch.ids):
            if t:
                np.matmul(to, x[t - 1], out=x[t])
            x[t] *= np.take(b, ids, axis=1, out=b_t, mode="wrap")
            np.add.reduce(x[t], axis=0, out=c[t])
            x[t] *= 1 / np.maximum(c[t], LEAST**0.5)
        return x, c

    def _backward(self, batch, kept, b, x, c):
        """Turn α into γ, and return the expected transitions, shape (N, N)."""
        pairs, beta, to = np.zeros((self.N, self.N)), np.ones(x.shape[1:]), np.empty(x.shape[1:])
        for t in range(len(x) - 1, 0, -1):
            np.take(b, batch.ids[t], axis=1, out=to, mode="wrap")
            to *= beta
            to *= 1 / np.maximum(c[t], LEAST**0.5)
            if kept[t].any():
                pairs += x[t - 1] @ (to if kept[t].all() else to * kept[t]).T
            x[t] *= beta
            np.matmul(self.transitions, to, out=beta)
            np.minimum(beta, 1 / LEAST, out=beta)  # states that cannot be reached know no bound
        x[0] *= beta
        return self.transitions * pairs

    def _find_lost(self, batch, b, x, c):
        """Return True for each sequence in which a state that can be reached is all but lost."""
        lost = np.full(c.shape[1], False)
        if min(self.transitions.min(), c[0].min()) > LEAST**0.5:  # each state comes back from any
            return lost
        leads, possible = (self.transitions.T > 0).astype(np.float32), b > 0
        for t, ids in enumerate(batch.ids):
            ways = leads @ (x[t - 1] > 0) if t else np.where(batch.kept[0], self.start[:, None], 1)
            reached = (ways > 0) & possible[:, ids]
            lost |= (reached & ((x[t] < LEAST) | (c[t] < LEAST**0.5))).any(axis=0)
        return lost

    def _infer_in_logs(self, batch, lost, smooth):
        """Do as :meth:`_infer` with the logarithm of α, for some sequences that are not cut."""
        x, log_c = self._forward_in_logs(batch.ids[:, lost], batch.kept[0, lost], np.logaddexp)
        gamma, pairs, a = np.exp(x), np.zeros((self.N, self.N)), _log(self.transitions)
        for t in range(len(x) - 1, 0, -1) if smooth else ():
            ways = x[t - 1][:, None] + a[:, :, None]  # from i to j, given the symbols before t
            ways -= np.logaddexp.reduce(ways, axis=0).clip(-1e300)
            ways = np.exp(ways) * gamma[t]
            pairs += ways @ batch.kept[t, lost]
            gamma[t - 1] = ways.sum(axis=1)
        return gamma, log_c, pairs

    def _best_paths(self, batch):
        """Return the best paths, shape (T, S), or None: the windows are too small."""
        x, _ = self._forward_in_logs(batch.ids, batch.kept[0], np.maximum)
        (T, S), a, last = batch.ids.shape, _log(self.transitions), batch.length - 1
        path = np.tile(x[last, :, np.arange(S)].argmax(axis=1), (T, 1))
        for t in range(T - 2, -1, -1):
            ways = x[t] + a.take(path[t + 1], axis=1, mode="clip")
            path[t] = np.where(t < last, ways.argmax(axis=0), path[t])
        return path if batch.agrees(x, atol=1e-11) and batch.agrees(path) else None

    def _forward_in_logs(self, ids, begins, add):
        """Return log α and log c; where ``add`` takes the larger of two, those of best paths."""
        (T, S), N = ids.shape, self.N
        to = _log(self.transitions.T)[:, :, None]
        b = _log(np.column_stack([self.emissions, np.ones(N)]))
        k = min(N, max(1, CACHED // (N * S)))  # states whose sums stay in the cache
        x, log_c, sums = np.empty((T, N, S)), np.empty((T, S)), np.empty((k, N, S))
        x[0] = np.where(begins, _log(self.start)[:, None], 0)
        for t in range(T):
            for j in range(0, N, k) if t else ():
                ways = np.add(x[t - 1], to[j : j + k], out=sums[: N - j])
                add.reduce(ways, axis=1, out=x[t, j : j + k])
            x[t] += b.take(ids[t], axis=1, mode="wrap")
            add.reduce(x[t], axis=0, out=log_c[t])
            x[t] -= log_c[t].clip(-1e300)  # of an impossible sequence: -inf
        return x, log_c

    def _batches(self, text, margin=40, which=slice(None)):
        """Yield batches of these sequences: long ones cut into windows, the others by length."""
        ids, first, end = text
        which = np.arange(len(first))[which]
        which = which[np.argsort(first[which] - end[which], kind="stable")]  # the longest first
        # Symbols around a core are worked out twice: cheap with few states, not with many.
        core = max(margin * min(8, max(1, self.N // 4)), len(ids) // 200)
        long, which = np.split(which, [np.count_nonzero((end - first)[which] > 2 * core)])
        if long.size:
            begin = np.concatenate([np.arange(first[k], end[k], core) for k in long])
            yield _Batch(text, margin, begin, core)
        while which.size:
            length = (end - first)[which]
            n = min(np.count_nonzero(2 * length >= length[0]), max(250, CACHED // (4 * self.N)))
            now, which = np.split(which, [n])
            yield _Batch(text, margin, first[now], len(ids))


class _Batch:
    """Sequences, or overlapping windows of long ones, side by side; shorter ones are padded.

    ``kept`` is a window's core, which begins where that of the window before ends. Around it are
    ``margin`` more symbols, as far as the sequence reaches.
    """

    def __init__(self, text, margin, begin, core):
        ids, firsts, ends = self.text = text
        self.margin = margin
        self.which = np.searchsorted(firsts, begin, side="right") - 1  # each column's sequence
        first, stop = firsts[self.which], ends[self.which]
        end = np.minimum(begin + core, stop)
        first, stop = np.maximum(first, begin - margin), np.minimum(stop, end + margin)
        self.length = stop - first
        self.place = first + np.arange(self.length.max())[:, None]  # (T, S), of all symbols
        self.ids = np.where(self.place < stop, ids.take(self.place, mode="clip"), -1)
        self.kept = (self.place >= begin) & (self.place < end)

    def agrees(self, x, atol=0):
        """Return True if each window ends its core with what the next one found there."""
        begin = self.kept.argmax(axis=0)
        end, after = begin + self.kept.sum(axis=0), np.flatnonzero(begin)
        one, other = x[end[after - 1] - 1, ..., after - 1], x[begin[after] - 1, ..., after]
        return np.allclose(one, other, 1e-12, atol)


def _join(sequences, V, name="sequences"):
    """Return the symbols of all sequences in one array, and where each begins and ends."""
    arrays = list(sequences)
    if not arrays:
        raise ValueError(f"{name} must hold at least one sequence, got none")
    if isinstance(arrays[0], int | np.integer):
        raise TypeError(f"{name} must be a list of sequences, got one of numbers (write [ids])")
    ids = None
    if all(type(a) is np.ndarray and a.ndim == 1 and a.dtype.kind in "iu" for a in arrays):
        ids = np.concatenate(arrays, dtype=np.int64, casting="unsafe")  # too large: negative
    if ids is None or not all(map(len, arrays)) or ids.min() < 0 or ids.max() >= V:
        arrays = [token_ids(a, V, 1, f"{name}[{k}]") for k, a in enumerate(arrays)]
        ids = np.concatenate(arrays, dtype=np.int64, casting="unsafe")
    end = np.cumsum([len(array) for array in arrays])
    return ids, np.append(0, end[:-1]), end


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


def _log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)
