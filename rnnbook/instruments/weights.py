"""The weights of the character model that writes in the page: whole numbers, one byte each.

A row of a matrix is its largest number divided by 127, times whole numbers from -127 to 127. So
a weight costs one byte instead of four; what that costs in bits stands in ``data/manifest.toml``.
"""

import base64
import json
from types import SimpleNamespace

import numpy as np

from rnnbook import checkpoints, data
from rnnbook.language_model import LanguageModel

FILE = "weights/generator.npz"
KIND, VERSION = "rnnbook model in whole numbers", 1


def store(model, path):
    """Round a model's weights and write them to a file.

    Parameters
    ----------
    model : rnnbook.language_model.LanguageModel
        A model with a vocabulary.
    path : str or os.PathLike
        The ``.npz`` file.
    """
    arrays = {}
    for name, array in model.parameters.items():
        if array.ndim == 1:
            arrays[name] = array.astype(np.float32)
            continue
        scale = np.abs(array).max(axis=1, keepdims=True).astype(np.float32) / 127
        scale[scale == 0] = 1
        arrays[name] = np.rint(array / scale).astype(np.int8)
        arrays[f"{name} scale"] = scale[:, 0]
    description = {"configuration": model.configuration, "tokens": model.tokens}
    checkpoints.save(path, KIND, VERSION, arrays, description | {"unit": model.unit})


def restored(path=None):
    """Return the model of a file that :func:`store` wrote, with its rounded weights.

    Parameters
    ----------
    path : str or os.PathLike, optional
        The file; the one of the course by default.

    Returns
    -------
    rnnbook.language_model.LanguageModel
        The model, in float32. A file that is missing or damaged raises an error that says so.
    """
    arrays, description = _loaded(path)
    configuration = dict(description["configuration"])
    del configuration["V"]
    vocabulary = SimpleNamespace(tokens=tuple(description["tokens"]), unit=description["unit"])
    model = LanguageModel(vocabulary, **configuration)
    for name, parameter in model.parameters.items():
        scale = arrays[f"{name} scale"][:, None] if parameter.ndim == 2 else 1
        parameter[...] = arrays[name] * scale
    return model


def packed(path=None):
    """Return the weights as what JSON can hold, for the page.

    Parameters
    ----------
    path : str or os.PathLike, optional
        As in :func:`restored`.

    Returns
    -------
    dict
        The tokens; under "arrays" each array's kind, shape and first byte; all bytes in base64.
    """
    arrays, description = _loaded(path)
    parts, places, at = [], {}, 0
    for name, array in arrays.items():
        kind = array.dtype.kind
        part = array.astype("<f4" if kind == "f" else np.int8).tobytes()
        places[name] = [kind, list(array.shape), at]
        parts.append(part + bytes(-len(part) % 4))  # floats begin at multiples of four
        at += len(parts[-1])
    content = base64.b64encode(b"".join(parts)).decode("ascii")
    return {"tokens": description["tokens"], "arrays": places, "bytes": content}


def as_script():
    """Return the weights as a classic script, which works without a server too.

    It calls ``rnnLiveWeights`` with what :func:`packed` returns.
    """
    return f"rnnLiveWeights({json.dumps(packed())});\n"


def _loaded(path):
    return checkpoints.load(data.path(FILE) if path is None else path, KIND, VERSION)
