"""What feeds back in chapter 2, the state, the output or both, with and without a teacher.

Run ``python -m benchmarks.feedback``: about eight minutes. Chapter 2 reads its table.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np

from benchmarks.steps import alone
from rnnbook.data import tasks
from rnnbook.keras import OutputToHiddenCell, train_seeds
from tools import report

L = keras.layers
T, V, H, B, SEQUENCES, PASSES, SEEDS = 8, 5, 32, 100, 20_000, 20, range(5)
RATES = (0.002, 0.005, 0.01)
TASKS = {
    "recall": lambda n, seed: tasks.delayed_recall(n, T, V - 1, seed),
    "total": lambda n, seed: tasks.running_total(n, T, V, seed),
}
COLUMNS = [
    "task", "fed back", "taught", "rate", "learned", "passes", "least", "most",
    "after 1 pass", "at the end",
]  # fmt: skip
NOTES = [
    f"The two tasks of chapter 2 with {T} time steps, nets of {H} units, and {SEQUENCES:,} "
    f"sequences a pass in batches of {B}, which are {SEQUENCES // B} training steps with Adam; "
    f"seeds 0 to {max(SEEDS)}. A taught net is given the true output of the step before in "
    "training, and its own best guess in the test. The others get their own probabilities, always. "
    '"Both" feeds back state and output.',
    "Learned: seeds of 5 whose accuracy at the last step, on 1,000 other sequences, is at least "
    f"0.99 after one of {PASSES} passes, where the training then ends; passes: the median of those "
    "that it took, and the range. No figure: no seed learned it. The accuracies are medians. In "
    "recall there are only four different sequences: it tests what a net can be trained to hold, "
    "not whether it generalizes.",
    "All nets have the same units, not the same number of parameters: an output that feeds back "
    f"brings {V * H} weights, a state {H * H}.",
]


class BothCell(keras.layers.Layer):
    """One step of a net that hears its last state and its last output, as probabilities."""

    def __init__(self):
        super().__init__()
        self.state_size, self.output_size = [H, V], V
        self.cell, self.readout = L.SimpleRNNCell(H), L.Dense(V)

    def build(self, shape):
        """Make the weights, in the order of a SimpleRNN on [x_t, y_{t-1}] and a Dense."""
        self.cell.build((None, shape[-1] + V))
        self.readout.build((None, H))

    def call(self, x_t, states):
        """Return the logits, and the state and the probabilities for the next step."""
        heard = keras.ops.concatenate([x_t, states[1]], axis=-1)
        h_t, _ = self.cell(heard, [states[0]])
        logits = self.readout(h_t)
        return logits, [h_t, keras.ops.softmax(logits)]


def layers(fed_back, taught):
    """Return the layers that are trained."""
    D = 2 * V if taught else V
    over_time = {"return_sequences": True, "unroll": True}
    if fed_back == "output" and taught:
        return [keras.Input((T, D)), L.Dense(H, activation="tanh"), L.Dense(V)]
    if fed_back == "output":
        return [keras.Input((T, D)), L.RNN(OutputToHiddenCell(H, V), **over_time)]
    if fed_back == "both" and not taught:
        return [keras.Input((T, D)), L.RNN(BothCell(), **over_time)]
    return [keras.Input((T, D)), L.SimpleRNN(H, **over_time), L.Dense(V)]


def builder(fed_back, taught, rate):
    """Return what makes and compiles a net."""

    def build():
        model = keras.Sequential(layers(fed_back, taught))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(rate), loss, steps_per_execution=20)
        return model

    return build


def with_past(x, y):
    """Join to each input the true output of the step before."""
    past = np.zeros((*y.shape, V), dtype="float32")
    past[:, 1:] = np.eye(V)[y[:, :-1]]
    return np.concatenate([x, past], axis=-1)


def free(model, x):
    """Run a taught net on its own: it hears its last best guess. Return all guesses, (B, T)."""
    W_x, *W_h, b, W_y, b_y = model.get_weights()
    h, past, guesses = np.zeros((len(x), H)), np.zeros((len(x), V)), []
    for x_t in np.moveaxis(x, 1, 0):
        a = np.concatenate([x_t, past], axis=-1) @ W_x + b
        h = np.tanh(a + h @ W_h[0] if W_h else a)
        guesses.append((h @ W_y + b_y).argmax(axis=-1))
        past = np.eye(V)[guesses[-1]]
    return np.stack(guesses, axis=1)


def accuracies(task, fed_back, taught, rate, seed, model=None, passes=PASSES):
    """Train a net from one seed until it has learned; return it and the accuracy after each pass.

    ``model`` is a compiled one of the same kind, which saves time.
    """
    x, y = TASKS[task](SEQUENCES, 0)
    x_new, y_new = TASKS[task](1000, 1)
    x = with_past(x, y) if taught else x
    build = builder(fed_back, taught, rate)
    model, seen = next(train_seeds(build, [seed], x, y, 1, B, model or build())), []
    while True:
        guess = free(model, x_new) if taught else np.asarray(model(x_new)).argmax(axis=-1)
        seen.append((guess == y_new)[:, -1].mean())
        if seen[-1] >= 0.99 or len(seen) == passes:
            return model, seen
        model.fit(x, y, B, verbose=0)


def row(task, fed_back, taught, rate):
    """Train one kind of net from every seed: its row of the table."""
    model, runs = None, []
    for seed in SEEDS:
        model, seen = accuracies(task, fed_back, taught, rate, seed, model)
        runs.append(seen)
    needed = [len(seen) for seen in runs if seen[-1] >= 0.99]
    passes = [int(f(needed)) for f in (np.median, min, max)] if needed else [None] * 3
    first, last = (float(np.median([seen[i] for seen in runs])) for i in (0, -1))
    return [task, fed_back, "yes" if taught else "no", rate, len(needed), *passes, first, last]


KINDS = [("state", False), ("output", False), ("both", False), ("output", True), ("both", True)]


def main():
    """Measure, print the table, and save it."""
    if alone("benchmarks.feedback", 1):
        rows = [row(task, *kind, rate) for task in TASKS for kind in KINDS for rate in RATES]
        title = "State or output fed back"
        report.save("feedback", title, COLUMNS, rows, NOTES, ["numpy", "keras"])


if __name__ == "__main__":
    main()
