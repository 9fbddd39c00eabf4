"""The remedies' layers against a plain loop, finite differences, and what they promise."""

import numpy as np
import pytest

from rnnbook.nn import layers
from rnnbook.nn.gradients import check, step_jacobians
from rnnbook.nn.remedies import NormalizedRNN, SkipRNN

MADE = {
    "layer": lambda **o: NormalizedRNN(3, 4, 0, dtype="float64", **o),
    "batch": lambda **o: NormalizedRNN(3, 4, 0, over="batch", dtype="float64", **o),
    "skip 2": lambda **o: SkipRNN(3, 4, 0, skip=2, dtype="float64", **o),
    "skip 5": lambda **o: SkipRNN(3, 4, 0, skip=5, dtype="float64", **o),
}
each = pytest.mark.parametrize("kind", MADE)


def made(kind):
    """Return a layer with weights, biases and gains away from their first values."""
    layer, rng = MADE[kind](), np.random.default_rng(1)
    for array in layer.parameters.values():
        array += rng.normal(size=array.shape) / 2
    return layer


def by_loop(layer, x, h_0):
    """Return the states as the equations say, one step after the other."""
    p, states = layer.parameters, [h_0]
    for t in range(x.shape[1]):
        a = x[:, t] @ p["W_x"].T + states[-1] @ p["W_h"].T
        if "gain" in p:
            axis = 1 - layer.axis  # here examples are rows
            a = (a - a.mean(axis, keepdims=True)) / np.sqrt(a.var(axis, keepdims=True) + 1e-5)
            a = p["gain"] * a
        elif t + 1 >= layer.skip:
            a = a + states[t + 1 - layer.skip] @ p["W_skip"].T
        states.append(np.tanh(a + p["b"]))
    return np.stack(states[1:], axis=1)


def problem(T=9, B=5):
    rng = np.random.default_rng(2)
    sizes = (B, T, 3), (B, 4), (B, T, 4), (B, 4)
    return [rng.normal(size=size) for size in sizes]


@each
def test_states_are_those_of_a_plain_loop(kind):
    layer, (x, h_0, *_) = made(kind), problem()
    h, last = layer.forward(x, h_0)
    np.testing.assert_allclose(h, by_loop(layer, x, h_0), atol=1e-12)
    np.testing.assert_array_equal(last, h[:, -1])


@each
@pytest.mark.parametrize("masked", [False, True], ids=["all steps", "masked"])
@pytest.mark.parametrize("T", [1, 2, 9])
def test_gradients_are_those_of_finite_differences(kind, T, masked):
    layer, (x, h_0, dh, dlast) = made(kind), problem(T)
    mask = np.random.default_rng(3).random(x.shape[:2]) < 0.6 if masked else None

    def loss():
        h, last = layer.forward(x, h_0, mask)
        return (h * dh).sum() + (last * dlast).sum()

    loss()
    dx, dfirst = layer.backward(dh, dlast)
    gradients = layer.gradients | {"x": dx, "h_0": dfirst}
    errors = check(loss, layer.parameters | {"x": x, "h_0": h_0}, gradients)
    assert max(errors.values()) < 1e-6, errors


@each
def test_gradients_do_not_depend_on_the_batch_before(kind):
    layer, (x, h_0, dh, _) = made(kind), problem()
    for _ in range(2):
        layer.forward(x, h_0)
        layer.backward(dh)
        first = {name: g.copy() for name, g in layer.gradients.items()}
        layer.forward(x[:, :4])
        layer.backward(dh[:, :4])
    layer.forward(x, h_0)
    layer.backward(dh)
    for name, g in layer.gradients.items():
        np.testing.assert_array_equal(g, first[name])


def test_layer_normalization_does_not_see_the_scale_or_a_shift_of_its_weights():
    x, h_0, *_ = problem()
    layer = made("layer")
    before = layer.forward(x, h_0)[0]
    for name in ("W_x", "W_h"):
        layer.parameters[name] *= 100
        layer.parameters[name] += 3  # the same for all units
    np.testing.assert_allclose(layer.forward(x, h_0)[0], before, atol=1e-3)  # epsilon is seen


def test_batch_normalization_couples_the_examples_and_layer_normalization_does_not():
    x, h_0, *_ = problem()
    other = x.copy()
    other[0] += 1
    for kind, same in (("layer", True), ("batch", False)):
        a, b = (made(kind).forward(z, h_0)[0][1:] for z in (x, other))
        assert np.array_equal(a, b) == same


def test_one_long_step_replaces_many():
    """With W_hh = 0, a state reaches exactly every skip-th later one."""
    layer = MADE["skip 5"]()
    layer.parameters["W_h"][:] = 0
    h, _ = layer.forward(np.zeros((1, 20, 3)), np.ones((1, 4)))
    assert (np.flatnonzero(abs(h[0]).sum(axis=1)) + 1).tolist() == [5, 10, 15, 20]


def test_before_the_first_skip_it_is_the_simple_layer():
    skip, plain, (x, h_0, *_) = made("skip 5"), layers.RNN(3, 4, 0, dtype="float64"), problem(4)
    for name, array in plain.parameters.items():
        array[:] = skip.parameters[name]
    np.testing.assert_allclose(skip.forward(x, h_0)[0], plain.forward(x, h_0)[0], atol=1e-12)


def test_at_first_the_two_paths_together_keep_lengths():
    layer = SkipRNN(2, 30, 7, skip=3, dtype="float64")
    for name in ("W_h", "W_skip"):
        W = layer.parameters[name]
        np.testing.assert_allclose(W @ W.T, np.eye(30) / 2, atol=1e-12)
    assert abs(layer.parameters["W_h"] - layer.parameters["W_skip"]).max() > 0.1


def test_the_normalized_step_has_the_jacobian_that_the_engine_measures():
    layer, (x, h_0, *_) = made("layer"), problem(1, 1)
    (jacobian,) = step_jacobians(layer, x[0], h_0[0])
    a = layer.parameters["W_x"] @ x[0, 0] + layer.parameters["W_h"] @ h_0[0]
    s, n = np.sqrt(a.var() + 1e-5), (a - a.mean()) / np.sqrt(a.var() + 1e-5)
    norm = (np.eye(4) - 1 / 4 - np.outer(n, n) / 4) / s
    z = layer.parameters["gain"] * n + layer.parameters["b"]
    left = ((1 - np.tanh(z) ** 2) * layer.parameters["gain"])[:, None]
    np.testing.assert_allclose(jacobian, left * norm @ layer.parameters["W_h"], atol=1e-10)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: NormalizedRNN(2, 3, 0, over="time"),
            "over must be 'units' or 'batch', got 'time'",
        ),
        (lambda: SkipRNN(2, 3, 0, skip=1), "skip must be at least 2, got 1"),
    ],
)
def test_a_wrong_option_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@each
def test_a_weight_that_is_not_finite_is_named(kind):
    layer, (x, *_) = made(kind), problem()
    name = sorted(layer.weights)[0]  # the gain, or the skipping weights
    layer.weights[name].flat[1] = np.nan
    with pytest.raises(ValueError, match=name):
        layer.forward(x)
