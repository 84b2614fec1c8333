"""A log as somebody would make it who wants to do harm: rows with whatever SQLite lets stand in a column."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
from typing import TYPE_CHECKING, Any

from motion_widgets.log.schema import metadata
from motion_widgets.log.states import ENDS, State
from motion_widgets.log.store import Log

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IDS", "SCRIPT", "TABLES", "VALUES", "fill", "good_row", "insert"]

SCRIPT = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>'
IDS = ("../../../dropped", "/dropped", "..\\dropped", SCRIPT, "", " ", "a/b", "a\0b", b"\xff", None, "é")
VALUES: tuple[Any, ...] = (
    SCRIPT, b"\xff\xfe<b>", 2**63 - 1, -(2**63), -1, 0, 1.5, 9e999, "", "NaN", '{"a":', "[" * 3000,
    "../../../dropped", "/etc/passwd", "log.sqlite", "ipykernel_launcher.py", '["http://127.0.0.1:9/x"]',
    "[1]", "1" * 5000, "\u202e\u0000\ufeff=1+1",
)  # fmt: skip
TABLES = {table.name: table for table in metadata.sorted_tables if table.name != "meta"}
_NAMES = {
    "sweeps": {"axes": '{"mode": ["std"]}', "cells": "[]"},
    "inputs": {"path": "inputs/a.png"},
    "mends": {"kind": "clip", "operation": "trim", "parameters": "{}"},
    "ratings": {"created_by": "me", "usable": 1, "stars": 3},
    "notes": {"text": "a note"},
    "tags": {"tag": "a tag"},
    "events": {"to_state": "planned"},
    "budgets": {"used_micro": 0},
}


def good_row(table: str, **values: Any) -> dict[str, Any]:
    """Return a row that a log may hold."""
    mark = secrets.token_hex(6)
    base: dict[str, Any] = {"created": 1_763_088_289_123_457, "endpoint": "sandbox", "account": "sandbox"}
    if table == "jobs":
        base |= {
            "id": f"job-{mark}", "seq": 1, "state": "collected", "sandbox": 1, "key": mark, "repeat": 1,
            "attempt": 1, "reserved": 0, "idempotency_key": mark, "model": "kling-v3-motion-control",
            "mode": "std", "character_orientation": "image", "cost": 342_720, "estimate_low": 342_720,
            "estimate_high": 342_720,
        }  # fmt: skip
    base |= {
        "at": 1,
        "job_id": "job-good",
        "id": mark,
        "sha": mark,
        "salt": mark,
        **_NAMES.get(table, {}),
        **(base if table == "jobs" else {}),
    }
    if table in ("events", "ratings", "notes"):
        base.pop("id")
    return {name: value for name, value in {**base, **values}.items() if name in TABLES[table].c}


def insert(db: sqlite3.Connection, table: str, row: dict[str, Any]) -> bool:
    """Put a row into a table as it is; False: SQLite itself refuses it."""
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    with contextlib.suppress(sqlite3.IntegrityError, OverflowError):
        db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
        return True
    return False


def fill(
    path: Path, *, endpoint: str = "sandbox", account: str = "sandbox", link: str = "http://127.0.0.1:9/x.mp4"
) -> int:
    """Put a good row and every kind of bad one, with results at a link, into a log; return how many jobs."""
    Log(path).close()
    states, ends = [state.value for state in State], sorted(ENDS)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        place = {"endpoint": endpoint, "account": account}
        insert(db, "jobs", good_row("jobs", id="job-good", **place))
        for name, table in TABLES.items():
            for column in table.c.keys():  # noqa: SIM118 - a collection of columns, not a mapping
                for number, value in enumerate(VALUES):
                    told = {"state": ends[number % len(ends)]} if name == "jobs" else {}
                    insert(db, name, good_row(name, **{**place, **told, column: value}))
        for state in states:  # one that is under way is followed, whatever else of it is damaged
            row = {"state": state, "progress": SCRIPT, "submitted": "then", "task_id": "task-1", **place}
            row |= dict.fromkeys(("prompt", "clip_name", "image_name", "error_message"), SCRIPT)
            insert(db, "jobs", good_row("jobs", id=f"zz-{state}", **row))  # among the newest, so it is shown
            for unsafe in IDS:
                row = good_row("jobs", id=unsafe, state=state, task_id="task-1", body="{}", sent=1, **place)
                insert(db, "jobs", {**row, "links": json.dumps([link])})
        # Undecodable bytes in a column of text, which no parameter of Python's can write.
        for column in ("prompt", "error_message", "state", "clip_name"):
            row = f"(SELECT max(rowid) - {len(column)} FROM jobs)"
            db.execute(f"UPDATE jobs SET {column} = CAST(x'fffe41' AS TEXT) WHERE rowid = {row}")
        return int(db.execute("SELECT count(*) FROM jobs").fetchone()[0])
