"""What all who work on jobs share: the log, the client, the limits, and how errors are written down."""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import contextmanager
from os import getpid
from typing import TYPE_CHECKING, Any, TypeVar

from motion_widgets.endpoint.answers import redact
from motion_widgets.endpoint.errors import EndpointError
from motion_widgets.errors import BudgetError, HeldError, LogError, MotionError
from motion_widgets.jobs import timing
from motion_widgets.jobs.pace import Pace
from motion_widgets.texts import say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.log.store import Log, Row

__all__ = ["Crew", "error_columns"]

_T = TypeVar("_T")


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
    root
        The folder that paths are kept relative to.
    results
        The folder for results.
    trusted
        The endpoint is on this machine, so its results may be too.
    """

    def __init__(
        self,
        log: Log,
        *,
        client: Callable[[], Awaitable[EndpointClient]],
        publish: Callable[[EndpointClient, Row], Awaitable[dict[str, Any]]],
        root: Path,
        results: Path,
        trusted: bool,
    ) -> None:
        self.log = log
        self.owner = f"{socket.gethostname()}:{getpid()}:{secrets.token_hex(4)}"
        self.publish = publish
        self.root = root
        self.results = results
        self.trusted = trusted
        self.calls = asyncio.Semaphore(timing.CALLS)
        self.downloads = asyncio.Semaphore(timing.DOWNLOADS)
        self.pace = Pace()
        self.closing = False
        self.unbroken: set[str] = set()
        """Jobs between their intent and the written answer; what is on its way is not cancelled."""
        self._make_client = client
        self._client: EndpointClient | None = None
        self._lock = asyncio.Lock()

    async def client(self) -> EndpointClient:
        """Give the endpoint's client, made at first use."""
        async with self._lock:
            if self._client is None:
                self._client = await self._make_client()
            return self._client

    async def close(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            await self._client.aclose()

    @contextmanager
    def whole(self, job_id: str) -> Iterator[None]:
        """Keep a job from being cancelled half-way."""
        self.unbroken.add(job_id)
        try:
            yield
        finally:
            self.unbroken.discard(job_id)

    async def db(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call the log off the loop: a locked database must not stop the other jobs."""
        try:
            work = asyncio.to_thread(function, *args, **options)
            return await work
        except RuntimeError as error:
            if "shutdown" not in str(error):
                raise
            return function(*args, **options)  # the interpreter ends; what is known is still written down

    async def insist(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call the log until it takes what must not be lost: a disk may be full for a while."""
        tries = 0
        while True:
            try:
                return await self.db(function, *args, **options)
            except LogError:
                tries += 1
                await asyncio.sleep(timing.backoff(tries))

    async def mine(self, job_id: str) -> Row | None:
        """Give a job's row while this process drives it. None: somebody else took it over."""
        row = await self.db(self.log.job, job_id)
        return row if row["lease_owner"] == self.owner else None


def error_columns(error: Exception, *, kind: str = "") -> dict[str, Any]:
    """Give the columns that tell a person what went wrong."""
    if isinstance(error, EndpointError):
        code = error.server_code or (str(error.status) if error.status else error.code)
        message = redact(str(error))[:2000]
        return {"error_kind": error.kind or kind, "error_code": code, "error_message": message}
    code = getattr(error, "code", "") or type(error).__name__
    message = str(error) if isinstance(error, MotionError) else say("disk_trouble", why=str(error))
    if isinstance(error, BudgetError | HeldError):
        kind = "budget" if isinstance(error, BudgetError) else "held"
    return {"error_kind": kind or "local", "error_code": code, "error_message": redact(message)[:2000]}
