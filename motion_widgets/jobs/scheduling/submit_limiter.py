"""How many submits go at once, and when: the endpoint's answers to "too fast" and "too many"."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from motion_widgets.jobs.scheduling import timing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["Pace"]

_WIDER = 0.1  # by which the room for tasks grows with each one accepted: the limit is felt for again, slowly


class Pace:
    """The gate that every submit passes; belongs to one event loop.

    Parameters
    ----------
    expected
        Gives how long (s) a job of a group is expected to take; the longest go first, after those of no
        group, which go in the order that they came in. None: all alike.
    """

    def __init__(self, expected: Callable[[Hashable], float] | None = None) -> None:
        self._expected = expected or (lambda _: 0.0)
        self._waiting: dict[Hashable, deque[tuple[str, asyncio.Future[None]]]] = {}
        self._there: set[str] = set()
        self._sending: dict[str, int] = {}  # and how many refusals were known when it went
        self._going: set[str] = set()  # those of them that are past the last look at the room
        self._room = float(timing.ROOM)
        self._announced = float("inf")
        self._refusals = 0
        self._width = timing.CALLS
        self._resume_at = 0.0
        self._serving: asyncio.Handle | None = None
        self.crowded = False
        """More jobs wanted to go than the endpoint takes, and what it took has not ended yet."""

    async def enter(self, job_id: str, group: Hashable = None) -> None:
        """Wait until the endpoint has room and no pause is on; followed by `leave`."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, deque()).append((job_id, turn))
        self._soon(0)  # not at once: those who come together are put in order first
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was let in at the very moment
                self.leave(job_id, accepted=False)
            raise

    def leave(self, job_id: str, *, accepted: bool) -> None:
        """Let the next submit pass: after a pause one goes alone, and each accepted doubles how many go."""
        self._sending.pop(job_id, None)
        self._going.discard(job_id)
        if accepted:
            self._width = min(self._width * 2, timing.CALLS)
            self._room = min(self._room + _WIDER, self._announced)
        else:
            self._there.discard(job_id)
        self._serve()

    @property
    def held(self) -> bool:
        """Whether submits wait for a pause to end, or for a task to end first."""
        return self.crowded or timing.now() < self._resume_at

    @property
    def empty(self) -> bool:
        """Whether no task of this process is at the endpoint, those aside that are being sent."""
        return self._there <= self._sending.keys()

    def at_endpoint(self, job_id: str) -> None:
        """Count a job whose task is already there."""
        self._there.add(job_id)

    def landed(self, job_id: str) -> None:
        """Count a job's task as ended, which makes room for another."""
        self._there.discard(job_id)
        self.crowded = self.crowded and bool(self._there)
        self._serve()

    def pause(self, seconds: float) -> None:
        """Send nothing for a while ("too fast"), then one as a probe."""
        self._resume_at = max(self._resume_at, timing.now() + seconds)
        self._width = 1

    def full(self, job_id: str, limit: int | None = None) -> bool:
        """Keep to as many tasks as run now ("too many at once"), or as the endpoint says that it takes.

        Parameters
        ----------
        job_id
            What it refused.
        limit
            How many it takes at once, in its own words. None: it does not say.

        Returns
        -------
        bool
            Whether the job may come back at once, as there are others that must end first.
        """
        others = self._there - {job_id}
        if self._sending.get(job_id, 0) == self._refusals:  # sent after the last refusal, so it is news
            self._refusals += 1
            if limit is not None:
                self._announced = max(limit, 1)
            if limit is None or len(others) < limit:  # somebody else has tasks there as well
                self._room = max(1.0, float(len(others - self._sending.keys())))
            else:
                self._room = self._announced
        return len(others - self._sending.keys()) >= int(self._room)

    def admits(self, job_id: str) -> bool:
        """Return whether a job that was let in may still go: meanwhile another may have found no room."""
        self._going.discard(job_id)
        if self._sending.get(job_id, self._refusals) != self._refusals:
            # What is on its way now may well be taken, so it has a place.
            if len((self._there - self._sending.keys()) | self._going) >= int(self._room):
                return False
            self._sending[job_id] = self._refusals
        self._going.add(job_id)
        return True

    def _rank(self, group: Hashable) -> float:
        return float("inf") if group is None else self._expected(group)

    def _soon(self, seconds: float) -> None:
        if self._serving is not None:
            self._serving.cancel()
        self._serving = asyncio.get_running_loop().call_later(seconds, self._serve)

    def _serve(self) -> None:
        """Let in who may go, of the group that takes longest first."""
        while self._waiting:
            now = timing.now()
            self._resume_at = min(self._resume_at, now + timing.PAUSE)  # however far the clock was put back
            if now < self._resume_at:
                self._soon(min(self._resume_at - now, timing.SLICE))
                return
            if len(self._there) >= int(self._room):
                self.crowded = True
                return
            if len(self._sending) >= self._width:
                return
            group = max(self._waiting, key=self._rank)
            job_id, turn = self._waiting[group].popleft()
            if not self._waiting[group]:
                del self._waiting[group]
            if not turn.done():
                self._there.add(job_id)
                self._sending[job_id] = self._refusals
                turn.set_result(None)
