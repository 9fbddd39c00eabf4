"""Optimizers, schedule and clipping: against PyTorch and plain loops."""

import math

import numpy as np
import pytest

from rnnbook.nn import optimizers
from rnnbook.nn.optimizers import (
    SGD,
    Adam,
    AdamW,
    check_settings,
    clip_by_norm,
    clip_by_value,
    warmup_cosine,
)

SHAPES = {"W_xh": (4, 3), "W_hh": (4, 4), "b_h": (4,)}
STEPS = range(6)
RATES = [0.1, 0.1, 0.02, 0.3, 0.05, 0.01]  # one a step: a schedule moves it


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def arrays(seed, scale=1.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {name: scale * rng.normal(size=shape).astype(dtype) for name, shape in SHAPES.items()}


def train(optimizer, steps=STEPS, parameters=None, dtype=np.float64):
    """Return the weights after some steps with given gradients."""
    parameters = arrays(0, dtype=dtype) if parameters is None else parameters
    for step in steps:
        optimizer.update(parameters, arrays(step + 1, 2.0, dtype), RATES[step])
    return parameters


def same(ours, theirs, tolerance=1e-12):
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name], rtol=0, atol=tolerance, err_msg=name)


ALL = [SGD(), SGD(momentum=0.9), Adam(beta_1=0.8, beta_2=0.99), AdamW(decay=0.3)]
each_optimizer = pytest.mark.parametrize("optimizer", ALL, ids=repr)


def fresh(optimizer):
    """Return an optimizer of the same kind and settings, without memory."""
    return eval(repr(optimizer), vars(optimizers))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["SGD", "momentum", "Adam", "AdamW"])
def test_they_are_those_of_pytorch(torch, name, dtype):
    weights = {k: torch.tensor(v) for k, v in arrays(0, dtype=dtype).items()}
    biases = [weights["b_h"]]
    matrices = [weights["W_xh"], weights["W_hh"]]
    groups = [{"params": matrices, "weight_decay": 0.3}, {"params": biases, "weight_decay": 0}]
    ours, theirs = {
        "SGD": (SGD(), lambda: torch.optim.SGD(weights.values())),
        "momentum": (SGD(0.9), lambda: torch.optim.SGD(weights.values(), momentum=0.9)),
        "Adam": (
            Adam(0.8, 0.99, 1e-3),
            lambda: torch.optim.Adam(weights.values(), betas=(0.8, 0.99), eps=1e-3),
        ),
        "AdamW": (AdamW(decay=0.3), lambda: torch.optim.AdamW(groups)),
    }[name]
    theirs = theirs()
    for step, rate in enumerate(RATES):
        for key, gradient in arrays(step + 1, 2.0, dtype).items():
            weights[key].grad = torch.tensor(gradient)
        for group in theirs.param_groups:
            group["lr"] = rate
        theirs.step()
    same(train(ours, dtype=dtype), weights, 1e-13 if dtype == "float64" else 1e-6)


@pytest.mark.parametrize("decay", [0, 0.3])
def test_adam_is_the_algorithm_of_its_paper_number_by_number(decay):
    wanted = arrays(0)
    for name, p in wanted.items():
        for i in np.ndindex(p.shape):
            m = v = 0.0
            for t, rate in enumerate(RATES, start=1):
                g = arrays(t, 2.0)[name][i]
                m, v = 0.8 * m + 0.2 * g, 0.99 * v + 0.01 * g * g
                p[i] -= rate * decay * p[i] * (name != "b_h")
                p[i] -= rate * (m / (1 - 0.8**t)) / (math.sqrt(v / (1 - 0.99**t)) + 1e-3)
    ours = AdamW(0.8, 0.99, 1e-3, decay) if decay else Adam(0.8, 0.99, 1e-3)
    same(train(ours), wanted)


