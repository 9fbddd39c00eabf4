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
def catalog():
    """Return all instruments: name -> title, scripts, alt and controls, from ``spec.toml``.

    Returns
    -------
    dict of str to dict
        The rows, in order.
    """
    return tomllib.loads((FOLDER / "spec.toml").read_text("utf-8"))


def show(name, **settings):
    """Show an instrument below the cell.

    Parameters
    ----------
    name : str
        A key of :func:`catalog`, such as ``"unfolding"``.
    **settings
        Where its controls stand at first, such as ``T=12``. The generator's ``embed=True``
        brings its weights along, 0.5 MB: JupyterLab and Colab have no file of them beside the
        page, as the book has.

    Raises
    ------
    ValueError
        If there is no such instrument or control, or a setting is out of its range.
    """
    from IPython.display import display

    title = catalog().get(name, {}).get("title")
    page = as_html(name, **settings)
    words = f"{title}. An instrument to touch: see it in the book, or run this cell."
    display({"text/html": page, "text/plain": words}, raw=True)


def as_html(name, **settings):
    """Return an instrument as HTML that needs nothing else.

    Parameters
    ----------
    name, **settings
        As in :func:`show`.

    Returns
    -------
    str
        The still picture, the style and the scripts in one element.

    Raises
    ------
    ValueError
        As in :func:`show`.
    """
    if name not in catalog():
        raise ValueError(f"instrument must be one of {', '.join(catalog())}; got {name!r}")
    row = catalog()[name]
    embed = row.get("weights", False) and settings.pop("embed", False)
    controls = [c | {"value": settings.pop(c["key"], c["value"])} for c in row["controls"]]
    for control in controls:
        _check(name, control)
    if settings:
        keys = ", ".join(c["key"] for c in controls)
        raise ValueError(f"{name} has the settings {keys}; got {', '.join(settings)}")
    spec = json.dumps({"name": name, "title": row["title"], "controls": controls})
    spec = html.escape(spec, quote=False).replace("'", "&#39;")  # full of ": so quoted by '
    carried = _weights() if embed else ""
    scripts = "\n".join(_short(f"{part}.js") for part in row["scripts"])
    return (
        f'<div class="rnn-live" data-name="{name}" data-spec=\'{spec}\'>\n'
        f'<img class="rnn-still" alt="{html.escape(row["alt"])}" src="{_still(name)}">\n'
        f"<style>{_style()}</style>\n{carried}<script>{scripts}</script>\n</div>"
    )


def _weights():
    from rnnbook.show.instruments import weights  # here, since most pages need none

    packed = json.dumps(weights.packed()).replace("<", "\\u003c")  # no tag in a script
    return f'<script type="text/plain" class="rnn-weights">{packed}</script>\n'


def _check(name, control):
    """Raise an error where a control's value is none that it can take."""
    key, value = control["key"], control["value"]
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
        raise ValueError(f"{key} of {name} must be {wanted}; got {value!r}")


def _style():
    """Return the style sheet: the colors of both themes, then the rules."""

    def variables(colors):
        return "".join(f"--rnn-{kind}:{color};" for kind, color in colors.items())

    dark = variables(DARK) + "color-scheme:dark;"
    rules = [f".rnn-live{{{variables(LIGHT)}color-scheme:light;}}", f"{','.join(_SAID)}{{{dark}}}"]
    rules += [f"@media (prefers-color-scheme:dark){{{_UNSAID}{{{dark}}}}}"]
    return "\n".join([*rules, _short("base.css"), _short("drawing.css")])


def _still(name):
    """Return the still picture as the address of an image, colors filled in."""
    style = re.sub(r"var\(--rnn-(\w+)\)", lambda m: LIGHT[m[1]], _short("drawing.css"))
    picture = FOLDER / "stills" / f"{name}.svg"
    if not picture.is_file():  # a new instrument, before tools/stills.py drew it
        return "data:,"
    drawing = picture.read_text("utf-8").replace("<style/>", f"<style>{style}</style>")
    drawing = drawing.strip().replace("></circle>", "/>").replace("></path>", "/>")
    drawing = re.sub("<[^>]*>", lambda tag: tag[0].replace('"', "'"), drawing)  # not the text's
    return "data:image/svg+xml," + quote(drawing, safe=" =:/,;(){}.-'!*<>")


@functools.cache
def _short(file):
    """Return a script or a style sheet without indentation and lines that are comments."""
    lines = (FOLDER / file).read_text("utf-8").splitlines()
    lines = (line.strip() for line in lines)
    return "\n".join(line for line in lines if line and not line.startswith("//"))
