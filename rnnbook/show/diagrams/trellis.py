"""Hidden Markov models: the chain that hides, the trellis, the forward lattice, the best path."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from rnnbook._check import shaped
from rnnbook.show.style import COLORS, RADIUS, arrow, at_most, canvas, link, node, text
from rnnbook.text import token_ids

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DX, DY, SYMBOLS_BELOW = 1.3, 1.3, 1.05  # inches from a column, a row, a state's symbol to the next


def chain_and_hmm(T: int = 4) -> Figure:
    """Draw a Markov chain and, below it, the same chain hidden behind the symbols it gives.

    Hidden states z stand in circles, symbols x, which are seen, in squares.

    Parameters
    ----------
    T : int
        How many time steps, 1 to 4.

    Examples
    --------
    >>> figure = chain_and_hmm(T=3)
    """
    T = at_most("T", T, 4)
    ax = canvas(max(2.4, 0.9 + DX * (T - 1)), 3.9)
    for y, kind, letter, name in ((3.05, "input", "x", "Markov chain"),
                                  (1.45, "hidden", "z", "hidden Markov model")):  # fmt: skip
        text(ax, 0.2, y + 0.55, name, ha="left")
        row = [node(ax, kind, 0.45 + DX * t, y, f"${letter}_{{{t + 1}}}$") for t in range(T)]
        for start, end in pairwise(row):
            link(ax, start, end, "hidden", "$a$")
    for t, state in enumerate(row):
        symbol = node(ax, "input", state.x, state.y - SYMBOLS_BELOW, f"$x_{{{t + 1}}}$")
        link(ax, state, symbol, "output", "$b$")
    return ax.figure


def trellis(N: int = 3, T: int = 4) -> Figure:
    """Draw all paths of a hidden Markov model: a column of states a step, an arrow a transition.

    Parameters
    ----------
    N : int
        How many states, 1 to 3.
    T : int
        How many time steps, 1 to 4; the symbol of each stands under its column.

    Examples
    --------
    >>> figure = trellis(N=2, T=4)
    """
    N, T = at_most("N", N, 3), at_most("T", T, 4)
    symbols = [f"$x_{{{t + 1}}}$" for t in range(T)]
    ax, columns = _columns([f"${i + 1}$" for i in range(N)], symbols)
    for start, end in _transitions(columns):
        arrow(ax, start, end, "hidden")
    return ax.figure


def forward_lattice(alpha: ArrayLike, names: Sequence[str], symbols: Sequence[str]) -> Figure:
    """Draw the trellis with a number at each state, such as what has flowed there from the left.

    Parameters
    ----------
    alpha : array_like, shape (T, N)
        The numbers; T is at most 4, N at most 3.
    names : sequence of N str
        What stands in the circles, a letter each.
    symbols : sequence of T str
        What was seen, a letter each.

    Examples
    --------
    >>> figure = forward_lattice([[0.25, 0.45], [0.145, 0.369]], "FL", "HH")
    """
    ax, columns = _with_numbers(_checked("alpha", alpha, names, symbols), names, symbols)
    for start, end in _transitions(columns):
        arrow(ax, start, end, "hidden")
    return ax.figure


def best_path(
    delta: ArrayLike,
    origins: ArrayLike,
    path: ArrayLike,
    names: Sequence[str],
    symbols: Sequence[str],
) -> Figure:
    """Draw the trellis as Viterbi sees it: one arrow into each state, and the best path.

    Transitions that no best path takes are dashed.

    Parameters
    ----------
    delta : array_like, shape (T, N)
        The probability of the best path to each state; T is at most 4, N at most 3.
    origins : array_like of int, shape (T - 1, N)
        From which state the best path into each state comes.
    path : array_like of int, shape (T,)
        The best path of all, drawn in orange.
    names, symbols : sequence of str
        As in :func:`forward_lattice`.

    Examples
    --------
    >>> figure = best_path([[0.25, 0.45], [0.1, 0.324]], [[0, 1]], [1, 1], "FL", "HH")
    """
    delta = _checked("delta", delta, names, symbols)
    T, N = delta.shape
    path, rows = token_ids(path, N, T), [token_ids(row, N, N) for row in origins]
    if len(path) != T or len(rows) != T - 1:
        raise ValueError(
            f"path and origins must have {T} and {T - 1} steps, got {len(path)} and {len(rows)}"
        )
    ax, columns = _with_numbers(delta, names, symbols)
    for t in range(T - 1):
        for (i, start), (j, end) in product(enumerate(columns[t]), enumerate(columns[t + 1])):
            on = (i, j) == (path[t], path[t + 1])
            kept = rows[t][j] == i
            kind = "output" if on else "hidden" if kept else "muted"
            arrow(ax, start, end, kind, dashed=not kept)
    for column, i in zip(columns, path, strict=True):
        column[i].patch.set(edgecolor=COLORS["output"], linewidth=3)
    return ax.figure


def _columns(names, symbols, margin=0.45):
    """Draw states in columns, the first on top, and the symbols below; return the columns."""
    N, T = len(names), len(symbols)
    low = 0.35 + SYMBOLS_BELOW
    ax = canvas(2 * margin + DX * (T - 1), low + DY * (N - 1) + 0.65)
    columns = []
    for t, symbol in enumerate(symbols):
        x = margin + DX * t
        columns.append([node(ax, "hidden", x, low + DY * (N - 1 - i), name)
                        for i, name in enumerate(names)])  # fmt: skip
        arrow(ax, (x, low - 0.5), node(ax, "input", x, low - SYMBOLS_BELOW, symbol), "output")
    return ax, columns


def _transitions(columns):
    for column, after in pairwise(columns):
        yield from product(column, after)


def _checked(name, numbers, names, symbols):
    numbers = shaped(name, numbers, "T N", T=len(symbols), N=len(names))
    at_most("T", len(symbols), 4)
    at_most("N", len(names), 3)
    return numbers


def _with_numbers(numbers, names, symbols):
    """Draw the columns with a number above each state, below it in the lowest row."""
    ax, columns = _columns(names, symbols, margin=0.5)
    for column, row in zip(columns, numbers, strict=True):
        for i, (state, number) in enumerate(zip(column, row, strict=True)):
            above = -1 if 0 < i == len(names) - 1 else 1
            text(ax, state.x, state.y + above * (RADIUS + 0.15), f"{number:.4g}", "hidden")
    return ax, columns
