"""Reading and writing token after token: a compiled loop, not a call of the model for each token.

Calling a Keras model costs a hundred times what one time step of it computes. So the loop over
the tokens is itself a TensorFlow function, compiled once by XLA, and Python is back only after
each block of them.
"""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from rnnbook.text.sampling import ROUNDING, gumbel

BLOCK = 256  # steps in one call of the compiled loop


class Loop:
    """The compiled loop of one model, for S texts at once.

    Its layers are an embedding, recurrent ones, and the logits' Dense. Their weights are read at
    each call, so the loop stays good when they change. It works out the log-probability of each
    token if it is ``scored``, and leaves tokens out by top-k and top-p if it is ``restricted``.

    >>> from rnnbook.keras import Generator
    >>> from rnnbook.text import Vocabulary
    >>> loop = Loop(Generator(Vocabulary("abba", "characters"), H=3, cell="rnn").layers, S=2)
    >>> rngs = [np.random.default_rng(seed) for seed in (0, 1)]
    >>> ((ids, _, logits),) = loop.run(np.array([1, 2]), n=5, rngs=rngs)
    >>> ids.shape, ids[:2].tolist()  # the context stands before what is drawn
    ((7, 2), [[1, 1], [2, 2]])
    """

    def __init__(self, layers: list, S: int, scored: bool = False, restricted: bool = False):
        self.embedding, self.readout = layers[0], layers[-1]
        self.recurrent = [layer for layer in layers if hasattr(layer, "cell")]
        self.S, self.V = S, self.readout.units
        self.block = self._compile(scored, restricted)

    def start(self) -> tuple:
        """Return the logits (S, V) before the first token, and each layer's states of zero."""
        h = tf.zeros((self.S, self.recurrent[-1].units))
        states = [layer.get_initial_state(self.S) for layer in self.recurrent]
        return tf.cast(self.readout(h), tf.float32), states

    def run(
        self, context: np.ndarray, n: int = 0, rngs: tuple = (),
        temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
    ) -> Iterator[tuple]:  # fmt: skip
        """Read a context (m,) in all S texts, then draw n tokens in each.

        ``rngs`` gives each text its random numbers; temperature, top_k and top_p are as in
        :func:`rnnbook.text.sampling.distribution`, checked. Of the next k <= BLOCK steps come the
        ids, (k, S), first those of the context; their log-probabilities, (k, S), whatever the
        temperature, zeros if the loop is not scored; and the logits (S, V) of the token after them.
        """
        settings = temperature, top_k or self.V, top_p or 1.0
        settings = [tf.constant(setting, tf.float32) for setting in settings]
        carried, steps = self.start(), len(context) + n
        for t in range(0, steps, BLOCK):
            given, k = context[t : t + BLOCK, None], min(BLOCK, steps - t)
            forced = np.full((BLOCK, self.S), -1, np.int32)
            forced[: len(given)] = given
            noise = np.zeros((BLOCK, self.S, self.V), np.float32)
            for s, rng in enumerate(rngs):
                noise[len(given) : k, s] = gumbel(rng, (k - len(given), self.V))
            ids, log_p, carried = self.block(forced, noise, k, *settings, *carried)
            yield ids.numpy()[:k], log_p.numpy()[:k], carried[0]

    def _advance(self, ids, states):
        """Return the logits after one more token, in float32 whatever the layers' type."""
        x, after = self.embedding(ids), []
        for layer, state in zip(self.recurrent, states, strict=True):
            x, state = layer.cell(x, state)
            after.append(list(state) if isinstance(state, list | tuple) else [state])
        return tf.cast(self.readout(x), tf.float32), after

    def _compile(self, scored: bool, restricted: bool) -> Callable:
        """Return the loop over a block of k <= BLOCK steps."""
        S = self.S

        @tf.function(jit_compile=True)
        def block(forced, noise, k, temperature, top_k, top_p, logits, states):
            def step(t, ids, log_p, logits, states):
                z = logits / temperature
                z = _restrict(z, top_k, top_p) if restricted else z
                drawn = tf.argmax(z + noise[t], axis=1, output_type=tf.int32)
                token = tf.where(forced[t] < 0, drawn, forced[t])
                ids = ids.write(t, token)
                if scored:
                    p = tf.gather(tf.nn.log_softmax(logits), token, axis=1, batch_dims=1)
                    log_p = log_p.write(t, p)
                return (t + 1, ids, log_p, *self._advance(token, states))

            ids, log_p = (
                tf.TensorArray(kind, BLOCK, element_shape=(S,)) for kind in (tf.int32, tf.float32)
            )
            start = 0, ids, log_p, logits, states
            _, ids, log_p, *carried = tf.while_loop(lambda t, *_: t < k, step, start)
            return ids.stack(), log_p.stack(), carried

        # One concrete function: of many signatures TensorFlow would complain in a text's middle.
        shapes = [((BLOCK, S), tf.int32), ((BLOCK, S, self.V), tf.float32), ((), tf.int32)]
        specs = [tf.TensorSpec(*shape) for shape in [*shapes, *[((), tf.float32)] * 3]]
        compiled = block.get_concrete_function(*specs, *self.start())
        return lambda forced, noise, k, *rest: compiled(
            tf.constant(forced), tf.constant(noise), tf.constant(k), *rest
        )


def _restrict(logits, top_k, top_p):
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
