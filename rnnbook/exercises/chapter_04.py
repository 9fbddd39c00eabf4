"""The checks of chapter 4, Backpropagation through time."""

from itertools import product

import numpy as np

from rnnbook.exercises import Hint, array_of, close


def check_derivatives(answer):
    """4.1: the immediate and the total derivative of h_3."""
    pair = array_of(answer, (2,), "The answer")
    if close(pair, [7, 5]):
        raise Hint("The two are exchanged: the immediate one holds h_2 fixed.")
    if close(pair[0], pair[1]):
        raise Hint("They differ: h_2 depends on w too, and the total derivative knows it.")
    if not close(pair[0], 5):
        raise Hint("The immediate derivative of w h_2 + x_3 with h_2 held fixed is h_2 itself.")
    if not close(pair[1], 7):
        raise Hint("The immediate one is right. Now write h_3 out in w and x alone.")


def check_blame(answer):
    """4.2: dL/dh for three steps of a linear neuron."""
    blame = array_of(answer, (3,), "The answer")
    if close(blame, [1, 1, 1]):
        raise Hint("That is what comes from above. What comes from the right?")
    if close(blame, [0.25, 0.5, 1]):
        raise Hint("That is the blame for the last output alone: each state has one of its own.")
    if close(blame, [1, 1.5, 1.75]):
        raise Hint("The right numbers in the wrong order: which step is walked first?")
    if close(blame, [1.5, 1.5, 1]):
        raise Hint("The first state gets half of ALL that the second one has.")
    if not close(blame, [1.75, 1.5, 1]):
        raise Hint("Begin at the last step. Each blame is 1, plus half of the one at its right.")


def check_counts(answer):
    """4.3: updates, predictions in each, states that are kept."""
    updates, predictions, states = array_of(answer, (3,), "The answer")
    if updates == 20:
        raise Hint("(a) is right for one epoch. There are three.")
    if updates == 3:
        raise Hint("(a): one update a chunk, not one an epoch.")
    if updates != 60:
        raise Hint("(a): into how many chunks is a row cut? All rows go through one together.")
    if predictions == 25:
        raise Hint("(b): these are the predictions of one row. How many rows are in an update?")
    if predictions != 500:
        raise Hint("(b): one at each step of each row: rows times steps of a chunk.")
    if states == 500:
        raise Hint("(c): nothing goes back beyond the chunk; what is before it can be forgotten.")
    if states == 26:
        raise Hint("(c): the state that was carried in is not counted here.")
    if states != 25:
        raise Hint("(c): one state for each step through which the gradient goes back.")


def check_slopes(slopes):
    """4.4: central differences."""
    rng = np.random.default_rng(0)
    for shape in ((3,), (2, 3)):
        array, c = rng.normal(size=shape), rng.normal(size=shape)
        given = array.copy()

        def loss(a, c=c):
            return (c * a**3).sum()

        got = array_of(slopes(loss, array, 1e-2), shape, "The result")
        if not close(array, given, 1e-12):
            raise Hint("Afterwards the array is not what it was: put each number back.")
        ahead = c * ((array + 1e-2) ** 3 - array**3) / 1e-2
        behind = c * (array**3 - (array - 1e-2) ** 3) / 1e-2
        central = (ahead + behind) / 2
        if close(got, ahead) or close(got, behind):
            raise Hint("A one-sided difference: go down as well as up.")
        if close(got, 2 * central):
            raise Hint("Twice too large: how far are the two points apart?")
        if not close(got, central):
            raise Hint("Compare for loss(a) = (a**3).sum() and one number, with pencil and paper.")


def _example(T=4):
    rng = np.random.default_rng(T)
    x, h = rng.normal(size=(3, T, 2)), np.tanh(rng.normal(size=(3, T, 4)))
    return x, h, rng.normal(size=(3, T, 4)), rng.normal(size=(4, 4)), rng.normal(size=(3, 4))


def _blame(above, h, W_hh, factor=None, slope=None):
    """Return da, (B, T, H); what step t + 1 hands to step t is multiplied by factor[t]."""
    B, T, H = h.shape
    slope = 1 - h**2 if slope is None else slope
    da, right = np.zeros((B, T, H)), 0
    for t in reversed(range(T)):
        da[:, t] = slope[:, t] * (above[:, t] + right)
        right = da[:, t] @ W_hh * (1 if factor is None or t == 0 else factor[t - 1])
    return da


