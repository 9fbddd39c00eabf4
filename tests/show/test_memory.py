"""The passage of the instrument "What does it remember?": fair models, and numbers that fit."""

import base64
import json
import tomllib

import numpy as np
import pytest

from rnnbook import data
from rnnbook.exercises import hint
from rnnbook.nn.losses import bits_per_token
from rnnbook.show import instruments
from rnnbook.show.instruments import memory
from rnnbook.text import Vocabulary

MANIFEST = tomllib.loads((data.FOLDER / "manifest.toml").read_text(encoding="utf-8"))
ENTRIES = {entry["name"]: entry for entry in MANIFEST["file"]}
each_cell = pytest.mark.parametrize("cell", memory.NAMES)


@pytest.fixture(scope="module")
def models():
    return {cell: memory.load(cell) for cell in memory.NAMES}


def content(script):
    return json.loads(script.removeprefix("rnnLive.memory = ").removesuffix(";\n"))


@pytest.fixture(scope="module")
def stored():
    return content((instruments.FOLDER / "memory-data.js").read_text("utf-8"))


def test_the_passage_is_new_to_the_models_and_holds_a_quotation():
    before, read = memory.passage()
    assert len(before) == 400
    assert len(read) == memory.T + 1
    assert before + read in data.novel("test")
    assert read[:40] not in data.novel("train") + data.novel("validation")
    marks = [k for k, character in enumerate(read) if character == '"']
    assert len(marks) == 4
    assert marks[3] - marks[2] == 100


def test_all_have_equally_many_weights_and_the_same_characters(models):
    sizes = [sum(a.size for a in model.parameters.values()) for model in models.values()]
    assert max(sizes) < 1.01 * min(sizes)
    assert len({model.tokens for model in models.values()}) == 1
    kinds = {cell: model.configuration["cell"] for cell, model in models.items()}
    assert kinds == {cell: cell for cell in memory.NAMES}


@each_cell
def test_weights_have_two_bytes_and_compute_with_eight(models, cell):
    for array in models[cell].parameters.values():
        assert array.dtype == np.float64
        assert (array == array.astype(np.float16)).all()


@each_cell
def test_the_manifest_says_how_each_was_made_and_how_good_it_is(models, cell):
    entry = ENTRIES[f"weights/memory-{cell}.npz"]
    assert f"--cell {cell} --units {models[cell].H} " in entry["command"]
    assert entry["seed"] == 0
    assert entry["core_seconds"] > 60
    held = models[cell].encode(data.novel("validation"))
    bits = bits_per_token(models[cell].log_probabilities(held))
    assert bits == pytest.approx(entry["validation_bits"], abs=5e-4)


def test_the_script_holds_a_triangle_and_two_probabilities_a_character(stored):
    T = memory.T
    assert stored["text"] == memory.passage()[1]
    assert stored["models"] == list(memory.NAMES.values())
    assert {len(likely) for likely in stored["likely"]} == {T}
    numbers = np.frombuffer(base64.urlsafe_b64decode(stored["numbers"]), "<f2")
    rows = numbers.reshape(3, T * (T + 1) // 2 + 2 * T)
    assert (rows >= 0).all()
    assert (rows[:, -2 * T :] <= 1).all()
    assert (rows[:, -2 * T : -T] <= rows[:, -T:]).all(), "nothing beats the most probable one"


def test_exercise_7_12_asks_for_what_the_page_shows(stored):
    T = memory.T
    numbers = np.frombuffer(base64.urlsafe_b64decode(stored["numbers"]), "<f2").reshape(3, -1)
    moved = np.zeros((3, T, T))
    moved[:, *np.tril_indices(T)] = numbers[:, : -2 * T]
    assert stored["text"][0] == stored["text"][25] == '"'
    answer = [*moved[:, 11, 0], (moved[:, 124, 25] >= 0.01).sum()]
    assert hint("7.12", answer) is None
    assert (moved[:, 124, 25] < 0.005).all(), "the last answer must not hang on rounding"


def test_a_passage_with_tags_stays_inside_its_script(monkeypatch):
    evil = '</script><img src=x onerror="harm()"><!-- & \u2028 <script>'
    read = (evil * 4)[: memory.T + 1]
    letters = Vocabulary(read, "characters")
    T, V = memory.T, len(letters)
    measured = np.zeros((T, T)), np.full((T, V), 1 / V)
    monkeypatch.setattr(memory, "passage", lambda: ("", read))
    monkeypatch.setattr(memory, "measure", lambda model: measured)
    script = memory.as_script({"rnn": letters})
    assert not set("<>&\u2028") & set(script)
    assert content(script)["text"] == read
