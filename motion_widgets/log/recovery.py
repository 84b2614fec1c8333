"""Damaged logs: what is wrong with a file, its backup, and what can still be read.

A backup stands beside a log: ``NAME.backup``, made when a run rests, and ``NAME.schemaN.backup``, made
before the log was migrated. Rescuing takes what SQLite itself still reads and the rest from the newest
backup. It changes nothing about the damaged file and leaves beside it ``NAME.rescued.jsonl`` (a job a line,
everything known about it, for people and scripts) and ``NAME.rescued`` (a log of what was read).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from motion_widgets.core.errors import LogError
from motion_widgets.core.files import PRIVATE, whole_file, write_whole
from motion_widgets.core.messages import say
from motion_widgets.log.migrations import migrate
from motion_widgets.log.schema import metadata
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection, Table

__all__ = [
    "Rescued", "all_rows", "back_up", "copy_log", "damage_of", "is_damage", "is_database", "replace_damaged",
    "rescue", "write_fresh",
]  # fmt: skip

Rows = dict[str, list[dict[str, Any]]]
"""All rows of a log, by table."""

_MAGIC = b"SQLite format 3\0"
_STATES = frozenset(state.value for state in State)
_TABLES = [table for table in metadata.sorted_tables if table.name != "meta"]
"""Every table but `meta`, whose schema version is the file's own."""
QUICK = 32_000_000
"""bytes up to which every page is looked at when a log is opened."""


@dataclass(frozen=True)
class Rescued:
    """What was read of a damaged log.

    Attributes
    ----------
    log
        The new log's file.
    lines
        The file with a job a line.
    jobs
        How many.
    """

    log: Path
    lines: Path
    jobs: int


def is_database(path: Path) -> bool:
    """Return whether a path is a SQLite file: no export may take a log's place."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def damage_of(path: Path, *, whole: bool = False) -> str | None:
    """Return in words what is wrong with a SQLite file. None: nothing was found.

    Parameters
    ----------
    whole
        Look at every page and index, however large the file is.

    Raises
    ------
    OSError, sqlite3.Error
        It cannot be looked at, for a reason that is not its own.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(100)
        if not head.startswith(_MAGIC):
            return say("damage_zeros" if head.strip(b"\0") == b"" and _only_zeros(path) else "damage_header")
    pages, page = int.from_bytes(head[28:32], "big"), int.from_bytes(head[16:18], "big")
    page = 65536 if page == 1 else page
    wal = path.with_name(f"{path.name}-wal")
    counted = head[24:28] == head[92:96]  # only then does the header's page count hold
    if counted and size < pages * page and not (wal.exists() and wal.stat().st_size):
        return say("damage_short", found=size, said=pages * page)
    if size > QUICK and not whole:
        return None
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as db:
            check = "integrity_check" if whole else "quick_check"
            said = str(db.execute(f"PRAGMA {check}(1)").fetchone()[0])
            return None if said == "ok" else said.splitlines()[-1][:200]
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return str(error)
        raise


def is_damage(error: BaseException | None) -> bool:
    """Return whether a driver's error means that the file itself is damaged."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy a database as it is at one moment, whole or not at all."""
    with whole_file(target) as partial, contextlib.closing(sqlite3.connect(partial)) as copy:
        connection.backup(copy)


def copy_log(path: Path, target: Path) -> None:
    """Copy a file that SQLite may not read, as it is, with its write-ahead log and its backups."""
    for one in (path, path.with_name(f"{path.name}-wal"), *path.parent.glob(f"{path.name}*.backup")):
        with contextlib.suppress(FileNotFoundError):
            copy = target.with_name(target.name + one.name.removeprefix(path.name))
            shutil.copyfile(one, copy)
            os.utime(copy, ns=(time.time_ns(), one.stat().st_mtime_ns))  # which backup is the newest one


def rescue(path: Path, what: str = "") -> Rescued:
    """Read what can be read of a damaged log, and write it down beside it.

    Raises
    ------
    LogError
        No job was found in it or in a backup; `what` is wrong with it.
    OSError
        The folder takes no files.
    """
    with tempfile.TemporaryDirectory(prefix="motion-widgets-rescue-") as folder:
        copy = Path(folder) / "log.sqlite"
        copy_log(path, copy)
        rows, salt = _read_damaged(copy)
        kept = sorted(copy.parent.glob("*.backup"), key=lambda one: one.stat().st_mtime)
        if kept:
            saved, saved_salt = _read_backup(kept[-1])
            rows, salt = _joined(saved, rows), salt or saved_salt
        if not rows["jobs"]:
            raise LogError.of("log_lost" if is_database(path) else "log_not_database", name=path, what=what)
        made = Rescued(
            path.with_name(f"{path.name}.rescued"),
            path.with_name(f"{path.name}.rescued.jsonl"),
            len(rows["jobs"]),
        )
        fresh = Path(folder) / "fresh.sqlite"
        write_fresh(fresh, rows, salt=salt or secrets.token_hex(16))
        write_whole(made.log, fresh.read_bytes(), mode=PRIVATE)
        told = ({name: value for name, value in row.items() if value is not None} for row in rows["jobs"])
        lines = "".join(json.dumps(one, ensure_ascii=False, default=str) + "\n" for one in told)
        write_whole(made.lines, lines.encode("utf-8", "replace"), mode=PRIVATE)
    return made


