"""The event loop and the HTTP clients that all links of this process share.

A loop in a daemon thread, for there a deadline can cancel whatever is under way.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

__all__ = ["Hub", "is_inside", "is_link", "is_loopback", "shared_hub"]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LINK = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")


class Hub:
    """The event loop that all links share, and its clients."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self.clients: dict[bool, httpx.AsyncClient] = {}
        threading.Thread(target=self.loop.run_forever, name="motion-widgets-links", daemon=True).start()

    def client(self, host: str) -> httpx.AsyncClient:
        """Return the client for a host; a loopback host is never asked for through a proxy."""
        import httpx

        trusting = not is_loopback(host)
        if trusting not in self.clients:
            limits = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30)
            self.clients[trusting] = httpx.AsyncClient(
                trust_env=trusting,
                timeout=None,  # noqa: S113 - the total deadline around each call is stricter
                limits=limits,
                headers={"Accept-Encoding": "identity", "User-Agent": "motion-widgets"},
            )
        return self.clients[trusting]


_hub: Hub | None = None
_hub_lock = threading.Lock()


def shared_hub() -> Hub:
    """Return this process's hub, made at first use."""
    global _hub  # noqa: PLW0603 - one per process; a fork has no thread, so it makes its own
    with _hub_lock:
        if _hub is None or _hub.pid != os.getpid():
            _hub = Hub()
        return _hub


def is_link(source: object) -> bool:
    """Return whether a source is written as a link of any scheme."""
    return isinstance(source, str) and _LINK.match(source.strip()) is not None


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, as far as its name says."""
    host = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_inside(host: str) -> bool:
    """Return whether a host is this machine or its own network, as far as its name says."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return is_loopback(host)
    return not all(one.is_global and not one.is_multicast for one in (address, *_carried(address)))


def _carried(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses to which a gateway may lead what is sent to an IPv6 address."""
    if not isinstance(address, ipaddress.IPv6Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]
