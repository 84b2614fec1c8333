"""Ids that sort by time, and who writes."""

from __future__ import annotations

import functools
import getpass
import os
import secrets
import socket
import time

from motion_widgets.errors import LogError

__all__ = ["PERSON", "new_id", "person_named", "whoami"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
PERSON = "MOTION_WIDGETS_USER"
_LONGEST = 80
"""Characters of a person's name."""


def new_id(kind: str) -> str:
    """Make an id that sorts by time: ``kind-`` and 9 characters of milliseconds, 7 of chance."""
    number = (time.time_ns() // 1_000_000) << 35 | secrets.randbits(35)
    return f"{kind}-" + "".join(_ALPHABET[number >> shift & 31] for shift in range(75, -5, -5))


def whoami() -> str:
    """Give who writes, for `created_by`: ``MOTION_WIDGETS_USER``, else ``user@host``.

    Raises
    ------
    LogError
        The setting is no name.
    """
    given = os.environ.get(PERSON)
    return person_named(given) if given else _user_at_host()


def person_named(name: str) -> str:
    """Give a person's name without blanks around it, or raise LogError where it is none."""
    word = name.strip()
    if not 1 <= len(word) <= _LONGEST or not word.isprintable():
        raise LogError.of("person_wrong", found=name[: _LONGEST + 1], most=_LONGEST)
    return word


@functools.cache
def _user_at_host() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
