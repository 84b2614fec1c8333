"""Budgets of people: what each may spend, whichever sweep or job it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from motion_widgets.core.errors import BudgetError
from motion_widgets.core.messages import say
from motion_widgets.core.moments import local_words, moment
from motion_widgets.core.money import ZERO, Micro, cents_up, format_left, format_price, format_usd, to_usd
from motion_widgets.log.names import current_person, person_named
from motion_widgets.request.price import bound_micro

if TYPE_CHECKING:
    from motion_widgets.log.budgets import PersonBudget
    from motion_widgets.log.store import Log
    from motion_widgets.request.price import Estimate
    from motion_widgets.workspace.connection import Connection

__all__ = ["Budget", "PersonalBudgets"]


@dataclass(frozen=True)
class Budget:
    """What a person may spend at an endpoint from an account, in USD."""

    person: str
    limit: float | None
    """None: no limit; what is used is counted all the same."""
    used: float
    """Billed, or reserved for what is under way."""
    endpoint: str
    account: str
    since: datetime | None = None
    """From when on it counts (UTC). None: everything in the log."""

    @classmethod
    def of(cls, row: PersonBudget) -> Budget:
        """Read a budget of the log."""
        since = None if row.since is None else datetime.fromtimestamp(row.since / 1e6, UTC)
        limit = None if row.limit is None else to_usd(row.limit)
        return cls(row.person, limit, to_usd(row.used), row.endpoint, row.account, since)

    @property
    def left(self) -> float | None:
        """What may still be spent, in USD. None: there is no limit."""
        return None if self.limit is None else max(self.limit - self.used, 0.0)

    def __str__(self) -> str:
        since = "" if self.since is None else say("budget_since", when=local_words(self.since))
        limit = say("budget_no_limit") if self.limit is None else format_left(self.limit)
        return say(
            "budget_line", person=self.person, used=format_usd(self.used), limit=limit,
            endpoint=self.endpoint, since=since,
        )  # fmt: skip


class PersonalBudgets:
    """What people may spend, at the endpoint and account that a workspace is at.

    Parameters
    ----------
    log
        Where they are kept.
    connection
        The endpoint and account.
    """

    def __init__(self, log: Log, connection: Connection) -> None:
        self._log, self._connection = log, connection

    def of(self, person: str | None = None) -> Budget | None:
        """Return what a person may spend here, at this workspace's endpoint and account.

        Parameters
        ----------
        person
            As `created_by` has it. None: you (``MOTION_WIDGETS_USER``, else ``user@host``).

        Returns
        -------
        Budget or None
            None: nobody set one, so this person is not limited.
        """
        who = current_person() if person is None else person_named(person)
        row = self._log.budgets.get_person(who, self._connection.target.endpoint, self._connection.account)
        return None if row is None else Budget.of(row)

    def set(
        self, limit: float | None, person: str | None = None, *, since: str | date | None = None
    ) -> Budget:
        """Set what a person may spend here; every process that shares the log holds to it from now on.

        It is an agreement among people who share a log, not a lock: whoever may write the log may change it.

        Parameters
        ----------
        limit
            USD. None: no limit; what is used is counted all the same.
        person
            As `created_by` has it. None: you.
        since
            A day such as ``"2026-11-01"`` or `date.today()`, or a time: what was sent before counts no more.
            Without a time zone it is in this machine's. None: all that this person ever had sent counts.

        Raises
        ------
        BudgetError
            `limit` is not an amount, or `since` not a day up to today.
        LogError
            `person` is not a valid name, or the log cannot be written.
        """
        who = current_person() if person is None else person_named(person)
        micro = None if limit is None else bound_micro(limit)
        start = None if since is None else _start(since)
        return Budget.of(
            self._log.budgets.set_person(
                who, self._connection.target.endpoint, self._connection.account, micro, since=start
            )
        )

    def all(self) -> list[Budget]:
        """Return all budgets of people in the log, at any endpoint and account."""
        return [Budget.of(row) for row in self._log.budgets.people()]

    def require(self, cost: Estimate) -> None:
        """Raise BudgetError where your own budget does not hold a price; the log decides once more."""
        row = self._log.budgets.get_person(
            current_person(), self._connection.target.endpoint, self._connection.account
        )
        if row is not None and row.left is not None and cost.high_micro > row.left:
            limit = row.limit or ZERO
            raise BudgetError.of(
                "person_budget_used_up", name=row.person, price=format_price(cost.high),
                left=format_left(to_usd(row.left)), limit=format_left(to_usd(limit)),
                more=cents_up(Micro(limit + cost.high_micro - row.left)),
            )  # fmt: skip


def _start(since: str | date) -> int:
    """Return the moment from which a budget counts, in unix microseconds."""
    try:
        first = moment(since)
    except ValueError:
        raise BudgetError.of("since_wrong", found=str(since)[:40]) from None
    if first > datetime.now(UTC):
        raise BudgetError.of("since_wrong", found=str(since)[:40])
    return int(first.timestamp() * 1_000_000)
