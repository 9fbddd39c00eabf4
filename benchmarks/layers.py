"""How fast the recurrent layers are, beside Keras, PyTorch, a plain loop, and the bare products.

Run ``python -m benchmarks.layers``: about 7 minutes. With ``--quick`` it measures less, and saves
nothing. Without PyTorch its columns stay empty.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import operator
import statistics
import subprocess
import sys
import time

import numpy as np

from benchmarks.steps import CELLS, contestants, with_threads
from rnnbook.show import style
from tools import report

SIZES = [(32, 64, 64, 128), (64, 100, 64, 256), (32, 256, 64, 512), (1, 25, 64, 100)]
COLUMNS = ["cell", "B, T, D, H", "threads", "ms", "to PyTorch", "goal", "to Keras", "goal"]
COLUMNS += ["of the limit", "goal", "to the plain loop"]
NOTES = [
    "One training step of one layer in float32: forward and backward through time, with the "
    "gradients of all weights, of the inputs and of the initial state. All ways run in turn, in "
    "one process for each number of threads: each waits until the threads of the others sleep, "
    "takes a step to fill the caches, and is timed at the next. **ms** is the median time of "
    "`rnnbook.nn.layers`; a ratio is the median over the rounds of its time to the other's: below 1 "
    "it is the faster one. With one thread, time is processor time, which other programs disturb "
    "least; with two it is the clock's. The goals were set before.",
    "Keras is compiled with `tf.function`, once without and once with XLA; the table shows the "
    "better of the two. TensorFlow's oneDNN kernels are on. PyTorch is `torch.nn.RNN`, `LSTM` and "
    "`GRU`. The plain loop takes step after step with `cells` and `gated_cells`, as the equations "
    "read; its backward step computes the forward step again, and checks the weights each time.",
    "**The limit** is the time of the same matrix products alone, one `np.matmul` after the other, "
    "on arrays that stay in the cache; **of the limit** is what share of the layer's time that is. "
    "With one thread, where OpenBLAS uses AVX-512, the layer cuts its products into bands, which "
    "is faster (see `rnnbook.nn.products`): so the share may come near 1, or pass it. Where the "
    "products are small, with H = 128 and even more with B = 1, what is not a product weighs more: "
    "elementwise functions, copies, and calls from Python. There the share stays below its goal.",
]
PAUSE = 0.03  # seconds after which the idle threads of OpenBLAS sleep, instead of waiting busily


def in_turn(ways, budget, clock):
    """Return the seconds of each way, one number a round; the plain loop has three rounds only."""
    times = {name: [] for name in ways}
    for step in ways.values():
        step()  # compile
    end = time.perf_counter() + budget
    while len(times["course"]) < 5 or time.perf_counter() < end:
        for name, step in ways.items():
            if name == "plain loop" and len(times[name]) == 3:
                continue
            time.sleep(PAUSE)
            step()
            start = clock()
            step()
            times[name].append(clock() - start)
    return times


def measured(sizes, budget, threads):
    """Return one dict for each cell and size: the layer's time, and its ratios to the others'."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(threads)
    # Other programs do not count in processor time, but it adds up the time of all threads.
    clock = time.process_time if threads == 1 else time.perf_counter
    results = []
    for B, T, D, H in sizes:
        for cell in CELLS:
            rng = np.random.default_rng(0)
            x = rng.normal(size=(B, T, D)).astype(np.float32)
            dh = rng.normal(size=(B, T, H)).astype(np.float32)
            times = in_turn(contestants(cell, x, dh), budget, clock)
            ratio = {
                name: statistics.median(map(operator.truediv, times["course"], seconds))
                for name, seconds in times.items()
            }
            ms = 1e3 * statistics.median(times["course"])
            results.append({"cell": cell, "sizes": (B, T, D, H), "ms": ms, "ratio": ratio})
            print(f"{threads} threads: {cell}, {B, T, D, H}", file=sys.stderr)
    return results


def in_process(threads, quick):
    """Return what a process of its own measures, in which all libraries have so many threads."""
    environment = with_threads(threads) | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable, __file__, "--threads", str(threads), *["--quick"] * quick]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output.splitlines()[-1])


def goals(cell, H, threads):
    """Return the goals: most time to PyTorch and to Keras, least share of the limit."""
    to_pytorch = 0.8 if cell != "LSTM" else 1.1 if H == 128 else 1.0
    of_limit = {100: 0.6, 128: 0.75}.get(H, 0.8) if threads == 1 else None
    return to_pytorch, 0.85, of_limit


def row(result, threads):
    """Return a result as a row of the table."""
    cell, sizes = result["cell"], result["sizes"]
    to_pytorch, to_keras, of_limit = goals(cell, sizes[3], threads)
    ratio = result["ratio"]
    keras = max(ratio["Keras"], ratio["Keras, XLA"])
    first = [cell, ", ".join(map(str, sizes)), threads, result["ms"]]
    ratios = [ratio.get("PyTorch"), to_pytorch, keras, to_keras, 1 / ratio["limit"], of_limit]
    return [*first, *ratios, ratio["plain loop"]]


def figure(results):
    """Draw the time of each way beside the course's, at one thread."""
    style.use()
    import matplotlib.pyplot as plt

    marks = {
        "limit": ("|", "ink"), "course": ("o", "hidden"), "PyTorch": ("s", "output"),
        "Keras": ("D", "input"), "Keras, XLA": ("d", "memory"), "plain loop": ("x", "gradient"),
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
    "training step at one thread, as multiples of the course's: the bare products, PyTorch, Keras "
    "without and with XLA, and the plain loop. The table above holds the figures."
)


def main():
    """Measure at 1 and 2 threads, print the table, and save it with its figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two sizes, briefly; saves nothing")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)  # a process of in_process
    arguments = parser.parse_args()
    sizes, budget = (SIZES[::3], 1.0) if arguments.quick else (SIZES, 8.0)
    if arguments.threads:
        print(json.dumps(measured(sizes, budget, arguments.threads)))
        return
    results = {n: in_process(n, arguments.quick) for n in (1, 2)}
    rows = [row(result, n) for n in results for result in results[n]]
    if arguments.quick:
        print("\n".join(report.table(COLUMNS, rows)))
        return
    figure(results[1])
    # The package that holds TensorFlow is tensorflow-cpu, or tensorflow.
    packages = ["numpy", "keras", importlib.metadata.packages_distributions()["tensorflow"][0]]
    packages += ["torch"] if importlib.util.find_spec("torch") else []
    report.save("layers", "Recurrent layers", COLUMNS, rows, NOTES, packages, "layers.svg", ALT)


if __name__ == "__main__":
    main()
