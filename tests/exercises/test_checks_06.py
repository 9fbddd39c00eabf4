"""Chapter 6's checks: right answers pass, each common wrong answer gets the hint meant for it."""

import itertools

import numpy as np

from rnnbook import data
from rnnbook.data import tasks
from rnnbook.exercises import hint
from rnnbook.hmm import HMM
from rnnbook.show import instruments

WORDS, LABELS = tasks.spoken(data.novel("validation"))


def log_likelihood(ids, start, a, b, scaled=True, best=False, turned=False):
    alpha, log_p = start * b[:, ids[0]], 0.0
    for t in range(len(ids)):
        if t:
            before = alpha[:, None] * (a.T if turned else a)
            alpha = b[:, ids[t]] * (before.max(axis=0) if best else before.sum(axis=0))
        if scaled:
            total = alpha.max() if best else alpha.sum()
            log_p, alpha = log_p + np.log(total), alpha / total
    return log_p + np.log(alpha.max() if best else alpha.sum())


def lattice(ids, start, a, b):
    delta, origins = [np.log(start * b[:, ids[0]])], []
    for x in ids[1:]:
        scores = delta[-1][:, None] + np.log(a)
        origins.append(scores.argmax(axis=0))
        delta.append(np.log(b[:, x]) + scores.max(axis=0))
    return delta, origins


def viterbi(ids, *model):
    delta, origins = lattice(ids, *model)
    path = [delta[-1].argmax()]
    for origin in origins[::-1]:
        path.append(origin[path[-1]])
    return path[::-1]


def count(states, ids, N, V, smoothing, joined=False):
    if joined:
        states, ids = [np.concatenate(states)], [np.concatenate(ids)]
    a, b = np.full((N, N), smoothing), np.full((N, V), smoothing)
    for z, x in zip(states, ids, strict=True):
        np.add.at(a, (z[:-1], z[1:]), 1)
        np.add.at(b, (z, x), 1)
    return a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)


def columns(states, ids, N, V, smoothing):
    a, b = count(states, ids, N, V, smoothing)
    return a / a.sum(0), b / b.sum(0)


def pairs(A, place=lambda i, j, k, S: (i * S + j, j * S + k)):
    S = len(A)
    B = np.zeros((S * S, S * S))
    for i, j, k in np.ndindex(S, S, S):
        B[place(i, j, k, S)] += A[i, j, k]
    return B


def spread(A):
    S = len(A)
    return np.repeat(A.reshape(S * S, 1, S), S, axis=1).reshape(S * S, S * S) / S


def mostly(words):
    """Right in nine of ten, as no answer without the marks is."""
    return np.where(np.arange(len(words)) % 10, LABELS, 0)


RIGHT = {
    "6.1": [0.105, 0.081],
    "6.2": "L L L L",
    "6.3": [13, 32],
    "6.4": 0,
    "6.5": log_likelihood,
    "6.6": viterbi,
    "6.7": lambda hmm, ids: hmm.posterior([ids])[0].argmax(axis=1),
    "6.8": count,
    "6.9": pairs,
    "6.10": 4,
    "6.11": mostly,
    "6.12": [3, 5, 0, 4],
}

