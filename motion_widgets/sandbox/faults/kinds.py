"""The words of a fault plan: calls, kinds of fault, their parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CALLS", "KINDS", "PARAMETERS", "STATES", "Kind", "Parameter"]

CALLS = ("submit", "status", "upload", "balance", "result", "host")
"""Calls that a rule may wait for: ``host`` gives a local file a link (``POST /sandbox/media``)."""
STATES = ("working", "completed", "failed")
"""How a task may really stand when its status is asked."""

_TASKS = ("submit", "status")
_SHAPED = ("submit", "status", "upload", "balance", "host")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a parameter may be."""

    words: str
    fits: Callable[[object], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of fault."""

    parameters: dict[str, Any] = field(default_factory=dict)
    """Names and defaults; ``...``: must be given, None: left out."""
    on: tuple[str, ...] = CALLS
    accepted: bool | None = None
    """Whether a submit is executed nevertheless. None: unless its `code` is a 3xx or 4xx."""
    times: int = 1
    when: str = ""
    spoils: bool = False
    """Whether it changes a real answer, which there must be then."""


def _number(low: float = -math.inf, high: float = math.inf) -> Callable[[object], bool]:
    def fits(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    return fits


def _one_of(*words: str) -> Parameter:
    return Parameter(f"one of {', '.join(words)}", lambda value: value in words)


def _is(kind: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kind)


def _words(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


_SECONDS = Parameter("a number of seconds from 0", _number(0, 1e9))
_PART = Parameter("a number from 0 to 1", _number(0, 1))
_TEXT = Parameter("a text", _is(str))
_FLAG = Parameter("true or false", _is(bool))

PARAMETERS: dict[str, Parameter] = {
    "code": Parameter(
        "an HTTP status from 200 to 599", lambda v: _number(200, 599)(v) and isinstance(v, int)
    ),
    "type": _TEXT,
    "message": _TEXT,
    "error_code": Parameter("a whole number or a text", lambda v: isinstance(v, int | str)),
    "shape": _one_of("error", "inside", "flat", "text"),
    "retry_after": _SECONDS,
    "http_date": _FLAG,
    "clock_skew": Parameter("a number of seconds", _number(-1e9, 1e9)),
    "body": _TEXT,
    "bytes": Parameter("a number of bytes from 1 to 1000000000", _number(1, 1e9)),
    "part": _PART,
    "to": _TEXT,
    "interval": _SECONDS,
    "hold": _SECONDS,
    "seconds": _SECONDS,
    "how": _one_of("503", "close", "refuse"),
    "set": Parameter("a table of dotted names and values", _is(dict)),
    "drop": Parameter("a list of dotted names", _words),
    "data": _one_of("list", "object", "bare"),
    "url": _one_of("string", "list", "duplicate", "objects"),
    "value": Parameter("a value", lambda _: True),
    "word": _TEXT,
    "words": Parameter("a list of texts", _words),
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

_WAIT: dict[str, Any] = {"retry_after": None, "http_date": False, "clock_skew": 0}
_ERROR: dict[str, Any] = {"code": ..., "type": None, "message": None, "error_code": None, "shape": "error"}


def _instead(*on: str, accepted: bool | None = False, **parameters: Any) -> Kind:
    """Another answer, or none, in the place of the real one."""
    return Kind(on=on or CALLS, accepted=accepted, parameters=parameters)


def _lost(**parameters: Any) -> Kind:
    """The request is executed and its answer disturbed: the worst case, unless a rule says otherwise."""
    return Kind(accepted=True, parameters=parameters)


def _real(*on: str, when: str = "", times: int = 1, **parameters: Any) -> Kind:
    """The real answer, changed."""
    return Kind(on=on, accepted=True, spoils=True, when=when, times=times, parameters=parameters)


KINDS: dict[str, Kind] = {
    # Answers of HTTP.
    "status": _instead(accepted=None, **_ERROR, **_WAIT),
    "build_request_failed": _instead(),
    "idempotency_in_progress": _instead("submit", accepted=True, **_WAIT),
    "idempotency_unavailable": _instead("submit", **_WAIT),
    "idempotency_result_indeterminate": _instead("submit", accepted=True),
    "idempotency_key_reused": _instead("submit"),
    "rate_limit": _instead(**_WAIT),
    "too_many_tasks": _instead("submit", **_WAIT),
    "not_found": _instead(),
    "html": _instead(accepted=None, code=502, body=None),
    "redirect": _instead(code=307, to="https://elsewhere.invalid/"),
    "large": _lost(bytes=5_000_000),
    "gzip_bomb": _lost(bytes=64_000_000),
    "truncated_json": _real(*_SHAPED, part=0.5),
    # Connections.
    "reset": _lost(),
    "close": _lost(),
    "half": _lost(part=0.5),
    "drip": _lost(interval=1.0),
    "hang": _lost(hold=86_400.0),
    "delay": _lost(seconds=...),
    "close_on_reuse": _lost(),
    "down": _instead(seconds=..., how="503"),
    # Shapes of real answers.
    "fields": _real(*_SHAPED, set={}, drop=[]),
    "no_task_id": _real("submit"),
    "data_shape": _real(*_TASKS, data=...),
    "url_shape": _real("status", when="completed", url=...),
    "progress": _real("status", when="working", value=...),
    "estimated_time": _real(*_TASKS, value=...),
    # A task's story.
    "word": _real("status", word="polishing"),
    "backwards": _real("status", times=3, words=["processing", "queued", "submitted"]),
    "failed": _real("status", reason="other", message=None, error_code=None, refunded=True, billed="said"),
    "cancelled": _real("status", refunded=False, billed="silent"),
    "cost": _real("status", when="completed", usd=...),
    "no_link": _real("status"),
    # Results.
    "expired": _instead("result"),
    "truncated": _real("result", part=0.5, length="known"),
    "html_result": _instead("result", body=None),
    "flipped": _real("result", at=0.0, bytes=64),
    "wrong_range": _real("result"),
    "etag_changed": _real("result", if_range="honoured"),
    "slow": _real("result", bytes_per_second=...),
}
"""Every kind of fault."""
