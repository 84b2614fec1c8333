"""Summaries of the log: axes crossed by figures, none of which stands without the number of jobs behind it.

Whatever shows a mean, a rate or a price per result is made of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.log.axes import Axis, axis_of
from motion_widgets.log.billing import is_billed
from motion_widgets.log.columns import KINDS, NUMBERS
from motion_widgets.log.filters import known
from motion_widgets.log.intervals import mean_interval, rate_interval
from motion_widgets.log.states import NO_RESULT
from motion_widgets.request.findings import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

__all__ = ["SUMMARIES", "cross"]

_Groups = Any
"""pandas' groups of jobs, with the columns of `_columns`."""
_MEASURED: Mapping[str, Callable[[_Groups], Any]] = {
    "mean": lambda groups: groups["value"].mean(),
    "std": lambda groups: groups["value"].std(),
    "low": lambda groups: groups["value"].agg(lambda values: mean_interval(values.dropna())[0]),
    "high": lambda groups: groups["value"].agg(lambda values: mean_interval(values.dropna())[1]),
    "median": lambda groups: groups["value"].median(),
    "min": lambda groups: groups["value"].min(),
    "max": lambda groups: groups["value"].max(),
    "sum": lambda groups: groups["value"].sum(),
}
"""Summaries of a number."""
_RATED: Mapping[str, Callable[[_Groups], Any]] = {
    "usable": lambda groups: groups["usable"].mean(),
    "usable_low": lambda groups: groups["usable"].agg(lambda said: _rate_interval(said)[0]),
    "usable_high": lambda groups: groups["usable"].agg(lambda said: _rate_interval(said)[1]),
}
_COUNTS: Mapping[str, Callable[[_Groups], Any]] = {
    "count": lambda groups: groups["value"].count(),
    "n": lambda groups: groups["value"].count(),
    "rated": lambda groups: groups["usable"].count(),
    "kept": lambda groups: groups["usable"].sum(),
    "failed": lambda groups: groups["failed"].sum(),
}
"""How many jobs; where there are none it is 0."""
_FIGURES: Mapping[str, Callable[[_Groups], Any]] = {
    **_MEASURED, **_RATED, **_COUNTS,
    "cost_per_kept": lambda groups: groups["cost"].sum() / groups["usable"].sum().replace(0.0, float("nan")),
}  # fmt: skip
_BESIDE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_MEASURED, ("n", "failed")), "count": (), **dict.fromkeys(_RATED, ("rated",)),
    "cost_per_kept": ("kept", "failed"),
}  # fmt: skip
"""By summary the counts that always stand beside it."""
SUMMARIES = tuple(_BESIDE)


def cross(
    frame: pd.DataFrame, rows: list[str], heads: list[str], *, values: str, aggfunc: str | Iterable[str],
    margins: bool, title: str, media: Mapping[str, Mapping[Any, str]],
) -> pd.DataFrame:  # fmt: skip
    """Cross axes of a frame, as `LogView.pivot` documents.

    Parameters
    ----------
    frame
        The jobs, with ``usable`` and whatever column is asked for.
    rows, heads
        The axes.
    title
        Which jobs these are, in a word; it names the level of the summaries.
    media
        By axis of media what their contents are called.
    """
    import pandas as pd

    figures = _figures(values, aggfunc)
    for one in rows:
        if one in heads:
            raise LogError.of("axis_twice", found=one)
    axes = {name: axis_of(frame, name, media.get(name)) for name in [*rows, *heads]}
    table = _columns(frame, values).assign(**{_code(name): axis.codes for name, axis in axes.items()})
    if margins:
        table = _with_totals(table, axes, rows, heads)
    groups = table.groupby([_code(name) for name in axes])
    made: Any = pd.DataFrame({one: _FIGURES[one](groups) for one in figures})
    if heads:
        made = made.unstack([_code(name) for name in heads])  # noqa: PD010 - its index is made of axes already
        made.columns = _labelled(made.columns, axes, heads, title)
    else:
        made.columns = made.columns.rename(title)
    made.index = _labelled(made.index, axes, rows)
    counts = [one for one in made.columns if (one[0] if heads else one) in _COUNTS]
    made[counts] = made[counts].fillna(0).astype("int64")
    crossed: pd.DataFrame = made
    return crossed


def _figures(values: str, aggfunc: str | Iterable[str]) -> list[str]:
    """Return the figures that are asked for, then the counts that stand beside them."""
    known([values])
    several = isinstance(aggfunc, Iterable) and not isinstance(aggfunc, str)
    given: list[Any] = list(aggfunc) if several else [aggfunc]
    for name in given or [""]:
        if name not in SUMMARIES:
            raise LogError.of("no_such_summary", found=show(name), known=", ".join(SUMMARIES))
        if name in _MEASURED and KINDS[values] not in NUMBERS:
            raise LogError.of("not_a_number", found=values)
    asked = list(dict.fromkeys(given))
    beside = {one for name in asked for one in _BESIDE[name]}
    return [*asked, *(one for one in _COUNTS if one in beside)]


def _columns(frame: pd.DataFrame, values: str) -> pd.DataFrame:
    """Return what the figures are made of, a row per job."""
    import pandas as pd

    column = frame[values]
    number = KINDS[values] in NUMBERS
    value = column.astype("float64") if number else column.notna().astype("float64").where(column.notna())
    return pd.DataFrame(
        {
            "value": value.where(is_billed(frame)) if values == "cost" else value,
            "usable": frame["usable"].astype("float64"),
            "cost": frame["cost"],
            "failed": frame["state"].isin(list(map(str, NO_RESULT))),
        }
    )


def _code(axis: str) -> str:
    """Return the name of an axis's codes, which is no other column's."""
    return f"axis {axis}"


def _with_totals(
    table: pd.DataFrame, axes: dict[str, Axis], rows: list[str], heads: list[str]
) -> pd.DataFrame:
    """Add every job once more for each total that it is part of; `axes` get the label of the totals."""
    import pandas as pd

    for name, axis in axes.items():
        axes[name] = axis._replace(labels=axis.labels.append(pd.Index([say("pivot_all")])))
    totals = [rows, heads, [*rows, *heads]] if heads else [rows]
    more = [table.assign(**{_code(name): len(axes[name].labels) - 1 for name in some}) for some in totals]
    return pd.concat([table, *more], ignore_index=True)


def _labelled(
    codes: pd.Index[Any], axes: Mapping[str, Axis], names: list[str], title: str | None = None
) -> pd.Index[Any]:
    """Return an index of codes by its labels; `title`: it has the figures' level before them."""
    import pandas as pd

    ahead = 0 if title is None else 1
    levels = [
        axes[name].labels.take(codes.get_level_values(place).to_numpy())
        for place, name in enumerate(names, ahead)
    ]
    if title is not None:
        return pd.MultiIndex.from_arrays([codes.get_level_values(0), *levels], names=[title, *names])
    return pd.MultiIndex.from_arrays(levels, names=names) if len(levels) > 1 else levels[0].rename(names[0])


def _rate_interval(said: pd.Series[float]) -> tuple[float, float]:
    return rate_interval(int(said.sum()), int(said.count()))
