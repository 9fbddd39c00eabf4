# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # The recurrent neuron
#
# Read this sentence one word at a time. By its end you still know how it began, because something in you changed with each
# word and stayed changed. An ordinary neural network has nothing that stays. This chapter adds one term to one neuron, and the
# neuron has a memory.
#
# | You will | compute a recurrent neuron with a pencil, then a layer, then a batch, and get the same numbers from Keras |
# |---|---|
# | **You learn** | what a feedforward network lacks; the hidden state; what is counted by $B$, $T$, $D$ and $H$; how to count parameters; how to read and set the weights of a Keras layer |
# | **You need** | products of a matrix and a vector, a little NumPy; what the slope of a curve is |
# | **It takes** | 60 minutes to read and run, 2 to 3 hours with the exercises, and an evening for the last one |

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

# %%
import matplotlib.pyplot as plt
import numpy as np
from rnnbook import RNN
from rnnbook.exercises import check
from rnnbook.keras import set_simple_rnn_weights, simple_rnn_weights
from rnnbook.show import diagrams, style
from rnnbook.show.claims import claim

style.use()

# %% [markdown]
# `rnnbook.keras` brings in Keras and TensorFlow, which takes a few seconds. All else is NumPy.
#
# ## What a feedforward network lacks
#
# Begin with a neuron without memory. It takes $D$ numbers $x$, multiplies each by a **weight** of its own, adds them up, adds one more number, the
# **[bias](#term-bias)** $b$, and bends the sum with a function such as $\tanh$, whose values lie between $-1$ and $1$:
#
# $$
# h = \tanh(w_1 x_1 + \dots + w_D x_D + b)
# $$
#
# Several neurons that read the same input side by side are a **layer**. Write the weights of each neuron as a row of a matrix $W$, and the whole
# layer is $h = \tanh(W x + b)$. What the weights are is learned from data, in later chapters; here they are drawn at random, or set by hand.
#
# A **[feedforward network](#term-feedforward-network)** is made of such layers: one input, one output. Give it the words of a sentence one by one, and it answers
# each word as if there had been no other. Here is a layer of three neurons with random weights, and a sequence in which the
# second and the fourth input are the same. The words are the rows of an array, so the code multiplies from the other side, `sentence @ W.T`.

# %%
rng = np.random.default_rng(0)
W, b = rng.normal(size=(3, 2)), rng.normal(size=3)
word = {"I": [1.0, 0.0], "love": [0.5, 0.5], "you": [0.0, 1.0]}
sentence = np.array([word[w] for w in ["I", "love", "you", "love"]])

feedforward = np.tanh(sentence @ W.T + b)
print(np.round(feedforward, 3))
assert np.array_equal(feedforward[1], feedforward[3])

# %% [markdown]
# Rows two and four are equal to the last digit. After "I" or after "you", "love" is "love". So the order of the inputs means
# nothing to this layer: shuffle them and the same outputs come out, shuffled.
#
# One of the texts that this course accompanies puts it so: in a feedforward network no two inputs share knowledge. That is half
# right, and the box below says which half. You will meet such boxes in every chapter: each takes a sentence from the texts,
# measures it, and gives a verdict. You need not have read the texts. [All claims](../reference/claims.md) stand on one page, under the numbers
# that the boxes have.

# %%
order = [2, 0, 3, 1]
shuffled = np.tanh(sentence[order] @ W.T + b)
difference = np.abs(shuffled - feedforward[order]).max()

bent = np.tanh(sentence @ (W + 0.1).T + b)  # one change of the weights ...
moved = (
    np.abs(bent - feedforward).max(axis=1) > 0
).sum()  # ... is felt by all the inputs
claim(
    42,
    ("inputs shuffled, largest difference of the outputs", difference, "== 0"),
    ("outputs of 4 that one change of the weights moved", moved, "== 4"),
)

# %% [markdown]
# ## One neuron with a pencil
#
# A **[recurrent neuron](#term-recurrent-neuron)** has one more input: its own last output, from one **[time step](#term-time-step)** ago.

# %% mystnb={"figure": {"name": "fig-neuron", "caption": "A recurrent neuron. Its own last state is one more input, which arrives one step late."}, "image": {"alt": "The input x_t, weighted by w_x, the earlier state h_{t-1}, weighted by w_h, and the bias b are added to a_t; tanh of the sum is the state h_t, which goes on and, through a delay of one step, comes back to the sum."}}
diagrams.neuron()
plt.show()

# %% [markdown]
# Its output at time step $t$ is its **[hidden state](#term-hidden-state)** $h_t$. Here is [Figure 1.1](#fig-neuron) as an equation:
#
# $$
# h_t = \tanh(w_x x_t + w_h h_{t-1} + b)
# $$ (1.1)
#
# Three numbers describe this neuron completely: the weight $w_x$ of the input, the weight $w_h$ of its own past, and the bias $b$, which decides
# where the state rests when there is neither. The **[activation function](#term-activation-function)** $\tanh$ keeps the state between $-1$ and $1$.
# Before the first step there is no past, and we set $h_0 = 0$.
#
# Take a pencil. Let $w_x = 0.5$, $w_h = 0.8$, $b = 0$, and let the inputs be $1$, $0$ and $-1$. In the first step the sum is
# $0.5 \cdot 1 + 0.8 \cdot 0 = 0.5$. Do the other two before you run the cell.

