"""Read parts of a file behind an http(s) link, by as few requests and bytes as will do."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from motion_widgets.core.background import spawn
from motion_widgets.core.errors import ClipError
from motion_widgets.core.messages import say
from motion_widgets.media.probe.link_client import LinkClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

__all__ = ["LinkSource"]

HEAD = 40_960
"""Bytes asked for first: the headers of most short clips, in one round trip."""
TAIL = 4 << 20
"""A rest of at most this is fetched at once: behind the media there is mostly just the header."""
PEEK = 64 << 10
NEXT = 32
STREAM_CAP = 100 << 20
"""Bytes read from a server that serves no parts."""


class LinkSource:
    """A `Source` over HTTP Range, or over a stream where a server serves no parts.

    Parameters
    ----------
    link, deadline, public
        As for `LinkClient`.
    whole
        Ask for no parts: the file is wanted from its start, at most `cap` bytes.
    first
        Bytes asked for first.
    """

    remote = True

    def __init__(
        self,
        link: str,
        *,
        deadline: float,
        whole: bool = False,
        cap: int = STREAM_CAP,
        first: int = HEAD,
        public: bool = False,
    ) -> None:
        self.link = link.strip()
        self.size: int | None = None
        self.etag: str | None = None
        """What the server calls this version of the file. None: it does not, or only roughly."""
        self.fetched = 0
        self.cap, self.public = cap, public
        self._client = LinkClient(self.link, deadline=deadline, public=public)
        self._whole = whole
        self._first = first
        self._known: tuple[str, int | None] | None = None
        self._same = False
        self._parts: list[tuple[int, bytes]] = []
        self._stream: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._buffer = bytearray()
        self._base = 0

    @property
    def name(self) -> str:
        """What a person calls the file."""
        return self._client.name

    @property
    def host(self) -> str:
        """The host that was asked last."""
        return self._client.host

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self._client.requests

    # -- what `boxes` asks for ------------------------------------------------------------------

    @property
    def forward_only(self) -> bool:
        """Whether the server serves no parts, so that this is a stream."""
        return self._stream is not None

    def holds(self, offset: int, count: int) -> bool:
        """Return whether these bytes are here already, or known to lie behind the end."""
        if self._stream is not None:
            return self._base <= offset and offset + count <= self._base + len(self._buffer)
        if self.size is not None and offset >= self.size:
            return True
        want = offset + count if self.size is None else min(offset + count, self.size)
        return any(at <= offset and want <= at + len(part) for at, part in self._parts)

    def read(self, offset: int, count: int, *, ahead: bool = False) -> bytes:
        """Read bytes, by one request at most; fewer only at the file's end."""
        if count <= 0:
            return b""
        if self._stream is None and self.holds(offset, count):
            return self._joined(offset, count)
        return self._client.run(self._load(offset, count, ahead=ahead))

    async def head(self, count: int) -> bytes:
        """Read the first bytes, on an event loop; fewer only if the file is shorter. `aclose` comes after."""
        return await self._client.within(self._load(0, count))

    def unchanged(self, etag: str, size: int | None) -> bool:
        """Ask whether the file is still the one of an ETag and size; before anything was read.

        It takes one request without a body. If the file is another, its head is here afterwards.
        """
        self._known, self._same = (etag, size), False
        try:
            self._client.run(self._fetch(0, HEAD))
        finally:
            self._known = None
        return self._same

    def close(self) -> None:
        """End the stream, if there is one; harmless twice."""
        if self._stream is not None:
            with suppress(TimeoutError):  # it goes on closing there
                spawn(self.aclose()).result(5)

    async def aclose(self) -> None:
        """End the stream, if there is one, on the event loop that it was read on."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    # -- how it gets them -----------------------------------------------------------------------

    def _wanted(self, offset: int, count: int, *, ahead: bool) -> int:
        if not self._parts:
            return max(self._first, count)
        if ahead and self.size is not None and self.size - offset <= TAIL:
            return self.size - offset
        # A little more brings the head of the box behind, which tells whether the file is cut off.
        return max(count, PEEK) if ahead else count + NEXT

    def _joined(self, offset: int, count: int) -> bytes:
        """Put together bytes that lie across parts, as far as they follow each other."""
        out = bytearray()
        for at, part in sorted(self._parts):
            here = offset + len(out)
            if at <= here < at + len(part) and len(out) < count:
                out += part[here - at : here - at + count - len(out)]
        return bytes(out)

    def _held_up_to(self, offset: int) -> int:
        """Return the first missing byte at or behind `offset`."""
        for at, part in sorted(self._parts):
            if at <= offset < at + len(part):
                offset = at + len(part)
        return offset

    async def _load(self, offset: int, count: int, *, ahead: bool = False) -> bytes:
        if self._stream is None:
            await self._fetch(offset, self._wanted(offset, count, ahead=ahead))
        return self._joined(offset, count) if self._stream is None else await self._pull(offset, count)

    async def _fetch(self, offset: int, count: int) -> None:
        """Ask for bytes; a whole file instead of a part turns this source into a stream."""
        start = self._held_up_to(offset)
        count -= start - offset
        response = await self._open(start, count)
        keep = False
        try:
            if self._is_known(response):
                self._same = True
                if response.status_code == 304:  # it has no body, and read to its end it keeps the connection
                    await response.aread()
                return
            if response.status_code == 416:
                self._total(response)
                if not self.size:
                    raise ClipError.of("empty_file", name=self.name)
                return
            if response.status_code == 206:
                if self._first_byte(response) != start:
                    raise self._client.odd(say("link_other_part"))
                self._parts.append((start, await self._body(response, count)))
                if self.size is None and len(self._parts[-1][1]) < count:
                    self.size = start + len(self._parts[-1][1])
                return
            length = response.headers.get("content-length", "")
            self.size = int(length) if length.isdecimal() else None
            self._stream, self._chunks, keep = response, response.aiter_raw(), True
            self._buffer, self._base = bytearray(), 0
        finally:
            if not keep:
                await response.aclose()

    async def _open(self, start: int, count: int) -> httpx.Response:
        from motion_widgets.core.http import FILE_HEADERS

        headers, accepted = dict(FILE_HEADERS), {200, 206, 416}
        if not self._whole:
            headers["Range"] = f"bytes={start}-{start + count - 1}"
        if self._known is not None:
            headers["If-None-Match"] = self._known[0]
            accepted.add(304)
        return await self._client.open(headers, accepted)

    def _is_known(self, response: httpx.Response) -> bool:
        """Note the ETag; True when the answer says that the file is the one already known."""
        etag = response.headers.get("etag", "").strip()
        etag = etag if etag.startswith('"') else None  # a weak one does not vouch for the bytes
        if self._known is not None and response.status_code == 304:
            return True
        if self.etag is not None and etag != self.etag:
            raise self._client.odd(say("link_other_version"))
        self.etag = etag
        if self._known is None or etag != self._known[0]:
            return False
        # Not every server heeds If-None-Match beside a Range.
        length = response.headers.get("content-length", "")
        if response.status_code == 206:
            self._total(response)
            return self.size == self._known[1]
        return response.status_code == 200 and length == str(self._known[1])

    async def _body(self, response: httpx.Response, count: int) -> bytes:
        out = bytearray()
        async for chunk in response.aiter_raw():
            out += chunk
            self.fetched += len(chunk)
            # An answer read to its very end leaves the connection open for the next request.
            if len(out) > count:
                break
        return bytes(out[:count])

    def _first_byte(self, response: httpx.Response) -> int | None:
        self._total(response)
        match = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
        return int(match[1]) if match else None

    def _total(self, response: httpx.Response) -> None:
        match = re.search(r"/(\d{1,18})$", response.headers.get("content-range", ""))
        if match is None:
            return
        if self.size is not None and self.size != int(match[1]):
            raise self._client.odd(say("link_other_size"))
        self.size = int(match[1])

    async def _pull(self, offset: int, count: int) -> bytes:
        """Read on in the stream, forgetting what lies before `offset`."""
        if offset < self._base:
            raise self._client.odd(say("link_parts_needed"))
        ends = offset + count if self.size is None else min(offset + count, self.size)
        if ends > self.cap:
            raise self._client.no_parts(self.cap)
        self._forget(offset)
        while self._base + len(self._buffer) < offset + count:
            chunk = await anext(self._chunks, None) if self._chunks is not None else None
            if chunk is None:
                self.size = self._base + len(self._buffer)
                break
            self.fetched += len(chunk)
            self._buffer += chunk
            self._forget(offset)
        return bytes(self._buffer[:count]) if self._base == offset else b""

    def _forget(self, offset: int) -> None:
        passed = max(min(offset - self._base, len(self._buffer)), 0)
        del self._buffer[:passed]
        self._base += passed