def check_backward(backward):
    """4.5: dL/da at all steps."""
    for T in (1, 4):
        _, h, above, W_hh, _ = _example(T)
        got = array_of(backward(above, h, W_hh), h.shape, "The result")
        if close(got, _blame(above, h, W_hh)):
            continue
        wrong = {
            "It forgets what comes from the right.": _blame(above, h, 0 * W_hh),
            "The slope of tanh is missing.": _blame(above, h, W_hh, slope=np.ones_like(h)),
            "h is tanh(a) already: its square is all you need.": _blame(
                above, h, W_hh, slope=1 - np.tanh(h) ** 2
            ),
            "W_hh is used the wrong way round: rows are examples, so W.T d is d @ W.": _blame(
                above, h, W_hh.T
            ),
            "It runs forward in time: begin at the last step.": _blame(
                above[:, ::-1], h[:, ::-1], W_hh
            )[:, ::-1],
        }
        for words, result in wrong.items():
            if close(got, result):
                raise Hint(words)
        if close(got[:, -1], (above * (1 - h**2))[:, -1]):
            raise Hint("The last step is right, an earlier one is not: what does it receive?")
        raise Hint("Already the last step is wrong: there, nothing comes from the right.")


def check_recurrent_gradient(recurrent_gradient):
    """4.6: the gradient of W_hh from da, the states and h_0."""
    _, h, da, _, h_0 = _example()
    before = np.concatenate([h_0[:, None], h[:, :-1]], axis=1)
    got = array_of(recurrent_gradient(da, h, h_0), (4, 4), "The gradient")

    def total(states, da=da):
        return np.einsum("bti,btj->ij", da, states)

    if close(got, total(h)):
        raise Hint("It multiplies with the states after each step. W_hh hears those before.")
    if close(got, total(np.roll(h, 1, axis=1))):
        raise Hint("At the first step it takes the last state: index -1. What is before step 1?")
    if close(got, total(before[:, 1:], da[:, 1:])):
        raise Hint("The first step hands over a share too: h_0 is not zero here.")
    if close(got, total(before).T):
        raise Hint("Turned: row i belongs to neuron i, that is, to da[..., i].")
    if any(close(got, total(before) / n) for n in (3, 4, 12)):
        raise Hint("A mean in the place of a sum: the means are inside da already.")
    if not close(got, total(before)):
        raise Hint("Sum, over sequences and steps, da (a column) times the state before (a row).")


def check_patients(answer):
    """4.7: which of the ten mistakes three programs have."""
    a, b, c = array_of(answer, (3,), "The answer")
    if a in (4, 5, 6, 9):
        raise Hint("A: these four spoil W_hh alone.")
    if a != 8:
        raise Hint("A: which single line makes the gradient of b_h, and nothing else?")
    if b == 1:
        raise Hint("B: with one step, that mistake would leave the gradient of h_0 right.")
    if b == 10:
        raise Hint("B: a symmetric W_hh would not heal that one.")
    if b != 3:
        raise Hint("B: which line has no effect on the weights if there is one step only?")
    if c in (4, 5, 6):
        raise Hint("C: would that mistake give the transpose?")
    if c != 9:
        raise Hint("C: only the line of W_hh can be wrong. What transposes a product?")


def check_memory(answer):
    """4.8: the best chunk length for 900 steps, and the states held."""
    k, states = array_of(answer, (2,), "The answer")
    if k == 900 or states == 900:
        raise Hint("That keeps everything. Make the chunks shorter.")
    if states == 30:
        raise Hint("These are the states of one chunk. The starts of the chunks are held too.")
    if states == 931:
        raise Hint("All of this is held at different times: only ONE chunk's states at once.")
    if k != 30:
        raise Hint("Which k makes 900 / k + k smallest? Try 10, 30 and 90.")
    if states != 60:
        raise Hint("The chunk length is right. Now count: starts, plus the states of one chunk.")


def check_truncated(truncated):
    """4.9: the truncated gradient, from the gradients of chunks."""

    def chunk_gradient(x, h_0):
        """Give the slope in w of the mean state, at w = 0.5, and the last state."""
        h, total, states, slopes = h_0, 0.0, [], []
        for x_t in x:
            total = h + 0.5 * total
            h = 0.5 * h + x_t
            states.append(h)
            slopes.append(total)
        return float(np.mean(slopes)), states[-1]

    for T, k in ((6, 2), (7, 3), (4, 4)):
        x = np.random.default_rng(T).normal(size=T) + 1
        cuts = [x[s : s + k] for s in range(0, T, k)]
        carried, fresh, h = [], [], 1.0
        for c in cuts:
            fresh.append(chunk_gradient(c, 1.0)[0])
            slope, h = chunk_gradient(c, h)
            carried.append(slope)
        share = np.array([len(c) / T for c in cuts])
        got = float(array_of(truncated(chunk_gradient, x, 1.0, k), (), "The gradient"))
        _compare_truncated(got, np.array(carried), np.array(fresh), share)


