# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Vanishing and exploding gradients
#
# A recurrent net can carry a symbol over a hundred steps. Can it *learn* to? Training asks the gradient how a loss
# today depends on a state long ago, and the answer is a product with one factor for each step between. Such a product
# rarely stays near one. In this chapter you measure it, predict it from the recurrent matrix, see what it costs on
# three memory tasks, and put every remedy that the textbooks name, and some that they miss, to the same test.
#
# | You will | measure gradients over 100 steps; climb a cliff; train small nets on three memory tasks; put every remedy to the test on one of them |
# |---|---|
# | **You learn** | why gradients vanish or explode, and what eigenvalues and singular values tell about it; what clipping does and what it cannot do; which remedy helps against which trouble; where a NaN comes from |
# | **You need** | [Chapter 1](01_recurrent_neuron.ipynb), [chapter 2](02_unfolding.ipynb) and backpropagation through time, from [chapter 4](04_bptt.ipynb) |
# | **It takes** | 90 minutes to read and run, 2 hours with the exercises but 5.9, and an evening for that one |

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
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no lines of a log
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums everywhere

import keras
import matplotlib.pyplot as plt
import numpy as np

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the imports", "code_prompt_hide": "Hide the imports"}
from rnnbook.data import tasks
from rnnbook.exercises import check
from rnnbook.nn import layers
from rnnbook.nn.feedforward import Dense
from rnnbook.nn.gradients import flow, step_jacobians
from rnnbook.nn.layers import sigmoid
from rnnbook.nn.losses import cross_entropy, mean_squared_error
from rnnbook.nn.optimizers import SGD, Adam, clip_by_norm, clip_by_value
from rnnbook.nn.training import Stack, fit
from rnnbook.nn.variants import SkipRNN
from rnnbook.show import instruments, results, style
from rnnbook.show.claims import claim
from rnnbook.show.style import COLORS

style.use()

# %% [markdown]
# ## One neuron
#
# Take a linear neuron that hears only itself: $h_t = w_h\, h_{t-1}$. One step multiplies the state by $w_h$, and so it
# does the derivative. From step $k$ to step $T$ there are $T - k$ such steps, the **lag**:
#
# $$
# \frac{\mathrm d h_T}{\mathrm d h_k} = w_h^{\,T-k}
# $$ (5.1)
#
# Now let the lag be 100.

# %%
for w_h in (0.9, 1.0, 1.1):
    print(f"{w_h} to the power of 100: {w_h**100:10.3g}")
assert 0.9**100 < 1e-4 and 1.1**100 > 1e4

# %% [markdown]
# Ten per cent below one leaves nearly nothing, and ten per cent above one makes thousands. A gradient that shrinks
# like this **[vanishes](#term-vanishing-gradient)**; one that grows like this **[explodes](#term-exploding-gradient)**.
# Only $w_h = 1$ or $-1$ does neither, and no training holds a weight at exactly that.
#
# With an activation function $\varphi$ and an input, the step is $h_t = \varphi(a_t)$ with
# $a_t = w_x x_t + w_h h_{t-1} + b$. Each factor gets the slope $\varphi'(a_t)$:
#
# $$
# \frac{\mathrm d h_T}{\mathrm d h_k} = \prod_{t=k+1}^{T} \frac{\partial^{+} h_t}{\partial h_{t-1}}
# = \prod_{t=k+1}^{T} \varphi'(a_t)\, w_h
# $$ (5.2)
#
# The factors are immediate derivatives $\partial^{+}$, one step each; their product is the total one. For
# tanh the slope is $1 - h_t^2$: 1 where the state is 0, and less the further the state is from 0.
# The logistic function of the early nets is worse: its slope is at most one quarter. So a neuron with it and
# $|w_h| < 4$ must forget. That was the finding of Sepp Hochreiter's diploma thesis, in German, in 1991
# ([Hochreiter, 1991](#hochreiter1991)). [Bengio et al. (1994)](#bengio1994) found the trouble independently, and showed that a
# net that can hold a bit safely must have vanishing gradients. No experiment can prove a date. But you can test the thesis' number, from
# both sides: with a weight just below four and one just above, and a bias that holds the neuron at $h = 0.5$, where its slope is largest.

# %%
reached = {}
for w_h in (3.9, 4.1):
    h, derivative = 0.5, 1.0
    for _ in range(100):
        h = sigmoid(w_h * (h - 0.5))  # the bias is -w_h / 2: h stays at 0.5
        derivative *= h * (1 - h) * w_h
    reached[w_h] = derivative
claim(40, ("logistic neuron, derivative over 100 steps, w_h = 3.9", reached[3.9], "< 0.1", 2),
      ("w_h = 4.1", reached[4.1], "> 10", 2))

# %% mystnb={"figure": {"name": "fig-one-neuron", "caption": "One neuron, 100 steps. Lines: linear, for three weights. Dots: tanh with the same weights, started at 0.1, without input."}, "image": {"alt": "Size of the derivative against the lag on a logarithmic scale. The straight lines for weights 1.1, 1 and 0.9 rise, stay and fall. The dots of tanh lie on the line for 0.9 and just below it for 1; for 1.1 they rise at first, turn, and fall below all others."}}
fig, ax = plt.subplots()
lags = np.arange(101)
for w_h, kind in ((1.1, "gradient"), (1.0, "hidden"), (0.9, "input")):
    h, product = 0.1, [1.0]
    for _ in lags[1:]:
        h = np.tanh(w_h * h)
        product.append(product[-1] * (1 - h**2) * w_h)
    ax.semilogy([0, 100], [1, w_h**100], color=COLORS[kind])
    ax.semilogy(lags[::4], product[::4], "o", ms=3, color=COLORS[kind])
    ax.text(101, float(f"{w_h**100:.3g}"), f"{w_h}", color=COLORS[kind], va="center")
ax.set(xlabel="lag T - k (steps)", ylabel="|dh$_T$ / dh$_k$|", xlim=(0, 109), ylim=(1e-9, 1e5))
plt.show()

# %% [markdown]
# Look at the dots of $w_h = 1.1$. Started at 0.1, the tanh neuron moves to a fixed state near 0.5. While the state is small the
# product grows; near the fixed state, weight times slope is below one, and it shrinks. The neuron still remembers whether it started
# above or below zero, but its gradient vanishes. This is the trade of 1994 in one curve: a stable state forgets small
# differences, and a small difference is all that a gradient sees.
#
# ## A layer
#
# For $H$ neurons the factor of one step is a matrix, the **[Jacobian](#term-Jacobian)**, of shape $(H, H)$:
#
# $$
# \frac{\mathrm d h_T}{\mathrm d h_k} = \prod_{t=T}^{k+1} J_t, \qquad
# J_t = \frac{\partial^{+} h_t}{\partial h_{t-1}} = \mathrm{diag}\big(\varphi'(a_t)\big)\, W_{hh}
# $$ (5.3)
#
# The latest step stands at the left, since matrices do not commute. Entry $(i, j)$ of the product says how number $i$
# of $h_T$ follows number $j$ of $h_k$. How large is a matrix? Its **[singular values](#term-singular-value)** say how
# much it stretches: the largest, $\sigma_1$, is the most that it can do to any vector, and is called its
# **spectral norm** $\lVert W \rVert$. Its **eigenvalues** say what happens in the long run: the largest in absolute
# value, the **[spectral radius](#term-spectral-radius)** $\rho$, sets the rate of $\lVert W^n \rVert$ for large $n$. The reason: where $W$ has a
# full set of eigenvectors, the columns of a matrix $Q$, $W = Q \Lambda Q^{-1}$ with the eigenvalues in the diagonal matrix $\Lambda$.
# Then $W^n = Q \Lambda^n Q^{-1}$, and only the eigenvalues are raised to the power
# ([Goodfellow et al., 2016](#goodfellow2016), section 10.7).
#
# The two are not the same. Here is a matrix whose eigenvalues are both 0.9, so in the end it must shrink everything.

# %%
W = np.array([[0.9, 5.0], [0.0, 0.9]])
rho, sigma_1 = abs(np.linalg.eigvals(W)).max(), np.linalg.norm(W, 2)
print(f"spectral radius {rho:.2f}, largest singular value {sigma_1:.2f}")
powers = [np.linalg.norm(np.linalg.matrix_power(W, n), 2) for n in range(101)]
print(f"largest norm {max(powers):.1f}, after {np.argmax(powers)} steps")
print(f"after 100 steps {powers[100]:.4f}, of which 0.9 ** 100 explains {0.9**100:.1e}")
assert rho < 1 and max(powers) > 15 and powers[100] < 0.05

# %% mystnb={"figure": {"name": "fig-non-normal", "caption": "Two matrices with the same eigenvalues, 0.9 and 0.9: the norms of their powers."}, "image": {"alt": "Norm of the matrix power against the number of steps, logarithmic. For the diagonal matrix a falling straight line. For the non-normal matrix the curve first rises to almost twenty, turns at nine steps, and then falls more and more like the line."}}
fig, ax = plt.subplots()
steps = np.arange(101)
ax.semilogy(steps, powers, color=COLORS["output"])
ax.semilogy([0, 100], [1, 0.9**100], color=COLORS["input"])
ax.text(34, 8, "non-normal", color=COLORS["output"])
ax.text(30, 0.004, "diagonal", color=COLORS["input"], ha="right")
ax.axhline(1, color=COLORS["muted"], ls="--", lw=1.2)
ax.set(xlabel="steps n", ylabel="norm of $W^n$", xlim=(0, 100))
plt.show()

# %% [markdown]
# It grows for nine steps before it decays. A matrix like this is **[non-normal](#term-non-normal-matrix)**: it has no full set of
# perpendicular eigenvectors (this one has a single direction of them). For a normal matrix, such as a symmetric or an
# [orthogonal](#term-orthogonal-matrix) one, $\sigma_1 = \rho$. In general $\sigma_1 \ge \rho$; where they differ, neither number
# alone tells the whole story.
#
# ### A bound, and what it is good for
#
# A product is at most as large as its factors allow. With $\gamma$ the steepest slope of the activation function, 1 for
# tanh and 1/4 for the logistic function, [Pascanu et al. (2013)](#pascanu2013) note
#
# $$
# \Big\lVert \frac{\mathrm d h_T}{\mathrm d h_k} \Big\rVert \le \prod_{t=k+1}^{T} \lVert J_t \rVert
# \le (\gamma\, \sigma_1)^{T-k}
# $$ (5.4)
#
# For ReLU $\gamma$ is 1 as well. (They write the activation function inside the product, so their Jacobian is the matrix times the
# slopes, in the other order; the bound is the same.) If $\gamma \sigma_1 < 1$, the gradient vanishes: that is certain. To explode, it needs
# $\gamma \sigma_1 > 1$: necessary, but not enough. So above 1 nothing is certain, and most nets in practice are there.

# %% [markdown]
# ## Predicted and measured
#
# Now layers of 32 neurons, three activation functions and three ways to draw the first $W_{hh}$:
#
# - **Glorot**: independent uniform numbers ([Glorot and Bengio, 2010](#glorot2010));
# - **[orthogonal](#term-orthogonal-matrix)**: all singular values 1, so a linear layer keeps every length exactly
#   ([Saxe et al., 2014](#saxe2014)). It is the default of Keras and of this course's layers;
# - **identity**: each neuron starts as its own copy ([Le et al., 2015](#le2015)).

