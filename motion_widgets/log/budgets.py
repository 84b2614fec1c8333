"""Budgets: money is taken out before a request is sent, and settled when its cost is known.

What a budget has used counts reservations and bills alike, in whole micro-dollars. A reservation is given
back only where nothing was accepted, or where the bill takes its place. A sweep has a budget under its own
id. A person's budget, at an endpoint and from an account, counts the jobs that this person had sent
(`jobs.person_budget_id`), in all or since a day; when it is set it is counted anew from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, func, insert, literal, or_, select, update

from motion_widgets.core.errors import BudgetError
from motion_widgets.core.money import ZERO, Micro, cents_up, format_left, format_price, to_usd
from motion_widgets.log.schema import budgets, jobs, readable

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.engine import Database

__all__ = [
    "Budgets", "PersonBudget", "own_budget", "person_budget_id", "recount", "reserve", "spend", "take_out",
    "write_budget",
]  # fmt: skip


# Statements of each job are put together once.
_FIND = select(budgets).where(budgets.c.id == bindparam("of_budget"))
_SPEND = (
    update(budgets)
    .where(budgets.c.id == bindparam("of_budget"))
    .values(used_micro=budgets.c.used_micro + bindparam("amount"))
)
_TAKE_OUT = _SPEND.where(
    or_(  # a limit that is no number lets nothing through
        budgets.c.limit_micro.is_(None),
        budgets.c.used_micro + bindparam("amount") <= readable(budgets.c.limit_micro),
    )
)


@dataclass(frozen=True)
class PersonBudget:
    """What a person may spend at an endpoint from an account, in micro-dollars."""

    person: str
    endpoint: str
    account: str
    limit: Micro | None
    """None: no limit; what is used is counted all the same."""
    used: Micro
    """Reserved or billed."""
    since: int | None = None
    """Unix microseconds from which on it counts. None: everything in the log."""

    @property
    def left(self) -> Micro | None:
        """What may still be spent. None: there is no limit."""
        return None if self.limit is None else Micro(max(self.limit - self.used, 0))


class Budgets:
    """What sweeps and people may still spend."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, budget_id: str, limit: Micro | None) -> None:
        """Set a budget's limit in micro-dollars; what it has used stays. None: no limit."""
        with self._database.write() as connection:
            write_budget(connection, budget_id, limit)

    def get(self, budget_id: str) -> tuple[Micro | None, Micro]:
        """Return a budget's (limit, used) in micro-dollars."""
        with self._database.read() as connection:
            row = _find(connection, budget_id)
        return (row.limit_micro, row.used_micro) if row else (None, ZERO)

    def set_person(
        self, person: str, endpoint: str, account: str, limit: Micro | None, *, since: int | None = None
    ) -> PersonBudget:
        """Set what a person may spend, and count what this person has used of it.

        Parameters
        ----------
        limit
            Micro-dollars. None: no limit.
        since
            Unix microseconds; what was sent before no longer counts. None: everything counts.
        """
        budget_id = person_budget_id(person, endpoint, account)
        values = {"limit_micro": limit, "since": since}
        with self._database.write() as connection:
            done = connection.execute(update(budgets).where(budgets.c.id == budget_id).values(**values))
            if done.rowcount == 0:
                whose = {"person": person, "endpoint": endpoint, "account": account}
                connection.execute(insert(budgets).values(id=budget_id, used_micro=0, **whose, **values))
            recount(connection, budget_id)
            row = connection.execute(select(budgets).where(budgets.c.id == budget_id)).one()
        return _person_budget(row)

    def get_person(self, person: str, endpoint: str, account: str) -> PersonBudget | None:
        """Return what a person may spend. None: nobody set a budget for this person there."""
        with self._database.read() as connection:
            row = _find(connection, person_budget_id(person, endpoint, account))
        return _person_budget(row) if row is not None else None

    def people(self) -> list[PersonBudget]:
        """Return all budgets of people, by name."""
        query = select(budgets).where(budgets.c.person.is_not(None)).order_by(budgets.c.person, budgets.c.id)
        with self._database.read() as connection:
            return [_person_budget(row) for row in connection.execute(query)]


