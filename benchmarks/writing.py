"""How fast a model writes, character after character, beside PyTorch.

Run ``python -m benchmarks.writing``: two minutes. With ``--quick`` it saves nothing. Without
PyTorch its columns stay empty.
"""

import argparse
import importlib.util
import json
import os
import statistics
import string
import subprocess
import sys
import time

from benchmarks.steps import CELLS, with_threads
from rnnbook.text import Vocabulary
from rnnbook.text.language_model import LanguageModel
from tools import report

H, CHARACTERS = 256, string.ascii_letters + string.digits + string.punctuation[:16] + " "
GOALS = {1: 40_000, 64: 100_000}
COLUMNS = ["cell", "texts at once", "1 thread", "goal", "PyTorch", "times faster"]
COLUMNS += ["default threads", "to 1 thread", "goal", "PyTorch, default", "times faster, default"]
NOTES = [
    f"Characters a second, those of all texts together: `LanguageModel.generate` with H = {H} and "
    f"{len(CHARACTERS) + 1} tokens, whose codes are one-hot, in float32. Each character is drawn "
    "from the model's distribution, and read at the next step. With one thread, a second is one of "
    "processor time, which other programs disturb least; with the machine's default, which is what "
    "a reader has, of the clock.",
    "PyTorch is a loop with `multinomial`, under `no_grad`, in two ways, of which the table shows "
    "the faster one: over `RNNCell`, `LSTMCell` or `GRUCell` with rows of an identity matrix, and "
    "with a look-up in the table of what each token adds. All run in turn; speeds and ratios are "
    "medians over the rounds.",
]


def course(cell, S):
    """Return a function that writes n characters of each of S texts."""
    model = LanguageModel(Vocabulary(CHARACTERS, "characters"), H, cell.lower())
    return lambda n: model.generate(n, samples=S)


def pytorch(cell, S, look_up):
    """Return the same as a loop over PyTorch's cell, or over its equations with a look-up."""
    import torch

    V = len(CHARACTERS) + 1
    layer, dense = getattr(torch.nn, f"{cell}Cell")(V, H), torch.nn.Linear(H, V)
    one_hot, W_h, b = torch.eye(V), layer.weight_hh.t().contiguous(), layer.bias_hh
    table = (layer.weight_ih.t() + layer.bias_ih).contiguous()

    def step(ids, h, c):
        if not look_up:
            x = one_hot[ids]
            return layer(x, (h, c)) if cell == "LSTM" else (layer(x, h), c)
        of_x, of_h = table[ids], torch.addmm(b, h, W_h)
        if cell == "RNN":
            return torch.tanh(of_x + of_h), c
        if cell == "GRU":
            (r, z, u), (r_h, z_h, u_h) = of_x.chunk(3, 1), of_h.chunk(3, 1)
            u = torch.tanh(u + torch.sigmoid(r + r_h) * u_h)
            return u + torch.sigmoid(z + z_h) * (h - u), c
        i, f, g, o = (of_x + of_h).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    @torch.no_grad()
    def write(n):
        h = c = torch.zeros(S, H)
        for _ in range(n):
            ids = torch.multinomial(torch.softmax(dense(h), dim=1), 1)[:, 0]
            h, c = step(ids, h, c)

    return write


def speeds(ways, S, seconds, rounds, clock=time.process_time):
    """Return the characters a second of each way, one number a round, in turn."""
    steps = {}
    for name, write in ways.items():  # as many as a way writes in so many seconds
        write(20)
        start = clock()
        write(50)
        steps[name] = int(50 * seconds / (clock() - start)) + 1
    found = {name: [] for name in ways}
    for _ in range(rounds):
        for name, write in ways.items():
            start = clock()
            write(steps[name])
            found[name].append(S * steps[name] / (clock() - start))
    return found


def measure(threads, quick):
    """Return the course's speed, PyTorch's, and how many times faster: for each cell and S."""
    clock = time.process_time if threads == 1 else time.perf_counter
    torch, rows = importlib.util.find_spec("torch"), []
    if torch and threads == 1:
        importlib.import_module("torch").set_num_threads(1)
    for cell in CELLS:
        for S in GOALS:
            ways = {"course": course(cell, S)}
            if torch:
                ways |= {name: pytorch(cell, S, name == "table") for name in ("cell", "table")}
            found = speeds(ways, S, *((0.1, 3) if quick else (0.4, 9)), clock)
            median = {name: statistics.median(values) for name, values in found.items()}
            ours = median.pop("course")
            rival = max(median, key=median.get, default=None)
            times = [a / b for a, b in zip(found["course"], found.get(rival, []), strict=False)]
            rows.append([int(ours), None, None])
            if rival:
                rows[-1][1:] = [int(median[rival]), statistics.median(times)]
    return rows


def in_process(threads, quick):
    """Return what a process of its own measures: with so many threads, or the default, None."""
    environment = with_threads(threads) | {"COUNT": str(threads or 0)}
    command = [sys.executable, "-m", "benchmarks.writing", "--measure", *["--quick"] * quick]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output.splitlines()[-1])


def main():
    """Print the table, and save it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="briefly; saves nothing")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(int(os.environ["COUNT"]), options.quick)))
        return
    cases, rows = [(cell, S) for cell in CELLS for S in GOALS], []
    both = in_process(1, options.quick), in_process(None, options.quick)
    for (cell, S), one, default in zip(cases, *both, strict=True):
        first = [cell, S, one[0], GOALS[S], *one[1:]]
        rows.append([*first, default[0], default[0] / one[0], 0.9, *default[1:]])
    if options.quick:
        print("\n".join(report.table(COLUMNS, rows)))
    else:
        torch = ["torch"] if importlib.util.find_spec("torch") else []
        report.save("writing", "Writing", COLUMNS, rows, NOTES, ["numpy", *torch])


if __name__ == "__main__":
    main()