# %%
H, D = 32, 4


def orthogonal(seed, gain=1.0):
    Q, R = np.linalg.qr(np.random.default_rng(seed).normal(size=(H, H)))
    return gain * Q * np.sign(np.diag(R))


def glorot(seed):
    limit = np.sqrt(6 / (H + H))
    return np.random.default_rng(seed).uniform(-limit, limit, (H, H))


# %%
starts = {"Glorot": glorot, "orthogonal": orthogonal, "identity": lambda seed: np.eye(H)}


def simple(phi, W_hh, seed, D=D):
    layer = layers.RNN(D, H, seed, phi, dtype="float64")
    layer.weights["W_hh"][:] = W_hh
    return layer


for name, start in starts.items():
    W = [start(seed) for seed in range(5)]
    rho = [abs(np.linalg.eigvals(w)).max() for w in W]
    sigma = [np.linalg.norm(w, 2) for w in W]
    print(f"{name:10} rho {min(rho):.2f} to {max(rho):.2f}, sigma_1",
          f"{min(sigma):.2f} to {max(sigma):.2f}")

# %% [markdown]
# A Glorot matrix has $\rho$ near 1 and $\sigma_1$ near 2. So by eigenvalues it hardly changes anything, while the bound
# allows a factor of two a step. The measurement decides. [step_jacobians](#rnnbook.nn.gradients.step_jacobians) gives $J_t$
# for each step, and [flow](#rnnbook.nn.gradients.flow) the logarithm of the norm of their product, for each lag. The
# inputs are normal random numbers; each of five seeds has weights and inputs of its own.

# %%
T, seeds = 100, range(5)
noise = [np.random.default_rng(100 + seed).normal(size=(T, D)) for seed in seeds]
flows = {}
titles = {"identity": "linear", "tanh": "tanh", "relu": "ReLU"}
for phi in titles:
    for name, start in starts.items():
        made = [simple(phi, start(seed), seed) for seed in seeds]
        runs = [flow(step_jacobians(*pair)) for pair in zip(made, noise, strict=True)]
        flows[phi, name] = np.array(runs)
for (phi, name), f in flows.items():
    if phi != "identity" or name == "Glorot":
        print(f"{phi:8} {name:10} lag 50: 10 to the power of", *f[:, 49].round(1))

# %%
for name, start in starts.items():
    sigma = np.array([np.linalg.norm(start(seed), 2) for seed in seeds])
    bound = np.arange(1, T + 1) * np.log10(sigma)[:, None]
    for phi in ("identity", "tanh", "relu"):
        assert (flows[phi, name] <= bound + 1e-9).all()
assert abs(flows["identity", "orthogonal"]).max() < 1e-9  # linear: every length is kept
assert flows["tanh", "orthogonal"][:, 49].max() < -4
print("the bound holds in", 9 * len(seeds) * T, "of", 9 * len(seeds) * T, "cases")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-flow", "caption": "How strongly the last state depends on the state some steps before: median of five seeds, and their range. Below -16 the curves are cut."}, "image": {"alt": "Three panels, linear, tanh and ReLU, with the logarithm of the Jacobian product against the lag. Linear: orthogonal and identity are flat at zero, Glorot rises. Tanh: all fall, orthogonal steadily to ten to the minus ten. ReLU: Glorot and orthogonal fall even faster, the identity is flat at zero up to a lag of 97, and then its median drops to nothing."}}
fig, axes = plt.subplots(3, 1, figsize=(5.8, 7), sharex=True)
looks = (("Glorot", "output", "-"), ("orthogonal", "input", "--"), ("identity", "hidden", "-."))
x = np.array([1, *range(10, 91, 10), 97, 98, 99, 100])  # lags
for ax, (phi, title) in zip(axes, titles.items(), strict=True):
    for name, kind, dash in looks:
        f = np.maximum(flows[phi, name][:, x - 1], -16)
        ax.plot(x, np.median(f, axis=0), dash, label=name, color=COLORS[kind])
        ax.fill_between(x, f.min(0), f.max(0), alpha=0.15, lw=0, color=COLORS[kind])
    ax.set(title=title, ylabel="log10 of the norm")
axes[2].set(xlabel="lag T - k (steps)")
fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
plt.show()

# %% [markdown]
# Three lessons.
#
# **Linear** layers do what the matrix says. Orthogonal and identity matrices keep every length. The Glorot matrix
# explodes in most seeds, slowly, at the rate of $\rho$ and not of $\sigma_1$.
#
# **Tanh** layers vanish from each of these starts. An orthogonal matrix keeps every length, so there all that is lost is lost in the slopes.
#
# **ReLU** layers vanish even faster from a Glorot or an orthogonal start, in the median, since about half the neurons are off
# at each step and their factor is exactly zero. From the identity nothing is lost, as long as one neuron stays on. The drop at the far
# right, in most seeds, is the start of the sequence: from $h_0 = 0$ the states are small at first, each neuron is off at
# some step, and one such step cuts its path for good.
#
# Try it yourself. The curve is [Equation 5.3](#5.3), the dashed line [Equation 5.4](#5.4), for one neuron or for 16. Can you find a
# setting in which a tanh layer neither loses nor explodes over 50 steps? And one in which it follows the bound?

# %%
instruments.show("gradient-flow")

# %% [markdown]
# One answer: a single neuron with $w_h = 1$, no input, started at 0. Its state stays at 0, where the slope of tanh is 1, so
# the derivative is 1 at each lag, and the curve lies on the bound. From 0 every weight follows its bound, in fact; any
# input bends the curve away from it.
#
# ### Predict what is lost from the slopes
#
# Send a random vector back through a step. Each component meets a slope; then an orthogonal matrix with
# **[gain](#term-gain)** $g$, that is $g$ times an orthogonal one, multiplies the length by $g$. If the components are
# about equally large, the mean square of the slopes is what counts. After all steps the expected length is
#
# $$
# \ln \frac{\lVert \delta_k \rVert}{\lVert \delta_T \rVert} \approx \sum_{t=k+1}^{T} \Big( \ln g
# + \tfrac12 \ln \frac1H \sum_{i=1}^{H} \varphi'(a_{t,i})^2 \Big)
# $$ (5.5)
#
# where $\delta_t$ is the gradient with respect to $h_t$, of shape $(H,)$. For a matrix that is not orthogonal, a random direction
# is stretched by $g = \lVert W_{hh} \rVert_F / \sqrt H$ in the mean square, with the root of the sum of all squares as the norm.
# Nothing is fitted here. The right-hand side needs one forward pass, the left-hand side backward passes. For the latter, send
# random vectors back, and compare lengths: that asks for the typical vector, not for the luckiest as the spectral norm does.


# %%
def arrives(layer, x, lag, seed=0):
    """Send a random gradient back; return the log10 of the share of its length left."""
    h, _ = layer.forward(x[:, :lag])
    dh = np.zeros(h.shape)
    dh[:, -1] = np.random.default_rng(seed).normal(size=dh[:, -1].shape)
    _, back = layer.backward(dh)
    with np.errstate(divide="ignore"):  # nothing arrived: minus infinity
        return np.log10(np.linalg.norm(back) / np.linalg.norm(dh))


# %% [markdown]
# And what [Equation 5.5](#5.5) foretells:

# %%
def foretold(layer, x, lag):
    """Return the right-hand side of Equation 5.5, as a log10."""
    h, _ = layer.forward(x[:, :lag])
    slopes = {"identity": np.ones(h.shape), "tanh": 1 - h**2, "relu": 1.0 * (h > 0)}
    squares = np.square(slopes[layer.activation]).mean(axis=(0, 2))  # one a step
    g = np.linalg.norm(layer.weights["W_hh"]) / np.sqrt(H)
    return lag * np.log10(g) + np.log10(squares).sum() / 2


# %%
many = np.random.default_rng(7).normal(size=(16, 80, D))
lags, gains = np.array([1, 5, 10, 20, 40, 60, 80]), (0.9, 1.0, 1.25, 1.5, 2.0)
measured, predicted = {}, {}
for phi, g in (*(("tanh", g) for g in gains), ("identity", 1.0), ("relu", 1.0)):
    nets = [simple(phi, orthogonal(seed, g), seed) for seed in seeds]
    for side, result in ((arrives, measured), (foretold, predicted)):
        result[phi, g] = np.array([[side(net, many, k) for k in lags] for net in nets])

# %%
print("at lag 80           measured  predicted  worst seed off by")
for phi, g in measured:
    left, right = measured[phi, g][:, -1], predicted[phi, g][:, -1]
    figures = np.round([left.mean(), right.mean(), abs(left - right).max()], 1)
    print(f"{phi:8} gain {g:4} ", *(f"{x:10.1f}" for x in figures + 0.0))  # no -0.0
for case in measured:
    assert abs((measured[case] - predicted[case]).mean(axis=0)).max() < 1
assert measured["tanh", 1.0].max() < 0 < measured["tanh", 2.0][:, -1].min()

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-predicted", "caption": "Tanh layers with an orthogonal matrix of five gains. Dots: measured, five seeds. Lines: predicted from the slopes alone."}, "image": {"alt": "Logarithm of the share of the gradient that is left against the lag. For gains 0.9 and 1 straight lines fall to about minus ten, for 1.25 less, for 1.5 the line is almost level, and for 2 it rises. The dots follow the lines."}}
fig, ax = plt.subplots(figsize=(5.8, 3.8))
kinds = ("muted", "input", "hidden", "memory", "gradient")
for g, kind in zip(gains, kinds, strict=True):
    line, dots = predicted["tanh", g], measured["tanh", g]
    ax.plot(lags, line.mean(axis=0), color=COLORS[kind])
    ax.plot(lags, dots.T, "o", ms=2.8, color=COLORS[kind])
    ax.text(82, dots[:, -1].mean(), f"gain {g}", color=COLORS[kind], va="center")
ax.set(xlabel="lag (steps)", ylabel="log10 of what arrives", xlim=(0, 97))
plt.show()

# %% [markdown]
# The prediction holds over many orders of magnitude, and it says what to do: choose the gain so that gain and slope
# cancel. For these inputs that is about 1.5.
#
# Larger gains explode, although every state stays between -1 and 1. That is no contradiction: two states that begin close together can
# move apart and still stay in the box. A system that does so at a steady rate is **[chaotic](#term-chaos)**, and the rate, the growth of
# the logarithm per step, is its largest **Lyapunov exponent**. Estimate it from the figures above.

# %%
exponents = {g: measured["tanh", g][:, -1] * np.log(10) / lags[-1] for g in gains}
for g, exponent in exponents.items():
    print(f"gain {g:4}: Lyapunov exponent {exponent.mean().round(2) + 0.0:5.2f} a step")
assert exponents[1.0].max() < 0 < exponents[2.0].min()

