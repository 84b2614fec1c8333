"""A task's status over time, and why it failed."""

from __future__ import annotations

import time
from types import SimpleNamespace

from tests.sandbox.conftest import until


def test_a_failed_task_is_refunded_once_and_says_why(fresh, body, monkeypatch):
    wire = fresh()
    from motion_widgets.sandbox.rendering.draw import DrawError

    def broken(*_args, **_options):
        raise DrawError("zeroed body")

    monkeypatch.setattr("motion_widgets.sandbox.rendering.worker.draw", broken)
    task_id = wire.submit(body).json()["data"][0]["task_id"]
    data = wire.end(task_id)
    assert data["status"] == "failed"
    assert data["cost"] == 0
    assert set(data["error"]) == {"code", "message", "type"}
    assert wire.balance == 50
    other = wire.poll(task_id, params={"language": "ja"})
    assert other["error"]["message"] != data["error"]["message"]
    other["error"]["message"] = data["error"]["message"]
    assert other == data
    assert wire.http.get("/v1/usage").json()["data"]["total"]["amount_usd"] == 0


def test_progress_is_a_function_of_time(fresh, body, monkeypatch):
    """By a clock that goes on with each look, from when the task was accepted."""
    now = time.time()
    monkeypatch.setattr("motion_widgets.sandbox.app.time", SimpleNamespace(time=lambda: now))
    wire = fresh(speed=100)
    task_id = wire.submit(body).json()["data"][0]["task_id"]
    seen = []

    def look():
        nonlocal now
        seen.append(wire.poll(task_id))
        now += 0.05
        return seen[-1]["status"] == "completed"

    until(look)
    words = list(dict.fromkeys(data["status"] for data in seen))
    assert words == ["submitted", "processing", "completed"]
    progress = [data["progress"] for data in seen]
    assert progress == sorted(progress)
    assert seen[0]["estimated_time"] == 2
