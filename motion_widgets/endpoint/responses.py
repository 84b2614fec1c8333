"""Answers of the endpoint, brought into one form.

Shapes and words vary between pages and over time (`endpoint/API.md`), so everything is read
leniently and nothing is believed beyond its range; the raw answer is kept beside it.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "Balance",
    "Submitted",
    "Task",
    "Usage",
    "clean",
    "has_task",
    "is_about",
    "read_balance",
    "read_json",
    "read_models",
    "read_submitted",
    "read_task",
    "read_task_id",
    "read_usage",
    "redact",
]

WORKING = frozenset({"submitted", "pending", "queued", "processing", "in_progress", "running"})
_ENDS: dict[str, Literal["completed", "failed", "cancelled"]] = {
    **dict.fromkeys(
        (
            "completed",
            "complete",
            "success",
            "successful",
            "succeeded",
            "succeed",
            "done",
            "finished",
            "ready",
        ),
        "completed",
    ),
    **dict.fromkeys(
        ("failed", "failure", "fail", "error", "expired", "timeout", "timed_out", "rejected"), "failed"
    ),
    **dict.fromkeys(("cancelled", "canceled", "aborted"), "cancelled"),
}
"""The words by which a task ends; the pages name some of them, other gateways the rest."""
LONGEST = 7 * 24 * 3600.0
"""s; an estimated time over a week is not believed."""
DEAREST = 1000.0
"""USD; a bill over this for one clip is not believed."""
LIFETIME = 366 * 24 * 3600.0
"""s; an `expires_at` up to this is how long the links live, not a moment."""


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """An accepted submit."""

    task_id: str
    status: str = ""
    replayed: bool = False
    """The server had the request already and gave its first answer again."""
    estimated_time: float | None = None
    """s the server expects the task to take. None: not stated or not believable."""
    request_id: str = ""
    raw: str = ""
    """The answer, redacted."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """How a task stands."""

    word: str
    """The server's own status word."""
    state: Literal["working", "completed", "failed", "cancelled"]
    known: bool = True
    """False: the status word is none of the documented ones."""
    progress: int | None = None
    """Percent, 0 to 100. None: not stated."""
    cost: float | None = None
    """Billed, in USD. None: not stated."""
    links: tuple[str, ...] = ()
    """Result links, duplicates removed."""
    expires_at: float | None = None
    """When the links die: unix s by the endpoint's clock. None: not stated."""
    created: float | None = None
    completed: float | None = None
    estimated_time: float | None = None
    """s the server expects the task to take. None: not stated or not believable."""
    error_code: str = ""
    error_message: str = ""
    raw: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What an account or key has left."""

    remain: float | None
    """USD. None: unlimited, or not stated."""
    used: float | None
    unlimited: bool = False


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What was billed in a stretch of time."""

    amount: float
    """USD."""
    items: tuple[tuple[str, float], ...] = ()
    """The parts of it: what each is of, in the endpoint's words, and USD."""


