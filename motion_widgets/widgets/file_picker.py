"""Choosing a file in the browser, or dropping one: it arrives in pieces, so that a large one harms nothing.

The page sends a piece only when the one before is on the disk: neither the browser nor the kernel ever holds
more than two of them, and messages of other widgets come between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from motion_widgets.core.errors import MotionError
from motion_widgets.widgets.page_widget import PageWidget
from motion_widgets.widgets.upload import LIMITS_OF, Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

__all__ = ["FilePicker"]

_CODES = (
    "pick_drop", "pick_progress", "pick_cancel", "pick_cancelled", "pick_done", "pick_large", "pick_lost"
)  # fmt: skip
PIECE = 1 << 20
"""Bytes of one message; a browser's connection to Jupyter takes 10 MB at most."""


class FilePicker(PageWidget, scripts=("file_picker",), codes=_CODES):
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
        """Remove what had only half arrived."""
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
