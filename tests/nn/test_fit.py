"""Layers in a row, and the loop that trains them: one step is what its five lines say."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest

from rnnbook.data import tasks
from rnnbook.nn.feedforward import Dense, Embedding
from rnnbook.nn.layers import LSTM, RNN
from rnnbook.nn.losses import cross_entropy, mean_squared_error
from rnnbook.nn.optimizers import SGD, Adam, AdamW, clip_by_norm, clip_by_value
from rnnbook.nn.training import Stack, fit

B, T, D, H, V = 4, 6, 3, 5, 3


def net(cell=RNN, **others):
    return Stack(**others, recurrent=cell(D, H, seed=1, dtype="float64"),
                 dense=Dense(H, V, seed=2, dtype="float64"))  # fmt: skip


def draw(steps, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(B, T, D)), rng.integers(0, V, (B, T))) for _ in range(steps)]


def same(ours, theirs, tolerance=0.0):
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name], rtol=0, atol=tolerance, err_msg=name)


def by_hand(model, batches, rate, limit=None, carry=False):
    """Train with gradient descent by the layers' own passes, written out."""
    state, losses = None, []
    for step, (x, y) in enumerate(batches):
        h, state = model.layers["recurrent"].forward(x, state if carry else None)
        loss, dy = cross_entropy(model.layers["dense"].forward(h), y)
        model.layers["recurrent"].backward(model.layers["dense"].backward(dy))
        g = {f"{n}/{k}": a for n, x in model.layers.items() for k, a in x.gradients.items()}
        norm = np.sqrt(sum((a**2).sum() for a in g.values()))
        scale = 1 if limit is None else min(1, limit / norm)
        for n, layer in model.layers.items():
            for k, p in layer.parameters.items():
                p -= (rate(step) if callable(rate) else rate) * scale * g[f"{n}/{k}"]
        losses.append(loss)
    return losses


# Layers in a row.


@pytest.mark.parametrize("cell", [RNN, LSTM])
def test_a_stack_is_its_layers_one_after_the_other(cell):
    below, above = cell(D, H, seed=1, dtype="float64"), cell(H, 2, seed=2, dtype="float64")
    dense = Dense(2, V, seed=3, dtype="float64")
    stack = Stack(below=below, above=above, dense=dense)
    (x, _), dy = draw(1)[0], np.random.default_rng(5).normal(size=(B, T, V))
    outputs, state = stack.forward(x)
    h, first = below.forward(x)
    h, second = above.forward(h)
    assert np.array_equal(outputs, dense.forward(h))
    assert np.array_equal(state["below"], first)
    assert np.array_equal(state["above"], second)
    with pytest.raises(ValueError, match=r"state must be of below, above, dense; got .*'h'"):
        stack.forward(x, {"below": first, "h": second})
    stack.backward(dy)
    given = dict(stack.gradients)
    for layer, inputs in ((below, x), (above, below.forward(x)[0])):
        layer.forward(inputs)
    below.backward(above.backward(dense.backward(dy))[0])
    for name, layer in (("below", below), ("above", above), ("dense", dense)):
        for key, array in layer.parameters.items():
            assert stack.parameters[f"{name}/{key}"] is array
            assert np.array_equal(given[f"{name}/{key}"], layer.gradients[key])
    # Two halves, with the state handed on, are the whole.
    left, state = stack.forward(x[:, :2])
    right, _ = stack.forward(x[:, 2:], state)
    np.testing.assert_allclose(np.concatenate([left, right], axis=1), outputs, atol=1e-12)


def test_a_stack_of_ids_has_its_gradient():
    stack = Stack(embedding=Embedding(V, D, dtype="float64"), **net().layers)
    ids, y = np.array([[0, 2, 1]]), np.array([[2, 1, 1]])
    _, dy = cross_entropy(stack.forward(ids)[0], y)
    stack.backward(dy)
    E, step = stack.parameters["embedding/E"], 1e-6
    for i in np.ndindex(E.shape):
        losses = []
        for move in (step, -2 * step, step):
            E[i] += move
            losses.append(cross_entropy(stack.forward(ids)[0], y)[0])
        slope = (losses[0] - losses[1]) / (2 * step)
        assert stack.gradients["embedding/E"][i] == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_a_copy_of_a_trained_stack_is_the_same_and_its_own(twin):
    model, (first, second) = net(LSTM), draw(2)
    fit(model, [first], cross_entropy, SGD(), 0.1)
    other = twin(model)
    before = copy.deepcopy(model.parameters)
    fit(other, [second], cross_entropy, SGD(), 0.1)
    same(model.parameters, before)
    fit(model, [second], cross_entropy, SGD(), 0.1)
    same(model.parameters, other.parameters)


