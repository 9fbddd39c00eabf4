# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Backpropagation through time
#
# A recurrent layer makes a mistake at step 50 because of something that its weights did at step 3. How does the blame
# find its way back? It walks along the unfolded graph, from right to left, and at every step it leaves a share of
# itself at the same few weights. This chapter derives that walk, writes it in a dozen lines of NumPy, and then tries
# hard to catch it out. You will also plant ten bugs in it, watch most of the broken versions learn all the same, and
# see why only a gradient check can be trusted.
#
# | You will | derive the gradient of a recurrent layer; check it against finite differences, TensorFlow and the course's engine; break it in ten ways; truncate it, and store less of it |
# |---|---|
# | **You learn** | immediate and total derivatives; why one weight has T contributions; what a gradient check shows; what truncation loses and what the carried state keeps; how to trade memory for time |
# | **You need** | [Chapter 2](02_unfolding.ipynb): the unfolded graph; [Chapter 3](03_text_generator.ipynb): softmax and cross-entropy; the chain rule for one variable, and the matrix product |
# | **It takes** | 90 minutes to read and run, 3 hours with the exercises up to 4.11, and an evening for the last |

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
import inspect
import os
import re
import textwrap
import time
import timeit
from functools import partial
from itertools import islice, pairwise, product

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no lines of a log
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums everywhere

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the imports", "code_prompt_hide": "Hide the imports"}
from rnnbook import data, text
from rnnbook.data import tasks
from rnnbook.exercises import check
from rnnbook.keras import set_simple_rnn_weights
from rnnbook.nn import gradients, layers
from rnnbook.nn.losses import cross_entropy, softmax
from rnnbook.nn.optimizers import Adam, clip_by_norm
from rnnbook.nn.training import fit
from rnnbook.show import style
from rnnbook.show.claims import claim
from rnnbook.show.style import COLORS
from rnnbook.text.language_model import LanguageModel

L = keras.layers
style.use()

# %% [markdown]
# ## One weight first
#
# Take the smallest recurrent neuron, without tanh and with one weight:
#
# $$
# h_t = w\, h_{t-1} + x_t, \qquad h_0 = 0
# $$ (4.1)
#
# After three steps, how does $h_3$ change when $w$ does? The formula for $h_3$ shows a $w$, and next to it $h_2$. But
# $h_2$ has a $w$ inside too. So there are two questions, and much trouble with this subject comes from mixing them
# up.
#
# - If only *this* $w$ moved, and $h_2$ were held fixed? That is the **[immediate
#   derivative](#term-immediate-derivative)**, $\partial^{+} h_3 / \partial w = h_2$.
# - If $w$ moved, and everything that depends on it moved along? That is the **[total
#   derivative](#term-total-derivative)**, $\mathrm d h_3 / \mathrm d w$.
#
# By the product rule, the second is made of the first and of what comes in through the state before:
#
# $$
# \frac{\mathrm d h_t}{\mathrm d w} = \underbrace{\frac{\partial^{+} h_t}{\partial w}}_{h_{t-1}}
#   + \underbrace{\frac{\partial^{+} h_t}{\partial h_{t-1}}}_{w}\, \frac{\mathrm d h_{t-1}}{\mathrm d w}
# $$ (4.2)
#
# The rule reaches back to the first step, and so does the influence of $w$. Try it with $w = 0.5$ and the inputs 1,
# 0, 2.

# %%
w, x, h, total = 0.5, [1.0, 0.0, 2.0], 0.0, 0.0
for x_t in x:
    immediate = h  # the state before, as it stands
    total = immediate + w * total  # Equation 4.2
    h = w * h + x_t
    print(f"h = {h:.2f}   immediate = {immediate:.2f}   total = {total:.2f}")
assert (immediate, total) == (0.5, 1.0)

# %% [markdown]
# At the third step the immediate derivative is 0.5, and the total one 1. Which of them is the slope? Write the sum
# out: with these inputs $h_3 = w^2 + 2$, whose derivative is $2w = 1$. The immediate derivative is only half of it.
#
# ## The net, and its loss
#
# Now a whole layer, with an output at every step, as in [Chapter 2](02_unfolding.ipynb). To make the walk backward
# easy we give a name to each intermediate result. For one sequence, with $x_t$ of size $D$, $h_t$ and $a_t$ of size
# $H$, and $u_t$ and $\hat y_t$ of size $V$:
#
# $$
# \begin{aligned}
# a_t &= W_{xh}\, x_t + W_{hh}\, h_{t-1} + b_h \\
# h_t &= \tanh(a_t) \\
# u_t &= W_{hy}\, h_t + b_y \\
# \hat y_t &= \mathrm{softmax}(u_t)
# \end{aligned}
# $$ (4.3)
#
# The target of step $t$ is a class, with the one-hot code $y_t$. Its share of the [loss](#term-loss) is the
# cross-entropy, divided by $T$, and the loss is the sum of all shares:
#
# $$
# \begin{aligned}
# L &= \sum_{t=1}^{T} \ell_t \\
# \ell_t &= -\frac{1}{T} \ln \big( y_t^\top \hat y_t \big)
# \end{aligned}
# $$ (4.4)
#
# For a batch we also average over its $B$ sequences. [cross_entropy](#rnnbook.nn.losses.cross_entropy) does both, and
# returns two things: the loss, and its derivative with respect to the logits $u_t$, which has a famously simple form:
#
# $$
# \frac{\mathrm d L}{\mathrm d u_t} = \frac{\partial^{+} \ell_t}{\partial u_t} = \frac{1}{T} \left( \hat y_t - y_t \right)
# $$ (4.5)
#
# To see it, let $c$ be the target. Then $\ell_t = -\frac1T\big(u_{t,c} - \ln\sum_j e^{u_{t,j}}\big)$. Its derivative with
# respect to $u_{t,i}$ is $\frac1T\, \hat y_{t,i}$, less $\frac1T$ if $i = c$.
#
# Here total and immediate derivative are the same, for $u_t$ touches nothing but $\ell_t$. The states are not so lucky.
#
# A small net to work with: two features, three units, two classes, four steps, five sequences. Nothing is zero, not
# even $h_0$: a zero can hide a mistake.

# %%
B, T, D, H, V = 5, 4, 2, 3, 2
rng = np.random.default_rng(0)
shapes = {"W_xh": (H, D), "W_hh": (H, H), "b_h": H, "W_hy": (V, H), "b_y": V}
w = {name: rng.normal(size=shape) for name, shape in shapes.items()}
x, y = rng.normal(size=(B, T, D)), rng.integers(0, V, (B, T))
h_0 = rng.normal(size=(B, H))


# %% [markdown]
# The forward pass is the loop of [chapter 1](01_recurrent_neuron.ipynb), and the loss at its end.


# %%
def rnn(x, W_xh, W_hh, b_h, h_0=None):
    h_t = np.zeros((len(x), len(b_h))) if h_0 is None else h_0
    h = []
    for t in range(x.shape[1]):
        h_t = np.tanh(x[:, t] @ W_xh.T + h_t @ W_hh.T + b_h)
        h.append(h_t)
    return np.stack(h, axis=1)


# %%
def forward(x, y, w, h_0):
    h = rnn(x, w["W_xh"], w["W_hh"], w["b_h"], h_0)
    loss, du = cross_entropy(h @ w["W_hy"].T + w["b_y"], y)
    return loss, h, du


loss, h, du = forward(x, y, w, h_0)
print(f"loss {loss:.4f}, states {h.shape}, du {du.shape}")

# %% [markdown]
# ## The graph, run backward
#
# A state acts on the loss along every path that leads from it to some $\ell_t$, and the total derivative is the sum over
# all of them. There are many paths, but each begins with one of the few arrows that leave the state. So we go through
# the unfolded graph from the end, and at every node add up what comes back along the arrows that left it.
#
# The drawing shows three steps. Gray arrows are the forward pass. A state's node stands for $a_t$ and for $h_t = \tanh(a_t)$, an
# output's for $u_t$ and $\hat y_t$. Begin at the end. From $h_3$ a single arrow leaves, upward. The label of a red arrow
# says what arrives at its tip.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the drawing's code", "code_prompt_hide": "Hide the drawing's code"}
kinds = {"x": ("input", "$x_%d$", 0.4), "h": ("hidden", "$h_%d$", 1.5)}
kinds |= {"y": ("output", r"$\hat{y}_%d$", 2.6), "l": ("ink", r"$\ell_%d$", 3.6)}


def gray_graph(rows="xhyl"):
    ax, at = style.canvas(5.8, 4.0), {}
    for row, t in product(rows, (1, 2, 3)):
        kind, name, height = kinds[row]
        at[row, t] = style.node(ax, kind, 0.4 + 1.5 * t, height, name % t)
    at["h", 0] = style.node(ax, "hidden", 0.4, 1.5, "$h_0$", past=True)
    for (lower, upper), t in product(pairwise(rows), (1, 2, 3)):
        style.arrow(ax, at[lower, t], at[upper, t], "muted")
    return ax, at


# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the drawing's code", "code_prompt_hide": "Hide the drawing's code"}
def back(ax, start, end, label=""):
    # a red arrow beside the gray one; its label stands at the side
    along = np.array([end.x - start.x, end.y - start.y])
    along = along / np.hypot(*along)
    side = 0.14 * np.array([-along[1], along[0]])
    a = np.array([start.x, start.y]) + side + 0.22 * along
    b = np.array([end.x, end.y]) + side - 0.22 * along
    style.arrow(ax, a, b, "gradient")
    across = "center" if along[0] else "left"
    x, y = (a + b) / 2 + (side * 1.7 if along[0] else (0.08, 0))
    style.text(ax, x, y, label, "gradient", ha=across)


# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the drawing's code", "code_prompt_hide": "Hide the drawing's code"}
D_U = r"$W_{hy}^\top\,\mathrm{d}L/\mathrm{d}u_%d$"


def backward_graph(last, rows="xhyl"):
    # the gradient's way from step 3 down to the step called last
    ax, at = gray_graph(rows)
    for t in (1, 2, 3):
        style.arrow(ax, at["h", t - 1], at["h", t], "muted")
    for t in range(last, 4):
        back(ax, at["l", t], at["y", t])
        back(ax, at["y", t], at["h", t], D_U % t)
    return ax, at


# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the drawing's code", "code_prompt_hide": "Hide the drawing's code", "figure": {"name": "fig-back-3", "caption": "Step 3. The last state touches the loss through its own output only."}, "image": {"alt": "Unfolded graph of three steps in gray, from inputs up to states, outputs and losses. Red arrows lead from the last loss down to the last output and to the last state."}}
ax, at = backward_graph(3)
plt.show()

# %% [markdown]
# With the chain rule, and $u_3 = W_{hy} h_3 + b_y$, that arrow gives
# $\mathrm d L / \mathrm d h_3 = W_{hy}^\top\, \mathrm d L / \mathrm d u_3$. Why the transpose? Element $j$ of $h_3$ enters
# every element $i$ of $u_3$, with the weight $(W_{hy})_{ij}$. So what comes back to it is
# $\sum_i (W_{hy})_{ij}\, \mathrm d L / \mathrm d u_{3,i}$, a sum over the *rows* of $W_{hy}$, which is what the
# transpose computes. It sends a vector of size $V$ back to size $H$.
#
# Now step 2. *Two* arrows leave $h_2$: one up to its own output, one to the right into $a_3$ and all that follows.
# Two things come back, and they are added.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the drawing's code", "code_prompt_hide": "Hide the drawing's code", "figure": {"name": "fig-back-2", "caption": "Step 2. Blame comes from above, for the state's own output, and from the right, for all later ones. Both are vectors of size H, and the state adds them."}, "image": {"alt": "The same graph. Red arrows now also lead from the second loss down to the second state, and from the third state left to the second. Two red arrows meet in the second state."}}
ax, at = backward_graph(2)
back(ax, at["h", 3], at["h", 2], r"$W_{hh}^\top\,\mathrm{d}L/\mathrm{d}a_3$")
plt.show()

# %% [markdown]
# In general, for $t = T, T - 1, \dots, 1$:
#
# $$
# \begin{aligned}
# \frac{\mathrm d L}{\mathrm d h_t}
#   &= \Big(\frac{\partial^{+} u_t}{\partial h_t}\Big)^{\!\top} \frac{\mathrm d L}{\mathrm d u_t} \\
#   &\quad + \Big(\frac{\partial^{+} a_{t+1}}{\partial h_t}\Big)^{\!\top} \frac{\mathrm d L}{\mathrm d a_{t+1}} \\
#   &= W_{hy}^\top \frac{\mathrm d L}{\mathrm d u_t} + W_{hh}^\top \frac{\mathrm d L}{\mathrm d a_{t+1}}
# \end{aligned}
# $$ (4.6)
#
# Here $\partial^{+} u_t / \partial h_t$ is the matrix whose entry $i, j$ is the immediate derivative of $u_{t,i}$ with respect to
# $h_{t,j}$: it is $W_{hy}$. At the last step nothing follows, and the second term is zero. Between $h_t$ and $a_t$ stands tanh, whose slope is
# $1 - \tanh^2$, element by element. The forward pass has the tanh already: it is $h_t$.
#
# $$
# \frac{\mathrm d L}{\mathrm d a_t} = \left(1 - h_t \odot h_t\right) \odot \frac{\mathrm d L}{\mathrm d h_t}
# $$ (4.7)
#
# ### The weights
#
# Where do the weights come in? At every step, there is a copy of them. Call the copy that step $t$ uses
# $W_{hh}^{(t)}$. If the copies were different weights, each would have a gradient of its own, and an easy one, since
# $W_{hh}^{(t)}$ touches $a_t$ alone:
# $\mathrm d L / \mathrm d W_{hh}^{(t)} = (\mathrm d L / \mathrm d a_t)\, h_{t-1}^\top$, a column times a row, of
# shape $H \times H$. But they are one weight matrix. When it moves, all copies move, and the effects add up:
#
# $$
# \begin{aligned}
# \frac{\mathrm d L}{\mathrm d W_{hh}} &= \sum_{t=1}^{T} \frac{\mathrm d L}{\mathrm d a_t}\, h_{t-1}^\top \\
# \frac{\mathrm d L}{\mathrm d W_{xh}} &= \sum_{t=1}^{T} \frac{\mathrm d L}{\mathrm d a_t}\, x_t^\top \\
# \frac{\mathrm d L}{\mathrm d b_h} &= \sum_{t=1}^{T} \frac{\mathrm d L}{\mathrm d a_t}
# \end{aligned}
# $$ (4.8)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the drawing's code", "code_prompt_hide": "Hide the drawing's code", "figure": {"name": "fig-back-1", "caption": "The whole way back. At each step $a_t$, in the state's node, hands its share to the one matrix; nothing is changed until all shares have arrived."}, "image": {"alt": "The graph without inputs. Red arrows lead from all three losses down to the states, from each state to the one on its left, and from each of the three states down into one box, the gradient of the recurrent weights."}}
ax, at = backward_graph(1, rows="hyl")
for t in (3, 2, 1):
    back(ax, at["h", t], at["h", t - 1], rf"$W_{{hh}}^\top\,\mathrm{{d}}L/\mathrm{{d}}a_{t}$")
style.frame(ax, 1.2, 0.08, 5.6, 0.5)
style.text(ax, 3.4, 0.28, r"$\mathrm{d}L/\mathrm{d}W_{hh}$: the sum", "gradient")
for t in (1, 2, 3):
    node = at["h", t]
    style.arrow(ax, node, (node.x, 0.5), "gradient", dashed=True)
    share = rf"$\mathrm{{d}}L/\mathrm{{d}}W_{{hh}}^{{({t})}}$"
    style.text(ax, node.x + 0.08, 0.85, share, "gradient", ha="left")
plt.show()

# %% [markdown]
# The output weights are in no loop, so nothing comes back to them from later steps. Their shares are simply added:
# $\mathrm d L / \mathrm d W_{hy} = \sum_t (\mathrm d L / \mathrm d u_t)\, h_t^\top$, and
# $\mathrm d L / \mathrm d b_y = \sum_t \mathrm d L / \mathrm d u_t$.
#
# This is **[backpropagation through time](#term-backpropagation-through-time)**, BPTT. [Rumelhart, Hinton and
# Williams (1986)](#rumelhart1986) need a few sentences for it, in their paper on backpropagation: keep the history of
# the states, and let equal weights have one common gradient. [Werbos (1990)](#werbos1990) sets it out in full, with
# what he calls ordered derivatives, our total ones, and a program. Mind the signs when you read on: he writes
# $\partial^{+}$ for the *total* derivative. Our $\partial^{+}$, for the immediate one, is that of [Pascanu et al.
# (2013)](#pascanu2013).
#
# ## A dozen lines of NumPy
#
# Apart from the line that fetches `h_prev`, each line of the loop is one of the equations. Examples are rows, so $W^\top \delta$ becomes `delta @ W`, and a
# column times a row, summed over the batch, becomes `da.T @ h_prev`.
#
# | Line | Equation | Shape in a batch |
# |---|---|---|
# | `dh = du[:, t] @ W_hy + dh_next` | [4.6](#4.6): from above, plus from the right | (B, V) @ (V, H) + (B, H) = (B, H) |
# | `da = (1 - h[:, t] ** 2) * dh` | [4.7](#4.7): through tanh | (B, H) |
# | `g["W_xh"] += da.T @ x[:, t]` | [4.8](#4.8), second line | (H, B) @ (B, D) = (H, D) |
# | `g["W_hh"] += da.T @ h_prev` | [4.8](#4.8), first line | (H, B) @ (B, H) = (H, H) |
# | `g["b_h"] += da.sum(axis=0)` | [4.8](#4.8), third line | (H,) |
# | `dh_next = da @ W_hh` | [4.6](#4.6), the second term for step $t - 1$ | (B, H) @ (H, H) = (B, H) |
#
# The function takes `dh_next` from outside, usually zero, and returns what is left over at the beginning. So it
# can also go back through a *part* of a sequence, which we will need for truncation.


# %%
def through_time(x, h, du, w, h_0, dh_next):
    W_hh, W_hy = w["W_hh"], w["W_hy"]
    g = {name: np.zeros_like(w[name]) for name in ("W_xh", "W_hh", "b_h")}
    for t in reversed(range(h.shape[1])):
        h_prev = h[:, t - 1] if t > 0 else h_0
        dh = du[:, t] @ W_hy + dh_next
        da = (1 - h[:, t] ** 2) * dh
        g["W_xh"] += da.T @ x[:, t]
        g["W_hh"] += da.T @ h_prev
        g["b_h"] += da.sum(axis=0)
        dh_next = da @ W_hh
    return g, dh_next


# %% [markdown]
# The indices start at 0 in Python, so `h[:, t - 1]` at `t = 0` would be the *last* state. Hence the `if`.
#
# Around it, the forward pass and the output weights:


# %%
def gradient(x, y, w, h_0, back=through_time):
    loss, h, du = forward(x, y, w, h_0)
    g, dh_0 = back(x, h, du, w, h_0, np.zeros_like(h_0))
    g["W_hy"] = np.einsum("btv,bth->vh", du, h)
    g["b_y"] = du.sum(axis=(0, 1))
    return g | {"h_0": dh_0}


g = gradient(x, y, w, h_0)
print({name: array.shape for name, array in g.items()})
assert all(g[name].shape == w[name].shape for name in w)

# %% [markdown]
# The gradient of a weight has the shape of that weight. That is the first check, and the weakest.
#
# ## One weight, T contributions
#
# Look at the shares before they are added. Because `through_time` may go back through any part of a sequence, let it
# take one step at a time, and keep what each step gives.

# %%
shares, dh = [], np.zeros((B, H))
for t in reversed(range(T)):
    one, h_prev = slice(t, t + 1), h[:, t - 1] if t > 0 else h_0
    share, dh = through_time(x[:, one], h[:, one], du[:, one], w, h_prev, dh)
    shares.insert(0, share["W_hh"])
shares = np.array(shares)
print("shares:", shares.shape)
print("of the weight from unit 2 to unit 1:", shares[:, 0, 1].round(4))
print("their sum:", shares[:, 0, 1].sum().round(4))

# %% [markdown]
# Four numbers, one for each step. They have different signs and mostly cancel: the sum is less than a tenth of the
# largest of them, so no share can stand for the whole. Are these really the slopes of the four *copies*? Ask the loss itself. Give each step a
# recurrent matrix of its own, move one number in one of them by a little, up and down, and see what the loss does:
#
# $$
# \frac{\mathrm d L}{\mathrm d w} \approx \frac{L(w + \varepsilon) - L(w - \varepsilon)}{2 \varepsilon}
# $$ (4.9)
#
# This is a central **[finite difference](#term-finite-difference)**. It needs two forward passes for each number,
# which nobody can afford in training, and no derivation at all, which is why we believe it.


