"""The exercises of chapter 1, The recurrent neuron."""

from itertools import permutations

import numpy as np

from rnnbook.exercises.engine import Exercise, close, edit

EXERCISES = {}


def _neuron(w_h=-1.0, b=0.5, phi=np.tanh):
    states = [0.0]
    for x in (1, 1, 0):
        states.append(float(phi(x + w_h * states[-1] + b)))
    return states[1:]


EXERCISES["1.1"] = Exercise(
    _neuron(),
    [
        ("The past is missing: from step 2 on, w_h times the last state comes in.", _neuron(w_h=0)),
        ("These are the sums: each must go through tanh.", _neuron(phi=lambda a: a)),
        ("That is the tangent: tanh is another function.", _neuron(phi=np.tan)),
        (
            "That is the sigmoid: tanh is another function.",
            _neuron(phi=lambda a: 1 / (1 + np.exp(-a))),
        ),
        ("Look at the sign of w_h.", _neuron(w_h=1)),
        ("The bias is added at every step.", _neuron(b=0)),
        ("h_0 is the state of no step: begin with h_1.", [0, *_neuron()]),
        (
            "Right as far as it goes: three decimals are wanted.",
            [0.91, 0.53, -0.03],
            lambda got: close(got, _neuron(), 0.006),
        ),
    ],
    [f"h_{t} is the first that is off: write down its sum a_{t} term by term." for t in (1, 2, 3)],
    tolerance=0.002,
)

EXERCISES["1.2"] = Exercise(
    620,
    [
        ("Each neuron has one more number, which is added and not multiplied.", 600),
        ("That is a dense layer. What about the weights from state to state?", 220),
        ("The weights are the same at every time step: count them once.", 50 * 620),
        ("Every neuron receives every state: more than one recurrent weight each.", 240),
    ],
    "Add up three parts: from the input, from the state, and one each.",
)

_SHAPES = {"W_xh": (3, 2), "W_hh": (3, 3), "b_h": (3,), "states": (8, 5, 3), "last": (8, 3)}

EXERCISES["1.3"] = Exercise(
    _SHAPES,
    [
        ("That is how Keras keeps it. In our equation W_xh stands left of x_t.", {"W_xh": (2, 3)}),
        (
            "The weights know nothing of the number of time steps.",
            {"W_hh": (3, 5)},
            lambda got: 5 in got["W_xh"] + got["W_hh"] + got["b_h"],
        ),
        ("That is the inputs' shape: a state has one number a neuron.", {"states": (8, 5, 2)}),
        ("The batch comes first in all arrays, then the time steps.", {"states": (5, 8, 3)}),
        ("Each sequence of the batch has a last state of its own.", {"last": (3,)}),
    ],
    lambda got: f"Look again at {next(n for n in _SHAPES if got[n] != _SHAPES[n])}.",
)


def my_rnn(x, W_xh, W_hh, b_h):
    h = np.zeros(len(b_h))
    states = []
    for x_t in x:
        h = np.tanh(W_xh @ x_t + W_hh @ h + b_h)
        states.append(h)
    return np.array(states)


def _layer(rng, T, D, H):
    return (rng.normal(size=shape) for shape in ((T, D), (H, D), (H, H), H))


EXERCISES["1.4"] = Exercise(
    my_rnn,
    [
        ("The last state is right: now return those of all time steps.", ["np.array(states)", "h"]),
        ("The states are right, but the first row is h_0.", ["states = []", "states = [h]"]),
        ("Turned: each row should be a time step.", ["(states)", "(states).T"]),
        ("There is one sequence only: leave the batch axis out.", ["(states)", "(states)[None]"]),
        ("h_0 was used at every step: carry the state on.", [" + W_hh @ h", ""]),
        ("W_hh is transposed: row i is what neuron i receives.", ["W_hh @", "W_hh.T @"]),
        ("The states aren't between -1 and 1: is tanh missing?", ["np.tanh", ""]),
        ("The bias is missing.", [" + b_h", ""]),
        (
            "Each row is one step late: row 0 should be h_1.",
            ["states = []", "states = [h]", "(states)", "(states)[:-1]"],
        ),
        (
            "All rows are the last state: one array, written over?",
            ["h = np.tanh", "h[:] = np.tanh"],
        ),
        (
            "The first state is right, the next is not: what goes on from step to step?",
            ["W_hh @ h", "W_hh @ -h"],
            lambda got, *case: close(got[0], my_rnn(*case)[0]),
        ),
    ],
    "The first state is off already: compare its sum with the equation, term by term.",
    cases=lambda rng: [tuple(_layer(rng, *sizes)) for sizes in ((5, 2, 3), (7, 4, 2), (1, 2, 3))],
)


def from_keras(weights):
    kernel, recurrent_kernel, bias = weights
    return kernel.T, recurrent_kernel.T, bias


