"""The gated cells: an LSTM that grows gate by gate, and a GRU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnbook.show.style import SYMBOL, WORDS, arrow, canvas, link, node, path, text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STAGES = ("", "i", "io", "ifo")
TOP, ADDED, GATES, BUS = 3.85, 2.8, 1.6, 0.95  # inches: the rows of a cell, from the top
SIGMA, TANH, TIMES, PLUS = r"$\sigma$", r"$\tanh$", r"$\times$", "$+$"


def lstm(gates: str = "ifo") -> Figure:
    """Draw one step of an LSTM cell with some of its gates.

    The memory runs along the top; below it, what is added; below that the gates and the
    candidate, which all receive x_t and h_{t-1}.

    Parameters
    ----------
    gates : {"", "i", "io", "ifo"}
        Which gates it has: none, the input gate, the output gate too (Hochreiter and Schmidhuber
        1997), the forget gate too (Gers, Schmidhuber and Cummins 2000).

    Examples
    --------
    >>> figure = lstm("io")
    """
    if gates not in STAGES:
        allowed = ", ".join(repr(stage) for stage in STAGES)
        raise ValueError(f"gates must be one of {allowed}; got {gates!r}")
    ax = canvas(5.8, 4.15)
    memory = node(ax, "memory", 0.45, TOP, "$c_{t-1}$", width=0.72, past=True)
    if "f" in gates:
        forget = node(ax, "ink", 1.65, TOP, TIMES)
        arrow(ax, memory, forget, "memory")
        link(ax, _unit(ax, 1.65, SIGMA), forget, "ink", "$f_t$")
        memory = forget
    add = node(ax, "ink", 3.0, TOP, PLUS)
    arrow(ax, memory, add, "memory")
    arrow(ax, add, node(ax, "memory", 5.3, TOP, "$c_t$", width=0.6), "memory")
    _candidate(ax, add, "i" in gates)
    _output(ax, "o" in gates)
    _given(ax, node(ax, "hidden", 0.45, BUS, past=True), 0.45, BUS + 0.4)
    return ax.figure


def gru() -> Figure:
    """Draw one step of a GRU: two gates, and the hidden state itself as the memory.

    The state runs along the top; z keeps its share of it, and 1 - z admits the candidate.

    >>> figure = gru()
    """
    ax = canvas(5.8, 4.15)
    state = node(ax, "hidden", 0.45, TOP, past=True)
    keep, add = node(ax, "ink", 2.1, TOP, TIMES), node(ax, "ink", 4.4, TOP, PLUS)
    arrow(ax, state, keep, "hidden")
    arrow(ax, keep, add, "hidden")
    arrow(ax, add, node(ax, "hidden", 5.35, TOP, "$h_t$"), "hidden")
    z, r, candidate = _unit(ax, 2.1, SIGMA), _unit(ax, 3.25, SIGMA), _unit(ax, 4.4, TANH)
    link(ax, z, keep, "ink")
    text(ax, 2.02, 2.2, "$z_t$", size=SYMBOL, ha="right")
    rest, admit = node(ax, "ink", 3.25, ADDED, "$1-$"), node(ax, "ink", 4.4, ADDED, TIMES)
    arrow(ax, (2.1, ADDED), rest)
    arrow(ax, rest, admit)
    link(ax, r, candidate, "ink", "$r_t$")
    link(ax, candidate, admit, "ink", r"$\tilde{h}_t$")
    arrow(ax, admit, add)
    path(ax, [(0.45, TOP - 0.23), (0.45, BUS), (0.95, BUS)], "hidden")
    _given(ax, None, 0.75, TOP - 0.45)
    return ax.figure


def _unit(ax, x, function):
    """Draw one gate, or the candidate, with its way from the bus of x_t and h_{t-1}."""
    path(ax, [(0.95, BUS), (x, BUS), (x, GATES - 0.25)])
    return _operation(ax, x, GATES, function)


def _operation(ax, x, y, function):
    """Draw a function of one number; its name is small enough for the circle."""
    circle = node(ax, "ink", x, y)
    text(ax, x, y - 0.01, function, size=WORDS if function == TANH else SYMBOL)
    return circle


def _candidate(ax, add, gated):
    """Draw what is added to the memory: the candidate, with an input gate or without."""
    if not gated:
        link(ax, _unit(ax, 3.0, TANH), add, "ink", r"$\tilde{c}_t$")
        return
    admit = node(ax, "ink", 3.0, ADDED, TIMES)
    arrow(ax, admit, add)
    for x, function, symbol, side, ha in (
        (2.45, SIGMA, "$i_t$", -1, "right"),
        (3.45, TANH, r"$\tilde{c}_t$", 1, "left"),
    ):
        _unit(ax, x, function)
        path(ax, [(x, GATES + 0.23), (x, ADDED), (3.0 + side * 0.25, ADDED)])
        text(ax, x + side * 0.07, 2.12, symbol, size=SYMBOL, ha=ha)


def _output(ax, gated):
    """Draw the way from the memory to h_t: through tanh, and the output gate if there is one."""
    squash, y = _operation(ax, 4.5, 3.1, TANH), 2.35
    h = node(ax, "hidden", 5.3, y, "$h_t$")
    arrow(ax, (4.5, TOP), squash, "memory")
    if not gated:
        path(ax, [(4.5, 2.87), (4.5, y), (5.05, y)])
        return
    times = node(ax, "ink", 4.5, y, TIMES)
    arrow(ax, squash, times)
    arrow(ax, times, h)
    link(ax, _unit(ax, 4.5, SIGMA), times, "ink", "$o_t$")


def _given(ax, state, x, y):
    """Draw x_t and h_{t-1} at the left end of the bus; the state's name stands at x, y."""
    if state is not None:
        arrow(ax, state, (0.97, BUS), "hidden")
    text(ax, x, y, "$h_{t-1}$", "hidden", size=SYMBOL)
    arrow(ax, node(ax, "input", 0.95, 0.3, "$x_t$"), (0.95, BUS), "input")
