"""The weights of the model that writes in the page: chapter 8's, in whole numbers of one byte.

Nothing of it is stored: it is made from ``data/weights/novel-lstm.npz``. The embedding is
multiplied into the input weights. Then a row of a matrix is its largest number divided by 127,
times whole numbers from -127 to 127, so a weight costs one byte instead of four.
"""

import base64
import json

import numpy as np

from rnnbook import data
from rnnbook.text.language_model import LanguageModel

FILE = "weights/novel-lstm.npz"


def shipped():
    """Return the course's character model as it was trained: that of chapter 8, in NumPy.

    Returns
    -------
    rnnbook.text.language_model.LanguageModel
        The model. A file that is missing or damaged raises an error that says so.
    """
    return LanguageModel.load(data.path(FILE))


def folded(model):
    """Return the same model without an embedding, its input weights being W_x Eᵀ.

    An embedding is a matrix times a one-hot code, and so are the input weights after it: two
    matrices in a row are one.

    Parameters
    ----------
    model : rnnbook.text.language_model.LanguageModel
        A model with a vocabulary and, perhaps, an embedding E of shape (V, D).

    Returns
    -------
    rnnbook.text.language_model.LanguageModel
        It reads one-hot codes: the input weights have one column a token.
    """
    configuration = model.configuration | {"embedding": None}
    del configuration["V"]  # the vocabulary says it
    twin = LanguageModel(model, **configuration)
    for name, parameter in twin.parameters.items():
        parameter[...] = (
            _input_weights(model) if name == "recurrent/W_x" else model.parameters[name]
        )
    return twin


def _input_weights(model):
    W_x, E = model.parameters["recurrent/W_x"], model.parameters.get("embedding/E")
    # In float64: so each processor rounds to the same whole numbers afterwards.
    return W_x if E is None else W_x.astype(np.float64) @ E.astype(np.float64).T


def rounded(model=None):
    """Return the model that the page has: folded, with weights that are whole numbers and scales.

    Parameters
    ----------
    model : rnnbook.text.language_model.LanguageModel, optional
        By default :func:`shipped`.

    Returns
    -------
    rnnbook.text.language_model.LanguageModel
        The model, its matrices rounded.
    """
    twin = folded(shipped() if model is None else model)
    for parameter in twin.parameters.values():
        if parameter.ndim == 2:
            whole, scale = _whole_numbers(parameter)
            parameter[...] = whole * scale[:, None]
    return twin


def _whole_numbers(matrix):
    """Return whole numbers of one byte, and the scale of each row."""
    scale = np.abs(matrix).max(axis=1).astype(np.float32) / 127
    scale[scale == 0] = 1
    return np.rint(matrix / scale[:, None]).astype(np.int8), scale


def packed(model=None):
    """Return the weights as what JSON can hold, for the page.

    Parameters
    ----------
    model : rnnbook.text.language_model.LanguageModel, optional
        As in :func:`rounded`.

    Returns
    -------
    dict
        The tokens; under "arrays" each array's kind, shape and first byte; all bytes in base64.
    """
    twin = folded(shipped() if model is None else model)
    arrays = {}
    for name, parameter in twin.parameters.items():
        if parameter.ndim == 2:
            arrays[name], arrays[f"{name} scale"] = _whole_numbers(parameter)
        else:
            arrays[name] = parameter
    parts, places, at = [], {}, 0
    for name, array in arrays.items():
        kind = array.dtype.kind
        part = array.astype("<f4" if kind == "f" else np.int8).tobytes()
        places[name] = [kind, list(array.shape), at]
        parts.append(part + bytes(-len(part) % 4))  # floats begin at multiples of four
        at += len(parts[-1])
    content = base64.b64encode(b"".join(parts)).decode("ascii")
    return {"tokens": twin.tokens, "arrays": places, "bytes": content}


def as_script():
    """Return the weights as a classic script, which works without a server too.

    It calls ``rnnLiveWeights`` with what :func:`packed` returns.
    """
    return f"rnnLiveWeights({json.dumps(packed())});\n"
