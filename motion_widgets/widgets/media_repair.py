"""Repairs in the form: a button for each, the trim card, progress, before beside after, and undo."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.media.repair.compare import before_after
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.media_source import media_kind
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.media_preview import picture
from motion_widgets.widgets.trim_card import TrimCard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import ipywidgets as w

    from motion_widgets.core.errors import ClipError
    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.widgets.base import Panel
    from motion_widgets.workspace.media import Mended

__all__ = ["MediaRepair"]

OFFERED = 4
"""Repairs shown as buttons."""
OFTEN = 0.15
"""s between two updates of the progress bar."""


class MediaRepair(ui.Column):
    """What can be done about one medium's findings. Its `buttons` stand where the findings do.

    `which` is ``"image"`` or ``"clip"``; `value` and `use` read and write the medium's path in the form.
    """

    def __init__(
        self, host: Panel, which: str, *, value: Callable[[], str], use: Callable[[str], None]
    ) -> None:
        super().__init__(cls="mw-mender", width="100%")
        self._host, self._which, self._value, self._use = host, which, value, use
        self._fact: Clip | Image | ClipError | None = None
        self._orientation: object = None
        self._cancel: threading.Event | None = None
        self._made: tuple[Mended, str] | None = None
        """The last repair, and what stood in the form before it."""
        self._offers = ui.Choices(self._click, most=OFFERED, cls="mw-mend")
        self.buttons = self._offers.buttons
        self.trim: TrimCard | None = None
        if which == "clip":
            self.trim = TrimCard(host, announce=self._announce, complain=self._complain, run=self._run)
        self._bar, self._said, self._shown = ui.html(), ui.live_region(), ui.html()
        self.cancel = ui.button(say("mend_cancel"), self._stop, cls="mw-mend-cancel")
        self._going = ui.flow(self._bar, self.cancel, cls="mw-going")
        self.undo = ui.button(say("mend_undo"), self._undo, cls="mw-undo")
        self._done = ui.Column(self._shown, ui.flow(self.undo), cls="mw-card")
        for one in (*self.buttons, self._going, self._done):
            ui.show(one, visible=False)
        trim = () if self.trim is None else (self.trim,)
        self.children = (*trim, self._going, self._said, self._done)

    # What is offered.

    def offer(
        self, operations: Sequence[Operation], fact: Clip | Image | ClipError | None, orientation: object
    ) -> None:
        """Offer repairs of the medium in the form; all presets of a trim are one button."""
        if fact is not self._fact:
            self._fact = fact
            if fact is not None and self.trim is not None:  # None: it is being measured; what is open stays
                self.trim.hide()
        self._orientation = orientation
        local = media_kind(self._value() or None) == "path"
        unique = list({_key(one): one for one in operations}.values()) if local else []
        presets = [one for one in unique if _is_preset(one)]
        others = [one for one in unique if not _is_preset(one)]
        self._offers.offer([*presets[:1], *others], self._draw_offer)
        stands = self._made is not None and self._value() == self._made[0].result.source
        if self._made is not None and not stands:  # something else was chosen: the repair is no news any more
            self._made = None
            if self._cancel is None:
                self._announce("")
        ui.show(self._done, stands)

    def _draw_offer(self, shown: w.Button, one: Operation) -> None:
        label = say("trim_open", length=one.parameters["length"]) if _is_preset(one) else one.label
        ui.label_button(shown, label, enabled=self._cancel is None)

    def _click(self, one: Operation) -> None:
        if not _is_preset(one):
            self._run(one)
        elif self.trim is not None and isinstance(self._fact, Clip):
            low = LIMITS.clip_length(self._orientation)[0]
            self.trim.show_clip(self._fact, low, float(one.parameters["length"]))

    # Repairing, off the callback's thread.

    def _run(self, operation: Operation) -> None:
        with self._host.lock:
            if self._cancel is not None:
                return
            self._cancel = cancel = threading.Event()
            before = self._value()
        self._announce("")
        self._progress(0.0)
        self._busy(busy=True)

        def failed(message: str) -> None:
            self._idle()
            (self._announce if cancel.is_set() else self._complain)(message)

        work = partial(self._mend, before, operation, cancel)
        self._host.later(f"mend {self._which}", work, partial(self._mended, before), failed=failed)

    def _mend(self, before: str, operation: Operation, cancel: threading.Event) -> tuple[Mended, str]:
        """Return what was made, and its picture beside the source's as HTML."""
        drawn = 0.0

        def progress(share: float) -> None:
            nonlocal drawn
            if time.monotonic() - drawn > OFTEN:
                drawn = time.monotonic()
                self._progress(share)

        made = self._host.ws.mend(before, operation, progress=progress, cancel=cancel)
        return made, _before_after(made)

    def _mended(self, before: str, found: tuple[Mended, str]) -> None:
        self._idle()
        made, view = found
        if self._value() != before:  # another choice that was made meanwhile stays
            return
        self._made = (made, before)
        ui.assign(self._shown, "value", view)
        if self.trim is not None:
            self.trim.hide()
        self._announce(say("mend_done", name=made.result.name), kind="ok")
        self._use(made.result.source)

    def _idle(self) -> None:
        self._cancel = None
        self._busy(busy=False)

    def _busy(self, *, busy: bool) -> None:
        ui.show(self._going, busy)
        ui.assign(self.cancel, "disabled", False)
        for one in self.buttons:
            ui.assign(one, "disabled", busy)
        if self.trim is not None:
            self.trim.set_busy(busy)

    def _progress(self, share: float) -> None:
        percent = round(100 * share)
        said = escape(say("mend_progress", percent=percent))
        bar = ui.progress_bar(percent, say("mend_progress_name"))
        ui.assign(self._bar, "value", f'<div class="mw-small">{said}</div>{bar}')

    def _stop(self) -> None:
        if self._cancel is not None:
            self._cancel.set()
            ui.assign(self.cancel, "disabled", True)

    def _undo(self) -> None:
        if self._made is None:
            return
        made, before = self._made

        def work() -> str:
            back = str(self._host.ws.undo_mend(made.id))
            return before if Path(before).expanduser().is_file() else back  # the name that the person knows

        def take(back: str) -> None:
            self._made = None
            ui.show(self._done, visible=False)
            self._announce(say("mend_undone", name=Path(back).name))
            self._use(back)

        self._host.later(f"undo {self._which}", work, take)

    def _announce(self, text: str, *, kind: str = "") -> None:
        ui.speak(self._said, ui.note(text, kind=kind) if text else "")

    def _complain(self, text: str) -> None:
        ui.speak(self._said, ui.note(text, say("word_error"), kind="error"))


def _is_preset(operation: Operation) -> bool:
    """Return whether a trim only opens the trim card, rather than keeping a part that is known already."""
    return operation.name == "trim_clip" and operation.parameters["start"] in (0.0, "stillest")


def _key(operation: Operation) -> tuple[object, ...]:
    return operation.name, *sorted((name, str(value)) for name, value in operation.parameters.items())


def _before_after(made: Mended) -> str:
    """Return source and result side by side."""
    fact = made.result
    about = f"{fact.length:.2f} s" if isinstance(fact, Clip) else f"{fact.width} \u00d7 {fact.height} px"
    heads = (say("mend_before"), say("mend_after"))
    names = (made.mend.source_name, f"{fact.name}, {about}")
    shown = []
    for data, head, name, alt in zip(
        before_after(made.mend), heads, names, (names[0], fact.name), strict=True
    ):
        drawn = picture(data, f"{head} {alt}") if data else ""
        words = f"<figcaption><b>{escape(head)}</b> {escape(name)}</figcaption>"
        shown.append(f"<figure>{drawn}{words}</figure>")
    return f'<div class="mw-pair">{"".join(shown)}</div>'
