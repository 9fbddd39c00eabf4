"""What stands around a recurrent layer: the embedding before it, the dense layer after it.

Both take ``seed``, of the first weights, and ``dtype``, "float32" or "float64", in which they work.
"""

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import check_dtype, check_ids, shaped, whole


class Embedding:
    """A vector for each id: the look-up of rows of E, (V, D), never a product with one-hots.

    V is the vocabulary size, D that of the vectors; the first ones are uniform from -0.05 to 0.05,
    as in Keras.

    >>> embedding = Embedding(V=5, D=2)
    >>> embedding.forward([[0, 4, 4]]).shape  # (B, T, D)
    (1, 3, 2)
    """

    def __init__(self, V: int, D: int, seed: int = 0, dtype: str = "float32"):
        self.V, self.D, self.dtype = whole("V", V), whole("D", D), np.dtype(check_dtype(dtype))
        rng = np.random.default_rng(whole("seed", seed, 0))
        E = rng.uniform(-0.05, 0.05, (self.V, self.D))
        self.parameters, self.gradients, self._ids = {"E": E.astype(self.dtype)}, {}, None

    def __repr__(self):
        return f"Embedding(V={self.V}, D={self.D})"

    def forward(self, ids: ArrayLike) -> np.ndarray:
        """Return the vectors, (B, T, D), of ids, (B, T)."""
        self._ids = check_ids(ids, self.V).astype(np.int64)  # a copy: the caller's may change
        return self.parameters["E"][self._ids]

    def backward(self, dx: ArrayLike) -> None:
        """Fill ``gradients`` from that of the vectors, (B, T, D)."""
        if self._ids is None:
            raise RuntimeError("backward needs a forward pass before it (call forward first)")
        B, T = self._ids.shape
        dx = shaped("dx", dx, "B T D", B=B, T=T, D=self.D).reshape(B * T, -1)
        self.gradients = {"E": sum_by_id(dx.T, self._ids.ravel(), self.V).T}


class Dense:
    """The output of each step by itself: y_t = W_hy h_t + b_y, without an activation.

    H and V are the sizes of input and output. First weights are Glorot uniform, biases 0.

    >>> dense = Dense(H=3, V=2)
    >>> dense.forward(np.ones((1, 4, 3))).shape  # (B, T, V)
    (1, 4, 2)
    """

    def __init__(self, H: int, V: int, seed: int = 0, dtype: str = "float32"):
        self.H, self.V, self.dtype = whole("H", H), whole("V", V), np.dtype(check_dtype(dtype))
        rng, limit = np.random.default_rng(whole("seed", seed, 0)), np.sqrt(6 / (H + V))
        W_hy = rng.uniform(-limit, limit, (V, H)).astype(self.dtype)
        self.parameters = {"W_hy": W_hy, "b_y": np.zeros(V, self.dtype)}
        self.gradients, self._h = {}, None

    def __repr__(self):
        return f"Dense(H={self.H}, V={self.V})"

    def forward(self, h: ArrayLike) -> np.ndarray:
        """Return the outputs, (B, T, V), of states, (B, T, H)."""
        W_hy, b_y = self.parameters["W_hy"], self.parameters["b_y"]
        self._h = h = shaped("h", h, "B T H", H=self.H).copy()  # the caller's may change
        y = h.reshape(-1, self.H) @ W_hy.T  # (B T, V)
        y += b_y
        return y.reshape(*h.shape[:2], self.V)

    def backward(self, dy: ArrayLike) -> np.ndarray:
        """Fill ``gradients`` from that of the outputs, (B, T, V); return that of the states."""
        if self._h is None:
            raise RuntimeError("backward needs a forward pass before it (call forward first)")
        W_hy, (B, T, H) = self.parameters["W_hy"], self._h.shape
        dy = shaped("dy", dy, "B T V", B=B, T=T, V=self.V).reshape(B * T, -1)
        self.gradients = {"W_hy": dy.T @ self._h.reshape(-1, H), "b_y": dy.sum(axis=0)}
        return (dy @ W_hy).reshape(B, T, H)

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights in Keras' order and layout: kernel (H, V), bias."""
        return [self.parameters["W_hy"].T.copy(), self.parameters["b_y"].copy()]

    def set_weights(self, weights: list[ArrayLike]) -> None:
        """Take weights in Keras' order and layout, such as ``keras_layer.get_weights()``."""
        if len(weights) != 2:
            raise ValueError(f"weights must be a kernel and a bias, got {len(weights)} arrays")
        kernel = shaped("kernel", weights[0], "H V", H=self.H, V=self.V)
        bias = shaped("bias", weights[1], "V", V=self.V)
        self.parameters["W_hy"][:], self.parameters["b_y"][:] = kernel.T, bias


def sum_by_id(columns: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    """Return, for each id from 0 to V - 1, the sum of its columns: (n, m) to (n, V).

    >>> sum_by_id(np.array([[1.0, 2.0, 4.0]]), np.array([2, 0, 2]), V=3)
    array([[2., 0., 5.]])
    """
    if V < 1000:  # then a product is faster than sorting
        return columns @ (ids[:, None] == np.arange(V)).astype(columns.dtype)
    order = np.argsort(ids, kind="stable")
    present, first = np.unique(ids[order], return_index=True)
    sums = np.zeros((len(columns), V), columns.dtype)
    sums[:, present] = np.add.reduceat(columns[:, order], first, axis=1)
    return sums
