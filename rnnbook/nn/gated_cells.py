"""One time step of an LSTM or a GRU and, under it, its backward step; one gate a line.

To read; ``layers`` is to run. The conventions are those of ``cells``; the weights come in a dict
under the names of the equations.
"""

import numpy as np

from rnnbook._check import named, shaped
from rnnbook.nn.activations import sigmoid

PEEPHOLES = ("p_i", "p_f", "p_o")
SECOND_BIASES = ("b_hz", "b_hr", "b_hh")


def lstm_gates(x_t, h_prev, c_prev, weights):
    """Compute the gates, the candidate and the memory cell of one LSTM step.

    Parameters
    ----------
    x_t : array_like, shape (B, D)
        The input at time step t.
    h_prev, c_prev : array_like, shape (B, H)
        The hidden state and the memory cell at time step t - 1.
    weights : dict of str to array_like
        W_xi (H, D), W_hi (H, H) and b_i (H,) of the input gate i; the same of the forget gate
        f, the candidate c and the output gate o. Optional peephole weights p_i, p_f and p_o,
        each (H,): none is zero.

    Returns
    -------
    i_t, f_t, c_tilde, c_t, o_t : numpy.ndarray, each of shape (B, H)
        Input gate, forget gate, candidate, memory cell, output gate.

    Raises
    ------
    TypeError, ValueError
        If a weight is missing or unknown, a shape does not fit, or a number is not finite.

    Notes
    -----
    The LSTM of Hochreiter and Schmidhuber (1997) with the forget gate of Gers, Schmidhuber
    and Cummins (2000); peepholes after Gers, Schraudolph and Schmidhuber (2002).
    """
    x_t, h_prev, w = _checked(x_t, h_prev, weights, "ifco", PEEPHOLES)
    c_prev = shaped("c_prev", c_prev, "B H", B=len(h_prev), H=h_prev.shape[1])
    i_t = sigmoid(x_t @ w.W_xi.T + h_prev @ w.W_hi.T + w.p_i * c_prev + w.b_i)
    f_t = sigmoid(x_t @ w.W_xf.T + h_prev @ w.W_hf.T + w.p_f * c_prev + w.b_f)
    c_tilde = np.tanh(x_t @ w.W_xc.T + h_prev @ w.W_hc.T + w.b_c)
    c_t = f_t * c_prev + i_t * c_tilde
    o_t = sigmoid(x_t @ w.W_xo.T + h_prev @ w.W_ho.T + w.p_o * c_t + w.b_o)
    return i_t, f_t, c_tilde, c_t, o_t


def lstm_step(x_t, h_prev, c_prev, weights):
    """One LSTM step: h_t = o_t tanh(c_t), with c_t = f_t c_{t-1} + i_t c_tilde.

    Parameters
    ----------
    x_t, h_prev, c_prev, weights
        As in :func:`lstm_gates`, which also names the sources.

    Returns
    -------
    h_t, c_t : numpy.ndarray, each of shape (B, H)
        The hidden state and the memory cell.

    Raises
    ------
    TypeError, ValueError
        As in :func:`lstm_gates`.
    """
    *_, c_t, o_t = lstm_gates(x_t, h_prev, c_prev, weights)
    return o_t * np.tanh(c_t), c_t


def lstm_step_backward(dh_t, dc_t, x_t, h_prev, c_prev, weights):
    """Take the backward step of :func:`lstm_step`.

    Parameters
    ----------
    dh_t, dc_t : array_like, shape (B, H)
        Gradients with respect to h_t and to c_t; dc_t is what comes back from step t + 1,
        without the way through h_t.
    x_t, h_prev, c_prev, weights
        As in :func:`lstm_gates`.

    Returns
    -------
    dict of str to numpy.ndarray
        Gradients with respect to x_t, h_prev, c_prev and each weight that was given.

    Raises
    ------
    TypeError, ValueError
        As in :func:`lstm_gates`.
    """
    i_t, f_t, c_tilde, c_t, o_t = lstm_gates(x_t, h_prev, c_prev, weights)
    x_t, h_prev, w = _checked(x_t, h_prev, weights, "ifco", PEEPHOLES)
    B, H = h_prev.shape
    dh_t, dc_t = shaped("dh_t", dh_t, "B H", B=B, H=H), shaped("dc_t", dc_t, "B H", B=B, H=H)
    da_o = dh_t * np.tanh(c_t) * o_t * (1 - o_t)
    dc_t = dc_t + dh_t * o_t * (1 - np.tanh(c_t) ** 2) + da_o * w.p_o
    da_i = dc_t * c_tilde * i_t * (1 - i_t)
    da_f = dc_t * c_prev * f_t * (1 - f_t)
    da_c = dc_t * i_t * (1 - c_tilde**2)
    peepholes = {"p_i": da_i * c_prev, "p_f": da_f * c_prev, "p_o": da_o * c_t}
    return {
        "x_t": da_i @ w.W_xi + da_f @ w.W_xf + da_c @ w.W_xc + da_o @ w.W_xo,
        "h_prev": da_i @ w.W_hi + da_f @ w.W_hf + da_c @ w.W_hc + da_o @ w.W_ho,
        "c_prev": dc_t * f_t + da_i * w.p_i + da_f * w.p_f,
        **_of_gate("i", da_i, x_t, h_prev),
        **_of_gate("f", da_f, x_t, h_prev),
        **_of_gate("c", da_c, x_t, h_prev),
        **_of_gate("o", da_o, x_t, h_prev),
        **{name: dp.sum(axis=0) for name, dp in peepholes.items() if name in weights},
    }


