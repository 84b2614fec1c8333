"""HTTP, once for all: connections to the endpoint, to media behind links, and to results.

Built on httpx's asynchronous transports. A whole `httpx.AsyncClient` would add cookies, redirects and a log
line that shows each link's signature; whoever follows redirects judges each hop. Total deadlines are an
`asyncio.timeout` around the call. Everything here belongs to the running event loop.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from contextlib import suppress
from functools import cache, lru_cache
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from motion_widgets.core.errors import RequestError
from motion_widgets.core.hidden import variable
from motion_widgets.core.hosts import is_loopback, is_private
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

__all__ = [
    "PrivateHostError",
    "SettingsError",
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
PATIENCE = (1.0, 4.0, None)
"""s for which each of several addresses is waited for, in rounds. None: for as long as there is."""
NAMES = 32
"""Hosts whose secured connections are kept, and their good addresses; those of others go."""
_PROXIES = ("http", "https", "socks5", "socks5h")
_good: dict[tuple[str, int], str] = {}
"""The address of each host and port that answered last."""
_shared: dict[tuple[asyncio.AbstractEventLoop, str | None, str], httpx.AsyncHTTPTransport] = {}


class PrivateHostError(Exception):
    """A host is, or its name leads to, this machine or a private network."""


class SettingsError(RequestError):
    """What this machine's settings say of proxies or certificates cannot be used; nothing was sent."""


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

    Raises
    ------
    SettingsError
        The environment's proxy, or its file of certificates, cannot be used.
    """
    fault = _proxy_fault(url)
    if fault:
        raise SettingsError.of("proxy_unusable", variable=_proxy_variable(url), found=fault)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=keep, keepalive_expiry=seconds)
    http = httpx.AsyncHTTPTransport(
        verify=_certificates(url),
        proxy=proxy_for(url),
        trust_env=False,
        limits=limits,
    )
    # httpx does not pass on the option that httpcore has for this.
    http._pool._network_backend = _Network()  # noqa: SLF001
    return http


class _Network(httpcore.AnyIOBackend):
    """Connects to names as httpcore does, but first, and briefly, to the address that answered last."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as in httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect within `timeout` s; the next address is tried after 0.25 s, IPv6 first."""
        began, known = time.monotonic(), _good.get((host, port))
        options: dict[str, Any] = {"local_address": local_address, "socket_options": socket_options}
        with suppress(httpcore.ConnectError, httpcore.ConnectTimeout, OSError):  # the others are tried
            if known is not None and known in await _look_up(host, port):
                patience = min(filter(None, (PATIENCE[0], timeout)))
                return await super().connect_tcp(known, port, patience, **options)
        left = None if timeout is None else max(timeout - (time.monotonic() - began), 0.0)
        stream = await super().connect_tcp(host, port, left, **options)
        _remember(host, port, stream.get_extra_info("server_addr")[0])
        return stream


async def _look_up(host: str, port: int) -> list[str]:
    """Return a host's addresses, each once."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _remember(host: str, port: int, address: str) -> None:
    """Keep an address as the one to try first, unless it is all that there is to the host."""
    if address != host:
        _good.pop((host, port), None)
        _good[host, port] = address
        while len(_good) > NAMES:
            del _good[next(iter(_good))]


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def shared_transport(url: httpx.URL) -> httpx.AsyncHTTPTransport:
    """Return the transport whose idle connections all on the running loop share; no key is sent over them.

    Over https each name has its own: a certificate was checked for one name, and others share its address.
    """
    proxy = proxy_for(url)
    key = asyncio.get_running_loop(), proxy, url.host if url.scheme == "https" and proxy is None else ""
    if key not in _shared:
        _shared[key] = open_transport(url, keep=8, seconds=30)
    while len(_shared) > NAMES:
        del _shared[next(iter(_shared))]
    return _shared[key]


def _certificates(url: httpx.URL) -> ssl.SSLContext:
    """Return whom to trust; nobody, where no TLS is spoken: plain http to this machine needs no files."""
    if url.scheme != "https" and proxy_for(url) is None:
        return _no_tls()
    file, folder = variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR")
    try:
        # What is not there, or is none, some versions of httpx leave out without a word.
        if not Path(file).is_file() if file else folder and not Path(folder).is_dir():
            raise FileNotFoundError
        return _tls_context(file, folder)
    except OSError as error:  # an SSLError is one
        missing = not Path(file or folder).exists()
        kind = "certificates_missing" if missing else "certificates_locked"
        if not missing and (isinstance(error, ssl.SSLError) or not Path(file).is_file()):
            kind = "certificates_none"
    name = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
    raise SettingsError.of("certificates_unusable", variable=name, found=say(kind))


@cache
def _no_tls() -> ssl.SSLContext:
    """Return a TLS context that trusts nobody; making one for each connection took as long as sending."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@lru_cache(4)
def _tls_context(*_: str | None) -> ssl.SSLContext:
    """Make a TLS context; it takes some 30 ms, so there is one per certificate store of the environment."""
    return httpx.create_ssl_context()


