"""What stands around a recurrent layer: the embedding before it, the dense layer after it."""

import numpy as np

from rnnbook._check import checked_ids, shaped, whole


class Embedding:
    """A vector for each id: the look-up of rows of E, (V, D), never a product with one-hots.

    Parameters
    ----------
    V, D : int
        Vocabulary size, size of the vectors.
    seed : int
        Seed of the first vectors, uniform from -0.05 to 0.05, as in Keras.
    dtype : {"float32", "float64"}
        In which precision the layer works.

    Raises
    ------
    TypeError, ValueError
        If a size or the seed is not a whole number, or too small.
    """

    def __init__(self, V, D, seed, dtype="float32"):
        rng = np.random.default_rng(whole("seed", seed, 0))
        E = rng.uniform(-0.05, 0.05, (whole("V", V), whole("D", D)))
        self.parameters, self.gradients, self._ids = {"E": E.astype(dtype)}, {}, None

    def forward(self, ids):
        """Return the vectors, shape (B, T, D), of ids of shape (B, T)."""
        self._ids = checked_ids(ids, len(self.parameters["E"]))
        return self.parameters["E"][self._ids]

    def backward(self, dx):
        """Fill ``gradients`` from the gradient with respect to the vectors, (B, T, D)."""
        if self._ids is None:
            raise RuntimeError("backward needs a forward pass before it (call forward first)")
        E, (B, T) = self.parameters["E"], self._ids.shape
        dx = shaped("dx", dx, "B T D", B=B, T=T, D=E.shape[1])
        by_column = dx.reshape(B * T, -1).T
        self.gradients = {"E": sum_by_id(by_column, self._ids.ravel(), len(E)).T}


class Dense:
    """The output of each step by itself: y_t = W_hy h_t + b_y, without an activation.

    Parameters
    ----------
    H, V : int
        Input size, output size.
    seed : int
        Seed of the first weights, Glorot uniform; biases are 0.
    dtype : {"float32", "float64"}
        In which precision the layer works.

    Raises
    ------
    TypeError, ValueError
        If a size or the seed is not a whole number, or too small.
    """

    def __init__(self, H, V, seed, dtype="float32"):
        rng = np.random.default_rng(whole("seed", seed, 0))
        limit = np.sqrt(6 / (whole("H", H) + whole("V", V)))
        W_hy = rng.uniform(-limit, limit, (V, H)).astype(dtype)
        self.parameters, self.gradients, self._h = (
            {"W_hy": W_hy, "b_y": np.zeros(V, dtype)},
            {},
            None,
        )

    def forward(self, h):
        """Return the outputs, shape (B, T, V), of states of shape (B, T, H)."""
        W_hy, b_y = self.parameters["W_hy"], self.parameters["b_y"]
        self._h = shaped("h", h, "B T H", H=W_hy.shape[1])
        y = self._h.reshape(-1, W_hy.shape[1]) @ W_hy.T
        y += b_y
        return y.reshape(*self._h.shape[:2], -1)

    def backward(self, dy):
        """Fill ``gradients``; return that with respect to the states, shape (B, T, H).

        The argument is the gradient with respect to the outputs, shape (B, T, V).
        """
        if self._h is None:
            raise RuntimeError("backward needs a forward pass before it (call forward first)")
        W_hy, (B, T, H) = self.parameters["W_hy"], self._h.shape
        dy = shaped("dy", dy, "B T V", B=B, T=T, V=len(W_hy)).reshape(B * T, -1)
        self.gradients = {"W_hy": dy.T @ self._h.reshape(-1, H), "b_y": dy.sum(axis=0)}
        return (dy @ W_hy).reshape(B, T, H)

    def get_weights(self):
        """Return copies of the weights in Keras' order and layout: kernel (H, V), bias."""
        return [self.parameters["W_hy"].T.copy(), self.parameters["b_y"].copy()]

    def set_weights(self, weights):
        """Take weights in Keras' order and layout, such as ``keras_layer.get_weights()``."""
        V, H = self.parameters["W_hy"].shape
        if len(weights) != 2:
            raise ValueError(f"weights must be a kernel and a bias, got {len(weights)} arrays")
        kernel = shaped("kernel", weights[0], "H V", H=H, V=V)
        bias = shaped("bias", weights[1], "V", V=V)
        self.parameters["W_hy"][:], self.parameters["b_y"][:] = kernel.T, bias


def sum_by_id(columns: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    """Return, for each id from 0 to V - 1, the sum of its columns: (n, m) to (n, V).

    Examples
    --------
    >>> sum_by_id(np.array([[1.0, 2.0, 3.0]]), np.array([2, 0, 2]), V=4).tolist()
    [[2.0, 0.0, 4.0, 0.0]]
    """
    if V < 1000:  # then a product is faster than sorting
        return columns @ (ids[:, None] == np.arange(V)).astype(columns.dtype)
    order = np.argsort(ids, kind="stable")
    present, first = np.unique(ids[order], return_index=True)
    sums = np.zeros((len(columns), V), columns.dtype)
    sums[:, present] = np.add.reduceat(columns[:, order], first, axis=1)
    return sums
