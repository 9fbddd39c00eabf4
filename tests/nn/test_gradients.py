"""Gradients: the check against known derivatives and planted mistakes; the flow through time."""

import inspect

import numpy as np
import pytest
from engine import LAYERS, made, problem

from rnnbook.nn.gradients import (
    check,
    finite_differences,
    flow,
    step_jacobians,
)
from rnnbook.nn.layers import LSTM

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
    with pytest.raises(ValueError, match=f"^step must be .*, got {step}"):
        finite_differences(lambda: 0.0, {"W": np.ones(1)}, step)


# Relative errors.


def errors(given, wanted):
    """Check a gradient of a linear loss, whose true one is ``wanted``."""
    W = np.zeros(np.shape(wanted))
    return check(lambda: float((wanted * W).sum()), {"W": W}, {"W": given})


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
    assert errors(a, b) == {"W": pytest.approx(error, rel=1e-9, abs=1e-9)}
    assert errors(b, a) == errors(a, b)


@pytest.mark.parametrize(
    ("gradients", "words"),
    [
        ({"b": [1.0]}, "gradients must be of W; got b"),
        ({"W": [1.0, 2.0]}, r"W must have shape \(1,\), got \(2,\)"),
        ({"W": [[1.0]]}, r"W must have shape \(1,\), got \(1, 1\)"),
        ({"W": [np.nan]}, "W must be finite, got nan"),
    ],
)
def test_gradients_that_cannot_be_compared(gradients, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        check(lambda: 0.0, {"W": np.ones(1)}, gradients)


# The check, and mistakes planted in a backward pass.


def states(x, h_0, W_xh, W_hh, b_h):
    """Return h_0 to h_T of a tanh RNN."""
    h = [h_0]
    for t in range(x.shape[1]):
        h.append(np.tanh(x[:, t] @ W_xh.T + h[t] @ W_hh.T + b_h))
    return np.stack(h, axis=1)


def bptt(x, h_0, W_xh, W_hh, b_h, dh):
    """Return the gradients of a tanh RNN, given those with respect to its states h_1 to h_T."""
    h = states(x, h_0, W_xh, W_hh, b_h)
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
    "the bias counts one step": ("db_h += ", "db_h = ", "b_h"),
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
    space = {"np": np, "states": states}
    exec(source.replace(right, wrong), space)
    return space["bptt"]


def errors_of(backward, B=2, T=4, zero=()):
    """Return what the check says of a backward pass; D = H, so that no shape betrays it."""
    rng = np.random.default_rng(0)
    shapes = {"x": (B, T, 3), "h_0": (B, 3), "W_xh": (3, 3), "W_hh": (3, 3), "b_h": (3,)}
    arrays = {n: (n not in zero) * rng.normal(0, 0.4, shape) for n, shape in shapes.items()}
    dh = rng.normal(size=(B, T, 3))

    def loss():
        return (states(*arrays.values())[:, 1:] * dh).sum()

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
        ("the bias counts one step", {"T": 1}),
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
    h, W_hh = layer.forward(x, state)[0][0], layer.weights["W_hh"]
    slope = {"tanh": 1 - h**2, "relu": h > 0, "identity": np.ones_like(h)}[activation]
    wanted = np.stack([np.diag(s) @ W_hh for s in slope])
    np.testing.assert_allclose(step_jacobians(layer, x[0], state[0]), wanted, rtol=0, atol=1e-14)


@each_layer
def test_the_jacobians_are_those_of_finite_differences(kind):
    layer = made(kind, 2, 3)
    x, state, *_ = problem(layer, 1, 4)
    jacobians = step_jacobians(layer, x[0], state[..., 0, :])
    assert jacobians.shape == (4, state.size, state.size)
    moves = 1e-5 * np.eye(state.size).reshape(-1, *state.shape)

    def step(x_t, state):
        return layer.forward(x_t[None, None], state)[1]

    for x_t, jacobian in zip(x[0], jacobians, strict=True):
        slopes = [(step(x_t, state + m) - step(x_t, state - m)).ravel() / 2e-5 for m in moves]
        np.testing.assert_allclose(jacobian.T, slopes, rtol=0, atol=1e-9)
        state = step(x_t, state)


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
def test_whole_numbers_with_features_are_no_ids(kind):
    layer, x = made(kind, 3, 4), np.array([[2, 0, 1], [1, 1, 0]])
    assert np.array_equal(step_jacobians(layer, x), step_jacobians(layer, x.astype(float)))


def test_a_masked_number_is_not_used():
    for x in (np.ma.masked_equal([0, 1], 1), np.ma.masked_equal([[0.0, 1], [1, 0]], 1)):
        with pytest.raises(TypeError, match="masked at index"):
            step_jacobians(LSTM(2, 3), x)


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
        ([0, 2], None, "x must be from 0 to V - 1 = 1, got 2"),
        (np.ones((4, 2)), np.ones(3), r"state must have shape \(S=2, H=3\)"),
        (np.ones((4, 2)), np.ones((3, 2)), "state must have shape .* S must be 2, not 3"),
        (np.ones((4, 2)), np.ones((2, 1, 3)), r"state must have shape \(S=2, H=3\)"),
    ],
)
def test_a_sequence_or_state_that_does_not_fit(x, state, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        step_jacobians(LSTM(2, 3, seed=0), x, state)


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
