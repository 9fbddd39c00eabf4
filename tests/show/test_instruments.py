"""The instruments without a browser: what is written, what is refused, what they carry."""

import json
import re
import shutil
import subprocess
import tomllib
from html.parser import HTMLParser
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import ROOT

from rnnbook.show import instruments
from rnnbook.show.instruments import generator
from rnnbook.show.style import COLORS

NAMES = list(instruments.catalog())
SCRIPTS = sorted(instruments.FOLDER.glob("*.js"))
LIMIT = 150_000
each_name = pytest.mark.parametrize("name", NAMES)


class Elements(HTMLParser):
    """All tags with their attributes, and what stands in scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.inside = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, words):
        """Note the words of the last tag."""
        self.inside.append((self.tags[-1][0], words) if self.tags else ("", words))


def spec_of(page):
    (root,) = [a for t, a in Elements(page).tags if t == "div"]
    return json.loads(root["data-spec"])


@each_name
def test_an_instrument_is_one_small_piece_that_asks_nobody(name, capsys):
    page = instruments.as_html(name)
    with capsys.disabled():
        print(f"\n{name}: {len(page.encode()) / 1000:.1f} kB with its still picture")
    assert len(page.encode()) <= LIMIT
    found = Elements(page)
    assert [a for t, a in found.tags if t in ("script", "link", "iframe") and a] == []
    away = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//[a-z]|\bimport\(|@import|fetch\(|XMLHttp", away)
    assert page == instruments.as_html(name), "two calls differ"


@each_name
def test_a_still_picture_with_words_stands_where_no_script_runs(name):
    (still,) = [a for t, a in Elements(instruments.as_html(name)).tags if t == "img"]
    assert len(still["alt"]) > 80
    assert still["alt"].endswith(".")
    picture = (instruments.FOLDER / "stills" / f"{name}.svg").read_text("utf-8")
    root = ElementTree.fromstring(picture)
    assert float(root.get("width")) <= 1300
    assert unquote(still["src"].removeprefix("data:image/svg+xml,")) == picture.strip()
    assert "var(" not in picture
    places = (e.get(key, "") for e in root.iter() for key in ("x", "y", "cx", "cy", "d"))
    assert not re.search(r"\d\.\d{3}", " ".join(places)), "digits that differ between browsers"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_scripts_are_javascript_that_writes_no_html(script):
    node = shutil.which("node") or shutil.which("node", path=str(ROOT / ".venv" / "bin"))
    assert node, "node is missing: make book installs it"
    run = subprocess.run([node, "--check", str(script)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    text = script.read_text("utf-8")
    unsafe = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(unsafe, text)
    assert len(text.splitlines()) <= 300


def test_a_setting_moves_its_control_and_nothing_else():
    usual = {c["key"]: c["value"] for c in spec_of(instruments.as_html("unfolding"))["controls"]}
    moved = spec_of(instruments.as_html("unfolding", T=9, x="swing"))["controls"]
    assert {c["key"]: c["value"] for c in moved} == usual | {"T": 9, "x": "swing"}
    assert spec_of(instruments.as_html("unfolding"))["controls"][0]["value"] == usual["T"]


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("unfold", {}, "must be one of unfolding"),
        ("unfolding", {"steps": 3}, "has the settings T, x"),
        ("unfolding", {"T": 13}, "from 1 to 12; got 13"),
        ("unfolding", {"T": "6"}, "from 1 to 12; got '6'"),
        ("unfolding", {"x": "noise"}, "pulse, steady, swing; got 'noise'"),
        ("viterbi", {"rolls": "1270"}, "got '1270'"),
        ("viterbi", {"rolls": "1" * 21}, "at most 20 long"),
        ("viterbi", {"rolls": 123}, "got 123"),
        ("gates", {"f": float("nan")}, "from 0 to 1; got nan"),
    ],
)
def test_a_wrong_name_or_setting_is_refused_with_what_is_allowed(name, settings, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        instruments.as_html(name, **settings)


@each_name
def test_first_settings_are_ones_that_the_controls_allow(name):
    row = instruments.catalog()[name]
    first = {c["key"]: c["value"] for c in row["controls"]}
    assert instruments.as_html(name, **first) == instruments.as_html(name)
    assert {f"{script}.js" for script in row["scripts"]} <= {p.name for p in SCRIPTS}


EVIL = """'"><script>alert(1)</script><!-- &lt; &quot; &#39; &amp; \u2028"""


