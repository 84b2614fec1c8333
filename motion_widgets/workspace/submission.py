"""Submitting a request: the job that stands for it is found, or a new one is written down and driven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.log.schema import jobs
from motion_widgets.log.states import FOLLOWED, RETRYABLE, State
from motion_widgets.request.price import bound_micro

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.workspace.budgets import PersonalBudgets
    from motion_widgets.workspace.connection import Connection
    from motion_widgets.workspace.preparation import Preparation

__all__ = ["Submission"]

_UNDER_WAY = [str(state) for state in (*FOLLOWED, State.SUBMITTING)]


class Submission:
    """What turns requests into jobs at the endpoint that a workspace is at.

    Parameters
    ----------
    log, connection, preparation, budgets
        The workspace's.
    """

    def __init__(
        self, log: Log, connection: Connection, preparation: Preparation, budgets: PersonalBudgets
    ) -> None:
        self._log, self._connection = log, connection
        self._preparation, self._budgets = preparation, budgets

    def find(self, req: MotionRequest) -> JobRow | None:
        """Return the job that already answers for the same content. None: submitting would make a new one."""
        key = req.key
        target = self._connection.target
        row = self._log.jobs.latest(target.endpoint, self._connection.account, [key]).get(key)
        return row if row is not None and row.state not in RETRYABLE else None

    def submit(self, req: MotionRequest, max_cost: float | None, *, new: bool) -> str:
        """Submit a request as `Workspace.submit` says, and return the id of its job."""
        runner = self._connection.runner
        row = None if new else self.find(req)
        if row is not None and row.state != State.PLANNED:
            if row.state == State.SUBMITTING and self._agreed(row, max_cost):
                runner.drive(row.id)  # should its driver have died before it was sent, it goes on here
            elif row.state in _UNDER_WAY:
                runner.follow(row.id)
            return row.id
        values, cost = self._preparation.prepare(req)
        self._preparation.require_bound(cost, max_cost)
        self._budgets.require(cost)
        self._preparation.require_ready()
        kept = self._preparation.keep(req)
        row, _ = self._log.jobs.add({**values, **kept}, new=new)
        if row.state == State.PLANNED:
            runner.drive(row.id)
        elif row.state in _UNDER_WAY:
            runner.follow(row.id)
        return row.id

    def _agreed(self, row: JobRow, bound: float | None) -> bool:
        """Return whether a bound holds what an earlier job may cost."""
        if bound is None:
            return not self._connection.target.live
        return (row.estimate_high or 0) <= bound_micro(bound)

    def follow(self, rows: Sequence[JobRow]) -> None:
        """Take up those jobs that were sent from here; nothing is sent."""
        ids = [row.id for row in rows if row.state in _UNDER_WAY and self._connection.holds(row)]
        if ids:
            self._connection.runner.follow(*ids)

    def under_way(self) -> list[JobRow]:
        """Return the jobs that were sent from here and have not ended."""
        return self._log.jobs.rows(*self._connection.mine, jobs.c.state.in_(_UNDER_WAY))
