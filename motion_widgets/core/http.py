"""HTTP, once for all: connections to the endpoint, to media behind links, and to results.

Built on httpx's asynchronous transports. A whole `httpx.AsyncClient` would add cookies, redirects and a log
line that shows each link's signature; whoever follows redirects judges each hop. Total deadlines are an
`asyncio.timeout` around the call. Everything here belongs to the running event loop.
"""

from __future__ import annotations

import asyncio
import os
import socket
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

import httpx

from motion_widgets.core.hosts import is_loopback, is_private

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "PrivateHostError",
    "get",
    "open_transport",
    "proxy_for",
    "public_addresses",
    "send",
    "shared_transport",
]

KEEP_SECONDS = 5.0
"""How long an idle connection is kept."""
FILE_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "motion-widgets"}
"""What is sent along to ask for a file."""
ADDRESSES = 4
"""Addresses of one host that are tried."""
_shared: dict[tuple[asyncio.AbstractEventLoop, str | None], httpx.AsyncHTTPTransport] = {}


class PrivateHostError(Exception):
    """A host is, or its name leads to, this machine or a private network."""


def open_transport(
    url: httpx.URL, *, keep: int = 0, seconds: float = KEEP_SECONDS
) -> httpx.AsyncHTTPTransport:
    """Return a transport to a host: direct, or by the environment's proxy.

    Parameters
    ----------
    url
        Where the first request goes.
    keep
        Idle connections that are kept for later requests. 0: every request has a connection of its own, which
        is closed with its response.
    seconds
        How long an idle connection is kept.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=keep, keepalive_expiry=seconds)
    return httpx.AsyncHTTPTransport(
        verify=_tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
        proxy=proxy_for(url),
        trust_env=False,
        limits=limits,
    )


def shared_transport(url: httpx.URL) -> httpx.AsyncHTTPTransport:
    """Return the transport whose idle connections all on the running loop share; no key is sent over them."""
    key = asyncio.get_running_loop(), proxy_for(url)
    if key not in _shared:
        _shared[key] = open_transport(url, keep=8, seconds=30)
    return _shared[key]


@lru_cache(4)
def _tls_context(*_: str | None) -> ssl.SSLContext:
    """Make a TLS context; it takes some 30 ms, so there is one per certificate store of the environment."""
    return httpx.create_ssl_context()


def proxy_for(url: httpx.URL) -> str | None:
    """Return the environment's proxy for a link. None: there is none, or the link is to this machine."""
    if is_loopback(str(url)) or url.host.endswith(".localhost") or proxy_bypass(url.host):
        return None
    known = getproxies()
    proxy = known.get(url.scheme) or known.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


async def public_addresses(url: httpx.URL) -> list[str]:
    """Look up a host, once, and return its addresses, all of which are public.

    Between this look-up and another one by whoever connects, a name may come to lead elsewhere (DNS
    rebinding), so connect to what is returned here (`get`).

    Returns
    -------
    list of str
        At most 4. Empty: a proxy makes the connection.

    Raises
    ------
    PrivateHostError
        At least one address is not public.
    OSError
        The name cannot be looked up, and there is no proxy that might.
    """
    host, proxy = url.raw_host.decode("ascii"), proxy_for(url)
    try:
        loop, port = asyncio.get_running_loop(), url.port or (443 if url.scheme == "https" else 80)
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        if proxy is not None:  # where only the proxy knows the names outside
            return []
        raise
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not addresses or any(map(is_private, addresses)):
        raise PrivateHostError(host)
    return addresses[:ADDRESSES] if proxy is None else []


async def get(
    http: httpx.AsyncHTTPTransport,
    url: httpx.URL,
    headers: Mapping[str, str],
    *,
    addresses: Sequence[str] = (),
    waits: httpx.Timeout | None = None,
) -> httpx.Response:
    """Send a GET request and return the response with its body unread, which the caller closes.

    Parameters
    ----------
    http
        The transport.
    url
        The link; redirects are not followed.
    headers
        Further headers.
    addresses
        The only ones to connect to, in this order; TLS and the Host header keep the link's name. Empty: those
        that the name leads to.
    waits
        How long to connect, and how long the host may be silent. None: for ever, as there is a deadline.
    """
    extensions: dict[str, Any] = {"timeout": (waits or httpx.Timeout(None)).as_dict()}
    if not addresses:
        return await send(http, httpx.Request("GET", url, headers=headers, extensions=extensions))
    named = {**headers, "Host": url.netloc.decode("ascii")}
    extensions["sni_hostname"] = url.raw_host.decode("ascii")
    for number, address in enumerate(addresses, 1):
        pinned = url.copy_with(host=address)
        try:
            return await send(http, httpx.Request("GET", pinned, headers=named, extensions=extensions))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if number == len(addresses):
                raise
    raise AssertionError


async def send(
    http: httpx.AsyncHTTPTransport, request: httpx.Request, *, before: Callable[[], None] = lambda: None
) -> httpx.Response:
    """Send a request and return the response with its body unread; what ends this early ends the connection.

    Parameters
    ----------
    http
        The transport.
    request
        The request.
    before
        Called once there is a connection, right before the first byte of the request is written; if it
        raises, nothing is written.
    """
    opened: list[Any] = []

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            opened.append(info["return_value"])
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            before()  # a CONNECT is for a proxy

    request.extensions = {**request.extensions, "trace": trace}
    try:
        return await http.handle_async_request(request)
    except BaseException:
        for connection in opened:  # httpcore forgets one that is cancelled while it is being secured
            await connection.aclose()
        raise