# %% [markdown]
# Below zero, small differences die out, and the input alone decides the state in the end. Above zero they take over: the layer reacts to
# the last digit of its start. Near zero lies the narrow range in which a gradient can travel far.
#
# ### After training
#
# Training moves the matrix. Does it mend the flow, and does [Equation 5.5](#5.5) still foretell it? We need a task and a training loop for that, and for the rest of the
# chapter. The task is **delayed recall** from chapter 2: one of four symbols at the first step, blanks, and a question
# at the last step. Only the last answer counts here. Guessing gets 1 in 4. Mind that this task has only four different
# sequences. Those of the test are drawn anew, but training has met all of them: the accuracy says whether a net could be trained
# at all, not whether it generalizes.
#
# [cross_entropy](#rnnbook.nn.losses.cross_entropy) gives a loss and its gradient;
# [Dense](#rnnbook.nn.feedforward.Dense) and the layer pass it back. The loss hears the last $n$ steps, where `n` is the
# number of answers.


# %%
def recall(lag):
    def draw(B, seed):
        x, y = tasks.delayed_recall(B, lag + 1, 4, seed)
        return x, y[:, -1:]

    return draw


def outputs(layer, dense, x, n, back=None):
    state, back = None, back or x.shape[1]  # of truncation, more below
    if back < x.shape[1]:
        _, state = layer.forward(x[:, :-back])
    h, _ = layer.forward(x[:, -back:], state)
    return dense.forward(h[:, -n:]), h.shape


# %%
class Asked(Stack):  # a layer and a dense one, asked for the last n answers
    n, back = 1, None

    def forward(self, x):
        out, self.shape = outputs(*self.layers.values(), x, self.n, self.back)
        return out, None

    def backward(self, dy):
        dh = np.zeros(self.shape)
        dh[:, -self.n :] = self.layers["dense"].backward(dy)
        self.layers["recurrent"].backward(dh)


# %%
def gradients(layer, dense, x, y, loss=cross_entropy, back=None):
    net = Asked(recurrent=layer, dense=dense)
    net.n, net.back = y.shape[1], back
    value, dy = loss(net.forward(x)[0], y)
    net.backward(dy)
    return value, net.gradients


# %% [markdown]
# Every training in this chapter has the same budget: 300 batches of 32 sequences, the optimizer Adam with a rate
# of 0.001, and the gradient clipped to a joint norm of 1, unless said otherwise. [fit](#rnnbook.nn.training.fit) is the loop: forward, loss,
# backward, clip, update, for each batch. Ours also notes the norm before the clipping.

# %%
together = partial(clip_by_norm, limit=1.0)


def teach(layer, draw, V, seed, loss=cross_entropy, steps=300, clip=together,
          optimizer=Adam, rate=1e-3, back=None):
    dense, norms, (x, y) = Dense(H, V, seed, dtype="float64"), [], draw(32 * steps, seed)

    def note_and_clip(g):
        norms.append(np.sqrt(sum((array**2).sum() for array in g.values())))
        clip(g)

    net = Asked(recurrent=layer, dense=dense)
    net.n, net.back = y.shape[1], back
    batches = ((x[s : s + 32], y[s : s + 32]) for s in range(0, len(x), 32))
    fit(net, batches, loss, optimizer(), rate, note_and_clip)
    return dense, np.array(norms)


# %%
def accuracy(layer, dense, draw):
    x, y = draw(512, 10**6)  # drawn with another seed than the training's
    out, _ = outputs(layer, dense, x, y.shape[1])
    return (out.argmax(axis=-1) == y).mean()


# %%
draw, (x_recall, _) = recall(20), recall(20)(32, 10**6)
both_sides = {}
for phi in ("identity", "tanh", "relu"):
    nets = [simple(phi, orthogonal(seed), seed, 5) for seed in seeds]
    before = [[side(net, x_recall, 20) for net in nets] for side in (arrives, foretold)]
    right = [accuracy(net, teach(net, draw, 5, s)[0], draw) for s, net in enumerate(nets)]
    after = [[side(net, x_recall, 20) for net in nets] for side in (arrives, foretold)]
    rho = [abs(np.linalg.eigvals(net.weights["W_hh"])).max() for net in nets]
    both_sides[phi] = np.array([before, after])  # (2, 2, 5)
    beyond = sum(a > 0.5 for a in right)
    print(f"{phi:8} right more than half the time: {beyond} of 5, rho {np.median(rho):.1f}")

# %%
print("            before   foretold      after   foretold      worst")
for phi, sides in both_sides.items():
    old, guess, new, late = np.median(sides, axis=2).ravel().round(1) + 0.0
    figures = (old, guess, new, late, sides[1, 0].min())
    print(f"{phi:8}", *(f"{x:10.1f}" for x in figures))
    assert abs(old - guess) < 1 < new - late + 0.5
    assert phi == "identity" or (new > old + 0.5 and new > late + 2)

# %% [markdown]
# Logarithms again, so an increase by one is a factor of ten. Nets that learned the task have mended their own flow:
# the little gradient that arrived was enough to change the matrix, and now more comes back than was sent. The prediction, right before
# training, is off by powers of ten after it. [Equation 5.5](#5.5) assumes that the vector sent back has nothing to do with the matrix. But the
# trained matrix has a few eigenvalues well above one, and what is sent back turns into their directions. In one tanh net, which did not
# learn at all, the flow got worse. So some gradient must arrive to begin with. At larger lags too little does, as you will see.
#
# ## The cliff
#
# How does an exploding gradient look from above? [Pascanu et al. (2013)](#pascanu2013) drew the loss of the smallest
# net of all: one neuron without input, $h_t = w\, \sigma(h_{t-1}) + b$, run for 50 steps from $h_0 = 0.5$, with the loss
# $(\sigma(h_{50}) - 0.7)^2$, where $\sigma$ is the logistic function. Two weights, so the loss is a landscape. Its gradient is
# carried forward, as in the first example of [chapter 4](04_bptt.ipynb): in each step $\mathrm d h_t / \mathrm d w$ is $\sigma(h_{t-1})$ plus
# $w\, \sigma'(h_{t-1})$ times the derivative one step before, and for $b$ the same with 1 in the place of the first $\sigma$.


# %%
def landscape(w, b):
    h, dw, db = 0.5 + 0 * w, 0 * w, 0 * w
    for _ in range(50):
        s = sigmoid(h)
        slope = w * s * (1 - s)
        h, dw, db = w * s + b, s + slope * dw, 1 + slope * db
    y = sigmoid(h)
    back = 2 * (y - 0.7) * y * (1 - y)
    return (y - 0.7) ** 2, back * dw, back * db


# %%
w, b = np.meshgrid(np.linspace(4, 6.5, 126), np.linspace(-3.3, -0.8, 126))
loss, dw, db = landscape(w, b)
steep = np.hypot(dw, db)
edge = b[steep[:, 50].argmax(), 50]  # column 50: w = 5
apart = 0.5 - w[0, 50] * sigmoid(0.5)
print(f"loss up to {loss.max():.2f}; gradient: median {np.median(steep):.2f},",
      f"largest {steep.max():.0f}")
print(f"at w = {w[0, 50]:.0f} it is steepest at b = {edge:.2f}, foretold {apart:.2f}")
assert steep.max() > 1000 * np.median(steep) and abs(edge - apart) < 0.02

# %% [markdown]
# The cliff is no accident. For these weights the neuron has two states to settle in (**attractors**), and between them one that it leaves to
# either side. Where that one is $h_0$ itself, $0.5 = w\, \sigma(0.5) + b$, a tiny change of $b$ decides to which side it goes, and after fifty
# steps the two ends are far apart. That equation is how the cell foretold the edge.
#
# Walk towards the cliff by gradient descent, for 100 steps with a rate of 0.3. Plain descent makes the step that the
# gradient says. The other walker clips its gradient to a norm of 0.1.


# %%
def walk(limit, point=(5.0, -2.0), rate=0.3, steps=100):
    path = [np.array(point)]
    for _ in range(steps):
        w, b = path[-1]
        g = {"w and b": np.array(landscape(w, b)[1:])}
        if limit:
            clip_by_norm(g, limit)
        path.append(path[-1] - rate * g["w and b"])
    return np.array(path)


# %%
free, clipped = walk(None), walk(0.1)
for name, path in (("plain", free), ("clipped", clipped)):
    leap = np.linalg.norm(np.diff(path, axis=0), axis=1).max()
    found = [landscape(*point)[0] for point in (path[0], path[-1])]
    print(f"{name:8} longest step {leap:.2f}, loss from {found[0]:.3f} to {found[1]:.3f}")
    assert leap > 1 and found[1] > 0.05 if path is free else leap < 0.031
assert found[1] < 0.01
edges = (w[0, 0], w[0, -1], b[0, 0], b[-1, 0])

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-cliff", "caption": "The loss of one neuron over its two weights, as in figure 6 of Pascanu et al. (2013), computed on a grid. Top: seen from above, with a plain walk (red) and a clipped one (blue), both from the ring. Bottom: a cut at w = 5."}, "image": {"alt": "Top, a map of the loss: a high plateau at the lower left and a low slope at the upper right meet in a sharp edge. Both walks begin on the slope and come down to the edge. The plain one is thrown back across the slope in one huge step; the clipped one turns at the edge and follows it. Bottom, the cut: the loss is high, drops as if over a cliff to nearly zero, and rises gently."}}
fig, axes = plt.subplots(2, 1, figsize=(5.8, 6.4), height_ratios=(3, 2))
look = {"origin": "lower", "aspect": "auto", "cmap": "Greys", "vmin": 0, "vmax": 0.6}
image = axes[0].imshow(loss.round(2), extent=edges, **look)
axes[0].grid(False)
fig.colorbar(image, ax=axes[0], label="loss")
for path, kind, width in ((free, "gradient", 1.2), (clipped, "input", 2.6)):
    axes[0].plot(*path.T.round(3), "-", color=COLORS[kind], lw=width)
axes[0].plot(*free[0], "o", color=COLORS["ink"], mfc="none", ms=9)
axes[0].set(xlabel="w", ylabel="b", xlim=(4.2, 5.8), ylim=(-2.8, -0.8))
axes[1].plot(b[:, 50].round(3), loss[:, 50].round(3), color=COLORS["output"])
axes[1].set(xlabel="b", ylabel="loss at w = 5", ylim=(0, None))
plt.show()

# %% [markdown]
# The gradient at the cliff points the right way, but is far too long. Clipping keeps the direction and limits the length.

# %% [markdown]
# ## What it costs
#
# Vanishing is no fault in itself. It matters where the answer lies far back. Three tasks, each at growing lags, with an
# orthogonal tanh layer and the budget of above:
#
# - **delayed recall**: one of four symbols, asked for at the end. Guessing: accuracy 0.25;
# - **copying** ([Arjovsky et al., 2016](#arjovsky2016), after
#   [Hochreiter and Schmidhuber, 1997](#hochreiter1997)): three symbols of four, then blanks, then all three in order. Guessing: 0.25;
# - **adding** (from the same two papers): numbers from 0 to 1, of which two are marked; the answer is the sum of the two.
#   To say 1 always has a mean squared error of 1/6.


# %%
def copy(lag):
    def draw(B, seed):
        x, y = tasks.copying(B, symbols=3, V=4, lag=lag, seed=seed)
        return x, y[:, -3:]

    return draw


def add(lag):
    def draw(B, seed):
        x, y = tasks.adding(B, lag, seed)
        return x, y[:, None, None]  # one answer of one number

    return draw


