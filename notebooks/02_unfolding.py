# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Unfolding in time
#
# A recurrent layer is drawn as a loop, but a loop cannot be computed all at once. Cut it open and draw one copy for each
# time step, and you have an ordinary network without loops. This chapter draws that network and runs it. Then it puts it
# to use: for sequences of all shapes, for two ways of feeding the past back, and, in a second part that you may leave for
# later, for forecasts.
#
# | You will | run one layer as a loop, as five nested calls, as a scan and in Keras; train small nets on two memory tasks; forecast sunspots |
# |---|---|
# | **You learn** | what unfolding is, and why all copies share their weights; which input and output patterns there are; what hidden-to-hidden, output-to-hidden and teacher forcing mean; how to judge a forecast |
# | **You need** | [Chapter 1](01_recurrent_neuron.ipynb): the layer, its weights and its shapes |
# | **It takes** | 60 minutes up to the [resting place](#a-resting-place), 40 more for the forecasts. The exercises take an hour and a half, and Exercise 2.9 takes an evening of its own |

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
from itertools import accumulate, product
from time import process_time

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
from rnnbook.show import diagrams, instruments, results, style
from rnnbook.show.claims import claim
from rnnbook.show.style import COLORS

L = keras.layers
style.use()

# %% [markdown]
# ## One loop, five copies
#
# The layer of chapter 1 applies one rule at every [time step](#term-time-step):
#
# $$
# \begin{aligned}
# a_t &= W_{xh}\, x_t + W_{hh}\, h_{t-1} + b_h \\
# h_t &= \tanh(a_t)
# \end{aligned}
# $$ (2.1)
#
# Write $f(h_{t-1}, x_t)$ for the new state. The **[hidden state](#term-hidden-state)** after five steps is then
# $f$ applied five times:
#
# $$
# \begin{aligned}
# h_5 = f(f(f(f(f(&h_0, x_1), x_2), \\
# &x_3), x_4), x_5)
# \end{aligned}
# $$ (2.2)
#
# There is no loop in [Equation 2.2](#2.2), and no loop in its drawing. To write or draw the loop out like this is
# **[unfolding](#term-unfolding)** (or **unrolling**), and what you get is the
# **[unfolded graph](#term-unfolded-graph)**.

# %% mystnb={"figure": {"name": "fig-unfolded", "caption": "Above, the folded graph; below, the same unfolded over five time steps. Arrows with the same name carry the same weights."}, "image": {"alt": "Above, a recurrent layer with a loop from its state back to itself. Below, five copies side by side: each takes an input from below and the state of the copy to its left, and gives an output above. The arrows are labeled W_xh, W_hh and W_hy in every copy."}}
diagrams.unfolded(5)
plt.show()

# %% [markdown]
# The drawing also shows an output $\hat y_t$, which is read from each state with the weights $W_{hy}$. [Equation 2.1](#2.1)
# gives the states only; the outputs come later in this chapter.
#
# Now run it. Here are weights for $D = 5$ features and $H = 3$ hidden units, and a batch of two sequences of five
# steps. The function `f` is one application of the rule.

# %%
B, T, D, H = 2, 5, 5, 3
rng = np.random.default_rng(0)
W_xh, W_hh, b_h = (0.5 * rng.normal(size=size) for size in ((H, D), (H, H), H))
x, h_0 = rng.normal(size=(B, T, D)), np.zeros((B, H))


def f(h_prev, x_t):
    return np.tanh(x_t @ W_xh.T + h_prev @ W_hh.T + b_h)


# %% [markdown]
# The loop of chapter 1 is [RNN](#rnnbook.nn.layers.RNN). The unfolded graph is five nested calls, as in
# [Equation 2.2](#2.2). Both give the same state after the last step. With one copy too few, the graph gives another.

# %%
layer = RNN(D, H, dtype="float64")
layer.set_weights([W_xh.T, W_hh.T, b_h])
loop, _ = layer.forward(x)
x_1, x_2, x_3, x_4, x_5 = np.moveaxis(x, 1, 0)
graph = f(f(f(f(f(h_0, x_1), x_2), x_3), x_4), x_5)
print(graph.round(4))
gap = abs(graph - loop[:, -1]).max()
four = abs(f(f(f(f(h_0, x_1), x_2), x_3), x_4) - loop[:, -1]).max()
claim(6, ("loop and graph of five copies, largest difference", gap, "< 1e-12", 0),
      ("loop and graph of four copies", four, "> 0.1", 2))

# %% [markdown]
# Five steps, five copies. The graph is one way to write the rule, and the loop is another. A **scan** is a third: it carries
# a value along a list and keeps every intermediate result. Python has it as `itertools.accumulate`; its short form,
# `functools.reduce`, keeps only the last result. Keras offers the loop and the unfolded graph as `unroll=False` and
# `unroll=True`. The unfolded graph can run faster where sequences are short, so the small nets below use it.

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
# One function, four ways to run it. What differs from Keras is the rounding: Keras works with 32-bit numbers.
#
# ### The parameters do not grow
#
# The five copies have the *same* $W_{xh}$, $W_{hh}$ and $b_h$: this is **[weight sharing](#term-weight-sharing)**. Nothing
# forces it. One could give each step weights of its own. But sharing brings three things. A rule that is learned at one place works at
# every other. Every step of every sequence is an example for the same few weights, so less data will do. And the net can read a
# sequence longer than any that it was trained on, since no step lacks its weights. What grows with the sequence is the work, never
# the number of [parameters](#term-parameter).
#
# Some of the texts call a copy a "layer". In one place they say that the number of sequences decides how many there are, in another that the number
# of time steps does. So count them in the graph that Keras builds with `unroll=True`. Each copy computes one tanh.

# %%
def copies(B, T):
    layer = L.SimpleRNN(H, unroll=True)
    graph = tf.function(layer).get_concrete_function(tf.TensorSpec((B, T, D))).graph
    drawn = sum(operation.type == "Tanh" for operation in graph.get_operations())
    return drawn, layer.count_params()


# %%
few, many, longer = copies(2, 5), copies(64, 5), copies(2, 50)
assert few[1] == many[1] == H * D + H * H + H
claim(7, ("copies for 2 sequences of 5 steps", few[0], "== 5"),
      ("for 64 sequences of 5 steps", many[0], "== 5"),
      ("for 2 sequences of 50 steps", longer[0], "== 50"),
      ("parameters at 5 steps", few[1], "== 27"),
      ("parameters at 50 steps", longer[1], "== 27"))

