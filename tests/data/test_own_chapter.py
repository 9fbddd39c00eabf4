"""Chapter 8 with another book: one line is changed, and it runs to its end.

On each change its models train for some steps, which go the same way; once a week for all.
"""

import os
import subprocess
import sys

import pytest

from rnnbook import data
from tools import ROOT
from tools import notebooks as tool

# How often it stands in the chapter; what stands there; what stands there here.
SHORTER = [
    (1, "train(large, ids, held, 18, ", "train(large, ids, held, 1, "),
    (2, "math.ceil(800 / ", "math.ceil(100 / "),  # steps, of the small model and that of words
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "shorter", [SHORTER, pytest.param([], marks=pytest.mark.weekly)], ids=["short", "whole"]
)
def test_chapter_8_runs_with_a_book_of_the_reader_s_own(shorter, tmp_path):
    """It is the shortest that is allowed, without blank lines, and with letters of its own."""
    book = (data.novel("validation") + data.novel("test")).lower()
    book = book.replace("\n\n", "\n").replace("e", "é")
    (tmp_path / "book.txt").write_text(book[3000:83_100], "utf-8")
    notebook = tool.read_source(ROOT / "notebooks" / "08_a_chapter_of_your_own.py")
    code = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert code.count("\nMINE = None") + code.startswith("MINE = None") == 1
    code = code.replace("MINE = None", "MINE = 'book.txt'", 1)
    for count, long, short in shorter:
        assert code.count(long) == count
        code = code.replace(long, short)
    (tmp_path / "chapter.py").write_text(code, "utf-8")
    run = subprocess.run(
        [sys.executable, "chapter.py"], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"MPLBACKEND": "agg", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-3000:]
    assert "LSTM, 256 against the best n-gram" in run.stdout
    assert "promised" not in run.stdout
