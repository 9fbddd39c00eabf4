"""Writing token after token with the state carried on, as fast as NumPy goes.

``layers`` works out all steps of a sequence in one call. A text that a model writes needs one step
at a time: no token can be worked out before the one before it is drawn.
"""

import numpy as np

from rnnbook.arrays import numbers
from rnnbook.sampling import gumbel, restricted

BLOCK = 256  # steps whose random numbers are drawn at once


def write(model, state, n, rngs, temperature, top_k, top_p):
    """Draw n tokens for each of S texts.

    Parameters
    ----------
    model : rnnbook.language_model.LanguageModel
        Its layers are read.
    state : numpy.ndarray, shape (S, H), for the LSTM (2, S, H)
        The state before the first draw; the last one stands in it afterwards.
    n : int
        Tokens to draw for each text.
    rngs : list of numpy.random.Generator, length S
        Each text has its own random numbers, so they do not depend on how many texts there are.
    temperature, top_k, top_p
        As in :func:`rnnbook.sampling.distribution`, checked.

    Returns
    -------
    numpy.ndarray of int, shape (S, n)
        The tokens drawn.

    Raises
    ------
    ValueError
        If a weight is not finite.

    Notes
    -----
    What makes it fast: one product a step gives both the logits and what the state adds to the
    gates; what a token adds is a row of a table; σ(a) = (1 + tanh(a / 2)) / 2, with the half
    folded into the weights, as the temperature is; the random numbers of many steps are drawn at
    once; and almost every result is written into an array that is there already.
    """
    W, bias, table = _folded(model, temperature)
    S, V = len(rngs), model.V
    product = np.empty((S, len(bias)), W.dtype)
    logits, gates = product[:, :V], product[:, V:]
    states = state.reshape(-1, S, model.H)
    step = STEPS[model.recurrent.gates](model.recurrent, gates, states)
    ids, of_token = np.empty((S, n), np.intp), np.empty_like(gates)
    for t in range(n):
        if t % BLOCK == 0:
            noise = [gumbel(rng, (min(BLOCK, n - t), V)) for rng in rngs]
            noise = np.stack(noise, axis=1).astype(W.dtype)
        np.matmul(states[0], W, out=product)
        product += bias
        drawn = (restricted(logits, top_k, top_p) + noise[t % BLOCK]).argmax(axis=1)
        ids[:, t] = drawn
        table.take(drawn, axis=0, out=of_token, mode="clip")  # in the default mode, out is slow
        step(of_token)
    return ids


# The gates of each layer: those with a sigmoid, and the rest.
ORDER = {"h": ("", "h"), "ifco": ("ifo", "c"), "zrh": ("zr", "h")}


def _folded(model, temperature):
    """Return weights and bias of the product, and the table of what each token adds."""
    w, (sigmoids, others) = model.recurrent.weights, ORDER[model.recurrent.gates]
    W_hy, b_y = (model.dense.parameters[name] for name in ("W_hy", "b_y"))
    x = model.inputs()
    W, bias, table = [W_hy.T / temperature], [b_y / temperature], []
    for g in sigmoids + others:
        second = w.get(f"b_h{g}", np.zeros_like(w[f"b_{g}"]))  # the GRU's second bias
        half = 0.5 if g in sigmoids else 1
        W.append(half * w[f"W_h{g}"].T)
        bias.append(half * second)
        table.append(half * (x @ w[f"W_x{g}"].T + w[f"b_{g}"]))
    W, table = (np.ascontiguousarray(np.concatenate(a, axis=1)) for a in (W, table))
    return (numbers("the model's weights", a) for a in (W, np.concatenate(bias), table))


def _rnn(layer, gates, states):
    def step(of_token):
        np.add(gates, of_token, out=of_token)
        states[0] = layer.phi(of_token)

    return step


def _lstm(layer, gates, states):
    (h, c), H = states, layer.H
    i, f, o, c_tilde = (gates[:, k * H : (k + 1) * H] for k in range(4))
    ifo = gates[:, : 3 * H]

    def step(of_token):
        np.add(gates, of_token, out=gates)
        np.tanh(gates, out=gates)
        np.multiply(ifo, 0.5, out=ifo)
        np.add(ifo, 0.5, out=ifo)
        np.multiply(f, c, out=c)
        np.multiply(i, c_tilde, out=i)
        np.add(c, i, out=c)
        np.tanh(c, out=h)
        np.multiply(h, o, out=h)

    return step


def _gru(layer, gates, states):
    h, H = states[0], layer.H
    z, r, u = (gates[:, k * H : (k + 1) * H] for k in range(3))
    zr = gates[:, : 2 * H]

    def step(of_token):
        np.add(zr, of_token[:, : 2 * H], out=zr)
        np.tanh(zr, out=zr)
        np.multiply(zr, 0.5, out=zr)
        np.add(zr, 0.5, out=zr)
        np.multiply(u, r, out=u)
        np.add(u, of_token[:, 2 * H :], out=u)
        np.tanh(u, out=u)
        np.subtract(h, u, out=h)
        np.multiply(h, z, out=h)
        np.add(h, u, out=h)

    return step


STEPS = {"h": _rnn, "ifco": _lstm, "zrh": _gru}
