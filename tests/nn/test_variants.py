"""The net whose output feeds back: against its cell, finite differences and Keras."""

import numpy as np
import pytest
from engine import assert_equal

from rnnbook.nn.cells import output_to_hidden_step
from rnnbook.nn.gradients import check
from rnnbook.nn.variants import OutputToHidden

D, H, V = 2, 4, 3
each_activation = pytest.mark.parametrize("activation", ["tanh", "relu", "identity"])


def made(activation="tanh", dtype="float64"):
    """Return a layer whose weights are far from zero."""
    layer, rng = OutputToHidden(D, H, V, 0, activation, dtype), np.random.default_rng(1)
    for array in layer.parameters.values():
        array += rng.normal(size=array.shape).astype(dtype)
    return layer


def problem(B=3, T=6, dtype="float64"):
    """Return x, state, dy and dstate."""
    rng = np.random.default_rng(2)
    shapes = [(B, T, D), (B, V), (B, T, V), (B, V)]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def run(layer, x, state, dy, dstate):
    """Return all that the forward and the backward pass give, under one name each."""
    y, last = layer.forward(x, state)
    dx, dfirst = layer.backward(dy, dstate)
    return {"y": y, "last": last, "dx": dx, "dfirst": dfirst} | layer.gradients


@each_activation
@pytest.mark.parametrize(("B", "T"), [(1, 1), (3, 6)])
def test_it_is_its_cell_in_a_loop(activation, B, T):
    layer, (x, y_t, *_) = made(activation), problem(B, T)
    y, last = layer.forward(x, y_t)
    assert y.shape == (B, T, V)
    np.testing.assert_allclose(y.sum(axis=2), 1, rtol=1e-14)
    for t in range(T):
        y_t, _ = output_to_hidden_step(x[:, t], y_t, layer.parameters, activation)
        assert np.array_equal(y[:, t], y_t)
    assert np.array_equal(last, y_t)


@each_activation
@pytest.mark.parametrize(("B", "T"), [(1, 1), (3, 6)])
def test_the_gradients_are_those_of_finite_differences(activation, B, T):
    layer, (x, state, dy, dstate) = made(activation), problem(B, T)
    if activation == "relu":
        assert_far_from_the_kink(layer, x, state)

    def loss():
        y, last = layer.forward(x, state)
        return (y * dy).sum() + (last * dstate).sum()

    arrays = {"dx": x, "dfirst": state} | layer.parameters
    gradients = run(layer, x, state, dy, dstate)
    errors = check(loss, arrays, {name: gradients[name] for name in arrays})
    assert max(errors.values()) < 1e-7, errors


def assert_far_from_the_kink(layer, x, state):
    """Make sure that no finite difference of 1e-5 takes a neuron over the kink of ReLU."""
    w, y = layer.parameters, layer.forward(x, state)[0]
    before = np.concatenate([state[:, None], y[:, :-1]], axis=1)
    sums = x @ w["W_xh"].T + before @ w["W_yh"].T + w["b_h"]
    assert abs(sums).min() > 1e-3
    assert (sums > 0).any()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
def test_it_is_the_cell_of_keras_and_its_gradient(dtype, tolerance):
    import keras
    import tensorflow as tf

    from rnnbook.keras import OutputToHiddenCell

    layer, (x, state, dy, dstate) = made(dtype=dtype), problem(dtype=dtype)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        theirs = keras.layers.RNN(OutputToHiddenCell(H, V), return_sequences=True)
        theirs.build((None, None, D))
    finally:
        keras.config.set_dtype_policy(before)
    W_xh, W_yh, b_h, W_hy, b_y = layer.parameters.values()
    theirs.set_weights([np.concatenate([W_xh, W_yh], axis=1).T, b_h, W_hy.T, b_y])
    x_v, state_v = tf.Variable(x), tf.Variable(state)
    with tf.GradientTape() as tape:
        y = tf.nn.softmax(theirs(x_v, initial_state=[state_v]))
        loss = tf.reduce_sum(y * dy) + tf.reduce_sum(y[:, -1] * dstate)
    dx, dfirst, dW, db_h, dkernel, db_y = tape.gradient(
        loss, [x_v, state_v, *theirs.trainable_variables]
    )
    wanted = {"y": y, "last": y[:, -1], "dx": dx, "dfirst": dfirst, "b_h": db_h, "b_y": db_y}
    dW = np.asarray(dW).T
    wanted |= {"W_xh": dW[:, :D], "W_yh": dW[:, D:], "W_hy": np.asarray(dkernel).T}
    assert_equal(run(layer, x, state, dy, dstate), wanted, tolerance)


