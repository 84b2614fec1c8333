"""One request behind the fault plan: its body may be read early, its response held back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.faults.response import WireResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from motion_widgets.sandbox.connection import Connection

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

__all__ = ["Call"]

_PATHS = {
    ("POST", "/v1/videos/generations"): "submit",
    ("POST", "/v1/uploads/images"): "upload",
    ("GET", "/v1/balance"): "balance",
    ("GET", "/v1/user/balance"): "balance",
    ("POST", "/sandbox/media"): "host",
}
_INTERVAL = 0.1  # s between looks whether the server is stopping


class Call:
    """A request, given as ASGI does. `stopping` returns whether the server is going down."""

    def __init__(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, stopping: Callable[[], bool]
    ) -> None:
        self.scope = scope
        self.send = send
        self.connection: Connection = scope["state"]["connection"]
        self.headers = _decoded(scope["headers"])
        self._receive = receive
        self._stopping = stopping
        self._read: list[Message] = []
        self._complete = False

    @property
    def name(self) -> str:
        """Which call it is, a word of `rule.CALLS`; ``""`` for one that no plan is about."""
        method, path = self.scope["method"], self.scope["path"]
        if method == "GET" and path.startswith("/v1/tasks/"):
            return "status"
        if method == "GET" and path.startswith("/results/"):
            return "result"
        return _PATHS.get((method, path), "")

    @property
    def task_id(self) -> str:
        """The task that the path names."""
        return str(self.scope["path"]).rsplit("/", 1)[1].removesuffix(".mp4")

    async def read(self, limit: int) -> bytes:
        """Return the body, up to about `limit` bytes; the application receives it all the same."""
        size = 0
        while not self._complete and size <= limit:
            message = await self._receive()
            self._read.append(message)
            size += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
        return b"".join(message.get("body", b"") for message in self._read)

    async def drain(self) -> None:
        """Read the body to its end and drop it: unread bytes would turn a close into a reset."""
        self._read.clear()
        while not self._complete:
            message = await self._receive()
            self._complete = not message.get("more_body", False)

    async def receive(self) -> Message:
        """Return what was read early, then what comes."""
        if self._read:
            return self._read.pop(0)
        message = await self._receive()
        self._complete = self._complete or not message.get("more_body", False)
        return message

    async def forward(self, app: App) -> None:
        """Let the application respond directly."""
        await app(self.scope, self.receive, self.send)

    async def respond_with(self, app: App, *, whole: bool = False) -> WireResponse:
        """Return the application's response instead of sending it; `whole`: as if no range was requested."""
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            start.update(message if message["type"] == "http.response.start" else {})
            body.extend(message.get("body", b""))

        scope = dict(self.scope)
        if whole:
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in (b"range", b"if-range")]
        await app(scope, self.receive, keep)
        headers = _decoded(start["headers"])
        headers.pop("content-length", None)
        return WireResponse(start["status"], headers, bytes(body))

    async def answer(self, response: WireResponse) -> None:
        """Send a response through the HTTP layer."""
        headers = response.headers | {"content-length": str(len(response.body))}
        pairs = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()]
        await self.send({"type": "http.response.start", "status": response.status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": response.body, "more_body": False})

    async def write(self, raw: bytes, *, chunk: int = 0, pause: float = 0.0) -> None:
        """Write bytes past the HTTP layer: at once, or `chunk` bytes every `pause` s while connected."""
        transport, step = self.connection.transport, chunk or max(len(raw), 1)
        for start in range(0, len(raw), step):
            if transport.is_closing():
                return
            if start:
                await asyncio.sleep(pause)
            transport.write(raw[start : start + step])

    async def close(self) -> None:
        """Close the connection once everything written has been sent."""
        self.connection.transport.close()
        await self.wait_for_disconnect()

    async def wait_for_disconnect(self, seconds: float = 60.0) -> None:
        """Wait until the connection has ended, for at most `seconds` s or until the server stops."""
        deadline = time.monotonic() + seconds
        waiting = asyncio.ensure_future(self._disconnected())
        try:
            while not waiting.done() and time.monotonic() < deadline and not self._stopping():
                await asyncio.wait({waiting}, timeout=min(_INTERVAL, max(deadline - time.monotonic(), 0)))
        finally:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):  # it was cancelled just above
                await waiting

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _decoded(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in headers}
