"""Leases: a job is driven by one process and watched by the others.

A lease names its owner and ends by the wall clock, so a dead process's jobs become free by themselves. A
process that was merely slow finds out in `moves.seal`, before anything is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, update

from motion_widgets.log.database import Database, now_us
from motion_widgets.log.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.sql.elements import ColumnElement

__all__ = ["LEASE", "Leases", "leased", "lives"]

LEASE = 15.0
"""s that a driver may be silent before another process takes its jobs over."""


class Leases(Database):
    """The part of the log that says who drives a job."""

    def claim(self, job_id: str, owner: str, seconds: float = LEASE) -> bool:
        """Take or renew the lease on a job. False: another process holds a living one."""
        with self.write() as connection:
            done = connection.execute(
                update(jobs).where(jobs.c.id == job_id, free_for(owner)).values(**leased(owner, seconds))
            )
            return done.rowcount == 1

    def renew(self, owner: str, seconds: float = LEASE) -> None:
        """Renew all leases of an owner; one that somebody else took meanwhile stays theirs."""
        with self.write() as connection:
            connection.execute(
                update(jobs).where(jobs.c.lease_owner == owner).values(**leased(owner, seconds))
            )

    def release(self, job_id: str, owner: str) -> None:
        """Give a lease up."""
        with self.write() as connection:
            mine = (jobs.c.id == job_id, jobs.c.lease_owner == owner)
            connection.execute(update(jobs).where(*mine).values(lease_owner=None, lease_until=None))


def leased(owner: str, seconds: float) -> dict[str, Any]:
    """Give the columns of a lease that begins now."""
    return {"lease_owner": owner, "lease_until": now_us() + int(seconds * 1e6)}


def free_for(owner: str) -> ColumnElement[bool]:
    """Say in SQL that nobody else drives the job."""
    return or_(
        jobs.c.lease_owner.is_(None),
        jobs.c.lease_owner == owner,
        jobs.c.lease_until.is_(None),
        jobs.c.lease_until < now_us(),
    )


def lives(row: Mapping[str, Any]) -> bool:
    """Say whether somebody's lease on a row is still running."""
    return row["lease_owner"] is not None and (row["lease_until"] or 0) > now_us()
