"""The way to a result's host: every hop judged, and the connection made to the very address that was judged.

Between a look at a name's address and httpx's own look the name may come to lead elsewhere (DNS rebinding),
so httpx is given the address; TLS and the Host header keep the name.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import httpx

from motion_widgets.endpoint.client import is_loopback
from motion_widgets.endpoint.errors import EndpointError, ServerError
from motion_widgets.media.hub import is_inside
from motion_widgets.texts import say

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping

__all__ = ["failed", "opened"]

HOPS = 4
ADDRESSES = 4
"""Addresses of one host that are tried."""
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0


def failed(why: str) -> ServerError:
    """Make the error of a download that did not succeed and is tried again."""
    return ServerError(say("download_failed", why=why), code="download_failed", kind="download", detail=why)


@asynccontextmanager
async def opened(link: str, headers: Mapping[str, str], *, trusted: bool) -> AsyncIterator[httpx.Response]:
    """Ask for a link, following redirects; give the open answer of the last hop.

    Parameters
    ----------
    link
        Where to begin.
    headers
        Sent to every hop; no key is ever among them.
    trusted
        The endpoint is on this machine, so plain http and loopback are right.

    Raises
    ------
    EndpointError
        A hop leads where a result has no business to be, has no address, or there are too many.
    httpx.HTTPError, httpx.InvalidURL
        The host cannot be reached.
    """
    url = httpx.URL(link)
    for _ in range(HOPS):
        async with _hop(url, headers, trusted=trusted) as response:
            if not response.is_redirect:
                yield response
                return
            url = url.join(response.headers.get("location", ""))
    raise failed("too many redirects")


@asynccontextmanager
async def _hop(url: httpx.URL, headers: Mapping[str, str], *, trusted: bool) -> AsyncIterator[httpx.Response]:
    """Ask one host. Each hop has a client of its own: no cookie and no connection is carried on."""
    here = trusted and is_loopback(str(url))
    proxy = None if here else _proxy_for(url)
    addresses = [] if here else await _addresses(url, by_proxy=proxy is not None)
    context = _tls() if _tls.cache_info().currsize else await asyncio.to_thread(_tls)
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    async with httpx.AsyncClient(trust_env=False, proxy=proxy, verify=context, timeout=timeout) as http:
        if here or proxy is not None:
            response = await http.send(http.build_request("GET", url, headers=headers), stream=True)
        else:
            response = await _send_to(http, addresses, url, headers)
        try:
            yield response
        finally:
            await response.aclose()


async def _send_to(
    http: httpx.AsyncClient, addresses: list[str], url: httpx.URL, headers: Mapping[str, str]
) -> httpx.Response:
    """Ask the first address that lets itself be connected to, in the name of the link's host."""
    named = {**headers, "Host": url.netloc.decode("ascii")}
    extensions = {"sni_hostname": url.raw_host.decode("ascii")}
    for number, address in enumerate(addresses, 1):
        request = http.build_request("GET", url.copy_with(host=address), headers=named, extensions=extensions)
        try:
            return await http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if number == len(addresses):
                raise
    raise AssertionError


async def _addresses(url: httpx.URL, *, by_proxy: bool) -> list[str]:
    """Look a host up, once, and judge what is found: all of it must be public."""
    host = url.raw_host.decode("ascii")
    if url.scheme != "https" or not host:
        raise _refused(host)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, url.port or 443, type=socket.SOCK_STREAM)
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
