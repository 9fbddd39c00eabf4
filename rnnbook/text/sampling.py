"""Choosing the next token: temperature, top-k and top-p, and a draw."""

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import NotFinite, number, numbers, whole

COLDEST = 1e-6  # a lower temperature would only overflow
# A sum of probabilities that misses top_p by less than this, by rounding, has reached it.
ROUNDING = 1e-6


def distribution(
    logits: ArrayLike, temperature: float = 1.0, top_k: int | None = None,
    top_p: float | None = None,
) -> np.ndarray:  # fmt: skip
    """Return the probabilities, (..., V), that :func:`next_token` draws with.

    The logits, (..., V), or log-probabilities, are minus infinity for a token that must never come.
    They are divided by the temperature, at least 1e-6: below 1 likely tokens become likelier.

    Then only the ``top_k`` most probable tokens are kept (Fan, Lewis and Dauphin, 2018; 1 is
    greedy), and of these the fewest whose probabilities sum to ``top_p`` or more, above 0 and at
    most 1 (nucleus sampling, Holtzman et al., 2020). Their probabilities sum to 1, the others are
    0. Of equally probable tokens the smaller id counts as the more probable one.

    >>> distribution(np.log([0.5, 0.3, 0.2]), top_p=0.8)
    array([0.625, 0.375, 0.   ])
    """
    logits = _scaled(logits, temperature, top_k, top_p)
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def next_token(
    logits: ArrayLike, rng: np.random.Generator, temperature: float = 1.0,
    top_k: int | None = None, top_p: float | None = None,
) -> int | np.ndarray:  # fmt: skip
    """Draw the next token of one text, from logits (V,), or those of B texts, from (B, V): (B,).

    The settings are those of :func:`distribution`.

    >>> next_token([0.0, 5.0, 1.0], np.random.default_rng(0), top_k=1)
    1
    """
    logits = _scaled(logits, temperature, top_k, top_p)
    drawn = (logits + gumbel(rng, logits.shape)).argmax(axis=-1)
    return drawn if logits.ndim > 1 else int(drawn)


def gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw the noise that turns a maximum into a draw: argmax(logits + noise) ~ softmax(logits).

    The numbers are independent, from the standard Gumbel distribution: minus the logarithm of an
    exponential number (Gumbel, 1954). It is the quickest draw: it takes no sum over the vocabulary,
    and the noise of many steps is made at once.

    >>> gumbel(np.random.default_rng(0), (256, 3)).shape  # of 256 steps, with V = 3
    (256, 3)
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a generator, got {rng!r} (numpy.random.default_rng makes one)"
        )
    noise = np.log(rng.standard_exponential(shape))
    return np.negative(noise, out=noise)


def restricted(logits: np.ndarray, top_k: int | None, top_p: float | None) -> np.ndarray:
    """Return logits with minus infinity in place of the tokens that top-k and top-p leave out.

    The arguments are those of :func:`distribution`, after the temperature and unchecked.

    >>> restricted(np.array([0.0, 5.0, 1.0]), top_k=2, top_p=None)
    array([-inf,   5.,   1.])
    """
    if top_k is None and top_p is None:
        return logits
    order = np.argsort(-logits, axis=-1, kind="stable")
    ranked = np.take_along_axis(logits, order, axis=-1)
    if top_k is not None:
        ranked[..., top_k:] = -np.inf
    if top_p is not None:
        p = np.exp(ranked - ranked[..., :1])
        p /= p.sum(axis=-1, keepdims=True)
        enough = p.cumsum(axis=-1)[..., :-1] >= top_p - ROUNDING
        ranked[..., 1:][enough] = -np.inf
    result = np.empty_like(logits)
    np.put_along_axis(result, order, ranked, axis=-1)
    return result


def checked_settings(
    temperature: float, top_k: int | None, top_p: float | None
) -> tuple[int | None, float | None]:
    """Return top_k and top_p, None where they leave out nothing, if all three are in range.

    >>> checked_settings(1.0, top_k=3, top_p=1)
    (3, None)
    """
    if number("temperature", temperature) < COLDEST:
        raise ValueError(
            f"temperature must be > 0 (at least {COLDEST}), got {temperature} (top_k=1 always "
            "takes the most probable token)"
        )
    top_p = None if top_p is None else number("top_p", top_p, above=0, most=1)
    top_k = None if top_k is None else whole("top_k", top_k)
    return top_k, None if top_p == 1 else top_p


def _scaled(logits, temperature, top_k, top_p):
    """Return the logits that are drawn with, of the tokens kept, after all checks."""
    try:
        logits = numbers("logits", logits)
    except NotFinite:  # minus infinity is allowed, but not in the whole of a row
        logits = np.asarray(logits)
        logits = logits.astype(np.promote_types(logits.dtype, np.float32))
        if logits.ndim == 0 or not np.isfinite(logits.max(axis=-1)).all():
            raise
    if logits.ndim == 0 or logits.size == 0:
        raise ValueError(f"logits must have shape (..., V) and hold numbers, got {logits.shape}")
    top_k, top_p = checked_settings(temperature, top_k, top_p)
    return restricted(logits / float(temperature), top_k, top_p)
