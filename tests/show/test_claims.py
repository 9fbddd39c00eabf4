"""The ledger, one measurement, one box."""

import html
import math
import re
import subprocess
import sys
from pathlib import Path

import IPython.display
import numpy as np
import pytest

from rnnbook.show import claims

ROOT = Path(__file__).resolve().parents[2]
LEDGER = claims.ledger()
KEYS = re.findall(
    r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text("utf-8"), re.MULTILINE
)


# The ledger.


def test_the_ledger_has_all_claims():
    assert list(LEDGER) == list(range(1, 73))


@pytest.mark.parametrize("number", LEDGER)
def test_a_row_is_complete(number):
    row = LEDGER[number]
    assert set(row) - {"how"} == {"chapter", "texts", "claim", "verdict", "why", "source", "cite"}
    assert row.get("how", "Measured") in {"Measured", "Reported", "Dated"}
    assert row["verdict"] in {"true", "partly", "false", "slip", "advice"}
    assert row["chapter"] in range(1, 10)
    assert set(row["texts"].split(", ")) <= {"B", "B2", "BL", "G", "K"}
    assert all(row[key].endswith(".") and row[key] == row[key].strip() for key in ("claim", "why"))
    assert row["source"]
    assert set(row["cite"]) <= set(KEYS), "a key that book/references.bib lacks"
    assert len(row["cite"]) in (0, len(row["source"].split("; "))), "a key for each source"


# One measurement.


@pytest.mark.parametrize(
    ("value", "bound"),
    [(27, "== 27"), (27.0, "== 27"), (np.float32(0.5), "< 0.6"), (1e-13, "< 1e-12"), (3, "<= 3"),
     (3, ">= 3"), (-1, "> -2"), (np.int64(4), "== 4"), (True, "== 1"), (np.array(2.0), "<= 2")],
)  # fmt: skip
def test_a_bound_that_holds(value, bound):
    assert claims.holds(value, bound) is True


@pytest.mark.parametrize(
    ("value", "bound"),
    [
        *((26, "== 27"), (27.0000001, "== 27"), (0.6, "< 0.6"), (0.6, "> 0.6"), (3.1, "<= 3")),
        *((2.9, ">= 3"), (math.inf, "< 1e300")),
        *((math.nan, f"{c} 0") for c in ("==", "<", ">", "<=", ">=")),
    ],
)
def test_a_bound_that_is_broken(value, bound):
    assert claims.holds(value, bound) is False
    for digits in (3, 0):
        with pytest.raises(AssertionError, match=f"length: measured .*, but the bound is {bound}"):
            claims.describe("length", value, bound, digits)


def test_a_broken_bound_stops_python_without_assert_statements_too():
    code = "from rnnbook.show.claims import describe; describe('length', 2, '< 1', 0)"
    run = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert "AssertionError: length: measured 2, but the bound is < 1" in run.stderr


@pytest.mark.parametrize(
    "bound",
    [
        *("27", "<1", "= 27", "!= 3", "", "< ", "about 3", "< 1 or so"),
        *("< inf", "> -inf", "<= nan", "< 1e999"),  # bounds that every number keeps, or none
    ],
)
def test_a_bound_of_another_form_is_refused(bound):
    with pytest.raises(ValueError, match="bound must be a comparison and a number"):
        claims.holds(1, bound)


@pytest.mark.parametrize(
    ("arguments", "figure"),
    [
        (("parameters", 27, "== 27"), "27"),
        (("share", 2 / 3, "> 0.5"), "0.667"),
        (("share", 2 / 3, "> 0.5", 2), "0.67"),
        (("left over", 0.9**100, "< 2.7e-5"), "2.66e-05"),
        (("sum", 12345.0, "> 12000"), "12345"),
    ],
)
def test_a_measurement_says_what_the_figure_and_the_bound(arguments, figure):
    words = claims.describe(*arguments)
    assert words.startswith(arguments[0])
    assert re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d.])", words)
    assert arguments[2].removeprefix("== ") in words


def test_a_rounding_error_is_given_by_its_bound_alone():
    words = {claims.describe("difference", value, "< 1e-14", 0) for value in (3.3e-16, 4.4e-16, 0)}
    assert len(words) == 1, "it would differ from one machine to the next"
    assert "< 1e-14" in words.pop()


