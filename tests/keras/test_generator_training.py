"""Training the generator: what is learned, and that a stop loses nothing."""

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import pytest

from rnnbook import data
from rnnbook.keras import Generator, progress, stateful_dataset, train, training
from rnnbook.text import Vocabulary, checkpoints, stateful_batches

TEXT = data.novel("train")[:12_000]
LETTERS = Vocabulary(TEXT, "characters")
IDS = LETTERS.encode(TEXT)
LEARN, HELD = IDS[:8000], IDS[8000:]
RECIPE = {"rate": 5e-3, "warmup": 5, "B": 8, "T": 16, "progress": False}


def fresh(**options):
    return Generator(LETTERS, 16, "gru", embedding=8, seed=1, **options)


def stored(folder):
    """Return the history that a folder holds."""
    return checkpoints.load(folder / "training.npz", training.KIND, training.VERSION)[1]["history"]


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


class Rates(keras.callbacks.Callback):
    """Note the learning rate of each step."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def on_train_batch_begin(self, batch, logs=None):
        """Note the rate of this step."""
        self.noted.append(float(self.model.optimizer.learning_rate))


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


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a model that was trained without a stop, its history and its folder."""
    generator, folder = fresh(), tmp_path_factory.mktemp("whole")
    return generator, train(generator, LEARN, HELD, 4, **RECIPE, folder=folder), folder


def test_the_dataset_is_that_of_stateful_batches():
    wanted = list(stateful_batches(LEARN, 8, 16))
    given = list(stateful_dataset(LEARN, 8, 16).as_numpy_iterator())
    assert len(given) == len(wanted) == len(stateful_dataset(LEARN, 8, 16))
    for (x, y), (u, v) in zip(given, wanted, strict=True):
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)


def test_it_learns(whole):
    _, history, _ = whole
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["training"] < history[0]["training"] - 0.5
    assert history[-1]["held_out"] < history[0]["held_out"] - 0.3


def test_the_held_out_bits_are_those_of_rows_that_start_from_zero(whole):
    generator, history, _ = whole
    best = min(row["held_out"] for row in history)
    assert bits_in_rows(generator, HELD, 8, 16) == pytest.approx(best, abs=1e-4)


def test_training_carries_the_state_and_starts_each_epoch_from_zero():
    """At a rate of nearly nothing, each epoch's bits are those of the first weights."""
    generator = fresh(dropout=0.0)
    rng = np.random.default_rng(0)
    generator.set_weights([rng.normal(0, 0.5, w.shape) for w in generator.get_weights()])
    wanted = bits_in_rows(generator, LEARN[:2500], 8, 16)
    history = train(generator, LEARN[:2500], HELD[:400], 2, **RECIPE | {"rate": 1e-12})
    for row in history:
        assert row["training"] == pytest.approx(wanted, abs=1e-4)


def test_each_epoch_drops_other_units():
    # At a rate at which no weight moves, only what is dropped tells two epochs apart.
    for dropout, same in ((0.0, True), (0.5, False)):
        history = train(
            fresh(dropout=dropout), LEARN[:600], HELD[:400], 2, **RECIPE | {"rate": 1e-12}
        )
        assert (abs(history[0]["training"] - history[1]["training"]) < 1e-5) == same


def test_training_that_gets_worse_keeps_the_best_and_patience_ends_it(tmp_path):
    generator, scrap, held = fresh(dropout=0.0), LEARN[:400], HELD[:1000]
    recipe = RECIPE | {"B": 4, "rate": 3e-2, "patience": 3, "folder": tmp_path}
    history = train(generator, scrap, held, 60, **recipe)
    held_out = [row["held_out"] for row in history]
    best = int(np.argmin(held_out))
    assert len(history) == best + 1 + 3 < 60
    assert bits_in_rows(generator, held, 4, 16) == pytest.approx(held_out[best], abs=1e-4)
    assert train(fresh(dropout=0.0), scrap, held, 60, **recipe) == history  # it is over


SHORT = RECIPE | {"B": 4}


@pytest.fixture(scope="module")
def short():
    """Return history, weights and learning rates of a short training without stop or folder."""
    generator, rates = fresh(), Rates()
    history = train(generator, LEARN[:1500], HELD[:400], 3, **SHORT, callbacks=[rates])
    return history, generator.get_weights(), rates.noted


