"""The exercises of chapter 3, The text generator."""

import numpy as np

from rnnbook import data
from rnnbook.exercises.engine import Exercise, close

EXERCISES = {}

EXERCISES["3.1"] = Exercise(
    [8, 6],
    [
        ("More types than tokens? Each has a token.", [6, 8], lambda got: got[1] > got[0]),
        ("These are the words. The marks are tokens too.", [6, 5]),
        ("Some tokens come twice: they are one type.", [8, 8]),
        ("A usual space between two words is no token here.", [13, 7]),
    ],
    "Write the tokens one below the other, then cross out those that came before.",
)

EXERCISES["3.2"] = Exercise(
    [2.0, 4.0],
    [
        ("That is the sum over the text: bits *per token* are asked for.", [8, ...]),
        ("These are nats: take the logarithm to base 2.", [2 * np.log(2), ...]),
        ("Take the logarithms first, and then their mean.", [-np.log2(9 / 32), ...]),
        ("Mind the sign: a surprise is never negative.", [-2, ...]),
        ("Bits are powers of 2: e to the power belongs to nats.", [2, np.exp(2)]),
    ],
    [
        "1/2 costs one bit, 1/4 costs two: what does 1/8 cost, and what is the mean?",
        "The bits are right. So many bits decide among how many equally likely tokens?",
    ],
    tolerance=0.002,
)

EXERCISES["3.3"] = Exercise(
    [100, 300, 1000],
    [
        ("All rows of a batch are read in one training step.", [2000, ..., ...]),
        ("A training step reads T characters of each row, not one.", [5000, ..., ...]),
        ("Those are the predictions of an epoch. How many make one update?", [100_000, ..., ...]),
        ("That is one row. A batch has more of them.", [..., ..., 50]),
    ],
    [
        "Divide what an epoch has to predict by what one batch predicts.",
        "The epoch is right. An epoch is one pass: how many passes are there?",
        "Every time step of every row predicts one character.",
    ],
)

EXERCISES["3.4"] = Exercise(
    [500_000, 60_200, 1_005_000],
    [
        ("A row of the embedding has D numbers, not H.", [1_000_000, ..., ...]),
        ("The recurrent layer receives the embedding, not one-hot codes.", [..., 1_040_200, ...]),
        ("The layer receives its own state too.", [..., 20_200, ...]),
        ("The two matrices are right. Is something added to the sum?", [..., 60_000, ...]),
        ("The output layer has a bias for each type.", [..., ..., 1_000_000]),
    ],
    [
        "The embedding has a row for each type.",
        "Write down the shapes of W_xh, W_hh and b_h.",
        "Write down the shapes of W_hy and b_y: one logit a type.",
    ],
)


