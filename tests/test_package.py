"""Arrays, activations, cells and layers: values known otherwise, properties, and bad input."""

import math
import subprocess
import sys

import numpy as np
import pytest

from rnnbook import activations, cells, layers
from rnnbook.arrays import numbers, shaped, whole

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
    given = layers.rnn([[[v] for v in x]], [[w_x]], [[w_h]], [b], [[0.3]], activation)
    assert given.shape == (1, 4, 1)
    np.testing.assert_allclose(given[0, :, 0], wanted, rtol=0, atol=1e-15)


def test_values_worked_with_a_pencil():
    # Two relu neurons that hear each other: h_1 = (1, 0), h_2 = (0, 2), h_3 = (6, 0).
    given = layers.rnn(
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
    given = layers.rnn(**p, activation="identity")
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
    ours = layers.rnn(**p, activation=activation)
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
    states = layers.rnn(x, **p, h_0=h_t, activation=activation)
    for t in range(sizes[1]):
        h_t = cells.rnn_step(x[:, t], h_t, **p, activation=activation)
        assert np.array_equal(states[:, t], h_t)


@each_size
@each_activation
def test_a_sequence_can_be_cut_and_the_state_carried_on(sizes, activation):
    p = problem(*sizes)
    whole_run = layers.rnn(**p, activation=activation)
    for cut in range(1, sizes[1]):
        first = layers.rnn(**(p | {"x": p["x"][:, :cut]}), activation=activation)
        rest = p | {"x": p["x"][:, cut:], "h_0": first[:, -1]}
        both = np.concatenate([first, layers.rnn(**rest, activation=activation)], axis=1)
        assert np.array_equal(both, whole_run)


@each_activation
def test_no_state_hears_a_later_input(activation):
    p = problem(2, 6, 3, 4)
    before = layers.rnn(**p, activation=activation)
    p["x"][:, 3:] += 1
    after = layers.rnn(**p, activation=activation)
    assert np.array_equal(after[:, :3], before[:, :3])
    assert not np.array_equal(after[:, 3], before[:, 3])


@each_activation
def test_sequences_of_a_batch_do_not_hear_each_other(activation):
    p = problem(4, 5, 3, 2)
    before = layers.rnn(**p, activation=activation)
    p["x"][2] += 1
    after = layers.rnn(**p, activation=activation)
    others = [0, 1, 3]
    assert np.array_equal(after[others], before[others])
    assert not np.array_equal(after[2], before[2])


def test_tanh_without_bias_is_odd_and_relu_without_bias_scales():
    p = problem(3, 6, 2, 4) | {"b_h": np.zeros(4)}
    turned = p | {"x": -p["x"], "h_0": -p["h_0"]}
    np.testing.assert_allclose(layers.rnn(**turned), -layers.rnn(**p), atol=1e-15)
    doubled = p | {"x": 2 * p["x"], "h_0": 2 * p["h_0"]}
    once = layers.rnn(**p, activation="relu")
    np.testing.assert_allclose(layers.rnn(**doubled, activation="relu"), 2 * once, rtol=1e-13)


def test_no_initial_state_is_zero():
    p = problem(3, 4, 2, 5)
    zero = layers.rnn(**(p | {"h_0": np.zeros((3, 5))}))
    assert np.array_equal(layers.rnn(**(p | {"h_0": None})), zero)
    assert not np.array_equal(layers.rnn(**p), zero)


@each_size
@each_activation
def test_float32_stays_float32_and_nothing_given_is_changed(sizes, activation):
    p = problem(*sizes, dtype=np.float32)
    given = {name: array.copy() for name, array in p.items()}
    assert layers.rnn(**p, activation=activation).dtype == np.float32
    assert layers.rnn(**(p | {"h_0": None}), activation=activation).dtype == np.float32
    for name, array in p.items():
        assert np.array_equal(array, given[name])


def test_lists_and_whole_numbers_are_taken_as_float64():
    states = layers.rnn([[[1], [2]]], [[1]], [[1]], [0], activation="identity")
    assert states.dtype == np.float64
    assert states.tolist() == [[[1], [3]]]


# Bad input: the error names what was given, what is allowed and where.

NOT_NUMBERS = {
    "text": ("a", TypeError, "must hold real numbers"),
    "digits as text": ([["1.0"]], TypeError, "must hold real numbers"),
    "nothing": (None, TypeError, "must hold real numbers"),
    "bool": ([[True]], TypeError, "must hold real numbers, got dtype bool"),
    "complex": ([[1j]], TypeError, "must hold real numbers, got dtype complex128"),
    "a date": (np.zeros((1, 1), "datetime64[s]"), TypeError, "must hold real numbers"),
    "ragged rows": (
        [[1.0, 2.0], [3.0]],
        ValueError,
        "must be a full array, but its rows differ in length",
    ),
    "a hole": ([[1.0, None]], TypeError, "must hold real numbers, got dtype object"),
    "NaN": ([[0.0, np.nan]], ValueError, r"must be finite, got nan at index \(0, 1\)"),
    "infinity": ([[np.inf]], ValueError, r"must be finite, got inf at index \(0, 0\)"),
}
each_not_number = pytest.mark.parametrize("case", NOT_NUMBERS)
ARRAYS = ["x", "W_xh", "W_hh", "b_h", "h_0"]


@each_not_number
def test_numbers_refuses_what_is_none(case):
    value, kind, words = NOT_NUMBERS[case]
    with pytest.raises(kind, match=f"^speed {words}"):
        numbers("speed", value)


@pytest.mark.parametrize(
    ("name", "case"),
    [(n, c) for n in ARRAYS for c in NOT_NUMBERS if (n, c) != ("h_0", "nothing")],
)
def test_the_layer_refuses_what_is_no_number(name, case):
    value, kind, words = NOT_NUMBERS[case]
    p = problem(2, 3, 4, 5) | {name: value}
    with pytest.raises(kind, match=f"^{name} {words}"):
        layers.rnn(**p)


@pytest.mark.parametrize("name", ARRAYS)
def test_the_layer_refuses_nan_inside_an_array_of_the_right_shape(name):
    p = problem(2, 3, 4, 5)
    p[name].flat[-1] = np.nan
    with pytest.raises(ValueError, match="must be finite, got nan at index"):
        layers.rnn(**p)


# Every wrong shape of each array: axes too many or too few, a size off by one, of 1, of 0, turned.
WRONG_SHAPES = [
    *(("x", s) for s in [(3, 4), (4,), (), (1, 2, 3, 4), (2, 3, 3), (2, 3, 1), (2, 4, 3)]),
    *(("x", s) for s in [(0, 3, 4), (2, 0, 4), (2, 3, 0)]),
    *(
        ("W_xh", s)
        for s in [(4, 5), (5, 3), (5, 1), (1, 4), (1, 1), (5,), (4,), (), (0, 4), (5, 0)]
    ),
    *(("W_xh", s) for s in [(1, 5, 4), (6, 4)]),
    *(
        ("W_hh", s)
        for s in [(5, 4), (4, 5), (5, 1), (1, 5), (1, 1), (5,), (), (0, 0), (1, 5, 5), (6, 6)]
    ),
    *(("b_h", s) for s in [(4,), (6,), (1,), (), (0,), (1, 5), (5, 1)]),
    *(
        ("h_0", s)
        for s in [(5,), (1, 5), (2, 1), (3, 5), (2, 4), (5, 2), (), (0, 5), (2, 0), (2, 1, 5)]
    ),
]


@pytest.mark.parametrize(("name", "shape"), WRONG_SHAPES, ids=str)
def test_the_layer_refuses_a_wrong_shape(name, shape):
    p = problem(2, 3, 4, 5) | {name: np.zeros(shape)}
    with pytest.raises(ValueError, match=r"\w+ must have shape \(.*\), got \(") as error:
        layers.rnn(**p)
    # The sizes come from x and W_hh: where one of these two is wrong, another may be named.
    named = str(error.value).split()[0]
    assert named == name if name in ("W_xh", "b_h", "h_0") else named in ARRAYS


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("x", (3, 4), r"^x must have shape \(B, T, D\), got \(3, 4\): 3 axes are needed, not 2$"),
        ("W_xh", (4, 5), r"^W_xh must have shape \(H=5, D=4\), got \(4, 5\): H must be 5, not 4$"),
        ("b_h", (1,), r"^b_h must have shape \(H=5\), got \(1,\): H must be 5, not 1$"),
        ("h_0", (1, 5), r"^h_0 must have shape \(B=2, H=5\), got \(1, 5\): B must be 2, not 1$"),
        ("x", (2, 0, 4), r"T must be at least 1 \(the array is empty\)$"),
    ],
)
def test_the_error_names_what_is_wrong(name, shape, words):
    p = problem(2, 3, 4, 5) | {name: np.zeros(shape)}
    with pytest.raises(ValueError, match=words):
        layers.rnn(**p)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("x_t", (4,)), ("x_t", (2, 3, 4)), ("x_t", (1, 4)), ("h_prev", (5,)), ("h_prev", (1, 5)),
     ("W_xh", (4, 5)), ("W_hh", (5, 1)), ("b_h", (1, 5)), ("b_h", ())],
    ids=str,
)  # fmt: skip
def test_the_cell_refuses_a_wrong_shape(name, shape):
    p = problem(2, 1, 4, 5)
    p = {"x_t": p.pop("x")[:, 0], "h_prev": p.pop("h_0")} | p | {name: np.zeros(shape)}
    with pytest.raises(ValueError, match=r"\w+ must have shape \(.*\), got \("):
        cells.rnn_step(**p)


