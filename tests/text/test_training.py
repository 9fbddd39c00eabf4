"""Training: what it computes, what it keeps, and that a stop changes no bit."""

import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest

from rnnbook.data import tasks
from rnnbook.nn.losses import bits_per_token, cross_entropy
from rnnbook.nn.optimizers import SGD, AdamW, clip_by_norm, warmup_cosine
from rnnbook.text import checkpoints, stateful_batches, training
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.ngram import NGram
from rnnbook.text.training import train

V = 5
IDS = tasks.echoes(400, V, lag=2, repeat=0.8, seed=0)
HELD_OUT = tasks.echoes(100, V, lag=2, repeat=0.8, seed=1)
STEPS = 25
RECIPE = {"rate": warmup_cosine(0.03, STEPS, 3), "B": 3, "T": 8, "every": 6, "seed": 4}


def model(cell="lstm", **settings):
    return LanguageModel(V, 7, cell, **{"dropout": 0.2, **settings})


def run(m, steps=STEPS, checkpoint=None, **recipe):
    recipe = {**RECIPE, **recipe}
    return train(m, IDS, HELD_OUT, steps, checkpoint=checkpoint, progress=False, **recipe)


def weights(m):
    return {name: array.copy() for name, array in m.parameters.items()}


def same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert np.array_equal(ours[name], theirs[name]), name


def stop_at(monkeypatch, m, step, error):
    """Let a training stop in the middle of a step: after the backward pass, before the update."""
    backward, calls = m.backward, iter(range(step + 1))

    def stopping(dlogits):
        backward(dlogits)
        if next(calls) == step:
            raise error

    monkeypatch.setattr(m, "backward", stopping)


# What it computes.


@pytest.mark.parametrize(("clip", "rate"), [(None, 0.5), (0.05, 2.0)])
def test_it_is_the_plain_loop(clip, rate):
    ours, theirs = model(), model()
    history = run(ours, clip=clip, rate=rate, optimizer=SGD(), every=STEPS)
    epoch, best, nats = list(stateful_batches(IDS, 3, 8)), weights(theirs), []
    assert len(epoch) < STEPS < 2 * len(epoch)  # the text begins again
    first = bits_per_token(theirs.log_probabilities(HELD_OUT))
    for step in range(STEPS):
        if step % len(epoch) == 0:
            state = None
        x, y = epoch[step % len(epoch)]
        logits, state = theirs.forward(x, state, np.random.default_rng([4, step]))
        loss, dlogits = cross_entropy(logits, y)
        nats.append(loss)
        theirs.backward(dlogits)
        gradients = theirs.gradients
        norm = clip_by_norm(gradients, clip or np.inf)
        assert clip is None or norm > clip
        for name, p in theirs.parameters.items():
            p -= np.float32(rate) * gradients[name]
    last = bits_per_token(theirs.log_probabilities(HELD_OUT))
    assert [row["step"] for row in history] == [0, STEPS]
    assert [row["held_out"] for row in history] == pytest.approx([first, last], rel=1e-6)
    assert history[1]["training"] == pytest.approx(np.mean(nats) / np.log(2), rel=1e-6)
    wanted = weights(theirs) if last < first else best
    for name, p in ours.parameters.items():
        np.testing.assert_allclose(p, wanted[name], atol=1e-5)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_it_learns_what_a_bigram_cannot(cell):
    ids, held_out = (tasks.echoes(n, 4, 2, 0.9, seed) for n, seed in [(20_000, 2), (3000, 3)])
    m = LanguageModel(4, 24, cell)
    train(m, ids, held_out, 400, rate=warmup_cosine(0.02, 400, 20), every=100, progress=False)
    bits = bits_per_token(m.log_probabilities(held_out))
    p = np.array([0.925, 0.025, 0.025, 0.025])
    entropy = -(p * np.log2(p)).sum()
    bigram, trigram = (bits_per_token(NGram(ids, k, 4).log_probabilities(held_out)) for k in (2, 3))
    assert trigram < 1.1 * entropy < 0.4 * bigram
    assert bits < 1.15 * entropy


