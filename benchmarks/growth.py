"""How a training step's time and memory grow with its sizes, and where the time goes.

Run ``python -m benchmarks.growth``: less than a minute.
"""

import statistics
import time
import tracemalloc
from unittest import mock

import numpy as np

from benchmarks.steps import CELLS, alone, limit
from rnnbook.nn import layers
from rnnbook.show import style
from tools import report

D, CHUNK = 64, 64
COLUMNS = ["cell", "B", "T", "H", "truncated", "ms", "µs a time step", "MB"]
COLUMNS += ["products", "tanh and σ", "the rest"]
LONG = [64, 256, 1024]
CASES = [
    *(("LSTM", 32, T, 128, False) for T in LONG),
    *(("LSTM", 32, T, 128, True) for T in LONG),
    *(("LSTM", B, 64, 128, False) for B in (1, 8, 128)),
    *(("LSTM", 32, 64, H, False) for H in (64, 256, 512)),
    *((cell, 32, 64, 128, False) for cell in ("RNN", "GRU")),
]
NOTES = [
    f"One training step of `rnnbook.nn.layers`, forward and backward, in float32, with D = {D}, on "
    "one core; medians of 7, in processor time, which other programs disturb least. **MB** is the "
    "largest sum of Python's allocations, without the inputs and the gradients that come in. "
    f"Truncated: the sequence is read in chunks of {CHUNK} steps; the state is carried on, the "
    "gradient is not.",
    "Time and memory are linear in T; truncated, the memory stays what one chunk needs. The last "
    "columns are shares of the time: the same matrix products, alone; tanh and σ; and the rest, "
    "which is products and sums of elements, moving memory, and Python.",
]
ALT = (
    "Two plots against the number of time steps, for an LSTM with B = 32 and H = 128. Left, the "
    "time of a training step: full and truncated backpropagation grow along nearly the same "
    "straight line. Right, the memory: full backpropagation grows along a straight line, and "
    "truncated stays level."
)


def training_step(cell, x, dh, H, truncated):
    """Return a step, forward and backward, of a new layer: in one piece, or in chunks."""
    layer, T = CELLS[cell](D, H), x.shape[1]

    def step():
        chunk, state = (CHUNK if truncated else T), None
        for t in range(0, T, chunk):
            _, state = layer.forward(x[:, t : t + chunk], state)
            layer.backward(dh[:, t : t + chunk])

    return step


def memory(*case):
    """Return the largest sum of allocations of a first step, in MB."""
    tracemalloc.start()
    training_step(*case)()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def seconds(step):
    """Return the seconds of a call."""
    start = time.process_time()
    step()
    return time.process_time() - start


def shares(step, products):
    """Return the shares of a call's time that go into products, and into tanh and σ."""
    spent = []

    def timed(function):
        def call(*args, **settings):
            start = time.process_time()
            result = function(*args, **settings)
            spent.append(time.process_time() - start)
            return result

        return call

    tanh = timed(np.tanh), layers.ACTIVATIONS["tanh"][1]
    with (
        mock.patch.dict(layers.ACTIVATIONS, tanh=tanh),
        mock.patch.object(np, "tanh", tanh[0]),
        mock.patch.object(layers, "_to_sigmoid", timed(layers._to_sigmoid)),
    ):
        total = seconds(step)
    return [min(1, seconds(products) / total), sum(spent) / total]


def measure(cell, B, T, H, truncated):
    """Return a row of the table."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(B, T, D)).astype(np.float32)
    dh = rng.normal(size=(B, T, H)).astype(np.float32)
    case = cell, x, dh, H, truncated
    MB, step = memory(*case), training_step(*case)
    products = limit(cell, x, dh)
    step()
    products()
    ms = 1e3 * statistics.median(seconds(step) for _ in range(7))
    of_products, tanh = np.median([shares(step, products) for _ in range(7)], axis=0).tolist()
    words = "yes" if truncated else "no"
    return [cell, B, T, H, words, ms, 1e3 * ms / T, MB, of_products, tanh, 1 - of_products - tanh]


def figure(rows):
    """Draw time and memory against T, full and truncated."""
    style.use()
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(5.8, 3.0))
    for label, marker, part in (("full", "o-", rows[:3]), ("truncated", "s--", rows[3:6])):
        for ax, column in zip(axes, (5, 7), strict=True):
            ax.plot(LONG, [row[column] for row in part], marker, label=label)
    for ax, label in zip(axes, ("time, ms", "memory, MB"), strict=True):
        ax.set(xlabel="time steps T", ylabel=label, xticks=LONG, ylim=(0, None))
    axes[0].legend()
    report.RESULTS.mkdir(exist_ok=True)
    svg = style.short_svg(fig)
    (report.RESULTS / "growth.svg").write_text(svg, encoding="utf-8", newline="\n")


def main():
    """Print the table, and save it with its figure."""
    if not alone("benchmarks.growth", 1):
        return
    rows = [measure(*case) for case in CASES]
    figure(rows)
    title = "How time and memory grow"
    report.save("growth", title, COLUMNS, rows, NOTES, figure="growth.svg", alt=ALT)


if __name__ == "__main__":
    main()
