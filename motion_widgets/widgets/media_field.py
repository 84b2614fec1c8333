"""One medium of a request in the form: path or link, file from disk, library, picture, mending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ipywidgets as w

from motion_widgets.core.errors import ClipError, MotionError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.messages import say
from motion_widgets.media.shots import measure_shots
from motion_widgets.request.media_source import media_kind
from motion_widgets.request.request import MotionRequest
from motion_widgets.widgets.base import DEBOUNCE
from motion_widgets.widgets.controls import assign, control, html
from motion_widgets.widgets.file_picker import FilePicker
from motion_widgets.widgets.form_field import Field
from motion_widgets.widgets.library_picker import LibraryPicker
from motion_widgets.widgets.media_preview import preview, ruler
from motion_widgets.widgets.media_repair import MediaRepair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from motion_widgets.core.facts import Shots
    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.request.rules import Finding, Fix
    from motion_widgets.widgets.base import Panel

__all__ = ["ENDINGS", "MediaField"]

ENDINGS = {"image": (".png", ".jpg", ".jpeg"), "clip": (".mp4", ".mov", ".m4v")}
_MENDED = {"image": (".webp", ".heic", ".gif", ".bmp", ".tiff"), "clip": (".webm", ".mkv", ".avi", ".gif")}
"""What is taken too, since it can be mended."""


class MediaField(Field):
    """A medium with all that leads to it and away from it.

    Parameters
    ----------
    host
        The form: its workspace, thread and lock.
    which
        ``"image"`` or ``"clip"``.
    apply
        Takes a fix that was clicked.
    measured
        Called when something new is known of the medium.
    looked
        Called when a clip's frames were looked at, for hints.
    restored
        Called with the request of a result that was dropped here, and the file's name.
    """

    def __init__(
        self, host: Panel, which: Literal["image", "clip"], *, apply: Callable[[Fix], None],
        measured: Callable[[], None], looked: Callable[[], None],
        restored: Callable[[MotionRequest, str], None],
    ) -> None:  # fmt: skip
        self._host, self._which = host, which
        self._changed, self._looked, self._restored = measured, looked, restored
        self.fact: Clip | Image | ClipError | None = None
        """What was measured. None: nothing yet."""
        self.shots: Shots | None = None
        """What a look at a clip's frames suggests. None: nobody looked yet, or there are none here."""
        self.measuring = False
        self.box = control(
            w.Combobox, say(f"form_{which}"), placeholder=say(f"form_{which}_hint"), ensure_option=False
        )
        self.picker = FilePicker(
            say(f"form_{which}_pick"), accept=(*ENDINGS[which], *_MENDED[which], ".json"),
            kinds=(which, "request"), folder=host.ws.folder / "inputs", on_file=self._arrived,
        )  # fmt: skip
        self.library = LibraryPicker(host, which, value=self.value, use=self.use)
        self.view = html(cls="mw-preview-box")
        self.ruler = html() if which == "clip" else None
        self.repair = MediaRepair(host, which, value=self.value, use=self.use)
        beside = () if self.ruler is None else (self.ruler,)
        super().__init__(
            apply, self.box, self.picker, self.library, self.view, *beside, more=self.repair.buttons
        )
        self.children += (self.repair,)
        self.box.observe(lambda _: self.measure(), "value")

    def value(self) -> str:
        """Return the path or link as it stands; ``""``: none."""
        return str(self.box.value).strip()

    def use(self, value: str) -> None:
        """Put a path or link into the form."""
        self.box.value = value

    def _arrived(self, path: Path) -> None:
        """Take a file that came from the browser; on the pick's thread."""
        request = None
        if path.suffix.lower() == ".json" or self._which == "clip":
            try:
                request = self._host.ws.restore(path)
            except MotionError as error:
                if path.suffix.lower() == ".json":
                    self._host.announce(str(error), bad=True)
                    return
        with self._host.lock:
            if self._host.closed:
                return
            if request is not None:
                self._restored(request, path.name)
            else:
                self.use(str(path))

    def draw(self, findings: list[Finding], mends: Sequence[Operation], orientation: object) -> None:
        """Show what is to be said of the medium, and the ways out."""
        self.repair.offer([one for one in mends if one.kind == self._which], self.fact, orientation)
        self.library.draw()
        if self.ruler is not None:
            clip = self.fact if isinstance(self.fact, Clip | ClipError) else None
            assign(self.ruler, "value", ruler(clip, orientation))
        self.say(findings)

    # Measuring, off the keystroke path.

    def measure(self) -> None:
        """Begin to measure what stands in the form."""
        value, which = self.value(), self._which
        self.fact = self.shots = None
        self._host.later(f"shots {which}", lambda: None)  # a look that is under way comes too late now
        assign(self.view, "value", "")
        if media_kind(value or None) not in ("path", "link"):
            self.measuring = False
            self._host.later(which, lambda: None)
            return
        self.measuring = True
        delay = 0.0 if value in self.box.options else DEBOUNCE
        self._host.later(which, lambda: self._measured(value), delay=delay)

    def _measured(self, value: str) -> Callable[[], None]:
        """Measure and draw; on a thread."""
        req = MotionRequest(**{"image_url" if self._which == "image" else "video_url": value})
        clip, image = self._host.ws.preparation.measure(req)
        fact = image if self._which == "image" else clip
        view = preview(fact) if isinstance(fact, Clip | Image) else ""

        def take() -> None:
            self.measuring = False
            self.fact = fact
            assign(self.view, "value", view)
            self._changed()
            if isinstance(fact, Clip):
                self._host.later(f"shots {self._which}", lambda: self._look(fact))

        return take

    def _look(self, clip: Clip) -> Callable[[], None] | None:
        """Look at a clip's frames for hints; on a thread. One that cannot be decoded gives none."""
        try:
            shots = measure_shots(clip)
        except (MotionError, OSError):
            return None

        def take() -> None:
            self.shots = shots
            self._looked()

        return take if shots is not None else None
