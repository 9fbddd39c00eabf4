"""The exercises of chapter 4, Backpropagation through time."""

from itertools import product

import numpy as np

from rnnbook.exercises.engine import Exercise, close

EXERCISES = {}

EXERCISES["4.1"] = Exercise(
    [5, 7],
    [
        ("The two are exchanged: the immediate one holds h_2 fixed.", [7, 5]),
        ("They differ: in the total derivative h_2 depends on w, too.", [5, 5]),
        ("They differ: in the total derivative h_2 depends on w, too.", [7, 7]),
    ],
    [
        "The immediate derivative of w h_2 + x_3 with h_2 held fixed is h_2 itself.",
        "The immediate one is right. Now write h_3 out in w and x alone.",
    ],
)

EXERCISES["4.2"] = Exercise(
    [1.75, 1.5, 1],
    [
        ("That is what comes from above. What comes from the right?", [1, 1, 1]),
        ("That is the blame for the last output alone: each has its own.", [0.25, 0.5, 1]),
        ("The right numbers in the wrong order: which step comes first?", [1, 1.5, 1.75]),
        ("The first state gets half of ALL that the second one has.", [1.5, 1.5, 1]),
    ],
    "Begin at the last step. Each blame is 1, plus half of the one at its right.",
)

EXERCISES["4.3"] = Exercise(
    [60, 500, 25],
    [
        ("(a) is right for one epoch. There are three.", [20, ..., ...]),
        ("(a): one update a chunk, not one an epoch.", [3, ..., ...]),
        ("(b): these are the predictions of one row. How many rows are there?", [60, 25, ...]),
        ("(c): nothing goes back beyond the chunk; forget what is before it.", [60, 500, 500]),
        ("(c): the state that was carried in is not counted here.", [60, 500, 26]),
    ],
    [
        "(a): into how many chunks is a row cut? All rows go through one together.",
        "(b): one at each step of each row: rows times steps of a chunk.",
        "(c): one state for each step through which the gradient goes back.",
    ],
)


def slopes(loss, array, step):
    found = np.zeros_like(array)
    for i in np.ndindex(array.shape):
        up, down = array.copy(), array.copy()  # copies: the array itself stays
        up[i] += step
        down[i] -= step
        found[i] = (loss(up) - loss(down)) / (2 * step)
    return found


def _losses(rng):
    for shape in ((2, 3), (3,)):
        c = rng.normal(size=shape)
        yield lambda a, c=c: (c * a**3).sum(), rng.normal(size=shape), 1e-2


EXERCISES["4.4"] = Exercise(
    slopes,
    [
        (
            "Afterwards the array is not what it was: put each number back.",
            ["array.copy(), array.copy()", "array, array.copy()"],
            lambda got, loss, array, step: not close(got["array"], array),
        ),
        ("A one-sided difference: go down as well as up.", ["down[i] -= ", "", "2 * ", ""]),
        ("A one-sided difference: go up as well as down.", ["up[i] += ", "", "2 * ", ""]),
        ("Twice too large: how far are the two points apart?", ["2 * step", "step"]),
        (
            "Go the whole step up and the whole step down, not half of it.",
            ["+= step", "+= step / 2", "-= step", "-= step / 2", "2 * step", "step"],
        ),
        (
            "Nothing has changed between the two losses: are both arrays one and the same?",
            ["array.copy(), array.copy()", "(both := array.copy()), both"],
        ),
    ],
    "Compare for loss(a) = (a**3).sum() and one number, with pencil and paper.",
    cases=lambda rng: list(_losses(rng)),
    run=lambda f, loss, array, step: {"result": f(loss, array, step), "array": array},
)


def backward(above, h, W_hh):
    da, right = np.zeros_like(h), 0
    for t in reversed(range(h.shape[1])):
        da[:, t] = (1 - h[:, t] ** 2) * (above[:, t] + right)
        right = da[:, t] @ W_hh
    return da


