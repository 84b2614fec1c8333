"""Paths as people type and paste them, and file names as they can be shown."""

from __future__ import annotations

import re

__all__ = ["plain_name", "readable", "typed_path"]

_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u201e": "\u201c", "\u00ab": "\u00bb"}
"""What a shell, a file manager or a chat puts around a path that is copied there."""
_UNSEEN = "\ufeff\u200b\u200e\u200f\u202a\u202c"
"""Signs without a width; Windows puts one before a path that is copied from a file's properties."""
_HALVES = re.compile("[\ud800-\udfff]")


def typed_path(text: str) -> str:
    """Return a path or link without the blanks, line ends and quotes that came with it.

    What begins or ends with one of these by name is given as a `Path`, which is taken as it is.
    """
    bare = text.strip().strip(_UNSEEN).strip()
    if len(bare) > 1 and _QUOTES.get(bare[0]) == bare[-1]:
        bare = bare[1:-1].strip()
    return bare


def readable(text: str) -> str:
    """Return a text that UTF-8 can write: a file's name may have bytes that are no characters."""
    return _HALVES.sub("\ufffd", text)


def plain_name(name: str) -> str:
    """Return a file's name with ``_`` in the place of what some system forbids in names."""
    return "".join(one if one.isprintable() and one not in '/\\:*?"<>|' else "_" for one in name)
