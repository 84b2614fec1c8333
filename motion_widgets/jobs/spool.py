"""Appending to a file off the loop: a slow or distant disk must not hold up all other jobs.

What comes while a write is under way is written by the next one, so a fast server costs few visits to another
thread; what drips is written as it comes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Spool"]

_MOST = 4 << 20
"""Bytes that wait for the disk at most."""


class Spool:
    """An async context in which a file is appended to; at its end all that came is written.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._waiting: deque[bytes] = deque()
        self._held = 0
        self._broken = False
        self._writing: asyncio.Future[None] | None = None

    async def write(self, chunk: bytes) -> None:
        """Append some bytes, soon; an OSError may be of some that came before."""
        self._waiting.append(chunk)
        self._held += len(chunk)
        if self._writing is not None and (self._writing.done() or self._held > _MOST):
            await asyncio.shield(self._writing)
            self._writing = None
        if self._writing is None:
            self._held = 0
            self._writing = asyncio.ensure_future(asyncio.to_thread(self._drain))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._writing is not None:
                await asyncio.shield(self._writing)
        finally:
            await asyncio.shield(asyncio.to_thread(self._end))

    def _drain(self) -> None:
        try:
            while self._waiting:
                self._file.write(self._waiting.popleft())
            self._file.flush()
        except OSError:
            self._broken = True  # what comes behind a gap would be taken for the file's own
            raise

    def _end(self) -> None:
        with self._file:
            if not self._broken:
                self._drain()
