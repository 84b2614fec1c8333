"""A workspace in one file: its log, results, inputs and mended media, and back into a folder.

A zip with ``manifest.json``, which names every other file with its size and SHA-256. Never in it: a key
(none is kept in a workspace), the sandbox's account and token, and which endpoint a person chose.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import stat
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.files import copy_whole, whole_file
from motion_widgets.core.messages import say
from motion_widgets.core.version import __version__
from motion_widgets.log.intake import clean_rows, is_safe_path
from motion_widgets.log.merge import Merged, merge
from motion_widgets.log.recovery import all_rows, back_up, copy_log, damage_of, is_database, write_fresh
from motion_widgets.log.store import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FOLDERS", "merge_from", "pack", "save_log", "unpack"]

FORMAT = 1
FOLDERS = ("results", "inputs", "mended")
"""The folders of a workspace that go into its bundle."""
_LOG, _MANIFEST, _PRICES = "log.sqlite", "manifest.json", "prices.toml"
_MANIFEST_MOST = 64 << 20
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
                write_fresh(partial, all_rows(connection), salt=log.database.salt)
    except (OSError, sqlite3.Error) as error:
        raise _failed(target, error) from error
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
            saved = save_log(log, Path(scratch) / _LOG)
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
                for name, path in [(_LOG, saved), *_to_pack(folder)]:
                    files[name] = _add(archive, name, path)
                about = {
                    "format": FORMAT,
                    "toolkit": __version__,
                    "created": int(time.time()),
                    "files": files,
                }
                archive.writestr(_MANIFEST, json.dumps(about, ensure_ascii=False, indent=1))
    except OSError as error:
        raise _failed(target, error) from error
    return target


def unpack(bundle: Path, folder: Path) -> int:
    """Lay a packed workspace out in a new folder; return how many jobs its log holds.

    Everything is checked before anything stands in its place: names, sizes and contents against the
    manifest, and the log's rows, which are written into a log of this version.

    Raises
    ------
    LogError
        The folder holds something, the file is no bundle, or it is not what its manifest says.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LogError.of("bundle_folder", name=str(folder))
    if not bundle.is_file():
        raise LogError.of("bundle_wrong", name=bundle.name, what=os.strerror(errno.ENOENT))
    scratch = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        scratch.mkdir(parents=True)
        with zipfile.ZipFile(bundle) as archive:
            files = _manifest(archive, bundle)
            need = sum(one["size"] for one in files.values())
            if need > shutil.disk_usage(scratch).free:
                raise LogError.of("bundle_large", name=bundle.name, mb=need / 1e6)
            for name, said in files.items():
                _extract(archive, name, said, scratch / name)
        jobs = _own_log(scratch, bundle)
        for name in FOLDERS[:2]:
            (scratch / name).mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            folder.rmdir()
        scratch.replace(folder)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, KeyError) as error:
        raise LogError.of("bundle_wrong", name=bundle.name, what=str(error)[:200]) from error
    except OSError as error:
        raise _failed(folder, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return jobs


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
        if source.is_dir():
            place, file = source, source / _LOG
        elif zipfile.is_zipfile(source):
            unpack(source, place)
            file = place / _LOG
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
            done = merge(log, other)
            if other.read_only:
                damage = {"what": damage_of(copy) or other.read_only, "jobs": other.jobs.count()}
                done.conflicts.insert(0, say("merge_damaged", name=source, **damage))
        finally:
            other.close()
        for name in done.files:
            _bring(place, folder, name)
    return done


def _to_pack(folder: Path) -> Iterator[tuple[str, Path]]:
    """Return the regular files that belong to a workspace; no links, nothing half-written."""
    if (folder / _PRICES).is_file() and not (folder / _PRICES).is_symlink():
        yield _PRICES, folder / _PRICES
    for top in FOLDERS:
        for path in sorted((folder / top).rglob("*")):
            regular = (
                path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(folder.resolve())
            )
            if regular and path.suffix != ".part" and not path.name.startswith("."):
                yield path.relative_to(folder).as_posix(), path


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


def _manifest(archive: zipfile.ZipFile, bundle: Path) -> dict[str, dict[str, Any]]:
    """Read the manifest, and check that it names exactly the files that are there, all in their place."""

    def wrong(what: str) -> LogError:
        return LogError.of("bundle_wrong", name=bundle.name, what=what[:200])

    held = [info for info in archive.infolist() if info.filename != _MANIFEST]
    if archive.getinfo(_MANIFEST).file_size > _MANIFEST_MOST:
        raise wrong(_MANIFEST)
    try:
        about = json.loads(archive.read(_MANIFEST))
        version = int(about["format"])
        files: dict[str, dict[str, Any]] = {
            str(name): {"sha256": str(one["sha256"]), "size": int(one["size"])}
            for name, one in about["files"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise wrong(f"{_MANIFEST}: {error}") from error
    if version > FORMAT:
        raise LogError.of("bundle_newer", name=bundle.name, found=version, known=FORMAT)
    names = [info.filename for info in held]
    odd = sorted(set(names) ^ set(files)) or [name for name in names if names.count(name) > 1]
    if odd or len(names) != len(set(names)):
        raise wrong(odd[0])
    if _LOG not in files:
        raise wrong(_LOG)
    for info in held:
        top, _, rest = info.filename.partition("/")
        placed = (top in FOLDERS and rest) or info.filename in (_LOG, _PRICES)
        link = stat.S_ISLNK(info.external_attr >> 16)
        size = files[info.filename]["size"]
        if not placed or link or not is_safe_path(info.filename) or size < 0 or info.file_size != size:
            raise wrong(info.filename)
    return files


def _extract(archive: zipfile.ZipFile, name: str, said: dict[str, Any], target: Path) -> None:
    """Write one file out, no byte more than its manifest says."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), said["size"]
    with archive.open(name) as source, target.open("xb") as into:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            into.write(chunk)
    if left or digest.hexdigest() != said["sha256"]:
        raise zipfile.BadZipFile(name)


def _own_log(folder: Path, bundle: Path) -> int:
    """Write the rows of a log that came from elsewhere into one of our own making."""
    given, made = folder / _LOG, folder / f"{_LOG}.part"
    with contextlib.closing(sqlite3.connect(given)) as db:
        try:
            odd = db.execute("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchone()
        except sqlite3.DatabaseError as error:
            raise zipfile.BadZipFile(f"{_LOG}: {error}") from error
    if odd is not None:
        raise LogError.of("bundle_wrong", name=bundle.name, what=f"{_LOG}: {odd[0]}")
    log = Log(given)
    try:
        if log.read_only:
            raise LogError.of("bundle_wrong", name=bundle.name, what=log.read_only)
        with log.database.read() as connection:
            rows = all_rows(connection)
        clean_rows(rows)
        for row in (*rows["jobs"], *rows["inputs"]):
            row["shared"] = None  # what they shared it with is not where this folder shares
        taken = write_fresh(made, rows, salt=log.database.salt)
    finally:
        log.close()
    for name in folder.glob(f"{_LOG}*"):
        if name != made:
            name.unlink()
    made.replace(given)
    return taken["jobs"]


def _snapshot(file: Path, copy: Path) -> None:
    """Copy a log with its write-ahead log; a damaged one as it is."""
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as db:
            back_up(db, copy)
    except sqlite3.Error:
        copy_log(file, copy)
    except OSError as error:
        raise _failed(copy, error) from error


def _bring(place: Path, folder: Path, name: str) -> None:
    """Copy a file that is named by its content or its job, unless it is here."""
    source, target = place / name, folder / name
    if target.exists() or not source.is_file() or not source.resolve().is_relative_to(place.resolve()):
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_whole(source, target)
    except OSError as error:
        raise _failed(target, error) from error


def _failed(path: Path, error: Exception) -> LogError:
    reason = getattr(error, "strerror", None) or str(error)
    return LogError.of("export_failed", name=str(path), reason=reason)
