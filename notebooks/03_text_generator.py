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
# will see a net that learned for eight epochs lose to a table of counts, and find out why.
#
# | You will | train a recurrent net, character by character, on a novel; let it write; look for what it copied |
# |---|---|
# | **You learn** | what tokens, embeddings, softmax, cross-entropy and perplexity are; to tell time step, training step and epoch apart; to sample with temperature, top-k and top-p; to judge a generator |
# | **You need** | [Chapter 1](01_recurrent_neuron.ipynb) and [Chapter 2](02_unfolding.ipynb): the layer, its shapes, teacher forcing |
# | **It takes** | 2 hours to read and run, 4 hours with the exercises but 3.10, and an evening for that one |

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
from rnnbook.show import instruments, style
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
# The source tells you to find the novels online and to copy them. Don't: they are under copyright, and a course that
# passed them on would break the law. This course brings [a novel of its own](../notebooks/the_novel.ipynb), which you may use as you
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
borrowed = re.findall("Katniss|Peeta|Panem", text + held_text)
claim(64, ("chapters of the course's novel", len(licences), "> 30"),
      ("of these not under CC0", sum(x != "CC0-1.0" for x in licences), "== 0"),
      ("names from The Hunger Games in it", len(borrowed), "== 0"))

# %% [markdown]
# ### Tokens and types
#
# A **[token](#term-token)** is a piece of running text, a **[type](#term-type)** a kind of token. The **[corpus](#term-corpus)** is all the
# tokens, in order. The **[vocabulary](#term-vocabulary)** is the list of its types, and has no order that means anything.
# The source calls a corpus "an array of all words in the example vocabulary", which confuses the two. Count both.

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
# [the novel](../notebooks/the_novel.ipynb) draws. So a net that reads words meets many of them a single time. Ours will read characters:
# there are few types, each is frequent, and no word is ever unknown. The price is a longer sequence.
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
# Never *store* one-hot codes. In the source's example the vocabulary has 20,000 words. One-hot code a text of a million
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
# x\, E = E_{\mathrm{id}}, \qquad \text{shapes } (V,)\,(V, D) \to (D,)
# $$ (3.1)
#
# That row is the type's **[embedding](#term-embedding)**. You need no product for it, only `E[ids]`, and $E$ is learned like
# any weight ([Bengio et al., 2003](#bengio2003)). Is one-hot coding itself "a type of word embedding", as the source says?
# In a trivial sense, with $E = I$. But then any two types are equally unlike: their **[cosine](#term-cosine-similarity)** is
# always 0. What makes embeddings useful is that similar types can get similar vectors.

# %%
rng = np.random.default_rng(0)
E = rng.normal(size=(V, 16))
looked_up, product = E[[i, v]], one_hot @ E
gap = abs(looked_up - product).max()
cosines = np.eye(V) @ np.eye(V).T - np.eye(V)  # of all pairs that differ
claim(53, ("largest cosine of two one-hot codes", abs(cosines).max(), "== 0"),
      ("largest difference of one-hot times E from the look-up", gap, "== 0"))

# %% [markdown]
# ### What word vectors add
#
# **word2vec** ([Mikolov et al., 2013](#mikolov2013)) and **GloVe** ([Pennington et al., 2014](#pennington2014)) learn
# embeddings of words before, and apart from, any language model: words that occur among the same neighbors get similar
# vectors. word2vec trains a small net to tell true neighbors from drawn ones; GloVe fits the logarithms of the counts of
# neighbors. [Levy and Goldberg (2014)](#levy2014) showed what word2vec's commonest form computes, which predicts the neighbors from
# the word (skip-gram) and draws the false ones at random (negative sampling). It factorizes, implicitly, a matrix that you can
# simply write down: it finds two narrow matrices whose product comes near that one. For words $a$ and $b$, the matrix holds how much more often they stand near
# each other than chance would have it, the pointwise mutual information
#
# $$
# \mathrm{PMI}(a, b) = \ln \frac{p(a, b)}{p(a)\, p(b)},
# $$ (3.2)
#
# less a constant. So we need no training loop: count the pairs up to four words apart, keep the positive values, and let a
# singular value decomposition, which finds the narrow matrices that come nearest, choose 50 numbers for each word that occurs 20
# times or more.

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
# Some lists are a delight and others are a disappointment. Do not judge by the ones you like: take three classes of words,
# fixed in advance, and count how often the nearest neighbor of a word is in its own class.

