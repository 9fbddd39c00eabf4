"""Train chapter 8's generator with two processes that share each batch: an appendix of the course.

    python examples/two_processes.py --workers 2 --folder two

It starts the workers, examples/worker.py, on this machine, and sees to it that none outlives
another. Kill one, and all end; the same command goes on after the last whole epoch, to the same
losses. All options but --workers are the workers': python examples/worker.py --help.

TensorFlow's workers listen on all of a machine's networks, whatever address they are given, and
obey whoever connects. So on Linux they get a network of their own, which ends at this machine.
Where the system forbids that, they are not started, unless you say with --trust-network that nobody
but you can reach this machine.
"""

import argparse
import contextlib
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

WORKER = Path(__file__).with_name("worker.py")
OWN_USERS, OWN_NETWORK, UP = 0x10000000, 0x40000000, 1  # Linux: CLONE_NEWUSER, CLONE_NEWNET, IFF_UP
SET_FLAGS = 0x8914  # SIOCSIFFLAGS


def leave_the_network() -> bool:
    """Move this process to a network of its own, with a loopback alone; return False if it can't.

    The processes that it starts are in the same one.
    """
    try:
        import fcntl

        unshare = ctypes.CDLL(None).unshare
    except (AttributeError, ImportError, OSError, TypeError):  # not Linux
        return False
    if unshare(OWN_NETWORK) and unshare(OWN_USERS | OWN_NETWORK):  # not root: with users of its own
        return False
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh22x", b"lo", UP))
    return True


def addresses(count: int) -> list[str]:
    """Return addresses on this machine at which nobody listens."""
    with contextlib.ExitStack() as stack:  # held at once, so that no two are the same
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def start(workers: list[str], index: int, options: list[str]) -> subprocess.Popen:
    """Start one worker; TF_CONFIG tells TensorFlow who the workers are, and which it is."""
    config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
    environment = {k: v for k, v in os.environ.items() if k != "TF_CONFIG"}
    if len(workers) > 1:
        environment["TF_CONFIG"] = json.dumps(config)
    command = [sys.executable, WORKER, "--launched", *options]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
    print(f"worker {index} is process {process.pid}", flush=True)
    return process


def watch(processes: list[subprocess.Popen]) -> int:
    """Wait until all processes are done; return 1 as soon as one has failed, else 0."""
    while any(process.poll() is None for process in processes):
        time.sleep(0.1)
        for index, process in enumerate(processes):
            if process.poll():
                print(f"worker {index} ended with {process.returncode}, so all end. The same "
                      "command goes on after the last whole epoch.", flush=True)  # fmt: skip
                return 1
    return 0


def main() -> int:
    """Start the workers, wait for them, and leave none behind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    given, options = parser.parse_known_args()
    alone = given.workers == 1 or leave_the_network()
    if not alone and "--trust-network" not in options:
        parser.error(
            "TensorFlow's servers would listen on all networks of this machine, and obey whoever "
            "connects (give --trust-network where nobody but you can reach it)"
        )
    workers, processes = addresses(given.workers), []
    try:
        for index in range(given.workers):
            processes.append(start(workers, index, options))
        return watch(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
