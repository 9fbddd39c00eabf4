"""Every remedy of chapter 5, with its controls: what arrives before training, what is learned.

Run ``python -m benchmarks.remedies``: about a quarter of an hour. Chapter 5 reads its table.
"""

from functools import partial

import numpy as np

from benchmarks.steps import alone
from rnnbook.data import tasks
from rnnbook.nn import layers
from rnnbook.nn.feedforward import Dense
from rnnbook.nn.losses import cross_entropy
from rnnbook.nn.optimizers import SGD, Adam, clip_by_norm, clip_by_value
from rnnbook.nn.training import Stack, fit
from rnnbook.nn.variants import NormalizedRNN, SkipRNN
from tools import report

H, D, B, STEPS, TEST, SEEDS = 32, 5, 32, 300, 512, range(5)
LAGS = (40, 80)
COLUMNS = [
    "net", "arrives, lag 40", "least", "most", "lag 80", "news, lag 40", "news, lag 80",
    "learned", "accuracy", "worst", "best", "learned, lag 80",
]  # fmt: skip
NOTES = [
    "Delayed recall of one of four symbols, with nets of 32 units in float64. What arrives: the "
    "base-10 logarithm of the share of a random gradient's length that is left so many steps "
    "back, before training; the median of five seeds, and the range at lag 40. An empty cell: "
    "exactly nothing arrives. News: the same nets on inputs that are normal random numbers at "
    "each step.",
    f"Learned: seeds of 5 with an accuracy above 0.9 at lag 40 after {STEPS} batches of {B}, with "
    "Adam at a rate of 0.001 and the joint norm clipped to 1 unless the name says otherwise; "
    "SGD has a rate of 0.1 and, if clipped, a limit of 0.1 by value or 1 by norm. Accuracy is the "
    "median, on sequences drawn with another seed; the task has four different ones only. "
    "Lag 80 was trained where at least four seeds learned lag 40.",
    "Batch normalization takes its statistics from the batch at hand, of 32 sequences, also in "
    "the test. Truncated nets are measured with the truncated gradient. Where a gradient explodes, "
    "another processor gives other accuracies. Apart: the products of input and state are "
    "normalized each by itself; the first step, from a state of zero, then multiplies the gradient "
    "by the gain over 0.003. Soft constraint: with its weight; of Pascanu et al. (2013).",
]


def recall(lag, n, seed):
    """Draw n sequences of delayed recall: x, (n, lag + 1, D), and the last answer, (n, 1)."""
    x, y = tasks.delayed_recall(n, lag + 1, D - 1, seed)
    return x, y[:, -1:]


def by_batches(x):
    """Normalize inputs over each batch of B: what comes in, not the recurrence."""
    x = x.reshape(-1, B, *x.shape[1:])
    mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return ((x - mean) / np.sqrt(variance + 1e-5)).reshape(-1, *x.shape[2:])


def orthogonal(seed):
    """Return a random orthogonal matrix."""
    Q, R = np.linalg.qr(np.random.default_rng(seed).normal(size=(H, H)))
    return Q * np.sign(np.diag(R))


def glorot(seed):
    """Return a matrix as Glorot and Bengio draw it."""
    limit = np.sqrt(6 / (H + H))
    return np.random.default_rng(seed).uniform(-limit, limit, (H, H))


def identity(seed):
    """Return the identity, for each seed."""
    return np.eye(H)


def simple(phi, start, gain=1.0, inputs=None):
    """Return what makes a simple layer; ``inputs`` is the deviation of its input weights."""

    def make(seed):
        layer = layers.RNN(D, H, seed, phi, dtype="float64")
        layer.weights["W_hh"][:] = gain * start(seed)
        if inputs:
            layer.weights["W_xh"][:] = np.random.default_rng(seed).normal(0, inputs, (H, D))
        return layer

    return make


def other(kind, **settings):
    """Return what makes a layer of another kind."""
    return lambda seed: kind(D=D, H=H, seed=seed, dtype="float64", **settings)


def gru(seed):
    """Return a GRU whose gate is open at the start."""
    layer = layers.GRU(D, H, seed, dtype="float64")
    layer.weights["b_z"][:] = 3.0
    return layer


