"""Gradients checked, gradients on their way back through time, and influence without gradients."""

import numpy as np

from rnnbook._check import numbers, shaped
from rnnbook.text import token_ids


def finite_differences(loss, arrays, step=1e-5):
    """Return the gradient of a scalar by central differences, one number at a time.

    Parameters
    ----------
    loss : callable
        Without arguments; returns the loss, computed from the arrays as they are.
    arrays : dict of str to numpy.ndarray of float64
        What the loss depends on. Each number is changed in place and put back.
    step : float
        How far each number is moved to either side. The error falls as step^2 until
        rounding, which grows as 1 / step, takes over.

    Returns
    -------
    dict of str to numpy.ndarray
        For each array, the gradient, of its shape.

    Raises
    ------
    TypeError, ValueError
        If an array is not of float64 (float32 rounds too early for a check), or the step is
        not positive.
    """
    if not step > 0:
        raise ValueError(f"step must be > 0, got {step} (1e-5 suits float64)")
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


def relative_errors(gradients, others):
    """Return, for each name, how far two gradients are apart.

    Parameters
    ----------
    gradients, others : dict of str to array_like
        Gradients under the same names, each pair of the same shape.

    Returns
    -------
    dict of str to float
        The largest difference, divided by the largest magnitude in either array; 0 where both
        are zero everywhere. Below 1e-7 is right, above 1e-4 is wrong.

    Raises
    ------
    TypeError, ValueError
        If the names or shapes differ, or a number is not finite.
    """
    if gradients.keys() != others.keys():
        raise ValueError(f"names must be {', '.join(gradients)}; got {', '.join(others)}")
    errors = {}
    for name in gradients:
        a, b = numbers(name, gradients[name]), numbers(name, others[name])
        if a.shape != b.shape:
            raise ValueError(f"{name} must have shape {a.shape}, got {b.shape}")
        if a.size == 0:
            raise ValueError(f"{name} must hold at least one number, got shape {a.shape}")
        size = max(np.abs(a).max(), np.abs(b).max())
        errors[name] = float(np.abs(a - b).max() / size) if size else 0.0
    return errors


def check(loss, arrays, gradients, step=1e-5):
    """Compare gradients with finite differences.

    Parameters
    ----------
    loss, arrays, step
        As in :func:`finite_differences`.
    gradients : dict of str to array_like
        The gradients to check, under the names of the arrays.

    Returns
    -------
    dict of str to float
        The relative error of each, as in :func:`relative_errors`.

    Raises
    ------
    TypeError, ValueError
        If an array is not of float64, names or shapes differ, or a number is not finite.
    """
    return relative_errors(gradients, finite_differences(loss, arrays, step))


def step_jacobians(layer, x, state=None):
    """Return how the state after each step depends on the state before it.

    Parameters
    ----------
    layer : rnnbook.nn.recurrent.Recurrent
        A recurrent layer, such as ``layers.LSTM``. It makes the passes, and so loses the
        gradients of an earlier one.
    x : array_like, shape (T, D), or of int, shape (T,)
        One sequence.
    state : array_like, shape (H,), for the LSTM (2, H), optional
        The state before the first step, zero by default.

    Returns
    -------
    numpy.ndarray, shape (T, S, S)
        The Jacobians: entry (t, i, j) is the derivative of number i of the state after step t
        with respect to number j of the state before. S is H; for the LSTM 2 H, h before c.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, or a number is not finite.
    """
    x, states, H = np.asarray(x), layer.states, layer.H
    if x.dtype.kind not in "iu":
        x = shaped("x", x, "T D", D=layer.D)
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


def flow(jacobians):
    """Return how strongly the last state depends on the state some steps earlier.

    Parameters
    ----------
    jacobians : array_like, shape (T, S, S)
        The Jacobian of each step, from :func:`step_jacobians`.

    Returns
    -------
    numpy.ndarray, shape (T,)
        Base-10 logarithm of the spectral norm of the product of the last 1, 2, ..., T
        Jacobians: entry k - 1 is that of ds_T / ds_{T-k}; -inf where the product is zero.
        Products are rescaled at each step, so that nothing over- or underflows.

    Raises
    ------
    TypeError, ValueError
        If the shape does not fit, or a number is not finite.

    Notes
    -----
    After Pascanu, Mikolov and Bengio (2013), equation 5.
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


def influence(model, ids, frequencies, state=None):
    r"""Return how far each token of a text moves the predictions after it, in bits.

    Token j is replaced by another one, v, drawn with its frequency f(v) among the others. The
    influence on the prediction after token t is the mean Kullback-Leibler divergence

    .. math::

        I_{tj} = \sum_{v \ne x_j} \frac{f(v)}{1 - f(x_j)} \sum_w p(w) \log_2 \frac{p(w)}{p_v(w)},

    with p the prediction after x_1, ..., x_t, and p_v the one where v stands for x_j. All v are
    tried, so nothing is drawn.

    Parameters
    ----------
    model : rnnbook.text.language_model.LanguageModel
        Any object with a size V, and a method ``forward(ids, state)`` that returns logits and
        states as the one of that class does. In float64, rounding stays below 1e-12 bits.
    ids : array_like of int, shape (T,)
        The text.
    frequencies : array_like, shape (V,)
        How often each token is put in another's place, such as its count in the training text.
    state : numpy.ndarray, optional
        The state before the first token, as ``forward`` returns it for B = 1. Zero by default.

    Returns
    -------
    numpy.ndarray, shape (T, T)
        Entry (t, j) is the influence of token j on the prediction after token t; 0 for j > t.

    Raises
    ------
    TypeError, ValueError
        If the ids are not whole numbers from 0 to V - 1, or the frequencies are negative, or
        zero for all tokens but one.

    Notes
    -----
    That a text is changed to see what a model uses of it is after Khandelwal, He, Qi and Jurafsky
    (2018), section 3.
    """
    ids = token_ids(ids, model.V, 1)
    f = shaped("frequencies", frequencies, "V", V=model.V)
    if f.min() < 0 or np.count_nonzero(f) < 2:
        raise ValueError(
            f"frequencies must be >= 0, and > 0 for two tokens, got {np.count_nonzero(f)} of them "
            f"and the least {f.min()} (count the tokens of a text)"
        )
    moved = np.zeros((len(ids), len(ids)))
    for j, token in enumerate(ids):
        rows = np.repeat(ids[None, j:], model.V, axis=0)
        rows[:, 0] = np.arange(model.V)  # row v has v in the place of token j
        start = None if state is None else np.repeat(state, model.V, axis=-2)
        logits = model.forward(rows, start)[0]
        log_q = logits - logits.max(axis=2, keepdims=True)
        log_q -= np.log(np.exp(log_q).sum(axis=2, keepdims=True))
        log_p = log_q[token]
        weights = np.where(np.arange(model.V) == token, 0, f)
        bits = (np.exp(log_p) * (log_p - log_q)).sum(axis=2) / np.log(2)
        moved[j:, j] = weights @ bits / weights.sum()
        state = model.forward(ids[None, j : j + 1], state)[1]
    return np.maximum(moved, 0)  # rounding can leave less than zero
