"""Calls of the log from an event loop, on a thread of its own: a locked database must not stop the loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Scribe"]

_T = TypeVar("_T")


class Scribe:
    """Calls one log, one call at a time: writers take turns anyway, so more threads would only wait."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "motion-widgets-log")

    async def call(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call a function of the log; once this returns, what it wrote is committed."""
        call = partial(function, *args, **options)
        try:
            waiting = asyncio.get_running_loop().run_in_executor(self._thread, call)
        except RuntimeError as error:
            if "shutdown" not in str(error):
                raise
            return call()  # the interpreter ends; what is known is still written down
        return await waiting

    def close(self) -> None:
        """Let the thread end when it has done what waits."""
        self._thread.shutdown(wait=False)
