"""The checks of chapter 6, Hidden Markov models, fairly compared."""

import numpy as np

from rnnbook import data
from rnnbook.data import tasks
from rnnbook.exercises._old import Hint, array_of, close
from rnnbook.hmm import HMM, steps
from rnnbook.text import token_ids


def check_forward(answer):
    """6.1: the forward probabilities after tails, heads."""
    got = array_of(answer, (2,), "The answer")
    if close(got, [0.21, 0.09]):
        raise Hint("The second symbol is still to be weighed in: how often does each coin show it?")
    if close(got, [0.1, 0.045]):
        raise Hint("These are the best paths alone. Forward adds up all ways into a state.")
    if close(got, np.array([0.105, 0.081]) / 0.186, 1e-3):
        raise Hint(
            "Right, but divided by their sum: that is the filter. Forward keeps the product."
        )
    if close(got, [0.21, 0.162]):
        raise Hint("Twice too much: what is the probability of the first coin?")
    if close(got, [0.145, 0.369]):
        raise Hint("These are for heads, heads. The first toss showed tails.")
    if not close(got, [0.105, 0.081]):
        raise Hint("Two steps: first weigh both coins by tails; then move, and weigh by heads.")


def check_path(answer):
    """6.2: the best path for heads, tails, heads, heads."""
    got = "".join(str(answer).upper().split())
    if len(got) != 4 or set(got) - set("FL"):
        raise Hint("Four letters are wanted, F or L, one for each toss.")
    if got == "LFFL":
        raise Hint("These are the best states of each column. Follow the arrows back from the end.")
    if got == "LFLL":
        raise Hint("Each toss was judged by itself. What does it cost to swap the coin twice?")
    if got == "FFFF":
        raise Hint("A good path, and not the best: compare the two numbers of the last column.")
    if got != "LLLL":
        raise Hint("Fill in both numbers of each column, note where they came from, and go back.")


def check_sizes(answer):
    """6.3: free numbers of a small model, and states that hold five bits."""
    got = array_of(answer, (2,), "The answer")
    if close(got[0], 18):
        raise Hint("All numbers were counted; but each row sums to 1, so its last one is not free.")
    if close(got[0], 12):
        raise Hint("The first state has a distribution too.")
    if close(got[1], 5) or close(got[1], 10) or close(got[1], 25):
        raise Hint("One state for each message, not for each bit: how many messages are there?")
    if not close(got, [13, 32]):
        raise Hint(
            "Rows: one for the start, then one of each matrix a state. Messages: count them."
        )


def check_gain(answer):
    """6.4: what knowing the order is worth if the die is drawn anew at each roll."""
    got = float(array_of(answer, (), "The answer"))
    if got < 0:
        raise Hint("Can the true model need more bits than one that knows less?")
    if close(got, 1):
        raise Hint("One bit says which die it is; but does the last die tell anything of the next?")
    if not close(got, 0):
        raise Hint("Look at the transitions: what does the next die depend on now?")


def _loglik(ids, hmm):
    return steps.log_sum(steps.forward(ids, hmm.start, hmm.transitions, hmm.emissions)[-1])


def check_likelihood(log_likelihood):
    """6.5: the log-likelihood of short and of long sequences."""
    for N, V, n in ((2, 3, 1), (3, 4, 6), (2, 6, 3000)):
        hmm = HMM.random(N, V, seed=N + n)
        ids = hmm.sample(n, seed=0)
        with np.errstate(all="ignore"):
            got = log_likelihood(ids, hmm.start, hmm.transitions, hmm.emissions)
        got, wanted = float(array_of(got, (), "The log-likelihood")), _loglik(ids, hmm)
        if close(got, wanted, 1e-6 * max(1, abs(wanted))):
            continue
        if not np.isfinite(got):
            raise Hint(
                "On 3,000 symbols it underflows: divide by the sum at each step, and keep its log."
            )
        if close(got, np.exp(wanted)):
            raise Hint("That is the likelihood itself; its logarithm is wanted.")
        if close(got, hmm.viterbi([ids])[1][0], 1e-6 * max(1, abs(wanted))):
            raise Hint(
                "That is the best path alone: take the sum over the states before, not the maximum."
            )
        if close(got, wanted / np.log(2), 1e-6 * max(1, abs(wanted))):
            raise Hint("These are bits: the natural logarithm is wanted.")
        turned = HMM(hmm.start, _rows(hmm.transitions.T), hmm.emissions)
        if close(got, _turned(ids, hmm), 1e-6) or close(got, _loglik(ids, turned), 1e-6):
            raise Hint("The transitions are used the wrong way round: row i holds what follows i.")
        raise Hint("Test it on one symbol, then on two: which factor is missing, or comes twice?")


