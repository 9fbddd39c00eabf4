"""Gradients: the check against known derivatives and planted mistakes; the flow through time."""

import inspect

import numpy as np
import pytest
from engine import LAYERS, made, problem, steps

from rnnbook.nn import cells, layers
from rnnbook.nn.gradients import (
    check,
    finite_differences,
    flow,
    influence,
    relative_errors,
    step_jacobians,
)
from rnnbook.text.language_model import LanguageModel

each_layer = pytest.mark.parametrize("kind", LAYERS)


# Finite differences.


def test_finite_differences_of_known_derivatives():
    rng = np.random.default_rng(0)
    arrays = {"A": rng.normal(size=(3, 3)), "v": rng.normal(size=3), "s": np.array(0.7)}
    A, v, s = arrays.values()
    gradients = finite_differences(lambda: v @ A @ v + np.sin(s), arrays)
    wanted = {"A": np.outer(v, v), "v": (A + A.T) @ v, "s": np.cos(s)}
    for name, array in wanted.items():
        np.testing.assert_allclose(gradients[name], array, rtol=0, atol=1e-9)


@pytest.mark.parametrize("step", [0.5, 0.1])
def test_the_error_of_central_differences_is_of_second_order(step):
    # ((x + s)^3 - (x - s)^3) / 2s is 3 x^2 + s^2.
    x = np.array([2.0, -1.0])
    gradient = finite_differences(lambda: (x**3).sum(), {"x": x}, step)["x"]
    np.testing.assert_allclose(gradient, 3 * x**2 + step**2, rtol=0, atol=1e-12)
    error = check(lambda: (x**3).sum(), {"x": x}, {"x": 3 * x**2}, step)["x"]
    assert error == pytest.approx(step**2 / (12 + step**2))


def test_views_are_changed_where_they_lie():
    whole = np.arange(12.0).reshape(3, 4)
    gradient = finite_differences(lambda: (whole**2).sum(), {"part": whole[::2, 1:].T})["part"]
    np.testing.assert_allclose(gradient, 2 * whole[::2, 1:].T, rtol=1e-9)


def test_arrays_are_put_back_to_the_last_bit_also_after_an_error():
    x = 1e-7 * np.random.default_rng(0).normal(size=(4, 3))  # x - 1e-5 + 1e-5 is not x
    kept, calls = x.copy(), []

    def loss():
        calls.append(x.copy())
        if len(calls) == 12:
            raise ZeroDivisionError
        return (x**2).sum()

    with pytest.raises(ZeroDivisionError):
        finite_differences(loss, {"x": x})
    assert np.array_equal(x, kept)
    finite_differences(loss, {"x": x})
    assert np.array_equal(x, kept)
    assert {(call != kept).sum() for call in calls} == {1}


@pytest.mark.parametrize(
    ("array", "given"),
    [
        (np.ones(2, np.float32), "float32"),
        (np.arange(2), "int64"),
        ([1.0, 2.0], "list"),
        (1.0, "float"),
    ],
)
def test_only_float64_is_precise_enough(array, given):
    with pytest.raises(TypeError, match=f"^W must be an array of float64, got {given} .*dtype="):
        finite_differences(lambda: 0.0, {"W": array})


@pytest.mark.parametrize("step", [0, -1e-5, np.nan])
def test_the_step_is_positive(step):
    with pytest.raises(ValueError, match=f"^step must be > 0, got {step} "):
        finite_differences(lambda: 0.0, {"W": np.ones(1)}, step)


