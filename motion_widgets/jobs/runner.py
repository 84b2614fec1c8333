"""Drives the jobs of one endpoint and account: under a lease, through submit, poll and collect.

The log says all that is known of a job, so a job can change hands at any moment: another process takes it
over when its runner has been silent for a lease's length. A runner keeps only what a person asked for
(`_Command`) and the tasks that work on it. All coroutines here run on the background loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import secrets
import socket
import threading
import time
from dataclasses import dataclass, replace
from os import getpid
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_

from motion_widgets.core.background import on_owned_loop, owned_loop, spawn, start
from motion_widgets.core.forks import new_lock
from motion_widgets.core.logging import going_on, report
from motion_widgets.jobs.collect import collect
from motion_widgets.jobs.context import ClientHolder, Context, LogCalls, error_columns
from motion_widgets.jobs.poll import poll
from motion_widgets.jobs.refunds import RefundCheck
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import CallGate, CircuitBreaker, Priority
from motion_widgets.jobs.scheduling.poll_schedule import DurationModel
from motion_widgets.jobs.scheduling.submit_limiter import SubmitLimiter
from motion_widgets.jobs.sleep_guard import KeepAwake, SleepGuard
from motion_widgets.jobs.submit import recover, submit
from motion_widgets.log.engine import batches
from motion_widgets.log.jobs import in_states
from motion_widgets.log.leases import not_leased
from motion_widgets.log.names import is_safe_id
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import ENDS, UNDER_WAY, State
from motion_widgets.log.sweep_cells import not_paused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.endpoint.errors import EndpointError
    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["Runner"]


@dataclass(frozen=True)
class _Command:
    """What the runner was asked to do with a job."""

    approval: int = 0
    """Number of the person's approval to send it. 0: it may only be followed."""
    resend: bool = False
    keep_order: bool = False
    """It goes in the order asked, whatever takes longest: the order is part of an experiment."""

    def merged(self, other: _Command) -> _Command:
        """Return both commands in one."""
        keep_order = other.keep_order if other.approval else self.keep_order
        approval = max(self.approval, other.approval)
        return _Command(approval, resend=self.resend or other.resend, keep_order=keep_order)


