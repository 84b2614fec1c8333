"""The log against the bill: what differs, in sentences, and which jobs would explain it.

Only free calls are made. The billed cost of a task is asked for again where the log lacks it, and written
down when a person says so.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from motion_widgets.audit.account_usage import LATE, AccountUsage, fetch_account
from motion_widgets.audit.report import Report
from motion_widgets.core.background import spawn
from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.endpoint.errors import EndpointError
from motion_widgets.log.billing import SAME, UNREFUNDED, outside, refund_open
from motion_widgets.log.event_notes import event_note
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.request.price import to_micro, to_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["Reckoning", "reconcile"]

MANY = 14
"""Jobs of which every selection is tried as an explanation."""
SHOWN = 8
"""Ids that one sentence names."""

_NOTHING_SENT = (State.PLANNED, State.REJECTED)
_UNDER_WAY = (State.SUBMITTED, State.RUNNING)
_UNSURE = (State.UNKNOWN, State.WRITTEN_OFF, State.SUBMITTING)


@dataclass
class Reckoning:
    """The rows of the log, sorted by what is known of their cost."""

    billed: list[JobRow] = field(default_factory=list)
    unsure: list[JobRow] = field(default_factory=list)
    """Whether they were accepted is not known."""
    silent: list[JobRow] = field(default_factory=list)
    """Accepted, and the endpoint states no cost."""
    under_way: list[JobRow] = field(default_factory=list)
    unrefunded: list[JobRow] = field(default_factory=list)
    """Failed or cancelled, with a bill all the same."""
    unproven: list[JobRow] = field(default_factory=list)
    """Failed or cancelled without a word on their cost; the refund was not seen."""
    outside: list[JobRow] = field(default_factory=list)
    """Billed at less or more than was estimated."""

    @property
    def total(self) -> int:
        """Micro-dollars that the log says were billed, failed jobs left out."""
        return sum(row.cost or 0 for row in self.billed)

    @property
    def doubtful(self) -> list[JobRow]:
        """What may be in the account's usage although no bill of it is in `total`."""
        return [*self.unsure, *self.silent, *self.under_way, *self.unproven, *self.unrefunded]


def reconcile(
    ws: Workspace, *, since: str | None = None, fix: bool = False, now: datetime | None = None
) -> Report:
    """Compare a workspace's log with what its account was billed.

    Parameters
    ----------
    ws
        Whose endpoint, account and log.
    since
        An ISO date or moment (UTC). None: when the log's first job was sent.
    fix
        Write down costs that the endpoint states and the log lacks.
    now
        The end of the stretch. None: now.

    Raises
    ------
    RequestError
        `since` is no date, or lies ahead.
    EndpointError
        There is no key.
    """
    now = now or datetime.now(UTC)
    mine = (jobs.c.endpoint == ws.endpoint, jobs.c.account == ws.account)
    start = _moment(since, now) if since is not None else _first(ws.log_store, mine, now)
    began = func.coalesce(jobs.c.submitted, jobs.c.sent, jobs.c.created)
    rows = ws.log_store.rows(*mine, began >= int(start.timestamp() * 1e6))
    told, account = spawn(_asking(ws, rows, start, now)).result()
    shown = {"start": f"{start:%Y-%m-%d %H:%M}", "end": f"{now:%Y-%m-%d %H:%M}"}
    lines = [say("reconcile_head", endpoint=ws.endpoint, **shown)]
    found = [_told(ws.log_store, row, cost, fix=fix) for row, cost in told if isinstance(cost, int)]
    costs = {row.id: cost for row, cost in told if isinstance(cost, int)}
    reckoning = sort_rows([replace(row, cost=costs.get(row.id, row.cost)) for row in rows])
    found += [say("reconcile_unasked", id=row.id, reason=why) for row, why in told if isinstance(why, str)]
    found += [
        *account.problems,
        *_differences(reckoning, account, now),
        *_refunds(ws.log_store, reckoning, account, now, fix=fix),
    ]
    return Report(
        (*lines, *_table(reckoning, account), *(found or [say("reconcile_equal")])), int(bool(found))
    )


