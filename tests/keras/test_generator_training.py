"""Training the generator: what is learned, and that a stop loses nothing."""

import json
import os
import re
import signal
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import pytest

from rnnbook import data
from rnnbook.keras import Generator, stateful_dataset, train
from rnnbook.keras import progress as shown
from rnnbook.text import Vocabulary, stateful_batches

TEXT = data.novel("train")[:12_000]
LETTERS = Vocabulary(TEXT, "characters")
IDS = LETTERS.encode(TEXT)
LEARN, HELD = IDS[:8000], IDS[8000:]
RECIPE = {"rate": 5e-3, "warmup": 5, "B": 8, "T": 16, "progress": False}


def fresh(**options):
    return Generator(LETTERS, 16, "gru", embedding=8, seed=1, **options)


def bits_in_rows(generator, ids, B, T):
    """Return the bits per token of B rows of a text, each read from zero, by the NumPy model."""
    batches, state, nats = list(stateful_batches(ids, B, T)), None, []
    model = generator.to_numpy()
    for x, y in batches:
        logits, state = model.forward(x, state)
        logits = logits - logits.max(axis=2, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
        nats.append(-np.take_along_axis(log_p, y[..., None], axis=2).mean())
    return np.mean(nats) / np.log(2)


@pytest.fixture(scope="module")
def whole():
    """Return a model that was trained without a stop, and its history."""
    generator = fresh()
    return generator, train(generator, LEARN, HELD, 4, **RECIPE)


def test_the_dataset_is_that_of_stateful_batches():
    wanted = list(stateful_batches(LEARN, 8, 16))
    given = list(stateful_dataset(LEARN, 8, 16).as_numpy_iterator())
    assert len(given) == len(wanted) == len(stateful_dataset(LEARN, 8, 16))
    for (x, y), (u, v) in zip(given, wanted, strict=True):
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)


def test_it_learns(whole):
    _, history = whole
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["training"] < history[0]["training"] - 0.5
    assert history[-1]["held_out"] < history[0]["held_out"] - 0.3


def test_the_held_out_bits_are_those_of_rows_that_start_from_zero(whole):
    generator, history = whole
    best = min(row["held_out"] for row in history)
    assert bits_in_rows(generator, HELD, 8, 16) == pytest.approx(best, abs=1e-4)


def test_training_carries_the_state_and_starts_each_epoch_from_zero():
    """At a rate of nearly nothing, each epoch's bits are those of the first weights."""
    generator = fresh(dropout=0.0)
    rng = np.random.default_rng(0)
    generator.set_weights([rng.normal(0, 0.5, w.shape) for w in generator.get_weights()])
    wanted = bits_in_rows(generator, LEARN, 8, 16)
    history = train(generator, LEARN, HELD, 2, **RECIPE | {"rate": 1e-12})
    for row in history:
        assert row["training"] == pytest.approx(wanted, abs=1e-4)


def test_training_that_gets_worse_keeps_the_best_and_patience_ends_it(tmp_path):
    generator, scrap = fresh(dropout=0.0), LEARN[:400]
    recipe = RECIPE | {"B": 4, "rate": 3e-2, "patience": 3, "folder": tmp_path}
    history = train(generator, scrap, HELD, 60, **recipe)
    held_out = [row["held_out"] for row in history]
    best = int(np.argmin(held_out))
    assert len(history) == best + 1 + 3 < 60
    assert bits_in_rows(generator, HELD, 4, 16) == pytest.approx(held_out[best], abs=1e-4)
    assert train(fresh(dropout=0.0), scrap, HELD, 60, **recipe) == history  # it is over


