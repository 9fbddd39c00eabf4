"""Chapter 4's checks: right answers pass, each common wrong answer gets the hint meant for it."""

import numpy as np

from rnnbook.exercises import hint


def slopes(loss, array, step, ahead=1, behind=1, distance=2):
    found = np.zeros_like(array)
    for i in np.ndindex(array.shape):
        up, down = array.copy(), array.copy()
        up[i] += ahead * step
        down[i] -= behind * step
        found[i] = (loss(up) - loss(down)) / (distance * step)
    return found


def not_put_back(loss, array, step):
    found = slopes(loss, array, step)
    array += step
    return found


def backward(above, h, W_hh, slope=lambda h: 1 - h**2, order=reversed, future=1):
    da, right = np.zeros_like(h), 0
    for t in order(range(h.shape[1])):
        da[:, t] = slope(h[:, t]) * (above[:, t] + right)
        right = future * da[:, t] @ W_hh
    return da


def gradient(da, h, h_0):
    before = np.concatenate([h_0[:, None], h[:, :-1]], axis=1)
    return np.einsum("bti,btj->ij", da, before)


def truncated(chunk_gradient, x, h_0, k, carry=True, weigh=lambda n, T, k: n / T):
    total, h = 0, h_0
    for s in range(0, len(x), k):
        chunk = x[s : s + k]
        g, last = chunk_gradient(chunk, h)
        total += weigh(len(chunk), len(x), k) * g
        h = last if carry else h_0
    return total


def slope_forward(x, w_x, w_h, b, passed=1, slope=lambda h: 1 - h**2):
    h = d = 0.0
    for x_t in x:
        inside = h + passed * w_h * d
        h = np.tanh(w_x * x_t + w_h * h + b)
        d = slope(h) * inside
    return d


def state(x, w_x, w_h, b):
    h = 0.0
    for x_t in x:
        h = np.tanh(w_x * x_t + w_h * h + b)
    return h


def with_cuts(above, h, W_hh, h_0, cut, p, factor=None, order=1, ignored=False):
    factor = 1 / (1 - p) if factor is None else factor
    passes = factor * ~cut[::order] if not ignored else np.ones(len(cut))
    g, right = 0, 0
    for t in reversed(range(h.shape[1])):
        da = (1 - h[:, t] ** 2) * (above[:, t] + right)
        g = g + da.T @ (h[:, t - 1] if t > 0 else h_0)
        right = passes[t - 1] * da @ W_hh
    return g


RIGHT = {
    "4.1": [5, 7],
    "4.2": [1.75, 1.5, 1],
    "4.3": [60, 500, 25],
    "4.4": slopes,
    "4.5": backward,
    "4.6": gradient,
    "4.7": [8, 3, 9],
    "4.8": [30, 60],
    "4.9": truncated,
    "4.10": slope_forward,
    "4.11": 8,
    "4.12": with_cuts,
}

