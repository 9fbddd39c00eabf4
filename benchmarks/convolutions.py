"""Convolutions, two recurrent nets and counts on the echoes of chapter 2, at two lags.

Run ``python -m benchmarks.convolutions``: about eight minutes. Chapter 2 reads its table.
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
V, T, B, REPEAT, PASSES, SEEDS = 4, 10, 50, 0.85, (1, 3, 5, 10), range(3)
LAGS, RATES, BOOK = (3, 5), (0.001, 0.003, 0.01), 0.005
COLUMNS = [
    "lag", "net", "parameters", "rate", "passes", "bits", "best", "worst", "1 pass at 0.005",
    "true rule", "n-gram",
]  # fmt: skip
NOTES = [
    f"A stream of {V} symbols in which most repeat the one `lag` steps before, in windows of {T}: "
    f"80,000 symbols to train on, 20,000 to choose by, 20,000 to test on. Bits for a symbol, of "
    "which at least lag + 2 before it were seen. Adam, batches of "
    f"{B} windows; seeds 0 to {max(SEEDS)}.",
    f"Rate and passes: for each net the best mean of the seeds on the part to choose by, of rates "
    f"{', '.join(f'{r:g}' for r in RATES)} and {', '.join(map(str, PASSES))} passes. Bits: the "
    "median of the seeds on the test part, then the best and the worst; and the mean of the seeds "
    "after one pass at a rate of 0.005, which chapter 2 runs. The n-gram is the shortest that "
    "reaches back to the symbol that matters.",
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


def runs(name, rate, lag, seeds=SEEDS, passes=PASSES):
    """Train one net from each seed; return what was chosen by and the test, (seeds, passes)."""
    train, choose, test = stream(lag)
    build, found = nets(rate)[name], []
    model = build()
    for seed in seeds:
        (x, y), scores, done = windows(train), [], 1
        next(train_seeds(build, [seed], x, y, 1, B, model))
        for n in passes:
            if n > done:
                model.fit(x, y, B, epochs=n - done, verbose=0)
            done = n
            scores.append([bits(model, s, lag) for s in (choose, test)])
        found.append(scores)
    return np.moveaxis(np.array(found), 2, 0)


def row(name, lag):
    """Choose a net's rate and passes, and return its row of the table."""
    made = {rate: runs(name, rate, lag) for rate in RATES}
    chosen = {(r, i): made[r][0].mean(axis=0)[i] for r in RATES for i in range(len(PASSES))}
    rate, i = min(chosen, key=chosen.get)
    last = made[rate][1][:, i]
    scores = [float(f(last)) for f in (np.median, min, max)]
    first = float(runs(name, BOOK, lag, passes=(1,))[1].mean())
    train, _, test = stream(lag)
    size = nets()[name]().count_params()
    return [lag, name, size, rate, PASSES[i], *scores, first, *bounds(train, test, lag)]


def main():
    """Measure, print the table, and save it."""
    if alone("benchmarks.convolutions", 1):
        rows = [row(name, lag) for lag in LAGS for name in nets()]
        title = "Convolutions and recurrence on echoes"
        report.save("convolutions", title, COLUMNS, rows, NOTES, ["numpy", "keras"])


if __name__ == "__main__":
    main()