def _layer(rng, T=4):
    """Return what comes from above, the states, W_hh and h_0, for B = 3 and H = 4."""
    above, h = rng.normal(size=(3, T, 4)), np.tanh(rng.normal(size=(3, T, 4)))
    return above, h, rng.normal(size=(4, 4)), rng.normal(size=(3, 4))


EXERCISES["4.5"] = Exercise(
    backward,
    [
        ("It forgets what comes from the right.", [" + right", ""]),
        ("The slope of tanh is missing.", ["(1 - h[:, t] ** 2) * ", ""]),
        ("h is tanh(a) already: just take its square.", ["h[:, t] **", "np.tanh(h[:, t]) **"]),
        ("W_hh is used the wrong way round: rows are examples.", ["@ W_hh", "@ W_hh.T"]),
        ("It runs forward in time: begin at the last step.", ["reversed", ""]),
        ("You walked from the last step: turn the result round.", ["n da", "n da[:, ::-1]"]),
        (
            "The last step is right, an earlier one is not: what does it receive?",
            ["@ W_hh", "@ W_hh * 2"],
            lambda got, *case: close(got[:, -1], backward(*case)[:, -1]),
        ),
    ],
    "Already the last step is wrong: there, nothing comes from the right.",
    cases=lambda rng: [_layer(rng, T)[:3] for T in (4, 1)],
)


def recurrent_gradient(da, h, h_0):
    before = np.concatenate([h_0[:, None], h[:, :-1]], axis=1)
    return np.einsum("bti,btj->ij", da, before)


EXERCISES["4.6"] = Exercise(
    recurrent_gradient,
    [
        ("These are the states after each step, not before.", ["da, before", "da, h"]),
        ("At the first step it takes the last state: index -1.", ["h_0[:, None]", "h[:, -1:]"]),
        ("The first step has a share too: h_0 is not zero here.", ["h_0[", "0 * h_0["]),
        ("Turned: row i belongs to neuron i, that is, to da[..., i].", ["->ij", "->ji"]),
        (
            "A mean in the place of a sum: the means are inside da already.",
            ["return ", "return 1 / 3 * "],
            lambda got, *case: any(close(n * got, recurrent_gradient(*case)) for n in (3, 4, 12)),
        ),
    ],
    "Sum, over sequences and steps, da (a column) times the state before (a row).",
    cases=lambda rng: [(da, h, h_0) for da, h, _, h_0 in [_layer(rng)]],
)

EXERCISES["4.7"] = Exercise(
    [8, 3, 9],
    [
        ("A: that one spoils W_hh alone.", [4, ..., ...], lambda got: got[0] in (4, 5, 6, 9)),
        ("B: with one step, that would leave the gradient of h_0 right.", [8, 1, ...]),
        ("B: a symmetric W_hh would not heal that one.", [8, 10, ...]),
        ("C: would it give the transpose?", [8, 3, 6], lambda got: got[2] in (4, 5, 6)),
    ],
    [
        "A: which single line makes the gradient of b_h, and nothing else?",
        "B: which line has no effect on the weights if there is one step only?",
        "C: only the line of W_hh can be wrong. What transposes a product?",
    ],
)

EXERCISES["4.8"] = Exercise(
    [30, 60],
    [
        ("That keeps everything. Make the chunks shorter.", [900, ...]),
        ("That keeps everything. Make the chunks shorter.", [..., 900]),
        ("These are the states of one chunk. The starts are held too.", [30, 30]),
        ("Not all of this is held at once: only ONE chunk's states are.", [30, 931]),
    ],
    [
        "Which k makes 900 / k + k smallest? Try 10, 30 and 90.",
        "The chunk length is right. Now count: starts, plus the states of one chunk.",
    ],
)


def truncated(chunk_gradient, x, h_0, k):
    total, h = 0, h_0
    for s in range(0, len(x), k):
        chunk = x[s : s + k]
        g, h = chunk_gradient(chunk, h)
        total = total + g * len(chunk) / len(x)
    return total


