"""Repairs in the form: what is offered beside a finding, the trim bar, progress, before and after, undo."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.media.preview import before_after
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.media_source import media_kind
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.form_field import Offer
from motion_widgets.widgets.media_preview import picture
from motion_widgets.widgets.trim_card import TrimCard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from motion_widgets.core.errors import ClipError
    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.widgets.base import Panel
    from motion_widgets.workspace.media import Mended

__all__ = ["MediaRepair"]

OFTEN = 0.15
"""s between two updates of the progress bar."""


class MediaRepair(ui.Column):
    """What can be done about one medium's findings: its offers stand beside them, and the rest here.

    `which` is ``"image"`` or ``"clip"``; `value` and `use` read and write the medium's path in the form, and
    `fact` returns what was measured of it. `changed` is called when another offer would be made.
    """

    def __init__(
        self, host: Panel, which: str, *, value: Callable[[], str], use: Callable[[str], None],
        fact: Callable[[], Clip | Image | ClipError | None], changed: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__(cls="mw-mender", width="100%")
        self._host, self._which, self._value, self._use = host, which, value, use
        self._fact, self._changed = fact, changed
        self._cancel: threading.Event | None = None
        self._made: tuple[Mended, str] | None = None
        """The last repair, and what stood in the form before it."""
        self.trim: TrimCard | None = None
        if which == "clip":
            self.trim = TrimCard(host, changed=changed, complain=self._complain)
        self._bar, self._said, self._shown = ui.html(), ui.live_region(), ui.html()
        self.cancel = ui.button(host.edge, say("cancel"), self._stop)
        self._going = ui.flow(self._bar, self.cancel, cls="mw-going")
        self.undo = ui.button(host.edge, say("mend_undo"), self._undo)
        self._done = ui.flow(self._said, self.undo, cls="mw-finding mw-ok")
        self._pair = ui.Column(self._shown, width="100%")
        for one in (self._going, self._done, self._pair):
            ui.show(one, visible=False)
        trim = () if self.trim is None else (self.trim,)
        self.children = (*trim, self._going, self._done, self._pair)

    # What is offered.

    def draw(self, operations: Sequence[Operation], orientation: object) -> None:
        """Show the trim bar where a trim would help, and the last repair as long as it stands in the form."""
        fact = self._fact()
        local = media_kind(self._value() or None) == "path"
        preset = next((one for one in operations if _is_preset(one)), None) if local else None
        if self.trim is not None and fact is not None:  # None: it is being measured; what is open stays
            if preset is not None and isinstance(fact, Clip):
                low = LIMITS.clip_length(orientation)[0]
                self.trim.show_clip(fact, low, float(preset.parameters["length"]))
            else:
                self.trim.hide()
        stands = self._made is not None and self._value() == self._made[0].result.source
        if self._made is not None and not stands:  # something else was chosen: the repair is no news any more
            self._made = None
            if self._cancel is None:
                self._announce("")
        for one in (self.undo, self._pair):
            ui.show(one, stands)

    @property
    def part(self) -> Operation | None:
        """The trim that keeps the part chosen on the bar. None: there is no bar, or a repair is running."""
        return self.trim.part if self.trim is not None and self._cancel is None else None

    def offer(self, operation: Operation) -> tuple[object, Offer] | None:
        """Return the button for a repair, and what is the same repair. None: the medium is no local file."""
        if media_kind(self._value() or None) != "path":
            return None
        if not _is_preset(operation) or self.trim is None:
            idle = self._cancel is None
            return _key(operation), Offer(operation.label, partial(self._run, operation), enabled=idle)
        part = self.part
        length = float(part.parameters["length"] if part is not None else operation.parameters["length"])
        label = say("trim_go", length=length)
        return "trim", Offer(label, self._trim, enabled=part is not None)

    def _trim(self) -> None:
        if self.part is not None:
            self._run(self.part)

    # Repairing, off the callback's thread.

    def _begin(self) -> tuple[str, threading.Event]:
        """Return what is repaired, and what cancels it."""
        self._cancel = cancel = threading.Event()
        return self._value(), cancel

    def _run(self, operation: Operation) -> None:
        with self._host.lock:
            if self._cancel is not None:
                return
            before, cancel = self._begin()

            def failed(message: str) -> None:
                self._idle()
                (self._announce if cancel.is_set() else self._complain)(message)

            work = partial(self._mend, before, operation, cancel)
            self._host.later(f"mend {self._which}", work, partial(self._mended, before), failed=failed)
            self._going_on()  # only now: what fails in drawing leaves the buttons usable

    def mend_now(self, operation: Operation) -> Clip | Image:
        """Repair the medium in the form on this thread, which may block, and return what is in the form now.

        Raises
        ------
        RequestError
            Another repair is running, or the form has another medium by the end.
        ClipError, LogError
            It cannot be repaired, or the repair was cancelled.
        """
        with self._host.lock:
            if self._cancel is not None:
                raise RequestError.of("mend_running")
            before, cancel = self._begin()
        try:
            self._going_on()
            found = self._mend(before, operation, cancel)
        except BaseException:  # whatever it is, it goes on to the caller
            self._idle()
            raise
        with self._host.lock:
            self._mended(before, found)
            if self._value() != found[0].result.source:
                raise RequestError.of("changed_after_click")
        return found[0].result

    def _going_on(self) -> None:
        self._announce("")
        self._progress(0.0)
        self._busy(busy=True)
        self._changed()

    def _mend(self, before: str, operation: Operation, cancel: threading.Event) -> tuple[Mended, str]:
        """Return what was made, and its picture beside the source's as HTML."""
        drawn = 0.0

        def progress(share: float) -> None:
            nonlocal drawn
            if time.monotonic() - drawn > OFTEN:
                drawn = time.monotonic()
                self._progress(share)

        fact = self._fact()  # which knows the file's own name
        source = fact if isinstance(fact, Clip | Image) and fact.source == before else before
        made = self._host.ws.mend(source, operation, progress=progress, cancel=cancel)
        return made, _before_after(made)

    def _mended(self, before: str, found: tuple[Mended, str]) -> None:
        made, view = found
        try:
            if self._value() == before:  # another choice that was made meanwhile stays
                ui.assign(self._shown, "value", view)
                self._announce(say("mend_done", name=made.result.name))
                self._made = (made, before)
                self._use(made.result.source)
        finally:
            self._idle()

    @property
    def is_busy(self) -> bool:
        """Whether a repair is running."""
        return self._cancel is not None

    def _idle(self) -> None:
        self._cancel = None
        self._busy(busy=False)
        with self._host.lock:
            self._changed()

    def _busy(self, *, busy: bool) -> None:
        ui.show(self._going, busy)
        ui.assign(self.cancel, "disabled", False)

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
            if self._made == (made, before):
                self._made = None
            if self._value() == made.result.source:  # another choice that was made meanwhile stays
                self._announce(say("mend_undone", name=Path(back).name))
                self._use(back)

        self._host.later(f"undo {self._which}", work, take)

    def _announce(self, text: str) -> None:
        ui.speak(self._said, escape(text))
        ui.set_class(self._done, "mw-error", wanted=False)
        ui.show(self._done, text)

    def _complain(self, text: str) -> None:
        ui.speak(self._said, f"<b>{escape(say('word_error'))}</b> {escape(text)}")
        ui.set_class(self._done, "mw-error", wanted=True)
        ui.show(self._done, visible=True)


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
