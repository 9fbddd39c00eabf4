"""How figures look: colors, fonts, and the shapes and arrows of which diagrams are made.

One kind of thing has one color and one shape, in equations, plots and diagrams alike:
a square is a number that is given, a circle a state, a rounded box what the network puts out,
a hexagon what keeps something for later. Diagrams are measured in inches, so text sizes are
true: a figure 5.8 inches wide is shown at 0.86 CSS pixels a point on a phone 390 pixels wide.
"""

from __future__ import annotations

import re
import sys
import zlib
from typing import TYPE_CHECKING, NamedTuple

from rnnbook._check import whole

if TYPE_CHECKING:  # Matplotlib loads when something is drawn
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

COLORS = {
    "input": "#054478",
    "hidden": "#177d6b",
    "output": "#b24a08",
    "gradient": "#95070c",
    "memory": "#9642e9",
    "ink": "#222222",
    "muted": "#5f6670",
    "grid": "#d5d9de",
}
"""Each kind's color. They stay apart for color-blind readers and on the dark page."""

FILLS = {
    "input": "#eaf2fa",
    "hidden": "#f0f9f6",
    "output": "#fdf1e8",
    "memory": "#fbf7ff",
    "ink": "#ffffff",
}
"""The light inside of each kind's shape; its symbol is readable on it."""

SYMBOL, WORDS = 14.5, 12  # points: symbols, whose subscripts are smaller still, and words
RADIUS = 0.23  # inches: half the size of a node
HEAD = "-|>,head_length=0.45,head_width=0.2"


class Node(NamedTuple):
    """A shape of a diagram and the place of its center, in inches.

    >>> node(canvas(2, 1), "hidden", 0.5, 0.4, "$h_t$")[1:]
    (0.5, 0.4)
    """

    patch: Patch
    x: float
    y: float


_RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": COLORS["muted"],
    "axes.grid": True,
    "axes.labelcolor": COLORS["ink"],
    "axes.labelsize": 12,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 12.5,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "figure.figsize": (5.8, 3.4),
    "font.family": "DejaVu Sans",  # comes with Matplotlib, so the same on every machine
    "font.size": 12,
    "grid.color": COLORS["grid"],
    "legend.fontsize": 11.5,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "mathtext.fontset": "cm",  # as in the equations
    "savefig.pad_inches": 0.05,
    "svg.fonttype": "path",
    "svg.hashsalt": "rnnbook",  # else every run names its clip paths anew
    "text.color": COLORS["ink"],
    "xtick.color": COLORS["muted"],
    "xtick.labelsize": 11.5,
    "ytick.color": COLORS["muted"],
    "ytick.labelsize": 11.5,
}


def use() -> None:
    """Set the course's style for all figures that follow; a notebook's become stable SVG.

    Two runs of a cell give the same SVG text, byte for byte: nothing in it tells the time or
    the version of Matplotlib. Calling it twice does no harm.

    >>> use()
    """
    import matplotlib
    from cycler import cycler

    order = [COLORS[kind] for kind in ("input", "output", "hidden", "memory", "gradient")]
    matplotlib.rcParams.update(_RC | {"axes.prop_cycle": cycler(color=order)})
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from matplotlib.figure import Figure
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg")
        formatters = ipython.get_ipython().display_formatter.formatters
        formatters["image/svg+xml"].for_type(Figure, short_svg)


_UNSEEN = re.compile(r'^ +|(?<=<g) id="[^"]*"|<!-- .*? -->\n', flags=re.MULTILINE)
_PLACES = re.compile(
    r'(?<= d=")[^"]+|(?<= [xy]=")[^"]+|(?<= width=")[^"]+|(?<= height=")[^"]+'
    r'|(?<= transform="translate\()[^)]+'
)
_LONG = re.compile(r"-?\d+\.\d{3,}")
_CLIP = re.compile(r'<clipPath id="(\w+)">(.*?)</clipPath>', flags=re.DOTALL)


