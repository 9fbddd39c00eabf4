"""Shared fixtures: the built book, a server for it, a browser."""

import contextlib
import fcntl
import functools
import os
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rnnbook.show import instruments

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]
NO_BROWSER = (
    "no Chromium found; install it (Debian: apt-get install chromium chromium-driver, "
    "macOS: brew install --cask chromium) or set CHROMIUM to its path"
)
PATIENCE = 120_000  # milliseconds: a ceiling for a busy machine; nothing waits that long otherwise
# Run in a page with an instrument: window.spoken then holds what a screen reader is given to say.
RECORD_SPOKEN = """() => { window.spoken = []; const said = document.querySelector('[role=status]');
    new MutationObserver(() => window.spoken.push(said.textContent))
        .observe(said, {childList: true, characterData: true, subtree: true}); }"""
BUILD = ROOT / "_build"


def book_inputs():
    """Yield the files that the book is built from."""
    for name in ("_config.yml", "_toc.yml", "pyproject.toml", "package-lock.json"):
        yield ROOT / name
    yield from ROOT.glob("*.md")
    yield from (ROOT / "notebooks").glob("*.ipynb")
    for folder in ("rnnbook", "reference", "book", "data", "benchmarks/results"):
        yield from (p for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix != ".pyc")


@contextlib.contextmanager
def locked(file, kind):
    """Hold a lock that other processes, such as a second `make test`, wait for."""
    with file.open("a") as lock:
        fcntl.flock(lock, kind)
        yield


def build_book():
    """Build the book as `make book` does, unless it is newer than all it is built from."""
    stamp = BUILD / "tests.stamp"
    newest = max(p.stat().st_mtime for p in book_inputs())
    if stamp.is_file() and stamp.stat().st_mtime >= newest:
        return
    with locked(BUILD / "book.lock", fcntl.LOCK_EX):
        shutil.rmtree(BUILD / "html", ignore_errors=True)  # it may hold pages that are no more
    # --all: pages that were not read again would keep the addresses of others as they were.
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", "--all", "-W", "-n"]
    run = subprocess.run([*command, "--keep-going", "."], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, (
        f"the book does not build:\n{run.stdout[-3000:]}{run.stderr[-6000:]}"
    )
    stamp.touch()
    os.utime(stamp, (newest, newest))


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """Return the folder of the built book: a copy, so a build meanwhile changes nothing in it."""
    BUILD.mkdir(exist_ok=True)
    with locked(BUILD / "tests.lock", fcntl.LOCK_EX):
        build_book()
    copy = tmp_path_factory.mktemp("book") / "html"
    with locked(BUILD / "book.lock", fcntl.LOCK_SH):  # builds hold it: book/course_book.py
        shutil.copytree(BUILD / "html", copy)
    return copy


@pytest.fixture(scope="session")
def chromium():
    """Return the path of Chromium; without one, skip (in CI: fail)."""
    found = next(filter(None, map(shutil.which, [os.environ.get("CHROMIUM", ""), *BROWSERS])), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_BROWSER)
    return found


@pytest.fixture(scope="session")
def browser(chromium):
    """Return a headless Chromium, through Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    flags += ["--disable-component-update", "--disable-sync"]
    with sync_api.sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield instance
        instance.close()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a log."""

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="session")
def book_url(book):
    """Serve the book on this machine and return its address."""
    handler = functools.partial(QuietHandler, directory=book)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def visit(browser, tmp_path):
    """Return a function that opens instruments, from a file; check that nothing goes wrong.

    With ``clock=True`` the page's time stands still until ``page.clock`` moves it: what an
    instrument does after a pause is then the same on any machine.
    """
    problems, contexts = [], []

    def opened(*names, address="", body="", width=800, clock=False, **settings):
        file = tmp_path / "page.html"
        parts = [n if n.startswith("<") else instruments.as_html(n) for n in names]
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Instruments</title>'
        head += '<meta name="viewport" content="width=device-width">'
        file.write_text(f"{head}<body {body}><main>{' '.join(parts)}</main>", encoding="utf-8")
        size = {"width": width, "height": 900}
        settings = {"viewport": size, "reduced_motion": "reduce"} | settings
        contexts.append(browser.new_context(**settings))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.on("console", lambda m: m.type == "error" and problems.append(m.text))
        page.on("request", lambda r: problems.append(r.url) if "http" in r.url[:5] else None)
        if clock:
            page.clock.install(time=0)
            page.clock.pause_at(1)
        page.goto(file.as_uri() + address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []
