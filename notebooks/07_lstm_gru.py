# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # LSTM and GRU
#
# A gradient that crosses a hundred steps is a product of a hundred factors, and [chapter 5](05_vanishing_gradients.ipynb) showed how rarely
# that goes well. The remedy that won the field was to build a state whose factor is *one* unless the net decides otherwise. In this
# chapter you build such a cell from nothing, one gate at a time, and see what each gate is good for. You check it against Keras, number for
# number, train it there, measure its gradients, compare it with its rivals, and watch it read a novel.
#
# The chapter has seven parts. Each ends at a place where you can stop, and says what you know by then:
# **1** the LSTM, gate by gate; **2** the LSTM in Keras; **3** the GRU; **4** how far a gradient reaches; **5** four tasks and a novel, with every rival at its own learning
# rate; **6** inside a trained LSTM; **7** the layers' options. For a first reading, parts 1, 2 and 4 are enough.
#
# | You will | build an LSTM and a GRU gate by gate; get Keras' numbers with Keras' weights, and train a Keras LSTM; measure gradient flow for three forget biases; compare RNN, LSTM and GRU on four tasks, and with a TCN and a Transformer on a novel; look for a unit that tracks quotations, and switch it off; point at a character, and see what it moves |
# |---|---|
# | **You learn** | what each gate does, alone and together; why the forget gate's bias matters, and how to set it in Keras; what z and 1 − z are; how to count the parameters; what masking, states, dropout and direction do in Keras; why a comparison at one learning rate says little |
# | **You need** | [Chapter 1](01_recurrent_neuron.ipynb), [chapter 3](03_text_generator.ipynb) for the novel, [chapter 5](05_vanishing_gradients.ipynb) for the trouble |
# | **It takes** | 2 hours to read and run, and 1 hour 35 minutes for the exercises. Exercise 7.10 takes an evening more |

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
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no lines of a log
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums everywhere

import keras
import matplotlib.pyplot as plt
import numpy as np

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the imports", "code_prompt_hide": "Hide the imports"}
from rnnbook import data
from rnnbook.data import tasks
from rnnbook.exercises import check
from rnnbook.nn import layers
from rnnbook.nn.feedforward import Dense
from rnnbook.nn.layers import sigmoid

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show more imports", "code_prompt_hide": "Hide more imports"}
from rnnbook.nn.losses import bits_per_token, cross_entropy
from rnnbook.nn.optimizers import Adam, warmup_cosine
from rnnbook.nn.training import Stack, learn
from rnnbook.nn.variants import GRUResetBefore
from rnnbook.show import diagrams, instruments, results, style
from rnnbook.show.claims import claim
from rnnbook.show.instruments import memory as instrument
from rnnbook.show.style import COLORS
from rnnbook.text import Vocabulary
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.training import train

style.use()

# %% [markdown]
# ## 1 A memory that adds
#
# The state of a tanh layer is made anew at each step, by a matrix and a squashing function, and each is a factor of the gradient. Suppose
# instead that there is a second state, the **[memory cell](#term-memory-cell)** $c_t$, to which each step only *adds*:
#
# $$
# \begin{aligned}
# \tilde c_t &= \tanh(W_{xc}\, x_t \\
# &\qquad {} + W_{hc}\, h_{t-1} + b_c) \\
# c_t &= c_{t-1} + \tilde c_t \\
# h_t &= \tanh(c_t)
# \end{aligned}
# $$ (7.1)
#
# What is added, $\tilde c_t$, is called the **[candidate](#term-candidate)**: it is the tanh layer you know. The rest of the net sees the hidden state $h_t$.
# With $D$ inputs and $H$ units, $c_t$, $\tilde c_t$ and $h_t$ have shape $(H,)$, $W_{xc}$ is $(H, D)$ and $W_{hc}$ is $(H, H)$.

# %% mystnb={"figure": {"name": "fig-adds", "caption": "A memory that adds: purple is the way of the memory, green the hidden state, blue the input. Dashed shapes are of the step before."}, "image": {"alt": "The memory of the step before runs along the top to a plus sign and on to the memory of this step. The input and the hidden state of the step before go into a tanh, whose result, the candidate, is added at the plus sign. From the memory a way leads down through a tanh to the hidden state."}}
diagrams.lstm("")
plt.show()

# %% [markdown]
# Look at the purple line: from $c_{t-1}$ to $c_t$ there is no weight and no squashing. The immediate derivative is
#
# $$
# \frac{\partial^{+} c_t}{\partial c_{t-1}} = 1
# $$ (7.2)
#
# for each unit, and over any lag a product of ones. [Hochreiter and Schmidhuber (1997)](#hochreiter1997) called it the *constant error carousel*: an error that rides on it goes round unchanged. (The
# memory also acts through $h_t$ on later candidates. The symbol $\partial^{+}$ leaves that way out.)
#
# To try it, take the course's [LSTM](#rnnbook.nn.layers.LSTM) layer. It has gates, which come next; here their weights are set to 0 and their
# biases to a thousand or minus a thousand, which holds them fully open or fully shut.

# %%
OPEN, SHUT = 1000.0, -1000.0
H, D, T, seeds = 32, 4, 100, range(5)


def held(seed=0, **gates):
    layer = layers.LSTM(D, H, seed, dtype="float64")
    for gate, bias in gates.items():
        layer.weights[f"W_x{gate}"][:] = layer.weights[f"W_h{gate}"][:] = 0
        layer.weights[f"b_{gate}"][:] = bias
    return layer


noise = np.random.default_rng(100).normal(size=(8, T, D))

# %%
adds, back = held(i=OPEN, f=OPEN, o=OPEN), []
adds.weights["W_hc"][:] = 0  # the carousel alone, without the way through h
h, (_, c) = adds.forward(noise)
_, (_, dc) = adds.backward(0 * h, np.stack([0 * c, np.ones_like(c)]))
for seed in seeds:
    tanh = layers.RNN(D, H, seed, dtype="float64")
    h, last = tanh.forward(noise)
    _, dh = tanh.backward(0 * h, np.ones_like(last))
    back.append(np.linalg.norm(dh) / np.linalg.norm(np.ones_like(last)))
claim(30, ("what arrives over 100 steps, tanh layer, largest of 5", max(back), "< 1e-4", 0),
      ("memory that adds: smallest", dc.min(), "== 1"), ("largest", dc.max(), "== 1"))

# %% [markdown]
# So the text is right: a gradient that vanishes is what the cell was built against. [Hochreiter (1991)](#hochreiter1991) had shown that the error
# vanishes, and in the cell of 1997 it does not. Backpropagation through time itself stayed as it was: the state changed. (The authors of 1997 also cut the error off
# where it leaves the cell, which kept learning cheap. [Graves and Schmidhuber (2005)](#graves2005) trained LSTMs with the whole gradient, as everyone does now.)
#
# ### The input gate: when to write
#
# A memory that adds has a fault of its own: everything is written. Feed it noise, and it wanders off like a drunkard.

# %%
def memory(layer, x, c_0=0.0):
    """Return the memory cell after each step, (B, T, H)."""
    state, cells = np.full((2, len(x), H), c_0), []
    for t in range(x.shape[1]):
        _, state = layer.forward(x[:, t : t + 1], state)
        cells.append(state[1])
    return np.stack(cells, axis=1)


many = np.random.default_rng(0).normal(size=(300, T, D))
wander = np.square(memory(adds, many)).mean(axis=(0, 2)) ** 0.5
ratio = wander[[0, 3, 24, 99]] / wander[0]
print("size of c after 1, 4, 25, 100 steps, in multiples of the first:", *ratio.round(1))
assert abs(ratio / [1, 2, 5, 10] - 1).max() < 0.1  # a random walk: square roots

# %% [markdown]
# It grows as the square root of the number of steps, within a few percent over 300 sequences: a random walk. What was written at step 1 is still in there, under
# a heap of ninety-nine others. So let the net choose what to write. A **[gate](#term-gate)** is a layer of numbers between 0 and 1 that
# something else is multiplied with:
#
# $$
# \begin{aligned}
# i_t &= \sigma(W_{xi}\, x_t + W_{hi}\, h_{t-1} + b_i) \\
# c_t &= c_{t-1} + i_t \odot \tilde c_t
# \end{aligned}
# $$ (7.3)
#
# Where the **input gate** $i_t$ is 0, nothing is written. Each of the $H$ units has a gate of its own, so each can wait for an occasion of its own.

# %% mystnb={"figure": {"name": "fig-input-gate", "caption": "The input gate decides how much of the candidate is written."}, "image": {"alt": "The drawing of before, with one more circle: a sigma, fed by the input and the hidden state. Its result, i, is multiplied with the candidate before that is added to the memory."}}
diagrams.lstm("i")
plt.show()

# %% [markdown]
# Is the candidate a gate as well, one that regulates the input gate, as a text has it? Look at the range of each, and at what each does when all that it receives is 0.
# A gate is then half open, at $\sigma(0)$; a candidate is $\tanh(0)$, and writes nothing.

# %%
layer = layers.LSTM(D, H, 0, dtype="float64")
x_t, h_0 = 3 * noise[:, 0], np.zeros((8, H))


def one_step(layer, x_t, state=None):
    _, state = layer.forward(x_t[:, None], state)
    return {name: a[:, 0] for name, a in layer.gate_activations().items()}, state


# %%
now, (_, c_t) = one_step(layer, x_t)
quiet, _ = one_step(held(i=0, f=0, o=0), 0 * x_t)
gates = np.stack([now["i"], now["f"], now["o"]])
claim(33, ("smallest candidate", now["c"].min(), "< -0.5", 2),
      ("smallest gate", gates.min(), "> 0", 2), ("largest", gates.max(), "< 1", 2),
      ("gate without input", quiet["i"].max(), "== 0.5"),
      ("candidate without input", abs(quiet["c"]).max(), "== 0"))

# %% [markdown]
# The candidate is what is written, and may be negative. The gate says how much of it. They are siblings, fed with the same numbers, and neither regulates the other.
#
# ### The output gate: when to speak
#
# Now the memory is safe from the world, but the world is not safe from the memory: whatever a unit keeps, it also says, at every step, to
# all others. The **output gate** lets it keep its counsel:
#
# $$
# \begin{aligned}
# o_t &= \sigma(W_{xo}\, x_t + W_{ho}\, h_{t-1} + b_o) \\
# h_t &= o_t \odot \tanh(c_t)
# \end{aligned}
# $$ (7.4)

# %% mystnb={"figure": {"name": "fig-output-gate", "caption": "With input and output gate: the LSTM of 1997, in outline."}, "image": {"alt": "The drawing of before, with a second sigma at the right. Its result, o, is multiplied with the tanh of the memory, and the product is the hidden state."}}
diagrams.lstm("io")
plt.show()

# %% [markdown]
# <a id="question-17"></a>
# #### Hidden state or cell state?
#
# So there are two states, and this is how they differ: $c_t$ is what the unit *knows*, and $h_t$ is what it *says*. Only $h_t$ goes to other units, to the
# next layer and to the readout. Shut the output gate, and $h$ is silent while $c$ goes on as before.

# %%
silent, dense = held(o=SHUT), Dense(H, 5, 0, dtype="float64")
dense.parameters["b_y"][:] = np.arange(5) / 10
h, (_, c) = silent.forward(noise)
y = dense.forward(h)
print(f"o = 0: largest |h| {abs(h).max():.0f}, largest |c| {abs(c).max():.2f},",
      f"y = {y[0, -1]}")
claim(34, ("o = 0: largest |h|", abs(h).max(), "== 0"),
      ("largest |c|", abs(c).max(), "> 0.5", 2),
      ("largest |y| then, all of it the readout's bias", abs(y).max(), "== 0.4", 2))

# %% [markdown]
# In the text that makes this claim, the cell's output is $h_t$ itself, and the gate does set it. In this course, as in most nets, a readout follows: $\hat y_t = W_{hy} h_t + b_y$, with the size of the
# task. With the gate shut it still says something, its own biases. The output gate rules what the readout *hears*.
#
# ### The forget gate: when to let go
#
# With these two gates [Hochreiter and Schmidhuber (1997)](#hochreiter1997) carried a symbol over a thousand steps. Their sequences were cut by hand, with a fresh state for each. On
# a stream without end nobody resets the state, and a memory that only adds fills up. [Gers, Schmidhuber and Cummins (2000)](#gers2000) found this, and gave
# the cell the gate that today's texts name first:
#
# $$
# \begin{aligned}
# f_t &= \sigma(W_{xf}\, x_t + W_{hf}\, h_{t-1} + b_f) \\
# c_t &= f_t \odot c_{t-1} + i_t \odot \tilde c_t
# \end{aligned}
# $$ (7.5)

