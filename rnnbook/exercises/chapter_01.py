"""Checks of chapter 1, the recurrent neuron."""

import numpy as np

from rnnbook.exercises._old import Hint, array_of, close
from rnnbook.nn import cells


def three_steps(answer):
    """1.1: three states of one neuron by hand."""
    states = array_of(answer, (3,), "The list of states")
    right = _neuron(1, -1, 0.5)
    if close(states, right, 2e-3):
        return
    if close(states, _neuron(1, 0, 0.5), 2e-3):
        raise Hint(
            "You left out the past: from the second step on, w_h times the last state comes in."
        )
    if close(states, _neuron(1, -1, 0.5, phi=lambda a: a), 2e-3):
        raise Hint("These are the sums: each must go through tanh before it becomes the state.")
    if close(states, _neuron(1, 1, 0.5), 2e-3):
        raise Hint("Look at the sign of w_h.")
    if close(states, _neuron(1, -1, 0.0), 2e-3):
        raise Hint("The bias is added at every step.")
    wrong = int(np.argmax(np.abs(states - right) > 2e-3)) + 1
    raise Hint(f"h_{wrong} is the first that is off: write down its sum a_{wrong} term by term.")


def _neuron(w_x, w_h, b, phi=np.tanh):
    h, states = 0.0, []
    for x in (1, 1, 0):
        h = phi(w_x * x + w_h * h + b)
        states.append(h)
    return states


def count(answer):
    """1.2: parameters of a layer of 20 neurons on 10 inputs."""
    number = float(array_of(answer, (), "The count"))
    H, D, T = 20, 10, 50
    hints = {
        H * D + H * H: "Each neuron has one more number, which is added and not multiplied.",
        H * D + H: "That is a dense layer. What about the weights from state to state?",
        T * (H * D + H * H + H): "The weights are the same at every time step: count them once.",
        H * D
        + H
        + H: "Every neuron hears every neuron, so it takes more than one recurrent weight each.",
    }
    if number != H * D + H * H + H:
        raise Hint(
            hints.get(number, "Add up three parts: from the input, from the state, and one each.")
        )


def shapes(answer):
    """1.3: the shapes of weights and states."""
    wanted = {"W_xh": (3, 2), "W_hh": (3, 3), "b_h": (3,), "states": (8, 5, 3), "last": (8, 3)}
    if not isinstance(answer, dict) or set(answer) != set(wanted):
        raise Hint(f"Give a dictionary with the keys {', '.join(wanted)}.")
    for name, shape in answer.items():
        if not isinstance(shape, tuple | list):
            raise Hint(f"{name} must be a tuple of whole numbers, such as (8, 5, 2); of one, (8,).")
    answer = {name: tuple(shape) for name, shape in answer.items()}
    if answer["W_xh"] == (2, 3):
        raise Hint("(2, 3) is how Keras keeps it. In our equation W_xh stands left of x_t.")
    if 5 in answer["W_xh"] + answer["W_hh"] + answer["b_h"]:
        raise Hint("The weights know nothing of the number of time steps.")
    if answer["states"] == (8, 5, 2):
        raise Hint("That is the shape of the inputs: a state has one number a neuron.")
    if answer["states"] == (5, 8, 3):
        raise Hint("The batch comes first in all arrays of this course, then the time steps.")
    if answer["last"] == (3,):
        raise Hint("Each sequence of the batch has a last state of its own.")
    for name, shape in wanted.items():
        if answer[name] != shape:
            raise Hint(f"Look again at {name}.")


def loop(answer):
    """1.4: the recurrent layer over one sequence."""
    rng = np.random.default_rng(14)
    for T, D, H in [(1, 2, 3), (5, 2, 3), (7, 4, 2)]:
        x, weights = rng.normal(size=(T, D)), _weights(rng, D, H)
        given = answer(x, *weights)
        right = cells.rnn(x[None], *weights)[0]
        if np.shape(given) == (H,) and close(given, right[-1]):
            raise Hint(
                "That is the last state, and it is right: now return those of all time steps."
            )
        if np.shape(given) == (T + 1, H) and close(given[1:], right):
            raise Hint("The states are right, but the first row is h_0: return h_1 to h_T.")
        states = array_of(given, (T, H), "What the function returned")
        if not close(states, right, 1e-5):  # wide enough for a loop in float32
            raise Hint(_what_went_wrong(states, right, x, *weights))