def test_the_best_weights_are_kept_also_where_the_last_are_worse():
    m = model()
    history = run(m, rate=lambda step: 0.02 if step < 14 else 5.0, every=1)
    held_out = [row["held_out"] for row in history]
    assert [row["step"] for row in history] == list(range(STEPS + 1))
    assert min(held_out) < held_out[0]
    assert min(held_out) < held_out[-1] - 0.5
    assert bits_per_token(m.log_probabilities(HELD_OUT)) == min(held_out)


def test_the_optimizer_given_is_not_changed_and_the_rate_may_be_a_number():
    optimizer, first, second = AdamW(decay=0.1), model(), model()
    for m in (first, second):
        run(m, optimizer=optimizer, rate=0.01)
    assert optimizer.state == {}
    same(weights(first), weights(second))


# Stopped and resumed.


@pytest.fixture(scope="module")
def uninterrupted():
    """Return weights and history of the training that nobody stops."""
    m = model()
    history = run(m)
    return weights(m), history


@pytest.mark.parametrize("stops", [[0], [5], [6], [20], [24], [3, 4, 10]], ids=str)
def test_resumed_training_is_uninterrupted_training_to_the_last_bit(
    uninterrupted, monkeypatch, tmp_path, stops
):
    path = tmp_path / "training.npz"
    for stop in stops:
        m = model()
        stop_at(monkeypatch, m, stop, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            run(m, checkpoint=path)
        # What was best so far is in the model; as here every evaluation was, the last one.
        stored, description = checkpoints.load(path, training.KIND, training.VERSION)
        best = {k.split("/", 1)[1]: a for k, a in stored.items() if k.startswith("best/")}
        same(weights(m), best)
        assert description["step"] % RECIPE["every"] == 0
    m = model(seed=0)
    assert run(m, checkpoint=path) == uninterrupted[1]
    same(weights(m), uninterrupted[0])


def test_a_finished_training_is_not_run_again(uninterrupted, monkeypatch, tmp_path):
    path = tmp_path / "training.npz"
    run(model(), checkpoint=path)
    m = model()
    monkeypatch.setattr(m, "forward", None)
    assert run(m, checkpoint=path) == uninterrupted[1]
    same(weights(m), uninterrupted[0])


KILLED = """
import sys, time
sys.path.insert(0, {tests!r})
from test_training import model, run
m = model()
backward = m.backward
def slowly(dlogits):
    time.sleep(0.02)
    backward(dlogits)
m.backward = slowly
run(m, checkpoint={path!r})
"""


def test_killed_between_two_checkpoints_it_goes_on_to_the_same_numbers(
    uninterrupted, request, tmp_path
):
    path = tmp_path / "training.npz"
    code = KILLED.format(tests=str(request.path.parent), path=str(path))
    process = subprocess.Popen([sys.executable, "-c", code])
    reached, deadline = 0, time.monotonic() + 60
    while reached < 12 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
        if path.exists():
            reached = checkpoints.load(path, training.KIND, training.VERSION)[1]["step"]
    process.kill()
    assert process.wait() != 0
    assert 12 <= reached < STEPS
    m = model()
    assert run(m, checkpoint=path) == uninterrupted[1]
    same(weights(m), uninterrupted[0])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"B": 4}, "B"),
        ({"rate": 0.5}, "rates"),
        ({"optimizer": AdamW(decay=0.2), "clip": 2.0}, "optimizer, clip"),
        ({"steps": 30, "rate": 1.0, "seed": 5}, "steps, seed, rates"),
    ],
    ids=str,
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, change, named):
    path = tmp_path / "training.npz"
    run(model(), checkpoint=path)
    with pytest.raises(ValueError, match=f"is of a training with other {named} "):
        run(model(), checkpoint=path, **change)
    with pytest.raises(ValueError, match="with other model "):
        run(model("gru"), checkpoint=path)
    with pytest.raises(ValueError, match="with other ids, held_out "):
        train(model(), HELD_OUT, IDS, STEPS, checkpoint=path, progress=False, **RECIPE)
    for ids, held_out, named in [(IDS[::-1], HELD_OUT, "ids"), (IDS, HELD_OUT[::-1], "held_out")]:
        with pytest.raises(ValueError, match=f"with other {named} "):
            train(model(), ids, held_out, STEPS, checkpoint=path, progress=False, **RECIPE)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"training.npz is damaged"):
        run(model(), checkpoint=path)
    path.unlink()
    model().save(path)
    with pytest.raises(ValueError, match="its kind is 'rnnbook language model'"):
        run(model(), checkpoint=path)


