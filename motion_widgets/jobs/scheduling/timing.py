"""How long things take and how often they are done, and waiting by the wall clock.

The constants are read at every use, so that tests can hurry.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import TYPE_CHECKING

from motion_widgets.endpoint.errors import RETRY_AFTER_MAX
from motion_widgets.log.leases import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BEAT", "DOWNLOADS", "LEASE", "Clock", "backoff", "now"]

BEAT = 5.0
"""s between renewals of leases, and between looks for jobs whose process died."""
BACKUP_AFTER, BACKUP_EVERY = 5.0, 600.0
"""s of rest after which the log is backed up, and the fewest s between two backups."""
BACKOFF = (0.3, 60.0)
"""Shortest and longest s before something is tried again."""
POLL = (0.4, 10.0)
"""Shortest and longest s between two polls of a job that somebody watches."""
UNWATCHED = 60
"""Times as long as that a job which nobody watches waits at most."""
WATCHED = 30.0
"""s for which a look at a job counts as watching it."""
SLICE = 30.0
"""Longest s of waiting until the wall clock is read again."""
GAP = 60.0
"""s more than expected between two readings of the clock: the machine slept, or the clock was set."""
PAUSE = RETRY_AFTER_MAX
"""Longest s of a pause."""
RETRIES = 10
"""Failed polls in a row, of all jobs together, before polls pause; each answer gives one back."""
URGENT = 3600.0
"""s before a result expires in which its download holds polls back."""
STEP, LONGEST = 4.0, 3600.0
"""First and longest s between two looks for a task or a result that seems to be gone."""
CALLS = 12
"""Calls under way at once."""
ROOM = 1000
"""Tasks at the endpoint at once until it says how many it takes."""
DOWNLOADS = 4
"""Downloads under way at once."""
TRIES = 5
"""Tries of what costs nothing, before it is left to a person."""
GONE = 3
"""Times in a row that the endpoint must say so, after a result's life, before a task counts as gone."""
DOUBTS = 3
"""Submits whose outcome may be unknown in a row before no more are sent until a person says so."""
REFUSED = 3
"""Jobs whose polls must be refused in a row before all calls stop; a single refusal may be a stray one."""
LIFE = 24 * 3600.0
"""s that a result lives when the endpoint does not say."""
READING = 5.0
"""Longest s of reading the balance; nothing paid waits longer for it."""
READING_AGAIN = 60.0
"""s after which the balance is read anew although nothing was sent, or after it could not be read."""
REVIEWS = (15.0, 60.0, 300.0)
"""s between looks at the balance for a refund that did not show when the task failed."""
SHARED_TRIES = 2
"""Tries of the shared path before a result counts as collected here alone, to be put there later."""
SHARED_PATIENCE = 300.0
"""Longest s of one of them."""
OUTBOX = (30.0, 600.0)
"""Shortest and longest s between two looks for what is not on the shared path yet."""
PARTING = 10.0
"""Longest s for which closing waits for the answers of submits under way."""


def now() -> float:
    """Return the wall clock's time as unix s."""
    return time.time()


def backoff(tries: int) -> float:
    """Return s to wait: full jitter over a doubling range, up to a minute."""
    shortest, longest = BACKOFF
    return random.uniform(shortest, max(min(longest, 2.0 ** min(tries, 20)), shortest))  # noqa: S311 - jitter


def outbox_wait(failures: int) -> float:
    """Return s until the next look for what is not on the shared path yet."""
    shortest, longest = OUTBOX
    return min(shortest * 2.0 ** min(failures, 20), longest)


def missing_wait(times: int) -> float:
    """Return s until the next look at what was missing so many times in a row: ever more, up to an hour."""
    return float(min(STEP * times**1.5, LONGEST))


class Clock:
    """Lets jobs wait by the wall clock, and wakes them; belongs to one event loop.

    The monotonic clock halts while the machine sleeps, so a timer alone would wake hours late.

    Parameters
    ----------
    on_gap
        Called when far more time passed than was waited for, or the clock went backwards, with the moments
        (unix s) before and after.
    """

    def __init__(self, on_gap: Callable[[float, float], None]) -> None:
        self._on_gap = on_gap
        self._read = now()
        self._sleepers: dict[str, asyncio.Future[bool]] = {}
        self._watched_until: dict[str, float] = {}

    async def sleep_until(self, due: float, job_id: str) -> bool:
        """Wait for a moment (unix s), for `wake`, or for `SLICE`. Return whether there was a gap."""
        woken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._sleepers[job_id] = woken
        try:
            self._check()
            with contextlib.suppress(TimeoutError):  # the time that it waited for is over
                async with asyncio.timeout(min(max(due - now(), 0.0), SLICE)):
                    return await woken
        finally:
            self._sleepers.pop(job_id, None)
        return self._check()

    async def sleep(self, seconds: float, job_id: str) -> None:
        """Wait for a job's next try; a gap ends the wait."""
        due = now() + seconds
        while now() < due < now() + seconds + GAP:
            if await self.sleep_until(due, job_id):
                return

    def wake(self, job_id: str | None = None, *, gap: bool = False) -> None:
        """Wake a job that waits. None: all of them."""
        for name in [job_id] if job_id is not None else list(self._sleepers):
            woken = self._sleepers.get(name)
            if woken is not None and not woken.done():
                woken.set_result(gap)

    def watch(self, *job_ids: str) -> None:
        """Note that somebody is watching jobs now; those that nobody watched are woken."""
        moment = now()
        watched = {name: until for name, until in self._watched_until.items() if until >= moment}
        self._watched_until = watched | dict.fromkeys(job_ids, moment + WATCHED)
        for job_id in job_ids:
            if job_id not in watched:
                self.wake(job_id)

    def watched(self, job_id: str) -> int:
        """Return how many jobs are watched if this one is. 0: nobody watches it."""
        return len(self._watched_until) if self._watched_until.get(job_id, 0.0) >= now() else 0

    async def run(self) -> None:
        """Read the clock from time to time, for ever."""
        while True:
            await asyncio.sleep(BEAT)
            self._check()

    def _check(self) -> bool:
        """Return whether there was a gap since the last reading, whoever took it; wake all if so."""
        before, self._read = self._read, now()
        if 0 <= self._read - before <= BEAT + GAP:
            return False
        self._on_gap(before, self._read)
        self.wake(gap=True)
        return True
