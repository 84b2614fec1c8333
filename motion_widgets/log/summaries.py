"""What a frame says: what varies in it, and axes crossed with counts, means, intervals and rates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from motion_widgets.core.errors import LogError
from motion_widgets.log.columns import AXIS, COLUMNS, NUMBERS, TEXT
from motion_widgets.log.filters import known
from motion_widgets.request.findings import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

__all__ = ["RATED", "SUMMARIES", "Description", "cross", "describe", "mean_interval", "rate_interval"]

_Z = 1.959963984540054
_T = (
    12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139,
    2.200985, 2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024, 2.085963,
)  # fmt: skip
"""Student's t for a two-sided 95 %, by degrees of freedom from 1."""


class Description(NamedTuple):
    """A frame with what is the same in all its rows pulled out."""

    same: dict[str, Any]
    """Columns whose value all jobs share; columns that no job has set are left out."""
    frame: pd.DataFrame
    """The jobs with ``id`` and what varies."""

    def __repr__(self) -> str:
        lines = [f"{name} = {value}" for name, value in self.same.items()]
        return "\n".join([*lines, "", repr(self.frame)])

    def _repr_html_(self) -> str:
        from motion_widgets.log.html_table import page

        return page(self.frame, same=self.same)


def describe(frame: pd.DataFrame) -> Description:
    """Pull out of a frame what all its jobs share."""
    same: dict[str, Any] = {}
    varies = []
    for name in frame.columns:
        column = frame[name]
        unset = column.isna()
        if name == "id" or (not unset.all() and (unset.any() or (column != column.iloc[0]).any())):
            varies.append(name)
        elif len(column) and not unset.all():
            same[name] = column.iloc[0]
    return Description(same, frame[varies])


def mean_interval(values: pd.Series[Any]) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by Student's t. NaN: there are fewer than two values."""
    count = int(values.count())
    if count < 2:
        return math.nan, math.nan
    away = _t(count - 1) * float(values.std()) / math.sqrt(count)
    mean = float(values.mean())
    return mean - away, mean + away


def rate_interval(yes: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate, by Wilson. NaN: nothing was counted."""
    if not count:
        return math.nan, math.nan
    rate, square = yes / count, _Z**2
    middle = (rate + square / (2 * count)) / (1 + square / count)
    away = _Z / (1 + square / count) * math.sqrt(rate * (1 - rate) / count + square / (4 * count**2))
    return max(0.0, middle - away), min(1.0, middle + away)


def _t(freedom: int) -> float:
    if freedom <= len(_T):
        return _T[freedom - 1]
    # Cornish-Fisher's series; from 21 degrees on it is right to five figures.
    terms = (
        (_Z**3 + _Z) / 4,
        (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96,
        (3 * _Z**7 + 19 * _Z**5 + 17 * _Z**3 - 15 * _Z) / 384,
    )
    return _Z + sum(term / float(freedom) ** power for power, term in enumerate(terms, 1))


def _usable(group: pd.DataFrame, _: str) -> tuple[int, int]:
    rated = group["_usable"].dropna()
    return int(rated.sum()), len(rated)


def _rate(group: pd.DataFrame, values: str) -> float:
    yes, count = _usable(group, values)
    return yes / count if count else math.nan


def _per_kept(group: pd.DataFrame, values: str) -> float:
    yes, _ = _usable(group, values)
    billed = float(group["_cost"].sum())
    return billed / yes if yes else math.nan


_PLAIN = ("mean", "sum", "median", "min", "max")
RATED: Mapping[str, Callable[[pd.DataFrame, str], float]] = {
    "usable": _rate,
    "usable_low": lambda group, values: rate_interval(*_usable(group, values))[0],
    "usable_high": lambda group, values: rate_interval(*_usable(group, values))[1],
    "cost_per_kept": _per_kept,
}
"""Summaries that need what people said; they are over all jobs, with or without a value."""
_VALUED: Mapping[str, Callable[[pd.DataFrame, str], float]] = {
    "low": lambda group, values: mean_interval(group[values].dropna())[0],
    "high": lambda group, values: mean_interval(group[values].dropna())[1],
}
SUMMARIES = (*_PLAIN, "count", *_VALUED, *RATED)


def cross(
    frame: pd.DataFrame,
    usable: Mapping[str, bool | None],
    *,
    index: str | Sequence[str],
    columns: str | Sequence[str],
    values: str,
    aggfunc: str | Sequence[str],
) -> pd.DataFrame:
    """Cross axes of a frame; `LogView.pivot` says how. `usable` is by id what most people say."""
    import pandas as pd

    names, heads = known(index), known(columns)
    known([values])
    several = isinstance(aggfunc, list | tuple) and len(aggfunc) > 0
    asked: list[Any] = list(dict.fromkeys(aggfunc)) if several else [aggfunc]
    for one in asked:
        if one not in SUMMARIES:
            raise LogError.of("no_such_summary", found=show(one), known=", ".join(SUMMARIES))
        if one in (*_PLAIN, *_VALUED) and COLUMNS[values] not in NUMBERS:
            raise LogError.of("not_a_number", found=values)
    axes = [*names, *heads]
    for one in axes:
        if axes.count(one) > 1:
            raise LogError.of("axis_twice", found=one)
    table = pd.DataFrame({"_usable": frame["id"].map(usable).astype("boolean"), "_cost": frame["cost"]})
    for name in dict.fromkeys([*axes, values]):
        text = name in axes and COLUMNS[name] in (TEXT, AXIS)
        table[name] = frame[name].astype("string").fillna("") if text else frame[name]
    made: dict[str, Any] = {}
    for one in asked:
        # Of jobs without a value only those summaries know that are not of the value.
        groups = (table if one in RATED else table[frame[values].notna()]).groupby(axes, observed=True)
        if one in (*_PLAIN, "count"):
            summed = getattr(groups[values], one)()
        else:
            cell = {**RATED, **_VALUED}[one]
            summed = pd.Series({key: cell(group, values) for key, group in groups}, dtype="float64")
            summed.index = groups.size().index
        made[one] = summed.unstack(heads)  # noqa: PD010 - its index is made of axes already
    whole: pd.DataFrame = made[asked[0]] if isinstance(aggfunc, str) else pd.concat(made, axis=1)
    return whole
