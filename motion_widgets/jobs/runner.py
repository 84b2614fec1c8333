"""Drives jobs: takes them up under a lease, and leads them through submit, follow and collect.

A row of the log says all that is known, so a job can change hands at any moment: another process takes it
over when its driver has been silent for a lease's length. All coroutines here run on the owned loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from motion_widgets.core.background import on_owned_loop, owned_loop, spawn
from motion_widgets.core.errors import MotionError
from motion_widgets.endpoint.responses import redact
from motion_widgets.jobs.collect import collect
from motion_widgets.jobs.context import Crew, error_columns
from motion_widgets.jobs.poll import follow
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Lane
from motion_widgets.jobs.sleep_guard import Vigil
from motion_widgets.jobs.stay_awake import Awake
from motion_widgets.jobs.submit import recover, submit
from motion_widgets.log.jobs import in_states
from motion_widgets.log.leases import not_leased
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import ENDS, UNDER_WAY, State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.endpoint.errors import EndpointError
    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["Runner"]


@dataclass(frozen=True)
class _Order:
    """What a driver was asked to do with a job."""

    permit: int = 0
    """Number of the person's word by which it may be sent. 0: it may only be followed."""
    resend: bool = False
    in_turn: bool = False
    """It goes in the order asked, whatever takes longest: the order is part of an experiment."""


