"""Train chapter 8's generator with two processes that share each batch: an appendix of the course.

    python tools/two_processes.py --workers 2 --folder two

It starts the workers, tools/worker.py, on this machine, and sees to it that none outlives another.
Kill one, and all end; the same command goes on after the last whole epoch, to the same losses.
All options but --workers are the workers': python tools/worker.py --help.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

WORKER = Path(__file__).with_name("worker.py")


def addresses(count):
    """Return addresses on this machine at which nobody listens."""
    with contextlib.ExitStack() as stack:  # held at once, so that no two are the same
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def started(workers, index, options):
    """Start one worker; TF_CONFIG tells TensorFlow who the workers are, and which it is."""
    config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
    environment = {k: v for k, v in os.environ.items() if k != "TF_CONFIG"}
    if len(workers) > 1:
        environment["TF_CONFIG"] = json.dumps(config)
    command = [sys.executable, WORKER, "--launched", *options]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
    print(f"worker {index} is process {process.pid}", flush=True)
    return process


def watched(processes):
    """Wait until all processes are done; return 1 as soon as one has failed, else 0."""
    while any(process.poll() is None for process in processes):
        time.sleep(0.1)
        for index, process in enumerate(processes):
            if process.poll():
                print(f"worker {index} ended with {process.returncode}, so all end. The same "
                      "command goes on after the last whole epoch.", flush=True)  # fmt: skip
                return 1
    return 0


def main():
    """Start the workers, wait for them, and leave none behind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    given, options = parser.parse_known_args()
    workers, processes = addresses(given.workers), []
    try:
        for index in range(given.workers):
            processes.append(started(workers, index, options))
        return watched(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
