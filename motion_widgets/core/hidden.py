"""Values that no traceback shows: verbose ones print the locals of every frame, and what its lines name."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["environment", "hidden", "set_variable", "variable", "variable_set", "without_frames"]

_T = TypeVar("_T")
_E = TypeVar("_E", bound=BaseException)


def hidden(value: _T) -> Callable[[], _T]:
    """Return a function that returns a value, so that the caller can delete its own name of it at once."""
    return lambda: value


def without_frames(error: _E) -> _E:
    """Take the frames off an error and all that led to it: a library's hold what it was called with."""
    one: BaseException | None = error
    while one is not None and one.__traceback__ is not None:
        one.__traceback__ = None
        one = one.__cause__ or one.__context__
    return error


def variable(name: str) -> str:
    """Return an environment variable; ``""``: it is not set.

    No other module names ``os.environ``: a verbose traceback shows what that holds, the key among it, for
    every frame whose lines mention it.
    """
    return os.environ.get(name, "")


def set_variable(name: str, value: str) -> None:
    """Set an environment variable of this process and of those that it starts."""
    os.environ[name] = value


@contextmanager
def variable_set(name: str, value: str) -> Iterator[None]:
    """Set an environment variable of this process for the length of a block; afterwards it is as before."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


def environment(*, without: str) -> dict[str, str]:
    """Return a copy of the environment for a process that is not to know one variable."""
    found = ((name, os.environ.get(name)) for name in os.environ if name != without)
    return {name: value for name, value in found if value is not None}  # another thread may take one away
