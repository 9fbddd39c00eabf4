"""Arrays and their description in one ``.npz`` file: written whole or not at all, no pickle."""

import json
import os
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rnnbook._check import numbers


def place(path: str | os.PathLike) -> Path:
    """Return the path of a file to write, ``~`` expanded; its folder must exist.

    >>> place("a.npz").name
    'a.npz'
    """
    path = Path(path).expanduser()
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent} is no folder (make it first)")
    return path


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give the path of a new file, which takes the place of ``path`` once it is whole.

    It lies beside the old one under a name that no other process has, and goes after an error.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/a.txt") as part:
    ...         _ = part.write_text("all of it")
    ...     os.listdir(folder)
    ['a.txt']
    """
    path = place(path).resolve()  # a link stays one
    part = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield part
        with part.open("rb+") as file:  # to the disk before it gets its name
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def save(path: str | os.PathLike, kind: str, version: int, arrays: dict, description: dict) -> None:
    """Write arrays and a description to a file, in place of one of that kind once it is whole.

    The arrays may have any name but "description", which is a dict that JSON can hold.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.npz", "a test", 1, {"W": np.ones(2)}, {"step": 3})
    ...     arrays, description = load(f"{folder}/a.npz", "a test", 1)
    >>> arrays["W"], description["step"]
    (array([1., 1.]), 3)
    """
    words = json.dumps({"kind": kind, "version": version, **description})
    if Path(path).expanduser().exists():
        load(path, kind, version)  # refuses to overwrite what is of another kind
    with replacing(path) as part, part.open("xb") as file:
        np.savez(file, description=np.array(words), **arrays)


def load(path: str | os.PathLike, kind: str, version: int) -> tuple[dict, dict]:
    """Return the arrays and the description that :func:`save` wrote, if they are of that kind.

    A file is refused if it is damaged, foreign, newer, or larger inside than outside.

    >>> load("no.npz", "a test", 1)
    Traceback (most recent call last):
    FileNotFoundError: no.npz is no file (check the path, and from where it starts)
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file (check the path, and from where it starts)")
    foreign = f"{path} must be a file of kind {kind!r} (choose another file)"
    with path.open("rb") as file:
        if file.read(2) != b"PK":  # with which every .npz file starts
            raise ValueError(f"{foreign}; it is no .npz file")
        try:
            arrays = _read(file)
        except Exception as error:  # zipfile and NumPy have many words for damage
            raise ValueError(f"{path} is damaged: {error} (restore it, or make it anew)") from error
    try:
        description = json.loads(str(arrays.pop("description")))
        found = description["kind"], int(description["version"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{foreign}; it has no description of that kind") from error
    if found[0] != kind:
        raise ValueError(f"{foreign}; its kind is {found[0]!r}")
    if found[1] > version:
        raise ValueError(
            f"{path} must be of version {version} or older, got {found[1]} (upgrade rnnbook)"
        )
    return arrays, description


def _read(file):
    inside = sum(entry.file_size for entry in zipfile.ZipFile(file).infolist())
    outside = file.seek(0, os.SEEK_END)
    if inside > outside:  # save compresses nothing
        raise ValueError(f"it says that it holds {inside:,} bytes, in a file of {outside:,}")
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored}


@contextmanager
def reading(path: str | os.PathLike) -> Iterator[None]:
    """Say that a file is damaged where its description lacks a part, or has one of another kind.

    >>> with reading("a.npz"):
    ...     _ = {"step": 3}["history"]
    Traceback (most recent call last):
    ValueError: a.npz is damaged: KeyError('history') (restore it, or make it anew)
    """
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"{path} is damaged: {error!r} (restore it, or make it anew)") from error


def restore(parameters: dict[str, np.ndarray], arrays: dict[str, np.ndarray]) -> None:
    """Copy stored arrays into the parameters of a model, all of them or none.

    >>> W = np.zeros(2)
    >>> restore({"W": W}, {"W": np.array([1.0, 2.0])})
    >>> W
    array([1., 2.])
    """
    wanted, given = ({n: a.shape for n, a in d.items()} for d in (parameters, arrays))
    if wanted != given:
        names = [n for n in {**wanted, **given} if wanted.get(n) != given.get(n)]
        differ = "; ".join(f"{n} {wanted.get(n)}, got {given.get(n)}" for n in names)
        raise ValueError(f"weights must have the shapes {differ} (they are of another model)")
    arrays = {name: numbers(name, array) for name, array in arrays.items()}
    for name, array in parameters.items():
        array[...] = arrays[name]
