"""The connection under a request, for what no server does on purpose: reset, break off, trickle, go away."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import uvicorn

__all__ = ["Connection", "stop_listening"]

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

    def data_received(self, data: bytes) -> None:
        """Receive bytes, unless the connection is to break on its next use."""
        if self.reset_on_reuse:
            self.reset()
        else:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Break the reference cycle through `app_state`."""
        super().connection_lost(exc)
        self.app_state = {}

    def reset(self) -> None:
        """Break the connection at once, so that the other side sees a reset."""
        connected = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
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
