# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Unfolding in time
#
# A recurrent layer is drawn as a loop, but a loop cannot be computed in one go. Cut it open, draw one copy for each
# time step, and an ordinary network without loops lies before you. This chapter draws that network, runs it, and then
# uses it: for sequences of all shapes, for two ways of feeding the past back, and for forecasts, where you will see
# a net beat a naive forecast once, and never on a random walk.
#
# | You will | run one layer as a loop, as five nested calls, as a scan and in Keras; train small nets on two memory tasks; forecast sunspots |
# |---|---|
# | **You learn** | what unfolding is; which input and output patterns there are; what hidden-to-hidden, output-to-hidden and teacher forcing mean; how to judge a forecast |
# | **You need** | [Chapter 1](01_recurrent_neuron.ipynb): the layer, its weights and its shapes |
# | **It takes** | 90 minutes to read and run, 3 hours with the exercises but 2.9, and an evening for that one |

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
import timeit
from functools import reduce
from itertools import accumulate

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no lines of a log
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums everywhere

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the imports", "code_prompt_hide": "Hide the imports"}
from rnnbook import RNN, data
from rnnbook.data import tasks
from rnnbook.exercises import check
from rnnbook.keras import OutputToHiddenCell, set_simple_rnn_weights, train_seeds
from rnnbook.show import diagrams, instruments, style
from rnnbook.show.claims import claim
from rnnbook.show.style import COLORS

L = keras.layers
style.use()

# %% [markdown]
# ## One loop, five copies
#
# Chapter 1 ended with a layer that applies one rule at every [time step](#term-time-step):
#
# $$
# h_t = \tanh(W_{xh}\, x_t + W_{hh}\, h_{t-1} + b_h)
# $$ (2.1)
#
# Write $f(h_{t-1}, x_t)$ for the right-hand side. The **[hidden state](#term-hidden-state)** after five steps is then
# $f$ applied five times:
#
# $$
# h_5 = f(f(f(f(f(h_0, x_1), x_2), x_3), x_4), x_5)
# $$ (2.2)
#
# There is no loop in [Equation 2.2](#2.2), and no loop in its drawing. To write or draw the loop out like this is
# **[unfolding](#term-unfolding)** (or **unrolling**), and what you get is the
# **[unfolded graph](#term-unfolded-graph)**.

# %% mystnb={"figure": {"name": "fig-unfolded", "caption": "The folded graph, and the same unfolded over five time steps. Arrows of one color carry the same weights, at every step."}, "image": {"alt": "Left, a recurrent layer with a loop from its state back to itself. Right, five copies side by side: each takes an input from below and the state of the copy to its left, and gives an output above."}}
diagrams.unfolded(5)
plt.show()

# %% [markdown]
# Now run it. Here are weights for $D = 5$ features and $H = 3$ hidden units, and a batch of two sequences of five
# steps. The function `f` is one application of the rule.

# %%
B, T, D, H = 2, 5, 5, 3
rng = np.random.default_rng(0)
W_xh, W_hh, b_h = rng.normal(size=(H, D)), rng.normal(size=(H, H)), rng.normal(size=H)
x, h_0 = rng.normal(size=(B, T, D)), np.zeros((B, H))


def f(h_prev, x_t):
    return np.tanh(x_t @ W_xh.T + h_prev @ W_hh.T + b_h)


# %% [markdown]
# The loop of chapter 1 is [RNN](#rnnbook.nn.layers.RNN). The unfolded graph is five nested calls, as in
# [Equation 2.2](#2.2). Both give the state after the last step.

# %%
layer = RNN(D, H, dtype="float64")
layer.set_weights([W_xh.T, W_hh.T, b_h])
loop, _ = layer.forward(x)
x_1, x_2, x_3, x_4, x_5 = np.moveaxis(x, 1, 0)
graph = f(f(f(f(f(h_0, x_1), x_2), x_3), x_4), x_5)
print(graph.round(4))
gap = abs(graph - loop[:, -1]).max()
claim(6, ("largest difference between loop and unfolded graph", gap, "< 1e-12", 0))

# %% [markdown]
# Five steps, five copies. But the graph is only one way to look at the rule. A **scan** is a third: it carries a value
# along a list and keeps every intermediate result. Python has it as `itertools.accumulate`, and its short form, which
# keeps only the end, as `functools.reduce`. Keras offers the loop and the unfolded graph as `unroll=False` and
# `unroll=True`.

# %%
steps = list(np.moveaxis(x, 1, 0))
scan = np.stack(list(accumulate(steps, f, initial=h_0))[1:], axis=1)
assert (reduce(f, steps, h_0) == scan[:, -1]).all()
differences = []
for unroll in (False, True):
    layer = L.SimpleRNN(H, return_sequences=True, unroll=unroll)
    layer.build((None, T, D))
    set_simple_rnn_weights(layer, W_xh, W_hh, b_h)
    differences.append(abs(np.asarray(layer(x.astype("float32"))) - loop).max())

# %%
claim(9, ("largest difference between loop and scan", abs(scan - loop).max(), "< 1e-12", 0),
      ("between loop and Keras' loop", differences[0], "< 1e-6", 0),
      ("between loop and Keras' unfolded graph", differences[1], "< 1e-6", 0))

# %% [markdown]
# One function, four ways to run it. The differences to Keras are those of 32-bit numbers.
#
# ### The parameters do not grow
#
# The graph of five steps shows five copies of $W_{xh}$, $W_{hh}$ and $b_h$. They are the *same* numbers five times:
# this is **[weight sharing](#term-weight-sharing)**. What grows with the sequence is the work, never the number of
# [parameters](#term-parameter).

# %%
count = {}
for T in (5, 500):
    count[T] = keras.Sequential(
        [keras.Input((T, D)), L.SimpleRNN(H)]
    ).count_params()
assert count[5] == H * D + H * H + H
claim(
    7,
    ("parameters at T = 5", count[5], "== 27"),
    ("parameters at T = 500", count[500], "== 27"),
)

# %% [markdown]
# Here is the smallest such layer to touch: one neuron, three parameters. Step through it, and make it longer. Each
# circle shows its state, each arrow the weight that it carries. What grows, and what stays?

# %%
instruments.show("unfolding")

# %% [markdown]
# ## Layers are a choice
#
# Time steps come from the data. [Layers](#term-layer) come from you. **[Stacked layers](#term-stacked-layers)** run on
# top of one another: at each step, the state of one is the input of the next. Every layer has weights of its own.

# %% mystnb={"figure": {"name": "fig-stack", "caption": "Two recurrent layers over four time steps. Time goes to the right, layers go up."}, "image": {"alt": "A grid of states, two rows high and four columns wide. Arrows go right within a row, and up from the inputs through both rows to the outputs."}}
diagrams.stack(2, 4)
plt.show()

# %% [markdown]
# So a data set of ten time steps fits one, two or three layers alike. The first layer has 5 features as inputs, each
# further layer has the 3 states below it, and the lines count the parameters.

# %%
size = {}
for n in (1, 2, 3):
    recurrent = [L.SimpleRNN(H, return_sequences=True) for _ in range(n)]
    size[n] = keras.Sequential([keras.Input((10, D)), *recurrent]).count_params()
