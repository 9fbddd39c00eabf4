"""Plant faults into a copy of the course, one at a time, and say which of them no test sees.

python -m tools.plant              # all faults of tools/plants.toml
python -m tools.plant data nn      # those of these themes
python -m tools.plant --check      # only: does each fault still fit the code?

A fault replaces one place of a file by other text; it stands in no line numbers, so it outlives
changes elsewhere. Where its old text is gone, or is there more than once, it wants to be rewritten.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools import ROOT

FAULTS = ROOT / "tools" / "plants.toml"
MINUTES = 15  # that the tests of one fault may take; a fault may never end


def read_faults(file=FAULTS):
    """Return the faults: dicts with theme, name, file, old, new and tests (files or folders)."""
    groups = tomllib.loads(file.read_text(encoding="utf-8"))
    return [{"theme": theme} | fault for theme, faults in groups.items() for fault in faults]


def copy_course(folder, root=ROOT):
    """Copy what git follows, or would, so that nothing is ever planted into the course itself."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, folder / name)


def planted(fault, root):
    """Return the text of the fault's file with the fault in it; a ValueError says what is wrong."""
    file = root / fault["file"]
    if not file.is_file():
        raise ValueError(f"{fault['file']} is missing")
    text = file.read_text(encoding="utf-8")
    if (times := text.count(fault["old"])) != 1:
        raise ValueError(f"the old text stands in {fault['file']} {times} times, not once")
    if absent := [test for test in fault["tests"] if not (root / test).exists()]:
        raise ValueError(f"{', '.join(absent)}: no such tests")
    text = text.replace(fault["old"], fault["new"])
    if file.suffix == ".py":
        try:
            compile(text, fault["file"], "exec")
        except SyntaxError as error:
            raise ValueError(f"the new text is no Python: {error}") from error
    return text


def run_tests(tests, folder):
    """Return whether the tests pass in this folder; a ValueError says that none ran."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    settings = {
        "PYTHONPATH": str(folder),  # the copy's own package
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # starts five times as fast
    }
    env, timeout = os.environ | settings, 60 * MINUTES
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, timeout=timeout, env=env)
    except subprocess.TimeoutExpired:
        return False
    if run.returncode > 2:  # 1: a test failed; 2: the tests could not even be imported
        raise ValueError(f"the tests did not run: {run.stdout.decode()[-500:]}")
    return run.returncode == 0


def is_seen(fault, folder):
    """Plant a fault into a copy of the course, run its tests, and take it out again."""
    file = folder / fault["file"]
    before = file.read_bytes()
    file.write_text(planted(fault, folder), encoding="utf-8", newline="\n")
    try:
        return not run_tests(fault["tests"], folder)
    finally:
        file.write_bytes(before)


def judge(faults, folder):
    """Yield each fault with its verdict: "seen", "NOT SEEN", or what is wrong with it."""
    clean = {}  # tests to whether they pass as long as nothing is planted
    for fault in faults:
        try:
            planted(fault, folder)
            tests = tuple(fault["tests"])
            if tests not in clean:
                clean[tests] = run_tests(tests, folder)
            if not clean[tests]:
                raise ValueError(f"{', '.join(tests)} fail without it")
            yield fault, "seen" if is_seen(fault, folder) else "NOT SEEN"
        except ValueError as error:
            yield fault, str(error)


def check(faults, root=ROOT):
    """Yield each fault with "fits", or what is wrong with it."""
    for fault in faults:
        try:
            planted(fault, root)
            yield fault, "fits"
        except ValueError as error:
            yield fault, str(error)


def main():
    """Print a line a fault and a sum; exit with 1 if one was not seen, or could not be planted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("themes", nargs="*", help="such as data or nn; without any, all")
    parser.add_argument("--check", action="store_true", help="run no tests")
    given = parser.parse_args()
    faults = [f for f in read_faults() if f["theme"] in given.themes or not given.themes]
    good = 0
    with tempfile.TemporaryDirectory() as folder:
        if not given.check:
            copy_course(Path(folder))
        for fault, verdict in check(faults) if given.check else judge(faults, Path(folder)):
            good += verdict in ("seen", "fits")
            print(f"{verdict:8}  {fault['theme']}: {fault['name']}", flush=True)
    print(f"{good} of {len(faults)} {'fit' if given.check else 'were seen'}")
    return 0 if good == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
