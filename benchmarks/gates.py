"""A tanh layer, two GRUs and two LSTMs on four tasks: each at its own rate, at equal cost.

Run ``python -m benchmarks.gates``: about nine minutes. Chapter 7 reads its table. How many steps
are "equal time" comes from ``benchmarks.equal_sizes``, which is run before.
"""

import json

import numpy as np

from benchmarks.steps import alone
from rnnbook.data import tasks
from rnnbook.nn import layers
from rnnbook.nn.feedforward import Dense
from rnnbook.nn.losses import cross_entropy, mean_squared_error
from rnnbook.nn.optimizers import Adam
from rnnbook.nn.training import Stack, learn
from tools import report

B, STEPS, SEEDS = 32, 300, range(5)
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
FIRST = (2, 3, 4)  # places of the rates that all nets try
VALIDATION, TEST = 10**6 + 1, 10**6  # seeds; training takes 1000 * seed + step
NETS = {"tanh": "RNN", "GRU": "GRU", "GRU, b_z = 3": "GRU", "LSTM": "LSTM", "LSTM, b_f = 3": "LSTM"}
COLUMNS = [
    "task", "net", "units", "rate", "loss there", "a rate lower", "a rate higher",
    "median", "worst", "best", "steps in equal time", "median then", "worst then", "best then",
]  # fmt: skip
NOTES = [
    "Chapter 7's tasks: delayed recall over 31 steps (share right of 500; guessing 0.25), copying "
    "of 3 symbols over a lag of 10 (share right; 0.25), adding over 20 steps (mean squared error; "
    "always to say 1 has 0.167), and counting: the longest n of a^n b^n up to which all is right, "
    "trained with n up to 8.",
    f"Each net makes {STEPS} steps of Adam, with {B} fresh sequences a step and the gradient's "
    "norm clipped to 1, in float32, from five seeds. All have as many parameters as an LSTM of 32 "
    "units with its readout. b_z = 3 and b_f = 3 are the biases at the start; Keras' are 0 and 1.",
    "The rate is the one with the least median loss on validation sequences among 0.003, 0.01 and "
    "0.03, and further ones until the best is no longer at an end. The scores are of other "
    "sequences. Counting is chosen by the loss on n up to 8, too, not by how far it counts.",
    "Equal time is what 300 steps of the LSTM take: the steps come from the benchmark of cells of "
    "equal size. Where a training is unsteady, another processor gives other figures.",
]


def last(n, x, y):
    """Let the loss hear the last n steps."""
    return x, y, np.broadcast_to(np.arange(y.shape[1]) >= y.shape[1] - n, y.shape[:2])


def adding(B, seed, T=20):
    """Draw sequences of the adding task; the answer is asked for at the last step."""
    x, y = tasks.adding(B, T, seed)
    return last(1, x, np.repeat(y[:, None, None], T, axis=1))


DRAWS = {  # how to draw, inputs D, outputs V
    "recall": (lambda B, seed: last(1, *tasks.delayed_recall(B, 31, 4, seed)), 5, 5),
    "copying": (lambda B, seed: last(3, *tasks.copying(B, 3, 4, 10, seed)), 6, 6),
    "adding": (adding, 2, 1),
    "counting": (lambda B, seed: tasks.counting(B, 1, 8, seed), 3, 3),
}


def size(cell, H, D, V):
    """Return how many parameters a cell of H units has with its readout."""
    inside = {"RNN": 1, "GRU": 3, "LSTM": 4}[cell] * (D * H + H * H + H + (cell == "GRU") * H)
    return inside + V * H + V


def units(cell, D, V):
    """Return the units with which a cell comes closest to the parameters of an LSTM of 32."""
    return min(range(1, 200), key=lambda H: abs(size(cell, H, D, V) - size("LSTM", 32, D, V)))


def start(task, net, seed):
    """Return a new net with its readout."""
    _, D, V = DRAWS[task]
    H, forget = units(NETS[net], D, V), {"forget_bias": 3.0} if net == "LSTM, b_f = 3" else {}
    layer = getattr(layers, NETS[net])(D, H, seed, **forget)
    if net == "GRU, b_z = 3":
        layer.weights["b_z"][:] = 3
    return Stack(recurrent=layer, dense=Dense(H, V, seed))


def loss_of(task):
    """Return the task's loss."""
    return mean_squared_error if task == "adding" else cross_entropy


def score(model, task):
    """Return the share right, the squared error, or the largest n that is counted right."""
    if task == "counting":
        for n in range(1, 41):
            x, y, _ = tasks.counting(1, n, n)
            if (model.forward(x)[0].argmax(axis=-1)[0, n + 1 :] != y[0, n + 1 :]).any():
                return n - 1
        return n
    x, y, heard = DRAWS[task][0](500, TEST)
    out, y = model.forward(x)[0][heard], y[heard]
    return float(np.square(out - y).mean() if task == "adding" else (out.argmax(-1) == y).mean())


def trained(task, net, rate, seed, steps):
    """Train one net; return the loss on validation, and the score after each number of steps."""
    model, rule, scores, loss = start(task, net, seed), Adam(), {}, loss_of(task)
    draw = DRAWS[task][0]
    for step in range(1, max(steps) + 1):
        x, y, heard = draw(B, 1000 * seed + step)
        learn(model, x, y, loss, rule, rate, 1.0, heard)
        if step in steps:
            scores[step] = score(model, task)
        if step == STEPS:
            x, y, heard = draw(500, VALIDATION)
            judged = loss(model.forward(x)[0][heard], y[heard])[0]
    return float(judged), scores


def tuned(task, net, steps):
    """Try rates until the best is not at an end; return all trials and the place of the best."""
    tried, todo = {}, list(FIRST)
    while todo:
        for k in todo:
            tried[k] = [trained(task, net, RATES[k], seed, steps) for seed in SEEDS]
        losses = {k: np.median([loss for loss, _ in runs]) for k, runs in tried.items()}
        best = min(losses, key=losses.get)
        todo = [k for k in (best - 1, best + 1) if k not in tried and 0 <= k < len(RATES)]
    return tried, losses, best


def row(task, net, equal_time):
    """Return a row of the table."""
    tried, losses, best = tuned(task, net, {STEPS, equal_time})
    cells = []
    for steps in (STEPS, equal_time):
        scores = sorted([s[steps] for _, s in tried[best]], reverse=task == "adding")
        cells.append([scores[2], scores[0], scores[-1]])
    around = [float(losses[k]) if k in losses else None for k in (best, best - 1, best + 1)]
    _, D, V = DRAWS[task]
    H = units(NETS[net], D, V)
    return [task, net, H, RATES[best], *around, *cells[0], equal_time, *cells[1]]


def steps_in_equal_time():
    """Return, for each task and cell, the steps that take as long as the LSTM's 300."""
    saved = json.loads((report.RESULTS / "equal_sizes.json").read_text("utf-8"))
    rows = [dict(zip(saved["columns"], r, strict=True)) for r in saved["rows"]]
    return {(r["task"], r["cell"]): round(STEPS / r["to the LSTM"]) for r in rows}


def main():
    """Train all, print the table, and save it."""
    if not alone("benchmarks.gates", 1):
        return
    equal, rows = steps_in_equal_time(), []
    for task in DRAWS:
        for net, cell in NETS.items():
            rows.append(row(task, net, equal[task, cell]))
            print(*rows[-1], flush=True)
    report.save("gates", "Gates on four tasks", COLUMNS, rows, NOTES)


if __name__ == "__main__":
    main()
