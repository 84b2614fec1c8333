"""Adding the rest of a plan to its run: a second thought, and never more than the run's budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from motion_widgets.core.messages import say
from motion_widgets.core.money import format_left, format_price
from motion_widgets.widgets import controls as ui

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sweep import Plan, Run
    from motion_widgets.widgets.base import Panel
    from motion_widgets.widgets.budget_field import BudgetField

__all__ = ["RunAddition"]


class RunAddition:
    """A button that names the rest, and a card that asks before it is sent.

    The rest is paid from the run's own budget, which stays what it is until a person types another one.

    Parameters
    ----------
    budget
        The field in which another budget for the whole run may be typed.
    run
        Return the run on show. None: there is none.
    send
        Called with the rest, the new budget (USD; None: the run's own stays) and the run.
    """

    def __init__(
        self, host: Panel, budget: BudgetField, *, run: Callable[[], Run | None],
        send: Callable[[Plan, float | None, Run], None],
    ) -> None:  # fmt: skip
        self._host, self._budget, self._run, self._send = host, budget, run, send
        self._rest: Plan | None = None
        self._limit: float | None = None
        self._used = 0.0
        self.offer = ui.button(host.edge, "", self._ask)
        self._said = ui.live_region()
        self.confirm = ui.button(host.edge, "", self._confirm)
        self.cancel = ui.button(host.edge, say("add_cancel"), self._close)
        self.card = ui.Column(self._said, ui.flow(self.confirm, self.cancel), cls="mw-card")
        self.draw(None)

    def draw(self, rest: Plan | None, *, limit: float | None = None, used: float = 0.0) -> None:
        """Offer the rest of a plan, if any, beside its run, whose budget is `limit` (USD; None: none)."""
        if rest is None or (self._rest is not None and len(rest.cells) != len(self._rest.cells)):
            ui.show(self.card, visible=False)  # what was asked is no longer what would be sent
        self._rest, self._limit, self._used = rest, limit, used
        ui.show(self.offer, rest is not None)
        if rest is None:
            return
        live, price = self._host.ws.live, format_price(rest.cost.high)
        ui.label_button(self.offer, say("add_offer", count=len(rest.cells), price=price), live=live)
        self._draw_card(rest)

    def _draw_card(self, rest: Plan) -> None:
        limit, price = self._new_limit, rest.cost.high
        left = math.inf if limit is None else max(limit - self._used, 0.0)
        least = min((cell.estimate.high for cell in rest.cells if cell.estimate is not None), default=0.0)
        code = "add_holds" if left >= price else "add_some" if left >= least else "add_none"
        told = {
            "price": format_price(price), "left": format_left(left if limit is not None else 0.0),
            "limit": format_left(limit or 0.0), "need": format_price(self._used + price),
        }  # fmt: skip
        ui.speak(self._said, ui.note(say("add_free" if limit is None else code, **told)))
        live = self._host.ws.live
        where = say("live_for_money" if live else "in_the_sandbox")
        most = told["price"] if left >= price else told["left"]
        label = say("add_confirm", count=len(rest.cells), where=where, price=most)
        ready = left >= least and not self._budget.wrong
        ui.label_button(self.confirm, label, enabled=ready, live=live)

    @property
    def _new_limit(self) -> float | None:
        """What the whole run may cost: what a person typed, else the budget that it has."""
        typed = self._budget.bound
        return self._limit if typed is None or math.isnan(typed) else typed

    def _ask(self) -> None:
        if ui.toggle(self.card) and self._rest is not None:
            self._draw_card(self._rest)

    def _close(self) -> None:
        ui.show(self.card, visible=False)

    def _confirm(self) -> None:
        run, rest, limit = self._run(), self._rest, self._new_limit
        if run is None or rest is None or self.confirm.disabled:
            return
        self._close()
        self._send(rest, None if limit == self._limit else limit, run)