WRONG = [
    ("4.1", [7, 5], "exchanged"),
    ("4.1", [5, 5], "They differ"),
    ("4.1", [11, 7], "held fixed is h_2"),
    ("4.1", [5, 10], "write h_3 out"),
    ("4.2", [1, 1, 1], "from the right?"),
    ("4.2", [0.25, 0.5, 1], "last output alone"),
    ("4.2", [1, 1.5, 1.75], "wrong order"),
    ("4.2", [1.5, 1.5, 1], "half of ALL"),
    ("4.2", [3, 2, 1], "Begin at the last"),
    ("4.3", [20, 500, 25], "one epoch"),
    ("4.3", [3, 500, 25], "one update a chunk"),
    ("4.3", [1200, 500, 25], "through one together"),
    ("4.3", [60, 25, 25], "How many rows"),
    ("4.3", [60, 10_000, 25], "rows times steps"),
    ("4.3", [60, 500, 500], "can be forgotten"),
    ("4.3", [60, 500, 26], "carried in is not counted"),
    ("4.3", [60, 500, 1], "one state for each step"),
    ("4.4", lambda *a: slopes(*a, behind=0, distance=1), "one-sided"),
    ("4.4", lambda *a: slopes(*a, ahead=0, distance=1), "one-sided"),
    ("4.4", lambda *a: slopes(*a, distance=1), "Twice too large"),
    ("4.4", not_put_back, "put each number back"),
    ("4.4", lambda loss, array, step: 0 * array, "pencil"),
    ("4.4", lambda loss, array, step: 0.0, "has shape"),
    ("4.5", lambda *a: backward(*a, future=0), "from the right"),
    ("4.5", lambda *a: backward(*a, slope=lambda h: 1), "slope of tanh is missing"),
    ("4.5", lambda *a: backward(*a, slope=lambda h: 1 - np.tanh(h) ** 2), "tanh(a) already"),
    ("4.5", lambda above, h, W: backward(above, h, W.T), "wrong way round"),
    ("4.5", lambda *a: backward(*a, order=iter), "forward in time"),
    ("4.5", lambda *a: backward(*a, future=2), "an earlier one is not"),
    ("4.5", lambda *a: 3 * backward(*a), "Already the last"),
    ("4.6", lambda da, h, h_0: np.einsum("bti,btj->ij", da, h), "states after"),
    ("4.6", lambda da, h, h_0: gradient(da, h, h[:, -1]), "index -1"),
    ("4.6", lambda da, h, h_0: gradient(da, h, 0 * h_0), "first step hands over"),
    ("4.6", lambda *a: gradient(*a).T, "Turned"),
    ("4.6", lambda *a: gradient(*a) / 3, "mean in the place"),
    ("4.6", lambda *a: -gradient(*a), "a column"),
    ("4.7", [4, 3, 9], "W_hh alone"),
    ("4.7", [1, 3, 9], "single line"),
    ("4.7", [8, 1, 9], "leave the gradient of h_0 right"),
    ("4.7", [8, 10, 9], "symmetric"),
    ("4.7", [8, 2, 9], "no effect on the weights"),
    ("4.7", [8, 3, 6], "the transpose?"),
    ("4.7", [8, 3, 8], "What transposes"),
    ("4.8", [900, 900], "keeps everything"),
    ("4.8", [30, 30], "starts of the chunks"),
    ("4.8", [30, 931], "ONE chunk"),
    ("4.8", [10, 100], "smallest"),
    ("4.8", [30, 90], "Now count"),
    ("4.9", lambda *a: truncated(*a, carry=False), "carry the last state"),
    ("4.9", lambda *a: truncated(*a, weigh=lambda n, T, k: 1), "weigh it"),
    ("4.9", lambda *a: truncated(*a, weigh=lambda n, T, k: 1 / -(-T // k)), "may be shorter"),
    ("4.9", lambda g, x, h_0, k: -1.0, "T = 4"),
    ("4.9", lambda *a: None, "return missing"),
    ("4.10", lambda *a: slope_forward(*a, passed=0), "immediate derivative"),
    ("4.10", lambda *a: slope_forward(*a, slope=lambda h: 1), "slope of tanh is missing"),
    ("4.10", state, "This is the state"),
    ("4.10", lambda *a: 3.0, "in this order"),
    ("4.11", 0.97, "seven chunk lengths"),
    ("4.11", 4, "Too short"),
    ("4.11", 16, "not the smallest"),
    ("4.12", lambda *a: with_cuts(*a, factor=1), "make up for the cuts"),
    ("4.12", lambda *a: with_cuts(*a, factor=1 / a[-1]), "not the full gradient"),
    ("4.12", lambda *a: with_cuts(*a, order=-1), "wrong end"),
    ("4.12", lambda *a: with_cuts(*a, ignored=True), "from above alone"),
]


def test_the_last_chunk_alone_is_told_from_the_sum():
    def last(chunk_gradient, x, h_0, k):
        h = h_0
        for s in range(0, len(x), k):
            g, h = chunk_gradient(x[s : s + k], h)
        return g

    assert "last chunk's alone" in hint("4.9", last)