class Stop(keras.callbacks.Callback):
    """Press Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.now = epoch, None

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch."""
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Stop at its eighth step."""
        if (self.now, batch) == (self.epoch, 7):
            raise KeyboardInterrupt


def test_stopped_by_ctrl_c_it_goes_on_to_the_same_numbers(whole, tmp_path):
    generator = fresh()
    with pytest.raises(KeyboardInterrupt):
        train(generator, LEARN, HELD, 4, **RECIPE, folder=tmp_path, callbacks=[Stop(2)])
    stored = json.loads((tmp_path / "history.json").read_text("utf-8"))["epochs"]
    assert stored == whole[1][:2]
    best = min(row["held_out"] for row in stored)  # what was learned is not lost
    assert bits_in_rows(generator, HELD, 8, 16) == pytest.approx(best, abs=1e-4)
    other = fresh()
    assert train(other, LEARN, HELD, 4, **RECIPE, folder=tmp_path) == whole[1]
    for ours, theirs in zip(other.get_weights(), whole[0].get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_kill_between_the_weights_and_their_number_does_no_harm(whole, tmp_path):
    train(fresh(), LEARN, HELD, 4, **RECIPE, folder=tmp_path)
    (tmp_path / "backup" / "training_metadata.json").write_text('{"epoch": 3, "batch": 0}')
    assert train(fresh(), LEARN, HELD, 4, **RECIPE, folder=tmp_path) == whole[1]


def test_a_finished_training_is_not_made_again(whole, tmp_path, monkeypatch):
    train(fresh(), LEARN, HELD, 4, **RECIPE, folder=tmp_path)
    monkeypatch.setattr(Generator, "save", None)  # nothing may be stored anew
    again = fresh()
    assert train(again, LEARN, HELD, 4, **RECIPE, folder=tmp_path) == whole[1]
    assert bits_in_rows(again, HELD, 8, 16) == pytest.approx(whole[1][-1]["held_out"], abs=1e-4)


@pytest.mark.parametrize(
    ("changed", "name"), [({"rate": 4e-3}, "rate"), ({"T": 20}, "T"), ({"warmup": 6}, "warmup")]
)
def test_a_folder_of_another_training_is_refused(tmp_path, changed, name):
    train(fresh(), LEARN[:2000], HELD[:400], 1, **RECIPE, folder=tmp_path)
    with pytest.raises(ValueError, match=f"is of a training with other {name}"):
        train(fresh(), LEARN[:2000], HELD[:400], 1, **RECIPE | changed, folder=tmp_path)


def test_faults_are_named():
    with pytest.raises(ValueError, match=r"at least B \* T \+ 1 = 129 tokens"):
        train(fresh(), LEARN[:100], HELD, 1, **RECIPE)
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        train(fresh(), LEARN, HELD, 0, **RECIPE)
    with pytest.raises(ValueError, match="must be at least 1000"):
        train(fresh(), LEARN, HELD, 1, **RECIPE | {"warmup": 999})
    with pytest.raises(FloatingPointError, match="training stopped in epoch 1"):
        train(fresh(), LEARN, HELD, 1, **RECIPE | {"rate": 1e38, "clip": None})


# A real kill, of a process of its own.

RUN = """
import sys
from test_generator_training import *
print(json.dumps(train(fresh(), LEARN, HELD, 4, **RECIPE, folder=sys.argv[1])))
"""


def process(folder):
    here = os.path.dirname(__file__)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([here, os.path.dirname(os.path.dirname(here))])
    }
    command = [sys.executable, "-c", RUN, str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_it_goes_on_to_the_same_numbers(whole, tmp_path):
    victim, history = process(tmp_path), tmp_path / "history.json"
    while not (history.is_file() and json.loads(history.read_text("utf-8"))["epochs"]):
        assert victim.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert 1 <= len(json.loads(history.read_text("utf-8"))["epochs"]) < 4
    second = process(tmp_path)
    words, _ = second.communicate()
    assert second.returncode == 0
    given = json.loads(words.splitlines()[-1])
    for ours, theirs in zip(given, whole[1], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


# What is shown.


def test_nothing_is_shown_where_nobody_looks(monkeypatch):
    monkeypatch.setenv("RNNBOOK_PROGRESS", "0")
    assert shown.callbacks(None, 10, 2) == []
    assert len(shown.callbacks(None, 10, 2, progress=True)) == 1
    monkeypatch.delenv("RNNBOOK_PROGRESS")
    assert [type(c) for c in shown.callbacks(None, 10, 2)] == [shown.Bar]
    monkeypatch.setattr(shown, "in_notebook", lambda: True)
    assert [type(c) for c in shown.callbacks(None, 10, 2)] == [shown.Bar, shown.Curve]


def test_the_bar_says_epochs_and_bits(capsys):
    history = train(fresh(), LEARN[:2000], HELD, 2, **RECIPE | {"progress": True})
    out, err = capsys.readouterr()
    assert out == ""
    for row in history:
        assert f"epoch {row['epoch']} of 2: training {row['training']:.3f}" in err
        assert f"held-out {row['held_out']:.3f} bits" in err


def test_the_curve_is_drawn_again_in_its_place(monkeypatch):
    drawn = []

    class Handle:
        def update(self, figure):
            drawn.append(figure)

    def display(figure, display_id):
        drawn.append(figure)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(shown, "in_notebook", lambda: True)
    history = train(fresh(), LEARN[:2000], HELD, 2, **RECIPE | {"progress": True})
    assert len(drawn) == 2
    lines = drawn[-1].axes[0].lines
    np.testing.assert_allclose(lines[1].get_ydata(), [row["held_out"] for row in history])


# The command.


@pytest.mark.slow
def test_the_command_trains_on_a_book_of_your_own_and_goes_on(tmp_path):
    book, folder = tmp_path / "book.txt", tmp_path / "model"
    book.write_text(TEXT, "utf-8")
    tool = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "tools", "train.py")
    options = "--units 8 --embedding 4 --epochs 1 --rows 4 --steps 8 --unit words --cell gru"
    command = [sys.executable, tool, str(book), "--folder", str(folder), *options.split()]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    assert "read" in runs[0].stdout
    assert "utf-8" in runs[0].stdout
    said = [re.search(r"[\d.]+ bits per token held out", run.stdout)[0] for run in runs]
    assert said[0] == said[1]
    assert "epoch 1 of 1" in runs[0].stderr
    assert "epoch 1 of 1" not in runs[1].stderr  # it was over
    assert keras.models.load_model(folder / "best.keras").unit == "words"
