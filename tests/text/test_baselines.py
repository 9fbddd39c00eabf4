"""The counting models: what they give is what a plain count gives, and adds up to one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbook.nn import losses
from rnnbook.text.ngram import NGram

settings.register_profile("course", deadline=None, derandomize=True)
settings.load_profile("course")

V = 3
IDS = st.lists(st.integers(0, V - 1), min_size=5, max_size=30)


def brute_force(ids, context, token, order):
    """Return p(token | context) by the recursion of Witten and Bell, counted in plain loops."""
    if order == 0:
        return 1 / V
    c = tuple(context[len(context) - order + 1 :])
    grams = [tuple(ids[i : i + order]) for i in range(len(ids) - order + 1)]
    after = Counter(g[-1] for g in grams if g[:-1] == c)
    shorter = brute_force(ids, context, token, order - 1)
    if not after or len(c) < order - 1:
        return shorter
    return (after[token] + len(after) * shorter) / (after.total() + len(after))


@given(IDS, IDS, st.integers(0, 5))
def test_probabilities_are_those_of_a_plain_count(train, held_out, order):
    model = NGram(train, order, V)
    p = np.exp(model.log_probabilities(held_out))
    expected = [
        brute_force(train, held_out[max(0, i - order + 1) : i], token, min(order, i + 1))
        for i, token in enumerate(held_out)
    ]
    np.testing.assert_allclose(p, expected, rtol=1e-12)


@given(IDS, IDS, st.integers(0, 5))
def test_the_distribution_after_a_context_sums_to_one_and_holds_each_token(train, context, order):
    model = NGram(train, order, V)
    for end in range(len(context)):
        p = model.next_probabilities(context[:end])
        assert p.shape == (V,)
        assert p.min() > 0
        assert p.sum() == pytest.approx(1, abs=1e-12)
        log_p = model.log_probabilities(context[: end + 1])[-1]
        assert np.log(p[context[end]]) == pytest.approx(log_p, abs=1e-12)


def test_a_bigram_by_hand():
    # a b a c a b, V = 4. After a: b twice, c once, so N = 3, T = 2.
    # Alone: a 3, b 2, c 1 of N = 6, T = 3; d never occurs.
    model = NGram([0, 1, 0, 2, 0, 1], 2, 4)
    alone = (np.array([3, 2, 1, 0]) + 3 / 4) / 9
    after_a = (np.array([0, 2, 1, 0]) + 2 * alone) / 5
    np.testing.assert_allclose(model.next_probabilities([]), alone)
    np.testing.assert_allclose(model.next_probabilities([3, 0]), after_a)
    np.testing.assert_allclose(model.next_probabilities([3]), alone)  # d was never followed
    expected = np.log([alone[3], alone[0], after_a[1]])
    np.testing.assert_allclose(model.log_probabilities([3, 0, 1]), expected)


def test_uniform_and_unigram_have_a_closed_form():
    ids = np.array([0, 0, 0, 1])
    uniform = NGram(ids, 0, 8).log_probabilities([7, 1, 0])
    np.testing.assert_allclose(uniform, -np.log(8))
    assert losses.bits_per_token(uniform) == pytest.approx(3)
    assert losses.perplexity(uniform) == pytest.approx(8)
    unigram = NGram(ids, 1, 8)
    np.testing.assert_allclose(
        unigram.next_probabilities([5, 5]), [3.25 / 6, 1.25 / 6, *[1 / 24] * 6]
    )
    assert NGram([0, 0], 2, 1).log_probabilities([0, 0, 0]).tolist() == [0, 0, 0]


def test_a_context_seen_only_at_the_end_passes_on():
    ids = [0, 1, 0, 1, 2]
    model = NGram(ids, 3, V)
    np.testing.assert_allclose(model.next_probabilities([1, 2]), model.next_probabilities([]))
    np.testing.assert_allclose(
        model.log_probabilities([1, 2, 0])[2], model.log_probabilities([0])[0]
    )


def test_more_context_helps_where_the_text_has_it_and_not_where_it_has_none():
    rng = np.random.default_rng(0)
    noise, cycle = rng.integers(0, 3, 4000), np.tile([0, 1, 0, 2], 1000)

    def nats(ids, order):
        return -NGram(ids[:3000], order, V).log_probabilities(ids[3000:]).mean()

    assert nats(cycle, 1) == pytest.approx(1.5 * np.log(2), rel=1e-3)
    assert nats(cycle, 2) == pytest.approx(0.5 * np.log(2), rel=1e-2)
    assert nats(cycle, 3) < 0.02
    assert nats(noise, 6) > nats(noise, 2) > nats(noise, 1) - 1e-4 > np.log(3) - 1e-2


def test_samples_follow_the_distribution_the_context_and_the_seed():
    model = NGram(np.tile([0, 1, 0, 2], 500), 3, V)
    drawn = model.sample(4000, seed=1)
    assert drawn.shape == (4000,)
    again, other = (model.sample(500, seed=seed).tolist() for seed in (1, 2))
    assert drawn[:500].tolist() == again != other
    assert np.bincount(drawn) / 4000 == pytest.approx([0.5, 0.25, 0.25], abs=0.01)
    firsts = [model.sample(1, [0, 1, 0], seed) for seed in range(100)]
    assert np.mean(np.array(firsts) == [2]) > 0.95
    flat = NGram([0], 0, V).sample(3000, seed=0)
    assert np.bincount(flat) / 3000 == pytest.approx([1 / 3] * 3, abs=0.04)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NGram([], 1, V), ValueError, "at least 1 tokens, got 0"),
        (lambda: NGram([], 0, V), ValueError, "at least 1 tokens, got 0"),
        (lambda: NGram([0, 1], 3, V), ValueError, "at least 3 tokens, got 2"),
        (lambda: NGram([0, 3], 1, V), ValueError, "from 0 to V - 1 = 2, got 3 at index 1"),
        (lambda: NGram([0], -1, V), ValueError, "order must be at least 0, got -1"),
        (lambda: NGram([0], 1, 0), ValueError, "V must be at least 1, got 0"),
        (lambda: NGram("games", 1, V), TypeError, "ids must be whole numbers"),
        (lambda: NGram([0], 1, V).log_probabilities([-1]), ValueError, "got -1 at index 0"),
        (lambda: NGram([0], 1, V).next_probabilities(["a"]), TypeError, "encode a text first"),
        (lambda: NGram([0], 1, V).sample(0), ValueError, "n must be at least 1, got 0"),
        (lambda: NGram([0], 1, V).sample(1, [3]), ValueError, "got 3 at index 0"),
    ],
)
def test_bad_input_is_refused_and_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_empty_text_has_no_log_probabilities():
    for order in range(3):
        assert NGram([0, 1], order, V).log_probabilities([]).shape == (0,)


def test_a_vocabulary_beyond_64_bits_is_refused():
    with pytest.raises(ValueError, match=r"^V must be at most \d+ for such a text, got 2305843009"):
        NGram([0, 1, 2, 3, 0, 1, 2, 0, 1, 3, 2, 1], 3, 2**61)


def test_what_the_caller_does_to_the_ids_afterwards_changes_no_model():
    ids = np.array([0, 1, 0, 2, 0, 1])
    model = NGram(ids, 2, V)
    before = model.next_probabilities([0])
    ids[:] = 2
    assert np.array_equal(model.next_probabilities([0]), before)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint64", ">i4"])
def test_counts_do_not_depend_on_the_integer_type(dtype):
    ids = np.arange(120) % 100
    model, wanted = NGram(ids.astype(dtype), 3, 120), NGram(ids, 3, 120)
    given = ids[:30].astype(dtype)
    assert np.array_equal(model.log_probabilities(given), wanted.log_probabilities(ids[:30]))
    assert np.array_equal(model.next_probabilities(given), wanted.next_probabilities(ids[:30]))
    assert model.sample(5, given, 1).tolist() == wanted.sample(5, ids[:30], 1).tolist()


def test_sample_reads_the_whole_context_that_its_order_reaches():
    ids = np.tile([0, 1, 2, 0, 2, 1], 300)  # after 0 1 comes 2, after 2 1 comes 0
    model = NGram(ids, 3, V)
    for context, wanted in (([0, 1], 2), ([2, 1], 0)):
        drawn = [model.sample(1, context, seed)[0] for seed in range(50)]
        assert np.mean(np.array(drawn) == wanted) > 0.9
