"""A file that comes from the browser in pieces: whole or not at all, under a safe name, of the right kind."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from motion_widgets.core.errors import RequestError
from motion_widgets.core.visitor import MOST as VISITOR_MOST
from motion_widgets.core.visitor import confinement
from motion_widgets.jobs.sidecar import is_sidecar
from motion_widgets.media.probe.sniff import ending_of, looks_like
from motion_widgets.request.limits import MB
from motion_widgets.workspace.inputs import make_folder

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["LIMITS_OF", "Upload", "kind_of", "safe_name"]

LIMITS_OF = {"clip": 500 * MB, "image": 50 * MB, "request": MB}
"""Bytes accepted of a kind of file: more than the endpoint takes, since a repair can make files smaller."""
_SPARE = 200 * MB
"""Bytes that stay free on the disk."""
_STALE = 86_400.0
"""s after which a partial file that a dead kernel left behind is removed."""


def safe_name(name: str) -> str:
    """Return a file's name without folders and without characters that a disk or a page could misread."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(c if c.isalnum() or c in "._- " else "_" for c in last)
    return plain[-80:].strip(". ") or "file"


def kind_of(head: bytes) -> tuple[frozenset[str], str]:
    """Return what a file can serve as, judged by its first bytes, and what a person calls it.

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
    """A partial file that grows to a whole one. It touches the disk and is not thread-safe.

    Parameters
    ----------
    folder
        The workspace's ``inputs/``.
    name, size
        As the browser states them; neither is trusted.
    kinds
        What it may be: ``"clip"``, ``"image"``, ``"request"``.

    Raises
    ------
    RequestError
        It is empty or too large, or the disk has no room.
    LogError
        The folder cannot be written to.
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
            with contextlib.suppress(OSError):  # another kernel may remove it, too
                if old.stat().st_mtime < time.time() - _STALE:
                    old.unlink()
        self._folder = folder
        self._part = folder / f"pick-{secrets.token_hex(6)}.part"
        self._file: IO[bytes] | None = None
        self._head = b""
        self._hash = hashlib.sha256()
        self.taken = 0
        """Bytes that are on the disk."""

    def add(self, offset: int, data: bytes | memoryview) -> None:
        """Append the next piece.

        Raises
        ------
        RequestError
            It is not the next one, exceeds the announced size, is of another kind, or cannot be written; or a
            visitor has uploaded enough.
        """
        if offset != self.taken or offset + len(data) > self.size or not len(data):
            raise RequestError.of("pick_broken", name=self.name)
        if not offset:
            self._require_kind(bytes(data[:512]))
        held = confinement()
        if held is not None and held.left < len(data):
            raise RequestError.of("visitor_full", name=self.name, limit=VISITOR_MOST // MB)
        try:
            if self._file is None:
                self._file = self._part.open("xb")
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            reason = error.strerror or str(error)
            raise RequestError.of("pick_unwritable", name=self.name, reason=reason) from error
        self._hash.update(data)
        self.taken += len(data)

    def _require_kind(self, head: bytes) -> None:
        fits, found = kind_of(head)
        fits &= self._kinds
        self._head = head
        if not fits:
            wanted = "clip" if "clip" in self._kinds else "image"
            raise RequestError.of(f"pick_wrong_{wanted}", name=self.name, found=found)
        limit = max(LIMITS_OF[one] for one in fits)
        if self.size > limit:
            raise RequestError.of("pick_large", name=self.name, mb=self.size / MB, limit=limit // MB)

    def finish(self) -> Path:
        """Move the whole file to its name, in a folder named by its content; return its path.

        Its ending is that of its content, whatever the browser called it.

        Raises
        ------
        RequestError
            It is JSON, but no sidecar.
        LogError
            The folder cannot be written to.
        """
        self._close()
        ending = ending_of(self._head)
        if ending == ".json" and not is_sidecar(self._part):
            raise RequestError.of("pick_wrong_request", name=self.name)
        if not self.name.lower().endswith(looks_like(self._head).endings):
            self.name = f"{Path(self.name).stem.strip('. ') or 'file'}{ending}"
        folder = self._folder / self._hash.hexdigest()[:10]
        make_folder(folder)
        return self._part.replace(folder / self.name)

    def drop(self) -> None:
        """Remove what has arrived."""
        self._close()
        with contextlib.suppress(OSError):  # a leftover goes with the next upload
            self._part.unlink()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
