"""Hearing what an endpoint really answers, byte for byte, while the ordinary client and jobs talk to it.

Nothing is sent from here: answers are noted as they pass to whoever asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.workspace.endpoint_choice import Target
from motion_widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from motion_widgets.endpoint.api_key import Secret

__all__ = ["Answer", "HeardWorkspace", "Hearing"]

KEPT = 256 * 1024
"""Bytes of an answer that are noted; a status is under 10 KB."""
_CALLS = {
    "/v1/videos/generations": "submit",
    "/v1/balance": "balance",
    "/v1/user/balance": "user balance",
    "/v1/models": "models",
    "/v1/usage": "usage",
}


@dataclass
class Answer:
    """One answer as it came."""

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
        """The decoded JSON, the key taken out. None: it is none."""
        try:
            body = json.loads(self.secret.conceal(bytes(self.content).decode("utf-8-sig", "replace")))
            return json.loads(self.secret.conceal(json.dumps(body, ensure_ascii=False)))
        except (ValueError, RecursionError):
            return None


class Hearing:
    """All answers of one endpoint, in the order in which they began."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def heard(self, call: str) -> list[Answer]:
        """Return the answers to one kind of call."""
        return [one for one in self.answers if one.call == call]

    def client(self, base_url: str, secret: Secret) -> EndpointClient:
        """Make a client whose answers are noted here."""

        def note(request: httpx.Request, response: httpx.Response) -> None:
            self.note(request.url, response, client.base_url, secret)

        client = EndpointClient(base_url, secret, on_response=note)
        return client

    def note(self, url: httpx.URL, response: httpx.Response, base_url: str, secret: Secret) -> None:
        """Note an answer, and its content as it is read by whoever asked."""
        path = url.path.removeprefix(urlsplit(base_url).path)
        call = "task" if path.startswith("/v1/tasks/") else _CALLS.get(path, "other")
        answer = Answer(
            call=call,
            query=dict(url.params),
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            secret=secret,
        )
        self.answers.append(answer)
        response.stream = _Tee(response.stream, answer)


class _Tee(httpx.AsyncByteStream):
    """Hands an answer on, and keeps a copy of its beginning."""

    def __init__(self, stream: Any, answer: Answer) -> None:
        self._stream = stream
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        kept = self._answer.content
        async for chunk in self._stream:
            kept += chunk[: max(KEPT - len(kept), 0)]
            yield chunk

    async def aclose(self) -> None:
        kept = self._answer.content  # a server may send the key back
        kept[:] = self._answer.secret.conceal(kept.decode("latin-1")).encode("latin-1")
        await self._stream.aclose()


@dataclass
class _HeardTarget(Target):
    hearing: Hearing = field(default_factory=Hearing, repr=False)

    def client(self) -> EndpointClient:
        return self.hearing.client(self.base_url, self.need_key())


class HeardWorkspace(Workspace):
    """A workspace at a live endpoint whose answers are noted.

    Parameters
    ----------
    folder, endpoint, key
        As `Workspace` takes them; the endpoint is not the sandbox.
    hearing
        Where the answers go.
    """

    def __init__(
        self, folder: str | Path | None, endpoint: str, hearing: Hearing, *, key: str | None = None
    ) -> None:
        given_key = [key]
        del key  # verbose tracebacks show the locals of this frame
        super().__init__(folder, endpoint, key=given_key.pop())
        with self._lock:  # the runner of earlier jobs speaks through a client that is not heard
            old, self._runner = self._runner, None
            given = self._target
            self._target = _HeardTarget(given.endpoint, given.base_url, given.given, hearing)
        if old is not None:
            old.close()
