"""Gradients: compared with finite differences, and on their way back through time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import integers, number, numbers, shaped
from rnnbook.nn.layers import Recurrent


def finite_differences(
    loss: Callable[[], float], arrays: dict[str, np.ndarray], step: float = 1e-5
) -> dict[str, np.ndarray]:
    """Return the gradient of a scalar by central differences, one number at a time.

    ``loss``, a function without arguments, computes it from the arrays, of float64, as they are;
    each number is moved in place by ``step`` to either side and put back. The error falls as step^2
    until rounding, which grows as 1 / step, takes over.

    >>> x = np.array([1.0, 3.0])
    >>> finite_differences(lambda: (x**2).sum(), {"x": x})["x"].round(6)
    array([2., 6.])
    """
    step = number("step", step, above=0)
    gradients = {}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            given = getattr(array, "dtype", type(array).__name__)
            raise TypeError(
                f"{name} must be an array of float64, got {given} (make the layer with "
                "dtype='float64')"
            )
        gradients[name] = np.empty_like(array)
        for index in np.ndindex(array.shape):
            value = array[index]
            try:
                array[index] = value + step
                above = loss()
                array[index] = value - step
                below = loss()
            finally:
                array[index] = value
            gradients[name][index] = (above - below) / (2 * step)
    return gradients


def check(
    loss: Callable[[], float], arrays: dict[str, np.ndarray], gradients: dict[str, ArrayLike],
    step: float = 1e-5,
) -> dict[str, float]:  # fmt: skip
    """Return, for each name, how far a gradient is from that by :func:`finite_differences`.

    That is the largest difference over the largest magnitude in either array; 0 where both are
    zero everywhere. Below 1e-7 is right, above 1e-4 is wrong.

    >>> x = np.array([1.0, 3.0])
    >>> check(lambda: (x**2).sum(), {"x": x}, {"x": 2 * x})["x"] < 1e-7
    True
    """
    if gradients.keys() != arrays.keys():
        raise ValueError(f"gradients must be of {', '.join(arrays)}; got {', '.join(gradients)}")
    errors = {}
    for name, b in finite_differences(loss, arrays, step).items():
        a = numbers(name, gradients[name])
        if a.shape != b.shape:
            raise ValueError(f"{name} must have shape {b.shape}, got {a.shape}")
        size = max(np.abs(a).max(), np.abs(b).max())
        errors[name] = float(np.abs(a - b).max() / size) if size else 0.0
    return errors


def step_jacobians(layer: Recurrent, x: ArrayLike, state: ArrayLike | None = None) -> np.ndarray:
    """Return how the state after each step depends on the state before it.

    Given one sequence, (T, D) or ids (T,), and the state before it, (H,), for the LSTM (2, H), zero
    by default, return the Jacobians, (T, S, S): entry (t, i, j) is the derivative of number i of
    the state after step t with respect to number j of the state before. S is H; for the LSTM 2 H, h
    before c. The layer makes the passes, and so loses the gradients of an earlier one.

    >>> from rnnbook import RNN
    >>> step_jacobians(RNN(D=2, H=3), [0, 1, 1, 0]).shape
    (4, 3, 3)
    """
    states, H, D = layer.states, layer.H, layer.D
    x = integers("x", x, D) if np.ndim(x) == 1 else shaped("x", x, "T D", D=D)
    now = np.zeros((states, H))
    if state is not None:
        now[:] = shaped("state", state, "H" if states == 1 else "S H", S=states, H=H)
    S = states * H
    # S copies of the sequence: copy i asks for the derivative of number i of the new state.
    ask = np.eye(S, dtype=layer.dtype).reshape(S, states, H).transpose(1, 0, 2)
    squeeze = 0 if states == 1 else slice(None)  # a single state has no axis of its own
    jacobians = np.empty((len(x), S, S), layer.dtype)
    for t, x_t in enumerate(x):
        copies = np.repeat(now[:, None], S, axis=1)
        _, after = layer.forward(np.repeat(x_t[None, None], S, axis=0), copies[squeeze])
        _, back = layer.backward(np.zeros((S, 1, H), layer.dtype), ask[squeeze])
        jacobians[t] = back.reshape(states, S, H).transpose(1, 0, 2).reshape(S, S)
        now = after.reshape(states, S, H)[:, 0]
    return jacobians


def flow(jacobians: ArrayLike) -> np.ndarray:
    """Return how strongly the last state depends on the state some steps earlier.

    Given each step's Jacobian, (T, S, S), from :func:`step_jacobians`, return base-10 logarithms of
    the spectral norm of the product of the last 1, 2, ..., T of them: entry k, from 0, is that of
    ds_T / ds_{T-k-1}; -inf where the product is zero. Products are rescaled at each step, so that
    nothing over- or underflows. After Pascanu et al. (2013), equation 5.

    >>> flow([[[0.1]], [[10.0]], [[100.0]]])
    array([2., 3., 2.])
    """
    jacobians = shaped("jacobians", jacobians, "T S S")
    logs, product, scale = [], np.eye(jacobians.shape[1]), 0.0
    for jacobian in jacobians[::-1]:
        product = product @ jacobian
        norm = np.linalg.norm(product, 2)
        if norm == 0:
            break
        product, scale = product / norm, scale + np.log10(norm)
        logs.append(scale)
    return np.array(logs + [-np.inf] * (len(jacobians) - len(logs)))
