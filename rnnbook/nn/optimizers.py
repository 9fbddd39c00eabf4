"""How weights follow their gradients: optimizers, the learning rate's schedule, and clipping.

An optimizer changes a dict of named weights in place, from a dict of their gradients:
``optimizer.update(parameters, gradients, rate)``. What it remembers from step to step is the dict
of arrays ``optimizer.state``; store it and set it again, and the training goes on as if it had
never stopped.
"""

from dataclasses import dataclass, field

import numpy as np

from rnnbook._check import whole


@dataclass
class Optimizer:
    """What all optimizers share: a state that starts at zero, and one scratch array a weight.

    Attributes
    ----------
    state : dict
        The arrays that are remembered from step to step; none at first.
    """

    state: dict = field(default_factory=dict, init=False, repr=False)
    _scratch: dict = field(default_factory=dict, init=False, repr=False)

    def update(self, parameters, gradients, rate):
        """Change the parameters in place by one step.

        Parameters
        ----------
        parameters : dict of str to numpy.ndarray
            The weights, of float32 or float64; they must stay the same from step to step.
        gradients : dict of str to numpy.ndarray
            The derivative of the loss with respect to each; they are not changed.
        rate : float
            The learning rate of this step.

        Raises
        ------
        ValueError
            If the two have not the same names and shapes.
        """
        _check(parameters, gradients)
        self.state.setdefault("steps", np.array(0))
        self.state["steps"] += 1
        for name, p in parameters.items():
            if name not in self._scratch:
                self._scratch[name] = np.empty_like(p)
            self._step(name, p, gradients[name], rate, self._scratch[name])

    def _memory(self, what, name, p):
        """Return the array that the optimizer keeps for a weight: zero at first."""
        key = f"{what}/{name}"
        if key not in self.state:
            self.state[key] = np.zeros_like(p)
        return self.state[key]


def _check(parameters, gradients):
    if parameters.keys() != gradients.keys():
        raise ValueError(
            f"gradients must be named {', '.join(parameters)}; got {', '.join(gradients)}"
        )
    for name, p in parameters.items():
        if p.shape != gradients[name].shape:
            raise ValueError(
                f"the gradient of {name} must have its shape {p.shape}, got {gradients[name].shape}"
            )


@dataclass
class SGD(Optimizer):
    """Gradient descent, with momentum if you want: v ← momentum v + g, p ← p - rate v.

    Parameters
    ----------
    momentum : float
        How much of the last step's direction stays, 0 (none) to less than 1.

    Notes
    -----
    PyTorch's form. In Keras' the rate is inside the sum, which differs when it changes.
    """

    momentum: float = 0.0

    def _step(self, name, p, g, rate, scratch):
        if self.momentum:
            v = self._memory("velocity", name, p)
            v *= self.momentum
            v += g
            g = v
        np.multiply(g, rate, out=scratch)
        p -= scratch


