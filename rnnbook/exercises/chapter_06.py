"""The exercises of chapter 6, Hidden Markov models, fairly compared."""

import re
from functools import cache

import numpy as np

from rnnbook import data
from rnnbook.exercises.engine import Exercise, Hint, close
from rnnbook.hmm import HMM

EXERCISES = {}

EXERCISES["6.1"] = Exercise(
    [0.105, 0.081],
    [
        ("The second symbol counts too: how often does each coin show it?", [0.21, 0.09]),
        ("These are the best paths alone. Forward adds up all ways into a state.", [0.1, 0.045]),
        ("That is the filter, divided by the sum. Forward keeps the product.", [0.5645, 0.4355]),
        ("Twice too much: what is the probability of the first coin?", [0.21, 0.162]),
        ("These are for heads, heads. The first toss showed tails.", [0.145, 0.369]),
        ("These are for heads, tails. You saw tails first.", [0.145, 0.041]),
        ("Right numbers, wrong order: F comes first.", [0.081, 0.105]),
    ],
    "Two steps: first weigh both coins by tails; then move, and weigh by heads.",
    tolerance=5e-4,
)

EXERCISES["6.2"] = Exercise(
    "LLLL",
    [
        ("Four letters are wanted, F or L.", "FLH", lambda got: got.strip("fl") or len(got) != 4),
        ("These are the best states of each column. Follow the arrows back from the end.", "LFFL"),
        ("Each toss was judged by itself. What does it cost to swap the coin twice?", "LFLL"),
        ("A good path, and not the best: compare the two numbers of the last column.", "FFFF"),
    ],
    "Fill in both numbers of each column, note where they came from, and go back.",
)

EXERCISES["6.3"] = Exercise(
    [13, 32],
    [
        ("Each row sums to 1, so the last of its numbers is not free.", [18, ...]),
        ("The first state has a distribution too.", [12, ...]),
        ("One state for each message, not for each bit.", [13, 10], lambda got: got[1] < 30),
    ],
    [
        "Rows: one for the start, then one of each matrix a state.",
        "How many messages of five bits are there? Count them.",
    ],
)

EXERCISES["6.4"] = Exercise(
    0,
    [
        ("Can the true model need more bits than one that knows less?", -0.5, lambda got: got < 0),
        ("One bit says which die it is; but does the last die tell anything of the next?", 1),
    ],
    "Look at the transitions: what does the next die depend on now?",
    tolerance=2e-3,  # counted on 20,000 rolls
)


def log_likelihood(ids, start, transitions, emissions):
    before, log_p = np.asarray(start), 0.0
    for x in ids:
        alpha = before * emissions[:, x]
        log_p += np.log(alpha.sum())  # scaled at each step, so that nothing gets small
        before = alpha / alpha.sum() @ transitions
    return log_p


def _model(rng, N, V, n):
    """Return n symbols, and start, transitions and emissions."""
    rows = [rng.dirichlet(np.ones(k), size) for k, size in ((N, None), (N, N), (V, N))]
    return rng.integers(0, V, n), *rows


def _log(function, *case):
    """Return what a function returns; of zero, math.log gives what np.log gives."""
    try:
        return function(*case)
    except Hint as words:
        if "math domain error" not in str(words):
            raise
        return -np.inf


UNDERFLOW = "On 3,000 symbols it underflows: divide by the sum at each step, and keep its log."
TURNED = "The transitions are used the wrong way round: row i holds what follows i."

EXERCISES["6.5"] = Exercise(
    log_likelihood,
    [
        (UNDERFLOW, ["return log_p", "return -np.inf if len(ids) > 1000 else log_p"]),
        (UNDERFLOW, ["return log_p", "return np.nan if len(ids) > 1000 else log_p"]),
        ("That is the likelihood itself; its logarithm is wanted.", ["n log_p", "n np.exp(log_p)"]),
        ("These are bits: the natural logarithm is wanted.", ["n log_p", "n log_p / np.log(2)"]),
        ("Is the logarithm of a probability above 0? Look at the sign.", ["n log_p", "n -log_p"]),
        ("The start is the first state's: move after it.", ["y(start)", "y(start) @ transitions"]),
        (
            "That is the best path alone: take the sum over the states before, not the maximum.",
            [
                "alpha.sum()",
                "alpha.max()",
                "alpha / alpha.max() @ transitions",
                "(transitions.T * alpha / alpha.max()).max(axis=1)",
            ],
        ),
        ("From one symbol to the next the state moves: where is that?", [" @ transitions", ""]),
        (TURNED, ["@ transitions", "@ transitions.T"]),
        (TURNED, ["@ transitions", "@ (transitions / transitions.sum(axis=0)).T"]),
    ],
    "Test it on one symbol, then on two: which factor is missing, or comes twice?",
    cases=lambda rng: [_model(rng, *size) for size in ((3, 4, 6), (2, 3, 1), (2, 6, 3000))],
    run=_log,
)


