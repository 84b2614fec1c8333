"""Child processes that outlive neither their deadline nor this process."""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

__all__ = ["Deadline", "kill_after"]

_running: set[subprocess.Popen[bytes]] = set()
_exiting = False

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)  # they are the parent's to end


@dataclass(slots=True)
class Deadline:
    """The moment at which a child process is killed."""

    process: subprocess.Popen[bytes]
    passed: bool = False
    """The process was killed because its time was up."""

    def enforce(self) -> None:
        """Kill the process if it still runs."""
        if self.process.poll() is None:
            self.passed = True
            self.process.kill()


@contextmanager
def kill_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[Deadline]:
    """Kill a child process after `seconds`, when the block is left, or when this process exits.

    The process is gone and its pipes are closed when the block has been left.
    """
    deadline = Deadline(process)
    timer = threading.Timer(seconds, deadline.enforce)
    timer.daemon = True
    timer.start()
    _running.add(process)
    if _exiting:  # a daemon thread started it after the others were killed
        process.kill()
    try:
        yield deadline
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        _running.discard(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


@atexit.register
def _kill_all() -> None:
    global _exiting  # noqa: PLW0603 - daemon threads still run, and may start another
    _exiting = True
    for process in list(_running):
        process.kill()
        process.wait()