WRONG = [
    ("6.1", [0.21, 0.09], "second symbol"),
    ("6.1", [0.1, 0.045], "all ways"),
    ("6.1", [0.5645, 0.4355], "filter"),
    ("6.1", [0.21, 0.162], "first coin"),
    ("6.1", [0.145, 0.369], "heads, heads"),
    ("6.1", [0.5, 0.5], "two steps"),
    ("6.2", "LFFL", "back from the end"),
    ("6.2", "LFLL", "by itself"),
    ("6.2", "FFFF", "last column"),
    ("6.2", "FFLL", "go back"),
    ("6.2", [1, 1, 1, 1], "four letters"),
    ("6.3", [18, 32], "not free"),
    ("6.3", [12, 32], "first state"),
    ("6.3", [13, 10], "each message"),
    ("6.3", [14, 31], "count them"),
    ("6.4", 1, "which die"),
    ("6.4", 0.017, "depend on"),
    ("6.4", -0.5, "need more bits"),
    ("6.5", lambda *a: log_likelihood(*a, scaled=False), "underflows"),
    ("6.5", lambda *a: np.exp(log_likelihood(*a)), "its logarithm"),
    ("6.5", lambda *a: log_likelihood(*a) / np.log(2), "bits"),
    ("6.5", lambda *a: log_likelihood(*a, best=True), "best path alone"),
    ("6.5", lambda *a: log_likelihood(*a, turned=True), "wrong way round"),
    ("6.5", lambda *a: 0.0, "which factor"),
    ("6.6", lambda ids, *m: HMM(*m).filter([ids])[0].argmax(1), "past only"),
    ("6.6", lambda ids, *m: HMM(*m).posterior([ids])[0].argmax(1), "whole path"),
    ("6.6", lambda *a: viterbi(*a)[::-1], "wrong order"),
    ("6.6", lambda *a: np.argmax(lattice(*a)[0], axis=1), "columns"),
    ("6.6", lambda ids, *m: np.zeros(len(ids), int), "go back"),
    ("6.6", lambda *a: None, "return missing"),
    ("6.7", lambda hmm, ids: hmm.viterbi([ids])[0][0], "best path"),
    ("6.7", lambda hmm, ids: hmm.filter([ids])[0].argmax(1), "later ones"),
    ("6.7", lambda hmm, ids: np.zeros(len(ids)), "given all symbols"),
    ("6.7", lambda hmm, ids: hmm.posterior([ids])[0], "has shape"),
    ("6.8", lambda z, x, N, V, s: count(z, x, N, V, 0.0), "smoothing is missing"),
    ("6.8", lambda *a: count(*a, joined=True), "into the next"),
    ("6.8", columns, "its own sum"),
    ("6.8", lambda *a: (count(*a)[0], np.full((2, 3), 1 / 3)), "transitions are right"),
    ("6.8", lambda *a: (np.full((2, 2), 1 / 2), count(*a)[1]), "emissions are right"),
    ("6.9", lambda A: pairs(A).T, "turned around"),
    ("6.9", spread, "begin with j"),
    ("6.9", lambda A: pairs(A, lambda i, j, k, S: (i * S + j, k * S + j)), "has number"),
    ("6.9", lambda A: pairs(A) / 2, "sum to 1"),
    ("6.10", 3, "without the swaps"),
    ("6.10", 2, "nine in ten"),
    ("6.10", 5, "long-run"),
    ("6.10", 9, "second column"),
    ("6.11", lambda words: np.zeros(len(words)), "baseline"),
    ("6.11", lambda words: 1 - LABELS.clip(max=1), "turned around"),
    ("6.11", lambda words: np.arange(len(words)) % 2, "right in"),
    ("6.11", lambda words: np.full(len(words), 7), "0 for told"),
    ("6.12", [0, 5, 0, 4], "how many swaps"),
    ("6.12", [6, 5, 0, 4], "factor by factor"),
    ("6.12", [3, 3, 0, 4], "wrong die"),
    ("6.12", [3, 0, 0, 4], "to stay"),
    ("6.12", [3, 5, 3, 4], "never swaps"),
    ("6.12", [3, 5, 6, 4], "never swaps"),
    ("6.12", [3, 5, 9, 4], "there and back"),
    ("6.12", [3, 5, 0, 2], "on both sides"),
    ("6.12", [3, 5, 0, 3], "third number says"),
    ("6.12", [3, 5, 0, 5], "pays for two"),
    ("6.12", 3, "has shape"),
]


def test_no_hint_gives_a_number_of_the_answer_away():
    secret = {
        "6.1": {"0.105", "0.081"},
        "6.2": {"LLLL"},
        "6.3": {"13", "32"},
        "6.10": {"4", "four"},
    }
    for e, answer, _ in WRONG:
        assert not secret.get(e, set()) & set(hint(e, answer).replace(".", " ").split())


def test_the_numbers_of_the_coins_are_those_of_the_equations():
    coins = HMM([0.5, 0.5], [[0.8, 0.2], [0.2, 0.8]], [[0.5, 0.5], [0.9, 0.1]])
    p_1 = coins.start * coins.emissions[:, 1]
    assert np.allclose((p_1 @ coins.transitions) * coins.emissions[:, 0], RIGHT["6.1"])
    assert coins.viterbi([[0, 1, 0, 0]])[0][0].tolist() == [1, 1, 1, 1]


def test_the_dice_of_the_instrument_take_back_what_they_said():
    first = {c["key"]: c["value"] for c in instruments.catalog()["viterbi"]["controls"]}
    stay = [[first["fair"], 1 - first["fair"]], [1 - first["loaded"], first["loaded"]]]
    loaded = [(1 - first["six"]) / 5] * 5 + [first["six"]]
    casino = [0.5, 0.5], stay, [[1 / 6] * 6, loaded]

    def called_loaded(sixes, rolls=99):
        ids = ([0] * 3 + [5] * sixes + [0] * 3)[:rolls]
        paths = list(itertools.product((0, 1), repeat=len(ids)))
        return sum(max(paths, key=lambda path: probability(path, ids, *casino)))

    counts = [called_loaded(3, rolls) for rolls in (6, 8, 9)]
    enough = next(sixes for sixes in range(9) if called_loaded(sixes))
    assert [*counts, enough] == RIGHT["6.12"]


def probability(path, ids, start, transitions, emissions):
    p = start[path[0]] * emissions[path[0]][ids[0]]
    for i, j, x in zip(path, path[1:], ids[1:], strict=False):
        p *= transitions[i][j] * emissions[j][x]
    return p


def test_four_sixes_in_a_row_convince():
    casino = HMM([2 / 3, 1 / 3], [[0.95, 0.05], [0.1, 0.9]], [[1 / 6] * 6, [0.1] * 5 + [0.5]])
    assert (casino.filter([[5] * 6])[0][:, 1] > 0.9).argmax() + 1 == RIGHT["6.10"]
