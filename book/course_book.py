"""What the book needs beyond Jupyter Book: no other host, one address, links to equations."""

import fcntl
import re
import shutil
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from pygments.token import STANDARD_TYPES, Name, Punctuation, Whitespace
from sphinx.ext.autodoc.mock import MockFinder

from rnnbook import data
from rnnbook.show.instruments import generator

ROOT = Path(__file__).resolve().parents[1]
MATHJAX = ROOT / "node_modules" / "mathjax" / "es5"
MATHJAX_PARTS = ["tex-mml-chtml.js", "output/chtml/fonts/woff-v2"]


def repository():
    """Return the repository's address, which stands once: in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].rstrip("/")


def set_addresses(app, config):
    """Fill in every address that follows from the repository's."""
    owner, name = repository().split("/")[-2:]
    site = f"https://{owner}.github.io/{name}/"
    config.html_theme_options["repository_url"] = repository()
    config.html_baseurl = site
    config.ogp_site_url = site
    config.ogp_image = f"{site}_static/social.png"


def label_equations(app, doctree):
    """Let ``[Equation 1.3](#1.3)`` find the equation labelled 1.3 and keep its words."""
    domain = app.env.get_domain("std")
    for equation in doctree.findall(nodes.math_block):
        label = equation.get("label")
        if label:
            place = (app.env.docname, nodes.make_id(f"equation-{label}"))
            domain.anonlabels[label] = place
            domain.labels[label] = (*place, f"Equation {label}")


def label_terms_and_sources(app, env):
    """Let ``[hidden state](#term-hidden-state)`` and ``[Elman (1990)](#elman1990)`` resolve."""
    std, bib = env.get_domain("std"), env.get_domain("cite")
    places = {
        place[1]: (term, place) for (kind, term), place in std.objects.items() if kind == "term"
    }
    for source in bib.citations:
        places[source.key] = (source.key, (source.bibliography_key.docname, source.citation_id))
    for label, (name, place) in places.items():
        for spelling in {label, label.lower()}:  # MyST looks for labels in lower case
            std.anonlabels[spelling] = place
            std.labels[spelling] = (*place, name)


def head_examples(app, what, name, obj, options, lines):
    """Put a heading before a docstring's example, which is written without: it ends the text."""
    place = next((i for i, line in enumerate(lines) if line.startswith(">>> ")), 0)
    if place and "--------" not in lines[place - 1]:
        lines[place:place] = ["Examples", "--------"]


# What axe-core finds in the HTML of MyST-NB and docutils: a name that hides the visible words,
# roles that are deprecated or do not fit their children.
FAULTS = [
    ' aria-label="Toggle hidden content"',
    ' role="list" class="citation-list"',
    ' role="doc-biblioentry"',
]


def mend_body(app, pagename, templatename, context, doctree):
    """Take the faults out of a page."""
    for fault in FAULTS:
        if fault in context.get("body", ""):
            context["body"] = context["body"].replace(fault, "")


# Files that Jupyter Book adds for features that no page of the course uses.
UNUSED = ("design-tabs", "sphinx-design", "togglebutton.", "thebe", "http:", "https:")


def trim_files(app, pagename, templatename, context, doctree):
    """Keep each script and style once, and none that is unused or asks another host."""
    for kind in ["script_files", "css_files"]:
        kept = {}
        for file in context.get(kind, []):
            name = str(getattr(file, "filename", None) or file)
            marks = "sphinx_highlight" in name and pagename != "search"  # marks of words sought
            if not marks and not any(part in name for part in UNUSED):
                kept.setdefault(name, file)
        context[kind] = list(kept.values())


def replace_brand_icons(app, pagename, templatename, context, doctree):
    """Draw the repository's button with the icon font at hand: the brands' font weighs 118 kB."""
    for button in context.get("header_buttons", []):
        for part in [button, *button.get("buttons", [])]:
            if str(part.get("icon", "")).startswith("fab "):
                part["icon"] = "fas fa-code-branch"


