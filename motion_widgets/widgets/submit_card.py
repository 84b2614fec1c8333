"""The form's card of money: what a draft costs, whether it can go, and the button that submits it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.base import DEBOUNCE, SETTLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from motion_widgets.core.errors import ClipError
    from motion_widgets.jobs.job import Job
    from motion_widgets.request.findings import Finding
    from motion_widgets.request.price import Estimate
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.widgets.base import Panel

__all__ = ["Draft", "SubmitCard"]


@dataclass(frozen=True)
class Draft:
    """The form's current request, and what is known about it."""

    request: MotionRequest
    clip: Clip | ClipError | None
    findings: Sequence[Finding]
    price: Estimate | None
    """None: its fields do not say what it costs."""
    measuring: bool
    """Whether a medium is still being measured."""
    asked: bool
    """Whether a consent to publish is missing."""

    def count(self, severity: str) -> int:
        """Return the number of findings of a severity."""
        return sum(one.severity == severity for one in self.findings)

    @property
    def ready(self) -> bool:
        """Whether it may be submitted."""
        return not (self.price is None or self.measuring or self.asked or self.count("error"))


class SubmitCard(ui.Column):
    """Names the price of the form's draft and submits it at that price.

    `get` returns the current draft. `on_submit` and `on_show` are called with a job that was submitted,
    and with an earlier one of the same content that is to be shown.
    """

    def __init__(
        self, host: Panel, *, get: Callable[[], Draft], on_submit: Callable[[Job], None] | None,
        on_show: Callable[[Job], None] | None,
    ) -> None:  # fmt: skip
        self._host, self._get, self._on_submit, self._on_show = host, get, on_submit, on_show
        self.earlier: Job | None = None
        """The job of the same content that there is already."""
        self.submitting = False
        self._draft: Draft | None = None
        self._pending: Callable[[], Job] | None = None
        self._price, self.money, self.summary = ui.html(), ui.live_region(), ui.live_region()
        self.submit = ui.button("", partial(self._click, new=False), cls="mw-primary mw-submit")
        self.again = ui.button("", partial(self._click, new=True), cls="mw-again")
        self.shown = ui.button(say("form_show"), self._show_earlier, cls="mw-show")
        buttons = ui.flow(self.submit, self.shown, self.again)
        super().__init__(self._price, self.money, self.summary, host.notice, buttons, cls="mw-card")

    # Drawing.

    def draw(self, draft: Draft) -> None:
        """Show what a draft costs, whether it can go, and what a click would do."""
        self._draft = draft
        live, there = self._host.ws.live, self.earlier is not None
        high = format_usd(draft.price.high) if draft.price is not None else "\u2013"
        ui.assign(self._price, "value", _price_html(draft.price, draft.clip))
        ui.speak(self.summary, _summary_html(draft))
        self._draw_money()
        ready = draft.ready and not self.submitting
        label = say("submit_live" if live else "submit_sandbox", price=high)
        shown = say("submitting") if self.submitting else label
        ui.label_button(self.submit, shown, tooltip=label, enabled=ready, live=live)
        ui.label_button(
            self.again, say("again_live" if live else "again", price=high), enabled=ready, live=live
        )
        for one, visible in ((self.submit, not there), (self.again, there), (self.shown, there)):
            ui.show(one, visible)

    def _draw_money(self) -> None:
        price = self._draft.price if self._draft is not None else None
        ws = self._host.ws
        ui.speak(self.money, Balance.of(ws).beside_price(ws, price.high if price is not None else None))

    # Looking, off the keystroke path.

    def changed(self) -> None:
        """Take note that the draft changed; a click waits until nothing changes any more."""
        self.earlier = None
        if self._pending is not None:
            self._wait()

    def look(self) -> None:
        """Look for the balance, and whether the same request was made before."""
        self.look_up()
        Balance.of(self._host.ws).show(self._host, self._draw_money, delay=DEBOUNCE)

    def look_up(self) -> None:
        """Find out whether the same request was made before."""
        req = self._draft.request if self._draft is not None else None
        if req is not None and req.image_url and req.video_url:
            self._host.later("earlier", lambda: self._host.ws.find(req), self._found, delay=DEBOUNCE)

    def _found(self, earlier: Job | None) -> None:
        self.earlier = earlier
        self.draw(self._get())

    # Submitting.

    def _click(self, *, new: bool) -> None:
        """Take a click: the form as the page shows it is submitted, at the price that the button named.

        A click may overtake text that was typed before it (the page holds changes back while the kernel is
        busy), so what is submitted is what stands here once nothing has changed for a moment.
        """
        with self._host.lock:
            draft = self._get()
            if self.submitting or not draft.ready or draft.price is None:
                return
            self.submitting = True
            self.draw(draft)
            self._pending = partial(self._submit, new=new, named=draft.price.high)
            self._wait()

    def _wait(self) -> None:
        if self._pending is not None:
            self._host.later("submit", self._pending, self._submitted, failed=self._end, delay=SETTLE)

    def _submit(self, *, new: bool, named: float) -> Job:
        with self._host.lock:
            self._pending = None
            draft = self._get()
        if not draft.ready or draft.price is None or draft.price.high != named:
            raise RequestError.of("changed_after_click")
        return self._host.ws.submit(draft.request, max_cost=named, new=new)

    def _submitted(self, job: Job) -> None:
        self.earlier = job
        self._end(say("submitted", id=job.id), bad=False)
        if self._on_submit is not None:
            self._on_submit(job)

    def _end(self, said: str, *, bad: bool = True) -> None:
        self.submitting = False
        self._host.announce(said, bad=bad)
        self.draw(self._get())

    def _show_earlier(self) -> None:
        if self.earlier is not None and self._on_show is not None:
            self._on_show(self.earlier)
        elif self.earlier is not None:
            path = self.earlier.row.result_path  # named, not fetched: a callback never blocks
            where = "\u2013" if path is None else str(self._host.ws.folder / path)
            self._host.announce(say("earlier_at", id=self.earlier.id, path=where))


def _price_html(price: Estimate | None, clip: Clip | ClipError | None) -> str:
    shown, how = "\u2013", say("price_none")
    if price is not None:
        shown = str(price) if not price.length_unknown else say("price_up_to", high=price.high)
        code = "price_unknown" if price.length_unknown else "price_how"
        length = clip.length if isinstance(clip, Clip) else 0.0
        how = say(
            code, length=length, rate=price.per_second, date=price.prices_date, seconds=price.seconds_high
        )
    return (
        f'<div class="mw-muted">{escape(say("price_title"))}</div><div class="mw-price">{escape(shown)}</div>'
        f'<div class="mw-muted mw-small">{escape(how)}</div>'
    )


def _summary_html(draft: Draft) -> str:
    errors, warnings = draft.count("error"), draft.count("warning")
    if draft.measuring:
        return ui.note(say("measuring"))
    if errors:
        count = say("summary_error" if errors == 1 else "summary_errors", count=errors)
        return ui.note(say("summary_stop"), count, kind="error")
    if draft.asked:
        return ui.note(say("summary_agree"), kind="warning")
    if warnings:
        count = say("summary_warning" if warnings == 1 else "summary_warnings", count=warnings)
        return ui.note(say("summary_go"), count, kind="warning")
    return ui.note(say("summary_ok"), kind="ok")
