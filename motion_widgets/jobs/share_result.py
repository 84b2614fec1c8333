"""Putting results and inputs on the path that a team shares.

A result is safe here first; then it is put on the shared path, and then the job counts as collected. A path
that cannot be reached is not waited for: the row's `shared` stays empty, and the outbox of whichever process
has the file puts it there later, also after a restart. Inputs go through the outbox alone: nothing waits for
them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.background import owned_loop, start
from motion_widgets.core.errors import LogError
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.logging import going_on
from motion_widgets.jobs.context import error_columns
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.sidecar import write_sidecar
from motion_widgets.jobs.stored_file import stored_file
from motion_widgets.log.engine import now_us

if TYPE_CHECKING:
    from motion_widgets.jobs.context import Context
    from motion_widgets.jobs.download.download import Fetched
    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

_log = logging.getLogger(__name__)

__all__ = ["Outbox", "not_shared_yet", "share_result", "share_sidecar"]


async def share_result(ctx: Context, job_id: str, got: Fetched) -> dict[str, Any]:
    """Put a result that is safe here on the shared path; return the columns that say so.

    Empty: there is no such path, or it cannot be reached now, which the log's events say; the outbox goes on.
    """
    shared = ctx.shared
    if shared is None:
        return {}
    name = got.path.relative_to(ctx.root).as_posix()
    facts: dict[str, Any] = {"result_path": name, "result_size": got.size, "result_sha": got.sha256}
    await ctx.db.persist(ctx.log.transitions.record, job_id, **facts)  # it can be looked at here from now on
    loop = asyncio.get_running_loop()
    for tries in range(1, timing.SHARED_TRIES + 1):
        try:
            async with asyncio.timeout(timing.SHARED_PATIENCE):
                await loop.run_in_executor(shared.pool, shared.put, name, got.sha256)
        except (LogError, TimeoutError) as error:
            trouble = error if isinstance(error, LogError) else _timed_out(shared, name)
            await ctx.db(ctx.log.transitions.record, job_id, **error_columns(trouble, kind="shared"))
            if tries < timing.SHARED_TRIES and trouble.code == "shared_down":
                await ctx.clock.sleep(timing.backoff(tries), job_id)
                continue
            await ctx.db(ctx.log.transitions.remark, job_id, str(trouble)[:500])
            break
        return {"shared": now_us()}
    return {}


def not_shared_yet(row: JobRow, shared: Shared | None) -> LogError:
    """Return the error for a result that only a colleague's folder has; their outbox will share it."""
    place = shared.label if shared is not None else ""
    return LogError.of("shared_not_yet", name=row.result_path, place=place, person=row.created_by or "?")


def _timed_out(shared: Shared, name: str) -> LogError:
    return LogError.of("shared_down", place=shared.label, name=name, reason=f"{timing.SHARED_PATIENCE:g} s")


def share_sidecar(shared: Shared, result: str) -> None:
    """Put a result's sidecar beside it there; it holds nothing that the log does not, so it may fail."""
    name = Path(result).with_suffix(".json").as_posix()
    with going_on("share a sidecar"):
        shared.put(name, sha256_of(shared.folder / name))


class Outbox:
    """Puts what is here but not on the shared path yet there, until nothing is left.

    Parameters
    ----------
    log
        Says what there is.
    shared
        The shared path.
    """

    def __init__(self, log: Log, shared: Shared) -> None:
        self._log = log
        self.shared = shared
        self._closed = False
        self._woken = asyncio.Event()
        self._work = start(self._run(), "share results")

    def put_all(self, *, everything: bool = False) -> tuple[int, list[str]]:
        """Put there what is only here; return how many files, and what went wrong in sentences.

        Parameters
        ----------
        everything
            Also check what is there already according to the log: the path may be another one by now.
        """
        done, wrong = 0, []
        for table, key, name, sha in self._log.files.unshared(everything=everything):
            if self._closed:  # the interpreter exits; the next one goes on
                break
            if stored_file(self.shared.folder, name) is None:
                continue  # it is on somebody else's machine, whose outbox puts it there
            try:
                self.shared.put(name, sha)
            except LogError as error:
                wrong.append(str(error))
                if error.code in ("shared_down", "s3_missing"):
                    break  # so would every other
                continue
            if table == "jobs":
                if not (self.shared.folder / name).with_suffix(".json").is_file():
                    # its process died before it could
                    write_sidecar(self._log.jobs.get(key), self.shared.folder)
                share_sidecar(self.shared, name)
            self._log.files.set_shared(table, key)
            done += 1
        return done, wrong

    def wake(self) -> None:
        """Look now: there may be something new."""
        owned_loop().call_soon_threadsafe(self._woken.set)

    def close(self) -> None:
        """Stop; the file that is on its way is finished."""
        self._closed = True
        self._work.cancel()
        self.shared.pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        idle = 0
        while True:
            self._woken.clear()
            done = 0
            with going_on("share results"):  # a log that is busy or gone; the next look is soon
                loop = asyncio.get_running_loop()
                done, wrong = await loop.run_in_executor(self.shared.pool, self.put_all)
                for sentence in wrong:
                    _log.warning(sentence)
            idle = 0 if done else idle + 1
            with contextlib.suppress(TimeoutError):  # the time that it waited for is over
                async with asyncio.timeout(timing.outbox_wait(idle)):
                    await self._woken.wait()
