"""The cells: their backward steps against finite differences, and what their equations imply."""

import numpy as np
import pytest

from rnnbook.nn import cells, gated_cells
from rnnbook.nn.gated_cells import gru_gates, gru_step, gru_step_backward, lstm_gates, lstm_step
from rnnbook.nn.gradients import check

SIZES = [(1, 1, 1), (3, 2, 4), (2, 5, 3)]  # B, D, H
PEEPHOLES, SECOND = gated_cells.PEEPHOLES, gated_cells.SECOND_BIASES
each_size = pytest.mark.parametrize("sizes", SIZES, ids=str)
each_way = pytest.mark.parametrize("reset_after", [True, False])


def weights(D, H, gates, vectors=(), dtype="float64"):
    """Return weights of a cell, drawn from a normal distribution."""
    rng = np.random.default_rng(0)
    shapes = {f"W_x{g}": (H, D) for g in gates} | {f"W_h{g}": (H, H) for g in gates}
    shapes |= dict.fromkeys([f"b_{g}" for g in gates] + list(vectors), (H,))
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def arrays(seed=1, dtype="float64", **shapes):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def assert_derivatives(loss, given, gradients):
    """Hold gradients to central differences of the loss, array by array."""
    errors = check(loss, given, gradients)
    assert max(errors.values()) < 1e-7, errors


# The backward steps.


@each_size
@pytest.mark.parametrize("activation", ["tanh", "relu", "identity"])
def test_the_simple_backward_step_is_the_derivative(sizes, activation):
    B, D, H = sizes
    given = arrays(x_t=(B, D), h_prev=(B, H), W_xh=(H, D), W_hh=(H, H), b_h=(H,))
    given["b_h"] += 0.5  # so that some ReLU is on where there is only one
    dh = arrays(2, dh=(B, H))["dh"]
    sums = cells.rnn_step(**given, activation="identity")
    assert abs(sums).min() > 1e-3  # no kink of ReLU is within a finite difference

    def loss():
        return (cells.rnn_step(**given, activation=activation) * dh).sum()

    assert_derivatives(loss, given, cells.rnn_step_backward(dh, **given, activation=activation))


@each_size
@pytest.mark.parametrize("peepholes", [(), PEEPHOLES, ("p_o",)], ids=len)
def test_the_lstm_backward_step_is_the_derivative(sizes, peepholes):
    B, D, H = sizes
    w = weights(D, H, "ifco", peepholes)
    given = arrays(x_t=(B, D), h_prev=(B, H), c_prev=(B, H))
    dh, dc = arrays(2, dh=(B, H), dc=(B, H)).values()

    def loss():
        h_t, c_t = lstm_step(**given, weights=w)
        return (h_t * dh).sum() + (c_t * dc).sum()

    gradients = gated_cells.lstm_step_backward(dh, dc, **given, weights=w)
    assert_derivatives(loss, given | w, gradients)


@each_size
@each_way
@pytest.mark.parametrize("second", [(), SECOND, ("b_hh",)], ids=len)
def test_the_gru_backward_step_is_the_derivative(sizes, reset_after, second):
    B, D, H = sizes
    w, given = weights(D, H, "zrh", second), arrays(x_t=(B, D), h_prev=(B, H))
    dh = arrays(2, dh=(B, H))["dh"]

    def loss():
        return (gru_step(**given, weights=w, reset_after=reset_after) * dh).sum()

    gradients = gru_step_backward(dh, **given, weights=w, reset_after=reset_after)
    assert_derivatives(loss, given | w, gradients)


@pytest.mark.parametrize("activation", ["tanh", "relu", "identity"])
def test_the_backward_step_of_the_output_that_feeds_back_is_the_derivative(activation):
    B, D, H, V = 3, 2, 4, 5
    w = arrays(3, W_xh=(H, D), W_yh=(H, V), b_h=(H,), W_hy=(V, H), b_y=(V,))
    given, dy = arrays(x_t=(B, D), y_prev=(B, V)), arrays(2, dy=(B, V))["dy"]
    sums = given["x_t"] @ w["W_xh"].T + given["y_prev"] @ w["W_yh"].T + w["b_h"]
    assert abs(sums).min() > 1e-3

    def loss():
        return (
            cells.output_to_hidden_step(**given, weights=w, activation=activation)[0] * dy
        ).sum()

    gradients = cells.output_to_hidden_step_backward(dy, **given, weights=w, activation=activation)
    assert_derivatives(loss, given | w, gradients)


