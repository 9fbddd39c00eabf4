"""The numbers of the instrument "memory": what three models make of each character of a passage.

It shows how far each character moves the predictions after it, for a tanh layer, a GRU and an
LSTM of equally many weights. Nothing is trained or computed in the page: a tool of the course
writes what :func:`as_script` returns into ``memory-data.js``, beside this module.
"""

import base64

import numpy as np

from rnnbook import data
from rnnbook.nn.losses import softmax
from rnnbook.show.instruments import as_json
from rnnbook.text.influence import influence
from rnnbook.text.language_model import LanguageModel

NAMES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
BEGIN, T, BEFORE = '"Miss Crumb," says Dole.', 156, 400


def load(cell: str) -> LanguageModel:
    """Return the stored character model with a cell "rnn", "gru" or "lstm", in float64.

    >>> load("gru").configuration["cell"]
    'gru'
    """
    return LanguageModel.load(data.path(f"weights/memory-{cell}.npz"))


def passage() -> tuple[str, str]:
    """Return what stands before a passage of the novel's test chapters, and the passage.

    The first, 400 characters, is read before, so that a model is in the story. The passage has
    156 characters, and one more, the last that is to be predicted.

    >>> before, read = passage()
    >>> len(before), len(read), read[:24]
    (400, 157, '"Miss Crumb," says Dole.')
    """
    novel = data.novel("test")
    at = novel.index(BEGIN)
    return novel[at - BEFORE : at], novel[at : at + T + 1]


def measure(model: LanguageModel) -> tuple[np.ndarray, np.ndarray]:
    """Return what a model of characters makes of the passage.

    First, (T, T), in bits, the :func:`rnnbook.text.influence.influence` of each character on each
    prediction; then, (T, V), the prediction after each character.

    >>> from rnnbook.text import Vocabulary
    >>> moved, p = measure(LanguageModel(Vocabulary("aeiou", "characters"), H=2))
    >>> moved.shape, p.shape
    ((156, 156), (156, 6))
    """
    before, read = (model.encode(part) for part in passage())
    _, state = model.forward(before[None])
    logits, _ = model.forward(read[None, :-1], state)
    counts = np.bincount(model.encode(data.novel("train")), minlength=model.V)
    return influence(model, read[:-1], counts, state), softmax(logits[0])


def as_script(models: dict[str, LanguageModel]) -> str:
    """Return the instrument's numbers as a script that sets ``rnnLive.memory``.

    It holds the passage; the name of each model, and the character that it finds most probable
    after each one; and "numbers", float16 in base64 (with - and _): for each model its
    influences, t = 1, ..., T and for each j = 1, ..., t, then for each t the probability of the
    character that comes next, and of the most probable one.

    The models stand under the keys of ``NAMES``.

    >>> from rnnbook.text import Vocabulary
    >>> as_script({"gru": LanguageModel(Vocabulary("aeiou", "characters"), H=2)})[:26]
    'rnnLive.memory = {"text": '
    """
    _, read = passage()
    numbers, likely = [], []
    for each in models.values():
        moved, p = measure(each)
        comes = each.encode(read)[1:]
        numbers += [moved[np.tril_indices(T)], p[np.arange(T), comes], p.max(axis=1)]
        likely.append("".join(each.tokens[v] for v in p.argmax(axis=1)))
    content = {
        "text": read,
        "models": [NAMES[cell] for cell in models],
        "likely": likely,
        "numbers": base64.urlsafe_b64encode(np.concatenate(numbers).astype("<f2")).decode("ascii"),
    }
    return f"rnnLive.memory = {as_json(content)};\n"
