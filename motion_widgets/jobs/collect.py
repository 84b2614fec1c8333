"""From a result's link to a checked file here. It was paid for, so it is tried for as long as the link lives.

The job counts as collected once the file is in the results folder and, where a team shares a path, was put
there or tried to be (`share_result`). Before each try after a failure the task is asked for a fresh
link. Only trouble past the expiry that the task itself states ends the job as ``expired``: a refusal before
that may be a firewall's. What has arrived of a file is kept when this is cancelled: whoever takes the job up
goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from motion_widgets.core.errors import LogError
from motion_widgets.core.logging import going_on
from motion_widgets.endpoint.errors import AuthError, EndpointError, NotFoundError, RedirectError
from motion_widgets.jobs.context import error_columns
from motion_widgets.jobs.download.download import Download, Fetched
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Priority
from motion_widgets.jobs.share_result import not_shared_yet, share_result, share_sidecar
from motion_widgets.jobs.sidecar import write_sidecar
from motion_widgets.log.engine import now_us
from motion_widgets.log.states import State
from motion_widgets.log.transitions import NO_ERROR, event_note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from motion_widgets.jobs.context import Context
    from motion_widgets.log.rows import JobRow

__all__ = ["collect"]


async def collect(ctx: Context, row: JobRow, *, told: bool) -> bool:
    """Download a completed job's result until it is here, its link is dead, or the job is not ours any more.

    Parameters
    ----------
    ctx
        The collaborators.
    row
        The job as it was just read.
    told
        The task just told its links; otherwise it is asked for them first.

    Returns
    -------
    bool
        Whether this wrote down that the job is collected, with which its lease ended.
    """
    download = Download(
        ctx.results / f"{row.id}.mp4", owner=ctx.owner.rpartition(":")[2], trusted=ctx.trusted
    )
    links: list[str] = json.loads(row.links or "[]") if told else (await _ask_for_links(ctx, row)).links
    failures = missing = 0
    while True:
        if row.lease_owner != ctx.owner:
            download.discard()
            return False
        if row.state != State.COMPLETED:
            download.tidy()
            return False
        try:
            async with ctx.gate.slot(Priority.DOWNLOAD, (row.expires_at or 0) / 1e6):
                got = await _fetch(ctx, row, download, links[failures % len(links)] if links else "")
        except (EndpointError, LogError) as error:
            trouble: Exception = error
        else:
            download.tidy()  # before the log says "collected": whoever reads that finds results only
            return await _keep(ctx, row, got)
        failures += 1
        with going_on("write down why a download waits"):  # the log may be on the disk that is full
            await ctx.db(ctx.log.transitions.record, row.id, **error_columns(trouble, kind="download"))
        if isinstance(trouble, EndpointError):
            missing = missing + 1 if isinstance(trouble, NotFoundError) else 0
            answer = await _ask_for_links(ctx, row)
            links = answer.links or links
            if answer.expired and failures > 1:
                download.tidy()
                await _give_up(ctx, row, trouble)
                return False
        wait = timing.missing_wait(missing) if missing else timing.backoff(failures)
        left = (row.expires_at or 0) / 1e6 - timing.now()
        if left > 0:  # never so long that the next look would be after the end
            wait = min(wait, max(left / 2, timing.STEP))
        await ctx.clock.sleep(wait, row.id)
        row = await ctx.db(ctx.log.jobs.get, row.id)


class _Answer(NamedTuple):
    """What a task said about its result."""

    links: list[str]
    expired: bool
    """Whether the endpoint answered, and its clock is past what the task, or else the log, says."""


async def _fetch(ctx: Context, row: JobRow, download: Download, link: str) -> Fetched:
    """Fetch a result from its link, or from the shared path where its process died having put it there."""
    name, sha = row.result_path, row.result_sha
    if ctx.shared is not None and name is not None and sha is not None and not (ctx.root / name).is_file():
        loop = asyncio.get_running_loop()
        with contextlib.suppress(LogError, TimeoutError):  # then it is downloaded once more
            async with asyncio.timeout(timing.SHARED_PATIENCE):
                path = await loop.run_in_executor(ctx.shared.pool, ctx.shared.get, name, sha)
            return Fetched(path, row.result_size or 0, sha)
    return await download.fetch(link)


async def _keep(ctx: Context, row: JobRow, got: Fetched) -> bool:
    """Share a result that is here, write it down, and put beside it what it was made of."""
    shared = await share_result(ctx, row.id, got)
    collected = await ctx.db.persist(_write_down, ctx, row, got, shared, ahead=False)
    if shared and ctx.shared is not None:
        name = got.path.relative_to(ctx.root).as_posix()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(ctx.shared.pool, share_sidecar, ctx.shared, name)
    return collected


def _write_down(ctx: Context, row: JobRow, got: Fetched, shared: Mapping[str, Any]) -> bool:
    facts = {
        "result_size": got.size, "result_sha": got.sha256,
        "result_path": got.path.relative_to(ctx.root).as_posix(),
        **shared, **(NO_ERROR if shared or ctx.shared is None else {}),
    }  # fmt: skip
    collected = ctx.log.transitions.move(row.id, State.COLLECTED, collected=now_us(), **facts)
    if collected:
        write_sidecar(replace(row, **facts), ctx.root)
    return collected


async def _ask_for_links(ctx: Context, row: JobRow) -> _Answer:
    """Ask the task where its result is."""
    expires = int(row.expires_at or 0)
    if ctx.breaker.calls_stopped is not None:
        return _Answer([], expired=False)
    try:
        async with ctx.gate.slot(Priority.POLL, expires / 1e6):
            client = await ctx.client.get()
            task = await client.task(row.task_id or "")
    except NotFoundError:
        return _Answer([], expired=client.now() * 1e6 > expires)
    except EndpointError as error:
        if isinstance(error, AuthError | RedirectError):
            await ctx.poll_refused(row.id, error)
        return _Answer([], expired=False)
    if task.state in ("failed", "cancelled") and row.server_word != task.word:
        await ctx.db(
            ctx.log.transitions.remark, row.id, event_note("event_status_changed", word=repr(task.word))
        )
        await ctx.db(ctx.log.transitions.record, row.id, server_word=task.word)
    if task.links:
        expires = int(task.expires_at * 1e6) if task.expires_at else expires
        await ctx.db(ctx.log.transitions.record, row.id, links=json.dumps(task.links), expires_at=expires)
    return _Answer(list(task.links), expired=client.now() * 1e6 > expires)


async def _give_up(ctx: Context, row: JobRow, trouble: EndpointError) -> None:
    """End a job whose link is dead: expired, unless a colleague's folder has the result."""
    to, columns = State.EXPIRED, {}
    if row.result_sha is not None:
        columns = {"collected": now_us(), **error_columns(not_shared_yet(row, ctx.shared), kind="shared")}
        to = State.COLLECTED
    await ctx.db(ctx.log.transitions.move, row.id, to, note=str(trouble)[:300], **columns)
