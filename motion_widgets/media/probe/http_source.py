"""Read parts of a file behind an http(s) link, under one total deadline.

httpx's time-outs are per read, so a server that drips a byte a second never trips them. Everything
runs on one event loop in a daemon thread, where a deadline cancels whatever is under way: looking up
the host, TLS, headers or body. Clients are made once per process; making one costs 20-34 ms.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from motion_widgets.core.errors import ClipError
from motion_widgets.media.probe.hub import is_inside, is_link, shared_hub
from motion_widgets.media.probe.sniff import fault, name_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    import httpx

__all__ = ["LinkSource", "is_link"]

HEAD = 40_960
"""Bytes asked for first: the headers of most short clips, in one round trip."""
TAIL = 4 << 20
"""A rest of at most this is fetched at once: behind the media there is mostly just the header."""
PEEK = 64 << 10
NEXT = 32
REDIRECTS = 5
REQUESTS = 40
"""Requests for one file; a crafted one could ask for thousands."""
STREAM_CAP = 100 << 20
"""Bytes read from a server that serves no parts."""

_T = TypeVar("_T")


class LinkSource:
    """A `boxes.Source` over HTTP Range, or over a stream where a server serves no parts.

    Parameters
    ----------
    link
        An http or https address.
    deadline
        Seconds for everything together.
    whole
        Ask for no parts: the file is wanted from its start, at most `cap` bytes.
    first
        Bytes asked for first.
    public
        Refuse every host, redirects included, that is not on the public internet.
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
        self.name = name_of(self.link)
        self.host = "?"
        self.seconds = deadline
        self.size: int | None = None
        self.etag: str | None = None
        """What the server calls this version of the file. None: it does not, or only roughly."""
        self.fetched = 0
        self.requests = 0
        self.cap = cap
        self._whole = whole
        self._first = first
        self._public = public
        self._known: tuple[str, int | None] | None = None
        self._same = False
        self._end = time.monotonic() + deadline
        self._parts: list[tuple[int, bytes]] = []
        self._stream: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._buffer = bytearray()
        self._base = 0
        self._hub = shared_hub()
        self._url = self.link
        self._check(self.link)

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
        if count <= 0 or (self.size is not None and offset >= self.size and self._stream is None):
            return b""
        if self._stream is None and not self.holds(offset, count):
            self._run(self._fetch(offset, self._wanted(offset, count, ahead=ahead)))
        if self._stream is not None:
            return self._run(self._pull(offset, count))
        for at, part in self._parts:
            if at <= offset < at + len(part):
                piece = part[offset - at : offset - at + count]
                if len(piece) == count or at + len(part) == self.size:
                    return piece
        return self._joined(offset, count)

    def unchanged(self, etag: str, size: int | None) -> bool:
        """Ask whether the file is still the one of an ETag and size; before anything was read.

        It takes one request without a body. If the file is another, its head is here afterwards.
        """
        self._known, self._same = (etag, size), False
        try:
            self._run(self._fetch(0, HEAD))
        finally:
            self._known = None
        return self._same

    def close(self) -> None:
        """End the stream, if there is one; harmless twice."""
        stream, self._stream = self._stream, None
        if stream is not None:
            closing = asyncio.run_coroutine_threadsafe(stream.aclose(), self._hub.loop)
            with suppress(TimeoutError):  # it goes on closing there
                closing.result(5)

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

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run on the shared loop within what is left of the deadline; every failure becomes a fault."""
        import httpx

        left = self._end - time.monotonic()
        if left <= 0:
            work.close()
            raise self._slow()
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, left), self._hub.loop)
        try:
            return future.result()
        except (TimeoutError, httpx.TimeoutException, concurrent.futures.CancelledError) as error:
            raise self._slow() from error
        except ClipError:
            raise
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise self._unreachable(error) from error
        except BaseException:
            future.cancel()
            raise

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
                    raise fault("empty_file", name=self.name)
                return
            if response.status_code == 206:
                if self._first_byte(response) != start:
                    raise self._odd("a part that was not asked for")
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

    def _is_known(self, response: httpx.Response) -> bool:
        """Note the ETag; True when the answer says that the file is the one already known."""
        etag = response.headers.get("etag", "").strip()
        etag = etag if etag.startswith('"') else None  # a weak one does not vouch for the bytes
        if self._known is not None and response.status_code == 304:
            return True
        if self.etag is not None and etag != self.etag:
            raise self._odd("another version than a moment ago")
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

    async def _open(self, start: int, count: int) -> httpx.Response:
        """Send the request, follow redirects, and judge the status and the encoding."""
        headers = {} if self._whole else {"Range": f"bytes={start}-{start + count - 1}"}
        accepted = {200, 206, 416}
        if self._known is not None:
            headers["If-None-Match"] = self._known[0]
            accepted.add(304)
        for _ in range(REDIRECTS + 1):
            if self._public:
                await self._refuse_private()
            if self.requests >= REQUESTS:
                raise self._odd(f"it takes over {REQUESTS} requests")
            client = self._hub.client(self.host)
            self.requests += 1
            response = await client.send(client.build_request("GET", self._url, headers=headers), stream=True)
            client.cookies.clear()  # nothing a host sets is sent to it again
            if response.status_code in {301, 302, 303, 307, 308} and "location" in response.headers:
                await response.aclose()
                self._follow(response.headers["location"])
                continue
            if response.status_code not in accepted:
                await response.aclose()
                raise fault(
                    "link_dead",
                    reached=False,
                    name=self.name,
                    host=self.host,
                    status=response.status_code,
                )
            encoding = response.headers.get("content-encoding", "identity").strip().lower()
            if encoding not in {"", "identity"}:
                await response.aclose()
                raise fault(
                    "link_encoded", reached=False, name=self.name, host=self.host, found=encoding[:40]
                )
            return response
        raise fault(
            "link_redirect", reached=False, name=self.name, host=self.host, found=f"over {REDIRECTS} hops"
        )

    def _follow(self, location: str) -> None:
        before = self.host
        self._url = urljoin(self._url, location)
        scheme = urlsplit(self._url).scheme.lower()
        if scheme not in {"http", "https"}:
            raise fault(
                "link_redirect", reached=False, name=self.name, host=before, found=f"to {scheme[:20]}:"
            )
        self._check(self._url)
        if is_inside(self.host) and not is_inside(before):
            raise fault("link_redirect", reached=False, name=self.name, host=before, found=f"to {self.host}")

    def _check(self, link: str) -> None:
        try:
            parts = urlsplit(link)
            scheme, host = parts.scheme.lower(), parts.hostname or ""
            _ = parts.port
        except ValueError:
            scheme, host = "http", ""
        if scheme not in {"http", "https"}:
            raise fault("link_scheme", reached=False, name=self.name, found=scheme[:20])
        if not host:
            raise fault("link_unreachable", reached=False, name=self.name, host="?", found="no host in it")
        self.host = host

    async def _refuse_private(self) -> None:
        """Refuse a host with an address that is not public; one that only a proxy can look up is let pass."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
        except OSError:
            return
        if any(is_inside(str(address[4][0]).partition("%")[0]) for address in found):
            raise fault("link_inside", name=self.name, host=self.host)

    def _first_byte(self, response: httpx.Response) -> int | None:
        self._total(response)
        match = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
        return int(match[1]) if match else None

    def _total(self, response: httpx.Response) -> None:
        match = re.search(r"/(\d{1,18})$", response.headers.get("content-range", ""))
        if match is None:
            return
        if self.size is not None and self.size != int(match[1]):
            raise self._odd("another size than a moment ago")
        self.size = int(match[1])

    async def _pull(self, offset: int, count: int) -> bytes:
        """Read on in the stream, forgetting what lies before `offset`."""
        if offset < self._base:
            raise self._odd("no parts, but a part further up is needed")
        ends = offset + count if self.size is None else min(offset + count, self.size)
        if ends > self.cap:
            raise fault("link_no_range", reached=False, name=self.name, host=self.host, limit=self.cap >> 20)
        while self._base + len(self._buffer) < offset + count:
            chunk = await anext(self._chunks, None) if self._chunks is not None else None
            if chunk is None:
                self.size = self._base + len(self._buffer)
                break
            self.fetched += len(chunk)
            self._buffer += chunk
            passed = min(offset - self._base, len(self._buffer))
            if passed > 0:
                del self._buffer[:passed]
                self._base += passed
        passed = min(offset - self._base, len(self._buffer))
        if passed > 0:
            del self._buffer[:passed]
            self._base += passed
        return bytes(self._buffer[:count]) if self._base == offset else b""

    # -- how it fails ---------------------------------------------------------------------------

    def _slow(self) -> ClipError:
        return fault("link_slow", reached=False, name=self.name, host=self.host, seconds=f"{self.seconds:g}")

    def _odd(self, found: str) -> ClipError:
        return fault("link_answer", reached=False, name=self.name, host=self.host, found=found)

    def _unreachable(self, error: Exception) -> ClipError:
        text = f"{error} {error.__cause__ or ''}".lower()
        if "ssl" in text or "certificate" in text or "tls" in text:
            found = "its certificate or TLS is not accepted"
        elif any(word in text for word in ("name or service", "getaddrinfo", "nodename", "name resolution")):
            found = "there is no such host"
        elif "refused" in text or "all connection attempts failed" in text:
            found = "it refuses the connection"
        else:
            found = "the connection broke"
        return fault(
            "link_unreachable",
            reached=False,
            detail=str(error),
            name=self.name,
            host=self.host,
            found=found,
        )
