# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A chapter of your own
#
# Chapter 3 ended with a net that beat the best table of counts by a little: 0.03 bits per character. In this chapter you get a better one: a text
# generator in Keras that beats it by a clear margin. It learns the course's novel or, if you change one line, a book of yours. You will feed it, choose its size, train it, stop it and
# resume, judge it once on chapters that it never saw, and let it write. Then you will check what it copied.
#
# | You will | train a generator in Keras, stop it and resume; load a larger one that is already trained; climb the ladder of models on the test chapters; write a chapter from the word "games"; audit it |
# |---|---|
# | **You learn** | stateful batches with `tf.data`; a learning-rate schedule, clipping, dropout and early stopping; how many units and layers to take; checkpoints that lose nothing; writing fast; words instead of characters; more than one device |
# | **You need** | [Chapter 3](03_text_generator.ipynb), the five steps; truncation with a carried state, from chapter 4; the LSTM and the GRU, from chapter 7 |
# | **It takes** | 90 minutes to read and run, 3 hours with the exercises up to 8.10, and an evening for the last one |

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
import math
import os
import tempfile
import textwrap
import time
import tomllib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no lines of a log
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums everywhere

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the imports", "code_prompt_hide": "Hide the imports"}
from rnnbook import data
from rnnbook.exercises import check
from rnnbook.hmm import HMM
from rnnbook.keras import Generator, stateful_dataset, train
from rnnbook.nn.losses import bits_per_token, cross_entropy
from rnnbook.show import instruments, results, style
from rnnbook.show.style import COLORS
from rnnbook.text import Vocabulary, tokens
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.ngram import NGram

style.use()

# %% [markdown]
# Two settings must come before TensorFlow does anything. Models as small as these run best on one thread. And a section near the end needs two devices, so
# TensorFlow is told to treat your processor as two.

# %%
tf.config.threading.set_intra_op_parallelism_threads(1)
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
tf.get_logger().setLevel("ERROR")  # or it lists each sum over the devices

# %% [markdown]
# ## Your text
#
# One line decides what the generator reads. `None` is the course's novel, in the three parts that you know from chapter 3; the name of a
# file is a book of your own, and a list of names is several books, read in that order. [own_book](#rnnbook.data.own_book) reads them from your disk and sends them nowhere. (On Colab, first upload the file with the folder symbol at the left.) It prints how it
# read each file: if that is not the right encoding, give `own_book` the right one. It leaves out the license of Project Gutenberg. The last tenth of your text is for the test, and the tenth
# before it for validation.

# %%
MINE = None  # or your own book: MINE = "my-book.txt", or a list of such names

if MINE is None:
    text, held_text = data.novel("train"), data.novel("validation")
else:
    whole = data.own_book(MINE)
    tenth = len(whole) // 10
    text, held_text = whole[: -2 * tenth], whole[-2 * tenth : -tenth]
print(f"{len(text):,} characters to learn, {len(held_text):,} to choose by")
assert len(text) >= 64_000, (
    f"{len(text):,} characters are too few: 64,000 must be left to learn from, 80,000 in all. "
    'Add another text: MINE = ["one.txt", "two.txt"]'
)

# %% [markdown]
# How long must a book be? Eighty thousand characters are the least with which this notebook runs; a million is comfortable.
# The text around the cells describes the novel, and the cells assert it. Another book may behave differently, and that is no error. A small function
# tells the two cases apart. And the model will be given beginnings of a text to go on from: for a book of yours, write your own.


# %%
def expect(holds, what):
    """Assert what is so for the novel; of another book, say what is not."""
    assert holds or MINE, what
    if not holds:
        print(f"(Not with this text: {what}.)")


PROMPT, WORDS_PROMPT = "games", "The games"  # in the language of your book
HEADING = "CHAPTER 41\n\nGames\n\n"  # as its chapters begin

# %% [markdown]
# **A word on copyright.** You may read your own copy of *The Hunger Games* as often as you like. To train a model on it is to make copies of it, and whether
# the law of your country allows that, for what purpose and to whom, is a question on which courts and parliaments are still at work. What is clear: publishing passages that the model copied is publishing the
# passages, a model that can recite a book is a way to pass the book on, and the names of its characters are not yours. The safe books are those in the public domain, those whose license says so, and
# those you wrote. The course's novel is under CC0: do with it what you like.
#
# ## From text to batches
#
# Characters or words? Start with characters: there are few types, none or nearly none are unknown, and the net learns spaces, line breaks and punctuation along with the letters. Words come later in this chapter.
# Keep $B$ rows and $T$ time steps apart when you look at the shape: $B = 40$, $T = 32$.

# %%
letters = Vocabulary(text, "characters")
ids, held = letters.encode(text), letters.encode(held_text)
V, B, T = len(letters), 40, 32
batches = stateful_dataset(ids, B, T)
print(f"V = {V}, held-out characters that are unknown: {(held == 0).mean():.2%}")
print(f"training steps in an epoch: {len(batches)}")
print(batches.element_spec[0])

# %% [markdown]
# [stateful_dataset](#rnnbook.keras.stateful_dataset) is a `tf.data.Dataset`: it holds the batches, and prepares the next one while the model
# learns from this one. Row $b$ of a batch goes on where row $b$ of the batch before stopped. Look at the seam.

# %%
(x, y), (x_next, _) = list(batches.take(2).as_numpy_iterator())
print(repr(letters.decode(x[3])))
print(repr(letters.decode(x_next[3])))
assert (y[:, :-1] == x[:, 1:]).all() and (y[:, -1] == x_next[:, 0]).all()
assert len(batches) == (len(ids) - 1) // (B * T)

# %% [markdown]
# <a id="stateful-or-windowed"></a>
# ### Stateful, or windows in a random order?
#
# The other way is to cut the text into windows, shuffle them, and start each from a state of zero. It is what most published code does, and it is simpler: no state to
# carry, none to reset, and any batch size will do. What does it cost? In a window of 32 characters the first ones are predicted from almost nothing,
# and the net never learns to use a state that is older than the window.
#
# To answer such questions takes many trainings, more than a notebook has time for. So a [benchmark](../reference/benchmarks.md) made them once:
# `python -m benchmarks.generators`, about twenty minutes on one core. Unless the text says otherwise, its models of up to 64 units have an embedding of 32 and dropout 0.1, and make a little over 800 training steps. Below, GRUs of 32 units were trained both ways, by the same
# recipe, and then judged as they will be used: on running text, with the state carried. Three seeds each, and one seed at a second learning rate, in case the rate decides.

# %%
table = {row["model"]: row for row in results.rows("generators")}


def bits_of(*names, part="validation"):
    return np.array([table[name][f"bits, {part}"] for name in names])


seeds = [f"GRU 32, seed {s}" for s in range(3)]
both = [*seeds, "GRU 32, rate 0.008"]
carried, windowed = bits_of(*both), bits_of(*(f"windows, {name}" for name in both))
saved = windowed - carried
for row in zip(both, carried, windowed, saved, strict=True):
    print("{:18} carried {:.3f}, windows {:.3f}: saved {:.3f}".format(*row))

