"""Classic texts: fetched once and whole, or not at all, from a server on this machine."""

import hashlib
import os
import re
import threading
import time
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from rnnbook import data

BODY = "\r\n".join(f"{i} The Time Traveller smiled round at us." for i in range(4000))
BEFORE = "An EBook of The Time Machine\r\n\r\n*** START OF THIS PROJECT GUTENBERG EBOOK ***\r\n\r\n"
AFTER = "\r\n\r\n\r\nEnd of Project Gutenberg's The Time Machine\r\n\r\n*** END OF THIS PROJECT "
AFTER += "GUTENBERG EBOOK ***\r\nSTART: LICENSE\r\n"
CONTENT = (BEFORE + BODY + AFTER).encode("ascii")
TEXT = BODY.replace("\r\n", "\n")


class Handler(BaseHTTPRequestHandler):
    """Answer as the server's ``mode`` says."""

    def do_GET(self):
        """Send the file, or fail."""
        self.server.asked += 1
        if self.server.mode in ("endless", "drip"):
            return self.go_on()
        content = {"wrong": CONTENT.replace(b"smiled", b"looked")}.get(self.server.mode, CONTENT)
        self.send_response(404 if self.server.mode == "missing" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2 if self.server.mode == "cut" else None])

        return None

    def go_on(self):
        """Send without an end, until the other side has enough."""
        self.send_response(200)
        self.end_headers()
        chunk = 64 * b"a" if self.server.mode == "drip" else CONTENT
        try:
            while not self.server.stop.wait(0.02 if self.server.mode == "drip" else 0):
                self.wfile.write(chunk)
                self.server.sent += len(chunk)
        except OSError:
            self.server.left.set()

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve the file as one of the classic texts, with a manifest and a cache of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.mode, server.asked, server.sent = "right", 0, 0
        server.cache = tmp_path / "cache"
        server.stop, server.left = threading.Event(), threading.Event()
        address = f"http://127.0.0.1:{server.server_port}/35.txt"
        manifest = {
            "name": "the-time-machine",
            "source": address,
            "bytes": len(CONTENT),
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
        }
        lines = ["[[text]]", *(f"{key} = {value!r}" for key, value in manifest.items())]
        (tmp_path / "manifest.toml").write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.setattr(data, "FOLDER", tmp_path)
        monkeypatch.setenv("RNNBOOK_CACHE", str(server.cache))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.stop.set()
        server.shutdown()


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def assert_nothing_was_kept_and_the_next_try_succeeds(server):
    assert names(server.cache) == []
    server.mode = "right"
    assert data.classic("the-time-machine") == TEXT
    assert names(server.cache) == ["the-time-machine.txt"]


def test_the_text_comes_whole_and_without_the_license(server):
    assert data.classic("the-time-machine") == TEXT
    assert (server.cache / "the-time-machine.txt").read_bytes() == CONTENT


def test_it_is_fetched_once_and_then_needs_no_server(server):
    data.classic("the-time-machine")
    server.mode = "missing"
    assert data.classic("the-time-machine") == TEXT
    assert server.asked == 1
    server.shutdown()
    server.server_close()
    assert data.classic("the-time-machine") == TEXT


def test_the_progress_bar_is_beside_the_output(server, capsys):
    data.classic("the-time-machine")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "100%" in captured.err
    data.classic("the-time-machine")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("mode", ["cut", "missing"])
def test_what_breaks_off_or_is_missing_leaves_nothing(server, mode):
    server.mode = mode
    reason = {"cut": "IncompleteRead|Connection broken", "missing": "404 Client Error"}[mode]
    with pytest.raises(OSError, match=reason) as caught:
        data.classic("the-time-machine")
    # The way out without a network: the address, the file to save, the other function.
    for words in ("/35.txt could not be fetched", "cache/the-time-machine.txt", "own_book"):
        assert words in str(caught.value).replace(os.sep, "/")
    assert_nothing_was_kept_and_the_next_try_succeeds(server)


def test_a_wrong_file_is_not_kept(server):
    server.mode = "wrong"
    message = rf"35.txt must give the file in manifest.toml \({len(CONTENT)} bytes\), got other"
    with pytest.raises(ValueError, match=message):
        data.classic("the-time-machine")
    assert_nothing_was_kept_and_the_next_try_succeeds(server)


