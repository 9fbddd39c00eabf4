"""What a training step costs in an RNN, a GRU and an LSTM with as many parameters as each other.

Run ``python -m benchmarks.equal_sizes``: half a minute. ``benchmarks.gates`` takes from it how many
steps are "equal time".
"""

import statistics
import time

from benchmarks.gates import DRAWS, B, loss_of, size, start, units
from benchmarks.steps import alone
from rnnbook.nn.optimizers import Adam
from rnnbook.nn.training import learn
from tools import report

COLUMNS = ["task", "T", "cell", "units", "parameters", "ms a step", "to the LSTM"]
NOTES = [
    "A whole step of training in float32 on the tasks of chapter 7, with the readout, the loss, "
    f"clipping and Adam; B = {B}, one thread. Median of processor time over 100 rounds; in each "
    "the three take turns. At such sizes much of the time goes into calls, not products, so the "
    "ratios hold for these sizes only.",
]


def rounds(task, n=100):
    """Return the number of time steps, and each cell's median of seconds for a training step."""
    x, y, heard = DRAWS[task][0](B, 0)
    made = {cell: (start(task, cell, 0), Adam()) for cell in ("tanh", "GRU", "LSTM")}
    times = {cell: [] for cell in made}
    for _ in range(n):
        for cell, (model, rule) in made.items():
            begin = time.process_time()
            learn(model, x, y, loss_of(task), rule, 0.001, 1.0, heard)
            times[cell].append(time.process_time() - begin)
    return x.shape[1], {cell: statistics.median(seconds) for cell, seconds in times.items()}


def main():
    """Measure, print the table, and save it."""
    if not alone("benchmarks.equal_sizes", 1):
        return
    rows = []
    for task, (_, D, V) in DRAWS.items():
        T, seconds = rounds(task)
        for name, spent in seconds.items():
            cell = name.replace("tanh", "RNN")
            H = units(cell, D, V)
            ratio = spent / seconds["LSTM"]
            rows.append([task, T, cell, H, size(cell, H, D, V), 1e3 * spent, ratio])
    report.save("equal_sizes", "Cells of equal size", COLUMNS, rows, NOTES)


if __name__ == "__main__":
    main()
