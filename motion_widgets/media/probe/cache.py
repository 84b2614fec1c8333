"""What was measured of files and links, kept for as long as they stay the same.

A file is known by path, size, times and inode. A link is trusted for a few seconds; after that its server is
asked by ETag, in one request without a body. A link without an ETag is measured again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from motion_widgets.core.forks import new_lock
from motion_widgets.core.hashing import is_settled, state_of
from motion_widgets.media.probe.source import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from motion_widgets.media.probe.http_source import LinkSource

__all__ = ["SHARED", "Cache"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Entry:
    value: Any
    etag: str | None = None
    size: int | None = None
    confirmed: float = 0.0
    """When the server last confirmed it, in s of the monotonic clock."""


class Cache:
    """Measurements by file or link; the least recently used is dropped first. Thread-safe.

    Parameters
    ----------
    size
        How many measurements are kept.
    fresh
        Seconds for which a link is trusted without asking its server.
    """

    def __init__(self, size: int = 2000, fresh: float = 15.0) -> None:
        self._size = size
        self._fresh = fresh
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = new_lock()

    def __len__(self) -> int:
        return len(self._entries)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def of_file(
        self, what: str, path: Path, measure: Callable[[], _T], suffices: Callable[[_T], bool] = bool
    ) -> _T:
        """Return a cached measurement of a file, or make it.

        Parameters
        ----------
        what
            Which measurement: ``"clip"``, ``"image"``, …
        path
            An absolute path.
        measure
            Makes the measurement. An exception is passed on, and nothing is cached.
        suffices
            Whether a cached measurement will do.

        Raises
        ------
        ClipError
            ``not_readable``: the file has gone, or cannot be read.
        """
        try:
            asked, before = time.time_ns(), path.stat()
            key = (what, state_of(path, before))
            entry = self._get(key)
            if entry is not None and suffices(entry.value):
                cached: _T = entry.value
                return cached
            value = measure()
            # A file written just now, or while it was read, may change again under the same times.
            if (what, state_of(path, path.stat())) == key and is_settled(before, asked):
                self._put(key, _Entry(value))
        except OSError as error:
            raise unreadable(path.name, error) from error
        return value

    def of_link(
        self, what: str, source: LinkSource, measure: Callable[[], _T], suffices: Callable[[_T], bool] = bool
    ) -> _T:
        """Return a cached measurement of a link, or make it from its source; otherwise as `of_file`."""
        key = (what, source.link, source.public)
        entry = self._get(key)
        if entry is not None and suffices(entry.value):
            cached: _T = entry.value
            if time.monotonic() - entry.confirmed < self._fresh:
                return cached
            if entry.etag is not None and source.unchanged(entry.etag, entry.size):
                self._put(key, _Entry(cached, entry.etag, entry.size, time.monotonic()))
                return cached
        value = measure()
        self._put(key, _Entry(value, source.etag, source.size, time.monotonic()))
        return value

    def _get(self, key: Hashable) -> _Entry | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def _put(self, key: Hashable, entry: _Entry) -> None:
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)


SHARED = Cache()
"""The cache of this process."""