def short_svg(figure: Figure) -> str:
    """Return a figure as short SVG: places to a hundredth of a point, nothing that is not seen.

    Matplotlib writes a millionth: nobody sees it, it makes the file half as long again, and
    there the last digits of a computation differ from one processor to the next. Neither a date
    nor the version of Matplotlib is in it.

    >>> short_svg(canvas(2, 1).figure)[:5]
    '<?xml'
    """
    from IPython.core.pylabtools import print_figure

    svg = print_figure(figure, fmt="svg", metadata={"Date": None, "Creator": None})
    svg = _PLACES.sub(lambda places: _LONG.sub(_hundredth, places[0]), _UNSEEN.sub("", svg))
    for name, shape in _CLIP.findall(svg):  # Matplotlib's names hang on all the digits
        svg = svg.replace(name, f"p{zlib.crc32(shape.encode()):08x}")
    return svg


def _hundredth(number):
    return f"{round(float(number[0]), 2) + 0.0:g}"  # + 0.0: no negative zero


def at_most(name: str, value: int, most: int) -> int:
    """Return a count, from 1 to the largest that can still be read when it is drawn.

    >>> at_most("T", 4, most=6)
    4
    """
    n = whole(name, value)
    if n > most:
        raise ValueError(
            f"{name} must be at most {most}, got {n}: more cannot be read on a phone "
            f"(draw {most} or fewer and say how it goes on)"
        )
    return n


def canvas(width: float, height: float) -> Axes:
    """Return the invisible axes of an empty drawing, measured in inches from its lower left.

    Width and height are those of the new figure, in inches.

    >>> ax = canvas(3, 1)
    >>> x, h = node(ax, "input", 0.5, 0.5, "$x_t$"), node(ax, "hidden", 2.5, 0.5, "$h_t$")
    >>> link(ax, x, h, "input", "$W_{xh}$")
    >>> [text.get_text() for text in ax.texts]
    ['$x_t$', '$h_t$', '$W_{xh}$']
    """
    use()
    import matplotlib.pyplot as plt

    fig = plt.figure(figsize=(width, height), layout="none")
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    return ax


def node(
    ax: Axes, kind: str, x: float, y: float, symbol: str = "", *,
    width: float = 2 * RADIUS, past: bool = False,
) -> Node:  # fmt: skip
    """Draw the shape of one kind with its symbol inside; :func:`arrow` joins two of them.

    The axes are those of a :func:`canvas`. The kind is "input", "hidden", "output", "memory" or
    "ink", an operation such as a sum; x and y are the center, in inches. The symbol is usually
    mathtext; for words there is the width, in inches (a circle has one width only). An earlier time
    step is ``past``: its edge is dashed.

    >>> memory = node(canvas(2, 1), "memory", 0.5, 0.5, "$c_{t-1}$", width=0.72, past=True)
    >>> len(memory.patch.get_xy())  # a hexagon's corners, the first one again at the end
    7
    """
    from matplotlib import patches

    r, w = RADIUS, width / 2
    if kind in ("hidden", "ink"):
        patch = patches.Circle((x, y), r)
    elif kind == "input":
        patch = patches.Rectangle((x - w, y - r), 2 * w, 2 * r)
    elif kind == "output":
        box = patches.BoxStyle("round", pad=0, rounding_size=0.13)
        patch = patches.FancyBboxPatch((x - w, y - r), 2 * w, 2 * r, boxstyle=box)
    else:
        cut = r / 2
        corners = [(-w, 0), (cut - w, r), (w - cut, r), (w, 0), (w - cut, -r), (cut - w, -r)]
        patch = patches.Polygon([(x + dx, y + dy) for dx, dy in corners])
    patch.set(facecolor=FILLS[kind], edgecolor=COLORS[kind], linewidth=1.6, zorder=3)
    patch.set_linestyle((0, (2.5, 1.5)) if past else "-")
    ax.add_patch(patch)
    text(ax, x, y - 0.01, symbol, kind, size=SYMBOL if "$" in symbol else WORDS)
    return Node(patch, x, y)