# %%
lags, marks = (5, 10, 20, 40), {"recall": [], "copying": []}
for lag in lags:
    for task, draw, D, V in (("recall", recall(lag), 5, 5), ("copying", copy(lag), 6, 6)):
        nets = [simple("tanh", orthogonal(seed), seed, D) for seed in range(3)]
        right = [accuracy(n, teach(n, draw, V, s)[0], draw) for s, n in enumerate(nets)]
        marks[task].append(right)
        coarse = np.round(20 * np.array(right)) / 20  # finer, it depends on the processor
        print(f"{task:7} lag {lag:2}: accuracy", *(f"{a:.2f}" for a in coarse))

# %%
errors = []
for lag in lags:
    draw, row = add(lag), []
    for seed in range(3):
        net = simple("tanh", orthogonal(seed), seed, 2)
        dense, _ = teach(net, draw, 1, seed, mean_squared_error)
        x, y = draw(512, 10**6)
        row.append(mean_squared_error(outputs(net, dense, x, 1)[0], y)[0])
    errors.append(row)
    print(f"adding, length {lag:2}: error", *(f"{e:.3f}" for e in row),
          f" saying 1: {np.mean((y - 1) ** 2):.3f}")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-lags", "caption": "An orthogonal tanh layer with gain 1 after 300 batches, against the lag (for adding: the length). Dots: three seeds, accuracies rounded to 0.05. Lines: their mean. Dashed: the naive baseline."}, "image": {"alt": "Three panels. Accuracy on delayed recall and on copying is one at short lags and falls to chance, 0.25, at long ones. The error on adding rises to that of always saying one, 0.167."}}
fig, axes = plt.subplots(3, 1, figsize=(5.8, 7.2), sharex=True)
panels = (("delayed recall", "accuracy", marks["recall"], 1 / 4, 20),
          ("copying", "accuracy", marks["copying"], 1 / 4, 20),
          ("adding", "squared error", errors, 1 / 6, 100))
for ax, (title, unit, rows, naive, n) in zip(axes, panels, strict=True):
    rows, look = np.round(n * np.array(rows)) / n, {"color": COLORS["input"], "ms": 5}
    ax.semilogx(lags, rows, "o", lags, rows.mean(axis=1), "-", **look)
    ax.axhline(naive, color=COLORS["muted"], ls="--", lw=1.5)
    ax.set(title=title, ylabel=unit, ylim=(0, None), xticks=lags, xticklabels=lags)
    ax.minorticks_off()
axes[2].set(xlabel="lag (steps)")
plt.show()

# %% [markdown]
# The fall is steep. But it is a verdict about this start, this rate and 300 batches, not about the architecture. With one other number at
# the start, a gain of 1.5, the same net learns recall at lag 40, as the remedies below show. Is there a limit that no better
# training lifts? There is one: a state of limited size and precision can hold only so many sequences apart.
# [Weiss et al. (2018)](#weiss2018) show it on counting: an LSTM learns to count, and a GRU, whose states stay between -1 and 1, does not.
# A tanh layer has that bound too.
#
# Let three nets count: words $a^n b^n$ from [counting](#rnnbook.data.tasks.counting), with $n$ up to 8. A net that has counted the a's knows when the b's
# must end. Then ask for larger $n$, and look at the state while the a's go on.


# %%
def counts(net, n):
    x, y, _ = tasks.counting(1, n, n)
    said = net.forward(x)[0].argmax(axis=-1)
    return (said == y)[0, n + 1 :].all()  # from the first b on, all is certain


# %%
longest, apart = [], []
for seed in range(3):
    net = Stack(recurrent=simple("tanh", orthogonal(seed), seed, 3),
                dense=Dense(H, 3, seed, dtype="float64"))
    x, y, heard = (part.reshape(600, 32, *part.shape[1:])
                   for part in tasks.counting(600 * 32, 1, 8, seed))
    fit(net, zip(x, y, heard, strict=True), cross_entropy, Adam(), 3e-3, together)
    longest.append(max(n for n in range(1, 31) if counts(net, n)))
    h, _ = net.layers["recurrent"].forward(np.eye(3)[np.ones((1, 3000), int)])
    apart.append(abs(h[0, -1] - h[0, -2]).max())  # the states after 3,000 and 2,999 a's

# %%
short, far = np.array(marks["recall"][0]), np.array(marks["recall"][-1])
claim(52, ("recall, lag 5: worst of 3 seeds", short.min(), "> 0.9", 2),
      ("recall, lag 40, the same start and budget: best", far.max(), "< 0.6", 2),
      ("counting, trained up to n = 8: least n that a net reaches", min(longest), ">= 6", 0),
      ("largest n of up to 30 that any net reaches", max(longest), "<= 15", 0),
      ("nets of 3 whose state is the same after 2,999 and after 3,000 a's",
       sum(np.array(apart) < 1e-7), ">= 1", 0))

# %% [markdown]
# The nets count about as far as they were trained, and no farther. In some the state settles: after many a's, one more changes nothing that
# numbers of 32 bits could show. What is not in the state no readout can bring back.
#
# ### How much of the past is in the state?
#
# Perhaps the state holds the past, and only the gradient cannot find it? Ask it. A **[probe](#term-probe)** is a linear map, fitted by
# least squares, that reads the input of $k$ steps ago from the state of today. The layer itself stays as it is, not
# trained at all. The inputs are coin tosses, +1 or -1, so guessing is right half the time.