# %% [markdown]
# Here is the smallest such layer, for you to try: one neuron, three parameters. Step through it, and make it longer. Each
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
# So a data set of ten time steps fits one, two or three layers alike. The first layer has 5 features as inputs, and each
# further layer has the 3 states below it. The box counts the parameters.

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
# Not every task has one output for each input. You choose at which steps the net is given something and at which steps
# you read its answer.

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
# gives the last state only: **[many-to-one](#term-many-to-one)**, as for the mood of a review, good or bad. With
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
# **[One-to-many](#term-one-to-many)** turns one vector into a sequence, as a picture into its caption. In
# [Figure 2.3](#fig-patterns) the net is given it once. Keras wants an input at every step, so here it is repeated; the
# state tells the steps apart.

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
# In the many-to-many net above, input and output have the same length. Where the lengths differ, as in translation, use two
# networks: an **[encoder-decoder](#term-encoder-decoder)**. The encoder reads all 6 steps; its last state starts the
# decoder, which writes 4 ([Cho et al., 2014](#cho2014); [Sutskever et al., 2014](#sutskever2014)). In
# [Figure 2.3](#fig-patterns) the decoder is given its own last output, which takes a loop; here, to see the shapes, it is given zeros.

# %%
state = L.SimpleRNN(H)(x)  # the encoder's last state is all that the decoder gets
start = np.zeros((B, 4, V), dtype="float32")  # its inputs
states = L.SimpleRNN(H, return_sequences=True)(start, initial_state=state)
written = L.Dense(V)(states)
print(
    "encoder:", x.shape, "->", tuple(state.shape), "decoder:", tuple(written.shape)
)
assert written.shape == (B, 4, V)

# %% [markdown]
# ### Which output layer?
#
# The last `Dense` layer depends on the task, not on the recurrence. For one of several classes you want probabilities. As in
# chapter 1, **softmax** turns any numbers $u_1, \dots, u_V$, the **[logits](#term-logit)**, into positive ones that sum to one:
# $e^{u_i} / (e^{u_1} + \dots + e^{u_V})$. For a yes or no, a single output will do, through the sigmoid $1 / (1 + e^{-u})$, which
# lies between 0 and 1: the probability of "yes". For a quantity, such as a temperature, you want a number without limits: a linear output.
#
# What would softmax do there? On a single output it can only say 1, since it divides a number by itself. Let a layer that was never trained read
# sequences whose first feature is a temperature, and ask for the temperature at the last step, in degrees. The best linear output is found by least squares.
# The baseline always answers the mean of those temperatures by which the linear output is found.

# %%
rng = np.random.default_rng(0)
heat = rng.normal(size=(200, T, D)).astype("float32")
degrees = 15 + 8 * heat[:, -1, 0]
keras.utils.set_random_seed(0)
states = np.asarray(L.SimpleRNN(32)(heat))
table = np.column_stack([states, np.ones(200)])
readout = np.linalg.lstsq(table[:100], degrees[:100], rcond=None)[0]
linear = abs(table @ readout - degrees)[100:].mean()  # on the other 100 sequences
logit = table @ readout[:, None]
single = np.exp(logit) / np.exp(logit).sum(axis=-1, keepdims=True)  # softmax over one
always = abs(degrees[:100].mean() - degrees)[100:].mean()

# %%
classes = L.Dense(V, activation="softmax")(x[:, -1])
off = abs(np.sum(classes, axis=-1) - 1).max()
claim(18, ("softmax over 4 classes: distance of the sum from 1", off, "< 1e-6", 0),
      ("linear output, mean error in degrees", linear, "< 3", 2),
      ("always the mean, mean error in degrees", always, "> 5", 2),
      ("softmax over one output, mean error in degrees",
       abs(single[:, 0] - degrees)[100:].mean(), "> 10", 2))

# %% [markdown]
# ## Two ways to feed back
#
# What should carry the past from one step to the next? In [Equation 2.1](#2.1) it is the state: a
# **[hidden-to-hidden](#term-hidden-to-hidden)** connection, the network of [Elman (1990)](#elman1990). In the earlier
# network of [Jordan (1986)](#jordan1986) it is the output: an
# **[output-to-hidden](#term-output-to-hidden)** connection, with weights $W_{yh}$ and, before the first step, $\hat y_0 = 0$:
#
# $$
# \begin{aligned}
# a_t &= W_{xh}\, x_t + W_{yh}\, \hat y_{t-1} + b_h \\
# h_t &= \tanh(a_t) \\
# \hat y_t &= \mathrm{softmax}(W_{hy}\, h_t + b_y)
# \end{aligned}
# $$ (2.3)
#
# This is the usual, simplified form. Jordan's own network fed back a fading sum of all its past outputs.

# %% mystnb={"figure": {"name": "fig-schemes", "caption": "What carries the past: the state, the output, or, in training only, the true target."}, "image": {"alt": "Three unfolded graphs of three steps. In the first, arrows join the states. In the second, dashed arrows lead from each output to the next state. In the third, they lead from each true target to the next state."}}
diagrams.schemes()
plt.show()

