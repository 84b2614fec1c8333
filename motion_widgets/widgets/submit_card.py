"""The form's card of money: what a draft costs, whether it can go, and the button that submits it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_interval, format_price, format_usd
from motion_widgets.log.states import ENDS, State
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.base import DEBOUNCE, SETTLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from motion_widgets.core.errors import ClipError
    from motion_widgets.jobs.job import Job
    from motion_widgets.media.repair.operation import Operation
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
    """The clip that is paid for: as it will be after `steps`."""
    findings: Sequence[Finding]
    """What stands after `steps`."""
    price: Estimate | None
    """None: its fields do not say what it costs."""
    measuring: bool
    """Whether a medium is still being measured."""
    asked: bool
    """Whether a consent to publish is missing."""
    hidden: bool = False
    """Whether there are errors that nobody was shown yet."""
    steps: tuple[tuple[str, Operation], ...] = ()
    """What a click does to the local media first: the wire field, and the repair."""

    def count(self, severity: str) -> int:
        """Return the number of findings of a severity."""
        return sum(one.severity == severity for one in self.findings)

    @property
    def ready(self) -> bool:
        """Whether it may be submitted."""
        return not (self.price is None or self.measuring or self.asked or self.count("error"))

    @property
    def trims(self) -> bool:
        """Whether a click trims the clip first."""
        return any(one.name == "trim_clip" for _, one in self.steps)


class SubmitCard(ui.Column):
    """Names the price of the form's draft and submits it at that price.

    `get` returns the current draft, and `carry_out` does its steps, which may block, and returns the request
    to submit. `reveal` is called by a click on a draft with errors that nobody was shown. `on_submit` and
    `on_show` are called with a job that was submitted, and with an earlier one of the same content that is to
    be shown.
    """

    def __init__(
        self, host: Panel, *, get: Callable[[], Draft], carry_out: Callable[[Draft], MotionRequest],
        reveal: Callable[[], None], on_submit: Callable[[Job], None] | None,
        on_show: Callable[[Job], None] | None,
    ) -> None:  # fmt: skip
        self._host, self._get, self._on_submit, self._on_show = host, get, on_submit, on_show
        self._carry_out, self._reveal = carry_out, reveal
        self.earlier: Job | None = None
        """The job of the same content that there is already."""
        self._arrived = False
        """Whether its result is here."""
        self._sent: Job | None = None
        """The job that was submitted here last, until it ended."""
        self._said = ""
        """What the host's line said of it."""
        self._on_stage = ""
        """The id of the job that is shown beside the form."""
        self.submitting = False
        self._draft: Draft | None = None
        self._clicked: Draft | None = None
        self._pending: Callable[[], Job] | None = None
        self._price, self.money, self.summary = ui.html(), ui.live_region(), ui.live_region()
        self.submit = ui.button(host.edge, "", partial(self._click, new=False), cls="mw-primary mw-submit")
        self.again = ui.button(host.edge, "", partial(self._click, new=True))
        self.shown = ui.button(host.edge, say("action_show"), self._show_earlier, cls="mw-primary")
        price = ui.Column(self._price, self.summary, self.money, cls="mw-pay-price")
        buttons = ui.flow(self.shown, self.again, self.submit, cls="mw-pay-buttons")
        super().__init__(host.notice, price, buttons, cls="mw-pay", width="100%")

    # Drawing.

    def draw(self, draft: Draft) -> None:
        """Show what a draft costs, whether it can go, and what a click would do."""
        self._draft = draft
        # What was clicked on stands until it is sent: a trim changes the form meanwhile.
        if self.submitting and self._clicked is not None:
            draft = self._clicked
        live, there = self._host.ws.live, self.earlier is not None
        high = format_price(draft.price.high) if draft.price is not None else "\u2013"
        summary = _summary(draft)
        ui.assign(self._price, "value", _price_html(draft.price, draft.clip, explained=not summary))
        ui.speak(self.summary, escape(summary), cls="mw-small mw-muted")
        self._draw_money()
        enabled = not (self.submitting or draft.measuring) and (draft.ready or draft.hidden)
        busy = say("submitting_trims" if draft.trims else "submitting")
        if draft.trims:
            label = say("trim_submit_live" if live else "trim_submit_sandbox", price=high)
        else:
            label = say("submit_live" if live else "submit_sandbox", price=high)
        shown = busy if self.submitting else label
        ui.label_button(self.submit, shown, tooltip=label, enabled=enabled, live=live)
        ui.set_class(self.submit, "mw-not-ready", not draft.ready)
        ui.label_button(
            self.again, say("again_live" if live else "again", price=high),
            enabled=draft.ready and not self.submitting, live=live,
        )  # fmt: skip
        elsewhere = self.earlier is not None and self._arrived and self.earlier.id != self._on_stage
        for one, visible in ((self.submit, not there), (self.again, there), (self.shown, elsewhere)):
            ui.show(one, visible)

    def point_at(self, job_id: str) -> None:
        """Take note of the job whose result is shown beside the form: it needs no button."""
        if job_id != self._on_stage:
            self._on_stage = job_id
            self.draw(self._get())

    def _draw_money(self) -> None:
        price = self._draft.price if self._draft is not None else None
        ws = self._host.ws
        ui.speak(self.money, Balance.of(ws).beside_price(ws, price.high if price is not None else None))

    # Looking, off the keystroke path.

    def changed(self) -> None:
        """Take note that the draft changed; a click waits until nothing changes any more."""
        self.earlier, self._arrived = None, False
        self._host.later("earlier", lambda: None)  # what was looked for came of another draft
        if self._pending is not None:
            self._wait()

    def look(self) -> None:
        """Look for the balance, and whether the same request was made before."""
        self.look_up()
        Balance.of(self._host.ws).show(self._host, self._draw_money, delay=DEBOUNCE)

    def look_up(self) -> None:
        """Find out whether the same request was made before, and whether the job that was submitted ended."""
        req = self._draft.request if self._draft is not None else None
        if req is not None and not (req.image_url and req.video_url):
            req = None
        if req is not None or self._sent is not None:
            self._host.later("earlier", partial(self._find, req, self._sent), self._found, delay=DEBOUNCE)

    def _find(self, req: MotionRequest | None, sent: Job | None) -> tuple[Job | None, bool, Job | None]:
        job = self._host.ws.find(req) if req is not None else None
        arrived = job is not None and job.row.state == State.COLLECTED
        return job, arrived, sent if sent is not None and sent.row.state in ENDS else None

    def _found(self, found: tuple[Job | None, bool, Job | None]) -> None:
        self.earlier, self._arrived, ended = found
        if ended is not None and ended is self._sent:
            self._sent = None
            if self._host.notice.value == self._said:  # that it continues is no news any more
                self._host.announce("")
        self.draw(self._get())

    # Submitting.

    def _click(self, *, new: bool) -> None:
        """Take a click: the form as the page shows it is submitted, at the price that the button named.

        A click may overtake text that was typed before it (the page holds changes back while the kernel is
        busy), so what is submitted is what stands here once nothing has changed for a moment.
        """
        with self._host.lock:
            draft = self._get()
            if self.submitting:
                return
            if not draft.ready or draft.price is None:
                self._reveal()
                return
            self.submitting, self._clicked = True, draft
            self._pending = partial(self._submit, new=new, named=draft.price.high)
            self._wait()  # before anything is drawn: what fails there leaves the button usable
            self.draw(draft)

    def _wait(self) -> None:
        if self._pending is not None:
            self._host.later("submit", self._pending, self._submitted, failed=self._end, delay=SETTLE)

    def _submit(self, *, new: bool, named: float) -> Job:
        with self._host.lock:
            self._pending = None
            draft = self._get()
        if not draft.ready or draft.price is None or draft.price.high != named:
            raise RequestError.of("changed_after_click")
        return self._host.ws.submit(self._carry_out(draft), max_cost=named, new=new)

    def _submitted(self, job: Job) -> None:
        self._host.later("earlier", lambda: None)  # what is being looked for was there before it
        self.earlier, self._arrived, self._sent = job, False, job
        self._end(say("submitted", id=job.id), bad=False)
        self._said = self._host.notice.value
        if self._on_submit is not None:  # not while this panel is locked: it may wait for another one's lock
            self._host.later("submitted", partial(self._on_submit, job), failed=self._end)

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


