"""What a page shows: figures in one style, diagrams, claims with their verdicts, instruments.

>>> from rnnbook.show import claim, diagrams, instruments, style
"""

import importlib
import importlib.util

if not (importlib.util.find_spec("matplotlib") and importlib.util.find_spec("IPython")):
    raise ImportError('rnnbook.show needs Matplotlib and IPython: pip install "rnnbook[figures]"')

__all__ = ["claim", "claims", "diagrams", "instruments", "style"]


def __getattr__(name):
    if name == "claim":
        return importlib.import_module("rnnbook.show.claims").claim
    if name in __all__:
        return importlib.import_module(f"rnnbook.show.{name}")
    raise AttributeError(f"module 'rnnbook.show' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