# %% [markdown]
# In both schemes the arrows lead from one time step to the next *within a layer*. One text says that they lead from one layer to another: again it
# calls each copy a layer. What joins two layers is an ordinary input. The weights' shapes say so: put a layer of 3 units on one of 4.

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
# Which scheme is better? Try both on two tasks that differ in one point: does the *output* show what has to be remembered?
#
# **Delayed recall.** The first step shows one of four symbols. Blanks follow, and the net must answer "blank" (0)
# to each. At the last step a question mark comes, and the net must name the symbol. Meanwhile, the output says
# nothing about it. There are only four such sequences, so this task tests whether a net can be trained to hold a symbol, not
# whether it generalizes.
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
# An output-to-hidden net is given its own last output. In training you know what that
# output *should* have been. **[Teacher forcing](#term-teacher-forcing)** feeds the net the true target of the step
# before ([Williams and Zipser, 1989](#williams1989)). When the net runs on its own, nobody knows the targets, and it
# gets its own outputs again: it is **[free-running](#term-free-running)**.
#
# The targets move one step to the right, and nothing, a row of zeros, stands before the first. With the past as
# an ordinary input, no step waits for another: in training the output-to-hidden net is a
# [dense layer](#term-dense-layer), with the output layer on top, applied to all steps at once.


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
# ### How a net is trained
#
# To train a net is to change its weights in small steps so that its error, the *[loss](#term-loss)*, gets smaller. For a choice
# among classes the loss is the **[cross-entropy](#term-cross-entropy)**: the mean of $-\ln p$, where $p$ is the probability that the net gave
# to the right class. A sure and right answer costs nothing. One who guesses among five pays $\ln 5$, about 1.6.
#
# Each **[training step](#term-training-step)** takes a few sequences, a *batch*, and runs the net on them. The
# *[gradient](#term-gradient)* of the loss says in which direction to change each weight; the *optimizer*, here Adam,
# changes them all a little, and the *rate* sets how much. One pass through all sequences is an *[epoch](#term-epoch)*. Chapters 3 and
# 4 build all this by hand; here Keras does it. `from_logits=True` tells the loss that the net's outputs are logits, so that it takes
# the softmax itself. `steps_per_execution` only saves time: Keras takes 20 steps before it returns to Python.


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
def right(model, x, y):
    # one accuracy a time step
    return (np.asarray(model(x)).argmax(-1) == y).mean(axis=0)


# %% [markdown]
# Watch one: the state is fed back, and the task is the running total. It takes 1,000 training steps of 100 sequences each, which
# are five epochs, and the loss is noted after every 40 of them. `right` gives the share of right answers at each time step; we ask it after each
# epoch, on 1,000 sequences that were drawn anew.

# %%
keras.utils.set_random_seed(0)
model, losses, reached = state_fed_back(), [], {}
for epoch in range(1, 6):
    for start in range(0, 20_000, 4000):
        part = slice(start, start + 4000)
        history = model.fit(total[0][part], total[1][part], 100, verbose=0).history
        losses.append(history["loss"][0])
    reached[epoch] = right(model, *tests["total"])[-1]

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-loss", "caption": "The loss of one net on the running total, over 1,000 training steps: means of 40 steps. Dashed: the loss of guessing."}, "image": {"alt": "The loss falls from 1.6 to about 1.4 within the first 200 steps, then slowly to about 1.1 at step 560, then steeply, and is near zero from about step 850 on."}}
fig, ax = plt.subplots()
ax.plot(np.arange(40, 1001, 40), losses, color=COLORS["hidden"])
ax.axhline(np.log(V), ls="--", color=COLORS["muted"], lw=1.5)
ax.text(990, np.log(V) + 0.03, "guessing", color=COLORS["muted"], ha="right")
ax.set(xlabel="training steps", ylabel="loss (nats)", ylim=(-0.04, 1.85))
plt.show()

# %%
print(f"right at the last step after 1 epoch: {reached[1]:.1f}")
print("more than 0.9 after 5 epochs:", reached[5] > 0.9)
assert reached[1] < 0.3 and reached[5] > 0.9 and losses[12] > 0.9

# %% [markdown]
# Remember this curve. The loss falls a little, then so slowly for hundreds of steps that it looks like a plateau, as if there were little more to learn, and then drops to almost nothing. Had you stopped
# after one epoch, at 200 steps, the net would have been no better than chance at the last step. You would have measured how long you trained, not what the net can do.
#
# ### Four nets
#
# The first net feeds the state back, as above. The second feeds back its softmax output, and its gradient flows through
# the steps. The third is an output-to-hidden net too, but trained by teacher forcing. Two things set it apart from the first: what is fed
# back, and the teacher. So there must be a fourth net, with a teacher like the third and with its state fed back like the first. All have 32 hidden units.


# %%
def output_fed_back():
    layer = L.RNN(OutputToHiddenCell(H, V), return_sequences=True, unroll=True)
    return compiled([keras.Input((T, V)), layer])


def teacher_forced():
    layer = L.Dense(H, activation="tanh")
    return compiled([keras.Input((None, 2 * V)), layer, L.Dense(V)])


# %%
def state_and_teacher():
    layer = L.SimpleRNN(H, return_sequences=True, unroll=True)
    return compiled([keras.Input((T, 2 * V)), layer, L.Dense(V)])


# %% [markdown]
# Running free, the last two nets need a loop: the best guess of each step is an input of the next. The function below runs either of them; only the
# fourth has recurrent weights, `W_h`.


# %%
def free_running(model):
    W_x, *W_h, b, W_y, b_y = model.get_weights()

    def run(x):
        h, past, logits = np.zeros((len(x), H)), np.zeros((len(x), V)), []
        for x_t in np.moveaxis(x, 1, 0):
            a = np.concatenate([x_t, past], axis=-1) @ W_x + b
            h = np.tanh(a + h @ W_h[0] if W_h else a)
            logits.append(h @ W_y + b_y)
            past = np.eye(V)[logits[-1].argmax(-1)]
        return np.stack(logits, axis=1)

    return run


# %% [markdown]
# First a short training, of one epoch. Each net starts from three *seeds*, three draws of its first weights. What counts
# is the last step. Guessing gets 1 in 4 on recall and 1 in 5 on the total.

# %%
ready = {}  # compiled models, trained again with fresh weights: that saves time


def runs(build, x, y, seeds=range(3), batch_size=100):
    if build not in ready:
        ready[build] = build()
    return train_seeds(build, seeds, x, y, epochs=1, batch_size=batch_size, model=ready[build])


# %%
accuracy, weights_of = {}, {}
for name, (x, y) in (("recall", recall), ("total", total)):
    t, both = tests[name], with_past(x, y)
    for scheme, build in (("state", state_fed_back), ("output", output_fed_back)):
        made = [(right(m, *t)[-1], m.get_weights()) for m in runs(build, x, y)]
        accuracy[name, scheme, "no"], weights_of[name, scheme] = zip(*made, strict=True)
    for scheme, build in (("output", teacher_forced), ("both", state_and_teacher)):
        made = runs(build, both, y)
        accuracy[name, scheme, "yes"] = [right(free_running(m), *t)[-1] for m in made]

