"""Ask the account what was billed over any period, and for its balance. Only free calls are made.

`endpoint/API.md` section 9: at most 31 days a call, 60 calls a minute, a minute late, failed and refunded
tasks left out; a 503 does not mean that nothing was billed.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from motion_widgets.core.messages import say
from motion_widgets.core.money import Micro, to_micro, total
from motion_widgets.endpoint.errors import (
    AnswerError,
    EndpointError,
    NotSentError,
    RateLimitError,
    RefusedError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.endpoint.responses import Balance, Usage

__all__ = ["DATE_FORMATS", "AccountUsage", "fetch_account", "fetch_usage", "split_period"]

_T = TypeVar("_T")
LONGEST = timedelta(days=31)
LATE = timedelta(minutes=2)
"""The delay after which a bill is in the usage, with a minute to spare."""
CALLS = 50
"""Calls before a pause of a minute; 60 a minute are allowed."""
TRIES = 4
PAUSE = 2.0
"""s before the first retry; it doubles with each."""

DATE_FORMATS: dict[str, Callable[[datetime], str]] = {
    "unix": lambda moment: str(int(moment.timestamp())),
    "iso": lambda moment: moment.isoformat(),
    "date": lambda moment: moment.date().isoformat(),
}
"""Ways to write a moment; it is not documented which of them the live endpoint reads."""


@dataclass
class AccountUsage:
    """What the account says."""

    amount: Micro | None = None
    """Billed in the whole period. None: the account did not say."""
    items: dict[str, Micro] = field(default_factory=dict)
    date_format: str = ""
    """Which of `DATE_FORMATS` the endpoint accepted."""
    balance: Balance | None = None
    problems: list[str] = field(default_factory=list)
    """A sentence for each question that was not answered."""


def split_period(
    start: datetime, end: datetime, busy: Sequence[datetime] = ()
) -> list[tuple[datetime, datetime]]:
    """Split a period into pieces of at most 31 days.

    Parameters
    ----------
    start, end
        The period.
    busy
        Moments near which no piece should end: a task of that very second would be counted twice or not at
        all.
    """
    pieces, moments = [], sorted(busy)

    def is_busy(cut: datetime) -> bool:
        after = bisect_right(moments, cut - LATE)
        return after < len(moments) and moments[after] < cut + LATE

    while end - start > LONGEST:
        cut = start + LONGEST
        while cut - start > LONGEST / 2 and is_busy(cut):
            cut -= LATE
        pieces.append((start, cut))
        start = cut
    return [*pieces, (start, end)]


async def fetch_account(
    client: EndpointClient, start: datetime, end: datetime, busy: Sequence[datetime] = ()
) -> AccountUsage:
    """Ask the account for its balance, and for its usage over a period of any length."""
    account = AccountUsage()
    if end.microsecond:  # moments are written in whole seconds, and what was billed in this one counts
        end = end.replace(microsecond=0) + timedelta(seconds=1)
    try:
        account.balance = await _with_retries(client.balance)
    except EndpointError as error:
        account.problems.append(say("reconcile_no_balance", reason=str(error)))
    billed: list[Micro] = []
    try:
        for number, (first, last) in enumerate(split_period(start, end, busy), 1):
            account.date_format, usage = await fetch_usage(
                client, first, last, date_format=account.date_format
            )
            billed.append(to_micro(usage.amount))
            for name, amount in usage.items:
                account.items[name] = total([account.items.get(name), to_micro(amount)])
            if number % CALLS == 0:
                await asyncio.sleep(60)
    except EndpointError as error:
        account.problems.append(say("reconcile_no_usage", reason=str(error)))
        account.items.clear()
    else:
        account.amount = total(billed)
    return account


async def fetch_usage(
    client: EndpointClient, start: datetime, end: datetime, *, date_format: str = ""
) -> tuple[str, Usage]:
    """Ask for the usage of a period of at most 31 days.

    Parameters
    ----------
    date_format
        One of `DATE_FORMATS`. ``""``: try them in turn.

    Returns
    -------
    (str, Usage)
        The date format that the endpoint accepted, and the usage.

    Raises
    ------
    EndpointError
        The endpoint accepted no date format, or did not answer after several tries.
    """
    formats = [date_format] if date_format else list(DATE_FORMATS)
    while True:
        first, last = (DATE_FORMATS[formats[0]](moment.astimezone(UTC)) for moment in (start, end))
        try:
            return formats[0], await _grouped(client, first, last)
        except RefusedError:
            if len(formats) == 1:
                raise
            formats.pop(0)


async def _grouped(client: EndpointClient, start: str, end: str) -> Usage:
    try:
        return await _with_retries(lambda: client.usage(start, end, group_by="model"))
    except RefusedError:  # the groupings are not documented either
        return await _with_retries(lambda: client.usage(start, end))


async def _with_retries(call: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat a call after a failure that may pass: a 503, a 429, a broken connection."""
    wait = PAUSE
    for _ in range(TRIES - 1):
        try:
            return await call()
        except (ServerError, RateLimitError, NotSentError, AnswerError) as error:
            if isinstance(error, AnswerError) and error.status is None:
                raise  # complete, but without a total: the next answer would say the same
            await asyncio.sleep(wait if error.retry_after is None else error.retry_after)
            wait *= 2
    return await call()
