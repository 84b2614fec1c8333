"""Read a file that SQLite may have open in this process.

POSIX locks belong to a process and a file: whoever closes any descriptor of it lets go of all of them, those
of SQLite's connections too. Another process then takes the file for closed and removes its write-ahead log,
with all that this one writes from then on. So a descriptor is kept for as long as something else in this
process has the file open. Windows has no such locks.
"""

from __future__ import annotations

import contextlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from motion_widgets.core.forks import new_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    _Identity = tuple[int, int]
    """Device and inode."""

__all__ = ["opening_database", "read_held"]

DESCRIPTORS = Path("/dev/fd")
"""What this process has open, a name a descriptor, on Linux and macOS."""
_turn = new_lock()
_kept: dict[_Identity, int] = {}
"""Descriptors that are not closed yet, one a file."""


@contextmanager
def read_held(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to read from its start, and let go of none of the locks that this process has on it.

    Do not open a database within the block.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with _turn:
        number = _kept.pop(_identity(path.stat()), None)
        if number is None:
            number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            os.lseek(number, 0, os.SEEK_SET)
            with open(number, "rb", closefd=False) as file:
                yield file
        finally:
            _let_go(number)


@contextmanager
def opening_database() -> Iterator[None]:
    """Open a database meanwhile: nobody finds out at this moment that nobody has it open."""
    with _turn:
        yield


def _let_go(number: int) -> None:
    """Keep a descriptor, and close all those whose file nobody else in this process has open."""
    kept = {**_kept, _identity(os.fstat(number)): number}
    _kept.clear()
    in_use = _in_use(set(kept.values()))
    for identity, one in kept.items():
        if identity in in_use:
            _kept[identity] = one
        else:
            os.close(one)


def _in_use(but: set[int]) -> set[_Identity]:
    """Return the files that this process has open by other descriptors than these."""
    found = set()
    with contextlib.suppress(OSError):  # Windows has no such folder, and needs none
        for one in DESCRIPTORS.iterdir():
            with contextlib.suppress(OSError):  # the one that lists them is closed by now
                if int(one.name) not in but:
                    found.add(_identity(os.fstat(int(one.name))))
    return found


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino
