"""The trained weights in data/weights: they load, say who made them, and give the promised bits."""

import os
import tomllib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import pytest

import rnnbook.keras  # noqa: F401 - Keras must know the class
from rnnbook import data
from rnnbook.nn.losses import bits_per_token
from rnnbook.text import Vocabulary
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.ngram import NGram

MANIFEST = tomllib.loads((data.FOLDER / "manifest.toml").read_text(encoding="utf-8"))
ENTRIES = {f["name"]: f for f in MANIFEST["file"] if f["name"].startswith("weights/")}


@pytest.fixture(scope="module")
def in_keras():
    return keras.models.load_model(data.path("weights/novel-lstm.keras"))


@pytest.fixture(scope="module")
def in_numpy():
    return LanguageModel.load(data.path("weights/novel-lstm.npz"))


@pytest.fixture(scope="module")
def held(in_numpy):
    return in_numpy.encode(data.novel("validation"))


@pytest.fixture(scope="module")
def bits(in_numpy, held):
    """Return the bits per character of the model in NumPy."""
    return bits_per_token(in_numpy.log_probabilities(held))


def test_both_files_hold_the_same_weights_and_tokens(in_keras, in_numpy):
    assert (
        in_keras.tokens == in_numpy.tokens == Vocabulary(data.novel("train"), "characters").tokens
    )
    converted = in_keras.to_numpy().parameters
    assert converted.keys() == in_numpy.parameters.keys()
    for name, array in in_numpy.parameters.items():
        np.testing.assert_array_equal(array, converted[name])


def test_they_give_the_bits_that_the_manifest_promises(in_keras, bits, held):
    in_both = {"keras": bits_per_token(in_keras.log_probabilities(held)), "npz": bits}
    for name, measured in in_both.items():
        promised = ENTRIES[f"weights/novel-lstm.{name}"]["validation_bits"]
        assert measured == pytest.approx(promised, abs=5e-4)


def test_they_beat_the_best_n_gram_by_a_clear_margin(bits, held):
    letters = Vocabulary(data.novel("train"), "characters")
    ids = letters.encode(data.novel("train"))
    counted = min(
        bits_per_token(NGram(ids, n, len(letters)).log_probabilities(held)) for n in (5, 6, 7)
    )
    assert bits < counted - 0.1


def test_the_manifest_says_how_they_were_made():
    entry = ENTRIES["weights/novel-lstm.keras"]
    assert entry["command"].startswith("python examples/train.py")
    assert entry["seed"] == 0
    assert entry["core_seconds"] > 60
    assert {e["licence"] for e in ENTRIES.values()} == {"CC0-1.0"}
    assert sum(e["bytes"] for e in ENTRIES.values()) < 8_000_000
