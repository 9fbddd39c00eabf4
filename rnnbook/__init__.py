"""The package behind the course on recurrent neural networks.

Modules stand on floors; each imports only from the floors below it, and only
``keras_models`` imports Keras:

0. ``arrays``
1. ``activations``, ``data``, ``style``, ``checkpoints``, ``losses``, ``products``, ``gate_weights``
2. ``cells``, ``gated_cells``, ``recurrent``, ``text``, ``optimizers``, ``sampling``, ``tasks``
3. ``layers``, ``variants``, ``feedforward``, ``baselines``, ``diagrams``, ``writing``, ``hmm``
4. ``language_model``, ``training``, ``gradients``, ``remedies``
5. ``keras_models``, ``claims``, ``checks``, ``instruments``

Modules load on first use: ``import rnnbook`` alone loads none of them.
"""

import importlib

__version__ = "0.1.0"

__all__ = [
    "activations",
    "arrays",
    "baselines",
    "cells",
    "checkpoints",
    "checks",
    "claims",
    "data",
    "diagrams",
    "feedforward",
    "gate_weights",
    "gated_cells",
    "gradients",
    "hmm",
    "instruments",
    "keras_models",
    "language_model",
    "layers",
    "losses",
    "optimizers",
    "products",
    "recurrent",
    "remedies",
    "sampling",
    "style",
    "tasks",
    "text",
    "training",
    "variants",
    "writing",
]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"rnnbook.{name}")
    raise AttributeError(f"module 'rnnbook' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
