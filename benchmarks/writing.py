"""How fast a model writes, character after character, beside PyTorch and a plain loop.

Run ``python -m benchmarks.writing``: a minute or two. With ``--quick`` it saves nothing. Without
PyTorch its columns stay empty.
"""

import argparse
import importlib.util
import statistics
import string
import time

import numpy as np

from benchmarks.steps import CELLS, alone
from rnnbook.nn import cells, gated_cells
from rnnbook.nn.losses import softmax
from rnnbook.text import Vocabulary
from rnnbook.text.language_model import LanguageModel
from tools import report

H, CHARACTERS = 256, string.ascii_letters + string.digits + string.punctuation[:16] + " "
GOALS = {1: 40_000, 64: 100_000}
COLUMNS = ["cell", "texts at once", "course", "goal", "PyTorch", "times faster", "goal"]
COLUMNS += ["plain loop", "times faster"]
NOTES = [
    "Characters a second of processor time, those of all texts together, on one core: "
    "`LanguageModel.generate` with "
    f"H = {H} and {len(CHARACTERS) + 1} tokens, whose codes are one-hot, in float32. Each "
    "character is drawn from the model's distribution, and heard at the next step.",
    "PyTorch is a loop over `RNNCell`, `LSTMCell` or `GRUCell`, a linear layer, and `multinomial`, "
    "under `no_grad`. The plain loop takes a step of `cells` or `gated_cells`, which checks the "
    "weights each time. All run in turn; speeds and ratios are medians over the rounds.",
]


def course(cell, S):
    """Return a function that writes n characters of each of S texts."""
    model = LanguageModel(Vocabulary(CHARACTERS, "characters"), H, cell.lower())
    return lambda n: model.generate(n, samples=S)


def plain(cell, S):
    """Return the same as a loop over the cells, one-hot codes and all."""
    model = LanguageModel(Vocabulary(CHARACTERS, "characters"), H, cell.lower())
    w, out, rng = model.recurrent.weights, model.dense.parameters, np.random.default_rng(0)
    one_hot = np.eye(model.V, dtype=np.float32)

    def step(x_t, state):
        if cell == "LSTM":
            return gated_cells.lstm_step(x_t, *state, w)
        if cell == "GRU":
            return (gated_cells.gru_step(x_t, *state, w),)
        return (cells.rnn_step(x_t, *state, **w),)

    def write(n):
        state = [np.zeros((S, H), np.float32)] * (2 if cell == "LSTM" else 1)
        for _ in range(n):
            p = softmax(state[0] @ out["W_hy"].T + out["b_y"])
            ids = (p.cumsum(axis=1) > rng.random((S, 1))).argmax(axis=1)
            state = step(one_hot[ids], state)

    return write


def pytorch(cell, S):
    """Return the same as a loop over PyTorch's cell."""
    import torch

    torch.set_num_threads(1)
    V = len(CHARACTERS) + 1
    layer, dense = getattr(torch.nn, f"{cell}Cell")(V, H), torch.nn.Linear(H, V)
    one_hot = torch.eye(V)

    @torch.no_grad()
    def write(n):
        h = c = torch.zeros(S, H)
        for _ in range(n):
            ids = torch.multinomial(torch.softmax(dense(h), dim=1), 1)[:, 0]
            if cell == "LSTM":
                h, c = layer(one_hot[ids], (h, c))
            else:
                h = layer(one_hot[ids], h)

    return write


def speeds(ways, S, seconds, rounds):
    """Return the characters a second of each way, one number a round, in turn."""
    steps = {}
    for name, write in ways.items():  # as many as a way writes in so many seconds
        write(20)
        start = time.process_time()
        write(50)
        steps[name] = int(50 * seconds / (time.process_time() - start)) + 1
    found = {name: [] for name in ways}
    for _ in range(rounds):
        for name, write in ways.items():
            start = time.process_time()
            write(steps[name])
            found[name].append(S * steps[name] / (time.process_time() - start))
    return found


def main():
    """Print the table, and save it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="briefly; saves nothing")
    quick = parser.parse_args().quick
    if not alone(__file__, 1, *["--quick"] * quick):
        return
    torch = ["torch"] if importlib.util.find_spec("torch") else []
    rows = []
    for cell in CELLS:
        for S, goal in GOALS.items():
            ways = {"course": course(cell, S), "plain": plain(cell, S)}
            if torch:
                ways["PyTorch"] = pytorch(cell, S)
            found = speeds(ways, S, *((0.1, 3) if quick else (0.4, 9)))
            row = [cell, S, int(statistics.median(found["course"])), goal]
            for name, goals in (("PyTorch", [4]), ("plain", [])):
                pairs = list(zip(found["course"], found.get(name, []), strict=False))
                if not pairs:
                    row += [None, None, *goals]
                    continue
                ratio = statistics.median(ours / other for ours, other in pairs)
                row += [int(statistics.median(found[name])), ratio, *goals]
            rows.append(row)
    if quick:
        print("\n".join(report.table(COLUMNS, rows)))
    else:
        report.save("writing", "Writing", COLUMNS, rows, NOTES, ["numpy", *torch])


if __name__ == "__main__":
    main()
