"""Writing planned jobs down, and reading jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, func, select, update

from motion_widgets.core.errors import LogError
from motion_widgets.core.money import Micro, total
from motion_widgets.log.column_rules import rule_of
from motion_widgets.log.engine import batches
from motion_widgets.log.insert import ASKED, Values, agreed_columns, insert_attempt, insert_jobs
from motion_widgets.log.intake import NOBODY
from motion_widgets.log.leases import not_leased
from motion_widgets.log.names import is_safe_id
from motion_widgets.log.rows import REPEAT, AttemptRow, EventRow, JobRow, TaskTime, Totals
from motion_widgets.log.schema import events, job_rows, jobs, readable
from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.log.transitions import last_seq, next_seq

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.engine import Database

__all__ = ["Jobs", "in_states"]

_CARRIED = (*ASKED, "sweep_id", "endpoint", "account", "sandbox", "key", "repeat", "budget_id")
"""What a new attempt takes over from the one before it."""

_LEARNED = 500
"""Tasks from which it is learned how long they take."""
_ID = rule_of("id", "str")
_ONE = job_rows.where(jobs.c.id == bindparam("of_job"))
"""Put together once: with all its columns that takes longer than running it."""


class Jobs:
    """The jobs of a log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._totals: dict[tuple[str, str, int], Totals] = {}

    def add(self, values: Values, *, new: bool = False) -> tuple[JobRow, bool]:
        """Write a planned job, or find the one that already stands for the same content.

        A planned one that nobody drives is taken over: what is sent, its price, and the budget that pays
        for it, are those that were agreed to now.

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
            same = [jobs.c[name] == getattr(job, name) for name in REPEAT]
            query = job_rows.where(*same).order_by(jobs.c.attempt.desc()).limit(1)
            last = JobRow.read(connection.execute(query).mappings().one())
            if last.state not in RETRYABLE:
                return last, False
            kept = {name: getattr(last, name) for name in _CARRIED}
            return insert_attempt(connection, {**kept, **changes, "attempt": last.attempt + 1}), True

    def renew(self, job_id: str, values: Values) -> bool:
        """Write down anew what a planned job asks for and costs. False: it is not planned, or is driven."""
        free = (jobs.c.id == job_id, jobs.c.state == State.PLANNED.value, not_leased())
        with self._database.write() as connection:
            change = {**agreed_columns(values), "seq": next_seq(connection)}
            return connection.execute(update(jobs).where(*free).values(change)).rowcount == 1

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
        query = job_rows.where(*where).order_by(order).limit(limit).offset(offset)
        with self._database.read() as connection:
            return JobRow.read_all(connection.execute(query))

    def count(self, *where: ColumnElement[bool]) -> int:
        """Count jobs."""
        query = select(func.count()).select_from(jobs).where(*where)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def totals(self, endpoint: str, account: str) -> Totals:
        """Count an account's jobs by state and sum up what they cost, in the database, once per change.

        What came from elsewhere was paid for there: as in budgets, it adds nothing to the sum.
        """
        paid = func.coalesce(jobs.c.person_budget_id, "-") != NOBODY
        cost = case((paid, readable(jobs.c.cost)))
        sums = (func.count(), func.count(cost), func.coalesce(func.sum(cost), 0))
        query = select(jobs.c.state, *sums).group_by(jobs.c.state)
        with self._database.read() as connection:
            seen = (endpoint, account, last_seq(connection))
            known = self._totals.get(seen)
            if known is not None:
                return known
            mine = (jobs.c.endpoint == endpoint, jobs.c.account == account)
            found = connection.execute(query.where(*mine)).all()
        counts: dict[str, int] = {}
        for state, count, _, _ in found:  # words that are no state are all one
            counts[state] = counts.get(state, 0) + count
        totals = Totals(counts, sum(one[2] for one in found), total(Micro(int(one[3])) for one in found))
        self._totals = {seen: totals}
        return totals

    def reserved(self, budget_id: str) -> Micro:
        """Return what jobs hold of a budget, over all attempts."""
        held = select(func.coalesce(func.sum(readable(jobs.c.reserved)), 0)).where(
            jobs.c.budget_id == budget_id
        )
        with self._database.read() as connection:
            return Micro(int(connection.execute(held).scalar_one()))

    def version(self) -> int:
        """Return a number that grows with every change to a job, by which a view knows that it is old."""
        with self._database.read() as connection:
            return last_seq(connection)

    def events(self, job_id: str) -> list[EventRow]:
        """Return a job's transitions, oldest first."""
        query = select(events).where(events.c.job_id == job_id).order_by(events.c.id)
        with self._database.read() as connection:
            return EventRow.read_all(connection.execute(query))

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
        keys: list[str] = []
        with self._database.read() as connection:
            for some in batches(job_ids):
                keys += connection.execute(select(jobs.c.key).where(jobs.c.id.in_(some))).scalars()
        alike: dict[tuple[str, str, str, int], list[JobRow]] = {}
        named: dict[str, list[JobRow]] = {}
        for some in batches(keys):
            for row in self.rows(jobs.c.key.in_(some)):
                named[row.id] = alike.setdefault(row.repeat_of, [])
                named[row.id].append(row)
        for rows in alike.values():
            rows.sort(key=lambda row: row.attempt)
        return [named[job_id] for job_id in job_ids if job_id in named]

    def present(self, job_ids: Sequence[str]) -> set[str]:
        """Return those ids of which there is a job."""
        here: set[str] = set()
        with self._database.read() as connection:
            for some in batches(job_ids):
                here.update(connection.execute(select(jobs.c.id).where(jobs.c.id.in_(some))).scalars())
        return here

    def last_attempts(self, job_ids: Sequence[str]) -> list[JobRow]:
        """Return, for each job, the last attempt at the same repeat of the same content."""
        return [rows[-1] for rows in self.attempts(job_ids)]

    def retried(self, rows: Sequence[JobRow]) -> dict[str, str]:
        """Return, by id of a failure, the later attempt at the same repeat that has a result."""
        failed = {row.id for row in rows if row.state in RETRYABLE}
        found = self.attempts(list(failed))
        lasts = [(some[-1].id, some) for some in found if some[-1].state == State.COLLECTED]
        return {row.id: last for last, some in lasts for row in some if row.id in failed}

    def task_times(self, endpoint: str) -> list[TaskTime]:
        """Return how long the last tasks took that completed at an endpoint; oldest first."""
        names = ("id", "model", "mode", "character_orientation", "clip_length", "estimated_time")
        columns = [jobs.c[name] for name in (*names, "submitted", "completed")]
        done = jobs.c.state.in_([State.COMPLETED.value, State.COLLECTED.value, State.EXPIRED.value])
        query = select(*columns).where(jobs.c.endpoint == endpoint, done, jobs.c.completed > jobs.c.submitted)
        with self._database.read() as connection:
            newest = connection.execute(query.order_by(jobs.c.id.desc()).limit(_LEARNED)).mappings().all()
        return [
            TaskTime.read(row) for row in reversed(newest) if None not in (row["submitted"], row["completed"])
        ]

    def _find(self, connection: Connection, job_id: str) -> JobRow:
        row = connection.execute(_ONE, {"of_job": job_id}).mappings().one_or_none()
        if row is None and not is_safe_id(job_id):  # the name of a row whose id is none
            named = (one for one in connection.execute(job_rows).mappings() if _ID.clean(one["id"]) == job_id)
            row = next(named, None)
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