# %% mystnb={"figure": {"name": "fig-forget-gate", "caption": "With the forget gate: the LSTM as it is used since 2000."}, "image": {"alt": "The drawing of before, with a third sigma at the left. Its result, f, is multiplied with the memory of the step before, on its way to the plus sign."}}
diagrams.lstm("ifo")
plt.show()

# %% [markdown]
# The name is unlucky: $f_t = 1$ *keeps* and $f_t = 0$ forgets. The carousel of [Equation 7.2](#7.2) now has the factor $f_t$. Try the gates alone: a memory of 0.7, a
# thousand steps of noise, and each gate held fast.

# %%
storm = np.random.default_rng(0).normal(size=(1, 1000, D))
for what, gates in (("f = 1, i = 0", {"f": OPEN, "i": SHUT}),
                    ("f = 0.99, i = 0", {"f": np.log(99), "i": SHUT}),
                    ("f = 0, i = 0", {"f": SHUT, "i": SHUT}),
                    ("f = 1, i free", {"f": OPEN})):
    c = memory(held(**gates), storm, 0.7)[0]
    print(f"{what:16} c after 1, 100 and 1000 steps:",
          *(f"{c[t, 0]:10.3g}" for t in (0, 99, 999)))
    if what == "f = 1, i = 0":
        assert (c == 0.7).all()

# %% [markdown]
# With $f = 1$ and $i = 0$ the number is kept for ever, to the last bit. With $f = 0.99$ it fades like 0.99 to the power of the lag: the vanishing of chapter 5 is back,
# but now at a rate that the net itself sets, anew at each step.
#
# #### A stream without end
#
# Let us repeat the finding of 2000 on a small stream: delayed recall, one item after the other, and never a reset. Every six steps one of four symbols is shown, and
# five steps later it is asked for. The nets train on streams of four items, and are tested on streams of four hundred. One net has a forget gate. The other is the cell of 1997: its forget gate is held open.
#
# All small nets that this chapter trains in NumPy share a few lines: a batch of 32 fresh sequences, the optimizer Adam, the gradient clipped to a joint norm of 1. The loss hears the answers only where
# `heard`, of shape (B, T), is true.


# %%
def outputs(net, dense, x):
    return dense.forward(net.forward(x)[0])


def update(net, dense, rule, rate, loss, x, y, heard):
    learn(Stack(recurrent=net, dense=dense), x, y, loss, rule, rate, clip=1.0, mask=heard)


# %%
def last(x, y, n):
    """Let the loss hear the last n steps."""
    heard = np.zeros(y.shape[:2], bool)
    heard[:, -n:] = True
    return x, y, heard


def stream(B, seed, items=4):
    x, y = tasks.delayed_recall(B * items, 6, 4, seed)
    x, y, heard = last(x, y, 1)
    return (a.reshape(B, items * 6, *a.shape[2:]) for a in (x, y, heard))


# %%
def streaming(seed, forget):
    net, rule = layers.LSTM(5, 24, seed), Adam()
    if not forget:
        for name, value in (("W_xf", 0), ("W_hf", 0), ("b_f", OPEN)):
            net.weights[name][:] = value  # its gradient is exactly zero: it stays open
    dense = Dense(24, 5, seed)
    for step in range(800):
        update(net, dense, rule, 3e-3, cross_entropy, *stream(32, 1000 * seed + step))
    x, y, heard = stream(20, 10**6, items=400)
    h, (_, c) = net.forward(x)
    right = (dense.forward(h).argmax(axis=-1) == y)[heard].reshape(20, 400).mean(axis=0)
    return right[:4].mean(), right[-20:].mean(), abs(c).mean()


# %%
kept = {forget: np.array([streaming(s, forget) for s in range(3)]) for forget in (True, False)}
with_gate, without = kept[True], kept[False]
for what, (first, end, _) in (("with", with_gate.T), ("without", without.T)):
    print(f"{what:8} first 4 items: right in more than 0.95: {(first > 0.95).all()};",
          f"last 20 of 400: {'more than 0.9' if (end > 0.9).all() else 'less than 0.6'}")
assert (end < 0.6).all()
claim(32, ("share right at the end of the stream: with a forget gate, worst of 3",
           with_gate[:, 1].min(), "> 0.9", 0),
      ("without, best of 3", without[:, 1].max(), "< 0.6", 0),
      ("size of the memory at the end: with", with_gate[:, 2].max(), "< 20", 0),
      ("without", without[:, 2].min(), "> 200", 0))

# %% [markdown]
# Without the gate the memory grows with every item, and after four hundred of them what is new drowns in what is old. With it the memory stays small, and the last of four hundred items is nearly as easy as
# the first, although the net never saw a stream of more than four. So "an LSTM has three gates" is true of the LSTM since 2000, the one that you will meet. The original had two.

# %% [markdown]
# ### All together
#
# Here is the whole cell, as in [Equation 7.3](#7.3) to [Equation 7.5](#7.5). The letters $i$, $f$, $o$ name the gates and $c$ the candidate; $\odot$ multiplies element by element:
#
# $$
# \begin{aligned}
# i_t &= \sigma(W_{xi}\, x_t + W_{hi}\, h_{t-1} + b_i) \\
# f_t &= \sigma(W_{xf}\, x_t + W_{hf}\, h_{t-1} + b_f) \\
# o_t &= \sigma(W_{xo}\, x_t + W_{ho}\, h_{t-1} + b_o) \\
# \tilde c_t &= \tanh(W_{xc}\, x_t \\
# &\qquad {} + W_{hc}\, h_{t-1} + b_c) \\
# c_t &= f_t \odot c_{t-1} + i_t \odot \tilde c_t \\
# h_t &= o_t \odot \tanh(c_t)
# \end{aligned}
# $$ (7.6)
#
# All six have shape $(H,)$. Each of the first four has weights $W_{x\cdot}$ of shape $(H, D)$, $W_{h\cdot}$ of shape $(H, H)$ and $b_\cdot$ of shape $(H,)$. This is the **[LSTM](#term-long-short-term-memory)**. In code it is as many lines.
# Here it is in a batch, so products are `x @ W.T`. The `step` of [LSTM](#rnnbook.nn.layers.LSTM) has the same lines, and under it stands its `step_back`.


# %%
def lstm_by_hand(x_t, h, c, w):
    i = sigmoid(x_t @ w["W_xi"].T + h @ w["W_hi"].T + w["b_i"])
    f = sigmoid(x_t @ w["W_xf"].T + h @ w["W_hf"].T + w["b_f"])
    o = sigmoid(x_t @ w["W_xo"].T + h @ w["W_ho"].T + w["b_o"])
    c_tilde = np.tanh(x_t @ w["W_xc"].T + h @ w["W_hc"].T + w["b_c"])
    c = f * c + i * c_tilde
    return o * np.tanh(c), c


# %%
h = c = np.zeros((8, H))
for t in range(T):
    h, c = lstm_by_hand(noise[:, t], h, c, layer.weights)
_, (h_fast, c_fast) = layer.forward(noise)
h_1, c_1 = lstm_by_hand(x_t, h_0, h_0, layer.weights)  # one_step gave h_t and c_t above
gap = max(abs(h - h_fast).max(), abs(c - c_fast).max(), abs(c_1 - c_t).max())
print(f"after {T} steps, by hand and by the layer: h {h.shape}, c {c.shape}")
print("equal to within 1e-12:", gap < 1e-12)
assert gap < 1e-12

# %% [markdown]
# **The way back.** As in chapter 4, go through the equations from the last to the first. The total derivative of the loss with respect to the memory
# has two parts, one from this step's $h_t$ and one from the next step's memory:
#
# $$
# \begin{aligned}
# \frac{\mathrm d L}{\mathrm d c_t} &= \frac{\mathrm d L}{\mathrm d h_t} \odot o_t \odot (1 - \tanh^2 c_t) \\
# &\qquad {} + f_{t+1} \odot \frac{\mathrm d L}{\mathrm d c_{t+1}}
# \end{aligned}
# $$ (7.7)
#
# It reaches the candidate through $i_t$, the input gate through $\tilde c_t$ and the forget gate through $c_{t-1}$, each times the slope of its tanh or $\sigma$; the output gate hears from
# $h_t$ alone. These four, times their weights, go on to $x_t$ and $h_{t-1}$. (That last way is the one that $\partial^{+}$ in [Equation 7.2](#7.2) leaves out.)


# %%
def lstm_step_back(dh, dc, now, c, c_before):
    """Return the gradients by what each gate and the candidate receive, and by c_{t-1}."""
    i, f, o, c_tilde = (now[name] for name in "ifoc")
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    return {"i": dc * c_tilde * i * (1 - i), "f": dc * c_before * f * (1 - f),
            "o": dh * np.tanh(c) * o * (1 - o), "c": dc * i * (1 - c_tilde**2)}, dc * f


# %%
c_before, d = np.full((8, H), 0.3), np.random.default_rng(2).normal(size=(2, 8, H))
now, (_, c_t) = one_step(layer, x_t, np.stack([h_0, c_before]))
da, dc_before = lstm_step_back(d[0], d[1], now, c_t, c_before)
dx_t = sum(da[gate] @ layer.weights[f"W_x{gate}"] for gate in "ifoc")
dx_layer, (_, dc_layer) = layer.backward(d[0][:, None], np.stack([0 * h_0, d[1]]))
gap = max(abs(dx_t - dx_layer[:, 0]).max(), abs(dc_before - dc_layer).max())
print("by hand and by the layer, one step back, equal to within 1e-12:", gap < 1e-12)
assert gap < 1e-12

# %% [markdown]
# Here is one such cell to touch, with one unit and gates that stand still. While there is input it writes $i\tilde c$ a step, and afterwards nothing. The
# dashed line is the product of its forget gates: what is left of a memory of 1. Move one gate at a time. Which of them changes $c$, and which $h$ alone? (The input and the forget gate change $c$, and through it $h$; the output gate changes $h$ alone.)

# %%
instruments.show("gates")

# %% [markdown]
# **You can stop here.** You know what each gate is for: the input gate writes, the forget gate keeps, the output gate speaks; and why a gradient that rides on the memory
# does not vanish while the forget gate is open.
#
# ## 2 The LSTM in Keras
#
# ### The same numbers
#
# A Keras layer keeps the weights of all gates side by side in three arrays: a kernel $(D, 4H)$, a recurrent kernel $(H, 4H)$ and a bias $(4H,)$.
# [get_weights](#rnnbook.nn.layers.Recurrent.get_weights) writes ours in that form, so the Keras layer can take them as they are.
#
# <a id="question-18"></a>
# **What is the order of the gates?** For the LSTM $i, f, c, o$, for the GRU $z, r, h$. You can tell the forget gate by its bias, which Keras starts at 1.

# %%
L = keras.layers
theirs = L.LSTM(H, return_sequences=True, return_state=True, dtype="float64")
theirs.build((None, None, D))
kernel, recurrent, bias = theirs.get_weights()
print("first biases of the four blocks:", *bias[::H].astype(int))
theirs.set_weights(layer.get_weights())
blocks = np.split(theirs.get_weights()[0], 4, axis=1)
for gate, block in zip("ifco", blocks, strict=True):
    assert (block == layer.weights[f"W_x{gate}"].T).all()

# %%
h_keras, h_last, c_last = (np.asarray(a) for a in theirs(noise))
h_ours, (h_end, c_end) = layer.forward(noise)
gaps = [abs(h_keras - h_ours).max(), abs(h_last - h_end).max(), abs(c_last - c_end).max()]
print("h", h_keras.shape, " last h", h_last.shape, " last c", c_last.shape)
print("equal to within 1e-12:", max(gaps) < 1e-12)
assert max(gaps) < 1e-12

# %% [markdown]
# ### Peepholes
#
# In [Equation 7.6](#7.6) the gates hear $h$, not $c$. Where the output gate is shut, they are deaf to what the unit itself knows. [Gers and Schmidhuber (2000)](#gers2000b) gave the gates a
# **[peephole](#term-peephole)** each: a weight from the unit's own memory, one number a unit, so $p_i$, $p_f$ and $p_o$ of shape $(H,)$. The input and the forget gate look at $c_{t-1}$, the output gate at $c_t$:
#
# $$
# \begin{aligned}
# i_t &= \sigma(\dots + p_i \odot c_{t-1}) \\
# f_t &= \sigma(\dots + p_f \odot c_{t-1}) \\
# o_t &= \sigma(\dots + p_o \odot c_t)
# \end{aligned}
# $$ (7.8)
#
# They helped to time events to the step. Keras has none; the course's layer does.