@dataclass
class Adagrad(Optimizer):
    """Adagrad: each weight's rate falls with its gradients so far, m ← m + g², p ← p - rate g / √m.

    Parameters
    ----------
    epsilon : float
        Added to m under the root, so that nothing is divided by zero.

    Notes
    -----
    Duchi, Hazan and Singer (2011), in the form of Karpathy's min-char-rnn (2015). Keras adds
    epsilon there too, but starts m at 0.1; PyTorch adds it to the root.
    """

    epsilon: float = 1e-8

    def _step(self, name, p, g, rate, scratch):
        m = self._memory("squares", name, p)
        np.multiply(g, g, out=scratch)
        m += scratch
        np.add(m, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        p -= scratch


@dataclass
class Adam(Optimizer):
    r"""Adam: steps along the mean gradient, in units of its root mean square.

    With the running means m of g and v of g², and t the number of the step,

    .. math::

        p \leftarrow p - rate\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}.

    Parameters
    ----------
    beta_1, beta_2 : float
        How much of the running means stays at each step.
    epsilon : float
        Added to the root, so that nothing is divided by zero.

    Notes
    -----
    Kingma and Ba (2015), algorithm 1.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def _step(self, name, p, g, rate, scratch):
        m, v = self._memory("mean", name, p), self._memory("square", name, p)
        m *= self.beta_1
        np.multiply(g, 1 - self.beta_1, out=scratch)
        m += scratch
        v *= self.beta_2
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.beta_2
        v += scratch
        t = int(self.state["steps"])
        np.sqrt(v, out=scratch)
        scratch /= (1 - self.beta_2**t) ** 0.5
        scratch += self.epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= rate / (1 - self.beta_1**t)
        p -= scratch


@dataclass
class AdamW(Adam):
    """Adam with decoupled weight decay: before its step, p ← p - rate decay p.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As in :class:`Adam`.
    decay : float
        How fast weights shrink. Matrices do, that is arrays with two axes; biases do not.

    Notes
    -----
    Loshchilov and Hutter (2019), in PyTorch's form: the rate multiplies the decay.
    """

    decay: float = 0.01

    def _step(self, name, p, g, rate, scratch):
        if p.ndim == 2:
            p *= 1 - rate * self.decay
        super()._step(name, p, g, rate, scratch)


def warmup_cosine(peak, steps, warmup=0):
    """Return the learning rate as a function of the step: up in a line, then down to zero.

    Parameters
    ----------
    peak : float
        The highest rate.
    steps : int
        The budget: the rate of step ``steps`` is 0, so the last step, ``steps - 1``, still learns.
    warmup : int
        Steps in which the rate rises in a straight line, from peak / warmup; fewer than
        ``steps``.

    Returns
    -------
    callable
        The rate of a step, counted from 0; after the warm-up, a half period of a cosine.

    Raises
    ------
    TypeError, ValueError
        If a number of steps is not whole, or the warm-up is not shorter than the budget.

    Notes
    -----
    The cosine after Loshchilov and Hutter (2017).
    """
    warmup = whole("warmup", warmup, 0)
    if whole("steps", steps) <= warmup:
        raise ValueError(f"warmup must be less than steps = {steps}, got {warmup} (shorten it)")

    def rate(step):
        if step < warmup:
            return peak * (step + 1) / warmup
        done = min(1, (step - warmup) / (steps - warmup))
        return peak * (1 + float(np.cos(np.pi * done))) / 2

    return rate


def clip_by_norm(gradients, limit):
    """Scale all gradients by one factor, in place, so that their joint norm is at most ``limit``.

    Parameters
    ----------
    gradients : dict of str to numpy.ndarray
        Gradients, scaled together: their direction stays.
    limit : float
        The largest norm allowed, more than 0.

    Returns
    -------
    float
        The joint Euclidean norm before.

    Raises
    ------
    ValueError
        If a gradient is not finite, or the limit is not above 0.

    Notes
    -----
    Pascanu, Mikolov and Bengio (2013), algorithm 1.
    """
    _check_limit(limit)
    squares = sum(float(np.vdot(g, g)) for g in gradients.values())
    if not np.isfinite(squares):  # in float32 a square overflows soon: once more, in float64
        squares = sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients.values())
    if not np.isfinite(squares):
        names = [name for name, g in gradients.items() if not np.isfinite(g).all()]
        raise ValueError(
            f"gradients must be finite, got NaN, infinity or too large numbers in "
            f"{', '.join(names) or 'them'} (lower the learning rate)"
        )
    norm = squares**0.5
    if norm > limit:
        for g in gradients.values():
            g *= limit / norm
    return norm


def clip_by_value(gradients, limit):
    """Cut each number of each gradient, in place, to the range from -limit to limit.

    Parameters
    ----------
    gradients : dict of str to numpy.ndarray
        Gradients, cut number by number: their direction changes.
    limit : float
        The largest absolute value allowed, more than 0.

    Raises
    ------
    ValueError
        If the limit is not above 0.
    """
    _check_limit(limit)
    for g in gradients.values():
        np.clip(g, -limit, limit, out=g)


def _check_limit(limit):
    if not limit > 0:
        raise ValueError(f"limit must be > 0, got {limit} (leave the clipping out for no limit)")


def check_settings(rate, clip=None, decay=0.0):
    """Return rate, clip and decay as Python numbers; refuse those that mean nothing.

    Parameters
    ----------
    rate, clip, decay : float
        The learning rate, finite and > 0; the limit of the gradients' joint norm, > 0 or None; the
        weight decay, finite and >= 0.

    >>> check_settings(rate=np.float32(0.5), clip=None, decay=0)
    (0.5, None, 0.0)
    """

    def number(name, value, allowed, hint, least=0.0):
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise TypeError(f"{name} must be a number, got {value!r}")
        if not (value >= least and np.isfinite(value)):
            raise ValueError(f"{name} must be {allowed}, got {value}{hint}")
        return float(value)

    tiny = np.nextafter(0.0, 1.0)
    rate = number("rate", rate, "finite and > 0", " (try 0.001)", tiny)
    if clip is not None:
        clip = number("clip", clip, "finite and > 0", " (None for no clipping)", tiny)
    return rate, clip, number("decay", decay, "finite and >= 0", " (0 for none)")
