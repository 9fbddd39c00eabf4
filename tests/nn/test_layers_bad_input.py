"""Bad input of the recurrent layers: the error names what was expected, and nothing is broken."""

import numpy as np
import pytest
from engine import LAYERS, assert_equal, made, problem, run

from rnnbook.nn import layers

B, T, D, H = 2, 4, 3, 5
TWO_STATES = ("lstm", "peepholes")
each_layer = pytest.mark.parametrize("kind", LAYERS)

# What is given, under which name, and what the error says.
WRONG_INPUT = {
    "two axes": (np.zeros((T, D)), r"^x must have shape \(B, T, D=3\), got \(4, 3\): 3 axes"),
    "four axes": (np.zeros((1, B, T, D)), r"^x must have .*: 3 axes are needed, not 4"),
    "another D": (np.zeros((B, T, 4)), r"^x must have .*: D must be 3, not 4"),
    "one D": (np.zeros((B, T, 1)), r"^x must have .*: D must be 3, not 1"),
    "turned": (np.zeros((B, D, T)), r"^x must have .*: D must be 3, not 4"),
    "no steps": (
        np.zeros((B, 0, D)),
        r"^x must have .*: T must be at least 1 \(the array is empty",
    ),
    "no sequence": (np.zeros((0, T, D)), r"^x must have .*: B must be at least 1"),
    "NaN": (np.full((B, T, D), np.nan), r"^x must be finite, got nan at index \(0, 0, 0\)"),
    "infinity": (np.full((B, T, D), -np.inf), r"^x must be finite, got -inf at index"),
    "rows of several lengths": ([[0, 1], [2]], r"^x must be a full array, but its rows differ"),
    "ids of one axis": ([0, 1], r"^x must have shape \(B, T, D=3\), got \(2,\): 3 axes"),
    "no ids": (np.zeros((B, 0), int), r"^ids must be whole numbers of shape \(B, T\)"),
    "an id of D": ([[0, 3]], r"^ids must be from 0 to V - 1 = 2, got 3 at index"),
    "a negative id": ([[-1, 0]], r"^ids must be from 0 to V - 1 = 2, got -1 at index"),
}


@each_layer
@pytest.mark.parametrize("case", WRONG_INPUT)
def test_the_input_must_fit(kind, case):
    given, words = WRONG_INPUT[case]
    with pytest.raises(ValueError, match=words):
        LAYERS[kind](D, H, 0).forward(given)


@each_layer
@pytest.mark.parametrize("given", [None, "games", [["a"]], np.full((B, T, D), 1j), [[[True] * D]]])
def test_the_input_must_be_numbers(kind, given):
    with pytest.raises(TypeError, match=r"^x must hold real numbers, got dtype"):
        LAYERS[kind](D, H, 0).forward(given)


def state_shapes(kind):
    """Return wrong shapes of a layer's state; most would broadcast."""
    if kind in TWO_STATES:
        return [(B, H), (1, B, H), (3, B, H), (2, 1, H), (2, B, 1), (2, B, H + 1), (H,), ()]
    return [(H,), (1, H), (B, 1), (B + 1, H), (B, H + 1), (1, B, H), (2, B, H), ()]


@each_layer
def test_states_and_their_gradients_must_fit(kind):
    layer = LAYERS[kind](D, H, 0)
    wanted = r"\(S=2, B=2, H=5\)" if kind in TWO_STATES else r"\(B=2, H=5\)"
    for shape in state_shapes(kind):
        with pytest.raises(ValueError, match=f"^state must have shape {wanted}, got "):
            layer.forward(np.zeros((B, T, D)), np.zeros(shape))
        layer.forward(np.zeros((B, T, D)))
        with pytest.raises(ValueError, match=f"^dstate must have shape {wanted}, got "):
            layer.backward(np.zeros((B, T, H)), np.zeros(shape))


@each_layer
@pytest.mark.parametrize("shape", [(B, H), (T, H), (B, T), (1, T, H), (B, 1, H), (B, T, 1),
                                   (B, T + 1, H), (T, B, H)], ids=str)  # fmt: skip
