"""How fast a Keras model writes: the compiled loop of the course's generator, and the naive ways.

Run ``python -m benchmarks.generation``: a minute. With ``--quick`` it saves nothing.
"""

import argparse
import os
import statistics
import string

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import numpy as np

from benchmarks.steps import alone
from benchmarks.writing import speeds
from tools import report

CHARACTERS = string.ascii_letters + string.digits + string.punctuation[:16] + " "
H, GOAL = 256, 15_000
COLUMNS = ["way", "texts at once", "characters a second", "goal", "times the first"]
NOTES = [
    "Characters a second of processor time, those of all texts together, on one core: an LSTM with "
    f"H = {H}, an embedding of 64 and {len(CHARACTERS) + 1} tokens. Each character is drawn from "
    "the model's distribution and heard at the next step, with the state carried on. All run in "
    "turn; the figures are medians over the rounds.",
    "`predict`, the call and the `tf.function` take one character a call of a stateful model, and "
    "draw in NumPy. They differ in what happens between two characters. The generator is "
    "`rnnbook.keras.Generator.sample`: the whole loop is one function, compiled by XLA, "
    "and Python is back once in 256 characters.",
    "The last row writes with the same weights in NumPy: `rnnbook.text.language_model`.",
]


def one_by_one(generator, call):
    """Return a function that writes n characters, each by a call of a stateful model."""
    rng = np.random.default_rng(0)

    def write(n):
        ids = np.zeros((1, 1), np.int32)
        for _ in range(n):
            logits = np.asarray(call(ids))[0, -1].astype(float)
            p = np.exp(logits - logits.max())
            ids[:] = rng.choice(generator.V, p=p / p.sum())

    return write


def ways():
    """Return the ways for one text, by name, and the generator."""
    import tensorflow as tf

    from rnnbook.keras import Generator
    from rnnbook.text import Vocabulary

    generator = Generator(Vocabulary(CHARACTERS, "characters"), H, "lstm")
    model = generator.copy(rows=1)
    found = {
        "predict for each character": one_by_one(
            generator, lambda ids: model.predict(ids, verbose=0)
        ),
        "a call for each": one_by_one(generator, model),
        "a tf.function for each": one_by_one(generator, tf.function(model)),
        "the generator": lambda n: generator.sample(n),
        "the same in NumPy": lambda n: numpy_model.sample(n),
    }
    numpy_model = generator.to_numpy()
    return found, generator


def main():
    """Print the table, and save it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="briefly; saves nothing")
    quick = parser.parse_args().quick
    if not alone("benchmarks.generation", 1, *["--quick"] * quick):
        return
    found, generator = ways()
    effort = (0.1, 3) if quick else (0.5, 7)
    one = {name: statistics.median(s) for name, s in speeds(found, 1, *effort).items()}
    many = speeds({"": lambda n: generator.sample(n, samples=64)}, 64, *effort)
    first = next(iter(one.values()))
    rows = [
        [name, 1, int(speed), GOAL if name == "the generator" else None, speed / first]
        for name, speed in one.items()
    ]
    speed = statistics.median(many[""])
    rows.insert(-1, ["the generator", 64, int(speed), None, speed / first])
    if quick:
        print("\n".join(report.table(COLUMNS, rows)))
    else:
        packages = ["numpy", "keras", "tensorflow-cpu"]
        report.save("generation", "Writing with Keras", COLUMNS, rows, NOTES, packages)


if __name__ == "__main__":
    main()