def _moment(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise RequestError.of("reconcile_since", found=text[:40]) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment >= now:
        raise RequestError.of("reconcile_since", found=text[:40])
    return moment


def _first(log: Log, mine: Sequence[Any], now: datetime) -> datetime:
    """Return a minute before the first job was sent; a day before `now` for an empty log."""
    with log.read() as connection:
        began = func.min(func.coalesce(jobs.c.submitted, jobs.c.sent, jobs.c.created))
        first = connection.execute(select(began).where(*mine)).scalar()
    if first is None:
        return now - timedelta(days=1)
    return datetime.fromtimestamp(first / 1e6, UTC) - LATE


async def _asking(
    ws: Workspace, rows: Sequence[JobRow], start: datetime, now: datetime
) -> tuple[list[tuple[JobRow, int | str | None]], AccountUsage]:
    """Ask tasks for the costs that the log lacks, and the account for its usage.

    Returns
    -------
    (told, account)
        Per task asked: micro-dollars, or why there was no answer, or None: it states no cost.
    """
    told: list[tuple[JobRow, int | str | None]] = []
    async with ws.connection.client() as client:
        for row in rows:
            if row.task_id is None or row.cost is not None or row.state in _UNDER_WAY:
                continue
            try:
                task = await client.task(row.task_id)
                told.append((row, None if task.cost is None else to_micro(task.cost)))
            except EndpointError as error:
                told.append((row, str(error)))
        busy = [datetime.fromtimestamp(row.submitted / 1e6, UTC) for row in rows if row.submitted]
        return told, await fetch_account(client, start, now, busy)


def _told(log: Log, row: JobRow, cost: int, *, fix: bool) -> str:
    written = fix and log.settle(row.id, cost, event_note("event_cost_requested"))
    code = "reconcile_cost_written" if written else "reconcile_cost_found"
    return say(code, id=row.id, cost=to_usd(cost))


def sort_rows(rows: Sequence[JobRow]) -> Reckoning:
    """Sort rows by what is known of their cost."""
    found = Reckoning()
    for row in rows:
        state, cost = row.state, row.cost
        unsent = state in _NOTHING_SENT or (state == State.SUBMITTING and row.sent is None)
        if refund_open(row):
            found.unproven.append(row)
        elif unsent or (state in UNREFUNDED and not cost):
            continue
        elif state in UNREFUNDED:
            found.unrefunded.append(row)
        elif cost is not None:
            found.billed.append(row)
            if outside(row):
                found.outside.append(row)
        elif state in _UNSURE:
            found.unsure.append(row)
        else:
            (found.under_way if state in _UNDER_WAY else found.silent).append(row)
    return found


def _range(row: JobRow, *, billed: bool = True) -> tuple[int, int]:
    """Return what a job may have cost: its account, else its estimate."""
    if billed and row.cost is not None:
        return row.cost, row.cost
    return row.estimate_low or 0, row.estimate_high or 0


def _differences(found: Reckoning, account: AccountUsage, now: datetime) -> list[str]:
    lines = [
        say("reconcile_unrefunded", id=row.id, state=row.state, cost=to_usd(row.cost or 0))
        for row in found.unrefunded
    ]
    for row in found.outside:
        low, high = (to_usd(one) for one in _range(row, billed=False))
        lines.append(say("reconcile_outside", id=row.id, cost=to_usd(row.cost or 0), low=low, high=high))
    balance = account.balance
    if balance is not None and balance.used is not None and found.total - to_micro(balance.used) > SAME:
        lines.append(say("reconcile_used", used=balance.used, log=to_usd(found.total)))
    if account.amount is None:
        return lines
    difference = account.amount - found.total
    if abs(difference) <= SAME:
        if found.unsure:  # a whole account that fits without them
            lines.append(say("reconcile_unsure_unbilled", ids=_ids(found.unsure)))
        return lines
    if difference > 0:
        return [*lines, say("reconcile_more", usd=to_usd(difference)), _explained(found, difference)]
    fresh = [row for row in found.billed if _is_fresh(row, now)]
    lines.append(say("reconcile_less", usd=to_usd(-difference)))
    if fresh:
        lines.append(say("reconcile_late", ids=_ids(fresh)))
    elif refunded := [row for row in found.billed if abs((row.cost or 0) + difference) <= SAME]:
        lines.append(say("reconcile_refunded", ids=_ids(refunded)))
    else:
        lines.append(say("reconcile_less_why"))
    return lines


def _refunds(log: Log, found: Reckoning, account: AccountUsage, now: datetime, *, fix: bool) -> list[str]:
    """Report whether the usage shows the refunds of failed jobs: it leaves refunded ones out."""
    lines = []
    fits = account.amount is not None and abs(account.amount - found.total) <= SAME
    for row in found.unproven:
        proven = fits and not _is_fresh(row, now)
        written = proven and fix and log.settle(row.id, 0, event_note("event_refund_seen"))
        code = "reconcile_refund_open" if not proven else "reconcile_refund_seen"
        lines.append(say("reconcile_refund_written" if written else code, id=row.id, state=row.state))
    return lines


def _is_fresh(row: JobRow, now: datetime) -> bool:
    last = max(row.submitted or 0, row.completed or 0)
    return (now - datetime.fromtimestamp(last / 1e6, UTC)) < LATE


def _explained(found: Reckoning, difference: int) -> str:
    """Return the fewest jobs whose estimates would explain that the account was billed more."""
    rows = found.doubtful
    if not rows:
        return say("reconcile_unexplained")
    fitting: list[tuple[JobRow, ...]] = []
    for count in range(1, len(rows) + 1 if len(rows) <= MANY else 2):
        fitting = [few for few in itertools.combinations(rows, count) if _holds(few, difference)]
        if fitting:
            break
    if not fitting and _holds(rows, difference):
        fitting = [tuple(rows)]
    if not fitting:
        low, high = _sum(rows)
        return say("reconcile_part", ids=_ids(rows), low=to_usd(low), high=to_usd(high))
    low, high = _sum(fitting[0])
    code = "reconcile_explained" if len(fitting) == 1 else "reconcile_explained_some"
    return say(code, ids=_ids(fitting[0]), low=to_usd(low), high=to_usd(high), ways=len(fitting))


def _sum(rows: Sequence[JobRow]) -> tuple[int, int]:
    ranges = [_range(row) for row in rows]
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def _holds(rows: Sequence[JobRow], difference: int) -> bool:
    low, high = _sum(rows)
    return low - SAME <= difference <= high + SAME


def _ids(rows: Sequence[JobRow]) -> str:
    more = [say("reconcile_more_ids", count=len(rows) - SHOWN)] if len(rows) > SHOWN else []
    return ", ".join([row.id for row in rows[:SHOWN]] + more)


def _table(found: Reckoning, account: AccountUsage) -> list[str]:
    """Return the figures as a table in plain text."""
    lines: list[tuple[str, str, str]] = [(say("reconcile_column"), say("reconcile_jobs"), "USD")]

    def put(code: str, count: int | None, *amounts: int | None, **words: str) -> None:
        shown = "\u2013".join(f"{to_usd(one):.5f}" for one in dict.fromkeys(amounts) if one is not None)
        lines.append(
            (say(code, **words), "" if count is None else str(count), shown or say("reconcile_not_said"))
        )

    put("reconcile_log", len(found.billed), found.total)
    put("reconcile_account", None, account.amount)
    for name, amount in account.items.items():
        put("reconcile_of", None, amount, name=name)
    if account.amount is not None:
        put("reconcile_difference", None, account.amount - found.total)
    kinds = (
        ("reconcile_unsure", found.unsure),
        ("reconcile_silent", found.silent),
        ("reconcile_under_way", found.under_way),
        ("reconcile_unproven", found.unproven),
        ("reconcile_unrefunded_sum", found.unrefunded),
    )
    for code, rows in kinds:
        if rows:
            put(code, len(rows), *_sum(rows))
    if account.balance is not None:
        for code, usd in (
            ("reconcile_balance", account.balance.remain),
            ("reconcile_used_all", account.balance.used),
        ):
            put(code, None, None if usd is None else to_micro(usd))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in lines]
