"""A response as a fault finds and leaves it, and what the fault may know about its call."""

from __future__ import annotations

import http
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motion_widgets.sandbox.faults.rule import Rule

__all__ = ["FaultContext", "WireResponse"]


@dataclass(frozen=True, slots=True)
class WireResponse:
    """A whole response. Header names are in lower case."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def data(self) -> Any:
        """The decoded JSON. None: it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def with_json(self, value: object) -> WireResponse:
        """Return the same response with another JSON body; NaN stays NaN, as careless servers send it."""
        return replace(self, body=json.dumps(value, ensure_ascii=False).encode())

    def to_bytes(self, *, length: int | None, body: bool = True) -> bytes:
        """Return the response, or without `body` its head, as bytes of HTTP/1.1.

        `length` is the Content-Length to state. None: none, so the end of the connection ends the body.
        """
        phrase = http.HTTPStatus(self.status).phrase if self.status in set(http.HTTPStatus) else ""
        headers = self.headers | {"connection": "close"}
        headers.pop("content-length", None)
        if length is not None:
            headers["content-length"] = str(length)
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {text}" for name, text in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (self.body if body else b"")


@dataclass(frozen=True, slots=True)
class FaultContext:
    """What a fault may need to know."""

    rule: Rule
    real: WireResponse
    """The real response; an empty one when the request was not executed."""
    request_headers: dict[str, str]
    speed: float
    """The clock factor: lengths of time in a plan are divided by it."""
    cost: float | None = None
    """What the task costs in USD. None: the call is not about a task."""
