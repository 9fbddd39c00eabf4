"""How fast: Baum-Welch and Viterbi over 100,000 symbols, against hmmlearn in turns.

Run ``python -m benchmarks.hmm``. It takes some minutes, and saves its table for the book.
"""

import subprocess
import sys
import time

import numpy as np
from hmmlearn.hmm import CategoricalHMM
from threadpoolctl import threadpool_limits

from benchmarks.steps import alone
from rnnbook.hmm import HMM
from tools import report

SYMBOLS, V = 100_000, 50
ROUNDS = {8: 15, 32: 9, 128: 3}
COLUMNS = ["what", "states", "sequences", "threads", "course, ms", "hmmlearn, ms", "times faster"]
COLUMNS += ["at the first call"]
NOTES = [
    "One iteration of Baum–Welch, and the best path by Viterbi, over 100,000 symbols of 50 kinds "
    "that the model itself wrote. hmmlearn runs its faster implementation, `scaling`, in C++; the "
    "course's is `rnnbook.hmm`, in NumPy. Both give the same parameters, to 1e-8.",
    "The two run in turns, 15 times at 8 states, 9 at 32 and 3 at 128. In its turn each is called "
    "twice, and the second call counts, as in the benchmark of the layers: at the first, it has to "
    "ask the system for memory that the other one has just given back. The last column holds the "
    "ratio of the first calls, where that costs most. Times and ratios of a turn are medians.",
    "The rows of the models are random, and such models soon forget where they were. *Slow* "
    "stays in its state with probability 0.99. A single long sequence is cut into windows that run "
    "side by side, and a model that forgets slowly, or never, gains less from it, or loses.",
]
MEMORY = """
import resource
import numpy as np
ids = np.random.default_rng(0).integers(0, 50, 1_000_000)
{run}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def random_model(N, stay=None):
    """Return a model with random rows, or one that stays in its state for long."""
    hmm = HMM.random(N, V, seed=0)
    if stay is None:
        return hmm
    leave = (1 - stay) / (N - 1)
    return HMM(hmm.start, leave + (stay - leave) * np.eye(N), hmm.emissions)


def tasks(hmm, ids, S):
    """Return the two tasks, each as a function of the course's and one of hmmlearn's."""
    sequences, X, lengths = np.split(ids, S), ids[:, None], [len(ids) // S] * S

    def theirs(method):
        model = CategoricalHMM(
            hmm.N, n_iter=1, tol=-np.inf, init_params="", implementation="scaling"
        )
        model.startprob_, model.transmat_ = hmm.start, hmm.transitions
        model.emissionprob_ = hmm.emissions
        return getattr(model, method)(X, lengths)

    return {
        "Baum–Welch": (lambda: hmm.baum_welch(sequences, 1), lambda: theirs("fit")),
        "Viterbi": (lambda: hmm.viterbi(sequences), lambda: theirs("decode")),
    }


def in_turns(functions, rounds):
    """Return the milliseconds of two calls of each function, shape (rounds, functions, 2)."""
    times = np.empty((rounds, len(functions), 2))
    for turn in times:
        for k, function in enumerate(functions):
            for call in range(2):
                start = time.perf_counter()
                function()
                turn[k, call] = 1000 * (time.perf_counter() - start)
    return times


def measured():
    """Return the rows of the table."""
    rows = []
    cases = [(N, None) for N in ROUNDS] + [(8, 0.99)]
    for N, stay in cases:
        hmm = random_model(N, stay)
        ids = hmm.sample(SYMBOLS, seed=0)
        for S in (1000, 1) if stay is None else (1,):
            for name, pair in tasks(hmm, ids, S).items():
                for threads in (1, 2):
                    with threadpool_limits(threads):
                        in_turns(pair, 1)  # the first call also loads and allocates
                        times = in_turns(pair, ROUNDS[N])
                    ours, theirs = np.median(times[..., 1], axis=0).tolist()
                    first, second = np.median(times[:, 1] / times[:, 0], axis=0).tolist()
                    what = name if stay is None else f"{name}, slow"
                    rows.append([what, N, S, threads, ours, theirs, second, first])
                    print(rows[-1], file=sys.stderr)
    return rows


def memory(run):
    """Return the largest memory, in GB, of a process that learns from a million symbols."""
    code = MEMORY.format(run=run)
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes or in KiB
    return int(output) * unit / 1e9


def main():
    """Measure, print the table and save it."""
    if not alone("benchmarks.hmm", 2):
        return
    ours = "from rnnbook.hmm import HMM; h = HMM.random(32, 50); h.{}"
    learn, decode = (
        memory(ours.format("baum_welch([ids], 1)")),
        memory(ours.format("viterbi([ids])")),
    )
    note = (
        "Memory of a whole process, for one sequence of a million symbols and 32 states: "
        f"{report.shown(learn)} GB for an iteration of Baum–Welch, {report.shown(decode)} GB for "
        "Viterbi."
    )
    packages = ["numpy", "hmmlearn"]
    report.save(
        "hmm", "Hidden Markov models", COLUMNS, measured(), [*NOTES, note], packages=packages
    )


if __name__ == "__main__":
    main()
