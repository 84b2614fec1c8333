"""From a result's link to a checked file here. It was paid for, so it is tried for as long as the link lives.

The job counts as collected once the file is in the results folder and, where a team shares a path, was put
there or tried to be (`share_result`). Before each try after a failure the task is asked for a fresh link. A
link that stays dead, or trouble past its expiry, ends the job as ``expired``. What has arrived of a file is
kept when this is cancelled: whoever takes the job up goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.endpoint.errors import AuthError, EndpointError, NotFoundError, RedirectError
from motion_widgets.jobs.context import error_columns
from motion_widgets.jobs.download.download import Download, Fetched
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Priority
from motion_widgets.jobs.share_result import not_shared_yet, share_result, share_sidecar
from motion_widgets.jobs.sidecar import write_sidecar
from motion_widgets.log.engine import now_us
from motion_widgets.log.event_notes import event_note
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from motion_widgets.jobs.context import Context
    from motion_widgets.log.rows import JobRow

__all__ = ["collect"]


async def collect(ctx: Context, row: JobRow) -> None:
    """Download a completed job's result until it is here, its link is dead, or the job is not ours any more.

    Parameters
    ----------
    ctx
        The collaborators.
    row
        The job as it was just read.
    """
    download = Download(
        ctx.results / f"{row.id}.mp4", owner=ctx.owner.rpartition(":")[2], trusted=ctx.trusted
    )
    failures = missing = 0
    while True:
        if row.lease_owner != ctx.owner:
            download.discard()
            return
        if row.state != State.COMPLETED:
            download.tidy()
            return
        links: list[str] = json.loads(row.links or "[]") or [""]
        try:
            async with ctx.gate.slot(Priority.DOWNLOAD, (row.expires_at or 0) / 1e6):
                got = await _fetch(ctx, row, download, links[failures % len(links)])
        except (EndpointError, LogError) as error:
            trouble: Exception = error
        else:
            download.tidy()  # before the log says "collected": whoever reads that finds results only
            await _keep(ctx, row, got)
            return
        failures += 1
        with contextlib.suppress(LogError):  # the log may be on the disk that is full
            await ctx.db(ctx.log.transitions.record, row.id, **error_columns(trouble, kind="download"))
        if isinstance(trouble, EndpointError):
            missing = missing + 1 if isinstance(trouble, NotFoundError) else 0
            expires = await _ask_for_new_links(ctx, row)
            if missing >= timing.GONE or (now_us() > expires and failures > 1):
                download.tidy()
                await _give_up(ctx, row, trouble)
                return
        wait = timing.missing_wait(missing) if missing else timing.backoff(failures)
        await ctx.clock.sleep(wait, row.id)
        row = await ctx.db(ctx.log.jobs.get, row.id)


async def _fetch(ctx: Context, row: JobRow, download: Download, link: str) -> Fetched:
    """Fetch a result from its link, or from the shared path where its process died having put it there."""
    name, sha = row.result_path, row.result_sha
    if ctx.shared is not None and name is not None and sha is not None and not (ctx.root / name).is_file():
        loop = asyncio.get_running_loop()
        with contextlib.suppress(LogError, TimeoutError):
            async with asyncio.timeout(timing.SHARED_PATIENCE):
                path = await loop.run_in_executor(ctx.shared.pool, ctx.shared.get, name, sha)
            return Fetched(path, row.result_size or 0, sha)
    return await download.fetch(link)


async def _keep(ctx: Context, row: JobRow, got: Fetched) -> None:
    """Share a result that is here, write it down, and put beside it what it was made of."""
    shared = await share_result(ctx, row.id, got)
    await ctx.db.persist(_write_down, ctx, row, got, shared)
    if shared and ctx.shared is not None:
        name = got.path.relative_to(ctx.root).as_posix()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(ctx.shared.pool, share_sidecar, ctx.shared, name)


def _write_down(ctx: Context, row: JobRow, got: Fetched, shared: Mapping[str, Any]) -> None:
    no_error: dict[str, Any] = dict.fromkeys(("error_kind", "error_code", "error_message"))
    facts = {
        "result_size": got.size, "result_sha": got.sha256,
        "result_path": got.path.relative_to(ctx.root).as_posix(),
        **shared, **(no_error if shared or ctx.shared is None else {}),
    }  # fmt: skip
    if ctx.log.transitions.move(row.id, State.COLLECTED, collected=now_us(), **facts):
        write_sidecar(replace(row, **facts), ctx.root)


async def _ask_for_new_links(ctx: Context, row: JobRow) -> int:
    """Ask the task once more where its result is; return when that expires (unix microseconds)."""
    expires = int(row.expires_at or 0)
    if ctx.breaker.calls_stopped is not None:
        return expires
    try:
        async with ctx.gate.slot(Priority.POLL, expires / 1e6):
            task = await (await ctx.client.get()).task(row.task_id or "")
    except (AuthError, RedirectError) as error:
        ctx.stop_calls(error)
        return expires
    except EndpointError:
        return expires
    if task.state in ("failed", "cancelled") and row.server_word != task.word:
        await ctx.db(
            ctx.log.transitions.remark, row.id, event_note("event_status_changed", word=repr(task.word))
        )
        await ctx.db(ctx.log.transitions.record, row.id, server_word=task.word)
    if task.links:
        expires = int(task.expires_at * 1e6) if task.expires_at else expires
        await ctx.db(ctx.log.transitions.record, row.id, links=json.dumps(task.links), expires_at=expires)
    return expires


async def _give_up(ctx: Context, row: JobRow, trouble: EndpointError) -> None:
    """End a job whose link is dead: expired, unless a colleague's folder has the result."""
    to, columns = State.EXPIRED, {}
    if row.result_sha is not None:
        columns = {"collected": now_us(), **error_columns(not_shared_yet(row, ctx.shared), kind="shared")}
        to = State.COLLECTED
    await ctx.db(ctx.log.transitions.move, row.id, to, note=str(trouble)[:300], **columns)
