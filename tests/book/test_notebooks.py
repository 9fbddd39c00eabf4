"""Hygiene of the executed notebooks. That their outputs are those of a fresh run is nbval's."""

import copy
import re
import subprocess
import sys
import tomllib
from functools import cache

import nbformat
import pytest

from tools import ROOT
from tools import notebooks as tool

SOURCES = tool.sources()
MIMES = {"text/plain", "text/html", "image/svg+xml", "application/vnd.rnnbook.claim+json"}
PRIVATE = re.compile(r"/home/|/root/|/Users/|/tmp/|/work/|[A-Z]:\\\\|site-packages")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\b\d\d:\d\d:\d\d\b|0x[0-9a-f]{8,}")
EXCUSED = "nbval-ignore-output"
IMPORT = re.compile(r"(from|import) ")  # a list of imports is read at a glance


read_source = cache(tool.read_source)


@cache
def executed(source):
    """Return the notebook as it was run, read once: what changes it changes a copy."""
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def faults(source, notebook):
    """Return what is wrong with an executed notebook, a line each."""
    wanted = read_source(source)
    found = []
    if [tool.cell_key(c) for c in notebook.cells] != [tool.cell_key(c) for c in wanted.cells]:
        found.append("cells differ from the source: make notebooks")
    if notebook.metadata != wanted.metadata:
        found.append("metadata of the notebook differ")
    for place, cell in enumerate(code_cells(notebook), start=1):
        found += [f"code cell {place}: {fault}" for fault in cell_faults(cell, place)]
    return found + excuses(notebook)


def cell_faults(cell, place):
    found = []
    if cell.execution_count != place:
        found.append(f"its execution count is {cell.execution_count}")
    for output in cell.outputs:
        if output.output_type == "error" or output.get("name") == "stderr":
            found.append("an error or something on stderr")
        strange = set(output.get("data", {})) - MIMES
        if strange:
            found.append(f"output of another kind: {strange}")
    text = str(cell.outputs)
    found += [f"a path: {m[0]}" for m in [PRIVATE.search(text)] if m]
    text = re.sub(r"'image/svg\+xml': .*?</svg>", "", text, flags=re.DOTALL)
    return found + [f"a time or an address: {m[0]}" for m in [TIME.search(text)] if m]


def excuses(notebook):
    """At most one code cell in ten may be excused, and a cell that asserts must follow it."""
    cells = code_cells(notebook)
    excused = [i for i, c in enumerate(cells) if EXCUSED in c.metadata.get("tags", [])]
    found = [] if 10 * len(excused) <= len(cells) else [f"{len(excused)} cells are excused"]
    other = [
        t for c in cells for t in c.metadata.get("tags", []) if t.startswith(("nbval", "raises"))
    ]
    if len(other) > len(excused) or re.search(r"#\s*(NBVAL|PYTEST)_", str(cells)):
        found.append("a marker that hides a comparison")
    for i in excused:
        if i + 1 == len(cells) or "assert " not in cells[i + 1].source:
            found.append(f"code cell {i + 1} is excused, and no cell that asserts follows")
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_notebook_is_what_its_source_gives(source):
    assert faults(source, executed(source)) == []


def doctored(change):
    """Return the faults that are found after a change of a good notebook."""
    notebook = copy.deepcopy(executed(SOURCES[0]))
    change(notebook, code_cells(notebook))
    return " ".join(faults(SOURCES[0], notebook))


