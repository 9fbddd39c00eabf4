"""A notebook where only Colab's packages are: its first cell installs the course, and all runs."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from tools import ROOT, notebooks

CHAPTER = notebooks.sources()[0]
THERE = [
    "numpy",
    "matplotlib",
    "tensorflow" if sys.platform == "darwin" else "tensorflow-cpu",
    "ipython",
    "pooch",  # with librosa
    "tqdm",
]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("colab")]  # one run for all

# Runs in the other environment: all code cells in one shell, and what the first one prints on the
# side, at the level of the process, so that pip's words count too.
RUNNER = """
import importlib.util, json, os, sys, tempfile
from importlib.metadata import distributions
from IPython.core.interactiveshell import InteractiveShell

def installed():
    return {d.metadata["Name"]: d.version for d in distributions()}

def quietly(function, *arguments):
    with tempfile.TemporaryFile() as log:
        kept = os.dup(1), os.dup(2)
        os.dup2(log.fileno(), 1), os.dup2(log.fileno(), 2)
        try:
            result = function(*arguments)
            sys.stdout.flush(), sys.stderr.flush()
        finally:
            os.dup2(kept[0], 1), os.dup2(kept[1], 2)
        log.seek(0)
        return result, log.read().decode()

notebook, report = sys.argv[1:]
with open(notebook, encoding="utf-8") as file:
    cells = ["".join(c["source"]) for c in json.load(file)["cells"] if c["cell_type"] == "code"]
found = {"before": installed(), "missing": importlib.util.find_spec("rnnbook") is None}
shell = InteractiveShell.instance()
result, found["printed"] = quietly(shell.run_cell, cells[0])
result.raise_error()
for cell in cells[1:]:
    shell.run_cell(cell).raise_error()
import rnnbook, rnnbook.data
found |= {"after": installed(), "package": rnnbook.__file__}
found["data"] = str(rnnbook.data.path("sunspots.csv"))
with open(report, "w", encoding="utf-8") as file:
    json.dump(found, file)
"""


def environment(**more):
    """Return the variables of a machine that has nothing of the course's own environment."""
    ours = ("PYTHON", "VIRTUAL_ENV", "JUPYTER", "IPYTHON", "UV_", "GIT_", "RNNBOOK", "COV_")
    variables = {k: v for k, v in os.environ.items() if not k.startswith(ours) or "SSL" in k}
    if certificates := variables.get("PIP_CERT"):  # uv reads another variable than pip
        variables.setdefault("SSL_CERT_FILE", certificates)
    return variables | more


def run(*command, **options):
    run = subprocess.run(command, capture_output=True, text=True, env=environment(), **options)
    return run.returncode, run.stdout + run.stderr


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Return the address of an archive such as a tag has, of the working tree as it is now."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git, and a git checkout")
    _, listed = run("git", "ls-files", "-coz", "--exclude-standard", cwd=ROOT)
    archive = tmp_path_factory.mktemp("release") / "v0.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                file.write(ROOT / name, f"rnnbook-0/{name}")
    return archive.as_uri()


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """Return the Python of an environment with what Colab has, at the lock's versions."""
    folder = tmp_path_factory.mktemp("colab")
    uv = str(Path(sys.executable).with_name("uv"))
    pins = folder / "pins.txt"
    export = [
        uv,
        "export",
        "--frozen",
        "-q",
        "--no-hashes",
        "--no-emit-project",
        "--extra",
        "notebooks",
    ]
    export += ["-o", pins]
    code, words = run(*export, cwd=ROOT)
    assert code == 0, words
    python = folder / "venv" / "bin" / "python"
    venv = [uv, "venv", "-q", "--no-project", "--seed", "--python", sys.executable, folder / "venv"]
    install = [uv, "pip", "install", "-q", "--python", python, "--constraint", pins, *THERE]
    for command in (venv, install):
        code, words = run(*command, cwd=folder)
        if code:
            stop = pytest.fail if os.environ.get("CI") else pytest.skip
            stop(f"the packages cannot be installed (no network?): {words[-500:]}")
    return python


@pytest.fixture(scope="module")
def report(release, colab, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "runner.py").write_text(RUNNER, encoding="utf-8")
    notebook = notebooks.read_source(CHAPTER)
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    setup.source, found = re.subn(r'"https://\S+\.zip"', f'"{release}"', setup.source)
    assert found == 1
    nbformat.write(notebook, folder / "chapter.ipynb")
    variables = environment(
        IPYTHONDIR=str(folder / "ipython"), MPLBACKEND="module://matplotlib_inline.backend_inline"
    )
    command = [str(colab), "runner.py", "chapter.ipynb", "report.json"]
    run = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return json.loads((folder / "report.json").read_text("utf-8"))


def test_the_course_was_missing_and_came_from_the_release(report, colab):
    assert report["missing"]
    site = next(colab.parent.parent.glob("lib/python*/site-packages"))
    assert Path(report["package"]) == site / "rnnbook" / "__init__.py"
    assert Path(report["data"]) == site / "rnnbook" / "_data" / "sunspots.csv"


def test_nothing_else_was_installed_or_moved(report):
    assert {n for n in report["after"] if n not in report["before"]} == {"rnnbook"}
    assert {n: report["after"][n] for n in report["before"]} == report["before"]
    lock = (ROOT / "uv.lock").read_text("utf-8")
    locked = dict(re.findall(r'name = "([\w-]+)"\nversion = "([\w.]+)"', lock))
    versions = {n.lower().replace("_", "-"): v for n, v in report["before"].items()}
    assert {n: versions[n] for n in THERE} == {n: locked[n] for n in THERE}


def test_the_set_up_cell_prints_nothing(report):
    assert report["printed"] == ""
