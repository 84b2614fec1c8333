"""What all who work on jobs share: the log, the client, the limits, and how errors are written down."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from os import getpid
from typing import TYPE_CHECKING, Any, TypeVar

from motion_widgets.core.errors import BudgetError, HeldError, LogError, MotionError
from motion_widgets.core.messages import say
from motion_widgets.endpoint.errors import EndpointError
from motion_widgets.endpoint.responses import redact
from motion_widgets.jobs.log_writer import Scribe
from motion_widgets.jobs.refunds import Books
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Gate, Lane
from motion_widgets.jobs.scheduling.clock import Clock
from motion_widgets.jobs.scheduling.poll_schedule import Forecast
from motion_widgets.jobs.scheduling.submit_limiter import Pace
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["Crew", "TakenError", "error_columns"]

_T = TypeVar("_T")


class TakenError(Exception):
    """A job is not this process's to follow any more: another one took it over, or it has ended."""


class Crew:
    """Shared by the rooms that drive a job: `submit`, `follow`, `collect`. Belongs to the owned loop.

    Parameters
    ----------
    log
        Where the jobs are.
    client
        Makes the endpoint's client.
    publish
        Turns a row into the JSON body, local media replaced by links.
    known
        Gives that body where nobody has to be asked for it, on any thread. None: `publish` makes it.
    root
        The folder that paths are kept relative to.
    results
        The folder for results.
    trusted
        The endpoint is on this machine, so its results may be too.
    shared
        Where results are put as well. None: they stay here.
    """

    def __init__(
        self,
        log: Log,
        *,
        client: Callable[[], Awaitable[EndpointClient]],
        publish: Callable[[EndpointClient, JobRow], Awaitable[dict[str, Any]]],
        known: Callable[[JobRow], dict[str, Any] | None],
        root: Path,
        results: Path,
        trusted: bool,
        shared: Shared | None = None,
    ) -> None:
        self.log = log
        self.owner = f"{socket.gethostname()}:{getpid()}:{secrets.token_hex(4)}"
        self.publish = publish
        self.known = known
        self.root = root
        self.results = results
        self.trusted = trusted
        self.shared = shared
        self.gate = Gate()
        self.clock = Clock(self._gap)
        self.forecast = Forecast()
        self.pace = Pace(self.forecast.expected)
        self.books = Books(log, self.db, self.balance)
        self.closing = False
        self.halted: EndpointError | None = None
        """Why nothing is asked any more until a person acts. None: go."""
        self.watched: dict[str, float] = {}
        """Until when (unix s) somebody watches a job."""
        self.on_slept: Callable[[float, float], None] = lambda *_: None
        """Called with the moments (unix s) between which this machine was away."""
        self.unbroken: set[str] = set()
        """Jobs between their intent and the written answer; what is on its way is not cancelled."""
        self._make_client = client
        self._client: EndpointClient | None = None
        self._uses: Counter[EndpointClient] = Counter()
        self._parting: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._scribe = Scribe()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[EndpointClient]:
        """Use the endpoint's client, made at first use; it stays open for as long as somebody does."""
        async with self._lock:
            if self._client is None:
                self._client = await self._make_client()
            client = self._client
        self._uses[client] += 1
        try:
            yield client
        finally:
            self._uses[client] -= 1
            if not self._uses[client]:
                del self._uses[client]
                if client is not self._client:
                    await client.aclose()

    @asynccontextmanager
    async def call(self, lane: Lane, rank: float = 0.0) -> AsyncIterator[EndpointClient]:
        """Use the client when it is this lane's turn."""
        async with self.gate.slot(lane, rank), self.client() as client:
            yield client

    async def balance(self) -> float | None:
        """Ask for the account's money in USD. None: unlimited, or not stated."""
        async with self.client() as client:
            return (await client.balance()).remain

    async def close(self) -> None:
        """Close the client's connections."""
        self.books.close()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
        self._scribe.close()

    def halt(self, error: EndpointError) -> None:
        """Ask and send nothing until a person acts: every other call would meet the same."""
        if self.halted is None:
            self.halted = EndpointError(
                say("asking_stopped", why=str(error)),
                code=error.code,
                status=error.status,
                kind=error.kind,
                server_code=error.server_code,
            )
            self.clock.wake()

    def pause(self, seconds: float) -> None:
        """Ask and send nothing for a while, because the endpoint says so."""
        self.gate.pause(seconds)
        self.pace.pause(seconds)

    def watches(self, job_id: str) -> bool:
        """Return whether somebody watches a job, and forget who looked away."""
        until = self.watched.get(job_id, 0.0)
        if until and until < timing.now():
            self.watched.pop(job_id, None)
        return until >= timing.now()

    def _gap(self, before: float, after: float) -> None:
        """Let new connections be made: the old ones are dead, though they do not know."""
        if after > before:
            self.on_slept(before, after)
        old, self._client = self._client, None
        if old is not None and not self._uses[old]:
            self._parting = asyncio.get_running_loop().create_task(old.aclose())

    @contextmanager
    def whole(self, job_id: str) -> Iterator[None]:
        """Keep a job from being cancelled half-way."""
        self.unbroken.add(job_id)
        try:
            yield
        finally:
            self.unbroken.discard(job_id)

    async def db(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call the log off the loop, in turn; once this returns, what was written is committed."""
        return await self._scribe.call(function, *args, **options)

    async def insist(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call the log until it takes what must not be lost: a disk may be full for a while."""
        tries = 0
        while True:
            try:
                return await self.db(function, *args, **options)
            except LogError:
                tries += 1
                await asyncio.sleep(timing.backoff(tries))

    def moved(self, job_id: str, to: State, **options: Any) -> JobRow:
        """Move a job, if it may (`Transitions.move`), and return its row as it stands then."""
        self.log.transitions.move(job_id, to, **options)
        return self.log.jobs.get(job_id)

    def mine(self, job_id: str) -> JobRow:
        """Return the row of a job that this process follows; for `db`, in the call that writes to it.

        Raises
        ------
        TakenError
            It is not this process's to follow any more.
        """
        row = self.log.jobs.get(job_id)
        if row.lease_owner != self.owner or row.state not in (State.SUBMITTED, State.RUNNING):
            raise TakenError
        return row


def error_columns(error: Exception, *, kind: str = "") -> dict[str, Any]:
    """Return the columns that tell a person what went wrong."""
    if isinstance(error, EndpointError):
        code = error.server_code or (str(error.status) if error.status else error.code)
        message = redact(str(error))[:2000]
        return {"error_kind": error.kind or kind, "error_code": code, "error_message": message}
    code = getattr(error, "code", "") or type(error).__name__
    message = str(error) if isinstance(error, MotionError) else say("disk_trouble", why=str(error))
    if isinstance(error, BudgetError | HeldError):
        kind = "budget" if isinstance(error, BudgetError) else "held"
    return {"error_kind": kind or "local", "error_code": code, "error_message": redact(message)[:2000]}
