"""Arguments of another kind than a call takes: refused in one sentence, before anything is done with them."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from numbers import Real
from pathlib import Path
from typing import TypeVar

from motion_widgets.core.errors import MotionError, RequestError

__all__ = ["count_of", "path_of", "require_path", "require_text", "require_workspace", "seconds_of"]

_T = TypeVar("_T")


def count_of(limit: int) -> int:
    """Return how many are wanted, as it is.

    Raises
    ------
    RequestError
        It is no whole number, or less than 1.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise RequestError.of("not_a_count", found=repr(limit)[:40])
    return limit


def require_path(value: object, error: type[MotionError]) -> None:
    """Raise `error` for what is neither a text nor a path."""
    if not isinstance(value, str | os.PathLike):
        raise error.of("not_a_path", found=type(value).__name__)


def path_of(value: str | Path, error: type[MotionError]) -> Path:
    """Return the path that was named, ``~`` expanded where there is such a user.

    Raises
    ------
    MotionError
        It is neither a text nor a path, as an `error`.
    """
    require_path(value, error)
    path = Path(value)
    with suppress(RuntimeError):  # no such user, so `~name` is a name like any other
        path = path.expanduser()
    return path


def require_text(value: object, error: type[MotionError]) -> None:
    """Raise `error` for what is no text."""
    if not isinstance(value, str):
        raise error.of("not_a_text", found=type(value).__name__)


def require_workspace(ws: _T) -> _T:
    """Return a workspace as it is; a room below the workspace's knows it by its log.

    Raises
    ------
    RequestError
        It is something else, such as its folder.
    """
    if not hasattr(ws, "log_store"):
        raise RequestError.of("not_a_workspace", found=type(ws).__name__)
    return ws


def seconds_of(timeout: float) -> float:
    """Return a time to wait in s; one that is longer than anybody waits is infinite.

    Raises
    ------
    RequestError
        It is no number.
    """
    number = isinstance(timeout, Real) and not isinstance(timeout, bool)
    try:
        seconds = float(timeout) if number else math.nan
    except OverflowError:
        return math.inf
    if math.isnan(seconds):
        raise RequestError.of("wait_wrong", found=repr(timeout)[:40])
    return seconds
