"""What the benchmark of the remedies adds: products normalized apart, and the soft constraint."""

import numpy as np
import pytest
from engine import problem, run

from benchmarks.remedies import NormalizedApart, off_length
from rnnbook.nn import layers
from rnnbook.nn.gradients import check


@pytest.fixture
def apart():
    layer = NormalizedApart(3, 4, dtype="float64")
    for seed, array in enumerate(layer.parameters.values()):
        array += np.random.default_rng(seed).normal(size=array.shape) / 2
    return layer


def test_both_products_are_normalized_over_the_batch(apart):
    x, state, *_ = problem(apart, 6, 1)
    weights, total = apart.weights, apart.weights["b_h"]
    products = x[:, 0] @ weights["W_xh"].T, state @ weights["W_hh"].T
    for gain, a in zip((weights["gain"], weights["gain_h"]), products, strict=True):
        total = total + gain * (a - a.mean(axis=0)) / np.sqrt(a.var(axis=0) + 1e-5)
    assert np.allclose(apart.forward(x, state)[0][:, 0], np.tanh(total))


@pytest.mark.parametrize("T", [1, 2, 9])
def test_the_gradients_are_those_of_finite_differences(apart, T):
    x, state, _, dh, dstate = problem(apart, 5, T)

    def loss():
        h, last = apart.forward(x, state)
        return (h * dh).sum() + (last * dstate).sum()

    arrays = {"dx": x, "dfirst": state} | apart.weights
    gradients = run(apart, x, state, None, dh, dstate)
    errors = check(loss, arrays, {name: gradients[name] for name in arrays})
    assert max(errors.values()) < 1e-6, errors


def test_a_step_that_keeps_lengths_costs_nothing():
    layer = layers.RNN(3, 4, dtype="float64")  # orthogonal, and at h = 0 the slope is 1
    total, slope = off_length(layer, np.zeros((2, 9, 4)), np.ones((2, 4)))
    assert total < 1e-24
    assert abs(slope).max() < 1e-12
    layer.parameters["W_h"] *= 1.5
    assert np.isclose(off_length(layer, np.zeros((2, 9, 4)), np.ones((2, 4)))[0], 8 * 0.5**2)


def test_of_one_step_the_constraint_has_the_gradient_of_finite_differences():
    layer = layers.RNN(3, 4, dtype="float64")
    x, _, _, dh, _ = problem(layer, 5, 2)
    h, _ = layer.forward(x)
    arrays = {"W_h": layer.parameters["W_h"]}
    gradients = {"W_h": off_length(layer, h, dh[:, -1])[1]}
    errors = check(lambda: off_length(layer, h, dh[:, -1])[0], arrays, gradients)
    assert errors["W_h"] < 1e-6
