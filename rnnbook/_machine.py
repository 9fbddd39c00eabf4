"""What NumPy asks of the machine: threads for matrix products, and memory for arrays.

OpenBLAS, which NumPy's wheels carry, gives a product to all cores as soon as it is not tiny. To
wake a core takes longer than such a product, and on a busy machine the two wait for each other. A
loop of small products is therefore faster on one thread.

The C library of Linux gives memory back to the system as soon as a large array is freed, and for
the next one the system clears it page by page: up to a third of a small layer's training step. It
keeps more once it has seen a larger array freed.
"""

import ctypes
import functools
import threading
import weakref
from pathlib import Path

import numpy as np

WORTH = 2**23
"""Multiplications in one product from which a second thread pays, on a quiet machine."""

np.empty(2**25 - 2**13, np.uint8)  # the largest that counts, freed at once: keep up to 64 MB

_lock, _holders, _before = threading.Lock(), weakref.WeakSet(), []


class one_thread:  # noqa: N801 - used as a statement: with one_thread():
    """Keep NumPy's matrix products on one thread for the length of a ``with`` block.

    ``multiplications`` are those of the largest product of each step: from :data:`WORTH` on,
    nothing changes, nor with other libraries than the OpenBLAS of NumPy's wheels. Products in other
    Python threads run on one thread too, until the last block has ended.

    >>> with one_thread():
    ...     np.eye(2) @ np.ones(2)
    array([1., 1.])
    """

    def __init__(self, multiplications: int = 0):
        self.get, self.put = _openblas() if multiplications < WORTH else (None, None)

    def __enter__(self):
        if self.put:
            with _lock:
                _holders.add(self)
                if not _before:
                    _before.append(self.get())
                self.put(1)

    def __exit__(self, *_):
        if self.put:
            with _lock:
                _holders.discard(self)
                if _before and not _holders:  # else another Python thread is still inside
                    self.put(_before[0])
                    _before.clear()


@functools.cache
def _openblas():
    """Return OpenBLAS' functions that give and set its number of threads, or None for both."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for file in folder.glob("*openblas*"):
            library = ctypes.CDLL(str(file))
            for name in ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_"):
                if hasattr(library, name.format("set")):
                    return [getattr(library, name.format(verb)) for verb in ("get", "set")]
    return None, None
