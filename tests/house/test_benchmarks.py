"""The benchmarks' results: each has its form, and the book's page shows each cell of them."""

import ast
import importlib.util
import json
import re

import pytest

from tools import ROOT, pages, report

RESULTS = sorted(report.RESULTS.glob("*.json"))
each_result = pytest.mark.parametrize("path", RESULTS, ids=lambda p: p.stem)


def saved(path):
    return json.loads(path.read_text("utf-8"))


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def test_there_are_results():
    assert "text" in [path.stem for path in RESULTS]


@each_result
def test_a_result_says_what_made_it(path):
    result = saved(path)
    assert result["command"] == f"python -m benchmarks.{path.stem}"
    assert (ROOT / "benchmarks" / f"{path.stem}.py").is_file()
    assert re.search(r"\d+ cores", result["machine"])
    assert {"python", "numpy"} <= set(result["versions"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", result["date"])
    assert result["notes"], "say what was measured, and how"
    assert {len(row) for row in result["rows"]} == {len(result["columns"])}
    if result["figure"]:
        assert (path.parent / result["figure"]).is_file()


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda p: p.stem)
def test_a_benchmark_imports_what_there_is(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names |= {alias.name for alias in getattr(node, "names", []) if type(node) is ast.Import}
        names |= {node.module} if type(node) is ast.ImportFrom else set()
    optional = {"torch", "jax", "jax.numpy"}
    assert [n for n in sorted(names - optional) if importlib.util.find_spec(n) is None] == []


@each_result
def test_the_page_shows_each_cell_of_a_result(path):
    result = saved(path)
    section = pages.benchmarks_page().split(f"## {result['title']}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert cells[0] == result["columns"]
    assert cells[2:] == [[report.shown(value) for value in row] for row in result["rows"]]
    for words in (result["command"], result["machine"], *result["notes"]):
        assert words in section


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.123456, "0.123"),
        (1234.56, "1,230"),
        (100.0, "100"),
        (0.0, "0"),
        (-0.00001236, "-0.0000124"),
        (12345, "12,345"),
        ("LSTM", "LSTM"),
        (None, ""),
    ],
)
def test_cells_in_words(value, words):
    assert report.shown(value) == words


def test_save_writes_what_it_prints(results, capsys):
    report.save("speed", "Speed", ["cell", "ms"], [["RNN", 1.234], ["LSTM", None]], ["One."])
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["| cell |   ms |", "| ---- | ---: |", "| RNN  | 1.23 |", "| LSTM |      |"]
    assert saved(results / "speed.json")["rows"] == [["RNN", 1.234], ["LSTM", None]]
    assert "\n".join(printed) in pages.benchmarks_page()


def test_a_figure_is_shown_with_its_words(results):
    report.save(
        "speed", "Speed", ["ms"], [[1.0]], figure="speed.svg", alt="Two bars of one height."
    )
    figure = "![Two bars of one height.](../benchmarks/results/speed.svg)"
    assert figure in pages.benchmarks_page()


def test_what_does_not_fit_is_refused_and_not_saved(results):
    with pytest.raises(ValueError, match=r"each row must have 2 cells, got \['RNN'\]"):
        report.save("speed", "Speed", ["cell", "ms"], [["LSTM", 1.0], ["RNN"]])
    with pytest.raises(ValueError, match=r"speed.svg must come with an alt text, got none"):
        report.save("speed", "Speed", ["ms"], [[1.0]], figure="speed.svg")
    assert not results.exists()


@pytest.mark.weekly
def test_a_row_of_the_gates_can_be_computed_again():
    from benchmarks import gates

    result = saved(report.RESULTS / "gates.json")
    row = next(r for r in result["rows"] if r[:2] == ["counting", "tanh"])
    kept = dict(zip(result["columns"], row, strict=True))
    made = [gates.trained("counting", "tanh", kept["rate"], s, {gates.STEPS}) for s in gates.SEEDS]
    assert sorted(score[gates.STEPS] for _, score in made)[2] == kept["median"]
    assert sorted(loss for loss, _ in made)[2] == pytest.approx(kept["loss there"], rel=0.02)


def test_the_steps_of_equal_time_are_those_of_the_cells_of_equal_size():
    from benchmarks import gates

    equal = gates.steps_in_equal_time()
    for row in saved(report.RESULTS / "gates.json")["rows"]:
        assert row[10] == equal[row[0], gates.NETS[row[1]]]


@pytest.mark.weekly
def test_rows_of_the_contests_come_out_again():
    from benchmarks import contests

    kept = [row[:-1] for row in saved(report.RESULTS / "contests.json")["rows"]]
    for row in contests.casino((100,)):
        before = next(old for old in kept if old[:3] == row[:3])
        assert row[:5] == before[:5]
        assert row[5:-1] == pytest.approx(before[5:], abs=0.1)


@pytest.mark.weekly
def test_a_row_of_the_remedies_computed_again_is_the_same():
    from benchmarks import remedies

    rows = {row[0]: row for row in saved(report.RESULTS / "remedies.json")["rows"]}
    assert list(rows) == list(remedies.NETS)
    for name in ("tanh, orthogonal", "IRNN, truncated at 10", "tanh, soft constraint 1"):
        assert remedies.row(name) == pytest.approx(rows[name], rel=1e-6, abs=0.01)


@pytest.mark.weekly
def test_a_row_of_what_feeds_back_computed_again_is_the_same():
    from benchmarks import feedback

    rows = {tuple(row[:4]): row for row in saved(report.RESULTS / "feedback.json")["rows"]}
    assert len(rows) == len(feedback.TASKS) * len(feedback.KINDS) * len(feedback.RATES)
    for task, kind in (("recall", ("state", False)), ("total", ("output", True))):
        made = feedback.row(task, *kind, 0.005)
        assert made == pytest.approx(rows[tuple(made[:4])], abs=0.01)


@pytest.mark.weekly
def test_a_row_of_the_convolutions_computed_again_is_the_same():
    from benchmarks import convolutions

    rows = {tuple(row[:2]): row for row in saved(report.RESULTS / "convolutions.json")["rows"]}
    assert convolutions.row("TCN", 3)[3:] == pytest.approx(rows[3, "TCN"][3:], abs=0.005)


@pytest.mark.weekly
def test_a_row_of_the_sizes_can_be_computed_again():
    from benchmarks import units

    kept = next(
        r for r in saved(report.RESULTS / "units.json")["rows"] if r[:4] == [128, 29870, 8e-3, 0]
    )
    made, _ = units.Task().row(128, 8e-3)
    assert made[:4] == kept[:4]
    assert made[4:6] == pytest.approx(kept[4:6], abs=0.02)
    assert made[7:9] == pytest.approx(kept[7:9], abs=0.02)


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda p: p.stem)
def test_a_benchmark_starts_itself_again_by_its_own_name(path):
    for called in re.findall(r"\balone\(([^,]+),", path.read_text("utf-8")):
        assert called in (f'"benchmarks.{path.stem}"', "module")
