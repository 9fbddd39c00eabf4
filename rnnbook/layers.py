"""Whole sequences."""

import numpy as np

from rnnbook.arrays import shaped
from rnnbook.cells import rnn_step


def rnn(x, W_xh, W_hh, b_h, h_0=None, activation="tanh"):
    """Run the simple recurrent layer over whole sequences.

    Parameters
    ----------
    x : array_like, shape (B, T, D)
        The input sequences.
    W_xh, W_hh, b_h : array_like, shapes (H, D), (H, H), (H,)
        The weights, as in :func:`rnnbook.cells.rnn_step`; the same at every step.
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
