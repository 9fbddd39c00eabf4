"""A language model in NumPy: it reads tokens, and gives the probability of the next one."""

from types import SimpleNamespace

import numpy as np

from rnnbook import text
from rnnbook._check import numbers, whole
from rnnbook.nn import feedforward, layers
from rnnbook.nn.losses import softmax
from rnnbook.text import checkpoints
from rnnbook.text.sampling import checked_settings
from rnnbook.text.writing import write

CELLS = {"rnn": layers.RNN, "lstm": layers.LSTM, "gru": layers.GRU}
KIND, VERSION = "rnnbook language model", 1
CHUNK = 1000  # tokens that are read in one call, to keep the memory small


class LanguageModel:
    r"""One recurrent layer between tokens and the probabilities of the next token.

    .. math::

        h_t = \mathrm{cell}(x_t, h_{t-1}), \qquad
        \hat y_t = \mathrm{softmax}(W_{hy} h_t + b_y),

    where x_t is the one-hot code of token t, or its embedding. Before the first token the
    state is zero, so that one is predicted with softmax(b_y).

    Parameters
    ----------
    vocabulary : rnnbook.text.Vocabulary, or int
        The tokens; or their number V alone, for a model of ids that stand for no text.
    H : int
        Size of the hidden state.
    cell : {"lstm", "gru", "rnn"}
        The recurrent layer.
    embedding : int, optional
        Size of the embedding; None reads one-hot codes, by a look-up.
    dropout : float
        Probability, in training, that a hidden state's number is set to 0 on its way to the
        output, from 0 to less than 1. The others grow by 1 / (1 - dropout).
    seed : int
        Seed of the first weights.
    dtype : {"float32", "float64"}
        The precision.

    Attributes
    ----------
    tokens : tuple of str, or None
        The vocabulary's tokens; None for a model of ids.
    V, H : int
        Vocabulary size, hidden size.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of its kind, or out of its range.
    """

    def __init__(
        self, vocabulary, H, cell="lstm", embedding=None, dropout=0.0, seed=0, dtype="float32"
    ):
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}; got {cell!r}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be >= 0 and < 1, got {dropout} (0 for none)")
        self.tokens, self.unit = (getattr(vocabulary, k, None) for k in ("tokens", "unit"))
        self.V = whole("vocabulary", vocabulary) if self.tokens is None else len(self.tokens)
        self.H, self.dropout = whole("H", H), dropout
        self.configuration = {
            "V": self.V, "H": self.H, "cell": cell, "embedding": embedding, "dropout": dropout,
            "seed": seed, "dtype": str(np.dtype(dtype)),
        }  # fmt: skip
        # Three streams of random numbers: from one, all layers would start with the same ones.
        seeds = np.random.SeedSequence(whole("seed", seed, 0)).generate_state(3).tolist()
        self.embedding = None
        if embedding is not None:
            embedding = whole("embedding", embedding)
            self.embedding = feedforward.Embedding(self.V, embedding, seeds[0], dtype)
        self.recurrent = CELLS[cell](embedding or self.V, H, seeds[1], dtype=dtype)
        self.dense = feedforward.Dense(H, self.V, seeds[2], dtype)
        self._kept = None

    def _layers(self):
        found = {"embedding": self.embedding, "recurrent": self.recurrent, "dense": self.dense}
        return {name: layer for name, layer in found.items() if layer is not None}

    @property
    def parameters(self):
        """The weights of all layers under "layer/name"; change them in place."""
        return {f"{n}/{k}": a for n, x in self._layers().items() for k, a in x.parameters.items()}

    @property
    def gradients(self):
        """The gradients that :meth:`backward` left, under the names of the parameters."""
        return {f"{n}/{k}": a for n, x in self._layers().items() for k, a in x.gradients.items()}

    def forward(self, ids, state=None, rng=None):
        """Return the logits of the token after each token.

        Parameters
        ----------
        ids : array_like of int, shape (B, T)
            The tokens.
        state : numpy.ndarray, optional
            The state before the first of them, as this method returns it. Zero by default.
        rng : numpy.random.Generator, optional
            Where dropout comes from. None, for any use but training, drops nothing.

        Returns
        -------
        logits : numpy.ndarray, shape (B, T, V)
            Their softmax is the distribution of the next token.
        state : numpy.ndarray, shape (B, H), for the LSTM (2, B, H)
            The state after the last token.

        Raises
        ------
        TypeError, ValueError
            If ids or state do not fit, or a number is no longer finite.
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

    def backward(self, dlogits):
        """Fill ``gradients`` from the gradient with respect to the last logits, (B, T, V)."""
        dh = self.dense.backward(dlogits)
        if self._kept is not None:
            dh *= self._kept
            dh /= 1 - self.dropout
        dx, _ = self.recurrent.backward(dh)
        if self.embedding is not None:
            self.embedding.backward(dx)

    def log_probabilities(self, ids):
        """Return the log-probability of each token of a text, given all those before it.

        Parameters
        ----------
        ids : array_like of int, shape (n,)
            The text, such as a held-out one. The state is carried through all of it.

        Returns
        -------
        numpy.ndarray, shape (n,)
            Natural logarithms, as those of :meth:`rnnbook.text.ngram.NGram.log_probabilities`.

        Raises
        ------
        TypeError, ValueError
            If the ids are not whole numbers on one axis from 0 to V - 1, or a weight is NaN.
        """
        ids = text.token_ids(ids, self.V)
        log_p, state = np.empty(len(ids)), None
        log_p[:1] = np.log(self.next_probabilities([])[ids[:1]])
        for t in range(0, len(ids) - 1, CHUNK):
            targets = ids[t + 1 : t + 1 + CHUNK]
            logits, state = self.forward(ids[None, t : t + len(targets)], state)
            z = logits[0] - logits[0].max(axis=1, keepdims=True)
            of_target = z[np.arange(len(z)), targets]
            log_p[t + 1 : t + 1 + len(z)] = of_target - np.log(np.exp(z).sum(axis=1))
        return numbers("log_p", log_p)

    def next_probabilities(self, context):
        """Return the probability of each token of the vocabulary after a context.

        Parameters
        ----------
        context : array_like of int, shape (n,)
            The tokens before, none or many.

        Returns
        -------
        numpy.ndarray, shape (V,)
            Probabilities; their sum is 1.

        Raises
        ------
        TypeError, ValueError
            If the context is not whole numbers on one axis from 0 to V - 1.
        """
        state = self._read(context)
        h = state[0] if state.ndim == 3 else state
        return softmax(self.dense.forward(h[:, None]))[0, 0]

    def _read(self, context):
        """Return the state after a context, for B = 1."""
        context = text.token_ids(context, self.V)
        two = (2,) if isinstance(self.recurrent, layers.LSTM) else ()
        state = np.zeros((*two, 1, self.H), self.recurrent.dtype)
        for t in range(0, len(context), CHUNK):
            _, state = self.forward(context[None, t : t + CHUNK], state)
        return state

    def inputs(self):
        """Return what the recurrent layer hears for each token, shape (V, D)."""
        if self.embedding is None:
            return np.eye(self.V, dtype=self.recurrent.dtype)
        return self.embedding.parameters["E"]

    def sample(self, n, seed, context=(), temperature=1.0, top_k=None, top_p=None, samples=None):
        """Draw tokens one after another from the model.

        Parameters
        ----------
        n, seed : int
            Tokens to draw, and the seed of the random numbers.
        context : array_like of int, shape (m,)
            The tokens to go on from. None by default.
        temperature, top_k, top_p
            As in :func:`rnnbook.text.sampling.distribution`; ``top_k=1`` is greedy.
        samples : int, optional
            How many texts S to draw at once. Text number s has the random numbers of the seed
            and s, whatever S is, so it is the same but where rounding decides.

        Returns
        -------
        numpy.ndarray of int, shape (n,), or with ``samples`` (S, n)
            The tokens drawn, without the context.

        Raises
        ------
        TypeError, ValueError
            If an argument is out of its range.
        """
        settings = temperature, *checked_settings(temperature, top_k, top_p)
        S = 1 if samples is None else whole("samples", samples)
        seed = whole("seed", seed, 0)
        rngs = [np.random.default_rng([seed, s]) for s in range(S)]
        state = np.repeat(self._read(context), S, axis=-2)
        ids = write(self, state, whole("n", n), rngs, *settings)
        return ids[0] if samples is None else ids

    def generate(self, n, prompt="", seed=0, **settings):
        """Write texts that go on from a prompt.

        Parameters
        ----------
        n, prompt, seed : int, str, int
            Tokens to write, the text before them, and the seed of the random numbers. What
            the vocabulary lacks is read as the unknown token.
        **settings
            ``temperature``, ``top_k``, ``top_p`` and ``samples``, as in :meth:`sample`.

        Returns
        -------
        str, or with ``samples`` a list of str
            The prompt, and what follows.

        Raises
        ------
        TypeError, ValueError
            If an argument is out of its range, or the model has no vocabulary.
        """
        context = self.encode(prompt)
        ids = self.sample(n, seed, context, **settings)
        # Read together with the prompt's tokens, the first one has its space before it, or none.
        texts = [[self.tokens[i] for i in [*context, *row]] for row in np.atleast_2d(ids)]
        read = len(text.join(texts[0][: len(context)], self.unit))
        texts = [prompt + text.join(tokens, self.unit)[read:] for tokens in texts]
        return texts[0] if ids.ndim == 1 else texts

    def encode(self, string):
        """Turn a text into ids, as the model's vocabulary does: 0 is the unknown token."""
        if self.tokens is None:
            raise ValueError("the model has no vocabulary, only ids (use sample, not generate)")
        number = {token: i for i, token in enumerate(self.tokens)}
        return np.array([number.get(t, 0) for t in text.tokens(string, self.unit)], np.int32)

    def save(self, path):
        """Write weights, configuration and tokens to one ``.npz`` file, whole or not at all."""
        description = {"configuration": self.configuration}
        if self.tokens is not None:
            description |= {"tokens": self.tokens, "unit": self.unit}
        checkpoints.save(path, KIND, VERSION, self.parameters, description)

    @classmethod
    def load(cls, path):
        """Return the model that :meth:`save` wrote: with its vocabulary, so it writes at once.

        A file that is missing, damaged, foreign, or of a newer version raises an error that
        says so.
        """
        arrays, description = checkpoints.load(path, KIND, VERSION)
        configuration = dict(description["configuration"])
        vocabulary = configuration.pop("V")
        if "tokens" in description:
            tokens = tuple(description["tokens"])
            vocabulary = SimpleNamespace(tokens=tokens, unit=description["unit"])
        model = cls(vocabulary, **configuration)
        checkpoints.restore(model.parameters, arrays)
        return model
