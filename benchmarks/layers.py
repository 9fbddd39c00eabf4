"""How fast the recurrent layers are, beside Keras, PyTorch, JAX, and the bare matrix products.

Run ``python -m benchmarks.layers``: about 12 minutes. With ``--quick`` it measures less, and saves
nothing. Without PyTorch or JAX their columns stay empty.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import operator
import os
import statistics
import subprocess
import sys
import time

import numpy as np

from benchmarks.steps import CELLS, contestants, with_threads
from rnnbook.show import style
from tools import report

SIZES = [(32, 64, 64, 128), (64, 100, 64, 256), (32, 256, 64, 512), (1, 25, 64, 100)]
COLUMNS = ["cell", "B, T, D, H", "ms, 1 thread", "to PyTorch", "goal", "to Keras", "goal"]
COLUMNS += ["to JAX", "of the limit", "ms, default threads", "to 1 thread", "goal"]
COLUMNS += ["to PyTorch, default", "to Keras, default", "to JAX, default"]
NOTES = [
    "One training step of one layer in float32: forward and backward through time, with the "
    "gradients of all weights, of the inputs and of the initial state. All ways run in turn, in"
    " one process with one thread and in another with the machine's default, which is what "
    "users have: each waits until the threads of the others sleep, takes a step to fill the "
    "caches, and is timed at the next. **ms** is the median time of `rnnbook.nn.layers`; a "
    "ratio is the median over the rounds of its time to the other's: below 1 it is the faster "
    "one. With one thread, time is processor time, which other programs disturb least; with the"
    " default it is the clock's. The goals were set before, on another processor, where the first "
    "LSTM of the table took 8.6 ms.",
    "Each rival is at its best. Keras is compiled with `tf.function`: as it is, with XLA, and, "
    "up to 64 steps, with `unroll=True`; the table shows the fastest of them. TensorFlow's "
    "oneDNN kernels are on. PyTorch is `torch.nn.RNN`, `LSTM` and `GRU`. JAX is a loop by "
    "`lax.scan`, jitted.",
    "**The limit** is the time of the same matrix products alone, one `np.matmul` after the "
    "other, on arrays that stay in the cache; **of the limit** is what share of the layer's "
    "time that is. Where products are small, the course keeps them on one thread whatever the "
    "default: to wake another takes longer than the product.",
]
PAUSE = 0.03  # seconds after which idle threads sleep, instead of waiting busily


def run_in_turn(ways, budget, clock):
    """Return the seconds of each way, one number a round."""
    times = {name: [] for name in ways}
    for step in ways.values():
        step()  # compile
    end = time.perf_counter() + budget
    while len(times["course"]) < 5 or time.perf_counter() < end:
        for name, step in ways.items():
            time.sleep(PAUSE)
            step()
            start = clock()
            step()
            times[name].append(clock() - start)
    return times


def measure(sizes, budget, threads):
    """Return one dict for each cell and size: the layer's time, and its ratios to the others'."""
    import tensorflow as tf

    if threads == 1:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        if importlib.util.find_spec("torch"):
            import torch

            torch.set_num_threads(1)
    # Other programs do not count in processor time, but it adds up the time of all threads.
    clock = time.process_time if threads == 1 else time.perf_counter
    results = []
    for B, T, D, H in sizes:
        for cell in CELLS:
            rng = np.random.default_rng(0)
            x = rng.normal(size=(B, T, D)).astype(np.float32)
            dh = rng.normal(size=(B, T, H)).astype(np.float32)
            times = run_in_turn(contestants(cell, x, dh), budget, clock)
            ratio = {
                name: statistics.median(map(operator.truediv, times["course"], seconds))
                for name, seconds in times.items()
            }
            ms = 1e3 * statistics.median(times["course"])
            results.append({"cell": cell, "sizes": (B, T, D, H), "ms": ms, "ratio": ratio})
            print(f"{threads or 'default'} threads: {cell}, {B, T, D, H}", file=sys.stderr)
    return results


def in_process(threads, quick):
    """Return what a process of its own measures: with so many threads, or the default, None."""
    environment = with_threads(threads) | {"TF_CPP_MIN_LOG_LEVEL": "2", "COUNT": str(threads or 0)}
    command = [sys.executable, "-m", "benchmarks.layers", "--measure", *["--quick"] * quick]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output.splitlines()[-1])


def goals(cell, H):
    """Return the goals at one thread: most time to PyTorch and to the best Keras."""
    to_pytorch = 0.7 if cell != "LSTM" else 1.25 if H < 256 else 1.0
    return to_pytorch, 1.0 if (cell, H) == ("RNN", 256) else 0.85


def row(one, default):
    """Return the results of both settings as a row of the table."""
    cell, sizes, ratio = one["cell"], one["sizes"], one["ratio"]
    to_pytorch, to_keras = goals(cell, sizes[3])
    keras, keras_default = (
        max(value for name, value in r["ratio"].items() if name.startswith("Keras"))
        for r in (one, default)
    )
    first = [cell, ", ".join(map(str, sizes)), one["ms"], ratio.get("PyTorch"), to_pytorch]
    first += [keras, to_keras, ratio.get("JAX"), 1 / ratio["limit"]]
    last = [default["ratio"].get("PyTorch"), keras_default, default["ratio"].get("JAX")]
    return [*first, default["ms"], default["ms"] / one["ms"], 1.1, *last]


def figure(results):
    """Draw the time of each way beside the course's, at one thread."""
    style.use()
    import matplotlib.pyplot as plt

    marks = {
        "limit": ("|", "ink"), "course": ("o", "hidden"), "PyTorch": ("s", "output"),
        "Keras": ("D", "input"), "Keras, XLA": ("d", "memory"), "Keras, unrolled": ("^", "input"),
        "JAX": ("x", "gradient"),
    }  # fmt: skip
    fig, ax = plt.subplots(figsize=(5.8, 5.2))
    for name, (marker, color) in marks.items():
        of_way = [(1 / r["ratio"][name], y) for y, r in enumerate(results) if name in r["ratio"]]
        if of_way:
            size = 130 if marker == "|" else 45
            look = {"s": size, "color": style.COLORS[color], "marker": marker, "label": name}
            ax.scatter(*zip(*of_way, strict=True), **look)
    names = [f"{r['cell']}  {', '.join(map(str, r['sizes']))}" for r in results]
    ax.set(xscale="log", xlabel="time, where that of the course is 1", yticks=range(len(results)))
    ax.set_yticks(range(len(results)), names)
    ticks = [0.25, 0.5, 1, 2, 4, 8]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.invert_yaxis()
    fig.legend(loc="outside upper center", ncols=3)
    svg = style.short_svg(fig)
    report.RESULTS.mkdir(exist_ok=True)
    (report.RESULTS / "layers.svg").write_text(svg, encoding="utf-8", newline="\n")