def arrow(
    ax: Axes, start: Node | tuple[float, float], end: Node | tuple[float, float],
    kind: str = "ink", *, dashed: bool = False,
) -> None:  # fmt: skip
    """Draw an arrow that starts and ends at the edges of shapes.

    Start and end are shapes, or points (x, y) in inches. The kind is a key of :data:`COLORS`: all
    arrows of one weight matrix have one.

    >>> ax = canvas(2, 1)
    >>> arrow(ax, (0.1, 0.5), node(ax, "hidden", 1.5, 0.5, "$h_t$"), "hidden")
    """
    from matplotlib.patches import FancyArrowPatch

    a, b = ((e.patch, (e.x, e.y)) if isinstance(e, Node) else (None, e) for e in (start, end))
    ax.add_patch(
        FancyArrowPatch(
            a[1], b[1], patchA=a[0], patchB=b[0], shrinkA=0, shrinkB=1.5, color=COLORS[kind],
            arrowstyle=HEAD, mutation_scale=13, linewidth=1.6,
            linestyle=(0, (3, 2)) if dashed else "-", zorder=2,
            capstyle="butt", joinstyle="miter",
        )
    )  # fmt: skip


def link(ax: Axes, start: Node, end: Node, kind: str, label: str = "") -> None:
    """Draw an arrow with its label: above it if it goes right, at its right if it goes up.

    >>> ax = canvas(2, 2)
    >>> link(ax, node(ax, "input", 1, 0.5), node(ax, "hidden", 1, 1.5), "input", "$W_{xh}$")
    >>> ax.texts[-1].get_position()
    (1.06, 1.0)
    """
    arrow(ax, start, end, kind)
    x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
    if label and start.y == end.y:
        text(ax, x, y + 0.18, label, kind)
    elif label:
        text(ax, x + 0.06, y, label, kind, ha="left")


def line(ax: Axes, start: Node, end: Node) -> None:
    """Draw a dotted line between two shapes that are compared, not connected.

    >>> ax = canvas(2, 1)
    >>> line(ax, node(ax, "output", 0.5, 0.5, "ŷ"), node(ax, "ink", 1.5, 0.5, "y"))
    """
    ax.plot([start.x, end.x], [start.y, end.y], ":", color=COLORS["muted"], zorder=1)


def frame(ax: Axes, left: float, bottom: float, right: float, top: float) -> None:
    """Draw a light box behind shapes that belong together; its sides are given in inches.

    >>> frame(canvas(3, 2), left=0.2, bottom=0.2, right=2.8, top=1.8)
    """
    from matplotlib.patches import FancyBboxPatch

    box = FancyBboxPatch((left, bottom), right - left, top - bottom, zorder=0, linewidth=1.2,
                         boxstyle="round,pad=0,rounding_size=0.12", facecolor="#f5f6f8",
                         edgecolor=COLORS["grid"])  # fmt: skip
    ax.add_patch(box)


def path(ax: Axes, points: list[tuple[float, float]], kind: str = "ink") -> None:
    """Draw a line with rounded corners through points, in inches, with an arrowhead at its end.

    >>> path(canvas(3, 2), [(0.5, 0.5), (2.5, 0.5), (2.5, 1.5)], "gradient")
    """
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        for near in (before, after):
            length = abs(near[0] - corner[0]) + abs(near[1] - corner[1])
            share = 0.12 / length
            vertices.append(tuple(c + share * (n - c) for c, n in zip(corner, near, strict=True)))
        vertices.insert(-1, corner)
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    shape = Path([*vertices, points[-1]], [*codes, Path.LINETO])
    ax.add_patch(
        FancyArrowPatch(path=shape, arrowstyle=HEAD, mutation_scale=13, linewidth=1.6,
                        color=COLORS[kind], zorder=2)
    )  # fmt: skip


def text(
    ax: Axes, x: float, y: float, words: str, kind: str = "ink", *,
    size: float = WORDS, ha: str = "center",
) -> None:  # fmt: skip
    """Write words or mathtext at a place in inches, in the color of one kind.

    >>> text(canvas(2, 1), 1, 0.5, "$c_t$", "memory", size=SYMBOL)
    """
    ax.text(x, y, words, color=COLORS[kind], fontsize=size, ha=ha, va="center", zorder=4)
