"""The saved tables of the course's benchmarks, for chapters whose trainings take too long."""

import json

from rnnbook import data

# In a checkout they lie beside the data; a wheel carries them inside the package.
_BESIDE = data.FOLDER.parent / "benchmarks" / "results"
FOLDER = _BESIDE if _BESIDE.is_dir() else data.FOLDER.parent / "_results"


def rows(name: str) -> list[dict]:
    """Return a benchmark's table, row by row: what stands in each column.

    >>> {row["contest"]: row["size"] for row in rows("contests")}["casino"]
    '40,000'
    """
    file = FOLDER / f"{name}.json"
    if not file.is_file():
        there = ", ".join(sorted(path.stem for path in FOLDER.glob("*.json")))
        raise ValueError(f"name must be a benchmark that was saved, got {name!r} (one of {there})")
    saved = json.loads(file.read_text(encoding="utf-8"))
    return [dict(zip(saved["columns"], row, strict=True)) for row in saved["rows"]]
