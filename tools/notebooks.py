"""Make the executed notebooks from their sources: ``notebooks/name.py`` -> ``.ipynb``.

    python -m tools.notebooks [--all] [NAME ...]

Only a notebook whose code changed is executed, unless --all is given or it is named; where only
the text changed, the outputs are kept. After a change of the package, nbval says which differ.
"""

import argparse
import ast
import hashlib
import os
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from tools import ROOT

NOTEBOOKS = ROOT / "notebooks"
KEPT = ("mystnb", "tags")
_SOLUTION = re.compile(r"^from rnnbook\.exercises\.(chapter_\d\d) import (\w+)$", re.MULTILINE)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}


def sources():
    """Return the notebooks' sources: the chapters in order, then the pages without a number."""
    return sorted(NOTEBOOKS.glob("*.py"))


def chapters():
    """Return the sources of the chapters, which have a number, claims and exercises."""
    return [source for source in sources() if re.match(r"\d\d_", source.name)]


def read_source(source):
    """Return the notebook of a percent script, without outputs, with ids that do not move.

    A cell's id is made from its text, so that an edit of one cell leaves all others' ids alone.
    In a solution, the import of an exercise's function becomes the function as it stands there.
    """
    notebook = jupytext.read(source, fmt="py:percent")
    seen = {}
    for cell in notebook.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in KEPT}
        if "solution" in cell.metadata.get("tags", []):
            cell.source = _SOLUTION.sub(_written_out, cell.source)
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    notebook.metadata = METADATA
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _written_out(imported):
    """Return the source of the function that a match of ``_SOLUTION`` imports."""
    module, name = imported.groups()
    text = (ROOT / "rnnbook" / "exercises" / f"{module}.py").read_text(encoding="utf-8")
    found = [node for node in ast.parse(text).body if getattr(node, "name", None) == name]
    if not found:
        raise ValueError(f"{module} must hold the function {name}, which a solution imports")
    lines = text.splitlines()[found[0].lineno - 1 : found[0].end_lineno]  # with a last comment
    return "\n".join(lines) + "\n"


def keep_outputs(notebook, executed):
    """Take the outputs over from the executed notebook; return False where its code differs."""
    code, before = (
        [cell for cell in cells if cell.cell_type == "code"]
        for cells in (notebook.cells, executed.cells)
    )
    counts = [cell.execution_count for cell in before]
    if [c.source for c in code] != [c.source for c in before]:
        return False
    if counts != list(range(1, len(counts) + 1)):
        return False
    for cell, old in zip(code, before, strict=True):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
    return True


def cell_key(cell):
    """Return the parts of a cell that come from the source."""
    return cell.id, cell.cell_type, cell.source, dict(cell.metadata)


def execute(notebook, folder):
    """Run a notebook in a fresh kernel that starts in ``folder``, and drop what tells the time."""
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        # TensorFlow's C++ log goes to this terminal, as under nbval, and not into the notebook.
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.pop("transient", None)
            if output.output_type == "display_data" or output.output_type == "execute_result":
                output.metadata = {}
    notebook.metadata = METADATA
    return notebook


def write(notebook, target):
    """Write a notebook so that the same content gives the same bytes, whole or not at all."""
    text = nbformat.writes(notebook, version=4, ensure_ascii=False)
    part = target.with_suffix(".part")
    part.write_text(text.rstrip("\n") + "\n", encoding="utf-8", newline="\n")
    os.replace(part, target)


def main():
    """Execute what changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="execute every notebook again")
    parser.add_argument("names", nargs="*", help="execute these again, such as 01_recurrent_neuron")
    options = parser.parse_args()
    names = [re.sub(r"\.\w+$", "", Path(name).name) for name in options.names]
    unknown = set(names) - {source.stem for source in sources()}
    if unknown:
        sys.exit(f"no source in notebooks/ for: {', '.join(sorted(unknown))}")
    for source in sources():
        if names and source.stem not in names:
            continue
        notebook, target = read_source(source), source.with_suffix(".ipynb")
        forced = options.all or source.stem in names or not target.exists()
        if forced or not keep_outputs(notebook, nbformat.read(target, as_version=4)):
            print(f"{source.stem}: executing ...", flush=True)
            notebook = execute(notebook, NOTEBOOKS)
        write(notebook, target)


if __name__ == "__main__":
    main()