ALT = (
    "One row for each cell and size, B, T, D, H. On a logarithmic axis stand the times of one "
    "training step at one thread, as multiples of the course's: the bare products, PyTorch, JAX, "
    "and Keras as it is, with XLA, and unrolled. The table above holds the figures."
)


def main():
    """Measure at one thread and at the default, print the table, and save it with its figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two sizes, briefly; saves nothing")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)  # in_process
    arguments = parser.parse_args()
    sizes, budget = (SIZES[::3], 1.0) if arguments.quick else (SIZES, 8.0)
    if arguments.measure:
        print(json.dumps(measure(sizes, budget, int(os.environ["COUNT"]) or None)))
        return
    one, default = (in_process(threads, arguments.quick) for threads in (1, None))
    rows = [row(*pair) for pair in zip(one, default, strict=True)]
    if arguments.quick:
        print("\n".join(report.table(COLUMNS, rows)))
        return
    figure(one)
    # The package that holds TensorFlow is tensorflow-cpu, or tensorflow.
    packages = ["numpy", "keras", importlib.metadata.packages_distributions()["tensorflow"][0]]
    packages += [name for name in ("torch", "jax") if importlib.util.find_spec(name)]
    report.save("layers", "Recurrent layers", COLUMNS, rows, NOTES, packages, "layers.svg", ALT)


if __name__ == "__main__":
    main()