# %%
peeping = layers.LSTM(D, H, 0, peepholes=True, dtype="float64")
same = abs(peeping.forward(noise)[0] - h_ours).max()  # at first they are zero
for name in ("p_i", "p_f", "p_o"):
    peeping.weights[name][:] = 1.0
moved = abs(peeping.forward(noise)[0] - h_ours).max()
full = np.stack([h_0, h_0 + 2])  # a memory of 2
deaf = one_step(layer, 0 * x_t, full)[0]["f"] - sigmoid(1.0)
seeing = one_step(peeping, 0 * x_t, full)[0]["f"] - sigmoid(3.0)
extra = sum(a.size for a in peeping.weights.values()) - sum(
    a.size for a in layer.weights.values())
print(f"{extra} more parameters; with p = 0 the same, with p = 1 not: {moved:.2f}")
assert same == 0 and extra == 3 * H and abs(deaf).max() < 1e-12 > abs(seeing).max()

# %% [markdown]
# ### Train one
#
# Here is a whole training in Keras, on delayed recall as in chapter 5: one of four symbols is shown at the first of 31 steps, and asked for at the last. It has 9,600 sequences to
# learn from, read once, and 500 others to be judged on. Whoever guesses is right in a quarter.

# %%
x_train, y_train = tasks.delayed_recall(9600, 31, 4, seed=1)
x_new, y_new = tasks.delayed_recall(500, 31, 4, seed=2)


def right_after_training(**options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((31, 5)), L.LSTM(32, **options), L.Dense(5)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0), loss, metrics=["accuracy"])
    fitted = model.fit(x_train, y_train[:, -1], batch_size=32, epochs=1, shuffle=False,
                       verbose=0, validation_data=(x_new, y_new[:, -1]))
    return fitted.history["val_accuracy"][-1]


# %% [markdown]
# The layer is as Keras makes it, and once more with its forget gate wide open at the start, at $\sigma(3) = 0.95$. That is what this chapter will advise wherever something is to be kept for
# long, and this is the recipe. By default `unit_forget_bias=True` sets the forget gate's bias to 1 and all others to what `bias_initializer` says, 0. For another number, switch it
# off, and hand `bias_initializer` a function that fills all $4H$ biases, in the order $i, f, c, o$.


# %%
def open_gate(shape, dtype=None):
    """Return the biases (4H,) of an LSTM whose forget gate starts at sigmoid(3)."""
    H = shape[0] // 4
    return keras.ops.convert_to_tensor(np.repeat([0.0, 3.0, 0.0, 0.0], H), dtype)


as_made = right_after_training()
opened = right_after_training(unit_forget_bias=False, bias_initializer=open_gate)
print(f"right after 300 steps: forget bias 1: {as_made:.1f}, forget bias 3: {opened:.1f}")
assert as_made < 0.5 and opened > 0.95

# %% [markdown]
# Same layer, same data, same rate, and one number makes the difference. That it is this number, and not a rate that happens to suit one of the two, the table of part 5 shows: there each has its own best rate. The cells of `keras.layers`
# have the same options. A `GRU` has no such switch; its $z$ is the first third of `bias_initializer`'s biases.
#
# **You can stop here.** You can read, train and initialize a Keras LSTM, and you know what its arrays hold.
#
# ## 3 The GRU
#
# Must it be two states and three gates? [Cho et al. (2014)](#cho2014) made do with one state and two gates, in the encoder and the decoder of a translation system. The **[GRU](#term-GRU)** has an update gate $z$ and a reset gate $r$:
#
# $$
# \begin{aligned}
# z_t &= \sigma(W_{xz}\, x_t + W_{hz}\, h_{t-1} + b_z) \\
# r_t &= \sigma(W_{xr}\, x_t + W_{hr}\, h_{t-1} + b_r) \\
# \tilde h_t &= \tanh\big(W_{xh}\, x_t \\
# &\qquad {} + W_{hh}\, (r_t \odot h_{t-1}) + b_h\big) \\
# h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot \tilde h_t
# \end{aligned}
# $$ (7.9)
#
# The last line is an LSTM's memory with $f = z$ and $i = 1 - z$: what is kept and what is written share one budget. So a GRU's state is an average of what
# it has seen, and stays between $-1$ and 1. It cannot pile up. Remember that; we will see what it costs.

# %% mystnb={"figure": {"name": "fig-gru", "caption": "The GRU: the hidden state is the memory. What z keeps, 1 - z does not admit. Where exactly r acts inside the candidate, the drawing leaves open: that is the difference between the next two kinds of GRU."}, "image": {"alt": "The hidden state of the step before runs along the top to a product with z and on to a plus sign and the new hidden state. Input and state feed two sigmas, z and r, and a tanh, the candidate, which r leads into. The candidate is multiplied with one minus z and added at the plus sign."}}
diagrams.gru()
plt.show()

# %% [markdown]
# ### z or 1 − z?
#
# Papers differ, and mixing them up is a common mistake. This course, Keras and [Cho et al. (2014)](#cho2014) keep with $z$. [Chung et al. (2014)](#chung2014) keep with $1 - z$. Neither is wrong: since
# $\sigma(-a) = 1 - \sigma(a)$, one becomes the other when the weights of the update gate change their sign. But weights that were trained with one formula are wrong in the other.

# %%
gru = layers.GRU(D, H, 0, dtype="float64")
h_prev = np.random.default_rng(1).uniform(-1, 1, (8, H))
now, keep_z = one_step(gru, x_t, h_prev)
z_t, h_tilde = now["z"], now["h"]
keep_rest = (1 - z_t) * h_prev + z_t * h_tilde  # Chung et al.'s formula, our weights
flipped = layers.GRU(D, H, 0, dtype="float64")
for name in ("W_xz", "W_hz", "b_z", "b_hz"):
    flipped.weights[name][:] *= -1
z_other = one_step(flipped, x_t, h_prev)[0]["z"]
chung = (1 - z_other) * h_prev + z_other * h_tilde
print(f"mixed up: off by {abs(keep_z - keep_rest).max():.2f}")
assert abs(keep_z - keep_rest).max() > 0.5 and abs(keep_z - chung).max() < 1e-12

# %% [markdown]
# ### Reset before or after the product
#
# A second difference hides in the candidate. In [Equation 7.9](#7.9) the reset gate acts on $h_{t-1}$, *before* the matrix. NVIDIA's library cuDNN, and Keras since version 2 of TensorFlow, let it act on the *product*, and give that a bias of its own:
#
# $$
# \begin{aligned}
# \tilde h_t &= \tanh\big(W_{xh}\, x_t + b_h \\
# &\quad {} + r_t \odot (W_{hh}\, h_{t-1} \\
# &\qquad {} + b_{hh})\big)
# \end{aligned}
# $$ (7.10)
#
# ($z$ and $r$ get such a second bias too, $b_{hz}$ and $b_{hr}$, though there it could be added to the first.) Then the three products with $h_{t-1}$ can be computed at once, without waiting for $r_t$. Keras' option is `reset_after`, True by default. The course has both: [GRU](#rnnbook.nn.layers.GRU), and
# [GRUResetBefore](#rnnbook.nn.variants.GRUResetBefore). Weights do not fit from the one to the other.

# %%
for reset_after, ours in ((True, gru), (False, GRUResetBefore(D, H, 0, dtype="float64"))):
    theirs = L.GRU(H, return_sequences=True, reset_after=reset_after, dtype="float64")
    theirs.build((None, None, D))
    theirs.set_weights(ours.get_weights())
    gap = abs(np.asarray(theirs(noise)) - ours.forward(noise)[0]).max()
    print(f"reset_after={reset_after!s:5} bias {theirs.get_weights()[2].shape},",
          f"equal to ours to within 1e-12: {gap < 1e-12}")
    assert gap < 1e-12

# %% [markdown]
# <a id="question-19"></a>
# ### How many parameters?
#
# Count by gates. Each gate or candidate has $DH + H^2 + H$: four of them make an LSTM, three a GRU, and `reset_after` adds $H$ biases to each of the three. One layer of each, with 10 inputs and 20 units:

# %%
d, n = 10, 20
formula = {"SimpleRNN": d * n + n * n + n, "LSTM": 4 * (d * n + n * n + n),
           "GRU": 3 * (d * n + n * n + 2 * n)}
for name, by_hand in formula.items():
    made = getattr(L, name)(n)
    made.build((None, None, d))
    print(f"{name:10} by hand {by_hand:5}, Keras {made.count_params():5}")
    assert by_hand == made.count_params()

# %%
before = L.GRU(n, reset_after=False)
before.build((None, None, d))
print("GRU as in 2014, reset_after=False:", before.count_params())
assert before.count_params() == 1860
of_lstm, of_gru = L.LSTM(n).cell, L.GRU(n).cell
claim(31, ("gates: LSTM", len(layers.LSTM.gates) - 1, "== 3"),
      ("GRU", len(layers.GRU.gates) - 1, "== 2"),
      ("states that Keras carries: LSTM", len(of_lstm.state_size), "== 2"),
      ("GRU", np.size(of_gru.state_size), "== 1"))

# %% [markdown]
# So an LSTM is a gated recurrent cell, which is what the text goes on to explain, but no *GRU*: that name belongs to another cell, with a gate and a state less, and younger by seventeen years.
#
# ### Who built what
#
# | Year | Who | What |
# |---|---|---|
# | 1991 | [Hochreiter](#hochreiter1991), diploma thesis | why recurrent nets forget |
# | 1997 | [Hochreiter and Schmidhuber](#hochreiter1997) | the LSTM: carousel, input gate, output gate |
# | 2000 | [Gers, Schmidhuber and Cummins](#gers2000) | the forget gate |
# | 2000 | [Gers and Schmidhuber](#gers2000b) | peepholes |
# | 2005 | [Graves and Schmidhuber](#graves2005) | the whole gradient instead of a truncated one; LSTMs in both directions |
# | 2014 | [Cho et al.](#cho2014) | the GRU, still without that name |
# | 2014 | [Chung et al.](#chung2014) | a comparison of GRU, LSTM and tanh layer |
# | 2015 | [Jozefowicz et al.](#jozefowicz2015) | a search through more than ten thousand cells; a forget bias of 1 |
# | 2017 | [Greff et al.](#greff2017) | eight variants of the LSTM: none clearly better |
#
# The LSTM's paper is volume 9 of *Neural Computation*, whose volume 1 is of 1989. Preprints tell who was first with the GRU: arXiv numbers them by year and month.

# %%
claim(37, ("year of volume 9 of Neural Computation", 1989 + 9 - 1, "== 1997"))

# %%
preprints = {"Cho et al.": 1406.1078, "Chung et al.": 1412.3555}
months = {who: int(number) % 100 for who, number in preprints.items()}
print(months)
claim(38, ("months from Cho et al.'s preprint to Chung et al.'s, both of 2014",
           months["Chung et al."] - months["Cho et al."], "== 6"))

# %% [markdown]
# **You can stop here.** You know the GRU's two gates, its two conventions for $z$ and its two kinds of reset, and you can count the parameters of either cell.
#
# ## 4 Does it cure vanishing?
#
# Take the loss at the last step of 100, some random function of $h_{100}$, and ask how strongly it depends on the input of each step: the length of
# $\partial L / \partial x_t$, compared with that of $\partial L / \partial x_{100}$. Layers of 32 units, normal random inputs, five seeds, before any training.


# %%
def reach(net, x, seed=0):
    """Return log10 of |dL/dx_t| over |dL/dx_T|, for each t."""
    h, _ = net.forward(x)
    dh = np.zeros(h.shape)
    dh[:, -1] = np.random.default_rng(seed).normal(size=dh[:, -1].shape)
    dx, _ = net.backward(dh)
    lengths = np.linalg.norm(dx, axis=(0, 2))
    return np.log10(lengths / lengths[-1])


def with_bias(net, **biases):
    for name, value in biases.items():
        net.weights[name][:] = value
    return net


# %%
starts = {"tanh": lambda s: layers.RNN(D, H, s, dtype="float64"),
          "GRU": lambda s: layers.GRU(D, H, s, dtype="float64"),
          "GRU, b_z = 5": lambda s: with_bias(
              layers.GRU(D, H, s, dtype="float64"), b_z=5.0)}
for b_f in (0, 1, 5):
    starts[f"LSTM, b_f = {b_f}"] = lambda s, b_f=b_f: layers.LSTM(
        D, H, s, forget_bias=b_f, dtype="float64")
reaches = {name: np.array([reach(make(s), noise, s) for s in seeds])
           for name, make in starts.items()}
