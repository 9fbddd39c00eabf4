"""The layers equal those of Keras and PyTorch with the same weights: outputs and gradients.

Neither has peepholes. The tests against PyTorch are skipped where it is not installed.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from engine import assert_equal, error, in_keras_order, made, problem

IN_KERAS = {
    "tanh": keras.layers.SimpleRNN,
    "relu": lambda H, **options: keras.layers.SimpleRNN(H, activation="relu", **options),
    "identity": lambda H, **options: keras.layers.SimpleRNN(H, activation="linear", **options),
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
    "reset before": lambda H, **options: keras.layers.GRU(H, reset_after=False, **options),
}
SIZES = [(1, 1, 2, 3), (3, 7, 4, 2)]  # B, T, D, H
each_size = pytest.mark.parametrize("sizes", SIZES, ids=str)
each_precision = pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)], ids=["float32", "float64"]
)


def ours(layer, x, state, mask, dh, dstate):
    """Return what a layer gives, with its states and gradients in a list, as Keras has them."""
    h, last = layer.forward(x, state, mask)
    dx, dfirst = layer.backward(dh, dstate)
    return listed(h, last, dx, dfirst, in_keras_order(layer, layer.gradients))


def listed(h, last, dx, dfirst, gradients):
    """Return arrays under names; the states of an LSTM are two, of other layers one."""
    named = {f"gradient {k}": array for k, array in enumerate(gradients)}
    return {"h": h, "last": np.squeeze(last), "dx": dx, "dfirst": np.squeeze(dfirst)} | named


# Keras.


def in_keras(kind, layer, given, **options):
    """Return what the Keras layer gives, with our layer's weights."""
    theirs = IN_KERAS[kind](
        layer.H, return_sequences=True, return_state=True, dtype=layer.dtype.name, **options
    )
    theirs.build((None, None, layer.D))
    theirs.set_weights(layer.get_weights())
    x, state, mask, dh, dstate = given
    x, state = tf.Variable(x), [tf.Variable(s) for s in state.reshape(-1, len(x), layer.H)]
    with tf.GradientTape() as tape:
        h, *last = theirs(x, initial_state=state, mask=mask)
        loss = tf.reduce_sum(h * dh) + tf.reduce_sum(tf.stack(last) * dstate)
    dx, dfirst, gradients = tape.gradient(loss, [x, state, theirs.trainable_variables])
    return listed(h, last, dx, dfirst, gradients)


@pytest.mark.parametrize("kind", IN_KERAS)
@each_size
@each_precision
@pytest.mark.parametrize("masked", [False, True], ids=["all steps", "masked"])
def test_the_layer_is_that_of_keras(kind, sizes, dtype, tolerance, masked):
    B, T, D, H = sizes
    layer = made(kind, D, H, dtype)
    given = problem(layer, B, T, masked, dtype)
    if masked:
        given[2][:, 0] = True  # before the first input Keras gives 0, whatever the state: see below
    assert_equal(ours(layer, *given), in_keras(kind, layer, given), tolerance)


@pytest.mark.parametrize("kind", IN_KERAS)
def test_a_mask_that_hides_the_first_steps_is_that_of_keras(kind):
    """With a zero state, as always when sequences are padded on the left."""
    layer = made(kind, 4, 2)
    x, state, mask, dh, dstate = problem(layer, 4, 6, masked=True)
    mask[0], mask[1], mask[2] = [False] * 3 + [True] * 3, False, [False, True] * 3
    given = x, 0 * state, mask, dh, dstate
    results, wanted = ours(layer, *given), in_keras(kind, layer, given)
    # There Keras' output is no state, but a zero: a gradient on it goes nowhere, not to the state.
    del results["dfirst"], wanted["dfirst"]
    assert_equal(results, wanted, 1e-10)


