"""Training a generator with Keras' ``fit``: stopped at any moment, it goes on where it was."""

import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from rnnbook._check import whole
from rnnbook.keras.generator import Generator
from rnnbook.keras.progress import displays
from rnnbook.nn.optimizers import check_settings
from rnnbook.text import checkpoints, stateful_batches, token_ids

KIND, VERSION = "rnnbook training in Keras", 1


def stateful_dataset(ids: ArrayLike, B: int, T: int) -> tf.data.Dataset:
    """Return the batches of :func:`rnnbook.text.stateful_batches` as a ``tf.data.Dataset``.

    Its arguments are the same, and so are its errors. Each element is (x, y), both of shape
    (B, T): row b of a batch goes on where row b of the batch before stopped.

    >>> for x, y in stateful_dataset(range(9), B=2, T=2):
    ...     print(x.numpy().tolist(), y.numpy().tolist())
    [[0, 1], [4, 5]] [[1, 2], [5, 6]]
    [[2, 3], [6, 7]] [[3, 4], [7, 8]]
    """
    x, y = (np.stack(part) for part in zip(*stateful_batches(ids, B, T), strict=True))
    return tf.data.Dataset.from_tensor_slices((x, y)).prefetch(1)


def train(
    generator: Generator, ids: ArrayLike, held_out: ArrayLike, epochs: int, *, rate: float,
    warmup: int | None = None, B: int = 32, T: int = 64, decay: float = 0.05,
    clip: float | None = 1.0, patience: int | None = None, folder: str | os.PathLike | None = None,
    progress: bool | None = None, callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[dict]:  # fmt: skip
    """Train a generator by truncated backpropagation through time, and keep its best weights.

    The text is read in B rows, T tokens a step, with the state carried on; an epoch is one
    pass, and begins with a state of zero. AdamW learns at a rate that rises for ``warmup``
    steps and then falls to zero along a cosine. After each epoch the held-out text is read,
    in B rows too, and with a folder everything is stored.

    Parameters
    ----------
    generator
        Its weights change; afterwards it has those that were best on the held-out text.
    ids, held_out : array_like of int, shapes (n,) and (m,)
        The text to learn, and the one to judge by.
    epochs
        The budget.
    rate
        The highest learning rate.
    warmup
        Training steps until it is reached; fewer than all. By default a tenth of them, at most 200.
    B, T
        Rows, and time steps in a batch.
    decay
        Weight decay.
    clip
        Limit of the gradients' joint norm; None for no limit.
    patience
        Stop after so many epochs without a gain on the held-out text. None never does.
    folder
        Where the training is stored: ``best.keras``, the best model so far, and ``training.npz``,
        from which the same call goes on, to the same numbers as if it had never been stopped.
    progress
        Whether a bar and, in a notebook, a curve are drawn. By default they are, unless the
        environment variable ``RNNBOOK_PROGRESS`` is 0.
    callbacks
        More of Keras' callbacks.

    Returns
    -------
    list of dict
        For each epoch its number, from 1, and the bits per token: "training", the mean over
        the epoch, and "held_out".

    Raises
    ------
    FloatingPointError
        If the loss is no longer finite. The generator has the best weights so far.

    >>> from rnnbook.text import Vocabulary
    >>> letters = Vocabulary("the rope holds. " * 20, "characters")
    >>> ids = letters.encode("the rope holds. " * 20)
    >>> generator = Generator(letters, H=8, cell="rnn", embedding=4)
    >>> history = train(generator, ids, ids[:100], 2, rate=0.01, B=4, T=8, progress=False)
    >>> [row["epoch"] for row in history]
    [1, 2]
    """
    rate, clip, decay = check_settings(rate, clip, decay)
    B, T, epochs = whole("B", B), whole("T", T), whole("epochs", epochs)
    patience = None if patience is None else whole("patience", patience)
    ids = token_ids(ids, generator.V, B * T + 1)
    held_out = token_ids(held_out, generator.V, B * T + 1, name="held_out")
    data, judged = stateful_dataset(ids, B, T), stateful_dataset(held_out, B, T)
    steps = len(data) * epochs
    warmup = max(1, min(200, steps // 10)) if warmup is None else whole("warmup", warmup)
    if warmup >= steps:
        raise ValueError(
            f"warmup must be less than the {steps} steps of {epochs} epochs, got {warmup}"
        )
    recipe = {
        "tokens": list(generator.tokens), "model": generator.configuration,
        "ids": _checksum(ids), "held_out": _checksum(held_out), "epochs": epochs, "rate": rate,
        "warmup": warmup, "B": B, "T": T, "decay": decay, "clip": clip, "patience": patience,
    }  # fmt: skip
    model = generator.copy(rows=B)
    model.compile(
        optimizer(rate, warmup, steps, decay, clip),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,  # on a CPU, XLA's loop over time is five times slower than TensorFlow's
    )
    record = Record(generator, model, recipe, folder, len(data))
    if not record.is_over():
        shown = displays(record, len(data), epochs, progress)
        model.fit(
            data, epochs=epochs, initial_epoch=len(record.history), validation_data=judged,
            shuffle=False, verbose=0, callbacks=[record, *shown, *callbacks],
        )  # fmt: skip
    return record.history


def optimizer(
    rate: float, warmup: int, steps: int, decay: float, clip: float | None
) -> keras.optimizers.Optimizer:
    """Return AdamW with a warm-up, a cosine to zero, and the gradients' joint norm limited."""
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / warmup, steps - warmup, warmup_target=rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(schedule, weight_decay=decay, beta_2=0.99, global_clipnorm=clip)


class Record(keras.callbacks.Callback):
    """Bits of each epoch, the best weights, and a folder from which the training goes on.

    ``generator`` gets the best weights of ``model``, the stateful one that is trained; ``recipe``
    is what must be the same for a training to go on; an epoch has so many ``steps``.
    """

    def __init__(self, generator, model, recipe, folder, steps):
        super().__init__()
        self.generator, self.recipe, self.steps, self.history = generator, recipe, steps, []
        self.folder = folder if folder is None else Path(folder).expanduser()
        if folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file, self.best = self.folder / "training.npz", self.folder / "best.keras"
        model.optimizer.build(model.trainable_variables)
        self.variables = [*generator.weights, *model.weights, *model.optimizer.variables]
        if self.file.exists():
            self.history = load_training(self.file, self.variables, recipe)
        elif self.best.exists():
            raise ValueError(
                f"{self.folder} holds a best.keras, but no training.npz to go on from (give "
                "another folder: this model would be written over)"
            )
        else:  # of the start: so best.keras never stands without it
            save_training(self.file, self.variables, recipe, self.history)

    def on_epoch_begin(self, epoch, logs=None):
        """Let each epoch begin with a state of zero, and with dropout of its own.

        Its random numbers start from the number of the step, so they are the same whether the
        training was stopped before or not.
        """
        reset_states(self.model)
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                layer.seed_generator.state.assign([layer.seed, epoch * self.steps])

    def on_test_begin(self, logs=None):
        """Let the held-out text begin with a state of zero."""
        reset_states(self.model)

    def on_epoch_end(self, epoch, logs=None):
        """Note the bits, keep the weights if they are the best so far, and store all of it."""
        bits = {"training": logs["loss"] / math.log(2), "held_out": logs["val_loss"] / math.log(2)}
        if not np.isfinite(sum(bits.values())):
            raise FloatingPointError(
                f"training stopped in epoch {epoch + 1}: the loss is not finite (try a lower rate "
                "or a longer warm-up; the model keeps the best weights so far)"
            )
        is_best = all(bits["held_out"] < row["held_out"] for row in self.history)
        self.history.append({"epoch": epoch + 1, **bits})
        if is_best:
            self.generator.set_weights(self.model.get_weights())
        self.model.stop_training = self.is_over()
        if self.folder is None:
            return
        if is_best:
            with checkpoints.replacing(self.best) as part:
                self.generator.save(part)
        save_training(self.file, self.variables, self.recipe, self.history)

    def is_over(self):
        """Return True if all epochs are done, or the patience is at its end."""
        held_out, patience = [row["held_out"] for row in self.history], self.recipe["patience"]
        waited = len(held_out) - 1 - int(np.argmin(held_out)) if held_out else 0
        return len(held_out) == self.recipe["epochs"] or (patience or math.inf) <= waited


def save_training(path, variables, recipe, history):
    """Write Keras variables, a recipe and a history to one file, whole or not at all."""
    arrays = {str(i): variable.numpy() for i, variable in enumerate(variables)}
    checkpoints.save(path, KIND, VERSION, arrays, {"recipe": recipe, "history": history})


def load_training(path, variables, recipe):
    """Fill the variables from a file of :func:`save_training`, and return its history.

    A file that is damaged, or of a training with another recipe, raises a ValueError that says so;
    then nothing is filled.
    """
    arrays, stored = checkpoints.load(path, KIND, VERSION)
    if differ := [k for k in recipe | stored["recipe"] if stored["recipe"].get(k) != recipe.get(k)]:
        raise ValueError(
            f"{path} is of a training with other {', '.join(differ)} (give the same again, or "
            "another folder)"
        )
    if len(arrays) != len(variables):
        raise ValueError(f"{path} is of another version of Keras (train in another folder)")
    for i, variable in enumerate(variables):
        variable.assign(arrays[str(i)])
    return stored["history"]


def _checksum(ids):
    return zlib.crc32(ids.astype(np.int64).tobytes())


def reset_states(model):
    """Set the states of a stateful model to zero: Keras 3 models have no such method."""
    for layer in model.layers:
        if hasattr(layer, "reset_state"):
            layer.reset_state()
