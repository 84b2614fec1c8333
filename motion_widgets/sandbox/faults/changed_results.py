"""Result files as a fault changes them: cut off, with flipped bits, under another range or ETag."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from motion_widgets.sandbox.faults.response import WireResponse

if TYPE_CHECKING:
    from motion_widgets.sandbox.faults.response import FaultContext

__all__ = ["etag_changed", "flipped", "truncated", "wrong_range"]


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
