"""Writing token after token with the state carried on, as fast as NumPy goes.

``layers`` works out all steps of a sequence in one call. A text that a model writes needs one step
at a time: no token can be worked out before the one before it is drawn.
"""

import numpy as np

from rnnbook._check import numbers
from rnnbook.nn.activations import to_sigmoid
from rnnbook.nn.products import aligned
from rnnbook.text.sampling import gumbel, restricted

BLOCK = 256  # steps whose random numbers are drawn at once


def write(model, state, n, rngs, temperature, top_k, top_p):
    """Draw n tokens for each of S texts.

    Parameters
    ----------
    model : rnnbook.text.language_model.LanguageModel
        Its layers are read.
    state : numpy.ndarray, shape (S, H), for the LSTM (2, S, H)
        The state before the first draw; the last one stands in it afterwards.
    n : int
        Tokens to draw for each text.
    rngs : list of numpy.random.Generator, length S
        Each text has its own random numbers, so they do not depend on how many texts there are.
    temperature, top_k, top_p
        As in :func:`rnnbook.text.sampling.distribution`, checked.

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
    gates, biases too, since a one stands behind the state; what a token adds is a row of a table;
    σ(a) = (1 + tanh(a / 2)) / 2, with the half folded into the weights, as the temperature is;
    the random numbers of many steps are drawn at once; and almost every result is written into
    an array that is there already.
    """
    W, table = _folded(model, temperature)
    S, V, H = len(rngs), model.V, model.H
    product, slot = aligned((S, W.shape[1]), W.dtype), aligned((S, H + 1), W.dtype)
    logits, gates = product[:, :V], product[:, V:]
    states = state.reshape(-1, S, H)
    h = slot[:, :H]
    h[:] = states[0]
    step = STEPS[model.recurrent.gates](model.recurrent, gates, h, states[-1])
    ids, of_token = np.empty((n, S), np.intp), np.empty_like(gates)
    for first in range(0, n, BLOCK):
        noise = [gumbel(rng, (min(BLOCK, n - first), V)) for rng in rngs]
        noise = np.stack(noise, axis=1).astype(W.dtype)
        for noise_t, drawn in zip(noise, ids[first:], strict=False):
            slot.dot(W, product)
            noise_t += restricted(logits, top_k, top_p)
            noise_t.argmax(1, drawn)
            table.take(drawn, 0, of_token, "clip")  # in the default mode, an array to write is slow
            step(of_token)
    states[0] = h
    return ids.T


def _folded(model, temperature):
    """Return the matrix of the product, (H + 1, V + G H), and the table of what a token adds."""
    layer, w = model.recurrent, model.recurrent.weights
    W_hy, b_y = (model.dense.parameters[name] for name in ("W_hy", "b_y"))
    x = model.inputs()
    W, table = [np.vstack([W_hy.T, b_y]) / temperature], []
    for g in sorted(layer.gates, key=lambda gate: gate not in layer.sigmoids):
        second = w.get(f"b_h{g}", np.zeros_like(w[f"b_{g}"]))  # the GRU's second bias
        half = 0.5 if g in layer.sigmoids else 1
        W.append(half * np.vstack([w[f"W_h{g}"].T, second]))
        table.append(half * (x @ w[f"W_x{g}"].T + w[f"b_{g}"]))
    W, table = (numbers("the model's weights", np.concatenate(a, axis=1)) for a in (W, table))
    in_lines = aligned(W.shape, W.dtype)
    in_lines[:] = W
    return in_lines, table


# The steps of each layer. Where a result goes is the last argument: named out, it takes longer.


def _rnn(layer, gates, h, _):
    def step(of_token):
        np.add(gates, of_token, of_token)
        h[:] = layer.phi(of_token)

    return step


def _lstm(layer, gates, h, c):
    i, f, o, c_tilde = np.split(gates, 4, axis=1)
    ifo, half = gates[:, : 3 * layer.H], np.array(0.5, gates.dtype)

    def step(of_token):
        np.add(gates, of_token, gates)
        np.tanh(gates, gates)
        to_sigmoid(ifo, half)
        np.multiply(f, c, c)
        np.multiply(i, c_tilde, i)
        np.add(c, i, c)
        np.tanh(c, h)
        np.multiply(h, o, h)

    return step


def _gru(layer, gates, h, _):
    z, r, u = np.split(gates, 3, axis=1)
    both, half, H2 = gates[:, : 2 * layer.H], np.array(0.5, gates.dtype), 2 * layer.H

    def step(of_token):
        np.add(both, of_token[:, :H2], both)
        np.tanh(both, both)
        to_sigmoid(both, half)
        np.multiply(u, r, u)
        np.add(u, of_token[:, H2:], u)
        np.tanh(u, u)
        np.subtract(h, u, h)
        np.multiply(h, z, h)
        np.add(h, u, h)

    return step


STEPS = {"h": _rnn, "ifco": _lstm, "zrh": _gru}
