"""The table of faults: which function plays each kind, on which calls, with which parameters.

A new kind is a row in `KINDS` and the function that it names; a new parameter also is a row in `PARAMETERS`.
``python -m tests.sandbox.faults.document`` then brings ``FAULTS.md`` up to date.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.faults import changed_responses as changed
from motion_widgets.sandbox.faults import delivery
from motion_widgets.sandbox.faults import error_responses as errors
from motion_widgets.sandbox.faults.rule import CALLS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from motion_widgets.sandbox.faults.call import Call
    from motion_widgets.sandbox.faults.response import FaultContext, WireResponse

    Respond = Callable[[FaultContext], WireResponse]
    Deliver = Callable[[FaultContext, Call, WireResponse], Awaitable[None]]

__all__ = ["KINDS", "PARAMETERS", "Kind", "Parameter"]

_TASK_CALLS = ("submit", "status")
_JSON_CALLS = ("submit", "status", "upload", "balance", "host")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a parameter may be."""

    wanted: str
    fits: Callable[[object], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of fault."""

    respond: Respond | None = None
    """Makes the response. None: the real one is sent."""
    deliver: Deliver = delivery.normal
    """Sends the response."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Names and defaults. ``...``: required. None: may be left out."""
    on: tuple[str, ...] = CALLS
    accepted: bool | None = None
    """Whether a submit is executed nevertheless. None: unless its `code` is a 3xx or 4xx."""
    times: int = 1
    when: str = ""
    changes: bool = False
    """Whether it changes a real response, and so cannot play without one."""
    whole: bool = False
    """Whether it needs the whole file, whatever part was requested."""


def _number(low: float, high: float) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    )


def _one_of(*words: str) -> Parameter:
    return Parameter(f"one of {', '.join(words)}", lambda value: value in words)


def _is_words(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(word, str) for word in value)


def _is_headers(value: object) -> bool:
    pairs = value.items() if isinstance(value, dict) else [(None, None)]
    return all(isinstance(one, str) and one.isascii() and one.isprintable() for pair in pairs for one in pair)


_SECONDS = Parameter("a number of seconds from 0", _number(0, 1e9))
_PART = Parameter("a number from 0 to 1", _number(0, 1))
_TEXT = Parameter("a text", lambda value: isinstance(value, str))
_FLAG = Parameter("true or false", lambda value: isinstance(value, bool))

PARAMETERS: dict[str, Parameter] = {
    "code": Parameter(
        "an HTTP status from 200 to 599", lambda value: isinstance(value, int) and _number(200, 599)(value)
    ),
    "type": _TEXT,
    "message": _TEXT,
    "error_code": Parameter("a whole number or a text", lambda value: isinstance(value, int | str)),
    "shape": _one_of("error", "inside", "flat", "detail", "text"),
    "retry_after": _SECONDS,
    "http_date": _FLAG,
    "clock_skew": Parameter("a number of seconds", _number(-1e9, 1e9)),
    "body": _TEXT,
    "bytes": Parameter("a number of bytes from 1 to 1000000000", _number(1, 1e9)),
    "headers": Parameter("a table of header names and printable texts", _is_headers),
    "obeys": _FLAG,
    "encoding": _one_of("gzip", "bom"),
    "framing": _one_of("length", "chunks"),
    "part": _PART,
    "to": _TEXT,
    "interval": _SECONDS,
    "hold": _SECONDS,
    "seconds": _SECONDS,
    "how": _one_of("503", "close", "refuse"),
    "set": Parameter("a table of dotted names and values", lambda value: isinstance(value, dict)),
    "drop": Parameter("a list of dotted names", _is_words),
    "data": _one_of("list", "object", "bare"),
    "url": _one_of("string", "list", "duplicate", "objects", "no_scheme", "relative"),
    "value": Parameter("a value", lambda _: True),
    "word": _TEXT,
    "words": Parameter("a list of texts", _is_words),
    "reason": _one_of("moderation", "parameters", "media", "account", "busy", "other"),
    "refunded": _FLAG,
    "billed": _one_of("said", "silent"),
    "usd": Parameter("an amount in USD", _number(0, 1e6)),
    "length": _one_of("known", "unknown", "wrong"),
    "at": _PART,
    "if_range": _one_of("honoured", "ignored"),
    "bytes_per_second": Parameter("a number above 0", _number(1e-6, 1e12)),
}
"""Every parameter; a name means the same in each kind that has it."""

_RETRY: dict[str, Any] = {"retry_after": None, "http_date": False, "clock_skew": 0}
_ERROR: dict[str, Any] = {"code": ..., "type": None, "message": None, "error_code": None, "shape": "error"}


def _instead(respond: Respond, *on: str, accepted: bool | None = False, **parameters: Any) -> Kind:
    """Return a kind that sends another response in place of the real one."""
    return Kind(respond=respond, on=on or CALLS, accepted=accepted, parameters=parameters)


