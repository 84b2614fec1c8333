"""The sandbox's SQLite file: one connection, one lock, and transactions that span processes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LEASE", "Database"]

# Leases are renewed while their process lives, so what a killed process left is soon taken over.
LEASE = 8.0
"""Seconds that a claim on a task or an idempotency key lasts unless it is renewed."""
_PATIENCE = 10.0
"""Seconds that a fork waits for a call under way."""

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
CREATE TABLE IF NOT EXISTS charges (
  task TEXT PRIMARY KEY, key TEXT, body TEXT NOT NULL, amount INTEGER NOT NULL, created REAL NOT NULL,
  refunded REAL, prompt TEXT NOT NULL);
-- A folder may come from anybody: what names a file that lies elsewhere is no task of a sandbox.
DELETE FROM tasks WHERE typeof(id) <> 'text' OR id GLOB '*[^A-Za-z0-9_-]*'
  OR typeof(image) <> 'text' OR image GLOB '*[^A-Za-z0-9._-]*'
  OR typeof(clip) <> 'text' OR clip GLOB '*[^A-Za-z0-9._-]*';
-- A folder from before there were charges gets one for each of its tasks.
INSERT OR IGNORE INTO charges SELECT id, NULL, '', charge, created, failed, '' FROM tasks;
"""


_opened: weakref.WeakSet[Database] = weakref.WeakSet()
_opening = threading.RLock()
"""Held while a file is opened or closed, and by a fork: a child would find SQLite's own locks held."""


class Database:
    """The file at `path`, created when missing. Any thread may use it, and so may other processes."""

    def __init__(self, path: Path) -> None:
        # One connection under one lock: a connection per call would checkpoint the WAL on each close.
        self._lock = threading.RLock()
        self._path = path
        self._rests = False
        with _opening:
            self._connection = self._connect()
            self._drop_foreign()
            self._connection.executescript(_SCHEMA)
            _opened.add(self)

    def _connect(self) -> sqlite3.Connection:
        made = sqlite3.connect(self._path, timeout=30.0, isolation_level=None, check_same_thread=False)
        made.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "trusted_schema = OFF"):
            made.execute(f"PRAGMA {pragma}")
        return made

    def _drop_foreign(self) -> None:
        """Drop triggers and views, which no sandbox makes: they would run statements of somebody else's."""
        query = "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')"
        for kind, name in self._connection.execute(query).fetchall():
            quoted = str(name).replace('"', '""')
            self._connection.execute(f'DROP {kind} IF EXISTS "{quoted}"')

    def close(self) -> None:
        """Close the file."""
        with _opening, self._lock:
            _opened.discard(self)
            self._connection.close()

    def rest(self) -> None:
        """Close the file before a fork: SQLite would believe to hold the parent's locks in the child."""
        if not self._lock.acquire(timeout=_PATIENCE):
            return
        self._rests = not self._connection.in_transaction
        if self._rests:
            self._connection.close()
        else:  # the thread that forks is in the middle of one
            self._lock.release()

    def go_on(self) -> None:
        """Open the file again after a fork, in the parent."""
        if self._rests:
            self._connection, self._rests = self._connect(), False
            self._lock.release()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Enclose changes that happen together or not at all, one process at a time.

        Inside another transaction it is a part of that one.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:  # it is raised again
                if self._connection.in_transaction:  # SQLite ended it itself where the disk is full
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Run a statement and return all of its rows."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        """Run a statement and return its first row, None when it has none."""
        return next(iter(self.rows(query, *values)), None)


def _begin_fork() -> None:
    _opening.acquire(timeout=_PATIENCE)
    for database in list(_opened):
        database.rest()


def _end_fork() -> None:
    try:
        for database in list(_opened):
            database.go_on()
    finally:
        with contextlib.suppress(RuntimeError):  # it could not be had in time
            _opening.release()


def _begin_child() -> None:
    global _opening  # noqa: PLW0603 - whoever held it is not here
    _opening = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_begin_fork, after_in_parent=_end_fork, after_in_child=_begin_child)
