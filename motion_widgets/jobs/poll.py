"""From a task id to the end of the task. Asking costs nothing, so it goes on for as long as it takes.

It is asked first, and looked up afterwards whether the job is still this process's, in the same call of the
log that writes the answer down: what somebody else follows, or what has ended, is asked for once in vain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.endpoint.errors import AuthError, EndpointError, NotFoundError, RedirectError
from motion_widgets.jobs.context import TakenError, error_columns
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Lane
from motion_widgets.jobs.scheduling.poll_schedule import Course
from motion_widgets.jobs.task_end import ended, halted, troubled, vanished
from motion_widgets.log.event_notes import event_note

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from motion_widgets.endpoint.responses import Task
    from motion_widgets.jobs.context import Crew
    from motion_widgets.log.rows import JobRow

__all__ = ["follow"]


def follow(crew: Crew, row: JobRow) -> Coroutine[Any, Any, JobRow | None]:
    """Ask how a job's task stands until it ends, write down how, and give the job's row.

    Or (None) until somebody else follows it, or the endpoint says that nobody may ask (`Crew.halt`). The row
    given here is not kept: thousands may wait.
    """
    return _follow(crew, _Following(crew, row))


async def _follow(crew: Crew, following: _Following) -> JobRow | None:
    try:
        while True:
            due = await following.wait()
            if crew.halted is not None:
                await halted(crew, following.job_id, crew.halted)
                return None
            end = await following.ask(due)
            if end is not None:
                return end
    except TakenError:
        return None


class _Following:
    """One task that is asked for, and how that went so far."""

    def __init__(self, crew: Crew, row: JobRow) -> None:
        self.crew = crew
        self.job_id, self.task_id = row.id, row.task_id or ""
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

    async def ask(self, due: float) -> JobRow | None:
        """Ask once, and write down what came of it; give the job's row if the task ended.

        Raises
        ------
        TakenError
            The job is not this process's to follow any more; nothing was written.
        """
        crew = self.crew
        try:
            async with crew.call(Lane.POLL, due) as client:
                if crew.halted is not None:
                    return None
                task = await client.task(self.task_id)
        except NotFoundError as error:
            return await self._missing(error)
        except (AuthError, RedirectError) as error:
            crew.halt(error)
            return None
        except EndpointError as error:
            await self._failed(error)
            return None
        return await self._answered(task)

    async def _missing(self, error: NotFoundError) -> JobRow | None:
        self.crew.gate.answered()
        self.unknown += 1
        self.again = timing.now() + timing.growing(self.unknown)
        if self.unknown < timing.GONE:
            await self.crew.db(self.crew.mine, self.job_id)
            return None
        return await vanished(self.crew, self.job_id, event_note("event_task_unknown"), error_columns(error))

    async def _failed(self, error: EndpointError) -> None:
        crew = self.crew
        self.failures += 1
        self.again = timing.now() + timing.backoff(self.failures)
        crew.gate.failed()
        if error.retry_after is not None:
            crew.pause(error.retry_after)
            self.again = timing.now()  # the pause holds it back
        await troubled(crew, self.job_id, error)

    async def _answered(self, task: Task) -> JobRow | None:
        crew = self.crew
        crew.gate.answered()
        self.course.asked(task)
        self.unknown = self.failures = 0
        self.linkless += task.state == "completed" and not task.links
        self.again = timing.now() + timing.growing(self.linkless) if self.linkless else None
        if task.state != "working":
            crew.pace.landed(self.job_id)  # its place is free; whoever waits for it need not wait for the log
        end = await ended(crew, self.job_id, task, last=self.linkless >= timing.TRIES)
        if end is not None and task.state == "completed":
            self.course.ended(task)
        return end