# %%
for (task, scheme, taught), values in accuracy.items():
    middle = np.median(values)
    print(f"{task:6} fed back: {scheme:6} teacher: {taught:3}  median {middle:.2f}")

# %% [markdown]
# It is tempting to stop here and to declare a winner for each task. But you have seen the curve of the first net: on the total, one epoch stops it on its plateau. The
# same may be true of the second.
#
# So train longer, from five seeds and at three rates, and add a fifth net, which feeds back state and output without a teacher. That takes about eight minutes:
# `python -m benchmarks.feedback`. The chapter reads [its table](../reference/benchmarks.md). It counts the epochs until the net is right in 99 of 100 test sequences at
# the last step, and gives up after 20.

# %%
table = {
    (r["task"], r["fed back"], r["taught"], r["rate"]): r for r in results.rows("feedback")
}
for (task, scheme, taught, rate), r in table.items():
    if rate == 0.005:
        needed = f"{r['least']} to {r['most']}" if r["learned"] else "more than 20"
        print(f"{task:6} fed back: {scheme:6} teacher: {taught:3}",
              f" learned: {r['learned']} of 5, epochs: {needed}")
for kind, values in accuracy.items():  # the short trainings above agree
    assert abs(np.median(values) - table[*kind, 0.005]["after 1 pass"]) < 0.1

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-schemes-compared", "caption": "Epochs until a net was right, at three rates each (small to large marks: 0.002, 0.005, 0.01): medians of the seeds that learned. A cross: none of five had learned after 20 epochs."}, "image": {"alt": "Two panels with a row for each of five nets. On delayed recall the three nets that feed the state back need one epoch, and both output-to-hidden nets have a cross at 20. On the running total all five learn: those with a teacher in one or two epochs, the others in two to ten."}}
fig, axes = plt.subplots(2, 1, figsize=(5.8, 5.2), sharex=True)
kinds = {("state", "no"): "state", ("output", "no"): "output", ("both", "no"): "state and output",
         ("output", "yes"): "output, teacher", ("both", "yes"): "both, teacher"}
for ax, task in zip(axes, ("recall", "total"), strict=True):
    for (kind, look), size in product(enumerate(kinds), range(3)):
        r = table[task, *look, (0.002, 0.005, 0.01)[size]]
        color = COLORS["output" if look[0] == "output" else "hidden"]
        at = (r["passes"] or 20.5, kind + 0.22 * (size - 1))
        ax.plot(*at, "o" if r["passes"] else "x", ms=4 + 2 * size, color=color)
    ax.set(yticks=range(5), yticklabels=kinds.values(), ylim=(4.6, -0.6), title=task)
axes[1].set(xlabel="epochs until 99 in 100 are right", xlim=(0, 21.5), xticks=[1, 5, 10, 15, 20])
plt.show()

# %% [markdown]
# **Recall is decided by the connection.** All nets that feed the state back learned it at every rate, with a teacher and without. No output-to-hidden net
# did. After the first step all sequences show the same inputs. A net that has answered "blank", as it should, and hears only this answer also gets the same feedback in all of them. Equal inputs and
# equal feedback give equal states, so it must give the same answer to all. For the output-to-hidden net with a teacher that is a proof, and no training can help. The one without a teacher
# feeds back probabilities, and could hide the symbol in their small differences. It did not find that way in 20 epochs: a measurement, not a proof.
#
# **On the total either connection will do.** The output shows what has to be remembered, and every kind of net learned it. Without a teacher, the nets with the state
# alone were the slowest at each rate, by one to three epochs; and at the highest rate one of five did not get there, with the state alone or with both.
#
# **The teacher saves time, where the output says what to remember.** With it, the total takes one or two epochs, whatever is fed back. On recall it does
# not help: the output says nothing.
#
# So hidden-to-hidden can do whatever output-to-hidden can on these two tasks, and more. What speaks for output-to-hidden is that it can be cheaper to train; we measure that below.

# %%
def learned(task, *kinds):
    return [r["learned"] for k, r in table.items() if k[0] == task and k[1:3] in kinds]


slow = [[table["total", kind, "no", rate]["passes"] for rate in (0.002, 0.005, 0.01)]
        for kind in ("state", "output", "both")]
assert (np.isin(slow[0] - np.max(slow[1:], axis=0), (1, 2, 3))).all()
assert [table["total", kind, "no", 0.01]["learned"] for kind in ("state", "both")] == [4, 4]

# %%
with_state = [("state", "no"), ("both", "no"), ("both", "yes")]
with_output = [("output", "no"), ("output", "yes")]
claim(20, ("recall, state fed back: fewest seeds of 5 that learned, of all rates",
           min(learned("recall", *with_state)), "== 5"),
      ("recall, output only: most", max(learned("recall", *with_output)), "== 0"),
      ("total, state fed back: fewest", min(learned("total", *with_state)), ">= 4"),
      ("total, output only: fewest", min(learned("total", *with_output)), ">= 4"))

# %% [markdown]
# Does a recurrent neuron receive its past *output*, then? In Jordan's network, yes. In Elman's it receives the state. Where the output is linear, without softmax,
# feeding it back is a special case of feeding back the state: $W_{yh}\, \hat y_{t-1} = W_{yh} W_{hy}\, h_{t-1}$ (take $b_y = 0$), so the product stands in the place of $W_{hh}$. With
# as many outputs as states it may be any matrix. With fewer, the state must pass through a bottleneck.

# %%
rng, y_t, out = np.random.default_rng(0), np.zeros((2, 2)), []
U, W_yh, W_hy = (rng.normal(size=size) for size in ((3, 5), (3, 2), (2, 3)))
inputs, b = rng.normal(size=(2, 6, 5)), rng.normal(size=3)
for t in range(6):
    h_t = np.tanh(inputs[:, t] @ U.T + y_t @ W_yh.T + b)  # it receives the output
    y_t = h_t @ W_hy.T
    out.append(h_t)
elman = RNN(5, 3, dtype="float64")
elman.set_weights([U.T, (W_yh @ W_hy).T, b])
gap = abs(elman.forward(inputs)[0] - np.stack(out, axis=1)).max()

# %%
claim(3, ("two linear outputs fed back to 3 states: rank of the matrix in W_hh's place",
          np.linalg.matrix_rank(W_yh @ W_hy), "== 2"),
      ("largest difference of the states", gap, "< 1e-12", 0),
      ("recall: seeds of 5 that learned, state fed back",
       table["recall", "state", "no", 0.005]["learned"], "== 5"),
      ("output fed back", table["recall", "output", "no", 0.005]["learned"], "== 0"))

