"""Chapter 3's checks: right answers pass, each common wrong answer gets the hint meant for it."""

import numpy as np
import pytest

from rnnbook import data
from rnnbook.exercises import hint
from rnnbook.show.instruments.weights import shipped
from rnnbook.text import Vocabulary
from rnnbook.text.ngram import NGram


def softmax(z, axis=1, shift=None):
    p = np.exp(z - (z.max(axis=1, keepdims=True) if shift is None else shift(z)))
    return p / p.sum(axis=axis, keepdims=True)


def bits(p, text):
    return -np.log2(p).sum() / len(text)


def ranked(p, share):
    """Return the types from the most probable on, and how many are needed."""
    order = np.argsort(-p)
    return order, int((p[order].cumsum() < share - 1e-9).sum()) + 1


def nucleus(p, share, extra=0, divide=True, least=False):
    order, n = ranked(p, share)
    keep = order[::-1][:n] if least else order[: max(n + extra, 0)]
    kept = np.zeros_like(p)
    kept[keep] = p[keep]
    return kept / kept.sum() if divide and kept.any() else kept


def sorted_nucleus(p, share):
    return np.sort(nucleus(p, share))[::-1]


def repeated(written, last=False, own=0, overlap=True):
    """By brute force: all passages, the long ones first."""
    for n in range(len(written), 0, -1):
        further = 1 - own if overlap else n
        found = [written[i : i + n] for i in range(len(written) - n + 1)]
        found = [p for i, p in enumerate(found) if p in written[i + further :]]
        if found:
            return found[-1 if last else 0]
    return ""


@pytest.fixture(scope="module")
def logs():
    """Return the log-probabilities of two n-gram models on the validation chapters."""
    text, held = data.novel("train"), data.novel("validation")
    v = Vocabulary(text, "characters")
    return {n: NGram(v.encode(text), n, len(v)).log_probabilities(v.encode(held)) for n in (4, 6)}


N_HELD = len(data.novel("validation"))

RIGHT = {
    "3.1": [8, 6],
    "3.2": [2, 4],
    "3.3": [100, 300, 1000],
    "3.4": [500_000, 60_200, 1_005_000],
    "3.5": softmax,
    "3.6": bits,
    "3.7": nucleus,
    "3.8": repeated,
    "3.9": 0.95,
    "3.10": np.full(N_HELD, -1.2),  # 1.73 bits
    "3.11": [1, 1, 3],
}

