"""Activations, and the simple layer as a plain loop: values known otherwise, and properties."""

import math
import subprocess
import sys

import numpy as np
import pytest

from rnnbook.nn import activations, cells

SIZES = [(1, 1, 1, 1), (1, 7, 2, 3), (4, 1, 3, 2), (3, 5, 4, 4)]  # B, T, D, H


def problem(B, T, D, H, dtype=np.float64, seed=0):
    """Return input, weights of the layer, and an initial state."""
    rng = np.random.default_rng(seed)
    shapes = {"x": (B, T, D), "W_xh": (H, D), "W_hh": (H, H), "b_h": (H,), "h_0": (B, H)}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


each_size = pytest.mark.parametrize("sizes", SIZES, ids=str)
each_activation = pytest.mark.parametrize("activation", activations.BY_NAME)


# Values known otherwise.


@pytest.mark.parametrize(
    ("activation", "phi"),
    [("tanh", math.tanh), ("relu", lambda a: max(a, 0.0)), ("identity", lambda a: a)],
)
def test_one_neuron_is_the_recurrence_of_numbers(activation, phi):
    x, w_x, w_h, b, h = [1.0, 0.0, -1.0, 2.5], 0.5, -0.8, 0.1, 0.3
    wanted = []
    for x_t in x:
        h = phi(w_x * x_t + w_h * h + b)
        wanted.append(h)
    given = cells.rnn([[[v] for v in x]], [[w_x]], [[w_h]], [b], [[0.3]], activation)
    assert given.shape == (1, 4, 1)
    np.testing.assert_allclose(given[0, :, 0], wanted, rtol=0, atol=1e-15)


def test_values_worked_with_a_pencil():
    # Two relu neurons that hear each other: h_1 = (1, 0), h_2 = (0, 2), h_3 = (6, 0).
    given = cells.rnn(
        [[[1.0], [0.0], [0.0]]], [[1.0], [0.0]], [[0, 3.0], [2.0, 0]], [0, 0], None, "relu"
    )
    assert given.tolist() == [[[1, 0], [0, 2], [6, 0]]]
    # artanh(0.6) = ln(4) / 2, so a sum of ln(2) makes a state of exactly 0.6.
    given = cells.rnn_step([[2.0]], [[0.5]], [[math.log(2)]], [[4.0]], [-2.0 - math.log(2)])
    np.testing.assert_allclose(given, [[0.6]], rtol=0, atol=1e-15)


@each_size
def test_a_linear_layer_is_a_sum_of_powers(sizes):
    p = problem(*sizes)
    power = np.linalg.matrix_power
    given = cells.rnn(**p, activation="identity")
    for t in range(1, sizes[1] + 1):
        wanted = p["h_0"] @ power(p["W_hh"], t).T
        for k in range(1, t + 1):
            wanted = (
                wanted + (p["x"][:, k - 1] @ p["W_xh"].T + p["b_h"]) @ power(p["W_hh"], t - k).T
            )
        np.testing.assert_allclose(given[:, t - 1], wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 2e-6)])
@pytest.mark.parametrize(
    ("activation", "in_keras"), [("tanh",) * 2, ("relu",) * 2, ("identity", "linear")]
)
def test_the_layer_is_keras_simple_rnn(activation, in_keras, dtype, tolerance):
    import keras

    p = problem(3, 8, 4, 5, dtype)
    p["W_hh"] = p["W_hh"] / np.linalg.norm(p["W_hh"], 2)
    layer = keras.layers.SimpleRNN(5, activation=in_keras, return_sequences=True, dtype=dtype)
    layer.build((3, 8, 4))
    layer.set_weights([p["W_xh"].T, p["W_hh"].T, p["b_h"]])
    theirs = np.asarray(layer(p["x"], initial_state=[keras.ops.convert_to_tensor(p["h_0"])]))
    ours = cells.rnn(**p, activation=activation)
    assert ours.dtype == theirs.dtype == dtype
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def test_activations_at_known_points():
    a = np.array([-2.0, -0.0, 0.0, 3.0])
    assert activations.relu(a).tolist() == [0, 0, 0, 3]
    assert activations.identity(a).tolist() == a.tolist()
    np.testing.assert_allclose(activations.tanh([math.log(2)]), [0.6], atol=1e-15)
    assert np.all(np.abs(activations.tanh(np.linspace(-18, 18, 99))) < 1)
    assert {name: activations.by_name(name) for name in activations.BY_NAME} == activations.BY_NAME


