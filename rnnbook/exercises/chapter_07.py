"""The exercises of chapter 7, LSTM and GRU."""

import numpy as np

from rnnbook.exercises.engine import Exercise, close

EXERCISES = {}

EXERCISES["7.1"] = Exercise(
    [1.3, 0],
    [
        ("The candidate was written whole: what does the input gate say?", [0.8, ...]),
        ("The old memory was kept whole: what does the forget gate say?", [1.5, ...]),
        ("f = 0.9 keeps nine tenths; it does not forget them.", [-0.3, ...]),
        ("The memory is right. But does the unit say anything, with o = 0?", [1.3, np.tanh(1.3)]),
    ],
    "c is f times the old memory plus i times the candidate; h is o times tanh(c).",
    tolerance=5e-3,
)

GATE = 32 * 64 + 64 * 64 + 64

EXERCISES["7.2"] = Exercise(
    [4 * GATE, 3 * (GATE + 64), 3 * GATE],
    [
        ("That is one gate. An LSTM has more matrices of each kind.", [GATE, ..., ...]),
        ("Three gates, and the candidate: it has weights as well.", [3 * GATE, ..., ...]),
        ("The biases are missing.", [4 * (GATE - 64), ..., ...]),
        ("The GRUs are exchanged: which has a second bias?", [..., 3 * GATE, 3 * (GATE + 64)]),
        ("A GRU has two gates, and a candidate with weights of its own.", [..., ..., 2 * GATE]),
        ("A GRU has two gates, and a candidate with weights of its own.", [..., 2 * GATE, ...]),
        ("Keras' GRU is reset_after=True by default: what does it add?", [..., 3 * GATE, ...]),
    ],
    "One gate has DH + H^2 + H. Count the gates and candidates of each cell.",
)

_STEPS = np.log(0.5) / np.log(1 / (1 + np.exp([-1.0, -5.0])))

EXERCISES["7.3"] = Exercise(
    [3, 104],
    [
        ("Right numbers, wrong order: b_f = 1 comes first.", [104, 3]),
        ("Whole steps are wanted.", [2.21, 103.2], lambda got: close(got, _STEPS, 0.05)),
        ("After so many steps a little more than half is left.", [2, 103]),
        ("The gate stands at sigmoid(b_f), not at b_f.", [1, 0], lambda got: got[1] < 2),
    ],
    "After n steps gate**n is left. For which n is that below one half?",
)


def step(x_t, h, c, w):
    a = {g: x_t @ w[f"W_x{g}"].T + h @ w[f"W_h{g}"].T + w[f"b_{g}"] for g in "ifco"}
    i, f, o = (1 / (1 + np.exp(-a[g])) for g in "ifo")
    c = f * c + i * np.tanh(a["c"])
    return o * np.tanh(c), c


def _weights(rng, D, H, gates):
    """Return weights by name, all of them numbers that nothing else has."""
    shapes = {"W_x": (H, D), "W_h": (H, H), "b_": H}
    return {name + g: rng.normal(size=shape) for g in gates for name, shape in shapes.items()}


EXERCISES["7.4"] = Exercise(
    step,
    [
        ("Two arrays are wanted: h_t and c_t.", ["np.tanh(c), c", "np.tanh(c)"]),
        ("Both are right, but exchanged.", ["o * np.tanh(c), c", "c, o * np.tanh(c)"]),
        ("Input and forget gate are exchanged.", ["i, f, o =", "f, i, o ="]),
        (
            "c_t is off: f times the old memory, plus i times the candidate, a tanh.",
            ['np.tanh(a["c"])', 'a["c"]'],
            lambda got, *case: not close(got[1], step(*case)[1]),
        ),
        ("c_t is right; on its way to h_t it goes through a tanh.", ["o * np.tanh(c)", "o * c"]),
        (
            "c_t is right; h_t comes from it, not from the old memory.",
            ["c = f", "c, c_old = f", 'a["c"])', 'a["c"]), c', "tanh(c)", "tanh(c_old)"],
        ),
    ],
    "c_t is right, h_t is not: which gate stands before tanh(c_t)?",
    cases=lambda rng: [
        (*(rng.normal(size=(B, n)) for n in (D, H, H)), _weights(rng, D, H, "ifco"))
        for B, D, H in ((1, 2, 3), (4, 3, 2))
    ],
)


def convert(w):
    # 1 - sigmoid(a) = sigmoid(-a): only the update gate changes its sign.
    return {name: -array if name.endswith("z") else array for name, array in w.items()}


EXERCISES["7.5"] = Exercise(
    convert,
    [
        (
            "It changes the arrays it was given: return new ones.",
            ["-array", "np.negative(array, out=array)"],
            lambda got, w: any(not close(got["given"][name], w[name]) for name in w),
        ),
        ("Nothing has changed. What is 1 - sigmoid(a), as a sigmoid?", ["-array", "array"]),
        ("All signs have changed; which gate does the convention concern?", ["else ", "else -"]),
        ("The bias is a part of what the sigmoid receives.", ['"z"', '("xz", "hz")']),
        ("1 - z is wanted of the gate, not of its weights.", ["-array", "1 - array"]),
    ],
    "Since sigmoid(-a) = 1 - sigmoid(a), what must happen to a?",
    cases=lambda rng: [(_weights(rng, 3, 4, "zrh"),)],
    run=lambda f, w: {"weights": f(w), "given": w},
)


def forget_weights(kernel, recurrent, bias):
    H = len(recurrent)
    second = slice(H, 2 * H)  # i, f, c, o
    return kernel[:, second].T, recurrent[:, second].T, bias[second]


