# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # The text generator
#
# [Kostadinov (2018)](#kostadinov2018) sets a task that is hard to resist: let a recurrent network write a new chapter of
# *The Hunger Games*, starting from the word "games". This chapter takes his five steps: data, encoding, architecture,
# training, evaluation. It builds the generator in NumPy, and asks at each step what a simpler method would have done. You
# will see a small net lose to a table of counts and a larger one win, and read what they write. How the gradients of such a net are computed
# is the subject of chapter 4; the whole new chapter is written in chapter 8, by a better net.
#
# | You will | train a recurrent net, character by character, on a novel; let it write; look for what it copied |
# |---|---|
# | **You learn** | what tokens, embeddings, softmax, cross-entropy and perplexity are; to tell time step, training step and epoch apart; to sample with temperature, top-k and top-p; to judge a generator |
# | **You need** | [Chapter 1](01_recurrent_neuron.ipynb) and [Chapter 2](02_unfolding.ipynb): the layer, its shapes, teacher forcing |
# | **It takes** | 2 hours to read and run, 4 hours with the exercises, and an evening for Exercise 3.10 |

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
import json
import os
import re
import textwrap
import tomllib
from collections import Counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no lines of a log
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums everywhere

import keras
import matplotlib.pyplot as plt
import numpy as np

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the imports", "code_prompt_hide": "Hide the imports"}
from rnnbook import data
from rnnbook.exercises import check
from rnnbook.nn import losses
from rnnbook.nn.losses import bits_per_character, bits_per_token, perplexity
from rnnbook.nn.optimizers import Adam, clip_by_norm, warmup_cosine
from rnnbook.show import instruments, results, style
from rnnbook.show.claims import claim
from rnnbook.show.style import COLORS
from rnnbook.text import Vocabulary, stateful_batches, tokens
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.ngram import NGram
from rnnbook.text.sampling import distribution, next_token
from rnnbook.text.training import train

style.use()

# %% [markdown]
# ## Step 1: data
#
# Kostadinov tells you to find the novels online and to copy them. Don't: they are under copyright. This course brings [a novel of its own](../notebooks/the_novel.ipynb), which you may use as you
# like, and reads a book that *you* own from your disk, with [own_book](#rnnbook.data.own_book), without sending it anywhere.
#
# The novel comes in three parts. The net learns from the training chapters. The validation chapters are **[held out](#term-held-out)**: the
# net never learns from them, and we choose by them. The test chapters stay shut until the section before the summary.

# %%
text, held_text = data.novel("train"), data.novel("validation")
for name, part in (("train", text), ("validation", held_text)):
    n = len(tokens(part, "words"))
    print(f"{name:11}{len(part):9,} characters,{n:9,} words and marks")

# %%
manifest = tomllib.loads((data.FOLDER / "manifest.toml").read_text("utf-8"))
licences = [f["licence"] for f in manifest["file"] if "split" in f]
names = "Katniss Peeta Gale Primrose Haymitch Effie Cinna Rue Snow Everdeen Mellark Panem"
borrowed = re.findall(rf"\b({names.replace(' ', '|')})\b", data.novel())
claim(64, ("chapters of the course's novel", len(licences), "> 30"),
      ("of these not under CC0", sum(x != "CC0-1.0" for x in licences), "== 0"),
      ("names from The Hunger Games in all of them", len(borrowed), "== 0"))

# %% [markdown]
# ### Tokens and types
#
# A **[token](#term-token)** is a piece of running text, a **[type](#term-type)** a kind of token. The **[corpus](#term-corpus)** is all the
# tokens, in order. The **[vocabulary](#term-vocabulary)** is the list of its types, and has no order that means anything.
# Kostadinov calls a corpus "an array of all words in the example vocabulary", which confuses the two. Count both.

# %%
words = Vocabulary(text, "words")
letters = Vocabulary(text, "characters")
stream = tokens(text, "words")
print(tokens("I volunteer", "words"), "->", words.encode("I volunteer"))
once = (words.counts[1:] == 1).mean()
claim(54, ("tokens of the corpus, words and marks", len(stream), "> 100000"),
      ("types, its vocabulary", len(set(stream)), "< 10000"),
      ("share of the types that occur once", once, "> 0.3", 2))

# %% [markdown]
# A few types make up most of the text, and many occur once: that is Zipf's law, which the page on
# [the novel](../notebooks/the_novel.ipynb) draws. So a net that reads words meets many of them only once. Ours will read characters:
# there are few types, most are frequent, and no word is ever unknown. The price is a longer sequence.
#
# ## Step 2: encoding
#
# A net computes with numbers, so each type gets an **id**, from 0 to $V - 1$; id 0 stands for whatever the vocabulary lacks.
# An id must not be used as a *quantity*: type 20 is not twice type 10. The classical code is
# **[one-hot](#term-one-hot)**: a vector of length $V$, all zeros but for a 1 at the type's place.

# %%
V = len(letters)
ids, held = letters.encode(text), letters.encode(held_text)
i, v = letters.encode("Iv")
one_hot = np.eye(V)[[i, v]]
print(f"V = {V}; the ids of I and v are {i} and {v}; shape {one_hot.shape}")
assert (one_hot.argmax(axis=1) == [i, v]).all()
assert (one_hot.sum(axis=1) == 1).all()

# %% [markdown]
# Never *store* one-hot codes. In Kostadinov's example the vocabulary has 20,000 words. One-hot code a text of a million
# words with it, in numbers of 8 bytes, and compare.

# %%
n, V_source = 1_000_000, 20_000
dense = n * V_source * np.dtype("float64").itemsize
small = n * np.dtype("int32").itemsize
print(f"one-hot: {dense / 1e9:.0f} GB;  ids: {small / 1e6:.0f} MB")
assert dense == 160e9
assert dense == 40_000 * small

# %% [markdown]
# A program that builds the whole dense array stops with a memory error, or makes do with a small part of the book.
#
# ### An embedding is a look-up
#
# What does a one-hot vector do when it meets a matrix? Let $E$ have one row of $D$ numbers for each type, shape $(V, D)$.
# Then the product of a one-hot row $x$, shape $(V,)$, and $E$ picks one row:
#
# $$
# x\, E = E_{\mathrm{id}}
# $$ (3.1)
#
# The shapes are $(V,)$ times $(V, D)$, which gives $(D,)$.
#
# That row is the type's **[embedding](#term-embedding)**. You need no product for it, only `E[ids]`, and $E$ is learned like
# any weight ([Bengio et al., 2003](#bengio2003)). Is one-hot coding itself "a type of word embedding", as Kostadinov says?
# In a trivial sense, with $E = I$. But then any two different types are equally unlike: their **[cosine](#term-cosine-similarity)** is
# always 0. What makes embeddings useful is that similar types can get similar vectors.

# %%
rng = np.random.default_rng(0)
E = rng.normal(size=(V, 16))
looked_up, product = E[[i, v]], one_hot @ E
gap = abs(looked_up - product).max()
print(f"largest difference of one-hot times E from the look-up: {gap:g}")
assert gap == 0

# %% [markdown]
# ### An aside: what word vectors add
#
# Our net will read characters, and learn their embedding together with everything else. You can go on to step 3 at once.
# But you will meet **word2vec** ([Mikolov et al., 2013](#mikolov2013)) and **GloVe** ([Pennington et al., 2014](#pennington2014)). They learn
# vectors of words before, and apart from, any language model: words that occur among the same neighbors get similar vectors.
# [Levy and Goldberg (2014)](#levy2014) showed that word2vec's commonest form fits a table which you can simply count. For words $a$
# and $b$ it holds how much more often they stand near each other than chance would have it, the pointwise mutual information
#
# $$
# \mathrm{PMI}(a, b) = \ln \frac{p(a, b)}{p(a)\, p(b)},
# $$ (3.2)
#
# less a constant. So take the words that occur at least 20 times, count the pairs up to four words apart, and keep the positive values of the PMI. Each word now has a long row of
# numbers. A singular value decomposition shortens each row to 50 numbers, chosen so that the whole table can be rebuilt from them with
# as small an error as 50 numbers a row allow.

# %%
common = Vocabulary(text, "words", min_count=20)
w = common.encode(text)
near = np.zeros((len(common), len(common)))
for k in range(1, 5):
    np.add.at(near, (w[:-k], w[k:]), 1)
near[0] = near[:, 0] = 0  # rare words are no neighbors
near += near.T
total = np.maximum(near.sum(axis=1), 1)
ratio = near * total.sum() / np.outer(total, total)
pmi = np.log(np.maximum(ratio, 1))  # the positive part