def replace_damaged(path: Path, made: Rescued) -> Path:
    """Put what was rescued in the damaged log's place; return where the damaged one is kept now."""
    kept = path.with_name(f"{path.name}.damaged-{secrets.token_hex(4)}")
    shutil.copyfile(path, kept)  # a copy: at no moment is there no log, which would be begun anew
    for ending in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(kept.with_name(kept.name + ending))
    made.log.replace(path)
    return kept


def all_rows(connection: Connection) -> Rows:
    """Return all rows of a log."""
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()] for table in _TABLES
    }


def write_fresh(
    path: Path, rows: Mapping[str, Iterable[Mapping[str, Any]]], *, salt: str | None = None
) -> dict[str, int]:
    """Write rows as they are into a new SQLite log; return how many it took, by table.

    A row that a log cannot hold (a second one of the same id, no state, …) is left out. `salt`: the log's
    own; None: it gets one when it is opened.
    """
    _migrate(path)
    taken = {}
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for table in _TABLES:
            names = table.c.keys()
            marks = ", ".join("?" * len(names))
            statement = f"INSERT OR IGNORE INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names
            before = db.total_changes
            values = ([_value(row, name) for name in names] for row in rows.get(table.name, ()))
            db.executemany(statement, values)
            taken[table.name] = db.total_changes - before
        if salt is not None:
            db.execute("INSERT INTO meta (name, value) VALUES ('salt', ?)", (salt,))
    return taken


def _migrate(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()


def _value(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    return 0 if value is None and name in ("reserved", "used_micro") else value


def _read_damaged(copy: Path) -> tuple[Rows, str | None]:
    """Read what SQLite itself still reads, and the log's salt."""
    with copy.open("r+b") as file:
        file.write(_MAGIC)  # with only its first words lost, a file is whole otherwise
    rows, salt = _read(copy)
    rows["jobs"] = [row for row in rows["jobs"] if row.get("state") in _STATES]
    return rows, salt


def _read_backup(copy: Path) -> tuple[Rows, str | None]:
    with contextlib.suppress(LogError, SQLAlchemyError):
        _migrate(copy)
    return _read(copy)


def _read(copy: Path) -> tuple[Rows, str | None]:
    """Read all rows, and the salt; of a damaged database what comes before and after the damage."""
    rows: Rows = {}
    with contextlib.closing(sqlite3.connect(copy)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA writable_schema=ON")  # so that SQLite reads a file that was cut off
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for table in _TABLES:
            read: dict[int, dict[str, Any]] = {}
            for order in ("", " DESC"):
                statement = f"SELECT rowid AS _row, * FROM {table.name} ORDER BY rowid{order}"  # noqa: S608 - our own names
                for row in _until_damage(db, statement):
                    read[row.pop("_row")] = row
            rows[table.name] = list(read.values())
        salts = [str(row["value"]) for row in _until_damage(db, "SELECT value FROM meta WHERE name = 'salt'")]
    return rows, salts[0] if salts else None


def _until_damage(db: sqlite3.Connection, statement: str) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(sqlite3.DatabaseError):
        for row in db.execute(statement):
            yield dict(row)


def _joined(saved: Rows, read: Rows) -> Rows:
    """Return a backup's rows updated by those of the damaged log; no job goes back to an older state."""
    joined = {}
    for table in _TABLES:
        found = {_key(table, row): row for row in saved[table.name]}
        for row in read[table.name]:
            before = found.get(_key(table, row))
            if before is None or (row.get("seq") or 0) >= (before.get("seq") or 0):
                found[_key(table, row)] = row
        joined[table.name] = [found[key] for key in sorted(found, key=str)]
    return joined


def _key(table: Table, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(column.name) for column in table.primary_key)


def _only_zeros(path: Path) -> bool:
    with path.open("rb") as file:
        return not any(part.strip(b"\0") for part in iter(lambda: file.read(1 << 20), b""))