assert size[2] - size[1] == size[3] - size[2] == H * H + H * H + H
claim(8, ("parameters for T = 10 with one layer", size[1], "== 27"),
      ("with two", size[2], "== 48"), ("with three", size[3], "== 69"))

# %% [markdown]
# > **Common wrong answers.** "`units` is the number of time steps": no, it is the length of $h_t$.
# > "Ten steps make ten layers": unfolded, they make ten *copies* of one layer.

# %% [markdown]
# ## Patterns of input and output
#
# Not every task has one output for each input. You choose at which steps the net hears something and at which steps
# you listen.

# %% mystnb={"figure": {"name": "fig-patterns", "caption": "Five patterns. The last one has two networks: the encoder reads, the decoder writes."}, "image": {"alt": "Five small unfolded graphs: one to one, one to many, many to one, many to many, and an encoder of three inputs whose last state starts a decoder of two outputs."}}
diagrams.patterns()
plt.show()

# %% [markdown]
# **[One-to-one](#term-one-to-one)** is a [feedforward network](#term-feedforward-network); nothing recurs. The other
# four follow, each with the shape of its output for a batch of 2 sequences, 6 steps, 5 features, and 4 output classes.

# %% [markdown]
# <a id="question-7"></a>
# ### Many-to-one or many-to-many?
#
# In Keras one argument decides. With `return_sequences=False`, the default, a layer
# gives the last state only: **[many-to-one](#term-many-to-one)**, as for the mood of a review. With
# `return_sequences=True` it gives the state at every step: **[many-to-many](#term-many-to-many)**, as for a tag on
# every word.

# %%
B, T, D, H, V = 2, 6, 5, 3, 4
x = np.random.default_rng(0).normal(size=(B, T, D)).astype("float32")
many_to_one = keras.Sequential([L.SimpleRNN(H), L.Dense(V)])
many_to_many = keras.Sequential([L.SimpleRNN(H, return_sequences=True), L.Dense(V)])
print("many to one: ", x.shape, "->", many_to_one(x).shape)
print("many to many:", x.shape, "->", many_to_many(x).shape)
assert many_to_one(x).shape == (B, V)
assert many_to_many(x).shape == (B, T, V)

# %% [markdown]
# **[One-to-many](#term-one-to-many)** turns one vector into a sequence, as a picture into its caption. Keras wants an
# input at every step, so repeat the one you have; the state tells the steps apart.

# %%
one = x[:, 0]
one_to_many = keras.Sequential(
    [L.RepeatVector(T), L.SimpleRNN(H, return_sequences=True), L.Dense(V)]
)
print("one to many: ", one.shape, "->", one_to_many(one).shape)
assert one_to_many(one).shape == (B, T, V)

# %% [markdown]
# ### Unequal lengths
#
# With many-to-many, input and output have the same length. Where the lengths differ, as in translation, use two
# networks: an **[encoder-decoder](#term-encoder-decoder)**. The encoder reads all 6 steps; its last state starts the
# decoder, which writes 4 ([Cho et al., 2014](#cho2014); [Sutskever et al., 2014](#sutskever2014)).

# %%
state = L.SimpleRNN(H)(x)  # the encoder's last state is all that the decoder gets
start = np.zeros((B, 4, V), dtype="float32")  # its inputs: its own last outputs, say
states = L.SimpleRNN(H, return_sequences=True)(start, initial_state=state)
written = L.Dense(V)(states)
print(
    "encoder:", x.shape, "->", tuple(state.shape), "decoder:", tuple(written.shape)
)
assert written.shape == (B, 4, V)

# %% [markdown]
# ### Which output layer?
#
# The last `Dense` layer depends on the task, not on the recurrence. For classes you want probabilities: **softmax**
# turns any numbers, the **logits**, into positive ones that sum to one. For a quantity, such as a temperature, you
# want a number without limits: a linear output. Softmax would be useless there. On a single output it can only say 1.

# %%
classes = L.Dense(V, activation="softmax")(x[:, -1])
logit = np.asarray(L.Dense(1)(x[:, -1]))
single = np.exp(logit) / np.exp(logit).sum(axis=-1, keepdims=True)  # softmax over one
linear = np.asarray(L.Dense(1)(100 * x[:, -1]))
off = abs(np.sum(classes, axis=-1) - 1).max()
claim(18, ("softmax over 4 classes: distance of the sum from 1", off, "< 1e-6", 0),
      ("softmax over one output, smallest value", single.min(), "== 1"),
      ("linear output, largest size", abs(linear).max(), "> 1", 0))

# %% [markdown]
# ## Two ways to feed back
#
# What should carry the past from one step to the next? In [Equation 2.1](#2.1) it is the state: a
# **[hidden-to-hidden](#term-hidden-to-hidden)** connection, the network of [Elman (1990)](#elman1990). In the earlier
# network of [Jordan (1986)](#jordan1986) it is the output: an
# **[output-to-hidden](#term-output-to-hidden)** connection, with weights $W_{yh}$:
#
# $$
# h_t = \tanh(W_{xh}\, x_t + W_{yh}\, \hat y_{t-1} + b_h), \qquad \hat y_t = \mathrm{softmax}(W_{hy}\, h_t + b_y)
# $$ (2.3)

# %% mystnb={"figure": {"name": "fig-schemes", "caption": "What carries the past: the state, the output, or, in training only, the true target."}, "image": {"alt": "Three unfolded graphs of three steps. In the first, arrows join the states. In the second, dashed arrows lead from each output to the next state. In the third, they lead from each true target to the next state."}}
diagrams.schemes()
plt.show()

# %% [markdown]
# In both schemes the arrows lead from one time step to the next *within a layer*. What joins one layer to another is
# an ordinary input. The weights' shapes say so: put a layer of 3 units on one of 4.

# %%
below, above = L.SimpleRNN(4, return_sequences=True), L.SimpleRNN(3)
above(below(x))
own = [layer.cell.recurrent_kernel.shape[0] for layer in (below, above)]
claim(19, ("layer of 4: states that its recurrent weights read", own[0], "== 4"),
      ("layer of 3 above it: states that its recurrent weights read", own[1], "== 3"),
      ("states of the layer below that its input weights read",
       above.cell.kernel.shape[0], "== 4"))

# %% [markdown]
# ### Two tasks
#
# Which scheme is better? Ask two tasks that differ in one point: does the *output* show what has to be remembered?
#
# **Delayed recall.** The first step shows one of four symbols. Blanks follow, and the net must answer "blank" (0)
# to each. At the last step a question mark comes, and the net must name the symbol. Meanwhile, the output says
# nothing about it.
#
# **Running total.** Each step shows a digit from 0 to 4, and the net must give the sum so far, modulo 5. Here the
# output *is* all that has to be remembered.

# %%
T, V, H = 8, 5, 32
recall = tasks.delayed_recall(20_000, T, 4, seed=0)
total = tasks.running_total(20_000, T, V, seed=0)
tests = {"recall": tasks.delayed_recall(1000, T, 4, seed=1)}
tests["total"] = tasks.running_total(1000, T, V, seed=1)
print("recall: shown", recall[0][0, 0].argmax(), "- targets", recall[1][0])
print("total: digits", total[0][0].argmax(-1), "- targets", total[1][0])

