"""What a team shares: results and inputs put on the shared path, and fetched from it on demand.

A result is safe here first; then it is put on the shared path, and then the job counts as collected. A path
that cannot be reached is not waited for: the row's `shared` stays empty, and the outbox of whatever process
has the file puts it later, after a restart too. Inputs go through the outbox alone: nothing waits for them.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.background import owned_loop, spawn
from motion_widgets.core.errors import LogError
from motion_widgets.core.hashing import sha256_of
from motion_widgets.jobs.context import error_columns
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.sidecar import request_of, write_sidecar
from motion_widgets.log.engine import now_us

if TYPE_CHECKING:
    from collections.abc import Iterable

    from motion_widgets.jobs.context import Crew
    from motion_widgets.jobs.download.download import Fetched
    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log
    from motion_widgets.request.request import MotionRequest

__all__ = ["Outbox", "Shares", "elsewhere", "put_result", "put_sidecar"]


async def put_result(crew: Crew, job_id: str, got: Fetched) -> dict[str, Any]:
    """Put a result that is safe here on the shared path; give what the log says of it then.

    Empty: there is no such path, or it cannot be reached now, which the log's events say; the outbox goes on.
    """
    shared = crew.shared
    if shared is None:
        return {}
    name = got.path.relative_to(crew.root).as_posix()
    facts = {"result_path": name, "result_size": got.size, "result_sha": got.sha256}
    await crew.insist(crew.log.transitions.record, job_id, **facts)  # it can be looked at here from now on
    loop = asyncio.get_running_loop()
    for tries in range(1, timing.SHARED_TRIES + 1):
        try:
            async with asyncio.timeout(timing.SHARED_PATIENCE):
                await loop.run_in_executor(shared.pool, shared.put, name, got.sha256)
        except (LogError, TimeoutError) as error:
            trouble = error if isinstance(error, LogError) else _slow(shared, name)
            await crew.db(crew.log.transitions.record, job_id, **error_columns(trouble, kind="shared"))
            if tries < timing.SHARED_TRIES and trouble.code == "shared_down":
                await crew.clock.sleep(timing.backoff(tries), job_id)
                continue
            await crew.db(crew.log.transitions.remark, job_id, str(trouble)[:500])
            return {}
        return {"shared": now_us()}
    return {}


def elsewhere(crew: Crew, row: JobRow) -> LogError:
    """Return the error for a result that only a colleague's folder has; its outbox will share it."""
    place = crew.shared.label if crew.shared is not None else ""
    return _not_yet(row, place)


def _not_yet(row: JobRow, place: str) -> LogError:
    return LogError.of("shared_not_yet", name=row.result_path, place=place, person=row.created_by or "?")


def _slow(shared: Shared, name: str) -> LogError:
    return LogError.of("shared_down", place=shared.label, name=name, reason=f"{timing.SHARED_PATIENCE:g} s")


def put_sidecar(shared: Shared, result: str) -> None:
    """Put a result's sidecar beside it there; it tells nothing that the log does not, so it may fail."""
    name = Path(result).with_suffix(".json").as_posix()
    with contextlib.suppress(LogError, OSError):
        shared.put(name, sha256_of(shared.folder / name))


