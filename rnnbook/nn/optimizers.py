"""How weights follow their gradients: optimizers, the learning rate's schedule, and clipping.

An optimizer changes named weights in place, ``optimizer.update(parameters, gradients, rate)``. What
it remembers is the dict of arrays ``optimizer.state``: store it and set it again, and the training
goes on as if it had never stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from rnnbook._check import NotFinite, number, whole

Arrays = dict[str, np.ndarray]


def check_settings(
    rate: float, clip: float | None = None, decay: float = 0.0
) -> tuple[float, float | None, float]:
    """Return the learning rate, the limit of the norm and the weight decay as Python numbers.

    They must be finite, > 0 but for the decay, which may be 0, and the limit, which may be None.

    >>> check_settings(rate=np.float32(0.5), decay=0)
    (0.5, None, 0.0)
    """
    rate = number("rate", rate, above=0)
    clip = None if clip is None else number("clip", clip, above=0)
    return rate, clip, number("decay", decay, least=0)


@dataclass
class Optimizer:
    """What all optimizers share: ``state``, the arrays that they remember, none at first.

    >>> weights = {"w": np.array([3.0])}
    >>> SGD().update(weights, {"w": np.array([4.0])}, rate=0.5)
    >>> weights
    {'w': array([1.])}
    """

    state: Arrays = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self):
        for name in (f.name for f in fields(self) if f.init):
            below = np.inf if name in ("decay", "epsilon") else 1
            setattr(self, name, number(name, getattr(self, name), least=0, below=below))

    def update(self, parameters: Arrays, gradients: Arrays, rate: float) -> None:
        """Change the parameters in place by one step, and gradients not; the rate is >= 0.

        Both have the same names and shapes, and stay the same arrays from step to step.
        """
        rate = number("rate", rate, least=0)
        shapes, given = ({n: a.shape for n, a in d.items()} for d in (parameters, gradients))
        if shapes != given:
            raise ValueError(f"gradients must have the names and shapes {shapes}, got {given}")
        self.state.setdefault("steps", np.array(0))
        self.state["steps"] += 1
        for name, p in parameters.items():
            self._step(name, p, gradients[name], rate)

    def _memory(self, key, p):
        """Return the array that the optimizer keeps for a weight: zero at first."""
        if key not in self.state:
            self.state[key] = np.zeros_like(p)
        return self.state[key]


@dataclass
class SGD(Optimizer):
    """Gradient descent, with momentum if you want: v ← momentum v + g, p ← p - rate v.

    Momentum, from 0 (none) to less than 1, is how much of the last step's direction stays. This is
    PyTorch's form; in Keras' the rate is inside the sum, which differs when it changes.

    >>> SGD(momentum=0.9)
    SGD(momentum=0.9)
    """

    momentum: float = 0.0

    def _step(self, name, p, g, rate):
        if self.momentum:
            v = self._memory(f"velocity/{name}", p)
            v *= self.momentum
            v += g
            g = v
        p -= rate * g


@dataclass
class Adam(Optimizer):
    """Adam: steps along the mean gradient, in units of its root mean square.

    With the running means m of g and v of g², and t the number of the step,
    p ← p - rate (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε). The two β, from 0 to less than 1, are how
    much of the means stays at each step (Kingma and Ba, 2015, algorithm 1).

    >>> Adam(beta_2=0.99)
    Adam(beta_1=0.9, beta_2=0.99, epsilon=1e-08)
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def _step(self, name, p, g, rate):
        m, v = self._memory(f"mean/{name}", p), self._memory(f"square/{name}", p)
        m *= self.beta_1
        m += (1 - self.beta_1) * g
        v *= self.beta_2
        v += (1 - self.beta_2) * (g * g)
        t = int(self.state["steps"])
        root = np.sqrt(v) / (1 - self.beta_2**t) ** 0.5
        p -= rate / (1 - self.beta_1**t) * (m / (root + self.epsilon))


@dataclass
class AdamW(Adam):
    """Adam with decoupled weight decay: before its step, p ← p - rate decay p.

    Matrices decay, that is arrays with two axes; biases do not. After Loshchilov and Hutter (2019),
    in PyTorch's form: the rate multiplies the decay.

    >>> AdamW(decay=0.1)
    AdamW(beta_1=0.9, beta_2=0.999, epsilon=1e-08, decay=0.1)
    """

    decay: float = 0.01

    def _step(self, name, p, g, rate):
        if p.ndim == 2:
            p *= 1 - rate * self.decay
        super()._step(name, p, g, rate)


def warmup_cosine(peak: float, steps: int, warmup: int = 0) -> Callable[[int], float]:
    """Return the learning rate as a function of the step: up in a line, then down to zero.

    In the first ``warmup`` steps, fewer than ``steps``, the rate rises from peak / warmup to the
    peak; then it falls as half a period of a cosine (Loshchilov and Hutter, 2017). Steps count from
    0, and the rate of step ``steps`` is 0, so the last one, ``steps - 1``, still learns.

    >>> rate = warmup_cosine(1.0, steps=6, warmup=2)
    >>> [round(rate(step), 2) for step in range(7)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15, 0.0]
    """
    peak, _, _ = check_settings(peak)
    steps, warmup = whole("steps", steps), whole("warmup", warmup, 0)
    if steps <= warmup:
        raise ValueError(f"warmup must be less than steps = {steps}, got {warmup} (shorten it)")

    def rate(step):
        if step < warmup:
            return peak * (step + 1) / warmup
        done = min(1, (step - warmup) / (steps - warmup))
        return peak * (1 + float(np.cos(np.pi * done))) / 2

    return rate


def clip_by_norm(gradients: Arrays, limit: float) -> float:
    """Scale all gradients by one factor, in place, so that their joint norm is at most ``limit``.

    Their direction stays. Return the joint Euclidean norm before; one that is not finite is refused
    (Pascanu, Mikolov and Bengio, 2013, algorithm 1).

    >>> gradients = {"w": np.array([3.0]), "b": np.array([4.0])}
    >>> clip_by_norm(gradients, 1.0), gradients
    (5.0, {'w': array([0.6]), 'b': array([0.8])})
    """
    limit = limit if limit == np.inf else number("limit", limit, above=0)
    squares = sum(float(np.vdot(g, g)) for g in gradients.values())
    if not np.isfinite(squares):  # in float32 a square overflows soon: once more, in float64
        squares = sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients.values())
    if not np.isfinite(squares):
        names = [name for name, g in gradients.items() if not np.isfinite(g).all()]
        raise NotFinite(
            f"gradients must be finite, got NaN, infinity or too large numbers in "
            f"{', '.join(names) or 'them'} (lower the learning rate)"
        )
    norm = squares**0.5
    if norm > limit:
        for g in gradients.values():
            g *= limit / norm
    return norm


def clip_by_value(gradients: Arrays, limit: float) -> None:
    """Restrict each number of each gradient, in place, to the range from -limit to limit.

    >>> gradients = {"w": np.array([3.0, -0.5])}
    >>> clip_by_value(gradients, 1.0)
    >>> gradients
    {'w': array([ 1. , -0.5])}
    """
    limit = limit if limit == np.inf else number("limit", limit, above=0)
    for g in gradients.values():
        np.clip(g, -limit, limit, out=g)
