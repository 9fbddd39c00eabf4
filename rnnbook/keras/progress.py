"""A bar in a terminal, and in a notebook a curve that grows: both only while someone looks."""

import math
import os
import sys

import keras
from tqdm import tqdm


def displays(
    history: list[dict], steps: int, epochs: int, progress: bool | None = None
) -> list[keras.callbacks.Callback]:
    """Return the callbacks that show how a training goes: none, a bar, or a bar and a curve.

    They read its ``history``, as :func:`rnnbook.keras.train` returns it; an epoch has so many
    steps. ``progress`` None is True, unless the environment variable ``RNNBOOK_PROGRESS`` is 0.

    >>> len(displays([], steps=10, epochs=2, progress=True))  # in a notebook, 2
    1
    """
    if progress is None:
        progress = os.environ.get("RNNBOOK_PROGRESS") != "0"
    if not progress:
        return []
    return [_Bar(history, steps, epochs), *[_Curve(history, epochs)] * _in_notebook()]


def _in_notebook():
    """Return True if this runs in a notebook, where figures can be shown."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return bool(shell) and hasattr(shell, "kernel")


class _Bar(keras.callbacks.Callback):
    """A bar on the standard error, with the time left and the bits."""

    def __init__(self, history, steps, epochs):
        super().__init__()
        self.history, self.steps, self.epochs = history, steps, epochs

    def on_train_begin(self, logs=None):
        done = len(self.history) * self.steps
        self.bar = tqdm(total=self.epochs * self.steps, initial=done, unit=" steps")

    def on_train_batch_end(self, batch, logs=None):
        if batch % 20 == 0:
            self.bar.set_postfix_str(f"{logs['loss'] / math.log(2):.3f} bits", refresh=False)
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        row = self.history[-1]
        self.bar.write(
            f"epoch {row['epoch']} of {self.epochs}: training {row['training']:.3f}, "
            f"held-out {row['held_out']:.3f} bits",
            file=sys.stderr,
        )

    def on_train_end(self, logs=None):
        self.bar.close()


class _Curve(keras.callbacks.Callback):
    """A figure of the bits after each epoch, drawn again in its place."""

    def __init__(self, history, epochs):
        super().__init__()
        self.history, self.epochs, self.shown = history, epochs, None

    def on_epoch_end(self, epoch, logs=None):
        import matplotlib.pyplot as plt
        from IPython.display import display

        from rnnbook.show.style import COLORS

        fig, ax = plt.subplots()
        at = [row["epoch"] for row in self.history]
        for key, kind in (("training", "input"), ("held_out", "output")):
            bits = [row[key] for row in self.history]
            ax.plot(at, bits, "o-", color=COLORS[kind], label=key.replace("_", "-"))
        ax.set(xlabel="epoch", ylabel="bits per token", xlim=(0.5, self.epochs + 0.5))
        ax.legend()
        plt.close(fig)
        if self.shown is None:
            self.shown = display(fig, display_id=True)
        else:
            self.shown.update(fig)