class Outbox:
    """Puts what is here and not on the shared path yet, until all of it is.

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
        self._over = False
        self._woken = asyncio.Event()
        self._work = spawn(self._working())

    def put_all(self, *, everything: bool = False) -> tuple[int, list[str]]:
        """Put there what is here only; give how many files, and what went wrong in sentences.

        Parameters
        ----------
        everything
            Also look at what the log says is there already: the path may be another one by now.
        """
        done, wrong = 0, []
        for table, key, name, sha in self._log.files.unshared(everything=everything):
            if self._over:  # the interpreter ends; the next one goes on
                break
            if not (self.shared.folder / name).is_file():
                continue  # it is on somebody else's machine, whose outbox puts it
            try:
                self.shared.put(name, sha)
            except LogError as error:
                wrong.append(str(error))
                if error.code in ("shared_down", "store_missing"):
                    break  # so would every other
                continue
            if table == "jobs":
                if not (self.shared.folder / name).with_suffix(".json").is_file():
                    # its driver ended before it could
                    write_sidecar(self._log.jobs.get(key), self.shared.folder)
                put_sidecar(self.shared, name)
            self._log.files.set_shared(table, key)
            done += 1
        return done, wrong

    def wake(self) -> None:
        """Look now: there may be something new."""
        owned_loop().call_soon_threadsafe(self._woken.set)

    def close(self) -> None:
        """Look no more; the file that is on its way is finished."""
        self._over = True
        self._work.cancel()
        self.shared.pool.shutdown(wait=False, cancel_futures=True)

    async def _working(self) -> None:
        idle = 0
        while True:
            self._woken.clear()
            done = 0
            with contextlib.suppress(LogError):  # a log that is busy or gone
                done, _ = await asyncio.get_running_loop().run_in_executor(self.shared.pool, self.put_all)
            idle = 0 if done else idle + 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timing.outbox(idle)):
                    await self._woken.wait()


class Shares:
    """Sharing, for `Workspace`, which has all that is named here."""

    folder: Path
    log_store: Log
    outbox: Outbox | None
    """None: nothing is shared."""

    def _look_for_unshared(self) -> None:
        if self.outbox is not None:
            self.outbox.wake()

    @property
    def shared(self) -> str | None:
        """Where results and inputs are shared, as it is shown. None: they are on this machine only."""
        return None if self.outbox is None else self.outbox.shared.label

    def share(self, *, everything: bool = False) -> int:
        """Put on the shared path now what is here only; give how many files.

        It happens by itself as well. Blocks; not to be called on the owned loop.

        Parameters
        ----------
        everything
            Also look at what the log says is there already: the path may be another one by now, or somebody
            removed a file there.

        Raises
        ------
        LogError
            There is no shared path, or something could not be put there, and why.
        """
        if self.outbox is None:
            raise LogError.of("shared_none")
        done, wrong = self.outbox.put_all(everything=everything)
        if wrong:
            raise LogError.of("shared_left", count=len(wrong), done=done, first=wrong[0])
        return done

    def is_here(self, row: JobRow) -> bool:
        """Return whether a job's result is in this folder."""
        return row.result_path is not None and (self.folder / row.result_path).is_file()

    def result_of(self, row: JobRow) -> Path | None:
        """Return a job's result, fetched from the shared path where it is not here. None: there is none.

        Raises
        ------
        LogError
            It is neither here nor there, or the path cannot be reached.
        """
        name = row.result_path
        if name is None:
            return None
        path = self.folder / str(name)
        if self.outbox is not None and not path.is_file():
            if row.shared is None:
                raise _not_yet(row, self.outbox.shared.label)
            self.outbox.shared.get(name, row.result_sha)
            write_sidecar(row, self.folder)
        return path

    def bring_inputs(self, row: JobRow) -> None:
        """Fetch the copies of a job's local media that are not here from the shared path.

        Raises
        ------
        LogError
            One is neither here nor there, or the path cannot be reached.
        """
        for path, sha in ((row.image_path, row.image_sha), (row.clip_path, row.clip_sha)):
            if self.outbox is not None and path:
                self.outbox.shared.get(path, sha)

    def request_of(self, row: JobRow) -> MotionRequest:
        """Return a job's request as it can be sent again, its local media by the paths of their copies here.

        Raises
        ------
        LogError
            A copy cannot be fetched from the shared path.

        Examples
        --------
        >>> ws.request_of(job.row).mode
        'std'
        """
        self.bring_inputs(row)
        return request_of(row, self.folder)

    def bring(self, rows: Iterable[JobRow]) -> list[str]:
        """Fetch what some jobs have on the shared path and not here; give a sentence for what is not there.

        Raises
        ------
        LogError
            The path cannot be reached, or this disk is full.
        """
        lacking: dict[str, None] = {}
        for row in rows if self.outbox is not None else ():
            for fetch in (self.result_of, self.bring_inputs):
                try:
                    fetch(row)
                except LogError as error:
                    if error.code not in ("shared_missing", "shared_not_yet", "shared_broken"):
                        raise
                    lacking[str(error)] = None
        return list(lacking)