class Runner:
    """Drives the jobs of one endpoint and account.

    Parameters
    ----------
    log
        Where the jobs are.
    endpoint, account
        Whose jobs.
    client
        Makes the endpoint's client, on the owned loop.
    publish
        Turns a row into the exact JSON body, local media replaced by links.
    known
        Gives that body where nobody has to be asked for it, on any thread. None: `publish` makes it.
    results
        The folder for results; `root` is what paths are kept relative to.
    trusted
        The endpoint is on this machine, so its results may be too.
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
        known: Callable[[JobRow], dict[str, Any] | None],
        root: Path,
        results: Path,
        trusted: bool = False,
        shared: Shared | None = None,
    ) -> None:
        self.log = log
        self.endpoint = endpoint
        self.account = account
        self._crew = Crew(
            log, client=client, publish=publish, known=known, root=root, results=results, trusted=trusted,
            shared=shared,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._orders: dict[str, _Order] = {}  # asked for and not done yet; read by any thread
        self._tasks: dict[str, asyncio.Task[None]] = {}  # of the owned loop alone
        self._permits = 0
        self._void = 0
        self._why: EndpointError | None = None
        self._awake = Awake()
        self.vigil = Vigil(log, endpoint=endpoint, account=account, awake=self._awake)
        self._crew.on_slept = self.vigil.slept
        self._wanted: list[str] = []
        self._claiming: asyncio.Task[dict[str, JobRow]]
        self._learned = False
        self._work = [spawn(self._beating()), spawn(self._crew.clock.ticking())]

    @property
    def owner(self) -> str:
        """By which name leases are taken."""
        return self._crew.owner

    @property
    def stopped(self) -> EndpointError | None:
        """Why nothing more is submitted (401, 402, 403) until a person submits again. None: go."""
        with self._lock:
            return self._why if self._void == self._permits else self._crew.halted

    @property
    def halted(self) -> EndpointError | None:
        """Why jobs at the endpoint are not asked for (401, 403, a redirect) until a person acts. None: go."""
        return self._crew.halted

    # What other threads call.

    def drive(self, *job_ids: str, in_turn: bool = False) -> None:
        """Take jobs up, to the end, because a person said so; what another process drives is watched.

        Parameters
        ----------
        in_turn
            They are sent in this very order, not the longest first.
        """
        with self._lock:
            self._permits += 1
            order = _Order(permit=self._permits, in_turn=in_turn)
        self._ask(order, *job_ids, person=True)
        self.vigil.warn(job_ids)

    def follow(self, *job_ids: str) -> None:
        """Take jobs up that were sent already; nothing is sent, so nothing is spent."""
        self._ask(_Order(), *job_ids, person=True)

    def resend(self, job_id: str) -> None:
        """Send a job of unknown outcome again, same key and body, because a person said so."""
        self._ask(_Order(resend=True), job_id, person=True)

    def drives(self, job_id: str) -> bool:
        """Return whether this process is at work on a job, or watches another that is."""
        with self._lock:
            return job_id in self._orders

    def drives_any(self, job_ids: Iterable[str]) -> bool:
        """Return whether this process is at work on any of some jobs."""
        with self._lock:
            return not self._orders.keys().isdisjoint(job_ids)

    def watch(self, *job_ids: str) -> None:
        """Note that somebody watches jobs now; for a while they are polled more often."""
        fresh = []
        for job_id in job_ids:
            if not self.drives(job_id):
                continue
            if not self._crew.watches(job_id):
                fresh.append(job_id)
            self._crew.watched[job_id] = timing.now() + timing.WATCHED
        for job_id in fresh:
            owned_loop().call_soon_threadsafe(self._crew.clock.wake, job_id)

    def see_off(self) -> None:
        """Wait a moment for what a person asked to send and the endpoint has room for; not on the loop."""
        until = time.monotonic() + timing.PARTING
        while time.monotonic() < until and not self._crew.pace.held and self._unsent():
            time.sleep(0.02)

    def _unsent(self) -> bool:
        with self._lock:
            asked = [job_id for job_id, order in self._orders.items() if order.permit or order.resend]
        rows = self.log.jobs.rows(jobs.c.id.in_(asked[: timing.CALLS]))
        return any(row.state in (State.PLANNED, State.SUBMITTING) for row in rows)

    def close(self) -> None:
        """Stop driving; jobs live on in the log and at the endpoint.

        What is on its way to the endpoint is not broken off: its answer is waited for a moment, and written
        down in the background after that.
        """
        if self._crew.closing:
            return
        self._crew.closing = True
        done = spawn(self._close())
        if not on_owned_loop():
            with contextlib.suppress(concurrent.futures.TimeoutError):
                done.result(timing.PARTING)

    async def balance(self) -> float | None:
        """Ask for the account's money in USD. None: unlimited, or not stated."""
        async with self._crew.gate.slot(Lane.SUBMIT):
            return await self._crew.balance()

    def client(self) -> AbstractAsyncContextManager[EndpointClient]:
        """Use the endpoint's client; it belongs to the owned loop."""
        return self._crew.client()

    def _ask(self, order: _Order, *job_ids: str, person: bool = False) -> None:
        if self._crew.closing or not job_ids:
            return
        if person:
            self._crew.halted = None
        with self._lock:
            for job_id in job_ids:
                have = self._orders.get(job_id, _Order())
                self._orders[job_id] = _Order(
                    max(have.permit, order.permit),
                    resend=have.resend or order.resend,
                    in_turn=order.in_turn if order.permit else have.in_turn,
                )
        spawn(self._begin(*job_ids))

    # On the owned loop.

    async def _begin(self, *job_ids: str) -> None:
        await self._learn()
        for job_id in job_ids:
            if not self._crew.closing and job_id not in self._tasks:
                self._tasks[job_id] = asyncio.get_running_loop().create_task(self._driving(job_id))

    async def _learn(self) -> None:
        """Learn from the log, once, how long tasks take here."""
        if not self._learned:
            self._learned = True
            with contextlib.suppress(MotionError):
                self._crew.forecast.recall(await self._crew.db(self.log.jobs.task_times, self.endpoint))

    async def _claim(self, job_id: str) -> JobRow | None:
        """Take a job's lease, in one transaction with all that want theirs now. None: it is another's."""
        if not self._wanted:
            self._claiming = asyncio.get_running_loop().create_task(self._claim_all())
        self._wanted.append(job_id)
        return (await asyncio.shield(self._claiming)).pop(job_id, None)

    async def _claim_all(self) -> dict[str, JobRow]:
        wanted, self._wanted = self._wanted, []
        rows = await self._crew.db(self.log.leases.claim_all, wanted, self.owner, timing.LEASE)
        return {row.id: row for row in rows}

    async def _driving(self, job_id: str) -> None:
        """Do what was asked until nothing more was asked meanwhile."""
        try:
            while not self._crew.closing:
                with self._lock:
                    order = self._orders.get(job_id, _Order())
                await self._once(job_id, order)
                with self._lock:
                    have = self._orders.get(job_id, order)
                    # One word sends once: whatever else was asked meanwhile does not say "resend" again.
                    left = replace(have, resend=have.resend and not order.resend)
                    if left == replace(order, resend=False):
                        self._orders.pop(job_id, None)
                        return
                    self._orders[job_id] = left
        finally:
            self._tasks.pop(job_id, None)
            if self._crew.closing:
                with self._lock:
                    self._orders.pop(job_id, None)

    async def _once(self, job_id: str, order: _Order) -> None:
        crew, log = self._crew, self.log
        try:
            while (row := await self._claim(job_id)) is None:
                row = await crew.db(log.jobs.get, job_id)
                if row.state in ENDS or (row.state == State.UNKNOWN and not order.resend):
                    return
                await crew.clock.sleep(timing.BEAT, job_id)
            over = False
            try:
                stages = self._stages(row, order)
                del row  # thousands may wait in there
                over = await stages
            finally:
                crew.pace.landed(job_id)
                if not over:
                    await crew.db(log.leases.release, job_id, crew.owner)
        except Exception as error:  # noqa: BLE001 - whatever it was, the row says so and the others go on
            columns = error_columns(error) if isinstance(error, MotionError) else _internal(error)
            with contextlib.suppress(MotionError):
                await crew.db(log.transitions.record, job_id, **columns)

    async def _stages(self, row: JobRow, order: _Order) -> bool:
        """Lead a job through what is left for it. True: it has ended, and its lease with it."""
        crew, log, job_id = self._crew, self.log, row.id
        if row.state == State.SUBMITTING:
            await recover(crew, row)
            row = await crew.db(log.jobs.get, job_id)
        planned = row.state == State.PLANNED and order.permit > 0
        resend = row.state == State.UNKNOWN and order.resend
        if planned or resend:
            group = None if order.in_turn else crew.forecast.group(row)
            del row  # thousands may wait here
            taken = await submit(
                crew, job_id, group=group, resend=resend,
                stopped=lambda: self._stopped_for(order), stop=self._stop,
            )  # fmt: skip
            row = taken if taken is not None else await crew.db(log.jobs.get, job_id)
            del taken
            if crew.closing:
                return False
        if row.state in (State.SUBMITTED, State.RUNNING):
            crew.pace.at_endpoint(job_id)
            following = follow(crew, row)
            del row
            end = await following
            crew.pace.landed(job_id)
            row = end if end is not None else await crew.db(log.jobs.get, job_id)
        if row.state == State.COMPLETED:
            return await collect(crew, row)
        return row.state in ENDS

    def _stop(self, error: EndpointError) -> None:
        """Void all permits: every other submit would meet the same error."""
        with self._lock:
            self._void, self._why = self._permits, error

    def _stopped_for(self, order: _Order) -> EndpointError | None:
        with self._lock:
            return self._why if order.permit <= self._void else self._crew.halted

    async def _beating(self) -> None:
        """Renew leases, take up what a dead process left, and keep the machine awake for what is here."""
        while True:
            self._awake.hold(bool(self._orders))
            with contextlib.suppress(
                MotionError
            ):  # a log that is busy or gone; the jobs' own calls report it
                await self._crew.db(self.log.leases.renew, self.owner, timing.LEASE)
                if not self._crew.closing and self._crew.halted is None:
                    await self._adopt()
            await asyncio.sleep(timing.BEAT)

    async def _adopt(self) -> None:
        mine = in_states(self.endpoint, self.account, UNDER_WAY)
        left = [row.id for row in await self._crew.db(self.log.jobs.rows, mine, not_leased())]
        self._ask(_Order(), *[job_id for job_id in left if not self.drives(job_id)])

    async def _close(self) -> None:
        for job_id, task in list(self._tasks.items()):
            if job_id not in self._crew.unbroken:
                task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for work in self._work:
            work.cancel()
        self._awake.hold(False)
        with self._lock:
            self._orders.clear()
        await self._crew.close()


def _internal(error: Exception) -> dict[str, Any]:
    """Return the columns of an error that should not be."""
    message = redact(f"{type(error).__name__}: {error}")[:1000]
    return {"error_kind": "internal", "error_code": type(error).__name__, "error_message": message}
