"""The numbers of the instrument "memory": what three models make of each character of a passage.

It shows how far each character moves the predictions after it, for a tanh layer, a GRU and an
LSTM of equally many weights. Nothing is trained or computed in the page: a tool of the course
writes what :func:`as_script` returns into ``memory-data.js``, beside this module.
"""

import base64
import json

import numpy as np
from numpy.typing import ArrayLike

from rnnbook import data
from rnnbook._check import shaped
from rnnbook.nn.losses import softmax
from rnnbook.show.instruments import FOLDER, as_json
from rnnbook.text import token_ids
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


def influence(
    model: LanguageModel, ids: ArrayLike, frequencies: ArrayLike, state: np.ndarray | None = None
) -> np.ndarray:
    r"""Return how far each token of a text moves the predictions after it, in bits.

    Entry (t, j) of the result, (T, T), is the influence of token j on the prediction after token t;
    0 for j > t. Token j is replaced by another one, v, drawn with its frequency q_v among the
    others, and the influence is the mean Kullback-Leibler divergence

    .. math::

        I_{tj} = \sum_{v \ne x_j} \frac{q_v}{1 - q_{x_j}}
        \sum_k P_t(k) \log_2 \frac{P_t(k)}{P_t^{(v)}(k)},

    with P_t the prediction after x_1, ..., x_t, and the other P the one where v stands for x_j. All
    v are tried, so nothing is drawn. That a text is changed to see what a model uses of it is after
    Khandelwal, He, Qi and Jurafsky (2018), section 3.

    The model may be any object with a size V and such a ``forward(ids, state)``; in float64,
    rounding stays below 1e-12 bits. The text is ids, (T,). Frequencies, (V,), such as the counts in
    the training text, need no sum of 1. ``state`` is the one before the first token, as ``forward``
    returns it for B = 1; zero by default.

    >>> from rnnbook import LanguageModel
    >>> influence(LanguageModel(4, H=3), ids=[0, 3, 1], frequencies=[1, 1, 1, 1]).shape
    (3, 3)
    """
    ids = token_ids(ids, model.V, 1).astype(np.int64)  # in 8 bits the other tokens would not fit
    f = shaped("frequencies", frequencies, "V", V=model.V)
    if f.min() < 0 or np.count_nonzero(f) < 2:
        raise ValueError(
            f"frequencies must be >= 0, and > 0 for two tokens, got {np.count_nonzero(f)} of them "
            f"and the least {f.min()} (count the tokens of a text)"
        )
    bits = np.zeros((len(ids), len(ids)))
    for j, token in enumerate(ids):
        rows = np.repeat(ids[None, j:], model.V, axis=0)
        rows[:, 0] = np.arange(model.V)  # row v has v in the place of token j
        start = None if state is None else np.repeat(state, model.V, axis=-2)
        logits = model.forward(rows, start)[0]
        log_q = logits - logits.max(axis=2, keepdims=True)
        log_q -= np.log(np.exp(log_q).sum(axis=2, keepdims=True))
        log_p = log_q[token]
        weights = np.where(np.arange(model.V) == token, 0, f)
        divergence = (np.exp(log_p) * (log_p - log_q)).sum(axis=2) / np.log(2)  # (V, T - j)
        bits[j:, j] = weights @ divergence / weights.sum()
        state = model.forward(ids[None, j : j + 1], state)[1]
    return np.maximum(bits, 0)  # rounding can leave less than zero


def measure(model: LanguageModel) -> tuple[np.ndarray, np.ndarray]:
    """Return what a model of characters makes of the passage.

    First, (T, T), in bits, the :func:`influence` of each character on each
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


def stored() -> dict[str, np.ndarray]:
    """Return the influences that the page holds, rounded to float16: cell -> (T, T).

    >>> stored()["gru"].shape
    (156, 156)
    """
    script = (FOLDER / "memory-data.js").read_text(encoding="utf-8")
    content = json.loads(script.removeprefix("rnnLive.memory = ").removesuffix(";\n"))
    numbers = np.frombuffer(base64.urlsafe_b64decode(content["numbers"]), "<f2").astype(float)
    moved = {cell: np.zeros((T, T)) for cell in NAMES}
    for array, part in zip(moved.values(), np.split(numbers, len(NAMES)), strict=True):
        array[np.tril_indices(T)] = part[: T * (T + 1) // 2]
    return moved
