"""How a training step's time and memory grow with its sizes, and where the time goes.

Run ``python -m benchmarks.growth``: less than a minute.
"""

import statistics
import time
import tracemalloc
from unittest import mock

import numpy as np

from benchmarks.steps import CELLS, alone
from rnnbook.nn import layers, recurrent
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
    f"Truncated: the sequence is cut into chunks of {CHUNK} time steps; the state is carried on, "
    "the gradient is not.",
    "Time and memory are linear in T; truncated, the memory stays what one chunk needs. The last "
    "columns are shares of the time: matrix products; tanh and σ; and the rest, which is products "
    "and sums of elements, moving memory, and Python.",
]
ALT = (
    "Two plots against the number of time steps, for an LSTM with B = 32 and H = 128. Left, the "
    "time of a training step: full and truncated backpropagation grow along nearly the same "
    "straight line. Right, the memory: full backpropagation grows along a straight line, and "
    "truncated stays level."
)


def training_step(cell, x, dh, H, truncated):
    """Return a step, forward and backward, of a new layer: in one piece, or in chunks."""
    layer, T = CELLS[cell](D, H, 0), x.shape[1]

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


def shares(step):
    """Return the shares of a call's time that go into products, and into tanh and σ."""
    spent = {"products": 0.0, "tanh": 0.0}
    inside = []  # a product in bands calls np.matmul, which does not count again

    def timed(kind, function):
        def call(*args, **settings):
            if inside:
                return function(*args, **settings)
            inside.append(kind)
            start = time.process_time()
            result = function(*args, **settings)
            spent[inside.pop()] += time.process_time() - start
            return result

        return call

    with (
        mock.patch.object(np, "matmul", timed("products", np.matmul)),
        mock.patch.object(recurrent, "multiply", timed("products", recurrent.multiply)),
        mock.patch.object(layers, "multiply", timed("products", layers.multiply)),
        mock.patch.object(np, "tanh", timed("tanh", np.tanh)),
        mock.patch.object(layers, "to_sigmoid", timed("tanh", layers.to_sigmoid)),
    ):
        total = seconds(step)
    return [spent["products"] / total, spent["tanh"] / total]


def measured(cell, B, T, H, truncated):
    """Return a row of the table."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(B, T, D)).astype(np.float32)
    dh = rng.normal(size=(B, T, H)).astype(np.float32)
    case = cell, x, dh, H, truncated
    MB, step = memory(*case), training_step(*case)
    step()
    ms = 1e3 * statistics.median(seconds(step) for _ in range(7))
    products, tanh = np.median([shares(step) for _ in range(7)], axis=0).tolist()
    words = "yes" if truncated else "no"
    return [cell, B, T, H, words, ms, 1e3 * ms / T, MB, products, tanh, 1 - products - tanh]


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
    if not alone(__file__, 1):
        return
    rows = [measured(*case) for case in CASES]
    figure(rows)
    title = "How time and memory grow"
    report.save("growth", title, COLUMNS, rows, NOTES, figure="growth.svg", alt=ALT)


if __name__ == "__main__":
    main()