# %%
U, s, _ = np.linalg.svd(pmi)
vectors = U[:, :50] * np.sqrt(s[:50])
vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def neighbors(word, n=5):
    similar = vectors @ vectors[common.tokens.index(word)]
    nearest = np.argsort(-similar.round(6), kind="stable")
    return [common.tokens[j] for j in nearest[1 : n + 1]]


for word in ("two", "she", "night", "hand", "water"):
    print(f"{word:10}", *neighbors(word))

# %% [markdown]
# Some lists are good, others disappoint. Do not judge by the ones you like: take two classes of words,
# fixed in advance, and count how often the nearest neighbor of a word is in its own class.

# %%
classes = {
    "numbers": "two three four five six seven eight nine ten",
    "persons": "I you he she it we they me him her us them",
}
for name, listed in classes.items():
    group = listed.split()
    agree = np.mean([neighbors(word, 1)[0] in group for word in group])
    chance = (len(group) - 1) / (len(common) - 2)
    print(f"{name:8} {agree:.2f}   by chance {chance:.3f}")
    assert agree > 3 * chance

# %%
def cosine(a, b):
    return vectors[common.tokens.index(a)] @ vectors[common.tokens.index(b)]


one_hot_cosine = np.eye(V)[i] @ np.eye(V)[v]
claim(53, ("cosine of 'two' and 'three', one-hot", one_hot_cosine, "== 0"),
      ("the same with vectors made from counts", cosine("two", "three"), "> 0.3", 2),
      ("of 'two' and 'water'", cosine("two", "water"), "< 0.2", 1))

# %% [markdown]
# Far better than chance, and far from "it knows what words mean". Published vectors come from billions of words, ours
# from one short novel. And each type has one vector once and for all, so "left" has one for both its meanings. What the word
# means *here* is left to the recurrent layer.
#
# ## Step 3: architecture
#
# A **[language model](#term-language-model)** gives, after each token, a probability to every type as the next one. That is
# many-to-many: the target at each step is the next token of the input. [Mikolov et al. (2010)](#mikolov2010) were
# the first to do it well with a recurrent net, for words; [Sutskever et al. (2011)](#sutskever2011) and [Graves (2013)](#graves2013) wrote
# with characters.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the drawing's code", "code_prompt_hide": "Hide the drawing's code", "figure": {"name": "fig-generator", "caption": "The generator on words, after Kostadinov: it reads one token a time step, carries its state, and proposes the next token, which is the input of the next step."}, "image": {"alt": "Three time steps side by side. The inputs I, volunteer and for lead up to three states, joined by arrows from left to right. The states lead up to the outputs volunteer, for and them, and each output is the input of the next step, by a dashed arrow."}}
ax = style.canvas(5.8, 3.1)
line, h, last = ("I", "volunteer", "for", "them"), (0.2, 1.5), None
for step in range(3):
    x = 1.15 + 1.8 * step
    word = style.node(ax, "input", x, 0.4, line[step], width=1.15)
    state = style.node(ax, "hidden", x, 1.5, f"$h_{step + 1}$")
    out = style.node(ax, "output", x, 2.6, line[step + 1], width=1.15)
    for ends in ((word, state, "input"), (state, out, "output"), (h, state, "hidden")):
        style.arrow(ax, *ends)
    last and style.arrow(ax, last, word, "muted", dashed=True)
    h, last = state, out
plt.show()

# %% [markdown]
# For one token, with $D$ numbers in its embedding, $H$ hidden units and $V$ types:
#
# $$
# \begin{aligned}
# x_t &= E_{\mathrm{id}_t} \\
# a_t &= W_{xh}\, x_t + W_{hh}\, h_{t-1} + b_h \\
# h_t &= \tanh(a_t) \\
# u_t &= W_{hy}\, h_t + b_y \\
# \hat y_t &= \mathrm{softmax}(u_t)
# \end{aligned}
# $$ (3.3)
#
# The shapes are $(D,)$ for $x_t$, $(H,)$ for $a_t$ and $h_t$, $(V,)$ for $u_t$ and $\hat y_t$. Those of the weights follow: $E$ is $(V, D)$, $W_{xh}$ is $(H, D)$, $W_{hh}$ is $(H, H)$, $b_h$ is $(H,)$, $W_{hy}$ is $(V, H)$ and $b_y$ is $(V,)$.
# The numbers $u_t$ are the **[logits](#term-logit)**. [LanguageModel](#rnnbook.text.language_model.LanguageModel) is this net. Ours has
# $D = 16$ and $H = 256$.


# %%
net = LanguageModel(letters, 256, "rnn", embedding=16, dtype="float64")
weights = net.embedding.parameters | net.recurrent.weights | net.dense.parameters
E, W_hy, b_y = weights["E"], weights["W_hy"], weights["b_y"]
W_xh, W_hh, b_h = weights["W_xh"], weights["W_hh"], weights["b_h"]
for name, array in weights.items():
    print(f"{name:5}{array.shape!s:12}{array.size:7,}")

# %% [markdown]
# Run it on "I volunteer", line by line as in [Equation 3.3](#3.3), and compare with the model.

# %%
prompt = letters.encode("I volunteer")
h = np.zeros((1, 256))
by_hand = []
for token in prompt:
    x_t = E[[token]]
    h = np.tanh(x_t @ W_xh.T + h @ W_hh.T + b_h)
    u = h @ W_hy.T + b_y
    by_hand.append(u[0])
logits, state = net.forward(prompt[None])
print("time steps:", len(prompt), " logits:", logits.shape, " state:", state.shape)
assert abs(np.array(by_hand) - logits[0]).max() < 1e-12
assert abs(h - state).max() < 1e-12

# %% [markdown]
# Must the output have as many numbers as the input? Kostadinov says so of a net whose input is one-hot, and there it is
# true. With an embedding it is not.

# %%
bare = LanguageModel(letters, 8, "rnn")  # reads one-hot codes
sizes = bare.recurrent.weights["W_xh"].shape[1], bare.forward([[1]])[0].shape[-1]
claim(68, ("numbers into the recurrent layer, one-hot", sizes[0], f"== {V}"),
      ("probabilities out", sizes[1], f"== {V}"),
      ("numbers in with our embedding", x_t.shape[1], "== 16"))

# %% [markdown]
# ### Softmax, and why it is not computed as it is written
#
# **[Softmax](#term-softmax)** turns logits into probabilities:
#
# $$
# \begin{aligned}
# \mathrm{softmax}(u)_i &= \frac{e^{u_i}}{\sum_j e^{u_j}} \\
# &= \frac{e^{u_i - m}}{\sum_j e^{u_j - m}} \\
# m &= \max_j u_j
# \end{aligned}
# $$ (3.4)
#
# In exact arithmetic both forms are the same, since $e^{-m}$ cancels. On a computer $e^{1000}$ is infinite, and infinite over infinite is
# not a number. In the second form the largest exponent is 0.


# %%
def as_written(u):
    return np.exp(u) / np.exp(u).sum()


mild, wild = np.array([1.0, 2.0, 3.0]), np.array([998.0, 999.0, 1000.0])
with np.errstate(over="ignore", invalid="ignore"):
    broken = np.isnan(as_written(wild)).sum()
gap = abs(losses.softmax(wild) - as_written(mild)).max()
print(as_written(mild).round(4), losses.softmax(wild).round(4))
claim(58, ("logits near 1000, as written: results that are NaN, of 3", broken, "== 3"),
      ("with the maximum subtracted: largest error", gap, "< 1e-12", 0))

# %% [markdown]
# > **Common wrong answers.** "The net chooses the word": it gives a probability to every type; choosing is another matter, for step 5.
#
# ## Step 4: training
#
# ### The loss
#
# How good was a prediction? Look at the probability $\hat y_t[\mathrm{target}]$ that it gave to the token that came, and take minus the
# logarithm. The **[cross-entropy](#term-cross-entropy)** of a text of $n$ tokens is the mean of that:
#
# $$
# L = -\frac1n \sum_{t=1}^{n} \ln \hat y_t[\mathrm{target}_t]
# $$ (3.5)
#
# Kostadinov's $-\sum_i y_i \log \hat y_i$ is the same for one token: with a one-hot $y$ all terms but one are zero. He asks you to take the
# formula as a black box. It is not one. With the natural logarithm, $L$ is measured in **nats**; divided by $\ln 2$, it is in **bits**: about as many yes-or-no questions as
# you would still have to ask, on average, to learn the next token ([Shannon, 1948](#shannon1948)). And $e^L$ is the **[perplexity](#term-perplexity)**: as hard as a choice among so many equally
# likely tokens. A net that knows nothing yet should have a loss near $\ln V$, a perplexity near $V$. If yours starts far above, look
# for a mistake before you train.

