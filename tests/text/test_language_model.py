"""The language model: its gradient, its probabilities, and the text that it writes."""

import copy
import json
import pickle

import numpy as np
import pytest

from rnnbook.nn.losses import cross_entropy, softmax
from rnnbook.text import Vocabulary, checkpoints, language_model
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.ngram import NGram
from rnnbook.text.sampling import gumbel, restricted

V, H = 6, 5
CELLS = ["rnn", "lstm", "gru"]
TEXT = "The games begin. The gate opens, and the games begin again."


def model(cell="lstm", vocabulary=V, scale=1.5, **settings):
    """Return a small model in float64 whose weights are far from zero."""
    made = LanguageModel(vocabulary, H, cell, **{"dtype": "float64", "seed": 1, **settings})
    rng = np.random.default_rng(2)
    for array in made.parameters.values():
        array[...] = scale * rng.normal(size=array.shape)
    return made


each_cell = pytest.mark.parametrize("cell", CELLS)
each_input = pytest.mark.parametrize("embedding", [None, 4])
IDS = np.random.default_rng(3).integers(0, V, 40)


@each_cell
@each_input
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_its_gradient_is_that_of_finite_differences(cell, embedding, dropout):
    m = model(cell, embedding=embedding, dropout=dropout, scale=0.7)
    x, y = IDS[:12].reshape(3, 4), IDS[12:24].reshape(3, 4)

    def loss():
        return cross_entropy(m.forward(x, rng=np.random.default_rng(4))[0], y)

    m.backward(loss()[1])
    gradients = {name: array.copy() for name, array in m.gradients.items()}
    assert gradients.keys() == m.parameters.keys()
    for name, p in m.parameters.items():
        direction = np.random.default_rng(5).normal(size=p.shape)
        values = []
        for step in (1e-5, -2e-5):
            p += step * direction
            values.append(loss()[0])
        p += 1e-5 * direction
        slope = (values[0] - values[1]) / 2e-5
        assert (gradients[name] * direction).sum() == pytest.approx(slope, rel=1e-7, abs=1e-9), name


@each_cell
@each_input
def test_log_probabilities_and_next_probabilities_agree(cell, embedding):
    m = model(cell, embedding=embedding)
    log_p = m.log_probabilities(IDS)
    assert log_p.shape == NGram(IDS, 2, V).log_probabilities(IDS).shape
    for i, token in enumerate(IDS):
        p = m.next_probabilities(IDS[:i])
        assert p.shape == (V,)
        assert p.sum() == pytest.approx(1)
        assert log_p[i] == pytest.approx(np.log(p[token]), abs=1e-12)
    b_y = list(m.dense.parameters.values())[-1]
    np.testing.assert_allclose(m.next_probabilities([]), softmax(b_y))
    assert m.log_probabilities([]).shape == (0,)
    assert m.log_probabilities(IDS[:1]).shape == (1,)


def test_a_long_text_is_read_in_parts_with_the_state_carried(monkeypatch):
    m = model()
    whole = m.log_probabilities(IDS), m.next_probabilities(IDS)
    monkeypatch.setattr(language_model, "CHUNK", 7)
    np.testing.assert_allclose(m.log_probabilities(IDS), whole[0], rtol=1e-12)
    np.testing.assert_allclose(m.next_probabilities(IDS), whole[1], rtol=1e-12)


# The text that is written.

SETTINGS = [{}, {"temperature": 0.6}, {"top_k": 3}, {"temperature": 1.5, "top_k": 4, "top_p": 0.8}]


