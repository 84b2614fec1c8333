"""The way to a result's host: every hop judged, and the connection made to the very address that was judged.

Between a look at a name's address and httpx's own look the name may come to lead elsewhere (DNS rebinding),
so httpx is given the address; TLS and the Host header keep the name. All of this blocks, on the thread of one
download, and is ended from elsewhere by cutting its `Line`.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

import httpx

from motion_widgets.endpoint.client import is_loopback
from motion_widgets.endpoint.errors import EndpointError, ServerError
from motion_widgets.media.hub import is_inside
from motion_widgets.texts import say

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

__all__ = ["Line", "failed", "opened"]

HOPS = 4
ADDRESSES = 4
"""Addresses of one host that are tried."""
OPENING_SECONDS = 60.0
"""Total deadline of looking up, connecting, redirects and headers."""
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0


def failed(why: str) -> ServerError:
    """Make the error of a download that did not succeed and is tried again."""
    return ServerError(say("download_failed", why=why), code="download_failed", kind="download", detail=why)


class Line:
    """What one download is connected by, so that any thread can end it.

    A blocking read knows how long it may be silent, but no total deadline, nor that nobody waits any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: socket.socket | None = None
        self._cut = False
        self._due = float("inf")

    @property
    def patience(self) -> float:
        """For how many s more it may be opened; at most the whole deadline."""
        return min(max(self._due - time.monotonic(), 0.0), OPENING_SECONDS)

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Be opened meanwhile, against a deadline."""
        self._due = time.monotonic() + OPENING_SECONDS
        try:
            yield
        finally:
            self._due = float("inf")

    def watch(self) -> None:
        """Cut it if it is not open in time."""
        if time.monotonic() >= self._due:
            self.cut()

    def cut(self) -> None:
        """End what is under way; whoever reads meets an error, now or as soon as there is a connection."""
        with self._lock:
            self._cut, self._due = True, float("inf")
            if self._end is not None:
                with contextlib.suppress(OSError):  # it ended by itself
                    self._end.shutdown(socket.SHUT_RDWR)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from the HTTP library what it does."""
        if event == "connection.connect_tcp.complete":
            self._hold(info["return_value"].get_extra_info("socket"))
        self.check()

    def check(self) -> None:
        """Raise if it was cut."""
        if self._cut:
            raise failed(f"it did not begin within {OPENING_SECONDS:g} s")

    def close(self) -> None:
        """Let go of the connection."""
        self._hold(None)

    def _hold(self, made: socket.socket | None) -> None:
        # A handle of our own: TLS takes the socket itself over.
        with self._lock:
            if self._end is not None:
                self._end.close()
            self._end = made.dup() if made is not None else None


@contextmanager
def opened(link: str, headers: Mapping[str, str], line: Line, *, trusted: bool) -> Iterator[httpx.Response]:
    """Ask for a link, following redirects; give the open answer of the last hop.

    Parameters
    ----------
    link
        Where to begin.
    headers
        Sent to every hop; no key is ever among them.
    line
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
        with line.opening():
            try:
                response = _followed(httpx.URL(link), headers, line, stack, trusted=trusted)
            except httpx.HTTPError:
                line.check()  # then this was no fault of the host's
                raise
        yield response


def _followed(
    url: httpx.URL, headers: Mapping[str, str], line: Line, stack: contextlib.ExitStack, *, trusted: bool
) -> httpx.Response:
    for _ in range(HOPS):
        line.check()
        response = stack.enter_context(_hop(url, headers, line, trusted=trusted))
        if not response.is_redirect:
            return response
        url = url.join(response.headers.get("location", ""))
        stack.close()
    raise failed("too many redirects")


@contextmanager
def _hop(
    url: httpx.URL, headers: Mapping[str, str], line: Line, *, trusted: bool
) -> Iterator[httpx.Response]:
    """Ask one host. Each hop has a transport of its own: no connection is carried on.

    A whole client would add redirects, cookies and the environment's say, none of which has business here.
    """
    here = trusted and is_loopback(str(url))
    proxy = None if here else _proxy_for(url)
    addresses = [] if here else _addresses(url, by_proxy=proxy is not None)
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS).as_dict()
    asked = {"timeout": timeout, "trace": line.trace}
    with contextlib.closing(line), httpx.HTTPTransport(trust_env=False, proxy=proxy, verify=_tls()) as http:
        if here or proxy is not None:
            response = http.handle_request(httpx.Request("GET", url, headers=headers, extensions=asked))
        else:
            response = _send_to(http, addresses, url, headers, asked)
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


def _proxy_for(url: httpx.URL) -> str | None:
    """Give the environment's proxy for a link, which then makes the connection. None: there is none."""
    known = getproxies()
    proxy = known.get(url.scheme) or known.get("all")
    if not proxy or proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _refused(host: str) -> EndpointError:
    return EndpointError(say("download_refused", host=host or "?"), code="download_refused", kind="download")


@functools.cache
def _tls() -> ssl.SSLContext:
    """Make the TLS context, once: it takes 50 ms, which the loop has not got."""
    return httpx.create_ssl_context()
