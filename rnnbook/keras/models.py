"""Models that predict the next token, to compare, and their training from several seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from rnnbook._check import whole


def train_seeds(
    build: Callable[[], keras.Model], seeds: Sequence[int], x: np.ndarray, y: np.ndarray,
    epochs: int, batch_size: int, model: keras.Model | None = None,
) -> Iterator[keras.Model]:  # fmt: skip
    """Train one model from several seeds, and yield it after each: use it before the next.

    ``build`` makes and compiles the model. It is called once a seed, after the seed is set, and
    gives the first weights and a fresh optimizer. What is trained is the same compiled model each
    time, since to compile it anew costs more than these small trainings: ``model``, if one that
    ``build`` made before is given (what it had learned is lost), or else the first.

    The seeds, each below 2**32, decide the first weights and the order of the examples. x and y are
    the training part; ``epochs`` and ``batch_size`` are as in Keras' ``fit``.

    >>> def build():
    ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     return model
    >>> x = np.ones((4, 1))
    >>> len({m.get_weights()[0].item() for m in train_seeds(build, [0, 1, 0], x, x, 1, 2)})
    2
    """
    epochs, batch_size = whole("epochs", epochs), whole("batch_size", batch_size)
    seeds = [whole("seed", seed, 0) for seed in seeds]
    if max(seeds, default=0) >= 2**32:
        raise ValueError(f"seed must be below 2**32 = {2**32}, got {max(seeds)}")
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        fresh = build()
        model = model or fresh
        model.set_weights(fresh.get_weights())
        for one in (fresh, model):
            if not one.optimizer.built:
                one.optimizer.build(one.trainable_variables)
        for old, new in zip(model.optimizer.variables, fresh.optimizer.variables, strict=True):
            old.assign(new)
        model.fit(x, y, epochs=epochs, batch_size=batch_size, verbose=0)
        yield model


def next_token_model(kind: str, V: int, size: int, T: int) -> keras.Model:
    """Make a model that reads tokens and gives, after each, the logits of the next one.

    Between the embedding and the logits stands, by ``kind``, one recurrent layer, "rnn", "lstm" or
    "gru"; or, in a "tcn", convolutions of three steps that look only backward, at distances 1, 2,
    4, ..., until they see all of T; or, in a "transformer", two blocks of causal self-attention,
    with learned positions. ``size`` is that of the hidden state, the number of channels, or the
    width of the transformer: a multiple of its 4 heads. T is the number of tokens in a sequence;
    only the transformer cannot take another one later. The model, from ids (B, T) to logits
    (B, T, V), is not compiled.

    The convolutions are those of Bai, Kolter and Koltun (2018) without their normalization; the
    blocks are those of Vaswani et al. (2017), with the normalization before each part.

    >>> next_token_model("gru", V=5, size=8, T=10).output.shape
    (None, None, 5)
    """
    V, T, size = whole("V", V, 2), whole("T", T, 2), whole("size", size)
    recurrent = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}
    if kind not in (*recurrent, "tcn", "transformer"):
        raise ValueError(
            f"kind must be one of {', '.join(recurrent)}, tcn, transformer; got {kind!r}"
        )
    if kind == "transformer" and size % 4:
        raise ValueError(f"size must be a multiple of 4, the heads of a transformer; got {size}")
    ids = keras.Input((T,) if kind == "transformer" else (None,), dtype="int32")
    if kind in recurrent:
        x = keras.layers.Embedding(V, 32)(ids)
        x = getattr(keras.layers, recurrent[kind])(size, return_sequences=True)(x)
    else:
        x = keras.layers.Embedding(V, size)(ids)
        if kind == "transformer":  # it has no other way to know the order
            place = keras.ops.zeros_like(ids) + keras.ops.arange(T, dtype="int32")
            x = x + keras.layers.Embedding(T, size)(place)
        x = _convolutions(x, size, T) if kind == "tcn" else _attention(x, size)
    return keras.Model(ids, keras.layers.Dense(V)(x))


def _convolutions(x, size, T):
    """Add up causal convolutions whose steps lie ever farther apart."""
    seen, apart = 1, 1
    while seen < T:
        look = {"padding": "causal", "activation": "relu", "dilation_rate": apart}
        x = x + keras.layers.Conv1D(size, 3, **look)(x)
        seen, apart = seen + 2 * apart, 2 * apart
    return x


def _attention(x, size):
    """Add what two blocks of attention and dense layers find."""
    for _ in range(2):
        seen = keras.layers.LayerNormalization()(x)
        x = x + keras.layers.MultiHeadAttention(4, size // 4)(seen, seen, use_causal_mask=True)
        seen = keras.layers.LayerNormalization()(x)
        x = x + keras.layers.Dense(size)(keras.layers.Dense(4 * size, activation="gelu")(seen))
    return keras.layers.LayerNormalization()(x)