class NormalizedApart(NormalizedRNN):
    """Batch normalization of W_xh x_t and W_hh h_{t-1} apart, as in Cooijmans et al. (2017)."""

    rows, x_rows, h_rows = 4, slice(0, 1), slice(1, 2)  # both products, then their deviations

    def __init__(self, D, H, seed=0, gain=1.0, dtype="float32"):
        super().__init__(D, H, seed, "batch", gain, dtype)
        self.parameters["gain_h"] = self.parameters["gain"].copy()

    def _gains(self):
        return np.stack([self.parameters[name] for name in ("gain", "gain_h")])[:, :, None]

    def step(self, a, from_h, prev, new):
        """h_t = tanh(gain_x n_x + gain_h n_h + b_h)."""
        n, deviation = a[:2], a[2:]  # (2, H, B)
        n[1] = from_h[0]
        n -= n.mean(axis=2, keepdims=True)
        deviation[:] = np.sqrt(np.square(n).mean(axis=2, keepdims=True) + self.epsilon)
        n /= deviation
        np.tanh((self._gains() * n).sum(axis=0) + self.parameters["b"][:, None], out=new[0])

    def step_back(self, a, prev, new, ds, da):
        """From dh_t to the gradients of both products, then to dh_{t-1}."""
        n, deviation, (h_t,), (dh,) = a[:2], a[2:], new, ds
        dz = (1 - h_t**2) * dh
        dn = self._gains() * dz
        mean, along_n = (m.mean(axis=2, keepdims=True) for m in (dn, dn * n))
        np.divide(dn - mean - n * along_n, deviation, out=da[:2])
        for name, own in zip(("gain", "gain_h"), n, strict=True):
            self.gradients[name] += (dz * own).sum(axis=1)
        self.gradients["b"] += (dz - da[0]).sum(axis=1)
        self.W_back.dot(da[1], dh)


def off_length(layer, h, delta):
    """Return the soft constraint of Pascanu et al. (2013) and its gradient by W_hh.

    A tanh layer went through the states h, (B, T, H), and the gradient of the last is delta, (B,
    H). The constraint is the sum over steps of (|W_hhᵀ u| / |delta_t| - 1)², u = (1 - h_t²)
    delta_t, in the mean of the batch. As there, states and delta_t count as constant in the
    gradient.
    """
    W, total = layer.parameters["W_h"], 0.0
    slope = np.zeros_like(W)
    for t in reversed(range(1, h.shape[1])):
        u = (1 - h[:, t] ** 2) * delta
        back = u @ W
        long, short = (np.linalg.norm(v, axis=1, keepdims=True) for v in (delta, back))
        off = short / long - 1
        total += np.square(off).mean()
        slope += 2 * (off / (long * short) * u).T @ back / len(h)
        delta = back
    return total, slope


class Asked(Stack):
    """A layer and a dense one, asked for one answer; ``back`` steps get a gradient."""

    back, constraint = None, 0.0

    def forward(self, x):
        """Return the answer after the last step, (B, 1, V)."""
        recurrent, dense = self.layers.values()
        back, state = min(self.back or x.shape[1], x.shape[1]), None
        if back < x.shape[1]:
            _, state = recurrent.forward(x[:, :-back])
        h, _ = recurrent.forward(x[:, -back:], state)
        self.h = h
        return dense.forward(h[:, -1:]), None

    def backward(self, dy):
        """Fill the gradients."""
        recurrent, dense = self.layers.values()
        dh = np.zeros(self.h.shape)
        dh[:, -1:] = dense.backward(dy)
        recurrent.backward(dh)
        if self.constraint:
            _, slope = off_length(recurrent, self.h, dh[:, -1])
            recurrent.gradients["W_h"] += self.constraint * slope


def arrives(layer, x, lag, back=None):
    """Send a random gradient back over a lag; return the log10 of the share of its length left."""
    if back is not None and back < lag:
        return -np.inf
    h, _ = layer.forward(x[:, :lag])
    dh = np.zeros(h.shape)
    dh[:, -1] = np.random.default_rng(0).normal(size=dh[:, -1].shape)
    _, left = layer.backward(dh)
    with np.errstate(divide="ignore"):
        return np.log10(np.linalg.norm(left) / np.linalg.norm(dh))


together = partial(clip_by_norm, limit=1.0)


def trained(layer, lag, seed, clip=together, optimizer=Adam, rate=1e-3, back=None, steps=STEPS,
            constraint=0.0, inputs=lambda x: x):  # fmt: skip
    """Train a layer; return its accuracy on fresh batches."""
    net = Asked(recurrent=layer, dense=Dense(H, D, seed, dtype="float64"))
    net.back, net.constraint = back, constraint
    x, y = recall(lag, B * steps, seed)
    x = inputs(x)
    batches = ((x[s : s + B], y[s : s + B]) for s in range(0, len(x), B))
    fit(net, batches, cross_entropy, optimizer(), rate, clip)
    x, y = recall(lag, TEST, 10**6)
    x = inputs(x)
    right = [
        net.forward(x[s : s + B])[0].argmax(axis=-1) == y[s : s + B] for s in range(0, TEST, B)
    ]
    return np.mean(right)


def none(gradients):
    """Leave gradients as they are."""


