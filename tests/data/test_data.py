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
    years, numbers = data.sunspots()
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


def test_the_manifest_tool_runs():
    done = subprocess.run([sys.executable, tool.__file__], check=True, capture_output=True)
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
        data.sunspots()


def test_a_missing_file_is_named(copied):
    (copied / "sunspots.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"sunspots.csv is missing \(restore it"):
        data.sunspots()
    (copied / "manifest.toml").unlink()
    with pytest.raises(FileNotFoundError, match=r"manifest.toml is missing"):
        data.path("sunspots.csv")


def test_an_unlisted_file_is_refused_even_where_it_exists():
    for name in ("manifest.toml", "../pyproject.toml"):
        with pytest.raises(ValueError, match=r"must be one of .*sunspots.csv.*; got"):
            data.path(name)


STORY = 'Chloë reads “The Café” – a naïve tale.\n\nIts cost: £3…\n"Ça va," says Zoë.'


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("windows-1252", "windows-1252"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_own_book_in_each_encoding(tmp_path, encoding, found, newline):
    file = tmp_path / "book.txt"
    file.write_bytes(f"\n{STORY}\n\n".replace("\n", newline).encode(encoding))
    assert data.own_book(file) == (STORY, [found])
    assert data.own_book(str(file)) == (STORY, [found])


@pytest.mark.parametrize(
    ("content", "text", "found"),
    [
        (b"plain\n", "plain", "utf-8"),
        (b"\xfe\xff\x00h\x00\xe9", "hé", "utf-16"),  # big-endian
        ("Das schöne Mädchen".encode("latin-1"), "Das schöne Mädchen", "windows-1252"),
        ("«MENÜ» und “MENÜ”".encode("cp1252"), "«MENÜ» und “MENÜ”", "windows-1252"),
        ("Она читает.".encode(), "Она читает.", "utf-8"),
        ("ein \ufffd Loch".encode(), "ein \ufffd Loch", "utf-8"),
        (b"from DOS\r\n\x1a", "from DOS", "utf-8"),
        ("дом, 家, 😀".encode("utf-16"), "дом, 家, 😀", "utf-16"),
    ],
)
def test_own_book_by_hand(tmp_path, content, text, found):
    (tmp_path / "book.txt").write_bytes(content)
    assert data.own_book(tmp_path / "book.txt") == (text, [found])


def test_own_book_of_several_files_in_their_order(tmp_path):
    for name, content in [("b.txt", b"First.\n"), ("a.txt", "Zweite, schöne.".encode("cp1252"))]:
        (tmp_path / name).write_bytes(content)
    files = [tmp_path / "b.txt", str(tmp_path / "a.txt")]
    wanted = ("First.\n\nZweite, schöne.", ["utf-8", "windows-1252"])
    assert data.own_book(files) == data.own_book(tuple(files)) == wanted


def test_own_book_reads_the_novel_as_it_is():
    chapters = sorted((data.FOLDER / "novel").glob("chapter-*.txt"))
    text, encodings = data.own_book(chapters)
    assert text + "\n" == data.novel()
    assert set(encodings) == {"utf-8"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must hold some text, got an empty file"),
        (b" \r\n\t\n", "must hold some text, got an empty file"),
        (b"\xff\xfe", "must hold some text, got an empty file"),
        (b"PK\x03\x04\x14\x00", r"must be plain text, got the character '\\x03' \(save it"),
        (b"h\x00i\x00", r"plain text, got the character '\\x00' \(save it as plain text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", r"plain text, got"),
        (b"\xff\xfea", "has no encoding known here: .*truncated data"),
        ("Она читает.".encode("koi8-r"), "as windows-1252 it has too many accents"),
        ("Она читает.".encode("cp1251"), "as windows-1252 it has too many accents"),
        ("彼女は本を読む".encode("shift-jis"), "has no encoding known here"),
        ("你好，世界".encode("gbk"), "has no encoding known here"),
        ("schöne Mädchen, müde".encode() + b"\xc3", "can't decode byte 0xc3 in position 23"),
    ],
)
def test_own_book_refuses(tmp_path, content, message):
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_bytes(b"Good.")
    bad.write_bytes(content)
    with pytest.raises(ValueError, match=rf"bad\.txt .*{message}"):
        data.own_book([good, bad])


def test_own_book_must_be_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.txt is no file \(check the path"):
        data.own_book(tmp_path / "absent.txt")
    with pytest.raises(FileNotFoundError, match=r"is no file"):
        data.own_book(tmp_path)
    for none in ([], (), None, 3):
        with pytest.raises(TypeError, match="a path or a list of one or more paths, got"):
            data.own_book(none)