# Numbers that are no longer finite.


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_training_that_runs_away_stops_and_keeps_the_last_good_weights(cell, clip):
    m, rates = model(cell), [0.01] * 12 + [1e37] * 13
    with pytest.raises(FloatingPointError, match=r"stopped at step 1[2-9]: .*try a lower rate"):
        run(m, rate=rates.__getitem__, clip=clip)
    good = model(cell)
    history = run(good, 12, rate=0.01, clip=clip)
    assert all(before["held_out"] > after["held_out"] for before, after in pairwise(history))
    same(weights(m), weights(good))


def test_a_nan_in_the_weights_is_named_before_the_first_step():
    m = model()
    m.parameters["recurrent/W_h"][0, 0] = np.nan
    with pytest.raises(FloatingPointError, match="stopped at step 0"):
        run(m)


# The progress bar, and bad input.


def test_the_bar_is_on_the_standard_error_and_can_be_silenced(capsys):
    run(model())
    assert capsys.readouterr() == ("", "")
    train(model(), IDS, HELD_OUT, STEPS, **RECIPE)
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{STEPS}/{STEPS}" in err
    assert "held_out_bits" in err


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"steps": 0}, ValueError, "steps must be at least 1, got 0"),
        ({"every": 0}, ValueError, "every must be at least 1"),
        ({"B": 1.0}, TypeError, "B must be a whole number"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"B": 50}, ValueError, r"at least B \* T \+ 1 = 401 tokens for one batch, got 400"),
        ({"clip": 0}, ValueError, "clip must be above 0, got 0"),
        ({"ids": IDS + 1}, ValueError, "from 0 to V - 1 = 4, got 5"),
        ({"held_out": [V]}, ValueError, "^held_out must be from 0 to V - 1 = 4, got 5"),
        ({"held_out": [0.5]}, TypeError, "^held_out must be whole numbers"),
        ({"rate": 0}, ValueError, "^rate must be above 0"),
        ({"rate": -1}, ValueError, "^rate must be above 0"),
        ({"rate": np.nan}, ValueError, "^rate must be finite"),
        ({"rate": "0.1"}, TypeError, "^rate must be a number"),
        (
            {"rate": lambda step: 0.1 if step < 20 else np.nan},
            ValueError,
            r"^rate\(20\) must be fin",
        ),
        ({"clip": np.nan}, ValueError, "^clip must be finite"),
        ({"clip": "1"}, TypeError, "^clip must be a number"),
        ({"optimizer": "adam"}, TypeError, r"^optimizer must be one such as Adam\(\)"),
        ({"optimizer": SGD}, TypeError, r"^optimizer must be one such as Adam\(\)"),
        ({"held_out": []}, ValueError, "held_out must hold at least 1 tokens, got 0"),
    ],
)
def test_bad_input_is_refused_and_explained(change, error, message):
    given = {"ids": IDS, "held_out": HELD_OUT, "steps": STEPS, **RECIPE, **change}
    m = model()
    with pytest.raises(error, match=message):
        train(m, **given, progress=False)
    same(weights(m), weights(model()))


