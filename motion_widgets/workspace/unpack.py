"""Lay a packed workspace out in a new folder, as if whoever packed it meant harm.

Nothing in it becomes larger than it may be, stands outside the folders, or is something else than its name
says; the log's rows are written into a log of our own making.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import secrets
import shutil
import stat
import unicodedata
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.jobs.stored_file import stored_file
from motion_widgets.log.intake import Bound, as_foreign, clean_rows
from motion_widgets.log.names import is_safe_path
from motion_widgets.log.recovery import all_rows, write_fresh
from motion_widgets.log.store import Log

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FORMAT", "LOG", "MANIFEST", "Unpacked", "unpack", "unwritable"]

FORMAT = 1
LOG, MANIFEST, _PRICES = "log.sqlite", "manifest.json", "prices.toml"
_MANIFEST_MOST = 64 << 20
"""Bytes of the manifest, and of the zip's own directory."""
_ENTRIES_MOST = 200_000
_UNPACKED_MOST = 1 << 40
"""Bytes that all files may have together."""
_RATIO_MOST, _RATIO_FREE = 50, 64 << 20
"""How many times the bundle's size its files may have together, and bytes that are free of that: media do not
shrink, and a log shrinks to a twentieth at most."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Unpacked:
    """What came out of a bundle."""

    jobs: int
    """How many jobs its log holds."""
    left_out: tuple[str, ...]
    """What was not taken over, a sentence each."""


def unpack(bundle: Path, folder: Path) -> Unpacked:
    """Lay a packed workspace out in a new folder.

    Everything is checked before anything stands in its place: names, sizes and contents against the
    manifest, and the log's rows, which are written into a log of this version. A file that is not what its
    name says is left out.

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
        with _Source(bundle) as source, zipfile.ZipFile(source) as archive:
            files = _manifest(archive, bundle)
            need, packed = sum(one["size"] for one in files.values()), bundle.stat().st_size
            if need > shutil.disk_usage(scratch).free:
                raise LogError.of("bundle_large", name=bundle.name, mb=need / 1e6)
            most = min(_UNPACKED_MOST, _RATIO_FREE + _RATIO_MOST * packed)
            for name, said in files.items():
                most -= _extract(archive, name, said, scratch, most)
        left_out = _leave_out(scratch, files)
        jobs, cleaned = _own_log(scratch, bundle)
        for name in ("results", "inputs"):
            (scratch / name).mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # there is no such folder yet
            folder.rmdir()
        scratch.replace(folder)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, KeyError) as error:
        raise LogError.of("bundle_wrong", name=bundle.name, what=str(error)[:200]) from error
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Unpacked(jobs, (*left_out, *cleaned))


class _Source(io.BufferedReader):
    """A file of which no more is read at once than a bundle's directory may have."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))

    def read(self, size: int | None = -1) -> bytes:
        """Read at most `size` bytes; BadZipFile where a zip asks for too many."""
        if size is None or size < 0:
            size = _MANIFEST_MOST
        elif size > _MANIFEST_MOST:
            raise zipfile.BadZipFile(f"{size:,} B")
        return super().read(size)


def _manifest(archive: zipfile.ZipFile, bundle: Path) -> dict[str, dict[str, Any]]:
    """Read the manifest, and check that it names exactly the files that are there, all in their place."""

    def wrong(what: str) -> LogError:
        return LogError.of("bundle_wrong", name=bundle.name, what=what[:200])

    held = [info for info in archive.infolist() if info.filename != MANIFEST]
    if len(held) > _ENTRIES_MOST or archive.getinfo(MANIFEST).file_size > _MANIFEST_MOST:
        raise wrong(MANIFEST)
    try:
        about = json.loads(archive.read(MANIFEST))
        version = int(about["format"])
        files: dict[str, dict[str, Any]] = {
            str(name): {"sha256": str(one["sha256"]), "size": int(one["size"])}
            for name, one in about["files"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise wrong(f"{MANIFEST}: {error}") from error
    if version > FORMAT:
        raise LogError.of("bundle_newer", name=bundle.name, found=version, known=FORMAT)
    names = [info.filename for info in held]
    # Some disks take two spellings of a letter, or its two cases, for the same.
    times = Counter(unicodedata.normalize("NFC", name).casefold() for name in names)
    odd = sorted(set(names) ^ set(files)) or [name for name, count in times.items() if count > 1]
    if odd:
        raise wrong(odd[0])
    if LOG not in files:
        raise wrong(LOG)
    for info in held:
        placed = info.filename in (LOG, _PRICES) or is_safe_path(info.filename)
        link = stat.S_ISLNK(info.external_attr >> 16)
        size = files[info.filename]["size"]
        if not placed or link or size < 0 or info.file_size != size:
            raise wrong(info.filename)
    files.pop(_PRICES, None)  # earlier versions packed it; prices are those of whose folder it is
    return files


def _extract(archive: zipfile.ZipFile, name: str, said: dict[str, Any], folder: Path, most: int) -> int:
    """Write one file out, no byte more than its manifest says, nor than `most`; return its bytes."""
    target = folder / name
    if said["size"] > most:
        bundle = Path(archive.filename or name).name
        raise LogError.of("bundle_bomb", name=bundle, ratio=_RATIO_MOST, most=_UNPACKED_MOST >> 40)
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
    return int(said["size"])


def _leave_out(folder: Path, names: Iterable[str]) -> list[str]:
    """Remove the files that are not what their names say; return a sentence for each."""
    odd = [name for name in names if name != LOG and stored_file(folder, name) is None]
    for name in odd:
        (folder / name).unlink()
    return [say("bundle_left_out", file=name) for name in odd]


def _own_log(folder: Path, bundle: Path) -> tuple[int, list[str]]:
    """Write the rows of a log that came from elsewhere into one of our own making.

    Returns
    -------
    tuple
        How many jobs it took, and what of them was not taken over, in sentences.
    """
    given, made = folder / LOG, folder / f"{LOG}.part"
    try:
        log = Log(given)
    except LogError as error:
        if error.code != "log_odd":
            raise
        raise LogError.of("bundle_wrong", name=bundle.name, what=f"{LOG}: {error.params['what']}") from None
    try:
        if log.read_only:
            raise LogError.of("bundle_wrong", name=bundle.name, what=log.read_only)
        with log.database.read() as connection:
            rows = all_rows(connection, Bound(bundle.name).rows)
        said = clean_rows(rows)
        rows["jobs"] = [{**row, **as_foreign(row)} for row in rows["jobs"]]
        for row in rows["inputs"]:
            row["shared"] = None  # what they shared it with is not where this folder shares
        taken = write_fresh(made, rows)
    finally:
        log.close()
    for name in folder.glob(f"{LOG}*"):
        if name != made:
            name.unlink()
    made.replace(given)
    return taken["jobs"], said


def unwritable(path: Path, error: Exception) -> LogError:
    """Return the error for a file that cannot be written."""
    reason = getattr(error, "strerror", None) or str(error)
    return LogError.of("export_failed", name=str(path), reason=reason)
