"""The checks of chapter 8, A chapter of your own."""

import numpy as np

from rnnbook import data
from rnnbook.exercises._old import Hint, array_of, close
from rnnbook.nn.losses import bits_per_token
from rnnbook.text import Vocabulary

SHIPPED = 1.6975  # bits per character on the validation chapters: just below the large LSTM's


def check_sizes(answer):
    """8.1: the parameters of embedding, LSTM and output."""
    got = array_of(answer, (3,), "The answer")
    lstm = 64 * 256 + 256 * 256 + 256
    if close(got[1], lstm):
        raise Hint("That is a tanh layer. How many of them does an LSTM have side by side?")
    if close(got[1], 3 * lstm) or close(got[1], 3 * (lstm + 256)):
        raise Hint("Three gates, and what else? The candidate has weights too.")
    if close(got[1], 4 * (80 * 256 + 256 * 256 + 256)):
        raise Hint("The LSTM hears the embedding, not the one-hot code.")
    if close(got[1], 4 * (64 * 256 + 256 * 256)) or close(got[2], 256 * 80):
        raise Hint("The biases are missing.")
    if close(got[2], 64 * 80 + 80):
        raise Hint("The output layer hears the state, not the embedding.")
    if not close(got, [80 * 64, 4 * lstm, 256 * 80 + 80]):
        raise Hint("A table of V rows; four times a layer's weights; a matrix and a bias.")


