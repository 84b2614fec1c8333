"""Whether a failed task cost nothing, read off the account's balance.

Failed tasks are refunded, says the documentation, but a task may fail without stating its cost. It is
believed to be free only when the balance fell, since a moment when nothing of this account was under way,
by just the bills that are known. Until then its money stays reserved; a later look, at further ends or after
a while, may prove it, and so may `motion-widgets reconcile`. Nothing here can be mistaken for a refund
that is not there: whatever else moves the balance only leaves the question open.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_

from motion_widgets.core.errors import LogError
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.billing import has_refund_open, refund_open
from motion_widgets.log.engine import now_us
from motion_widgets.log.event_notes import event_note
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.request.price import to_micro

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["Books"]

CENT = 10_100
"""Micro-dollars; a balance that is told in whole cents is off by at most this much between two readings."""
_MOVING = [str(one) for one in (State.SUBMITTING, State.SUBMITTED, State.RUNNING, State.UNKNOWN)]


class Books:
    """Readings of one account's balance. Belongs to the owned loop.

    Parameters
    ----------
    log
        Where the bills are.
    db
        Calls a function of the log off the loop.
    balance
        Asks the endpoint for the account's money in USD. None: unlimited, or not stated.
    """

    def __init__(
        self,
        log: Log,
        db: Callable[..., Awaitable[Any]],
        balance: Callable[[], Awaitable[float | None]],
    ) -> None:
        self._log = log
        self._db = db
        self._ask = balance
        self._lock = asyncio.Lock()
        self._start: tuple[int, int] | None = None  # micro-dollars, and when (unix microseconds)
        self._not_before = 0.0
        self._open = True  # are refunds, for all that is known
        self._again: asyncio.Task[None] | None = None

    async def open(self, job_id: str) -> None:
        """Read the balance before a job is sent, if nothing of its account is under way."""
        async with self._lock:
            with contextlib.suppress(LogError):  # a log that is busy; the job's own calls report it
                await self._begin(job_id)

    async def _begin(self, job_id: str) -> None:
        if time.monotonic() < self._not_before or not await self._db(self._quiet, job_id):
            return
        at = now_us()
        money = await self._read()
        if money is not None:
            self._start = money, at

    async def balance(self) -> int | None:
        """Ask for the money left, in micro-dollars, and wait only a moment. None: it was not said."""
        async with self._lock:
            return await self._read()

    async def _read(self) -> int | None:
        try:
            async with asyncio.timeout(timing.READING):
                remain = await self._ask()
        except Exception:  # noqa: BLE001 - whatever it was, a reading is not worth a job
            remain = None
        if remain is None:
            self._not_before = time.monotonic() + timing.READING_AGAIN
        return None if remain is None else to_micro(remain)

    async def refunded(self, row: JobRow) -> bool:
        """Return whether it is proven that a job which just ended without a result, or a bill, cost nothing.

        Where it is not, it is looked at again later.
        """
        proven, start = False, self._start
        if start is not None and (row.sent or 0) >= start[1]:
            async with self._lock:
                with contextlib.suppress(LogError):
                    proven = await self._fits(row)
        if not proven and (self._again is None or self._again.done()):
            self._again = asyncio.get_running_loop().create_task(self._later(row))
        return proven

    async def review(self, row: JobRow) -> bool:
        """Look again at the refunds that are open, of the account that `row` names. False: some still are."""
        if not self._open:
            return True  # known without a look at the log, as after most of thousands of jobs
        try:
            self._open = await self._db(self._left_open, row)
            if self._open:
                async with self._lock:
                    await self._fits(row)
                self._open = await self._db(self._left_open, row)
        except LogError:
            return False
        return not self._open

    def expect(self) -> None:
        """Note that the log holds a refund which is open: `review` looks for it."""
        self._open = True

    def close(self) -> None:
        """Look no more."""
        if self._again is not None:
            self._again.cancel()

    async def _later(self, row: JobRow) -> None:
        for seconds in timing.REVIEWS:
            await asyncio.sleep(seconds)
            if await self.review(row):
                return

    async def _fits(self, row: JobRow) -> bool:
        """Hold the balance against the bills; what is proven by it of jobs that ended is written down."""
        money = None if self._start is None else await self._read()
        if self._start is None or money is None:
            return False
        return bool(await self._db(self._settle, row, self._start, money))

    def _settle(self, row: JobRow, start: tuple[int, int], money: int) -> bool:
        since = self._log.jobs.rows(*_mine(row), jobs.c.sent >= start[1])
        low = min((one.estimate_low or 0 for one in since), default=0)
        billed = sum(one.cost or 0 for one in since)
        if abs((start[0] - money) - billed) > min(CENT, low // 2):
            return False
        for one in since:
            if refund_open(one):
                self._log.transitions.settle(one.id, 0, event_note("event_refund_seen"))
        return True

    def _quiet(self, job_id: str) -> bool:
        """Return whether nothing that was sent may still move the balance, and no good reading stands yet."""
        mine = _mine(self._log.jobs.get(job_id))
        moving = jobs.c.state.in_(_MOVING)
        waiting = and_(jobs.c.state == State.FAILED.value, jobs.c.cost.is_(None), jobs.c.reserved > 0)
        lately = jobs.c.sent > now_us() - int(timing.LIFE * 1e6)  # a null is not
        if self._log.jobs.count(*mine, lately, or_(moving, waiting)):
            return False
        start = self._start
        if start is None or now_us() - start[1] > timing.READING_AGAIN * 1e6:
            return True
        return self._log.jobs.count(*mine, jobs.c.sent >= start[1]) > 0

    def _left_open(self, row: JobRow) -> bool:
        return self._log.jobs.count(*_mine(row), has_refund_open()) > 0


def _mine(row: JobRow) -> tuple[Any, ...]:
    return jobs.c.endpoint == row.endpoint, jobs.c.account == row.account
