"""Filters of the log's frames: a mapping of columns to what they hold, or SQLAlchemy conditions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from numbers import Real
from typing import Any

from sqlalchemy import and_, false, or_, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.visitors import iterate

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.core.moments import moment
from motion_widgets.core.money import to_micro
from motion_widgets.core.texts import is_text, spellings
from motion_widgets.log.columns import AXIS, COLUMNS, KINDS, MONEY, REAL, TEXT, TIME, TRUTH, WANT, WHOLE
from motion_widgets.log.schema import jobs, tags
from motion_widgets.log.states import State
from motion_widgets.log.sweep_cells import attempts_at
from motion_widgets.request.findings import show

__all__ = ["Range", "Where", "between", "conditions", "known", "mentions"]

_TAGS = "tags"
"""What a filter may name besides columns: a job has any number of tags."""
_STATES = tuple(state.value for state in State)
_TELLING = ("clip_name", "clip_sha", "image_name", "image_sha")
"""Columns that exclude most jobs come first: SQLite checks the other conditions only where these hold."""
Attached = Callable[[str], list[str] | None]
Where = Mapping[str, Any] | ColumnElement[bool] | Sequence[Any] | None
"""A mapping, a condition, or a list of such, all of which must hold. None: everything.

In a mapping a value is a column's own, None (not set; so are NaN, NA and NaT), several values (a list, a set,
a series; of texts a tuple too), or a range that `between` makes. Money is in USD. A time in text is UTC, as
frames show it, unless it names a zone; a `date` or `datetime` of Python without a zone is in this machine's.
A date, also in text, is its whole day. A ``"sweep_id"`` is all attempts at the cells of that sweep, also
those of another sweep or a single job. ``"tags"`` is a tag, several tags of which a job has at least one, or
None (it has none).
"""


@dataclass(frozen=True)
class Range:
    """What a column of numbers or times, or of texts by their signs, may hold."""

    low: Any
    high: Any


def between(low: Any = None, high: Any = None) -> Range:
    """Return a range for a filter of the log, both ends included. None: no bound at that end.

    >>> ws.log.frame({"id": job.id, "cost": mw.between(0.10, 0.50)})["mode"].tolist()
    ['std']
    """
    return Range(low, high)


def known(names: str | Iterable[str] | None, *, least: int = 1, among: Iterable[str] = KINDS) -> list[str]:
    """Return the names without duplicates, those of a set sorted.

    Raises
    ------
    LogError
        A name is none of the columns that there are (`among`), or fewer than `least` were given.
    """
    given: Any = sorted(names, key=str) if isinstance(names, AbstractSet) else names
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    asked: list[Any] = list(given) if several else [] if given is None else [given]
    if len(asked) < least:
        raise LogError.of("no_column", known=", ".join(among))
    for name in asked:
        if not isinstance(name, str) or name not in among:
            raise LogError.of("no_such_column", found=show(name), known=", ".join(among))
    return list(dict.fromkeys(asked))


def conditions(where: Where, attached: Attached = lambda _: None) -> list[ColumnElement[bool]]:
    """Return a filter as conditions on `jobs`, all of which must hold.

    Parameters
    ----------
    where
        The filter.
    attached
        `Sweeps.attached`: a sweep has the cells that others ran before it as well.

    Raises
    ------
    LogError
        `where` is not a filter, or names no column, or holds a value that its column cannot hold.
    """
    if where is None:
        return []
    if isinstance(where, ColumnElement):
        return [where]
    if isinstance(where, Mapping):
        known([name for name in where if name != _TAGS], least=0, among=COLUMNS)
        names = sorted(where, key=lambda name: name not in _TELLING)
        return [_condition(name, where[name], attached) for name in names]
    if isinstance(where, Sequence) and not isinstance(where, str):
        return [one for some in where for one in conditions(some, attached)]
    raise LogError.of("no_such_filter", found=show(where))


def mentions(where: Where, names: Sequence[str]) -> bool:
    """Return whether a filter says something of one of these columns."""
    if isinstance(where, Mapping):
        return not where.keys().isdisjoint(names)
    if isinstance(where, ColumnElement):
        return any(jobs.c[name] is one for one in iterate(where) for name in names)
    return any(mentions(one, names) for one in where or ())


def _condition(name: str, value: Any, attached: Attached) -> ColumnElement[bool]:
    if name == _TAGS:
        return _tagged(value)
    column = jobs.c[name]
    if isinstance(value, Range):
        low, high = (None if _is_unset(one) else _ends(name, one) for one in (value.low, value.high))
        bounds = [column >= low[0]] if low else []
        bounds += [column <= high[1]] if high else []
        return and_(*bounds) if bounds else column.is_not(None)
    if isinstance(value, tuple) and COLUMNS[name] not in (AXIS, TEXT):
        raise LogError.of("filter_pair", name=name, found=show(value))
    several = list(value) if _is_several(value) else [value]
    if name == "sweep_id":
        runs = {one: attached(one) for one in several if isinstance(one, str)}
        cells = [attempts_at(one, others) for one, others in runs.items() if others is not None]
        rest = [one for one in several if runs.get(one) is None]
        return or_(*cells, *([_holds(name, rest)] if rest else [])) if cells else _holds(name, several)
    return _holds(name, several)


def _holds(name: str, several: list[Any]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of some values."""
    column = jobs.c[name]
    ends = [pair for one in several if not _is_unset(one) for pair in _meant(name, one)]
    some = [low for low, high in ends if low == high]
    fits = [column.in_(some)] if len(some) > 1 else [column == one for one in some]
    fits += [column.between(low, high) for low, high in ends if low != high]
    fits += [column.is_(None)] if len(ends) < len(several) else []
    return or_(*fits) if fits else false()