# %%
classes = {
    "numbers": "two three four five six seven eight nine ten",
    "persons": "I you he she it we they me him her us them",
    "body": "hand hands head face eyes mouth feet foot arm knees fingers",
}
for name, listed in classes.items():
    group = listed.split()
    agree = np.mean([neighbors(word, 1)[0] in group for word in group])
    chance = (len(group) - 1) / (len(common) - 2)
    print(f"{name:8} {agree:.2f}   by chance {chance:.3f}")
    assert agree > 3 * chance
print("misses:", *(neighbors(word, 1)[0] for word in ("five", "mouth", "knees")))

# %% [markdown]
# Far better than chance, for numbers; and far from "it knows what words mean". For the body, most nearest
# neighbors are words that stand *beside* a hand, not words *like* it. The count is a little too strict: the last three words
# printed are misses only because our lists lack them. Published vectors come from billions of words, ours
# from one short novel. They see a type once and for all, so "left" has one vector for two meanings; what the word means *here* is
# left to the recurrent layer. Our net learns its own embedding, of characters, together with everything else.
#
# ## Step 3: architecture
#
# A **[language model](#term-language-model)** gives, after each token, a probability to every type as the next one. That is
# many-to-many, and the target is the input, one step later. Recurrent nets came into this trade with
# [Mikolov et al. (2010)](#mikolov2010), for words; [Sutskever et al. (2011)](#sutskever2011) and [Graves (2013)](#graves2013) wrote
# with characters.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the drawing's code", "code_prompt_hide": "Hide the drawing's code", "figure": {"name": "fig-generator", "caption": "The generator on words, as the source draws it: it reads one token a time step, carries its state, and proposes the next token, which is the input of the next step."}, "image": {"alt": "Three time steps side by side. The inputs I, volunteer and for lead up to three states, joined by arrows from left to right. The states lead up to the outputs volunteer, for and them, and each output is the input of the next step, by a dashed arrow."}}
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
# x_t &= E_{\mathrm{id}_t} && (D,) \\
# h_t &= \tanh(W_{xh}\, x_t + W_{hh}\, h_{t-1} + b_h) && (H,) \\
# u_t &= W_{hy}\, h_t + b_y && (V,) \\
# \hat y_t &= \mathrm{softmax}(u_t) && (V,)
# \end{aligned}
# $$ (3.3)
#
# The shapes of the weights follow: $E$ is $(V, D)$, $W_{xh}$ is $(H, D)$, $W_{hh}$ is $(H, H)$, $b_h$ is $(H,)$, $W_{hy}$ is $(V, H)$ and $b_y$ is $(V,)$.
# The numbers $u_t$ are the **[logits](#term-logit)**. [LanguageModel](#rnnbook.text.language_model.LanguageModel) is this net. Ours has
# $D = 16$ and $H = 128$, and computes in 64-bit numbers, so that you get the digits that are printed here.


# %%
def new_net(seed=0):
    return LanguageModel(letters, 128, "rnn", embedding=16, seed=seed, dtype="float64")


net = new_net()
weights = net.embedding.parameters | net.recurrent.weights | net.dense.parameters
E, W_hy, b_y = weights["E"], weights["W_hy"], weights["b_y"]
W_xh, W_hh, b_h = weights["W_xh"], weights["W_hh"], weights["b_h"]
for name, array in weights.items():
    print(f"{name:5}{array.shape!s:12}{array.size:7,}")

# %% [markdown]
# Run it on "I volunteer", line by line as in [Equation 3.3](#3.3), and hold it to the model.

# %%
prompt = letters.encode("I volunteer")
h = np.zeros((1, 128))
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
# Must the output have as many numbers as the input, as the source says? Only where the input is one-hot. Here 16 numbers
# go in, and $V$ come out.

# %%
claim(68, ("numbers into the recurrent layer, one-hot", V, "> 50"),
      ("with an embedding", x_t.shape[1], "== 16"),
      ("probabilities out, minus types of the vocabulary", u.shape[1] - V, "== 0"))

