"""The novel: long enough, not padded, in one voice and one typography, and its own.

Each check returns its faults as text, an empty list for a good novel. The last tests plant
faults into the novel and see that the checks name them.
"""

import random
import re
import statistics
import unicodedata
from collections import Counter

import numpy as np
import pytest

from rnnbook import data, text
from rnnbook.nn.losses import perplexity
from rnnbook.text.ngram import NGram

# A word: letters with inner apostrophes and hyphens.
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

# Good prose has fewer types than one might think: Pride and Prejudice has 6,830 in 122,000
# words, Huckleberry Finn 7,537 in 111,000, each with case kept, as rnnbook.text keeps it.
# The novel is to have more than the first.
TYPES = 7_000

# Names and words of Suzanne Collins' novels. What is also a plain word counts as a name only.
NAMES = """Katniss Everdeen Peeta Mellark Prim Primrose Rue Haymitch Abernathy Effie Trinket Cinna
    Gale Hawthorne Cato Clove Glimmer Marvel Thresh Foxface Finnick Odair Mags Beetee Wiress
    Johanna Enobaria Cashmere Gloss Brutus Snow Coriolanus Sejanus Plinth Tigris Coin Boggs
    Plutarch Heavensbee Seneca Caesar Flickerman Claudius Templesmith Madge Undersee Delly Portia
    Octavia Flavius Venia Purnia Darius Lavinia Buttercup Hob Seam Careers Crane Annie Cresta
    Cressida Messalla Castor Pollux Paylor Leevy Hazelle Maysilee Highbottom Clemensia"""
WORDS = """panem capitol tributes? reapings? mockingjays? jabberjays? gamemakers? cornucopia
    mutts? muttations? hovercrafts? peacekeepers? tracker.jackers? quarter.quells? quells?
    districts? tessera[es]? nightlock grooslings? morphlings? parachutes? sponsors? avox(?:es)?
    hunger.games"""
OTHERS = re.compile(rf"\b(?:{'|'.join(NAMES.split())}|(?i:{'|'.join(WORDS.split())}))\b(?!-)")


def numbered(chapters):
    return {f"chapter {i}": chapter for i, chapter in enumerate(chapters, 1)}


def words(string):
    return [word.lower() for word in WORD.findall(string)]


def sentences(string):
    """Return the sentences, each as its words; a quotation mark may follow the last stop."""
    parts = re.split(r"(?<=[.!?])\s+|(?<=[.!?][\"”])\s+|\n+", string)
    return [tuple(words(part)) for part in parts if part]


def lengths(chapters):
    n = [len(chapter.split()) for chapter in chapters]
    faults = [f"chapter {i} has {k} words" for i, k in enumerate(n, 1) if not 2000 <= k <= 3500]
    if len(n) < 36 or sum(n) < 90_000:
        faults.append(f"{len(n)} chapters with {sum(n)} words")
    return faults


def repeated_sequences(chapters):
    """At most 1 % of the 8-word sequences in the book, and in each chapter, are repeats."""
    parts = {"the book": "\n".join(chapters)} | numbered(chapters)
    faults = []
    for name, part in parts.items():
        w = words(part)
        count = Counter(zip(*(w[i:] for i in range(8)), strict=False))
        share = sum(n for n in count.values() if n > 1) / max(count.total(), 1)
        if share > 0.01:
            most = " ".join(count.most_common(1)[0][0])
            faults.append(f"{name}: {share:.1%} of 8-word sequences repeat, such as {most}")
    return faults


def repeated_sentences(chapters):
    count = Counter(s for s in sentences("\n".join(chapters)) if len(s) > 6)
    return [f"{n} times: {' '.join(s)}" for s, n in count.items() if n > 3]


def type_token_ratio(string):
    """Return the mean over windows of 1,000 words."""
    w = words(string)
    windows = [w[i : i + 1000] for i in range(0, len(w) - 999, 1000)]
    return statistics.fmean(len(set(window)) / 1000 for window in windows)


def poverty(chapters):
    """Types and type-token ratio; good chapters have ratios from 0.39 on, templates 0.05 to 0.2."""
    book = "\n".join(chapters)
    types = {t for t in text.tokens(book, "words") if WORD.fullmatch(t)}
    faults = [f"the book: {len(types)} word types"] if len(types) < TYPES else []
    least = {"the book": 0.38} | dict.fromkeys(numbered(chapters), 0.35)
    return faults + [
        f"{name}: type-token ratio {ratio:.3f}"
        for name, part in ({"the book": book} | numbered(chapters)).items()
        if (ratio := type_token_ratio(part)) < least[name]
    ]


def perplexities(chapters):
    """Return each chapter's perplexity under a word trigram model of the others."""
    number = {}
    ids = [
        np.array([number.setdefault(w, len(number)) for w in words(chapter)])
        for chapter in chapters
    ]
    models = (
        NGram(np.concatenate(ids[:i] + ids[i + 1 :]), 3, len(number)) for i in range(len(ids))
    )
    return [perplexity(m.log_probabilities(x)) for m, x in zip(models, ids, strict=True)]