# %% [markdown]
# <a id="question-29"></a>
# ### What is teacher forcing?
#
# An output-to-hidden net hears its own last output. In training you know what that
# output *should* have been. **[Teacher forcing](#term-teacher-forcing)** feeds the net the true target of the step
# before ([Williams and Zipser, 1989](#williams1989)). When the net runs on its own, nobody knows the targets, and it
# hears its own outputs again: it is **free-running**.
#
# The targets move one step to the right, and nothing, a row of zeros, stands before the first. With the past as
# an ordinary input, no step waits for another: the "recurrent" net in training is a
# [dense layer](#term-dense-layer) applied to all steps at once.


# %%
def with_past(x, y):
    past = np.zeros((*y.shape, V), dtype="float32")
    past[:, 1:] = np.eye(V)[y[:, :-1]]
    return np.concatenate([x, past], axis=-1)


print("targets: ", total[1][0])
print(
    "the past:",
    ["-" if not p.any() else int(p.argmax()) for p in with_past(*total)[0, :, V:]],
)

# %% [markdown]
# ### Three nets
#
# To train a net is to change its weights in small steps so that its error, the *[loss](#term-loss)*, gets smaller. The
# *[gradient](#term-gradient)* says in which direction to change each weight; *Adam* takes the steps, and the *rate* sets
# their size. Chapters 3 and 4 show how; here Keras does it.
#
# The first net feeds the state back. The second feeds back its softmax output, and its gradient flows through
# the steps. The third is trained by teacher forcing. All have 32 hidden units. `steps_per_execution` only saves
# time: Keras takes 20 [training steps](#term-training-step) before it returns to Python.


# %%
def compiled(layers, rate=5e-3, loss=None):
    model = keras.Sequential(layers)
    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, steps_per_execution=20)
    return model


def state_fed_back(T=T, rate=5e-3):
    layer = L.SimpleRNN(H, return_sequences=True, unroll=True)
    return compiled([keras.Input((T, V)), layer, L.Dense(V)], rate)


# %%
def output_fed_back():
    cell = OutputToHiddenCell(H, V)
    return compiled(
        [keras.Input((T, V)), L.RNN(cell, return_sequences=True, unroll=True)]
    )


def teacher_forced():
    return compiled(
        [keras.Input((None, 2 * V)), L.Dense(H, activation="tanh"), L.Dense(V)]
    )


# %% [markdown]
# Running free, the third net becomes an [OutputToHiddenCell](#rnnbook.keras.OutputToHiddenCell) with the
# same weights, which emits its best guess and hears it at the next step.


# %%
def free_running(model):
    cell = OutputToHiddenCell(H, V, emit=True)
    free = keras.Sequential(
        [keras.Input((None, V)), L.RNN(cell, return_sequences=True)]
    )
    free.set_weights(model.get_weights())
    return free


def right(model, x, y):
    # one accuracy a time step
    return (np.asarray(model(x)).argmax(-1) == y).mean(axis=0)


# %% [markdown]
# Each net sees 20,000 sequences once (one *[epoch](#term-epoch)*), in batches of 100, and is tested on 1,000 fresh ones. Three seeds; what counts
# is the last step. Guessing gets 1 in 4 on recall and 1 in 5 on the total.

# %%
ready = {}  # compiled models, trained again with fresh weights: that saves time


def runs(build, x, y, seeds=range(3), batch_size=100):
    model = ready.setdefault(build, build())
    return train_seeds(build, seeds, x, y, epochs=1, batch_size=batch_size, model=model)


# %%
accuracy = {}
for name, (x, y) in (("recall", recall), ("total", total)):
    t = tests[name]
    accuracy[name, "state"] = [right(m, *t)[-1] for m in runs(state_fed_back, x, y)]
    accuracy[name, "output"], echoed = [], []
    for m in runs(output_fed_back, x, y):
        accuracy[name, "output"].append(right(m, *t)[-1])
        echoed.append(right(m, t[0], t[0].argmax(-1)).min())  # what was just shown
    taught = runs(teacher_forced, with_past(x, y), y)
    accuracy[name, "taught"] = [right(free_running(m), *t)[-1] for m in taught]

# %%
for (task, scheme), values in accuracy.items():
    print(f"{task:6} {scheme:6}", *(f"{v:.2f}" for v in values))
print("total output: the digit just shown is the answer", *(f"{e:.2f}" for e in echoed))
chance = {"recall": 1 / 4, "total": 1 / 5}
kinds = {"state": "hidden", "output": "output", "taught": "input"}
names = ("state fed back", "output fed back", "teacher forcing, then free-running")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-schemes-compared", "caption": "Accuracy at the last step: bars are means, points are the three seeds, dashed lines are chance."}, "image": {"alt": "Bar chart of two groups. On delayed recall only the net with the state fed back is right, the others are at chance. On the running total only the net trained by teacher forcing is right."}}
fig, ax = plt.subplots()
for j, (scheme, kind) in enumerate(kinds.items()):
    at = np.array([0, 1]) + 0.27 * (j - 1)
    values = np.array([accuracy[task, scheme] for task in chance])
    ax.bar(at, values.mean(axis=1), 0.24, color=COLORS[kind], label=names[j])
    ax.plot(at[:, None] + [-0.06, 0, 0.06], values, "o", color=COLORS["ink"], ms=4)
for i, level in enumerate(chance.values()):
    ax.hlines(level, i - 0.42, i + 0.42, COLORS["muted"], "--", lw=1.5)
