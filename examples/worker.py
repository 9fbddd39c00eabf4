"""Train a generator on the novel, as one of several workers that share each batch.

Each worker reads its share of the rows of a batch and works out a gradient. TensorFlow's
MultiWorkerMirroredStrategy sums the gradients of all workers, and each takes the same step with
the same sum. So all keep the same weights, and the losses are those of one worker.

examples/two_processes.py starts workers on one machine, which is no faster than one worker. For
machines of their own, start this on each, with a folder that they share, and with TF_CONFIG set as
two_processes.py sets it. TensorFlow's server listens on all of a machine's networks and obeys
whoever connects: so say with --trust-network that nobody but you can reach these machines.
"""

import argparse
import os
import socket
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
from rnnbook.keras.training import load_training, optimizer, save_training
from rnnbook.nn.optimizers import check_settings
from rnnbook.text import Vocabulary, checkpoints, shuffled_batches

DECAY = 0.05  # of the weights, as in rnnbook.keras.train


def options():
    """Return the options of the command line."""
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
    add("--trust-network", action="store_true", help="nobody but you can reach this machine")
    add("--launched", action="store_true", help="end when the standard input does")
    given = parser.parse_args()
    networks = [name for _, name in socket.if_nameindex() if not name.startswith("lo")]
    if "TF_CONFIG" in os.environ and networks and not given.trust_network:
        parser.error(
            f"TensorFlow's server would listen on {', '.join(networks)}, and obey whoever connects "
            "(give --trust-network where nobody but you can reach this machine)"
        )
    return given


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


def work(given):
    """Train, with the other workers or alone."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # reads TF_CONFIG, meets the others
    workers, index = strategy.num_replicas_in_sync, strategy.cluster_resolver.task_id or 0
    if given.rows % workers:
        raise ValueError(f"rows must be a multiple of {workers} workers, got {given.rows}")
    check_settings(given.rate, given.clip)
    text = data.novel("train")[: given.characters]
    vocabulary = Vocabulary(text, "characters")
    ids, B, T = vocabulary.encode(text), given.rows, given.steps
    n = len(list(shuffled_batches(ids, B, T, seed=0)))  # steps in an epoch
    given.folder.mkdir(parents=True, exist_ok=True)
    file, losses = given.folder / "training.npz", []
    same = "units", "epochs", "rate", "clip", "rows", "steps", "characters"
    recipe = {name: getattr(given, name) for name in same}
    # No dropout: each worker would draw its own.
    model = Generator(vocabulary, given.units, embedding=32, dropout=0.0)
    steps = given.epochs * n
    adamw = optimizer(given.rate, max(1, steps // 10), steps, DECAY, given.clip)
    adamw.build(model.trainable_variables)
    variables = [*model.weights, *adamw.variables]
    if file.is_file():
        losses = load_training(file, variables, recipe)
    step = compiled_step(strategy, model, adamw, B * T)
    for epoch in range(len(losses) // n, given.epochs):
        for x, y in shuffled_batches(ids, B, T, seed=epoch):
            losses.append(float(step(x[index::workers], y[index::workers])))
        if index == 0:  # one file is enough: all workers have the same weights
            save_training(file, variables, recipe, losses)
            bits = np.mean(losses[-n:]) / np.log(2)
            print(f"epoch {epoch + 1} of {given.epochs}: {bits:.6f} bits", flush=True)
    if index == 0:
        with checkpoints.replacing(given.folder / "model.keras") as part:
            model.save(part)


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
