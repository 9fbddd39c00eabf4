"""The exercises of chapter 5, Vanishing and exploding gradients."""

import numpy as np

from rnnbook.data import tasks
from rnnbook.exercises.engine import Exercise, close

EXERCISES = {}

EXERCISES["5.1"] = Exercise(
    [0.5**4, 2**4],
    [
        ("One factor too many: how many steps lead from step 1 to step 5?", [0.5**5, 2**5]),
        ("Each step multiplies; these are sums.", [0.5 * 4, 2 * 4]),
        ("Right numbers, wrong order: the small weight comes first.", [2**4, 0.5**4]),
    ],
    "Write h_5 with h_4, and so on down to h_1. What stands before h_1?",
    tolerance=1e-3,
)

EXERCISES["5.2"] = Exercise(
    0.64 * 0.36 * 8,
    [
        ("These are the weights alone. What does tanh do to a small change?", 8),
        ("These are the slopes alone. Each step has the weight too.", 0.64 * 0.36),
        ("The slope of tanh is not 1 - h: look at the square.", 0.4 * 0.2 * 8),
        ("The slope is 1 - h^2, not h^2: at h = 0 tanh is steepest.", 0),
    ],
    "Three factors, one a step: the weight, and the slope at the new state.",
    tolerance=5e-3,
)

EXERCISES["5.3"] = Exercise(
    [0.5, 4],
    [
        ("This squares number by number; a matrix product takes rows times columns.", [..., 16]),
        ("Right numbers, wrong order: the spectral radius comes first.", [4, 0.5]),
        ("The eigenvalues, not how much it stretches.", [4.06, 4], lambda got: got[0] > 1),
        ("The first number is asked of W, not of its square.", [0.25, 4]),
    ],
    "Write W twice side by side; a row of one meets a column of the other.",
)


def bound(W_hh, lag):
    return np.linalg.norm(W_hh, 2) ** lag  # sigma_1; the slope is at most 1


EXERCISES["5.4"] = Exercise(
    bound,
    [
        (
            "That is the spectral radius: a non-normal matrix can do more than that.",
            ["np.linalg.norm(W_hh, 2)", "abs(np.linalg.eigvals(W_hh)).max()"],
        ),
        ("A bound, but not the one asked for: which norm is the default of NumPy?", [", 2", ""]),
        (
            "The norm of the power holds for linear layers; bound it step by step.",
            lambda W, lag: np.linalg.norm(np.linalg.matrix_power(W, lag), 2),
        ),
        ("The right norm; how often, and how, does it enter?", ["** lag", "** (lag + 1)"]),
        ("The right norm; how often, and how, does it enter?", ["** lag", "* lag"]),
    ],
    "One factor a step: the most that W_hh stretches a vector, times a slope of 1.",
    cases=lambda rng: [(rng.normal(size=(n, n)) / n, lag) for n, lag in ((2, 1), (4, 3), (5, 7))],
)


def start(H, gain, seed):
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(H, H)))
    return gain * Q


def _stretches(W, gain):
    """Return True if two matrices multiply all lengths by a gain."""
    return close(W @ W.swapaxes(1, 2), gain**2 * np.array(2 * [np.eye(len(W[0]))]))


EXERCISES["5.5"] = Exercise(
    start,
    [
        (
            "Its rows are not perpendicular: np.linalg.qr can make them so.",
            ["np.linalg.qr(", "(", "(H, H))", "(H, H)), 0"],
            lambda W, *case: not close(np.triu(W @ W.swapaxes(1, 2), 1), 0.0 * W),
        ),
        ("Orthogonal, but without the gain.", ["gain * ", ""], lambda W, *case: _stretches(W, 1)),
        (
            "The square of the length grows by the gain; the length itself should.",
            ["gain * ", "gain**0.5 * "],
            lambda W, H, gain, seed: _stretches(W, gain**0.5),
        ),
        ("That keeps lengths, but it is the same for each seed.", ["* Q", "* np.eye(H)"]),
        (
            "Two seeds give the same matrix.",
            ["default_rng(seed)", "default_rng(0)"],
            lambda W, *case: close(W[0], W[1]),
        ),
    ],
    "Multiply it by a vector of length 1: how long is the result?",
    cases=lambda rng: [(5, 1.5, 1), (8, 0.5, 2), (3, 1.0, 0)],
    run=lambda f, H, gain, seed: [f(H, gain, seed), f(H, gain, seed + 10)],
    accepts=lambda W, H, gain, seed: _stretches(W, gain) and not close(W[0], W[1]),
)


