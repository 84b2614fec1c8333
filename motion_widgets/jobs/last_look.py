"""The last look before the first byte: whether a request may still be sent, now that there is a connection.

A process may be stopped anywhere, and go on when another has taken its job over and a person has written it
off or sent it again. So the exact body is committed last of all, by who still holds the lease, and what took
long since then counts for nothing.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from motion_widgets.core.errors import HeldError, LogError
from motion_widgets.jobs.scheduling import timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.jobs.context import Context

__all__ = ["LastLook", "Seen"]


class Seen(Enum):
    """What the last look showed."""

    CLEAR = auto()
    HELD = auto()
    """The log, the limiter or the breaker holds it back."""
    TAKEN = auto()
    """Another process drives the job by now, or a person decided otherwise."""
    STALE = auto()
    """So much time passed meanwhile that the look is worth nothing."""


class LastLook:
    """Looks whether a job's body may be sent.

    Parameters
    ----------
    may_go
        Whether the limiter and the breaker let it go.

    Attributes
    ----------
    seen
        What it showed.
    refusal
        Why the log did not take the body. None: it did, or was not asked.
    """

    def __init__(self, ctx: Context, job_id: str, may_go: Callable[[], bool]) -> None:
        self._ctx, self._job_id, self._may_go = ctx, job_id, may_go
        self.seen = Seen.CLEAR
        self.refusal: LogError | HeldError | None = None

    async def is_clear(self, body: str, *, anyway: bool) -> bool:
        """Commit the body with the connection open; return whether its first byte may follow at once.

        `anyway` as in `Transitions.seal`.
        """
        self.seen, self.refusal = Seen.HELD, None
        if not self._may_go():
            return False
        try:
            sealed, leased = await self._ctx.db.first(self._seal, body, anyway)
        except (LogError, HeldError) as error:
            self.refusal = error
            return False
        # Nothing is awaited from here on.
        if not sealed:
            self.seen = Seen.TAKEN
        elif not 0 <= timing.now() - leased < timing.LEASE / 2:
            self.seen = Seen.STALE
        elif self._may_go():
            self.seen = Seen.CLEAR
        return self.seen is Seen.CLEAR

    def _seal(self, body: str, anyway: bool) -> tuple[bool, float]:
        """Commit the body; return whether it is ours to send, and since when its lease runs (unix s)."""
        leased, owner = timing.now(), self._ctx.owner
        sealed = self._ctx.log.transitions.seal(
            self._job_id, body, owner=owner, seconds=timing.LEASE, anyway=anyway
        )
        return sealed, leased
