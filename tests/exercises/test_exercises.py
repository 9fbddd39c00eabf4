"""Exercises of every chapter: stub, check, hints and solution agree; the student copies too."""

import ast
import contextlib
import copy
import io
import re
from functools import cache
from pathlib import Path

import matplotlib
import nbformat
import pytest

from rnnbook import exercises as checks
from tools import exercises as tool
from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]
SOURCES = notebooks.chapters()
HEADING = re.compile(r"^### Exercise (\d+\.\d+): \S", re.MULTILINE)
TAG = re.compile(r"\*(by hand|predict|code|explore) · (?:(\d+) minutes|an (hour|evening))\*")
read_source = cache(notebooks.read_source)  # what changes a notebook changes a copy
each_chapter = pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)


def chapter(source):
    return int(source.stem[:2])


def tagged(notebook, tag):
    return [c.source for c in notebook.cells if tag in c.metadata.get("tags", [])]


def is_import(node):
    alias = isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute)
    return alias or isinstance(node, ast.Import | ast.ImportFrom)  # alias: L = keras.layers


def imports(notebook):
    """Return a namespace with what the chapter's cells import, and nothing else of them."""
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    nodes = [n for n in ast.parse(code).body if is_import(n)]
    names = {}
    exec(compile(ast.Module(nodes, []), "imports", "exec"), names)
    return names


def variables(notebook):
    """Return the names that the chapter's cells assign or define, solutions among them."""
    code = [c for c in notebook.cells if c.cell_type == "code"]
    own = [c.source for c in code if "stub" not in c.metadata.get("tags", [])]
    nodes = list(ast.walk(ast.parse("\n".join(own))))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} | {
        n.name for n in nodes if isinstance(n, ast.FunctionDef)
    }


def answers(notebook, tag):
    """Run the cells of a tag; return (exercise, hint or None) of each call of ``check``.

    A cell that goes on from the chapter's own variables is left out: what it says is in the
    executed notebook.
    """
    names, found, assigned = imports(notebook), [], variables(notebook)
    names["check"] = lambda exercise, answer: found.append(
        (exercise, checks.hint(exercise, answer))
    )
    with contextlib.redirect_stdout(io.StringIO()), matplotlib.rc_context({"backend": "agg"}):
        for cell in tagged(notebook, tag):
            try:
                exec(cell, dict(names))
            except NameError as error:
                if error.name not in assigned:
                    raise
    return found


def structure(notebook):
    """Return what is wrong with the order of text, stub and solution, a line each."""
    found, expected = [], []
    cells = notebook.cells
    for place, cell in enumerate(cells):
        numbers = HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        for number in numbers:
            expected.append(number)
            if not TAG.search(cell.source.split(f"### Exercise {number}:")[1]):
                found.append(f"{number}: no line such as *by hand · 5 minutes*")
            for cell_after, tag in zip(
                cells[place + 1 : place + 3], ("stub", "solution"), strict=True
            ):
                if tag not in cell_after.metadata.get("tags", []):
                    found.append(f"{number}: the {tag} cell is not in its place")
                elif re.findall(r'\bcheck\("([\d.]+)",', cell_after.source) != [number]:
                    found.append(f"{number}: the {tag} cell must check this exercise, once")
        if len(numbers) > 1:
            found.append(f"{numbers}: each exercise needs a cell of its own")
    if len(tagged(notebook, "stub")) != len(expected) or len(tagged(notebook, "solution")) != len(
        expected
    ):
        found.append("a stub or a solution without an exercise")
    return found + [f"{n} twice" for n in set(expected) if expected.count(n) > 1]


def numbers_and_minutes(notebook):
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    minutes = [int(m or {"hour": 60, "evening": 180}[word]) for _, m, word in TAG.findall(text)]
    return HEADING.findall(text), minutes


@each_chapter
def test_each_exercise_has_its_text_stub_and_solution(source):
    assert structure(read_source(source)) == []


@each_chapter
def test_chapter_has_enough_exercises_from_minutes_to_an_evening(source):
    numbers, minutes = numbers_and_minutes(read_source(source))
    assert len(numbers) >= 6
    assert numbers == [f"{chapter(source)}.{i}" for i in range(1, len(numbers) + 1)]
    assert minutes[0] <= 5, "the first is a check of understanding"
    assert max(minutes) == 180, "one takes an evening"


@each_chapter
def test_each_exercise_has_a_check_and_each_check_an_exercise(source):
    numbers, _ = numbers_and_minutes(read_source(source))
    assert list(checks.exercises(chapter(source))) == numbers


@each_chapter
def test_each_solution_passes_its_check(source):
    found = answers(read_source(source), "solution")
    assert len(found) > len(checks.exercises(chapter(source))) / 2, "most stand on their own"
    assert [(exercise, hint) for exercise, hint in found if hint] == []