# What the equations imply, worked without them.


def test_an_lstm_step_worked_with_a_pencil():
    # σ(ln 3) = 3/4 and tanh(ln 2) = 3/5: with no weights but biases, every number is a fraction.
    w = {name: np.zeros_like(array) for name, array in weights(1, 1, "ifco").items()}
    w |= {"b_i": [np.log(3)], "b_f": [-np.log(3)], "b_c": [np.log(2)], "b_o": [np.log(3)]}
    i, f, c_tilde, c, o = (float(a[0, 0]) for a in lstm_gates([[9.0]], [[9.0]], [[2.0]], w))
    np.testing.assert_allclose([i, f, c_tilde, c, o], [0.75, 0.25, 0.6, 0.95, 0.75], atol=1e-15)
    h, _ = lstm_step([[9.0]], [[9.0]], [[2.0]], w)
    np.testing.assert_allclose(h, 0.75 * np.tanh(0.95), atol=1e-15)


def test_a_gru_step_worked_with_a_pencil():
    # z = 3/4, r = 1/2, u = W_hh h = 2 ln 2, so the candidate is tanh(ln 2) = 3/5.
    w = {name: np.zeros_like(array) for name, array in weights(1, 1, "zrh").items()}
    w |= {"b_z": [np.log(3)], "W_hh": [[np.log(2)]]}
    z, r, h_tilde = (float(a[0, 0]) for a in gru_gates([[9.0]], [[2.0]], w))
    np.testing.assert_allclose([z, r, h_tilde], [0.75, 0.5, 0.6], atol=1e-15)
    np.testing.assert_allclose(gru_step([[9.0]], [[2.0]], w), [[0.75 * 2 + 0.25 * 0.6]], atol=1e-15)


def test_an_open_forget_gate_keeps_the_memory_and_a_closed_one_forgets():
    w, p = weights(2, 3, "ifco"), arrays(x_t=(4, 2), h_prev=(4, 3), c_prev=(4, 3))
    kept = lstm_step(**p, weights=w | {"b_i": [-99.0] * 3, "b_f": [99.0] * 3})[1]
    np.testing.assert_allclose(kept, p["c_prev"], rtol=1e-12)
    forgot = w | {"b_f": [-99.0] * 3}
    other = lstm_step(**(p | {"c_prev": 5 * p["c_prev"]}), weights=forgot)[1]
    np.testing.assert_allclose(other, lstm_step(**p, weights=forgot)[1], atol=1e-12)


@each_way
def test_the_update_gate_keeps_the_state_and_the_reset_gate_hides_it(reset_after):
    w, p = weights(2, 3, "zrh", SECOND), arrays(x_t=(4, 2), h_prev=(4, 3))
    kept = gru_step(**p, weights=w | {"b_z": [99.0] * 3}, reset_after=reset_after)
    np.testing.assert_allclose(kept, p["h_prev"], rtol=1e-12)
    hidden = w | {"b_z": [-99.0] * 3, "b_r": [-99.0] * 3}
    other = gru_step(p["x_t"], 5 * p["h_prev"], hidden, reset_after)
    np.testing.assert_allclose(other, gru_step(**p, weights=hidden, reset_after=reset_after))


@pytest.mark.parametrize(("gate", "at", "previous"), [("i", 0, 1), ("f", 1, 1), ("o", 4, 0)])
def test_a_peephole_is_a_bias_that_the_memory_scales(gate, at, previous):
    # The input and the forget gate see the memory before the step, the output gate that after it.
    w, p = weights(2, 3, "ifco"), arrays(x_t=(1, 2), h_prev=(1, 3), c_prev=(1, 3))
    peephole = np.array([0.5, -2.0, 1.5])
    given = lstm_gates(**p, weights=w | {f"p_{gate}": peephole})
    seen = p["c_prev"] if previous else given[3]
    as_bias = lstm_gates(**p, weights=w | {f"b_{gate}": w[f"b_{gate}"] + peephole * seen[0]})
    np.testing.assert_allclose(given[at], as_bias[at], rtol=1e-13)
    assert abs(given[at] - lstm_gates(**p, weights=w)[at]).max() > 0.01


