"""Drawings that were lost, or left by a process that died."""

from __future__ import annotations

import sqlite3
import threading

import httpx

from motion_widgets.sandbox.tasks import TaskTable
from tests.sandbox.conftest import task_of, until


def test_a_lost_result_is_drawn_again(fresh, body, tmp_path):
    wire = fresh()
    task_id = task_of(wire.submit(body))
    link = wire.end(task_id)["result"]["videos"][0]["url"][0]
    (tmp_path / "sandbox" / "results" / f"{task_id}.mp4").unlink()
    assert httpx.get(link).content == b"mp4"


def test_a_drawing_left_by_a_dead_process_is_taken_over(fresh, body, monkeypatch):
    wire = fresh()
    drawing = threading.Event()

    def hang(*_args, cancelled, **_options):
        drawing.set()
        until(cancelled)
        raise OSError("gone")

    monkeypatch.setattr("motion_widgets.sandbox.rendering.worker.draw", hang)
    task_id = task_of(wire.submit(body))
    assert drawing.wait(30)
    assert wire.poll(task_id)["progress"] <= 99
    wire.sandbox.stop()
    monkeypatch.undo()
    monkeypatch.setattr(
        "motion_widgets.sandbox.rendering.worker.draw", lambda _i, _c, t, **_: t.write_bytes(b"later")
    )
    later = fresh()
    data = later.end(task_id)
    assert data["status"] == "completed"
    assert httpx.get(data["result"]["videos"][0]["url"][0]).content == b"later"


def test_a_store_that_fails_does_not_end_the_drawing(fresh, body, monkeypatch, caplog):
    failed, real = [], TaskTable.claim_drawing

    def claim(*args):
        if len(failed) < 3:
            failed.append(args)
            raise sqlite3.OperationalError("database is locked")
        return real(*args)

    monkeypatch.setattr(TaskTable, "claim_drawing", claim)
    wire = fresh()
    task_id = task_of(wire.submit(body))
    assert wire.end(task_id)["status"] == "completed"
    assert len(failed) == 3
    assert any("database is locked" in str(one.exc_info) for one in caplog.records)
