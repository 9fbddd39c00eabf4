"""The functions between a neuron's weighted sum and its state."""

import numpy as np


def identity(a):
    """Return ``a`` as it is: a linear neuron."""
    return a


def relu(a):
    """Rectified linear unit, max(0, a): its range is [0, ∞), zero included."""
    return np.maximum(a, 0)


def tanh(a):
    """Hyperbolic tangent: its range is (-1, 1)."""
    return np.tanh(a)


def sigmoid(a):
    """Logistic function 1 / (1 + exp(-a)), written so that nothing overflows: range (0, 1)."""
    return 0.5 * np.tanh(0.5 * a) + 0.5


BY_NAME = {"tanh": tanh, "relu": relu, "identity": identity}


def by_name(name):
    """Return the activation function called ``name``.

    Parameters
    ----------
    name : {"tanh", "relu", "identity"}
        The name, as in Keras (where the identity is called "linear").

    Returns
    -------
    callable
        A function of one array, applied to each element.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if not isinstance(name, str) or name not in BY_NAME:
        raise ValueError(f"activation must be one of {', '.join(BY_NAME)}; got {name!r}")
    return BY_NAME[name]


def slope(name, h):
    """Return the derivative of an activation function, from the function's value.

    Parameters
    ----------
    name : {"tanh", "relu", "identity"}
        The function's name.
    h : numpy.ndarray
        What the function returned: tanh'(a) = 1 - h^2, and relu'(a) is 1 where h > 0. At the
        kink, a = 0, it is 0, as in Keras and PyTorch.

    Returns
    -------
    numpy.ndarray
        The derivative at each element, in the dtype of h.
    """
    if by_name(name) is tanh:
        return 1 - h**2
    return (h > 0).astype(h.dtype) if name == "relu" else np.ones_like(h)


def to_sigmoid(tanh_half, half=0.5):
    """Make σ(a) of tanh(a / 2), in place: σ(a) = (1 + tanh(a / 2)) / 2.

    As an array of the same dtype, ``half`` need not be converted at each call.
    """
    np.multiply(tanh_half, half, tanh_half)
    np.add(tanh_half, half, tanh_half)


def tanh_slope(h, out):
    """Write the derivative of tanh into ``out``, from its value h; they may be the same array."""
    np.multiply(h, h, out=out)
    np.subtract(1, out, out=out)