# %%
def numerical(loss, array, step=1e-5):
    slopes = np.zeros_like(array)
    for i in np.ndindex(array.shape):
        kept = array[i]
        array[i] = kept + step
        up = loss()
        array[i] = kept - step
        slopes[i] = (up - loss()) / (2 * step)  # Equation 4.9
        array[i] = kept
    return slopes


# %%
def error(a, b):
    # the largest difference, relative to the largest number (which may be zero)
    return abs(a - b).max() / max(abs(b).max(), 1e-9)


# %%
copies = np.array([w["W_hh"]] * T)  # (T, H, H): one matrix a step


def loss_of_copies():
    h_t, h = h_0, []
    for t in range(T):
        h_t = np.tanh(x[:, t] @ w["W_xh"].T + h_t @ copies[t].T + w["b_h"])
        h.append(h_t)
    return cross_entropy(np.stack(h, 1) @ w["W_hy"].T + w["b_y"], y)[0]


each = numerical(loss_of_copies, copies)
assert abs(loss_of_copies() - loss) < 1e-12

# %%
off, off_sum = error(shares, each), error(shares.sum(axis=0), g["W_hh"])
claim(66, ("contributions to one matrix's gradient, T = 4", len(shares), "== 4"),
      ("relative error of each against its own copy's slope", off, "< 1e-7", 0),
      ("of their sum against the gradient", off_sum, "< 1e-12", 0))

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-shares", "caption": "One weight's gradient: the share of each step, and their sum. Bars: BPTT. Points: the slope of the loss when only that step's copy moves."}, "image": {"alt": "Bar chart with one bar for each of four time steps and one for the sum. Points from finite differences sit exactly on the ends of the bars."}}
fig, ax = plt.subplots(figsize=(5.8, 3.0))
bars, points = (np.append(a, a.sum()).round(4) for a in (shares[:, 0, 1], each[:, 0, 1]))
places = np.arange(1, T + 2)
colors = [COLORS["hidden"]] * T + [COLORS["gradient"]]
ax.bar(places, bars, 0.6, color=colors)
ax.plot(places, points, "o", color=COLORS["ink"], ms=6)
ax.axhline(0, color=COLORS["ink"], lw=1)
ax.set_xticks(places, [f"step {t}" for t in range(1, T + 1)] + ["sum"])
ax.set(ylabel="slope of the loss (nats per unit)")
plt.show()

# %% [markdown]
# One matrix, four contributions, one sum. You could hand the same task to *ordinary* backpropagation: write the
# unfolded graph down as a feedforward net with four different matrices, let TensorFlow differentiate it without
# telling it that anything recurs, and add the four gradients up.

# %%
separate = [tf.Variable(w["W_hh"]) for _ in range(T)]
with tf.GradientTape() as tape:
    h_t, value = tf.constant(h_0), 0
    for t in range(T):
        a_t = x[:, t] @ w["W_xh"].T + h_t @ tf.transpose(separate[t]) + w["b_h"]
        h_t = tf.tanh(a_t)
        u_t = h_t @ w["W_hy"].T + w["b_y"]
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(y[:, t], u_t)
        value += tf.reduce_mean(nats) / T
plain = np.array(tape.gradient(value, separate))

# %%
off = error(plain.sum(axis=0), g["W_hh"])
claim(22, ("matrices of the feedforward net, T = 4", len(plain), "== 4"),
      ("sum of their gradients against BPTT, relative error", off, "< 1e-12", 0))

# %% [markdown]
# Backpropagation itself was not changed. What is new is the unfolding before it and the sum after it. The text that the claim comes from
# says so too: in its next paragraph the net is unrolled, and ordinary backpropagation is applied to it.
#
# ### One pass, not T passes
#
# BPTT is often written as a double sum: for each loss $\ell_t$, go back through all steps $k \le t$. That is correct,
# and wasteful: it walks the early part of the graph once for each later loss. [Equation 4.6](#4.6) adds first and
# walks once. The same gradient, at another price:

# %%
double, walked = np.zeros((H, H)), 0
for t in range(T):
    only = np.zeros_like(du)
    only[:, t] = du[:, t]  # the loss of step t alone
    until = slice(0, t + 1)
    part, _ = through_time(x[:, until], h[:, until], only, w, h_0, np.zeros((B, H)))
    double, walked = double + part["W_hh"], walked + t + 1
print(f"steps walked back: {walked} for the double sum, {T} for BPTT")
assert error(double, g["W_hh"]) < 1e-12 and walked == T * (T + 1) // 2

# %% [markdown]
# > **Common wrong answers.** "For a tanh neuron, $\mathrm d h_t / \mathrm d w_h$ is $(1 - h_t^2)\, h_{t-1}$": that is the
# > immediate derivative, and leaves out all that came through $h_{t-1}$. "The gradient at the last step is the
# > gradient": it is one share of T.
#
# ## Three checks
#
# An equation can be derived wrongly and programmed faithfully. So check the program against something that does not
# rest on the same derivation.
#
# **Finite differences**, for all weights and for the state at the start. The package has our `numerical` as
# [check](#rnnbook.nn.gradients.check): it takes a loss, the arrays that the loss depends on, and the gradients to be
# checked, and returns the relative error of each.

# %%
def loss_now():
    return forward(x, y, w, h_0)[0]


errors = gradients.check(loss_now, w | {"h_0": h_0}, g)
print("checked:", ", ".join(errors))
print("all relative errors below 1e-7:", max(errors.values()) < 1e-7)
assert max(errors.values()) < 1e-7

# %% [markdown]
# How small should the step $\varepsilon$ be? The error of a central difference grows with $\varepsilon^2$, that of a one-sided one
# with $\varepsilon$. So smaller is better, until rounding takes over: the two losses then agree in almost all
# their digits, and the difference is noise.


# %%
def one_sided(loss, array, step):
    slopes, before = np.zeros_like(array), loss()
    for i in np.ndindex(array.shape):
        kept = array[i]
        array[i] = kept + step
        slopes[i] = (loss() - before) / step
        array[i] = kept
    return slopes


# %%
def error_of(method, step):
    return error(method(loss_now, w["W_hh"], step), g["W_hh"])


for step in (1e-1, 1e-2, 1e-3):
    two, one = error_of(numerical, step), error_of(one_sided, step)
    print(f"step {step:5}: error, central {two:.0e}, one-sided {one:.0e}")
assert error_of(numerical, 1e-5) < 1e-7 < 1e-6 < error_of(numerical, 1e-12)
print("a central difference with a step of 1e-12 is worse than one with 1e-5")

# %% [markdown]
# Divide the step by ten: the central difference gains two digits, the one-sided one a single digit. Use central
# differences with a step of about $10^{-5}$, in 64-bit numbers. 32-bit
# numbers are too coarse for so small a step.
#
# **TensorFlow.** Here the whole net is Keras', with our weights.

# %%
recurrent = L.SimpleRNN(H, return_sequences=True, dtype="float64")
dense = L.Dense(V, dtype="float64")
recurrent.build((None, T, D))
dense.build((None, T, H))
set_simple_rnn_weights(recurrent, w["W_xh"], w["W_hh"], w["b_h"])
dense.set_weights([w["W_hy"].T, w["b_y"]])
with tf.GradientTape() as tape:
    u = dense(recurrent(tf.constant(x), initial_state=tf.constant(h_0)))
    nats = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, u))
by_tape = tape.gradient(nats, recurrent.weights + dense.weights)

# %% [markdown]
# Keras keeps the transposes of our matrices, in the order $W_{xh}$, $W_{hh}$, $b_h$, $W_{hy}$, $b_y$.
#
# **The engine.** [RNN](#rnnbook.nn.layers.RNN) is the course's fast layer. Its backward pass takes
# $\mathrm d L / \mathrm d h_t$ as it comes *from above*, and adds what comes from the right by itself.

# %%
engine = layers.RNN(D, H, seed=0, dtype="float64")
engine.set_weights(recurrent.get_weights())
engine.forward(x, h_0)
engine.backward(du @ w["W_hy"])
by_engine = engine.by_name(engine.gradients)
of_keras = {name: np.transpose(a) for name, a in zip(w, by_tape, strict=True)}
for other in (of_keras, by_engine):
    assert all(error(other[name], g[name]) < 1e-12 for name in other)
print("ours, TensorFlow's and the engine's: relative errors below 1e-12")

# %% [markdown]
# <a id="question-20"></a>
# ### How do I check a NumPy LSTM?
#
# Exactly like this. A gradient check does not ask what is inside: it needs a loss and the arrays. Take any loss that
# depends on all states, such as their sum with random coefficients; use 64-bit numbers and central differences; and ask for a
# relative error below $10^{-6}$. Here for the course's [LSTM](#rnnbook.nn.layers.LSTM), which chapter 7 takes apart.

# %%
lstm = layers.LSTM(D, H, seed=0, dtype="float64")
random = rng.normal(size=(B, T, H))
lstm.forward(x)
lstm.backward(random)
errors = gradients.check(
    lambda: (lstm.forward(x)[0] * random).sum(), lstm.parameters, lstm.gradients
)
size = sum(array.size for array in lstm.parameters.values())
print(f"{size} derivatives, errors below 1e-6:", max(errors.values()) < 1e-6)
assert max(errors.values()) < 1e-6

# %% [markdown]
# ## What goes wrong: ten planted mistakes
#
# Now break it. Each of these mistakes changes a single line of `through_time`, and none raises an error. All are
# easy to make.

# %%
mistakes = {
    "no blame from the future": (" + dh_next", ""),
    "no slope of tanh": ("(1 - h[:, t] ** 2) * dh", "dh"),
    "W_hh transposed": ("da @ W_hh", "da @ W_hh.T"),
    "h_t in place of h_{t-1}": ("h[:, t - 1] if t > 0 else h_0", "h[:, t]"),
    "index -1 at the start": (" if t > 0 else h_0", ""),
    "overwritten, not added": ('["W_hh"] +=', '["W_hh"] ='),
    "first step left out": ("range(h", "range(1, h"),
    "mean over the batch": ("sum(axis=0)", "mean(axis=0)"),
    "outer product turned": ("da.T @ h_prev", "h_prev.T @ da"),
}

