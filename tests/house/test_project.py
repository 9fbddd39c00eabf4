"""The project around the course: addresses, versions, floors, workflows, documents."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import rnnbook

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "rnnbook"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OWNER, NAME = PYPROJECT["project"]["urls"]["Repository"].split("/")[-2:]
LOCKS = {"uv.lock", "package-lock.json"}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MODULES = sorted(PACKAGE.rglob("*.py"))


def project_files():
    """Yield the files that belong to the project: all but those that git ignores."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - ignored - {".git"})
        yield from (Path(folder) / n for n in sorted(set(names) - ignored - {".git"}))


def texts():
    """Yield (path from the root, text) of the project's text files but the locks."""
    for path in project_files():
        content = path.read_bytes()
        if path.name not in LOCKS and b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8")


def read(name):
    return (ROOT / name).read_text("utf-8")


# The address stands once, in pyproject.toml. Everything else agrees with it.

PART = r"([A-Za-z0-9][\w.-]*?)"
END = r"(?=\.git\b|[^\w.-]|\.?$|\.\s)"
ADDRESSES = {
    kind: re.compile(pattern + END, re.MULTILINE)
    for kind, pattern in {
        "repository": rf"(?<!\.)github\.com[/:]{PART}/{PART}",
        "Colab": rf"colab\.research\.google\.com/github/{PART}/{PART}",
        "Binder": rf"mybinder\.org/v2/gh/{PART}/{PART}",
        "pages": rf"\b([\w-]+)\.github\.io/{PART}",
    }.items()
}


def addresses(text):
    """Return (kind, owner, name) of each public address in a text."""
    return [(kind, *m.groups()) for kind, p in ADDRESSES.items() for m in p.finditer(text)]


def test_every_address_is_that_of_pyproject():
    strange = {
        f"{path}: {kind} {owner}/{name}"
        for path, text in texts()
        for kind, owner, name in addresses(text)
        if (owner, name) != (OWNER, NAME) and path != "book/references.bib"  # others' works
    }
    assert strange == set()


def test_the_places_that_need_an_address_have_it():
    assert {kind for kind, *_ in addresses(read("README.md"))} == set(ADDRESSES)
    notebooks = sorted((ROOT / "notebooks").glob("*.py"))
    names = ["CITATION.cff", "CONTRIBUTING.md", *(n.relative_to(ROOT) for n in notebooks)]
    for name in names:
        assert ("repository", OWNER, NAME) in addresses(read(name)), name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("git+https://{host}/a/b.git", ("repository", "a", "b")),
        ('"git+https://{host}/a/b"', ("repository", "a", "b")),
        ("see {host}/a-x/b.y.", ("repository", "a-x", "b.y")),
        ("git@{host}:a/b.git", ("repository", "a", "b")),
        ("https://{host}/a/b/actions/workflows/t.yml", ("repository", "a", "b")),
    ],
)
def test_an_address_is_found_in_every_form(text, found):
    assert addresses(text.format(host="github" + ".com")) == [found]


def test_chapters_of_the_readme_are_all_chapters_and_its_links_reach_them():
    chapters = {p.stem for p in (ROOT / "notebooks").glob("*.py")}
    files = re.findall(r"/blob/main/(\S+?)\)", read("README.md"))
    files += re.findall(r"\?urlpath=lab/tree/(\S+?)\)", read("README.md"))
    assert all((ROOT / file).is_file() for file in files), files
    assert sorted(Path(file).stem for file in files) == sorted([*chapters, *chapters])


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "reference/LICENSE-text.md"])
def test_links_of_the_documents_reach_a_file_and_pictures_have_words(name):
    for bang, words, target in re.findall(r"(!?)\[([^\[\]]*)\]\(([^)\s]+)\)", read(name)):
        assert target.startswith("https://") or (ROOT / target).exists(), target
        if bang and not target.startswith("https://"):
            assert len(words) > 60, f"{target}: say what the picture shows"


def test_badges_show_workflows_that_exist():
    shown = set(re.findall(r"actions/workflows/([\w.-]+\.yml)", read("README.md")))
    assert shown
    assert shown <= {p.name for p in WORKFLOWS}