# One box.


@pytest.fixture
def shown(monkeypatch):
    """Collect what is displayed."""
    boxes = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: boxes.append(bundle))
    return boxes


def test_a_claim_shows_claim_verdict_figures_and_source(shown):
    claims.claim(2, ("parameters", 27, "== 27"), ("matrices", 2, ">= 2"))
    (box,) = shown
    row = LEDGER[2]
    figures = [claims.describe("parameters", 27, "== 27"), claims.describe("matrices", 2, ">= 2")]
    assert box[claims.MIME] == {"number": 2, "figures": figures}
    for text in (box["text/plain"], html.unescape(re.sub("<[^>]+>", "", box["text/html"]))):
        assert "Claim 2" in text
        for words in (row["claim"], row["verdict"], row["why"], row["source"], *figures):
            assert words in text
    assert 'id="claim-2"' in box["text/html"]
    assert f'data-verdict="{row["verdict"]}"' in box["text/html"]
    assert "&gt;= 2" in box["text/html"]


@pytest.mark.parametrize("value", [28, math.nan])
@pytest.mark.parametrize("digits", [(), (0,), (2,)])
def test_a_claim_whose_bound_is_broken_stops_the_notebook(shown, value, digits):
    broken = ("parameters", value, "== 27", *digits)
    for measurements in ([broken], [("matrices", 2, "== 2"), broken], [broken, ("rows", 1, "> 0")]):
        with pytest.raises(AssertionError, match="parameters: measured"):
            claims.claim(2, *measurements)
    assert shown == []


EVIL = '<b>&lt;"x"</div><script>'


def test_words_of_the_ledger_and_figures_never_become_html(monkeypatch):
    words = {key: f"{key} {EVIL}" for key in ("claim", "why", "source", "texts")}
    row = {**words, "verdict": "true", "cite": ["elman1990"]}
    monkeypatch.setattr(claims, "ledger", lambda: {1: row})
    for cell in ("", "../notebooks/a.html#claim-1"):
        box = claims.as_html(1, [f"figure {EVIL}"], cell)
        plain = box.replace("<q>", "").replace("</q>", "")
        tags = re.findall(r"<(\w+)", plain)
        assert set(tags) == {"div", "p", "b", "br"} | ({"a"} if cell else set())
        seen = html.unescape(re.sub("<[^>]+>", "", box))
        for key in ("claim", "why", "source") + (("texts",) if cell else ()):
            assert words[key] in seen
        assert f"figure {EVIL}" in seen


def test_on_the_page_of_all_claims_a_box_links_to_its_sources_and_its_cell():
    number = next(n for n, row in LEDGER.items() if len(row["cite"]) == 2)
    box = claims.as_html(number, ["a"], "../notebooks/a.html#claim-1")
    first, second = LEDGER[number]["source"].split("; ")
    keys = LEDGER[number]["cite"]
    assert f'<a href="bibliography.html#{keys[0]}">{html.escape(first, quote=False)}</a>' in box
    assert f'<a href="bibliography.html#{keys[1]}">{html.escape(second, quote=False)}</a>' in box
    assert '<a href="../notebooks/a.html#claim-1">' in box
    assert f"({LEDGER[number]['texts']})" in box
    assert "<a " not in claims.as_html(number, ["a"])


@pytest.mark.parametrize("number", [0, 73, -1, "2", None, 2.5])
def test_an_unknown_claim_is_refused(shown, number):
    with pytest.raises(KeyError, match="claim must be 1 to 72, got"):
        claims.claim(number, ("parameters", 27, "== 27"))
    assert shown == []


def test_a_claim_without_a_measurement_is_refused(shown):
    with pytest.raises(TypeError, match="claim 2 needs at least one measurement"):
        claims.claim(2)
    assert shown == []


def test_the_door_of_the_theme():
    code = (
        "import sys; from rnnbook.show import claim, claims, diagrams, instruments, style; "
        "import rnnbook.show; assert claim is claims.claim is rnnbook.show.claim; "
        "print({'matplotlib', 'IPython', 'keras'} & set(sys.modules)); "
        "assert set(rnnbook.show.__all__) <= set(dir(rnnbook.show))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    with pytest.raises(ImportError, match="claimz"):
        from rnnbook.show import claimz  # noqa: F401
