"""Waiting by the wall clock, in short slices, and noticing that it jumped or that the machine slept.

The monotonic clock halts in suspend, so a timer alone would wake hours late.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from motion_widgets.jobs.scheduling import timing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock"]


class Clock:
    """Wakes jobs; belongs to one event loop.

    Parameters
    ----------
    on_gap
        Called when far more time passed than was waited for, or the clock went backwards, with the moments
        (unix s) before and after.
    """

    def __init__(self, on_gap: Callable[[float, float], None]) -> None:
        self._on_gap = on_gap
        self._seen = timing.now()
        self._sleepers: dict[str, asyncio.Future[bool]] = {}

    async def until(self, due: float, job_id: str) -> bool:
        """Wait for a moment (unix s), until this job is woken, or for a slice. True: there was a gap."""
        woken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._sleepers[job_id] = woken
        try:
            self._look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(due - timing.now(), 0.0), timing.SLICE)):
                    return await woken
        finally:
            self._sleepers.pop(job_id, None)
        return self._look()

    async def sleep(self, seconds: float, job_id: str) -> None:
        """Wait for a job's next try; a gap ends the wait."""
        due = timing.now() + seconds
        while timing.now() < due < timing.now() + seconds + timing.GAP:
            if await self.until(due, job_id):
                return

    def wake(self, job_id: str | None = None, *, gap: bool = False) -> None:
        """Wake a job that waits; None: all that do."""
        for name in [job_id] if job_id is not None else list(self._sleepers):
            woken = self._sleepers.get(name)
            if woken is not None and not woken.done():
                woken.set_result(gap)

    async def ticking(self) -> None:
        """Look at the clock for ever."""
        while True:
            await asyncio.sleep(timing.BEAT)
            self._look()

    def _look(self) -> bool:
        """Wake all who sleep if there was a gap since the last look, whoever looks first; say whether."""
        before, self._seen = self._seen, timing.now()
        if 0 <= self._seen - before <= timing.BEAT + timing.GAP:
            return False
        self._on_gap(before, self._seen)
        self.wake(gap=True)
        return True
