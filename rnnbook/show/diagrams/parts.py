"""What several drawings share: sizes that can be read, and labeled arrows."""

from rnnbook._check import whole
from rnnbook.show.style import arrow, text


def at_most(name, value, most):
    """Return a count that can still be read when it is drawn.

    Parameters
    ----------
    name : str
        What is counted, for the message.
    value : int
        The count, from 1.
    most : int
        The largest that is drawn.

    Returns
    -------
    int
        The count.

    Raises
    ------
    TypeError
        If it is no whole number.
    ValueError
        If it is below 1 or above ``most``.
    """
    n = whole(name, value)
    if n > most:
        raise ValueError(
            f"{name} must be at most {most}, got {n}: more cannot be read on a phone "
            f"(draw {most} or fewer and say how it goes on)"
        )
    return n


def link(ax, start, end, kind, label=""):
    """Draw an arrow with its label: above it if it goes right, at its right if it goes up.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        A canvas of :func:`rnnbook.show.style.canvas`.
    start, end : Node
        What :func:`rnnbook.show.style.node` returned.
    kind : str
        A color's name in :mod:`rnnbook.show.style`.
    label : str
        The weights' symbol.
    """
    arrow(ax, start, end, kind)
    x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
    if label and start.y == end.y:
        text(ax, x, y + 0.18, label, kind)
    elif label:
        text(ax, x + 0.06, y, label, kind, ha="left")
