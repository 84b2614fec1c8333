"""Choosing which part of a clip to keep: two handles on its filmstrip, and buttons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets as t

from motion_widgets.core.errors import MotionError
from motion_widgets.core.messages import say
from motion_widgets.media.decode import stillest
from motion_widgets.media.preview import filmstrip
from motion_widgets.media.repair.operation import Operation
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.media_preview import data_link
from motion_widgets.widgets.page_widget import PageWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from motion_widgets.core.facts import Clip
    from motion_widgets.widgets.base import Panel

__all__ = ["TrimCard"]


class TrimEditor(PageWidget, scripts=("trim_editor",)):
    """A filmstrip with an in and an out handle. Times are s of the clip, in steps of 0.1 s."""

    strip = t.Unicode().tag(sync=True)
    """The filmstrip as a ``data:image/…`` link; ``""``: there is none."""
    length = t.Float(0.0).tag(sync=True)
    """s that the picture of the clip lasts."""
    low = t.Float(3.0).tag(sync=True)
    """s that a part must last at least."""
    high = t.Float(10.0).tag(sync=True)
    """s that a part may last at most."""
    start = t.Float(0.0).tag(sync=True)
    end = t.Float(0.0).tag(sync=True)

    @property
    def fits(self) -> bool:
        """Whether the chosen part is of an allowed length and inside the clip."""
        inside = 0 <= self.start < self.end <= self.length + 0.05
        return inside and self.low - 1e-6 <= self.end - self.start <= self.high + 1e-6

    def load(self, strip: str, *, length: float, low: float, high: float) -> None:
        """Show another clip, its first part chosen."""
        with self.hold_sync():
            self.strip, self.length, self.low, self.high = strip, length, low, high
            self.choose(0.0, high)

    def choose(self, start: float, length: float) -> None:
        """Choose a part by its start and length, moved into the clip."""
        length = min(length, self.length)
        start = round(max(0.0, min(start, self.length - length)), 1)
        with self.hold_sync():
            self.start, self.end = start, round(min(start + length, self.length), 3)

    @t.validate("start", "end")
    def _number(self, proposal: Mapping[str, Any]) -> float:
        # The page is not trusted with times: no infinity reaches ffmpeg.
        value = float(proposal["value"])
        return value if 0 <= value <= 1e6 else 0.0


FRAMES = 12
"""Pictures of the filmstrip."""


class TrimCard(ui.Column):
    """The bar on which a person chooses the part of a clip to keep.

    `changed` is called when another part was chosen; `complain` shows a sentence about an error.
    """

    def __init__(
        self, host: Panel, *, changed: Callable[[], object], complain: Callable[[str], None]
    ) -> None:
        self._host, self._changed, self._complain = host, changed, complain
        self._shown: tuple[Clip, float, float] | None = None
        self._editor: TrimEditor | None = None
        self.first = ui.button(host.edge, say("trim_first"), self._first, cls="mw-text-button")
        self.stillest = ui.button(host.edge, say("trim_stillest"), self._stillest, cls="mw-text-button")
        self._bar = ui.Column(width="100%")
        super().__init__(self._bar, ui.flow(self.first, self.stillest), cls="mw-trim-card", width="100%")
        self.hide()

    @property
    def editor(self) -> TrimEditor:
        """The bar itself, made when it is first needed: few clips are too long."""
        if self._editor is None:
            self._editor = TrimEditor()
            self._editor.observe(self._host.edge.guard(self._chosen), ["start", "end"])
            self._bar.children = (self._editor,)
        return self._editor

    @property
    def part(self) -> Operation | None:
        """The trim that keeps the chosen part. None: there is none, or it may not last so long."""
        if self._shown is None or not self.editor.fits:
            return None
        start, end = self.editor.start, self.editor.end
        return Operation("trim_clip", {"start": start, "length": round(end - start, 3)})

    @property
    def clip(self) -> Clip | None:
        """The clip that is shown."""
        return self._shown[0] if self._shown is not None else None

    def show_clip(self, clip: Clip, low: float, high: float) -> None:
        """Show a clip of which `low` to `high` s may be kept, its first part chosen; its pictures follow."""
        if self._shown == (clip, low, high):
            return
        self._shown = None  # what is chosen meanwhile is no choice of a person
        self.editor.load("", length=clip.video_length or clip.length, low=low, high=high)
        self._shown = (clip, low, high)
        ui.show(self, visible=True)

        def strip() -> str:
            try:
                return data_link(filmstrip(Path(clip.source), FRAMES, 64))
            except (MotionError, OSError):  # the handles work without pictures
                return ""

        self._host.later("strip", strip, lambda pictures: ui.assign(self.editor, "strip", pictures))

    def hide(self) -> None:
        """Hide the bar."""
        self._shown = None
        ui.show(self, visible=False)

    def _chosen(self, _: object) -> None:
        if self._shown is not None:
            with self._host.lock:
                self._changed()

    def _first(self) -> None:
        self.editor.choose(0.0, self.editor.high)

    def _stillest(self) -> None:
        if self._shown is None:
            return
        (clip, *_), length = self._shown, self.editor.high
        ui.assign(self.stillest, "description", say("trim_looking"))

        def ready() -> None:
            ui.assign(self.stillest, "description", say("trim_stillest"))

        def take(start: float) -> None:
            ready()
            if self.clip is clip:
                self.editor.choose(start, length)

        def failed(message: str) -> None:
            ready()
            self._complain(message)

        self._host.later("stillest", lambda: stillest(clip.source, length), take, failed=failed)
