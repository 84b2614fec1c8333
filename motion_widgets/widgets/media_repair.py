"""Mending in the form: a button for each way out, the trim view, progress, before beside after, undo."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.errors import MotionError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.media.repair.compare import before_after
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.media_source import media_kind
from motion_widgets.widgets.controls import (
    Column,
    assign,
    button,
    flow,
    html,
    live_region,
    note,
    progress_bar,
    show,
    status,
)
from motion_widgets.widgets.media_preview import picture
from motion_widgets.widgets.trim_card import TrimCard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from motion_widgets.core.errors import ClipError
    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.widgets.base import Panel
    from motion_widgets.workspace.media import Mended

__all__ = ["MediaRepair"]

OFFERED = 4
OFTEN = 0.15
"""s between two looks of the progress bar."""


class MediaRepair(Column):
    """What can be done about one medium's findings. Its `buttons` stand where the findings do.

    Parameters
    ----------
    host
        The form: its workspace, thread and lock.
    which
        ``"image"`` or ``"clip"``.
    value, use
        Read and write the medium's path in the form.
    """

    def __init__(
        self, host: Panel, which: str, *, value: Callable[[], str], use: Callable[[str], None]
    ) -> None:
        super().__init__(cls="mw-mender", width="100%")
        self._host, self._which, self._value, self._use = host, which, value, use
        self._offers: list[Operation] = []
        self._fact: Clip | Image | ClipError | None = None
        self._cancel: threading.Event | None = None
        self._made: tuple[Mended, str] | None = None
        """The last mend, and what stood in the form before it."""
        self._trims: list[Operation] = []
        self.buttons = [button("", partial(self._click, number), cls="mw-mend") for number in range(OFFERED)]
        self.trim = TrimCard(host, announce=self._announce, run=self._run) if which == "clip" else None
        self._bar, self._said, self._shown = html(), live_region(), html()
        self.cancel = button(say("mend_cancel"), self._stop, cls="mw-mend-cancel")
        self._going = flow(self._bar, self.cancel, cls="mw-going")
        self.undo = button(say("mend_undo"), self._undo, cls="mw-undo")
        self._done = Column(self._shown, flow(self.undo), cls="mw-card")
        for one in (*self.buttons, self._going, self._done):
            show(one, visible=False)
        trim = () if self.trim is None else (self.trim,)
        self.children = (*trim, self._going, self._said, self._done)

    # What is offered.

    def offer(
        self, operations: Sequence[Operation], fact: Clip | Image | ClipError | None, orientation: object
    ) -> None:
        """Offer ways out for what stands in the form; all ways to trim are one button."""
        if fact is not self._fact:
            self._fact = fact
            if fact is not None:  # None: it is being measured; what is open stays until it is known
                self._hide_trim()
        local = media_kind(self._value() or None) == "path"
        wanted = [*dict.fromkeys(map(_Key, operations))] if local else []
        unique = [one.operation for one in wanted]
        self._trims = [one for one in unique if _is_preset(one)]
        others = [one for one in unique if not _is_preset(one)]
        self._offers = [*self._trims[:1], *others][:OFFERED]
        for number, shown in enumerate(self.buttons):
            one = self._offers[number] if number < len(self._offers) else None
            show(shown, one)
            if one is not None:
                preset = _is_preset(one)
                label = say("trim_open", length=one.parameters["length"]) if preset else one.label
                assign(shown, "description", label)
                assign(shown, "tooltip", label)
                assign(shown, "disabled", self._cancel is not None)
        self._orientation = orientation
        stands = self._made is not None and self._value() == self._made[0].result.source
        if self._made is not None and not stands:  # something else was chosen: the mend is no news any more
            self._made = None
            if self._cancel is None:
                self._announce("")
        show(self._done, stands)

    def _click(self, number: int) -> None:
        if number >= len(self._offers):
            return
        if _is_preset(self._offers[number]):
            self._start_trim()
        else:
            self._run(self._offers[number])

    def _start_trim(self) -> None:
        if self.trim is not None and isinstance(self._fact, Clip):
            low = LIMITS.clip_length(self._orientation)[0]
            self.trim.show_clip(self._fact, low, float(self._trims[0].parameters["length"]))

    def _hide_trim(self) -> None:
        if self.trim is not None:
            self.trim.hide()

    # Mending, off the callback's thread.

    def _run(self, operation: Operation) -> None:
        with self._host.lock:
            if self._cancel is not None:
                return
            self._cancel = cancel = threading.Event()
            before = self._value()
        self._announce("")
        self._progress(0.0)
        self._busy(busy=True)
        self._host.later(f"mend {self._which}", partial(self._mend, before, operation, cancel))

    def _mend(self, before: str, operation: Operation, cancel: threading.Event) -> Callable[[], None]:
        """Mend; on a thread."""
        told = 0.0

        def progress(share: float) -> None:
            nonlocal told
            if time.monotonic() - told > OFTEN:
                told = time.monotonic()
                self._progress(share)

        made, view, said = None, "", ""
        try:
            made = self._host.ws.mend(before, operation, progress=progress, cancel=cancel)
            view = _before_after(made)
        except MotionError as error:
            said = str(error)

        def take() -> None:
            self._cancel = None
            self._busy(busy=False)
            if made is None:
                self._announce(said, bad=not cancel.is_set())
            elif self._value() == before:  # another choice that was made meanwhile stays
                self._made = (made, before)
                assign(self._shown, "value", view)
                self._hide_trim()
                self._announce(say("mend_done", name=made.result.name), ok=True)
                self._use(made.result.source)

        return take

    def _busy(self, *, busy: bool) -> None:
        show(self._going, busy)
        assign(self.cancel, "disabled", False)
        for one in self.buttons:
            assign(one, "disabled", busy)
        if self.trim is not None:
            self.trim.set_busy(busy)

    def _progress(self, share: float) -> None:
        percent = round(100 * share)
        said = escape(say("mend_progress", percent=percent))
        bar = progress_bar(percent, say("mend_progress_name"))
        assign(self._bar, "value", f'<div class="mw-small">{said}</div>{bar}')

    def _stop(self) -> None:
        if self._cancel is not None:
            self._cancel.set()
            assign(self.cancel, "disabled", True)

    def _undo(self) -> None:
        made = self._made
        if made is None:
            return

        def work() -> Callable[[], None]:
            back = str(self._host.ws.undo_mend(made[0].id))
            if Path(made[1]).expanduser().is_file():  # under the name that the person knows
                back = made[1]

            def take() -> None:
                self._made = None
                show(self._done, visible=False)
                self._announce(say("mend_undone", name=Path(back).name))
                self._use(back)

            return take

        self._host.later(f"undo {self._which}", work)

    def _announce(self, text: str, *, bad: bool = False, ok: bool = False) -> None:
        kind = "error" if bad else "ok" if ok else ""
        assign(
            self._said,
            "value",
            status(note(text, say("word_error") if bad else "", kind=kind) if text else ""),
        )


def _is_preset(operation: Operation) -> bool:
    """Return whether a trim is one of the trim view's own, not a part that is known already."""
    return operation.name == "trim_clip" and operation.parameters["start"] in (0.0, "stillest")


class _Key:
    """An operation that can be told from others although its parameters are a dict."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._key = (operation.name, tuple(sorted((k, str(v)) for k, v in operation.parameters.items())))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._key == other._key


def _before_after(made: Mended) -> str:
    """Show source and result of a mend side by side."""
    shown = []
    for data, which, name in zip(
        before_after(made.mend), ("before", "after"), (made.mend.source_name, made.result.name), strict=True
    ):
        head = say(f"mend_{which}")
        drawn = picture(data, f"{head} {name}") if data else ""
        fact = made.result
        about = ""
        if which == "after":
            about = (
                f", {fact.length:.2f} s"
                if isinstance(fact, Clip)
                else f", {fact.width} \u00d7 {fact.height} px"
            )
        words = f"<figcaption><b>{escape(head)}</b> {escape(name)}{escape(about)}</figcaption>"
        shown.append(f"<figure>{drawn}{words}</figure>")
    return f'<div class="mw-pair">{"".join(shown)}</div>'
