"""Choosing a file in the browser, or dropping one: it arrives in pieces, so that a large one harms nothing.

The page sends a piece only when the one before is on the disk: neither the browser nor the kernel ever holds
more than two of them, and messages of other widgets get through in between.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import time
from typing import TYPE_CHECKING, Any

import traitlets as t

from motion_widgets.core.errors import MotionError, RequestError
from motion_widgets.media.probe.sniff import looks_like
from motion_widgets.request.limits import MB
from motion_widgets.widgets.page_widget import PageWidget
from motion_widgets.workspace.inputs import make_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

__all__ = ["LIMITS_OF", "FilePicker", "Upload", "kind_of", "safe_name"]

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
    return plain[-80:].lstrip(". ") or "file"


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
            with contextlib.suppress(OSError):
                if old.stat().st_mtime < time.time() - _STALE:
                    old.unlink()
        self._folder = folder
        self._part = folder / f"pick-{secrets.token_hex(6)}.part"
        self._hash = hashlib.sha256()
        self.taken = 0
        """Bytes that are on the disk."""

    def add(self, offset: int, data: bytes | memoryview) -> None:
        """Append the next piece.

        Raises
        ------
        RequestError
            It is not the next one, exceeds the announced size, is of another kind, or cannot be written.
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
        """Move the whole file to its name, in a folder named by its content; return its path."""
        folder = self._folder / self._hash.hexdigest()[:10]
        make_folder(folder)
        return self._part.replace(folder / self.name)

    def drop(self) -> None:
        """Remove what has arrived."""
        with contextlib.suppress(OSError):
            self._part.unlink()


PIECE = 1 << 20
"""Bytes of one message; a browser's connection to Jupyter takes 10 MB at most."""


class FilePicker(PageWidget, scripts=("file_picker",)):
    """A button and a place to drop a file on.

    Parameters
    ----------
    label
        What the button says.
    accept
        Endings that the browser's dialog offers, with their dots.
    kinds
        What a file may be by its content: ``"clip"``, ``"image"``, ``"request"``.
    folder
        The workspace's ``inputs/``.
    on_file
        Called with the path of a whole file, on this widget's own thread.
    """

    label = t.Unicode().tag(sync=True)
    accept = t.Unicode().tag(sync=True)
    limit = t.Int().tag(sync=True)
    """Bytes."""
    piece = t.Int(PIECE).tag(sync=True)
    """Bytes."""

    def __init__(
        self, label: str, *, accept: Sequence[str], kinds: Collection[str], folder: Path,
        on_file: Callable[[Path], None],
    ) -> None:  # fmt: skip
        limit = max(LIMITS_OF[one] for one in kinds)
        super().__init__(label=label, accept=",".join(accept), limit=limit)
        self._kinds, self._folder, self._on_file = frozenset(kinds), folder, on_file
        self._uploads: dict[str, Upload] = {}

    def _clean_up(self) -> None:
        """Remove uploads that did not finish."""
        for one in self._uploads.values():
            one.drop()
        self._uploads.clear()

    def _receive(self, content: dict[str, Any], buffers: list[Any]) -> None:
        if isinstance(content.get("id"), str):
            self._submit(self._take, content, buffers)

    def _take(self, content: dict[str, Any], pieces: list[Any]) -> None:
        name, what = content["id"], content.get("type")
        try:
            if what == "begin":
                self._begin(name, content)
            elif what == "piece" and name in self._uploads and pieces:
                self._piece(name, content, pieces[0])
            elif what == "cancel" and name in self._uploads:
                self._uploads.pop(name).drop()
        except (MotionError, OSError) as error:
            upload = self._uploads.pop(name, None)
            if upload is not None:
                upload.drop()
            self._answer(name, "refused", message=str(error))

    def _begin(self, name: str, content: dict[str, Any]) -> None:
        size = content.get("size")
        size = size if isinstance(size, int) and not isinstance(size, bool) else 0
        self._uploads[name] = Upload(self._folder, str(content.get("name")), size, self._kinds)
        self._answer(name, "taken", offset=0)

    def _piece(self, name: str, content: dict[str, Any], data: Any) -> None:
        upload = self._uploads[name]
        offset = content.get("offset")
        upload.add(offset if isinstance(offset, int) else -1, memoryview(data))
        if upload.taken < upload.size:
            self._answer(name, "taken", offset=upload.taken)
            return
        path = upload.finish()
        del self._uploads[name]
        self._answer(name, "done", name=upload.name)
        self._on_file(path)

    def _answer(self, upload: str, what: str, /, **more: Any) -> None:
        if not self._closed:
            self.send({"type": what, "id": upload, **more})
