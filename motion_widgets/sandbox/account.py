"""What the account endpoints say: balance and usage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.responses import Refusal, Task, usd

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sandbox.store import Store

__all__ = ["balance", "usage"]

_LONGEST = timedelta(days=31)
_GROUPS: dict[str, Callable[[Task], str]] = {
    "model": lambda task: task.model,
    "day": lambda task: datetime.fromtimestamp(task.created, UTC).date().isoformat(),
}


def balance(store: Store) -> dict[str, Any]:
    """Money left and used, in USD. The key and the account hold the same here."""
    left, used = store.money()
    return {
        "success": True,
        "remain_balance": usd(left),
        "used_balance": usd(used),
        "unlimited_quota": False,
    }


def usage(store: Store, query: dict[str, str]) -> dict[str, Any]:
    """Totals of what was billed between ``start`` and ``end``, refunded tasks left out.

    Parameters
    ----------
    store : Store
        The sandbox's memory.
    query : dict
        ``start``, ``end`` (unix seconds or ISO dates; the last 31 days when left out), ``group_by``
        (``model`` or ``day``).

    Raises
    ------
    Refusal
        400 for a moment that cannot be read, more than 31 days, or an unknown grouping.
    """
    end = _moment(query.get("end"), datetime.now(UTC))
    start = _moment(query.get("start"), end - _LONGEST)
    if not timedelta(0) <= end - start <= _LONGEST:
        raise Refusal.parameter("start and end must span at most 31 days, start first.")
    group_by = query.get("group_by", "model")
    if group_by not in _GROUPS:
        raise Refusal.parameter(f"group_by must be one of {', '.join(_GROUPS)}.")
    counted = [
        task
        for task in store.tasks()
        if task.failed is None and start.timestamp() <= task.created <= end.timestamp()
    ]
    groups: dict[str, list[Task]] = {}
    for task in counted:
        groups.setdefault(_GROUPS[group_by](task), []).append(task)
    items = [{group_by: name, **_total(tasks)} for name, tasks in groups.items()]
    return {"success": True, "data": {"total": _total(counted), "items": items}}


def _total(tasks: list[Task]) -> dict[str, Any]:
    return {"amount_usd": usd(sum(task.charge for task in tasks)), "count": len(tasks)}


def _moment(text: str | None, default: datetime) -> datetime:
    if text is None:
        return default
    try:
        moment = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise Refusal.parameter(f"{text[:40]!r} is neither unix seconds nor an ISO date.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
