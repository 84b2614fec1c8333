"""A script in an interpreter of its own, such as one that forks while its threads are at work."""

from __future__ import annotations

import subprocess
import sys

__all__ = ["said_by"]


def said_by(script: str, folder: object) -> str:
    """Run a script, in which ``{folder!r}`` is a folder's path, and return what it printed."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script.format(folder=str(folder))]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()