# %%
log_p = net.log_probabilities(held)
start_gap = -log_p.mean() - np.log(V)
y_hat = losses.softmax(logits[0, :-1])
full = -(np.eye(V)[prompt[1:]] * np.log(y_hat)).sum(axis=1).mean()
short, _ = losses.cross_entropy(logits[0, :-1], prompt[1:])
print(f"loss {-log_p.mean():.3f} nats, ln V {np.log(V):.3f}")
print(f"the sum over i {full:.4f}, the one term left {short:.4f}")
assert abs(full - short) < 1e-12

# %% [markdown]
# <a id="question-24"></a>
# ### One-hot targets or a sparse loss?
#
# Keras has two losses for the same thing. `CategoricalCrossentropy` wants one-hot targets, of shape (B, T, V);
# `SparseCategoricalCrossentropy` wants the ids, of shape (B, T). Take the sparse one, and `from_logits=True` with a linear output
# layer, so that Keras can subtract the maximum as in [Equation 3.4](#3.4).

# %%
K = keras.losses
u, y = logits[:, :-1].astype("float32"), prompt[None, 1:]
full = float(K.CategoricalCrossentropy(from_logits=True)(np.eye(V)[y], u))
sparse = float(K.SparseCategoricalCrossentropy(from_logits=True)(y, u))
print(f"one-hot {full:.3f}, sparse {sparse:.3f}, ours {short:.3f}")
claim(70, ("one-hot loss of Keras less our one term", abs(full - short), "< 1e-5", 0),
      ("its sparse loss less our one term", abs(sparse - short), "< 1e-5", 0),
      ("untrained net: distance of its loss from ln V", abs(start_gap), "< 0.1", 1))

# %% [markdown]
# > **Common wrong answers.** "A softmax layer, and a loss with `from_logits=True`": the loss takes probabilities for logits, and softmax is
# > applied twice. Since probabilities differ by at most 1, no type can then get more than $e$ times the probability of another. Keras
# > on TensorFlow notices the softmax, takes the logits before it, and warns; with PyTorch or JAX behind it, or in your own code, nobody
# > warns.
#
# ### Perplexities of different tokens cannot be compared
#
# A model of words chooses among thousands of types, a model of characters among dozens. Their perplexities lie far apart, and
# that says nothing about which predicts the *text* better. **[Bits per character](#term-bits-per-character)** do: all the bits spent on the text, divided by
# its length. Take two models that only count ([NGram](#rnnbook.text.ngram.NGram)), on the validation chapters.

# %%
rows = {}
for name, v, order in (("characters", letters, 5), ("words", words, 2)):
    model = NGram(v.encode(text), order, len(v))
    log_p = model.log_probabilities(v.encode(held_text))
    rows[name] = perplexity(log_p), bits_per_character(log_p, len(held_text))
    print(f"{order}-gram of {name:10} perplexity {rows[name][0]:7.3g}", end="")
    print(f"   bits per character {rows[name][1]:.3f}")
assert rows["words"][0] > 10 * rows["characters"][0]
assert abs(rows["words"][1] - rows["characters"][1]) < 0.4

# %% [markdown]
# The perplexities differ by a factor of more than thirty, the bits by 0.2. (And the model of words need not spell the
# unknown words: it pays for saying that one comes, not for its letters. The page on [the novel](../notebooks/the_novel.ipynb) charges
# for those too.)
#
# ### Time step, training step, epoch
#
# Kostadinov says, rightly, that time steps and training steps are "completely different terms". Three clocks run in training:
#
# - a **[time step](#term-time-step)** reads one token of each sequence and predicts the next;
# - a **[training step](#term-training-step)** is one update of the weights, from one batch: here B = 32 rows of T = 32 time steps;
# - an **[epoch](#term-epoch)** is one pass through the training text.

# %%
B, T = 32, 32
batches = list(stateful_batches(ids, B, T))
epoch = len(batches)
print(f"time steps in a training step:      {batches[0][0].shape[1]}")
print(f"predictions in a training step:     {batches[0][0].size}")
print(f"training steps in an epoch:         {epoch}")
print(f"predictions in an epoch:            {sum(y.size for _, y in batches):,}")
print(f"characters of the training chapters {len(ids):,}")
assert epoch == (len(ids) - 1) // (B * T)

# %% [markdown]
# > **Common wrong answers.** "A training step is a time step": here it holds 32 of them, for each of 32 rows. "More time steps, more
# > parameters": see [Chapter 2](02_unfolding.ipynb).
#
# Row $b$ of a batch goes on where row $b$ of the batch before stopped, so the state is carried from one training step to the next; only
# the gradient stops at the border. That is truncated backpropagation through time, the subject of the next chapter.
#
# ### The ladder of baselines
#
# Before the net says a word, know what counting achieves. An **[n-gram model](#term-n-gram-model)** of order $n$ predicts from the
# $n - 1$ tokens before. Order 1 is the unigram; order 0 gives all types the same probability. What the training text never
# showed must not get probability zero, so each order is mixed with the next lower one: that is **[smoothing](#term-smoothing)**. How much weight should the lower order get?
# [Witten and Bell (1991)](#witten1991) let the counts decide. A context $c$ was followed $\mathrm{count}(c)$ times, by $\mathrm{types}(c)$ different types, by the type $w$
# among them $\mathrm{count}(c, w)$ times. With $c'$ for the context without its oldest token,
#
# $$
# \begin{aligned}
# &p(w \mid c) \\
# &\quad = \frac{\mathrm{count}(c, w) + \mathrm{types}(c)\, p'}{\mathrm{count}(c) + \mathrm{types}(c)} \\
# &p' = p(w \mid c')
# \end{aligned}
# $$ (3.6)
#
# A context that brought many surprises, with about as many types as tokens, leaves much of the weight to the shorter one. By hand, with
# the text "abacab": "a" was followed by "b" twice and "c" once, so its count is 3, with 2 types. The whole text has 6 tokens of 3 types,
# and below it stands $1/V = 1/3$. So $p(b) = (2 + 3 \cdot 1/3) / (6 + 3) = 1/3$, and $p(b \mid a) = (2 + 2 \cdot 1/3) / (3 + 2) = 0.533$. And "a", which
# never followed "a", keeps $2 \cdot p(a) / 5$ with $p(a) = 4/9$.

# %%
a, b, c = 0, 1, 2
toy = NGram([a, b, a, c, a, b], order=2, V=3)
by_hand = [2 * (4 / 9) / 5, (2 + 2 / 3) / 5, (1 + 2 * 2 / 9) / 5]
print("after a:", *(f"{p:.3f}" for p in toy.next_probabilities([a])))
assert abs(toy.next_probabilities([a]) - by_hand).max() < 1e-12

# %%
ladder = [NGram(ids, order, V) for order in range(8)]
rungs = [bits_per_token(m.log_probabilities(held)) for m in ladder]
for order, bits in enumerate(rungs):
    print(f"order {order}: {bits:.3f} bits, perplexity {2**bits:5.2f}")
assert rungs[1] - rungs[2] > 0.7 and rungs[4] - rungs[5] > 0.05
assert rungs[5] - rungs[6] < 0.03 and min(rungs) == rungs[6]

# %%
contexts = Counter(text[j : j + 6] for j in range(len(text) - 6))
times = np.array([contexts[held_text[j : j + 6]] for j in range(len(held_text) - 6)])
rare = (times > 0) & (times < 4)
print("of the contexts of six characters in the validation chapters")
print(f"never seen in training: {(times == 0).mean():.0%};  1 to 3 times: {rare.mean():.0%}")

# %% [markdown]
# Order 6 gains 0.014 bits on order 5, and order 7, which sees six characters, loses: many contexts that long are new to it, or were seen too seldom to be counted
# on. That is a limit of counting in a text of this size, not of what the past can tell. [Shannon (1951)](#shannon1951) let
# people guess English letters; they kept profiting from longer contexts. We hope that a net can do the same.
#
# ### One training step, line by line
#
# Forward, loss, backward, clip, update: five lines. How the third one works is [chapter 4](04_bptt.ipynb); for now it fills
# `net.gradients`. The fourth shortens gradients that are too long ([chapter 5](05_vanishing_gradients.ipynb) says why).
# [Adam](#rnnbook.nn.optimizers.Adam) ([Kingma and Ba, 2015](#kingma2015)) moves each weight along the running mean of its gradients, divided by
# their usual size. The learning rate rises for 200 steps to its peak and then falls to zero.
#
# We train for 300 steps here, and after each step look at two more things: the loss of the *same* batch again, and that of a fixed piece of held-out
# text.

# %%
story = json.loads(data.path("weights/plain-rnn.json").read_text("utf-8"))
control = results.rows("units")
own_size = [row for row in control if row["units"] == 256 and row["seed"] == 0]
peak = min(own_size, key=lambda row: row["bits held out"])["peak rate"]
rate = warmup_cosine(peak, 8 * epoch, warmup=200)
fixed_x, fixed_y = held[:2000].reshape(40, 50), held[1:2001].reshape(40, 50)
optimizer = Adam()


