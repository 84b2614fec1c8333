"""What holds a planned cell of a sweep back: a person's pause, or a value of an axis that keeps failing.

Both are judged from rows alone, in the transaction that would commit the intent, so that they hold in every
process, after a crash, and for what another process had in hand already.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, case, func, or_, select

from motion_widgets.core.errors import HeldError
from motion_widgets.log.rows import JobRow
from motion_widgets.log.schema import jobs, sweeps
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FailingValue", "failing_values", "require_free"]

_BAD = (State.REJECTED.value, State.FAILED.value, State.VANISHED.value)
_GOOD = (State.COMPLETED.value, State.COLLECTED.value, State.EXPIRED.value)
_NOT_ITS_FAULT = ("auth", "payment")
"""Kinds of refusal that every other cell would have met as well."""


@dataclass(frozen=True)
class FailingValue:
    """A value of an axis whose cells keep failing while those of its other values fare better."""

    axis: str
    value: str | None
    """As the log's column has it."""
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
    query = (
        select(jobs.c.sweep_id, sweeps.c.paused, sweeps.c.stop_after, sweeps.c.axes)
        .join_from(jobs, sweeps, sweeps.c.id == jobs.c.sweep_id)
        .where(jobs.c.id == job_id)
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return
    if found.paused is not None:
        raise HeldError.of("run_paused", id=found.sweep_id)
    if found.stop_after is not None:
        least, share = json.loads(found.stop_after)
        job = JobRow.read(connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one())
        for one in failing_values(connection, found.sweep_id, list(json.loads(found.axes)), least, share):
            if getattr(job, one.axis) == one.value:
                raise HeldError.of("value_failing", id=found.sweep_id, **one.params)


def failing_values(
    connection: Connection, sweep_id: str, axes: Sequence[str], least: int, share: float
) -> list[FailingValue]:
    """Find the values that keep failing, among the last attempts at a sweep's own cells.

    Parameters
    ----------
    least
        So many cells of the value have ended.
    share
        At least this share of them failed, and a smaller one of the cells of the axis's other values, of
        which some have ended too: where all fails alike the value is not to blame.
    """
    later = jobs.alias()
    same = [later.c[name] == jobs.c[name] for name in ("endpoint", "account", "key", "repeat")]
    tried_again = select(later.c.id).where(and_(*same, later.c.attempt > jobs.c.attempt)).exists()
    ended = or_(
        jobs.c.state.in_(_GOOD),
        and_(jobs.c.state.in_(_BAD), func.coalesce(jobs.c.error_kind, "").not_in(_NOT_ITS_FAULT)),
    )
    bad = func.sum(case((jobs.c.state.in_(_BAD), 1), else_=0))
    found = []
    for axis in axes:
        query = select(jobs.c[axis], bad, func.count()).group_by(jobs.c[axis])
        cells = connection.execute(query.where(jobs.c.sweep_id == sweep_id, ended, ~tried_again)).all()
        all_failed, all_done = sum(failed for _, failed, _ in cells), sum(done for _, _, done in cells)
        for value, failed, done in cells:
            rest_failed, rest = all_failed - failed, all_done - done
            if done >= least and failed >= share * done and rest and rest_failed < share * rest:
                found.append(FailingValue(axis, value, failed, done, rest_failed, rest))
    return found
