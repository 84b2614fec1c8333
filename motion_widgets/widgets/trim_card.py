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

__all__ = ["TrimCard", "TrimEditor"]


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
    """Lets a person choose a part of a clip, and calls `run` with the trim that cuts it out.

    `announce` shows a plain sentence and `complain` one about an error.
    """

    def __init__(
        self, host: Panel, *, announce: Callable[[str], None], complain: Callable[[str], None],
        run: Callable[[Operation], None],
    ) -> None:  # fmt: skip
        self._host, self._announce, self._complain, self._run = host, announce, complain, run
        self._clip: Clip | None = None
        self._busy = False
        self.editor = TrimEditor()
        self.first = ui.button("", lambda: self.editor.choose(0.0, self.editor.high))
        self.stillest = ui.button("", self._stillest)
        self.go = ui.button(say("trim_go"), self._trim, cls="mw-primary mw-trim-go")
        self.leave = ui.button(say("trim_close"), self.hide)
        rows = (ui.flow(self.first, self.stillest), ui.flow(self.go, self.leave))
        super().__init__(self.editor, *rows, cls="mw-card")
        self.hide()
        self.editor.observe(self._chosen, ["start", "end"])

    def show_clip(self, clip: Clip, low: float, high: float) -> None:
        """Show the filmstrip of a clip, of which `low` to `high` s may be kept."""

        def strip() -> str:
            try:
                return data_link(filmstrip(Path(clip.source), FRAMES, 64))
            except (MotionError, OSError):  # the handles work without pictures
                return ""

        def take(pictures: str) -> None:
            self._clip = clip
            self.editor.load(pictures, length=clip.video_length or clip.length, low=low, high=high)
            ui.label_button(self.first, say("trim_first", length=high))
            ui.label_button(self.stillest, say("trim_stillest", length=high))
            ui.show(self, visible=True)

        self._host.later("strip", strip, take)

    def hide(self) -> None:
        """Hide the card."""
        ui.show(self, visible=False)

    def set_busy(self, busy: object) -> None:
        """Accept no trim while another repair is running."""
        self._busy = bool(busy)
        self._chosen()

    def _chosen(self, _: object = None) -> None:
        ui.assign(self.go, "disabled", not self.editor.fits or self._busy)

    def _stillest(self) -> None:
        clip, length = self._clip, self.editor.high
        if clip is None:
            return
        self._announce(say("trim_looking"))

        def take(start: float) -> None:
            self._announce("")
            self.editor.choose(start, length)

        self._host.later("stillest", lambda: stillest(clip.source, length), take, failed=self._complain)

    def _trim(self) -> None:
        if self.editor.fits:
            start, end = self.editor.start, self.editor.end
            self._run(Operation("trim_clip", {"start": start, "length": round(end - start, 3)}))
