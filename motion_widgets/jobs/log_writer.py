"""Calls of the log from an event loop, in turn, on a thread of its own; what waits is committed together.

A locked database must not stop the loop. Writers take turns anyway, so more threads would only wait; but a
commit takes as long for many jobs as for one, and many want to write when many tasks end at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.log.store import Log

__all__ = ["Scribe"]

_T = TypeVar("_T")
_MOST = 32
"""Calls that share a commit at most: other processes wait for their turn meanwhile."""


class Scribe:
    """Calls one log; belongs to one event loop.

    Parameters
    ----------
    log
        The log.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._thread = ThreadPoolExecutor(1, "motion-widgets-log")
        self._lock = threading.Lock()
        self._waiting: deque[tuple[asyncio.Future[Any], Callable[[], Any]]] = deque()
        self._at_work = False

    async def call(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call a function of the log; once this returns, what it wrote is committed."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        with self._lock:
            self._waiting.append((done, partial(function, *args, **options)))
            begin, self._at_work = not self._at_work, True
        if begin:
            try:
                self._thread.submit(self._work, loop)
            except RuntimeError as error:
                if "shutdown" not in str(error):
                    raise
                self._work(loop)  # the interpreter ends; what is known is still written down
        return cast("_T", await done)

    def close(self) -> None:
        """Let the thread end when it has done what waits."""
        self._thread.shutdown(wait=False)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            with self._lock:
                some = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST))]
                self._at_work = bool(some)
            if not some:
                return
            wanted = [(done, call) for done, call in some if not done.cancelled()]
            try:
                told = self._log.together([call for _, call in wanted])
            except Exception as error:  # noqa: BLE001 - whatever it was, nobody may wait for ever
                told = [error] * len(wanted)
            outcomes = [(done, outcome) for (done, _), outcome in zip(wanted, told, strict=True)]
            try:
                loop.call_soon_threadsafe(_tell, outcomes)
            except RuntimeError:  # the loop was closed; nobody waits any more
                continue


def _tell(outcomes: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for done, outcome in outcomes:
        if done.done():  # cancelled meanwhile
            continue
        if isinstance(outcome, Exception):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)