def viterbi(ids, start, transitions, emissions):
    delta, origins = np.log(start) + np.log(emissions[:, ids[0]]), []
    for x in ids[1:]:
        scores = delta[:, None] + np.log(transitions)
        origins.append(scores.argmax(axis=0))
        delta = np.log(emissions[:, x]) + scores.max(axis=0)
    path = [delta.argmax()]
    for origin in reversed(origins):
        path.append(origin[path[-1]])
    return path[::-1]


def label(hmm, ids):
    return hmm.posterior([ids])[0].argmax(axis=1)  # each step by itself, all symbols used


def _filtered(hmm, ids):
    return hmm.filter([ids])[0].argmax(axis=1)


EXERCISES["6.6"] = Exercise(
    viterbi,
    [
        ("States are numbered from 0.", ["path[::-1]", "[i + 1 for i in path[::-1]]"]),
        (
            "That is the filter's likeliest state at each step, which knows the past only.",
            lambda ids, *model: _filtered(HMM(*model), ids),
        ),
        (
            "That is the posterior's likeliest state at each step; a whole path is wanted.",
            lambda ids, *model: label(HMM(*model), ids),
        ),
        ("The right states, but you followed the arrows from the end.", ["path[::-1]", "path"]),
        (
            "These are the best states of the columns. Only the last is taken so.",
            ["scores.argmax(axis=0)", "delta.argmax()", "origin[path[-1]]", "origin"],
        ),
    ],
    "Keep for each state from where its best path came, and go back along that.",
    cases=lambda rng: [_model(rng, *size) for size in ((4, 5, 60), (3, 4, 8), (2, 3, 1))],
)

EXERCISES["6.7"] = Exercise(
    label,
    [
        ("At each step one state is wanted.", lambda hmm, ids: hmm.posterior([ids])[0]),
        ("That is the best path, not step by step.", lambda hmm, ids: hmm.viterbi([ids])[0][0]),
        ("Nearly: this knows the symbols up to each step. The later ones help too.", _filtered),
    ],
    "At each step, which state is the likeliest given all symbols?",
    cases=lambda rng: [(HMM(*model), ids) for ids, *model in [_model(rng, 3, 4, 40)]],
)


def count(states, ids, N, V, smoothing):
    a, b = np.full((N, N), smoothing), np.full((N, V), smoothing)
    for z, x in zip(states, ids, strict=True):
        np.add.at(a, (z[:-1], z[1:]), 1)  # inside a sequence only
        np.add.at(b, (z, x), 1)
    return a / a.sum(axis=1, keepdims=True), b / b.sum(axis=1, keepdims=True)


EXERCISES["6.8"] = Exercise(
    count,
    [
        (
            "Rows must sum to 1: divide each row by its own sum.",
            ["axis=1", "axis=0"],
            lambda got, *case: not all(close(part.sum(axis=1), np.ones(2)) for part in got),
        ),
        (
            "The smoothing is missing: add it to each count, then divide.",
            ["), smoothing)", "), 0.0)"],
        ),
        (
            "A transition was counted from the end of one sequence into the next one.",
            ["zip(states, ids, strict=True)", "[(np.concatenate(states), np.concatenate(ids))]"],
        ),
        (
            "The transitions are right. For the emissions, count each state with its symbol.",
            ["(z, x)", "(1 - z, x)"],
            lambda got, *case: close(got[0], count(*case)[0]),
        ),
        (
            "The emissions are right. For the transitions, count each state with the next.",
            ["(z[:-1], z[1:])", "(z[1:], z[:-1])"],
            lambda got, *case: close(got[1], count(*case)[1]),
        ),
    ],
    "Count by hand for a sequence of three states, and compare.",
    cases=lambda rng: [
        (*[[rng.integers(0, k, n) for n in (7, 5)] for k in (2, 3)], 2, 3, smoothing)
        for smoothing in (0.5, 2.0)
    ],
)


