"""Real responses as a fault changes them: their head, missing ids, odd shapes, other states of a task.

Result files, too: cut off, with flipped bits, under another range or ETag.
"""

from __future__ import annotations

import copy
import gzip
import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.faults.response import WireResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sandbox.faults.response import FaultContext

__all__ = [
    "backwards", "cached", "cancelled", "clock", "cost", "data_shape", "encoded", "etag_changed", "failed",
    "fields", "flipped", "head", "no_link", "no_task_id", "truncated", "truncated_json", "url_shape",
    "value_of", "word", "wrong_range",
]  # fmt: skip

_REASONS = {
    "moderation": (1301, "The content violates the content policy (1301)."),
    "parameters": (1201, "A parameter is invalid (1201)."),
    "media": (500, "The reference video could not be decoded."),
    "account": (1102, "The account is out of credit (1102)."),
    "busy": (1303, "too many tasks at once (1303)"),
    "other": (500, "Something went wrong."),
}


def _changing_data(
    change: Callable[[FaultContext, dict[str, Any]], None],
) -> Callable[[FaultContext], WireResponse]:
    """Apply a change to the object under ``data``, wherever that is."""

    def make(context: FaultContext) -> WireResponse:
        body = context.real.data
        inner = body.get("data", body) if isinstance(body, dict) else {}
        found = inner[0] if isinstance(inner, list) and inner else inner
        if not isinstance(found, dict):
            return context.real
        change(context, found)
        return context.real.with_json(body)

    return make


def head(context: FaultContext) -> WireResponse:
    """Return the real response under another status and with other headers."""
    headers = context.real.headers | {
        name.lower(): str(text) for name, text in context.rule["headers"].items()
    }
    return replace(context.real, status=context.rule["code"] or context.real.status, headers=headers)


def encoded(context: FaultContext) -> WireResponse:
    """Return the real response as gzip has it, and says so, or with a byte order mark."""
    if context.rule["encoding"] == "bom":
        return replace(context.real, body=b"\xef\xbb\xbf" + context.real.body)
    headers = context.real.headers | {"content-encoding": "gzip"}
    return replace(context.real, headers=headers, body=gzip.compress(context.real.body, mtime=0))


def cached(context: FaultContext) -> WireResponse:
    """Return the first response that the rule met, whatever is asked for, as a cache in between does."""
    rule = context.rule
    rule.first = rule.first or context.real
    asks_anew = "no-cache" in context.request_headers.get("cache-control", "")
    return context.real if asks_anew and rule["obeys"] else rule.first


@_changing_data
def _moments(context: FaultContext, data: dict[str, Any]) -> None:
    """Move each moment that a task names by the clock's error."""
    for place in (data, *data.get("result", {}).get("videos", [])):
        for name in ("created", "completed", "expires_at"):
            if name in place:
                place[name] += int(context.rule["clock_skew"])


def clock(context: FaultContext) -> WireResponse:
    """Return the real response of a server whose clock is wrong: its Date and all moments in it."""
    moved = _moments(context)
    date = formatdate(time.time() + context.rule["clock_skew"], usegmt=True)
    return replace(moved, headers=moved.headers | {"date": date})


def truncated_json(context: FaultContext) -> WireResponse:
    """Return the beginning of the real JSON; at least the last bracket is missing."""
    size = len(context.real.body)
    return replace(context.real, body=context.real.body[: min(int(size * context.rule["part"]), size - 1)])


@_changing_data
def fields(context: FaultContext, data: dict[str, Any]) -> None:
    """Set and drop the fields that the rule names."""
    for name, value in context.rule["set"].items():
        _put(data, name.split("."), value)
    for name in context.rule["drop"]:
        _put(data, name.split("."), ...)


def _put(data: Any, path: list[str], value: object) -> None:
    """Set what a dotted name leads to (``...``: remove it); missing objects on the way are created."""
    for depth, word in enumerate(path):
        last = depth == len(path) - 1
        place: Any = int(word) if isinstance(data, list) and word.isdecimal() else word
        if isinstance(data, list) and not (isinstance(place, int) and place < len(data)):
            return
        if not isinstance(data, dict | list):
            return
        if last and value is ...:
            data.pop(place, None) if isinstance(data, dict) else data.pop(place)
        elif last:
            data[place] = copy.deepcopy(value)
        elif isinstance(data, dict):
            data = data.setdefault(place, {})
        else:
            data = data[place]


@_changing_data
def no_task_id(_context: FaultContext, data: dict[str, Any]) -> None:
    """Remove the task id."""
    data.pop("task_id", None)
    data.pop("id", None)


