"""Where arrays lie in memory, and products in bands, against plain products."""

import numpy as np
import pytest

from rnnbook.nn import layers, products


@pytest.fixture(params=[True, False], ids=["bands", "whole"])
def bands(request, monkeypatch):
    monkeypatch.setattr(products, "FAST_WHEN_SMALL", request.param)
    products._rows_of_a_band.cache_clear()
    yield request.param
    products._rows_of_a_band.cache_clear()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (7, 2, 33), (1000, 100)])
def test_an_aligned_array_begins_with_a_cache_line(shape, dtype):
    array = products.aligned(shape, dtype)
    assert array.ctypes.data % 64 == 0
    assert (array.shape, array.dtype) == (shape, dtype)
    assert (array == 1).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [1, 16, 25, 32, 256, 512, 1000])
def test_spaced_rows_are_an_odd_number_of_cache_lines_apart(columns, dtype):
    matrix = products.spaced(5, columns, dtype)
    assert (matrix.shape, matrix.dtype) == ((5, columns), dtype)
    lines, rest = divmod(matrix.strides[0], 64)
    assert rest == 0
    assert lines % 2 == 1
    assert matrix.ctypes.data % 64 == 0
    assert (matrix == 1).all()


# The last three are cut: 512 rows into 4 bands, 2048 into 64, 1024 into 128.
SIZES = [(1, 1, 1), (6, 5, 4), (7, 2000, 300), (512, 193, 32), (2048, 577, 32), (1024, 900, 128)]


@pytest.mark.parametrize(("n", "m", "B"), SIZES)
def test_a_product_is_the_same_in_bands(n, m, B, bands):
    rng = np.random.default_rng(0)
    W, X, out = rng.normal(size=(n, m)), rng.normal(size=(m, B)), np.empty((n, B))
    products.multiply(products.in_bands(W, m, B), X, products.in_bands(out, m, B))
    np.testing.assert_allclose(out, np.einsum("nm,mb->nb", W, X, optimize=True), atol=1e-10)


@pytest.mark.parametrize(("n", "m", "B"), SIZES)
def test_a_band_is_a_part_of_the_rows_and_small(n, m, B, bands):
    r = products._rows_of_a_band(n, m, B)
    assert n % r == 0
    if r < n:
        assert bands
        assert r >= 8
        assert r * m * B <= products.SMALL
        larger = [k for k in range(r + 1, n + 1) if n % k == 0]
        assert all(k * m * B > products.SMALL for k in larger)
    else:
        assert not bands or n * m * B <= products.SMALL or n < 8


@pytest.mark.parametrize("kind", [layers.RNN, layers.LSTM, layers.GRU])
@pytest.mark.parametrize(("B", "H"), [(1, 1024), (16, 256)])
def test_a_layer_is_the_same_with_bands_and_without(kind, B, H, monkeypatch):
    rng = np.random.default_rng(0)
    x, dh = rng.normal(size=(B, 2, 3)), rng.normal(size=(B, 2, H))
    found = []
    for cut in (True, False):
        monkeypatch.setattr(products, "FAST_WHEN_SMALL", cut)
        products._rows_of_a_band.cache_clear()
        layer = kind(3, H, 0, dtype="float64")
        h, _ = layer.forward(x)
        found.append([h, *layer.backward(dh), *layer.gradients.values()])
    products._rows_of_a_band.cache_clear()
    for in_bands, whole in zip(*found, strict=True):
        np.testing.assert_allclose(in_bands, whole, atol=1e-10)


@pytest.mark.parametrize("V", [4, 1500])  # by a product, and by sorting
def test_sums_by_id(V):
    rng = np.random.default_rng(0)
    columns, ids = rng.normal(size=(3, 50)), rng.integers(0, V - 1, 50)
    wanted = np.zeros((3, V))
    for column, i in zip(columns.T, ids, strict=True):
        wanted[:, i] += column
    np.testing.assert_allclose(products.sums_by_id(columns, ids, V), wanted, atol=1e-12)
