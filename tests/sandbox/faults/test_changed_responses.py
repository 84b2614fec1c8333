"""Real JSON responses as a fault changes them."""

from __future__ import annotations

import math

import pytest


def test_shapes_of_a_submit(wire, play, body, paid):
    play(
        {"on": "submit", "kind": "no_task_id"},
        *[{"on": "submit", "kind": "data_shape", "data": shape} for shape in ("object", "bare", "list")],
        {"on": "submit", "kind": "fields", "set": {"task_id": 7, "more.deep": [1]}, "drop": ["status"]},
    )
    assert wire.submit(body).json() == {"code": 200, "data": [{"status": "submitted"}]}
    assert "task_id" in wire.submit(body).json()["data"]
    assert "task_id" in wire.submit(body).json()
    assert "task_id" in wire.submit(body).json()["data"][0]
    assert wire.submit(body).json()["data"] == [{"task_id": 7, "more": {"deep": [1]}}]
    assert paid() == 5


@pytest.mark.parametrize("value", ["45%", 0.45, 150, -3, None])
def test_odd_progress(fresh, body, value):
    wire = fresh(speed=1)
    task = wire.submit(body).json()["data"][0]["task_id"]
    wire.sandbox.faults = {"fault": [{"on": "status", "kind": "progress", "value": value}]}
    assert wire.poll(task)["progress"] == value


@pytest.mark.parametrize("value", [-5, "soon", math.nan, 1e308, 10**30])
def test_odd_estimated_time(wire, play, done, value):
    play({"on": "status", "kind": "estimated_time", "value": value})
    got = wire.poll(done)["estimated_time"]
    assert got == value or (math.isnan(got) and math.isnan(value))
    assert wire.http.get("/sandbox/faults").status_code == 200


def test_links_in_other_shapes(wire, play, done, link):
    play(
        *[
            {"on": "status", "kind": "url_shape", "url": shape}
            for shape in ("string", "list", "duplicate", "objects")
        ]
    )
    urls = [wire.poll(done)["result"]["videos"][0]["url"] for _ in range(4)]
    assert urls == [link, [link], [link, link], [{"url": link}, link]]


def test_words_backwards_and_ends(wire, play, done):
    play(
        {"on": "status", "kind": "word", "word": "polishing"},
        {"on": "status", "kind": "backwards"},
        {"on": "status", "kind": "no_link", "times": 2},
        {"on": "status", "kind": "failed", "reason": "moderation"},
        {"on": "status", "kind": "cancelled", "billed": "said"},
        {"on": "status", "kind": "cost", "usd": 9.99},
    )
    told = [wire.poll(done) for _ in range(9)]
    assert [one["status"] for one in told] == [
        "polishing",
        "processing",
        "queued",
        "submitted",
        "completed",
        "completed",
        "failed",
        "cancelled",
        "completed",
    ]
    assert [one["progress"] for one in told[1:4]] == [80, 50, 20]
    assert not any("result" in one for one in told[:4])
    assert told[4]["result"] == {"videos": []}
    assert (told[6]["error"]["code"], told[6]["cost"]) == (1301, 0.0)
    assert told[7]["cost"] == 0.45696
    assert (told[8]["cost"], told[8]["credits_cost"]) == (9.99, 99.9)
    assert told[8]["result"]["videos"][0]["url"]
