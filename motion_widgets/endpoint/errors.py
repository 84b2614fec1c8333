"""What can go wrong with a call, as types; and how a failed answer becomes one.

Money hangs on `not_accepted`: it is True only where the facts say that the request was surely neither
accepted nor billed (`endpoint/API.md` section 4).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from motion_widgets.core.errors import MotionError
from motion_widgets.core.messages import say
from motion_widgets.endpoint.responses import clean

__all__ = [
    "AnswerError",
    "AuthError",
    "EndpointError",
    "IdempotencyError",
    "NotFoundError",
    "NotSentError",
    "OutcomeUnknown",
    "PaymentError",
    "RateLimitError",
    "RedirectError",
    "RefusedError",
    "ServerError",
    "TlsError",
    "error_from_answer",
    "failure_kind",
    "parse_date",
    "parse_retry_after",
    "read_request_id",
]

RETRY_AFTER_MAX = 300.0
"""s; a longer Retry-After is clamped, as one wrong header must not stop a night's work."""


class EndpointError(MotionError):
    """A call to the endpoint that failed.

    >>> with mw.Workspace(folder, "apimart") as live:
    ...     try:
    ...         live.balance()
    ...     except mw.EndpointError as error:
    ...         print(error.code)
    key_missing
    """

    not_accepted: bool = False
    """True: the request was surely not accepted and costs nothing."""
    lasting: bool = False
    """True: this machine's settings are wrong, so that it recurs until a person corrects them."""

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        detail: str = "",
        status: int | None = None,
        kind: str = "",
        server_code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        limit: int | None = None,
        is_page: bool = False,
    ) -> None:
        super().__init__(message, code=code, detail=detail)
        self.status = status
        """HTTP status. None: there was no answer."""
        self.kind = kind
        """The `error_kind` of the log: moderation, parameters, media, account, busy, network, …"""
        self.server_code = server_code
        """The server's own type or code."""
        self.request_id = request_id
        """What the provider's support finds the call by; ``""`` if none was given."""
        self.retry_after = retry_after
        """s to wait before the next try. None: the server does not say."""
        self.limit = limit
        """How many tasks the server accepts at once, if it says so with "too many". None: it does not."""
        self.is_page = is_page
        """Whether the answer was an HTML page: a proxy's or a firewall's, not the endpoint's."""


class RefusedError(EndpointError):
    """The request itself is wrong; it is not sent again.

    400; of a submit also a 404, 405, 413, 415 or 422 in the endpoint's own words.
    """

    not_accepted = True


class AuthError(EndpointError):
    """401 or 403: the key is missing, wrong, or may not use this model.

    >>> mw.AuthError.not_accepted
    True
    """

    not_accepted = True


class PaymentError(EndpointError):
    """402, or a 403 or 429 that says so: the balance does not cover the request.

    >>> mw.PaymentError.not_accepted
    True
    """

    not_accepted = True


class RateLimitError(EndpointError):
    """429: too fast, or too many tasks at once.

    >>> mw.RateLimitError.not_accepted
    True
    """

    not_accepted = True


class NotSentError(EndpointError):
    """The endpoint could not be reached; nothing was sent."""

    not_accepted = True


class TlsError(EndpointError):
    """The endpoint's certificate does not prove who it is; nothing was sent."""

    not_accepted = True


class RedirectError(EndpointError):
    """The endpoint answered with a redirect, which is never followed with a key."""

    not_accepted = True


class IdempotencyError(EndpointError):
    """409 in progress or 503 unavailable: the very same request may be sent again."""


class NotFoundError(EndpointError):
    """404 or 410, said by the endpoint itself or by the host of a result."""


class ServerError(EndpointError):
    """5xx, or a connection that broke, on a call that costs nothing."""


class AnswerError(EndpointError):
    """A response that is not JSON, is cut off, or is too large."""


class OutcomeUnknown(EndpointError):  # noqa: N818 - its name is part of the contract
    """The request was sent but its outcome is unknown: money may have been spent.

    >>> mw.OutcomeUnknown.not_accepted
    False
    """


_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("moderation", r"\b1301\b|content.?polic|moderation|sensitive|risk.?control|safety|nsfw"),
        ("busy", r"\b1303\b|too many tasks|parallel task|concurren"),
        ("account", r"\b110[12]\b|insufficient|balance|quota|arrears"),
        ("media", r"\b(image|video|clip|media|duration|resolution|download|file)\b"),
        ("parameters", r"\b120[01]\b|parameter|invalid|build_request_failed|required|unsupported"),
    )
)


_NO_MONEY = re.compile(
    r"insufficient|\b110[12]\b|arrears|billing|not.?enough.?(balance|credit|quota|fund)|"
    r"(balance|credit|fund|quota)s?.{0,30}(not.?enough|too low|exhausted|used up|run out)|out of credit",
    re.IGNORECASE,
)
"""A refusal that waiting does not mend: the account has no money left, whatever status says so."""
_TASK_LIMIT = re.compile(
    r"\b(\d{1,5}) (?:tasks? )?(?:are |is )?(?:allowed|permitted)|"
    r"\b(?:limit|max(?:imum)?|at most|up to|only)(?: (?:of|is|are))?[ :=]+(\d{1,5})\b",
    re.IGNORECASE,
)


def failure_kind(message: str, server_code: str = "") -> str:
    """Return the kind of a failure by the server's message; ``"other"`` if that does not tell."""
    text = f"{server_code} {message}"
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), "other")


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After in s: a number or an HTTP date (against the server's own Date), clamped to 5 min."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        due, now = parse_date(value), parse_date(headers.get("date", "")) or datetime.now(UTC)
        if due is None:
            return None
        seconds = (due - now).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, 0.0), RETRY_AFTER_MAX)


