"""Leases: a job is driven by one process and watched by the others.

A lease names its owner and ends by the wall clock, so a dead process's jobs become free by themselves. A
process that was merely slow finds out in `moves.seal`, before anything is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, or_, select, update

from motion_widgets.log.engine import Database, now_us
from motion_widgets.log.prepared import Prepared, by_column
from motion_widgets.log.rows import AttemptRow, JobRow
from motion_widgets.log.schema import jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql.elements import ColumnElement

__all__ = ["FREE", "LEASE", "Leases", "asking", "leased", "lives", "unheld", "until"]

LEASE = 15.0
"""s that a driver may be silent before another process takes its jobs over."""
FREE = or_(
    jobs.c.lease_owner.is_(None),
    jobs.c.lease_owner == bindparam("b_owner"),
    jobs.c.lease_until.is_(None),
    jobs.c.lease_until < bindparam("b_now"),
)
"""In SQL: nobody but ``b_owner`` drives the job at ``b_now`` (`asking`)."""
_ID = jobs.c.id == bindparam("b_id")
_SOME = jobs.c.id.in_(bindparam("b_ids", expanding=True))
_MINE = jobs.c.lease_owner == bindparam("b_owner")
_CLAIM, _CLAIM_SOME = Prepared(update(jobs).where(_ID, FREE)), update(jobs).where(_SOME, FREE)
_CLAIMED, _CLAIMED_SOME = Prepared(select(jobs).where(_ID, _MINE)), select(jobs).where(_SOME, _MINE)
_RENEW, _RELEASE = Prepared(update(jobs).where(_MINE)), Prepared(update(jobs).where(_MINE, _ID))
_MANY = 500
"""Values in one ``IN (...)``."""


class Leases(Database):
    """The part of the log that says who drives a job."""

    def claim(self, job_id: str, owner: str, seconds: float = LEASE) -> bool:
        """Take or renew the lease on a job. False: another process holds a living one."""
        with self.write() as connection:
            return _CLAIM.run(connection, {"b_id": job_id, **asking(owner), **leased(owner, seconds)}) == 1

    def claim_all(self, job_ids: Sequence[str], owner: str, seconds: float = LEASE) -> list[JobRow]:
        """Take the leases on many jobs in one transaction; give the rows of those that are ours now."""
        found: list[dict[str, Any]] = []
        with self.write() as connection:
            for start in range(0, len(job_ids), _MANY):
                some = list(job_ids[start : start + _MANY])
                lease = {**asking(owner), **leased(owner, seconds)}
                if len(some) == 1:  # an IN is written anew each time
                    _CLAIM.run(connection, {"b_id": some[0], **lease})
                    found += _CLAIMED.rows(connection, {"b_id": some[0], "b_owner": owner})
                else:
                    connection.execute(_CLAIM_SOME, {"b_ids": some, **lease})
                    found += by_column(connection.execute(_CLAIMED_SOME, {"b_ids": some, "b_owner": owner}))
        return [JobRow(**row) for row in found]

    def renew(self, owner: str, seconds: float = LEASE) -> None:
        """Renew all leases of an owner; one that somebody else took meanwhile stays theirs."""
        with self.write() as connection:
            _RENEW.run(connection, {"b_owner": owner, "lease_until": until(seconds)})

    def release(self, job_id: str, owner: str) -> None:
        """Return a lease up."""
        with self.write() as connection:
            nobody = {"lease_owner": None, "lease_until": None}
            _RELEASE.run(connection, {"b_id": job_id, "b_owner": owner, **nobody})


def unheld() -> ColumnElement[bool]:
    """Return the SQL condition that nobody drives the job."""
    return or_(jobs.c.lease_owner.is_(None), func.coalesce(jobs.c.lease_until, 0) <= now_us())


def leased(owner: str, seconds: float) -> dict[str, Any]:
    """Return the columns of a lease that begins now."""
    return {"lease_owner": owner, "lease_until": until(seconds)}


def until(seconds: float) -> int:
    """Return when a lease ends that begins now, in unix microseconds."""
    return now_us() + int(seconds * 1e6)


def asking(owner: str) -> dict[str, Any]:
    """Return what `FREE` asks for."""
    return {"b_owner": owner, "b_now": now_us()}


def lives(row: JobRow | AttemptRow) -> bool:
    """Return whether somebody's lease on a job is still running."""
    return row.lease_owner is not None and (row.lease_until or 0) > now_us()
