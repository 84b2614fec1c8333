"""A sweep at work: its cells' jobs, found again in the log by any process."""

from __future__ import annotations

import json
import threading
import traceback
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError, RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.money import ZERO, format_usd, to_usd, total
from motion_widgets.jobs.job import Job, all_rest, wait_all
from motion_widgets.log.billing import refund_open
from motion_widgets.log.engine import now_us
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import ENDS, RETRYABLE, State
from motion_widgets.request.price import bound_micro
from motion_widgets.sweep.design import label
from motion_widgets.sweep.failure_clusters import clusters
from motion_widgets.sweep.progress import Standing, held_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.summaries import Description
    from motion_widgets.sweep.cells import Cell
    from motion_widgets.sweep.failure_clusters import Cluster
    from motion_widgets.sweep.host import PricedPlan, SweepHost

__all__ = ["Run"]


class Run:
    """The jobs of a sweep.

    Made by `Plan.run` and `Workspace.attach`. Everything it says is read from the log.

    >>> run.counts()
    {'collected': 2}
    """

    def __init__(self, ws: SweepHost, run_id: str) -> None:
        row = ws.log_store.sweeps.get(run_id)
        if row is None:
            raise LogError.of("no_such_id", id=run_id, name=ws.log_store.name)
        self._ws = ws
        self.id = run_id
        self.axes: dict[str, list[str]] = json.loads(row.axes)
        self.cells: list[dict[str, Any]] = json.loads(row.cells)
        """Per cell: ``values`` (axis labels), ``job_id`` (its first attempt), ``order`` (its place)."""

    @classmethod
    def begin(
        cls, ws: SweepHost, run_id: str, cells: Sequence[Cell], *, axes: Mapping[str, Sequence[Any]],
        budget: float | None, new: bool, stop_after: tuple[int, float] | None = None,
    ) -> Run:  # fmt: skip
        """Write the run and all its jobs down, all or nothing, then drive them."""
        known: dict[Path, tuple[str, str]] = {}
        planned = [
            (
                cell.labels,
                {
                    **ws.preparation.plan_job(cell.request, known),
                    **({"repeat": cell.repeat} if cell.repeat else {}),
                },
            )
            for cell in cells
        ]
        shown = {name: [label(name, value) for value in values] for name, values in axes.items()}
        # Live without a budget there is nothing to pay for yet; what comes later needs one.
        limit = bound_micro(budget) if budget is not None else ZERO if ws.live else None
        ws.log_store.sweeps.add(
            {
                "id": run_id, "endpoint": ws.endpoint, "account": ws.account,
                "axes": json.dumps(shown, ensure_ascii=False),
                "stop_after": json.dumps(stop_after) if stop_after is not None else None,
            },
            planned, limit=limit, keep=budget is None and ws.live, new=new,
            order=[cell.order for cell in cells],
        )  # fmt: skip
        try:
            run = cls(ws, run_id)
            run.drive()
        except KeyboardInterrupt:
            print(say("interrupted", id=run_id))  # noqa: T201 - it is for the cell
            raise
        return run

    def rows(self) -> list[JobRow]:
        """Return each cell's last attempt, in the plan's order."""
        return self._ws.log_store.jobs.last_attempts([cell["job_id"] for cell in self.cells])

    @property
    def jobs(self) -> list[Job]:
        """Each cell's last attempt, in the plan's order."""
        return [Job(self._ws, row.id) for row in self.rows()]

    def drive(self) -> None:
        """Take up what is planned or under way, in the running order; what is held back stays planned."""
        places = [cell.get("order", 0) for cell in self.cells]
        # The longest first is quicker, but a shuffled order is part of the experiment, and a rule that holds
        # a value against the others needs them to take turns.
        sweep = self._ws.log_store.sweeps.get(self.id)
        in_turn = places != sorted(places) or (sweep is not None and sweep.stop_after is not None)
        running = [row for _, row in sorted(zip(places, self.rows(), strict=True), key=lambda pair: pair[0])]
        moving = [row for row in running if row.state not in ENDS and row.state != State.UNKNOWN]
        runners = {row.id: self._ws.runner_for(row) for row in moving[:1]}
        for runner in runners.values():
            if runner is not None:  # all cells are of one endpoint and account
                runner.drive(*[row.id for row in moving], keep_order=in_turn)

    def counts(self) -> dict[str, int]:
        """Return how many cells are in which state."""
        told: dict[str, int] = {}
        for row in self.rows():
            told[row.state] = told.get(row.state, 0) + 1
        return told

    @property
    def resting(self) -> bool:
        """Whether nothing more happens by itself."""
        if self._ws.connection.drives_any(cell["job_id"] for cell in self.cells):
            return False  # known without reading thousands of rows
        return all_rest(self._ws, self.rows())

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until every cell has ended or rests and return the run.

        Raises
        ------
        MotionTimeout
            The `timeout` (s) ran out; the jobs live on.

        Examples
        --------
        >>> run.wait(timeout=60) is run
        True
        """
        wait_all(lambda: self.resting, timeout, self.id)
        return self

    def when_done(self, call: Callable[[Run], object]) -> Run:
        """Call something with the run once it has ended or rests, on a thread of its own; return the run.

        It may block. What it raises is printed, since nobody waits for it.
        """

        def told() -> None:
            try:
                wait_all(lambda: self.resting, None, self.id)
                call(self)
            except Exception:  # noqa: BLE001 - whatever the caller's own code raises
                traceback.print_exc()

        threading.Thread(target=told, name=f"when-done-{self.id}", daemon=True).start()
        return self

    def retry(self, what: str = "failed") -> Run:
        """Start new attempts at cells that ended without a result, and take up again what was paused.

        Parameters
        ----------
        what
            ``"failed"``: rejected, failed and cancelled cells.

        Raises
        ------
        RequestError
            `what` is another word.

        Examples
        --------
        >>> run.retry("failed").counts()
        {'collected': 2}
        """
        if what != "failed":
            raise RequestError.of("retry_what", found=what)
        for row in self.rows():
            if row.state in RETRYABLE and row.state != State.WRITTEN_OFF:
                self._ws.log_store.jobs.add_attempt(row.id, sweep_id=self.id, budget_id=self.id)
        self.drive()
        return self

    def standing(self) -> Standing[Run]:
        """Return what keeps this run's rows up to date and says how it stands; it reads only what changed."""
        return Standing(self._ws, self)

    def clusters(self) -> list[Cluster]:
        """Find the axis values on which this run's failures lie. Empty: anywhere, or there are none."""
        return clusters([(cell["values"], row) for cell, row in zip(self.cells, self.rows(), strict=True)])

    def summary(self) -> str:
        """Return how the run stands: counts, cost, clusters of failures, open refunds, what holds it."""
        rows = self.rows()
        waiting = [row.reserved for row in rows if refund_open(row)]
        refunds = [say("refunds_open", count=len(waiting), usd=to_usd(total(waiting)))] if waiting else []
        held = [one for one in (held_by(rows),) if one]
        return "\n".join([repr(self), *map(str, self.clusters()), *refunds, *held])

    # Held back, and let go.

    def pause(self) -> Run:
        """Send no more of this run's planned cells, from any process, until `resume`; what was sent goes on.

        It is kept in the log, so it holds after a restart and for a process that has the cells in hand.
        """
        self._ws.log_store.sweeps.hold(self.id, paused=now_us())
        return self

    def resume(self) -> Run:
        """Let a paused run go on, on its own budget, driven by this process."""
        self._ws.log_store.sweeps.hold(self.id, paused=None)
        self.drive()
        return self

    @property
    def paused(self) -> bool:
        """Whether a person paused it."""
        row = self._ws.log_store.sweeps.get(self.id)
        return row is not None and row.paused is not None

    @property
    def stopped(self) -> list[str]:
        """Which axis values are not sent any more because they keep failing, in sentences."""
        failing = self._ws.log_store.sweeps.failing(self.id)
        planned = [row for row in self.rows() if row.state == State.PLANNED] if failing else []
        return [
            say("value_failing", id=self.id, **one.params)
            for one in failing
            if any(getattr(row, one.axis) == one.value for row in planned)
        ]

    def go_on(self) -> Run:
        """Send the cells of failing values all the same, because a person said so."""
        self._ws.log_store.sweeps.hold(self.id, stop_after=None)
        self.drive()
        return self

    def extend(self, *, repeats: int | None = None, **axes: Any) -> PricedPlan:
        """Plan this run's cells and more: every cell again with each further value of each axis.

        Earlier cells attach, so only the new ones are paid for, once the plan is run.

        Parameters
        ----------
        repeats
            How often every cell is to be there; repeats that are there count. None: as it is.
        axes
            Wire field = further values. An axis that the run did not have begins with the cells' own value.

        Raises
        ------
        RequestError
            An axis that is not a wire field, or one without values.
        """
        from motion_widgets.sweep.extend import extended

        return self._ws.plan(extended(self._ws.folder, self.rows(), self.axes, axes, repeats))

    @property
    def cost(self) -> float:
        """Billed so far for all attempts at these cells, in USD."""
        attempts = self._ws.log_store.jobs.attempts([cell["job_id"] for cell in self.cells])
        return to_usd(total(row.cost for rows in attempts for row in rows))

    @property
    def budget(self) -> tuple[float | None, float]:
        """The (limit, spent or reserved) in USD. A limit of None: none was set."""
        limit, used = self._ws.log_store.budgets.get(self.id)
        return None if limit is None else to_usd(limit), to_usd(used)

    def frame(self) -> pd.DataFrame:
        """Return the log's frame of this run's last attempts.

        >>> run.frame()["mode"].tolist()
        ['std', 'pro']
        """
        return self._ws.log.frame(self._mine(), deleted=True)

    def describe(self) -> Description:
        """Return `frame` with what all cells share pulled out, so that only what varies is a column."""
        return self._ws.log.describe(self._mine(), deleted=True)

    def _mine(self) -> ColumnElement[bool]:
        return jobs.c.id.in_([row.id for row in self.rows()])

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {state}" for state, count in self.counts().items())
        held = ", paused" if self.paused else ""
        return f"<Run {self.id}: {told}{held}; {format_usd(self.cost)}{'' if self._ws.live else ', SANDBOX'}>"
