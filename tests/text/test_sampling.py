"""Choosing the next token: the draws follow the distribution that is shown."""

import numpy as np
import pytest

from rnnbook.nn.losses import softmax
from rnnbook.text.sampling import distribution, gumbel, next_token

P = np.array([0.1, 0.4, 0.2, 0.25, 0.05])
SETTINGS = [
    {},
    {"temperature": 0.5},
    {"temperature": 3.0, "top_k": 3},
    {"top_p": 0.7},
    {"temperature": 2.0, "top_k": 4, "top_p": 0.9},
]


def kept(p, **settings):
    """Return the ids that have a probability."""
    return np.flatnonzero(distribution(np.log(p), **settings)).tolist()


def test_temperature_is_a_power_of_the_probabilities():
    np.testing.assert_allclose(distribution(np.log(P)), P, rtol=1e-14)
    for temperature in (0.3, 1.7):
        powers = P ** (1 / temperature)
        given = distribution(np.log(P), temperature)
        np.testing.assert_allclose(given, powers / powers.sum(), rtol=1e-12)
    np.testing.assert_allclose(distribution(np.log(P), 1e6), 0.2, rtol=1e-5)
    np.testing.assert_allclose(distribution(np.log(P), 1e-6), [0, 1, 0, 0, 0], atol=1e-15)


def test_top_k_keeps_the_k_most_probable_in_their_proportions():
    assert kept(P, top_k=1) == [1]
    assert kept(P, top_k=2) == [1, 3]
    assert kept(P, top_k=5) == kept(P, top_k=99) == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(distribution(np.log(P), top_k=2), [0, 40 / 65, 0, 25 / 65, 0])


def test_top_p_keeps_the_fewest_that_reach_it():
    # In order: 0.4, 0.65, 0.85, 0.95, 1.
    assert kept(P, top_p=1e-9) == kept(P, top_p=0.39) == [1]
    assert kept(P, top_p=0.41) == kept(P, top_p=0.64) == [1, 3]
    assert kept(P, top_p=0.66) == [1, 2, 3]
    assert kept(P, top_p=0.951) == kept(P, top_p=1) == [0, 1, 2, 3, 4]
    assert kept([1 - 1e-9, 1e-9], top_p=1) == [0, 1]


def test_at_the_boundary_the_sum_counts_as_reached_whatever_the_rounding():
    for top_p, wanted in [(0.4, [1]), (0.65, [1, 3]), (0.85, [1, 2, 3]), (0.95, [0, 1, 2, 3])]:
        assert kept(P, top_p=top_p) == wanted
        assert kept(P.astype(np.float32), top_p=top_p) == wanted
    assert 0.7 + 0.2 < 0.9
    assert kept([0.7, 0.2, 0.1], top_p=0.9) == [0, 1]


def test_of_equally_probable_tokens_the_smaller_ids_are_kept():
    two = np.tile([1, 3], 50) / 200  # 50 of each, in turn
    assert kept(two, top_k=20) == kept(two, top_p=0.3) == list(range(1, 40, 2))
    assert next_token(np.zeros(4), np.random.default_rng(0), top_k=1) == 0


def test_top_k_comes_before_top_p():
    # Of 0.4 and 0.25 alone, the first has 0.62: enough for 0.6, which 0.4 would not be.
    assert kept(P, top_k=2, top_p=0.6) == [1]
    assert kept(P, top_p=0.6) == [1, 3]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_draws_follow_the_distribution(settings, dtype):
    logits = np.log(P).astype(dtype)
    p = distribution(logits, **settings)
    assert p.dtype == dtype
    n = 40_000
    drawn = next_token(np.tile(logits, (n, 1)), np.random.default_rng(1), **settings)
    assert drawn.shape == (n,)
    counts = np.bincount(drawn, minlength=5)
    assert counts[p == 0].sum() == 0
    p = p[p > 0].astype(float)
    # Chi squared with at most 4 degrees of freedom; 23.5 is passed once in 10,000 times.
    assert (np.square(counts[counts > 0] - n * p) / (n * p)).sum() < 23.5


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_one_by_one_and_many_at_once_draw_the_same(settings):
    logits = np.random.default_rng(2).normal(size=(50, 7))
    rng = np.random.default_rng(3)
    one_by_one = [next_token(row, rng, **settings) for row in logits]
    at_once = next_token(logits, np.random.default_rng(3), **settings)
    assert one_by_one == at_once.tolist()
    assert all(type(token) is int for token in one_by_one)
    rows = [distribution(row, **settings) for row in logits]
    np.testing.assert_allclose(distribution(logits, **settings), rows, rtol=1e-14)


