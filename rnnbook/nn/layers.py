"""Recurrent layers: of each the step, as in its equations, and under it the backward step.

What layers share is in :class:`Recurrent`. Inside, arrays are features first, so that a product
gives whole rows: a state is (H, B). What comes from the inputs, W_x x_t + b, is worked out for all
steps before the first one; a step then makes one product, W_h h_{t-1}.
"""

from collections.abc import Callable, Iterable
from types import SimpleNamespace

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import as_array, check_dtype, check_ids, check_mask, numbers, shaped, whole
from rnnbook._machine import one_thread
from rnnbook.nn.feedforward import sum_by_id

Array, States = np.ndarray, list[np.ndarray]

ACTIVATIONS = {
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "relu": (lambda a, out: np.maximum(a, 0, out=out), lambda h: (h > 0).astype(h.dtype)),
    "identity": (np.positive, np.ones_like),
}
"""Activation functions, each with its slope, as a function of what it returned."""


def sigmoid(a: ArrayLike) -> Array:
    """Return 1 / (1 + exp(-a)), without overflow.

    >>> sigmoid([-1000.0, 0.0]).tolist()
    [0.0, 0.5]
    """
    return _to_sigmoid(np.tanh(numbers("a", a) / 2))


def _to_sigmoid(y):
    """Turn y = tanh(a / 2), in place, into σ(a) = (1 + y) / 2: quicker than an exponential."""
    y *= 0.5
    y += 0.5
    return y


