"""What stands on a stage before there is a job: what this is, and a click that makes a first result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_price
from motion_widgets.media.preview import thumbnail
from motion_widgets.request.fields import MODELS
from motion_widgets.request.request import MotionRequest
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.media_preview import data_link

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.jobs.job import Job
    from motion_widgets.request.price import Estimate
    from motion_widgets.widgets.base import Panel

__all__ = ["Welcome"]


class Welcome(ui.Column):
    """Shows what this is, and has buttons that make a sample result or compare four.

    `greet` is called with the file of a sample result (``""``: it is still being drawn) and a still of it;
    `on_edit` with the sample's request before it is submitted, so that a form shows it; `on_submit` with its
    job; `on_sweep` with a request whose settings are to be compared.
    """

    def __init__(
        self,
        host: Panel,
        greet: Callable[[str, str], object],
        *,
        on_edit: Callable[[MotionRequest], object] | None,
        on_sweep: Callable[[MotionRequest], object] | None,
        on_submit: Callable[[Job], object],
    ) -> None:
        self._host, self._greet = host, greet
        self._on_edit, self._on_sweep, self._on_submit = on_edit, on_sweep, on_submit
        self._begun = self._complained = False
        self._shown: tuple[str, str] | None = None
        """With what `greet` was called last."""
        self._sample: tuple[MotionRequest, Estimate] | None = None
        self._text = ui.html()
        self.go = ui.button(host.edge, say("stage_drawing"), self._try, cls="mw-primary")
        self.compare = ui.button(host.edge, say("stage_sweep"), self._see_four)
        advice = ui.html(f'<span class="mw-muted mw-small">{escape(say("stage_advice"))}</span>')
        super().__init__(self._text, ui.flow(self.go, self.compare), advice, cls="mw-welcome-text")

    def draw(self) -> None:
        """Show what this is, and begin to draw the sample the first time."""
        with self._host.lock:
            self._say()
            if self._shown is not None:
                self._greet(*self._shown)
            begun, self._begun = self._begun, True
        if not begun:
            self._host.later("sample", self._prepare, self._prepared, failed=self._undrawn)

    def _say(self) -> None:
        live = self._host.ws.live
        usd = format_price(self._sample[1].high) if self._sample is not None else ""
        how = [say("stage_welcome_how")]
        if not live:
            how += [say("stage_welcome_sandbox"), *([say("stage_welcome_live", usd=usd)] if usd else [])]
        text = f"<h3>{escape(say('stage_welcome'))}</h3><p>{escape(' '.join(how))}</p>"
        ui.assign(self._text, "value", text)
        ui.show(self.compare, self._on_sweep is not None and self._sample is not None)
        if self._sample is None:
            ui.label_button(self.go, say("stage_drawing"), enabled=False)
            return
        label = say("stage_try_live" if live else "stage_try", usd=usd)
        ui.label_button(self.go, label, live=live)

    def _prepare(self) -> tuple[MotionRequest, Estimate, str]:
        """Draw the samples, and return their request, what it costs and the image's picture."""
        samples = self._host.ws.samples()
        req = MotionRequest(
            model=MODELS[-1], image_url=str(samples.image), video_url=str(samples.clip_6s),
            character_orientation="image", mode="std",
        )  # fmt: skip
        return req, self._host.ws.estimate(req), data_link(thumbnail(samples.image, 360))

    def _prepared(self, made: tuple[MotionRequest, Estimate, str]) -> None:
        req, cost, still = made
        self._sample = (req, cost)
        if self._complained:
            self._complained = False
            self._host.announce("")
        self._show("", still)
        self._say()
        # The still stands until the real thing is there.
        drawn = self._host.ws.media.sample_result
        self._host.later("sample result", lambda: str(drawn()), lambda path: self._show(path, still))

    def _undrawn(self, why: str) -> None:
        self._begun, self._complained = False, True  # the next drawing tries again
        self._host.announce(why, bad=True)

    def _show(self, sample: str, still: str) -> None:
        self._shown = (sample, still)
        self._greet(sample, still)

    def _try(self) -> None:
        if self._sample is None:
            return
        req, cost = self._sample
        ui.label_button(self.go, say("submitting"), enabled=False)
        if self._on_edit is not None:
            self._on_edit(req)
        self._host.later(
            "try", lambda: self._host.ws.submit(req, cost.high), self._on_submit, failed=self._failed
        )

    def _failed(self, said: str) -> None:
        self._host.announce(said, bad=True)
        self._say()

    def _see_four(self) -> None:
        if self._sample is not None and self._on_sweep is not None:
            self._on_sweep(self._sample[0])