def data_shape(context: FaultContext) -> WireResponse:
    """Return the real data as a list, an object, or without its envelope."""
    body = context.real.data
    if not isinstance(body, dict) or "data" not in body:
        return context.real
    inner = body["data"]
    data = inner[0] if isinstance(inner, list) and inner else inner
    shapes = {"bare": data, "list": body | {"data": [data]}, "object": body | {"data": data}}
    return context.real.with_json(shapes[context.rule["data"]])


@_changing_data
def url_shape(context: FaultContext, data: dict[str, Any]) -> None:
    """Bring the result's link into another shape."""
    for video in data.get("result", {}).get("videos", []):
        url = video["url"]
        link = url[0] if isinstance(url, list) else url
        host_on = link.partition(":")[2]
        shapes = {
            "string": link, "list": [link], "duplicate": [link, link], "objects": [{"url": link}, link],
            "no_scheme": host_on, "relative": "/" + host_on.lstrip("/").partition("/")[2],
        }  # fmt: skip
        video["url"] = shapes[context.rule["url"]]


def value_of(name: str) -> Callable[[FaultContext], WireResponse]:
    """Return a maker that sets one field to the rule's `value`."""
    return _changing_data(lambda context, data: data.update({name: context.rule["value"]}))


def _drop_end(data: dict[str, Any]) -> None:
    for name in ("completed", "actual_time", "cost", "credits_cost", "result", "error"):
        data.pop(name, None)


@_changing_data
def word(context: FaultContext, data: dict[str, Any]) -> None:
    """Use another word for a task that is still working."""
    _drop_end(data)
    data["status"] = context.rule["word"]
    data["progress"] = min(int(data.get("progress", 0)), 99)


@_changing_data
def backwards(context: FaultContext, data: dict[str, Any]) -> None:
    """Step backwards through the rule's words, with falling progress."""
    _drop_end(data)
    words, turn = context.rule["words"], context.rule.played - 1
    data |= {"status": words[turn % len(words)], "progress": max(80 - 30 * turn, 0)}


def _end(context: FaultContext, data: dict[str, Any], status: str) -> None:
    now = int(time.time())
    _drop_end(data)
    actual = now - int(data.get("created", now))
    data |= {"status": status, "progress": 100, "completed": now, "actual_time": actual}
    if context.rule["billed"] == "said":
        cost = 0.0 if context.rule["refunded"] else context.cost
        data |= {} if cost is None else {"cost": cost, "credits_cost": round(cost * 10, 5)}


@_changing_data
def failed(context: FaultContext, data: dict[str, Any]) -> None:
    """End the task as failed, for the rule's reason."""
    _end(context, data, "failed")
    rule = context.rule
    code, message = _REASONS[rule["reason"]]
    message = rule["message"] if rule["message"] is not None else message
    code = rule["error_code"] if rule["error_code"] is not None else code
    data["error"] = {"code": code, "message": message, "type": "server_error"}


@_changing_data
def cancelled(context: FaultContext, data: dict[str, Any]) -> None:
    """End the task as cancelled."""
    _end(context, data, "cancelled")


@_changing_data
def cost(context: FaultContext, data: dict[str, Any]) -> None:
    """State another cost."""
    data |= {"cost": context.rule["usd"], "credits_cost": round(context.rule["usd"] * 10, 5)}


@_changing_data
def no_link(_context: FaultContext, data: dict[str, Any]) -> None:
    """Complete the task without a link to its result."""
    data |= {"status": "completed", "progress": 100, "result": {"videos": []}}


def truncated(context: FaultContext) -> WireResponse:
    """Return the beginning of the file."""
    body = context.real.body
    return replace(context.real, body=body[: int(len(body) * context.rule["part"])])


def flipped(context: FaultContext) -> WireResponse:
    """Return the file with some of its bytes inverted."""
    body = bytearray(context.real.body)
    start = min(int(len(body) * context.rule["at"]), max(len(body) - 1, 0))
    for place in range(start, min(start + int(context.rule["bytes"]), len(body))):
        body[place] ^= 0xFF
    return replace(context.real, body=bytes(body))


def _partial(context: FaultContext, first: int, end: int, **headers: str) -> WireResponse:
    body = context.real.body
    content_range = {"content-range": f"bytes {first}-{end - 1}/{len(body)}"}
    return WireResponse(206, context.real.headers | headers | content_range, body[first:end])


def wrong_range(context: FaultContext) -> WireResponse:
    """Return a 206 for the middle of the file, whatever was requested."""
    size = len(context.real.body)
    return _partial(context, size // 3, size // 2)


def etag_changed(context: FaultContext) -> WireResponse:
    """Return the whole file under another ETag, or (`if_range` ignored) the requested part of it."""
    requested = context.request_headers.get("range", "").removeprefix("bytes=").removesuffix("-")
    if context.rule["if_range"] == "honoured" or not requested.isdecimal():
        return replace(context.real, headers=context.real.headers | {"etag": '"changed"'})
    return _partial(context, int(requested), len(context.real.body), etag='"changed"')
