"""The exercises of chapter 8, A chapter of your own."""

import numpy as np

from rnnbook import data
from rnnbook.exercises.engine import Exercise, close

EXERCISES = {}

LAYER = 64 * 256 + 256 * 256 + 256

EXERCISES["8.1"] = Exercise(
    [80 * 64, 4 * LAYER, 256 * 80 + 80],
    [
        ("That is a tanh layer. An LSTM has several side by side.", [..., LAYER, ...]),
        ("Three gates, and what else? The candidate counts too.", [..., 3 * LAYER, ...]),
        ("Three gates, and what else? The candidate counts too.", [..., 3 * (LAYER + 256), ...]),
        ("The LSTM receives the embedding, not one-hot codes.", [..., 4 * (LAYER + 4096), ...]),
        ("The biases are missing.", [..., 4 * (LAYER - 256), ...]),
        ("The biases are missing.", [..., ..., 256 * 80]),
        ("The output layer receives the state, not the embedding.", [..., ..., 64 * 80 + 80]),
    ],
    "A table of V rows; four times a layer's weights; a matrix and a bias.",
)

EXERCISES["8.2"] = Exercise(
    [300, 6000, 300],
    [
        ("A step reads T characters in each of the B rows: divide by both.", [19_200, ..., ...]),
        ("A step reads T characters in each of the B rows: divide by both.", [9_600, ..., ...]),
        ("The second number is that of all epochs.", [300, 300, 15], lambda got: got[1] == got[0]),
        ("The warm-up is a share of all steps, not of one epoch's.", [300, ..., 15]),
    ],
    "The last character is a target only. Then divide by what one step reads.",
)

EXERCISES["8.3"] = Exercise(
    [3500, 8 / 1.75],
    [
        ("These are bits. How many of them make a byte?", [28_000, ...]),
        ("Upside down: it asks how many times smaller.", [..., 1.75 / 8]),
        ("No perplexity is needed: bits add up.", [6727, ...], lambda got: 6680 < got[0] < 6780),
    ],
    "All characters times the bits of one, then bits to bytes.",
    tolerance=[1, 0.05],
)

EXERCISES["8.4"] = Exercise(
    [True, False, True, False, True],
    [],
    [
        "Think again about (a): that is what stateful means.",
        "Think again about (b): the state is carried as a number; what is behind it is gone. "
        "Chapter 4 has the word.",
        "Think again about (c): Keras does not know where a text ends.",
        "Think again about (d): which text would row 0 then go on with?",
        "Think again about (e): one state is kept for each row.",
    ],
)


