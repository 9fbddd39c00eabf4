"""Convolutions, two recurrent nets and counts on the echoes of chapter 2, at two lags.

Run ``python -m benchmarks.convolutions``: about twelve minutes. Chapter 2 reads its table.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np

from benchmarks.steps import alone
from rnnbook.data import tasks
from rnnbook.keras import train_seeds
from tools import report

L = keras.layers
V, T, B, REPEAT, PASSES, SEEDS = 4, 10, 50, 0.85, 10, range(3)
LAGS, RATES, BOOK = (3, 5), (0.003, 0.01, 0.03, 0.1, 0.3), 0.005
COLUMNS = [
    "lag", "net", "parameters", "rate", "bits", "best", "worst", f"{2 * PASSES} passes",
    "1 pass at 0.005", "true rule", "n-gram",
]  # fmt: skip
NOTES = [
    f"A stream of {V} symbols in which most repeat the one `lag` steps before, in windows of {T}: "
    f"80,000 symbols to train on, 20,000 to choose by, 20,000 to test on. Bits for a symbol, of "
    f"which at least lag + 2 before it were seen. Adam, batches of {B} windows, {PASSES} passes, "
    f"in which the rate falls to zero along half a cosine; seeds 0 to {max(SEEDS)}.",
    f"Rate, where it starts: for each net the best mean of the seeds on the part to choose by, of "
    f"{', '.join(f'{r:g}' for r in RATES)}. Bits: the median of the seeds on the test part, then "
    "the best and the worst; the median with the same rate and twice the passes; and the mean of "
    "the seeds after one pass at a constant rate of 0.005, which chapter 2 runs. The n-gram is the "
    "shortest that reaches back to the symbol that matters.",
]


def stream(lag):
    """Draw the three parts of a stream."""
    sizes = ((80_001, 0), (20_001, 2), (20_001, 1))
    return [tasks.echoes(n, V, lag, REPEAT, seed) for n, seed in sizes]


def windows(s):
    """Return x, (n, T, V), and y, (n, T)."""
    return np.eye(V, dtype="float32")[s[:-1]].reshape(-1, T, V), s[1:].reshape(-1, T)


def nets(rate=BOOK):
    """Return what makes and compiles each net."""
    look = {"padding": "causal", "activation": "relu"}
    over_time = {"return_sequences": True, "unroll": True}
    made = {
        "TCN": lambda: [L.Conv1D(23, 2, dilation_rate=d, **look) for d in (1, 2, 4)],
        "SimpleRNN": lambda: [L.SimpleRNN(44, **over_time)],
        "GRU": lambda: [L.GRU(24, **over_time)],
    }

    def builder(name):
        def build():
            model = keras.Sequential([keras.Input((T, V)), *made[name](), L.Dense(V)])
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.Adam(rate), loss, steps_per_execution=20)
            return model

        return build

    return {name: builder(name) for name in made}


def bits(model, s, lag):
    """Return the bits for a symbol, where at least lag + 2 symbols were seen."""
    x, y = windows(s)
    log_p = np.asarray(keras.ops.log_softmax(model(x)))[:, lag + 1 :]
    return -np.take_along_axis(log_p, y[:, lag + 1 :, None], -1).mean() / np.log(2)


def bounds(train, test, lag):
    """Return the bits of the true rule and of the n-gram that sees the symbol that matters."""
    at = np.arange(1, len(test)).reshape(-1, T)[:, lag + 1 :]
    p_echo = REPEAT + (1 - REPEAT) / V
    p = np.where(test[at] == test[at - lag], p_echo, (1 - p_echo) / (V - 1))

    def context(s, at):
        return sum(s[at - i] * V ** (i - 1) for i in range(1, lag + 1))

    counts, told = np.ones((V**lag, V)), np.arange(lag, len(train))
    np.add.at(counts, (context(train, told), train[told]), 1)
    counts /= counts.sum(axis=1, keepdims=True)
    return [float(-np.log2(q).mean()) for q in (p, counts[context(test, at), test[at]])]


def runs(name, lag, rate, passes):
    """Train one net from each seed; return the bits to choose by and in the test, (2, seeds)."""
    train, choose, test = stream(lag)
    trained = train_seeds(nets(rate)[name], SEEDS, *windows(train), passes, B)
    return np.array([[bits(model, s, lag) for s in (choose, test)] for model in trained]).T


def falling(rate, passes):
    """Return a rate that falls to zero within so many passes, along half a cosine."""
    steps = passes * len(windows(stream(min(LAGS))[0])[0]) // B
    return keras.optimizers.schedules.CosineDecay(rate, steps)


def row(name, lag):
    """Choose a net's rate, and return its row of the table."""
    made = {rate: runs(name, lag, falling(rate, PASSES), PASSES) for rate in RATES}
    rate = min(made, key=lambda rate: made[rate][0].mean())
    scores = [float(f(made[rate][1])) for f in (np.median, min, max)]
    longer = float(np.median(runs(name, lag, falling(rate, 2 * PASSES), 2 * PASSES)[1]))
    first = float(runs(name, lag, BOOK, 1)[1].mean())
    train, _, test = stream(lag)
    size = nets()[name]().count_params()
    print(lag, name, {r: round(float(made[r][0].mean()), 4) for r in RATES}, flush=True)
    return [lag, name, size, rate, *scores, longer, first, *bounds(train, test, lag)]


def main():
    """Measure, print the table, and save it."""
    if alone("benchmarks.convolutions", 1):
        rows = [row(name, lag) for lag in LAGS for name in nets()]
        title = "Convolutions and recurrence on echoes"
        report.save("convolutions", title, COLUMNS, rows, NOTES, ["numpy", "keras"])


if __name__ == "__main__":
    main()