def test_first_steps_by_hand():
    def step(optimizer, p):
        p = {"p": np.array(p)}
        optimizer.update(p, {"p": np.full_like(p["p"], 4.0)}, 0.5)
        return p["p"].tolist()

    assert step(SGD(), [3.0]) == [1.0]
    # The first step of Adam is as long as the rate, whatever the gradient.
    assert step(Adam(), [3.0]) == pytest.approx([2.5])
    # A matrix decays before the step, by rate x decay; a bias does not.
    assert step(AdamW(decay=0.1), [[3.0]]) == [pytest.approx([3.0 * 0.95 - 0.5])]
    assert step(AdamW(decay=0.1), [3.0]) == pytest.approx([2.5])


@each_optimizer
def test_a_stored_state_goes_on_to_the_last_bit(optimizer):
    wanted = train(fresh(optimizer), dtype=np.float32)
    first, second = fresh(optimizer), fresh(optimizer)
    parameters = train(first, STEPS[:3], dtype=np.float32)
    stored = {name: array.copy() for name, array in first.state.items()}
    second.state = stored
    train(second, STEPS[3:], parameters, np.float32)
    for name, array in parameters.items():
        assert np.array_equal(array, wanted[name])
        assert array.dtype == np.float32


@each_optimizer
def test_weights_change_in_place_and_gradients_do_not_change(optimizer):
    parameters, gradients = arrays(0), arrays(1)
    before = dict(parameters)
    fresh(optimizer).update(parameters, gradients, 0.1)
    assert all(parameters[name] is before[name] for name in SHAPES)
    same(gradients, arrays(1), 0)
    assert all((parameters[name] != arrays(0)[name]).all() for name in SHAPES)


def test_the_schedule_rises_in_a_line_and_falls_as_a_cosine():
    rate = warmup_cosine(2.0, 110, warmup=10)
    np.testing.assert_allclose([rate(s) for s in range(10)], np.linspace(0.2, 2, 10))
    assert rate(10) == 2.0
    assert rate(60) == pytest.approx(1.0)
    assert rate(10 + 25) == pytest.approx(1 + math.sqrt(0.5))
    assert 0 < rate(109) < 1e-3
    assert rate(110) == rate(500) == pytest.approx(0, abs=1e-15)
    rates = [rate(s) for s in range(10, 111)]
    assert rates == sorted(rates, reverse=True)
    assert warmup_cosine(0.5, 1)(0) == 0.5


@pytest.mark.parametrize(("scale", "dtype"), [(0.01, "float64"), (5, "float64"), (5, "float32")])
def test_clipping_by_norm_is_that_of_pytorch(torch, scale, dtype):
    ours = arrays(0, scale, dtype)
    weights = [torch.zeros(shape, dtype=getattr(torch, dtype)) for shape in SHAPES.values()]
    for weight, gradient in zip(weights, ours.values(), strict=True):
        weight.grad = torch.tensor(gradient)
    norm = torch.nn.utils.clip_grad_norm_(weights, 1.5).item()
    tolerance = 1e-12 if dtype == "float64" else 1e-6
    assert clip_by_norm(ours, 1.5) == pytest.approx(norm, rel=tolerance)
    # PyTorch divides by the norm + 1e-6.
    same(ours, dict(zip(SHAPES, (w.grad for w in weights), strict=True)), 1e-6)


def test_clipping_by_norm_keeps_the_direction_and_by_value_does_not():
    gradients = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    before = dict(gradients)
    assert clip_by_norm(gradients, 10) == pytest.approx(5)
    assert gradients["a"].tolist() == [3, 0]
    assert clip_by_norm(gradients, 1) == pytest.approx(5)
    np.testing.assert_allclose([*gradients["a"], gradients["b"][0, 0]], [0.6, 0, 0.8])
    clip_by_value(gradients, 0.7)
    np.testing.assert_allclose([*gradients["a"], gradients["b"][0, 0]], [0.6, 0, 0.7])
    clip_by_value({"a": -gradients["a"]}, 0.5)
    assert all(gradients[name] is before[name] for name in gradients)
    negative = {"a": np.array([-9.0, 9.0])}
    clip_by_value(negative, 2)
    assert negative["a"].tolist() == [-2, 2]


