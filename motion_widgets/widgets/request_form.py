"""The form that builds a request: checked at every keystroke, priced, submitted by a button."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.media.repair.suggest import mends_for
from motion_widgets.request.fields import MODELS
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.price import estimate
from motion_widgets.request.request import MotionRequest
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.code_card import CodeCard
from motion_widgets.widgets.form_field import FormField, field_controls
from motion_widgets.widgets.media_field import ENDINGS, MediaField
from motion_widgets.widgets.publish_panel import PublishPanel
from motion_widgets.widgets.submit_card import Draft, SubmitCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.core.errors import ClipError
    from motion_widgets.jobs.job import Job
    from motion_widgets.request.findings import Finding, Fix
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
        self.image_field, self.clip_field = self._media_field("image"), self._media_field("clip")
        self._media = {one.name: one for one in (self.image_field, self.clip_field)}
        self.controls = field_controls({name: one.box for name, one in self._media.items()})
        """The control of each wire field, in the order of the form."""
        self._count = ui.html(cls="mw-muted mw-small")
        self._fields: dict[str, FormField] = {**self._media}
        for name, one in self.controls.items():
            below = (self._count,) if name == "prompt" else ()
            if name not in self._media:
                self._fields[name] = FormField(self._apply, one.widget, *below)
            one.widget.observe(self._changed, "value")
        self.code = CodeCard(self, get=lambda: self.request, load=self.load)
        self.publishing = PublishPanel(
            self, get=lambda: self.request, use=self.clip_field.use, looked=self.render
        )
        self.card = SubmitCard(self, get=self._draft, on_submit=on_submit, on_show=on_show)
        advice = ui.html(f'<span class="mw-muted mw-small">{escape(say("form_advice"))}</span>')
        left = ui.Column(*self._fields.values(), advice, cls="mw-stack")
        self.fill(ui.side_by_side(left, ui.Column(self.card, self.publishing, self.code, cls="mw-stack")))
        self.load(request or MotionRequest(model=MODELS[0]))
        self.later("samples", self._own_media, self._offer)
        self.watch()

    def _media_field(self, which: Literal["image", "clip"]) -> MediaField:
        return MediaField(
            self, which, apply=self._apply, measured=self._measured, looked=self.render,
            restored=self._restored,
        )  # fmt: skip

    def _own_media(self) -> dict[str, tuple[str, ...]]:
        """Draw the samples, and return them before the user's own files, by wire field."""
        samples = self.ws.samples()
        drawn = {"image_url": (samples.image,), "video_url": (samples.clip_6s, samples.clip_12s)}
        own = sorted({*self.ws.folder.iterdir(), *Path.cwd().iterdir()})[:500]
        found = {}
        for name, one in self._media.items():
            files = [path for path in own if path.suffix.lower() in ENDINGS[one.which]][:50]
            found[name] = tuple(map(str, (*drawn[name], *files)))
        return found

    def _offer(self, found: dict[str, tuple[str, ...]]) -> None:
        for name, paths in found.items():
            self._media[name].box.options = paths

    # The request.

    @property
    def request(self) -> MotionRequest:
        """The current request; any draft."""
        return MotionRequest(**{name: one.value for name, one in self.controls.items()})

    def load(self, req: MotionRequest) -> None:
        """Put a request into the form. Values that its controls do not know are left unchosen."""
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
            self.request, self._clip, self._image, hosted=self.publishing.hosted, shots=self.clip_field.shots
        )

    def _draft(self) -> Draft:
        req, price = self.request, None
        with contextlib.suppress(RequestError):
            price = estimate(req, self._clip, prices=self.ws.prices)
        pending = {name for name, one in self._media.items() if one.measuring}
        findings = [one for one in self.findings if one.code != "not_measured" or one.field not in pending]
        return Draft(req, self._clip, findings, price, self.measuring, bool(self.publishing.asked))

    @property
    def _clip(self) -> Clip | ClipError | None:
        fact = self.clip_field.fact
        return None if isinstance(fact, Image) else fact

    @property
    def _image(self) -> Image | ClipError | None:
        fact = self.image_field.fact
        return None if isinstance(fact, Clip) else fact

    @property
    def measuring(self) -> bool:
        """Whether a medium is still being measured."""
        return any(one.measuring for one in self._media.values())

    def _apply(self, fix: Fix) -> None:
        self.load(fix.apply(self.request))

    def _restored(self, req: MotionRequest, name: str) -> None:
        self.load(req)
        self.announce(say("restored", name=name))

    # Drawing.

    def _measured(self) -> None:
        self.render()
        self.card.look_up()

    def _changed(self, _: object = None) -> None:
        if self._loading:
            return
        with self.lock:
            self.card.changed()
            self.render()
        self.refresh()

    def refresh(self) -> None:
        """Look again for the balance, for an earlier job of the same content, and for the consent."""
        self.card.look()
        self.publishing.look()

    def render(self) -> None:
        """Draw the findings, the price, the buttons and the code of the current request."""
        draft = self._draft()
        turned, shots = draft.request.character_orientation, self.clip_field.shots
        mends = [
            op for one in draft.findings for op in mends_for(one, draft.clip, self._image, turned, shots)
        ]
        for medium in self._media.values():
            medium.draw(mends, turned)
        for name, field in self._fields.items():
            field.say([one for one in draft.findings if one.field == name])
        typed = len(draft.request.prompt or "")
        ui.assign(self._count, "value", say("prompt_count", count=typed, limit=LIMITS.prompt_characters))
        self.card.draw(draft)
        self.code.draw()
