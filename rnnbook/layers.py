"""Recurrent layers for whole sequences, forward and backward through time, made to run fast.

``cells`` and ``gated_cells`` say the same to read, one step at a time; a test holds them equal.
Stacks and both directions come by composing: the states of one layer are the input of the next,
and a layer that reads ``x[:, ::-1]`` reads backward.
"""

import numpy as np

from rnnbook import activations
from rnnbook.activations import tanh_slope, to_sigmoid
from rnnbook.products import multiply
from rnnbook.recurrent import Recurrent, columns


class RNN(Recurrent):
    """The simple recurrent layer, with the equation of :func:`rnnbook.cells.rnn_step`.

    Parameters
    ----------
    D, H : int
        Input size, hidden size.
    seed : int
        Seed of the first weights: Glorot uniform for inputs, orthogonal for states, biases 0.
    activation : {"tanh", "relu", "identity"}
        The activation function.
    dtype : {"float32", "float64"}
        In which precision the layer works.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of its kind.
    """

    def __init__(self, D, H, seed, activation="tanh", dtype="float32"):
        super().__init__(D, H, seed, dtype)
        self.activation, self.phi = activation, activations.by_name(activation)

    def _views(self, t):
        return self.a[0, 0], self.s[0][t + 1]

    def _step(self, t):
        a, h_t = self.views[t]
        if self.activation == "tanh":
            np.tanh(a, out=h_t)
        else:
            h_t[:] = self.phi(a)

    def _step_back(self, t, _, ds, da):
        (_, h_t), slope = self.views[t], self.u
        if self.activation == "tanh":
            tanh_slope(h_t, out=slope)
        else:
            slope = activations.slope(self.activation, h_t)
        np.multiply(slope, ds[0], out=da[0])
        multiply(self.W_back, da[0], out=ds[0])


class LSTM(Recurrent):
    """Long short-term memory, with the equations of :func:`rnnbook.gated_cells.lstm_step`.

    Parameters
    ----------
    D, H : int
        Input size, hidden size.
    seed : int
        Seed of the first weights: Glorot uniform for inputs, orthogonal for states, biases 0.
    forget_bias : float
        First bias of the forget gate; 1, as in Keras, lets a new cell remember.
    peepholes : bool
        Whether the gates see the memory cell, through weights p_i, p_f, p_o, at first zero.
        Keras has none: ``get_weights`` gives them in one array (3 H,) after the others.
    dtype : {"float32", "float64"}
        In which precision the layer works.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of its kind.
    """

    gates, rows, states, halved = "ifco", 4, 2, (0, 1, 3)

    def __init__(self, D, H, seed, forget_bias=1.0, peepholes=False, dtype="float32"):
        super().__init__(D, H, seed, dtype)
        self.weights["b_f"][:] = forget_bias
        self.peepholes = peepholes
        if peepholes:
            self.parameters["p"] = np.zeros(3 * H, dtype)

    def _views(self, t):
        (h, c), a = self.s, self.a[t]
        return *a, a[:3], a[:2], c[t], c[t + 1], h[t + 1]

    def _step(self, t):
        i, f, c_tilde, o, ifc, both, c_prev, c_t, h_t = self.views[t]
        u = self.u
        if self.peepholes:
            p_i, p_f, p_o = self.parameters["p"].reshape(3, -1, 1) / 2
            i += p_i * c_prev
            f += p_f * c_prev
        np.tanh(ifc, out=ifc)
        to_sigmoid(both)
        np.multiply(f, c_prev, out=c_t)
        c_t += np.multiply(i, c_tilde, out=u)
        if self.peepholes:
            o += p_o * c_t
        np.tanh(o, out=o)
        to_sigmoid(o)
        np.tanh(c_t, out=u)
        np.multiply(o, u, out=h_t)

    def _factors(self, block):
        c_prev, c_t = self.s[1][block], self.s[1][1:][block]
        i, f, c_tilde, o = self.a[block].transpose(1, 0, 2, 3)
        to_i, to_f, to_c_tilde, to_o, to_c, tanh_c, u = self.scratch[:, : len(c_t)]
        np.tanh(c_t, out=tanh_c)
        # From dh to the pre-activation of o, tanh(c) o (1 - o), and to dc, o (1 - tanh(c)^2):
        np.multiply(o, tanh_c, out=to_o)
        np.subtract(o, np.multiply(to_o, tanh_c, out=u), out=to_c)
        to_o -= np.multiply(to_o, o, out=u)
        # From dc to those of f, c f (1 - f), of i, c~ i (1 - i), and of c~, i (1 - c~^2):
        np.multiply(c_prev, f, out=to_f)
        to_f -= np.multiply(to_f, f, out=u)
        np.multiply(c_tilde, i, out=to_i)
        np.subtract(i, np.multiply(to_i, c_tilde, out=u), out=to_c_tilde)
        to_i -= np.multiply(to_i, i, out=u)

    def _step_back(self, t, j, ds, da):
        (dh, dc), forget = ds, self.views[t][1]
        factors, to_o, to_c = self.scratch[:3, j], self.scratch[3, j], self.scratch[4, j]
        np.multiply(to_o, dh, out=da[3])
        dc += np.multiply(to_c, dh, out=dh)
        if self.peepholes:
            p_i, p_f, p_o = self.parameters["p"].reshape(3, -1, 1)
            dc += p_o * da[3]
        np.multiply(factors, dc, out=da[:3])
        dc *= forget
        if self.peepholes:
            dc += p_i * da[0] + p_f * da[1]
        multiply(self.W_back, self.da_flat, out=dh)

    def _add_gradients(self, block, da, heard, dx):
        super()._add_gradients(block, da, heard, dx)
        if self.peepholes:
            c, c_prev = columns(self.s[1][1:][block]), columns(self.s[1][block])
            da_i, da_f, _, da_o = da.reshape(4, self.H, -1)
            seen = np.stack([da_i * c_prev, da_f * c_prev, da_o * c])
            self.dp += seen.sum(axis=2).ravel()

    def _prepare_gradients(self):
        super()._prepare_gradients()
        self.dp = np.zeros(3 * self.H, self.dtype)

    def _split_gradients(self):
        peepholes = {"p": self.dp} if self.peepholes else {}
        return super()._split_gradients() | peepholes


