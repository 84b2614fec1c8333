"""Writing a file that is named after its content, however it arrives."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from motion_widgets.sandbox.measure import kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.sandbox.responses import ApiError

__all__ = ["IncomingFile"]


class IncomingFile:
    """A file being written to `path`; raises `too_large` past `limit` bytes."""

    def __init__(self, path: Path, limit: int, too_large: ApiError) -> None:
        self.size = 0
        self.path = path
        self._file = path.open("wb")
        self._limit = limit
        self._too_large = too_large
        self._digest = hashlib.sha256()
        self._head = b""

    def write(self, chunk: bytes) -> None:
        """Append a chunk."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise self._too_large
        self._head = (self._head + chunk[:16])[:16]
        self._digest.update(chunk)
        self._file.write(chunk)

    def close(self) -> None:
        """Close the file, so that it can be read or moved."""
        self._file.close()

    @property
    def sha256(self) -> str:
        """The digest of what has been written."""
        return self._digest.hexdigest()

    @property
    def name(self) -> str:
        """The name for this content: the start of its digest and the extension of its kind."""
        return f"{self.sha256[:32]}.{kind_of(self._head)[0]}"

    @property
    def content_type(self) -> str:
        """The content type, judged by the first bytes."""
        return kind_of(self._head)[1]
