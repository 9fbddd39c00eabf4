"""Where matrix products are fast: how arrays lie in memory, and bands of a matrix.

Cache lines have 64 bytes, which is also the widest register. An array that begins elsewhere is
read in pieces; and the rows of a matrix that are 2048 bytes apart share a few places of the cache.
"""

import functools
import math

import numpy as np
from threadpoolctl import threadpool_info

LINE = 64  # bytes of a cache line

SMALL = 10**6
"""Before OpenBLAS multiplies two matrices, it copies both; but not with its kernels for AVX-512
where their three sizes multiply to at most this. That way is for one thread only."""


def aligned(shape, dtype):
    """Return an array of ones that begins where a cache line does."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    array = memory[start : start + size].view(dtype).reshape(shape)
    array.fill(1)
    return array


def spaced(rows, columns, dtype):
    """Return a matrix of ones whose rows are an odd number of cache lines apart."""
    each = LINE // np.dtype(dtype).itemsize
    lines = -(-columns // each) | 1
    return aligned((rows, lines * each), dtype)[:, :columns]


def in_bands(array, m, B):
    """Return a matrix as :func:`multiply` wants it: in bands of its rows where that is faster.

    The product of each band with X is then small in the sense of :data:`SMALL`, which saves up to
    a third of the time. With several threads, or other kernels, the whole is faster.

    Parameters
    ----------
    array : numpy.ndarray, shape (n, ·)
        W, or the array for the product W X; where it is cut, it is contiguous.
    m, B : int
        The shape of X.

    Returns
    -------
    numpy.ndarray, shape (n, ·) or (bands, rows, ·)
        A view.
    """
    n, columns = array.shape
    r = _rows_of_a_band(n, m, B)
    return array if r == n else array.reshape(-1, r, columns)


def multiply(W, X, out):
    """Write W X into ``out``; W and ``out`` come from :func:`in_bands`."""
    if W.ndim == 2:
        W.dot(X, out)  # the same product as that of matmul, called in less time
    else:
        np.matmul(W, X, out=out)


def columns(array):
    """Return the features of a block of steps, (k, ..., B), as (features, k B)."""
    k, *_, B = array.shape
    return array.reshape(k, -1, B).transpose(1, 0, 2).reshape(-1, k * B)


def cut(start, stop, k):
    """Return the slices from start to stop into blocks of k steps."""
    return [slice(t, min(t + k, stop)) for t in range(start, stop, k)]


def sums_by_id(columns, ids, V):
    """Return, for each id from 0 to V - 1, the sum of its columns: (n, m) to (n, V)."""
    if V < 1000:  # then a product is faster than sorting
        return columns @ (ids[:, None] == np.arange(V)).astype(columns.dtype)
    order = np.argsort(ids, kind="stable")
    present, first = np.unique(ids[order], return_index=True)
    sums = np.zeros((len(columns), V), columns.dtype)
    sums[:, present] = np.add.reduceat(columns[:, order], first, axis=1)
    return sums


@functools.cache
def _rows_of_a_band(n, m, B):
    if B == 1 or not FAST_WHEN_SMALL:  # the product with one column has kernels of its own
        return n
    return max((r for r in range(8, n + 1) if n % r == 0 and r * m * B <= SMALL), default=n)


def _fast_when_small():
    """Say whether OpenBLAS runs one thread of its kernels for AVX-512.

    That depends on more than the processor: the variable ``OPENBLAS_CORETYPE`` may name others.
    """
    blas = [b for b in threadpool_info() if b["internal_api"] == "openblas"]
    kernels = {"SkylakeX", "Cooperlake", "SapphireRapids"}
    return any(b["num_threads"] == 1 and b["architecture"] in kernels for b in blas)


FAST_WHEN_SMALL = _fast_when_small()
