"""What was measured of files and links, kept while they stay the same.

A file is known by path, size, times and inode. A link is believed for a short while without asking, then
its server is asked by ETag, in one request without a body; a link without an ETag is measured anew.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from motion_widgets.core.hashing import is_settled, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from motion_widgets.media.probe.http_source import LinkSource

__all__ = ["SHARED", "Memory"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Kept:
    fact: Any
    etag: str | None
    size: int | None
    asked: float
    """When the server last stood for it, on the monotonic clock in s."""


class Memory:
    """Facts by file or link; the least recently used is forgotten first. Any thread may use it.

    Parameters
    ----------
    room
        How many facts are kept.
    fresh
        Seconds for which a link is believed without asking.
    """

    def __init__(self, room: int = 2000, fresh: float = 15.0) -> None:
        self._room = room
        self._fresh = fresh
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

    def of_file(
        self, what: str, path: Path, measure: Callable[[], _T], enough: Callable[[_T], bool] = bool
    ) -> _T:
        """Return what is known of a file, or measure it.

        Parameters
        ----------
        what
            Which fact: ``"clip"``, ``"image"``, …
        path
            An absolute path.
        measure
            How it is measured. What it raises is not kept.
        enough
            Whether a kept fact will do.
        """
        asked, before = time.time_ns(), path.stat()
        state = state_of(path, before)
        kept = self._get((what, state))
        if kept is not None and enough(kept.fact):
            fact: _T = kept.fact
            return fact
        fact = measure()
        # A file written just now, or while it was read, is not kept: its state may name other content.
        if state_of(path, path.stat()) == state and is_settled(before, asked):
            self._put((what, state), _Kept(fact, None, None, 0.0))
        return fact

    def of_link(
        self, what: str, source: LinkSource, measure: Callable[[], _T], enough: Callable[[_T], bool] = bool
    ) -> _T:
        """Return what is known of a link, or measure it by its source; as `of_file`."""
        key = (what, source.link)
        kept = self._get(key)
        if kept is not None and enough(kept.fact):
            fact: _T = kept.fact
            if time.monotonic() - kept.asked < self._fresh:
                return fact
            if kept.etag is not None and source.unchanged(kept.etag, kept.size):
                self._put(key, _Kept(fact, kept.etag, kept.size, time.monotonic()))
                return fact
        fact = measure()
        self._put(key, _Kept(fact, source.etag, source.size, time.monotonic()))
        return fact

    def _get(self, key: Hashable) -> _Kept | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _put(self, key: Hashable, kept: _Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > self._room:
                self._kept.popitem(last=False)


SHARED = Memory()
"""This process's memory."""