def odd_chapters(chapters):
    found = perplexities(chapters)
    ratios = [p / statistics.median(found) for p in found]
    return [
        f"chapter {i} has {r:.2f} times the median perplexity"
        for i, r in enumerate(ratios, 1)
        if not 1 / 1.6 <= r <= 1.6
    ]


def characters(chapters):
    """One quotation mark ("), one apostrophe, one dash, three dots; else printable ASCII."""
    faults = []
    for i, chapter in enumerate(chapters, 1):
        for c in sorted(set(chapter) - {"\n", "—"}):
            if not (c.isascii() and c.isprintable()):
                faults.append(f"chapter {i} has {unicodedata.name(c, repr(c))}")
        faults += [f"chapter {i} has {m[0]!r}" for m in re.finditer(r"--| —|— | \.\.\.", chapter)]
    return faults


def paragraphs(chapters):
    faults = []
    for i, chapter in enumerate(chapters, 1):
        lines = chapter.split("\n")
        if lines[0] != f"CHAPTER {i}" or not re.fullmatch(r"[A-Z][\w'. ]+", lines[2:3][0]):
            faults.append(f"chapter {i} begins with {lines[:3]}")
        if lines[-1] or any(lines[1:-1:2]) or not all(lines[:-1:2]):
            faults.append(f"chapter {i} has paragraphs not parted by one blank line")
        faults += [
            f"chapter {i} has blanks or open quotes: {line[:60]}"
            for line in lines
            if line != line.strip() or "  " in line or line.count('"') % 2
        ]
    return faults


def key_words(chapters):
    return [
        f"chapter {i} lacks {stem!r}"
        for i, chapter in enumerate(chapters, 1)
        for stem in ("games", "volunteers?", "arena")
        if not re.search(rf"(?i)\b{stem}\b", chapter)
    ]


def borrowed(chapters):
    return [
        f"chapter {i} has {m[0]!r}: {chapter[max(0, m.start() - 20) : m.end() + 20]!r}"
        for i, chapter in enumerate(chapters, 1)
        for m in OTHERS.finditer(chapter)
    ]


CHECKS = [
    lengths,
    repeated_sequences,
    repeated_sentences,
    poverty,
    odd_chapters,
    characters,
    paragraphs,
    key_words,
    borrowed,
]


@pytest.fixture(scope="module")
def chapters():
    files = sorted((data.FOLDER / "novel").glob("chapter-*.txt"))
    return [file.read_bytes().decode("utf-8") for file in files]


@pytest.mark.parametrize("check", CHECKS)
def test_the_novel_is_without_fault(check, chapters):
    assert check(chapters) == []


# What a careless writer, or a program, might do; the checks must say so.


def template_chapter(number, templates, fillings):
    """Return 2,600 words of sentences with random fillings."""
    rng = random.Random(number)
    said = []
    while len(" ".join(said).split()) < 2600:
        said.append(rng.choice(templates).format(*rng.sample(fillings, 4)))
    return f"CHAPTER {number}\n\nThe Arena\n\n" + "\n\n".join(said) + "\n"


POOR = ["{} carries the {} near the {}, and there is a {} for every volunteer of the games."]
RICH = [
    "I look at the {} and I think of the {}, and of a {} or a {}.",
    '"I know nothing about the {}," says Pask.',
    "The {} is on the {}, and the {} is gone.",
    "There is a {} in the arena, and it is none of ours.",
    "We walk to the {} with the {} between us.",
    '"You may volunteer for the {}," says Agnes, "or for the {}."',
    "In the games there is always a {}.",
]


def planted(chapters, number, change):
    """Return the chapters with one of them changed."""
    new = list(chapters)
    new[number - 1] = change(new[number - 1])
    assert new != chapters
    return new


def test_a_chapter_twice_is_found(chapters):
    twice = planted(chapters, 20, lambda _: chapters[11].replace("CHAPTER 12", "CHAPTER 20"))
    assert [f.split(" has ")[0] for f in odd_chapters(twice)] == ["chapter 12", "chapter 20"]
    assert repeated_sequences(twice)[0].startswith("the book: ")