def _lost(deliver: Deliver, respond: Respond | None = None, **parameters: Any) -> Kind:
    """Return a kind that executes the request (the worst case) and disturbs its response."""
    return Kind(respond=respond, deliver=deliver, accepted=True, parameters=parameters)


def _changed(
    respond: Respond | None,
    *on: str,
    deliver: Deliver = delivery.normal,
    times: int = 1,
    when: str = "",
    whole: bool = False,
    **parameters: Any,
) -> Kind:
    """Return a kind that changes the real response."""
    return Kind(
        respond=respond, on=on, deliver=deliver, times=times, when=when, whole=whole,
        accepted=True, changes=True, parameters=parameters,
    )  # fmt: skip


KINDS: dict[str, Kind] = {
    # Error responses.
    "status": _instead(errors.status, accepted=None, **_ERROR, **_RETRY),
    "build_request_failed": _instead(errors.error(500, "build_request_failed: played by the fault plan")),
    "idempotency_in_progress": _instead(errors.idempotency_error(409), "submit", accepted=True, **_RETRY),
    "idempotency_unavailable": _instead(errors.idempotency_error(503), "submit", **_RETRY),
    "idempotency_result_indeterminate": _instead(errors.idempotency_error(409), "submit", accepted=True),
    "idempotency_key_reused": _instead(errors.idempotency_error(409), "submit"),
    "rate_limit": _instead(errors.error(429, "Too many requests; slow down."), **_RETRY),
    "too_many_tasks": _instead(errors.error(429, "too many tasks at once (1303)"), "submit", **_RETRY),
    "not_found": _instead(errors.error(404, "There is no task of this id.")),
    "html": _instead(errors.html, accepted=None, code=502, body=None),
    "redirect": _instead(errors.redirect, code=307, to="https://elsewhere.invalid/"),
    "large": _lost(delivery.normal, errors.large, bytes=5_000_000),
    "gzip_bomb": _lost(delivery.normal, errors.gzip_bomb, bytes=64_000_000),
    # The real response, told otherwise.
    "head": _changed(changed.head, *CALLS, code=None, headers={}),
    "clock": _changed(changed.clock, *_JSON_CALLS, clock_skew=...),
    "encoded": _changed(changed.encoded, *CALLS, encoding="gzip"),
    "unended": _changed(None, *CALLS, deliver=delivery.unended, framing="length"),
    "cached": _changed(changed.cached, "status", times=0, obeys=True),
    "truncated_json": _changed(changed.truncated_json, *_JSON_CALLS, part=0.5),
    # Connections.
    "reset": _lost(delivery.reset),
    "close": _lost(delivery.close),
    "half": _lost(delivery.half, part=0.5),
    "drip": _lost(delivery.drip, interval=1.0),
    "hang": _lost(delivery.hang, hold=86_400.0),
    "delay": _lost(delivery.delay, seconds=...),
    "close_on_reuse": _lost(delivery.close_on_reuse),
    "down": _instead(errors.error(503, "The service is down for maintenance."), seconds=..., how="503"),
    # Odd shapes of real responses.
    "fields": _changed(changed.fields, *_JSON_CALLS, set={}, drop=[]),
    "no_task_id": _changed(changed.no_task_id, "submit"),
    "data_shape": _changed(changed.data_shape, *_TASK_CALLS, data=...),
    "url_shape": _changed(changed.url_shape, "status", when="completed", url=...),
    "progress": _changed(changed.value_of("progress"), "status", when="working", value=...),
    "estimated_time": _changed(changed.value_of("estimated_time"), *_TASK_CALLS, value=...),
    # States of a task.
    "word": _changed(changed.word, "status", word="polishing"),
    "backwards": _changed(changed.backwards, "status", times=3, words=["processing", "queued", "submitted"]),
    "failed": _changed(
        changed.failed, "status", reason="other", message=None, error_code=None, refunded=True, billed="said"
    ),
    "cancelled": _changed(changed.cancelled, "status", refunded=False, billed="silent"),
    "cost": _changed(changed.cost, "status", when="completed", usd=...),
    "no_link": _changed(changed.no_link, "status"),
    # Results.
    "expired": _instead(errors.error(403, "This link has expired."), "result"),
    "truncated": _changed(changed.truncated, "result", deliver=delivery.truncated, part=0.5, length="known"),
    "html_result": _instead(errors.html_result, "result", body=None),
    "flipped": _changed(changed.flipped, "result", at=0.0, bytes=64),
    "wrong_range": _changed(changed.wrong_range, "result", whole=True),
    "etag_changed": _changed(changed.etag_changed, "result", whole=True, if_range="honoured"),
    "slow": _changed(None, "result", deliver=delivery.slow, bytes_per_second=...),
}
"""Every kind of fault."""
