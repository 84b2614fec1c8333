"""Names: ids that sort by time, who writes, and which ids and paths of rows may name a file."""

from __future__ import annotations

import functools
import getpass
import re
import secrets
import socket
import time

from motion_widgets.core.errors import LogError
from motion_widgets.core.forks import new_lock
from motion_widgets.core.hidden import variable

__all__ = [
    "FOLDERS", "PERSON_VARIABLE", "current_person", "is_safe_id", "is_safe_path", "new_id", "person_named",
]  # fmt: skip

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_RANDOM_BITS, _STEP_BITS = 35, 20
"""Random bits in an id, and in its distance from the one before it of the same millisecond."""
_CLOCK_TOLERANCE = 1000
"""ms by which the clock may be set back while ids still ascend."""
PERSON_VARIABLE = "MOTION_WIDGETS_USER"
_NAME_LENGTH = 80
"""Characters of a person's name."""


_numbers_lock = new_lock()
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
    given = variable(PERSON_VARIABLE)
    return person_named(given) if given else _user_at_host()


def person_named(name: object) -> str:
    """Return a person's name without spaces around it; raise LogError where it is not a name."""
    word = name.strip() if isinstance(name, str) else ""
    if not 1 <= len(word) <= _NAME_LENGTH or not word.isprintable():
        raise LogError.of("person_wrong", found=str(name)[: _NAME_LENGTH + 1], most=_NAME_LENGTH)
    return word


@functools.cache
def _user_at_host() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


FOLDERS = ("results", "inputs", "mended", "library")
"""The folders of a workspace in which a row, a pack or a shared path may name a file."""
_DEEPEST = 4
"""Parts of a path below its folder."""
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""What Windows takes for a device, whatever its ending."""
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}")


def is_safe_id(name: str) -> bool:
    """Return whether an id may become the name of a result's file."""
    return _ID.fullmatch(name) is not None


def is_safe_path(name: str) -> bool:
    """Return whether a path is one of a visible file in one of the folders, on every system."""
    top, *rest = name.split("/")
    return top in FOLDERS and 1 <= len(rest) <= _DEEPEST and all(map(_is_plain, rest))


def _is_plain(part: str) -> bool:
    """Return whether a part of a path means the same on every system, and nothing but a name."""
    odd = part[:1] in ("", ".") or part[-1] in ". " or not part.isprintable() or len(part.encode()) > 255
    return not odd and not set(part) & set('\\:*?"<>|') and _DEVICE.match(part) is None
