"""What every function asks of its arguments: each kind of wrong value gets its sentence."""

import re
from fractions import Fraction

import numpy as np
import pytest

from rnnbook import _check

MASKED = np.ma.masked_array([1, -9999, 3], mask=[0, 1, 0])
WAYS = {
    "numbers": _check.numbers,
    "shaped": lambda name, value: _check.shaped(name, value, "n"),
    "integers": _check.integers,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("value", "place"),
    [
        (MASKED, "1"),
        (list(MASKED), "1"),  # np.ma.masked among numbers
        ([[0, 0, 0], MASKED], r"\(1, 1\)"),
        ((MASKED[:1], MASKED), r"\(1, 1\)"),
        (MASKED[None], r"\(0, 1\)"),
        (np.ma.masked, r"\(\)"),
    ],
)
def test_a_masked_value_is_refused_and_its_place_named(way, value, place):
    message = rf"^x is masked at index {place} \(fill it or leave it out\)$"
    with pytest.raises(TypeError, match=message):
        WAYS[way]("x", value)


@pytest.mark.parametrize("way", WAYS)
def test_a_masked_array_that_hides_nothing_is_an_array(way):
    array = WAYS[way]("x", np.ma.masked_array([1, 2], mask=[0, 0]))
    assert array.tolist() == [1, 2]
    assert type(array) is np.ndarray


def test_a_masked_id_or_mask_is_refused():
    with pytest.raises(TypeError, match=r"^ids is masked at index"):
        _check.check_ids(MASKED[None], 4)
    with pytest.raises(TypeError, match=r"^mask is masked at index"):
        _check.check_mask(np.ma.masked_array([[True, False]], [[0, 1]]), (1, 2))


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("a", TypeError, "must hold real numbers"),
        ([["1.0"]], TypeError, "must hold real numbers"),
        (None, TypeError, "must hold real numbers"),
        ([[True]], TypeError, "must hold real numbers, got dtype bool"),
        ([[1j]], TypeError, "must hold real numbers, got dtype complex128"),
        (np.zeros((1, 1), "datetime64[s]"), TypeError, "must hold real numbers"),
        ([[1.0, None]], TypeError, "must hold real numbers, got dtype object"),
        ([[1.0, 2.0], [3.0]], ValueError, "must be a full array, but its rows differ in length"),
        ([[0.0, np.nan]], ValueError, r"must be finite, got nan at index \(0, 1\)"),
        ([[np.inf]], ValueError, r"must be finite, got inf at index \(0, 0\)"),
    ],
)
def test_numbers_refuse(value, kind, words):
    with pytest.raises(kind, match=f"^speed {words}"):
        _check.numbers("speed", value)


def test_numbers_keep_single_and_double_precision_without_a_copy():
    for dtype in (np.float32, np.float64):
        array = np.ones(3, dtype)
        assert _check.numbers("a", array).dtype == dtype
        assert np.shares_memory(_check.numbers("a", array), array)
    for dtype in (np.int8, np.uint64, np.float16, np.longdouble):
        assert _check.numbers("a", np.ones(3, dtype)).dtype == np.float64


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3,), r"(B, H=4, H=4), got (3,): 3 axes are needed, not 1"),
        ((2, 4, 4, 1), r"got (2, 4, 4, 1): 3 axes are needed, not 4"),
        ((2, 5, 4), r"got (2, 5, 4): H must be 4, not 5"),
        ((2, 4, 1), r"H must be 4, not 1"),
        ((0, 4, 4), r"B must be at least 1 (the array is empty)"),
    ],
)
def test_shaped_refuses_another_shape(shape, words):
    with pytest.raises(ValueError, match=rf"^W must have shape .*{re.escape(words)}$"):
        _check.shaped("W", np.zeros(shape), "B H H", H=4)


def test_shaped_takes_what_fits_as_it_is():
    array = np.zeros((2, 3))
    assert _check.shaped("a", array, "B D") is array
    assert _check.shaped("a", array, "B D", D=3) is array
    assert _check.shaped("a", 2.0, "").shape == ()
    with pytest.raises(ValueError, match="H must be 2, not 3"):  # a letter twice: one size
        _check.shaped("W", array, "H H")


@pytest.mark.parametrize("value", [0.5, 3.0, "3", True, np.True_, None, [3], np.array([3])])
def test_whole_refuses_what_is_no_whole_number(value):
    with pytest.raises(TypeError, match=r"^T must be a whole number, got "):
        _check.whole("T", value)


@pytest.mark.parametrize(("value", "least"), [(0, 1), (-1, 1), (1, 2), (np.int32(-5), -4)])
def test_whole_refuses_what_is_too_small(value, least):
    with pytest.raises(ValueError, match=f"^T must be at least {least}, got {value}$"):
        _check.whole("T", value, least)


@pytest.mark.parametrize("value", [1, np.int64(3), np.uint8(7)])
def test_whole_returns_an_int(value):
    assert _check.whole("T", value) == value
    assert type(_check.whole("T", value)) is int