def parse_date(text: str) -> datetime | None:
    """Read the date of an HTTP header. None: it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # "-0000" is UTC without a place


def _server_error(body: Any) -> tuple[str, str, str]:
    """Return (message, type or code, both of these) out of any of the error shapes."""
    if not isinstance(body, Mapping):
        return "", "", ""
    inner = body.get("error")
    if isinstance(inner, str):
        return clean(inner, 2000), "", ""
    source = inner if isinstance(inner, Mapping) else body
    code = source.get("code")
    named = isinstance(code, str) and code.startswith("idempotency_")
    return (
        clean(source.get("message") or body.get("message"), 2000),
        clean(code if named else source.get("type") or code, 100),
        clean(f"{source.get('type')} {code}", 200),
    )


def read_request_id(headers: Mapping[str, str], body: Any) -> str:
    """Return the id that the provider's support finds a call by; ``""`` if none was given."""
    found = headers.get("x-request-id") or (body.get("request_id") if isinstance(body, Mapping) else None)
    return clean(found, 200)


def error_from_answer(
    status: int, headers: Mapping[str, str], body: Any, excerpt: str, *, host: str, paid: bool
) -> EndpointError:
    """Return the typed error for a response that is not a success.

    Parameters
    ----------
    status
        HTTP status, or the code inside an HTTP 200.
    headers
        With lower-case names.
    body
        The decoded JSON. None: the body is not JSON.
    excerpt
        The first characters of the body, for the error's detail.
    host
        The host that responded.
    paid
        The call was a submit, so an unclear response may have cost money.
    """
    message, server_code, words = _server_error(body)
    said = message or excerpt[:200] or f"HTTP {status}"
    reason = failure_kind(said, words)
    no_money = status in (403, 429) and reason != "busy" and _NO_MONEY.search(f"{words} {message}")
    cls, code, kind = _class_of(402 if no_money else status, server_code, message, reason, paid=paid)
    if cls is NotFoundError and not _is_own_shape(body):
        cls, code, kind = ServerError, "server_error", "server"  # somebody on the way knows no such address
    if paid and status in _MISADDRESSED and _is_own_shape(body):
        cls, code, kind = RefusedError, "refused", reason
    if cls is RedirectError:
        said = _redirect_host(headers) or host
    return cls(
        say(code, status=status, message=said, host=host),
        code=code,
        detail=excerpt,
        status=status,
        kind=kind,
        server_code=server_code,
        request_id=read_request_id(headers, body),
        retry_after=parse_retry_after(headers),
        limit=_task_limit(message) if kind == "busy" else None,
        is_page=body is None and ("html" in headers.get("content-type", "").lower() or excerpt[:1] == "<"),
    )


def _is_own_shape(body: Any) -> bool:
    """Return whether an error has the shape that the endpoint gives its own (`endpoint/API.md` section 4)."""
    if not isinstance(body, Mapping):
        return False
    inner = body.get("error")
    return (isinstance(inner, Mapping) and "message" in inner) or {"code", "message"} <= body.keys()


def _task_limit(message: str) -> int | None:
    """Return how many tasks a server says it accepts at once. None: it does not say so clearly."""
    found = {int(next(filter(None, one.groups()))) for one in _TASK_LIMIT.finditer(message)}
    return found.pop() if len(found) == 1 else None


def _redirect_host(headers: Mapping[str, str]) -> str:
    try:
        return urlsplit(headers.get("location", "")).hostname or ""
    except ValueError:
        return ""


_MISADDRESSED = (404, 405, 413, 415, 422)
"""Of a submit: no such address or method here, or no such body. Others on the way say them, too."""
_PASSING = (408, 409, 421, 423, 425)
"""Refusals that say of themselves that a later try may do better."""
_BY_STATUS: dict[int, tuple[type[EndpointError], str, str]] = {
    401: (AuthError, "auth_wrong", "auth"),
    402: (PaymentError, "payment_required", "account"),
    403: (AuthError, "auth_forbidden", "auth"),
}


def _class_of(
    status: int, server_code: str, message: str, kind: str, *, paid: bool
) -> tuple[type[EndpointError], str, str]:
    """Return (class, message code, kind) for a failed response."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    # 1303 came with a 400 too; either way it was not accepted, and there is room later.
    if status == 429 or (status == 400 and kind == "busy"):
        return RateLimitError, "rate_limited", "busy" if kind == "busy" else "rate"
    if server_code in ("idempotency_in_progress", "idempotency_unavailable"):
        return IdempotencyError, "idempotency_wait", "busy"
    if status == 400:
        return RefusedError, "refused", kind
    if status == 500 and message.lstrip().startswith("build_request_failed"):
        return RefusedError, "refused", "parameters"
    return _unclear(status, server_code, paid=paid)


def _unclear(status: int, server_code: str, *, paid: bool) -> tuple[type[EndpointError], str, str]:
    # 303 after a POST means that it was taken and that its answer lies elsewhere.
    if 300 <= status < 400 and not (paid and status == 303):
        return RedirectError, "redirected", "network"
    if paid:
        reused = server_code == "idempotency_key_reused"
        return OutcomeUnknown, "key_reused" if reused else "outcome_unknown", "unknown"
    if status in (404, 410):
        return NotFoundError, "not_found", "gone"
    if 400 <= status < 500 and status not in _PASSING:
        return RefusedError, "refused", "parameters" if status == 413 else "other"
    return ServerError, "server_error", "server"
