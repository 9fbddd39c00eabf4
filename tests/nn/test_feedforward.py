"""The embedding and the dense layer: against plain loops, finite differences and Keras."""

import copy
import pickle

import numpy as np
import pytest
from engine import error

from rnnbook.nn.feedforward import Dense, Embedding, sum_by_id
from rnnbook.nn.gradients import check

B, T, H, V = 3, 4, 5, 6


def arrays(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def dense(dtype="float64"):
    """Return a dense layer with a bias that is not zero."""
    layer = Dense(H, V, 0, dtype)
    layer.parameters["b_y"] += np.arange(V, dtype=dtype)
    return layer


def ids(most=V):
    return np.random.default_rng(1).integers(0, most, (B, T))


def test_the_dense_layer_is_its_equation_at_each_step():
    layer, (h,) = dense(), arrays((B, T, H))
    W_hy, b_y = layer.parameters["W_hy"], layer.parameters["b_y"]
    y = layer.forward(h)
    assert y.shape == (B, T, V)
    for b, t, v in np.ndindex(y.shape):
        wanted = b_y[v] + sum(W_hy[v, j] * h[b, t, j] for j in range(H))
        assert y[b, t, v] == pytest.approx(wanted, rel=1e-13)


def test_the_dense_gradients_are_those_of_finite_differences():
    layer, (h, dy) = dense(), arrays((B, T, H), (B, T, V))
    given = {"dh": h} | layer.parameters
    layer.forward(h)
    gradients = {"dh": layer.backward(dy)} | layer.gradients
    errors = check(lambda: (layer.forward(h) * dy).sum(), given, gradients)
    assert max(errors.values()) < 1e-7, errors


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-13)])
def test_the_dense_layer_is_that_of_keras(dtype, tolerance):
    import keras
    import tensorflow as tf

    h, dy = (array.astype(dtype) for array in arrays((B, T, H), (B, T, V)))
    theirs, ours = keras.layers.Dense(V, dtype=dtype), Dense(H, V, 0, dtype)
    theirs.build((B, T, H))
    ours.set_weights([theirs.get_weights()[0], np.arange(V)])
    theirs.set_weights(ours.get_weights())
    h = tf.Variable(h)
    with tf.GradientTape() as tape:
        y = theirs(h)
        loss = tf.reduce_sum(y * dy)
    dh, dkernel, dbias = tape.gradient(loss, [h, *theirs.trainable_variables])
    assert error(ours.forward(h.numpy()), y) < tolerance
    assert error(ours.backward(dy), dh) < tolerance
    assert error(ours.gradients["W_hy"].T, dkernel) < tolerance
    assert error(ours.gradients["b_y"], dbias) < tolerance


@pytest.mark.parametrize("size", [V, 1500])  # the sums over the ids go two ways
def test_the_embedding_looks_up_rows_and_its_gradient_sums_them(size):
    layer, (dx,) = Embedding(size, 2, 0, "float64"), arrays((B, T, 2))
    given, E = ids(), layer.parameters["E"]
    x, wanted = layer.forward(given), np.zeros_like(E)
    for b, t in np.ndindex(B, T):
        assert np.array_equal(x[b, t], E[given[b, t]])
        wanted[given[b, t]] += dx[b, t]
    layer.backward(dx)
    np.testing.assert_allclose(layer.gradients["E"], wanted, rtol=1e-14)


def test_first_weights_are_those_of_keras():
    """Glorot uniform for the dense layer, from -0.05 to 0.05 for the embedding."""
    W_hy, b_y = Dense(60, 40, 0, "float64").parameters.values()
    limit = np.sqrt(6 / 100)
    assert 0.97 * limit < min(W_hy.max(), -W_hy.min()) <= abs(W_hy).max() <= limit
    assert W_hy.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert not b_y.any()
    E = Embedding(60, 40, 0, "float64").parameters["E"]
    assert 0.049 < min(E.max(), -E.min()) <= abs(E).max() <= 0.05
    for make in (Dense, Embedding):
        first, again, other = (next(iter(make(9, 9, s).parameters.values())) for s in (3, 3, 4))
        assert np.array_equal(first, again)
        assert (first != other).all()