# %%
w_x, w_h, b = 0.5, 0.8, 0.0
h = 0.0
for t, x in enumerate([1.0, 0.0, -1.0], start=1):
    a = w_x * x + w_h * h + b
    sum_ = f"{w_x} * {x:4} + {w_h} * {h:6.4f} + {b}"
    print(f"t = {t}: a = {sum_} = {a:7.4f}, h = tanh(a) = {np.tanh(a):7.4f}")
    h = np.tanh(a)
assert round(h, 4) == -0.2137

# %% [markdown]
# Look at the second step. The input is zero, and the state is not: it still holds part of what came in before. And in the third
# step the input is as far below zero as the first was above it, but the state does not come out at minus the first state, because the past
# pulls the other way. That is memory, and there is nothing more to it.
#
# ### What it is good for
#
# One number of memory already solves a task that no feedforward layer can. Take $\tanh$ away, set $w_x = w_h = 1$ and $b = 0$, and the neuron adds
# up its inputs: it counts. Let the input be $1$ where a letter is an *a*, and $0$ elsewhere.

# %%
for word_read in ["banana", "panama"]:
    h, counts = 0, []
    for letter in word_read:
        h = 1 * (letter == "a") + 1 * h
        counts.append(h)
    print(word_read, "->", counts)
assert counts[-1] == 3

# %% [markdown]
# At each letter the state is the number of *a*'s so far. A feedforward layer sees one letter at a time, and has to give the same answer to
# every *a*, whether it is the first or the third.
#
# ### Three parameters, three fates
#
# How long does the neuron remember? Take tanh away for a moment, set $w_x = 1$ and $b = 0$, and let the input be a single $1$, followed by zeros.
# Then each further step multiplies the state by $w_h$, and after $t$ of them $w_h^t$ is left.

# %% mystnb={"figure": {"name": "fig-echo", "caption": "What is left of a single input in a neuron without tanh, for four recurrent weights. The vertical axis is logarithmic, so that a constant factor a step is a straight line."}, "image": {"alt": "Four straight lines start at one. For a recurrent weight of 0.5 the state falls steeply, for 0.9 slowly to below one ten-thousandth after 100 steps, for 1.0 it stays at one, for 1.1 it rises above ten thousand."}}
steps = np.arange(101)
fig, ax = plt.subplots()
for w_h in [1.1, 1.0, 0.9, 0.5]:
    ax.semilogy(steps, w_h**steps, color=style.COLORS["hidden"])
    at = 12 if w_h == 0.5 else 60
    side = {"ha": "right" if w_h > 1 else "left", "textcoords": "offset points"}
    ax.annotate(f"$w_h = {w_h}$", (at, w_h**at), (0, 7), **side)
ax.set(xlabel="time steps after the input", ylabel="state $h_t$", ylim=(1e-6, 1e6))
plt.show()

# %% [markdown]
# What counts is $|w_h|$. Below one the neuron forgets, at one it keeps, above one the state explodes, and where $w_h$ is negative the sign flips at each
# step. Only the exact value one lies between forgetting and exploding: the lines for 0.9 and 1.1 in [Figure 1.2](#fig-echo) differ by 0.2 in one
# weight, and after a hundred steps by a factor of more than a hundred million. Keep this picture in mind. When the course comes to gradients,
# the same lines come back, and they are the trouble with recurrent networks.

# %%
left = {}
for w_h in (0.0, 0.9, 1.1):
    h = 1.0  # after the input 1
    for _ in range(100):
        h = w_h * h
    left[w_h] = h

# %%
alone, keeps, grows = left.values()
assert grows / keeps > 1e8
claim(
    71,
    ("left after 100 steps without the loop, w_h = 0", alone, "== 0"),
    ("left after 100 steps with w_h = 0.9", keeps, "< 2.7e-5"),
    ("left after 100 steps with w_h = 1.1", grows, "> 1.3e4"),
)

# %% [markdown]
# With tanh the state can't explode, since it never leaves $(-1, 1)$; it is squeezed instead. Exercise 1.6 at the end lets you build a neuron that
# keeps one bit for good.
#
# ### Is it another kind of neuron?
#
# It is an ordinary neuron with one more term. [Figure 1.3](#fig-loop) shows whole layers of them: $W_{xh}$ holds the weights from the
# inputs to the states, $W_{hh}$ those from the last states to the new ones, and $W_{hy}$ those from the states to the output $\hat y$.

# %% mystnb={"figure": {"name": "fig-loop", "caption": "A feedforward network, and the same with a loop. Only $W_{hh}$ is new."}, "image": {"alt": "Two networks side by side. Left, x leads to h and h to ŷ. Right, the same for x_t, h_t and ŷ_t, with an arrow labeled W_hh from h_t back to itself."}}
diagrams.feedforward_and_recurrent()
plt.show()

# %% [markdown]
# If that is so, then a recurrent layer of Keras whose recurrent weights are set to zero must be an ordinary dense layer. The
# recurrent layer is called `SimpleRNN`, the ordinary one `Dense`; we give both the same input weights, and ask the recurrent one for the states of
# all time steps (`return_sequences=True`).

# %%
import keras

keras.utils.set_random_seed(0)
recurrent = keras.layers.SimpleRNN(3, return_sequences=True)
dense = keras.layers.Dense(3, activation="tanh")
x = rng.normal(size=(4, 6, 2)).astype("float32")
_ = recurrent(x), dense(x)  # the first call makes the weights

