"""Leases: a job is driven by one process and watched by the others.

A lease names its owner and ends by the wall clock, so a dead process's jobs become free by themselves. A
process that was merely slow finds out in `Transitions.seal`, before anything is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, or_, update

from motion_widgets.log.engine import Database, batches, now_us
from motion_widgets.log.names import is_safe_id
from motion_widgets.log.rows import AttemptRow, JobRow
from motion_widgets.log.schema import job_rows, jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql.elements import ColumnElement

__all__ = ["LEASE", "Leases", "free_for", "is_leased", "lease_columns", "not_leased"]

LEASE = 15.0
"""s that a driver may be silent before another process takes its jobs over."""
_RELEASE = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"), jobs.c.lease_owner == bindparam("owner"))
    .values(lease_owner=None, lease_until=None)
)


class Leases:
    """Who drives which job."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim_all(self, job_ids: Sequence[str], owner: str, seconds: float = LEASE) -> list[JobRow]:
        """Take or renew the leases on jobs in one transaction; return the rows of those that are ours now.

        A job whose id could be no file's name is nobody's: its row did not come from this package.
        """
        found: list[JobRow] = []
        with self._database.write() as connection:
            for some in batches(filter(is_safe_id, job_ids)):
                mine = jobs.c.id.in_(some)
                claim = update(jobs).where(mine, free_for(owner)).values(lease_columns(owner, seconds))
                connection.execute(claim)
                claimed = connection.execute(job_rows.where(mine, jobs.c.lease_owner == owner))
                found += JobRow.read_all(claimed)
        return found

    def renew(self, owner: str, seconds: float = LEASE) -> None:
        """Renew all leases of an owner; one that somebody else took meanwhile stays theirs."""
        renewal = update(jobs).where(jobs.c.lease_owner == owner).values(lease_columns(owner, seconds))
        with self._database.write() as connection:
            connection.execute(renewal)

    def release(self, job_id: str, owner: str) -> None:
        """Return a lease, where this owner still holds it."""
        with self._database.write() as connection:
            connection.execute(_RELEASE, {"of_job": job_id, "owner": owner})


def free_for(owner: str | ColumnElement[str], now: ColumnElement[int] | None = None) -> ColumnElement[bool]:
    """Return the SQL condition that nobody but `owner` drives the job."""
    return or_(jobs.c.lease_owner == owner, not_leased(now))


def not_leased(now: ColumnElement[int] | None = None) -> ColumnElement[bool]:
    """Return the SQL condition that nobody drives the job; `now`: the moment (us), if it is told later."""
    moment = now_us() if now is None else now
    return or_(jobs.c.lease_owner.is_(None), func.coalesce(jobs.c.lease_until, 0) <= moment)


def is_leased(row: JobRow | AttemptRow) -> bool:
    """Return whether somebody's lease on a job is still running."""
    return row.lease_owner is not None and (row.lease_until or 0) > now_us()


def lease_columns(owner: str, seconds: float) -> dict[str, Any]:
    """Return the columns of a lease that begins now."""
    return {"lease_owner": owner, "lease_until": now_us() + int(seconds * 1e6)}