PLAIN = {"optimizer": SGD, "rate": 0.1}
WEIGHTS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)  # of the soft constraint
GAINS = (1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
tanh, relu = partial(simple, "tanh"), partial(simple, "relu")
NETS = {
    "tanh, orthogonal": (tanh(orthogonal), {}),
    "tanh, Glorot": (tanh(glorot), {}),
    "tanh, identity": (tanh(identity), {}),
    "tanh, five times the batches": (tanh(orthogonal), {"steps": 5 * STEPS}),
    **{f"tanh, gain {gain:g}": (tanh(orthogonal, gain), {}) for gain in GAINS},
    "tanh, small inputs (0.1)": (tanh(orthogonal, inputs=0.1), {}),
    "tanh, small inputs (0.001)": (tanh(orthogonal, inputs=0.001), {}),
    "tanh, identity, inputs 0.001": (tanh(identity, inputs=0.001), {}),
    "ReLU, orthogonal": (relu(orthogonal), {}),
    "ReLU, Glorot": (relu(glorot), {}),
    "ReLU, gain sqrt 2": (relu(orthogonal, 2**0.5), {}),
    "ReLU, orthogonal, inputs 0.001": (relu(orthogonal, inputs=0.001), {}),
    "ReLU, identity": (relu(identity), {}),
    "ReLU, identity (IRNN)": (relu(identity, inputs=0.001), {}),
    "tanh, no clipping": (tanh(orthogonal), {"clip": none}),
    "IRNN, no clipping": (relu(identity, inputs=0.001), {"clip": none}),
    **{f"gain {gain:g}, no clipping": (tanh(orthogonal, gain), {"clip": none})
       for gain in (1.5, 2.0, 2.5)},
    "gain 1.5, SGD, no clipping": (tanh(orthogonal, 1.5), {"clip": none, **PLAIN}),
    "gain 1.5, SGD, by value": (
        tanh(orthogonal, 1.5), {"clip": partial(clip_by_value, limit=0.1), **PLAIN}),
    "gain 1.5, SGD, joint norm": (tanh(orthogonal, 1.5), PLAIN),
    **{f"tanh, soft constraint {weight:g}": (tanh(orthogonal), {"constraint": weight})
       for weight in WEIGHTS},
    "gain 2.5, soft constraint 1": (tanh(orthogonal, 2.5), {"constraint": 1.0}),
    "tanh, input normalized": (tanh(orthogonal), {"inputs": by_batches}),
    "batch norm, gain 1": (other(NormalizedRNN, over="batch"), {}),
    "batch norm, gain 0.1": (other(NormalizedRNN, over="batch", gain=0.1), {}),
    **{f"batch norm apart, gain {gain:g}": (other(NormalizedApart, gain=gain), {})
       for gain in (1.0, 0.1)},
    "layer norm": (other(NormalizedRNN, over="units"), {}),
    "gain 1.5, truncated at 10": (tanh(orthogonal, 1.5), {"back": 10}),
    "IRNN, truncated at 10": (relu(identity, inputs=0.001), {"back": 10}),
    "skips of 3 steps": (other(SkipRNN, skip=3), {}),
    "skips of 10 steps": (other(SkipRNN, skip=10), {}),
    "GRU": (other(layers.GRU), {}),
    "GRU, b_z = 3": (gru, {}),
    **{f"LSTM, b_f = {b:g}": (other(layers.LSTM, forget_bias=b), {}) for b in (1.0, 2.0, 3.0, 4.0)},
}  # fmt: skip


def flows(make, options):
    """Return what arrives: lag by lag, (lags, seeds), on recall and on news."""
    inputs, back = options.get("inputs", lambda x: x), options.get("back")
    news = inputs(np.random.default_rng(7).normal(size=(B, max(LAGS), D)))
    old = [inputs(recall(lag, B, 10**6)[0]) for lag in LAGS]
    return [
        [
            [arrives(make(seed), x, lag, back) for seed in SEEDS]
            for lag, x in zip(LAGS, xs, strict=True)
        ]
        for xs in (old, [news] * len(LAGS))
    ]


def row(name):
    """Measure one net: its row of the table."""
    make, options = NETS[name]
    old, news = flows(make, options)
    right = [trained(make(seed), LAGS[0], seed, **options) for seed in SEEDS]
    learned, far = sum(a > 0.9 for a in right), None
    if learned >= 4:
        far = sum(trained(make(seed), LAGS[1], seed, **options) > 0.9 for seed in SEEDS)
    middle = [np.median(f) for f in (old[0], old[1], *news)]
    found = [middle[0], min(old[0]), max(old[0]), *middle[1:]]
    found = [float(f) if np.isfinite(f) else None for f in found]
    scores = [float(f(right)) for f in (np.median, min, max)]
    return [name, *found, int(learned), *scores, None if far is None else int(far)]


def main():
    """Measure, print the table, and save it."""
    if alone("benchmarks.remedies", 1):
        rows = [row(name) for name in NETS]
        report.save("remedies", "Remedies against vanishing gradients", COLUMNS, rows, NOTES)


if __name__ == "__main__":
    main()