class Recurrent:
    """What recurrent layers share: the loop over time, masks, ids, and Keras' layout.

    A layer adds ``step(a, from_h, prev, new)``, from W_x x_t + b, in the first G rows of a,
    (rows, H, B), W_h h_{t-1}, (G, H, B), and the state before, arrays (H, B), to the new state; and
    ``step_back(a, prev, new, ds, da)``, which fills da, as a, with the gradients of what the
    activations were given, and turns ds, (states, H, B), from the gradient of the new state into
    that of the one before. Gradients that only the layer knows, it adds to ``gradients``.

    D and H are the sizes of input and state. ``seed`` is that of the first weights: Glorot uniform
    for inputs, orthogonal for states, biases 0. ``dtype``, "float32" or "float64", is the precision
    in which the layer works.

    The dicts ``parameters`` and ``gradients`` hold ``W_x`` (G H, D), ``W_h`` (G H, H), ``b``
    (G H,), and what a layer adds: the G gates one under the other, in the order of ``gates``.
    Change parameters in place.

    >>> layer = GRU(D=3, H=4)
    >>> h, state = layer.forward(np.ones((2, 5, 3)))
    >>> h.shape, state.shape, layer.gate_activations()["z"].shape
    ((2, 5, 4), (2, 4), (2, 5, 4))
    """

    gates, sigmoids, states = "h", "", 1  # the LSTM has two states, h and c
    rows = 1  # of a: the gates, then what a step keeps for its backward step
    x_rows = h_rows = slice(0, 1)  # of da: the gradients of W_x x_t + b, and of W_h h_{t-1}

    def __init__(self, D: int, H: int, seed: int = 0, dtype: str = "float32"):
        self.D, self.H, self.dtype = whole("D", D), whole("H", H), np.dtype(check_dtype(dtype))
        rng, GH = np.random.default_rng(whole("seed", seed, 0)), len(self.gates) * H
        limit = np.sqrt(6 / (D + GH))
        Q, R = np.linalg.qr(rng.normal(size=(GH, H)))
        W_x, W_h = rng.uniform(-limit, limit, (GH, D)), Q * np.sign(np.diag(R))
        arrays = {"W_x": W_x, "W_h": W_h, "b": np.zeros(GH)}
        self.parameters = {name: array.astype(self.dtype) for name, array in arrays.items()}
        self.gradients, self._run = {}, None  # the last forward pass, until backward has used it

    def __repr__(self):
        return f"{type(self).__name__}(D={self.D}, H={self.H})"

    def forward(
        self, x: ArrayLike, state: ArrayLike | None = None, mask: ArrayLike | None = None
    ) -> tuple[Array, Array]:
        """Return h, (B, T, H), of whole sequences, and the last state, from which a call goes on.

        x is (B, T, D), or ids (B, T) from 0 to D - 1, which stand for one-hot vectors. ``state``,
        (B, H) or (states, B, H), is that before the first step, zero by default; the LSTM's is h
        and c. Where ``mask``, bool (B, T), is False, there is no input: h stays as it was (in
        Keras: 0 before the first True).
        """
        self._run, ids = None, (x := as_array("x", x)).ndim == 2 and x.dtype.kind in "iu"
        x = check_ids(x, self.D) if ids else shaped("x", x, "B T D", D=self.D)
        B, T, *_ = x.shape
        run = self._begin(T, B, state)
        run.mask = None if mask is None else check_mask(mask, (B, T)).T.copy()
        run.x = x.T.copy() if ids else _features_first(x, self.dtype)
        with one_thread(run.W_h.size * B):
            if ids:
                run.from_x[:] = (run.W_x + run.b).T[run.x].transpose(0, 2, 1)
            else:
                np.matmul(run.W_x, run.x, out=run.from_x)
                run.from_x += run.b
            for t in range(T):
                self._advance(run, t)
        self._run = run
        return run.s[0][1:].copy().transpose(2, 0, 1), self._squeeze(run.s[:, T])

    def backward(
        self, dh: ArrayLike, dstate: ArrayLike | None = None
    ) -> tuple[Array | None, Array]:
        """Fill ``gradients``; return those of the inputs (of ids: None) and of the first state.

        The arguments are those of h, (B, T, H), and of the last state, zero by default.
        """
        if self._run is None:
            raise RuntimeError("backward needs a forward pass of its own (call forward first)")
        run, (T, B) = self._run, self._run.sizes
        dh = _features_first(shaped("dh", dh, "B T H", B=B, T=T, H=self.H), self.dtype)
        ds = self._checked_state("dstate", dstate, B).transpose(0, 2, 1).astype(self.dtype, "C")
        self._run, dh_t, self.W_back = None, ds[0], self.parameters["W_h"].T.copy()
        self.gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        dx = None if run.x.ndim == 2 else np.empty((self.D, T, B), self.dtype)
        block = max(1, 512 // B)  # steps that share one product, while the cache still holds them
        da = np.empty((block, self.rows, self.H, B), self.dtype)
        for start in reversed(range(0, T, block)):
            with one_thread(run.W_h.size * B):
                for t in reversed(range(T)[start : start + block]):
                    dh_t += dh[t]
                    if run.mask is not None:  # what goes past a masked step
                        past = np.where(run.mask[t], 0, ds)
                        ds -= past
                    self.step_back(*run.steps[t], ds, da[t - start])
                    if run.mask is not None:
                        ds += past
            self._add_gradients(run, slice(start, min(start + block, T)), da[: T - start], dx)
        return None if dx is None else dx.T, self._squeeze(ds)

    def _add_gradients(self, run, steps, da, dx):
        """Add those of a block of steps to the gradients of the weights, and set its part of dx."""
        x, to, da = run.x[steps], self.gradients, _columns(da).reshape(self.rows, self.H, -1)
        da_x, da_h = (da[of].reshape(-1, da.shape[2]) for of in (self.x_rows, self.h_rows))
        to["W_h"][: len(da_h)] += da_h @ _columns(run.s[0][steps]).T
        to["b"] += da_x.sum(axis=1)
        if "b_rec" in to:
            to["b_rec"] += da_h.sum(axis=1)
        to["W_x"] += sum_by_id(da_x, x.ravel(), self.D) if dx is None else da_x @ _columns(x).T
        if dx is not None:
            dx[:, steps] = (self.parameters["W_x"].T @ da_x).reshape(self.D, len(x), -1)

    def stepper(self, state: ArrayLike, inputs: ArrayLike | None = None) -> Callable:
        """Return a function that takes one step a call: for texts, which are written by tokens.

        It takes S ids, unchecked, and returns h, (H, S), which the next call writes into; without
        ids it only returns h. ``state``, (S, H) or (states, S, H), is that before the first step;
        ``inputs``, (V, D), are the vectors that ids stand for, one-hot by default.
        """
        run = self._begin(1, np.shape(state)[-2], state)
        table, h = run.W_x, run.s[0][0]
        if inputs is not None:
            table = table @ shaped("inputs", inputs, "V D", D=self.D).T
        table = table + run.b  # (G H, V)

        def step(ids=None):
            if ids is not None:
                table.take(ids, axis=1, out=run.from_x[0], mode="clip")
                for prev, new in zip(*self._advance(run, 0), strict=True):
                    prev[:] = new
            return h

        return step

    def gate_activations(self) -> dict[str, Array]:
        """Return the gates and the candidate of the last forward pass, each (B, T, H), if any."""
        if self._run is None:
            raise RuntimeError("gates are those of a forward pass (call forward first)")
        a = self._run.a.transpose(1, 3, 0, 2)  # (rows, B, T, H)
        return dict(zip(self.gates if self.sigmoids else "", a.copy(), strict=False))

    @property
    def weights(self) -> dict[str, Array]:
        """The parameters under the names of the equations, such as W_xi, as views."""
        return self.by_name(self.parameters)

    def by_name(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """Return ``parameters`` or ``gradients`` under the names of the equations, as views."""
        names = {"W_x": "W_x{}", "W_h": "W_h{}", "b": "b_{}", "b_rec": "b_h{}", "p": "p_{}"}
        return {
            names.get(key, key).format(g): array[j * self.H : (j + 1) * self.H]
            for key, array in arrays.items()
            for j, g in enumerate("ifo" if key == "p" else self.gates)
        }

    def get_weights(self) -> list[Array]:
        """Return copies of the weights in Keras' order and layout, kernel (D, G H) first."""
        W_x, W_h, b, *others = (array.T.copy() for array in self.parameters.values())
        if "b_rec" in self.parameters:
            b, others = np.stack([b, *others]), []
        return [W_x, W_h, b, *others]

    def set_weights(self, weights: Iterable[ArrayLike]) -> None:
        """Take weights in Keras' order and layout, such as ``keras_layer.get_weights()``."""
        weights = [numbers("weights", array) for array in weights]
        wanted, given = ([array.shape for array in w] for w in (self.get_weights(), weights))
        if given != wanted:
            raise ValueError(
                f"weights must have the shapes {wanted}, got {given} (from a layer of other sizes?)"
            )
        arrays = [*weights[:2], *(row for array in weights[2:] for row in np.atleast_2d(array))]
        for array, value in zip(self.parameters.values(), arrays, strict=True):
            array[...] = value.T

    def _checked_state(self, name, state, B):
        """Return a state as (states, B, H), zero where none is given."""
        if state is None:
            return np.zeros((self.states, B, self.H), self.dtype)
        state = shaped(name, state, "S B H"[2 * (self.states == 1) :], B=B, H=self.H, S=self.states)
        return state.reshape(self.states, B, self.H)

    def _squeeze(self, states):
        """Return a state, (states, H, B), as the caller knows it: (B, H), or (states, B, H)."""
        states = states.transpose(0, 2, 1).copy()
        return states[0] if self.states == 1 else states

    def _begin(self, T, B, state):
        """Return the arrays of a run, with views of each step: a, the state before, the new one."""
        for n, w in self.weights.items():  # finite, of the right shape: or the error says which not
            shaped(n, w, "H D" if "x" in n else "H H" if "W" in n else "H", H=self.H, D=self.D)
        H, G, p, run = self.H, len(self.gates), self.parameters, SimpleNamespace(sizes=(T, B))
        half = np.repeat([0.5 if gate in self.sigmoids else 1 for gate in self.gates], H)
        half = half.astype(self.dtype)[:, None]  # see _to_sigmoid
        run.W_x, run.W_h, run.b = half * p["W_x"], half * p["W_h"], half * p["b"][:, None]
        run.a, run.from_h = (np.empty((*n, H, B), self.dtype) for n in ((T, self.rows), (G,)))
        run.from_x, run.flat_h = run.a[:, :G].reshape(T, -1, B), run.from_h.reshape(-1, B)
        run.s = np.empty((self.states, T + 1, H, B), self.dtype)
        run.s[:, 0] = self._checked_state("state", state, B).transpose(0, 2, 1)
        run.steps = [(run.a[t], list(run.s[:, t]), list(run.s[:, t + 1])) for t in range(T)]
        run.mask = None
        return run

    def _advance(self, run, t):
        """Take step t; return the state before it and the new one."""
        a, prev, new = run.steps[t]
        run.W_h.dot(prev[0], run.flat_h)
        self.step(a, run.from_h, prev, new)
        if run.mask is not None:
            for old, now in zip(prev, new, strict=True):
                np.copyto(now, old, where=~run.mask[t])
        return prev, new


def _features_first(x, dtype):
    """Return (B, T, n) as (T, n, B): copied first, since jumps between sequences are slow."""
    return np.array(x.transpose(1, 0, 2), dtype, order="C").transpose(0, 2, 1)


def _columns(array):
    """Return the numbers of all steps, (T, ..., B), as one matrix, (n, T B)."""
    T, *_, B = array.shape
    return array.reshape(T, -1, B).transpose(1, 0, 2).reshape(-1, T * B)


class RNN(Recurrent):
    """The simple recurrent layer (Elman 1990): h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h).

    Arguments are those of :class:`Recurrent`, and ``activation``: "tanh", "relu" or "identity".

    >>> list(RNN(D=3, H=4).weights)
    ['W_xh', 'W_hh', 'b_h']
    """

    def __init__(
        self, D: int, H: int, seed: int = 0, activation: str = "tanh", dtype: str = "float32"
    ):
        super().__init__(D, H, seed, dtype)
        if activation not in ACTIVATIONS:
            allowed = ", ".join(ACTIVATIONS)
            raise ValueError(f"activation must be one of {allowed}; got {activation!r}")
        self.activation = activation

    def step(self, a: Array, from_h: Array, prev: States, new: States) -> None:
        """h_t = tanh(a_t), with a_t = W_xh x_t + W_hh h_{t-1} + b_h."""
        a += from_h
        ACTIVATIONS[self.activation][0](a[0], out=new[0])  # (H, B)

    def step_back(self, a: Array, prev: States, new: States, ds: Array, da: Array) -> None:
        """da_t = (1 - h_t²) dh_t, and dh_{t-1} = W_hhᵀ da_t."""
        np.multiply(ACTIVATIONS[self.activation][1](new[0]), ds[0], out=da[0])
        self.W_back.dot(da[0], ds[0])


class LSTM(Recurrent):
    """Long short-term memory: i, f, o = σ(...), c̃ = tanh(...), all of W_x x_t + W_h h_{t-1} + b.

    Then c_t = f c_{t-1} + i c̃, and h_t = o tanh(c_t). Arguments are those of :class:`Recurrent`,
    and ``forget_bias``, the first b_f: 1, as in Keras, lets a new cell remember. With ``peepholes``
    i and f also receive p c_{t-1}, and o receives p c_t, with weights p that are zero at first
    (Keras has none: ``get_weights`` gives them last, (3 H,)).

    Hochreiter and Schmidhuber (1997), with the forget gate of Gers, Schmidhuber and Cummins (2000);
    peepholes after Gers and Schmidhuber (2000).

    >>> h, (h_T, c_T) = LSTM(D=3, H=4).forward([[0, 2, 1, 1]])
    >>> c_T.shape
    (1, 4)
    """

    gates, sigmoids, states = "ifco", "ifo", 2
    rows, x_rows, h_rows = 5, slice(0, 4), slice(0, 4)  # i, f, c̃, o and tanh(c_t)

    def __init__(
        self, D: int, H: int, seed: int = 0, forget_bias: float = 1.0, peepholes: bool = False,
        dtype: str = "float32",
    ):  # fmt: skip
        super().__init__(D, H, seed, dtype)
        self.weights["b_f"][:] = shaped("forget_bias", forget_bias, "")
        if peepholes:
            self.parameters["p"] = np.zeros(3 * H, dtype)

    def step(self, a: Array, from_h: Array, prev: States, new: States) -> None:
        """c_t = f c_{t-1} + i c̃, and h_t = o tanh(c_t)."""
        (_, c_prev), (h_t, c_t) = prev, new  # (H, B)
        i, f, c_tilde, o, tanh_c = a
        a[:4] += from_h
        p = self.parameters.get("p")
        if p is not None:
            p_i, p_f, p_o = p.reshape(3, -1, 1) / 2  # halved, as all that a σ receives
            i += p_i * c_prev
            f += p_f * c_prev
        ready = a[:4] if p is None else a[:3]  # with peepholes, o waits for c_t
        np.tanh(ready, out=ready)
        _to_sigmoid(a[:2])
        np.multiply(f, c_prev, out=c_t)
        c_t += i * c_tilde
        if p is not None:
            o += p_o * c_t
            np.tanh(o, out=o)
        _to_sigmoid(o)
        np.tanh(c_t, out=tanh_c)
        np.multiply(o, tanh_c, out=h_t)

    def step_back(self, a: Array, prev: States, new: States, ds: Array, da: Array) -> None:
        """From dh_t and dc_t to da of the gates and c̃, then to dh_{t-1} and dc_{t-1}."""
        (_, c_prev), (_, c_t), (dh, dc) = prev, new, ds  # (H, B)
        i, f, c_tilde, o, tanh_c = a
        da_i, da_f, da_c, da_o, _ = da
        dh *= o
        dh_tanh = dh * tanh_c
        np.multiply(dh_tanh, 1 - o, out=da_o)  # dh tanh(c_t) o (1 - o)
        dh -= dh_tanh * tanh_c
        dc += dh  # dh o (1 - tanh²(c_t))
        p = self.parameters.get("p")
        if p is not None:
            p_i, p_f, p_o = p.reshape(3, -1, 1)
            dc += p_o * da_o
        dc_i = dc * i
        dc_tilde = dc_i * c_tilde
        np.multiply(dc_tilde, 1 - i, out=da_i)  # dc c̃ i (1 - i)
        np.subtract(dc_i, dc_tilde * c_tilde, out=da_c)  # dc i (1 - c̃²)
        dc *= f
        np.multiply(dc * c_prev, 1 - f, out=da_f)  # dc c_{t-1} f (1 - f)
        if p is not None:
            dc += p_i * da_i + p_f * da_f
            dp = np.concatenate([da_i * c_prev, da_f * c_prev, da_o * c_t])
            self.gradients["p"] += dp.sum(axis=1)
        self.W_back.dot(da[:4].reshape(4 * self.H, -1), dh)


class GRU(Recurrent):
    """Gated recurrent unit with the reset gate after the product, as in Keras and cuDNN.

    z, r = σ(W_x x_t + W_h h_{t-1} + b), u = W_hh h_{t-1} + b_hh, h̃ = tanh(W_xh x_t + b_h + r u),
    and h_t = z h_{t-1} + (1 - z) h̃. Arguments are those of :class:`Recurrent`; ``b_rec`` holds the
    second biases b_hz, b_hr and b_hh.

    Cho et al. (2014), in Keras' convention: others, as Chung et al. (2014), exchange z and 1 - z.

    >>> list(GRU(D=3, H=4).weights)[-3:]
    ['b_hz', 'b_hr', 'b_hh']
    """

    gates, sigmoids, rows = "zrh", "zr", 4  # z, r, h̃ and u
    x_rows, h_rows = np.array([0, 1, 3]), slice(0, 3)  # of da: z, r, u and h̃

    def __init__(self, D: int, H: int, seed: int = 0, dtype: str = "float32"):
        super().__init__(D, H, seed, dtype)
        self.parameters["b_rec"] = np.zeros(3 * H, dtype)

    def _begin(self, *sizes_and_state):
        run = super()._begin(*sizes_and_state)
        run.b[: 2 * self.H] += self.parameters["b_rec"][: 2 * self.H, None] / 2  # b_hz and b_hr
        return run

    def step(self, a: Array, from_h: Array, prev: States, new: States) -> None:
        """h_t = z h_{t-1} + (1 - z) h̃."""
        (h_prev,), (h_t,) = prev, new  # (H, B)
        z, r, h_tilde, u = a
        a[:2] += from_h[:2]
        np.add(from_h[2], self.parameters["b_rec"][2 * self.H :, None], out=u)
        np.tanh(a[:2], out=a[:2])
        _to_sigmoid(a[:2])
        h_tilde += r * u
        np.tanh(h_tilde, out=h_tilde)
        np.subtract(h_prev, h_tilde, out=h_t)
        h_t *= z
        h_t += h_tilde

    def step_back(self, a: Array, prev: States, new: States, ds: Array, da: Array) -> None:
        """From dh_t to da of z, r, u and h̃, then to dh_{t-1}."""
        (h_prev,), (dh,) = prev, ds  # (H, B)
        z, r, h_tilde, u = a
        da_z, da_r, du, da_h = da
        dh_z = dh * z
        np.multiply(dh_z * (h_prev - h_tilde), 1 - z, out=da_z)  # dh (h_{t-1} - h̃) z (1 - z)
        dh -= dh_z  # dh (1 - z)
        np.multiply(dh, 1 - h_tilde * h_tilde, out=da_h)
        np.multiply(da_h, r, out=du)
        np.multiply(du * u, 1 - r, out=da_r)  # da_h u r (1 - r)
        self.W_back.dot(da[:3].reshape(3 * self.H, -1), dh)
        dh += dh_z