# %%
kernel, recurrent_kernel, bias = recurrent.get_weights()
dense.set_weights([kernel, bias])
looped = np.abs(recurrent(x) - dense(x)).max()
recurrent.set_weights([kernel, 0 * recurrent_kernel, bias])
difference = np.abs(recurrent(x) - dense(x)).max()
claim(
    1,
    ("loop as it was made against Dense, largest difference", looped, "> 0.1"),
    ("loop at zero against Dense, largest difference", difference, "== 0"),
)

# %% [markdown]
# ## A layer
#
# Now take $H$ neurons side by side, and $D$ numbers in each input. Every neuron receives every input, and the last state of every neuron.

# %% mystnb={"figure": {"name": "fig-layer", "caption": "A recurrent layer of three neurons with two inputs: each arrow is one number of $W_{xh}$ (3 × 2) or $W_{hh}$ (3 × 3)."}, "image": {"alt": "Two inputs and the three earlier states stand at the left. Every input is joined to each of three neurons at the right by one of 3 × 2 blue arrows, every earlier state by one of 3 × 3 green arrows. The new states return through a delay to become the earlier states."}}
diagrams.layer(D=2, H=3)
plt.show()

# %% [markdown]
# The weights of the inputs fill a matrix $W_{xh}$ of shape $(H, D)$, the recurrent weights a matrix $W_{hh}$ of shape $(H, H)$, and the biases a vector
# $b_h$ of length $H$:
#
# $$
# \begin{aligned}
# a_t &= W_{xh} x_t + W_{hh} h_{t-1} + b_h \\
# h_t &= \tanh(a_t)
# \end{aligned}
# $$ (1.2)
#
# The sums $a_t$ are called the **pre-activations**. Row $i$ of [Equation 1.2](#1.2) belongs to neuron $i$. It is [Equation 1.1](#1.1) with more terms: one for each of the
# $D$ inputs, weighted by row $i$ of $W_{xh}$, and one for each of the $H$ last states, its own included, weighted by row $i$ of $W_{hh}$. Here are two
# neurons with numbers you can follow.

# %%
W_xh = np.array([[1.0, 0.0], [0.0, 1.0]])  # each neuron has an input of its own ...
W_hh = np.array([[0.0, 0.5], [0.5, 0.0]])  # ... and receives only the other's state
b_h = np.zeros(2)

h_0 = np.zeros(2)
h_1 = np.tanh(W_xh @ [1.0, 0.0] + W_hh @ h_0 + b_h)
h_2 = np.tanh(W_xh @ [0.0, 0.0] + W_hh @ h_1 + b_h)
print("h_1 =", np.round(h_1, 4), "  h_2 =", np.round(h_2, 4))
assert h_1[1] == 0 and h_2[0] == 0 and h_2[1] > 0

# %% [markdown]
# In the first step only the first neuron gets an input, and only it moves. In the second step no input comes at all, yet the
# second neuron moves: it receives the state of the first one, a step late. State travels between the neurons along $W_{hh}$.
#
# > **A word on notation.** One of the texts writes the input weights as $W^{(xh)}$ in one place and as $W^{(hx)}$ in another. There is only one
# > such matrix. This course writes $W_{xh}$, "from x to h", everywhere, and [one page](../reference/notation.md) says how each text calls what.
#
# ### Count the parameters
#
# A layer of $H$ neurons with $D$ inputs has $HD$ input weights, $H^2$ recurrent weights and $H$ biases. For three neurons and five inputs:

# %%
H, D = 3, 5
by_hand = H * D + H * H + H
print(f"{H}*{D} + {H}*{H} + {H} = {by_hand}")

layer = keras.layers.SimpleRNN(3)
layer.build((None, None, 5))  # any batch, any number of steps, 5 numbers a step
single = keras.layers.SimpleRNN(1)
single.build((None, None, 1))
claim(
    2,
    ("parameters of SimpleRNN(1), 1 input", single.count_params(), "== 3"),
    ("parameters of SimpleRNN(3), 5 inputs", layer.count_params(), f"== {by_hand}"),
)

# %%
input_matrices = sum(w.shape == (5, 3) for w in layer.get_weights())
claim(65, ("matrices in the layer that multiply the input", input_matrices, "== 1"))

# %% [markdown]
# <a id="question-2"></a>
# ### What are `units`?
#
# Keras calls $H$ the `units`. The name misleads many: `units` is the length of the hidden state, and it has nothing to do with the
# number of time steps. You choose it, as you choose the width of any layer. Below, the same data of seven time steps go through
# layers of 1, 4, 16 and 64 units.

# %%
x = rng.normal(size=(2, 7, 5)).astype("float32")
sweep = {}
for H in [1, 4, 16, 64]:
    layer = keras.layers.SimpleRNN(units=H)
    sweep[H] = layer(x).shape[-1]
    print(f"units {H:2}: state {sweep[H]:2}, parameters {layer.count_params():4}")
wrong = sum(units != length for units, length in sweep.items())
claim(
    16,
    ("layers of 1, 4, 16 and 64 units on the same data", len(sweep), "== 4"),
    ("states whose length is not units", wrong, "== 0"),
)

# %% [markdown]
# Since $W_{hh}$ has $H^2$ entries, parameters grow faster than units: from 16 to 64 units they go from 352 to 4480.
#
# ### From the previous time step, not the previous layer
#
# One text says that each neuron receives "the output of the previous layer". What comes in through $W_{hh}$ is the state of *its own* layer at the
# previous *time step*. The shapes show it: what the layer below delivers decides the shape of $W_{xh}$, and $W_{hh}$ does not care.