def test_greedy_takes_the_largest_whatever_the_seed():
    logits = np.random.default_rng(4).normal(size=(20, 9))
    for seed in range(5):
        drawn = next_token(logits, np.random.default_rng(seed), temperature=5.0, top_k=1)
        assert (drawn == logits.argmax(axis=1)).all()


def test_logits_and_log_probabilities_are_the_same():
    logits = 5 * np.random.default_rng(5).normal(size=9)
    given = distribution(np.log(softmax(logits)), 0.7, 5, 0.8)
    np.testing.assert_allclose(given, distribution(logits, 0.7, 5, 0.8), rtol=1e-12)


def test_gumbel_noise_has_its_mean_variance_and_median():
    noise = gumbel(np.random.default_rng(6), (300, 1000))
    assert noise.mean() == pytest.approx(np.euler_gamma, abs=0.01)
    assert noise.var() == pytest.approx(np.pi**2 / 6, abs=0.02)
    assert np.median(noise) == pytest.approx(-np.log(np.log(2)), abs=0.01)


@pytest.mark.parametrize(
    ("logits", "settings", "error", "message"),
    [
        ([0, 1], {"temperature": 0}, ValueError, r"> 0 .*got 0 \(top_k=1 always takes the most"),
        ([0, 1], {"temperature": -1}, ValueError, "temperature must be > 0 .*got -1"),
        ([0, 1], {"temperature": np.nan}, ValueError, "got nan"),
        ([0, 1], {"temperature": np.inf}, ValueError, "got inf"),
        ([0, 1], {"top_k": 0}, ValueError, "top_k must be at least 1, got 0"),
        ([0, 1], {"top_k": 1.5}, TypeError, "top_k must be a whole number, got 1.5"),
        ([0, 1], {"top_p": 0}, ValueError, "top_p must be above 0 and at most 1, got 0"),
        ([0, 1], {"top_p": 1.1}, ValueError, "top_p must be above 0 and at most 1, got 1.1"),
        ([0, np.nan], {}, ValueError, "logits must be finite, got nan"),
        ([], {}, ValueError, r"got \(0,\)"),
        (3.0, {}, ValueError, r"got \(\)"),
        ("games", {}, TypeError, "logits must hold real numbers"),
    ],
    ids=str,
)
def test_bad_input_is_refused_and_explained(logits, settings, error, message):
    rng = np.random.default_rng(0)
    for call in (
        lambda: distribution(logits, **settings),
        lambda: next_token(logits, rng, **settings),
    ):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_minus_infinity_is_a_token_that_never_comes(settings):
    logits = np.array([[0.3, -np.inf, 1.0, -np.inf], [-np.inf, 0.0, 0.5, 2.0]], np.float32)
    p = distribution(logits, **settings)
    assert (p[logits == -np.inf] == 0).all()
    rest = distribution(logits[0, [0, 2]], **settings)
    np.testing.assert_allclose(p[0, [0, 2]], rest, rtol=1e-6)
    drawn = next_token(np.repeat(logits, 500, axis=0), np.random.default_rng(0), **settings)
    assert set(drawn[:500]) <= {0, 2}
    assert set(drawn[500:]) <= {1, 2, 3}


@pytest.mark.parametrize("logits", [[-np.inf] * 3, [[0, 1], [-np.inf] * 2], [0, np.inf], -np.inf])
def test_one_token_must_be_able_to_come(logits):
    with pytest.raises(ValueError, match="logits must be finite"):
        distribution(logits)


@pytest.mark.parametrize("wrong", [None, "1", [0.5], np.array([1.0, 2.0]), True], ids=repr)
def test_temperature_and_top_p_are_numbers(wrong):
    with pytest.raises(TypeError, match=r"^temperature must be a number, got "):
        distribution([0.0, 1.0], wrong)
    if wrong is not None:
        with pytest.raises(TypeError, match=r"^top_p must be a number, got "):
            distribution([0.0, 1.0], top_p=wrong)


@pytest.mark.parametrize("wrong", [0, None, np.random, "seed"], ids=repr)
def test_rng_is_a_generator(wrong):
    with pytest.raises(TypeError, match=r"^rng must be a generator, got .*default_rng"):
        next_token([1.0, 2.0], wrong)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_numbers_of_numpy_are_settings_as_others_and_float32_stays(kind):
    logits = np.log(P).astype(np.float32)
    given = distribution(logits, kind(2), np.int8(3), kind(1))
    assert given.dtype == np.float32
    assert np.array_equal(given, distribution(logits, 2, 3, 1))


def test_a_masked_logit_is_not_used():
    with pytest.raises(TypeError, match="logits is masked at index 1"):
        distribution(np.ma.masked_array([1.0, 2.0], mask=[False, True]))