def goes_on(short, folder):
    """Assert that a training goes on in a folder to the same numbers as one without a stop."""
    generator = fresh()
    assert train(generator, LEARN[:1500], HELD[:400], 3, **SHORT, folder=folder) == short[0]
    for ours, theirs in zip(generator.get_weights(), short[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_stopped_by_ctrl_c_it_goes_on_to_the_same_numbers(short, tmp_path):
    generator, texts = fresh(), (LEARN[:1500], HELD[:400])
    with pytest.raises(KeyboardInterrupt):
        train(generator, *texts, 3, **SHORT, folder=tmp_path, callbacks=[Stop(2)])
    assert stored(tmp_path) == short[0][:2]
    best = min(row["held_out"] for row in short[0][:2])  # what was learned is not lost
    assert bits_in_rows(generator, texts[1], 4, 16) == pytest.approx(best, abs=1e-4)
    goes_on(short, tmp_path)


def test_ended_at_any_moment_of_storing_it_goes_on(short, tmp_path, monkeypatch):
    """Each file is whole before it gets its name: so end each run before its third file does."""
    replace, given = Path.replace, []

    def ended(part, target):
        if len(given) == 2:
            raise SystemExit
        given.append(target.name)
        replace(part, target)

    (tmp_path / "history.json").touch()  # of a version before this one
    runs = []
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", ended)
        for _ in range(3):
            with pytest.raises(SystemExit):
                train(fresh(), LEARN[:1500], HELD[:400], 3, **SHORT, folder=tmp_path)
            runs.append([name.split(".")[0] for name in given])
            given.clear()
    assert runs == [["training", "best"], ["best", "training"], ["best", "training"]]
    goes_on(short, tmp_path)


def test_a_full_disk_leaves_the_best_model_whole(short, tmp_path, monkeypatch):
    save, kept = Generator.save, []

    def full(model, path):
        if not kept:
            kept.append(model.get_weights())
            save(model, path)
            return
        Path(path).write_bytes(b"PK half of it")
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Generator, "save", full)
        with pytest.raises(OSError, match="No space left"):
            train(fresh(), LEARN[:1500], HELD[:400], 3, **SHORT, folder=tmp_path)
    best = keras.models.load_model(tmp_path / "best.keras")
    for ours, theirs in zip(best.get_weights(), kept[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["best.keras", "training.npz"]
    goes_on(short, tmp_path)


def test_a_flipped_bit_or_half_a_file_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "training.npz"
    whole, refused = file.read_bytes(), 0
    right, description = checkpoints.load(file, training.KIND, training.VERSION)
    rng = np.random.default_rng(0)
    for bit in rng.integers(0, 8 * len(whole), 200).tolist():
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        try:
            arrays, words = checkpoints.load(file, training.KIND, training.VERSION)
        except ValueError:
            refused += 1
            continue
        assert words == description
        for name, array in right.items():
            np.testing.assert_array_equal(arrays[name], array)
    assert refused > 150
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"training.npz"):
            train(fresh(), LEARN[:600], HELD[:200], 1, **SHORT, folder=tmp_path)
    file.unlink()
    with pytest.raises(ValueError, match=r"holds a best.keras, but no training.npz"):
        train(fresh(), LEARN[:600], HELD[:200], 1, **SHORT, folder=tmp_path)


def test_two_at_once_in_one_folder_leave_it_whole(short, tmp_path):
    """Another training stores all it has whenever this one is about to."""

    class Other(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                goes_on(short, tmp_path)

    generator = fresh()
    history = train(
        generator, LEARN[:1500], HELD[:400], 3, **SHORT, folder=tmp_path, callbacks=[Other()]
    )
    assert history == short[0]
    goes_on(short, tmp_path)


def test_numpy_numbers_as_settings_are_stored(tmp_path):
    settings = {name: np.int64(value) for name, value in (("warmup", 5), ("B", 4), ("T", 16))}
    settings |= {name: np.float32(2**-7) for name in ("rate", "clip", "decay")}
    settings |= {"patience": np.int32(2), "progress": False, "folder": tmp_path}
    texts = LEARN[:1500], HELD[:400].astype(np.uint8)
    history = train(fresh(), *texts, np.int64(1), **settings)
    assert train(fresh(), *texts, 1, **settings | {"rate": 2**-7, "B": 4}) == history


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_under_any_dtype_policy_it_trains(policy):
    """Under mixed_float16 too: see below."""
    generator = fresh(dtype=policy)
    (row,) = train(generator, LEARN[:600], HELD[:200], 1, **SHORT | {"rate": 1e-3})
    assert 0 < row["held_out"] < 10
    assert len(generator.generate(5)) > 0


def test_in_mixed_precision_it_goes_on_to_the_same_numbers(tmp_path):
    texts, recipe = (LEARN[:600], HELD[:200]), SHORT | {"folder": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        train(fresh(dtype="mixed_float16"), *texts, 3, **recipe, callbacks=[Stop(1)])
    history = train(fresh(dtype="mixed_float16"), *texts, 3, **recipe)
    generator = fresh(dtype="mixed_float16")
    assert history == train(generator, *texts, 3, **SHORT)
    assert 0 < history[-1]["held_out"] < history[0]["held_out"] < 10
    assert len(generator.generate(5)) > 0


def test_a_finished_training_is_not_made_again(whole, monkeypatch):
    monkeypatch.setattr(Generator, "save", None)  # nothing may be stored anew
    again = fresh()
    assert train(again, LEARN, HELD, 4, **RECIPE, folder=whole[2]) == whole[1]
    assert bits_in_rows(again, HELD, 8, 16) == pytest.approx(whole[1][-1]["held_out"], abs=1e-4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a training, which was given its name from the home on."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        train(fresh(), LEARN[:600], HELD[:200], 1, **SHORT, folder="~/models/one")
    return home / "models" / "one"


def test_a_home_in_the_folder_s_name_is_found(folder):
    assert (folder / "best.keras").is_file()


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"rate": 4e-3}, "rate"),
        ({"T": 20}, "T"),
        ({"warmup": 6}, "warmup"),
        ({"clip": 0.5}, "clip"),
        ({"clip": None}, "clip"),
        ({"decay": 0.1}, "decay"),
        ({"patience": 2}, "patience"),
        ({"epochs": 2}, "epochs"),
        ({"ids": LEARN[1:601]}, "ids"),
        ({"held_out": HELD[1:201]}, "held_out"),
        ({"generator": {"dropout": 0.1}}, "model"),
        ({"generator": {"dtype": "float64"}}, "model"),
    ],
    ids=str,
)
def test_a_folder_of_another_training_is_refused(folder, changed, name):
    before = (folder / "training.npz").read_bytes()
    given = {"generator": {}, "ids": LEARN[:600], "held_out": HELD[:200], "epochs": 1}
    given = given | SHORT | changed
    generator = fresh(**given.pop("generator"))
    with pytest.raises(ValueError, match=f"is of a training with other {name} "):
        train(generator, **given, folder=folder)
    assert (folder / "training.npz").read_bytes() == before


def test_faults_are_named():
    with pytest.raises(ValueError, match=r"^ids must hold at least 129 tokens"):
        train(fresh(), LEARN[:100], HELD, 1, **RECIPE)
    with pytest.raises(ValueError, match=r"^held_out must hold at least 129 tokens"):
        train(fresh(), LEARN, HELD[:9], 1, **RECIPE)
    with pytest.raises(ValueError, match="held_out must be"):
        train(fresh(), LEARN, np.full(200, 10**6), 1, **RECIPE)
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        train(fresh(), LEARN, HELD, 0, **RECIPE)
    with pytest.raises(ValueError, match="warmup must be less than the 62 steps of 1 epochs"):
        train(fresh(), LEARN, HELD, 1, **RECIPE | {"warmup": 999})
    with pytest.raises(FloatingPointError, match="training stopped in epoch 1"):
        train(fresh(), LEARN, HELD, 1, **RECIPE | {"rate": 1e38, "clip": None})


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("rate", value) for value in (0, -0.01, NAN, INF, "0.1", None, True, lambda step: 0.1)),
        *(("clip", value) for value in (0, -1, NAN, INF, "1", True)),
        *(("decay", value) for value in (-1, NAN, INF, "0", None)),
        *(("patience", value) for value in (0, 1.5, NAN)),
        *(("warmup", value) for value in (0, 1.5, -1)),
    ],
)
def test_settings_that_mean_nothing_are_refused_before_the_first_step(tmp_path, name, value):
    folder, generator = tmp_path / "new", fresh()
    before = generator.get_weights()
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must be"):
        train(generator, LEARN, HELD, 1, **RECIPE | {name: value}, folder=folder)
    assert not folder.exists()
    for old, new in zip(before, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_gradients_are_clipped_by_their_joint_norm():
    """Of norms 3 and 4, jointly 5, a limit of 1 leaves a fifth: 0.06 and 0.08 in AdamW's mean."""
    weights = [keras.Variable(np.zeros(1)), keras.Variable(np.zeros(1))]
    adamw = training.optimizer(0.1, 1, 10, 0.0, 1.0)
    adamw.build(weights)
    adamw.apply([np.array([3.0], "float32"), np.array([4.0], "float32")])
    means = [float(v.numpy()[0]) for v in adamw.variables if v.path.endswith("momentum")]
    np.testing.assert_allclose(means, [0.1 * 3 / 5, 0.1 * 4 / 5], rtol=1e-5)


def test_the_rate_rises_and_falls_to_zero_over_all_steps(short):
    *_, rates = short
    steps, warmup, peak = 3 * (1499 // (4 * 16)), 5, SHORT["rate"]
    assert len(rates) == steps
    at = np.arange(steps)
    rising = peak / warmup + (peak - peak / warmup) * at / warmup
    falling = peak * (1 + np.cos(np.pi * (at - warmup) / (steps - warmup))) / 2
    np.testing.assert_allclose(rates, np.where(at < warmup, rising, falling), rtol=1e-4)


# A real kill, of a process of its own.

RUN = """
import sys
from test_generator_training import *
train(fresh(), LEARN, HELD, 4, **RECIPE, folder=sys.argv[1])
"""


def process(folder):
    here = os.path.dirname(__file__)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([here, os.path.dirname(os.path.dirname(here))])
    }
    command = [sys.executable, "-c", RUN, str(folder)]
    return subprocess.Popen(command, env=environment)


@pytest.mark.slow
def test_killed_it_goes_on_to_the_same_numbers(whole, tmp_path):
    victim = process(tmp_path)
    while not ((tmp_path / "training.npz").is_file() and stored(tmp_path)):
        assert victim.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert 1 <= len(stored(tmp_path)) < 4
    given = train(fresh(), LEARN, HELD, 4, **RECIPE, folder=tmp_path)
    for ours, theirs in zip(given, whole[1], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


# What is shown.


def test_nothing_is_shown_where_nobody_looks(monkeypatch):
    monkeypatch.setenv("RNNBOOK_PROGRESS", "0")
    assert progress.displays([], 10, 2) == []
    assert len(progress.displays([], 10, 2, progress=True)) == 1
    monkeypatch.delenv("RNNBOOK_PROGRESS")
    assert [type(c) for c in progress.displays([], 10, 2)] == [progress._Bar]
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    assert [type(c) for c in progress.displays([], 10, 2)] == [progress._Bar, progress._Curve]


def test_the_bar_says_epochs_and_bits_and_the_curve_is_drawn_again(monkeypatch, capsys):
    drawn = []

    class Handle:
        def update(self, figure):
            drawn.append(figure)

    def display(figure, display_id):
        drawn.append(figure)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    history = train(fresh(), LEARN[:1500], HELD[:400], 2, **SHORT | {"progress": True})
    out, err = capsys.readouterr()
    assert out == ""
    for row in history:
        assert f"epoch {row['epoch']} of 2: training {row['training']:.3f}" in err
        assert f"held-out {row['held_out']:.3f} bits" in err
    assert len(drawn) == 2  # in one place
    lines = drawn[-1].axes[0].lines
    np.testing.assert_allclose(lines[1].get_ydata(), [row["held_out"] for row in history])


# The command.


@pytest.mark.slow
def test_the_command_trains_on_a_book_of_your_own_and_goes_on(tmp_path, monkeypatch, capsys):
    """The second time in this process: to start Keras takes ten seconds."""
    book, folder = tmp_path / "book.txt", tmp_path / "model"
    book.write_text(TEXT, "utf-8")
    tool = Path(__file__).parents[2] / "examples" / "train.py"
    options = "--units 8 --embedding 4 --epochs 1 --rows 4 --steps 8 --unit words --cell gru"
    command = [str(tool), str(book), "--folder", str(folder), *options.split()]
    run = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    monkeypatch.setattr(sys, "argv", command)
    runpy.run_path(command[0], run_name="__main__")
    out, err = capsys.readouterr()
    assert "book.txt: utf-8, " in run.stdout
    said = [re.search(r"[\d.]+ bits per token held out", words)[0] for words in (run.stdout, out)]
    assert said[0] == said[1]
    assert "epoch 1 of 1" in run.stderr
    assert "epoch 1 of 1" not in err  # it was over
    assert keras.models.load_model(folder / "best.keras").unit == "words"


def test_the_command_keeps_the_last_tenth_of_a_book_for_the_test(tmp_path):
    path = Path(__file__).parents[2] / "examples" / "train.py"
    texts = runpy.run_path(str(path), run_name="examples.train")["texts"]
    (tmp_path / "book.txt").write_text("a" * 800 + "b" * 100 + "c" * 100, "utf-8")
    assert texts([tmp_path / "book.txt"]) == ("a" * 800, "b" * 100)
