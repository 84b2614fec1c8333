"""How many submits go at once, and when: the endpoint's answers to "too fast" and "too many"."""

from __future__ import annotations

import asyncio
import contextlib
import time

from motion_widgets.jobs import timing

__all__ = ["Pace"]

_SLICE = 30.0  # s; a machine that slept looks at the clock again soon
_WIDER = 0.1  # by which the room for tasks grows with each one accepted: the limit is felt for again, slowly


class Pace:
    """The gate that every submit passes; belongs to one event loop."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._there: set[str] = set()
        self._sending: set[str] = set()
        self._room = 1000.0
        self._width = timing.CALLS
        self._resume_at = 0.0

    async def enter(self, job_id: str) -> None:
        """Wait until the endpoint has room and no pause is on; followed by `leave`."""
        async with self._changed:
            while True:
                pause = self._resume_at - time.time()
                room = len(self._there - {job_id}) < int(self._room) and len(self._sending) < self._width
                if pause <= 0 and room:
                    break
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(pause, _SLICE) if pause > 0 else _SLICE):
                        await self._changed.wait()
            self._there.add(job_id)
            self._sending.add(job_id)

    async def leave(self, job_id: str, *, accepted: bool) -> None:
        """Let the next submit pass: after a pause one goes alone, and each accepted doubles how many go."""
        async with self._changed:
            self._sending.discard(job_id)
            if accepted:
                self._width = min(self._width * 2, timing.CALLS)
                self._room += _WIDER
            else:
                self._there.discard(job_id)
            self._changed.notify_all()

    async def at_endpoint(self, job_id: str) -> None:
        """Count a job whose task is already there."""
        async with self._changed:
            self._there.add(job_id)

    async def landed(self, job_id: str) -> None:
        """Count a job's task as ended, which makes room for another."""
        async with self._changed:
            self._there.discard(job_id)
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Send nothing for a while ("too fast"), then one as a probe."""
        self._resume_at = max(self._resume_at, time.time() + seconds)
        self._width = 1

    def full(self, job_id: str) -> None:
        """Keep to as many tasks as run now ("too many at once")."""
        self._room = max(1.0, float(len(self._there - self._sending - {job_id})))
