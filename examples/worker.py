"""Train a generator on the novel, as one of several workers that share each batch.

Each worker reads its share of the rows of a batch and works out a gradient. TensorFlow's
MultiWorkerMirroredStrategy sums the gradients of all workers, and each takes the same step with
the same sum. So all keep the same weights, and the losses are those of one worker.

tools/two_processes.py starts workers on one machine, which is no faster than one worker. For
machines of their own, start this on each, with a folder that they share, and with TF_CONFIG set as
two_processes.py sets it.
"""

import argparse
import os
import sys
import threading
import traceback
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums everywhere

import keras
import numpy as np
import tensorflow as tf

from rnnbook import data
from rnnbook.keras import Generator
from rnnbook.keras.training import optimizer
from rnnbook.text import Vocabulary, checkpoints, shuffled_batches

KIND, VERSION = "rnnbook training of several workers", 1


def options():
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--folder", required=True, type=Path, help="where the training is kept, and goes on from")
    add("--units", type=int, default=64, help="of the LSTM layer")
    add("--epochs", type=int, default=2)
    add("--rate", type=float, default=4e-3, help="the highest learning rate")
    add("--clip", type=float, default=1.0, help="limit of the gradient's norm")
    add("--rows", type=int, default=32, help="windows in a batch, of all workers together")
    add("--steps", type=int, default=32, help="time steps in a window, T")
    add("--characters", type=int, help="read so many of the training chapters; all by default")
    add("--launched", action="store_true", help="end when the standard input does")
    return parser.parse_args()


def end_with_the_launcher():
    """Wait for the end of the standard input: whatever ended the launcher, it closes."""
    sys.stdin.read()
    os._exit(1)


def compiled_step(strategy, model, adamw, tokens):
    """Return the training step: of this worker's rows (x, y), it gives the loss of all rows."""
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    weights = model.trainable_variables

    def share(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True)) / tokens
        gradients = tape.gradient(loss, weights)
        dense = [tf.convert_to_tensor(g) for g in gradients]  # the embedding's has its rows only
        return tf.distribute.get_replica_context().all_reduce("SUM", [loss, *dense])

    @tf.function
    def step(x, y):
        loss, *gradients = strategy.run(share, (x, y))
        # Not inside share: there Keras clips each worker's gradient, and sums only then.
        adamw.apply(gradients, weights)
        return loss

    return step


class Training:
    """A model, its optimizer, the loss of each step so far, and the file that keeps them."""

    def __init__(self, given, vocabulary, steps):
        # No dropout: each worker would draw its own.
        self.model = Generator(vocabulary, given.units, embedding=32, dropout=0.0)
        self.adamw = optimizer(given.rate, max(1, steps // 10), steps, 0.05, given.clip)
        self.adamw.build(self.model.trainable_variables)
        self.variables = [*self.model.weights, *self.adamw.variables]
        self.file, self.losses = given.folder / "training.npz", []
        self.recipe = {k: v for k, v in vars(given).items() if k not in ("folder", "launched")}
        if self.file.is_file():
            self.take_up()

    def take_up(self):
        """Go on from the file."""
        arrays, stored = checkpoints.load(self.file, KIND, VERSION)
        if stored["recipe"] != self.recipe:
            raise ValueError(
                f"{self.file} must be of the same training, got one with {stored['recipe']} (give "
                "its options again, or another folder)"
            )
        self.losses = stored["losses"]
        for number, variable in enumerate(self.variables):
            variable.assign(arrays[str(number)])

    def store(self):
        """Write the file, whole or not at all."""
        arrays = {str(number): v.numpy() for number, v in enumerate(self.variables)}
        description = {"recipe": self.recipe, "losses": self.losses}
        checkpoints.save(self.file, KIND, VERSION, arrays, description)


def work(given):
    """Train, with the other workers or alone."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # reads TF_CONFIG, meets the others
    workers, index = strategy.num_replicas_in_sync, strategy.cluster_resolver.task_id or 0
    if given.rows % workers:
        raise ValueError(f"rows must be a multiple of {workers} workers, got {given.rows}")
    text = data.novel("train")[: given.characters]
    vocabulary = Vocabulary(text, "characters")
    ids, B, T = vocabulary.encode(text), given.rows, given.steps
    n = len(list(shuffled_batches(ids, B, T, seed=0)))  # steps in an epoch
    given.folder.mkdir(parents=True, exist_ok=True)
    training = Training(given, vocabulary, given.epochs * n)
    step = compiled_step(strategy, training.model, training.adamw, B * T)
    for epoch in range(len(training.losses) // n, given.epochs):
        for x, y in shuffled_batches(ids, B, T, seed=epoch):
            training.losses.append(float(step(x[index::workers], y[index::workers])))
        if index == 0:  # one file is enough: all workers have the same weights
            training.store()
            bits = np.mean(training.losses[-n:]) / np.log(2)
            print(f"epoch {epoch + 1} of {given.epochs}: {bits:.6f} bits", flush=True)
    if index == 0:
        training.model.save(given.folder / "model.keras")


def main():
    """Be a worker, and do not wait for one that is gone."""
    given = options()
    if given.launched:
        threading.Thread(target=end_with_the_launcher, daemon=True).start()
    try:
        work(given)
    except Exception as error:
        if isinstance(error, tf.errors.OpError):
            print(f"another worker is gone ({type(error).__name__}), so this one ends", flush=True)
        else:
            traceback.print_exc()
        os._exit(1)  # an orderly end would wait for the others


if __name__ == "__main__":
    main()
