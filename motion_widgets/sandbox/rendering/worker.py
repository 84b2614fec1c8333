"""Drawing in the background: takes undrawn tasks and draws them, at most two at once in a folder.

Tasks are claimed by leases in the store, so a drawing that a killed process left is taken over by whichever
process serves the folder next.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

from motion_widgets.sandbox.rendering.draw import DrawError, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from motion_widgets.sandbox.store import Store
    from motion_widgets.sandbox.tasks import Task
    from motion_widgets.sandbox.truth import Plant

__all__ = ["Worker"]

_log = logging.getLogger(__name__)
_INTERVAL = 0.5  # s between looks for work that another process left
_RENEW = 2.0  # s between renewals of the leases
_ATTEMPTS = 3
_STALE = 3600.0  # s after which a file that nothing needs is deleted
_AT_ONCE = 2


class Worker:
    """Two drawing threads and one that renews their leases, for one process on `store`'s folder.

    `truth` returns what is planted in the next result.
    """

    def __init__(self, store: Store, truth: Callable[[], Mapping[str, Plant] | None] = lambda: None) -> None:
        self._store = store
        self._truth = truth
        self._stopping = threading.Event()
        self._work = threading.Event()
        self._redrawing = threading.Semaphore(_AT_ONCE)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start looking for work."""
        targets = [self._draw_loop] * _AT_ONCE + [self._renew_loop]
        self._threads = [
            threading.Thread(target=target, name="sandbox-draw", daemon=True) for target in targets
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop soon; a drawing in progress is abandoned and left to the next process."""
        self._stopping.set()
        self._work.set()
        for thread in self._threads:
            thread.join(10)
        self._threads.clear()

    def wake(self) -> None:
        """Look for work now."""
        self._work.set()

    def redraw(self, task: Task) -> bool:
        """Draw a completed task's lost file again. Return whether the file is there."""
        path = self._store.result(task)
        with self._redrawing:
            if not path.exists():
                try:
                    self._draw(task)
                except (DrawError, OSError):
                    _log.warning("The result of %s could not be drawn again", task.id)
        return path.exists()

    def _draw_loop(self) -> None:
        while not self._stopping.is_set():
            self._going_on(self._draw_next)

    def _draw_next(self) -> None:
        tasks = self._store.tasks
        self._work.clear()
        task = tasks.claim_drawing(_AT_ONCE)
        if task is None:
            self._work.wait(_INTERVAL)
            return
        try:
            self._draw(task)
        except DrawError as error:
            _log.info("Task %s failed: %s", task.id, error)
            self._store.fail(task.id, "undecodable")
        except Exception:  # noqa: BLE001 - a task that cannot be drawn must end, refunded
            attempts = tasks.release(task.id)
            if self._stopping.is_set():
                return
            _log.exception("Drawing %s failed", task.id)
            if attempts >= _ATTEMPTS:
                self._store.fail(task.id, "internal")
        else:
            tasks.set_drawn(task.id)

    def _renew_loop(self) -> None:
        self._going_on(self._delete_unneeded)
        while not self._stopping.wait(_RENEW):
            self._going_on(self._store.renew_leases)

    def _going_on(self, work: Callable[[], None]) -> None:
        """Do something; what goes wrong is logged, since a thread that ended would leave all tasks lying."""
        try:
            work()
        except Exception:  # noqa: BLE001 - a database that is busy, a disk that is full
            if not self._stopping.is_set():
                _log.exception("The sandbox's worker failed")
                self._stopping.wait(_INTERVAL)

    def _delete_unneeded(self) -> None:
        """Delete expired results, inputs that no task needs, and stale partial files."""
        now = time.time()
        needed = {
            name
            for task in self._store.tasks.all()
            if task.failed is None and (task.expires or now) >= now
            for name in (task.image, task.clip, f"{task.id}.mp4")
        }
        for folder in ("inputs", "results", "tmp"):
            for path in (self._store.folder / folder).iterdir():
                # Another process may be writing it just now: only what is an hour old goes.
                with contextlib.suppress(OSError):
                    if path.name not in needed and now - path.stat().st_mtime > _STALE:
                        path.unlink()

    def _draw(self, task: Task) -> None:
        inputs = self._store.folder / "inputs"
        with self._store.partial_file(f"-{task.id}.mp4") as part:
            draw(
                inputs / task.image,
                inputs / task.clip,
                part,
                orientation=task.orientation,
                mode=task.mode,
                sound=task.sound,
                watermark=task.watermark,
                truth=self._truth(),
                cancelled=self._stopping.is_set,
            )
            part.replace(self._store.result(task))