EXERCISES["1.5"] = Exercise(
    from_keras,
    [
        ("This is still Keras' layout: W_xh must have one row a neuron.", ["kernel.T", "kernel"]),
        (
            "W_xh is still Keras': it must have one row a neuron.",
            ["return kernel.T", "return kernel"],
        ),
        (
            "W_hh is still Keras': it is square, so no shape warns you.",
            ["nt_kernel.T", "nt_kernel"],
        ),
        (
            "The shapes fit, the numbers do not: transpose, don't reshape.",
            ["n kernel.T", "n kernel.reshape(kernel.T.shape)"],
        ),
        (
            "W_xh comes first, then W_hh.",
            ["kernel.T, recurrent_kernel.T", "recurrent_kernel.T, kernel.T"],
        ),
    ],
    "Three arrays, W_xh, W_hh and b_h, from three arrays. What must happen to a matrix?",
    cases=lambda rng: [
        ([W_xh.T, W_hh.T, b_h],)
        for _, W_xh, W_hh, b_h in (_layer(rng, 1, 2, 3), _layer(rng, 1, 3, 3))
    ],
)


def _kept(w_x, w_h, b):
    """Return the states after an input of 1 and of -1, and then 200 zeros, shape (2, 201)."""
    h, states = np.zeros(2), []
    for x_t in ([1, -1], *[[0, 0]] * 200):
        h = np.tanh(w_x * np.array(x_t) + w_h * h + b)
        states.append(h)
    return np.array(states).T


EXERCISES["1.6"] = Exercise(
    [1, 2, 0],
    [
        ("With a negative w_h the sign changes at every step.", [1, -2, 0], lambda got: got[1] < 0),
        (
            "Both inputs end in the same state: is the bias too large, or w_x too small?",
            [1, 2, 3],
            lambda got: abs(_kept(*got)[:, -1].sum()) > 1,
        ),
        ("It forgets: w_h must make up for what tanh shrinks.", [1, 1, 0], lambda got: got[1] <= 1),
        ("It keeps the bit, but with the wrong sign.", [-1, 2, 0], lambda got: got[0] < 0),
    ],
    "It keeps something; but both states must end larger than 0.5 in size, and never change sign.",
    accepts=lambda got: (
        ((np.array([[1], [-1]]) * _kept(*got)).min() > 0)
        and (np.abs(_kept(*got)[:, -1]).min() > 0.5)
    ),
)


def last_states(x, W_xh, W_hh, b_h):
    found = set()
    for order in permutations(x):
        h = np.zeros(len(b_h))
        for x_t in order:
            h = np.tanh(W_xh @ x_t + W_hh @ h + b_h)
        found.add(tuple(np.round(h, 9)))
    return len(found)


def _orders(rng):
    x, W_xh, W_hh, b_h = _layer(rng, 4, 2, 3)
    return [(x, W_xh, W_hh, b_h), (x, W_xh, 0 * W_hh, b_h), (x[[0, 0, 1, 1]], W_xh, W_hh, b_h)]


EXERCISES["1.7"] = Exercise(
    last_states,
    [
        (
            "Four is the number of different last inputs: is a state carried on?",
            [" + W_hh @ h", ""],
        ),
        ("Every order gives the same: is there really another one?", ["permutations(x)", "[x]"]),
        (
            "Count whole states: H numbers.",
            ["add(tuple(np.round(h, 9)))", "update(np.round(h, 9))"],
        ),
        (
            "Where two time steps are equal, some orders are the same sequence: count states.",
            lambda x, *weights: 24 if len(np.unique(x)) == 4 else last_states(x, *weights),
        ),
        ("With W_hh = 0 only the last input counts: as many states.", ["len(found)", "24"]),
    ],
    "Four different time steps have 4! orders: are all of them tried, and each state counted once?",
    cases=_orders,
)


def recall(patterns, rest=False):
    W = patterns.T @ patterns
    np.fill_diagonal(W, 0)
    after, before = np.where(patterns @ W >= 0, 1, -1), None
    while rest and not np.array_equal(after, before):
        before = after.copy()
        for i in range(len(W)):  # one unit after the other
            after[:, i] = np.where(after @ W[i] >= 0, 1, -1)
    return (after == patterns).mean()


_FED_BACK = ["    np.fill_diagonal(W, 0)\n", ""]


def _one_by_one(patterns):
    W, after = patterns.T @ patterns, patterns.copy()
    np.fill_diagonal(W, 0)
    for i in range(len(W)):
        after[:, i] = np.where(after @ W[i] >= 0, 1, -1)
    return (after == patterns).mean()


EXERCISES["1.8"] = Exercise(
    recall,
    [
        ("That is the share of whole patterns.", ["== patterns)", "== patterns).all(axis=1)"]),
        ("That is the share that changes: the other part is wanted.", ["after ==", "after !="]),
        ("A share is never above 1.", ["return ", "return 100 * "], lambda got, p: got > 1),
        (
            "Each unit feeds itself: the diagonal of W must be zero.",
            _FED_BACK,
            lambda got, p: abs(got - edit(recall, *_FED_BACK)(p)) < 0.01,
        ),
        (
            "All units are set at the same time here, not one after the other.",
            _one_by_one,
            lambda got, p: abs(got - _one_by_one(p)) < 0.02,
        ),
    ],
    "Store one pattern: all of its units must stay. Then two, with pencil and paper.",
    # P odd and N even: no unit receives a sum of exactly 0, where rounding would decide.
    cases=lambda rng: [(rng.choice([-1, 1], (P, 100)),) for P in (41, 3, 101)],
)
