"""The connection under a request, for what no server does on purpose: reset, break off, drip, be away."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http
import socket
import struct
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import uvicorn

    from motion_widgets.sandbox.faults.answer import Answer

__all__ = ["Connection", "be_away"]

_LOOK = 0.05  # s between looks for the end of an absence


class Connection(H11Protocol):
    """One connection; a request finds it in its scope, under ``state`` and ``connection``."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.app_state = {**app_state, "connection": self}
        self.doomed = False
        """What comes next is answered with a reset."""

    def data_received(self, data: bytes) -> None:
        """Take bytes in, unless the connection is to break on its next use."""
        if self.doomed:
            self.reset()
        else:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the circle that leads from here to here."""
        super().connection_lost(exc)
        self.app_state = {}

    def reset(self) -> None:
        """Break the connection at once, so that the other side sees a reset."""
        own = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def close(self) -> None:
        """Close the connection once all that was written is out."""
        self.transport.close()

    async def write(self, raw: bytes, *, piece: int = 0, pause: float = 0.0) -> None:
        """Write bytes past HTTP: at once, or `piece` by piece, `pause` s apart, while anyone listens."""
        step = piece or max(len(raw), 1)
        for start in range(0, len(raw), step):
            if self.transport.is_closing():
                return
            if start:
                await asyncio.sleep(pause)
            self.transport.write(raw[start : start + step])

    @staticmethod
    def raw(answer: Answer, *, length: int | None, body: bool = True) -> bytes:
        """Return an answer's bytes.

        Parameters
        ----------
        answer : Answer
            What to write down.
        length : int, optional
            What it says its length is. None: nothing, the end of the connection says it.
        body : bool
            False: its head alone.
        """
        phrase = http.HTTPStatus(answer.status).phrase if answer.status in set(http.HTTPStatus) else ""
        headers = answer.headers | {"connection": "close"}
        headers.pop("content-length", None)
        if length is not None:
            headers["content-length"] = str(length)
        lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {text}" for name, text in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (answer.body if body else b"")


async def be_away(
    server: uvicorn.Server, bound: Callable[[], socket.socket], over: Callable[[], bool]
) -> None:
    """Stop listening, so that connections are refused, drop the ones there are, and come back.

    Parameters
    ----------
    server : uvicorn.Server
        The server, running on this loop.
    bound : callable
        Opens a socket on the same port that does not listen yet.
    over : callable
        Says whether it is time to be back.
    """
    loop = asyncio.get_running_loop()
    for one in server.servers:
        one.close()
    for connection in list(server.server_state.connections):
        if isinstance(connection, Connection):
            connection.reset()
    config, state = server.config, server.server_state
    listener: socket.socket | None = None
    while listener is None or not over():
        if listener is None:  # bound and deaf meanwhile, so that nobody else gets the port
            with contextlib.suppress(OSError):  # somebody has it just now
                listener = bound()
        if server.should_exit:
            if listener is not None:
                listener.close()
            return
        await asyncio.sleep(_LOOK)
    back = await loop.create_server(
        functools.partial(Connection, config, state, {}), sock=listener, backlog=config.backlog
    )
    server.servers = [back]
