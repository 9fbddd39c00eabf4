"""What every function asks of its arguments: numbers, finite, of the right shape and range.

Sizes have one letter each throughout the course: ``B`` sequences, ``T`` time steps, ``D`` inputs,
``H`` units, ``V`` symbols, ``N`` states. ``name`` is what the caller calls a value, for messages.
"""

import math

import numpy as np
from numpy.typing import ArrayLike


class NotFinite(ValueError):  # noqa: N818 (it reads as what is wrong)
    """A number is NaN or infinite."""


def numbers(name: str, value: ArrayLike) -> np.ndarray:
    """Return ``value`` as finite floats, float32 or else float64; without a copy if possible."""
    array = as_array(name, value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype} (make it float)")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        bad = _index(np.argwhere(~finite)[0].tolist())
        raise NotFinite(
            f"{name} must be finite, got {array[bad]} at index {bad} (check the data or "
            "the step before)"
        )
    return array


def shaped(name: str, value: ArrayLike, letters: str, **sizes: int) -> np.ndarray:
    """Return ``value`` as finite numbers with one axis a letter; nothing is broadcast.

    Letters stand apart, as in ``"B T D"``, and the same one twice is the same size. ``sizes`` are
    those already known, such as ``D=3``; the others are at least 1.

    >>> shaped("W", [[1, 2, 3]], "H D", D=3).shape
    (1, 3)
    """
    array, axes = numbers(name, value), letters.split()
    wanted = ", ".join(f"{a}={sizes[a]}" if a in sizes else a for a in axes)
    problem = f"{name} must have shape ({wanted}), got {array.shape}"
    if array.ndim != len(axes):
        raise ValueError(f"{problem}: {len(axes)} axes are needed, not {array.ndim}")
    for axis, size in zip(axes, array.shape, strict=True):
        if sizes.setdefault(axis, size) != size:
            raise ValueError(f"{problem}: {axis} must be {sizes[axis]}, not {size}")
        if size == 0:
            raise ValueError(f"{problem}: {axis} must be at least 1 (the array is empty)")
    return array


def integers(name: str, value: ArrayLike, V: int | None = None) -> np.ndarray:
    """Return ``value`` as an array of whole numbers, 0 to V - 1, of any shape, also empty."""
    array = as_array(name, value)
    if array.size == 0:
        array = array.astype(np.int32)  # an empty list has a dtype of float
    if array.dtype.kind not in "iu":
        given = f"got dtype {array.dtype} (encode a text first)"
        raise TypeError(f"{name} must be whole numbers, {given}")
    wrong = array < 0 if V is None else (array < 0) | (array >= V)
    if wrong.any():
        bad = _index(np.argwhere(wrong)[0].tolist())
        allowed = "0 or more" if V is None else f"from 0 to V - 1 = {V - 1}"
        raise ValueError(f"{name} must be {allowed}, got {array[bad]} at index {bad}")
    return array


def check_ids(ids: ArrayLike, V: int) -> np.ndarray:
    """Return ids of shape (B, T) as whole numbers from 0 to V - 1."""
    ids = integers("ids", ids, V)
    if ids.ndim != 2 or ids.size == 0:
        raise ValueError(f"ids must be whole numbers of shape (B, T), got shape {ids.shape}")
    return ids


def check_mask(mask: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Return a mask of that shape, such as (B, T): bool, and True somewhere."""
    mask = as_array("mask", mask)
    if mask.dtype != bool or mask.shape != shape:
        kind = ValueError if mask.dtype == bool else TypeError
        raise kind(f"mask must be bool of shape {shape}, got {mask.dtype} of {mask.shape}")
    if not mask.any():
        raise ValueError("mask must leave at least one step, got False everywhere")
    return mask


def whole(name: str, value: int, least: int = 1) -> int:
    """Return ``value``, a whole number of Python or NumPy of at least ``least``, as an int."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r:.80}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def number(
    name: str, value: float, *, least: float = -math.inf, above: float = -math.inf,
    most: float = math.inf, below: float = math.inf,
) -> float:  # fmt: skip
    """Return ``value``, a finite number of Python or NumPy in the range, as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {value!r:.80}")
    value = float(value)
    if not math.isfinite(value):
        raise NotFinite(f"{name} must be finite, got {value}")
    if not (least <= value <= most and above < value < below):
        bounds = {"at least": least, "above": above, "at most": most, "below": below}
        limits = (f"{words} {x:g}" for words, x in bounds.items() if math.isfinite(x))
        raise ValueError(f"{name} must be {' and '.join(limits)}, got {value:g}")
    return value


def check_dtype(dtype: object) -> str:
    """Return "float32" or "float64", the precisions in which layers compute."""
    for name in ("float32", "float64"):
        if isinstance(dtype, str | type | np.dtype) and dtype == np.dtype(name):
            return name
    raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r:.80}")


def as_array(name: str, value: ArrayLike) -> np.ndarray:
    """Return ``value`` as an array of any kind, if nothing in it is masked."""
    if (bad := _masked_at(value)) is not None:
        raise TypeError(f"{name} is masked at index {_index(bad)} (fill it or leave it out)")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a full array, but its rows differ in length") from error


def _masked_at(value):
    """Return the index of the first masked number: np.asarray would give what lies under it."""
    if isinstance(value, list | tuple) and not set(map(type, value)) <= {int, float, str}:
        inner = ((i, _masked_at(row)) for i, row in enumerate(value))
        return next(((i, *at) for i, at in inner if at is not None), None)
    if not isinstance(value, np.ndarray) or not hasattr(value, "mask"):  # np.ma is slow to import
        return None
    return next(iter(np.argwhere(np.ma.getmaskarray(value)).tolist()), None)


def _index(place):
    return place[0] if len(place) == 1 else tuple(place)
