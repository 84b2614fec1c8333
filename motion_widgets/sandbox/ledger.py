"""What was charged, for what and by whose key: the server's own books, by which double charges are counted.

A charge is written in the transaction that accepts its task, so the books outlive any kill.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.faults.plan import About
from motion_widgets.sandbox.responses import usd

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["SCHEMA", "Charge", "Ledger", "statement"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (
  task TEXT PRIMARY KEY, key TEXT, body TEXT NOT NULL, amount INTEGER NOT NULL, created REAL NOT NULL,
  refunded REAL, prompt TEXT NOT NULL);
INSERT OR IGNORE INTO charges SELECT id, NULL, '', charge, created, failed, '' FROM tasks;
"""
"""The last line books the tasks of a folder that is older than its books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One charge of one task."""

    task: str
    key: str | None
    """The idempotency key of the submit; None: it had none."""
    body: str
    """Digest of the submit's body: two charges with one body were perhaps meant as one."""
    usd: float
    created: float
    """Unix seconds."""
    refunded: float | None
    """When it was given back. None: it stands."""


class Ledger:
    """The books of one folder, over its store's connection.

    Parameters
    ----------
    db
        The connection.
    change
        Opens a transaction that is alone among all processes.
    pay
        Moves an amount from the balance to what was used; negative: back. To be called inside `change`.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        change: Callable[[], AbstractContextManager[None]],
        pay: Callable[[int], None],
    ) -> None:
        self._db = db
        self._change = change
        self._pay = pay

    def charge(self, task_id: str, amount: int, *, key: str | None, body: str, prompt: str) -> None:
        """Take an amount for a task. Inside its transaction."""
        self._pay(amount)
        values = (task_id, key, body, amount, time.time(), prompt)
        self._db.execute(
            "INSERT INTO charges (task, key, body, amount, created, prompt) VALUES (?, ?, ?, ?, ?, ?)", values
        )

    def give_back(self, task_id: str) -> None:
        """Return a task's charge back, once. Inside a transaction."""
        row = self._db.execute(
            "UPDATE charges SET refunded = ? WHERE task = ? AND refunded IS NULL RETURNING amount",
            (time.time(), task_id),
        ).fetchone()
        if row is not None:
            self._pay(-row["amount"])

    def refund(self, task_id: str) -> None:
        """Return a task's charge back, once."""
        with self._change():
            self.give_back(task_id)

    def bill(self, task_id: str, amount: int) -> None:
        """Charge a task with another amount than it was accepted for."""
        with self._change():
            row = self._db.execute(
                "SELECT amount FROM charges WHERE task = ? AND refunded IS NULL", (task_id,)
            ).fetchone()
            if row is not None:
                self._pay(amount - row["amount"])
                self._db.execute("UPDATE charges SET amount = ? WHERE task = ?", (amount, task_id))
                self._db.execute("UPDATE tasks SET charge = ? WHERE id = ?", (amount, task_id))

    def charges(self) -> list[Charge]:
        """All charges, oldest first; refunded ones are marked."""
        with self._change():
            rows = self._db.execute("SELECT * FROM charges ORDER BY created, task").fetchall()
        return [
            Charge(
                task=row["task"], key=row["key"], body=row["body"], usd=usd(row["amount"]),
                created=row["created"], refunded=row["refunded"],
            )
            for row in rows
        ]  # fmt: skip

    def about(self, task_id: str) -> About:
        """Return by what a fault plan finds a task; empty: there is no such task."""
        query = (
            "SELECT model, mode, orientation, prompt, coalesce(key, '') FROM tasks "
            "JOIN charges ON task = id WHERE id = ?"
        )
        with self._change():
            row = self._db.execute(query, (task_id,)).fetchone()
        return About() if row is None else About("\n".join(row[:-1]), (row[-1], task_id))


def statement(charges: list[Charge]) -> dict[str, Any]:
    """Return the books as ``GET /sandbox/charges`` shows them."""
    keys = [one.key for one in charges if one.key is not None]
    return {
        "count": len(charges),
        "amount_usd": round(sum(one.usd for one in charges if one.refunded is None), 5),
        "twice": sorted({key for key in keys if keys.count(key) > 1}),
        "data": [asdict(one) for one in charges],
    }