# %% [markdown]
# The tenth is a misunderstanding that a textbook can plant: to change the weights *while* going back, at each step by
# the learning rate times that step's share. A loop that does so sends the blame of the early steps through matrices
# that were not there in the forward pass. How wrong it is depends on the rate. We begin with a rate of 1.

# %%
lines = "W_hh = W_hh - rate * da.T @ h_prev; dh_next = da @ W_hh"
mistakes["updated on the way"] = ("dh_next = da @ W_hh", lines)
source = inspect.getsource(through_time)


def planted(old, new, rate=1.0):
    assert old in source
    names = {"np": np, "rate": rate}
    exec(source.replace(old, new), names)
    return names["through_time"]


broken = {name: planted(*change) for name, change in mistakes.items()}

# %% [markdown]
# What does the check show for each? Relative errors, for each of the three weights and for the state at the start. A dot stands for an error below $10^{-7}$: this
# gradient is right.

# %%
def errors_of(back, x, y, h_0):
    found = gradient(x, y, w, h_0, back)
    got = gradients.check(lambda: forward(x, y, w, h_0)[0], w | {"h_0": h_0}, found)
    return [got[name] for name in ("W_xh", "W_hh", "b_h", "h_0")]


seen = {name: errors_of(back, x, y, h_0) for name, back in broken.items()}
print("    W_xh  W_hh  b_h   h_0")
for i, (name, row) in enumerate(seen.items(), start=1):
    marks = (f"{e:4.2f}" if e > 1e-7 else "   ." for e in row)
    print(f"{i:2}  " + "  ".join(marks), name, sep="  ")
assert all(max(row) > 0.01 for row in seen.values())

# %% [markdown]
# Each mistake leaves a fingerprint. Only $W_{hh}$ wrong: look at its line, and at `h_prev`, which nothing else uses.
# Only $b_h$: look at its line. All wrong: look at `dh`, `da` or `dh_next`, where the error spreads from step to step,
# and at the range of the loop. The errors are *large*, too. A right gradient is right to seven digits or more; these
# are wrong in the first or second. Only the tenth can be made as small as you like:

# %%
change = mistakes["updated on the way"]
by_rate = {rate: errors_of(planted(*change, rate), x, y, h_0)[1] for rate in (1, 0.1, 0.01)}
print("W_hh, updated on the way:", *(f"rate {rate}: {e:.0e}" for rate, e in by_rate.items()))
assert 5 < by_rate[0.1] / by_rate[0.01] < 20

# %% [markdown]
# Its error is in proportion to the rate. At the rate of a real training, 0.003, it would be about $3 \cdot 10^{-4}$: wrong in
# principle, and harmless in the training below. But a check cannot tell a harmless mistake from a grave one: where you see
# $10^{-3}$ or $10^{-4}$, look again, and never think "nearly".
#
# > **Common wrong answers.** "The error is 0.02, that must be rounding": in 64-bit numbers rounding is a million
# > times smaller.
#
# ### A check that cannot fail
#
# A check is as good as its test case. Run the same ten through four lazier ones and count how many are found out by
# the gradients of the three weights.

# %%
lazy = {
    "all of it": (x, y, h_0),
    "one step": (x[:, :1], y[:, :1], h_0),
    "one sequence": (x[:1], y[:1], h_0[:1]),
    "state zero, one step": (x[:, :1], y[:, :1], 0 * h_0),
    "state zero, two steps": (x[:, :2], y[:, :2], 0 * h_0),
}

# %%
caught = {}
for case, given in lazy.items():
    worst = {name: max(errors_of(back, *given)[:3]) for name, back in broken.items()}
    passed = [i for i, e in enumerate(worst.values(), start=1) if e < 1e-7]
    caught[case] = 10 - len(passed)
    print(f"{case:21} finds {caught[case]:2}, misses", *(passed or ["none"]))

# %%
assert caught["all of it"] == caught["state zero, two steps"] == 10
assert max(caught["one step"], caught["one sequence"], caught["state zero, one step"]) < 10

# %% [markdown]
# So never check with one step, or with one sequence. Two steps of the five sequences were enough for these ten, even from a state of zero;
# take a few more steps, and a state at the start that is not zero, for what we did not think of. Sizes that differ from each other (all of ours
# do but $D$ and $V$) let wrong shapes show themselves.
#
# ### The loss falls all the same
#
# "But my net learns!" So does a net with a wrong gradient, as long as the wrong direction has something in common
# with the right one. Train all eleven versions on delayed recall, with six steps and four symbols (chapter 2
# describes the task), in 400 updates each. Only the last of the six steps asks for the symbol, so a net that has learned all but to remember has to guess
# there, and its loss is $\ln 4 / 6$ nats a step.


# %%
def net(D, H, V, seed, gain=1.0):
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(H, H)))  # orthogonal: it keeps lengths
    w = {"W_xh": rng.normal(size=(H, D)) / D**0.5, "W_hh": gain * Q}
    w |= {"b_h": np.zeros(H), "W_hy": rng.normal(size=(V, H)) / H**0.5}
    return w | {"b_y": np.zeros(V)}


def batches(x, y, B):
    for s in range(0, len(x), B):
        yield x[s : s + B].astype(float), y[s : s + B]


# %% [markdown]
# The loop around a training step, forward, loss, backward, update, is always the same. [fit](#rnnbook.nn.training.fit) is that loop. It wants
# a model with `parameters`, `forward` and a `backward` that leaves `gradients`: here is the one whose `backward` is our own.


# %%
class ByHand:
    def __init__(self, w, back=through_time):
        self.parameters, self.back = w, back

    def forward(self, x):
        w, h_0 = self.parameters, np.zeros((len(x), len(self.parameters["b_h"])))
        h = rnn(x, w["W_xh"], w["W_hh"], w["b_h"], h_0)
        self.given = x, h, h_0
        return h @ w["W_hy"].T + w["b_y"], h[:, -1]

    def backward(self, du):
        self.gradients = all_gradients(*self.given, du, self.parameters, self.back)


# %%
def all_gradients(x, h, h_0, du, w, back):
    g, _ = back(x, h, du, w, h_0, np.zeros_like(h_0))
    g["W_hy"], g["b_y"] = np.einsum("btv,bth->vh", du, h), du.sum(axis=(0, 1))
    return g


def learned(back, seed, steps=400, B=32, H=16):
    rule, data = Adam(), tasks.delayed_recall(B * steps, 6, 4, seed)
    model = ByHand(net(5, H, 5, seed), back)
    losses = fit(model, batches(*data, B), cross_entropy, rule, rate=3e-3)
    return losses[-20:].mean(), int(rule.state["steps"])


# %%
guess = np.log(4) / 6
at_our_rate = {"updated on the way": planted(*mistakes["updated on the way"], rate=3e-3)}
final = {"right": [learned(through_time, seed)[0] for seed in range(3)]}
for name, back in (broken | at_our_rate).items():
    final[name] = [learned(back, seed)[0] for seed in range(3)]
for name, values in final.items():
    print("  ".join(f"{v:.3f}" for v in values), name, sep="  ")
below = [name for name in broken if np.mean(final[name]) < guess]
print(f"broken versions below the guess of {guess:.3f}: {len(below)} of 10")
assert len(below) >= 7

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-mistakes", "caption": "Loss after 400 updates, three seeds each. The dashed line is what a guess costs."}, "image": {"alt": "Eleven rows of three points. The right gradient has a low loss. Nine of the ten wrong ones lie mostly to the left of the dashed line of guessing as well, and the one without the slope of tanh lies far to its right."}}
fig, ax = plt.subplots(figsize=(5.8, 4.4))
for row, (name, values) in enumerate(final.items()):
    color = COLORS["hidden"] if name == "right" else COLORS["gradient"]
    ax.plot(values, [row] * 3, "o", color=color, ms=6)
ax.axvline(guess, ls="--", color=COLORS["muted"], lw=1.5)
in_signs = {"W_hh": "$W_{hh}$", "h_t in": "$h_t$ in", "h_{t-1}": "$h_{t-1}$"}
labels = [re.sub("|".join(map(re.escape, in_signs)), lambda m: in_signs[m[0]], f) for f in final]
ax.set_yticks(range(len(final)), labels)
ax.invert_yaxis()
ax.set(xlabel="loss (nats a step)", xlim=(0, None))
plt.show()

# %% [markdown]
# A falling loss proves nothing. Compare the mean over the batch with the right version: no difference can be seen.
# The gradient of $b_h$ is too small by a constant factor, and Adam, which rescales each weight's gradient, undoes just
# that. Most of the others learn more slowly, and you might have blamed the architecture. Check the gradient before you train.
#
# What about the tenth mistake, here with the rate of the training? It learns as well as the right version. "In simple
# terms", says [Kostadinov (2018)](#kostadinov2018), backpropagation goes back through the time steps "while updating the
# weights". Is that what Keras does? Let it take one step of plain gradient descent, with a rate of 0.1, from our weights.

# %%
def keras_step(rate):
    recurrent = L.SimpleRNN(H, return_sequences=True, dtype="float64")
    dense = L.Dense(V, dtype="float64")
    model = keras.Sequential([keras.Input((T, D), dtype="float64"), recurrent, dense])
    set_simple_rnn_weights(recurrent, w["W_xh"], w["W_hh"], w["b_h"])
    dense.set_weights([w["W_hy"].T, w["b_y"]])
    nats = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    model.compile(keras.optimizers.SGD(rate), nats)
    model.train_on_batch(x, y)
    return recurrent.get_weights()[1].T - w["W_hh"]


# %%
moved, change = keras_step(0.1), mistakes["updated on the way"]
late = -0.1 * gradient(x, y, w, np.zeros((B, H)))["W_hh"]
on_the_way = -0.1 * gradient(x, y, w, np.zeros((B, H)), planted(*change, 0.1))["W_hh"]
claim(59, ("Keras' step against one update with the sum, relative error",
           error(moved, late), "< 1e-5", 0),
      ("against updates on the way", error(moved, on_the_way), "> 1e-3", 0),
      ("the tenth mistake's gradient at rate 1: relative error", by_rate[1], "> 0.005", 3))

# %% [markdown]
# ### What is a training step?
#
# Two terms are easily confused. A [time step](#term-time-step) is one position in a sequence. A [training step](#term-training-step)
# is one update of the weights, and it may take in many sequences, of many time steps each. Count them.

