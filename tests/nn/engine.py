"""What the tests of the engine share: every layer, problems for it, its cells in a loop."""

import copy

import numpy as np

from rnnbook.nn import cells, gated_cells, layers, variants
from rnnbook.nn.gradients import relative_errors

LAYERS = {
    "tanh": layers.RNN,
    "relu": lambda D, H, seed, **options: layers.RNN(D, H, seed, "relu", **options),
    "identity": lambda D, H, seed, **options: layers.RNN(D, H, seed, "identity", **options),
    "lstm": layers.LSTM,
    "peepholes": lambda D, H, seed, **options: layers.LSTM(D, H, seed, peepholes=True, **options),
    "gru": layers.GRU,
    "reset before": variants.GRUResetBefore,
}
# B, T, D, H: one of each, one step, more inputs than units, a long run with an odd rest, a large
# batch, blocks that are cut again in the backward pass, and products large enough to be cut.
SIZES = [
    (1, 1, 1, 1),
    (1, 7, 2, 3),
    (4, 1, 3, 2),
    (3, 5, 6, 4),
    (2, 301, 2, 3),
    (600, 3, 2, 3),
    (4, 70, 3, 130),
    (64, 2, 2, 128),
]


def made(kind, D, H, dtype="float64"):
    """Return a layer whose weights, with biases and peepholes, are far from zero, not chaotic."""
    layer, rng = LAYERS[kind](D, H, 0, dtype=dtype), np.random.default_rng(1)
    for array in layer.parameters.values():
        array += (rng.normal(size=array.shape) / np.sqrt(H)).astype(dtype)
    return layer


def problem(layer, B, T, masked=False, dtype="float64", seed=2):
    """Return x, state, mask, dh and dstate for a layer, drawn from a normal distribution."""
    rng = np.random.default_rng(seed)
    shape = (B, layer.H) if layer.states == 1 else (2, B, layer.H)
    x, state = rng.normal(size=(B, T, layer.D)), rng.normal(size=shape)
    mask = rng.random((B, T)) < 0.6
    mask[0, 0] = True
    dh, dstate = rng.normal(size=(B, T, layer.H)), rng.normal(size=shape)
    x, state, dh, dstate = (array.astype(dtype) for array in (x, state, dh, dstate))
    return x, state, mask if masked else None, dh, dstate


def run(layer, x, state, mask, dh, dstate):
    """Return all that a layer's forward and backward pass give, under one name each."""
    h, last = layer.forward(x, state, mask)
    dx, dfirst = layer.backward(dh, dstate)
    return {"h": h, "last": last, "dx": dx, "dfirst": dfirst} | layer.by_name(layer.gradients)


def run_cells(layer, x, state, mask, dh, dstate):
    """Return the same from the cells, one step after the other, with the layer's weights."""
    mask = np.ones(x.shape[:2], bool) if mask is None else mask
    S, (step, step_back) = layer.states, steps(layer)
    states, back = [state.reshape(S, *dh[:, 0].shape)], dstate.reshape(S, *dh[:, 0].shape)
    for t in range(x.shape[1]):
        states.append(np.where(mask[:, t, None], step(x[:, t], states[-1]), states[-1]))
    gradients = {name: np.zeros_like(array) for name, array in layer.weights.items()}
    dx = np.zeros_like(x)
    for t in reversed(range(x.shape[1])):
        back = back + np.eye(S, 1)[:, :, None] * dh[:, t]
        g = step_back(np.where(mask[:, t, None], back, 0), x[:, t], states[t])
        before = [g[name] for name in ("h_prev", "c_prev")[:S]]
        back, dx[:, t] = np.where(mask[:, t, None], before, back), g["x_t"]
        for name, gradient in gradients.items():
            gradient += g[name]
    h = np.stack([s[0] for s in states[1:]], axis=1)
    ends = {"last": states[-1].reshape(state.shape), "dfirst": back.reshape(state.shape)}
    return {"h": h, "dx": dx} | ends | gradients


def steps(layer):
    """Return the cell of a layer, forward and backward, both with states of shape (S, B, H)."""
    w = layer.weights
    if layer.gates == "h":
        phi = layer.activation
        return (
            lambda x, s: cells.rnn_step(x, s[0], **w, activation=phi)[None],
            lambda ds, x, s: cells.rnn_step_backward(ds[0], x, s[0], **w, activation=phi),
        )
    if layer.gates == "ifco":
        return (
            lambda x, s: np.stack(gated_cells.lstm_step(x, *s, w)),
            lambda ds, x, s: gated_cells.lstm_step_backward(*ds, x, *s, w),
        )
    after = isinstance(layer, layers.GRU)
    return (
        lambda x, s: gated_cells.gru_step(x, s[0], w, after)[None],
        lambda ds, x, s: gated_cells.gru_step_backward(ds[0], x, s[0], w, after),
    )


def in_keras_order(layer, arrays):
    """Return arrays named as the layer's parameters, such as gradients, as Keras orders them."""
    twin = copy.copy(layer)
    twin.parameters = {name: arrays[name] for name in layer.parameters}
    return twin.get_weights()


def error(given, wanted):
    """Return how far two arrays are apart, relative to the largest magnitude in either."""
    return relative_errors({"array": given}, {"array": wanted})["array"]


def assert_equal(given, wanted, tolerance):
    """Hold two dicts of arrays equal: the same names, and each array within the tolerance."""
    errors = relative_errors(given, wanted)
    assert max(errors.values()) <= tolerance, errors
