"""Texts compared, and many of them in one line.

An accent may be part of its letter, or stand after it, as in the file names of a Mac. What is stored stays as
it was written, for a prompt is sent as it is; both sides of a comparison go through here.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["composed", "first_of", "is_text", "spellings"]


def composed(text: str) -> str:
    """Return a text in Unicode's normal form C, in which texts are compared."""
    return unicodedata.normalize("NFC", text)


def spellings(text: str) -> list[str]:
    """Return how a database may hold a text: as it is, and in the forms C and D; one of ASCII is one."""
    forms = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    return list(dict.fromkeys([text, *forms]))


def is_text(value: object) -> bool:
    """Return whether a value is a text that UTF-8 can hold: half a character out of a file's name is not."""
    return isinstance(value, str) and not any("\ud800" <= one <= "\udfff" for one in value)


def first_of(names: Sequence[str], most: int = 5, *, count: int | None = None) -> str:
    """Return at most so many names in one line, and how many more there are: a sentence names no thousand.

    Parameters
    ----------
    count
        How many there are in all, of which these are the first. None: these are all.
    """
    left = (len(names) if count is None else count) - most
    return ", ".join(names[:most]) + (say("and_more", count=left) if left > 0 else "")