for name, r in reaches.items():
    print(f"{name:14} lag 10: {np.median(r[:, -11]):5.1f}   lag 99: "
          f"{np.median(r[:, 0]):6.1f}   range {r[:, 0].min():6.1f} to {r[:, 0].max():6.1f}")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-gradient-reach", "caption": "How far back the gradient reaches before training: median of five seeds, and their range. What the forget bias does is more than the difference between the cells."}, "image": {"alt": "Logarithm of the gradient with respect to the input against the lag. The LSTM with bias 0 and the GRU fall along almost the same straight line to ten to the minus twenty-two. The tanh layer falls to ten to the minus eleven, the LSTM with bias 1 to ten to the minus nine. With a bias of 5 the GRU stays level, and the LSTM stays level up to a lag of about sixty and then rises to ten."}}
fig, ax = plt.subplots(figsize=(5.8, 4))
kinds = ("hidden", "gradient", "output", "muted", "input", "memory")
lag = np.arange(T - 1, -1, -1)[::11]
for (name, r), kind in zip(reaches.items(), kinds, strict=True):
    shown, dash = r[:, ::11].round(2), "--" if "= 5" in name else "-"
    ax.plot(lag, np.median(shown, axis=0), dash, color=COLORS[kind], label=name)
    ax.fill_between(lag, shown.min(0), shown.max(0), alpha=0.15, lw=0, color=COLORS[kind])
ax.set(xlabel="lag (steps)", ylabel="log10 of what arrives", xlim=(0, 99))
fig.legend(loc="outside upper center", ncols=3)
plt.show()

# %% [markdown]
# <a id="question-16"></a>
# Three things to see. The **LSTM without a forget bias** forgets like the GRU: their gates stand at one half, and half of a half of a half ... is soon nothing. **Keras' default**, a bias of 1, opens the gate to 0.73, and at a lag of 99 that still leaves almost nothing.
# With a bias of **5** the gradient no longer vanishes: the GRU's arrives at half its size, and the LSTM's has grown tenfold. And look who lies above the GRU: the plain tanh layer, which has no gates at all. You met that in chapter 5; here it is on inputs that carry news at every step.
#
# Can you predict these numbers? The carousel alone gives the product of the forget gates, $\sigma(b_f)^{99}$.

# %%
end = {name: 10 ** np.median(r[:, 0]) for name, r in reaches.items()}
for b_f in (0, 1, 5):
    alone, got = sigmoid(float(b_f)) ** 99, end[f"LSTM, b_f = {b_f}"]
    print(f"b_f = {b_f}: carousel alone {alone:8.1e}, measured {got:8.1e}")
assert end["LSTM, b_f = 0"] < 1e-18 < end["LSTM, b_f = 1"] < 1e-6 < 0.5 < end["LSTM, b_f = 5"]

# %% [markdown]
# What arrives is more than the carousel alone predicts: the way through $h$ and the gates, which $\partial^{+}$ left out, brings gradient too. The rate is set by the forget gate, all the same.
# How far a gradient reaches is thus a matter of one number at the start, and then of training, which part 5 looks at.
#
# ### Explosion is tamed, not gone
#
# And the other trouble? A gate is at most 1, so the carousel alone cannot explode. But the way through $h$ can: it has a matrix in it. Training can make recurrent weights large. So take four nets, make all their recurrent weights four times as large, and
# look again. The same nets as they start are the control.


# %%
def steep(make, seed, factor=4):
    net = make(seed)
    net.parameters["W_h"] *= factor
    return net


exploded = {}
for name in ("tanh", "GRU", "LSTM, b_f = 1", "LSTM, b_f = 5"):
    r = np.array([reach(steep(starts[name], s), noise, s)[0] for s in seeds])
    exploded[name] = np.median(r)
    size = "more than 1e10" if exploded[name] > 10 else "less than 1e6"
    print(f"{name:14} as it starts: 1e{np.median(reaches[name][:, 0]):<5.1f}   "
          f"weights 4 times as large: {size}")
assert exploded["tanh"] > 10 > 6 > max(r for name, r in exploded.items() if name != "tanh")

# %%
claim(41, ("what arrives over 99 steps, log10, median of 5: LSTM, default",
           np.log10(end["LSTM, b_f = 1"]), "< -6", 2),
      ("with a forget bias of 5", np.log10(end["LSTM, b_f = 5"]), "> -1", 2),
      ("recurrent weights 4 times as large: tanh", exploded["tanh"], "> 10", 0),
      ("LSTM, default", exploded["LSTM, b_f = 1"], "< 6", 0),
      ("LSTM, forget bias 5", exploded["LSTM, b_f = 5"], "< 6", 0))

# %% [markdown]
# With such weights the tanh layer's gradient explodes beyond all use, and those of the gated layers do not: the gates tame explosion greatly. They do not end it: with the forget bias of 5, what arrives is already larger than what was sent. So keep clipping. (The states are chaotic with weights so large, and the exact figures differ from one processor to the next: hence the bounds.) [Sutskever, Vinyals and Le (2014)](#sutskever2014), whose LSTMs translated, wrote that LSTMs tend not to suffer from vanishing gradients but can have exploding ones, and clipped the norm.
#
# **You can stop here.** You know that a forget gate decides how far a gradient reaches, that Keras' default of 1 is not far, and why one still clips.
#
# ## 5 Four tasks and a novel
#
# The start is not the end. Here are four tasks. **Recall**: one of four symbols is shown at the first of 31 steps, and asked for at the last. **Copying**: three symbols are shown, and asked for ten steps later in their order.
# **Adding**: of twenty numbers two are marked, and their sum is wanted. These three are in chapter 5. The fourth is **counting**: words of the language $a^n b^n$, that is $n$ times a and then as many times b. Nobody can know when the a's end, but from the first b on,
# a net that has counted knows when the word does.

# %%
x, y, heard = tasks.counting(1, 3, 3)
print("reads:   ", *(" ab"[k] if k else "|" for k in x[0].argmax(axis=1)))
print("expects: ", *(" ab"[k] if k else "|" for k in y[0]))

# %% [markdown]
# Five contestants: a tanh layer, a GRU, an LSTM, and the last two once more with a gate that starts open, $b_z = 3$ and $b_f = 3$. For a fair race, three things must be equal.
#
# - **Parameters.** With its readout each has as many as an LSTM of 32 units. So the GRU gets 37 units, and the tanh layer 65 or 66.
# - **The learning rate's care.** At one rate for all, whoever likes that rate wins. So each contestant tries 0.003, 0.01 and 0.03 on each task, and then further rates until its best is no longer at an end of those tried. The
#   best is the one with the least loss on validation sequences, as the median of five seeds; the scores are of other sequences.
# - **Steps, or time.** Each makes 300 steps of training, and is judged. A step of the tanh layer costs less than one of the LSTM, so it is judged again after as many steps as take the LSTM's time.
#
# That makes several hundred trainings, and `python -m benchmarks.gates` makes them in about nine minutes. The chapter reads the [table](../reference/benchmarks.md) that it saved, and trains the GRUs of its recall row again.

# %%
table = {(row["task"], row["net"]): row for row in results.rows("gates")}
cost = {(row["task"], row["cell"]): row["to the LSTM"] for row in results.rows("equal_sizes")}
per_step = [cost[task, "RNN"] for task in ("recall", "copying", "adding", "counting")]
print(f"a step's time, the LSTM's being 1: tanh {min(per_step):.2f} to {max(per_step):.2f}")
for cell in ("GRU", "LSTM"):
    row = table["recall", cell]
    print(f"recall, {cell:4}: {row['units']} units, best rate {row['rate']}, right in"
          f" {row['median']:.2f} (worst {row['worst']:.2f}, best {row['best']:.2f})")


# %%
def trained(seed, rate):
    """Train a GRU of the table again, and return the share right of recall."""
    H, rule = table["recall", "GRU"]["units"], Adam()
    model = Stack(recurrent=layers.GRU(5, H, seed), dense=Dense(H, 5, seed))
    for step in range(1, 301):
        x, y, heard = last(*tasks.delayed_recall(32, 31, 4, 1000 * seed + step), 1)
        learn(model, x, y, cross_entropy, rule, rate, 1.0, heard)
    x, y = tasks.delayed_recall(500, 31, 4, 10**6)
    return (model.forward(x)[0][:, -1].argmax(axis=1) == y[:, -1]).mean()


# %%
row = table["recall", "GRU"]
right = np.sort([trained(seed, row["rate"]) for seed in seeds])
gap = abs(right[[0, 2, 4]] - [row[what] for what in ("worst", "median", "best")]).max()
print(f"the GRU at its best rate as in the table, to within 0.1: {gap < 0.1}")
assert gap < 0.1
slow = np.median([trained(seed, 0.01) for seed in seeds])
print(f"the GRU at the rate of the LSTM with b_f = 3, 0.01: median {slow:.1f} right")
assert slow < 0.6

# %%
NETS = ("tanh", "GRU", "GRU, b_z = 3", "LSTM", "LSTM, b_f = 3")
NAIVE = {"recall": 0.25, "copying": 0.25, "adding": 1 / 6, "counting": 0}
for task, naive in NAIVE.items():
    print(f"{task}: {'error' if task == 'adding' else 'largest n' if not naive else 'right'};"
          f" without learning {naive:.2g}")
    for net in NETS:
        row = table[task, net]
        at_steps, in_time = ([row[f"{what}{then}"] for what in ("median", "worst", "best")]
                             for then in ("", " then"))
        print(f"  {net:13} rate {row['rate']:<5} {at_steps[0]:<7.2g} ({at_steps[1]:.2g} to"
              f" {at_steps[2]:.2g});  in equal time {in_time[0]:.2g}")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-four-tasks", "caption": "Four tasks, five nets, each at its own best rate, after 300 steps: median of five seeds (dot), worst and best (line). Dotted: without learning. In recall, copying and counting right is better; in adding, left."}, "image": {"alt": "Four panels. In recall the LSTM with its default start stands at the guess of one quarter, and all others have their median at 1; the tanh layer and the LSTM with forget bias 3 have a seed below. In copying the tanh layer, the GRU and the LSTM with forget bias 3 stand at or near 1, the GRU with bias 3 and the default LSTM near two thirds. In adding the tanh layer's error is a tenth, the LSTMs' two thousandths, the GRUs' two ten-thousandths. In counting the tanh layer and the GRUs stand at 8 or 9, the LSTMs at 13 and 12, with a longest line up to 40."}}
fig, axes = plt.subplots(2, 2, figsize=(5.8, 4.6), sharey=True)
for ax, (task, naive) in zip(axes.ravel(), NAIVE.items(), strict=True):
    for place, net in enumerate(reversed(NETS)):
        row, color = table[task, net], COLORS["memory" if "LSTM" in net else "hidden"]
        color = COLORS["muted"] if net == "tanh" else color
        ax.plot([row["worst"], row["best"]], [place, place], color=color)
        ax.plot(row["median"], place, "o", color=color)
    ax.axvline(naive, color=COLORS["muted"], ls=":")
    ax.set(title={"adding": "adding (error)", "counting": "counting (largest n)"}.get(
        task, f"{task} (share right)"), yticks=range(5), yticklabels=reversed(NETS))
axes[1, 0].set_xscale("log")
plt.show()


# %% [markdown]
# Read it slowly; it is not the table that textbooks promise.
#
# - **Recall.** All learn it but one: the LSTM with its default start, at none of its rates. With a forget bias of 3 it does, in most seeds. So there the one number decides. The GRU learns it in all five seeds, and *with* its default start, although its gradient
#   vanishes faster than any other's before training. But look at its rate: thirty times that of the LSTM with the open gate. At that one's rate, as the cell above shows, most of the GRUs learn nothing. A comparison at one rate for all would have called it a failure.
# - **Copying** goes to the tanh layer and the GRU; the LSTM with an open gate comes near. The default LSTM, and the GRU whose gate starts open, stop between guessing and knowing. An open gate is not always good.
# - **Adding** goes to the gated cells, most clearly to the GRUs: noise comes in at every step, and only a gate can keep it out. The tanh layer is better than nothing, and hundreds of times as far off as a GRU.
# - **Counting** goes to the LSTMs. All have seen $n$ up to 8, and the tanh layer and the GRUs count to that or a little further. Most of the LSTMs go on: their medians are 13 and 12, further than any GRU gets, and one reaches 40, where the test ends. Still the ranges overlap: the worst LSTM of either kind counts no further than the best GRU. How far a single net gets is partly chance: rounding alone can move it by several counts. [Weiss et al. (2018)](#weiss2018) say why: a memory that adds can run up, step by step,
#   without a limit. A GRU's state is an average and stays between $-1$ and 1, so each further count must fit into a smaller difference.
#
# Equal time gives the tanh layer more steps, and changes no order but in counting. And what does not follow: that one cell is better. The order is another one in each task; it is of 300 steps, of one size, of four small tasks.

# %%
def med(task, net, what="median"):
    return table[task, net][what]


