"""Where data come from: files that are checked, books of your own, and texts that are fetched."""

import hashlib
import os
import re
import tomllib
from pathlib import Path

import numpy as np

# In a checkout the files lie beside the package; a wheel carries them inside it.
_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parent / "data"
FOLDER = _CHECKOUT if (_CHECKOUT / "manifest.toml").is_file() else _PACKAGE / "_data"

# The marks with which a text file may begin to say its encoding.
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SAVE = "save it as plain text in UTF-8"

# Project Gutenberg's license stands before and after a text, with a line that says where it ends.
_GUTENBERG = re.compile(
    r"\*{3} START OF TH.*?\*{3}\n(.*?)"
    r"(?:End of [^\n]*Project Gutenberg[^\n]*\s*)?\*{3} END OF TH",
    re.DOTALL,
)


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
    files = {entry["name"]: entry for entry in _manifest()["file"]}
    if name not in files:
        raise ValueError(f"data file must be one of {', '.join(sorted(files))}; got {name!r}")
    _read(files[name])
    return FOLDER / name


def _manifest():
    manifest = FOLDER / "manifest.toml"
    if not manifest.is_file():
        raise FileNotFoundError(f"{manifest} is missing (install rnnbook again, with its data)")
    return tomllib.loads(manifest.read_text(encoding="utf-8"))


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
    chapters = [c for c in _manifest()["file"] if "split" in c and split in (None, c["split"])]
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


def classic(name):
    """Return a classic text, fetched the first time and kept on this machine.

    Parameters
    ----------
    name : {"tiny-shakespeare", "the-time-machine", "alice"}
        Lines of Shakespeare's plays, 1.1 million characters; the novels by H. G. Wells, 180,000,
        and Lewis Carroll, 145,000.

    Returns
    -------
    str
        The text, without the license of Project Gutenberg, whose texts the last two are.

    Raises
    ------
    ValueError
        If there is no such text, or the address gave another file.
    OSError
        If it could not be fetched or kept; the message says how to go on without a network.

    Notes
    -----
    ``data/manifest.toml`` names addresses and SHA-256. The folder is the user's cache, or what the
    environment variable ``RNNBOOK_CACHE`` names.
    """
    texts = {entry["name"]: entry for entry in _manifest()["text"]}
    if name not in texts:
        raise ValueError(f"name must be one of {', '.join(sorted(texts))}; got {name!r}")
    text, _ = _plain_text(_fetched(texts[name]))
    body = _GUTENBERG.search(text)
    return body[1].strip() if body else text


def _fetched(entry):
    """Return where a text of the manifest lies on this machine, after fetching it if need be."""
    import pooch  # here, since it takes a while to load

    folder = os.environ.get("RNNBOOK_CACHE") or pooch.os_cache("rnnbook")
    file = Path(folder).expanduser() / f"{entry['name']}.txt"
    if file.is_file() and pooch.file_hash(file) != entry["sha256"]:
        file.unlink()  # damaged, or another file
    address, name = entry["source"], file.name
    try:
        pooch.retrieve(address, entry["sha256"], name, file.parent, progressbar=True)
    except OSError as error:
        raise OSError(
            f"{address} could not be fetched: {error}. Without a network, save that file, "
            f"unchanged, as {file}, or read a book of your own with rnnbook.data.own_book"
        ) from error
    except ValueError as error:
        raise ValueError(
            f"{address} must give the file in manifest.toml ({entry['bytes']} bytes), got other "
            "content, which was not kept (try again, or from another network)"
        ) from error
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