def test_an_endless_answer_is_cut_off_and_not_kept(server):
    server.mode = "endless"
    message = rf"could not be fetched: it is larger than {len(CONTENT)} bytes"
    with pytest.raises(OSError, match=message):
        data.classic("the-time-machine")
    assert server.left.wait(10)  # the connection was closed
    assert server.sent < len(CONTENT) + 2**23  # what was under way, too
    assert_nothing_was_kept_and_the_next_try_succeeds(server)


def test_an_answer_that_drips_is_given_up(server, monkeypatch):
    monkeypatch.setattr(data, "SECONDS", 0.5)
    server.mode = "drip"
    start = time.monotonic()
    with pytest.raises(OSError, match=r"could not be fetched: it was not complete after 0.5 sec"):
        data.classic("the-time-machine")
    assert time.monotonic() - start < 20
    monkeypatch.setattr(data, "SECONDS", 60)
    assert_nothing_was_kept_and_the_next_try_succeeds(server)


def test_without_a_server_a_file_put_there_by_hand_is_taken(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(OSError, match=r"could not be fetched: .*\. Without a network, save") as no:
        data.classic("the-time-machine")
    assert names(server.cache) == []
    place = Path(re.search(r"unchanged, as (.+), or read", str(no.value))[1])
    place.write_bytes(CONTENT)
    assert data.classic("the-time-machine") == TEXT


def test_a_full_disk_leaves_nothing(server):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match=r"could not be fetched: .*File too large"):
            data.classic("the-time-machine")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert server.asked == 1
    assert_nothing_was_kept_and_the_next_try_succeeds(server)


@pytest.mark.parametrize(
    "damage",
    [CONTENT[:-1], b"", CONTENT.replace(b"Time", b"time", 1)],
    ids=["shorter", "empty", "one letter"],
)
def test_a_file_damaged_later_is_fetched_again(server, damage):
    data.classic("the-time-machine")
    (server.cache / "the-time-machine.txt").write_bytes(damage)
    server.mode = "missing"
    with pytest.raises(OSError, match="404"):
        data.classic("the-time-machine")
    assert_nothing_was_kept_and_the_next_try_succeeds(server)


def test_a_cache_that_cannot_be_written_is_named_before_anything_is_fetched(
    server, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("a file where the folder should be", encoding="utf-8")
    closed = "/proc/rnnbook" if os.path.isdir("/proc") else str(tmp_path / "file")
    for folder in (str(tmp_path / "file"), str(tmp_path / "file" / "cache"), closed):
        monkeypatch.setenv("RNNBOOK_CACHE", folder)
        message = rf"^{re.escape(folder)}, .*cannot be written: .* RNNBOOK_CACHE\)$"
        with pytest.raises(OSError, match=message):
            data.classic("the-time-machine")
    assert server.asked == 0


@pytest.mark.parametrize("name", ["The Time Machine", "alice.txt", "", None])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValueError, match=r"one of alice, the-time-machine, tiny-shakespeare; got"):
        data.classic(name)


def test_a_text_without_a_license_is_left_as_it_is(server):
    (data.FOLDER / "manifest.toml").write_text(
        f"[[text]]\nname = 'alice'\nsource = 'http://127.0.0.1:1/'\nbytes = 5\n"
        f"sha256 = '{hashlib.sha256(b'Down.').hexdigest()}'\n",
        encoding="utf-8",
    )
    server.cache.mkdir()
    (server.cache / "alice.txt").write_bytes(b"Down.")
    assert data.classic("alice") == "Down."


def test_without_the_variable_it_is_the_user_cache(server, tmp_path, monkeypatch):
    monkeypatch.delenv("RNNBOOK_CACHE")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "user" / project)
    data.classic("the-time-machine")
    assert names(tmp_path / "user" / "rnnbook") == ["the-time-machine.txt"]


def test_addresses_are_pinned():
    manifest = tomllib.loads((data.FOLDER / "manifest.toml").read_text(encoding="utf-8"))
    assert len(manifest["text"]) == 3
    for entry in manifest["text"]:
        # A commit is part of the address, so what it gives cannot change.
        assert re.fullmatch(r"https://[\w.]+/[\w./-]+/[0-9a-f]{40}/[\w/]+\.txt", entry["source"])
        assert re.fullmatch("[0-9a-f]{64}", entry["sha256"])
        assert entry["licence"] == "Public domain"
        assert entry["title"]
        assert entry["bytes"] > 100_000
