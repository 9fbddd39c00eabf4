"""The hidden Markov model: the sum over all paths, hmmlearn, and properties."""

import itertools

import numpy as np
import pytest

from rnnbook.hmm import HMM, paths, steps
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


def brute_force(ids, start, transitions, emissions):
    """Return all paths, and the probability of each together with the symbols."""
    paths = np.array(list(itertools.product(range(len(start)), repeat=len(ids))))
    p = start[paths[:, 0]] * emissions[paths, ids].prod(axis=1)
    return paths, p * transitions[paths[:, :-1], paths[:, 1:]].prod(axis=1)


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
    paths, p = brute_force(ids, *model)
    total, N = p.sum(), len(model[0])
    gamma = np.array([[p[paths[:, t] == i].sum() for i in range(N)] for t in range(len(ids))])
    hmm, near = HMM(*model), {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(np.exp(hmm.log_probabilities(ids).sum()), total, rtol=1e-12)
    np.testing.assert_allclose(hmm.log_likelihoods([ids]), [np.log(total)], **near)
    np.testing.assert_allclose(steps.log_sum(steps.forward(ids, *model)[-1]), np.log(total), **near)
    for posterior in (hmm.posterior(ids), steps.posterior(ids, *model)):
        np.testing.assert_allclose(posterior, gamma / total, **near)
    for t in range(len(ids)):
        paths_t, p_t = brute_force(ids[: t + 1], *model)
        seen = [p_t[paths_t[:, t] == i].sum() / p_t.sum() for i in range(N)]
        np.testing.assert_allclose(hmm.filter(ids)[t], seen, **near)


@each_small
def test_the_best_path_is_the_best_of_all(sizes):
    ids, model = small(sizes)
    paths, p = brute_force(ids, *model)
    (fast,), (fast_log_p,) = HMM(*model).viterbi([ids])
    for path, log_p in [(fast, fast_log_p), steps.viterbi(ids, *model)]:
        assert log_p == pytest.approx(np.log(p.max()), abs=1e-12)
        assert p[(paths == path).all(axis=1)] == pytest.approx(p.max(), rel=1e-12)


@each_small
def test_counts_are_the_mean_over_all_paths(sizes):
    ids, model = small(sizes)
    paths, p = brute_force(ids, *model)
    counted = [np.zeros(array.shape) for array in model]
    for path, weight in zip(paths, p / p.sum(), strict=True):
        counted[0][path[0]] += weight
        np.add.at(counted[1], (path[:-1], path[1:]), weight)
        np.add.at(counted[2], (path, ids), weight)
    *given, log_p = steps.expected_counts(ids, *model)
    assert log_p == pytest.approx(np.log(p.sum()), abs=1e-12)
    for a, b in zip(given, counted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    learned, _ = HMM(*model).baum_welch([ids], 1)
    for a, b, old in zip(arrays(learned), counted, model, strict=True):
        total = b.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(a, np.where(total > 0, b / np.maximum(total, 1e-300), old),
                                   atol=1e-12)  # fmt: skip


def arrays(hmm):
    return hmm.start, hmm.transitions, hmm.emissions


# The fast version and the one to read: long sequences, which are cut into rows.


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
LENGTHS = [700, 1, 129, 128, 1, 400, 3]


@pytest.mark.parametrize("name", LONG)
def test_the_fast_version_equals_the_one_to_read(name):
    model = LONG[name]
    hmm = HMM(*model)
    sequences = [hmm.sample(n, seed) for seed, n in enumerate(LENGTHS)]
    read = [steps.expected_counts(ids, *model) for ids in sequences]
    *counted, log_p = (sum(parts) for parts in zip(*read, strict=True))
    near = {"rtol": 1e-9, "atol": 1e-10}
    np.testing.assert_allclose(hmm.log_likelihoods(sequences), [r[3] for r in read], rtol=1e-11)
    learned, history = hmm.baum_welch(sequences, 1)
    assert history == pytest.approx([log_p], rel=1e-11)
    for a, counts, old in zip(arrays(learned), counted, model, strict=True):
        np.testing.assert_allclose(a, steps.shares(counts, 0, old), **near)
    paths, best = hmm.viterbi(sequences)
    for ids, path, best_log_p in zip(sequences, paths, best, strict=True):
        assert best_log_p == pytest.approx(steps.viterbi(ids, *model)[1], rel=1e-12)
        assert log_joint(path, ids, *model) == pytest.approx(best_log_p, rel=1e-12)
        np.testing.assert_allclose(hmm.posterior(ids), steps.posterior(ids, *model), **near)


def log_joint(path, ids, start, transitions, emissions):
    with np.errstate(divide="ignore"):
        a, b = np.log(transitions), np.log(emissions)
    return np.log(start[path[0]]) + a[path[:-1], path[1:]].sum() + b[path, ids].sum()


def test_the_filter_is_its_step_again_and_again():
    hmm = HMM(*random_model(4, 3, seed=0))
    ids = hmm.sample(300, seed=1)
    p = hmm.start * hmm.emissions[:, ids[0]]
    p, log_p = p / p.sum(), [np.log(p.sum())]
    states = hmm.filter(ids)
    for t in range(1, 300):
        np.testing.assert_allclose(states[t - 1], p, rtol=1e-11)
        p, c = steps.filter_step(p, ids[t], hmm.transitions, hmm.emissions)
        log_p.append(np.log(c))
    np.testing.assert_allclose(hmm.log_probabilities(ids), log_p, rtol=1e-10)


def test_what_comes_late_can_turn_a_long_path():
    # One symbol speaks for state 0, then none for either, then five for state 1: one change of
    # state costs more than to be in state 1 all along.
    model = [0.5, 0.5], [[0.99, 0.01], [0.01, 0.99]], [[0.8, 0.15, 0.05], [0.8, 0.05, 0.15]]
    ids = [1] + [0] * 450 + [2] * 5
    (path,), _ = HMM(*model).viterbi([ids])
    assert path.tolist() == steps.viterbi(ids, *model)[0].tolist() == [1] * 456
    (path,), _ = HMM(*model).viterbi([ids[:-5]])
    assert path.tolist() == [0] * 451


@pytest.mark.parametrize("N", [1, 2, 8, 255, 256, 300])
def test_the_first_of_the_largest_is_found(N):
    x = np.random.default_rng(N).integers(-3, 0, (N, 50)).astype(float)  # many ties
    x[:, 0], x[:-1, 1], x[-1, 1] = -1e300, -1.0, 0.0
    assert paths.first_largest(x).tolist() == x.argmax(axis=0).tolist()


def test_time_turned_round_gives_the_same_posterior():
    # A chain that goes from i to j as often as from j to i looks the same backward.
    rng = np.random.default_rng(0)
    flow = rng.random((4, 4))
    flow += flow.T
    start = flow.sum(axis=1) / flow.sum()
    hmm = HMM(start, flow / flow.sum(axis=1, keepdims=True), random_model(4, 3, seed=0)[2])
    ids = hmm.sample(1000, seed=0)
    np.testing.assert_allclose(hmm.posterior(ids)[::-1], hmm.posterior(ids[::-1]), atol=1e-11)
    np.testing.assert_allclose(*(hmm.log_likelihoods([x])[0] for x in (ids, ids[::-1])), rtol=1e-12)
    np.testing.assert_allclose(hmm.stationary(), start, atol=1e-12)


# Against hmmlearn.


@pytest.mark.parametrize("implementation", ["log", "scaling"])
@pytest.mark.parametrize("lengths", [[3000], [100, 1, 37, 500, 2] * 3], ids=["one", "many"])
def test_likelihood_path_and_fit_are_those_of_hmmlearn(implementation, lengths):
    from hmmlearn.hmm import CategoricalHMM

    true, guess = HMM(*random_model(4, 6, seed=0)), HMM(*random_model(4, 6, seed=1))
    sequences = [true.sample(n, seed) for seed, n in enumerate(lengths)]
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


@pytest.mark.parametrize("tiny", [1e-12, 1e-100, 1e-250])
def test_tiny_emissions(tiny):
    model = random_model(3, 2, seed=0)
    model[2] = np.array([[1 - tiny, tiny]] * 3) if tiny > 1e-16 else np.array([[1, tiny]] * 3)
    hmm = HMM(*model)
    ids = [1] * 500 + [0] * 500
    np.testing.assert_allclose(hmm.log_likelihoods([ids]), [500 * np.log(tiny)], rtol=1e-12)
    np.testing.assert_allclose(hmm.posterior(ids), steps.posterior(ids, *model), atol=1e-10)


def test_the_best_path_through_tiny_emissions():
    start, transitions, _ = random_model(3, 2, seed=0)
    tiny = np.array([1e-250, 3e-250, 2e-249])
    model = start, transitions, np.stack([1 - tiny, tiny], axis=1)
    ids = np.random.default_rng(0).integers(0, 2, 900)
    (path,), (log_p,) = HMM(*model).viterbi([ids])
    wanted = log_joint(steps.viterbi(ids, *model)[0], ids, *model)
    assert log_joint(path, ids, *model) == pytest.approx(wanted, rel=1e-14)
    assert log_p == pytest.approx(wanted, rel=1e-14)


def test_many_states_take_another_way_to_the_same_paths():
    model = random_model(40, 5, seed=0)
    hmm = HMM(*model)
    sequences = [hmm.sample(20, seed) for seed in range(100)]
    assert 40 * 40 * len(sequences) > paths.CACHED
    for ids, path in zip(sequences, hmm.viterbi(sequences)[0], strict=True):
        assert path.tolist() == steps.viterbi(ids, *model)[0].tolist()
