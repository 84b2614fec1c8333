"""The way to a result's host: every hop judged, and the connection made to the very address that was judged.

Between a look at a name's address and httpx's own look the name may come to lead elsewhere (DNS rebinding),
so httpx is given the address; TLS and the Host header keep the name. All of this blocks, on the thread of one
download, and is ended from elsewhere by cutting its `Way`.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from motion_widgets.core.messages import say
from motion_widgets.endpoint.client import is_loopback
from motion_widgets.endpoint.errors import EndpointError, ServerError
from motion_widgets.endpoint.transport import Line, Wire, proxy_for
from motion_widgets.media.probe.hub import is_inside

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

__all__ = ["Way", "failed", "opened", "pieces"]

HOPS = 4
ADDRESSES = 4
"""Addresses of one host that are tried."""
OPENING_SECONDS = 60.0
"""Total deadline of looking up, connecting, redirects and headers."""
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
PIECE = 256 * 1024
"""Bytes that are read at once at most."""


def failed(why: str) -> ServerError:
    """Make the error of a download that did not succeed and is tried again."""
    return ServerError(say("download_failed", why=why), code="download_failed", kind="download", detail=why)


class Way(Line):
    """A line that must be open, redirects and all, by a deadline."""

    def __init__(self) -> None:
        super().__init__()
        self._due = float("inf")

    @property
    def patience(self) -> float:
        """For how many s more it may be opened; at most the whole deadline."""
        return min(max(self._due - time.monotonic(), 0.0), OPENING_SECONDS)

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Be opened meanwhile, against the deadline."""
        self._due = time.monotonic() + OPENING_SECONDS
        try:
            yield
        finally:
            self._due = float("inf")

    def watch(self) -> None:
        """Cut it if it is not open in time."""
        if time.monotonic() >= self._due:
            self._due = float("inf")
            self.cut()


@contextmanager
def opened(link: str, headers: Mapping[str, str], way: Way, *, trusted: bool) -> Iterator[httpx.Response]:
    """Ask for a link, following redirects; give the open answer of the last hop.

    Parameters
    ----------
    link
        Where to begin.
    headers
        Sent to every hop; no key is ever among them.
    way
        By which this is ended from another thread.
    trusted
        The endpoint is on this machine, so plain http and loopback are right.

    Raises
    ------
    EndpointError
        A hop leads where a result has no business to be, has no address, there are too many, or the line was
        cut.
    httpx.HTTPError, httpx.InvalidURL
        The host cannot be reached.
    """
    with contextlib.ExitStack() as stack:
        with way.opening():
            try:
                response = _followed(httpx.URL(link), headers, way, stack, trusted=trusted)
            except (httpx.HTTPError, ConnectionAbortedError):
                if way.is_cut:  # then this was no fault of the host's
                    raise failed(f"it did not begin within {OPENING_SECONDS:g} s") from None
                raise
        yield response


def pieces(response: httpx.Response) -> Iterator[bytes]:
    """Return an answer's content as it comes; of a known length, straight from the connection.

    httpx reads 64 KB at a time through a parser, which takes as much CPU again as all the rest of a download.
    Its first piece is all that the parser holds; behind that the connection has nothing but the content.

    Raises
    ------
    EndpointError, httpx.HTTPError
        The connection broke, or nothing came for too long.
    """
    parsed, promised = response.iter_raw(), response.headers.get("content-length", "")
    if not promised.isdecimal() or "transfer-encoding" in response.headers:
        yield from parsed
        return
    first = next(parsed, b"")
    yield first
    left, connection = int(promised) - len(first), response.extensions["network_stream"]
    while left > 0:
        try:
            piece = connection.read(min(left, PIECE), timeout=SILENCE_SECONDS)
        except Exception as error:  # noqa: BLE001 - of httpx's own backend, which is not named here
            raise failed(f"{type(error).__name__}: {error}") from None
        if not piece:
            return
        left -= len(piece)
        yield piece


def _followed(
    url: httpx.URL, headers: Mapping[str, str], way: Way, stack: contextlib.ExitStack, *, trusted: bool
) -> httpx.Response:
    for _ in range(HOPS):
        way.check()
        response = stack.enter_context(_hop(url, headers, way, trusted=trusted))
        if not response.is_redirect:
            return response
        url = url.join(response.headers.get("location", ""))
        stack.close()
    raise failed("too many redirects")


@contextmanager
def _hop(url: httpx.URL, headers: Mapping[str, str], way: Way, *, trusted: bool) -> Iterator[httpx.Response]:
    """Ask one host. Each hop has a connection of its own: none is carried on."""
    here = trusted and is_loopback(str(url))
    proxy = None if here else proxy_for(url)
    addresses = [] if here else _addresses(url, by_proxy=proxy is not None)
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS).as_dict()
    asked = {"timeout": timeout, "trace": way.trace}
    with contextlib.closing(Wire(_tls(), proxy=proxy, line=way)) as wire:
        if here or proxy is not None:
            response = wire.http.handle_request(httpx.Request("GET", url, headers=headers, extensions=asked))
        else:
            response = _send_to(wire.http, addresses, url, headers, asked)
        try:
            yield response
        finally:
            response.close()


def _send_to(
    http: httpx.HTTPTransport,
    addresses: list[str],
    url: httpx.URL,
    headers: Mapping[str, str],
    asked: Mapping[str, Any],
) -> httpx.Response:
    """Ask the first address that lets itself be connected to, in the name of the link's host."""
    named = {**headers, "Host": url.netloc.decode("ascii")}
    extensions = {**asked, "sni_hostname": url.raw_host.decode("ascii")}
    for number, address in enumerate(addresses, 1):
        request = httpx.Request("GET", url.copy_with(host=address), headers=named, extensions=extensions)
        try:
            return http.handle_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if number == len(addresses):
                raise
    raise AssertionError


def _addresses(url: httpx.URL, *, by_proxy: bool) -> list[str]:
    """Look a host up, once, and judge what is found: all of it must be public."""
    host = url.raw_host.decode("ascii")
    if url.scheme != "https" or not host:
        raise _refused(host)
    try:
        found = socket.getaddrinfo(host, url.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        if by_proxy:  # where only the proxy knows the names outside
            return []
        raise failed(str(error)) from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not addresses or any(is_inside(address) for address in addresses):
        raise _refused(host)
    return addresses[:ADDRESSES]


def _refused(host: str) -> EndpointError:
    return EndpointError(say("download_refused", host=host or "?"), code="download_refused", kind="download")


@functools.cache
def _tls() -> ssl.SSLContext:
    """Make the TLS context, once: it takes 50 ms, which the loop has not got."""
    return httpx.create_ssl_context()