def _mean_slope(x, h_0):
    """Give the slope in w of the mean state at w = 0.5, and the last state."""
    h, slope, slopes = h_0, 0.0, []
    for x_t in x:
        slope = h + 0.5 * slope
        h = 0.5 * h + x_t
        slopes.append(slope)
    return float(np.mean(slopes)), h


EXERCISES["4.9"] = Exercise(
    truncated,
    [
        ("Each chunk starts from h_0: carry the last state on to the next.", ["g, h =", "g, _ ="]),
        ("A chunk's loss is a mean: weigh it by its share.", ["* len(chunk) / len(x)", ""]),
        ("A shorter last chunk counts for less.", ["len(chunk) / len(x)", "1 / -(-len(x) // k)"]),
        ("A last chunk shorter than k is left out.", ["(0, len(x),", "(0, len(x) - k + 1,"]),
        ("This is the last chunk's alone: add them up.", ["total + g * len(chunk) / len(x)", "g"]),
    ],
    "Try it with T = 4 and k = 4: then it is just chunk_gradient(x, h_0)[0].",
    cases=lambda rng: [
        (_mean_slope, rng.normal(size=T) + 1, 1.0, k) for T, k in ((7, 3), (6, 2), (4, 4))
    ],
)


def slope_forward(x, w_x, w_h, b):
    h = slope = 0.0
    for x_t in x:
        inside = h + w_h * slope  # Equation 4.2, before tanh
        h = np.tanh(w_x * x_t + w_h * h + b)
        slope = (1 - h**2) * inside
    return slope


EXERCISES["4.10"] = Exercise(
    slope_forward,
    [
        ("The last step's immediate derivative: w_h acted before, too.", [" + w_h * slope", ""]),
        ("The slope of tanh is missing: on all that is inside.", ["(1 - h**2) * ", ""]),
        ("This is the state. Its derivative in w_h is wanted.", ["return slope", "return h"]),
    ],
    "At each step: slope * (state before + w_h * derivative before), in this order.",
    cases=lambda rng: [(iter(rng.normal(size=T).tolist()), 0.6, 0.8, 0.1) for T in (6, 2, 1)],
)

EXERCISES["4.11"] = Exercise(
    8,
    [
        (
            "One of the seven chunk lengths is wanted, not a cosine.",
            0.97,
            lambda k: k not in (1, 2, 4, 8, 16, 32, 64),
        ),
        ("Too short: look at the mean of five seeds, for a gain of 1.", 4, lambda k: k < 8),
    ],
    "That is enough, but it is not the smallest that is.",
)


def with_cuts(above, h, W_hh, h_0, cut, p):
    g, right = 0, 0
    for t in reversed(range(h.shape[1])):
        da = (1 - h[:, t] ** 2) * (above[:, t] + right)
        g = g + da.T @ (h[:, t - 1] if t > 0 else h_0)
        # It passes with probability 1 - p, and is then made larger by 1 / (1 - p).
        passes = t > 0 and not cut[t - 1]
        right = da @ W_hh / (1 - p) if passes else 0
    return g


EXERCISES["4.12"] = Exercise(
    with_cuts,
    [
        ("Rightly cut, but biased: what passes must make up for it.", ["/ (1 - p)", ""]),
        ("Cut at the wrong end: cut[0] is between the first two steps.", ["cut[t - 1]", "cut[-t]"]),
        ("With a cut, a step must get what comes from above alone.", ["not cut[t - 1]", "True"]),
        ("Turned: row i belongs to neuron i.", ["return g", "return g.T"]),
    ],
    "Its mean over all cuts is not the full gradient: by what factor must it grow?",
    cases=lambda rng: [
        (*layer, np.array(cut), 0.3)
        for layer in [_layer(rng)]
        for cut in ((True, False, False), *product((False, True), repeat=3))
    ],
)
