"""Training with two processes: the losses of one, and neither outlives the other."""

import contextlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rnnbook.text import checkpoints

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# With so low a limit every gradient is clipped: only what is clipped after the sum is as in one.
SMALL = "--units=16 --characters=20000 --rows=8 --epochs=6 --clip=0.02"
ANYWHERE = "--trust-network"  # where the system gives no network of its own
LIMIT = 300  # seconds: a start takes five of them, on a busy machine a minute


@pytest.fixture
def started():
    """Return a function that starts a command; whatever happens, its processes end with the test.

    All of them write into one pipe, so its end says that none is left.
    """
    running = []

    def start(script, *options, **environment):
        command = [sys.executable, EXAMPLES / script, *SMALL.split(), *map(str, options)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | environment
        running.append(
            subprocess.Popen(
                command, env=environment, text=True, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
        )  # fmt: skip
        return running[-1]

    yield start
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(process, words):
    """Read what a process writes, up to a line with these words; return all of it."""
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without {words!r}:\n{said}")


def losses(folder):
    arrays, stored = checkpoints.load(folder / "training.npz", "rnnbook training in Keras", 1)
    assert all(np.isfinite(array).all() for array in arrays.values())
    return stored["history"]


def listening(pid, network):
    """Return at which addresses a process listens in the network of another one."""
    inodes = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [
        line.split()
        for family in ("tcp", "tcp6")
        for line in Path(f"/proc/{network}/net/{family}").read_text("utf-8").splitlines()[1:]
    ]
    listens = "0A"
    return [row[1] for row in rows if row[3] == listens and f"socket:[{row[9]}]" in inodes]


def test_a_worker_of_a_cluster_asks_whether_the_network_is_trusted(tmp_path, monkeypatch, capsys):
    options = runpy.run_path(EXAMPLES / "worker.py")["options"]
    monkeypatch.setattr(sys, "argv", ["worker.py", "--folder", str(tmp_path)])
    monkeypatch.setenv("TF_CONFIG", "{}")
    with pytest.raises(SystemExit) as ended:
        options()
    assert ended.value.code == 2
    words = "give --trust-network where nobody but you can reach this machine"
    assert words in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [*sys.argv, ANYWHERE])
    assert options().trust_network


def test_two_out_of_reach_have_the_losses_of_one_and_a_killed_one_loses_nothing(started, tmp_path):
    """In one test, for each start of a worker loads Keras."""
    (tmp_path / "keras.json").write_text('{"floatx": "float64", "backend": "tensorflow"}', "utf-8")
    exact = {"KERAS_HOME": str(tmp_path)}
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        options = ["--workers", workers, "--folder", folder, ANYWHERE]
        process = started("two_processes.py", *options, **exact)
        out, _ = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, out
        assert (folder / "model.keras").is_file()
    one, two = losses(tmp_path / "1"), losses(tmp_path / "2")
    assert len(one) == len(two) == 6 * (20_000 // 32 // 8)
    assert one[-1] < one[0] - 0.5
    np.testing.assert_allclose(two, one, rtol=1e-12)

    again = ["two_processes.py", "--workers", 2, "--folder", tmp_path / "killed"]
    process = started(*again, **exact)
    said = process.stdout.readline()
    own_network = not said.startswith("usage")
    if not own_network:  # the system gives none
        assert "give --trust-network" in process.stdout.read()
        again.append(ANYWHERE)
        process = started(*again, **exact)
    said += until(process, "epoch 2 of 6")
    workers = [int(pid) for pid in re.findall(r"worker \d is process (\d+)", said)]
    os.kill(workers[1], signal.SIGSTOP)  # and the other one waits for it
    if own_network:
        for worker in workers:
            assert listening(worker, worker)  # in its own network
            assert not listening(worker, "self")  # in ours
    os.kill(workers[1], signal.SIGKILL)
    out, _ = process.communicate(timeout=LIMIT)  # the pipe ends: no process is left
    assert process.returncode == 1
    assert "The same command goes on" in out
    assert "epoch 6 of 6" not in out
    process = started(*again, **exact)
    out, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, out
    assert "epoch 1 of 6" not in out
    assert losses(tmp_path / "killed") == two  # digit for digit


def test_workers_end_with_their_launcher(started, tmp_path):
    process = started("two_processes.py", "--epochs", 1000, "--folder", tmp_path, ANYWHERE)
    until(process, "epoch 1 of 1000")
    process.kill()
    process.communicate(timeout=LIMIT)


@pytest.mark.parametrize("victim", [0, 1])
def test_without_a_launcher_too_a_killed_worker_ends_the_other(started, tmp_path, victim):
    launcher = runpy.run_path(EXAMPLES / "two_processes.py")
    cluster = {"worker": launcher["addresses"](2)}
    workers = []
    for index in range(2):
        config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        options = ["--epochs", 1000, "--folder", tmp_path, ANYWHERE]
        workers.append(started("worker.py", *options, TF_CONFIG=json.dumps(config)))
    until(workers[0], "epoch 1 of 1000")
    workers[victim].kill()
    out, _ = workers[1 - victim].communicate(timeout=LIMIT)
    assert workers[1 - victim].returncode not in (0, None), out


def test_what_does_not_fit_is_named_and_all_end(started, tmp_path):
    process = started("two_processes.py", "--rows", 7, "--folder", tmp_path, ANYWHERE)
    start = time.monotonic()
    out, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 1
    assert "rows must be a multiple of 2 workers, got 7" in out
    assert time.monotonic() - start < LIMIT
