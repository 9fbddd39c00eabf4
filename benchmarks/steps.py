"""One training step of a recurrent layer, done in each of the ways that ``layers.py`` times.

A way takes the cell's name, the inputs (B, T, D) and the gradient with respect to the states
(B, T, H), and returns a function that runs forward and backward through time.
"""

import importlib.util
import os
import subprocess
import sys

import numpy as np

from rnnbook.nn import cells, gated_cells, layers

CELLS = {"RNN": layers.RNN, "LSTM": layers.LSTM, "GRU": layers.GRU}


def course(cell, x, dh):
    """Return the step of ``rnnbook.nn.layers``."""
    layer = CELLS[cell](x.shape[2], dh.shape[2], 0)

    def step():
        layer.forward(x)
        layer.backward(dh)

    return step


def plain(cell, x, dh):
    """Return the step of a loop over ``cells`` and ``gated_cells``."""
    (B, T, D), H = x.shape, dh.shape[2]
    w, zero = CELLS[cell](D, H, 0).weights, np.zeros((B, H), np.float32)

    def forward(x_t, state):
        if cell == "RNN":
            return (cells.rnn_step(x_t, *state, **w),)
        if cell == "GRU":
            return (gated_cells.gru_step(x_t, *state, w),)
        return gated_cells.lstm_step(x_t, *state, w)

    def back(dstate, x_t, state):
        if cell == "RNN":
            return cells.rnn_step_backward(*dstate, x_t, *state, **w)
        if cell == "GRU":
            return gated_cells.gru_step_backward(*dstate, x_t, *state, w)
        return gated_cells.lstm_step_backward(*dstate, x_t, *state, w)

    def step():
        names = ["h_prev", "c_prev"][: 2 if cell == "LSTM" else 1]
        states, dstate = [(zero,) * len(names)], [zero] * len(names)
        for t in range(T):
            states.append(forward(x[:, t], states[-1]))
        dx, sums = np.empty_like(x), {name: np.zeros_like(array) for name, array in w.items()}
        for t in reversed(range(T)):
            g = back([dstate[0] + dh[:, t], *dstate[1:]], x[:, t], states[t])
            dx[:, t], dstate = g["x_t"], [g[name] for name in names]
            for name in sums:
                sums[name] += g[name]

    return step


def keras(cell, x, dh, xla):
    """Return the compiled step of the Keras layer."""
    import keras
    import tensorflow as tf

    kind = {"RNN": "SimpleRNN"}.get(cell, cell)
    layer = getattr(keras.layers, kind)(dh.shape[2], return_sequences=True)
    x, dh, zero = tf.constant(x), tf.constant(dh), tf.zeros((len(x), dh.shape[2]))
    states = [tf.identity(zero) for _ in range(2 if cell == "LSTM" else 1)]
    layer(x, initial_state=states)

    @tf.function(jit_compile=xla)
    def gradients(x, dh, states):
        with tf.GradientTape() as tape:
            tape.watch([x, *states])
            h = layer(x, initial_state=states)
        return tape.gradient(h, [x, *states, *layer.trainable_variables], output_gradients=dh)

    return lambda: gradients(x, dh, states)


def pytorch(cell, x, dh):
    """Return the step of the PyTorch layer."""
    import torch

    layer = getattr(torch.nn, cell)(x.shape[2], dh.shape[2], batch_first=True)
    x, dh = (torch.from_numpy(array.copy()) for array in (x, dh))
    zero = [torch.zeros(1, len(x), dh.shape[2], requires_grad=True) for _ in range(2)]
    state = tuple(zero) if cell == "LSTM" else zero[0]
    x.requires_grad_()

    def step():
        for array in (*layer.parameters(), x, *zero):
            array.grad = None
        layer(x, state)[0].backward(dh)

    return step


def limit(cell, x, dh):
    """Return the step's matrix products alone."""
    (B, T, D), H = x.shape, dh.shape[2]
    GH = len(CELLS[cell].gates) * H
    k = max(1, min(max(512, H) // B, T))  # steps whose share of the gradients is one product
    rng = np.random.default_rng(0)

    def matrix(*shape):
        return rng.normal(size=shape).astype(np.float32)

    W, slot, a = matrix(GH, H + D + 1), matrix(H + D + 1, B), matrix(GH, B)
    W_back, da, dh_t = matrix(H, GH), matrix(GH, B), matrix(H, B)
    all_da, heard, dW = matrix(GH, k * B), matrix(k * B, H + D + 1), matrix(GH, H + D + 1)
    W_x, dx = matrix(D, GH), matrix(D, k * B)

    def step():
        for _ in range(T):
            np.matmul(W, slot, out=a)
        for t in range(T):
            np.matmul(W_back, da, out=dh_t)
            if t % k == 0:
                np.matmul(all_da, heard, out=dW)
                np.matmul(W_x, all_da, out=dx)

    return step


def contestants(cell, x, dh):
    """Return the ways to take the step, by name."""
    ways = {
        "course": course(cell, x, dh),
        "limit": limit(cell, x, dh),
        "Keras": keras(cell, x, dh, xla=False),
        "Keras, XLA": keras(cell, x, dh, xla=True),
        "plain loop": plain(cell, x, dh),
    }
    if importlib.util.find_spec("torch"):
        ways["PyTorch"] = pytorch(cell, x, dh)
    return ways


def with_threads(n):
    """Return the environment of a process in which all libraries have n threads.

    OpenBLAS chooses its kernels itself, as the other libraries do: its other variables are dropped.
    """
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    rest = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    return rest | dict.fromkeys(names, str(n))


def alone(file, threads, *arguments):
    """Say whether this process has so many threads; if not, run the file again in one that has."""
    environment = with_threads(threads)
    if dict(os.environ) == environment:
        return True
    subprocess.run([sys.executable, file, *arguments], env=environment, check=True)
    return False
