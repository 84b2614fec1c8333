"""The cells of sweeps: which jobs are attempts at them, and what holds a planned one back.

Attempts are a sweep's own jobs, and those of other sweeps and single jobs. What holds a planned one back is a
person's pause, or a value of an axis that keeps failing. Both are judged from rows alone, in the transaction
that would commit the intent, so that they hold in every process, after a crash, and for what another process
had in hand already.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, exists, func, or_, select

from motion_widgets.core.errors import HeldError
from motion_widgets.log.engine import batches
from motion_widgets.log.rows import REPEAT, JobRow
from motion_widgets.log.schema import job_rows, jobs, sweeps
from motion_widgets.log.states import State
from motion_widgets.request.fields import FIELD
from motion_widgets.request.media_source import MEDIA

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FailingValue", "attached", "attempts_at", "failing_values", "not_paused", "require_free"]

_BAD = (State.REJECTED.value, State.FAILED.value, State.VANISHED.value, State.UNKNOWN.value)
_GOOD = (State.COMPLETED.value, State.COLLECTED.value, State.EXPIRED.value)
_NOT_ITS_FAULT = ("auth", "payment")
"""Kinds of refusal that every other cell would have met as well."""

_SHA = {field: f"{kind}_sha" for field, kind in MEDIA}
_HELD = (
    select(jobs.c.sweep_id, sweeps.c.paused, sweeps.c.stop_after, sweeps.c.axes)
    .join_from(jobs, sweeps, sweeps.c.id == jobs.c.sweep_id)
    .where(jobs.c.id == bindparam("of_job"))
)


def attached(connection: Connection, sweep_id: str) -> list[str] | None:
    """Return the jobs of a sweep's cells that others wrote down. None: there is no such sweep."""
    written = connection.execute(select(sweeps.c.cells).where(sweeps.c.id == sweep_id)).scalar()
    if written is None:
        return None
    cells = dict.fromkeys(cell["job_id"] for cell in json.loads(written))
    own = jobs.c.sweep_id == sweep_id
    for some in batches(cells):
        for job_id in connection.execute(select(jobs.c.id).where(own, jobs.c.id.in_(some))).scalars():
            del cells[job_id]
    return list(cells)


def attempts_at(sweep_id: str, others: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a job is an attempt at a cell of a sweep; `others`: jobs it attached to."""
    cell, attempt = jobs.alias(), jobs.alias()
    mine = cell.c.sweep_id == sweep_id
    same = and_(*[cell.c[name] == attempt.c[name] for name in REPEAT])
    cells = select(attempt.c.id).join_from(cell, attempt, same)
    return jobs.c.id.in_(cells.where(or_(mine, cell.c.id.in_(others)) if others else mine))


def not_paused() -> ColumnElement[bool]:
    """Return the condition that a job's sweep, if it has one, is not paused."""
    return ~exists().where(sweeps.c.id == jobs.c.sweep_id, sweeps.c.paused.is_not(None))


@dataclass(frozen=True)
class FailingValue:
    """A value of an axis whose cells keep failing while those of its other values fare better."""

    axis: str
    value: str | None
    """As a log's column has it."""
    content: str | None
    """By what it is told from others: of a medium, whatever it is called, its checksum."""
    failed: int
    ended: int
    others_failed: int
    others_ended: int

    @property
    def params(self) -> dict[str, Any]:
        """What the sentence about it needs."""
        return {
            "axis": self.axis, "value": self.value or "", "failed": self.failed, "ended": self.ended,
            "others_failed": self.others_failed, "others_ended": self.others_ended,
        }  # fmt: skip


def require_free(connection: Connection, job_id: str) -> None:
    """Raise HeldError where a job's sweep is paused, or where one of its values keeps failing."""
    found = connection.execute(_HELD, {"of_job": job_id}).one_or_none()
    if found is None:
        return
    if found.paused is not None:
        raise HeldError.of("run_paused", id=found.sweep_id)
    if found.stop_after is not None:
        least, share = json.loads(found.stop_after)
        job = JobRow.read(connection.execute(job_rows.where(jobs.c.id == job_id)).mappings().one())
        for one in failing_values(connection, found.sweep_id, list(json.loads(found.axes)), least, share):
            if _content(job, one.axis) == one.content:
                raise HeldError.of("value_failing", id=found.sweep_id, **one.params)


def failing_values(
    connection: Connection, sweep_id: str, axes: Sequence[str], least: int, share: float
) -> list[FailingValue]:
    """Find the values that keep failing, among the last attempts at a sweep's cells, whoever made them.

    Parameters
    ----------
    least
        So many cells of the value have ended.
    share
        At least this share of them failed, and a smaller one of the cells of the axis's other values, of
        which some have ended too: where all fails alike the value is not to blame.
    """
    later = jobs.alias()
    same = [later.c[name] == jobs.c[name] for name in REPEAT]
    tried_again = select(later.c.id).where(and_(*same, later.c.attempt > jobs.c.attempt)).exists()
    ended = or_(
        jobs.c.state.in_(_GOOD),
        and_(jobs.c.state.in_(_BAD), func.coalesce(jobs.c.error_kind, "").not_in(_NOT_ITS_FAULT)),
    )
    bad = func.sum(case((jobs.c.state.in_(_BAD), 1), else_=0))
    found = []
    of_sweep = attempts_at(sweep_id, attached(connection, sweep_id) or ())
    for axis in (one for one in axes if one in FIELD):
        sha = _SHA.get(axis)
        content = jobs.c[axis] if sha is None else func.coalesce(jobs.c[sha], jobs.c[axis])
        query = select(func.max(jobs.c[axis]), content, bad, func.count()).group_by(content)
        cells = connection.execute(query.where(of_sweep, ended, ~tried_again)).all()
        all_failed, all_done = sum(one[2] for one in cells), sum(one[3] for one in cells)
        for value, what, failed, done in cells:
            rest_failed, rest = all_failed - failed, all_done - done
            if done >= least and failed >= share * done and rest and rest_failed < share * rest:
                found.append(FailingValue(axis, value, what, failed, done, rest_failed, rest))
    return found


def _content(job: JobRow, axis: str) -> str | None:
    sha = getattr(job, _SHA[axis]) if axis in _SHA else None
    content: str | None = getattr(job, axis) if sha is None else sha
    return content
