"""Sweeps: their axes and cells, what they are called, and what holds them back."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.core.moments import day_words
from motion_widgets.core.texts import composed
from motion_widgets.log.budgets import write_budget
from motion_widgets.log.column_rules import TITLE_MOST, is_title
from motion_widgets.log.engine import batches, now_us
from motion_widgets.log.insert import Values, insert_jobs
from motion_widgets.log.names import current_person
from motion_widgets.log.rows import JobRow, SweepRow
from motion_widgets.log.schema import jobs, sweeps
from motion_widgets.log.sweep_cells import FailingValue, attached, failing_values
from motion_widgets.log.transitions import next_seq
from motion_widgets.request.fields import FIELD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from motion_widgets.core.money import Micro
    from motion_widgets.log.engine import Database

__all__ = ["Sweeps", "checked_title", "run_name"]

_NAMED = select(sweeps.c.id, sweeps.c.title, sweeps.c.axes, sweeps.c.created)
"""What a name is made of; the cells of a large sweep take long to read."""


def run_name(title: str | None, axes: str, created: int, *, now: datetime | None = None) -> str:
    """Return a run's name: its axes, then the day and the time.

    Parameters
    ----------
    title
        What a person called it. None: nobody did.
    axes
        JSON: the labels of its axes by field.
    created
        unix microseconds.
    now
        From where the day is counted. None: now.
    """
    if title:
        return title
    known = {name: values for name, values in json.loads(axes).items() if name in FIELD}
    varied = [name for name, values in known.items() if len(values) > 1] or list(known)
    words = " \u00d7 ".join(say(f"axis_{name}") for name in varied) or say("axis_none")
    return say("run_name", axes=words, when=day_words(created, now))


def checked_title(given: str | None) -> str | None:
    """Return a name that a person gives a run; None or blanks: it is called by its axes again.

    Raises
    ------
    LogError
        It is too long, or not one line of text.
    """
    word = composed(" ".join(str(given or "").split()))
    if word and not is_title(word):
        raise LogError.of("run_title_wrong", found=word[: TITLE_MOST + 1], most=TITLE_MOST)
    return word or None


class Sweeps:
    """The sweeps of a log."""

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
        numbers: Sequence[int] = (),
    ) -> list[JobRow]:
        """Write a sweep down with its budget and all its jobs, all or nothing.

        Cells that the sweep of this id has already stay in it.

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
        numbers
            Per cell its number in the plan. Empty: 1, 2, … as they stand.

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
                {"values": dict(labels), "job_id": rows[at].id, "order": places[at], "number": number}
                for at, ((labels, _), number) in enumerate(
                    zip(cells, numbers or range(1, len(cells) + 1), strict=True)
                )
            ]
            _save(connection, _joined(connection, values, written))
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

    def names(self, limit: int | None = None, *, also: str = "") -> dict[str, str]:
        """Return what sweeps are called by id, newest first.

        `also`: the id of one that is named too, however old it is. ``""``: of none.

        Raises
        ------
        LogError
            The log has no such sweep.
        """
        with self._database.read() as connection:
            rows = connection.execute(_NAMED.order_by(sweeps.c.created.desc()).limit(limit)).all()
            if also and also not in {row.id for row in rows}:
                rows = [*rows, *connection.execute(_NAMED.where(sweeps.c.id == also))]
        named = {row.id: run_name(row.title, row.axes, row.created) for row in rows}
        if also and also not in named:
            raise LogError.of("no_such_id", id=also, name=self._database.name)
        return named

    def name(self, sweep_id: str) -> str:
        """Return what a sweep is called."""
        with self._database.read() as connection:
            row = connection.execute(_NAMED.where(sweeps.c.id == sweep_id)).one_or_none()
        return run_name(row.title, row.axes, row.created) if row is not None else sweep_id

    def is_paused(self, sweep_id: str) -> bool:
        """Return whether a person paused a sweep."""
        query = select(sweeps.c.paused).where(sweeps.c.id == sweep_id)
        with self._database.read() as connection:
            return connection.execute(query).scalar() is not None

    def rename(self, sweep_id: str, title: str | None) -> None:
        """Call a sweep by another name; None: by its axes and time. Views notice.

        Raises
        ------
        LogError
            It is too long, or not one line of text.
        """
        word = checked_title(title)
        with self._database.write() as connection:
            connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(title=word))
            last = select(func.max(jobs.c.id)).where(jobs.c.sweep_id == sweep_id).scalar_subquery()
            connection.execute(update(jobs).where(jobs.c.id == last).values(seq=next_seq(connection)))

    def attached(self, sweep_id: str) -> list[str] | None:
        """Return the jobs of a sweep's cells that others wrote down. None: there is no such sweep."""
        with self._database.read() as connection:
            return attached(connection, sweep_id)

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


def _joined(connection: Connection, values: Values, cells: list[dict[str, Any]]) -> Values:
    """Return a sweep's columns with cells added to those that it had; numbers and the wider axes stay."""
    before = _find(connection, values["id"])
    if before is None:
        return {**values, "cells": json.dumps(cells, ensure_ascii=False)}
    # Older versions did not write the number.
    had = [{"number": place, **one} for place, one in enumerate(json.loads(before.cells), 1)]
    content = _content(connection, [one["job_id"] for one in [*had, *cells]])
    here = {content[one["job_id"]] for one in cells}
    numbers = {content.get(one["job_id"]): int(one["number"]) for one in had}
    fresh = {one["number"] for one in cells if content[one["job_id"]] not in numbers}
    further = count(max(numbers.values(), default=0) + 1)
    if fresh & set(numbers.values()):  # the plan has grown
        own = [numbers.get(content[one["job_id"]]) or next(further) for one in cells]
    else:
        own = [numbers.get(content[one["job_id"]], one["number"]) for one in cells]
    cells = [{**one, "number": number} for one, number in zip(cells, own, strict=True)]
    had = [one for one in had if content.get(one["job_id"], next(iter(here), None)) not in here]
    if had:
        axes, more = json.loads(before.axes), json.loads(values["axes"])
        whole = {
            name: list(dict.fromkeys([*axes.get(name, ()), *more.get(name, ())])) for name in axes | more
        }
        values = {**values, "axes": json.dumps(whole, ensure_ascii=False), "stop_after": before.stop_after}
        cells = [*had, *cells]
    return {**values, "cells": json.dumps(cells, ensure_ascii=False)}


def _content(connection: Connection, job_ids: list[str]) -> dict[str, tuple[str, int]]:
    """Return by which content, and which repeat of it, each job is."""
    query = select(jobs.c.id, jobs.c.key, jobs.c.repeat)
    found = [connection.execute(query.where(jobs.c.id.in_(some))).all() for some in batches(job_ids)]
    return {row.id: (row.key, row.repeat) for some in found for row in some}


def _save(connection: Connection, values: Values) -> None:
    done = connection.execute(update(sweeps).where(sweeps.c.id == values["id"]).values(**values))
    if done.rowcount == 0:
        connection.execute(insert(sweeps).values(created=now_us(), created_by=current_person(), **values))
