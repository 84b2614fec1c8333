"""The account endpoints: balance and usage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.price import usd
from motion_widgets.sandbox.responses import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sandbox.balance import Balance
    from motion_widgets.sandbox.tasks import Task, TaskTable

__all__ = ["balance_response", "usage_response"]

_LONGEST = timedelta(days=31)
_GROUPS: dict[str, Callable[[Task], str]] = {
    "model": lambda task: task.model,
    "day": lambda task: datetime.fromtimestamp(task.created, UTC).date().isoformat(),
}


def balance_response(balance: Balance) -> dict[str, Any]:
    """Return the money left and used in USD. The key and the account hold the same here."""
    left, used = usd(balance.left), usd(balance.used)
    return {"success": True, "remain_balance": left, "used_balance": used, "unlimited_quota": False}


def usage_response(tasks: TaskTable, query: dict[str, str]) -> dict[str, Any]:
    """Return totals of what was billed between ``start`` and ``end``, without refunded tasks.

    Both are Unix seconds or ISO dates, by default the last 31 days; ``group_by`` is ``model`` or ``day``.

    Raises
    ------
    ApiError
        400 for a time that cannot be read, more than 31 days or an unknown grouping.
    """
    end = _time(query.get("end"), datetime.now(UTC))
    start = _time(query.get("start"), end - _LONGEST)
    if not timedelta(0) <= end - start <= _LONGEST:
        raise ApiError.invalid("start and end must span at most 31 days, start first.")
    group_by = query.get("group_by", "model")
    if group_by not in _GROUPS:
        raise ApiError.invalid(f"group_by must be one of {', '.join(_GROUPS)}.")
    counted = [
        task
        for task in tasks.all()
        if task.failed is None and start.timestamp() <= task.created <= end.timestamp()
    ]
    groups: dict[str, list[Task]] = {}
    for task in counted:
        groups.setdefault(_GROUPS[group_by](task), []).append(task)
    items = [{group_by: name, **_total(members)} for name, members in groups.items()]
    return {"success": True, "data": {"total": _total(counted), "items": items}}


def _total(tasks: list[Task]) -> dict[str, Any]:
    return {"amount_usd": usd(sum(task.charge for task in tasks)), "count": len(tasks)}


def _time(text: str | None, default: datetime) -> datetime:
    if text is None:
        return default
    try:
        time = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise ApiError.invalid(f"{text[:40]!r} is neither Unix seconds nor an ISO date.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
