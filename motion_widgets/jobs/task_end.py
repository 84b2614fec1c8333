"""What became of a task, written down: the end, its money, its reason; and the trouble on the way there.

A bill settles what was reserved. An end without a result and without a bill is believed to be free only when
`books` proves it (`endpoint/API.md` section 2 says that failed tasks are refunded; of cancelled ones it
says nothing): else its money stays reserved, and the row shows that the refund is not confirmed.

All is written only while the job is this process's to follow (`Crew.mine`): else TakenError is raised.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from motion_widgets.core.messages import say
from motion_widgets.endpoint.errors import failure_kind
from motion_widgets.jobs.context import TakenError, error_columns
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.billing import outside
from motion_widgets.log.engine import now_us
from motion_widgets.log.event_notes import event_note
from motion_widgets.log.states import State
from motion_widgets.request.price import to_micro, to_usd

if TYPE_CHECKING:
    from motion_widgets.endpoint.errors import EndpointError
    from motion_widgets.endpoint.responses import Task
    from motion_widgets.jobs.context import Crew
    from motion_widgets.log.rows import JobRow

__all__ = ["ended", "halted", "troubled", "vanished"]

_FINE: dict[str, Any] = dict.fromkeys(("error_kind", "error_code", "error_message"))
"""No trouble, once a task was asked for with success."""


async def halted(crew: Crew, job_id: str, error: EndpointError) -> None:
    """Write down why a task is not asked for any more until a person acts."""
    await crew.db(_record, crew, job_id, error_columns(error))


async def troubled(crew: Crew, job_id: str, error: EndpointError) -> None:
    """Write down that a task could not be asked for; an event says since when."""
    await crew.db(_trouble, crew, job_id, error)


async def vanished(crew: Crew, job_id: str, note: str, columns: dict[str, Any]) -> JobRow:
    """Write down that a task is gone, or will never have a result; its money stays reserved."""
    return await crew.db(_end, crew, job_id, State.VANISHED, note=note, **columns)


async def ended(crew: Crew, job_id: str, task: Task, *, last: bool) -> JobRow | None:
    """Write down how a task stands, and give the job's row if it ended.

    `last`: a link that is not there by now never comes.
    """
    if task.state in ("failed", "cancelled"):
        return await _fell(crew, job_id, task)
    end = await crew.db(_stands, crew, job_id, task, last=last)
    if end is not None:
        await crew.books.review(end)
    return end


async def _fell(crew: Crew, job_id: str, task: Task) -> JobRow:
    """Write down an end without a result; its money is given back only for a bill, or a refund that shows."""
    row = await crew.db(crew.mine, job_id)
    bill, note = _bill(task), ""
    if not bill:
        refunded = await crew.books.refunded(row)
        bill = {"cost": 0, "settle": 0} if refunded else {}
        note = event_note("event_refund_seen" if refunded else "event_refund_open")
    end = await crew.db(
        _end, crew, job_id, State.FAILED if task.state == "failed" else State.CANCELLED,
        note=note, server_word=task.word, answer=task.raw, **bill,
        error_code=task.error_code, error_kind=failure_kind(task.error_message, task.error_code),
        error_message=task.error_message or say("failed_silently"),
    )  # fmt: skip
    if not bill:
        crew.books.expect()
    if task.cost is not None:
        await crew.books.review(row)
    return end


# On the log's thread, each in one call.


def _end(crew: Crew, job_id: str, to: State, **facts: Any) -> JobRow:
    """Move a job to an end of its task, if it is still this process's; the log's own guard says so."""
    if not crew.log.transitions.move(job_id, to, owner=crew.owner, completed=now_us(), **facts):
        raise TakenError
    return crew.log.jobs.get(job_id)


def _record(crew: Crew, job_id: str, facts: dict[str, Any]) -> None:
    _update(crew, crew.mine(job_id), facts)


def _update(crew: Crew, row: JobRow, facts: dict[str, Any]) -> None:
    if any(getattr(row, name) != value for name, value in facts.items()):
        crew.log.transitions.record(row.id, **facts)


def _trouble(crew: Crew, job_id: str, error: EndpointError) -> None:
    if crew.mine(job_id).error_kind is None:
        crew.log.transitions.remark(job_id, event_note("event_poll_failed"))
    crew.log.transitions.record(job_id, **error_columns(error))


def _stands(crew: Crew, job_id: str, task: Task, *, last: bool) -> JobRow | None:
    """Write down how a task stands that did not fail; give the job's row if it ended."""
    row = crew.mine(job_id)
    if task.state == "working":
        _works(crew, row, task)
        return None
    facts = {**_FINE, "server_word": task.word, "answer": task.raw, **_bill(task)}
    if task.links:
        expires = task.expires_at or now_us() / 1e6 + timing.LIFE
        return _end(
            crew, job_id, State.COMPLETED, links=json.dumps(task.links), progress=100,
            expires_at=int(expires * 1e6), note=_outside(row, task), **facts,
        )  # fmt: skip
    if last:
        facts |= {"error_kind": "vanished", "error_message": say("no_result_link")}
        return _end(crew, job_id, State.VANISHED, note=event_note("event_no_link"), **facts)
    _update(crew, row, _FINE)
    return None


def _works(crew: Crew, row: JobRow, task: Task) -> None:
    log, job_id = crew.log, row.id
    facts = {**_FINE, "progress": max(row.progress or 0, task.progress or 0), "server_word": task.word}
    if task.estimated_time is not None:
        facts["estimated_time"] = task.estimated_time
    if not task.known and row.server_word != task.word:
        log.transitions.remark(job_id, event_note("event_status_unknown", word=repr(task.word)))
    if row.state == State.SUBMITTED:
        log.transitions.move(job_id, State.RUNNING, owner=crew.owner, **facts)
    else:
        _update(crew, row, facts)


def _outside(row: JobRow, task: Task) -> str:
    """Return the event's note for a bill outside the estimate; ``""``: it is inside, or not stated."""
    billed = replace(row, state=State.COMPLETED, cost=_bill(task).get("cost"))
    if not outside(billed):
        return ""
    low, high = to_usd(row.estimate_low or 0), to_usd(row.estimate_high or 0)
    return event_note("event_bill_outside", cost=task.cost, low=low, high=high)


def _bill(task: Task) -> dict[str, Any]:
    """Return what to settle: the billed cost. Empty: the endpoint does not say."""
    if task.cost is None:
        return {}
    return {"cost": to_micro(task.cost), "settle": to_micro(task.cost)}
