"""Child processes of this room: none outlives this process."""

from __future__ import annotations

import atexit
import os
import subprocess
import weakref
from typing import Any

__all__ = ["Child", "cpu_limit"]

_alive: weakref.WeakSet[Child] = weakref.WeakSet()
_ending = False


class Child(subprocess.Popen):  # type: ignore[type-arg]
    """A process that is killed when this one ends while it runs, as from a daemon thread."""

    def __init__(self, command: list[str], **options: Any) -> None:
        if _ending:
            raise OSError("this process is ending")
        self.owner = os.getpid()
        super().__init__(command, **options)
        _alive.add(self)


def cpu_limit(deadline: float) -> list[str]:
    """Give ffmpeg's option to end by itself, should this process be killed before it can end it.

    It counts seconds of work over all cores, so work that a deadline allows never meets it.
    """
    return ["-timelimit", str(int(deadline * (os.cpu_count() or 1)) + 2)]


@atexit.register
def _end_all() -> None:
    global _ending  # noqa: PLW0603 - a daemon thread may be about to start another
    _ending = True
    for child in list(_alive):
        # A fork's copies belong to its parent.
        if child.owner == os.getpid() and child.poll() is None:
            child.kill()
            child.wait()
