"""A raw HTTP server on loopback that plays any answer, byte for byte, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.client import EndpointClient

KEY = "sk-VerySecretKey0123456789abcdef"
BODY = b'{"model":"kling-v2-6-motion-control"}'
T = TypeVar("T")


@dataclass(repr=False)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


Play = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


async def drip(_: Asked, writer: asyncio.StreamWriter) -> None:
    """Promise a long answer and send it byte by byte until the other side hangs up."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


def answer(
    status: int = 200, body: object = None, *, headers: dict[str, str] | None = None, close: bool = True
) -> bytes:
    """Build a whole answer; `body` is JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
    if close:
        lines["Connection"] = "close"
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return head.encode() + b"\r\n" + content


def says(*args: Any, **options: Any) -> Play:
    """Play one answer."""

    async def play(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(*args, **options))
        await writer.drain()

    return play


@dataclass(repr=False)
class Wire:
    """The server; `async with` starts it."""

    play: Play
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                pairs = (line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                asked = Asked(method, path, headers, body, number)
                self.asked.append(asked)
                await self.play(asked, writer)
                if headers.get("connection") == "close" or not self.keep:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            writer.close()

    keep: bool = False
    """Go on serving a connection after an answer."""


def run(awaitable: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(30):
            return await awaitable

    return asyncio.run(bounded())


def with_client(play: Play, call: Callable[[EndpointClient], Awaitable[T]], **options: Any) -> T:
    """Start a server that plays, make one call to it with a client of its own, and give the result."""

    async def go() -> T:
        async with Wire(play) as wire, EndpointClient(wire.url, Secret(KEY), **options) as client:
            return await call(client)

    return run(go())


def submit(play: Play, **options: Any) -> Any:
    return with_client(play, lambda client: client.submit(BODY, "job-1"), **options)


def poll(play: Play, **options: Any) -> Any:
    return with_client(play, lambda client: client.task("task_1"), **options)
