"""Damaged logs: what is wrong with a file, its backup, and what can still be read.

A backup stands beside a log: ``NAME.backup``, made when a run rests, and ``NAME.schemaN.backup``, made
before the log was migrated. Rescuing takes what SQLite itself still reads and the rest from the newest
backup. It changes nothing about the damaged file and leaves beside it ``NAME.rescued.jsonl`` (a job a line,
everything known about it, for people and scripts) and ``NAME.rescued`` (a log of what was read).
"""

from __future__ import annotations

import contextlib
import functools
import json
import secrets
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from motion_widgets.core.errors import LogError
from motion_widgets.core.files import PRIVATE, size_of, whole_file, write_whole
from motion_widgets.core.held_files import read_held
from motion_widgets.core.messages import say
from motion_widgets.log.migrations import migrate
from motion_widgets.log.schema import as_stored, metadata
from motion_widgets.log.states import State
from motion_widgets.log.untrusted_file import bounded, copy_log, schema_version, uri_for_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy import Connection, Table

__all__ = [
    "Rescued", "all_rows", "back_up", "damage_of", "damage_words", "is_damage", "is_database",
    "replace_damaged", "rescue", "write_fresh",
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
        with read_held(path) as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def damage_of(path: Path, *, whole: bool = False, reading: bool = False) -> str | None:
    """Return in words what is wrong with a SQLite file. None: nothing was found.

    Parameters
    ----------
    whole
        Look at every page and index, however large the file is.
    reading
        Write nothing, which leaves a transaction that was cut off where it is.

    Raises
    ------
    LogError
        It is newer, something else, or made of what no log is made of.
    OSError, sqlite3.Error
        It cannot be looked at, for a reason that is not its own.
    """
    with read_held(path) as file:
        head = file.read(100)
        if not head.startswith(_MAGIC):
            return say("damage_zeros" if head.strip(b"\0") == b"" and _only_zeros(file) else "damage_header")
    pages, page = int.from_bytes(head[28:32], "big"), int.from_bytes(head[16:18], "big")
    page = 65536 if page == 1 else page
    counted = head[24:28] == head[92:96]  # only then does the header's page count hold
    under_way = any(size_of(path.with_name(path.name + ending)) for ending in ("-wal", "-journal"))
    size = path.stat().st_size  # after both: another process may have written the rest meanwhile
    if counted and size < pages * page and not under_way:
        return say("damage_short", found=size, said=pages * page)
    if size > QUICK and not whole:
        return None
    try:
        uri = uri_for_reading(path) if reading else path.absolute().as_uri()
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=30)) as db:
            schema_version(db, path)  # a check runs what the schema holds
            check = "integrity_check" if whole else "quick_check"
            with bounded(db):
                said = str(db.execute(f"PRAGMA {check}(1)").fetchone()[0])
            return None if said == "ok" else said.splitlines()[-1][:200]
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if is_damage(error):
            return damage_words(error)
        raise


def is_damage(error: BaseException | None) -> bool:
    """Return whether a driver's error means that the file itself is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, UnicodeDecodeError) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damage_words(error: BaseException) -> str:
    """Return what a driver says of a damaged file; its own words may be bytes of the file, not text."""
    return say("damage_schema") if isinstance(error, UnicodeDecodeError) else str(error)


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy a database as it is at one moment, whole or not at all."""
    with whole_file(target) as partial, contextlib.closing(sqlite3.connect(partial)) as copy:
        connection.backup(copy)


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
        rows = _read_damaged(copy)
        kept = sorted(copy.parent.glob("*.backup"), key=lambda one: one.stat().st_mtime)
        if kept:
            rows = _joined(_read_backup(kept[-1]), rows)
        if not rows["jobs"]:
            raise LogError.of("log_lost" if is_database(path) else "log_not_database", name=path, what=what)
        made = Rescued(
            path.with_name(f"{path.name}.rescued"),
            path.with_name(f"{path.name}.rescued.jsonl"),
            len(rows["jobs"]),
        )
        fresh = Path(folder) / "fresh.sqlite"
        write_fresh(fresh, rows)
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
        with contextlib.suppress(FileNotFoundError):  # a log that was closed has none
            path.with_name(path.name + ending).replace(kept.with_name(kept.name + ending))
    made.log.replace(path)
    return kept


def all_rows(connection: Connection, read: Callable[[Iterable[Any]], Iterable[Any]] | None = None) -> Rows:
    """Return all rows of a log as they are stored; `read` may stop where there are too many."""
    made = read or functools.partial(map, dict)
    return {
        table.name: list(made(connection.execute(select(*map(as_stored, table.c))).mappings()))
        for table in _TABLES
    }


def write_fresh(path: Path, rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, int]:
    """Write rows as they are into a new SQLite log; return how many it took, by table.

    A row that a log cannot hold (a second one of the same id, no state, …) is left out.
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
    return taken


def _migrate(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()


def _value(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    return 0 if value is None and name in ("reserved", "used_micro") else value


def _read_damaged(copy: Path) -> Rows:
    """Read what SQLite itself still reads."""
    with copy.open("r+b") as file:
        file.write(_MAGIC)  # with only its first words lost, a file is whole otherwise
    rows = _read(copy)
    rows["jobs"] = [row for row in rows["jobs"] if row.get("state") in _STATES]
    return rows


def _read_backup(copy: Path) -> Rows:
    # What an older version left, or somebody made another way, is read as it is.
    with contextlib.suppress(LogError, SQLAlchemyError, sqlite3.Error, UnicodeDecodeError):
        with contextlib.closing(sqlite3.connect(copy)) as db:
            schema_version(db, copy)
        _migrate(copy)
    return _read(copy)


def _read(copy: Path) -> Rows:
    """Read all rows; of a damaged database what comes before and after the damage."""
    rows: Rows = {}
    with contextlib.closing(sqlite3.connect(copy)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA writable_schema=ON")  # so that SQLite reads a file that was cut off
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        kinds = {
            row["name"]: row["type"] for row in _until_damage(db, "SELECT name, type FROM sqlite_master")
        }
        for table in _TABLES:
            if kinds.get(table.name, "table") != "table":  # a view is a program of whoever made the file
                rows[table.name] = []
                continue
            read: dict[int, dict[str, Any]] = {}
            for order in ("", " DESC"):
                statement = f"SELECT rowid AS _row, * FROM {table.name} ORDER BY rowid{order}"  # noqa: S608 - our own names
                for row in _until_damage(db, statement):
                    read[row.pop("_row")] = row
            rows[table.name] = list(read.values())
        # A log that was not migrated keeps it elsewhere.
        rows["salts"] += _until_damage(db, "SELECT value AS salt FROM meta WHERE name = 'salt'")
    return rows


def _until_damage(db: sqlite3.Connection, statement: str) -> Iterator[dict[str, Any]]:
    # Here the damage begins; the report counts what was read.
    with contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError), bounded(db):
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


def _only_zeros(file: BinaryIO) -> bool:
    return not any(part.strip(b"\0") for part in iter(lambda: file.read(1 << 20), b""))
