"""What the account says was billed: usage over any stretch of time, and the balance. Free calls only.

`endpoint/API.md` section 9: at most 31 days a call, 60 calls a minute, a minute late, failed and refunded
tasks left out; a 503 is not a total of nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from motion_widgets.core.messages import say
from motion_widgets.endpoint.api_key import ENVIRONMENT_KEY, Secret
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.endpoint.errors import (
    AnswerError,
    AuthError,
    EndpointError,
    NotSentError,
    RateLimitError,
    RefusedError,
    ServerError,
)
from motion_widgets.request.price import to_micro

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from motion_widgets.endpoint.responses import Balance, Usage
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["FORMS", "Bill", "ask_bill", "ask_usage", "client_of", "spans"]

_T = TypeVar("_T")
LONGEST = timedelta(days=31)
LATE = timedelta(minutes=2)
"""After which what was billed is in the usage, with a minute to spare."""
CALLS = 50
"""Calls after which a minute is waited; 60 a minute are allowed."""
TRIES = 4
PAUSE = 2.0
"""s before the first new try; it doubles."""

FORMS: dict[str, Callable[[datetime], str]] = {
    "unix": lambda moment: str(int(moment.timestamp())),
    "iso": lambda moment: moment.isoformat(),
    "date": lambda moment: moment.date().isoformat(),
}
"""How a moment may be written; which of them the live endpoint reads is not documented."""


@dataclass
class Bill:
    """What the account says, in micro-dollars."""

    amount: int | None = None
    """Billed in all of the time asked about. None: the account did not say."""
    items: dict[str, int] = field(default_factory=dict)
    form: str = ""
    """Which of `FORMS` the endpoint took."""
    balance: Balance | None = None
    wrong: list[str] = field(default_factory=list)
    """What was not answered, in words."""


def client_of(ws: Workspace) -> EndpointClient:
    """Make a client of the endpoint that a workspace is at.

    Raises
    ------
    AuthError
        A live endpoint without a key.
    """
    if not ws.live:
        return EndpointClient(ws.sandbox.url, Secret(ws.sandbox.token))
    if ws.secret is None:
        message = say("key_missing", host=ws.base_url, variable=ENVIRONMENT_KEY)
        raise AuthError(message, code="key_missing", kind="auth")
    return EndpointClient(ws.base_url, ws.secret)


def spans(start: datetime, end: datetime, busy: Sequence[datetime] = ()) -> list[tuple[datetime, datetime]]:
    """Split a stretch of time into pieces of at most 31 days.

    Parameters
    ----------
    start, end
        The stretch.
    busy
        Moments near which no piece should end: a task of the very second would be counted twice, or not
        at all.
    """
    pieces = []
    while end - start > LONGEST:
        cut = start + LONGEST
        while cut - start > LONGEST / 2 and any(abs(cut - moment) < LATE for moment in busy):
            cut -= LATE
        pieces.append((start, cut))
        start = cut
    return [*pieces, (start, end)]


async def ask_bill(
    client: EndpointClient, start: datetime, end: datetime, busy: Sequence[datetime] = ()
) -> Bill:
    """Ask the account for the usage of a stretch of time, piece by piece, and for the balance."""
    bill = Bill()
    if end.microsecond:  # moments are written in whole seconds, and what was billed in this one counts
        end = end.replace(microsecond=0) + timedelta(seconds=1)
    try:
        bill.balance = await _patiently(client.balance)
    except EndpointError as error:
        bill.wrong.append(say("reconcile_no_balance", reason=str(error)))
    total = 0
    try:
        for number, (one, other) in enumerate(spans(start, end, busy), 1):
            bill.form, usage = await ask_usage(client, one, other, form=bill.form)
            total += to_micro(usage.amount)
            for name, amount in usage.items:
                bill.items[name] = bill.items.get(name, 0) + to_micro(amount)
            if number % CALLS == 0:
                await asyncio.sleep(60)
    except EndpointError as error:
        bill.wrong.append(say("reconcile_no_usage", reason=str(error)))
        bill.items.clear()
    else:
        bill.amount = total
    return bill


async def ask_usage(
    client: EndpointClient, start: datetime, end: datetime, *, form: str = ""
) -> tuple[str, Usage]:
    """Ask for the usage of one piece; give the form of its moments that the endpoint took, and the usage.

    Raises
    ------
    EndpointError
        No form was taken, or the endpoint did not answer, several times.
    """
    forms = [form] if form else list(FORMS)
    while True:
        one, other = (FORMS[forms[0]](moment.astimezone(UTC)) for moment in (start, end))
        try:
            return forms[0], await _grouped(client, one, other)
        except RefusedError:
            if len(forms) == 1:
                raise
            forms.pop(0)


async def _grouped(client: EndpointClient, start: str, end: str) -> Usage:
    try:
        return await _patiently(lambda: client.usage(start, end, group_by="model"))
    except RefusedError:  # which groupings there are is not documented either
        return await _patiently(lambda: client.usage(start, end))


async def _patiently(ask: Callable[[], Awaitable[_T]]) -> _T:
    """Ask again after what may pass: a 503, a 429, a broken line."""
    wait = PAUSE
    for _ in range(TRIES - 1):
        try:
            return await ask()
        except (ServerError, RateLimitError, NotSentError, AnswerError) as error:
            if isinstance(error, AnswerError) and error.status is None:
                raise  # whole and without a total: it says the same again
            await asyncio.sleep(wait if error.retry_after is None else error.retry_after)
            wait *= 2
    return await ask()
