"""The package: its themes, its size, what it imports, its docstrings, and the wheel."""

import ast
import doctest
import importlib
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

import rnnbook
from tools import ROOT

PACKAGE = ROOT / "rnnbook"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in FILES
}
# A module imports only from its own theme and from those before it.
THEMES = ["_machine", "_check", "data", "nn", "text", "hmm", "show", "exercises", "keras"]
CORE = ["_check", "data", "nn", "text", "hmm"]
LINES = 3200  # of the core, with docstrings: so much is read in an evening
HEAVY = {"keras", "tensorflow"}
ON_USE = {"pooch", "requests", "tqdm"}  # what the core imports inside functions only


def theme(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(tree):
    """Return what a file imports anywhere: a list of (module, whether a function does it)."""
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import: write from rnnbook.x import y"
            door = node.module == "rnnbook"
            names = [f"rnnbook.{a.name}" for a in node.names] if door else [node.module]
        found += [(name, id(node) in inside) for name in names]
    return found


def breaches(own, code):
    """Return what a module of the theme ``own`` imports and should not."""
    allowed, wrong = THEMES[: THEMES.index(own) + 1], set()
    for module, on_use in imported(ast.parse(code)):
        top, *rest = module.split(".")
        if top == "rnnbook":
            # From the door come names too, such as LSTM: where they live counts.
            inner = rnnbook._HOME.get(rest[0], rest[0]).split(".")[0] if rest else ""
            wrong |= {inner} - {*allowed}
        elif top in HEAVY:
            wrong |= {top} if own != "keras" else set()
        elif own in CORE and top not in {*sys.stdlib_module_names, "numpy"}:
            wrong |= {top} if not (on_use and top in ON_USE) else set()
    return wrong


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_module_imports_from_the_themes_before_it(path):
    if path.parent != PACKAGE or path.name != "__init__.py":
        assert breaches(theme(path), path.read_text("utf-8")) == set()


@pytest.mark.parametrize(
    ("own", "code", "wrong"),
    [
        ("nn", "from rnnbook import text", {"text"}),
        ("nn", "from rnnbook.show.diagrams import neuron", {"show"}),
        ("text", "from rnnbook import HMM, LSTM", {"hmm"}),
        ("exercises", "from rnnbook.keras import GRU", {"keras"}),
        ("nn", "def f():\n    import keras.layers", {"keras"}),
        ("show", "from tensorflow import math", {"tensorflow"}),
        ("data", "import pooch", {"pooch"}),
        ("data", "def f():\n    import pooch", set()),
        ("hmm", "import scipy", {"scipy"}),
        ("show", "import matplotlib", set()),
        ("exercises", "from rnnbook.exercises import Hint\nfrom rnnbook import no", {"no"}),
    ],
)
def test_a_breach_of_the_order_is_found(own, code, wrong):
    assert breaches(own, code) == wrong


def test_each_file_belongs_to_a_theme():
    assert {theme(path) for path in FILES} - {"__init__"} == {*THEMES}
    for name in rnnbook._THEMES:
        assert name in THEMES
        assert f"``{name}``" in rnnbook.__doc__


def test_the_core_is_read_in_an_evening():
    sizes = {path: len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert sum(n for path, n in sizes.items() if theme(path) in CORE) <= LINES


# What is public is typed, explained, and shown by an example that runs.

# Private to their chapter: what an exercise is checked with.
CHAPTERS = {name for name in MODULES if name.startswith("rnnbook.exercises.chapter_")}
PUBLIC = sorted(n for n in MODULES if "._" not in n and n not in CHAPTERS)


def definitions(name):
    """Return a module's public functions and classes."""
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    kinds = ast.FunctionDef | ast.ClassDef
    return [n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]


def untyped(function, method=False):
    """Return the arguments of a function that have no annotation; "return" for its result."""
    a = function.args
    arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
    arguments = [argument for argument in arguments if argument][int(method) :]
    found = [argument.arg for argument in arguments if argument.annotation is None]
    initializer = function.name == "__init__"
    return found + ["return"] * (function.returns is None and not initializer)


def gaps(node):
    """Return what a public function or class lacks: an example, annotations."""
    found = [] if ">>> " in (ast.get_docstring(node) or "") else [f"{node.name}: no example"]
    if isinstance(node, ast.FunctionDef):
        return found + [f"{node.name}: {argument}" for argument in untyped(node)]
    for method in node.body:
        if isinstance(method, ast.FunctionDef):
            if method.name.startswith("_") and method.name != "__init__":
                continue
            static = any(getattr(d, "id", "") == "staticmethod" for d in method.decorator_list)
            missing = untyped(method, not static)
            found += [f"{node.name}.{method.name}: {argument}" for argument in missing]
    return found


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_has_an_example_and_annotations(name):
    assert [gap for node in definitions(name) for gap in gaps(node)] == []


def test_a_gap_is_found():
    code = '''
class A:
    """Nothing shown."""
    def __init__(self, a, *, b: int = 1): ...
    def f(self, c: int): ...
    def _g(self, d): ...
def h(x, *rest, **more: int) -> int:
    """Return x.

    >>> h(1)
    """
'''
    found = [gap for node in ast.parse(code).body for gap in gaps(node)]
    assert found == ["A: no example", "A.__init__: a", "A.f: return", "h: x", "h: rest"]


@pytest.mark.parametrize("name", sorted(MODULES))
def test_the_examples_are_true(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    with np.printoptions():
        result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    assert result.failed == 0


def test_the_names_at_the_door_are_there():
    for name in rnnbook.__all__:
        assert callable(getattr(rnnbook, name))
    assert {*rnnbook.__all__, *rnnbook._THEMES} <= {*dir(rnnbook)}
    with pytest.raises(AttributeError, match="no attribute 'LSMT'"):
        _ = rnnbook.LSMT


# What is loaded, and when.


def test_import_is_quick_and_loads_figures_and_keras_on_use():
    """Processor time, so that other programs count little."""
    code = (
        "import sys, time, numpy; before = time.process_time(); import rnnbook; "
        "one = time.process_time(); modules = {*sys.modules}; "
        "[getattr(rnnbook, n) for n in dir(rnnbook) if n != 'keras']; "
        "print(one - before, time.process_time() - before, 'rnnbook.nn' in modules, *sys.modules)"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    door, everything, early, *modules = run.stdout.split()
    assert float(door) < 0.02
    assert float(everything) < 0.6
    assert early == "False"
    tops = {module.split(".")[0] for module in modules}
    assert tops & {*HEAVY, *ON_USE, "matplotlib", "IPython"} == set()


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Return the Python of an environment with the built wheel and NumPy, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    run = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    venv.create(folder / "venv", with_pip=False)
    site = next(folder.glob("venv/lib/python*/site-packages"))
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    here = Path(np.__file__).parents[1]
    for name in ("numpy", "numpy.libs"):
        if (here / name).exists():
            (site / name).symlink_to(here / name)
    return folder / "venv" / "bin" / "python", site


def run_bare(bare, code):
    command = [bare[0], "-I", "-c", code]
    run = subprocess.run(command, cwd=bare[1].parent, capture_output=True, text=True)
    return run.stdout + run.stderr


def test_the_wheel_works_with_numpy_alone(bare):
    code = "; ".join(
        [
            "import rnnbook, numpy as np",
            "hmm = rnnbook.HMM([0.5, 0.5], np.eye(2), np.eye(2))",
            "model = rnnbook.LanguageModel(5, 4)",
            "h, _ = rnnbook.LSTM(3, 4).forward(np.zeros((1, 2, 3)))",
            "words = rnnbook.Vocabulary(rnnbook.data.novel('test'), 'words')",
            "names = [getattr(rnnbook, n) for n in rnnbook.__all__]",
            "print(h.shape, len(words) > 1000, rnnbook.__version__)",
        ]
    )
    assert run_bare(bare, code) == f"(1, 2, 4) True {rnnbook.__version__}\n"


@pytest.mark.parametrize(("theme", "extra"), [("keras", "keras"), ("show", "figures")])
def test_where_an_extra_is_missing_the_error_names_it(bare, theme, extra):
    words = run_bare(bare, f"import rnnbook.{theme}").strip().splitlines()[-1]
    assert words.startswith("ImportError: ")
    assert f'pip install "rnnbook[{extra}]"' in words


def test_the_wheel_carries_types_data_and_license(bare):
    files = {path.relative_to(bare[1]).as_posix() for path in bare[1].glob("rnnbook*/**/*")}
    carried = {"py.typed", "_data/manifest.toml", "_results/gates.json"}
    assert {f"rnnbook/{name}" for name in carried} <= files
    assert any(name.endswith("/licenses/LICENSE") for name in files)
    assert not any(name.startswith(("rnnbook/tests", "rnnbook/tools")) for name in files)
