"""The checks of chapter 5, Vanishing and exploding gradients."""

import numpy as np

from rnnbook.data import tasks
from rnnbook.exercises._old import Hint, array_of, close


def check_powers(answer):
    """5.1: a linear neuron's derivative over four steps, for two weights."""
    got = array_of(answer, (2,), "The answer")
    if close(got, [0.5**5, 2**5]):
        raise Hint("One factor too many: how many steps lead from step 1 to step 5?")
    if close(got, [0.5 * 4, 2 * 4]):
        raise Hint("Each step multiplies; these are sums.")
    if close(got, [2**4, 0.5**4]):
        raise Hint("Right numbers, wrong order: the small weight comes first.")
    if not close(got, [0.5**4, 2**4]):
        raise Hint("Write h_5 with h_4, and so on down to h_1. What stands before h_1?")


def check_slopes(answer):
    """5.2: the product of weights and slopes over three steps."""
    got = float(array_of(answer, (), "The answer"))
    if close(got, 8):
        raise Hint("These are the weights alone. What does tanh do to a small change?")
    if close(got, 0.64 * 0.36):
        raise Hint("These are the slopes alone. Each step has the weight too.")
    if close(got, 0.4 * 0.2 * 8):
        raise Hint("The slope of tanh is not 1 - h: look at the square.")
    if close(got, 0.0):
        raise Hint("The slope is 1 - h^2, not h^2: at h = 0 tanh is steepest.")
    if not close(got, 0.64 * 0.36 * 8):
        raise Hint("Three factors, one a step: the weight, and the slope at the new state.")


def check_matrix(answer):
    """5.3: spectral radius of a triangular matrix, and one number of its square."""
    got = array_of(answer, (2,), "The answer")
    if close(got[1], 16):
        raise Hint("This squares number by number; a matrix product takes rows times columns.")
    if got[0] > 1:
        raise Hint("That is about how much it stretches; eigenvalues of a triangle are easy.")
    if close(got, [0.25, 4]):
        raise Hint("The first number is asked of W, not of its square.")
    if not close(got, [0.5, 4]):
        raise Hint("Write W twice side by side; a row of one meets a column of the other.")


def check_bound(bound):
    """5.4: the largest singular value to the power of the lag."""
    rng = np.random.default_rng(0)
    for n, lag in ((2, 1), (4, 3), (5, 7)):
        W = rng.normal(size=(n, n)) / n
        sigma = np.linalg.norm(W, 2)
        got = float(array_of(bound(W, lag), (), "The bound"))
        if close(got, sigma**lag):
            continue
        if close(got, abs(np.linalg.eigvals(W)).max() ** lag):
            raise Hint("That is the spectral radius: a non-normal matrix can do more than that.")
        if close(got, np.linalg.norm(W) ** lag):
            raise Hint("A bound, but not the one asked for: which norm is the default of NumPy?")
        if close(got, np.linalg.norm(np.linalg.matrix_power(W, lag), 2)):
            raise Hint("The norm of the power holds for linear layers; bound it step by step.")
        if close(got, sigma ** (lag + 1)) or close(got, sigma * lag):
            raise Hint("The right norm; how often, and how, does it enter?")
        raise Hint("One factor a step: the most that W_hh stretches a vector, times a slope of 1.")


def check_start(start):
    """5.5: gain times an orthogonal matrix."""
    for H, gain, seed in ((3, 1.0, 0), (5, 1.5, 1), (8, 0.5, 2)):
        W = array_of(start(H, gain, seed), (H, H), "The matrix")
        product, off = W @ W.T, ~np.eye(H, dtype=bool)
        if not close(product[off], 0, 1e-8):
            raise Hint("Its rows are not perpendicular: np.linalg.qr can make them so.")
        if close(product, np.eye(H)) and gain != 1:
            raise Hint("Orthogonal, but the gain is missing.")
        if close(product, gain * np.eye(H)) and gain != 1:
            raise Hint("The square of the length grows by the gain; the length itself should.")
        if not close(product, gain**2 * np.eye(H), 1e-8):
            raise Hint("Multiply it by a vector of length 1: how long is the result?")
        if close(W, gain * np.eye(H)):
            raise Hint("That keeps lengths, but it is the same for each seed.")
    if close(start(4, 1.0, 0), start(4, 1.0, 1)):
        raise Hint("Two seeds give the same matrix.")


def check_clip(clip):
    """5.6: all gradients scaled by one factor."""
    rng = np.random.default_rng(0)
    for size, limit in ((3.0, 1.0), (10.0, 2.0), (0.01, 1.0)):
        given = {"W": size * rng.normal(size=(2, 3)), "b": size * rng.normal(size=2)}
        kept = {name: g.copy() for name, g in given.items()}
        got = clip(given, limit)
        if not isinstance(got, dict) or set(got) != set(kept):
            raise Hint("A dict with the same names is wanted.")
        if not all(close(given[name], kept[name]) for name in kept):
            raise Hint("It changes the arrays it was given: return new ones.")
        _compare_clipped(got, kept, limit)