def fixed_loss(model):
    return losses.cross_entropy(model.forward(fixed_x)[0], fixed_y)[0]


# %%
learner = LanguageModel(letters, 256, "rnn", embedding=16, dtype="float64")
state, history, again, fixed = None, [], [], [fixed_loss(learner)]
for step, (x, y) in enumerate(batches[:300]):
    before = state
    logits, state = learner.forward(x, before)
    loss, dlogits = losses.cross_entropy(logits, y)
    learner.backward(dlogits)
    clip_by_norm(learner.gradients, 1.0)
    optimizer.update(learner.parameters, learner.gradients, rate(step))
    history.append(loss / np.log(2))
    again.append(losses.cross_entropy(learner.forward(x, before)[0], y)[0] / np.log(2))
    fixed.append(fixed_loss(learner))

# %%
rose = (np.diff(fixed) > 0).mean()
same = np.mean(np.array(again) > history)
print("bits at steps 1, 101, 201:", *(f"{bits:.1f}" for bits in history[::100]))
claim(61, ("share of steps at which the loss rose on fixed text", rose, "> 0.1", 1),
      ("on the batch just learned", same, "< 0.1", 1))

# %% [markdown]
# Does the loss decrease "after each training step", as Kostadinov says? On the batch that was just learned, nearly always. On other text it often
# rises, since what helps with one batch may hurt with another. Judge by an average, or by a held-out text.
#
# ### Eight epochs
#
# All eight epochs take more than a minute, too long for a page. `python -m benchmarks.units` ran them once, with thirteen other trainings, in
# a quarter of an hour on one core; it stored the weights in 2 bytes each, and the loss of every step. Our 300 steps must be the beginning
# of that run. But it computed in `float32`, and the 300 steps in `float64`, so each number was rounded differently. Such tiny differences
# grow in training: compare the first 100 steps one by one, and the others by their mean.

# %%
stored = np.array(story["training_bits"])
gap = np.array(history) - stored[:300]
print(f"steps: {len(stored)};  stored, at 1, 101, 201: ", *(f"{b:.1f}" for b in stored[:201:100]))
print(f"largest gap {abs(gap[:100]).max():.0e}, later {abs(gap).max():.1f}", end="")
print(f"; gap of the means after step 200: {abs(gap[200:].mean()):.2f} bits")
assert abs(gap[:100]).max() < 1e-3 and abs(gap[200:].mean()) < 0.1
assert len(stored) == 8 * epoch

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-noise", "caption": "The loss of each training step of the first epoch; our first 100 in front. Each step sees another batch, so the curve falls only on average. Dashed: unigram and bigram on the validation chapters."}, "image": {"alt": "Bits per character against the training step. The curve starts near 6.3, falls to the unigram's line, stays near it for a while, falls to the bigram's line, rests there again, falls on to about 2.5, and is jagged everywhere. The first 100 steps, drawn in another color, cover it."}}
fig, ax = plt.subplots()
ax.plot(np.arange(1, epoch + 1), stored[:epoch], color=COLORS["output"], lw=1, label="stored run")
ax.plot(np.arange(1, 101), np.round(history[:100], 2), color=COLORS["input"], label="ours")
for order, name in ((1, "unigram"), (2, "bigram")):
    ax.axhline(rungs[order], ls="--", color=COLORS["muted"], lw=1.3)
    ax.text(epoch, rungs[order] + 0.06, name, color=COLORS["muted"], ha="right")
