"""The form that builds a request: checked at every keystroke, priced, submitted by a button."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_price
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.request.fields import MODELS, MODES, WIRE_FIELDS
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.price import estimate
from motion_widgets.request.request import MotionRequest
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.code_card import CodeCard
from motion_widgets.widgets.fold import Fold
from motion_widgets.widgets.form_field import FormField, Offer, field_controls, mode_options
from motion_widgets.widgets.form_media import FormMedia
from motion_widgets.widgets.publish_panel import PublishPanel
from motion_widgets.widgets.row_text import dotted
from motion_widgets.widgets.submit_card import Draft, SubmitCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.jobs.job import Job
    from motion_widgets.request.findings import Finding, Fix
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["RequestForm"]


_SHOWN = ("image_url", "video_url", "character_orientation", "mode", "model", "prompt")
"""The fields that have a place of their own; every other one stands under "More"."""
_FOLDED = tuple(name for name in WIRE_FIELDS if name not in _SHOWN)


class RequestForm(Panel):
    """Builds one request, with live validation, its price, its code and a button that submits it.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    request
        What to start with. None: the cheapest model and mode, nothing chosen.
    on_submit
        Called with the job after a submit, on a background thread.
    on_show
        Called with an earlier job of the same content, to show its result. None: its path is named.

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
        self._loading = False
        self._guiding = False
        """Whether a person did something about a finding, after which the focus goes to the next one."""
        self._touched: set[str] = set()
        """Wire fields of which findings are shown: a newcomer sees none."""
        self.media = FormMedia(
            self, request=lambda: self.request, measured=self._measured, looked=self.render,
            restored=self._restored,
        )  # fmt: skip
        self.image_field, self.clip_field = self.media.image, self.media.clip
        self.controls = field_controls({name: one.box for name, one in self.media.fields.items()})
        """The control of each wire field, in the order of the form."""
        self._count = ui.html(cls="mw-muted mw-small mw-count")
        self._fields: dict[str, FormField] = {**self.media.fields}
        for name, one in self.controls.items():
            if name not in self.media.fields:
                beside = (self._count,) if name == "prompt" else ()
                self._fields[name] = FormField(self.edge, one.widget, *beside)
            self._fields[name].add_class(f"mw-field-{name}")
            one.widget.observe(self.edge.guard(partial(self._typed, name)), "value")
        self.code = CodeCard(self, get=lambda: self.request, load=self.load)
        self.publishing = PublishPanel(
            self, get=lambda: self.request, use=self.clip_field.use, looked=self.render,
            facts=lambda: self.media.local_facts, strip=self._strip,
        )  # fmt: skip
        ui.show(self.publishing, not in_visitor_mode())
        self.card = SubmitCard(
            self, get=self._draft, carry_out=self._carry_out, reveal=self._reveal, on_submit=on_submit,
            on_show=on_show,
        )  # fmt: skip
        self._lay_out()
        cheapest = min(MODELS, key=lambda one: self.ws.prices.of(one, MODES[0]) or math.inf)
        if request is None:
            self.edge.run(lambda: self._put(MotionRequest(model=cheapest, mode=MODES[0])))
        else:
            self.edge.run(lambda: self.load(request))
        self.later("samples", self.media.own, self.media.offer)
        self.watch()

    def _lay_out(self) -> None:
        fields = self._fields
        quality = ui.make(w.Box, children=(fields["mode"], fields["model"]))
        quality.add_class("mw-quality")
        advice = ui.html(f'<span class="mw-muted mw-small">{escape(say("form_advice"))}</span>')
        self.more = Fold(self.edge, "", *(fields[name] for name in _FOLDED), advice)
        shown = (
            self.media.cards, *self.media.fields.values(), fields["character_orientation"], quality,
            fields["prompt"], self.more, self.publishing, self.code, self.card,
        )  # fmt: skip
        self.fill(ui.Column(*shown, cls="mw-form", width="100%"))

    # The request.

    @property
    def request(self) -> MotionRequest:
        """The current request; any draft."""
        return MotionRequest(**{name: one.value for name, one in self.controls.items()})

    def load(self, req: MotionRequest) -> None:
        """Put a request into the form. Values that its controls do not know are left unchosen.

        What is wrong with the values is shown; that others are missing, once somebody wants to submit it.
        """
        self._touched |= {name for name in self._fields if getattr(req, name) is not None}
        self._put(req)

    def _put(self, req: MotionRequest) -> None:
        self._loading = True
        try:
            for name, one in self.controls.items():
                one.value = getattr(req, name)
        finally:
            self._loading = False
        self._changed()

    @property
    def findings(self) -> list[Finding]:
        """All findings about the current request."""
        return self.ws.preparation.judge(
            self.request, *self.media.facts, hosted=self.publishing.hosted, shots=self.clip_field.shots
        )

    def _draft(self) -> Draft:
        req, price, findings = self.request, None, self.media.known(self.findings)
        clip, public = self.media.facts[0], self.ws.live and self.publishing.strips
        steps, trim = self.media.strips(findings) if public else {}, self.media.after_trim(findings)
        if trim is not None:
            steps[self.clip_field.name], clip, findings = trim  # which leaves no location either
        with contextlib.suppress(RequestError):  # the findings say what is missing
            price = estimate(req, clip, prices=self.ws.prices)
        errors = {one.field for one in findings if one.severity == "error"}
        return Draft(
            req, clip, findings, price, self.measuring, bool(self.publishing.asked),
            hidden=bool(errors - self._touched), steps=tuple(steps.items()),
        )  # fmt: skip

    def _strip(self, field: str) -> None:
        """Take the location off a local medium; it blocks."""
        strip = self.media.strips(self.findings).get(field)
        if strip is not None:
            self.media.fields[field].repair.mend_now(strip)

    def _carry_out(self, draft: Draft) -> MotionRequest:
        """Do a draft's steps, which may block; return the request, which costs what was named."""
        req, clip = draft.request, draft.clip
        for field, step in draft.steps:
            made = self.media.fields[field].repair.mend_now(step)
            req = req.replace(**{field: made.source})
            clip = made if isinstance(made, Clip) else clip
        if draft.steps and self.request != req:
            raise RequestError.of("changed_after_click")
        found = estimate(req, clip, prices=self.ws.prices).high
        named = draft.price.high if draft.price is not None else 0.0
        if draft.steps and found != named:
            prices = {"price": format_price(found), "named": format_price(named)}
            raise RequestError.of("price_after_trim", **prices)
        return req

    @property
    def measuring(self) -> bool:
        """Whether a medium is still being measured."""
        return self.media.measuring

    def _apply(self, fix: Fix) -> None:
        self._guiding = True
        self._touched |= fix.changes.keys()
        self._put(fix.apply(self.request))

    def _restored(self, req: MotionRequest, name: str) -> None:
        self.load(req)
        self.announce(say("restored", name=name))

    # Drawing.

    def _measured(self) -> None:
        self.render()
        self.card.look_up()

    def _typed(self, name: str, _: object) -> None:
        if not self._loading:
            self._touched.add(name)
            self._changed()

    def _changed(self) -> None:
        with self.lock:
            self.card.changed()
            self._price_modes()
            self.render()
        self.refresh()

    def _reveal(self) -> None:
        """Show all findings, and lead to the first."""
        self._touched |= self._fields.keys()
        self.render()
        first = next((name for name, one in self._fields.items() if one.findings), "")
        if first in _FOLDED:
            self.more.unfold()
        self._lead(first)

    def _lead(self, field: str) -> None:
        """Move the focus to what can be done about a field; ``""``: to the button that submits."""
        if not field:
            self.focus(self.card.submit)
        elif self._fields[field].buttons:
            self.focus(self._fields[field].buttons[0])
        elif field in self.media.fields:
            self.media.fields[field].card.focus()
        else:
            self.focus(self.controls[field].widget)

    def refresh(self) -> None:
        """Look again for the balance, for an earlier job of the same content, and for the consent."""
        self.card.look()
        self.publishing.look()

    def _price_modes(self) -> None:
        """Name what a second costs with the chosen model."""
        mode = self.controls["mode"]
        options = mode_options(self.ws.prices, self.controls["model"].value)
        if list(mode.widget.options) != options:
            chosen, self._loading = mode.value, True
            mode.widget.options = options
            mode.value, self._loading = chosen, False

    def render(self) -> None:
        """Draw the findings, the price, the buttons and the code of the current request."""
        req, findings = self.request, self.media.known(self.findings)
        self.media.draw(findings)
        draft, offered = self._draft(), set[object]()
        marks = {}
        for name, field in self._fields.items():
            said = [one for one in findings if one.field == name and name in self._touched]
            field.say(said, partial(self._offers, offered))
            marks[name] = {
                "name": self.controls[name].widget.description, "by": " ".join(field.ids),
                "wrong": any(one.severity == "error" for one in said),
            }  # fmt: skip
        ui.assign(self.media.cards, "fields", marks)
        typed = len(req.prompt or "")
        count = say("prompt_count", count=typed, limit=LIMITS.prompt_characters)
        ui.assign(self._count, "value", f"<span>{escape(count)}</span>" if typed else "")
        sound, mark = self.controls["keep_original_sound"].widget, self.controls["watermark_info"].widget
        self.more.label(
            dotted(
                say("form_more"), say(f"more_sound_{sound.value}"), say(f"more_watermark_{mark.value}"),
                say("more_webhook" if req.webhook else "more_webhook_none"),
            )
        )  # fmt: skip
        self.publishing.draw()
        self.card.draw(draft)
        self.code.draw()
        if self._guiding and not self.media.is_busy:
            self._guiding = False
            wrong = {one.field for one in draft.findings if one.severity == "error"}
            self._lead(next((name for name in self._fields if name in wrong), ""))

    def _offers(self, offered: set[object], finding: Finding) -> list[Offer]:
        """Return the buttons beside a finding; a repair that helps with several stands beside the first."""

        def guide(act: Callable[[], object]) -> None:
            self._guiding = True
            act()

        repairs = self.media.offers(finding, offered)
        fixes = [Offer(fix.label, partial(self._apply, fix)) for fix in finding.fixes]
        return [*(replace(one, act=partial(guide, one.act)) for one in repairs), *fixes]
