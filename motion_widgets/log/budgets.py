"""Budgets: money is taken out before a request is sent, and settled when its cost is known.

What a budget has used counts reservations and bills alike, in whole micro-dollars. A reservation is given
back only where nothing was accepted, or where the bill takes its place.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, insert, or_, select, update

from motion_widgets.log.leases import Leases
from motion_widgets.log.prepared import Prepared
from motion_widgets.log.schema import budgets

__all__ = ["Budgets", "put_budget", "reserve", "spend"]


_MICRO = bindparam("b_micro", type_=BigInteger)
_ID = budgets.c.id == bindparam("b_id")
_SPENDING = update(budgets).where(_ID).values(used_micro=budgets.c.used_micro + _MICRO)
_SPEND = Prepared(_SPENDING)
_RESERVE = Prepared(
    _SPENDING.where(
        or_(budgets.c.limit_micro.is_(None), budgets.c.used_micro + _MICRO <= budgets.c.limit_micro)
    )
)
_BUDGET = Prepared(select(budgets).where(_ID))


class Budgets(Leases):
    """The part of the log that says what may still be spent."""

    def set_budget(self, budget_id: str, limit: int | None) -> None:
        """Set a budget's limit in micro-dollars; what it has used stays. None: no limit."""
        with self.write() as connection:
            put_budget(connection, budget_id, limit)

    def budget(self, budget_id: str) -> tuple[int | None, int]:
        """Return a budget's (limit, used) in micro-dollars."""
        with self.read() as connection:
            row = _row(connection, budget_id)
        return (row["limit_micro"], int(row["used_micro"])) if row else (None, 0)


def put_budget(connection: Connection, budget_id: str, limit: int | None, *, keep: bool = False) -> None:
    """Set a limit; with `keep`, only where the budget is new."""
    if _row(connection, budget_id) is None:
        connection.execute(insert(budgets).values(id=budget_id, limit_micro=limit, used_micro=0))
    elif not keep:
        connection.execute(update(budgets).where(budgets.c.id == budget_id).values(limit_micro=limit))


def reserve(connection: Connection, budget_id: str, micro: int) -> int | None:
    """Take money out in one statement, whose row count decides, so two takers cannot overspend.

    Returns
    -------
    int or None
        None: it was taken. Else nothing was, and this much (micro-dollars) is left.
    """
    if _RESERVE.run(connection, {"b_id": budget_id, "b_micro": micro}) == 1:
        return None
    row = _row(connection, budget_id)
    return max(int(row["limit_micro"] or 0) - int(row["used_micro"]), 0) if row else 0


def spend(connection: Connection, budget_id: str, micro: int) -> None:
    """Count money as used, whatever the limit: it was billed. Negative: it is given back."""
    _SPEND.run(connection, {"b_id": budget_id, "b_micro": micro})


def _row(connection: Connection, budget_id: str) -> dict[str, Any] | None:
    return _BUDGET.row(connection, {"b_id": budget_id})
