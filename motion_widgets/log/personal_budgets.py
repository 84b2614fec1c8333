"""Budgets of people: what a person may spend at an endpoint from an account, in all or since a day.

A person's budget holds what is reserved and billed for the jobs that this person had sent
(`jobs.person_budget_id`), so it is a sum over rows that is kept up to date: taken out in the intent's
transaction, settled in the one that knows the bill. When it is set it is counted anew from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, insert, literal, select, update

from motion_widgets.core.errors import BudgetError
from motion_widgets.log.budgets import Budgets, reserve, spend
from motion_widgets.log.schema import budgets, jobs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sqlalchemy.engine import RowMapping

__all__ = ["People", "PersonBudget", "budget_of", "give_back", "own_budget", "recount", "take_out"]


@dataclass(frozen=True)
class PersonBudget:
    """What a person may spend at an endpoint from an account, in micro-dollars."""

    person: str
    endpoint: str
    account: str
    limit: int | None
    """None: no limit; what is used is counted all the same."""
    used: int
    """Reserved or billed."""
    since: int | None = None
    """Unix microseconds from which on it counts. None: everything in the log."""

    @property
    def left(self) -> int | None:
        """What may still be spent. None: there is no limit."""
        return None if self.limit is None else max(self.limit - self.used, 0)


class People(Budgets):
    """The part of the log that says what a person may still spend."""

    def set_person_budget(
        self, person: str, endpoint: str, account: str, limit: int | None, *, since: int | None = None
    ) -> PersonBudget:
        """Set what a person may spend, and count what this person has used of it.

        Parameters
        ----------
        limit
            Micro-dollars. None: no limit.
        since
            Unix microseconds; what was sent before counts no more. None: everything counts.
        """
        budget_id = budget_of(person, endpoint, account)
        values = {"limit_micro": limit, "since": since}
        with self.write() as connection:
            done = connection.execute(update(budgets).where(budgets.c.id == budget_id).values(**values))
            if done.rowcount == 0:
                whose = {"person": person, "endpoint": endpoint, "account": account}
                connection.execute(insert(budgets).values(id=budget_id, used_micro=0, **whose, **values))
            recount(connection, budget_id)
            row = connection.execute(select(budgets).where(budgets.c.id == budget_id)).mappings().one()
        return _budget(row)

    def person_budget(self, person: str, endpoint: str, account: str) -> PersonBudget | None:
        """Return what a person may spend. None: nobody set a budget for this person there."""
        query = select(budgets).where(budgets.c.id == budget_of(person, endpoint, account))
        with self.read() as connection:
            row = connection.execute(query).mappings().first()
        return _budget(row) if row is not None else None

    def person_budgets(self) -> list[PersonBudget]:
        """Return all budgets of people, by name."""
        query = select(budgets).where(budgets.c.person.is_not(None)).order_by(budgets.c.person, budgets.c.id)
        with self.read() as connection:
            return [_budget(row) for row in connection.execute(query).mappings()]


def budget_of(person: str, endpoint: str, account: str) -> str:
    """Return the id of a person's budget, whether there is one or not."""
    return f"person {endpoint} {account} {person}"


def own_budget(person: Any) -> Any:
    """Give, in SQL, the id of a person's budget that pays for a job; null: there is none."""
    own = literal("person ") + jobs.c.endpoint + " " + jobs.c.account + " " + person
    return select(budgets.c.id).where(budgets.c.id == own).correlate(jobs).scalar_subquery()


def take_out(connection: Connection, row: Mapping[str, Any], person: str, micro: int) -> None:
    """Take a job's money out of the budgets that pay for it, inside the intent's transaction.

    Parameters
    ----------
    row
        The job's ``budget_id`` (its sweep's), and `own_budget`.
    person
        Who has it sent.
    micro
        Micro-dollars.

    Raises
    ------
    BudgetError
        One of them does not hold it; the caller's transaction takes nothing then.
    """
    for budget_id in (row["budget_id"], row["own"]):
        left = reserve(connection, budget_id, micro) if budget_id is not None else None
        if left is not None:
            limit = (
                connection.execute(select(budgets.c.limit_micro).where(budgets.c.id == budget_id)).scalar()
                or 0
            )
            mine = budget_id == row["own"]
            raise BudgetError.of(
                "person_budget_used_up" if mine else "budget_used_up", name=person if mine else budget_id,
                price=micro / 1e6, left=left / 1e6, limit=limit / 1e6, more=(limit + micro - left) / 1e6,
            )  # fmt: skip


def give_back(connection: Connection, row: Mapping[str, Any], micro: int) -> None:
    """Count money as used by all budgets that pay for a job; negative: it is given back."""
    for budget_id in (row["budget_id"], row["person_budget_id"]):
        if budget_id is not None:
            spend(connection, budget_id, micro)


def recount(connection: Connection, *budget_ids: str) -> None:
    """Count anew what people's budgets have used; none named: all, after rows came from elsewhere."""
    query = select(budgets).where(budgets.c.person.is_not(None))
    if budget_ids:
        query = query.where(budgets.c.id.in_(budget_ids))
    for row in connection.execute(query).mappings().all():
        held = jobs.c.person_budget_id == row["id"]
        whose = [jobs.c[name] == row[name] for name in ("endpoint", "account")]
        whose.append(jobs.c.created_by == row["person"])
        if row["since"] is not None:
            whose.append(func.coalesce(jobs.c.sent, jobs.c.created) >= row["since"])
        connection.execute(update(jobs).where(held).values(person_budget_id=None))
        connection.execute(update(jobs).where(*whose).values(person_budget_id=row["id"]))
        total = func.coalesce(func.sum(jobs.c.reserved + func.coalesce(jobs.c.cost, 0)), 0)
        used = int(connection.execute(select(total).where(held)).scalar_one())
        connection.execute(update(budgets).where(budgets.c.id == row["id"]).values(used_micro=used))


def _budget(row: RowMapping) -> PersonBudget:
    return PersonBudget(
        row["person"], row["endpoint"], row["account"], row["limit_micro"], int(row["used_micro"]),
        row["since"],
    )  # fmt: skip
