"""The checks of chapter 3, The text generator."""

import numpy as np

from rnnbook import data
from rnnbook.exercises._old import Hint, array_of, close
from rnnbook.nn.losses import bits_per_token


def check_tokens(answer):
    """3.1: tokens and types of "The rope holds. The water rises."."""
    counts = array_of(answer, (2,), "The answer")
    if counts[1] > counts[0]:
        raise Hint("More types than tokens? Each type has at least one token.")
    if close(counts, [6, 5]):
        raise Hint("These are the words. The marks are tokens too.")
    if close(counts, [8, 8]):
        raise Hint("Some tokens come twice: they are one type.")
    if close(counts, [13, 7]):
        raise Hint("A usual space between two words is no token here.")
    if not close(counts, [8, 6]):
        raise Hint("Write the tokens one below the other, then cross out those that came before.")


def check_measures(answer):
    """3.2: bits and perplexity of the probabilities 1/2, 1/8, 1/4, 1/4."""
    bits, perplexity = array_of(answer, (2,), "The answer")
    if close(bits, 8):
        raise Hint("That is the sum over the text: bits *per token* are asked for.")
    if close(bits, 2 * np.log(2), 2e-3):
        raise Hint("These are nats: take the logarithm to base 2.")
    if close(bits, -np.log2(9 / 32), 2e-3):
        raise Hint("Take the logarithms first, then their mean; not the other way round.")
    if close(bits, -2):
        raise Hint("Mind the sign: a surprise is never negative.")
    if not close(bits, 2):
        raise Hint("1/2 costs one bit, 1/4 costs two: what does 1/8 cost, and what is the mean?")
    if close(perplexity, np.exp(2), 2e-3):
        raise Hint("Bits are powers of 2: e to the power belongs to nats.")
    if not close(perplexity, 4):
        raise Hint("The bits are right. So many bits decide among how many equally likely tokens?")


def check_clocks(answer):
    """3.3: training steps and predictions for 100,001 characters, B = 20, T = 50, 3 epochs."""
    in_epoch, in_all, predictions = array_of(answer, (3,), "The answer")
    if in_epoch == 100_000 // 50:
        raise Hint("All rows of a batch are read in one training step.")
    if in_epoch == 100_000 // 20:
        raise Hint("A training step reads T characters of each row, not one.")
    if in_epoch == 100_000:
        raise Hint("Those are the predictions of an epoch. How many make one update?")
    if in_epoch != 100:
        raise Hint("Divide what an epoch has to predict by what one batch predicts.")
    if in_all != 3 * in_epoch:
        raise Hint("The epoch is right. An epoch is one pass: how many passes are there?")
    if predictions == 50:
        raise Hint("That is one row. A batch has more of them.")
    if predictions != 1000:
        raise Hint("Every time step of every row predicts one character.")


def check_sizes(answer):
    """3.4: parameters for V = 5000, D = 100, H = 200."""
    embedding, recurrent, output = array_of(answer, (3,), "The answer")
    if embedding == 5000 * 200:
        raise Hint("A row of the embedding has D numbers, not H.")
    if embedding != 5000 * 100:
        raise Hint("The embedding has a row for each type.")
    if recurrent == 5000 * 200 + 200 * 200 + 200:
        raise Hint("The recurrent layer hears the embedding, not the one-hot code.")
    if recurrent == 200 * 100 + 200:
        raise Hint("The layer hears its own state too.")
    if recurrent == 200 * 100 + 200 * 200:
        raise Hint("The two matrices are right. Is something added to the sum?")
    if recurrent != 200 * 100 + 200 * 200 + 200:
        raise Hint("Write down the shapes of W_xh, W_hh and b_h.")
    if output == 5000 * 200:
        raise Hint("The output layer has a bias for each type.")
    if output != 5000 * 200 + 5000:
        raise Hint("Write down the shapes of W_hy and b_y: one logit a type.")