def test_text_of_a_setting_cannot_leave_its_attribute(monkeypatch):
    row = {"scripts": [], "alt": f"An alt. {EVIL}", "title": EVIL}
    row["controls"] = [{"key": "p", "label": EVIL, "longest": 99, "value": ""}]
    monkeypatch.setattr(instruments, "catalog", lambda: {"x": row})
    page = instruments.as_html("x", p=EVIL)
    assert [t for t, _ in Elements(page).tags] == ["div", "img", "style", "script"]
    spec, (image,) = spec_of(page), [a for t, a in Elements(page).tags if t == "img"]
    assert spec["title"] == spec["controls"][0]["label"] == spec["controls"][0]["value"] == EVIL
    assert image["alt"] == f"An alt. {EVIL}"
    assert not set("<>&") & set(re.search(r"data-spec='([^']*)'", page)[1].replace("&#39;", ""))


def test_a_still_picture_cannot_leave_its_attribute(monkeypatch, tmp_path):
    (tmp_path / "stills").mkdir()
    drawing = f'<svg aria-label="it\'s 5 %"><text>{EVIL}</text></svg>'
    (tmp_path / "stills" / "gates.svg").write_text(drawing, encoding="utf-8")
    for file in [*instruments.FOLDER.glob("*.js"), *instruments.FOLDER.glob("*.css")]:
        shutil.copy(file, tmp_path)
    catalog = instruments.catalog()
    monkeypatch.setattr(instruments, "FOLDER", tmp_path)
    monkeypatch.setattr(instruments, "catalog", lambda: catalog)
    (still,) = [a for t, a in Elements(instruments.as_html("gates")).tags if t == "img"]
    assert unquote(still["src"].removeprefix("data:image/svg+xml,")) == drawing


def test_weights_that_come_along_cannot_end_their_script(monkeypatch):
    packed = {"tokens": [EVIL], "arrays": {}, "bytes": ""}
    monkeypatch.setattr(generator, "load", lambda: None)
    monkeypatch.setattr(generator, "pack", lambda model: packed)
    for script in (
        instruments.as_html("generator", embed=True).split('class="rnn-weights">')[1],
        generator.as_script().removeprefix("rnnLiveWeights("),
    ):
        content, end = json.JSONDecoder().raw_decode(script)
        assert content == packed
        assert not set("<>&\u2028") & set(script[:end])


@each_name
def test_no_script_of_a_page_is_cut_short(name):
    heavy = {"embed": True} if name == "generator" else {}
    page = instruments.as_html(name, **heavy)
    (script,) = [words for tag, words in Elements(page).inside if "rnnLive.add(" in words]
    for part in instruments.catalog()[name]["scripts"]:
        lines = (instruments.FOLDER / f"{part}.js").read_text("utf-8").splitlines()
        code = [line.strip() for line in lines if line.strip() and "//" not in line[:40]]
        assert all(line in script for line in code)
    assert [tag for tag, _ in Elements(page).tags].count("script") == 1 + len(heavy)


@pytest.mark.parametrize("given", [9, np.int64(9), np.float32(9), np.float64(9), 9.0])
def test_numbers_of_numpy_set_a_control_too(given):
    assert spec_of(instruments.as_html("unfolding", T=given))["controls"][0]["value"] == 9


def test_colors_are_the_course_s_and_readable_in_the_dark():
    assert set(instruments.DARK) == set(instruments.LIGHT) == {*COLORS, "paper"}

    def luminance(color):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    for colors in (instruments.LIGHT, instruments.DARK):
        for kind in {*colors} - {"paper", "grid"}:
            a, b = sorted((luminance(colors[kind]), luminance(colors["paper"])))
            assert (b + 0.05) / (a + 0.05) >= 4.5, kind


def test_pages_name_only_instruments_that_exist_and_settings_that_fit():
    """An address such as ``#at=unfolding&amp;T=12`` in a chapter must lead to that setting."""
    pattern = re.compile(r'href="#at=([a-z-]+)((?:&amp;[a-zA-Z0]+=[^"&]*)*)"')
    links = [
        match
        for source in sorted((ROOT / "notebooks").glob("*.py"))
        for match in pattern.finditer(source.read_text("utf-8"))
    ]
    assert links
    for match in links:
        row = {c["key"]: c for c in instruments.catalog()[match[1]]["controls"]}
        given = dict(parse_qsl(match[2].replace("&amp;", "&")))
        typed = {
            key: value if isinstance(row[key]["value"], str) else float(value)
            for key, value in given.items()
        }
        instruments.as_html(match[1], **typed)


def test_the_wheel_carries_the_folder():
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert built["targets"]["wheel"]["packages"] == ["rnnbook"]
    assert instruments.FOLDER.is_relative_to(ROOT / "rnnbook")
