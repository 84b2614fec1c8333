"""One exchange with the endpoint: sent once, with the key, within a deadline; the answer is capped.

The key is in a request only while that is being sent, and only if the request goes to the key's own origin.
Redirects are not followed, and nothing is sent a second time. A peer may send the key back: all that it says
comes in here, in `Answer`, in an error, and in httpcore's debug log, and leaves without the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
import zlib
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakSet

import httpx

from motion_widgets.core.errors import MotionError, RequestError
from motion_widgets.core.http import SettingsError, open_transport, send
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
from motion_widgets.endpoint.responses import clean, read_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from motion_widgets.endpoint.api_key import Secret

__all__ = ["Answer", "Transport", "transport_error"]

ANSWER_MAX = 1024 * 1024
"""Bytes of a decoded body; a status is under 10 KB, so more than this is a fault or an attack."""
LONG = 64 * 1024
"""Bytes of a body; the key is looked for in a longer one on a thread, as a hostile one takes seconds."""
EXCERPT = 300
"""Characters of a peer's words that an error quotes."""
CONNECT_SECONDS = 20.0
END_SECONDS = 2.0
"""How long the end of an answer is waited for once all of its JSON is here: a stated length may be wrong."""
_COMPRESSED = (b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda")
"""What a body compressed by gzip or deflate begins with; no JSON begins like it."""
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


class _LogFilter(logging.Filter):
    """Takes keys out of the debug log of the HTTP library, which shows a peer's headers and bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: WeakSet[Secret] = WeakSet()
        for name in ("connection", "http11", "http2", "proxy", "socks"):
            logging.getLogger(f"httpcore.{name}").addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        for secret in list(self.secrets):
            message = secret.conceal(message)
        record.msg, record.args = message, ()
        return True


_LOG_FILTER = _LogFilter()


class Answer(NamedTuple):
    """What the endpoint answered, the key taken out."""

    status: int
    headers: dict[str, str]
    """With lower-case names."""
    text: str
    """The decoded body."""


class Transport:
    """Sends requests with a key to one origin; belongs to one event loop.

    Parameters
    ----------
    base_url
        The endpoint; its origin is the only one that the key is sent to.
    secret
        The key.
    on_answer
        Called with each request and what was answered, even if the answer broke off.
    """

    def __init__(
        self,
        base_url: str,
        secret: Secret,
        on_answer: Callable[[httpx.Request, Answer], None] = lambda *_: None,
    ) -> None:
        self._url = httpx.URL(base_url)
        self._origin = origin_of(base_url)
        self._host = urlsplit(base_url).hostname or ""
        self._secret = secret
        self._on_answer = on_answer
        _LOG_FILTER.secrets.add(secret)
        self._kept: httpx.AsyncHTTPTransport | None = None
        self._calls = 0
        self._closed = False

    async def aclose(self) -> None:
        """Close all connections, those in use as soon as their calls have ended."""
        self._closed = True
        await self._close_kept()

    def _keep(self) -> httpx.AsyncHTTPTransport:
        """Return the transport whose connections are kept, opened at first use."""
        if self._kept is None:
            self._kept = open_transport(self._url, keep=KEEP)
        return self._kept

    async def _close_kept(self) -> None:
        if not self._calls and self._kept is not None:
            await self._kept.aclose()
            self._kept = None

    async def call(
        self, request: httpx.Request, *, seconds: float, paid: bool, go: Callable[[], Awaitable[bool]]
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
            Awaited when there is a connection, right before the first byte is sent; False: nothing is sent.

        Raises
        ------
        EndpointError
            Nothing was sent, or the outcome is unknown.
        RequestError
            The key does not belong to the request's origin.
        """
        sent = False

        async def before() -> None:
            nonlocal sent
            if not sent and not await go():
                raise NotSentError(say("held_back"), code="held_back", kind="network")
            sent = True

        trouble: MotionError
        arrived: list[Answer] = []
        try:
            async with asyncio.timeout(seconds):
                await self._exchange(request, before, arrived, paid=paid)
                return arrived[0]
        except Exception as error:  # noqa: BLE001 - whatever broke, what matters is whether it was sent
            if arrived and read_json(arrived[0].text) is not None:
                return arrived[0]  # all of it is here, whatever was said of its length or its end
            if isinstance(error, SettingsError):
                trouble = NotSentError(str(error), code=error.code, kind="network")
                trouble.lasting = True
                await self._close_kept()  # it knows the settings of before
            elif isinstance(error, MotionError):
                trouble = error
            else:
                why = self._concealed(f"{type(error).__name__}: {error}".removesuffix(": "))
                trouble = transport_error(error, why, host=self._host, sent=sent, paid=paid, seconds=seconds)
        # Here, without what led to it: frames and causes below hold what the peer sent.
        trouble.__cause__ = trouble.__context__ = None
        raise trouble.with_traceback(None)

    def _concealed(self, words: str) -> str:
        return clean(self._secret.conceal(words), EXCERPT)

    async def _exchange(
        self,
        request: httpx.Request,
        before: Callable[[], Awaitable[None]],
        arrived: list[Answer],
        *,
        paid: bool,
    ) -> None:
        """Send a request and read what is answered; what has arrived is kept even if the rest never comes."""
        # A paid POST has a connection of its own: the server may just be closing a kept one.
        content = bytearray()
        self._calls += 1
        try:
            http = open_transport(self._url) if paid else self._keep()
            response = await self.send(http, request, before)
            try:
                await _read(response, content, paid=paid)
            finally:
                await response.aclose()
                arrived.append(await self._answer(response, content))
                self._on_answer(request, arrived[0])
        finally:
            self._calls -= 1
            if self._closed:
                await self._close_kept()

    async def _answer(self, response: httpx.Response, content: bytearray) -> Answer:
        """Return what was answered, without the key."""
        conceal = self._secret.conceal
        headers = {conceal(name).lower(): conceal(value) for name, value in response.headers.items()}
        text = _text(content)
        text = conceal(text) if len(text) <= LONG else await asyncio.to_thread(conceal, text)
        return Answer(response.status_code, headers, text)

    async def send(
        self, http: httpx.AsyncHTTPTransport, request: httpx.Request, before: Callable[[], Awaitable[None]]
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
            return await send(http, request, before=before)
        finally:  # the request lives on in errors and tracebacks
            del request.headers["Authorization"]


async def _read(response: httpx.Response, content: bytearray, *, paid: bool) -> None:
    """Read a body up to the cap; a server that sends no end is left once all of the JSON is here."""
    chunks, whole = response.aiter_raw(), False
    while True:
        async with asyncio.timeout(END_SECONDS if whole else None):
            chunk = await anext(chunks, None)
        if chunk is None:
            break
        content += chunk[: ANSWER_MAX + 1 - len(content)]
        if len(content) > ANSWER_MAX:
            break
        whole = whole or (len(content) <= LONG and read_json(_text(content)) is not None)
    if len(_plain(content)) > ANSWER_MAX:
        raise (OutcomeUnknown if paid else AnswerError)(
            say("answer_large", limit=ANSWER_MAX // 1024 // 1024),
            code="answer_large",
            status=response.status_code,
            kind="unknown" if paid else "server",
        )


def _plain(content: bytes | bytearray) -> bytes | bytearray:
    """Return a body as it was before it was compressed, up to just over the cap, as far as it can be read.

    Its own first bytes say whether it was: servers and proxies name encodings that they did not use. A small
    compressed bomb never becomes a large string.
    """
    if not content.startswith(_COMPRESSED):
        return content
    try:
        return zlib.decompressobj(wbits=47).decompress(content, ANSWER_MAX + 1)
    except zlib.error:  # one byte after the other, all that comes before the damage
        inflate, plain = zlib.decompressobj(wbits=47), bytearray()
        with contextlib.suppress(zlib.error):  # the damage
            for byte in content[:LONG]:
                plain += inflate.decompress(bytes([byte]), ANSWER_MAX + 1 - len(plain))
                if len(plain) > ANSWER_MAX:
                    break
        return plain or content


def _text(content: bytearray) -> str:
    plain = _plain(content)
    return plain.decode(json.detect_encoding(plain), "replace")


def transport_error(
    error: Exception, why: str, *, host: str, sent: bool, paid: bool, seconds: float
) -> EndpointError:
    """Return the typed error for a failure below HTTP; it says whether money may have been spent.

    `why` are the failure's words, fit to be shown.
    """
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
