"""One exchange with the endpoint: sent once, with the key, within a deadline; the answer is capped.

The key is in a request only while that is being sent, and only if the request goes to the key's own origin.
Redirects are not followed, and nothing is sent a second time.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import httpx

from motion_widgets.core.errors import MotionError, RequestError
from motion_widgets.core.http import open_transport, send
from motion_widgets.core.messages import say
from motion_widgets.endpoint.api_key import origin_of
from motion_widgets.endpoint.errors import (
    AnswerError,
    EndpointError,
    NotSentError,
    OutcomeUnknown,
    ServerError,
    TlsError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.endpoint.api_key import Secret

__all__ = ["Answer", "Transport", "transport_error"]

ANSWER_MAX = 4 * 1024 * 1024
"""Bytes of a decoded body; a status is under 10 KB, so more than this is a fault or an attack."""
CONNECT_SECONDS = 20.0
KEEP = 20
"""Idle connections that are kept for the next call."""
_TLS_PASSING = (
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
)
"""The connection broke or hung during the handshake, so a retry may help; other TLS errors recur."""


class Answer(NamedTuple):
    """What the endpoint answered."""

    status: int
    headers: dict[str, str]
    """With lower-case names."""
    text: str
    """The decoded body, the key taken out."""


class Transport:
    """Sends requests with a key to one origin; belongs to one event loop.

    Parameters
    ----------
    base_url
        The endpoint; its origin is the only one that the key is sent to.
    secret
        The key.
    on_response
        Called with each request and its response before the body is read.
    """

    def __init__(
        self,
        base_url: str,
        secret: Secret,
        on_response: Callable[[httpx.Request, httpx.Response], None] = lambda *_: None,
    ) -> None:
        self._url = httpx.URL(base_url)
        self._origin = origin_of(base_url)
        self._host = urlsplit(base_url).hostname or ""
        self._secret = secret
        self._on_response = on_response
        self._kept = open_transport(self._url, keep=KEEP)
        self._calls = 0
        self._closed = False

    async def aclose(self) -> None:
        """Close all connections, those in use as soon as their calls have ended."""
        self._closed = True
        if not self._calls:
            await self._kept.aclose()

    async def call(
        self, request: httpx.Request, *, seconds: float, paid: bool, go: Callable[[], bool]
    ) -> Answer:
        """Send a request, once, and read the whole answer, whatever its status.

        Parameters
        ----------
        request
            What to send; the key is not among its headers.
        seconds
            Total deadline of looking up the host, connecting, sending and reading.
        paid
            The request may cost money, so an unclear outcome is one.
        go
            Asked when there is a connection, right before the first byte is sent; False: nothing is sent.

        Raises
        ------
        EndpointError
            Nothing was sent, or the outcome is unknown.
        RequestError
            The key does not belong to the request's origin.
        """
        sent = False

        def before() -> None:
            nonlocal sent
            if not sent and not go():
                raise NotSentError(say("held_back"), code="held_back", kind="network")
            sent = True

        trouble: EndpointError | None = None
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(request, before, paid=paid)
        except MotionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever broke, what matters is whether it was sent
            trouble = transport_error(error, host=self._host, sent=sent, paid=paid, seconds=seconds)
        raise trouble  # here, so that it drags no frame along whose locals hold the key

    async def _exchange(self, request: httpx.Request, before: Callable[[], None], *, paid: bool) -> Answer:
        # A paid POST has a connection of its own: the server may just be closing a kept one.
        http = open_transport(self._url) if paid else self._kept
        self._calls += 1
        try:
            response = await self.send(http, request, before)
            try:
                # In one expression: a server may send the key back, and a local is seen in tracebacks.
                text = self._secret.conceal(
                    (await _capped(response, paid=paid)).decode("utf-8-sig", "replace")
                )
            finally:
                await response.aclose()
        finally:
            self._calls -= 1
            if self._closed and not self._calls:
                await self._kept.aclose()
        return Answer(
            response.status_code, {name.lower(): value for name, value in response.headers.items()}, text
        )

    async def send(
        self, http: httpx.AsyncHTTPTransport, request: httpx.Request, before: Callable[[], None]
    ) -> httpx.Response:
        """Send a request with the key; return the response, its body unread.

        Raises
        ------
        RequestError
            The key does not belong to the request's origin.
        """
        if origin_of(str(request.url)) != self._origin:
            raise RequestError.of("key_wrong_origin", host=request.url.host)
        request.extensions["timeout"] = httpx.Timeout(None, connect=CONNECT_SECONDS).as_dict()
        request.headers["Authorization"] = f"Bearer {self._secret.reveal()}"
        try:
            response = await send(http, request, before=before)
        finally:  # the request lives on in errors and tracebacks
            del request.headers["Authorization"]
        self._on_response(request, response)
        return response


async def _capped(response: httpx.Response, *, paid: bool) -> bytes:
    """Read a body up to the cap, decoded; a small compressed bomb never becomes a large string."""
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


def transport_error(error: Exception, *, host: str, sent: bool, paid: bool, seconds: float) -> EndpointError:
    """Return the typed error for a failure below HTTP; it says whether money may have been spent."""
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
    code = "answer_slow" if isinstance(error, TimeoutError) else "answer_broken"
    return ServerError(say(code, host=host, seconds=seconds, why=why), code=code, kind="network", detail=why)


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """Return the TLS error that caused an error of the HTTP library. None: it was something else."""
    cause: BaseException | None = error
    for _ in range(20):
        if cause is None or isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
