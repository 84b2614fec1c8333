"""The one gate before all calls: who goes first when many want to, and how polls hold back in trouble.

A semaphore of our own, outside httpx's pool: that one rescans itself for every queued request, which made
1,000 calls on one connection take 65 s. Submits go first, then downloads (soonest expiry first), then polls
(soonest due first).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from motion_widgets.jobs.scheduling import timing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Gate", "Lane"]


class Lane(IntEnum):
    """Who wants to call; the first goes first."""

    SUBMIT = 0
    DOWNLOAD = 1
    POLL = 2


class Gate:
    """`timing.CALLS` calls of the API and `timing.DOWNLOADS` downloads at once; belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[Lane, list[tuple[float, int, asyncio.Future[None]]]] = {lane: [] for lane in Lane}
        self._inside = dict.fromkeys(Lane, 0)
        self._numbers = itertools.count()
        self._polls_at = 0.0  # unix s
        self._width = timing.CALLS  # of polls
        self._credit = timing.RETRIES
        self._again: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self, lane: Lane, rank: float = 0.0) -> AsyncIterator[None]:
        """Hold a slot, once it is this one's turn.

        Parameters
        ----------
        lane
            Whose turn it is.
        rank
            Within its lane the lowest goes first: unix s, of a download its expiry, of a poll when it is due.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting[lane], (rank, next(self._numbers), turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was let in at the very moment
                self._leave(lane)
            raise
        try:
            yield
        finally:
            self._leave(lane)

    def pause(self, seconds: float) -> None:
        """Let no poll go for a while, then one as a probe; each answer doubles how many go."""
        self._polls_at = max(self._polls_at, timing.now() + seconds)
        self._width = 1

    def failed(self) -> None:
        """Count a poll that got no good answer against what all jobs share; when that is used up, pause."""
        self._credit -= 1
        if self._credit < 0:
            self.pause(timing.backoff(-self._credit))

    def answered(self) -> None:
        """Count a poll that was answered."""
        self._credit = min(max(self._credit, 0) + 1, timing.RETRIES)
        self._width = min(self._width * 2, timing.CALLS)

    def _leave(self, lane: Lane) -> None:
        self._inside[lane] -= 1
        self._serve()

    def _serve(self) -> None:
        now = timing.now()
        self._polls_at = min(self._polls_at, now + timing.PAUSE)  # however far the clock was put back
        for lane in Lane:
            heap = self._waiting[lane]
            while heap and (heap[0][2].done() or self._may(lane, now)):
                turn = heapq.heappop(heap)[2]
                if not turn.done():
                    self._inside[lane] += 1
                    turn.set_result(None)
        left = self._polls_at - now
        if self._waiting[Lane.POLL] and left > 0 and self._again is None:
            self._again = asyncio.get_running_loop().call_later(min(left, timing.SLICE), self._look_again)

    def _look_again(self) -> None:
        self._again = None
        self._serve()

    def _may(self, lane: Lane, now: float) -> bool:
        if lane is Lane.DOWNLOAD:
            return self._inside[lane] < timing.DOWNLOADS
        if self._inside[Lane.SUBMIT] + self._inside[Lane.POLL] >= timing.CALLS:
            return False
        if lane is Lane.SUBMIT:
            return True
        files = self._waiting[Lane.DOWNLOAD]
        urgent = bool(files) and files[0][0] < now + timing.URGENT
        return not urgent and now >= self._polls_at and self._inside[lane] < self._width
