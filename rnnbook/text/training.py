"""Training a language model: can be stopped at any moment and resumed to the same numbers."""

import zlib
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from rnnbook._check import whole
from rnnbook.nn.losses import bits_per_token, cross_entropy
from rnnbook.nn.optimizers import AdamW, clip_by_norm
from rnnbook.text import checkpoints, stateful_batches, token_ids

KIND, VERSION = "rnnbook training", 1


def train(
    model, ids, held_out, steps, *, rate, optimizer=None, B=32, T=64, clip=1.0, every=500,
    seed=0, checkpoint=None, progress=True,
):  # fmt: skip
    """Train a model by truncated backpropagation through time, and keep the best weights.

    The text is read in B rows. Each step reads T tokens of each row and carries the state on
    to the next step; at the text's end the rows begin again, with a state of zero.

    Parameters
    ----------
    model : rnnbook.text.language_model.LanguageModel
        Its weights change; afterwards it has those that were best on the held-out text, also
        where the training was stopped.
    ids, held_out : array_like of int, shapes (n,) and (m,)
        The text to learn, and the one to judge by.
    steps : int
        The budget.
    rate : float or callable
        The learning rate, or a function of the step that gives it, such as
        :func:`rnnbook.nn.optimizers.warmup_cosine`.
    optimizer : rnnbook.nn.optimizers.Optimizer, optional
        A new one. AdamW with decay 0.05 by default.
    B, T : int
        Rows, and time steps in a batch; through more than T steps no gradient goes back.
    clip : float, optional
        Limit of the gradients' joint norm, or None.
    every : int
        Steps between two evaluations on the held-out text; there is one before the first step
        and one after the last.
    seed : int
        Seed of the dropout.
    checkpoint : str or os.PathLike, optional
        A file to store the training in after each evaluation. If it is there already, the
        training goes on from it, to the same numbers as if it had never stopped.
    progress : bool
        Whether a progress bar is drawn, on the standard error.

    Returns
    -------
    list of dict
        For each evaluation the "step", the "held_out" bits per token, and "training", the
        bits per token over the steps since the last evaluation (None before the first step).

    Raises
    ------
    FloatingPointError
        If loss, gradients or weights are no longer finite; it names the step.
    TypeError, ValueError
        If an argument is out of its range, or the checkpoint is of another training.

    Notes
    -----
    Truncated backpropagation through time after Williams and Peng (1990).
    """
    B, T, steps = whole("B", B), whole("T", T), whole("steps", steps)
    every, seed = whole("every", every), whole("seed", seed, 0)
    ids, held_out = token_ids(ids, model.V), token_ids(held_out, model.V, 1)
    if clip is not None:
        clip_by_norm({}, clip)  # says what is wrong with the limit, if so
    rates = [float(rate(s) if callable(rate) else rate) for s in range(steps)]
    run = _Run(model, replace(optimizer or AdamW(decay=0.05)))
    recipe = {
        "model": model.configuration, "optimizer": repr(run.optimizer), "B": B, "T": T,
        "steps": steps, "clip": clip, "every": every, "seed": seed, "rates": _checksum(rates),
        "ids": _checksum(ids), "held_out": _checksum(held_out),
    }  # fmt: skip
    if checkpoint is not None and Path(checkpoint).exists():
        run.load(checkpoint, recipe)
    batches = _batches(ids, B, T, run.step)
    try:
        with tqdm(total=steps, initial=run.step, disable=not progress, unit=" steps") as bar:
            while run.step < steps or run.is_due(every, steps):
                if run.is_due(every, steps):
                    run.judge(held_out)
                    bar.set_postfix(held_out_bits=f"{run.history[-1]['held_out']:.3f}")
                    if checkpoint is not None:
                        run.save(checkpoint, recipe)
                else:
                    run.learn(*next(batches), rates[run.step], clip, seed)
                    bar.update()
    finally:
        for name, array in model.parameters.items():
            array[...] = run.best[name]
    return run.history


def _batches(ids, B, T, step):
    """Return the endless batches from a step on, each with whether it is a text's first."""
    epoch = [(t == 0, x, y) for t, (x, y) in enumerate(stateful_batches(ids, B, T))]
    return islice(cycle(epoch), step % len(epoch), None)


def _checksum(values):
    return zlib.crc32(np.asarray(values, np.float64).tobytes())


class _Run:
    """What a training remembers from step to step: all of it goes into the checkpoint."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer
        self.step, self.state, self.nats, self.history = 0, None, [], []
        self.best = self._weights()

    def _weights(self):
        return {name: array.copy() for name, array in self.model.parameters.items()}

    def is_due(self, every, steps):
        """Say whether an evaluation is due, and has not been made."""
        made = self.history and self.history[-1]["step"] == self.step
        return not made and (self.step % every == 0 or self.step == steps)

    def learn(self, first, x, y, rate, clip, seed):
        """Make one step of training."""
        rng = np.random.default_rng([seed, self.step])
        with self._finite():
            logits, self.state = self.model.forward(x, None if first else self.state, rng)
            loss, dlogits = cross_entropy(logits, y)
            self.model.backward(dlogits)
            gradients = self.model.gradients
            if clip is not None:
                clip_by_norm(gradients, clip)
            self.optimizer.update(self.model.parameters, gradients, rate)
        self.nats.append(loss)
        self.step += 1

    def judge(self, held_out):
        """Evaluate on the held-out text, and keep the weights if they are the best so far."""
        with self._finite():
            bits = bits_per_token(self.model.log_probabilities(held_out))
        training = float(np.mean(self.nats) / np.log(2)) if self.nats else None
        if all(bits < row["held_out"] for row in self.history):
            self.best = self._weights()
        self.history.append({"step": self.step, "held_out": bits, "training": training})
        self.nats = []

    @contextmanager
    def _finite(self):
        """Turn the complaint about a number that is not finite into one about the training."""
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                yield
        except ValueError as error:  # all else was checked before the first step
            raise FloatingPointError(
                f"training stopped at step {self.step}: {error} (try a lower rate, a warm-up, or "
                "clipping; the model keeps the best weights so far)"
            ) from error

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
        stored = description["recipe"]
        if differ := [key for key in recipe if stored.get(key) != recipe[key]]:
            raise ValueError(
                f"{path} is of a training with other {', '.join(differ)} (give the same again, or "
                "another file)"
            )
        self.state = arrays.pop("state", None)
        parts = {"weights": {}, "best": {}, "optimizer": {}}
        for name, array in arrays.items():
            part, name = name.split("/", 1)
            parts[part][name] = array
        checkpoints.restore(self.model.parameters, parts["weights"])
        self.best, self.optimizer.state = parts["best"], parts["optimizer"]
        self.step, self.history = description["step"], description["history"]