def _compare_clipped(got, given, limit):
    norm = np.sqrt(sum((g**2).sum() for g in given.values()))
    each = {name: g * min(1, limit / np.linalg.norm(g)) for name, g in given.items()}
    wanted = {name: g * min(1, limit / norm) for name, g in given.items()}

    def same(other):
        return all(close(array_of(got[n], g.shape, n), g) for n, g in other.items())

    if same(wanted):
        return
    if same({name: np.clip(g, -limit, limit) for name, g in given.items()}):
        raise Hint("Each number was cut by itself: that bends the direction.")
    if same(each):
        raise Hint("Each array got a factor of its own: one length belongs to all of them.")
    if same({name: g * limit / norm for name, g in given.items()}):
        raise Hint("A gradient that is short enough was stretched: it should stay as it is.")
    if same({name: g * min(1, limit / norm**2) for name, g in given.items()}):
        raise Hint("The norm is the root of the sum of squares.")
    raise Hint("Add up the squares of all numbers of all arrays, and take the root.")


def check_first_bad(first_bad):
    """5.7: the first time step that is not finite, counted from 1."""
    rng = np.random.default_rng(0)
    for bad, where in ((np.nan, [(1, 3, 2)]), (np.inf, [(0, 4, 0), (2, 1, 1)]), (0.0, [])):
        h = rng.normal(size=(3, 6, 4))
        for place in where:
            h[place] = bad
        first = min((t + 1 for _, t, _ in where), default=0)
        got = first_bad(h)
        if got is None or got is Ellipsis:
            raise Hint("It returns nothing: is a return missing?")
        _compare_first(int(array_of(got, (), "The step")), first, bad, where)


def _compare_first(got, first, bad, where):
    if got == first:
        return
    if not where:
        raise Hint(f"All states are finite, and it says {got}; 0 is wanted then.")
    if got == first - 1:
        raise Hint("Time steps are counted from 1 here.")
    if np.isinf(bad) and got == 0:
        raise Hint("Infinity is not finite either: NaN is not all there is.")
    if got == where[0][1] + 1:
        raise Hint("The first bad number in memory; another sequence fails earlier.")
    raise Hint("Which axis is time? Ask for each step whether all its numbers are finite.")


def check_gate(answer):
    """5.8: the bias at which half is left after 40 steps."""
    b = float(array_of(answer, (), "The bias"))
    gate = 0.5 ** (1 / 40)
    if close(b, gate, 0.01):
        raise Hint("This is how open the gate must be. Which bias opens it so far?")
    if close(b, np.log(39), 0.02) or close(b, 1 - 1 / 40, 0.001):
        raise Hint("A gate of 1 - 1/40 leaves more than a third, not a half: take the 40th root.")
    if close(b, np.log((1 - gate) / gate), 0.05):
        raise Hint("This closes the gate: look at the sign.")
    if close(b, np.log10(gate / (1 - gate)), 0.02):
        raise Hint("The natural logarithm is wanted, since the gate has exp in it.")
    if not close(b, np.log(gate / (1 - gate)), 0.05):
        raise Hint("First find the gate g with g**40 = 0.5, then b from g = sigmoid(b).")


def check_remember(remember):
    """5.9: recall over a hundred steps, on fresh sequences."""
    x, y = tasks.delayed_recall(300, 101, 4, 987654)
    got = array_of(remember(x), (300,), "The answer")
    share = (got == y[:, -1]).mean()
    if (got == 0).mean() > 0.5:
        raise Hint("It says 0, the blank: the answer is wanted at the last step only.")
    if share < 0.1 and (got + 1 == y[:, -1]).mean() > 0.9:
        raise Hint("All one too small: the symbols are numbered from 1.")
    if share < 0.4:
        raise Hint("That is about chance, 1 in 4: which layers still had a gradient at lag 40?")
    if share < 0.9:
        raise Hint(f"Right in {share:.2f}. More training, or a shorter path through time.")


def check_predictions(answer):
    """5.10: grows, shrinks or zero, for tanh and ReLU neurons of weight 1.1."""
    if not isinstance(answer, list | tuple) or len(answer) != 4:
        raise Hint("A list of four words is wanted.")
    at_zero, started, relu, off = (str(word).strip().lower() for word in answer)
    if not {at_zero, started, relu, off} <= {"grows", "shrinks", "zero"}:
        raise Hint('Each word is "grows", "shrinks" or "zero".')
    if at_zero != "grows":
        raise Hint("tanh from 0: the state stays there. How steep is tanh at that point?")
    if started == "grows":
        raise Hint("tanh from 0.5: where does the state settle, and how steep is tanh there?")
    if started == "zero":
        raise Hint("tanh from 0.5: no slope of tanh is exactly zero.")
    if relu != "grows":
        raise Hint("ReLU from 0.5: is it ever off? While it is on, what is its slope?")
    if off != "zero":
        raise Hint("ReLU from 0: is a neuron with a sum of exactly 0 on or off?")


CHECKS = {
    "5.1": check_powers,
    "5.2": check_slopes,
    "5.3": check_matrix,
    "5.4": check_bound,
    "5.5": check_start,
    "5.6": check_clip,
    "5.7": check_first_bad,
    "5.8": check_gate,
    "5.9": check_remember,
    "5.10": check_predictions,
}