def test_the_gradient_that_comes_in_must_fit(kind, shape):
    layer = LAYERS[kind](D, H, 0)
    layer.forward(np.zeros((B, T, D)))
    with pytest.raises(ValueError, match=r"^dh must have shape \(B=2, T=4, H=5\), got "):
        layer.backward(np.zeros(shape))


@each_layer
@pytest.mark.parametrize("name", ["x", "state", "dh", "dstate"])
def test_a_single_nan_is_found(kind, name):
    layer = made(kind, D, H)
    given = dict(zip(["x", "state", "mask", "dh", "dstate"], problem(layer, B, T), strict=True))
    given[name].flat[-1] = np.nan
    with pytest.raises(ValueError, match=f"^{name} must be finite, got nan at index"):
        run(layer, **given)


@each_layer
@pytest.mark.parametrize("by_id", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_named(kind, by_id, bad):
    layer = made(kind, D, H)
    x = np.zeros((B, T), int) if by_id else np.zeros((B, T, D))
    for name, array in layer.weights.items():
        kept, array.flat[-1] = array.flat[-1], bad
        with pytest.raises(ValueError, match=f"^{name} must be finite, got {bad} at index"):
            layer.forward(x)
        array.flat[-1] = kept
    layer.forward(x)


@each_layer
@pytest.mark.parametrize("name", ["W_x", "W_h", "b"])
def test_a_parameter_of_another_shape_is_named(kind, name):
    layer = made(kind, D, H)
    array = layer.parameters[name]
    others = [array[:, None], array[:-1], array[None]]
    if name == "W_x":  # Keras' layout, and of as many numbers
        others += [array.T, np.zeros((len(array), D + 1)), array.T.reshape(array.shape[::-1])]
    for wrong in others:
        layer.parameters[name] = wrong
        with pytest.raises(ValueError, match=f"^{name}.* must have shape "):
            layer.forward(np.zeros((B, T, D)))
    layer.parameters[name] = array
    layer.forward(np.zeros((B, T, D)))


@pytest.mark.parametrize(
    ("mask", "error", "words"),
    [
        (np.ones((B, T)), TypeError, r"mask must be bool of shape \(2, 4\), got float64 of \(2, 4"),
        (np.ones((B, T), int), TypeError, "got int64"),
        (np.ones((B, T, 1), bool), ValueError, r"got bool of \(2, 4, 1\)"),
        (np.ones((1, T), bool), ValueError, r"got bool of \(1, 4\)"),
        (np.ones((T, B), bool), ValueError, r"got bool of \(4, 2\)"),
        (np.ones(T, bool), ValueError, r"got bool of \(4,\)"),
        (True, ValueError, r"got bool of \(\)"),
        (np.zeros((B, T), bool), ValueError, "at least one step, got False everywhere"),
    ],
)
@each_layer
def test_a_mask_must_fit(kind, mask, error, words):
    with pytest.raises(error, match=words):
        LAYERS[kind](D, H, 0).forward(np.zeros((B, T, D)), mask=mask)


@each_layer
def test_what_is_masked_is_refused(kind):
    layer = made(kind, D, H)
    x, state, mask, dh, dstate = problem(layer, B, T, masked=True)
    for place, name in enumerate(["x", "state", "mask", "dh", "dstate"]):
        given = [x, state, mask, dh, dstate]
        hidden = np.zeros(given[place].shape, bool)
        hidden.flat[0] = True
        given[place] = np.ma.masked_array(given[place], hidden)
        with pytest.raises(TypeError, match=f"^{name} is masked at index"):
            run(layer, *given)


@each_layer
def test_a_backward_pass_needs_a_forward_pass_of_its_own(kind):
    layer = LAYERS[kind](D, H, 0)
    words = r"backward needs a forward pass of its own \(call forward first\)"
    with pytest.raises(RuntimeError, match=words):
        layer.backward(np.zeros((B, T, H)))
    layer.forward(np.zeros((B, T, D)))
    layer.backward(np.zeros((B, T, H)))
    with pytest.raises(RuntimeError, match=words):
        layer.backward(np.zeros((B, T, H)))


@each_layer
def test_after_a_refused_forward_pass_there_is_none(kind):
    """The buffers hold parts of the refused call: gradients of the one before would be wrong."""
    layer = made(kind, D, H)
    x, *_ = problem(layer, B, T)
    for bad in ({"mask": np.zeros((B, T), bool)}, {"state": np.zeros(3)}):
        layer.forward(x)
        with pytest.raises(ValueError, match="must"):
            layer.forward(x + 1, **bad)
        with pytest.raises(RuntimeError, match="call forward first"):
            layer.backward(np.zeros((B, T, H)))


@each_layer
def test_a_refused_backward_pass_can_be_made_again(kind):
    layer = made(kind, D, H)
    x, state, mask, dh, dstate = problem(layer, B, T, masked=True)
    wanted = run(layer, x, state, mask, dh, dstate)
    layer.forward(x, state, mask)
    for bad in ((dh[:1], dstate), (dh, dstate[..., :1]), (dh * np.nan, dstate)):
        with pytest.raises(ValueError, match="must"):
            layer.backward(*bad)
    dx, dfirst = layer.backward(dh, dstate)
    given = {"dx": dx, "dfirst": dfirst} | layer.by_name(layer.gradients)
    assert_equal(given, {name: wanted[name] for name in given}, 0)


# Weights of another layer.


@each_layer
def test_weights_of_another_layer_are_refused_and_nothing_is_changed(kind):
    layer = made(kind, D, H)
    before = layer.get_weights()
    others = [LAYERS[other](D, H, 0).get_weights() for other in LAYERS]
    others = [w for w in others if [a.shape for a in w] != [a.shape for a in before]]
    assert len(others) >= 4
    others += [LAYERS[kind](D + 1, H, 0).get_weights(), LAYERS[kind](D, H + 1, 0).get_weights()]
    others += [[array.T for array in before], before[:2], [*before, before[-1]], []]
    for weights in others:
        with pytest.raises(
            ValueError, match=r"^weights must have the shapes \[\(3, \d+\)"
        ) as error:
            layer.set_weights(weights)
        assert str([np.shape(array) for array in weights]) in str(error.value)
    for bad in (np.nan, np.inf):
        weights = layer.get_weights()
        weights[-1].flat[-1] = bad
        with pytest.raises(ValueError, match="weights must be finite, got"):
            layer.set_weights(weights)
    for old, new in zip(before, layer.get_weights(), strict=True):
        assert np.array_equal(old, new)


# Sizes and settings.


@each_layer
@pytest.mark.parametrize(
    ("arguments", "kind_of_error", "words"),
    [
        ((0, H, 0), ValueError, "D must be at least 1, got 0"),
        ((D, -1, 0), ValueError, "H must be at least 1, got -1"),
        ((D, H, -1), ValueError, "seed must be at least 0, got -1"),
        ((2.5, H, 0), TypeError, "D must be a whole number, got 2.5"),
        ((D, 5.0, 0), TypeError, "H must be a whole number, got 5.0"),
        ((D, True, 0), TypeError, "H must be a whole number, got True"),
        ((D, "5", 0), TypeError, "H must be a whole number, got '5'"),
        ((D, H, None), TypeError, "seed must be a whole number, got None"),
    ],
)
def test_sizes_and_seeds_are_whole(kind, arguments, kind_of_error, words):
    with pytest.raises(kind_of_error, match=f"^{words}"):
        LAYERS[kind](*arguments)


@each_layer
@pytest.mark.parametrize(
    "dtype", ["float16", "int32", "complex64", "single32", bool, "O", np.longdouble]
)
def test_a_layer_works_in_single_or_double_precision(kind, dtype):
    with pytest.raises(ValueError, match=r"^dtype must be 'float32' or 'float64', got "):
        LAYERS[kind](D, H, 0, dtype=dtype)


@pytest.mark.parametrize("activation", ["linear", "Tanh", "sigmoid", None, np.tanh])
def test_an_unknown_activation_is_refused(activation):
    with pytest.raises(ValueError, match=r"^activation must be one of tanh, relu, identity; got "):
        layers.RNN(D, H, 0, activation)
