"""Record what an endpoint answers, byte for byte, while the ordinary client and jobs talk to it.

Nothing is sent from here: responses are recorded while whoever asked reads them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from motion_widgets.endpoint.api_key import Secret

__all__ = ["Recorder", "Response"]

KEPT = 256 * 1024
"""Bytes of a response that are kept; a status is under 10 KB."""
_CALLS = {
    "/v1/videos/generations": "submit",
    "/v1/balance": "balance",
    "/v1/user/balance": "user balance",
    "/v1/models": "models",
    "/v1/usage": "usage",
}


@dataclass
class Response:
    """One response as it came."""

    call: str
    """``"submit"``, ``"task"``, ``"other"``, or a word of `_CALLS`."""
    query: dict[str, str]
    status: int
    headers: dict[str, str]
    """With lower-case names."""
    secret: Secret
    content: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def body(self) -> Any:
        """The decoded JSON, without the key. None: the content is not JSON."""
        try:
            body = json.loads(self.secret.conceal(bytes(self.content).decode("utf-8-sig", "replace")))
            return json.loads(self.secret.conceal(json.dumps(body, ensure_ascii=False)))
        except (ValueError, RecursionError):
            return None


class Recorder:
    """Keeps all responses of one endpoint, in the order in which they began.

    Parameters
    ----------
    base_url
        The endpoint.
    secret
        The key, which is removed from everything recorded.
    """

    def __init__(self, base_url: str, secret: Secret) -> None:
        self._prefix = urlsplit(base_url).path.rstrip("/")
        self._secret = secret
        self.responses: list[Response] = []

    def responses_to(self, call: str) -> list[Response]:
        """Return the responses to one kind of call."""
        return [one for one in self.responses if one.call == call]

    def record(self, request: httpx.Request, response: httpx.Response) -> None:
        """Record a response now, and its content when it is read."""
        path = request.url.path.removeprefix(self._prefix)
        recorded = Response(
            call="task" if path.startswith("/v1/tasks/") else _CALLS.get(path, "other"),
            query=dict(request.url.params),
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            secret=self._secret,
        )
        self.responses.append(recorded)
        response.stream = _CopyingStream(response.stream, recorded)


class _CopyingStream(httpx.AsyncByteStream):
    """Passes a response on, and keeps a copy of its beginning."""

    def __init__(self, stream: Any, recorded: Response) -> None:
        self._stream = stream
        self._recorded = recorded

    async def __aiter__(self) -> AsyncIterator[bytes]:
        kept = self._recorded.content
        async for chunk in self._stream:
            kept += chunk[: max(KEPT - len(kept), 0)]
            yield chunk

    async def aclose(self) -> None:
        kept = self._recorded.content  # a server may send the key back
        kept[:] = self._recorded.secret.conceal(kept.decode("latin-1")).encode("latin-1")
        await self._stream.aclose()
