"""From a task id to the end of the task. Asking costs nothing, so it goes on for as long as it takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from motion_widgets.endpoint.errors import EndpointError, NotFoundError
from motion_widgets.jobs import timing
from motion_widgets.jobs.crew import error_columns
from motion_widgets.jobs.ending import ended, troubled, vanished
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from motion_widgets.jobs.crew import Crew

__all__ = ["follow"]


async def follow(crew: Crew, job_id: str) -> None:
    """Ask how a job's task stands until it ends, and write down how; or until somebody else follows it."""
    row = await crew.mine(job_id)
    wait = timing.first_poll(row["estimated_time"] if row is not None else None)
    unknown = linkless = failures = 0
    while True:
        await asyncio.sleep(wait)
        row = await crew.mine(job_id)
        if row is None or row["state"] not in (State.SUBMITTED, State.RUNNING):
            return
        try:
            client = await crew.client()
            async with crew.calls:
                task = await client.task(row["task_id"])
        except NotFoundError as error:
            unknown += 1
            if unknown >= timing.GONE:
                await vanished(crew, job_id, "the task is unknown", error_columns(error))
                return
            wait = timing.growing(unknown)
            continue
        except EndpointError as error:
            failures += 1
            await troubled(crew, row, error)
            wait = error.retry_after if error.retry_after is not None else timing.backoff(failures)
            continue
        if failures:
            await crew.db(crew.log.record, job_id, error_kind=None, error_code=None, error_message=None)
        unknown = failures = 0
        linkless += task.state == "completed" and not task.links
        if await ended(crew, row, task, last=linkless >= timing.TRIES):
            return
        wait = timing.next_poll(row["estimated_time"] if task.estimated_time is None else task.estimated_time)