# %% [markdown]
# ### Softmax, and why it is not computed as it is written
#
# **[Softmax](#term-softmax)** turns logits into probabilities:
#
# $$
# \mathrm{softmax}(u)_i = \frac{e^{u_i}}{\sum_j e^{u_j}} = \frac{e^{u_i - m}}{\sum_j e^{u_j - m}}, \qquad m = \max_j u_j
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
# The source's $-\sum_i y_i \log \hat y_i$ is the same for one token: with a one-hot $y$ all terms but one are zero. It asks you to take the
# formula as a black box. It is not one: with the natural logarithm $L$ counts in **nats**, divided by $\ln 2$ in **bits**, the questions with answer yes or no that
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
off = abs(np.exp(-log_p.mean()) / perplexity(log_p) - 1)
claim(70, ("the source's sum less the one term left", abs(full - short), "< 1e-12", 0),
      ("exp(mean loss) over the perplexity: distance from 1", off, "< 1e-12", 0),
      ("untrained net: loss minus ln V", start_gap, "< 0.1", 1))

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
assert abs(full - sparse) < 1e-5
assert abs(sparse - short) < 1e-5

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
# The perplexities differ by a factor of more than ten, the bits by a few tenths at most. (And the model of words need not spell the
# unknown words: it pays for saying that one comes, not for its letters. The page on [the novel](../notebooks/the_novel.ipynb) puts
# these on the bill.)
#
# ### Time step, training step, epoch
#
# The source says, rightly, that time steps and training steps are "completely different terms". Three clocks run in training:
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
# $n - 1$ tokens before; order 1 is the unigram, order 0 finds all types equally likely. What the training text never showed
# must not get probability zero, so each order is mixed with the next lower one, which gets the more say the less is known of
# the context ([Witten and Bell, 1991](#witten1991)).

# %%
ladder = [NGram(ids, order, V) for order in range(8)]
rungs = [bits_per_token(m.log_probabilities(held)) for m in ladder]
for order, bits in enumerate(rungs):
    print(f"order {order}: {bits:.3f} bits, perplexity {2**bits:5.2f}")
claim(43, ("bits that the 1st character before saves", rungs[1] - rungs[2], "> 0.7"),
      ("the 4th", rungs[4] - rungs[5], "> 0.05"),
      ("the 6th", rungs[6] - rungs[7], "< 0.05", 1))

# %%
contexts = Counter(text[j : j + 6] for j in range(len(text) - 6))
times = np.array([contexts[held_text[j : j + 6]] for j in range(len(held_text) - 6)])
rare = (times > 0) & (times < 4)
print("of the contexts of six characters in the validation chapters")
print(f"never seen in training: {(times == 0).mean():.0%};  1 to 3 times: {rare.mean():.0%}")

# %% [markdown]
# "Predicting the next element in the sequence depends on all the previous elements", says the source. In principle, yes: the hero
# of a novel was named on its first page. But most of what can be known about the next *character* is in the last few. Beyond five, a
# model that counts gains nothing, because many contexts that long are new to it, or were seen too seldom to be counted on. [Shannon (1951)](#shannon1951) let people guess English
# letters; they kept profiting from longer contexts. To do that too is what we hope of a net.
#
# ### One training step, line by line
#
# Forward, loss, backward, clip, update: five lines. How the third one works is [chapter 4](04_bptt.ipynb); for now it fills
# `net.gradients`. The fourth shortens gradients that are too long ([chapter 5](05_vanishing_gradients.ipynb) says why).
# [Adam](#rnnbook.nn.optimizers.Adam) ([Kingma and Ba, 2015](#kingma2015)) is an optimizer that divides each weight's gradient by its
# usual size; the learning rate rises for 200 steps and then falls
# to zero.

# %%
steps = 8 * epoch
rate = warmup_cosine(4e-3, steps, warmup=200)
optimizer = Adam()
state, history = None, []
for step, (x, y) in enumerate(batches):  # one epoch
    logits, state = net.forward(x, state)
    loss, dlogits = losses.cross_entropy(logits, y)
    net.backward(dlogits)
    clip_by_norm(net.gradients, 1.0)
    optimizer.update(net.parameters, net.gradients, rate(step))
    history.append(loss / np.log(2))

# %%
history = np.array(history)
rose = (np.diff(history) > 0).mean()
print("bits at steps 1, 101, 201 ...:", *(f"{b:.2f}" for b in history[::100]))
claim(61, ("share of training steps at which the loss rose", rose, "> 0.25", 2),
      ("mean loss of the last 50 steps, in bits", history[-50:].mean(), "< 3.2"))

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-noise", "caption": "The loss of each training step of the first epoch. Each step sees another batch, so the curve falls only on average. Dashed: unigram and bigram on the validation chapters."}, "image": {"alt": "Bits per character against the training step. The curve starts near 6.3, falls to the unigram's line, stays there for a while, falls on through the bigram's line to below 3, and is jagged everywhere."}}
fig, ax = plt.subplots()
ax.plot(np.arange(1, epoch + 1), history, color=COLORS["output"], lw=1)
for order, name in ((1, "unigram"), (2, "bigram")):
    ax.axhline(rungs[order], ls="--", color=COLORS["muted"], lw=1.3)
    ax.text(epoch, rungs[order] + 0.06, name, color=COLORS["muted"], ha="right")