GRUS, LSTMS = ("GRU", "GRU, b_z = 3"), ("LSTM", "LSTM, b_f = 3")
assert med("recall", "GRU", "rate") >= 10 * med("recall", "LSTM, b_f = 3", "rate")
opened = [med("counting", "LSTM, b_f = 3", what) for what in ("worst", "best")]
assert opened == [9, 26]
assert med("adding", "tanh") > 400 * max(med("adding", g) for g in GRUS)
best = max(med("counting", g, "best") for g in GRUS)
assert all(med("counting", g, "worst") <= best < med("counting", g) for g in LSTMS)
assert {g: med("counting", g) for g in LSTMS} == {"LSTM": 13, "LSTM, b_f = 3": 12}

# %%
claim(35, ("what arrives over 99 steps before training, LSTM, default: median of 5",
           end["LSTM, b_f = 1"], "< 1e-6", 1), ("forget bias 5", end["LSTM, b_f = 5"], "> 0.5", 1),
      ("recall over 31 steps after 300 of training, at its best rate: LSTM, default, best of 5",
       med("recall", "LSTM", "best"), "< 0.4", 2),
      ("forget bias 3, median", med("recall", "LSTM, b_f = 3"), "> 0.95", 2))

# %%
claim(39, ("recall over 31 steps, each at its best rate: GRU, worst of 5 seeds",
           med("recall", "GRU", "worst"), "> 0.95", 2),
      ("LSTM with a forget bias of 3, median", med("recall", "LSTM, b_f = 3"), "> 0.95", 2),
      ("GRU's parameters over the LSTM's, 10 inputs and 20 units",
       formula["GRU"] / formula["LSTM"], "< 0.8", 2),
      ("longest n of a^n b^n, trained up to 8: GRU, median", med("counting", "GRU"), "<= 10"),
      ("LSTM, median", med("counting", "LSTM"), ">= 11"))

# %%
cells = [name for name in dir(L) if name.endswith("Cell") and "RNN" not in name]
claim(72, ("cells that Keras brings, beside the plain one: LSTM and GRU", len(cells), "== 2"),
      ("adding, error (always to say 1: 0.167): tanh, median of 5", med("adding", "tanh"),
       "> 0.05", 1), ("GRU", med("adding", "GRU"), "< 0.01", 1),
      ("LSTM", med("adding", "LSTM"), "< 0.01", 1))

# %% [markdown]
# ### On a novel
#
# Now real text: the course's [novel](../notebooks/the_novel.ipynb), character by character, as in chapter 3. Beside the three that you know stand the two that took their place. A
# **[TCN](#term-TCN)** ([Bai et al., 2018](#bai2018)) looks back by convolutions; a **[Transformer](#term-Transformer)** ([Vaswani et al., 2017](#vaswani2017)) lets every position look at all
# earlier ones at once. [next_token_model](#rnnbook.keras.next_token_model) builds all five in Keras, with about 60,000 parameters each. Each makes as many steps as take the same processor time, from five seeds, at a rate of its own: rates were tried, on
# another part of the validation chapters, until the best stood between two worse ones (`python -m benchmarks.architectures`, seven minutes).

# %%
race = {row["model"]: row for row in results.rows("architectures")}
for name, row in race.items():
    steps = row["steps"]
    made = f"{steps:4} steps at rate {row['rate']}" if steps else "     by counting alone"
    spread = f"({row['best']:.2f} to {row['worst']:.2f})" if row["best"] else ""
    print(f"{name.split(',')[0]:12}{made}: {row['bits, median']:.2f} bits {spread}")
RECURRENT = ("RNN", "GRU", "LSTM")
medians = [race[name]["bits, median"] for name in RECURRENT]
assert abs(min(medians) - race["TCN"]["bits, median"]) < 0.02
assert race["GRU"]["best"] < race["TCN"]["best"] < race["TCN"]["worst"] < race["GRU"]["worst"]
assert race["Transformer"]["best"] > max(race[name]["worst"] for name in RECURRENT)

# %%
for name in ("LSTM", "GRU"):
    row = race[name]
    print(f"{name:4} where rates were tried: {row['bits there']:.2f} bits at {row['rate']},",
          f"{row['a rate lower']:.2f} at 0.01")
    assert row["a rate lower"] - row["bits there"] > 0.25
assert race["TCN"]["bits, median"] < min(race["RNN"]["best"], race["LSTM"]["best"])
assert max(race["RNN"]["best"], race["LSTM"]["best"]) < race["TCN"]["worst"]  # they touch

# %% [markdown]
# In so short a time all five are behind five-gram counting, which needs no training at all; this is a race over the first hundred meters. In it the GRU and the TCN are level at the head, and the GRU's seeds differ more than the TCN's. The RNN and the
# LSTM come after them, with ranges that touch, so little follows about the order of these four. And the rate matters as much as the architecture: at 0.01, which is best for the RNN, the LSTM and the GRU lose 0.3 bits. The Transformer is last: a step of it costs most on one core, so it makes the fewest.
#
# #### What does not follow
#
# It does not follow that the one at the top is "better". This is one text, one size, one budget. More updates would help whoever starts slowly; and a machine that computes all time steps at once would help the last two, which
# were made for it. [Melis, Dyer and Blunsom (2018)](#melis2018) tuned all rivals with equal care, and found
# that plain LSTMs beat newer models that had claimed to beat them.
#
# What the Transformer has that no tuning gives a recurrent layer is this: in training, no step waits for another. Count what must wait. In a recurrent layer, each of $T$ steps waits for the one before, so the longest chain is at least $T$ steps; in a TCN or a Transformer it is the number of layers.


# %%
def waits(kind, T):
    """Return the length of the longest chain of steps or layers that wait for each other."""
    convolutions = int(np.ceil(np.log2((T + 1) / 2)))  # 1, 2, 4, ... until they see all of T
    return {"lstm": T, "tcn": convolutions, "transformer": 2}[kind]


for n in (32, 1024):
    print(f"T = {n:4}:", *(f"{k} {waits(k, n):4}" for k in ("lstm", "tcn", "transformer")))

# %%
claim(14, ("bits on the novel, about 60,000 parameters and equal time: best recurrent net, median",
           min(medians), "< 2.4", 3),
      ("TCN", race["TCN"]["bits, median"], "< 2.4", 3),
      ("Transformer", race["Transformer"]["bits, median"], "> 2.5", 3),
      ("steps that wait for each other at T = 1024: LSTM", waits("lstm", 1024), "== 1024"),
      ("Transformer of two blocks", waits("transformer", 1024), "== 2"))

# %% [markdown]
# ### The state of the art, with a date
#
# A text of 2019 calls the LSTM the state of the art for captions, translation and text classification. For captions, [Anderson et al. (2018)](#anderson2018) still led with LSTMs that wrote them; in text classification [Howard and Ruder (2018)](#howard2018), with an LSTM trained on
# other text first, were ahead on six tasks. In machine translation the date is earlier, and known: in June 2017 [Vaswani et al.](#vaswani2017) reported 28.4 BLEU (a score from 0 to 100 for how many short runs of words a translation shares with a human one) for English to German on the test of 2014, with a
# Transformer. Google's LSTM system of 2016 had 24.6 in their table, and the best ensemble of any kind 26.4.

# %%
bleu = {"LSTM, 2016 (GNMT + RL)": 24.6, "convolutions, 2017 (ConvS2S)": 25.16,
        "best ensemble before": 26.36, "Transformer, June 2017": 28.4}
for name, value in bleu.items():
    print(f"{name:30} {value:5.2f} BLEU")
claim(13, ("BLEU on newstest2014, English to German, as Vaswani et al. (2017) report: LSTM",
           bleu["LSTM, 2016 (GNMT + RL)"], "< 28.4"),
      ("Transformer", bleu["Transformer, June 2017"], "> 26.36"))

# %% [markdown]
# Since then, recurrence has come back in new forms, and it is worth knowing what is claimed and by whom. *Mamba* ([Gu and Dao, 2023](#gu2023)) makes the recurrence linear, so that it can be computed in parallel, and lets the input choose what to keep; its authors report results level with Transformers of twice its size.
# *xLSTM* ([Beck et al., 2024](#beck2024)), with Hochreiter among the authors, gives the LSTM exponential gates and a matrix for a memory. *minLSTM and minGRU* ([Feng et al., 2024](#feng2024)) drop the way through $h$ from the gates, which makes them parallel, and report results near Mamba's on small tasks. These are the
# authors' own comparisons, of 2023 and 2024; none of them has replaced the Transformer in general use so far. What has stayed is the idea of this chapter: a state that adds, and gates that decide.
#
# **You can stop here.** You have seen which cell does which task well, and that the learning rate and one bias decide as much as the kind of cell.
#
# ## 6 Inside a trained LSTM
#
# What do gates do on real text? Train one LSTM of 64 units for longer, and look.

# %%
text, held_text = data.novel("train"), data.novel("validation")[:6000]
letters = Vocabulary(text, "characters")
ids, held, V = letters.encode(text), letters.encode(held_text), len(letters)

# %%
reader = LanguageModel(letters, 64, "lstm", embedding=16, seed=0, dtype="float64")
log = train(reader, ids, held[:4000], 1000, rate=warmup_cosine(6e-3, 1000, 50),
            optimizer=Adam(), B=32, T=32, every=1000, progress=False)
print(f"bits on the validation chapter: {log[0]['held_out']:.2f} before,",
      f"{log[-1]['held_out']:.2f} after")
assert log[-1]["held_out"] < 2.9


# %%
def read(model, ids):
    """Return h (T, H) and the forget gates (T, H) while a model reads."""
    h, _ = model.recurrent.forward(model.embedding.forward(ids[None]))
    return h[0], model.recurrent.gate_activations()["f"][0]


# %%
h_read, f_read = read(reader, held)
open_share = (f_read > 0.9).mean(axis=0)
print(f"forget gates: mean {f_read.mean():.2f}; units of 64 that are open (above 0.9) in more")
print(f"than half of the steps: {(open_share > 0.5).sum()}; never: {(open_share == 0).sum()}")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-gates-read", "caption": "Forget gates of twelve units while the LSTM reads a line of the novel; those that change most. A gate of 1 keeps, one of 0 forgets. A space is written as an underscore."}, "image": {"alt": "A grid of twelve rows, the units, and twenty-six columns, the characters of a line. The top rows change at almost every character, and three of them fall to 0, or nearly, at each space. Some in the middle stand near 1 and fall at the first letters of words, or at spaces. The lowest four stay near 1 once the first word has begun."}}
begin = held_text.index("Gate eleven")
part = slice(begin, begin + 26)
busy = np.argsort(-f_read.std(axis=0))[:12]
fig, ax = plt.subplots(figsize=(5.8, 3.2))
look = {"aspect": "auto", "cmap": "Purples", "vmin": 0, "vmax": 1}
image = ax.imshow(f_read[part][:, busy].T.round(1), **look)
ax.grid(False)
ax.set(xlabel="characters read", ylabel="unit", yticks=[],
       xticks=range(26), xticklabels=held_text[part].replace(" ", "_"))
fig.colorbar(image, ax=ax, label="forget gate", ticks=(0, 0.5, 1))
plt.show()

# %% [markdown]
# Most units keep nearly everything from one character to the next: their gates stand open, far above the 0.73 of the start. The busy ones at the top open and close with the text, many of them at spaces: what they hold belongs to a word, and is let go with it.
#
# ### A unit that tracks something?
#
# [Karpathy, Johnson and Fei-Fei (2016)](#karpathy2016) found LSTM units that were on inside quotations, or counted the position in a line. Such pictures are convincing, so let us be careful, and ask three questions. Does some unit follow a property of the text? Would a linear probe of all units find it? And if we switch the unit
# off, is anything lost that depends on it? Two properties: whether we are inside a quotation, and how many letters of the current word have been read.

# %%
quoted, in_word = np.zeros(len(held)), np.zeros(len(held))
inside = n = 0
for t, character in enumerate(held_text):
    inside = 0 if character == "\n" else inside != (character == '"')
    n = n + 1 if character.isalpha() else 0
    quoted[t], in_word[t] = inside, n


def follows(property):
    """Return the correlation of each unit with a property."""
    return np.array([np.corrcoef(u, property)[0, 1] for u in h_read.T])


# %%
half = len(held) // 2
for name, property in (("inside a quotation", quoted), ("letters of the word", in_word)):
    r = follows(property)
    X = np.column_stack([h_read, np.ones(len(held))])
    w = np.linalg.lstsq(X[:half], property[:half], rcond=None)[0]
    rest = property[half:]
    explained = 1 - np.var(rest - X[half:] @ w) / np.var(rest)
    print(f"{name:20} unit {abs(r).argmax():2}: correlation {abs(r).max():.2f};",
          f"probe of all explains {max(explained, 0):.2f}")

