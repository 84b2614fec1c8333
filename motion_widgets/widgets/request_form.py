"""The form that builds a request: rules on every key, measuring behind, a button that names the price."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.errors import MotionError, RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.media.repair.suggest import mends_for
from motion_widgets.request.fields import MODELS
from motion_widgets.request.media_source import media_source
from motion_widgets.request.price import Estimate, estimate
from motion_widgets.request.request import MotionRequest
from motion_widgets.request.rules import LIMITS, Finding, Fix
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.base import DEBOUNCE, SETTLE, Panel
from motion_widgets.widgets.code_card import CodeCard
from motion_widgets.widgets.controls import (
    Column,
    assign,
    button,
    control,
    flow,
    html,
    live_region,
    set_class,
    show,
    side_by_side,
    status,
)
from motion_widgets.widgets.form_field import Field
from motion_widgets.widgets.media_field import ENDINGS, MediaField
from motion_widgets.widgets.price_card import price_html, summary_html
from motion_widgets.widgets.publish_panel import PublishPanel

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.core.errors import ClipError
    from motion_widgets.jobs.job import Job
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["RequestForm"]


class RequestForm(Panel):
    """Builds one request, with live validation, its price, its JSON and a submit button.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    request
        What to start with. None: the newest model, nothing chosen.
    on_submit
        Called with the job after a submit, on a background thread.

    Examples
    --------
    >>> form = mw.RequestForm(ws)
    >>> form.request.mode
    'std'
    """

    def __init__(
        self,
        ws: Workspace | None = None,
        *,
        request: MotionRequest | None = None,
        on_submit: Callable[[Job], None] | None = None,
        on_show: Callable[[Job], None] | None = None,
        watch: bool = True,
    ) -> None:
        super().__init__(ws, watch=watch)
        self._on_submit, self._on_show = on_submit, on_show
        self._earlier: Job | None = None
        self._price: Estimate | None = None
        self._submitting = False
        self._pending: Callable[[], Callable[[], None]] | None = None
        self._loading = False
        self._build()
        self.load(request or MotionRequest(model=MODELS[0]))
        self.later("samples", self._offer)
        self.watch()

    # What it is made of.

    def _build(self) -> None:
        wants: dict[str, Any] = {
            "apply": self._mend, "measured": self._measured, "looked": self._render,
            "restored": self._restored,
        }  # fmt: skip
        self.image_field = MediaField(self, "image", **wants)
        self.clip_field = MediaField(self, "clip", **wants)
        self.image, self.clip = self.image_field.box, self.clip_field.box
        self.model = control(w.Dropdown, say("form_model"), options=list(MODELS))
        lengths = {
            name: say("ruler_range", low=low, high=high) for name, (low, high) in LIMITS.clip_seconds.items()
        }
        self.orientation = control(
            w.RadioButtons, say("form_orientation"), value=None,
            options=[(say(f"form_orientation_{one}", lengths=text), one) for one, text in lengths.items()],
        )  # fmt: skip
        self.mode = control(
            w.RadioButtons,
            say("form_mode"),
            value=None,
            options=[(say(f"form_mode_{name}"), name) for name in ("std", "pro")],
        )
        self.prompt = control(w.Textarea, say("form_prompt"), placeholder=say("form_prompt_hint"), rows=3)
        self.sound = control(
            w.Dropdown,
            say("form_sound"),
            options=[(say("form_sound_yes"), "yes"), (say("form_sound_no"), "no")],
        )
        self.watermark = control(
            w.Dropdown, say("form_watermark"),
            options=[(say(f"form_watermark_{one or 'none'}"), one) for one in ("", "off", "on")],
        )  # fmt: skip
        self.webhook = control(w.Text, say("form_webhook"), placeholder="https://")
        self._count = html(cls="mw-muted mw-small")
        self._advice = html(f'<span class="mw-muted mw-small">{escape(say("form_advice"))}</span>')
        self._fields = {
            "image_url": self.image_field,
            "video_url": self.clip_field,
            "model": Field(self._mend, self.model),
            "character_orientation": Field(self._mend, self.orientation),
            "mode": Field(self._mend, self.mode),
            "prompt": Field(self._mend, self.prompt, self._count),
            "keep_original_sound": Field(self._mend, self.sound),
            "watermark_info": Field(self._mend, self.watermark),
            "webhook": Field(self._mend, self.webhook),
        }
        left = Column(*self._fields.values(), self._advice, cls="mw-stack")
        self.fill(side_by_side(left, self._build_side()))
        choices = (self.model, self.orientation, self.mode, self.sound, self.watermark)
        for one in (self.image, self.clip, self.prompt, self.webhook, *choices):
            one.observe(self._changed, "value")

    def _build_side(self) -> w.VBox:
        self._card, self._money, self._summary = html(), live_region(), live_region()
        self.submit = button("", lambda: self._submit(new=False), cls="mw-primary mw-submit")
        self.again = button("", lambda: self._submit(new=True), cls="mw-again")
        self.shown = button(say("form_show"), self._show_earlier, cls="mw-show")
        self.code = CodeCard(self, get=lambda: self.request, load=self.load)
        card = Column(
            self._card,
            self._money,
            self._summary,
            self.notice,
            flow(self.submit, self.shown, self.again),
            cls="mw-card",
        )
        self.publishing = PublishPanel(
            self, get=lambda: self.request, use=self.clip_field.use, looked=self._render
        )
        return Column(card, self.publishing, self.code, cls="mw-stack")

    def _offer(self) -> Callable[[], None]:
        """Draw the samples, and offer them beside the user's own files."""
        samples = self.ws.samples()
        own = sorted({*self.ws.folder.iterdir(), *Path.cwd().iterdir()})[:500]
        clips = [str(path) for path in own if path.suffix.lower() in ENDINGS["clip"]]
        images = [str(path) for path in own if path.suffix.lower() in ENDINGS["image"]]

        def put_them() -> None:
            self.image.options = (str(samples.image), *images[:50])
            self.clip.options = (str(samples.clip_6s), str(samples.clip_12s), *clips[:50])

        return put_them

    # The request.

    @property
    def request(self) -> MotionRequest:
        """The request as the form stands; any draft."""
        return MotionRequest(
            model=self.model.value,
            image_url=self.image.value.strip() or None,
            video_url=self.clip.value.strip() or None,
            character_orientation=self.orientation.value,
            mode=self.mode.value,
            prompt=self.prompt.value or None,
            keep_original_sound=self.sound.value,
            watermark_info={"": None, "on": {"enabled": True}, "off": {"enabled": False}}[
                self.watermark.value
            ],
            webhook=self.webhook.value.strip() or None,
        )

    def load(self, req: MotionRequest) -> None:
        """Put a request into the form. Values that its controls do not know are left unchosen."""
        watermark = req.watermark_info.get("enabled") if isinstance(req.watermark_info, dict) else None
        self._loading = True
        try:
            self.image.value = media_source(req.image_url) or ""
            self.clip.value = media_source(req.video_url) or ""
            self.model.value = req.model if req.model in MODELS else None
            self.orientation.value = (
                req.character_orientation if req.character_orientation in ("image", "video") else None
            )
            self.mode.value = req.mode if req.mode in ("std", "pro") else None
            self.prompt.value = req.prompt if isinstance(req.prompt, str) else ""
            self.sound.value = req.keep_original_sound if req.keep_original_sound in ("yes", "no") else "yes"
            self.watermark.value = {True: "on", False: "off"}.get(watermark, "")  # type: ignore[arg-type]
            self.webhook.value = req.webhook if isinstance(req.webhook, str) else ""
        finally:
            self._loading = False
        self._changed()

    @property
    def findings(self) -> list[Finding]:
        """All that is to be said of the request as the form stands."""
        return self._judge(self.request)

    def _judge(self, req: MotionRequest) -> list[Finding]:
        return self.ws.preparation.judge(
            req, self._clip, self._image, hosted=self.publishing.hosted, shots=self.clip_field.shots
        )

    @property
    def _clip(self) -> Clip | ClipError | None:
        fact = self.clip_field.fact
        return None if isinstance(fact, Image) else fact

    @property
    def _image(self) -> Image | ClipError | None:
        fact = self.image_field.fact
        return None if isinstance(fact, Clip) else fact

    @property
    def _measuring(self) -> bool:
        return self.clip_field.measuring or self.image_field.measuring

    def _mend(self, fix: Fix) -> None:
        self.load(fix.apply(self.request))

    def _restored(self, req: MotionRequest, name: str) -> None:
        self.load(req)
        self.announce(say("restored", name=name))

    def _measured(self) -> None:
        self._render()
        self._look_up()

    # Drawing.

    def _changed(self, _: object = None) -> None:
        if self._loading:
            return
        with self.lock:
            self._earlier = None
            if self._pending is not None:  # the click waits until nothing changes any more
                self.later("submit", self._pending, delay=SETTLE)
            self._render()
        self._look_up()
        self._look_for_money()
        self.publishing.look()

    def _look_up(self) -> None:
        """Find out, off the keystroke path, whether the same request was made before."""
        req = self.request
        if not (req.image_url and req.video_url):
            return

        def look() -> Callable[[], None]:
            earlier = self.ws.find(req)

            def take() -> None:
                self._earlier = earlier
                self._render()

            return take

        self.later("earlier", look, delay=DEBOUNCE)

    def refresh(self) -> None:
        """Look again whether the request was made before, and for the balance; the log changed."""
        self._look_up()
        self._look_for_money()
        self.publishing.look()

    def _look_for_money(self) -> None:
        Balance.of(self.ws).show(self, self._render_money, delay=DEBOUNCE)

    def _render_money(self) -> None:
        price = self._price
        beside = Balance.of(self.ws).beside_price(self.ws, price.high if price is not None else None)
        assign(self._money, "value", status(beside))

    def _render(self) -> None:
        req, media = self.request, {"image_url": self.image_field, "video_url": self.clip_field}
        clip, image, turned = self._clip, self._image, req.character_orientation
        findings = self._judge(req)
        pending = {name for name, one in media.items() if one.measuring}
        findings = [one for one in findings if not (one.code == "not_measured" and one.field in pending)]
        shots = self.clip_field.shots
        mends = [op for one in findings for op in mends_for(one, clip, image, turned, shots)]
        for name, field in self._fields.items():
            own = [one for one in findings if one.field == name]
            if name in media:
                media[name].draw(own, mends, turned)
            else:
                field.say(own)
        assign(
            self._count,
            "value",
            say("prompt_count", count=len(self.prompt.value), limit=LIMITS.prompt_characters),
        )
        try:
            self._price = estimate(req, clip, prices=self.ws.prices)
        except RequestError:
            self._price = None
        errors = sum(one.severity == "error" for one in findings)
        warnings = sum(one.severity == "warning" for one in findings)
        asked = bool(self.publishing.asked)
        assign(self._card, "value", price_html(self._price, clip))
        assign(self._summary, "value", summary_html(errors, warnings, measuring=self._measuring, asked=asked))
        self._render_money()
        self._render_buttons(errors)
        self.code.draw()

    def _render_buttons(self, errors: int) -> None:
        price, earlier = self._price, self._earlier
        high = format_usd(price.high) if price is not None else "\u2013"
        held = errors or self._measuring or self._submitting or self.publishing.asked
        ready = price is not None and not held
        label = say("submit_live" if self.ws.live else "submit_sandbox", price=high)
        assign(self.submit, "description", say("submitting") if self._submitting else label)
        assign(self.submit, "tooltip", label)
        assign(self.submit, "disabled", not ready)
        assign(self.again, "description", say("again_live" if self.ws.live else "again", price=high))
        assign(self.again, "disabled", not ready)
        show(self.submit, earlier is None)
        show(self.again, earlier is not None)
        show(self.shown, earlier is not None)
        for one in (self.submit, self.again):
            set_class(one, "mw-live", self.ws.live)

    # Submitting.

    def _submit(self, *, new: bool) -> None:
        """Take a click: the form as the page shows it is submitted, at the price that the button named.

        A click may overtake text that was typed before it (the page holds changes back while the kernel is
        busy), so what is submitted is what stands here once nothing has changed for a moment.
        """
        with self.lock:
            price = self._price
            blocked = any(one.severity == "error" for one in self.findings)
            if self._submitting or self._measuring or price is None or blocked or self.publishing.asked:
                return
            self._submitting = True
            self._render()
            self._pending = partial(self._settled, new=new, named=price.high)
            self.later("submit", self._pending, delay=SETTLE)

    def _settled(self, *, new: bool, named: float) -> Callable[[], None]:
        """Submit; on a thread."""
        with self.lock:
            self._pending = None
            price, req = self._price, self.request
            blocked = self._measuring or any(one.severity == "error" for one in self.findings)
        job, said = None, say("changed_after_click")
        if not blocked and price is not None and price.high == named:
            try:
                job = self.ws.submit(req, max_cost=named, new=new)
                said = say("submitted", id=job.id)
            except MotionError as error:
                said = str(error)

        def done() -> None:
            self._submitting = False
            self._earlier = job or self._earlier
            self.announce(said, bad=job is None)
            self._render()
            if job is not None and self._on_submit is not None:
                self._on_submit(job)

        return done

    def _show_earlier(self) -> None:
        if self._earlier is not None:
            if self._on_show is not None:
                self._on_show(self._earlier)
            else:
                path = self._earlier.row.result_path  # told, not fetched: a callback never blocks
                where = "\u2013" if path is None else str(self.ws.folder / path)
                self.announce(say("earlier_at", id=self._earlier.id, path=where))
