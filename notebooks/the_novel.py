# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # The novel: *Until the Water Closes*
#
# A net that writes needs something to read. [Kostadinov (2018)](#kostadinov2018) proposes *The Hunger Games*, a fine
# choice, but those novels are under copyright: nobody may pass them on with a course. So this course has a novel of
# its own, made for it and given away. You may copy it, change it and train on it, and need not ask
# ([CC0](https://creativecommons.org/publicdomain/zero/1.0/)).
#
# *Every ninth year a lake is drawn down, and on its bed, among the streets of a drowned town, sixteen volunteers
# hold the games while the water is let slowly back in. Tib Marling, ropemaker, walks backward for a living. Three weeks
# before the book begins, a length of rope comes down the pipe that brings her town its water, tied off with her
# dead mother's private splice. The hemp is not two years old.*
#
# <a href="../_static/until-the-water-closes.txt" download>Download the whole novel</a> as one text file from the book, or
# see [its chapters, outline and style sheet](https://github.com/rnnbook/rnnbook/tree/main/data/novel) in the
# repository.
#
# | You will | meet the text that the chapters on language train on, and count in it |
# |---|---|
# | **You learn** | what tokens, types and splits are; how to load this text, a classic one, or your own book; what a model that only counts achieves on it |
# | **You need** | nothing but Python |
# | **It takes** | 20 minutes |

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the set-up", "code_prompt_hide": "Hide the set-up"}
# Where rnnbook is missing, as on Colab, install its release. Keras and Matplotlib are there already.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("rnnbook") is None:
    release = "https://github.com/rnnbook/rnnbook/archive/refs/tags/v0.2.0.zip"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", f"rnnbook @ {release}"]
    run = subprocess.run(pip, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"pip could not install rnnbook:\n{run.stdout}{run.stderr}")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the libraries", "code_prompt_hide": "Hide the libraries"}
import re
import tempfile
import textwrap
from collections import Counter
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the imports", "code_prompt_hide": "Hide the imports"}
from rnnbook import data
from rnnbook.nn.losses import bits_per_character, perplexity
from rnnbook.show import style
from rnnbook.show.style import COLORS
from rnnbook.text import Vocabulary, shuffled_batches, stateful_batches, tokens
from rnnbook.text.ngram import NGram

style.use()

# %% [markdown]
# ## How it begins
#
# [novel](#rnnbook.data.novel) reads the text and compares every chapter with its hash, so all who
# run this page read the same letters.

# %%
whole = data.novel()
for paragraph in whole.split("\n\n")[:9]:
    print(textwrap.fill(paragraph, 76), end="\n\n")

# %% [markdown]
# ## How it is split
#
# A model is trained on one part, chosen with a second and judged on a third. The parts are whole chapters, so that no
# scene stands half in training and half in the test, and they are spread over the story. Look at the test chapters
# once, at the end of your work. The counts on this page are of the whole novel, but none of its models sees the test chapters.

# %%
size = {}
print(f"{'':12}{'chapters':>10}{'words':>10}{'characters':>12}{'share':>8}")
for split in ("train", "validation", "test"):
    text = data.novel(split)
    size[split] = n = len(text)
    chapters = len(re.findall(r"(?m)^CHAPTER \d+$", text))
    print(f"{split:12}{chapters:10}{len(text.split()):10,}", end="")
    print(f"{n:12,}{n / len(whole):8.1%}")
assert sum(size.values()) + 2 == len(whole)  # two line ends join the three

# %% [markdown]
# ## Tokens and types
#
# A **[token](#term-token)** is one piece of a text, a **[type](#term-type)** a kind of token. For a net that reads
# characters, a token is a character. For one that reads words, it is a word or a punctuation mark; the usual spaces
# between them need no token ([tokens](#rnnbook.text.tokens)).

# %%
for unit in ("characters", "words"):
    n, kinds = len(tokens(whole, unit)), len(set(tokens(whole, unit)))
    print(f"{unit:12}{n:10,} tokens, {kinds:6,} types: each {n / kinds:8,.1f} times")
print(*tokens('"Not yet, Ned," I tell him.', "words"), sep=" | ")

# %% [markdown]
# That is about as many types as *Pride and Prejudice* has, at much the same length. But this novel was written by a plan,
# in one voice and a present-tense style, about one place and one trade. A net learns less about rare words from it than
# from a library, so compare models *on* it, and do not compare figures *across* texts.