# %%
fitting = 0
for D in [2, 5, 50]:
    layer = keras.layers.SimpleRNN(3)
    layer.build((None, None, D))
    W_xh, W_hh, b_h = simple_rnn_weights(layer)
    print(f"D = {D:2}: W_xh {W_xh.shape}, W_hh {W_hh.shape}, b_h {b_h.shape}")
    fitting += W_hh.shape == (3, 3)
claim(17, ("shapes of W_hh that are (3, 3), of three", fitting, "== 3"))

# %% [markdown]
# ## A batch of sequences
#
# A network is fed many sequences at once. Three letters count, here and in all chapters:
#
# | Letter | counts | in the example below |
# |---|---|---|
# | $B$ | the sequences of a **[batch](#term-batch)** | 4 |
# | $T$ | the **[time steps](#term-time-step)** of a sequence | 6 |
# | $D$ | the numbers at each time step, also called **[features](#term-feature)** | 2 |
#
# So the input is an array of shape $(B, T, D)$, and the states are one of shape $(B, T, H)$. An example is now a row, and for rows
# [Equation 1.2](#1.2) reads $h_t = \tanh(x_t W_{xh}^\top + h_{t-1} W_{hh}^\top + b_h)$: the same sums, written sideways.


# %%
def rnn(x, W_xh, W_hh, b_h, h_0=None, phi=np.tanh):
    h_t = np.zeros((len(x), len(b_h))) if h_0 is None else h_0
    h = []
    for t in range(x.shape[1]):
        h_t = phi(x[:, t] @ np.transpose(W_xh) + h_t @ np.transpose(W_hh) + b_h)
        h.append(h_t)
    return np.stack(h, axis=1)


# %% [markdown]
# This function is the whole layer. The package has the same one, made fast: [RNN](#rnnbook.nn.layers.RNN). With the same weights it gives the same states.

# %%
B, T, D, H = 4, 6, 2, 3
x = rng.normal(size=(B, T, D))
W_xh, W_hh, b_h = (0.5 * rng.normal(size=size) for size in ((H, D), (H, H), H))

h = rnn(x, W_xh, W_hh, b_h)
print("x", x.shape, "-> h", h.shape)

# %%
layer = RNN(D, H, dtype="float64")
layer.set_weights([W_xh.T, W_hh.T, b_h])  # laid out as in Keras
h_layer, last = layer.forward(x)
assert np.allclose(h_layer, h, rtol=0, atol=1e-14)
assert np.array_equal(last, h_layer[:, -1])

# %% [markdown]
# <a id="question-1"></a>
# ### What input shape?
#
# The most asked question of all. A recurrent layer wants three axes: (batch, time steps, features). One sequence of six numbers is
# neither `(6,)` nor `(1, 6)`, but `(1, 6, 1)`. Keras says so when an axis is missing:

# %%
import re

series = np.arange(6.0)
try:
    keras.layers.SimpleRNN(3)(series[None])
except ValueError as error:
    print(
        "Keras refuses (1, 6):",
        re.search(r"expected ndim=3, found ndim=2", str(error))[0],
    )
state = keras.layers.SimpleRNN(3)(series[None, :, None])
print("Keras takes (1, 6, 1) and returns", tuple(state.shape))

# %% [markdown]
# The second line is what you want: one sequence in, one state of length three out, the last one. That is the default; above we asked for all.
# The index `[None, :, None]` adds the two missing axes.
#
# ### What the loop joins
#
# The loop joins the time steps of one sequence. Does it join the sequences too, as some texts say? If it did, it would matter in
# which order the sequences of a batch stand.

# %%
order = rng.permutation(B)
together = rnn(x[order], W_xh, W_hh, b_h)
alone = np.concatenate([rnn(x_i[None], W_xh, W_hh, b_h) for x_i in x])
permuted = np.abs(together - h[order]).max()
single = np.abs(alone - h).max()
claim(
    5,
    ("sequences of the batch permuted, largest difference", permuted, "< 1e-14", 0),
    ("each sequence run alone, largest difference", single, "< 1e-14", 0),
)

# %% [markdown]
# It does not. Each sequence has a state of its own, which starts at $h_0$. Nor is a new sequence a new time step: read two sequences as one of twice the
# length, and the second gets other states than the layer gives it.

# %%
joined = np.concatenate([x[:1], x[1:2]], axis=1)  # the second after the first
carried = rnn(joined, W_xh, W_hh, b_h)[:, T:]
gap = np.abs(carried - h[1:2]).max(axis=(0, 2))
print("difference at each time step:", np.round(gap, 3))
claim(
    4,
    ("second sequence as steps 7 to 12 of the first, difference at step 7", gap[0], "> 0.1"),
    ("as a sequence of its own, largest difference", single, "< 1e-14", 0),
)

# %% [markdown]
# > **Common wrong answer.** "A stateful layer passes the state from one sample of the batch to the next." No layer does. A *stateful* layer keeps
# > the state of row $i$ of one batch for row $i$ of the *next* batch, which is of use when a long text is cut into pieces.
# > The [text generator](#term-stateful) will need it.
#
# ### Why start at zero?
#
# That $h_0 = 0$ is a convention. It can also be learned, like a weight. Suppose the numbers to be modeled come from a linear neuron
# with $w_x = 1$, $w_h = 0.5$ whose state was $2$ when the recording began. A model with the right weights that starts at zero is wrong
# at first. Its state is linear in $h_0$, so the best $h_0$ can be solved for.

