"""The generator's weights in whole numbers: how far rounding goes, what the page gets."""

import base64
import json

import numpy as np
import pytest

from rnnbook import data
from rnnbook.instruments import weights
from rnnbook.language_model import LanguageModel
from rnnbook.text import Vocabulary


@pytest.fixture
def stored(tmp_path):
    """Return a small model with a vocabulary, and its file of whole numbers."""
    model = LanguageModel(Vocabulary("a tale of <b>three</b> cities", "characters"), 6, seed=3)
    model.parameters["dense/W_hy"][2] = 0  # a row whose scale would be 0
    weights.store(model, tmp_path / "small.npz")
    return model, tmp_path / "small.npz"


def test_no_weight_moves_by_more_than_half_a_step(stored):
    model, path = stored
    rounded = weights.restored(path).parameters
    assert rounded.keys() == model.parameters.keys()
    for name, exact in model.parameters.items():
        if exact.ndim == 1:
            assert np.array_equal(rounded[name], exact)
            continue
        step = np.abs(exact).max(axis=1, keepdims=True) / 127
        assert (np.abs(rounded[name] - exact) <= 0.501 * step).all()
    assert (rounded["dense/W_hy"][2] == 0).all()


def test_rounding_twice_changes_nothing(stored, tmp_path):
    once = weights.restored(stored[1])
    weights.store(once, tmp_path / "again.npz")
    again = weights.restored(tmp_path / "again.npz")
    for name, array in once.parameters.items():
        np.testing.assert_allclose(again.parameters[name], array, rtol=1e-6, atol=0)


def test_the_restored_model_writes_with_the_same_vocabulary(stored):
    model, path = stored
    assert weights.restored(path).tokens == model.tokens
    assert weights.restored(path).generate(20, "a tale").startswith("a tale")


def test_the_page_gets_each_array_whole(stored):
    packed = json.loads(json.dumps(weights.packed(stored[1])))
    content = base64.b64decode(packed["bytes"])
    rounded = weights.restored(stored[1]).parameters
    for name, array in rounded.items():
        kind, shape, at = packed["arrays"][name]
        assert tuple(shape) == array.shape
        dtype = np.dtype("<f4") if kind == "f" else np.dtype(np.int8)
        assert at % 4 == 0
        got = np.frombuffer(content, dtype, array.size, at).reshape(shape)
        if kind == "i":
            _, (rows,), start = packed["arrays"][f"{name} scale"]
            got = got * np.frombuffer(content, "<f4", rows, start)[:, None]
        np.testing.assert_allclose(got, array, rtol=1e-6)


def test_a_file_of_another_kind_is_refused(stored, tmp_path):
    stored[0].save(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="it is a rnnbook language model file"):
        weights.restored(tmp_path / "model.npz")


def test_the_course_s_file_is_small_and_names_its_license():
    assert data.path(weights.FILE).stat().st_size < 400_000
    entry = next(e for e in data._manifest()["file"] if e["name"] == weights.FILE)
    assert entry["licence"] == "CC0-1.0"
    assert entry["bits"] - entry["bits_before_rounding"] < 0.005
