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

    The text, ids (n,), is read in B rows, T tokens a step, with the state carried on; an epoch is
    one pass, and begins with a state of zero. AdamW, with weight ``decay``, learns at a rate that
    rises to ``rate`` for ``warmup`` steps (fewer than all; by default a tenth of them, at most 200)
    and then falls to zero along a cosine. ``clip`` is the limit of the gradients' joint norm, or
    None. A loss that is no longer finite raises a FloatingPointError.

    After each epoch another text, held_out (m,), is read, in B rows too. The generator has the
    weights that were best there, also where the training is stopped; after ``patience`` epochs
    without a gain there it ends (None: never). The result has for each epoch its number, "epoch",
    from 1, and the bits per token: "training", the mean over the epoch, and "held_out".

    With a ``folder`` all is stored after each epoch: ``best.keras``, the best model so far, and
    ``training.npz``, from which the same call goes on, to the same numbers as if it had never been
    stopped. ``progress`` draws a bar and, in a notebook, a curve; by default it does, unless the
    environment variable ``RNNBOOK_PROGRESS`` is 0. ``callbacks`` are more of Keras' own.

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
    record = _Record(generator, model, recipe, folder, len(data))
    if not record.is_over():
        shown = displays(record.history, len(data), epochs, progress)
        model.fit(
            data, epochs=epochs, initial_epoch=len(record.history), validation_data=judged,
            shuffle=False, verbose=0, callbacks=[record, *shown, *callbacks],
        )  # fmt: skip
    return record.history


def optimizer(
    rate: float, warmup: int, steps: int, decay: float, clip: float | None
) -> keras.optimizers.Optimizer:
    """Return AdamW with a warm-up, a cosine to zero, and the gradients' joint norm limited.

    >>> adamw, rates = optimizer(0.1, warmup=2, steps=10, decay=0.05, clip=1.0), []
    >>> for step in (0, 1, 2, 6, 10):
    ...     _ = adamw.iterations.assign(step)
    ...     rates.append(round(float(adamw.learning_rate), 3))
    >>> rates
    [0.05, 0.075, 0.1, 0.05, 0.0]
    """
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / warmup, steps - warmup, warmup_target=rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(schedule, weight_decay=decay, beta_2=0.99, global_clipnorm=clip)


class _Record(keras.callbacks.Callback):
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
        # Dropout's random numbers start from the number of the step: so they are the same whether
        # the training was stopped before or not.
        _reset_states(self.model)
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                layer.seed_generator.state.assign([layer.seed, epoch * self.steps])

    def on_test_begin(self, logs=None):
        _reset_states(self.model)

    def on_epoch_end(self, epoch, logs=None):
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


def save_training(
    path: str | os.PathLike, variables: list[keras.Variable], recipe: dict, history: list
) -> None:
    """Write Keras variables, a recipe and a history to one file, whole or not at all.

    >>> import tempfile
    >>> w = keras.Variable([1.0, 2.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_training(f"{folder}/training.npz", [w], {"rate": 0.1}, [{"epoch": 1}])
    ...     _ = w.assign([0.0, 0.0])
    ...     load_training(f"{folder}/training.npz", [w], {"rate": 0.1}), w.numpy()
    ([{'epoch': 1}], array([1., 2.], dtype=float32))
    """
    arrays = {str(i): variable.numpy() for i, variable in enumerate(variables)}
    checkpoints.save(path, KIND, VERSION, arrays, {"recipe": recipe, "history": history})


def load_training(path: str | os.PathLike, variables: list[keras.Variable], recipe: dict) -> list:
    """Fill the variables from a file of :func:`save_training`, and return its history.

    A file that is damaged, or of a training with another recipe, raises a ValueError that says so;
    then nothing is filled.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_training(f"{folder}/a.npz", [], {"rate": 0.1, "B": 32}, [])
    ...     load_training(f"{folder}/a.npz", [], {"rate": 0.2, "B": 32})
    Traceback (most recent call last):
        ...
    ValueError: ...a.npz is of a training with other rate (give the same again, or another folder)
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


def _reset_states(model):
    """Set the states of a stateful model to zero: Keras 3 models have no such method."""
    for layer in model.layers:
        if hasattr(layer, "reset_state"):
            layer.reset_state()
