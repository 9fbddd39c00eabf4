"""The built book's HTML, without a browser: links, numbers, words for pictures, addresses."""

import re
import tomllib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from conftest import ROOT

from rnnbook import data

VOID = {"img", "br", "hr", "meta", "link", "input", "source", "wbr", "col", "base"}
NUMBERED = re.compile(r"(Figure|Equation|Section|Chapter) (\d+(?:\.\d+)*)")
LOADED = [("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("link", "href")]
SEEN_BY_ROBOTS = {"canonical"}


class Page(HTMLParser):
    """One page: its ids, tags, links with their words, and the number at each id."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.tags, self.links, self.ids, self.numbers = [], [], set(), {}
        self.open_ids, self.stack, self.link, self.words = [], [], None, []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Note a tag; remember where a number or a link begins."""
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if "id" in attrs:
            self.ids.add(attrs["id"])
        if tag not in VOID:
            self.stack.append((tag, attrs))
        if tag == "a" and "href" in attrs:
            self.link, self.words = attrs["href"], []

    def handle_endtag(self, tag):
        """Close a tag; keep the link that ends here."""
        if tag in VOID or tag not in [name for name, _ in self.stack]:
            return
        while self.stack.pop()[0] != tag:
            pass
        if tag == "a" and self.link is not None:
            self.links.append((self.link, " ".join("".join(self.words).split())))
            self.link = None

    def handle_data(self, data):
        """Keep the words of a link, and a printed number with the ids around it."""
        if self.link is not None:
            self.words.append(data)
        classes = self.stack[-1][1].get("class", "") if self.stack else ""
        if classes in {"section-number", "caption-number", "eqno"} and data.strip():
            for place in self.numbered_places(classes):
                self.numbers.setdefault(place, data.strip().strip("()").rstrip("."))

    def numbered_places(self, kind):
        """Return the id that a number belongs to: the nearest one around it."""
        for _, attrs in reversed(self.stack):
            if "id" in attrs:
                # A label before a heading is an empty span right behind the section's start.
                return (
                    {attrs["id"], self.label_of_section()} if "section" in kind else {attrs["id"]}
                )
        return set()

    def label_of_section(self):
        """Return the id of an empty span just before the heading, if there is one."""
        recent = [(t, a) for t, a in self.tags[-4:] if t == "span" and set(a) == {"id"}]
        return recent[-1][1]["id"] if recent else None


@cache
def parsed(path):
    """Return a page, read once."""
    return Page(path)


@pytest.fixture(scope="module")
def pages(book):
    """Return every page of the book."""
    found = [p for p in sorted(book.rglob("*.html")) if "_static" not in p.parts]
    assert any("notebooks" in p.parts for p in found), "the book has no chapter"
    return [parsed(p) for p in found]


def target(page, href):
    """Return the file and the id that a link inside the book leads to, or None if it leaves."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return None
    file = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    return file, unquote(parts.fragment)


def lands(file, anchor):
    """Say whether an anchor leads to an id of a page, or to a setting of an instrument on it."""
    if anchor.startswith("at="):
        wanted = anchor[3:].split("&")[0]
        return any(attrs.get("data-name") == wanted for _, attrs in parsed(file).tags)
    return anchor in parsed(file).ids


def test_every_link_and_anchor_exists(pages):
    broken = []
    for page in pages:
        for href, words in page.links:
            place = target(page, href)
            if place is None:
                continue
            file, anchor = place
            if not file.is_file():
                broken.append(f"{page.path.name}: {words!r} leads to {href}, which is no file")
            elif anchor and file.suffix == ".html" and not lands(file, anchor):
                broken.append(f"{page.path.name}: {words!r} leads to {href}: no such place")
    assert broken == []


def test_numbers_in_words_are_the_numbers_in_print(pages):
    """'Figure 1.2' must lead to what the book itself calls Figure 1.2."""
    wrong, checked = [], 0
    for page in pages:
        for href, words in page.links:
            match, place = NUMBERED.fullmatch(words), target(page, href)
            if not match or place is None:
                continue
            checked += 1
            kind, number = match.groups()
            numbers = parsed(place[0]).numbers
            printed = numbers.get(place[1]) if place[1] else next(iter(numbers.values()), None)
            expected = f"Figure {number}" if kind == "Figure" else number
            if printed != expected:
                wrong.append(f"{page.path.name}: {words!r} leads to what is printed {printed!r}")
    assert wrong == []
    assert checked, "no chapter refers to a figure, an equation or a section by its number"


def test_an_equation_is_labelled_with_its_number(pages):
    labels = {
        place: number
        for page in pages
        for place, number in page.numbers.items()
        if place and place.startswith("equation-")
    }
    assert labels, "no equation has a number"
    assert {p: n for p, n in labels.items() if p != f"equation-{n.replace('.', '-')}"} == {}


def test_every_picture_of_a_chapter_is_described_in_a_sentence(pages):
    poor = []
    for page in pages:
        for tag, attrs in page.tags:
            alt = attrs.get("alt", "")
            if tag == "img" and "/_images/" in attrs.get("src", ""):
                whole = len(alt) >= 30 and " " in alt and alt.rstrip().endswith((".", "!", "?"))
                if not whole or alt in attrs["src"]:
                    poor.append(f"{page.path.name}: {attrs['src'][-30:]}: {alt!r}")
    assert poor == []


def test_no_page_loads_anything_from_another_host(pages):
    away = []
    for page in pages:
        for tag, attrs in page.tags:
            for name, key in LOADED:
                url = attrs.get(key) or ""
                outside = url.startswith(("http:", "https:", "//"))
                if tag == name and outside and attrs.get("rel") not in SEEN_BY_ROBOTS:
                    away.append(f"{page.path.name}: <{tag} {key}={url!r}>")
    assert away == []


def test_no_script_comes_twice(pages):
    for page in pages:
        scripts = [a["src"] for tag, a in page.tags if tag == "script" and "src" in a]
        assert len(scripts) == len(set(scripts)), f"{page.path.name}: {scripts}"


def test_each_chapter_can_be_launched_and_downloaded(book, pages):
    repository = project()["urls"]["Repository"].rstrip("/")
    owner = repository.removeprefix("https://github.com/")
    tag = f"v{project()['version']}"
    for page in (p for p in pages if p.path.parent.name == "notebooks"):
        notebook = f"notebooks/{page.path.stem}.ipynb"
        assert (ROOT / notebook).is_file()
        links = [href for href, _ in page.links]
        assert any(h.endswith(f"/github/{owner}/blob/{tag}/{notebook}") for h in links), "Colab"
        assert any(f"/gh/{owner}/{tag}?urlpath=lab/tree/{notebook}" in h for h in links), "Binder"
        source = book / "_sources" / notebook
        assert source.read_bytes() == (ROOT / notebook).read_bytes()
        assert f"../_sources/{notebook}" in links


def test_no_link_leads_to_an_address_that_is_only_an_example(pages):
    """A JupyterHub has an address when a teacher sets one, in _config.yml."""
    links = [(page.path.name, href) for page in pages for href, _ in page.links]
    assert [link for link in links if "example." in urlsplit(link[1]).netloc] == []


def project():
    """Return the project's table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_shared_links_show_a_picture_and_the_site_has_a_map(book, pages):
    owner, name = project()["urls"]["Repository"].rstrip("/").split("/")[-2:]
    site = f"https://{owner}.github.io/{name}/"
    for page in (p for p in pages if p.path.parent.name == "notebooks"):
        meta = {
            a["property"]: a["content"] for t, a in page.tags if t == "meta" and "property" in a
        }
        assert meta["og:url"] == f"{site}notebooks/{page.path.name}"
        assert meta["og:site_name"]
        assert (book / meta["og:image"].removeprefix(site)).is_file()
        assert f"<loc>{meta['og:url']}</loc>" in (book / "sitemap.xml").read_text(encoding="utf-8")


def test_the_address_of_the_repository_is_not_repeated():
    """The configuration takes it from pyproject.toml (book/course_book.py)."""
    path = "/".join(project()["urls"]["Repository"].rstrip("/").split("/")[-2:])
    for file in [ROOT / "_config.yml", *(ROOT / "book").rglob("*.py")]:
        assert path not in file.read_text(encoding="utf-8"), f"{file.name} repeats {path}"


def entries():
    """Return the bibliography's entries: key and text."""
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    return dict(re.findall(r"^@\w+\{(\w+),\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))


def test_every_source_can_be_looked_up():
    found = entries()
    assert found
    for key, text in found.items():
        assert re.search(r"^ *(.*, )?(doi|eprint|isbn|url) = \{[^}]+\}", text, re.M), key
        year = re.search(r"\d{4}(?=[a-z]?$)", key)[0]
        assert f"year = {{{year}}}" in text, f"{key} is named after another year"
        doi = re.search(r"doi = \{([^}]*)\}", text)
        assert doi is None or re.fullmatch(r"10\.\d{4,9}/\S+", doi[1]), key


def test_every_source_is_cited(book, pages):
    links = [h for p in pages if p.path.stem != "bibliography" for h, _ in p.links]
    cited = {h.split("#")[1] for h in links if "bibliography.html#" in h}
    text = (book / "reference" / "bibliography.html").read_text(encoding="utf-8")
    listed = re.findall(r'<div class="citation" id="(\w+)"', text)
    assert len(listed) == len(entries())
    uncited = [re.search(rf'id="{i}".*?</p>', text, re.S)[0] for i in listed if i not in cited]
    titles = [" ".join(re.sub("<[^>]*>", " ", u.split(">", 1)[1]).split())[:90] for u in uncited]
    assert titles == [], "cite these from a page, or remove them from book/references.bib"


def test_every_term_is_defined_once_in_alphabetical_order():
    text = (ROOT / "reference" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^(\w[^\n]*)\n  \S", text.split("```{glossary}")[1], re.M)
    assert len(terms) == len(set(terms)) >= 40
    assert [t.casefold() for t in terms] == sorted(t.casefold() for t in terms)


def test_only_pages_with_an_instrument_carry_its_code(book, pages):
    shown = 0
    for page in pages:
        has = any(attrs.get("class") == "rnn-live" for _, attrs in page.tags)
        assert ("rnnLive.add(" in page.path.read_text(encoding="utf-8")) == has, page.path.name
        scripts = [attrs.get("src", "") for tag, attrs in page.tags if tag == "script"]
        assert not any("generator-weights" in src for src in scripts), "only when asked for"
        shown += has
    assert 3 <= shown < len(pages)
    assert (book / "_static" / "generator-weights.js").is_file()


def test_every_module_of_the_package_has_its_section(book):
    text = (book / "reference" / "api.html").read_text(encoding="utf-8")
    for path in sorted((ROOT / "rnnbook").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        functions = re.findall(r"^(?:def|class) ([A-Za-z]\w*)", path.read_text("utf-8"), re.M)
        if "._" in name or ".chapter_" in name or not functions:
            continue
        # Some names stand at the door of their folder only.
        places = [name, name.rsplit(".", 1)[0]]
        missing = [f for f in functions if not any(f'id="{p}.{f}"' in text for p in places)]
        assert missing == [], f"{name}: not documented"


def test_files_the_book_needs_are_in_it(book):
    mathjax = book / "_static" / "mathjax"
    assert (mathjax / "tex-mml-chtml.js").stat().st_size > 1_000_000
    assert len(list((mathjax / "output" / "chtml" / "fonts" / "woff-v2").glob("*.woff"))) == 23
    assert (book / "_static" / "favicon.svg").is_file()
    assert Path(book / "_static" / "scripts" / "fontawesome.js").stat().st_size == 0


def test_the_whole_novel_can_be_downloaded(book):
    file = book / "_static" / "until-the-water-closes.txt"
    assert file.read_bytes().decode("utf-8") == data.novel()
    assert f"../_static/{file.name}" in [
        h for h, _ in parsed(book / "notebooks/the_novel.html").links
    ]
