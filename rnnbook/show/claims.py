"""The ledger: what the texts say, what a cell measured, and whether it holds."""

import functools
import html
import math
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
def ledger() -> dict[int, dict]:
    """Return all claims: number -> chapter, texts, claim, verdict, why, source, cite.

    A row may have "how": what stands before its figures in the place of "Measured".

    >>> ledger()[5]["verdict"]
    'false'
    """
    rows = tomllib.loads(Path(__file__).with_name("claims.toml").read_text("utf-8"))
    return {int(number): {"cite": [], **row} for number, row in rows.items()}


def holds(value: float, bound: str) -> bool:
    """Return True if a measured value keeps its bound; NaN keeps none.

    The bound is a comparison and a finite number, such as ``"== 27"``.

    >>> holds(3e-16, "< 1e-12"), holds(float("nan"), "< 1e-12")
    (True, False)
    """
    match = _BOUND.fullmatch(bound)
    try:
        limit = float(match[2])
    except (TypeError, ValueError):
        limit = math.nan
    if not math.isfinite(limit):  # a bound that nothing, or everything, keeps
        raise ValueError(f"bound must be a comparison and a number, like '< 1e-12'; got {bound!r}")
    return bool(_COMPARE[match[1]](float(value), limit))


def describe(what: str, value: float, bound: str, digits: int = 3) -> str:
    """Check one measurement against its bound and put it in words.

    ``what`` names what was measured, such as ``"parameters"``; the bound is as in :func:`holds`. A
    value that breaks it raises an AssertionError. ``digits`` are the significant ones to print. 0
    prints the bound alone, for what differs from one machine to the next, such as rounding errors.

    >>> describe("share", 2 / 3, "> 0.5")
    'share: 0.667 (bound > 0.5)'
    >>> describe("difference", 3e-16, "< 1e-12", 0)
    'difference: < 1e-12'
    """
    if not holds(value, bound):  # raised by hand: `python -O` leaves assert statements out
        raise AssertionError(f"{what}: measured {value:.6g}, but the bound is {bound}")
    if digits == 0:
        return f"{what}: {bound}"
    exact = float(value).is_integer() and abs(value) < 1e6
    figure = f"{value:.0f}" if exact else f"{value:.{digits}g}"
    return f"{what}: {figure}" if bound.startswith("==") else f"{what}: {figure} (bound {bound})"


def claim(number: int, *measurements: tuple) -> None:
    """Assert what a cell measured about a claim, and show it as a box.

    The number is that in the ledger. Each measurement is a tuple of the arguments of
    :func:`describe`, (what, value, bound) or with the digits too, one a figure, at least one. If a
    bound is broken, the claim's verdict no longer stands: an AssertionError is raised.

    >>> claim(2, ("parameters", 3 * 5 + 3 * 3 + 3, "== 27"))  # doctest: +SKIP
    """
    from IPython.display import display

    if number not in ledger():
        raise KeyError(f"claim must be 1 to {max(ledger())}, got {number!r}")
    if not measurements:
        raise TypeError(f"claim {number} needs at least one measurement: (what, value, bound)")
    figures = [describe(*measurement) for measurement in measurements]
    bundle = {
        "text/plain": as_text(number, figures),
        "text/html": as_html(number, figures),
        MIME: {"number": number, "figures": figures},
    }
    display(bundle, raw=True)


def as_text(number: int, figures: list[str]) -> str:
    """Return the box as plain text; the figures are what :func:`describe` returned.

    >>> print(as_text(2, [describe("parameters", 27, "== 27")]).splitlines()[2])
    Measured: parameters: 27
    """
    row = ledger()[number]
    return (
        f"Claim {number}, {row['verdict']}: {row['claim']}\n{row['why']}\n"
        f"{row.get('how', 'Measured')}: {'; '.join(figures)}\nSource: {row['source']}"
    )


def as_html(number: int, figures: list[str], cell: str = "") -> str:
    """Return the box as HTML; readable without a style sheet too.

    Arguments are those of :func:`as_text`, and, on the page of all claims, ``cell``: the address of
    the cell that measures it. Then the box names the texts, and links to the cell and to its
    sources in ``bibliography.html``.

    >>> as_html(2, ["parameters: 27"])[:58]
    '<div class="rnn-claim" data-verdict="partly" id="claim-2">'
    """
    row = ledger()[number]
    words = {key: _escape(row[key]) for key in ("verdict", "claim", "why", "source", "texts")}
    measured, how = "; ".join(map(_escape, figures)), row.get("how", "Measured")
    texts, link = "", ""
    if cell:
        texts = f" ({words['texts']})"
        pairs = zip(row["source"].split("; "), row["cite"], strict=True)
        words["source"] = "; ".join(
            f'<a href="bibliography.html#{key}">{_escape(source)}</a>' for source, key in pairs
        )
        link = f'<br><a href="{html.escape(cell)}">The cell that measures it</a>'
    return (
        f'<div class="rnn-claim" data-verdict="{words["verdict"]}" id="claim-{number}">'
        f"<p><b>Claim {number} · {words['verdict']}.</b> <q>{words['claim']}</q>{texts}</p>"
        f"<p>{words['why']}</p>"
        f"<p><b>{how}:</b> {measured}<br><b>Source:</b> {words['source']}{link}</p></div>"
    )


def _escape(words):
    return html.escape(words, quote=False)
