"""Choosing which part of a clip is kept: the trim editor with its buttons, opened over a filmstrip."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from motion_widgets.core.errors import MotionError
from motion_widgets.core.messages import say
from motion_widgets.media.decode import stillest
from motion_widgets.media.preview import filmstrip
from motion_widgets.media.repair.operation import Operation
from motion_widgets.widgets.controls import Column, assign, button, flow, show
from motion_widgets.widgets.media_preview import data_link
from motion_widgets.widgets.trim_editor import TrimEditor

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.core.facts import Clip
    from motion_widgets.widgets.base import Panel

__all__ = ["TrimCard"]

FRAMES = 12
"""Pictures of the filmstrip."""


class Announce(Protocol):
    """Shows a plain sentence beside the card."""

    def __call__(self, text: str, *, bad: bool = False) -> None:
        """Show it; `bad`: as an error."""


class TrimCard(Column):
    """Lets a person choose a part of a clip, and asks for it to be cut out.

    Parameters
    ----------
    host
        The form: its thread and lock.
    announce
        Shows a sentence.
    run
        Called with the trim that was chosen.
    """

    def __init__(self, host: Panel, *, announce: Announce, run: Callable[[Operation], None]) -> None:
        self._host, self._announce, self._run = host, announce, run
        self._clip: Clip | None = None
        self._busy = False
        self.editor = TrimEditor()
        self.first, self.stillest = button("", self._first), button("", self._stillest)
        self.go = button(say("trim_go"), self._trim, cls="mw-primary mw-trim-go")
        self.leave = button(say("trim_close"), self.hide)
        rows = (flow(self.first, self.stillest), flow(self.go, self.leave))
        super().__init__(self.editor, *rows, cls="mw-card")
        self.hide()
        self.editor.observe(self._chosen, ["start", "end"])

    def show_clip(self, clip: Clip, low: float, high: float) -> None:
        """Show the filmstrip of a clip, of which `low` to `high` s may be kept."""

        def work() -> Callable[[], None]:
            strip = ""
            with contextlib.suppress(MotionError, OSError):  # the handles work without pictures
                strip = data_link(filmstrip(Path(clip.source), FRAMES, 64))

            def take() -> None:
                self._clip = clip
                self.editor.load(strip, length=clip.video_length or clip.length, low=low, high=high)
                for one, label in (
                    (self.first, say("trim_first", length=high)),
                    (self.stillest, say("trim_stillest", length=high)),
                ):
                    assign(one, "description", label)
                    assign(one, "tooltip", label)
                show(self, visible=True)

            return take

        self._host.later("strip", work)

    def hide(self) -> None:
        """Put the card away."""
        show(self, visible=False)

    def set_busy(self, busy: object) -> None:
        """Take no trim while another repair is running."""
        self._busy = bool(busy)
        self._chosen()

    def _chosen(self, _: object = None) -> None:
        assign(self.go, "disabled", not self.editor.fits or self._busy)

    def _first(self) -> None:
        self.editor.choose(0.0, self.editor.high)

    def _stillest(self) -> None:
        clip, length = self._clip, self.editor.high
        if clip is None:
            return
        self._announce(say("trim_looking"))

        def work() -> Callable[[], None]:
            try:
                start = stillest(clip.source, length)
            except MotionError as error:
                message = str(error)
                return lambda: self._announce(message, bad=True)

            def take() -> None:
                self._announce("")
                self.editor.choose(start, length)

            return take

        self._host.later("stillest", work)

    def _trim(self) -> None:
        if self.editor.fits:
            start, end = self.editor.start, self.editor.end
            self._run(Operation("trim_clip", {"start": start, "length": round(end - start, 3)}))
