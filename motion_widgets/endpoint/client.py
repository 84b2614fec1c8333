"""Calls to the endpoint: one attempt each, with a total deadline, a capped answer and no redirects.

Whether and when to try again is the business of `motion_widgets.jobs`. The key is added to a request
inside an auth flow that knows one origin only. All methods are coroutines and belong to one event loop.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
import zlib
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from motion_widgets.endpoint import answers
from motion_widgets.endpoint.errors import (
    AnswerError,
    EndpointError,
    NotSentError,
    OutcomeUnknown,
    ServerError,
    TlsError,
    error_from_answer,
    read_request_id,
)
from motion_widgets.endpoint.secret import Secret, origin_of
from motion_widgets.errors import MotionError, RequestError
from motion_widgets.texts import say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
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
    """Say whether an address is on this machine; no name but ``localhost`` is, whatever it begins with."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _OriginAuth(httpx.Auth):
    """Adds the key to requests of one origin and refuses all others."""

    def __init__(self, base_url: str, secret: Secret) -> None:
        self._origin = origin_of(base_url)
        self._secret = secret

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if origin_of(str(request.url)) != self._origin:
            raise RequestError.of("key_wrong_origin", host=request.url.host)
        request.headers["Authorization"] = f"Bearer {self._secret.reveal()}"
        try:
            yield request
        finally:  # the request lives on in answers, errors and tracebacks
            del request.headers["Authorization"]


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
        auth = _OriginAuth(base_url, secret)
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
        # A proxy of the environment is right for the internet and wrong for this machine. How long a call
        # may take is bounded as a whole, in `_call`: here only how long it waits for a connection.
        shared: dict[str, Any] = {
            "auth": auth,
            "follow_redirects": False,
            "trust_env": not is_loopback(base_url),
            "timeout": httpx.Timeout(None, connect=CONNECT_SECONDS),
        }
        # One context for both clients; for plain http an empty one, as a real one takes 30 ms to make.
        https = parts.scheme == "https"
        shared["verify"] = httpx.create_ssl_context() if https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._http = httpx.AsyncClient(limits=httpx.Limits(max_connections=16), **shared)
        # A paid POST never travels on a kept-alive connection that the server may just be closing.
        fresh = httpx.Limits(max_connections=16, max_keepalive_connections=0)
        self._fresh = httpx.AsyncClient(limits=fresh, **shared)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        await self._fresh.aclose()

    async def submit(
        self, body: bytes, idempotency_key: str, *, go: Callable[[], bool] = lambda: True
    ) -> answers.Submitted:
        """Send one paid request, once.

        Parameters
        ----------
        body
            The JSON, byte-identical on a resend.
        idempotency_key
            1-191 visible ASCII characters, one per logical generation.
        go
            Asked when there is a connection, just before the first byte is sent; False: it is not sent.

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
            seconds=self._submit_seconds,
        )
        replayed = got.get("idempotency-replayed", "").strip().lower() == "true"
        request_id = read_request_id(got, payload)
        submitted = answers.read_submitted(payload, replayed=replayed, request_id=request_id)
        if submitted is None:
            raise OutcomeUnknown(
                say("no_task_id"), code="no_task_id", status=status, kind="unknown",
                detail=answers.clean(json.dumps(payload, ensure_ascii=False), answers.RAW_MAX),
                request_id=request_id,
            )  # fmt: skip
        return submitted

    async def task(self, task_id: str, *, language: str = "en") -> answers.Task:
        """Ask how a task stands."""
        path = f"/v1/tasks/{quote(task_id, safe='')}"
        _, _, payload = await self._call("GET", path, params={"language": language})
        return self._read(answers.read_task(payload), payload)

    async def balance(self, *, account: bool = True) -> answers.Balance:
        """Ask for the money left: the account's, or (`account=False`) this key's."""
        _, _, payload = await self._call("GET", "/v1/user/balance" if account else "/v1/balance")
        return self._read(answers.read_balance(payload), payload)

    async def models(self) -> tuple[str, ...]:
        """Ask for the ids of the models."""
        _, _, payload = await self._call("GET", "/v1/models")
        return answers.read_models(payload)

    async def usage(self, start: str, end: str, *, group_by: str | None = None) -> answers.Usage:
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
        return self._read(answers.read_usage(payload), payload)

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
        """Give a local file a link on the sandbox (which alone has this call)."""
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
            detail = answers.clean(json.dumps(payload, ensure_ascii=False), EXCERPT)
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
        seconds: float | None = None,
        **options: Any,
    ) -> tuple[int, dict[str, str], Any]:
        """Make one call; give status, headers (lower case) and decoded JSON, or raise its typed error."""
        sent = False

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            nonlocal sent
            if not event.endswith("send_request_headers.started") or info["request"].method == b"CONNECT":
                return  # a CONNECT is for a proxy
            if not sent and not go():
                raise NotSentError(say("held_back"), code="held_back", kind="network")
            sent = True

        seconds = self._call_seconds if seconds is None else seconds
        http = self._fresh if paid else self._http
        # Made without the client, which would merge in cookies and headers that were set nowhere.
        headers = {**_HEADERS, **options.pop("headers", {})}
        request = httpx.Request(
            method, self.base_url + path, headers=headers, extensions={"trace": trace}, **options
        )
        host = urlsplit(self.base_url).hostname or ""
        trouble: EndpointError | None = None
        try:
            async with asyncio.timeout(seconds):
                response = await http.send(request, stream=True)
                try:
                    # In one expression: a server may send the key back, and a local is seen in tracebacks.
                    text = self._secret.conceal(
                        (await _capped(response, paid=paid)).decode("utf-8-sig", "replace")
                    )
                finally:
                    await response.aclose()
        except MotionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever broke, what matters is whether it was sent
            trouble = _transport_error(error, host=host, sent=sent, paid=paid, seconds=seconds)
        if trouble is not None:  # raised here, so that it drags no frame along whose locals hold the key
            raise trouble
        got = {name.lower(): value for name, value in response.headers.items()}
        return response.status_code, got, self._judge(response.status_code, got, text, paid=paid)

    def _judge(self, status: int, headers: dict[str, str], text: str, *, paid: bool) -> Any:
        """Decode an answer and raise unless it is a success."""
        excerpt = answers.clean(" ".join(text[: EXCERPT * 4].split()), EXCERPT)
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


async def _capped(response: httpx.Response, *, paid: bool) -> bytes:
    """Read an answer up to the cap, decoded; a small bomb never becomes a large string."""
    encoded = response.headers.get("content-encoding", "identity").lower() not in ("", "identity")
    inflate = zlib.decompressobj(wbits=47) if encoded else None
    content = bytearray()
    try:
        async for chunk in response.aiter_raw():
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


_TLS_PASSING = (
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
)
"""A connection that broke or hung while it was being secured; any other TLS error comes again."""


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """Give the TLS error behind an error of the HTTP library. None: there is none."""
    cause: BaseException | None = error
    for _ in range(20):
        if cause is None or isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _transport_error(error: Exception, *, host: str, sent: bool, paid: bool, seconds: float) -> EndpointError:
    """Turn a failure below HTTP into the typed error that says whether money may have been spent."""
    why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if not sent:
        tls = _tls_error(error)
        if tls is not None and not isinstance(tls, _TLS_PASSING):
            code = "tls_failed" if isinstance(tls, ssl.SSLCertVerificationError) else "tls_broken"
            return TlsError(say(code, host=host, why=why), code=code, kind="network", detail=why)
        message = say("not_reached", host=host, why=why)
        return NotSentError(message, code="not_reached", kind="network", detail=why)
    if paid:
        message = say("outcome_unknown", message=why)
        return OutcomeUnknown(message, code="outcome_unknown", kind="unknown", detail=why)
    slow = isinstance(error, TimeoutError | httpx.TimeoutException)
    code = "answer_slow" if slow else "answer_broken"
    return ServerError(say(code, host=host, seconds=seconds, why=why), code=code, kind="network", detail=why)


def _failure_inside(body: Any) -> int | None:
    """Give the status that an HTTP 200 carries inside when it is no success. None: it is one."""
    if not isinstance(body, dict) or answers.has_task(body):
        return None
    error = body.get("error")
    inner = error.get("code") if isinstance(error, dict) else None
    for code in (body.get("code"), inner):
        number = int(code) if isinstance(code, str) and code.isdecimal() and len(code) < 6 else code
        if isinstance(number, int) and number in FAILURE_CODES:
            return number
    return 500 if error or body.get("success") is False else None