def rate(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / (steps - warmup)
    return peak * (1 + np.cos(np.pi * done)) / 2


EXERCISES["8.5"] = Exercise(
    rate,
    [
        ("At step 0 it is zero, and nothing is learned: look at s + 1.", ["(step + 1)", "step"]),
        (
            "Before the warm-up ends, a straight line that reaches the peak.",
            ["(step + 1)", "(step + 2)"],
            lambda got, step, steps, peak, warmup: step < warmup,
        ),
        (
            "The cosine begins at the end of the warm-up, not at step 0.",
            ["(step - warmup) / (steps - warmup)", "step / steps"],
        ),
        ("A cosine runs from 1 to -1: lift it, and halve it.", ["(1 + ", "(0 + ", " / 2", ""]),
        (
            "That is a straight line down; a cosine is wanted.",
            ["(1 + np.cos(np.pi * done)) / 2", "(1 - done)"],
        ),
    ],
    "Which share of the way from the warm-up's end to the last step is done?",
    cases=lambda rng: [
        (step, steps, peak, warmup)
        for steps, peak, warmup in ((1000, 4e-3, 100), (50, 1.0, 10))
        for step in (0, warmup - 1, warmup, steps // 2, (3 * steps) // 4, steps - 1)
    ],
    tolerance=1e-6,
)


def rows(ids, B, T):
    n = (len(ids) - 1) // (B * T)  # batches
    return ids[: B * n * T].reshape(B, n, T).swapaxes(0, 1)


def _each_row(ids, B, T):
    """Cut off the rest of each row, not of the text: as right."""
    L = (len(ids) - 1) // B
    return ids[: B * L].reshape(B, L)[:, : L // T * T].reshape(B, -1, T).swapaxes(0, 1)


EXERCISES["8.6"] = Exercise(
    rows,
    [
        ("The last token is a target only, and no input.", ["(len(ids) - 1)", "len(ids)"]),
        ("Row 0 goes on in row 1, not in the next batch.", ["B, n, T).swapaxes(0, 1)", "n, B, T)"]),
        ("These are the targets; the inputs begin with the first token.", ["ids[:", "ids[1:][:"]),
    ],
    "Cut the text into B long rows first, and each of them into pieces of T.",
    cases=lambda rng: [(np.arange(n), B, T) for n, B, T in ((25, 2, 3), (101, 4, 5), (32, 4, 4))],
    accepts=lambda got, *case: any(close(got, f(*case)) for f in (rows, _each_row)),
)


def stop(held_out, patience):
    best = 0
    for epoch in range(len(held_out)):
        if held_out[epoch] < held_out[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return [epoch + 1, best + 1]


EXERCISES["8.7"] = Exercise(
    stop,
    [
        ("Epochs are counted from 1 here.", ["+ 1", ""]),
        (
            "Keep the weights of the best epoch, not of the last one.",
            ["best + 1", "epoch + 1"],
            lambda got, *case: got[0] == got[1] == stop(*case)[0],
        ),
        (
            "One epoch too long: patience 1 stops after the first one without a gain.",
            [">=", ">"],
            lambda got, *case: got[0] == stop(*case)[0] + 1,
        ),
        ("It never stops. How long ago was the best epoch?", ["break", "pass"]),
    ],
    lambda got, held_out, patience: (
        f"Of {held_out} with patience {patience} it makes {got.tolist()}: go through it by hand."
    ),
    cases=lambda rng: [
        ([3.0, 2.5, 2.4, 2.45, 2.41, 2.42, 2.3], 2),
        ([3.0, 2.0, 1.0], 2),
        ([2.0, 2.1, 1.9, 2.2, 2.3, 2.4], 3),
        ([2.0, 2.0, 2.0], 1),
    ],
)


def copied(written, source, n):
    known = {source[j : j + n] for j in range(len(source) - n + 1)}
    mark = np.zeros(len(written), bool)
    for j in range(len(written) - n + 1):
        if written[j : j + n] in known:
            mark[j : j + n] = True
    return mark.mean()


EXERCISES["8.8"] = Exercise(
    copied,
    [
        (
            "That is the share of passages. A copied passage covers n characters.",
            ["j + n] = ", "j + 1] = ", "mark.mean()", "mark[: max(1, len(mark) - n + 1)].mean()"],
        ),
        ("A share is wanted, from 0 to 1, not percent.", ["return ", "return 100 * "]),
        ("Passages may overlap.", ["] in known", "] in known and not mark[j]"]),
        ("That is the share that is new.", ["return ", "return 1 - "]),
        (
            "More than all of it: a character that lies in two passages counts once.",
            ["return ", "return 1 + "],
            lambda got, *case: got > 1,
        ),
    ],
    lambda got, written, source, n: (
        f"Of {written!r} from {source!r} at n = {n}, mark each character by hand."
    ),
    cases=lambda rng: [
        ("abcdef", "xxabcxx", 3),
        ("abcabc", "abc", 3),
        ("abcd", "abcd", 2),
        ("qrs", "abc", 2),
        ("ab", "abc", 3),
        ("aabcd", "xabcx", 2),
    ],
)

EXERCISES["8.9"] = Exercise(
    [38.9, 2.5, 6.2],
    [
        (
            "The first two are exchanged: does a low temperature level the bars?",
            [2.5, 38.9, ...],
            lambda got: got[1] > 30,
        ),
        ("The logits are divided. What does exp do to a doubled difference?", [12.5, ..., ...]),
        ("The logits are divided. What does exp do to a doubled difference?", [..., 3.1, ...]),
        ("That is the ratio at temperature 1: move the knob.", [6.2, ..., ...]),
        ("That is the ratio at temperature 1: move the knob.", [..., 6.2, ...]),
        ("Third number: set the temperature back to 1.", [..., ..., 38.9]),
        ("Third number: set the temperature back to 1.", [..., ..., 2.5]),
    ],
    [
        "First number: the ratio at temperature 0.5. Is the prompt right to the letter?",
        "Second number: the ratio at temperature 2, the longest bar over the second.",
        "Third number: what top-k leaves out is shared among those that stay. How?",
    ],
    tolerance=[2, 0.1, 0.2],
)

EXERCISES["8.10"] = Exercise(
    0.75,
    [
        ("A share lies between 0 and 1.", 1.5, lambda share: not 0 <= share <= 1),
        ("That leaves one of the two out; try between them.", 1, lambda share: share in (0, 1)),
        ("Equal shares; but the net is the better one.", 0.5, lambda share: 0.49 < share < 0.51),
        ("Is that the table's share? The net's is asked for.", 0.25, lambda share: share < 0.5),
    ],
    "Write down the bits for each share in steps of 0.05, and look for the least.",
    tolerance=0.06,
)

# Bits per character on the validation chapters; the LSTM's own 1.6976 is no answer.
SIX_GRAM, LARGE_LSTM = 1.9029, 1.6975
N_HELD = len(data.novel("validation"))


def _bits(log_p):
    return -log_p.mean() / np.log(2)


EXERCISES["8.11"] = Exercise(
    np.full(N_HELD, -1.69 * np.log(2)),
    [
        (
            "A log-probability is never above 0: are these bits, or their negatives?",
            np.full(N_HELD, 0.5),
            lambda log_p: log_p.max() > 1e-6,
        ),
        (
            "Less than half a bit is too good. Was the model trained on these very chapters?",
            np.full(N_HELD, -0.01),
            lambda log_p: _bits(log_p) < 0.5,
        ),
        (
            lambda log_p: f"{_bits(log_p):.2f} bits: the 6-gram does as well. Train longer?",
            np.full(N_HELD, -3.0),
            lambda log_p: _bits(log_p) >= SIX_GRAM,
        ),
    ],
    lambda log_p: f"{_bits(log_p):.3f} bits: better than counting, but the large LSTM needs 1.698.",
    accepts=lambda log_p: log_p.max() <= 1e-6 and 0.5 <= _bits(log_p) < LARGE_LSTM,
)
