"""What the sandbox remembers, in one SQLite file: tasks, money, idempotency keys, hosted media.

Several processes may serve one folder. Every change is one ``BEGIN IMMEDIATE`` transaction, so a charge
happens once whoever asks, and nothing is held in memory that another process would need.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.ledger import SCHEMA, Ledger
from motion_widgets.sandbox.responses import UNITS, Refusal, Task, usd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Kept", "Store"]

_START = 50 * UNITS  # a fresh folder holds $50.00
# Claims are renewed while their process lives, so what a killed one left is taken over soon. A submit that
# died before its answer was kept had charged nothing.
_LEASE = 8.0  # s

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
  id TEXT PRIMARY KEY, model TEXT NOT NULL, mode TEXT NOT NULL, orientation TEXT NOT NULL,
  sound INTEGER NOT NULL, watermark INTEGER NOT NULL, image TEXT NOT NULL, clip TEXT NOT NULL,
  length REAL NOT NULL, charge INTEGER NOT NULL, created REAL NOT NULL, due REAL NOT NULL, life REAL NOT NULL,
  drawn REAL, failed REAL, error TEXT, lease REAL, owner TEXT, attempts INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS tasks_open ON tasks (drawn, failed);
CREATE TABLE IF NOT EXISTS keys (
  key TEXT PRIMARY KEY, body TEXT NOT NULL, until REAL, owner TEXT,
  status INTEGER, headers TEXT, answer TEXT);
CREATE TABLE IF NOT EXISTS media (
  name TEXT PRIMARY KEY, type TEXT NOT NULL, bytes INTEGER NOT NULL, created REAL NOT NULL, expires REAL);
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer to a submit, kept word by word so that a resend gets the same one."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class Store:
    """The sandbox's memory in `folder`, made when missing: ``sandbox.sqlite3``, ``token``, file folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.owner = f"{os.getpid()}-{secrets.token_hex(6)}"
        for name in ("media", "results", "inputs", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # One connection under one lock: a connection per call would checkpoint the WAL on each close.
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            self.folder / "sandbox.sqlite3", timeout=30.0, isolation_level=None, check_same_thread=False
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA busy_timeout = 30000")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA + SCHEMA)
        self.ledger = Ledger(self._db, self._change, self._pay)
        with self._change():
            for name, value in (("balance", _START), ("used", 0)):
                self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, str(value)))
            self.token = self._own_token()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        """One transaction, alone among all processes on this folder."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _own_token(self) -> str:
        """Read the folder's token, or make it. Called inside a transaction: two first starts agree on one."""
        path = self.folder / "token"
        if path.exists() and (token := path.read_text("ascii").strip()):
            return token
        token = "sandbox-" + secrets.token_hex(24)
        part = self.folder / "tmp" / f"token-{secrets.token_hex(4)}"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token)
        part.replace(path)
        return token

    # -- small facts -------------------------------------------------------------------------------------

    def _meta(self, name: str) -> int:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return int(row["value"]) if row else 0

    def _set_meta(self, name: str, value: int) -> None:
        self._db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, str(value)),
        )

    @property
    def last_port(self) -> int:
        """Port used last, 0 when none was."""
        with self._lock:
            return self._meta("port")

    @last_port.setter
    def last_port(self, port: int) -> None:
        with self._change():
            self._set_meta("port", port)

    def money(self) -> tuple[int, int]:
        """Balance left and money used, both in `UNITS`."""
        with self._lock:
            return self._meta("balance"), self._meta("used")

    def set_balance(self, units: int) -> None:
        """Fill or empty the account; what was used stays."""
        with self._change():
            self._set_meta("balance", units)

    def _pay(self, units: int) -> None:
        balance, used = self.money()
        self._set_meta("balance", balance - units)
        self._set_meta("used", used + units)

    # -- submitting --------------------------------------------------------------------------------------

    def open_key(self, key: str, body: bytes, retry_after: float) -> Kept | None:
        """Claim an idempotency key for this body.

        Returns
        -------
        Kept or None
            The original answer, to be replayed; None: this call is the first and must go on.

        Raises
        ------
        Refusal
            409 when the key belongs to another body, or when its first try is still running.
        """
        digest, now = hashlib.sha256(body).hexdigest(), time.time()
        with self._change():
            row = self._db.execute("SELECT * FROM keys WHERE key = ?", (key,)).fetchone()
            if row is None or (row["answer"] is None and row["until"] < now):
                self._db.execute(
                    "INSERT OR REPLACE INTO keys (key, body, until, owner) VALUES (?, ?, ?, ?)",
                    (key, digest, now + _LEASE, self.owner),
                )
                return None
        if row["body"] != digest:
            message = "This Idempotency-Key was used with another body. Use one key per generation."
            raise Refusal(409, "invalid_request_error", message, code="idempotency_key_reused")
        if row["answer"] is None:
            message = (
                "The first request with this Idempotency-Key is still running. Send the same again later."
            )
            raise Refusal(
                409,
                "invalid_request_error",
                message,
                code="idempotency_in_progress",
                retry_after=retry_after,
            )
        return Kept(row["status"], json.loads(row["headers"]), json.loads(row["answer"]))

    def drop_key(self, key: str) -> None:
        """Forget a key whose request was refused: nothing was executed, so the same key may try again."""
        with self._change():
            self._db.execute("DELETE FROM keys WHERE key = ? AND answer IS NULL", (key,))

    def check_room(self, max_in_flight: int, retry_after: float) -> None:
        """Refuse with 429 when as many tasks as allowed are under way."""
        query = "SELECT count(*) FROM tasks WHERE failed IS NULL AND (drawn IS NULL OR due > ?)"
        with self._lock:
            count = self._db.execute(query, (time.time(),)).fetchone()[0]
        if count >= max_in_flight:
            message = f"too many tasks: {count} are under way, {max_in_flight} are allowed at once (1303)"
            raise Refusal(429, "rate_limit_error", message, retry_after=retry_after)

    def check_money(self, charge: int) -> None:
        """Refuse with 402 when the balance does not cover `charge` (in `UNITS`)."""
        balance = self.money()[0]
        if balance < charge:
            message = (
                f"Balance too low: this generation needs ${usd(charge):.5f}, ${usd(balance):.5f} is left."
            )
            raise Refusal(402, "payment_required", message)

    def accept(
        self,
        task: Task,
        kept: Kept,
        key: str | None,
        *,
        body: bytes = b"",
        prompt: str = "",
        max_in_flight: int,
        retry_after: float,
    ) -> None:
        """Charge and remember a task together with its kept answer, all or nothing."""
        with self._change():
            self.check_room(max_in_flight, retry_after)
            self.check_money(task.charge)
            row = asdict(task)
            marks = ", ".join(f":{name}" for name in row)
            self._db.execute(f"INSERT INTO tasks ({', '.join(row)}) VALUES ({marks})", row)  # noqa: S608
            digest = hashlib.sha256(body).hexdigest()
            self.ledger.charge(task.id, task.charge, key=key, body=digest, prompt=prompt)
            if key is not None:
                self._db.execute(
                    "UPDATE keys SET status = ?, headers = ?, answer = ?, until = NULL WHERE key = ?",
                    (kept.status, json.dumps(kept.headers), json.dumps(kept.body), key),
                )

    # -- tasks -------------------------------------------------------------------------------------------

    def task(self, task_id: str) -> Task | None:
        """Look a task up by its id."""
        with self._lock:
            row = self._db.execute("SELECT * FROM tasks WHERE id = ?", (task_id,)).fetchone()
        return None if row is None else _task(row)

    def tasks(self) -> list[Task]:
        """All tasks, oldest first."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM tasks ORDER BY created").fetchall()
        return [_task(row) for row in rows]

    def claim_drawing(self, at_once: int = 2) -> Task | None:
        """Take the oldest undrawn task, unless `at_once` drawings are already under way in this folder."""
        now = time.time()
        with self._change():
            busy = self._db.execute("SELECT count(*) FROM tasks WHERE lease > ?", (now,)).fetchone()[0]
            row = self._db.execute(
                "SELECT * FROM tasks WHERE drawn IS NULL AND failed IS NULL "
                "AND (lease IS NULL OR lease <= ?) ORDER BY due LIMIT 1",
                (now,),
            ).fetchone()
            if row is None or busy >= at_once:
                return None
            self._db.execute(
                "UPDATE tasks SET lease = ?, owner = ?, attempts = attempts + 1 WHERE id = ?",
                (now + _LEASE, self.owner, row["id"]),
            )
        return _task(row)

    def renew(self) -> None:
        """Keep this process's claims."""
        until = time.time() + _LEASE
        with self._change():
            self._db.execute(
                "UPDATE keys SET until = ? WHERE owner = ? AND until IS NOT NULL", (until, self.owner)
            )
            self._db.execute(
                "UPDATE tasks SET lease = ? WHERE owner = ? AND lease IS NOT NULL",
                (until, self.owner),
            )

    def release(self, task_id: str) -> int:
        """Return a claim back undrawn. Returns how often the drawing was begun."""
        with self._change():
            self._db.execute("UPDATE tasks SET lease = NULL, owner = NULL WHERE id = ?", (task_id,))
            row = self._db.execute("SELECT attempts FROM tasks WHERE id = ?", (task_id,)).fetchone()
        return int(row["attempts"]) if row else 0

    def drawn(self, task_id: str) -> None:
        """Remember that the result lies in ``results/``."""
        with self._change():
            self._db.execute(
                "UPDATE tasks SET drawn = coalesce(drawn, ?), lease = NULL, owner = NULL WHERE id = ?",
                (time.time(), task_id),
            )

    def fail(self, task_id: str, error: str) -> None:
        """End a task as failed and give its charge back, once."""
        with self._change():
            row = self._db.execute(
                "UPDATE tasks SET failed = ?, error = ?, lease = NULL, owner = NULL "
                "WHERE id = ? AND failed IS NULL AND drawn IS NULL RETURNING id",
                (time.time(), error, task_id),
            ).fetchone()
            if row is not None:
                self.ledger.give_back(task_id)

    # -- hosted media ------------------------------------------------------------------------------------

    def host(self, name: str, kind: str, size: int, expires: float | None) -> None:
        """Remember a hosted file; the longer life wins when the same content comes again."""
        with self._change():
            row = self._db.execute("SELECT expires FROM media WHERE name = ?", (name,)).fetchone()
            if row is not None and (row["expires"] is None or expires is None):
                expires = None
            elif row is not None and expires is not None:
                expires = max(expires, row["expires"])
            self._db.execute(
                "INSERT OR REPLACE INTO media VALUES (?, ?, ?, ?, ?)",
                (name, kind, size, time.time(), expires),
            )

    def hosted(self, name: str) -> tuple[str, float | None] | None:
        """Content type and moment of expiry (None: never) of a hosted file, None when there is none."""
        with self._lock:
            row = self._db.execute("SELECT type, expires FROM media WHERE name = ?", (name,)).fetchone()
        return None if row is None else (row["type"], row["expires"])


def _task(row: sqlite3.Row) -> Task:
    values = {field.name: row[field.name] for field in fields(Task)}
    return Task(**values | {"sound": bool(row["sound"]), "watermark": bool(row["watermark"])})
