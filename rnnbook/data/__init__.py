"""Where data come from: files that are checked, books of your own, and texts that are fetched."""

import hashlib
import io
import os
import re
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

# In a checkout the files lie beside the package; a wheel carries them inside it.
_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parent / "data"
FOLDER = _CHECKOUT if (_CHECKOUT / "manifest.toml").is_file() else _PACKAGE / "_data"
SECONDS = 300  # that fetching a classic text may take

# How files begin that are no plain text, in lower case.
_OTHER_FORMATS = {
    b"{\\rtf": "an RTF document",
    b"%pdf-": "a PDF",
    b"pk\x03\x04": "a zip archive, such as .docx, .odt or .epub",
    b"\x1f\x8b": "a gzip archive",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<?xml": "XML",
}
# Project Gutenberg's license stands before the first kind of line and after the second. A title
# may run over several lines; files of before 2004 have the small print instead.
_BEGINS = re.compile(
    r"^ *(?:\*{3} ?START OF TH\w+ (?:COPYRIGHTED )?PROJECT GUTENBERG"
    r"(?:(?:[^\n*]|\n(?!\n))*\*{3}.*|.*)|\*END ?\*? ?THE SMALL PRINT.*)$",
    re.MULTILINE,
)
_ENDS = re.compile(
    r"^ *(?:\*{3} ?END OF TH\w+ (?:COPYRIGHTED )?PROJECT GUTENBERG"
    r"|(?i:(?:End of|Ende dies\w*|Fin d[eu])(?: the| this| ce)? Proje[ck]?t Gutenberg))",
    re.MULTILINE,
)
# In windows-1252, these characters have the bytes that they have in its neighbors for other
# languages (but for the pound); bytes of Cyrillic, Chinese or damaged UTF-8 give others too.
_SURE = "\xa0‘’“”‚„‹›«»–—…•£©®§°´·ÁÄÇÉËÍÎÓÔÖÚÜÝßáâäçéëíîóôöúüý"
_DOUBTFUL = re.compile(
    rf"[^\x00-\x7f{_SURE}]|[^\W\d_][‚„£]|£[^\W\d_]|[§°®©´·«»][°®©´·«»]"
    r"|[^\W\x00-\x7f]{3}|\b[^\W\x00-\x7f]{2,}\b"
)


def path(name: str) -> Path:
    """Return where a file of ``data/manifest.toml`` lies, after checking that nobody changed it.

    >>> path("sunspots.csv").name
    'sunspots.csv'
    """
    files = {entry["name"]: entry for entry in _manifest()["file"]}
    if name not in files:
        lines = "\n  ".join(["", *sorted(files)])
        raise ValueError(f"name must be one of these data files, got {name!r}:{lines}")
    _read(files[name])
    return FOLDER / name


def _manifest() -> dict:
    manifest = FOLDER / "manifest.toml"
    if not manifest.is_file():
        raise FileNotFoundError(f"{manifest} is missing (install rnnbook again, with its data)")
    return tomllib.loads(manifest.read_text(encoding="utf-8"))


def _read(entry: dict) -> bytes:
    """Return the bytes of a file of the manifest, if they are the ones described there."""
    file = FOLDER / entry["name"]
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing (restore it from the course's repository)")
    content = file.read_bytes()
    if not _is_described(content, entry):
        raise ValueError(
            f"{file} must be the file in manifest.toml ({entry['bytes']} bytes), got "
            f"{len(content)} bytes of other content (restore it from the course's repository)"
        )
    return content


def _is_described(content: bytes, entry: dict) -> bool:
    return hashlib.sha256(content).hexdigest() == entry["sha256"]


def novel(split: str | None = None) -> str:
    """Return the course's novel, *Until the Water Closes*: its chapters, a blank line between them.

    By default all of it. The splits "train", "validation" and "test" are whole chapters spread over
    the story: of each ten chapters the third is for the test, the eighth for validation.

    >>> novel("test").splitlines()[0]
    'CHAPTER 3'
    """
    if split not in (None, "train", "validation", "test"):
        raise ValueError(f"split must be 'train', 'validation', 'test' or None, got {split!r}")
    chapters = [c for c in _manifest()["file"] if "split" in c and split in (None, c["split"])]
    return "\n".join(_read(chapter).decode("utf-8") for chapter in chapters)


def own_book(
    paths: str | os.PathLike | Sequence[str | os.PathLike], encoding: str | None = None
) -> str:
    """Return a book of your own from plain text files, and print how each was read.

    ``paths`` is one file, or a list in the order in which they are read; ``~`` is your home folder.
    The texts come with a blank line between them, without the license of Project Gutenberg, lines
    ending with a line feed and no white space before and after a text.

    ``encoding`` is such as ``"cp1251"`` or ``"gbk"``. By default it is UTF-8, or UTF-16 where a
    file says so. A file that is neither is read as windows-1252 if all its letters would be the
    same in similar encodings, as in English and German, and is refused otherwise.

    >>> text = own_book("~/books/35.txt")  # doctest: +SKIP
    35.txt: utf-8, 178,978 characters; left out: the license of Project Gutenberg (19,331)
    """
    paths = [paths] if isinstance(paths, str | os.PathLike) else paths
    some = isinstance(paths, list | tuple) and len(paths) > 0
    if not some or not all(isinstance(file, str | os.PathLike) for file in paths):
        raise TypeError(f"paths must be a path or a list of one or more paths, got {paths!r:.80}")
    texts, lines = zip(*[_book(file, encoding) for file in map(_file, paths)], strict=True)
    print("\n".join(lines))
    return "\n\n".join(texts)


def _file(path: str | os.PathLike) -> Path:
    name = os.path.expanduser(path)  # leaves the home of an unknown user as it is
    if re.match("(?i)[a-z]{3,5}://", name):
        raise ValueError(f"paths must be files on this machine, got {name} (save that file first)")
    if "\n" in name or len(name) > 1000:
        raise ValueError(f"paths must be names of files, got a text of {len(name):,} characters")
    if not os.path.isfile(name):
        raise FileNotFoundError(f"{name} is no file (check the path; it starts from {Path.cwd()})")
    return Path(name)


def _book(file: Path, encoding: str | None) -> tuple[str, str]:
    """Return the text of a file, and the line that tells how it was read."""
    content = file.read_bytes()
    begin = content[:200].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n").lower()
    if kind := next((k for mark, k in _OTHER_FORMATS.items() if begin.startswith(mark)), None):
        raise ValueError(f"{file} must be plain text, got {kind} (save it as plain text)")
    encoding = _find_encoding(file, content) if encoding is None else encoding
    try:
        text = _clean(content.decode(encoding))
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{file} cannot be read in the encoding {encoding}: {error}") from error
    if control := re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text):
        advice = "save it as plain text in UTF-8, or give its encoding"
        raise ValueError(f"{file} must be plain text, got the character {control[0]!r} ({advice})")
    if not (book := _without_license(text)):
        raise ValueError(f"{file} must hold some text, got an empty file (choose another one)")
    line = f"{file.name}: {encoding}, {len(book):,} characters"
    if book != text:
        line += f"; left out: the license of Project Gutenberg ({len(text) - len(book):,})"
    if mentions := book.count("Project Gutenberg"):
        line += f'; "Project Gutenberg" still stands in it ({mentions} times)'
    return book, line


