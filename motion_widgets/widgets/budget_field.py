"""The budget that a person types beside a plan, and what it buys of a plan that costs more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.errors import MotionError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.widgets.base import DEBOUNCE
from motion_widgets.widgets.controls import assign, control, live_region, note, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sweep import Plan
    from motion_widgets.widgets.base import Panel

__all__ = ["BudgetField"]


class BudgetField:
    """A budget in USD, and the balanced part of a plan that fits it.

    Parameters
    ----------
    panel
        On whose threads the part is worked out.
    on_change
        Called when the budget or the part changed.
    """

    def __init__(self, panel: Panel, on_change: Callable[[], object]) -> None:
        self._panel, self._on_change = panel, on_change
        self._plan: Plan | None = None
        self._found: tuple[Plan, float, Plan | None] | None = None
        """Of which plan and budget a part was looked for, and the part, if there is one."""
        self.field = control(w.Text, say("board_budget"), placeholder=say("board_budget_hint"))
        self.field.observe(self._changed, "value")
        self.gives_up = live_region()
        self._wrong = False

    @property
    def bound(self) -> float | None:
        """The budget in USD. None: none was given. NaN: it is no amount."""
        text = self.field.value.strip().removeprefix("$")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            return math.nan
        return value if 0 <= value < math.inf else math.nan

    @property
    def wrong(self) -> bool:
        """Whether what stands there is no amount."""
        return self.bound is not None and math.isnan(self.bound)

    @property
    def waiting(self) -> bool:
        """Whether it is still being worked out what the budget buys."""
        return self._short and not self._known

    @property
    def part(self) -> Plan | None:
        """What the budget buys of the plan. None: all of it, or nothing that would tell anything."""
        return self._found[2] if self._short and self._known and self._found is not None else None

    def take(self, plan: Plan | None) -> None:
        """Take another plan over."""
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
            self._panel.announce(
                say("bound_wrong", found=self.field.value) if self.wrong else "", bad=self.wrong
            )
        self._wrong = self.wrong
        self._look()
        self._on_change()

    def _look(self) -> None:
        plan, bound = self._plan, self.bound
        if plan is None or bound is None or not self._short:
            assign(self.gives_up, "value", status(""))
            return
        if self._known:
            return

        def work() -> Callable[[], None]:
            part: Plan | None = None
            try:
                part = plan.for_budget(bound)
                head, *rest = part.gives_up
                items = "".join(f"<li>{escape(one)}</li>" for one in rest)
                told = f'<div class="mw-note mw-warning"><b>{escape(head)}</b><ul>{items}</ul></div>'
            except MotionError as error:
                told = note(f"{error} {say('board_part_none')}", kind="warning")

            def take() -> None:
                self._found = (plan, bound, part)
                assign(self.gives_up, "value", status(told))
                self._on_change()

            return take

        self._panel.later("part", work, delay=DEBOUNCE)
