"""Train a text generator on the course's novel, or on a book of your own, and keep it in a folder.

    python examples/train.py --folder my-model [FILE ...]

Stop it with Ctrl-C whenever you like: the same command goes on where it was, to the same numbers.
The best weights so far are in the folder's best.keras. Without FILE it reads the course's novel;
of your own files, the last tenth of the text is left for a test, as in chapter 8, and the tenth
before it is held out.
"""

import argparse
import os
import time

# oneDNN's products are fast, but their last digits differ between machines.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from rnnbook import data
from rnnbook.keras import Generator, train
from rnnbook.text import Vocabulary


def options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="plain text; the course's novel by default")
    add("--folder", required=True, help="where the model is kept, and the training goes on from")
    add("--unit", choices=["characters", "words"], default="characters")
    add("--min-count", type=int, default=1, help="rarer tokens become the unknown token")
    add("--cell", choices=["lstm", "gru", "rnn"], default="lstm")
    add("--units", type=int, default=256, help="of each recurrent layer")
    add("--layers", type=int, default=1)
    add("--embedding", type=int, default=64)
    add("--dropout", type=float, default=0.25)
    add("--epochs", type=int, default=18)
    add("--rate", type=float, default=8e-3, help="the highest learning rate")
    add("--rows", type=int, default=32, help="texts read side by side, B")
    add("--steps", type=int, default=64, help="time steps in a batch, T")
    add("--patience", type=int, help="stop after so many epochs without a gain")
    add("--seed", type=int, default=0)
    return parser.parse_args()


def texts(files):
    """Return the text to learn, and the one that is held out."""
    if not files:
        return data.novel("train"), data.novel("validation")
    text = data.own_book(files)
    tenth = len(text) // 10
    return text[: -2 * tenth], text[-2 * tenth : -tenth]


def main():
    """Train."""
    given = options()
    text, held_out = texts(given.files)
    vocabulary = Vocabulary(text, given.unit, given.min_count)
    generator = Generator(
        vocabulary, given.units, given.cell, given.layers, given.embedding, given.dropout,
        given.seed,
    )  # fmt: skip
    print(f"{len(vocabulary)} types of {given.unit}, {generator.count_params():,} weights")
    spent = time.process_time()
    history = train(
        generator, vocabulary.encode(text), vocabulary.encode(held_out), given.epochs,
        rate=given.rate, B=given.rows, T=given.steps, patience=given.patience, folder=given.folder,
    )  # fmt: skip
    bits = min(row["held_out"] for row in history)
    print(f"{bits:.3f} bits per token held out, {time.process_time() - spent:.0f} core-seconds")
    print(generator.generate(500, temperature=0.7))


if __name__ == "__main__":
    main()
