"""Every sentence that a person reads, by code: one file for each room, joined into one table here.

A sentence names the value, the limit and the next step. Values from outside are put in as plain text;
whoever shows a sentence as HTML escapes the whole of it (`motion_widgets.core.html`).
Read the file of the room that you change; a code belongs to one file only.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

__all__ = ["MESSAGES", "ROOMS", "say", "template"]

ROOMS = tuple(import_module(f"{__name__}.{file.name}") for file in iter_modules(__path__))
"""The files, each with a table of its own."""

MESSAGES: dict[str, str] = {code: text for room in ROOMS for code, text in room.MESSAGES.items()}
"""Templates by code, as `str.format` takes them."""


def say(code: str, /, **params: Any) -> str:
    """Return the sentence for `code` with its values put in; KeyError: there is no such sentence."""
    return MESSAGES[code].format(**params)


def template(code: str) -> str:
    """Return the sentence for `code` with its fields in braces, for a page that puts the values in."""
    return MESSAGES[code]