def _rows(a):
    return a / a.sum(axis=1, keepdims=True)


def _turned(ids, hmm):
    """Return what comes out if the transposed matrix, whose rows do not sum to 1, is used."""
    alpha = hmm.start * hmm.emissions[:, ids[0]]
    for x in ids[1:]:
        alpha = hmm.emissions[:, x] * (hmm.transitions @ alpha)
    with np.errstate(divide="ignore"):
        return np.log(alpha.sum())


def check_viterbi(viterbi):
    """6.6: the best path."""
    for N, V, n in ((2, 3, 1), (3, 4, 8), (4, 5, 60)):
        hmm = HMM.random(N, V, seed=10 * N)
        ids = hmm.sample(n, seed=1)
        got = viterbi(ids, hmm.start, hmm.transitions, hmm.emissions)
        if got is None or got is Ellipsis:
            raise Hint("It returns nothing: is a return missing?")
        got, wanted = (
            token_ids(array_of(got, (n,), "The path").astype(int), N),
            hmm.viterbi([ids])[0][0],
        )
        if (got == wanted).all():
            continue
        if (got == hmm.filter(ids).argmax(axis=1)).all():
            raise Hint(
                "That is the filter's likeliest state at each step, which knows the past only."
            )
        if (got == hmm.posterior(ids).argmax(axis=1)).all():
            raise Hint(
                "That is the posterior's likeliest state at each step; a whole path is wanted."
            )
        if (got == wanted[::-1]).all():
            raise Hint("The right states in the wrong order: you followed the arrows from the end.")
        if (got == _columns(ids, hmm)).all():
            raise Hint("These are the best states of the columns. Only the last is taken so.")
        raise Hint("Keep for each state from where its best path came, and go back along that.")


def _columns(ids, hmm):
    """Return the best state of each column of Viterbi's lattice."""
    delta = [hmm.start * hmm.emissions[:, ids[0]]]
    for x in ids[1:]:
        delta.append(hmm.emissions[:, x] * (delta[-1][:, None] * hmm.transitions).max(axis=0))
    return np.argmax(delta, axis=1)


def check_each(label):
    """6.7: the labels of which most are right in expectation."""
    for seed in range(3):
        hmm = HMM.random(3, 4, seed)
        ids = hmm.sample(40, seed)
        got = label(hmm, ids)
        if got is None or got is Ellipsis:
            raise Hint("It returns nothing: is a return missing?")
        got = array_of(got, (40,), "The labels")
        gamma = hmm.posterior(ids)
        if (got == gamma.argmax(axis=1)).all():
            continue
        if (got == hmm.viterbi([ids])[0][0]).all():
            raise Hint("That is the best path. Here each step counts by itself.")
        if (got == hmm.filter(ids).argmax(axis=1)).all():
            raise Hint("Nearly: this knows the symbols up to each step. The later ones help too.")
        raise Hint("At each step, which state is the likeliest given all symbols?")


def check_count(count):
    """6.8: transitions and emissions from labeled sequences, smoothed."""
    rng = np.random.default_rng(0)
    for smoothing in (0.5, 2.0):
        states = [rng.integers(0, 2, n) for n in (7, 5)]
        ids = [rng.integers(0, 3, n) for n in (7, 5)]
        kept = [s.copy() for s in states]
        wanted = HMM.counted(states, ids, 2, 3, smoothing)
        got = count(states, ids, 2, 3, smoothing)
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Hint("Two arrays are wanted: transitions, emissions.")
        a, b = got
        a, b = array_of(a, (2, 2), "transitions"), array_of(b, (2, 3), "emissions")
        if not all(np.array_equal(s, k) for s, k in zip(states, kept, strict=True)):
            raise Hint("It changes the sequences that it was given.")
        _compare_counts(a, b, wanted, states, ids, smoothing)


