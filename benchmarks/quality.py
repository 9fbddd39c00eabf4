"""How well a generator predicts after so much training: nats a character on tiny Shakespeare.

Run ``python benchmarks/quality.py``: the text is fetched by name. Or name a copy of it:
``python benchmarks/quality.py FILE``. All recipes with all seeds take an hour and a half; ``--only
NAME`` runs one of them, with ``--seed`` for one seed, and saves nothing. With ``--folder``, a
training that is stopped goes on at the next call, and one that has ended is not run again: so
several can be run beside each other before the table is made.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # fast products

import keras
import report

from rnnbook import data
from rnnbook.baselines import NGram
from rnnbook.keras_models import Generator, train
from rnnbook.text import Vocabulary

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
SEEDS = (0, 1, 2)
COLUMNS = ["model", "units", "weights", "epochs", "core-seconds", "seconds", "nats"]
COLUMNS += ["least", "most", "goal"]
NOTES = [
    "Tiny Shakespeare, 1.1 million characters, its last tenth held out: nats a character on that "
    "tenth, with the state carried from its beginning to its end. AdamW with weight decay 0.05, a "
    "warm-up and a cosine to zero, and dropout; the weights are those of the best epoch.",
    "**core-seconds** is the processor time of all threads, **seconds** the time on the clock, "
    "which depends on what else the machine does. One thread. All three, and **nats**, are medians "
    f"over {len(SEEDS)} seeds of the first weights and of dropout; **least** and **most** are the "
    "nats of the best and the worst seed.",
    "The held-out tenth chose each training's best epoch. The recipe of an hour is also the best "
    "of three by it: a GRU of that size, and this LSTM with less dropout and more epochs, stayed "
    "above the goal. So the last figure flatters a little.",
]


def texts(file):
    """Return the first nine tenths of tiny Shakespeare, and the rest."""
    text = data.classic("tiny-shakespeare") if file is None else data.own_book(file)[0]
    return text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]


def trained(name, seed, text, held, folder=None):
    """Train by a recipe; return the number of weights, the two times, and the nats."""
    _, model, recipe = RECIPES[name]
    vocabulary = Vocabulary(text, "characters")
    generator = Generator(vocabulary, seed=seed, **model)
    ids, held = vocabulary.encode(text), vocabulary.encode(held)
    folder = folder and Path(folder) / f"{name}, seed {seed}"
    clock = Clock(folder)
    train(generator, ids, held, **recipe, folder=folder, callbacks=[clock])
    return generator.count_params(), *clock.spent, -generator.log_probabilities(held).mean()


def row(name, seeds, *given):
    """Return a row of the table: a recipe's medians over the seeds."""
    goal, model, recipe = RECIPES[name]
    weights, core_seconds, seconds, nats = zip(
        *(trained(name, seed, *given) for seed in seeds), strict=True
    )
    times = [round(statistics.median(spent)) for spent in (core_seconds, seconds)]
    found = [f"{of(nats):.4f}" for of in (statistics.median, min, max)]
    return [model["cell"].upper(), model["H"], weights[0], recipe["epochs"], *times, *found, goal]


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
    found = [f"{nats:.4f}", None, None]
    return ["5-gram, counted", None, None, None, int(spent), None, *found, None]


def main():
    """Print the table, and save it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="a copy of the text")
    parser.add_argument("--only", choices=RECIPES, help="one recipe; saves nothing")
    parser.add_argument("--seed", type=int, choices=SEEDS, help="one seed; with --only")
    parser.add_argument("--folder", help="where trainings are kept, and go on from")
    given = parser.parse_args()
    if given.seed is not None and not given.only:
        parser.error("--seed wants --only: one recipe, one seed")
    both = texts(given.file)
    if given.only:
        seeds = SEEDS if given.seed is None else (given.seed,)
        rows = [counted(*both), row(given.only, seeds, *both, given.folder)]
        print("\n".join(report.table(COLUMNS, rows)))
        return
    rows = [counted(*both), *(row(name, SEEDS, *both, given.folder) for name in RECIPES)]
    packages = ["numpy", "keras", "tensorflow-cpu"]
    report.save("quality", "Quality against time", COLUMNS, rows, NOTES, packages)


if __name__ == "__main__":
    main()