def proxy_for(url: httpx.URL) -> str | None:
    """Return the environment's proxy for a link. None: there is none, or the link is to this machine."""
    if is_loopback(str(url)) or f".{url.host.rstrip('.')}".endswith(".localhost"):
        return None
    known = getproxies()
    if _goes_direct(url, known.get("no", "")):
        return None
    proxy = known.get(url.scheme) or known.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _goes_direct(url: httpx.URL, exceptions: str) -> bool:
    """Return whether the environment excepts a host from its proxy: by name, with its port, or by network."""
    with suppress(ValueError):  # the host is a name
        address = ip_address(url.host)
        for one in exceptions.split(","):
            with suppress(ValueError):  # a name
                if address in ip_network(one.strip().lstrip("[").partition("]")[0], strict=False):
                    return True
    return bool(proxy_bypass(url.host) or proxy_bypass(f"{url.host}:{_port(url)}"))


def _proxy_variable(url: httpx.URL) -> str:
    """Return the name of the variable that names a link's proxy."""
    names = [name for kind in (url.scheme, "all") for name in (f"{kind}_proxy", f"{kind.upper()}_PROXY")]
    return next(filter(variable, names), say("proxy_of_system"))


def _proxy_fault(url: httpx.URL) -> str:
    """Return what is wrong with a link's proxy, in words that do not show it. ``""``: nothing is."""
    proxy = proxy_for(url)
    if proxy is None:
        return ""
    scheme = proxy.partition("://")[0].lower()
    if scheme not in _PROXIES:
        known = re.fullmatch("[a-z][a-z0-9+.-]{0,9}", scheme)
        return say("proxy_scheme", found=scheme if known else "?", known=", ".join(_PROXIES))
    try:
        parts = httpx.URL(proxy)
    except (httpx.InvalidURL, ValueError):
        return say("proxy_no_address")
    odd = not parts.host or (":" not in parts.host and set(parts.host) & set(" %"))
    if odd or (parts.port or 1) > 65535 or parts.path.startswith("//"):
        return say("proxy_no_address")
    return say("proxy_no_socks") if scheme.startswith("socks") and find_spec("socksio") is None else ""


def _never(_: str) -> bool:
    return False


async def public_addresses(url: httpx.URL, *, besides: Callable[[str], bool] = _never) -> list[str]:
    """Look up a host, once, and return its addresses, all of which are public.

    Between this look-up and another one by whoever connects, a name may come to lead elsewhere (DNS
    rebinding), so connect to what is returned here (`get`). The environment's proxy looks names up itself:
    what leads inside from here is not asked for, but where the proxy's own name server leads is up to it.

    Parameters
    ----------
    url
        The link.
    besides
        Is asked about each address that is not public; True: it will do.

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
    if besides is _never and is_private(host):  # also where it cannot be looked up from here
        raise PrivateHostError(host)
    try:
        addresses = await _look_up(host, _port(url))
    except (OSError, UnicodeError) as error:  # UnicodeError: a label of over 63 characters
        if proxy is not None:  # where only the proxy knows the names outside
            return []
        raise error if isinstance(error, OSError) else OSError(str(error)) from error
    if not addresses or not all(not is_private(one) or besides(one) for one in addresses):
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
        The only ones to connect to; TLS and the Host header keep the link's name. Each is waited for briefly,
        so that a dead one holds nothing up, and the one that answered last goes first. Empty: those that the
        name leads to, of which the next is tried after 0.25 s.
    waits
        How long to connect, and how long the host may be silent. None: for ever, as there is a deadline.
    """
    extensions: dict[str, Any] = {"timeout": (waits or httpx.Timeout(None)).as_dict()}
    if not addresses:
        return await send(http, httpx.Request("GET", url, headers=headers, extensions=extensions))
    named = {**headers, "Host": url.netloc.decode("ascii")}
    host, longest = url.raw_host.decode("ascii"), extensions["timeout"]["connect"]
    extensions["sni_hostname"] = host
    left = sorted(addresses, key=lambda one: one != _good.get((host, _port(url))))
    trouble: httpx.TransportError | None = None
    for patience in PATIENCE if len(left) > 1 else (None,):
        for address in tuple(left):
            connect = min(filter(None, (patience, longest)), default=None)
            extensions["timeout"] = {**extensions["timeout"], "connect": connect}
            pinned = httpx.Request("GET", url.copy_with(host=address), headers=named, extensions=extensions)
            try:
                response = await send(http, pinned)
            except httpx.ConnectTimeout as error:
                trouble = error
            except httpx.ConnectError as error:
                trouble = error
                left.remove(address)
            else:
                _remember(host, _port(url), address)
                return response
    raise trouble or AssertionError


async def _at_once() -> None:
    pass


async def send(
    http: httpx.AsyncHTTPTransport,
    request: httpx.Request,
    *,
    before: Callable[[], Awaitable[None]] = _at_once,
) -> httpx.Response:
    """Send a request and return the response with its body unread; what ends this early ends the connection.

    Parameters
    ----------
    http
        The transport.
    request
        The request.
    before
        Awaited once there is a connection, right before the first byte of the request is written; if it
        raises, nothing is written.

    Raises
    ------
    SettingsError
        The proxy asks for a name and a password.
    """
    opened: list[Any] = []

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            opened.append(info["return_value"])
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            await before()  # a CONNECT is for a proxy

    request.extensions = {**request.extensions, "trace": trace}
    try:
        return await http.handle_async_request(request)
    except BaseException as error:  # it is raised again
        for connection in opened:  # httpcore forgets one that is cancelled while it is being secured
            await connection.aclose()
        if not isinstance(error, httpx.ProxyError) or not str(error).startswith("407"):
            raise
    raise SettingsError.of("proxy_unusable", variable=_proxy_variable(request.url), found=say("proxy_login"))
