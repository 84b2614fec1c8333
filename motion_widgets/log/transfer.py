"""All rows of a log, out of it and into a fresh SQLite file."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, select

from motion_widgets.log.migrations import migrate
from motion_widgets.log.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from motion_widgets.log.engine import Database

__all__ = ["TABLES", "all_rows", "columns_in", "write_fresh"]

TABLES = [table for table in metadata.sorted_tables if table.name != "meta"]
"""Every table but `meta`, whose shape is the file's own."""


def all_rows(log: Database) -> dict[str, list[dict[str, Any]]]:
    """Return all rows by table, read in one transaction."""
    with log.read() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in TABLES
        }


def write_fresh(
    path: Path, rows: Mapping[str, Iterable[Mapping[str, Any]]], *, salt: str | None = None
) -> dict[str, int]:
    """Write rows as they are into a SQLite log that is made for them; give how many it took, by table.

    A row that a log cannot hold (a second one of the same id, no state, …) is left out. `salt`: the log's
    own; None: it gets one when it is opened.
    """
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()
    taken = {}
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for table in TABLES:
            names = columns_in(db, table.name)
            marks = ", ".join("?" * len(names))
            statement = f"INSERT OR IGNORE INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names
            given = ([_plain(row, name) for name in names] for row in rows.get(table.name, ()))
            before = db.total_changes
            db.executemany(statement, given)
            taken[table.name] = db.total_changes - before
        if salt is not None:
            db.execute("INSERT INTO meta (name, value) VALUES ('salt', ?)", (salt,))
    return taken


def columns_in(db: sqlite3.Connection, table: str) -> list[str]:
    """Return a table's columns, in the order of the file."""
    return [str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")]


def _plain(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    return 0 if value is None and name in ("reserved", "used_micro") else value
