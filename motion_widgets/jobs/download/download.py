"""Download a result into a partial file, check it, and move it into place without overwriting anything."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import shutil
import ssl
import time
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Any, TypeVar

import httpx

from motion_widgets.core.errors import ClipError, LogError
from motion_widgets.core.files import move_if_free
from motion_widgets.core.http import FILE_HEADERS, SettingsError
from motion_widgets.core.messages import say
from motion_widgets.endpoint.errors import NotFoundError, ServerError
from motion_widgets.jobs.download.checksums import mismatch, sums_of
from motion_widgets.jobs.download.http_get import failed, opened
from motion_widgets.jobs.download.partial_file import Note, PartialFile
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.request.media_source import link_identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Download", "Fetched"]

_T = TypeVar("_T")
RESULT_MAX = 2 * 1000**3
"""Bytes; a 30 s result has some tens of MB, so anything larger is not a result."""
RATE = 4096
"""Bytes/s that must arrive on average in every window, so n bytes take at most n / RATE s."""
WINDOW = 30.0
"""s of such a window; a server that is slower is given up after one, and what arrived is kept."""
ROOM = 1 << 20
"""Bytes that must be free before a download of unknown size is retried on a disk that was full."""
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_LOCKED = {errno.EROFS, errno.EACCES, errno.EPERM}
_GONE = {errno.ENOENT, errno.ENOTDIR}
_BROKEN = (ConnectionError, ssl.SSLError)
"""OSErrors of the network, not of the disk."""


@dataclass(frozen=True)
class Fetched:
    """A result on disk."""

    path: Path
    size: int
    sha256: str


class Download:
    """The download of one result; what has arrived is kept between attempts.

    Parameters
    ----------
    target
        The final path.
    owner
        Goes into the partial file's name, so that two processes never write the same one.
    trusted
        The endpoint is on this machine, so plain http and loopback are right.
    """

    def __init__(self, target: Path, *, owner: str, trusted: bool) -> None:
        self.target = target
        self.part = PartialFile(target, owner)
        self._trusted = trusted
        self._needs = 0  # bytes that the partial file must be able to grow to; 0: unknown
        self._doubted = ""  # hash of a file that was rejected because it differs from the stated one

    async def fetch(self, link: str) -> Fetched:
        """Download a result and check that it is a complete video; one that is already here is kept.

        Parameters
        ----------
        link
            Where the endpoint says that the result is. No key is ever sent there.

        Raises
        ------
        NotFoundError
            The link is dead (403, 404, 410).
        EndpointError
            Any other failure; a later retry may help.
        LogError
            The folder is missing or not writable, or its disk is full. What has arrived is kept.
        """
        identity = hashlib.sha256(link_identity(link).encode()).hexdigest()
        try:
            got = await _on_disk(self._prepare, identity)
            if not isinstance(got, Fetched):
                if not got or got != self.part.note.whole:
                    await self._stream(link, identity, got)
                got = await _on_disk(self._judge)
        except SettingsError as error:
            raise failed(str(error).rstrip(".")) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError, *_BROKEN) as error:
            raise failed(f"{type(error).__name__}: {error}") from None
        except OSError as error:
            if error.errno in _FULL and not self._needs:
                self._needs = self.part.size() + ROOM
            raise self._trouble(error) from None
        return got

    def tidy(self) -> None:
        """Remove every process's partial file of this result; the caller holds the job's lease."""
        self.part.tidy()

    def discard(self) -> None:
        """Remove this process's partial file, because another process drives the job now."""
        self.part.discard()

    def _prepare(self, identity: str) -> Fetched | int:
        """Return the result if it is here, else how many bytes of it are."""
        here = self._here()
        if here is not None:
            return here
        self._require_room()
        return self.part.resume(identity)

    def _here(self) -> Fetched | None:
        """Return the result that an earlier process put into place before it could record that."""
        if self.target.is_symlink() or not self.target.is_file():
            return None
        try:
            whole = not measure_clip(self.target, confirm=False).truncated
        except ClipError:
            return None
        return Fetched(self.target, *_size_and_hash(self.target)) if whole else None

    async def _stream(self, link: str, identity: str, start: int) -> None:
        headers = dict(FILE_HEADERS)
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": self.part.note.etag}
        async with opened(link, headers, trusted=self._trusted) as response:
            start, whole = await _on_disk(self._accept, response, identity, start)
            size = await self._write(response, start)
        if whole is not None and whole != size:
            raise failed(say("download_incomplete", size=size, whole=whole))

    def _accept(self, response: httpx.Response, identity: str, start: int) -> tuple[int, int | None]:
        """Prepare the part file for a response's content, behind what is there if it is the rest of the same.

        Returns
        -------
        tuple
            Where the content begins, and the bytes of the whole file. None: the server does not say.
        """
        status, etag = response.status_code, response.headers.get("etag", "")
        if status in (403, 404, 410):
            raise NotFoundError(
                say("result_link_dead", status=status), code="result_link_dead", kind="expired"
            )
        promised = response.headers.get("content-length", "")
        whole = int(promised) if promised.isdecimal() else None
        if status == 206:
            start, whole = self._part_of(response, start)
            status = 200 if start == 0 else 206  # a part that is all of it
        elif status != 200:
            if status in (412, 416):
                self.part.forget()
            raise failed(f"HTTP {status}")
        start = start if status == 206 else 0
        if (whole or 0) > RESULT_MAX:
            raise failed(say("download_too_large"))
        self._needs = whole or 0
        strong = "" if etag.startswith("W/") else etag
        self._require_room()
        if status == 200:
            self.part.begin(Note(identity, strong, whole, sums_of(response.headers)))
        return start, whole

    def _part_of(self, response: httpx.Response, start: int) -> tuple[int, int]:
        """Return where the part of a 206 begins and the bytes of the whole file; 0: it is all of the file."""
        span, etag = (response.headers.get(name, "") for name in ("content-range", "etag"))
        note = self.part.note
        found = re.match(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})$", span)
        first, last, whole = map(int, found.groups()) if found is not None else (-1, -1, 0)
        if first == 0 and last + 1 == whole:
            return 0, whole
        if not start or first != start or note.whole not in (None, whole) or etag not in ("", note.etag):
            self.part.forget()
            raise failed(say("download_wrong_part"))
        return start, whole

    async def _write(self, response: httpx.Response, size: int) -> int:
        """Append what arrives, as long as it arrives fast enough; return the size of the file."""
        owed, due = size + RATE * WINDOW, time.monotonic() + WINDOW
        file = await _on_disk(self.part.append)
        try:
            # Each chunk at once, so that it is kept if the rest never comes.
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > RESULT_MAX:
                    raise failed(say("download_too_large"))
                await _on_disk(_append, file, chunk)
                now = time.monotonic()
                if size >= owed:
                    owed, due = size + RATE * WINDOW, now + WINDOW
                elif now > due:
                    raise failed(say("download_too_slow", rate=RATE))
        finally:
            await _on_disk(file.close)
        return size

    def _judge(self) -> Fetched:
        """Check that the partial file is a complete video with the stated checksum, and move it into place.

        It is not decoded: over https a bit that flips on the way breaks the connection, a file that is
        damaged on the server is damaged in every attempt, and decoding takes longer than all the rest.
        """
        with self.part.path.open("rb+") as file:
            os.fsync(file.fileno())
        wrong = mismatch(self.part.path, self.part.note.sums)  # of what was sent
        try:
            self.part.unpack(RESULT_MAX)
            if measure_clip(self.part.path, confirm=False).truncated:
                raise failed(say("download_cut_off"))
        except (ClipError, ServerError, ValueError) as error:
            self.part.forget()  # nothing is appended to what is not a video
            raise error if isinstance(error, ServerError) else failed(str(error)) from None
        size, sha = _size_and_hash(self.part.path)
        if wrong and sha != self._doubted:  # the same complete video twice: the header is wrong
            self._doubted = sha
            self.part.forget()
            raise failed(say("download_checksum", name=wrong))
        place = _placed(self.part.path, self.target, sha)
        self.part.discard()
        return Fetched(place, size, sha)

    def _require_room(self) -> None:
        """Raise if the rest will not fit, before anything is requested or the disk is filled up."""
        lacking = self._needs - self.part.size()
        if lacking > 0 and shutil.disk_usage(self.target.parent).free < lacking:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _trouble(self, error: OSError) -> LogError:
        """Return the error that says what is wrong with the results' folder and what a person can do."""
        folder, why = str(self.target.parent), error.strerror or type(error).__name__
        if error.errno in _FULL:
            return LogError.of("results_full", folder=folder, why=why)
        if error.errno in _LOCKED:
            return LogError.of("results_locked", folder=folder, why=why)
        if error.errno in _GONE:
            return LogError.of("results_gone", folder=folder, why=why)
        return LogError.of("disk_trouble", why=why)


async def _on_disk(work: Callable[..., _T], *args: Any) -> _T:
    """Read or write files off the loop, as a slow or distant disk must not hold up all other jobs.

    A cancelled caller still waits until it is done: nothing is written to a part that another goes on with.
    """
    done = asyncio.get_running_loop().run_in_executor(None, partial(work, *args))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.gather(done, return_exceptions=True)
        raise


def _append(file: IO[bytes], chunk: bytes) -> None:
    file.write(chunk)
    file.flush()


def _size_and_hash(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _placed(part: Path, target: Path, sha: str) -> Path:
    """Move a file into place under the first free name; what is there already stays."""
    place, number = target, 1
    while not move_if_free(part, place):
        if _size_and_hash(place)[1] == sha:
            part.unlink(missing_ok=True)
            break
        number += 1
        place = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return place