def check_softmax(softmax):
    """3.5: a softmax of rows that does not overflow."""
    rng = np.random.default_rng(0)
    for B, V in ((3, 4), (4, 6)):
        z = rng.normal(size=(B, V)) * 3
        p = np.exp(z)
        _compare_softmax(array_of(softmax(z.copy()), (B, V), "The result"), p)
        with np.errstate(all="ignore"):
            large = array_of(softmax(z + 5000), (B, V), "The result")
        if not np.isfinite(large).all():
            raise Hint("Small logits are right; logits of 5,000 overflow: subtract what first?")
        if not close(large, p / p.sum(axis=1, keepdims=True), 1e-5):
            raise Hint("A constant added to all logits must change nothing.")
    rows = np.array([[0.0, 1.0], [-3000.0, -3001.0]])  # one maximum for all would leave 0 / 0
    with np.errstate(all="ignore"):
        got = array_of(softmax(rows), (2, 2), "The result")
    if not np.isfinite(got).all():
        raise Hint("Each row needs a maximum of its own: one row is large here, another small.")


def _compare_softmax(got, p):
    if close(got, p):
        raise Hint("These are the exponentials: divide by their sum.")
    if close(got, p / p.sum()):
        raise Hint("The whole array sums to 1; each row should. Which axis is summed?")
    if close(got, p / p.sum(axis=0)):
        raise Hint("Each column sums to 1; each row should. Which axis is summed?")
    if not close(got, p / p.sum(axis=1, keepdims=True)):
        raise Hint("Try it on one row of two logits, 0 and ln 3: it must give 1/4 and 3/4.")


def check_bits(bits_per_char):
    """3.6: bits per character of a model of words."""
    rng = np.random.default_rng(0)
    for text in ("the games begin", "a rope, a bell and a lamp"):
        p = rng.uniform(0.01, 0.9, len(text.split()))
        got = float(array_of(bits_per_char(p, text), (), "The result"))
        bits = -np.log2(p)
        if close(got, bits.mean()):
            raise Hint("That is per word. The currency is the character.")
        if close(got, -bits.sum() / len(text)):
            raise Hint("Mind the sign: a cost is not negative.")
        if close(got, -np.log(p).sum() / len(text)):
            raise Hint("These are nats: take the logarithm to base 2.")
        if close(got, bits.sum()):
            raise Hint("These are the bits of the whole text: divide by its length.")
        if close(got, bits.sum() / len(text.replace(" ", ""))):
            raise Hint("The spaces are characters of the text too.")
        if not close(got, bits.sum() / len(text)):
            raise Hint("Add up the bits of all words, and divide once.")


def check_nucleus(nucleus):
    """3.7: top-p."""
    for p, share in (
        ([0.1, 0.4, 0.2, 0.3], 0.65),
        ([0.1, 0.4, 0.2, 0.3], 0.8),
        ([0.05, 0.05, 0.9], 0.5),
        ([0.3, 0.7], 1.0),
    ):
        p = np.array(p)
        _compare_nucleus(array_of(nucleus(p.copy(), share), p.shape, "The result"), p, share)


def _compare_nucleus(got, p, share):
    order = np.argsort(-p)
    n = int(np.sum(p[order].cumsum() < share - 1e-9)) + 1
    wanted = np.where(np.isin(np.arange(len(p)), order[:n]), p, 0)
    if close(got, wanted) and n < len(p):
        raise Hint("The right types are kept; their probabilities must sum to 1 again.")
    if close(got, 0) or not np.isfinite(got).all():
        raise Hint("Nothing is left: the most probable type is always kept.")
    if not close(got.sum(), 1):
        raise Hint(f"The result sums to {got.sum():.2f}, not to 1.")
    if close(got[: len(p)], (wanted / wanted.sum())[order]) and not close(p, p[order]):
        raise Hint("Sorted from the most probable on: put each type back in its place.")
    kept = int((got > 0).sum())
    if kept < n:
        raise Hint(f"For share {share} it keeps {kept} types, which sum to less than that.")
    if kept > n:
        raise Hint(f"For share {share} it keeps {kept} types; fewer would do.")
    if not close(got, wanted / wanted.sum()):
        raise Hint("The number of types is right: are they the most probable ones?")


