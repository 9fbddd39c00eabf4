"""Notebooks in JupyterLab, in a browser: "Run All Cells" ends without an error."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# One chapter on each change, all of them once a week.
CHOSEN = [
    pytest.param(path, marks=[] if path.stem[:2] == "01" else pytest.mark.weekly, id=path.stem)
    for path in NOTEBOOKS
]
LIMIT = 1800  # seconds after which something hangs; the tests wait for events, not for seconds

# One JupyterLab for all: they run in one process.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("lab")]

# A notebook's model in the page: what has run, and what the kernel does.
STATE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const kernel = panel && panel.sessionContext && panel.sessionContext.session
        ? panel.sessionContext.session.kernel : null;
    const cells = panel && panel.content && panel.content.model
        ? panel.content.model.sharedModel.toJSON().cells.filter(c => c.cell_type == "code") : [];
    return {
        kernel: kernel ? kernel.status : "none",
        counts: cells.map(c => c.execution_count),
        errors: cells.flatMap(c => c.outputs.filter(o => o.output_type == "error")
            .map(o => o.ename + ": " + o.evalue)),
    };
}"""


def without_outputs(path, target):
    """Copy a notebook as nobody has run it yet."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    target.write_text(json.dumps(notebook), encoding="utf-8")


def address_of(server, runtime):
    """Wait until JupyterLab listens, and return the address that it has written down."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        assert server.poll() is None, "JupyterLab stopped at its start"
        for file in runtime.glob("jpserver-*.json"):
            try:
                port = json.loads(file.read_text("utf-8"))["port"]
            except ValueError:  # it is being written
                continue
            return f"http://127.0.0.1:{port}"
        time.sleep(0.1)
    raise AssertionError("JupyterLab does not answer")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Serve JupyterLab on copies of the notebooks, with settings of its own."""
    folder, home = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("jupyter")
    for path in NOTEBOOKS:
        without_outputs(path, folder / path.name)
    own = ["CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"]
    variables = os.environ | {f"JUPYTER_{name}": str(home / name.lower()) for name in own}
    variables |= {f"JUPYTERLAB_{n}_DIR": str(home / n.lower()) for n in ("SETTINGS", "WORKSPACES")}
    (home / "config_dir" / "labconfig").mkdir(parents=True)
    news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (home / "config_dir" / "labconfig" / "page_config.json").write_text(json.dumps(news))
    command = [str(Path(sys.executable).with_name("jupyter-lab")), "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", "--port=0"]  # any port that is free
    command += ["--IdentityProvider.token=", "--expose-app-in-browser", f"--notebook-dir={folder}"]
    with (home / "log.txt").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log)
    try:
        yield f"{address_of(server, home / 'runtime_dir')}/lab/tree", folder
    finally:
        server.terminate()  # JupyterLab ends its kernels with it
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def run_all(page, address):
    """Open a notebook, choose Run > Run All Cells, and return its state at the end."""
    page.set_default_timeout(1000 * LIMIT)
    page.goto(address)
    page.wait_for_function(f"window.jupyterapp && ({STATE})().kernel == 'idle'")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    over = f"(s => s.kernel == 'idle' && (s.errors.length || s.counts.every(Boolean)))(({STATE})())"
    page.wait_for_function(over, polling=500)
    return page.evaluate(STATE)


@pytest.mark.parametrize("path", CHOSEN)
def test_run_all_cells_ends_without_an_error(lab, browser, path, capsys):
    page = browser.new_page()
    try:
        start = time.perf_counter()
        state = run_all(page, f"{lab[0]}/{path.name}?reset")
        seconds = time.perf_counter() - start
    finally:
        page.close()
    with capsys.disabled():
        print(f"\n{path.stem}: {len(state['counts'])} cells in JupyterLab, {seconds:.0f} s")
    assert state["errors"] == []
    assert state["counts"] == list(range(1, len(state["counts"]) + 1))


def test_an_error_in_a_notebook_is_found(lab, browser):
    address, folder = lab
    source = json.loads((folder / NOTEBOOKS[0].name).read_text("utf-8"))
    cells = [c for c in source["cells"] if c["cell_type"] == "code"][:2]
    for cell, text in zip(cells, ["x = 1", "assert x == 2, 'not two'"], strict=True):
        cell["source"] = [text]
    (folder / "99_error.ipynb").write_text(json.dumps(source | {"cells": cells}), encoding="utf-8")
    page = browser.new_page()
    try:
        state = run_all(page, f"{address}/99_error.ipynb?reset")
    finally:
        page.close()
    assert state["errors"] == ["AssertionError: not two"]


def test_an_instrument_runs_in_jupyterlab_and_leaves_its_address_alone(lab, browser):
    address, folder = lab
    source = json.loads((folder / NOTEBOOKS[0].name).read_text("utf-8"))
    cell = next(c for c in source["cells"] if c["cell_type"] == "code")
    cell["source"] = ["from rnnbook.show import instruments\n", 'instruments.show("gates", f=0.5)']
    (folder / "98_live.ipynb").write_text(json.dumps(source | {"cells": [cell]}), encoding="utf-8")
    page = browser.new_page()
    problems = []
    page.on("pageerror", lambda e: problems.append(str(e)))
    try:
        state = run_all(page, f"{address}/98_live.ipynb?reset")
        assert state["errors"] == []
        page.wait_for_selector(".rnn-live.rnn-on")
        before = page.url
        page.get_by_label("Forget gate f").fill("0.9")
        page.wait_for_function("document.querySelector('.rnn-live').rnn.state.f == 0.9")
        page.wait_for_timeout(500)  # for what must not happen
        assert page.url == before
        assert not page.locator(".rnn-still").is_visible()
        page.screenshot(path=str(folder / "live.png"))
    finally:
        page.close()
    assert problems == []