# %%
all_x, _ = tasks.delayed_recall(32 * 400, 6, 4, seed=0)  # what learned() reads
sequences, steps = all_x.shape[:2]
updates = learned(through_time, seed=0)[1]
claim(69, ("training steps", updates, "== 400"),
      ("sequences in each", sequences / updates, "== 32"),
      ("time steps of each sequence", steps, "== 6"),
      ("predictions in each", sequences * steps / updates, "== 192"))

# %% [markdown]
# ## What it costs
#
# BPTT reads the states of the forward pass in the opposite order, so all of them must be kept, and the inputs too. A
# net that only runs can forget each state as soon as it has the next. Count bytes, for a batch of 32, 64 features and
# 256 units, in 32-bit numbers.

# %%
needed = {}
for steps in (100, 200, 400, 800):
    long = np.zeros((32, steps, 64), dtype="float32")
    states, last = layers.RNN(64, 256, seed=0).forward(long)
    needed[steps] = long.nbytes + states.nbytes
    megabytes = needed[steps] / 1e6, last.nbytes / 1e6
    print("T = {}: to train {:5.1f} MB, to run {:.2f} MB".format(steps, *megabytes))
assert needed[800] == 8 * needed[100]

# %% [markdown]
# Memory grows in proportion to $T$. So does time: the backward pass takes each step once. Seconds differ from machine
# to machine, so the cell prints none: it only asserts bounds for a ratio of two times. It counts the processor's time, which a busy machine
# hardly disturbs.

# %%
def seconds(T):
    x, w = rng.normal(size=(8, T, 8)), net(8, 32, 4, 0)
    y, h_0 = np.zeros((8, T), dtype=int), np.zeros((8, 32))
    h, du = forward(x, y, w, h_0)[1:]
    once = partial(through_time, x, h, du, w, h_0, np.zeros_like(h_0))
    return min(timeit.repeat(once, timer=time.process_time, number=3, repeat=7))


growth = seconds(2000) / seconds(500)
print("four times the steps take 2 to 10 times as long:", 2 < growth < 10)
assert 2 < growth < 10  # in proportion to T it would be 4, to its square 16

# %% [markdown]
# There is a way that needs no history at all. [Equation 4.2](#4.2) ran *forward*: it carried the derivative of the
# state along with the state. For a layer this is **real-time recurrent learning** ([Williams and Zipser,
# 1989](#williams1989)). But each of the $H$ numbers in the state has a derivative with respect to each of the $H^2$ recurrent
# weights: $H^3$ numbers to carry, and $H^4$ products a step. [Mozer (1989)](#mozer1989) made it cheap by letting each
# unit feed back to itself alone. Backward, there is one loss, and one derivative for each number in a state: that is why training goes
# backward. Count what must be kept for one sequence of 800 steps, with the 64 features and 256 units from above.

# %%
H_big, T_big, D_big = 256, 800, 64
carried = H_big * (H_big**2 + H_big * D_big + H_big)
kept = T_big * (H_big + D_big)
print(f"numbers for one sequence: forward {carried:,}, backward {kept:,}")
assert carried > 50 * kept

# %% [markdown]
# ## Truncation
#
# A text of a million characters is *one* sequence. Nobody keeps a million states, and nobody wants to wait for the
# end of the text before the first update. **[Truncated backpropagation through
# time](#term-truncated-backpropagation-through-time)** cuts the text into chunks of $k$ steps. The *state* is carried
# from each chunk to the next. The *gradient* is not: at a chunk's first step it stops, and the state that came in is
# treated as a constant. In the notation of [Equation 4.6](#4.6), the second term is set to zero at the last step of
# every chunk.
#
# In code, a chunk is a short sequence with an $h_0$ of its own. First run through all of them and note the state
# before each, then go back.


# %%
def starts(x, w, h_0, k):
    found = [h_0]
    for s in range(0, x.shape[1] - k, k):
        chunk = x[:, s : s + k]
        found.append(rnn(chunk, w["W_xh"], w["W_hh"], w["b_h"], found[-1])[:, -1])
    return found


