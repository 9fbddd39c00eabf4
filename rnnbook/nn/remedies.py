"""Two remedies for gradients that get lost: normalized recurrence, and skips through time."""

import numpy as np

from rnnbook._check import whole
from rnnbook.nn.recurrent import Recurrent


class NormalizedRNN(Recurrent):
    """The simple recurrent layer with its pre-activations normalized at each step.

    With a_t = W_xh x_t + W_hh h_{t-1}, and its mean and standard deviation over the units of
    each example (layer normalization) or over the batch for each unit (batch normalization),
    h_t = tanh(gain ⊙ (a_t - mean) / deviation + b_h).

    Parameters
    ----------
    D, H : int
        Input size, hidden size.
    seed : int
        Seed of the first weights: Glorot uniform for inputs, orthogonal for states, biases 0.
    over : {"units", "batch"}
        What mean and deviation are taken over. Over the batch, they are those of the batch at
        hand, in training and after it.
    gain : float
        First value of all gains.
    dtype : {"float32", "float64"}
        In which precision the layer works.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of its kind.

    Notes
    -----
    Over the units, Ba, Kiros and Hinton (2016), equation 4. Over the batch, after Cooijmans et
    al. (2017), who normalize W_xh x_t and W_hh h_{t-1} apart, and begin with gains of 0.1.
    """

    epsilon = 1e-5  # added to the variance, so that nothing is divided by zero

    def __init__(self, D, H, seed, over="units", gain=1.0, dtype="float32"):
        super().__init__(D, H, seed, dtype)
        if over not in ("units", "batch"):
            raise ValueError(f"over must be 'units' or 'batch', got {over!r}")
        self.axis = 0 if over == "units" else 1
        self.parameters["gain"] = np.full(H, gain, dtype)

    def _fuse(self):
        super()._fuse()
        self.W[0][:, self.H] = 0  # the bias comes after the normalization
        T, B, _ = self.sizes
        self.n = np.empty((T, self.H, B), self.dtype)
        self.deviation = [None] * T

    def _step(self, t):
        a, n, p = self.a[0, 0], self.n[t], self.parameters
        np.subtract(a, a.mean(axis=self.axis, keepdims=True), out=n)
        variance = np.square(n).mean(axis=self.axis, keepdims=True)
        self.deviation[t] = np.sqrt(variance + self.epsilon)
        n /= self.deviation[t]
        self.s[0][t + 1][:] = np.tanh(p["gain"][:, None] * n + p["b"][:, None])

    def _step_back(self, t, _, ds, da):
        n, p = self.n[t], self.parameters
        dz = (1 - self.s[0][t + 1] ** 2) * ds[0]  # with respect to what tanh was given
        self.db += dz.sum(axis=1)
        self.dgain += (dz * n).sum(axis=1)
        dn = p["gain"][:, None] * dz
        dn -= dn.mean(axis=self.axis, keepdims=True) + n * (dn * n).mean(
            axis=self.axis, keepdims=True
        )
        np.divide(dn, self.deviation[t], out=da[0])
        np.matmul(p["W_h"].T, da[0], out=ds[0])

    def _prepare_gradients(self):
        super()._prepare_gradients()
        self.db, self.dgain = np.zeros((2, self.H), self.dtype)

    def _split_gradients(self):
        return super()._split_gradients() | {"b": self.db, "gain": self.dgain}


class SkipRNN(Recurrent):
    """The simple recurrent layer with a second path through time, which skips steps.

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + W_skip h_{t-skip} + b_h); states before h_0 are zero.

    Parameters
    ----------
    D, H : int
        Input size, hidden size.
    seed : int
        Seed of the first weights: Glorot uniform for inputs, orthogonal for states, biases 0.
    skip : int
        How many steps the second path goes back, at least 2.
    dtype : {"float32", "float64"}
        In which precision the layer works.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of its kind.

    Notes
    -----
    After Lin, Horne, Tino and Giles (1996), whose networks feed delayed outputs back, and Zhang
    et al. (2016), who count such skips. W_hh and W_skip are both orthogonal at first, divided by
    the root of 2, so that the sum of the two keeps the size of what it hears.
    """

    def __init__(self, D, H, seed, skip, dtype="float32"):
        super().__init__(D, H, seed, dtype)
        self.skip = whole("skip", skip, 2)
        rng = np.random.default_rng([seed, 1])
        near, far = self.parameters["W_h"], np.linalg.qr(rng.normal(size=(H, H)))[0]
        near /= np.sqrt(2)
        self.parameters["W_skip"] = (far / np.sqrt(2)).astype(dtype)

    def _step(self, t):
        a, h, far = self.a[0, 0], self.s[0], t + 1 - self.skip
        if far >= 0:
            a += self.parameters["W_skip"] @ h[far]
        np.tanh(a, out=h[t + 1])

    def _step_back(self, t, _, ds, da):
        dh, h, p, far = ds[0], self.s[0], self.parameters, t + 1 - self.skip
        if self.mask is not None:  # a masked step hands on the state, and its gradient
            handed_on = np.where(self.mask[t], 0, self.pending[t + 1])
            self.pending[t + 1] -= handed_on
            self.pending[t] += handed_on
        dh += self.pending[t + 1]
        np.multiply(1 - h[t + 1] ** 2, dh, out=da[0])
        np.matmul(p["W_h"].T, da[0], out=dh)
        if far >= 0:
            self.pending[far] += p["W_skip"].T @ da[0]
            self.dW_skip += da[0] @ h[far].T
        if t == 0:
            dh += self.pending[0]

    def _prepare_gradients(self):
        super()._prepare_gradients()
        T, B, _ = self.sizes
        self.pending = np.zeros((T + 1, self.H, B), self.dtype)  # what came over the long path
        self.dW_skip = np.zeros_like(self.parameters["W_skip"])

    def _split_gradients(self):
        return super()._split_gradients() | {"W_skip": self.dW_skip}