@pytest.mark.parametrize("kind", IN_KERAS)
def test_the_weights_of_keras_can_be_taken(kind):
    theirs = IN_KERAS[kind](3, return_sequences=True)
    theirs.build((None, None, 2))
    layer = made(kind, 2, 3, "float32")
    layer.set_weights(theirs.get_weights())
    x = problem(layer, 4, 5, dtype="float32")[0]
    assert error(layer.forward(x)[0], theirs(x)) < 1e-6
    for array, other in zip(layer.get_weights(), theirs.get_weights(), strict=True):
        assert np.array_equal(array, other)


def backward_in_time(array):
    return array[:, ::-1]


@pytest.mark.parametrize("masked", [False, True], ids=["all steps", "masked"])
def test_layers_compose_to_a_stack(masked):
    below, above = made("lstm", 3, 4), made("gru", 4, 2)
    x, _, mask, *_ = problem(below, 2, 6, masked)
    dy = problem(above, 2, 6)[3]
    between, _ = below.forward(x, mask=mask)
    y, _ = above.forward(between, mask=mask)
    dx, _ = below.backward(above.backward(dy)[0])

    stack = [
        keras.layers.LSTM(4, return_sequences=True, dtype="float64"),
        keras.layers.GRU(2, return_sequences=True, dtype="float64"),
    ]
    for theirs, layer in zip(stack, (below, above), strict=True):
        theirs.build((None, None, layer.D))
        theirs.set_weights(layer.get_weights())
    x = tf.Variable(x)
    with tf.GradientTape() as tape:
        y_keras = stack[1](stack[0](x, mask=mask), mask=mask)
        loss = tf.reduce_sum(y_keras * dy)
    variables = [v for theirs in stack for v in theirs.trainable_variables]
    dx_keras, *wanted = tape.gradient(loss, [x, *variables])
    given = [g for layer in (below, above) for g in in_keras_order(layer, layer.gradients)]
    results = listed(y, 0, dx, 0, given)
    assert_equal(results, listed(y_keras, 0, dx_keras, 0, wanted), 1e-10)


@pytest.mark.parametrize("masked", [False, True], ids=["all steps", "masked"])
@pytest.mark.parametrize("kind", ["tanh", "lstm", "gru"])
def test_layers_compose_to_both_directions(kind, masked):
    onward, back = made(kind, 3, 4), made(kind, 3, 4)
    for array in back.parameters.values():
        array *= -0.5
    x, _, mask, dy, _ = problem(onward, 2, 6, masked)
    dy = np.concatenate([dy, dy[::-1]], axis=2)
    shown, turned_mask = 1, None
    if masked:  # Bidirectional, and it alone, gives zeros for masked steps
        shown, turned_mask = mask[:, :, None], backward_in_time(mask)
    dy = dy * shown
    h_onward, _ = onward.forward(x, mask=mask)
    h_back, _ = back.forward(backward_in_time(x), mask=turned_mask)
    y = np.concatenate([h_onward, backward_in_time(h_back)], axis=2) * shown
    dx_onward, _ = onward.backward(dy[:, :, :4])
    dx_back, _ = back.backward(backward_in_time(dy[:, :, 4:]))
    dx = dx_onward + backward_in_time(dx_back)

    inner = IN_KERAS[kind](4, return_sequences=True, dtype="float64")
    both = keras.layers.Bidirectional(inner, dtype="float64")
    both.build((None, None, 3))
    both.set_weights([*onward.get_weights(), *back.get_weights()])
    x = tf.Variable(x)
    with tf.GradientTape() as tape:
        y_keras = both(x, mask=mask)
        loss = tf.reduce_sum(y_keras * dy)
    dx_keras, *wanted = tape.gradient(loss, [x, *both.trainable_variables])
    given = [g for layer in (onward, back) for g in in_keras_order(layer, layer.gradients)]
    results = listed(y, 0, dx, 0, given)
    assert_equal(results, listed(y_keras, 0, dx_keras, 0, wanted), 1e-10)


