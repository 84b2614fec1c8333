"""Money: one type for amounts, one way to print them and one to round them.

Amounts are added, compared and stored in whole micro-dollars (1 USD = 1,000,000), so that nothing is lost by
adding; a person types and reads USD. What is shown can be relied on, whichever amount it is:

* a price, the upper end of an estimate, and what is missing are rounded up to the cent (`format_price`), so
  that it is enough when it is typed back as a bound;
* a balance, a limit, and what is left are rounded down (`format_left`): there is at least that much;
* what was billed or spent is rounded to the nearest cent, or shown to the digit (`format_usd`).

A sum is rounded once, from its exact parts, so it may be some cents below the sum of the parts as shown. A
bound is read to the nearest micro-dollar: the noise of floats, as in 1.2 - 0.9, refuses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ZERO",
    "Micro",
    "cents_up",
    "format_interval",
    "format_left",
    "format_price",
    "format_usd",
    "to_micro",
    "to_usd",
    "total",
]  # fmt: skip

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
    """Return an amount in USD, rounded up to a whole cent, so that it suffices as a bound."""
    return -(-amount // _MICRO_PER_CENT) / 100


def format_price(usd: float) -> str:
    """Return what something may cost, or what is missing, rounded up to the cent: ``$0.35`` for 0.34272."""
    return format_usd(cents_up(to_micro(usd)))


def format_left(usd: float) -> str:
    """Return what there is to spend, rounded down to the cent: ``$0.34`` for 0.34272."""
    return format_usd(to_micro(usd) // _MICRO_PER_CENT / 100)


def format_interval(low: float, high: float) -> str:
    """Return an estimate as a price, or, where its ends differ in cents, as an interval that encloses it."""
    shown = format_price(high)
    return shown if format_price(low) == shown else f"{format_left(low)}\u2013{shown}"


def format_usd(usd: float, *, digits: int = 2) -> str:
    """Return what was billed or spent, to the nearest cent: ``$0.34``; `digits` follow the point."""
    return f"{'-' if usd < 0 else ''}${abs(usd):.{digits}f}"
