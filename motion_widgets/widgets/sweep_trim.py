"""One button that trims the clips that are too long for some cells, for all cells alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.messages import say
from motion_widgets.core.texts import first_of
from motion_widgets.media.repair.shortcuts import trim_clip
from motion_widgets.widgets import controls as ui

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sweep import Plan
    from motion_widgets.sweep.trim_offer import Offer
    from motion_widgets.widgets.base import Panel

__all__ = ["SweepTrim"]


class SweepTrim:
    """Offers to trim, and remembers which clip was taken in place of which; `on_change` is called then."""

    def __init__(self, host: Panel, on_change: Callable[[], object]) -> None:
        self._host, self._on_change = host, on_change
        self._offer: Offer[Plan] | None = None
        self.taken: dict[str, str] = {}
        """The trimmed clip's path by that of the clip."""
        self._said = ui.live_region()
        self.button = ui.button(host.edge, "", self._trim)
        self.view = ui.flow(self._said, self.button, cls="mw-finding")
        self.offer(None)

    def offer(self, offer: Offer[Plan] | None) -> None:
        """Show what a plan offers. None: nothing is too long, or only a run is on show."""
        self._offer = offer
        ui.show(self.view, offer is not None)
        if offer is None:
            ui.speak(self._said, "")
            return
        names = first_of([clip.name for clip in offer.clips])
        told = say("trim_all_why", names=names, count=len(offer.cells), seconds=offer.seconds)
        ui.speak(self._said, ui.note(told, kind="error"))
        ui.label_button(self.button, say("trim_all", seconds=offer.seconds))

    def _trim(self) -> None:
        offer = self._offer
        if offer is None:
            return
        ui.label_button(self.button, say("trim_all_going"), enabled=False)

        def work() -> dict[str, str]:
            return {clip.source: trim_clip(clip, length=offer.seconds).source for clip in offer.clips}

        def done(taken: dict[str, str]) -> None:
            self.taken |= taken
            self._on_change()

        def failed(message: str) -> None:
            self._host.announce(message, bad=True)
            self.offer(offer)

        self._host.later("trim", work, done, failed=failed)
