"""Calls to the endpoint: one attempt each, with a total deadline, a capped answer and no redirects.

Whether and when to try again is the business of `motion_widgets.jobs`. The key is added to a request of one
origin only, for as long as it is being sent. All methods are coroutines and belong to one event loop, which
waits no longer than the deadline; the calls block, on threads (`motion_widgets.endpoint.transport`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import ssl
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from motion_widgets.core.errors import MotionError, RequestError
from motion_widgets.core.messages import say
from motion_widgets.endpoint import responses
from motion_widgets.endpoint.api_key import Secret, origin_of
from motion_widgets.endpoint.errors import (
    AnswerError,
    EndpointError,
    NotSentError,
    OutcomeUnknown,
    error_from_answer,
    read_request_id,
)
from motion_widgets.endpoint.transport import Wire, proxy_for, transport_error, within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["LIVE_URL", "EndpointClient", "is_loopback"]

LIVE_URL = "https://api.apimart.ai"
ANSWER_MAX = 4 * 1024 * 1024
"""Bytes of a decoded answer; a status is under 10 KB, so more than this is a fault or an attack."""
EXCERPT = 300
"""Characters of an unreadable answer that an error keeps."""
SUBMIT_SECONDS = 120.0
"""Total deadline of a submit; the server measures the clip before it answers."""
CONNECT_SECONDS = 20.0
CALL_SECONDS = 30.0
UPLOAD_SECONDS = 180.0
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "motion-widgets"}
FAILURE_CODES = range(400, 600)
"""Codes inside an HTTP 200 that mean what they mean as a status."""

_Read = TypeVar("_Read")


def is_loopback(url: str) -> bool:
    """Return whether an address is on this machine; no name but ``localhost`` is, whatever it begins with."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class EndpointClient:
    """Calls one endpoint with one key.

    Parameters
    ----------
    base_url
        ``https://…``; plain http only on loopback. A path in front of ``/v1`` is kept.
    secret
        The key.
    submit_seconds, call_seconds, upload_seconds
        Total deadlines in s of a submit, of any other call, and of an upload. None: 120, 30 and 180 s.

    Raises
    ------
    RequestError
        An address to which a key must not be sent, or none at all.
    """

    def __init__(
        self,
        base_url: str,
        secret: Secret,
        *,
        submit_seconds: float | None = None,
        call_seconds: float | None = None,
        upload_seconds: float | None = None,
    ) -> None:
        self._origin = origin_of(base_url)
        parts = urlsplit(base_url)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise RequestError.of("endpoint_wrong", found=f"{parts.scheme}://{parts.hostname}")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(base_url)):
            raise RequestError.of("endpoint_not_https", url=f"{parts.scheme}://{parts.hostname}")
        self.base_url = base_url.rstrip("/").removesuffix("/v1")
        self._secret = secret
        self._submit_seconds = SUBMIT_SECONDS if submit_seconds is None else submit_seconds
        self._call_seconds = CALL_SECONDS if call_seconds is None else call_seconds
        self._upload_seconds = UPLOAD_SECONDS if upload_seconds is None else upload_seconds
        # A proxy of the environment is right for the internet and wrong for this machine.
        self._proxy = None if is_loopback(base_url) else proxy_for(httpx.URL(base_url))
        # For plain http an empty context, as a real one takes 30 ms to make.
        https = parts.scheme == "https"
        self._verify = httpx.create_ssl_context() if https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._kept: list[Wire] = []  # the last to come goes first: it is the least likely to have been closed
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        self._closed = True
        self._close_kept()

    def _close_kept(self) -> None:
        with contextlib.suppress(IndexError):  # any thread may be at it as well
            while True:
                self._kept.pop().close()

    async def submit(
        self,
        body: bytes,
        idempotency_key: str,
        *,
        go: Callable[[], bool] = lambda: True,
        refused: Callable[[EndpointError], object] = lambda _: None,
    ) -> responses.Submitted:
        """Send one paid request, once.

        Parameters
        ----------
        body
            The JSON, byte-identical on a resend.
        idempotency_key
            1-191 visible ASCII characters, one per logical generation.
        go
            Asked when there is a connection, just before the first byte is sent, by the thread that sends;
            False: it is not sent.
        refused
            Told of an answer that is an error, by the thread that read it, before it is raised here.

        Raises
        ------
        EndpointError
            With `not_accepted` True where the request surely costs nothing; `OutcomeUnknown` where
            it was sent and nobody knows.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        status, got, payload = await self._call(
            "POST",
            "/v1/videos/generations",
            content=body,
            headers=headers,
            paid=True,
            go=go,
            refused=refused,
            seconds=self._submit_seconds,
        )
        replayed = got.get("idempotency-replayed", "").strip().lower() == "true"
        request_id = read_request_id(got, payload)
        submitted = responses.read_submitted(payload, replayed=replayed, request_id=request_id)
        if submitted is None:
            raise OutcomeUnknown(
                say("no_task_id"), code="no_task_id", status=status, kind="unknown",
                detail=responses.clean(json.dumps(payload, ensure_ascii=False), responses.RAW_MAX),
                request_id=request_id,
            )  # fmt: skip
        return submitted

    async def task(self, task_id: str, *, language: str = "en") -> responses.Task:
        """Ask how a task stands."""
        path = f"/v1/tasks/{quote(task_id, safe='')}"
        _, _, payload = await self._call("GET", path, params={"language": language})
        return self._read(responses.read_task(payload), payload)

    async def balance(self, *, account: bool = True) -> responses.Balance:
        """Ask for the money left: the account's, or (`account=False`) this key's."""
        _, _, payload = await self._call("GET", "/v1/user/balance" if account else "/v1/balance")
        return self._read(responses.read_balance(payload), payload)

    async def models(self) -> tuple[str, ...]:
        """Ask for the ids of the models."""
        _, _, payload = await self._call("GET", "/v1/models")
        return responses.read_models(payload)

    async def usage(self, start: str, end: str, *, group_by: str | None = None) -> responses.Usage:
        """Ask what was billed between two moments, at most 31 days apart; refunded tasks are left out.

        Parameters
        ----------
        start, end
            In a form that the endpoint reads: unix seconds, or an ISO date.
        group_by
            What the parts of the total are by. None: the endpoint's own choice.
        """
        params = {"start": start, "end": end} | ({} if group_by is None else {"group_by": group_by})
        _, _, payload = await self._call("GET", "/v1/usage", params=params)
        return self._read(responses.read_usage(payload), payload)

    async def upload_image(self, path: Path) -> str:
        """Upload an image (JPEG, PNG, WebP, GIF; at most 20 MB); give its public link, which lives 72 h."""
        content = await asyncio.to_thread(path.read_bytes)
        _, _, payload = await self._call(
            "POST",
            "/v1/uploads/images",
            files={"file": (f"image{path.suffix.lower()}", content)},
            seconds=self._upload_seconds,
        )
        data = payload.get("data", payload) if isinstance(payload, dict) else {}
        link = data.get("url") if isinstance(data, dict) else None
        return self._read(
            link if isinstance(link, str) and link.startswith(("https://", "http://")) else None, payload
        )

    async def host(self, path: Path, suffix: str) -> str:
        """Return a local file a link on the sandbox (which alone has this call)."""
        content = await asyncio.to_thread(path.read_bytes)
        headers = {"X-Filename": f"media{suffix}", "Content-Type": "application/octet-stream"}
        _, _, payload = await self._call(
            "POST", "/sandbox/media", content=content, headers=headers, seconds=self._upload_seconds
        )
        link = payload.get("url") if isinstance(payload, dict) else None
        return self._read(link if isinstance(link, str) and link else None, payload)

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
        go: Callable[[], bool] = lambda: True,
        refused: Callable[[EndpointError], object] = lambda _: None,
        seconds: float | None = None,
        **options: Any,
    ) -> tuple[int, dict[str, str], Any]:
        """Make one call; give status, headers (lower case) and decoded JSON, or raise its typed error."""
        sent = False
        # A paid POST never travels on a kept connection that the server may just be closing.
        wire = self._kept.pop() if self._kept and not paid else Wire(self._verify, proxy=self._proxy)

        def trace(event: str, info: Mapping[str, Any]) -> None:
            nonlocal sent
            wire.line.trace(event, info)
            if not event.endswith("send_request_headers.started") or info["request"].method == b"CONNECT":
                return  # a CONNECT is for a proxy
            if not sent and not go():
                raise NotSentError(say("held_back"), code="held_back", kind="network")
            sent = True

        seconds = self._call_seconds if seconds is None else seconds
        waits = {"connect": CONNECT_SECONDS, "read": seconds, "write": seconds, "pool": seconds}
        headers = {**_HEADERS, **options.pop("headers", {})}
        extensions = {"trace": trace, "timeout": waits}
        request = httpx.Request(
            method, self.base_url + path, headers=headers, extensions=extensions, **options
        )
        trouble: EndpointError | None = None
        try:
            work = asyncio.get_running_loop().run_in_executor(
                None, partial(self._exchange, wire, request, refused, paid=paid)
            )
            status, got, body = await within(work, wire.line, seconds)
        except MotionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever broke, what matters is whether it was sent
            host = urlsplit(self.base_url).hostname or ""
            trouble = transport_error(error, host=host, sent=sent, paid=paid, seconds=seconds)
        if trouble is not None:  # raised here, so that it drags no frame along whose locals hold the key
            raise trouble
        return status, got, body

    def _exchange(
        self, wire: Wire, request: httpx.Request, refused: Callable[[EndpointError], object], *, paid: bool
    ) -> tuple[int, dict[str, str], Any]:
        """Send a request, read and judge the answer, on a thread; keep the wire if it may be used again."""
        whole = False
        try:
            response = self._send(wire, request)
            try:
                # In one expression: a server may send the key back, and a local is seen in tracebacks.
                text = self._secret.conceal(_capped(response, paid=paid).decode("utf-8-sig", "replace"))
            finally:
                response.close()
            whole = True
            got = {name.lower(): value for name, value in response.headers.items()}
            try:
                return response.status_code, got, self._judge(response.status_code, got, text, paid=paid)
            except EndpointError as error:
                refused(error)
                raise
        finally:
            if paid or not whole or wire.line.is_cut:
                wire.close()
            else:
                self._kept.append(wire)
                if self._closed:
                    self._close_kept()

    def _send(self, wire: Wire, request: httpx.Request) -> httpx.Response:
        """Send a request with the key, which belongs to one origin; give the answer, its content unread."""
        if origin_of(str(request.url)) != self._origin:
            raise RequestError.of("key_wrong_origin", host=request.url.host)
        request.headers["Authorization"] = f"Bearer {self._secret.reveal()}"
        try:
            return wire.http.handle_request(request)
        finally:  # the request lives on in errors and tracebacks
            del request.headers["Authorization"]

    def _judge(self, status: int, headers: dict[str, str], text: str, *, paid: bool) -> Any:
        """Decode an answer and raise unless it is a success."""
        excerpt = responses.clean(" ".join(text[: EXCERPT * 4].split()), EXCERPT)
        body = self._decode(text)
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

    def _decode(self, text: str) -> Any:
        """Decode JSON, without the key should it hide in there behind escapes. None: it is none."""
        try:
            body = json.loads(text)
            plain = json.dumps(body, ensure_ascii=False)
            concealed = self._secret.conceal(plain)
            return body if concealed == plain else json.loads(concealed)
        except (ValueError, RecursionError):
            return None


def _capped(response: httpx.Response, *, paid: bool) -> bytes:
    """Read an answer up to the cap, decoded; a small bomb never becomes a large string."""
    encoded = response.headers.get("content-encoding", "identity").lower() not in ("", "identity")
    inflate = zlib.decompressobj(wbits=47) if encoded else None
    content = bytearray()
    try:
        for chunk in response.iter_raw():
            room = ANSWER_MAX + 1 - len(content)
            content += inflate.decompress(chunk, room) if inflate else chunk[:room]
            if len(content) > ANSWER_MAX:
                raise (OutcomeUnknown if paid else AnswerError)(
                    say("answer_large", limit=ANSWER_MAX // 1024 // 1024),
                    code="answer_large",
                    status=response.status_code,
                    kind="unknown" if paid else "server",
                )
    except zlib.error:
        return b""  # unreadable; judged as such by its status
    return bytes(content)


def _failure_inside(body: Any) -> int | None:
    """Return the status that an HTTP 200 carries inside when it is no success. None: it is one."""
    if not isinstance(body, dict) or responses.has_task(body):
        return None
    error = body.get("error")
    inner = error.get("code") if isinstance(error, dict) else None
    for code in (body.get("code"), inner):
        number = int(code) if isinstance(code, str) and code.isdecimal() and len(code) < 6 else code
        if isinstance(number, int) and number in FAILURE_CODES:
            return number
    return 500 if error or body.get("success") is False else None
