"""Bad input of arrays, activations, cells and layers: the error says what is wrong."""

import numpy as np
import pytest
from test_package import problem

from rnnbook._check import numbers, shaped, whole
from rnnbook.nn import activations, cells

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
        cells.rnn(**p)


@pytest.mark.parametrize("name", ARRAYS)
def test_the_layer_refuses_nan_inside_an_array_of_the_right_shape(name):
    p = problem(2, 3, 4, 5)
    p[name].flat[-1] = np.nan
    with pytest.raises(ValueError, match="must be finite, got nan at index"):
        cells.rnn(**p)


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
        cells.rnn(**p)
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
        cells.rnn(**p)


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
        cells.rnn(**problem(1, 2, 3, 4), activation=name)


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