def test_weights_that_may_be_missing_are_zero():
    p = arrays(x_t=(4, 2), h_prev=(4, 3), c_prev=(4, 3))
    lstm, gru = weights(2, 3, "ifco"), weights(2, 3, "zrh")
    zero = lstm | dict.fromkeys(PEEPHOLES, np.zeros(3))
    assert np.array_equal(lstm_step(**p, weights=zero), lstm_step(**p, weights=lstm))
    del p["c_prev"]
    zero = gru | dict.fromkeys(SECOND, np.zeros(3))
    assert np.array_equal(gru_step(**p, weights=zero), gru_step(**p, weights=gru))


def test_the_two_grus_are_one_where_each_unit_hears_only_itself():
    # W_hh diagonal and no b_hh: then r (W_hh h) = W_hh (r h).
    w, p = weights(2, 3, "zrh", ("b_hz", "b_hr")), arrays(x_t=(4, 2), h_prev=(4, 3))
    assert abs(gru_step(**p, weights=w) - gru_step(**p, weights=w, reset_after=False)).max() > 0.01
    w["W_hh"] = np.diag([1.0, -2.0, 0.5])
    before = gru_step(**p, weights=w, reset_after=False)
    np.testing.assert_allclose(gru_step(**p, weights=w), before, rtol=1e-13)


@each_way
def test_float32_stays_float32_and_nothing_given_is_changed(reset_after):
    p = arrays(x_t=(4, 2), h_prev=(4, 3), dtype="float32")
    c, dh = p["h_prev"] + 1, p["h_prev"] - 1
    lstm, gru = weights(2, 3, "ifco", PEEPHOLES, "float32"), weights(2, 3, "zrh", SECOND, "float32")
    held = [*p.values(), c, dh, *lstm.values(), *gru.values()]
    copies = [array.copy() for array in held]
    made = [
        *lstm_step(**p, c_prev=c, weights=lstm),
        *gated_cells.lstm_step_backward(dh, dh, **p, c_prev=c, weights=lstm).values(),
        gru_step(**p, weights=gru, reset_after=reset_after),
        *gru_step_backward(dh, **p, weights=gru, reset_after=reset_after).values(),
    ]
    assert {array.dtype for array in made} == {np.dtype("float32")}
    assert all(np.array_equal(a, b) for a, b in zip(held, copies, strict=True))


# Bad input.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"W_xc": None}, "weights must be named W_xi, .* missing: W_xc, unknown: none"),
        ({"W_xz": np.zeros((3, 2))}, "missing: none, unknown: W_xz"),
        ({"W_xi": np.zeros((2, 3))}, r"W_xi must have shape \(H=3, D=2\), got \(2, 3\)"),
        ({"b_o": np.zeros((1, 3))}, r"b_o must have shape \(H=3\), got \(1, 3\)"),
        ({"p_o": np.zeros((3, 3))}, r"p_o must have shape \(H=3\), got \(3, 3\)"),
        ({"W_hf": np.full((3, 3), np.nan)}, r"W_hf must be finite, got nan at index \(0, 0\)"),
    ],
)
def test_the_lstm_says_which_weight_does_not_fit(change, words):
    w = {k: v for k, v in (weights(2, 3, "ifco") | change).items() if v is not None}
    p = arrays(x_t=(4, 2), h_prev=(4, 3), c_prev=(4, 3))
    with pytest.raises(ValueError, match=words):
        lstm_step(**p, weights=w)


@pytest.mark.parametrize("name", ["x_t", "h_prev", "c_prev", "dh_t", "dc_t"])
def test_a_gradient_or_state_of_another_shape_is_refused(name):
    p = arrays(x_t=(4, 2), h_prev=(4, 3), c_prev=(4, 3), dh_t=(4, 3), dc_t=(4, 3))
    p[name] = p[name][:1]  # would broadcast
    with pytest.raises(ValueError, match=r"\w+ must have shape \(.*\), got \("):
        gated_cells.lstm_step_backward(**p, weights=weights(2, 3, "ifco"))
    if name in ("x_t", "h_prev", "dh_t"):
        gru = {k: p[k] for k in ("dh_t", "x_t", "h_prev")}
        with pytest.raises(ValueError, match=r"\w+ must have shape \(.*\), got \("):
            gru_step_backward(**gru, weights=weights(2, 3, "zrh"))
