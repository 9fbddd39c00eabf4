"""Chapter 5's checks: right answers pass, each common wrong answer gets the hint meant for it."""

import numpy as np

from rnnbook.exercises import hint

GATE = 0.5 ** (1 / 40)


def joint(gradients):
    return np.sqrt(sum((g**2).sum() for g in gradients.values()))


def scaled(gradients, factor):
    return {name: factor(g) * g for name, g in gradients.items()}


def clip(gradients, limit):
    return scaled(gradients, lambda _: min(1, limit / joint(gradients)))


def in_place(gradients, limit):
    clipped = clip(gradients, limit)
    for g in gradients.values():
        g *= 2
    return clipped


def random(H, seed):
    return np.random.default_rng(seed).normal(size=(H, H))


def orthogonal(H, seed):
    return np.linalg.qr(random(H, seed))[0]


def first_bad(h, bad=lambda h: ~np.isfinite(h), start=1):
    at = bad(h).any(axis=(0, 2))
    return at.argmax() + start if at.any() else 0


def symbols(x):
    return x[:, 0].argmax(axis=-1)


def now_and_then(x):
    answer = symbols(x)
    answer[::4] = answer[::4] % 4 + 1
    return answer


RIGHT = {
    "5.1": [0.0625, 16],
    "5.2": 1.8432,
    "5.3": [0.5, 4],
    "5.4": lambda W, lag: np.linalg.svd(W)[1][0] ** lag,
    "5.5": lambda H, gain, seed: gain * orthogonal(H, seed),
    "5.6": clip,
    "5.7": first_bad,
    "5.8": 4.047,
    "5.9": symbols,
    "5.10": ["grows", "shrinks", "grows", "zero"],
}

WRONG = [
    ("5.1", [0.5**5, 2**5], "one factor too many"),
    ("5.1", [2, 8], "sums"),
    ("5.1", [16, 0.0625], "wrong order"),
    ("5.1", [0.5, 2], "down to h_1"),
    ("5.1", 16, "has shape ()"),
    ("5.2", 8, "weights alone"),
    ("5.2", 0.2304, "slopes alone"),
    ("5.2", 0.64, "look at the square"),
    ("5.2", 0, "steepest"),
    ("5.2", 2.0, "three factors"),
    ("5.3", [0.5, 16], "number by number"),
    ("5.3", [4.06, 4], "stretches"),
    ("5.3", [0.25, 4], "not of its square"),
    ("5.3", [0.5, 2], "side by side"),
    ("5.4", lambda W, lag: abs(np.linalg.eigvals(W)).max() ** lag, "spectral radius"),
    ("5.4", lambda W, lag: np.linalg.norm(W) ** lag, "default of NumPy"),
    ("5.4", lambda W, lag: np.linalg.norm(np.linalg.matrix_power(W, lag), 2), "step by step"),
    ("5.4", lambda W, lag: np.linalg.norm(W, 2) ** (lag + 1), "how often"),
    ("5.4", lambda W, lag: np.linalg.norm(W, 2) * lag, "how often"),
    ("5.4", lambda W, lag: 1.0, "one factor a step"),
    ("5.5", lambda H, gain, seed: gain * random(H, seed), "not perpendicular"),
    ("5.5", lambda H, gain, seed: orthogonal(H, seed), "gain is missing"),
    ("5.5", lambda H, gain, seed: gain**0.5 * orthogonal(H, seed), "length itself"),
    ("5.5", lambda H, gain, seed: gain**2 * orthogonal(H, seed), "vector of length 1"),
    ("5.5", lambda H, gain, seed: gain * np.eye(H), "same for each seed"),
    ("5.5", lambda H, gain, seed: gain * orthogonal(H, 0), "two seeds"),
    ("5.6", lambda g, c: {n: np.clip(a, -c, c) for n, a in g.items()}, "bends"),
    ("5.6", lambda g, c: scaled(g, lambda a: min(1, c / np.linalg.norm(a))), "of its own"),
    ("5.6", lambda g, c: scaled(g, lambda _: c / joint(g)), "stretched"),
    ("5.6", lambda g, c: scaled(g, lambda _: min(1, c / joint(g) ** 2)), "root of the sum"),
    ("5.6", lambda g, c: list(clip(g, c).values()), "a dict"),
    ("5.6", lambda g, c: scaled(g, lambda _: 0.5), "take the root"),
    ("5.6", in_place, "changes the arrays"),
    ("5.7", lambda h: first_bad(h, start=0), "counted from 1"),
    ("5.7", lambda h: first_bad(h, np.isnan), "infinity"),
    ("5.7", lambda h: np.argwhere(~np.isfinite(h))[0, 1] + 1 if first_bad(h) else 0, "in memory"),
    ("5.7", lambda h: first_bad(h) or 1, "0 is wanted"),
    ("5.7", lambda h: 6, "which axis"),
    ("5.7", lambda h: None, "return missing"),
    ("5.8", GATE, "how open"),
    ("5.8", np.log(39), "40th root"),
    ("5.8", -4.047, "sign"),
    ("5.8", np.log10(GATE / (1 - GATE)), "natural logarithm"),
    ("5.8", 1.0, "first find"),
    ("5.9", lambda x: np.zeros(len(x)), "the blank"),
    ("5.9", lambda x: symbols(x) - 1, "one too small"),
    ("5.9", lambda x: np.ones(len(x)), "about chance"),
    ("5.9", now_and_then, "right in"),
    ("5.9", lambda x: x[:, 0], "has shape"),
    ("5.10", ["shrinks", "shrinks", "grows", "zero"], "how steep is tanh at that point"),
    ("5.10", ["grows", "grows", "grows", "zero"], "settle"),
    ("5.10", ["grows", "zero", "grows", "zero"], "exactly zero"),
    ("5.10", ["grows", "shrinks", "shrinks", "zero"], "ever off"),
    ("5.10", ["grows", "shrinks", "grows", "grows"], "on or off"),
    ("5.10", ["up", "down", "up", "zero"], "each word"),
    ("5.10", "grows", "four words"),
]


def test_no_hint_gives_a_number_of_the_answer_away():
    secret = {"5.1": {"0.0625", "16"}, "5.2": {"1.8432", "1.843"}, "5.8": {"4.05", "4.047"}}
    for e, answer, _ in WRONG:
        assert not secret.get(e, set()) & set(hint(e, answer).split())


def test_a_bias_rounded_to_two_places_passes():
    assert hint("5.8", 4.05) is None


def test_a_gradient_of_zero_may_stay_zero():
    """No case of the check divides by zero, so a solution need not guard against it."""
    assert hint("5.6", lambda g, c: scaled(g, lambda _: min(1, c / joint(g)))) is None