# %%
rng_67 = np.random.default_rng(67)
x_67 = rng_67.normal(size=(20, 6, 1))
linear = {"W_xh": [[1.0]], "W_hh": [[0.5]], "b_h": [0.0], "phi": np.positive}
target = rnn(x_67, **linear, h_0=np.full((20, 1), 2.0))

from_zero = rnn(x_67, **linear)
share = 0.5 ** np.arange(1, 7)[:, None]  # of h_0 in the state at t = 1 ... 6
learned = ((target - from_zero) * share).sum() / (20 * share**2).sum()
print("learned h_0:", round(learned, 3), "  its share in h_6:", share[-1, 0])

# %%
after = rnn(x_67, **linear, h_0=np.full((20, 1), learned))
loss_zero = ((from_zero - target) ** 2).mean(axis=(0, 2))
loss_learned = ((after - target) ** 2).mean()
print("squared error at each step:", np.round(loss_zero, 4))
claim(
    67,
    ("mean squared error on 6 steps, from zero", loss_zero.mean(), "> 0.2"),
    ("from the learned state", loss_learned, "< 1e-12", 0),
    ("from zero, at the sixth step alone", loss_zero[-1], "< 0.001"),
)

# %% [markdown]
# Here the learned start matters for short sequences only, since each step halves what is left of $h_0$. A neuron that forgets slowly would feel
# its start for longer. Zero is the usual choice.
#
# ## What tanh does, and what it doesn't
#
# A text says: high values of the input weights mean that the input has significant influence on the result. Influence can mean two things.
#
# First, how much of the state does the present input decide, and how much the past? Run two neurons that have different pasts and then get the same input.
# What their states have in common is due to that input: their covariance, divided by the variance of the state, is the share that the input decides.

# %%
scales = np.array([0.1, 0.3, 1, 3, 10, 30, 100])
rng_55 = np.random.default_rng(55)
drawn = rng_55.normal(size=(2, 20_000, 30, 1))
drawn[1, :, -1] = drawn[0, :, -1]  # other pasts, the same present
decided = []
for w in scales:
    one, two = (rnn(d, [[w]], [[0.8]], [0.0])[:, -1, 0] for d in drawn)
    decided.append((one * two).mean() / (one**2).mean())
print("share that the input decides:", np.round(decided, 2))

# %% [markdown]
# With large weights the input decides nearly everything: in this sense the text is right. Second, how much does the state move when the input
# moves *a little*? That is the slope of tanh, $1 - \tanh^2(a)$, times the weight.

# %%
x_55 = rng_55.normal(size=(400_000, 1))
slopes = 1 - np.tanh(scales * x_55) ** 2
slope, median = slopes.mean(axis=0), scales * np.median(slopes, axis=0)
for w, s, m in zip(scales, slope, median, strict=True):
    print(f"weight {w:5}: mean slope {s:.3f}, ", end="")
    print(f"weight times slope: mean {w * s:.2f}, median {m:.2f}")
assert np.ptp((scales * slope)[-3:]) < 0.02  # from 10 on, hardly any growth

# %%
near = abs(x_55[:, 0]) < 0.02  # at weight 100
part = slopes[near, -1].sum() / slopes[:, -1].sum()
print(f"inputs within 0.02 of zero: {near.mean():.1%}, of the mean: {part:.0%}")
claim(
    55,
    ("share of the state decided by the input, weight 0.1", decided[0], "< 0.5", 2),
    ("at weight 100", decided[-1], "> 0.98", 2),
    ("median of weight times slope at weight 1", median[2], "> 0.6"),
    ("at weight 100", median[-1], "< 1e-6", 0),
)

# %% mystnb={"figure": {"name": "fig-saturation", "caption": "Two meanings of influence, against the size of the input weight, for inputs of spread 1. Left: the share of the state that the present input decides ($w_h = 0.8$). Right: how far the state moves for a small move of the input, its median."}, "image": {"alt": "Left, a curve that rises from about 0.4 at a weight of 0.1 to nearly 1 at a weight of 10 and stays there. Right, a curve that rises from 0.1 to its peak of about 0.65 at a weight of one, and is back at zero at a weight of ten."}}
fig, axes = plt.subplots(1, 2, figsize=(5.8, 2.9))
for ax, curve in zip(axes, (decided, median), strict=True):
    ax.semilogx(scales, curve, "o-", color=style.COLORS["hidden"])
    ax.set(xlabel="input weight", ylim=(-0.05, 1.05))
axes[0].set_title("share decided")
axes[1].set_title("weight × slope, median")
plt.show()

# %% [markdown]
# A larger weight gives the input more say, but a small change of it moves the state more only up to a point. Then tanh is **saturated**: for nearly every
# input it sits near $-1$ or $1$, and a small change does nothing ([Figure 1.5](#fig-saturation), right). The median of weight times slope falls to zero; the
# mean stops growing, and what is left of it comes from the few inputs near zero, where the state jumps from $-1$ to $1$. The neuron still tells
# the sign of the input, and no more than that. Chapter 5 meets the same slope again, where gradients must pass through it.
#
# Why tanh, and not another bend? Start one neuron at 0 and another at 0.1, give them no input, and look at their difference after ten steps.

# %%
bends = {"tanh": np.tanh, "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
         "ReLU": lambda a: np.maximum(0, a)}
starts, differ = np.array([[0.0], [0.1]]), {}
for name, phi in bends.items():
    for w_h in (1.0, 1.5):
        h_two = rnn(np.zeros((2, 10, 1)), [[1.0]], [[w_h]], [0.0], starts, phi)
        differ[name, w_h] = np.ptp(h_two[:, -1])
        print(f"{name:7} w_h = {w_h}: {differ[name, w_h]:.3f}")
