"""Ids that sort by time, and who writes."""

from __future__ import annotations

import getpass
import secrets
import socket
import time

__all__ = ["new_id", "whoami"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


def new_id(kind: str) -> str:
    """Make an id that sorts by time: ``kind-`` and 9 characters of milliseconds, 7 of chance."""
    number = (time.time_ns() // 1_000_000) << 35 | secrets.randbits(35)
    return f"{kind}-" + "".join(_ALPHABET[number >> shift & 31] for shift in range(75, -5, -5))


def whoami() -> str:
    """Give ``user@host`` for `created_by`."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
