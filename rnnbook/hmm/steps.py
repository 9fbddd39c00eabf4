"""A hidden Markov model in the equations' words, one sequence and one step at a time.

To read; ``hmm`` is to run. Everything but the filter works with logarithms, so no probability is
too small, and log 0 is minus infinity. A model is three arrays: ``start`` (N,) holds the
probability of each first state, row i of ``transitions`` (N, N) that of each state after state
i, and row i of ``emissions`` (N, V) that of each symbol in state i. After Rabiner (1989).
"""

import numpy as np

from rnnbook._check import checked_ids, shaped


def checked_model(start, transitions, emissions):
    """Return the three arrays of a model as float64, or say which row is no distribution.

    Parameters
    ----------
    start, transitions, emissions : array_like, shapes (N,), (N, N) and (N, V)
        Probabilities; each row must sum to 1, to 1e-6. It is scaled to do so exactly.

    Returns
    -------
    tuple of three numpy.ndarray
        Copies, so that a later change of what was given does no harm.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, a number is not finite or negative, or a row has another sum.
    """
    transitions = shaped("transitions", transitions, "N N")
    N = len(transitions)
    start, emissions = shaped("start", start, "N", N=N), shaped("emissions", emissions, "N V", N=N)
    model = {"start": start, "transitions": transitions, "emissions": emissions}
    return tuple(_distributions(name, array.astype(float)) for name, array in model.items())


def _distributions(name, array):
    if array.min() < 0:
        raise ValueError(f"{name} must hold probabilities, got {array.min()}")
    total = array.sum(axis=-1, keepdims=True)
    off = np.abs(total - 1).ravel()
    if off.max() > 1e-6:
        row = f"row {off.argmax()} of {name}" if array.ndim == 2 else name
        raise ValueError(
            f"{row} must sum to 1, got {total.ravel()[off.argmax()]:.6g} (divide it by its sum)"
        )
    return array / total


def filter_step(p_prev, symbol, transitions, emissions):
    """One step of the filter, the HMM's recurrence: from state probabilities to the next ones.

    Parameters
    ----------
    p_prev : array_like, shape (N,)
        The probability of each state at step t - 1, given the symbols up to there.
    symbol : int
        The symbol of step t.
    transitions, emissions : array_like, shapes (N, N) and (N, V)
        The model.

    Returns
    -------
    p_t : numpy.ndarray, shape (N,)
        The probability of each state at step t, given the symbols up to and with it.
    c_t : float
        The probability of the symbol, given those before.

    Raises
    ------
    TypeError, ValueError
        If the arrays are no model, or the symbol is out of range or impossible.
    """
    p_prev, transitions, emissions = checked_model(p_prev, transitions, emissions)
    (symbol,) = checked_ids([[symbol]], emissions.shape[1])[0]
    joint = emissions[:, symbol] * (p_prev @ transitions)
    c_t = joint.sum()
    if c_t == 0:
        raise ValueError(f"symbol {symbol} is impossible here (smooth the emissions)")
    return joint / c_t, c_t


def forward(ids, start, transitions, emissions):
    r"""Run the forward recursion.

    .. math::

        \alpha_1(j) = \pi_j\, b_j(x_1), \qquad
        \alpha_t(j) = b_j(x_t) \sum_i \alpha_{t-1}(i)\, a_{ij}.

    Parameters
    ----------
    ids : array_like of int, shape (T,)
        The symbols.
    start, transitions, emissions : array_like, shapes (N,), (N, N) and (N, V)
        The model: π, a and b.

    Returns
    -------
    numpy.ndarray, shape (T, N)
        log α: of the symbols up to t together with each state at t. The log-likelihood is
        ``log_sum(result[-1])``.

    Raises
    ------
    TypeError, ValueError
        If the arrays are no model, or the ids are not whole numbers from 0 to V - 1.
    """
    ids, start, transitions, emissions = _logarithms(ids, start, transitions, emissions)
    log_alpha = [start + emissions[:, ids[0]]]
    for x_t in ids[1:]:
        log_alpha.append(emissions[:, x_t] + log_sum(log_alpha[-1][:, None] + transitions))
    return np.stack(log_alpha)


def backward(ids, start, transitions, emissions):
    r"""Run the backward recursion.

    .. math::

        \beta_T(i) = 1, \qquad
        \beta_t(i) = \sum_j a_{ij}\, b_j(x_{t+1})\, \beta_{t+1}(j).

    Its arguments are those of :func:`forward`. The result, shape (T, N), is log β: of the
    symbols after t, given each state at t.
    """
    ids, _, transitions, emissions = _logarithms(ids, start, transitions, emissions)
    log_beta = [np.zeros(len(transitions))]
    for x_next in ids[:0:-1]:
        log_beta.append(log_sum((transitions + emissions[:, x_next] + log_beta[-1]).T))
    return np.stack(log_beta[::-1])


