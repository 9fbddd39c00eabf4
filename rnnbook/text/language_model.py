"""A language model in NumPy: it reads tokens, and gives the probability of the next one."""

import os
from types import SimpleNamespace

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import number, numbers, whole
from rnnbook._machine import one_thread
from rnnbook.nn.feedforward import Dense, Embedding
from rnnbook.nn.layers import GRU, LSTM, RNN
from rnnbook.nn.losses import softmax
from rnnbook.nn.training import Stack
from rnnbook.text import Vocabulary, checkpoints, token_ids
from rnnbook.text.sampling import checked_settings, gumbel, restricted
from rnnbook.text.writer import Writer

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
KIND, VERSION = "rnnbook language model", 1
CHUNK = 1000  # tokens that are read in one call, to keep the memory small
BLOCK = 256  # steps whose random numbers are drawn at once


class LanguageModel(Stack, Writer):
    r"""One recurrent layer between tokens and the probabilities of the next token.

    .. math::

        h_t = \mathrm{cell}(x_t, h_{t-1}), \qquad
        \hat y_t = \mathrm{softmax}(W_{hy} h_t + b_y),

    where x_t is the one-hot code of token t, or its embedding. Before the first token the
    state is zero, so that one is predicted with softmax(b_y).

    The vocabulary's ``tokens`` and ``unit`` are the model's too; of ids that stand for no text give
    their number V alone, then ``tokens`` is None. The cell is "lstm", "gru" or "rnn", and
    ``embedding`` the size of the embedding; None reads one-hot codes, by a look-up.

    ``dropout``, from 0 to less than 1, is the probability, in training, that a number of the hidden
    state is set to 0 on its way to the output. The others grow by 1 / (1 - dropout). Seed and dtype
    are those of the layers.

    >>> model = LanguageModel(5, H=4)
    >>> model
    LanguageModel(V=5, H=4, cell='lstm')
    >>> model.next_probabilities([3, 1]).shape, model.sample(8, context=[3, 1]).shape
    ((5,), (8,))
    """

    def __init__(
        self, vocabulary: Vocabulary | int, H: int, cell: str = "lstm",
        embedding: int | None = None, dropout: float = 0.0, seed: int = 0, dtype: str = "float32",
    ):  # fmt: skip
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}; got {cell!r}")
        self.tokens, self.unit = (getattr(vocabulary, k, None) for k in ("tokens", "unit"))
        self.V = whole("vocabulary", vocabulary) if self.tokens is None else len(self.tokens)
        self.H, self.dropout = whole("H", H), number("dropout", dropout, least=0, below=1)
        embedding = None if embedding is None else whole("embedding", embedding)
        seed, self._kept = whole("seed", seed, 0), None
        # A seed for each layer: from one, all would start with the same numbers.
        seeds = np.random.SeedSequence(seed).generate_state(3).tolist()
        layers = {}
        if embedding is not None:
            layers["embedding"] = Embedding(self.V, embedding, seeds[0], dtype)
        D = embedding or self.V
        self.recurrent = layers["recurrent"] = CELLS[cell](D, self.H, seeds[1], dtype=dtype)
        self.dense = layers["dense"] = Dense(self.H, self.V, seeds[2], dtype)
        self.embedding = layers.get("embedding")
        super().__init__(**layers)
        self.configuration = {
            "V": self.V, "H": self.H, "cell": cell, "embedding": embedding,
            "dropout": self.dropout, "seed": seed, "dtype": str(self.dense.dtype),
        }  # fmt: skip

    def __repr__(self):
        return f"LanguageModel(V={self.V}, H={self.H}, cell={self.configuration['cell']!r})"

    def forward(
        self, ids: ArrayLike, state: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Return the logits of the token after each token of ids (B, T), and the last state.

        The logits are (B, T, V). A state is (B, H), for the LSTM (2, B, H); the one before the
        first token is zero by default. Dropout comes from the rng; None, for any use but training,
        drops nothing.
        """
        x = ids if self.embedding is None else self.embedding.forward(ids)
        h, state = self.recurrent.forward(x, state)
        self._kept = None
        if rng is not None and self.dropout:
            B, T, H = h.shape  # drawn in the order in which h lies in memory
            self._kept = (rng.random((T, H, B), h.dtype) >= self.dropout).transpose(2, 0, 1)
            h = h * self._kept
            h /= 1 - self.dropout
        return self.dense.forward(h), state

    def backward(self, dlogits: ArrayLike) -> None:
        """Fill ``gradients`` from the gradient with respect to the last logits, (B, T, V)."""
        dh = self.dense.backward(dlogits)
        if self._kept is not None:
            dh *= self._kept
            dh /= 1 - self.dropout
        dx, _ = self.recurrent.backward(dh)
        if self.embedding is not None:
            self.embedding.backward(dx)

    def log_probabilities(self, ids: ArrayLike) -> np.ndarray:
        """See :meth:`rnnbook.text.ngram.NGram.log_probabilities`; all tokens before one count."""
        ids = token_ids(ids, self.V)
        log_p, state = np.empty(len(ids)), None
        log_p[:1] = np.log(self.next_probabilities([])[ids[:1]])
        for t in range(0, len(ids) - 1, CHUNK):
            targets = ids[t + 1 : t + 1 + CHUNK]
            logits, state = self.forward(ids[None, t : t + len(targets)], state)
            z = logits[0] - logits[0].max(axis=1, keepdims=True)
            of_target = z[np.arange(len(z)), targets]
            log_p[t + 1 : t + 1 + len(z)] = of_target - np.log(np.exp(z).sum(axis=1))
        return numbers("log_p", log_p)

    def next_probabilities(self, context: ArrayLike) -> np.ndarray:
        """See :meth:`rnnbook.text.ngram.NGram.next_probabilities`; all of the context counts."""
        h, *_ = self._read(context).reshape(-1, 1, 1, self.H)  # the LSTM's c is not read
        return softmax(self.dense.forward(h))[0, 0]

    def _read(self, context):
        """Return the state after a context, for B = 1."""
        context = token_ids(context, self.V)
        two = (2,) if self.recurrent.states == 2 else ()
        state = np.zeros((*two, 1, self.H), self.recurrent.dtype)
        for t in range(0, len(context), CHUNK):
            _, state = self.forward(context[None, t : t + CHUNK], state)
        return state

    def sample(
        self, n: int, context: ArrayLike = (), seed: int = 0, temperature: float = 1.0,
        top_k: int | None = None, top_p: float | None = None, samples: int | None = None,
    ) -> np.ndarray:  # fmt: skip
        """See :meth:`rnnbook.text.ngram.NGram.sample`; with ``samples``, S texts: (S, n).

        Text number s has the random numbers of the seed and s, whatever S is, so it is the same but
        where rounding decides. The rest is as in :func:`rnnbook.text.sampling.distribution`.
        """
        n, S = whole("n", n), 1 if samples is None else whole("samples", samples)
        seed, (top_k, top_p) = whole("seed", seed, 0), checked_settings(temperature, top_k, top_p)
        rngs = [np.random.default_rng([seed, s]) for s in range(S)]
        W_hy, b_y = (numbers(k, a) / float(temperature) for k, a in self.dense.parameters.items())
        x = None if self.embedding is None else self.embedding.parameters["E"]
        step = self.recurrent.stepper(np.repeat(self._read(context), S, axis=-2), x)
        h, ids = step(), np.empty((n, S), np.intp)  # h is (H, S)
        with one_thread(W_hy.size * S):
            for t in range(n):
                if t % BLOCK == 0:  # the random numbers of many steps at once: (BLOCK, S, V)
                    noise = [gumbel(rng, (min(BLOCK, n - t), self.V)) for rng in rngs]
                    noise = np.stack(noise, axis=1).astype(W_hy.dtype)
                logits = (W_hy @ h).T + b_y  # (S, V)
                scores = restricted(logits, top_k, top_p) + noise[t % BLOCK]
                h = step(scores.argmax(axis=1, out=ids[t]))
        return ids[:, 0] if samples is None else ids.T

    def save(self, path: str | os.PathLike) -> None:
        """Write weights, configuration and tokens to one ``.npz`` file, whole or not at all."""
        words = {"tokens": self.tokens, "unit": self.unit}
        description = {"configuration": self.configuration} | (words if self.tokens else {})
        checkpoints.save(path, KIND, VERSION, self.parameters, description)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "LanguageModel":
        """Return the model that :meth:`save` wrote: with its vocabulary, so it writes at once."""
        arrays, description = checkpoints.load(path, KIND, VERSION)
        with checkpoints.reading(path):
            configuration = dict(description["configuration"])
            vocabulary = V = configuration.pop("V")
            if description.get("tokens") is not None:
                tokens, unit = description["tokens"], description["unit"]
                vocabulary, V = SimpleNamespace(tokens=tuple(tokens), unit=unit), len(tokens)
            H, D = configuration["H"], configuration["embedding"] or 0
            stored = sum(array.size for array in arrays.values())
            if stored < H * (H + V) + D * (H + V):  # before such a model takes the memory
                raise ValueError(
                    f"{path} is damaged: {stored} numbers are too few for V = {V}, H = {H} "
                    "(restore it, or make it anew)"
                )
            model = cls(vocabulary, **configuration)
            checkpoints.restore(model.parameters, arrays)
        return model
