"""Drawing in the background: takes undrawn tasks, draws them, at most two at once in a folder.

Claims live in the store as leases, so a killed process's drawing is taken over by whoever serves the folder
next.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from motion_widgets.sandbox.rendering.draw import DrawError, draw

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.sandbox.responses import Task
    from motion_widgets.sandbox.store import Store

__all__ = ["Worker"]

_log = logging.getLogger(__name__)
_LOOK = 0.5  # s between looks for work that another process left
_RENEW = 2.0  # s between renewals of the leases
_ATTEMPTS = 3
_LAIN = 3600.0  # s
_AT_ONCE = 2


class Worker:
    """Two drawing threads and one that keeps their claims, for one process on `store`'s folder."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stopping = threading.Event()
        self._work = threading.Event()
        self._redrawing = threading.Semaphore(_AT_ONCE)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to look for work."""
        targets = [self._draw_loop] * _AT_ONCE + [self._keep_loop]
        self._threads = [
            threading.Thread(target=target, name="sandbox-draw", daemon=True) for target in targets
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop soon; a drawing under way is given up and left to the next process."""
        self._stopping.set()
        self._work.set()
        for thread in self._threads:
            thread.join(10)
        self._threads.clear()

    def wake(self) -> None:
        """There is something to draw."""
        self._work.set()

    def redraw(self, task: Task) -> bool:
        """Draw a completed task's lost file again. True when the file is there."""
        path = self._result(task)
        with self._redrawing:
            if not path.exists():
                try:
                    self._draw(task)
                except (DrawError, OSError):
                    _log.warning("The result of %s could not be drawn again", task.id)
        return path.exists()

    def _draw_loop(self) -> None:
        while not self._stopping.is_set():
            self._work.clear()
            task = self._store.claim_drawing(_AT_ONCE)
            if task is None:
                self._work.wait(_LOOK)
                continue
            try:
                self._draw(task)
            except DrawError as error:
                _log.info("Task %s failed: %s", task.id, error)
                self._store.fail(task.id, "undecodable")
            except Exception:  # noqa: BLE001 - a task that cannot be drawn must end, refunded
                if self._stopping.is_set():
                    self._store.release(task.id)
                    return
                _log.exception("Drawing %s failed", task.id)
                if self._store.release(task.id) >= _ATTEMPTS:
                    self._store.fail(task.id, "internal")
            else:
                self._store.drawn(task.id)

    def _keep_loop(self) -> None:
        self._tidy()
        while not self._stopping.wait(_RENEW):
            self._store.renew()

    def _tidy(self) -> None:
        """Delete what nobody can ask for any more: expired results, inputs of no living task, old pieces."""
        now = time.time()
        living = [
            task for task in self._store.tasks() if task.failed is None and (task.expires or now) >= now
        ]
        needed = {name for task in living for name in (task.image, task.clip, f"{task.id}.mp4")}
        for room in ("inputs", "results", "tmp"):
            for path in (self._store.folder / room).iterdir():
                # Another process may just be at it: only what has lain for an hour goes.
                with contextlib.suppress(OSError):
                    if path.name not in needed and now - path.stat().st_mtime > _LAIN:
                        path.unlink()

    def _draw(self, task: Task) -> None:
        inputs = self._store.folder / "inputs"
        # moviepy picks the container by the name's end.
        part = self._store.folder / "tmp" / f"{task.id}-{os.urandom(4).hex()}.mp4"
        try:
            draw(
                inputs / task.image,
                inputs / task.clip,
                part,
                orientation=task.orientation,
                mode=task.mode,
                sound=task.sound,
                watermark=task.watermark,
                cancelled=self._stopping.is_set,
            )
            part.replace(self._result(task))
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _result(self, task: Task) -> Path:
        return self._store.folder / "results" / f"{task.id}.mp4"
