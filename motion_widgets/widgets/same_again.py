"""Buttons that make a result again with one setting changed, each with what that costs now."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from motion_widgets.core.errors import MotionError, RequestError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_price
from motion_widgets.request.fields import MODES, ORIENTATIONS
from motion_widgets.request.media_source import media_kind
from motion_widgets.request.price import estimate
from motion_widgets.widgets import controls as ui

if TYPE_CHECKING:
    from collections.abc import Callable

    import ipywidgets as w

    from motion_widgets.jobs.job import Job
    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.widgets.base import Panel
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["Offer", "SameAgain", "offer_words", "offers_of"]

MOST = 4
"""Buttons."""


@dataclass(frozen=True)
class Offer:
    """One change, and what it costs. None: it goes to the form, where a picture is chosen."""

    change: str
    request: MotionRequest
    usd: float | None = None


def offers_of(ws: Workspace, row: JobRow, *, picture: bool = False) -> list[Offer]:
    """Return what a job's request would cost with another mode or orientation; `picture`: or another one."""
    try:
        req = ws.request_of(row)
        if "link" in {media_kind(req.image_url), media_kind(req.video_url)}:
            return []  # to show a row, maybe somebody else's, no link of it is fetched
        clip, image = ws.preparation.measure(req)
    except (MotionError, OSError):  # its files are not here: there is nothing to send again
        return []
    offers = []
    changes = {"mode": MODES, "character_orientation": ORIENTATIONS}
    for name, values in changes.items():
        for value in (one for one in values if one != getattr(req, name)):
            changed = req.replace(**{name: value})
            if any(one.severity == "error" for one in ws.preparation.judge(changed, clip, image)):
                continue
            words = value if name == "mode" else say(f"faces_{value}")
            with contextlib.suppress(RequestError):  # what has no price is not offered
                cost = estimate(changed, clip, prices=ws.preparation.prices).high
                offers.append(Offer(words, changed, cost))
    return [*offers, Offer(say("stage_picture"), req.replace(image_url=None))] if picture else offers


def offer_words(ws: Workspace, offer: Offer) -> str:
    """Return what the button of an offer says."""
    if offer.usd is None:
        return offer.change
    code = "stage_again_offer_live" if ws.live else "stage_again_offer"
    return say(code, change=offer.change, usd=format_price(offer.usd))


class SameAgain(ui.Column):
    """Offers what a job's request would cost with another mode, another orientation or another picture.

    `on_edit` is called with a request that is to be changed in the form, `on_submit` with a job that was
    submitted at the price that its button named.
    """

    def __init__(
        self, host: Panel, *, on_edit: Callable[[MotionRequest], object] | None,
        on_submit: Callable[[Job], object],
    ) -> None:  # fmt: skip
        self._host, self._on_edit, self._on_submit = host, on_edit, on_submit
        self._made_for: tuple[object, ...] = ()
        self._label = ui.html(cls="mw-label")
        self.choices = ui.Choices(host.edge, self._take, most=MOST)
        super().__init__(ui.flow(self._label, *self.choices.buttons))
        ui.show(self, visible=False)

    def offer(self, row: JobRow | None) -> None:
        """Offer changes of a job's request; None: there is nothing to repeat. Blocks."""
        ws = self._host.ws
        made_for = (row.id if row else "", ws.endpoint, ws.account, ws.prices)
        if made_for == self._made_for:
            return
        offers = offers_of(ws, row, picture=self._on_edit is not None) if row and row.drivable else []
        with self._host.lock:
            self._made_for = made_for
            ui.show(self, bool(offers))
            head = say("stage_again_live" if ws.live else "stage_again")
            ui.assign(self._label, "value", f'<span class="mw-muted mw-small">{escape(head)}</span>')
            self.choices.offer(offers, self._draw)

    def _draw(self, one: w.Button, offer: Offer) -> None:
        label = offer_words(self._host.ws, offer)
        if offer.usd is None:
            ui.label_button(one, label)
            return
        live, usd = self._host.ws.live, format_price(offer.usd)
        code = "stage_again_name_live" if live else "stage_again_name"
        spoken = say(code, change=offer.change, usd=usd)
        ui.label_button(one, label, tooltip=spoken, live=live)

    def _take(self, offer: Offer) -> None:
        usd = offer.usd
        if usd is not None:
            ws = self._host.ws
            self._host.later("again", lambda: ws.submit(offer.request, usd), self._on_submit)
        elif self._on_edit is not None:
            self._on_edit(offer.request)
