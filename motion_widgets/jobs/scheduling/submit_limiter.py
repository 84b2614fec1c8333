"""How many submits go at once, and when: the answer to the endpoint's "too fast" and "too many tasks"."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from motion_widgets.jobs.scheduling import timing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["SubmitLimiter"]

_GROWTH = 0.1
"""Tasks by which the assumed capacity grows with each one accepted: the limit is probed again, slowly."""


class SubmitLimiter:
    """Lets submits pass, the longest tasks first; belongs to one event loop.

    Parameters
    ----------
    expected
        Returns how long (s) a job of a group is expected to take; the longest go first, after those of no
        group, which go in the order in which they came. None: all are alike.

    Attributes
    ----------
    crowded
        More jobs want to go than the endpoint takes, and what it took has not ended yet.
    """

    def __init__(self, expected: Callable[[Hashable], float] | None = None) -> None:
        self._expected = expected or (lambda _: 0.0)
        self._waiting: dict[Hashable, deque[tuple[str, asyncio.Future[None]]]] = {}
        self._tasks: set[str] = set()  # jobs with a task at the endpoint, or about to have one
        self._submitting: dict[str, int] = {}  # and how many refusals were known when it was let in
        self._sending: set[str] = set()  # those of them whose request is on its way
        self._capacity = float(timing.ROOM)
        self._announced = float("inf")
        self._refusals = 0
        self._concurrency = min(timing.DOUBTS, timing.CALLS)  # until one was accepted
        self._resume_at = 0.0
        self._timer: asyncio.Handle | None = None
        self.crowded = False

    async def acquire(self, job_id: str, group: Hashable = None) -> None:
        """Wait until the endpoint has room and no pause is on; to be followed by `release`."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, deque()).append((job_id, turn))
        self._serve_in(0)  # not at once: those who come together are put in order first
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was let in at that very moment
                self.release(job_id, accepted=False)
            raise

    def release(self, job_id: str, *, accepted: bool) -> None:
        """Let the next submit pass: after a pause one goes alone, and each accepted doubles how many go."""
        self._submitting.pop(job_id, None)
        self._sending.discard(job_id)
        if accepted:
            self._concurrency = min(self._concurrency * 2, timing.CALLS)
            self._capacity = min(self._capacity + _GROWTH, self._announced)
        else:
            self._tasks.discard(job_id)
        self._serve()

    @property
    def idle(self) -> bool:
        """Whether no task of this process is at the endpoint, apart from those being submitted."""
        return self._tasks <= self._submitting.keys()

    def task_running(self, job_id: str) -> None:
        """Count a job whose task is at the endpoint already."""
        self._tasks.add(job_id)

    def task_ended(self, job_id: str) -> None:
        """Count a job's task as ended, which makes room for another."""
        self._tasks.discard(job_id)
        self.crowded = self.crowded and bool(self._tasks)
        self._serve()

    def pause(self, seconds: float) -> None:
        """Send nothing for a while ("too fast"), then one as a probe."""
        self._resume_at = max(self._resume_at, timing.now() + seconds)
        self._concurrency = 1

    def doubt(self) -> None:
        """Send one at a time, as an outcome is unknown; each accepted doubles how many go."""
        self._concurrency = 1

    def too_many(self, job_id: str, limit: int | None = None) -> bool:
        """Lower the capacity, as the endpoint refused a job because of too many tasks.

        Parameters
        ----------
        job_id
            The job that it refused.
        limit
            How many tasks it takes at once, in its own words. None: it does not say.

        Returns
        -------
        bool
            Whether the job may try again as soon as there is room, since other tasks must end first.
        """
        others = self._tasks - {job_id}
        running = len(others - self._submitting.keys())
        if self._submitting.get(job_id, 0) == self._refusals:  # sent after the last refusal, so it is news
            self._refusals += 1
            if limit is not None:
                self._announced = max(limit, 1)
            if limit is None or len(others) < limit:  # somebody else has tasks there as well
                self._capacity = max(1.0, float(running))
            else:
                self._capacity = self._announced
        return running >= int(self._capacity)

    def may_send(self, job_id: str) -> bool:
        """Return whether a job that was let in may still go: what came of others since may hold it back."""
        self._sending.discard(job_id)
        if len(self._sending) >= self._concurrency:
            return False
        if self._submitting.get(job_id, self._refusals) != self._refusals:
            # What is on its way now may well be accepted, so it has a place.
            if len((self._tasks - self._submitting.keys()) | self._sending) >= int(self._capacity):
                return False
            self._submitting[job_id] = self._refusals
        self._sending.add(job_id)
        return True

    def _rank(self, group: Hashable) -> float:
        return float("inf") if group is None else self._expected(group)

    def _serve_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._serve)

    def _serve(self) -> None:
        """Let in those who may go, of the group that takes longest first."""
        while self._waiting:
            now = timing.now()
            self._resume_at = min(self._resume_at, now + timing.PAUSE)  # however far the clock was put back
            if now < self._resume_at:
                self._serve_in(min(self._resume_at - now, timing.SLICE))
                return
            if len(self._tasks) >= int(self._capacity):
                self.crowded = True
                return
            if len(self._submitting) >= self._concurrency:
                return
            group = max(self._waiting, key=self._rank)
            job_id, turn = self._waiting[group].popleft()
            if not self._waiting[group]:
                del self._waiting[group]
            if not turn.done():
                self._tasks.add(job_id)
                self._submitting[job_id] = self._refusals
                turn.set_result(None)
