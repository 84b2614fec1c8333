"""The connection under a request: bounded, and able to reset, break off, trickle and go away on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import uvicorn

__all__ = ["BACKLOG", "LARGEST_HEAD", "Connection", "stop_listening"]

BACKLOG = 64
"""Connections that the system takes and asyncio accepts at once, before any is counted."""
LARGEST_HEAD = 64 << 10
"""Bytes of a request's head."""
_MOST = 128
"""Connections at a time. Beyond, the one that has waited longest for its request makes room."""
_HEAD_SECONDS = 20.0  # s for a request's head to come in whole
_SILENCE_SECONDS = 60.0  # s for some of a response to be taken, more of a body, or the next request
_INTERVAL = 0.05  # s between looks whether the outage is over


class Connection(H11Protocol):
    """One connection; a request finds it in its scope, as ``state["connection"]``."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.app_state = {**app_state, "connection": self}
        self.reset_on_reuse = False
        """Whether the next bytes are answered with a reset."""
        self.since = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and make room if there are too many."""
        super().connection_made(transport)
        self._arm(_HEAD_SECONDS)
        there = [one for one in self.connections if not one.transport.is_closing()]
        if len(there) > _MOST:
            waiting = [one for one in there if isinstance(one, Connection) and one.waits]
            min(waiting, key=lambda one: one.since).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Receive bytes, unless the connection is to break on its next use."""
        if self.reset_on_reuse:
            self.reset()
            return
        super().data_received(data)
        if not (self.waits or self.flow.write_paused):
            self._arm(_SILENCE_SECONDS if self.cycle.more_body else None)

    def on_response_complete(self) -> None:
        """Wait for what is left of the response to be taken, and for the next request."""
        super().on_response_complete()
        if self.waits:
            self._arm(_SILENCE_SECONDS)

    def pause_writing(self) -> None:
        """Wait for what was sent to be taken."""
        super().pause_writing()
        self._arm(_SILENCE_SECONDS)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if not self.waits:
            self._arm(None)

    def _arm(self, seconds: float | None) -> None:
        """Drop the connection after some seconds unless this is called again; None: not."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Break the reference cycle through `app_state`."""
        self._arm(None)
        super().connection_lost(exc)
        self.app_state = {}

    def reset(self) -> None:
        """Break the connection at once, so that the other side sees a reset."""
        connected = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # it is closed already; that is what was wanted
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


async def stop_listening(
    server: uvicorn.Server, bind: Callable[[], socket.socket], over: Callable[[], bool]
) -> None:
    """Refuse connections to a server of this loop and drop those there are, until `over` returns True.

    `bind` returns a socket on the same port that does not listen yet.
    """
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        if isinstance(connection, Connection):
            connection.reset()
    bound: socket.socket | None = None
    while bound is None or not over():
        if bound is None:  # bound without listening, so that nobody else gets the port
            with contextlib.suppress(OSError):  # taken just now
                bound = bind()
        if server.should_exit:
            if bound is not None:
                bound.close()
            return
        await asyncio.sleep(_INTERVAL)
    protocol = functools.partial(Connection, server.config, server.server_state, {})
    loop = asyncio.get_running_loop()
    server.servers = [await loop.create_server(protocol, sock=bound, backlog=server.config.backlog)]