def _compare_truncated(got, carried, fresh, share):
    if close(got, carried @ share):
        return
    if close(got, fresh @ share):
        raise Hint("Each chunk starts from h_0: carry the last state on to the next chunk.")
    if close(got, carried.sum()):
        raise Hint("Each chunk's loss is a mean over its steps: weigh it by its share of them.")
    if close(got, carried.mean()):
        raise Hint("The last chunk may be shorter: then it counts for less.")
    if close(got, carried[-1]):
        raise Hint("This is the last chunk's alone: add them up.")
    raise Hint("Try it with T = 4 and k = 4: then it is just chunk_gradient(x, h_0)[0].")


def check_forward(slope_forward):
    """4.10: the derivative of a tanh neuron's last state, carried forward."""
    for T in (1, 2, 6):
        x, w_h = np.random.default_rng(T).normal(size=T), 0.8
        h = d = immediate = no_slope = 0.0
        for x_t in x:
            before = h
            h = np.tanh(0.6 * x_t + w_h * h + 0.1)
            immediate = (1 - h**2) * before
            d = (1 - h**2) * (before + w_h * d)
            no_slope = before + w_h * no_slope
        got = float(array_of(slope_forward(x, 0.6, w_h, 0.1), (), "The derivative"))
        if close(got, d):
            continue
        if close(got, immediate):
            raise Hint("This is the immediate derivative of the last step: w_h acted before, too.")
        if close(got, no_slope):
            raise Hint("The slope of tanh is missing: 1 - h_t ** 2, on all that is inside.")
        if close(got, h):
            raise Hint("This is the state. Its derivative in w_h is wanted.")
        raise Hint("At each step: slope * (state before + w_h * derivative before), in this order.")


def check_chunk_length(answer):
    """4.11: the smallest chunk length with a mean cosine above 0.95, for gain 1."""
    k = float(array_of(answer, (), "The chunk length"))
    if k not in (1, 2, 4, 8, 16, 32, 64):
        raise Hint("One of the seven chunk lengths is wanted, not a cosine.")
    if k < 8:
        raise Hint("Too short: look at the mean of five seeds, for a gain of 1.")
    if k > 8:
        raise Hint("That is enough, but it is not the smallest that is.")


def check_random_cuts(with_cuts):
    """4.12: cut at random, and right on average."""
    T, p = 4, 0.3
    _, h, above, W_hh, h_0 = _example(T)
    before = np.concatenate([h_0[:, None], h[:, :-1]], axis=1)

    def gradient(factor):
        da = _blame(above, h, W_hh, factor)
        return np.einsum("bti,btj->ij", da, before)

    mean = {"got": 0, "plain": 0}
    for cut in product((False, True), repeat=T - 1):
        cut = np.array(cut)
        got = array_of(with_cuts(above, h, W_hh, h_0, cut, p), (4, 4), "The gradient")
        weight = np.prod(np.where(cut, p, 1 - p))
        mean["got"] += weight * got
        mean["plain"] += weight * gradient(~cut)
        if cut.all() and not close(got, gradient(~cut)):
            raise Hint("With a cut everywhere, each step must get what comes from above alone.")
        if list(cut) == [True, False, False] and close(got, gradient(np.array([1, 1, 0]) / 0.7)):
            raise Hint("The cuts are at the wrong end: cut[0] is between the first two steps.")
    if close(mean["got"], mean["plain"]):
        raise Hint("Cut in the right places, but biased: what passes must make up for the cuts.")
    if not close(mean["got"], gradient(np.ones(T - 1))):
        raise Hint("Its mean over all cuts is not the full gradient: by what factor must it grow?")


CHECKS = {
    "4.1": check_derivatives,
    "4.2": check_blame,
    "4.3": check_counts,
    "4.4": check_slopes,
    "4.5": check_backward,
    "4.6": check_recurrent_gradient,
    "4.7": check_patients,
    "4.8": check_memory,
    "4.9": check_truncated,
    "4.10": check_forward,
    "4.11": check_chunk_length,
    "4.12": check_random_cuts,
}