# %% [markdown]
# None of the 64 units knows about quotations, and the probe finds nothing in all of them together: a net of this size and training does not keep track of them. With many more units, and hours of training, you may find one. But there are units that follow the length of the word, and the probe reads it well. Have we found "word-length units"?
#
# A correlation only says that a unit *looks* like a counter. To see whether the net uses it, switch it off: hold $h_j$ at its mean, in the readout and in the recurrence, and see where bits are lost: at the ends of words, where a counter should matter, or inside long words. Compare the five units that follow the word most with the five that follow
# it least.


# %%
def without(model, j, n=3000):
    """Return the log-probabilities of a text when h_j is held at its mean."""
    w, dense = model.recurrent.parameters, model.dense.parameters
    pairs = (w["b"], w["W_h"]), (dense["b_y"], dense["W_hy"])
    kept = [(b.copy(), W.copy()) for b, W in pairs]
    for b, W in pairs:
        b += W[:, j] * h_read[:, j].mean()
        W[:, j] = 0
    log_p = model.log_probabilities(held[:n])
    for (b, W), (b_kept, W_kept) in zip(pairs, kept, strict=True):
        b[:], W[:] = b_kept, W_kept
    return log_p


# %%
r, whole = follows(in_word), reader.log_probabilities(held[:3000])
order, n_before = np.argsort(-abs(r)), np.append(0, in_word[:2999])
ends = (n_before > 0) & (in_word[:3000] == 0)
inside_long = (n_before >= 4) & (in_word[:3000] > 0)
cost = {}
print("unit correlation  bits lost   at ends   in long words")
for j in (*order[:5], *order[-5:]):
    lost = (whole - without(reader, j)) / np.log(2)
    cost[j] = lost[ends].mean()
    print(f"{j:4} {r[j]:11.2f} {lost.mean():10.2f} {cost[j]:9.2f} {lost[inside_long].mean():11.2f}")

# %%
users = sum(cost[j] > 0.2 for j in order[:5])
print(f"of the five that follow the word most, {users} matter for its end")
assert max(cost.values()) > 0.3 and max(cost[j] for j in order[-5:]) < 0.15
assert 0 < users < 5

# %% [markdown]
# There it is. Without one of a few units, the net is surprised when words end, and often *less* surprised inside long words: it has lost its sense of how long the word has been. So these units are causes, and not only correlates: the net uses them to end words. But other units follow the word almost as closely, and switching them off costs nothing. A picture of a unit that lights up would have shown you
# all five alike. Switch it off before you give it a name.
#
# ### What does it remember?
#
# The same can be done from outside, to the text instead of the net: change one character that was read, and see how far the prediction moves. Let $P_t$ be the prediction after $x_1, \dots, x_t$, and
# $P_t^{(v)}$ the one where the character $v$ stood in the place of $x_j$. The **[influence](#term-influence)** of character $j$ on the prediction after $t$ is the mean distance between the two, over all other characters $v$, each with its
# frequency $q_v$ in the training text:
#
# $$
# \begin{aligned}
# I_{tj} &= \sum_{v \ne x_j} \frac{q_v}{1 - q_{x_j}} \\
# &\qquad {} \times \mathrm{KL}\big(P_t, P_t^{(v)}\big) \\
# \mathrm{KL}(P, Q) &= \sum_k P(k) \\
# &\qquad {} \times \log_2 \frac{P(k)}{Q(k)}
# \end{aligned}
# $$ (7.11)
#
# KL is the Kullback-Leibler divergence in bits: what it costs to bet on $Q$ where $P$ is right. $I$ has shape $(T, T)$, with zeros for $j > t$. It is a measurement, not a gradient:
# [influence](#rnnbook.show.instruments.memory.influence) tries every $v$ at every place. [Khandelwal et al. (2018)](#khandelwal2018) looked at LSTMs that read words in a like way: they shuffled, replaced and dropped what was read.
#
# (All of it takes a minute, so the numbers below were stored; the first thirty characters are computed again.) Three models read a passage from the novel's test chapters: a tanh layer, a GRU and an LSTM with equally many parameters, each trained beforehand, once, on the training chapters.

# %%
readers = {cell: instrument.load(cell) for cell in ("rnn", "gru", "lstm")}
for cell, model in readers.items():
    size = sum(a.size for a in model.parameters.values())
    b = bits_per_token(model.log_probabilities(held))
    print(f"{cell:5} {model.H:3} units, {size:,} parameters, {b:.2f} bits")
    assert model.tokens == letters.tokens and b < 2.1

# %%
before_it, read_part = instrument.passage()
moved, frequencies = instrument.stored(), np.bincount(ids, minlength=V)
for cell, model in readers.items():
    _, state = model.forward(letters.encode(before_it)[None])
    again = instrument.influence(model, letters.encode(read_part[:30]), frequencies, state)
    assert np.allclose(again, moved[cell][:30, :30], rtol=0.002, atol=1e-6)
    mean = [np.diagonal(moved[cell], -lag).mean() for lag in (0, 2, 5, 10, 20, 40)]
    print(f"{cell:5} bits at lags 0, 2, 5, 10, 20, 40:", *(f"{bits:.1g}" for bits in mean))
far = {cell: np.diagonal(each, -40).mean() for cell, each in moved.items()}
assert far["rnn"] < 1e-5 < 1e-3 < min(far["gru"], far["lstm"])

# %% [markdown]
# And here you can point at the passage, or go through it with the arrow keys. The bars over the characters show how far each of them moved the prediction at the place that is framed. What comes after it is gray:
# it was not yet read.

# %%
instruments.show("memory")

# %% [markdown]
# The last few characters do nearly all, in all three. Farther back they part, although they have equally many parameters: the tanh layer hears next to nothing of what is 20 back, and the other two still hear
# a little of what is 40 back.
#
# What is it that they hear? Go to the comma in the first quotation: there the mark that opened it, 11 back, has a high bar for the GRU and the LSTM. And where the second one ends, the highest of the LSTM's bars
# far away stands 49 back, at the space after "late...": a quotation might have ended there. That can be tested. Put another character in one place, and ask how probable a quotation mark is next.

# %%
mark, closing = letters.encode('"')[0], {}
for what, n, place, put in (("12, as it is", 12, 0, '"'), ("12, not opened", 12, 0, "A"),
                            ("125, as it is", 125, 25, '"'), ("125, not opened", 125, 25, "A"),
                            ("125, closed 49 back", 125, 75, '"')):
    changed = before_it + read_part[:place] + put + read_part[place + 1 : n]
    closing[what] = [model.next_probabilities(letters.encode(changed))[mark]
                     for model in readers.values()]
    print(f"a mark after {what:20}", np.round(closing[what], 3))
for m in (1, 2):  # the GRU and the LSTM
    assert closing["12, not opened"][m] < 0.1 * closing["12, as it is"][m]
    assert closing["125, closed 49 back"][m] < 0.2 * closing["125, as it is"][m]

# %% [markdown]
# Over short distances the GRU and the LSTM know whether a quotation is open: at 12 they hardly close one that was not opened, and at 125 one that was closed 49 back, while the tanh layer, at 12, gives the mark even more. The unit search above found nothing of the kind in a smaller
# and less trained net. But look at the mark that opened the second one, 99 back: without that, neither changes its mind much. Over that distance it may be the words, which sound like speech, that keep the quotation open.
#
# What this does *not* show: a memory of the content. That a character can be changed without effect does not mean that it was forgotten, since others may say the same; that it has an effect does not mean that it was understood.
# It is one passage, picked because quotations open and close in it, and one training for each model, with a gradient that went back 64 characters at most. And they differ in more than the cell: the tanh layer is also the worst at
# predicting, and was trained with a smaller rate.
#
# **You can stop here.** You have two ways to ask a trained net what it uses: switch a unit off, or change what it read.
#
# ## 7 The layers' options
#
# Now the Keras layers' options, as learners meet them. A small batch of two sequences, five steps, three features serves for all.
#
# <a id="question-3"></a>
# ### What do `return_sequences` and `return_state` do?
#
# `return_sequences` gives $h_t$ of *all* steps instead of the last. `return_state` appends the final states: for an LSTM $h$ and $c$, so three arrays in all, for a GRU only $h$, so two.

# %%
x_small = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")


def shapes(out):
    return [tuple(a.shape) for a in (out if isinstance(out, (list, tuple)) else [out])]


for options in ({}, {"return_sequences": True}, {"return_state": True},
                {"return_sequences": True, "return_state": True}):
    for cell in (L.LSTM, L.GRU):
        print(f"{cell.__name__:4} {', '.join(options) or 'default':30}",
              shapes(cell(4, **options)(x_small)))
h, h_end, c_end = L.LSTM(4, return_sequences=True, return_state=True)(x_small)
assert (np.asarray(h)[:, -1] == np.asarray(h_end)).all()

# %% [markdown]
# The input is (batch, time steps, features), and `units`, 4 here, is the length of $h$; five time steps leave it as it is. The last of all states *is* the final state. Between stacked recurrent layers you need `return_sequences=True`, or the second layer gets an array without a time axis and
# complains of `ndim=2`.
#
# <a id="question-6"></a>
# ### Why is `batch_input_shape` refused?
#
# Many examples on the web are of Keras 1 or 2. In Keras 3 a stateful layer learns its batch size from `keras.Input`, or from the first batch that it is called with.

# %%
try:
    L.LSTM(4, stateful=True, batch_input_shape=(2, 5, 3))
except (TypeError, ValueError) as error:
    print(type(error).__name__, "-", str(error).split(":")[0])
model = keras.Sequential([keras.Input((5, 3), batch_size=2), L.LSTM(4, stateful=True),
                          L.Dense(1)])
print("input:", model.inputs[0].shape, " state:", [tuple(s.shape) for s in model.layers[0].states])
assert model.inputs[0].shape == (2, 5, 3)

# %% [markdown]
# <a id="question-5"></a>
# ### Where has `model.reset_states()` gone?
#
# It was a method of the model, and is one of the layer now: `reset_state`. (Layers answer to `reset_states` too; models no longer.) A stateful layer carries its state from batch to batch until you reset it, so loop over the layers.

# %%
print("model.reset_states:", hasattr(model, "reset_states"))
first, second = np.asarray(model(x_small)), np.asarray(model(x_small))
for part in model.layers:
    if hasattr(part, "reset_state"):
        part.reset_state()
again = np.asarray(model(x_small))
print("second call differs:", (first != second).all(), " after the reset as at first:",
      (first == again).all())
assert (first != second).all() and (first == again).all()

# %% [markdown]
# ### Initial state
#
# Instead of zero, any layer takes a first state in the call. So you can cut a sequence in two.

# %%
lstm = L.LSTM(4, return_state=True)
whole_h, *_ = lstm(x_small)
_, *middle = lstm(x_small[:, :2])
halves_h, *_ = lstm(x_small[:, 2:], initial_state=middle)
print("in two parts as in one:", np.allclose(whole_h, halves_h, atol=1e-6))
assert np.allclose(whole_h, halves_h, atol=1e-6)

# %% [markdown]
# It is also how a decoder goes on from an encoder, as in translation ([Sutskever, Vinyals and Le, 2014](#sutskever2014)). Here one LSTM reads four of eight symbols, and another, which begins with its two
# states, writes them backward. In training the decoder reads the right symbols, one step late, after a mark; in use, what it wrote itself. The control begins with zeros.


# %%
def pairs(B, seed, S=8):
    x = np.random.default_rng(seed).integers(0, S, (B, 4))
    y = x[:, ::-1]
    return [x, np.column_stack([np.full(B, S), y[:, :-1]])], y


def translator(joined, S=8):
    keras.utils.set_random_seed(0)
    read, begun = keras.Input((4,), dtype="int32"), keras.Input((None,), dtype="int32")
    codes = L.Embedding(S + 1, 16)
    _, *state = L.LSTM(64, return_state=True)(codes(read))
    h = L.LSTM(64, return_sequences=True)(
        codes(begun), initial_state=state if joined else None)
    return keras.Model([read, begun], L.Dense(S)(h))


# %%
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
(x, begun), y = pairs(500, 1)
for joined, what in ((True, "with the encoder's state"), (False, "from zero")):
    net, written = translator(joined), begun[:, :1]
    net.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    net.fit(*pairs(19200, 0), batch_size=64, epochs=1, shuffle=False, verbose=0)
    for _ in range(4):
        new = np.asarray(net([x, written]))[:, -1:].argmax(axis=-1)
        written = np.column_stack([written, new])
    right = (written[:, 1:] == y).mean()
    print(f"{what}: right in {right:.1f}; guessing {1 / 8}")
    assert right > 0.95 if joined else right < 0.2

