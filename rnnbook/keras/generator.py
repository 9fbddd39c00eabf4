"""A text generator in Keras: a language model that knows its tokens, and writes fast."""

from types import SimpleNamespace

import keras
import numpy as np

from rnnbook._check import numbers, whole
from rnnbook.keras.writing import BLOCK, Loop, block_loop
from rnnbook.text import token_ids
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.sampling import checked_settings, gumbel

CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


class Generator(keras.Sequential):
    """An embedding, recurrent layers, dropout, and the logits of the next token.

    It is a Keras model like any other: ``summary``, ``fit`` and ``save`` are Keras' own, and
    ``keras.models.load_model`` reads it back, tokens and all. It reads and writes text as
    :class:`rnnbook.text.language_model.LanguageModel` does.

    Parameters
    ----------
    vocabulary : rnnbook.text.Vocabulary
        The tokens: characters or words.
    H : int
        Units of each recurrent layer.
    cell : {"lstm", "gru", "rnn"}
        Their kind.
    layers : int
        How many of them, one on top of the other.
    embedding : int
        Size of the embedding.
    dropout : float
        Share of the numbers that go up from a recurrent layer, set to 0 in training, from 0 to
        less than 1.
    seed : int
        Seed of the first weights and of the dropout.
    rows : int, optional
        With it, the model is stateful: it reads so many texts at once, and each call goes on
        where the last one stopped. None forgets after each call.

    Attributes
    ----------
    tokens : tuple of str, length V
        The vocabulary's tokens.
    V : int
        Their number.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of its kind, or out of its range.
    """

    def __init__(
        self, vocabulary, H=256, cell="lstm", layers=1, embedding=64, dropout=0.2, seed=0,
        rows=None, name="generator",
    ):  # fmt: skip
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}; got {cell!r}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be >= 0 and < 1, got {dropout} (0 for none)")
        tokens, V = tuple(vocabulary.tokens), len(vocabulary.tokens)
        # Seeds of their own: from one, all layers would start with the same numbers.
        seeds = np.random.SeedSequence(whole("seed", seed, 0)).generate_state(2 * layers + 2)
        seeds = iter(seeds.tolist())
        inputs = keras.Input((None,), batch_size=rows, dtype="int32", name="ids")
        uniform = keras.initializers.RandomUniform(-0.05, 0.05, seed=next(seeds))
        D = whole("embedding", embedding)
        parts = [inputs, keras.layers.Embedding(V, D, uniform, name="embedding")]
        for number in range(1, whole("layers", layers) + 1):
            seed_of = next(seeds)
            parts.append(
                CELLS[cell](
                    whole("H", H), return_sequences=True, stateful=rows is not None,
                    kernel_initializer=keras.initializers.GlorotUniform(seed_of),
                    recurrent_initializer=keras.initializers.Orthogonal(seed=seed_of),
                    name=f"{cell}_{number}",
                )
            )  # fmt: skip
            seed_of = next(seeds)
            parts.append(keras.layers.Dropout(dropout, seed=seed_of, name=f"dropout_{number}"))
        start = keras.initializers.GlorotUniform(next(seeds))
        parts.append(keras.layers.Dense(V, kernel_initializer=start, name="logits"))
        super().__init__(parts, name=name)
        self.tokens, self.unit, self.V = tokens, vocabulary.unit, V
        self.configuration = {
            "H": H, "cell": cell, "layers": layers, "embedding": embedding, "dropout": dropout,
            "seed": seed,
        }  # fmt: skip
        self._loops = {}

    def get_config(self):
        """Return what Keras stores beside the weights: sizes and tokens."""
        return {"tokens": list(self.tokens), "unit": self.unit, **self.configuration}

    @classmethod
    def from_config(cls, config):
        """Return the model of a configuration, with fresh weights."""
        config = dict(config)
        vocabulary = SimpleNamespace(tokens=config.pop("tokens"), unit=config.pop("unit"))
        return cls(vocabulary, **config)

    def copy(self, rows=None):
        """Return a model with the same weights; see ``rows`` above."""
        twin = type(self)(self, **self.configuration, rows=rows)
        twin.set_weights(self.get_weights())
        return twin

    def numpy(self):
        """Return the same model in NumPy, without Keras; it must have one recurrent layer.

        Raises
        ------
        ValueError
            If it has more of them.
        """
        sizes = {k: v for k, v in self.configuration.items() if k != "layers"}
        if self.configuration["layers"] != 1:
            raise ValueError(
                f"the model must have one recurrent layer, got {self.configuration['layers']} "
                "(rnnbook.text.language_model has no stack; write with this model)"
            )
        model = LanguageModel(self, **sizes)
        E, *recurrent, kernel, bias = self.get_weights()
        model.embedding.parameters["E"][:] = E
        model.recurrent.set_weights(recurrent)
        model.dense.set_weights([kernel, bias])
        return model

    def block_loop(self, S, scored, restricted):
        """Return :func:`rnnbook.keras.writing.block_loop` of this model, made once."""
        key = S, scored, restricted
        if key not in self._loops:
            self._loops[key] = block_loop(self, *key)
        return self._loops[key]

    # These two need tokens, unit and sample only.
    encode, generate = LanguageModel.encode, LanguageModel.generate

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
        ids = token_ids(ids, self.V)
        loop, log_p = Loop(self, 1, scored=True), np.empty(len(ids))
        for t in range(0, len(ids), BLOCK):
            part = ids[t : t + BLOCK]
            log_p[t : t + BLOCK] = loop.run(part[:, None])[1][: len(part), 0]
        return numbers("log_p", log_p)

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
            How many texts S to draw at once. The random numbers are those of
            :meth:`rnnbook.text.language_model.LanguageModel.sample`, so the texts are too, but where
            rounding decides.

        Returns
        -------
        numpy.ndarray of int, shape (n,), or with ``samples`` (S, n)
            The tokens drawn, without the context.

        Raises
        ------
        TypeError, ValueError
            If an argument is out of its range, or a weight is not finite.
        """
        top_k, top_p = checked_settings(temperature, top_k, top_p)
        S = 1 if samples is None else whole("samples", samples)
        n, seed, context = whole("n", n), whole("seed", seed, 0), token_ids(context, self.V)
        rngs = [np.random.default_rng([seed, s]) for s in range(S)]
        loop, steps, ids = Loop(self, S, temperature, top_k, top_p), len(context) + n, []
        for t in range(0, steps, BLOCK):
            given = np.repeat(context[t : t + BLOCK, None], S, axis=1)
            free = min(BLOCK, steps - t) - len(given)
            noise = [gumbel(rng, (free, self.V)) for rng in rngs]
            ids.append(loop.run(given, np.stack(noise, axis=1))[0])
        ids = np.concatenate(ids)[len(context) : steps].T
        return ids[0] if samples is None else ids


keras.saving.register_keras_serializable("rnnbook")(Generator)