def clip(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
    factor = min(1, limit / norm) if norm else 1
    return {name: factor * g for name, g in gradients.items()}


EXERCISES["5.6"] = Exercise(
    clip,
    [
        (
            "It changes the arrays it was given: return new ones.",
            ["{name: factor * g", "{name: np.multiply(g, factor, out=g)"],
            lambda got, given, limit: any(not close(got["given"][n], given[n]) for n in given),
        ),
        ("Each number was cut: that bends the direction.", ["factor * g", "g.clip(-limit, limit)"]),
        (
            "Each array got a factor of its own: one length belongs to all of them.",
            ["factor * g for", "g * min(1, limit / np.linalg.norm(g)) for"],
        ),
        ("A gradient that is short enough was stretched: leave it as it is.", ["1, ", "9e9, "]),
        ("The norm is the root of the sum of squares.", ["np.sqrt", ""]),
    ],
    "Add up the squares of all numbers of all arrays, and take the root.",
    cases=lambda rng: [
        ({"W": size * rng.normal(size=(2, 3)), "b": size * rng.normal(size=2)}, limit)
        for size, limit in ((3.0, 1.0), (10.0, 2.0), (0.01, 1.0))
    ],
    run=lambda f, given, limit: {"clipped": f(given, limit), "given": given},
)


def first_bad(h):
    bad = ~np.isfinite(h).all(axis=(0, 2))
    return int(bad.argmax()) + 1 if bad.any() else 0


def _states(rng):
    """Return states of which one, two, and no numbers are not finite."""
    h = rng.normal(size=(3, 3, 6, 4))
    h[0, 1, 3, 2] = np.nan
    h[1, 0, 4, 0] = h[1, 2, 1, 1] = np.inf
    return [(states,) for states in h]


def _in_memory(h):
    bad = np.argwhere(~np.isfinite(h))
    return bad[0, 1] + 1 if len(bad) else 0


FINITE = "Where all states are finite, 0 is wanted."

EXERCISES["5.7"] = Exercise(
    first_bad,
    [
        (FINITE, ["else 0", "else 1"], lambda got, h: np.isfinite(h).all()),
        (FINITE, ["else 0", "else None"], lambda got, h: np.isfinite(h).all()),
        ("Time steps are counted from 1 here.", [" + 1", ""]),
        ("Infinity is not finite either.", ["~np.isfinite(h).all", "np.isnan(h).any"]),
        ("The first bad number in memory; another sequence fails earlier.", _in_memory),
    ],
    "Which axis is time? Ask for each step whether all its numbers are finite.",
    cases=_states,
    # Where all is finite, None is a wrong number, and not a missing return.
    run=lambda f, h: -1 if (step := f(h)) is None and np.isfinite(h).all() else step,
)

GATE = 0.5 ** (1 / 40)

ROOT = "A gate of 1 - 1/40 leaves more than a third, not a half: take the 40th root."

EXERCISES["5.8"] = Exercise(
    np.log(GATE / (1 - GATE)),
    [
        ("The natural logarithm is wanted, since the gate has exp in it.", 1.757),
        ("This closes the gate: look at the sign.", -np.log(GATE / (1 - GATE))),
        (ROOT, np.log(39)),
        (ROOT, 39 / 40, lambda b: abs(b - 39 / 40) < 0.003),
        ("This is how open the gate must be. Which bias opens it so far?", GATE),
    ],
    "First find the gate g with g**40 = 0.5, then b from g = sigmoid(b).",
    tolerance=0.05,
)


def _symbols(x):
    return x[:, 0].argmax(axis=-1)


def _share(answer, x):
    return (answer == _symbols(x)).mean()


EXERCISES["5.9"] = Exercise(
    _symbols,
    [
        (
            "It says 0, the blank: the answer is wanted at the last step only.",
            lambda x: np.zeros(len(x)),
            lambda got, x: (got == 0).mean() > 0.5,
        ),
        (
            "All one too small: the symbols are numbered from 1.",
            lambda x: _symbols(x) - 1,
            lambda got, x: _share(got + 1, x) > 0.9,
        ),
        (
            "That is about chance, 1 in 4: which layers still had a gradient at lag 40?",
            lambda x: np.ones(len(x)),
            lambda got, x: _share(got, x) < 0.4,
        ),
    ],
    lambda got, x: f"Right in {_share(got, x):.2f}. Train longer, or shorten the path in time.",
    cases=lambda rng: [tasks.delayed_recall(300, 101, 4, seed=987654)[:1]],
    accepts=lambda got, x: _share(got, x) > 0.9,
)

EXERCISES["5.10"] = Exercise(
    ["grows", "shrinks", "grows", "zero"],
    [
        (
            'Each word is "grows", "shrinks" or "zero".',
            ["up", "down", "up", "zero"],
            lambda got: not set(got) <= {"grows", "shrinks", "zero"},
        ),
        ("tanh from 0.5: no slope of tanh is exactly zero.", ["grows", "zero", ..., ...]),
    ],
    [
        "tanh from 0: the state stays there. How steep is tanh at that point?",
        "tanh from 0.5: where does the state settle, and how steep is tanh there?",
        "ReLU from 0.5: is it ever off? While it is on, what is its slope?",
        "ReLU from 0: is a neuron with a sum of exactly 0 on or off?",
    ],
)
