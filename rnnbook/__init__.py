"""The package behind the course on recurrent neural networks.

Modules stand on floors; each imports only from the floors below it, and only
``keras_models`` imports Keras:

1. ``arrays``, ``activations``, ``data``, ``style``
2. ``cells``
3. ``layers``, ``diagrams``
4. (training; later chapters)
5. ``keras_models``, ``claims``, ``checks``

Modules load on first use: ``import rnnbook`` alone loads none of them.
"""

import importlib

__version__ = "0.1.0"

__all__ = [
    "activations",
    "arrays",
    "cells",
    "checks",
    "claims",
    "data",
    "diagrams",
    "keras_models",
    "layers",
    "style",
]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"rnnbook.{name}")
    raise AttributeError(f"module 'rnnbook' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
