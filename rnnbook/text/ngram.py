"""Language models that only count: the line beside which every network's result stands."""

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import whole
from rnnbook.text import token_ids


class NGram:
    r"""An interpolated n-gram language model with Witten-Bell smoothing.

    Like every language model of the course (:class:`rnnbook.text.language_model.LanguageModel`,
    :class:`rnnbook.hmm.HMM`, :class:`rnnbook.keras.Generator`) it has the three methods below.

    A context c of k - 1 tokens was followed count(c) times, by types(c) different tokens,
    w among them count(c, w) times. With c' for the context without its oldest token,

    .. math::

        p_k(w \mid c) = \frac{\mathrm{count}(c, w) + \mathrm{types}(c)\, p'}
        {\mathrm{count}(c) + \mathrm{types}(c)}

    where p' is p_{k-1}(w | c'), and p_0(w) = 1 / V. A context that was never followed by anything
    passes on p_{k-1}. So no token has probability zero. After Witten and Bell (1991), method C, in
    the interpolated form of Chen and Goodman (1999).

    The training text, ids (n,), has at least ``order`` tokens, at least 1. ``order`` is the n of
    "n-gram": 0 is uniform, 1 the unigram model, and a 5-gram model looks at the 4 tokens before.

    >>> model = NGram([0, 1, 0, 2, 0, 1], order=2, V=3)
    >>> model
    NGram(order=2, V=3)
    >>> model.next_probabilities([2, 0]).round(3)  # after 0 came 1 twice, and 2 once
    array([0.178, 0.533, 0.289])
    """

    def __init__(self, ids: ArrayLike, order: int, V: int):
        self.order, self.V = whole("order", order, 0), whole("V", V)
        ids = token_ids(ids, self.V, max(self.order, 1)).astype(np.int64)
        if self.V * len(ids) > 2**62:  # contexts times V must fit into 64 bits
            raise ValueError(f"V must be at most {2**62 // len(ids)} for such a text, got {V}")
        self._levels = []
        context, contexts = np.zeros(len(ids), np.int64), 1  # the one empty context
        for _ in range(self.order):
            # A gram is numbered by its place among the sorted keys of its length: this gives the
            # counts that a dict for each context would give, only faster.
            key = context * self.V + ids[-len(context) :]
            keys, gram, counts = np.unique(key, return_inverse=True, return_counts=True)
            self._levels.append(_Level(keys, counts, contexts, self.V))
            context, contexts = gram[:-1], len(keys)  # the gram that ends one token earlier

    def __repr__(self):
        return f"NGram(order={self.order}, V={self.V})"

    def log_probabilities(self, ids: ArrayLike) -> np.ndarray:
        """Return the natural log-probability, (n,), of each token of a text, given those before it.

        Its first tokens have shorter contexts. Minus the mean is the cross-entropy in nats.
        """
        ids = token_ids(ids, self.V)
        p = np.full(len(ids), 1 / self.V)
        context = np.zeros(len(ids), np.int64)  # of each token; -1: never seen
        for level in self._levels:
            p, gram = level.interpolate(p, context, ids)
            context = np.concatenate([[-1], gram[:-1]])[: len(ids)]
        return np.log(p)

    def next_probabilities(self, context: ArrayLike) -> np.ndarray:
        """Return the probability, (V,), of each token of the vocabulary after a context, (n,).

        Of the tokens before, none or many, the last ``order - 1`` count.
        """
        context = token_ids(context, self.V)
        p = np.full(self.V, 1 / self.V)
        for k, level in enumerate(self._levels[: len(context) + 1]):
            place = np.zeros(self.V, np.int64)
            for shorter, token in zip(self._levels, context[len(context) - k :], strict=False):
                place[:] = shorter.find(place[:1], token)
            p, _ = level.interpolate(p, place, np.arange(self.V))
        return p

    def sample(self, n: int, context: ArrayLike = (), seed: int = 0) -> np.ndarray:
        """Draw n tokens one after another, (n,), that go on from a context, (m,)."""
        rng = np.random.default_rng(whole("seed", seed, 0))
        drawn = token_ids(context, self.V).tolist()
        start = len(drawn)
        for _ in range(whole("n", n)):
            seen = drawn[max(0, len(drawn) - self.order + 1) :]
            drawn.append(rng.choice(self.V, p=self.next_probabilities(seen)))
        return np.array(drawn[start:])


class _Level:
    """The counts of all grams of one length: sorted keys, which are context * V + token."""

    def __init__(self, keys, counts, contexts, V):
        self.keys, self.counts, self.V = keys, counts, V
        context = keys // V
        # One more than there are: the last, at -1, is a context that was never seen.
        self.followed = np.bincount(context, counts, contexts + 1)  # count(c)
        self.types = np.bincount(context, minlength=contexts + 1)  # types(c)

    def find(self, context, token):
        """Return the number of each gram, or -1 where it was never seen."""
        context, token = np.broadcast_arrays(context, token)
        key = np.where(context < 0, -1, context * self.V + token)
        gram = np.searchsorted(self.keys, key).clip(max=len(self.keys) - 1)
        return np.where(self.keys[gram] == key, gram, -1)

    def interpolate(self, p, context, token):
        """Return p_k of each token from its p_{k-1}, and the gram that it ends."""
        gram = self.find(context, token)
        types, total = self.types[context], self.followed[context] + self.types[context]
        count = np.where(gram < 0, 0, self.counts[gram])
        # A context that was never seen, or only at the text's end, has no counts.
        return np.divide(count + types * p, total, out=p.copy(), where=types > 0), gram