RAW_MAX = 64 * 1024
"""Characters of a raw answer that are kept; a status is under 10 KB."""
_LINK = re.compile(r"https?:(?:\\?/){2}[^\s\"'<>]+")
_LOGIN = re.compile(r"(:(?:\\?/){2})[^/?#\s\"'<>\\]+@")
_BEARER = re.compile(r"(?i)(bearer\s+|\bsk-)[A-Za-z0-9._~+/=-]{6,}")
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters and halves of characters: JSON may hold them, a database or a page may not."""


def read_json(text: str) -> Any:
    """Return the JSON object or list that a text begins with, whatever follows it. None: there is none."""
    text = text.lstrip()
    try:
        return json.JSONDecoder().raw_decode(text)[0] if text.startswith(("{", "[")) else None
    except (ValueError, RecursionError):
        return None


def _bare(link: re.Match[str]) -> str:
    head, mark, query = link[0].partition("?")
    end = query[len(query.rstrip("\\")) :]  # of an escaped quotation mark that follows
    return f"{head}?<query>{end}" if query.rstrip("\\") else head + mark + end


def redact(text: str) -> str:
    """Take logins of addresses, queries of links and anything that looks like a key out of a text."""
    return _BEARER.sub(r"\1<redacted>", _LOGIN.sub(r"\1<login>@", _LINK.sub(_bare, text)))


def clean(text: object, most: int) -> str:
    """Make a server's words fit to be kept and shown: redacted, storable, at most `most` characters.

    A list or an object is shown as JSON; a boolean or None gives ``""``.
    """
    if isinstance(text, Mapping | list) and text:
        text = json.dumps(text, ensure_ascii=False)
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return ""
    # Cut before it is redacted, so that a huge answer costs no time; cut again, as redacting may add.
    return redact(_UNSTORABLE.sub("\ufffd", str(text)[:most]))[:most]


def _raw(body: Any) -> str:
    return clean(json.dumps(body, ensure_ascii=False), RAW_MAX)


def _number(value: object, low: float, high: float) -> float | None:
    """Read a number within a range, also out of a string; None where it is none."""
    if isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value) if abs(value) < 1e300 else math.inf
    return number if math.isfinite(number) and low <= number <= high else None


def _progress(value: object) -> int | None:
    """Read 45, "45%", 0.45 or "0.45" as percent, clamped to 0-100.

    1 and 1.0 are one percent: that a task is done is said by its status.
    """
    text = value.strip() if isinstance(value, str) else ""
    percent = text.endswith("%") or (isinstance(value, int))
    number = _number(text.removesuffix("%") if isinstance(value, str) else value, -math.inf, math.inf)
    if number is None:
        return None
    return round(min(max(number * 100 if not percent and 0 < number < 1 else number, 0), 100))


def _first(body: Any) -> Mapping[str, Any]:
    """Return the object behind `data`, which is an object, a list of one, or missing."""
    data = body.get("data") if isinstance(body, Mapping) else body
    if isinstance(data, list):
        data = next((one for one in data if isinstance(one, Mapping)), None)
    if isinstance(data, Mapping):
        return data
    return body if isinstance(body, Mapping) else {}


def read_task_id(value: object) -> str:
    """Return a value as a task id; ``""``: it cannot be one."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if 0 < len(text) <= 200 and text.isprintable() and " " not in text else ""


def has_task(body: Any) -> bool:
    """Return whether an answer speaks of a task; then that is what counts, whatever else it says."""
    found = _first(body)
    named = bool(found.get("task_id") or found.get("id"))
    worded = isinstance(found.get("status"), str) and bool(found["status"])
    return (named and worded) if found is body else (named or worded)


def read_submitted(body: Any, *, replayed: bool = False, request_id: str = "") -> Submitted | None:
    """Read the answer of a submit. None: it holds no task id."""
    data = _first(body)
    task_id = read_task_id(data.get("task_id")) or read_task_id(data.get("id"))
    if not task_id:
        return None
    return Submitted(
        task_id=task_id,
        status=clean(data.get("status"), 60),
        replayed=replayed,
        estimated_time=_number(data.get("estimated_time"), 0, LONGEST),
        request_id=request_id,
        raw=_raw(body),
    )


def _links(result: object, since: float) -> tuple[tuple[str, ...], float | None]:
    """Return all links of a result, and when the first dies; a lifetime counts from `since` (unix s)."""
    found: list[str] = []
    expiry: list[float] = []
    videos = result.get("videos") if isinstance(result, Mapping) else None
    for video in videos if isinstance(videos, list) else [videos]:
        if isinstance(video, Mapping):
            url = video.get("url")
            at = _number(video.get("expires_at"), 1, 4e12)
            expiry += [] if at is None else [since + at if at <= LIFETIME else at / 1000 if at > 4e9 else at]
        else:
            url = video
        found += [one for one in (url if isinstance(url, list) else [url]) if isinstance(one, str)]
    links = (_UNSTORABLE.sub("", one).strip() for one in found)
    return tuple(dict.fromkeys(one for one in links if one)), min(expiry, default=None)