class GRU(Recurrent):
    """Gated recurrent unit with the reset gate after the product, as in Keras and cuDNN.

    The equations are those of :func:`rnnbook.gated_cells.gru_step`.

    Parameters
    ----------
    D, H : int
        Input size, hidden size.
    seed : int
        Seed of the first weights: Glorot uniform for inputs, orthogonal for states, biases 0.
    dtype : {"float32", "float64"}
        In which precision the layer works.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of its kind.
    """

    gates, rows, halved = "zrh", 4, (0, 1)

    def __init__(self, D, H, seed, dtype="float32"):
        super().__init__(D, H, seed, dtype)
        self.parameters["b_rec"] = np.zeros(3 * H, dtype)

    def get_weights(self):
        """Return copies of the weights in Keras' order and layout, kernel (D, 3 H) first."""
        *kernels, b, b_rec = super().get_weights()
        return [*kernels, np.stack([b, b_rec])]

    def _fuse(self):
        super()._fuse()
        H2, b_rec = 2 * self.H, self.parameters["b_rec"]
        self.W_in = self.W[H2:, self.H :].copy()  # the candidate hears the input apart
        self.W[H2:, self.H :] = 0
        self.W[:, -1] += b_rec
        self.W[:H2, -1] -= b_rec[:H2] / 2

    def _listen(self, t):
        candidate, H2 = self.a[t, 0], 2 * self.H
        multiply(self.W, self.slots[t], out=self.sums[t])
        multiply(self.W_in, self.slots[t][self.H :], out=candidate)
        if self.ids is not None:
            u = self.table.take(self.ids[t], axis=1)
            self.sums[t][:H2] += u[:H2]
            candidate += u[H2:]

    def _views(self, t):
        h, a = self.s[0], self.a[t]
        return *a, a[1:3], h[t], h[t + 1]

    def _step(self, t):
        h_tilde, z, r, u_h, both, h_prev, h_t = self.views[t]
        u = self.u
        np.tanh(both, out=both)
        to_sigmoid(both)
        h_tilde += np.multiply(r, u_h, out=u)
        np.tanh(h_tilde, out=h_tilde)
        np.subtract(h_prev, h_tilde, out=u)
        u *= z
        np.add(h_tilde, u, out=h_t)

    def _factors(self, block):
        h_tilde, z, r, u_h = self.a[block].transpose(1, 0, 2, 3)
        to_h_tilde, to_z, to_r, to_u_h, u, *_ = self.scratch[:, : len(z)]
        # From dh to the pre-activations of z, (h - h~) z (1 - z), and of h~, (1 - z) (1 - h~^2):
        np.subtract(self._h_prev(block), h_tilde, out=to_z)
        to_z *= z
        to_z -= np.multiply(to_z, z, out=u)
        tanh_slope(h_tilde, out=to_h_tilde)
        to_h_tilde -= np.multiply(to_h_tilde, z, out=u)
        # From there to u_h = W_h h + b_h, r times, and to that of r, u_h r (1 - r) times:
        np.multiply(to_h_tilde, r, out=to_u_h)
        np.multiply(to_u_h, u_h, out=to_r)
        to_r -= np.multiply(to_r, r, out=u)

    def _step_back(self, t, j, ds, da):
        dh, z = ds[0], self.views[t][1]
        np.multiply(self.scratch[:4, j], dh, out=da)
        dh *= z
        multiply(self.W_back, self.da_flat[self.H :], out=self.u)
        dh += self.u

    def _prepare_gradients(self):
        super()._prepare_gradients()
        self.dW_in = np.zeros_like(self.W_in)

    def _add_gradients(self, block, da, heard, dx):
        H = self.H
        self.dW += np.matmul(da[H:], heard.T, out=self.dW_block)
        self.dW_in += da[:H] @ heard[H:].T
        # The rows that hear the input are the candidate, z and r, in this order.
        self._add_of_input(block, da[: 3 * H], dx, np.roll(self.parameters["W_x"], H, axis=0))

    def _split_gradients(self):
        H, dW, dW_in = self.H, self.dW, self.dW_in
        dW_x = np.concatenate([dW[: 2 * H, H:-1], dW_in[:, :-1]])
        return {
            "W_x": dW_x if self.ids is None else np.roll(self.dW_ids, -H, axis=0),
            "W_h": dW[:, :H],
            "b": np.concatenate([dW[: 2 * H, -1], dW_in[:, -1]]),
            "b_rec": dW[:, -1],
        }
