"""Running chosen jobs again, or one of them with a setting changed, at the price that the button names."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError, MotionError, RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_price
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import DEBOUNCE, SETTLE
from motion_widgets.widgets.same_again import offer_words, offers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.jobs.job import Job
    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.widgets.base import Panel
    from motion_widgets.widgets.row_grid import RowGrid
    from motion_widgets.widgets.same_again import Offer

__all__ = ["RepeatOffer"]

MOST = 20
"""Rows that one click runs again at most."""

Priced = tuple["MotionRequest", float]
"""A request, and the most that it may cost (USD)."""


class RepeatOffer:
    """Prices requests of the log anew and sends them, each once per click.

    Parameters
    ----------
    table
        The panel.
    grid
        Has the chosen rows, and says what is offered.
    rows
        Return the chosen rows from the log.
    """

    def __init__(self, table: Panel, grid: RowGrid, rows: Callable[[], list[JobRow]]) -> None:
        self._table, self._grid, self._rows = table, grid, rows
        self._priced: tuple[Any, list[Priced]] = (None, [])
        """What the button names the price of: ids and endpoint; each request and its price (USD)."""
        self.busy = False
        self._again: tuple[Any, list[Offer]] = (None, [])
        """The row that is open and the endpoint, and what is offered of it."""

    def _key(self, *ids: str) -> tuple[Any, ...]:
        ws = self._table.ws
        return (*ids, ws.endpoint, ws.account)

    def _say(self, **changes: Any) -> None:
        ui.assign(self._grid, "actions", {**self._grid.actions, **changes})

    # The chosen rows again.

    def chosen(self, _: object = None) -> None:
        """Name what the chosen rows would cost now."""
        ids = self._grid.chosen
        self._offer(say("log_rerun_pricing") if ids else None)
        if not ids:
            self._table.later("price", lambda: None)  # what is being priced is not chosen any more
            return
        key = self._key(*ids)

        def take(priced: list[Priced]) -> None:
            self._priced = (key if priced else None, priced)
            price = format_price(sum(high for _, high in priced))
            text = say("log_rerun_live" if self._table.ws.live else "log_rerun", price=price)
            self._offer(text, ready=bool(priced))

        def failed(message: str) -> None:
            many = len(self._grid.chosen) > MOST
            self._priced = (None, [])
            self._offer(say("log_rerun_many", most=MOST) if many else say("log_rerun_bad"), why=message)

        self._table.later("price", self._prices, take, failed=failed, delay=DEBOUNCE)

    def _prices(self) -> list[Priced]:
        rows, priced = self._rows(), []
        if len(rows) > MOST:
            raise LogError.of("log_rerun_many", most=MOST)
        for row in rows:
            try:
                request = self._table.ws.request_of(row)
                priced.append((request, self._table.ws.preparation.prepare(request)[1].high))
            except MotionError as error:
                raise LogError.of("log_rerun_no", id=row.id, reason=error) from error
        return priced

    def _offer(self, text: str | None, *, ready: bool = False, why: str = "") -> None:
        live = self._table.ws.live
        self._say(rerun=None if text is None else {"text": text, "ready": ready, "why": why, "live": live})

    def run(self) -> None:
        """Run the chosen rows again, at the price that was named."""
        table, started = self._table, 0

        def work() -> None:
            nonlocal started
            if key != self._key(*self._grid.chosen):  # the click overtook a change
                raise RequestError.of("changed_after_click")
            for request, price in priced:
                table.ws.submit(request, max_cost=price, new=True)
                started += 1

        def done(wrong: str = "") -> None:
            self.busy = False
            self._priced = (None, [])
            self._grid.chosen = []
            begun = say("log_reran", count=started) if started else ""
            table.announce(f"{begun} {wrong}".strip(), bad=bool(wrong))

        with table.lock:
            key, priced = self._priced
            if self.busy or key is None or key != self._key(*self._grid.chosen):
                return
            self.busy = True
            table.later("rerun", work, lambda _: done(), failed=done, delay=SETTLE)
            self._offer(say("submitting"))  # only now: what fails in it leaves the button usable

    # One row again, with one setting changed.

    def open(self, job_id: str) -> None:
        """Offer the other values of a row's settings, each at what it costs now."""
        ws = self._table.ws

        def work() -> list[Offer]:
            row = ws.log_store.jobs.get(job_id)
            return offers_of(ws, row) if row.drivable else []

        self._table.later("again", work, partial(self._opened, job_id))

    def _opened(self, job_id: str, found: list[Offer]) -> None:
        self._again = (self._key(job_id), found)
        self._say(again={"id": job_id, "offers": [offer_words(self._table.ws, one) for one in found]})

    def again(self, job_id: str, which: object) -> None:
        """Send one of the offers, and choose it together with the row that it came from."""
        key, found = self._again
        if key != self._key(job_id) or type(which) is not int or not 0 <= which < len(found):
            return
        offer, table = found[which], self._table
        self._again = (None, [])  # a second click sends nothing

        def done(job: Job) -> None:
            self._grid.chosen = [job_id, job.id]
            table.announce(say("log_again_started", id=job.id, value=offer.change))

        table.later(f"again {job_id}", lambda: table.ws.submit(offer.request, max_cost=offer.usd), done)
