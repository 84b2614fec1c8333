"""Wrong answers: what a fault puts in the place of a real one. Pure functions over plain values."""

from __future__ import annotations

import math
import time
import zlib
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from motion_widgets.sandbox.faults.answer import Answer
from motion_widgets.sandbox.faults.task_faults import STORIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sandbox.faults.answer import Scene

__all__ = ["spoil"]

_PAGE = "<html><head><title>{code}</title></head><body><h1>{code}</h1>a proxy in between</body></html>"
_TYPES = {
    401: "authentication_error", 402: "payment_required", 403: "permission_error", 429: "rate_limit_error",
    502: "bad_gateway", 503: "service_unavailable", 504: "gateway_timeout",
}  # fmt: skip


def spoil(scene: Scene) -> Answer:
    """Return the answer that a rule puts in the place of the real one; kinds that only disturb leave it."""
    make = _MAKERS.get(scene.rule.kind)
    return scene.real if make is None else make(scene)


def _refusal(scene: Scene, code: int, kind: str, message: str, error_code: int | str | None = None) -> Answer:
    error = {"code": code if error_code is None else error_code, "message": message, "type": kind}
    headers = {"content-type": "application/json"} | _wait(scene)
    return Answer(code, headers).carrying({"error": error})


def _wait(scene: Scene) -> dict[str, str]:
    given = scene.rule.parameters
    if given.get("retry_after") is None:
        return {}
    seconds = math.ceil(given["retry_after"] / scene.speed)
    now = time.time() + given["clock_skew"]
    headers = {"date": formatdate(now, usegmt=True)} if given["clock_skew"] else {}
    due = formatdate(now + seconds, usegmt=True) if given["http_date"] else str(seconds)
    return headers | {"retry-after": due}


def _status(scene: Scene) -> Answer:
    rule = scene.rule
    code = rule["code"]
    kind = rule["type"] or _TYPES.get(code, "server_error" if code >= 500 else "invalid_request_error")
    message = rule["message"] if rule["message"] is not None else f"played by the fault plan: {code}"
    answer = _refusal(scene, code, kind, message, rule["error_code"])
    if rule["shape"] == "inside":
        return replace(answer, status=200).carrying({"code": code, **answer.data})
    if rule["shape"] == "flat":
        return answer.carrying({"success": False, "message": message})
    if rule["shape"] == "text":
        return replace(answer, headers=answer.headers | {"content-type": "text/plain"}, body=message.encode())
    return answer


def _idempotency(scene: Scene) -> Answer:
    code = 503 if scene.rule.kind == "idempotency_unavailable" else 409
    kind = scene.rule.kind
    return _refusal(scene, code, "invalid_request_error", f"played by the fault plan: {kind}", kind)


def _build_failed(scene: Scene) -> Answer:
    return _refusal(scene, 500, "server_error", "build_request_failed: played by the fault plan")


def _rate_limit(scene: Scene) -> Answer:
    return _refusal(scene, 429, "rate_limit_error", "Too many requests; slow down.")


def _too_many(scene: Scene) -> Answer:
    return _refusal(scene, 429, "rate_limit_error", "too many tasks at once (1303)")


def _not_found(scene: Scene) -> Answer:
    return _refusal(scene, 404, "invalid_request_error", "There is no task of this id.")


def _expired(scene: Scene) -> Answer:
    return _refusal(scene, 403, "permission_error", "This link has expired.")


def _down(scene: Scene) -> Answer:
    return _refusal(scene, 503, "service_unavailable", "The service is down for maintenance.")


def _html(scene: Scene) -> Answer:
    page = scene.rule["body"] or _PAGE.format(code=scene.rule["code"])
    return Answer(scene.rule["code"], {"content-type": "text/html"}, page.encode())


def _html_result(scene: Scene) -> Answer:
    page = scene.rule["body"] or _PAGE.format(code=404)
    return Answer(200, {"content-type": "video/mp4"}, page.encode())


def _redirect(scene: Scene) -> Answer:
    return Answer(scene.rule["code"], {"location": scene.rule["to"]})


def _large(scene: Scene) -> Answer:
    return replace(_json_head(scene), body=b'{"data": "' + b"x" * int(scene.rule["bytes"]) + b'"}')


def _gzip_bomb(scene: Scene) -> Answer:
    coder = zlib.compressobj(9, wbits=31)
    piece, left = b" " * 1_000_000, int(scene.rule["bytes"])
    packed = [coder.compress(b"{")]
    while left > 0:
        packed.append(coder.compress(piece[:left]))
        left -= len(piece)
    answer = _json_head(scene)
    headers = answer.headers | {"content-encoding": "gzip"}
    return Answer(200, headers, b"".join([*packed, coder.compress(b"}"), coder.flush()]))


def _json_head(scene: Scene) -> Answer:
    return Answer(scene.real.status if scene.real.body else 200, {"content-type": "application/json"})


def _truncated_json(scene: Scene) -> Answer:
    # At least the last bracket is missing.
    most = min(int(len(scene.real.body) * scene.rule["part"]), len(scene.real.body) - 1)
    return replace(scene.real, body=scene.real.body[:most])


_MAKERS: dict[str, Callable[[Scene], Answer]] = {
    "status": _status,
    "build_request_failed": _build_failed,
    "idempotency_in_progress": _idempotency,
    "idempotency_unavailable": _idempotency,
    "idempotency_result_indeterminate": _idempotency,
    "idempotency_key_reused": _idempotency,
    "rate_limit": _rate_limit,
    "too_many_tasks": _too_many,
    "not_found": _not_found,
    "html": _html,
    "truncated_json": _truncated_json,
    "large": _large,
    "gzip_bomb": _gzip_bomb,
    "redirect": _redirect,
    "down": _down,
    "expired": _expired,
    "html_result": _html_result,
    **STORIES,
}
