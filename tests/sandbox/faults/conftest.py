"""Fixtures that put fault plans into force. Raw HTTP and raw sockets only."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Wire


@pytest.fixture
def play(wire: Wire):
    """Put rules in force; a rule is a kind's name or a table."""

    def put(*rules, **head):
        wire.sandbox.faults = {"fault": list(rules), **head}
        return wire.sandbox.faults

    yield put
    wire.sandbox.faults = None


@pytest.fixture
def paid(wire: Wire, monkeypatch):
    """How many charges came since the test began."""
    before = len(wire.sandbox.charges)
    return lambda: len(wire.sandbox.charges) - before


@pytest.fixture
def done(wire: Wire, body):
    """A completed task."""
    task_id = wire.submit(body).json()["data"][0]["task_id"]
    wire.end(task_id)
    return task_id


@pytest.fixture
def link(wire: Wire, done):
    return wire.poll(done)["result"]["videos"][0]["url"][0]


def request_of(wire: Wire, method, path, content=b"") -> bytes:
    """A request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {wire.sandbox.token}\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def raw(wire: Wire, method, path, content=b"") -> bytes:
    """What comes over one connection until it ends; ConnectionResetError when it is reset."""
    parts = urlsplit(wire.sandbox.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as own:
        own.sendall(request_of(wire, method, path, content))
        got = b""
        while chunk := own.recv(65536):
            got += chunk
        return got


def post(wire, body):
    return raw(wire, "POST", "/v1/videos/generations", json.dumps(body).encode())


@pytest.fixture
def result_file(monkeypatch, wire, body):
    """The bytes of a longer result, and its link."""
    content = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 40
    monkeypatch.setattr(
        "motion_widgets.sandbox.rendering.worker.draw",
        lambda _i, _c, target, **_: target.write_bytes(content),
    )
    task = wire.submit(body).json()["data"][0]["task_id"]
    return content, wire.end(task)["result"]["videos"][0]["url"][0]
