"""The one background thread of this process, with its own asyncio loop.

A notebook's callbacks run on changing threads and loops, so nothing is assumed of them: work is handed
here with `spawn`. The thread is a daemon; jobs live in the log, not in it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Coroutine

__all__ = ["on_owned_loop", "owned_loop", "spawn"]

_T = TypeVar("_T")
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_pid = 0
_NAME = "motion-widgets"


def owned_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, started at first use; a forked process gets one of its own."""
    global _loop, _pid
    with _lock:
        if _loop is None or _loop.is_closed() or _pid != os.getpid():
            _loop, _pid = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name=_NAME, daemon=True).start()
        return _loop


def on_owned_loop() -> bool:
    """Return whether the caller runs on the loop's own thread, which must never wait for itself."""
    return threading.current_thread().name == _NAME


def spawn(work: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
    """Run a coroutine on the owned loop."""
    return asyncio.run_coroutine_threadsafe(work, owned_loop())
