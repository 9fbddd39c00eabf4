"""How wrong a prediction is: losses with their gradients, and what a loss means in bits."""

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import integers, numbers, shaped, whole


def softmax(logits: ArrayLike) -> np.ndarray:
    """Turn logits, (..., V), into probabilities: exp(logits) over their sum along the last axis.

    A constant added to all of them changes nothing, and large ones do not overflow.

    >>> softmax([0, np.log(3)])
    array([0.25, 0.75])
    """
    logits = numbers("logits", logits)
    if logits.ndim == 0 or logits.size == 0:
        raise ValueError(f"logits must have shape (..., V) and hold numbers, got {logits.shape}")
    p = logits - logits.max(axis=-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=-1, keepdims=True)
    return p


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> tuple[float, np.ndarray]:
    r"""Return the cross-entropy of softmax(logits) against the targets, and its gradient.

    Logits are (..., V), such as (B, T, V), and targets (...), the right class of each, from 0 to
    V - 1. With the one-hot code y of a target and n targets, in nats (divide by ln 2 for bits),

    .. math::

        L = -\frac{1}{n} \sum \ln \hat y_{target}, \qquad
        \frac{\mathrm{d} L}{\mathrm{d}\, logits} = \frac{\hat y - y}{n}.

    >>> loss, gradient = cross_entropy([[0, np.log(3)]], [1])
    >>> round(loss, 4), gradient  # ln(4 / 3)
    (0.2877, array([[ 0.25, -0.25]]))
    """
    logits = numbers("logits", logits)
    targets = integers("targets", targets, logits.shape[-1] if logits.ndim else None)
    if logits.ndim == 0 or logits.size == 0 or targets.shape != logits.shape[:-1]:
        raise ValueError(
            "logits and targets must have shapes (..., V) and (...), not empty; got "
            f"{logits.shape} and {targets.shape}"
        )
    # One array holds in turn the shifted logits, their exponentials and the gradient.
    gradient = logits - logits.max(axis=-1, keepdims=True)
    of_target = np.take_along_axis(gradient, targets[..., None], axis=-1)
    np.exp(gradient, out=gradient)
    total = gradient.sum(axis=-1, keepdims=True)
    nats = np.log(total) - of_target
    scale = 1 / targets.size
    gradient *= scale / total
    flat = gradient.reshape(-1, gradient.shape[-1])
    flat[np.arange(len(flat)), targets.ravel()] -= scale
    return float(nats.mean(dtype=np.float64)), gradient


def mean_squared_error(y: ArrayLike, target: ArrayLike) -> tuple[float, np.ndarray]:
    """Return the mean of (y - target)², a float, and its gradient with respect to y.

    Both arrays, and the gradient, have the same shape, any.

    >>> mean_squared_error([1.0, 2.0], [1.0, 4.0])
    (2.0, array([ 0., -2.]))
    """
    y, target = numbers("y", y), numbers("target", target)
    if y.shape != target.shape or y.size == 0:
        raise ValueError(
            f"y and target must have the same shape, not empty; got {y.shape} and {target.shape}"
        )
    gradient = np.subtract(y, target, dtype=y.dtype)
    loss = np.mean(np.square(gradient), dtype=np.float64)
    gradient *= 2 / y.size
    return float(loss), gradient


def bits_per_token(log_p: ArrayLike) -> float:
    """Return the cross-entropy in bits per token: minus the mean of log_p, divided by ln 2.

    ``log_p``, (n,), holds the natural log-probability that a model, any model, gave to each token.

    >>> bits_per_token(np.log([1 / 2, 1 / 8]))
    2.0
    """
    log_p = shaped("log_p", log_p, "n")
    if log_p.max() > 1e-6:  # a softmax may round to a little more than 1
        raise ValueError(
            f"log_p must be logarithms of probabilities, at most 0, got {log_p.max()} (take np.log)"
        )
    return float(-log_p.mean(dtype=np.float64) / np.log(2))


def perplexity(log_p: ArrayLike) -> float:
    """Return exp of minus log_p's mean: the size of a uniform vocabulary as hard to predict.

    >>> round(perplexity(np.log([1 / 2, 1 / 8])), 12)
    4.0
    """
    return 2 ** bits_per_token(log_p)


def bits_per_character(log_p: ArrayLike, characters: int) -> float:
    """Return the bits that a model of words, or of any tokens, spends on a character of the text.

    So models with different tokens compare: minus the sum of log_p, divided by ln 2 and the length
    of the text. An unknown token hides the spelling of its word, so a vocabulary with a limit looks
    better than it is.

    >>> bits_per_character(np.log([1 / 16, 1 / 16]), characters=8)
    1.0
    """
    return bits_per_token(log_p) * len(log_p) / whole("characters", characters)
