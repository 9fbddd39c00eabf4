"""The Keras side: weights go in and out as the course names them; the models do what they say."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import pytest

from rnnbook.keras import (
    OutputToHiddenCell,
    next_token_model,
    set_simple_rnn_weights,
    simple_rnn_weights,
    train_seeds,
)

B, T, D, H, V = 2, 4, 3, 5, 6


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def built(**options):
    layer = keras.layers.SimpleRNN(H, return_sequences=True, **options)
    layer.build((None, None, D))
    return layer


def rnn(x, W_xh, W_hh, b_h):
    """Return h of h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h), written out."""
    h, states = np.zeros((len(x), len(b_h))), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ W_xh.T + h @ W_hh.T + b_h)
        states.append(h)
    return np.stack(states, axis=1)


def weights():
    return numbers(H, D, seed=1), numbers(H, H, seed=2), numbers(H, seed=3)


def test_weights_read_from_keras_give_its_states():
    layer, x = built(bias_initializer="random_normal"), numbers(B, T, D)
    ours = rnn(x, *simple_rnn_weights(layer))
    np.testing.assert_allclose(ours, np.asarray(layer(x)), atol=1e-6)


def test_weights_put_into_keras_give_our_states():
    layer, x = built(), numbers(B, T, D)
    set_simple_rnn_weights(layer, *weights())
    np.testing.assert_allclose(np.asarray(layer(x)), rnn(x, *weights()), atol=1e-6)
    for put, read in zip(weights(), simple_rnn_weights(layer), strict=True):
        np.testing.assert_array_equal(put, read)


@pytest.mark.parametrize(
    "call", [simple_rnn_weights, lambda layer: set_simple_rnn_weights(layer, *weights())]
)
def test_only_a_built_simple_rnn_with_a_bias_will_do(call):
    with pytest.raises(TypeError, match=r"must be a keras.layers.SimpleRNN, got GRU"):
        call(keras.layers.GRU(H))
    with pytest.raises(ValueError, match="layer must be built"):
        call(keras.layers.SimpleRNN(H))
    with pytest.raises(ValueError, match="layer must have a bias"):
        call(built(use_bias=False))


def test_a_transposed_weight_is_refused_and_nothing_is_changed():
    layer, (W_xh, W_hh, b_h) = built(), weights()
    before = simple_rnn_weights(layer)
    with pytest.raises(ValueError, match=r"W_xh must have shape \(H=5, D=3\), got \(3, 5\)"):
        set_simple_rnn_weights(layer, W_xh.T, W_hh, b_h)
    with pytest.raises(ValueError, match=r"b_h must have shape \(H=5\)"):
        set_simple_rnn_weights(layer, W_xh, W_hh, b_h[:, None])
    for old, new in zip(before, simple_rnn_weights(layer), strict=True):
        np.testing.assert_array_equal(old, new)


def softmax(z):
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def test_the_output_feeds_back():
    layer = keras.layers.RNN(OutputToHiddenCell(H, V), return_sequences=True)
    layer.build((None, None, D))
    W, W_hy = numbers(D + V, H, seed=4), numbers(H, V, seed=5)
    b_h, b_y = numbers(H, seed=6), numbers(V, seed=7)
    layer.set_weights([W, b_h, W_hy, b_y])
    x = numbers(B, T, D)
    y_t, expected = np.zeros((B, V)), []
    for t in range(T):
        h_t = np.tanh(np.concatenate([x[:, t], y_t], axis=1) @ W + b_h)
        logits = h_t @ W_hy + b_y
        y_t = softmax(logits)
        expected.append(logits)
    np.testing.assert_allclose(np.asarray(layer(x)), np.stack(expected, 1), atol=1e-5)


def test_a_model_whose_output_feeds_back_is_saved_and_cloned(tmp_path):
    cell = OutputToHiddenCell(np.int64(H), V, name="jordan")
    model = keras.Sequential([keras.Input((None, D)), keras.layers.RNN(cell)])
    model.save(tmp_path / "model.keras")
    loaded, x = keras.models.load_model(tmp_path / "model.keras"), numbers(B, T, D)
    np.testing.assert_array_equal(np.asarray(loaded(x)), np.asarray(model(x)))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(np.asarray(clone(x)), np.asarray(model(x)))
    assert clone.layers[0].cell.name == "jordan"


def test_the_cell_runs_in_half_precision():
    layer = keras.layers.RNN(OutputToHiddenCell(H, V, dtype="mixed_float16"))
    layer.dtype_policy = "mixed_float16"
    logits = np.asarray(layer(numbers(B, T, D)))
    assert np.isfinite(logits).all()


def test_cell_refuses_sizes_that_are_none():
    with pytest.raises(ValueError, match="units must be at least 1, got 0"):
        OutputToHiddenCell(0, 3)
    with pytest.raises(ValueError, match="outputs must be at least 2, got 1"):
        OutputToHiddenCell(3, 1)


def small():
    model = keras.Sequential([keras.Input((D,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    return model


def test_each_training_is_as_if_it_were_the_only_one():
    x, y = numbers(60, D), numbers(60, 1, seed=1)
    runs = [
        m.get_weights()[0] for m in train_seeds(small, [0, 1, 0], x, y, epochs=2, batch_size=20)
    ]
    (alone,) = [m.get_weights()[0] for m in train_seeds(small, [1], x, y, epochs=2, batch_size=20)]
    np.testing.assert_allclose(runs[0], runs[2], rtol=1e-6)
    np.testing.assert_allclose(runs[1], alone, rtol=1e-6)
    assert abs(runs[0] - runs[1]).max() > 0.01


def test_a_model_used_before_is_trained_as_if_new():
    x, y = numbers(60, D), numbers(60, 1, seed=1)
    model = small()
    model.fit(x, y, epochs=3, verbose=0)
    task = {"epochs": 2, "batch_size": 20}
    (again,) = train_seeds(small, [1], x, y, **task, model=model)
    (alone,) = train_seeds(small, [1], x, y, **task)
    assert again is model
    np.testing.assert_allclose(again.get_weights()[0], alone.get_weights()[0], rtol=1e-6)


def test_the_scale_of_the_loss_in_half_precision_survives():
    def build():
        model = keras.Sequential([keras.Input((D,)), keras.layers.Dense(1)])
        model.dtype_policy = "mixed_float16"
        model.compile(keras.optimizers.Adam(3e-3), "mse")
        return model

    x, y = numbers(60, D), numbers(60, 1, seed=1)
    a, b, c = (
        m.get_weights()[0] for m in train_seeds(build, [0, 1, 0], x, y, epochs=1, batch_size=20)
    )
    np.testing.assert_allclose(a, c, rtol=1e-6)
    assert np.isfinite(a).all()
    assert abs(a - b).max() > 0.01


def test_training_keeps_the_learning_rate_and_counts_its_own_steps():
    x, y = numbers(60, D), numbers(60, 1, seed=1)
    for model in train_seeds(small, [0, 1], x, y, epochs=2, batch_size=20):
        assert float(model.optimizer.learning_rate) == pytest.approx(3e-3)
        assert int(model.optimizer.iterations) == 6


def test_training_refuses_what_is_no_count():
    with pytest.raises(
        ValueError, match=r"seed must be below 2\*\*32 = 4294967296, got 8589934592"
    ):
        next(train_seeds(None, [0, 2**33], numbers(4, D), numbers(4, 1), epochs=1, batch_size=2))
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        next(train_seeds(small, [0], numbers(4, D), numbers(4, 1), epochs=0, batch_size=2))
    with pytest.raises(TypeError, match="seed must be a whole number, got None"):
        next(train_seeds(small, [None], numbers(4, D), numbers(4, 1), epochs=1, batch_size=2))


KINDS = ("rnn", "lstm", "gru", "tcn", "transformer")


@pytest.mark.parametrize("kind", KINDS)
def test_a_next_token_model_reads_all_that_came_and_nothing_that_comes(kind):
    keras.utils.set_random_seed(0)
    V, T = 7, 12
    model = next_token_model(kind, V, 8, T)
    ids = np.random.default_rng(0).integers(0, V, (1, T))
    logits = np.asarray(model(ids))
    assert logits.shape == (1, T, V)
    for t in range(T):
        other = ids.copy()
        other[0, t] = (ids[0, t] + 1) % V
        moved = abs(np.asarray(model(other)) - logits).max(axis=(0, 2)) > 1e-12
        assert moved.tolist() == [False] * t + [True] * (T - t)


def count(kind, V, n, T):
    return next_token_model(kind, V, n, T).count_params()


def test_next_token_models_have_the_parameters_of_their_equations():
    V, T, n = 11, 16, 8
    head = n * V + V
    assert count("rnn", V, n, T) == 32 * V + (32 * n + n * n + n) + head
    assert count("lstm", V, n, T) == 32 * V + 4 * (32 * n + n * n + n) + head
    assert count("gru", V, n, T) == 32 * V + 3 * (32 * n + n * n + 2 * n) + head
    assert count("tcn", V, n, T) == n * V + 4 * (3 * n * n + n) + head  # sees 1 + 2 (1+2+4+8)
    block = 4 * (n * n + n) + 2 * 4 * n * n + 4 * n + n + 2 * 2 * n
    assert count("transformer", V, n, T) == n * V + n * T + 2 * block + 2 * n + head


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("mlp", 5, 8, 4), "kind must be one of rnn, lstm, gru, tcn, transformer; got 'mlp'"),
        (("transformer", 5, 6, 4), "size must be a multiple of 4"),
        (("lstm", 1, 8, 4), "V must be at least 2"),
    ],
)
def test_a_next_token_model_says_what_it_can_be(given, message):
    with pytest.raises(ValueError, match=message):
        next_token_model(*given)
