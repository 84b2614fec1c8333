"""Which calls a fault is played on, what is charged, and outages."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

from tests.sandbox.conftest import until


@pytest.mark.parametrize("how", ["503", "close", "refuse"])
def test_down_and_back(wire, play, body, how):
    play({"on": "any", "kind": "down", "seconds": 2400, "how": how})
    url, headers = f"{wire.sandbox.url}/v1/balance", dict(wire.http.headers)
    began = time.monotonic()

    def ask():
        try:
            return httpx.get(url, headers=headers, trust_env=False).status_code
        except httpx.ConnectError:
            return "refused"
        except httpx.HTTPError:
            return "closed"

    seen = [ask()]
    until(lambda: seen.append(ask()) or seen[-1] == 200)
    assert time.monotonic() - began >= 0.55
    word = {"503": 503, "close": "closed", "refuse": "refused"}[how]
    assert word in seen
    assert set(seen) <= {word, "closed", 200}
    assert wire.balance == 50


def test_nobody_else_gets_the_port_during_an_absence(wire, play):
    play({"on": "any", "kind": "down", "seconds": 1e6, "how": "refuse"})
    with pytest.raises(httpx.HTTPError):
        wire.http.get("/v1/balance")
    place = httpx.URL(wire.sandbox.url)
    with pytest.raises(httpx.ConnectError):
        wire.http.get("/v1/balance")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((place.host, place.port))
    wire.sandbox.faults = None
    until(lambda: _answers(wire))


def test_another_plan_ends_an_absence(wire, play):
    play({"on": "any", "kind": "down", "seconds": 1e6, "how": "refuse"})
    with pytest.raises(httpx.HTTPError):
        wire.http.get("/v1/balance")
    wire.sandbox.faults = None
    until(lambda: _answers(wire))


def _answers(wire):
    try:
        return wire.balance == 50
    except httpx.HTTPError:
        return False


def test_what_is_refused_anyway_is_not_spoiled(wire, play, body):
    play({"on": "submit", "kind": "no_task_id"}, {"on": "status", "kind": "failed"})
    assert wire.submit(body | {"mode": "fast"}).status_code == 400
    assert wire.http.get("/v1/tasks/nothing").status_code == 404
    assert wire.sandbox.faults.rules[1].played == 0


def test_charges_follow_the_faults_of_a_task(wire, play, body):
    tasks = [wire.submit(body).json()["data"][0]["task_id"] for _ in range(2)]
    for task in tasks:
        wire.end(task)
    before = wire.balance
    play({"on": "status", "kind": "cost", "usd": 1.0})
    assert wire.poll(tasks[0])["cost"] == 1.0
    assert wire.balance == pytest.approx(before + 0.45696 - 1.0, abs=1e-9)
    wire.sandbox.faults = None
    assert wire.poll(tasks[0])["cost"] == 1.0, "the bill stays"
    play(
        {"on": "status", "kind": "failed", "refunded": False, "message": "why"},
        {"on": "status", "kind": "failed"},
    )
    told = wire.poll(tasks[1])
    assert (told["cost"], told["error"]["message"]) == (0.45696, "why")
    assert wire.balance == pytest.approx(before + 0.45696 - 1.0, abs=1e-9)
    wire.poll(tasks[1])
    assert wire.balance == pytest.approx(before + 2 * 0.45696 - 1.0, abs=1e-9)


def test_uploads_and_hosting(wire, play):
    from tests.sandbox.conftest import png

    play(
        {"on": "upload", "kind": "status", "code": 413},
        {"on": "host", "kind": "reset"},
        {"on": "upload", "kind": "fields", "drop": ["url"]},
    )
    files = {"file": ("a.png", png(), "image/png")}
    assert wire.http.post("/v1/uploads/images", files=files).status_code == 413
    assert "url" not in wire.http.post("/v1/uploads/images", files=files).json()
    with pytest.raises(httpx.HTTPError):
        wire.http.post("/sandbox/media", content=b"x" * 500_000)
    assert wire.host(b"y" * 500_000)


def test_without_a_plan_nothing_is_looked_at(wire, body):
    assert wire.sandbox.faults is None
    assert wire.submit(body).status_code == 200


def test_a_resend_replays_or_charges_twice(wire, play, body, paid):
    key = {"Idempotency-Key": f"k-{time.time_ns()}"}
    play({"on": "submit", "kind": "half"})
    with pytest.raises(httpx.HTTPError):
        wire.submit(body, key)
    again = wire.submit(body, key)
    assert (again.headers["idempotency-replayed"], paid()) == ("true", 1)
    other = {"Idempotency-Key": f"other-{time.time_ns()}"}
    play({"on": "submit", "kind": "half"}, idempotency=False)
    with pytest.raises(httpx.HTTPError):
        wire.submit(body, other)
    assert "idempotency-replayed" not in wire.submit(body, other).headers
    assert paid() == 3
    listed = wire.http.get("/sandbox/charges").json()
    assert listed["twice"] == list(other.values())
    assert listed["count"] == len(listed["data"]) == len(wire.sandbox.charges)