def test_float32_stays_float32_and_nothing_given_is_changed():
    layer, embedding = dense("float32"), Embedding(V, H, 0)
    h, dy = (array.astype("float32") for array in arrays((B, T, H), (B, T, V)))
    given = [h, dy, ids()]
    kept = [array.copy() for array in given]
    made = [layer.forward(h), layer.backward(dy), embedding.forward(given[2])]
    embedding.backward(h)
    made += [*layer.gradients.values(), *embedding.gradients.values()]
    assert {array.dtype for array in made} == {np.dtype("float32")}
    assert all(np.array_equal(a, b) for a, b in zip(given, kept, strict=True))
    made[2][:] = 9  # what was looked up is a copy
    assert abs(embedding.parameters["E"]).max() < 1


def test_lists_are_taken():
    layer, (h,) = dense(), arrays((B, T, H))
    assert np.array_equal(layer.forward(h.tolist()), layer.forward(h))
    embedding = Embedding(V, H, 0)
    assert np.array_equal(embedding.forward(ids().tolist()), embedding.forward(ids()))


def test_weights_go_out_as_copies():
    layer = dense()
    for array in layer.get_weights():
        array += 1
    assert layer.parameters["b_y"].tolist() == list(range(V))


# Bad input.


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dense().forward(np.zeros((B, H))), r"^h must have shape \(B, T, H=5\), got"),
        (lambda: dense().forward(np.zeros((B, T, V))), "H must be 5, not 6"),
        (lambda: dense().forward(np.zeros((B, 0, H))), "T must be at least 1"),
        (lambda: dense().forward(np.full((B, T, H), np.nan)), "^h must be finite, got nan"),
        (
            lambda: Embedding(V, H, 0).forward([[0, 6]]),
            "^ids must be from 0 to V - 1 = 5, got 6 at",
        ),
        (
            lambda: Embedding(V, H, 0).forward([[-1, 0]]),
            "^ids must be from 0 to V - 1 = 5, got -1 at",
        ),
        (lambda: Embedding(V, H, 0).forward([0, 1]), r"^ids must be whole numbers of shape \(B, T"),
        (lambda: Embedding(V, H, 0).forward([[[0]]]), r"^ids must be whole .*\(B, T\)"),
        (lambda: Embedding(V, H, 0).forward(np.zeros((2, 0), int)), "^ids must be whole"),
        (lambda: Dense(0, V, 0), "^H must be at least 1, got 0"),
        (lambda: Dense(H, 0, 0), "^V must be at least 1, got 0"),
        (lambda: Dense(H, V, -1), "^seed must be at least 0, got -1"),
        (lambda: Embedding(0, H, 0), "^V must be at least 1, got 0"),
        (lambda: Embedding(V, -2, 0), "^D must be at least 1, got -2"),
    ],
)
def test_the_error_names_what_is_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("make", [Dense, Embedding])
@pytest.mark.parametrize("sizes", [(2.0, 3, 0), (2, "3", 0), (2, 3, None), (True, 3, 0)])
def test_sizes_and_seeds_are_whole(make, sizes):
    with pytest.raises(TypeError, match=r"^\w+ must be a whole number, got "):
        make(*sizes)


def test_a_gradient_must_fit_what_went_forward():
    layer, embedding = Dense(H, V, 0), Embedding(V, H, 0)
    for made, x in ((layer, np.zeros((B, T, H))), (embedding, ids())):
        with pytest.raises(RuntimeError, match=r"call forward first"):
            made.backward(np.zeros((B, T, V)))
        made.forward(x)
    for shape in [(T, V), (1, T, V), (B, T, 1), (B, 1, V)]:
        with pytest.raises(ValueError, match=r"^dy must have shape \(B=3, T=4, V=6\), got"):
            layer.backward(np.zeros(shape))
    for shape in [(T, H), (1, T, H), (B, T, 1), (B, 1, H)]:
        with pytest.raises(ValueError, match=r"^dx must have shape \(B=3, T=4, D=5\), got"):
            embedding.backward(np.zeros(shape))
    with pytest.raises(ValueError, match=r"^dy must be finite, got nan"):
        layer.backward(np.full((B, T, V), np.nan))