assert differ["sigmoid", 1.5] < 1e-4 < 0.05 < differ["tanh", 1.0]
assert differ["tanh", 1.5] < 1 < 5 < differ["ReLU", 1.5]

# %% [markdown]
# The slope of tanh is 1 at zero, so a small state is passed on nearly unchanged. The sigmoid is never steeper than 1/4, and soon forgets. ReLU keeps the
# difference where $w_h = 1$, but it has no ceiling: above one the state explodes, as in [Figure 1.2](#fig-echo). Chapter 5 comes back to all three.
#
# ### The state is not the answer
#
# The state is what the neuron keeps. What the network *answers* is read from the state by one more layer. To choose among $V$ words, that is
# **softmax**, which turns any numbers $u_1, \dots, u_V$ into positive ones that sum to one, $e^{u_i} / (e^{u_1} + \dots + e^{u_V})$:
#
# $$
# \hat y_t = \mathrm{softmax}(W_{hy} h_t + b_y)
# $$ (1.3)

# %%
V = 5
W_hy, b_y = rng.normal(size=(V, H)), np.zeros(V)
u = h @ W_hy.T + b_y
y_hat = np.exp(u) / np.exp(u).sum(axis=-1, keepdims=True)
print("h_T  =", np.round(h[0, -1], 3))
print("ŷ_T  =", np.round(y_hat[0, -1], 3))
error = np.abs(y_hat.sum(axis=-1) - 1).max()

# %% [markdown]
# The state may be negative, the answer may not. So it isn't the activation function of the recurrent layer that sets the range of the answer. One text also gives the range of
# ReLU, $\max(0, a)$, as $(0, \infty)$. Zero belongs to it, and where $a$ is normally distributed around zero, ReLU is zero half of the time:

# %%
a = np.random.default_rng(56).normal(size=10_000)
zeros = (np.maximum(0, a) == 0).mean()
claim(
    56,
    ("sums of ŷ_t, largest distance from 1", error, "< 1e-12", 0),
    ("smallest state", h.min(), "< -0.5", 5),
    ("smallest number in ŷ_t", y_hat.min(), "> 0"),
    ("share of ReLU's values that are exactly 0", zeros, "> 0.4", 2),
)

# %% [markdown]
# ## The same in Keras
#
# `SimpleRNN` is [Equation 1.2](#1.2) and nothing else. Keras keeps examples as rows, so its two matrices are the transposes of ours: the *kernel* has shape
# $(D, H)$ and is $W_{xh}^\top$; the *recurrent kernel* is $W_{hh}^\top$. [simple_rnn_weights](#rnnbook.keras.simple_rnn_weights) reads them under our names and
# [set_simple_rnn_weights](#rnnbook.keras.set_simple_rnn_weights) writes them.

# %%
layer = keras.layers.SimpleRNN(H, return_sequences=True)
layer.build((None, None, D))
set_simple_rnn_weights(layer, W_xh, W_hh, b_h)
print("shapes in Keras:", [w.shape for w in layer.get_weights()])

ours = rnn(x, W_xh, W_hh, b_h)
theirs = np.asarray(layer(x.astype("float32")))
print("equal to 1e-6:", np.allclose(ours, theirs, rtol=0, atol=1e-6))
assert np.abs(ours - theirs).max() < 1e-6

# %% [markdown]
# The way back works too. Here are the weights that Keras itself chose for a new layer, read into our names and run by our loop. The
# difference is what float32 rounds off.

# %%
keras.utils.set_random_seed(1)
layer = keras.layers.SimpleRNN(H)  # gives the last state only
last = np.asarray(layer(x.astype("float32")))
ours = rnn(x, *simple_rnn_weights(layer))
print("Keras:", last.shape, " ours:", ours.shape)
assert np.abs(ours[:, -1] - last).max() < 1e-6
assert np.array_equal(layer.get_weights()[2], np.zeros(H))

# %% [markdown]
# Keras starts with biases of zero. It draws the kernel from a range that shrinks as the layer grows, so that the sums $a_t$ stay of one size (*Glorot uniform*),
# and the recurrent kernel is a random *orthogonal* matrix: one that turns a state without changing its length. Why that is wanted is a
# story that needs gradients; you saw its beginning in [Figure 1.2](#fig-echo).
#
# ## Where it comes from
#
# One text says that recurrent networks began in the 1980s, with the Hopfield network. Loops are much older.
# [McCulloch and Pitts (1943)](#mcculloch1943) already studied nets "with circles", in the paper with which the mathematics of neural networks begins.
# [Amari (1972)](#amari1972) let nets of threshold units with loops learn patterns and sequences of patterns, and [Little (1974)](#little1974) showed that such a
# net can have states that persist.
# [Hopfield (1982)](#hopfield1982) showed how such a network can store patterns, and gave it an energy, a number that each step lowers or keeps, so that it
# must come to rest. It is an **associative memory**: it is given no sequence, it is started in a damaged pattern and completes it.
#
# Each unit $s_i$ is $-1$ or $1$. Storing is one sum: the weight between two units counts the patterns in which they agree, minus those in which they
# differ, $W_{ij} = \sum_p s^p_i s^p_j$. Recall sets one unit after the other to the sign of $\sum_j W_{ij} s_j$. Here are three random patterns
# of a hundred units, one of them with fifteen units flipped.