def _find_encoding(file: Path, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        content.decode("utf-8")
    except ValueError as error:
        text = content.decode("windows-1252", "replace")
        if found := _DOUBTFUL.search(text):
            place = " ".join(text[max(found.start() - 15, 0) : found.end() + 15].split())
            raise ValueError(
                f'{file} is not UTF-8 ({error}). In windows-1252 it has "{place}": if that is '
                'right, give encoding="windows-1252"; if not, its own encoding, or save it as '
                "plain text in UTF-8"
            ) from error
        return "windows-1252"
    return "utf-8"


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\ufeff", "").rstrip("\x1a").strip()  # a mark of UTF-8; ^Z, DOS's end


def _without_license(text: str) -> str:
    """Return what stands between Project Gutenberg's lines, of one book or of several."""
    *others, last = _BEGINS.split(text)
    books = [_ENDS.split(part, maxsplit=1) for part in others]
    books = [book for book, *after in books if after] + [_ENDS.split(last, maxsplit=1)[0]]
    return "\n\n".join(book.strip() for book in books)


def classic(name: str) -> str:
    """Return a classic text, fetched the first time and kept on this machine.

    "tiny-shakespeare" is lines of Shakespeare's plays, 1.1 million characters, "the-time-machine"
    and "alice" the novels by H. G. Wells, 180,000, and Lewis Carroll, 145,000, without the license
    of Project Gutenberg. They are kept in the user's cache, or in the folder that the environment
    variable ``RNNBOOK_CACHE`` names; ``data/manifest.toml`` has their addresses and SHA-256.

    >>> classic("alice")[:30]  # doctest: +SKIP
    "ALICE'S ADVENTURES IN WONDERLA"
    """
    texts = {entry["name"]: entry for entry in _manifest()["text"]}
    if name not in texts:
        raise ValueError(f"name must be one of {', '.join(sorted(texts))}; got {name!r}")
    return _without_license(_clean(_fetch(texts[name]).decode("utf-8")))


def _fetch(entry: dict) -> bytes:
    """Return the bytes of a text of the manifest, and keep them on this machine."""
    import pooch  # here, since it takes a while to load

    folder = Path(os.environ.get("RNNBOOK_CACHE") or pooch.os_cache("rnnbook")).expanduser()
    file, part = folder / f"{entry['name']}.txt", folder / f"{entry['name']}.{os.getpid()}.part"
    if file.is_file() and _is_described(content := file.read_bytes(), entry):
        return content
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.touch()
        file.unlink(missing_ok=True)  # damaged, or another file
    except OSError as error:
        raise OSError(
            f"{folder}, the folder for classic texts, cannot be written: {error} (name another one "
            "in the environment variable RNNBOOK_CACHE)"
        ) from error
    fetch, buffer = pooch.HTTPDownloader(True, chunk_size=512, timeout=10), _Buffer(entry["bytes"])
    try:
        fetch(entry["source"], buffer, None)
        part.write_bytes(content := buffer.getvalue())
        if not _is_described(content, entry):
            raise ValueError(
                f"{entry['source']} must give the file in manifest.toml ({entry['bytes']} bytes), "
                "got other content, which was not kept (try again, or from another network)"
            )
        part.replace(file)
    except OSError as error:
        raise OSError(
            f"{entry['source']} could not be fetched: {error}. Without a network, save that file, "
            f"unchanged, as {file}, or read a book of your own with rnnbook.data.own_book"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return content


class _Buffer(io.BytesIO):
    """A file in memory that takes so many bytes, and for so many seconds."""

    def __init__(self, size: int):
        super().__init__()
        self.size, self.end = size, time.monotonic() + SECONDS

    def write(self, chunk: bytes) -> int:
        if self.tell() + len(chunk) > self.size:
            raise OSError(f"it is larger than {self.size} bytes")
        if time.monotonic() > self.end:
            raise TimeoutError(f"it was not complete after {SECONDS} seconds")
        return super().write(chunk)
