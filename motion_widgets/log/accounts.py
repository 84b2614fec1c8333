"""Names of accounts: rows that an older version named with a log's own salt get today's name.

An account's name is the same in every log. It was not always: each log had a salt, so the same key paid
again for what had come from another log. Which rows are whose shows only once a key is at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, select, update

from motion_widgets.core.forks import new_lock
from motion_widgets.core.messages import say
from motion_widgets.core.money import Micro
from motion_widgets.log.budgets import person_budget_id, spend
from motion_widgets.log.engine import batches
from motion_widgets.log.rows import IDENTITY, REPEAT
from motion_widgets.log.schema import budgets, jobs, salts, sweeps
from motion_widgets.log.states import State
from motion_widgets.log.transitions import append_event, event_note, next_seq

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from motion_widgets.log.engine import Database

__all__ = ["Accounts", "make_room"]

_MOST = 1000
"""Salts that are tried; a log has one for each older log that was merged into it."""


class Accounts:
    """The accounts of a log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._carried: set[tuple[str, str]] = set()
        self._lock = new_lock()

    def carry(self, endpoint: str, name: str, before: Callable[[str], str]) -> None:
        """Rename an account's rows to its name of today; looks again only after rows came in.

        Parameters
        ----------
        endpoint, name
            The account.
        before
            Returns the name that a salt gave it.
        """
        with self._lock:  # nobody goes on before it is done, as what is there already would be paid again
            if (endpoint, name) in self._carried:
                return
            with self._database.read() as connection:
                salted = connection.execute(select(salts.c.salt).limit(_MOST)).scalars().all()
                names = [before(str(one)) for one in salted if one is not None]
                old = [one for one in names if _known(connection, endpoint, one)]
            if old and not self._database.read_only:
                with self._database.write() as connection:
                    for one in old:
                        _rename(connection, endpoint, one, name)
            self._carried.add((endpoint, name))

    def take_over(self, job_ids: Sequence[str], endpoint: str, name: str, an_id: str) -> None:
        """Assign jobs of an endpoint, and the run of this id, to an account, because a person said so.

        What was billed or reserved for them stays with the budgets that hold it.
        """
        columns = [jobs.c[one] for one in ("id", "state", *IDENTITY)]
        there = (jobs.c.endpoint == endpoint, jobs.c.account != name)
        with self._database.write() as connection:
            found = [
                dict(row)
                for some in batches(job_ids)
                for row in connection.execute(select(*columns).where(*there, jobs.c.id.in_(some))).mappings()
            ]
            ours = select(*columns).where(jobs.c.endpoint == endpoint, jobs.c.account == name)
            here = {str(row["id"]): dict(row) for row in connection.execute(ours).mappings()}
            renamed = [{**row, "account": name} for row in found]
            make_room(here, (), renamed)
            seq, note = next_seq(connection), event_note("event_account_changed")
            for row in renamed:
                change = {"account": name, "repeat": row["repeat"], "seq": seq}
                connection.execute(update(jobs).where(jobs.c.id == row["id"]).values(change))
                append_event(connection, row["id"], row["state"], State(row["state"]), note)
            run = (sweeps.c.id == an_id, sweeps.c.endpoint == endpoint)
            connection.execute(update(sweeps).where(*run).values(account=name))

    def forget(self) -> None:
        """Look again: rows of another log came in."""
        with self._lock:
            self._carried.clear()


def make_room(
    ours: Mapping[str, Mapping[str, Any]], theirs: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]
) -> list[str]:
    """Count jobs that were made apart, for the same content, as further repeats of it.

    Parameters
    ----------
    ours
        The jobs that are here, by id.
    theirs
        The jobs of the other log.
    new
        Those of them that are not here; their ``repeat`` is changed in place.

    Returns
    -------
    list of str
        A sentence for each that was moved.
    """
    taken = {tuple(row[name] for name in IDENTITY): row["id"] for row in ours.values()}
    highest: dict[tuple[Any, ...], int] = {}
    for row in (*ours.values(), *new):
        content = tuple(row[name] for name in REPEAT[:-1])
        highest[content] = max(highest.get(content, 0), row["repeat"])
    moved = {  # attempts of one repeat stay together, those of an earlier merge included
        tuple(row[name] for name in REPEAT): ours[row["id"]]["repeat"]
        for row in theirs
        if row["id"] in ours and row["repeat"] != ours[row["id"]]["repeat"]
    }
    clashes = {}
    for row in new:
        group = tuple(row[name] for name in REPEAT)
        clash = taken.get(tuple(row[name] for name in IDENTITY))
        if clash is not None and group not in moved:
            content = group[:-1]
            highest[content] += 1
            moved[group], clashes[group] = highest[content], clash
    said = []
    for row in new:
        group = tuple(row[name] for name in REPEAT)
        if group in moved:
            other = clashes.get(group, row["key"][:12])
            said.append(say("merge_repeat", id=row["id"], repeat=moved[group], other=other))
            row["repeat"] = moved[group]
    return said


def _known(connection: Connection, endpoint: str, name: str) -> bool:
    """Return whether anything has this name."""
    return any(
        connection.execute(
            select(table.c.id).where(table.c.endpoint == endpoint, table.c.account == name).limit(1)
        ).first()
        for table in (jobs, sweeps, budgets)
    )


def _rename(connection: Connection, endpoint: str, old: str, name: str) -> None:
    """Rename all rows of an account to its other name, under which there may be some already."""
    there, columns = jobs.c.endpoint == endpoint, [jobs.c[one] for one in ("id", *IDENTITY)]
    found = {
        account: [dict(row) for row in connection.execute(query).mappings()]
        for account in (old, name)
        for query in (select(*columns).where(there, jobs.c.account == account),)
    }
    renamed = [{**row, "account": name} for row in found[old]]
    make_room({row["id"]: row for row in found[name]}, (), renamed)
    for before, row in zip(found[old], renamed, strict=True):
        if row["repeat"] != before["repeat"]:
            moved = {"account": name, "repeat": row["repeat"]}
            connection.execute(update(jobs).where(jobs.c.id == row["id"]).values(moved))
    seq = next_seq(connection)  # views read all of them again
    for ids in batches(row["id"] for row in renamed):
        connection.execute(update(jobs).where(jobs.c.id.in_(ids)).values(account=name, seq=seq))
    connection.execute(
        update(sweeps).where(sweeps.c.endpoint == endpoint, sweeps.c.account == old).values(account=name)
    )
    _rename_budgets(connection, endpoint, old, name)


def _rename_budgets(connection: Connection, endpoint: str, old: str, name: str) -> None:
    """Rename the budgets of people; where a person has one under both names, that of today holds for all."""
    query = select(budgets).where(budgets.c.endpoint == endpoint, budgets.c.account == old)
    for row in connection.execute(query).all():
        now = person_budget_id(row.person, endpoint, name)
        mine = budgets.c.id == row.id
        if connection.execute(select(budgets.c.id).where(budgets.c.id == now)).first():
            spend(connection, Micro(row.used_micro), now)
            connection.execute(delete(budgets).where(mine))
        else:
            connection.execute(update(budgets).where(mine).values(id=now, account=name))
        held = jobs.c.person_budget_id == row.id
        connection.execute(update(jobs).where(held).values(person_budget_id=now))