def gru_gates(x_t, h_prev, weights, reset_after=True):
    """Compute the gates and the candidate of one GRU step.

    Parameters
    ----------
    x_t : array_like, shape (B, D)
        The input at time step t.
    h_prev : array_like, shape (B, H)
        The hidden state at time step t - 1.
    weights : dict of str to array_like
        W_xz (H, D), W_hz (H, H) and b_z (H,) of the update gate z; the same of the reset gate
        r and the candidate h. Optional second biases b_hz, b_hr and b_hh, each (H,), which
        are added to W_hz h, W_hr h and W_hh h: none is zero.
    reset_after : bool
        True as in Keras and cuDNN: the reset gate acts on W_hh h_{t-1} + b_hh. False as in
        Cho et al. (2014): it acts on h_{t-1}, before the product.

    Returns
    -------
    z_t, r_t, h_tilde : numpy.ndarray, each of shape (B, H)
        Update gate, reset gate, candidate.

    Raises
    ------
    TypeError, ValueError
        If a weight is missing or unknown, a shape does not fit, or a number is not finite.
    """
    x_t, h_prev, w = _checked(x_t, h_prev, weights, "zrh", SECOND_BIASES)
    z_t = sigmoid(x_t @ w.W_xz.T + h_prev @ w.W_hz.T + w.b_z + w.b_hz)
    r_t = sigmoid(x_t @ w.W_xr.T + h_prev @ w.W_hr.T + w.b_r + w.b_hr)
    if reset_after:
        h_tilde = np.tanh(x_t @ w.W_xh.T + r_t * (h_prev @ w.W_hh.T + w.b_hh) + w.b_h)
    else:
        h_tilde = np.tanh(x_t @ w.W_xh.T + (r_t * h_prev) @ w.W_hh.T + w.b_hh + w.b_h)
    return z_t, r_t, h_tilde


def gru_step(x_t, h_prev, weights, reset_after=True):
    """One GRU step: h_t = z_t h_{t-1} + (1 - z_t) h_tilde, in Keras' convention.

    Parameters
    ----------
    x_t, h_prev, weights, reset_after
        As in :func:`gru_gates`.

    Returns
    -------
    numpy.ndarray, shape (B, H)
        The hidden state h_t.

    Raises
    ------
    TypeError, ValueError
        As in :func:`gru_gates`.

    Notes
    -----
    After Cho et al. (2014). Other papers, Chung et al. (2014) among them, swap z and 1 - z.
    """
    z_t, _, h_tilde = gru_gates(x_t, h_prev, weights, reset_after)
    return z_t * h_prev + (1 - z_t) * h_tilde


def gru_step_backward(dh_t, x_t, h_prev, weights, reset_after=True):
    """Take the backward step of :func:`gru_step`.

    Parameters
    ----------
    dh_t : array_like, shape (B, H)
        Gradient with respect to h_t.
    x_t, h_prev, weights, reset_after
        As in :func:`gru_gates`.

    Returns
    -------
    dict of str to numpy.ndarray
        Gradients with respect to x_t, h_prev and each weight that was given.

    Raises
    ------
    TypeError, ValueError
        As in :func:`gru_gates`.
    """
    z_t, r_t, h_tilde = gru_gates(x_t, h_prev, weights, reset_after)
    x_t, h_prev, w = _checked(x_t, h_prev, weights, "zrh", SECOND_BIASES)
    dh_t = shaped("dh_t", dh_t, "B H", B=len(h_prev), H=h_prev.shape[1])
    da_z = dh_t * (h_prev - h_tilde) * z_t * (1 - z_t)
    da_h = dh_t * (1 - z_t) * (1 - h_tilde**2)
    if reset_after:
        dr_t = da_h * (h_prev @ w.W_hh.T + w.b_hh)
        du = da_h * r_t  # u = W_hh h_{t-1} + b_hh, which the reset gate scales
        through_candidate, dW_hh = du @ w.W_hh, du.T @ h_prev
    else:
        dr_t = da_h @ w.W_hh * h_prev
        du = da_h
        through_candidate, dW_hh = du @ w.W_hh * r_t, du.T @ (r_t * h_prev)
    da_r = dr_t * r_t * (1 - r_t)
    second = {"b_hz": da_z, "b_hr": da_r, "b_hh": du}
    return {
        "x_t": da_z @ w.W_xz + da_r @ w.W_xr + da_h @ w.W_xh,
        "h_prev": dh_t * z_t + da_z @ w.W_hz + da_r @ w.W_hr + through_candidate,
        **_of_gate("z", da_z, x_t, h_prev),
        **_of_gate("r", da_r, x_t, h_prev),
        **(_of_gate("h", da_h, x_t, h_prev) | {"W_hh": dW_hh}),
        **{name: db.sum(axis=0) for name, db in second.items() if name in weights},
    }


def _of_gate(g, da, x_t, h_prev):
    """Return the gradients of one gate's weights from that of its pre-activation."""
    return {f"W_x{g}": da.T @ x_t, f"W_h{g}": da.T @ h_prev, f"b_{g}": da.sum(axis=0)}


def _checked(x_t, h_prev, weights, gates, optional):
    """Return input, state and weights as arrays that fit; weights as attributes."""
    x_t = shaped("x_t", x_t, "B D")
    B, D = x_t.shape
    h_prev = shaped("h_prev", h_prev, "B H", B=B)
    letters = {f"W_x{g}": "H D" for g in gates} | {f"W_h{g}": "H H" for g in gates}
    letters |= {f"b_{g}": "H" for g in gates} | dict.fromkeys(optional, "H")
    return x_t, h_prev, named(weights, letters, optional, D=D, H=h_prev.shape[1])