def _error(data: Mapping[str, Any], body: Any) -> Mapping[str, Any]:
    """Return a failed task's `error`, which stands in `data` or beside it, as an object or a text."""
    error = data.get("error") or (body.get("error") if isinstance(body, Mapping) else None)
    return error if isinstance(error, Mapping) else {"message": error}


def _cost(data: Mapping[str, Any]) -> float | None:
    """Read the bill in USD; credits are a tenth of a dollar."""
    cost = _number(data.get("cost"), 0, DEAREST)
    credits_cost = _number(data.get("credits_cost"), 0, DEAREST * 10)
    return round(credits_cost / 10, 6) if cost is None and credits_cost is not None else cost


def is_about(body: Any, task_id: str) -> bool:
    """Return whether the answer of a status call is about a task, as far as it says so."""
    data = _first(body)
    named = {read_task_id(data.get("id")), read_task_id(data.get("task_id"))} - {""}
    return not named or task_id in named


def read_task(body: Any, *, now: float | None = None) -> Task | None:
    """Read the answer of a status call. None: it holds no status at all.

    Parameters
    ----------
    body
        The decoded JSON.
    now
        Unix s by the endpoint's clock, from which a lifetime counts. None: by this machine's.
    """
    data = _first(body)
    word = data.get("status")
    if not isinstance(word, str) or not word:
        return None
    plain = word.strip().lower()
    completed = _number(data.get("completed"), 1, 4e9)
    links, expires_at = _links(data.get("result"), completed or (time.time() if now is None else now))
    error = _error(data, body)
    known, progress, cost = plain in _ENDS or plain in WORKING, _progress(data.get("progress")), _cost(data)
    # What has a result, a bill and all of its progress is done, whatever that is called now.
    done = not known and bool(links) and cost is not None and progress == 100
    return Task(
        word=clean(word, 60),
        state="completed" if done else _ENDS.get(plain, "working"),
        known=known,
        progress=progress,
        cost=cost,
        links=links,
        expires_at=expires_at,
        created=_number(data.get("created"), 1, 4e9),
        completed=completed,
        estimated_time=_number(data.get("estimated_time"), 0, LONGEST),
        error_code=clean(error.get("code") or error.get("type"), 100),
        error_message=clean(error.get("message"), 2000),
        raw=_raw(body),
    )


def read_balance(body: Any) -> Balance | None:
    """Read a balance. None: the answer holds none."""
    data = _first(body)
    if "remain_balance" not in data and data.get("unlimited_quota") is not True:
        return None
    remain = _number(data.get("remain_balance"), -1e9, 1e9)
    unlimited = data.get("unlimited_quota") is True or remain == -1
    return Balance(
        remain=None if unlimited else remain,
        used=_number(data.get("used_balance"), 0, 1e9),
        unlimited=unlimited,
    )


def read_usage(body: Any) -> Usage | None:
    """Read a usage answer. None: it states no total, which is not a total of nothing."""
    data = _first(body)
    total = data.get("total")
    amount = _number(total.get("amount_usd"), 0, 1e9) if isinstance(total, Mapping) else None
    if amount is None:
        return None
    listed = data.get("items")
    parts: list[tuple[str, float]] = []
    for item in listed if isinstance(listed, list) else []:
        part = _number(item.get("amount_usd"), 0, 1e9) if isinstance(item, Mapping) else None
        if part is not None:
            words = (one for key, one in item.items() if key != "amount_usd" and isinstance(one, str))
            parts.append((clean(next(words, ""), 100), part))
    return Usage(amount=amount, items=tuple(parts))


def read_models(body: Any) -> tuple[str, ...]:
    """Read the ids of the models an account may use."""
    data = body.get("data") if isinstance(body, Mapping) else body
    items = data if isinstance(data, list) else []
    ids = [item.get("id") if isinstance(item, Mapping) else item for item in items]
    return tuple(one for one in ids if isinstance(one, str))
