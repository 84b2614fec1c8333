"""Fetching a result: to a ``.part`` file, checked, put into place; never half there, never overwritten."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import ipaddress
import itertools
import os
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpx

from motion_widgets.endpoint.client import is_loopback
from motion_widgets.endpoint.errors import EndpointError, NotFoundError, ServerError
from motion_widgets.errors import ClipError
from motion_widgets.media import measure_clip
from motion_widgets.texts import say

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

__all__ = ["Download", "Fetched"]

RESULT_MAX = 2 * 1000**3
"""Bytes; a 30 s result has some tens of MB, so more than this is no result."""
CALL_SECONDS = 900.0
"""Total deadline of one download."""
SILENCE_SECONDS = 30.0
HOPS = 4


@dataclass(frozen=True)
class Fetched:
    """A result on this disk."""

    path: Path
    size: int
    sha256: str


class Download:
    """The way of one result to this disk; what came of it so far is kept between tries.

    Parameters
    ----------
    target
        The final path; its folder exists.
    owner
        Who fetches; goes into the part file's name, so that two processes never write the same one.
    trusted
        The endpoint is on this machine, so plain http and loopback are right.
    """

    def __init__(self, target: Path, *, owner: str, trusted: bool) -> None:
        self.target = target
        self.part = target.with_name(f"{target.name}.{owner}.part")
        self._trusted = trusted
        self._etag = ""
        self._link = ""

    async def fetch(self, link: str) -> Fetched:
        """Download a result and check that it is a whole video; one that is here is not fetched again.

        Parameters
        ----------
        link
            Where the endpoint says it is. No key is ever sent there.

        Raises
        ------
        NotFoundError
            The link is dead (403, 404, 410).
        EndpointError
            Any other failure; trying again later may help.
        OSError
            This disk is full or not writable.
        """
        here = await asyncio.to_thread(self._here)
        if here is not None:
            return here
        if link != self._link:
            self._link, self._etag = link, ""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._stream(link)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            raise _failed(f"{type(error).__name__}: {error}") from None
        return await asyncio.to_thread(self._judge)

    def tidy(self) -> None:
        """Remove what this and dead processes began; whoever fetches now holds the job's lease."""
        for part in self.target.parent.glob(f"{self.target.name}.*part"):
            part.unlink(missing_ok=True)

    def _here(self) -> Fetched | None:
        """Give the result that an earlier process put into place before it could say so."""
        if not self.target.is_file():
            return None
        try:
            whole = not measure_clip(self.target, confirm=False).truncated
        except ClipError:
            return None
        return Fetched(self.target, *_size_and_hash(self.target)) if whole else None

    async def _stream(self, link: str) -> None:
        options = {
            "follow_redirects": False,
            "trust_env": not self._trusted,
            "timeout": SILENCE_SECONDS,
            "verify": await asyncio.to_thread(_tls),
        }
        async with httpx.AsyncClient(**options) as http:  # type: ignore[arg-type]
            for _ in range(HOPS):
                await _allowed(link, trusted=self._trusted)
                start = self.part.stat().st_size if self._etag and self.part.exists() else 0
                headers = {"Accept-Encoding": "identity"}
                if start:
                    headers |= {"Range": f"bytes={start}-", "If-Range": self._etag}
                async with http.stream("GET", link, headers=headers) as response:
                    if response.is_redirect:
                        link = urljoin(link, response.headers.get("location", ""))
                        continue
                    await self._save(response, start)
                return
            raise _failed("too many redirects")

    async def _save(self, response: httpx.Response, start: int) -> None:
        """Write the answer to the part file, behind what is there where it is the rest of the same."""
        status, etag = response.status_code, response.headers.get("etag", "")
        if status in (403, 404, 410):
            raise NotFoundError(
                say("result_link_dead", status=status), code="result_link_dead", kind="expired"
            )
        promised = response.headers.get("content-length", "")
        whole = int(promised) if promised.isdigit() else None
        if status == 206:
            found = re.match(r"bytes (\d+)-\d+/(\d{1,18})$", response.headers.get("content-range", ""))
            if not start or found is None or int(found[1]) != start or etag not in ("", self._etag):
                self._etag = ""
                raise _failed("a part came that was not asked for")
            whole = int(found[2])
        elif status == 200:
            start = 0
            self._etag = "" if etag.startswith("W/") else etag
        else:
            self._etag = ""
            raise _failed(f"HTTP {status}")
        size = start
        with self.part.open("ab" if start else "wb") as file:
            async for chunk in response.aiter_raw():  # as it comes, so that what broke off is kept
                size += len(chunk)
                if size > RESULT_MAX:
                    raise _failed("it is too large to be a result")
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if whole is not None and whole != size:
            raise _failed(f"{size} of {whole} bytes came")

    def _judge(self) -> Fetched:
        """Check that the part file is a whole video, and put it into place."""
        try:
            if measure_clip(self.part, confirm=False).truncated:
                raise _failed("it is cut off")
        except (ClipError, ServerError) as error:
            self._etag = ""  # nothing is appended to what is no video
            raise _failed(str(error)) if isinstance(error, ClipError) else error from None
        size, sha = _size_and_hash(self.part)
        return Fetched(_placed(self.part, self.target, sha), size, sha)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Make the TLS context, once: it takes 50 ms, which the loop has not got."""
    return httpx.create_ssl_context()


def _failed(why: str) -> ServerError:
    return ServerError(say("download_failed", why=why), code="download_failed", kind="download", detail=why)


def _size_and_hash(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


async def _allowed(link: str, *, trusted: bool) -> None:
    """Refuse a link that leads where a result of the live endpoint has no business to be."""
    if trusted and is_loopback(link):
        return
    parts = urlsplit(link)
    if parts.scheme != "https" or not parts.hostname:
        raise EndpointError(
            say("download_refused", host=parts.hostname or "?"), code="download_refused", kind="download"
        )
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            parts.hostname, parts.port or 443, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise _failed(str(error)) from None
    if not all(ipaddress.ip_address(str(address[4][0]).split("%")[0]).is_global for address in found):
        raise EndpointError(
            say("download_refused", host=parts.hostname), code="download_refused", kind="download"
        )


def _placed(part: Path, target: Path, sha: str) -> Path:
    """Put a file into place under the first name that is free; what is there already stays."""
    for number in itertools.count(1):
        place = target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}")
        if not place.exists():
            try:
                os.link(part, place)  # unlike a rename this fails when the name was taken meanwhile
            except FileExistsError:
                pass
            except OSError:  # a file system without hard links
                part.replace(place)
                return place
            else:
                part.unlink()
                return place
        if _size_and_hash(place)[1] == sha:
            part.unlink(missing_ok=True)
            return place
    raise AssertionError
