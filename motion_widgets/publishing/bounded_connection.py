"""A connection of the file server: few at a time, and none that takes its time for ever."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    from typing import Any

__all__ = ["BACKLOG", "LARGEST_HEAD", "MOST", "BoundedConnection"]

MOST = 32
"""Connections at a time. Beyond, the one that has waited longest for its request makes room."""
BACKLOG = 64
"""Connections that the system takes and asyncio accepts at once, before any is counted."""
LARGEST_HEAD = 16 << 10
"""Bytes of a request's head."""
HEAD_SECONDS = 10.0
"""s for a request's head to come in whole."""
SILENCE_SECONDS = 30.0
"""s in which some 50 KB of a response must be taken, more of a body come, or the next request."""


class BoundedConnection(H11Protocol):
    """One connection, which is dropped when nothing comes of it.

    The sandbox's is the same (`motion_widgets.sandbox.connection`); the two rooms share no code on purpose.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.since = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and make room if there are too many."""
        super().connection_made(transport)
        self._arm(HEAD_SECONDS)
        there = [one for one in self.connections if not one.transport.is_closing()]
        if len(there) > MOST:
            waiting = [one for one in there if isinstance(one, BoundedConnection) and one.waits]
            min(waiting, key=lambda one: one.since).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a whole request ends the waiting for it."""
        super().data_received(data)
        if not (self.waits or self.flow.write_paused):
            self._arm(SILENCE_SECONDS if self.cycle.more_body else None)

    def on_response_complete(self) -> None:
        """Wait for what is left of the response to be taken, and for the next request."""
        super().on_response_complete()
        if self.waits:
            self._arm(SILENCE_SECONDS)

    def pause_writing(self) -> None:
        """Wait for what was sent to be taken."""
        super().pause_writing()
        self._arm(SILENCE_SECONDS)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if not self.waits:
            self._arm(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._arm(None)
        super().connection_lost(exc)

    def _arm(self, seconds: float | None) -> None:
        """Drop the connection after some seconds unless this is called again; None: not."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)
