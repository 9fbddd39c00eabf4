"""Where data come from: checked files, and series drawn with a seed."""

import hashlib
import os
import re
import tomllib
from pathlib import Path

import numpy as np

from rnnbook.arrays import shaped, whole

# In a checkout the files lie beside the package; a wheel carries them inside it.
_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent / "data"
FOLDER = _CHECKOUT if (_CHECKOUT / "manifest.toml").is_file() else _PACKAGE / "_data"

# The marks with which a text file may begin to say its encoding.
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SAVE = "save it as plain text in UTF-8"


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
    FileNotFoundError, ValueError
        If the file or the manifest is missing; if it is not in the manifest, or was changed.
    """
    files = {entry["name"]: entry for entry in _manifest()}
    if name not in files:
        raise ValueError(f"data file must be one of {', '.join(sorted(files))}; got {name!r}")
    _read(files[name])
    return FOLDER / name


def _manifest():
    manifest = FOLDER / "manifest.toml"
    if not manifest.is_file():
        raise FileNotFoundError(f"{manifest} is missing (install rnnbook again, with its data)")
    return tomllib.loads(manifest.read_text(encoding="utf-8"))["file"]


def _read(entry):
    """Return the bytes of a file of the manifest, if they are the ones described there."""
    file = FOLDER / entry["name"]
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing (restore it from the course's repository)")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ValueError(
            f"{file} must be the file in manifest.toml ({entry['bytes']} bytes), got "
            f"{len(content)} bytes of other content (restore it from the course's repository)"
        )
    return content


def novel(split=None):
    """Return the course's novel, *Until the Water Closes*, or the chapters of one split.

    Parameters
    ----------
    split : {None, "train", "validation", "test"}
        None is the whole novel. The splits are whole chapters spread over the story, once
        for all: of each ten chapters the third is for the test, the eighth for validation.

    Returns
    -------
    str
        The chapters in order, a blank line between them, checked against the manifest.

    Raises
    ------
    FileNotFoundError, ValueError
        If a chapter is missing; if it was changed, or there is no such split.
    """
    if split not in (None, "train", "validation", "test"):
        raise ValueError(f"split must be 'train', 'validation', 'test' or None, got {split!r}")
    chapters = [c for c in _manifest() if "split" in c and split in (None, c["split"])]
    return "\n".join(_read(chapter).decode("utf-8") for chapter in chapters)


def own_book(paths):
    r"""Read a book of your own from one or more text files.

    Parameters
    ----------
    paths : str, os.PathLike, or a list or tuple of them
        Plain text files, such as ``"book.txt"``, in the order in which they are read.

    Returns
    -------
    text : str
        The texts, a blank line between them. Lines end with ``"\n"``, and white space before
        and after a text is left out.
    encodings : list of str
        What was found for each file: "utf-8", also for ASCII; "utf-8-sig" and "utf-16", said
        by a mark in the file; "windows-1252", also for Latin-1: a guess, so look at accents.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If a file is missing, empty, not plain text, or of another encoding; if none is given.
    """
    paths = [paths] if isinstance(paths, str | os.PathLike) else paths
    if not isinstance(paths, list | tuple) or not paths:
        raise TypeError(f"paths must be a path or a list of one or more paths, got {paths!r:.80}")
    texts, encodings = zip(*map(_plain_text, paths), strict=True)
    return "\n\n".join(texts), list(encodings)


def _plain_text(path):
    """Return the text of a file and its encoding, or say why there is none."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"{file} is no file (check the path, and from where it starts)")
    content = file.read_bytes()
    try:
        encoding = _encoding(content)
        text = content.decode(encoding)
    except ValueError as error:
        raise ValueError(f"{file} has no encoding known here: {error} ({_SAVE})") from error
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a").strip()  # ^Z: DOS's end
    if control := re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text):
        raise ValueError(f"{file} must be plain text, got the character {control[0]!r} ({_SAVE})")
    if not text:
        raise ValueError(f"{file} must hold some text, got an empty file (choose another one)")
    return text, encoding


def _encoding(content):
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    text = content.decode("utf-8", "surrogateescape")
    wrong = len(re.findall("[\udc80-\udcff]", text))
    # Bytes that happen to be letters of UTF-8 are rare in other encodings. So where these are
    # the majority it is UTF-8, perhaps with damage; decoding it says where.
    if not wrong or sum(c > "\x7f" for c in text) > 2 * wrong:
        return "utf-8"
    letters = "".join(filter(str.isalpha, content.decode("windows-1252")))
    if len(re.sub("[a-zA-Z]", "", letters)) > len(letters) / 3:
        raise ValueError("it is not UTF-8, and as windows-1252 it has too many accents")
    return "windows-1252"


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
        given = f"got {len(series)} (give a longer series or a smaller T)"
        raise ValueError(f"series must have at least T + 1 = {T + 1} values, {given}")
    x = np.lib.stride_tricks.sliding_window_view(series[:-1], T)
    return x[..., None].copy(), series[T:].copy()


def delayed_recall(B, T, V, seed):
    """Draw sequences that show a symbol at once and ask for it at the end.

    Parameters
    ----------
    B, T : int
        Sequences, and time steps, at least 2; the delay is T - 1 steps.
    V, seed : int
        Symbols to remember, at least 2, numbered 1 to V (0 is the blank); the generator's seed.

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
    B, T, V, seed : int
        Sequences, time steps, number of digits (0 to V - 1; at least 2), the generator's seed.

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
    n, V : int
        Symbols to draw, more than ``lag``, and vocabulary size, at least 2: they are 0 to V - 1.
    lag, seed : int
        Steps from a symbol to its echo, at least 1; the generator's seed.
    repeat : float
        Probability of an echo, from 0 to 1; otherwise the symbol is drawn uniformly.

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
