"""The recursions of a hidden Markov model in logarithms, one symbol and one sequence at a time.

Independent of ``rnnbook.hmm``: what its tests compare with.
"""

import itertools

import numpy as np

LOG_SUM = np.logaddexp.reduce


def logs(*arrays):
    with np.errstate(divide="ignore"):
        return [np.log(array) for array in arrays]


def forward(ids, start, transitions, emissions):
    """Return log α, shape (T, N): of the symbols up to t together with each state at t."""
    start, a, b = logs(start, transitions, emissions)
    log_alpha = [start + b[:, ids[0]]]
    for x in ids[1:]:
        log_alpha.append(b[:, x] + LOG_SUM(log_alpha[-1][:, None] + a, axis=0))
    return np.array(log_alpha)


def backward(ids, _start, transitions, emissions):
    """Return log β, shape (T, N): of the symbols after t, given each state at t."""
    a, b = logs(transitions, emissions)
    log_beta = [np.zeros(len(a))]
    for x in ids[:0:-1]:
        log_beta.append(LOG_SUM(a + b[:, x] + log_beta[-1], axis=1))
    return np.array(log_beta[::-1])


def everything(ids, *model):
    """Return log p, the filter, the posterior and the expected counts of one sequence."""
    log_alpha, log_beta = forward(ids, *model), backward(ids, *model)
    log_p = LOG_SUM(log_alpha[-1])
    gamma = np.exp(log_alpha + log_beta - log_p)
    a, b = logs(*model[1:])
    gave = np.zeros(b.shape)
    np.add.at(gave.T, ids, gamma)
    comes = (b[:, ids[1:]].T + log_beta[1:] - log_p)[:, None]
    pairs = np.exp(log_alpha[:-1, :, None] + a + comes).sum(axis=0)
    filtered = np.exp(log_alpha - LOG_SUM(log_alpha, axis=1)[:, None])
    return log_p, filtered, gamma, (gamma[0], pairs, gave)


def best(ids, start, transitions, emissions):
    """Return a best path, and its log-probability together with the symbols."""
    start, a, b = logs(start, transitions, emissions)
    log_delta, origins = start + b[:, ids[0]], []
    for x in ids[1:]:
        scores = log_delta[:, None] + a
        origins.append(scores.argmax(axis=0))
        log_delta = b[:, x] + scores.max(axis=0)
    path = [log_delta.argmax()]
    for origin in reversed(origins):
        path.append(origin[path[-1]])
    return path[::-1], log_delta.max()


def log_joint(path, ids, start, transitions, emissions):
    """Return the log-probability of a path together with the symbols."""
    start, a, b = logs(start, transitions, emissions)
    return start[path[0]] + a[path[:-1], path[1:]].sum() + b[path, ids].sum()


def all_paths(ids, start, transitions, emissions):
    """Return all paths, and the probability of each together with the symbols."""
    paths = np.array(list(itertools.product(range(len(start)), repeat=len(ids))))
    p = start[paths[:, 0]] * emissions[paths, ids].prod(axis=1)
    return paths, p * transitions[paths[:, :-1], paths[:, 1:]].prod(axis=1)


def shares(counts, otherwise, smoothing=0.0):
    """Return counts as shares of the sums of their rows; rows without any as ``otherwise``."""
    counts = counts + smoothing
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), otherwise)