# %%
spread = max(np.std(bits[:3], ddof=1) for bits in (carried, windowed))
print(f"standard deviation over the seeds, the larger one: {spread:.4f}")
print(f"saved by the higher rate: {carried[0] - carried[3]:.3f}")
assert saved.min() > 5 * spread
assert carried[0] - carried[3] > 5 * saved.max()

# %% [markdown]
# Carrying the state is ahead with each seed and at both rates, by more than five times the standard deviation over the seeds. It is a small gain all the same: the higher rate
# brings more than five times as much. And it has its price: the batch gets a fixed number of rows, and the state must be set to zero where the text ends. This chapter carries the state, since
# that is how the model will read and write.
#
# ## The model
#
# First in plain Keras, so that you see all of it once: an embedding, an LSTM, a linear layer, and `fit`. Sixty training steps take a few seconds.

# %%
keras.utils.set_random_seed(0)
plain = keras.Sequential([
    keras.Input((None,), dtype="int32"),
    keras.layers.Embedding(V, 32),
    keras.layers.LSTM(64, return_sequences=True),
    keras.layers.Dense(V),  # the logits of the next character
])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
plain.compile(keras.optimizers.Adam(4e-3), loss, jit_compile=False)
judged = stateful_dataset(held[:20_000], B, T)
fit = plain.fit(batches.take(60), validation_data=judged, shuffle=False, verbose=0)
print(f"after 60 steps: {fit.history['val_loss'][0] / np.log(2):.2f} bits per character held out")

# %% [markdown]
# Writing is a loop: read the last characters, divide the logits by the temperature, turn them into probabilities, draw one character, append it. Here the temperature is 0.7.

# %%
rng = np.random.default_rng(0)
written = letters.encode(PROMPT).tolist()
for _ in range(40):
    logits = np.asarray(plain(np.array([written[-T:]])))[0, -1].astype(float)
    p = np.exp((logits - logits.max()) / 0.7)
    written.append(int(rng.choice(V, p=p / p.sum())))
print(repr(letters.decode(written)))
assert len(written) == len(PROMPT) + 40

# %% [markdown]
# After sixty steps that is letter soup, and to write each character the net reads the last 32 again. [Generator](#rnnbook.keras.Generator) is the same model, a Keras `Sequential` with one to three recurrent layers,
# and adds what a longer training needs: it knows its tokens, can carry the state, has dropout above each recurrent layer, and writes fast. Everything that you know of Keras works with it.


# %%
def small(H=64, cell="lstm", dropout=0.1):
    return Generator(letters, H, cell, embedding=32, dropout=dropout)


def carried_bits(model, ids=held):
    return bits_per_token(model.log_probabilities(ids))


model = small()
for layer in model.layers:  # model.summary() prints the same as a table
    print(f"{type(layer).__name__:10} {layer.count_params():7,} parameters")

# %% [markdown]
# Count with a pencil, as in chapter 7: the embedding has $V D$ numbers, the LSTM $4(DH + H^2 + H)$, the output $HV + V$.

# %%
D, H = 32, 64
by_hand = V * D + 4 * (D * H + H * H + H) + H * V + V
print(f"{by_hand:,} parameters")
assert by_hand == model.count_params()
sample = ids[:500]
gap = abs(model.log_probabilities(sample) - model.to_numpy().log_probabilities(sample)).max()
assert gap < 1e-4

# %% [markdown]
# The last lines compare it with the course's own NumPy model: with the same weights, it gives the same probabilities, but for rounding. So the only new thing is the library.
#
# ## Training
#
# [train](#rnnbook.keras.train) is Keras' `fit` with five things around it, and each has its reason:
#
# - **AdamW** ([Loshchilov and Hutter, 2019](#loshchilov2019)): Adam, with weight decay: each step also makes all
#   weights a little smaller, by a share of themselves. This pull is kept out of the gradient that Adam rescales;
# - a **schedule**: the rate rises for some steps, since the first gradients are large and Adam knows nothing yet of their size, and then falls to zero
#   along a cosine ([Loshchilov and Hutter, 2017](#loshchilov2017)), since near the end large steps only add noise;
# - **clipping** of the gradients' joint norm, from chapter 5;
# - **[dropout](#term-dropout)** on what goes up from the recurrent layer: in training a random share of these numbers is set to zero. It is for models that are large for their text;
# - **[early stopping](#term-early-stopping)**: after each epoch it measures the held-out bits, keeps the best weights, and can stop when they no longer improve.

