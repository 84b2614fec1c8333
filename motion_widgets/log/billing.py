"""What a row's money says: whether its bill fits its estimate, and whether a refund is still to be proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_

from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.rows import JobRow

__all__ = ["SAME", "UNREFUNDED", "has_refund_open", "outside", "outside_estimate", "refund_open"]

SAME = 500
"""Micro-dollars; a smaller difference is rounding."""
UNREFUNDED = (State.FAILED, State.CANCELLED)
"""Ends whose money should come back; it is believed once a bill or the balance says so."""


def outside(row: JobRow) -> bool:
    """Return whether a result was billed at less or more than its estimate; then the estimate was wrong."""
    cost, high = row.cost, row.estimate_high
    if cost is None or high is None or row.state in UNREFUNDED:
        return False
    return not (row.estimate_low or 0) - SAME <= cost <= high + SAME


def outside_estimate() -> ColumnElement[bool]:
    """Return `outside` as a condition of the log."""
    low = func.coalesce(jobs.c.estimate_low, 0)
    away = or_(jobs.c.cost < low - SAME, jobs.c.cost > jobs.c.estimate_high + SAME)
    return and_(away, jobs.c.state.not_in([str(one) for one in UNREFUNDED]))


def has_refund_open() -> ColumnElement[bool]:
    """Return `refund_open` as a condition of the log."""
    ended = jobs.c.state.in_([str(one) for one in UNREFUNDED])
    return and_(ended, jobs.c.cost.is_(None), jobs.c.reserved > 0)


def refund_open(row: JobRow) -> bool:
    """Return whether a job ended without a result and nothing has proven yet that its money came back."""
    return row.state in UNREFUNDED and row.cost is None and bool(row.reserved)
