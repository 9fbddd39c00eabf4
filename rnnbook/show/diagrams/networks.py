"""Recurrent networks: a neuron, a layer, unfolded, stacked, and in their patterns of use."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from rnnbook.show.style import SYMBOL, arrow, at_most, canvas, frame, line, link, node, path, text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

X, H, S, Y = "$x_{%s}$", "$h_{%s}$", "$s_{%s}$", r"$\hat{y}_{%s}$"
W_XH, W_HH, W_HY = "$W_{xh}$", "$W_{hh}$", "$W_{hy}$"


def _row(ax, left, y, T, *, dx, inputs=(), outputs=(), joined=True, weights=False, state=H):
    """Draw T time steps of one layer; return its inputs, states and outputs by time step."""
    x = {t: left + dx * (t - 1) for t in range(1, T + 1)}
    h = {t: node(ax, "hidden", x[t], y, state % t) for t in x}
    xs = {t: node(ax, "input", x[t], y - 0.95, X % t) for t in inputs}
    ys = {t: node(ax, "output", x[t], y + 0.95, Y % t) for t in outputs}
    for t in xs:
        link(ax, xs[t], h[t], "input", W_XH if weights else "")
    for t in ys:
        link(ax, h[t], ys[t], "output", W_HY if weights else "")
    for t in range(2, T + 1) if joined else ():
        link(ax, h[t - 1], h[t], "hidden", W_HH if weights else "")
    return xs, h, ys


def _folded(ax, x, y, t="t", *, loop=True):
    """Draw x, h and ŷ above each other; with the loop from h back to itself."""
    h = node(ax, "hidden", x, y, H % t if t else "$h$")
    given = node(ax, "input", x, y - 0.95, X % t if t else "$x$")
    out = node(ax, "output", x, y + 0.95, Y % t if t else r"$\hat{y}$")
    link(ax, given, h, "input", W_XH)
    link(ax, h, out, "output", W_HY)
    if loop:
        path(ax, [(x - 0.17, y + 0.155), (x - 0.17, y + 0.45), (x - 0.62, y + 0.45),
                  (x - 0.62, y), (x - 0.25, y)], "hidden")  # fmt: skip
        text(ax, x - 0.62, y - 0.18, W_HH, "hidden")


def neuron() -> Figure:
    """Draw one recurrent neuron: weighted sum, tanh, and the loop that brings h_{t-1} back.

    >>> figure = neuron()
    """
    ax = canvas(5.2, 2.5)
    frame(ax, 1.4, 0.62, 3.45, 1.48)
    x = node(ax, "input", 0.35, 1.05, "$x_t$")
    add = node(ax, "ink", 1.8, 1.05, r"$\Sigma$")
    squash = node(ax, "ink", 3.05, 1.05)
    text(ax, 3.05, 1.04, r"$\tanh$")
    h = node(ax, "hidden", 4.3, 1.05, "$h_t$")
    link(ax, x, add, "input", "$w_x$")
    arrow(ax, (1.8, 0.32), add)
    text(ax, 1.8, 0.2, "$b$", size=SYMBOL)
    link(ax, add, squash, "ink", "$a_t$")
    arrow(ax, squash, h)
    arrow(ax, h, (5.1, 1.05), "hidden")
    delay = node(ax, "memory", 3.05, 2.2, "delay", width=0.95)
    path(ax, [(4.3, 1.28), (4.3, 2.2), (3.56, 2.2)], "hidden")
    path(ax, [(2.575, 2.2), (1.8, 2.2), (1.8, 1.31)], "hidden")
    text(ax, delay.x - 0.85, 2.36, "$h_{t-1}$", "hidden", size=SYMBOL)
    text(ax, 1.72, 1.72, "$w_h$", "hidden", size=SYMBOL, ha="right")
    return ax.figure


def feedforward_and_recurrent() -> Figure:
    """Draw a feedforward network and, beside it, the same with a loop: a recurrent one.

    >>> figure = feedforward_and_recurrent()
    """
    ax = canvas(4.6, 3.1)
    _folded(ax, 1.1, 1.3, "", loop=False)
    _folded(ax, 3.6, 1.3)
    for x, kind in ((1.1, "feedforward"), (3.6, "recurrent")):
        text(ax, x, 2.85, kind)
    return ax.figure


def layer(D: int = 2, H: int = 3) -> Figure:
    """Draw all connections of one recurrent layer for one time step.

    Inputs and earlier states stand at the left, new states at the right.

    Parameters
    ----------
    D, H : int
        How many inputs and neurons, 1 to 4 each.

    Examples
    --------
    >>> figure = layer(D=2, H=3)
    """
    D, H = at_most("D", D, 4), at_most("H", H, 4)
    dy = 0.66
    low = dy * (D - 1) + 1.3
    top = low + dy * (H - 1)
    y = (top + 0.3) / 2 + dy * (H - 1) / 2
    ax = canvas(5.0, top + 1.2)
    given = [node(ax, "input", 1.4, 0.3 + dy * (D - 1 - i), f"{i + 1}") for i in range(D)]
    past = [node(ax, "hidden", 1.4, top - dy * i, f"{i + 1}", past=True) for i in range(H)]
    new = [node(ax, "hidden", 4.0, y - dy * i, f"{i + 1}") for i in range(H)]
    for kind, starts in (("input", given), ("hidden", past)):
        for start, end in product(starts, new):
            arrow(ax, start, end, kind)
    for column in (past, new):
        x, ends = column[0].x, (column[-1].y, column[0].y)
        frame(ax, x - 0.32, ends[0] - 0.32, x + 0.32, ends[1] + 0.32)
    path(ax, [(4.0, y + 0.32), (4.0, top + 0.85), (3.21, top + 0.85)], "hidden")
    node(ax, "memory", 2.7, top + 0.85, "delay", width=0.95)
    path(ax, [(2.225, top + 0.85), (1.4, top + 0.85), (1.4, top + 0.34)], "hidden")
    text(ax, 0.7, (low + top) / 2, "$h_{t-1}$", "hidden", size=SYMBOL)
    text(ax, 0.7, 0.3 + dy * (D - 1) / 2, "$x_t$", "input", size=SYMBOL)
    text(ax, 4.58, y - dy * (H - 1) / 2, "$h_t$", "hidden", size=SYMBOL)
    text(ax, 2.3, top + 0.2, rf"{W_HH}: ${H} \times {H}$", "hidden", ha="left")
    text(ax, 2.3, 0.12, rf"{W_XH}: ${H} \times {D}$", "input", ha="left")
    return ax.figure


def unfolded(T: int = 5) -> Figure:
    """Draw the folded graph with its loop and, below it, the same unfolded over T steps.

    The same weight names stand at every step.

    Parameters
    ----------
    T : int
        How many time steps, 1 to 6.

    Examples
    --------
    >>> figure = unfolded(T=5)
    """
    T, dx = at_most("T", T, 6), 0.9
    ax = canvas(0.75 + dx * T, 5.6)
    middle = (0.7 + dx * T) / 2 + 0.2
    _folded(ax, middle, 4.3)
    arrow(ax, (middle, 2.98), (middle, 2.63), "muted")
    steps = range(1, T + 1)
    _, h, _ = _row(ax, 0.35 + dx, 1.3, T, dx=dx, inputs=steps, outputs=steps, weights=True)
    link(ax, node(ax, "hidden", 0.35, 1.3, "$h_0$", past=True), h[1], "hidden", W_HH)
    return ax.figure


def patterns() -> Figure:
    """Draw five patterns of inputs and outputs, from one to one to encoder and decoder.

    >>> figure = patterns()
    """
    ax = canvas(5.6, 6.5)
    three, dx = (1, 2, 3), 0.65
    for left, y, T, inputs, outputs, name, example in (
        (0.6, 4.95, 1, (1,), (1,), "one to one", "image → label"),
        (1.9, 4.95, 3, (1,), three, "one to many", "image → caption"),
        (4.0, 4.95, 3, three, (3,), "many to one", "review → sentiment"),
        (0.45, 1.55, 3, three, three, "many to many", "words → tags"),
    ):
        _row(ax, left, y, T, dx=dx, inputs=inputs, outputs=outputs)
        text(ax, left + dx * (T - 1) / 2, y + 1.42, name)
        text(ax, left + dx * (T - 1) / 2, y - 1.42, example, "muted")
    _encoder_decoder(ax, 2.45, 1.55, dx)
    return ax.figure


def _encoder_decoder(ax, left, y, dx):
    """Draw three steps that read, then two, with weights of their own, that write."""
    right = left + 3.15 * dx
    _, h, _ = _row(ax, left, y, 3, dx=dx, inputs=(1, 2, 3))
    _, s, ys = _row(ax, right, y, 2, dx=dx, outputs=(1, 2), state=S)
    link(ax, h[3], s[1], "hidden")
    arrow(ax, ys[1], s[2], "output", dashed=True)
    frame(ax, left - 0.31, y - 0.31, left + 2 * dx + 0.31, y + 0.31)
    frame(ax, right - 0.31, y - 0.31, right + dx + 0.31, y + 0.31)
    text(ax, left + dx, y + 0.48, "encoder", "muted")
    text(ax, right + dx / 2, y - 0.48, "decoder", "muted")
    text(ax, left + 2.1 * dx, y + 1.42, "encoder–decoder")
    text(ax, left + 2.1 * dx, y - 1.42, "sentence → translation", "muted")


def schemes() -> Figure:
    """Draw what may carry the past: the hidden state, the output or, in training, the target.

    >>> figure = schemes()
    """
    ax = canvas(5.7, 6.95)
    three, dx = (1, 2, 3), 0.92
    row = {"dx": dx, "inputs": three, "outputs": three, "weights": True}
    _row(ax, 0.45, 5.35, 3, **row)
    _, h, ys = _row(ax, 3.4, 5.35, 3, joined=False, **row)
    _fed_back(ax, ys, h)
    _, h, ys = _row(ax, 0.45, 1.3, 3, joined=False, **row)
    targets = {t: node(ax, "input", ys[t].x, 3.2, f"$y_{{{t}}}$") for t in three}
    for t in three:
        line(ax, ys[t], targets[t])
    text(ax, targets[3].x + 0.07, 2.72, "loss", "muted", ha="left")
    _fed_back(ax, targets, h, share=0.24)
    for x, y, name in ((1.37, 6.75, "hidden to hidden"), (4.32, 6.75, "output to hidden"),
                       (1.37, 3.65, "teacher forcing")):  # fmt: skip
        text(ax, x, y, name)
    for y, kind, meaning in ((2.6, "input", "given"), (1.95, "hidden", "state"),
                             (1.3, "output", "predicted")):  # fmt: skip
        text(ax, node(ax, kind, 3.75, y).x + 0.38, y, meaning, ha="left")
    return ax.figure


def _fed_back(ax, sources, h, share=0.5):
    """Draw what each step hands to the next state; the label stands at a share of the way."""
    for t in list(h)[1:]:
        arrow(ax, sources[t - 1], h[t], "output", dashed=True)
        x, y = (a + share * (b - a) for a, b in zip(sources[t - 1][1:], h[t][1:], strict=True))
        text(ax, x + 0.06, y + 0.07, "$W_{yh}$", "output", ha="left")


def stack(layers: int = 2, T: int = 4) -> Figure:
    """Draw recurrent layers above each other, unfolded over T steps.

    Parameters
    ----------
    layers : int
        How many layers, 1 to 3.
    T : int
        How many time steps, 1 to 5.

    Examples
    --------
    >>> figure = stack(layers=2, T=4)
    """
    layers, T = at_most("layers", layers, 3), at_most("T", T, 5)
    dx, dy, left = 1.08, 0.98, 0.85
    ax = canvas(left + dx * (T - 1) + 0.75, dy * (layers + 1) + 1.05)
    for t in range(1, T + 1):
        x = left + dx * (t - 1)
        below, y = node(ax, "input", x, 0.75, X % t), 0.75
        for i in range(1, layers + 1):
            y += dy
            h = node(ax, "hidden", x, y, f"$h_{{{t}}}^{{({i})}}$")
            link(ax, below, h, "input", f"$W_{{xh}}^{{({i})}}$")
            if t > 1:
                arrow(ax, (x - dx + 0.23, y), h, "hidden")
                text(ax, x - dx / 2, y + 0.2, f"$W_{{hh}}^{{({i})}}$", "hidden")
            below = h
        link(ax, below, node(ax, "output", x, y + dy, Y % t), "output", W_HY)
    arrow(ax, (0.3, 0.52), (0.3, y + dy + 0.23), "muted")
    arrow(ax, (left - 0.23, 0.3), (left + dx * (T - 1) + 0.23, 0.3), "muted")
    ax.text(0.17, (y + dy + 0.75) / 2, "layers", rotation=90, ha="center", va="center")
    text(ax, left + dx * (T - 1) / 2, 0.12, "time")
    return ax.figure
