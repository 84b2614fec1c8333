"""What holds a planned cell of a sweep back: a person's pause, or a value of an axis that keeps failing.

Both are judged from rows alone, in the transaction that would commit the intent, so that they hold in every
process, after a crash, and for what another process had in hand already.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, bindparam, or_, select

from motion_widgets.core.errors import HeldError
from motion_widgets.log.prepared import Prepared
from motion_widgets.log.schema import jobs, sweeps
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Failing", "failing", "require_free"]

_BAD = (State.REJECTED.value, State.FAILED.value, State.VANISHED.value)
_GOOD = (State.COMPLETED.value, State.COLLECTED.value, State.EXPIRED.value)
_NOT_ITS_FAULT = ("auth", "payment")
"""Kinds of refusal that every other cell would have met as well."""


@dataclass(frozen=True)
class Failing:
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


_SWEEP = Prepared(
    select(jobs.c.sweep_id, sweeps.c.paused, sweeps.c.stop_after, sweeps.c.axes)
    .join_from(jobs, sweeps, sweeps.c.id == jobs.c.sweep_id)
    .where(
        jobs.c.id == bindparam("b_id"), or_(sweeps.c.paused.is_not(None), sweeps.c.stop_after.is_not(None))
    )
)


def require_free(connection: Connection, job_id: str) -> None:
    """Raise HeldError where a job's sweep is paused, or where one of its values keeps failing."""
    found = _SWEEP.row(connection, {"b_id": job_id})
    if found is None:
        return
    if found["paused"] is not None:
        raise HeldError.of("run_paused", id=found["sweep_id"])
    if found["stop_after"] is not None:
        _require_fair(connection, job_id, found)


def _require_fair(connection: Connection, job_id: str, found: Mapping[str, Any]) -> None:
    least, share = json.loads(found["stop_after"])
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one()
    sweep_id, axes = found["sweep_id"], list(json.loads(found["axes"]))
    for one in failing(connection, sweep_id, axes, least, share):
        if row[one.axis] == one.value:
            raise HeldError.of("value_failing", id=sweep_id, **one.params)


def failing(
    connection: Connection, sweep_id: str, axes: Sequence[str], least: int, share: float
) -> list[Failing]:
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
    query = select(jobs.c.state, jobs.c.error_kind, *[jobs.c[axis] for axis in axes]).where(
        jobs.c.sweep_id == sweep_id, jobs.c.state.in_([*_BAD, *_GOOD]), ~tried_again
    )
    ended = [
        (row, row["state"] in _BAD)
        for row in connection.execute(query).mappings()
        if row["state"] in _GOOD or row["error_kind"] not in _NOT_ITS_FAULT
    ]
    found = []
    for axis in axes:
        tally: dict[str | None, list[int]] = {}
        for row, bad in ended:
            count = tally.setdefault(row[axis], [0, 0])
            count[0] += bad
            count[1] += 1
        all_failed, all_ended = (
            (sum(column) for column in zip(*tally.values(), strict=True)) if tally else (0, 0)
        )
        for value, (failed, done) in tally.items():
            rest_failed, rest = all_failed - failed, all_ended - done
            if done >= least and failed >= share * done and rest and rest_failed < share * rest:
                found.append(Failing(axis, value, failed, done, rest_failed, rest))
    return found
