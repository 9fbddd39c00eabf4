"""Set up what every other command needs: ``.venv`` and ``node_modules``, from the locks.

    python3 -m tools.setup

It needs Python and a network to the package registries, nothing else; all downloads are held to
the hashes in the two locks, and no package's own script runs. It is safe to repeat, also twice at
once.
"""

import os
import subprocess
import sys
import venv

from tools import ROOT

VENV = ROOT / ".venv"
BIN = VENV / "bin"
READY = VENV / "ready"
LOCKS = ["uv.lock", "package-lock.json", "tools/uv.txt", "tools/setup.py"]
OLDEST, NEWEST = (3, 11), (3, 13)  # what the locked TensorFlow has wheels for


def run(*command):
    """Run a command in the project's folder; stop with its name where it fails."""
    environment = dict(os.environ, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    # uv and node read certificates from other variables than pip does.
    if certificates := environment.get("PIP_CERT"):
        environment.setdefault("SSL_CERT_FILE", certificates)
        environment.setdefault("NODE_EXTRA_CA_CERTS", certificates)
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        sys.exit(f"set-up stopped: {' '.join(map(str, command[:4]))} ... failed (see above)")


def install():
    """Fill .venv and node_modules."""
    print("Setting up .venv and node_modules (about a minute, 2 GB) ...", flush=True)
    if not (BIN / "python").exists():
        try:
            venv.create(VENV, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            advice = "on Debian and Ubuntu: apt-get install python3-venv"
            sys.exit(f"set-up stopped: Python could not make .venv ({error}); {advice}")
    run(BIN / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "tools/uv.txt")
    # Compiled once: where Python writes no bytecode, each start of Keras compiles for 15 seconds.
    sync = ["sync", "--frozen", "--quiet", "--compile-bytecode", "--extra", "notebooks"]
    run(BIN / "uv", *sync)
    run(BIN / "npm", "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund")
    READY.touch()


def is_ready():
    """Return True if all was installed after the last change of the locks."""
    changed = max((ROOT / name).stat().st_mtime for name in LOCKS)
    return READY.exists() and READY.stat().st_mtime >= changed


def main():
    """Refuse what cannot work, wait for a set-up that is under way, and install what is missing."""
    if os.name == "nt":
        sys.exit("The course runs on Linux and macOS, and on Windows inside WSL: start it there.")
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        allowed = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
        sys.exit(
            f"Python {allowed} is needed, since TensorFlow has no build for others; this is "
            f"{sys.version.split()[0]}. Try: make PYTHON=python3.13"
        )
    import fcntl  # which Windows lacks

    with (ROOT / "tools" / "setup.py").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_ready():
            install()


if __name__ == "__main__":
    main()
