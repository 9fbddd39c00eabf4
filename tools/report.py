"""What all benchmarks share: their results, with machine and versions, in benchmarks/results.

A benchmark ends with ``save(...)``. ``tools.pages`` makes the book's page of benchmarks from the
saved files, so nobody types a figure.
"""

import datetime
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

from tools import ROOT

RESULTS = ROOT / "benchmarks" / "results"


def save(name, title, columns, rows, notes=(), packages=("numpy",), figure=None, alt=None):
    """Print a table and save it as ``benchmarks/results/NAME.json``.

    Parameters
    ----------
    name : str
        The benchmark's file without suffix, such as ``"text"``.
    title : str
        A heading for the page.
    columns : list of str, length n
        What stands in each column, with its unit.
    rows : list of list, each of length n
        Words, whole numbers, floats, which are shown with 3 significant digits, or None for a
        cell that stays empty.
    notes : list of str
        Markdown sentences that say what was measured, how, and what it does not show.
    packages : list of str
        The packages whose versions count.
    figure : str, optional
        An SVG file in the folder of the results, such as ``"engine.svg"``.
    alt : str, optional
        What the figure shows, in whole sentences; a figure needs it.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are columns, or a figure has no words.
    """
    wrong = [row for row in rows if len(row) != len(columns)]
    if wrong:
        raise ValueError(f"each row must have {len(columns)} cells, got {wrong[0]}")
    if figure and not alt:
        raise ValueError(f"{figure} must come with an alt text, got none (say what it shows)")
    print("\n".join(table(columns, rows)))
    result = {
        "title": title,
        "command": f"python -m benchmarks.{name}",
        "machine": machine(),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in packages}},
        "date": datetime.date.today().isoformat(),
        "notes": list(notes),
        "columns": list(columns),
        "rows": [list(row) for row in rows],
        "figure": figure,
        "alt": alt,
    }
    RESULTS.mkdir(exist_ok=True)
    content = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(content, encoding="utf-8", newline="\n")


def table(columns, rows):
    """Return the lines of a Markdown table that reads well as plain text too."""
    lines = [list(columns), *([shown(value) for value in row] for row in rows)]
    formats, rule = [], []
    for line, column in zip(zip(*lines, strict=True), zip(*rows, strict=True), strict=True):
        words, width = any(isinstance(value, str) for value in column), max(3, *map(len, line))
        formats.append(f"{'<' if words else '>'}{width}")
        rule.append("-" * width if words else "-" * (width - 1) + ":")
    lines = [map(format, line, formats) for line in lines]
    return [f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]]]


def shown(value):
    """Return a cell in words: floats have 3 significant digits and no exponent."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{float(f'{value:.3g}'):,.12f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)


def machine():
    """Return the processor, the number of its cores, and the system."""
    return f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def processor():
    """Return the processor's name, or what Python knows of it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()
