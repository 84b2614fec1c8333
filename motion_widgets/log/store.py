"""The log itself: every write and read of rows that the rest of the toolkit makes.

The store's contract:

* A job's row exists before anything is sent; it is never deleted, and it changes state only along
  `states.TRANSITIONS`, guarded by the ``UPDATE``'s own condition, so two processes cannot both win.
* Budget is reserved in the intent's transaction and settled in the transaction that ends the job.
* Every transition leaves an event in the same transaction.
* Writers take turns (`database`), so what one reads before it writes still holds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from motion_widgets.core.errors import LogError
from motion_widgets.log.annotations import Marks
from motion_widgets.log.budgets import put_budget
from motion_widgets.log.engine import now_us
from motion_widgets.log.ids import new_id, whoami
from motion_widgets.log.insert import Values, add_all, put_next
from motion_widgets.log.prepared import Prepared, by_column
from motion_widgets.log.rows import AttemptRow, EventRow, JobRow, SweepRow, TaskTime
from motion_widgets.log.schema import events, inputs, jobs, meta, sweeps
from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.log.stop_rules import Failing, failing
from motion_widgets.log.transitions import next_seq
from motion_widgets.request.fields import WIRE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql.elements import ColumnElement

__all__ = ["Log", "new_id", "now_us"]

_MANY = 500
"""Values in one ``IN (...)``."""
_JOB = Prepared(select(jobs).where(jobs.c.id == bindparam("b_id")))
_LAST_CHANGE = Prepared(select(func.coalesce(func.max(jobs.c.seq), 0).label("seq")))
_SAME = ("endpoint", "account", "key", "repeat")
"""What all attempts at one repeat of the same content share."""
_CARRIED = frozenset(
    {
        *WIRE_FIELDS, "sweep_id", "endpoint", "account", "sandbox", "key", "repeat",
        "image_name", "image_sha", "clip_name", "clip_sha",
        "clip_length", "clip_moviepy_length", "clip_width", "clip_height", "clip_fps", "clip_size",
        "clip_has_audio", "image_width", "image_height", "image_size", "image_format",
        "estimate_low", "estimate_high", "budget_id", "image_path", "clip_path", "toolkit_version",
        "prices_date",
    }
)  # fmt: skip
"""What a new attempt takes over from the one before it."""


class Log(Marks):
    """An experiment log.

    Parameters
    ----------
    url
        A SQLAlchemy URL, or the path of a SQLite file, made when missing.

    Raises
    ------
    LogError
        It cannot be opened, or a newer version of this package wrote it.
    """

    # Writing jobs down.

    def add_job(self, values: Values, *, new: bool = False) -> tuple[JobRow, bool]:
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
        with self.write() as connection:
            return add_all(connection, [values], new=new)[0]

    def add_run(
        self,
        values: Values,
        cells: Sequence[tuple[Values, Values]],
        *,
        limit: int | None,
        keep: bool,
        new: bool,
        order: Sequence[int] = (),
    ) -> list[JobRow]:
        """Write a sweep with its budget and all its jobs down, all or nothing.

        Parameters
        ----------
        values
            The sweep's ``id``, ``endpoint``, ``account`` and ``axes``, and its ``stop_after``, if it has one.
        cells
            Per cell its labels by axis, and the columns of its job; with ``repeat``, that very repeat.
        limit
            The budget in micro-dollars. None: no limit.
        keep
            Leave the limit of an earlier run of this sweep as it is.
        new
            Pay for a further repeat of every cell.
        order
            Per cell its place in the running order. Empty: as they stand.

        Returns
        -------
        list of JobRow
            A job per cell.
        """
        run_id = values["id"]
        with self.write() as connection:
            put_budget(connection, run_id, limit, keep=keep)
            places = order or range(len(cells))
            running = sorted(range(len(cells)), key=places.__getitem__)  # so that ids sort by running order
            wanted = [{**cells[at][1], "sweep_id": run_id, "budget_id": run_id} for at in running]
            rows = {
                at: row for at, (row, _) in zip(running, add_all(connection, wanted, new=new), strict=True)
            }
            written = [
                {"values": dict(labels), "job_id": rows[at].id, "order": places[at]}
                for at, (labels, _) in enumerate(cells)
            ]
            _put_sweep(connection, {**values, "cells": json.dumps(written, ensure_ascii=False)})
        return [rows[at] for at in range(len(cells))]

    def add_attempt(self, job_id: str, **changes: Any) -> tuple[JobRow, bool]:
        """Write the next attempt at a job that ended without a result; or give the one already written."""
        with self.write() as connection:
            found = _JOB.row(connection, {"b_id": job_id})
            if found is None:
                raise LogError.of("no_such_id", id=job_id, name=self.name)
            same = [jobs.c[name] == found[name] for name in _SAME]
            query = select(jobs).where(*same).order_by(jobs.c.attempt.desc())
            last = dict(connection.execute(query).mappings().first() or found)
            if last["state"] not in RETRYABLE:
                return JobRow(**last), False
            kept = {name: value for name, value in last.items() if name in _CARRIED}
            return put_next(connection, {**kept, **changes, "attempt": last["attempt"] + 1}), True

    # Reading jobs.

    def job(self, job_id: str) -> JobRow:
        """Return a job's row.

        Raises
        ------
        LogError
            There is no such job.
        """
        with self.read() as connection:
            row = _JOB.row(connection, {"b_id": job_id})
        if row is None:
            raise LogError.of("no_such_id", id=job_id, name=self.name)
        return JobRow(**row)

    def rows(
        self, *where: ColumnElement[bool], limit: int | None = None, offset: int = 0, newest: bool = False
    ) -> list[JobRow]:
        """Return rows of jobs, oldest first unless `newest`."""
        order = jobs.c.id.desc() if newest else jobs.c.id
        query = select(jobs).where(*where).order_by(order).limit(limit).offset(offset)
        with self.read() as connection:
            return [JobRow(**row) for row in by_column(connection.execute(query))]

    def latest(self, endpoint: str, account: str, keys: Sequence[str]) -> dict[str, JobRow]:
        """Give, by key, the job that answers for that content.

        That is one that is not retryable, else the last attempt.
        """
        found: dict[str, JobRow] = {}
        mine = (jobs.c.endpoint == endpoint, jobs.c.account == account)
        for start in range(0, len(keys), _MANY):
            for row in self.rows(*mine, jobs.c.key.in_(list(keys[start : start + _MANY]))):
                have = found.get(row.key)
                if have is None or _rank(row) > _rank(have):
                    found[row.key] = row
        return found

    def finished(self, endpoint: str, *, limit: int = 500) -> list[TaskTime]:
        """Return what says how long tasks took, of the last that completed at an endpoint; oldest first."""
        names = ("id", "model", "mode", "character_orientation", "clip_length", "estimated_time")
        columns = [jobs.c[name] for name in (*names, "submitted", "completed")]
        done = jobs.c.state.in_([State.COMPLETED.value, State.COLLECTED.value, State.EXPIRED.value])
        query = select(*columns).where(jobs.c.endpoint == endpoint, done, jobs.c.completed > jobs.c.submitted)
        with self.read() as connection:
            newest = connection.execute(query.order_by(jobs.c.id.desc()).limit(limit)).mappings().all()
            return [TaskTime(**row) for row in reversed(newest)]

    def standing(self, endpoint: str, account: str, keys: Sequence[str]) -> dict[str, list[AttemptRow]]:
        """Give, by key, the last attempt at each repeat: whether it was sent, and who drives it."""
        names = ("id", "key", "repeat", "attempt", "state", "lease_owner", "lease_until")
        mine = (jobs.c.endpoint == endpoint, jobs.c.account == account)
        last: dict[tuple[str, int], AttemptRow] = {}
        with self.read() as connection:
            for start in range(0, len(keys), _MANY):
                some = jobs.c.key.in_(list(keys[start : start + _MANY]))
                query = select(*[jobs.c[name] for name in names]).where(*mine, some).order_by(jobs.c.attempt)
                for row in connection.execute(query).mappings():
                    last[row["key"], row["repeat"]] = AttemptRow(**row)
        found: dict[str, list[AttemptRow]] = {}
        for (key, _), one in last.items():
            found.setdefault(key, []).append(one)
        return found

    def attempts(self, job_ids: Sequence[str]) -> list[list[JobRow]]:
        """Give, for each job, all attempts at the same repeat of the same content, first to last."""
        named: dict[str, JobRow] = {}
        for start in range(0, len(job_ids), _MANY):
            for row in self.rows(jobs.c.id.in_(list(job_ids[start : start + _MANY]))):
                named[row.id] = row
        together: dict[tuple[Any, ...], list[JobRow]] = {}
        keys = list(dict.fromkeys(row.key for row in named.values()))
        for start in range(0, len(keys), _MANY):
            for row in self.rows(jobs.c.key.in_(keys[start : start + _MANY])):
                together.setdefault(_same(row), []).append(row)
        for rows in together.values():
            rows.sort(key=lambda row: row.attempt)
        return [together[_same(named[job_id])] for job_id in job_ids if job_id in named]

    def last_attempts(self, job_ids: Sequence[str]) -> list[JobRow]:
        """Give, for each job, the last attempt at the same repeat of the same content; in the order asked."""
        return [rows[-1] for rows in self.attempts(job_ids)]

    def count(self, *where: ColumnElement[bool]) -> int:
        """Count jobs."""
        with self.read() as connection:
            return int(connection.execute(select(func.count()).select_from(jobs).where(*where)).scalar_one())

    def spent(self, *where: ColumnElement[bool]) -> int:
        """Return what matching jobs were billed in all, in micro-dollars; 0 where none was."""
        total = select(func.coalesce(func.sum(jobs.c.cost), 0)).where(*where)
        with self.read() as connection:
            return int(connection.execute(total).scalar_one())

    def version(self) -> int:
        """Return a number that grows with every change to a job, by which a view knows that it is old."""
        with self.read() as connection:
            return int(_LAST_CHANGE.rows(connection, {})[0]["seq"])

    def facts(self) -> tuple[str, int]:
        """Return the number of the log's shape, and how many events it holds."""
        with self.read() as connection:
            shape = connection.execute(select(meta.c.value).where(meta.c.name == "schema")).scalar_one()
            return str(shape), int(connection.execute(select(func.count()).select_from(events)).scalar_one())

    def events(self, job_id: str) -> list[EventRow]:
        """Return a job's transitions, oldest first."""
        with self.read() as connection:
            query = select(events).where(events.c.job_id == job_id).order_by(events.c.id)
            return [EventRow(**row) for row in connection.execute(query).mappings()]

    # Sweeps and inputs.

    def put_sweep(self, values: Values) -> None:
        """Write a sweep down, or bring the one of this id up to date."""
        with self.write() as connection:
            _put_sweep(connection, values)

    def sweep(self, sweep_id: str) -> SweepRow | None:
        """Return a sweep's row. None: there is none."""
        with self.read() as connection:
            row = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).mappings().first()
        return SweepRow(**row) if row else None

    def hold_sweep(self, sweep_id: str, **values: int | str | None) -> None:
        """Pause a sweep or let it go on (``paused``); change when a failing value stops (``stop_after``)."""
        with self.write() as connection:
            connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(**values))

    def failing(self, sweep_id: str) -> list[Failing]:
        """Return the values of a sweep whose cells are not sent because they keep failing."""
        with self.read() as connection:
            row = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).mappings().first()
            if row is None or row["stop_after"] is None:
                return []
            return failing(
                connection, sweep_id, list(json.loads(row["axes"])), *json.loads(row["stop_after"])
            )

    def sweep_ids(self) -> list[str]:
        """Return the ids of all sweeps, newest first."""
        with self.read() as connection:
            query = select(sweeps.c.id).order_by(sweeps.c.created.desc())
            return [str(one) for one in connection.execute(query).scalars()]

    def unshared(self, *, everything: bool = False) -> list[tuple[str, str, str, str]]:
        """Return what nobody has put on the shared path: table, key, path and SHA-256; inputs first.

        `everything`: and what somebody has.
        """
        kept = select(inputs.c.sha, inputs.c.path).where(inputs.c.path != "")
        made = select(jobs.c.id, jobs.c.result_path, jobs.c.result_sha).where(
            jobs.c.state == State.COLLECTED.value,
            jobs.c.result_path.is_not(None),
            jobs.c.result_sha.is_not(None),
        )
        if not everything:
            kept, made = kept.where(inputs.c.shared.is_(None)), made.where(jobs.c.shared.is_(None))
        with self.read() as connection:
            found = [("inputs", row.sha, row.path, row.sha) for row in connection.execute(kept)]
            newest = connection.execute(made.order_by(jobs.c.id.desc()))
            return [*found, *(("jobs", row.id, row.result_path, row.result_sha) for row in newest)]

    def set_shared(self, table: str, key: str) -> None:
        """Note that a file is on the shared path; what was said to hold it up is said no more."""
        with self.write() as connection:
            if table == "inputs":
                connection.execute(update(inputs).where(inputs.c.sha == key).values(shared=now_us()))
                return
            mine = jobs.c.id == key
            values = {"shared": now_us(), "seq": next_seq(connection)}
            connection.execute(update(jobs).where(mine).values(**values))
            fine = dict.fromkeys(("error_kind", "error_code", "error_message"))
            connection.execute(update(jobs).where(mine, jobs.c.error_kind == "shared").values(**fine))

    def add_input(self, sha: str, *, name: str, size: int, path: str) -> None:
        """Note where a copy of an input is kept, by content."""
        with self.write() as connection:
            if not connection.execute(select(inputs.c.sha).where(inputs.c.sha == sha)).first():
                connection.execute(
                    insert(inputs).values(sha=sha, name=name, size=size, path=path, created=now_us())
                )


def _rank(row: JobRow) -> tuple[bool, int, int]:
    return row.state not in RETRYABLE, row.repeat, row.attempt


def _same(row: JobRow) -> tuple[str, str, str, int]:
    """Return what all attempts at one repeat of the same content share."""
    return row.endpoint, row.account, row.key, row.repeat


def _put_sweep(connection: Connection, values: Values) -> None:
    done = connection.execute(update(sweeps).where(sweeps.c.id == values["id"]).values(**values))
    if done.rowcount == 0:
        connection.execute(insert(sweeps).values(created=now_us(), created_by=whoami(), **values))
