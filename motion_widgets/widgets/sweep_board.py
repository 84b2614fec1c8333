"""The sweep board: choose axes, see each cell's price and reason before anything is spent, run, watch."""

from __future__ import annotations

import contextlib
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
from motion_widgets.widgets.run_line import fraction_html, plan_line, run_line
from motion_widgets.widgets.run_title import RunTitle
from motion_widgets.widgets.sweep_axes import AxesPicker
from motion_widgets.widgets.sweep_cells import cell_of_row, layout_of_plan, layout_of_run, plan_holds, sums_of
from motion_widgets.widgets.sweep_trim import SweepTrim

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.log.rows import JobRow
    from motion_widgets.sweep import Plan, Run, Sweep
    from motion_widgets.sweep.progress import Outlook, Standing
    from motion_widgets.sweep.trim_offer import Offer
    from motion_widgets.widgets.cell_matrix import Sums
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["SweepBoard"]

TALL = 104
"""px of a cell's picture, twice what is shown, for sharp screens."""
AGAIN = 5.0
"""s between two looks at what no job's change tells: the remaining time, a pause."""


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
    on_compare
        Called with the run whose results are to be compared. None: that is not offered.
    on_edit
        Called with the request of a cell that was refused, to be changed. None: that is not offered.

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
        on_compare: Callable[[Run], None] | None = None,
        on_edit: Callable[[MotionRequest], None] | None = None,
        watch: bool = True,
    ) -> None:
        super().__init__(ws, watch=watch)
        self._on_run = on_run
        self._request = request or MotionRequest(model=MODELS[0])
        self._plan: Plan | None = None
        self._known: dict[str, JobRow] = {}
        """Jobs that stand for cells already, by content."""
        self._standing: Standing[Run] | None = None
        self._places: list[int] = []
        """The place in the matrix of each of the run's rows."""
        self._drawn: tuple[object, ...] = ()
        """Plan, standing and balanced part on show; while they stay, only changed cells are drawn."""
        self._shape = (0, 0)
        """Rows and columns of the table on show."""
        self._judged = -1
        """How many jobs had ended when failures were last grouped."""
        self._rested = False
        """Whether it was said that the run came to rest."""
        self._paused = False
        """Whether the run was paused when it was last drawn."""
        self._looked = 0.0
        self._watched = run is not None
        """Whether the board only watches a run, which stays whatever can be planned."""
        self._on_edit = on_edit
        self.axes = AxesPicker(self, self._replan)
        self.axes.draw(self._request)
        self.budget_field = BudgetField(self, self._redraw)
        self.budget = self.budget_field.field
        self._runs = RunControls(
            self, self.budget_field, plan=lambda: self._plan, run=lambda: self.run, started=self._started,
            moved=self._moved, compare=on_compare,
        )  # fmt: skip
        self._runs.plans = run is None
        self.start, self.hold, self.retry = self._runs.start, self._runs.hold, self._runs.retry
        self.trim = SweepTrim(self, self._replan)
        self.matrix = CellMatrix(
            picture=self._picture, on_open=lambda one: self.show_result(one, on_show),
            on_change=self._edit if on_edit is not None else None,
        )  # fmt: skip
        self.sound = ui.check_box(say("board_sound"), width="auto")
        self.sound.observe(self.edge.guard(self._sound_turned), "value")
        self._assemble()
        self._body = ui.Column(cls="mw-body mw-sweep")
        self.fill(self._body)
        self._arrange()
        if run is None:
            self._replan()
        else:
            for one in (self.axes.view, self.budget, self.start, self._money):
                ui.show(one, visible=False)
            self.follow(run)
        self.watch()

    def _assemble(self) -> None:
        """Make what stands above, in and below the table."""
        # The line of counts changes all the while, so it is not spoken; what ended is.
        self._said, self._spoken, self._tells = ui.html(cls="mw-line"), ui.live_region(), ui.html()
        self._money, self._clusters = ui.live_region(), ui.live_region()
        self.run_title = RunTitle(self, lambda: self.run, self._moved)
        line = ui.flow(self._said, self.hold, cls="mw-bar-line")
        self._above = ui.Column(self.run_title.view, line, cls="mw-stack-small")
        self._below = ui.Column(
            self._clusters, self.trim.view, self.matrix, self._tells, self.budget_field.gives_up, self._money,
            cls="mw-board",
        )  # fmt: skip
        add, buttons = self._runs.addition, [*self._runs.after_run, self.start, self._runs.compare]
        bar = ui.flow(self.sound, self.budget, add.offer, *buttons)
        self._foot = ui.Column(add.card, self._spoken, self.notice, bar, cls="mw-board mw-foot")

    def _arrange(self) -> None:
        """Put the axes first while there is no run, and below its cells beside one; the buttons stay last."""
        board = (self._above, self._below)
        parts = (self.axes.view, *board) if self.run is None else (*board, self.axes.view)
        ui.assign(self._body, "children", (*parts, self._foot))

    def load(self, req: MotionRequest) -> None:
        """Take over the request that all cells share."""
        if req != self._request:
            self._request = req
            self.axes.draw(req)
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
            self.budget_field.take(None)
            self._arrange()
            self._moved()
            if not self._watched:
                self._plan_again()  # a plan still on its way was asked for before this run: it may not end it

        self.later("follow", work, take)

    def sweep(self) -> Sweep:
        """Return the sweep on the board; an axis with nothing ticked keeps the request's own value."""
        return self.axes.sweep(self._request, self.trim.taken)

    # Planning, off the keystroke path.

    def _replan(self, _: object = None) -> None:
        """Plan again because the axes or the request changed; a run that the new plan does not hold goes."""
        with self.lock:
            self._plan = None
            self.budget_field.take(None)
            self._runs.addition.draw(None)
            self._runs.draw_start()
            self._plan_again(changed=True)

    def _plan_again(self, *, changed: bool = False) -> None:
        def work() -> tuple[Plan, dict[str, JobRow], Offer[Plan] | None]:
            plan = self.sweep().plan(self.ws)
            keys = [cell.key for cell in plan.cells if cell.job_id is not None]
            return plan, self.ws.log_store.jobs.latest(self.ws.endpoint, self.ws.account, keys), plan.offer

        def take(found: tuple[Plan, dict[str, JobRow], Offer[Plan] | None]) -> None:
            self._plan, self._known, offer = found
            if changed and self._standing is not None and not plan_holds(self._plan, self._standing):
                self._standing, self._rested = None, False
                self._runs.draw_run(None)
                ui.speak(self._clusters, "")
            self.budget_field.take(self._plan if self.run is None else None)
            self.trim.offer(offer if self.run is None else None)
            self._arrange()
            self._redraw()

        self.later("plan", work, take, delay=DEBOUNCE)

    def _redraw(self) -> None:
        with self.lock:  # else a drawing that read the budget before it changed could come last
            self._runs.draw_start()
        self.later("draw", self.redraw)

    # What the buttons did.

    def _sound_turned(self, _: object) -> None:
        self.matrix.sound = self.sound.value

    def _edit(self, job_id: str) -> None:
        if self._on_edit is not None:
            self.later("edit", lambda: self.ws.request_of(self.ws.log_store.jobs.get(job_id)), self._on_edit)

    def _started(self, standing: Standing[Run] | None) -> None:
        if standing is not None:
            self._standing = standing
            self.budget_field.take(None)  # the run has it now
            self._arrange()
            self.focus(self.hold)  # the button that had the focus is gone
        self._rested = False
        ui.assign(self.matrix, "finished", "")
        self._plan_again()
        if standing is not None and self._on_run is not None:
            self._on_run(standing.run)

    def _moved(self) -> None:
        self._rested = False
        ui.assign(self.matrix, "finished", "")
        self.later("draw", self.redraw)

    # Drawing.

    def watch_jobs(self) -> None:
        """Update the remaining time now and then; of a run at rest, whether another process paused it."""
        if self._standing is not None and time.monotonic() - self._looked > AGAIN:
            self._looked = time.monotonic()
            if not self._rested or self._standing.run.paused != self._paused:
                self.later("draw", self.redraw)

    def refresh(self) -> None:
        """Draw the cells as the log has them now."""
        plan, standing, part = self._plan, self._standing, self.budget_field.part
        if plan is None and not (self._watched and standing is not None):
            return
        changed = standing.update() if standing is not None else []
        outlook, resting, paused, named, title = None, False, False, {}, ""
        if standing is not None:
            title = standing.run.name
            resting, paused = standing.resting, standing.run.paused
            self._paused = paused
            outlook = standing.outlook(resting=resting)
            named = self._runs.price_run(standing, outlook, resting=resting, paused=paused)
        held = plan if plan is not None and standing is not None and plan_holds(plan, standing) else None
        if self._drawn != (plan, standing, part):
            self._lay_out(plan, standing, part)
            self._drawn = (plan, standing, part)
        elif standing is not None and changed:
            self._change(standing, changed)
        if standing is not None:
            self._judge(standing)
        tells, rest = self._rest_of(held, standing)
        with self.lock:
            if self._plan is plan and self._standing is standing:
                self._draw_line(plan, held, outlook, tells)
                self.run_title.draw(title)
                self._runs.draw_start()
                self._runs.draw_run(outlook, named, resting=resting, paused=paused)
                if outlook is not None:
                    self._runs.addition.draw(rest, limit=outlook.limit, used=outlook.used)
                if standing is not None and outlook is not None and resting and not self._rested:
                    self._come_to_rest(standing.run, outlook, paused=paused)
                self._draw_money()
        Balance.of(self.ws).show(self, self._draw_money, delay=DEBOUNCE)

    def _rest_of(self, held: Plan | None, standing: Standing[Run] | None) -> tuple[str, Plan | None]:
        """Return what a run can tell of the plan that holds it, and the cells of it that it does not have."""
        if held is None or standing is None:
            return "", None
        keys = {row.key for row in standing.rows}
        if len(keys) == len(held.cells):
            return "", None
        return fraction_html(held, keys), held.beyond(keys)

    def _draw_line(self, plan: Plan | None, held: Plan | None, outlook: Outlook | None, tells: str) -> None:
        line = run_line(outlook, held) if outlook is not None else plan_line(plan) if plan is not None else ""
        ui.assign(self._said, "value", line)
        ui.assign(self._tells, "value", tells)

    def _lay_out(self, plan: Plan | None, standing: Standing[Run] | None, part: Plan | None) -> None:
        """Put all cells into the matrix: a run's by its own axes unless the planned ones hold all of it."""
        stars = self.ws.log_store.annotations.stars(standing.rows if standing is not None else ())
        if standing is not None and (plan is None or not plan_holds(plan, standing)):
            drawn = layout_of_run(standing, stars)
        elif plan is not None:
            drawn = layout_of_plan(plan, standing, self._known, part or plan, stars)
        else:
            return
        self._places, self._shape = drawn.places, (len(drawn.rows), len(drawn.columns))
        self._judged = -1
        sums = self._sums(standing, stars)
        self.matrix.show(drawn.rows, drawn.columns, drawn.cells, drawn.corner, sums)

    def _change(self, standing: Standing[Run], changed: list[int]) -> None:
        """Draw the cells whose rows changed, and what rows and columns come to now."""
        stars, rows = self.ws.log_store.annotations.stars(standing.rows), standing.rows
        cells = {
            self._places[at]: cell_of_row(rows[at], standing.ends(rows[at]), stars.get(rows[at].id))
            for at in changed
        }
        self.matrix.change(cells, self._sums(standing, stars))

    def _sums(self, standing: Standing[Run] | None, stars: dict[str, float]) -> Sums:
        rows = standing.rows if standing is not None else []
        return sums_of(dict(zip(self._places, rows, strict=False)), stars, self._shape)

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
        if not self.refused:  # what a person's click came to stands until the next one
            self.announce(say("board_held", id=run.id) if paused else "")
        if not self._watched:
            self._plan_again()

    def _draw_money(self) -> None:
        """Show the balance beside what the new cells may cost."""
        price = self._plan.cost.high if self._plan is not None and self.run is None else None
        ui.speak(self._money, Balance.of(self.ws).beside_price(self.ws, price))

    def _picture(self, job_id: str) -> bytes | None:
        """Return a small picture of a job's result, for the matrix."""
        path = None
        with contextlib.suppress(LogError):  # it is elsewhere, and opening it says where
            path = Job(self.ws, job_id).result
        return filmstrip(path, frames=1, height=TALL) if path is not None else None
