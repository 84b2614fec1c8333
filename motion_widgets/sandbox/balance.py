"""The account's balance and usage, and what was charged for which task under which idempotency key.

A charge is written in the transaction that accepts its task, so it outlives any kill and double charges can
be counted afterwards.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.faults.rule import CallFacts
from motion_widgets.sandbox.price import UNITS, usd
from motion_widgets.sandbox.responses import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sandbox.database import Database
    from motion_widgets.sandbox.tasks import Task, TaskTable

__all__ = ["Balance", "Charge", "balance_response", "charges_response", "usage_response"]

_INITIAL = 50 * UNITS  # a fresh folder holds $50.00


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """The charge of one task."""

    task: str
    key: str | None
    """The submit's idempotency key. None: it had none."""
    body: str
    """Digest of the submit's body: two charges for one body were perhaps meant as one."""
    usd: float
    created: float
    """Unix seconds."""
    refunded: float | None
    """When it was refunded. None: it stands."""


class Balance:
    """The money of one folder, in `UNITS`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        for name, value in (("balance", _INITIAL), ("used", 0)):
            database.row("INSERT OR IGNORE INTO meta VALUES (?, ?)", name, str(value))

    @property
    def left(self) -> int:
        """The money left."""
        return self._read("balance")

    @property
    def used(self) -> int:
        """The money spent so far, refunds deducted."""
        return self._read("used")

    def set(self, units: int) -> None:
        """Set the money left; what has been used stays."""
        self._database.row("UPDATE meta SET value = ? WHERE name = 'balance'", str(units))

    def charge(self, task_id: str, amount: int, *, key: str | None, body: str, prompt: str) -> None:
        """Charge an amount for a task."""
        with self._database.transaction():
            self._spend(amount)
            self._database.row(
                "INSERT INTO charges (task, key, body, amount, created, prompt) VALUES (?, ?, ?, ?, ?, ?)",
                *(task_id, key, body, amount, time.time(), prompt),
            )

    def refund(self, task_id: str) -> None:
        """Refund a task's charge, once."""
        with self._database.transaction():
            row = self._database.row(
                "UPDATE charges SET refunded = ? WHERE task = ? AND refunded IS NULL RETURNING amount",
                *(time.time(), task_id),
            )
            if row is not None:
                self._spend(-row["amount"])

    def change(self, task_id: str, amount: int) -> None:
        """Charge a task another amount than it was accepted for."""
        with self._database.transaction():
            query = "SELECT amount FROM charges WHERE task = ? AND refunded IS NULL"
            row = self._database.row(query, task_id)
            if row is not None:
                self._spend(amount - row["amount"])
                self._database.row("UPDATE charges SET amount = ? WHERE task = ?", amount, task_id)
                self._database.row("UPDATE tasks SET charge = ? WHERE id = ?", amount, task_id)

    def charges(self) -> list[Charge]:
        """Return all charges, oldest first; refunded ones are marked."""
        return [
            Charge(
                task=row["task"], key=row["key"], body=row["body"], usd=usd(row["amount"]),
                created=row["created"], refunded=row["refunded"],
            )
            for row in self._database.rows("SELECT * FROM charges ORDER BY created, task")
        ]  # fmt: skip

    def facts(self, task_id: str) -> CallFacts:
        """Return what a fault plan's `match` looks into for a task; empty when there is none."""
        query = (
            "SELECT model, mode, orientation, prompt, coalesce(key, '') FROM tasks "
            "JOIN charges ON task = id WHERE id = ?"
        )
        row = self._database.row(query, task_id)
        return CallFacts() if row is None else CallFacts("\n".join(row[:-1]), (row[-1], task_id))

    def _read(self, name: str) -> int:
        row = self._database.row("SELECT value FROM meta WHERE name = ?", name)
        return int(row["value"]) if row else 0

    def _spend(self, units: int) -> None:
        for name, change in (("balance", -units), ("used", units)):
            value = str(self._read(name) + change)
            self._database.row("UPDATE meta SET value = ? WHERE name = ?", value, name)


def charges_response(charges: list[Charge]) -> dict[str, Any]:
    """Return the body of ``GET /sandbox/charges``; ``twice`` lists the keys that were charged repeatedly."""
    keys = [charge.key for charge in charges if charge.key is not None]
    return {
        "count": len(charges),
        "amount_usd": round(sum(charge.usd for charge in charges if charge.refunded is None), 5),
        "twice": sorted({key for key in keys if keys.count(key) > 1}),
        "data": [asdict(charge) for charge in charges],
    }


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
    since = end - _LONGEST if end.timestamp() > 0 else end  # in the year 1, none lies before
    start = _time(query.get("start"), since)
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
