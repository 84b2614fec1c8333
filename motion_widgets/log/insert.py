"""Writing planned jobs down, one or thousands, or finding those that already stand for the same content."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, update

from motion_widgets.log.engine import batches, now_us
from motion_widgets.log.leases import is_leased
from motion_widgets.log.names import current_person, new_id
from motion_widgets.log.rows import JobRow
from motion_widgets.log.schema import events, job_rows, jobs
from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.log.transitions import next_seq
from motion_widgets.request.fields import WIRE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ASKED", "Values", "agreed_columns", "insert_attempt", "insert_jobs"]

Values = Mapping[str, Any]
"""What is written, by column."""

_CONTENT = ("endpoint", "account", "key")
_COLUMNS = tuple(jobs.c.keys())
ASKED = (
    *WIRE_FIELDS, "image_name", "image_sha", "image_path", "clip_name", "clip_sha", "clip_path",
    "clip_length", "clip_moviepy_length", "clip_width", "clip_height", "clip_fps", "clip_size",
    "clip_has_audio", "image_width", "image_height", "image_size", "image_format",
    "estimate_low", "estimate_high", "prices_date", "toolkit_version",
)  # fmt: skip
"""What a person agrees to have sent, and at which price."""


def insert_jobs(connection: Connection, wanted: Sequence[Values], *, new: bool) -> list[tuple[JobRow, bool]]:
    """Write planned jobs, or find those that already stand for the same content.

    A planned one that nobody drives is taken over: what is sent, its price, the budget that pays for it and
    its person are those agreed to now, whatever the row said. Each is compared with those before it, as if
    written one by one.

    Parameters
    ----------
    wanted
        Columns of jobs, among them ``endpoint``, ``account`` and ``key``; with ``repeat``, that very repeat.
    new
        Pay for a further repeat even where the same content exists.

    Returns
    -------
    list of (row, added)
        `added` is False when an earlier job answers for this content. Ids of new ones sort by their order.
    """
    earlier = _earlier(connection, wanted)
    seq = itertools.count(next_seq(connection))
    fresh: list[JobRow] = []
    agreed: dict[str, dict[str, Any]] = {}
    given: list[tuple[JobRow, bool]] = []
    for values in wanted:
        rows = earlier.setdefault(tuple(values[name] for name in _CONTENT), [])
        answer, place = _answer(rows, values, new=new)
        if answer is None:
            row = _planned(new_id("job"), next(seq), {**values, **place})
            fresh.append(row)
            given.append((row, True))
            rows.append(row)
        else:
            if answer.state == State.PLANNED and not is_leased(answer):
                change = {**agreed_columns(values), "budget_id": values.get("budget_id"), "seq": next(seq)}
                if values.get("sweep_id") is not None:
                    change["sweep_id"] = values["sweep_id"]
                agreed.setdefault(answer.id, {}).update(change)
            given.append((answer, False))
    _put(connection, fresh)
    for job_id, change in agreed.items():
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(change))
    return [(replace(row, **agreed.get(row.id, {})), added) for row, added in given]


def agreed_columns(values: Values) -> dict[str, Any]:
    """Return how a planned job changes that a person has sent: nothing of what it asked for before stays."""
    return {**{name: values.get(name) for name in ASKED}, "body": None, "created_by": current_person()}


def insert_attempt(connection: Connection, values: Values) -> JobRow:
    """Write a planned job that is the next attempt at some content."""
    row = _planned(new_id("job"), next_seq(connection), values)
    _put(connection, [row])
    return row


def _put(connection: Connection, rows: Sequence[JobRow]) -> None:
    """Insert jobs, each with its first event."""
    if not rows:
        return
    at = now_us()
    connection.execute(insert(jobs), [{name: getattr(row, name) for name in _COLUMNS} for row in rows])
    connection.execute(
        insert(events),
        [{"job_id": row.id, "at": at, "from_state": None, "to_state": row.state, "note": ""} for row in rows],
    )


def _earlier(connection: Connection, wanted: Sequence[Values]) -> dict[tuple[Any, ...], list[JobRow]]:
    """Return the jobs that are there, by content."""
    found: dict[tuple[Any, ...], list[JobRow]] = {}
    keys: dict[tuple[str, str], list[str]] = {}
    for row in wanted:
        keys.setdefault((row["endpoint"], row["account"]), []).append(row["key"])
    for (endpoint, account), several in keys.items():
        mine = job_rows.where(jobs.c.endpoint == endpoint, jobs.c.account == account)
        for some in batches(several):
            for job in JobRow.read_all(connection.execute(mine.where(jobs.c.key.in_(some)))):
                found.setdefault((job.endpoint, job.account, job.key), []).append(job)
    return found


def _answer(rows: list[JobRow], values: Values, *, new: bool) -> tuple[JobRow | None, dict[str, int]]:
    """Return the job that answers for some content; or None, and which repeat and attempt to write."""
    repeat = None if new else values.get("repeat")
    mine = [row for row in rows if repeat in (None, row.repeat)]
    if not mine:
        return None, {"repeat": repeat or 1, "attempt": 1}
    mine.sort(key=lambda row: (row.repeat, row.attempt), reverse=True)
    last = mine[0]
    if new:
        return None, {"repeat": last.repeat + 1, "attempt": 1}
    answer = next((row for row in mine if row.state not in RETRYABLE), None)
    return answer, {"repeat": last.repeat, "attempt": last.attempt + 1}


def _planned(job_id: str, seq: int, values: Values) -> JobRow:
    unset: dict[str, Any] = dict.fromkeys(_COLUMNS)
    return JobRow(
        **{
            **unset, "id": job_id, "seq": seq, "state": State.PLANNED.value, "created": now_us(),
            "created_by": current_person(), "reserved": 0, "idempotency_key": f"motion-{job_id}", **values,
        }
    )  # fmt: skip
