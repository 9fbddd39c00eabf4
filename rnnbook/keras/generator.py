"""A text generator in Keras: a language model that knows its tokens, and writes fast."""

from functools import cache
from types import SimpleNamespace

import keras
import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import number, numbers, whole
from rnnbook.keras.writing import Loop
from rnnbook.text import Vocabulary, token_ids
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.sampling import checked_settings
from rnnbook.text.writer import Writer

CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
POLICIES = "float32", "float64", "mixed_float16", "mixed_bfloat16"


class Generator(Writer, keras.Sequential):
    """An embedding, recurrent layers, dropout, and the logits of the next token.

    It is a Keras model like any other: ``summary``, ``fit``, ``save`` and ``export`` are Keras'
    own, and ``keras.models.load_model`` reads it back, tokens and all. It reads and writes text as
    :class:`rnnbook.text.language_model.LanguageModel` does.

    The vocabulary's tokens, characters or words, are the model's too, as the tuple ``tokens``; V is
    their number. On an embedding of size ``embedding`` stand ``layers`` recurrent layers, one on
    top of the other, of H units each; ``cell`` is their kind: "lstm", "gru" or "rnn". ``dropout``,
    from 0 to less than 1, is the share of the numbers that go up from a recurrent layer, set to 0
    in training. ``seed`` is that of the first weights and of the dropout.

    With ``rows``, the model is stateful: it reads so many texts at once, and each call goes on
    where the last one stopped, also after saving and loading. None forgets after each call.

    ``dtype`` is Keras' dtype policy: "float32", "float64", "mixed_float16" or "mixed_bfloat16";
    None takes the one that is set in Keras. What the model writes, and its log-probabilities, are
    worked out in float32 from its logits.

    >>> generator = Generator(Vocabulary("the rope holds", "characters"), H=8, cell="gru")
    >>> generator
    Generator(V=11, H=8, cell='gru', layers=1, embedding=64)
    >>> generator(np.array([[1, 2, 3]])).shape
    TensorShape([1, 3, 11])
    """

    def __init__(
        self, vocabulary: Vocabulary, H: int = 256, cell: str = "lstm", layers: int = 1,
        embedding: int = 64, dropout: float = 0.2, seed: int = 0, rows: int | None = None,
        dtype: str | None = None, name: str = "generator",
    ):  # fmt: skip
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}; got {cell!r}")
        dtype = keras.dtype_policies.get(dtype).name
        if dtype not in POLICIES:
            raise ValueError(
                f"dtype must be one of {', '.join(POLICIES)}; got {dtype!r} (mixed_float16 "
                "computes in float16 too, but keeps small gradients from becoming 0)"
            )
        configuration = {
            "H": whole("H", H), "cell": cell, "layers": whole("layers", layers),
            "embedding": whole("embedding", embedding), "seed": whole("seed", seed, 0),
            "dropout": number("dropout", dropout, least=0, below=1), "dtype": dtype,
        }  # fmt: skip
        rows = None if rows is None else whole("rows", rows)
        tokens = tuple(vocabulary.tokens)
        super().__init__(_parts(len(tokens), rows, **configuration), name=name)
        self.dtype_policy = dtype  # Keras scales the loss of mixed_float16
        self.tokens, self.unit, self.V = tokens, vocabulary.unit, len(tokens)
        self.configuration, self.rows = configuration, rows
        # Not a dict: Keras and TensorFlow would try to store what it holds.
        self._loop = cache(lambda *key: Loop(self.layers, *key))

    def __repr__(self):
        sizes = {"V": self.V, **self.configuration}
        shown = [f"{k}={sizes[k]!r}" for k in ("V", "H", "cell", "layers", "embedding")]
        return f"Generator({', '.join(shown)})"

    def get_config(self) -> dict:
        """Return what Keras stores beside the weights: sizes and tokens."""
        return {
            "tokens": list(self.tokens), "unit": self.unit, **self.configuration, "rows": self.rows,
            "name": self.name,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict) -> "Generator":
        """Return the model of a configuration, with fresh weights."""
        config = dict(config)
        vocabulary = SimpleNamespace(tokens=config.pop("tokens"), unit=config.pop("unit"))
        return cls(vocabulary, **config)

    def copy(self, rows: int | None = None) -> "Generator":
        """Return a model with the same weights; see ``rows`` above."""
        twin = type(self)(self, **self.configuration, rows=rows)
        twin.set_weights(self.get_weights())
        return twin

    def states(self) -> list:
        """Return the variables that hold the states of a stateful model."""
        stateful = [layer for layer in self.layers if getattr(layer, "stateful", False)]
        return [state for layer in stateful for state in layer.states]

    def save_own_variables(self, store: dict) -> None:
        """Let Keras store the states too, which it leaves out by itself."""
        for i, state in enumerate(self.states()):
            store[f"state {i}"] = state

    def load_own_variables(self, store: dict) -> None:
        """Take up the states that were stored."""
        for i, state in enumerate(self.states()):
            state.assign(store[f"state {i}"])

    def to_numpy(self) -> LanguageModel:
        """Return the same model in NumPy, without Keras; it must have one recurrent layer."""
        sizes = {k: v for k, v in self.configuration.items() if k not in ("layers", "dtype")}
        if self.configuration["layers"] != 1:
            raise ValueError(
                f"the model must have one recurrent layer, got {self.configuration['layers']} "
                "(rnnbook.text.language_model has no stack; write with this model)"
            )
        weights = self.get_weights()
        dtype = "float64" if weights[0].dtype == "float64" else "float32"
        model = LanguageModel(self, **sizes, dtype=dtype)
        E, *recurrent, kernel, bias = (weight.astype(dtype) for weight in weights)
        model.embedding.parameters["E"][:] = E
        model.recurrent.set_weights(recurrent)
        model.dense.set_weights([kernel, bias])
        return model

    def log_probabilities(self, ids: ArrayLike) -> np.ndarray:
        """See :meth:`rnnbook.text.ngram.NGram.log_probabilities`; all tokens before one count."""
        ids = token_ids(ids, self.V)
        self._check_weights()
        parts = [log_p[:, 0] for _, log_p, _ in self._loop(1, True).run(ids)]
        return numbers("log_p", np.concatenate([[], *parts]))

    def next_probabilities(self, context: ArrayLike) -> np.ndarray:
        """See :meth:`rnnbook.text.ngram.NGram.next_probabilities`; all of the context counts."""
        context = token_ids(context, self.V)
        self._check_weights()
        loop = self._loop(1)
        *_, (_, _, logits) = [(0, 0, loop.start()[0]), *loop.run(context)]
        return keras.ops.convert_to_numpy(keras.ops.softmax(logits[0]))

    def sample(
        self, n: int, context: ArrayLike = (), seed: int = 0, temperature: float = 1.0,
        top_k: int | None = None, top_p: float | None = None, samples: int | None = None,
    ) -> np.ndarray:  # fmt: skip
        """See :meth:`rnnbook.text.language_model.LanguageModel.sample`.

        The texts are the same too, but where rounding decides.
        """
        top_k, top_p = checked_settings(temperature, top_k, top_p)
        S = 1 if samples is None else whole("samples", samples)
        n, seed, context = whole("n", n), whole("seed", seed, 0), token_ids(context, self.V)
        self._check_weights()
        rngs = [np.random.default_rng([seed, s]) for s in range(S)]
        loop = self._loop(S, False, top_k is not None or top_p is not None)
        blocks = loop.run(context, n, rngs, temperature, top_k, top_p)
        ids = np.concatenate([ids for ids, _, _ in blocks])[len(context) :].T
        return ids[0] if samples is None else ids

    def _check_weights(self):
        if not all(keras.ops.all(keras.ops.isfinite(weight)) for weight in self.weights):
            raise ValueError(
                "the model's weights must be finite, got NaN or infinity (train with a lower rate)"
            )


