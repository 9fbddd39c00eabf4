"""A book of the reader's own: read whole, in its encoding, without the license, or refused."""

import time
from pathlib import Path

import pytest

from rnnbook import data


def read(tmp_path, content, **settings):
    (tmp_path / "book.txt").write_bytes(content)
    return data.own_book(tmp_path / "book.txt", **settings)


STORY = 'Chloë reads “The Café” – a tale of façades.\n\nIts cost: £3…\n"Ça va," says Zoë.'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_book_in_each_encoding_which_is_told(tmp_path, capsys, encoding, newline):
    file = tmp_path / "book.txt"
    file.write_bytes(f"\n{STORY}\n\n".replace("\n", newline).encode(encoding))
    for path in (file, str(file), [file], (str(file),)):
        assert data.own_book(path) == STORY
        found = encoding.removesuffix("-sig")
        assert capsys.readouterr().out == f"book.txt: {found}, {len(STORY)} characters\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"plain\n", "plain"),
        (b"\xfe\xff\x00h\x00\xe9", "hé"),  # big-endian
        ("Das schöne Mädchen".encode("latin-1"), "Das schöne Mädchen"),
        ("«MENÜ» und “MENÜ”: größer".encode("cp1252"), "«MENÜ» und “MENÜ”: größer"),
        ("Она читает.".encode(), "Она читает."),
        ("ein \ufffd Loch".encode(), "ein \ufffd Loch"),
        (b"from DOS\r\n\x1a", "from DOS"),
        ("дом, 家, 😀".encode("utf-16"), "дом, 家, 😀"),
        ("\ufeffOne.\n\ufeffTwo.".encode(), "One.\nTwo."),  # joined by cat
        ("\ufeffEins.\n\ufeffZwei.".encode("utf-16-le"), "Eins.\nZwei."),
    ],
)
def test_by_hand(tmp_path, content, text):
    assert read(tmp_path, content) == text


def test_several_files_in_their_order(tmp_path, capsys):
    for name, content in [("b.txt", b"First.\n"), ("a.txt", "Zweite, schöne.".encode("cp1252"))]:
        (tmp_path / name).write_bytes(content)
    files = [tmp_path / "b.txt", str(tmp_path / "a.txt")]
    assert data.own_book(files) == data.own_book(tuple(files)) == "First.\n\nZweite, schöne."
    lines = ["b.txt: utf-8, 6 characters", "a.txt: windows-1252, 15 characters"]
    assert capsys.readouterr().out.splitlines() == 2 * lines


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "book.txt").write_bytes(b"At home.")
    assert data.own_book("~/book.txt") == data.own_book(Path("~/book.txt")) == "At home."


def test_the_novel_as_it_is():
    chapters = sorted((data.FOLDER / "novel").glob("chapter-*.txt"))
    assert data.own_book(chapters) + "\n" == data.novel()


SENTENCES = {  # from the Universal Declaration of Human Rights, article 1, but for the short ones
    "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti.": "iso8859-2 cp1250 cp852",
    "Wszyscy ludzie rodzą się wolni i równi.": "iso8859-2 cp1250 cp852",
    "Erdő, fű, víz.": "iso8859-2 cp1250",
    "Toate fiinţele umane se nasc libere şi egale.": "iso8859-2 cp1250",
    "Bütün insanlar hür ve eşit doğarlar.": "iso8859-9 cp1254",
    "Visi žmonės gimsta laisvi ir lygūs.": "cp1257",
    "Все люди рождаются свободными и равными.": "cp1251 koi8-r iso8859-5 cp866 mac-cyrillic",
    "зло": "cp1251 koi8-r cp866",
    "Łaska": "cp1250",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι.": "cp1253",
    "人人生而自由，在尊严和权利上一律平等。": "gbk gb18030",
    "すべての人間は、生まれながらにして自由である。": "shift-jis euc-jp iso2022_jp",
    "모든 인간은 태어날 때부터 자유로우며": "euc-kr",
    "Mädchen, schön und müde": "mac-roman cp850",
    "a café": "cp437 cp850",
    "Tous les êtres humains; déjà l'été": "windows-1252 latin-1 mac-roman cp437",
    "a naïve tale": "windows-1252 latin-1",
}