# %%
def probe(layer, lags, n=3000):
    tosses = np.random.default_rng(1).choice([-1.0, 1.0], (1, n, 1))
    h = layer.forward(tosses)[0][0, 200:]  # the start is left out
    read, test = slice(0, n // 2), slice(n // 2, None)
    right = []
    for lag in lags:
        past = tosses[0, 200 - lag : n - lag, 0]
        weights = np.linalg.lstsq(h[read], past[read], rcond=None)[0]
        right.append(((h[test] @ weights) * past[test] > 0).mean())
    return right


# %%
lags_probed, probed = (0, 1, 2, 5, 10, 15, 20, 30, 40, 60), {}
for phi in ("identity", "tanh", "relu"):
    nets = [simple(phi, orthogonal(seed, 0.99), seed, 1) for seed in range(3)]
    for net in nets:
        net.weights["W_xh"] *= 0.3  # small inputs keep tanh where it is nearly linear
    probed[phi] = np.array([probe(net, lags_probed) for net in nets])
print("lag     ", *(f"{lag:4}" for lag in lags_probed))
for phi, right in probed.items():
    print(f"{phi:8}", *(f"{a:.2f}" for a in right.mean(axis=0)))

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-probe", "caption": "How often a linear probe reads the coin toss of some steps ago from the state of today, without any training of the layer. Three seeds; dashed: guessing."}, "image": {"alt": "Share of right answers against the lag. The linear layer begins at 0.82 and falls slowly, to about 0.7 at lag 60. Tanh stays at one up to a lag of about twenty and then falls to one half. ReLU falls to one half within ten steps."}}
fig, ax = plt.subplots()
for phi, kind in (("identity", "input"), ("tanh", "hidden"), ("relu", "output")):
    look = {"color": COLORS[kind], "marker": "o", "ms": 4, "lw": 1.4}
    curves = ax.plot(lags_probed, probed[phi].round(2).T, **look)
    curves[0].set_label(titles[phi])
ax.axhline(0.5, color=COLORS["muted"], ls="--", lw=1.5)
ax.set(xlabel="lag (steps)", ylabel="share read rightly")
fig.legend(loc="outside upper center", ncols=3)
plt.show()

# %%
at, linear, bent = lags_probed.index, probed["identity"], probed["tanh"]
claim(57, ("tanh, read rightly at lag 5, worst of 3", bent[:, at(5)].min(), "> 0.95", 2),
      ("at lag 60, best of 3", bent[:, at(60)].max(), "< 0.65", 2),
      ("linear, at lag 60, worst of 3", linear[:, at(60)].min(), "> 0.6", 2),
      ("at lag 0, best of 3", linear[:, at(0)].max(), "< 0.95", 2))

# %% [markdown]
# So the state of an untrained layer does hold the past, with a loss that grows with the lag. The tanh layer holds about the last
# twenty tosses almost perfectly, and forgets the rest. The linear layer forgets slowly, and pays for it: it holds a hundred
# tosses in 32 numbers, on top of one another, and so a linear reader gets none of them quite right, not even the newest.
#
# [Jaeger (2002)](#jaeger2002) gave this a measure, the **memory capacity**: for each lag, the squared correlation of the toss with what the
# best linear reader makes of the state; then the sum over all lags. For inputs that are independent of one another it is at most $H$, whatever the
# matrix. Measure it, with lags up to 200.

# %%
tosses = np.random.default_rng(2).choice([-1.0, 1.0], 4200)
past = np.stack([tosses[200 - lag : 4200 - lag] for lag in range(200)], axis=1)
for phi in probed:
    net = simple(phi, orthogonal(0, 0.99), 0, 1)
    net.weights["W_xh"] *= 0.3
    h = net.forward(tosses[None, :, None])[0][0, 200:]
    weights = np.linalg.lstsq(h[:2000], past[:2000], rcond=None)[0]
    said, true = h[2000:] @ weights, past[2000:]
    r = [np.corrcoef(*pair)[0, 1] for pair in zip(said.T, true.T, strict=True)]
    capacity = np.square(r).sum() - len(r) / len(true)  # less what chance alone gives
    print(f"{phi:8} memory capacity {capacity:.0f} of at most {H}")
    assert capacity < H + 2

# %% [markdown]
# The linear and the tanh layer both use most of their room; they spread it over the lags in different ways. Forgetting is not only a
# fault: it makes room. That an untrained layer holds so much is also the idea of the **echo state network** (Jaeger's, too): leave the
# recurrent layer as it was drawn, and train only the readout. No gradient goes back through time then, so none can vanish.
#
# ## What vanishes, and what does not
#
# It is often said that a vanishing gradient goes to zero, and that the neurons are dead then. Those are two statements; look at them
# one by one. The gradient of a weight is a
# **sum** over lags, by the chain rule of chapter 4. With $\delta_T = \mathrm d L / \mathrm d h_T$ and a loss $L$ at the
# last step,
#
# $$
# \frac{\mathrm d L}{\mathrm d W_{hh}} = \sum_{k=1}^{T} \mathrm{diag}\big(\varphi'(a_k)\big)\,
# \frac{\mathrm d L}{\mathrm d h_k}\, h_{k-1}^{\top}, \qquad
# \frac{\mathrm d L}{\mathrm d h_k} = \Big(\frac{\mathrm d h_T}{\mathrm d h_k}\Big)^{\!\top} \delta_T
# $$ (5.6)
#
# Only the terms with a long lag vanish. The near ones stay, so the sum is not small: it is *short-sighted*. The layer
# trains on, and learns what lies near. Measure the terms one by one.

# %%
layer, T = simple("tanh", orthogonal(0), 0), 100
h, _ = layer.forward(noise[0][None])
states, delta, terms = np.vstack([np.zeros((1, H)), h[0]]), np.ones(H) / H, []
for k in range(T, 0, -1):
    through = (1 - states[k] ** 2) * delta
    terms.append(np.outer(through, states[k - 1]))  # the term of lag T - k
    delta = layer.weights["W_hh"].T @ through

# %%
size = np.linalg.norm(terms, axis=(1, 2))
dh = np.zeros(h.shape)
dh[:, -1] = 1 / H
layer.backward(dh)
own = layer.by_name(layer.gradients)
assert abs(sum(terms) - own["W_hh"]).max() < 1e-12
for lag in (0, 1, 10, 50, 98):
    print(f"lag {lag:2}: size of the term {size[lag]:.1e}")

# %% [markdown]
# The sum of the terms is the layer's own gradient. And a dead neuron? That is a ReLU neuron whose weighted sum is below
# zero at every step of every sequence. Its slope is zero, so its weights get a gradient of exactly zero, at lag 1 as at
# lag 99. One bad step of training can do it. Make one on recall at lag 5: plain descent, with a rate of 10.

# %%
def dead(layer, x):
    return (layer.forward(x)[0] == 0).all(axis=(0, 1)).sum()


draw, killed = recall(5), {"before": [], "after": []}
for seed in seeds:
    relu, (x, y) = simple("relu", orthogonal(seed), seed, 5), draw(32, seed)
    killed["before"].append(dead(relu, x))
    teach(relu, draw, 5, seed, steps=1, clip=lambda g: None, optimizer=SGD, rate=10)
    killed["after"].append(dead(relu, x))

# %%
claim(23, ("tanh, term of lag 10 over that of lag 0", size[10] / size[0], "> 1e-4", 1),
      ("term of lag 98", size[98] / size[0], "< 1e-6", 0),
      ("share of the sum's size within 10 steps", size[:10].sum() / size.sum(), "> 0.8", 2),
      ("ReLU, neurons of 32 that are off throughout: most of 5 seeds",
       max(killed["before"]), "<= 3"),
      ("after one bad step, least of 5", min(killed["after"]), ">= 5"))

# %% [markdown]
# So the terms of long lags do go to zero, and the neurons of the tanh net live on: nearly all of their gradient comes from the last ten
# steps, and it is not small. The dead neurons of the ReLU net are dead at all lags.
#
# ### Not only in recurrent nets
#
# Fifty layers of a feedforward net are a product of fifty Jacobians too. [Hochreiter (1991)](#hochreiter1991) said so, and
# [Glorot and Bengio (2010)](#glorot2010) measured it, with uniform weights up to $1/\sqrt{H}$, then the custom, and
# with their own, up to $\sqrt{6 / (H + H)}$. A recurrent net differs in two ways: it has *one* matrix for all steps, and it hears an
# input at each. To tell the two apart, vary them one at a time: 50 layers or steps, with one matrix or with one each, and with
# or without a noise into each layer.


# %%
def over_fifty(draw, one, noise, seed):
    rng = np.random.default_rng(seed)
    W_xh, h, states = glorot(seed), rng.normal(size=(64, H)), []
    Ws = 50 * [draw(seed)] if one else [draw(50 * seed + i) for i in range(50)]
    for W in Ws:
        h = np.tanh(h @ W.T + noise * rng.normal(size=h.shape) @ W_xh.T)
        states.append(h)
    delta = last = rng.normal(size=h.shape)
    for W, h in zip(Ws[::-1], states[::-1], strict=True):
        delta = ((1 - h**2) * delta) @ W
    return np.log10(np.linalg.norm(delta) / np.linalg.norm(last))


# %%
draws = {"custom": lambda seed: glorot(seed) / np.sqrt(3), "Glorot": glorot,
         "orthogonal": orthogonal}
left = {}
for name, draw in draws.items():
    for noise in (0, 1):
        for one in (True, False):
            left[name, noise, one] = [over_fifty(draw, one, noise, seed) for seed in seeds]
        print(f"{name:10} noise {noise}: 10 to the power of",
              *(f"{np.median(left[name, noise, one]):6.1f} ({'one matrix' if one else 'own'})"
                for one in (True, False)))

# %%
middle = {case: np.median(values) for case, values in left.items()}
sharing = max(abs(middle[n, noise, True] - middle[n, noise, False])
              for n in ("Glorot", "orthogonal") for noise in (0, 1))
claim(24, ("50 layers with a matrix each, old custom: median log10 of what arrives",
           middle["custom", 0, False], "< -8", 2),
      ("Glorot's weights", middle["Glorot", 0, False], "> -3", 2),
      ("orthogonal, an input at each layer: a matrix each",
       middle["orthogonal", 1, False], "< -4", 2),
      ("one matrix for all", middle["orthogonal", 1, True], "< -4", 2),
      ("largest effect of sharing the matrix, Glorot and orthogonal", sharing, "< 2", 1))

# %% [markdown]
# The feedforward net with the old custom is the worst of all. What makes the recurrent net lose is not that it shares its matrix: with one
# matrix or fifty, the median is nearly the same. (Only the luck differs: with one Glorot matrix seeds are further apart.) It is the input at
# each step, which pushes the neurons away from zero, to where tanh is flat. And it is the length: few feedforward nets have fifty layers, but
# many texts have fifty words.
#
# %% [markdown]
# ## Remedies
#
# Now the remedies, one after the other: delayed recall at a lag of 40, five seeds, the same 300 batches. For each you
# see two figures: how much of a gradient arrives over those 40 steps *before* training, and how many of the five nets **learned** the
# task, that is, are right in more than 90 of 100 *after* it. The reference is the tanh layer with an orthogonal start and nothing else; each
# row changes one thing, unless its name says two.
#
# All rows together train for many minutes. So they were trained beforehand, by `python -m benchmarks.remedies`, which takes about a quarter of an hour;
# here you read its table, which also stands among the [benchmarks](../reference/benchmarks.md). Two of its rows are trained here again.

# %%
LAG = 40
table = {row["net"]: row for row in results.rows("remedies")}


def learned(name):
    return table[name]["learned"]


def power(name, column="arrives, lag 40"):
    value = table[name][column]
    return -np.inf if value is None else value  # an empty cell: nothing arrives


# %%
def show(*names):
    for name in names:
        print(f"{name:30} arrives 10^{power(name):5.1f}   learned: {learned(name)} of 5")


def rnn(phi, start, gain=1.0):
    return lambda seed: simple(phi, gain * start(seed), seed, 5)


draw, (x_40, _) = recall(LAG), recall(LAG)(32, 10**6)
for name, gain in (("tanh, orthogonal", 1.0), ("tanh, gain 1.5", 1.5)):
    nets = [rnn("tanh", orthogonal, gain)(seed) for seed in seeds]
    arrived = np.median([arrives(net, x_40, LAG) for net in nets])
    right = [accuracy(net, teach(net, draw, 5, s)[0], draw) for s, net in enumerate(nets)]
    assert abs(arrived - power(name)) < 1e-6 and sum(np.array(right) > 0.9) == learned(name)
    show(name)  # trained here, and the same as in the table

# %% [markdown]
# ### A better start
#
# That was the first remedy: a gain that makes up for the slopes, as [Equation 5.5](#5.5) suggests. How much of it is good?

# %%
gains_tried = {1.0: "tanh, orthogonal"}
gains_tried |= {g: f"tanh, gain {g:g}" for g in (1.25, 1.5, 1.75, 2.0, 2.5, 3.0)}
show(*gains_tried.values())
farther = {g: table[gains_tried[g]]["learned, lag 80"] for g in (1.25, 1.5, 1.75, 2.0)}
print("learned at lag 80, of 5:", *(f"gain {g}: {n}" for g, n in farther.items()))
assert min(farther[1.25], farther[1.5]) >= 4 > max(farther[1.75], farther[2.0])
assert [learned(n) >= 4 for n in gains_tried.values()] == [False, *4 * [True], False, False]

# %% [markdown]
# Between 1.25 and 2 all nets learn; below, too little arrives, and above, too much: with a gain of 2.5 training breaks down. At lag 80 the
# good range is narrower: 1.75 and 2 are a matter of luck there. (Before a change of our code that moved last digits alone, not one of these ten nets learned.) So the gain must
# be chosen for the lag; there is an optimum, and it lies inside the range.
#
# Other ways to start: the matrix of Glorot, or the identity; and smaller input weights. A small input leaves tanh near zero, where it is
# steep. The **IRNN** of [Le et al. (2015)](#le2015) has ReLU, the identity as $W_{hh}$, small input weights and biases zero: three changes at once.
# The rows take it apart. For ReLU with an orthogonal matrix a gain of $\sqrt 2$ makes up for the half of the neurons that are off.

# %%
show("tanh, Glorot", "tanh, identity", "tanh, small inputs (0.1)",
     "tanh, small inputs (0.001)", "tanh, identity, inputs 0.001")
show("ReLU, Glorot", "ReLU, orthogonal", "ReLU, gain sqrt 2",
     "ReLU, orthogonal, inputs 0.001", "ReLU, identity", "ReLU, identity (IRNN)")

# %%
steep, driven = simple("relu", 1.5 * np.eye(H), 0, 5), np.ones((1, LAG, 5))
claim(25, ("log10 of what arrives over 40 steps: ReLU, orthogonal",
           power("ReLU, orthogonal"), "< -3", 2),
      ("ReLU, identity", power("ReLU, identity"), "> -1", 2),
      ("seeds of 5 that learned: tanh, orthogonal", learned("tanh, orthogonal"), "<= 2"),
      ("ReLU, orthogonal", learned("ReLU, orthogonal"), "<= 2"),
      ("ReLU, identity", learned("ReLU, identity"), ">= 4"),
      ("explosion: ReLU, 1.5 times the identity, what arrives",
       arrives(steep, driven, LAG), "> 3", 2))

# %% [markdown]
# ReLU alone makes it worse. What helps is ReLU *with the right matrix*: with the identity it learns even with input weights of full size. Nor
# does it need to be ReLU: the cheapest remedy of all, smaller input weights, makes the tanh layer learn as well, if they are not too small. That works here since
# this task has only one input that matters; where each step brings news, a small input is also a faint one. The Glorot start with tanh is a
# lottery: its spectral radius differs from seed to seed, and so does its fate.
#
# ### Clipping
#
# Now the other trouble. Take a layer whose gradient explodes, and one whose gradient vanishes, and clip both. The
# **joint norm** is the length of all gradients laid end to end; [clip_by_norm](#rnnbook.nn.optimizers.clip_by_norm) scales
# all of them by one factor, as in algorithm 1 of [Pascanu et al. (2013)](#pascanu2013).
# [clip_by_value](#rnnbook.nn.optimizers.clip_by_value) cuts each number by itself, as in
# [Mikolov's thesis (2012)](#mikolov2012).


# %%
def flat(g):
    return np.concatenate([array.ravel() for array in g.values()])


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


# %%
x, y = draw(32, 0)
exploding, vanishing = (simple("tanh", orthogonal(0, gain), 0, 5) for gain in (3, 0.7))
dense, clipped = Dense(H, 5, 0, dtype="float64"), {}
for clip in (None, clip_by_norm, clip_by_value):
    _, g = gradients(exploding, dense, x, y)
    if clip:
        clip(g, 1.0)
    clipped[clip] = flat(g)
raw, by_norm, by_value = clipped.values()

# %%
before_clip = arrives(vanishing, x, LAG)
_, g = gradients(vanishing, dense, x, y)
near_norm = np.linalg.norm(flat(g))
claim(27, ("exploding: joint norm before", np.linalg.norm(raw), "> 100", 2),
      ("after clipping by norm", np.linalg.norm(by_norm), "<= 1.0000001", 0),
      ("cosine to the raw gradient, by norm", cosine(raw, by_norm), "> 0.999999", 0),
      ("by value", cosine(raw, by_value), "< 0.95", 2),
      ("vanishing: log10 of what arrives over 40 steps", before_clip, "< -6", 2),
      ("joint norm of the same net's gradient: far from zero", near_norm, "> 0.1", 2))

# %% [markdown]
# Clipping by norm shortens and keeps the direction; by value it bends. In the vanishing net the joint norm looks healthy, since the near
# terms fill it; what came from far is lost, and an upper limit makes nothing longer. So clipping helps against explosion, and only there.
#
# <a id="question-15"></a>
# ### `clipnorm`, `global_clipnorm` or `clipvalue`?
#
# Keras has three. `clipnorm` looks at each variable by itself, and `global_clipnorm` at all together; the latter is what
# Pascanu et al. describe. `clipvalue` cuts numbers. See what each makes of the gradients $(0.3, 0.4)$ of one variable and $(3, 12)$
# of another. One step of SGD with a rate of 1 from zero gives the clipped gradient, with a minus.

# %%
for option in ("clipnorm", "global_clipnorm", "clipvalue"):
    two = keras.Variable([0.0, 0.0]), keras.Variable([0.0, 0.0])
    sgd = keras.optimizers.SGD(1.0, **{option: 1.0})
    sgd.apply([keras.ops.array([0.3, 0.4]), keras.ops.array([3.0, 12.0])], two)
    a, b = (-np.asarray(variable) for variable in two)
    print(f"{option:15} ({a[0]:.3f}, {a[1]:.3f}) and ({b[0]:.3f}, {b[1]:.3f}),",
          f"cosine {cosine(np.array([0.3, 0.4, 3, 12]), np.append(a, b)):.3f}")
assert np.allclose(np.append(a, b), [0.3, 0.4, 1, 1])

# %% [markdown]
# `clipnorm` keeps the direction *within* each variable, and changes the balance between them. `clipvalue` turned a
# gradient that pointed almost along one axis into a diagonal. `global_clipnorm` alone keeps the direction.
#
# Does the choice matter for the task? Take the tanh layer with a gain of 1.5 and the plainest optimizer, SGD, which
# follows the gradient as it is, with a rate of 0.1.

# %%
show(*(f"gain 1.5, SGD, {how}" for how in ("no clipping", "by value", "joint norm")))
first_norm = teach(rnn("tanh", orthogonal, 1.5)(0), draw, 5, 0, steps=1)[1][0]
print(f"length of the first step without clipping: {0.1 * first_norm:.1f}, by the norm: 0.1")
assert learned("gain 1.5, SGD, joint norm") >= 4 > 1 >= learned("gain 1.5, SGD, no clipping")

# %% [markdown]
# Without a limit, the very first step is dozens of times as long, and the net does not come back from where it lands. With
# the joint norm it learns. Clipping by value keeps the step short too, but bends it: one net of five gets there, with this limit. And Adam? It divides each gradient by its usual size, a clipping of a kind, and needs the limit less:

# %%
show("gain 1.5, no clipping", "gain 2, no clipping", "gain 2.5, no clipping",
     "IRNN, no clipping", "tanh, no clipping")

# %% [markdown]
# Up to a gain of 2, Adam learns with the limit and without it. At 2.5 one net learns without, and none with the limit. That settles nothing: there training
# is chaotic, and the same change of last digits turned three of five into one. And where nothing arrives, clipping makes no difference.
#
# ### A soft constraint
#
# Clipping limits from above. Against vanishing, the same paper has a second idea: a term added to the loss, with a weight, that is large where a step of
# the backward pass changes the gradient's length. It is the sum over steps of $(\lVert \delta_{t-1} \rVert / \lVert \delta_t \rVert - 1)^2$.
# When it is differentiated, states and $\delta_t$ count as constants: that is cheap, and moves $W_{hh}$ alone.

# %%
constrained = {w: f"tanh, soft constraint {w:g}" for w in (0.001, 0.01, 0.1, 1, 10, 100)}
show("tanh, orthogonal", *constrained.values())
enough = [table[constrained[w]]["learned, lag 80"] for w in (0.1, 1, 10, 100)]
print("of 5 at lag 80, weights from 0.1 on:", *enough)
show("tanh, gain 2.5", "gain 2.5, soft constraint 1")
assert min(enough) >= 4 and max(learned(constrained[0.001]), learned("tanh, orthogonal")) <= 1
assert learned("gain 2.5, soft constraint 1") == 0

# %% [markdown]
# It works: with weights from 0.1 to 100 all five nets learn, at lag 80 too, and nothing else was changed. Too small a weight
# does too little. It is no help, with a weight of 1, to the start whose gradient explodes.
#
# ### Normalization
#
# **[Batch normalization](#term-batch-normalization)** ([Ioffe and Szegedy, 2015](#ioffe2015)) subtracts from each weighted sum its mean over the
# batch and divides by its standard deviation; **[layer normalization](#term-layer-normalization)** ([Ba et al., 2016](#ba2016)) takes both over the
# units of one example. Then learned weights, called gains here too, and biases give the scale back:
#
# $$
# \begin{aligned}
# a_t &= W_{xh}\, x_t + W_{hh}\, h_{t-1} \\
# h_t &= \tanh\!\Big( \text{gain} \odot \frac{a_t - \mu_t}{s_t} + b_h \Big)
# \end{aligned}
# $$ (5.7)
#
# Here $\mu_t$ and $s_t$ are the mean and the standard deviation of $a_t$: over the batch, one of each for every unit, or over
# the $H$ units, one of each for every example.
# Where to put it? [Laurent et al. (2016)](#laurent2016) found no help in the recurrence, and normalized only what comes in, $W_{xh} x_t$,
# which leaves $W_{hh}$ as it is; we take the simplest case, and normalize $x_t$. [Cooijmans et al. (2017)](#cooijmans2017) made the
# recurrence of an LSTM work, with gains that start at 0.1, and with the two products normalized apart, each with a gain of its own.
# [NormalizedRNN](#rnnbook.nn.variants.NormalizedRNN) does [Equation 5.7](#5.7); the rows "apart" do it their way, in the simple layer.
# Statistics are those of each batch of 32, also in the test.
#
# Delayed recall is a special task: its blanks are the same in all sequences. So measure each net twice, on recall and on **news**, inputs that
# are normal random numbers at each step.

# %%
normal = ("tanh, orthogonal", "tanh, input normalized", "layer norm",
          "batch norm, gain 1", "batch norm, gain 0.1",
          "batch norm apart, gain 1", "batch norm apart, gain 0.1")
print(f"{'log10 of what arrives':26}recall 40      80 news 40      80   learned")
for name in normal:
    found = [power(name, c) for c in ("arrives, lag 40", "lag 80", "news, lag 40", "news, lag 80")]
    print(f"{name:26}", *(f"{f:8.1f}" for f in found), f"  {learned(name)} of 5")


def further(name):
    """What the news of forty more steps, from lag 40 to lag 80, costs."""
    return power(name, "news, lag 80") - power(name, "news, lag 40")


print("news, from 40 to 80:", *(f"{further(name):.1f}" for name in normal))

# %%
claim(26, ("seeds of 5 that learned: without", learned("tanh, orthogonal"), "<= 2"),
      ("the input normalized over the batch", learned("tanh, input normalized"), ">= 4"),
      ("arrives over 40 steps of recall, log10: without", power("tanh, orthogonal"), "< -1", 2),
      ("recurrence over the batch", power("batch norm, gain 1"), "> 2", 2),
      ("on news: without", power("tanh, orthogonal", "news, lag 40"), "< -3", 2),
      ("the input normalized", power("tanh, input normalized", "news, lag 40"), "< -3", 2),
      ("recurrence over the batch", power("batch norm, gain 1", "news, lag 40"), "> -3", 2),
      ("gain 0.1", power("batch norm, gain 0.1", "news, lag 40"), "< -10", 2),
      ("over the units (layer norm)", power("layer norm", "news, lag 40"), "> -3", 2),
      ("forty steps more of news: without", further("tanh, orthogonal"), "< -3", 2),
      ("products normalized apart, gains 1", further("batch norm apart, gain 1"), "> -4", 2),
      ("gains 0.1", further("batch norm apart, gain 0.1"), "> -6", 2))

# %% [markdown]
# The two halves of the table disagree. On news, batch normalization in the recurrence helps: it about halves the exponent, as layer normalization
# does, though with both the gradient still vanishes with the lag. Gains of 0.1 destroy it: they divide the sums by ten at each step, and nothing
# makes up for that, since the news keeps the deviation of the sum large.
#
# With the products normalized apart it is another matter: the state's product is divided by its *own* deviation, which shrinks with the
# gain. (Compare lag 80 with lag 40. The first step starts from a state of zero, where that deviation is zero, and to divide by almost nothing
# multiplies the gradient once, at any lag.) Gains of 0.1 then lose about as much as no normalization, gains of 1 less. So small gains
# do no harm in the form in which they were proposed. But in our simple layer they do no good either.
#
# On recall everything looks better, or worse, than it is. After the first step all sequences see the same blanks, and
# there are only four different sequences, so the batch's deviation shrinks, and to divide by it lets the gradient explode, at either gain, in either form.
# (How many of these nets learn is chance, as with the gain of 2.5: for gains of 0.1 the same change of last digits made three of none.)
# Layer normalization looks only at its own sequence; here nothing drives the state, and all of the gradient arrives.
#
# And the input? We had expected nothing, since $W_{hh}$ is untouched. But the
# Jacobian has the slopes in it. On recall, normalizing makes the blanks zero. No
# input drives the neurons then, they stay near zero, and there the slope of tanh is one. What helps is that blanks
# are quiet, a property of the task. On news the same normalization changes almost nothing.
#
# So a figure that one task gives for a remedy is a figure about that task too.
#
# ### Truncation
#
# Cut the backward pass after $k$ steps, and no product is longer than $k$. So it *cannot* explode over 40 steps, and it
# cannot see them either: in both rows of the table exactly nothing arrives over 40 steps. Compare the truncated gradient with the full one, and train with it.

# %%
_, g = gradients(exploding, dense, x, y)
_, cut = gradients(exploding, dense, x, y, back=10)
both = np.linalg.norm(flat(g)), np.linalg.norm(flat(cut))
show("gain 1.5, truncated at 10", "IRNN, truncated at 10")

# %%
claim(28, ("exploding: norm of the full gradient", both[0], "> 100", 2),
      ("truncated at 10 steps, over the full", both[1] / both[0], "< 0.1", 1),
      ("cosine of the two", cosine(flat(g), flat(cut)), "< 0.9", 1),
      ("seeds of 5 that learned lag 40: IRNN", learned("ReLU, identity (IRNN)"), ">= 4"),
      ("truncated at 10", learned("IRNN, truncated at 10"), "<= 1"),
      ("gain 1.5, truncated at 10", learned("gain 1.5, truncated at 10"), ">= 2"))

# %% [markdown]
# Truncation answers the question of cost, and bounds the explosion. For memory it does nothing: the IRNN, which learned with the full
# gradient, now learns nothing. Its input weights begin near zero, and no gradient ever reaches the step that shows the symbol.
#
# But look at the other net. With a gain of 1.5 and an input at full size, its *untrained* state still shows the symbol after 40 steps. The
# gradient of the last ten steps is enough to learn to read it there. What is stored anyway needs no gradient;
# what must be *learned* to be stored does.
#
# ### Skips through time
#
# If the path is too long, build a shorter one. [Lin et al. (1996)](#lin1996) feed delayed values back, and
# [Zhang et al. (2016)](#zhang2016) measure what such skips do. [SkipRNN](#rnnbook.nn.variants.SkipRNN) adds a second matrix,
#
# $$
# h_t = \tanh(W_{xh}\, x_t + W_{hh}\, h_{t-1} + W_{\text{skip}}\, h_{t-s} + b_h)
# $$ (5.8)
#
# whose two recurrent matrices start orthogonal, divided by $\sqrt 2$. With $s = 10$ a gradient crosses 40 steps in four.

# %%
show("skips of 3 steps", "skips of 10 steps")
assert learned("skips of 10 steps") >= 4

# %% [markdown]
# A relative of the skip is the **leaky unit**, $h_t = (1 - \alpha)\, h_{t-1} + \alpha \tanh(\ldots)$ with a small constant $\alpha$: most of the state is
# kept as it is, and the factor of one step is near 1 ([Goodfellow et al., 2016](#goodfellow2016), section 10.9). It is also a gate that nobody
# moves.
#
# ### Gates, an outlook
#
# The remedy that won the field is another step altogether: the [LSTM](#term-long-short-term-memory) of
# [Hochreiter and Schmidhuber (1997)](#hochreiter1997) and the [GRU](#term-GRU) of [Cho et al. (2014)](#cho2014). Chapter 7
# builds both. All you need here: their state has a path with the factor of a **gate** between 0 and 1 and no matrix, so
# with a gate near one the product stays near one. In the LSTM it is the forget gate $f_t$; its first bias $b_f$ decides how
# open it is. Let both run as they come.


# %%
def lstm(b_f):
    return lambda seed: layers.LSTM(5, H, seed, forget_bias=b_f, dtype="float64")


def gru(b_z):
    def make(seed):
        layer = layers.GRU(5, H, seed, dtype="float64")
        layer.weights["b_z"][:] = b_z
        return layer

    return make


show("GRU", "LSTM, b_f = 1")

# %% [markdown]
# A surprise: with Keras' default weights and this budget, neither learns the task, and less of the GRU's gradient arrives
# than of that of the plain tanh layer, which has no gates at all! Look at the gate: at the start its weighted sum is about 0,
# so the gate is near one half: half of what was there is kept at each step, and then half of that. Keras sets $b_f = 1$
# for the LSTM, as [Jozefowicz et al. (2015)](#jozefowicz2015) advise; [Gers et al. (2000)](#gers2000), who introduced the
# gate, opened it at the start too. It is then at 0.73, which is better and not enough. What if you open it further?

# %%
show("GRU, b_z = 3", "LSTM, b_f = 3")
for b_f in (0, 1, 3):
    gate = sigmoid(b_f)
    print(f"b_f = {b_f}: gate {gate:.3f}, to the power of 40: {gate**40:.1e}")
assert power("GRU") < power("tanh, orthogonal")
assert learned("LSTM, b_f = 3") >= 4 > learned("LSTM, b_f = 1")

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-gates", "caption": "What arrives at the start of training, against the lag, on delayed recall: gates need the right bias. Median of five seeds."}, "image": {"alt": "Logarithm of what arrives against the lag. The default GRU falls steepest, then the LSTM with bias 1, then the orthogonal tanh layer; the GRU with bias 3 falls slowly, and the LSTM with bias 3 stays near zero."}}
fig, ax = plt.subplots(figsize=(5.8, 3.9))
shown, x_long = (1, 5, 10, 20, 30, 40, 60, 80, 99), recall(99)(8, 10**6)[0]
curves = {"GRU": (gru(0.0), "gradient", "-"), "GRU, $b_z=3$": (gru(3.0), "output", ":"),
          "LSTM, $b_f=1$": (lstm(1.0), "input", "-"), "LSTM, $b_f=3$": (lstm(3.0), "memory", "-."),
          "tanh, orth.": (rnn("tanh", orthogonal), "hidden", "--")}
for name, (make, kind, dash) in curves.items():
    f = [[arrives(net, x_long, k) for k in shown] for net in map(make, seeds)]
    ax.plot(shown, np.median(f, axis=0), dash, color=COLORS[kind], label=name)
ax.set(xlabel="lag (steps)", ylabel="log10 of what arrives")
fig.legend(loc="outside upper center", ncols=3)
plt.show()

# %% [markdown]
# With $b_f = 3$ the LSTM learns the task with every seed. The GRU's flow is mended as well, and yet it does not learn
# in this budget: its one gate both keeps and admits, with $z_t$ and $1 - z_t$, so a gate that keeps everything also lets little in.
# Chapter 7 takes it from there.
#
# ### All together
#
# One figure for all of them, from the same table:

# %%
kinds = np.array(["hidden" if learned(n) >= 4 else "output" for n in table])
columns = (("least", "arrives, lag 40", "most"), ("worst", "accuracy", "best"))
arrived_in, right_in = (np.array([[power(n, c) for c in three] for n in table])
                        for three in columns)
without = [n for n in table if learned(n) >= 4 and not -2 < power(n) < 4]
print("learned by four or more, and yet not between 10^-2 and 10^4:", *without)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show how it is drawn", "code_prompt_hide": "Hide how it is drawn"}
labels = {"hidden": "at least 4 seeds learned", "output": "fewer"}


def panel(ax, of, naive, label):
    for kind, words in labels.items():
        rows = np.flatnonzero(kinds == kind)
        rows = rows[np.isfinite(of[rows, 1])]
        ax.hlines(rows, of[rows, 0], of[rows, 2], color=COLORS[kind], lw=2)
        ax.plot(of[rows, 1], rows, "o", color=COLORS[kind], ms=5, label=words)
    ax.axvline(naive, color=COLORS["muted"], ls="--", lw=1.2)
    ax.yaxis.grid(False)
    ax.set_xlabel(label)


# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show the plot's code", "code_prompt_hide": "Hide the plot's code", "figure": {"name": "fig-remedies", "caption": "Delayed recall at lag 40: median and range of five seeds. Left: what arrives before training; the dashed line is a gradient that neither shrinks nor grows. Right: accuracy after training; the dashed line is guessing."}, "image": {"alt": "A dot and a line for each layer of the table, green where at least four seeds learned and orange elsewhere. Left, the logarithm of what arrives ranges from about minus eight for the plain GRU to above nine for batch normalization; the two truncated rows have no dot. Right, accuracy is at one for the green rows, and near chance for most others."}}
fig, axes = plt.subplots(1, 2, figsize=(5.8, 11.2), sharey=True)
panel(axes[0], arrived_in, 0, "log10 of what arrives")
panel(axes[1], right_in, 0.25, "accuracy")
axes[0].set(yticks=range(len(table)), yticklabels=table)
axes[1].set(xlim=(-0.05, 1.05), ylim=(len(table) - 0.5, -0.5))
fig.legend(*axes[1].get_legend_handles_labels(), loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# Read the figure by its two columns. Almost every layer that at least four seeds learned with has a median between $10^{-2}$ and $10^4$ on
# the left. There are two exceptions. With the gain of 1.5 truncated at 10 no gradient crosses the 40 steps, and that net needs none. And the soft constraint
# mends the flow *during* training, while the column shows it before: all its rows start where the reference starts.
# Enough gradient is not enough by itself: see the GRU with $b_z = 3$. More is not better: along the gains, learning ends where
# a gradient grows by about four powers of ten.
#
# | Remedy | Against vanishing | Against explosion | Its price |
# |---|---|---|---|
# | orthogonal start | in linear layers; under tanh the slopes still shrink it | keeps it off before the first update only | none |
# | gain, chosen for the slopes | yes, at the start | too large a gain explodes | one more number to choose, for the lag |
# | small input weights | yes, where few inputs matter | no | a faint input |
# | ReLU with the identity (IRNN) | yes | no | states without limit; dead neurons |
# | ReLU alone | no | no | |
# | clipping, joint norm | no | yes | a limit to choose |
# | clipping, by value | no | yes | bends the direction |
# | batch normalization of the input | here, since it silences the blanks; not on news | no | statistics to keep |
# | soft constraint | yes, in training | no, here | a second walk back; a weight to choose |
# | batch normalization of the recurrence | on news it slows the loss; not with gains of 0.1 | no: it explodes where sequences look alike | statistics of each step |
# | layer normalization | here; on news it slows the loss | not tested | one number more a unit, some time |
# | truncation | no | yes | blind beyond its length |
# | skips through time | yes, by their factor | no | a second matrix |
# | gates | yes, while they are open | no, still clipped | four or three times the weights; a bias to choose |
# | five times the training | no, here | no | five times the time |
#
# > **Common wrong answers.** "Clipping mends vanishing gradients": it only shortens. "My gradient is not zero, so
# > nothing vanishes": look at the long lags, not at the sum. "An orthogonal matrix keeps the gradient": without the slopes it
# > would. "LSTM has no vanishing gradients": at its default start, forty gates of 0.73 multiply to a few millionths.
#
# <a id="question-14"></a>
# ## Why is the loss NaN?
#
# The end of an explosion is a number that no longer fits: infinity, and one step later "not a number", as in
# $\infty - \infty$ or $0 \cdot \infty$. Watch it happen in a ReLU layer with $W_{hh} = 1.5\, I$. Numbers of 32 bits end at
# about $3.4 \cdot 10^{38}$, so you can say beforehand at which step.

# %%
layer = layers.RNN(1, H, 0, "relu")  # float32
layer.weights["W_hh"][:] = 1.5 * np.eye(H)
with np.errstate(over="ignore", invalid="ignore"):
    h, _ = layer.forward(np.zeros((1, 300, 1)), np.ones((1, H)))
finite = np.isfinite(h).all(axis=(0, 2))
first = finite.argmin() + 1  # time steps are counted from 1
foretold = int(np.ceil(np.log(np.finfo("float32").max) / np.log(1.5)))
print(f"first step that is not finite: {first}, foretold: {foretold}")
print("states before, there and after:", *(f"{v:.3g}" for v in h[0, first - 2 : first + 1, 0]))
assert first == foretold and np.isnan(h[0, first, 0])

# %% [markdown]
# In Keras the same layer says nothing; the loss is NaN, and after one update all weights are. The callback `TerminateOnNaN` at least
# stops the training at once.

# %%
keras.utils.set_random_seed(0)
explosive = keras.layers.SimpleRNN(
    8, activation="relu", recurrent_initializer=keras.initializers.Identity(1.5)
)
model = keras.Sequential([keras.Input((300, 1)), explosive, keras.layers.Dense(1)])
model.compile("sgd", "mse")
stop = keras.callbacks.TerminateOnNaN()
x_ones, y_ones = np.ones((32, 300, 1)), np.ones((32, 1))
history = model.fit(x_ones, y_ones, epochs=9, verbose=0, callbacks=[stop])
bad = sum(not np.isfinite(w).all() for w in model.get_weights())
print("losses:", history.history["loss"], "- arrays of weights that are not finite:", bad)
assert not np.isfinite(history.history["loss"][-1])

# %% [markdown]
# So look for a NaN in this order:
#
# 1. **The data.** One missing value is enough: `np.isfinite(x).all()`. This course's layers ask that themselves.
# 2. **The loss.** A logarithm of zero, an exponential that overflows: take the losses that work on logits.
# 3. **The states.** Find the *first* time step that is not finite, as above. If the states grow before it, the recurrence
#    explodes: lower the gain, take tanh, normalize, or use gates.
# 4. **The gradients.** If their norm leaps while the states are tame, clip the joint norm, and lower the rate.
#
# Clipping comes last for a reason: a gradient that *is* NaN has no length, so nothing can scale it.
# [clip_by_norm](#rnnbook.nn.optimizers.clip_by_norm) refuses it, and layers refuse data that are not finite:

# %%
for name, bad_x in (("a missing value", np.nan), ("a division by zero", np.inf)):
    data = np.ones((2, 5, 1))
    data[1, 3] = bad_x
    try:
        layer.forward(data)
    except ValueError as error:
        print(f"{name}: {error}")
    else:
        raise AssertionError("it should have been found")

# %%
try:
    clip_by_norm({"W": np.array([np.nan, 1.0])}, 1.0)
except ValueError as error:
    print(f"clipping: {error}")

# %% [markdown]
# ## Summary
#
# - A gradient over a lag is a product of Jacobians, one a step. It shrinks or grows exponentially with the lag's length.
# - Singular values bound it, eigenvalues rule the long run, and for a non-normal matrix the two tell different tales. Under tanh, the
#   slopes decide.
# - Vanishing does not make the gradient zero: it makes it short-sighted. Dead neurons are another matter.
# - Explosion looks like a cliff. Clip the joint norm: it keeps the direction.
# - The start matters more than the name: the right gain, smaller input weights, the identity with ReLU, and the right gate bias each
#   turn a net that learns nothing into one that does.
# - Clipping and truncation do nothing for memory. Skips, open gates and a soft constraint do. Normalization slows the loss; how much it helps depends on
#   the inputs.
# - A remedy is judged on a task, and a task has its quirks: on recall, whatever keeps the state quiet looks good.
# - At its default start a GRU forgets faster than a plain orthogonal tanh layer.
#
# ## What number should I get?

# %%
for what, value, tolerance in (
    ("0.9 to the power of 100", 0.9**100 * 1e5, "exact (in 1e-5)"),
    ("non-normal matrix, largest norm", max(powers), "0.01"),
    ("tanh, orthogonal, lag 50, log10", np.median(flows["tanh", "orthogonal"][:, 49]), "1"),
    ("recall, lag 5, accuracy", np.mean(marks["recall"][0]), "0.05"),
    ("recall, lag 40, accuracy", np.mean(marks["recall"][-1]), "0.1"),
    ("adding, length 40, error", np.mean(errors[-1]), "0.02"),
    ("IRNN, lag 40, seeds of 5 that learned", learned("ReLU, identity (IRNN)"), "1"),
    ("GRU, lag 40, log10 of what arrives", power("GRU"), "1"),
    ("first step that is not finite", first, "exact"),
):
    print(f"{what:42} {value:7.2f}   tolerance {tolerance}")

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of the dots and run the cell: it says whether it is right, and if not, where to look. The
# solutions, in the book, are folded below each.
#
# ### Exercise 5.1: Two powers
#
# *by hand · 3 minutes*
#
# A linear neuron follows $h_t = w_h h_{t-1}$. What is $\mathrm d h_5 / \mathrm d h_1$ for $w_h = 0.5$, and for $w_h = 2$?

# %% tags=["stub"]
derivatives = ...  # a list of two numbers

check("5.1", derivatives)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
derivatives = [0.5 ** (5 - 1), 2 ** (5 - 1)]  # from step 1 to step 5 there are four factors
check("5.1", derivatives)

# %% [markdown]
# ### Exercise 5.2: A product with slopes
#
# *by hand · 6 minutes*
#
# A tanh neuron with $w_h = 2$ went through the states $h_1 = 0.6$, $h_2 = 0.8$ and $h_3 = 0$. What is
# $\mathrm d h_3 / \mathrm d h_0$?

# %% tags=["stub"]
derivative = ...  # a number

check("5.2", derivative)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# The slope of tanh is 1 - h^2 at the state that the step leads to.
derivative = 2 * (1 - 0.6**2) * 2 * (1 - 0.8**2) * 2 * (1 - 0**2)
check("5.2", derivative)

# %% [markdown]
# ### Exercise 5.3: A matrix that hides its strength
#
# *by hand · 6 minutes*
#
# For $W = \begin{pmatrix} 0.5 & 4 \\ 0 & 0.5 \end{pmatrix}$: what is the spectral radius, and what is the upper right number of
# $W^2$?

# %% tags=["stub"]
numbers = ...  # a list of two numbers

check("5.3", numbers)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# The eigenvalues of a triangular matrix stand on its diagonal. Row 1 times column 2:
numbers = [0.5, 0.5 * 4 + 4 * 0.5]
check("5.3", numbers)

# %% [markdown]
# ### Exercise 5.4: The bound
#
# *code · 8 minutes*
#
# Write `bound(W_hh, lag)`: the bound of [Equation 5.4](#5.4) on $\lVert \mathrm d h_T / \mathrm d h_k \rVert$ of a tanh layer, for
# $T - k$ = `lag`.


# %% tags=["stub"]
def bound(W_hh, lag): ...


check("5.4", bound)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_05 import bound

check("5.4", bound)

# %% [markdown]
# ### Exercise 5.5: Orthogonal with a gain
#
# *code · 10 minutes*
#
# Write `start(H, gain, seed)`: a random matrix of shape (H, H) that multiplies the length of every vector by `gain`.


# %% tags=["stub"]
def start(H, gain, seed): ...


check("5.5", start)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_05 import start

check("5.5", start)

# %% [markdown]
# ### Exercise 5.6: Clip the joint norm
#
# *code · 10 minutes*
#
# Write `clip(gradients, limit)`. It takes a dict of arrays and returns a new dict in which all are scaled by one factor, so that
# their joint norm is at most `limit`. Gradients that are short enough stay as they are.


# %% tags=["stub"]
def clip(gradients, limit): ...


check("5.6", clip)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_05 import clip

check("5.6", clip)

# %% [markdown]
# ### Exercise 5.7: Where did it begin?
#
# *code · 8 minutes*
#
# Write `first_bad(h)`: for states of shape (B, T, H), the first time step, counted from 1, at which any number of any sequence is
# not finite; 0 if there is none.


# %% tags=["stub"]
def first_bad(h): ...


check("5.7", first_bad)


# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
from rnnbook.exercises.chapter_05 import first_bad

check("5.7", first_bad)

# %% [markdown]
# ### Exercise 5.8: How open must the gate be?
#
# *explore · 20 minutes*
#
# A forget gate at $\sigma(b_f)$ multiplies the memory at each step. Which bias $b_f$ leaves one half after 40 steps? Compute it; then train
# an LSTM with it, and with one smaller by 2, on recall at lag 40. Is the rule of thumb any good?

# %% tags=["stub"]
b_f = ...  # a number

check("5.8", b_f)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
gate = 0.5 ** (1 / 40)  # gate ** 40 = 0.5
b_f = np.log(gate / (1 - gate))  # the inverse of the logistic function
check("5.8", b_f)

right = []
for bias in (b_f, b_f - 2):  # one seed; the table has five, with rounded biases
    net = lstm(bias)(0)
    right.append(accuracy(net, teach(net, draw, 5, 0)[0], draw))
show("LSTM, b_f = 4", "LSTM, b_f = 3", "LSTM, b_f = 2", "LSTM, b_f = 1")
print("one seed each:", *(f"{r:.1f}" for r in right))
# The rule is good, if generous: at 3 and 4 every seed learns, at 2 four of five, at 1 none.
assert [learned(f"LSTM, b_f = {b}") for b in (4, 3, 2, 1)] == [5, 5, 4, 0]

# %% [markdown]
# ### Exercise 5.9: One hundred steps
#
# *code · an evening*
#
# Train a net of your choice on delayed recall with a lag of 100 and four symbols. Hand in a function `remember(x)` that takes inputs of shape
# (B, 101, 5), as `tasks.delayed_recall` gives them, and returns the symbols, whole numbers of shape (B,). It must be right
# in more than nine of ten, by what the net still holds at the last step: `x[:, 0]` says it all, but the check cannot see that you looked. Then try a plain tanh layer with its default start: at what lag does it stop?


# %% tags=["stub"]
def remember(x): ...


check("5.9", remember)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
skips = SkipRNN(5, H, 0, skip=10, dtype="float64")
dense_skips, _ = teach(skips, recall(100), 5, 0, steps=500)


def remember(x):
    return outputs(skips, dense_skips, x, 1)[0][:, 0].argmax(axis=-1)


check("5.9", remember)
# The plain tanh layer is the first figure of "What it costs": it stops between lag 20 and 40.

# %% [markdown]
# ### Exercise 5.10: Grows, shrinks or zero?
#
# *predict · 8 minutes*
#
# One neuron with $w_h = 1.1$ hears nothing for 50 steps. **Before you touch anything**, predict what happens to the gradient's factor
# $\mathrm d h_{50} / \mathrm d h_0$: does it grow, shrink, or become exactly zero? Predict it for tanh started at $h_0 = 0$; for tanh
# started at $h_0 = 0.5$; for ReLU started at $0.5$; and for ReLU started at $0$. Then look:
# <a href="#at=gradient-flow&amp;net=neuron&amp;w=1.1&amp;s=0&amp;h0=0">here is the first one</a>, and the others are one or two controls away.

# %% tags=["stub"]
predictions = ...  # a list of four words: "grows", "shrinks" or "zero"

check("5.10", predictions)

# %% tags=["solution", "hide-cell"] mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# At h = 0 tanh has slope 1, so the neuron stays there and acts as a linear one; started
# elsewhere, it runs to a state where slope times weight is below 1. ReLU is linear while it is
# on; at 0 it is off.
predictions = []
for phi in ("tanh", "relu"):
    neuron = layers.RNN(1, 1, 0, phi, dtype="float64")
    neuron.weights["W_hh"][:] = 1.1
    for h_0 in (0.0, 0.5):
        log = flow(step_jacobians(neuron, np.zeros((50, 1)), [h_0]))[-1]
        print(f"{phi:4} from {h_0}: 10 to the power of {log:.2f}")
        predictions.append("zero" if log == -np.inf else "grows" if log > 0 else "shrinks")
predictions[2:] = predictions[:1:-1]  # asked in the other order
check("5.10", predictions)

# %% [markdown]
# ## Further reading
#
# - [Hochreiter (1991)](#hochreiter1991) and [Bengio et al. (1994)](#bengio1994): where the trouble was found, twice.
# - [Pascanu et al. (2013)](#pascanu2013): the bound, the cliff and clipping by norm.
# - [Saxe et al. (2014)](#saxe2014) on orthogonal starts, [Le et al. (2015)](#le2015) on the IRNN, [Arjovsky et al. (2016)](#arjovsky2016) on
#   matrices that stay unitary, and the tasks used here.
# - [Cooijmans et al. (2017)](#cooijmans2017) and [Ba et al. (2016)](#ba2016): normalization in time.
# - [Goodfellow, Bengio and Courville (2016)](#goodfellow2016), sections 10.7 to 10.11: all of it, in one hand.
