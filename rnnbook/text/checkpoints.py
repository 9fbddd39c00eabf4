"""Arrays and their description in one ``.npz`` file: written whole or not at all, no pickle."""

import json
import os
from pathlib import Path

import numpy as np

from rnnbook._check import numbers

_DESCRIPTION = "description"


def save(path, kind, version, arrays, description):
    """Write arrays and a description to a file, in place of the old one only once it is whole.

    Parameters
    ----------
    path : str or os.PathLike
        The file, such as ``"model.npz"``; its folder must exist.
    kind : str
        What is in it, such as ``"rnnbook language model"``; :func:`load` asks for it.
    version : int
        The version of this kind of file.
    arrays : dict of str to array_like
        Numbers; no name may be "description".
    description : dict
        What JSON can hold.

    Raises
    ------
    OSError
        If the file cannot be written; an old file of this name then stays as it was.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")  # beside it: on the same disk, so it can be moved
    words = json.dumps({"kind": kind, "version": version, **description})
    try:
        with part.open("wb") as file:
            np.savez(file, **{_DESCRIPTION: np.array(words)}, **arrays)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path, kind, version):
    """Read what :func:`save` wrote.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    kind : str
        What must be in it.
    version : int
        The newest version that the caller can read.

    Returns
    -------
    arrays : dict of str to numpy.ndarray
        The arrays.
    description : dict
        The description, with its "kind" and "version".

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If the file is damaged, of another kind, or of a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file (check the path, and from where it starts)")
    with path.open("rb") as file:
        start = file.read(2)
    foreign = f"{path} must be a {kind} file (choose another file)"
    if start != b"PK":  # with which every .npz file starts
        raise ValueError(f"{foreign}; it is no .npz file")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored}
    except Exception as error:  # zipfile and NumPy have many words for damage
        raise ValueError(f"{path} is damaged: {error} (restore it, or make it anew)") from error
    try:
        description = json.loads(str(arrays.pop(_DESCRIPTION)))
        found = description["kind"], description["version"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{foreign}; it has no description of that kind") from error
    if found[0] != kind:
        raise ValueError(f"{foreign}; it is a {found[0]} file")
    if found[1] > version:
        raise ValueError(
            f"{path} must be of version {version} or older, got {found[1]} (upgrade rnnbook)"
        )
    return arrays, description


def restore(parameters, arrays):
    """Copy stored arrays into the parameters of a model.

    Parameters
    ----------
    parameters : dict of str to numpy.ndarray
        What is to be filled, in place.
    arrays : dict of str to numpy.ndarray
        The stored arrays.

    Raises
    ------
    TypeError, ValueError
        If names or shapes differ, or a number is not finite; then nothing is filled.
    """
    wanted, given = ({n: a.shape for n, a in d.items()} for d in (parameters, arrays))
    if wanted != given:
        names = [n for n in {**wanted, **given} if wanted.get(n) != given.get(n)]
        differ = "; ".join(f"{n} {wanted.get(n)}, got {given.get(n)}" for n in names)
        raise ValueError(f"weights must have the shapes {differ} (they are of another model)")
    arrays = {name: numbers(name, array) for name, array in arrays.items()}
    for name, array in parameters.items():
        array[...] = arrays[name]
