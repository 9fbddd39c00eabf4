"""What every function asks of its arrays: numbers, finite, of the right shape.

Sizes have one letter each throughout the course: ``B`` batch, ``T`` time steps,
``D`` input size, ``H`` hidden size, ``V`` vocabulary size, ``N`` states.
"""

from types import SimpleNamespace

import numpy as np


class NotFinite(ValueError):  # noqa: N818
    """A number is NaN or infinite."""


def numbers(name, value):
    """Return ``value`` as an array of finite floating-point numbers.

    Parameters
    ----------
    name : str
        What the caller calls it; it stands in the error message.
    value : array_like
        Integers or floats. float32 and float64 are kept; all else becomes float64.

    Returns
    -------
    numpy.ndarray
        The same numbers, of dtype float32 or float64, without a copy where possible.

    Raises
    ------
    TypeError
        If the value does not hold real numbers.
    ValueError
        If rows differ in length, or if a number is NaN or infinite.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a full array, but its rows differ in length") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"{name} must hold real numbers, got dtype {array.dtype} (convert it to float first)"
        )
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if not np.isfinite(array).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise NotFinite(
            f"{name} must be finite, got {array[bad]} at index {bad} (check the data or the step "
            "before)"
        )
    return array


def shaped(name, value, letters, **sizes):
    """Return ``value`` as finite numbers with one axis a letter, or say what does not fit.

    Parameters
    ----------
    name : str
        What the caller calls it.
    value : array_like
        The numbers.
    letters : str
        One letter an axis, separated by spaces, such as ``"B T D"``.
    **sizes : int
        The sizes already known, such as ``D=3``. Other letters may be any size of at least 1;
        the same letter twice is the same size.

    Returns
    -------
    numpy.ndarray
        The array; nothing is broadcast, cut or reshaped.

    Raises
    ------
    TypeError
        If the value does not hold real numbers.
    ValueError
        If the number of axes or a size does not fit, or an axis is empty.
    """
    array = numbers(name, value)
    axes = letters.split()
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


def whole(name, value, least=1):
    """Return ``value`` as an int, or say that it must be a whole number of at least ``least``.

    Parameters
    ----------
    name : str
        What the caller calls it.
    value : int
        The number; a bool is refused.
    least : int
        The smallest allowed value.

    Returns
    -------
    int
        The number.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is smaller than ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def named(weights, letters, optional=(), **sizes):
    """Return weights as attributes of one object, each held to its shape.

    Parameters
    ----------
    weights : dict of str to array_like
        The weights under the names of the equations.
    letters : dict of str to str
        The allowed names, each with its axes as in :func:`shaped`.
    optional : sequence of str
        Names that may be missing; then the attribute is 0.
    **sizes : int
        The sizes already known; one that an array settles holds for those after it.

    Returns
    -------
    types.SimpleNamespace
        One attribute a name, in the order of ``letters``.

    Raises
    ------
    TypeError, ValueError
        If a name is missing or unknown, or an array does not fit.
    """
    missing = [name for name in letters if name not in weights and name not in optional]
    unknown = [name for name in weights if name not in letters]
    if missing or unknown:
        raise ValueError(
            f"weights must be named {', '.join(letters)}; missing: {', '.join(missing) or 'none'}, "
            f"unknown: {', '.join(unknown) or 'none'}"
        )
    arrays = dict.fromkeys(optional, 0)
    for name in filter(weights.__contains__, letters):
        arrays[name] = shaped(name, weights[name], letters[name], **sizes)
        sizes |= zip(letters[name].split(), arrays[name].shape, strict=True)
    return SimpleNamespace(**arrays)


def checked_ids(ids, V):
    """Return ids as an array of whole numbers from 0 to V - 1, or say what they are.

    Parameters
    ----------
    ids : array_like of int, shape (B, T)
        The ids.
    V : int
        The vocabulary size.

    Returns
    -------
    numpy.ndarray of int, shape (B, T)
        The ids.

    Raises
    ------
    ValueError
        If they are not whole numbers of that shape, or one is out of range.
    """
    ids = np.asarray(ids)
    if ids.dtype.kind not in "iu" or ids.ndim != 2 or ids.size == 0:
        raise ValueError(
            f"ids must be whole numbers of shape (B, T), got {ids.dtype} of shape {ids.shape}"
        )
    if ids.min() < 0 or ids.max() >= V:
        raise ValueError(f"ids must be from 0 to {V - 1}, got {ids.min()} to {ids.max()}")
    return ids


def checked_mask(mask, B, T):
    """Return the mask as (T, B), or say why it is none."""
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != (B, T):
        raise ValueError(
            f"mask must be bool of shape (B, T) = ({B}, {T}), got {mask.dtype} of {mask.shape}"
        )
    if not mask.any():
        raise ValueError("mask must leave at least one step, got False everywhere")
    return mask.T


def unmasked(name: str, value) -> np.ndarray:
    """Return ``value`` as an array; refuse a masked one, whose mask NumPy would drop.

    >>> unmasked("ids", np.ma.masked_array([1, 2], mask=[False, True]))
    Traceback (most recent call last):
    TypeError: ids is masked at index (1,) (fill it or leave it out)
    """
    if np.ma.is_masked(value):
        bad = tuple(int(i) for i in np.argwhere(np.ma.getmaskarray(value))[0])
        raise TypeError(f"{name} is masked at index {bad} (fill it or leave it out)")
    return np.asarray(value)


def real(name: str, value) -> float:
    """Return one real number, such as a setting, as a Python float.

    >>> real("rate", np.float32(0.5))
    0.5
    """
    array = np.empty(1) if isinstance(value, list | tuple) else unmasked(name, value)
    if array.ndim or array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(array)


def checked_dtype(dtype) -> np.dtype:
    """Return float32 or float64 as NumPy's dtype, or say that a layer has no other."""
    if dtype not in ("float32", "float64", np.float32, np.float64):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    return np.dtype(dtype)