# %%
rng_36 = np.random.default_rng(36)
patterns = rng_36.choice([-1, 1], size=(3, 100))
W = patterns.T @ patterns  # whole numbers: no rounding decides a sign
np.fill_diagonal(W, 0)  # no unit feeds itself

state = patterns[0].copy()
state[rng_36.choice(100, 15, replace=False)] *= -1
damaged = state.copy()
for i in list(range(100)) * 3:  # one unit after the other, three times round
    state[i] = 1 if W[i] @ state >= 0 else -1

# %%
claim(
    36,
    ("units of 100 right at the start", (damaged == patterns[0]).sum(), "== 85"),
    ("after recall", (state == patterns[0]).sum(), "== 100"),
)

# %% mystnb={"figure": {"name": "fig-hopfield", "caption": "A Hopfield network completes a pattern of 100 units: what was stored, what it was started with, where it settled. Units at 1 stand out from the page, those at −1 do not."}, "image": {"alt": "Three grids of ten by ten squares, about half of which stand out. The second differs from the first in fifteen squares; the third equals the first."}}
fig, axes = plt.subplots(1, 3, figsize=(5.8, 2.2))
grids = {"stored": patterns[0], "damaged": damaged, "recalled": state}
grays = {"cmap": "Greys", "vmin": -1.3, "vmax": 1.6, "edgecolors": "white"}
for ax, (title, grid) in zip(axes, grids.items(), strict=True):
    ax.pcolormesh(grid.reshape(10, 10)[::-1], linewidth=0.5, **grays)
    ax.set(title=title, xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)
plt.show()

# %% [markdown]
# The networks of this course are of another branch: they are given a sequence and trained by gradients.
# [Jordan (1986)](#jordan1986) fed the output back, [Elman (1990)](#elman1990) the hidden state. Elman's is the layer of this chapter; the next chapter tells the two apart.
#
# ## Summary
#
# - A feedforward layer answers each input by itself. A recurrent layer adds one term, $W_{hh} h_{t-1}$, its own state one time step ago.
# - The state is memory. Without tanh, the size of $w_h$ decides: below one the state fades, above one it grows. With tanh it can't explode; above one
#   it can settle away from zero and stay.
# - A layer of $H$ neurons on $D$ inputs has $HD + H^2 + H$ parameters, whatever the number of time steps.
# - Arrays have the shape (batch, time steps, features). The sequences of a batch do not see each other, and each begins at $h_0$.
# - The answer is read from the state by a further layer.
# - `SimpleRNN` gives the same numbers; its matrices are the transposes of ours.
#
# ## What number should I get?

# %%
print(
    "h_3 of the neuron with a pencil      ",
    round(float(np.tanh(-0.5 + 0.8 * np.tanh(0.8 * np.tanh(0.5)))), 4),
)
print("parameters of SimpleRNN(3), 5 inputs ", 3 * 5 + 3 * 3 + 3)
print("0.9 ** 100                           ", f"{0.9**100:.2g}")
print("1.1 ** 100                           ", f"{1.1**100:.2g}")
print("mean slope of tanh at weight 1       ", round(slope[2], 2))
assert abs(slope[2] - 0.605) < 0.01

# %% [markdown]
# The first four you get exactly, the last one to within a hundredth for any seed.
#
# ## Exercises
#
# Put your answer in the place of the dots and run the cell: it says at once whether the answer is right, and if not, where to
# look. In the book each solution is folded below its exercise; try first.
#
# ### Exercise 1.1: Three steps
#
# *by hand · 5 minutes*
#
# A neuron has $w_x = 1$, $w_h = -1$, $b = 0.5$, and $h_0 = 0$. The inputs are $1$, $1$, $0$. What are $h_1$, $h_2$ and $h_3$, to three decimals? A pocket
# calculator with tanh is allowed.

# %% tags=["stub"]
states = ...  # a list of three numbers

check("1.1", states)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# a_1 = 1 + 0 + 0.5 = 1.5, h_1 = 0.905; a_2 = 1 - 0.905 + 0.5, and so on.
states = [np.tanh(1.5)]
states.append(np.tanh(1 - states[0] + 0.5))
states.append(np.tanh(0 - states[1] + 0.5))
print(np.round(states, 3))
check("1.1", states)

# %% [markdown]
# ### Exercise 1.2: Count
#
# *by hand · 3 minutes*
#
# How many parameters does a recurrent layer of 20 neurons have that reads sequences of 50 time steps with 10 numbers each?

# %% tags=["stub"]
parameters = ...

check("1.2", parameters)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
parameters = 20 * 10 + 20 * 20 + 20  # the 50 time steps do not count
check("1.2", parameters)

# %% [markdown]
# ### Exercise 1.3: Shapes
#
# *by hand · 5 minutes*
#
# A batch holds 8 sequences of 5 time steps with 2 features; the layer has 3 neurons. Give the shapes of $W_{xh}$, $W_{hh}$, $b_h$, of all states together, and of the
# last state.

# %% tags=["stub"]
shapes = {
    "W_xh": ...,
    "W_hh": ...,
    "b_h": ...,
    "states": ...,
    "last": ...,
}  # tuples, such as (8, 5, 2)

check("1.3", shapes)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
shapes = {
    "W_xh": (3, 2),
    "W_hh": (3, 3),
    "b_h": (3,),
    "states": (8, 5, 3),
    "last": (8, 3),
}
check("1.3", shapes)

# %% [markdown]
# ### Exercise 1.4: The loop
#
# *code · 15 minutes*
#
# Write the recurrent layer of [Equation 1.2](#1.2) for one sequence: `x` has shape $(T, D)$; return all states, shape $(T, H)$. Use NumPy only.


