"""How the time of a hidden Markov model grows: with the symbols, the states, and over all paths.

Run ``python -m benchmarks.hmm_growth``: less than a minute.
"""

import itertools
import time

import numpy as np

from benchmarks.steps import alone
from rnnbook.hmm import HMM
from rnnbook.show import style
from tools import report

V = 4
STATES = [4, 16, 64, 256]
BRUTE = [4, 6, 8, 10, 12]  # symbols, at 3 states
COLUMNS = ["what", "states N", "symbols T", "ms", "µs a symbol"]
NOTES = [
    "One sequence, one core, the least of 5 times, in processor time, which other programs disturb "
    "least. *Forward* is `HMM.log_likelihoods`, *Viterbi* is `HMM.viterbi`; *symbol by symbol* are "
    "their recursions in the words of chapter 6, one step after another. *Brute force* "
    "computes the probability of each path, with NumPy for all at once, and takes the largest.",
    "4, 16, 64 and 256 are the states of a chain of order 1, 2, 3 and 4 over four symbols.",
]
ALT = (
    "Three plots with logarithmic vertical axes. Time against the number of symbols at 16 states: "
    "forward, Viterbi and the forward recursion symbol by symbol rise along lines of slope 1, the "
    "last one far above the others. Time a symbol against the number of states: all three are "
    "nearly level at first and bend towards slope 2. Time against 4 to 12 symbols at 3 states: "
    "brute force rises steeply along a straight line, and crosses Viterbi symbol by symbol, which "
    "is nearly level."
)


def milliseconds(function):
    """Return the least processor time of five calls."""
    times = []
    for _ in range(5):
        start = time.process_time()
        function()
        times.append(1000 * (time.process_time() - start))
    return min(times)


def forward(hmm, ids):
    """Return the log-likelihood, one symbol after another."""
    p, log_p = hmm.start, 0.0
    for x in ids:
        alpha = p * hmm.emissions[:, x]
        log_p += np.log(alpha.sum())
        p = alpha / alpha.sum() @ hmm.transitions
    return log_p


def viterbi(hmm, ids):
    """Return the best path, one symbol after another."""
    a, b = np.log(hmm.transitions), np.log(hmm.emissions)
    log_delta, origins = np.log(hmm.start) + b[:, ids[0]], []
    for x in ids[1:]:
        scores = log_delta[:, None] + a
        origins.append(scores.argmax(axis=0))
        log_delta = b[:, x] + scores.max(axis=0)
    path = [log_delta.argmax()]
    for origin in reversed(origins):
        path.append(origin[path[-1]])
    return path[::-1]


def brute_force(hmm, ids):
    """Return the best path, found by looking at all of them."""
    paths = np.array(list(itertools.product(range(hmm.N), repeat=len(ids))))
    p = hmm.start[paths[:, 0]] * hmm.emissions[paths, ids].prod(axis=1)
    return paths[(p * hmm.transitions[paths[:, :-1], paths[:, 1:]].prod(axis=1)).argmax()]


TASKS = {
    "forward, symbol by symbol": forward,
    "forward": lambda hmm, ids: hmm.log_likelihoods([ids]),
    "Viterbi": lambda hmm, ids: hmm.viterbi([ids]),
    "Viterbi, symbol by symbol": viterbi,
    "brute force": brute_force,
}


def series(what, cases):
    """Return the rows of the table for a task, and for pairs of N and T."""
    rows = []
    for N, T in cases:
        hmm = HMM.random(N, V, seed=0)
        ids = hmm.sample(T, seed=0)
        ms = milliseconds(lambda hmm=hmm, ids=ids: TASKS[what](hmm, ids))
        rows.append([what, N, T, ms, 1000 * ms / T])
    return rows


def measured():
    """Return the rows against T, against N, and against few T: a list for each task."""
    fast = ["forward", "Viterbi"]
    long = [(16, 10**k) for k in (3, 4, 5, 6)]
    by_T = [
        series("forward, symbol by symbol", long[:3]),
        *(series(what, long[1:]) for what in fast),
    ]
    by_N = [series("forward, symbol by symbol", [(N, 1_000) for N in STATES])]
    by_N += [series(what, [(N, 100_000) for N in STATES]) for what in fast]
    few = [
        series(what, [(3, T) for T in BRUTE])
        for what in ("Viterbi, symbol by symbol", "brute force")
    ]
    return by_T, by_N, few


def slopes(part, column):
    """Return in words how steep the time is from the last case but one to the last one."""
    words = []
    for *_, before, last in part:
        steep = np.log(
            last[3] / last[2] ** (column == 1) / (before[3] / before[2] ** (column == 1))
        )
        words.append(f"{last[0]} {steep / np.log(last[column] / before[column]):.2f}")
    return "; ".join(words)


def figure(by_T, by_N, few):
    """Draw the time against T, the time a symbol against N, and brute force."""
    style.use()
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(3, 1, figsize=(5.8, 7.6))
    kinds = {"forward": "hidden", "Viterbi": "memory", "brute force": "output"}
    for ax, part, column in zip(axes, (by_T, by_N, few), (2, 1, 2), strict=True):
        for rows in part:
            what = rows[0][0]
            x, y = ([row[k] for row in rows] for k in (column, 4 if part is by_N else 3))
            line = "s:" if "symbol by" in what else "o-"
            color = style.COLORS[kinds[what.split(",")[0]]]
            ax.semilogy(x, y, line, ms=5, color=color, label=what)
        ax.set(xlabel=COLUMNS[column], ylabel="µs a symbol" if part is by_N else "time, ms")
    for ax in axes[:2]:
        ax.set_xscale("log")
    axes[0].legend()  # the second plot has the same three
    axes[2].legend()
    axes[2].set_xticks(BRUTE)
    axes[1].set_xticks(STATES, STATES, minor=False)
    axes[1].minorticks_off()
    svg = style.short_svg(fig)
    (report.RESULTS / "hmm_growth.svg").write_text(svg, encoding="utf-8", newline="\n")


def main():
    """Print the table, and save it with its figure."""
    if not alone("benchmarks.hmm_growth", 1):
        return
    by_T, by_N, few = measured()
    figure(by_T, by_N, few)
    note = (
        "How steep the time is on logarithmic scales, from the last case but one to the last one. "
        f"Against T: {slopes(by_T, 2)}. Against N, a symbol: {slopes(by_N, 1)}. N² is what the "
        "multiplications say; with few states, what is done once for each symbol takes most of the "
        "time, and the product of two larger matrices is faster, number by number."
    )
    rows = [row for part in (by_T, by_N, few) for rows in part for row in rows]
    title = "How a hidden Markov model's time grows"
    notes = [*NOTES, note]
    report.save("hmm_growth", title, COLUMNS, rows, notes, figure="hmm_growth.svg", alt=ALT)


if __name__ == "__main__":
    main()
