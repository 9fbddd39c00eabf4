"""Boxes and anchors in the notebooks, and the two pages made from them."""

import copy
import html
import re

import pytest

from rnnbook.show import claims
from tools import ROOT, pages

LEDGER = claims.ledger()
CHAPTERS = pages.chapters()


# The boxes and anchors of the notebooks.


def claim_faults(chapters):
    """Return what is wrong with the boxes of finished chapters, a line each."""
    found = []
    for chapter, (_, notebook) in chapters.items():
        shown = [number for number, _ in pages.measured(notebook)]
        for number, row in LEDGER.items():
            wanted = int(row["chapter"] == chapter)
            if shown.count(number) != wanted:
                found.append(f"claim {number}: {shown.count(number)} boxes in chapter {chapter}")
            if wanted and not row["cite"]:
                found.append(f"claim {number}: no key of the bibliography")
        found += [fault for cell in notebook.cells for fault in box_faults(cell)]
    return found


def box_faults(cell):
    """Return where a cell's box is not what the cell and the ledger say."""
    if cell.cell_type != "code":
        return []
    stated = [int(n) for n in re.findall(r"^claim\(\s*(\d+),", cell.source, re.MULTILINE)]
    boxes = [o.data for o in cell.outputs if claims.MIME in o.get("data", {})]
    if [box[claims.MIME]["number"] for box in boxes] != stated or len(stated) > 1:
        return [f"a cell states {stated} and shows {len(boxes)} boxes"]
    found = []
    for box in boxes:
        number, figures = box[claims.MIME]["number"], box[claims.MIME]["figures"]
        if box["text/html"] != claims.as_html(number, figures):
            found.append(f"claim {number}: the box is not what the ledger says")
        if box["text/plain"] != claims.as_text(number, figures):
            found.append(f"claim {number}: the text is not what the ledger says")
        if re.search(
            r"^\S", cell.source.split("\nclaim(")[-1].partition("\n")[2].rstrip(")\n"), re.M
        ):
            found.append(f"claim {number}: claim(...) must be the cell's last statement")
    return found


def question_faults(chapters):
    """Return what is wrong with the anchors of finished chapters, a line each."""
    found = []
    for chapter, (_, notebook) in chapters.items():
        here = pages.anchors(notebook)
        for number, row in pages.questions().items():
            if here.count(number) != int(row["chapter"] == chapter):
                found.append(
                    f"question {number}: {here.count(number)} anchors in chapter {chapter}"
                )
        found += [f"question {n}: unknown" for n in here if n not in pages.questions()]
        for cell, after in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
            if cell.cell_type == "markdown" and (
                numbers := re.findall(r'id="question-(\d+)"', cell.source)
            ):
                if after is None or after.cell_type != "code":
                    found.append(f"question {numbers}: no code cell follows")
                elif not after.outputs:
                    found.append(f"question {numbers}: the cell shows nothing")
    return found


def page_faults(page, chapters):
    """Return the claims whose figures on the page are not those of the executed notebooks."""
    on_page = {}
    for part in re.split(r'(?=<div class="rnn-claim")', page)[1:]:
        number = re.search(r'id="claim-(\d+)"', part)
        figures = re.search(r"<b>(?:Measured|Reported|Dated):</b> (.*?)<br>", part)
        on_page[int(number[1]) if number else 0] = html.unescape(figures[1])
    measured = {
        number: "; ".join(figures)
        for _, notebook in chapters.values()
        for number, figures in pages.measured(notebook)
    }
    return sorted(n for n in on_page | measured if on_page.get(n) != measured.get(n))


def test_there_are_finished_chapters():
    assert 1 in CHAPTERS


def test_each_claim_of_a_finished_chapter_has_one_cell():
    assert claim_faults(CHAPTERS) == []


def test_each_question_of_a_finished_chapter_has_one_anchor_and_a_cell():
    assert question_faults(CHAPTERS) == []


@pytest.mark.parametrize("name", pages.PAGES)
def test_the_page_is_what_the_notebooks_give(name):
    assert (ROOT / "reference" / name).read_text("utf-8") == pages.PAGES[name](), "make notebooks"


def test_the_figures_on_the_page_are_those_of_the_notebooks():
    page = (ROOT / "reference" / "claims.md").read_text("utf-8")
    assert page_faults(page, CHAPTERS) == []
    verdicts = re.findall(r'data-verdict="(\w+)"', page)
    total, *counts = map(
        int, re.search(r"(\d+) claims, of which (\d+) true, (\d+) partly, (\d+) f", page).groups()
    )
    assert int(re.search(r", and (\d+) that are neither", page)[1]) == total - sum(counts)
    assert total == len(verdicts) == sum(row["chapter"] in CHAPTERS for row in LEDGER.values())
    assert counts == [verdicts.count(v) for v in ("true", "partly", "false")]