def posterior(ids, start, transitions, emissions):
    r"""Return γ_t(i), the probability of each state at each step given all symbols.

    It is α_t(i) β_t(i), divided by the likelihood. The arguments are those of
    :func:`forward`; the result has shape (T, N), and an impossible sequence raises a
    ValueError.
    """
    model = start, transitions, emissions
    log_alpha, log_beta = forward(ids, *model), backward(ids, *model)
    return np.exp(log_alpha + log_beta - _possible(log_sum(log_alpha[-1])))


def expected_counts(ids, start, transitions, emissions):
    r"""Count as Baum and Welch: what happened, in expectation over all paths.

    A transition from i to j at step t counts

    .. math::

        \xi_t(i, j) = \frac{\alpha_t(i)\, a_{ij}\, b_j(x_{t+1})\, \beta_{t+1}(j)}{p(x)}.

    The arguments are those of :func:`forward`. Returned are three arrays shaped as the model's,
    whose rows, each divided by its sum, are the better model; and the log-likelihood. An
    impossible sequence raises a ValueError.
    """
    model = start, transitions, emissions
    gamma, log_alpha = posterior(ids, *model), forward(ids, *model)
    log_beta, log_p = backward(ids, *model), log_sum(log_alpha[-1])
    ids, _, log_a, log_b = _logarithms(ids, *model)
    steps, heard = np.zeros(log_a.shape), np.zeros(log_b.shape)
    for t, x_t in enumerate(ids):
        heard[:, x_t] += gamma[t]
        if t:
            steps += np.exp(log_alpha[t - 1][:, None] + log_a + log_b[:, x_t] + log_beta[t] - log_p)
    return gamma[0], steps, heard, log_p


def shares(counts, smoothing, otherwise):
    """Return counts divided by the sums of their rows: the model in which they are likeliest.

    Parameters
    ----------
    counts : array_like, shape (N,) or (N, n)
        Counts, whole or expected.
    smoothing : float
        What is added to each count first, 0 or more.
    otherwise : array_like, shaped as ``counts``
        The rows to take where a row has no counts.

    Returns
    -------
    numpy.ndarray, shaped as ``counts``
        Probabilities. A smoothing that is no number or negative raises an error.
    """
    smoothing = float(shaped("smoothing", smoothing, ""))
    if smoothing < 0:
        raise ValueError(f"smoothing must be at least 0, got {smoothing} (it is added to counts)")
    counts = np.asarray(counts) + smoothing
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), otherwise)


def viterbi(ids, start, transitions, emissions):
    r"""Find the best path: the states that are most probable together.

    .. math::

        \delta_1(j) = \pi_j\, b_j(x_1), \qquad
        \delta_t(j) = b_j(x_t) \max_i \delta_{t-1}(i)\, a_{ij}.

    Its arguments are those of :func:`forward`. Returned are the states, shape (T,), and the
    logarithm of their probability together with the symbols. An impossible sequence raises a
    ValueError. After Viterbi (1967).
    """
    ids, start, transitions, emissions = _logarithms(ids, start, transitions, emissions)
    log_delta, origins = start + emissions[:, ids[0]], []
    for x_t in ids[1:]:
        scores = log_delta[:, None] + transitions
        origins.append(scores.argmax(axis=0))
        log_delta = emissions[:, x_t] + scores.max(axis=0)
    path = [log_delta.argmax()]
    for origin in reversed(origins):
        path.append(origin[path[-1]])
    return np.array(path[::-1]), _possible(log_delta.max())


def log_sum(logs):
    """Return the logarithm of a sum over the first axis, from the logarithms of its terms."""
    largest = logs.max(axis=0)
    largest = np.where(largest == -np.inf, 0.0, largest)  # a sum of zeros is zero
    with np.errstate(divide="ignore"):
        return largest + np.log(np.exp(logs - largest).sum(axis=0))


def _logarithms(ids, start, transitions, emissions):
    model = checked_model(start, transitions, emissions)
    ids = checked_ids(np.asarray(ids)[None], model[2].shape[1])[0]
    with np.errstate(divide="ignore"):
        return ids, *(np.log(array) for array in model)


def _possible(log_p):
    if log_p == -np.inf:
        raise ValueError("ids are impossible: no path has a probability above 0 (smooth the model)")
    return log_p
