"""The course's weights in a Keras layer, and a layer that Keras lacks."""

import keras
import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import shaped, whole


def simple_rnn_weights(layer: keras.layers.SimpleRNN) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the weights of a Keras ``SimpleRNN`` under the course's names: W_xh, W_hh and b_h.

    W_xh, (H, D), is the transpose of Keras' kernel, which is (D, H), and W_hh, (H, H), that of its
    recurrent kernel; the biases are (H,). The layer must be built: it has been called, or stands in
    a model with an ``Input``.

    >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.SimpleRNN(4)])
    >>> W_xh, W_hh, b_h = simple_rnn_weights(model.layers[0])
    >>> W_xh.shape, W_hh.shape, b_h.shape
    ((4, 3), (4, 4), (4,))
    """
    _check_simple_rnn(layer)
    kernel, recurrent_kernel, bias = layer.get_weights()
    return kernel.T, recurrent_kernel.T, bias


def set_simple_rnn_weights(
    layer: keras.layers.SimpleRNN, W_xh: ArrayLike, W_hh: ArrayLike, b_h: ArrayLike
) -> None:
    """Put the course's weights into a Keras ``SimpleRNN``, which must be built.

    Those of h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h), (H, D), (H, H) and (H,), replace the
    layer's, in its own precision.

    >>> model = keras.Sequential([keras.Input((None, 1)), keras.layers.SimpleRNN(1)])
    >>> set_simple_rnn_weights(model.layers[0], [[1.0]], [[0.5]], [0.0])
    >>> [w.item() for w in model.get_weights()]
    [1.0, 0.5, 0.0]
    """
    _check_simple_rnn(layer)
    D, H = layer.cell.kernel.shape
    W_xh = shaped("W_xh", W_xh, "H D", H=H, D=D)
    W_hh = shaped("W_hh", W_hh, "H H", H=H)
    b_h = shaped("b_h", b_h, "H", H=H)
    layer.set_weights([W_xh.T, W_hh.T, b_h])


def _check_simple_rnn(layer):
    if not isinstance(layer, keras.layers.SimpleRNN):
        raise TypeError(f"layer must be a keras.layers.SimpleRNN, got {type(layer).__name__}")
    if not layer.built:
        raise ValueError(
            "layer must be built, got one without weights (call it once on an array of shape "
            "(B, T, D))"
        )
    if not layer.use_bias:
        raise ValueError("layer must have a bias, got use_bias=False (make it with use_bias=True)")


class OutputToHiddenCell(keras.layers.Layer):
    """One step of a net whose output, not its hidden state, feeds back (Jordan 1986).

    h_t = tanh(W_xh x_t + W_yh ŷ_{t-1} + b_h), and ŷ_t = softmax(W_hy h_t + b_y), with ŷ_0 = 0.
    Use it as ``keras.layers.RNN(OutputToHiddenCell(32, 5), return_sequences=True)``.

    The hidden layer has H = ``units``, and there are V = ``outputs`` classes. The probabilities ŷ
    feed back, so a gradient passes through them. The rest is what every Keras layer takes:
    ``name``, ``dtype``, ``trainable``.

    A call gives the logits, (B, V); a loss on them needs ``from_logits=True``. The weights stand in
    the order of ``Dense(units, "tanh")`` on [x_t, y_{t-1}] and ``Dense(outputs)``, so those of a
    net trained under teacher forcing fit as they are.

    >>> layer = keras.layers.RNN(OutputToHiddenCell(4, outputs=3), return_sequences=True)
    >>> layer(np.ones((2, 5, 1))).shape
    TensorShape([2, 5, 3])
    """

    def __init__(self, units: int, outputs: int, **kwargs: object):
        super().__init__(**kwargs)
        self.units = whole("units", units)
        self.state_size = self.output_size = whole("outputs", outputs, 2)
        self.hidden = keras.layers.Dense(self.units, activation="tanh", dtype=self.dtype_policy)
        self.readout = keras.layers.Dense(self.output_size, dtype=self.dtype_policy)

    def get_config(self) -> dict:
        """Return what Keras stores beside the weights."""
        return {**super().get_config(), "units": self.units, "outputs": self.output_size}

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights for inputs (B, D)."""
        self.hidden.build((None, shape[-1] + self.state_size))
        self.readout.build((None, self.units))

    def call(
        self, x_t: keras.KerasTensor, states: list[keras.KerasTensor]
    ) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
        """Return the logits, (B, V), and what feeds back into the next step."""
        h_t = self.hidden(keras.ops.concatenate([x_t, states[0]], axis=-1))
        logits = self.readout(h_t)
        return logits, [keras.ops.softmax(logits)]


# Not as a decorator: Keras is not there when the book reads the docstrings.
keras.saving.register_keras_serializable("rnnbook")(OutputToHiddenCell)