# Faults found in use.


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_numbers_of_numpy_are_settings_that_can_be_stored(kind, tmp_path):
    path, W = tmp_path / "training.npz", np.int64
    settings = {"B": W(3), "T": W(8), "every": W(6), "seed": W(4)}
    ours = model(seed=W(0), dropout=np.float64(0.2))
    given = run(ours, W(12), path, clip=kind(1), rate=kind(1), optimizer=AdamW(decay=kind(1)),
                **settings)  # fmt: skip
    plain = model()
    wanted = run(plain, 12, path, clip=1.0, rate=1.0, optimizer=AdamW(decay=1.0))
    assert given == wanted  # that of the checkpoint: it is the same training
    same(weights(ours), weights(plain))


def test_an_error_of_another_kind_stays_what_it_is(monkeypatch):
    class Broken(AdamW):
        def _step(self, *_):
            raise ValueError("a bug of mine")

    with pytest.raises(ValueError, match=r"^a bug of mine$"):
        run(model(), optimizer=Broken())


def test_the_folder_of_a_checkpoint_is_asked_for_before_the_first_step(tmp_path, monkeypatch):
    m = model()
    monkeypatch.setattr(m, "forward", None)
    with pytest.raises(FileNotFoundError, match="/no is no folder"):
        run(m, checkpoint=tmp_path / "no" / "training.npz")
    monkeypatch.setenv("HOME", str(tmp_path))
    run(model(), 1, "~/training.npz")
    assert (tmp_path / "training.npz").is_file()


def test_the_dropout_of_a_step_does_not_depend_on_where_a_run_began(tmp_path):
    def masks(stops):
        kept, path = [], tmp_path / f"{stops}.npz"
        for stop in [*stops, None]:
            m, since = model(), len(kept)
            learn = m.backward

            def recording(dlogits, m=m, learn=learn):
                kept.append(m._kept.copy())
                learn(dlogits)

            m.backward = recording
            if stop is not None:
                backward, calls = m.backward, iter(range(stop + 1))

                def stopping(dlogits, calls=calls, stop=stop, backward=backward):
                    if next(calls) == stop:
                        raise KeyboardInterrupt
                    backward(dlogits)

                m.backward = stopping
                with pytest.raises(KeyboardInterrupt):
                    run(m, checkpoint=path)
                del kept[since + stop - stop % RECIPE["every"] :]
            else:
                run(m, checkpoint=path)
        return kept

    whole, resumed = masks([]), masks([8])
    assert len(whole) == len(resumed) == STEPS
    assert all(np.array_equal(a, b) for a, b in zip(whole, resumed, strict=True))
    assert len({a.tobytes() for a in whole}) == STEPS


def test_a_checkpoint_that_was_made_up_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "training.npz"
    run(model(), checkpoint=path)
    arrays, description = checkpoints.load(path, training.KIND, training.VERSION)
    description = {k: v for k, v in description.items() if k not in ("kind", "version")}
    for change in ({"recipe": None}, {"recipe": 3}, {"step": None}, {"step": "3"}):
        checkpoints.save(path, training.KIND, 1, arrays, {**description, **change})
        with pytest.raises(ValueError, match="is damaged"):
            run(model(), checkpoint=path)
    for lost in ("recipe", "step", "history"):
        rest = {k: v for k, v in description.items() if k != lost}
        checkpoints.save(path, training.KIND, 1, arrays, rest)
        with pytest.raises(ValueError, match="is damaged"):
            run(model(), checkpoint=path)
    checkpoints.save(path, training.KIND, 1, {**arrays, "games": np.ones(1)}, description)
    with pytest.raises(ValueError, match="is damaged"):
        run(model(), checkpoint=path)
    fewer = {k: v for k, v in arrays.items() if k != "best/dense/b_y"}
    checkpoints.save(path, training.KIND, 1, fewer, description)
    with pytest.raises(ValueError, match="of another model"):
        run(model(), checkpoint=path)
