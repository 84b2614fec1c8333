"""The sweep board's buttons: start a run at a named price, hold it, run what failed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import SETTLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sweep import Plan, Run
    from motion_widgets.sweep.progress import Outlook, Standing
    from motion_widgets.widgets.base import Panel
    from motion_widgets.widgets.budget_field import BudgetField

__all__ = ["RunControls"]


class RunControls:
    """Starts, holds and retries; what can be clicked follows from the plan and from the state of its run.

    Parameters
    ----------
    budget
        The budget beside the plan, and the part that it buys.
    plan, run
        Return the plan and the run on show. None: there is none yet.
    started
        Called with the standing of a new run. None: it did not start.
    moved
        Called when a run that may have come to rest goes on, or was held.
    """

    def __init__(
        self, host: Panel, budget: BudgetField, *, plan: Callable[[], Plan | None],
        run: Callable[[], Run | None], started: Callable[[Standing[Run] | None], None],
        moved: Callable[[], None],
    ) -> None:  # fmt: skip
        self._host, self._budget, self._plan, self._run = host, budget, plan, run
        self._started, self._moved = started, moved
        self._starting = False
        self.start = ui.button("", self._start, cls="mw-primary mw-run")
        self.hold = ui.button(say("board_hold"), self._hold)
        self.retry = ui.button(say("board_retry"), self._retry)
        self.draw_run(None)

    def draw_start(self) -> None:
        """Name the price of the cells that a click would run."""
        whole, part, live = self._plan(), self._budget.part, self._host.ws.live
        plan = part or whole
        ready = plan is not None and self._is_ready()
        label = say("board_planning")
        if plan is not None and whole is not None:
            cells = _new(plan)
            code = ("board_run_live" if live else "board_run_sandbox") if cells else "board_attach"
            code = "board_run_part" if part is not None and cells else code
            where = say("live_for_money" if live else "in_the_sandbox")
            label = say(code, count=cells, all=_new(whole), price=format_usd(plan.cost.high), where=where)
            ready = ready and any(cell.status not in ("invalid", "double") for cell in plan.cells)
        shown = say("submitting") if self._starting else label
        ui.label_button(self.start, shown, tooltip=label, enabled=ready, live=live)

    def draw_run(self, outlook: Outlook | None, *, resting: bool = False, paused: bool = False) -> None:
        """Offer what can be done about the run on show. None: there is none."""
        ui.show(self.hold, outlook is not None and (paused or not resting))
        ui.assign(self.hold, "description", say("board_go_on" if paused else "board_hold"))
        rest = outlook is not None and resting and (outlook.failed or (outlook.waiting and not paused))
        ui.show(self.retry, rest)
        if outlook is not None:
            ui.assign(self.retry, "description", say("board_retry" if outlook.failed else "board_send"))

    def _is_ready(self) -> bool:
        return not (self._starting or self._budget.wrong or self._budget.waiting)

    def _offer(self) -> tuple[Plan | None, Plan | None, float | None]:
        """Return the plan, the part of it that the budget buys, and the budget."""
        return self._plan(), self._budget.part, self._budget.bound

    def _start(self) -> None:
        with self._host.lock:
            offer = whole, part, bound = self._offer()
            plan = part or whole
            if plan is None or not self._is_ready():
                return
            self._starting = True
            self.draw_start()
        named = plan.cost.high  # the click is on a button that names this price

        def work() -> Standing[Run]:
            if self._offer() != offer:  # the click overtook a change
                raise RequestError.of("changed_after_click")
            return plan.run(budget=bound if bound is not None else named).standing()

        def done(standing: Standing[Run]) -> None:
            self._starting = False
            if part is not None:
                self._budget.field.value = ""  # it was given to this run
            self._host.announce(say("board_started", id=standing.run.id))
            self._started(standing)

        def failed(message: str) -> None:
            self._starting = False
            self._host.announce(message, bad=True)
            self._started(None)

        self._host.later("run", work, done, failed=failed, delay=SETTLE)

    def _hold(self) -> None:
        """Pause the run, or let it go on: in every process that works on its cells."""
        run = self._run()
        if run is None:
            return

        def work() -> str:
            paused = run.paused
            (run.resume if paused else run.pause)()
            return say("board_resumed") if paused else say("board_held", id=run.id)

        def done(said: str) -> None:
            self._host.announce(said)
            self._moved()

        self._host.later("hold", work, done)

    def _retry(self) -> None:
        run = self._run()
        if run is not None:
            self._host.later("retry", lambda: run.retry("failed"), lambda _: self._moved())


def _new(plan: Plan) -> int:
    return sum(cell.status == "new" for cell in plan.cells)
