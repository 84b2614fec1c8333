"""Child processes of this room: none outlives its deadline, nor this process."""

from __future__ import annotations

import atexit
import heapq
import itertools
import os
import subprocess
import threading
import time
import weakref
from typing import Any

__all__ = ["Child", "cpu_limit"]

_alive: weakref.WeakSet[Child] = weakref.WeakSet()
_ending = False


class Child(subprocess.Popen):  # type: ignore[type-arg]
    """A process that is killed when this one ends while it runs, as from a daemon thread.

    Parameters
    ----------
    command, options
        As `subprocess.Popen` takes them.
    deadline
        Seconds after which it is killed; then `late` is true.
    """

    def __init__(self, command: list[str], *, deadline: float, **options: Any) -> None:
        if _ending:
            raise OSError("this process is ending")
        self.owner = os.getpid()
        self.late = False
        super().__init__(command, **options)
        _alive.add(self)
        _warden.watch(self, time.monotonic() + deadline)


class _Warden:
    """One thread that kills what is late; a timer for each child would be a thread for each."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, weakref.ref[Child]]] = []
        self._changed = threading.Condition()
        self._beginning = threading.Lock()
        self._numbers = itertools.count()
        self._owner = 0

    def watch(self, child: Child, end: float) -> None:
        """Kill a child at a moment of the monotonic clock, should it still run then."""
        with self._beginning:
            if self._owner != os.getpid():  # at first, and in a fork, which has no thread of ours
                self._due, self._changed, self._owner = [], threading.Condition(), os.getpid()
                threading.Thread(target=self._run, name="motion-widgets-warden", daemon=True).start()
        with self._changed:
            entry = (end, next(self._numbers), weakref.ref(child))
            heapq.heappush(self._due, entry)
            if self._due[0] is entry:
                self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while True:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                child = heapq.heappop(self._due)[2]()
                if child is not None and child.poll() is None:
                    child.late = True
                    child.kill()
                del child


_warden = _Warden()


def cpu_limit(deadline: float) -> list[str]:
    """Return ffmpeg's option to end by itself, should this process be killed before it can end it.

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