# %% [markdown]
# ## Zipf's law
#
# Sort the words by how often they occur. By **Zipf's law** the second is half as frequent as the first, and the tenth a
# tenth as frequent: frequency falls with rank $r$ roughly as $r^{-1}$. (Here the tenth has a fifth: the most frequent
# words keep the law only roughly.) That has a price: most types are so rare that a model hardly meets them.

# %%
said = re.findall(r"[a-z]+(?:['-][a-z]+)*", whole.lower())
frequency = np.array(sorted(Counter(said).values(), reverse=True))
rank = np.arange(1, len(frequency) + 1)
log_rank, log_frequency = np.log10(rank[:1000]), np.log10(frequency[:1000])
slope, start = np.polyfit(log_rank, log_frequency, 1)
once = (frequency == 1).mean()
second, tenth = frequency[[1, 9]] / frequency[0]
print(f"of the first word's count, the second has {second:.2f}, the tenth {tenth:.2f}")
print(f"slope of the first thousand ranks: {slope:.3f}")
print(f"{once:.1%} of the {len(frequency):,} types occur once")
assert -1.2 < slope < -0.9
assert 0.35 < once < 0.45

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-zipf", "caption": "Frequency of the novel's words against their rank. The line is fitted to the first thousand ranks."}, "image": {"alt": "Both axes are logarithmic. From about rank 20 to rank one thousand the points fall along a straight line. The most frequent words lie below it, and beyond rank one thousand the points fall faster than it does."}}
fig, ax = plt.subplots()
shown = np.unique(np.geomspace(1, len(rank), 120).astype(int)) - 1
ax.loglog(rank[shown], frequency[shown], "o", ms=4, color=COLORS["input"])
fitted = 10**start * rank[[0, 999]] ** slope
ax.loglog(rank[[0, 999]], fitted, color=COLORS["output"], lw=1.5)
ax.text(30, 2 * 10**start / 30, f"slope {slope:.2f}", color=COLORS["output"])
ax.set(xlabel="rank of the word", ylabel="occurrences")
plt.show()

# %% [markdown]
# Between the ends the law holds. The commonest words are less frequent than the fitted line says, and the rarest too: about
# four types in ten occur once, so a model has a single chance to learn them.
#
# ## Who is in it
#
# Names can be counted without a list of names. Take the words that stand capitalized in the middle of a sentence,
# and are hardly ever written small. This finds places and titles too. It does not find who matters: Tib tells the
# story, so she is "I".

# %%
stream = tokens(whole, "words")
everywhere = Counter(stream)
inside = Counter(w for before, w in pairwise(stream) if before[-1].isalpha())
names = {
    w: n for w, n in everywhere.items()
    if w.istitle() and w.isalpha() and len(w) > 1
    and inside[w] > n / 5 and everywhere[w.lower()] < n / 20
}
most = sorted(names, key=names.get, reverse=True)[:30]
print(textwrap.fill(", ".join(f"{w} {names[w]}" for w in most), 76))
assert "Tib" not in most
assert everywhere["I"] > 10 * names[most[0]]

# %% [markdown]
# ## A vocabulary, with a cut
#
# A [Vocabulary](#rnnbook.text.Vocabulary) numbers the types of the *training* text. Types rarer than
# `min_count` become one token, `<unknown>`, and so does every word of a held-out text that training never saw.
# A cut makes the output layer smaller and hides more words: you choose.

# %%
train, validation = data.novel("train"), data.novel("validation")
rates = []
print(f"{'min_count':>9}{'V':>8}{'unknown, train':>16}{'validation':>12}")
for min_count in (1, 2, 3, 5, 10):
    cut = Vocabulary(train, "words", min_count)
    seen, held = ((cut.encode(text) == 0).mean() for text in (train, validation))
    rates.append((seen, held))
    print(f"{min_count:9}{len(cut):8,}{seen:16.2%}{held:12.2%}")
assert rates[0][0] == 0 < rates[0][1]

# %% [markdown]
# Ids lead back to the text, exactly, as long as nothing is unknown. Here is a sentence as words, as ids and as
# words again.

# %%
vocabulary = Vocabulary(train, "words")
ids = vocabulary.encode("In the games, nobody is forced.")
print(ids, vocabulary.decode(ids), sep="\n")
assert vocabulary.decode(vocabulary.encode(train)) == train
cut = Vocabulary(train, "words", min_count=10)
print(cut.decode(cut.encode("Gannet throws a peg at me, and I duck.")))

