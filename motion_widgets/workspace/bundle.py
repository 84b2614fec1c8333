"""A workspace in one file: its log, results, inputs and mended media; and another one merged into it.

A zip with ``manifest.json``, which names every other file with its size and SHA-256. Never in it: a key
(none is kept in a workspace), the sandbox's account and token, which endpoint a person chose, and prices of
one's own. `unpack` takes it apart again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.files import copy_whole, whole_file
from motion_widgets.core.messages import say
from motion_widgets.core.version import __version__
from motion_widgets.jobs.stored_file import free_place, stored_file
from motion_widgets.log.merge import Merged, merge
from motion_widgets.log.recovery import all_rows, back_up, damage_of, is_database, write_fresh
from motion_widgets.log.store import Log
from motion_widgets.log.untrusted_file import copy_log, readable, uri_for_reading
from motion_widgets.workspace.unpack import FORMAT, LOG, MANIFEST, unpack, unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["merge_from", "pack", "save_log"]

_PACKED = ("results", "inputs", "mended")
"""The folders of a workspace that go into its bundle; the library stays with whoever collected it."""
_CHUNK = 1 << 20
_STORED = (".mp4", ".mov", ".jpg", ".jpeg", ".png", ".webp")
"""What compressing makes no smaller."""


def save_log(log: Log, target: Path) -> Path:
    """Write a log as it is at one moment into a new SQLite file, wherever it is kept.

    Raises
    ------
    LogError
        The file cannot be written, or is a database already, or the log cannot be read.
    """
    if is_database(target):  # perhaps this very log, with its newest rows in a file beside it
        raise LogError.of("export_over", name=str(target))
    try:
        if log.database.path is not None and not log.read_only:
            with contextlib.closing(sqlite3.connect(log.database.path, timeout=30)) as db:
                back_up(db, target)
        else:
            with whole_file(target) as partial, log.database.read() as connection:
                write_fresh(partial, all_rows(connection))
    except (OSError, sqlite3.Error) as error:
        raise unwritable(target, error) from error
    return target


def pack(folder: Path, log: Log, target: Path) -> Path:
    """Write a workspace into one file, whole or not at all.

    Raises
    ------
    LogError
        The file cannot be written, or is a database, or the log cannot be read.
    """
    if is_database(target):
        raise LogError.of("export_over", name=str(target))
    files: dict[str, dict[str, Any]] = {}
    try:
        with (
            whole_file(target) as partial,
            tempfile.TemporaryDirectory(prefix="motion-widgets-pack-") as scratch,
        ):
            saved = save_log(log, Path(scratch) / LOG)
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
                for name, path in [(LOG, saved), *_to_pack(folder)]:
                    files[name] = _add(archive, name, path)
                about = {
                    "format": FORMAT,
                    "toolkit": __version__,
                    "created": int(time.time()),
                    "files": files,
                }
                archive.writestr(MANIFEST, json.dumps(about, ensure_ascii=False, indent=1))
    except OSError as error:
        raise unwritable(target, error) from error
    return target


def merge_from(log: Log, folder: Path, source: Path) -> Merged:
    """Merge another workspace, bundle or SQLite log into this one; files that are missing here come along.

    The other one is read from a copy, so nothing in it changes.

    Raises
    ------
    LogError
        It is none of these, or cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="motion-widgets-merge-") as scratch:
        place = Path(scratch) / "ws"
        left_out: tuple[str, ...] = ()
        if source.is_dir():
            place, file = source, source / LOG
        elif zipfile.is_zipfile(source):
            left_out = unpack(source, place).left_out
            file = place / LOG
        else:
            place, file = source.parent, source
        if not file.is_file():
            raise LogError.of("merge_nothing", name=str(source))
        copy = Path(scratch) / "other.sqlite"
        _snapshot(file, copy)
        try:
            other = Log(copy)
        except LogError as error:  # it is the copy that the sentence names, and it goes away
            raise LogError(str(error).replace(str(copy), str(source)), code=error.code) from error
        try:
            done = merge(log, other, source.name)
            if other.read_only:
                damage = {"what": damage_of(copy) or other.read_only, "jobs": other.jobs.count()}
                done.conflicts.insert(0, say("merge_damaged", name=source, **damage))
        finally:
            other.close()
        done.conflicts += left_out
        done.files = [name for name in done.files if _bring(place, folder, name)]
    return done


def _to_pack(folder: Path) -> Iterator[tuple[str, Path]]:
    """Return the files that belong to a workspace; no links, nothing half-written, no other kinds."""
    for top in _PACKED:
        for path in sorted((folder / top).rglob("*")):
            name = path.relative_to(folder).as_posix()
            if stored_file(folder, name) is not None and path.resolve().is_relative_to(folder.resolve()):
                yield name, path


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    """Put a file in and return what the manifest says of it: of the very bytes that went in."""
    info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    info.compress_type = zipfile.ZIP_STORED if path.suffix.lower() in _STORED else zipfile.ZIP_DEFLATED
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as into:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            into.write(chunk)
    return {"sha256": digest.hexdigest(), "size": size}


def _snapshot(file: Path, copy: Path) -> None:
    """Copy a log with its write-ahead log; a damaged one as it is."""
    try:
        with (
            readable(file.absolute()) as path,
            contextlib.closing(sqlite3.connect(uri_for_reading(path), uri=True)) as db,
        ):
            back_up(db, copy)
    except sqlite3.Error:
        copy_log(file, copy)
    except OSError as error:
        raise unwritable(copy, error) from error


def _bring(place: Path, folder: Path, name: str) -> bool:
    """Copy a file that is named by its content or its job, unless it is here; return whether it is now."""
    source = stored_file(place, name)
    try:
        target = free_place(folder, name) if source is not None else None
        if source is not None and target is not None:
            copy_whole(source, target)
    except OSError as error:
        raise unwritable(folder / name, error) from error
    return stored_file(folder, name) is not None