ax.set(xticks=[0, 1], xticklabels=["delayed recall", "running total"])
ax.set(ylim=(0, 1.09), ylabel="accuracy, last step")
fig.legend(loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# Each task has a winner, and it is not the same one.
#
# **Why does output-to-hidden fail on recall?** After the first step all sequences show the same inputs. A net
# that has emitted "blank" also hears the same feedback in all of them. Equal inputs and equal feedback give equal
# states, so it must give the same answer to all: that is a proof, and no training can help. The second
# net feeds back probabilities, and could hide the symbol in their small differences. It did not find that way in
# this training: a measurement, not a proof.
#
# **Why does hidden-to-hidden lose on the total?** It *can* represent the sum: its state may carry anything. But its
# gradient must find a rule that works through all eight steps at once. The taught net is given the true sum at each
# step and has only to learn one addition. This is a verdict about 200 training steps, not about what the net can do.
#
# **Why does output-to-hidden stay at chance there too?** In training it hears what it answered itself. All three seeds
# answer with the digit just shown. That is right at the first step, so at the second they hear the true sum, but at the six
# steps after that they hear nothing of it. There is little to learn the addition from.

# %%
lowest = {k: min(v) for k, v in accuracy.items()}
highest = {k: max(v) for k, v in accuracy.items()}
claim(20, ("recall: worst seed, state fed back", lowest["recall", "state"], "> 0.9"),
      ("best seed, output fed back", highest["recall", "output"], "< 0.4"),
      ("best seed, teacher forcing", highest["recall", "taught"], "< 0.4"),
      ("total: best seed, state fed back", highest["total", "state"], "< 0.4"),
      ("best seed, output fed back", highest["total", "output"], "< 0.4"),
      ("worst seed, teacher forcing", lowest["total", "taught"], "> 0.9"))

# %% [markdown]
# Does a recurrent neuron hear its past *output*, then? In Jordan's network, yes. In Elman's it hears the state. The two are the
# same where the output is the state itself: put the identity in the place of $W_{hy}$, without softmax. Then there is nothing to tell
# them apart; otherwise recall does.

# %%
rng, y_t, y = np.random.default_rng(0), np.zeros((2, 3)), []
U, W, b = rng.normal(size=(3, 5)), rng.normal(size=(3, 3)), rng.normal(size=3)
inputs = rng.normal(size=(2, 6, 5))
for t in range(6):
    h_t = np.tanh(inputs[:, t] @ U.T + y_t @ W.T + b)  # it receives the output
    y_t = h_t @ np.eye(3).T  # W_hy is the identity
    y.append(y_t)

# %%
elman = RNN(5, 3, dtype="float64")
elman.set_weights([U.T, W.T, b])
gap = abs(elman.forward(inputs)[0] - np.stack(y, axis=1)).max()
means = [np.mean(accuracy["recall", scheme]) for scheme in ("state", "output")]
claim(3, ("largest difference where output and state are one", gap, "< 1e-12", 0),
      ("otherwise: recall accuracy, hearing the state", means[0], "> 0.9"),
      ("hearing the output", means[1], "< 0.4"))

# %% [markdown]
# ### What teacher forcing costs: exposure bias
#
# In training, the taught net never meets its own mistakes. When it runs free, one wrong sum spoils those after it.
# The gap between the two is called **exposure bias**. The nets above were perfect, and a perfect net has none. So stop
# the training earlier, after 12,000 of the sequences, and measure both.

# %%
n, (x, y), t = 12_000, total, tests["total"]
taught, free = [], []
for m in runs(teacher_forced, with_past(x[:n], y[:n]), y[:n]):
    taught.append(right(m, with_past(*t), t[1]))
    free.append(right(free_running(m), *t))
taught, free = np.array(taught), np.array(free)
print("last step, the true past:     ", *(f"{a:.2f}" for a in taught[:, -1]))
print("last step, running on its own:", *(f"{a:.2f}" for a in free[:, -1]))
assert (taught[:, -1] - free[:, -1] > 0.1).all()
assert (taught[:, 0] == 1).all() and (free[:, 0] == 1).all()

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-exposure", "caption": "Exposure bias on the running total: three half-trained nets, each with the true past and on its own."}, "image": {"alt": "Accuracy against the time step from 1 to 8. All start at one. With the true past accuracy drops at the second step and is level from there; running free it falls from step to step towards chance."}}
fig, ax = plt.subplots()
steps = np.arange(1, T + 1)
ax.plot(steps, taught.T, color=COLORS["input"], marker="o", ms=4, lw=1.4)
ax.plot(steps, free.T, color=COLORS["output"], marker="s", ms=4, lw=1.4)
ax.axhline(1 / V, ls="--", color=COLORS["muted"], lw=1.5)
ax.text(8.15, taught[:, -1].mean(), "true past", color=COLORS["input"], va="center")
ax.text(8.15, free[:, -1].mean(), "own past", color=COLORS["output"], va="bottom")
ax.text(8.15, 1 / V - 0.01, "chance", color=COLORS["muted"], va="top")
ax.set(xlabel="time step", ylabel="accuracy", ylim=(0, 1.04), xlim=(0.8, 9.6))
ax.set_xticks(steps)
plt.show()

# %% [markdown]
# Two things can make the gap: errors add up, and a net may meet inputs that it never met in training. Here only the first
# is at work, since a wrong total is the right total of another sequence. At the first step there is no past, and all are
# right.
#
# ### What teacher forcing buys: no waiting
#
# With the true past given, a step needs no other step's result. First check that one pass over all steps
# gives what a loop over the steps gives.

# %%
T_long, B_long = 200, 64
x, y = tasks.running_total(B_long, T_long, V, seed=0)
forced, both = teacher_forced(), with_past(x, y)
one_pass = np.asarray(forced(both))
loop = np.stack(
    [np.asarray(forced(both[:, t : t + 1]))[:, 0] for t in range(T_long)], axis=1
)
gap = abs(one_pass - loop).max()
assert gap < 1e-5

# %% [markdown]
# Then time one gradient over 200 steps: the taught net, all steps at once, against the net that hears its own output
# step by step. Seconds differ from machine to machine, so the chapter prints only the bound that it asserts: the best of
# five runs of each.


# %%
def seconds(model, x):
    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            loss = model.loss(y, model(x))
        return tape.gradient(loss, model.trainable_variables)[0]

    gradient()  # the first call compiles
    return min(timeit.repeat(lambda: gradient().numpy(), number=2, repeat=5))


# %%
waiting = compiled(
    [keras.Input((None, V)), L.RNN(OutputToHiddenCell(H, V), return_sequences=True)]
)
ratio = seconds(waiting, tf.constant(x)) / seconds(forced, tf.constant(both))
claim(21, ("largest difference between one pass and the loop", gap, "< 1e-5", 0),
      ("time of a gradient, step by step over all at once", ratio, ">= 2", 0))

# %% [markdown]
# Cheaper, then, but by teacher forcing, not by the connection as such: without the targets, the output-to-hidden net waits at
# each step like any other. And a free-running net always waits.
#
# ## Sequences of any length
#
# The weights do not depend on $T$, so a trained net accepts any length. Does it stay right? Test two nets up to
# $T = 200$. One learns the running total at $T = 20$ by teacher forcing, and runs free. The other is the net with its state
# fed back, which learned delayed recall at $T = 8$ to perfection.

# %%
lengths, kept = (8, 20, 50, 100, 200), {"total": [], "recall": []}
x, y = tasks.running_total(16_000, 20, V, seed=0)
tried = [tasks.running_total(300, n, V, seed=1) for n in lengths]
for m in runs(teacher_forced, with_past(x, y), y):
    free = free_running(m)
    kept["total"].append([right(free, *t)[-1] for t in tried])

# %%
tried = [tasks.delayed_recall(300, n, 4, seed=1) for n in lengths]
hidden, blank = L.SimpleRNN(H, return_sequences=True), []
any_length = keras.Sequential([keras.Input((None, V)), hidden, L.Dense(V)])
for m in runs(state_fed_back, *recall):
    any_length.set_weights(m.get_weights())
    kept["recall"].append([right(any_length, *t)[-1] for t in tried])
    blank.append([right(any_length, x, 0 * y)[-1] for x, y in tried])

# %%
print("T:    ", *(f"{n:5}" for n in lengths))
for task, rows in kept.items():
    for row in rows:
        print(f"{task:6}", *(f"{a:5.2f}" for a in row))
for row in blank:
    print("blank ", *(f"{a:5.2f}" for a in row))

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-lengths", "caption": "Accuracy at the last step, three seeds a task. The dotted lines show the length in training: 8 steps for delayed recall, 20 for the running total."}, "image": {"alt": "Accuracy against the length of the test sequences, from 8 to 200. The running total stays at one for all seeds. Delayed recall is at one at 8 steps for all seeds. At 20 steps two of them are at zero, and one at chance. From there one climbs to nearly 0.8 at 100 and 200 steps; the others end at zero."}}
fig, ax = plt.subplots()
for kind, marker, task in (("input", "o", "total"), ("hidden", "s", "recall")):
    look = {"color": COLORS[kind], "marker": marker, "lw": 1.4, "ms": 5}
    curves = ax.plot(lengths, np.transpose(kept[task]), **look)
    curves[0].set_label(task)
ax.axvline(20, ls=":", color=COLORS["input"], lw=1.5)
ax.axvline(8, ls=":", color=COLORS["hidden"], lw=1.5)
ax.set(xlabel="time steps in the test", ylabel="accuracy", ylim=(-0.03, 1.05))
ax.set_xticks(lengths)
fig.legend(loc="outside upper center", ncols=2)
plt.show()

# %%
totals, recalls = np.array(kept["total"]), np.array(kept["recall"])
claim(15, ("running total, trained at T = 20: worst seed at T = 200",
           totals[:, -1].min(), "> 0.9"),
      ("recall, trained at T = 8: worst seed at T = 8", recalls[:, 0].min(), "> 0.9"),
      ("best seed at T = 200", recalls[:, -1].max(), "< 0.9", 2),
      ("worst seed at T = 200", recalls[:, -1].min(), "< 0.5", 2))

# %% [markdown]
# Every length was accepted. The running total stays right because its memory is exact, one of five classes, and its rule
# is the same at every step. The recall net was asked at the eighth step every time it was trained, and nothing
# taught it to hold the symbol for longer, or to wait for the question mark. Zero is below chance: there it answers "blank",
# as at all other steps (the last three rows count how often). What to do about that? Try training on a mix of
# lengths.
#
# ## Convolutions read sequences too
#
# Are recurrent nets the ones for sequences, and convolutional nets the ones for images? A **[TCN](#term-TCN)** lets
# convolutions run over time, looking only backward ([Bai et al., 2018](#bai2018)). Let both predict the next of four
# symbols in a stream where most symbols repeat the one three steps before. Each time step is a vector of four
# numbers here: nothing about a sequence is "one-dimensional".
#
# A convolution is one small dense layer that slides along the sequence: at each place it sees a few inputs, always with the
# same weights. With *dilation* 2 or 4 it leaves gaps, and so reaches further back.
#
# We count **bits**: the mean of $-\log_2 p$ for the symbol that came. Guessing costs 2 bits. Here the rule is
# known, so the best possible figure is too.

# %%
symbols, T, echo = 4, 10, {"V": 4, "lag": 3, "repeat": 0.85}
train = tasks.echoes(80_001, **echo, seed=0)
test = tasks.echoes(20_001, **echo, seed=1)
one_hot = np.eye(symbols, dtype="float32")
x, y = one_hot[train[:-1]].reshape(-1, T, symbols), train[1:].reshape(-1, T)
x_test = one_hot[test[:-1]].reshape(-1, T, symbols)
read = np.arange(1, 20_001).reshape(-1, T)[:, 4:]  # at least 5 symbols were seen
p_echo = 0.85 + 0.15 / symbols
p = np.where(test[read] == test[read - 3], p_echo, (1 - p_echo) / (symbols - 1))
floor = -np.log2(p).mean()
print(f"the true rule, on this test part: {floor:.3f} bits")

# %% [markdown]
# The naive rivals are **n-grams**: count in the training part how often each symbol followed each context of
# $n - 1$ symbols.


# %%
def ngram_bits(n):
    def context(s, at):
        number = np.zeros_like(at)
        return number + sum(s[at - i] * symbols ** (i - 1) for i in range(1, n))

    counts, at = np.ones((symbols ** (n - 1), symbols)), np.arange(n, len(train))
    np.add.at(counts, (context(train, at), train[at]), 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    return -np.log2(p[context(test, read), test[read]]).mean()


grams = {n: ngram_bits(n) for n in range(1, 7)}
print({n: round(float(bits), 3) for n, bits in grams.items()})


# %%
def tcn():
    look = {"padding": "causal", "activation": "relu"}
    convolutions = [L.Conv1D(23, 2, dilation_rate=d, **look) for d in (1, 2, 4)]
    return compiled([keras.Input((T, symbols)), *convolutions, L.Dense(symbols)])


def gru():
    layer = L.GRU(24, return_sequences=True, unroll=True)
    return compiled([keras.Input((T, symbols)), layer, L.Dense(symbols)])


# %% [markdown]
# The recurrent rival is a [GRU](#term-GRU), a stronger layer than the simple one; chapter 7 builds it.
# Both have about as many parameters.


# %%
def bits(model):
    log_p = np.asarray(keras.ops.log_softmax(model(x_test)))[:, 4:]
    return -np.take_along_axis(log_p, test[read][..., None], -1).mean() / np.log(2)


result = {}
for build in (tcn, gru):
    result[build] = [float(bits(m)) for m in runs(build, x, y, batch_size=50)]
    size = ready[build].count_params()
    print(
        f"{build.__name__}: {size} parameters,",
        *(f"{b:.3f}" for b in result[build]),
    )

# %%
assert grams[4] < min(result[tcn] + result[gru])
claim(10, ("bits of the true rule", floor, "< 0.7"), ("bigram", grams[2], "> 1.9"),
      ("4-gram", grams[4], "< 0.72"),
      ("TCN, worst of 3 seeds", max(result[tcn]), "< 0.72"),
      ("GRU, worst of 3 seeds", max(result[gru]), "< 0.76"))

# %% [markdown]
# Convolutions read this sequence at least as well. And both lose, if by little, to a table of counts: the 4-gram is the
# shortest that reaches back three steps, to the one symbol that matters. That is a fair warning, not the rule for real text. The lag was chosen so that both nets
# get there in one pass; in trials with a lag of five the GRU needed far longer than the TCN.
#
# ## A forecast, and what to beat
#
# Yearly sunspot numbers go back to 1700. Spots come and go in about eleven years, and forecasting them is a classic
# test of such methods ([Yule, 1927](#yule1927)). The nets see 11 yearly numbers and forecast the twelfth.

# %%
years, numbers = data.sunspots()
T = 11
x, y = tasks.windows(numbers, T)
target_year, last = years[T:], x[:, -1, 0]
print(x.shape, y.shape, target_year[0], target_year[-1])

# %% [markdown]
# Before any net comes a **[baseline](#term-baseline)**. The **[persistence forecast](#term-persistence-forecast)** says
# that next year is like this year. **[Skill](#term-skill)** tells how much better a forecast is:
#
# $$
# \text{skill} = 1 - \frac{\sum_t (\hat y_t - y_t)^2}{\sum_t (y_{t-1} - y_t)^2}
# $$ (2.4)
#
# Zero is no better than persistence, one is perfect, and below zero is worse than doing nothing.
#
# Three parts, in order of time: train on targets before 1870, choose settings on
# 1870–1899 (the [validation set](#term-validation-set)), then train again on all before 1900 and test on 1900–2008, once (the
# [test set](#term-test-set)).


# %%
def part(start, end):
    return (target_year >= start) & (target_year < end)


def skill(forecast, asked):
    error, naive = forecast - y[asked], last[asked] - y[asked]
    return 1 - (error**2).sum() / (naive**2).sum()


valid, test = part(1870, 1900), part(1900, 2009)
rmse = np.sqrt(((last - y)[test] ** 2).mean())
print(f"persistence, root mean squared error: {rmse:.1f} sunspots")
print(f"mean before 1900: skill {skill(numbers[years < 1900].mean(), test):.2f}")

# %% [markdown]
# The second baseline is Yule's own: an **autoregression** AR($p$), the best weighted sum of the last $p$
# numbers and a constant, found by least squares.


# %%
def autoregression(p, start, end):
    table = np.column_stack([x[:, -p:, 0], np.ones(len(x))])
    known, asked = target_year < start, part(start, end)
    weights = np.linalg.lstsq(table[known], y[known], rcond=None)[0]
    return table[asked] @ weights


ar_valid = {p: skill(autoregression(p, 1870, 1900), valid) for p in (1, 2, 9)}
ar_test = {p: skill(autoregression(p, 1900, 2009), test) for p in (1, 2, 9)}
for p in ar_test:
    print(
        f"AR({p}): skill {ar_valid[p]:.2f} on 1870-1899, {ar_test[p]:.2f} on 1900-2008"
    )

# %% [markdown]
# <a id="question-13"></a>
# ### Scale before or after splitting?
#
# Now the net. One thing needs care first. Nets want numbers near zero, so subtract a mean and divide by a standard
# deviation. Take both from the part that is known when you forecast. Figures of the whole series would tell the net
# about years to come, here that the sun will be more active:

# %%
for name, known in (("before 1900", years < 1900), ("all years", years > 0)):
    mean, deviation = numbers[known].mean(), numbers[known].std()
    print(f"{name:12} mean {mean:.1f}, standard deviation {deviation:.1f}")
assert numbers.mean() > numbers[years < 1900].mean() + 5

# %% [markdown]
# The function below trains a `SimpleRNN` of 16 units on the targets before `start` and forecasts those from `start` to
# `end`. `known` holds the numbers that set the scale. `passes` counts how often the training part is gone through.


# %%
def regressor():
    layers = [keras.Input((T, 1)), L.SimpleRNN(16, unroll=True), L.Dense(1)]
    return compiled(layers, rate=2e-3, loss="mse")


def forecasts(start, end, passes, known):
    mean, sd = known.mean(), known.std()
    z, target = ((a - mean) / sd for a in (x, y))
    before, asked = target_year < start, part(start, end)
    tiled = np.tile(z[before], (passes, 1, 1)), np.tile(target[before], passes)
    made = runs(regressor, *tiled, batch_size=32)
    return [np.asarray(m(z[asked]))[:, 0] * sd + mean for m in made]


# %% [markdown]
# How many passes? The validation part decides, not the test part.

# %%
chosen, known = {}, numbers[years < 1870]
for passes in (5, 25, 75):
    chosen[passes] = [skill(f, valid) for f in forecasts(1870, 1900, passes, known)]
    print(f"{passes:2} passes: skill", *(f"{s:.2f}" for s in chosen[passes]))
best = max(chosen, key=lambda passes: np.mean(chosen[passes]))
print("chosen:", best, "passes")
assert best == 25

# %%
known = numbers[years < 1900]
final = forecasts(1900, 2009, best, known)
rnn_skill = [skill(f, test) for f in final]
print("SimpleRNN: skill on 1900-2008", *(f"{s:.2f}" for s in rnn_skill))

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-sunspots", "caption": "The last 40 years of the test part: what came, the persistence forecast, and the net's (first seed), one year ahead."}, "image": {"alt": "Yearly sunspot numbers from 1969 to 2008, about four cycles. The persistence forecast is the same curve one year late. The forecast of the net follows the rise and fall more closely."}}
fig, ax = plt.subplots()
shown = target_year >= 1969
year, net = target_year[shown], final[0][-shown.sum() :].round()
ax.plot(year, y[shown], "o-", color=COLORS["ink"], ms=3, lw=1.3, label="truth")
ax.plot(year, last[shown], ":", color=COLORS["muted"], lw=1.8, label="persistence")
ax.plot(year, net, color=COLORS["output"], lw=1.8, label="SimpleRNN")
ax.set(xlabel="year", ylabel="sunspots, yearly mean", ylim=(-12, 178))
fig.legend(loc="outside upper center", ncols=3)
plt.show()

# %%
worst, best_seed = min(rnn_skill), max(rnn_skill)
for p, s in ar_test.items():
    print(f"AR({p}) {s:.2f}, the net {worst:.2f} to {best_seed:.2f}")
assert ar_test[1] < ar_test[2] - 0.1 < worst < best_seed < ar_test[9]
assert np.mean(chosen[best]) > ar_valid[2] > ar_valid[9]

# %% [markdown]
# The honest verdict: the net beats persistence by far, and is about as good as AR(2), the order that the
# validation part would have chosen. AR(9) beats the net on the test part. But nobody could have known: on the
# validation part it was behind both. Ten weights found by least squares are a strong rival, and three seeds on one
# series prove little.

# %% [markdown]
# <a id="question-12"></a>
# ### Why does my forecast echo the last value?
#
# Because persistence is a strong and easy optimum: a net that is trained
# too little, or that has nothing to go by, says "as before", and its curve looks like the truth, shifted by a year.
# The test for it: is the forecast closer to the *last* value than to the *target*? Compare the two correlations, for a
# net stopped after 5 passes and for the chosen one.


# %%
def closeness(forecast):
    return [np.corrcoef(forecast, z[test])[0, 1] for z in (last, y)]


early = [closeness(f) for f in forecasts(1900, 2009, 5, known)]
late = [closeness(f) for f in final]
for name, pairs in ((" 5 passes", early), ("25 passes", late)):
    for a, b in pairs:
        print(f"{name}: with the last value {a:.2f}, with the target {b:.2f}")
print(f"the last value with the target: {closeness(last[test])[1]:.2f}")
assert all(a > b for a, b in early)
assert all(a < b for a, b in late)

# %% [markdown]
# The nets stopped early are closer to the last value. The trained ones are closer to the target, if barely: a sunspot number
# is so like the last one (their correlation is 0.82) that any good forecast is close to both. A plot would hardly have told
# you.
#
# Back to the scale, with figures: how does the chosen net fare if its scale is taken from all years, test part included?

# %%
leaked = [skill(f, test) for f in forecasts(1900, 2009, best, numbers)]
print("scale from the years before 1900:", *(f"{s:.2f}" for s in rnn_skill))
print("scale from all years (a leak):   ", *(f"{s:.2f}" for s in leaked))
assert abs(np.subtract(leaked, rnn_skill)).max() < 0.2

# %% [markdown]
# Here the leak flatters the net, by little. Elsewhere it may as well hurt. The rule does not depend on the outcome: a
# figure in which the test part had a say is no forecast.
#
# > **Common wrong answers.** "The loss is small, so the forecast is good": small against what? Print the skill. "The
# > curves lie on each other": so do a series and its shifted copy.
#
# ## Where nothing beats persistence
#
# Do past prices tell the next one? If a price is a **[random walk](#term-random-walk)**, each day adds an independent step of mean zero, and the best
# forecast of tomorrow is today. [Fama (1970)](#fama1970) argues that prices in a good market behave about like that, and for exchange rates
# [Meese and Rogoff (1983)](#meese1983) found no model that beat the walk. What does a net do with one? We make three walks of 3,000 days,
# with steps of 1 % (in logarithms), train on the first half and test on the second. The net sees the last ten
# prices, relative to the last, and forecasts the next step.


# %%
def small_net():
    layers = [keras.Input((10, 1)), L.SimpleRNN(8, unroll=True), L.Dense(1)]
    return compiled(layers, rate=2e-3, loss="mse")


def walk(seed, half=1500):
    prices = np.random.default_rng(seed).normal(0, 0.01, 3000).cumsum()
    x, y = tasks.windows(prices, 10)
    past, step = (x - x[:, -1:]) / 0.01, (y - x[:, -1, 0]) / 0.01  # in units of 1 %
    tiled = np.tile(past[:half], (5, 1, 1)), np.tile(step[:half], 5)  # five passes
    (model,) = runs(small_net, *tiled, seeds=[seed], batch_size=50)
    return np.asarray(model(past[half:]))[:, 0], step[half:]


# %%
walks = [walk(seed) for seed in range(3)]
walk_skill = [1 - ((f - s) ** 2).mean() / (s**2).mean() for f, s in walks]
print("skill over persistence:", *(f"{s:.3f}" for s in walk_skill))
claim(11, ("skill over persistence on a random walk, best of 3", max(walk_skill), "< 0.01"),
      ("worst of 3", min(walk_skill), "> -0.1"))

# %% [markdown]
# Slightly below zero each time: what the net learned from the first half was noise.
#
# Could it still tell you when to buy and when to sell? Follow it: hold the stock when it forecasts a rise, bet against it
# when it forecasts a fall. Every change of mind costs 0.1 % for each unit bought or sold.

# %%
gross, net = [], []
for forecast, step in walks:
    position = np.sign(forecast)
    gross.append(position * step * 0.01)
    net.append(gross[-1] - 0.001 * abs(np.diff(position, prepend=0)))
t_value = np.mean(gross) / (np.std(gross) / np.sqrt(np.size(gross)))
print("sum of log returns before costs:", *(f"{g.sum():+.2f}" for g in gross))
print("after costs:                    ", *(f"{g.sum():+.2f}" for g in net))
best_net = max(g.sum() for g in net)
claim(12, ("mean gross return, in standard errors", abs(t_value), "< 2", 2),
      ("log return after costs, best of 3 walks", best_net, "< 0", 2))

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-trading", "caption": "Following the net's advice on three random walks, before and after costs of 0.1 % for each unit traded."}, "image": {"alt": "Cumulated log return over about 1,500 test days. Before costs the three curves wander around zero. After costs all three fall steadily far below zero."}}
fig, ax = plt.subplots()
days = np.arange(0, len(gross[0]), 15)
for kind, name, returns in (("input", "before", gross), ("output", "after", net)):
    curves, color = np.cumsum(returns, axis=1), COLORS[kind]
    ax.plot(days, curves[:, days].T, color=color, lw=1.3)
    ax.text(1510, curves[:, -1].mean(), f"{name}\ncosts", color=color, va="center")
ax.hlines(0, 0, 1490, COLORS["ink"], lw=1)
ax.set(xlabel="days of the test part", ylabel="sum of log returns", xlim=(0, 1790))
ax.set_xticks([0, 500, 1000, 1500])
plt.show()

# %% [markdown]
# Before costs the outcome is luck, up or down. After costs it is a loss. Note what this shows and what it does not: it
# shows what follows *if* prices are a walk. That real prices are close to one is a finding of others, not of this notebook.
# And mind the trap: plotted as prices, these forecasts would lie on the truth almost perfectly.
#
# ## Summary
#
# - Unfolding writes a recurrence as a graph without loops, one copy a time step. Loop, scan, graph and Keras layer are one
#   function.
# - Copies share their weights. Parameters depend on $D$ and $H$, never on $T$; the number of layers is your choice.
# - `return_sequences` chooses between many-to-one and many-to-many; unequal lengths take an encoder-decoder.
# - The output layer follows from the task: softmax for classes, linear for quantities.
# - Hidden-to-hidden can remember what the output does not show. An output-to-hidden net that hears only its best guess
#   cannot. Under teacher forcing all its steps train at once; exposure bias is the price.
# - A net accepts any length, which does not make it right at any length. Convolutions read sequences too.
# - Judge a forecast by its skill over persistence, on a later part that nothing was chosen on. On a random walk there is none.
#
# ## What number should I get?

# %%
recalled = {k: np.mean(v) for k, v in accuracy.items()}
for what, value, tolerance in (
    ("parameters, SimpleRNN(3), 5 features, any T", count[500], "exact"),
    ("recall, state fed back, accuracy", recalled["recall", "state"], "0.05"),
    ("recall, output fed back, accuracy", recalled["recall", "output"], "0.05"),
    ("total, taught, free-running, accuracy", recalled["total", "taught"], "0.05"),
    ("echoes, TCN, bits", np.mean(result[tcn]), "0.02"),
    ("sunspots, AR(2), skill", ar_test[2], "0.001"),
    ("sunspots, SimpleRNN, skill", np.mean(rnn_skill), "0.1"),
    ("random walk, skill", np.mean(walk_skill), "0.02"),
):
    print(f"{what:45} {value:7.3f}   tolerance {tolerance}")

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of the dots and run the cell: it says whether it is right, and if not, where to look. The
# solutions, in the book, are folded below each.
#
# ### Exercise 2.1: Count once
#
# *by hand · 3 minutes*
#
# A recurrent layer has 4 features as inputs and 6 hidden units, with biases. How many parameters has its unfolded graph for
# $T = 5$, and how many for $T = 500$?

# %% tags=["stub"]
parameters = ...  # a list of two numbers: for T = 5, for T = 500

check("2.1", parameters)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# W_xh is 6 by 4, W_hh is 6 by 6, b_h has 6: all copies share them.
parameters = [6 * 4 + 6 * 6 + 6] * 2
check("2.1", parameters)

# %% [markdown]
# ### Exercise 2.2: Unfold by hand
#
# *by hand · 6 minutes*
#
# A linear neuron follows $h_t = 0.5\, h_{t-1} + 2\, x_t$, with $h_0 = 0$. Draw its unfolded graph for the inputs 1, 0, 3 and write
# each state into its circle. What are $h_1$, $h_2$ and $h_3$?

# %% tags=["stub"]
states = ...  # a list of three numbers

check("2.2", states)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
states = [2 * 1]
states.append(0.5 * states[0] + 2 * 0)
states.append(0.5 * states[1] + 2 * 3)
print(states)
check("2.2", states)

# %% [markdown]
# ### Exercise 2.3: Which shape comes out?
#
# *by hand · 5 minutes*
#
# A batch of 32 sequences has 20 time steps of 8 features. What are the shapes of the outputs of (a) `SimpleRNN(16)`;
# (b) `SimpleRNN(16, return_sequences=True)`; (c) layer (b) followed by `Dense(5)`; (d) layer (a) followed by
# `RepeatVector(12)`?

# %% tags=["stub"]
shapes = ...  # a list of four tuples

check("2.3", shapes)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
shapes = [(32, 16), (32, 20, 16), (32, 20, 5), (32, 12, 16)]
batch = np.zeros((32, 20, 8), dtype="float32")
assert L.RepeatVector(12)(L.SimpleRNN(16)(batch)).shape == shapes[3]
check("2.3", shapes)

# %% [markdown]
# ### Exercise 2.4: Any recurrence is a scan
#
# *code · 10 minutes*
#
# Write `all_states(f, inputs, h_0)` for *any* rule `f(h_prev, x_t)`. It returns the list of states $h_1$ to $h_T$, one for each input. Use
# `itertools.accumulate`.


# %% tags=["stub"]
def all_states(f, inputs, h_0): ...


check("2.4", all_states)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_02 import all_states

check("2.4", all_states)

# %% [markdown]
# ### Exercise 2.5: Skill
#
# *code · 10 minutes*
#
# Write `skill_of(series, forecast)`: the skill over persistence of [Equation 2.4](#2.4). `series` holds $n + 1$ values, and
# `forecast[i]` was made for `series[i + 1]`.


# %% tags=["stub"]
def skill_of(series, forecast): ...


check("2.5", skill_of)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_02 import skill_of

check("2.5", skill_of)

# %% [markdown]
# ### Exercise 2.6: Scale without a leak
#
# *code · 8 minutes*
#
# Write `scale(train, test)`, which returns both parts scaled for a net: the training part must come out with mean 0 and standard
# deviation 1, and the test part must have had no say.


# %% tags=["stub"]
def scale(train, test): ...


check("2.6", scale)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_02 import scale

check("2.6", scale)

# %% [markdown]
# ### Exercise 2.7: The teacher's inputs
#
# *code · 10 minutes*
#
# Write `teacher_inputs(y, V)`: for targets `y`, whole numbers of shape (B, T), the one-hot past that teacher forcing feeds in, of shape
# (B, T, V).


# %% tags=["stub"]
def teacher_inputs(y, V): ...


check("2.7", teacher_inputs)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_02 import teacher_inputs

check("2.7", teacher_inputs)

# %% [markdown]
# ### Exercise 2.8: Let the output speak
#
# *explore · 20 minutes*
#
# On delayed recall, teacher forcing got no further than chance. Change *one thing about the targets*, not about the net, so that
# the output shows what must be remembered; train the teacher-forced net, let it run free, and read its accuracy at the last step.
# What do you get? Guess before you run. (`recall` holds the inputs and targets to train on, `tests["recall"]` those to test with.)

# %% tags=["stub"]
last_step = ...  # the accuracy at the last step, running free

check("2.8", last_step)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# Ask for the symbol at every step: then each output tells the next step what to remember.
(x, y), (x_new, y_new) = recall, tests["recall"]
y_spoken = np.repeat(y[:, -1:], y.shape[1], axis=1)
(model,) = runs(teacher_forced, with_past(x, y_spoken), y_spoken, seeds=[0])
last_step = right(free_running(model), x_new, y_new)[-1]
print(f"{last_step:.2f}")
check("2.8", last_step)

# %% [markdown]
# ### Exercise 2.9: A net that says it backwards
#
# *code · an evening*
#
# Build and train an encoder-decoder that reads four digits from 0 to 4, one-hot, and writes them in reverse order. Hand in a
# function `reverse(x)` that takes an array of shape (B, 4, 5) and returns the net's answers as whole numbers, shape (B, 4). Draw as many training
# sequences as you like. When it works: how long may the sequences become?


# %% tags=["stub"]
def reverse(x): ...


check("2.9", reverse)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
def reverser(n=4):
    encoder = L.SimpleRNN(64, unroll=True)
    decoder = L.SimpleRNN(64, return_sequences=True, unroll=True)
    layers = [keras.Input((n, 5)), encoder, L.RepeatVector(n), decoder, L.Dense(5)]
    return compiled(layers, rate=3e-3)


digits = np.random.default_rng(0).integers(0, 5, (30_000, 4))
one_hot = np.eye(5, dtype="float32")[digits]
(model,) = runs(reverser, one_hot, digits[:, ::-1], seeds=[0])


def reverse(x):
    return np.asarray(model(np.asarray(x, dtype="float32"))).argmax(-1)


check("2.9", reverse)
# How long? All digits must pass through one state: with this training 8 do, 32 do not.
for n in (8, 32):
    digits = np.random.default_rng(0).integers(0, 5, (31_000, n))
    x, y = np.eye(5, dtype="float32")[digits], digits[:, ::-1]
    (longer,) = runs(lambda n=n: reverser(n), x[1000:], y[1000:], seeds=[0])
    share = right(longer, x[:1000], y[:1000]).mean()
    print(f"{n:2} digits: more than nine in ten are right: {share > 0.9}")

# %% [markdown]
# ### Exercise 2.10: Predict the neuron
#
# *predict · 8 minutes*
#
# The neuron that you can touch, above, hears a single 1 and then zeros. Give it a recurrent
# weight of 1, an input weight of 1, no bias, and 12 time steps. **Before you look**, write down: how many parameters has the graph? How
# many multiplications does it take? And at which time step is the state below one half for the first time? Then
# <a href="#at=unfolding&amp;T=12&amp;wh=1&amp;t=0">set it so, and step through it</a>.

# %% tags=["stub"]
predicted = ...  # a list of three whole numbers

check("2.10", predicted)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
h = [np.tanh(1.0)]  # the input is 0 from the second step on
while len(h) < 12:
    h.append(np.tanh(h[-1]))
h = np.array(h)
print(h.round(3))
# Each step multiplies twice. A weight of 1 alone would keep the state; tanh makes it smaller.
predicted = [3, 2 * 12, int((h < 0.5).argmax()) + 1]
check("2.10", predicted)

# %% [markdown]
# ## Further reading
#
# - [Goodfellow, Bengio and Courville (2016)](#goodfellow2016), sections 10.1 and 10.2: unfolding, the connection schemes and teacher
#   forcing, with the equations.
# - [Elman (1990)](#elman1990) and [Jordan (1986)](#jordan1986): the two schemes where they began.
# - [Williams and Zipser (1989)](#williams1989): teacher forcing.
# - [Sutskever et al. (2014)](#sutskever2014) and [Cho et al. (2014)](#cho2014): encoder-decoders.
# - [Bai et al. (2018)](#bai2018): convolutions against recurrence, on many tasks.
# - [Yule (1927)](#yule1927) on sunspots, [Fama (1970)](#fama1970) on prices, and [Meese and Rogoff (1983)](#meese1983) on exchange rates.