def test_half_a_chapter_twice_is_found(chapters):
    half = chapters[11][: len(chapters[11]) // 2]
    twice = planted(chapters, 20, lambda own: own[: len(own) // 2] + half)
    assert repeated_sequences(twice)[0].startswith("the book: ")


@pytest.mark.parametrize("templates", [POOR, RICH])
def test_a_chapter_from_templates_is_found(chapters, templates):
    count = Counter(words("\n".join(chapters)))
    fillings = sorted(w for w in count if count[w] > 20 and len(w) > 3)
    padded = planted(chapters, 20, lambda own: template_chapter(20, templates, fillings))
    for check in (repeated_sequences, poverty):
        assert "chapter 20" in [fault.split(":")[0] for fault in check(padded)]
    for i in range(10, 40, 2):
        padded[i] = template_chapter(i + 1, templates, fillings)
    assert poverty(padded)[0].endswith("word types")


def test_a_chapter_from_a_sentence_generator_is_found(chapters):
    others = "\n".join(chapters[:19] + chapters[20:])
    vocabulary = text.Vocabulary(others, "words")
    model = NGram(vocabulary.encode(others), 3, len(vocabulary))
    said = vocabulary.decode(model.sample(2000, seed=0))
    faults = odd_chapters(planted(chapters, 20, lambda own: said))
    assert [fault.split(" has ")[0] for fault in faults] == ["chapter 20"]


def test_shuffled_words_are_found(chapters):
    def shuffle(own):
        return " ".join(random.Random(0).sample(own.split(), len(own.split())))

    faults = odd_chapters(planted(chapters, 20, shuffle))
    assert [f.split(" has ")[0] for f in faults] == ["chapter 20"]


def test_a_sentence_four_times_is_found(chapters):
    four = list(chapters)
    for i in (3, 9, 27, 39):
        four[i] += '\n"The rope is as good as the hand that laid it," says Gannet.\n'
    fault = "4 times: the rope is as good as the hand that laid it says gannet"
    assert repeated_sentences(four) == [fault]
    assert repeated_sentences([*four[:39], chapters[39]]) == []


def test_one_habit_of_phrase_is_no_fault(chapters):
    habit = [
        c.replace("games", "games that nobody here has ever once asked for", 1) for c in chapters
    ]
    assert repeated_sequences(habit) == []
    assert repeated_sentences(habit) == []


@pytest.mark.parametrize(
    ("old", "new", "check", "fault"),
    [
        ('"', "“", characters, "chapter 7 has LEFT DOUBLE QUOTATION MARK"),
        ("'", "’", characters, "chapter 7 has RIGHT SINGLE QUOTATION MARK"),
        (", ", " – ", characters, "chapter 7 has EN DASH"),
        (", ", "--", characters, "chapter 7 has '--'"),
        (", ", " — ", characters, "chapter 7 has ' —'"),
        (". ", "… ", characters, "chapter 7 has HORIZONTAL ELLIPSIS"),
        ("a", "á", characters, "chapter 7 has LATIN SMALL LETTER A WITH ACUTE"),
        (" ", "\u00a0", characters, "chapter 7 has NO-BREAK SPACE"),
        (" ", "\u200b", characters, "chapter 7 has ZERO WIDTH SPACE"),
        (" ", "\t", characters, "chapter 7 has '\\t'"),
        ("\n", "\r\n", characters, "chapter 7 has '\\r'"),
        ("", "\ufeff", characters, "chapter 7 has ZERO WIDTH NO-BREAK SPACE"),
        (".\n", ". \n", paragraphs, "chapter 7 has blanks or open quotes"),
        (". ", ".  ", paragraphs, "chapter 7 has blanks or open quotes"),
        ('"\n', "\n", paragraphs, "chapter 7 has blanks or open quotes"),
        ("\n\n", "\n", paragraphs, "chapter 7 has paragraphs not parted"),
        ("\n\n* * *\n\n", "\n* * *\n", paragraphs, "chapter 7 has paragraphs not parted"),
        (".\n\n", ".\n\n\n", paragraphs, "chapter 7 has paragraphs not parted"),
        ("CHAPTER 7", "CHAPTER 8", paragraphs, "chapter 7 begins with"),
        ("arena", "ring", key_words, "chapter 7 lacks 'arena'"),
        ("Nettie", "Katniss", borrowed, "chapter 7 has 'Katniss'"),
        ("volunteers", "tributes", borrowed, "chapter 7 has 'tributes'"),
        ("games", "Hunger Games", borrowed, "chapter 7 has 'Hunger Games'"),
        (". ", ". Tracker jackers! ", borrowed, "chapter 7 has 'Tracker jackers'"),
        (". ", " in District Twelve. ", borrowed, "chapter 7 has 'District'"),
    ],
)
def test_a_fault_of_form_is_named(chapters, old, new, check, fault):
    count = -1 if old == "arena" else 1
    faults = check(planted(chapters, 7, lambda own: own.replace(old, new, count)))
    assert any(f.startswith(fault) for f in faults), faults


def test_lengths_are_checked(chapters):
    short = planted(chapters, 5, lambda own: own[:8000])
    assert len(lengths(short)) == 1
    assert lengths(planted(chapters, 5, lambda own: own * 2))[0].startswith("chapter 5 has 6")
    assert lengths(chapters[:35]) == [
        f"35 chapters with {len(' '.join(chapters[:35]).split())} words"
    ]


def test_plain_words_are_not_names():
    plain = (
        "In the snow a gale; I rue the clove on the hob, a coin, a marvel, a prim crane, a seam."
    )
    assert borrowed([plain]) == []
