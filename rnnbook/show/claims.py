"""The ledger: what the texts say, what a cell measured, and whether it holds."""

import functools
import html
import operator
import re
import tomllib
from pathlib import Path

MIME = "application/vnd.rnnbook.claim+json"
_BOUND = re.compile(r"(==|<=|>=|<|>) (\S+)")
_COMPARE = {
    "==": operator.eq,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@functools.cache
def ledger():
    """Return all claims: number -> chapter, texts, claim, verdict, why, source, cite.

    Returns
    -------
    dict of int to dict
        The rows of ``claims.toml``, in order.
    """
    rows = tomllib.loads(Path(__file__).with_name("claims.toml").read_text("utf-8"))
    return {int(number): {"cite": [], **row} for number, row in rows.items()}


def holds(value, bound):
    """Say whether a measured value keeps its bound.

    Parameters
    ----------
    value : float
        What was measured.
    bound : str
        A comparison and a number, such as ``"== 27"`` or ``"< 1e-12"``.

    Returns
    -------
    bool
        False for NaN.

    Raises
    ------
    ValueError
        If the bound is not of that form.
    """
    match = _BOUND.fullmatch(bound)
    if not match:
        raise ValueError(f"bound must be a comparison and a number, like '< 1e-12'; got {bound!r}")
    return bool(_COMPARE[match[1]](float(value), float(match[2])))


def measured(what, value, bound, digits=3):
    """Check one measurement against its bound and put it in words.

    Parameters
    ----------
    what : str
        What was measured, such as ``"parameters"``.
    value : float
        The figure.
    bound : str
        As in :func:`holds`.
    digits : int
        Significant digits to print. 0 prints the bound alone, for rounding errors
        that differ from one machine to the next.

    Returns
    -------
    str
        The sentence for the box.

    Raises
    ------
    AssertionError
        If the bound is broken.
    """
    assert holds(value, bound), f"{what}: measured {value:.6g}, but the bound is {bound}"
    if digits == 0:
        return f"{what}: {bound}"
    exact = float(value).is_integer() and abs(value) < 1e6
    figure = f"{value:.0f}" if exact else f"{value:.{digits}g}"
    return f"{what}: {figure}" if bound.startswith("==") else f"{what}: {figure} (bound {bound})"


def claim(number, *measurements):
    """Assert what a cell measured about a claim, and show it as a box.

    Parameters
    ----------
    number : int
        The claim's number in the ledger.
    *measurements : tuple of (str, float, str) or (str, float, str, int)
        The arguments of :func:`measured`, one tuple a figure.

    Raises
    ------
    KeyError
        If there is no such claim.
    TypeError
        If nothing was measured.
    AssertionError
        If a bound is broken: then the claim's verdict no longer stands.
    """
    from IPython.display import display

    if number not in ledger():
        raise KeyError(f"claim must be 1 to {max(ledger())}, got {number!r}")
    if not measurements:
        raise TypeError(f"claim {number} needs at least one measurement: (what, value, bound)")
    row = ledger()[number]
    figures = [measured(*m) for m in measurements]
    bundle = {
        "text/plain": as_text(number, row, figures),
        "text/html": as_html(number, row, figures),
        MIME: {"number": number, "figures": figures},
    }
    display(bundle, raw=True)


def as_text(number, row, figures):
    """Return the box as plain text."""
    return (
        f"Claim {number}, {row['verdict']}: {row['claim']}\n{row['why']}\n"
        f"Measured: {'; '.join(figures)}\nSource: {row['source']}"
    )


def as_html(number, row, figures):
    """Return the box as HTML; readable without a style sheet too."""
    text = {key: html.escape(row[key], quote=False) for key in ("claim", "why", "source")}
    figures = "; ".join(html.escape(figure, quote=False) for figure in figures)
    return (
        f'<div class="rnn-claim" data-verdict="{row["verdict"]}" id="claim-{number}">'
        f"<p><b>Claim {number} · {row['verdict']}.</b> <q>{text['claim']}</q></p>"
        f"<p>{text['why']}</p>"
        f"<p><b>Measured:</b> {figures}<br><b>Source:</b> {text['source']}</p></div>"
    )
