"""A hidden Markov model of symbols: how likely a text is, which states it went through, learning.

``hmm.steps`` has the same, one equation a line, to read.
"""

import numpy as np

from rnnbook._check import whole
from rnnbook.hmm.paths import best_paths
from rnnbook.hmm.rows import Rows, begins, joined
from rnnbook.hmm.steps import checked_model, shares
from rnnbook.hmm.sweeps import Sweep, counts
from rnnbook.text import token_ids


class HMM:
    """A hidden Markov model with N states and V symbols.

    At each step it is in one state, which depends on the state before alone, and gives one
    symbol, which depends on the state alone.

    Parameters
    ----------
    start : array_like, shape (N,)
        The probability of each state at the first step.
    transitions : array_like, shape (N, N)
        Row i holds the probability of each state after state i.
    emissions : array_like, shape (N, V)
        Row i holds the probability of each symbol in state i.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, a number is not finite or negative, or a row does not sum to 1.

    Notes
    -----
    After Rabiner (1989), with probabilities scaled at each step. So a state that is less
    probable than 1e-308, given the symbols up to a step, counts as impossible there. That
    matters only where some transitions are impossible, or nearly so; ``hmm.steps`` and
    :meth:`viterbi` have no such limit.
    """

    def __init__(self, start, transitions, emissions):
        self.start, self.transitions, self.emissions = checked_model(start, transitions, emissions)
        self.N, self.V = self.emissions.shape

    @classmethod
    def random(cls, N, V, seed):
        """Return a model with random rows, each as likely as any other: a start for learning."""
        rng = np.random.default_rng(whole("seed", seed, 0))
        N, V = whole("N", N), whole("V", V)
        return cls(*(rng.dirichlet(np.ones(k), n) for k, n in [(N, None), (N, N), (V, N)]))

    @classmethod
    def counted(cls, states, sequences, N, V, smoothing=0.0):
        """Return the model of labeled sequences: the shares of what occurs in them.

        Parameters
        ----------
        states : sequence of array_like of int
            The state of each symbol, from 0 to N - 1: one array a sequence.
        sequences : sequence of array_like of int
            The symbols, from 0 to V - 1: as many, and of the same lengths.
        N, V : int
            The numbers of states and symbols.
        smoothing : float
            What is added to each count, 0 or more. With 0, a symbol that a state never gave is
            impossible there, and a state that never occurs, or is never left, has a uniform row.

        Raises
        ------
        TypeError, ValueError
            If the sequences are not such, or a length differs.
        """
        N, V = whole("N", N), whole("V", V)
        (states, lengths), (ids, others) = joined(states, N), joined(sequences, V)
        if lengths.tolist() != others.tolist():
            raise ValueError(
                f"states and sequences must have the same lengths, got {len(lengths)} sequences "
                f"with {len(states)} states and {len(others)} with {len(ids)} symbols"
            )
        first = begins(lengths)
        inside = np.delete(np.arange(len(ids)), first)
        steps = np.bincount(states[inside - 1] * N + states[inside], minlength=N * N)
        heard = np.bincount(states * V + ids, minlength=N * V)
        found = np.bincount(states[first], minlength=N), steps.reshape(N, N), heard.reshape(N, V)
        uniform = np.full(N, 1 / N), np.full((N, N), 1 / N), np.full((N, V), 1 / V)
        return cls(*(shares(c, smoothing, u) for c, u in zip(found, uniform, strict=True)))

    def log_probabilities(self, ids):
        """Return the log-probability of each symbol of a text, given those before it.

        Parameters
        ----------
        ids : array_like of int, shape (n,)
            The text.

        Returns
        -------
        numpy.ndarray, shape (n,)
            Natural logarithms; their sum is the log-likelihood. From the first impossible
            symbol on, each is minus infinity.

        Raises
        ------
        TypeError, ValueError
            If the ids are not whole numbers on one axis from 0 to V - 1.
        """
        ids = token_ids(ids, self.V)
        return self._logs(self._forward(_rows(ids))) if len(ids) else np.empty(0)

    def log_likelihoods(self, sequences):
        """Return the log-likelihood of each of S sequences, shape (S,).

        An impossible sequence has minus infinity. An empty one, or one with other ids than
        whole numbers from 0 to V - 1, raises an error.
        """
        ids, lengths = joined(sequences, self.V)
        return np.add.reduceat(self._logs(self._forward(Rows(ids, lengths))), begins(lengths))

    def next_probabilities(self, context):
        """Return the probability of each symbol after a context, shape (V,).

        The context is ids of shape (n,), none or many, and all of them count. An impossible one
        raises a ValueError.
        """
        return self._next_state(context) @ self.emissions

    def sample(self, n, seed, context=()):
        """Draw symbols one after another from the model.

        ``n`` symbols are drawn, with a generator that begins with ``seed``. The context is ids
        of shape (m,) to go on from, none by default. The result has shape (n,), without the
        context. An impossible context raises a ValueError.
        """
        return self.sample_with_states(n, seed, context)[0]

    def sample_with_states(self, n, seed, context=()):
        """Draw as :meth:`sample`, and return the symbols and their states, each of shape (n,)."""
        rng = np.random.default_rng(whole("seed", seed, 0))
        draws = rng.random((2, whole("n", n)))
        chances, rows = _cumulative(self._next_state(context)), _cumulative(self.transitions)
        states, ids = np.empty(n, np.int64), np.empty(n, np.int64)
        for t, u in enumerate(draws[0]):
            states[t] = np.searchsorted(chances, u, side="right")
            chances = rows[states[t]]
        for i, chances in enumerate(_cumulative(self.emissions)):
            ids[states == i] = np.searchsorted(chances, draws[1, states == i], side="right")
        return ids, states

    def filter(self, ids):
        """Return the probability of each state at each step, given the symbols up to it.

        This is what the model carries from step to step, as a network does its hidden state.
        The ids have shape (n,), at least one; the result has shape (n, N). An impossible text
        raises a ValueError.
        """
        forward = self._forward(_rows(token_ids(ids, self.V, 1)))
        forward.refuse_impossible()
        return forward.rows.in_order(forward.x)

    def posterior(self, ids):
        """Return the probability of each state at each step, given all symbols.

        The ids have shape (n,), at least one; the result has shape (n, N). An impossible text
        raises a ValueError.
        """
        forward, backward = self._both(_rows(token_ids(ids, self.V, 1)))
        counts(forward.rows, self.transitions, self.emissions, forward, backward)
        return forward.rows.in_order(backward.x)

    def viterbi(self, sequences):
        """Return the best path of each sequence: the states most probable together.

        Parameters
        ----------
        sequences : sequence of S array_like of int
            The symbols; for one text, ``[ids]``.

        Returns
        -------
        paths : list of S numpy.ndarray of int
            The states. Of equally good paths, rounding decides.
        log_p : numpy.ndarray, shape (S,)
            The log-probability of each path together with its symbols.

        Raises
        ------
        TypeError, ValueError
            If a sequence is empty, has other ids than 0 to V - 1, or is impossible.
        """
        ids, lengths = joined(sequences, self.V)
        path, log_p = best_paths(ids, lengths, self.start, self.transitions, self.emissions)
        return np.split(path, begins(lengths)[1:]), log_p

    def baum_welch(self, sequences, iterations, smoothing=0.0):
        """Learn from unlabeled sequences, from this model on.

        Parameters
        ----------
        sequences : sequence of array_like of int
            The symbols, from 0 to V - 1.
        iterations : int
            How often to count, and to take the shares of the counts as the next model.
        smoothing : float
            What is added to each expected count, 0 or more. With 0 the likelihood never falls,
            and a symbol that does not occur becomes impossible.

        Returns
        -------
        model : HMM
            The learned model. A state that is never visited, or never left, keeps its row.
        log_likelihoods : list of float
            Of all sequences, before each iteration.

        Raises
        ------
        TypeError, ValueError
            If a sequence is empty, has other ids than 0 to V - 1, or is impossible.

        Notes
        -----
        After Baum, Petrie, Soules and Weiss (1970).
        """
        rows, model, history = Rows(*joined(sequences, self.V)), self, []
        for _ in range(whole("iterations", iterations)):
            forward, backward = model._both(rows)
            rows = forward.rows
            history.append(float(model._logs(forward).sum()))
            old = model.start, model.transitions, model.emissions
            found = counts(rows, *old[1:], forward, backward)
            del forward, backward  # or the next ones would need as much memory again
            model = HMM(*(shares(c, smoothing, o) for c, o in zip(found, old, strict=True)))
        return model, history

    def stationary(self):
        """Return the share of steps spent in each state in the long run, shape (N,).

        It solves π = π · transitions. Where the states fall apart into groups that are never
        left, it depends on the start; that raises a ValueError.
        """
        flow = self.transitions.T - np.eye(self.N)
        if np.linalg.matrix_rank(flow) < self.N - 1:
            raise ValueError("transitions must let all states meet, but two groups are never left")
        system = np.vstack([flow, np.ones(self.N)])
        share = np.linalg.lstsq(system, np.eye(self.N + 1)[-1], rcond=None)[0].clip(min=0)
        return share / share.sum()

    def _forward(self, rows):
        forward = Sweep(rows, self.transitions.T, self.start, self.emissions)
        return forward if forward.settled else self._forward(rows.longer())

    def _both(self, rows):
        forward = self._forward(rows)
        forward.refuse_impossible()
        ones = np.ones(self.N)
        backward = Sweep(forward.rows, self.transitions, ones, self.emissions, True)
        return (forward, backward) if backward.settled else self._both(forward.rows.longer())

    def _logs(self, forward):
        with np.errstate(divide="ignore"):  # rounding may give a sure symbol more than 1
            return np.minimum(np.log(forward.rows.in_order(forward.totals)[:, 0]), 0)

    def _next_state(self, context):
        context = token_ids(context, self.V)
        return self.filter(context)[-1] @ self.transitions if len(context) else self.start


def _rows(ids):
    return Rows(ids, np.array([len(ids)]))


def _cumulative(p):
    p = np.cumsum(p, axis=-1)
    return p / p[..., -1:]
