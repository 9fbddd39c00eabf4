"""How the time of a hidden Markov model grows: with the symbols, the states, and over all paths.

Run ``python benchmarks/hmm_growth.py``: less than a minute.
"""

import itertools
import statistics
import time

import numpy as np
import report
from steps import alone

from rnnbook import style
from rnnbook.hmm import HMM

V = 4
SYMBOLS = [10_000, 100_000, 1_000_000]  # at 16 states
STATES = [4, 16, 64, 256]  # over 100,000 symbols
BRUTE = [4, 6, 8, 10, 12]  # symbols, at 3 states
COLUMNS = ["what", "states N", "symbols T", "ms", "times the row above"]
NOTES = [
    "One sequence, one core, medians of 5, in processor time, which other programs disturb least. "
    "Forward is `HMM.log_likelihoods`, Viterbi is `HMM.viterbi`. Brute force computes the "
    "probability of each path with NumPy, all at once, and takes the largest.",
    "The states 4, 16, 64 and 256 are those of a chain of order 1, 2, 3 and 4 over four symbols: "
    "each further order costs as much as the rows say.",
]
ALT = (
    "Three plots with logarithmic vertical axes in milliseconds. Time against the number of "
    "symbols, and against the number of states: forward and Viterbi rise along dashed lines of "
    "slope 1 and slope 2, and with few states they rise less. Time against 4 to 12 symbols at 3 "
    "states: brute force rises steeply, and Viterbi is level."
)


def milliseconds(function):
    """Return the median processor time of five calls."""
    function()  # the first call also loads and allocates
    times = []
    for _ in range(5):
        start = time.process_time()
        function()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def brute_force(hmm, ids):
    """Return the best path, found by looking at all of them."""
    paths = np.array(list(itertools.product(range(hmm.N), repeat=len(ids))))
    p = hmm.start[paths[:, 0]] * hmm.emissions[paths, ids].prod(axis=1)
    return paths[(p * hmm.transitions[paths[:, :-1], paths[:, 1:]].prod(axis=1)).argmax()]


def series(what, task, cases):
    """Return the rows of the table for one task: a function of a model and its symbols."""
    rows = []
    for N, T in cases:
        hmm = HMM.random(N, V, seed=0)
        ids = hmm.sample(T, seed=0)
        ms = milliseconds(lambda hmm=hmm, ids=ids: task(hmm, ids))
        rows.append([what, N, T, ms, ms / rows[-1][3] if rows else None])
    return rows


def measured():
    """Return four lists of rows against T, N and, at few symbols, T again: by what they time."""
    tasks = {
        "forward": lambda hmm, ids: hmm.log_likelihoods([ids]),
        "Viterbi": lambda hmm, ids: hmm.viterbi([ids]),
    }
    by_T = [series(what, task, [(16, T) for T in SYMBOLS]) for what, task in tasks.items()]
    by_N = [series(what, task, [(N, 100_000) for N in STATES]) for what, task in tasks.items()]
    tasks["brute force"] = brute_force
    few = [
        series(what, tasks[what], [(3, T) for T in BRUTE]) for what in ("Viterbi", "brute force")
    ]
    return by_T, by_N, few


def slope(rows, column):
    """Return the slope of the time against a column, both as logarithms."""
    return float(np.polyfit(*np.log([[row[k] for row in rows] for k in (column, 3)]), 1)[0])


def figure(by_T, by_N, few):
    """Draw the time against T and N with lines of slope 1 and 2, and beside brute force."""
    style.use()
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(3, 1, figsize=(5.8, 7.2))
    panels = zip(axes, (by_T, by_N, few), (2, 1, 2), (1, 2, None), strict=True)
    for ax, found, column, power in panels:
        for rows in found:
            kind = {"forward": "hidden", "Viterbi": "memory"}.get(rows[0][0], "input")
            x, y = ([row[k] for row in rows] for k in (column, 3))
            ax.semilogy(x, y, "o-", ms=5, color=style.COLORS[kind], label=rows[0][0])
        if power:
            line = [y[-1] * (value / x[-1]) ** power for value in x]
            ax.loglog(x, line, "--", color=style.COLORS["muted"], lw=1.2)
        ax.set(xlabel=COLUMNS[column], ylabel="time, ms")
    labels = [ax.get_legend_handles_labels() for ax in axes[1:]]
    handles, names = labels[0][0] + labels[1][0][1:], labels[0][1] + labels[1][1][1:]
    fig.legend(handles, names, loc="outside upper center", ncols=3)
    svg = style.short_svg(fig)
    (report.RESULTS / "hmm_growth.svg").write_text(svg, encoding="utf-8", newline="\n")


def main():
    """Print the table, and save it with its figure."""
    if not alone(__file__, 1):
        return
    by_T, by_N, few = measured()
    figure(by_T, by_N, few)
    slopes = [
        f"{slope(rows, column):.2f}" for column, part in ((2, by_T), (1, by_N)) for rows in part
    ]
    note = (
        "Slopes on logarithmic scales: against T, forward {}, Viterbi {}; against N, forward {}, "
        "Viterbi {}. N² is what the multiplications alone say: with few states, what is done once "
        "for each symbol, and once for each state, takes most of the time."
    ).format(*slopes)
    rows = [row for part in (by_T, by_N, few) for rows in part for row in rows]
    title = "How a hidden Markov model's time grows"
    notes = [*NOTES, note]
    report.save("hmm_growth", title, COLUMNS, rows, notes, figure="hmm_growth.svg", alt=ALT)


if __name__ == "__main__":
    main()
