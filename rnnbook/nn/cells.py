"""One time step of a simple layer and, under it, its backward step, in the equations' words.

To read; ``layers`` is to run, and ``gated_cells`` holds LSTM and GRU. Examples are rows, so
W x becomes ``x @ W.T``. A backward step takes the loss's gradient with respect to what the step
returned, and gives its gradients with respect to what the step was given, in a dict.
"""

import numpy as np

from rnnbook._check import named, shaped
from rnnbook.nn import activations


def rnn_step(x_t, h_prev, W_xh, W_hh, b_h, activation="tanh"):
    """One step of the simple recurrent layer: h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h).

    Parameters
    ----------
    x_t : array_like, shape (B, D)
        The input at time step t, one row an example.
    h_prev : array_like, shape (B, H)
        The hidden state at time step t - 1.
    W_xh : array_like, shape (H, D)
        Input-to-hidden weights: row i holds the input weights of neuron i.
    W_hh : array_like, shape (H, H)
        Hidden-to-hidden weights: row i says what neuron i hears from each neuron.
    b_h : array_like, shape (H,)
        Biases.
    activation : {"tanh", "relu", "identity"}
        The activation function.

    Returns
    -------
    numpy.ndarray, shape (B, H)
        The hidden state h_t.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, a number is not finite, or the activation is unknown.

    Notes
    -----
    After Elman (1990).
    """
    phi = activations.by_name(activation)
    x_t, h_prev, w = _checked(x_t, h_prev, {"W_xh": W_xh, "W_hh": W_hh, "b_h": b_h})
    return phi(x_t @ w.W_xh.T + h_prev @ w.W_hh.T + w.b_h)


def rnn_step_backward(dh_t, x_t, h_prev, W_xh, W_hh, b_h, activation="tanh"):
    """Take the backward step of :func:`rnn_step`.

    Parameters
    ----------
    dh_t : array_like, shape (B, H)
        Gradient with respect to h_t: of the loss at this step and of all later ones.
    x_t, h_prev, W_xh, W_hh, b_h, activation
        As in :func:`rnn_step`.

    Returns
    -------
    dict of str to numpy.ndarray
        Gradients with respect to x_t, h_prev, W_xh, W_hh and b_h. Those of the weights are
        this step's share: the sum over the steps is the whole.

    Raises
    ------
    TypeError, ValueError
        As in :func:`rnn_step`.
    """
    h_t = rnn_step(x_t, h_prev, W_xh, W_hh, b_h, activation)
    x_t, h_prev, w = _checked(x_t, h_prev, {"W_xh": W_xh, "W_hh": W_hh, "b_h": b_h})
    da = shaped("dh_t", dh_t, "B H", B=len(h_t), H=h_t.shape[1]) * activations.slope(
        activation, h_t
    )
    return {
        "x_t": da @ w.W_xh,
        "h_prev": da @ w.W_hh,
        "W_xh": da.T @ x_t,
        "W_hh": da.T @ h_prev,
        "b_h": da.sum(axis=0),
    }


def rnn(x, W_xh, W_hh, b_h, h_0=None, activation="tanh"):
    """Run the simple recurrent layer over whole sequences.

    Parameters
    ----------
    x : array_like, shape (B, T, D)
        The input sequences.
    W_xh, W_hh, b_h : array_like, shapes (H, D), (H, H), (H,)
        The weights, as in :func:`rnn_step`; the same at every step.
    h_0 : array_like, shape (B, H), optional
        The state before the first step. Zero by default, which is a convention, not a law.
    activation : {"tanh", "relu", "identity"}
        The activation function.

    Returns
    -------
    numpy.ndarray, shape (B, T, H)
        The hidden states h_1 to h_T; the last one is ``result[:, -1]``.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, a number is not finite, or the activation is unknown.
    """
    x = shaped("x", x, "B T D")
    W_hh = shaped("W_hh", W_hh, "H H")
    B, T, _ = x.shape
    H = len(W_hh)
    h_t = np.zeros((B, H), dtype=x.dtype) if h_0 is None else shaped("h_0", h_0, "B H", B=B, H=H)
    h = []
    for t in range(T):
        h_t = rnn_step(x[:, t], h_t, W_xh, W_hh, b_h, activation)
        h.append(h_t)
    return np.stack(h, axis=1)


