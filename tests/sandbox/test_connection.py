"""Whoever connects to the sandbox cannot fill it, and what works for long is left alone."""

from __future__ import annotations

import contextlib
import socket

import httpx
import pytest

from motion_widgets.sandbox import connection
from tests.jobs.endpoint import until
from tests.sandbox.conftest import png

HALF = b"POST /v1/videos/generations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"


@pytest.fixture
def connect(wire):
    with contextlib.ExitStack() as opened:

        def connect(said):
            one = opened.enter_context(socket.create_connection(("127.0.0.1", wire.sandbox._port), 20))
            with contextlib.suppress(OSError):  # dropped already
                one.sendall(said)
            return one

        yield connect


def there(wire):
    known = wire.sandbox._server.server_state.connections.copy()
    return len([one for one in known if not one.transport.is_closing()])


def test_a_crowd_of_half_requests_is_bounded_and_does_not_stand_in_the_way(wire, connect):
    for _ in range(300):
        connect(HALF)
    assert httpx.get(wire.host(png()), trust_env=False).content == png()
    until(lambda: there(wire) <= connection._MOST)


@pytest.mark.parametrize("said", [b"", HALF, HALF + b"\r\n{"], ids=["nothing", "half a head", "half a body"])
def test_what_does_not_come_is_waited_for_only_so_long(wire, connect, monkeypatch, said):
    monkeypatch.setattr(connection, "_HEAD_SECONDS", 0.2)
    monkeypatch.setattr(connection, "_SILENCE_SECONDS", 0.2)
    one = connect(said)
    with contextlib.suppress(ConnectionError):
        while one.recv(1000):
            pass
    until(lambda: there(wire) <= 1)
