"""Taking jobs of another log over into this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select

from motion_widgets.errors import LogError
from motion_widgets.log.moves import next_seq, put_event
from motion_widgets.log.states import ENDS, State
from motion_widgets.log.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from motion_widgets.log.store import Log

__all__ = ["put_frame"]

NEEDED = ("id", "state", "endpoint", "account", "sandbox", "key", "repeat", "attempt", "created")
_IDENTITY = ("endpoint", "account", "key", "repeat", "attempt")
_TIMES = ("created", "submitted", "completed", "collected")


def put_frame(log: Log, frame: pd.DataFrame, *, money: Sequence[str]) -> int:
    """Write a frame's jobs down where they are new; `money` names its columns in USD."""
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise LogError.of("import_lacks", names=", ".join(missing))
    added = 0
    with log.write() as connection:
        for raw in frame.to_dict("records"):
            values = _values(raw, money)
            same = [jobs.c[name] == values[name] for name in _IDENTITY]
            known = or_(jobs.c.id == values["id"], *[same[0] & same[1] & same[2] & same[3] & same[4]])
            if connection.execute(select(jobs.c.id).where(known)).first():
                continue
            connection.execute(insert(jobs).values(seq=next_seq(connection), **values))
            put_event(connection, values["id"], None, State(values["state"]), "imported")
            added += 1
    return added


def _values(raw: dict[Any, Any], money: Sequence[str]) -> dict[str, Any]:
    """Give the log's columns for one row of a frame."""
    import pandas as pd

    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in jobs.c or pd.isna(value):
            continue
        if name in money:
            values[name] = round(float(value) * 1_000_000)
        elif name in _TIMES:
            stamp = pd.Timestamp(value)
            stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp
            values[name] = (stamp - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(microseconds=1)
        else:
            values[name] = jobs.c[name].type.python_type(value)
    lacking = [name for name in NEEDED if name not in values]
    if lacking:
        raise LogError.of("import_lacks", names=", ".join(lacking))
    try:
        state = State(str(values["state"]))
    except ValueError:
        raise LogError.of("import_state", found=str(values["state"])[:60]) from None
    kept = state if state in ENDS or state is State.PLANNED else State.UNKNOWN
    return {**values, "state": kept.value, "reserved": 0, "idempotency_key": f"motion-{values['id']}"}
