"""What a training step costs in an RNN, a GRU and an LSTM with as many parameters as each other.

Run ``python -m benchmarks.equal_sizes``: half a minute. Chapter 7 takes from it how many steps are
"equal time".
"""

import statistics
import time

import numpy as np

from benchmarks.steps import alone
from rnnbook.nn import layers
from tools import report

LAYERS = {"RNN": (layers.RNN, 67), "GRU": (layers.GRU, 37), "LSTM": (layers.LSTM, 32)}
B, D = 32, 5
COLUMNS = ["T", "cell", "units", "parameters", "ms a step", "to the LSTM"]
NOTES = [
    f"Forward and backward through time in float64, B = {B}, D = {D}, one thread: the sizes of "
    "chapter 7's tasks. Median of processor time over 150 rounds; in each the three take turns. "
    "At such sizes much of the time goes into calls, not into products, so the ratios hold "
    "for these sizes only.",
]


def rounds(T, n=150):
    """Return each cell's median of seconds for one step."""
    x = np.random.default_rng(0).normal(size=(B, T, D))
    made = {name: make(D, H, dtype="float64") for name, (make, H) in LAYERS.items()}
    times = {name: [] for name in made}
    for _ in range(n):
        for name, layer in made.items():
            start = time.process_time()
            h, _ = layer.forward(x)
            layer.backward(h)
            times[name].append(time.process_time() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def main():
    """Measure, print the table, and save it."""
    if not alone("benchmarks.equal_sizes", 1):
        return
    rows = []
    for T in (16, 31):
        seconds = rounds(T)
        for name, (make, H) in LAYERS.items():
            parameters = sum(a.size for a in make(D, H).parameters.values())
            ratio = seconds[name] / seconds["LSTM"]
            rows.append([T, name, H, parameters, 1e3 * seconds[name], ratio])
    report.save("equal_sizes", "Cells of equal size", COLUMNS, rows, NOTES)


if __name__ == "__main__":
    main()
