"""What is wrong with a log's file, and what can still be read of it.

Rescuing changes nothing about the damaged file. It leaves beside it ``NAME.rescued.jsonl`` (a job a line,
all that is known of it, for people and scripts) and ``NAME.rescued`` (a log of what was read).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.log.carve import MAGIC, carved_jobs
from motion_widgets.log.transfer import TABLES, columns_in, write_fresh

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Rescued", "damage_of", "put_in_place", "rescue"]

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
        if not head.startswith(MAGIC):
            return say("damage_zeros" if head.strip(b"\0") == b"" and _zeros(path) else "damage_header")
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


def rescue(path: Path, what: str = "") -> Rescued:
    """Read what can be read of a damaged log, and write it down beside it.

    Raises
    ------
    LogError
        No job was found in it; `what` is wrong with it.
    OSError
        The folder takes no files.
    """
    with tempfile.TemporaryDirectory(prefix="motion-widgets-rescue-") as folder:
        copy = Path(folder) / "log.sqlite"
        fresh = Path(folder) / "fresh.sqlite"
        write_fresh(fresh, {})
        with contextlib.closing(sqlite3.connect(fresh)) as db:
            columns = columns_in(db, "jobs")
        rows, salt = _queried(path, copy)
        jobs = {row["id"]: row for row in rows["jobs"]}
        for job_id, row in carved_jobs(path, columns).items():
            jobs.setdefault(job_id, row)
        rows["jobs"] = [jobs[one] for one in sorted(jobs)]
        if not jobs:
            with path.open("rb") as file:
                code = "log_lost" if file.read(len(MAGIC)) == MAGIC else "log_not_database"
            raise LogError.of(code, name=str(path), what=what)
        made = Rescued(
            path.with_name(f"{path.name}.rescued"), path.with_name(f"{path.name}.rescued.jsonl"), len(jobs)
        )
        fresh.unlink()
        write_fresh(fresh, rows, salt=salt or secrets.token_hex(16))
        _put(made.log, fresh.read_bytes())
        lines = [
            json.dumps(
                {name: value for name, value in row.items() if value is not None},
                ensure_ascii=False,
                default=str,
            )
            for row in rows["jobs"]
        ]
        _put(made.lines, ("\n".join(lines) + "\n").encode("utf-8", "replace"))
    return made


def put_in_place(path: Path, made: Rescued) -> Path:
    """Put what was rescued in the damaged log's place; give where that one is kept now."""
    kept = path.with_name(f"{path.name}.damaged-{secrets.token_hex(4)}")
    shutil.copyfile(path, kept)  # a copy: at no moment is there no log, which would be begun anew
    for ending in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(kept.with_name(kept.name + ending))
    made.log.replace(path)
    return kept


def _queried(path: Path, copy: Path) -> tuple[dict[str, list[dict[str, Any]]], str | None]:
    """Read what SQLite itself still reads of a copy, from both ends of each table; and the log's salt."""
    shutil.copyfile(path, copy)
    with contextlib.suppress(OSError):
        shutil.copyfile(path.with_name(f"{path.name}-wal"), copy.with_name(f"{copy.name}-wal"))
    with copy.open("r+b") as file:
        file.write(MAGIC)  # with only its first words lost, a file is whole otherwise
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}
    salt = None
    with contextlib.closing(sqlite3.connect(copy)) as db:
        db.row_factory = sqlite3.Row
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for table in TABLES:
            read: dict[int, dict[str, Any]] = {}
            for order in ("", " DESC"):
                for row in _until_damage(
                    db,
                    f"SELECT rowid AS _row, * FROM {table.name} ORDER BY rowid{order}",  # noqa: S608 - our own names
                ):
                    read[row.pop("_row")] = row
            rows[table.name] = list(read.values())
        for row in _until_damage(db, "SELECT value FROM meta WHERE name = 'salt'"):
            salt = str(row["value"])
    return rows, salt


def _until_damage(db: sqlite3.Connection, statement: str) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(sqlite3.DatabaseError):
        for row in db.execute(statement):
            yield dict(row)


def _zeros(path: Path) -> bool:
    with path.open("rb") as file:
        return not any(part.strip(b"\0") for part in iter(lambda: file.read(1 << 20), b""))


def _put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for its owner alone."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
