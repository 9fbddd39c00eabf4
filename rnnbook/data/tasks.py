"""Tasks with known answers: windows of a series, sequences drawn with a seed, a text's marks.

Sizes come first: ``B`` sequences of ``T`` time steps, ``V`` symbols. The same ``seed``, a whole
number of at least 0, gives the same sequences.
"""

import re

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import number, shaped, whole


def windows(series: ArrayLike, T: int) -> tuple[np.ndarray, np.ndarray]:
    """Split a series, shape (n,), into windows of ``T`` < n values, and the value after each.

    >>> x, y = windows([1, 2, 3, 4], 2)
    >>> x[..., 0].tolist(), y.tolist()
    ([[1.0, 2.0], [2.0, 3.0]], [3.0, 4.0])

    Returns
    -------
    x : numpy.ndarray, shape (n - T, T, 1)
        The windows, as a recurrent layer takes them; neighbors overlap in T - 1 values.
    y : numpy.ndarray, shape (n - T,)
        The value after each window.
    """
    series, T = shaped("series", series, "n"), whole("T", T)
    if len(series) <= T:
        given = f"got {len(series)} (give a longer series or a smaller T)"
        raise ValueError(f"series must have at least T + 1 = {T + 1} values, {given}")
    x = np.lib.stride_tricks.sliding_window_view(series[:-1], T)
    return x[..., None].copy(), series[T:].copy()


