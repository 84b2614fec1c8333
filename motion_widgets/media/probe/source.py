"""Bytes that can be read at an offset: of a file, of memory, or (see `http_source`) of a link.

Local files are those that people name, with an error in words for each way in which opening one fails.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, Protocol

from motion_widgets.core.arguments import path_of
from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.hosts import is_link
from motion_widgets.core.paths import typed_path
from motion_widgets.core.visitor import may_read
from motion_widgets.media.probe.sniff import LONGEST_NAME

__all__ = ["FileSource", "Source", "hash_of", "local_file", "local_path", "unreadable"]


class Source(Protocol):
    """Bytes that can be read at an offset."""

    size: int | None
    """Bytes in total. None: unknown."""
    remote: bool
    """Reading costs a round trip."""

    @property
    def forward_only(self) -> bool:
        """What has been passed cannot be read again."""

    def read(self, offset: int, count: int, *, ahead: bool = False) -> bytes:
        """Return `count` bytes, fewer only at the end; with `ahead`, more may be fetched on the way."""

    def holds(self, offset: int, count: int) -> bool:
        """Return whether reading these bytes costs nothing."""


class FileSource:
    """An open local file, or bytes as `io.BytesIO`."""

    remote = False
    forward_only = False

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._bytes = size
        self.size: int | None = size

    def read(self, offset: int, count: int, *, ahead: bool = False) -> bytes:  # noqa: ARG002
        """Return `count` bytes, fewer at the end."""
        if offset >= self._bytes:
            return b""
        self._file.seek(offset)
        return self._file.read(min(count, self._bytes - offset))

    def holds(self, offset: int, count: int) -> bool:  # noqa: ARG002
        """Return True: reading costs next to nothing."""
        return True


def local_file(source: str | Path) -> tuple[Path, int]:
    """Return a local file's absolute path and size in bytes; a text is a path as somebody typed it.

    Raises
    ------
    ClipError
        The file is missing, a folder, unreadable or empty, or a visitor's page has no business with it.
    """
    path = path_of(typed_path(source) if isinstance(source, str) else source, ClipError)
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow symbolic links
    name = (path.name or str(path))[:LONGEST_NAME]
    if not may_read(path):  # the same for what is there and for what is not
        raise ClipError.of("visitor_file", name=name)
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
    return local_file(Path(where) if isinstance(source, Clip | Image) else where)[0]
