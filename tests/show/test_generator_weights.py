"""The weights of the model in the page: rounded, and what the page gets of them."""

import base64
import json

import numpy as np
import pytest

from rnnbook import data
from rnnbook.nn.losses import bits_per_token
from rnnbook.show.instruments import generator
from rnnbook.text import Vocabulary
from rnnbook.text.language_model import LanguageModel

TEXT = "a tale of <b>three</b> cities"


@pytest.fixture
def model():
    """Return a small model with a vocabulary and an embedding."""
    model = LanguageModel(Vocabulary(TEXT, "characters"), 6, embedding=4, seed=3)
    model.parameters["dense/W_hy"][2] = 0  # a row whose scale would be 0
    return model


def exact(model):
    """Return the weights that are rounded: an embedding E and W_x after it are one matrix."""
    weights = dict(model.parameters)
    if "embedding/E" in weights:
        weights["recurrent/W_x"] = weights["recurrent/W_x"] @ weights.pop("embedding/E").T
    return weights


@pytest.mark.parametrize("embedding", [4, None])
def test_no_weight_moves_by_more_than_half_a_step(model, embedding):
    model = model if embedding else LanguageModel(Vocabulary(TEXT, "characters"), 5, seed=1)
    before = {name: array.copy() for name, array in model.parameters.items()}
    rounded, wanted = generator.round_weights(model).parameters, exact(model)
    assert rounded.keys() == wanted.keys()
    for name, array in wanted.items():
        assert rounded[name].shape == array.shape
        if array.ndim == 1:
            assert np.array_equal(rounded[name], array)
            continue
        step = np.abs(array).max(axis=1, keepdims=True) / 127
        assert (np.abs(rounded[name] - array) <= 0.501 * step).all()
    for name, array in before.items():
        assert np.array_equal(model.parameters[name], array), "the model itself is left alone"


def test_a_row_of_zeros_stays_zero(model):
    assert (generator.round_weights(model).parameters["dense/W_hy"][2] == 0).all()


def test_rounding_twice_changes_nothing(model):
    once = generator.round_weights(model)
    again = generator.round_weights(once)
    for name, array in once.parameters.items():
        np.testing.assert_allclose(again.parameters[name], array, rtol=1e-6, atol=0)


def test_the_rounded_model_writes_with_the_same_vocabulary(model):
    assert generator.round_weights(model).tokens == model.tokens
    assert generator.round_weights(model).generate(20, "a tale").startswith("a tale")


def test_the_page_gets_each_array_whole(model):
    packed = json.loads(json.dumps(generator.pack(model)))
    content = base64.b64decode(packed["bytes"])
    for name, array in generator.round_weights(model).parameters.items():
        kind, shape, at = packed["arrays"][name]
        assert tuple(shape) == array.shape
        dtype = np.dtype("<f4") if kind == "f" else np.dtype(np.int8)
        assert at % 4 == 0
        got = np.frombuffer(content, dtype, array.size, at).reshape(shape)
        if kind == "i":
            _, (rows,), start = packed["arrays"][f"{name} scale"]
            got = got * np.frombuffer(content, "<f4", rows, start)[:, None]
        np.testing.assert_allclose(got, array, rtol=1e-6)


def test_rounding_costs_less_than_two_thousandths_of_a_bit(capsys):
    """The page gets less than 400 kB, and its model predicts as that of chapter 8."""
    trained = generator.load()
    size = len(base64.b64decode(generator.pack(trained)["bytes"]))
    assert size < 400_000
    held = trained.encode(data.novel("validation"))[:20_000]
    models = (trained, generator.round_weights(trained))
    bits = [bits_per_token(model.log_probabilities(held)) for model in models]
    with capsys.disabled():
        print(f"\n{size / 1000:.0f} kB; {bits[0]:.4f} bits, rounded {bits[1]:.4f}")
    assert abs(bits[1] - bits[0]) < 2e-3
