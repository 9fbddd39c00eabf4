"""The model of the instrument "generator": chapter 8's, its weights in whole numbers of one byte.

Nothing of it is stored: it is made from ``data/weights/novel-lstm.npz``. The embedding is
multiplied into the input weights. Then a row of a matrix is its largest number divided by 127,
times whole numbers from -127 to 127, so a weight costs one byte instead of four.
"""

import base64

import numpy as np

from rnnbook import data
from rnnbook.show.instruments import as_json
from rnnbook.text.language_model import LanguageModel


def load() -> LanguageModel:
    """Return the course's character model as it was trained: that of chapter 8, in NumPy.

    >>> load().H
    256
    """
    return LanguageModel.load(data.path("weights/novel-lstm.npz"))


def round_weights(model: LanguageModel) -> LanguageModel:
    """Return the model as the page has it: weights that are whole numbers times scales.

    An embedding is a matrix times a one-hot code, and so are the input weights after it: two
    matrices in a row are one, W_x Eᵀ.

    The model has a vocabulary and, perhaps, an embedding E, (V, D). It stays as it is.

    >>> round_weights(load()).parameters["recurrent/W_x"].shape  # (4 H, V)
    (1024, 78)
    """
    configuration = model.configuration | {"embedding": None}
    del configuration["V"]  # the vocabulary says it
    twin = LanguageModel(model, **configuration)
    for name, parameter in twin.parameters.items():
        whole, scale = _whole_numbers(model, name)
        parameter[...] = whole if scale is None else whole * scale[:, None]
    return twin


def pack(model: LanguageModel) -> dict:
    """Return the weights of :func:`round_weights` as what JSON can hold, for ``generator.js``.

    That is the tokens; under "arrays" each array's kind, shape and first byte; all bytes in base64.

    >>> from rnnbook.text import Vocabulary
    >>> packed = pack(LanguageModel(Vocabulary("abba", "characters"), H=4))
    >>> packed["tokens"][1:], packed["arrays"]["recurrent/W_h"], packed["arrays"]["dense/b_y"]
    (('a', 'b'), ['i', [16, 4], 112], ['f', [3], 328])
    """
    arrays = {}
    for name in model.parameters:
        if name != "embedding/E":
            arrays[name], scale = _whole_numbers(model, name)
            arrays |= {} if scale is None else {f"{name} scale": scale}
    parts, places, at = [], {}, 0
    for name, array in arrays.items():
        kind = array.dtype.kind
        part = array.astype("<f4" if kind == "f" else np.int8).tobytes()
        places[name] = [kind, list(array.shape), at]
        parts.append(part + bytes(-len(part) % 4))  # floats begin at multiples of four
        at += len(parts[-1])
    content = base64.b64encode(b"".join(parts)).decode("ascii")
    return {"tokens": model.tokens, "arrays": places, "bytes": content}


def as_script() -> str:
    """Return the weights as a classic script, which works without a server too.

    It calls ``rnnLiveWeights`` with what :func:`pack` returns.

    >>> as_script()[:27]
    'rnnLiveWeights({"tokens": ['
    """
    return f"rnnLiveWeights({as_json(pack(load()))});\n"


def _whole_numbers(model, name):
    """Return a matrix as whole numbers and the scale of each row, a vector as it is and None."""
    array = model.parameters[name]
    if array.ndim == 1:
        return array, None
    if name == "recurrent/W_x" and "embedding/E" in model.parameters:
        E = model.parameters["embedding/E"]
        # In float64: so each processor rounds to the same whole numbers afterwards.
        array = (array.astype(np.float64) @ E.astype(np.float64).T).astype(array.dtype)
    scale = np.abs(array).max(axis=1).astype(np.float32) / 127
    scale[scale == 0] = 1
    return np.rint(array / scale[:, None]).astype(np.int8), scale