# %%
epochs = math.ceil(800 / len(batches))
steps = epochs * len(batches)
warmup = min(200, steps // 10)
rates = keras.optimizers.schedules.CosineDecay(4e-3 / warmup, steps - warmup,
                                              warmup_target=4e-3, warmup_steps=warmup)
print(f"{epochs} epochs are {steps} training steps; {warmup} of them warm up")

# %% mystnb={"figure": {"name": "fig-schedule", "caption": "The learning rate of each training step: a warm-up in a straight line, then half a cosine down to zero."}, "image": {"alt": "Learning rate against the training step. The line rises steeply to 0.004 within the first tenth of the steps, then falls slowly, faster in the middle, and flattens out at zero at the last step."}}
fig, ax = plt.subplots(figsize=(5.8, 2.8))
at = np.arange(0, steps + 1, 4)
ax.plot(at, [float(rates(step)) for step in at], color=COLORS["gradient"])
ax.set(xlabel="training step", ylabel="learning rate", ylim=(0, None))
plt.show()

# %% [markdown]
# The two epochs of the small LSTM take half a minute of a quiet core, or a few minutes of a busy one. So its weights are stored; this command made them:
#
# ```
# python examples/train.py --folder small --units 64 --embedding 32 --dropout 0.1 --epochs 2 --rate 4e-3 --rows 40 --steps 32
# ```
#
# What you can do at once is begin. The next cell makes the first fifty steps of exactly this training, without `train`, so that you see what is inside. Its mean loss should be the one that the benchmark noted for them.

# %%
adamw = keras.optimizers.AdamW(rates, weight_decay=0.05, beta_2=0.99, global_clipnorm=1.0)
twin = model.copy(rows=B)  # with a state for each row
twin.compile(adamw, loss, jit_compile=False)
fit = twin.fit(batches.take(50), shuffle=False, verbose=0)
begun = fit.history["loss"][0] / np.log(2)
noted = table["LSTM 64"]["training bits, first 50"]
print(f"first 50 steps: {begun:.2f} bits here, {noted:.2f} in the table")
expect(abs(begun - noted) < 0.02, "it begins as on the novel")

# %% [markdown]
# It begins as the stored one began. Now take the stored weights; a book of yours trains here instead. (Then a progress bar appears below the cell, and a curve of the bits.)

# %%
RECIPE = {"rate": 4e-3, "B": B, "T": T}
if MINE is None:
    model = keras.models.load_model(data.path("weights/novel-small.keras"))
else:
    history = train(model, ids, held, epochs, **RECIPE)
small_bits = carried_bits(model)
print(f"held-out, read in one piece: {small_bits:.3f} bits per character")
(noted,) = bits_of("LSTM 64")
expect(abs(small_bits - noted) < 0.03, "it ends as on the novel")

# %% [markdown]
# The last figure reads the validation chapters from the first character to the last, with the state carried, as everything in the ladder below does. While it trains, `train` reads them in rows instead,
# which is quicker and a little worse, since each row begins from nothing.
#
# ### Count steps, not epochs
#
# How many epochs does a text need? That is the wrong question, since a short text has short epochs. The benchmark trained the same LSTM on the first 100,000 characters only: once for three epochs, and once for about as many steps as the whole novel got.

# %%
for name in ("short, LSTM 64, 3 epochs", "short, LSTM 64", "LSTM 64"):
    row = table[name]
    print(f"{row['characters read']:7,} characters, {row['epochs']:2} epochs, "
          f"{row['updates']:4} steps: {row['bits, validation']:.2f} bits")
few_steps, short, full = bits_of("short, LSTM 64, 3 epochs", "short, LSTM 64", "LSTM 64")
assert few_steps - short > 3 * (short - full)

# %% [markdown]
# With about as many steps, a fifth of the text teaches this small LSTM as much as all of it. With three epochs, which is more than the two of the whole novel, it has made 234 steps, and is still more than half a bit behind. So choose the steps first,
# and divide them by the steps in an epoch: that gives the epochs.
#
# How long is too long? That is where a small text does matter. The next model is larger, a GRU of 128 units without dropout, and reads the same 100,000 characters 25 times, at a rate of 0.01. Watch both curves.

# %% mystnb={"figure": {"name": "fig-two-curves", "caption": "A GRU of 128 units on the short text: training and held-out bits after each epoch."}, "image": {"alt": "Two curves of bits per character over 25 epochs. Both fall steeply until about epoch 7, where they stand near 2.1 and 2.2. Then the training curve goes on falling, to 1.5, while the held-out curve is almost level and ends at 2.1."}}
rows = [row for name, row in table.items() if name.startswith("short, GRU 128, epoch")]
fig, ax = plt.subplots(figsize=(5.8, 3))
for column, label, color in (("training bits, last epoch", "training", "hidden"),
                             ("bits, validation", "held-out", "output")):
    bits = [row[column] for row in rows]
    ax.plot([row["epochs"] for row in rows], bits, "o-", color=COLORS[color], label=label)
ax.set(xlabel="epoch", ylabel="bits per character")
ax.legend()
plt.show()

# %%
curve = {row["epochs"]: row for row in rows}
for epoch in (8, 13, 25):
    training, judged_bits = (curve[epoch][c] for c in ("training bits, last epoch", "bits, validation"))
    print(f"epoch {epoch:2}: training {training:.2f}, held-out {judged_bits:.2f} bits")
held_out = [row["bits, validation"] for row in rows]
assert held_out[7] - held_out[24] < 0.1 < 0.4 < held_out[24] - training
assert min(held_out[11:13]) > held_out[10] > held_out[24]

# %% [markdown]
# From the eighth epoch on nearly all that it learns is this one text: the training bits fall by almost half a bit, the held-out bits by 0.06. The usual remedies are dropout, a smaller net or a longer text; more epochs are none.
# Be careful with early stopping, too. Epochs 12 and 13 bring no gain, so a patience of two would end there; yet from epoch 14 on the held-out bits fall once more, while the schedule lowers the rate.
#
# ### Stopped, and not lost
#
# A long training will be stopped: by you, by a power cut, or by Colab. With `folder=`, everything it needs is stored after each epoch, in one file that is written whole or not at all, with the best
# model beside it. The same call resumes from there. Press Ctrl-C in the middle of the second epoch (here a callback does it), and compare with a training that nobody stopped.


# %%
class PressCtrlC(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == 1 and batch == 9:
            raise KeyboardInterrupt


scrap, few = ids[:20_000], {**RECIPE, "warmup": 5, "progress": False}
through = train(small(16), scrap, held[:5000], 3, **few)

# %%
with tempfile.TemporaryDirectory() as folder:
    try:
        train(small(16), scrap, held[:5000], 3, **few, folder=folder,
              callbacks=[PressCtrlC()])
    except KeyboardInterrupt:
        print("stopped, with", sorted(os.listdir(folder)))
    resumed = train(small(16), scrap, held[:5000], 3, **few, folder=folder)
for one, other in zip(through, resumed, strict=True):
    print(f"epoch {one['epoch']}: {one['held_out']:.3f} and {other['held_out']:.3f} bits")
    assert abs(one["held_out"] - other["held_out"]) < 1e-5

# %% [markdown]
# The same numbers, as if nobody had pressed anything. The course's tests do it with `kill -9`, in a process of its own. Keras has a callback for this, `BackupAndRestore`, with two traps. It leaves out the state of the
# random numbers, so dropout would go on with others; here each epoch's dropout starts from the number of its first step. And a kill while it writes its notes
# leaves a file that nothing can go on from; so here the old file stays until the new one is whole.
#
# <a id="question-28"></a>
# ### How many units and layers?
#
# Start small, and tune on the validation part. Not by theory: by a table. Each row below was trained for the same number of steps, by the same recipe.

# %%
for name in ("GRU 16", "GRU 32, seed 0", "GRU 64", "GRU 2 x 32, seed 0"):
    row = table[name]
    print(f"{name:18} {row['weights']:6,} parameters, {row['core-seconds']:3} core-seconds, "
          f"{row['bits, validation']:.3f} bits")
by_size = bits_of("GRU 16", "GRU 32, seed 0", "GRU 64")
assert (np.diff(by_size) < -0.2).all()
one, two = (bits_of(*(f"GRU {size}, seed {s}" for s in range(3))) for size in ("32", "2 x 32"))
print("one layer of 32, three seeds:", *one.round(3), " two:", *two.round(3))
assert one.max() < two.min()

# %% [markdown]
# Each doubling of the units saves more than a fifth of a bit, and costs a few seconds. A second layer of 32 saves nothing here, although the net then has half as many parameters again: from all three seeds it is behind. But this is a short training at one rate: it favors what learns quickly, and
# a longer one may put the second layer to use. So take the table as a way to choose, not as the choice:
#
# 1. Start with one layer, small enough to train in a minute; check that it beats the bigram.
# 2. Double the units until the held-out bits no longer improve, or you run out of patience. Count steps, and look at the core-seconds too: at large sizes, twice the units take up to four times as long.
# 3. If the training bits fall far below the held-out bits, as at the end of {numref}`fig-two-curves`, the model is large for its text: take more dropout, stop earlier, or add text.
# 4. Then try a second layer; keep it only if the validation text says so.
#
# ## A model that is trained already
#
# A generator that is worth reading takes minutes, not seconds. The course brings one: 256 LSTM units, trained on the training chapters by one command, which
# you can run too, stop, and run again:
#
# ```
# python examples/train.py --folder my-model --dropout 0.3 --epochs 18 --rate 8e-3
# ```
#
# (The command needs the course's folder `examples`. On Colab, get it with `!git clone https://github.com/rnnbook/rnnbook` and write `!python rnnbook/examples/train.py ...`.)
# Its entry in `data/manifest.toml` says how long that took and what it should give on the validation chapters. Do not take that on trust: measure it.
#
# It knows the novel's characters, and no others. A book of yours is trained in the next cell, by the same recipe (with `my-model` as its folder, so you may stop it and run the cell again). If you gave the command
# the name of your file instead, or trained before, name the result.

# %%
TRAINED = None  # or of your own book: TRAINED = "my-model/best.keras"

manifest = tomllib.loads((data.FOLDER / "manifest.toml").read_text("utf-8"))
(entry,) = [f for f in manifest["file"] if f["name"] == "weights/novel-lstm.keras"]
if MINE and not TRAINED:
    large = Generator(letters, H=256, embedding=64, dropout=0.3)
    train(large, ids, held, 18, rate=8e-3, folder="my-model")
else:
    large = keras.models.load_model(TRAINED or data.path(entry["name"]))
assert large.tokens == letters.tokens, "it learned from another text, or words"
if MINE is None:
    print(f"core-seconds that it took: {entry['core_seconds']}")

# %%
large_bits = carried_bits(large)
best = "{cell}, {H}".format(**large.configuration).upper()
print(f"{best} units: {large.count_params():,} parameters, {large_bits:.3f} bits")
if MINE is None:
    print(f"promised: {entry['validation_bits']:.3f} bits, by seed {entry['seed']}")
    assert abs(large_bits - entry["validation_bits"]) < 0.002

# %% [markdown]
# `load_model` is Keras' own, and needs no more than the import of `rnnbook.keras`. The same weights lie beside it for
# [LanguageModel](#rnnbook.text.language_model.LanguageModel), so the NumPy side can read them without Keras.
#
# A text that is too short to train a net from nothing can still be learned on top of this one: `train(large, large.encode(mine), large.encode(held_out), 3, rate=1e-3)` goes on from the weights that are there. Characters that the novel lacks stay unknown.
#
# ## The ladder, on the test chapters
#
# All choices are made; open the test chapters, once. From the simplest model to the largest: **uniform** finds all types equally likely; the **unigram** knows how frequent each is; a
# **hidden Markov model** of 16 states learns by Baum–Welch, as in chapter 6; the **n-grams** count; then an **RNN** in NumPy, and **GRU** and **LSTM** in Keras,
# all three with 64 units and the same steps at the same learning rates; the RNN of 256 units from chapter 3; and the large LSTM. The small RNN (trained without dropout) and the GRU come from the benchmark's table, so a book of yours has no such rows, nor that of chapter 3.

# %%
test_text = whole[-tenth:] if MINE else data.novel("test")
test = letters.encode(test_text)
ladder = {}
for order, name in ((0, "uniform"), (1, "unigram"), (2, "bigram"), (3, "3-gram"),
                    (5, "5-gram"), (6, "6-gram")):
    ladder[name] = bits_per_token(NGram(ids, order, V).log_probabilities(test))
hmm = HMM.random(16, V, seed=0)
lines = [ids[t : t + 500] for t in range(0, len(ids) - 499, 500)]
hmm, _ = hmm.baum_welch(lines, iterations=40, smoothing=1e-3)
ladder["HMM"] = bits_per_token(hmm.log_probabilities(test))

# %%
if MINE is None:
    ladder["RNN, 64"], ladder["GRU, 64"] = bits_of("RNN 64", "GRU 64", part="test")
    plain_rnn = LanguageModel.load(data.path("weights/plain-rnn.npz"))
    assert plain_rnn.tokens == letters.tokens
    ladder["RNN, 256"] = bits_per_token(plain_rnn.log_probabilities(test))
ladder["LSTM, 64"] = bits_per_token(model.log_probabilities(test))
large_log_p = large.log_probabilities(test)
ladder[best] = bits_per_token(large_log_p)
expect(abs(ladder["LSTM, 64"] - bits_of("LSTM 64", part="test")[0]) < 0.03,
       "the small LSTM has the table's bits")
expect(abs(ladder[best] - large_bits) < 0.3,
       f"test {ladder[best]:.2f} bits is near validation {large_bits:.2f}")

# %%
for name, bits in ladder.items():
    print(f"{name:10} {bits:.3f} bits per character, perplexity {2**bits:6.2f}")
best_counts = min(ladder["5-gram"], ladder["6-gram"])
lead = best_counts - ladder[best]
print(f"{best} against the best n-gram: {lead:.3f} bits less")
small_nets = [bits for name, bits in ladder.items() if name.endswith(", 64")]
expect(ladder["bigram"] < ladder["HMM"] < ladder["unigram"],
       "the HMM lies between unigram and bigram")
expect(min(small_nets) > ladder["3-gram"] > best_counts > ladder[best] + 0.1,
       "the large LSTM beats all n-grams, and the small nets not even the 3-gram")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-test-ladder", "caption": "Bits per character on the test chapters, fewer is better: models that count, the hidden Markov model, and nets."}, "image": {"alt": "Horizontal bars, from uniform with more than six bits at the top over the unigram, the HMM, the bigram, the three small nets and the 3-gram, to the 5-gram and 6-gram with the RNN of 256 units just below, down to the LSTM with 256 units, whose bar is the shortest."}}
fig, ax = plt.subplots(figsize=(5.8, 4))
ranked = sorted(ladder.items(), key=lambda item: item[1])
kinds = {"gram": "input", "uniform": "muted", "HMM": "memory"}
for place, (name, bits) in enumerate(ranked):
    kind = next((k for word, k in kinds.items() if word in name), "output")
    ax.barh(place, bits, color=COLORS[kind])
    ax.text(bits + 0.05, place, f"{bits:.2f}", va="center")
ax.set(xlabel="bits per character", xlim=(0, 7.2))
ax.set_yticks(range(len(ranked)), [name for name, _ in ranked])
ax.grid(False)
plt.show()

# %% [markdown]
# The large LSTM beats the best table of counts by 0.22 bits, on chapters that nobody chose by. The RNN of chapter 3, with as many units, is 0.03 bits ahead of that table. The small nets do not beat it: after 800 steps none of them has reached even the 3-gram. The order among the
# three shows who learns quickly at this one rate, not who ends best: chapter 7 compares them at their own rates. The HMM beats the unigram, but not the bigram: which of sixteen states it is in tells less about the next character than which of 77 characters stood before it. The large LSTM differs from the small one in size and time above all: 256 units instead of 64, and eighteen epochs instead of two; also in its rate, its dropout, a larger embedding, and batches of 64 time steps.
#
# How sure is this lead? Two things may be luck: the passage and the seed. For the one, cut the test chapters into pieces of a thousand characters, and compare the large LSTM with the 6-gram in each. For the other, the benchmark
# trained the large LSTM from two more seeds, by the same recipe.

# %%
gain = (large_log_p - NGram(ids, 6, V).log_probabilities(test)) / np.log(2)
thousands = gain[: len(gain) // 1000 * 1000].reshape(-1, 1000).mean(axis=1)
error = thousands.std(ddof=1) / len(thousands) ** 0.5
print(f"ahead of the 6-gram by {thousands.mean():.3f} bits, standard error {error:.3f}")
print(f"ahead in {(thousands > 0).sum()} of {len(thousands)} pieces")
expect((thousands > 0).all(), "the large LSTM is ahead in every piece")
others = [f"LSTM 256, 18 epochs, seed {s}" for s in (1, 2)]
leads = ladder["6-gram"] - np.array([ladder[best], *bits_of(*others, part="test")])
if MINE is None:
    print("three seeds:", *leads.round(3), f" standard deviation {leads.std(ddof=1):.3f}")
    assert leads.min() > 10 * leads.std(ddof=1)

# %% [markdown]
# It is neither: the LSTM is ahead in every piece and from all three seeds, by many times what they differ.
#
# ## Writing
#
# To write, the model must be called once for each character, and each call of a Keras model costs more than the time step in it: `model.predict` gives some
# twenty characters a second. [sample](#rnnbook.keras.Generator.sample) compiles the whole loop, so that Python gets its turn only once in 256 characters;
# the [benchmarks](../reference/benchmarks.md) have the figures of each way. Its random numbers come from NumPy, so with one seed Keras and NumPy write the same text:

# %%
in_keras = large.generate(300, PROMPT, seed=1, temperature=0.7)
in_numpy = large.to_numpy().generate(300, PROMPT, seed=1, temperature=0.7)
print(textwrap.fill(in_keras, 60))
expect(in_keras == in_numpy, "Keras and NumPy write the same text")

# %%
start = time.process_time()
pages = large.generate(1000, PROMPT, seed=1, temperature=0.7, samples=8)
speed = 8 * 1000 / (time.process_time() - start)
assert len({page[:200] for page in pages}) == 8  # eight texts, in one batch
assert speed > 500  # a wide margin: see the benchmarks
print(f"{len(pages)} texts of {len(pages[0]):,} characters in one batch")

# %% [markdown]
# ### A page over temperatures
#
# The same seed, the same prompt, five settings.

# %%
settings = {"τ = 0.3": {"temperature": 0.3}, "τ = 0.7": {"temperature": 0.7},
            "τ = 1.0": {}, "τ = 1.3": {"temperature": 1.3},
            "top-p = 0.9": {"top_p": 0.9}}
shelf = {}
for name, setting in settings.items():
    shelf[name] = large.generate(6000, PROMPT, seed=2, **setting)
    print(name)
    print(textwrap.indent(textwrap.fill(" ".join(shelf[name][:420].split()), 58), "  "))

# %% [markdown]
# Which is best? That is a matter of taste, but some things can be counted. How many of the words are known, that is, occur in the training chapters? How many different words does
# it use? The held-out chapters are the reference.


# %%
known_words = set(tokens(text, "words"))


def craft(written):
    words = [w for w in tokens(written, "words") if w[:1].isalpha()]
    strange = [w for w in dict.fromkeys(words) if w not in known_words]
    seen = np.mean([w in known_words for w in words]) if words else 0.0
    return len(words), seen, len(set(words)) / max(1, len(words)), strange


crafts = {name: craft(written) for name, written in shelf.items()}
crafts["held-out"] = craft(held_text[:6000])
for name, (n, seen, different, _) in crafts.items():
    print(f"{name:12} {n:5,} words, {seen:6.1%} known, {different:.0%} different")
expect(crafts["τ = 0.3"][1] > crafts["τ = 1.0"][1] > 0.8 > crafts["τ = 1.3"][1],
       "a higher temperature makes up more words")

# %% [markdown]
# "Known" is not the same as "spelled right": an author, too, uses words that did not occur before. So look at the strangers themselves.

# %%
for name in ("τ = 0.7", "top-p = 0.9", "τ = 1.3", "held-out"):
    print(textwrap.fill(f"{name}: {', '.join(crafts[name][3][:12])}", 60))

# %% [markdown]
# At 0.3 nearly every word is known, and few are different: the text goes in circles. At 1.3 one word in four is unknown, and most of these are made up. At 0.7, and with top-p, the share of unknown words is close to that of the held-out chapters, but they are of another kind: the author's are English words, the model's are mostly not words at all. And in both settings the model uses fewer different words than the author.
#
# ### In this page
#
# Turn the knobs yourself. The model below is the course's LSTM, its embedding multiplied into the input weights, and each weight rounded to one byte. What does that cost?

# %%
from rnnbook.show.instruments.generator import load, round_weights

page = round_weights(load())
known = page.encode(data.novel("validation"))
page_bits = bits_per_token(page.log_probabilities(known))
weights = sum(array.size for array in page.parameters.values())
print(f"{weights:,} weights, {page_bits:.3f} bits on the validation chapters")
assert abs(page_bits - entry["validation_bits"]) < 0.002

# %% [markdown]
# Next to nothing. It is loaded when you ask for it, and what you type stays in the page. (In JupyterLab or on Colab there is no file of weights beside it: write `instruments.show("generator", embed=True)` there.)

# %%
instruments.show("generator")

# %% [markdown]
# ### A chapter from "games"
#
# The novel's chapters begin with a number, a title and a blank line. Give the model that much, with "Games" as the title, and let it go on for two thousand characters. This is seed 0, the first try: nothing was picked.

# %%
chapter = large.generate(2000, HEADING, seed=0, temperature=0.7)
paragraphs = chapter.split("\n\n")  # the last one is cut off
for paragraph in paragraphs:
    print(textwrap.fill(paragraph, 60), end="\n\n")
# To keep it: open("chapter-41.txt", "w", encoding="utf-8").write(chapter)
expect(paragraphs[:2] == ["CHAPTER 41", "Games"] and len(paragraphs) > 4,
       "there is a title and there are paragraphs")

# %% [markdown]
# It looks like a chapter: a title, paragraphs, speech in quotation marks. Now read it slowly: few sentences make sense, nobody answers anybody, and nothing follows from what happened before.
#
# ## The audit
#
# What did it copy? As in chapter 3: the longest passage that stands in the training text, and the share of sequences of $n$ characters that do not. Only now the net is larger and has read the text many times.


# %%
def longest_copy(written, source):
    best, n = "", 1
    for start in range(len(written)):
        while start + n <= len(written) and written[start : start + n] in source:
            best, n = written[start : start + n], n + 1
    return best


passages = {n: {text[j : j + n] for j in range(len(text) - n + 1)} for n in (8, 20)}


def share_new(written, n):
    parts = [written[j : j + n] for j in range(len(written) - n + 1)]
    return np.mean([part not in passages[n] for part in parts])


# %%
pieces = {name: written[len(PROMPT) :] for name, written in shelf.items()}
pieces["the chapter"] = chapter[len(HEADING) :]
pieces["held-out"] = held_text[:6000]
copies = {name: longest_copy(piece, text) for name, piece in pieces.items()}
for name, piece in pieces.items():
    print(f"{name:11} new at 8: {share_new(piece, 8):.0%}, at 20: {share_new(piece, 20):.0%};",
          f"longest copy {len(copies[name])}:")
    print(f"    {copies[name]!r}")
expect(max(map(len, copies.values())) == len(copies["held-out"]) < 80,
       "the held-out text shares the longest passage")

# %% [markdown]
# No text copied a longer passage than the held-out chapters share with the training chapters: a phrase of some thirty characters, which is there because one author wrote both. (The chapter is a third as long as the other texts, so it had fewer chances.) At 20 characters nearly everything is new. At 0.3 nearly all sequences of eight are old, since the text is made of the commonest phrases; that is dull, but it is not copying.
#
# A model may know a passage by heart and still not write it in a sample. So test that directly: give the net the beginning of a paragraph of the training text, and see whether it goes on to the author's end. Fifty characters are read, and fifty written greedily.
# [Carlini et al. (2021)](#carlini2021) found hundreds of passages that GPT-2 had learned by heart, among them names and telephone numbers.
#
# Such a test needs two controls. Paragraphs of the held-out chapters, which the net never read, show how often it agrees by chance, or because it writes English. And a table that does know the text by heart, since it has
# stored which character followed each passage of 24, shows that the test finds what there is.


# %%
followed = {text[j - 24 : j]: text[j] for j in range(24, len(text))}


def by_heart(start):
    for _ in range(50):
        start += followed.get(start[-24:], "?")
    return start[50:]


def by_net(start):
    return large.generate(50, start, top_k=1)[50:]


# %%
def agreement(source, write):
    """Return, of 40 paragraphs, which share of 50 characters is written as the author did."""
    paragraphs = [p for p in source.split("\n\n") if len(p) > 150 and set(p) <= set(text)]
    chosen = paragraphs[:: max(1, len(paragraphs) // 40)][:40]
    return np.array([np.mean([a == b for a, b in zip(write(p[:50]), p[50:100], strict=True)])
                     for p in chosen])


# %%
recited = {}
for who, write in (("LSTM", by_net), ("table of 24", by_heart)):
    for part, source in (("training", text), ("held-out", held_text)):
        same = agreement(source, write)
        recited[who, part] = (same == 1).sum()
        print(f"{who:11} {part}: {recited[who, part]:2} of {len(same)} paragraphs recited,",
              f"{same.mean():.0%} of the characters agree")
expect(recited["LSTM", "training"] == 0, "the net recites no paragraph")
expect(recited["table of 24", "training"] > 30, "the table recites nearly all")

# %% [markdown]
# The table recites nearly all that it has read, and nothing that it has not, so the test can tell. The net recites none of the forty, and agrees with the author hardly more often where it has read the text than where it has not. The share of characters that agree is low also because one letter more or less shifts all that follows; the count of paragraphs is the safer figure, and it says something about these forty only.
#
# ## What it can do, and what it cannot
#
# How far back does it look? Let it read the last $k$ characters only, from a state of zero, at 250 places of the validation chapters, and see how much each longer context helps.

# %%
places = np.linspace(400, len(held) - 1, 250).astype(int)
looked = {}
for k in (10, 25, 50, 100, 200, 400):
    before = np.stack([held[at - k : at] for at in places])
    logits = np.asarray(large(before))[:, -1]
    looked[k] = cross_entropy(logits, held[places])[0] / np.log(2)
    print(f"the last {k:3} characters: {looked[k]:.2f} bits")
expect(looked[10] > looked[25] + 0.05 and abs(looked[100] - looked[400]) < 0.02,
       "all that helps lies within 100 characters")

# %% [markdown]
# What is more than about a hundred characters away makes no difference that can be seen here. So what can it do? It spells, mostly; it punctuates, makes paragraphs, opens and closes speech; it has the novel's names and things; and it never tires. What it does not have is anything to say. It cannot bring a story to an end that it began a page ago; it has no world against which a sentence could be false; and what it writes about
# people is an average of what was written. The bits measure how well it predicts, not how well it tells. Do not present its text as a person's, and do not let it answer where an answer can do harm.
#
# ## Words instead of characters
#
# One argument changes the unit. A vocabulary of words is large, so rare ones become the unknown token here; and now the output layer has most of the weights. An epoch has only about a quarter as many tokens, so count
# steps again. This model, a GRU of 128 units, made nine epochs. Its weights are stored, in half precision; they come from this command:
#
# ```
# python examples/train.py --folder words --unit words --min-count 5 --cell gru --units 128 --embedding 64 --dropout 0.3 --epochs 9 --rate 6e-3 --rows 40 --steps 32
# ```

# %%
words = Vocabulary(text, "words", min_count=5)
word_ids, word_held = words.encode(text), words.encode(held_text)
if MINE is None:
    word_model = LanguageModel.load(data.path("weights/novel-words.npz"))
else:
    word_model = Generator(words, H=128, cell="gru", embedding=64, dropout=0.3)
    rounds = math.ceil(800 / ((len(word_ids) - 1) // (B * T)))
    train(word_model, word_ids, word_held, rounds, **(RECIPE | {"rate": 6e-3}))
unknown = (word_held == 0).mean()
print(f"V = {len(words):,}, unknown tokens held out: {unknown:.1%}")
expect(unknown > 0.05, "more than one token in twenty is unknown")

# %%
n = len(held_text)
word_bits = -word_model.log_probabilities(word_held).sum() / np.log(2) / n
bigram = -NGram(word_ids, 2, len(words)).log_probabilities(word_held).sum() / np.log(2) / n
print(f"bits per character: {word_bits:.3f}; the bigram of words {bigram:.3f}")
expect(word_bits < min(bigram, large_bits), "the net of words seems to beat all others")
(noted,) = bits_of("words, GRU 128")
expect(abs(word_bits - noted) < 0.03, "it ends as on the novel")

# %% [markdown]
# To write, forbid the unknown token: lower its bias so far that it is never drawn.

# %%
writer = word_model if MINE is None else word_model.to_numpy()
writer.parameters["dense/b_y"][0] = -100  # the unknown token has number 0
written = writer.generate(100, WORDS_PROMPT, seed=0, temperature=0.7)
print(textwrap.fill(" ".join(written.split()), 60))
assert "<unknown>" not in written

# %% [markdown]
# Nothing is misspelled, and here and there a short sentence makes sense. And this model seems to need fewer bits than the large LSTM. Look closer: the bill is not complete. When an unknown word comes, the
# model pays for saying "here stands a rare word", and never for saying which. A model of characters pays for each of its letters. So the benchmark completes the bill: it lets the 6-gram of
# characters spell each unknown word, and the character after it, which ends the word. In the table these rows are called "spelled". All figures are bits per character on the validation chapters.

# %%
for name in ("words, unigram", "words, bigram", "words, GRU 128, 2 epochs", "words, GRU 128",
             "words, spelled, bigram", "words, spelled, GRU 128, 2 epochs",
             "words, spelled, GRU 128", "GRU 128, 4 epochs"):
    spent = table[name]["core-seconds"]
    spent = "" if spent is None else f"{spent:3} core-seconds"
    print(f"{name:33} {bits_of(name)[0]:.3f} {spent}")
net, counted, early, same = bits_of("words, spelled, GRU 128", "words, spelled, bigram",
                                    "words, spelled, GRU 128, 2 epochs", "GRU 128, 4 epochs")
expect(large_bits < net < counted < early and net < same, "the order is the novel's")

# %% [markdown]
# With the unknown words paid for, the net of words is still ahead of the bigram of words. After two epochs it was far behind: that was no fault of the words, there were too few steps. It also needs fewer bits than a GRU of as many units that reads characters;
# but that one has fewer weights, since its output layer is small, and was trained for fewer core-seconds, and neither was tuned. The large LSTM, on characters, needs fewer than both. So on one novel words are a fair choice, if you give them
# enough steps, and a quick way to a text that reads well; characters make every comparison simpler.
#
# Large language models take a way between the two, *subwords*: a frequent word is one token, a rare one is spelled in pieces, and nothing is unknown. This course does not build them.
#
# ## More than one device
#
# A batch can be divided: each device takes some of its rows, works out its gradient, and the mean of the gradients is taken. Nothing changes in the mathematics, so the losses must be the same. You need no second device to see it: the first cells
# of this notebook asked TensorFlow to pretend that your processor is two. `MirroredStrategy` keeps a copy of the weights on each. The model carries no state here, so any division of the rows will do; this is the one place where
# windows are the better choice.


# %%
def fitted(strategy):
    with strategy.scope():
        net = small(16, "gru", dropout=0.0)  # each device would draw its own
        net.compile(keras.optimizers.SGD(0.5), loss, jit_compile=False)
    return net, net.fit(batches.take(6), epochs=3, shuffle=False, verbose=0).history["loss"]


devices = [d.name for d in tf.config.list_logical_devices("CPU")]
print(len(devices), "devices")
alone, one_loss = fitted(tf.distribute.get_strategy())
shared, two_loss = fitted(tf.distribute.MirroredStrategy(devices[:2]))
for epoch, (one, two) in enumerate(zip(one_loss, two_loss, strict=True), start=1):
    print(f"epoch {epoch}: one device {one:.4f}, two devices {two:.4f}")
    assert abs(one - two) < 1e-4

# %% [markdown]
# Two halves of one processor are no faster than the whole. On a machine with two graphics cards the same lines use both; and for a net of this size one card would wait for the other most of the time.
#
# ### More than one process
#
# Devices in two machines share no memory, so each machine runs a process of its own, and the gradients travel over the network. `MultiWorkerMirroredStrategy` does that. With Keras 3 its `fit` fails, but a training loop of your own
# works. The course has one as an appendix, [examples/worker.py](../examples/worker.py), which trains this chapter's LSTM on windows, with two processes on your own machine:
#
# ```
# python examples/two_processes.py --workers 2 --folder two
# ```
#
# Each worker reads its half of the rows of a batch. Look into the file for the one line that is easy to get wrong. (Each worker divides its loss by all tokens of the batch, so here the gradients are summed, where above their mean was taken.) The gradient's norm must be clipped after that sum, not before: two clipped halves are not the clipped whole. Keras' optimizer,
# called inside the strategy, clips first, and says nothing. Two vectors show it:

# %%
halves = np.array([[3.0, 0.0], [0.0, 4.0]])  # the gradients of two workers


def clipped(g):
    return g / max(1.0, np.linalg.norm(g))


print("summed, then clipped:", clipped(halves.sum(axis=0)))
print("clipped, then summed:", clipped(halves[0]) + clipped(halves[1]))
assert np.allclose(clipped(halves.sum(axis=0)), [0.6, 0.8])

# %% [markdown]
# A test of the course starts both processes and compares all losses with those of one process: computed in float64, they agree to twelve digits. It kills one of the two with `kill -9`: the other does not wait forever, but ends
# too. Then it gives the same command again, and the training goes on after the last whole epoch, to the same losses, digit for digit. Long trainings on many machines are often run in this way: nobody repairs a worker, all start again from
# the last checkpoint.
#
# ## Summary
#
# - Carry the state and read the text in rows: the net learns as it will be used. Windows are simpler, and easier to divide among devices.
# - Count training steps, not epochs: a short text needs more epochs, and so does a text in words.
# - AdamW, a warm-up, a cosine to zero, a clipped gradient and dropout: five lines, and each has its reason.
# - Start small; let the validation text choose units and layers; open the test text once.
# - With a folder, a training that is stopped goes on to the same numbers; with two processes, too.
# - The LSTM with 256 units beats the best table of counts by a clear margin. The small ones, after 800 steps, do not.
# - Before you compare the bits of words with those of characters, let the unknown words be paid for.
# - Write with a compiled loop; choose the temperature by what you count, not by one sample that you like.
# - Audit what you publish: passages copied, and passages that a prompt brings out.
#
# ## What number should I get?

# %%
for what, value, tolerance in (
    ("training steps in an epoch", len(batches), "exact"),
    ("training bits of the first 50 steps", begun, "0.02"),
    ("LSTM with 64 units, validation bits", small_bits, "0.03"),
    ("words, unknown ones free, bits per character", word_bits, "0.03"),
    (f"{best} units, validation bits", large_bits, "0.002"),
    ("6-gram, test bits", ladder["6-gram"], "0.001"),
    ("HMM, test bits", ladder["HMM"], "0.02"),
    (f"{best} units, test bits", ladder[best], "0.002"),
):
    print(f"{what:44} {value:8.3f}   tolerance {tolerance}")

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of the dots and run the cell: it says whether it is right, and if not, where to look. The
# solutions, in the book, are folded below each.
#
# ### Exercise 8.1: The size of a generator
#
# *by hand · 5 minutes*
#
# A generator has 80 types, an embedding of 64 numbers, one LSTM of 256 units, and a linear output layer. How many parameters does the embedding have, how many the LSTM, and how many the output layer?

# %% tags=["stub"]
sizes = ...  # a list of three numbers

check("8.1", sizes)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
sizes = [80 * 64, 4 * (64 * 256 + 256 * 256 + 256), 256 * 80 + 80]
print(sizes)
check("8.1", sizes)

# %% [markdown]
# ### Exercise 8.2: Steps and epochs
#
# *by hand · 5 minutes*
#
# A book has 614,401 characters. You train on it with B = 32, T = 64 and 20 epochs, and the warm-up takes 5 % of all training steps. How many training steps are in an epoch, how many in all, and how many of them warm up?

# %% tags=["stub"]
clocks = ...  # a list of three numbers

check("8.2", clocks)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
epoch_steps = 614_400 // (32 * 64)
clocks = [epoch_steps, 20 * epoch_steps, 20 * epoch_steps // 20]
check("8.2", clocks)

# %% [markdown]
# ### Exercise 8.3: A model is a compressor
#
# *by hand · 5 minutes*
#
# A model needs 1.75 bits per character on a chapter of 16,000 characters. An arithmetic coder that uses the model's probabilities can store the chapter in nearly that many bits. How many bytes is that, and how many times smaller is it than the plain text, one byte a character?

# %% tags=["stub"]
packed = ...  # a list of two numbers: bytes, times smaller

check("8.3", packed)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
packed = [16_000 * 1.75 / 8, 8 / 1.75]
check("8.3", packed)

# %% [markdown]
# ### Exercise 8.4: What is reset, and when?
#
# *by hand · 5 minutes*
#
# Of these five sentences about a stateful model, say True or False of each. (a) After a batch, row 0 of the next batch starts from the last state of row 0. (b) The gradient flows through the border between two batches. (c) At the border between two epochs the state must be set to zero by hand.
# (d) The rows may be shuffled between two batches. (e) The number of rows is fixed when the model is built.

# %% tags=["stub"]
verdicts = ...  # a list of five, each True or False

check("8.4", verdicts)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
verdicts = [True, False, True, False, True]
check("8.4", verdicts)

# %% [markdown]
# ### Exercise 8.5: A schedule
#
# *code · 10 minutes*
#
# Write `rate(step, steps, peak, warmup)`: at step $s$, counted from 0, it is peak $(s + 1)$ / warmup while $s$ is below the warm-up, and then falls along half a cosine, from the peak at $s$ = warmup to zero at $s$ = steps.


# %% tags=["stub"]
def rate(step, steps, peak, warmup): ...


check("8.5", rate)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_08 import rate

check("8.5", rate)

# %% [markdown]
# ### Exercise 8.6: Rows that go on
#
# *code · 15 minutes*
#
# Write `rows(ids, B, T)`, which returns the inputs of all batches, shape (batches, B, T), so that row $b$ of a batch goes on where row $b$ of the batch before stopped. What does not fill a batch is left out; leave one more token for the last target.


# %% tags=["stub"]
def rows(ids, B, T): ...


check("8.6", rows)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_08 import rows

check("8.6", rows)

# %% [markdown]
# ### Exercise 8.7: Patience
#
# *code · 10 minutes*
#
# Write `stop(held_out, patience)`: given the held-out bits after each epoch, return two numbers, the epoch after which early stopping ends the training, and the epoch whose weights are kept. Count epochs from 1. Training stops as soon as `patience` epochs in a row have brought no new best. If it is never stopped, the first is the last epoch.


# %% tags=["stub"]
def stop(held_out, patience): ...


check("8.7", stop)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_08 import stop

check("8.7", stop)

# %% [markdown]
# ### Exercise 8.8: How much of it is copied?
#
# *code · 15 minutes*
#
# Write `copied(written, source, n)`: the share of the characters of `written` that lie in some passage of $n$ characters that also stands in `source`.


# %% tags=["stub"]
def copied(written, source, n): ...


check("8.8", copied)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_08 import copied

check("8.8", copied)

# %% [markdown]
# ### Exercise 8.9: Two bars and a knob
#
# *predict · 8 minutes*
#
# <a href="#at=generator&amp;prompt=Nobody+spoke&amp;temperature=1">Set the generator above</a> to the prompt "Nobody spoke" and temperature 1, load the model, and divide the longest bar by the second.
# **Before you move anything**, predict what this ratio becomes at temperature 0.5, at temperature 2, and at temperature 1 with top-k and $k = 2$. Then look, and hand in the three ratios that you
# see, to one digit after the point.

# %% tags=["stub"]
ratios = ...  # a list of three numbers

check("8.9", ratios)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# The logits are divided by the temperature, so a ratio of probabilities is raised to the
# power 1 / temperature. What top-k leaves out makes all that stay grow by one factor.
writer = round_weights(load())
p = writer.next_probabilities(writer.encode("Nobody spoke"))
second, first = np.sort(p)[-2:]
ratios = [(first / second) ** (1 / tau) for tau in (0.5, 2.0)] + [first / second]
print(f"before: {first / second:.1f}; then", *(f"{ratio:.1f}" for ratio in ratios))
check("8.9", ratios)

# %% [markdown]
# ### Exercise 8.10: Two are better than one
#
# *explore · 15 minutes*
#
# The large LSTM and the 6-gram know different things. Mix their probabilities on the validation chapters, $p = s\, p_{\mathrm{LSTM}} + (1 - s)\, p_{\mathrm{6\text{-}gram}}$. Which share $s$, to the nearest 0.05, gives the fewest bits? Guess before you run. Does the table of counts still know anything that the net does not? (The checks of this exercise and of the next one know the novel only.)

# %% tags=["stub"]
share = ...  # a number from 0 to 1

check("8.10", share)  # it knows the novel only, as the next one does

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
net_log_p = large.log_probabilities(held)
six_log_p = NGram(ids, 6, V).log_probabilities(held)
tried = {}
for s in np.arange(0.5, 1.0, 0.05).round(2):
    both = np.logaddexp(net_log_p + np.log(s), six_log_p + np.log(1 - s))
    tried[float(s)] = bits_per_token(both)
share = min(tried, key=tried.get)
if MINE:
    print("The check knows the novel's share only.")
print(f"best share {share}: {tried[share]:.3f} bits; the net alone {large_bits:.3f}")
expect(tried[share] < large_bits, "the mixture is better than the net alone")
check("8.10", share)  # it knows the novel only

# %% [markdown]
# ### Exercise 8.11: Beat it
#
# *explore · an evening*
#
# Train a generator that needs fewer bits on the validation chapters than the large LSTM above: other units, more layers, a GRU, another dropout, a mixture. Hand in its natural log-probability of each character of `data.novel("validation")`, shape (n,). Then let it write a chapter, and audit it.

# %% tags=["stub"]
log_p = ...  # one number a character

check("8.11", log_p)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# The cheapest way is the last exercise's mixture; the proud one is examples/train.py.
log_p = np.logaddexp(net_log_p + np.log(share), six_log_p + np.log(1 - share))
check("8.11", log_p)

# %% [markdown]
# ## Further reading
#
# - [Karpathy (2015)](#karpathy2015): the essay that made character-level generators popular.
# - [Graves (2013)](#graves2013): LSTMs that write text and handwriting.
# - [Srivastava et al. (2014)](#srivastava2014): dropout.
# - [Loshchilov and Hutter (2017)](#loshchilov2017) and [(2019)](#loshchilov2019): the cosine, and weight decay as it should be.
# - [Merity et al. (2018)](#merity2018): how far a well-regularized LSTM goes.
# - [Carlini et al. (2021)](#carlini2021): what large models can be made to recite.
