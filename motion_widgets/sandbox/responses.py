"""The shapes of what goes over the wire: refusals, accepted tasks, a task's status.

Pure functions over plain values; nothing here knows HTTP frameworks, files or the store.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import Any

__all__ = ["UNITS", "Refusal", "Task", "accepted", "new_task_id", "status", "usd"]

UNITS = 100_000
"""Money is counted in whole 1/100,000 USD: every price has five decimals, so no sum ever rounds."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# `language` changes only this sentence. Languages without one of their own get English.
_SENTENCES: dict[str, dict[str, str]] = {
    "undecodable": {
        "en": "The reference image or video could not be decoded. The charge was refunded.",
        "zh": "无法解码参考图片或参考视频。费用已退还。",
        "ja": "参考画像または参考動画をデコードできませんでした。料金は返金されました。",
    },
    "internal": {
        "en": "The sandbox could not draw the result. The charge was refunded.",
        "zh": "沙盒无法生成结果。费用已退还。",
        "ja": "サンドボックスは結果を描画できませんでした。料金は返金されました。",
    },
}


class Refusal(Exception):  # noqa: N818 - an answer, not a mishap of the program
    """A request that is answered with an error body.

    Parameters
    ----------
    http : int
        HTTP status.
    kind : str
        The body's ``error.type``.
    message : str
        The sentence for a person: value, limit, next step.
    code : int or str, optional
        The body's ``error.code``; the HTTP status when left out.
    retry_after : float, optional
        Seconds on this machine's clock until a further try makes sense; sent rounded up to whole seconds.
    """

    def __init__(
        self,
        http: int,
        kind: str,
        message: str,
        *,
        code: int | str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.http = http
        self.body = {"error": {"code": http if code is None else code, "message": message, "type": kind}}
        self.headers = {} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}

    @classmethod
    def parameter(cls, message: str) -> Refusal:
        """Answer of 400 for a bad parameter or bad media."""
        return cls(400, "invalid_request_error", message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One accepted generation, as the store keeps it. Times are unix seconds, money is in `UNITS`."""

    id: str
    model: str
    mode: str
    orientation: str
    sound: bool
    watermark: bool
    image: str
    """Name of the kept reference image inside ``inputs/``."""
    clip: str
    """Name of the kept reference video inside ``inputs/``."""
    length: float
    """Length of the reference video in s, as measured."""
    charge: int
    created: float
    due: float
    """When the task completes, provided that its result is drawn by then."""
    life: float
    """Seconds the result's link lives after completion."""
    drawn: float | None = None
    """When the result was first drawn."""
    failed: float | None = None
    error: str | None = None

    @property
    def completed(self) -> float | None:
        """When it completed or will: due and drawn. None: not drawn yet, or failed."""
        return None if self.drawn is None or self.failed is not None else max(self.drawn, self.due)

    @property
    def expires(self) -> float | None:
        """When the result's link dies, in whole unix seconds. None: no result yet."""
        return None if self.completed is None else float(math.ceil(self.completed + self.life))


def usd(units: int) -> float:
    """Money as the wire shows it, in USD."""
    return units / UNITS


def new_task_id() -> str:
    """Fresh ``task_<ULID>``: 48 bits of time in ms, 80 bits of chance."""
    value = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
    return "task_" + "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def accepted(task_id: str, *, modern: bool) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Answer to a submit: HTTP status, body, extra headers.

    Parameters
    ----------
    task_id : str
        The new task.
    modern : bool
        True: the 202 shape (one object, ``queued``); False: the 200 shape (a list, ``submitted``).
    """
    if modern:
        body = {"code": 202, "data": {"id": task_id, "status": "queued"}}
        return 202, body, {"X-APIMart-Response-Version": "2026-07-27"}
    return 200, {"code": 200, "data": [{"status": "submitted", "task_id": task_id}]}, {}


def status(
    task: Task, now: float, *, link: str, language: str = "en", string_url: bool = False
) -> dict[str, Any]:
    """Body of ``GET /v1/tasks/{id}`` at the moment `now` (unix seconds).

    Progress is a function of time alone, so any process that opens the folder tells the same story. While the
    drawing is late the task stays at 99 %.
    """
    data: dict[str, Any] = {"id": task.id, "created": int(task.created)}
    data["estimated_time"] = max(1, math.ceil(task.due - task.created))
    if task.failed is not None:
        sentences = _SENTENCES.get(task.error or "", _SENTENCES["internal"])
        data |= {"status": "failed", "progress": 100, "completed": int(task.failed)}
        data |= {"actual_time": int(task.failed - task.created), "cost": 0.0, "credits_cost": 0.0}
        message = sentences.get(language, sentences["en"])
        data["error"] = {"code": 500, "message": message, "type": "server_error"}
    elif task.completed is not None and task.completed <= now:
        data |= {"status": "completed", "progress": 100, "completed": int(task.completed)}
        data |= {"actual_time": int(task.completed - task.created), "cost": usd(task.charge)}
        data["credits_cost"] = task.charge * 10 / UNITS
        video = {"url": link if string_url else [link], "expires_at": int(task.expires or 0)}
        data["result"] = {"videos": [video]}
    else:
        part = (now - task.created) / max(task.due - task.created, 1e-6)
        progress = min(99, max(0, int(100 * part)))
        data |= {"status": "submitted" if part < 0.1 else "processing", "progress": progress}
    return {"code": 200, "data": data}