class Runner:
    """Drives the jobs of one endpoint and account.

    Parameters
    ----------
    log
        Where the jobs are.
    endpoint, account
        Whose jobs.
    client
        Makes the endpoint's client, on the background loop.
    publish
        Turns a row into the exact JSON body, local media replaced by links.
    root
        The folder that paths are relative to.
    results
        The folder for results.
    trusted
        Whether the endpoint is on this machine, so that its results may be too.
    shared
        Where results are put as well. None: they stay here.
    """

    def __init__(
        self,
        log: Log,
        *,
        endpoint: str,
        account: str,
        client: Callable[[], Awaitable[EndpointClient]],
        publish: Callable[[EndpointClient, JobRow], Awaitable[dict[str, Any]]],
        root: Path,
        results: Path,
        trusted: bool = False,
        shared: Shared | None = None,
    ) -> None:
        self.log = log
        self.endpoint = endpoint
        self.account = account
        self.owner = f"{socket.gethostname()}:{getpid()}:{secrets.token_hex(4)}"
        self._awake = KeepAwake()
        self.sleep_guard = SleepGuard(log, endpoint=endpoint, account=account, awake=self._awake)
        db, holder, durations = LogCalls(), ClientHolder(client), DurationModel()
        self.context = Context(
            log=log, db=db, owner=self.owner, client=holder, publish=publish, root=root, results=results,
            trusted=trusted, shared=shared, gate=CallGate(), limiter=SubmitLimiter(durations.expected),
            breaker=CircuitBreaker(), clock=timing.Clock(self._gap), durations=durations,
            refunds=RefundCheck(log, db.first, holder.balance), closing=threading.Event(),
        )  # fmt: skip
        self._lock = new_lock()
        self._commands: dict[str, _Command] = {}  # not done yet; read by any thread
        self._asked: set[str] = set()  # to be sent, since this runner began
        self._unreleased: set[str] = set()  # leased, which is renewed, and perhaps driven by nobody
        self._tasks: dict[str, asyncio.Task[None]] = {}  # of the background loop alone
        self._resting: asyncio.Task[None] | None = None
        self._next_backup = 0.0
        self._durations_known = False
        self._closing_client: asyncio.Task[None] | None = None
        self._work = [start(self._beat(), "renew leases"), start(self.context.clock.run(), "read the clock")]

    # Called by other threads.

    @property
    def calls_stopped(self) -> EndpointError | None:
        """Why the endpoint is not called (401, 403, a redirect) until a person acts. None: it is."""
        return self.context.breaker.calls_stopped

    def drive(self, *job_ids: str, keep_order: bool = False) -> None:
        """Take jobs up and drive them to the end, because a person said so.

        Those that another process drives are watched.

        Parameters
        ----------
        keep_order
            Send them in this very order, not the longest first.
        """
        approval = self.context.breaker.approve(*job_ids)
        self._asked.update(job_ids)
        self._command(_Command(approval, keep_order=keep_order), *job_ids, person=True)
        self.sleep_guard.warn(job_ids)

    def follow(self, *job_ids: str) -> None:
        """Take jobs up that were sent already; nothing is sent, so nothing is spent."""
        self._command(_Command(), *job_ids, person=True)

    def resend(self, *job_ids: str) -> None:
        """Send jobs of unknown outcome again, same key and body, because a person said so."""
        approval = self.context.breaker.approve(decided=True)
        self._command(_Command(approval, resend=True), *job_ids, person=True)

    def drives(self, *job_ids: str) -> bool:
        """Return whether this process is at work on any of some jobs, or watches another that is."""
        with self._lock:
            return not self._commands.keys().isdisjoint(job_ids)

    def watch(self, *job_ids: str) -> None:
        """Note that somebody is watching jobs now; for a while they are polled more often."""
        with self._lock:
            here = [job_id for job_id in job_ids if job_id in self._commands]
        if here:
            owned_loop().call_soon_threadsafe(self.context.clock.watch, *here)

    def finish_submits(self) -> None:
        """Wait while what a person asked to send is being sent and the endpoint has room; not on the loop."""
        before, until = -1, 0.0
        while not self.context.closing.is_set() and not self.context.limiter.crowded:
            began = time.monotonic()
            with self._lock:
                asked = [one for one, what in self._commands.items() if what.approval or what.resend]
            left = self._to_send(asked)
            if left != before:  # one that is tried again and again is no progress
                before, until = left, time.monotonic() + timing.PARTING
            if not left or time.monotonic() > until:
                return
            # Thousands take long to count, and those who send them need the time.
            time.sleep(max(0.05, 4 * (time.monotonic() - began)))

    def unsent(self) -> list[JobRow]:
        """Return the jobs that a person asked to send and that were not."""
        asked = tuple(self._asked)  # other threads may add to it meanwhile
        planned = jobs.c.state == str(State.PLANNED)
        return [row for some in batches(asked) for row in self.log.jobs.rows(jobs.c.id.in_(some), planned)]

    def _to_send(self, asked: Iterable[str]) -> int:
        """Count the jobs that are being sent, or will be by themselves: those of a paused run will not."""
        waits = and_(jobs.c.state == str(State.PLANNED), not_paused())
        to_send = or_(waits, jobs.c.state == str(State.SUBMITTING))
        return sum(self.log.jobs.count(jobs.c.id.in_(some), to_send) for some in batches(asked))

    def close(self) -> None:
        """Stop driving; jobs live on in the log and at the endpoint.

        What is on its way to the endpoint is not broken off: its answer is waited for a moment, and written
        down in the background after that.
        """
        if self.context.closing.is_set():
            return
        self.context.closing.set()
        done = spawn(self._close())
        if not on_owned_loop():
            with contextlib.suppress(concurrent.futures.TimeoutError):  # it goes on closing there
                done.result(timing.PARTING)

    async def balance(self) -> float | None:
        """Ask for the account's balance in USD. None: unlimited, or not stated."""
        async with self.context.gate.slot(Priority.SUBMIT):
            return await self.context.client.balance()

    def _command(self, command: _Command, *job_ids: str, person: bool = False) -> None:
        job_ids = tuple(filter(is_safe_id, job_ids))  # a row with another id is none of ours
        if self.context.closing.is_set() or not job_ids:
            return
        if person:
            self.context.breaker.reset()
        with self._lock:
            for job_id in job_ids:
                self._commands[job_id] = self._commands.get(job_id, _Command()).merged(command)
        start(self._begin(*job_ids), "begin jobs")

    # On the background loop.

    async def _begin(self, *job_ids: str) -> None:
        """Begin to work on jobs that nobody here works on; their leases are taken in one transaction."""
        ctx = self.context
        if not self._durations_known:
            self._durations_known = True
            with going_on("learn how long jobs take"):
                ctx.durations.learn_all(await ctx.db(self.log.jobs.task_times, self.endpoint))
        new = [job_id for job_id in job_ids if job_id not in self._tasks]
        try:
            claimed = await ctx.db.first(self.log.leases.claim_all, new, self.owner, timing.LEASE)
            rows = {row.id: row for row in claimed}
        except Exception as error:  # noqa: BLE001 - each of them tries by itself, and writes down why it cannot
            report(error, "lease jobs")
            rows = {}
        for job_id in new:
            if not ctx.closing.is_set() and job_id not in self._tasks:
                work = self._work_on(job_id, rows.get(job_id))
                self._tasks[job_id] = asyncio.get_running_loop().create_task(work)

    async def _work_on(self, job_id: str, row: JobRow | None) -> None:
        """Do what was asked until nothing more was asked meanwhile; `row`: as it was claimed, if it was."""
        closing = self.context.closing
        try:
            while not closing.is_set():
                with self._lock:
                    command = self._commands.get(job_id, _Command())
                await self._carry_out(command, job_id, row)
                row = None
                with self._lock:
                    now = self._commands.get(job_id, command)
                    # A resend is carried out once, whatever else was asked meanwhile.
                    left = replace(now, resend=now.resend and not command.resend)
                    if left == replace(command, resend=False):
                        self._commands.pop(job_id, None)
                        return
                    self._commands[job_id] = left
        finally:
            self._tasks.pop(job_id, None)
            if closing.is_set():
                with self._lock:
                    self._commands.pop(job_id, None)
            elif not self._tasks:
                if self._resting is not None:
                    self._resting.cancel()  # one is enough, and closing ends it
                self._resting = asyncio.get_running_loop().create_task(self._back_up())

    async def _back_up(self) -> None:
        """Complete the log's file once nothing has been at work for a while, and back it up now and then."""
        await asyncio.sleep(timing.BACKUP_AFTER)
        if self._tasks:
            return
        with going_on("complete the log's file"):  # SQLite reads it together with its journal anyway
            await asyncio.to_thread(self.log.database.checkpoint)
        if time.monotonic() < self._next_backup:
            return
        self._next_backup = time.monotonic() + timing.BACKUP_EVERY
        with going_on("back the log up"):  # the log itself is whole; the copy is made another time
            await asyncio.to_thread(self.log.back_up)

    async def _carry_out(self, command: _Command, job_id: str, row: JobRow | None) -> None:
        """Drive a job under its lease, or watch whoever does until it ends or its lease is free."""
        ctx, log = self.context, self.log
        try:
            while row is None:
                row = next(iter(await ctx.db(log.leases.claim_all, [job_id], self.owner, timing.LEASE)), None)
                if row is None:
                    seen = await ctx.db(log.jobs.get, job_id)
                    if seen.state in ENDS or (seen.state == State.UNKNOWN and not command.resend):
                        return
                    await ctx.clock.sleep(timing.BEAT, job_id)
            leased = True
            try:
                leased = not await self._drive_stages(command, row)
            finally:
                ctx.limiter.task_ended(job_id)
                if leased:
                    self._unreleased.add(job_id)
                    await ctx.db(log.leases.release, job_id, self.owner)
                self._unreleased.discard(job_id)
        except Exception as error:  # noqa: BLE001 - whatever it was, the row says so and the others go on
            with going_on("write down why a job rests"):
                await ctx.db(log.transitions.record, job_id, **error_columns(error))

    async def _drive_stages(self, command: _Command, row: JobRow) -> bool:
        """Lead a job through the stages that are left for it; return whether its lease ended with it."""
        ctx, log, job_id = self.context, self.log, row.id
        if row.state == State.SUBMITTING:
            await recover(ctx, row)
            row = await ctx.db(log.jobs.get, job_id)
        resend = row.state == State.UNKNOWN and command.resend
        if resend or (row.state == State.PLANNED and command.approval > 0):
            group = None if command.keep_order else ctx.durations.group(row)
            accepted = await submit(ctx, job_id, group=group, approval=command.approval, resend=resend)
            row = accepted if accepted is not None else await ctx.db(log.jobs.get, job_id)
            if ctx.closing.is_set():
                return False
        ended: JobRow | None = None
        if row.state in (State.SUBMITTED, State.RUNNING):
            ctx.limiter.task_running(job_id)
            ended = await poll(ctx, row)
            ctx.limiter.task_ended(job_id)
            row = ended if ended is not None else await ctx.db(log.jobs.get, job_id)
        return row.state == State.COMPLETED and await collect(ctx, row, told=ended is not None)

    async def _beat(self) -> None:
        """Renew leases, take up what a dead process left, and keep the machine awake for what is here."""
        ctx = self.context
        left = in_states(self.endpoint, self.account, UNDER_WAY)
        while True:
            self._awake.hold(bool(self._commands))
            with going_on("renew leases"):  # a log may be busy; without this loop jobs would change hands
                # Not in turn: thousands of jobs may be waiting for theirs while the leases run out.
                await asyncio.to_thread(self.log.leases.renew, self.owner, timing.LEASE)
                if not ctx.closing.is_set() and ctx.breaker.calls_stopped is None:
                    free = {row.id for row in await ctx.db(self.log.jobs.rows, left, not_leased())}
                    free |= self._unreleased
                    self._command(_Command(), *[job_id for job_id in free if not self.drives(job_id)])
            await asyncio.sleep(timing.BEAT)

    def _gap(self, before: float, after: float) -> None:
        """Let new connections be made after a gap in time: the old ones are dead without knowing it."""
        if after > before:
            with going_on("note a gap in time"):
                self.sleep_guard.note_gap(before, after)
        old = self.context.client.take()  # at once: who noticed the gap calls before any task begins
        if old is not None:
            self._closing_client = asyncio.get_running_loop().create_task(old.aclose())

    async def _close(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for work in self._work:
            work.cancel()
        if self._resting is not None:
            self._resting.cancel()
        self._awake.hold(False)
        with self._lock:
            self._commands.clear()
        self.context.refunds.close()
        await self.context.client.close()