def test_the_documents_name_commands_that_exist():
    wanted = r"`make ([a-z-]+)|^make ([a-z-]+)|run: make ([a-z-]+)"
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *WORKFLOWS]
    for document in documents:
        found = re.findall(wanted, document.read_text("utf-8"), re.MULTILINE)
        for command in map("".join, found):
            assert command in targets(), f"{document.name}: make {command}"


# The commands.


def targets():
    """Return the names of the Makefile's commands."""
    return re.search(r"^\.PHONY: (.+)$", read("Makefile"), re.MULTILINE)[1].split()


def test_make_help_lists_each_command_in_one_line():
    command = ["make", "--no-print-directory", "help"]  # under make, it would name its folder
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line.split(maxsplit=2) for line in run.stdout.splitlines()]
    assert [line[:2] for line in lines] == [["make", target] for target in targets()]
    assert all(len(line) == 3 for line in lines)
    assert max(map(len, run.stdout.splitlines())) <= 100


# Versions.


def requirements(lines):
    """Return requirements in a form that compares: (name, bounds, marker), sorted."""
    found = map(Requirement, lines)
    return sorted((r.name, str(r.specifier), str(r.marker or "")) for r in found)


def environment():
    """Return the dependencies of environment.yml: (those of conda, those of pip)."""
    *conda, last = yaml.safe_load(read("environment.yml"))["dependencies"]
    return conda, last["pip"]


def test_environment_names_what_pyproject_names():
    _, pip = environment()
    groups = PYPROJECT["dependency-groups"].values()
    wanted = [*PYPROJECT["project"]["dependencies"], *(line for g in groups for line in g)]
    assert pip[0] == "-e ."
    assert requirements(pip[1:]) == requirements(wanted)


def supported_pythons():
    """Return the Python versions for which every system's locked TensorFlow has a wheel."""
    packages = tomllib.loads(read("uv.lock"))["package"]
    wheels = [
        {re.search(r"-cp3(\d+)-", wheel["url"])[1] for wheel in package["wheels"]}
        for package in packages
        if package["name"] in {"tensorflow", "tensorflow-cpu"}
    ]
    return sorted(int(minor) for minor in set.intersection(*wheels))