# The loop.


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize("limit", [None, 0.05])
@pytest.mark.parametrize("rate", [0.3, lambda step: 0.5 / (1 + step)])
def test_fit_is_the_loop_written_out(carry, limit, rate):
    ours, theirs, batches = net(), net(), draw(5)
    losses = fit(ours, batches, cross_entropy, SGD(), rate, limit, carry)
    np.testing.assert_allclose(losses, by_hand(theirs, batches, rate, limit, carry), rtol=1e-12)
    same(ours.parameters, theirs.parameters, 1e-12)


@pytest.mark.parametrize("loss", [cross_entropy, mean_squared_error])
def test_with_a_mask_only_some_targets_count(loss):
    (x, ids), mask = draw(1)[0], np.zeros((B, T), bool)
    mask[:, -2:] = True
    y = ids if loss is cross_entropy else np.random.default_rng(1).normal(size=(B, T, V))
    changed = y.copy()
    changed[:, :-2] = 0  # targets that do not count may be anything
    ours, other = net(), net()
    value = fit(ours, [(x, y, mask)], loss, SGD(), 0.1)
    assert fit(other, [(x, changed, mask)], loss, SGD(), 0.1) == value
    same(ours.parameters, other.parameters)
    plain = net()
    assert value[0] == loss(plain.forward(x)[0][:, -2:], y[:, -2:])[0]
    everything = net(), net()
    values = [fit(everything[0], [(x, y)], loss, SGD(), 0.1),
              fit(everything[1], [(x, y, np.ones((B, T), bool))], loss, SGD(), 0.1)]  # fmt: skip
    np.testing.assert_allclose(*values, rtol=1e-12)
    same(everything[0].parameters, everything[1].parameters, 1e-12)


def test_a_clip_of_your_own_sees_the_gradients_before_they_are_used():
    norms = []

    def record(gradients):
        norms.append(clip_by_norm(gradients, 0.05))

    ours, theirs, batches = net(), net(), draw(4)
    fit(ours, batches, cross_entropy, SGD(), 0.3, record)
    fit(theirs, batches, cross_entropy, SGD(), 0.3, 0.05)
    same(ours.parameters, theirs.parameters)
    assert len(norms) == 4
    assert min(norms) > 0.05
    by_value, start = net(), net()
    fit(by_value, batches[:1], cross_entropy, SGD(), 1.0, partial(clip_by_value, limit=1e-3))
    for name, p in by_value.parameters.items():
        assert np.abs(p - start.parameters[name]).max() <= 1.0001e-3


def test_after_each_step_the_model_can_be_looked_at():
    model, seen = net(), []
    batches = draw(3)

    def look(step):
        seen.append((step, model.parameters["dense/b_y"].copy()))

    fit(model, batches, cross_entropy, SGD(), 0.1, after_step=look)
    assert [step for step, _ in seen] == [1, 2, 3]
    for n, b_y in seen:
        shorter = net()
        fit(shorter, batches[:n], cross_entropy, SGD(), 0.1)
        assert np.array_equal(shorter.parameters["dense/b_y"], b_y)


def test_a_model_of_your_own_needs_four_members():
    class Line:
        """y = a x, by hand."""

        def __init__(self):
            self.parameters, self.gradients = {"a": np.zeros(())}, {}

        def forward(self, x):
            self.x = x
            return self.parameters["a"] * x, None

        def backward(self, dy):
            self.gradients = {"a": (dy * self.x).sum()}

    line, x = Line(), np.linspace(-1, 1, 10)
    fit(line, [(x, 3 * x)] * 200, mean_squared_error, SGD(), 0.5)
    assert line.parameters["a"] == pytest.approx(3, abs=1e-6)


