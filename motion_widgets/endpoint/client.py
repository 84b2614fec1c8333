"""Calls to the endpoint: one attempt each, with a total deadline, a capped answer and no redirects.

Whether and when to try again is the business of `motion_widgets.jobs`. All methods are coroutines and belong
to one event loop; `motion_widgets.endpoint.transport` sends the requests.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import httpx

from motion_widgets.core.errors import RequestError
from motion_widgets.core.hosts import is_loopback
from motion_widgets.core.messages import say
from motion_widgets.endpoint import responses
from motion_widgets.endpoint.api_key import origin_of
from motion_widgets.endpoint.errors import (
    AnswerError,
    OutcomeUnknown,
    error_from_answer,
    parse_date,
    read_request_id,
)
from motion_widgets.endpoint.transport import EXCERPT, Answer, Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from motion_widgets.endpoint.api_key import Secret

__all__ = ["LIVE_URL", "EndpointClient", "base_of"]

LIVE_URL = "https://api.apimart.ai"
SUBMIT_SECONDS = 120.0
"""Total deadline of a submit; the server measures the clip before it answers."""
CALL_SECONDS = 30.0
UPLOAD_SECONDS = 180.0
_HEADERS = {
    "Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "motion-widgets",
    "Cache-Control": "no-cache",
}  # fmt: skip
FAILURE_CODES = range(400, 600)
"""Codes in the body of an HTTP 200 that mean the same as that HTTP status."""

_Read = TypeVar("_Read")


_CALL = re.compile(
    r"(?:/v1)?/videos/generations$|/v1(?:/(?:videos|tasks(?:/[^/]+)?|uploads(?:/images)?|user(?:/balance)?|"
    r"balance|models|usage))?$"
)
"""What a base address ends with if somebody copied the address of a call; or a mere ``/v1``."""


def base_of(url: str) -> str:
    """Return the base of an address or path, whether it names the base, its ``/v1`` or a whole call."""
    return _CALL.sub("", url.rstrip("/")).rstrip("/")


async def _always() -> bool:
    return True


class EndpointClient:
    """Calls one endpoint with one key.

    Parameters
    ----------
    base_url
        ``https://…``; plain http only on loopback. A path in front of ``/v1`` is kept; what follows it, as
        in the address of a call, is not.
    secret
        The key.
    submit_seconds, call_seconds, upload_seconds
        Total deadlines in s of a submit, of any other call, and of an upload. None: 120, 30 and 180 s.
    on_answer
        Called with each request and what was answered, both without the key.

    Raises
    ------
    RequestError
        The address is invalid, or a key must not be sent there.
    """

    def __init__(
        self,
        base_url: str,
        secret: Secret,
        *,
        submit_seconds: float | None = None,
        call_seconds: float | None = None,
        upload_seconds: float | None = None,
        on_answer: Callable[[httpx.Request, Answer], None] = lambda *_: None,
    ) -> None:
        origin_of(base_url)  # an address that is none is refused first
        parts = urlsplit(base_url)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise RequestError.of("endpoint_wrong", found=f"{parts.scheme}://{parts.hostname}")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(base_url)):
            raise RequestError.of("endpoint_not_https", url=f"{parts.scheme}://{parts.hostname}")
        self.base_url = base_of(base_url)
        self._submit_seconds = SUBMIT_SECONDS if submit_seconds is None else submit_seconds
        self._call_seconds = CALL_SECONDS if call_seconds is None else call_seconds
        self._upload_seconds = UPLOAD_SECONDS if upload_seconds is None else upload_seconds
        self._transport = Transport(self.base_url, secret, on_answer)
        self._dated: tuple[float, float] | None = None
        """The date of the endpoint's last answer that had one (unix s), and the monotonic time then (s)."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections, those in use as soon as their calls have ended."""
        await self._transport.aclose()

    def now(self) -> float:
        """Return the time by the endpoint's clock (unix s), whatever this machine's was set to meanwhile.

        It is behind by the s that the machine slept since the last answer: no link expires too early by it.
        """
        if self._dated is None:
            return time.time()
        date, then = self._dated
        return date + time.monotonic() - then

    async def submit(
        self, body: bytes, idempotency_key: str, *, go: Callable[[], Awaitable[bool]] = _always
    ) -> responses.Submitted:
        """Send one paid request, once.

        Parameters
        ----------
        body
            The JSON; a resend must be byte-identical.
        idempotency_key
            1-191 visible ASCII characters, one per logical generation.
        go
            Awaited when there is a connection, right before the first byte is sent; False: nothing is sent.

        Raises
        ------
        EndpointError
            `not_accepted` is True if the request surely costs nothing; `OutcomeUnknown` if it was sent
            and may have been accepted.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        answer, payload = await self._call(
            "POST",
            "/v1/videos/generations",
            content=body,
            headers=headers,
            paid=True,
            go=go,
            seconds=self._submit_seconds,
        )
        replayed = answer.headers.get("idempotency-replayed", "").strip().lower() == "true"
        request_id = read_request_id(answer.headers, payload)
        submitted = responses.read_submitted(payload, replayed=replayed, request_id=request_id)
        if submitted is None:
            raise OutcomeUnknown(
                say("no_task_id"), code="no_task_id", status=answer.status, kind="unknown",
                detail=responses.clean(json.dumps(payload, ensure_ascii=False), responses.RAW_MAX),
                request_id=request_id,
            )  # fmt: skip
        return submitted

    async def task(self, task_id: str, *, language: str = "en") -> responses.Task:
        """Return the status of a task; its moments are by the endpoint's clock."""
        path = f"/v1/tasks/{quote(task_id, safe='')}"
        _, payload = await self._call("GET", path, params={"language": language})
        if not responses.is_about(payload, task_id):
            raise AnswerError(say("answer_other_task", id=task_id), code="answer_other_task", kind="server")
        task = self._read(responses.read_task(payload, now=self.now()), payload)
        return replace(task, links=tuple(map(self._absolute, task.links)))

    async def balance(self, *, account: bool = True) -> responses.Balance:
        """Return the balance: the account's, or (`account=False`) this key's."""
        _, payload = await self._call("GET", "/v1/user/balance" if account else "/v1/balance")
        return self._read(responses.read_balance(payload), payload)

    async def models(self) -> tuple[str, ...]:
        """Return the ids of the models."""
        _, payload = await self._call("GET", "/v1/models")
        return responses.read_models(payload)

    async def usage(self, start: str, end: str, *, group_by: str | None = None) -> responses.Usage:
        """Return what was billed between two moments, at most 31 days apart; refunded tasks are left out.

        Parameters
        ----------
        start, end
            Unix seconds, or an ISO date.
        group_by
            What to group the items by. None: the endpoint's default.
        """
        params = {"start": start, "end": end} | ({} if group_by is None else {"group_by": group_by})
        _, payload = await self._call("GET", "/v1/usage", params=params)
        return self._read(responses.read_usage(payload), payload)

    async def upload_image(self, path: Path) -> str:
        """Upload an image (JPEG, PNG, WebP, GIF; at most 20 MB) and return its link, public for 72 h."""
        content = await asyncio.to_thread(path.read_bytes)
        _, payload = await self._call(
            "POST",
            "/v1/uploads/images",
            files={"file": (f"image{path.suffix.lower()}", content)},
            seconds=self._upload_seconds,
        )
        data = payload.get("data", payload) if isinstance(payload, dict) else {}
        link = data.get("url") if isinstance(data, dict) else None
        link = self._absolute(link) if isinstance(link, str) and link else ""
        return self._read(link if link.startswith(("https://", "http://")) else None, payload)

    async def host(self, path: Path, suffix: str) -> str:
        """Upload a local file to the sandbox, which alone has this call, and return its link there."""
        content = await asyncio.to_thread(path.read_bytes)
        headers = {"X-Filename": f"media{suffix}", "Content-Type": "application/octet-stream"}
        _, payload = await self._call(
            "POST", "/sandbox/media", content=content, headers=headers, seconds=self._upload_seconds
        )
        link = payload.get("url") if isinstance(payload, dict) else None
        return self._read(link if isinstance(link, str) and link else None, payload)

    def _absolute(self, link: str) -> str:
        """Return a link as it is meant: one without a host is the endpoint's own."""
        try:
            return urljoin(f"{self.base_url}/", link)
        except ValueError:  # no address at all; whoever opens it says so
            return link

    @staticmethod
    def _read(value: _Read | None, payload: Any) -> _Read:
        if value is None:
            detail = responses.clean(json.dumps(payload, ensure_ascii=False), EXCERPT)
            raise AnswerError(
                say("answer_unreadable", excerpt=detail),
                code="answer_unreadable",
                kind="server",
                detail=detail,
            )
        return value

    async def _call(
        self,
        method: str,
        path: str,
        *,
        paid: bool = False,
        go: Callable[[], Awaitable[bool]] = _always,
        seconds: float | None = None,
        **options: Any,
    ) -> tuple[Answer, Any]:
        """Make one call; return the response and its decoded JSON, or raise the typed error."""
        headers = {**_HEADERS, **options.pop("headers", {})}
        request = httpx.Request(method, self.base_url + path, headers=headers, **options)
        seconds = self._call_seconds if seconds is None else seconds
        answer = await self._transport.call(request, seconds=seconds, paid=paid, go=go)
        told = parse_date(answer.headers.get("date", ""))
        if told is not None:
            self._dated = told.timestamp(), time.monotonic()
        # Nothing is awaited from here on, so whoever waits acts on a refusal before anything else is sent.
        return answer, self._judge(answer, paid=paid)

    def _judge(self, answer: Answer, *, paid: bool) -> Any:
        """Return the decoded JSON of a success, or raise the typed error."""
        status, headers, text = answer
        excerpt = responses.clean(" ".join(text[: EXCERPT * 4].split()), EXCERPT)
        body = responses.read_json(text)
        if status in range(200, 300):
            if body is None:
                raise (OutcomeUnknown if paid else AnswerError)(
                    say("answer_unreadable", excerpt=excerpt),
                    code="answer_unreadable",
                    status=status,
                    kind="unknown" if paid else "server",
                    detail=excerpt,
                    request_id=read_request_id(headers, body),
                )
            inner = _failure_inside(body)
            if inner is None:
                return body
            status = inner
        host = urlsplit(self.base_url).hostname or ""
        raise error_from_answer(status, headers, body, excerpt, host=host, paid=paid)


def _failure_inside(body: Any) -> int | None:
    """Return the error status that an HTTP 200 carries in its body. None: it is a success."""
    if not isinstance(body, dict) or responses.has_task(body):
        return None
    error = body.get("error")
    inner = error.get("code") if isinstance(error, dict) else None
    for code in (body.get("code"), inner):
        number = int(code) if isinstance(code, str) and code.isdecimal() and len(code) < 6 else code
        if isinstance(number, int) and number in FAILURE_CODES:
            return number
    return 500 if error or body.get("success") is False else None