def check_clocks(answer):
    """8.2: steps in an epoch, in all, and in the warm-up."""
    got = array_of(answer, (3,), "The answer")
    if close(got[0], 614_401 // 32) or close(got[0], 614_401 // 64):
        raise Hint("A step reads T characters in each of the B rows: divide by both.")
    if close(got[1], got[0]):
        raise Hint("The second number is that of all epochs.")
    if close(got[0], 300) and close(got[2], 15):
        raise Hint("The warm-up is a share of all steps, not of one epoch's.")
    if not close(got, [300, 6000, 300]):
        raise Hint("The last character is a target only. Then divide by what one step reads.")


def check_packed(answer):
    """8.3: bytes of a compressed chapter, and the ratio."""
    got = array_of(answer, (2,), "The answer")
    if close(got[0], 28_000, 1):
        raise Hint("These are bits. How many of them make a byte?")
    if close(got[1], 1.75 / 8, 1e-3):
        raise Hint("Upside down: it asks how many times smaller.")
    if close(got[0], 16_000 * 2**1.75 / 8, 50):
        raise Hint("No perplexity is needed: bits add up.")
    if not (close(got[0], 3500, 1) and close(got[1], 8 / 1.75, 0.05)):
        raise Hint("All characters times the bits of one, then bits to bytes.")


def check_verdicts(answer):
    """8.4: five sentences about a stateful model."""
    if not isinstance(answer, list | tuple) or len(answer) != 5:
        raise Hint("A list of five is wanted, each True or False.")
    if any(v not in (True, False) for v in answer):
        raise Hint("Each of the five is True or False.")
    hints = (
        "(a): that is what stateful means.",
        "(b): the state is carried as a number; what is behind it is gone. Chapter 4 has the word.",
        "(c): Keras does not know where a text ends.",
        "(d): which text would row 0 then go on with?",
        "(e): one state is kept for each row.",
    )
    for given, wanted, words in zip(answer, (True, False, True, False, True), hints, strict=True):
        if given != wanted:
            raise Hint(f"Think again about {words}")


def check_rate(rate):
    """8.5: a warm-up and a cosine."""
    for steps, peak, warmup in ((1000, 4e-3, 100), (50, 1.0, 10)):
        at = [0, warmup - 1, warmup, (steps + warmup) // 2, steps - 1]
        got = [float(array_of(rate(s, steps, peak, warmup), (), "The rate")) for s in at]
        done = (np.array(at) - warmup) / (steps - warmup)
        wanted = peak * (1 + np.cos(np.pi * done)) / 2
        wanted[:2] = peak / warmup, peak
        if close(got, wanted, 1e-9):
            continue
        if close(got[0], 0, 1e-12):
            raise Hint("At step 0 it is zero: the first step would learn nothing. Look at s + 1.")
        if not close(got[:2], wanted[:2], 1e-9):
            raise Hint("Before the warm-up ends, a straight line that reaches the peak.")
        if close(got[2:], peak * (1 + np.cos(np.pi * np.array(at[2:]) / steps)) / 2, 1e-9):
            raise Hint("The cosine begins at the end of the warm-up, not at step 0.")
        if close(got[3], peak * np.cos(np.pi * 0.5), 1e-6) or got[4] < 0:
            raise Hint("A cosine runs from 1 to -1: lift it, and halve it.")
        if close(got[3:], peak * (1 - done[3:]), 1e-9):
            raise Hint("That is a straight line down; a cosine is wanted.")
        raise Hint("Which share of the way from the warm-up's end to the last step is done?")


def check_rows(rows):
    """8.6: batches in which each row goes on."""
    for n, B, T in ((25, 2, 3), (101, 4, 5), (32, 4, 4)):
        ids, count = np.arange(n), (n - 1) // (B * T)
        wanted = ids[: B * count * T].reshape(B, count, T).swapaxes(0, 1)
        got = rows(ids, B, T)
        if n == 32 and np.shape(got) == (count + 1, B, T):
            raise Hint("The last token is a target only: no input can stand there.")
        got = array_of(got, (count, B, T), "The array of batches")
        if close(got, wanted):
            continue
        if close(got, ids[: B * count * T].reshape(count, B, T)):
            raise Hint("Here each batch is one piece of text: row 0 goes on in row 1, not later.")
        if close(got, ids[1 : B * count * T + 1].reshape(B, count, T).swapaxes(0, 1)):
            raise Hint("These are the targets; the inputs begin with the first token.")
        raise Hint("Cut the text into B long rows first, and each of them into pieces of T.")


def check_stop(stop):
    """8.7: where early stopping ends, and which epoch is kept."""
    cases = (
        ([3.0, 2.5, 2.4, 2.45, 2.41, 2.42, 2.3], 2, [5, 3]),
        ([3.0, 2.0, 1.0], 2, [3, 3]),
        ([2.0, 2.1, 1.9, 2.2, 2.3, 2.4], 3, [6, 3]),
        ([2.0, 2.0, 2.0], 1, [2, 1]),
    )
    for bits, patience, wanted in cases:
        got = array_of(stop(list(bits), patience), (2,), "The answer").tolist()
        if got == wanted:
            continue
        if got == [w - 1 for w in wanted]:
            raise Hint("Epochs are counted from 1 here.")
        if got[0] == wanted[0] and got[1] == got[0]:
            raise Hint("Keep the weights of the best epoch, not of the last one.")
        if got[0] == wanted[0] + 1:
            raise Hint("One epoch too long: patience 1 stops after the first one without a gain.")
        if got == [len(bits), int(np.argmin(bits)) + 1]:
            raise Hint("It never stops. How long ago was the best epoch?")
        raise Hint(f"Of {bits} with patience {patience} it makes {got}: go through it by hand.")


def check_copied(copied):
    """8.8: the share of characters that lie in a copied passage."""
    cases = (("abcdef", "xxabcxx", 3, 0.5), ("abcabc", "abc", 3, 1.0), ("abcd", "abcd", 2, 1.0))
    cases += (("qrs", "abc", 2, 0.0), ("ab", "abc", 3, 0.0), ("aabcd", "xabcx", 2, 0.6))
    for written, source, n, wanted in cases:
        got = float(array_of(copied(written, source, n), (), "The share"))
        if close(got, wanted):
            continue
        parts = [written[j : j + n] for j in range(len(written) - n + 1)]
        if parts and close(got, np.mean([part in source for part in parts])):
            raise Hint("That is the share of passages. A copied passage covers n characters.")
        if close(got, 1 - wanted):
            raise Hint("That is the share that is new.")
        if got > 1:
            raise Hint("More than all of it: a character that lies in two passages counts once.")
        raise Hint(f"Of {written!r} from {source!r} at n = {n}, mark each character by hand.")


def check_ratios(answer):
    """8.9: the ratio of the two longest bars at two temperatures, and under top-k."""
    cool, hot, cut = array_of(answer, (3,), "The answer")
    if close(cool, 2.5, 0.1) and close(hot, 38.9, 2):
        raise Hint("The first two are exchanged: does a low temperature level the bars?")
    if close(cool, 12.5, 0.3) or close(hot, 3.1, 0.1):
        raise Hint("The logits are divided. What does exp do to a difference that is doubled?")
    if close(cool, 6.2, 0.2) or close(hot, 6.2, 0.2):
        raise Hint("That is the ratio at temperature 1: move the knob.")
    if not close(cool, 38.9, 2):
        raise Hint("First number: the ratio at temperature 0.5. Is the prompt right to the letter?")
    if not close(hot, 2.5, 0.1):
        raise Hint("Second number: the ratio at temperature 2, the longest bar over the second.")
    if close(cut, 38.9, 2) or close(cut, 2.5, 0.1):
        raise Hint("Third number: set the temperature back to 1.")
    if not close(cut, 6.2, 0.2):
        raise Hint("Third number: what top-k leaves out is shared among those that stay. How?")


def check_share(answer):
    """8.10: the share of the net in the best mixture."""
    got = float(array_of(answer, (), "The share"))
    if not 0 <= got <= 1:
        raise Hint("A share lies between 0 and 1.")
    if got in (0.0, 1.0):
        raise Hint("That leaves one of the two out; try what lies between.")
    if close(got, 0.5, 0.01):
        raise Hint("Equal shares, as in chapter 3; but here the net is the better one.")
    if got < 0.5:
        raise Hint("Is that the table's share? The net's is asked for.")
    if not 0.69 < got < 0.81:
        raise Hint("Write down the bits for each share in steps of 0.05, and look for the least.")


def check_log_p(answer):
    """8.11: fewer bits than the shipped model on the validation chapters."""
    n = len(data.novel("validation"))
    log_p = array_of(answer, (n,), "The array")
    if (log_p > 1e-9).any():
        raise Hint("A log-probability is never above 0: are these bits, or their negatives?")
    bits = bits_per_token(log_p)
    if bits < 0.5:
        raise Hint(f"{bits:.2f} bits: too good. Was the model trained on these very chapters?")
    if bits >= six_gram_bits():
        raise Hint(f"{bits:.2f} bits: the 6-gram does as well. More units, or more epochs?")
    if bits >= SHIPPED:
        raise Hint(f"{bits:.3f} bits: better than counting, not yet better than the large LSTM.")


def six_gram_bits():
    """Return the bits of the 6-gram on the validation chapters."""
    from rnnbook.text.ngram import NGram

    text, held = data.novel("train"), data.novel("validation")
    letters = Vocabulary(text, "characters")
    model = NGram(letters.encode(text), 6, len(letters))
    return bits_per_token(model.log_probabilities(letters.encode(held)))


CHECKS = {
    "8.1": check_sizes,
    "8.2": check_clocks,
    "8.3": check_packed,
    "8.4": check_verdicts,
    "8.5": check_rate,
    "8.6": check_rows,
    "8.7": check_stop,
    "8.8": check_copied,
    "8.9": check_ratios,
    "8.10": check_share,
    "8.11": check_log_p,
}
