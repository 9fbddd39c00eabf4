"""Where data come from: checked files, and series drawn with a seed."""

import hashlib
import tomllib
from pathlib import Path

import numpy as np

from rnnbook.arrays import shaped, whole

# In a checkout the files lie beside the package; a wheel carries them inside it.
_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent / "data"
FOLDER = _CHECKOUT if (_CHECKOUT / "manifest.toml").is_file() else _PACKAGE / "_data"


def path(name):
    """Return where the data file ``name`` lies, after checking that nobody changed it.

    Parameters
    ----------
    name : str
        The file's name in ``data/manifest.toml``, such as ``"sunspots.csv"``.

    Returns
    -------
    pathlib.Path
        The file, with the size and SHA-256 of the manifest.

    Raises
    ------
    ValueError
        If the manifest has no such file, or the file is not the one described there.
    FileNotFoundError
        If the manifest or the file is missing.
    """
    manifest = FOLDER / "manifest.toml"
    if not manifest.is_file():
        raise FileNotFoundError(f"{manifest} is missing (install rnnbook again, with its data)")
    files = {f["name"]: f for f in tomllib.loads(manifest.read_text(encoding="utf-8"))["file"]}
    if name not in files:
        raise ValueError(f"data file must be one of {', '.join(sorted(files))}; got {name!r}")
    file = FOLDER / name
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing (restore it from the course's repository)")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != files[name]["sha256"]:
        raise ValueError(
            f"{file} must be the file in manifest.toml ({files[name]['bytes']} bytes), got "
            f"{len(content)} bytes of other content (restore it from the course's repository)"
        )
    return file


def sunspots():
    """Return the yearly mean sunspot numbers from 1700 to 2008.

    Returns
    -------
    years : numpy.ndarray of int, shape (309,)
        The years.
    numbers : numpy.ndarray, shape (309,)
        The mean sunspot number of each year.

    Notes
    -----
    Source: NOAA National Geophysical Data Center, public domain; see ``data/manifest.toml``.
    """
    table = np.loadtxt(path("sunspots.csv"), delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1]


def windows(series, T):
    """Cut a series into windows of ``T`` values, each with the value that follows it.

    Parameters
    ----------
    series : array_like, shape (n,)
        The values in order of time.
    T : int
        Values in a window, from 1 to n - 1.

    Returns
    -------
    x : numpy.ndarray, shape (n - T, T, 1)
        The windows, as a recurrent layer wants them; neighbors overlap in T - 1 values.
    y : numpy.ndarray, shape (n - T,)
        The value after each window.

    Raises
    ------
    TypeError, ValueError
        If the series does not hold one axis of finite numbers, or is too short for T.
    """
    series = shaped("series", series, "n")
    T = whole("T", T)
    if len(series) <= T:
        raise ValueError(
            f"series must have at least T + 1 = {T + 1} values, got {len(series)} (give a longer "
            "series or a smaller T)"
        )
    x = np.lib.stride_tricks.sliding_window_view(series[:-1], T)
    return x[..., None].copy(), series[T:].copy()


def delayed_recall(B, T, V, seed):
    """Draw sequences that show a symbol at once and ask for it at the end.

    The first step shows one of V symbols. Blanks follow, to be answered with blanks; the
    last step asks for the symbol.

    Parameters
    ----------
    B : int
        Sequences.
    T : int
        Time steps, at least 2; the delay is T - 1 steps.
    V : int
        Symbols to remember, at least 2. They are numbered 1 to V; 0 is the blank.
    seed : int
        Seed of the generator.

    Returns
    -------
    x : numpy.ndarray of float32, shape (B, T, V + 1)
        Inputs: the symbol one-hot at the first step, blank after it, the question at the last
        step as a vector of ones.
    y : numpy.ndarray of int, shape (B, T)
        Targets: 0 everywhere but at the last step, which wants the symbol.

    Raises
    ------
    TypeError, ValueError
        If a size is not a whole number, or too small.
    """
    B, T, V = whole("B", B), whole("T", T, 2), whole("V", V, 2)
    rng = np.random.default_rng(whole("seed", seed, 0))
    symbol = rng.integers(1, V + 1, B)
    x = np.zeros((B, T, V + 1), dtype=np.float32)
    x[:, 1:-1, 0] = 1
    x[np.arange(B), 0, symbol] = 1
    x[:, -1] = 1
    y = np.zeros((B, T), dtype=int)
    y[:, -1] = symbol
    return x, y


def running_total(B, T, V, seed):
    """Draw digits and ask, at each step, for the sum so far modulo V.

    Parameters
    ----------
    B, T : int
        Sequences, and time steps.
    V : int
        Digits are 0 to V - 1; at least 2.
    seed : int
        Seed of the generator.

    Returns
    -------
    x : numpy.ndarray of float32, shape (B, T, V)
        The digits, one-hot.
    y : numpy.ndarray of int, shape (B, T)
        The running totals: y_t = (y_{t-1} + digit_t) mod V.

    Raises
    ------
    TypeError, ValueError
        If a size is not a whole number, or too small.
    """
    B, T, V = whole("B", B), whole("T", T), whole("V", V, 2)
    digits = np.random.default_rng(whole("seed", seed, 0)).integers(0, V, (B, T))
    return np.eye(V, dtype=np.float32)[digits], digits.cumsum(axis=1) % V


def echoes(n, V, lag, repeat, seed):
    """Draw symbols of which most repeat the one ``lag`` steps earlier.

    Its entropy rate is known: given the symbol ``lag`` steps back, that symbol has
    probability repeat + (1 - repeat) / V and each other one (1 - repeat) / V.

    Parameters
    ----------
    n : int
        Symbols to draw, more than ``lag``.
    V : int
        Vocabulary size, at least 2; the symbols are 0 to V - 1.
    lag : int
        Steps from a symbol to its echo, at least 1.
    repeat : float
        Probability of an echo, from 0 to 1; otherwise the symbol is drawn uniformly.
    seed : int
        Seed of the generator.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        The symbols.

    Raises
    ------
    TypeError, ValueError
        If a size is not a whole number, or an argument is out of its range.
    """
    V, lag = whole("V", V, 2), whole("lag", lag)
    n = whole("n", n, lag + 1)
    if not 0 <= repeat <= 1:
        raise ValueError(f"repeat must be a probability from 0 to 1, got {repeat}")
    rng = np.random.default_rng(whole("seed", seed, 0))
    s = rng.integers(0, V, n)
    for t in lag + np.flatnonzero(rng.random(n - lag) < repeat):
        s[t] = s[t - lag]
    return s
