"""Import the jobs of a frame that another log exported, in bulk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.core.money import to_micro
from motion_widgets.log.columns import (
    AXIS,
    COLUMNS,
    HIDDEN,
    KINDS,
    MONEY,
    REAL,
    TEXT,
    TIME,
    TRUTH,
    WANT,
    WHOLE,
)
from motion_widgets.log.engine import now_us
from motion_widgets.log.intake import NOBODY, Bound
from motion_widgets.log.names import is_safe_id, is_safe_path
from motion_widgets.log.rows import IDENTITY
from motion_widgets.log.schema import events, jobs, rule_in
from motion_widgets.log.states import ENDS, State
from motion_widgets.log.transitions import event_note, next_seq
from motion_widgets.request.findings import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from sqlalchemy import Connection

    from motion_widgets.log.store import Log

__all__ = ["insert_frame"]

NEEDED = ("id", "state", "endpoint", "account", "sandbox", "key", "repeat", "attempt", "created")
_COUNTS = ("repeat", "attempt")
_BATCH = 2000
"""Rows in one call of the driver."""


def insert_frame(log: Log, frame: pd.DataFrame) -> int:
    """Insert the jobs of a frame that this log does not have; return how many these are."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame) or not frame.columns.is_unique:
        raise LogError.of("import_no_frame", found=show(frame))
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise LogError.of("import_lacks", names=", ".join(missing))
    Bound(say("import_frame")).take(frame.size, 0)
    names = [
        name for name in frame.columns if name in COLUMNS and (name in NEEDED or not frame[name].isna().all())
    ]
    columns = [_column(frame[name], name) for name in names]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    if HIDDEN in frame.columns:
        hidden = (
            not nothing and _value(_truth, HIDDEN, one)
            for nothing, one in zip(frame[HIDDEN].isna(), frame[HIDDEN].tolist(), strict=True)
        )
        at = now_us()
        for row, one in zip(rows, hidden, strict=True):
            row["deleted"] = at if one else None
    with log.database.write() as connection:
        new = _new(connection, rows)
        seq, at = next_seq(connection), now_us()
        for number, row in enumerate(new):
            row.update(seq=seq + number, reserved=0, person_budget_id=NOBODY)
            row.update(idempotency_key=f"motion-{row['id']}")
        for start in range(0, len(new), _BATCH):
            some = new[start : start + _BATCH]
            connection.execute(insert(jobs), some)
            told = {"at": at, "from_state": None, "note": event_note("event_imported")}
            imported = [{"job_id": row["id"], "to_state": row["state"], **told} for row in some]
            connection.execute(insert(events), imported)
    log.accounts.forget()
    return len(new)


def _new(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows, without duplicates, whose id and whose attempt the log does not have."""
    known = connection.execute(select(jobs.c.id, *(jobs.c[name] for name in IDENTITY))).all()
    ids = {row[0] for row in known}
    same = {tuple(row[1:]) for row in known}
    new = []
    for row in rows:
        identity = tuple(row[name] for name in IDENTITY)
        if row["id"] not in ids and identity not in same:
            ids.add(row["id"])
            same.add(identity)
            new.append(row)
    return new


def _column(series: pd.Series[Any], name: str) -> list[Any]:
    """Return a column of the frame as values of the log; None where it is not set."""
    unset = series.isna()
    if name in NEEDED and unset.any():
        raise LogError.of("import_lacks", names=name)
    kind = COLUMNS[name]
    made: list[Any] = []
    if kind == TIME:
        made += _times(series, name)
    else:
        made += [
            None if nothing else _value(_READ[kind], name, one)
            for nothing, one in zip(unset, series.tolist(), strict=True)
        ]
    if name == "state":
        return [_state(str(one)) for one in made]
    rule = rule_in(jobs.c[name])
    for one in made:
        if name == "id" and not is_safe_id(one):
            raise LogError.of("import_id", found=show(one))
        if name == "result_path" and one is not None and not is_safe_path(one):
            raise LogError.of("import_path", found=show(one))
        if name in _COUNTS and one < 1:
            raise LogError.of("import_value", name=name, found=one, want=say("want_count"))
        if not rule.fits(one):
            raise LogError.of("import_value", name=name, found=show(one), want=say(WANT[kind]))
    return made


def _value(read: Callable[[Any], Any], name: str, value: Any) -> Any:
    try:
        return read(value)
    except (KeyError, TypeError, ValueError, OverflowError):  # UnicodeError is a ValueError
        found = repr(value)[:60].encode("utf-8", "replace").decode()
        raise LogError.of("import_value", name=name, found=found, want=say(WANT[KINDS[name]])) from None


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():  # a number of a column in which something is not set
        value = int(value)
    text = str(value)
    text.encode()  # not every str is text
    return text


def _whole(value: Any) -> int:
    if isinstance(value, str) and (decimals := _WITH_DECIMALS.fullmatch(value)):
        value = decimals[1]
    number = int(value)
    if isinstance(value, float) and value != number:
        raise ValueError
    return _held(number)


_WITH_DECIMALS = re.compile(r"([+-]?\d+)\.0+")
"""A whole number as tools write it that know a column with gaps as one of floats: ``540.0``."""


def _truth(value: Any) -> bool:
    return _TRUTHS[str(value).lower()]


def _usd(value: Any) -> int:
    return _held(to_micro(float(value)))


_TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def _held(number: int) -> int:
    """Return a whole number that a database holds."""
    if abs(number) >= 2**63:
        raise OverflowError
    return number


_READ: Mapping[str, Callable[[Any], Any]] = {
    AXIS: _text, TEXT: _text, WHOLE: _whole, REAL: float, TRUTH: _truth, MONEY: _usd,
}  # fmt: skip


def _times(series: pd.Series[Any], name: str) -> list[int | None]:
    """Turn times (UTC where they do not say) into unix microseconds."""
    import pandas as pd

    try:
        stamps = pd.to_datetime(series, utc=True, format=None if _is_time(series) else "ISO8601")
    except (TypeError, ValueError, OverflowError):
        found = repr(series.iloc[0])[:60]
        raise LogError.of("import_value", name=name, found=found, want=say(WANT[TIME])) from None
    whole = stamps.astype("datetime64[us, UTC]").astype("int64")
    return [
        None if nothing else int(value) for nothing, value in zip(stamps.isna(), whole.tolist(), strict=True)
    ]


def _is_time(series: pd.Series[Any]) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_datetime64_any_dtype(series.dtype))


def _state(word: str) -> str:
    """Return the state that a job has here; one that was on its way there is unknown."""
    try:
        state = State(word)
    except ValueError:
        raise LogError.of("import_state", found=word[:60]) from None
    return (state if state in ENDS or state is State.PLANNED else State.UNKNOWN).value
