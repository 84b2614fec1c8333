"""Forks: what a child process must not take over from its parent.

A child of ``os.fork`` (multiprocessing's "fork", joblib, a data loader) has its parent's objects but none of
its threads: a lock that one of them held is held for ever there, and what the parent drives must not be
driven twice. A library such as SQLite keeps locks of its own, so a fork waits for calls of it under way; and
each import has one, so a fork waits for those of other threads.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import weakref
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    _Call = tuple[Callable[[], object], Callable[[Any], None]]
    """What gives an object, or None once it is gone, and what is called with it."""

__all__ = ["before_fork", "in_child", "keep_for_parent", "new_lock", "new_rlock", "unforked"]

PATIENCE = 10.0
"""Longest s that a fork waits for calls and imports under way."""
_IMPORTS = "<frozen importlib._bootstrap>"
"""The file of the frames of an import."""
_before: list[_Call] = []
_in_child: list[_Call] = []
_locks: weakref.WeakSet[Any] = weakref.WeakSet()
_inherited: list[object] = []
_calls: dict[int, int] = {}
"""By thread, how many calls of `unforked` it is in."""
_change = threading.Condition(threading.Lock())


def before_fork(call: Callable[[], None]) -> None:
    """Have a method called before each fork, for as long as its object lives."""
    _add(_before, call)


def in_child(call: Callable[[], None]) -> None:
    """Have a function, or a method for as long as its object lives, called in every forked child."""
    if hasattr(call, "__self__"):
        _add(_in_child, call)
    else:
        _in_child.append((lambda: call, lambda function: function()))


def _add(calls: list[_Call], method: Any) -> None:
    """Add a method until its object is gone; `weakref.WeakMethod` complains at the end of Python 3.13."""
    owner = weakref.ref(method.__self__, lambda _: calls.remove(entry))
    entry: _Call = (owner, method.__func__)
    calls.append(entry)


def keep_for_parent(*things: object) -> None:
    """Keep what is the parent's for as long as this child lives: nothing of it is closed or finished here."""
    _inherited.extend(things)


def new_lock() -> threading.Lock:
    """Return a lock that every forked child finds free."""
    made = threading.Lock()
    _locks.add(made)
    return made


def new_rlock() -> threading.RLock:
    """Return a reentrant lock that every forked child finds free."""
    made = threading.RLock()
    _locks.add(made)
    return made


@contextlib.contextmanager
def unforked() -> Iterator[None]:
    """Do something that no other thread forks in the middle of."""
    me = threading.get_ident()
    with _change:
        _calls[me] = _calls.get(me, 0) + 1
    try:
        yield
    finally:
        with _change:
            _calls[me] -= 1
            if not _calls[me]:
                del _calls[me]
                _change.notify_all()


def _begin_fork() -> None:
    """Wait for what other threads do, and let nothing begin until the fork is over."""
    _change.acquire()  # so whatever would begin now waits
    me, until = threading.get_ident(), time.monotonic() + PATIENCE
    while _calls.keys() - {me} and time.monotonic() < until:
        _change.wait(until - time.monotonic())
    if not _calls:  # else somebody, this thread perhaps, forks in the middle of one
        _call_all(_before)
    while _imports_elsewhere() and time.monotonic() < until:  # last, as they go on meanwhile
        time.sleep(0.005)


def _imports_elsewhere() -> bool:
    """Return whether another thread is in the middle of an import: its lock would be held in the child."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the one way to the stack
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTS:  # it is this thread's own, which goes on in the child
            return False
        frame = frame.f_back
    specs = [vars(one).get("__spec__") for one in list(sys.modules.values()) if isinstance(one, ModuleType)]
    return any(getattr(spec, "_initializing", False) for spec in specs)


def _end_fork() -> None:
    _change.release()


def _begin_child() -> None:
    global _change  # noqa: PLW0603 - those who waited for it are not here
    _change = threading.Condition(threading.Lock())
    for other in _calls.keys() - {threading.get_ident()}:
        del _calls[other]
    for lock in list(_locks):
        lock._at_fork_reinit()  # noqa: SLF001 - as the standard library does with its own
    _call_all(_in_child)


def _call_all(calls: list[_Call]) -> None:
    for owner, call in [(reference(), call) for reference, call in list(calls)]:
        if owner is not None:
            call(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_begin_fork, after_in_parent=_end_fork, after_in_child=_begin_child)