@pytest.mark.parametrize("name", ["Tanh", "linear", "sigmoid", "", None, 3, np.tanh])
def test_an_unknown_activation_is_refused(name):
    words = "^activation must be one of tanh, relu, identity; got "
    with pytest.raises(ValueError, match=words):
        activations.by_name(name)
    with pytest.raises(ValueError, match=words):
        layers.rnn(**problem(1, 2, 3, 4), activation=name)


@pytest.mark.parametrize("value", [0.5, 3.0, "3", True, np.True_, None, [3], np.array([3])])
def test_whole_refuses_what_is_no_whole_number(value):
    with pytest.raises(TypeError, match=r"^T must be a whole number, got "):
        whole("T", value)


@pytest.mark.parametrize(("value", "least"), [(0, 1), (-1, 1), (1, 2), (np.int32(-5), -4)])
def test_whole_refuses_what_is_too_small(value, least):
    with pytest.raises(ValueError, match=f"^T must be at least {least}, got {value}$"):
        whole("T", value, least)


@pytest.mark.parametrize("value", [1, np.int64(3), np.uint8(7)])
def test_whole_returns_an_int(value):
    assert whole("T", value) == value
    assert type(whole("T", value)) is int


def test_numbers_keeps_single_and_double_precision_without_a_copy():
    for dtype in (np.float32, np.float64):
        array = np.ones(3, dtype)
        assert numbers("a", array).dtype == dtype
        assert np.shares_memory(numbers("a", array), array)
    for dtype in (np.int8, np.uint64, np.float16, np.longdouble):
        assert numbers("a", np.ones(3, dtype)).dtype == np.float64


def test_shaped_takes_what_fits_as_it_is():
    array = np.zeros((2, 3))
    assert shaped("a", array, "B D") is array
    assert shaped("a", array, "B D", D=3) is array
    assert shaped("a", 2.0, "").shape == ()


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
