"""A log's file before anything in it is believed: what it may be made of, and reading it without writing.

It may be made of the tables and indexes of our own migrations, and nothing that runs. A trigger or a view is
a program that the sender of a file wrote; a generated column, a check or an index on an expression is one as
well. So each definition is compared with ours before anything else of a file is read.

In WAL mode SQLite reads through an index beside the file, which it makes where it is missing. A file that
nobody has open needs none; where only the index is missing, a copy is read instead.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import StaticPool, create_engine

from motion_widgets.core.errors import LogError
from motion_widgets.core.held_files import read_held
from motion_widgets.log.column_rules import COUNT_MOST
from motion_widgets.log.migrations import SCHEMA, migrate

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

__all__ = [
    "address_rows", "bounded", "copy_log", "lacks_wal", "needs_copy", "readable", "schema_version",
    "uri_for_reading",
]  # fmt: skip

_STEPS = 100_000
"""Steps of SQLite's machine between two looks at the limit."""
_LOOKS = 20_000
"""Looks after which a statement is ended; the checks of the largest log take a twentieth of them."""


@contextmanager
def bounded(db: sqlite3.Connection) -> Iterator[None]:
    """End a statement that runs away: a file from elsewhere may hold one that never ends."""
    left = iter(range(_LOOKS))
    db.set_progress_handler(lambda: next(left, None) is None, _STEPS)
    try:
        yield
    finally:
        db.set_progress_handler(None, _STEPS)


def schema_version(db: sqlite3.Connection, path: Path) -> int:
    """Return the version of a log's schema; 0: it has no tables yet.

    Raises
    ------
    LogError
        It is newer, something else, or made of what no log is made of.
    sqlite3.Error, UnicodeDecodeError
        It is damaged, or cannot be read.
    """
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    db.execute("BEGIN")  # another process may be bringing it to today's shape
    try:
        with bounded(db):
            return _version_of(db, path)
    finally:
        db.rollback()


def _version_of(db: sqlite3.Connection, path: Path) -> int:
    made = {
        (str(kind), str(name)): "" if sql is None else _plain(str(sql))
        for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master")
    }
    tables = sorted(name for kind, name in made if kind == "table")
    if not made:
        return 0
    if ("table", "meta") not in made:
        raise LogError.of("log_foreign", name=str(path), tables=", ".join(tables[:5])[:200])
    if made["table", "meta"] != _made(0)["table", "meta"]:
        raise LogError.of("log_odd", name=str(path), what="table meta")
    row = db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    version = _number(row[0], path) if row else 0
    if version > SCHEMA:
        raise LogError.of("log_newer", found=version, known=SCHEMA)
    ours = _made(version)
    for (kind, name), sql in sorted(made.items()):
        automatic = name.startswith("sqlite_") and (not sql or name in ("sqlite_stat1", "sqlite_stat4"))
        if not automatic and ours.get((kind, name)) != sql:
            raise LogError.of("log_odd", name=str(path), what=f"{kind} {name}"[:80])
    return version


def address_rows(connection: Connection) -> None:
    """Set a number and a name for jobs that no statement finds: without an id, or counted beyond all bounds.

    The name is a stand-in (`column_rules`): a row that has it is damaged, and nobody drives it.
    """
    # By the indexes: a text comes after every number there, and bytes after every text.
    counted = "UPDATE jobs SET seq = 0 WHERE seq > ? OR seq < 0"
    named = "UPDATE OR IGNORE jobs SET id = printf('?%016x', rowid) WHERE id IS NULL OR id >= x''"
    connection.exec_driver_sql(counted, (COUNT_MOST,))
    connection.exec_driver_sql(named)


def _number(value: object, path: Path) -> int:
    word = str(value)
    if not (word.isascii() and word.isdecimal() and len(word) < 10):
        raise LogError.of("log_odd", name=str(path), what=f"schema {word!r}"[:80])
    return int(word)


@functools.cache
def _made(version: int) -> Mapping[tuple[str, str], str]:
    """Return what a log of a version is made of, by kind and name."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        migrate(connection, upto=version)
        rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        made = {(str(kind), str(name)): _plain(str(sql)) for kind, name, sql in rows}
    engine.dispose()
    return made


def _plain(sql: str) -> str:
    """Return a definition without what SQLite or a release may write in another way."""
    return "".join(sql.split()).lower()


def lacks_wal(path: Path) -> bool:
    """Return whether a file is without its write-ahead log: it was closed, or is a copy of the file alone."""
    with read_held(path) as file:
        in_wal_mode = file.read(20)[18:] == b"\2\2"
    return in_wal_mode and not _beside(path, "-wal")


def needs_copy(path: Path) -> bool:
    """Return whether SQLite would make the index of a write-ahead log in order to read it."""
    return _beside(path, "-wal") and not _beside(path, "-shm")


def uri_for_reading(path: Path) -> str:
    """Return the address under which SQLite reads a file and makes no other."""
    return f"{path.absolute().as_uri()}?{'immutable=1' if lacks_wal(path) else 'mode=ro'}"


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Yield the file to read a log from: itself, or a copy for as long as it is read."""
    if not needs_copy(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="motion-widgets-log-") as folder:
        copy = Path(folder) / path.name
        copy_log(path, copy)
        yield copy


def copy_log(path: Path, target: Path) -> None:
    """Copy a file that SQLite may not read, as it is, with its write-ahead log and its backups."""
    for one in (path, path.with_name(f"{path.name}-wal"), *path.parent.glob(f"{path.name}*.backup")):
        with contextlib.suppress(FileNotFoundError):  # not every log has all of them
            copy = target.with_name(target.name + one.name.removeprefix(path.name))
            with read_held(one) as file, copy.open("wb") as into:
                shutil.copyfileobj(file, into)
            os.utime(copy, ns=(time.time_ns(), one.stat().st_mtime_ns))  # which backup is the newest one


def _beside(path: Path, ending: str) -> bool:
    return path.with_name(path.name + ending).exists()
