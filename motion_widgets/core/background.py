"""The one event loop and the one thread pool that this process works on in the background.

A notebook's callbacks run on changing threads and loops, so nothing is assumed of them: coroutines are handed
over with `spawn`, and what blocks goes to the loop's default executor (`asyncio.to_thread`). All threads are
daemons, so nothing that they wait for delays the interpreter's exit; jobs live in the log, not in a thread.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from motion_widgets.core.forks import in_child, keep_for_parent, new_lock
from motion_widgets.core.logging import going_on

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["DaemonPool", "on_owned_loop", "owned_loop", "spawn", "start"]

_T = TypeVar("_T")
THREADS = 64
"""Threads of the pool at most. Some of them wait for the loop, which needs others to look up names."""
_NAME = "motion-widgets"
_lock = new_lock()
_loop: asyncio.AbstractEventLoop | None = None


class DaemonPool(ThreadPoolExecutor):
    """A thread pool whose threads the interpreter does not wait for when it exits.

    The standard library joins its own pools' threads at exit, so a name server that does not answer or a
    disk that hangs would keep the process alive. Only the interface is inherited, because asyncio accepts no
    other default executor; the threads are this class's own, and they live as long as the process.

    Parameters
    ----------
    most
        Threads at most; further work waits for one of them.
    """

    def __init__(self, most: int = THREADS) -> None:
        super().__init__(most)
        self._most = most
        self._count = 0
        self._free = threading.Semaphore(1)
        self._starting = threading.Lock()
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._start()  # so that there is one when the interpreter exits, and none can be started any more

    def submit(self, function: Callable[..., _T], /, *args: Any, **options: Any) -> Future[_T]:
        """Call a function on a thread of the pool."""
        future: Future[_T] = Future()
        with self._starting:
            if not self._free.acquire(blocking=False) and self._count < self._most:
                with suppress(RuntimeError):  # at exit no thread starts, but the running ones go on
                    self._start()
        self._calls.put((future, partial(function, *args, **options)))
        return future

    def _start(self) -> None:
        threading.Thread(target=self._serve, name=f"{_NAME}-work", daemon=True).start()
        self._count += 1

    def _serve(self) -> None:
        while True:
            future, call = self._calls.get()
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:  # noqa: BLE001 - whoever waits for it handles it
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del future, call  # an idle thread must not keep their objects alive
            self._free.release()


def owned_loop() -> asyncio.AbstractEventLoop:
    """Return the background loop, started at first use; a forked process gets its own loop and pool."""
    global _loop  # noqa: PLW0603 - one per process
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            _loop.set_default_executor(DaemonPool())
            threading.Thread(target=_loop.run_forever, name=_NAME, daemon=True).start()
        return _loop


def _leave_to_parent() -> None:
    global _loop  # noqa: PLW0603 - one per process
    keep_for_parent(_loop)
    _loop = None


in_child(_leave_to_parent)


def on_owned_loop() -> bool:
    """Return whether the caller runs on the loop's own thread, which must never wait for itself."""
    return threading.current_thread().name == _NAME


def start(work: Coroutine[Any, Any, object], doing: str) -> Future[None]:
    """Run a coroutine for whose end nobody waits; what goes wrong in it is logged."""

    async def logged() -> None:
        with going_on(doing):
            await work

    return spawn(logged())


def spawn(work: Coroutine[Any, Any, _T]) -> Future[_T]:
    """Run a coroutine on the background loop; whoever has the future is told what it raises."""
    return asyncio.run_coroutine_threadsafe(work, owned_loop())