def _what_went_wrong(states, right, x, W_xh, W_hh, b_h):
    weights = {"W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}
    wrong = {
        "The right shape, but h_0 was used at every step: carry the state on.": {"W_hh": 0 * W_hh},
        "W_hh is used transposed: row i must say what neuron i hears.": {"W_hh": W_hh.T},
        "The states aren't between -1 and 1: is tanh missing?": {"activation": "identity"},
        "The bias is missing.": {"b_h": 0 * b_h},
    }
    for words, change in wrong.items():
        if close(states, cells.rnn(x[None], **(weights | change))[0]):
            return words
    if close(states[0], 0) and close(states[1:], right[:-1]):
        return "Each row is one step late: row 0 is h_0, but h_1 is wanted there."
    if close(states, right[-1]):
        return "All rows are the last state: is it one array, written over at every step?"
    if close(states[0], right[0]):
        return "The first state is right, the next is not: what goes on from step to step?"
    return "The first state is off already: compare its sum with the equation, term by term."


def _weights(rng, D, H):
    return rng.normal(size=(H, D)), rng.normal(size=(H, H)), rng.normal(size=H)


def from_keras(answer):
    """1.5: Keras' weights in the course's layout."""
    rng = np.random.default_rng(15)
    for D, H in [(2, 3), (3, 3)]:
        right = _weights(rng, D, H)
        given = answer([right[0].T, right[1].T, right[2]])
        if not isinstance(given, tuple | list) or len(given) != 3:
            raise Hint("Return three arrays: W_xh, W_hh and b_h.")
        if np.shape(given[0]) == (D, H) != (H, D):
            raise Hint(f"W_xh has shape {(D, H)}; it must have one row a neuron.")
        W_xh, W_hh, b_h = (
            array_of(*a) for a in zip(given, [(H, D), (H, H), (H,)], _NAMES, strict=True)
        )
        if close(W_hh, right[1].T):
            raise Hint("W_hh is square, so its shape can't warn you: it is still Keras' layout.")
        if not (close(W_xh, right[0]) and close(W_hh, right[1]) and close(b_h, right[2])):
            raise Hint("The shapes fit, the numbers do not: transpose, don't reshape.")


_NAMES = ("W_xh", "W_hh", "b_h")


def switch(answer):
    """1.6: one tanh neuron that keeps one bit."""
    w_x, w_h, b = array_of(answer, (3,), "The answer")
    x = np.zeros((2, 201, 1))
    x[:, 0, 0] = 1, -1
    up, down = cells.rnn(x, [[w_x]], [[w_h]], [b])[:, -1, 0]
    if w_h < 0:  # after an even number of steps the sign may be right by chance
        raise Hint("With a negative w_h the state changes sign at every step.")
    if up > 0.5 and down < -0.5:
        return
    if np.sign(up) == np.sign(down) and abs(up) > 0.5:
        raise Hint(
            "Both inputs end in the same state: does the bias outweigh them, or is w_x too small?"
        )
    if w_h <= 1:
        raise Hint(
            f"It forgets: after 200 zeros {up:.3f} is left of the 1. tanh shrinks what passes "
            "through it, so w_h must make up for that."
        )
    if w_x < 0:
        raise Hint("It keeps the bit, but with the wrong sign.")
    raise Hint(f"It ends at {up:.3f} and {down:.3f}; both must be larger than 0.5 in size.")


def last_states(answer):
    """1.7: different last states over all orders of the time steps."""
    rng = np.random.default_rng(17)
    x, (W_xh, W_hh, b_h) = rng.normal(size=(4, 2)), _weights(rng, 2, 3)
    given = float(array_of(answer(x, W_xh, 0.5 * W_hh, b_h), (), "What the function returned"))
    if given == 4:
        raise Hint("Four is the number of different last inputs: was the state carried on?")
    if given == 1:
        raise Hint("Every order gave the same: are the time steps really put in another order?")
    if given in (24 * 3, 23, 12):
        raise Hint("Count whole states, rows of H numbers, over all 4! orders.")
    if given != 24:
        raise Hint(f"Four different time steps have 4! orders, and your count is {given:.0f}.")
    without = answer(x, W_xh, 0 * W_hh, b_h)
    if without != 4:
        raise Hint(f"With W_hh = 0 only the last input counts, so it must be 4; you get {without}.")
    twins = answer(x[[0, 0, 1, 1]], W_xh, 0.5 * W_hh, b_h)
    if twins != 6:
        raise Hint(
            "Where two time steps are equal, some orders are the same sequence: count states."
        )


def recall(answer):
    """1.8: the share of units of a Hopfield network that stay."""
    rng = np.random.default_rng(18)
    # P odd and N even: then no unit hears a sum of exactly 0, where rounding would decide.
    for P, N in [(3, 100), (41, 100), (101, 100)]:
        patterns = rng.choice([-1, 1], (P, N))
        given = float(array_of(answer(patterns.copy()), (), "What the function returned"))
        right = _stay(patterns)
        if abs(given - right) < 1e-6:
            continue
        if not 0 <= given <= 1:
            raise Hint(f"A share lies between 0 and 1; you get {given:g}.")
        if abs(given - _stay(patterns, own=True)) < 0.01:  # with the diagonal there are sums of 0
            raise Hint("Each unit feeds itself: the diagonal of W must be zero.")
        if abs(given - _stay(patterns, whole=True)) < 1e-6:
            raise Hint("That is the share of patterns that stay as a whole: count units.")
        if abs(given + right - 1) < 1e-6:
            raise Hint("That is the share of units that change: the other part is asked for.")
        raise Hint(f"With {P} patterns of {N} units {right:.3f} stay; you get {given:.3f}.")


def _stay(patterns, own=False, whole=False):
    W = patterns.T @ patterns / patterns.shape[1]
    if not own:
        np.fill_diagonal(W, 0)
    same = np.where(patterns @ W >= 0, 1, -1) == patterns
    return (same.all(axis=1) if whole else same).mean()


CHECKS = {
    "1.1": three_steps,
    "1.2": count,
    "1.3": shapes,
    "1.4": loop,
    "1.5": from_keras,
    "1.6": switch,
    "1.7": last_states,
    "1.8": recall,
}
