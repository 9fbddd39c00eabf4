"""The hidden Markov model: the sum over all paths, hmmlearn, and properties."""

import numpy as np
import pytest
import recursions
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recursions import all_paths, log_joint, shares

from rnnbook.hmm import HMM
from rnnbook.nn.losses import bits_per_token


def random_model(N, V, seed, zeros=False):
    """Return start, transitions and emissions, some of them zero if wanted."""
    rng = np.random.default_rng(seed)
    model = [rng.dirichlet(np.ones(k), n) for k, n in [(N, None), (N, N), (V, N)]]
    if zeros:
        for array in model:
            array[rng.random(array.shape) < 0.3] = 0
            array[..., 0] += 1e-3
            array /= array.sum(axis=-1, keepdims=True)
    return model


# N, T, V, zeros
SMALL = [(1, 5, 3, False), (2, 8, 2, False), (3, 8, 4, True), (4, 8, 3, False), (4, 6, 3, True)]
SMALL += [(4, 1, 2, False), (3, 2, 5, True)]
each_small = pytest.mark.parametrize("sizes", SMALL, ids=str)


def small(sizes):
    N, T, V, zeros = sizes
    model = random_model(N, V, seed=T, zeros=zeros)
    return HMM(*model).sample(T, seed=N), model


@each_small
def test_everything_equals_the_sum_over_all_paths(sizes):
    ids, model = small(sizes)
    paths, p = all_paths(ids, *model)
    total, N = p.sum(), len(model[0])
    gamma = np.array([[p[paths[:, t] == i].sum() for i in range(N)] for t in range(len(ids))])
    hmm, near = HMM(*model), {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(np.exp(hmm.log_probabilities(ids).sum()), total, rtol=1e-12)
    np.testing.assert_allclose(hmm.log_likelihoods([ids]), [np.log(total)], **near)
    np.testing.assert_allclose(hmm.posterior([ids])[0], gamma / total, **near)
    for t in range(len(ids)):
        paths_t, p_t = all_paths(ids[: t + 1], *model)
        seen = [p_t[paths_t[:, t] == i].sum() / p_t.sum() for i in range(N)]
        np.testing.assert_allclose(hmm.filter([ids])[0][t], seen, **near)


@each_small
def test_the_best_path_is_the_best_of_all(sizes):
    ids, model = small(sizes)
    paths, p = all_paths(ids, *model)
    (path,), (log_p,) = HMM(*model).viterbi([ids])
    assert log_p == pytest.approx(np.log(p.max()), abs=1e-12)
    assert p[(paths == path).all(axis=1)] == pytest.approx(p.max(), rel=1e-12)


@each_small
def test_a_learning_step_takes_the_mean_over_all_paths(sizes):
    ids, model = small(sizes)
    paths, p = all_paths(ids, *model)
    counted = [np.zeros(array.shape) for array in model]
    for path, weight in zip(paths, p / p.sum(), strict=True):
        counted[0][path[0]] += weight
        np.add.at(counted[1], (path[:-1], path[1:]), weight)
        np.add.at(counted[2], (path, ids), weight)
    learned, (log_p,) = HMM(*model).baum_welch([ids], 1)
    assert log_p == pytest.approx(np.log(p.sum()), abs=1e-12)
    for a, counts, old in zip(arrays(learned), counted, model, strict=True):
        np.testing.assert_allclose(a, shares(counts, old), atol=1e-12)


def arrays(hmm):
    return hmm.start, hmm.transitions, hmm.emissions


# Against recursions in logarithms: long sequences, which are cut into windows, and rare models.


def sticky(stay, N=3):
    """Return a model that stays in its state for long, and hides it well."""
    start, _, emissions = random_model(N, 4, seed=1)
    transitions = np.full((N, N), (1 - stay) / (N - 1))
    np.fill_diagonal(transitions, stay)
    return start, transitions, 0.9 / 4 + 0.1 * emissions


def left_to_right(N=4):
    start, transitions, emissions = random_model(N, 4, seed=2)
    transitions = np.triu(transitions) + 200 * np.eye(N)
    return start, transitions / transitions.sum(axis=1, keepdims=True), emissions


LONG = {
    "random": random_model(5, 4, seed=3),
    "zeros": random_model(5, 4, seed=4, zeros=True),
    "one state": random_model(1, 4, seed=5),
    "sticky": sticky(0.99),
    "hardly ever leaves": sticky(0.9999),
    "never leaves": sticky(1.0),
    "left to right": left_to_right(),
    "a cycle": (*random_model(5, 4, seed=6)[:1], np.roll(np.eye(5), 1, 1),
                random_model(5, 4, seed=6)[2]),
}  # fmt: skip
LENGTHS = [700, 1, 129, 128, 1, 3000, 3]


def assert_right(model, sequences):
    """Hold all methods to the recursions in logarithms, to 1e-8."""
    hmm = HMM(*model)
    model, near = arrays(hmm), {"rtol": 1e-8, "atol": 1e-8}
    log_p, filtered, gamma, counts = zip(
        *(recursions.everything(ids, *model) for ids in sequences), strict=True
    )
    np.testing.assert_allclose(hmm.log_likelihoods(sequences), log_p, **near)
    for ids, log_p_k in zip(sequences, log_p, strict=True):
        np.testing.assert_allclose(hmm.log_probabilities(ids).sum(), log_p_k, **near)
    for given_, wanted in ((hmm.filter, filtered), (hmm.posterior, gamma)):
        for a, b in zip(given_(sequences), wanted, strict=True):
            np.testing.assert_allclose(a, b, **near)
    learned, history = hmm.baum_welch(sequences, 1)
    np.testing.assert_allclose(history, [sum(log_p)], **near)
    for a, parts, old in zip(arrays(learned), zip(*counts, strict=True), model, strict=True):
        # A row whose state is all but never visited is a quotient of rounding errors.
        often = sum(parts).sum(axis=-1) > 1e-7
        np.testing.assert_allclose(a[often], shares(sum(parts), old)[often], rtol=1e-7, atol=1e-8)
    for ids, path, best in zip(sequences, *hmm.viterbi(sequences), strict=True):
        np.testing.assert_allclose(best, recursions.best(ids, *model)[1], **near)
        np.testing.assert_allclose(log_joint(path, ids, *model), best, **near)


@pytest.mark.parametrize("name", LONG)
def test_all_methods_equal_the_recursions_in_logarithms(name):
    hmm = HMM(*LONG[name])
    assert_right(LONG[name], [hmm.sample(n, seed=seed) for seed, n in enumerate(LENGTHS)])


@st.composite
def sparse_problems(draw):
    """Return a model with zeros or numbers near 0, and sequences of it, some of them long."""
    N, V = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    start, a, b = rng.dirichlet(np.ones(N)), rng.dirichlet(np.ones(N), N), rng.random((N, V))
    kind = draw(st.sampled_from(["sparse", "absorbing", "left to right", "periodic", "dense"]))
    small = draw(st.sampled_from([0, 0, 1e-300, 1e-150, 1e-60, 1e-5]))
    a = {
        "sparse": np.where(rng.random((N, N)) < 0.5, small, a)
        + small
        + 1e-3 * np.roll(np.eye(N), 1, 1),
        "absorbing": np.eye(N) + small,
        "left to right": np.triu(a) + small,
        "periodic": np.roll(np.eye(N), 1, 1) + small,
        "dense": a,
    }[kind]
    b = np.where(rng.random((N, V)) < draw(st.sampled_from([0, 0.3])), small, b) + 1e-12
    start = np.where(rng.random(N) < 0.3, small, start) + (np.arange(N) == 0)
    model = [x / x.sum(axis=-1, keepdims=True) for x in (start, a, b)]
    runs = st.lists(st.tuples(st.integers(0, V - 1), st.integers(1, 900)), min_size=1, max_size=3)
    ids = st.one_of(
        st.lists(st.integers(0, V - 1), min_size=1, max_size=8),
        runs.map(lambda runs: [x for x, n in runs for _ in range(n)]),
    )
    return model, [*draw(st.lists(ids, min_size=1, max_size=3)), HMM(*model).sample(50).tolist()]


APART = [0.5, 0.5], np.eye(2), [[0.9, 0.1], [0.1, 0.9]]  # two states that are never left


@given(sparse_problems())
@example((APART, [[0] * 400 + [1] * 800]))
@example((APART, [[0] * 400 + [1] * 2000 + [0] * 400, [0, 1]]))
@example((([0.5, 0.5], np.eye(2), [[1 - 1e-9, 1e-9], [1e-9, 1 - 1e-9]]), [[0] * 40 + [1] * 80]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_no_state_is_lost_in_sparse_absorbing_left_to_right_and_periodic_models(problem):
    model, sequences = problem
    hmm = HMM(*model)
    log_p = [recursions.LOG_SUM(recursions.forward(x, *arrays(hmm))[-1]) for x in sequences]
    np.testing.assert_allclose(hmm.log_likelihoods(sequences), log_p, rtol=1e-8, atol=1e-8)
    possible = [ids for ids, p in zip(sequences, log_p, strict=True) if p > -np.inf]
    assert_right(model, possible)


def test_a_state_that_falls_behind_by_any_factor_comes_back():
    log_p = np.logaddexp(*(400 * np.log(p) + 800 * np.log(1 - p) for p in (0.9, 0.1))) + np.log(0.5)
    assert log_p == pytest.approx(-1006.0, abs=0.05)
    ids = [0] * 400 + [1] * 800
    assert HMM(*APART).log_likelihoods([ids]) == pytest.approx(log_p, abs=1e-8)
    np.testing.assert_allclose(HMM(*APART).posterior([ids])[0], [[0, 1]] * 1200, atol=1e-8)
    learned, _ = HMM(*APART).baum_welch([ids], 1)
    np.testing.assert_allclose(learned.start, [0, 1], atol=1e-8)
    np.testing.assert_allclose(learned.emissions[1], [1 / 3, 2 / 3], atol=1e-8)


def test_many_sequences_of_which_one_needs_logarithms():
    sequences = [[0, 1, 1], [0] * 400 + [1] * 800, [1], [1] * 900, [0] * 2000 + [1] * 4000]
    assert_right(APART, sequences)


def test_a_long_sequence_is_its_parts_run_one_after_the_other():
    # The filter goes on from where it was: windows must not show.
    for N in (2, 8, 32):
        hmm = HMM.random(N, 6, seed=N)
        ids = hmm.sample(20_000, seed=1)
        p, log_p, filtered = hmm.start, [], []
        for x in ids:
            p = p * hmm.emissions[:, x]
            log_p.append(np.log(p.sum()))
            filtered.append(p / p.sum())
            p = filtered[-1] @ hmm.transitions
        np.testing.assert_allclose(hmm.log_probabilities(ids), log_p, rtol=1e-10)
        np.testing.assert_allclose(hmm.filter([ids])[0], filtered, rtol=1e-9)


def test_what_comes_late_can_turn_a_long_path():
    # One symbol speaks for state 0, then none for either, then five for state 1: one change of
    # state costs more than to be in state 1 all along.
    model = [0.5, 0.5], [[0.99, 0.01], [0.01, 0.99]], [[0.8, 0.15, 0.05], [0.8, 0.05, 0.15]]
    ids = [1] + [0] * 450 + [2] * 5
    (path,), _ = HMM(*model).viterbi([ids])
    assert path.tolist() == list(recursions.best(ids, *arrays(HMM(*model)))[0]) == [1] * 456
    (path,), _ = HMM(*model).viterbi([ids[:-5]])
    assert path.tolist() == [0] * 451


def test_what_comes_late_does_not_hide_that_the_past_was_forgotten():
    # The state is never left. A 2 says at once that it is the first; each window has one near its
    # end, and so knows the state of every symbol, but not what the past said of it.
    model = [0.5, 0.5], np.eye(2), [[0.5, 0.4, 0.1], [0.55, 0.45, 0]]
    assert_right(model, [[2, *[0] * 59] * 20])


def test_time_turned_round_gives_the_same_posterior():
    # A chain that goes from i to j as often as from j to i looks the same backward.
    rng = np.random.default_rng(0)
    flow = rng.random((4, 4))
    flow += flow.T
    start = flow.sum(axis=1) / flow.sum()
    hmm = HMM(start, flow / flow.sum(axis=1, keepdims=True), random_model(4, 3, seed=0)[2])
    ids = hmm.sample(1000, seed=0)
    one, other = hmm.posterior([ids, ids[::-1]])
    np.testing.assert_allclose(one[::-1], other, atol=1e-11)
    np.testing.assert_allclose(*(hmm.log_likelihoods([x])[0] for x in (ids, ids[::-1])), rtol=1e-12)


# Against hmmlearn.


@pytest.mark.parametrize("implementation", ["log", "scaling"])
@pytest.mark.parametrize("lengths", [[3000], [100, 1, 37, 500, 2] * 3], ids=["one", "many"])
def test_likelihood_path_and_fit_are_those_of_hmmlearn(implementation, lengths):
    from hmmlearn.hmm import CategoricalHMM

    true, guess = HMM(*random_model(4, 6, seed=0)), HMM(*random_model(4, 6, seed=1))
    sequences = [true.sample(n, seed=seed) for seed, n in enumerate(lengths)]
    joined = np.concatenate(sequences)[:, None]
    theirs = CategoricalHMM(
        4, n_iter=10, tol=-np.inf, init_params="", implementation=implementation
    )
    theirs.startprob_, theirs.transmat_, theirs.emissionprob_ = arrays(guess)
    assert guess.log_likelihoods(sequences).sum() == pytest.approx(
        theirs.score(joined, lengths), rel=1e-8
    )
    log_p, path = theirs.decode(joined, lengths)
    assert guess.viterbi(sequences)[1].sum() == pytest.approx(log_p, rel=1e-8)
    ours = np.concatenate(guess.viterbi(sequences)[0])
    assert (ours != path).mean() < 0.01  # where two paths are equally good, rounding decides
    begins = np.cumsum(lengths)[:-1]
    for a, b, ids in zip(np.split(ours, begins), np.split(path, begins), sequences, strict=True):
        model = arrays(guess)
        assert log_joint(a, ids, *model) == pytest.approx(log_joint(b, ids, *model), rel=1e-13)
    theirs.fit(joined, lengths)
    ours, history = guess.baum_welch(sequences, 10)
    np.testing.assert_allclose(history, theirs.monitor_.history, rtol=1e-8)
    for a, b in zip(
        arrays(ours), (theirs.startprob_, theirs.transmat_, theirs.emissionprob_), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-8)


# Safe with many symbols and small numbers.


def test_a_million_symbols():
    # Where all rows of the transitions are alike, the symbols are independent.
    start, _, emissions = random_model(3, 4, seed=0)
    hmm = HMM(start, [start] * 3, emissions)
    ids = np.random.default_rng(0).integers(0, 4, 1_000_000)
    log_p = hmm.log_probabilities(ids)
    np.testing.assert_allclose(log_p, np.log(start @ emissions)[ids], atol=1e-12)
    assert bits_per_token(log_p) == pytest.approx(-np.log2(start @ emissions)[ids].mean())
    (path,), _ = hmm.viterbi([ids])
    assert np.array_equal(path, (start[:, None] * emissions).argmax(axis=0)[ids])


@pytest.mark.parametrize("tiny", [1e-12, 1e-100, 1e-250, 1e-307])
def test_tiny_emissions(tiny):
    start, transitions, _ = random_model(3, 2, seed=0)
    model = start, transitions, np.array([[1 - tiny, tiny]] * 3)
    ids = [1] * 500 + [0] * 500
    np.testing.assert_allclose(HMM(*model).log_likelihoods([ids]), [500 * np.log(tiny)], rtol=1e-12)
    assert_right(model, [ids])


@pytest.mark.parametrize("tiny", [1e-60, 1e-91, 1e-120, 1e-200, 1e-300])
def test_a_first_state_that_is_all_but_impossible(tiny):
    """Nothing else can give the first symbol; from then on the model is a fair coin."""
    hmm = HMM([1, tiny], np.full((2, 2), 0.5), np.eye(2)[::-1])
    ids = [0, 1, 1, 1, 0, 0, 1, 0]
    log_p = np.append(np.log(tiny), np.full(7, np.log(0.5)))
    np.testing.assert_allclose(hmm.log_probabilities(ids), log_p, rtol=1e-12)
    np.testing.assert_allclose(hmm.filter([ids])[0][0], [0, 1])
    np.testing.assert_allclose(hmm.next_probabilities([0]), [0.5, 0.5])


def test_the_best_path_through_tiny_emissions():
    start, transitions, _ = random_model(3, 2, seed=0)
    tiny = np.array([1e-250, 3e-250, 2e-249])
    assert_right(
        (start, transitions, np.stack([1 - tiny, tiny], axis=1)),
        [np.random.default_rng(0).integers(0, 2, 900)],
    )


def test_many_states():
    model = random_model(40, 5, seed=0)
    assert_right(model, [HMM(*model).sample(20, seed=seed) for seed in range(30)])