def test_a_sequence_can_be_cut_and_the_output_carried_on():
    layer, (x, state, dy, dstate) = made(), problem(T=7)
    whole = run(layer, x, state, dy, dstate)
    first, rest = slice(0, 3), slice(3, 7)
    _, between = layer.forward(x[:, first], state)
    late = run(layer, x[:, rest], between, dy[:, rest], dstate)
    early = run(layer, x[:, first], state, dy[:, first], late["dfirst"])
    cut = {n: early[n] + late[n] for n in layer.parameters}
    cut |= {n: np.concatenate([early[n], late[n]], axis=1) for n in ("y", "dx")}
    assert_equal(cut | {"last": late["last"], "dfirst": early["dfirst"]}, whole, 1e-13)


def test_what_is_not_given_is_zero():
    layer, (x, state, dy, _) = made(), problem()
    zero = np.zeros_like(state)
    assert_equal(run(layer, x, None, dy, None), run(layer, x, zero, dy, zero), 0)


def test_float32_stays_float32_and_nothing_given_is_changed():
    layer, given = made(dtype="float32"), problem(dtype="float32")
    held = [*given, *layer.parameters.values()]
    kept = [array.copy() for array in held]
    results = run(layer, *given) | dict(zip(["y0", "last0"], layer.forward(given[0]), strict=True))
    assert {array.dtype for array in results.values()} == {np.dtype("float32")}
    assert all(np.array_equal(a, b) for a, b in zip(held, kept, strict=True))


# Bad input.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": np.zeros((3, D))}, r"^x must have shape \(B, T, D\), got \(3, 2\)"),
        ({"x": np.zeros((3, 0, D))}, "T must be at least 1"),
        ({"x": np.zeros((3, 6, 5))}, r"W_xh must have shape \(H, D=5\), got \(4, 2\)"),
        ({"x": np.full((3, 6, D), np.nan)}, "^x must be finite, got nan"),
        ({"state": np.zeros((1, V))}, r"must have shape \(B=3, V\), got \(1, 3\)"),
        ({"state": np.zeros((3, V + 1))}, r"W_yh must have shape \(H=4, V=4\), got \(4, 3\)"),
        ({"dy": np.zeros((3, 6, 1))}, r"^dy must have shape \(B=3, T=6, V=3\), got \(3, 6, 1\)"),
        ({"dy": np.zeros((1, 6, V))}, "^dy must have shape"),
        ({"dstate": np.zeros(V)}, r"^dstate must have shape \(B=3, V=3\), got \(3,\)"),
        ({"dstate": np.zeros((1, V))}, "^dstate must have shape"),
        ({"dstate": np.full((3, V), np.inf)}, "^dstate must be finite, got inf"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    given = dict(zip(["x", "state", "dy", "dstate"], problem(), strict=True))
    with pytest.raises(ValueError, match=words):
        run(made(), **given | change)


def test_a_weight_that_is_no_number_is_named():
    layer, (x, *_) = made(), problem()
    for name, array in layer.parameters.items():
        kept, array.flat[-1] = array.flat[-1], np.nan
        with pytest.raises(ValueError, match=f"^{name} must be finite, got nan"):
            layer.forward(x)
        array.flat[-1] = kept


def test_a_backward_pass_needs_a_forward_pass():
    with pytest.raises(RuntimeError, match="call forward first"):
        made().backward(np.zeros((3, 6, V)))


@pytest.mark.parametrize(
    ("sizes", "kind", "words"),
    [
        ((0, H, V, 0), ValueError, "D must be at least 1, got 0"),
        ((D, 0, V, 0), ValueError, "H must be at least 1, got 0"),
        ((D, H, 1, 0), ValueError, "V must be at least 2, got 1"),
        ((D, H, V, -1), ValueError, "seed must be at least 0, got -1"),
        ((D, H, 3.0, 0), TypeError, "V must be a whole number, got 3.0"),
    ],
)
def test_sizes_and_seeds_are_whole(sizes, kind, words):
    with pytest.raises(kind, match=f"^{words}"):
        OutputToHidden(*sizes)
