"""The course's weights in a Keras layer, and the models Keras lacks."""

import keras

from rnnbook._check import shaped, whole


def simple_rnn_weights(layer):
    """Return the weights of a Keras ``SimpleRNN`` under the course's names.

    Parameters
    ----------
    layer : keras.layers.SimpleRNN
        A built layer: one that has been called, or stands in a model with an ``Input``.

    Returns
    -------
    W_xh : numpy.ndarray, shape (H, D)
        Input-to-hidden weights: the transpose of Keras' kernel, which has shape (D, H).
    W_hh : numpy.ndarray, shape (H, H)
        Hidden-to-hidden weights: the transpose of Keras' recurrent kernel.
    b_h : numpy.ndarray, shape (H,)
        Biases.

    Raises
    ------
    TypeError
        If the layer is not a ``SimpleRNN``.
    ValueError
        If it is not built yet, or has no bias.
    """
    _check_simple_rnn(layer)
    kernel, recurrent_kernel, bias = layer.get_weights()
    return kernel.T, recurrent_kernel.T, bias


def set_simple_rnn_weights(layer, W_xh, W_hh, b_h):
    """Put the course's weights into a Keras ``SimpleRNN``.

    Parameters
    ----------
    layer : keras.layers.SimpleRNN
        A built layer; its weights are replaced, in its own precision.
    W_xh, W_hh, b_h : array_like, shapes (H, D), (H, H), (H,)
        The weights, as in :func:`rnnbook.nn.cells.rnn_step`.

    Raises
    ------
    TypeError
        If the layer is not a ``SimpleRNN``, or a weight does not hold real numbers.
    ValueError
        If the layer is not built yet or has no bias, or a shape does not fit it.
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

    Parameters
    ----------
    units : int
        Size H of the hidden layer.
    outputs : int
        Number V of classes.
    emit : bool
        What feeds back: False for the probabilities ŷ, which a gradient can pass through;
        True for the one-hot code of the most probable class, which is what the net emits.

    Raises
    ------
    TypeError, ValueError
        If ``units`` or ``outputs`` is not a whole number, or too small.

    Notes
    -----
    A call gives the logits, shape (B, V); a loss on them needs ``from_logits=True``. The
    weights stand in the order of ``Dense(units, "tanh")`` on [x_t, y_{t-1}] and
    ``Dense(outputs)``, so those of a net trained under teacher forcing fit as they are.
    """

    def __init__(self, units, outputs, emit=False):
        super().__init__()
        self.hidden = keras.layers.Dense(whole("units", units), activation="tanh")
        self.readout = keras.layers.Dense(whole("outputs", outputs, 2))
        self.state_size = self.output_size = outputs
        self.emit = emit

    def build(self, shape):
        """Make the weights for inputs of shape (B, D)."""
        self.hidden.build((None, shape[-1] + self.state_size))
        self.readout.build((None, self.hidden.units))

    def call(self, x_t, states):
        """Return the logits, shape (B, V), and what feeds back into the next step."""
        h_t = self.hidden(keras.ops.concatenate([x_t, states[0]], axis=-1))
        logits = self.readout(h_t)
        if self.emit:
            return logits, [keras.ops.one_hot(keras.ops.argmax(logits, axis=-1), self.state_size)]
        return logits, [keras.ops.softmax(logits)]


def trained(build, seeds, x, y, epochs, batch_size, model=None):
    """Train one model from several seeds, and yield it after each training.

    It is the same compiled model each time, with fresh weights and a fresh optimizer: to
    compile it anew costs more than these small trainings.

    Parameters
    ----------
    build : callable
        Makes and compiles the model; it is called once a seed, after the seed is set.
    seeds : iterable of int
        They decide the first weights and the order of the examples.
    x, y : numpy.ndarray
        The training part.
    epochs, batch_size : int
        As in Keras' ``fit``.
    model : keras.Model, optional
        One that ``build`` made before. It is the one to be trained, which saves compiling
        another; what it had learned is lost.

    Yields
    ------
    keras.Model
        The trained model; use it before you ask for the next.

    Raises
    ------
    TypeError, ValueError
        If a seed or a size is not a whole number, or too small.
    """
    epochs, batch_size = whole("epochs", epochs), whole("batch_size", batch_size)
    for seed in seeds:
        keras.utils.set_random_seed(whole("seed", seed, 0))
        fresh = build()
        if model is None:
            model = fresh
        model.set_weights(fresh.get_weights())
        # Adam's step count and moments start at zero; its learning rate stays.
        for variable in model.optimizer.variables:
            if not variable.path.endswith("learning_rate"):
                variable.assign(keras.ops.zeros_like(variable))
        model.fit(x, y, epochs=epochs, batch_size=batch_size, verbose=0)
        yield model


def next_token_model(kind, V, size, T):
    """Make a model that reads tokens and gives, after each, the logits of the next one.

    Parameters
    ----------
    kind : {"rnn", "lstm", "gru", "tcn", "transformer"}
        What stands between the embedding and the logits: one recurrent layer; or convolutions
        of three steps that look only backward, at distances 1, 2, 4, ..., until they see all of T;
        or two blocks of causal self-attention, with learned positions.
    V, T : int
        Vocabulary size; tokens in a sequence. Only the transformer cannot take another T later.
    size : int
        Hidden units, channels, or the width of the transformer: a multiple of its 4 heads.

    Returns
    -------
    keras.Model
        From ids (B, T) to logits (B, T, V); not compiled.

    Raises
    ------
    TypeError, ValueError
        If the kind is unknown, or a number is not whole or too small.

    Notes
    -----
    The convolutions are those of Bai, Kolter and Koltun (2018) without their normalization; the
    blocks are those of Vaswani et al. (2017), with the normalization before each part.
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
