"""Tasks: one accepted generation each, from the submit to the expiry of its result's link."""

from __future__ import annotations

import math
import os
import time
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from motion_widgets.sandbox.database import LEASE

if TYPE_CHECKING:
    import sqlite3

    from motion_widgets.sandbox.database import Database

__all__ = ["Task", "TaskTable", "new_task_id"]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RELEASED = "lease = NULL, owner = NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One accepted generation. Times are Unix seconds; each attribute is a column of the table."""

    id: str
    model: str
    mode: str
    orientation: str
    sound: bool
    watermark: bool
    image: str
    """Name of the reference image inside ``inputs/``."""
    clip: str
    """Name of the reference video inside ``inputs/``."""
    length: float
    """Measured length of the reference video in s."""
    charge: int
    """In `price.UNITS`."""
    created: float
    due: float
    """When the task completes, provided that its result has been drawn by then."""
    life: float
    """Seconds for which the result's link is valid after completion."""
    drawn: float | None = None
    """When the result was first drawn."""
    failed: float | None = None
    error: str | None = None

    @property
    def completed(self) -> float | None:
        """When it completed or will: due and drawn. None: not drawn yet, or failed."""
        return None if self.drawn is None or self.failed is not None else max(self.drawn, self.due)

    @property
    def expires(self) -> float | None:
        """When the result's link expires, in whole Unix seconds. None: no result yet."""
        return None if self.completed is None else float(math.ceil(self.completed + self.life))


def new_task_id() -> str:
    """Return a fresh ``task_<ULID>``: 48 bits of time in ms and 80 random bits."""
    value = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
    return "task_" + "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


class TaskTable:
    """The tasks of a folder. `owner` names this process in the leases on drawings."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

    def add(self, task: Task) -> None:
        """Store a new task."""
        row = asdict(task)
        marks = ", ".join("?" for _ in row)
        self._database.row(f"INSERT INTO tasks ({', '.join(row)}) VALUES ({marks})", *row.values())  # noqa: S608

    def get(self, task_id: str) -> Task | None:
        """Return a task by its id, None when there is none."""
        row = self._database.row("SELECT * FROM tasks WHERE id = ?", task_id)
        return None if row is None else _task(row)

    def all(self) -> list[Task]:
        """Return all tasks, oldest first."""
        return [_task(row) for row in self._database.rows("SELECT * FROM tasks ORDER BY created")]

    def in_flight(self) -> int:
        """Return how many tasks are neither failed nor completed."""
        query = "SELECT count(*) FROM tasks WHERE failed IS NULL AND (drawn IS NULL OR due > ?)"
        return int(self._database.rows(query, time.time())[0][0])

    def claim_drawing(self, at_once: int = 2) -> Task | None:
        """Lease the undrawn task that is due first, unless `at_once` of this folder's are being drawn."""
        now = time.time()
        with self._database.transaction():
            row = self._database.row(
                "SELECT * FROM tasks WHERE drawn IS NULL AND failed IS NULL "
                "AND (lease IS NULL OR lease <= ?) "
                "AND (SELECT count(*) FROM tasks WHERE lease > ?) < ? ORDER BY due LIMIT 1",
                *(now, now, at_once),
            )
            if row is None:
                return None
            self._database.row(
                "UPDATE tasks SET lease = ?, owner = ?, attempts = attempts + 1 WHERE id = ?",
                *(now + LEASE, self._owner, row["id"]),
            )
        return _task(row)

    def renew(self) -> None:
        """Renew this process's leases."""
        self._database.row(
            "UPDATE tasks SET lease = ? WHERE owner = ? AND lease IS NOT NULL",
            *(time.time() + LEASE, self._owner),
        )

    def release(self, task_id: str) -> int:
        """End the lease on an undrawn task. Return how often its drawing has been started."""
        query = f"UPDATE tasks SET {_RELEASED} WHERE id = ? RETURNING attempts"  # noqa: S608
        row = self._database.row(query, task_id)
        return int(row["attempts"]) if row else 0

    def set_drawn(self, task_id: str) -> None:
        """Record that the result is in ``results/``."""
        query = f"UPDATE tasks SET drawn = coalesce(drawn, ?), {_RELEASED} WHERE id = ?"  # noqa: S608
        self._database.row(query, time.time(), task_id)

    def set_failed(self, task_id: str, error: str) -> bool:
        """Record a failure. Return False when the task had ended before."""
        query = (
            f"UPDATE tasks SET failed = ?, error = ?, {_RELEASED} "  # noqa: S608
            "WHERE id = ? AND failed IS NULL AND drawn IS NULL RETURNING id"
        )
        return self._database.row(query, time.time(), error, task_id) is not None


def _task(row: sqlite3.Row) -> Task:
    values = {field.name: row[field.name] for field in fields(Task)}
    return Task(**values | {"sound": bool(row["sound"]), "watermark": bool(row["watermark"])})
