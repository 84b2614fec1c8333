"""From a task id to the end of the task. Polling costs nothing, so it goes on for as long as it takes.

A task is polled when its schedule says so, at once after the machine slept, and more often while somebody
watches it. Each answer is written down only if the job is still this process's to follow: another one may
have taken it over, or a person may have ended it, while the endpoint was being asked.

The end comes with its money. A bill settles what was reserved. An end without a result and without a bill is
believed to be free only when the balance proves it (`RefundCheck`; `endpoint/API.md` section 2 says that
failed tasks are refunded, and nothing of cancelled ones); until then its money stays reserved.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from motion_widgets.core.messages import say
from motion_widgets.core.money import ZERO, to_micro, to_usd
from motion_widgets.endpoint.errors import (
    AuthError,
    EndpointError,
    NotFoundError,
    RedirectError,
    failure_kind,
)
from motion_widgets.jobs.context import error_columns
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Priority
from motion_widgets.jobs.scheduling.poll_schedule import TaskSchedule
from motion_widgets.log.billing import outside
from motion_widgets.log.engine import now_us
from motion_widgets.log.states import State
from motion_widgets.log.transitions import NO_ERROR, event_note

if TYPE_CHECKING:
    from motion_widgets.endpoint.responses import Task
    from motion_widgets.jobs.context import Context
    from motion_widgets.log.rows import JobRow

__all__ = ["poll"]


class _NotOursError(Exception):
    """The job is not this process's to follow any more: another one took it over, or it has ended."""


async def poll(ctx: Context, row: JobRow) -> JobRow | None:
    """Poll a job's task until it ends, and write down how.

    Parameters
    ----------
    ctx
        The collaborators.
    row
        The job, whose lease this process holds.

    Returns
    -------
    JobRow | None
        The job once its task has ended. None: another process follows it, it was ended meanwhile, or all
        calls are stopped until a person acts.
    """
    polls = _Polls(ctx, row)
    try:
        while True:
            due = await polls.wait()
            stopped = ctx.breaker.calls_stopped
            if stopped is not None:
                await ctx.db(polls.record, error_columns(stopped))
                return None
            ended = await polls.ask(due)
            if ended is not None:
                return ended
    except _NotOursError:
        return None


