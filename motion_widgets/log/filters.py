"""Filters of the log's frames: a mapping of columns to what they hold, or SQLAlchemy conditions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

from sqlalchemy import and_, false, or_, select
from sqlalchemy.sql.elements import ColumnElement

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.core.money import to_micro
from motion_widgets.log.columns import AXIS, COLUMNS, MONEY, REAL, TEXT, TIME, TRUTH, WANT, WHOLE
from motion_widgets.log.schema import jobs, tags
from motion_widgets.log.states import State
from motion_widgets.request.findings import show

__all__ = ["Where", "conditions", "known"]

_TAGS = "tags"
"""What a filter may name that is no column: a job has any number of tags."""
_STATES = tuple(state.value for state in State)
_TELLING = ("clip_name", "clip_sha", "image_name", "image_sha")
"""What tells most jobs apart is asked for first: SQLite looks at the rest only where that holds."""
Where = Mapping[str, Any] | ColumnElement[bool] | Sequence[Any] | None
"""A mapping, a condition, or a list of such, all of which must hold. None: everything.

In a mapping a value is a column's own, None (not set), a list of values, or a pair ``(from, to)``, both
included, either of which may be None. Money is in USD; times are UTC where they do not say. ``"tags"`` is a
tag, a list of tags of which a job has at least one, or None (it has none).
"""


def known(names: Iterable[str]) -> list[str]:
    """Return names, each once, at least one.

    Raises
    ------
    LogError
        One is no column of the frame, or there is none.
    """
    asked = [names] if isinstance(names, str) else list(dict.fromkeys(names))
    if not asked:
        raise LogError.of("no_column", known=", ".join(COLUMNS))
    for name in asked:
        if name not in COLUMNS:
            raise LogError.of("no_such_column", found=name, known=", ".join(COLUMNS))
    return asked


def conditions(where: Where) -> list[ColumnElement[bool]]:
    """Return a filter as conditions on `jobs`, all of which must hold.

    Raises
    ------
    LogError
        A name that is no column, a value that a column cannot hold, or no filter at all.
    """
    if where is None:
        return []
    if isinstance(where, ColumnElement):
        return [where]
    if isinstance(where, Mapping):
        known([name for name in where if name != _TAGS] or ["id"])
        names = sorted(where, key=lambda name: name not in _TELLING)
        return [_condition(name, where[name]) for name in names]
    if isinstance(where, Sequence) and not isinstance(where, str):
        return [one for some in where for one in conditions(some)]
    raise LogError.of("no_such_filter", found=show(where))


def _condition(name: str, value: Any) -> ColumnElement[bool]:
    if name == _TAGS:
        return _tagged(value)
    column = jobs.c[name]
    if isinstance(value, tuple):
        if len(value) != 2:
            raise LogError.of("filter_pair", name=name, count=len(value))
        low, high = (None if one is None else _raw(name, one) for one in value)
        bounds = [column >= low] if low is not None else []
        bounds += [column <= high] if high is not None else []
        return and_(*bounds) if bounds else column.is_not(None)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        several = list(value)
        some = [_raw(name, one) for one in several if one is not None]
        return or_(column.in_(some) if some else false(), *([column.is_(None)] if None in several else []))
    return column.is_(None) if value is None else column == _raw(name, value)


def _tagged(value: Any) -> ColumnElement[bool]:
    if value is None:
        return jobs.c.id.not_in(select(tags.c.job_id))
    several = list(value) if isinstance(value, Iterable) and not isinstance(value, str | tuple) else [value]
    for one in several:
        if not isinstance(one, str):
            raise LogError.of("filter_tags", found=show(one))
    return jobs.c.id.in_(select(tags.c.job_id).where(tags.c.tag.in_(several)))


def _raw(name: str, value: Any) -> Any:
    """Return a value as the database holds it."""
    kind = COLUMNS[name]
    truth = type(value).__name__ in ("bool", "bool_")  # NumPy's own, old and new, included
    if name == "state" and value not in _STATES:  # a misspelt one would be no job's, without a word
        raise LogError.of("filter_value", name=name, found=show(value), want=", ".join(_STATES))
    if kind in (AXIS, TEXT) and isinstance(value, str):
        return str(value)
    if kind == TRUTH and truth:
        return bool(value)
    if kind == TIME and not isinstance(value, Real):
        made = _micros(value)
        if made is not None:
            return made
    number = float(value) if isinstance(value, Real) and not truth else math.nan
    if abs(number) < 2**53:  # which no NaN is
        if kind == MONEY:
            return to_micro(number)
        if kind == REAL or (kind == WHOLE and number.is_integer()):
            return number if kind == REAL else int(number)
    raise LogError.of("filter_value", name=name, found=show(value), want=say(WANT[kind]))


def _micros(value: Any) -> int | None:
    """Turn a time into unix microseconds. None: it is none."""
    import pandas as pd

    try:
        stamp = pd.Timestamp(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not isinstance(stamp, pd.Timestamp):  # NaT
        return None
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp
    return int(stamp.as_unit("us").asm8.astype("int64"))
