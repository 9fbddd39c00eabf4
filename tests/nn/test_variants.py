"""The variants' layers: their equations, finite differences, and what they promise."""

import numpy as np
import pytest
from engine import LAYERS, REMEDIES, assert_is_reference, made, problem, run

from rnnbook.nn import layers
from rnnbook.nn.gradients import check, step_jacobians
from rnnbook.nn.variants import NormalizedRNN, SkipRNN

each = pytest.mark.parametrize("kind", REMEDIES)
each_mask = pytest.mark.parametrize("masked", [False, True], ids=["all steps", "masked"])


@each
@each_mask
@pytest.mark.parametrize("sizes", [(5, 9, 3, 4), (3, 1, 2, 3), (70, 20, 2, 3)], ids=str)
def test_a_layer_is_its_equations(kind, masked, sizes):
    B, T, D, H = sizes
    layer = made(kind, D, H)
    assert_is_reference(layer, *problem(layer, B, T, masked))


@each
@each_mask
@pytest.mark.parametrize("T", [1, 2, 9])
def test_gradients_are_those_of_finite_differences(kind, T, masked):
    layer = made(kind, 3, 4)
    x, state, mask, dh, dstate = problem(layer, 5, T, masked)

    def loss():
        h, last = layer.forward(x, state, mask)
        return (h * dh).sum() + (last * dstate).sum()

    arrays = {"dx": x, "dfirst": state} | layer.weights
    gradients = run(layer, x, state, mask, dh, dstate)
    errors = check(loss, arrays, {name: gradients[name] for name in arrays})
    assert max(errors.values()) < 1e-6, errors


@each
def test_gradients_do_not_depend_on_the_batch_before(kind):
    layer = made(kind, 3, 4)
    x, state, _, dh, _ = problem(layer, 5, 9)
    for _ in range(2):
        layer.forward(x, state)
        layer.backward(dh)
        first = {name: g.copy() for name, g in layer.gradients.items()}
        layer.forward(x[:, :4])
        layer.backward(dh[:, :4])
    layer.forward(x, state)
    layer.backward(dh)
    for name, g in layer.gradients.items():
        np.testing.assert_array_equal(g, first[name])


@pytest.mark.parametrize("kind", ["skip 2", "skip 5"])
def test_a_sequence_can_be_cut_where_its_states_are_carried_on(kind):
    layer = made(kind, 3, 4)
    x, state, *_ = problem(layer, 2, 9)
    whole, last = layer.forward(x, state)
    _, between = layer.forward(x[:, :4], state)
    rest, end = layer.forward(x[:, 4:], between)
    np.testing.assert_allclose(rest, whole[:, 4:], rtol=0, atol=1e-14)
    np.testing.assert_allclose(end, last, rtol=0, atol=1e-14)


def test_layer_normalization_does_not_see_the_scale_or_a_shift_of_its_weights():
    layer = made("layer norm", 3, 4)
    x, state, *_ = problem(layer, 5, 9)
    before = layer.forward(x, state)[0]
    for name in ("W_x", "W_h"):
        layer.parameters[name] *= 100
        layer.parameters[name] += 3  # the same for all units
    np.testing.assert_allclose(layer.forward(x, state)[0], before, atol=1e-3)  # epsilon is seen


def test_batch_normalization_couples_the_examples_and_layer_normalization_does_not():
    for kind, same in (("layer norm", True), ("batch norm", False)):
        layer = made(kind, 3, 4)
        x, state, *_ = problem(layer, 5, 9)
        other = x.copy()
        other[0] += 1
        a, b = (layer.forward(z, state)[0][1:] for z in (x, other))
        assert np.array_equal(a, b) == same


def test_one_long_step_replaces_many():
    """With W_hh = 0, a state reaches exactly every skip-th later one."""
    layer, first = made("skip 5", 3, 4), np.zeros((5, 1, 4))
    layer.parameters["W_h"][:] = layer.parameters["b"][:] = 0
    first[0] = 1
    h, _ = layer.forward(np.zeros((1, 20, 3)), first)
    assert (np.flatnonzero(abs(h[0]).sum(axis=1)) + 1).tolist() == [5, 10, 15, 20]


def test_before_the_first_skip_it_is_the_simple_layer():
    skip, plain = made("skip 5", 3, 4), layers.RNN(3, 4, dtype="float64")
    x = problem(plain, 5, 4)[0]
    for name, array in plain.parameters.items():
        array[:] = skip.parameters[name]
    np.testing.assert_allclose(skip.forward(x)[0], plain.forward(x)[0], atol=1e-12)


def test_at_first_the_two_paths_together_keep_lengths():
    layer = SkipRNN(2, 30, 7, skip=3, dtype="float64")
    for name in ("W_h", "W_skip"):
        W = layer.parameters[name]
        np.testing.assert_allclose(W @ W.T, np.eye(30) / 2, atol=1e-12)
    assert abs(layer.parameters["W_h"] - layer.parameters["W_skip"]).max() > 0.1


def test_the_normalized_step_has_the_jacobian_that_is_measured():
    layer = made("layer norm", 3, 4)
    x, state, *_ = problem(layer, 1, 1)
    (jacobian,) = step_jacobians(layer, x[0], state[0])
    a = layer.parameters["W_x"] @ x[0, 0] + layer.parameters["W_h"] @ state[0]
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
    layer = made(kind, 3, 4)
    name = sorted(layer.weights)[0]  # W_hh, or the skipping weights
    layer.weights[name].flat[1] = np.nan
    with pytest.raises(ValueError, match=name):
        layer.forward(problem(layer, 5, 9)[0])


def test_the_reset_gate_of_2014_hides_the_state_before_the_product():
    layer = made("reset before", 2, 3)
    x, state, *_ = problem(layer, 4, 1)
    layer.weights["b_z"][:] = layer.weights["b_r"][:] = -99
    h, _ = layer.forward(x, state)
    np.testing.assert_allclose(layer.forward(x, 5 * state)[0], h, atol=1e-12)


assert not set(LAYERS) & set(REMEDIES)
