"""The jobs of a log, grouped by what it knows of their cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from motion_widgets.core.money import ZERO, Micro, total
from motion_widgets.log.billing import UNREFUNDED, outside, refund_open
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.log.rows import JobRow

__all__ = ["UNDER_WAY", "JobsByCost", "cost_range", "group_by_cost", "total_range"]

UNDER_WAY = (State.SUBMITTED, State.RUNNING)
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
            (found.under_way if state in UNDER_WAY else found.cost_unstated).append(row)
    return found


def cost_range(row: JobRow, *, billed: bool = True) -> tuple[Micro, Micro]:
    """Return the least and the most that a job may have cost."""
    if billed and row.cost is not None:
        return row.cost, row.cost
    return row.estimate_low or ZERO, row.estimate_high or ZERO


def total_range(rows: Sequence[JobRow]) -> tuple[Micro, Micro]:
    """Return the least and the most that several jobs may have cost together."""
    ranges = [cost_range(row) for row in rows]
    return total(low for low, _ in ranges), total(high for _, high in ranges)
