"""What an address says about itself: whether it is complete, and plainly private. No name is looked up."""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from urllib.parse import urlsplit

__all__ = ["host_of", "is_private"]

_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".localdomain", ".lan", ".home.arpa")
_NO_LINK = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]")
"""Blanks, control characters and halves of characters, none of which an address has."""


@lru_cache(512)  # looked up on every key; the same few links
def is_private(host: str) -> bool:
    """Return whether a host is plainly this machine or in a private network; no name is looked up."""
    host = host.rstrip(".").partition("%")[0]
    if host == "localhost" or host.endswith(_PRIVATE_SUFFIXES):
        return True
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(host)
    except ValueError:
        try:  # 127.1 and 0x7f000001 are addresses too
            address = ipaddress.ip_address(socket.inet_aton(host))
        except (OSError, ValueError):
            return "." not in host  # no public name has a single part
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_global or address.is_multicast


@lru_cache(512)
def host_of(link: str) -> tuple[str, int | None, bool] | None:
    """Return host, port and whether there is a user name or password. None: this is no complete link."""
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
