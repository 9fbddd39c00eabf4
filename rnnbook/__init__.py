"""The package behind the course on recurrent neural networks.

Modules stand on floors; each imports only from the floors below it, and only
``keras_models`` imports Keras:

0. ``arrays``
1. ``activations``, ``data``, ``style``
2. ``cells``, ``text``
3. ``layers``, ``baselines``, ``diagrams``
5. ``keras_models``, ``claims``, ``checks``

Modules load on first use: ``import rnnbook`` alone loads none of them.
"""

import importlib

__version__ = "0.1.0"

__all__ = [
    "activations",
    "arrays",
    "baselines",
    "cells",
    "checks",
    "claims",
    "data",
    "diagrams",
    "keras_models",
    "layers",
    "style",
    "text",
]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"rnnbook.{name}")
    raise AttributeError(f"module 'rnnbook' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