@each_cell
@each_input
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_what_is_drawn_is_what_the_layers_say(cell, embedding, settings, monkeypatch):
    monkeypatch.setattr(language_model, "BLOCK", 7)
    m, n, context = model(cell, scale=0.8, embedding=embedding), 20, IDS[:5]
    temperature, top_k, top_p = (settings.get(k) for k in ("temperature", "top_k", "top_p"))
    drawn = m.sample(n, context, 6, **settings, samples=3)
    assert drawn.shape == (3, n)
    for s, ids in enumerate(drawn):
        logits, _ = m.forward(np.concatenate([context, ids[:-1]])[None])
        noise = gumbel(np.random.default_rng([6, s]), (n, V))
        allowed = restricted(logits[0, len(context) - 1 :] / (temperature or 1), top_k, top_p)
        assert ids.tolist() == (allowed + noise).argmax(axis=1).tolist()
    assert len({tuple(ids) for ids in drawn}) == 3


@each_cell
def test_a_sample_does_not_depend_on_how_many_there_are_or_how_long_they_are(cell):
    m = model(cell)
    many = m.sample(30, IDS, 7, samples=4)
    assert m.sample(30, IDS, 7).tolist() == many[0].tolist()
    assert m.sample(20, IDS, 7, samples=2).tolist() == many[:2, :20].tolist()
    assert m.sample(30, IDS, 8).tolist() != many[0].tolist()


def test_draws_follow_the_distribution_of_the_context():
    m, n = model(scale=0.8), 20_000
    p = m.next_probabilities(IDS[:3])
    counts = np.bincount(m.sample(1, IDS[:3], samples=n)[:, 0], minlength=V)
    assert (np.square(counts - n * p) / (n * p)).sum() < 25.7  # once in 10,000 times
    assert (m.sample(1, samples=n, top_k=1) == m.next_probabilities([]).argmax()).all()


@pytest.mark.parametrize("unit", ["characters", "words"])
def test_it_writes_on_from_a_prompt(unit):
    vocabulary = Vocabulary(TEXT, unit)
    m = model(vocabulary=vocabulary)
    for prompt in ("", "The", "The ", "The games", "Zounds! The"):
        context = vocabulary.encode(prompt)
        assert m.encode(prompt).tolist() == context.tolist()
        written = m.generate(9, prompt, seed=3)
        assert written.startswith(prompt)
        ids = m.sample(9, context, 3)
        whole = vocabulary.decode([*context, *ids])
        assert written == prompt + whole[len(vocabulary.decode(context)) :]
        assert m.generate(9, prompt, seed=3, samples=2)[0] == written
    assert m.generate(9, "The", top_k=1, seed=0) == m.generate(9, "The", top_k=1, seed=1)
    if unit == "words":  # the space before the first word that follows is written
        m.parameters["dense/b_y"][m.encode("games")] = 1e6
        assert m.generate(2, "The") == "The games games"


# First weights, and dropout.


def test_first_weights_are_of_the_seed_and_of_each_layer_alone():
    def first(seed):
        return [
            a.ravel()[:20] for a in LanguageModel(V, H, "rnn", 9, seed=seed).parameters.values()
        ]

    for ours, again, other in zip(first(1), first(1), first(2), strict=True):
        assert np.array_equal(ours, again)
        assert not ours.any() or not np.array_equal(ours, other)  # biases are zero
    E, W_x, W_h, _, W_hy, _ = first(1)
    assert (np.abs(np.corrcoef([E, W_x, W_h, W_hy])) < 0.8).sum() == 12


def test_no_two_layers_draw_from_one_stream(monkeypatch):
    seeds, default_rng = [], np.random.default_rng

    def recording(seed):
        seeds.append(seed)
        return default_rng(seed)

    monkeypatch.setattr(np.random, "default_rng", recording)
    for seed in (0, 1):
        for cell in CELLS:
            LanguageModel(V, H, cell, embedding=4, seed=seed)
    assert len(seeds) == 18
    for start in range(0, 18, 3):
        assert len(set(seeds[start : start + 3])) == 3
    assert not set(seeds[:9]) & set(seeds[9:])