@pytest.mark.parametrize(
    ("sentence", "encoding"), [(s, e) for s, names in SENTENCES.items() for e in names.split()]
)
@pytest.mark.parametrize("lines", [0, 50])
def test_an_encoding_that_would_be_a_guess_is_refused_and_can_be_given(
    tmp_path, capsys, sentence, encoding, lines
):
    before = lines * "An English book in which such a line stands.\n"
    content = (before + sentence).encode(encoding)
    with pytest.raises(ValueError, match=r"book\.txt .*its .*encoding"):
        read(tmp_path, content)
    assert capsys.readouterr().out == ""
    assert read(tmp_path, content, encoding=encoding) == before + sentence
    assert f"book.txt: {encoding}, " in capsys.readouterr().out


def test_the_refusal_shows_what_would_be_read(tmp_path):
    with pytest.raises(
        ValueError, match=r'it has "a naïve tale": if that is right, give encoding='
    ):
        read(tmp_path, "a naïve tale".encode("latin-1"))


def test_damaged_utf_8_is_not_taken_for_another_encoding(tmp_path):
    for text in ("schöne Mädchen, müde", "It’s “the café” — £3 ©", "naïve"):
        with pytest.raises(
            ValueError, match=r"is not UTF-8 \(.*can't decode byte 0xc3 in position"
        ):
            read(tmp_path, text.encode() + b"\xc3")


@pytest.mark.parametrize("encoding", ["klingon", "hex", 8, "ascii"])
def test_an_encoding_that_does_not_fit_is_named(tmp_path, encoding):
    with pytest.raises(ValueError, match=rf"cannot be read in the encoding {encoding}: "):
        read(tmp_path, "é".encode("cp1252"), encoding=encoding)


def test_a_long_text_without_spaces_takes_no_time(tmp_path):
    start = time.process_time()
    read(tmp_path, b"a" * 2_000_000 + "ö".encode("cp1252"))
    read(tmp_path, b"*" * 2_000_000)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must hold some text, got an empty file"),
        (b" \r\n\t\n", "must hold some text, got an empty file"),
        (b"\xff\xfe", "must hold some text, got an empty file"),
        (b"\xff\xfea", "cannot be read in the encoding utf-16: .*truncated data"),
        (b"h\x00i\x00", r"plain text, got the character '\\x00' \(save it as plain text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not UTF-8"),
        (b"{\\rtf1\\ansi Hello.}", "plain text, got an RTF document"),
        (b"%PDF-1.4\n1 0 obj", "plain text, got a PDF"),
        (b"PK\x03\x04\x14\x00", r"plain text, got a zip archive, such as \.docx, \.odt or \.epub"),
        (b"\x1f\x8b\x08\x00", "plain text, got a gzip archive"),
        (b"\n <!DOCTYPE html>\n<p>Hello.", "plain text, got a web page"),
        (b"\xef\xbb\xbf<HTML><p>Hello.", "plain text, got a web page"),
        ("<html><p>Hello.".encode("utf-16"), "plain text, got a web page"),
        (b"<?xml version='1.0'?><FictionBook>", "plain text, got XML"),
    ],
)
def test_what_is_no_plain_text_is_refused(tmp_path, capsys, content, message):
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_bytes(b"Good.")
    bad.write_bytes(content)
    with pytest.raises(ValueError, match=rf"bad\.txt .*{message}"):
        data.own_book([good, bad])
    assert capsys.readouterr().out == ""


def test_it_must_be_there(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"absent\.txt is no file \(check the path; .* from "
    ):
        data.own_book(tmp_path / "absent.txt")
    with pytest.raises(FileNotFoundError, match="is no file"):
        data.own_book(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"^~nosuchuser/a is no file"):
        data.own_book("~nosuchuser/a")


@pytest.mark.parametrize("none", [[], (), None, 3, b"a.txt", [["a.txt"]], ["a.txt", None]])
def test_paths_must_be_paths(none):
    with pytest.raises(
        TypeError, match=r"^paths must be a path or a list of one or more paths, got"
    ):
        data.own_book(none)


def test_what_is_no_path_is_told():
    with pytest.raises(
        ValueError, match=r"files on this machine, got https://a\.org/b\.txt \(save"
    ):
        data.own_book("https://a.org/b.txt")
    for text in ("One.\nTwo.", "word " * 1000):
        with pytest.raises(ValueError, match=r"names of files, got a text of [\d,]+ characters"):
            data.own_book(text)


