"""How well a generator predicts after so much training: nats a character on tiny Shakespeare.

Run ``python benchmarks/quality.py``: the text is fetched by name. Or name a copy of it,
``python benchmarks/quality.py FILE``. ``--only NAME`` makes one training, and saves nothing. With
``--folder`` a training that is stopped goes on at the next call.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # fast products

import report

from rnnbook import data
from rnnbook.baselines import NGram
from rnnbook.keras_models import Generator, train
from rnnbook.losses import cross_entropy  # noqa: F401
from rnnbook.text import Vocabulary

# The name, the goal in nats, the model, and its training.
RECIPES = {
    "2 minutes": (1.55, {"H": 256, "cell": "gru"}, {"epochs": 4, "rate": 8e-3, "T": 32}),
    "5 minutes": (1.48, {"H": 384, "cell": "lstm", "dropout": 0.25},
                  {"epochs": 7, "rate": 8e-3, "T": 32}),
    "1 hour": (1.43, {"H": 512, "cell": "lstm", "dropout": 0.4},
               {"epochs": 18, "rate": 6e-3, "T": 64}),
}  # fmt: skip


def texts(file):
    """Return the first nine tenths of tiny Shakespeare, and the rest."""
    text = data.classic("tiny-shakespeare") if file is None else data.own_book(file)[0]
    return text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]


def trained(name, text, held, folder=None):
    """Train by a recipe; return held-out nats, wall seconds, core-seconds and parameters."""
    _, model, recipe = RECIPES[name]
    vocabulary = Vocabulary(text, "characters")
    generator = Generator(vocabulary, **model)
    ids, held = vocabulary.encode(text), vocabulary.encode(held)
    clock, spent = time.perf_counter(), time.process_time()
    train(generator, ids, held, **recipe, folder=folder and Path(folder) / name)
    clock, spent = time.perf_counter() - clock, time.process_time() - spent
    return -generator.log_probabilities(held).mean(), clock, spent, generator.count_params()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--only")
    parser.add_argument("--folder")
    a = parser.parse_args()
    print(a.only, trained(a.only, *texts(a.file), a.folder))