def test_the_pages_link_to_each_box_and_anchor():
    pairs = {(name, "claim", n) for name, nb in CHAPTERS.values() for n, _ in pages.measured(nb)}
    pairs |= {(name, "question", n) for name, nb in CHAPTERS.values() for n in pages.anchors(nb)}
    text = "".join((ROOT / "reference" / name).read_text("utf-8") for name in pages.PAGES)
    links = re.findall(r'href="../notebooks/(\w+)\.html#(claim|question)-(\d+)"', text)
    assert sorted((name, kind, int(n)) for name, kind, n in links) == sorted(pairs)


# What the tests above must find: the first chapter with a fault put in.


@pytest.fixture
def doctored():
    """Return a copy of chapter 1 alone, to put a fault in."""
    return {1: copy.deepcopy(CHAPTERS[1])}


def with_box(chapters, number):
    cells = [c for c in chapters[1][1].cells if c.cell_type == "code"]
    for cell in cells:
        if number in [
            o.data[claims.MIME]["number"] for o in cell.outputs if claims.MIME in o.get("data", {})
        ]:
            return cell
    raise AssertionError(f"no box of claim {number}")


def anchored(chapters, number):
    cells = chapters[1][1].cells
    return next(i for i, c in enumerate(cells) if f'id="question-{number}"' in c.source)


def test_a_box_removed_is_found(doctored):
    doctored[1][1].cells.remove(with_box(doctored, 5))
    assert claim_faults(doctored) == ["claim 5: 0 boxes in chapter 1"]


def test_a_box_given_twice_is_found(doctored):
    doctored[1][1].cells.append(copy.deepcopy(with_box(doctored, 5)))
    assert claim_faults(doctored) == ["claim 5: 2 boxes in chapter 1"]


def test_a_box_of_another_chapter_is_found(doctored):
    claimed = next(n for n, row in LEDGER.items() if row["chapter"] == 7)
    cell = copy.deepcopy(with_box(doctored, 5))
    cell.source = f"claim({claimed}, ...)"
    cell.outputs[-1].data[claims.MIME]["number"] = claimed
    doctored[1][1].cells.append(cell)
    assert f"claim {claimed}: 1 boxes in chapter 1" in claim_faults(doctored)


def test_a_box_that_its_cell_does_not_state_is_found(doctored):
    cell = with_box(doctored, 5)
    cell.source = cell.source.replace("claim(", "# claim(")
    assert claim_faults(doctored) == ["a cell states [] and shows 1 boxes"]


def test_a_verdict_or_figure_changed_in_a_box_is_found(doctored):
    data = with_box(doctored, 5).outputs[-1].data
    data["text/html"] = data["text/html"].replace("false", "true")
    data["text/plain"] = data["text/plain"].replace("1e-14", "1e-15")
    assert claim_faults(doctored) == [
        "claim 5: the box is not what the ledger says",
        "claim 5: the text is not what the ledger says",
    ]


def test_a_statement_after_the_claim_is_found(doctored):
    with_box(doctored, 5).source += "\nprint(1)"
    assert claim_faults(doctored) == ["claim 5: claim(...) must be the cell's last statement"]


def test_a_figure_changed_in_a_notebook_is_found(doctored, monkeypatch):
    page = pages.claims_page()
    with_box(doctored, 2).outputs[-1].data[claims.MIME]["figures"][0] = "parameters = 28"
    assert 2 in page_faults(page, CHAPTERS | doctored)
    monkeypatch.setattr(pages, "chapters", lambda: CHAPTERS | doctored)
    assert pages.claims_page() != page


def test_a_figure_changed_on_the_page_is_found():
    page = pages.claims_page()
    figures = html.escape(dict(pages.measured(CHAPTERS[1][1]))[2][-1], quote=False)
    assert page.count(figures) == 1
    assert page_faults(page.replace(figures, "parameters: 28"), CHAPTERS) == [2]
    assert page_faults(page.replace('id="claim-2"', ""), CHAPTERS) == [0, 2]


def test_an_anchor_removed_doubled_or_misplaced_is_found(doctored):
    notebook = doctored[1][1]
    place = anchored(doctored, 2)
    notebook.cells[place].source += '\n<a id="question-2"></a><a id="question-3"></a>'
    assert question_faults(doctored) == [
        "question 2: 2 anchors in chapter 1",
        "question 3: 1 anchors in chapter 1",
    ]
    notebook.cells[place].source = "A text."
    assert question_faults(doctored) == ["question 2: 0 anchors in chapter 1"]


def test_an_anchor_without_a_cell_that_shows_something_is_found(doctored):
    notebook = doctored[1][1]
    place = anchored(doctored, 2)
    notebook.cells[place + 1].outputs = []
    assert question_faults(doctored) == ["question ['2']: the cell shows nothing"]
    del notebook.cells[place + 1]
    assert question_faults(doctored) == ["question ['2']: no code cell follows"]
