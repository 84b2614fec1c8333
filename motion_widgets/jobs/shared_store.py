"""A place where a team shares results and inputs: any fsspec address, with the names of the folder.

``results/job-….mp4`` here is ``results/job-….mp4`` there, so that a path in the log means the same file to
everybody. Nothing there is ever overwritten; what is put there or fetched is checked by its SHA-256. The
store's credentials and options are the user's own, from the cloud's environment and files or fsspec's, as for
publishing; none is read, kept or shown here.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from motion_widgets.core.errors import LogError
from motion_widgets.core.files import move_if_free, partial_file
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.messages import say
from motion_widgets.endpoint.responses import redact
from motion_widgets.jobs.stored_file import free_place, stored_file
from motion_widgets.log.names import is_safe_path
from motion_widgets.media.probe.sniff import fits_ending

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Shared"]

_FOLDERS = ("results", "inputs")
"""What of a workspace's folder is shared."""
_WHOLE = frozenset(
    ["s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "cos", "obs", "tos", "memory"]
)
"""Stores in which a file appears only once it is whole; elsewhere it is put under another name first."""
_CHUNK = 1 << 20
_WRITERS = 2
"""Threads of the store's own: one that does not answer holds up nothing else."""


class Shared:
    """The shared path of a workspace. Its methods block.

    Parameters
    ----------
    url
        ``s3://bucket/team``, ``file:///mnt/team`` or any other address that fsspec can write to; or a folder.
    folder
        The workspace's folder, under whose names the files lie there.

    Raises
    ------
    LogError
        The address is not one of these.
    """

    def __init__(self, url: str, folder: Path) -> None:
        text = url.strip() if isinstance(url, str) else ""
        if text and "://" not in text and Path(text).expanduser().is_absolute():
            text = Path(text).expanduser().as_uri()
        scheme, _, rest = text.partition("://")
        if not scheme.isascii() or not rest.strip("/") or scheme.lower() in ("http", "https"):
            raise LogError.of("shared_wrong", found=redact(text)[:80])
        try:
            parts = urlsplit(text)
        except ValueError as error:  # half of an IPv6 host's brackets
            raise LogError.of("shared_wrong", found=redact(text)[:80]) from error
        self._url = text
        self.folder = folder
        self.label = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        """The address as it is shown, without password and query."""
        user = parts.netloc.rpartition("@")[0]
        self._hidden = [one for one in (user, user.partition(":")[2], parts.query) if one]
        self.pool = ThreadPoolExecutor(_WRITERS, "motion-widgets-shared")

    def put(self, name: str, sha: str) -> None:
        """Put a file of the folder there, unless it is there already, and verify that it is whole.

        Raises
        ------
        LogError
            The place cannot be reached or accepts no file, it holds another file of this name, or the one
            here is not what the log says. Nothing was overwritten.
        """
        self._require_named(name)
        path = stored_file(self.folder, name)
        try:
            same = path is not None and sha256_of(path) == sha
        except OSError as error:
            raise LogError.of("disk_trouble", why=error.strerror or str(error)) from error
        if path is None or not same:
            raise LogError.of("shared_changed", name=name)
        found = self._access("shared_down", name, lambda files, root: _put(files, root, name, path, sha))
        if found != sha:
            raise LogError.of("shared_other", name=name, place=self.label)

    def get(self, name: str, sha: str | None) -> Path:
        """Return a file of the folder, fetched and checked where it is not here yet.

        Parameters
        ----------
        sha
            The expected content. None: the log does not say.

        Raises
        ------
        LogError
            It is neither here nor there, the place cannot be reached, it is another file, or this disk is
            full.
        """
        self._require_named(name)
        path = stored_file(self.folder, name)
        if path is not None:
            return path
        try:
            # Outside the folder of the results, so that whoever reads that finds complete files only.
            with partial_file(self.folder) as part:
                got = self._access(
                    "shared_unread", name, lambda files, root: _get(files, f"{root}/{name}", part)
                )
                if not got:
                    raise LogError.of("shared_missing", name=name, place=self.label)
                if not fits_ending(part, name) or sha not in (None, sha256_of(part)):
                    raise LogError.of("shared_broken", name=name, place=self.label)
                place = free_place(self.folder, name)
                if place is not None:
                    move_if_free(part, place)  # a file that has come there in the meantime stays
        except OSError as error:
            raise LogError.of("disk_trouble", why=error.strerror or str(error)) from error
        path = stored_file(self.folder, name)
        if path is None:  # something else lies in its place
            raise LogError.of("shared_changed", name=name)
        return path

    def _require_named(self, name: str) -> None:
        """Raise unless a file of this name is shared; the name came from a log that others write to."""
        if not _is_shared(name):
            raise LogError.of("shared_outside", name=name[:80])

    def has(self, name: str) -> bool:
        """Return whether a file of this name is there."""
        if not _is_shared(name):
            return False
        return bool(self._access("shared_unread", name, lambda files, root: files.exists(f"{root}/{name}")))

    def _access(self, code: str, name: str, do: Callable[[Any, str], Any]) -> Any:
        """Do something with the store; turn what goes wrong there into a sentence."""
        try:
            from fsspec.core import url_to_fs

            files, root = url_to_fs(self._url)
            files.invalidate_cache()
            return do(files, root.rstrip("/"))
        except _DiskError as error:
            raise error.reason from None
        except ImportError as error:
            trouble = LogError.of("s3_missing", place=self.label, reason=str(error)[:200])
        except Exception as error:  # noqa: BLE001 - stores fail in as many ways as there are stores
            why = f"{type(error).__name__}: {redact(str(error))}"
            for secret in self._hidden:
                why = why.replace(secret, "\u2026")
            why = why[:200]
            trouble = LogError.of(code, place=self.label, name=name, reason=why)
        raise trouble  # here, so that it drags no frame along whose locals hold the store's credentials


def _is_shared(name: str) -> bool:
    return is_safe_path(name) and name.partition("/")[0] in _FOLDERS


class _DiskError(Exception):
    """An error of the disk here, not of the store."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _put(files: Any, root: str, name: str, path: Path, sha: str) -> str:
    """Put a file there; return the hash of what is there now."""
    target = f"{root}/{name}"
    there = _hash_there(files, target)
    if there is not None:
        return there
    protocol = (files.protocol,) if isinstance(files.protocol, str) else files.protocol
    if _WHOLE.intersection(protocol):
        files.put_file(str(path), target)
        return _hash_there(files, target) or ""
    files.makedirs(target.rpartition("/")[0], exist_ok=True)
    part = f"{target}.{secrets.token_hex(4)}.part"
    try:
        files.put_file(str(path), part)
        if _hash_there(files, part) != sha:
            raise OSError(say("shared_garbled"))
        if not files.exists(target):
            files.mv(part, target)
            return sha
    finally:
        with contextlib.suppress(Exception):  # what went wrong before matters more
            if files.exists(part):
                files.rm_file(part)
    return _hash_there(files, target) or ""


def _hash_there(files: Any, target: str) -> str | None:
    """Return the SHA-256 of a file there, read back whole. None: there is none."""
    files.invalidate_cache()
    digest = hashlib.sha256()
    try:
        with files.open(target, "rb") as source:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _get(files: Any, source: str, part: Path) -> bool:
    """Fetch a file; False: there is none."""
    try:
        with files.open(source, "rb") as there, part.open("wb") as here:
            while chunk := there.read(_CHUNK):
                try:
                    here.write(chunk)
                    here.flush()
                except OSError as error:
                    raise _DiskError(error) from error
    except FileNotFoundError:
        return False
    return True
