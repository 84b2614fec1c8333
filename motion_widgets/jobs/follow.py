"""From a task id to the end of the task. Asking costs nothing, so it goes on for as long as it takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from motion_widgets.endpoint.errors import (
    AuthError,
    EndpointError,
    NotFoundError,
    RedirectError,
    failure_kind,
)
from motion_widgets.jobs import timing
from motion_widgets.jobs.crew import error_columns
from motion_widgets.jobs.forecast import Course
from motion_widgets.jobs.lanes import Lane
from motion_widgets.log.states import State
from motion_widgets.log.store import now_us
from motion_widgets.price import to_micro
from motion_widgets.texts import say

if TYPE_CHECKING:
    from motion_widgets.endpoint.answers import Task
    from motion_widgets.jobs.crew import Crew
    from motion_widgets.log.store import Row

__all__ = ["follow"]


async def follow(crew: Crew, job_id: str) -> None:
    """Ask how a job's task stands until it ends, and write down how.

    Or until somebody else follows it, or the endpoint says that nobody may ask (`Crew.halt`).
    """
    row = await crew.mine(job_id)
    if row is None:
        return
    following = _Following(crew, row)
    while True:
        due = await following.wait()
        row = await crew.mine(job_id)
        if row is None or row["state"] not in (State.SUBMITTED, State.RUNNING):
            return
        if crew.halted is not None:
            await crew.db(crew.log.record, job_id, **error_columns(crew.halted))
            return
        if await following.ask(row, due):
            return


class _Following:
    """One task that is asked for, and how that went so far."""

    def __init__(self, crew: Crew, row: Row) -> None:
        self.crew = crew
        self.job_id = row["id"]
        self.course = Course(crew.forecast, row)
        self.again: float | None = None
        """When to ask after trouble (unix s). None: when the course says."""
        self.unknown = self.linkless = self.failures = 0

    async def wait(self) -> float:
        """Wait until the task is to be asked for; give when that was due (unix s)."""
        crew = self.crew
        while True:
            due = self.again
            if due is None:
                due = self.course.due(watched=crew.watches(self.job_id), eager=crew.pace.crowded)
            gap = crew.halted is None and await crew.clock.until(due, self.job_id)
            if gap or crew.halted is not None or due <= timing.now():
                return due

    async def ask(self, row: Row, due: float) -> bool:
        """Ask once, and write down what came of it. True: the task ended."""
        crew = self.crew
        try:
            async with crew.call(Lane.POLL, due) as client:
                if crew.halted is not None:
                    return False
                task = await client.task(row["task_id"])
        except NotFoundError as error:
            return await self._missing(error)
        except (AuthError, RedirectError) as error:
            crew.halt(error)
            return False
        except EndpointError as error:
            await self._failed(error)
            return False
        return await self._answered(row, task)

    async def _missing(self, error: NotFoundError) -> bool:
        self.crew.gate.answered()
        self.unknown += 1
        self.again = timing.now() + timing.growing(self.unknown)
        if self.unknown >= timing.GONE:
            await _vanished(self.crew, self.job_id, "the task is unknown", error_columns(error))
        return self.unknown >= timing.GONE

    async def _failed(self, error: EndpointError) -> None:
        crew = self.crew
        self.failures += 1
        self.again = timing.now() + timing.backoff(self.failures)
        crew.gate.failed()
        if error.retry_after is not None:
            crew.pause(error.retry_after)
            self.again = timing.now()  # the pause holds it back
        await crew.db(crew.log.record, self.job_id, **error_columns(error))

    async def _answered(self, row: Row, task: Task) -> bool:
        crew = self.crew
        crew.gate.answered()
        self.course.asked(task)
        if row["error_message"] is not None:
            await crew.db(crew.log.record, self.job_id, error_kind=None, error_code=None, error_message=None)
        self.unknown = self.failures = 0
        self.linkless += task.state == "completed" and not task.links
        self.again = timing.now() + timing.growing(self.linkless) if self.linkless else None
        ended = await _ended(crew, row, task, last=self.linkless >= timing.TRIES)
        if ended and task.state == "completed":
            self.course.ended(task)
        return ended


async def _vanished(crew: Crew, job_id: str, note: str, columns: dict[str, Any]) -> None:
    await crew.db(crew.log.move, job_id, State.VANISHED, completed=now_us(), note=note, **columns)


async def _ended(crew: Crew, row: Row, task: Task, *, last: bool) -> bool:
    """Write down how a task stands; `last`: a link that is not there by now never comes. True: it ended."""
    log, job_id = crew.log, row["id"]
    if task.state == "completed" and not task.links:
        if last:
            columns = {"error_kind": "vanished", "error_message": say("no_result_link"), "answer": task.raw}
            facts = {**columns, "server_word": task.word, **_bill(task)}
            await _vanished(crew, job_id, "completed without a link", facts)
        return last
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
        return False
    ended = {"completed": now_us(), "server_word": task.word, "answer": task.raw}
    if task.state == "completed":
        expires = task.expires_at or now_us() / 1e6 + timing.LIFE
        await crew.db(
            log.move, job_id, State.COMPLETED, links=json.dumps(task.links), progress=100,
            expires_at=int(expires * 1e6), **ended, **_bill(task),
        )  # fmt: skip
        return True
    # Failed tasks are refunded (`reference/api.md` section 2). Of cancelled ones that is not said, so
    # without a bill their money stays reserved.
    failed = task.state == "failed"
    bill = _bill(task) or ({"settle": 0} if failed else {})
    await crew.db(
        log.move, job_id, State.FAILED if failed else State.CANCELLED, **ended, **bill,
        error_code=task.error_code, error_kind=failure_kind(task.error_message, task.error_code),
        error_message=task.error_message or say("failed_silently"),
    )  # fmt: skip
    return True


def _bill(task: Task) -> dict[str, Any]:
    """Give what to settle: the billed cost. Empty: the endpoint does not say."""
    if task.cost is None:
        return {}
    return {"cost": to_micro(task.cost), "settle": to_micro(task.cost)}
