"""The checks of chapter 1: common wrong answers get the hint meant for them, right ones none."""

import itertools

import numpy as np
import pytest

from rnnbook.exercises import hint


def running(x, W_xh, W_hh, b_h, phi=np.tanh, h_0=None, dtype=float):
    """Run the layer of exercise 1.4, written here once more."""
    x, W_xh, W_hh, b_h = (np.asarray(a, dtype) for a in (x, W_xh, W_hh, b_h))
    h, states = np.zeros(len(b_h), dtype) if h_0 is None else h_0, []
    for x_t in x:
        h = phi(W_xh @ x_t + W_hh @ h + b_h)
        states.append(h)
    return np.array(states)


def written_over(x, W_xh, W_hh, b_h):
    h, states = np.zeros(len(b_h)), []
    for x_t in x:
        h[:] = np.tanh(W_xh @ x_t + W_hh @ h + b_h)
        states.append(h)
    return states


def one_step_late(x, W_xh, W_hh, b_h):
    return np.vstack([np.zeros(len(b_h)), running(x, W_xh, W_hh, b_h)[:-1]])


def all_orders(x):
    return [x[list(order)] for order in itertools.permutations(range(len(x)))]


def last_states(x, *weights):
    return [running(order, *weights)[-1] for order in all_orders(x)]


def different(rows):
    return len(np.unique(np.round(rows, 9), axis=0))


def stays(patterns, diagonal=0.0):
    """Whether each unit of each pattern stays; without a division, so in whole numbers."""
    W = patterns.T @ patterns
    np.fill_diagonal(W, diagonal * len(patterns))
    return np.where(patterns @ W >= 0, 1, -1) == patterns


def neuron(w_h=-1.0, b=0.5, phi=np.tanh):
    return list(running([[1], [1], [0]], [[1.0]], [[w_h]], [b], phi)[:, 0])


RIGHT_SHAPES = {"W_xh": (3, 2), "W_hh": (3, 3), "b_h": (3,), "states": (8, 5, 3), "last": (8, 3)}

WRONG = {
    "1.1": [
        (neuron(w_h=0), "left out the past"),
        (neuron(phi=lambda a: a), "through tanh"),
        (neuron(w_h=1), "sign of w_h"),
        (neuron(b=0), "bias is added at every step"),
        ([0.905, 0.9, 0.9], "h_2 is the first that is off"),
        ([0.905, 0.534], "shape (2,)"),
        (["a", "b", "c"], "must be numbers"),
        ([np.nan] * 3, "h_1 is the first that is off"),
    ],
    "1.2": [
        (600, "added and not multiplied"),
        (220, "from state to state"),
        (50 * 620, "same at every time step"),
        (240, "hears every neuron"),
        (1, "three parts"),
    ],
    "1.3": [
        (RIGHT_SHAPES | {"W_xh": (2, 3)}, "how Keras keeps it"),
        (RIGHT_SHAPES | {"W_xh": (3, 5)}, "nothing of the number of time steps"),
        (RIGHT_SHAPES | {"states": (8, 5, 2)}, "shape of the inputs"),
        (RIGHT_SHAPES | {"states": (5, 8, 3)}, "batch comes first"),
        (RIGHT_SHAPES | {"last": (3,)}, "last state of its own"),
        (RIGHT_SHAPES | {"b_h": 3}, "b_h must be a tuple"),
        (RIGHT_SHAPES | {"b_h": (1, 3)}, "again at b_h"),
        ((3, 2), "with the keys"),
    ],
    "1.4": [
        (lambda x, W_xh, W_hh, b_h: np.tanh(x @ W_xh.T + b_h), "h_0 was used at every step"),
        (lambda *a: running(*a)[-1], "That is the last state"),
        (lambda x, W_xh, W_hh, b_h: running(x, W_xh, W_hh.T, b_h), "used transposed"),
        (lambda *a: running(*a, phi=lambda a: a), "is tanh missing"),
        (lambda x, W_xh, W_hh, b_h: running(x, W_xh, W_hh, 0 * b_h), "bias is missing"),
        (lambda *a: np.vstack([0 * running(*a)[:1], running(*a)]), "first row is h_0"),
        (one_step_late, "one step late"),
        (written_over, "written over"),
        (lambda x, W_xh, W_hh, b_h: running(x, W_xh, -W_hh, b_h), "the next is not"),
        (lambda *a: running(*a, h_0=np.ones(len(a[-1]))), "off already"),
        (lambda *a: None, "is a return missing"),
    ],
    "1.5": [
        (lambda weights: weights, "one row a neuron"),
        (lambda weights: (weights[0].T, weights[1], weights[2]), "still Keras' layout"),
        (
            lambda weights: (weights[0].reshape(weights[0].T.shape), weights[1].T, weights[2]),
            "don't",
        ),
        (lambda weights: weights[0].T, "three arrays"),
        (lambda weights: (weights[1].T, weights[0].T, weights[2]), "W_xh has shape"),
    ],
    "1.6": [
        ((1.0, 1.0, 0.0), "must make up for that"),
        ((1.0, 0.5, 0.0), "must make up for that"),
        ((1.0, -0.5, 0.0), "changes sign"),
        ((1.0, -2.0, 0.0), "changes sign"),
        ((1.0, 2.0, 3.0), "end in the same state"),
        ((1.0, 0.5, 5.0), "end in the same state"),
        ((-1.0, 2.0, 0.0), "wrong sign"),
        ((1.0, 1.05, 0.0), "larger than 0.5"),
        ((1.0, 2.0), "shape (2,)"),
    ],
    "1.7": [
        (lambda x, *weights: different([np.tanh(o[-1]) for o in all_orders(x)]), "was the state"),
        (lambda x, *weights: different([running(x, *weights)[-1]]), "put in another order"),
        (lambda x, *weights: len(np.unique(np.round(last_states(x, *weights), 9))), "whole states"),
        (lambda x, *weights: len(all_orders(x)), "only the last input counts"),
        (lambda *a: different(last_states(*a)) - (len(a[0]) == 4) * 2, "4! orders, and your count"),
        (last_states, "shape (24, 3)"),
    ],
    "1.8": [
        (lambda patterns: stays(patterns, diagonal=1).mean(), "feeds itself"),
        (lambda patterns: stays(patterns).all(axis=1).mean(), "patterns that stay as a whole"),
        (lambda patterns: 1 - stays(patterns).mean(), "units that change"),
        (lambda patterns: 100 * stays(patterns).mean(), "between 0 and 1"),
        (lambda patterns: stays(patterns), "shape (3, 100)"),
    ],
}

