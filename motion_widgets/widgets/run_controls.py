"""The sweep board's buttons: start a run at a named price, add to it, hold it, retry, decide doubts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.money import cents_up, format_price, to_micro
from motion_widgets.log.states import State
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import SETTLE
from motion_widgets.widgets.run_addition import RunAddition
from motion_widgets.widgets.sweep_cells import is_unfilled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ipywidgets as w

    from motion_widgets.log.rows import JobRow
    from motion_widgets.sweep import Plan, Run
    from motion_widgets.sweep.progress import Outlook, Standing
    from motion_widgets.sweep.run_cells import CellGroup
    from motion_widgets.widgets.base import Panel
    from motion_widgets.widgets.budget_field import BudgetField

__all__ = ["RunControls"]


class RunControls:
    """Starts, adds, holds and retries; what can be clicked follows from the plan and the state of its run.

    Parameters
    ----------
    budget
        The budget beside the plan, and the part that it buys.
    plan, run
        Return the plan and the run on show. None: there is none yet.
    started
        Called with the standing of a new run, or of one that grew. None: it did not start.
    moved
        Called when a run that may have come to rest goes on, or was held.
    compare
        Called with a run whose results are to be compared. None: nobody compares.
    """

    def __init__(
        self, host: Panel, budget: BudgetField, *, plan: Callable[[], Plan | None],
        run: Callable[[], Run | None], started: Callable[[Standing[Run] | None], None],
        moved: Callable[[], None], compare: Callable[[Run], None] | None = None,
    ) -> None:  # fmt: skip
        self._host, self._budget, self._plan, self._run = host, budget, plan, run
        self._started, self._moved, self._on_compare = started, moved, compare
        self._starting = False
        self.plans = True
        """Whether a plan can be run; else a run is watched, and may not be read yet."""
        self.start = ui.button(host.edge, "", self._start, cls="mw-primary mw-run")
        self.compare = ui.button(host.edge, "", self._compare, cls="mw-primary")
        self.addition = RunAddition(host, budget, run=run, send=self.send)
        self.hold = ui.button(host.edge, say("board_hold"), self._hold)
        self.retry = ui.button(host.edge, "", self._retry)
        self.resend = ui.button(host.edge, "", lambda: self._decide("resend"))
        self.write_off = ui.button(host.edge, "", lambda: self._decide("write_off"))
        self._unknown = 0
        """Cells of unknown outcome that the buttons speak of."""
        self._named: dict[str, float] = {}
        """What the buttons of the run name, in USD."""
        self.draw_run(None)

    @property
    def after_run(self) -> tuple[w.Button, ...]:
        """What is offered once a run rests."""
        return self.retry, self.resend, self.write_off

    def draw_start(self) -> None:
        """Name the price of the cells that a click would run; a run on show is added to instead."""
        whole, part, live = self._plan(), self._budget.part, self._host.ws.live
        plan = part or whole
        ready = plan is not None and self._is_ready()
        label = say("board_planning")
        if plan is not None and whole is not None:
            cells = _new(plan)
            code = ("board_run_live" if live else "board_run_sandbox") if cells else "board_attach"
            code = "board_run_part" if part is not None and cells else code
            if is_unfilled(plan):
                code = "line_unfilled"
            where = say("live_for_money" if live else "in_the_sandbox")
            label = say(code, count=cells, all=_new(whole), price=format_price(plan.cost.high), where=where)
            ready = ready and any(cell.status not in ("invalid", "double") for cell in plan.cells)
        shown = say("submitting") if self._starting else label
        ui.label_button(self.start, shown, tooltip=label, enabled=ready, live=live)
        ui.show(self.start, self.plans and self._run() is None)

    def price_run(
        self, standing: Standing[Run], outlook: Outlook, *, resting: bool, paused: bool
    ) -> dict[str, float]:
        """Return what the buttons of a run are to name, in USD: what each would send, as it costs now."""
        wanted: dict[CellGroup, object] = {
            "planned": paused, "failed": resting and (outlook.failed or outlook.waiting),
            "unknown": resting and outlook.unknown,
        }  # fmt: skip
        # What is not on its way yet comes back to a paused run: letting it go on sends that as well.
        rows = [replace(row, state=State.PLANNED.value) if _comes_back(row) else row for row in standing.rows]
        return {what: standing.run.price(what, rows).high for what, one in wanted.items() if one}

    def draw_run(
        self, outlook: Outlook | None, named: Mapping[str, float] | None = None, *, resting: bool = False,
        paused: bool = False,
    ) -> None:  # fmt: skip
        """Offer what can be done about the run on show, at prices that were `named`. None: there is none."""
        self._named = dict(named or {})
        ui.show(self.hold, outlook is not None and (paused or not resting))
        if paused:
            self._label(self.hold, ("board_go_on", "board_go_on_live"), "planned")
        else:
            ui.label_button(self.hold, say("board_hold"))
        rest = outlook is not None and resting and (outlook.failed or (outlook.waiting and not paused))
        ui.show(self.retry, rest)
        if outlook is not None:
            retry, send = ("board_retry", "board_retry_live"), ("board_send", "board_send_live")
            self._label(self.retry, retry if outlook.failed else send, "failed")
        self._draw_unknown(outlook if resting else None)
        done = outlook.done if outlook is not None and self._on_compare is not None else 0
        ui.show(self.compare, done)
        ui.label_button(self.compare, say("board_compare" if done > 1 else "board_compare_one", count=done))

    def _label(self, button: w.Button, codes: tuple[str, str], what: CellGroup, count: int = 0) -> None:
        """Label a button with what it sends, in the sandbox or live, and for how much."""
        live, amount = self._host.ws.live, format_price(self._named.get(what, 0.0))
        ui.label_button(button, say(codes[live], count=count, price=amount), live=live)

    def _draw_unknown(self, outlook: Outlook | None) -> None:
        """Offer what can be done about unknown outcomes, at a named price."""
        self._unknown = count = outlook.unknown if outlook is not None else 0
        for one in (self.resend, self.write_off):
            ui.show(one, count)
        if outlook is not None and count:
            self._label(self.resend, ("board_resend", "board_resend_live"), "unknown", count)
            spent = say("board_write_off", count=count, price=format_price(outlook.in_doubt))
            ui.label_button(self.write_off, spent)

    def _is_ready(self) -> bool:
        return not (self._starting or self._budget.wrong or self._budget.waiting)

    def _start(self) -> None:
        whole, part, bound = self._plan(), self._budget.part, self._budget.bound
        plan = part or whole
        if plan is not None and self._is_ready() and self._run() is None:
            # The click is on a button that names this price, in whole cents.
            self.send(plan, bound if bound is not None else cents_up(to_micro(plan.cost.high)))

    def send(self, plan: Plan, budget: float | None, into: Run | None = None) -> None:
        """Run a plan, or add it to a run; what changed meanwhile stops it before anything is sent."""
        offer = self._offer()

        def work() -> Standing[Run]:
            if self._offer() != offer:
                raise RequestError.of("changed_after_click")
            return plan.run(budget=budget, into=into).standing()

        def done(standing: Standing[Run]) -> None:
            self._starting = False
            self._host.announce("")
            self._started(standing)

        def failed(message: str) -> None:
            self._starting = False
            self._host.announce(message, bad=True)
            self._started(None)

        with self._host.lock:
            if self._starting:
                return
            self._starting = True
            self._host.later("follow", lambda: None)  # a run that is being opened comes too late now
            self._host.later("run", work, done, failed=failed, delay=SETTLE)
            self.draw_start()  # only now: what fails in it leaves the button usable

    def _offer(self) -> tuple[object, ...]:
        """Return what a click is about: the new cells of the plan and of its part, and the budget."""
        plans = (self._plan(), self._budget.part)
        return (*(one and _prices(one) for one in plans), self._budget.bound)

    def _compare(self) -> None:
        run = self._run()
        if run is not None and self._on_compare is not None:
            self._on_compare(run)

    def _hold(self) -> None:
        """Pause the run, or let it go on: in every process that works on its cells."""
        run, named = self._run(), self._named.get("planned")
        if run is None:
            return

        def work() -> str:
            if named is None:
                return say("board_held", id=run.pause().id)
            run.resume(named)
            return say("board_resumed")

        def done(said: str) -> None:
            self._host.announce(said)
            self._moved()

        self._host.later("hold", work, done, in_turn=True)

    def _retry(self) -> None:
        run, named = self._run(), self._named.get("failed", 0.0)
        if run is not None:
            self._host.later("retry", lambda: run.retry("failed", named), lambda _: self._moved())

    def _decide(self, how: Literal["resend", "write_off"]) -> None:
        """Send all cells of unknown outcome again, or write them off: those that the button speaks of."""
        run, count, named = self._run(), self._unknown, self._named.get("unknown", 0.0)
        if run is None or not count:
            return

        def work() -> None:
            if sum(row.undecided for row in run.rows()) != count:
                raise RequestError.of("changed_after_click")
            if how == "resend":
                run.resend(named)
            else:
                run.write_off()

        self._host.later("decide", work, lambda _: self._moved())


def _comes_back(row: JobRow) -> bool:
    """Return whether a job was to be sent and its run is asked once more before it is."""
    return row.state == State.SUBMITTING and row.sent is None


def _prices(plan: Plan) -> list[tuple[str, object]]:
    return [(cell.key, cell.estimate) for cell in plan.cells if cell.status == "new"]


def _new(plan: Plan) -> int:
    return sum(cell.status == "new" for cell in plan.cells)
