"""Whoever can reach the file server cannot fill it: half a request, no reading, too much of a head."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from motion_widgets.publishing import bounded_connection, file_server
from tests.jobs.endpoint import until

HALF = b"GET /x HTTP/1.1\r\nHost: x\r\nX-Slow: "
CROWD = 300


@pytest.fixture
def shown(give, clip):
    return give(clip, "serve")


@pytest.fixture
def connect(shown):
    with contextlib.ExitStack() as opened:

        def connect(said=b"", **options):
            wire = opened.enter_context(socket.socket())
            for name, value in options.items():
                wire.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
            wire.settimeout(60)
            wire.connect(("127.0.0.1", urlsplit(shown.url).port))
            with contextlib.suppress(OSError):  # dropped already
                wire.sendall(said)
            return wire

        yield connect


def there():
    (server,) = file_server._servers.values()
    connections = server._server.server_state.connections.copy()
    return len([one for one in connections if not one.transport.is_closing()])


def handles():
    return len(list(Path("/proc/self/fd").iterdir()))


def is_over(wire):
    """Wait until the other side has ended a connection."""
    try:
        while wire.recv(65_536):
            pass
    except ConnectionError:
        return True
    return True


def get(url):
    return httpx.get(url, trust_env=False, timeout=60)


@pytest.mark.skipif(sys.platform != "linux", reason="counts the handles of this process")
@pytest.mark.parametrize("said", [b"", HALF], ids=["nothing", "half a head"])
def test_a_crowd_of_half_requests_takes_few_handles_and_does_not_stand_in_the_way(shown, clip, connect, said):
    before = handles()
    wires = [connect(said) for _ in range(CROWD)]
    assert get(shown.url).content == clip.read_bytes()
    until(lambda: there() <= bounded_connection.MOST)
    until(lambda: handles() - before - len(wires) <= bounded_connection.MOST + 4)
    assert get(shown.url).status_code == 200


def test_half_a_head_is_waited_for_only_so_long(connect, monkeypatch):
    monkeypatch.setattr(bounded_connection, "HEAD_SECONDS", 0.2)
    wire = connect(HALF)
    with contextlib.suppress(OSError):  # it may be over already
        wire.sendall(b"b")  # a byte now and then does not help
    assert is_over(wire)


def test_a_head_is_so_large_at_most(connect):
    wire = connect(HALF + b"a" * (bounded_connection.LARGEST_HEAD + 1))
    assert b" 400 " in wire.recv(100)
    assert is_over(wire)


def test_who_reads_nothing_is_dropped(give, shown, connect, tmp_path, monkeypatch):
    monkeypatch.setattr(bounded_connection, "SILENCE_SECONDS", 0.3)
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(30_000_000))
    path = urlsplit(file_server.show("", large, "x.mp4", 4e9)).path
    wires = [connect(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), SO_RCVBUF=4096) for _ in range(5)]
    until(lambda: there() == 0)
    assert all(map(is_over, wires))


@contextlib.contextmanager
def held():
    """Hold the server up, so that what is sent to it is there when it takes the connection."""
    (server,) = file_server._servers.values()
    loop = until(lambda: getattr(server._server, "servers", None))[0].get_loop()
    holds, let_go = threading.Event(), threading.Event()
    loop.call_soon_threadsafe(lambda: (holds.set(), let_go.wait(60)))
    assert holds.wait(60)
    try:
        yield loop
    finally:
        let_go.set()


def test_a_response_goes_on_as_long_as_it_is_read(shown, connect, tmp_path, monkeypatch):
    """Only silence ends it, however often it is longer than the time for a head."""
    monkeypatch.setattr(bounded_connection, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(bounded_connection, "SILENCE_SECONDS", 60.0)
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(20_000_000))
    path = urlsplit(file_server.show("", large, "x.mp4", 4e9)).path
    with held() as loop:
        wire = connect(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    got = bytearray(wire.recv(65_536))
    taken = loop.time()
    until(lambda: loop.time() > taken + bounded_connection.HEAD_SECONDS)
    while chunk := wire.recv(65_536):
        got += chunk
    assert got.startswith(b"HTTP/1.1 200")
    assert len(got.partition(b"\r\n\r\n")[2]) == 20_000_000


def test_an_idle_connection_makes_room_for_one_that_asks(shown, clip, connect):
    idle = connect(f"GET {urlsplit(shown.url).path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    got = b""
    while not got.endswith(clip.read_bytes()):
        got += idle.recv(65_536)
    for _ in range(bounded_connection.MOST + 5):
        connect(HALF)
    assert is_over(idle)
    assert get(shown.url).content == clip.read_bytes()