# PyTorch.


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


# Its layers, and the order of its gates, as places of ours: its GRU has r before z.
IN_TORCH = {"tanh": ("RNN", [0]), "relu": ("RNN", [0]), "lstm": ("LSTM", [0, 1, 2, 3]),
            "gru": ("GRU", [1, 0, 2])}  # fmt: skip


def as_torch(kind, layer, arrays):
    """Return arrays named as our parameters under PyTorch's names, with its order of gates.

    PyTorch has two biases everywhere. Where we have one, the second is 0, and its gradient is
    that of the first.
    """
    order = IN_TORCH[kind][1]
    W_x, W_h, b = (
        arrays[name].reshape(len(order), layer.H, -1)[order].reshape(arrays[name].shape)
        for name in ("W_x", "W_h", "b")
    )
    named = {"weight_ih_l0": W_x, "weight_hh_l0": W_h, "bias_ih_l0": b}
    if "b_rec" in arrays:
        named["bias_hh_l0"] = arrays["b_rec"].reshape(3, -1)[order].ravel()
    return named


def in_torch(torch, kind, layer, given):
    """Return what the PyTorch layer gives, with our layer's weights; padded steps are packed."""
    options = {"nonlinearity": kind} if kind in ("tanh", "relu") else {}
    dtype = getattr(torch, layer.dtype.name)
    theirs = getattr(torch.nn, IN_TORCH[kind][0])(
        layer.D, layer.H, batch_first=True, dtype=dtype, **options
    )
    weights = as_torch(kind, layer, layer.parameters)
    weights = {"bias_hh_l0": np.zeros(len(layer.parameters["b"]))} | weights
    theirs.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    x, state, mask, dh, dstate = given
    x, state = torch.tensor(x, requires_grad=True), torch.tensor(state, requires_grad=True)
    first = state[None] if layer.states == 1 else (state[:1], state[1:])
    if mask is None:
        h, last = theirs(x, first)
    else:
        pack, pad = torch.nn.utils.rnn.pack_padded_sequence, torch.nn.utils.rnn.pad_packed_sequence
        packed = pack(x, torch.tensor(mask.sum(axis=1)), batch_first=True, enforce_sorted=False)
        h, last = theirs(packed, first)
        h, _ = pad(h, batch_first=True, total_length=x.shape[1])
    last = last[0] if layer.states == 1 else torch.cat(last)
    ((h * torch.tensor(dh)).sum() + (last * torch.tensor(dstate)).sum()).backward()
    arrays = {"h": h.detach(), "last": last.detach(), "dx": x.grad, "dfirst": state.grad}
    return arrays | {name: p.grad for name, p in theirs.named_parameters()}


@pytest.mark.parametrize("kind", IN_TORCH)
@each_size
@each_precision
@pytest.mark.parametrize("padded", [False, True], ids=["all steps", "padded"])
def test_the_layer_is_that_of_pytorch(torch, kind, sizes, dtype, tolerance, padded):
    B, T, D, H = sizes
    layer = made(kind, D, H, dtype)
    x, state, mask, dh, dstate = problem(layer, B, T, masked=padded, dtype=dtype)
    if padded:
        mask = np.arange(T) < np.linspace(T, 1, B).astype(int)[:, None]
        dh *= mask[:, :, None]
    wanted = in_torch(torch, kind, layer, (x, state, mask, dh, dstate))
    h, last = layer.forward(x, state, mask)
    dx, dfirst = layer.backward(dh, dstate)
    gradients = as_torch(kind, layer, layer.gradients)
    gradients.setdefault("bias_hh_l0", gradients["bias_ih_l0"])
    if padded:
        h = h * mask[:, :, None]  # there PyTorch gives zeros, and we the state that is carried on
    given = {"h": h, "last": last, "dx": dx, "dfirst": dfirst} | gradients
    assert_equal(given, wanted, tolerance)