class _Polls:
    """The polls of one task, and how they went so far.

    What is called through `Context.db` runs on a thread of the log's and raises _NotOursError, writing
    nothing, where the job is not this process's any more.
    """

    def __init__(self, ctx: Context, row: JobRow) -> None:
        self.ctx = ctx
        self.log = ctx.log
        self.job_id, self.task_id = row.id, row.task_id or ""
        self.schedule = TaskSchedule(ctx.durations, row)
        self.retry_at: float | None = None
        """When to ask after trouble (unix s). None: when the schedule says."""
        self.missing = self.linkless = self.failures = 0
        submitted = (row.submitted or now_us()) / 1e6
        self.expires = row.expires_at / 1e6 if row.expires_at else submitted + timing.LIFE
        """When a result would have expired; until then it is asked for, as that is free."""
        self.now = 0.0
        """When the endpoint last answered. Both are by its clock (unix s): this machine's may be set anew."""

    @property
    def outlived(self) -> bool:
        """Whether a result would have expired."""
        return self.now > self.expires

    async def wait(self) -> float:
        """Wait until the next poll is due; return when that was (unix s)."""
        ctx = self.ctx
        while True:
            due = self.retry_at
            if due is None:
                watched = ctx.clock.watched(self.job_id)
                due = self.schedule.due(watched=watched, eager=ctx.limiter.crowded)
            if ctx.breaker.calls_stopped is not None:
                return due
            gap = await ctx.clock.sleep_until(due, self.job_id)
            if gap or ctx.breaker.calls_stopped is not None or due <= timing.now():
                return due

    async def ask(self, due: float) -> JobRow | None:
        """Poll once and write down the answer; return the job's row if the task has ended."""
        ctx = self.ctx
        try:
            async with ctx.gate.slot(Priority.POLL, due):
                client = await ctx.client.get()
                if ctx.breaker.calls_stopped is not None:
                    return None
                try:
                    task = await client.task(self.task_id)
                finally:
                    self.now = client.now()
        except NotFoundError as error:
            return await self._not_found(error)
        except EndpointError as error:
            if error.lasting:
                ctx.stop_calls(error)
                return None
            refused = isinstance(error, AuthError | RedirectError)
            if not refused or not await ctx.poll_refused(self.job_id, error):
                await self._failed(error)
            return None
        return await self._answered(task)

    async def _not_found(self, error: NotFoundError) -> JobRow | None:
        self.ctx.gate.poll_answered()
        self.missing += 1
        self.retry_at = timing.now() + timing.missing_wait(self.missing)
        if self.missing < timing.GONE:
            await self.ctx.db(self._row)
            return None
        self.ctx.limiter.task_ended(self.job_id)  # what is not there takes no place of one's own jobs
        if not self.outlived:
            await self.ctx.db(self._record_failure, error)
            return None
        note = event_note("event_task_unknown")
        return await self.ctx.db(self._end, State.VANISHED, note=note, **error_columns(error))

    async def _failed(self, error: EndpointError) -> None:
        ctx = self.ctx
        self.failures += 1
        self.retry_at = timing.now() + timing.backoff(self.failures)
        if error.retry_after is None:
            ctx.gate.poll_failed()
        else:
            ctx.gate.poll_refused(error.retry_after)
            ctx.limiter.pause(error.retry_after)
            self.retry_at = timing.now()  # the pause holds it back
        await ctx.db(self._record_failure, error)

    async def _answered(self, task: Task) -> JobRow | None:
        ctx = self.ctx
        ctx.gate.poll_answered()
        ctx.breaker.poll_answered()
        self.schedule.polled(task)
        self.missing = self.failures = 0
        self.linkless += task.state == "completed" and not task.links
        self.retry_at = timing.now() + timing.missing_wait(self.linkless) if self.linkless else None
        if task.state == "working":
            self.expires = self.now + timing.LIFE
            ctx.limiter.task_running(self.job_id)
            await ctx.db(self._record_progress, task)
            return None
        ctx.limiter.task_ended(self.job_id)  # whoever waits for its place need not wait for the log
        if task.state in ("failed", "cancelled"):
            return await self._without_result(task)
        ended = await ctx.db(self._record_completed, task)
        if ended is not None:
            await ctx.refunds.review(ended)
            self.schedule.completed(task)
        return ended

    async def _without_result(self, task: Task) -> JobRow:
        """Write down an end without a result; its money is freed only for a bill, or a refund that shows."""
        ctx = self.ctx
        row = await ctx.db(self._row)
        bill, note = _bill(task), ""
        if not bill:
            refunded = await ctx.refunds.is_refunded(row)
            bill = {"cost": 0, "settle": 0} if refunded else {}
            note = event_note("event_refund_seen" if refunded else "event_refund_open")
        ended = await ctx.db(
            self._end, State.FAILED if task.state == "failed" else State.CANCELLED,
            note=note, server_word=task.word, answer=task.raw, **bill,
            error_code=task.error_code, error_kind=failure_kind(task.error_message, task.error_code),
            error_message=task.error_message or say("failed_silently"),
        )  # fmt: skip
        if not bill:
            ctx.refunds.note_open(row)
        # Of this job's refund as well: bills that came while it was not written down as open left it out.
        await ctx.refunds.review(row)
        return ended

    # Through `Context.db`.

    def _row(self) -> JobRow:
        """Return the job's row, if it is still this process's to follow."""
        row = self.log.jobs.get(self.job_id)
        if row.lease_owner != self.ctx.owner or row.state not in (State.SUBMITTED, State.RUNNING):
            raise _NotOursError
        return row

    def record(self, facts: dict[str, Any]) -> None:
        """Write down facts about the job, if they are news."""
        row = self._row()
        if any(getattr(row, name) != value for name, value in facts.items()):
            self.log.transitions.record(row.id, **facts)

    def _end(self, to: State, **facts: Any) -> JobRow:
        if not self.log.transitions.move(self.job_id, to, owner=self.ctx.owner, completed=now_us(), **facts):
            raise _NotOursError
        return self.log.jobs.get(self.job_id)

    def _record_failure(self, error: EndpointError) -> None:
        """Write down that the task could not be polled; an event says since when."""
        if self._row().error_kind is None:
            self.log.transitions.remark(self.job_id, event_note("event_poll_failed"))
        self.log.transitions.record(self.job_id, **error_columns(error))

    def _record_progress(self, task: Task) -> None:
        row = self._row()
        facts = {
            **NO_ERROR, "progress": max(row.progress or 0, task.progress or 0), "server_word": task.word,
        }  # fmt: skip
        if task.estimated_time is not None:
            facts["estimated_time"] = task.estimated_time
        if not task.known and row.server_word != task.word:
            self.log.transitions.remark(row.id, event_note("event_status_unknown", word=repr(task.word)))
        if row.state == State.SUBMITTED:
            self.log.transitions.move(row.id, State.RUNNING, owner=self.ctx.owner, **facts)
        else:
            self.record(facts)

    def _record_completed(self, task: Task) -> JobRow | None:
        """Write down that the task completed; a link may still be to come (None), but not for ever."""
        row = self._row()
        facts = {**NO_ERROR, "server_word": task.word, "answer": task.raw, **_bill(task)}
        if task.links:
            expires = task.expires_at or self.now + timing.LIFE
            return self._end(
                State.COMPLETED, links=json.dumps(task.links), progress=100, expires_at=int(expires * 1e6),
                note=_outside_estimate(row, task), **facts,
            )  # fmt: skip
        if self.linkless >= timing.GONE and self.outlived:
            facts |= {"error_kind": "vanished", "error_message": say("no_result_link")}
            return self._end(State.VANISHED, note=event_note("event_no_link"), **facts)
        self.record(NO_ERROR)
        return None


def _outside_estimate(row: JobRow, task: Task) -> str:
    """Return the event's note on a bill outside the estimate. ``""``: it is inside, or not stated."""
    if not outside(replace(row, state=State.COMPLETED, cost=_bill(task).get("cost"))):
        return ""
    low, high = to_usd(row.estimate_low or ZERO), to_usd(row.estimate_high or ZERO)
    return event_note("event_bill_outside", cost=task.cost, low=low, high=high)


def _bill(task: Task) -> dict[str, Any]:
    """Return what settles the job: the billed cost. Empty: the endpoint does not state it."""
    if task.cost is None:
        return {}
    return {"cost": to_micro(task.cost), "settle": to_micro(task.cost)}
