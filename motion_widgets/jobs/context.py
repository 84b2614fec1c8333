"""What the stages of a job's life share: a frozen set of collaborators, and how errors are written down.

A stage (`submit`, `poll`, `collect`) gets the context and a job; it keeps no state but its own. What changes
lies in the collaborators: turns in the gate, pauses in the limiter, waits in the clock, and so on.
"""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from motion_widgets.core.errors import BudgetError, HeldError, LogError, MotionError
from motion_widgets.core.logging import brief, report
from motion_widgets.core.messages import say
from motion_widgets.endpoint.errors import AuthError, EndpointError, RedirectError
from motion_widgets.endpoint.responses import redact
from motion_widgets.jobs.scheduling import timing

if TYPE_CHECKING:
    import threading
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.jobs.refunds import RefundCheck
    from motion_widgets.jobs.scheduling.call_gate import CallGate, CircuitBreaker
    from motion_widgets.jobs.scheduling.poll_schedule import DurationModel
    from motion_widgets.jobs.scheduling.submit_limiter import SubmitLimiter
    from motion_widgets.jobs.scheduling.timing import Clock
    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["ClientHolder", "Context", "LogCalls", "error_columns"]

_T = TypeVar("_T")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class LogCalls:
    """Calls the log off the event loop, one call at a time; belongs to one loop.

    A locked database must not stop the loop. Writers of a log take turns anyway, so that more threads at once
    would only wait for each other.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._queue = asyncio.Lock()
        """Held by the one ordinary call whose turn is next."""

    async def __call__(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call a function of the log; once this returns, what it wrote is committed."""
        async with self._queue:
            return await self.first(function, *args, **options)

    async def first(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call a function ahead of the ordinary calls that wait: sending waits for no other jobs' polls."""
        async with self._turn:
            return await asyncio.to_thread(function, *args, **options)

    async def persist(
        self, function: Callable[..., _T], *args: Any, ahead: bool = True, **options: Any
    ) -> _T:
        """Call a function until the log takes what must not be lost: a disk may be full for a while.

        Parameters
        ----------
        ahead
            Ahead of the ordinary calls that wait, as what is sent next waits for it.
        """
        call, tries = self.first if ahead else self, 0
        while True:
            try:
                return await call(function, *args, **options)
            except LogError as error:
                report(error, "write what must not be lost")
                tries += 1
                await asyncio.sleep(timing.backoff(tries))


class ClientHolder:
    """Holds the one client of the endpoint; belongs to one event loop.

    Parameters
    ----------
    make
        Makes a client.
    """

    def __init__(self, make: Callable[[], Awaitable[EndpointClient]]) -> None:
        self._make = make
        self._client: EndpointClient | None = None
        self._making = asyncio.Lock()

    async def get(self) -> EndpointClient:
        """Return the client, made at first use. It may be used for as long as the caller wants."""
        async with self._making:
            if self._client is None:
                self._client = await self._make()
            return self._client

    async def balance(self) -> float | None:
        """Ask for the account's balance in USD. None: unlimited, or not stated."""
        return (await (await self.get()).balance()).remain

    def take(self) -> EndpointClient | None:
        """Return the client, for whoever closes it; from now on `get` makes a new one."""
        client, self._client = self._client, None
        return client

    async def close(self) -> None:
        """Close the client's connections once its calls have ended; `get` makes a new one."""
        client = self.take()
        if client is not None:
            await client.aclose()


@dataclass(frozen=True)
class Context:
    """The collaborators of one endpoint's and account's jobs; they belong to the background loop."""

    log: Log
    db: LogCalls
    owner: str
    """The name under which this process holds leases."""
    client: ClientHolder
    publish: Callable[[EndpointClient, JobRow], Awaitable[dict[str, Any]]]
    """Returns a job's JSON body, its local media published and replaced by links."""
    root: Path
    """The folder that paths are relative to."""
    results: Path
    trusted: bool
    """Whether the endpoint is on this machine, so that its results may be too."""
    shared: Shared | None
    """Where results are put as well. None: they stay here."""
    gate: CallGate
    limiter: SubmitLimiter
    breaker: CircuitBreaker
    clock: Clock
    durations: DurationModel
    refunds: RefundCheck
    closing: threading.Event
    """Set once nothing more is begun."""

    def stop_calls(self, error: EndpointError) -> None:
        """Stop all calls until a person acts, and let whoever waits for one notice."""
        self.breaker.stop_calls(error)
        self.clock.wake()

    async def poll_refused(self, job_id: str, error: EndpointError) -> bool:
        """Judge a 401, 403 or redirect of a poll; return whether all calls are stopped for it.

        One may be stray, and a page is a proxy's or a firewall's. It counts when the account's own call is
        refused as well, or the polls of several jobs in a row.
        """
        if error.is_page:
            return False
        refused = self.breaker.poll_refused(job_id)
        if not refused:
            try:
                await self.client.balance()
            except (AuthError, RedirectError) as own:
                refused = not own.is_page
            except EndpointError:
                pass  # says nothing about the key
        if refused:
            self.stop_calls(error)
        return refused


def error_columns(error: Exception, *, kind: str = "") -> dict[str, Any]:
    """Return the columns that tell a person what went wrong; what nobody expected is logged as well."""
    if isinstance(error, EndpointError):
        code = error.server_code or (str(error.status) if error.status else error.code)
        message = redact(str(error))[:2000]
        return {"error_kind": error.kind or kind, "error_code": code, "error_message": message}
    code = getattr(error, "code", "") or type(error).__name__
    message = str(error)
    if isinstance(error, OSError) and (error.filename is not None or error.errno in _FULL):
        message = say("disk_trouble", why=message)
    elif not isinstance(error, MotionError):
        report(error, "job")
        kind, message = "internal", say("job_unexpected", what=brief(error))
    if isinstance(error, BudgetError | HeldError):
        kind = "budget" if isinstance(error, BudgetError) else "held"
    return {"error_kind": kind or "local", "error_code": code, "error_message": redact(message)[:2000]}
