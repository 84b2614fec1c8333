"""Sweeps: their axes and cells, and what holds them back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select, update

from motion_widgets.log.budgets import write_budget
from motion_widgets.log.engine import now_us
from motion_widgets.log.ids import current_person
from motion_widgets.log.insert import Values, insert_jobs
from motion_widgets.log.rows import JobRow, SweepRow
from motion_widgets.log.schema import sweeps
from motion_widgets.log.stop_rules import FailingValue, failing_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.core.money import Micro
    from motion_widgets.log.engine import Database

__all__ = ["Sweeps"]


class Sweeps:
    """The sweeps of a log.

    Parameters
    ----------
    database
        The log's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        values: Values,
        cells: Sequence[tuple[Values, Values]],
        *,
        limit: Micro | None,
        keep: bool,
        new: bool,
        order: Sequence[int] = (),
    ) -> list[JobRow]:
        """Write a sweep down with its budget and all its jobs, all or nothing.

        Parameters
        ----------
        values
            The sweep's ``id``, ``endpoint``, ``account`` and ``axes``, and its ``stop_after``, if it has one.
        cells
            Per cell its labels by axis, and the columns of its job; with ``repeat``, that very repeat.
        limit
            The budget. None: no limit.
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
        places = order or range(len(cells))
        running = sorted(range(len(cells)), key=places.__getitem__)  # so that ids sort by running order
        wanted = [{**cells[at][1], "sweep_id": run_id, "budget_id": run_id} for at in running]
        with self._database.write() as connection:
            write_budget(connection, run_id, limit, keep=keep)
            added = zip(running, insert_jobs(connection, wanted, new=new), strict=True)
            rows = {at: row for at, (row, _) in added}
            written = [
                {"values": dict(labels), "job_id": rows[at].id, "order": places[at]}
                for at, (labels, _) in enumerate(cells)
            ]
            _save(connection, {**values, "cells": json.dumps(written, ensure_ascii=False)})
        return [rows[at] for at in range(len(cells))]

    def save(self, values: Values) -> None:
        """Write a sweep down, or bring the one of this id up to date."""
        with self._database.write() as connection:
            _save(connection, values)

    def get(self, sweep_id: str) -> SweepRow | None:
        """Return a sweep's row. None: there is none."""
        with self._database.read() as connection:
            return _find(connection, sweep_id)

    def ids(self) -> list[str]:
        """Return the ids of all sweeps, newest first."""
        with self._database.read() as connection:
            return list(connection.execute(select(sweeps.c.id).order_by(sweeps.c.created.desc())).scalars())

    def hold(self, sweep_id: str, **values: int | str | None) -> None:
        """Pause a sweep or let it go on (``paused``); change when a failing value stops (``stop_after``)."""
        with self._database.write() as connection:
            connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(**values))

    def failing(self, sweep_id: str) -> list[FailingValue]:
        """Return the values of a sweep whose cells are not sent because they keep failing."""
        with self._database.read() as connection:
            row = _find(connection, sweep_id)
            if row is None or row.stop_after is None:
                return []
            least, share = json.loads(row.stop_after)
            return failing_values(connection, sweep_id, list(json.loads(row.axes)), least, share)


def _find(connection: Connection, sweep_id: str) -> SweepRow | None:
    row = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).mappings().one_or_none()
    return SweepRow.read(row) if row is not None else None


def _save(connection: Connection, values: Values) -> None:
    done = connection.execute(update(sweeps).where(sweeps.c.id == values["id"]).values(**values))
    if done.rowcount == 0:
        connection.execute(insert(sweeps).values(created=now_us(), created_by=current_person(), **values))