# %%
def by_chunks(x, y, w, h_0, k, cut):
    T, dh = x.shape[1], np.zeros_like(h_0)
    total = {name: np.zeros_like(w[name]) for name in ("W_xh", "W_hh", "b_h")}
    before = starts(x, w, h_0, k)
    for s in reversed(range(0, T, k)):
        c, first = slice(s, s + k), before[s // k]
        _, h, du = forward(x[:, c], y[:, c], w, first)
        du *= h.shape[1] / T  # the chunk's share of the loss
        dh = 0 * dh if cut else dh
        part, dh = through_time(x[:, c], h, du, w, first, dh)
        total = {name: total[name] + part[name] for name in total}
    return total


# %% [markdown]
# The line with `cut` is the whole of truncation. With one chunk there is nothing to cut, and the gradient is the full
# one.
#
# How wrong is a truncated gradient? Compare directions: the cosine of the angle between the truncated and the full
# gradient, 1 where they agree and 0 where they have nothing in common. The net is fresh, the recurrent matrix is
# orthogonal times a gain, and the task is the running total of chapter 2, with 64 steps and a loss at each.


# %%
def flat(g):
    return np.concatenate([g[name].ravel() for name in ("W_xh", "W_hh", "b_h")])


def cosine(a, b):
    return flat(a) @ flat(b) / np.linalg.norm(flat(a)) / np.linalg.norm(flat(b))


def cosines(ks, gain, seed, B=32, T=64, H=16):
    x, y = tasks.running_total(B, T, 5, seed)
    x, w, h_0 = x.astype(float), net(5, H, 5, seed, gain), np.zeros((B, H))
    full = by_chunks(x, y, w, h_0, T, cut=True)
    return [cosine(by_chunks(x, y, w, h_0, k, cut=True), full) for k in ks]


# %%
ks = (1, 2, 4, 8, 16, 32, 64)
angles = {gain: np.array([cosines(ks, gain, seed) for seed in range(5)])
          for gain in (0.5, 1.0, 1.2)}
print("k:       ", *(f"{k:5}" for k in ks))
for gain, rows in angles.items():
    print(f"gain {gain}:", *(f"{c:5.2f}" for c in rows.mean(axis=0)))
assert all(rows.mean(axis=0)[0] > 0.5 for rows in angles.values())
assert (angles[1.2].mean(axis=0)[:3] < angles[0.5].mean(axis=0)[:3]).all()

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-cosine", "caption": "How well the truncated gradient points in the direction of the full one. Thin lines are five seeds, thick lines their means."}, "image": {"alt": "Cosine against the chunk length from 1 to 64 on a logarithmic axis, for three gains of the recurrent matrix. All curves rise to one at 64. The smaller the gain, the higher they start."}}
fig, ax = plt.subplots()
for gain, kind in ((0.5, "input"), (1.0, "hidden"), (1.2, "output")):
    color, rows = COLORS[kind], angles[gain]
    ax.plot(ks, rows.T, color=color, lw=0.6)
    ax.plot(ks, rows.mean(axis=0), "o-", color=color, ms=4, label=f"gain {gain}")
ax.set_xscale("log", base=2)
ax.set_xticks(ks, ks)
ax.set(xlabel="chunk length k (steps)", ylabel="cosine to the full gradient")
ax.set(ylim=(0, 1.04))
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# Surprisingly good: with chunks of a *single* step, where no gradient crosses any step, the cosine is still 0.66 at the
# largest gain and 0.95 at the smallest. In a fresh net, a loss depends mostly on the steps just before it, and the more so the
# faster the net forgets.
#
# What separates the two is not noise, though. Noise would average out over more sequences. Try it with one of the five nets, seed 0.

# %%
few, many = (cosines((1,), 1.0, 0, B=n)[0] for n in (32, 2048))
print(f"k = 1, gain 1: cosine {few:.2f} with 32 sequences, {many:.2f} with 2048")
assert many < 0.95

# %% [markdown]
# A truncated gradient is *biased*: it points elsewhere, however much data you give it. [Tallec and Ollivier
# (2017)](#tallec2017) show how to remove the bias: cut at random places, and make up for the cuts with factors. The last exercise lets you do it.
#
# All these nets are fresh. What does training change? Here is the trained text generator of
# [chapter 3](03_text_generator.ipynb), which saw no gradient across more than 32 characters, beside a fresh net of its size.
# Both read the first 128 characters of 32 rows of the novel.


# %%
def text_cosines(model, x, y, ks, T=128):
    found = {}
    for k in ks:
        total, state = 0, None
        for s in range(0, T, k):
            logits, state = model.forward(x[:, s : s + k], state)
            model.backward(cross_entropy(logits, y[:, s : s + k])[1])
            part = model.recurrent.by_name(model.recurrent.gradients)
            total = total + flat(part) * k / T
        found[k] = total
    full = found[T]
    return [g @ full / np.linalg.norm(g) / np.linalg.norm(full) for g in found.values()]


# %%
wide = (1, 2, 4, 8, 16, 32, 64, 128)
trained = LanguageModel.load(data.path("weights/plain-rnn.npz"))
untrained = LanguageModel(trained.V, 256, "rnn", embedding=16, dtype="float64")
rows_of_text = next(text.stateful_batches(trained.encode(data.novel("train")), 32, 128))
print("k:       ", *(f"{k:5}" for k in wide))
of_text = {}
for name, model in (("fresh", untrained), ("trained", trained)):
    of_text[name] = text_cosines(model, *rows_of_text, wide)
    print(f"{name:9}", *(f"{c:5.2f}" for c in of_text[name]))
assert of_text["trained"][5] > 0.95 > 0.9 > of_text["fresh"][5]

# %% [markdown]
# After its training the truncated gradient has nearly the direction of the full one, with the 32 steps of chapter 3 and even with 8;
# before it, it has not. What this net can use of the past lies within a dozen characters, as chapter 3 measures. For a net
# that must keep something for long, expect less.
#
# ### A lag longer than the chunk
#
# A good cosine is a statement about the whole gradient. What about the one thing that needs the long way? In delayed recall with 12
# steps and 8 symbols the symbol is shown at step 1, and only the last step asks for it. Train with the gradient of the
# last $k$ steps, in three ways:
#
# - **full**: $k = 12$, the gradient reaches the symbol;
# - **carried**: $k = 8$ or $k = 4$, the state at the start of the last chunk is handed on, the gradient is not;
# - **reset**: $k = 4$, and the state starts from zero: nothing of the symbol is left.


# %%
def last_only(x, y, w, h_0):
    h = rnn(x, w["W_xh"], w["W_hh"], w["b_h"], h_0)
    _, d_last = cross_entropy(h[:, -1] @ w["W_hy"].T + w["b_y"], y)
    du = np.zeros((*x.shape[:2], len(w["b_y"])))
    du[:, -1] = d_last  # a loss at the last step alone
    g, _ = through_time(x, h, du, w, h_0, np.zeros_like(h_0))
    return g | {"W_hy": d_last.T @ h[:, -1], "b_y": d_last.sum(axis=0)}


def before_chunk(x, w, k, carry):
    if not carry or k == x.shape[1]:
        return np.zeros((len(x), len(w["b_h"])))
    return rnn(x[:, :-k], w["W_xh"], w["W_hh"], w["b_h"])[:, -1]


# %%
def recall_net(k, carry, seed, gain=0.9, T=12, V=8, B=50, steps=400):
    w, optimizer = net(V + 1, 32, V + 1, seed, gain), Adam()
    drawn = tasks.delayed_recall(B * 400, T, V, seed)
    for x, y in islice(batches(*drawn, B), steps):
        g = last_only(x[:, -k:], y[:, -1], w, before_chunk(x, w, k, carry))
        clip_by_norm(g, 1.0)
        optimizer.update(w, g, rate=1e-3)
    return w


# %%
def recalled(k, carry, seed, gain=0.9, T=12, V=8):
    w = recall_net(k, carry, seed, gain, T, V)
    x, y = tasks.delayed_recall(1000, T, V, seed + 100)  # fresh sequences
    start = before_chunk(x, w, k, carry)
    h = rnn(x[:, -k:], w["W_xh"], w["W_hh"], w["b_h"], start)[:, -1]
    said = np.argmax(h @ w["W_hy"].T + w["b_y"], axis=1)
    return (said == y[:, -1]).mean()


# %%
accuracy = {}
for name, k, carry in (("full", 12, True), ("carried", 8, True),
                       ("carried", 4, True), ("reset", 4, False)):
    accuracy[name, k] = [recalled(k, carry, seed) for seed in range(3)]
    print(f"{name:8} k = {k:2}:", *(f"{a:.2f}" for a in accuracy[name, k]))
print(f"chance: {1 / 8}")
assert min(accuracy["carried", 8]) > 0.9

# %% [markdown]
# The full gradient learns it. With the state reset the task is impossible, and the net guesses. In between stands the
# surprise: **no gradient ever reached the symbol, and yet the carried net names it**, with $k = 8$ as well as the full
# gradient does, and with $k = 4$ far more often than by chance. A recurrent matrix that is orthogonal, times 0.9, keeps a trace of every input by itself, and the
# gradient of the last steps can learn to *read* the trace. What it cannot learn is to *write* it: it never sees the step
# at which the symbol comes in. So take a net that keeps less by itself, with a gain of 0.7.

# %%
for name, k in (("full", 12), ("carried", 4)):
    accuracy[name, "0.7"] = [recalled(k, True, seed, gain=0.7) for seed in range(3)]
    print(f"gain 0.7, {name:8}:", *(f"{a:.2f}" for a in accuracy[name, "0.7"]))
assert np.mean(accuracy["full", "0.7"]) > 0.9
assert np.mean(accuracy["carried", "0.7"]) < np.mean(accuracy["carried", 4]) - 0.1

# %% [markdown]
# With the full gradient the net learns to keep the symbol. With the truncated one it has to live with what is kept anyway:
# it is still above chance, but worse than with the gain of 0.9 in each of the three seeds.
#
# And the cosine? Train the nets with the gain of 0.9 by the full gradient, stop after 100 of the 400 updates, and ask which direction
# the gradient of the last 4 steps would take instead.

# %%
def recall_cosine(w, k, seed):
    x, y = next(batches(*tasks.delayed_recall(1000, 12, 8, seed + 100), 1000))
    part, full = (last_only(x[:, -n:], y[:, -1], w, before_chunk(x, w, n, carry=True))
                  for n in (k, 12))
    return cosine(part, full)


met = {steps: [recall_cosine(recall_net(12, True, seed, steps=steps), 4, seed)
               for seed in range(3)] for steps in (0, 100)}
for steps, row in met.items():
    print(f"after {steps:3} updates, k = 4: cosine", *(f"{c:.2f}" for c in row))
assert min(met[0]) > 0.9 > max(met[100]) and np.mean(met[100]) < 0.7

# %% [markdown]
# In the fresh nets the two agree almost perfectly. While the nets learn to keep the symbol, they agree less, in two of the three
# seeds much less. So a good cosine of a fresh net promises nothing for its training.
#
# So does truncated BPTT drop long-term dependencies, as the next claim says? It drops them from the
# gradient, not from the memory. Full BPTT drops none: every step's share is in the sum.

# %%
fresh = net(9, 32, 9, seed=0, gain=0.9)
x_12, y_12 = next(batches(*tasks.delayed_recall(50, 12, 8, seed=0), 50))


def to_symbols(k):
    # columns 1 to 8 hear the symbols, and ones at the last step, which is left out
    g = {}
    for n in (k, 1):
        start = before_chunk(x_12, fresh, n, carry=True)
        g[n] = last_only(x_12[:, -n:], y_12[:, -1], fresh, start)["W_xh"]
    return np.linalg.norm((g[k] - g[1])[:, 1:])


# %%
worst, best = min(accuracy["full", 12]), max(accuracy["reset", 4])
carried = np.mean(accuracy["carried", 4])
claim(29, ("full: size of step 1's share for symbols", to_symbols(12), "> 1e-4", 2),
      ("truncated to 4 steps", to_symbols(4), "< 1e-12", 0),
      ("recall over 11 steps, worst of 3 seeds: full", worst, "> 0.9"),
      ("truncated, state carried, mean", carried, "> 0.4", 2),
      ("truncated, state reset, best seed", best, "< 0.2", 2))

# %% [markdown]
# [Williams and Peng (1990)](#williams1990) study such schemes with two numbers: how many steps the gradient goes
# back, and how many steps forward lie between two updates. Ours, where both are $k$, is the cheapest. Its weakness:
# the loss at a chunk's first step goes back no further than that step, the loss at its last one goes back $k$ steps.
# On average, a loss goes back $(k + 1) / 2$ steps, its own step counted.
#
# ### Updates, counted
#
# Chunks also give more updates. A text in $B$ rows of $n$ steps, in chunks of $k$, gives $n / k$ updates an
# [epoch](#term-epoch). [stateful_batches](#rnnbook.text.stateful_batches) cuts a text that way.

# %%
ids = tasks.echoes(10_001, 4, lag=3, repeat=0.85, seed=0)
for k in (10, 50, 250, 500):
    chunks = len(list(text.stateful_batches(ids, 20, k)))
    print(f"k = {k:3}, chunks: {chunks:2}, updates in three epochs: {3 * chunks:3}")
    assert chunks == 10_000 // 20 // k

# %% [markdown]
# Small chunks: many updates, each of them short-sighted. One chunk: one update an epoch, with the full gradient. In
# practice the memory, or the patience, decides.
#
# ## The generator, by your own backward pass
#
# One piece is missing before you can train the text generator of [chapter 3](03_text_generator.ipynb) with nothing but
# what you derived: its input. It reads embeddings, $x_t = E^\top o_t$ with the one-hot code $o_t$ of the character, and
# $E$ is learned. An input touches $a_t$ alone, and row $i$ of $E$ touches all the steps at which character $i$ stands:
#
# $$
# \begin{aligned}
# \frac{\mathrm d L}{\mathrm d x_t} &= W_{xh}^\top \frac{\mathrm d L}{\mathrm d a_t} \\
# \frac{\mathrm d L}{\mathrm d E} &= \sum_{t=1}^{T} o_t \Big(\frac{\mathrm d L}{\mathrm d x_t}\Big)^{\!\top}
# \end{aligned}
# $$ (4.10)
#
# A column with a single one, times a row: the gradient of step $t$ is added to the row of its character, and nothing is
# multiplied. `np.add.at` does that, and still adds every share where the same character stands in several sequences. Here is the whole program, in the
# spirit of [Karpathy (2015)](#karpathy2015): the text, the weights, forward, backward, training, writing.

# %%
novel = data.novel("train")
characters = sorted(set(novel))
number = {c: i for i, c in enumerate(characters)}
story = np.array([number[c] for c in novel])
V, D, H, B, T = len(characters), 16, 64, 32, 32

# %%
rng = np.random.default_rng(0)
Q, _ = np.linalg.qr(rng.normal(size=(H, H)))
own = {"E": 0.3 * rng.normal(size=(V, D)), "W_xh": rng.normal(size=(H, D)) / D**0.5}
own |= {"W_hh": Q, "b_h": np.zeros(H), "W_hy": rng.normal(size=(V, H)) / H**0.5}
own["b_y"] = np.zeros(V)
start = {name: array.copy() for name, array in own.items()}


# %%
def read(ids, w, h_0):
    x, h = w["E"][ids], np.empty((*ids.shape, len(w["b_h"])))  # (B, T, D), (B, T, H)
    for t in range(ids.shape[1]):
        h_0 = h[:, t] = np.tanh(x[:, t] @ w["W_xh"].T + h_0 @ w["W_hh"].T + w["b_h"])
    return x, h, h @ w["W_hy"].T + w["b_y"]


# %%
def walk_back(ids, x, h, du, w, h_0):
    g, dh_next = {name: np.zeros_like(array) for name, array in w.items()}, 0
    g["W_hy"], g["b_y"] = np.einsum("btv,bth->vh", du, h), du.sum(axis=(0, 1))
    for t in reversed(range(ids.shape[1])):
        da = (1 - h[:, t] ** 2) * (du[:, t] @ w["W_hy"] + dh_next)
        g["W_xh"] += da.T @ x[:, t]
        g["W_hh"] += da.T @ (h[:, t - 1] if t > 0 else h_0)
        g["b_h"] += da.sum(axis=0)
        np.add.at(g["E"], ids[:, t], da @ w["W_xh"])  # Equation 4.10
        dh_next = da @ w["W_hh"]
    return g


# %% [markdown]
# First the check, as above: a net that is small enough, several sequences and steps, no two sizes alike, a state at the start
# and biases that are not zero, and 64-bit numbers. The three sequences of five characters all end in the same one, so that its row
# of $E$ must get three shares of one step.

# %%
some, then = story[109:124].reshape(3, 5), story[110:125].reshape(3, 5)
assert len(set(some[:, -1])) == 1
small = {"E": (V, 2), "W_xh": (4, 2), "W_hh": (4, 4), "b_h": 4, "W_hy": (V, 4), "b_y": V}
tiny = {name: rng.normal(size=size) for name, size in small.items()}
h_0 = rng.normal(size=(3, 4))

# %%
x, h, u = read(some, tiny, h_0)
g = walk_back(some, x, h, cross_entropy(u, then)[1], tiny, h_0)
errors = gradients.check(lambda: cross_entropy(read(some, tiny, h_0)[2], then)[0], tiny, g)
print("all relative errors below 1e-6:", max(errors.values()) < 1e-6, "for", *errors)
assert max(errors.values()) < 1e-6

# %% [markdown]
# Then the training: 32 rows in chunks of 32 steps, the state carried, the norm of the gradient limited to 1, Adam with a rate of 0.005.
# Each figure but the first is the mean loss of the last ten steps.


# %%
def train_by_hand(w, ids, steps, rate=5e-3):
    optimizer, h_0, losses = Adam(), np.zeros((B, H)), []
    for x_ids, y_ids in islice(text.stateful_batches(ids, B, T), steps):
        x, h, u = read(x_ids, w, h_0)
        loss, du = cross_entropy(u, y_ids)
        g = walk_back(x_ids, x, h, du, w, h_0)
        clip_by_norm(g, 1.0)
        optimizer.update(w, g, rate)
        h_0 = h[:, -1]
        losses.append(loss / np.log(2))
    return np.array(losses)


# %%
own = {name: array.copy() for name, array in start.items()}  # afresh, if you run this again
by_hand = train_by_hand(own, story, 400)
for step in (0, 10, 100, 399):
    print(f"step {step:3}: {by_hand[max(0, step - 9) : step + 1].mean():.2f} bits a character")

# %% [markdown]
# Does the package's [LanguageModel](#rnnbook.text.language_model.LanguageModel) see the same? Give it the same first
# weights, and let [fit](#rnnbook.nn.training.fit) train it on the same chunks.

# %%
theirs = LanguageModel(V, H, "rnn", embedding=D, dtype="float64")
names = ("E", "W_xh", "W_hh", "b_h", "W_hy", "b_y")
for name, array in zip(names, theirs.parameters.values(), strict=True):
    array[...] = start[name]
first = islice(text.stateful_batches(story, B, T), 50)
losses = fit(theirs, first, cross_entropy, Adam(), rate=5e-3, clip=1.0, carry=True)
apart = abs(losses / np.log(2) - by_hand[:50]).max()
print("the first 50 losses differ by less than 1e-6 bits:", apart < 1e-6)
assert apart < 1e-6 and by_hand[-10:].mean() < 3.2 < by_hand[0]

# %% [markdown]
# The same numbers: what you derived is what the package does. And it writes:


# %%
def write(prompt, n, w, seed):
    rng, h_0, written = np.random.default_rng(seed), np.zeros((1, H)), list(prompt)
    context = np.array([[number[c] for c in prompt]])
    for _ in range(n):
        _, h, u = read(context, w, h_0)
        h_0, p = h[:, -1], softmax(u[0, -1])
        context = np.array([[rng.choice(V, p=p)]])
        written.append(characters[context[0, 0]])
    return "".join(written)


sample = write("The games ", 150, own, seed=0)
print(textwrap.fill(" ".join(sample.split()), 72))

# %% [markdown]
# After 400 steps the spaces come at about the right distances. Many of the short words are real ones; the longer ones are made up. [Chapter 3](03_text_generator.ipynb) has shown
# how far more units and more steps take this kind of net.
#
# ## Recomputation: all of the gradient for less of the memory
#
# Look again at `by_chunks`, and set `cut=False`. It then hands the gradient from each chunk to the one before. This
# is no truncation any more: it is the exact gradient. And yet only two things are ever in memory, the states *before*
# the chunks and the states *of one* chunk. The others are thrown away and computed again when their turn comes.

# %%
x_long, y_long = tasks.running_total(8, 400, 5, 0)
x_long, w_long, zero = x_long.astype(float), net(5, 16, 5, 0), np.zeros((8, 16))
exact = gradient(x_long, y_long, w_long, zero)
again = by_chunks(x_long, y_long, w_long, zero, 20, cut=False)
print("recomputed = full:", all(error(again[n], exact[n]) < 1e-10 for n in again))
assert all(error(again[n], exact[n]) < 1e-10 for n in again)
cut = by_chunks(x_long, y_long, w_long, zero, 20, cut=True)
print(f"truncated: relative error {error(cut['W_hh'], exact['W_hh']):.2f}")

# %% [markdown]
# This is **[gradient checkpointing](#term-gradient-checkpointing)**. With chunks of $k$ steps it keeps
#
# $$
# \frac{T}{k} + k \ \text{ states in place of } \ T
# $$ (4.11)
#
# which is smallest for $k = \sqrt T$. The price is one more forward pass ([Chen et al., 2016](#chen2016)).

# %%
divisors = (1, 2, 4, 5, 8, 10, 16, 20, 25, 40, 50, 80, 100, 200, 400)
held = {k: 400 // k + k for k in divisors}
best = min(held, key=held.get)
print(f"T = 400: fewest with k = {best}, {held[best]} states instead of 400")
assert best == 20 and len(starts(x_long, w_long, zero, best)) + best == held[best]

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-checkpoints", "caption": "States in memory for 400 steps. Too many chunks: their starts fill the memory. Too few: one chunk's states do."}, "image": {"alt": "A valley on two logarithmic axes. The number of states held falls from about 400 at chunk length 1 to 40 at chunk length 20 and rises to about 400 again at chunk length 400."}}
fig, ax = plt.subplots(figsize=(5.8, 3.2))
ax.loglog(list(held), list(held.values()), "o-", color=COLORS["memory"], ms=4)
ax.axhline(400, ls="--", color=COLORS["muted"], lw=1.5)
ax.text(1, 430, "all states kept", color=COLORS["muted"])
ax.set_xticks((1, 5, 20, 80, 400), (1, 5, 20, 80, 400))
ax.set_yticks((40, 100, 400), (40, 100, 400))
ax.minorticks_off()
ax.set(xlabel="chunk length k (steps)", ylabel="states in memory", ylim=(30, 600))
plt.show()

# %% [markdown]
# [Gruslys et al. (2016)](#gruslys2016) find the best plan for any memory: which states to keep, and how often to
# recompute the others. Put truncation and recomputation side by side: the same loop, and a single line that differs. Both
# save memory: the first pays with the long way back, the second with time.
#
# ## In Keras
#
# <a id="question-21"></a>
# ### How do I truncate backpropagation through time in Keras?
#
# There is no argument for it. Cut the text into chunks, and carry the state with `stateful=True`: the layer then
# starts each batch from the state in which the last one ended. It keeps that state in variables, and no gradient flows
# back through a value that was stored in one. Row $i$ of a batch must go on where row $i$ of the batch before stopped, so
# never shuffle, and the batch size is fixed.

# %%
k, B, D, H = 4, 2, 3, 5
x_1, x_2 = (tf.constant(rng.normal(size=(B, k, D))) for _ in range(2))
layer = L.SimpleRNN(H, return_sequences=True, stateful=True, dtype="float64")
first_in = keras.Input(batch_shape=(B, k, D), dtype="float64")
model = keras.Sequential([first_in, layer])
with tf.GradientTape(persistent=True) as tape:
    tape.watch([x_1, x_2])
    h_1 = model(x_1)
    late = tf.reduce_sum(model(x_2) ** 2)
print("the second chunk's loss, and its own inputs:", tape.gradient(late, x_2).shape)
print("the second chunk's loss, and the first's inputs:", tape.gradient(late, x_1))

# %% [markdown]
# `None`: TensorFlow sees no way from the second chunk's loss to the first chunk. But the state did cross. So the
# gradient of the weights must be that of our `through_time` on the second chunk alone, with the first one's last
# state as a constant $h_0$. And `reset_state` on the layer (a Keras 3 model has no such method) starts afresh.

# %%
by_keras = [a.numpy().T for a in tape.gradient(late, layer.weights)]
W_xh, W_hh, b_h = (a.T for a in layer.get_weights())
first = h_1.numpy()[:, -1]
h_2 = rnn(x_2.numpy(), W_xh, W_hh, b_h, first)
chunk = {"W_xh": W_xh, "W_hh": W_hh, "b_h": b_h, "W_hy": np.eye(H)}
ours, _ = through_time(x_2.numpy(), h_2, 2 * h_2, chunk, first, np.zeros((B, H)))
for a, b in zip(by_keras, ours.values(), strict=True):
    assert error(a, b) < 1e-12
layer.reset_state()
assert error(model(x_1).numpy(), h_1.numpy()) < 1e-12
print("Keras, stateful = ours with a constant state; after reset_state: afresh")

# %% [markdown]
# A training loop then needs two things: no shuffling, and a reset at each beginning of the text. Keras counts its
# updates: in each epoch there are as many as chunks.

# %%
chunks = list(text.stateful_batches(ids[:2001], 20, 10))
one_hot = np.eye(4, dtype="float32")
x = np.concatenate([one_hot[a] for a, _ in chunks])
y = np.concatenate([b for _, b in chunks])

# %%
layer = L.SimpleRNN(16, return_sequences=True, stateful=True)
model = keras.Sequential([keras.Input(batch_shape=(20, 10, 4)), layer, L.Dense(4)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
for _ in range(3):  # epochs
    layer.reset_state()
    model.fit(x, y, batch_size=20, shuffle=False, verbose=0)
updates = int(model.optimizer.iterations)
print(f"{len(chunks)} chunks, 3 epochs: {updates} updates")
assert updates == 3 * len(chunks)

# %% [markdown]
# Without `stateful`, each chunk starts from zero: the *reset* net above. Much published code does so on purpose, since such
# chunks may be shuffled; [chapter 8](08_a_chapter_of_your_own.ipynb) measures what it costs. Done by mistake, it is silent.
#
# ## Summary
#
# - An immediate derivative holds earlier states fixed, a total one lets them move. A gradient is total.
# - BPTT is backpropagation on the unfolded graph. At each state, what comes from above and what comes from the right
#   are added; at the weights, all steps' shares are.
# - Nothing is updated on the way: one sum, then one update.
# - Check every gradient by central differences in 64-bit numbers, with several steps and sequences. A
#   falling loss proves nothing.
# - BPTT keeps all states: memory and time grow with $T$.
# - Truncation cuts the gradient and not the state. It is biased: little in the trained text net, much in nets that are learning to
#   keep a symbol. It is blind to how a distant input was stored; what the state happens to keep can still be read.
# - Recomputation gives the exact gradient with about $2\sqrt T$ states in memory, for one more forward pass.
#
# ## What number should I get?

# %%
for what, value, tolerance in (
    ("slope of h_3 in the first example", total, "exact"),
    ("loss of the small net", loss, "0.0001"),
    ("mistakes found, one step, no state", caught["state zero, one step"], "exact"),
    ("broken nets that beat the guess", len(below), "1"),
    ("cosine, k = 1, gain 1", angles[1.0].mean(axis=0)[0], "0.01"),
    ("recall, full, mean", np.mean(accuracy["full", 12]), "0.05"),
    ("recall, carried, k = 4, mean", np.mean(accuracy["carried", 4]), "0.1"),
    ("recall, reset, mean", np.mean(accuracy["reset", 4]), "0.03"),
    ("states held for T = 400", held[best], "exact"),
):
    print(f"{what:36} {value:8.3f}   tolerance {tolerance}")

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of the dots and run the cell: it says whether it is right, and if not, where to look.
# The solutions, in the book, are folded below each.
#
# ### Exercise 4.1: Immediate and total
#
# *by hand · 4 minutes*
#
# A neuron follows $h_t = w\, h_{t-1} + x_t$ with $w = 2$ and $h_0 = 0$. The inputs are 1, 3, 1. What are
# $\partial^{+} h_3 / \partial w$ and $\mathrm d h_3 / \mathrm d w$?

# %% tags=["stub"]
derivatives = ...  # a list of two numbers: immediate, total

check("4.1", derivatives)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# h_2 = 2 * 1 + 3 = 5. And h_3 = w**2 + 3 w + 1, with the slope 2 w + 3.
derivatives = [5, 2 * 2 + 3]
check("4.1", derivatives)

# %% [markdown]
# ### Exercise 4.2: Blame by hand
#
# *by hand · 6 minutes*
#
# A neuron follows $h_t = 0.5\, h_{t-1} + x_t$, and the loss is $L = h_1 + h_2 + h_3$. What are
# $\mathrm d L / \mathrm d h_1$, $\mathrm d L / \mathrm d h_2$ and $\mathrm d L / \mathrm d h_3$? The inputs do not
# matter: why?

# %% tags=["stub"]
blame = ...  # a list of three numbers, for steps 1, 2, 3

check("4.2", blame)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# From above comes 1 at each step, from the right half of what the next state has.
third = 1
second = 1 + 0.5 * third
blame = [1 + 0.5 * second, second, third]  # all is linear: the slopes are constant
check("4.2", blame)

# %% [markdown]
# ### Exercise 4.3: Count the updates
#
# *by hand · 5 minutes*
#
# A text is cut into 20 rows of 500 time steps and read in chunks of 25, for three epochs. (a) How many updates are
# made? (b) How many predictions go into each, all rows together? (c) How many states of each row must be kept for one
# backward pass, besides the one that was carried in?

# %% tags=["stub"]
counts = ...  # a list of three numbers

check("4.3", counts)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
counts = [3 * 500 // 25, 20 * 25, 25]
check("4.3", counts)

# %% [markdown]
# ### Exercise 4.4: Central differences
#
# *code · 10 minutes*
#
# Write `slopes(loss, array, step)` for a function `loss(array)`: the central differences of [Equation 4.9](#4.9), in
# the shape of the array. The array must be afterwards what it was before.


# %% tags=["stub"]
def slopes(loss, array, step): ...


check("4.4", slopes)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_04 import slopes

check("4.4", slopes)

# %% [markdown]
# ### Exercise 4.5: The walk back
#
# *code · 15 minutes*
#
# Write `backward(above, h, W_hh)`. `above` holds what comes to each state from above, shape (B, T, H), and `h` the
# states of a tanh layer, of the same shape. Return $\mathrm d L / \mathrm d a_t$ for all steps, shape (B, T, H).


# %% tags=["stub"]
def backward(above, h, W_hh): ...


check("4.5", backward)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_04 import backward

check("4.5", backward)

# %% [markdown]
# ### Exercise 4.6: All shares at once
#
# *code · 10 minutes*
#
# With all $\mathrm d L / \mathrm d a_t$ at hand, the sum over time needs no loop. Write
# `recurrent_gradient(da, h, h_0)`: the gradient of $W_{hh}$, from arrays of the shapes (B, T, H), (B, T, H) and (B,
# H).


# %% tags=["stub"]
def recurrent_gradient(da, h, h_0): ...


check("4.6", recurrent_gradient)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_04 import recurrent_gradient

check("4.6", recurrent_gradient)

# %% [markdown]
# ### Exercise 4.7: Three patients
#
# *by hand · 10 minutes*
#
# Three programs failed their check. Each has one of the ten mistakes of this chapter, numbered 1 to 10 in the order
# in which the table of fingerprints lists them. Which?
#
# - **A.** Only $b_h$ is wrong. With a batch of one sequence all is right.
# - **B.** All is wrong with four steps. With one step all weights are right, but the gradient of $h_0$ is wrong. With
#   a symmetric $W_{hh}$ all is right, whatever the number of steps.
# - **C.** Only $W_{hh}$ is wrong: its gradient is exactly the transpose of the right one, with any number of steps.

# %% tags=["stub"]
patients = ...  # a list of three numbers, for A, B, C

check("4.7", patients)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# A: a mean over one sequence is its sum. B: with one step, W_hh is used only on the way
# to h_0. C: da.T @ h_prev was turned round.
patients = [8, 3, 9]
check("4.7", patients)

# %% [markdown]
# ### Exercise 4.8: Less memory
#
# *by hand · 5 minutes*
#
# A sequence has 900 steps. Which chunk length $k$ needs the fewest states in memory, if all else is recomputed, and
# how many are they?

# %% tags=["stub"]
memory = ...  # a list of two numbers: k, states

check("4.8", memory)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# The slope of 900 / k + k is 1 - 900 / k**2: zero at k = 30.
memory = [30, 900 // 30 + 30]
check("4.8", memory)

# %% [markdown]
# ### Exercise 4.9: Truncate anything
#
# *code · 15 minutes*
#
# Somebody hands you `chunk_gradient(x, h_0)`, for a part `x` of a sequence and the state before it. It returns the
# gradient of the *mean* loss over that part, and the state after it. Write `truncated(chunk_gradient, x, h_0, k)`:
# the truncated gradient of the mean loss over the whole sequence. The last chunk may be shorter than $k$.
# In the check, `x` has the shape (T,) and there is one weight, so that a gradient is a number.


# %% tags=["stub"]
def truncated(chunk_gradient, x, h_0, k): ...


check("4.9", truncated)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_04 import truncated

check("4.9", truncated)

# %% [markdown]
# ### Exercise 4.10: Forward, keeping nothing
#
# *code · 12 minutes*
#
# A tanh neuron follows $h_t = \tanh(w_x x_t + w_h h_{t-1} + b)$ from $h_0 = 0$. Write
# `slope_forward(x, w_x, w_h, b)`: it returns $\mathrm d h_T / \mathrm d w_h$, going forward only and keeping nothing
# but two numbers. `x` is an iterator: it gives each input once.


# %% tags=["stub"]
def slope_forward(x, w_x, w_h, b): ...


check("4.10", slope_forward)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_04 import slope_forward

check("4.10", slope_forward)

# %% [markdown]
# ### Exercise 4.11: How long must a chunk be?
#
# *explore · 15 minutes*
#
# On the running total of 64 steps, with a recurrent matrix of gain 1: which is the smallest of the chunk lengths 1,
# 2, 4, 8, 16, 32, 64 whose mean cosine over the seeds 0 to 4 is above 0.95? Then try other gains, a wider net, a
# longer task. What makes short chunks good enough?

# %% tags=["stub"]
chunk_length = ...  # one of the seven numbers

check("4.11", chunk_length)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# The faster a net forgets, the less there is to cut off: so a small gain. More units
# do not help: the cosines fall a little.
means = np.mean([cosines(ks, 1.0, seed) for seed in range(5)], axis=0)
chunk_length = next(k for k, mean in zip(ks, means, strict=True) if mean > 0.95)
check("4.11", chunk_length)

# %% [markdown]
# ### Exercise 4.12: Cut at random, and be right on average
#
# *code · an evening*
#
# A truncated gradient is biased because the cuts stand in fixed places and nothing makes up for them. Cut at random
# instead: between any two steps with the probability $p$. Write `with_cuts(above, h, W_hh, h_0, cut, p)`, the
# gradient of $W_{hh}$. The first four are as in 4.5 and 4.6. `cut` holds $T - 1$ booleans: `cut[t]` says that nothing
# passes from step `t + 1` back to step `t`, counted from 0. Where something passes, multiply it by a factor such that
# the mean over all cuts is the full gradient. The check tries all of them.
#
# When it is right, train delayed recall with it, against fixed chunks of the same mean length. Does it learn what
# they cannot? And what does it cost? Look at the spread of the gradient's size. These are open questions: no solution
# answers them.


# %% tags=["stub"]
def with_cuts(above, h, W_hh, h_0, cut, p): ...


check("4.12", with_cuts)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_04 import with_cuts

check("4.12", with_cuts)

# %% [markdown]
# ## Further reading
#
# - [Werbos (1990)](#werbos1990): backpropagation through time, with ordered derivatives (his $\partial^{+}$ is our
#   $\mathrm d$), examples, and a program.
# - [Rumelhart, Hinton and Williams (1986)](#rumelhart1986): where unfolded nets and common gradients take a few
#   sentences.
# - [Williams and Zipser (1989)](#williams1989): the gradient computed forward, in real time. [Williams and Peng
#   (1990)](#williams1990): truncation, and its schedules.
# - [Mozer (1989)](#mozer1989): units that feed back to themselves alone, so that the forward way becomes cheap.
# - [Tallec and Ollivier (2017)](#tallec2017): truncation without bias.
# - [Chen et al. (2016)](#chen2016) and [Gruslys et al. (2016)](#gruslys2016): recomputation, with chunks and with the
#   best plan.
# - [Goodfellow, Bengio and Courville (2016)](#goodfellow2016), section 10.2.2: the same gradient in their notation.
