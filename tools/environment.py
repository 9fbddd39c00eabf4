"""Write environment.yml, for conda and Binder: what a notebook needs, at the lock's versions.

    python -m tools.environment

``make lock`` runs it. What the package itself does not name is left to pip.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from tools import ROOT

PYTHON = "3.12"  # one version: Binder reads no range
HEAD = f"""\
# For conda and for Binder:  conda env create -f environment.yml
# Written by `make lock` from pyproject.toml and uv.lock: change it there.
name: rnnbook
channels:
  - conda-forge
dependencies:
  - python={PYTHON}
  - pip
  # By pip, as in the lock: TensorFlow and NumPy of one origin fit together.
  - pip:
      - -e .[notebooks]
"""


def named():
    """Return the requirements that pyproject.toml names for the notebooks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [project["optional-dependencies"][e] for e in ("keras", "figures", "notebooks")]
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    return [r for r in map(Requirement, lines) if r.name != project["name"]]


def locked():
    """Return the versions of the lock for PYTHON, of all systems: name -> version."""
    command = [Path(sys.executable).with_name("uv"), "export", "--frozen", "-q", "--no-header"]
    command += ["--no-hashes", "--no-annotate", "--no-emit-project", "--no-default-groups"]
    run = subprocess.run(
        [*command, "--extra", "notebooks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = map(Requirement, run.stdout.splitlines())
    python = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.9"}
    systems = [python | {"sys_platform": system} for system in ("linux", "darwin", "win32")]
    return {
        r.name: r.specifier
        for r in found
        if not r.marker or any(r.marker.evaluate(system) for system in systems)
    }


def text():
    """Return the text of environment.yml."""
    versions, lines = locked(), []
    for requirement in named():
        requirement.specifier = versions[requirement.name]
        lines.append(f"      - {requirement}\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    (ROOT / "environment.yml").write_text(text(), encoding="utf-8", newline="\n")
