"""Taking jobs of another log's frame over into this one, many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from motion_widgets.errors import LogError
from motion_widgets.log.database import now_us
from motion_widgets.log.moves import next_seq
from motion_widgets.log.people import recount
from motion_widgets.log.places import inside
from motion_widgets.log.states import ENDS, State
from motion_widgets.log.tables import events, jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from sqlalchemy import Connection

    from motion_widgets.log.store import Log

__all__ = ["IDENTITY", "put_frame"]

NEEDED = ("id", "state", "endpoint", "account", "sandbox", "key", "repeat", "attempt", "created")
IDENTITY = ("endpoint", "account", "key", "repeat", "attempt")
"""What no two jobs of a log share."""
_TIMES = ("created", "submitted", "completed", "collected")
_PATHS = ("result_path", "image_path", "clip_path")
_BATCH = 2000
"""Rows in one call of the driver."""


def put_frame(log: Log, frame: pd.DataFrame, *, money: Sequence[str]) -> int:
    """Write a frame's jobs down where they are new; `money` names its columns in USD."""
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise LogError.of("import_lacks", names=", ".join(missing))
    names = [
        name for name in frame.columns if name in jobs.c and (name in NEEDED or not frame[name].isna().all())
    ]
    columns = [_column(frame[name], name, money) for name in names]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    with log.write() as connection:
        new = _new(connection, rows)
        seq, at = next_seq(connection), now_us()
        for number, row in enumerate(new):
            row.update(seq=seq + number, reserved=0, idempotency_key=f"motion-{row['id']}")
        for start in range(0, len(new), _BATCH):
            some = new[start : start + _BATCH]
            connection.execute(insert(jobs), some)
            imported = [
                {
                    "job_id": row["id"],
                    "at": at,
                    "from_state": None,
                    "to_state": row["state"],
                    "note": "imported",
                }
                for row in some
            ]
            connection.execute(insert(events), imported)
        recount(connection)
    return len(new)


def _new(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the rows that the log has neither by id nor as the same attempt, each once."""
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


def _column(series: pd.Series[Any], name: str, money: Sequence[str]) -> list[Any]:
    """Give a column of the log for one of the frame; what is not set is None."""
    unset = series.isna()
    if name in NEEDED and unset.any():
        raise LogError.of("import_lacks", names=name)
    if name in _TIMES:
        return _times(series, name)
    kind = jobs.c[name].type.python_type
    values = [None if nothing else value for nothing, value in zip(unset, series.tolist(), strict=True)]
    if name in money:
        values = [None if value is None else _as(float, name, value) * 1_000_000 for value in values]
        return [None if value is None else _as(round, name, value) for value in values]
    made = [None if value is None else _as(kind, name, value) for value in values]
    if name == "state":
        return [_state(str(value)) for value in made]
    if name in _PATHS:
        for value in made:
            if value is not None and not inside(value):
                raise LogError.of("import_path", found=value[:80])
    return made


def _as(kind: Any, name: str, value: Any) -> Any:
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):
        want = getattr(kind, "__name__", str(kind))
        raise LogError.of("import_value", name=name, found=repr(value)[:60], want=want) from None


def _times(series: pd.Series[Any], name: str) -> list[int | None]:
    """Turn times (UTC where they do not say) into unix microseconds."""
    import pandas as pd

    try:
        stamps = pd.to_datetime(series, utc=True, format=None if _is_time(series) else "ISO8601")
    except (TypeError, ValueError, OverflowError):
        raise LogError.of("import_value", name=name, found=repr(series.iloc[0])[:60], want="time") from None
    whole = stamps.astype("datetime64[us, UTC]").astype("int64")
    return [
        None if nothing else int(value) for nothing, value in zip(stamps.isna(), whole.tolist(), strict=True)
    ]


def _is_time(series: pd.Series[Any]) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_datetime64_any_dtype(series.dtype))


def _state(word: str) -> str:
    """Give the state that a job has here; one that was on its way there is unknown."""
    try:
        state = State(word)
    except ValueError:
        raise LogError.of("import_state", found=word[:60]) from None
    return (state if state in ENDS or state is State.PLANNED else State.UNKNOWN).value
