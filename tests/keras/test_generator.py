"""The generator in Keras: it predicts and writes as the NumPy model does, and is Keras' own."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import copy
import json
import pickle
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnbook.keras import Generator
from rnnbook.keras.writing import BLOCK, Loop
from rnnbook.text import Vocabulary

TEXT = "The water rises. The rope holds; the lamp, it seems, does not. " * 20
LETTERS = Vocabulary(TEXT, "characters")
IDS = LETTERS.encode(TEXT)
each_cell = pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])


def made(cell="lstm", **options):
    """Return a small model whose weights are all large enough to matter."""
    generator = Generator(LETTERS, 12, cell, embedding=7, seed=3, **options)
    rng = np.random.default_rng(0)
    generator.set_weights([rng.normal(0, 0.5, w.shape) for w in generator.get_weights()])
    return generator


@pytest.fixture(scope="module")
def generator():
    return made()


@pytest.fixture(scope="module")
def stack():
    return made(layers=2)


@pytest.fixture(scope="module")
def called(stack):
    """Return a function: the logits from a plain call of the Keras model.

    Compiled, but by Keras' own loop over time: step by step, 600 tokens take six seconds.
    """
    plain = tf.function(stack, input_signature=[tf.TensorSpec((1, None), tf.int32)])
    return lambda ids: np.asarray(plain(ids[None].astype(np.int32)))[0]


@each_cell
def test_it_predicts_and_writes_as_the_numpy_model(cell):
    keras_model = made(cell)
    numpy_model = keras_model.to_numpy()
    wanted = numpy_model.log_probabilities(IDS[:400])
    np.testing.assert_allclose(keras_model.log_probabilities(IDS[:400]), wanted, atol=2e-5)
    wanted = numpy_model.generate(400, "The rope", seed=5, samples=2)
    assert keras_model.generate(400, "The rope", seed=5, samples=2) == wanted


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.6},
        {"top_k": 1},
        {"top_k": 4, "temperature": 1.5},
        {"top_p": 0.7},
        {"top_p": 0.8, "top_k": 5},
        {"top_p": 1},
    ],
    ids=str,
)
def test_temperature_top_k_and_top_p_are_those_of_the_numpy_model(generator, settings):
    wanted = generator.to_numpy().generate(300, "water", seed=1, **settings)
    assert generator.generate(300, "water", seed=1, **settings) == wanted


def test_a_stack_reads_as_a_plain_call_does_over_the_ends_of_blocks(stack, called):
    ids = IDS[: 2 * BLOCK + 90]
    log_p = np.asarray(keras.ops.log_softmax(called(ids[:-1])))
    wanted = log_p[np.arange(len(ids) - 1), ids[1:]]
    np.testing.assert_allclose(stack.log_probabilities(ids)[1:], wanted, atol=2e-5)


def test_the_first_token_is_predicted_from_a_state_of_zero(stack):
    *_, bias = stack.get_weights()
    wanted = bias - np.log(np.exp(bias).sum())
    np.testing.assert_allclose(stack.log_probabilities(IDS[:1]), wanted[IDS[:1]], atol=1e-6)


def test_greedy_text_of_a_stack_is_the_argmax_of_plain_calls(stack, called):
    drawn = stack.sample(40, IDS[:9], top_k=1)
    ids = np.concatenate([IDS[:9], drawn])
    wanted = called(ids).argmax(axis=1)
    assert (drawn == wanted[8:-1]).all()


def test_the_next_token_s_probabilities_are_those_of_the_numpy_model(generator, stack):
    for context in ([], IDS[:1], IDS[: BLOCK + 3]):
        wanted = generator.to_numpy().next_probabilities(context)
        np.testing.assert_allclose(generator.next_probabilities(context), wanted, atol=1e-6)
        following = np.concatenate([context, IDS[:1]]).astype(int)
        p = stack.next_probabilities(context)[IDS[0]]
        assert np.exp(stack.log_probabilities(following)[-1]) == pytest.approx(p, abs=1e-6)


def test_log_probabilities_of_what_is_drawn_know_no_temperature(generator):
    rngs = [np.random.default_rng(0)]
    ((ids, log_p, _),) = generator._loop(1, True).run(IDS[:5], 60, rngs, temperature=0.5)
    np.testing.assert_allclose(log_p[:, 0], generator.log_probabilities(ids[:, 0]), atol=1e-5)
    rngs = [np.random.default_rng(0)]
    ((ids, log_p, _),) = Loop(generator.layers, 1, True, True).run(IDS[:5], 60, rngs, top_k=2)
    np.testing.assert_allclose(log_p[:, 0], generator.log_probabilities(ids[:, 0]), atol=1e-5)


def test_draws_have_the_model_s_probabilities(generator):
    p = np.exp(generator.to_numpy().log_probabilities(IDS[:3]))  # of the third token, after two
    next_p = generator.to_numpy().next_probabilities(IDS[:2])
    drawn = generator.sample(1, IDS[:2], 7, samples=4000)[:, 0]
    share = np.bincount(drawn, minlength=len(LETTERS)) / 4000
    assert abs(next_p[IDS[2]] - p[2]) < 1e-5
    assert abs(share - next_p).max() < 4 * np.sqrt(0.25 / 4000)


def test_a_text_does_not_depend_on_how_many_are_written(generator):
    one = generator.generate(BLOCK + 50, "it", seed=2)
    assert generator.generate(BLOCK + 50, "it", seed=2, samples=3)[0] == one
    assert len(set(generator.generate(50, "it", seed=2, samples=3))) == 3
    assert generator.generate(50, "it", seed=3) != one[:52]


def test_a_prompt_longer_than_a_block_is_read_to_its_end(generator):
    prompt = TEXT[: BLOCK + 30]
    assert generator.generate(60, prompt) == generator.to_numpy().generate(60, prompt)


def test_new_weights_are_used_at_once():
    generator = made()
    before = generator.generate(80, "it", top_k=1)
    generator.set_weights([-w for w in generator.get_weights()])
    assert generator.generate(80, "it", top_k=1) == generator.to_numpy().generate(80, "it", top_k=1)
    assert generator.generate(80, "it", top_k=1) != before


def test_words_by_one_argument():
    words = Vocabulary(TEXT, "words")
    generator = Generator(words, 8, "gru", embedding=4)
    text = generator.generate(30, "The water", seed=0)
    assert text.startswith("The water ")
    assert text == generator.to_numpy().generate(30, "The water", seed=0)


def test_a_stateful_copy_goes_on_where_it_stopped(stack, called):
    whole = called(IDS[:60])
    copy = stack.copy(rows=1)
    parts = [np.asarray(copy(IDS[None, t : t + 20]))[0] for t in (0, 20, 40)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)
    np.testing.assert_allclose(called(IDS[:60]), whole, atol=1e-6)


def test_keras_saves_and_loads_it_with_its_tokens(stack, tmp_path):
    stack.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.tokens == LETTERS.tokens
    assert loaded.generate(60, "The ", seed=4) == stack.generate(60, "The ", seed=4)


def test_numpy_numbers_as_settings_are_stored(tmp_path):
    whole = {name: np.int64(2) for name in ("H", "layers", "embedding", "seed", "rows")}
    generator = Generator(LETTERS, **whole, dropout=np.float32(0.5))
    generator.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").get_config() == generator.get_config()


def test_a_stateful_model_comes_back_as_it_was(tmp_path):
    generator = made(rows=1)
    parts = IDS[:60].reshape(3, 1, 20)
    generator(parts[0])
    generator.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    twins = [loaded, copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))]
    wanted = [np.asarray(generator(part)) for part in parts[1:]]
    for twin in twins:
        assert twin.rows == 1
        for part, logits in zip(parts[1:], wanted, strict=True):
            np.testing.assert_allclose(np.asarray(twin(part)), logits, atol=1e-6)


def test_it_is_exported_also_after_it_has_written(tmp_path):
    generator = made("rnn")
    wanted = np.asarray(generator(IDS[None, :9]))
    generator.generate(3, "it")
    generator.log_probabilities(IDS[:3])
    generator.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(tmp_path / "exported")
    given = tf.constant(IDS[None, :9], tf.int32)
    np.testing.assert_allclose(served.serve(given).numpy(), wanted, atol=1e-5)
    tf.saved_model.save(generator, str(tmp_path / "saved"))


@pytest.fixture(scope="module")
def single():
    """Return what a GRU in float32 reads."""
    return made("gru").log_probabilities(IDS[:50])


POLICIES = {"mixed_float16": 2e-2, "mixed_bfloat16": 0.15, "float64": 1e-5}


@pytest.mark.parametrize("policy", [*POLICIES, "floatx"])
def test_under_any_dtype_policy_it_reads_writes_and_comes_back(policy, single, tmp_path):
    """Two loops are compiled for each: one scores, one leaves out; a loop without is in both."""
    of_keras, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        if policy == "floatx":
            keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64" if policy == "floatx" else policy)
        generator = made("gru")
        assert len(generator.sample(5, top_p=0.9)) == 5
        read = generator.log_probabilities(IDS[:50])
        text = generator.generate(9, "it", seed=1, top_p=0.9)
        generator.save(tmp_path / "model.keras")
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(of_keras)
    np.testing.assert_allclose(read, single, atol=POLICIES.get(policy, 1e-5))
    wanted = generator.to_numpy().log_probabilities(IDS[:50])
    np.testing.assert_allclose(read, wanted, atol=POLICIES.get(policy, 1e-5))
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.compute_dtype == generator.compute_dtype
    assert loaded.generate(9, "it", seed=1, top_p=0.9) == text


@pytest.mark.parametrize(
    "policy", ["float16", keras.dtype_policies.DTypePolicy("float16"), "bfloat16", "int32"], ids=str
)
def test_a_policy_in_which_no_training_goes_well_is_refused(policy):
    of_keras = keras.config.dtype_policy()
    allowed = "dtype must be one of float32, float64, mixed_float16, mixed_bfloat16; got"
    with pytest.raises(ValueError, match=allowed):
        made(dtype=policy)
    try:
        keras.config.set_dtype_policy(policy)
        with pytest.raises(ValueError, match=allowed):
            made()
        assert made(dtype="float32").compute_dtype == "float32"
    finally:
        keras.config.set_dtype_policy(of_keras)


def test_a_stored_model_of_pure_float16_is_refused_with_the_same_words(generator, tmp_path):
    config = generator.get_config() | {"dtype": "float16"}
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as file:
        stored = {"module": None, "registered_name": "rnnbook>Generator", "config": config}
        file.writestr("config.json", json.dumps(stored | {"class_name": "Generator"}))
    with pytest.raises((TypeError, ValueError), match="mixed_bfloat16; got 'float16'"):
        keras.models.load_model(tmp_path / "model.keras")


def test_one_seed_gives_one_start_and_its_layers_differ():
    a, b, c = (Generator(LETTERS, 12, layers=2, embedding=12, seed=s) for s in (0, 0, 1))
    for one, same, other in zip(*(m.get_weights() for m in (a, b, c)), strict=True):
        assert (one == same).all()
        assert not one.any() or one.ndim == 1 or (one != other).any()
    _, first, _, _, second, *_ = a.get_weights()
    assert not np.allclose(first, second)


def test_parameters_are_those_counted_by_hand():
    V, E, H = len(LETTERS), 7, 12
    lstm = 4 * (E * H + H * H + H)
    assert made().count_params() == V * E + lstm + H * V + V
    assert made("gru").count_params() == V * E + 3 * (E * H + H * H + 2 * H) + H * V + V


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": "elman"}, "cell must be one of lstm, gru, rnn; got 'elman'"),
        ({"dropout": 1}, "dropout must be at least 0 and below 1, got 1"),
        ({"rows": 0}, "rows must be at least 1, got 0"),
        ({"layers": 0}, "layers must be at least 1, got 0"),
        ({"H": 0}, "H must be at least 1, got 0"),
        ({"embedding": 0}, "embedding must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_what_is_out_of_range_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        Generator(LETTERS, **{"H": 4, **options})


def test_what_is_no_number_is_named():
    for name in ("H", "layers", "embedding", "seed", "rows"):
        with pytest.raises(TypeError, match=f"{name} must be a whole number, got 2.0"):
            Generator(LETTERS, **{name: 2.0})
    with pytest.raises(TypeError, match="dropout must be a number, got None"):
        Generator(LETTERS, dropout=None)


def test_faults_in_use_are_named(stack):
    with pytest.raises(ValueError, match="one recurrent layer, got 2"):
        stack.to_numpy()
    with pytest.raises(ValueError, match=r"temperature must be > 0 .* got 0"):
        stack.sample(3, temperature=0)
    with pytest.raises(ValueError, match="ids must be from 0 to V - 1"):
        stack.log_probabilities([0, 999])
    broken = made()
    broken.set_weights([np.full(w.shape, np.nan) for w in broken.get_weights()])
    with pytest.raises(ValueError, match="weights must be finite"):
        broken.sample(3)