# Relative errors.


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        ([1.0, -4.0], [1.0, -2.0], 0.5),
        ([1e-30, -4e-30], [1e-30, -2e-30], 0.5),
        ([0.0, 1000.0], [1.0, 1000.0], 0.001),
        ([3.0, 1.0], [-3.0, 1.0], 2.0),
        ([0.0, 0.0], [0.0, 5.0], 1.0),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        (2, 2.0, 0.0),
    ],
)
def test_relative_errors_by_hand(a, b, error):
    assert relative_errors({"W": a, "b": [1]}, {"b": [1], "W": b}) == {"W": error, "b": 0}
    assert relative_errors({"W": b}, {"W": a}) == {"W": error}


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"b": [1.0]}, "names must be W; got b"),
        ({"W": [1.0, 2.0]}, r"W must have shape \(1,\), got \(2,\)"),
        ({"W": [[1.0]]}, r"W must have shape \(1,\), got \(1, 1\)"),
        ({"W": [np.nan]}, "W must be finite, got nan"),
    ],
)
def test_gradients_that_cannot_be_compared(others, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        relative_errors({"W": [1.0]}, others)


def test_an_empty_gradient_is_refused():
    with pytest.raises(ValueError, match=r"^W must hold at least one number, got shape \(0, 3\)"):
        relative_errors({"W": np.ones((0, 3))}, {"W": np.ones((0, 3))})


# The check, and mistakes planted in a backward pass.


def bptt(x, h_0, W_xh, W_hh, b_h, dh):
    """Return the gradients of a tanh RNN, given those with respect to its states h_1 to h_T."""
    h = np.concatenate([h_0[:, None], cells.rnn(x, W_xh, W_hh, b_h, h_0)], axis=1)
    dW_xh, dW_hh, db_h = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(b_h)
    dx, carried = np.zeros_like(x), np.zeros_like(h_0)
    for t in reversed(range(x.shape[1])):
        total = dh[:, t] + carried
        da = total * (1 - h[:, t + 1] ** 2)
        dW_xh += da.T @ x[:, t]
        dW_hh += da.T @ h[:, t]
        db_h += da.sum(axis=0)
        dx[:, t] = da @ W_xh
        carried = da @ W_hh
    return {"x": dx, "h_0": carried, "W_xh": dW_xh, "W_hh": dW_hh, "b_h": db_h}


ALL = "x h_0 W_xh W_hh b_h"
PRE_ACTIVATION = "x[:, t] @ W_xh.T + h[:, t] @ W_hh.T + b_h"
# The right words, the wrong ones, and the gradients that they spoil.
MISTAKES = {
    "W_hh is transposed": ("da @ W_hh", "da @ W_hh.T", ALL),
    "W_xh is transposed": ("da @ W_xh", "da @ W_xh.T", "x"),
    "dW_hh is transposed": ("da.T @ h[:, t]", "h[:, t].T @ da", "W_hh"),
    "the first step is left out": ("range(x.", "range(1, x.", ALL),
    "the slope at the pre-activation": ("1 - h[:, t + 1]", f"1 - ({PRE_ACTIVATION})", ALL),
    "the slope is left out": ("(1 - h[:, t + 1] ** 2)", "1", ALL),
    "the slope misses what is carried": ("total * (", "carried + dh[:, t] * (", ALL),
    "the mean over the batch, not the sum": ("da.sum(axis=0)", "da.mean(axis=0)", "b_h"),
    "one example, not the batch": ("da.T @ x[:, t]", "da[:1].T @ x[:1, t]", "W_xh"),
    "the bias hears one step": ("db_h += ", "db_h = ", "b_h"),
    "nothing is carried on": ("dh[:, t] + carried", "dh[:, t]", ALL),
    "carried on with the wrong sign": ("dh[:, t] + carried", "dh[:, t] - carried", ALL),
    "the state after the step, not before": ("da.T @ h[:, t]", "da.T @ h[:, t + 1]", "W_hh"),
    "the input's gradient with W_hh": ("da @ W_xh", "da @ W_hh", "x"),
    "divided by T": ('"W_xh": dW_xh', '"W_xh": dW_xh / x.shape[1]', "W_xh"),
    "the first state is left out": ("da.T @ h[:, t]", "(t > 0) * da.T @ h[:, t]", "W_hh"),
}


def wrong_bptt(mistake):
    """Return ``bptt`` with one mistake in it."""
    source = inspect.getsource(bptt)
    right, wrong, _ = MISTAKES[mistake]
    assert source.count(right) == 1
    space = {"np": np, "cells": cells}
    exec(source.replace(right, wrong), space)
    return space["bptt"]


def errors_of(backward, B=2, T=4, zero=()):
    """Return what the check says of a backward pass; D = H, so that no shape betrays it."""
    rng = np.random.default_rng(0)
    shapes = {"x": (B, T, 3), "h_0": (B, 3), "W_xh": (3, 3), "W_hh": (3, 3), "b_h": (3,)}
    arrays = {n: (n not in zero) * rng.normal(0, 0.4, shape) for n, shape in shapes.items()}
    dh = rng.normal(size=(B, T, 3))

    def loss():
        x, h_0, *weights = arrays.values()
        return (cells.rnn(x, *weights, h_0) * dh).sum()

    return check(loss, arrays, backward(**arrays, dh=dh))


def test_the_check_passes_the_right_gradients():
    assert max(errors_of(bptt).values()) < 1e-9


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_check_catches_each_mistake_and_says_where_it_shows(mistake):
    errors = errors_of(wrong_bptt(mistake))
    wrong = {name: error for name, error in errors.items() if error > 1e-9}
    assert wrong.keys() == set(MISTAKES[mistake][2].split())
    assert min(wrong.values()) > 1e-2


@pytest.mark.parametrize(
    ("mistake", "problem"),
    [
        ("the mean over the batch, not the sum", {"B": 1}),
        ("one example, not the batch", {"B": 1}),
        ("divided by T", {"T": 1}),
        ("the bias hears one step", {"T": 1}),
        ("nothing is carried on", {"T": 1}),
        ("nothing is carried on", {"zero": ["W_hh"]}),
        ("W_hh is transposed", {"zero": ["W_hh"]}),
        ("the first state is left out", {"zero": ["h_0"]}),
    ],
    ids=str,
)
def test_a_problem_that_is_too_easy_hides_a_mistake(mistake, problem):
    assert max(errors_of(wrong_bptt(mistake), **problem).values()) < 1e-9


# The Jacobian of each step.


@pytest.mark.parametrize("activation", ["tanh", "relu", "identity"])
def test_the_jacobian_of_the_simple_layer_is_its_formula(activation):
    layer = made(activation, 2, 4)
    x, state, *_ = problem(layer, 1, 6)
    W_xh, W_hh, b_h = layer.weights.values()
    h = cells.rnn(x, W_xh, W_hh, b_h, state, activation)[0]
    slope = {"tanh": 1 - h**2, "relu": h > 0, "identity": np.ones_like(h)}[activation]
    wanted = np.stack([np.diag(s) @ W_hh for s in slope])
    np.testing.assert_allclose(step_jacobians(layer, x[0], state[0]), wanted, rtol=0, atol=1e-14)


@each_layer
def test_the_jacobians_are_those_of_finite_differences_of_the_cells(kind):
    layer = made(kind, 2, 3)
    x, state, *_ = problem(layer, 1, 4)
    jacobians, s = step_jacobians(layer, x[0], state[..., 0, :]), state.reshape(-1, 1, layer.H)
    assert jacobians.shape == (4, s.size, s.size)
    (step, _), moves = steps(layer), 1e-5 * np.eye(s.size).reshape(-1, *s.shape)
    for x_t, jacobian in zip(x[0, :, None], jacobians, strict=True):
        slopes = [(step(x_t, s + move) - step(x_t, s - move)).ravel() / 2e-5 for move in moves]
        np.testing.assert_allclose(jacobian.T, slopes, rtol=0, atol=1e-9)
        s = step(x_t, s)


@each_layer
def test_the_product_of_the_jacobians_is_the_gradient_through_all_steps(kind):
    layer = made(kind, 2, 3)
    x, state, _, _, dstate = problem(layer, 1, 5)
    layer.forward(x, state)
    _, dfirst = layer.backward(np.zeros((1, 5, 3)), dstate)
    product = np.linalg.multi_dot(step_jacobians(layer, x[0], state[..., 0, :])[::-1])
    np.testing.assert_allclose(dstate.ravel() @ product, dfirst.ravel(), rtol=0, atol=1e-13)


@each_layer
def test_the_first_state_is_zero_unless_given(kind):
    layer = made(kind, 2, 3)
    x, state, *_ = problem(layer, 1, 4)
    zero, state = np.zeros_like(state[..., 0, :]), state[..., 0, :]
    jacobians = step_jacobians(layer, x[0])
    assert np.array_equal(jacobians, step_jacobians(layer, x[0], zero))
    if kind != "identity":  # the linear layer's are the same from any state
        assert not np.array_equal(jacobians, step_jacobians(layer, x[0], state))


@each_layer
def test_ids_stand_for_one_hot_vectors_and_float32_stays(kind):
    layer, ids = made(kind, 3, 4, "float32"), [2, 0, 1, 1]
    jacobians = step_jacobians(layer, ids)
    assert jacobians.dtype == np.float32
    np.testing.assert_allclose(jacobians, step_jacobians(layer, np.eye(3)[ids]), atol=1e-6)


@pytest.mark.parametrize(
    ("x", "state", "words"),
    [
        (np.ones((1, 4, 2)), None, r"x must have shape \(T, D=2\)"),
        (np.ones((4, 3)), None, "x must have shape .* D must be 2, not 3"),
        (np.ones((0, 2)), None, "x must have shape .* T must be at least 1"),
        ([[np.nan, 0]], None, "x must be finite"),
        ([0, 2], None, "ids must be from 0 to 1, got 2"),
        (np.ones((4, 2)), np.ones(3), r"state must have shape \(S=2, H=3\)"),
        (np.ones((4, 2)), np.ones((3, 2)), "state must have shape .* S must be 2, not 3"),
        (np.ones((4, 2)), np.ones((2, 1, 3)), r"state must have shape \(S=2, H=3\)"),
    ],
)
def test_a_sequence_or_state_that_does_not_fit(x, state, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        step_jacobians(layers.LSTM(2, 3, 0), x, state)


# The flow through many steps.


def test_flow_is_the_norm_of_the_products_from_the_end():
    jacobians = np.random.default_rng(0).normal(size=(6, 4, 4))
    product, wanted = np.eye(4), []
    for jacobian in jacobians[::-1]:
        product = product @ jacobian
        wanted.append(np.log10(np.sqrt(np.linalg.eigvalsh(product.T @ product).max())))
    np.testing.assert_allclose(flow(jacobians), wanted, rtol=0, atol=1e-12)


def test_flow_through_a_rotation_scales_at_each_step():
    rotation = np.array([[0.6, -0.8], [0.8, 0.6]])
    for scale in (0.9, 1, 1.1):
        wanted = np.arange(1, 101) * np.log10(scale)
        logs = flow(np.repeat(scale * rotation[None], 100, axis=0))
        np.testing.assert_allclose(logs, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_nothing_overflows_in_10_000_steps(scale):
    jacobians = np.tile(scale * np.eye(2), (10_000, 1, 1)).astype("float32")
    with np.errstate(all="raise"):
        logs = flow(jacobians)
    np.testing.assert_allclose(logs, np.log10(scale) * np.arange(1, 10_001), rtol=1e-7)


def test_flow_stops_where_the_product_is_zero():
    jacobians = np.tile(10 * np.eye(2), (5, 1, 1))
    jacobians[2] = 0
    with np.errstate(all="raise"):
        logs = flow(jacobians)
    np.testing.assert_allclose(logs, [1, 2, -np.inf, -np.inf, -np.inf])


@pytest.mark.parametrize("activation", ["tanh", "relu", "identity"])
def test_flow_stays_below_the_bound_of_pascanu(activation):
    layer = made(activation, 2, 5)
    x = problem(layer, 1, 30)[0][0]
    bound = np.arange(1, 31) * np.log10(np.linalg.norm(layer.weights["W_hh"], 2))
    logs = flow(step_jacobians(layer, x))
    assert (logs <= bound + 1e-12).all()
    assert logs[0] > bound[0] - 1


@pytest.mark.parametrize(
    ("jacobians", "words"),
    [
        (np.eye(2), r"jacobians must have shape \(T, S, S\), got \(2, 2\)"),
        (np.ones((3, 2, 4)), "jacobians must have shape .* S must be 2, not 4"),
        (np.ones((0, 2, 2)), "jacobians must have shape .* T must be at least 1"),
        (np.full((1, 2, 2), np.nan), "jacobians must be finite"),
    ],
)
def test_flow_needs_square_matrices(jacobians, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        flow(jacobians)


# Influence: what replacing one token does to the predictions.


class Bigram:
    """A model whose prediction depends on the last token alone: row x of a table of logits."""

    def __init__(self, V, seed=0):
        self.V, self.table = V, np.random.default_rng(seed).normal(size=(V, V))

    def forward(self, ids, state=None):
        """Return the logits, and a state that nothing is kept in."""
        return self.table[ids], np.zeros((len(ids), 1))


def divergence(p, q):
    return sum(a * np.log2(a / b) for a, b in zip(p, q, strict=True))


def test_influence_in_a_bigram_model_is_of_the_last_token_alone():
    model, ids, f = Bigram(4), np.array([2, 0, 0, 3, 1]), np.array([5.0, 1, 0, 2])
    moved = influence(model, ids, f)
    p = np.exp(model.table) / np.exp(model.table).sum(axis=1, keepdims=True)
    for t, x in enumerate(ids):
        others = [v for v in range(4) if v != x]
        wanted = sum(f[v] * divergence(p[x], p[v]) for v in others) / sum(f[v] for v in others)
        assert moved[t, t] == pytest.approx(wanted, rel=1e-12)
    assert (moved[~np.eye(5, dtype=bool)] == 0).all()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_influence_is_what_replacing_one_token_after_the_other_gives(cell):
    model = LanguageModel(5, 7, cell, embedding=3, seed=1, dtype="float64")
    for array in model.parameters.values():
        array += np.random.default_rng(2).normal(size=array.shape)
    before, ids, f = [4, 1], np.array([0, 3, 3, 1, 2, 4]), np.array([1.0, 2, 3, 4, 0])
    _, state = model.forward(np.array([before]))
    moved = influence(model, ids, f, state)
    for j in range(6):
        wanted = np.zeros(6)
        for v in set(range(5)) - {ids[j]}:
            changed = ids.copy()
            changed[j] = v
            for t in range(6):
                p = model.next_probabilities([*before, *ids[: t + 1]])
                q = model.next_probabilities([*before, *changed[: t + 1]])
                wanted[t] += f[v] / (f.sum() - f[ids[j]]) * divergence(p, q)
        np.testing.assert_allclose(moved[:, j], wanted, rtol=1e-9, atol=1e-13)
    assert (moved[np.triu_indices(6, 1)] == 0).all(), "a later token moved an earlier prediction"
    assert (moved[np.tril_indices(6)] > 0).all()


def test_a_model_that_does_not_listen_is_moved_by_nothing():
    model = LanguageModel(5, 7, "gru", seed=1, dtype="float64")
    model.parameters["dense/W_hy"][:] = 0
    assert (influence(model, [0, 3, 1, 2], np.ones(5)) == 0).all()


def test_influence_does_not_change_with_the_unit_of_the_frequencies():
    model, f = LanguageModel(4, 6, seed=3, dtype="float64"), np.array([3, 1, 2, 4])
    one, other = (influence(model, [1, 0, 2], k * f) for k in (1, 0.1))
    np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("f", [[1, 1, -1], [0, 0, 5], [0, 0, 0], [1, 1], [1, np.nan, 1]])
def test_influence_needs_frequencies_of_two_tokens(f):
    with pytest.raises(ValueError, match="frequencies must"):
        influence(LanguageModel(3, 2), [0, 1], f)