WRONG = [
    ("3.1", [6, 8], "More types than tokens"),
    ("3.1", [6, 5], "marks are tokens"),
    ("3.1", [8, 8], "come twice"),
    ("3.1", [13, 7], "usual space"),
    ("3.1", [8, 5], "cross out"),
    ("3.2", [8, 256], "per token"),
    ("3.2", [1.3863, 4], "nats"),
    ("3.2", [1.8301, 3.5556], "logarithms first"),
    ("3.2", [-2, 0.25], "sign"),
    ("3.2", [3, 8], "1/8 cost"),
    ("3.2", [2, 7.389], "powers of 2"),
    ("3.2", [2, 2], "equally likely"),
    ("3.3", [2000, 6000, 50], "All rows"),
    ("3.3", [5000, 15_000, 20], "T characters"),
    ("3.3", [100_000, 300_000, 1], "make one update"),
    ("3.3", [101, 303, 1000], "Divide"),
    ("3.3", [100, 100, 1000], "how many passes"),
    ("3.3", [100, 300, 50], "one row"),
    ("3.3", [100, 300, 100_000], "Every time step"),
    ("3.4", [1_000_000, 60_200, 1_005_000], "not H"),
    ("3.4", [100, 60_200, 1_005_000], "row for each type"),
    ("3.4", [500_000, 1_040_200, 1_005_000], "not the one-hot"),
    ("3.4", [500_000, 20_200, 1_005_000], "own state"),
    ("3.4", [500_000, 60_000, 1_005_000], "added to the sum"),
    ("3.4", [500_000, 1, 1_005_000], "W_xh, W_hh and b_h"),
    ("3.4", [500_000, 60_200, 1_000_000], "bias for each type"),
    ("3.4", [500_000, 60_200, 505_000], "W_hy and b_y"),
    ("3.5", lambda z: softmax(z, shift=lambda z: 0), "overflow"),
    ("3.5", np.exp, "divide by their sum"),
    ("3.5", lambda z: np.exp(z) / np.exp(z).sum(), "whole array sums"),
    ("3.5", lambda z: softmax(z, axis=0, shift=lambda z: 0), "each column"),
    ("3.5", lambda z: softmax(z, shift=np.max), "maximum of its own"),
    ("3.5", lambda z: softmax(2 * z), "1/4 and 3/4"),
    ("3.5", lambda z: softmax(np.minimum(z, 20)), "constant added"),
    ("3.6", lambda p, text: -np.log2(p).mean(), "per word"),
    ("3.6", lambda p, text: -bits(p, text), "sign"),
    ("3.6", lambda p, text: bits(p, text) * np.log(2), "nats"),
    ("3.6", lambda p, text: bits(p, text) * len(text), "whole text"),
    ("3.6", lambda p, text: bits(p, text.replace(" ", "")), "spaces"),
    ("3.6", lambda p, text: 1.0, "divide once"),
    ("3.7", lambda p, share: nucleus(p, share, divide=False), "sum to 1 again"),
    ("3.7", lambda p, share: np.where(p.cumsum() <= share, 0.0, 0.0), "Nothing is left"),
    ("3.7", lambda p, share: 2 * nucleus(p, share), "not to 1"),
    ("3.7", sorted_nucleus, "back in its place"),
    ("3.7", lambda p, share: nucleus(p, share, extra=-1) if share < 0.7 else p, "less than that"),
    ("3.7", lambda p, share: nucleus(p, share, extra=1), "fewer would do"),
    ("3.7", lambda p, share: nucleus(p, share, least=True), "most probable ones"),
    ("3.8", lambda w: len(repeated(w)), "not its length"),
    ("3.8", lambda w: None, "A string is wanted"),
    ("3.8", lambda w: repeated(w, own=1), "in its own place"),
    ("3.8", lambda w: w[:5], "does not stand twice"),
    ("3.8", lambda w: repeated(w, overlap=False), "may overlap"),
    ("3.8", lambda w: repeated(w)[:3], "longer one"),
    ("3.8", lambda w: repeated(w, last=True), "does not come first"),
    ("3.9", 0, "above 0"),
    ("3.9", 0.5, "look better"),
    ("3.9", 1.5, "Too hot"),
    ("3.9", 1.2, "steps of 0.05"),
    ("3.10", np.full(N_HELD, 0.4), "natural logarithm"),
    ("3.10", np.full(N_HELD, 1.2), "sign"),
    ("3.10", np.full(N_HELD, -np.inf), "impossible"),
    ("3.10", np.full(N_HELD, -0.1), "too good"),
    ("3.10", np.full(N_HELD, -2.0), "Mix models"),
    ("3.10", np.full(N_HELD, -1.86 * np.log(2)), "1.860 bits; fewer than 1.85"),
    ("3.10", np.full(7, -1.2), "has shape"),
    ("3.11", [10, 1, 3], "what can a seed change"),
    ("3.11", [2, 1, 3], "two seeds"),
    ("3.11", [1, 78, 3], "not chosen yet"),
    ("3.11", [1, 3, 3], "follows a q"),
    ("3.11", [1, 1, 1], "temperature to 2"),
    ("3.11", [1, 1, 78], "switched off"),
    ("3.11", [1, 1, 4], "letter by letter"),
]


def test_no_hint_gives_a_number_of_the_answer_away():
    secret = {"3.1": {"8", "6"}, "3.3": {"300", "1000"}, "3.4": {"500000", "60200", "1005000"}}
    for exercise, answer, _ in WRONG:
        words = set(hint(exercise, answer).replace(".", " ").replace(",", " ").split())
        assert not secret.get(exercise, set()) & words


def test_counting_is_not_enough_for_exercise_3_10_and_a_trained_lstm_is(logs):
    for n in (4, 6):
        assert "Mix models" in hint("3.10", logs[n])
    net = shipped()
    log_p = net.log_probabilities(net.encode(data.novel("validation")))
    assert hint("3.10", log_p) is None
