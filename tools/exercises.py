"""Write the student copies: ``notebooks/NN_name.py`` -> ``notebooks/exercises/NN_name.ipynb``.

    python -m tools.exercises

A copy is the notebook of its source without solutions, outputs and execution counts.
"""

import re

from tools import notebooks

EXERCISES = notebooks.NOTEBOOKS / "exercises"
# A copy lies one folder deeper, so what a link reaches outside notebooks/ is one folder further up.
_UP = re.compile(r"(?<=\]\()(?=\.\./)|(?<=src=\")(?=\.\./)|(?<=href=\")(?=\.\./)")


def student_copy(source):
    """Return the notebook of a percent script as a learner gets it.

    Parameters
    ----------
    source : pathlib.Path
        The script, ``notebooks/NN_name.py``.

    Returns
    -------
    nbformat.NotebookNode
        All cells but those tagged ``solution``; no outputs.
    """
    copy = notebooks.read_source(source)
    copy.cells = [c for c in copy.cells if "solution" not in c.metadata.get("tags", [])]
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = _UP.sub("../", cell.source)
    return copy


def main():
    """Write the copies that changed, and remove those whose source is gone."""
    EXERCISES.mkdir(exist_ok=True)
    sources = notebooks.chapters()
    for source in sources:
        target = EXERCISES / f"{source.stem}.ipynb"
        before = target.read_bytes() if target.exists() else None
        notebooks.write(student_copy(source), target)
        if target.read_bytes() != before:
            print(f"exercises/{target.name}: written")
    for old in set(EXERCISES.glob("*.ipynb")) - {EXERCISES / f"{s.stem}.ipynb" for s in sources}:
        old.unlink()
        print(f"exercises/{old.name}: removed, its source is gone")


if __name__ == "__main__":
    main()
