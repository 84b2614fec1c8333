"""Turns at the endpoint: who calls first when many want to, and whether anybody may call at all.

A semaphore of our own in front of httpx's pool, because it knows priorities: submits go first, then
downloads (soonest expiry first), then polls (soonest due first).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from motion_widgets.core.forks import new_lock
from motion_widgets.core.messages import say
from motion_widgets.endpoint.errors import EndpointError, OutcomeUnknown
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.poll_rate import PollRate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["CallGate", "CircuitBreaker", "Priority"]


class Priority(IntEnum):
    """What a call is for; the lowest goes first."""

    SUBMIT = 0
    DOWNLOAD = 1
    POLL = 2


class CallGate:
    """`timing.CALLS` calls of the API and `timing.DOWNLOADS` downloads at once; belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[Priority, list[tuple[float, int, asyncio.Future[None]]]] = {
            priority: [] for priority in Priority
        }
        self._inside = dict.fromkeys(Priority, 0)
        self._numbers = itertools.count()
        self._polls_at = 0.0  # unix s
        self._rate = PollRate()
        self._concurrent_polls = timing.CALLS
        self._retries = timing.RETRIES
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self, priority: Priority, rank: float = 0.0) -> AsyncIterator[None]:
        """Hold a slot, once it is this caller's turn.

        Parameters
        ----------
        priority
            What the call is for.
        rank
            Among calls of one priority the lowest goes first: unix s, of a download its expiry, of a poll
            when it is due.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting[priority], (rank, next(self._numbers), turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was let in at that very moment
                self._leave(priority)
            raise
        try:
            yield
        finally:
            self._leave(priority)

    def pause(self, seconds: float) -> None:
        """Hold polls back for a while, then let one go as a probe; each answer doubles how many go."""
        self._polls_at = max(self._polls_at, timing.now() + seconds)
        self._concurrent_polls = 1

    def poll_refused(self, seconds: float) -> None:
        """Hold polls back as the endpoint says (Retry-After), and then at the rate that it seems to allow."""
        if timing.now() >= self._polls_at:  # else it was under way when another one was refused
            self._rate.refused(seconds)
        self.pause(seconds)

    def poll_failed(self) -> None:
        """Count a failed poll against the retries that all jobs share; when they are used up, pause."""
        self._retries -= 1
        if self._retries < 0:
            self.pause(timing.backoff(-self._retries))

    def poll_answered(self) -> None:
        """Count a poll that was answered."""
        self._retries = min(max(self._retries, 0) + 1, timing.RETRIES)
        self._concurrent_polls = min(self._concurrent_polls * 2, timing.CALLS)
        self._rate.answered()

    def _leave(self, priority: Priority) -> None:
        self._inside[priority] -= 1
        self._serve()

    def _serve(self) -> None:
        now = timing.now()
        self._polls_at = min(self._polls_at, now + timing.PAUSE)  # however far the clock was put back
        for priority in Priority:
            heap = self._waiting[priority]
            while heap and (heap[0][2].done() or self._may_enter(priority, now)):
                turn = heapq.heappop(heap)[2]
                if not turn.done():
                    self._inside[priority] += 1
                    turn.set_result(None)
                    if priority is Priority.POLL:
                        self._rate.sent()
        left = max(self._polls_at - now, self._rate.wait(now))
        if self._waiting[Priority.POLL] and left > 0 and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(min(left, timing.SLICE), self._pause_over)

    def _pause_over(self) -> None:
        self._timer = None
        self._serve()

    def _may_enter(self, priority: Priority, now: float) -> bool:
        if priority is Priority.DOWNLOAD:
            return self._inside[priority] < timing.DOWNLOADS
        if self._inside[Priority.SUBMIT] + self._inside[Priority.POLL] >= timing.CALLS:
            return False
        if priority is Priority.SUBMIT:
            return True
        downloads = self._waiting[Priority.DOWNLOAD]
        urgent = bool(downloads) and downloads[0][0] < now + timing.URGENT
        held = urgent or now < self._polls_at or self._rate.wait(now) > 0
        return not held and self._inside[priority] < self._concurrent_polls


class CircuitBreaker:
    """Stops what would only meet the same error again, until a person acts. Safe on any thread.

    A refused key stops all calls; a refused payment stops the submits that were approved before it. Several
    outcomes in a row that are unknown stop every submit until a person approves one again that was held back.

    Attributes
    ----------
    calls_stopped
        Why the endpoint is not called any more. None: it is.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._approvals = 0
        self._revoked = 0
        self._submits_stopped: EndpointError | None = None
        self._doubts = 0
        self._doubted: EndpointError | None = None
        self._held: set[str] = set()
        self._refused: set[str] = set()
        self.calls_stopped: EndpointError | None = None

    def approve(self, *job_ids: str, decided: bool = False) -> int:
        """Count a person's approval to send jobs; return its number, from 1 on.

        A loop approves ever new jobs. That the doubts are over is said by who approves one of those that were
        held back for them, or has `decided` about an unknown outcome.
        """
        with self._lock:
            self._approvals += 1
            if decided or not self._held.isdisjoint(job_ids):
                self._doubted = None
                self._held.clear()
            return self._approvals

    def stop_submits(self, error: EndpointError) -> None:
        """Revoke every approval given so far: each of their submits would meet this error."""
        with self._lock:
            self._revoked, self._submits_stopped = self._approvals, error

    def outcome_known(self) -> None:
        """Note that the endpoint took or refused a submit, so that earlier doubts were stray ones."""
        with self._lock:
            self._doubts = 0

    def outcome_unknown(self) -> bool:
        """Count a submit of unknown outcome; after so many in a row stop submits, and return True."""
        with self._lock:
            self._doubts += 1
            if self._doubts < timing.DOUBTS:
                return False
            said = say("doubts_stopped", count=self._doubts)
            self._doubted = OutcomeUnknown(said, code="doubts_stopped", kind="doubt")
            return True

    def hold(self, job_id: str) -> None:
        """Note that a job was held back, and that its row says why."""
        with self._lock:
            self._held.add(job_id)

    def poll_refused(self, job_id: str) -> bool:
        """Count a poll that was refused; return whether so many jobs' polls were that none is stray."""
        with self._lock:
            self._refused.add(job_id)
            return len(self._refused) >= timing.REFUSED

    def poll_answered(self) -> None:
        """Note that the endpoint answers polls, so that earlier refusals were stray ones."""
        with self._lock:
            self._refused.clear()

    def stop_calls(self, error: EndpointError) -> None:
        """Let nothing call the endpoint until `reset`."""
        if self.calls_stopped is None:
            self.calls_stopped = EndpointError(
                say("asking_stopped", why=str(error)), code=error.code, status=error.status,
                kind=error.kind, server_code=error.server_code,
            )  # fmt: skip

    def reset(self) -> None:
        """Let calls go again, because a person acted; revoked approvals stay revoked."""
        self.calls_stopped = None
        self.poll_answered()

    def refusal(self, approval: int | None = None) -> EndpointError | None:
        """Return why nothing is sent under an approval (None: the latest one). None: it may be sent."""
        with self._lock:
            number = self._approvals if approval is None else approval
            revoked = self._submits_stopped if number <= self._revoked else None
            return revoked or self.calls_stopped or self._doubted
