"""Opening a result's link: every hop judged, and the connection made to the very address that was judged."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from motion_widgets.core.hosts import is_loopback
from motion_widgets.core.http import PrivateHostError, get, open_transport, public_addresses
from motion_widgets.core.messages import say
from motion_widgets.endpoint.errors import EndpointError, ServerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = ["failed", "opened"]

HOPS = 4
OPENING_SECONDS = 60.0
"""Total deadline of looking up, connecting, redirects and headers."""
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0


def failed(why: str) -> ServerError:
    """Return the error of a download that did not succeed and is tried again."""
    return ServerError(say("download_failed", why=why), code="download_failed", kind="download", detail=why)


@asynccontextmanager
async def opened(link: str, headers: Mapping[str, str], *, trusted: bool) -> AsyncIterator[httpx.Response]:
    """Ask for a link, following redirects; yield the open response of the last hop.

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
        A hop leads where a result has no business to be, has no address, there are too many, or the response
        did not begin in time.
    httpx.HTTPError, httpx.InvalidURL
        The host cannot be reached.
    """
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                response = await _followed(httpx.URL(link), headers, stack, trusted=trusted)
        except TimeoutError:
            raise failed(say("download_no_start", seconds=OPENING_SECONDS)) from None
        yield response


async def _followed(
    url: httpx.URL, headers: Mapping[str, str], stack: AsyncExitStack, *, trusted: bool
) -> httpx.Response:
    for _ in range(HOPS):
        response = await _hop(url, headers, trusted=trusted)
        await stack.enter_async_context(aclosing(response))
        if not response.is_redirect:
            return response
        url = url.join(response.headers.get("location", ""))
        await stack.aclose()
    raise failed(say("download_redirects"))


async def _hop(url: httpx.URL, headers: Mapping[str, str], *, trusted: bool) -> httpx.Response:
    """Ask one host, over a connection of its own: none is carried on."""
    addresses = [] if trusted and is_loopback(str(url)) else await _addresses(url)
    waits = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    return await get(open_transport(url), url, headers, addresses=addresses, waits=waits)


async def _addresses(url: httpx.URL) -> list[str]:
    """Look up a host and judge what is found: it is asked over https only, and all of it must be public."""
    host = url.raw_host.decode("ascii")
    if url.scheme != "https" or not host:
        raise _refused(host)
    try:
        return await public_addresses(url)
    except PrivateHostError:
        raise _refused(host) from None
    except OSError as error:
        raise failed(str(error)) from None


def _refused(host: str) -> EndpointError:
    return EndpointError(say("download_refused", host=host or "?"), code="download_refused", kind="download")
