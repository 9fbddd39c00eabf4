"""The exercises of chapter 2, Unfolding."""

from itertools import accumulate

import numpy as np

from rnnbook.exercises.engine import Exercise, close

EXERCISES = {}

EXERCISES["2.1"] = Exercise(
    [66, 66],
    [
        (
            "More steps, more parameters? The copies of the graph share something.",
            [5 * 66, 500 * 66],
            lambda got: got[1] > got[0],
        ),
        ("The two matrices are right. What else does each neuron have?", [60, 60]),
        ("These are the weights of the inputs. The state comes in through weights too.", [30, 30]),
    ],
    "Write down the shapes of W_xh, W_hh and b_h, and add up their numbers.",
)

EXERCISES["2.2"] = Exercise(
    [2, 1, 6.5],
    [
        ("Each state is computed as if it were the first: what comes from the left?", [2, 0, 6]),
        ("The state before arrives at full size; it has a weight too.", [2, 2, 8]),
        ("The first state is too large: h_0 is 0.", [2.5, 1.25, 6.625]),
    ],
    "Go one circle at a time: half of the circle at the left, plus twice the input.",
)

EXERCISES["2.3"] = Exercise(
    [(32, 16), (32, 20, 16), (32, 20, 5), (32, 12, 16)],
    [
        (
            "(a) and (b) are exchanged: what is return_sequences?",
            [(32, 20, 16), (32, 16), ..., ...],
        ),
        ("(c): Dense changes the last axis only; the time axis stays.", [..., ..., (32, 5), ...]),
        ("(d): the axes stand in the order batch, time, features.", [..., ..., ..., (32, 16, 12)]),
    ],
    [
        "(a) gives one vector for each sequence of the batch, at its end.",
        "(b) gives a vector of 16 at each of the 20 steps, for each sequence.",
        "(c) has the axes of (b). How long is each?",
        "(d) is not right yet: which axes does it have, and how long is each?",
    ],
)


def all_states(f, inputs, h_0):
    return list(accumulate(inputs, f, initial=h_0))[1:]


def _rules(rng):
    for T in (7, 2, 1):
        A, inputs = rng.normal(size=(2, 2)), list(rng.normal(size=(T, 2)))
        yield lambda h, x, A=A: np.tanh(A @ h - 2 * x), inputs, rng.normal(size=2)


EXERCISES["2.4"] = Exercise(
    all_states,
    [
        ("One state more than inputs: h_0 is the state of no step.", ["[1:]", ""]),
        ("This is the last state only; the ones before are wanted too.", ["[1:]", "[-1]"]),
        ("h_0 was used at every step.", lambda f, inputs, h_0: [f(h_0, x) for x in inputs]),
        ("The first input stands in the place of the first state.", [", initial=h_0))[1:]", "))"]),
        ("f gets the state first.", ["inputs, f,", "inputs, lambda h, x: f(x, h),"]),
        (
            "The first state is right, a later one is not: what does f get at step 2?",
            lambda f, inputs, h_0: [f(h_0, inputs[0])] * len(inputs),
            lambda got, f, inputs, h_0: close(got[0], f(h_0, inputs[0])),
        ),
    ],
    "The first state is not f(h_0, x_1): check the start.",
    cases=lambda rng: list(_rules(rng)),
)


def skill_of(series, forecast):
    truth, naive = series[1:], series[:-1]
    return 1 - ((forecast - truth) ** 2).mean() / ((naive - truth) ** 2).mean()


def _walk(rng, n):
    series = rng.normal(3, 1, n + 1).cumsum()
    return series, series[1:] + rng.normal(size=n)


def _over_mean(got, series, forecast):
    means = series.mean(), series[1:].mean(), series[:-1].mean()
    error = ((forecast - series[1:]) ** 2).mean()
    return any(close(got, 1 - error / ((m - series[1:]) ** 2).mean()) for m in means)


EXERCISES["2.5"] = Exercise(
    skill_of,
    [
        ("It divides by zero: persistence looks perfect. Which value is last?", ["[:-1]", "[1:]"]),
        ("This is the ratio of the errors: 0 for a perfect forecast, not 1.", ["1 - (", "("]),
        (
            "The forecast is compared with the values it was made from, one step too early.",
            ["(forecast - truth)", "(forecast - naive)"],
        ),
        (
            "This is the skill over the mean; persistence is another baseline.",
            ["(naive - truth)", "(series.mean() - truth)"],
            _over_mean,
        ),
        ("The squared errors are compared, not their roots.", ["mean()", "mean() ** 0.5"]),
    ],
    "Write down truth, forecast and naive forecast for one year, then compare.",
    cases=lambda rng: [_walk(rng, 30), _walk(rng, 5)],
)


def scale(train, test):
    mean, sd = train.mean(), train.std()
    return (train - mean) / sd, (test - mean) / sd


def _is_scaled(train):
    """Return True if a training part has mean 0 and deviation 1, near enough for any formula."""
    return close(train.mean(), 0, 0.001) and close(train.std(), 1, 0.02)