def _is_several(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _is_unset(value: Any) -> bool:
    """Return whether a value says that nothing is there: None, or NaN, NA or NaT."""
    import pandas as pd

    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _tagged(value: Any) -> ColumnElement[bool]:
    if _is_unset(value):
        return jobs.c.id.not_in(select(tags.c.job_id))
    several = list(value) if _is_several(value) else [value]
    for one in several:
        if not is_text(one):
            raise LogError.of("filter_tags", found=show(one))
    forms = [form for one in several for form in spellings(one)]
    return jobs.c.id.in_(select(tags.c.job_id).where(tags.c.tag.in_(forms)))


def _meant(name: str, value: Any) -> list[tuple[Any, Any]]:
    """Return what a value means, as the database may hold it: the first and the last of each."""
    ends = _ends(name, value)
    return [(form, form) for form in spellings(ends[0])] if isinstance(ends[0], str) else [ends]


def _ends(name: str, value: Any) -> tuple[Any, Any]:
    """Return the first and the last that a value means, as the database holds it: of a day its ends."""
    found = _day(value) if COLUMNS[name] == TIME else None
    if found is None:
        one = _raw(name, value)
        return one, one
    first, after = (_raw(name, one) for one in found)
    return first, after - 1


def _day(value: Any) -> tuple[datetime, datetime] | None:
    """Return the beginnings of a day and of the next one; a text's day is UTC. None: it is no date."""
    zone: tzinfo | None = None
    if isinstance(value, str):
        zone = UTC
        try:
            value = date.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, date) or isinstance(value, datetime):
        return None
    try:
        ends = [datetime.combine(one, time.min, zone) for one in (value, value + timedelta(days=1))]
        return moment(ends[0]), moment(ends[1])
    except (OverflowError, ValueError):  # the calendar's last day
        return None


def _raw(name: str, value: Any) -> Any:
    """Return a value as the database holds it."""
    kind = COLUMNS[name]
    truth = type(value).__name__ in ("bool", "bool_")  # NumPy's own, old and new, included
    if name == "state" and value not in _STATES:  # a misspelt one would silently match nothing
        raise LogError.of("filter_value", name=name, found=show(value), want=", ".join(_STATES))
    if kind in (AXIS, TEXT) and is_text(value):
        return str(value)
    if kind == TRUTH and truth:
        return bool(value)
    if kind == TIME and not isinstance(value, Real):
        made = _micros(value)
        if made is not None:
            return made
    number = math.nan
    if isinstance(value, Real) and not truth:
        with suppress(OverflowError):  # a whole number of hundreds of digits
            number = float(value)
    if abs(number) < 2**53:  # false for NaN
        if kind == MONEY:
            return to_micro(number)
        if kind == REAL or (kind == WHOLE and number.is_integer()):
            return number if kind == REAL else int(number)
    raise LogError.of("filter_value", name=name, found=show(value), want=say(WANT[kind]))


def _micros(value: Any) -> int | None:
    """Return a time in unix microseconds. None: it is not a time."""
    import pandas as pd

    try:
        ours = isinstance(value, date) and not isinstance(value, pd.Timestamp)
        stamp = pd.Timestamp(moment(value) if ours else value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not isinstance(stamp, pd.Timestamp):  # NaT
        return None
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp
    return int(stamp.as_unit("us").asm8.astype("int64"))
