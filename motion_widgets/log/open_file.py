"""What is found before a log's file is opened, and how it is to be opened then."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.log.migrations import SCHEMA
from motion_widgets.log.places import network_drive, synced_by
from motion_widgets.log.recovery import damage_of, rescue

__all__ = ["BUSY_SECONDS", "Opening", "back_up", "look"]

BUSY_SECONDS = 30
"""s that a writer waits for its turn."""
_JUST = 10
"""s within which an empty file is one that is being made."""


@dataclass
class Opening:
    """How a log's file is to be opened.

    Attributes
    ----------
    file
        What is read: the log itself, or what was rescued of it.
    journal
        SQLite's journal mode.
    read_only
        A sentence that says why nothing may be written. ``""``: it may.
    notices
        Sentences that a person should see once.
    scratch
        A folder to be removed with the log object. None: there is none.
    """

    file: Path
    journal: str = "WAL"
    read_only: str = ""
    notices: list[str] = field(default_factory=list)
    scratch: Path | None = None


def look(path: Path) -> Opening:
    """Look at a log's place and file; back an older one up, rescue a damaged one.

    Raises
    ------
    LogError
        It is newer, something else, or damaged beyond reading.
    OSError, sqlite3.Error
        It cannot be read at all.
    """
    found = Opening(path)
    kind, service = network_drive(path), synced_by(path)
    if kind is not None:
        found.journal = "DELETE"
        found.notices.append(say("log_network", name=str(path), kind=kind))
    if service is not None:
        found.notices.append(say("log_synced", name=str(path), service=service))
    if path.is_dir():
        raise LogError.of("log_is_folder", name=str(path))
    if not path.exists():
        return found
    if path.stat().st_size == 0:
        if time.time() - path.stat().st_mtime > _JUST and not path.with_name(f"{path.name}-wal").exists():
            found.notices.append(say("log_was_empty", name=str(path)))
        return found
    reason = _unwritable(path)
    if reason:
        return _for_reading(found, path, reason)
    what = damage_of(path)
    if what is not None:
        return _damaged(found, path, what)
    _check_shape(path)
    return found


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy a database as it is at one moment, whole or not at all."""
    part = target.with_name(f"{target.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        with contextlib.closing(sqlite3.connect(part)) as copy:
            connection.backup(copy)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _damaged(found: Opening, path: Path, what: str) -> Opening:
    made = rescue(path, what)
    found.file = made.log
    found.read_only = say("log_damaged", name=str(path), what=what, jobs=made.jobs, rescued=made.lines.name)
    found.notices.append(found.read_only)
    return found


def _unwritable(path: Path) -> str:
    """Return why a log cannot be written. ``""``: it seems that it can."""
    for place in (path, path.parent):  # SQLite writes its journal beside the file
        if not os.access(place, os.W_OK):
            return f"{place.name or place}: no permission to write"
    return ""


def _for_reading(found: Opening, path: Path, reason: str) -> Opening:
    """Read a log where it is, or a copy of it where that takes writing (an older shape, an open journal)."""
    found.read_only = say("log_read_only", name=str(path), reason=reason)
    found.notices.append(found.read_only)
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            version = _shape(db, path)
    except sqlite3.OperationalError:
        version = 0
    if version < SCHEMA:
        found.scratch = Path(tempfile.mkdtemp(prefix="motion-widgets-log-"))
        found.file = found.scratch / "log.sqlite"
        shutil.copyfile(path, found.file)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(path.with_name(f"{path.name}-wal"), found.file.with_name("log.sqlite-wal"))
    return found


def _check_shape(path: Path) -> None:
    """Refuse a newer log and back an older one up, before anything in it is touched."""
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as db:
        version = _shape(db, path)
        kept = path.with_name(f"{path.name}.shape{version}.bak")
        if 0 < version < SCHEMA and not kept.exists():
            back_up(db, kept)


def _shape(db: sqlite3.Connection, path: Path) -> int:
    """Return the number of a log's shape; 0: it has no tables yet."""
    tables = [str(row[0]) for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if not tables:
        return 0
    if "meta" not in tables:
        raise LogError.of("log_foreign", name=str(path), tables=", ".join(sorted(tables)[:5])[:200])
    row = db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    version = int(row[0]) if row else 0
    if version > SCHEMA:
        raise LogError.of("log_newer", found=version, known=SCHEMA)
    return version