# %% [markdown]
# Even without a cut a held-out text has unknown words: those that the training text never used.
#
# ## Batches
#
# There are two ways to cut a text into batches of B rows with T steps. In
# [stateful_batches](#rnnbook.text.stateful_batches) each row goes on where it stopped one batch before, so a net may
# keep its state. In [shuffled_batches](#rnnbook.text.shuffled_batches) the windows come in a random order, and the
# state starts anew. In both, the target is the token after each input.

# %%
short = vocabulary.encode(train)[6:31]
ways = {"stateful": stateful_batches(short, 2, 4)}
ways["shuffled"] = shuffled_batches(short, 2, 4, seed=0)
for name, batches in ways.items():
    for number, (x, y) in enumerate(batches, start=1):
        for i, t in zip(x, y, strict=True):
            given, wanted = vocabulary.decode(i), vocabulary.decode(t)
            print(f"{name} {number}: {given} -> {wanted}")
        assert (x[:, 1:] == y[:, :-1]).all()

# %% [markdown]
# ## A book of your own
#
# Everything in this course works with any book that you have as plain text. [own_book](#rnnbook.data.own_book) reads
# one or more files, and says in which encoding, and what it left out; look at the accents where that is not UTF-8.

# %%
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "my-book.txt")
    file.write_bytes("My café.\r\nSecond chapter.".encode("cp1252"))
    mine = data.own_book(file)
print(repr(mine))
assert mine == "My café.\nSecond chapter."

# %% [markdown]
# Three classics that other courses train on can be had by name ([classic](#rnnbook.data.classic)). The first call
# fetches the text, with a progress bar, checks its hash and keeps it on your machine; later calls need no network. This
# page runs without one, so the lines below are only shown:
#
# ```python
# data.classic("tiny-shakespeare")  # the plays, as in Karpathy's char-rnn
# data.classic("the-time-machine")  # H. G. Wells, 1895
# data.classic("alice")  # Lewis Carroll, 1865
# ```
#
# ## The ladder of baselines
#
# Before a net has said a word, know what counting alone achieves. A **unigram** model knows how frequent each token
# is; an **[n-gram model](#term-n-gram-model)** looks at the n - 1 tokens before. It always
# mixes in the shorter context, the more so the fewer times it has seen the longer one and the more kinds of token came
# after it, by the rule of [Witten and Bell (1991)](#witten1991) in the interpolated form of [Chen and Goodman
# (1999)](#chen1999). The **uniform** model, of order 0, finds all tokens equally likely.
#
# The measure is **[bits per character](#term-bits-per-character)**: how many bits a model needs, on average, to say
# which character comes next. It lets models of words and of characters be compared.
# **[Perplexity](#term-perplexity)** says the same for a token: as hard to predict as a choice among so many.

# %%
ladder = {}
for unit in ("characters", "words"):
    v = Vocabulary(train, unit)
    for order in range(7):
        model = NGram(v.encode(train), order, len(v))
        for split, text in (("train", train), ("validation", validation)):
            log_p = model.log_probabilities(v.encode(text))
            bits = bits_per_character(log_p, len(text))
            ladder[unit, order, split] = bits, perplexity(log_p)

# %%
columns = f"{'train':>11}{'validation':>11}"
print(f"{'':16}{'bits per character':>22}{'perplexity':>22}")
print(f"{'':10}{'order':6}", columns, columns, sep="")
for unit in ("characters", "words"):
    for order in range(7):
        bits, choice = ladder[unit, order, "train"]
        held_bits, held_choice = ladder[unit, order, "validation"]
        print(f"{unit:10}{order:>5} {bits:11.3f}{held_bits:11.3f}", end="")
        print(f"{choice:11.4g}{held_choice:11.4g}")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-ladder", "caption": "Bits per character of n-gram models of characters and of words, on the training and the validation chapters."}, "image": {"alt": "Bits per character against the order from 0 to 6. All curves fall at first. On validation, the curve of characters flattens at order 5 and 6, and the curve of words rises slowly from order 2 on, while on the training text both keep falling."}}