RIGHT = {
    "1.1": [[0.905, 0.534, -0.034], (0.9051, 0.5336, -0.0336), np.float32(neuron())],
    "1.2": [620, 620.0, np.int64(620), np.array(620), "620"],
    "1.3": [RIGHT_SHAPES, {k: list(v) for k, v in RIGHT_SHAPES.items()}],
    "1.4": [
        running,
        lambda *a: running(*a, dtype=np.float32),
        lambda *a: running(*a).tolist(),
        lambda *a: list(running(*a)),
    ],
    "1.5": [
        lambda weights: [w.T for w in weights],
        lambda weights: tuple(np.float32(w.T) for w in weights),
        lambda weights: [w.T.tolist() for w in weights],
    ],
    "1.6": [(1.0, 2.0, 0.0), [1, 2, 0], np.array([3, 1.5, 0], np.float32), (10, 1.3, -0.01)],
    "1.7": [
        lambda *a: different(last_states(*a)),
        lambda *a: np.int64(different(last_states(*a))),
        lambda *a: float(different(last_states(*a))),
        lambda *a: len({tuple(np.round(h, 9).tolist()) for h in last_states(*a)}),
    ],
    "1.8": [
        lambda patterns: stays(patterns).mean(),
        lambda patterns: np.float32(stays(patterns).mean()),
        lambda patterns: stays(patterns.astype(float)).sum() / patterns.size,
        lambda p: (np.sign((p @ p.T / 7) @ p - len(p) / 7 * p) == p).mean(),
    ],
}


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [pytest.param(e, *w, id=f"{e}-{i}") for e in WRONG for i, w in enumerate(WRONG[e])],
)
def test_a_wrong_answer_gets_the_hint_meant_for_it(exercise, answer, words):
    given = hint(exercise, answer)
    assert given is not None, "a wrong answer was called correct"
    assert words in given


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [pytest.param(e, r, id=f"{e}-{i}") for e in RIGHT for i, r in enumerate(RIGHT[e])],
)
def test_a_right_answer_in_another_form_is_correct(exercise, answer):
    assert hint(exercise, answer) is None


@pytest.mark.parametrize("exercise", WRONG)
@pytest.mark.parametrize("nothing", [None, ...])
def test_no_answer_yet(exercise, nothing):
    assert "no answer yet" in hint(exercise, nothing)


def test_an_error_in_a_learners_function_becomes_a_hint():
    assert hint("1.4", lambda *a: 1 / 0) == "It stopped with ZeroDivisionError: division by zero"


@pytest.mark.parametrize("exercise", ["1.99", "99.1", "one", "", 1.1, None])
def test_an_unknown_exercise_is_refused(exercise):
    with pytest.raises(ValueError, match=r"exercise must be .* such as '1\.3'; got"):
        hint(exercise, 1)
