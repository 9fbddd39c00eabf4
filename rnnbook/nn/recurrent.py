"""What the recurrent layers have in common: buffers, and the two loops over time.

Inside, arrays are (time, features, batch), so that at each step a gate is a run of contiguous
memory. State, a row of ones and input lie in one slot, so one product a step gives all gates.
A block's slots lie side by side, (features, steps, batch): one product gives its gradients.
"""

import numpy as np

from rnnbook._check import checked_ids, checked_mask, shaped
from rnnbook.nn.gate_weights import GateWeights
from rnnbook.nn.products import aligned, cut, in_bands, multiply, spaced, sums_by_id


class Recurrent(GateWeights):
    """A recurrent layer without its equations, which :mod:`rnnbook.nn.layers` adds.

    A layer says how a step's states come from its pre-activations (``_step``), what its
    backward step multiplies with (``_factors``, for a block of steps at once), and what that
    step does (``_step_back``: it writes ``da``). The pre-activations ``a[t]`` hold one (H, B) row
    a gate: the first G rows hear the input, the last G the state. ``u`` is scratch.
    """

    rows, states = 1, 1
    sigmoids = ""  # the gates with a sigmoid
    order = "h"  # of the gates among the rows of a, for _fuse

    def __init__(self, D, H, seed, dtype="float32"):
        super().__init__(D, H, seed, dtype)
        self.gradients, self.sizes, self.ready = {}, None, False

    def forward(self, x, state=None, mask=None):
        """Run over whole sequences, and keep what the backward pass needs.

        Parameters
        ----------
        x : array_like, shape (B, T, D), or of int, shape (B, T)
            The inputs. Ids from 0 to D - 1 stand for one-hot vectors, and are looked up.
        state : array_like, shape (B, H), for the LSTM (2, B, H), optional
            The state before the first step, zero by default. The LSTM's is h and c.
        mask : array_like of bool, shape (B, T), optional
            False where there is no input: h stays as it was (in Keras: 0 before the first True).

        Returns
        -------
        h : numpy.ndarray, shape (B, T, H)
            The hidden states.
        state : numpy.ndarray, shape as above
            The state after the last step, from which another call goes on.

        Raises
        ------
        TypeError, ValueError
            If a shape does not fit, a number or weight is not finite, an id is out of range,
            or the mask leaves nothing.
        """
        self.ready = False
        x, self.ids, (B, T) = self._checked_input(x)
        self._make_buffers(T, B)
        if x is not None:
            for block, heard in zip(self.blocks, self.heard, strict=False):
                k = block.stop - block.start
                inputs = heard[self.H + 1 :, : k * B].reshape(-1, k, B)
                inputs[:] = x[:, block].transpose(2, 1, 0)
        for s, first in zip(self.s, self._checked_state("state", state), strict=True):
            s[0][:] = first.T
        self.mask = None if mask is None else checked_mask(mask, B, T)
        self.check_weights()
        self._fuse()
        for t in range(T):
            self._listen(t)
            self._step(t)
            if self.mask is not None:
                for s in self.s:
                    np.copyto(s[t + 1], s[t], where=~self.mask[t])
        h = np.empty((T + 1, self.H, B), self.dtype)
        for block in cut(0, T + 1, self.k):
            h[block] = self._h_prev(block)
        self.ready = True
        return h[1:].transpose(2, 0, 1), self._as_given([s[T] for s in self.s])

    def backward(self, dh, dstate=None):
        """Go back through time: fill ``gradients``, and return those of what came in.

        Parameters
        ----------
        dh : array_like, shape (B, T, H)
            Gradient with respect to the hidden states that ``forward`` returned.
        dstate : array_like, shaped as the state, optional
            Gradient with respect to the state after the last step, zero by default.

        Returns
        -------
        dx : numpy.ndarray, shape (B, T, D), or None where the input was ids
            Gradient with respect to the inputs.
        dstate : numpy.ndarray, shaped as the state
            Gradient with respect to the state before the first step.

        Raises
        ------
        RuntimeError
            If ``forward`` was not called since the last ``backward``.
        TypeError, ValueError
            If a shape does not fit, or a number is not finite.
        """
        if not self.ready:
            raise RuntimeError("backward needs a forward pass of its own (call forward first)")
        T, B, _ = self.sizes
        dh = shaped("dh", dh, "B T H", B=B, T=T, H=self.H).transpose(1, 2, 0)
        contiguous = B == 1 or dh.strides[2] == dh.itemsize
        ds = self.ds
        ds[:] = self._checked_state("dstate", dstate).transpose(0, 2, 1)
        dh_t, *_ = parts = tuple(ds)
        self._prepare_gradients()
        dx = None if self.ids is not None else np.empty((self.D, T * B), self.dtype)
        for block in reversed(self.blocks):
            for short in reversed(cut(block.start, block.stop, self.k_short)):
                self._factors(short)
                for t in reversed(range(short.start, short.stop)):
                    if contiguous:
                        dh_t += dh[t]
                    else:  # copy first: rows a power of two apart fall in one place of the cache
                        self.dh_in[:] = dh[t].T
                        dh_t += self.dh_in.T
                    if self.mask is not None:
                        kept = np.where(self.mask[t], 0, ds)
                        ds -= kept
                    self._step_back(t, t - short.start, parts, self.da)
                    if self.mask is not None:
                        ds += kept
                    self.da_slots[t - block.start][:] = self.da_flat
            columns = slice(0, (block.stop - block.start) * B)
            heard = self.heard[block.start // self.k][:, columns]
            self._add_gradients(block, self.da_block[:, columns], heard, dx)
        self.gradients, self.ready = self._split_gradients(), False
        return None if dx is None else dx.reshape(-1, T, B).transpose(2, 1, 0), self._as_given(ds)

    def _checked_input(self, x):
        """Return x, the ids as (T, B), one of them None, and (B, T)."""
        if np.asarray(x).dtype.kind in "iu":
            ids = checked_ids(x, self.D).T
            return None, ids, ids.T.shape
        x = shaped("x", x, "B T D", D=self.D)
        return x, None, x.shape[:2]

    def _checked_state(self, name, state):
        """Return a state as (states, B, H), zero where none is given."""
        B = self.sizes[1]
        if state is None:
            return np.zeros((self.states, B, self.H), self.dtype)
        if self.states == 1:
            return shaped(name, state, "B H", B=B, H=self.H)[None]
        return shaped(name, state, "S B H", S=self.states, B=B, H=self.H)

    def _as_given(self, states):
        """Return (H, B) states as the caller knows them: (B, H), or (2, B, H) for two."""
        states = np.array([s.T for s in states], order="C")
        return states[0] if self.states == 1 else states

    def _make_buffers(self, T, B):
        """Make the arrays that every call uses again, and cut the time into blocks."""
        D, H = (self.D if self.ids is None else 0), self.H
        if self.sizes == (T, B, D):
            return
        self.sizes = (T, B, D)
        # In a block the weights' gradients are efficient products; a short one fits in the cache.
        self.k = k = max(1, min(max(512, 2 * H) // B, T))
        self.k_short = max(1, min(2**15 // (H * B), k))
        self.blocks = cut(0, T, k)
        self.heard = [spaced(H + D + 1, k * B, self.dtype) for _ in range(T // k + 1)]
        self.slots = [self.heard[t // k][:, t % k * B : (t % k + 1) * B] for t in range(T + 1)]
        self.s = [[slot[:H] for slot in self.slots]]
        self.s += [aligned((T + 1, H, B), self.dtype) for _ in range(1, self.states)]
        self.a = aligned((T if self.rows > 1 else 1, self.rows, H, B), self.dtype)
        a = [self.a[t % len(self.a)].reshape(-1, B) for t in range(T)]
        self.from_input = [a_t[: len(self.gates) * H] for a_t in a]
        self.W, self.products = [], [[] for _ in range(T)]
        for rows, hears in self._parts():
            n, m = len(a[0][rows]), len(self.slots[0][hears])
            self.W.append(aligned((n, m), self.dtype))
            W = in_bands(self.W[-1], m, B)
            for a_t, slot, products in zip(a, self.slots, self.products, strict=False):
                products.append((W, slot[hears], in_bands(a_t[rows], m, B)))
        self.dW_block = [np.empty_like(W) for W in self.W]
        self.views = [self._views(t) for t in range(T)]
        self._make_buffers_back(B, k)

    def _make_buffers_back(self, B, k):
        """Make the arrays of the backward pass."""
        H = self.H
        self.dh_in, self.ds = spaced(B, H, self.dtype), aligned((self.states, H, B), self.dtype)
        self.da = aligned((self.rows, H, B), self.dtype)
        self.da_flat = self.da.reshape(-1, B)
        self.da_block = spaced(self.rows * H, k * B, self.dtype)
        self.da_slots = [self.da_block[:, j * B : (j + 1) * B] for j in range(k)]
        self.u = aligned((H, B), self.dtype)
        self.scratch = aligned((7, self.k_short, H, B), self.dtype)
        self.views_back = [self._views_back(j) for j in range(self.k_short)]
        self.back_to_h = self.da_flat[-len(self.gates) * H :]
        self.half = np.array(0.5, self.dtype)  # a Python number is converted at each call

    def _parts(self):
        """Return the parts of the matrix W: rows of ``a`` that each writes, of a slot it hears."""
        return [(slice(None), slice(None))]

    def _views(self, t):
        """Return what a layer's ``_step`` wants at hand: making views takes time too."""

    def _views_back(self, j):
        """Return what of ``scratch`` a layer's ``_step_back`` wants at hand."""

    def _fuse(self):
        """Make one matrix of all weights, in which σ is a tanh: σ(a) = (1 + tanh(a / 2)) / 2."""
        w, (W,), H = self.weights, self.W, self.H
        if self.ids is not None:
            self.table = np.empty_like(self.parameters["W_x"])
        W_x = W[:, H + 1 :] if self.ids is None else self.table
        for j, gate in enumerate(self.order):
            rows, half = slice(j * H, (j + 1) * H), 0.5 if gate in self.sigmoids else 1
            np.multiply(w[f"W_h{gate}"], half, out=W[rows, :H])
            np.multiply(w[f"b_{gate}"], half, out=W[rows, H])
            np.multiply(w[f"W_x{gate}"], half, out=W_x[rows])

    def _factors(self, block):
        """Make, in ``scratch`` or in ``a``, what a short block's backward steps multiply with."""

    def _h_prev(self, block):
        """Return the states in the slots of a block, those before its steps, (k, H, B)."""
        first, k, B = block.start % self.k, block.stop - block.start, self.sizes[1]
        heard = self.heard[block.start // self.k][: self.H, first * B : (first + k) * B]
        return heard.reshape(-1, k, B).transpose(1, 0, 2)

    def _listen(self, t):
        """Write the pre-activations of step t; what ids add is columns of W_x."""
        for W, heard, a in self.products[t]:
            multiply(W, heard, a)
        if self.ids is not None:
            self.from_input[t] += self.table.take(self.ids[t], axis=1)

    def _prepare_gradients(self):
        self.dW = [np.empty_like(W) for W in self.W]
        self.dW_ids = np.zeros_like(self.parameters["W_x"])
        W_h, B = self.parameters["W_h"], self.sizes[1]
        self.W_back = in_bands(W_h.T.copy(), len(W_h), B) if B > 1 else W_h.T
        self.into_dh, self.into_u = (in_bands(out, len(W_h), B) for out in (self.ds[0], self.u))

    def _add_gradients(self, block, da, heard, dx):
        """Add the share of a block: of its pre-activations' gradients, and of what they heard."""
        first = block.stop == self.sizes[0]
        for (rows, hears), dW, out in zip(self._parts(), self.dW, self.dW_block, strict=True):
            np.matmul(da[rows], heard[hears].T, out=dW if first else out)
            if not first:
                dW += out
        self._add_of_input(block, da, dx, self.parameters["W_x"])

    def _add_of_input(self, block, da, dx, W_x):
        if dx is None:
            self.dW_ids += sums_by_id(da, self.ids[block].ravel(), self.D)
        else:
            B = self.sizes[1]
            np.matmul(W_x.T, da, out=dx[:, block.start * B : block.stop * B])

    def _split_gradients(self):
        H, (dW,) = self.H, self.dW
        dW_x = dW[:, H + 1 :] if self.ids is None else self.dW_ids
        return {"W_x": dW_x, "W_h": dW[:, :H], "b": dW[:, H]}
