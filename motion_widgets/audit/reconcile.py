"""Compare the log with what the account was billed, and find the jobs that would explain a difference.

Only free calls are made. Where the log lacks the cost of a task, the endpoint is asked again; the answer is
written into the log if a person asks for it.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from motion_widgets.audit import Report
from motion_widgets.core.background import spawn
from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.moments import moment
from motion_widgets.core.money import ZERO, Micro, format_usd, to_micro, to_usd
from motion_widgets.core.texts import first_of
from motion_widgets.endpoint.account_usage import LATE, AccountUsage, fetch_account
from motion_widgets.endpoint.errors import EndpointError
from motion_widgets.log.billing import (
    AT_ENDPOINT,
    SAME,
    JobsByCost,
    cost_range,
    group_by_cost,
    last_at_endpoint,
    total_range,
)
from motion_widgets.log.schema import jobs
from motion_widgets.log.transitions import event_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["reconcile"]

MANY = 14
"""The most jobs of which every combination is tried as an explanation."""
SHOWN = 8
"""The most ids that one sentence names."""


def reconcile(
    ws: Workspace, *, since: str | None = None, fix: bool = False, now: datetime | None = None
) -> Report:
    """Compare a workspace's log with what its account was billed.

    Parameters
    ----------
    ws
        The workspace, whose endpoint, account and log are meant.
    since
        An ISO date or time, in this machine's time zone if it names none. None: shortly before the log's
        first job was sent.
    fix
        Write the costs into the log that the endpoint states and the log lacks.
    now
        The end of the period. None: now.

    Raises
    ------
    RequestError
        `since` is not a date, or lies in the future.
    EndpointError
        There is no key.
    """
    now = now or datetime.now(UTC)
    mine = (jobs.c.endpoint == ws.endpoint, jobs.c.account == ws.account)
    start = _start(since, now) if since is not None else _first(ws.log_store, mine, now)
    began = func.coalesce(jobs.c.submitted, jobs.c.sent, jobs.c.created)
    rows = ws.log_store.jobs.rows(*mine, began >= int(start.timestamp() * 1e6))
    answers, account = spawn(_ask(ws, rows, start, now)).result()
    shown = {"start": f"{start:%Y-%m-%d %H:%M}", "end": f"{now:%Y-%m-%d %H:%M}"}
    lines = [say("reconcile_head", endpoint=ws.endpoint, **shown)]
    found = [_record_cost(ws.log_store, row, cost, fix=fix) for row, cost in answers if isinstance(cost, int)]
    costs = {row.id: cost for row, cost in answers if isinstance(cost, int)}
    by_cost = group_by_cost([replace(row, cost=costs.get(row.id, row.cost)) for row in rows])
    found += [say("reconcile_unasked", id=row.id, reason=why) for row, why in answers if isinstance(why, str)]
    found += [
        *account.problems,
        *_differences(by_cost, account, now),
        *_refunds(ws.log_store, by_cost, account, now, fix=fix),
    ]
    return Report((*lines, *_table(by_cost, account), *(found or [say("reconcile_equal")])), int(bool(found)))


def _start(text: str, now: datetime) -> datetime:
    try:
        start = moment(text)
    except ValueError:
        raise RequestError.of("reconcile_since", found=text[:40]) from None
    if start >= now:
        raise RequestError.of("reconcile_since", found=text[:40])
    return start.astimezone(UTC)


def _first(log: Log, mine: Sequence[Any], now: datetime) -> datetime:
    """Return the moment two minutes before the first job was sent; for an empty log a day before `now`."""
    with log.database.read() as connection:
        began = func.min(func.coalesce(jobs.c.submitted, jobs.c.sent, jobs.c.created))
        first = connection.execute(select(began).where(*mine)).scalar()
    if first is None:
        return now - timedelta(days=1)
    return datetime.fromtimestamp(first / 1e6, UTC) - LATE


async def _ask(
    ws: Workspace, rows: Sequence[JobRow], start: datetime, now: datetime
) -> tuple[list[tuple[JobRow, Micro | str | None]], AccountUsage]:
    """Ask for the costs of tasks that the log lacks, and for the account's usage.

    Returns
    -------
    (answers, account)
        Per task: its cost, None if it states none, or why there was no answer.
    """
    answers: list[tuple[JobRow, Micro | str | None]] = []
    async with ws.connection.client() as client:
        for row in rows:
            if row.task_id is None or row.cost is not None or row.state in AT_ENDPOINT:
                continue
            try:
                task = await client.task(row.task_id)
                answers.append((row, None if task.cost is None else to_micro(task.cost)))
            except EndpointError as error:
                answers.append((row, str(error)))
        busy = [datetime.fromtimestamp(row.submitted / 1e6, UTC) for row in rows if row.submitted]
        return answers, await fetch_account(client, start, now, busy)


def _record_cost(log: Log, row: JobRow, cost: Micro, *, fix: bool) -> str:
    written = fix and log.transitions.settle(row.id, cost, event_note("event_cost_requested"))
    code = "reconcile_cost_written" if written else "reconcile_cost_found"
    return say(code, id=row.id, cost=_exact(cost))


def _differences(found: JobsByCost, account: AccountUsage, now: datetime) -> list[str]:
    lines = [
        say("reconcile_unrefunded", id=row.id, state=row.state, cost=_exact(row.cost or ZERO))
        for row in found.unrefunded
    ]
    for row in found.outside_estimate:
        low, high = map(_exact, cost_range(row, billed=False))
        lines.append(say("reconcile_outside", id=row.id, cost=_exact(row.cost or ZERO), low=low, high=high))
    balance = account.balance
    if balance is not None and balance.used is not None and found.total - to_micro(balance.used) > SAME:
        lines.append(say("reconcile_used", used=format_usd(balance.used, digits=5), log=_exact(found.total)))
    if account.amount is None:
        return lines
    difference, fresh = Micro(account.amount - found.total), found.fresh(now - LATE)
    if abs(difference) <= SAME:
        if fresh and found.uncounted:  # theirs may be the bill that stands in its place
            lines.append(say("reconcile_late", ids=_ids(fresh)))
        elif found.outcome_unknown:  # a whole account that fits without them
            lines.append(say("reconcile_unsure_unbilled", ids=_ids(found.outcome_unknown)))
        return lines
    if difference > 0:
        return [*lines, say("reconcile_more", usd=_exact(difference)), _explained(found, difference)]
    lines.append(say("reconcile_less", usd=_exact(Micro(-difference))))
    if fresh:
        lines.append(say("reconcile_late", ids=_ids(fresh)))
    elif refunded := [row for row in found.billed if abs((row.cost or 0) + difference) <= SAME]:
        lines.append(say("reconcile_refunded", ids=_ids(refunded)))
    else:
        lines.append(say("reconcile_less_why"))
    return lines


def _refunds(log: Log, found: JobsByCost, account: AccountUsage, now: datetime, *, fix: bool) -> list[str]:
    """Return a sentence for each open refund; the usage shows it by leaving the job out."""
    lines = []
    fits = account.amount is not None and abs(account.amount - found.total) <= SAME
    shown = not found.fresh(now - LATE)  # else it may be theirs that the account shows, and no other's yet
    for row in found.refund_open:
        proven = fits and shown and last_at_endpoint(row) <= now - LATE
        written = proven and fix and log.transitions.settle(row.id, ZERO, event_note("event_refund_seen"))
        code = "reconcile_refund_open" if not proven else "reconcile_refund_seen"
        lines.append(say("reconcile_refund_written" if written else code, id=row.id, state=row.state))
    return lines


def _explained(found: JobsByCost, difference: Micro) -> str:
    """Return a sentence on the fewest jobs whose estimates would explain the higher bill."""
    rows = found.uncounted
    if not rows:
        return say("reconcile_unexplained")
    fitting: list[tuple[JobRow, ...]] = []
    for count in range(1, len(rows) + 1 if len(rows) <= MANY else 2):
        fitting = [few for few in itertools.combinations(rows, count) if _explains(few, difference)]
        if fitting:
            break
    if not fitting and _explains(rows, difference):
        fitting = [tuple(rows)]
    if not fitting:
        low, high = total_range(rows)
        return say("reconcile_part", ids=_ids(rows), low=_exact(low), high=_exact(high))
    low, high = total_range(fitting[0])
    code = "reconcile_explained" if len(fitting) == 1 else "reconcile_explained_some"
    return say(code, ids=_ids(fitting[0]), low=_exact(low), high=_exact(high), ways=len(fitting))


def _explains(rows: Sequence[JobRow], difference: Micro) -> bool:
    low, high = total_range(rows)
    return low - SAME <= difference <= high + SAME


def _exact(amount: Micro) -> str:
    return format_usd(to_usd(amount), digits=5)


def _ids(rows: Sequence[JobRow]) -> str:
    return first_of([row.id for row in rows], SHOWN)


def _table(found: JobsByCost, account: AccountUsage) -> list[str]:
    """Return the figures as a table in plain text."""
    lines: list[tuple[str, str, str]] = [(say("reconcile_column"), say("reconcile_jobs"), "USD")]

    def put(code: str, count: int | None, *amounts: Micro | None, **words: str) -> None:
        shown = "\u2013".join(
            _exact(one).replace("$", "") for one in dict.fromkeys(amounts) if one is not None
        )
        lines.append(
            (say(code, **words), "" if count is None else str(count), shown or say("reconcile_not_said"))
        )

    put("reconcile_log", len(found.billed), found.total)
    put("reconcile_account", None, account.amount)
    for name, amount in account.items.items():
        put("reconcile_of", None, amount, name=name)
    if account.amount is not None:
        put("reconcile_difference", None, Micro(account.amount - found.total))
    kinds = (
        ("reconcile_unsure", found.outcome_unknown),
        ("reconcile_silent", found.cost_unstated),
        ("reconcile_under_way", found.under_way),
        ("reconcile_unproven", found.refund_open),
        ("reconcile_unrefunded_sum", found.unrefunded),
    )
    for code, rows in kinds:
        if rows:
            put(code, len(rows), *total_range(rows))
    if account.balance is not None:
        for code, usd in (
            ("reconcile_balance", account.balance.remain),
            ("reconcile_used_all", account.balance.used),
        ):
            put(code, None, None if usd is None else to_micro(usd))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in lines]