ax.set(xlabel="training step", ylabel="bits per character", ylim=(2.2, 6.7))
plt.show()

# %% [markdown]
# Look at the step in the curve. First the net learns how frequent each character is, and rests at the unigram's level. Only then does it find out that the
# character before matters, and falls on, past the bigram's level without another rest.
#
# And does the loss decrease "after each training step", as the source says? Nearly every other step it rose: each batch is another piece of text, and some
# pieces are harder. Judge by an average, or by a held-out text.
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
# The state is reset, then, wherever somebody decides it. In the epoch above it was zero once, before the first step, and was carried
# through all the others. So our net has hardly any practice in starting from zero. What that means for writing you
# will see in step 5.
#
# ### Eight epochs
#
# [train](#rnnbook.text.training.train) is that loop, with an evaluation on the held-out text once an epoch, and it keeps the weights that did best there. It runs for
# half a minute. Its first epoch makes the same steps as ours.

# %%
net = new_net()
recipe = {"rate": rate, "optimizer": Adam(), "B": B, "T": T, "every": epoch}
record = train(net, ids, held, steps, **recipe, progress=False)
for row in record:
    training = "" if row["training"] is None else f"{row['training']:8.3f}"
    print(f"epoch {row['step'] // epoch}: held-out {row['held_out']:6.3f}", end="")
    print(f"   training {training}")
assert abs(record[1]["training"] - history.mean()) < 1e-9

# %%
rnn_log_p = net.log_probabilities(held)
rnn_bits = bits_per_token(rnn_log_p)
for order in range(6):
    print(f"{order}-gram minus RNN: {rungs[order] - rnn_bits:6.3f} bits")
assert rnn_bits < rungs[2] - 1 and rnn_bits < rungs[3] - 0.3
assert rnn_bits > rungs[5] + 0.05 and abs(rnn_bits - rungs[4]) < 0.1

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-training", "caption": "Bits per character on the validation chapters and in training, from epoch 2 on, and the rungs of the ladder."}, "image": {"alt": "Held-out and training bits against the epoch from 2 to 8. Both fall and flatten, close to each other. At the end the held-out curve lies far below the lines of the bigram and trigram, near the 4-gram, and above the 5-gram."}}
fig, ax = plt.subplots()
at = np.arange(2, 9)
for key, kind in (("held_out", "output"), ("training", "input")):
    name = "RNN, " + key.replace("_", "-")
    ax.plot(at, [row[key] for row in record[2:]], "o-", color=COLORS[kind], label=name)
for order in range(2, 6):
    ax.axhline(rungs[order], ls="--", color=COLORS["muted"], lw=1.3)
    ax.text(9.4, rungs[order], f"{order}-gram", color=COLORS["muted"], ha="right", va="bottom")
