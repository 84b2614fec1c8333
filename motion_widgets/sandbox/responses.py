"""The bodies that go over the wire: errors, accepted submits, a task's status.

Pure functions over plain values; nothing here knows HTTP frameworks, files or the store.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.price import usd

if TYPE_CHECKING:
    from motion_widgets.sandbox.tasks import Task

__all__ = ["ApiError", "accepted", "status"]

# `language` changes only this sentence. Languages that are missing here get English.
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


class ApiError(Exception):
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
        The body's ``error.code``. None: the HTTP status.
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
    def invalid(cls, message: str) -> ApiError:
        """Return a 400 for a bad parameter or bad media."""
        return cls(400, "invalid_request_error", message)


def accepted(task_id: str, *, modern: bool) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return the response to a submit: HTTP status, extra headers, body.

    `modern` is the 202 shape (one object, ``queued``); the other is the 200 shape (a list, ``submitted``).
    """
    if modern:
        body = {"code": 202, "data": {"id": task_id, "status": "queued"}}
        return 202, {"X-APIMart-Response-Version": "2026-07-27"}, body
    return 200, {}, {"code": 200, "data": [{"status": "submitted", "task_id": task_id}]}


def status(
    task: Task, now: float, *, link: str, language: str = "en", string_url: bool = False
) -> dict[str, Any]:
    """Return the body of ``GET /v1/tasks/{id}`` at the Unix time `now`.

    Progress is a function of time alone, so every process that serves the folder reports the same. While the
    drawing is late, the task stays at 99 %.
    """
    data: dict[str, Any] = {"id": task.id, "created": int(task.created)}
    data["estimated_time"] = max(1, math.ceil(task.due - task.created))
    if task.failed is not None:
        sentences = _SENTENCES.get(task.error or "", _SENTENCES["internal"])
        message = sentences.get(language, sentences["en"])
        data |= _end("failed", task, task.failed, charge=0)
        data["error"] = {"code": 500, "message": message, "type": "server_error"}
    elif task.completed is not None and task.completed <= now:
        data |= _end("completed", task, task.completed, charge=task.charge)
        video = {"url": link if string_url else [link], "expires_at": int(task.expires or 0)}
        data["result"] = {"videos": [video]}
    else:
        part = (now - task.created) / max(task.due - task.created, 1e-6)
        progress = min(99, max(0, int(100 * part)))
        data |= {"status": "submitted" if part < 0.1 else "processing", "progress": progress}
    return {"code": 200, "data": data}


def _end(word: str, task: Task, ended: float, *, charge: int) -> dict[str, Any]:
    data = {"status": word, "progress": 100, "completed": int(ended)}
    data["actual_time"] = int(ended - task.created)
    return data | {"cost": usd(charge), "credits_cost": usd(charge * 10)}