def check_repeated(repeated):
    """3.8: the longest passage that stands in a text more than once."""
    for written, wanted, apart in (
        ("the bell and the rope", "the ", "the "),
        ("xyz", "", ""),
        ("two two two", "two two", "two "),
        ("ab cd cd ab", " cd ", " cd"),
        ("xa xb ya yb", "a ", "a "),
    ):
        got = repeated(written)
        if isinstance(got, int):
            raise Hint("The passage itself is wanted, not its length.")
        if not isinstance(got, str):
            raise Hint(f"A string is wanted, got {type(got).__name__}.")
        if got == written:
            raise Hint("Each passage stands in its own place: look for it further on only.")
        if got not in written or got not in written[written.index(got) + 1 :]:
            raise Hint(f"{got!r} does not stand twice in {written!r}.")
        if got == apart != wanted:
            raise Hint("The two places may overlap.")
        if len(got) < len(wanted):
            raise Hint(f"In {written!r} there is a longer one than {got!r}.")
        if got != wanted:
            raise Hint(f"{got!r} is as long as {wanted!r}, but does not come first.")


def check_temperature(answer):
    """3.9: the temperature that gives the fewest held-out bits."""
    temperature = float(array_of(answer, (), "The temperature"))
    if temperature <= 0:
        raise Hint("A temperature is above 0.")
    if temperature < 0.8:
        raise Hint("Text written at it may look better; the bits on held-out text get worse.")
    if temperature > 1.25:
        raise Hint("Too hot: is it the logits that you divide, or do you multiply them?")
    if not 0.85 <= temperature <= 1.15:
        raise Hint(
            "Near, but not the lowest: try all temperatures from 0.5 to 1.5, in steps of 0.05."
        )


def check_better(answer):
    """3.10: fewer than 1.85 bits a character on the validation chapters."""
    log_p = array_of(answer, (len(data.novel("validation")),), "The log-probabilities")
    if not np.isfinite(log_p).all():
        raise Hint("Some are infinite or NaN: a model must hold nothing for impossible.")
    if ((log_p >= 0) & (log_p <= 1)).all():
        raise Hint("These look like probabilities: take the natural logarithm.")
    if log_p.max() > 1e-6:
        raise Hint("A log-probability is at most 0: is the sign turned round?")
    bits = bits_per_token(log_p)
    if bits < 1:
        raise Hint(f"{bits:.2f} bits is too good: has the model seen the validation chapters?")
    if bits >= 1.85:
        raise Hint(f"{bits:.3f} bits; fewer than 1.85 are wanted. Mix models, or train longer.")


def check_knobs(answer):
    """3.11: greedy texts, and what top-p keeps at two temperatures."""
    texts, cool, hot = array_of(answer, (3,), "The answer")
    if texts == 10:
        raise Hint("With k = 1 a single character is left at each step: what can a seed change?")
    if texts != 1:
        raise Hint("First number: write twice with two seeds and k = 1, and compare.")
    if cool == 78:
        raise Hint("Second number: all characters can follow, so top-p is not chosen yet.")
    if cool != 1:
        raise Hint("Second number: the last sentence says how many can follow. What follows a q?")
    if hot == 1:
        raise Hint("Third number: this is the one of temperature 1. Move the temperature to 2.")
    if hot == 78:
        raise Hint("Third number: all can follow, so top-p was switched off.")
    if hot != 3:
        raise Hint("Third number: check the prompt, letter by letter, and that p is 0.9.")


CHECKS = {
    "3.1": check_tokens,
    "3.2": check_measures,
    "3.3": check_clocks,
    "3.4": check_sizes,
    "3.5": check_softmax,
    "3.6": check_bits,
    "3.7": check_nucleus,
    "3.8": check_repeated,
    "3.9": check_temperature,
    "3.10": check_better,
    "3.11": check_knobs,
}
