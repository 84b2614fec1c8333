"""What a row's money says: whether its bill fits its estimate, and whether a refund is still to be proven.

`group_by_cost` groups the jobs of a log by what it knows of their cost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_

from motion_widgets.core.money import ZERO, Micro, total
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import NO_RESULT, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.rows import JobRow

__all__ = [
    "AT_ENDPOINT", "SAME", "UNREFUNDED", "JobsByCost", "cost_range", "group_by_cost", "has_refund_open",
    "is_billed", "last_at_endpoint", "outside", "outside_estimate", "refund_open", "total_range",
]  # fmt: skip

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
    known = jobs.c.estimate_high.is_not(None)
    return and_(known, away, jobs.c.state.not_in([str(one) for one in UNREFUNDED]))


def has_refund_open() -> ColumnElement[bool]:
    """Return `refund_open` as a condition of the log."""
    ended = jobs.c.state.in_([str(one) for one in UNREFUNDED])
    return and_(ended, jobs.c.cost.is_(None), jobs.c.reserved > 0)


def refund_open(row: JobRow) -> bool:
    """Return whether a job ended without a result and nothing has proven yet that its money came back."""
    return row.state in UNREFUNDED and row.cost is None and bool(row.reserved)


def is_billed(frame: pd.DataFrame) -> pd.Series[bool]:
    """Return which jobs of a frame have a price: a known bill that was not given back for a failure."""
    failed = frame["state"].isin(list(map(str, NO_RESULT)))
    return frame["cost"].notna() & ((frame["cost"] > 0) | ~failed)


AT_ENDPOINT = (State.SUBMITTED, State.RUNNING)
"""States of jobs that the endpoint is at work on."""
_NOTHING_SENT = (State.PLANNED, State.REJECTED)
_OUTCOME_UNKNOWN = (State.UNKNOWN, State.WRITTEN_OFF, State.SUBMITTING)


@dataclass
class JobsByCost:
    """The rows of the log, grouped by what is known of their cost; what was never sent is left out."""

    billed: list[JobRow] = field(default_factory=list)
    outcome_unknown: list[JobRow] = field(default_factory=list)
    """It is not known whether the endpoint accepted them."""
    cost_unstated: list[JobRow] = field(default_factory=list)
    """Accepted, but the endpoint states no cost."""
    under_way: list[JobRow] = field(default_factory=list)
    unrefunded: list[JobRow] = field(default_factory=list)
    """Failed or cancelled, but billed all the same."""
    refund_open: list[JobRow] = field(default_factory=list)
    """Failed or cancelled, with neither a cost nor a confirmed refund."""
    outside_estimate: list[JobRow] = field(default_factory=list)
    """Billed below or above their estimate; `billed` has them as well."""

    @property
    def total(self) -> Micro:
        """What was billed according to the log, without failed jobs."""
        return total(row.cost for row in self.billed)

    def fresh(self, since: datetime) -> list[JobRow]:
        """Return the billed jobs that were at the endpoint since a moment; the account may lack them yet."""
        return [row for row in self.billed if last_at_endpoint(row) > since]

    @property
    def uncounted(self) -> list[JobRow]:
        """The jobs that the account may have billed and that `total` does not count."""
        return [
            *self.outcome_unknown, *self.cost_unstated, *self.under_way, *self.refund_open, *self.unrefunded
        ]  # fmt: skip


def group_by_cost(rows: Sequence[JobRow]) -> JobsByCost:
    """Group rows by what is known of their cost."""
    found = JobsByCost()
    for row in rows:
        state, cost = row.state, row.cost
        unsent = state in _NOTHING_SENT or (state == State.SUBMITTING and row.sent is None)
        if refund_open(row):
            found.refund_open.append(row)
        elif unsent or (state in UNREFUNDED and not cost):
            continue
        elif state in UNREFUNDED:
            found.unrefunded.append(row)
        elif cost is not None:
            found.billed.append(row)
            if outside(row):
                found.outside_estimate.append(row)
        elif state in _OUTCOME_UNKNOWN:
            found.outcome_unknown.append(row)
        else:
            (found.under_way if state in AT_ENDPOINT else found.cost_unstated).append(row)
    return found


def last_at_endpoint(row: JobRow) -> datetime:
    """Return when the endpoint last had to do with a job, as far as the log knows."""
    return datetime.fromtimestamp(max(row.submitted or 0, row.completed or 0) / 1e6, UTC)


def cost_range(row: JobRow, *, billed: bool = True) -> tuple[Micro, Micro]:
    """Return the least and the most that a job may have cost."""
    if billed and row.cost is not None:
        return row.cost, row.cost
    return row.estimate_low or ZERO, row.estimate_high or ZERO


def total_range(rows: Sequence[JobRow]) -> tuple[Micro, Micro]:
    """Return the least and the most that several jobs may have cost together."""
    ranges = [cost_range(row) for row in rows]
    return total(low for low, _ in ranges), total(high for _, high in ranges)
