"""Text as numbers: tokens, vocabularies, and batches for training."""

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import repeat

import numpy as np
from numpy.typing import ArrayLike

from rnnbook._check import integers, whole

# Longer than one character, with punctuation: so no piece of a text is ever one of these two.
UNKNOWN, JOIN = "<unknown>", "<join>"

# No space is usual after the first kind, before the second, and on either side of a dash.
_OPENING, _CLOSING, _DASHES = "([{“‘«‹„‚¿¡", ".,;:!?)]}”’»›…%、。", "—―"
_PUNCTUATION = re.escape(string.punctuation + _OPENING + _CLOSING + _DASHES + "–•·")
_NO_SPACE_AFTER = frozenset(_OPENING + _DASHES)
_NO_SPACE_BEFORE = frozenset(_CLOSING + _DASHES)
_WORD = rf"[^\s{_PUNCTUATION}]+"
# A run of white space; or, with the space before it, a word (with its inner apostrophes and
# hyphens) or one mark; or a single white space that is none of these.
_PIECE = re.compile(rf"\s\s+| ?(?:{_WORD}(?:['’-]{_WORD})*|[{_PUNCTUATION}])|\s")


def tokens(text: str, unit: str) -> list[str]:
    """Split a text into "characters" or "words", so that :func:`join` gives back exactly that text.

    Words keep their case, and each punctuation mark is a token. The single space between two words
    is not a token, nor is the space missing before a comma. Where the text is spaced in another
    way, a token says so: white space stands for itself, and ``"<join>"`` says that no space
    follows, as after the point in 3.5.

    >>> tokens("Who, me? 3.5", "words")
    ['Who', ',', 'me', '?', '3', '.', '<join>', '5']
    """
    return list(_stream(text, unit))


def join(tokens: Iterable[str], unit: str) -> str:
    """Put tokens together to a text: ``join(tokens(text, unit), unit) == text`` for every text.

    >>> join(["Who", ",", "me", "?"], "words")
    'Who, me?'
    """
    if _known(unit) == "characters":
        return "".join(tokens)
    pieces, spacing = [], _Spacing()
    for token in tokens:
        if token == JOIN:
            spacing.left = "\n"
        else:
            pieces += [" ", token] if spacing.is_usual_before(token) else [token]
    return "".join(pieces)


def _known(unit):
    if unit not in ("characters", "words"):
        raise ValueError(f"unit must be 'characters' or 'words', got {unit!r}")
    return unit


def _stream(text, unit):
    """Return an iterable of the tokens: one by one, for a list of all words is large."""
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__} (decode or join it first)")
    return text if _known(unit) == "characters" else _words(text)


def _words(text):
    spacing = _Spacing()
    for match in _PIECE.finditer(text):
        piece = match[0]
        token = piece if piece.isspace() else piece.lstrip(" ")
        space = len(token) < len(piece)
        if space != spacing.is_usual_before(token):
            yield " " if space else JOIN
        yield token


class _Spacing:
    """The rule of both directions: whether a space is usual between a token and the next."""

    def __init__(self):
        self.left, self.quoted = "\n", False

    def is_usual_before(self, right):
        if right == '"':  # straight quotes open and close in turn, anew in each line
            right = "”" if self.quoted else "“"
            self.quoted = not self.quoted
        left, self.left = self.left, right
        if right.isspace():
            self.quoted = self.quoted and "\n" not in right
            return False
        return not (right[:1] in _NO_SPACE_BEFORE or left[-1:] in _NO_SPACE_AFTER or left.isspace())


