"""Tasks with known answers: sequences drawn with a seed.

Sizes come first: ``B`` sequences of ``T`` time steps, ``V`` symbols, at least 2. The same ``seed``,
a whole number of at least 0, gives the same sequences. Inputs ``x`` are one-hot if nothing else is
said, of float32; targets ``y`` are whole numbers, (B, T).
"""

import numpy as np

from rnnbook._check import number, whole


def delayed_recall(B: int, T: int, V: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw sequences that show a symbol at once and ask for it at the end, T - 1 steps later.

    x, (B, T, V + 1), is the symbol, 1 to V, then the blank, 0, and at the last step, T at least 2,
    the question: a vector of ones. y is the symbol there, and 0 before.

    >>> delayed_recall(1, 4, 2)[1]
    array([[0, 0, 0, 2]])
    """
    B, T, V = whole("B", B), whole("T", T, 2), whole("V", V, 2)
    symbol = np.random.default_rng(whole("seed", seed, 0)).integers(1, V + 1, B)
    ids = np.zeros((B, T), dtype=int)
    y = np.zeros_like(ids)
    ids[:, 0] = y[:, -1] = symbol
    x = np.eye(V + 1, dtype=np.float32)[ids]
    x[:, -1] = 1
    return x, y


def running_total(B: int, T: int, V: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw digits, 0 to V - 1, and ask, at each step, for the sum so far modulo V.

    x, (B, T, V), are the digits; y_t = (y_{t-1} + digit_t) mod V.

    >>> x, y = running_total(1, 5, 3)
    >>> x.argmax(axis=2), y
    (array([[2, 1, 1, 0, 0]]), array([[2, 0, 1, 1, 1]]))
    """
    B, T, V = whole("B", B), whole("T", T), whole("V", V, 2)
    digits = np.random.default_rng(whole("seed", seed, 0)).integers(0, V, (B, T))
    return np.eye(V, dtype=np.float32)[digits], digits.cumsum(axis=1) % V


def echoes(n: int, V: int, lag: int, repeat: float, seed: int = 0) -> np.ndarray:
    """Draw n > lag symbols, 0 to V - 1, shape (n,), of which most repeat the one ``lag`` earlier.

    Each is an echo with the probability ``repeat``, from 0 to 1, else drawn uniformly. Thus the
    entropy rate is known: given the symbol ``lag``, at least 1, steps back, that symbol has
    probability repeat + (1 - repeat) / V and each other one (1 - repeat) / V.

    >>> echoes(9, V=4, lag=3, repeat=1)
    array([3, 2, 2, 3, 2, 2, 3, 2, 2])
    """
    V, lag = whole("V", V, 2), whole("lag", lag)
    n, repeat = whole("n", n, lag + 1), number("repeat", repeat, least=0, most=1)
    rng = np.random.default_rng(whole("seed", seed, 0))
    s = rng.integers(0, V, n)
    for t in lag + np.flatnonzero(rng.random(n - lag) < repeat):
        s[t] = s[t - lag]
    return s


def copying(B: int, symbols: int, V: int, lag: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw a few symbols, then blanks, and ask for the symbols in their order.

    x, (B, T, V + 2) with T = lag + 2 symbols, holds as many ``symbols``, each from 1 to V, lag - 1
    blanks (0), the delimiter (V + 1), which asks for them, and a blank for each. y is blank, and at
    the last steps the symbols, each lag + symbols steps after it was shown. A net without a memory
    can only guess there among V: that costs symbols ln V / T nats a step. Arjovsky, Shah and Bengio
    (2016) take symbols = 10 and V = 8; Hochreiter and Schmidhuber (1997) have a task close to it.

    >>> x, y = copying(1, symbols=2, V=4, lag=3)
    >>> x.argmax(axis=2), y
    (array([[4, 3, 0, 0, 5, 0, 0]]), array([[0, 0, 0, 0, 0, 4, 3]]))
    """
    B, symbols = whole("B", B), whole("symbols", symbols)
    V, lag = whole("V", V, 2), whole("lag", lag)
    shown = np.random.default_rng(whole("seed", seed, 0)).integers(1, V + 1, (B, symbols))
    ids = np.zeros((B, lag + 2 * symbols), dtype=int)
    y = np.zeros_like(ids)
    ids[:, :symbols] = y[:, -symbols:] = shown
    ids[:, symbols + lag - 1] = V + 1
    return np.eye(V + 2, dtype=np.float32)[ids], y


def adding(B: int, T: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw numbers of which two are marked, and ask for the sum of the two.

    x, (B, T, 2), holds at each step a number, uniform from 0 to 1, and its mark: 1 for one number
    in the first half of the T steps, at least 2, and for one in the second, else 0. y, (B,), of
    float32, holds the sums. Always to say 1 has a mean squared error of 1/6, their variance.
    Experiment 4 of Hochreiter and Schmidhuber (1997), whose numbers lie between -1 and 1, in the
    form of Arjovsky, Shah and Bengio (2016).

    >>> x, y = adding(1, 4)
    >>> print(x[0, :, 1], y.round(2))
    [1. 0. 1. 0.] [1.36]
    """
    B, T, rng = whole("B", B), whole("T", T, 2), np.random.default_rng(whole("seed", seed, 0))
    x = np.zeros((B, T, 2), dtype=np.float32)
    x[..., 0] = rng.random((B, T), dtype=np.float32)
    rows = np.arange(B)
    x[rows, rng.integers(0, T // 2, B), 1] = 1
    x[rows, rng.integers(T // 2, T, B), 1] = 1
    return x, x.prod(axis=2).sum(axis=1)


def counting(
    B: int, n_min: int, n_max: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw words of the language a^n b^n and ask, at each step, for the next symbol.

    Each n from n_min, at least 1, to n_max is equally likely. Nobody can know when the a's end. But
    from the first b on everything is certain, for a net that has counted. After Gers and
    Schmidhuber (2001), whose marks of start and end differ.

    x, (B, T, 3) with T = 2 n_max + 1, is the mark (0), n times a (1), n times b (2), and zeros
    after a shorter word; y is one step ahead, and ends with the mark. The mask, (B, T), is True at
    the 2 n + 1 steps of each word; what y says beyond them means nothing.

    >>> x, y, mask = counting(1, 2, 2)
    >>> x.argmax(axis=2), y
    (array([[0, 1, 1, 2, 2]]), array([[1, 1, 2, 2, 0]]))
    """
    B, n_min = whole("B", B), whole("n_min", n_min)
    n_max = whole("n_max", n_max, n_min)
    n = np.random.default_rng(whole("seed", seed, 0)).integers(n_min, n_max + 1, B)[:, None]
    t = np.arange(2 * n_max + 2)
    ids = np.where(t <= 2 * n, np.where(t <= n, 1, 2), 0)  # (B, T + 1)
    ids[:, 0] = 0
    mask = t[:-1] <= 2 * n
    return np.eye(3, dtype=np.float32)[ids[:, :-1]] * mask[..., None], ids[:, 1:], mask
