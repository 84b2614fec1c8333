"""The requests for one file behind an http(s) link: each hop judged, all within one total deadline.

On an event loop a deadline ends whatever is under way: looking up the host, TLS, headers or body. A time-out
per read would not, with a server that drips a byte a second.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from motion_widgets.core.background import on_owned_loop, spawn
from motion_widgets.core.errors import ClipError
from motion_widgets.core.messages import say
from motion_widgets.core.visitor import must_be_public
from motion_widgets.media.probe.sniff import name_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Coroutine, Mapping

    import httpx

__all__ = ["LinkClient"]

REDIRECTS = 5
REQUESTS = 40
"""Requests for one file; a crafted one could ask for thousands."""
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_T = TypeVar("_T")


class LinkClient:
    """Asks for one link, and remembers where its redirects led.

    Parameters
    ----------
    link
        An http or https address.
    deadline
        Seconds for everything together.
    public
        Refuse every host, redirects included, that is not on the public internet. Otherwise a link may lead
        anywhere, but a redirect inside only to where the link itself led. A visitor's links are public.

    Raises
    ------
    ClipError
        The link is of another scheme, or names no host.
    """

    def __init__(self, link: str, *, deadline: float, public: bool) -> None:
        self.link = link
        self.name = name_of(link)
        self.host = "?"
        self.seconds = deadline
        self.requests = 0
        self._public = public
        self._end = time.monotonic() + deadline
        self._inside: set[str] = set()
        """The addresses inside to which the link itself leads."""
        self._before: str | None = None
        """The host that led here by a redirect. None: this is the link itself."""
        self._go_to(link)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run on the background loop as `within` does, and wait for the result; never call it there."""
        if on_owned_loop():
            work.close()
            raise RuntimeError("the background loop would wait for itself")
        future = spawn(self.within(work))
        try:
            return future.result()
        except BaseException:  # it is raised again
            future.cancel()
            raise

    async def within(self, work: Awaitable[_T]) -> _T:
        """Await something within what is left of the deadline; every failure becomes a `ClipError`."""
        import httpx

        from motion_widgets.core.http import SettingsError

        try:
            async with asyncio.timeout(self._end - time.monotonic()):
                return await work
        except SettingsError as error:
            raise self._fault("link_settings", why=str(error)) from None
        except TimeoutError as error:
            raise self._fault("link_slow", seconds=f"{self.seconds:g}") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise self._fault("link_unreachable", detail=str(error), found=_reason(error)) from error

    async def open(self, headers: Mapping[str, str], accepted: Collection[int]) -> httpx.Response:
        """Send a request, follow redirects, and judge the status and the encoding; the caller closes it."""
        for _ in range(REDIRECTS + 1):
            response = await self._send(headers)
            encoding = response.headers.get("content-encoding", "identity").strip().lower()
            redirected = response.status_code in _REDIRECTED and "location" in response.headers
            if response.status_code in accepted and encoding in {"", "identity"}:
                return response
            await response.aclose()
            if redirected:
                self._follow(response.headers["location"])
            elif response.status_code not in accepted:
                raise self._fault("link_dead", status=response.status_code)
            else:
                raise self._fault("link_encoded", found=encoding[:40])
        raise self._fault("link_redirect", found=f"over {REDIRECTS} hops")

    def odd(self, found: str) -> ClipError:
        """Return the error of an answer that makes no sense."""
        return self._fault("link_answer", found=found)

    def no_parts(self, limit: int) -> ClipError:
        """Return the error of a server that serves no parts, where more than `limit` bytes are needed."""
        return self._fault("link_no_range", limit=limit >> 20)

    async def _send(self, headers: Mapping[str, str]) -> httpx.Response:
        import httpx

        from motion_widgets.core import http

        url = httpx.URL(self._url)
        if self.requests >= REQUESTS:
            raise self.odd(say("link_many_requests", count=REQUESTS))
        if url.userinfo:
            login = b64encode(f"{url.username}:{url.password}".encode()).decode()
            headers = {**headers, "Authorization": f"Basic {login}"}
        addresses = await self._addresses(url)
        self.requests += 1
        kept = on_owned_loop() and not self._public
        transport = http.shared_transport(url) if kept else http.open_transport(url)
        return await http.get(transport, url, headers, addresses=addresses)

    async def _addresses(self, url: httpx.URL) -> list[str]:
        """Judge the present hop by the addresses that it leads to, which are the ones to connect to."""
        from motion_widgets.core import http

        strict = self._public or (self.requests > 0 and not self._inside)
        besides = {} if strict else {"besides": self._may_lead_to}
        try:
            return await http.public_addresses(url, **besides)
        except http.PrivateHostError:
            if self._before is None or self._public:
                raise ClipError.of("link_inside", name=self.name, host=self.host) from None
            found = f"to {self.host}"
            raise ClipError.of("link_redirect", name=self.name, host=self._before, found=found) from None

    def _may_lead_to(self, address: str) -> bool:
        """Return whether an address inside is one that the link itself leads to."""
        same = "loopback" if ip_address(address).is_loopback else address
        if self.requests == 0:
            self._inside.add(same)
        return same in self._inside

    def _follow(self, location: str) -> None:
        url = urljoin(self._url, location)
        scheme = urlsplit(url).scheme.lower()
        if scheme not in {"http", "https"}:
            raise self._fault("link_redirect", found=f"to {scheme[:20]}:")
        self._before = self.host
        self._go_to(url)

    def _go_to(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            scheme, host = parts.scheme.lower(), parts.hostname or ""
            _ = parts.port
        except ValueError:
            scheme, host = "http", ""
        if scheme not in {"http", "https"}:
            raise ClipError.of("link_scheme", reached=False, name=self.name, found=scheme[:20])
        if not host:
            found = say("link_no_host")
            raise ClipError.of("link_unreachable", reached=False, name=self.name, host="?", found=found)
        self.host, self._url = host, url
        self._public |= must_be_public(url)

    def _fault(self, code: str, **params: Any) -> ClipError:
        return ClipError.of(code, reached=False, name=self.name, host=self.host, **params)


def _reason(error: Exception) -> str:
    """Return why a host could not be reached."""
    text = f"{error} {error.__cause__ or ''}".lower()
    if "ssl" in text or "certificate" in text or "tls" in text:
        return say("link_tls")
    if any(word in text for word in ("name or service", "getaddrinfo", "nodename", "name resolution")):
        return say("link_unknown_host")
    if "refused" in text or "all connection attempts failed" in text:
        return say("link_refused")
    return say("link_broke")