def stream(name, text):
    return nbformat.v4.new_output("stream", name=name, text=text)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda nb, cells: cells[3].update(source="x = 1"), "differ from the source"),
        (lambda nb, cells: nb.cells.pop(2), "differ from the source"),
        (lambda nb, cells: cells[3].update(execution_count=None), "execution count"),
        (lambda nb, cells: cells[3].outputs.append(stream("stderr", "Warning")), "stderr"),
        (lambda nb, cells: cells[3].outputs.append(stream("stdout", "/home/a/b")), "a path"),
        (lambda nb, cells: cells[3].outputs.append(stream("stdout", "at 10:20:30")), "a time"),
        (
            lambda nb, cells: cells[3].outputs.append(stream("stdout", "<A at 0x7f00deadbeef>")),
            "a time",
        ),
        (lambda nb, cells: [c.metadata.update(tags=[EXCUSED]) for c in cells], "are excused"),
        (lambda nb, cells: cells[-1].metadata.update(tags=[EXCUSED]), "no cell that asserts"),
        (lambda nb, cells: cells[3].metadata.update(tags=["nbval-skip"]), "hides a comparison"),
        (lambda nb, cells: nb.metadata.update(kernelspec={}), "metadata"),
    ],
)
def test_a_doctored_notebook_is_found_out(change, fault):
    assert fault in doctored(change)


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_cells_are_short(source):
    for cell in code_cells(read_source(source)):
        lines = [n for n in cell.source.splitlines() if n.strip() and not IMPORT.match(n)]
        limit = 24 if "solution" in cell.metadata.get("tags", []) else 12
        assert len(lines) <= limit, cell.source


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_every_figure_has_an_alternative_text(source):
    for cell in code_cells(executed(source)):
        if any("image/svg+xml" in o.get("data", {}) for o in cell.outputs):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) >= 30, cell.source
            assert alt.rstrip().endswith("."), alt


def test_all_but_the_novel_are_chapters():
    """A page without a number needs neither exercises nor claims, so it must be named here."""
    assert [s.stem for s in SOURCES if s not in tool.chapters()] == ["the_novel"]


def test_the_first_code_cell_is_the_same_everywhere():
    first = {code_cells(read_source(source))[0].source for source in SOURCES}
    assert len(first) == 1
    assert all(not code_cells(executed(source))[0].outputs for source in SOURCES)


def set_up(monkeypatch, **result):
    """Run the set-up cell as where rnnbook is missing; return the commands that it would run."""
    commands, done = [], subprocess.CompletedProcess([], **result)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", lambda c, **options: commands.append(c) or done)
    exec(code_cells(read_source(SOURCES[0]))[0].source, {})
    return commands


def test_the_set_up_cell_installs_the_release_where_it_is_missing(monkeypatch, capfd):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    (command,) = set_up(monkeypatch, returncode=0, stdout="", stderr="")
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert command[-1].startswith("rnnbook @ https://")
    assert command[-1].endswith(f"/refs/tags/v{version}.zip")
    assert capfd.readouterr() == ("", "")


def test_the_set_up_cell_says_why_pip_failed(monkeypatch):
    with pytest.raises(RuntimeError, match=r"could not install rnnbook:\nERROR: no network"):
        set_up(monkeypatch, returncode=1, stdout="", stderr="ERROR: no network")


def test_the_set_up_cell_does_nothing_where_rnnbook_is():
    exec(code_cells(read_source(SOURCES[0]))[0].source, {"sys": None})


def test_outputs_are_kept_where_only_the_text_changed(tmp_path):
    """A chapter whose code is the same need not run again; one whose code changed must."""
    made, notebook = (copy.deepcopy(executed(SOURCES[0])) for _ in range(2))
    for cell in notebook.cells:
        cell.update({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {})
    notebook.cells[0].source += " changed"
    assert tool.keep_outputs(notebook, made)
    assert [c.outputs for c in code_cells(notebook)] == [c.outputs for c in code_cells(made)]
    code_cells(notebook)[3].source += "  # changed"
    assert not tool.keep_outputs(notebook, made)
    code_cells(made)[-1].execution_count = None
    assert not tool.keep_outputs(executed(SOURCES[0]), made)


def test_ids_of_cells_do_not_move_when_another_cell_changes(tmp_path):
    text = SOURCES[0].read_text("utf-8")
    changed = tmp_path / SOURCES[0].name
    changed.write_text(text.replace("plt.show()", "plt.show()  # changed", 1), "utf-8")
    before, after = read_source(SOURCES[0]).cells, tool.read_source(changed).cells
    assert sum(a.id != b.id for a, b in zip(before, after, strict=True)) == 1
