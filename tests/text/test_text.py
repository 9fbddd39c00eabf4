"""Text as numbers: no character is lost, and batches hold what they say."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnnbook import text
from rnnbook.text import JOIN, UNKNOWN, Vocabulary

# No deadline: a busy machine is no fault. The same examples in every run.
settings.register_profile("course", deadline=None, derandomize=True)
settings.load_profile("course")

# Any Unicode text, and texts of the characters that the rules of spacing are about.
ANY = st.text(st.characters(exclude_categories=["Cs"]))
TRICKY = st.text(st.sampled_from("ab é1 \n\t\"'’“”(),.!-—<>_¿\u00a0\u2028\u0301"), max_size=30)
TEXTS = ANY | TRICKY
UNITS = st.sampled_from(["characters", "words"])


@given(TEXTS, UNITS)
@example(JOIN + " " + UNKNOWN, "words")
@example('"a" "b"\n" c', "words")
@example("  a \n b ", "words")
def test_no_character_is_lost(string, unit):
    tokens = text.tokens(string, unit)
    assert "" not in tokens
    assert text.join(tokens, unit) == string
    # Only single spaces go without a token.
    letters = Counter("".join(t for t in tokens if t != JOIN))
    assert Counter(string) - letters <= Counter({" ": string.count(" ")})


@given(TEXTS, UNITS)
def test_encode_and_decode_are_inverse(string, unit):
    if string:
        vocabulary = Vocabulary(string, unit)
        ids = vocabulary.encode(string)
        assert vocabulary.decode(ids) == string
        assert [vocabulary.tokens[i] for i in ids] == text.tokens(string, unit)
        assert (vocabulary.encode(vocabulary.decode(ids)) == ids).all()
        assert 0 not in ids


@given(TEXTS.filter(bool), TEXTS, UNITS)
def test_a_strange_text_becomes_known_tokens_and_the_unknown_one(known, other, unit):
    vocabulary = Vocabulary(known, unit)
    expected = [vocabulary.tokens.index(t) if t in vocabulary.tokens else 0
                for t in text.tokens(other, unit)]  # fmt: skip
    assert vocabulary.encode(other).tolist() == expected


@given(TEXTS.filter(bool), UNITS, st.integers(1, 3), st.integers(2, 9))
def test_a_cut_vocabulary_keeps_the_most_frequent(string, unit, min_count, max_size):
    count = Counter(text.tokens(string, unit))
    if max(count.values()) < min_count:
        with pytest.raises(ValueError, match=f"got {min_count}, which leaves no token"):
            Vocabulary(string, unit, min_count)
        return
    vocabulary = Vocabulary(string, unit, min_count, max_size)
    kept = vocabulary.tokens[1:]
    often = [n for _, n in count.most_common() if n >= min_count][: max_size - 1]
    assert vocabulary.tokens[0] == UNKNOWN
    assert vocabulary.counts[1:].tolist() == often == [count[t] for t in kept]
    assert vocabulary.counts.sum() == count.total()
    assert vocabulary.counts[0] == (vocabulary.encode(string) == 0).sum()


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        ('"I volunteer," she says.', ["\"", "I", "volunteer", ",", '"', "she", "says", "."]),
        ("It's a well-kept rope-walk.", ["It's", "a", "well-kept", "rope-walk", "."]),
        ("No—not yet (or ever)!", ["No", "—", "not", "yet", "(", "or", "ever", ")", "!"]),
        ("One.\n\n“Two?”", ["One", ".", "\n\n", "“", "Two", "?", "”"]),
        ("'Tis 3.5 , so", ["'", JOIN, "Tis", "3", ".", JOIN, "5", " ", ",", "so"]),
        ('"a\n"b"', ['"', "a", "\n", '"', "b", '"']),
        (" a  b ", [" ", "a", "  ", "b", " "]),
        ("हिन्दी, naïve नमस्ते", ["हिन्दी", ",", "naïve", "नमस्ते"]),
    ],
)  # fmt: skip
def test_words_keep_punctuation_as_tokens(string, expected):
    assert text.tokens(string, "words") == expected


def test_tokens_written_by_a_model_read_as_prose():
    tokens = ['"', "Who", "?", '"', "says", "Dolly", ",", "UNHEARD", "—", "me", ".", "\n", "So"]
    assert text.join(tokens, "words") == '"Who?" says Dolly, UNHEARD—me.\nSo'
    assert text.join(["I", UNKNOWN, "you", JOIN, JOIN, " ", "."], "words") == "I <unknown> you ."
    assert text.join([], "words") == text.join([], "characters") == ""


def test_an_unknown_word_in_a_prompt_is_the_unknown_token():
    vocabulary = Vocabulary("I volunteer for the games", "words")
    ids = vocabulary.encode("I eat for the games")
    assert (ids == 0).tolist() == [False, True, False, False, False]
    assert vocabulary.decode(ids) == "I <unknown> for the games"
    assert Vocabulary("abc", "characters").encode("aé😀\udc80b").tolist() == [1, 0, 0, 0, 2]


def test_equally_frequent_types_are_in_the_order_of_their_code_points():
    assert Vocabulary("b a B é c", "words").tokens == (UNKNOWN, "B", "a", "b", "c", "é")


def test_one_symbol_is_enough_and_nothing_is_not():
    vocabulary = Vocabulary("aaaa", "characters")
    assert (len(vocabulary), vocabulary.encode("aaaa").tolist()) == (2, [1, 1, 1, 1])
    x, y = next(text.stateful_batches(vocabulary.encode("aaaa"), 1, 3))
    assert (x == 1).all()
    assert (y == 1).all()
    assert text.tokens("", "words") == text.tokens("", "characters") == []
    for unit in ("characters", "words"):
        with pytest.raises(ValueError, match="text must have at least one token, got an empty"):
            Vocabulary("", unit)
        assert len(Vocabulary("a", unit).encode("")) == 0
        assert Vocabulary("a", unit).decode([]) == ""


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: text.tokens(b"games", "words"), TypeError, "must be a str, got bytes"),
        (lambda: text.tokens("games", "word"), ValueError, "'characters' or 'words', got 'word'"),
        (lambda: text.join(["a"], None), ValueError, "got None"),
        (lambda: Vocabulary("a", "words", 0), ValueError, "min_count must be at least 1, got 0"),
        (lambda: Vocabulary("a", "words", 1, 1), ValueError, "max_size must be at least 2, got 1"),
        (lambda: Vocabulary("a", "words").encode(["a"]), TypeError, "must be a str, got list"),
        (lambda: Vocabulary("a", "words").decode([0, 2]), ValueError, "V - 1 = 1, got 2 at index"),
        (lambda: Vocabulary("a", "words").decode([-1]), ValueError, "got -1 at index 0"),
        (lambda: Vocabulary("a", "words").decode([0.5]), TypeError, "whole numbers, got dtype fl"),
        (lambda: text.token_ids([[1]]), ValueError, r"shape \(n,\), got \(1, 1\)"),
        (lambda: text.token_ids([True]), TypeError, "got dtype bool"),
        (lambda: text.token_ids([-3]), ValueError, "must be 0 or more, got -3"),
        (lambda: text.token_ids([1], least=2), ValueError, "at least 2 tokens, got 1"),
        (lambda: text.stateful_batches(range(12), 3, 4), ValueError, "at least .* = 13 .* got 12"),
        (lambda: text.shuffled_batches(range(12), 3, 4, 0), ValueError, "= 13 tokens for one bat"),
        (lambda: text.stateful_batches([], 1, 1), ValueError, "got 0"),
        (lambda: text.stateful_batches(range(9), 0, 4), ValueError, "B must be at least 1, got 0"),
        (lambda: text.shuffled_batches(range(9), 1, 2.0, 0), TypeError, "T must be a whole numb"),
        (lambda: text.shuffled_batches(range(9), 1, 2, -1), ValueError, "seed must be at least 0"),
    ],
)
def test_bad_input_is_refused_at_once_and_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


SIZES = st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 40))


@given(SIZES)
def test_stateful_rows_go_on_and_targets_are_the_next_tokens(sizes):
    B, T, extra = sizes
    n = B * T + extra  # the ids 0 to n - 1 name their own places
    batches = list(text.stateful_batches(np.arange(n), B, T))
    assert len(batches) == (n - 1) // (B * T)
    assert all(x.shape == y.shape == (B, T) and (y == x + 1).all() for x, y in batches)
    rows = np.concatenate([x for x, _ in batches], axis=1)
    assert (np.diff(rows, axis=1) == 1).all()
    assert (rows.ravel() == np.arange(rows.size)).all()
    assert n - rows.size <= B * T


@given(SIZES, st.integers(0, 9))
def test_shuffled_windows_are_each_used_once_in_an_order_of_the_seed(sizes, seed):
    B, T, extra = sizes
    n = B * T + extra
    batches = list(text.shuffled_batches(np.arange(n), B, T, seed))
    assert len(batches) == (n - 1) // T // B
    assert all(x.shape == y.shape == (B, T) and (y == x + 1).all() for x, y in batches)
    starts = np.concatenate([x[:, 0] for x, _ in batches])
    assert (starts % T == 0).all()
    assert len(set(starts.tolist())) == len(starts) == len(batches) * B
    again = text.shuffled_batches(np.arange(n), B, T, seed)
    assert all((x == z).all() for (x, _), (z, _) in zip(batches, again, strict=True))


def test_the_seed_changes_the_order():
    orders = {
        tuple(int(x[0, 0]) for x, _ in text.shuffled_batches(np.arange(101), 1, 5, seed))
        for seed in range(5)
    }
    assert len(orders) == 5
    assert tuple(range(0, 100, 5)) not in orders


@pytest.mark.parametrize("unit", ["characters", "words"])
def test_memory_stays_within_ten_times_the_file(unit):
    rng = np.random.default_rng(0)
    types = ["".join(map(chr, rng.integers(97, 123, k))) for k in rng.integers(1, 9, 6000)]
    prose = " ".join(types[i] for i in (6000 * rng.random(100_000) ** 4).astype(int)) + "."
    tracemalloc.start()
    vocabulary = Vocabulary(prose, unit)
    ids = vocabulary.encode(prose)
    peak = tracemalloc.get_traced_memory()[1] + len(prose)  # and the text itself
    tracemalloc.stop()
    assert vocabulary.decode(ids) == prose
    assert peak < 10 * len(prose)
