"""Small pictures that a page asks for once they are in sight: made one by one, the last ones kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from motion_widgets.widgets.page_widget import read_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Container

__all__ = ["PictureFeed"]

_KEPT = 400
"""Small pictures kept in memory, some 3 KB each."""
_AT_ONCE = 100
"""Pictures that the page may ask for in one message."""


class PictureFeed:
    """Sends a page the pictures that it asks for, on the widget's own thread.

    Parameters
    ----------
    submit, send
        The widget's: work for its thread, and bytes for its page, whose script has a `Pictures`.
    make
        Return a small picture by its name, or None. None: there are none.
    known
        Return the names on show: the page is not trusted with others.
    """

    def __init__(
        self, submit: Callable[[Callable[[], None]], None],
        send: Callable[[dict[str, Any], bytes | None], None],
        *, make: Callable[[str], bytes | None] | None, known: Callable[[], Container[str]],
    ) -> None:  # fmt: skip
        self._submit, self._send, self._make, self._known = submit, send, make, known
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes | None] = OrderedDict()
        self._wanted: list[str] = []

    def want(self, names: Any) -> None:
        """Take the names that the page asks for, which may be anything."""
        if self._make is None or not isinstance(names, list):
            return
        known = self._known()
        with self._lock:
            busy = bool(self._wanted)
            some = [one for one in names[:_AT_ONCE] if isinstance(one, str)]
            self._wanted = [one for one in some if one in known]  # what scrolled away is no longer wanted
            if self._wanted and not busy:
                self._submit(self._next)

    def _next(self) -> None:
        with self._lock:
            if not self._wanted:  # what was asked for is out of sight by now, or was made before
                return
            name = self._wanted[0]
        data = self.small(name)
        with self._lock:
            # Only now: until then a new wish must find this thread at work.
            self._wanted = [one for one in self._wanted if one != name]
            self._send({"type": "picture", "name": name}, data)
            if self._wanted:
                self._submit(self._next)

    def small(self, name: str) -> bytes | None:
        """Return a picture, made at first use."""
        if name not in self._kept:
            self._kept[name] = read_or_none(self._make, name)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name]