def delayed_recall(B: int, T: int, V: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw sequences that show a symbol at once and ask for it at the end, T - 1 steps later.

    There are V symbols, at least 2, numbered 1 to V; 0 is the blank. T is at least 2.

    >>> delayed_recall(1, 4, 2)[1]
    array([[0, 0, 0, 2]])

    Returns
    -------
    x : numpy.ndarray of float32, shape (B, T, V + 1)
        The symbol one-hot at the first step, blank after it, the question at the last step as a
        vector of ones.
    y : numpy.ndarray of int, shape (B, T)
        Targets: 0 everywhere but at the last step, which asks for the symbol.
    """
    B, T, V = whole("B", B), whole("T", T, 2), whole("V", V, 2)
    symbol = np.random.default_rng(whole("seed", seed, 0)).integers(1, V + 1, B)
    x = np.zeros((B, T, V + 1), dtype=np.float32)
    x[:, 1:-1, 0] = 1
    x[np.arange(B), 0, symbol] = 1
    x[:, -1] = 1
    y = np.zeros((B, T), dtype=int)
    y[:, -1] = symbol
    return x, y


def running_total(B: int, T: int, V: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw digits, 0 to V - 1, and ask, at each step, for the sum so far modulo V, at least 2.

    >>> x, y = running_total(1, 5, 3)
    >>> x.argmax(axis=2), y
    (array([[2, 1, 1, 0, 0]]), array([[2, 0, 1, 1, 1]]))

    Returns
    -------
    x : numpy.ndarray of float32, shape (B, T, V)
        The digits, one-hot.
    y : numpy.ndarray of int, shape (B, T)
        The running totals: y_t = (y_{t-1} + digit_t) mod V.
    """
    B, T, V = whole("B", B), whole("T", T), whole("V", V, 2)
    digits = np.random.default_rng(whole("seed", seed, 0)).integers(0, V, (B, T))
    return np.eye(V, dtype=np.float32)[digits], digits.cumsum(axis=1) % V


def echoes(n: int, V: int, lag: int, repeat: float, seed: int = 0) -> np.ndarray:
    """Draw n > lag symbols, 0 to V - 1, of which most repeat the one ``lag`` steps earlier.

    Its entropy rate is known: given the symbol ``lag`` steps back, that symbol has
    probability repeat + (1 - repeat) / V and each other one (1 - repeat) / V.

    >>> echoes(9, V=4, lag=3, repeat=1)
    array([3, 2, 2, 3, 2, 2, 3, 2, 2])

    Parameters
    ----------
    n, V, lag, seed : int
        Sizes as above, V at least 2, lag at least 1; the result has shape (n,).
    repeat : float
        Probability of an echo, from 0 to 1; otherwise the symbol is drawn uniformly.
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

    A net without a memory can do no better than to guess among V symbols at the last steps:
    symbols ln V / T nats a step.

    >>> x, y = copying(1, symbols=2, V=4, lag=3)
    >>> x.argmax(axis=2), y
    (array([[4, 3, 0, 0, 5, 0, 0]]), array([[0, 0, 0, 0, 0, 4, 3]]))

    Parameters
    ----------
    B, symbols, V, lag, seed : int
        Sequences; how many symbols to remember; how many there are, at least 2, numbered 1 to
        V; steps from the last symbol shown to the delimiter, which asks for them, at least 1.

    Returns
    -------
    x : numpy.ndarray of float32, shape (B, T, V + 2), T = lag + 2 symbols
        Inputs, one-hot: the symbols, lag - 1 blanks (0), the delimiter (V + 1), and a blank for
        each symbol that is to be said.
    y : numpy.ndarray of int, shape (B, T)
        Targets: blanks, and at the last steps the symbols. Each comes lag + symbols steps after
        it was shown.

    Notes
    -----
    The task of Arjovsky, Shah and Bengio (2016), where symbols is 10 and V is 8. Its setup is close
    to one of Hochreiter and Schmidhuber (1997).
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

    Always to say 1 has a mean squared error of 1/6 = 0.1667, the variance of the sum. T is at
    least 2.

    >>> x, y = adding(1, 4)
    >>> print(x[0, :, 1], y.round(2))
    [1. 0. 1. 0.] [1.36]

    Returns
    -------
    x : numpy.ndarray of float32, shape (B, T, 2)
        At each step a number, uniform from 0 to 1, and its mark: 1 for one number in the first
        half of the sequence and for one in the second, 0 for all others.
    y : numpy.ndarray of float32, shape (B,)
        The sums, from 0 to 2.

    Notes
    -----
    Experiment 4 of Hochreiter and Schmidhuber (1997), whose numbers lie between -1 and 1, in the
    form of Arjovsky, Shah and Bengio (2016).
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
    from the first b on everything is certain, for a net that has counted.

    >>> x, y, mask = counting(1, 2, 2)
    >>> x.argmax(axis=2), y
    (array([[0, 1, 1, 2, 2]]), array([[1, 1, 2, 2, 0]]))

    Returns
    -------
    x : numpy.ndarray of float32, shape (B, T, 3), T = 2 n_max + 1
        Inputs, one-hot: the mark (0), n times a (1), n times b (2); zeros after a shorter word.
    y : numpy.ndarray of int, shape (B, T)
        Targets, one step ahead: n times a, n times b, the mark that ends the word.
    mask : numpy.ndarray of bool, shape (B, T)
        True at the 2 n + 1 steps of each word. What y says beyond them means nothing.

    Notes
    -----
    After Gers and Schmidhuber (2001), who trained on n up to 10 and tested on larger n. There,
    the marks of start and end differ.
    """
    B, n_min = whole("B", B), whole("n_min", n_min)
    n_max = whole("n_max", n_max, n_min)
    n = np.random.default_rng(whole("seed", seed, 0)).integers(n_min, n_max + 1, B)[:, None]
    t = np.arange(2 * n_max + 2)
    ids = np.where(t <= 2 * n, np.where(t <= n, 1, 2), 0)  # (B, T + 1)
    ids[:, 0] = 0
    mask = t[:-1] <= 2 * n
    return np.eye(3, dtype=np.float32)[ids[:, :-1]] * mask[..., None], ids[:, 1:], mask


def spoken(text: str) -> tuple[list[str], np.ndarray]:
    """Hide the quotation marks of a text, and ask of each word whether it was spoken.

    The text itself holds the answers: a word is spoken if it stands between a mark that opens and
    one that closes, both straight (") and in one line. What is left of it is words in lower case,
    and where lines begin.

    >>> spoken('"Come in," he said.')
    (['¶', 'come', 'in', 'he', 'said'], array([2, 1, 1, 0, 0]))

    Returns
    -------
    words : list of n str
        The words, with their inner apostrophes and hyphens; "¶" before each line that has any.
    labels : numpy.ndarray of int, shape (n,)
        1 for a spoken word, 0 for one that is told, 2 for "¶".
    """
    words, labels = [], []
    for line_number, line in enumerate(text.splitlines(), 1):
        parts = line.lower().split('"')
        if len(parts) % 2 == 0:
            raise ValueError(
                f"text must have quotation marks in pairs, got {len(parts) - 1} in line "
                f"{line_number} (close them, or begin each line of a speech with a new pair)"
            )
        found = [re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*", part) for part in parts]
        if any(found):
            words += ["¶", *(word for part in found for word in part)]
            labels += [2, *(i % 2 for i, part in enumerate(found) for _ in part)]
    return words, np.array(labels, dtype=int)