# %% [markdown]
# ### What teacher forcing costs: exposure bias
#
# In training, a taught net never meets its own mistakes. When it runs free, one wrong sum spoils those after it.
# The gap between the two is called **[exposure bias](#term-exposure-bias)**. The nets above were perfect, and a perfect net has none. So stop
# the training of the third net earlier, after 12,000 of the sequences, and measure both.

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

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-exposure", "caption": "Exposure bias on the running total: three half-trained nets, each with the true past and on its own. Lines of one kind belong to one net."}, "image": {"alt": "Accuracy against the time step from 1 to 8. All start at one. With the true past accuracy drops at the second step and is level from there; running free it falls from step to step towards chance. The net that is best with the true past is best on its own, too."}}
fig, ax = plt.subplots()
steps = np.arange(1, T + 1)
for i, dash in enumerate(("-", "--", ":")):
    ax.plot(steps, taught[i], dash, color=COLORS["input"], marker="o", ms=4, lw=1.5)
    ax.plot(steps, free[i], dash, color=COLORS["output"], marker="s", ms=4, lw=1.5)
ax.axhline(1 / V, color=COLORS["muted"], lw=1)
ax.text(8.15, taught[:, -1].mean(), "true past", color=COLORS["input"], va="center")
ax.text(8.15, free[:, -1].mean(), "own past", color=COLORS["output"], va="center")
ax.text(8.15, 1 / V - 0.01, "chance", color=COLORS["muted"], va="top")
ax.set(xlabel="time step", ylabel="accuracy", ylim=(0, 1.04), xlim=(0.8, 9.6), xticks=steps)
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
# Then time one gradient over 200 steps: the taught net, all steps at once; the output-to-hidden net that gets its own output,
# step by step; and the hidden-to-hidden net, step by step too. The time is that of the processor, which other programs do not
# disturb; it differs from machine to machine, so the chapter prints only the bounds that it asserts. Each figure is the best of five runs.


# %%
def loops_and_seconds(model, x):
    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            loss = model.loss(y, model(x))
        return tape.gradient(loss, model.trainable_variables)[0]

    graph = gradient.get_concrete_function().graph
    loops = sum("While" in op.type for op in graph.get_operations())
    return loops, min(timeit.repeat(lambda: gradient().numpy(), timer=process_time, number=2))


# %%
over_time = {"return_sequences": True}
waiting = compiled([keras.Input((None, V)), L.RNN(OutputToHiddenCell(H, V), **over_time)])
hearing = compiled([keras.Input((None, V)), L.SimpleRNN(H, **over_time), L.Dense(V)])
taught, own, state = (loops_and_seconds(model, tf.constant(given)) for model, given in
                      ((forced, both), (waiting, x), (hearing, x)))
print("loops over time: taught", taught[0], "own output", own[0], "state", state[0])
claim(21, ("largest difference between one pass and the loop", gap, "< 1e-5", 0),
      ("loops over time in Keras' graph, taught, all at once", taught[0], "== 0"),
      ("own output fed back", own[0], ">= 1"), ("state fed back", state[0], ">= 1"),
      ("time of a gradient, state fed back over taught", state[1] / taught[1], ">= 2", 0))

# %% [markdown]
# So with a teacher, the output-to-hidden net needs at most half the time of the hidden-to-hidden net: its steps need not wait for one another.
# Without the targets it waits at each step as hidden-to-hidden does, and that gain is gone. A net that runs free always waits.
#
# ## Sequences of any length
#
# The weights do not depend on $T$, so a trained net accepts any length, be it one step or five thousand. Does it stay right? Test two nets up to
# $T = 200$. One learns the running total at $T = 20$ by teacher forcing, and runs free. The other is the net with its state
# fed back, which learned delayed recall at $T = 8$.

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
for weights in weights_of["recall", "state"]:  # those trained above
    any_length.set_weights(weights)
    last = [any_length.predict(x, 300, verbose=0)[:, -1].argmax(-1) for x, _ in tried]
    kept["recall"].append([(a == y[:, -1]).mean() for a, (_, y) in zip(last, tried, strict=True)])
    blank.append([(a == 0).mean() for a in last])
accepted = [any_length.predict(np.zeros((1, n, V)), verbose=0).shape[1] for n in (1, 5000)]

# %%
print("T:    ", *(f"{n:5}" for n in lengths))
for task, rows in kept.items():
    for row in rows:
        print(f"{task:6}", *(f"{a:5.2f}" for a in row))
for row in blank:
    print("blank ", *(f"{a:5.2f}" for a in row))

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-lengths", "caption": "Accuracy at the last step, three seeds a task, with a marker each. Dotted: the length in training, 8 steps for recall, 20 for the total. Level lines: chance, 1 in 4 and 1 in 5."}, "image": {"alt": "Accuracy against the length of the test sequences, from 8 to 200. The running total stays at one for all seeds. Delayed recall is at one at 8 steps for all seeds, and at 20 steps at chance or at zero."}}
fig, ax = plt.subplots()
for kind, task, trained_at, guess in (("input", "total", 20, 5), ("hidden", "recall", 8, 4)):
    color = COLORS[kind]
    for marker, row in zip("os^", kept[task], strict=True):
        ax.plot(lengths, row, color=color, marker=marker, lw=1.4, ms=5)
    ax.axvline(trained_at, ls=":", color=color, lw=1.5)
    ax.axhline(1 / guess, color=color, lw=0.8, alpha=0.7)
    ax.plot([], [], color=color, label=task)
ax.set(xlabel="time steps in the test", ylabel="accuracy", ylim=(-0.03, 1.05), xticks=lengths)
fig.legend(loc="outside upper center", ncols=2)
plt.show()

# %%
totals, recalls = np.array(kept["total"]), np.array(kept["recall"])
claim(15, ("shortest sequence accepted, steps", accepted[0], "== 1"),
      ("long sequence accepted, steps", accepted[1], "== 5000"),
      ("running total, trained at T = 20: worst seed at T = 200", totals[:, -1].min(), "> 0.9"),
      ("recall, trained at T = 8: worst seed there", recalls[:, 0].min(), "> 0.9"),
      ("recall at T = 20, mean", recalls[:, 1].mean(), "< 0.6", 0))