# %% tags=["stub"]
def my_rnn(x, W_xh, W_hh, b_h): ...


check("1.4", my_rnn)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_01 import my_rnn

check("1.4", my_rnn)

# %% [markdown]
# ### Exercise 1.5: From Keras and back
#
# *code · 10 minutes*
#
# `layer.get_weights()` of a `SimpleRNN` gives a list of three arrays. Write a function that turns this list into $W_{xh}$, $W_{hh}$ and $b_h$ in our layout.


# %% tags=["stub"]
def from_keras(weights): ...


check("1.5", from_keras)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_01 import from_keras

check("1.5", from_keras)

# %% [markdown]
# ### Exercise 1.6: A switch
#
# *explore · 20 minutes*
#
# Find $w_x$, $w_h$ and $b$ with which one tanh neuron keeps one bit for good: the first input is $1$ or $-1$, then come two hundred zeros, and the
# state must have the sign of the first input at every step, and be larger than $0.5$ in size at the end. Guess first: is $w_h = 1$ enough?

# %% tags=["stub"]
switch = ...  # (w_x, w_h, b)

check("1.6", switch)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# h = tanh(w_h h) has two solutions besides zero once w_h > 1: it settles in one.
# At w_h = 1 zero is the only one, and the state creeps there.
switch = (1.0, 2.0, 0.0)
for w_h in [0.9, 1.0, 1.1, 2.0]:
    left = np.tanh(1.0)
    for _ in range(200):
        left = np.tanh(w_h * left)
    print(f"w_h = {w_h}: after 200 zeros {left:.4f} is left")
check("1.6", switch)

# %% [markdown]
# ### Exercise 1.7: The order of things
#
# *code · 20 minutes*
#
# A neuron with memory can tell sequences apart that hold the same numbers in another order. Write a function that says in how many *different* last states
# a recurrent layer ends when the time steps of one sequence are put in all possible orders. `x` has shape $(T, D)$; count two states as equal
# when they agree to nine decimals. (What does the count become for $W_{hh} = 0$? And for a linear neuron with $w_h = 1$?)


# %% tags=["stub"]
def last_states(x, W_xh, W_hh, b_h): ...


check("1.7", last_states)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from itertools import permutations

from rnnbook.exercises.chapter_01 import last_states

check("1.7", last_states)
# With W_hh = 0 only the last input counts. The linear neuron adds up, in any order.
rng = np.random.default_rng(0)
x, W_xh, b_h = rng.normal(size=(4, 2)), rng.normal(size=(3, 2)), np.zeros(3)
print("four inputs, W_hh = 0:", last_states(x, W_xh, np.zeros((3, 3)), b_h))
sums = {round(sum(order), 9) for order in permutations(x[:, 0])}
print("linear neuron, w_h = 1:", len(sums))

# %% [markdown]
# ### Exercise 1.8: How much does it hold?
#
# *code · an evening*
#
# The Hopfield network above holds three patterns of a hundred units. How many can it hold? Write `recall(patterns)`: it stores the patterns (an array of $-1$
# and $1$, shape $(P, N)$), starts the network in each of them, sets every unit *once, all at the same time*, and returns the share of units that stay as they were.
# Then draw the share against $P / N$ from 0.02 to 0.5. [Hopfield (1982)](#hopfield1982) found about 0.15 $N$ patterns before errors get severe: do you see why?
# (Let the network go on, one unit after the other, until none flips.)


# %% tags=["stub"]
def recall(patterns): ...


check("1.8", recall)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution", "figure": {"name": "fig-capacity", "caption": "Units of a Hopfield network of 200 that stay as they were stored, after one step and at rest: means of five seeds."}, "image": {"alt": "The share of units that stay against patterns a unit, from 0.02 to 0.5. After one step it falls slowly, to about 0.92. At rest it is as high up to 0.1, then falls, steeply from 0.15 on, to about 0.7."}}
from rnnbook.exercises.chapter_01 import recall

check("1.8", recall)
# Few units flip in the first step. But each wrong one disturbs the others, and more
# follow: at rest the share falls steeply from about 0.15 N patterns on.
loads, labels = [0.02, 0.1, 0.15, 0.2, 0.3, 0.5], ["after one step", "at rest"]
drawn = [[np.random.default_rng(s).choice([-1, 1], (int(200 * load), 200))
          for s in range(5)] for load in loads]
for rest, label in enumerate(labels):
    shares = [[recall(p, rest) for p in five] for five in drawn]
    print(label, np.mean(shares, axis=1).round(3), "±", np.std(shares, axis=1).round(3))
    plt.plot(loads, np.mean(shares, axis=1), "os"[rest] + "-", label=label)
plt.gca().set(xlabel="P / N", ylabel="share of units that stay", ylim=(0.5, 1.02))
plt.legend()
plt.show()

# %% [markdown]
# ## Further reading
#
# - [Elman (1990)](#elman1990) is short, and shows what a simple recurrent network finds out about words by predicting the next one.
# - [Goodfellow, Bengio and Courville (2016)](#goodfellow2016), chapter 10, is the reference for the theory.
# - [Rumelhart, Hinton and Williams (1986)](#rumelhart1986) draw a net with loops beside the layered net it unfolds to; [Siegelmann and Sontag (1995)](#siegelmann1995) show what
#   they can compute in principle.
#
# The next chapter, [Unfolding](02_unfolding.ipynb), draws the loop out in time.
