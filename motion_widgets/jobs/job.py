"""The job that a user holds: the name of a row of the log, never a copy of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

from motion_widgets.core.arguments import require_workspace, seconds_of
from motion_widgets.core.errors import MotionTimeout, RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd, to_usd
from motion_widgets.endpoint.responses import read_task_id
from motion_widgets.jobs.job_html import html_of
from motion_widgets.log.annotations import KEEP
from motion_widgets.log.engine import now_us
from motion_widgets.log.leases import is_leased
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import ENDS, RETRYABLE, State
from motion_widgets.log.transitions import NO_ERROR, event_note

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    from motion_widgets.jobs.runner import Runner
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log
    from motion_widgets.request.price import Estimate

__all__ = ["Job", "wait_all"]

TICK = 0.15
"""s between two reads of the log; also how soon an interrupt of the kernel gets through."""


class Renewal(Protocol):
    """Preparing jobs anew, for those that a person sends again."""

    def renew(self, row: JobRow, bound: float | None = None) -> dict[str, Any]:
        """Measure, check and price a job's request; return the log's columns for sending it."""

    def price(self, row: JobRow) -> Estimate | None:
        """Return what sending a job's request would cost now. None: there is no price for it."""

    def require_same(self, row: JobRow, bound: float | None = None) -> object:
        """Raise unless a job's request is the one that its key names, and costs `bound` (USD) at most."""


