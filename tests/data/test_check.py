"""What every function asks of its arguments: each kind of wrong value gets its sentence."""

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
