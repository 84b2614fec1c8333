"""One medium of a request in the form: a path or link, a file from disk, the library, picture, repairs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import ipywidgets as w

from motion_widgets.core.errors import ClipError, MotionError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.messages import say
from motion_widgets.media.shots import measure_shots
from motion_widgets.request.media_source import media_kind
from motion_widgets.request.request import MotionRequest
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import DEBOUNCE
from motion_widgets.widgets.file_picker import FilePicker
from motion_widgets.widgets.form_field import FormField
from motion_widgets.widgets.library_picker import LibraryPicker
from motion_widgets.widgets.media_preview import preview, ruler
from motion_widgets.widgets.media_repair import MediaRepair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from motion_widgets.core.facts import Shots
    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.request.findings import Fix
    from motion_widgets.widgets.base import Panel

__all__ = ["ENDINGS", "MediaField"]

ENDINGS = {"image": (".png", ".jpg", ".jpeg"), "clip": (".mp4", ".mov", ".m4v")}
_MENDED = {"image": (".webp", ".heic", ".gif", ".bmp", ".tiff"), "clip": (".webm", ".mkv", ".avi", ".gif")}
"""What is accepted too, since it can be converted."""
_NAMES = {"image": "image_url", "clip": "video_url"}


class MediaField(FormField):
    """A medium, the ways to choose one, and what can be done about the findings.

    Parameters
    ----------
    which
        ``"image"`` or ``"clip"``.
    apply
        Called with a fix that was clicked.
    measured, looked
        Called when the medium was measured, and when a clip's frames were looked at for hints.
    restored
        Called with the request of a result that was dropped here, and the file's name.
    """

    def __init__(
        self, host: Panel, which: Literal["image", "clip"], *, apply: Callable[[Fix], None],
        measured: Callable[[], None], looked: Callable[[], None],
        restored: Callable[[MotionRequest, str], None],
    ) -> None:  # fmt: skip
        self._host, self.which = host, which
        self.name = _NAMES[which]
        """The wire field."""
        self._changed, self._looked, self._restored = measured, looked, restored
        self.fact: Clip | Image | ClipError | None = None
        """What was measured, or why it cannot be. None: nothing yet."""
        self.shots: Shots | None = None
        """What a look at a clip's frames found. None: nothing yet, or its file is not here."""
        self.measuring = False
        hint = say(f"form_{which}_hint")
        self.box = ui.control(w.Combobox, say(f"form_{which}"), placeholder=hint, ensure_option=False)
        self.picker = FilePicker(
            say(f"form_{which}_pick"), accept=(*ENDINGS[which], *_MENDED[which], ".json"),
            kinds=(which, "request"), folder=host.ws.folder / "inputs", on_file=self._arrived,
        )  # fmt: skip
        self.library = LibraryPicker(host, which, value=self.value, use=self.use)
        self.view = ui.html(cls="mw-preview-box")
        self.ruler = ui.html() if which == "clip" else None
        self.repair = MediaRepair(host, which, value=self.value, use=self.use)
        beside = () if self.ruler is None else (self.ruler,)
        shown = (self.box, self.picker, self.library, self.view, *beside)
        super().__init__(apply, *shown, more=self.repair.buttons)
        self.children += (self.repair,)
        self.box.observe(lambda _: self.measure(), "value")

    def value(self) -> str:
        """Return the path or link in the form; ``""``: none."""
        return str(self.box.value).strip()

    def use(self, value: str) -> None:
        """Put a path or link into the form."""
        self.box.value = value

    def _arrived(self, path: Path) -> None:
        """Take a file that came from the browser; on the picker's thread."""
        request, is_sidecar = None, path.suffix.lower() == ".json"
        if is_sidecar or self.which == "clip":
            try:
                request = self._host.ws.restore(path)
            except MotionError as error:
                if is_sidecar:
                    self._host.announce(str(error), bad=True)
                    return
        with self._host.lock:
            if self._host.closed:
                return
            if request is not None:
                self._restored(request, path.name)
            else:
                self.use(str(path))

    def draw(self, mends: Sequence[Operation], orientation: object) -> None:
        """Show the repairs for this medium, and a clip's length against what `orientation` allows."""
        self.repair.offer([one for one in mends if one.kind == self.which], self.fact, orientation)
        self.library.draw()
        if self.ruler is not None:
            clip = self.fact if isinstance(self.fact, Clip | ClipError) else None
            ui.assign(self.ruler, "value", ruler(clip, orientation))

    # Measuring, off the keystroke path.

    def measure(self) -> None:
        """Start measuring the medium in the form."""
        value, which = self.value(), self.which
        self.fact = self.shots = None
        self._host.later(f"shots {which}", lambda: None)  # a look under way comes too late now
        ui.assign(self.view, "value", "")
        self.measuring = media_kind(value or None) in ("path", "link")
        if not self.measuring:
            self._host.later(which, lambda: None)
            return
        delay = 0.0 if value in self.box.options else DEBOUNCE
        self._host.later(which, lambda: self._measure(value), self._measured, delay=delay)

    def _measure(self, value: str) -> tuple[Clip | Image | ClipError | None, str]:
        """Return what was measured, and its picture as HTML."""
        clip, image = self._host.ws.preparation.measure(MotionRequest(**{self.name: value}))
        fact = image if self.which == "image" else clip
        return fact, preview(fact) if isinstance(fact, Clip | Image) else ""

    def _measured(self, found: tuple[Clip | Image | ClipError | None, str]) -> None:
        self.measuring = False
        self.fact, view = found
        ui.assign(self.view, "value", view)
        self._changed()
        if isinstance(self.fact, Clip):
            self._host.later(f"shots {self.which}", partial(self._look, self.fact), self._found)

    def _look(self, clip: Clip) -> Shots | None:
        """Look at a clip's frames for hints; one that cannot be decoded has none."""
        try:
            return measure_shots(clip)
        except (MotionError, OSError):
            return None

    def _found(self, shots: Shots | None) -> None:
        if shots is not None:
            self.shots = shots
            self._looked()
