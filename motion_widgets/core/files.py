"""Write files that are there complete or not at all, and move files without replacing others.

A file is written under a random name, opened exclusively so that no link lying in wait is followed, and
renamed once it is complete. Whatever goes wrong, the file that was there stays as it was and the unfinished
one is removed. Where the disk refuses, all of these raise OSError.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from motion_widgets.core.forks import unforked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["alone", "copy_whole", "move_if_free", "partial_file", "size_of", "whole_file", "write_whole"]

PRIVATE = 0o600
"""The mode of a file that only its owner may read."""


@contextmanager
def partial_file(folder: Path, *, mode: int = 0o666) -> Iterator[Path]:
    """Yield a new, empty file in a folder; it is removed at the end unless it was renamed.

    `mode`: its permissions, less those that the umask takes away.
    """
    partial = folder / f".{secrets.token_hex(8)}.part"
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        yield partial
    finally:
        with suppress(OSError):  # what went wrong before it matters more
            partial.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path, *, mode: int = 0o666, folder: Path | None = None) -> Iterator[Path]:
    """Yield a new, empty file, and rename it to `path` when the block has ended without an error.

    Parameters
    ----------
    path
        Where the file belongs. A file or link of that name is replaced.
    mode
        Its permissions, as for `partial_file`.
    folder
        Where it is written, on the same disk as `path`. None: beside `path`.
    """
    with partial_file(folder or path.parent, mode=mode) as partial:
        yield partial
        partial.replace(path)


def write_whole(path: Path, content: str | bytes, *, mode: int = 0o666, folder: Path | None = None) -> Path:
    """Write text (as UTF-8) or bytes to a file, complete or not at all, and return its path.

    `mode` and `folder` are those of `whole_file`.
    """
    with whole_file(path, mode=mode, folder=folder) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def copy_whole(source: Path, target: Path) -> Path:
    """Copy the content of a file, complete or not at all, and return the path of the copy."""
    with whole_file(target) as partial:
        shutil.copyfile(source, partial)
    return target


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Keep other processes out of blocks under the same lock file, where the system supports it.

    No link lying in wait is followed. Threads of one process need a lock besides.
    """
    handle = -1
    with unforked():  # else a child would hold the lock for as long as it lives
        with suppress(ImportError, OSError):  # without it the last one to write wins
            import fcntl

            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE)
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if handle >= 0:
                os.close(handle)


def size_of(path: Path) -> int:
    """Return a file's size in bytes; 0 where there is none, also if another process has just removed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def move_if_free(source: Path, target: Path) -> bool:
    """Move a file to another name on the same disk, unless that is taken; return whether it was moved."""
    try:
        os.link(source, target)  # unlike a rename, this fails when the name has been taken in the meantime
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            return False
        source.replace(target)
    else:
        source.unlink()
    return True
