"""Writing planned jobs down, and reading jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from motion_widgets.core.errors import LogError
from motion_widgets.core.money import Micro, total
from motion_widgets.log.engine import batches
from motion_widgets.log.insert import Values, insert_attempt, insert_jobs
from motion_widgets.log.rows import AttemptRow, EventRow, JobRow, TaskTime, Totals
from motion_widgets.log.schema import events, jobs
from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.request.fields import WIRE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.engine import Database

__all__ = ["Jobs", "in_states"]

_CARRIED = (
    *WIRE_FIELDS, "sweep_id", "endpoint", "account", "sandbox", "key", "repeat",
    "image_name", "image_sha", "clip_name", "clip_sha",
    "clip_length", "clip_moviepy_length", "clip_width", "clip_height", "clip_fps", "clip_size",
    "clip_has_audio", "image_width", "image_height", "image_size", "image_format",
    "estimate_low", "estimate_high", "budget_id", "image_path", "clip_path", "toolkit_version",
    "prices_date",
)  # fmt: skip
"""What a new attempt takes over from the one before it."""
_LAST_SEQ = select(func.coalesce(func.max(jobs.c.seq), 0))


class Jobs:
    """The jobs of a log.

    Parameters
    ----------
    database
        The log's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._totals: dict[tuple[str, str, int], Totals] = {}

    def add(self, values: Values, *, new: bool = False) -> tuple[JobRow, bool]:
        """Write a planned job, or find the one that already stands for the same content.

        A planned one that nobody drives is taken over: its price, and the budget it will be paid from, are
        those that were agreed to now.

        Parameters
        ----------
        values
            Columns, among them ``endpoint``, ``account`` and ``key``.
        new
            Pay for a further repeat even where the same content exists.

        Returns
        -------
        (row, added)
            `added` is False when an earlier job answers for this content.
        """
        with self._database.write() as connection:
            return insert_jobs(connection, [values], new=new)[0]

    def add_attempt(self, job_id: str, **changes: Any) -> tuple[JobRow, bool]:
        """Write the next attempt at a job that ended without a result, or return the one already written."""
        with self._database.write() as connection:
            job = self._find(connection, job_id)
            query = select(jobs).where(*_same_repeat(job)).order_by(jobs.c.attempt.desc()).limit(1)
            last = JobRow.read(connection.execute(query).mappings().one())
            if last.state not in RETRYABLE:
                return last, False
            kept = {name: getattr(last, name) for name in _CARRIED}
            return insert_attempt(connection, {**kept, **changes, "attempt": last.attempt + 1}), True

    def get(self, job_id: str) -> JobRow:
        """Return a job's row.

        Raises
        ------
        LogError
            There is no such job.
        """
        with self._database.read() as connection:
            return self._find(connection, job_id)

    def rows(
        self, *where: ColumnElement[bool], limit: int | None = None, offset: int = 0, newest: bool = False
    ) -> list[JobRow]:
        """Return rows of jobs, oldest first unless `newest`."""
        order = jobs.c.id.desc() if newest else jobs.c.id
        query = select(jobs).where(*where).order_by(order).limit(limit).offset(offset)
        with self._database.read() as connection:
            return list(map(JobRow.read, connection.execute(query).mappings()))

    def count(self, *where: ColumnElement[bool]) -> int:
        """Count jobs."""
        query = select(func.count()).select_from(jobs).where(*where)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def totals(self, endpoint: str, account: str) -> Totals:
        """Count an account's jobs by state and sum up what they cost, in the database, once per change."""
        sums = (func.count(), func.count(jobs.c.cost), func.coalesce(func.sum(jobs.c.cost), 0))
        query = select(jobs.c.state, *sums).group_by(jobs.c.state)
        with self._database.read() as connection:
            seen = (endpoint, account, int(connection.execute(_LAST_SEQ).scalar_one()))
            known = self._totals.get(seen)
            if known is not None:
                return known
            mine = (jobs.c.endpoint == endpoint, jobs.c.account == account)
            found = connection.execute(query.where(*mine)).all()
        counts = {state: count for state, count, _, _ in found}
        totals = Totals(counts, sum(one[2] for one in found), total(Micro(int(one[3])) for one in found))
        self._totals = {seen: totals}
        return totals

    def version(self) -> int:
        """Return a number that grows with every change to a job, by which a view knows that it is old."""
        with self._database.read() as connection:
            return int(connection.execute(_LAST_SEQ).scalar_one())

    def events(self, job_id: str) -> list[EventRow]:
        """Return a job's transitions, oldest first."""
        query = select(events).where(events.c.job_id == job_id).order_by(events.c.id)
        with self._database.read() as connection:
            return list(map(EventRow.read, connection.execute(query).mappings()))

    def count_events(self) -> int:
        """Count the transitions of all jobs."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(events)).scalar_one())

    def latest(self, endpoint: str, account: str, keys: Sequence[str]) -> dict[str, JobRow]:
        """Return, by key, the job that answers for that content.

        That is one that is not retryable, otherwise the last attempt.
        """
        found: dict[str, JobRow] = {}
        for some in batches(keys):
            for row in self.rows(
                jobs.c.endpoint == endpoint, jobs.c.account == account, jobs.c.key.in_(some)
            ):
                have = found.get(row.key)
                if have is None or _rank(row) > _rank(have):
                    found[row.key] = row
        return found

    def repeats(self, endpoint: str, account: str, keys: Sequence[str]) -> dict[str, list[AttemptRow]]:
        """Return, by key, the last attempt at each repeat: whether it was sent, and who drives it."""
        names = ("id", "key", "repeat", "attempt", "state", "lease_owner", "lease_until")
        query = select(*[jobs.c[name] for name in names]).order_by(jobs.c.attempt)
        query = query.where(jobs.c.endpoint == endpoint, jobs.c.account == account)
        last: dict[tuple[str, int], AttemptRow] = {}
        with self._database.read() as connection:
            for some in batches(keys):
                for row in connection.execute(query.where(jobs.c.key.in_(some))).mappings():
                    attempt = AttemptRow.read(row)
                    last[attempt.key, attempt.repeat] = attempt
        found: dict[str, list[AttemptRow]] = {}
        for attempt in last.values():
            found.setdefault(attempt.key, []).append(attempt)
        return found

    def attempts(self, job_ids: Sequence[str]) -> list[list[JobRow]]:
        """Return, for each job, all attempts at the same repeat of the same content, first to last."""
        named = {row.id: row for some in batches(job_ids) for row in self.rows(jobs.c.id.in_(some))}
        alike: dict[tuple[str, str, str, int], list[JobRow]] = {}
        for some in batches(row.key for row in named.values()):
            for row in self.rows(jobs.c.key.in_(some)):
                alike.setdefault(_repeat(row), []).append(row)
        for rows in alike.values():
            rows.sort(key=lambda row: row.attempt)
        return [alike[_repeat(named[job_id])] for job_id in job_ids if job_id in named]

    def last_attempts(self, job_ids: Sequence[str]) -> list[JobRow]:
        """Return, for each job, the last attempt at the same repeat of the same content."""
        return [rows[-1] for rows in self.attempts(job_ids)]

    def task_times(self, endpoint: str, *, limit: int = 500) -> list[TaskTime]:
        """Return how long the last tasks took that completed at an endpoint; oldest first."""
        names = ("id", "model", "mode", "character_orientation", "clip_length", "estimated_time")
        columns = [jobs.c[name] for name in (*names, "submitted", "completed")]
        done = jobs.c.state.in_([State.COMPLETED.value, State.COLLECTED.value, State.EXPIRED.value])
        query = select(*columns).where(jobs.c.endpoint == endpoint, done, jobs.c.completed > jobs.c.submitted)
        with self._database.read() as connection:
            newest = connection.execute(query.order_by(jobs.c.id.desc()).limit(limit)).mappings().all()
        return [TaskTime.read(row) for row in reversed(newest)]

    def _find(self, connection: Connection, job_id: str) -> JobRow:
        row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
        if row is None:
            raise LogError.of("no_such_id", id=job_id, name=self._database.name)
        return JobRow.read(row)


def in_states(endpoint: str, account: str, states: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a job of an account is in one of these states.

    Few jobs are under way in a log of many, and SQLite finds them by an index only when asked for them alone.
    """
    one = jobs.alias()
    mine = (one.c.endpoint == endpoint, one.c.account == account, one.c.state.in_(sorted(states)))
    return jobs.c.id.in_(select(one.c.id).where(*mine))


def _rank(row: JobRow) -> tuple[bool, int, int]:
    return row.state not in RETRYABLE, row.repeat, row.attempt


def _repeat(row: JobRow) -> tuple[str, str, str, int]:
    """Return what all attempts at one repeat of the same content share."""
    return row.endpoint, row.account, row.key, row.repeat


def _same_repeat(row: JobRow) -> list[ColumnElement[bool]]:
    """Return `_repeat` as conditions."""
    names = ("endpoint", "account", "key", "repeat")
    return [jobs.c[name] == getattr(row, name) for name in names]