def test_python_versions_are_those_of_the_locked_tensorflow():
    oldest, newest = supported_pythons()[0], supported_pythons()[-1]
    setup = read("tools/setup.py")
    assert f"OLDEST, NEWEST = (3, {oldest}), (3, {newest})" in setup
    assert PYPROJECT["project"]["requires-python"].startswith(f">=3.{oldest}")
    assert f"Python 3.{oldest} to 3.{newest}" in read("README.md")
    conda, _ = environment()
    assert conda[0] in [f"python=3.{minor}" for minor in supported_pythons()]
    tested = yaml.safe_load(read(".github/workflows/tests.yml"))
    matrix = tested["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert matrix == [f"3.{oldest}", f"3.{newest}"]


def test_the_version_is_one():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert rnnbook.__version__ == PYPROJECT["project"]["version"] == citation["version"]


def test_the_license_is_the_one_that_is_named():
    named = PYPROJECT["project"]["license"]
    assert named == yaml.safe_load(read("CITATION.cff"))["license"] == "BSD-3-Clause"
    assert read("LICENSE").startswith("BSD 3-Clause License\n")
    assert "Attribution 4.0 International" in read("reference/LICENSE-text.md")


# What GitHub reads.


def schema_faults(schema, *files):
    """Return what check-jsonschema says against files, by a schema that it carries."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    run = subprocess.run(command, capture_output=True, text=True)
    return "" if run.returncode == 0 else run.stdout + run.stderr


@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_workflows_keep_to_the_schema(schema):
    assert {p.stem for p in WORKFLOWS} == {"tests", "pages", "newest"}
    assert schema_faults(schema, *WORKFLOWS) == ""


def test_citation_keeps_to_the_schema():
    assert schema_faults("vendor.citation-file-format", ROOT / "CITATION.cff") == ""


def test_a_faulty_workflow_is_found(tmp_path):
    faulty = tmp_path / "tests.yml"
    faulty.write_text(read(".github/workflows/tests.yml").replace("runs-on", "run-on"), "utf-8")
    assert "run-on" in schema_faults("vendor.github-workflows", faulty)


def test_workflows_pin_actions_and_may_do_little():
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text("utf-8"))
        assert workflow["permissions"] == {"contents": "read"}, path.name
        for job in workflow["jobs"].values():
            used = [step["uses"] for step in job["steps"] if "uses" in step]
            assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", use) for use in used), used


# The package's floors.

LINE = re.compile(r"^(\d)\. (.+)$", re.MULTILINE)
FLOORS = {
    module: int(number)
    for number, line in LINE.findall(rnnbook.__doc__)
    for module in re.findall(r"``(\w+)``", line)
}
FLOORS["arrays"] = 0  # every floor stands on it
HEAVY = {"keras", "tensorflow"}


def imported(code):
    """Return the modules that a file imports anywhere, also inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import: write from rnnbook.x import y"
            inside = node.module == "rnnbook"
            found |= {f"rnnbook.{a.name}" for a in node.names} if inside else {node.module}
    return found


def breaches(own, code):
    """Return what a module of ``rnnbook`` imports and should not."""
    modules = imported(code)
    inner = {m.split(".")[1] for m in modules if m.startswith("rnnbook.")} - {own}
    wrong = {m for m in inner if m not in FLOORS or FLOORS[m] >= FLOORS[own]}
    outer = {m.split(".")[0] for m in modules}
    return wrong | (outer & HEAVY if own != "keras_models" else set())


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_module_imports_from_lower_floors_and_is_short(path):
    code = path.read_text("utf-8")
    assert len(code.splitlines()) <= 300
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if own != "__init__":
        assert own in FLOORS, "name its floor in rnnbook/__init__.py"
        assert breaches(own, code) == set()


@pytest.mark.parametrize(
    ("own", "code", "wrong"),
    [
        ("cells", "from rnnbook import layers", {"layers"}),
        ("layers", "from rnnbook.show.diagrams import neuron", {"diagrams"}),
        ("style", "def f():\n    import rnnbook.show.claims", {"claims"}),
        ("checks", "from rnnbook.keras import GRU", {"keras_models"}),
        ("layers", "def f():\n    import keras.layers", {"keras"}),
        ("claims", "from tensorflow import math", {"tensorflow"}),
        ("checks", "from rnnbook.exercises import Hint\nfrom rnnbook import no, layers", {"no"}),
    ],
)
def test_a_breach_of_the_floors_is_found(own, code, wrong):
    assert breaches(own, code) == wrong


def test_the_package_names_all_its_modules():
    found = {p.relative_to(PACKAGE).with_suffix("").parts[0] for p in MODULES} - {"__init__"}
    assert set(rnnbook.__all__) == found == {m for m in FLOORS if m in found}


ONE = "import rnnbook"
ALL = f"{ONE}; [getattr(rnnbook, m) for m in rnnbook.__all__ if m != 'keras_models']"


def seconds_and_modules(statement):
    """Run a statement after NumPy in a fresh process; return its seconds, and what is loaded."""
    code = (
        "import sys, time, numpy; before = time.perf_counter(); "
        f"{statement}; print(time.perf_counter() - before, *sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seconds, *modules = run.stdout.split()
    return float(seconds), {m.split(".")[0] for m in modules}


@pytest.mark.parametrize("statement", [ONE, ALL], ids=["package", "all but keras_models"])
def test_import_is_quick_and_loads_figures_and_keras_on_use(statement):
    tries = [seconds_and_modules(statement) for _ in range(5)]
    assert min(seconds for seconds, _ in tries) < 0.3
    assert tries[0][1] & {*HEAVY, "matplotlib", "IPython"} == set()


# What must not be in the repository.

MACHINE = re.compile(r"(?<![\w.}])/(?:work|root|home|Users)/\w\w+")


def test_no_file_names_a_path_of_a_machine():
    found = [f"{path}: {m[0]}" for path, text in texts() for m in MACHINE.finditer(text)]
    assert found == []


def test_a_path_of_a_machine_is_found():
    assert all(MACHINE.search(f'"/{top}/main/x.py"') for top in ["work", "root", "home", "Users"])
    assert not MACHINE.search("https://example.org/home/page")


def test_no_file_is_large():
    heavy = [p for p in project_files() if p.stat().st_size > 2_000_000]
    assert [p for p in heavy if ROOT / "data" not in p.parents] == []