def person_budget_id(person: str, endpoint: str, account: str) -> str:
    """Return the id of a person's budget, whether there is one or not."""
    return f"person {endpoint} {account} {person}"


def own_budget(person: ColumnElement[str | None]) -> ColumnElement[str | None]:
    """Return, in SQL, the id of the person's budget that pays for a job; null: there is none."""
    own = literal("person ") + jobs.c.endpoint + " " + jobs.c.account + " " + person
    return select(budgets.c.id).where(budgets.c.id == own).correlate(jobs).scalar_subquery()


def write_budget(connection: Connection, budget_id: str, limit: Micro | None, *, keep: bool = False) -> None:
    """Set a limit; with `keep`, only where the budget is new."""
    if _find(connection, budget_id) is None:
        connection.execute(insert(budgets).values(id=budget_id, limit_micro=limit, used_micro=0))
    elif not keep:
        connection.execute(update(budgets).where(budgets.c.id == budget_id).values(limit_micro=limit))


def reserve(
    connection: Connection, amount: Micro, *, sweep: str | None, own: str | None, person: str
) -> None:
    """Take a job's money out of the budgets that pay for it, inside the intent's transaction.

    Parameters
    ----------
    amount
        What is reserved.
    sweep, own
        Ids of the sweep's budget and of this person's. None: there is none.
    person
        Who has it sent.

    Raises
    ------
    BudgetError
        One of them does not hold it; the caller's transaction takes nothing then.
    """
    for budget_id in (sweep, own):
        left = take_out(connection, budget_id, amount) if budget_id is not None else None
        if budget_id is not None and left is not None:
            found = _find(connection, budget_id)
            limit = Micro((found.limit_micro if found else None) or 0)
            mine = budget_id == own
            raise BudgetError.of(
                "person_budget_used_up" if mine else "budget_used_up", name=person if mine else budget_id,
                price=format_price(to_usd(amount)), left=format_left(to_usd(left)),
                limit=format_left(to_usd(limit)), more=cents_up(Micro(limit + amount - left)),
            )  # fmt: skip


def take_out(connection: Connection, budget_id: str, amount: Micro) -> Micro | None:
    """Take money out in one statement, whose row count decides, so two takers cannot overspend.

    Returns
    -------
    Micro or None
        None: it was taken. Otherwise nothing was, and this much is left.
    """
    if connection.execute(_TAKE_OUT, {"of_budget": budget_id, "amount": amount}).rowcount == 1:
        return None
    row = _find(connection, budget_id)
    return Micro(max((row.limit_micro or 0) - row.used_micro, 0) if row else 0)


def spend(connection: Connection, amount: Micro, *budget_ids: str | None) -> None:
    """Count money as used by each budget, whatever its limit: it was billed. Negative: it is given back."""
    for budget_id in filter(None, budget_ids):
        connection.execute(_SPEND, {"of_budget": budget_id, "amount": amount})


def recount(connection: Connection, budget_id: str) -> None:
    """Count anew what a person's budget has used; what came from elsewhere counts in nobody's."""
    row = connection.execute(select(budgets).where(budgets.c.id == budget_id)).one()
    held = jobs.c.person_budget_id == row.id
    whose = [jobs.c.endpoint == row.endpoint, jobs.c.account == row.account]
    whose += [jobs.c.created_by == row.person, jobs.c.person_budget_id.is_(None)]
    if row.since is not None:
        whose.append(func.coalesce(jobs.c.sent, jobs.c.created) >= row.since)
    connection.execute(update(jobs).where(held).values(person_budget_id=None))
    connection.execute(update(jobs).where(*whose).values(person_budget_id=row.id))
    sums = [func.coalesce(func.sum(readable(one)), 0) for one in (jobs.c.reserved, jobs.c.cost)]
    used = int(connection.execute(select(sums[0] + sums[1]).where(held)).scalar_one())
    connection.execute(update(budgets).where(budgets.c.id == row.id).values(used_micro=used))


def _find(connection: Connection, budget_id: str) -> Row[Any] | None:
    return connection.execute(_FIND, {"of_budget": budget_id}).one_or_none()


def _person_budget(row: Row[Any]) -> PersonBudget:
    return PersonBudget(row.person, row.endpoint, row.account, row.limit_micro, row.used_micro, row.since)