class JobHost(Protocol):
    """What a job needs from its workspace."""

    log_store: Log
    folder: Path

    @property
    def submission(self) -> Renewal:
        """What prepares a job's request anew."""

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
        self._host = require_workspace(host)
        self.id = str(job_id)  # whatever it is, the log says that it holds no such job

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
        return self.row.task_id

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
        return self.row.error_message

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
        return _awaited(self, self._has_rested).__await__()

    def _has_rested(self) -> bool:
        """Return whether the job rests, and note that somebody is watching it."""
        row = self.row
        runner = self._host.runner_for(row)
        if runner is not None:
            runner.watch(self.id)
        return _rests(self._host, row)

    def retry(self, max_cost: float | None = None) -> Job:
        """Start a new attempt after an end without a result; return it.

        It is measured and priced anew.

        Parameters
        ----------
        max_cost
            USD that it may cost at most. None: what it costs now.

        Raises
        ------
        RequestError
            The job has not ended like that, so a second attempt could pay twice; or its request cannot be
            sent.
        BudgetError
            It costs more than `max_cost`.

        Examples
        --------
        >>> job.retry()  # it did not fail
        Traceback (most recent call last):
        motion_widgets.core.errors.RequestError: ...
        """
        row = _drivable(self)
        if row.state not in RETRYABLE:
            raise RequestError.of("not_retryable", id=self.id, state=row.state)
        runner = _runner(self._host, row)
        new, _ = self._host.log_store.jobs.add_attempt(self.id, **self._host.submission.renew(row, max_cost))
        runner.drive(new.id)
        return Job(self._host, new.id)

    def resend(self, max_cost: float | None = None) -> Job:
        """Send a job of unknown outcome again with the same key and body.

        Where the server does not honour idempotency keys this may charge twice; that is why only a person
        does it.

        Parameters
        ----------
        max_cost
            USD that it may be charged once more. None: what it costs now.

        Raises
        ------
        RequestError
            The job's outcome is not unknown, or its request is not what it was.
        BudgetError
            It costs more than `max_cost` now.

        Examples
        --------
        >>> job.resend()  # its outcome is known
        Traceback (most recent call last):
        motion_widgets.core.errors.RequestError: ...
        """
        row = _drivable(self)
        if row.state != State.UNKNOWN:
            raise RequestError.of("not_unknown", id=self.id, state=row.state)
        runner = _runner(self._host, row)
        self._host.submission.require_same(row, max_cost)
        runner.resend(self.id)
        return self

    def adopt(self, task_id: str) -> Job:
        """Take the task id that a person found at the provider for a job of unknown outcome; follow it.

        Raises
        ------
        RequestError
            The job's outcome is not unknown, or this is not a task id or another job's.

        Examples
        --------
        >>> job.adopt("task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ")  # it has its own
        Traceback (most recent call last):
        motion_widgets.core.errors.RequestError: ...
        """
        row, log = _drivable(self), self._host.log_store
        named = read_task_id(task_id.strip() if isinstance(task_id, str) else task_id)
        if not named:
            raise RequestError.of("task_id_wrong", found=str(task_id)[:80])
        runner = _runner(self._host, row)
        other = log.jobs.rows(
            jobs.c.task_id == named, jobs.c.endpoint == row.endpoint, jobs.c.account == row.account, limit=1
        )
        if other and row.state == State.UNKNOWN:
            raise RequestError.of("task_id_taken", task=named, other=other[0].id)
        if row.state != State.UNKNOWN or not log.transitions.move(
            self.id, State.SUBMITTED, note=event_note("event_adopted", task=named),
            task_id=named, submitted=row.sent or now_us(), **NO_ERROR,
        ):  # fmt: skip
            raise RequestError.of("not_adoptable", id=self.id, state=self.state)
        runner.follow(self.id)
        return self

    def write_off(self) -> Job:
        """Write off a job of unknown outcome; its reserved money counts as spent.

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
        _drivable(self)
        if not self._host.log_store.transitions.move(
            self.id, State.WRITTEN_OFF, note=event_note("event_written_off")
        ):
            raise RequestError.of("not_unknown", id=self.id, state=self.state)
        return self

    # What people say of it; `Annotations` says what each takes. They return the job.

    def rate(self, *, usable: bool | None = KEEP, stars: int | None = KEEP) -> Job:
        """Rate the result: whether it is usable, and 1 to 5 stars; what is not given stays as it was.

        >>> job.rate(usable=True, stars=4)
        <Job ...: collected, $0.34, SANDBOX>
        """
        self._host.log_store.annotations.rate(self.id, usable=usable, stars=stars)
        return self

    def tag(self, tag: str) -> Job:
        """Put a tag on the job."""
        self._host.log_store.annotations.tag(self.id, tag)
        return self

    def note(self, text: str) -> Job:
        """Write a note to the job, in the place of the one before it. ``""``: it has none any more."""
        self._host.log_store.annotations.note(self.id, text)
        return self

    def hide(self) -> Job:
        """Put the job out of sight; it must have ended, and `LogView.unhide` brings it back."""
        self._host.log_store.annotations.hide(self.id)
        return self

    def __repr__(self) -> str:
        row = self.row
        cost = f", {format_usd(to_usd(row.cost))}" if row.cost is not None else ""
        where = ", SANDBOX" if row.sandbox else ""
        return f"<Job {self.id}: {row.state}{cost}{where}>"

    def _repr_html_(self) -> str:
        return html_of(self.row, self._host.result_of)


async def _awaited(job: Job, done: Callable[[], bool]) -> Job:
    """Wait as `Job.wait` does, and return the job."""
    # Reading the log is short; sleeping in between lets an interrupt through a cell's top-level await.
    try:
        while not done():
            await asyncio.sleep(TICK)
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        # A kernel's interrupt cancels, and so does the timeout of `asyncio.wait_for`.
        code = "waiting_ended" if isinstance(error, asyncio.CancelledError) else "interrupted"
        print(say(code, id=job.id))  # noqa: T201 - it is for the cell
        raise
    return job


def _drivable(job: Job) -> JobRow:
    """Return a job's row; raise RequestError where it is damaged so that nobody drives it."""
    row = job.row
    if not row.drivable:
        raise RequestError.of("job_damaged", id=job.id)
    return row


def _runner(host: JobHost, row: JobRow) -> Runner:
    """Return what drives a row's job; raise RequestError where the workspace is at another endpoint."""
    runner = host.runner_for(row)
    if runner is None:
        raise RequestError.of("other_endpoint", id=row.id, endpoint=row.endpoint)
    return runner


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
    RequestError
        The `timeout` is no number of seconds.
    """
    until = None if timeout is None else time.monotonic() + seconds_of(timeout)
    try:
        while not done():
            left = TICK if until is None else min(TICK, until - time.monotonic())
            if left <= 0:
                raise MotionTimeout.of("wait_over", id=name, seconds=timeout)
            time.sleep(left)
    except KeyboardInterrupt:
        print(say("interrupted", id=name))  # noqa: T201 - it is for the cell
        raise
