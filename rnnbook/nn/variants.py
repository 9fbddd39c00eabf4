"""Recurrent layers that are not Keras': the GRU of 2014, normalized recurrence, skips in time.

D, H, seed and dtype are the arguments of :class:`rnnbook.nn.layers.Recurrent`.
"""

import numpy as np

from rnnbook._check import shaped, whole
from rnnbook.nn.layers import Array, Recurrent, States, _to_sigmoid


class GRUResetBefore(Recurrent):
    """The GRU of Cho et al. (2014): h̃ = tanh(W_xh x_t + W_hh (r h_{t-1}) + b_h), else as GRU.

    >>> list(GRUResetBefore(D=3, H=4).weights)[-3:]  # one bias a gate
    ['b_z', 'b_r', 'b_h']
    """

    gates, sigmoids, rows, x_rows = "zrh", "zr", 3, slice(0, 3)
    h_rows = slice(0, 2)  # what r changes before its product is added by itself

    def step(self, a: Array, from_h: Array, prev: States, new: States) -> None:
        """h_t = z h_{t-1} + (1 - z) h̃."""
        (h_prev,), (h_t,) = prev, new  # (H, B)
        z, r, h_tilde = a
        a[:2] += from_h[:2]
        np.tanh(a[:2], out=a[:2])
        _to_sigmoid(a[:2])
        h_tilde += self.parameters["W_h"][2 * self.H :] @ (r * h_prev)
        np.tanh(h_tilde, out=h_tilde)
        h_t[:] = z * h_prev + (1 - z) * h_tilde

    def step_back(self, a: Array, prev: States, new: States, ds: Array, da: Array) -> None:
        """From dh_t to da of z, r and h̃, then to dh_{t-1}."""
        (h_prev,), (dh,) = prev, ds  # (H, B)
        z, r, h_tilde = a
        da_z, da_r, da_h = da
        of_both, of_reset = np.split(self.W_back, [2 * self.H], axis=1)
        da_z[:] = dh * (h_prev - h_tilde) * z * (1 - z)
        da_h[:] = dh * (1 - z) * (1 - h_tilde**2)
        dreset = of_reset @ da_h  # of r h_{t-1}
        da_r[:] = dreset * h_prev * r * (1 - r)
        dh[:] = dh * z + dreset * r + of_both @ da[:2].reshape(2 * self.H, -1)
        self.gradients["W_h"][2 * self.H :] += da_h @ (r * h_prev).T


class NormalizedRNN(Recurrent):
    """The simple layer with its pre-activations normalized at each step.

    With a_t = W_xh x_t + W_hh h_{t-1}, and n_t = (a_t - mean) / deviation, ``over`` the "units" of
    each example (layer normalization) or the "batch" at hand for each unit (batch normalization),
    h_t = tanh(gain n_t + b_h). ``gain`` is the first value of all gains.

    Over the units, Ba, Kiros and Hinton (2016), equation 4. Over the batch, after Cooijmans et
    al. (2017), who normalize W_xh x_t and W_hh h_{t-1} apart, and begin with gains of 0.1.

    >>> list(NormalizedRNN(D=3, H=4, over="batch").weights)
    ['W_xh', 'W_hh', 'b_h', 'gain']
    """

    rows = 2  # a_t and the deviation
    epsilon = 1e-5  # added to the variance, so that nothing is divided by zero

    def __init__(
        self, D: int, H: int, seed: int = 0, over: str = "units", gain: float = 1.0,
        dtype: str = "float32",
    ):  # fmt: skip
        super().__init__(D, H, seed, dtype)
        if over not in ("units", "batch"):
            raise ValueError(f"over must be 'units' or 'batch', got {over!r}")
        self.axis = 0 if over == "units" else 1
        self.parameters["gain"] = np.full(H, shaped("gain", gain, ""), dtype)

    def _begin(self, *sizes_and_state):
        run = super()._begin(*sizes_and_state)
        run.b[:] = 0  # the bias comes after the normalization
        return run

    def step(self, a: Array, from_h: Array, prev: States, new: States) -> None:
        """n_t = (a_t - mean) / deviation, and h_t = tanh(gain n_t + b_h)."""
        n, deviation = a  # (H, B)
        n += from_h[0]
        n -= n.mean(axis=self.axis, keepdims=True)
        deviation[:] = np.sqrt(np.square(n).mean(axis=self.axis, keepdims=True) + self.epsilon)
        n /= deviation
        gain, b = (self.parameters[name][:, None] for name in ("gain", "b"))
        np.tanh(gain * n + b, out=new[0])

    def step_back(self, a: Array, prev: States, new: States, ds: Array, da: Array) -> None:
        """From dh_t to da_t, through tanh, gain and normalization, then to dh_{t-1}."""
        (n, deviation), (h_t,), (dh,) = a, new, ds  # (H, B)
        dz = (1 - h_t**2) * dh  # of what tanh was given
        dn = self.parameters["gain"][:, None] * dz
        mean, along_n = (m.mean(axis=self.axis, keepdims=True) for m in (dn, dn * n))
        np.divide(dn - mean - n * along_n, deviation, out=da[0])
        self.gradients["gain"] += (dz * n).sum(axis=1)
        self.gradients["b"] += (dz - da[0]).sum(axis=1)  # in the place of a bias before it
        self.W_back.dot(da[0], dh)


class SkipRNN(Recurrent):
    """The simple layer with a second path through time, which goes back ``skip`` steps, 2 or more.

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + W_skip h_{t-skip} + b_h). The state of the layer is
    h_{t-1}, ..., h_{t-skip}: (skip, B, H). Both W_hh and W_skip are orthogonal at first, divided by
    the root of 2, so that the sum of the two keeps the size of what it receives.

    After Lin, Horne, Tino and Giles (1996), whose networks feed delayed outputs back, and Zhang
    et al. (2016), who count such skips.

    >>> SkipRNN(D=3, H=4, skip=5).forward([[0, 2, 1]])[1].shape
    (5, 1, 4)
    """

    def __init__(self, D: int, H: int, seed: int = 0, skip: int = 2, dtype: str = "float32"):
        super().__init__(D, H, seed, dtype)
        self.states = whole("skip", skip, 2)
        far = np.linalg.qr(np.random.default_rng([seed, 1]).normal(size=(H, H)))[0]
        self.parameters["W_h"] /= np.sqrt(2)
        self.parameters["W_skip"] = (far / np.sqrt(2)).astype(dtype)

    def step(self, a: Array, from_h: Array, prev: States, new: States) -> None:
        """h_t = tanh(a_t + W_skip h_{t-skip}); the others move on by one."""
        np.tanh(a[0] + from_h[0] + self.parameters["W_skip"] @ prev[-1], out=new[0])
        for older, moved in zip(prev, new[1:], strict=False):
            moved[:] = older

    def step_back(self, a: Array, prev: States, new: States, ds: Array, da: Array) -> None:
        """From the gradients of h_t, ..., h_{t-skip+1} to those of h_{t-1}, ..., h_{t-skip}."""
        np.multiply(1 - new[0] ** 2, ds[0], out=da[0])
        self.gradients["W_skip"] += da[0] @ prev[-1].T
        ds[:-1] = ds[1:].copy()
        ds[0] += self.W_back @ da[0]
        ds[-1] = self.parameters["W_skip"].T @ da[0]
