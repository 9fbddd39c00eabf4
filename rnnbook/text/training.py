"""Training a language model: can be stopped at any moment and resumed to the same numbers."""

import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, islice

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import number, whole
from rnnbook.nn.losses import bits_per_token, cross_entropy
from rnnbook.nn.optimizers import AdamW, Optimizer, check_settings
from rnnbook.nn.training import finite, learn
from rnnbook.text import checkpoints, stateful_batches, token_ids
from rnnbook.text.language_model import LanguageModel

KIND, VERSION = "rnnbook training", 1


def train(
    model: LanguageModel, ids: ArrayLike, held_out: ArrayLike, steps: int, *,
    rate: float | Callable[[int], float], optimizer: Optimizer | None = None, B: int = 32,
    T: int = 64, clip: float | None = 1.0, every: int = 500, seed: int = 0,
    checkpoint: str | os.PathLike | None = None, progress: bool = True,
) -> list[dict]:  # fmt: skip
    """Train a model by truncated backpropagation through time, and keep the best weights.

    The text, ids (n,), is read in B rows. Each step reads T tokens of each row and carries the
    state on to the next step, though no gradient; at the text's end the rows begin again, with a
    state of zero (Williams and Peng, 1990). What is no longer finite raises a FloatingPointError
    that names the step.

    The model is evaluated on another text, held_out (m,), before the first step, each ``every``
    steps, and after the last. It keeps the weights that were best there, also where the training is
    stopped. The result has for each evaluation the "step", the "held_out" bits per token, and
    "training", the bits per token over the steps since the last evaluation (None for the first).

    ``rate`` may be a function of the step, such as :func:`rnnbook.nn.optimizers.warmup_cosine`.
    The optimizer is a new one, by default AdamW with decay 0.05. ``clip`` is the limit of the
    gradients' joint norm, or None, and the seed is that of the dropout.

    After each evaluation the training is stored in the file ``checkpoint``. If that is there
    already, the training goes on from it, to the same numbers as if it had never stopped; one of
    another training is refused, and stays. ``progress`` draws a bar on the standard error.

    >>> ids = np.tile([0, 1, 2], 200)
    >>> history = train(LanguageModel(3, H=8), ids, ids[:60], 60, rate=0.02, B=4, T=8,
    ...                 progress=False)
    >>> [row["step"] for row in history], history[-1]["held_out"] < 0.2 < history[0]["held_out"]
    ([0, 60], True)
    """
    B, T, steps = whole("B", B), whole("T", T), whole("steps", steps)
    every, seed = whole("every", every), whole("seed", seed, 0)
    ids, held_out = token_ids(ids, model.V), token_ids(held_out, model.V, 1, "held_out")
    _, clip, _ = check_settings(1.0 if callable(rate) else rate, clip)
    schedule = rate if callable(rate) else lambda step: rate
    rates = [number(f"rate({s})", schedule(s), least=0) for s in range(steps)]
    if not isinstance(optimizer, Optimizer | None):
        raise TypeError(f"optimizer must be one such as Adam(), or None; got {optimizer!r}")
    run = _Run(model, replace(optimizer or AdamW(decay=0.05)))
    recipe = {
        "model": model.configuration, "optimizer": repr(run.optimizer), "B": B, "T": T,
        "steps": steps, "clip": clip, "every": every, "seed": seed, "rates": _checksum(rates),
        "ids": _checksum(ids), "held_out": _checksum(held_out),
    }  # fmt: skip
    if checkpoint is not None and checkpoints.place(checkpoint).exists():
        run.load(checkpoint, recipe)
    batches = _batches(ids, B, T, run.step)
    from tqdm import tqdm  # here, so that the package itself needs NumPy alone

    try:
        with tqdm(total=steps, initial=run.step, disable=not progress, unit=" steps") as bar:
            while True:
                made = run.history and run.history[-1]["step"] == run.step
                if not made and (run.step % every == 0 or run.step == steps):
                    run.evaluate(held_out)
                    bar.set_postfix(held_out_bits=f"{run.history[-1]['held_out']:.3f}")
                    if checkpoint is not None:
                        run.save(checkpoint, recipe)
                if run.step >= steps:
                    return run.history
                run.learn(*next(batches), rates[run.step], clip, seed)
                bar.update()
    finally:
        for name, array in model.parameters.items():
            array[...] = run.best[name]


def _batches(ids, B, T, step):
    """Return the endless batches from a step on, each with whether it is a text's first."""
    epoch = [(t == 0, x, y) for t, (x, y) in enumerate(stateful_batches(ids, B, T))]
    return islice(cycle(epoch), step % len(epoch), None)


def _checksum(values):
    return zlib.crc32(np.asarray(values, np.float64).tobytes())


class _Run:
    """What a training remembers from step to step: all of it goes into the checkpoint."""

    KEPT = "; the model keeps the best weights so far"

    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer
        self.step, self.state, self.nats, self.history = 0, None, [], []
        self.best = self._weights()

    def _weights(self):
        return {name: array.copy() for name, array in self.model.parameters.items()}

    def learn(self, first, x, y, rate, clip, seed):
        """Make one step of training, with random numbers of its own for the dropout."""
        with finite(self.step, self.KEPT):
            loss, self.state = learn(
                self.model, x, y, cross_entropy, self.optimizer, rate, clip,
                state=None if first else self.state, rng=np.random.default_rng([seed, self.step]),
            )  # fmt: skip
        self.nats.append(loss)
        self.step += 1

    def evaluate(self, held_out):
        """Measure the bits on the held-out text, and keep the weights if they are the best."""
        with finite(self.step, self.KEPT):
            bits = bits_per_token(self.model.log_probabilities(held_out))
        training = float(np.mean(self.nats) / np.log(2)) if self.nats else None
        if all(bits < row["held_out"] for row in self.history):
            self.best = self._weights()
        self.history.append({"step": self.step, "held_out": bits, "training": training})
        self.nats = []

    def save(self, path, recipe):
        """Store all that the training needs to go on."""
        parts = {"weights": self.model.parameters, "best": self.best,
                 "optimizer": self.optimizer.state}  # fmt: skip
        arrays = {f"{part}/{k}": array for part, of in parts.items() for k, array in of.items()}
        if self.state is not None:
            arrays["state"] = self.state
        description = {"recipe": recipe, "step": self.step, "history": self.history}
        checkpoints.save(path, KIND, VERSION, arrays, description)

    def load(self, path, recipe):
        """Take all that back, if it is of the same training."""
        arrays, description = checkpoints.load(path, KIND, VERSION)
        with checkpoints.reading(path):
            stored = description["recipe"]
            if differ := [key for key in recipe if stored.get(key) != recipe[key]]:
                raise ValueError(
                    f"{path} is of a training with other {', '.join(differ)} (give the same again, "
                    "or another file)"
                )
            parts = {"weights": {}, "best": {}, "optimizer": {}, "state": {}}
            for name, array in arrays.items():
                part, _, name = name.partition("/")
                parts[part][name] = array
            checkpoints.restore(self.best, parts["best"])
            checkpoints.restore(self.model.parameters, parts["weights"])
            self.state, self.optimizer.state = parts["state"].get(""), parts["optimizer"]
            self.step, self.history = whole("step", description["step"], 0), description["history"]