# Lines that stand in files of Project Gutenberg, of several years and languages.
LICENSE = (
    "\n\nUpdated editions will replace the previous one.\n" + 300 * "Section 1. Terms of Use.\n"
)
BEGINS = [
    "*** START OF THE PROJECT GUTENBERG EBOOK THE TIME MACHINE ***",
    "*** START OF THIS PROJECT GUTENBERG EBOOK THE TIME MACHINE ***",
    "***START OF THE PROJECT GUTENBERG EBOOK THE TIME MACHINE***",
    "*** START OF THE PROJECT GUTENBERG EBOOK A TITLE\nOF SEVERAL LINES ***",
    "*** START OF THE PROJECT GUTENBERG EBOOK WITHOUT STARS AT THE END",
    "*** START OF THE COPYRIGHTED PROJECT GUTENBERG EBOOK X ***",
    "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*",
    "*END THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.02/11/02*END*",
]
ENDS = [
    "*** END OF THE PROJECT GUTENBERG EBOOK THE TIME MACHINE ***",
    "***END OF THIS PROJECT GUTENBERG EBOOK THE TIME MACHINE***",
    "End of Project Gutenberg's The Time Machine\n\n*** END OF THIS PROJECT GUTENBERG EBOOK X ***",
    "End of the Project Gutenberg EBook of The Time Machine, by H. G. Wells",
    "End of The Project Gutenberg Etext of The Time Machine",
    "END OF THIS PROJECT GUTENBERG EBOOK",
    "Ende dieses Projekt Gutenberg Etextes Die Zeitmaschine",
    "Ende dieses Project Gutenberg E-Books",
    "Fin de Project Gutenberg's La machine",
    "        *** END OF THE PROJECT GUTENBERG EBOOK X ***",
]
BOOK = (
    "I\n\nThe Time Traveller smiled.\n\n*** End of the first part ***\n\n"
    + 90 * "A line.\n"
    + "End."
)


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("end", ENDS)
def test_the_license_of_project_gutenberg_is_left_out_and_told(tmp_path, capsys, begin, end):
    before = "The Project Gutenberg EBook of X\nThis eBook is for the use of anyone.\n\n"
    file = f"{before}{begin}\n\n\n{BOOK}\n\n\n{end}{LICENSE}".strip()
    assert read(tmp_path, file.encode()) == BOOK
    left_out = f"left out: the license of Project Gutenberg ({len(file) - len(BOOK):,})"
    assert capsys.readouterr().out == f"book.txt: utf-8, {len(BOOK)} characters; {left_out}\n"


@pytest.mark.parametrize("end", ["", ENDS[0] + LICENSE])
@pytest.mark.parametrize("begin", ["", "Header\n" + BEGINS[0]])
def test_one_line_of_the_two_is_enough(tmp_path, begin, end):
    assert read(tmp_path, f"{begin}\n{BOOK}\n{end}".encode()) == BOOK


def test_several_books_in_one_file(tmp_path):
    one = f"Header\n{BEGINS[0]}\n{BOOK}\n{ENDS[0]}{LICENSE}"
    old = f"Header\n{BEGINS[-1]}\n{BOOK}\n{ENDS[4]}\n"
    assert read(tmp_path, (one + old + one).encode()) == "\n\n".join(3 * [BOOK])


def test_a_rest_of_project_gutenberg_is_told(tmp_path, capsys):
    read(tmp_path, b"A book.\n\nProject Gutenberg License\n1. Project Gutenberg is a trademark.")
    assert '; "Project Gutenberg" still stands in it (2 times)' in capsys.readouterr().out


def test_the_last_tenth_of_a_file_as_project_gutenberg_gives_it_is_the_book(tmp_path):
    """The real file of The Time Machine has 18,660 characters of license in 198,309."""
    book = 40_000 * "abc "
    file = f"Title\n\n{BEGINS[1]}\n\n{book}\n\n{ENDS[2]}\n\n{18_660 * 'L'}"
    text = read(tmp_path, file.encode())
    assert set(text[-len(text) // 10 :]) == set("abc ")
