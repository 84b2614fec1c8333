"""Ask the account whether a job of unknown outcome was charged; `audit.reconcile` compares the whole log.

Only free calls are made. The usage names no tasks, so what it proves is told from what it may mean.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, or_

from motion_widgets.core.background import spawn
from motion_widgets.core.messages import say
from motion_widgets.core.money import Micro, format_interval, format_usd, to_usd
from motion_widgets.endpoint.account_usage import LATE, AccountUsage, fetch_account
from motion_widgets.log.billing import SAME, JobsByCost, cost_range, group_by_cost
from motion_widgets.log.schema import jobs

if TYPE_CHECKING:
    from motion_widgets.log.rows import JobRow
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["ask_account"]


def ask_account(ws: Workspace, row: JobRow, *, now: datetime | None = None) -> str:
    """Return in words whether a job was charged, as far as the account's usage since it was sent tells.

    Parameters
    ----------
    row
        The job, of this workspace's account.
    now
        The end of the period. None: now.

    Raises
    ------
    EndpointError
        There is no key.
    """
    now = now or datetime.now(UTC)
    sent = datetime.fromtimestamp((row.sent or row.created) / 1e6, UTC)
    start = sent - LATE
    began = func.coalesce(jobs.c.submitted, jobs.c.sent, jobs.c.created)
    micro = int(start.timestamp() * 1e6)
    mine = (jobs.c.endpoint == ws.endpoint, jobs.c.account == ws.account)

    def known() -> JobsByCost:
        return group_by_cost(ws.log_store.jobs.rows(*mine, or_(began >= micro, jobs.c.completed >= micro)))

    found = known()
    account = spawn(_ask(ws, start, now)).result()
    seen, later = {one.id for one in (*found.billed, *found.uncounted)}, known()
    # What was sent meanwhile may be in the account's figure or not.
    found.under_way += [one for one in (*later.billed, *later.uncounted) if one.id not in seen]
    return _told(row, found, account, fresh=now - sent < LATE or bool(found.fresh(now - LATE)))


async def _ask(ws: Workspace, start: datetime, now: datetime) -> AccountUsage:
    async with ws.connection.client() as client:
        return await fetch_account(client, start, now)


def _told(row: JobRow, found: JobsByCost, account: AccountUsage, *, fresh: bool) -> str:
    low, high = cost_range(row)
    if account.amount is None:
        return say("account_silent", reason=" ".join(account.problems))
    more = Micro(account.amount - found.total)
    others = [one for one in found.uncounted if one.id != row.id]
    if more <= SAME:
        late = int(LATE.total_seconds() // 60)
        return say("account_fresh", minutes=late) if fresh else say("account_not_charged")
    shown = {"more": format_usd(to_usd(more)), "price": format_interval(to_usd(low), to_usd(high))}
    if others or not low - SAME <= more <= high + SAME:
        return say("account_unclear", others=len(others), **shown)
    return say("account_charged", **shown)