def test_an_exploded_float32_gradient_is_still_clipped():
    gradients = {"a": np.array([3e30, 4e30], np.float32)}
    assert clip_by_norm(gradients, 1) == pytest.approx(5e30)
    np.testing.assert_allclose(gradients["a"], [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: SGD().update(arrays(0), {}, 1), ValueError,
         r"names and shapes {'W_xh': \(4, 3\), .*, got {}"),
        (lambda: SGD().update({"a": np.ones(2)}, {"a": np.ones(1)}, 1), ValueError,
         r"names and shapes {'a': \(2,\)}, got {'a': \(1,\)}"),
        (lambda: clip_by_norm({}, 0), ValueError, "limit must be above 0, got 0"),
        (lambda: clip_by_value({}, -1), ValueError, "limit must be above 0, got -1"),
        (lambda: clip_by_norm({"a": np.array([1.0]), "b_h": np.array([np.nan])}, 1), ValueError,
         "finite, got NaN, infinity or too large numbers in b_h "),
        (lambda: clip_by_norm({"a": np.array([np.inf])}, 1), ValueError, "numbers in a "),
        (lambda: warmup_cosine(1, 0), ValueError, "steps must be at least 1, got 0"),
        (lambda: warmup_cosine(1, 10, 10), ValueError, "warmup must be less than steps = 10"),
        (lambda: warmup_cosine(1, 10, -1), ValueError, "warmup must be at least 0, got -1"),
        (lambda: warmup_cosine(1, 2.5), TypeError, "steps must be a whole number"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Settings that mean nothing, refused before anything is changed.

NUMBERS = [None, "0.1", [0.1], np.array([0.1]), True, np.ma.masked]
RATES_THAT_MEAN_NOTHING = [0, -0.1, np.nan, np.inf, -np.inf]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("rate", value) for value in RATES_THAT_MEAN_NOTHING),
        *(("clip", value) for value in (0, -1, np.nan, -np.inf)),
        *(("decay", value) for value in (-1e-9, np.nan, np.inf)),
    ],
)
def test_settings_that_mean_nothing_are_refused(name, wrong):
    with pytest.raises(
        ValueError, match=f"^{name} must be (finite|above 0|at least 0), got {wrong:g}$"
    ):
        check_settings(**{"rate": 0.1, name: wrong})


@pytest.mark.parametrize("name", ["rate", "clip", "decay"])
@pytest.mark.parametrize("wrong", NUMBERS, ids=repr)
def test_settings_are_numbers(name, wrong):
    if name == "clip" and wrong is None:
        return
    with pytest.raises(TypeError, match=f"^{name} (must be a number|is masked)"):
        check_settings(**{"rate": 0.1, name: wrong})


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.uint8, int, float])
def test_settings_come_back_as_numbers_of_python(kind):
    settings = check_settings(kind(2), kind(3), kind(4))
    assert settings == (2, 3, 4)
    assert {type(value) for value in settings} == {float}
    assert eval(repr(AdamW(decay=kind(2)))) == AdamW(decay=2)  # as a checkpoint stores it


@pytest.mark.parametrize("wrong", [-0.1, np.nan, np.inf, "0.1", None])
def test_a_step_with_a_wrong_rate_changes_nothing(wrong):
    for optimizer in ALL:
        parameters, made = arrays(0), fresh(optimizer)
        with pytest.raises((TypeError, ValueError), match=r"^rate must be"):
            made.update(parameters, arrays(1), wrong)
        same(parameters, arrays(0), 0)
        assert made.state == {}


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD(momentum=1),
        lambda: SGD(-0.1),
        lambda: Adam(beta_1=1),
        lambda: Adam(beta_2=np.nan),
        lambda: Adam(epsilon=-1),
        lambda: AdamW(decay=-1),
        lambda: AdamW(decay=np.nan),
        lambda: AdamW(decay=np.inf),
        lambda: warmup_cosine(-1, 10),
        lambda: warmup_cosine(np.nan, 10),
    ],
)
def test_optimizers_and_schedules_refuse_what_means_nothing_when_they_are_made(make):
    with pytest.raises(ValueError, match=r"^\w+ must be .*, got "):
        make()
