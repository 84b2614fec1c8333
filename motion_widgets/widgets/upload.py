"""A file on its way from the browser into the workspace, piece by piece."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import time
from typing import TYPE_CHECKING

from motion_widgets.core.errors import RequestError
from motion_widgets.media.probe.sniff import looks_like
from motion_widgets.request.limits import MB
from motion_widgets.workspace.inputs import make_folder

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["LIMITS_OF", "Upload", "kind_of", "safe_name"]

LIMITS_OF = {"clip": 500 * MB, "image": 50 * MB, "request": MB}
"""Bytes that are taken of a kind of file; more than the endpoint takes, for mending makes files smaller."""
_SPARE = 200 * MB
"""Bytes that stay free on the disk."""
_STALE = 86_400.0
"""s after which a part that a dead kernel left behind is removed."""


def safe_name(name: str) -> str:
    """Return a file's name without folders and without characters that a disk or a page could mistake."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(c if c.isalnum() or c in "._- " else "_" for c in last)
    return plain[-80:].lstrip(". ") or "file"


def kind_of(head: bytes) -> tuple[frozenset[str], str]:
    """Judge by its first bytes what a file can serve as, and how a person calls it.

    Parameters
    ----------
    head
        512 bytes are enough.
    """
    found = looks_like(head)
    if found.kind == "image":
        return frozenset({"image", "clip"} if found.demuxer else {"image"}), found.label
    if found.demuxer:
        return frozenset({"clip"}), "a clip"
    return frozenset({"request"} if found.id == "json" else ()), found.label


class Upload:
    """A part file that grows to a whole one. Not thread-safe; it touches the disk.

    Parameters
    ----------
    folder
        The workspace's ``inputs/``.
    name, size
        As the browser says: neither is believed.
    kinds
        What it may be: ``"clip"``, ``"image"``, ``"request"``.

    Raises
    ------
    RequestError
        It is empty or larger than is taken, or the disk has no room.
    LogError
        The folder takes no files.
    """

    def __init__(self, folder: Path, name: str, size: int, kinds: Collection[str]) -> None:
        self.name, self.size, self._kinds = safe_name(name), size, frozenset(kinds)
        limit = max(LIMITS_OF[one] for one in kinds)
        if size <= 0:
            raise RequestError.of("pick_empty", name=self.name)
        if size > limit:
            raise RequestError.of("pick_large", name=self.name, mb=size / MB, limit=limit // MB)
        make_folder(folder)
        free = shutil.disk_usage(folder).free
        if free < size + _SPARE:
            raise RequestError.of("pick_room", name=self.name, mb=size / MB, free=free / MB)
        for old in folder.glob("pick-*.part"):
            with contextlib.suppress(OSError):
                if old.stat().st_mtime < time.time() - _STALE:
                    old.unlink()
        self._folder = folder
        self._part = folder / f"pick-{secrets.token_hex(6)}.part"
        self._hash = hashlib.sha256()
        self.taken = 0
        """Bytes that are on the disk."""

    def add(self, offset: int, data: bytes | memoryview) -> None:
        """Take the next piece.

        Raises
        ------
        RequestError
            It is not the next one, more than was announced, of another kind of file, or not to be written.
        """
        if offset != self.taken or offset + len(data) > self.size or not len(data):
            raise RequestError.of("pick_broken", name=self.name)
        if not offset:
            self._require_kind(bytes(data[:512]))
        try:
            with self._part.open("ab" if offset else "xb") as file:
                file.write(data)
        except OSError as error:
            reason = error.strerror or str(error)
            raise RequestError.of("pick_unwritable", name=self.name, reason=reason) from error
        self._hash.update(data)
        self.taken += len(data)

    def _require_kind(self, head: bytes) -> None:
        fits, found = kind_of(head)
        fits &= self._kinds
        if not fits:
            wanted = "clip" if "clip" in self._kinds else "image"
            raise RequestError.of(f"pick_wrong_{wanted}", name=self.name, found=found)
        limit = max(LIMITS_OF[one] for one in fits)
        if self.size > limit:
            raise RequestError.of("pick_large", name=self.name, mb=self.size / MB, limit=limit // MB)

    def finish(self) -> Path:
        """Return the whole file its name, in a folder named by its content."""
        folder = self._folder / self._hash.hexdigest()[:10]
        make_folder(folder)
        return self._part.replace(folder / self.name)

    def drop(self) -> None:
        """Remove what there is of it."""
        with contextlib.suppress(OSError):
            self._part.unlink()
