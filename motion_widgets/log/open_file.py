"""A log's address, what is found before its file is opened, and how it is to be opened then."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from motion_widgets.core.arguments import require_path
from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.log.migrations import SCHEMA
from motion_widgets.log.recovery import back_up, damage_of, rescue
from motion_widgets.log.untrusted_file import copy_log, lacks_wal, needs_copy, schema_version, uri_for_reading

__all__ = ["BUSY_SECONDS", "Opening", "address_of", "file_of", "look", "network_drive", "synced_by"]

BUSY_SECONDS = 30
"""s that a writer waits for its turn."""
_JUST_MADE = 10
"""s within which an empty file counts as one that another process is just making."""
MOUNTS = Path("/proc/mounts")
"""Linux's table of what is mounted where; elsewhere only Windows' network paths are known."""
_NETWORK = frozenset(
    [
        "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs",
        "davfs", "ncpfs", "gpfs", "beegfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone",
        "fuse.s3fs", "fuse.davfs2", "fuse.gcsfuse", "fuse.blobfuse2",
    ]
)  # fmt: skip
"""File systems whose shared memory or locks do not hold between machines."""
_SERVICES = {
    "onedrive": "OneDrive",
    "dropbox": "Dropbox",
    "icloud": "iCloud",
    "mobile documents": "iCloud",
    "google drive": "Google Drive",
    "googledrive": "Google Drive",
}
"""How the names of synced folders begin, lower case: "OneDrive - Company", "Dropbox (Me)", …"""


def address_of(url: str | Path | URL) -> URL:
    """Turn a path or a URL into a URL, which shows no password; a path may hold any character.

    Raises
    ------
    LogError
        It is no address, or one of a log in memory; what was given is not shown, as it may hold a password.
    """
    if not isinstance(url, URL | str):
        require_path(url, LogError)
    if not isinstance(url, URL) and (not isinstance(url, str) or "://" not in url):
        return URL.create("sqlite", database=Path(url).expanduser().absolute().as_posix())
    kind = str(url).partition("://")[0][:40]
    try:
        made = make_url(url)
        if made.drivername == "postgresql":  # SQLAlchemy 2.0 takes it to mean psycopg2, which no extra brings
            made = made.set(drivername="postgresql+psycopg")
        if made.get_backend_name() == "sqlite":
            if made.database in (None, "", ":memory:"):
                raise LogError.of("log_in_memory")
            made = made.set(database=Path(made.database).absolute().as_posix())
        query = dict(made.query)
        password = query.pop("password", None)  # SQLAlchemy shows it there
        return made.set(query=query, password=password) if isinstance(password, str) else made
    except (ArgumentError, ValueError):
        url = ""  # verbose tracebacks show the locals of this frame
    raise LogError.of("log_address", kind=kind)


def file_of(address: URL) -> Path | None:
    """Return the SQLite file of a log's address. None: it is no such file."""
    sqlite = address.get_backend_name() == "sqlite"
    return Path(address.database).absolute() if sqlite and address.database else None


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
    version
        The version of the schema of a log that is only read; 0: it is not known.
    """

    file: Path
    journal: str = "WAL"
    read_only: str = ""
    notices: list[str] = field(default_factory=list)
    scratch: Path | None = None
    version: int = 0


def look(path: Path, *, reading: bool = False) -> Opening:
    """Look at a log's place and file; back an older one up, rescue a damaged one.

    Parameters
    ----------
    reading
        Leave it and its folder as they are; a damaged one is then refused by whoever reads it.

    Raises
    ------
    LogError
        It is newer, something else, damaged beyond reading, or a copy without its newest rows.
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
    if reading:
        return _for_reading(found, path, "")
    if not path.exists():
        return found
    if path.stat().st_size == 0:
        old = time.time() - path.stat().st_mtime > _JUST_MADE
        if old and not path.with_name(f"{path.name}-wal").exists():
            found.notices.append(say("log_was_empty", name=str(path)))
        return found
    reason = _unwritable(path)
    if reason:
        return _for_reading(found, path, reason)
    alone = lacks_wal(path)  # before SQLite begins a new one
    what = damage_of(path)
    if what is not None:
        return _damaged(found, path, what)
    _back_up_older(path, alone=alone)
    return found


def network_drive(path: Path) -> str | None:
    """Return the kind of network drive that a path is on. None: it is on none that can be seen."""
    if str(path).startswith(("\\\\", "//")):
        return "UNC"
    try:
        mounts = MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    place = path.resolve()
    best, kind = -1, ""
    for line in mounts:
        words = line.split(" ")
        if len(words) < 3:
            continue
        root = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), words[1]))
        if place.is_relative_to(root) and len(root.parts) >= best:  # a later mount hides an earlier one
            best, kind = len(root.parts), words[2]
    return kind if kind in _NETWORK else None


def synced_by(path: Path) -> str | None:
    """Return the name of the service that syncs the folder of a path. None: none that its name tells."""
    for part in path.parent.parts:
        for begins, service in _SERVICES.items():
            if part.lower().startswith(begins):
                return service
    return None


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
            return say("log_no_permission", name=place.name or place)
    return ""


def _for_reading(found: Opening, path: Path, reason: str) -> Opening:
    """Read a log where it is, or a copy of it where that takes writing (an older schema, an open journal)."""
    found.read_only = say("log_only_read", name=str(path))
    if reason:
        found.read_only = say("log_read_only", name=str(path), reason=reason)
        found.notices.append(found.read_only)
    if path.stat().st_size == 0:
        raise LogError.of("log_no_bytes", name=str(path))
    alone = lacks_wal(path)
    if needs_copy(path):
        _copy(found, path)
    # Damaged as well: what is read of it says so.
    with contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        with contextlib.closing(sqlite3.connect(uri_for_reading(found.file), uri=True)) as db:
            found.version = schema_version(db, path)
        _refuse_copy(path, found.version, alone=alone)
    if found.version < SCHEMA and found.scratch is None:
        _copy(found, path)
    return found


def _copy(found: Opening, path: Path) -> None:
    found.scratch = Path(tempfile.mkdtemp(prefix="motion-widgets-log-"))
    found.file = found.scratch / "log.sqlite"
    copy_log(path, found.file)


def _refuse_copy(path: Path, version: int, *, alone: bool) -> None:
    """Raise if a file has no tables because they are in a write-ahead log that was left behind."""
    if alone and version == 0:
        raise LogError.of("log_without_wal", name=str(path))


def _back_up_older(path: Path, *, alone: bool) -> None:
    """Refuse a newer log and back an older one up, before anything in it is touched."""
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as db:
        version = schema_version(db, path)
        _refuse_copy(path, version, alone=alone)
        kept = path.with_name(f"{path.name}.schema{version}.backup")
        if 0 < version < SCHEMA and not kept.exists():
            back_up(db, kept)