def _price_html(price: Estimate | None, clip: Clip | ClipError | None, *, explained: bool) -> str:
    shown, how = "\u2013", say("price_none")
    if price is not None:
        shown = format_interval(price.low, price.high)
        code = "price_unknown" if price.length_unknown else "price_how"
        length = clip.length if isinstance(clip, Clip) else 0.0
        rate = format_usd(price.per_second, digits=4)
        how = say(code, length=length, rate=rate, date=price.prices_date, seconds=price.seconds_high)
    dated = say("price_dated", date=price.prices_date) if price is not None else ""
    below = f'<div class="mw-muted mw-small">{escape(how)}</div>' if explained else ""
    return f'<div class="mw-price" title="{escape(dated)}">{escape(shown)}</div>{below}'


def _summary(draft: Draft) -> str:
    errors, warnings = draft.count("error"), draft.count("warning")
    if draft.measuring:
        return say("measuring")
    if draft.hidden:
        return _missing(draft.request)
    if errors:
        return say("summary_errors_besides" if draft.trims else "summary_errors", count=errors)
    if draft.asked:
        return say("summary_agree")
    if warnings:
        return say("summary_warnings", count=warnings)
    return ""


def _missing(req: MotionRequest) -> str:
    if not req.image_url:
        return say("summary_add_image" if req.video_url else "summary_add")
    return say("summary_fill" if req.video_url else "summary_add_clip")
