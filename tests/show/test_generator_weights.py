"""The weights of the model in the page: folded, rounded, and what the page gets of them."""

import base64
import json

import numpy as np
import pytest

from rnnbook import data
from rnnbook.nn.losses import bits_per_token
from rnnbook.show.instruments import weights
from rnnbook.text import Vocabulary
from rnnbook.text.language_model import LanguageModel

TEXT = "a tale of <b>three</b> cities"


@pytest.fixture
def model():
    """Return a small model with a vocabulary and an embedding."""
    model = LanguageModel(Vocabulary(TEXT, "characters"), 6, embedding=4, seed=3)
    model.parameters["dense/W_hy"][2] = 0  # a row whose scale would be 0
    return model


def test_without_its_embedding_a_model_predicts_the_same(model):
    twin = weights.folded(model)
    assert twin.parameters.keys() == model.parameters.keys() - {"embedding/E"}
    assert twin.parameters["recurrent/W_x"].shape == (24, model.V)
    ids = model.encode(TEXT)
    wanted = model.log_probabilities(ids)
    np.testing.assert_allclose(twin.log_probabilities(ids), wanted, atol=1e-5)
    assert twin.tokens == model.tokens


def test_a_model_of_one_hot_codes_stays_as_it_is():
    model = LanguageModel(Vocabulary(TEXT, "characters"), 5, seed=1)
    for name, array in weights.folded(model).parameters.items():
        np.testing.assert_array_equal(array, model.parameters[name])


def test_no_weight_moves_by_more_than_half_a_step(model):
    rounded, exact = weights.rounded(model).parameters, weights.folded(model).parameters
    assert rounded.keys() == exact.keys()
    for name, array in exact.items():
        if array.ndim == 1:
            assert np.array_equal(rounded[name], array)
            continue
        step = np.abs(array).max(axis=1, keepdims=True) / 127
        assert (np.abs(rounded[name] - array) <= 0.501 * step).all()
    assert (rounded["dense/W_hy"][2] == 0).all()


def test_rounding_twice_changes_nothing(model):
    once = weights.rounded(model)
    again = weights.rounded(once)
    for name, array in once.parameters.items():
        np.testing.assert_allclose(again.parameters[name], array, rtol=1e-6, atol=0)


def test_the_rounded_model_writes_with_the_same_vocabulary(model):
    assert weights.rounded(model).tokens == model.tokens
    assert weights.rounded(model).generate(20, "a tale").startswith("a tale")


def test_the_page_gets_each_array_whole(model):
    packed = json.loads(json.dumps(weights.packed(model)))
    content = base64.b64decode(packed["bytes"])
    for name, array in weights.rounded(model).parameters.items():
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
    size = len(base64.b64decode(weights.packed()["bytes"]))
    assert size < 400_000
    exact, rounded = weights.shipped(), weights.rounded()
    held = exact.encode(data.novel("validation"))
    bits = [bits_per_token(model.log_probabilities(held)) for model in (exact, rounded)]
    with capsys.disabled():
        print(f"\n{size / 1000:.0f} kB; {bits[0]:.4f} bits, rounded {bits[1]:.4f}")
    assert abs(bits[1] - bits[0]) < 2e-3