def _compare_counts(a, b, wanted, states, ids, smoothing):
    if close(a, wanted.transitions) and close(b, wanted.emissions):
        return
    if not close(a.sum(axis=1), 1) or not close(b.sum(axis=1), 1):
        raise Hint("Rows must sum to 1: divide each row by its own sum.")
    plain = HMM.counted(states, ids, 2, 3)
    if close(a, plain.transitions) and close(b, plain.emissions):
        raise Hint("The smoothing is missing: add it to each count before you divide.")
    one = HMM.counted([np.concatenate(states)], [np.concatenate(ids)], 2, 3, smoothing)
    if close(a, one.transitions):
        raise Hint("A transition was counted from the end of one sequence into the next one.")
    if close(a, wanted.transitions):
        raise Hint(
            "The transitions are right. For the emissions, count each state with its symbol."
        )
    if close(b, wanted.emissions):
        raise Hint("The emissions are right. For the transitions, count each state with the next.")
    raise Hint("Count by hand for a sequence of three states, and compare.")


def check_pairs(pairs):
    """6.9: a chain of order two as a chain of order one over pairs."""
    rng = np.random.default_rng(0)
    for S in (2, 3):
        A = rng.dirichlet(np.ones(S), (S, S))
        wanted = np.zeros((S, S, S, S))
        for i, j, k in np.ndindex(S, S, S):
            wanted[i, j, j, k] = A[i, j, k]
        wanted = wanted.reshape(S * S, S * S)
        got = array_of(pairs(A), (S * S, S * S), "The matrix")
        if close(got, wanted):
            continue
        if close(got, wanted.T):
            raise Hint("Turned around: row i holds what follows pair i.")
        if not close(got.sum(axis=1), 1):
            raise Hint("Each row must sum to 1: one of S states follows each pair.")
        if (got > 0).sum() > S**3:
            raise Hint(
                "Pair (i, j) can be followed by pairs that begin with j only; the rest is 0."
            )
        raise Hint("Pair (i, j) has number i S + j. Where does (j, k) stand in its row?")


def check_sixes(answer):
    """6.10: how many sixes in a row convince the filter."""
    got = int(array_of(answer, (), "The answer"))
    if got == 3:
        raise Hint("That is without the swaps: between two rolls the house may change the die.")
    if got == 2:
        raise Hint("The threshold asked for is nine in ten, not two in three.")
    if got == 5:
        raise Hint("One too many, or a start of 1/2: begin with the long-run shares.")
    if got != 4:
        raise Hint("Filter 6, 6, 6, ... with the casino, and look at the second column.")


def check_tagger(tag):
    """6.11: better labels than the HMM's, on the validation chapters."""
    words, labels = tasks.spoken(data.novel("validation"))
    got = array_of(tag(list(words)), (len(words),), "The labels")
    share = (got == labels)[labels < 2].mean()
    if set(np.unique(got)) - {0, 1, 2}:
        raise Hint("Labels are 0 for told, 1 for spoken; what you say for ¶ does not count.")
    if ((1 - got) == labels)[labels < 2].mean() > 0.75:
        raise Hint("Turned around: 1 is for spoken.")
    if not (got[labels < 2] == 1).any():
        raise Hint("It says 'told' for every word: that is the baseline.")
    if share < 0.83:
        raise Hint(f"Right in {share:.3f}; the chapter's HMM is near 0.82. Look at both neighbors.")


def check_taken_back(answer):
    """6.12: rolls called loaded after 6, 8 and 9 of 111666111, and the sixes that it takes."""
    six, eight, nine, enough = array_of(answer, (4,), "The answer")
    if six == 0:
        raise Hint("After six rolls nothing follows the sixes: how many swaps must they pay for?")
    if six != 3:
        raise Hint("First number: compare the paths FFFFFF, FFFLLL and LLLLLL, factor by factor.")
    if eight == 3:
        raise Hint(
            "To come back is a second swap. Is that cheaper than two ones with the wrong die?"
        )
    if eight != 5:
        raise Hint("Second number: the sixes, then two ones. To stay, or to swap back?")
    if nine in (3, 6):
        raise Hint("A whole path may change. Compare this one with the one that never swaps.")
    if nine != 0:
        raise Hint("Third number: compare three paths: never there, there and back, there to stay.")
    if enough == 2:
        raise Hint("Two sixes pay for one swap; but in the end there are ones on both sides.")
    if enough == 3:
        raise Hint("Your third number says what becomes of three sixes.")
    if enough != 4:
        raise Hint("Fourth number: the smallest power of a six's gain that pays for two swaps.")


CHECKS = {
    "6.1": check_forward,
    "6.2": check_path,
    "6.3": check_sizes,
    "6.4": check_gain,
    "6.5": check_likelihood,
    "6.6": check_viterbi,
    "6.7": check_each,
    "6.8": check_count,
    "6.9": check_pairs,
    "6.10": check_sixes,
    "6.11": check_tagger,
    "6.12": check_taken_back,
}