@pytest.mark.parametrize(("tag", "words"), [("solution", "correct."), ("stub", "not yet. ")])
@each_chapter
def test_the_executed_notebook_says_so(source, tag, words):
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    cells = [c for c in notebook.cells if tag in c.metadata.get("tags", [])]
    for exercise, cell in zip(checks.exercises(chapter(source)), cells, strict=True):
        printed = "".join(o.get("text", "") for o in cell.outputs)
        assert f"Exercise {exercise}: {words}" in printed
        assert "Exercise" not in printed.replace(f"Exercise {exercise}: {words}", "", 1)


@each_chapter
def test_each_stub_fails_with_a_hint_and_without_an_error(source):
    found = answers(read_source(source), "stub")
    assert [exercise for exercise, _ in found] == list(checks.exercises(chapter(source)))
    for exercise, hint in found:
        assert hint, f"the stub of {exercise} was called correct"
        assert "stopped with" not in hint, f"{exercise}: {hint}"


def test_each_module_of_exercises_belongs_to_a_chapter():
    assert checks.chapters() == [chapter(source) for source in SOURCES]


# What the tests above must find.


def doctored(change):
    notebook = copy.deepcopy(read_source(SOURCES[0]))
    change(notebook)
    return notebook


def stub(notebook):
    return next(c for c in notebook.cells if "stub" in c.metadata.get("tags", []))


def test_a_missing_or_wrong_stub_is_found():
    assert structure(doctored(lambda nb: nb.cells.remove(stub(nb))))
    assert structure(doctored(lambda nb: stub(nb).metadata.pop("tags")))
    assert structure(doctored(lambda nb: stub(nb).update(source='check("1.2", 3)')))
    assert structure(doctored(lambda nb: stub(nb).update(source="states = 3")))


def test_a_missing_tag_line_or_a_number_given_twice_is_found():
    def replace(old, new):
        def change(notebook):
            for cell in notebook.cells:
                cell.source = cell.source.replace(old, new)

        return doctored(change)

    assert structure(replace("*by hand · 5 minutes*", "*5 minutes*"))
    assert structure(replace("*by hand · 5 minutes*", "*by head · 5 minutes*"))
    assert "1.1 twice" in structure(replace("Exercise 1.2", "Exercise 1.1"))


def test_a_wrong_solution_and_a_right_stub_are_found():
    def solve(notebook):
        stub(notebook).source = 'check("1.1", [0.905, 0.534, -0.034])'

    assert answers(doctored(solve), "stub")[0] == ("1.1", None)

    def spoil(notebook):
        cell = next(c for c in notebook.cells if "solution" in c.metadata.get("tags", []))
        cell.source = 'check("1.1", [0, 0, 0])'

    assert answers(doctored(spoil), "solution")[0][1] is not None


# The student copies.


@each_chapter
def test_student_copy_is_what_the_source_gives(source, tmp_path):
    fresh = tmp_path / f"{source.stem}.ipynb"
    notebooks.write(tool.student_copy(source), fresh)
    committed = tool.EXERCISES / fresh.name
    assert committed.exists(), "make exercises"
    assert committed.read_bytes() == fresh.read_bytes(), "make exercises"


def test_student_copies_belong_to_sources():
    assert {p.stem for p in tool.EXERCISES.iterdir()} == {s.stem for s in SOURCES}


@each_chapter
def test_student_copy_holds_all_but_solutions_and_outputs(source):
    student = nbformat.read(tool.EXERCISES / f"{source.stem}.ipynb", as_version=4)
    nbformat.validate(student)
    full = read_source(source)
    for cell in student.cells:
        assert "solution" not in cell.metadata.get("tags", [])
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    text = "\n".join(c.source for c in student.cells)
    assert not [s for s in tagged(full, "solution") if s in text]
    assert tagged(student, "stub") == tagged(full, "stub")
    assert len(student.cells) == len(full.cells) - len(tagged(full, "solution"))


@each_chapter
def test_links_of_the_student_copy_reach_a_file(source):
    student = nbformat.read(tool.EXERCISES / f"{source.stem}.ipynb", as_version=4)
    text = "\n".join(c.source for c in student.cells if c.cell_type == "markdown")
    later = {p.name for p in tool.EXERCISES.iterdir()}
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith("http") and Path(target).name not in later:
            assert (tool.EXERCISES / target).resolve().is_file(), target


def test_a_solution_in_prose_is_left_out_and_links_go_one_folder_up(tmp_path):
    script = tmp_path / "01_short.py"
    script.write_text(
        '# %% [markdown] tags=["solution"]\n# The answer is 42.\n\n'
        "# %% [markdown]\n# [c](../reference/claims.md), [next](02_unfolding.ipynb), [e](#fig-1)\n",
        encoding="utf-8",
    )
    (cell,) = tool.student_copy(script).cells
    assert cell.source == "[c](../../reference/claims.md), [next](02_unfolding.ipynb), [e](#fig-1)"