def write_sitemap(app, exception):
    """Write all pages into sitemap.xml, also when only some were built again."""
    if exception or app.builder.format != "html":
        return
    base = app.config.html_baseurl
    pages = sorted(app.builder.get_target_uri(name) for name in app.env.found_docs)
    lines = [f"  <url><loc>{base}{page}</loc></url>" for page in pages]
    xmlns = "http://www.sitemaps.org/schemas/sitemap/0.9"
    text = "\n".join([f'<urlset xmlns="{xmlns}">', *lines, "</urlset>", ""])
    (Path(app.outdir) / "sitemap.xml").write_text(text, encoding="utf-8")


def write_novel(app, exception):
    """Put the novel into the book as one file, for the link on its page."""
    if not exception and app.builder.format == "html":
        file = Path(app.outdir) / "_static" / "until-the-water-closes.txt"
        file.write_text(data.novel(), encoding="utf-8", newline="\n")


def write_weights(app, exception):
    """Put the generator's weights into the book: a page that shows it loads them when asked to."""
    if not exception and app.builder.format == "html":
        file = Path(app.outdir) / "_static" / "generator-weights.js"
        file.write_text(generator.as_script(), encoding="utf-8", newline="\n")


def forget_emptied_script(app):
    """Remove what ``copy_assets`` wrote, so that Sphinx copies without a message."""
    (Path(app.outdir) / "_static" / "scripts" / "fontawesome.js").unlink(missing_ok=True)


def copy_assets(app, exception):
    """Put MathJax into the book, and empty the script that draws the icons a second time."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for part in MATHJAX_PARTS:
        source, target = MATHJAX / part, static / "mathjax" / part
        if not source.exists():
            raise FileNotFoundError(f"{source} is missing: run `npm ci` (or `make book`) first")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
    (static / "scripts" / "fontawesome.js").write_text("", encoding="utf-8")


# A rule of the theme's style sheet that gives one icon its sign, of which there are 1,400.
ICON = re.compile(r'(?:\.fa-[a-z0-9-]+:before,?)+\{content:"[^"]*"\}')


def drop_unused_icons(app, exception):
    """Keep the icons that a page shows: the rest is a quarter of the theme's style sheet."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    pages = [*out.rglob("*.html"), *(out / "_static" / "scripts").glob("*.js")]
    used = {n for page in pages for n in re.findall(r"fa-[a-z0-9-]+", page.read_text("utf-8"))}
    style = out / "_static" / "styles" / "pydata-sphinx-theme.css"
    text = style.read_text("utf-8")
    kept = ICON.sub(lambda m: m[0] if used & set(re.findall(r"fa-[a-z0-9-]+", m[0])) else "", text)
    style.write_text(kept, "utf-8")


def wait_for_turn(app):
    """Let builds into one folder take turns: this process holds the lock until it ends."""
    folder = Path(app.outdir).parent
    folder.mkdir(parents=True, exist_ok=True)
    app.course_lock = (folder / "book.lock").open("w")  # closed, and so given back, at the end
    fcntl.flock(app.course_lock, fcntl.LOCK_EX)


def setup(app):
    """Join the extension to Sphinx."""
    wait_for_turn(app)
    # Docstrings need no TensorFlow, which would take five seconds and log to the terminal.
    # (autodoc_mock_imports ends after each module, and the real one is imported after all.)
    sys.meta_path.insert(0, MockFinder(["keras", "tensorflow"]))
    # What has the color of text needs no element of its own: code is half as long without.
    STANDARD_TYPES.update(dict.fromkeys((Name, Punctuation, Whitespace), ""))
    app.connect("config-inited", set_addresses, priority=100)
    app.connect("builder-inited", forget_emptied_script)
    app.connect("autodoc-process-docstring", head_examples, priority=100)  # before napoleon
    app.connect("doctree-read", label_equations)
    app.connect("env-updated", label_terms_and_sources, priority=900)
    app.connect("html-page-context", mend_body)
    app.connect("html-page-context", replace_brand_icons, priority=900)
    app.connect("html-page-context", trim_files, priority=900)
    app.connect("build-finished", write_sitemap)
    app.connect("build-finished", write_novel)
    app.connect("build-finished", write_weights)
    app.connect("build-finished", copy_assets, priority=900)
    app.connect("build-finished", drop_unused_icons, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
