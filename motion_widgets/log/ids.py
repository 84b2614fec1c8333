"""Ids that sort by time, and who writes."""

from __future__ import annotations

import functools
import getpass
import os
import secrets
import socket
import threading
import time

from motion_widgets.core.errors import LogError

__all__ = ["PERSON", "new_id", "person_named", "whoami"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_CHANCE, _LEAP = 35, 20
"""Bits of chance in an id, and in how far it is above the one before it of the same millisecond."""
_STEADY = 1000
"""ms that the clock may be put back without ids going back with it."""
PERSON = "MOTION_WIDGETS_USER"
_LONGEST = 80
"""Characters of a person's name."""


_numbers_lock = threading.Lock()
_last_number = 0


def new_id(kind: str) -> str:
    """Make an id that sorts by time: ``kind-`` and 9 characters of milliseconds, 7 of chance.

    Those of one process sort by the order that they were made in, within a millisecond too.
    """
    number = _next_number()
    return f"{kind}-" + "".join(_ALPHABET[number >> shift & 31] for shift in range(75, -5, -5))


def _next_number() -> int:
    global _last_number  # noqa: PLW0603 - what all ids of this process have to be above
    number = (time.time_ns() // 1_000_000) << _CHANCE | secrets.randbits(_CHANCE)
    with _numbers_lock:
        if 0 <= _last_number - number < _STEADY << _CHANCE:
            number = _last_number + 1 + secrets.randbits(_LEAP)
        _last_number = number
    return number


def whoami() -> str:
    """Return who writes, for `created_by`: ``MOTION_WIDGETS_USER``, else ``user@host``.

    Raises
    ------
    LogError
        The setting is no name.
    """
    given = os.environ.get(PERSON)
    return person_named(given) if given else _user_at_host()


def person_named(name: str) -> str:
    """Return a person's name without blanks around it, or raise LogError where it is none."""
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
