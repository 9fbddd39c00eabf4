"""Small instruments that run in the reader's browser: plain JavaScript, no kernel, no other host.

Each is one piece of HTML that carries all it needs, so the same one works in the book, in
JupyterLab, on Colab and from a file. Where scripts cannot run, its still picture is seen.
``spec.toml`` names the instruments and their controls; beside it lie their scripts.
"""

import functools
import html
import json
import re
import tomllib
from pathlib import Path
from urllib.parse import quote

import numpy as np

from rnnbook.show.style import COLORS, FILLS

FOLDER = Path(__file__).parent
DARK = {
    "input": "#86bdf2",
    "hidden": "#62cdb6",
    "output": "#f0a565",
    "gradient": "#ff9088",
    "memory": "#caa6ff",
    "ink": "#e8e8e8",
    "muted": "#a9b0ba",
    "grid": "#4a5058",
    "paper": "#1a1d22",
}
"""The colors on a dark page; on a light one they are those of :data:`rnnbook.show.style.COLORS`."""

LIGHT = COLORS | {"paper": FILLS["ink"]}
# The book says its theme at <html>, JupyterLab at <body>, Colab at <html>; elsewhere the reader's
# system decides.
_UNSAID = "html:not([data-theme]):not([theme]) body:not([data-jp-theme-light]) .rnn-live"
_SAID = [
    'html[data-theme="dark"] .rnn-live',
    'html[theme="dark"] .rnn-live',
    'body[data-jp-theme-light="false"] .rnn-live',
]


@functools.cache
def catalog() -> dict[str, dict]:
    """Return all instruments: name -> title, scripts, alt and controls, from ``spec.toml``.

    >>> list(catalog())
    ['unfolding', 'gradient-flow', 'viterbi', 'gates', 'memory', 'generator']
    """
    return tomllib.loads((FOLDER / "spec.toml").read_text("utf-8"))


def show(name: str, **settings: object) -> None:
    """Show an instrument below the cell.

    The name is a key of :func:`catalog`. The settings say where its controls stand at first. The
    generator's ``embed=True`` brings its weights along, 0.5 MB: JupyterLab and Colab have no file
    of them beside the page, as the book has.

    >>> show("unfolding", T=12)  # doctest: +SKIP
    """
    from IPython.display import display

    page = as_html(name, **settings)
    title = catalog()[name]["title"]
    words = f"{title}. An instrument to touch: see it in the book, or run this cell."
    display({"text/html": page, "text/plain": words}, raw=True)


def as_html(name: str, **settings: object) -> str:
    """Return an instrument as one element that needs nothing else: still picture, style, scripts.

    Arguments are those of :func:`show`.

    >>> as_html("gates", f=0.5)[:40]
    '<div class="rnn-live" data-name="gates" '
    """
    if name not in catalog():
        raise ValueError(f"instrument must be one of {', '.join(catalog())}; got {name!r}")
    row = catalog()[name]
    embed = row.get("weights", False) and settings.pop("embed", False)
    keys = [control["key"] for control in row["controls"]]
    if unknown := settings.keys() - set(keys):
        raise ValueError(
            f"{name} has the settings {', '.join(keys)}; got {', '.join(sorted(unknown))}"
        )
    controls = [
        c | {"value": _checked(name, c, settings.get(c["key"], c["value"]))}
        for c in row["controls"]
    ]
    spec = as_json({"name": name, "title": row["title"], "controls": controls})
    spec = spec.replace("'", "&#39;")  # JSON is full of ": so the attribute is quoted by '
    scripts = "\n".join(_short(f"{part}.js") for part in row["scripts"])
    return (
        f'<div class="rnn-live" data-name="{name}" data-spec=\'{spec}\'>\n'
        f'<img class="rnn-still" alt="{html.escape(row["alt"])}" src=\'{_still(name)}\'>\n'
        f"<style>{_style()}</style>\n{_weights() if embed else ''}"
        f"<script>{scripts}</script>\n</div>"
    )


def as_json(value: object) -> str:
    r"""Return a value as JSON that may stand in a script: nothing in it can end the script.

    >>> as_json("</b>")
    '"\\u003c/b\\u003e"'
    """
    text = json.dumps(value)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def drawing_style(colors: dict[str, str]) -> str:
    """Return the rules for a drawing with its colors filled in, as the still pictures have it.

    >>> "var(--rnn-" in drawing_style(LIGHT), LIGHT["hidden"] in drawing_style(LIGHT)
    (False, True)
    """
    return re.sub(r"var\(--rnn-(\w+)\)", lambda m: colors[m[1]], _short("drawing.css"))


def _checked(name, control, value):
    """Return a value that a control can take, or raise an error that says which it can."""
    value = value.item() if isinstance(value, np.generic) else value
    if "options" in control:
        allowed = [option for option, _ in control["options"]]
        fits, wanted = value in allowed, f"one of {', '.join(allowed)}"
    elif "longest" in control:
        pattern = f"[{control['allowed']}]*" if "allowed" in control else ".*"
        fits = isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL)
        fits = fits and len(value) <= control["longest"]
        wanted = f"a text like {pattern}, at most {control['longest']} long"
    else:
        low, high = control["min"], control["max"]
        fits = isinstance(value, int | float) and low <= value <= high
        wanted = f"from {low} to {high}"
    if not fits:
        raise ValueError(f"{control['key']} of {name} must be {wanted}; got {value!r}")
    return value


def _weights():
    from rnnbook.show.instruments import generator  # here, since most pages need none

    packed = as_json(generator.pack(generator.load()))
    return f'<script type="text/plain" class="rnn-weights">{packed}</script>\n'


def _style():
    """Return the style sheet: the colors of both themes, then the rules."""

    def variables(colors):
        return "".join(f"--rnn-{kind}:{color};" for kind, color in colors.items())

    dark = variables(DARK) + "color-scheme:dark;"
    rules = [f".rnn-live{{{variables(LIGHT)}color-scheme:light;}}", f"{','.join(_SAID)}{{{dark}}}"]
    rules += [f"@media (prefers-color-scheme:dark){{{_UNSAID}{{{dark}}}}}"]
    return "\n".join([*rules, _short("base.css"), _short("drawing.css")])


def _still(name):
    """Return the still picture as the address of an image; no ' is in it."""
    picture = FOLDER / "stills" / f"{name}.svg"
    if not picture.is_file():  # a new instrument, which is not drawn yet
        return "data:,"
    return "data:image/svg+xml," + quote(
        picture.read_text("utf-8").strip(), safe=' "=:/,;(){}.-!*<>'
    )


@functools.cache
def _short(file):
    """Return a script or a style sheet without indentation and lines that are comments."""
    lines = (FOLDER / file).read_text("utf-8").splitlines()
    lines = (line.strip() for line in lines)
    return "\n".join(line for line in lines if line and not line.startswith("//"))
