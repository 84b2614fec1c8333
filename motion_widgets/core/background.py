"""Work that blocks, on threads that are kept for the next piece of it.

A new thread costs more than a short call over the network does. These are daemons, unlike those of
`concurrent.futures`: what they wait for does not hold up the end of the interpreter.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["on_thread"]

_T = TypeVar("_T")
KEPT = 30.0
"""s that a thread waits for work before it ends."""
_idle: list[SimpleQueue[Callable[[], None]]] = []
"""Of the threads that wait; the last to come goes first, as it is warm. Only used by single steps of a list,
which no other thread can come between."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # a forked process has none of these threads


def on_thread(work: Callable[[], _T]) -> asyncio.Future[_T]:
    """Call what blocks on a thread; a future of the running loop gets what it returns or raises.

    Whoever cancels the future hears no more of it; the work itself goes on.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[_T] = loop.create_future()
    try:
        given = _idle.pop()
    except IndexError:
        given = SimpleQueue()
        threading.Thread(target=_serve, args=(given,), name="motion-widgets-work", daemon=True).start()
    given.put(partial(_do, work, given, loop, told))
    return told


def _serve(given: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        try:
            given.get(timeout=KEPT)()
        except Empty:
            try:
                _idle.remove(given)
            except ValueError:  # it was just chosen: its work is on its way
                continue
            return


def _do(
    work: Callable[[], _T],
    given: SimpleQueue[Callable[[], None]],
    loop: asyncio.AbstractEventLoop,
    told: asyncio.Future[_T],
) -> None:
    tell: Callable[[], None]
    try:
        tell = partial(_tell, told, told.set_result, work())
    except BaseException as error:  # noqa: BLE001 - it is for whoever waits
        tell = partial(_tell, told, told.set_exception, error)
    _idle.append(given)  # before anybody hears of the end, and wants a thread for what comes next
    with contextlib.suppress(RuntimeError):  # the loop was closed; nobody waits any more
        loop.call_soon_threadsafe(tell)


def _tell(told: asyncio.Future[Any], how: Callable[[Any], None], what: object) -> None:
    if not told.done():
        how(what)
