"""Chapter 8's checks: right answers pass, each common wrong answer gets the hint meant for it."""

import numpy as np
import pytest

from rnnbook import data
from rnnbook.exercises import hint
from rnnbook.text import Vocabulary
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.ngram import NGram

LSTM = 64 * 256 + 256 * 256 + 256


def rate(step, steps, peak, warmup, first=1, start=None, lifted=True):
    start = warmup if start is None else start
    if step < warmup:
        return peak * (step + first) / warmup
    wave = np.cos(np.pi * (step - start) / (steps - start))
    return peak * ((1 + wave) / 2 if lifted else wave)


def straight(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 - (step - warmup) / (steps - warmup))


def rows(ids, B, T, shift=0, spare=1):
    n = (len(ids) - spare) // (B * T)
    return ids[shift : B * n * T + shift].reshape(B, n, T).swapaxes(0, 1)


def blocks(ids, B, T):
    n = (len(ids) - 1) // (B * T)
    return ids[: B * n * T].reshape(n, B, T)


def stop(held_out, patience, longer=0):
    for epoch in range(1, len(held_out) + 1):
        best = held_out.index(min(held_out[:epoch])) + 1
        if epoch - best >= patience + longer:
            break
    return [epoch, best]


def covered(written, source, n):
    """By brute force: a character is copied if some passage around it stands in the source."""
    found = [
        any(
            written[j : j + n] in source
            for j in range(max(0, i - n + 1), min(i, len(written) - n) + 1)
        )
        for i in range(len(written))
    ]
    return np.mean(found)


def passages(written, source, n):
    parts = [written[j : j + n] for j in range(len(written) - n + 1)]
    return np.mean([p in source for p in parts]) if parts else 0.0


@pytest.fixture(scope="module")
def logs():
    """Return log-probabilities on the validation chapters: of counts, the large LSTM, and both."""
    letters = Vocabulary(data.novel("train"), "characters")
    ids, held = letters.encode(data.novel("train")), letters.encode(data.novel("validation"))
    found = {n: NGram(ids, n, len(letters)).log_probabilities(held) for n in (5, 6)}
    large = LanguageModel.load(data.path("weights/novel-lstm.npz"))
    found["large"] = large.log_probabilities(held)
    found["both"] = np.logaddexp(found["large"] + np.log(0.75), found[6] + np.log(0.25))
    found["some"] = np.logaddexp(found["large"] + np.log(0.15), found[6] + np.log(0.85))
    return found


N_HELD = len(data.novel("validation"))

RIGHT = {
    "8.1": [5120, 4 * LSTM, 20560],
    "8.2": [300, 6000, 300],
    "8.3": [3500, 4.571],
    "8.4": [True, False, True, False, True],
    "8.5": rate,
    "8.6": rows,
    "8.7": stop,
    "8.8": covered,
    "8.9": [38.9, 2.5, 6.2],
    "8.10": 0.75,
}