def test_dropout_drops_a_share_keeps_the_mean_and_is_only_for_training():
    m = model(dropout=0.25, scale=0.3)
    x = np.tile(IDS, (50, 1))
    plain, _ = m.forward(x)
    again, _ = m.forward(x)
    assert np.array_equal(plain, again)
    W_hy, b_y = m.dense.parameters.values()
    W_hy[...], b_y[...] = np.eye(V, H), 0
    h, _ = m.forward(x)
    dropped, _ = m.forward(x, rng=np.random.default_rng(0))
    dropped, h = dropped[..., :H], h[..., :H]
    zero = dropped == 0
    assert zero.mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_allclose(dropped[~zero], h[~zero] / 0.75)


# Files.


@each_cell
@each_input
def test_a_loaded_model_is_the_same_and_writes_alone(cell, embedding, tmp_path):
    path = tmp_path / "model.npz"
    m = model(cell, Vocabulary(TEXT, "words"), embedding=embedding, dtype="float32", dropout=0.1)
    m.save(path)
    loaded = LanguageModel.load(path)
    assert loaded.configuration == m.configuration
    assert (loaded.tokens, loaded.unit) == (m.tokens, m.unit)
    for name, array in m.parameters.items():
        assert np.array_equal(loaded.parameters[name], array)
        assert loaded.parameters[name].dtype == np.float32
    assert loaded.generate(20, "The games", 5) == m.generate(20, "The games", 5)
    ids_only = model(cell)
    ids_only.save(path)
    loaded = LanguageModel.load(path)
    assert (loaded.tokens, loaded.V) == (None, V)
    assert np.array_equal(loaded.log_probabilities(IDS), ids_only.log_probabilities(IDS))


def test_weights_of_another_layer_are_named(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    m = model("lstm")
    m.configuration["cell"] = "gru"
    m.save(path)
    with pytest.raises(ValueError, match=r"recurrent/W_x \(15, 6\), got \(20, 6\)"):
        LanguageModel.load(path)
    monkeypatch.setattr(language_model, "VERSION", 2)
    m.save(path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="version 1 or older, got 2"):
        LanguageModel.load(path)


@pytest.mark.parametrize("name", ["recurrent/W_x", "recurrent/b", "dense/W_hy", "dense/b_y"])
def test_a_nan_in_the_weights_is_no_silent_one(name):
    m = model()
    m.parameters[name].flat[0] = np.nan
    tokens = np.arange(V)
    calls = [lambda: m.sample(3), lambda: m.log_probabilities(tokens)]
    for call in [*calls, lambda: m.next_probabilities(tokens)]:
        with pytest.raises(ValueError, match="must be finite, got nan"):
            call()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: LanguageModel(0, H), ValueError, "vocabulary must be at least 1, got 0"),
        (lambda: LanguageModel("games", H), TypeError, "vocabulary must be a whole number"),
        (lambda: LanguageModel(V, 0), ValueError, "H must be at least 1"),
        (lambda: LanguageModel(V, H, "LSTM"), ValueError, "one of rnn, lstm, gru; got 'LSTM'"),
        (
            lambda: LanguageModel(V, H, dropout=1),
            ValueError,
            "dropout must be at least 0 and below 1, got 1",
        ),
        (lambda: LanguageModel(V, H, embedding=0), ValueError, "embedding must be at least 1"),
        (lambda: model().log_probabilities([V]), ValueError, "from 0 to V - 1 = 5, got 6"),
        (lambda: model().next_probabilities([0.5]), TypeError, "ids must be whole numbers"),
        (lambda: model().sample(0), ValueError, "n must be at least 1, got 0"),
        (lambda: model().sample(1, seed=-1), ValueError, "seed must be at least 0"),
        (lambda: model().sample(1, temperature=0), ValueError, "temperature must be > 0"),
        (lambda: model().sample(1, samples=0), ValueError, "samples must be at least 1"),
        (lambda: model().sample(1, [-1]), ValueError, "got -1 at index 0"),
        (lambda: model().generate(1), ValueError, "no vocabulary, only ids"),
        (lambda: model().generate(1, "a"), ValueError, "no vocabulary, only ids"),
    ],
)
def test_bad_input_is_refused_and_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Faults found in use.