# %% [markdown]
# <a id="question-9"></a>
# ### How does masking work?
#
# Sequences of a batch have unequal lengths, so the short ones are padded, mostly with 0. A **[mask](#term-mask)**, of shape (batch, time), says which steps count. `Embedding(mask_zero=True)` or a `Masking` layer makes it, Keras hands it on from layer to layer, and a recurrent layer skips the steps where it is False: the state stays as it was, and with `return_sequences=True` the output there repeats the last one.
# If the mask gets lost on the way, nothing crashes, and the results are silently wrong. So keep a canary: a padded sequence must give what the bare one gives, through *all* layers.

# %%
keras.utils.set_random_seed(0)
stacked = keras.Sequential([L.Embedding(9, 6, mask_zero=True),
                            L.LSTM(5, return_sequences=True), L.GRU(4)])
bare, right = np.array([[3, 1, 4]]), np.array([[3, 1, 4, 0, 0, 0]])
gap = abs(np.asarray(stacked(bare)) - np.asarray(stacked(right))).max()
deaf = keras.Sequential([L.Embedding(9, 6), L.LSTM(5, return_sequences=True), L.GRU(4)])
deaf.build((None, None))
deaf.set_weights(stacked.get_weights())
print(f"padded and bare, with the mask, the same to within 1e-6: {gap < 1e-6}")

# %%
wrong = abs(np.asarray(deaf(bare)) - np.asarray(deaf(right))).max()
states = np.asarray(stacked.layers[1](stacked.layers[0](right)))[0]
print(f"without the mask, off by {wrong:.3f}")
repeats = (states[3:] == states[2]).all()
print("outputs of the masked steps repeat the last one:", repeats)
assert gap < 1e-6 and wrong > 0.001 and repeats

# %% [markdown]
# This is worth a test in every project: with the Keras that is installed here the mask reaches both layers, but if it did not, nothing would crash.
#
# <a id="question-10"></a>
# ### Pad before or after?
#
# With a mask it is all the same on a CPU. On an NVIDIA GPU the fast kernels of cuDNN ask for padding on the right, after the sequence, and for no sequence that is all padding. With any other mask, `fit` and `predict` stop with an error there, unless you say `use_cudnn=False`; a plain call of the layer quietly takes the slow way. So pad after. (Without a mask, padding before is the lesser evil: the last state is then at least of the end of the text. Better use a mask.)

# %%
left = np.array([[0, 0, 0, 3, 1, 4]])
masked = abs(np.asarray(stacked(left)) - np.asarray(stacked(right))).max()
unmasked = abs(np.asarray(deaf(left)) - np.asarray(deaf(right))).max()
print(f"with a mask the same to within 1e-6: {masked < 1e-6}; without, apart by {unmasked:.3f}")
assert masked < 1e-6 < unmasked

# %% [markdown]
# <a id="question-11"></a>
# ### What is `input_dim` with `mask_zero`?
#
# The number of ids, with the 0 of the padding: your vocabulary plus one. With eight words numbered 1 to 8, an `Embedding(8, ...)` has rows 0 to 7 only.

# %%
words = np.arange(1, 9)[None]
rows = {n: L.Embedding(n, 6, mask_zero=True) for n in (8, 9)}
for n, embedding in rows.items():
    embedding.build()
    top = embedding.embeddings.shape[0] - 1
    print(f"Embedding({n}): rows 0 to {top}; the largest id is {words.max()}:",
          "fits" if words.max() <= top else "out of range")
assert rows[9](words).shape == (1, 8, 6)

# %% [markdown]
# Out of range is an error on a CPU, and on a GPU it may pass for a row of zeros: the worse of the two.
#
# <a id="question-8"></a>
# ### `TimeDistributed(Dense)` or `Dense`?
#
# `Dense` works on the last axis, so it does the same at each step anyway. The wrapper is for layers that want one example at a time, such as a convolution over each image of a film.

# %%
dense_layer, steps = L.Dense(2), L.LSTM(4, return_sequences=True)(x_small)
plain = np.asarray(dense_layer(steps))
wrapped = np.asarray(L.TimeDistributed(dense_layer)(steps))
print("same shape:", plain.shape == wrapped.shape, " same numbers:",
      np.allclose(plain, wrapped, atol=1e-6))
assert np.allclose(plain, wrapped, atol=1e-6)

# %% [markdown]
# ### `dropout` or `recurrent_dropout`?
#
# **[Dropout](#term-dropout)** sets random numbers to zero in training. In a recurrent layer `dropout` does so to the *inputs*, `recurrent_dropout` to $h_{t-1}$. In both the mask is drawn once a sequence and is the same at all steps, as [Gal and Ghahramani (2016)](#gal2016) propose. To see the mask, build an LSTM that hands its input on:
# gates held open, the forget gate shut, and a candidate that is one input each.

# %%
def transparent(**options):
    """Return an LSTM with h_t = tanh(tanh(x_t)) unless it is told otherwise."""
    net = L.LSTM(8, return_sequences=True, seed=1, **options)
    net.build((None, None, 8))
    kernel, hidden, bias = (np.zeros(w.shape) for w in net.get_weights())
    kernel[:, 16:24] = np.eye(8)  # the blocks are i, f, c, o
    bias[:] = np.repeat([50, -50, 0, 50], 8)
    net.set_weights([kernel, hidden, bias])
    return net


# %% [markdown]
# <a id="question-25"></a>
# Now call it as in training, on ones, with half of the inputs to be dropped.

# %%
seen = np.asarray(transparent(dropout=0.5)(np.ones((1, 4, 8)), training=True))[0]
for row in seen:
    print("heard" if (row > 0).all() else "inputs that got through:", (row > 0).astype(int))
assert (seen == seen[0]).all() and 0 < (seen[0] > 0).sum() < 8

# %% [markdown]
# The same inputs are dropped at each step. In use, `training` is False, and nothing is dropped.
#
# <a id="question-26"></a>
# ### Why is `recurrent_dropout` slow?
#
# On an NVIDIA GPU Keras runs a whole LSTM or GRU as one call of cuDNN, if it can. If not, it runs one step after the other, each with many small calls, several times slower. This page was made without a GPU, so it cannot show you the seconds; but the layer's documentation names the conditions.

# %%
lines = L.GRU.__doc__.splitlines()
first = next(n for n, line in enumerate(lines) if "cuDNN implementation are" in line)
print("\n".join(line.strip() for line in lines[first + 2 : first + 9]))
assert "`recurrent_dropout` == 0" in L.GRU.__doc__ and "`recurrent_dropout` == 0" in L.LSTM.__doc__

# %% [markdown]
# `use_cudnn=True` makes a breach an error instead of a silent loss of speed. (Without a GPU it refuses every layer.)

# %% [markdown]
# `dropout` on the inputs is free: Keras applies it before the call.
#
# ### Why is my GPU slower than the CPU?
#
# Because the steps wait for one another, and each is small. A processor with thousands of lanes stands idle while one step of a small layer runs, and each step costs the time of a few launches, whatever its size. The remedy is more work per step: a larger batch, or more units. You can see the same on a CPU: sixty-four sequences
# cost far less than sixty-four times one.

# %%
def seconds(net, x):
    net(x)
    times = []
    for _ in range(5):
        before = time.perf_counter()
        net(x)
        times.append(time.perf_counter() - before)
    return min(times)


# %% [markdown]
# <a id="question-27"></a>
# Each time is the best of five.

# %%
small = L.LSTM(8)
ratio = seconds(small, np.ones((64, 50, 3), "float32")) / seconds(
    small, np.ones((1, 50, 3), "float32"))
print("64 sequences at once cost less than 16 times as much as one:", ratio < 16)
assert ratio < 16

# %% [markdown]
# ### Stacked, and in both directions
#
# Layers stack as in chapter 2: all but the last need `return_sequences=True`. **[Bidirectional](#term-bidirectional-layer)** layers ([Schuster and Paliwal, 1997](#schuster1997)) run one copy forward and one backward, and join their states. That helps where the whole sequence is known, as in tagging, and is of no use
# for a generator, which cannot see what it has not written. `go_backwards=True` gives one backward layer alone. Beware of its order: the first state it returns is that of the *last* input. With `return_state=True` a bidirectional LSTM returns five arrays: the output, then $h$ and $c$ forward, $h$ and $c$ backward.

# %%
both = L.Bidirectional(L.LSTM(4, return_sequences=True))
joined = np.asarray(both(x_small))
ahead, behind = both.forward_layer, both.backward_layer
backward = np.asarray(behind(x_small))  # the copy has go_backwards=True
turned = L.LSTM(4, return_sequences=True)
turned.build(x_small.shape)
turned.set_weights(behind.get_weights())
assert np.allclose(turned(x_small[:, ::-1]), backward, atol=1e-6)
assert np.allclose(joined[..., :4], ahead(x_small), atol=1e-6)
assert np.allclose(joined[..., 4:], backward[:, ::-1], atol=1e-6)
print("both:", joined.shape, " parameters:", both.count_params(), "= 2 ×", ahead.count_params())

# %%
print("return_state:", shapes(L.Bidirectional(L.LSTM(4, return_state=True))(x_small)))

# %% [markdown]
# ### A cell of your own
#
# `keras.layers.RNN` runs any cell: a layer with a `state_size`, whose call takes $x_t$ and the states and returns the output and the new states. Here is the LSTM of 1997, with the candidate of [Equation 7.1](#7.1), the memory of [Equation 7.3](#7.3) and the output of [Equation 7.4](#7.4), and it is held to the course's layer with the forget gate open.


# %%
class LSTM1997(L.Layer):
    def __init__(self, units):
        super().__init__()
        self.units, self.state_size, self.gates = units, [units, units], L.Dense(3 * units)

    def build(self, shape):
        self.gates.build((None, shape[-1] + self.units))

    def call(self, x_t, states):
        a = self.gates(keras.ops.concatenate([x_t, states[0]], axis=-1))
        i, c_tilde, o = keras.ops.split(a, 3, axis=-1)
        c = states[1] + keras.ops.sigmoid(i) * keras.ops.tanh(c_tilde)
        h = keras.ops.sigmoid(o) * keras.ops.tanh(c)
        return h, [h, c]


# %%
own, old = L.RNN(LSTM1997(4), return_sequences=True), layers.LSTM(3, 4, 0, dtype="float64")
for name, value in (("W_xf", 0), ("W_hf", 0), ("b_f", OPEN)):
    old.weights[name][:] = value
own(x_small)
w = dict(old.weights)
own.cell.gates.set_weights([
    np.concatenate([np.hstack([w[f"W_x{g}"], w[f"W_h{g}"]]) for g in "ico"]).T,
    np.concatenate([w[f"b_{g}"] for g in "ico"])])
gap = abs(np.asarray(own(x_small)) - old.forward(x_small)[0]).max()
print(f"the cell of 1997 in Keras and in NumPy agree to within 1e-6: {gap < 1e-6}")
assert gap < 1e-6

# %% [markdown]
# <a id="question-31"></a>
# ### Why does an old .h5 file fail on `time_major`?
#
# Files of Keras 2 hold a setting that Keras 3 does not know. The weights are as they were. So either build the model anew and give the file to `load_weights`, which takes it as it is, or strip the setting from the configuration in the file: it is text, in the attribute `model_config`, and the setting can stand at any depth
# of it, hence the recursion. To try it, here is a file with that setting.

# %%
try:
    L.LSTM(4, time_major=False)
except (TypeError, ValueError) as error:
    print(type(error).__name__, "- it names time_major:", "time_major" in str(error))

# %%
import json
import logging
import tempfile
from pathlib import Path

import h5py


# %%
def strip(config, gone=("time_major",)):
    if isinstance(config, dict):
        return {k: strip(v, gone) for k, v in config.items() if k not in gone}
    return [strip(part, gone) for part in config] if isinstance(config, list) else config


logging.getLogger("absl").setLevel("ERROR")  # "this file format is considered legacy"
path = Path(tempfile.mkdtemp()) / "old.h5"
keras.Sequential([keras.Input((5, 3)), L.LSTM(4)]).save(path)
with h5py.File(path, "r+") as file:
    text_of_it = file.attrs["model_config"].replace('"units"', '"time_major": false, "units"')
    file.attrs["model_config"] = text_of_it

# %%
try:
    keras.models.load_model(path)
except (TypeError, ValueError) as error:
    print("the file fails as well:", "time_major" in str(error))
with h5py.File(path, "r+") as file:
    file.attrs["model_config"] = json.dumps(strip(json.loads(file.attrs["model_config"])))
mended = keras.models.load_model(path)
print("stripped and loaded:", mended.layers[0].units, "units")
assert mended.layers[0].units == 4