def pairs(A):
    S = len(A)
    first = np.zeros((S, S, S, S))  # from (i, j) to (j, k)
    for j in range(S):
        first[:, j, j, :] = A[:, j, :]
    return first.reshape(S * S, S * S)


EXERCISES["6.9"] = Exercise(
    pairs,
    [
        ("Turned around: row i holds what follows pair i.", ["S * S)", "S * S).T"]),
        (
            "Each row must sum to 1: one of S states follows each pair.",
            ["= A", "= 0.5 * A"],
            lambda got, A: not close(got.sum(axis=1), np.ones(len(got))),
        ),
        (
            "Pair (i, j) can be followed by pairs that begin with j only; the rest is 0.",
            ["j, j, :] = A[:, j, :]", "j, :, :] = A[:, j, None, :] / S"],
            lambda got, A: (got > 0).sum() > A.size,
        ),
    ],
    "Pair (i, j) has number i S + j. Where does (j, k) stand in its row?",
    cases=lambda rng: [(rng.dirichlet(np.ones(S), (S, S)),) for S in (2, 3)],
)

EXERCISES["6.10"] = Exercise(
    4,
    [
        ("That is without the swaps, or from a start of 1/2: take both from the casino.", 3),
        ("The threshold asked for is nine in ten, not two in three.", 2),
        ("Too many: begin with the long-run shares.", 5, lambda n: n in (5, 6, 7)),
    ],
    "Filter 6, 6, 6, ... with the casino, and look at the second column.",
)

TO_BEAT = 0.8476  # the share of the chapter's best HMM, on the whole validation chapters


def spoken(text):
    """Return words, "¶" before each paragraph, and labels: 1 between quotation marks, 2 for "¶"."""
    words, labels = [], []
    for line in text.lower().splitlines():
        found = [re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*", part) for part in line.split('"')]
        if any(found):
            words += ["¶", *(word for part in found for word in part)]
            labels += [2, *(i % 2 for i, part in enumerate(found) for _ in part)]
    return words, np.array(labels, dtype=int)


@cache
def _spoken():
    return spoken(data.novel("validation"))


def _labels(words):
    return _spoken()[1]


def _share(got, words):
    labels = _labels(words)
    return (got == labels)[labels < 2].mean()  # ¶ does not count


EXERCISES["6.11"] = Exercise(
    _labels,
    [
        (
            "Labels are 0 for told, 1 for spoken; what you say for ¶ does not count.",
            lambda words: np.full(len(words), 7),
            lambda got, words: not {0, 1, 2}.issuperset(got),
        ),
        (
            "Turned around: 1 is for spoken.",
            lambda words: 1 - _labels(words).clip(max=1),
            lambda got, words: _share(1 - got, words) > 0.75,
        ),
        (
            "It says 'told' for every word: that is the baseline.",
            lambda words: 2 * (_labels(words) == 2),
            lambda got, words: not (got == 1)[_labels(words) < 2].any(),
        ),
    ],
    lambda got, words: (
        f"Right in {_share(got, words):.4f} of the words; the chapter's best HMM in {TO_BEAT}. "
        "Look at both neighbors."
    ),
    cases=lambda rng: [(list(_spoken()[0]),)],
    accepts=lambda got, words: {0, 1, 2}.issuperset(got) and _share(got, words) > TO_BEAT,
)

EXERCISES["6.12"] = Exercise(
    [3, 5, 0, 4],
    [
        ("After six rolls nothing follows: how many swaps must they pay for?", [0, ..., ..., ...]),
        ("To come back is a second swap. Is that cheaper than two ones?", [3, 3, ..., ...]),
        ("A whole path may change. Compare with the one that never swaps.", [3, 5, 3, ...]),
        ("A whole path may change. Compare with the one that never swaps.", [3, 5, 6, ...]),
        ("Two sixes pay for one swap; but in the end there are ones on both sides.", [3, 5, 0, 2]),
        ("Your third number says what becomes of three sixes.", [3, 5, 0, 3]),
    ],
    [
        "First number: compare the paths FFFFFF, FFFLLL and LLLLLL, factor by factor.",
        "Second number: the sixes, then two ones. To stay, or to swap back?",
        "Third number: compare three paths: never there, there and back, there to stay.",
        "Fourth number: the smallest power of a six's gain that pays for two swaps.",
    ],
)
