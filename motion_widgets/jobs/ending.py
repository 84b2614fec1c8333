"""What became of a task, written down: the end, its money, its reason; and the trouble on the way there.

A bill settles what was reserved. An end without a result and without a bill is believed to be free only when
`books` proves it (`reference/api.md` section 2 says that failed tasks are refunded; of cancelled ones it
says nothing): else its money stays reserved, and the row shows that the refund is not confirmed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from motion_widgets.endpoint.errors import failure_kind
from motion_widgets.jobs import timing
from motion_widgets.jobs.crew import error_columns
from motion_widgets.log.bills import outside
from motion_widgets.log.states import State
from motion_widgets.log.store import now_us
from motion_widgets.price import to_micro, to_usd
from motion_widgets.texts import say

if TYPE_CHECKING:
    from motion_widgets.endpoint.answers import Task
    from motion_widgets.endpoint.errors import EndpointError
    from motion_widgets.jobs.crew import Crew
    from motion_widgets.log.store import Row

__all__ = ["ended", "troubled", "vanished"]


async def troubled(crew: Crew, row: Row, error: EndpointError) -> None:
    """Write down that a task could not be asked for; an event says since when."""
    if row["error_kind"] is None:
        await crew.db(crew.log.remark, row["id"], say("poll_failed"))
    await crew.db(crew.log.record, row["id"], **error_columns(error))


async def vanished(crew: Crew, job_id: str, note: str, columns: dict[str, Any]) -> Row:
    """Write down that a task is gone, or will never have a result; its money stays reserved."""
    return await crew.db(crew.moved, job_id, State.VANISHED, completed=now_us(), note=note, **columns)


async def ended(crew: Crew, row: Row, task: Task, *, last: bool) -> Row | None:
    """Write down how a task stands, and give the job's row if it ended.

    `last`: a link that is not there by now never comes.
    """
    log, job_id = crew.log, row["id"]
    if task.state == "completed" and not task.links:
        if not last:
            return None
        columns = {"error_kind": "vanished", "error_message": say("no_result_link"), "answer": task.raw}
        facts = {**columns, "server_word": task.word, **_bill(task)}
        return await vanished(crew, job_id, "completed without a link", facts)
    if task.state == "working":
        facts = {"progress": max(row["progress"] or 0, task.progress or 0), "server_word": task.word}
        if task.estimated_time is not None:
            facts["estimated_time"] = task.estimated_time
        if not task.known and row["server_word"] != task.word:
            await crew.db(log.remark, job_id, f"unknown status {task.word!r}; taken as still working")
        if row["state"] == State.SUBMITTED:
            await crew.db(log.move, job_id, State.RUNNING, **facts)
        elif any(row[name] != value for name, value in facts.items()):
            await crew.db(log.record, job_id, **facts)
        return None
    facts = {"completed": now_us(), "server_word": task.word, "answer": task.raw}
    if task.state == "completed":
        expires = task.expires_at or now_us() / 1e6 + timing.LIFE
        end = await crew.db(
            crew.moved, job_id, State.COMPLETED, links=json.dumps(task.links), progress=100,
            expires_at=int(expires * 1e6), note=_outside(row, task), **facts, **_bill(task),
        )  # fmt: skip
        await crew.books.review(row)
        return end
    return await _fell(crew, row, task, facts)


async def _fell(crew: Crew, row: Row, task: Task, facts: dict[str, Any]) -> Row:
    """Write down an end without a result; its money is given back only for a bill, or a refund that shows."""
    bill, note = _bill(task), ""
    if not bill:
        refunded = await crew.books.refunded(row)
        bill = {"cost": 0, "settle": 0} if refunded else {}
        note = say("refund_seen" if refunded else "refund_open")
    end = await crew.db(
        crew.moved, row["id"], State.FAILED if task.state == "failed" else State.CANCELLED,
        note=note, **facts, **bill,
        error_code=task.error_code, error_kind=failure_kind(task.error_message, task.error_code),
        error_message=task.error_message or say("failed_silently"),
    )  # fmt: skip
    if not bill:
        crew.books.expect()
    if task.cost is not None:
        await crew.books.review(row)
    return end


def _outside(row: Row, task: Task) -> str:
    """Give the event's note for a bill outside the estimate; ``""``: it is inside, or not stated."""
    billed = {**row, "state": State.COMPLETED, "cost": _bill(task).get("cost")}
    if not outside(billed):
        return ""
    low, high = (to_usd(row[name] or 0) for name in ("estimate_low", "estimate_high"))
    return say("bill_outside", cost=task.cost, low=low, high=high)


def _bill(task: Task) -> dict[str, Any]:
    """Give what to settle: the billed cost. Empty: the endpoint does not say."""
    if task.cost is None:
        return {}
    return {"cost": to_micro(task.cost), "settle": to_micro(task.cost)}
