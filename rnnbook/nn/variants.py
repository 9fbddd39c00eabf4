"""Two layers that are not Keras': the GRU of 2014, and the net whose output feeds back."""

import numpy as np

from rnnbook._check import shaped, whole
from rnnbook.nn.activations import to_sigmoid
from rnnbook.nn.cells import output_to_hidden_step, output_to_hidden_step_backward
from rnnbook.nn.products import columns
from rnnbook.nn.recurrent import Recurrent


class GRUResetBefore(Recurrent):
    """Gated recurrent unit with the reset gate before the product, as in Cho et al. (2014).

    The equations are those of :func:`rnnbook.nn.gated_cells.gru_step` with ``reset_after=False``;
    parameters and errors are those of :class:`rnnbook.nn.layers.GRU`.
    """

    gates, rows, sigmoids, order = "zrh", 3, "zr", "zrh"

    def _fuse(self):
        super()._fuse()
        H2 = 2 * self.H
        self.reset = np.empty((self.sizes[0], self.H, self.sizes[1]), self.dtype)
        of_candidate = self.W[0][H2:, : self.H]
        self.W_reset = of_candidate.copy()  # acts on r h_{t-1}, not on h_{t-1}
        of_candidate[:] = 0

    def _step(self, t):
        h, a, reset = self.s[0], self.a[t], self.reset[t]
        z, r, h_tilde = a
        np.tanh(a[:2], out=a[:2])
        to_sigmoid(a[:2])
        np.multiply(r, h[t], out=reset)
        h_tilde += self.W_reset @ reset
        np.tanh(h_tilde, out=h_tilde)
        h[t + 1][:] = z * h[t] + (1 - z) * h_tilde

    def _factors(self, block):
        z, r, h_tilde = self.a[block].transpose(1, 0, 2, 3)
        kept_z, kept_r, *_ = self.scratch[:, : len(z)]
        kept_z[:], kept_r[:] = z, r
        z *= (1 - z) * (self._h_prev(block) - h_tilde)
        np.multiply(self.reset[block], 1 - r, out=r)
        h_tilde[:] = (1 - kept_z) * (1 - h_tilde**2)

    def _step_back(self, t, j, ds, da):
        dh, a, (z, r) = ds[0], self.a[t], self.scratch[:2, j]
        W_h, H2 = self.parameters["W_h"], 2 * self.H
        np.multiply(a[2], dh, out=da[2])
        dreset = W_h[H2:].T @ da[2]
        np.multiply(a[1], dreset, out=da[1])
        np.multiply(a[0], dh, out=da[0])
        dh *= z
        dh += r * dreset + W_h[:H2].T @ da[:2].reshape(H2, -1)

    def _prepare_gradients(self):
        super()._prepare_gradients()
        self.dW_reset = np.zeros_like(self.W_reset)

    def _add_gradients(self, block, da, heard, dx):
        super()._add_gradients(block, da, heard, dx)
        self.dW_reset += da[2 * self.H :] @ columns(self.reset[block]).T

    def _split_gradients(self):
        gradients = super()._split_gradients()
        gradients["W_h"][2 * self.H :] = self.dW_reset
        return gradients


class OutputToHidden:
    """The net whose output feeds back, with the equations of ``cells.output_to_hidden_step``.

    It is a plain loop over the cell: there is no product that could take many steps at once.

    Parameters
    ----------
    D, H, V : int
        Input size, hidden size, number of outputs.
    seed : int
        Seed of the first weights, Glorot uniform; biases are 0.
    activation : {"tanh", "relu", "identity"}
        The activation function of the hidden layer.
    dtype : {"float32", "float64"}
        In which precision the layer works.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of its kind.
    """

    def __init__(self, D, H, V, seed, activation="tanh", dtype="float32"):
        D, H, V = whole("D", D), whole("H", H), whole("V", V, 2)
        rng = np.random.default_rng(whole("seed", seed, 0))
        shapes = {"W_xh": (H, D), "W_yh": (H, V), "b_h": (H,), "W_hy": (V, H), "b_y": (V,)}
        self.V, self.activation, self.gradients, self._given = V, activation, {}, None
        self.parameters = {}
        for name, shape in shapes.items():
            limit = np.sqrt(6 / sum(shape)) if len(shape) == 2 else 0
            self.parameters[name] = rng.uniform(-limit, limit, shape).astype(dtype)

    def forward(self, x, state=None):
        """Run over whole sequences.

        Parameters
        ----------
        x : array_like, shape (B, T, D)
            The inputs.
        state : array_like, shape (B, V), optional
            The output before the first step, zero by default.

        Returns
        -------
        y : numpy.ndarray, shape (B, T, V)
            The outputs, which are probabilities.
        state : numpy.ndarray, shape (B, V)
            The last output.

        Raises
        ------
        TypeError, ValueError
            If a shape does not fit, or a number is not finite.
        """
        x = shaped("x", x, "B T D")
        y = [np.zeros((len(x), self.V), x.dtype) if state is None else state]
        for t in range(x.shape[1]):
            y.append(output_to_hidden_step(x[:, t], y[-1], self.parameters, self.activation)[0])
        self._given = x, y
        return np.stack(y[1:], axis=1), y[-1]

    def backward(self, dy, dstate=None):
        """Go back through time: fill ``gradients``, and return those of what came in.

        Parameters
        ----------
        dy : array_like, shape (B, T, V)
            Gradient with respect to the outputs.
        dstate : array_like, shape (B, V), optional
            Gradient with respect to the last output as a state, zero by default.

        Returns
        -------
        dx : numpy.ndarray, shape (B, T, D)
            Gradient with respect to the inputs.
        dstate : numpy.ndarray, shape (B, V)
            Gradient with respect to the output before the first step.

        Raises
        ------
        RuntimeError
            If ``forward`` was not called before.
        TypeError, ValueError
            If a shape does not fit, or a number is not finite.
        """
        if self._given is None:
            raise RuntimeError("backward needs a forward pass before it (call forward first)")
        x, y = self._given
        dy = shaped("dy", dy, "B T V", B=len(x), T=x.shape[1], V=self.V)
        self.gradients = {n: np.zeros_like(array) for n, array in self.parameters.items()}
        dx, back = np.empty_like(x), np.zeros_like(y[-1])
        if dstate is not None:
            back = shaped("dstate", dstate, "B V", B=len(x), V=self.V)
        for t in reversed(range(x.shape[1])):
            g = output_to_hidden_step_backward(
                dy[:, t] + back, x[:, t], y[t], self.parameters, self.activation
            )
            dx[:, t], back = g["x_t"], g["y_prev"]
            for name, gradient in self.gradients.items():
                gradient += g[name]
        return dx, back
