"""Responses that are late, in pieces, in part or missing."""

from __future__ import annotations

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.sandbox.conftest import until
from tests.sandbox.faults.conftest import post, raw, request_of


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("kind", ["reset", "close"])
def test_lost_answers(wire, play, body, paid, *, kind, accepted):
    play({"on": "submit", "kind": kind, "accepted": accepted})
    if kind == "reset":
        with pytest.raises(ConnectionResetError):
            post(wire, body)
    else:
        assert post(wire, body) == b""
    assert paid() == accepted


def test_half_an_answer(wire, play, body, paid):
    play({"on": "submit", "kind": "half"})
    head, _, content = post(wire, body).partition(b"\r\n\r\n")
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert (head[:12], len(content)) == (b"HTTP/1.1 200", promised // 2)
    assert paid() == 1


def test_one_byte_at_a_time(wire, play):
    play({"on": "balance", "kind": "drip", "interval": 4.0})  # 1 ms here
    began = time.monotonic()
    got = raw(wire, "GET", "/v1/balance")
    assert json.loads(got.partition(b"\r\n\r\n")[2])["success"] is True
    assert time.monotonic() - began >= 0.001 * len(got) * 0.9


def test_never_an_answer_until_the_client_leaves_or_it_is_over(wire, play, body, paid):
    play({"on": "submit", "kind": "hang"}, {"on": "submit", "kind": "hang", "hold": 800, "accepted": False})
    address = urlsplit(wire.sandbox.url)
    with socket.create_connection((address.hostname, address.port), timeout=0.1) as own:
        own.sendall(request_of(wire, "POST", "/v1/videos/generations", json.dumps(body).encode()))
        until(lambda: paid() == 1)
        with pytest.raises(TimeoutError):
            own.recv(1)
    began = time.monotonic()
    assert post(wire, body) == b""
    assert time.monotonic() - began > 0.15
    assert paid() == 1


def test_a_server_that_stops_lets_go(fresh, body):
    wire = fresh(faults={"fault": [{"on": "balance", "kind": "hang"}]})
    got = []
    thread = threading.Thread(target=lambda: got.append(raw(wire, "GET", "/v1/balance")))
    thread.start()
    until(lambda: wire.sandbox.faults.rules[0].played)
    wire.sandbox.stop()
    thread.join(60)
    assert got == [b""]


def test_delay(wire, play):
    play({"on": "balance", "kind": "delay", "seconds": 1200})
    began = time.monotonic()
    assert wire.balance == 50
    assert 0.25 < time.monotonic() - began < 5


def test_close_on_reuse(wire, play):
    play({"on": "balance", "kind": "close_on_reuse"})
    with httpx.Client(base_url=wire.sandbox.url, headers=wire.http.headers, trust_env=False) as http:
        assert http.get("/v1/balance").status_code == 200
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            http.get("/v1/balance")
        assert http.get("/v1/balance").status_code == 200


@pytest.mark.parametrize("length", ["known", "unknown"])
def test_truncated_results(wire, play, result_file, length):
    content, url = result_file
    play({"on": "result", "kind": "truncated", "part": 0.25, "length": length})
    head, _, got = raw(wire, "GET", urlsplit(url).path).partition(b"\r\n\r\n")
    assert got == content[: len(content) // 4]
    assert (f"content-length: {len(content)}".encode() in head) is (length == "known")
    assert (b"content-length" in head) is (length == "known")
    assert b"etag" in head


def test_slow_results(wire, play, result_file):
    content, url = result_file
    play({"on": "result", "kind": "slow", "bytes_per_second": 20_000})
    began = time.monotonic()
    assert wire.http.get(url).content == content
    assert 0.3 < time.monotonic() - began < 10
