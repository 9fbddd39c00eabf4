"""Layers in a row as one model, a step of its training, and the loop over the steps."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import NotFinite, check_mask, number
from rnnbook.nn.optimizers import Optimizer, check_settings, clip_by_norm


class Stack:
    """Layers in a row, under names of your own: the output of each is the input of the next.

    Those with an attribute ``states``, such as RNN, LSTM and GRU, carry a state on. A model with
    another way from inputs to outputs, such as one that reads in both directions, has a ``forward``
    and a ``backward`` of its own.

    >>> from rnnbook import RNN, Dense
    >>> net = Stack(recurrent=RNN(D=3, H=4), dense=Dense(H=4, V=2))
    >>> list(net.parameters)
    ['recurrent/W_x', 'recurrent/W_h', 'recurrent/b', 'dense/W_hy', 'dense/b_y']
    >>> outputs, state = net.forward(np.ones((1, 5, 3)))
    >>> outputs.shape, state["recurrent"].shape
    ((1, 5, 2), (1, 4))
    """

    def __init__(self, **layers: object):
        self.layers = layers

    def __repr__(self):
        return f"Stack({', '.join(f'{name}={x!r}' for name, x in self.layers.items())})"

    def _collect(self, kind):
        layers = self.layers.items()
        return {f"{n}/{k}": array for n, x in layers for k, array in getattr(x, kind).items()}

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The weights of all layers under "layer/name"; change them in place."""
        return self._collect("parameters")

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """What :meth:`backward` left, under the names of the parameters."""
        return self._collect("gradients")

    def forward(self, x: ArrayLike, state: dict | None = None) -> tuple[np.ndarray, dict]:
        """Return the outputs, and the state after the last step of each layer that has one."""
        after = {}
        if unknown := (state or {}).keys() - self.layers.keys():
            raise ValueError(f"state must be of {', '.join(self.layers)}; got one of {unknown}")
        for name, layer in self.layers.items():
            if hasattr(layer, "states"):
                x, after[name] = layer.forward(x, (state or {}).get(name))
            else:
                x = layer.forward(x)
        return x, after

    def backward(self, dy: ArrayLike) -> None:
        """Fill ``gradients`` from the gradient with respect to the last outputs."""
        for layer in reversed(self.layers.values()):
            dy = layer.backward(dy)
            dy = dy[0] if hasattr(layer, "states") else dy


def learn(
    model: Stack, x: ArrayLike, y: ArrayLike, loss: Callable, optimizer: Optimizer, rate: float,
    clip: float | Callable | None = None, mask: ArrayLike | None = None, **settings: object,
) -> tuple[float, np.ndarray | dict]:  # fmt: skip
    """Make one step of training: forward, loss, backward, clip, update.

    The arguments are those of :func:`fit`, with one batch and its rate; ``settings`` go to
    ``model.forward``, such as ``state``. Return the loss before the step, and the last state.

    >>> from rnnbook.nn import layers, losses, optimizers
    >>> x, loss, rule = np.ones((1, 3, 2)), losses.mean_squared_error, optimizers.SGD()
    >>> _, state = learn(layers.RNN(D=2, H=2), x, x, loss, rule, rate=0.1)
    >>> state.shape
    (1, 2)
    """
    outputs, state = model.forward(x, **settings)
    if mask is None:
        value, gradient = loss(outputs, y)
    else:
        mask, gradient = check_mask(mask, outputs.shape[:2]), np.zeros_like(outputs)
        value, gradient[mask] = loss(outputs[mask], np.asanyarray(y)[mask])
    model.backward(gradient)
    gradients = model.gradients
    if callable(clip):
        clip(gradients)
    elif clip is not None:
        clip_by_norm(gradients, clip)
    optimizer.update(model.parameters, gradients, rate)
    return value, state


def fit(
    model: Stack, batches: Iterable, loss: Callable, optimizer: Optimizer,
    rate: float | Callable[[int], float], clip: float | Callable[[dict], object] | None = None,
    carry: bool = False, after_step: Callable[[int], object] | None = None,
) -> np.ndarray:  # fmt: skip
    """Train a model, one step a batch; return the loss of each batch before its step, (steps,).

    - ``model`` is a :class:`Stack`, or any object with ``parameters``, ``gradients``,
      ``backward(dy)`` and ``forward(x)``, which returns outputs and a state.
    - ``batches`` are (x, y) or (x, y, mask): inputs and targets, (B, T, ...); the loss is taken
      where the bool mask, (B, T), is True.
    - ``loss`` returns, of outputs and targets, a number and its gradient by the outputs.
    - ``rate`` is the learning rate, or a function of the step, from 0 on, that gives it.
    - ``clip`` limits the gradients' joint norm, or is a function that changes them in place.
    - ``carry``: the state after a batch, without its gradient, is that before the next one, for
      which the model is called as ``forward(x, state=...)``.
    - ``after_step`` is called after each step with the number of steps made.

    Numbers that are no longer finite raise a FloatingPointError, which names the step.

    >>> from rnnbook import RNN, Dense
    >>> from rnnbook.nn.losses import mean_squared_error
    >>> from rnnbook.nn.optimizers import Adam
    >>> net = Stack(recurrent=RNN(D=1, H=4), dense=Dense(H=4, V=1))
    >>> x = np.random.default_rng(0).normal(size=(8, 5, 1))
    >>> losses = fit(net, [(x, -x)] * 200, mean_squared_error, Adam(), rate=0.02)
    >>> bool(losses[-1] < 0.1 * losses[0])
    True
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one such as Adam(), got {optimizer!r}")
    schedule = rate if callable(rate) else lambda step: rate
    check_settings(1.0 if callable(rate) else rate, None if callable(clip) else clip)
    losses, state = [], None
    for step, batch in enumerate(batches):
        if len(batch) not in (2, 3):
            raise ValueError(f"a batch must be (x, y) or (x, y, mask), got {len(batch)} parts")
        now = number("rate", schedule(step), least=0)  # a schedule may end at 0
        carried = {"state": state} if carry and step else {}
        with finite(step):
            x, y, *mask = batch
            value, state = learn(model, x, y, loss, optimizer, now, clip, *mask, **carried)
        losses.append(value)
        if after_step is not None:
            after_step(step + 1)
    if not losses:
        raise ValueError("batches must hold at least one, got none (an iterator serves once)")
    return np.array(losses)


@contextmanager
def finite(step: int, kept: str = "") -> Iterator[None]:
    """Turn the complaint about a number that is not finite into one about the training.

    >>> with finite(step=3):
    ...     raise NotFinite("loss must be finite")
    Traceback (most recent call last):
    FloatingPointError: training stopped at step 3: loss must be finite (try a lower rate, ...
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except NotFinite as error:
        advice = f"try a lower rate, a warm-up, or clipping{kept}"
        raise FloatingPointError(f"training stopped at step {step}: {error} ({advice})") from error
