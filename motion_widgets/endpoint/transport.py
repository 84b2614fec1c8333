"""What an exchange with a host goes over, how it is ended from elsewhere, and what it means that it broke.

An exchange blocks, on a thread of its own: httpx's blocking transport takes half the CPU of its asynchronous
client. A blocking read knows how long it may be silent, but no total deadline, nor that nobody waits now.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx

from motion_widgets.core.messages import say
from motion_widgets.endpoint.errors import EndpointError, NotSentError, OutcomeUnknown, ServerError, TlsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Line", "Wire", "proxy_for", "transport_error", "within"]

_T = TypeVar("_T")
CUT_SECONDS = 1.0
"""How long the end of a call that was cut is waited for; looking a name up, and connecting, cannot be cut,
but nothing is sent after that."""
_TLS_PASSING = (
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
)
"""A connection that broke or hung while it was being secured; any other TLS error comes again."""


class Line:
    """The connection that an exchange goes over, as soon as there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: socket.socket | None = None
        self._cut = False

    @property
    def is_cut(self) -> bool:
        """Whether it was cut."""
        return self._cut

    def cut(self) -> None:
        """End what is under way; whoever reads meets an error, now or as soon as there is a connection."""
        with self._lock:
            self._cut = True
            if self._end is not None:
                with contextlib.suppress(OSError):  # it ended by itself
                    self._end.shutdown(socket.SHUT_RDWR)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from the HTTP library what it does.

        Raises
        ------
        ConnectionAbortedError
            It was cut.
        """
        if event.endswith("connect_tcp.complete"):
            self._hold(info["return_value"].get_extra_info("socket"))
        self.check()

    def check(self) -> None:
        """Raise a ConnectionAbortedError if it was cut."""
        if self._cut:
            raise ConnectionAbortedError("nobody waits for it any more")

    def close(self) -> None:
        """Let go of the connection."""
        self._hold(None)

    def _hold(self, made: socket.socket | None) -> None:
        # A handle of our own: TLS takes the socket itself over.
        with self._lock:
            if self._end is not None:
                self._end.close()
            self._end = made.dup() if made is not None else None


class Wire:
    """One connection at a time to one host, kept for the next call, and the line by which it is cut.

    Parameters
    ----------
    verify
        The TLS context.
    proxy
        The proxy's address. None: straight.
    line
        By which it is cut. None: one of its own.
    """

    def __init__(self, verify: ssl.SSLContext, *, proxy: str | None = None, line: Line | None = None) -> None:
        self.line = line if line is not None else Line()
        # The transport alone: a whole client would add redirects, cookies and the environment's say.
        limits = httpx.Limits(max_connections=1)
        self.http = httpx.HTTPTransport(verify=verify, proxy=proxy, trust_env=False, limits=limits)

    def close(self) -> None:
        """Close the connection."""
        self.http.close()
        self.line.close()


def proxy_for(url: httpx.URL) -> str | None:
    """Return the environment's proxy for a link, which then makes the connection. None: there is none."""
    known = getproxies()
    proxy = known.get(url.scheme) or known.get("all")
    if not proxy or proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


async def within(work: asyncio.Future[_T], line: Line, seconds: float) -> _T:
    """Wait for what a thread does on a line; cut it when the time is up, or when nobody waits any more."""
    loop = asyncio.get_running_loop()

    def give_up() -> None:
        if not work.done():
            work.set_exception(TimeoutError())

    due, last = loop.call_later(seconds, line.cut), loop.call_later(seconds + CUT_SECONDS, give_up)
    try:
        return await work
    except asyncio.CancelledError:
        line.cut()
        raise
    except Exception:
        if line.is_cut:
            raise TimeoutError from None
        raise
    finally:
        due.cancel()
        last.cancel()


def transport_error(error: Exception, *, host: str, sent: bool, paid: bool, seconds: float) -> EndpointError:
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


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """Return the TLS error behind an error of the HTTP library. None: there is none."""
    cause: BaseException | None = error
    for _ in range(20):
        if cause is None or isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
