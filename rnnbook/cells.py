"""One time step, in the words of the equations. To read; ``layers`` is to run."""

from rnnbook import activations
from rnnbook.arrays import shaped


def rnn_step(x_t, h_prev, W_xh, W_hh, b_h, activation="tanh"):
    """One step of the simple recurrent layer: h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h).

    Parameters
    ----------
    x_t : array_like, shape (B, D)
        The input at time step t, one row an example.
    h_prev : array_like, shape (B, H)
        The hidden state at time step t - 1.
    W_xh : array_like, shape (H, D)
        Input-to-hidden weights: row i holds the input weights of neuron i.
    W_hh : array_like, shape (H, H)
        Hidden-to-hidden weights: row i says what neuron i hears from each neuron.
    b_h : array_like, shape (H,)
        Biases.
    activation : {"tanh", "relu", "identity"}
        The activation function.

    Returns
    -------
    numpy.ndarray, shape (B, H)
        The hidden state h_t.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, a number is not finite, or the activation is unknown.

    Notes
    -----
    After Elman (1990). Examples are rows, so W x becomes ``x @ W.T``.
    """
    phi = activations.by_name(activation)
    x_t = shaped("x_t", x_t, "B D")
    B, D = x_t.shape
    h_prev = shaped("h_prev", h_prev, "B H", B=B)
    H = h_prev.shape[1]
    W_xh = shaped("W_xh", W_xh, "H D", H=H, D=D)
    W_hh = shaped("W_hh", W_hh, "H H", H=H)
    b_h = shaped("b_h", b_h, "H", H=H)
    return phi(x_t @ W_xh.T + h_prev @ W_hh.T + b_h)
