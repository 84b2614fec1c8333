"""Open the local files that people name, with an error in words for each way in which that fails."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.hosts import is_link

__all__ = ["hash_of", "local_file", "local_path", "unreadable"]


def local_file(source: str | Path) -> tuple[Path, int]:
    """Return a local file's absolute path and size in bytes.

    Raises
    ------
    ClipError
        The file is missing, a folder, unreadable or empty.
    """
    path = Path(source)
    with suppress(RuntimeError):  # no such user, so `~name` is a name like any other
        path = path.expanduser()
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow symbolic links
    name = path.name or str(path)
    try:
        found = path.stat()
    except PermissionError as error:
        raise unreadable(name, error) from error
    except (OSError, ValueError) as error:
        raise ClipError.of("missing_file", reached=False, name=name, detail=str(error)) from error
    if stat.S_ISDIR(found.st_mode):
        raise ClipError.of("is_directory", reached=False, name=name)
    # Opening a pipe would wait for its writer.
    if not stat.S_ISREG(found.st_mode) or not os.access(path, os.R_OK):
        raise unreadable(name)
    if not found.st_size:
        raise ClipError.of("empty_file", name=name)
    return path, found.st_size


def unreadable(name: str, error: OSError | None = None) -> ClipError:
    """Return the error for a file that exists but cannot be read."""
    return ClipError.of("not_readable", reached=False, name=name, detail=str(error or ""))


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a local file in lower-case hex.

    Raises
    ------
    ClipError
        ``not_readable``.
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise unreadable(path.name, error) from error


def local_path(source: str | Path | Clip | Image) -> Path | None:
    """Return the absolute path of a local file that was named or measured. None: it is a link, or bytes.

    Raises
    ------
    ClipError
        As for `local_file`.
    """
    where = source.source if isinstance(source, Clip | Image) else source
    if isinstance(where, str) and (is_link(where) or (isinstance(source, Clip | Image) and where == "bytes")):
        return None
    return local_file(where)[0]
