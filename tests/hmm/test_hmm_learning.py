"""The hidden Markov model learns, counts and writes; and what it says of bad input."""

import numpy as np
import pytest
import recursions

from rnnbook.hmm import HMM


def arrays(hmm):
    return hmm.start, hmm.transitions, hmm.emissions


CASINO = HMM([0.5, 0.5], [[0.95, 0.05], [0.1, 0.9]], [[1 / 6] * 6, [0.1] * 5 + [0.5]])
WEATHER = HMM([1, 0], [[0.5, 0.5], [0, 1]], [[0.5, 0.5, 0], [0, 0, 1]])  # state 1 never ends


# Learning.


@pytest.mark.parametrize("seed", range(50))
def test_the_likelihood_never_falls(seed):
    rng = np.random.default_rng(seed)
    sequences = [rng.integers(0, 4, n) for n in (1, 40, 300, 2)]
    guess = HMM.random(1 + seed % 5, 4, seed)
    _, history = guess.baum_welch(sequences, 15)
    assert len(history) == 15
    assert history[0] == pytest.approx(guess.log_likelihoods(sequences).sum(), rel=1e-12)
    rise = np.diff(history)
    assert rise.min() > -1e-9
    assert rise[0] > 0


def test_learning_finds_the_loaded_die():
    ids = CASINO.sample(20_000, seed=0)
    guess = HMM([0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]], [[1 / 6] * 6, [0.15] * 5 + [0.25]])
    learned, _ = guess.baum_welch([ids], 60)
    for a, b in zip(arrays(learned)[1:], arrays(CASINO)[1:], strict=True):
        np.testing.assert_allclose(a, b, atol=0.03)
    assert learned.log_likelihoods([ids]) > CASINO.log_likelihoods([ids])


def test_iterations_can_be_done_one_by_one():
    sequences = [CASINO.sample(500, seed=seed) for seed in range(3)]
    guess = HMM.random(3, 6, seed=0)
    at_once, history = guess.baum_welch(sequences, 3)
    for expected in history:
        guess, (log_p,) = guess.baum_welch(sequences, 1)
        assert log_p == pytest.approx(expected, rel=1e-12)
    for a, b in zip(arrays(guess), arrays(at_once), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_a_symbol_never_seen_becomes_impossible_unless_smoothed():
    guess, ids = HMM.random(2, 3, seed=0), [0, 1, 1, 0, 0, 1]
    learned, _ = guess.baum_welch([ids], 2)
    assert learned.emissions[:, 2].tolist() == [0, 0]
    assert learned.log_likelihoods([[0, 2]]).tolist() == [-np.inf]
    smoothed, _ = guess.baum_welch([ids], 2, smoothing=0.1)
    assert np.isfinite(smoothed.log_likelihoods([[0, 2]])).all()
    counted = recursions.everything(ids, *arrays(guess))[3]
    once, _ = guess.baum_welch([ids], 1, smoothing=0.1)
    for a, counts in zip(arrays(once), counted, strict=True):
        wanted = (counts + 0.1) / (counts + 0.1).sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(a, wanted, atol=1e-12)


def test_a_state_never_visited_keeps_its_rows():
    emissions = [[0.5, 0.5], [0.3, 0.7]]
    learned, _ = HMM([1, 0], [[1, 0], [0.4, 0.6]], emissions).baum_welch([[0, 1, 1]], 3)
    assert learned.transitions.tolist() == [[1, 0], [0.4, 0.6]]
    np.testing.assert_allclose(learned.emissions, [[1 / 3, 2 / 3], [0.3, 0.7]], atol=1e-15)


def test_sequences_of_one_symbol_say_nothing_of_the_transitions():
    guess = HMM.random(2, 3, seed=0)
    learned, _ = guess.baum_welch([[0], [1], [1]], 1)
    assert learned.transitions.tolist() == guess.transitions.tolist()
    np.testing.assert_allclose(learned.start @ learned.emissions, [1 / 3, 2 / 3, 0], atol=1e-12)


# Counting.


def test_counts_of_labeled_sequences_by_hand():
    states, sequences = [[0, 0, 1], [1], [0, 1]], [[2, 0, 1], [1], [2, 2]]
    hmm = HMM.count_labeled(states, sequences, N=3, V=3)
    np.testing.assert_allclose(hmm.start, [2 / 3, 1 / 3, 0])
    np.testing.assert_allclose(hmm.transitions, [[1 / 3, 2 / 3, 0], [1 / 3] * 3, [1 / 3] * 3])
    np.testing.assert_allclose(hmm.emissions, [[1 / 3, 0, 2 / 3], [0, 2 / 3, 1 / 3], [1 / 3] * 3])
    smooth = HMM.count_labeled(states, sequences, N=3, V=3, smoothing=0.5)
    np.testing.assert_allclose(smooth.start, [2.5 / 4.5, 1.5 / 4.5, 0.5 / 4.5])
    np.testing.assert_allclose(smooth.emissions[0], [1.5 / 4.5, 0.5 / 4.5, 2.5 / 4.5])


def test_ids_of_one_byte_are_counted_as_well():
    states, ids = np.array([200, 199, 200], np.uint8), np.array([250, 255, 1], np.uint8)
    hmm = HMM.count_labeled([states], [ids], 201, 256)
    assert hmm.transitions[200, 199] == hmm.transitions[199, 200] == hmm.emissions[199, 255] == 1
    mixed = HMM.count_labeled([[0], [1]], [np.array([1], np.uint64), np.array([0], np.int64)], 2, 2)
    assert mixed.emissions.tolist() == [[0, 1], [1, 0]]


def test_counting_many_samples_gives_the_model_back():
    samples = [CASINO.sample_with_states(200, seed=seed) for seed in range(300)]
    counted = HMM.count_labeled([s for _, s in samples], [ids for ids, _ in samples], 2, 6)
    for a, b in zip(arrays(counted)[1:], arrays(CASINO)[1:], strict=True):
        np.testing.assert_allclose(a, b, atol=0.01)
    np.testing.assert_allclose(counted.start, CASINO.start, atol=0.1)


def test_a_state_that_there_is_not_is_named_as_a_state():
    with pytest.raises(ValueError, match=r"^states\[1\] must be from 0 to V - 1 = 1, got 5"):
        HMM.count_labeled([[0], [0, 5]], [[0], [0, 1]], N=2, V=6)


# Prediction and sampling.


def test_each_symbol_has_the_probability_that_was_predicted():
    ids = CASINO.sample(50, seed=3)
    log_p = CASINO.log_probabilities(ids)
    for t in range(50):
        p = CASINO.next_probabilities(ids[:t])
        assert p.sum() == pytest.approx(1, abs=1e-12)
        assert np.log(p[ids[t]]) == pytest.approx(log_p[t], abs=1e-12)
    assert CASINO.log_probabilities([]).shape == (0,)


def test_samples_follow_the_model_the_context_and_the_seed():
    ids, states = CASINO.sample_with_states(40_000, seed=1)
    assert ids.tolist() == CASINO.sample(40_000, seed=1).tolist()
    assert ids[:99].tolist() != CASINO.sample(99, seed=2).tolist()
    np.testing.assert_allclose(np.bincount(states) / 40_000, [2 / 3, 1 / 3], atol=0.03)
    assert (ids[states == 1] == 5).mean() == pytest.approx(0.5, abs=0.02)
    firsts = [CASINO.sample(1, [5] * 30, seed)[0] for seed in range(500)]
    expected = CASINO.next_probabilities([5] * 30)[5]
    assert np.mean(np.array(firsts) == 5) == pytest.approx(expected, abs=0.07)
    assert set(WEATHER.sample(1000, seed=0, context=[0, 2])) == {2}


# What is impossible, and what is wrong.


def test_an_impossible_text_has_probability_zero_from_its_first_impossible_symbol():
    ids = [0, 1, 2, 2, 0, 2]
    log_p = WEATHER.log_probabilities(ids)
    np.testing.assert_allclose(np.exp(log_p), [0.5, 0.25, 0.5, 1, 0, 0])
    long = np.array([0] + [2] * 1000 + [1] + [2] * 1000)
    log_p = WEATHER.log_probabilities(long)
    assert np.isfinite(log_p[:1001]).all()
    assert (log_p[1001:] == -np.inf).all()
    assert WEATHER.log_likelihoods([[0, 1], ids, [2]]).tolist() == [np.log(0.125), *[-np.inf] * 2]
    with pytest.raises(ValueError, match=r"sequence 0 is impossible .* from index 4 on"):
        WEATHER.next_probabilities(ids)
    for call in (
        WEATHER.filter,
        WEATHER.posterior,
        WEATHER.viterbi,
        lambda s: WEATHER.baum_welch(s, 1),
    ):
        with pytest.raises(ValueError, match=r"sequence 1 is impossible .* from index 1001 on"):
            call([[0, 1], long, [0]])


OK = ([0.5, 0.5], [[1, 0], [0.5, 0.5]], [[0.2, 0.8], [1, 0]])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: HMM([0.5, 0.6], *OK[1:]), ValueError, "start must sum to 1, got 1.1"),
        (
            lambda: HMM(OK[0], [[1, 0], [0.5, 0.4]], OK[2]),
            ValueError,
            r"row 1 of transitions must sum to 1, got 0.9 \(divide",
        ),
        (
            lambda: HMM(*OK[:2], [[1.2, -0.2], [1, 0]]),
            ValueError,
            "emissions must hold probabilities, got -0.2",
        ),
        (lambda: HMM([1], *OK[1:]), ValueError, r"start must have shape \(N=2\), got \(1,\)"),
        (lambda: HMM(OK[0], [[1, 0]], OK[2]), ValueError, r"transitions must have shape \(N, N\)"),
        (lambda: HMM(*OK[:2], [[np.nan, 1], [1, 0]]), ValueError, "emissions must be finite"),
        (lambda: HMM(*OK).log_probabilities([0, 2]), ValueError, "from 0 to V - 1 = 1, got 2"),
        (lambda: HMM(*OK).viterbi([[0], [1, -1]]), ValueError, r"sequences\[1\] must be from 0"),
        (lambda: HMM(*OK).viterbi([[0], []]), ValueError, r"sequences\[1\] must hold at least 1"),
        (lambda: HMM(*OK).viterbi([0, 1]), TypeError, r"got one of numbers \(write \[ids\]\)"),
        (lambda: HMM(*OK).viterbi([[0.5]]), TypeError, r"sequences\[0\] must be whole numbers"),
        (lambda: HMM(*OK).log_likelihoods([]), ValueError, "at least one sequence, got none"),
        (lambda: HMM(*OK).posterior([[]]), ValueError, r"sequences\[0\] must hold at least 1"),
        (lambda: HMM(*OK).filter([[]]), ValueError, r"sequences\[0\] must hold at least 1"),
        (lambda: HMM(*OK).baum_welch([[0]], 0), ValueError, "iterations must be at least 1"),
        (lambda: HMM(*OK).baum_welch([[0]], 1, -1), ValueError, "smoothing must be at least 0"),
        (lambda: HMM(*OK).sample(0), ValueError, "n must be at least 1"),
        (lambda: HMM(*OK).sample(1, seed=-1), ValueError, "seed must be at least 0"),
        (lambda: HMM.random(0, 2, 0), ValueError, "N must be at least 1"),
        (
            lambda: HMM.count_labeled([[0, 1]], [[0]], 2, 2),
            ValueError,
            "states and sequences must have the same lengths, got 1 sequences with 2 states",
        ),
        (lambda: HMM.count_labeled([[2]], [[0]], 2, 2), ValueError, "from 0 to V - 1 = 1, got 2"),
        (lambda: HMM(OK[0], [[0, 0], [1, 0]], OK[2]), ValueError, r"row 0 .* got 0 \(give it a"),
        (lambda: HMM(*OK).filter(["01"]), TypeError, r"sequences\[0\] must be whole numbers"),
    ],
)
def test_bad_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_rows_that_nearly_sum_to_one_are_scaled_to_do_so():
    hmm = HMM([0.3333333, 0.6666666], [[0.3333333, 0.6666666]] * 2, [[0.3333333, 0.6666666]] * 2)
    for array in arrays(hmm):
        np.testing.assert_allclose(array.sum(axis=-1), 1, rtol=0, atol=1e-15)
        np.testing.assert_allclose(array[..., 1], 2 / 3, atol=1e-7)


def test_the_model_does_not_follow_later_changes_of_what_was_given():
    start = np.array([0.5, 0.5])
    hmm = HMM(start, *OK[1:])
    start[0] = 7
    assert hmm.start.tolist() == [0.5, 0.5]


def test_repr_tells_the_sizes_and_copies_are_equal():
    import copy
    import pickle

    assert repr(CASINO) == "HMM(N=2, V=6)"
    for twin in (copy.deepcopy(CASINO), pickle.loads(pickle.dumps(CASINO))):
        assert all(np.array_equal(a, b) for a, b in zip(arrays(twin), arrays(CASINO), strict=True))
