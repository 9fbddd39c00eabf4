"""Texts: tokens, counts, language models, and how they write."""

from rnnbook.text.vocabulary import (
    JOIN,
    UNKNOWN,
    Vocabulary,
    join,
    shuffled_batches,
    stateful_batches,
    token_ids,
    tokens,
)

__all__ = [
    "JOIN",
    "UNKNOWN",
    "Vocabulary",
    "join",
    "shuffled_batches",
    "stateful_batches",
    "token_ids",
    "tokens",
]
