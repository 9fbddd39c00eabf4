"""The package behind the course on recurrent neural networks.

What one looks for stands here, and loads when it is first used: ``import rnnbook`` alone loads
nothing, not even NumPy. The rest is in folders by theme; each imports only from those before it,
and only ``rnnbook.keras`` imports Keras:

``data``
    The novel, classic texts, a book of your own, the sunspots; tasks with known answers.
``nn``
    Layers with their backward steps, losses, optimizers, gradients and what checks them.
``text``
    Vocabularies, n-grams, language models, sampling, training that can be resumed.
``hmm``
    The hidden Markov model.
``show``
    Figures, diagrams, claims with their verdicts, instruments that run in the page.
``exercises``
    What the course asks, its answers, and the hints.
``keras``
    The generator in Keras, and the models that Keras lacks.
"""

import importlib

__version__ = "0.2.0"

_HOME = {
    "RNN": "nn.layers",
    "LSTM": "nn.layers",
    "GRU": "nn.layers",
    "Dense": "nn.feedforward",
    "Embedding": "nn.feedforward",
    "Vocabulary": "text",
    "NGram": "text.ngram",
    "LanguageModel": "text.language_model",
    "train": "text.training",
    "HMM": "hmm",
}
_THEMES = ("data", "nn", "text", "hmm", "show", "exercises", "keras")

__all__ = [*_HOME]


def __getattr__(name):
    if name in _HOME:
        return getattr(importlib.import_module(f"rnnbook.{_HOME[name]}"), name)
    if name in _THEMES:
        return importlib.import_module(f"rnnbook.{name}")
    raise AttributeError(f"module 'rnnbook' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__, *_THEMES])
