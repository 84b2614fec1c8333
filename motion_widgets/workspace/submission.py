"""Submitting a request: the job that stands for it is found, or a new one is written down and driven."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import MotionError, RequestError
from motion_widgets.jobs.sidecar import request_of
from motion_widgets.log.jobs import in_states
from motion_widgets.log.states import ASKED_AGAIN, RETRYABLE, UNDER_WAY, State
from motion_widgets.log.transitions import event_note
from motion_widgets.request.fields import WIRE_FIELDS
from motion_widgets.request.media_source import MEDIA, media_kind, media_name
from motion_widgets.request.price import bound_micro, estimate
from motion_widgets.request.request import MotionRequest, require_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log
    from motion_widgets.request.price import Estimate
    from motion_widgets.workspace.budgets import PersonalBudgets
    from motion_widgets.workspace.connection import Connection
    from motion_widgets.workspace.preparation import Preparation
    from motion_widgets.workspace.team import Team

__all__ = ["Submission"]


class Submission:
    """What turns requests into jobs at the endpoint that a workspace is at.

    Parameters
    ----------
    log, folder, connection, team, preparation, budgets
        The workspace's.
    """

    def __init__(
        self, log: Log, folder: Path, *, connection: Connection, team: Team, preparation: Preparation,
        budgets: PersonalBudgets,
    ) -> None:  # fmt: skip
        self._log, self._folder, self._connection, self._team = log, folder, connection, team
        self._preparation, self._budgets = preparation, budgets

    def renew(self, row: JobRow, bound: float | None = None) -> dict[str, Any]:
        """Measure, check and price a job's request anew; return the log's columns for sending it.

        A row may come from elsewhere, or be an old one: neither its price nor its body nor the files that it
        names are taken from it. Local media are those copies in the folder whose content it names.

        Parameters
        ----------
        row
            The job.
        bound
            USD that it may cost at most. None: what it costs now.

        Raises
        ------
        RequestError
            The request has errors or is not the one that its key names, a copy is not here, or a local file
            would become public without consent.
        BudgetError
            It costs more than `bound`.
        """
        req = self.require_same(row)
        values, cost = self._preparation.prepare(req)
        if bound is not None:
            self._preparation.require_bound(cost, bound)
        self._preparation.require_ready()
        values |= self._preparation.keep(req)
        for field, kind in MEDIA:
            if values.get(f"{kind}_path"):  # it is still called what it was when a person chose it
                values |= {field: getattr(row, field), f"{kind}_name": getattr(row, f"{kind}_name")}
        return values

    def require_same(self, row: JobRow, bound: float | None = None) -> MotionRequest:
        """Return a job's request, its local media by their copies here.

        Raises
        ------
        RequestError
            It is not the one that its key names, or a copy is not here; or a bound is given, and there is
            no price for it.
        BudgetError
            It costs more than `bound` (USD) now. None: nothing is bound.
        """
        req = self._team.request_of(row)
        for field, _ in MEDIA:
            value = getattr(req, field)
            if media_kind(value) == "path" and not Path(str(value)).is_absolute():
                raise RequestError.of("input_missing", name=media_name(value))
        if req.key != row.key:
            raise RequestError.of("job_altered", id=row.id)
        if bound is not None:
            self._preparation.require_bound(self._cost(row), bound)
        return req

    def price(self, row: JobRow) -> Estimate | None:
        """Return what sending a job's request would cost now. None: there is no price for it.

        No host is asked for it: behind a link there may be the longest clip that its orientation allows.
        """
        try:
            return self._cost(row)
        except RequestError:
            return None

    def _cost(self, row: JobRow) -> Estimate:
        req = request_of(row, self._folder)
        if media_kind(req.video_url) == "path" and Path(str(req.video_url)).is_absolute():
            return self._preparation.estimate(req)
        return estimate(req, prices=self._preparation.prices)

    def go_on(self, job_id: str, bound: float | None = None) -> None:
        """Send a planned job, because a person said so, at what it costs now; as `renew` raises."""
        row = self._log.jobs.get(job_id)
        runner = self._connection.runner_for(row)
        if runner is None:
            raise RequestError.of("other_endpoint", id=row.id, endpoint=row.endpoint)
        if self._log.jobs.renew(job_id, self.renew(row, bound)):
            runner.drive(job_id)

    def find(self, req: MotionRequest) -> JobRow | None:
        """Return the job that already answers for the same content. None: submitting would make a new one."""
        endpoint, account = self._connection.target.endpoint, self._connection.account
        key = require_request(req).key
        row = self._log.jobs.latest(endpoint, account, [key]).get(key)
        return row if row is not None and row.state not in RETRYABLE else None

    def submit(self, req: MotionRequest, max_cost: float | None, *, new: bool) -> str:
        """Submit a request as `Workspace.submit` says, and return the id of its job."""
        runner = self._connection.runner
        row = None if new else self.find(req)
        if row is not None and row.state != State.PLANNED:
            if row.state == State.SUBMITTING and self._agreed(row, req, max_cost):
                runner.drive(row.id)  # should its driver have died before it was sent, it goes on here
            elif row.state in UNDER_WAY:
                runner.follow(row.id)
            return row.id
        if row is None and not new:
            self._preparation.require_unpaid([req.key])
        values, cost = self._preparation.prepare(req)
        self._preparation.require_bound(cost, max_cost)
        self._budgets.require(cost)
        self._preparation.require_ready()
        values |= self._preparation.keep(req)
        row, _ = self._log.jobs.add(values, new=new)
        if row.state == State.PLANNED and _asks_for(row, values):
            runner.drive(row.id)
        elif row.state in UNDER_WAY:
            runner.follow(row.id)
        return row.id

    def _agreed(self, row: JobRow, req: MotionRequest, bound: float | None) -> bool:
        """Return whether an earlier job asks for this very request, and a bound holds what it may cost."""
        if bound is None and self._connection.target.live:
            return False
        if bound is not None and (row.estimate_high or 0) > bound_micro(bound):
            return False
        try:
            values, cost = self._preparation.prepare(req)
            self._preparation.require_bound(cost, bound)
            return _asks_for(row, {**values, **self._preparation.keep(req)})
        except MotionError:  # it is followed all the same
            return False

    def take_up(self, rows: Sequence[JobRow], an_id: str, *, same_account: bool) -> list[str]:
        """Follow a job or a run as `Workspace.attach` says; return a sentence on what has another key."""
        rotated = self._preparation.rotated
        if same_account:
            rows = rotated.take_over(rows, an_id)
        self.follow(rows)
        return rotated.notices(rows)

    def follow(self, rows: Sequence[JobRow]) -> None:
        """Take up those jobs that were sent from here, paid ones that were given up too; nothing is sent."""
        for row in rows:
            again = ASKED_AGAIN.get(State(row.state))
            if again is not None and row.task_id is not None and self._connection.holds(row):
                note = event_note("event_asked_again")
                self._log.transitions.move(
                    row.id, again, note=note, completed=row.completed if again == State.COMPLETED else None
                )
        may = {*UNDER_WAY, *ASKED_AGAIN}
        ids = [row.id for row in rows if row.state in may and self._connection.holds(row)]
        if ids:
            self._connection.runner.follow(*ids)

    def under_way(self) -> list[JobRow]:
        """Return the jobs that were sent from here and have not ended."""
        target = self._connection.target
        return self._log.jobs.rows(in_states(target.endpoint, self._connection.account, UNDER_WAY))


def _asks_for(row: JobRow, values: Mapping[str, Any]) -> bool:
    """Return whether a job in the hands of another process asks for just this: its key may say so wrongly."""
    names = (*WIRE_FIELDS, "image_sha", "image_path", "clip_sha", "clip_path")
    return all(getattr(row, name) == values.get(name) for name in names)