ax.set(xlabel="training step", ylabel="bits per character", ylim=(2.2, 6.7))
fig.legend(loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# Look at the two steps in the curve. First the net learns how frequent each character is, and rests at the unigram's level. Only then
# does it find out that the character before matters, and falls to the bigram's level. It rests there again, and falls on.
#
# <a id="question-4"></a>
# ### When is the state reset?
#
# A layer starts from a state of zero unless it is told otherwise. In Keras a stateless layer forgets at the end of every batch; one with `stateful=True` goes on until you
# call `reset_state()`.

# %%
x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
for stateful in (False, True):
    layer = keras.layers.SimpleRNN(5, stateful=stateful, seed=0)
    model = keras.Sequential([keras.Input((3, 4), batch_size=2), layer])
    first, second = (np.asarray(model(x)) for _ in range(2))
    layer.stateful and layer.reset_state()
    third = np.asarray(model(x))
    same, reset = np.allclose(first, second), np.allclose(first, third)
    print(f"stateful={stateful!s:5}  same output again: {same!s:5}  after a reset: {reset}")
    assert same is not stateful and reset

# %% [markdown]
# The state is reset, then, wherever somebody decides it. In our training it is zero once an epoch, at the beginning of the text, and is carried
# through all other steps. So our net has hardly any practice in starting from zero. What that means for writing you
# will see in step 5.
#
# ### Watching it learn
#
# Four times on its way the stored run wrote 200 characters, from the prompt "The games ".

# %%
for step, sample in story["written"].items():
    print(f"after {step} training steps:")
    print(textwrap.indent(textwrap.fill(" ".join(sample.split()), 72), "    "))
assert list(story["written"]) == ["100", "300", "1000", "4000"]

# %% [markdown]
# After 100 steps it knows the frequent letters and about how long a word is. After 300 there are short words and word endings, and most capitals stand at the beginning of
# a word; after 1,000 there are many whole words, and after 4,000 most are real. Nobody told it what a word is.
#
# ### The net and the table

# %%
net = LanguageModel.load(data.path("weights/plain-rnn.npz"))
rnn_log_p = net.log_probabilities(held)
rnn_bits = bits_per_token(rnn_log_p)
promised = min(row["bits held out"] for row in own_size)
for order in range(1, 8):
    print(f"{order}-gram minus RNN: {rungs[order] - rnn_bits:6.3f} bits")
assert abs(rnn_bits - promised) < 2e-3
assert rnn_bits < rungs[3] - 0.3 and rnn_bits < min(rungs) - 0.01

# %% [markdown]
# The net beats every table, and the best of them, the 6-gram, by a little. But its size and its learning rate were chosen, and the choice matters.
#
# ### Too little room?
#
# A smaller net loses to the table. Does it help to give it more room, and nothing else? Change one thing
# only, the number of units, and choose the peak rate for each size on the validation chapters. (The figure after ± is a standard error, over blocks of the
# text; the end of step 5 says how it is taken.)

# %%
for row in (row for row in control if row["seed"] == 0):
    print(f"{row['units']} units, {row['weights']:6,} weights,", end=" ")
    print(f"rate {row['peak rate']:.3f}:", end="")
    print(f" {row['bits held out']:.3f} bits,", end="")
    print(f" {row['more than the 6-gram']:+.3f} ± {row['standard error']:.3f} from the 6-gram")

# %%
at_best = {}
for units in (128, 256, 512):
    rows = [row for row in control if row["units"] == units and row["seed"] == 0]
    at_best[units] = min(rows, key=lambda row: row["bits held out"])
best = {units: row["bits held out"] for units, row in at_best.items()}
print("at the best rate:", *(f"{units} units {bits:.3f};" for units, bits in best.items()))
assert best[128] - best[256] > 0.08 and best[256] - best[512] > 0.02
assert best[128] > rungs[5] + 0.05
assert best[256] < min(rungs)

# %% [markdown]
# Each size has the same four rates to choose from, and nothing else differs. At its best, the net of 128 units loses to the 5-gram and to the 6-gram by
# far more than the standard error; the net of 256 units beats both, and the net of 512 leads by 0.05 bits, at half the rate. The rate matters as much: at half the best rate the net of 256 only draws level with the 6-gram, and at a
# quarter or at twice that rate it loses by 0.08 bits or more, as a small net does.
#
# Is the lead over the 6-gram luck of the first weights? The same net, trained from other seeds:

# %%
seeds = {row["seed"]: row for row in control if row["units"] == 256 and row["peak rate"] == peak}
for seed, row in seeds.items():
    bits, lead = row["bits held out"], -row["more than the 6-gram"]
    print(f"seed {seed}: {bits:.3f} bits, {lead:.3f} fewer than the 6-gram")
trained = [row["bits held out"] for row in seeds.values()]
assert len(seeds) == 3 and max(trained) < min(rungs) - 0.01
assert max(trained) - min(trained) < (best[128] - best[256]) / 4

# %% [markdown]
# No. The spread over the seeds is small beside the lead, and smaller still beside the 0.12 bits that 256 units gain over 128. That holds for this text and this
# training. We go on with 256 units, since 512 take three times as long.
#
# ### How far does it look?
#
# Take 1,000 places of the validation text. Give the net the true last $k$ characters, and before them 30 characters from
# somewhere else in the text. If it makes use of what lies further back, a larger $k$ must help. As a control, give it the $k$ characters
# after a state of zero, where there is nothing false to forget.

# %%
place = np.linspace(200, len(held) - 1, 1000).astype(int)
false = np.roll(place, 500)[:, None] + np.arange(-30, 0)  # of a place far away


def after(model, k, wrong):
    known = held[place[:, None] + np.arange(-k, 0)]
    u, _ = model.forward(np.hstack([held[false], known]) if wrong else known)
    return losses.cross_entropy(u[:, -1], held[place])[0] / np.log(2)


spans = (1, 2, 4, 8, 16, 32)
reach = {k: after(net, k, True) for k in spans}
from_zero = {k: after(net, k, False) for k in spans}
counted = [bits_per_token(m.log_probabilities(held)[place]) for m in ladder[2:]]

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-reach", "caption": "Bits per character against the number of true characters before the one to predict: the net after 30 false characters, the net after a state of zero, and the n-gram models, which see no more."}, "image": {"alt": "Three falling curves. The n-gram models' curve is lowest up to five characters and then flat. Those of the net, after false text and after zero, start near 6 bits, fall steeply, lie close together from eight characters on and are flat after that, at the n-gram models' floor."}}
fig, ax = plt.subplots()
ax.plot(list(reach), list(reach.values()), "o-", color=COLORS["output"], label="after false text")
ax.plot(list(from_zero), list(from_zero.values()), "^:", color=COLORS["hidden"], label="after zero")
ax.plot(range(1, 7), counted, "s--", color=COLORS["input"], label="n-gram models")
ax.set(xlabel="true characters before", ylabel="bits per character")
ax.set(xscale="log", ylim=(1.5, 7))
ax.set_xticks([1, 2, 4, 8, 16, 32], labels=["1", "2", "4", "8", "16", "32"])
ax.minorticks_off()
fig.legend(loc="outside upper center", ncols=3)
plt.show()

# %%
print(f"4 true characters: after false ones {reach[4]:.2f}, after zero {from_zero[4]:.2f},", end="")
print(f" 5-gram {counted[3]:.2f} bits")
print(f"from 2 to  8 true characters: {reach[2] - reach[8]:.2f} bits saved")
print(f"from 8 to 32 true characters: {reach[8] - reach[32]:.2f} bits saved")
assert reach[2] - reach[8] > 0.4 and reach[8] - reach[32] < 0.2
assert min(reach[4], from_zero[4]) > counted[3] + 0.2
assert abs(reach[16] - from_zero[16]) < 0.1

# %% [markdown]
# With four characters after false ones the net is far behind the 5-gram, which sees the same four. With four after zero it is
# behind as well, and there it has nothing to forget. So whatever it starts from, its state needs some eight characters to settle. More
# than that is worth little to it: its reach is a word or two, and that was enough to beat the tables.
#
# Do more units look further back, or make more of the same few characters? The table of sizes has the same measurement, at 4,000 places:

# %%
for units, row in at_best.items():
    near, far = row["bits after 8"], row["bits after 32"]
    print(f"{units} units: after 8 true characters {near:.2f} bits, after 32 {far:.2f}", end="")
    print(f"; saved {near - far:.2f}")
near = {units: row["bits after 8"] for units, row in at_best.items()}
further = {units: near[units] - row["bits after 32"] for units, row in at_best.items()}
spread = np.ptp([row["bits after 8"] for row in seeds.values()])
print(f"after 8, the three seeds of 256 units differ by {spread:.2f}")
assert near[128] - near[256] > 2 * abs(further[256] - further[128])
assert spread > best[256] - best[512]

# %% [markdown]
# From 128 to 256 units the net gains 0.12 bits with eight characters, and hardly more with 32: it makes more of the same few characters. What 512 units
# gain over 256 shows with 32 characters and not with eight. But there the three seeds of 256 units differ by more than that gain, so the table cannot say where it comes from.
#
# Another net looks a little further: the LSTM that [chapter 7](07_lstm_gru.ipynb) explains and chapter 8 trains.

# %%
from rnnbook.show.instruments.generator import load, round_weights

gated = load()
place, false = place[::2], false[::2]
saved, ours = ({k: after(model, k, True) for k in (5, 10, 25, 100)} for model in (gated, net))
for name, bits in (("LSTM", saved), ("RNN", ours)):
    print(f"{name}, after 5, 10, 25, 100:", *(f"{b:.2f}" for b in bits.values()), "bits")
assert abs(ours[10] - ours[25]) < 0.03
claim(43, ("bits that characters 11 to 25 back save an LSTM", saved[10] - saved[25], "> 0.03", 1),
      ("characters 26 to 100 back", saved[25] - saved[100], "< 0.06", 1))

# %% [markdown]
# At the same spans, our net gains nothing after the tenth character.
#
# "Predicting the next element in the sequence depends on all the previous elements", says Kostadinov. In principle, yes: the hero
# of a novel was named on its first page. The LSTM, our best reader of characters, needs two dozen of them, some perhaps only for its state to settle after the
# false ones; what is older tells it little. Whether there is more to be had, this measurement cannot say.
#
# ### Two heads
#
# The net and the table know different things. Give each an equal say: the mean of their probabilities beats both.

# %%
five_log_p = ladder[5].log_probabilities(held)
mixed = np.logaddexp(rnn_log_p, five_log_p) - np.log(2)
mix_bits = bits_per_token(mixed)
better = (rnn_log_p > five_log_p).mean()
print(f"RNN {rnn_bits:.3f}, 5-gram {rungs[5]:.3f}, their mean {mix_bits:.3f} bits")
print(f"the RNN gave the true character more: {better:.0%} of the time")
assert mix_bits < min(rungs[5], rnn_bits) - 0.02

# %% [markdown]
# ### A low loss is not yet learning
#
# "Once it crosses a certain threshold, we can state that the network has successfully learned", says Kostadinov of the loss. Take a scrap of
# the text, 2,000 characters, and train a small net on it for a long time.

# %%
scrap = LanguageModel(letters, 128, "rnn", embedding=16, dtype="float64")
recipe = {"rate": 3e-3, "optimizer": Adam(), "B": 4, "T": 32, "every": 500}
memory = train(scrap, ids[:2000], held[:10_000], 1500, **recipe, progress=False)
assert memory[3]["held_out"] > memory[2]["held_out"] > memory[1]["held_out"]
by_heart, elsewhere = (2 ** memory[-1][key] for key in ("training", "held_out"))
claim(62, ("perplexity on what it was trained on", by_heart, "< 1.5", 2),
      ("of that net on held-out text, to the nearest hundred", int(round(elsewhere, -2)), "> 50"),
      ("the unigram's there", 2 ** rungs[1], "< 25"))

# %% [markdown]
# Nearly perfect on the scrap, and on held-out text worse than the unigram, which knows only how frequent each character is. It has
# learned 2,000 characters by heart, and the longer it trains, the worse it gets there. No threshold on the training loss tells
# learning from memorizing ([Goodfellow et al., 2016](#goodfellow2016), section 5.2); the held-out perplexity does.
#
# ## Step 5: writing, and judging what was written
#
# <a id="question-23"></a>
# ### How do I generate step by step?
#
# Feed the prompt, keep the state that comes back, choose a token from the logits, feed that one token with that state, and so on.

# %%
rng = np.random.default_rng(0)
logits, state = net.forward(letters.encode("The games ")[None])
written = []
for _ in range(60):
    token = next_token(logits[0, -1], rng, temperature=0.5)
    written.append(token)
    logits, state = net.forward([[token]], state)  # one token, and the state
print("The games " + letters.decode(written))
whole, _ = net.forward([[*letters.encode("The games "), *written]])
assert abs(whole[0, -1] - logits[0, -1]).max() < 1e-9

# %% [markdown]
# The last two lines check the loop: reading the whole text at once gives the same last logits. A common mistake in published code is to forget the state,
# so that the net starts afresh at each character, from zero or even from random numbers. It then sees a text
# of length one, again and again. Measured on the held-out text, and in the writing:

# %%
u, _ = net.forward(np.arange(V)[:, None])  # after each character, from zero
fresh_p = losses.softmax(u[:, 0])
fresh_bits = bits_per_token(np.log(fresh_p[held[:-1], held[1:]]))
rng, token, amnesic = np.random.default_rng(0), letters.encode(" ")[0], []
for _ in range(60):
    token = rng.choice(V, p=fresh_p[token])
    amnesic.append(token)
print("The games", *letters.decode(amnesic).split())
print(f"state carried {rnn_bits:.2f} bits, fresh {fresh_bits:.1f}, bigram {rungs[2]:.2f}")
assert fresh_bits > rungs[2]

# %% [markdown]
# Worse than a bigram, which also sees only one character: the net was hardly ever asked to predict so soon after zero. The curve
# "after zero" in [Figure 3.3](#fig-reach) says how many characters it takes to get going: eight or so. So carry the state, and where you must start from
# zero, let the net read a prompt of a line or two first.
#
# ### Shannon's ladder
#
# [Shannon (1948)](#shannon1948) let tables of higher and higher order write. Here is the same with ours, then a table of words, the trigram, and
# at the end our net.

# %%
def show(name, written):
    print(f"{name}:")
    print(textwrap.indent(textwrap.fill(" ".join(written.split()), 72), "    "))


start = letters.encode("The games ")
for order in (1, 2, 3, 4, 6):
    drawn = ladder[order].sample(140, context=start)
    show(f"{order}-gram of characters", "The games " + letters.decode(drawn))

# %%
trigram = NGram(words.encode(text), 3, len(words))
drawn = trigram.sample(30, context=words.encode("The games"))
show("trigram of words", "The games " + words.decode(drawn))
show("RNN", net.generate(140, "The games "))

# %% [markdown]
# From order to order the scraps get more like English. The table of words spells everything right, since it cannot do otherwise, and its sentences
# wander off after three words. That is Kostadinov's task, which was about words, done by counting. The net writes words of its own making among real ones.
#
# <a id="question-22"></a>
# ### Why does the text repeat itself?
#
# Take the most probable character each time, the argmax, as much published code does, and see.

# %%
period = {}
for opening in ("The games ", "I volunteer", "The water"):
    greedy = net.generate(1500, opening, top_k=1)
    tail = greedy[-1000:]
    period[opening] = next(k for k in range(1, 500) if tail[k:] == tail[:-k])
    print(f"{greedy[:60]!r}...  period {period[opening]}")
assert max(period.values()) < 300

# %% [markdown]
# Greedy text falls into a loop and never leaves it. A likely character leads to a likely state, which leads back to a likely
# character: where the last words repeat, the state nearly repeats too. Human text is not the most probable text
# ([Holtzman et al., 2020](#holtzman2020)). So draw from the distribution, but perhaps not from all of it:
#
# - **[temperature](#term-temperature)** $\tau$: draw from $\mathrm{softmax}(u / \tau)$. Below 1 the likely get likelier; toward 0 it becomes greedy;
# - **[top-k](#term-top-k)**: keep the $k$ most probable ([Fan et al., 2018](#fan2018));
# - **[top-p](#term-top-p)**, or nucleus: keep the fewest whose probabilities sum to $p$ ([Holtzman et al., 2020](#holtzman2020)).
#
# Here is what each does to the character after "He says I volunteer".

# %%
u = net.forward(letters.encode("He says I volunteer")[None])[0][0, -1]
settings = {"as it is": {}, "τ = 0.5": {"temperature": 0.5}, "τ = 1.5": {"temperature": 1.5},
            "top-k = 3": {"top_k": 3}, "top-p = 0.9": {"top_p": 0.9}}
top = np.argsort(-u, kind="stable")[:12]

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-sampling", "caption": "The distribution of the next character after 'He says I volunteer', as it is and as four settings change it. The twelve most probable characters are shown."}, "image": {"alt": "Five rows of bars for the same twelve characters. Temperature 0.5 concentrates the bars on the left, temperature 1.5 levels them, top-k of 3 keeps the first three, and top-p of 0.9 keeps as many as are needed for nine tenths."}}
fig, axes = plt.subplots(5, 1, figsize=(5.8, 5.6), sharex=True, sharey=True)
for ax, (name, setting) in zip(axes, settings.items(), strict=True):
    ax.bar(range(12), distribution(u, **setting)[top], color=COLORS["output"])
    ax.text(11.4, 0.9, name, ha="right", va="top")
signs = {" ": "space", "\n": "line", ".": "dot", ",": "comma", "'": "apostr.", '"': "quote"}
shown = [signs.get(c := letters.tokens[j], c) for j in top]
ax.set_xticks(range(12), labels=shown, rotation=90)
ax.set(xlabel="next character")
axes[0].set(ylim=(0, 1))
fig.supylabel("probability", fontsize="medium")
plt.show()

# %%
for name, setting in settings.items():
    kept = (distribution(u, **setting) > 0).sum()
    print(f"{name:12} {kept:3} characters can follow 'volunteer'; a text from 'The games ':")
    sample = net.generate(150, "The games ", seed=0, **setting)
    print(textwrap.indent(textwrap.fill(" ".join(sample.split()), 68), "    "))
assert (distribution(u, top_k=3) > 0).sum() == 3

# %% [markdown]
# > **Common wrong answers.** "Temperature 0 is the best model": it is the loop above. "Top-k and top-p teach the net something": they only
# > cut off what it says rarely.
#
# No setting is right. A low temperature writes real words and dull text, a high one invents words. These knobs change
# the taste, not what the net knows; and the bits of a changed distribution are worse than those of the net's own, unless
# the net was too sure of itself, or not sure enough (Exercise 3.9).
#
# Turn them yourself, on a better net: the LSTM, a recurrent net with gates, that chapter 8 trains on the same chapters, rounded so that each weight takes
# one byte instead of four. There it also writes a whole chapter, "Games".

# %%
writer = round_weights(gated)
judged = writer.encode(held_text)[:20_000]
writer_bits, rounded_from = (
    bits_per_token(model.log_probabilities(judged)) for model in (writer, gated)
)
print(f"bits on 20,000 characters: {writer_bits:.2f}; our net", end=" ")
print(f"{bits_per_token(rnn_log_p[:20_000]):.2f}")
show("LSTM", writer.generate(300, "The games "))
assert writer_bits < bits_per_token(rnn_log_p[:20_000]) - 0.1
assert abs(writer_bits - rounded_from) < 0.002

# %% [markdown]
# It writes in this page, and nothing that you type leaves it. Run in JupyterLab or on Colab, the cell below has no file of weights beside
# it: write `instruments.show("generator", embed=True)` there.

# %%
instruments.show("generator")

# %% [markdown]
# ### An unknown word in the prompt
#
# A dictionary from words to ids stops with a `KeyError` at the first word that training never saw. A vocabulary with a token for the
# unknown goes on.

# %%
number = {token: j for j, token in enumerate(words.tokens)}
try:
    number["Katniss"]
except KeyError as error:
    print("a plain dictionary: KeyError", error)
print("the vocabulary:", words.encode("Katniss volunteers"))
print("a prompt with an unknown letter:", repr(net.generate(30, "Señor ø", seed=0)))
assert words.encode("Katniss")[0] == 0

# %% [markdown]
# ### What did it copy?
#
# "Evaluate your model by making a fresh new prediction", says the last of Kostadinov's five steps, though he has a section on cross-entropy too. One
# prediction proves little, and a passage that
# reads well may be one that was learned by heart. Two measurements instead: the bits on held-out text, which you have; and an audit. Let the net write
# 5,000 characters, and the 5-gram too. As the reference take 5,000 characters of a held-out chapter: that author, at
# least, did not copy. Find the longest passage that stands in the training text, and the share of sequences of 8 characters that do
# not.


# %%
def longest_copy(written, source):
    best, n = "", 1
    for start in range(len(written)):
        while start + n <= len(written) and written[start : start + n] in source:
            best, n = written[start : start + n], n + 1
    return best


def sequences(string, n):
    return [string[j : j + n] for j in range(len(string) - n + 1)]


def share_new(written, known, n):
    return np.mean([s not in known for s in sequences(written, n)])


# %%
n = 5000
five = letters.decode(ladder[5].sample(n, seed=1, context=start))
pieces = {"RNN": net.generate(n, "The games ", seed=1),
          "RNN, τ = 0.5": net.generate(n, "The games ", seed=1, temperature=0.5),
          "5-gram": five, "held-out": held_text[-n:]}
copies = {name: longest_copy(piece, text) for name, piece in pieces.items()}
eights = set(sequences(text, 8))
new = {name: share_new(piece, eights, 8) for name, piece in pieces.items()}
for name, copied in copies.items():
    print(f"{name:13}{new[name]:6.0%} new; longest copy {len(copied):2}: {copied!r}")

# %%
vocabulary = set(stream)


def real(written):
    return np.mean([word in vocabulary for word in re.findall("[A-Za-z]{2,}", written)])


logits = net.forward(held[None, :20_000])[0][0, :-1]
cool, plain = (
    losses.cross_entropy(logits / tau, held[1:20_000])[0] / np.log(2) for tau in (0.5, 1)
)
claim(63, ("share of real words at τ = 0.5", real(pieces["RNN, τ = 0.5"]), "> 0.85", 2),
      ("at τ = 1", real(pieces["RNN"]), "< 0.85", 2),
      ("bits that τ = 0.5 costs more on held-out text", cool - plain, "> 0.2", 2))

# %% [markdown]
# At a low temperature the sample looks better, but the distribution it is drawn from predicts the held-out text worse: a sample shows taste, the held-out bits show what the model
# knows. And at which length does a text become a copy?

# %%
lengths, shares = range(2, 17, 2), {name: [] for name in pieces}
for n in lengths:
    known = set(sequences(text, n))
    for name, piece in pieces.items():
        shares[name].append(share_new(piece, known, n))
assert new["RNN"] > new["held-out"] > new["RNN, τ = 0.5"]
assert shares["held-out"][-1] == min(share[-1] for share in shares.values())

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-new", "caption": "The share of the sequences of n characters that do not occur in the training text, for four texts of 5,000 characters."}, "image": {"alt": "Four rising curves against n from 2 to 16. Those of the RNN and of the 5-gram lie above that of the held-out chapter from n of 6 on. The RNN's at temperature 0.5 lies below it up to 12 and just above it at 16, where nearly everything is new in all four."}}
fig, ax = plt.subplots()
looks = ("output", "o-"), ("output", "o:"), ("input", "s-"), ("ink", "^-")
for name, (kind, look) in zip(pieces, looks, strict=True):
    ax.plot(lengths, shares[name], look, color=COLORS[kind], label=name, ms=5)
ax.set(xlabel="characters in the sequence", ylabel="share that is new")
fig.legend(loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# Read the curves with the reference in mind. New is not good in itself: at temperature 1 the RNN is *newer* than the author, probably because it
# misspells. At 0.5 it is *less* new than the author up to 12 characters: it seems to write the commonest words over and over. Yet none of the three
# copied a passage longer than a phrase, and at 16 characters it is the author who repeats most of the training text: people have set
# phrases, names and formulas.
#
# So sort a text: what of it occurs in the training chapters, what only in the validation chapters, and what in neither?


# %%
held_eights = set(sequences(held_text, 8))


def sorted_text(written):
    mark = np.full(len(written), 2)  # 0 in training, 1 in held-out only, 2 new
    for kind, known in ((1, held_eights), (0, eights)):
        for j, s in enumerate(sequences(written, 8)):
            if s in known:
                mark[j : j + 8] = kind
    return mark


# %%
for name, piece in pieces.items():
    if name != "held-out":
        known, later, fresh = np.bincount(sorted_text(piece), minlength=3) / len(piece)
        print(f"{name:13} in training {known:.0%}", end="")
        print(f", in held-out only {later:.1%}, new {fresh:.0%}")

# %%
sample = pieces["RNN"][:300]
mark = sorted_text(sample)
shown = (c.upper() if m == 2 else c.lower() for c, m in zip(sample, mark, strict=True))
print(textwrap.fill("".join(shown), 76))
assert (mark == 2).any() and (mark == 0).any()

# %% [markdown]
# Capitals mark what occurs in neither: a letter is a capital if none of the eight-character sequences around it stands in a training or validation chapter. Mostly these are words
# of the net's own making. In small letters it "copied", but at this length to copy is to write English. Passages of 50 characters would be
# another matter; chapter 8 audits a larger net. (The share of new characters is far smaller than that of new sequences above: one known
# sequence makes all its eight characters known.)
#
# <a id="question-30"></a>
# ### Why is my result not reproducible?
#
# Random numbers set the first weights and draw the text. In many trainings they also shuffle the batches and switch off units (*dropout*, in chapter 8). Fix each **[seed](#term-seed)**, and a run on the same machine gives the
# same numbers. With Keras, `keras.utils.set_random_seed` sets the generators of Python, NumPy and the backend, and `enable_op_determinism`, of `tf.config.experimental`, makes a GPU add in the same order each time. But one seed is one draw: report several.

# %%
def short_run(seed):
    small = LanguageModel(letters, 32, "rnn", embedding=16, seed=seed, dtype="float64")
    record = train(small, ids, held[:5000], 100, rate=4e-3, optimizer=Adam(),
                   B=32, T=16, every=100, progress=False)
    return record[-1]["held_out"]


bits_of = [short_run(seed) for seed in (0, 0, 1, 2)]
print("seeds 0, 0, 1, 2:", *(f"{bits:.3f}" for bits in bits_of))
assert bits_of[0] == bits_of[1] != bits_of[2]

# %% [markdown]
# And is the difference between two models more than chance? One way to ask needs no second training: take the difference on each
# block of 500 held-out characters. Its mean has a standard error, the "±" in the table of sizes. That covers the
# chance of the text, not that of the seed. For the seed, train several nets *of the kind you compare*, to the end, as we did with the 256 units:
# the small nets above, stopped after 100 steps, lie much further apart.
#
# ## The test, once
#
# All choices are made: the size, the epochs, the rate, and the 6-gram as the best table. Now open the test chapters.

# %%
test_ids = letters.encode(data.novel("test"))
test_log_p = {name: model.log_probabilities(test_ids)
              for name, model in (("RNN", net), ("6-gram", ladder[6]))}
tested = {name: bits_per_token(log_p) for name, log_p in test_log_p.items()}
difference = (test_log_p["RNN"] - test_log_p["6-gram"]) / np.log(2)
blocks = difference[: len(difference) // 500 * 500].reshape(-1, 500).mean(axis=1)
lead, error = blocks.mean(), blocks.std(ddof=1) / len(blocks) ** 0.5
for name, bits in tested.items():
    print(f"{name:7} {bits:.3f} bits per character on the test chapters")
print(f"lead of the RNN: {lead:.3f} ± {error:.3f}")
assert abs(tested["RNN"] - rnn_bits) < 0.15
assert lead > 2 * error

# %% [markdown]
# The verdict of the validation chapters stands: the net wins, by a little.
#
# ## Summary
#
# - A corpus is running text, of tokens; a vocabulary holds its types. One-hot times a matrix is a look-up: store ids, never one-hot codes.
# - Word vectors from counts put similar words near each other, some of the time. Measure it on classes fixed in advance.
# - Softmax needs its maximum subtracted. Cross-entropy is bits of surprise; an untrained net starts at $\ln V$; perplexities of different
#   tokens cannot be compared, bits per character can.
# - A time step reads a token, a training step updates the weights, an epoch is one pass. A step nearly always lowers the loss of its own batch; on other text the loss often rises.
# - With 128 units our net loses to a table of counts. With 256 and the right rate it wins, though it looks back no further than a word
#   or two; with 512, by more. What gates add to the reach is the subject of chapter 7.
# - Argmax loops. Sample, carry the state, and after a reset let the net read a line before you trust it.
# - Judge a generator by held-out bits and by what it copied, never by one sample.
#
# ## What number should I get?

# %%
for what, value, tolerance in (
    ("types of characters, with the unknown", V, "exact"),
    ("untrained net, nats above ln V", start_gap, "0.001"),
    ("5-gram, bits per character", rungs[5], "0.001"),
    ("6-gram, bits per character", rungs[6], "0.001"),
    ("RNN, held-out bits per character", rnn_bits, "0.02"),
    ("mean of RNN and 5-gram", mix_bits, "0.02"),
    ("fresh state at every character", fresh_bits, "0.5"),
    ("RNN, test bits per character", tested["RNN"], "0.02"),
):
    print(f"{what:40} {value:7.3f}   tolerance {tolerance}")

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of the dots and run the cell: it says whether it is right, and if not, where to look. The
# solutions, in the book, are folded below each.
#
# ### Exercise 3.1: Tokens and types
#
# *by hand · 3 minutes*
#
# How many tokens has "The rope holds. The water rises.", in words and punctuation marks, and how many types?

# %% tags=["stub"]
counts = ...  # a list of two numbers: tokens, types

check("3.1", counts)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
pieces = tokens("The rope holds. The water rises.", "words")
counts = [len(pieces), len(set(pieces))]
print(pieces)
check("3.1", counts)

# %% [markdown]
# ### Exercise 3.2: Bits with a pencil
#
# *by hand · 5 minutes*
#
# A model gave the four tokens of a text the probabilities 1/2, 1/8, 1/4 and 1/4. How many bits per token is that, and
# what is the perplexity?

# %% tags=["stub"]
measures = ...  # a list of two numbers: bits per token, perplexity

check("3.2", measures)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
bits = (1 + 3 + 2 + 2) / 4  # minus the logarithms to base 2, averaged
measures = [bits, 2**bits]
check("3.2", measures)

# %% [markdown]
# ### Exercise 3.3: Three clocks
#
# *by hand · 6 minutes*
#
# A text has 100,001 characters. You read it in B = 20 rows with T = 50 time steps to a batch, for 3 epochs. How many training steps are in an epoch,
# how many in all, and how many predictions does one training step make?

# %% tags=["stub"]
clocks = ...  # a list of three numbers

check("3.3", clocks)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# 100,000 characters have a successor to predict; a step takes 20 times 50 of them.
clocks = [100_000 // (20 * 50), 3 * 100_000 // (20 * 50), 20 * 50]
check("3.3", clocks)

# %% [markdown]
# ### Exercise 3.4: Count the generator
#
# *by hand · 6 minutes*
#
# A generator of words has a vocabulary of 5,000 types, an embedding of 100 numbers, and 200 hidden units, as in [Equation 3.3](#3.3). How many
# parameters has the embedding, the recurrent layer, and the output layer?

# %% tags=["stub"]
sizes = ...  # a list of three numbers

check("3.4", sizes)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
sizes = [5000 * 100, 200 * 100 + 200 * 200 + 200, 5000 * 200 + 5000]
print(sizes)  # the recurrent layer is the smallest part by far
check("3.4", sizes)

# %% [markdown]
# ### Exercise 3.5: A softmax that survives
#
# *code · 8 minutes*
#
# Write `softmax(u)` for logits of shape (B, V), one distribution a row. It must also work where logits are 5,000 and more.


# %% tags=["stub"]
def softmax(u): ...


check("3.5", softmax)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_03 import softmax

check("3.5", softmax)

# %% [markdown]
# ### Exercise 3.6: One currency
#
# *code · 10 minutes*
#
# Write `bits_per_char(p, text)`: `p` holds the probability that a model of words gave to each word of `text`. Return the bits per
# *character*.


# %% tags=["stub"]
def bits_per_char(p, text): ...


check("3.6", bits_per_char)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_03 import bits_per_char

check("3.6", bits_per_char)

# %% [markdown]
# ### Exercise 3.7: The nucleus
#
# *code · 15 minutes*
#
# Write `nucleus(p, share)`: keep the fewest most probable types whose probabilities sum to at least `share`, set the others to zero, and return
# the distribution over those kept. `p` has shape (V,).


# %% tags=["stub"]
def nucleus(p, share): ...


check("3.7", nucleus)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_03 import nucleus

check("3.7", nucleus)

# %% [markdown]
# ### Exercise 3.8: Caught repeating
#
# *code · 15 minutes*
#
# A generator may also copy from itself. Write `repeated(written)`, which returns the longest passage that stands in `written` more than
# once, the first one if there are several. Its two places may overlap. What must change in `longest_copy`? Try it on greedy text.


# %% tags=["stub"]
def repeated(written): ...


check("3.8", repeated)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_03 import repeated

check("3.8", repeated)
print("greedy:  ", len(repeated(greedy)), "of", len(greedy), "characters")
print("held-out:", len(repeated(held_text[: len(greedy)])))

# %% [markdown]
# ### Exercise 3.9: Is the net over-confident?
#
# *explore · 20 minutes*
#
# Divide the logits of our net by a temperature before the softmax, and measure the bits per character on the first 20,000 held-out characters. Which
# temperature, to the nearest 0.1, gives the fewest bits? What would an answer far below or above 1 say about the net? Guess before you run.

# %% tags=["stub"]
temperature = ...  # a number

check("3.9", temperature)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
logits = net.forward(held[None, :20_000])[0][0, :-1]
tried = {}
for tau in np.arange(0.5, 1.55, 0.1).round(2):
    nats, _ = losses.cross_entropy(logits / tau, held[1:20_000])
    tried[float(tau)] = nats / np.log(2)
temperature = min(tried, key=tried.get)
for tau in (0.5, 0.7, 0.9, 1.0, 1.1, 1.3):
    print(f"temperature {tau}: {tried[tau]:.3f} bits")
# Far below 1 the net would be not sure enough, far above 1 over-confident.
# At 1, within what a few thousandths of a bit can tell, it is neither.
print(f"best: {temperature}")
check("3.9", temperature)

# %% [markdown]
# ### Exercise 3.10: Beat the mixture
#
# *explore · an evening*
#
# The net and the 5-gram, half and half, are better than either. Do better still: fewer than 1.76 bits on the validation chapters. For that, twenty
# minutes and what is in memory are enough. Which tables, and with which shares? Choose the shares on the first half of the text and look at the
# second. Then spend the evening on what we left open: train 512 units, or another seed of 256 to mix in, and see how much lower you get.
# Hand in the natural log-probability of each character of `data.novel("validation")`, the first one too, shape (n,).

# %% tags=["stub"]
log_p = ...  # one number a character

check("3.10", log_p)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
half, found = len(held) // 2, {}
for order in (5, 6, 7):
    table = ladder[order].log_probabilities(held)
    for share in np.arange(0.1, 0.95, 0.1).round(1):
        both = np.logaddexp(rnn_log_p + np.log(share), table + np.log(1 - share))
        found[order, float(share)] = both
order, share = max(found, key=lambda key: found[key][:half].mean())
log_p = found[order, share]
print(f"{order}-gram, share of the net {share}:", end=" ")
print(f"{bits_per_token(log_p[half:]):.3f} bits on the half it was not chosen on")
print(f"{bits_per_token(log_p):.3f} on all")
check("3.10", log_p)

# %% [markdown]
# ### Exercise 3.11: Turn the knobs
#
# *predict · 8 minutes*
#
# The generator in this page gets the prompt "He did not answer the q". **Before you touch it**, predict: with top-k and $k = 1$, how many different
# texts can the seeds 0 to 9 give? With top-p, $p = 0.9$ and temperature 1, how many characters can follow the q? And does that number rise or
# fall at temperature 2? Then <a href="#at=generator&amp;prompt=He+did+not+answer+the+q&amp;temperature=1&amp;cut=p">set it so</a>, load the model,
# and hand in what you see: three whole numbers, the last one read at temperature 2.

# %% tags=["stub"]
seen = ...  # a list of three whole numbers

check("3.11", seen)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
prompt = writer.encode("He did not answer the q")
texts = {tuple(writer.sample(40, prompt, seed, top_k=1)) for seed in range(10)}
log_p = np.log(writer.next_probabilities(prompt))
seen = [len(texts)]  # greedy: no chance is left, so the seed is not asked
for tau in (1.0, 2.0):  # a higher temperature levels: more characters make up nine tenths
    seen.append(int((distribution(log_p, tau, top_p=0.9) > 0).sum()))
print(seen)
check("3.11", seen)

# %% [markdown]
# ### Exercise 3.12: Smooth by hand
#
# *by hand · 8 minutes*
#
# In the text "abacab", with three types, which probability does a bigram with the smoothing of [Equation 3.6](#3.6) give to "a" after "b", and which to
# "c" after "b"?

# %% tags=["stub"]
chances = ...  # a list of two numbers

check("3.12", chances)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# b was followed once, by a: the last b has no successor. So N(b) = T(b) = 1.
p_a, p_c = (3 + 3 / 3) / (6 + 3), (1 + 3 / 3) / (6 + 3)
chances = [(1 + 1 * p_a) / (1 + 1), (0 + 1 * p_c) / (1 + 1)]
assert np.allclose(chances, toy.next_probabilities([1])[[0, 2]])
print(*(f"{chance:.3f}" for chance in chances))
check("3.12", chances)

# %% [markdown]
# ### Exercise 3.13: Writing, step by step
#
# *code · 15 minutes*
#
# A net is given as a function: `read(token, state)` reads one token, where the state is `None` at the start, and returns the probabilities of
# the next token and the state after it. Another function, `choose(p)`, draws a token. Write `write(read, prompt, n, choose)`: it reads the prompt, a list of
# tokens, and returns the `n` tokens that follow.


# %% tags=["stub"]
def write(read, prompt, n, choose): ...


check("3.13", write)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_03 import write

check("3.13", write)


def read(token, state):
    logits, state = net.forward([[token]], state)
    return losses.softmax(logits[0, -1]), state


rng = np.random.default_rng(0)
drawn = write(read, letters.encode("The games "), 60, lambda p: rng.choice(V, p=p))
print("The games " + letters.decode(drawn))

# %% [markdown]
# ## Further reading
#
# - [Shannon (1951)](#shannon1951): people as language models, guessing letter by letter.
# - [Bengio et al. (2003)](#bengio2003): the neural language model, and the learned embedding.
# - [Mikolov et al. (2010)](#mikolov2010), [Sutskever et al. (2011)](#sutskever2011) and [Graves (2013)](#graves2013): recurrent nets that model language and write it.
# - [Karpathy (2015)](#karpathy2015): the essay that made character-level generators popular.
# - [Levy and Goldberg (2014)](#levy2014): what word2vec computes.
# - [Holtzman et al. (2020)](#holtzman2020): why the most probable text is not good text.
# - [Manning and Schütze (1999)](#manning1999): corpora, tokens, types and n-gram models.
