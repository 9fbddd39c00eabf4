"""Which tokens of a text a language model uses: each is replaced, and the predictions compared."""

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import shaped
from rnnbook.text import token_ids
from rnnbook.text.language_model import LanguageModel


def influence(
    model: LanguageModel, ids: ArrayLike, frequencies: ArrayLike, state: np.ndarray | None = None
) -> np.ndarray:
    r"""Return how far each token of a text moves the predictions after it, in bits.

    Entry (t, j) of the result, (T, T), is the influence of token j on the prediction after token t;
    0 for j > t. Token j is replaced by another one, v, drawn with its frequency f(v) among the
    others, and the influence is the mean Kullback-Leibler divergence

    .. math::

        I_{tj} = \sum_{v \ne x_j} \frac{f(v)}{1 - f(x_j)} \sum_w p(w) \log_2 \frac{p(w)}{p_v(w)},

    with p the prediction after x_1, ..., x_t, and p_v the one where v stands for x_j. All v are
    tried, so nothing is drawn. That a text is changed to see what a model uses of it is after
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
