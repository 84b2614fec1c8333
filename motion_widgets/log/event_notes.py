"""Notes of events: kept as a code with its values, put into words only when they are shown."""

from __future__ import annotations

import json

from motion_widgets.core.messages import MESSAGES, say

__all__ = ["event_note", "event_words"]


def event_note(code: str, /, **values: str | float | None) -> str:
    """Return a note as the log keeps it: the code of a sentence, and its values as JSON.

    Examples
    --------
    >>> event_note("event_accepted", task="task-1")
    'event_accepted {"task": "task-1"}'
    """
    return f"{code} {json.dumps(values, ensure_ascii=False)}" if values else code


def event_words(note: str | None) -> str:
    """Return a note in words. What no code begins is text already: an error's, or an older log's.

    Examples
    --------
    >>> event_words('event_accepted {"task": "task-1"}')
    'accepted as task-1'
    >>> event_words("refunded by phone")
    'refunded by phone'
    """
    code, _, values = (note or "").partition(" ")
    if code.startswith("event_") and code in MESSAGES:
        try:
            return say(code, **json.loads(values or "{}"))
        except (KeyError, TypeError, ValueError, RecursionError):  # a row from elsewhere may hold anything
            pass
    return note or ""
