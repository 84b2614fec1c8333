"""Money: one type for amounts, one way to print them and one to round them.

Amounts are added, compared and stored in whole micro-dollars (1 USD = 1,000,000), so that nothing is lost by
adding; a person types and reads USD.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ZERO", "Micro", "cents_up", "format_usd", "to_micro", "to_usd", "total"]

Micro = NewType("Micro", int)
"""An amount in whole micro-dollars. Type checkers tell it from other numbers; at run time it is an int."""

ZERO = Micro(0)
MICRO_PER_USD = 1_000_000
_MICRO_PER_CENT = 10_000


def to_micro(usd: float) -> Micro:
    """Return a finite amount of USD in micro-dollars, rounded to the nearest whole one."""
    return Micro(round(usd * MICRO_PER_USD))


def to_usd(amount: Micro) -> float:
    """Return an amount in USD."""
    return amount / MICRO_PER_USD


def total(amounts: Iterable[Micro | None]) -> Micro:
    """Return the sum of amounts; None counts as nothing."""
    return Micro(sum(amount or 0 for amount in amounts))


def cents_up(amount: Micro) -> float:
    """Return an amount in USD, rounded up to a whole cent, so that it suffices as a limit."""
    return math.ceil(amount / _MICRO_PER_CENT) / 100


def format_usd(usd: float, *, digits: int = 2) -> str:
    """Return an amount of USD as a person reads it: ``$0.46``; `digits` follow the point."""
    return f"${usd:.{digits}f}"
