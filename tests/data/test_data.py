"""The data: files are the ones described, and a book of the reader's own is read whole."""

import re
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pytest

from rnnbook import data
from tools import manifest as tool

LISTED = tomllib.loads((data.FOLDER / "manifest.toml").read_text(encoding="utf-8"))["file"]
# What in data/ is about the data.
ABOUT = {"manifest.toml", "README.md", "novel/LICENSE", "novel/OUTLINE.md", "novel/STYLE.md"}


@pytest.fixture
def copied(tmp_path, monkeypatch):
    shutil.copytree(data.FOLDER, tmp_path / "data")
    monkeypatch.setattr(data, "FOLDER", tmp_path / "data")
    return tmp_path / "data"


def test_sunspots_are_the_known_series():
    years, numbers = np.loadtxt(data.path("sunspots.csv"), delimiter=",", skiprows=1).T
    assert (years == np.arange(1700, 2009)).all()
    # The largest yearly mean of the old series: 190.2 in 1957; the Dalton minimum's zero: 1810.
    assert years[numbers.argmax()] == 1957
    assert numbers.max() == 190.2
    assert years[numbers == 0].tolist() == [1711, 1712, 1810]


def test_every_file_of_the_manifest_is_there_and_unchanged():
    for entry in LISTED:
        file = data.path(entry["name"])
        assert file.stat().st_size == entry["bytes"]
        assert entry["licence"]
        assert entry["source"]


def test_the_manifest_has_every_data_file_once():
    there = {f.relative_to(data.FOLDER).as_posix() for f in data.FOLDER.rglob("*") if f.is_file()}
    assert sorted(entry["name"] for entry in LISTED) == sorted(there - ABOUT)
    assert there >= ABOUT


def test_the_manifest_tool_mends_a_changed_file_and_nothing_else(copied):
    manifest = (copied / "manifest.toml").read_text(encoding="utf-8")
    assert tool.updated(manifest, copied) == manifest
    changed = copied / "novel" / "chapter-07.txt"
    changed.write_bytes(changed.read_bytes() + b"One more.\n")
    mended = tool.updated(manifest, copied)
    (copied / "manifest.toml").write_text(mended, encoding="utf-8")
    assert data.novel().count("One more.\n") == 1
    pairs = zip(manifest.splitlines(), mended.splitlines(), strict=True)
    assert [a.split(" =")[0] for a, b in pairs if a != b] == ["bytes", "sha256"]


def test_the_manifest_tool_refuses(copied):
    manifest = (copied / "manifest.toml").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"each \[\[file\]\] must begin with its name and end"):
        tool.updated(manifest.replace("bytes = 2937\n", ""), copied)
    last = f"bytes = {(copied / 'novel' / 'chapter-40.txt').stat().st_size}\n"
    with pytest.raises(ValueError, match=r"each \[\[file\]\] must begin"):  # [[text]] comes next
        tool.updated(manifest.replace(last, ""), copied)
    (copied / "sunspots.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"sunspots.csv"):
        tool.updated(manifest, copied)


def test_the_manifest_tool_runs_and_leaves_a_file_that_is_right_as_it_is():
    before = (data.FOLDER / "manifest.toml").stat().st_mtime_ns
    done = subprocess.run([sys.executable, tool.__file__], check=True, capture_output=True)
    assert (data.FOLDER / "manifest.toml").stat().st_mtime_ns == before
    assert done.stdout.decode().split() == ["data/manifest.toml", "is", "up", "to", "date"]


def test_the_novel_is_its_chapters_in_order():
    text = data.novel()
    headings = [int(n) for n in re.findall(r"(?m)^CHAPTER (\d+)\n\n", text)]
    assert headings == list(range(1, len(headings) + 1))
    assert len(headings) >= 36
    assert "\n\n\n" not in text
    assert text.startswith("CHAPTER 1\n")
    assert text.endswith((data.FOLDER / "novel" / "chapter-40.txt").read_text("utf-8")[-500:])


def test_the_splits_share_nothing_and_leave_nothing_out():
    splits = [data.novel(s).split("\n\n") for s in ("train", "validation", "test")]
    headings = [{p for p in split if re.fullmatch(r"CHAPTER \d+", p)} for split in splits]
    assert sum(map(len, headings)) == len(set.union(*headings))
    assert sum(len("\n\n".join(s)) + 1 for s in splits) == len(data.novel()) + 1
    assert not headings[2] & {"CHAPTER 1", f"CHAPTER {sum(map(len, headings))}"}


def test_the_splits_are_spread_over_the_story_and_about_80_10_10():
    shares = [len(data.novel(s)) / len(data.novel()) for s in ("train", "validation", "test")]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    chapters = [entry["split"] for entry in LISTED if "split" in entry]
    for tenth in range(0, 40, 10):
        ten = chapters[tenth : tenth + 10]
        assert (ten.count("validation"), ten.count("test")) == (1, 1)


@pytest.mark.parametrize("split", ["dev", "Train", "", 1])
def test_there_is_no_such_split(split):
    with pytest.raises(ValueError, match=r"'train', 'validation', 'test' or None, got "):
        data.novel(split)


def test_a_changed_or_missing_chapter_is_named_and_not_used(copied):
    chapter = copied / "novel" / "chapter-03.txt"  # of the test split
    content = chapter.read_bytes()
    for changed in (content.replace(b"\n", b"\r\n"), content[:-1], b"", content + b" "):
        chapter.write_bytes(changed)
        for split in (None, "test"):
            with pytest.raises(ValueError, match=r"chapter-03.txt must be the file in manifest"):
                data.novel(split)
    assert data.novel("train")
    chapter.unlink()
    with pytest.raises(FileNotFoundError, match=r"chapter-03.txt is missing \(restore it"):
        data.novel("test")


def test_a_changed_file_is_refused(copied):
    assert data.path("sunspots.csv") == copied / "sunspots.csv"
    content = (copied / "sunspots.csv").read_bytes()
    (copied / "sunspots.csv").write_bytes(content.replace(b"1957,190.2", b"1957,190.3"))
    with pytest.raises(ValueError, match=r"sunspots.csv must be the file in manifest.toml"):
        data.path("sunspots.csv")


def test_a_missing_file_is_named(copied):
    (copied / "sunspots.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"sunspots.csv is missing \(restore it"):
        data.path("sunspots.csv")
    (copied / "manifest.toml").unlink()
    with pytest.raises(FileNotFoundError, match=r"manifest.toml is missing"):
        data.path("sunspots.csv")


def test_an_unlisted_file_is_refused_even_where_it_exists():
    for name in ("manifest.toml", "../pyproject.toml"):
        with pytest.raises(ValueError, match=rf"^name must be one of .*, got '{name}':") as error:
            data.path(name)
        lines = str(error.value).splitlines()[1:]
        assert [line.strip() for line in lines] == sorted(entry["name"] for entry in LISTED)
