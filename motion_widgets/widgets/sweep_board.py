"""The sweep board: choose axes, see each cell's price and reason before anything is spent, run, watch."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from motion_widgets.core.errors import LogError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.jobs.job import Job
from motion_widgets.media.preview import filmstrip
from motion_widgets.request.fields import MODELS
from motion_widgets.request.request import MotionRequest
from motion_widgets.sweep.failure_clusters import clusters
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.base import DEBOUNCE, Panel
from motion_widgets.widgets.budget_field import BudgetField
from motion_widgets.widgets.cell_matrix import CellMatrix
from motion_widgets.widgets.run_controls import RunControls
from motion_widgets.widgets.sweep_axes import AxesPicker
from motion_widgets.widgets.sweep_cells import cell_of_row, layout_of_plan, layout_of_run, plan_holds

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.log.rows import JobRow
    from motion_widgets.sweep import Plan, Run, Sweep
    from motion_widgets.sweep.progress import Outlook, Standing
    from motion_widgets.widgets.cell_matrix import MatrixCell
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["SweepBoard"]

TALL = 104
"""px of a cell's picture, twice what is shown, for sharp screens."""
AGAIN = 5.0
"""s between two updates of the remaining time while nothing else changes."""


class SweepBoard(Panel):
    """Plans and runs a sweep around one request.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    request
        What all cells share. None: set it later with `load`.
    run
        A run, or its id, to be watched whatever its design; nothing can be planned then.
    on_run
        Called with a run once it has started, on a background thread.
    on_show
        Called with a cell's job to show its result, on a background thread. None: its path is named.

    Examples
    --------
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
        self._on_run = on_run
        self._request = request or MotionRequest(model=MODELS[0])
        self._plan: Plan | None = None
        self._known: dict[str, JobRow] = {}
        """Jobs that stand for cells already, by content."""
        self._standing: Standing[Run] | None = None
        self._reading = threading.Lock()
        self._places: list[int] = []
        """The place in the matrix of each of the run's rows."""
        self._drawn: tuple[object, ...] = ()
        """Plan, standing and balanced part on show; while they stay, only changed cells are drawn."""
        self._judged = -1
        """How many jobs had ended when failures were last grouped."""
        self._rested = False
        """Whether it was said that the run came to rest."""
        self._looked = 0.0
        self.axes = AxesPicker(self, self._replan)
        self.budget_field = BudgetField(self, self._redraw)
        self.budget = self.budget_field.field
        self._runs = RunControls(
            self, self.budget_field, plan=lambda: self._plan, run=lambda: self.run, started=self._started,
            moved=self._moved,
        )  # fmt: skip
        self.start, self.hold, self.retry = self._runs.start, self._runs.hold, self._runs.retry
        self.matrix = CellMatrix(picture=self._picture, on_open=lambda one: self.show_result(one, on_show))
        self.sound = ui.check_box(say("board_sound"), width="auto")
        self.sound.observe(lambda _: setattr(self.matrix, "sound", self.sound.value), "value")
        # The line of counts changes all the while, so it is not spoken; what ended is.
        self._said, self._spoken = ui.html(), ui.live_region()
        self._money, self._clusters = ui.live_region(), ui.live_region()
        buttons = ui.flow(self.start, self.hold, self.retry, self.sound)
        money = (self._money, self.budget, self.budget_field.gives_up)
        side = ui.Column(self._said, self._spoken, *money, self.notice, buttons, cls="mw-card")
        columns = ui.side_by_side(self.axes.view, side)
        self.fill(ui.Column(columns, self._clusters, self.matrix, cls="mw-body"))
        self._replan(delay=DEBOUNCE if run is None else 0.0)
        if run is not None:
            for one in (self.axes.view, self.budget, self.start, self._money):
                ui.show(one, visible=False)
            self.follow(run)
        self.watch()

    def load(self, req: MotionRequest) -> None:
        """Take over the request that all cells share."""
        if req != self._request:
            self._request = req
            self._replan()

    @property
    def run(self) -> Run | None:
        """The run on show. None: none was started."""
        return self._standing.run if self._standing is not None else None

    def follow(self, run: Run | str) -> None:
        """Show a run: in the planned cells where these hold all of it, else by its own axes."""

        def work() -> Standing[Run]:
            found = self.ws.attach(run) if isinstance(run, str) else run
            if isinstance(found, Job):
                raise LogError.of("no_run", found=run)
            return found.standing()

        def take(standing: Standing[Run]) -> None:
            self._standing = standing
            self._moved()

        self.later("run", work, take)

    def sweep(self) -> Sweep:
        """Return the sweep on the board; an axis with nothing ticked keeps the request's own value."""
        return self.axes.sweep(self._request)

    # Planning, off the keystroke path.

    def _replan(self, _: object = None, *, delay: float = DEBOUNCE) -> None:
        """Plan again because the axes or the request changed; the run on show no longer fits."""
        with self.lock:
            self._plan = self._standing = None
            self._rested = False
            self.budget_field.take(None)
            self._runs.draw_start()
            self._runs.draw_run(None)
        self._plan_again(delay)

    def _plan_again(self, delay: float = DEBOUNCE) -> None:
        def work() -> tuple[Plan, dict[str, JobRow]]:
            plan = self.sweep().plan(self.ws)
            keys = [cell.key for cell in plan.cells if cell.job_id is not None]
            return plan, self.ws.log_store.jobs.latest(self.ws.endpoint, self.ws.account, keys)

        def take(found: tuple[Plan, dict[str, JobRow]]) -> None:
            self._plan, self._known = found
            self.budget_field.take(self._plan)
            self._redraw()

        self.later("plan", work, take, delay=delay)

    def _redraw(self) -> None:
        self._runs.draw_start()
        self.later("draw", self.refresh)

    # What the buttons did.

    def _started(self, standing: Standing[Run] | None) -> None:
        self._standing = standing or self._standing
        self._rested = False
        ui.assign(self.matrix, "finished", "")
        self._plan_again()
        if standing is not None and self._on_run is not None:
            self._on_run(standing.run)

    def _moved(self) -> None:
        self._rested = False
        ui.assign(self.matrix, "finished", "")
        self.later("draw", self.refresh)

    # Drawing.

    def watch_jobs(self) -> None:
        """Update the remaining time now and then, while nothing else changes."""
        if self._standing is not None and not self._rested and time.monotonic() - self._looked > AGAIN:
            self._looked = time.monotonic()
            self.later("draw", self.refresh)

    def refresh(self) -> None:
        """Draw the cells as the log has them now."""
        with self._reading:  # one at a time; controls are not held up by it
            plan, standing, part = self._plan, self._standing, self.budget_field.part
            if plan is None:
                return
            changed = standing.update() if standing is not None else []
            outlook, resting, paused = None, False, False
            if standing is not None:
                resting, paused = standing.resting, standing.run.paused
                outlook = standing.outlook(resting=resting)
            if self._drawn != (plan, standing, part):
                self._lay_out(plan, standing, part)
                self._drawn = (plan, standing, part)
            elif standing is not None:
                self.matrix.change({self._places[at]: _cell(standing, at) for at in changed})
            if standing is not None:
                self._judge(standing)
        with self.lock:
            if self._plan is plan and self._standing is standing:
                self._runs.draw_start()
                self._runs.draw_run(outlook, resting=resting, paused=paused)
                said = _planned(plan) if outlook is None else str(outlook)
                ui.assign(self._said, "value", f"<div>{escape(said)}</div>")
                if standing is not None and outlook is not None and resting and not self._rested:
                    self._come_to_rest(standing.run, outlook, paused=paused)
                self._draw_money()
        Balance.of(self.ws).show(self, self._draw_money, delay=DEBOUNCE)

    def _lay_out(self, plan: Plan, standing: Standing[Run] | None, part: Plan | None) -> None:
        """Put all cells into the matrix: a run's by its own axes unless the planned ones hold all of it."""
        if standing is not None and not plan_holds(plan, standing):
            drawn = layout_of_run(standing)
        else:
            drawn = layout_of_plan(plan, standing, self._known, part or plan)
        self._places = drawn.places
        self._judged = -1
        self.matrix.show(drawn.rows, drawn.columns, drawn.cells, drawn.corner)

    def _judge(self, standing: Standing[Run]) -> None:
        """Show which values the failures have in common, whenever more jobs have ended."""
        ended = sum(row.completed is not None or row.error_message is not None for row in standing.rows)
        if ended == self._judged:
            return
        self._judged = ended
        values = [cell["values"] for cell in standing.run.cells]
        found = clusters(list(zip(values, standing.rows, strict=True)))
        said = "".join(ui.note(str(one), say("clusters_head"), kind="warning") for one in found)
        said += "".join(ui.note(one, kind="warning") for one in standing.run.stopped)
        with self.lock:
            ui.speak(self._clusters, said)

    def _come_to_rest(self, run: Run, outlook: Outlook, *, paused: bool) -> None:
        self._rested = True
        rest = outlook.cells - outlook.done - outlook.failed
        code = "board_paused" if rest else "board_ended"
        ended = say(code, done=outlook.done, all=outlook.cells, failed=outlook.failed, open=rest)
        ui.speak(self._spoken, escape(ended))
        ui.assign(self.matrix, "finished", ended)
        self.announce(say("board_held", id=run.id) if paused else "")
        self._plan_again()

    def _draw_money(self) -> None:
        """Show the balance beside what the new cells may cost."""
        price = self._plan.cost.high if self._plan is not None else None
        ui.speak(self._money, Balance.of(self.ws).beside_price(self.ws, price))

    def _picture(self, job_id: str) -> bytes | None:
        """Return a small picture of a job's result, for the matrix."""
        path = None
        with contextlib.suppress(LogError):  # it is elsewhere, and opening it says where
            path = Job(self.ws, job_id).result
        return filmstrip(path, frames=1, height=TALL) if path is not None else None


def _cell(standing: Standing[Run], at: int) -> MatrixCell:
    row = standing.rows[at]
    return cell_of_row(row, standing.ends(row))


def _planned(plan: Plan) -> str:
    said = say("board_planned", cells=len(plan.cells), price=str(plan.cost))
    invalid = sum(cell.status == "invalid" for cell in plan.cells)
    return f"{said} {say('board_invalid', count=invalid)}" if invalid else said