def test_a_number_that_is_not_finite_has_an_error_of_its_own():
    assert issubclass(_check.NotFinite, ValueError)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(_check.NotFinite, match=rf"^x must be finite, got {bad} at index 1 "):
            _check.numbers("x", [0, bad])
        with pytest.raises(_check.NotFinite, match=rf"^rate must be finite, got {bad}$"):
            _check.number("rate", bad)


@pytest.mark.parametrize(
    ("ids", "kind", "message"),
    [
        ([0.0], TypeError, "must be whole numbers, got dtype float64"),
        ([True], TypeError, "must be whole numbers, got dtype bool"),
        ("games", TypeError, "must be whole numbers, got dtype <U5"),
        ([None], TypeError, "must be whole numbers, got dtype object"),
        ([[0], [0, 1]], ValueError, "must be a full array, but its rows differ in length"),
        ([0, 3], ValueError, "must be from 0 to V - 1 = 2, got 3 at index 1"),
        ([[0, 1], [-1, 5]], ValueError, r"must be from 0 to V - 1 = 2, got -1 at index \(1, 0\)"),
        (np.array([2**63], np.uint64), ValueError, "got 9223372036854775808 at index 0"),
    ],
)
def test_integers_refuse(ids, kind, message):
    with pytest.raises(kind, match=rf"^ids .*{message}"):
        _check.integers("ids", ids, 3)


def test_integers_without_a_size():
    assert _check.integers("ids", [0, 10**9]).tolist() == [0, 10**9]
    assert _check.integers("ids", []).dtype.kind == "i"
    with pytest.raises(ValueError, match=r"^ids must be 0 or more, got -1 at index 0$"):
        _check.integers("ids", [-1])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64, ">i4", ">u8", int])
def test_integers_of_every_type_are_taken(dtype):
    assert _check.integers("ids", np.array([0, 127], dtype), 300).tolist() == [0, 127]


def test_ids_of_a_batch():
    assert _check.check_ids([[0, 1]], 2).tolist() == [[0, 1]]
    for wrong in ([0, 1], [[[0]]], np.zeros((2, 0), int), []):
        with pytest.raises(ValueError, match=r"^ids must be whole numbers of shape \(B, T\), got"):
            _check.check_ids(wrong, 2)


@pytest.mark.parametrize(
    ("mask", "kind", "message"),
    [
        ([[1, 0]], TypeError, r"bool of shape \(1, 2\), got int64 of \(1, 2\)"),
        ([[1.0, 0.0]], TypeError, "got float64"),
        ([True, False], ValueError, r"got bool of \(2,\)"),
        ([[True], [False]], ValueError, r"got bool of \(2, 1\)"),
        ([[False, False]], ValueError, "leave at least one step, got False everywhere"),
    ],
)
def test_a_mask_must_fit(mask, kind, message):
    with pytest.raises(kind, match=f"^mask must .*{message}"):
        _check.check_mask(mask, (1, 2))
    assert _check.check_mask([[True, False]], (1, 2)).tolist() == [[True, False]]


@pytest.mark.parametrize(
    "value", ["0.5", None, [0.5], np.array(0.5), True, np.True_, 1j, Fraction(1, 2), "x" * 500]
)
def test_a_setting_must_be_a_number(value):
    with pytest.raises(TypeError, match=r"^dropout must be a number, got ") as error:
        _check.number("dropout", value, least=0, below=1)
    assert len(str(error.value)) < 120


@pytest.mark.parametrize(
    ("limits", "inside", "outside", "words"),
    [
        ({"least": 0, "below": 1}, [0, 0.99], [-1e-9, 1, 2], "at least 0 and below 1"),
        ({"above": 0, "most": 1}, [1e-9, 1], [0, 1.1], "above 0 and at most 1"),
        ({"above": 0}, [1e-9, 1e300], [0, -1], "above 0"),
        ({"least": 1e-6}, [1e-6], [9e-7], "at least 1e-06"),
        ({}, [-1e300, 1e300], [], ""),
    ],
)
def test_a_setting_must_be_in_its_range(limits, inside, outside, words):
    for value in inside:
        assert _check.number("rate", value, **limits) == value
    for value in outside:
        with pytest.raises(ValueError, match=f"^rate must be {words}, got {value:g}$"):
            _check.number("rate", value, **limits)


@pytest.mark.parametrize("kind", [int, float, np.int8, np.uint64, np.float16, np.float32])
def test_a_setting_comes_back_as_a_number_of_python(kind):
    value = _check.number("rate", kind(2))
    assert type(value) is float
    assert value == 2


def test_dtypes():
    for given, name in [
        ("float32", "float32"),
        (np.float64, "float64"),
        (np.dtype("f4"), "float32"),
    ]:
        assert _check.check_dtype(given) == name
        assert type(_check.check_dtype(given)) is str
    for wrong in ("float16", "int32", "double precision", None, 32, [1], np.ones(2), np.int64):
        with pytest.raises(ValueError, match=r"^dtype must be 'float32' or 'float64', got "):
            _check.check_dtype(wrong)
