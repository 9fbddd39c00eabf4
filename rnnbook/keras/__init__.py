"""The Keras side: the course's weights in a Keras layer, and the text generator of chapter 8."""

import os

# Before TensorFlow loads: the same order of sums on every processor, and no log lines between a
# notebook's results. Variables that are set already stay as they are.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

try:
    import keras  # noqa: F401
except ImportError as error:
    needed = 'rnnbook.keras needs Keras and TensorFlow: pip install "rnnbook[keras]"'
    raise ImportError(needed) from error

from rnnbook.keras.generator import Generator
from rnnbook.keras.layers import OutputToHiddenCell, set_simple_rnn_weights, simple_rnn_weights
from rnnbook.keras.models import next_token_model, train_seeds
from rnnbook.keras.training import stateful_dataset, train

__all__ = [
    "Generator",
    "OutputToHiddenCell",
    "next_token_model",
    "set_simple_rnn_weights",
    "simple_rnn_weights",
    "stateful_dataset",
    "train",
    "train_seeds",
]
