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

__all__ = ["PERSON_VARIABLE", "current_person", "new_id", "person_named"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_RANDOM_BITS, _STEP_BITS = 35, 20
"""Random bits in an id, and in its distance from the one before it of the same millisecond."""
_CLOCK_TOLERANCE = 1000
"""ms by which the clock may be set back while ids still ascend."""
PERSON_VARIABLE = "MOTION_WIDGETS_USER"
_NAME_LENGTH = 80
"""Characters of a person's name."""


_numbers_lock = threading.Lock()
_last_number = 0


def new_id(kind: str) -> str:
    """Make an id that sorts by time: ``kind-``, 9 characters of milliseconds and 7 random ones.

    Ids of one process sort in the order they were made, even within a millisecond.
    """
    number = _next_number()
    return f"{kind}-" + "".join(_ALPHABET[number >> shift & 31] for shift in range(75, -5, -5))


def _next_number() -> int:
    global _last_number  # noqa: PLW0603 - what all ids of this process have to be above
    number = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    with _numbers_lock:
        if 0 <= _last_number - number < _CLOCK_TOLERANCE << _RANDOM_BITS:
            number = _last_number + 1 + secrets.randbits(_STEP_BITS)
        _last_number = number
    return number


def current_person() -> str:
    """Return who writes, for `created_by`: ``MOTION_WIDGETS_USER``, else ``user@host``.

    Raises
    ------
    LogError
        The setting is not a name.
    """
    given = os.environ.get(PERSON_VARIABLE)
    return person_named(given) if given else _user_at_host()


def person_named(name: str) -> str:
    """Return a person's name without spaces around it; raise LogError where it is not a name."""
    word = name.strip()
    if not 1 <= len(word) <= _NAME_LENGTH or not word.isprintable():
        raise LogError.of("person_wrong", found=name[: _NAME_LENGTH + 1], most=_NAME_LENGTH)
    return word


@functools.cache
def _user_at_host() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
