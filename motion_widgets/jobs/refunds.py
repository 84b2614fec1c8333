"""Whether a task that failed without a bill cost nothing, as the account's balance shows.

The documentation says that failed tasks are refunded, but a task may fail without stating its cost. It is
believed to be free only when the balance fell by exactly the known bills since a moment when nothing of this
account was under way. Until then its money stays reserved; a later reading, when other tasks end or after a
while, may prove it, and so may `motion-widgets reconcile`. Whatever else moves the balance only leaves the
question open: no refund is ever assumed that did not happen.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_

from motion_widgets.core.errors import LogError, MotionError
from motion_widgets.core.logging import going_on, report
from motion_widgets.core.money import ZERO, Micro, to_micro, total
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.billing import has_refund_open, refund_open
from motion_widgets.log.engine import now_us
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.log.transitions import event_note

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["RefundCheck"]

CENT = 10_100
"""Micro-dollars; a balance stated in whole cents is off by at most this much between two readings."""
_MOVING = [str(one) for one in (State.SUBMITTING, State.SUBMITTED, State.RUNNING, State.UNKNOWN)]


class RefundCheck:
    """Compares one account's balance with its bills; belongs to one event loop.

    Parameters
    ----------
    log
        Where the bills are.
    db
        Calls the log off the loop.
    read
        Asks the endpoint for the account's balance in USD. None: unlimited, or not stated.
    """

    def __init__(
        self, log: Log, db: Callable[..., Awaitable[Any]], read: Callable[[], Awaitable[float | None]]
    ) -> None:
        self._log = log
        self._db = db
        self._ask = read
        self._lock = asyncio.Lock()
        self._baseline: tuple[Micro, int] | None = None  # and when (unix microseconds)
        self._not_before = 0.0
        self._open = True  # whether the log may hold refunds that are not confirmed
        self._reviews: asyncio.Task[None] | None = None

    async def read_baseline(self, job_id: str) -> None:
        """Read the balance before a job is sent, if nothing of its account is under way."""
        async with self._lock:
            with going_on("read the balance"):  # without it a refund is found later
                at = now_us()
                if time.monotonic() < self._not_before or not await self._db(self._may_begin, job_id, at):
                    return
                balance = await self._read()
                # What was sent meanwhile, such as a job that was uploading, may be charged in it already.
                if balance is not None and await self._db(self._is_still, job_id, at):
                    self._baseline = balance, at

    async def balance(self) -> Micro | None:
        """Return the balance, waiting only a moment for it. None: it was not stated."""
        async with self._lock:
            return await self._read()

    async def _read(self) -> Micro | None:
        try:
            async with asyncio.timeout(timing.READING):
                balance = await self._ask()
        except (MotionError, TimeoutError):  # the endpoint does not say now
            balance = None
        except Exception as error:  # noqa: BLE001 - whatever it was, a reading is not worth a job
            report(error, "read the balance")
            balance = None
        if balance is None:
            self._not_before = time.monotonic() + timing.READING_AGAIN
        return None if balance is None else to_micro(balance)

    async def is_refunded(self, row: JobRow) -> bool:
        """Return whether it is proven that a job which ended without a result or a bill cost nothing."""
        proven, baseline = False, self._baseline
        if baseline is not None and (row.sent or 0) >= baseline[1]:
            async with self._lock:
                with going_on("look for a refund"):  # it is not proven then, and looked for later
                    proven = await self._compare(row)
        return proven

    async def review(self, row: JobRow) -> bool:
        """Check the open refunds of a row's account again; return whether none is left."""
        if not self._open:
            return True
        try:
            self._open = await self._db(self._any_open, row)
            if self._open:
                async with self._lock:
                    await self._compare(row)
                self._open = await self._db(self._any_open, row)
        except LogError:
            return False
        return not self._open

    def note_open(self, row: JobRow) -> None:
        """Note that the log holds a refund of a row's account which is not confirmed; reviews follow.

        Not before it is in the log: a review that finds none there is the last.
        """
        self._open = True
        if self._reviews is None or self._reviews.done():
            self._reviews = asyncio.get_running_loop().create_task(self._review_later(row))

    def close(self) -> None:
        """End the reviews."""
        if self._reviews is not None:
            self._reviews.cancel()

    async def _review_later(self, row: JobRow) -> None:
        with going_on("look for a refund"):
            for seconds in timing.REVIEWS:
                await asyncio.sleep(seconds)
                if await self.review(row):
                    return

    async def _compare(self, row: JobRow) -> bool:
        """Compare the balance with the bills; settle the jobs that are proven to be free."""
        baseline = self._baseline
        if baseline is None:
            return False
        before = await self._db(self._bills, row, baseline)
        balance = await self._read()
        return balance is not None and bool(await self._db(self._settle, row, baseline, balance, before))

    # Called through `db`.

    def _since(self, row: JobRow, baseline: tuple[Micro, int]) -> list[JobRow]:
        """Return the account's jobs that were sent since the baseline."""
        return self._log.jobs.rows(*_same_account(row), jobs.c.sent >= baseline[1])

    def _bills(self, row: JobRow, baseline: tuple[Micro, int]) -> dict[str, Micro | None]:
        return {one.id: one.cost for one in self._since(row, baseline)}

    def _settle(
        self, row: JobRow, baseline: tuple[Micro, int], balance: Micro, before: dict[str, Micro | None]
    ) -> bool:
        since = self._since(row, baseline)
        if {one.id: one.cost for one in since} != before:
            return False  # the balance was read meanwhile, and may know nothing of a bill that came
        low = min((one.estimate_low or 0 for one in since), default=0)
        billed = total(one.cost for one in since)
        if abs((baseline[0] - balance) - billed) > min(CENT, low // 2):
            return False
        for one in since:
            if refund_open(one):
                self._log.transitions.settle(one.id, ZERO, event_note("event_refund_seen"))
        return True

    def _is_still(self, job_id: str, since: int | None = None) -> bool:
        """Return whether nothing that was sent may still move the balance, or, if given, was sent since."""
        mine = _same_account(self._log.jobs.get(job_id))
        failed = jobs.c.state == State.FAILED.value
        unsettled = and_(jobs.c.cost.is_(None), jobs.c.reserved > 0)
        lately = jobs.c.sent > now_us() - int(timing.LIFE * 1e6)  # a null is not
        # By states alone, of which there is an index: this is asked before each job, of logs of any length.
        states = jobs.c.state.in_([*_MOVING, State.FAILED.value])
        if self._log.jobs.count(*mine, states, lately, or_(~failed, unsettled)):
            return False
        return since is None or not self._log.jobs.count(*mine, jobs.c.sent >= since)

    def _may_begin(self, job_id: str, at: int) -> bool:
        """Return whether nothing that was sent may still move the balance, and a new baseline is needed."""
        if not self._is_still(job_id):
            return False
        baseline = self._baseline
        if baseline is None or at - baseline[1] > timing.READING_AGAIN * 1e6:
            return True
        mine = _same_account(self._log.jobs.get(job_id))
        return self._log.jobs.count(*mine, jobs.c.sent >= baseline[1]) > 0

    def _any_open(self, row: JobRow) -> bool:
        return self._log.jobs.count(*_same_account(row), has_refund_open()) > 0


def _same_account(row: JobRow) -> tuple[Any, ...]:
    return jobs.c.endpoint == row.endpoint, jobs.c.account == row.account