def softmax(u):
    p = np.exp(u - u.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


EXERCISES["3.5"] = Exercise(
    softmax,
    [
        ("These are the exponentials: divide by their sum.", np.exp),
        (
            "The whole array sums to 1; each row should. Which axis is summed?",
            ["p.sum(axis=1, keepdims=True)", "p.sum()"],
            lambda got, u: close(got.sum(), 1),
        ),
        (
            "Each column sums to 1; each row should. Which axis is summed?",
            ["p.sum(axis=1", "p.sum(axis=0"],
            lambda got, u: close(got.sum(axis=0), np.ones(u.shape[1])),
        ),
        (
            "Each row needs a maximum of its own: one row is large here, another small.",
            ["u.max(axis=1, keepdims=True)", "u.max()"],
        ),
        ("It overflows where one logit stands out from the mean.", ["u.max", "u.mean"]),
        (
            "Small logits are right; logits of 5,000 overflow: subtract what first?",
            ["u - u.max(axis=1, keepdims=True)", "u"],
        ),
        (
            "It overflows where a later logit is larger than the first one.",
            ["u.max(axis=1, keepdims=True)", "u[:, :1]"],
        ),
        (
            "A constant added to all logits must change nothing.",
            ["u - u.max(axis=1, keepdims=True)", "np.minimum(u, 50)"],
            lambda got, u: u.max() > 100,
        ),
    ],
    "Try it on one row of two logits, 0 and ln 3: it must give 1/4 and 3/4.",
    cases=lambda rng: [
        (3 * rng.normal(size=(3, 4)),),
        (3 * rng.normal(size=(4, 6)) + 5000,),
        (np.array([[0.0, 1.0], [-3000.0, -3001.0]]),),
        (np.array([[0.0, 5000.0, 0.0], [5000.0, 0.0, 0.0]]),),
    ],
)


def bits_per_char(p, text):
    return -np.log2(p).sum() / len(text)


EXERCISES["3.6"] = Exercise(
    bits_per_char,
    [
        ("That is per word. The currency is the character.", ["sum() / len(text)", "mean()"]),
        ("Mind the sign: a cost is not negative.", ["-np", "np"]),
        ("These are nats: take the logarithm to base 2.", ["log2", "log"]),
        ("These are the bits of the whole text: divide by its length.", [" / len(text)", ""]),
        ("The spaces are characters of the text too.", ["len(text)", 'len(text.replace(" ", ""))']),
        ("The text is written: don't weigh a word once more.", ["np.log2(p)", "(p * np.log2(p))"]),
        (
            "That is a perplexity, 2 to the power of the bits.",
            ["return -np.log2(p).sum() / len(text)", "return 2 ** (-np.log2(p).sum() / len(text))"],
        ),
        ("That is the perplexity of a word.", lambda p, text: 2 ** -np.log2(p).mean()),
    ],
    "Add up the bits of all words, and divide once.",
    cases=lambda rng: [
        (rng.uniform(0.01, 0.9, len(text.split())), text)
        for text in ("the games begin", "a rope, a bell and a lamp")
    ],
)


def nucleus(p, share):
    order = np.argsort(-p)
    enough = np.searchsorted(p[order].cumsum(), share - 1e-12) + 1
    kept = np.zeros_like(p)
    kept[order[:enough]] = p[order[:enough]]
    return kept / kept.sum()


def _kept(got, p, share):
    """Return how many types an answer keeps, and how many are enough."""
    return int((got > 0).sum()), int((nucleus(p, share) > 0).sum())


EXERCISES["3.7"] = Exercise(
    nucleus,
    [
        ("The right types are kept; they must sum to 1 again.", [" / kept.sum()", ""]),
        (
            "Nothing is left: the most probable type is always kept.",
            ["kept / kept.sum()", "0 * p"],
            lambda got, p, share: not got.any(),
        ),
        ("Nothing is left: the most probable type is always kept.", [" + 1", " - 1"]),
        (
            "The result does not sum to 1.",
            ["return ", "return 2 * "],
            lambda got, p, share: not close(got.sum(), 1),
        ),
        (
            "Sorted from the most probable on: put each type back in its place.",
            ["kept / kept.sum()", "(kept / kept.sum())[order]"],
        ),
        (
            lambda got, p, share: f"Those kept sum to less than the share {share}.",
            lambda p, share: nucleus(p, share / 2),
            lambda got, p, share: np.less(*_kept(got, p, share)),
        ),
        (
            lambda got, p, share: f"To reach the share {share}, fewer types would do.",
            ["12) + 1", "12) + 2"],
            lambda got, p, share: np.greater(*_kept(got, p, share)),
        ),
    ],
    "The number of types is right: are they the most probable ones?",
    cases=lambda rng: [
        (np.array(p), share)
        for p, share in (
            ([0.1, 0.4, 0.2, 0.3], 0.65),
            ([0.1, 0.4, 0.2, 0.3], 0.8),
            ([0.05, 0.05, 0.9], 0.5),
            ([0.3, 0.7], 1.0),
        )
    ],
)


def repeated(written):
    # The source is now the text itself, from the next character on:
    # otherwise each passage would find itself.
    best, n = "", 1
    for start in range(len(written)):  # only a longer passage is of interest
        while written[start : start + n] in written[start + 1 :]:
            best, n = written[start : start + n], n + 1
    return best


def _twice(got, written):
    return got in written and got in written[written.index(got) + 1 :]


EXERCISES["3.8"] = Exercise(
    repeated,
    [
        (
            "Each passage stands in its own place: look for it further on only.",
            ["start + 1 :", "start:", "while ", "while start + n <= len(written) and "],
        ),
        (
            lambda got, written: f"{got!r} does not stand twice in {written!r}.",
            lambda written: written[:5],
            lambda got, written: not _twice(got, written),
        ),
        ("The two places may overlap.", ["start + 1 :", "start + n :"]),
        (
            lambda got, written: f"In {written!r} there is a longer one than {got!r}.",
            lambda written: repeated(written)[:3],
            lambda got, written: len(got) < len(repeated(written)),
        ),
    ],
    lambda got, written: f"{got!r} is long enough, but another one comes first.",
    cases=lambda rng: [
        (written,)
        for written in ("the bell and the rope", "xyz", "two two two", "ab cd cd ab", "xa xb ya yb")
    ],
)

EXERCISES["3.9"] = Exercise(
    1.0,
    [
        ("A temperature is above 0.", 0, lambda got: got <= 0),
        ("Its text may look better; held-out text costs more.", 0.5, lambda got: got < 0.8),
        ("Too hot: are the logits divided by it, or multiplied?", 1.5, lambda got: got > 1.25),
    ],
    "Near, but not the lowest: try all from 0.5 to 1.5, in steps of 0.1.",
    accepts=lambda got: 0.96 < got < 1.04,
)


def _bits(log_p):
    return -log_p.mean() / np.log(2)


_HELD = len(data.novel("validation"))

EXERCISES["3.10"] = Exercise(
    np.full(_HELD, -1.2),
    [
        (
            "These look like probabilities: take the natural logarithm.",
            np.full(_HELD, 0.4),
            lambda got: got.min() >= 0 and got.max() <= 1,
        ),
        (
            "A log-probability is at most 0: is the sign turned round?",
            np.full(_HELD, 1.2),
            lambda got: got.max() > 1e-6,
        ),
        (
            lambda got: (
                f"{_bits(got):.2f} bits is too good: is this the natural logarithm, and was the "
                "model trained without the validation chapters?"
            ),
            np.full(_HELD, -0.5),
            lambda got: _bits(got) < 1.5,
        ),
    ],
    lambda got: (
        f"{_bits(got):.3f} bits, if this is the natural logarithm; fewer than 1.76 are wanted. "
        "Mix models: the net with another table, and choose its share."
    ),
    accepts=lambda got: 1.5 <= _bits(got) < 1.76 and got.max() <= 1e-6,
)

EXERCISES["3.11"] = Exercise(
    [1, 1, 3],
    [
        ("With k = 1 one character is left at each step: what can a seed change?", [10, ..., ...]),
        ("Second number: all characters can follow, so top-p is not chosen yet.", [1, 78, ...]),
        ("Third number: this is the one of temperature 1. Move it to 2.", [1, 1, 1]),
        ("Third number: all can follow, so top-p was switched off.", [1, 1, 78]),
    ],
    [
        "First number: write twice with two seeds and k = 1, and compare.",
        "Second number: the last sentence says how many can follow. What follows a q?",
        "Third number: check the prompt, letter by letter, and that p is 0.9.",
    ],
)

EXERCISES["3.12"] = Exercise(
    [13 / 18, 1 / 9],
    [
        ("These are bare counts: c, never seen after b, must keep a chance.", [1, 0]),
        ("The last b has no successor: how often was b followed by something?", [13 / 27, 2 / 27]),
        ("Order 1 is smoothed too: what stands below it?", [3 / 4, 1 / 12]),
        ("That is order 1. Mix it with what followed the b.", [4 / 9, 2 / 9]),
        ("types(b) is how many different ones followed b: only one.", [17 / 27, 4 / 27]),
        (
            "Divide by count(b) + types(b): all probabilities after b must sum to 1.",
            [13 / 9, 2 / 9],
        ),
    ],
    [
        "p(a) is 4/9, as in the text. What are count(b, a), count(b) and types(b)?",
        "The first is right. For c, count(b, c) is 0: what is left of the fraction?",
    ],
    tolerance=0.002,
)


def write(read, prompt, n, choose):
    state = None
    for token in prompt:
        p, state = read(token, state)
    written = []
    for _ in range(n):
        token = choose(p)
        written.append(token)
        p, state = read(token, state)
    return written


class _Net:
    """A net of 8 units that reads 6 types; its weights are drawn."""

    def __init__(self, rng):
        self.W_x, self.W_h, self.W_y = (rng.normal(size=size) for size in ((6, 8), (8, 8), (8, 6)))

    def read(self, token, state=None):
        state = np.tanh(self.W_x[token] + (0 if state is None else state @ self.W_h))
        p = np.exp(state @ self.W_y)
        return p / p.sum(), state


class _Choice:
    """Draw a token; a copy draws the same ones."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def __call__(self, p):
        return int(self.rng.choice(len(p), p=p))


EXERCISES["3.13"] = Exercise(
    write,
    [
        (
            "The prompt stands in front: return the new tokens alone.",
            ["n = []", "n = list(prompt)"],
        ),
        (
            "Call choose(p): the most probable token is only one choice.",
            ["choose(p)", "p.argmax()"],
        ),
        (
            "It forgets while it writes: read each chosen token with the state.",
            ["read(token, state)\n    return", "read(token, None)\n    return"],
        ),
        (
            "Of the prompt only the last token counts: carry the state through all of it.",
            ["in prompt", "in prompt[-1:]"],
        ),
        (
            "The state is carried, but what was chosen is not what is read next.",
            ["append(token)", "append(choose(p))"],
        ),
        (
            "The last token of the prompt is read twice.",
            ["    written = []", "    p, state = read(token, state)\n    written = []"],
        ),
    ],
    "Which token does the net read at each step, and with which state?",
    cases=lambda rng: [(_Net(rng).read, [1, 4, 2, 0], 12, _Choice(seed)) for seed in (0, 1)],
)