# Properties.


@each_size
@each_activation
def test_the_layer_is_its_cell_step_by_step(sizes, activation):
    p = problem(*sizes)
    h_t, x = p.pop("h_0"), p.pop("x")
    states = cells.rnn(x, **p, h_0=h_t, activation=activation)
    for t in range(sizes[1]):
        h_t = cells.rnn_step(x[:, t], h_t, **p, activation=activation)
        assert np.array_equal(states[:, t], h_t)


@each_size
@each_activation
def test_a_sequence_can_be_cut_and_the_state_carried_on(sizes, activation):
    p = problem(*sizes)
    whole_run = cells.rnn(**p, activation=activation)
    for cut in range(1, sizes[1]):
        first = cells.rnn(**(p | {"x": p["x"][:, :cut]}), activation=activation)
        rest = p | {"x": p["x"][:, cut:], "h_0": first[:, -1]}
        both = np.concatenate([first, cells.rnn(**rest, activation=activation)], axis=1)
        assert np.array_equal(both, whole_run)


@each_activation
def test_no_state_hears_a_later_input(activation):
    p = problem(2, 6, 3, 4)
    before = cells.rnn(**p, activation=activation)
    p["x"][:, 3:] += 1
    after = cells.rnn(**p, activation=activation)
    assert np.array_equal(after[:, :3], before[:, :3])
    assert not np.array_equal(after[:, 3], before[:, 3])


@each_activation
def test_sequences_of_a_batch_do_not_hear_each_other(activation):
    p = problem(4, 5, 3, 2)
    before = cells.rnn(**p, activation=activation)
    p["x"][2] += 1
    after = cells.rnn(**p, activation=activation)
    others = [0, 1, 3]
    assert np.array_equal(after[others], before[others])
    assert not np.array_equal(after[2], before[2])


def test_tanh_without_bias_is_odd_and_relu_without_bias_scales():
    p = problem(3, 6, 2, 4) | {"b_h": np.zeros(4)}
    turned = p | {"x": -p["x"], "h_0": -p["h_0"]}
    np.testing.assert_allclose(cells.rnn(**turned), -cells.rnn(**p), atol=1e-15)
    doubled = p | {"x": 2 * p["x"], "h_0": 2 * p["h_0"]}
    once = cells.rnn(**p, activation="relu")
    np.testing.assert_allclose(cells.rnn(**doubled, activation="relu"), 2 * once, rtol=1e-13)


def test_no_initial_state_is_zero():
    p = problem(3, 4, 2, 5)
    zero = cells.rnn(**(p | {"h_0": np.zeros((3, 5))}))
    assert np.array_equal(cells.rnn(**(p | {"h_0": None})), zero)
    assert not np.array_equal(cells.rnn(**p), zero)


@each_size
@each_activation
def test_float32_stays_float32_and_nothing_given_is_changed(sizes, activation):
    p = problem(*sizes, dtype=np.float32)
    given = {name: array.copy() for name, array in p.items()}
    assert cells.rnn(**p, activation=activation).dtype == np.float32
    assert cells.rnn(**(p | {"h_0": None}), activation=activation).dtype == np.float32
    for name, array in p.items():
        assert np.array_equal(array, given[name])


def test_lists_and_whole_numbers_are_taken_as_float64():
    states = cells.rnn([[[1], [2]]], [[1]], [[1]], [0], activation="identity")
    assert states.dtype == np.float64
    assert states.tolist() == [[[1], [3]]]


def test_import_is_light():
    """`import rnnbook` brings neither TensorFlow nor Matplotlib, and NumPy is most of its time."""
    code = (
        "import time, sys, numpy; start = time.perf_counter(); import rnnbook; "
        "spent = time.perf_counter() - start; "
        "print(spent, *({'tensorflow', 'keras', 'matplotlib', 'IPython'} & set(sys.modules)))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    assert all(len(run.stdout.split()) == 1 for run in runs), runs[0].stdout
    assert min(float(run.stdout.split()[0]) for run in runs) < 0.3