# %% [markdown]
# Every length was accepted. The running total stays right, and it is easy to see why: after the first step the net reads only a digit and its own last
# guess. That makes 25 pairs, and a net that gets all of them right stays right at any length. The recall net was always asked at the eighth step in training. Nothing
# taught it to hold the symbol for longer, or to wait for the question mark. Zero is below chance: there it answers "blank",
# as at all other steps (the last three rows count how often). Beyond the eighth step the seeds differ, and so do the lengths: the first net gets none right at 20 steps
# and more than three in four at 200, so the symbol can still be in its state when the answer is wrong. What could mend it? Try training on a mix of
# lengths.
#
# ## Convolutions read sequences too
#
# Are recurrent nets for sequences, and convolutional nets for images? One text says so: sequences are one-dimensional, images two-dimensional.
# It counts the axes along which the data lie: time in the one case, height and width in the other. At each place there may be any number of features.
# But a convolution can run along one axis as well as along two. It is one small dense layer that slides along the sequence: at each place it sees a few inputs, always with the
# same weights. It is *causal* if it looks only backward. With *[dilation](#term-dilation)* 2 or 4 it leaves gaps of one or three steps between its inputs, and so reaches further back.
# A **[TCN](#term-TCN)** is a stack of these ([Bai et al., 2018](#bai2018)).
#
# Let both kinds predict the next of four symbols in a stream where most symbols repeat the one three steps before.
#
# We count **bits**: the mean of $-\log_2 p$ for the symbol that came, the cross-entropy with another logarithm. Guessing among four costs 2 bits. Here the rule is
# known, and so is the best possible figure.

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
# The simple rivals are **n-grams**: count in the training part how often each symbol followed each context of
# $n - 1$ symbols. The counts begin at 1, not at 0, so that no symbol is held impossible.


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


# %%
def recurrent(layer):
    return compiled([keras.Input((T, symbols)), layer, L.Dense(symbols)])


def simple():
    return recurrent(L.SimpleRNN(44, return_sequences=True, unroll=True))


def gru():
    return recurrent(L.GRU(24, return_sequences=True, unroll=True))


# %% [markdown]
# There are two recurrent rivals, the simple layer and the [GRU](#term-GRU), which chapter 7 builds.
# All three have about as many parameters. Each reads the stream once, from three seeds.


# %%
def bits(model):
    log_p = np.asarray(keras.ops.log_softmax(model(x_test)))[:, 4:]
    return -np.take_along_axis(log_p, test[read][..., None], -1).mean() / np.log(2)


result = {}
for build in (tcn, simple, gru):
    result[build] = [float(bits(m)) for m in runs(build, x, y, batch_size=50)]
    size = ready[build].count_params()
    print(
        f"{build.__name__:6} {size} parameters,",
        *(f"{b:.2f}" for b in result[build]),
    )

# %% [markdown]
# One epoch and one rate may suit one net and not another. `python -m benchmarks.convolutions` (twelve minutes) gives each net ten epochs, in which the rate falls
# to zero. Where the rate starts, of five values, is chosen for each net on a separate part of the stream. The test is on another part, from three seeds,
# and all is done at a second lag, of five steps, too. [Its table](../reference/benchmarks.md) says:

# %%
echoed = {(r["lag"], r["net"]): r for r in results.rows("convolutions")}
for (lag, net), r in echoed.items():
    print(f"lag {lag}: {net:9} rate {r['rate']}: {r['bits']:.3f} bits,",
          f"{r['best']:.3f} to {r['worst']:.3f}, in 20 epochs {r['20 passes']:.3f}",
          f"(rule {r['true rule']:.3f}, counts {r['n-gram']:.3f})")
for build, net in ((tcn, "TCN"), (simple, "SimpleRNN"), (gru, "GRU")):
    assert abs(np.mean(result[build]) - echoed[3, net]["1 pass at 0.005"]) < 0.03

# %%
nets = ("TCN", "SimpleRNN", "GRU")
bits_of = {lag: [echoed[lag, net]["bits"] for net in nets] for lag in (3, 5)}
assert max(bits_of[3]) - echoed[3, "TCN"]["true rule"] < 0.0015
assert max(bits_of[3]) < echoed[3, "TCN"]["n-gram"]
assert sorted(bits_of[5]) == bits_of[5] and bits_of[5][2] < echoed[5, "TCN"]["n-gram"]
longer = [echoed[5, net]["20 passes"] for net in nets]
assert sorted(longer) == longer and longer[2] < echoed[5, "TCN"]["n-gram"]
assert {echoed[k]["rate"] for k in echoed} <= {0.01, 0.03, 0.1}  # inside what was tried
early = {k: r["1 pass at 0.005"] for k, r in echoed.items()}
assert all(early[lag, "GRU"] > early[lag, "SimpleRNN"] for lag in (3, 5))

# %%
over = [echoed[lag, "TCN"]["worst"] - echoed[lag, "TCN"]["true rule"] for lag in (3, 5)]
behind = {
    net: min(echoed[lag, net]["bits"] - echoed[lag, "TCN"]["bits"] for lag in (3, 5))
    for net in ("SimpleRNN", "GRU")
}
claim(10, ("bits of a bigram, which sees one step back", grams[2], "> 1.9"),
      ("TCN above the true rule, worst seed of both lags", max(over), "< 0.02", 2),
      ("SimpleRNN above the TCN, smaller of both lags", behind["SimpleRNN"], "> -0.01", 2),
      ("GRU above the TCN, smaller of both lags", behind["GRU"], "> -0.01", 2))

