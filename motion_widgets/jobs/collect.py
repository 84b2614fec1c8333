"""From a result's link to a checked file here; it was paid for, so it is tried while the link lives."""

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
from motion_widgets.jobs.scheduling.call_gate import Lane
from motion_widgets.jobs.sharing import elsewhere, put_result, put_sidecar
from motion_widgets.jobs.sidecar import write_sidecar
from motion_widgets.log.engine import now_us
from motion_widgets.log.event_notes import event_note
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from motion_widgets.jobs.context import Crew
    from motion_widgets.log.rows import JobRow

__all__ = ["collect"]


async def collect(crew: Crew, row: JobRow) -> bool:
    """Download a completed job's result until it is here, its link is dead, or somebody else does it.

    What came of it is kept when this is cancelled: whoever takes the job up goes on from there.

    Parameters
    ----------
    crew
        The shared means.
    row
        The job as it was just read.

    Returns
    -------
    bool
        It ended here, and its lease with it.
    """
    job_id = row.id
    target = crew.results / f"{job_id}.mp4"
    download = Download(target, owner=crew.owner.rpartition(":")[2], trusted=crew.trusted)
    failures = dead = 0
    while True:
        if row.lease_owner != crew.owner:
            download.discard()
            return False
        if row.state != State.COMPLETED:
            download.tidy()
            return False
        links: list[str] = json.loads(row.links or "[]") or [""]
        trouble: Exception
        try:
            async with crew.gate.slot(Lane.DOWNLOAD, (row.expires_at or 0) / 1e6):
                got = await _fetched(crew, row, download, links[failures % len(links)])
        except (EndpointError, LogError) as error:
            trouble = error
        else:
            download.tidy()  # before the log says "collected": whoever reads that finds results only
            shared = await put_result(crew, job_id, got)
            await crew.insist(_keep, crew, row, got, shared)
            if shared and crew.shared is not None:
                name = got.path.relative_to(crew.root).as_posix()
                await asyncio.get_running_loop().run_in_executor(
                    crew.shared.pool, put_sidecar, crew.shared, name
                )
            return True
        failures += 1
        with contextlib.suppress(LogError):  # the log may be on the disk that is full
            await crew.db(crew.log.transitions.record, job_id, **error_columns(trouble, kind="download"))
        if isinstance(trouble, EndpointError):
            dead = dead + 1 if isinstance(trouble, NotFoundError) else 0
            expires = await _ask_again(crew, row)
            if dead >= timing.GONE or (now_us() > expires and failures > 1):
                download.tidy()
                note = str(trouble)[:300]
                if row.result_sha is None:
                    return await crew.db(crew.log.transitions.move, job_id, State.EXPIRED, note=note)
                facts = {"collected": now_us(), **error_columns(elsewhere(crew, row), kind="shared")}
                return await crew.db(crew.log.transitions.move, job_id, State.COLLECTED, note=note, **facts)
        await crew.clock.sleep(timing.growing(dead) if dead else timing.backoff(failures), job_id)
        row = await crew.db(crew.log.jobs.get, job_id)


def _keep(crew: Crew, row: JobRow, got: Fetched, shared: Mapping[str, Any]) -> None:
    """Write down that a result is here (and on the shared path), and beside it what it was made of."""
    said = shared or crew.shared is None
    fine: dict[str, Any] = dict.fromkeys(("error_kind", "error_code", "error_message")) if said else {}
    path = got.path.relative_to(crew.root).as_posix()
    facts = {"result_size": got.size, "result_sha": got.sha256, "result_path": path, **shared, **fine}
    if crew.log.transitions.move(row.id, State.COLLECTED, collected=now_us(), **facts):
        write_sidecar(replace(row, **facts), crew.root)


async def _fetched(crew: Crew, row: JobRow, download: Download, link: str) -> Fetched:
    """Fetch a result from its link, or from the shared path where its driver died having put it there."""
    name, sha = row.result_path, row.result_sha
    if crew.shared is not None and name is not None and sha is not None and not (crew.root / name).is_file():
        loop = asyncio.get_running_loop()
        with contextlib.suppress(LogError, TimeoutError):
            async with asyncio.timeout(timing.SHARED_PATIENCE):
                path = await loop.run_in_executor(crew.shared.pool, crew.shared.get, name, sha)
            return Fetched(path, row.result_size or 0, sha)
    return await download.fetch(link)


async def _ask_again(crew: Crew, row: JobRow) -> int:
    """Ask the task once more where its result is; give when that dies (unix microseconds)."""
    expires = int(row.expires_at or 0)
    if crew.halted is not None:
        return expires
    try:
        async with crew.call(Lane.POLL, expires / 1e6) as client:
            task = await client.task(row.task_id or "")
    except (AuthError, RedirectError) as error:
        crew.halt(error)
        return expires
    except EndpointError:
        return expires
    if task.state in ("failed", "cancelled") and row.server_word != task.word:
        await crew.db(
            crew.log.transitions.remark, row.id, event_note("event_status_changed", word=repr(task.word))
        )
        await crew.db(crew.log.transitions.record, row.id, server_word=task.word)
    if task.links:
        expires = int(task.expires_at * 1e6) if task.expires_at else expires
        await crew.db(crew.log.transitions.record, row.id, links=json.dumps(task.links), expires_at=expires)
    return expires
