"""The weights of a recurrent layer: first values, names as in the equations, layout as in Keras."""

import numpy as np

from rnnbook._check import numbers, whole


class GateWeights:
    """Weights for the input and the state, and biases, of G gates with H units each.

    The dict ``parameters`` holds ``W_x`` (G H, D), ``W_h`` (G H, H) and ``b`` (G H,), and what a
    layer adds. In each the gates stand one under the other, in the order of ``gates``.

    Arguments and errors are those of :class:`rnnbook.nn.layers.GRU`.
    """

    gates = "h"

    def __init__(self, D, H, seed, dtype="float32"):
        self.D, self.H = whole("D", D), whole("H", H)
        if dtype not in ("float32", "float64", np.float32, np.float64):
            raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
        self.dtype = np.dtype(dtype)
        rng = np.random.default_rng(whole("seed", seed, 0))
        GH = len(self.gates) * H
        limit = np.sqrt(6 / (D + GH))
        Q, R = np.linalg.qr(rng.normal(size=(GH, H)))
        self.parameters = {
            "W_x": rng.uniform(-limit, limit, (GH, D)).astype(dtype),
            "W_h": (Q * np.sign(np.diag(R))).astype(dtype),
            "b": np.zeros(GH, dtype),
        }

    def by_name(self, arrays):
        """Return ``parameters`` or ``gradients`` under the equations' names, as views."""
        names = {"W_x": "W_x{}", "W_h": "W_h{}", "b": "b_{}", "b_rec": "b_h{}", "p": "p_{}"}
        return {
            names.get(key, key).format(g): array[j * self.H : (j + 1) * self.H]
            for key, array in arrays.items()
            for j, g in enumerate("ifo" if key == "p" else self.gates)
        }

    @property
    def weights(self):
        """The weights under the names of the equations; change them in place."""
        return self.by_name(self.parameters)

    def get_weights(self):
        """Return copies of the weights in Keras' order and layout, kernel (D, G H) first."""
        kernel, recurrent, *others = self.parameters.values()
        return [kernel.T.copy(), recurrent.T.copy(), *(array.copy() for array in others)]

    def set_weights(self, weights):
        """Take weights in Keras' order and layout, such as ``keras_layer.get_weights()``."""
        wanted = [array.shape for array in self.get_weights()]
        given = [np.shape(array) for array in weights]
        if given != wanted:
            raise ValueError(
                f"weights must have the shapes {wanted}, got {given} (from a layer of other sizes?)"
            )
        kernel, recurrent, *others = (numbers("weights", array) for array in weights)
        rows = [row for array in others for row in np.atleast_2d(array)]  # the GRU's biases are two
        arrays = self.parameters.values()
        for array, value in zip(arrays, [kernel.T, recurrent.T, *rows], strict=True):
            array[...] = value

    def check_weights(self):
        """Raise an error that names the weight, if one is not finite."""
        if not all(np.isfinite(np.vdot(array, array)) for array in self.parameters.values()):
            for name, array in self.weights.items():
                numbers(name, array)  # the error says which weight, and where