class Vocabulary:
    """The token types of a text, numbered from the most frequent on; 0 is the unknown token.

    The text is the training text, never the held-out one. A token is what ``unit`` says, see
    :func:`tokens`. Types that occur less often than ``min_count`` become the unknown token; of the
    others the most frequent are kept, so that V, with the unknown token, is at most ``max_size``.

    ``tokens`` has the token of each id, ``tokens[0]`` being ``"<unknown>"``, and ``counts``, (V,),
    how often each occurs in the text; ``counts[0]`` is of those left out. Among types that are
    equally frequent, the smaller code point comes first.

    >>> vocabulary = Vocabulary("to be or not to be", "words")
    >>> vocabulary.tokens
    ('<unknown>', 'be', 'to', 'not', 'or')
    >>> vocabulary.encode("to be, or not")
    array([2, 1, 0, 4, 3], dtype=int32)
    >>> vocabulary
    Vocabulary(V=5, unit='words')
    """

    def __init__(self, text: str, unit: str, min_count: int = 1, max_size: int | None = None):
        min_count = whole("min_count", min_count)
        count = Counter(_stream(text, unit))
        if not count:
            raise ValueError("text must have at least one token, got an empty text")
        if min_count > max(count.values()):
            raise ValueError(
                f"min_count must be at most {max(count.values())}, the count of the most frequent "
                f"token; got {min_count}, which leaves no token (choose a smaller one)"
            )
        kept = sorted((t for t in count if count[t] >= min_count), key=lambda t: (-count[t], t))
        if max_size is not None:
            kept = kept[: whole("max_size", max_size, 2) - 1]
        self.unit = unit
        self.tokens = (UNKNOWN, *kept)
        self.counts = np.array([count.total(), *(count[t] for t in kept)])
        self.counts[0] -= self.counts[1:].sum()
        self._id = {token: i for i, token in enumerate(kept, start=1)}

    def __repr__(self):
        return f"Vocabulary(V={len(self)}, unit={self.unit!r})"

    def __len__(self):
        """Return V."""
        return len(self.tokens)

    def encode(self, text: str) -> np.ndarray:
        """Turn a text into ids, (n,), of int32; 0 is a token that the vocabulary lacks."""
        return np.fromiter(map(self._id.get, _stream(text, self.unit), repeat(0)), np.int32)

    def decode(self, ids: ArrayLike) -> str:
        """Turn ids, (n,), into their text: ``decode(encode(text)) == text`` if all is known."""
        ids = token_ids(ids, len(self))
        return join((self.tokens[i] for i in ids), self.unit)


def token_ids(
    ids: ArrayLike, V: int | None = None, least: int = 0, name: str = "ids"
) -> np.ndarray:
    """Return the ids of a text, (n,), if they are ``least`` or more, and from 0 to V - 1.

    >>> token_ids([2, 0, 1], V=3)
    array([2, 0, 1])
    """
    array = integers(name, ids, V)
    if array.ndim != 1:
        raise ValueError(f"{name} must have shape (n,), got {array.shape}")
    if len(array) < least:
        raise ValueError(
            f"{name} must hold at least {least} tokens, got {len(array)} (give a longer text)"
        )
    return array


def _inputs_and_targets(ids, B, T):
    """Return the ids but the last, the ids but the first, B and T, all checked."""
    B, T, ids = whole("B", B), whole("T", T), token_ids(ids)
    if len(ids) <= B * T:
        raise ValueError(
            f"ids must hold at least B * T + 1 = {B * T + 1} tokens for one batch, got {len(ids)} "
            "(give a longer text, or a smaller B or T)"
        )
    return ids[:-1], ids[1:], B, T


def stateful_batches(ids: ArrayLike, B: int, T: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Split a text into batches in which each row goes on where it stopped one batch before.

    This is what truncated backpropagation through time needs. Row b reads the b-th of B equal parts
    of the ids, (n,). Each of the (n - 1) // (B T) batches is (x, y), inputs and as targets the
    token after each, both (B, T). What is left at the end, at most B T tokens, is not used.

    >>> [x.tolist() for x, y in stateful_batches(range(9), B=2, T=2)]
    [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]
    """
    x, y, B, T = _inputs_and_targets(ids, B, T)
    length = len(x) // (B * T) * T
    x, y = (a[: B * length].reshape(B, length) for a in (x, y))
    return ((x[:, t : t + T], y[:, t : t + T]) for t in range(0, length, T))


def shuffled_batches(
    ids: ArrayLike, B: int, T: int, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Split a text into windows of T tokens and put them into batches in a random order.

    Each batch is (x, y) as in :func:`stateful_batches`; no two windows overlap. Take another seed
    for each epoch: fewer than B windows, others each time, do not fill a batch and are not used.

    >>> [len(x) for x, y in shuffled_batches(range(90), B=4, T=8)]
    [4, 4]
    """
    x, y, B, T = _inputs_and_targets(ids, B, T)
    N = len(x) // T
    x, y = (a[: N * T].reshape(N, T) for a in (x, y))
    order = np.random.default_rng(whole("seed", seed, 0)).permutation(N)
    batches = order[: N // B * B].reshape(-1, B)
    return ((x[rows], y[rows]) for rows in batches)