def output_to_hidden_step(x_t, y_prev, weights, activation="tanh"):
    """One step of a net whose output feeds back, not its hidden state (Jordan 1986).

    h_t = tanh(W_xh x_t + W_yh y_{t-1} + b_h), and y_t = softmax(W_hy h_t + b_y).

    Parameters
    ----------
    x_t : array_like, shape (B, D)
        The input at time step t.
    y_prev : array_like, shape (B, V)
        The output at time step t - 1: probabilities, or any vector at the start.
    weights : dict of str to array_like
        W_xh (H, D), W_yh (H, V), b_h (H,), W_hy (V, H) and b_y (V,).
    activation : {"tanh", "relu", "identity"}
        The activation function of the hidden layer.

    Returns
    -------
    y_t : numpy.ndarray, shape (B, V)
        The output, whose rows sum to 1.
    h_t : numpy.ndarray, shape (B, H)
        The hidden layer.

    Raises
    ------
    TypeError, ValueError
        If a weight is missing or unknown, a shape does not fit, or a number is not finite.
    """
    x_t, y_prev, w = _checked_output(x_t, y_prev, weights)
    phi = activations.by_name(activation)
    h_t = phi(x_t @ w.W_xh.T + y_prev @ w.W_yh.T + w.b_h)
    logits = h_t @ w.W_hy.T + w.b_y
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True), h_t


def output_to_hidden_step_backward(dy_t, x_t, y_prev, weights, activation="tanh"):
    """Take the backward step of :func:`output_to_hidden_step`.

    Parameters
    ----------
    dy_t : array_like, shape (B, V)
        Gradient with respect to y_t.
    x_t, y_prev, weights, activation
        As in :func:`output_to_hidden_step`.

    Returns
    -------
    dict of str to numpy.ndarray
        Gradients with respect to x_t, y_prev and each weight.

    Raises
    ------
    TypeError, ValueError
        As in :func:`output_to_hidden_step`.
    """
    y_t, h_t = output_to_hidden_step(x_t, y_prev, weights, activation)
    x_t, y_prev, w = _checked_output(x_t, y_prev, weights)
    dy_t = shaped("dy_t", dy_t, "B V", B=len(y_t), V=y_t.shape[1])
    dlogits = y_t * (dy_t - (dy_t * y_t).sum(axis=1, keepdims=True))
    da = dlogits @ w.W_hy * activations.slope(activation, h_t)
    return {
        "x_t": da @ w.W_xh,
        "y_prev": da @ w.W_yh,
        "W_xh": da.T @ x_t,
        "W_yh": da.T @ y_prev,
        "b_h": da.sum(axis=0),
        "W_hy": dlogits.T @ h_t,
        "b_y": dlogits.sum(axis=0),
    }


def _checked(x_t, h_prev, weights):
    x_t = shaped("x_t", x_t, "B D")
    B, D = x_t.shape
    h_prev = shaped("h_prev", h_prev, "B H", B=B)
    letters = {"W_xh": "H D", "W_hh": "H H", "b_h": "H"}
    return x_t, h_prev, named(weights, letters, D=D, H=h_prev.shape[1])


def _checked_output(x_t, y_prev, weights):
    x_t = shaped("x_t", x_t, "B D")
    y_prev = shaped("y_prev", y_prev, "B V", B=len(x_t))
    letters = {"W_xh": "H D", "W_yh": "H V", "b_h": "H", "W_hy": "V H", "b_y": "V"}
    return x_t, y_prev, named(weights, letters, D=x_t.shape[1], V=y_prev.shape[1])
