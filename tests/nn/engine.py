"""What the tests of the engine share: every layer, problems for it, their equations to read."""

import copy

import numpy as np

from rnnbook.nn import layers, variants

LAYERS = {
    "tanh": layers.RNN,
    "relu": lambda D, H, seed, **options: layers.RNN(D, H, seed, "relu", **options),
    "identity": lambda D, H, seed, **options: layers.RNN(D, H, seed, "identity", **options),
    "lstm": layers.LSTM,
    "peepholes": lambda D, H, seed, **options: layers.LSTM(D, H, seed, peepholes=True, **options),
    "gru": layers.GRU,
    "reset before": variants.GRUResetBefore,
}
REMEDIES = {
    "layer norm": variants.NormalizedRNN,
    "batch norm": lambda D, H, seed, **o: variants.NormalizedRNN(D, H, seed, "batch", **o),
    "skip 2": lambda D, H, seed, **options: variants.SkipRNN(D, H, seed, 2, **options),
    "skip 5": lambda D, H, seed, **options: variants.SkipRNN(D, H, seed, 5, **options),
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
    layer, rng = (LAYERS | REMEDIES)[kind](D, H, 0, dtype=dtype), np.random.default_rng(1)
    for array in layer.parameters.values():
        array += (rng.normal(size=array.shape) / np.sqrt(H)).astype(dtype)
    return layer


def problem(layer, B, T, masked=False, dtype="float64", seed=2):
    """Return x, state, mask, dh and dstate for a layer, drawn from a normal distribution."""
    rng = np.random.default_rng(seed)
    shape = (B, layer.H) if layer.states == 1 else (layer.states, B, layer.H)
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


def sigma(a):
    return 1 / (1 + np.exp(-a))


def reference(layer, x, state, mask=None):
    """Return the states (B, T, H) and the last state, as the equations read, in plain NumPy.

    Examples are rows here, and each gate has its own product.
    """
    w, gates = layer.weights, layer.gates
    s, h = [array.copy() for array in state.reshape(layer.states, len(x), layer.H)], []

    def of(gate, h, x_t):
        return x_t @ w[f"W_x{gate}"].T + h @ w[f"W_h{gate}"].T + w[f"b_{gate}"]

    for t in range(x.shape[1]):
        x_t, (h_prev, *rest) = x[:, t], s
        if gates == "ifco":
            (c_prev,), p = rest, {g: w.get(f"p_{g}", 0) for g in "ifo"}
            i = sigma(of("i", h_prev, x_t) + p["i"] * c_prev)
            f = sigma(of("f", h_prev, x_t) + p["f"] * c_prev)
            c = f * c_prev + i * np.tanh(of("c", h_prev, x_t))
            o = sigma(of("o", h_prev, x_t) + p["o"] * c)
            new = [o * np.tanh(c), c]
        elif gates == "zrh":
            both = {g: w.get(f"b_h{g}", 0) for g in "zrh"}
            z = sigma(of("z", h_prev, x_t) + both["z"])
            r = sigma(of("r", h_prev, x_t) + both["r"])
            if isinstance(layer, variants.GRUResetBefore):
                candidate = np.tanh(of("h", r * h_prev, x_t))
            else:
                u = h_prev @ w["W_hh"].T + w["b_hh"]
                candidate = np.tanh(x_t @ w["W_xh"].T + w["b_h"] + r * u)
            new = [z * h_prev + (1 - z) * candidate]
        elif "W_skip" in w:
            new = [np.tanh(of("h", h_prev, x_t) + s[-1] @ w["W_skip"].T), *s[:-1]]
        elif "gain" in w:
            a, axis = of("h", h_prev, x_t) - w["b_h"], 1 - layer.axis
            n = (a - a.mean(axis, keepdims=True)) / np.sqrt(a.var(axis, keepdims=True) + 1e-5)
            new = [np.tanh(w["gain"] * n + w["b_h"])]
        else:
            phi = {"tanh": np.tanh, "relu": lambda a: a * (a > 0), "identity": lambda a: a}
            new = [phi[layer.activation](of("h", h_prev, x_t))]
        here = np.ones(len(x), bool) if mask is None else mask[:, t]
        s = [np.where(here[:, None], after, before) for after, before in zip(new, s, strict=True)]
        h.append(s[0])
    return np.stack(h, axis=1), np.stack(s).reshape(state.shape)


def assert_is_reference(layer, x, state, mask, dh, dstate):
    """Hold the states to the equations, and all gradients, along one direction, to their slope."""
    given = run(layer, x, state, mask, dh, dstate)
    h, last = reference(layer, x, state, mask)
    assert_equal({"h": given["h"], "last": given["last"]}, {"h": h, "last": last}, 1e-12)
    rng = np.random.default_rng(3)
    arrays = {"dx": x.copy(), "dfirst": state.copy()} | layer.weights
    ways = {name: rng.normal(size=array.shape) for name, array in arrays.items()}
    slope = sum((given[name] * way).sum() for name, way in ways.items())

    def loss(step):
        for name, way in ways.items():
            arrays[name] += step * way
        h, last = reference(layer, arrays["dx"], arrays["dfirst"], mask)
        for name, way in ways.items():
            arrays[name] -= step * way
        return (h * dh).sum() + (last * dstate).sum()

    step = 1e-6 / np.sqrt(sum((way**2).sum() for way in ways.values()))
    size = np.sqrt(sum((given[name] ** 2).sum() for name in ways))
    measured = (loss(step) - loss(-step)) / (2 * step)
    assert abs(measured - slope) <= 1e-5 * max(size, abs(slope)), (measured, slope)


def in_keras_order(layer, arrays):
    """Return arrays named as the layer's parameters, such as gradients, as Keras orders them."""
    twin = copy.copy(layer)
    twin.parameters = {name: arrays[name] for name in layer.parameters}
    return twin.get_weights()


def error(given, wanted):
    """Return how far two arrays are apart, relative to the largest magnitude in either."""
    assert np.shape(given) == np.shape(wanted)
    size = max(np.abs(given).max(), np.abs(wanted).max())
    return np.abs(np.subtract(given, wanted)).max() / size if size else 0.0


def assert_equal(given, wanted, tolerance):
    """Hold two dicts of arrays equal: the same names, and each array within the tolerance."""
    assert given.keys() == wanted.keys()
    errors = {name: error(given[name], wanted[name]) for name in wanted}
    assert max(errors.values()) <= tolerance, errors
