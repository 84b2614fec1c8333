"""The sweep board: choose axes, see each cell's price and reason before anything is spent, run, watch."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from motion_widgets.core.errors import LogError, MotionError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.jobs.job import Job
from motion_widgets.media.preview import filmstrip
from motion_widgets.request.fields import MODELS
from motion_widgets.request.request import MotionRequest
from motion_widgets.sweep.failure_clusters import clusters
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.base import DEBOUNCE, SETTLE, Panel
from motion_widgets.widgets.budget_field import BudgetField
from motion_widgets.widgets.cell_matrix import CellMatrix
from motion_widgets.widgets.controls import (
    Column,
    assign,
    button,
    check_box,
    flow,
    html,
    live_region,
    note,
    set_class,
    show,
    side_by_side,
    status,
)
from motion_widgets.widgets.sweep_axes import AxesPicker
from motion_widgets.widgets.sweep_cells import cell_of_row, layout_of_plan, layout_of_run, plan_holds

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.log.rows import JobRow
    from motion_widgets.sweep import Plan, Run, Sweep
    from motion_widgets.sweep.progress import Outlook, Standing
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["SweepBoard"]

TALL = 104
"""px of a cell's picture, twice what is shown, for sharp screens."""
AGAIN = 5.0
"""s between two looks at the time that is left while nothing else changes."""


