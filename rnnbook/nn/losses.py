"""How wrong a prediction is: losses with their gradients, and what a loss means in bits."""

import numpy as np

from rnnbook._check import numbers, shaped, whole


def softmax(logits):
    """Turn logits into probabilities: exp(logits), divided by their sum over the last axis.

    Parameters
    ----------
    logits : array_like, shape (..., V)
        One score a class; a constant added to all of them changes nothing.

    Returns
    -------
    numpy.ndarray, shape (..., V)
        Probabilities that sum to 1 along the last axis; large logits do not overflow.

    Raises
    ------
    TypeError, ValueError
        If the logits are not finite numbers, or there is no class.
    """
    logits = numbers("logits", logits)
    if logits.ndim == 0 or logits.size == 0:
        raise ValueError(f"logits must have shape (..., V) and hold numbers, got {logits.shape}")
    p = logits - logits.max(axis=-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=-1, keepdims=True)
    return p


def cross_entropy(logits, targets, mask=None):
    r"""Return the cross-entropy of softmax(logits) against the targets, and its gradient.

    With the one-hot code y of a target and n valid targets,

    .. math::

        L = -\frac{1}{n} \sum \ln \hat y_{target}

    .. math::

        \frac{\partial L}{\partial logits} = \frac{\hat y - y}{n}.

    Parameters
    ----------
    logits : array_like, shape (..., V)
        Scores, such as (B, T, V) or (n, V).
    targets : array_like of int, shape (...)
        The right class of each, from 0 to V - 1, also where the mask leaves it out.
    mask : array_like of bool, shape (...), optional
        Which targets are valid. All are by default.

    Returns
    -------
    loss : float
        Mean over the valid targets, in nats (divide by ln 2 for bits).
    gradient : numpy.ndarray, shape (..., V)
        Derivative of the loss with respect to the logits, of their dtype; 0 where the mask
        is False.

    Raises
    ------
    TypeError, ValueError
        If the logits are not finite numbers, or targets or mask do not fit them.
    """
    logits = numbers("logits", logits)
    targets, valid = _targets(logits, targets), _valid(logits, mask)
    # One array holds in turn the shifted logits, their exponentials and the gradient.
    gradient = logits - logits.max(axis=-1, keepdims=True)
    of_target = np.take_along_axis(gradient, targets[..., None], axis=-1)
    np.exp(gradient, out=gradient)
    total = gradient.sum(axis=-1, keepdims=True)
    nats = (np.log(total) - of_target)[..., 0]
    scale = 1 / (nats.size if valid is None else int(valid.sum()))
    gradient *= scale / total
    flat = gradient.reshape(-1, gradient.shape[-1])
    flat[np.arange(len(flat)), targets.ravel()] -= scale
    if valid is not None:
        gradient[~valid] = 0
        nats = nats[valid]
    return float(nats.mean(dtype=np.float64)), gradient


def _targets(logits, targets):
    targets = np.asarray(targets)
    if logits.ndim == 0 or targets.shape != logits.shape[:-1] or logits.size == 0:
        raise ValueError(
            "logits and targets must have shapes (..., V) and (...), not empty; got "
            f"{logits.shape} and {targets.shape}"
        )
    if targets.dtype.kind not in "iu":
        raise TypeError(f"targets must be whole numbers, got dtype {targets.dtype} (give ids)")
    V = logits.shape[-1]
    if targets.min() < 0 or targets.max() >= V:
        bad = targets[(targets < 0) | (targets >= V)][0]
        raise ValueError(f"targets must be from 0 to V - 1 = {V - 1}, got {bad}")
    return targets


def _valid(logits, mask):
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != logits.shape[:-1]:
        raise ValueError(
            f"mask must be bool, of shape {logits.shape[:-1]}; got {mask.dtype}, {mask.shape}"
        )
    if not mask.any():
        raise ValueError("mask must leave at least one target, got one that is False everywhere")
    return mask


def mean_squared_error(y, target):
    """Return the mean of (y - target)², and its gradient.

    Parameters
    ----------
    y, target : array_like, both of the same shape
        The prediction, and what it should be.

    Returns
    -------
    loss : float
        Mean over all numbers, in the square of their unit.
    gradient : numpy.ndarray, shape of ``y``
        Derivative of the loss with respect to ``y``.

    Raises
    ------
    TypeError, ValueError
        If they do not hold finite numbers, differ in shape, or are empty.
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


def _mean_nats(log_p):
    log_p = shaped("log_p", log_p, "n")
    if log_p.max() > 1e-6:  # a softmax may round to a little more than 1
        raise ValueError(
            f"log_p must be logarithms of probabilities, at most 0, got {log_p.max()} (take np.log)"
        )
    return -log_p.mean(dtype=np.float64)


def bits_per_token(log_p):
    """Return the cross-entropy in bits per token.

    Parameters
    ----------
    log_p : array_like, shape (n,)
        The natural log-probability that a model, any model, gave to each token.

    Returns
    -------
    float
        Minus the mean of log_p, divided by ln 2.

    Raises
    ------
    TypeError, ValueError
        If log_p does not hold finite numbers of at most 0 on one axis.
    """
    return float(_mean_nats(log_p) / np.log(2))


def perplexity(log_p):
    """Return the perplexity: the size of a uniform vocabulary that is as hard to predict.

    Parameters
    ----------
    log_p : array_like, shape (n,)
        The natural log-probability that a model, any model, gave to each token.

    Returns
    -------
    float
        exp of minus the mean of log_p.

    Raises
    ------
    TypeError, ValueError
        If log_p does not hold finite numbers of at most 0 on one axis.
    """
    return float(np.exp(_mean_nats(log_p)))


def bits_per_character(log_p, characters):
    """Return the bits that a model of words, or of any tokens, spends on a character.

    This is what compares models with different tokens. An unknown token hides the
    spelling of its word, so a vocabulary with a cut looks better than it is.

    Parameters
    ----------
    log_p : array_like, shape (n,)
        The natural log-probability that the model gave to each token of a text.
    characters : int
        The length of that text.

    Returns
    -------
    float
        Minus the sum of log_p, divided by ln 2 and by the number of characters.

    Raises
    ------
    TypeError, ValueError
        If log_p does not hold finite numbers of at most 0, or characters is not whole.
    """
    return bits_per_token(log_p) * len(log_p) / whole("characters", characters)
