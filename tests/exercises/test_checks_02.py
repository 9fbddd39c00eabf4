"""Chapter 2's checks: right answers pass, each common wrong answer gets the hint meant for it."""

from functools import reduce
from itertools import accumulate

import numpy as np

from rnnbook.exercises import hint


def skill(series, forecast, naive=None):
    truth = series[1:]
    naive = series[:-1] if naive is None else naive
    return 1 - ((forecast - truth) ** 2).mean() / ((naive - truth) ** 2).mean()


def scale(train, test):
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


def both_parts(train, test):
    both = np.concatenate([train, test])
    return [(part - both.mean()) / both.std() for part in (train, test)]


def past(y, V):
    shifted = np.zeros((*y.shape, V))
    shifted[:, 1:] = np.eye(V)[y[:, :-1]]
    return shifted


def in_place(train, test):
    scaled = scale(train, test)
    train -= 1
    return scaled


RIGHT = {
    "2.1": [66, 66],
    "2.2": [2, 1, 6.5],
    "2.3": [(32, 16), (32, 20, 16), (32, 20, 5), (32, 12, 16)],
    "2.4": lambda f, inputs, h_0: list(accumulate(inputs, f, initial=h_0))[1:],
    "2.5": skill,
    "2.6": scale,
    "2.7": past,
    "2.8": 0.98,
    "2.9": lambda x: x.argmax(-1)[:, ::-1],
    "2.10": [3, 24, 5],
}

WRONG = [
    ("2.1", [66 * 5, 66 * 500], "share"),
    ("2.1", [60, 60], "each neuron"),
    ("2.1", [30, 30], "state comes in"),
    ("2.1", [66], "shape (1,)"),
    ("2.2", [2, 0, 6], "as if it were the first"),
    ("2.2", [2, 2, 8], "full size"),
    ("2.2", [2.5, 1.25, 6.625], "h_0 is 0"),
    ("2.2", [2, 1, 4], "One circle at a time"),
    ("2.3", [(32, 20, 16), (32, 16), (32, 20, 5), (32, 12, 16)], "exchanged"),
    ("2.3", [(32, 20), (32, 20, 16), (32, 20, 5), (32, 12, 16)], "at its end"),
    ("2.3", [(32, 16), (32, 16), (32, 20, 5), (32, 12, 16)], "each of the 20 steps"),
    ("2.3", [(32, 16), (32, 20, 16), (32, 5), (32, 12, 16)], "last axis only"),
    ("2.3", [(32, 16), (32, 20, 16), (32, 20, 5), (32, 16, 12)], "batch, time, features"),
    ("2.3", [(32, 16), (32, 20, 16), (32, 20, 5), (32, 12)], "(d) is not right"),
    ("2.3", [(32, 16)], "Four shapes"),
    ("2.3", 32, "four tuples"),
    ("2.4", lambda f, inputs, h_0: list(accumulate(inputs, f, initial=h_0)), "no step"),
    ("2.4", lambda f, inputs, h_0: reduce(f, inputs, h_0), "last state only"),
    ("2.4", lambda f, inputs, h_0: [f(h_0, x_t) for x_t in inputs], "at every step"),
    ("2.4", lambda f, inputs, h_0: list(accumulate(inputs, f)), "first state"),
    ("2.4", lambda f, inputs, h_0: None, "return missing"),
    (
        "2.4",
        lambda f, inputs, h_0: list(
            accumulate(inputs, lambda h, x: f(f(h, x), x) if h is not h_0 else f(h, x), initial=h_0)
        )[1:],
        "a later one is not",
    ),
    ("2.5", lambda s, f: 1 - skill(s, f), "ratio of the errors"),
    ("2.5", lambda s, f: skill(s, f, naive=s[1:]), "divides by zero"),
    ("2.5", lambda s, f: skill(s, f, naive=s.mean()), "another baseline"),
    (
        "2.5",
        lambda s, f: 1 - ((f - s[:-1]) ** 2).mean() / ((s[:-1] - s[1:]) ** 2).mean(),
        "too early",
    ),
    ("2.5", lambda s, f: 1 - (1 - skill(s, f)) ** 0.5, "not their roots"),
    ("2.5", lambda s, f: 0.5, "one year"),
    ("2.6", both_parts, "had a say"),
    ("2.6", lambda a, b: (scale(a, a)[0], scale(b, b)[0]), "scale of its own"),
    ("2.6", lambda a, b: (a - a.mean(), b - a.mean()), "is not 1 yet"),
    ("2.6", lambda a, b: (scale(a, a)[0], b - a.mean()), "same two numbers"),
    ("2.6", lambda a, b: scale(a, a)[0], "Two arrays"),
    ("2.6", lambda a, b: (a / a.max(), b / a.max()), "has mean"),
    ("2.6", in_place, "changes the arrays"),
    ("2.7", lambda y, V: np.eye(V)[y], "Nothing was moved"),
    ("2.7", lambda y, V: np.eye(V)[np.roll(y, -1, axis=1)], "wrong way"),
    ("2.7", lambda y, V: np.eye(V)[np.roll(y, 1, axis=1)], "All steps but the first"),
    ("2.7", lambda y, V: np.roll(y, 1, axis=1), "has shape"),
    ("2.7", lambda y, V: 2 * past(y, V), "by hand"),
    ("2.8", 98, "between 0 and 1"),
    ("2.8", 0.0, "Below chance"),
    ("2.8", 0.257, "That is chance"),
    ("2.8", 0.6, "On the way"),
    ("2.9", lambda x: x.argmax(-1), "order in which they came"),
    ("2.9", lambda x: np.zeros(x.shape[:2]), "same answer"),
    ("2.9", lambda x: (x.argmax(-1)[:, ::-1] + 1) % 5, "about chance"),
    ("2.9", lambda x: x.argmax(-1)[:, ::-1] * [1, 1, 0, 0], "Accuracy by position"),
    ("2.9", lambda x: x[:, ::-1], "has shape (500, 4, 5)"),
    ("2.10", [36, 24, 5], "every copy's weights"),
    ("2.10", [2, 24, 5], "third parameter"),
    ("2.10", [12, 24, 5], "training change"),
    ("2.10", [3, 12, 5], "what else"),
    ("2.10", [3, 36, 5], "for one copy"),
    ("2.10", [3, 24, 4], "read the fourth state"),
    ("2.10", [3, 24, 13], "would keep the state"),
    ("2.10", [3, 24, 2], "take tanh of 1"),
]


def test_no_hint_gives_a_number_of_the_answer_away():
    for exercise in ("2.1", "2.2"):
        for e, answer, _ in WRONG:
            if e == exercise:
                assert not {"66", "6.5"} & set(hint(e, answer).replace(".", " ").split())


def test_scaling_by_the_sample_deviation_passes_too():
    def sample(train, test):
        return [(part - train.mean()) / train.std(ddof=1) for part in (train, test)]

    assert hint("2.6", sample) is None
