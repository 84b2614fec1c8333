"""Errors that nobody expected: logged with their traceback, so that work around them can go on.

Records go to the logger of the module in which the error arose, below ``motion_widgets``. As a library does,
the package sets up no output: ``logging.basicConfig()`` shows them.
"""

from __future__ import annotations

import contextlib
import logging
import time
import traceback
from typing import TYPE_CHECKING

from motion_widgets.core.errors import MotionError
from motion_widgets.core.forks import new_lock
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AGAIN", "brief", "going_on", "report"]

AGAIN = 60.0
"""s after which the same error at the same place is logged again: a panel draws several times a second."""
_MOST = 1000
"""Causes remembered; beyond that all are forgotten."""
_PACKAGE = "motion_widgets"
_seen: dict[tuple[object, ...], float] = {}
_lock = new_lock()


def report(error: BaseException, doing: str) -> None:
    """Log an error: one of ours as a warning, one that nobody expected with its traceback.

    Parameters
    ----------
    doing
        What was being done; with the error's class and place it is the cause, logged once in `AGAIN`.
    """
    module, place = _origin(error)
    cause, now = (doing, type(error), place), time.monotonic()
    with _lock:
        if now - _seen.get(cause, -AGAIN) < AGAIN:
            return
        if len(_seen) >= _MOST:
            _seen.clear()
        _seen[cause] = now
    is_ours = isinstance(error, MotionError)
    said = say("log_failed", doing=doing, what=brief(error))
    logging.getLogger(module).log(
        logging.WARNING if is_ours else logging.ERROR, said, exc_info=None if is_ours else error
    )


def brief(error: BaseException) -> str:
    """Return an error in one line: our own in its words, another one with its class."""
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:  # noqa: BLE001 - an error of somebody else's class may fail to print
        text = ""
    if isinstance(error, MotionError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextlib.contextmanager
def going_on(doing: str) -> Iterator[None]:
    """Log what goes wrong inside, and go on after it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it was, it is logged
        report(error, doing)


def _origin(error: BaseException) -> tuple[str, str]:
    """Return the innermost of our modules that the error went through, and the line where it was raised."""
    module, place = _PACKAGE, ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        name = str(frame.f_globals.get("__name__", ""))
        place = f"{name}:{line}"
        if name.partition(".")[0] == _PACKAGE and name != __name__:
            module = name
    return module, place