@pytest.mark.parametrize(
    "weights",
    [
        [np.zeros((V, H)), np.zeros(V)],
        [np.zeros((H, V)), np.zeros(H)],
        [np.zeros((H, V)), np.zeros((1, V))],
        [np.zeros((H, V)), np.full(V, np.nan)],
        [np.zeros((H, V))],
        [np.zeros((H, V)), np.zeros(V), np.zeros(V)],
    ],
)
def test_weights_of_another_layer_are_refused_and_nothing_is_changed(weights):
    layer = dense()
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"^(kernel|bias|weights) must "):
        layer.set_weights(weights)
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


# Copies, callers' arrays, precisions.


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_a_copy_of_a_layer_is_the_same_and_its_own(twin):
    h, other, dy, dx = arrays((B, T, H), (B, T, H), (B, T, V), (B, T, H))
    for layer, first, second, back in (
        (dense(), h, other, dy),
        (Embedding(V, H, dtype="float64"), ids(), ids() * 0, dx),
    ):
        layer.forward(first)
        layer.backward(back)
        copied = twin(layer)
        outputs = layer.forward(second)
        assert np.array_equal(copied.forward(second), outputs)
        layer.backward(back)
        copied.backward(back)
        for name, gradient in layer.gradients.items():
            assert np.array_equal(copied.gradients[name], gradient)
        copied.parameters[name] += 1
        assert not np.array_equal(copied.parameters[name], layer.parameters[name])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["int64", "int32", "uint8"])
def test_what_the_caller_does_to_an_array_after_forward_changes_no_gradient(dtype, kind):
    (h, dy, dx), given = arrays((B, T, H), (B, T, V), (B, T, H)), ids().astype(kind)
    for layer, x, back in ((dense(dtype), h.astype(dtype), dy), (Embedding(V, H), given, dx)):
        layer.forward(x)
        layer.backward(back)
        wanted = layer.gradients
        layer.forward(x)
        x[:] = 0  # the loader fills its buffer anew
        layer.backward(back)
        for name, gradient in layer.gradients.items():
            assert np.array_equal(gradient, wanted[name])


@pytest.mark.parametrize("make", [Dense, Embedding])
@pytest.mark.parametrize("dtype", ["int32", "float16", "complex64", int, None, "double precision"])
def test_only_two_precisions(make, dtype):
    with pytest.raises(ValueError, match=r"^dtype must be 'float32' or 'float64', got "):
        make(2, 3, dtype=dtype)
    assert make(2, 3, dtype=np.float64).dtype == np.float64


def test_a_square_kernel_is_transposed_too():
    layer, kernel = Dense(V, V, dtype="float64"), np.arange(V * V, dtype=float).reshape(V, V)
    layer.set_weights([kernel, np.ones(V)])
    for row in range(V):  # of Keras' kernel, row j is what input j adds
        h = np.eye(V)[None, row : row + 1]
        assert layer.forward(h)[0, 0].tolist() == (kernel[row] + 1).tolist()
    assert np.array_equal(layer.get_weights()[0], kernel)


def test_a_masked_number_is_not_used():
    masked = np.ma.masked_array(np.zeros((B, T, H)), mask=False)
    masked[0, 1, 2] = np.ma.masked
    for call in (dense().forward, lambda x: Embedding(V, H).forward(x[..., 0].astype(int))):
        x = masked.copy()
        x[0, 1, 0] = np.ma.masked
        with pytest.raises(TypeError, match="masked at index"):
            call(x)


def test_sizes_are_told():
    assert repr(Dense(3, 2)) == "Dense(H=3, V=2)"
    assert repr(Embedding(5, 2)) == "Embedding(V=5, D=2)"


@pytest.mark.parametrize("m", [1, 50])
@pytest.mark.parametrize("size", [6, 1500])  # two ways of summing
def test_sum_by_id_is_the_plain_sum(m, size):
    rng = np.random.default_rng(0)
    columns, given, wanted = rng.normal(size=(4, m)), rng.integers(0, size, m), np.zeros((4, size))
    for column, i in zip(columns.T, given, strict=True):
        wanted[:, i] += column
    np.testing.assert_allclose(sum_by_id(columns, given, size), wanted, atol=1e-14)
