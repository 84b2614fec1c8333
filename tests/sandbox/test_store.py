"""What is in flight at once, and what a folder that somebody sent may hold."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from motion_widgets.sandbox.store import Store
from tests.sandbox.conftest import refused, task_of


def test_too_many_tasks_at_once(fresh, body):
    wire = fresh(speed=20, max_in_flight=2)
    task_of(wire.submit(body))
    task_of(wire.submit(body))
    answer = wire.submit(body)
    refused(answer, "too many tasks", "1303", http=429, kind="rate_limit_error")
    assert int(answer.headers["retry-after"]) >= 1
    assert wire.balance == pytest.approx(50 - 2 * 0.45696)


def test_a_received_database_names_no_file_elsewhere_and_runs_nothing(tmp_path):
    Store(tmp_path).close()
    task = {
        "model": "m", "mode": "std", "orientation": "image", "sound": 0, "watermark": 0, "image": "a.png",
        "clip": "b.mp4", "length": 5.0, "charge": 1, "created": 0.0, "due": 0.0, "life": 1.0,
    }  # fmt: skip
    hostile = [
        {"id": "../../up"},
        {"id": b"task_x"},
        {"image": "../../../secret.png"},
        {"clip": "/etc/passwd"},
    ]
    with contextlib.closing(sqlite3.connect(tmp_path / "sandbox.sqlite3")) as db, db:
        for number, odd in enumerate([{}, *hostile]):
            row = {"id": f"task_{number}", **task, **odd}
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT INTO tasks ({', '.join(row)}) VALUES ({marks})", list(row.values()))
        db.execute("CREATE TRIGGER t AFTER INSERT ON media BEGIN DELETE FROM tasks; END")
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS name FROM n"
        db.execute("ALTER TABLE media RENAME TO elsewhere")
        db.execute(f"CREATE VIEW media AS {endless}")
    store = Store(tmp_path)
    assert [one.id for one in store.tasks.all()] == ["task_0"]
    assert store.database.rows("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')") == []
    assert store.database.rows("SELECT * FROM media") == []
    store.close()


def test_what_could_not_be_committed_takes_nothing_after_it_along(tmp_path):
    store = Store(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "sandbox.sqlite3")) as db:
        db.execute("CREATE TABLE one (id TEXT PRIMARY KEY)")
        db.execute("CREATE TABLE two (one TEXT REFERENCES one DEFERRABLE INITIALLY DEFERRED)")
    store.database.row("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError), store.database.transaction():  # as on a full disk: at its end
        store.database.row("INSERT INTO two VALUES ('none')")
    store.balance.set(7)
    other = Store(tmp_path)
    assert (other.balance.left, other.database.rows("SELECT * FROM two")) == (7, [])
    other.close()
    store.close()
