"""The layers equal their equations and finite differences, and keep what layers promise."""

import contextlib
import copy
import itertools
import pickle

import numpy as np
import pytest
from engine import (
    LAYERS,
    REMEDIES,
    SIZES,
    assert_equal,
    assert_is_reference,
    error,
    made,
    problem,
    run,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbook import _machine
from rnnbook.nn import layers
from rnnbook.nn.gradients import check

each_layer = pytest.mark.parametrize("kind", LAYERS)
each_size = pytest.mark.parametrize("sizes", SIZES, ids=str)
each_mask = pytest.mark.parametrize("masked", [False, True], ids=["all steps", "masked"])


# Against the equations, and against finite differences.


@each_layer
@each_size
@each_mask
def test_a_layer_is_its_equations(kind, sizes, masked):
    B, T, D, H = sizes
    layer = made(kind, D, H)
    given = problem(layer, B, T, masked)
    assert_is_reference(layer, *given)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_any_shape_and_any_mask(data):
    B, T, D, H = (data.draw(st.integers(1, most)) for most in (5, 7, 4, 4))
    layer = made(data.draw(st.sampled_from(sorted(LAYERS))), D, H)
    x, state, _, dh, dstate = problem(layer, B, T, seed=data.draw(st.integers(0, 99)))
    bits = data.draw(st.lists(st.booleans(), min_size=B * T, max_size=B * T).filter(any))
    mask = np.reshape(bits, (B, T))
    assert_is_reference(layer, x, state, mask, dh, dstate)


@each_layer
@each_mask
@pytest.mark.parametrize("sizes", [(1, 1, 2, 1), (2, 1, 1, 3), (3, 6, 2, 4)], ids=str)
def test_the_gradients_are_those_of_finite_differences(kind, masked, sizes):
    B, T, D, H = sizes
    layer = made(kind, D, H)
    x, state, mask, dh, dstate = problem(layer, B, T, masked, seed=4)
    if kind == "relu":
        assert_far_from_the_kink(layer, x, state, mask)

    def loss():
        h, last = layer.forward(x, state, mask)
        return (h * dh).sum() + (last * dstate).sum()

    arrays = {"dx": x, "dfirst": state} | layer.weights
    gradients = run(layer, x, state, mask, dh, dstate)
    errors = check(loss, arrays, {name: gradients[name] for name in arrays})
    assert max(errors.values()) < 1e-7, errors


def assert_far_from_the_kink(layer, x, state, mask):
    """Make sure that no finite difference of 1e-5 takes a neuron over the kink of ReLU."""
    w, h = layer.weights, layer.forward(x, state, mask)[0]
    before = np.concatenate([state[:, None], h[:, :-1]], axis=1)
    sums = x @ w["W_xh"].T + before @ w["W_hh"].T + w["b_h"]
    assert abs(sums).min() > 1e-3
    assert (sums > 0).any()


# States, masks, ids.


@each_layer
@each_mask
def test_a_sequence_can_be_cut_and_the_state_carried_on(kind, masked):
    layer = made(kind, 3, 4)
    x, state, mask, dh, dstate = problem(layer, 2, 9, masked)
    whole = run(layer, x, state, mask, dh, dstate)
    first, rest = slice(0, 4), slice(4, 9)
    masks = (mask[:, first], mask[:, rest]) if masked else (None, None)
    _, between = layer.forward(x[:, first], state, masks[0])
    late = run(layer, x[:, rest], between, masks[1], dh[:, rest], dstate)
    early = run(layer, x[:, first], state, masks[0], dh[:, first], late["dfirst"])
    cut = {n: early[n] + late[n] for n in layer.weights}
    cut |= {n: np.concatenate([early[n], late[n]], axis=1) for n in ("h", "dx")}
    assert_equal(cut | {"last": late["last"], "dfirst": early["dfirst"]}, whole, 1e-13)


@each_layer
def test_what_is_not_given_is_zero(kind):
    layer = made(kind, 3, 4)
    x, state, _, dh, dstate = problem(layer, 2, 5)
    zero, whole = np.zeros_like(state), np.ones((2, 5), bool)
    given = run(layer, x, zero, whole, dh, zero)
    assert_equal(run(layer, x, None, None, dh, None), given, 0)
    assert error(run(layer, x, zero, None, dh, dstate)["dx"], given["dx"]) > 0.01


@each_layer
def test_a_masked_step_carries_the_state_and_hears_nothing(kind):
    layer = made(kind, 3, 4)
    x, state, mask, dh, dstate = problem(layer, 3, 6, masked=True)
    mask[1], mask[2] = False, [True, True, True, False, False, False]
    given = run(layer, x, state, mask, dh, dstate)
    first = state if layer.states == 1 else state[0]
    assert np.array_equal(given["h"][1], np.repeat(first[1:2], 6, axis=0))
    assert not given["dx"][~mask].any()
    other = x + 9 * ~mask[:, :, None]
    assert_equal(run(layer, other, state, mask, dh, dstate), given, 0)
    # A padded sequence is the short one.
    one = (Ellipsis, slice(2, 3), slice(None))
    short, last = layer.forward(x[2:, :3], state[one])
    assert error(given["h"][2:, :3], short) < 1e-14
    assert error(given["last"][one], last) < 1e-14


@each_layer
@each_mask
@pytest.mark.parametrize(("B", "T", "V"), [(2, 5, 3), (1, 1, 1), (2, 300, 4), (3, 7, 1200)])
def test_ids_are_one_hot_inputs(kind, masked, B, T, V):
    layer = made(kind, V, 2)
    _, state, mask, dh, dstate = problem(layer, B, T, masked)
    ids = np.random.default_rng(5).integers(0, V, (B, T))
    by_id = run(layer, ids, state, mask, dh, dstate)
    assert by_id.pop("dx") is None
    one_hot = np.zeros((B, T, V))
    np.put_along_axis(one_hot, ids[:, :, None], 1, axis=2)
    given = run(layer, one_hot, state, mask, dh, dstate)
    assert_equal(by_id, {name: given[name] for name in by_id}, 1e-12)


# What a caller may rely on.


@each_layer
@pytest.mark.parametrize("given_as", ["float32", "float64"])
def test_float32_stays_float32_and_is_close(kind, given_as):
    single, double = made(kind, 3, 4, "float32"), made(kind, 3, 4)
    given = problem(double, 2, 6, masked=True)
    x, state, mask, dh, dstate = problem(double, 2, 6, masked=True, dtype=given_as)
    results = run(single, x, state, mask, dh, dstate)
    assert {array.dtype for array in results.values()} == {np.dtype("float32")}
    assert_equal(results, run(double, *given), 2e-6)


@each_layer
def test_nothing_given_is_changed_and_nothing_returned_changes_later(kind):
    layer = made(kind, 3, 4)
    given = [*problem(layer, 2, 5, masked=True), *layer.parameters.values()]
    copies = [array.copy() for array in given]
    results = run(layer, *given[:5])
    kept = {name: array.copy() for name, array in results.items()}
    assert all(np.array_equal(a, b) for a, b in zip(given, copies, strict=True))
    run(layer, *problem(layer, 2, 5, seed=9))
    assert_equal(results, kept, 0)


@each_layer
def test_no_call_leaves_a_trace_in_the_next(kind):
    fresh, used = made(kind, 3, 4), made(kind, 3, 4)
    given = problem(fresh, 2, 5)
    run(used, *problem(used, 2, 5, masked=True, seed=9))
    run(used, *problem(used, 6, 2, seed=9))
    used.forward([[0, 1, 2, 0, 1], [2, 2, 2, 2, 2]])
    assert_equal(run(used, *given), run(fresh, *given), 1e-14)
    used.forward(given[0])
    assert_equal(run(used, *given), run(fresh, *given), 1e-14)


@each_layer
def test_no_state_hears_a_later_input_or_another_sequence(kind):
    layer = made(kind, 3, 4)
    x, state, *_ = problem(layer, 3, 6)
    before, _ = layer.forward(x, state)
    x[1, 3:] += 1
    after, _ = layer.forward(x, state)
    assert np.array_equal(after[[0, 2]], before[[0, 2]])
    assert np.array_equal(after[1, :3], before[1, :3])
    assert (after[1, 3:] != before[1, 3:]).any(axis=1).all()


@each_layer
def test_arrays_may_lie_in_memory_as_they_like(kind):
    layer = made(kind, 3, 4)
    given = problem(layer, 2, 5, masked=True)
    turned = [np.asfortranarray(array)[::-1][::-1] for array in given]
    assert_equal(run(layer, *turned), run(layer, *given), 1e-14)
    as_lists = [array.tolist() for array in given]
    assert_equal(run(layer, *as_lists[:2], given[2], *as_lists[3:]), run(layer, *given), 1e-14)


@each_layer
def test_large_numbers_saturate_without_a_warning(kind):
    layer = made(kind, 2, 3)
    for array in layer.parameters.values():
        array *= 100
    x, state, _, dh, dstate = problem(layer, 2, 3)
    with np.errstate(all="raise", under="ignore"):
        results = run(layer, 50 * x, state, None, dh, dstate)
    assert all(np.isfinite(array).all() for array in results.values())


# Weights.


@each_layer
def test_weights_go_out_and_come_in_as_copies(kind):
    one, other = made(kind, 3, 4), LAYERS[kind](3, 4, 7, dtype="float64")
    given = problem(one, 2, 5)
    wanted, weights = run(one, *given), one.get_weights()
    other.set_weights(weights)
    for array in weights:
        array += 1
    assert_equal(run(one, *given), wanted, 0)
    assert_equal(run(other, *given), wanted, 1e-14)


@each_layer
def test_weights_by_name_are_views(kind):
    layer = made(kind, 3, 4)
    x = problem(layer, 2, 5)[0]
    before, _ = layer.forward(x)
    for name, array in layer.weights.items():
        kept = array.copy()
        array += 0.5
        moved = error(layer.forward(x)[0], before)
        assert moved > 1e-3, f"{name} has no effect"
        array[...] = kept
    assert np.array_equal(layer.forward(x)[0], before)


@each_layer
def test_first_weights_are_those_of_keras(kind):
    """Glorot uniform for inputs, orthogonal for states, zero biases but that of forgetting."""
    D, H = 40, 30
    layer = LAYERS[kind](D, H, 3, dtype="float64")
    W_x, W_h, *others = layer.parameters.values()
    limit = np.sqrt(6 / (D + len(W_x)))
    assert 0.97 * limit < min(W_x.max(), -W_x.min()) <= abs(W_x).max() <= limit
    assert W_x.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    np.testing.assert_allclose(W_h.T @ W_h, np.eye(H), atol=1e-12)
    ones = layer.weights["b_f"].sum() if "b_f" in layer.weights else 0
    assert sum(abs(array).sum() for array in others) == ones == H * ("b_f" in layer.weights)
    again, another = (LAYERS[kind](D, H, seed, dtype="float64") for seed in (3, 4))
    assert_equal(again.parameters, layer.parameters, 0)
    assert (another.parameters["W_x"] != W_x).all()
    assert (another.parameters["W_h"] != W_h).all()


def test_first_states_turn_every_way_alike():
    """Of a random rotation or reflection, each entry has mean 0 and variance 1 / H."""
    H, n = 3, 400
    entries = np.array([LAYERS["tanh"](2, H, seed).parameters["W_h"] for seed in range(n)])
    assert abs(entries.mean(axis=0)).max() < 4.5 / np.sqrt(H * n)


@each_layer
def test_each_backward_pass_needs_a_forward_pass_of_its_own(kind):
    layer = LAYERS[kind](2, 3, 0)
    with pytest.raises(RuntimeError, match=r"\(call forward first\)"):
        layer.backward(np.ones((1, 4, 3)))
    layer.forward(np.ones((1, 4, 2)))
    layer.backward(np.ones((1, 4, 3)))
    with pytest.raises(RuntimeError, match=r"\(call forward first\)"):
        layer.backward(np.ones((1, 4, 3)))


def test_the_first_forget_bias_can_be_chosen():
    assert set(layers.LSTM(2, 3, 0, forget_bias=-2.5).weights["b_f"]) == {-2.5}


# Copies, interrupts, threads.


@pytest.mark.parametrize("kind", LAYERS | REMEDIES)
@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_made_after_a_pass_computes_what_its_original_does(kind, twin_of):
    layer = made(kind, 3, 4)
    first, second = problem(layer, 5, 6), problem(layer, 5, 6, seed=9)
    wanted = run(layer, *second)
    run(layer, *first)
    layer.forward(*first[:2])
    twin = twin_of(layer)
    assert_equal(run(twin, *second), wanted, 1e-14)
    for array in twin.parameters.values():
        array += 1
    assert_equal(run(layer, *second), wanted, 1e-14)


@pytest.mark.parametrize("kind", LAYERS | REMEDIES)
@pytest.mark.parametrize("broken", ["ones", "zeros", "empty"])
def test_an_interrupt_while_arrays_are_made_does_no_harm(kind, broken, monkeypatch):
    layer, fresh = made(kind, 3, 4), made(kind, 3, 4)
    given = problem(layer, 5, 6)
    make = getattr(np, broken)
    for moment in range(1, 5):
        run(layer, *problem(layer, 2, 3))
        calls = itertools.count(1)

        def interrupted(*arguments, calls=calls, moment=moment, **options):
            if next(calls) == moment:
                raise KeyboardInterrupt
            return make(*arguments, **options)

        with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
            patch.setattr(np, broken, interrupted)
            run(layer, *given)
        assert_equal(run(layer, *given), run(fresh, *given), 1e-14)


@each_layer
def test_what_the_caller_writes_after_a_forward_pass_changes_no_gradient(kind):
    layer = made(kind, 3, 4)
    x, state, mask, dh, dstate = problem(layer, 2, 5, masked=True)
    ids = np.random.default_rng(0).integers(0, 3, (2, 5))
    for inputs in (x, ids):
        wanted = run(layer, inputs, state, mask, dh, dstate)
        changed = [inputs.copy(), state.copy(), mask.copy()]
        layer.forward(*changed)
        for array in changed:
            array[...] = 0
        layer.backward(dh, dstate)
        given = layer.by_name(layer.gradients)
        assert_equal(given, {name: wanted[name] for name in given}, 1e-14)


@each_layer
def test_one_hot_vectors_may_be_of_whole_numbers(kind):
    layer = made(kind, 3, 4)
    ids = np.array([[0, 2, 1], [1, 1, 0]])
    assert error(layer.forward(np.eye(3, dtype=int)[ids])[0], layer.forward(ids)[0]) < 1e-14


# One step at a time, and the gates.


@pytest.mark.parametrize("kind", LAYERS | REMEDIES)
def test_the_stepper_takes_the_steps_of_the_layer(kind):
    layer = made(kind, 4, 3)
    _, state, *_ = problem(layer, 5, 1)
    rng = np.random.default_rng(1)
    ids, inputs = rng.integers(0, 7, (5, 6)), rng.normal(size=(7, 4))
    for tokens, vectors in ((ids % 4, None), (ids, inputs)):
        step = layer.stepper(state, vectors)
        np.testing.assert_array_equal(step(), (state if layer.states == 1 else state[0]).T)
        by_step = [step(tokens[:, t]).T.copy() for t in range(6)]
        x = tokens if vectors is None else vectors[tokens]
        np.testing.assert_allclose(np.stack(by_step, 1), layer.forward(x, state)[0], atol=1e-13)


def test_a_stepper_and_a_training_pass_do_not_disturb_each_other():
    layer = made("lstm", 4, 3)
    given = problem(layer, 2, 5)
    wanted = run(layer, *given)
    layer.forward(*given[:2])
    step = layer.stepper(np.zeros((2, 2, 3)))
    before = step([0, 1]).copy()
    layer.backward(*given[3:])
    gradients = layer.by_name(layer.gradients)
    assert_equal(gradients, {name: wanted[name] for name in gradients}, 1e-14)
    np.testing.assert_array_equal(step(), before)


def test_the_gates_of_an_lstm_worked_with_a_pencil():
    # σ(ln 3) = 3/4 and tanh(ln 2) = 3/5: with no weights but biases, every number is a fraction.
    layer = layers.LSTM(1, 1, dtype="float64")
    for name, array in layer.weights.items():
        biases = {"b_i": np.log(3), "b_f": -np.log(3), "b_c": np.log(2), "b_o": np.log(3)}
        array[:] = biases.get(name, 0)
    h, (_, c) = layer.forward([[[9.0]]], [[[9.0]], [[2.0]]])
    gates = {name: float(gate[0, 0, 0]) for name, gate in layer.gate_activations().items()}
    assert gates == pytest.approx({"i": 0.75, "f": 0.25, "c": 0.6, "o": 0.75}, abs=1e-15)
    np.testing.assert_allclose(c, 0.95, atol=1e-15)
    np.testing.assert_allclose(h, 0.75 * np.tanh(0.95), atol=1e-15)


def test_the_gates_of_a_gru_worked_with_a_pencil():
    # z = 3/4, r = 1/2, u = W_hh h = 2 ln 2, so the candidate is tanh(ln 2) = 3/5.
    layer = layers.GRU(1, 1, dtype="float64")
    for array in layer.weights.values():
        array[:] = 0
    layer.weights["b_z"][:], layer.weights["W_hh"][:] = np.log(3), np.log(2)
    h, _ = layer.forward([[[9.0]]], [[2.0]])
    gates = {name: float(gate[0, 0, 0]) for name, gate in layer.gate_activations().items()}
    assert gates == pytest.approx({"z": 0.75, "r": 0.5, "h": 0.6}, abs=1e-15)
    np.testing.assert_allclose(h, 0.75 * 2 + 0.25 * 0.6, atol=1e-15)


def test_gates_are_those_of_the_last_forward_pass():
    layer = made("gru", 3, 4)
    with pytest.raises(RuntimeError, match="call forward first"):
        layer.gate_activations()
    x, state, _, dh, _ = problem(layer, 2, 5)
    h, _ = layer.forward(x, state)
    gates = layer.gate_activations()
    kept = {name: gate.copy() for name, gate in gates.items()}
    before = np.concatenate([state[:, None], h[:, :-1]], axis=1)
    np.testing.assert_allclose(gates["z"] * before + (1 - gates["z"]) * gates["h"], h, atol=1e-14)
    layer.backward(dh)
    assert_equal(gates, kept, 0)


def test_products_keep_the_default_threads_only_where_they_pay():
    get, put = _machine._openblas()
    if put is None:
        pytest.skip("this NumPy has another BLAS")
    before, seen = get(), []
    try:
        put(2)
        for work in (1, _machine.WORTH):
            with _machine.one_thread(work), _machine.one_thread(work):
                seen.append(get())
        assert seen == [1, 2]
        assert get() == 2
        with pytest.raises(ZeroDivisionError), _machine.one_thread():
            1 / 0  # noqa: B018 - raises
        assert get() == 2
    finally:
        put(before)


def test_a_block_that_was_interrupted_as_it_began_holds_no_thread_back():
    get, put = _machine._openblas()
    if put is None:
        pytest.skip("this NumPy has another BLAS")
    before = get()
    try:
        put(2)
        _machine.one_thread().__enter__()  # Ctrl-C, before the block: nobody will leave it
        with _machine.one_thread():
            assert get() == 1
        assert get() == 2
    finally:
        put(before)


def test_a_layer_tells_its_sizes():
    assert repr(layers.LSTM(3, 4)) == "LSTM(D=3, H=4)"


def test_the_sigmoid_is_that_of_its_definition():
    a = np.linspace(-30, 30, 101)
    np.testing.assert_allclose(layers.sigmoid(a), 1 / (1 + np.exp(-a)), rtol=1e-11, atol=1e-15)
    assert a[0] == -30
