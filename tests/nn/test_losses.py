"""Losses: against pencil, finite differences and PyTorch; and what they mean in bits."""

import math

import numpy as np
import pytest

from rnnbook.nn import losses


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def problem(shape, dtype=np.float64, scale=3.0, seed=0):
    """Return logits (..., V) and targets (...)."""
    rng = np.random.default_rng(seed)
    logits = (scale * rng.normal(size=shape)).astype(dtype)
    return logits, rng.integers(0, shape[-1], shape[:-1])


each_shape = pytest.mark.parametrize("shape", [(7, 5), (3, 4, 6), (1, 1, 2), (5, 1)], ids=str)


@each_shape
def test_cross_entropy_has_the_gradient_of_finite_differences(shape):
    logits, targets = problem(shape)
    loss, gradient = losses.cross_entropy(logits, targets)
    p = losses.softmax(logits)
    log_p = np.log(np.take_along_axis(p, targets[..., None], -1))[..., 0]
    assert loss == pytest.approx(-log_p.mean(), abs=1e-12)
    wanted = np.empty(shape)
    for i in np.ndindex(shape):
        step = np.zeros(shape)
        step[i] = 1e-5
        up, down = (losses.cross_entropy(logits + s, targets)[0] for s in (step, -step))
        wanted[i] = (up - down) / 2e-5
    np.testing.assert_allclose(gradient, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-14), ("float32", 1e-6)])
def test_cross_entropy_is_that_of_pytorch(torch, dtype, tolerance):
    logits, targets = problem((4, 9, 11), dtype)
    theirs = torch.tensor(logits, requires_grad=True)
    value = torch.nn.functional.cross_entropy(theirs.mT, torch.tensor(targets))
    value.backward()
    loss, gradient = losses.cross_entropy(logits, targets)
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient, theirs.grad.numpy(), rtol=0, atol=tolerance)
    assert loss == pytest.approx(value.item(), abs=tolerance)


def test_a_loss_by_hand():
    # Odds of 1 to 3: the probabilities are 1/4 and 3/4.
    logits = [[0.0, math.log(3)], [0.0, math.log(3)]]
    loss, gradient = losses.cross_entropy(logits, [1, 0])
    assert loss == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)
    np.testing.assert_allclose(gradient, [[1 / 8, -1 / 8], [-3 / 8, 3 / 8]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_logits_neither_overflow_nor_lose_their_loss(dtype):
    logits = np.array([[1e4, 0, -1e4], [0, 0, 1e30]], dtype)
    loss, gradient = losses.cross_entropy(logits, [1, 2])
    assert loss == pytest.approx(1e4 / 2)
    assert gradient.tolist() == [[0.5, -0.5, 0], [0, 0, 0]]
    assert losses.softmax(logits).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert losses.softmax(logits).dtype == dtype


def test_softmax_sums_to_one_and_ignores_a_constant():
    logits, _ = problem((3, 4, 6))
    p = losses.softmax(logits)
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-15)
    np.testing.assert_allclose(losses.softmax(logits + 100), p, rtol=1e-12)
    np.testing.assert_allclose(p, np.exp(logits) / np.exp(logits).sum(-1, keepdims=True))
    assert losses.softmax([0, 0]).tolist() == [0.5, 0.5]


def test_what_is_given_is_not_changed():
    logits, targets = problem((3, 4, 6))
    before = logits.copy(), targets.copy()
    losses.softmax(logits)
    losses.cross_entropy(logits, targets)
    losses.mean_squared_error(logits, logits + 1)
    for given, was in zip((logits, targets), before, strict=True):
        assert np.array_equal(given, was)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mean_squared_error(dtype):
    y, target = np.array([[1, 2], [3, 4]], dtype), np.array([[1, 0], [0, 0.0]])
    loss, gradient = losses.mean_squared_error(y, target)
    assert loss == (0 + 4 + 9 + 16) / 4
    assert gradient.tolist() == [[0, 1], [1.5, 2]]
    assert gradient.dtype == dtype


def test_bits_and_perplexity_of_a_uniform_model():
    log_p = np.full(7, -math.log(8))
    assert losses.bits_per_token(log_p) == pytest.approx(3)
    assert losses.perplexity(log_p) == pytest.approx(8)


def test_bits_per_character_compares_tokens_of_different_length():
    # A text of two words of four characters, each word one of 16: 4 bits a word, 1 a character.
    log_p = np.log([1 / 16, 1 / 16])
    assert losses.bits_per_token(log_p) == pytest.approx(4)
    assert losses.bits_per_character(log_p, 8) == pytest.approx(1)
    assert losses.bits_per_character(log_p, 2) == pytest.approx(losses.bits_per_token(log_p))


TWO = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: losses.softmax(1.0), ValueError, r"shape \(..., V\)"),
        (lambda: losses.softmax([]), ValueError, r"hold numbers, got \(0,\)"),
        (lambda: losses.softmax([np.nan]), ValueError, "must be finite, got nan"),
        (lambda: losses.cross_entropy(TWO, [0]), ValueError, r"got \(2, 3\) and \(1,\)"),
        (lambda: losses.cross_entropy(TWO, [0, 3]), ValueError, "from 0 to V - 1 = 2, got 3"),
        (lambda: losses.cross_entropy(TWO, [0, -1]), ValueError, "from 0 to V - 1 = 2, got -1"),
        (
            lambda: losses.cross_entropy(TWO, [0, 1.0]),
            TypeError,
            r"targets must be whole numbers, got dtype float64",
        ),
        (lambda: losses.cross_entropy(TWO * np.inf, [0, 1]), ValueError, "logits must be finite"),
        (lambda: losses.cross_entropy(TWO[:0], np.zeros(0, int)), ValueError, "not empty"),
        (lambda: losses.mean_squared_error([1], [1, 2]), ValueError, r"got \(1,\) and \(2,\)"),
        (lambda: losses.mean_squared_error([], []), ValueError, "not empty"),
        (lambda: losses.perplexity([0.5]), ValueError, r"at most 0, got 0.5 \(take np.log\)"),
        (lambda: losses.bits_per_token([]), ValueError, "n must be at least 1"),
        (lambda: losses.perplexity([-np.inf]), ValueError, "must be finite, got -inf"),
        (lambda: losses.bits_per_character([-1], 0), ValueError, "characters must be at least"),
    ],
)
def test_bad_input_is_refused_and_explained(call, error, message):
    with np.errstate(invalid="ignore"), pytest.raises(error, match=message):
        call()


MASKED = np.ma.masked_array([1, 0], mask=[False, True])


@pytest.mark.parametrize(
    "call",
    [
        lambda: losses.softmax(MASKED),
        lambda: losses.cross_entropy(np.zeros((2, 3)), MASKED),
        lambda: losses.cross_entropy(np.ma.masked_less(np.zeros((2, 3)), 1), [0, 1]),
        lambda: losses.mean_squared_error(MASKED, [1, 1]),
        lambda: losses.mean_squared_error([1, 1], MASKED),
        lambda: losses.bits_per_token(-MASKED),
        lambda: losses.perplexity(-MASKED),
        lambda: losses.bits_per_character(-MASKED, 2),
    ],
)
def test_a_masked_number_is_not_used(call):
    with pytest.raises(TypeError, match="is masked at index"):
        call()
    everything = np.ma.masked_array([1.0, 2.0], mask=False)  # nothing is hidden: numbers as others
    assert losses.mean_squared_error(everything, [1, 2])[0] == 0
