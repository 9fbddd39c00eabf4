"""Reading and writing token after token: a compiled loop, not a call of the model for each token.

Calling a Keras model costs a hundred times what one time step of it computes. So the loop over
the tokens is itself a TensorFlow function, compiled once by XLA, and Python is back only after
each block of them.
"""

import numpy as np
import tensorflow as tf

from rnnbook._check import numbers
from rnnbook.text.sampling import ROUNDING

BLOCK = 256  # steps in one call of the compiled loop


class Loop:
    """Texts that are read or written in blocks, with the state carried from block to block.

    Parameters
    ----------
    generator : rnnbook.keras.Generator
        The model.
    S : int
        How many texts at once.
    temperature, top_k, top_p
        As in :func:`rnnbook.text.sampling.distribution`, checked.
    scored : bool
        Whether the log-probability of each token is wanted.

    Raises
    ------
    ValueError
        If a weight is not finite.
    """

    def __init__(self, generator, S, temperature=1.0, top_k=None, top_p=None, scored=False):
        for weight in generator.weights:
            numbers("the model's weights", weight.numpy())
        self.shape, restricted = (S, generator.V), top_k is not None or top_p is not None
        settings = temperature, top_k or generator.V, 1.0 if top_p is None else top_p
        self.settings = [tf.constant(s, tf.float32) for s in settings]
        self.step = generator.block_loop(S, scored, restricted)
        self.carried = start(generator, S)

    def run(self, given, noise=None):
        """Go on for one block of steps.

        Parameters
        ----------
        given : array_like of int, shape (m, S)
            The tokens of the first m steps. Those of the others are drawn.
        noise : array_like, shape (k, S, V), optional
            Gumbel noise that decides the k draws after them. Steps beyond are of no use.

        Returns
        -------
        ids : numpy.ndarray of int, shape (BLOCK, S)
            The tokens.
        log_p : numpy.ndarray, shape (BLOCK, S)
            Their log-probabilities, if the loop is a scored one; else zeros.
        """
        S, V = self.shape
        forced, block = np.full((BLOCK, S), -1, np.int32), np.zeros((BLOCK, S, V), np.float32)
        forced[: len(given)] = given
        if noise is not None:
            block[len(given) : len(given) + len(noise)] = noise
        tensors = tf.constant(forced), tf.constant(block), *self.settings
        ids, log_p, self.carried = self.step(*tensors, *self.carried)
        return ids.numpy(), log_p.numpy()


def start(generator, S):
    """Return logits (S, V) before the first token, and the states of zero of each layer."""
    recurrent = recurrent_layers(generator)
    h = tf.zeros((S, recurrent[-1].units))
    return generator.layers[-1](h), [layer.get_initial_state(S) for layer in recurrent]


def recurrent_layers(generator):
    """Return the recurrent layers, from the lowest up."""
    return [layer for layer in generator.layers if hasattr(layer, "cell")]


def block_loop(generator, S, scored, restricted):
    """Return the compiled loop over a block of steps.

    Parameters
    ----------
    generator : rnnbook.keras.Generator
        The model, whose weights are read at each call.
    S : int
        How many texts at once.
    scored, restricted : bool
        Whether log-probabilities are worked out, and whether top-k or top-p leave tokens out.

    Returns
    -------
    callable
        Of tokens (BLOCK, S), -1 where they are drawn, noise (BLOCK, S, V), temperature, top_k,
        top_p, logits (S, V) and states; it returns tokens, log-probabilities, and the last two.
    """
    embedding, readout = generator.layers[0], generator.layers[-1]
    recurrent = recurrent_layers(generator)

    def advance(ids, states):
        x, after = embedding(ids), []
        for layer, state in zip(recurrent, states, strict=True):
            x, state = layer.cell(x, state)
            after.append(list(state) if isinstance(state, list | tuple) else [state])
        return readout(x), after

    @tf.function(jit_compile=True)
    def block(forced, noise, temperature, top_k, top_p, logits, states):
        def step(t, ids, log_p, logits, states):
            z = logits / temperature
            z = _restricted(z, top_k, top_p) if restricted else z
            drawn = tf.argmax(z + noise[t], axis=1, output_type=tf.int32)
            token = tf.where(forced[t] < 0, drawn, forced[t])
            ids = ids.write(t, token)
            if scored:
                p = tf.gather(tf.nn.log_softmax(logits), token, axis=1, batch_dims=1)
                log_p = log_p.write(t, p)
            return (t + 1, ids, log_p, *advance(token, states))

        arrays = (
            tf.TensorArray(kind, BLOCK, element_shape=(S,)) for kind in (tf.int32, tf.float32)
        )
        state = (0, *arrays, logits, states)
        _, ids, log_p, logits, states = tf.while_loop(lambda t, *_: t < BLOCK, step, state)
        return ids.stack(), log_p.stack(), (logits, states)

    # One concrete function: of many signatures TensorFlow would complain in the middle of a text.
    tokens, noise = tf.zeros((BLOCK, S), tf.int32), tf.zeros((BLOCK, S, generator.V))
    return block.get_concrete_function(tokens, noise, *[tf.constant(1.0)] * 3, *start(generator, S))


def _restricted(logits, top_k, top_p):
    """As :func:`rnnbook.text.sampling.restricted`, in TensorFlow: what is left out is -inf."""
    order = tf.argsort(-logits, axis=1, stable=True)
    ranked = tf.gather(logits, order, axis=1, batch_dims=1)
    place = tf.range(tf.shape(logits)[1])
    ranked = tf.where(tf.cast(place, tf.float32) < top_k, ranked, -np.inf)
    p = tf.nn.softmax(ranked)
    before = tf.cumsum(p, axis=1, exclusive=True)
    ranked = tf.where((place > 0) & (before >= top_p - ROUNDING), -np.inf, ranked)
    back = tf.argsort(order, axis=1)
    return tf.gather(ranked, back, axis=1, batch_dims=1)
