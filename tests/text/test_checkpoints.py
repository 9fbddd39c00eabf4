"""Files of arrays: whole or not at all, and an error that says what is wrong with them."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from rnnbook.text import checkpoints

ARRAYS = {
    "a/W_x": np.arange(6, dtype=np.float32).reshape(2, 3),
    "steps": np.array(7),
    "": np.eye(2),
}
DESCRIPTION = {"history": [0.1, None], "tokens": ["é", "\n", "<unknown>"]}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "stored.npz"
    checkpoints.save(path, "a test", 3, ARRAYS, DESCRIPTION)
    return path


def load(path):
    return checkpoints.load(path, "a test", 3)


def test_what_is_stored_comes_back(path):
    arrays, description = load(path)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert np.array_equal(arrays[name], array)
    assert description == {"kind": "a test", "version": 3, **DESCRIPTION}
    assert checkpoints.load(path, "a test", 4)[1]["version"] == 3


def test_no_pickle_is_written_and_none_is_read(path, tmp_path):
    with np.load(path, allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored)
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, description=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load(pickled)


@pytest.mark.parametrize("written", [0, 100, 700])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(path, monkeypatch, written):
    def full(file, **arrays):
        file.write(bytes(written))
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(path, "a test", 3, {"a": np.ones(3)}, {})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_takes_the_place_of_the_old_one(path):
    checkpoints.save(path, "a test", 3, {"a": np.ones(3)}, {})
    assert load(path)[0].keys() == {"a"}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"Dear diary, today", b"PK, but no archive"])
def test_a_file_that_something_else_wrote_is_never_overwritten(tmp_path, content):
    path = tmp_path / "diary.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{path} "):
        checkpoints.save(path, "a test", 3, ARRAYS, DESCRIPTION)
    assert path.read_bytes() == content


def test_a_file_of_another_kind_is_never_overwritten(path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"of kind 'another' .*its kind is 'a test'"):
        checkpoints.save(path, "another", 3, ARRAYS, DESCRIPTION)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_link_stays_one(path, tmp_path):
    link = tmp_path / "link.npz"
    link.symlink_to(path)
    checkpoints.save(link, "a test", 3, {"new": np.ones(1)}, {})
    assert link.is_symlink()
    assert list(load(path)[0]) == ["new"]


def test_a_cut_or_changed_file_is_damaged_wherever_it_is(path):
    whole = path.read_bytes()
    for end in range(2, len(whole), 97):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"stored.npz is damaged: .* \(restore it"):
            load(path)
    # A flipped bit in a name, in the zip's tables or in a number: never other arrays in silence.
    for place in range(2, len(whole), 13):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        try:
            arrays, description = load(path)
        except ValueError:
            continue
        assert arrays.keys() == ARRAYS.keys()
        assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
        assert description["tokens"] == DESCRIPTION["tokens"]


def test_a_foreign_file_is_named_so(path, tmp_path):
    foreign = tmp_path / "foreign.npz"
    for content in (b"", b"P", b"games", b"\x89PNG"):
        foreign.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"must be a file of kind 'a test' .*; it is no .npz file"
        ):
            load(foreign)
    np.savez(foreign, W=np.eye(2))
    with pytest.raises(ValueError, match="it has no description of that kind"):
        load(foreign)
    for words in ("games", "[1]", json.dumps({"kind": "a test"})):
        np.savez(foreign, description=np.array(words))
        with pytest.raises(ValueError, match="it has no description of that kind"):
            load(foreign)
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("letter.txt", "Dear reader")
    with pytest.raises(ValueError, match=r"damaged|no description"):
        load(foreign)


def test_another_kind_a_newer_version_and_no_file_are_named(path, tmp_path):
    with pytest.raises(ValueError, match=r"must be a file of kind 'poem' .*; its kind is 'a test'"):
        checkpoints.load(path, "poem", 3)
    with pytest.raises(ValueError, match=r"of version 2 or older, got 3 \(upgrade rnnbook\)"):
        checkpoints.load(path, "a test", 2)
    with pytest.raises(FileNotFoundError, match="is no file"):
        load(tmp_path / "no.npz")
    with pytest.raises(FileNotFoundError):
        checkpoints.save(tmp_path / "no" / "folder.npz", "a test", 3, {}, {})


def test_restore_fills_in_place_or_says_what_differs():
    parameters = {"W": np.zeros((2, 3), np.float32), "b": np.zeros(2)}
    given = {"W": np.ones((2, 3)), "b": np.full(2, 5.0)}
    W = parameters["W"]
    for wrong, message in [
        (
            {"W": np.ones((3, 2)), "b": given["b"]},
            r"W \(2, 3\), got \(3, 2\) \(they are of another",
        ),
        ({"W": given["W"]}, r"b \(2,\), got None"),
        ({**given, "p": np.ones(1)}, r"p None, got \(1,\)"),
        ({**given, "b": np.array([1, np.nan])}, "b must be finite, got nan"),
    ]:
        with pytest.raises(ValueError, match=message):
            checkpoints.restore(parameters, wrong)
        assert not W.any()
    checkpoints.restore(parameters, given)
    assert W is parameters["W"]
    assert W.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert W.dtype == np.float32


def test_a_bomb_is_refused_before_it_is_read(path):
    np.savez_compressed(path, a=np.zeros(10**7), description=np.array("games"))
    assert path.stat().st_size < 10**5
    with pytest.raises(ValueError, match=r"damaged: it says that it holds 80,000,\d+ bytes, in a"):
        load(path)


@pytest.mark.parametrize(
    "words",
    [{"kind": "a test", "version": "3"}, {"kind": "a test", "version": [3]}, "[" * 10**5, 3, None],
    ids=lambda words: str(words)[:30],
)
def test_a_description_that_was_made_up_is_refused(path, words):
    np.savez(path, description=np.array(words if isinstance(words, str) else json.dumps(words)))
    if words == {"kind": "a test", "version": "3"}:
        assert load(path)[1]["kind"] == "a test"
        return
    with pytest.raises(ValueError, match="it has no description of that kind"):
        load(path)


def test_home_is_expanded_and_a_missing_folder_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    checkpoints.save("~/m.npz", "a test", 3, ARRAYS, DESCRIPTION)
    assert (tmp_path / "m.npz").is_file()
    assert checkpoints.load("~/m.npz", "a test", 3)[0].keys() == ARRAYS.keys()
    with pytest.raises(FileNotFoundError, match=r"/no is no folder \(make it first\)"):
        checkpoints.save("~/no/m.npz", "a test", 3, {}, {})


WRITER = """
import sys, numpy as np
from rnnbook.text import checkpoints
for i in range(150):
    checkpoints.save({path!r}, "a test", 3, {{"a": np.full(20_000, {value})}}, {{}})
"""


def test_two_processes_on_one_file_never_leave_damage(path):
    code = [WRITER.format(path=str(path), value=value) for value in (1.0, 2.0)]
    writers = [subprocess.Popen([sys.executable, "-c", words]) for words in code]
    reads = 0
    while any(writer.poll() is None for writer in writers):
        arrays, _ = load(path)
        assert len(set(arrays.get("a", np.ones(1)))) == 1
        reads += 1
    assert [writer.returncode for writer in writers] == [0, 0]
    assert reads > 10
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_has_the_usual_rights_and_the_suffix(path):
    other = path.with_name("plain.txt")
    other.write_text("games")
    assert path.stat().st_mode == other.stat().st_mode
    with checkpoints.replacing(path) as part:
        assert part.suffix == ".npz"
        part.write_bytes(b"new")
    assert path.read_bytes() == b"new"
