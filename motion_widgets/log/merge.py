"""Two people's logs in one: the union of their jobs, with events, sweeps and marks, nothing twice.

A job is known by its id. The same id in both is the same job; the log in which it went further tells how
it ended. Two jobs that are the same attempt at the same content, made apart, were two jobs and are kept:
the incoming one is counted as a further repeat. Merging again changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, insert, select, update

from motion_widgets.core.messages import say
from motion_widgets.core.money import Micro
from motion_widgets.log.accounts import make_room
from motion_widgets.log.budgets import spend
from motion_widgets.log.engine import batches
from motion_widgets.log.intake import PATHS, Bound, as_foreign, clean_rows
from motion_widgets.log.recovery import all_rows
from motion_widgets.log.schema import (
    budgets,
    comparisons,
    events,
    fidelity,
    inputs,
    jobs,
    mends,
    notes,
    questions,
    ratings,
    salts,
    sweeps,
    tags,
)  # fmt: skip
from motion_widgets.log.states import ENDS, State
from motion_widgets.log.transitions import next_seq

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from motion_widgets.log.store import Log

__all__ = ["Merged", "merge"]

_APPENDED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (events, ("job_id", "at", "from_state", "to_state", "note")),
    (ratings, ("job_id", "created", "created_by", "usable", "stars")),
    (notes, ("job_id", "created", "created_by", "text")),
    (tags, ("job_id", "tag")),
    (mends, ("id",)),
    (questions, ("id",)),
    (comparisons, ("id",)),
    (fidelity, ("clip_sha", "result_sha", "version")),
    (inputs, ("sha",)),
    (budgets, ("id",)),
    (salts, ("salt",)),
)
"""What is only ever added, and what tells two rows of it apart."""
_BATCH = 2000


@dataclass
class Merged:
    """What a merge did.

    Attributes
    ----------
    added
        Jobs that are new here.
    advanced
        Jobs that were here and had gone further there.
    same
        Jobs that were here already.
    conflicts
        Sentences, one for each thing that the two logs say differently.
    files
        Relative paths of files that came with the new jobs, sorted.
    """

    added: int = 0
    advanced: int = 0
    same: int = 0
    conflicts: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def merge(log: Log, other: Log, name: str = "") -> Merged:
    """Take everything over from another log, called `name`, in one transaction.

    Raises
    ------
    LogError
        One of them cannot be read, or this one cannot be written.
    """
    done = Merged()
    with other.database.read() as connection:
        theirs = all_rows(connection, Bound(name or other.name).rows)
    done.conflicts += clean_rows(theirs)
    with log.database.write() as connection:
        ours = {row["id"]: dict(row) for row in connection.execute(select(jobs)).mappings()}
        new = [row for row in theirs["jobs"] if row["id"] not in ours]
        _advance(connection, [row for row in theirs["jobs"] if row["id"] in ours], ours, done)
        done.conflicts += make_room(ours, theirs["jobs"], new)
        seq = next_seq(connection)
        for number, row in enumerate(new):
            row |= {**as_foreign(row), "seq": seq + number}
        _put(connection, jobs, new)
        done.added = len(new)
        _sweeps(connection, theirs["sweeps"], done)
        for table, by in _APPENDED:
            _append(connection, table, by, theirs[table.name], ours.keys())
    log.accounts.forget()
    named = {row[name] for row in new for name in PATHS["jobs"]}
    named |= {row[name] for table in ("inputs", "mends") for row in theirs[table] for name in PATHS[table]}
    done.files = sorted(one for one in named if one)
    return done


def _append(
    connection: Connection,
    table: Table,
    by: tuple[str, ...],
    rows: list[dict[str, Any]],
    ours: Collection[str],
) -> None:
    """Add the rows that are new; views notice where one belongs to a job that was here."""
    have = {tuple(row) for row in connection.execute(select(*(table.c[name] for name in by)))}
    counted = by[0] != "id" and "id" in table.c  # a number that each database counts up itself
    fresh: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        mark = tuple(row[name] for name in by)
        if mark not in have:
            fresh[mark] = {name: row[name] for name in row if not (counted and name == "id")}
            if table is inputs:
                fresh[mark]["shared"] = None  # their shared path is not ours
    _put(connection, table, list(fresh.values()))
    _touch(connection, sorted({row["job_id"] for row in fresh.values() if row.get("job_id") in ours}))


def _advance(
    connection: Connection, both: list[dict[str, Any]], ours: dict[str, dict[str, Any]], done: Merged
) -> None:
    """Bring jobs that both have to where they went further: sent, or to the end that one of the logs saw."""
    for row in both:
        mine = ours[row["id"]]
        ended, end_here = row["state"] in ENDS, mine["state"] in ENDS
        if ended and end_here and row["state"] != mine["state"]:
            done.conflicts.append(say("merge_states", id=row["id"], ours=mine["state"], theirs=row["state"]))
        # Else it would be paid for here a second time.
        sent = mine["state"] == State.PLANNED and row["state"] != State.PLANNED
        if end_here or not (ended or sent):
            done.same += 1
            continue
        ours_alone = (
            "account", "repeat", "attempt", "deleted", "budget_id", "person_budget_id", "sweep_id", "shared",
        )  # fmt: skip
        kept = {name: mine[name] for name in ours_alone}
        # Without a bill only a rejection proves that it cost nothing.
        free = row["cost"] is not None or row["state"] == State.REJECTED
        kept["reserved"] = 0 if free else mine["reserved"]
        values = {**row, **as_foreign(row), **kept, "seq": next_seq(connection)}
        connection.execute(update(jobs).where(jobs.c.id == row["id"]).values(**values))
        more = Micro((row["cost"] or 0) + kept["reserved"] - mine["reserved"])
        spend(connection, more, mine["budget_id"], mine["person_budget_id"])
        done.advanced += 1


def _sweeps(connection: Connection, rows: list[dict[str, Any]], done: Merged) -> None:
    ours = {row["id"]: dict(row) for row in connection.execute(select(sweeps)).mappings()}
    _put(connection, sweeps, [row for row in rows if row["id"] not in ours])
    for row in rows:
        mine = ours.get(row["id"])
        if mine is None:
            continue
        if _asked(mine) != _asked(row):
            done.conflicts.append(say("merge_sweep", id=row["id"]))
        if row["title"] and not mine["title"]:
            connection.execute(update(sweeps).where(sweeps.c.id == row["id"]).values(title=row["title"]))


def _asked(sweep: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Return what a sweep asks for, whichever jobs each log has for it."""
    return sweep["axes"], [cell.get("values") for cell in json.loads(sweep["cells"])]


def _put(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _BATCH):
        connection.execute(insert(table), rows[start : start + _BATCH])


def _touch(connection: Connection, job_ids: list[str]) -> None:
    """Let views notice that something was said of jobs that were here."""
    seq = next_seq(connection)
    for some in batches(job_ids):
        connection.execute(update(jobs).where(jobs.c.id.in_(some)).values(seq=seq))
