"""What builds and checks the course: run ``python -m tools.pages`` and the like in its root."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