# %% [markdown]
# **You can stop here**, if the exercises can wait.
#
# ## Summary
#
# - An LSTM adds to a memory, and gates decide: the input gate what is written, the forget gate what is kept, the output gate what is said. The candidate is what is written, and no gate.
# - The cell of 1997 had no forget gate; on a stream without end it drowns. The forget gate is of 2000, the GRU of 2014, by Cho et al.
# - $h$ is what a unit says, $c$ what it knows. Keras' order is i, f, c, o, and z, r, h.
# - A GRU keeps with $z$ and admits with $1 - z$ (some papers the other way round). It remembers with fewer parameters, and has little room to count.
# - At the start, the forget bias decides how far a gradient reaches: a default LSTM forgets over a hundred steps, and a default GRU forgets faster than a tanh layer. In Keras, `unit_forget_bias=False` and a `bias_initializer` of your own open the gate. Explosion is tamed, not gone; keep clipping.
# - Which cell wins depends on task, start, budget and rate. Choose each rival's rate by itself, on validation data; and with five seeds, believe only ranges that are apart.
# - Some units of a trained LSTM follow the length of the word, and some of these are what the net uses to end it; others are not. Switch a unit off before you name it.
# - Change one character, and see how far the prediction moves: on one passage, a GRU and an LSTM heard what a tanh layer of the same size no longer heard, and knew, up to about fifty characters back, whether a quotation was open.
#
# ## What number should I get?

# %%
for what, value, tolerance in (
    ("LSTM, 10 inputs, 20 units: parameters", formula["LSTM"], "exact"),
    ("GRU, 10 inputs, 20 units: parameters", formula["GRU"], "exact"),
    ("lag 99, LSTM, default, log10", np.median(reaches["LSTM, b_f = 1"][:, 0]), "1"),
    ("lag 99, GRU, default, log10", np.median(reaches["GRU"][:, 0]), "2"),
    ("recall, GRU, share right", med("recall", "GRU"), "0.05"),
    ("recall, LSTM, default", med("recall", "LSTM"), "0.1"),
    ("adding, tanh, error", med("adding", "tanh"), "0.03"),
    ("adding, GRU, error", med("adding", "GRU"), "0.001"),
    ("counting, LSTM, largest n", med("counting", "LSTM"), "4"),
):
    print(f"{what:38} {value:9.4g}   tolerance {tolerance}")

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of the dots and run the cell: it says whether it is right, and if not, where to look. The
# solutions, in the book, are folded below each.
#
# ### Exercise 7.1: One unit, one step
#
# *by hand · 4 minutes*
#
# A single LSTM unit has $c_{t-1} = 2$. In this step its gates are $i = 0.5$, $f = 0.9$ and $o = 0$, and the candidate is $-1$. What are $c_t$ and $h_t$?

# %% tags=["stub"]
states = ...  # a list of two numbers: c_t and h_t

check("7.1", states)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
c_new = 0.9 * 2 + 0.5 * -1
states = [c_new, 0 * np.tanh(c_new)]
check("7.1", states)

# %% [markdown]
# ### Exercise 7.2: Count the parameters
#
# *by hand · 6 minutes*
#
# How many parameters do Keras' `LSTM(64)`, `GRU(64)` and `GRU(64, reset_after=False)` have, on inputs of 32 features? Give them in this order.

# %% tags=["stub"]
parameters = ...  # a list of three whole numbers

check("7.2", parameters)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
gate = 32 * 64 + 64 * 64 + 64
parameters = [4 * gate, 3 * (gate + 64), 3 * gate]
check("7.2", parameters)

# %% [markdown]
# ### Exercise 7.3: How long is half a memory?
#
# *by hand · 6 minutes*
#
# A forget gate without weights stands at $\sigma(b_f)$. After how many whole steps is less than half of a memory left, for $b_f = 1$ and for $b_f = 5$, if nothing is written?

# %% tags=["stub"]
steps_to_half = ...  # a list of two whole numbers

check("7.3", steps_to_half)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# Solve gate ** n < 1/2, so n > log(1/2) / log(gate), and take the next whole number.
steps_to_half = [int(np.log(0.5) / np.log(1 / (1 + np.exp(-b)))) + 1 for b in (1, 5)]
check("7.3", steps_to_half)

# %% [markdown]
# ### Exercise 7.4: An LSTM step
#
# *code · 12 minutes*
#
# Write `step(x_t, h, c, w)`, which returns $h_t$ and $c_t$ of shape (B, H), from the dict `w` with the weights of [Equation 7.6](#7.6): `W_xi`, `W_hi`, `b_i`, and so on for `f`, `c` and `o`.


# %% tags=["stub"]
def step(x_t, h, c, w): ...


check("7.4", step)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_07 import step

check("7.4", step)

# %% [markdown]
# ### Exercise 7.5: From z to 1 − z
#
# *code · 8 minutes*
#
# A colleague's GRU follows Chung et al.: it keeps with $1 - z$. Write `convert(w)`, which takes its weights, a dict with `W_xz`, `W_hz`, `b_z`, `W_xr`, ..., `b_h`, and returns a new dict that gives the same states in a GRU which keeps with $z$.


# %% tags=["stub"]
def convert(w): ...


check("7.5", convert)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_07 import convert

check("7.5", convert)

# %% [markdown]
# ### Exercise 7.6: Keras' blocks
#
# *code · 10 minutes*
#
# Write `forget_weights(kernel, recurrent, bias)`: from the three arrays of a Keras LSTM it returns the course's `W_xf` (H, D), `W_hf` (H, H) and `b_f` (H,).


# %% tags=["stub"]
def forget_weights(kernel, recurrent, bias): ...


check("7.6", forget_weights)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_07 import forget_weights

check("7.6", forget_weights)

# %% [markdown]
# ### Exercise 7.7: A mask by hand
#
# *code · 10 minutes*
#
# Write `last_state(h, mask)`: for states $h$ of shape (B, T, H) that were computed *without* a mask, and a mask (B, T) that is True on the steps that count, all at the left, return for each sequence the state at its last step that counts, (B, H).


# %% tags=["stub"]
def last_state(h, mask): ...


check("7.7", last_state)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_07 import last_state

check("7.7", last_state)

# %% [markdown]
# ### Exercise 7.8: Predict the flow
#
# *explore · 15 minutes*
#
# Take the LSTM of [Figure 7.6](#fig-gradient-reach) and find a forget bias, to within 0.3, at which the median over the five seeds of what arrives over 99 steps is closest to 1 in a hundred. Predict it first from $\sigma(b_f)^{99}$, then measure with `reach`, and see how far the prediction was off.

# %% tags=["stub"]
b_f = ...  # a number

check("7.8", b_f)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
gate = 0.01 ** (1 / 99)
print(f"predicted from the carousel alone: {np.log(gate / (1 - gate)):.1f}")
for b_f in (1.6, 1.9, 2.2):
    makes_it = [layers.LSTM(4, 32, s, forget_bias=b_f, dtype="float64") for s in range(5)]
    x_99 = np.random.default_rng(100).normal(size=(8, 100, 4))
    arrives = []
    for net in makes_it:
        h, _ = net.forward(x_99)
        dh = 0 * h
        dh[:, -1] = np.random.default_rng(0).normal(size=dh[:, -1].shape)
        size = np.linalg.norm(net.backward(dh)[0], axis=(0, 2))
        arrives.append(np.log10(size[0] / size[-1]))
    print(f"b_f = {b_f}: log10 of what arrives {np.median(arrives):.1f}")
b_f = 1.9

check("7.8", b_f)

# %% [markdown]
# ### Exercise 7.9: A bidirectional trap
#
# *code · 8 minutes*
#
# A backward layer with `go_backwards=True, return_sequences=True` gave the array `back` (B, T, H), a forward layer `ahead` (B, T, H). Write `join(ahead, back)`: an array (B, T, 2H) with, at each time step, what both directions know of *that* step.


# %% tags=["stub"]
def join(ahead, back): ...


check("7.9", join)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_07 import join

check("7.9", join)

# %% [markdown]
# ### Exercise 7.10: Count further
#
# *explore · an evening*
#
# Train a net on $a^n b^n$ with $n$ up to 10, with [counting](#rnnbook.data.tasks.counting), so that it counts right up to $n = 25$. Hand in a function `ends(n)` that feeds your net the mark, $n$ times a and $n$ times b, and returns, as a list of whole numbers, what it predicts after each of the $n$ b's: 2 (another b) or 0 (the end). Which cell, and how many units, do you take? Try the GRU too. Training can reach 25, but not from every seed: in the benchmark, of five LSTMs with $b_f = 3$ that had seen $n$ up to 8, the best got to 26 and the worst to 9.


# %% tags=["stub"]
def ends(n): ...


check("7.10", ends)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# Train several LSTMs with an open forget gate and keep one that validates at 25. Or, at once,
# set the weights by hand: one LSTM unit that adds 1 for each a, subtracts 1 for each b.
counter = layers.LSTM(3, 1, 0, dtype="float64")
for array in counter.weights.values():
    array[:] = 0
for name, value in (("b_i", 50), ("b_f", 50), ("b_o", 50)):
    counter.weights[name][:] = value
counter.weights["W_xc"][:] = [[0, 50, -50]]  # mark, a, b


def ends(n):
    x = np.eye(3)[[0] + [1] * n + [2] * n][None]
    h, _ = counter.forward(x)
    return [2 if left > 0.5 else 0 for left in h[0, n + 1 :, 0]]


check("7.10", ends)

# %% [markdown]
# ### Exercise 7.11: Predict the memory
#
# *predict · 8 minutes*
#
# The cell that you can touch, above, writes $i\tilde c = 0.5 \times 0.6 = 0.3$ a step while there is input, and $o = 0.8$. **Before you touch it**, predict three numbers. At $f = 0.99$, after how many
# steps is half of a memory left? At $f = 0.9$, with input for 50 steps, how large is $c$ after the 50th? And at $f = 1$, with input for 10 steps, what is $h$ after 100? Then look, and hand in
# what you see: <a href="#at=gates&amp;f=0.99">the first</a>, <a href="#at=gates&amp;f=0.9&amp;n=50">the second</a>, <a href="#at=gates&amp;f=1">the third</a>.

# %% tags=["stub"]
held_fast = ...  # a list of three numbers

check("7.11", held_fast)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# 0.99 ** n = 1/2; a geometric series, which would settle at 0.3 / (1 - 0.9); ten times 0.3.
held_fast = [np.log(0.5) / np.log(0.99), 0.3 * (1 - 0.9**50) / (1 - 0.9), 0.8 * np.tanh(3.0)]
print(np.round(held_fast, 3))
check("7.11", held_fast)

# %% [markdown]
# ### Exercise 7.12: What moves the quotation mark?
#
# *predict · 8 minutes*
#
# The passage that you can touch, above, begins with a quotation mark. The character at 12 is the comma before the closing one. **Before you look**, predict: by about how many bits does the opening mark, 11 back, move the prediction
# there in each model: by a hundredth, or by more than one? And at 125, where the second quotation has been open for a while: how many of the three models does its opening mark, 99 back, move by 0.01 bits or more? Then
# <a href="#at=memory&amp;t=12">look at 12</a> and <a href="#at=memory&amp;t=125">at 125</a>, open "All numbers", and hand in what you read: the bits at lag 11 for RNN, GRU and LSTM, and the number of models.

# %% tags=["stub"]
seen = ...  # a list of four numbers

check("7.12", seen)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# Row t - 1 of the influence is the prediction after character t; column 0 the opening mark.
seen = [moved[cell][11, 0] for cell in ("rnn", "gru", "lstm")]
seen.append(sum(moved[cell][124, 25] >= 0.01 for cell in readers))
print([f"{number:.2g}" for number in seen])
check("7.12", seen)

# %% [markdown]
# ## Further reading
#
# - [Hochreiter and Schmidhuber (1997)](#hochreiter1997): the cell, the carousel, and tasks that you now know.
# - [Gers, Schmidhuber and Cummins (2000)](#gers2000): the forget gate, and why. [Gers and Schmidhuber (2001)](#gers2001): LSTMs that count.
# - [Cho et al. (2014)](#cho2014) and [Chung et al. (2014)](#chung2014): the GRU, proposed and compared.
# - [Jozefowicz et al. (2015)](#jozefowicz2015) and [Greff et al. (2017)](#greff2017): what happens if you change the cell. Little, unless you take away the forget gate, or the tanh before the output.
# - [Weiss et al. (2018)](#weiss2018): which cells can count, and why.
# - [Karpathy et al. (2016)](#karpathy2016) on units that track; [Gal and Ghahramani (2016)](#gal2016) on dropout in time.
