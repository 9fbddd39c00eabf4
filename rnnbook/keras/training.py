"""Training a generator with Keras' ``fit``: stopped at any moment, it goes on where it was."""

import json
import math
import shutil
import zlib
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from rnnbook._check import whole
from rnnbook.keras import progress as shown
from rnnbook.text import stateful_batches, token_ids


def stateful_dataset(ids, B, T):
    """Return the batches of :func:`rnnbook.text.stateful_batches` as a ``tf.data.Dataset``.

    Its arguments are the same, and so are its errors. Each element is (x, y), both of shape
    (B, T): row b of a batch goes on where row b of the batch before stopped.
    """
    x, y = (np.stack(part) for part in zip(*stateful_batches(ids, B, T), strict=True))
    return tf.data.Dataset.from_tensor_slices((x, y)).prefetch(1)


def train(
    generator, ids, held_out, epochs, *, rate, warmup=None, B=32, T=64, decay=0.05, clip=1.0,
    patience=None, folder=None, progress=None, callbacks=(),
):  # fmt: skip
    """Train a generator by truncated backpropagation through time, and keep its best weights.

    The text is read in B rows, T tokens a step, with the state carried on; an epoch is one
    pass, and begins with a state of zero. AdamW learns at a rate that rises for ``warmup``
    steps and then falls to zero along a cosine. After each epoch the held-out text is read,
    in B rows too, and with a folder everything is stored.

    Parameters
    ----------
    generator : rnnbook.keras.Generator
        Its weights change; afterwards it has those that were best on the held-out text.
    ids, held_out : array_like of int, shapes (n,) and (m,)
        The text to learn, and the one to judge by.
    epochs : int
        The budget.
    rate : float
        The highest learning rate.
    warmup : int, optional
        Training steps until it is reached; fewer than all. By default a tenth of them, at most 200.
    B, T : int
        Rows, and time steps in a batch.
    decay : float
        Weight decay.
    clip : float
        Limit of the gradients' joint norm.
    patience : int, optional
        Stop after so many epochs without a gain on the held-out text. None never does.
    folder : str or os.PathLike, optional
        Where the training is stored: ``best.keras``, ``history.json``, and what it needs to go
        on. If it is there already, the training goes on from it, to the same numbers as if it
        had never been stopped.
    progress : bool, optional
        Whether a bar and, in a notebook, a curve are drawn. By default they are, unless the
        environment variable ``RNNBOOK_PROGRESS`` is 0.
    callbacks : sequence of keras.callbacks.Callback
        More of Keras' callbacks.

    Returns
    -------
    list of dict
        For each epoch its number, from 1, and the bits per token: "training", the mean over
        the epoch, and "held_out".

    Raises
    ------
    FloatingPointError
        If the loss is no longer finite.
    TypeError, ValueError
        If an argument is out of its range, or the folder holds another training.
    """
    ids, held_out = token_ids(ids, generator.V), token_ids(held_out, generator.V)
    data, judged = stateful_dataset(ids, B, T), stateful_dataset(held_out, B, T)
    steps = len(data) * whole("epochs", epochs)
    warmup = max(1, min(200, steps // 10)) if warmup is None else warmup
    whole("steps, epochs times those of one epoch,", steps, whole("warmup", warmup, 1) + 1)
    if patience is not None:
        whole("patience", patience)
    recipe = {
        "model": generator.get_config(), "epochs": epochs, "rate": rate, "warmup": warmup, "B": B,
        "T": T, "decay": decay, "clip": clip, "patience": patience,
        "ids": zlib.crc32(ids.tobytes()), "held_out": zlib.crc32(held_out.tobytes()),
    }  # fmt: skip
    model = generator.copy(rows=B)
    model.compile(
        optimizer(rate, warmup, steps, decay, clip),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,  # on a CPU, XLA's loop over time is five times slower than TensorFlow's
    )
    record = Record(generator, recipe, patience, folder, len(data))
    model.fit(
        data, epochs=epochs, validation_data=judged, shuffle=False, verbose=0,
        callbacks=[record, *shown.callbacks(record, len(data), epochs, progress), *callbacks],
    )  # fmt: skip
    return record.history


def optimizer(rate, warmup, steps, decay, clip):
    """Return AdamW with a warm-up, a cosine to zero, and the gradients' joint norm limited."""
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / warmup, steps - warmup, warmup_target=rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(schedule, weight_decay=decay, beta_2=0.99, global_clipnorm=clip)


class Record(keras.callbacks.Callback):
    """Bits of each epoch, the best weights, and a folder from which the training goes on.

    Parameters
    ----------
    generator : rnnbook.keras.Generator
        It gets the best weights.
    recipe : dict
        What must be the same for a training to go on.
    patience, folder
        As in :func:`rnnbook.keras.train`.
    steps : int
        Training steps in an epoch.
    """

    def __init__(self, generator, recipe, patience, folder, steps):
        super().__init__()
        self.generator, self.recipe, self.patience = generator, recipe, patience
        self.history, self.steps, self.backup = [], steps, None
        if folder is not None:
            self.folder = Path(folder).expanduser()
            self.folder.mkdir(parents=True, exist_ok=True)
            self.backup = keras.callbacks.BackupAndRestore(
                self.folder / "backup", double_checkpoint=True, delete_checkpoint=False
            )

    def on_train_begin(self, logs=None):
        """Take up what the folder holds."""
        if self.backup is None:
            return
        file = self.folder / "history.json"
        if file.is_file():
            stored = json.loads(file.read_text(encoding="utf-8"))
            if differ := [k for k, v in self.recipe.items() if stored["recipe"].get(k) != v]:
                raise ValueError(
                    f"{self.folder} is of a training with other {', '.join(differ)} (give the "
                    "same again, or another folder)"
                )
            self.history = stored["epochs"]
        self.restore()
        # A kill may fall between the weights and the number of their epoch: ask the weights.
        done = int(self.model.optimizer.iterations) // self.steps
        self.history = self.history[:done]
        self.model._initial_epoch = self.recipe["epochs"] if self.is_over() else done
        if self.history:
            best = keras.models.load_model(self.folder / "best.keras")
            self.generator.set_weights(best.get_weights())
        self.store()

    def restore(self):
        """Take up Keras' backup; where there is none yet, make one of the start.

        Keras copies the last backup before it writes over it. So with one of the start, a kill
        in the midst of writing always leaves a whole one.
        """
        self.backup.set_model(self.model)
        self.model.optimizer.build(self.model.trainable_variables)
        if not (self.folder / "history.json").is_file():
            shutil.rmtree(self.folder / "backup", ignore_errors=True)
            self.backup.on_epoch_end(-1)
        self.backup.on_train_begin()

    def on_epoch_begin(self, epoch, logs=None):
        """Let each epoch begin with a state of zero, and with dropout of its own.

        Keras' backup leaves out the state of the random numbers. So they start from the number of
        the step, and are the same whether the training was stopped before or not.
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
        if self.backup is None:
            return
        if is_best:
            part = self.folder / "best.part.keras"
            self.generator.save(part)
            part.replace(self.folder / "best.keras")
        self.store()
        self.backup.on_epoch_end(epoch)

    def is_over(self):
        """Say whether the patience is at its end."""
        held_out = [row["held_out"] for row in self.history]
        if not held_out or self.patience is None:
            return False
        return len(held_out) - 1 - int(np.argmin(held_out)) >= self.patience

    def store(self):
        """Write the history, whole or not at all."""
        part = self.folder / "history.part"
        content = {"recipe": self.recipe, "epochs": self.history}
        part.write_text(json.dumps(content, indent=1), encoding="utf-8")
        part.replace(self.folder / "history.json")


def reset_states(model):
    """Set the states of a stateful model to zero: Keras 3 models have no such method."""
    for layer in model.layers:
        if hasattr(layer, "reset_state"):
            layer.reset_state()
