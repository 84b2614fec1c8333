"""The budget that a person types beside a plan, and the part of a plan that it buys."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.request.findings import show
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import DEBOUNCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sweep import Plan
    from motion_widgets.widgets.base import Panel

__all__ = ["BudgetField"]


class BudgetField:
    """A budget in USD, and the balanced part of a plan that fits it.

    `on_change` is called when the budget or the part changed.
    """

    def __init__(self, panel: Panel, on_change: Callable[[], object]) -> None:
        self._panel, self._on_change = panel, on_change
        self._plan: Plan | None = None
        self._found: tuple[Plan, float, Plan | None] | None = None
        """A plan, a budget, and the part of the plan that it buys, if it buys any."""
        self.field = ui.control(w.Text, say("board_budget"), placeholder=say("board_budget_hint"))
        self.field.observe(panel.edge.guard(self._changed), "value")
        self.gives_up = ui.live_region()
        self._wrong = False

    @property
    def bound(self) -> float | None:
        """The budget in USD. None: none was given. NaN: what was typed is not an amount."""
        text = ui.typed(self.field.value).strip().removeprefix("$")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            return math.nan
        return value if 0 <= value < math.inf else math.nan

    @property
    def wrong(self) -> bool:
        """Whether what was typed is not an amount."""
        return self.bound is not None and math.isnan(self.bound)

    @property
    def waiting(self) -> bool:
        """Whether the part is still being worked out."""
        return self._short and not self._known

    @property
    def part(self) -> Plan | None:
        """The part of the plan that the budget buys. None: all of it, or nothing worth running."""
        return self._found[2] if self._short and self._known and self._found is not None else None

    def take(self, plan: Plan | None) -> None:
        """Take over another plan."""
        self._plan = plan
        self._look()

    @property
    def _short(self) -> bool:
        return self._plan is not None and self.bound is not None and self.bound < self._plan.cost.high

    @property
    def _known(self) -> bool:
        found = self._found
        return found is not None and found[0] is self._plan and found[1] == self.bound

    def _changed(self, _: Any) -> None:
        if self.wrong or self._wrong:
            said = say("bound_wrong", found=show(self.field.value)) if self.wrong else ""
            self._panel.announce(said, bad=self.wrong)
        self._wrong = self.wrong
        self._look()
        self._on_change()

    def _look(self) -> None:
        """Find out, off the callbacks, which part of the plan the budget buys."""
        plan, bound = self._plan, self.bound
        if plan is None or bound is None or not self._short:
            ui.speak(self.gives_up, "")
            return

        def take(part: Plan | None, told: str) -> None:
            if self._plan is plan and self.bound == bound:  # else something newer is looked for, or nothing
                self._found = (plan, bound, part)
                ui.speak(self.gives_up, told)
                self._on_change()

        def bought(part: Plan) -> None:
            head, *rest = part.gives_up
            take(part, f'<div class="mw-note mw-tells">{escape(head)} {ui.folded(rest)}</div>')

        def failed(message: str) -> None:
            take(None, ui.note(f"{message} {say('board_part_none')}", kind="warning"))

        if not self._known:
            self._panel.later("part", lambda: plan.for_budget(bound), bought, failed=failed, delay=DEBOUNCE)
