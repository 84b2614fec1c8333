"""Wrong stories of a task: what a fault makes of a real answer's JSON, and of a real result's bytes."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.faults.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sandbox.faults.answer import Scene

__all__ = ["STORIES"]

_SAID = {
    "moderation": (1301, "The content violates the content policy (1301)."),
    "parameters": (1201, "A parameter is invalid (1201)."),
    "media": (500, "The reference video could not be decoded."),
    "account": (1102, "The account is out of credit (1102)."),
    "busy": (1303, "too many tasks at once (1303)"),
    "other": (500, "Something went wrong."),
}


def _within(change: Callable[[Scene, dict[str, Any]], None]) -> Callable[[Scene], Answer]:
    """Make a change to the object behind ``data``, wherever it is."""

    def make(scene: Scene) -> Answer:
        body = scene.real.data
        inner = body.get("data", body) if isinstance(body, dict) else {}
        found = inner[0] if isinstance(inner, list) and inner else inner
        if not isinstance(found, dict):
            return scene.real
        change(scene, found)
        return scene.real.carrying(body)

    return make


def _fields(scene: Scene, data: dict[str, Any]) -> None:
    for name, value in scene.rule["set"].items():
        _put(data, name.split("."), value)
    for name in scene.rule["drop"]:
        _put(data, name.split("."), ...)


def _put(data: Any, way: list[str], value: object) -> None:
    """Set what a dotted name leads to (``...``: take it away); objects on the way are made."""
    for here, word in enumerate(way):
        last = here == len(way) - 1
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


def _no_task_id(_scene: Scene, data: dict[str, Any]) -> None:
    data.pop("task_id", None)
    data.pop("id", None)


def _data_shape(scene: Scene) -> Answer:
    body = scene.real.data
    if not isinstance(body, dict) or "data" not in body:
        return scene.real
    inner = body["data"]
    one = inner[0] if isinstance(inner, list) and inner else inner
    shape = scene.rule["data"]
    return scene.real.carrying(one if shape == "bare" else body | {"data": [one] if shape == "list" else one})


def _url_shape(scene: Scene, data: dict[str, Any]) -> None:
    for video in data.get("result", {}).get("videos", []):
        url = video["url"]
        link = url[0] if isinstance(url, list) else url
        shapes = {"string": link, "list": [link], "duplicate": [link, link], "objects": [{"url": link}, link]}
        video["url"] = shapes[scene.rule["url"]]


def _progress(scene: Scene, data: dict[str, Any]) -> None:
    data["progress"] = scene.rule["value"]


def _estimated_time(scene: Scene, data: dict[str, Any]) -> None:
    data["estimated_time"] = scene.rule["value"]


def _unended(data: dict[str, Any]) -> None:
    for name in ("completed", "actual_time", "cost", "credits_cost", "result", "error"):
        data.pop(name, None)


def _word(scene: Scene, data: dict[str, Any]) -> None:
    _unended(data)
    data["status"] = scene.rule["word"]
    data["progress"] = min(int(data.get("progress", 0)), 99)


def _backwards(scene: Scene, data: dict[str, Any]) -> None:
    _unended(data)
    words, turn = scene.rule["words"], scene.rule.played - 1
    data |= {"status": words[turn % len(words)], "progress": max(80 - 30 * turn, 0)}


def _ended(scene: Scene, data: dict[str, Any], word: str) -> None:
    now = int(time.time())
    _unended(data)
    took = now - int(data.get("created", now))
    data |= {"status": word, "progress": 100, "completed": now, "actual_time": took}
    if scene.rule["billed"] == "said":
        cost = 0.0 if scene.rule["refunded"] else scene.charge
        data |= {} if cost is None else {"cost": cost, "credits_cost": round(cost * 10, 5)}


def _failed(scene: Scene, data: dict[str, Any]) -> None:
    _ended(scene, data, "failed")
    rule = scene.rule
    code, message = _SAID[rule["reason"]]
    message = rule["message"] if rule["message"] is not None else message
    code = rule["error_code"] if rule["error_code"] is not None else code
    data["error"] = {"code": code, "message": message, "type": "server_error"}


def _cancelled(scene: Scene, data: dict[str, Any]) -> None:
    _ended(scene, data, "cancelled")


def _cost(scene: Scene, data: dict[str, Any]) -> None:
    data |= {"cost": scene.rule["usd"], "credits_cost": round(scene.rule["usd"] * 10, 5)}


def _no_link(_scene: Scene, data: dict[str, Any]) -> None:
    data |= {"status": "completed", "progress": 100, "result": {"videos": []}}


# Results.


def _flipped(scene: Scene) -> Answer:
    body = bytearray(scene.real.body)
    start = min(int(len(body) * scene.rule["at"]), max(len(body) - 1, 0))
    for place in range(start, min(start + int(scene.rule["bytes"]), len(body))):
        body[place] ^= 0xFF
    return replace(scene.real, body=bytes(body))


def _truncated(scene: Scene) -> Answer:
    return replace(scene.real, body=scene.real.body[: int(len(scene.real.body) * scene.rule["part"])])


def _wrong_range(scene: Scene) -> Answer:
    body = scene.real.body
    middle = body[len(body) // 3 : len(body) // 2]
    first = len(body) // 3
    where = f"bytes {first}-{first + len(middle) - 1}/{len(body)}"
    return Answer(206, scene.real.headers | {"content-range": where}, middle)


def _etag_changed(scene: Scene) -> Answer:
    """Return the whole with another tag, or (`if_range` ignored) the asked part of a file that changed."""
    headers = scene.real.headers | {"etag": '"changed"'}
    asked = scene.request.get("range", "").removeprefix("bytes=").removesuffix("-")
    if scene.rule["if_range"] == "honoured" or not asked.isdecimal():
        return replace(scene.real, headers=headers)
    body, start = scene.real.body, int(asked)
    where = {"content-range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
    return Answer(206, headers | where, body[start:])


STORIES: dict[str, Callable[[Scene], Answer]] = {
    "fields": _within(_fields),
    "no_task_id": _within(_no_task_id),
    "data_shape": _data_shape,
    "url_shape": _within(_url_shape),
    "progress": _within(_progress),
    "estimated_time": _within(_estimated_time),
    "word": _within(_word),
    "backwards": _within(_backwards),
    "failed": _within(_failed),
    "cancelled": _within(_cancelled),
    "cost": _within(_cost),
    "no_link": _within(_no_link),
    "truncated": _truncated,
    "flipped": _flipped,
    "wrong_range": _wrong_range,
    "etag_changed": _etag_changed,
}
"""How each kind that changes a real answer changes it."""
