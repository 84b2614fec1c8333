"""What a request will cost: dated prices, and an estimate as an interval.

Prices and estimates are in USD; amounts to add and compare are in micro-dollars (`core.money`).
"""

from __future__ import annotations

import math
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from motion_widgets.core.errors import BudgetError, ClipError, RequestError
from motion_widgets.core.facts import Clip
from motion_widgets.core.html_repr import card
from motion_widgets.core.messages import say
from motion_widgets.core.money import (
    MICRO_PER_USD,
    Micro,
    cents_up,
    format_interval,
    format_left,
    format_price,
    format_usd,
    to_micro,
    to_usd,
)
from motion_widgets.request.fields import MODELS, MODES
from motion_widgets.request.findings import show
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.request import MotionRequest, require_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PRICES", "Estimate", "Prices", "bound_micro", "estimate", "require_bound", "sum_of"]


LONGEST = 1e6
"""Seconds; a longer clip, of more than 11 days, has no plausible length."""
DEAREST = 1e6
"""USD per second; a higher price is a typing error."""


@dataclass(frozen=True, kw_only=True)
class Prices:
    """A dated table of prices per second of the reference clip.

    Parameters
    ----------
    date
        When the prices were read: ``"YYYY-MM"`` or ``"YYYY-MM-DD"``.
    per_second
        USD per second by (model, mode).
    source
        Where they come from.

    Raises
    ------
    RequestError
        A price is not a positive number.

    Examples
    --------
    >>> mw.PRICES.of("kling-v3-motion-control", "pro")
    0.13712
    """

    date: str
    per_second: Mapping[tuple[str, str], float]
    source: str = ""

    def __post_init__(self) -> None:
        for cell, usd in self.per_second.items():
            _check_price(usd, cell=" ".join(map(str, cell)), name="Prices")

    def of(self, model: object, mode: object) -> float | None:
        """Return USD per second. None: the table has no such cell."""
        if isinstance(model, str) and isinstance(mode, str):
            return self.per_second.get((model, mode))
        return None

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a table from TOML: ``date``, optional ``source``, and ``[model] mode = usd`` per model.

        Raises
        ------
        RequestError
            The file cannot be read or has no date, or a price is not a positive number.
        """
        try:
            data: dict[str, Any] = tomllib.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RequestError.of("prices_unreadable", name=str(path), reason=str(error)) from error
        date, source = data.pop("date", ""), data.pop("source", "")
        if not date:
            raise RequestError.of("prices_undated", name=str(path))
        table: dict[tuple[str, str], float] = {}
        for model, modes in data.items():
            if not isinstance(modes, dict):
                raise RequestError.of("prices_shape", name=str(path), found=show(model))
            for mode, usd in modes.items():
                _check_price(usd, cell=f"{model} {mode}", name=str(path))
                table[model, mode] = float(usd)
        return cls(date=str(date), per_second=table, source=str(source))


def _check_price(usd: object, *, cell: str, name: str) -> None:
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 < usd <= DEAREST:
        raise RequestError.of("prices_wrong", name=name, cell=show(cell), found=show(usd))


PRICES = Prices(
    date="2026-10",
    source="APIMart's price page, read 2026-10",
    per_second={
        ("kling-v2-6-motion-control", "std"): 0.05712,
        ("kling-v2-6-motion-control", "pro"): 0.09144,
        ("kling-v3-motion-control", "std"): 0.10288,
        ("kling-v3-motion-control", "pro"): 0.13712,
    },
)
"""The prices that the toolkit ships with; pass `Prices` of your own to override them."""


@dataclass(frozen=True, slots=True, repr=False)
class Estimate:
    """What a request may cost, as an interval: how the server rounds the seconds is not documented.

    >>> print(mw.estimate(req))
    up to $0.58 (length unknown)
    """

    low: float
    """The least that it may cost, in USD."""
    high: float
    """The most that it may cost, in USD; this is what a budget reserves."""
    seconds_low: int = field(default=0, kw_only=True)
    """Whole seconds on which `low` is based."""
    seconds_high: int = field(default=0, kw_only=True)
    """Whole seconds on which `high` is based."""
    per_second: float = field(default=0.0, kw_only=True)
    """USD per second."""
    length_unknown: bool = field(default=False, kw_only=True)
    """The clip was not measured: `high` is for the longest clip of its orientation."""
    prices_date: str = field(default="", kw_only=True)
    """The date of the prices."""

    @property
    def high_micro(self) -> Micro:
        """`high` in micro-dollars."""
        return to_micro(self.high)

    def __str__(self) -> str:
        """Return it as a person reads it: ``$0.46``, ``$0.51-$0.58`` or ``up to $0.58 (length unknown)``."""
        if self.length_unknown:
            return say("shown_unmeasured", price=format_price(self.high))
        return format_interval(self.low, self.high)

    def __repr__(self) -> str:
        return f"<Estimate {self}>"

    def _repr_html_(self) -> str:
        low, high = self.seconds_low, self.seconds_high
        facts = {
            say("shown_charged"): say("shown_span", low=low, high=high) if low != high else high or "",
            say("shown_per_second"): format_usd(self.per_second, digits=5) if self.per_second else "",
            say("shown_prices"): self.prices_date,
        }
        return card(self, facts)


def estimate(
    req: MotionRequest, clip: Clip | ClipError | None = None, *, prices: Prices | None = None
) -> Estimate:
    """Estimate what a request costs, from whole seconds rounded down to whole seconds rounded up.

    The upper end is for the longest of all lengths that the clip states: with edit lists, readers differ.

    Parameters
    ----------
    req
        Any draft whose model and mode are in the table.
    clip
        The measured clip. None, the error of measuring it, or an implausible length: it is unknown, and
        `high` is for the longest clip of the orientation (10 or 30 s; 30 s if the orientation is invalid).
    prices
        Prices to use instead of `PRICES`.

    Raises
    ------
    RequestError
        The table has no price for this model and mode, or `req` is not a request.

    Examples
    --------
    >>> cost = mw.estimate(req, mw.measure_clip(samples.clip_6s))
    >>> cost.low, cost.high
    (0.34272, 0.34272)
    """
    table = prices or PRICES
    rate = table.of(require_request(req).model, req.mode)
    if rate is None:
        known = {"models": ", ".join(MODELS), "modes": ", ".join(MODES)}
        raise RequestError.of("no_price", model=show(req.model), mode=show(req.mode), **known)
    measured = clip if isinstance(clip, Clip) else req.video_url if isinstance(req.video_url, Clip) else None
    shortest, cap = LIMITS.clip_length(req.character_orientation)
    if measured is not None and 0 < measured.length <= LONGEST:  # which NaN is not
        # A server that reads more than is ever allowed refuses the clip instead of billing for it.
        most = max(measured.length, LIMITS.clip_seconds["video"][1])
        longest = max(min(one, most) for one in measured.lengths if not math.isnan(one))
        # What is smaller than 1 us is the noise of floats, which must not cost a second.
        low, high, unknown = math.floor(round(measured.length, 6)), math.ceil(round(longest, 6)), False
    else:
        low, high, unknown = math.floor(shortest), math.ceil(cap), True
    micro = Fraction(str(rate)) * MICRO_PER_USD  # exactly the price as written
    return Estimate(
        to_usd(Micro(math.floor(low * micro))), to_usd(Micro(math.ceil(high * micro))),
        seconds_low=low, seconds_high=high,
        per_second=rate, length_unknown=unknown, prices_date=table.date,
    )  # fmt: skip


def sum_of(costs: Sequence[Estimate], prices: Prices) -> Estimate:
    """Return what several requests may cost together."""
    return Estimate(
        round(sum(one.low for one in costs), 6), round(sum(one.high for one in costs), 6),
        seconds_low=sum(one.seconds_low for one in costs),
        seconds_high=sum(one.seconds_high for one in costs),
        length_unknown=any(one.length_unknown for one in costs), prices_date=prices.date,
    )  # fmt: skip


BOUND_MAX = 1e9
"""USD; a larger bound means the same as this."""


def bound_micro(bound: float) -> Micro:
    """Return a bound in USD in micro-dollars.

    Raises
    ------
    BudgetError
        It is not an amount of money: not a number, negative, NaN or infinite.
    """
    usd, found = math.nan, say("bound_huge")
    with suppress(OverflowError, ValueError):  # an integer of hundreds of digits
        found = repr(bound)[:80]
        usd = float(bound) if isinstance(bound, Real) and not isinstance(bound, bool) else math.nan
    if not math.isfinite(usd) or usd < 0:
        raise BudgetError.of("bound_wrong", found=found)
    return to_micro(min(usd, BOUND_MAX))


def require_bound(cost: Estimate, bound: float | None, *, live: bool) -> None:
    """Raise BudgetError unless an estimate fits the bound (USD); a live endpoint requires one."""
    enough = cents_up(cost.high_micro)
    if bound is None:
        if live:
            raise BudgetError.of("bound_missing", price=str(cost), high=enough)
    elif cost.high_micro > bound_micro(bound):
        raise BudgetError.of(
            "bound_small", price=str(cost), high=enough, bound=format_left(to_usd(bound_micro(bound)))
        )
