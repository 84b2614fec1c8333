"""What preference and usable results cost: from bills, never from a table of prices.

A failure is refunded and costs nothing; a result that nobody has called usable or not is left out of rates.
Amounts are USD.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from motion_widgets.core.money import to_usd
from motion_widgets.log.intervals import t_quantile
from motion_widgets.study.preference import Scores, block_wilson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from motion_widgets.study.results import Result

    Floats = NDArray[np.float64]

__all__ = ["Costs", "Ratio", "costs_of", "extra_per_preferred", "fieller", "kept_ratio", "mover_ratio"]
__all__ += ["price_ratio"]


@dataclass(frozen=True)
class Costs:
    """What the results of one setting cost.

    Attributes
    ----------
    results, rated, kept
        How many arrived, were called usable or not, and are usable.
    bill
        USD of all results; `mean` is that of one, `per_second` that of a second of its clip.
    usable, usable_low, usable_high
        The usable rate with its 95 % interval (block Wilson). NaN: none was rated.
    per_kept, per_kept_low, per_kept_high
        USD by usable result, of the rated ones, with its 95 % interval (Fieller). NaN: none is usable;
        infinite: the upper end is not bounded.
    """

    results: int
    rated: int
    kept: int
    bill: float
    mean: float
    per_second: float
    usable: float
    usable_low: float
    usable_high: float
    per_kept: float
    per_kept_low: float
    per_kept_high: float


@dataclass(frozen=True)
class Ratio:
    """A ratio with its 95 % interval; `high` may be infinite."""

    value: float
    low: float
    high: float


def costs_of(results: Sequence[Result], usable: Mapping[str, bool | None]) -> Costs:
    """Return what results of one setting cost; `usable`: by job what people say."""
    billed = [(one, to_usd(one.bill)) for one in results if one.bill is not None]
    total = sum(bill for _, bill in billed)
    seconds = sum(one.seconds or 0.0 for one, _ in billed)
    rated = [(one, bool(usable[one.id])) for one in results if usable.get(one.id) is not None]
    rate, [(low, high)] = block_wilson(
        Scores.of((one.block(), float(kept), one.clip, one.image) for one, kept in rated), 0.95
    )
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one, kept in rated:
        if one.bill is not None:
            sums[one.block()][0] += to_usd(one.bill)
            sums[one.block()][1] += kept
    per_kept = fieller([bill for bill, _ in sums.values()], [kept for _, kept in sums.values()])
    return Costs(
        len(results), len(rated), sum(kept for _, kept in rated), total,
        total / len(billed) if billed else math.nan, total / seconds if seconds else math.nan,
        float(rate), float(low), float(high), per_kept.value, per_kept.low, per_kept.high,
    )  # fmt: skip


def fieller(bills: Sequence[float], kept: Sequence[float], level: float = 0.95) -> Ratio:
    """Return the cost per usable result from the sums of blocks, with Fieller's interval.

    NaN: nothing is usable. One block has no interval; an end that is not bounded is infinite.
    """
    count, all_kept = len(bills), sum(kept)
    if not all_kept:
        return Ratio(math.nan, 0.0, math.inf)
    ratio = sum(bills) / all_kept
    if count < 2:
        return Ratio(ratio, 0.0, math.inf)
    bill, keep = sum(bills) / count, all_kept / count
    scale = t_quantile(level, count - 1) ** 2 / count / (count - 1)
    square = keep**2 - scale * sum((one - keep) ** 2 for one in kept)
    both = zip(bills, kept, strict=True)
    cross = bill * keep - scale * sum((one - bill) * (other - keep) for one, other in both)
    rest = bill**2 - scale * sum((one - bill) ** 2 for one in bills)
    root = math.sqrt(max(cross**2 - square * rest, 0.0))
    if square > 0:
        return Ratio(ratio, max((cross - root) / square, 0.0), (cross + root) / square)
    # Not bounded above: what is excluded lies between the roots, and the upper one is the least there is.
    lowest = (cross - root) / square if square < 0 and rest > 0 else 0.0
    return Ratio(ratio, min(max(lowest, 0.0), ratio), math.inf)


def price_ratio(pairs: Iterable[tuple[Result, Result]]) -> tuple[float, float]:
    """Return what A costs by what B costs, and A's extra cost in USD a clip, of pairs with both bills.

    NaN: no bill is known, or B cost nothing.
    """
    bills = [(to_usd(a.bill), to_usd(b.bill)) for a, b in pairs if a.bill is not None and b.bill is not None]
    first, second = sum(one for one, _ in bills), sum(one for _, one in bills)
    if not second:
        return math.nan, math.nan
    return first / second, (first - second) / len(bills)


def kept_ratio(a: Costs, b: Costs) -> Ratio:
    """Return A's cost per usable result by B's. NaN: neither is known."""
    made = mover_ratio((b.usable, b.usable_low, b.usable_high), (a.usable, a.usable_low, a.usable_high))
    price = a.mean / b.mean if b.mean else math.nan
    return Ratio(price * made.value, price * made.low, price * made.high)


def mover_ratio(over: tuple[float, float, float], under: tuple[float, float, float]) -> Ratio:
    """Return the ratio of two rates with its interval, from each one's own (Donner and Zou's MOVER)."""
    (rate, low, high), (base, base_low, base_high) = over, under
    product = rate * base
    least, most = low * (2 * rate - low), high * (2 * rate - high)
    base_least, base_most = base_low * (2 * base - base_low), base_high * (2 * base - base_high)
    below = product + math.sqrt(max(product**2 - least * base_most, 0.0))
    above = product + math.sqrt(max(product**2 - most * base_least, 0.0))
    return Ratio(
        rate / base if base else math.nan if not rate else math.inf,
        least / below if below > 0 else 0.0,
        above / base_least if base_least > 0 else math.inf,
    )


def extra_per_preferred(extra: float, rate: float, low: float, high: float) -> Ratio | None:
    """Return the extra USD for each further clip that is preferred. None: no finite price is shown."""
    if low <= 0.5:
        return None
    return Ratio(extra / (2 * rate - 1), extra / (2 * high - 1), extra / (2 * low - 1))