WRONG = [
    ("8.1", [5120, LSTM, 20560], "side by side"),
    ("8.1", [5120, 3 * LSTM, 20560], "the candidate"),
    ("8.1", [5120, 4 * (80 * 256 + 256 * 256 + 256), 20560], "not the one-hot"),
    ("8.1", [5120, 4 * (LSTM - 256), 20560], "biases"),
    ("8.1", [5120, 4 * LSTM, 64 * 80 + 80], "hears the state"),
    ("8.1", [0, 1, 2], "a table of v rows"),
    ("8.1", 5120, "has shape ()"),
    ("8.2", [614_401 // 32, 1, 1], "divide by both"),
    ("8.2", [300, 300, 15], "of all epochs"),
    ("8.2", [300, 6000, 15], "share of all steps"),
    ("8.2", [301, 6020, 301], "target only"),
    ("8.3", [28_000, 4.57], "these are bits"),
    ("8.3", [3500, 0.21875], "upside down"),
    ("8.3", [16_000 * 2**1.75 / 8, 4.57], "perplexity"),
    ("8.3", [3000, 4], "bits to bytes"),
    ("8.4", [False, False, True, False, True], "(a)"),
    ("8.4", [True, True, True, False, True], "(b)"),
    ("8.4", [True, False, False, False, True], "(c)"),
    ("8.4", [True, False, True, True, True], "(d)"),
    ("8.4", [True, False, True, False, False], "(e)"),
    ("8.4", [True, False], "a list of five"),
    ("8.4", ["yes"] * 5, "true or false"),
    ("8.5", lambda *a: rate(*a, first=0), "look at s + 1"),
    ("8.5", lambda *a: 2 * rate(*a), "a straight line that reaches"),
    ("8.5", lambda *a: rate(*a, start=0), "end of the warm-up"),
    ("8.5", lambda *a: rate(*a, lifted=False), "lift it"),
    ("8.5", straight, "straight line down"),
    ("8.5", lambda s, n, p, w: rate(s, n, p, w) if s < w else p, "which share"),
    ("8.6", blocks, "each batch is one piece"),
    ("8.6", lambda *a: rows(*a, shift=1), "targets"),
    ("8.6", lambda ids, B, T: rows(np.append(ids, 0), B, T), "target only"),
    ("8.6", lambda *a: rows(*a)[:, ::-1], "long rows"),
    ("8.6", lambda *a: None, "return missing"),
    ("8.7", lambda h, p: [n - 1 for n in stop(h, p)], "counted from 1"),
    ("8.7", lambda h, p: stop(h, p)[:1] * 2, "not of the last"),
    ("8.7", lambda h, p: stop(h, p, longer=1), "one epoch too long"),
    ("8.7", lambda h, p: stop(h, 99), "never stops"),
    ("8.7", lambda h, p: [1, 1], "by hand"),
    ("8.8", passages, "covers n characters"),
    ("8.8", lambda *a: 1 - covered(*a), "is new"),
    ("8.8", lambda w, s, n: 1.0 + covered(w, s, n), "counts once"),
    ("8.8", lambda w, s, n: 0.1, "mark each"),
    ("8.9", [2.5, 38.9, 6.2], "exchanged"),
    ("8.9", [12.5, 3.1, 6.2], "is doubled"),
    ("8.9", [38.9, 3.1, 6.2], "is doubled"),
    ("8.9", [6.2, 2.5, 6.2], "move the knob"),
    ("8.9", [25.0, 2.5, 6.2], "to the letter"),
    ("8.9", [38.9, 0.4, 6.2], "the longest bar over the second"),
    ("8.9", [38.9, 2.5, 38.9], "back to 1"),
    ("8.9", [38.9, 2.5, 8.0], "those that stay"),
    ("8.10", 1.5, "between 0 and 1"),
    ("8.10", 1.0, "leaves one"),
    ("8.10", 0.5, "equal shares"),
    ("8.10", 0.15, "the table's share"),
    ("8.10", 0.6, "steps of 0.05"),
    ("8.11", np.full(N_HELD, 0.5), "never above 0"),
    ("8.11", np.full(N_HELD, -0.01), "too good"),
    ("8.11", np.full(N_HELD, -3.0), "the 6-gram does as well"),
]

RIGHT_IN_A_TEST = ["8.11"]  # it needs models, which the fixture makes


def test_the_open_exercise_judges_by_held_out_bits(logs):
    assert hint("8.11", logs["both"]) is None
    for answer, words in (
        (logs["large"], "not yet better than the large LSTM"),
        (logs["some"], "not yet better"),
        (logs[5], "the 6-gram does as well"),
        (-logs["both"], "never above 0"),
        (np.zeros(len(logs[5])) - 0.01, "too good"),
        (logs["both"][:-1], "has shape"),
    ):
        assert words in hint("8.11", answer)
