"""Links of published files, so that the same bytes reuse a link that still lives.

They are kept in a small file in the workspace's folder that only its owner can read, as links may be signed.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from motion_widgets.core.files import PRIVATE, write_whole
from motion_widgets.publishing.destination import Published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LinkCache"]

_FIELDS = {"url": str, "sha": str, "name": str, "size": int, "to": str}
_lock = threading.Lock()


class LinkCache:
    """The links of one folder, kept in ``published.json`` there.

    Parameters
    ----------
    folder
        The workspace's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "published.json"

    def find(self, key: str) -> Published | None:
        """Return what was published under a key. None: nothing, or the file cannot be read."""
        return _read(self._load().get(key))

    def keep(self, key: str, published: Published) -> None:
        """Keep a link and drop expired ones; on a full disk, nothing is kept."""
        with contextlib.suppress(OSError), self._alone():
            now = time.time()
            links = {one: found for one, value in self._load().items() if (found := _read(value)) is not None}
            links = {
                one: found for one, found in links.items() if found.expires is None or found.expires > now
            }
            links[key] = published
            text = json.dumps({one: asdict(found) for one, found in links.items()}, ensure_ascii=False)
            write_whole(self._file, text, mode=PRIVATE)

    def _load(self) -> dict[str, Any]:
        try:
            held = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return held if isinstance(held, dict) else {}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and, where the system supports it, other processes from writing meanwhile."""
        with _lock:
            handle = os.open(self._file.with_name(".published.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                with contextlib.suppress(ImportError, OSError):  # without it a link is at worst made twice
                    import fcntl

                    fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)


def _read(value: object) -> Published | None:
    """Return an entry. None: this version did not write it."""
    if not isinstance(value, dict) or not all(
        isinstance(value.get(one), kind) for one, kind in _FIELDS.items()
    ):
        return None
    expires = value.get("expires")
    if expires is not None and (isinstance(expires, bool) or not isinstance(expires, int | float)):
        return None
    return Published(**{one: value[one] for one in _FIELDS}, expires=expires)