class SweepBoard(Panel):
    """Plans and runs a sweep around one request.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    request
        What all cells share. None: set it later with `load`.
    run
        A run, or its id, to be watched whatever its design; nothing is planned then.
    on_run
        Called with the run once it began, on a background thread.
    on_show
        Called with a cell's job to show its result, on a background thread. None: it is named.

    >>> board = mw.SweepBoard(ws)
    """

    def __init__(
        self,
        ws: Workspace | None = None,
        *,
        request: MotionRequest | None = None,
        run: Run | str | None = None,
        on_run: Callable[[Run], None] | None = None,
        on_show: Callable[[Job], None] | None = None,
        watch: bool = True,
    ) -> None:
        super().__init__(ws, watch=watch)
        self._on_run, self._on_show = on_run, on_show
        self._request = request or MotionRequest(model=MODELS[0])
        self._plan: Plan | None = None
        self._known: dict[str, JobRow] = {}
        """Jobs that stand for cells already, by content."""
        self._standing: Standing[Run] | None = None
        self._reading = threading.Lock()
        self._places: list[int] = []
        """Of each of the run's rows the place in the matrix."""
        self._drawn: tuple[object, ...] = ()
        """Plan, standing and balanced part on show; while they stay, only changed cells are looked at."""
        self._judged = -1
        self._starting = False
        self._rested = False
        self._looked = 0.0
        self.axes = AxesPicker(self, self._replan)
        self.budget_field = BudgetField(self, self._offered)
        self.budget = self.budget_field.field
        self.matrix = CellMatrix(picture=self._picture, on_open=self._open)
        self.sound = check_box(say("board_sound"), width="auto")
        self.sound.observe(lambda _: setattr(self.matrix, "sound", self.sound.value), "value")
        # The line of counts changes all the while, so it is not spoken; what ended is.
        self._said, self._spoken = html(), live_region()
        self._money, self._clusters = live_region(), live_region()
        self.start = button("", self._start, cls="mw-primary mw-run")
        self.retry = button(say("board_retry"), self._retry)
        show(self.retry, visible=False)
        self.hold = button(say("board_hold"), self._hold)
        show(self.hold, visible=False)
        buttons = flow(self.start, self.hold, self.retry, self.sound)
        money = (self._money, self.budget, self.budget_field.gives_up)
        side = Column(self._said, self._spoken, *money, self.notice, buttons, cls="mw-card")
        columns = side_by_side(self.axes.view, side)
        body = Column(columns, self._clusters, self.matrix, cls="mw-body")
        self.fill(body)
        self._replan(delay=DEBOUNCE if run is None else 0.0)
        if run is not None:
            for one in (self.axes.view, self.budget, self.start, self._money):
                show(one, visible=False)
            self.follow(run)
        self.watch()

    def load(self, req: MotionRequest) -> None:
        """Take over the request that all cells share."""
        if req != self._request:
            self._request = req
            self._replan()

    @property
    def run(self) -> Run | None:
        """The run that is shown. None: none was begun."""
        return self._standing.run if self._standing is not None else None

    def follow(self, run: Run | str) -> None:
        """Show how a run stands: in the planned cells where these hold all of it, else by its own axes."""

        def work() -> Callable[[], None]:
            found = self.ws.attach(run) if isinstance(run, str) else run
            if isinstance(found, Job):
                raise LogError.of("no_run", found=run)
            standing = found.standing()

            def take() -> None:
                self._standing, self._rested = standing, False
                assign(self.matrix, "finished", "")
                self.later("draw", self.refresh)

            return take

        self.later("run", work)

    def sweep(self) -> Sweep:
        """The sweep as the board stands; an axis with nothing ticked keeps the request's own value."""
        return self.axes.sweep(self._request)

    # Planning, off the keystroke path.

    def _replan(self, _: object = None, *, delay: float = DEBOUNCE) -> None:
        """Plan anew because the axes or the request changed; the run that was shown no longer fits."""
        with self.lock:
            self._plan = None
            self.budget_field.take(None)
            self._standing = None
            self._rested = False
            self._draw_button()
            show(self.retry, visible=False)
        self._plan_again(delay)

    def _plan_again(self, delay: float = DEBOUNCE) -> None:
        def work() -> Callable[[], None]:
            plan = self.sweep().plan(self.ws)
            keys = [cell.key for cell in plan.cells if cell.job_id is not None]
            known = self.ws.log_store.jobs.latest(self.ws.endpoint, self.ws.account, keys)

            def take() -> None:
                self._plan, self._known = plan, known
                self.budget_field.take(plan)
                self._draw_button()
                self.later("draw", self.refresh)

            return take

        self.later("plan", work, delay=delay)

    def _offered(self) -> None:
        self._draw_button()
        self.later("draw", self.refresh)

    def _draw_button(self) -> None:
        part = self.budget_field.part
        plan = part or self._plan
        ready = not (self._starting or self.budget_field.wrong or self.budget_field.waiting)
        label = say("board_planning")
        if plan is not None and self._plan is not None:
            cells = _new(plan)
            code = ("board_run_live" if self.ws.live else "board_run_sandbox") if cells else "board_attach"
            code = "board_run_part" if part is not None and cells else code
            label = say(
                code, count=cells, all=_new(self._plan), price=format_usd(plan.cost.high),
                where=say("live_for_money" if self.ws.live else "in_the_sandbox"),
            )  # fmt: skip
            ready = ready and any(cell.status not in ("invalid", "double") for cell in plan.cells)
        assign(self.start, "description", say("submitting") if self._starting else label)
        assign(self.start, "tooltip", label)
        assign(self.start, "disabled", not ready or plan is None)
        set_class(self.start, "mw-live", self.ws.live)

    # Running.

    def _start(self) -> None:
        with self.lock:
            whole, part, bound = self._plan, self.budget_field.part, self.budget_field.bound
            if whole is None or self._starting or self.budget_field.wrong or self.budget_field.waiting:
                return
            plan = part or whole
            self._starting = True
            self._draw_button()
        named = plan.cost.high  # the click is on a button that names this price

        def work() -> Callable[[], None]:
            failed, standing = "", None
            now = (self._plan, self.budget_field.part, self.budget_field.bound)
            if now != (whole, part, bound):  # the click overtook a change
                failed = say("changed_after_click")
            else:
                try:
                    standing = plan.run(budget=bound if bound is not None else named).standing()
                except MotionError as error:
                    failed = str(error)

            def done() -> None:
                self._starting = False
                self._standing = standing or self._standing
                if standing is not None and part is not None:
                    self.budget.value = ""  # it was given to this run
                self._rested = False
                assign(self.matrix, "finished", "")
                self._plan_again()
                begun = say("board_started", id=standing.run.id if standing else "")
                self.announce(failed or begun, bad=bool(failed))
                if standing is not None and self._on_run is not None:
                    self._on_run(standing.run)

            return done

        self.later("run", work, delay=SETTLE)

    def _retry(self) -> None:
        run = self.run
        if run is not None:
            self._rested = False
            assign(self.matrix, "finished", "")
            self.later("retry", lambda: run.retry("failed"))

    def _hold(self) -> None:
        """Pause the run, or let it go on; it holds for every process that has its cells in hand."""
        run = self.run
        if run is None:
            return

        def work() -> Callable[[], None]:
            told = say("board_resumed") if run.paused else say("board_held", id=run.id)
            (run.resume if run.paused else run.pause)()

            def done() -> None:
                self._rested = False
                assign(self.matrix, "finished", "")
                self.announce(told)
                self.later("draw", self.refresh)

            return done

        self.later("hold", work)

    # Drawing.

    def watch_jobs(self) -> None:
        """Bring the time that is left up to date, now and then, while nothing else changes."""
        if self._standing is not None and not self._rested and time.monotonic() - self._looked > AGAIN:
            self._looked = time.monotonic()
            self.later("draw", self.refresh)

    def refresh(self) -> None:
        """Draw the cells as the log has them now."""
        with self._reading:  # one look at a time; controls are not held up by it
            plan, standing = self._plan, self._standing
            if plan is None:
                return
            outlook, resting, paused = None, False, False
            changed: list[int] = []
            if standing is not None:
                changed = standing.update()
                resting, paused = standing.resting, standing.run.paused
                outlook = standing.outlook(resting=resting)
            part = self.budget_field.part
            if self._drawn != (plan, standing, part):
                self._lay_out(plan, standing, part)
                self._drawn = (plan, standing, part)
            elif standing is not None and changed:
                self._change(standing, changed)
            if standing is not None and self._judged != (ended := _ended(standing)):
                self._judged = ended
                self._judge(standing)
        with self.lock:
            if self._plan is plan and self._standing is standing:
                self._tell_standing(plan, standing, outlook, resting=resting, paused=paused)
                self._draw_money()
        self._look_for_money()

    def _lay_out(self, plan: Plan, standing: Standing[Run] | None, part: Plan | None) -> None:
        """Put all cells into the matrix: a run's by its own axes unless the planned ones hold all of it."""
        if standing is not None and not plan_holds(plan, standing):
            drawn = layout_of_run(standing)
        else:
            drawn = layout_of_plan(plan, standing, self._known, part or plan)
        self._places = drawn.places
        self._judged = -1
        self.matrix.show(drawn.rows, drawn.columns, drawn.cells, drawn.corner)

    def _change(self, standing: Standing[Run], changed: list[int]) -> None:
        rows = {self._places[one]: standing.rows[one] for one in changed}
        self.matrix.change({place: cell_of_row(row, standing.ends(row)) for place, row in rows.items()})

    def _judge(self, standing: Standing[Run]) -> None:
        values = [cell["values"] for cell in standing.run.cells]
        found = clusters(list(zip(values, standing.rows, strict=True)))
        said = "".join(note(str(one), say("clusters_head"), kind="warning") for one in found)
        said += "".join(note(one, "", kind="warning") for one in standing.run.stopped)
        with self.lock:
            assign(self._clusters, "value", status(said))

    def _tell_standing(
        self, plan: Plan, standing: Standing[Run] | None, outlook: Outlook | None,
        *, resting: bool, paused: bool,
    ) -> None:  # fmt: skip
        self._draw_button()
        show(self.hold, standing is not None and (paused or not resting))
        assign(self.hold, "description", say("board_go_on" if paused else "board_hold"))
        if standing is None or outlook is None:
            invalid = sum(cell.status == "invalid" for cell in plan.cells)
            said = say("board_planned", cells=len(plan.cells), price=str(plan.cost))
            if invalid:
                said += " " + say("board_invalid", count=invalid)
            assign(self._said, "value", f"<div>{escape(said)}</div>")
            return
        assign(self._said, "value", f"<div>{escape(outlook)}</div>")
        assign(self.retry, "description", say("board_retry" if outlook.failed else "board_send"))
        show(self.retry, resting and (outlook.failed or (outlook.waiting and not paused)))
        if resting and not self._rested:
            self._rested = True
            rest = outlook.cells - outlook.done - outlook.failed
            code = "board_paused" if rest else "board_ended"
            said = say("board_held", id=standing.run.id) if paused else ""
            ended = say(code, done=outlook.done, all=outlook.cells, failed=outlook.failed, open=rest)
            assign(self._spoken, "value", status(escape(ended)))
            assign(self.matrix, "finished", ended)
            self.announce(said)
            self._plan_again()

    def _look_for_money(self) -> None:
        Balance.of(self.ws).show(self, self._draw_money, delay=DEBOUNCE)

    def _draw_money(self) -> None:
        """Show the balance beside what the new cells may cost."""
        price = self._plan.cost.high if self._plan is not None else None
        assign(self._money, "value", status(Balance.of(self.ws).beside_price(self.ws, price)))

    # What the matrix asks for.

    def _picture(self, job_id: str) -> bytes | None:
        """Return a small picture of a job's result."""
        path = None
        with contextlib.suppress(LogError):  # it is elsewhere, and opening it says where
            path = Job(self.ws, job_id).result
        return filmstrip(path, frames=1, height=TALL) if path is not None else None

    def _open(self, job_id: str) -> None:
        job = Job(self.ws, job_id)

        def work() -> Callable[[], None] | None:
            if self._on_show is None:
                path = str(job.result)
                return lambda: self.announce(say("earlier_at", id=job_id, path=path))
            self._on_show(job)
            return None

        self.later("open", work)


def _new(plan: Plan) -> int:
    return sum(cell.status == "new" for cell in plan.cells)


def _ended(standing: Standing[Run]) -> int:
    return sum(row.completed is not None or row.error_message is not None for row in standing.rows)