EXERCISES["7.6"] = Exercise(
    forget_weights,
    [
        ("Keras stores the transpose: W_xf has shape (H, D).", ["second].T", "second]"]),
        ("Keras stores the transpose: W_xf has shape (H, D).", ["l[:, second].T", "l[:, second]"]),
        *(
            (
                f"That is gate {gate}: Keras' order is i, f, c, o.",
                ["slice(H, 2 * H)", f"slice({n} * H, {n} * H + H)"],
                lambda got, kernel, *_, n=n: close(got[0], kernel[:, 4 * n : 4 * n + 4].T),
            )
            for n, gate in ((0, "i"), (2, "c"), (3, "o"))
        ),
        (
            "A gate is H columns in a row, not each fourth.",
            ["slice(H, 2 * H)", "slice(1, None, 4)"],
        ),
        ("W_xf is right; W_hf is stored transposed as well.", ["t[:, second].T", "t[:, second]"]),
    ],
    "The same columns of all three: the second run of H.",
    cases=lambda rng: [tuple(rng.normal(size=shape) for shape in ((3, 16), (4, 16), 16))],
)


def last_state(h, mask):
    return h[np.arange(len(h)), mask.sum(axis=1) - 1]


EXERCISES["7.7"] = Exercise(
    last_state,
    [
        ("That is the state after the padding: where does a sequence end?", lambda h, _: h[:, -1]),
        ("One step too far: steps are counted from 0, lengths from 1.", [" - 1", " % 6"]),
        ("It takes the first sequence's length for all.", lambda h, mask: h[:, mask[0].sum() - 1]),
    ],
    "The number of True in a row says how long the sequence is.",
    cases=lambda rng: [(rng.normal(size=(4, 6, 3)), np.arange(6) < np.array([[4], [1], [6], [3]]))],
)

EXERCISES["7.8"] = Exercise(
    1.9,
    [
        ("That is the prediction. What does `reach` measure?", 3.04, lambda b: 2.95 < b < 3.15),
        ("This is how open the gate would be, not the bias.", 0.9545, lambda b: 0.94 < b < 0.97),
        ("Much less than a hundredth arrives: open the gate further.", 1, lambda b: b < 1.6),
    ],
    "Much more than a hundredth arrives: the gate need not be so open.",
    accepts=lambda b: 1.6 <= b <= 2.2,
)


def join(ahead, back):
    return np.concatenate([ahead, back[:, ::-1]], axis=-1)


EXERCISES["7.9"] = Exercise(
    join,
    [
        ("The backward layer read the last input first: mind its order.", ["[:, ::-1]", ""]),
        ("That turns the order of the sequences; time is the second axis.", ["[:, ", "["]),
        ("That turns the order of the units; time is the second axis.", ["[:, ", "[..., "]),
        ("The forward layer comes first.", ["ahead, back[:, ::-1]", "back[:, ::-1], ahead"]),
    ],
    "Turn one of the two round in time, then join the last axes.",
    cases=lambda rng: [tuple(rng.normal(size=(2, 2, 5, 3)))],
)

EXERCISES["7.10"] = Exercise(
    lambda n: [2] * (n - 1) + [0],
    [
        (
            "Only 2 (another b) and 0 (the end) can follow a b.",
            lambda n: [1] * n,
            lambda got, n: not set(got) <= {0, 2},
        ),
        (
            lambda got, n: f"For n = {n} it never says that the word ends.",
            lambda n: [2] * n,
            lambda got, n: (got == 2).all(),
        ),
    ],
    lambda got, n: f"Right for all n tried below {n}, but not for {n}.",
    cases=lambda rng: [(n,) for n in (1, 2, 5, 10, 15, 20, 25)],
)

EXERCISES["7.11"] = Exercise(
    [np.log(0.5) / np.log(0.99), 3 * (1 - 0.9**50), 0.8 * np.tanh(3)],
    [
        ("The first: each step takes a share of what is left, not always as much.", [50, ..., ...]),
        ("The first: that is for the gate at which the instrument starts.", [22.8, ..., ...]),
        ("The second: so much was written, but the gate forgets meanwhile.", [..., 15, ...]),
        ("The second: there it would settle in the end. A little is missing yet.", [..., 3, ...]),
        ("The third: with f = 1 nothing fades.", [..., ..., 0]),
        ("The third: from c to h the way leads through a tanh and a gate.", [..., ..., 3]),
        ("The third: from c to h the way leads through a tanh and a gate.", [..., ..., 2.4]),
        ("The third: how far is the output gate open?", [..., ..., np.tanh(3)]),
    ],
    [
        "The first: for which n is f**n one half?",
        "The second: add up what is left of each of the fifty, a geometric series.",
        "The third: first c after the steps with input; then o times tanh(c).",
    ],
    tolerance=[0.6, 0.006, 0.005],
)

EXERCISES["7.12"] = Exercise(
    [0.0102, 3.274, 2.602, 0],
    [
        (
            "Right numbers, in another order: RNN, GRU, LSTM.",
            [2.602, 3.274, 0.0102, ...],
            lambda got: got[0] > 1 > got[2],
        ),
        (
            "That is the last character read, at lag 0. The opening mark is 11 back.",
            [5.39, 8.93, 13.86, ...],
            lambda got: close(got[:3], [5.385, 8.932, 13.86], 0.05),
        ),
        ("The RNN: has it a high bar there?", [3, ..., ..., ...], lambda got: got[0] > 1),
        ("GRU, LSTM: look over the first one.", [..., 0, ..., ...], lambda got: min(got[1:3]) < 1),
    ],
    [
        *3 * ['Read the row of lag 11 in "All numbers", with the slider at 12.'],
        "At 125: how many of the three? Others move them so far back, but look at lag 99 itself.",
    ],
    tolerance=[3e-4, 0.1, 0.08, 0],
)
