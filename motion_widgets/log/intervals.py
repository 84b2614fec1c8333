"""Intervals: of a mean by Student's t, of a rate by Wilson."""

from __future__ import annotations

import functools
import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["mean_interval", "rate_interval", "t_quantile", "wilson"]

_LEVEL = 0.95
_FEW = 20
"""Degrees of freedom up to which the distribution itself is inverted."""


def mean_interval(values: pd.Series[Any]) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by Student's t. NaN: there are fewer than two values."""
    count = int(values.count())
    if count < 2:
        return math.nan, math.nan
    away = t_quantile(_LEVEL, count - 1) * float(values.std()) / math.sqrt(count)
    mean = float(values.mean())
    return mean - away, mean + away


def rate_interval(yes: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate, by Wilson. NaN: nothing was counted."""
    if not count:
        return math.nan, math.nan
    low, high = wilson(yes / count, count, NormalDist().inv_cdf((1 + _LEVEL) / 2))
    return max(0.0, low), min(1.0, high)


def wilson(rate: Any, count: Any, quantile: Any) -> tuple[Any, Any]:
    """Return Wilson's interval of a rate, or of arrays of them; rounding may leave 0 to 1 by a hair."""
    square = quantile**2
    middle = (rate + square / (2 * count)) / (1 + square / count)
    away = quantile / (1 + square / count) * (rate * (1 - rate) / count + square / (4 * count**2)) ** 0.5
    return middle - away, middle + away


@functools.lru_cache(maxsize=4096)
def t_quantile(level: float, freedom: int) -> float:
    """Return the quantile of Student's t for a two-sided interval of `level`.

    Up to 20 degrees of freedom it is exact; above, Cornish and Fisher's series with four terms is right to
    seven figures.
    """
    if freedom <= _FEW:
        low, high = 0.0, math.pi / 2
        for _ in range(60):  # halves; the angle's tangent is t / sqrt(freedom)
            middle = (low + high) / 2
            low, high = (middle, high) if _inside(middle, freedom) < level else (low, middle)
        return math.tan(low) * math.sqrt(freedom)
    z = NormalDist().inv_cdf((1 + level) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(freedom) ** power for power, term in enumerate(terms, 1))


def _inside(angle: float, freedom: int) -> float:
    """Return the chance that |t| is below sqrt(freedom) * tan(angle): the distribution's finite sum."""
    sine, cosine = math.sin(angle), math.cos(angle)
    term = cosine if freedom % 2 else 1.0
    total = 0.0 if freedom == 1 else term
    for step in range(3 if freedom % 2 else 2, freedom - 1, 2):
        term *= cosine**2 * (step - 1) / step
        total += term
    return (angle + sine * total) * 2 / math.pi if freedom % 2 else sine * total
