"""Recurrent layers for whole sequences, forward and backward through time, made to run fast.

``cells`` and ``gated_cells`` say the same to read, one step at a time; a test holds them equal.
Stacks and both directions come by composing: the states of one layer are the input of the next,
and a layer that reads ``x[:, ::-1]`` reads backward.
"""

import numpy as np

from rnnbook.nn import activations
from rnnbook.nn.activations import tanh_slope, to_sigmoid
from rnnbook.nn.products import columns, multiply
from rnnbook.nn.recurrent import Recurrent


class RNN(Recurrent):
    """The simple recurrent layer, with the equation of :func:`rnnbook.nn.cells.rnn_step`.

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
        (dh,), da, h_t, u = ds, da[0], self.views[t][1], self.u
        if self.activation == "tanh":  # da = dh (1 - h^2)
            np.multiply(h_t, h_t, out=u)
            np.multiply(u, dh, out=u)
            np.subtract(dh, u, out=da)
        else:
            np.multiply(activations.slope(self.activation, h_t), dh, out=da)
        multiply(self.W_back, da, self.into_dh)


class LSTM(Recurrent):
    """Long short-term memory, with the equations of :func:`rnnbook.nn.gated_cells.lstm_step`.

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

    gates, rows, states, sigmoids = "ifco", 4, 2, "ifo"
    order = "cifo"  # the three with a sigmoid together

    def __init__(self, D, H, seed, forget_bias=1.0, peepholes=False, dtype="float32"):
        super().__init__(D, H, seed, dtype)
        self.weights["b_f"][:] = forget_bias
        self.peepholes = peepholes
        if peepholes:
            self.parameters["p"] = np.zeros(3 * H, dtype)

    def _views(self, t):
        (h, c), a = self.s, self.a[t]
        ready = 3 if self.peepholes else 4  # the output gate's peephole waits for c_t
        return a[:ready], a[1:ready], *a, c[t], c[t + 1], h[t + 1]

    def _step(self, t):
        ready, sigmoids, c_tilde, i, f, o, c_prev, c_t, h_t = self.views[t]
        u = self.u
        if self.peepholes:
            p_i, p_f, p_o = self.parameters["p"].reshape(3, -1, 1) / 2
            i += p_i * c_prev
            f += p_f * c_prev
        np.tanh(ready, out=ready)
        to_sigmoid(sigmoids, self.half)
        np.multiply(f, c_prev, out=c_t)
        c_t += np.multiply(i, c_tilde, out=u)
        if self.peepholes:
            o += p_o * c_t
            np.tanh(o, out=o)
            to_sigmoid(o, self.half)
        np.tanh(c_t, out=u)
        np.multiply(o, u, out=h_t)

    def _factors(self, block):
        c_prev, c_t = self.s[1][block], self.s[1][1:][block]
        c_tilde, i, f, o = self.a[block].transpose(1, 0, 2, 3)
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

    def _views_back(self, j):
        return self.scratch[:3, j], self.scratch[3, j], self.scratch[4, j], self.da[:3], self.da[3]

    def _step_back(self, t, j, ds, da):
        (dh, dc), forget = ds, self.views[t][4]
        factors, to_o, to_c, da_ifc, da_o = self.views_back[j]
        np.multiply(to_o, dh, out=da_o)
        dc += np.multiply(to_c, dh, out=dh)
        if self.peepholes:
            p_i, p_f, p_o = self.parameters["p"].reshape(3, -1, 1)
            dc += p_o * da_o
        np.multiply(factors, dc, out=da_ifc)
        dc *= forget
        if self.peepholes:
            dc += p_i * da[0] + p_f * da[1]
        multiply(self.W_back, self.da_flat, self.into_dh)

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

    The equations are those of :func:`rnnbook.nn.gated_cells.gru_step`.

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

    gates, rows, sigmoids = "zrh", 4, "zr"

    def __init__(self, D, H, seed, dtype="float32"):
        super().__init__(D, H, seed, dtype)
        self.parameters["b_rec"] = np.zeros(3 * H, dtype)

    def get_weights(self):
        """Return copies of the weights in Keras' order and layout, kernel (D, 3 H) first."""
        *kernels, b, b_rec = super().get_weights()
        return [*kernels, np.stack([b, b_rec])]

    def _parts(self):
        H = self.H  # of the rows h~, z, r and W_h h + b_h; a slot holds h, a one, and x
        candidate, both, u_h = slice(0, H), slice(H, 3 * H), slice(3 * H, None)
        return [(candidate, slice(H, None)), (both, slice(None)), (u_h, slice(0, H + 1))]

    def _fuse(self):
        p, H, H2 = self.parameters, self.H, 2 * self.H
        of_candidate, of_both, of_u_h = self.W
        W_x = np.roll(p["W_x"], H, axis=0)
        W_x[H:] /= 2
        if self.ids is None:
            of_candidate[:, 1:], of_both[:, H + 1 :] = W_x[:H], W_x[H:]
        else:
            self.table = W_x
        np.divide(p["W_h"][:H2], 2, out=of_both[:, :H])
        np.divide((p["b"] + p["b_rec"])[:H2], 2, out=of_both[:, H])
        of_u_h[:, :H], of_u_h[:, H] = p["W_h"][H2:], p["b_rec"][H2:]
        of_candidate[:, 0] = p["b"][H2:]

    def _views(self, t):
        h, a = self.s[0], self.a[t]
        return *a, a[1:3], h[t], h[t + 1]

    def _step(self, t):
        h_tilde, z, r, u_h, both, h_prev, h_t = self.views[t]
        u = self.u
        np.tanh(both, out=both)
        to_sigmoid(both, self.half)
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

    def _views_back(self, j):
        return self.scratch[:4, j]

    def _step_back(self, t, j, ds, da):
        dh, z = ds[0], self.views[t][1]
        np.multiply(self.views_back[j], dh, out=da)
        dh *= z
        multiply(self.W_back, self.back_to_h, self.into_u)
        dh += self.u

    def _add_of_input(self, block, da, dx, W_x):
        # The rows that hear the input are the candidate, z and r, in this order.
        super()._add_of_input(block, da[: 3 * self.H], dx, np.roll(W_x, self.H, axis=0))

    def _split_gradients(self):
        H, (of_candidate, of_both, of_u_h) = self.H, self.dW
        if self.ids is None:
            dW_x = np.concatenate([of_both[:, H + 1 :], of_candidate[:, 1:]])
        else:
            dW_x = np.roll(self.dW_ids, -H, axis=0)
        return {
            "W_x": dW_x,
            "W_h": np.concatenate([of_both[:, :H], of_u_h[:, :H]]),
            "b": np.concatenate([of_both[:, H], of_candidate[:, 0]]),
            "b_rec": np.concatenate([of_both[:, H], of_u_h[:, H]]),
        }
