"""Bytes that can be read at an offset: of a file, of memory, or (see `http_source`) of a link."""

from __future__ import annotations

from typing import BinaryIO, Protocol

__all__ = ["FileSource", "Source"]


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
