"""A workspace's connection: the endpoint it is at, with its account, its sandbox and what drives its jobs.

Switching makes another connection; jobs at the endpoint that was left stay with the runner that drives them
until it is closed.
"""

from __future__ import annotations

import asyncio
import math
import threading
from typing import TYPE_CHECKING, Any

from motion_widgets.core.arguments import seconds_of
from motion_widgets.core.background import on_owned_loop, spawn
from motion_widgets.core.errors import MotionTimeout, RequestError
from motion_widgets.core.forks import in_child, keep_for_parent, new_rlock
from motion_widgets.core.visitor import confinement
from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.jobs.runner import Runner
from motion_widgets.log.schema import jobs
from motion_widgets.workspace.inputs import wire_of
from motion_widgets.workspace.public_links import PublicLinks
from motion_widgets.workspace.settings import choose, sandbox_account, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from pathlib import Path

    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log
    from motion_widgets.sandbox import Sandbox
    from motion_widgets.workspace.settings import OnAnswer, Target

__all__ = ["Connection", "balance_within"]


class Connection:
    """Where a workspace's requests go.

    Parameters
    ----------
    folder, log
        The workspace's.
    target
        The endpoint to begin with.
    speed
        The sandbox's clock factor. None: its default.
    shared
        Where results are put as well. None: they stay in the folder.
    fetch_inputs
        Fetches the copies of a job's local media that are not in the folder; called on a thread.
    """

    def __init__(
        self,
        folder: Path,
        log: Log,
        target: Target,
        *,
        speed: float | None,
        shared: Shared | None,
        fetch_inputs: Callable[[JobRow], None],
    ) -> None:
        self.target = target
        self._folder, self._log = folder, log
        self._speed, self._shared, self._fetch_inputs = speed, shared, fetch_inputs
        self._lock = new_rlock()
        self._closed = False
        self._sandbox: Sandbox | None = None
        self._runner: Runner | None = None
        self._links: PublicLinks | None = None
        self._inherited = False
        in_child(self._leave_to_parent)

    def switch(
        self, endpoint: str, secret: Secret | None, *, remember: bool, on_answer: OnAnswer | None
    ) -> None:
        """Switch as `Workspace.switch` says."""
        target = target_of(endpoint, secret)
        if on_answer is not None:
            target.on_answer = on_answer
        with self._lock:
            old, self._runner, self.target, self._links = self._runner, None, target, None
            if remember:
                choose(self._folder, endpoint=target.endpoint)
        if old is not None:
            old.close()

    @property
    def secret(self) -> Secret | None:
        """The key of the live endpoint. None: there is none, or this is the sandbox."""
        return self.target.secret

    @property
    def account(self) -> str:
        """Under which name the log keeps this account: a fingerprint of the key and the origin.

        The sandbox's is ``"sandbox"``; in a log outside the folder, which others may share, it is one's own.
        """
        if not self.target.live and self._log.database.path != self._folder / "log.sqlite":
            return sandbox_account(self._folder)
        target = self.target
        name = target.account
        if target.secret is not None:
            self._log.accounts.carry(target.endpoint, name, target.account_before)
        return name

    @property
    def mine(self) -> tuple[Any, ...]:
        """The SQL conditions that a job belongs to this endpoint and account."""
        return jobs.c.endpoint == self.target.endpoint, jobs.c.account == self.account

    def holds(self, row: JobRow) -> bool:
        """Return whether a job belongs to this endpoint and account."""
        return (row.endpoint, row.account) == (self.target.endpoint, self.account)

    def client(self) -> EndpointClient:
        """Return a client of the endpoint; whoever asked for it closes it.

        Raises
        ------
        AuthError
            The endpoint is live and there is no key.
        """
        if self.target.live:
            return self.target.client()
        return EndpointClient(self.sandbox.url, Secret(self.sandbox.token))

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox that serves this folder, started at first use."""
        with self._lock:
            self._require_open()
            if self._sandbox is None:
                from motion_widgets.sandbox import Sandbox

                held, folder = confinement(), self._folder / "sandbox"
                self._sandbox = Sandbox(folder, speed=self._speed, public=held is not None).start()
                if held is not None:
                    held.origins.add(self._sandbox.url)
            return self._sandbox

    @property
    def links(self) -> PublicLinks:
        """Where media become public, and who agreed."""
        with self._lock:
            if self._links is None:
                clock = 1.0
                if not self.target.live:
                    from motion_widgets.sandbox.server import DEFAULT_SPEED

                    clock = self._speed or DEFAULT_SPEED
                self._links = PublicLinks(self._folder, self._log, self.target, clock=clock)
            return self._links

    @property
    def runner(self) -> Runner:
        """What drives the jobs of this endpoint and account.

        Raises
        ------
        RequestError
            The workspace was closed.
        """
        with self._lock:
            self._require_open()
            account = self.account
            if self._runner is not None and self._runner.account != account:  # a key turned up meanwhile
                spawn(asyncio.to_thread(self._runner.close))
                self._runner = None
            if self._runner is None:
                self._runner = self._new_runner(account)
            return self._runner

    @property
    def running(self) -> Runner | None:
        """The runner, if there is one already."""
        return self._runner

    def runner_for(self, row: JobRow) -> Runner | None:
        """Return the runner of a row's endpoint and account. None: this is another, or it is closed."""
        return self.runner if self.holds(row) and not self._closed else None

    def drives_any(self, job_ids: Iterable[str]) -> bool:
        """Return whether this process is at work on any of some jobs; nothing is read for it."""
        runner = self._runner  # another thread may switch meanwhile
        return runner is not None and runner.drives(*job_ids)

    def watch(self, job_ids: Iterable[str]) -> None:
        """Note that somebody waits for jobs; those that this process drives are polled more often."""
        runner = self._runner
        if runner is not None:
            runner.watch(*job_ids)

    def risks(self) -> list[str]:
        """Return what this machine's sleep puts at risk, or did, in sentences. Empty: nothing."""
        runner = self._runner
        return runner.sleep_guard.messages() if runner is not None else []

    def balance(self, timeout: float | None) -> float | None:
        """Ask the endpoint for the account's money in USD (`Workspace.balance`)."""
        patience = math.inf if timeout is None else seconds_of(timeout)
        return balance_within(patience, self.runner.balance())

    def leave(self, *, send: bool) -> list[JobRow]:
        """Send what is still to be sent, if `send`, and stop the runner; return the jobs that were not."""
        runner = self._runner  # a person may switch meanwhile: what is left is where it was asked for
        if runner is None:
            return []
        try:
            if send and not on_owned_loop():
                runner.finish_submits()
        finally:
            runner.close()
        return runner.unsent()

    def close(self) -> None:
        """Stop the runner and the sandbox."""
        with self._lock:
            self._closed = True
            runner, self._runner = self._runner, None
        if runner is not None:  # not under the lock: what it waits for may need the sandbox
            runner.close()
        with self._lock:
            sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            held = confinement()
            if held is not None:  # another visitor's sandbox may get the port
                held.origins.discard(sandbox.url)
            sandbox.stop()

    def _require_open(self) -> None:
        if self._closed:
            code = "workspace_forked" if self._inherited else "workspace_closed"
            raise RequestError.of(code, name=str(self._folder))

    def _leave_to_parent(self) -> None:
        """In a forked process, leave the jobs and the sandbox to the parent, which goes on with them."""
        keep_for_parent(self._runner, self._sandbox)
        self._runner = self._sandbox = None
        self._inherited = self._inherited or not self._closed
        self._closed = True

    def _new_runner(self, account: str) -> Runner:
        """Make the runner of the present target; it stays with that whatever is switched to later."""
        target = self.target
        links = self.links if target.live else None

        async def client() -> EndpointClient:
            if target.live:
                return target.client()
            sandbox = await asyncio.to_thread(lambda: self.sandbox)
            return EndpointClient(sandbox.url, Secret(sandbox.token))

        async def publish(made: EndpointClient, row: JobRow) -> dict[str, Any]:
            await asyncio.to_thread(self._fetch_inputs, row)
            wire, doubts = await wire_of(made, row, self._folder, links=links)
            for one in [one for one in doubts if one.severity == "warning"]:
                await asyncio.to_thread(self._log.transitions.remark, row.id, one.message[:300])
            return wire

        return Runner(
            self._log, endpoint=target.endpoint, account=account, client=client, publish=publish,
            root=self._folder, results=self._folder / "results", trusted=target.here, shared=self._shared,
        )  # fmt: skip


def balance_within(seconds: float, asking: Coroutine[Any, Any, float | None]) -> float | None:
    """Ask for a balance on the background loop.

    Raises
    ------
    MotionTimeout
        It did not come within so many seconds.
    """
    try:
        return spawn(asking).result(min(seconds, threading.TIMEOUT_MAX))
    except TimeoutError:
        raise MotionTimeout.of("balance_slow", seconds=seconds) from None
