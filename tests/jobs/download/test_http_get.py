"""A result's content comes whole and in order, in whatever pieces a host sends it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
import threading
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_widgets.jobs.download import http_get
from motion_widgets.jobs.download.http_get import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 256 * 1024
CONTENT = random.Random(5).randbytes(3 * PIECE)


@contextlib.contextmanager
def host(sent: list[bytes], *, stay: bool) -> Iterator[str]:
    """Answer one call with these bytes, one write each; then end the connection, or say no more."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                for one in sent:
                    connection.sendall(one)
                if stay:
                    over.wait(60)

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/film.mp4"
        finally:
            over.set()
            serving.join(60)


async def read(link: str, came: bytearray) -> None:
    async with opened(link, {}, trusted=True) as response:
        async for piece in response.aiter_raw():
            came += piece


def got(sent: list[bytes], *, stay: bool = True) -> bytes:
    came = bytearray()
    with host(sent, stay=stay) as link:
        asyncio.run(read(link, came))
    return bytes(came)


def cut_up(raw: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(marks) if end > start]


@settings(max_examples=40, deadline=None)
@given(
    size=st.one_of(st.integers(0, 300), st.integers(0, len(CONTENT))),
    places=st.lists(st.integers(0, len(CONTENT)), max_size=5),
    more=st.binary(max_size=40),
)
def test_of_known_length(size: int, places: list[int], more: bytes) -> None:
    content = CONTENT[:size]
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
    assert got(cut_up(head + content + more, places)) == content


@settings(max_examples=20, deadline=None)
@given(
    sizes=st.lists(st.integers(1, PIECE), max_size=5),
    places=st.lists(st.integers(0, len(CONTENT)), max_size=5),
    length=st.booleans(),
)
def test_in_chunks(sizes: list[int], places: list[int], length: bool) -> None:
    """A length beside chunks is not to be believed (RFC 9112, section 6.3)."""
    chunks = [CONTENT[:size] for size in sizes]
    body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"
    wrong = "Content-Length: 7\r\n" if length else ""
    head = f"HTTP/1.1 200 OK\r\n{wrong}Transfer-Encoding: chunked\r\n\r\n".encode()
    assert got(cut_up(head + body, places)) == b"".join(chunks)


def test_of_unknown_length() -> None:
    assert got([b"HTTP/1.1 200 OK\r\n\r\n", CONTENT], stay=False) == CONTENT


@pytest.mark.parametrize("share", [0, 10, PIECE + 10])
def test_what_came_before_the_connection_ended_is_given(share: int) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
    came = bytearray()
    with host([head + CONTENT[:share]], stay=False) as link, pytest.raises(httpx.HTTPError):
        asyncio.run(read(link, came))
    assert bytes(came) == CONTENT[:share]


@pytest.mark.parametrize("share", [10, PIECE + 10])
def test_a_host_that_falls_silent_is_given_up(share: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_get, "SILENCE_SECONDS", 0.2)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
    with pytest.raises(httpx.ReadTimeout):
        got([head + CONTENT[:share]])
