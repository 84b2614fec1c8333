"""The job that a user holds: the name of a row of the log, never a copy of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

from motion_widgets.core.errors import MotionTimeout, RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd, to_usd
from motion_widgets.log.event_notes import event_note
from motion_widgets.log.leases import is_leased
from motion_widgets.log.states import ENDS, RETRYABLE, State

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    from motion_widgets.jobs.runner import Runner
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["Job", "wait_all"]

TICK = 0.15
"""s between two reads of the log; also how soon an interrupt of the kernel gets through."""


class JobHost(Protocol):
    """What a job needs from its workspace."""

    log_store: Log
    folder: Path

    def runner_for(self, row: JobRow) -> Runner | None:
        """Return the runner of a row's endpoint and account. None: the workspace is at another one."""

    def result_of(self, row: JobRow) -> Path | None:
        """Return a row's result, fetched from the shared path where it is not here. None: there is none."""


class Job:
    """One attempt at a request.

    Made by `Workspace.submit` and `Workspace.attach`. All it says is read from the log, so it is just as true
    in another notebook or after a restart.

    >>> job
    <Job ...: collected, $0.34, SANDBOX>
    """

    def __init__(self, host: JobHost, job_id: str) -> None:
        self._host = host
        self.id = job_id

    @property
    def row(self) -> JobRow:
        """The job's row in the log."""
        return self._host.log_store.jobs.get(self.id)

    @property
    def state(self) -> str:
        """Its state, a word of `State`.

        >>> job.state
        'collected'
        """
        return str(self.row.state)

    @property
    def task_id(self) -> str | None:
        """The endpoint's id. None: not accepted yet.

        >>> job.task_id.startswith("task_")
        True
        """
        task_id = self.row.task_id
        return None if task_id is None else str(task_id)

    @property
    def result(self) -> Path | None:
        """The downloaded and checked result. None: there is none (yet).

        A colleague's is fetched from the shared path, which may take a moment; LogError says why it cannot
        be.

        >>> job.result.suffix
        '.mp4'
        """
        return self._host.result_of(self.row)

    @property
    def cost(self) -> float | None:
        """Billed, in USD. None: not known (yet)."""
        cost = self.row.cost
        return None if cost is None else to_usd(cost)

    @property
    def error(self) -> str | None:
        """What went wrong, in words. None: nothing."""
        message = self.row.error_message
        return None if message is None else str(message)

    @property
    def resting(self) -> bool:
        """Whether nothing more happens until a person acts."""
        return _rests(self._host, self.row)

    def wait(self, timeout: float | None = None) -> Job:
        """Wait until the job ends or rests in ``unknown``; return it.

        Parameters
        ----------
        timeout
            s. None: as long as it takes.

        Raises
        ------
        MotionTimeout
            The time ran out; the job lives on.

        Examples
        --------
        >>> job.wait(timeout=60).state
        'collected'
        """
        wait_all(self._has_rested, timeout, self.id)
        return self

    def __await__(self) -> Generator[Any, None, Job]:
        return self._awaiting().__await__()

    async def _awaiting(self) -> Job:
        # Reading the log is short; sleeping in between lets an interrupt through a cell's top-level await.
        try:
            while not self._has_rested():
                await asyncio.sleep(TICK)
        except (KeyboardInterrupt, asyncio.CancelledError):
            print(say("interrupted", id=self.id))  # noqa: T201 - it is for the cell
            raise
        return self

    def _has_rested(self) -> bool:
        """Return whether the job rests, and note that somebody is watching it."""
        row = self.row
        runner = self._host.runner_for(row)
        if runner is not None:
            runner.watch(self.id)
        return _rests(self._host, row)

    def retry(self) -> Job:
        """Start a new attempt after an end without a result; return it.

        Raises
        ------
        RequestError
            The job has not ended like that, so a second attempt could pay twice.

        Examples
        --------
        >>> job.retry()  # it did not fail
        Traceback (most recent call last):
        motion_widgets.core.errors.RequestError: ...
        """
        row = self.row
        if row.state not in RETRYABLE:
            raise RequestError.of("not_retryable", id=self.id, state=row.state)
        runner = self._runner(row)
        new, _ = self._host.log_store.jobs.add_attempt(self.id)
        runner.drive(new.id)
        return Job(self._host, new.id)

    def resend(self) -> Job:
        """Send a job of unknown outcome again with the same key and body.

        Where the server does not honour idempotency keys this may charge twice; that is why only a person
        does it.

        Raises
        ------
        RequestError
            The job's outcome is not unknown.

        Examples
        --------
        >>> job.resend()  # its outcome is known
        Traceback (most recent call last):
        motion_widgets.core.errors.RequestError: ...
        """
        row = self.row
        if row.state != State.UNKNOWN:
            raise RequestError.of("not_unknown", id=self.id, state=row.state)
        self._runner(row).resend(self.id)
        return self

    def write_off(self) -> Job:
        """Give up a job of unknown outcome; its reserved money counts as spent.

        Raises
        ------
        RequestError
            The job is at work or has ended.

        Examples
        --------
        >>> job.write_off()  # its outcome is known
        Traceback (most recent call last):
        motion_widgets.core.errors.RequestError: ...
        """
        if not self._host.log_store.transitions.move(
            self.id, State.WRITTEN_OFF, note=event_note("event_written_off")
        ):
            raise RequestError.of("not_unknown", id=self.id, state=self.state)
        return self

    def _runner(self, row: JobRow) -> Runner:
        runner = self._host.runner_for(row)
        if runner is None:
            raise RequestError.of("other_endpoint", id=self.id, endpoint=row.endpoint)
        return runner

    def __repr__(self) -> str:
        row = self.row
        cost = f", {format_usd(to_usd(row.cost))}" if row.cost is not None else ""
        where = ", SANDBOX" if row.sandbox else ""
        return f"<Job {self.id}: {row.state}{cost}{where}>"


def _rests(host: JobHost, row: JobRow) -> bool:
    """Return whether a job stays as it is until a person acts."""
    if row.state in ENDS:
        return True
    runner = host.runner_for(row)
    if runner is not None and runner.drives(row.id):
        return False
    if row.state == State.UNKNOWN:
        return True
    if is_leased(row):
        return False  # another process is at work on it
    return row.state == State.PLANNED or runner is None or runner.calls_stopped is not None


def all_rest(host: JobHost, rows: Iterable[JobRow]) -> bool:
    """Return whether all of some jobs rest."""
    return all(_rests(host, row) for row in rows)


def wait_all(done: Callable[[], bool], timeout: float | None, name: str) -> None:
    """Wait for a condition in slices, so that an interrupt gets through at once.

    Raises
    ------
    MotionTimeout
        The time ran out.
    """
    until = None if timeout is None else time.monotonic() + timeout
    try:
        while not done():
            left = TICK if until is None else min(TICK, until - time.monotonic())
            if left <= 0:
                raise MotionTimeout.of("wait_over", id=name, seconds=timeout)
            time.sleep(left)
    except KeyboardInterrupt:
        print(say("interrupted", id=name))  # noqa: T201 - it is for the cell
        raise