def test_it_learns_delayed_recall():
    x, y = tasks.delayed_recall(32 * 150, 4, 3, seed=0)
    model = Stack(recurrent=LSTM(4, 16, seed=0), dense=Dense(16, 4, seed=0))
    batches = zip(x.reshape(150, 32, *x.shape[1:]), y.reshape(150, 32, -1), strict=True)
    losses = fit(model, batches, cross_entropy, Adam(), 0.02, clip=1.0)
    assert losses[-20:].mean() < 0.1 < losses[:5].mean()


# Settings refused before the first step, and numbers that are no longer finite.


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rate": 0}, ValueError, "rate must be above 0, got 0"),
        ({"rate": -0.1}, ValueError, "rate must be above 0"),
        ({"rate": np.nan}, ValueError, "rate must be finite, got nan"),
        ({"rate": "0.1"}, TypeError, "rate must be a number, got '0.1'"),
        ({"rate": lambda step: np.nan}, ValueError, "rate must be finite, got nan"),
        ({"rate": lambda step: -1}, ValueError, "rate must be at least 0"),
        ({"clip": 0}, ValueError, "clip must be above 0, got 0"),
        ({"clip": -1}, ValueError, "clip must be above 0"),
        ({"clip": np.nan}, ValueError, "clip must be finite"),
        ({"clip": "1"}, TypeError, "clip must be a number"),
        ({"optimizer": Adam}, TypeError, r"optimizer must be one such as Adam\(\), got"),
        ({"optimizer": "adam"}, TypeError, "optimizer must be one such as"),
        ({"batches": []}, ValueError, "batches must hold at least one, got none"),
        ({"batches": draw(1)[0]}, ValueError, r"a batch must be \(x, y\) or \(x, y, mask\)"),
        ({"batches": [(*draw(1)[0], np.zeros((B, T), bool))]}, ValueError, "mask must leave"),
        ({"batches": [(*draw(1)[0], np.ones((B, T), int))]}, TypeError, "mask must be bool"),
        ({"batches": [(*draw(1)[0], np.ones((B, 1), bool))]}, ValueError, "mask must be bool of"),
    ],
)
def test_what_means_nothing_is_refused_and_nothing_is_changed(change, error, message):
    model = net()
    given = {"batches": draw(2), "loss": cross_entropy, "optimizer": SGD(), "rate": 0.1, **change}
    with pytest.raises(error, match=f"^{message}"):
        fit(model, **given)
    same(model.parameters, net().parameters)


@pytest.mark.parametrize("name", ["rate", "clip"])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_numbers_of_numpy_are_settings_as_others(name, kind):
    for optimizer in (SGD, AdamW):
        ours, theirs = net(), net()
        fit(ours, draw(2), cross_entropy, optimizer(), **{"rate": 0.5, name: kind(2)})
        fit(theirs, draw(2), cross_entropy, optimizer(), **{"rate": 0.5, name: 2.0})
        same(ours.parameters, theirs.parameters)


@pytest.mark.filterwarnings("error")
def test_numbers_that_run_away_are_named_with_their_step():
    rates = [0.1, 0.1, 1e300, 0.1, 0.1]
    with pytest.raises(FloatingPointError, match=r"^training stopped at step [34]: .*lower rate"):
        fit(net(), draw(5), mean_of_squares, SGD(), rates.__getitem__)


def mean_of_squares(outputs, y):
    return mean_squared_error(outputs, np.zeros_like(outputs))


def test_an_error_of_another_kind_stays_what_it_is():
    def broken(outputs, y):
        raise ValueError("a bug of mine")

    class Broken(SGD):
        def _step(self, *_):
            raise ValueError("a bug of mine")

    def look(step):
        raise ValueError("a bug of mine")

    for change in (
        {"loss": broken},
        {"optimizer": Broken()},
        {"clip": broken},
        {"after_step": look},
    ):
        given = {"loss": cross_entropy, "optimizer": SGD(), "rate": 0.1, **change}
        if "clip" in change:
            given["clip"] = lambda gradients: broken(gradients, None)
        with pytest.raises(ValueError, match=r"^a bug of mine$") as caught:
            fit(net(), draw(2), **given)
        assert caught.type is ValueError
