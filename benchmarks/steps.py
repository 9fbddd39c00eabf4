"""One training step of a recurrent layer, done in each of the ways that ``layers.py`` times.

A way takes the cell's name, the inputs (B, T, D) and the gradient with respect to the states
(B, T, H), and returns a function that runs forward and backward through time.
"""

import importlib.util
import os
import subprocess
import sys

import numpy as np

from rnnbook.nn import layers

CELLS = {"RNN": layers.RNN, "LSTM": layers.LSTM, "GRU": layers.GRU}


def course(cell, x, dh):
    """Return the step of ``rnnbook.nn.layers``."""
    layer = CELLS[cell](x.shape[2], dh.shape[2])

    def step():
        layer.forward(x)
        layer.backward(dh)

    return step


def keras(cell, x, dh, xla=False, unroll=False):
    """Return the compiled step of the Keras layer."""
    import keras
    import tensorflow as tf

    kind = {"RNN": "SimpleRNN"}.get(cell, cell)
    layer = getattr(keras.layers, kind)(dh.shape[2], return_sequences=True, unroll=unroll)
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


def jax(cell, x, dh):
    """Return the step of a compiled ``lax.scan``, with one product for all inputs."""
    import jax
    import jax.numpy as jnp

    H, G = dh.shape[2], len(CELLS[cell].gates)
    W_x, W_h, *biases = (jnp.asarray(w) for w in CELLS[cell](x.shape[2], H).get_weights())
    b = jnp.atleast_2d(biases[0])

    def one(W_h, b_rec, state, a_x):
        if cell == "RNN":
            h = jnp.tanh(a_x + state[0] @ W_h)
            return (h,), h
        gates, of_h = jnp.split(a_x, G, axis=1), jnp.split(state[0] @ W_h + b_rec, G, axis=1)
        if cell == "GRU":
            z, r = (jax.nn.sigmoid(gates[g] + of_h[g]) for g in (0, 1))
            h = z * state[0] + (1 - z) * jnp.tanh(gates[2] + r * of_h[2])
            return (h,), h
        i, f, c_tilde, o = (a + u for a, u in zip(gates, of_h, strict=True))
        c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(c_tilde)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def loss(x, W_x, W_h, b, state, dh):
        a_x, b_rec = (x @ W_x + b[0]).transpose(1, 0, 2), b[1] if len(b) > 1 else 0.0
        _, h = jax.lax.scan(lambda s, a: one(W_h, b_rec, s, a), state, a_x)
        return (h.transpose(1, 0, 2) * dh).sum()

    gradients = jax.jit(jax.grad(loss, argnums=(0, 1, 2, 3, 4)))
    state = (jnp.zeros((len(x), H)),) * (2 if cell == "LSTM" else 1)
    x, dh = jnp.asarray(x), jnp.asarray(dh)
    return lambda: jax.block_until_ready(gradients(x, W_x, W_h, b, state, dh))


def limit(cell, x, dh):
    """Return the step's matrix products alone."""
    (B, T, D), H = x.shape, dh.shape[2]
    GH = len(CELLS[cell].gates) * H
    k = max(1, min(max(512, H) // B, T))  # steps whose share of the gradients is one product
    rng = np.random.default_rng(0)

    def matrix(*shape):
        return rng.normal(size=shape).astype(np.float32)

    W, z, a = matrix(GH, H + D + 1), matrix(H + D + 1, B), matrix(GH, B)
    W_back, da, dh_t = matrix(H, GH), matrix(GH, B), matrix(H, B)
    all_da, all_z, dW = matrix(GH, k * B), matrix(k * B, H + D + 1), matrix(GH, H + D + 1)
    W_x, dx = matrix(D, GH), matrix(D, k * B)

    def step():
        for _ in range(T):
            np.matmul(W, z, out=a)
        for t in range(T):
            np.matmul(W_back, da, out=dh_t)
            if t % k == 0:
                np.matmul(all_da, all_z, out=dW)
                np.matmul(W_x, all_da, out=dx)

    return step


def contestants(cell, x, dh):
    """Return the ways to take the step, by name; a long sequence is not unrolled."""
    ways = {
        "course": course(cell, x, dh),
        "limit": limit(cell, x, dh),
        "Keras": keras(cell, x, dh),
        "Keras, XLA": keras(cell, x, dh, xla=True),
    }
    if x.shape[1] <= 64:
        ways["Keras, unrolled"] = keras(cell, x, dh, unroll=True)
    if importlib.util.find_spec("torch"):
        ways["PyTorch"] = pytorch(cell, x, dh)
    if importlib.util.find_spec("jax"):
        ways["JAX"] = jax(cell, x, dh)
    return ways


def with_threads(n):
    """Return the environment of a process in which all libraries have n threads, by default all.

    OpenBLAS chooses its kernels itself, as the other libraries do: its other variables are dropped.
    """
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    drop = ("OPENBLAS_", "OMP_NUM", "MKL_NUM")
    rest = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
    if n is None:
        return rest
    one = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"} if n == 1 else {}
    return rest | dict.fromkeys(names, str(n)) | one


def alone(module, threads, *arguments):
    """Return True if this process has so many threads; if not, run the module in one that has."""
    environment = with_threads(threads)
    if dict(os.environ) == environment:
        return True
    subprocess.run([sys.executable, "-m", module, *arguments], env=environment, check=True)
    return False
