"""Every sentence that a person reads, by code: one file for each room, joined into one table here.

A sentence names the value, the limit and the next step. Values from outside are put in as plain text;
whoever shows a sentence as HTML escapes the whole of it (`motion_widgets.core.html`).
Read the file of the room that you change; a code belongs to one file only.
"""

from __future__ import annotations

from typing import Any

from motion_widgets.core.messages import (
    audit_contact,
    audit_reconcile,
    audit_scan,
    cli,
    endpoint,
    jobs,
    log,
    log_columns,
    log_events,
    log_transfer,
    media,
    price,
    publishing,
    repair,
    request,
    sharing,
    sweep,
    widgets_form,
    widgets_jobs,
    widgets_live,
    widgets_log,
    widgets_media,
    widgets_publish,
    widgets_studio,
    widgets_sweep,
    widgets_wall,
    words,
    workspace,
)

__all__ = ["MESSAGES", "ROOMS", "say", "template"]

ROOMS = (
    audit_contact,
    audit_reconcile,
    audit_scan,
    cli,
    endpoint,
    jobs,
    log,
    log_columns,
    log_events,
    log_transfer,
    media,
    price,
    publishing,
    repair,
    request,
    sharing,
    sweep,
    widgets_form,
    widgets_jobs,
    widgets_live,
    widgets_log,
    widgets_media,
    widgets_publish,
    widgets_studio,
    widgets_sweep,
    widgets_wall,
    words,
    workspace,
)
"""The files, each with a table of its own."""

MESSAGES: dict[str, str] = {code: text for room in ROOMS for code, text in room.MESSAGES.items()}
"""Templates by code, as `str.format` takes them."""


def say(code: str, /, **params: Any) -> str:
    """Return the sentence for `code` with its values put in; KeyError: there is no such sentence."""
    return MESSAGES[code].format(**params)


def template(code: str) -> str:
    """Return the sentence for `code` with its fields in braces, for a page that puts the values in."""
    return MESSAGES[code]