# %% [markdown]
# At a lag of three, all three nets have found the rule. At a lag of five the TCN is ahead, the simple layer comes second and the GRU third, and twice the epochs
# leave the order as it is. So convolutions read these sequences at least as well. After a single epoch at a rate of 0.005, as in the cell above, the GRU was behind the simple
# layer at both lags, and at a lag of five by far: the table says 1.15 bits against 0.71. A comparison that stopped there would have shown how fast the nets learn, and
# not how well.
#
# A table of counts is a strong rival. At a lag of three, the 4-gram is the shortest that reaches back to the symbol that matters, and it is level with the nets. At a lag of
# five it takes a 6-gram, with a thousand contexts to count, and all three nets beat it. In real text there is no single symbol that matters.
#
# ## A resting place
#
# Here unfolding ends, and you may stop, or go on with [chapter 3](03_text_generator.ipynb). The rest of this chapter is about forecasts of numbers. It uses the nets
# of this chapter, and no later chapter needs it. Exercises 2.5 and 2.6 belong to that part; the others you can do now.
#
# ## A forecast, and what to beat
#
# Yearly sunspot numbers go back to 1700. Spots come and go in about eleven years, and forecasting them is a classic
# test of such methods ([Yule, 1927](#yule1927)). The nets see 11 yearly numbers and forecast the twelfth.

# %%
def windows(series, T):
    # (n - T, T, 1), whose neighbors overlap in T - 1 values, and the value after each
    x = np.lib.stride_tricks.sliding_window_view(series[:-1], T)
    return x[..., None], series[T:]


years, numbers = np.loadtxt(data.path("sunspots.csv"), delimiter=",", skiprows=1).T
T = 11
x, y = windows(numbers, T)
target_year, last = years[T:], x[:, -1, 0]
print(f"{x.shape} {y.shape}, {target_year[0]:.0f} to {target_year[-1]:.0f}")

# %% [markdown]
# Before any net comes a **[baseline](#term-baseline)**. The **[persistence forecast](#term-persistence-forecast)** says
# that next year is like this year. **[Skill](#term-skill)** tells how much better a forecast is:
#
# $$
# \text{skill} = 1 - \frac{\sum_t (\hat y_t - y_t)^2}{\sum_t (y_{t-1} - y_t)^2}
# $$ (2.4)
#
# Zero is no better than persistence, one is perfect, and below zero is worse than doing nothing. All forecasts of this chapter look one step ahead: their
# [horizon](#term-forecast-horizon) is one. To look further, a net can be given its own forecasts, as in running free, and its errors add up.
#
# Three parts, in order of time: train on targets before 1870, choose settings on
# 1870–1899 (the [validation set](#term-validation-set)), then train again on all before 1900 and test on 1900–2008 (the
# [test set](#term-test-set)). Several forecasts will be scored on the test set, but nothing is chosen by it.


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
print(f"as eleven years ago: skill {skill(x[test][:, 0, 0], test):.2f}")

# %% [markdown]
# Both lose to persistence, the mean and the *seasonal naive* forecast, which is the value of one cycle ago. A better baseline is Yule's own: an **[autoregression](#term-autoregression)** AR($p$), a weighted sum of the last $p$ numbers and a constant. The weights are those that make
# the sum of squared errors smallest on the known years: *least squares*. Yule took $p = 2$. Later authors fitted the whole series, up to their own
# time, and often took 9. So in the choice of 9 our test part had a say, and AR(9) is here to be looked at, not as a rival that somebody could have had in 1900.


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
# The net beats persistence by far, and is about as good as AR(2), the one of the three orders that does best on the
# validation part. AR(9) does better on the test part, but on the validation part it was behind both. Ten weights found by least squares are a strong rival, and three seeds on one
# series prove little.

# %% [markdown]
# <a id="question-12"></a>
# ### Why does my forecast echo the last value?
#
# Because persistence is easy to learn and often hard to beat: a net that is trained
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
# Here the leak changes little: each seed looks better by 0.01 to 0.03, no more than the seeds differ among themselves. With other data it may matter more, in either direction. The rule is the same
# in any case: where the test part had a say, the result is no forecast.
#
# > **Common wrong answers.** "The loss is small, so the forecast is good": small against what? Print the skill. "The
# > curves lie on each other": so do a series and its shifted copy.
#
# ## Where nothing beats persistence
#
# Do past prices tell the next one? If a price is a **[random walk](#term-random-walk)**, each day adds an independent step of mean zero, and the best
# forecast of tomorrow is today. [Fama (1970)](#fama1970) argues that prices in an efficient market behave about like that, and for exchange rates
# [Meese and Rogoff (1983)](#meese1983) found no model that beat the walk. What does a net do with one? We make three walks of 3,000 days,
# with steps of 1 % (in logarithms), train on the first half and test on the second. The net sees the last ten
# prices, relative to the last, and forecasts the next step.
#
# If it finds nothing, is that the walk's doing, or is the net no good? A control tells: three series of the same kind with *momentum*, in which each step carries on
# 0.3 of the step before. There the best possible skill is $0.3^2 = 0.09$.


# %%
def small_net():
    layers = [keras.Input((10, 1)), L.SimpleRNN(8, unroll=True), L.Dense(1)]
    return compiled(layers, rate=2e-3, loss="mse")


# %%
def walk(seed, momentum=0.0, half=1500):
    steps = np.random.default_rng(seed).normal(0, 0.01, 3000)
    for t in range(1, 3000):
        steps[t] += momentum * steps[t - 1]
    x, y = windows(steps.cumsum(), 10)
    past, step = (x - x[:, -1:]) / 0.01, (y - x[:, -1, 0]) / 0.01  # in units of 1 %
    tiled = np.tile(past[:half], (5, 1, 1)), np.tile(step[:half], 5)  # five epochs
    (model,) = runs(small_net, *tiled, seeds=[seed], batch_size=50)
    return np.asarray(model(past[half:]))[:, 0], step[half:]


# %%
def walk_skills(walks):
    return [1 - ((f - s) ** 2).mean() / (s**2).mean() for f, s in walks]


# %%
walks = [walk(seed) for seed in range(3)]
driven = [walk(seed, momentum=0.3) for seed in range(3)]
walk_skill, driven_skill = walk_skills(walks), walk_skills(driven)
print("skill over persistence, walks:", *(f"{s:.3f}" for s in walk_skill))
print("with momentum:                ", *(f"{s:.2f}" for s in driven_skill))
claim(11, ("skill over persistence on a random walk, best of 3", max(walk_skill), "< 0.01"),
      ("worst of 3", min(walk_skill), "> -0.1"),
      ("where steps have momentum, worst of 3", min(driven_skill), "> 0.04", 2))