ax.set(xlabel="epoch", ylabel="bits per character", xlim=(1.7, 9.4), ylim=(1.85, 3.5))
ax.set_xticks(at)
fig.legend(loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# (Why is the held-out loss *below* the training loss at first? The training figure is the mean over an epoch in which the net was still worse.)
#
# The net beats the unigram, the bigram and the trigram by far, and is about level with the 4-gram. **It loses to the 5-gram**, a table that
# was filled in one pass over the text. Why?
#
# ### Where counting still wins
#
# Two suspects. Does the net have too little room, or does it see too little? The 5-gram keeps a count for every sequence of five characters that ever
# occurred. And how far back does the net look? Take 1,000 places of the validation text. Give the net the true last $k$ characters, but
# before them 30 characters from somewhere else in the text. If it makes use of what lies further back, a larger $k$ must help.

# %%
seen = {text[j : j + 5] for j in range(len(text) - 4)}
print(f"numbers in the net: {sum(a.size for a in net.parameters.values()):,}")
print(f"sequences of five that the 5-gram has counted: {len(seen):,}")
place = np.linspace(200, len(held) - 1, 1000).astype(int)
other = np.roll(place, 500)  # a place far away
reach = {}
for k in (1, 2, 3, 4, 6, 8, 12, 16, 32):
    at, false = place[:, None] + np.arange(-k, 0), other[:, None] + np.arange(-30, 0)
    u, _ = net.forward(np.hstack([held[false], held[at]]))
    reach[k] = losses.cross_entropy(u[:, -1], held[place])[0] / np.log(2)
counted = [bits_per_token(m.log_probabilities(held)[place]) for m in ladder[2:]]

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-reach", "caption": "Bits per character against the number of true characters before the one to predict: the net, given other text before these, and the n-gram models, which see no more."}, "image": {"alt": "Both curves fall. The n-gram models' curve falls from three bits to its floor at four or five characters. The net's lies above it everywhere, starts near six bits and reaches its floor at about eight characters; more than that saves almost nothing."}}
fig, ax = plt.subplots()
ax.plot(list(reach), list(reach.values()), "o-", color=COLORS["output"], label="RNN")
ax.plot(range(1, 7), counted, "s--", color=COLORS["input"], label="n-gram models")
ax.set(xlabel="true characters before", ylabel="bits per character")
ax.set(xscale="log", ylim=(1.5, 6.2))
ax.set_xticks([1, 2, 4, 8, 16, 32], labels=["1", "2", "4", "8", "16", "32"])
ax.minorticks_off()
ax.legend()
plt.show()

# %%
print(f"4 true characters: RNN {reach[4]:.2f}, 5-gram {counted[3]:.2f} bits")
print(f"from  8 to 32 true characters: {reach[8] - reach[32]:.2f} bits saved")
print(f"from  2 to  8 true characters: {reach[2] - reach[8]:.2f} bits saved")
assert reach[2] - reach[8] > 0.4
assert reach[8] - reach[32] < 0.2 and reach[4] > counted[3] + 0.2

# %% [markdown]
# Its state *may* hold everything since the first page. In fact, what is older than eight characters or so is worth next to nothing to it. And look
# at four: with four true characters after false ones the net is far behind the 5-gram, which sees the same four and
# nothing else. It cannot drop at once what it should no longer believe. So the net
# competes on the 5-gram's own ground, short contexts, and there a large table of exact counts is
# hard to beat with some thirty thousand numbers. To win, it must use what no table can: the distant past. Why it fails to learn that is the subject of
# chapter 5, how a gate changes it that of chapter 7, and chapter 8 gives it more units and more time.
#
# Yet the two know different things. Give each half a say, and the mean of their probabilities beats both.

# %%
five_log_p = ladder[5].log_probabilities(held)
mixed = np.logaddexp(rnn_log_p, five_log_p) - np.log(2)
mix_bits = bits_per_token(mixed)
better = (rnn_log_p > five_log_p).mean()
print(f"RNN {rnn_bits:.3f}, 5-gram {rungs[5]:.3f}, their mean {mix_bits:.3f} bits")
print(f"the RNN gave the true character more: {better:.0%} of the time")
assert mix_bits < rungs[5] - 0.02

# %% [markdown]
# ### A low loss is not yet learning
#
# "Once it crosses a certain threshold, we can state that the network has successfully learned", says the source of the loss. Take a scrap of the text, 2,000 characters, and train long on it.

# %%
scrap = new_net()
once_more = {"rate": 3e-3, "optimizer": Adam(), "B": 4, "T": 32, "every": 600}
memory = train(scrap, ids[:2000], held[:20_000], 1800, **once_more, progress=False)
assert memory[3]["held_out"] > memory[2]["held_out"] > memory[1]["held_out"]
by_heart, elsewhere = (2 ** memory[-1][key] for key in ("training", "held_out"))
claim(62, ("perplexity on what it was trained on", by_heart, "< 1.5", 0),
      ("of that net on held-out text", elsewhere, "> 50", 0),
      ("the unigram's there", 2 ** rungs[1], "< 25"))

# %% [markdown]
# Nearly perfect on the scrap, and on held-out text worse than the unigram, which knows only how frequent each character is: it has learned 2,000 characters by heart, and the longer it trains the worse it gets. No threshold on the training loss tells
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
logits, state = net.forward(letters.encode("games")[None])
written = []
for _ in range(60):
    token = next_token(logits[0, -1], rng, temperature=0.5)
    written.append(token)
    logits, state = net.forward([[token]], state)  # one token, and the state
print("games" + letters.decode(written))
whole, _ = net.forward([[*letters.encode("games"), *written]])
assert abs(whole[0, -1] - logits[0, -1]).max() < 1e-9

# %% [markdown]
# The last line holds the loop to one pass over the whole text: the same logits. A common mistake in published code is to forget the state,
# so that the net starts afresh at each character, from zero or even from random numbers. It then sees a text
# of length one, again and again. Measured on the held-out text, and in the writing:

# %%
u, _ = net.forward(np.arange(V)[:, None])  # after each character, from zero
fresh_p = losses.softmax(u[:, 0])
fresh_bits = bits_per_token(np.log(fresh_p[held[:-1], held[1:]]))
rng, token, amnesic = np.random.default_rng(0), letters.encode("s")[0], []
for _ in range(60):
    token = rng.choice(V, p=fresh_p[token])
    amnesic.append(token)
print("games" + letters.decode(amnesic).replace("\n", " "))
print(f"state carried {rnn_bits:.2f} bits, fresh {fresh_bits:.2f}, bigram {rungs[2]:.2f}")
assert fresh_bits > rungs[2]

# %% [markdown]
# Worse than a bigram, which also sees only one character: the net was hardly ever asked to predict so soon after zero. How many characters
# does it take to get going?

# %%
place = np.linspace(100, len(held) - 1, 2000).astype(int)
for k in (1, 2, 4, 8, 16):
    u, _ = net.forward(np.array([held[a - k : a] for a in place]))
    bits = losses.cross_entropy(u[:, -1], held[place])[0] / np.log(2)
    print(f"{k:2} characters after zero: {bits:.2f} bits")
assert bits < rnn_bits + 0.2

# %% [markdown]
# A dozen or so. So carry the state, and where you must start from zero, let the net read a prompt of a line or two first.
#
# <a id="question-22"></a>
# ### Why does the text repeat itself?
#
# Take the most probable character each time, the argmax, as much published code does, and see.

# %%
period = {}
for start in ("games", "I volunteer", "The water"):
    greedy = net.generate(1500, start, top_k=1)
    tail = greedy[-1000:]
    period[start] = next(k for k in range(1, 500) if tail[k:] == tail[:-k])
    print(f"{greedy[:60]!r}...  period {period[start]}")
assert max(period.values()) < 300

# %% [markdown]
# Greedy text falls into a loop and never leaves it. A likely character leads to a likely state, which leads back to a likely
# character: where the last words repeat, so nearly does the state. Human text is not the most probable text
# ([Holtzman et al., 2020](#holtzman2020)). So draw from the distribution, but perhaps not from all of it:
#
# - **[temperature](#term-temperature)** $\tau$: draw from $\mathrm{softmax}(u / \tau)$. Below 1 the likely get likelier; toward 0 it becomes greedy;
# - **[top-k](#term-top-k)**: keep the $k$ most probable ([Fan et al., 2018](#fan2018));
# - **[top-p](#term-top-p)**, or nucleus: keep the fewest whose probabilities sum to $p$ ([Holtzman et al., 2020](#holtzman2020)).
#
# Here is what each does to the character after "He says I volunteer".

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-sampling", "caption": "The distribution of the next character after 'He says I volunteer', as it is and as four settings change it. The twelve most probable characters are shown."}, "image": {"alt": "Five rows of bars for the same twelve characters. Temperature 0.5 concentrates the bars on the left, temperature 1.5 levels them, top-k of 3 keeps the first three, and top-p of 0.9 keeps as many as are needed for nine tenths."}}
u = net.forward(letters.encode("He says I volunteer")[None])[0][0, -1]
settings = {"as it is": {}, "τ = 0.5": {"temperature": 0.5}, "τ = 1.5": {"temperature": 1.5},
            "top-k = 3": {"top_k": 3}, "top-p = 0.9": {"top_p": 0.9}}
top = np.argsort(-u, kind="stable")[:12]
fig, axes = plt.subplots(5, 1, figsize=(5.8, 5.6), sharex=True, sharey=True)
for ax, (name, setting) in zip(axes, settings.items(), strict=True):
    ax.bar(range(12), distribution(u, **setting)[top], color=COLORS["output"])
    ax.text(11.4, 0.9, name, ha="right", va="top")
shown = [{" ": "␣", "\n": "¶"}.get(c := letters.tokens[j], c) for j in top]
ax.set(xlabel="next character", xticks=range(12), xticklabels=shown)
axes[2].set(ylim=(0, 1), ylabel="probability")
plt.show()

# %%
for name, setting in settings.items():
    kept = (distribution(u, **setting) > 0).sum()
    print(f"{name:12} {kept:3} characters can follow 'volunteer'; a text from 'games':")
    sample = net.generate(150, "games", seed=0, **setting)
    print(textwrap.indent(textwrap.fill(sample, 68), "    "))
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
# one byte instead of four.

# %%
from rnnbook.show.instruments.generator import load, round_weights

writer = round_weights(load())
judged = writer.encode(data.novel("validation"))
writer_bits = bits_per_token(writer.log_probabilities(judged))
cost = writer_bits - bits_per_token(load().log_probabilities(judged))
print(f"bits per character: {writer_bits:.2f}; our net {rnn_bits:.2f}, the 5-gram {rungs[5]:.2f}")
print(f"rounding cost {cost:.3f} bits")
assert writer_bits < min(rnn_bits, rungs[5]) - 0.1 and abs(cost) < 0.002

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
# "Evaluate your model by making a fresh new prediction", says the source. One prediction proves nothing, and a passage that
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
five = letters.decode(ladder[5].sample(n, seed=1, context=letters.encode("games")))
pieces = {"RNN": net.generate(n, "games", seed=1),
          "RNN, τ = 0.5": net.generate(n, "games", seed=1, temperature=0.5),
          "5-gram": five, "held-out": held_text[-n:]}
copies = {name: longest_copy(piece, text) for name, piece in pieces.items()}
eights = set(sequences(text, 8))
new = {name: share_new(piece, eights, 8) for name, piece in pieces.items()}
for name, copied in copies.items():
    print(f"{name:13}{new[name]:6.0%} new; longest copy {len(copied):2}: {copied!r}")

# %%
claim(63, ("held-out bits per character of the RNN", rnn_bits, "< 2.3"),
      ("share of its sequences of 8 that are new", new["RNN"], "> 0.4", 2),
      ("the same in a held-out chapter", new["held-out"], "> 0.2", 2),
      ("its longest passage copied, in characters", len(copies["RNN"]), "< 60", 2))

# %%
lengths, shares = range(2, 17, 2), {name: [] for name in pieces}
for n in lengths:
    known = set(sequences(text, n))
    for name, piece in pieces.items():
        shares[name].append(share_new(piece, known, n))
assert new["RNN"] > new["5-gram"] > new["held-out"]
assert shares["held-out"][-1] == min(share[-1] for share in shares.values())

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-new", "caption": "The share of the sequences of n characters that do not occur in the training text, for four texts of 5,000 characters."}, "image": {"alt": "Four rising curves against n from 2 to 16. The RNN's curve is highest, the 5-gram's lies lower, and those of the held-out chapter and of the RNN at temperature 0.5 lie lowest and close together; at n of 16 nearly everything is new in all of them, least in the held-out chapter."}}
fig, ax = plt.subplots()
looks = ("output", "o-"), ("output", "o:"), ("input", "s-"), ("ink", "^-")
for name, (kind, look) in zip(pieces, looks, strict=True):
    ax.plot(lengths, shares[name], look, color=COLORS[kind], label=name, ms=5)
ax.set(xlabel="characters in the sequence", ylabel="share that is new")
fig.legend(loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# Read the curves with the reference in mind. New is not good in itself: at temperature 1 the RNN is *newer* than the author, since it
# misspells. And at 0.5 it is about as new as the author, for a bad reason: it writes the commonest words over and over. None of the three copied a passage
# longer than a phrase. At 16 characters it is the author who repeats most of the training text: people have set phrases, names and formulas. So sort a text: what of it stands in training, what only in held-out chapters, and what nowhere?


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
# Capitals are what no training chapter and no held-out one has in any eight characters around it: mostly, its own words. At this length
# to "copy" is to write English. (The share of characters that are new is far smaller than the share of sequences above: one known
# sequence makes all its eight characters known, and one odd character can make all eight sequences that hold it new.) Passages of 50 characters would be another matter; chapter 8 audits a larger net.
#
# <a id="question-30"></a>
# ### Why is my result not reproducible?
#
# Random numbers start the weights, order the batches, drop units and draw the text. Fix each **[seed](#term-seed)**, and a run on the same machine gives the
# same numbers. With Keras, `keras.utils.set_random_seed` sets the generators of Python, NumPy and the backend, and `enable_op_determinism`, of `tf.config.experimental`, makes a GPU add in the same order. But one seed is one draw: report several.

# %%
def short_run(seed):
    small = LanguageModel(letters, 32, "rnn", embedding=16, seed=seed, dtype="float64")
    record = train(small, ids, held[:20_000], 300, rate=4e-3, optimizer=Adam(),
                   B=64, T=16, every=300, progress=False)
    return record[-1]["held_out"]


results = [short_run(seed) for seed in (0, 0, 1, 2)]
print("seeds 0, 0, 1, 2:", *(f"{bits:.3f}" for bits in results))
spread = np.std(results[1:], ddof=1)
print(f"mean {np.mean(results[1:]):.2f}, standard deviation {spread:.3f}")
assert results[0] == results[1] != results[2]
assert rnn_bits - rungs[5] > 5 * spread

# %% [markdown]
# Differences between models that are smaller than the spread over seeds are no differences. By that measure the 5-gram's lead is
# real: it is more than five times the spread of these small nets.
#
# ## The test, once
#
# All choices are made: the size, the epochs, the rate. Now open the test chapters.

# %%
test_text = data.novel("test")
test_ids = letters.encode(test_text)
tested = {
    "RNN": bits_per_token(net.log_probabilities(test_ids)),
    "5-gram": bits_per_token(ladder[5].log_probabilities(test_ids)),
}
for name, bits in tested.items():
    print(f"{name:7} {bits:.3f} bits per character on the test chapters")
assert abs(tested["RNN"] - rnn_bits) < 0.15
assert tested["RNN"] > tested["5-gram"]

# %% [markdown]
# The verdict of the validation chapters stands: the 5-gram wins.
#
# ## Summary
#
# - A corpus is running text, of tokens; a vocabulary holds its types. One-hot times a matrix is a look-up: store ids, never one-hot codes.
# - Word vectors from counts put similar words near each other, some of the time. Measure it on classes fixed in advance.
# - Softmax needs its maximum subtracted. Cross-entropy is bits of surprise; an untrained net starts at $\ln V$; perplexities of different
#   tokens cannot be compared, bits per character can.
# - A time step reads a token, a training step updates the weights, an epoch is one pass. The loss of single steps rises nearly as often as it falls.
# - Our net beats the trigram and loses to the 5-gram: it hardly looks back further than a word. That is what chapters 4, 5 and 7 are about.
# - Argmax loops. Sample, carry the state, and after a reset let the net read a line before you trust it.
# - Judge a generator by held-out bits and by what it copied, never by one sample.
#
# ## What number should I get?

# %%
for what, value, tolerance in (
    ("types of characters, with the unknown", V, "exact"),
    ("untrained net, nats above ln V", start_gap, "0.001"),
    ("5-gram, bits per character", rungs[5], "0.001"),
    ("RNN, training in epoch 8", record[-1]["training"], "0.02"),
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
# temperature, to the nearest 0.05, gives the fewest bits? What does an answer below or above 1 say about the net? Guess before you run.

# %% tags=["stub"]
temperature = ...  # a number

check("3.9", temperature)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
logits = net.forward(held[None, :20_000])[0][0, :-1]
tried = {}
for tau in np.arange(0.5, 1.55, 0.05).round(2):
    nats, _ = losses.cross_entropy(logits / tau, held[1:20_000])
    tried[float(tau)] = nats / np.log(2)
temperature = min(tried, key=tried.get)
for tau in (0.5, 0.7, 1.0, 1.3):
    print(f"temperature {tau}: {tried[tau]:.3f} bits")
# Below 1: the net is not sure enough, its distribution is a little too flat.
# Above 1 it would be over-confident.
print(f"best: {temperature}")
check("3.9", temperature)

# %% [markdown]
# ### Exercise 3.10: Beat the mixture
#
# *explore · an evening*
#
# Build a model of characters that needs fewer than 1.85 bits on the validation chapters; the net and the 5-gram, half and half, need
# more. Take a larger net, more epochs, another learning rate, a mixture, whatever you like, trained on the training chapters alone. Hand in its natural log-probability of each character of
# `data.novel("validation")`, shape (n,). Then say what the gain cost.

# %% tags=["stub"]
log_p = ...  # one number a character

check("3.10", log_p)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# The cheapest way: the net and a 6-gram, mixed. The share is chosen on the text
# that is reported, so the figure is a little too good.
six_log_p = ladder[6].log_probabilities(held)
best = 9.0
for share in np.arange(0.1, 0.95, 0.1):
    both = np.logaddexp(rnn_log_p + np.log(share), six_log_p + np.log(1 - share))
    if bits_per_token(both) < best:
        best, log_p = bits_per_token(both), both
print(f"{best:.2f} bits per character")
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
# ## Further reading
#
# - [Shannon (1951)](#shannon1951): people as language models, guessing letter by letter.
# - [Bengio et al. (2003)](#bengio2003): the neural language model, and the learned embedding.
# - [Mikolov et al. (2010)](#mikolov2010), [Sutskever et al. (2011)](#sutskever2011) and [Graves (2013)](#graves2013): recurrent nets that model language and write it.
# - [Karpathy (2015)](#karpathy2015): the essay that made character-level generators popular.
# - [Levy and Goldberg (2014)](#levy2014): what word2vec computes.
# - [Holtzman et al. (2020)](#holtzman2020): why the most probable text is not good text.
# - [Manning and Schütze (1999)](#manning1999): corpora, tokens, types and n-gram models.
