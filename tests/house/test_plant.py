"""Planted faults: one that a test sees, one that none sees, and those that fit no more."""

import subprocess
import sys

import pytest

from tools import ROOT, plant

FAULT = {
    "theme": "toy",
    "name": "a wrong sign",
    "file": "toy.py",
    "old": "a + b",
    "new": "a - b",
    "tests": ["test_toy.py"],
}


@pytest.fixture
def toy(tmp_path):
    """Return a folder that git follows, with a module and its test."""
    (tmp_path / "toy.py").write_text("def add(a, b):\n    return a + b\n\n\nSPARE = 1\n", "utf-8")
    test = "import toy\n\n\ndef test_add():\n    assert toy.add(2, 3) == 5\n"
    (tmp_path / "test_toy.py").write_text(test, "utf-8")
    (tmp_path / ".gitignore").write_text("ignored\n", "utf-8")
    (tmp_path / "ignored").write_text("", "utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def verdict(folder, **changes):
    ((_, words),) = plant.judge([FAULT | changes], folder)
    return words


def test_a_fault_is_seen_or_not_and_taken_out_again(toy):
    before = (toy / "toy.py").read_bytes()
    assert verdict(toy) == "seen"
    assert verdict(toy, old="SPARE = 1", new="SPARE = 2") == "NOT SEEN"
    assert verdict(toy, old="def add", new="raise TypeError\n\n\ndef add") == "seen"
    assert (toy / "toy.py").read_bytes() == before


def test_tests_that_never_end_have_failed(toy, monkeypatch):
    (toy / "toy.py").write_text("while True:\n    pass\n", "utf-8")
    monkeypatch.setattr(plant, "MINUTES", 0.05)
    assert not plant.run_tests(["test_toy.py"], toy)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"old": "a * b"}, "the old text stands in toy.py 0 times, not once"),
        ({"old": "a"}, "not once"),
        ({"file": "gone.py"}, "gone.py is missing"),
        ({"new": "a +"}, "the new text is no Python"),
        ({"tests": ["test_gone.py"]}, "test_gone.py: no such tests"),
        ({"tests": ["toy.py"]}, "the tests did not run"),
    ],
)
def test_what_does_not_fit_is_told(toy, changes, words):
    assert words in verdict(toy, **changes)
    if changes.get("tests") != ["toy.py"]:
        ((_, told),) = plant.check([FAULT | changes], toy)
        assert words in told


def test_tests_that_fail_without_the_fault_say_nothing(toy):
    (toy / "toy.py").write_text("def add(a, b):\n    return 6, a + b\n", "utf-8")
    assert verdict(toy) == "test_toy.py fail without it"


def test_the_copy_has_what_git_follows(toy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    plant.copy_course(folder, toy)
    assert sorted(p.name for p in folder.iterdir()) == [".gitignore", "test_toy.py", "toy.py"]


def test_the_list_is_whole_and_fits_the_code():
    faults = plant.read_faults()
    assert len({(f["theme"], f["name"]) for f in faults}) == len(faults)
    for fault in faults:
        assert fault.keys() == FAULT.keys()
        assert fault["old"] != fault["new"]
        plant.planted(fault, ROOT)  # else it says what has changed


def test_the_command_says_what_fits_no_more(tmp_path, monkeypatch, capsys):
    listed = tmp_path / "plants.toml"
    fault = {k: v for k, v in FAULT.items() if k != "theme"} | {"file": "README.md", "old": "\x01"}
    lines = [f"{key} = {value!r}".replace("\\x01", "gone") for key, value in fault.items()]
    listed.write_text("[[toy]]\n" + "\n".join(lines), "utf-8")
    monkeypatch.setattr(plant, "FAULTS", listed)
    monkeypatch.setattr(plant.read_faults, "__defaults__", (listed,))
    monkeypatch.setattr(sys, "argv", ["plant", "--check"])
    assert plant.main() == 1
    assert "0 of 1 fit" in capsys.readouterr().out
