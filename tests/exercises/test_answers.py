"""Right answers computed in another way, and answers that a check once judged wrongly."""

import itertools
import math

import numpy as np
import pytest

from rnnbook import data
from rnnbook.exercises import chapter_05, chapter_06, chapter_07, chapter_08, hint
from rnnbook.nn import layers
from rnnbook.show import instruments
from rnnbook.text import Vocabulary
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.ngram import NGram

CASINO = [2 / 3, 1 / 3], [[0.95, 0.05], [0.1, 0.9]], [[1 / 6] * 6, [0.1] * 5 + [0.5]]


def joint(path, ids, start, transitions, emissions):
    p = start[path[0]] * emissions[path[0]][ids[0]]
    for i, j, x in zip(path, path[1:], ids[1:], strict=False):
        p *= transitions[i][j] * emissions[j][x]
    return p


def belief(ids, start, transitions, emissions):
    """Return p(loaded at the end | rolls), by the sum over all paths."""
    totals = [0.0, 0.0]
    for path in itertools.product((0, 1), repeat=len(ids)):
        totals[path[-1]] += joint(path, ids, start, transitions, emissions)
    return totals[1] / sum(totals)


def sixes(start, transitions, emissions=CASINO[2]):
    return next(n for n in range(1, 12) if belief([5] * n, start, transitions, emissions) > 0.9)


def test_so_many_sixes_convince_and_so_many_with_each_mistake():
    start, transitions, _ = CASINO
    assert hint("6.10", sixes(start, transitions)) is None
    assert sixes(start, np.eye(2)) == sixes([0.5, 0.5], transitions) == 3
    assert "without the swaps, or from a start of 1/2" in hint("6.10", 3)
    for first in (0.9, 1.0):
        assert "long-run shares" in hint("6.10", sixes([first, 1 - first], transitions))


def test_the_dice_of_the_instrument_take_back_what_they_said():
    first = {c["key"]: c["value"] for c in instruments.catalog()["viterbi"]["controls"]}
    stay = [[first["fair"], 1 - first["fair"]], [1 - first["loaded"], first["loaded"]]]
    loaded = [(1 - first["six"]) / 5] * 5 + [first["six"]]
    dice = [0.5, 0.5], stay, [[1 / 6] * 6, loaded]

    def called_loaded(sixes, rolls=99):
        ids = ([0] * 3 + [5] * sixes + [0] * 3)[:rolls]
        paths = itertools.product((0, 1), repeat=len(ids))
        return sum(max(paths, key=lambda path: joint(path, ids, *dice)))

    counts = [called_loaded(3, rolls) for rolls in (6, 8, 9)]
    enough = next(sixes for sixes in range(9) if called_loaded(sixes))
    assert hint("6.12", [*counts, enough]) is None


def labeled(share):
    """Return a tagger that is right in a share of the words."""
    labels = chapter_06._labels(None).copy()
    words = np.flatnonzero(labels < 2)
    wrong = words[: len(words) - math.ceil(share * len(words))]
    labels[wrong] = 1 - labels[wrong]
    return lambda words: labels


def float32(H, gain, seed):
    return gain * np.linalg.qr(np.random.default_rng(seed).normal(size=(H, H)).astype("f"))[0]


def in_place(x_t, h, c, w):
    a = {g: x_t @ w[f"W_x{g}"].T + h @ w[f"W_h{g}"].T + w[f"b_{g}"] for g in "ifco"}
    i, f, o = (1 / (1 + np.exp(-a[g])) for g in "ifo")
    c *= f
    c += i * np.tanh(a["c"])
    return o * np.tanh(c), c


RIGHT = [
    ("5.5", float32),
    ("5.5", lambda H, gain, seed: gain * layers.RNN(1, H, seed).weights["W_hh"]),
    ("6.2", np.array(list("LLLL"))),
    ("6.4", -4.4e-16),
    ("6.4", -1e-3),  # counted, not computed
    ("6.11", labeled(0.8478)),
    ("7.4", in_place),
    ("7.8", [1.6]),
    ("7.8", 2.2),
    ("7.11", [69, 2.98, 0.80]),
    ("8.4", np.array([1, 0, 1, 0, 1])),
    ("8.6", chapter_08._each_row),
]
WRONG = [
    ("5.7", lambda h: chapter_05.first_bad(h) or None, "0 is wanted"),
    ("5.9", lambda x: np.where(np.arange(300) % 4, chapter_05._symbols(x), 1), "Right in 0.8"),
    ("6.5", lambda *case: math.log(math.exp(chapter_06.log_likelihood(*case))), "underflows"),
    ("6.11", labeled(0.8472), "best HMM in 0.8476"),
    ("7.2", [24832, 12416, 12416], "A GRU has two gates, and a candidate"),
    ("7.4", lambda x_t, h, c, w: (chapter_07.step(x_t, h, c, w)[0], c), "c_t is off"),
    ("7.8", 1.59, "open the gate further"),
    ("7.10", lambda n: [2] * (n - 3) + [0, 0, 0] if n > 10 else [2] * (n - 1) + [0], "not for 15"),
    ("8.7", lambda held_out, patience: [1, 1], "makes [1, 1]: go through it by hand"),
    ("8.8", lambda written, source, n: 0.1, "'abcdef' from 'xxabcxx' at n = 3, mark each"),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_a_right_answer_that_was_refused(exercise, answer):
    assert hint(exercise, answer) is None


@pytest.mark.parametrize(("exercise", "answer", "words"), WRONG)
def test_a_wrong_answer_that_was_told_something_else(exercise, answer, words):
    assert words in hint(exercise, answer)


def test_the_open_exercise_of_chapter_8_judges_by_held_out_bits():
    letters = Vocabulary(data.novel("train"), "characters")
    ids, held = (letters.encode(data.novel(split)) for split in ("train", "validation"))
    five, six = (NGram(ids, n, len(letters)).log_probabilities(held) for n in (5, 6))
    large = LanguageModel.load(data.path("weights/novel-lstm.npz")).log_probabilities(held)
    shares = np.arange(0.05, 1, 0.05)
    mixed = [np.logaddexp(large + np.log(s), six + np.log(1 - s)) for s in shares]
    best = int(np.argmax([m.mean() for m in mixed]))
    assert hint("8.10", shares[best]) is None
    assert hint("8.11", mixed[best]) is None
    assert "the large LSTM needs" in hint("8.11", large)
    assert "the large LSTM needs" in hint("8.11", mixed[2])
    for counted in (five, six):
        assert "the 6-gram does as well" in hint("8.11", counted)
    assert "never above 0" in hint("8.11", -mixed[best])
