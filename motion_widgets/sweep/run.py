"""A sweep at work: its cells' jobs, found again in the log by any process."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError, RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd, to_usd, total
from motion_widgets.jobs.job import Job, all_rest, wait_all
from motion_widgets.log.billing import refund_open
from motion_widgets.log.description import describe
from motion_widgets.log.engine import now_us
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import ENDS, State
from motion_widgets.sweep.failure_clusters import clusters
from motion_widgets.sweep.progress import Standing, held_by, html_of
from motion_widgets.sweep.run_cells import billed, cells_of, price_anew, price_of, write_cells, write_run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import pandas as pd

    from motion_widgets.log.description import Description
    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.price import Estimate
    from motion_widgets.sweep.cells import Cell
    from motion_widgets.sweep.failure_clusters import Cluster
    from motion_widgets.sweep.host import PricedPlan, SweepHost
    from motion_widgets.sweep.run_cells import CellGroup

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
        self.axes, self.cells = cells_of(row, ws.log_store.jobs)
        """Labels by axis; per cell ``values``, its first job's ``job_id``, its ``order`` and ``number``."""

    @classmethod
    def begin(
        cls, ws: SweepHost, run_id: str, cells: Sequence[Cell], *, axes: Mapping[str, Sequence[Any]],
        budget: float | None, new: bool, stop_after: tuple[int, float] | None = None, keep: bool = False,
    ) -> Run:  # fmt: skip
        """Write the run and its jobs down, all or nothing, then drive them; `keep` leaves a budget there."""
        write_run(ws, run_id, cells, axes=axes, budget=budget, new=new, stop_after=stop_after, keep=keep)
        try:
            run = cls(ws, run_id)
            run._drive(run.rows())
        except KeyboardInterrupt:
            print(say("interrupted", id=run_id))  # noqa: T201 - it is for the cell
            raise
        return run

    @property
    def name(self) -> str:
        """What it is called: its axes, and when it was made, until a name is set.

        Every view shows it. None gives it back the name made of its axes.

        >>> run.name = "hats"
        >>> run.name
        'hats'
        """
        return self._ws.log_store.sweeps.name(self.id)

    @name.setter
    def name(self, title: str | None) -> None:
        self._ws.log_store.sweeps.rename(self.id, title)

    def rows(self) -> list[JobRow]:
        """Return each cell's last attempt, in the plan's order."""
        return self._ws.log_store.jobs.last_attempts([cell["job_id"] for cell in self.cells])

    @property
    def jobs(self) -> list[Job]:
        """Each cell's last attempt, in the plan's order."""
        return [Job(self._ws, row.id) for row in self.rows()]

    def price(self, what: CellGroup = "planned", rows: Sequence[JobRow] | None = None) -> Estimate:
        """Return what sending cells would cost now, by this workspace's prices.

        >>> run.price().high
        0.0

        Parameters
        ----------
        what
            ``"planned"``; ``"failed"``: these and the planned ones, as `retry` sends both; or ``"unknown"``.
        rows
            Each cell's last attempt, where they are known already. None: they are read.
        """
        return price_of(self._ws, what, self.rows() if rows is None else rows)

    def drive(self, max_cost: float | None = None) -> None:
        """Take up what is planned or under way, in the running order; what is held back stays planned.

        What is planned is measured and priced anew; a cell that cannot be sent says why and stays planned.

        Parameters
        ----------
        max_cost
            USD that the planned cells may cost at most. None: what the run's budget holds.

        Raises
        ------
        BudgetError
            They cost more than `max_cost` now; nothing was sent.
        """
        self._send("planned", max_cost)

    def _send(self, what: CellGroup, max_cost: float | None, **let_go: Any) -> None:
        """Measure and price cells anew, let go what holds them, write new attempts down, and drive them."""
        agreed = price_anew(self._ws, what, self.rows(), max_cost)
        if let_go:
            self._ws.log_store.sweeps.hold(self.id, **let_go)
        wrong = write_cells(self._ws, self.id, agreed)
        self._drive(self.rows(), wrong)

    def _drive(self, rows: Sequence[JobRow], wrong: Collection[str] = ()) -> None:
        """Drive all cells that move but those that are `wrong`."""
        places = [cell.get("order", 0) for cell in self.cells]
        # The longest first is quicker, but a shuffled order is part of the experiment, and a rule that holds
        # a value against the others needs them to take turns.
        sweep = self._ws.log_store.sweeps.get(self.id)
        in_turn = places != sorted(places) or (sweep is not None and sweep.stop_after is not None)
        running = [row for _, row in sorted(zip(places, rows, strict=True), key=lambda pair: pair[0])]
        moving = [row for row in running if row.state not in {*ENDS, State.UNKNOWN} and row.id not in wrong]
        runners = {row.id: self._ws.runner_for(row) for row in moving[:1]}
        for runner in runners.values():
            if runner is not None:  # all cells are of one endpoint and account
                runner.drive(*[row.id for row in moving], keep_order=in_turn)

    def counts(self) -> dict[str, int]:
        """Return how many cells are in which state."""
        return dict(Counter(row.state for row in self.rows()))

    @property
    def resting(self) -> bool:
        """Whether nothing more happens by itself."""
        return self._rests()

    def _rests(self, *, watched: bool = False) -> bool:
        """Return whether nothing more happens by itself; `watched`: somebody waits for it."""
        first = [cell["job_id"] for cell in self.cells]
        driven = self._ws.connection.drives_any(first)  # known without reading thousands of rows
        rows = [] if driven else self.rows()
        if watched:
            self._ws.connection.watch([*first, *(row.id for row in rows)])
        return not driven and all_rest(self._ws, rows)

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
        wait_all(lambda: self._rests(watched=True), timeout, self.id)
        return self

    def when_done(self, call: Callable[[Run], object]) -> Run:
        """Call something with the run once it has ended or rests, on a thread of its own; return the run.

        It may block. What it raises is printed, since nobody waits for it.
        """

        def told() -> None:
            try:
                wait_all(lambda: self._rests(watched=True), None, self.id)
                call(self)
            except Exception:  # noqa: BLE001 - whatever the caller's own code raises
                traceback.print_exc()

        threading.Thread(target=told, name=f"when-done-{self.id}", daemon=True).start()
        return self

    def retry(self, what: str = "failed", max_cost: float | None = None) -> Run:
        """Start new attempts at cells that ended without a result, and take up again what was paused.

        Parameters
        ----------
        what
            ``"failed"``: rejected, failed and cancelled cells.
        max_cost
            USD that all of them may cost at most, measured and priced now (`price`). None: what the run's
            budget holds.

        Raises
        ------
        RequestError
            `what` is another word.
        BudgetError
            They cost more than `max_cost` now; nothing was sent.

        Examples
        --------
        >>> run.retry("failed").counts()
        {'collected': 2}
        """
        if what != "failed":
            raise RequestError.of("retry_what", found=what)
        self._send("failed", max_cost)
        return self

    def resend(self, max_cost: float | None = None) -> Run:
        """Send all cells of unknown outcome again, each with its own key and body; return the run.

        Where the server does not honour idempotency keys each may be charged twice; that is why only a
        person does it.

        Parameters
        ----------
        max_cost
            USD that they may be charged once more. None: what they cost now.

        Raises
        ------
        RequestError
            One's request is not what it was.
        BudgetError
            They cost more than `max_cost` now; nothing was sent.

        Examples
        --------
        >>> run.resend().counts()  # no outcome is unknown
        {'collected': 2}
        """
        unknown = self._unknown()
        runner = self._ws.runner_for(unknown[0]) if unknown else None
        if unknown and runner is None:
            raise RequestError.of("other_endpoint", id=self.id, endpoint=unknown[0].endpoint)
        for row in unknown:
            self._ws.submission.require_same(row, max_cost)
        if max_cost is not None:
            self._ws.preparation.require_bound(self.price("unknown", unknown), max_cost)
        if runner is not None:
            runner.resend(*[row.id for row in unknown])
        return self

    def write_off(self) -> Run:
        """Write off all cells of unknown outcome, whose reserved money counts as spent; return the run.

        Examples
        --------
        >>> run.write_off().counts()  # no outcome is unknown
        {'collected': 2}
        """
        for row in self._unknown():
            Job(self._ws, row.id).write_off()
        return self

    def _unknown(self) -> list[JobRow]:
        return [row for row in self.rows() if row.undecided]

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
        usd = format_usd(to_usd(total(waiting)))
        refunds = [say("refunds_open", count=len(waiting), usd=usd)] if waiting else []
        held = [one for one in (held_by(rows),) if one]
        return "\n".join([repr(self), *map(str, self.clusters()), *refunds, *held])

    # Held back, and let go.

    def pause(self) -> Run:
        """Send no more of this run's planned cells, from any process, until `resume`; what was sent goes on.

        It is kept in the log, so it holds after a restart and for a process that has the cells in hand.
        """
        self._ws.log_store.sweeps.hold(self.id, paused=now_us())
        return self

    def resume(self, max_cost: float | None = None) -> Run:
        """Let a paused run go on, on its own budget, driven by this process; `max_cost` as in `drive`."""
        self._send("planned", max_cost, paused=None)
        return self

    @property
    def paused(self) -> bool:
        """Whether a person paused it."""
        return self._ws.log_store.sweeps.is_paused(self.id)

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

    def go_on(self, max_cost: float | None = None) -> Run:
        """Send the cells of failing values all the same; a person said so. `max_cost` as in `drive`."""
        self._send("planned", max_cost, stop_after=None)
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
        from motion_widgets.sweep.run_cells import extended

        numbers = [cell["number"] for cell in self.cells]
        return self._ws.plan(
            extended(self._ws.folder, self.rows(), numbers, axes_of_run=self.axes, axes=axes, repeats=repeats)
        )

    @property
    def cost(self) -> float:
        """Billed so far for all attempts at these cells, whichever run or job made them, in USD."""
        return to_usd(total(billed(self._ws, self.id, self.cells)))

    @property
    def budget(self) -> tuple[float | None, float]:
        """The (limit, spent or reserved) in USD. A limit of None: none was set."""
        limit, used = self._ws.log_store.budgets.get(self.id)
        return None if limit is None else to_usd(limit), to_usd(used)

    def frame(self) -> pd.DataFrame:
        """Return the log's frame of the last attempt at each cell, by its number in the plan.

        >>> run.frame()["mode"].tolist()
        ['std', 'pro']
        """
        rows = zip(self.cells, self.rows(), strict=True)
        numbers = {row.id: cell["number"] for cell, row in rows}
        frame = self._ws.log.frame(jobs.c.id.in_(list(numbers)), hidden=True)
        return frame.set_axis(frame["id"].map(numbers).astype("int64").rename("cell")).sort_index()

    def describe(self) -> Description:
        """Return `frame` with what all cells share pulled out, so that only what varies is a column."""
        return describe(self.frame())

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {state}" for state, count in self.counts().items())
        held = ", paused" if self.paused else ""
        own, others = (to_usd(one) for one in billed(self._ws, self.id, self.cells))
        more = {"own": format_usd(own), "others": format_usd(others)}
        cost = say("run_shares", **more) if others else format_usd(own)
        return f"<Run {self.id} ({self.name}): {told}{held}; {cost}{'' if self._ws.live else ', SANDBOX'}>"

    def _repr_html_(self) -> str:
        return html_of(repr(self)[1:-1], self.axes, self.cells, self.rows())