# %% [markdown]
# On the walks the skill is slightly below zero each time: what the net learned from the first half was noise. Where there is something to learn, the same net
# finds most of it. Even then, with a best possible skill of 0.09, the past tells only a small part of the next step.
#
# Could it tell you when to buy and when to sell? Follow it: hold the stock for a day when it forecasts a rise, bet against it
# (sell it short) when it forecasts a fall. A day's return is the change of the price as a share of it, 0.01 for 1 %, or minus that. Each unit bought or sold costs
# 0.1 %, so a change from one position to the other costs twice that.


# %%
def follow(forecast, step):
    position = np.sign(forecast)
    gross = position * (np.exp(0.01 * step) - 1)
    return gross, gross - 0.001 * abs(np.diff(position, prepend=0))


gross, net = np.moveaxis([follow(*w) for w in walks], 1, 0)
gain = [follow(*w)[1].sum() for w in driven]
t_value = gross.mean() / (gross.std() / np.sqrt(gross.size))
for what, sums in (("walks, before costs", gross.sum(1)), ("walks, after costs", net.sum(1)),
                   ("momentum, after costs", gain)):
    print(f"sum of returns, {what:22}", *(f"{g:+.1f}" for g in sums))

# %%
claim(12, ("random walks: mean return before costs, in standard errors", abs(t_value), "< 2", 2),
      ("after costs, best of 3", net.sum(axis=1).max(), "< 0", 2),
      ("with momentum, after costs, worst of 3", min(gain), "> 0", 2))

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-trading", "caption": "Following the net's advice on three random walks, before and after costs of 0.1 % for each unit traded."}, "image": {"alt": "Cumulated return over about 1,500 test days. Before costs the three curves wander around zero. After costs all three fall steadily far below zero."}}
fig, ax = plt.subplots()
days = np.arange(0, len(gross[0]), 15)
for kind, name, returns in (("input", "before", gross), ("output", "after", net)):
    curves, color = np.cumsum(returns, axis=1), COLORS[kind]
    ax.plot(days, curves[:, days].T, color=color, lw=1.3)
    ax.text(1510, curves[:, -1].mean(), f"{name}\ncosts", color=color, va="center")
ax.hlines(0, 0, 1490, COLORS["ink"], lw=1)
ax.set(xlabel="days of the test part", ylabel="sum of daily returns", xlim=(0, 1790))
ax.set_xticks([0, 500, 1000, 1500])
plt.show()

# %% [markdown]
# On a walk the outcome before costs is luck: one path may well end with a gain, as it may for someone who simply holds the stock. What is zero is the gain that any rule can *expect* from its forecasts. (Strictly speaking, since
# the steps are steps of the logarithm, holding the stock brings half the squared step, 0.005 % a day, and no rule can expect more than that.) The costs are certain: each walk paid 1.0 to 1.2, the difference of the first two rows.
# With momentum the same rule earns more than its costs: 2.4 to 2.6 is left, that is 240 to 260 % of the stake.
#
# Note what this shows and what it does not. It shows what follows *if* prices are a walk, and what would follow if they had momentum. Which of the two real prices are like can't be learned from
# series that we made: that they are close to a walk is a finding of others. And mind the trap: plotted as prices, the forecasts of the walks would lie on the truth almost perfectly.
#
# ## Summary
#
# - Unfolding writes a recurrence as a graph without loops, one copy a time step. Loop, scan, graph and Keras layer are one
#   function.
# - Copies share their weights: one rule for every step, more examples for each weight, and sequences of any length. Parameters depend on $D$ and $H$, never
#   on $T$; the number of layers is your choice.
# - `return_sequences` chooses between many-to-one and many-to-many; unequal lengths take an encoder-decoder.
# - The output layer follows from the task: softmax for classes, sigmoid for a yes or no, linear for quantities.
# - Hidden-to-hidden nets learned both tasks. Output-to-hidden nets learned only the one whose output shows what must be remembered. One that hears only its best guess
#   could not learn the other.
# - With teacher forcing that task was learned sooner, with either connection. Only where nothing but the output is fed back do all steps train at once. Exposure bias is the price.
# - Before you say that a net cannot learn something, train it longer, at other rates, and change one thing at a time.
# - A net accepts any length, which does not make it right at any length. Convolutions read sequences too.
# - Judge a forecast by its skill over persistence, on a later part by which nothing was chosen. On a random walk no skill can be expected.
#
# ## What number should I get?

# %%
recalled = {k: np.mean(v) for k, v in accuracy.items()}
in_table = table["total", "state", "no", 0.005]["passes"]

# %%
for what, value, tolerance in (
    ("parameters, SimpleRNN(3), 5 features, any T", few[1], "exact"),
    ("recall, state fed back, 1 epoch, accuracy", recalled["recall", "state", "no"], "0.05"),
    ("recall, output fed back, 1 epoch", recalled["recall", "output", "no"], "0.05"),
    ("total, output and teacher, 1 epoch", recalled["total", "output", "yes"], "0.05"),
    ("total, state fed back, epochs needed", in_table, "1"),
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
# A recurrent layer has 4 features as inputs and 6 hidden units, with biases. How many different parameters does its unfolded graph contain for
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
# deviation 1, and the test part must have had no say in it. Both parts are one-dimensional arrays.


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
# (B, T, V). Before the first step stands a row of zeros.


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
# On delayed recall, the output-to-hidden net with a teacher got no further than chance. Change *one thing about the targets*, not about the net, so that
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
# How long? All digits must pass through one state: with this training 8 do.
digits = np.random.default_rng(0).integers(0, 5, (31_000, 8))
x, y = np.eye(5, dtype="float32")[digits], digits[:, ::-1]
(longer,) = runs(lambda: reverser(8), x[1000:], y[1000:], seeds=[0])
share = right(longer, x[:1000], y[:1000]).mean()
print(f"8 digits: more than nine in ten are right: {share > 0.9}")

# %% [markdown]
# ### Exercise 2.10: Predict the neuron
#
# *predict · 8 minutes*
#
# The neuron in the drawing that you can step through, above, is given a single 1 and then zeros. Let it have a recurrent
# weight of 1, an input weight of 1, no bias, and 12 time steps. **Before you look**, write down three numbers. How many parameters does the graph have, counting the bias, which is 0? How
# many multiplications does it take, counting one for the input and one for the state at every step, also where a factor is 0 or 1? And at which time step is the state below one half for the first time? Then
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