@each_cell
@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_of_a_used_model_is_the_same_and_its_own(cell, twin):
    m, other = model(cell, embedding=4), IDS[::-1].copy()
    m.log_probabilities(IDS)
    copied = twin(m)
    wanted = m.log_probabilities(other)
    assert np.array_equal(copied.log_probabilities(other), wanted)
    for array in copied.parameters.values():
        array[...] = 0
    assert np.array_equal(m.log_probabilities(other), wanted)
    np.testing.assert_allclose(copied.log_probabilities(other), -np.log(V))


@pytest.mark.parametrize("whole", [np.int64, np.int8, np.uint32])
@pytest.mark.parametrize("real", [np.float32, np.float64, np.int64])
def test_numbers_of_numpy_are_settings_that_can_be_stored(whole, real, tmp_path):
    made = LanguageModel(whole(V), whole(H), "gru", whole(3), real(0), whole(7), np.float32)
    assert made.configuration == LanguageModel(V, H, "gru", 3, 0.0, 7).configuration
    json.dumps(made.configuration)
    made.save(tmp_path / "m.npz")
    loaded = LanguageModel.load(tmp_path / "m.npz")
    assert np.array_equal(loaded.log_probabilities(IDS), made.log_probabilities(IDS))


def test_all_of_a_context_counts_in_sample():
    m, tail = model(scale=0.8), [2, 2]
    noise = gumbel(np.random.default_rng([0, 0]), (1, V))
    firsts = set()
    for first in range(V):
        context = [first, *tail]
        wanted = (np.log(m.next_probabilities(context)) + noise[0]).argmax()
        assert m.sample(1, context) == wanted
        firsts.add(m.next_probabilities(context)[0])
    assert len(firsts) == V


def test_a_file_that_was_made_up_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "m.npz"
    m = model(vocabulary=Vocabulary(TEXT, "words"))
    arrays, words = m.parameters, {"tokens": m.tokens, "unit": m.unit}
    good = m.configuration
    wrong = [
        {},
        {"configuration": None},
        {"configuration": []},
        {"configuration": {}},
        {"configuration": {**good, "games": 1}},
        {"configuration": {**good, "H": "5"}},
        {"configuration": {**good, "H": 10**9}},
        {"configuration": {**good, "H": 1e999}},
        {"configuration": {**good, "embedding": 10**9}},
        {"configuration": {**good, "embedding": "4"}},
        {"configuration": {**good, "cell": ["lstm"]}},
        {"configuration": {**good, "dropout": None}},
        {"configuration": {**good, "seed": -1}},
        {"configuration": good, "tokens": 5},
        {"configuration": good, "tokens": ["a"]},
        {"configuration": good, "tokens": m.tokens, "unit": {}},
    ]
    for description in wrong[:-1]:
        checkpoints.save(path, language_model.KIND, 1, arrays, {**words, **description})
        with pytest.raises(ValueError, match=r"damaged|must|another model"):
            LanguageModel.load(path)
    checkpoints.save(path, language_model.KIND, 1, {}, {"configuration": {**good, "V": 10**12}})
    with pytest.raises(ValueError, match="damaged: 0 numbers are too few"):
        LanguageModel.load(path)


def test_dropout_is_a_number_and_home_is_expanded(tmp_path, monkeypatch):
    with pytest.raises(TypeError, match="dropout must be a number, got None"):
        LanguageModel(V, H, dropout=None)
    monkeypatch.setenv("HOME", str(tmp_path))
    model().save("~/m.npz")
    assert LanguageModel.load("~/m.npz").V == V


def test_sizes_are_told():
    assert repr(model("gru")) == "LanguageModel(V=6, H=5, cell='gru')"
    assert repr(Vocabulary("abc", "characters")) == "Vocabulary(V=4, unit='characters')"
    assert repr(NGram([0, 1], 2, 3)) == "NGram(order=2, V=3)"
