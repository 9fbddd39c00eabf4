"""What three trained models make of each character of a passage: the numbers of an instrument.

The instrument "memory" shows how far each character moves the predictions after it, for a tanh
layer, a GRU and an LSTM of equally many weights. Nothing is trained or computed in the page:
``python -m tools.passage`` writes the numbers into a script beside this module.
"""

import base64
import json

import numpy as np

from rnnbook import data
from rnnbook.nn.gradients import influence
from rnnbook.nn.losses import softmax
from rnnbook.text.language_model import LanguageModel

NAMES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
BEGIN, T, BEFORE = '"Miss Crumb," says Dole.', 156, 400


def model(cell):
    """Return a stored character model.

    Parameters
    ----------
    cell : {"rnn", "gru", "lstm"}
        Its recurrent layer.

    Returns
    -------
    rnnbook.text.language_model.LanguageModel
        The model, in float64: stored in float16, and rounded no further. A file that is missing
        or damaged raises an error that says so.
    """
    return LanguageModel.load(data.path(f"weights/memory-{cell}.npz"))


def text():
    """Return a passage of the novel's test chapters, and what stands before it.

    Returns
    -------
    before : str
        The 400 characters before, which a model reads first, so that it is in the story.
    read : str
        The 156 characters of the passage, and one more, the last that is to be predicted.
    """
    novel = data.novel("test")
    at = novel.index(BEGIN)
    return novel[at - BEFORE : at], novel[at : at + T + 1]


def counts(model):
    """Return how often each token of a model stands in the training text, shape (V,)."""
    return np.bincount(model.encode(data.novel("train")), minlength=model.V)


def measured(model):
    """Return what a model makes of the passage.

    Parameters
    ----------
    model : rnnbook.text.language_model.LanguageModel
        A model of characters.

    Returns
    -------
    moved : numpy.ndarray, shape (T, T)
        Bits: :func:`rnnbook.nn.gradients.influence` of each character on each prediction.
    p : numpy.ndarray, shape (T, V)
        The prediction after each character.
    """
    before, read = (model.encode(part) for part in text())
    _, state = model.forward(before[None])
    logits, _ = model.forward(read[None, :-1], state)
    return influence(model, read[:-1], counts(model), state), softmax(logits[0])


def as_script(models):
    """Return the instrument's numbers as a script.

    Parameters
    ----------
    models : dict of str to rnnbook.text.language_model.LanguageModel
        The models, under the keys of ``NAMES``.

    Returns
    -------
    str
        It sets ``rnnLive.memory``: the passage; the name of each model, and the character that
        it holds most probable after each one; and "numbers", float16 in base64 (with - and _):
        for each model its influences, t = 1, ..., T and for each j = 1, ..., t, then for each t
        the probability of the character that comes next, and of the most probable one.
    """
    _, read = text()
    numbers, likely = [], []
    for each in models.values():
        moved, p = measured(each)
        comes = each.encode(read)[1:]
        numbers += [moved[np.tril_indices(T)], p[np.arange(T), comes], p.max(axis=1)]
        likely.append("".join(each.tokens[v] for v in p.argmax(axis=1)))
    packed = np.concatenate(numbers).astype("<f2").tobytes()
    content = {
        "text": read,
        "models": [NAMES[cell] for cell in models],
        "likely": likely,
        "numbers": base64.urlsafe_b64encode(packed).decode("ascii"),
    }
    return f"rnnLive.memory = {json.dumps(content)};\n"