fig, ax = plt.subplots()
for unit, kind in (("characters", "input"), ("words", "output")):
    for split, line, marker in (("train", ":", "."), ("validation", "-", "o")):
        bits = [ladder[unit, order, split][0] for order in range(7)]
        label = f"{unit}, {split}"
        ax.plot(bits, line, marker=marker, ms=6, color=COLORS[kind], label=label)
ax.set(xlabel="order of the model", ylabel="bits per character", ylim=(0, 6.6))
fig.legend(loc="outside upper center", ncols=2)
plt.show()

# %%
held = {unit: [ladder[unit, n, "validation"][0] for n in range(7)]
        for unit in ("characters", "words")}
best = {unit: int(np.argmin(bits)) for unit, bits in held.items()}
print("best order on validation:", best)
assert best == {"characters": 6, "words": 2}
assert held["characters"][5] - held["characters"][6] < 0.05
assert min(held["words"]) < min(held["characters"])

# %% [markdown]
# On the training text the curves fall without end: a long context was seen once, and the model knows by heart what
# came after. Only the validation curves say what was learned. For characters they flatten at orders 5 and 6. For
# words, a bigram is best, and longer contexts cost more than they give: there are too few words to fill them.
#
# The words win, it seems. But that is not yet a fair comparison. A word that training never saw is one token,
# `<unknown>`, and its spelling costs the word model nothing. Let the best model of characters spell these words, and
# add what that costs.

# %%
v, c = Vocabulary(train, "words"), Vocabulary(train, "characters")
pairs = zip(tokens(validation, "words"), v.encode(validation), strict=True)
spelled = c.encode(" ".join(token for token, i in pairs if i == 0))
log_p = NGram(c.encode(train), 6, len(c)).log_probabilities(spelled)
spelling = -log_p.sum() / np.log(2) / len(validation)
total = held["words"][2] + spelling
print(f"bigram of words        {held['words'][2]:.3f} bits per character")
print(f"and the spelling      +{spelling:.3f} = {total:.3f}")
print(f"6-gram of characters   {held['characters'][6]:.3f}")
assert 0.1 < spelling < 0.2
assert abs(total - held["characters"][6]) < 0.02

# %% [markdown]
# The lead is gone: with every character paid for, the two are level. This is the line that a net has to beat, with
# its protocol: trained on the training chapters, measured on the validation chapters, no character for free.
#
# ## What the counting writes
#
# Let the 5-gram model of characters go on after "games". It draws each character from its distribution.

# %%
model = NGram(c.encode(train), 5, len(c))
written = c.decode(model.sample(300, seed=0, context=c.encode("games")))
print(textwrap.fill("games" + written, 76, replace_whitespace=False))
assert len(written) == 300

# %% [markdown]
# Words it can spell, sentences it cannot build: four characters are all that it looks back.
#
# ## Does the novel repeat itself?
#
# A text that was padded by a program repeats long sequences of words. Count, for each length n, which
# share of the sequences of n words occurs more than once.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-repeats", "caption": "The share of the sequences of n words that occur more than once in the novel. The vertical axis is logarithmic."}, "image": {"alt": "The share against the length of the sequence from 1 to 10 words. The vertical axis is logarithmic. The share falls from nearly all single words to about one in two thousand at eight words, and on to fewer at ten."}}
repeats = []
for n in range(1, 11):
    count = Counter(zip(*(said[i:] for i in range(n)), strict=False))
    repeats.append(sum(k for k in count.values() if k > 1) / count.total())
fig, ax = plt.subplots()
ax.semilogy(range(1, 11), repeats, "o-", color=COLORS["input"])
ax.set(xlabel="words in the sequence", ylabel="share that repeats", xticks=range(1, 11))
plt.show()

# %%
count = Counter(zip(*(said[i:] for i in range(8)), strict=False))
sequence, times = count.most_common(1)[0]
print(f"{repeats[7]:.2%} of the sequences of 8 words repeat")
print(f"the most frequent, {times} times: {' '.join(sequence)}")
assert repeats[7] < 0.01

# %% [markdown]
# Sequences of eight words hardly ever repeat, and the one that repeats most is a formula of law.
#
# ## Summary
#
# - The novel is free to use, in three parts by whole chapters; choose with validation, and test once.
# - Word frequencies fall with rank as in other texts, so most types are rare, and some held-out words are unknown.
# - Bits per character compare models of different tokens, if the spelling of unknown words is paid for.
# - The lines to beat are those of the ladder. A net that stays above them has learned less than counting.
