"""Which addresses are complete, on this machine, or in a private network: the one place that decides it.

Everything here goes by what an address says; no name is looked up (`motion_widgets.core.http` does that).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

__all__ = ["host_of", "is_link", "is_loopback", "is_private"]

_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".localdomain", ".lan", ".home.arpa")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is public so far; the rest is local, reserved, or an older way to write IPv4."""
_LINK = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_NO_LINK = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]")
"""Blanks, control characters and halves of characters, none of which an address has."""


def is_link(source: object) -> bool:
    """Return whether a source is written as a link of any scheme."""
    return isinstance(source, str) and _LINK.match(source.strip()) is not None


def is_loopback(url: str) -> bool:
    """Return whether an address is on this machine; no name but ``localhost`` is, whatever it begins with."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(512)  # checked at every keystroke; the same few links
def is_private(host: str) -> bool:
    """Return whether a host is plainly this machine or in a private network; no name is looked up.

    Parameters
    ----------
    host
        A name, or an address in any spelling that a resolver accepts, such as ``127.1`` or ``[::1]``.
    """
    with suppress(UnicodeError):  # a resolver reads \uff11 as 1
        host = host.encode("idna").decode("ascii")
    host = host.lower().strip("[]").rstrip(".").partition("%")[0]
    if host == "localhost" or host.endswith(_PRIVATE_SUFFIXES):
        return True
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(host)
    except ValueError:
        try:  # 127.1 and 0x7f000001 are addresses too
            address = ipaddress.ip_address(socket.inet_aton(host))
        except (OSError, ValueError):
            return "." not in host  # no public name has a single part
    return not _is_public(address)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Judge an address, and the IPv4 address that it stands for or to which a gateway forwards."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64 or address.ipv4_mapped:
            return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour:  # Python 3.13 calls all of these private, earlier ones none
            return _is_public(address.sixtofour)
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast


@lru_cache(512)
def host_of(link: str) -> tuple[str, int | None, bool] | None:
    """Return host, port and whether there is a user name or password. None: this is not a complete link."""
    if _NO_LINK.search(link):
        return None
    try:
        parts = urlsplit(link)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host.strip("."):
        return None
    return host, port, "@" in parts.netloc
