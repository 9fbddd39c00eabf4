"""How fast and how small: tokens counted and encoded, and an n-gram model, against plain loops.

Run ``python -m benchmarks.text``. It reads the course's novel and saves its table for the book.
With a file of your own, ``python -m benchmarks.text FILE``, it prints the table and saves nothing.
"""

import argparse
import gc
import time
import tracemalloc
from collections import Counter, defaultdict
from pathlib import Path

from rnnbook.text import Vocabulary
from rnnbook.text.ngram import NGram
from tools import report

NOVEL = Path(__file__).resolve().parent.parent / "data" / "novel"
ORDER = 6
COLUMNS = ["what", "seconds", "limit", "plain loop, seconds"]
COLUMNS += ["memory", "limit of memory", "plain loop, memory"]
NOTES = [
    "Seconds are processor seconds for each million characters, the best of three runs. Memory is "
    "the largest sum of Python's allocations, with the text itself, in sizes of the file.",
    "Characters and words are counted, numbered and encoded by `rnnbook.text`; the n-gram model is "
    "`rnnbook.text.ngram.NGram`. The limits are the course's own.",
    "The plain loop over words is no equal: it reads the text once instead of twice, keeps all its "
    "words in memory, and forgets the spaces, so that nothing leads back to the text.",
]


def encode(text, unit):
    """Tokenize, count and encode as the course does."""
    return Vocabulary(text, unit).encode(text)


def plain_characters(text):
    """Count and number characters one by one."""
    count, ids = {}, {}
    for c in text:
        count[c] = count.get(c, 0) + 1
    for c in sorted(count, key=count.get, reverse=True):
        ids[c] = len(ids)
    return [ids[c] for c in text]


def plain_words(text):
    """Put words together character by character, then count and number them."""
    tokens, word = [], ""
    for c in text:
        if c.isalnum() or c == "'":
            word += c
            continue
        if word:
            tokens.append(word)
        word = ""
        if c != " ":
            tokens.append(c)
    return plain_characters([*tokens, word])


def n_gram(ids, V):
    """Train the course's model."""
    return NGram(ids, ORDER, V)


def plain_n_gram(ids, V):
    """Count the tokens after each context in a dict of Counters."""
    counts, ids = defaultdict(Counter), ids.tolist()
    for k in range(ORDER):
        for i in range(k, len(ids)):
            counts[tuple(ids[i - k : i])][ids[i]] += 1
    return counts


def seconds(function, *args):
    """Return the processor time of the fastest of three calls."""
    times = []
    for _ in range(3):
        gc.collect()
        start = time.process_time()
        function(*args)
        times.append(time.process_time() - start)
    return min(times)


def memory(function, content, *args):
    """Return the peak of memory from the file's bytes to the ids, in sizes of the file."""
    tracemalloc.start()
    function(content.decode("utf-8"), *args)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / len(content)


def measured(content):
    """Return the rows of the table for the bytes of a text."""
    text = content.decode("utf-8")
    millions = len(text) / 1e6
    ids, V = encode(text, "characters"), len(Vocabulary(text, "characters"))
    tasks = [
        ("characters", encode, (text, "characters"), plain_characters, (text,), 0.2),
        ("words", encode, (text, "words"), plain_words, (text,), 1.5),
        (f"{ORDER}-gram", n_gram, (ids, V), plain_n_gram, (ids, V), 15.0),
    ]
    rows = []
    for name, function, args, plain, plain_args, limit in tasks:
        times = [seconds(f, *a) / millions for f, a in [(function, args), (plain, plain_args)]]
        sizes = [None, None, None]
        if function is encode:
            sizes = [memory(encode, content, name), 10, memory(plain, content)]
        rows.append([name, times[0], limit, times[1], *sizes])
    return rows


def main():
    """Print the table, and save that of the novel."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="a text in UTF-8")
    file = parser.parse_args().file
    if file:
        print("\n".join(report.table(COLUMNS, measured(file.read_bytes()))))
        return
    content = b"\n".join(path.read_bytes() for path in sorted(NOVEL.glob("chapter-*.txt")))
    size = f"The text is the course's novel, {len(content):,} bytes."
    report.save("text", "Text as numbers", COLUMNS, measured(content), [size, *NOTES])


if __name__ == "__main__":
    main()
