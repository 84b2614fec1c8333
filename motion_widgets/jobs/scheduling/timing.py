"""How long things take and how often they are asked; read at every use, so that tests can hurry."""

from __future__ import annotations

import random
import time

from motion_widgets.endpoint.errors import RETRY_AFTER_MAX
from motion_widgets.log.leases import LEASE

__all__ = ["BEAT", "DOWNLOADS", "LEASE", "backoff", "now"]

BEAT = 5.0
"""s between renewals of leases, and between looks for jobs whose driver died."""
BACKOFF = (0.3, 60.0)
"""Shortest and longest s before something is tried again."""
POLL = (0.4, 10.0)
"""Shortest and longest s between two polls of a job that somebody watches."""
UNWATCHED = 60
"""Times as long as that a job waits at most which nobody watches."""
WATCHED = 30.0
"""s that a look at a job counts as watching it."""
SLICE = 30.0
"""s that is waited at most before the wall clock is looked at again."""
GAP = 60.0
"""s more than expected between two looks at the clock: the machine slept, or the clock was set."""
PAUSE = RETRY_AFTER_MAX
"""s that a pause lasts at most."""
RETRIES = 10
"""Failed polls in a row, of all jobs together, before polls pause; each answer gives one back."""
URGENT = 3600.0
"""s before a result dies in which its download holds polls back."""
STEP = 4.0
"""s by which the waits grow when a task or a result seems to be gone."""
CALLS = 12
"""Calls under way at once; kept outside httpx's pool, which rescans itself for every queued request."""
ROOM = 1000
"""Tasks that are at the endpoint at once until it says how many it takes."""
DOWNLOADS = 4
TRIES = 5
"""Tries of what costs nothing, before it is left to a person."""
GONE = 15
"""Times in a row that a task or a result must be gone before it is believed: some 7 minutes."""
LIFE = 24 * 3600.0
"""s that a result lives when the endpoint does not say."""
READING = 5.0
"""s that a reading of the balance may take; nothing paid waits longer for it."""
READING_AGAIN = 60.0
"""s after which a reading is taken anew although nothing was sent, or was tried in vain."""
REVIEWS = (15.0, 60.0, 300.0)
"""s between looks at the balance for a refund that was not seen at the failure."""
SHARED_TRIES = 2
"""Tries of the shared path before a result counts as collected here alone, and is put there later."""
SHARED_PATIENCE = 300.0
"""s that one of them may take."""
OUTBOX = (30.0, 600.0)
"""Shortest and longest s between two looks for what is not on the shared path yet."""
PARTING = 10.0
"""s that closing waits for the answers of submits under way."""


def now() -> float:
    """Return the wall clock's time as unix s."""
    return time.time()


def backoff(tries: int) -> float:
    """Return s to wait: full jitter over a doubling range, up to a minute."""
    shortest, longest = BACKOFF
    return random.uniform(shortest, max(min(longest, 2.0 ** min(tries, 20)), shortest))  # noqa: S311 - jitter


def outbox(failures: int) -> float:
    """Return s until the next look for what is not on the shared path yet."""
    shortest, longest = OUTBOX
    return min(shortest * 2.0 ** min(failures, 20), longest)


def growing(times: int) -> float:
    """Return s to wait before the next look at what seems to be gone."""
    return min(STEP * times, BACKOFF[1])
