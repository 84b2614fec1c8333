"""Responses that a fault sends in place of the real one. Pure functions over plain values."""

from __future__ import annotations

import math
import time
import zlib
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from motion_widgets.sandbox.faults.response import WireResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sandbox.faults.response import FaultContext

__all__ = ["error", "gzip_bomb", "html", "html_result", "idempotency_error", "large", "redirect", "status"]

_PAGE = "<html><head><title>{code}</title></head><body><h1>{code}</h1>a proxy in between</body></html>"
_TYPES = {
    401: "authentication_error", 402: "payment_required", 403: "permission_error", 429: "rate_limit_error",
    502: "bad_gateway", 503: "service_unavailable", 504: "gateway_timeout",
}  # fmt: skip


def _error(
    context: FaultContext, status: int, message: str, kind: str | None = None, code: int | str | None = None
) -> WireResponse:
    kind = kind or _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    body = {"code": status if code is None else code, "message": message, "type": kind}
    headers = {"content-type": "application/json"} | _retry_after(context)
    return WireResponse(status, headers).with_json({"error": body})


def _retry_after(context: FaultContext) -> dict[str, str]:
    given = context.rule.parameters
    if given.get("retry_after") is None:
        return {}
    seconds = math.ceil(given["retry_after"] / context.speed)
    now = time.time() + given["clock_skew"]
    headers = {"date": formatdate(now, usegmt=True)} if given["clock_skew"] else {}
    due = formatdate(now + seconds, usegmt=True) if given["http_date"] else str(seconds)
    return headers | {"retry-after": due}


def error(status: int, message: str) -> Callable[[FaultContext], WireResponse]:
    """Return a maker of one fixed error."""
    return lambda context: _error(context, status, message)


def idempotency_error(status: int) -> Callable[[FaultContext], WireResponse]:
    """Return a maker of an error whose code is the kind's own name."""

    def make(context: FaultContext) -> WireResponse:
        name = context.rule.kind
        message = f"played by the fault plan: {name}"
        return _error(context, status, message, kind="invalid_request_error", code=name)

    return make


def status(context: FaultContext) -> WireResponse:
    """Return the error that the rule spells out."""
    rule = context.rule
    code = rule["code"]
    message = rule["message"] if rule["message"] is not None else f"played by the fault plan: {code}"
    response = _error(context, code, message, kind=rule["type"], code=rule["error_code"])
    match rule["shape"]:
        case "inside":
            return replace(response, status=200).with_json({"code": code, **response.data})
        case "flat":
            return response.with_json({"success": False, "message": message})
        case "detail":
            return response.with_json({"detail": message})
        case "text":
            headers = response.headers | {"content-type": "text/plain"}
            return replace(response, headers=headers, body=message.encode())
    return response


def html(context: FaultContext) -> WireResponse:
    """Return a proxy's page."""
    page = context.rule["body"] or _PAGE.format(code=context.rule["code"])
    return WireResponse(context.rule["code"], {"content-type": "text/html"}, page.encode())


def html_result(context: FaultContext) -> WireResponse:
    """Return a page under a video's content type."""
    page = context.rule["body"] or _PAGE.format(code=404)
    return WireResponse(200, {"content-type": "video/mp4"}, page.encode())


def redirect(context: FaultContext) -> WireResponse:
    """Return a redirect."""
    return WireResponse(context.rule["code"], {"location": context.rule["to"]})


def _json_head(context: FaultContext) -> WireResponse:
    status = context.real.status if context.real.body else 200
    return WireResponse(status, {"content-type": "application/json"})


def large(context: FaultContext) -> WireResponse:
    """Return JSON of so many bytes."""
    return replace(_json_head(context), body=b'{"data": "' + b"x" * int(context.rule["bytes"]) + b'"}')


def gzip_bomb(context: FaultContext) -> WireResponse:
    """Return a small body that unpacks to so many bytes."""
    packer = zlib.compressobj(9, wbits=31)
    chunk, left = b" " * 1_000_000, int(context.rule["bytes"])
    packed = [packer.compress(b"{")]
    while left > 0:
        packed.append(packer.compress(chunk[:left]))
        left -= len(chunk)
    headers = _json_head(context).headers | {"content-encoding": "gzip"}
    return WireResponse(200, headers, b"".join([*packed, packer.compress(b"}"), packer.flush()]))
