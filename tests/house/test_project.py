"""The project around the course: addresses, versions, documents, what must not be in it."""

import os
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import rnnbook
from tools import ROOT, environment, notebooks, setup

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OWNER, NAME = PYPROJECT["project"]["urls"]["Repository"].split("/")[-2:]
LOCKS = {"uv.lock", "package-lock.json"}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
VERSION = PYPROJECT["project"]["version"]


def project_files():
    """Yield the files that belong to the project: all but those that git ignores."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - ignored - {".git"})
        yield from (Path(folder) / n for n in sorted(set(names) - ignored - {".git"}))


@cache
def texts():
    """Return (path from the root, text) of the project's text files but the locks."""
    files = ((path, path.read_bytes()) for path in project_files() if path.name not in LOCKS)
    return [
        (path.relative_to(ROOT).as_posix(), content.decode("utf-8"))
        for path, content in files
        if b"\0" not in content
    ]


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
    for name in ["CITATION.cff", "CONTRIBUTING.md", *notebooks.sources()]:
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
    files = re.findall(rf"/blob/v{VERSION}/(\S+?)\)", read("README.md"))
    files += re.findall(rf"/v{VERSION}\?urlpath=lab/tree/(\S+?)\)", read("README.md"))
    assert all((ROOT / file).is_file() for file in files), files
    assert sorted(Path(file).stem for file in files) == sorted([*chapters, *chapters])


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "index.md"])
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


@cache
def packages():
    """Return the lock's packages."""
    return tomllib.loads(read("uv.lock"))["package"]


def locked():
    """Return the lock's versions: name -> set of versions, one for most."""
    found = {}
    for package in packages():
        found.setdefault(package["name"], set()).add(package.get("version"))
    return found


def test_environment_has_the_versions_of_the_lock():
    """It is written from pyproject.toml and the lock; conda and Binder read it."""
    assert read("environment.yml") == environment.text(), "make lock"
    *_, python, pip, by_pip = yaml.safe_load(read("environment.yml"))["dependencies"]
    assert (python, pip) == (f"python={environment.PYTHON}", "pip")
    itself, *pins = by_pip["pip"]
    assert itself == "-e .[notebooks]"
    project = PYPROJECT["project"]
    extras = [project["optional-dependencies"][name] for name in ("keras", "figures", "notebooks")]
    named = {
        Requirement(line).name for lines in [project["dependencies"], *extras] for line in lines
    }
    assert {Requirement(pin).name for pin in pins} == named - {"rnnbook"}
    for pin in map(Requirement, pins):
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        assert specifier.version in locked()[pin.name]


def test_the_core_needs_numpy_and_two_small_packages():
    names = [Requirement(line).name for line in PYPROJECT["project"]["dependencies"]]
    assert names == ["numpy", "pooch", "tqdm"]


def supported_pythons():
    """Return the Python versions for which every system's locked TensorFlow has a wheel."""
    wheels = [
        {re.search(r"-cp3(\d+)-", wheel["url"])[1] for wheel in package["wheels"]}
        for package in packages()
        if package["name"] in {"tensorflow", "tensorflow-cpu"}
    ]
    return sorted(int(minor) for minor in set.intersection(*wheels))


def test_python_versions_are_those_of_the_locked_tensorflow():
    oldest, newest = supported_pythons()[0], supported_pythons()[-1]
    assert ((3, oldest), (3, newest)) == (setup.OLDEST, setup.NEWEST)
    assert PYPROJECT["project"]["requires-python"].startswith(f">=3.{oldest}")
    assert f"Python 3.{oldest} to 3.{newest}" in read("README.md")
    assert environment.PYTHON in [f"3.{minor}" for minor in supported_pythons()]
    tested = yaml.safe_load(read(".github/workflows/tests.yml"))
    matrix = tested["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert matrix == [f"3.{oldest}", f"3.{newest}"]


def test_the_version_is_one():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert rnnbook.__version__ == VERSION == citation["version"]
    assert re.search(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)[1] == VERSION
    assert locked()["rnnbook"] == {VERSION}


def test_readers_get_the_release_and_no_branch_that_moves():
    """Colab's set-up cell, the launch links of README and book: each names the tag."""
    repository = PYPROJECT["project"]["urls"]["Repository"]
    archive = f'"{repository}/archive/refs/tags/v{VERSION}.zip"'
    for source in notebooks.sources():
        assert archive in source.read_text("utf-8"), source.name
    config = yaml.safe_load(read("_config.yml"))["sphinx"]["config"]["html_theme_options"]
    assert config["repository_branch"] == f"v{VERSION}"
    assert not re.search(r"/(blob|tree|refs/heads|gh/[\w-]+/[\w-]+)/main\b", read("README.md"))


def test_the_license_is_the_one_that_is_named():
    named = PYPROJECT["project"]["license"]
    assert named == yaml.safe_load(read("CITATION.cff"))["license"] == "BSD-3-Clause"
    assert read("LICENSE").startswith("BSD 3-Clause License\n")
    assert "Attribution 4.0 International" in read("reference/LICENSE-text.md")


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


# Symbols: what stands in a chapter's equations is explained in the notation.

GREEK = "alpha|beta|gamma|delta|varepsilon|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho"
GREEK += "|sigma|tau|varphi|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Phi|Psi|Omega|ell"
INDICES = {*"tijlv"}
# A letter with its accent; of weights also the index that names them, as in W_xh, b_f and p_o.
SYMBOL = re.compile(
    rf"(hat|tilde)?\s*(?:\\({GREEK})(?![a-z])|([WbpI])_\{{?([a-z]+)\}}?|(?<![\\a-zA-Z])([a-zA-Z])(?![a-zA-Z]))"
)


def symbols(tex):
    r"""Return the symbols of a formula: ``\hat y_t`` gives "hat y" and "t"."""
    tex = re.sub(r"\\(text|mathrm|begin|end)\{[^{}]*\}", " ", tex)
    tex = re.sub(rf"\\(?!({GREEK}|hat|tilde)(?![a-z]))[a-zA-Z]+", " ", tex)  # \frac, \sum, ...
    return {
        " ".join(filter(None, (accent, greek or letter or f"{weight}_{index}")))
        for accent, greek, weight, index, letter in SYMBOL.findall(tex)
    }


def in_dollars(text):
    return symbols(" ; ".join(re.findall(r"\$+([^$]+)\$+", text)))


def words_of(chapter):
    """Return the text of a chapter's source, without the code."""
    return "\n".join(re.findall("(?m)^# (.*)$", chapter.read_text("utf-8")))


def explained():
    text = read("reference/notation.md").split("## What other texts write")[0]
    return in_dollars(text)


def test_the_symbols_of_a_formula():
    formula = (
        r"\hat y_t = W_{hy}\, h_t^{(l)} + \frac{b_y}{\sigma_1} \odot \mathrm{KL}(P, \tilde c_t)"
    )
    assert symbols(formula) == {"hat y", "t", "W_hy", "h", "l", "b_y", "sigma", "P", "tilde c"}


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("0*.py")), ids=lambda p: p.stem)
def test_the_notation_explains_each_symbol_of_a_chapters_equations(path):
    equations = re.findall(r"(?s)\$\$.+?\$\$", words_of(path))
    assert in_dollars("\n".join(equations)) - explained() <= INDICES | {*"BTDHVN"}


def test_the_notation_explains_nothing_that_no_chapter_writes():
    used = [in_dollars(words_of(path)) for path in (ROOT / "notebooks").glob("*.py")]
    assert explained() - INDICES <= set().union(*used)
