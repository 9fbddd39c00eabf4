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