def _parts(V, rows, H, cell, layers, embedding, dropout, seed, dtype):
    """Return the layers of a generator."""
    # Seeds of their own: from one, all layers would start with the same numbers.
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * layers + 2).tolist())
    initializers = keras.initializers
    uniform = initializers.RandomUniform(-0.05, 0.05, seed=next(seeds))
    parts = [
        keras.Input((None,), batch_size=rows, dtype="int32", name="ids"),
        keras.layers.Embedding(V, embedding, uniform, name="embedding", dtype=dtype),
    ]
    for i in range(1, layers + 1):
        start = next(seeds)
        parts.append(
            CELLS[cell](
                H, return_sequences=True, stateful=rows is not None, dtype=dtype,
                kernel_initializer=initializers.GlorotUniform(start),
                recurrent_initializer=initializers.Orthogonal(seed=start),
                name=f"{cell}_{i}",
            )
        )  # fmt: skip
        names = {"name": f"dropout_{i}", "dtype": dtype}
        parts.append(keras.layers.Dropout(dropout, seed=next(seeds), **names))
    start = initializers.GlorotUniform(next(seeds))
    return [*parts, keras.layers.Dense(V, kernel_initializer=start, name="logits", dtype=dtype)]


# Not as a decorator: Keras is not there when the book reads the docstrings.
keras.saving.register_keras_serializable("rnnbook")(Generator)
