"""What every model with a vocabulary can do once it can draw tokens."""

import numpy as np

from rnnbook.text import join, tokens


class Writer:
    """A language model that writes: it needs ``tokens``, ``unit`` and a method ``sample``.

    :class:`rnnbook.text.language_model.LanguageModel` and :class:`rnnbook.keras.Generator` do so.

    >>> class Repeater(Writer):
    ...     tokens, unit = ["<unknown>", "a", "b"], "characters"
    ...     def sample(self, n, context=(), seed=0):
    ...         return np.repeat(context[-1:], n)
    >>> Repeater().generate(4, prompt="ab")
    'abbbbb'
    """

    def encode(self, text: str) -> np.ndarray:
        """Turn a text into ids, as the model's vocabulary does: 0 is the unknown token."""
        if self.tokens is None:
            raise ValueError("the model has no vocabulary, only ids (use sample, not generate)")
        number = {token: i for i, token in enumerate(self.tokens)}
        return np.array([number.get(t, 0) for t in tokens(text, self.unit)], np.int32)

    def generate(
        self, n: int, prompt: str = "", seed: int = 0, **settings: float | None
    ) -> str | list[str]:
        """Write n tokens that go on from a prompt: a str; with ``samples``, a list of them.

        What the vocabulary lacks is read as the unknown token. The settings are ``sample``'s.
        """
        context = self.encode(prompt)
        ids = self.sample(n, context, seed, **settings)
        # Read together with the prompt's tokens, the first one has its space before it, or none.
        texts = [[self.tokens[i] for i in [*context, *row]] for row in np.atleast_2d(ids)]
        read = len(join(texts[0][: len(context)], self.unit))
        texts = [prompt + join(written, self.unit)[read:] for written in texts]
        return texts[0] if ids.ndim == 1 else texts