def _same_scale(got, train, test):
    """Return True if both parts are scaled by the two numbers that the first one tells."""
    sd = train.std() / got[0].std()
    mean = train.mean() - sd * got[0].mean()
    given = np.concatenate([train, test])
    return _is_scaled(got[0]) and close(np.concatenate(got), (given - mean) / sd, 1e-3)


def _scale_of_both(train, test):
    both = np.concatenate([train, test])
    return [(part - both.mean()) / both.std() for part in (train, test)]


EXERCISES["2.6"] = Exercise(
    scale,
    [
        ("The test part had a say in the mean or in the standard deviation.", _scale_of_both),
        ("The mean is 0, the standard deviation is not 1 yet.", [" / sd", ""]),
        (
            "Each part got a scale of its own: a rise from one to the other is erased.",
            ["(test - mean) / sd", "(test - test.mean()) / test.std()"],
        ),
        (
            "The training part is right; the test part needs the very same two numbers.",
            ["(test - mean) / sd", "test - mean"],
            lambda got, train, test: _is_scaled(got[0]),
        ),
    ],
    lambda got, train, test: (
        f"The training part has mean {got[0].mean():.2f} and deviation {got[0].std():.2f}."
    ),
    cases=lambda rng: [(rng.normal(10, sd, 40), rng.normal(14, 2 * sd, 25)) for sd in (2, 5)],
    accepts=_same_scale,
)


def teacher_inputs(y, V):
    past = np.zeros((*y.shape, V))
    past[:, 1:] = np.eye(V)[y[:, :-1]]
    return past


EXERCISES["2.7"] = Exercise(
    teacher_inputs,
    [
        ("Nothing was moved: each step would be told its own answer.", lambda y, V: np.eye(V)[y]),
        (
            "Moved the wrong way: each step would be told the answer of the next.",
            lambda y, V: np.eye(V)[np.roll(y, -1, axis=1)],
            lambda got, y, V: close(got[:, :-1], np.eye(V)[y[:, 1:]]),
        ),
        (
            "All steps but the first are right: what is known before the first answer?",
            lambda y, V: np.eye(V)[np.roll(y, 1, axis=1)],
            lambda got, y, V: close(got[:, 1:], np.eye(V)[y[:, :-1]]),
        ),
    ],
    "Take V = 3 and y = [[0, 1, 2]], and write the three rows down by hand.",
    cases=lambda rng: [(rng.integers(0, V, (B, T)), V) for B, T, V in ((5, 6, 3), (1, 3, 4))],
)

EXERCISES["2.8"] = Exercise(
    0.98,
    [
        ("An accuracy lies between 0 and 1: is this in percent?", 98, lambda got: got > 1),
        ("Below chance: does the net answer 'blank' at the end?", 0, lambda got: got < 0.1),
        ("That is chance: what does the output say in between?", 0.25, lambda got: got < 0.4),
    ],
    "On the way. Train on more sequences, and ask for the symbol at every step.",
    accepts=lambda got: 0.9 <= got <= 1,
)


def _in_place(got, x):
    """Return the share of right digits at each place."""
    return (got == x.argmax(-1)[:, ::-1]).mean(axis=0)


EXERCISES["2.9"] = Exercise(
    lambda x: x.argmax(-1)[:, ::-1],
    [
        (
            "These are the digits in the order in which they came: reverse the targets.",
            lambda x: x.argmax(-1),
            lambda got, x: (got == x.argmax(-1)).mean() > 0.9,
        ),
        (
            "It gives the same answer to every sequence: does the decoder get the state?",
            lambda x: np.zeros(x.shape[:2]),
            lambda got, x: (got == got[0]).all(),
        ),
        (
            "That is about chance, which is 1 in 5: train longer, or on more sequences.",
            lambda x: (x.argmax(-1)[:, ::-1] + 1) % 5,
            lambda got, x: _in_place(got, x).mean() < 0.3,
        ),
    ],
    lambda got, x: (
        f"Accuracy by position: {', '.join(f'{s:.2f}' for s in _in_place(got, x))}. "
        "More units, or more training, will help."
    ),
    cases=lambda rng: [(np.eye(5)[rng.integers(0, 5, (500, 4))],)],
    accepts=lambda got, x: _in_place(got, x).mean() >= 0.9,
)

EXERCISES["2.10"] = Exercise(
    [3, 24, 5],
    [
        ("You counted every copy's weights: are they other numbers in each?", [36, ..., ...]),
        ("The neuron has a third parameter, which multiplies nothing.", [2, ..., ...]),
        ("Each copy multiplies its state before; what else does it multiply?", [3, 12, ...]),
        ("Second number: count the products with 0 too; the graph has them all.", [3, 23, ...]),
        ("Second number: count the products with 0 too; the graph has them all.", [3, 13, ...]),
        ("Close: read the fourth state again, to three places.", [3, 24, 4]),
        ("A weight of 1 would keep the state; but what does tanh do to it?", [3, 24, 0]),
        ("A weight of 1 would keep the state; but what does tanh do to it?", [3, 24, 13]),
    ],
    [
        "First number: which numbers would training change?",
        "Second number: count for one copy, then for all.",
        "Third number: take tanh of 1, then of what you got, and so on.",
    ],
)
