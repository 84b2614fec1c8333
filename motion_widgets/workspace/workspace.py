"""A workspace ties an endpoint, a log and a folder together; it is what a notebook opens first.

In the folder: ``log.sqlite`` (unless the log is elsewhere), ``results/``, ``inputs/``, ``mended/`` and
``library/`` (visible, so that Jupyter serves them), ``samples/``, ``sandbox/`` and ``workspace.json``
(which endpoint a person last chose).
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import threading
import warnings
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import or_

from motion_widgets.core.background import spawn
from motion_widgets.core.errors import RequestError
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.messages import say
from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.jobs.job import Job
from motion_widgets.jobs.runner import Runner
from motion_widgets.jobs.shared_store import Shared
from motion_widgets.jobs.sharing import Outbox, Shares
from motion_widgets.jobs.sidecar import read_sidecar
from motion_widgets.log.ids import whoami
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import FOLLOWED, RETRYABLE, State
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from motion_widgets.request.price import PRICES, Estimate, Prices, bound_micro, require_bound
from motion_widgets.workspace.budgets import Budgeted
from motion_widgets.workspace.endpoint_choice import BASE_URL, Target, keep_in_mind, remembered, target_of
from motion_widgets.workspace.inputs import keep_inputs, known_wire, make_folder, require_writable, wire_of
from motion_widgets.workspace.media import Mends
from motion_widgets.workspace.preparation import Appraiser, judge
from motion_widgets.workspace.public_links import Hosting
from motion_widgets.workspace.publishing import Publishes
from motion_widgets.workspace.settings import sandbox_account

if TYPE_CHECKING:
    from collections.abc import Iterable

    from motion_widgets.core.errors import ClipError
    from motion_widgets.core.facts import Clip, Image, Shots
    from motion_widgets.log.rows import JobRow
    from motion_widgets.publishing.destination import Published
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.request.rules import Finding
    from motion_widgets.sandbox import Sandbox
    from motion_widgets.sweep import Run
    from motion_widgets.workspace.endpoint_choice import OnResponse

__all__ = ["BASE_URL", "Workspace", "publish"]

FOLDER = "MOTION_WIDGETS_FOLDER"
LOG = "MOTION_WIDGETS_LOG"
SHARED = "MOTION_WIDGETS_SHARED"
_UNDER_WAY = [str(state) for state in (*FOLLOWED, State.SUBMITTING)]
_OPEN: weakref.WeakSet[Workspace] = weakref.WeakSet()


class Workspace(Publishes, Budgeted, Shares, Mends):
    """A folder with an endpoint and a log.

    Parameters
    ----------
    folder
        Where results and inputs are kept. None: ``MOTION_WIDGETS_FOLDER``, else the working directory.
    endpoint
        ``"sandbox"``, ``"apimart"`` (live) or a base URL with its own `key`. None: what a person last
        switched this folder to, at first the sandbox. A key in the environment never makes anything live.
    log
        A SQLAlchemy URL. None: ``MOTION_WIDGETS_LOG``, else SQLite in the folder.
    key
        The API key, for this kernel only. None: from the environment or the keyring when it is needed.
    shared
        Where a team shares results and inputs: ``s3://bucket/team``, ``file:///mnt/team`` or any other
        address that fsspec writes to. None: ``MOTION_WIDGETS_SHARED``, else they stay in the folder.
    speed
        The sandbox's clock factor. None: its default.

    Raises
    ------
    LogError
        The folder or the log cannot be opened, or `shared` or ``MOTION_WIDGETS_USER`` is of no use.
    RequestError
        The endpoint is none, or a base URL came without a key.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        endpoint: str | None = None,
        log: str | None = None,
        key: str | None = None,
        *,
        shared: str | None = None,
        speed: float | None = None,
    ) -> None:
        secret = Secret(key) if key is not None else None
        del key
        self.folder = Path(folder or os.environ.get(FOLDER) or ".").expanduser().absolute()
        self._target = target_of(endpoint or remembered(self.folder), secret)
        for name in ("results", "inputs"):
            make_folder(self.folder / name)
        whoami()  # a name that is none is said now, not in the middle of a job
        address = shared or os.environ.get(SHARED)
        place = Shared(address, self.folder) if address else None
        own_prices = self.folder / "prices.toml"
        self._appraiser = Appraiser(Prices.load(own_prices) if own_prices.is_file() else PRICES)
        self.log_store = Log(log or os.environ.get(LOG) or self.folder / "log.sqlite")
        self.log = LogView(self.log_store)
        self.outbox = Outbox(self.log_store, place) if place and not self.log_store.read_only else None
        self._speed = speed
        self._lock = threading.RLock()
        self._closed = False
        self._sandbox: Sandbox | None = None
        self._runner: Runner | None = None
        self._hosting: Hosting | None = None
        _OPEN.add(self)
        for notice in self.log_store.notices:
            warnings.warn(notice, UserWarning, stacklevel=2)
        if not self.log_store.read_only and self.log_store.count(*self._mine(), jobs.c.state.in_(_UNDER_WAY)):
            _ = self.runner  # jobs of an earlier kernel are followed on; that costs nothing

    # Endpoint and key.

    def switch(
        self, endpoint: str, *, key: str | Secret | None = None, remember: bool = True,
        on_response: OnResponse | None = None,
    ) -> None:  # fmt: skip
        """Switch to ``"sandbox"`` or ``"apimart"``, because a person said so; the folder remembers it.

        Parameters
        ----------
        endpoint
            Where to go.
        key
            A key for this kernel only. None: from the environment or the keyring.
        remember
            Write the choice down for the next time that this folder is opened.
        on_response
            Called with each request and its response, as `EndpointClient` does.
        """
        target = target_of(endpoint, Secret(key) if isinstance(key, str) else key)
        if on_response is not None:
            target.on_response = on_response
        with self._lock:
            old, self._runner, self._target, self._hosting = self._runner, None, target, None
            if remember:
                keep_in_mind(self.folder, target)
        if old is not None:
            old.close()

    @property
    def prices(self) -> Prices:
        """What a second costs: the folder's ``prices.toml``, else the table that the toolkit ships."""
        return self._appraiser.prices

    @prices.setter
    def prices(self, prices: Prices) -> None:
        self._appraiser.prices = prices

    @property
    def endpoint(self) -> str:
        """``"sandbox"``, ``"apimart"`` or a base address."""
        return self._target.endpoint

    @property
    def base_url(self) -> str:
        """Where the live endpoint is; empty for the sandbox."""
        return self._target.base_url

    @property
    def live(self) -> bool:
        """Whether submitting spends real money."""
        return self._target.live

    @property
    def secret(self) -> Secret | None:
        """The key of the live endpoint. None: there is none, or this is the sandbox."""
        return self._target.secret

    def client(self) -> EndpointClient:
        """Return a client of this workspace's endpoint; whoever asked for it closes it.

        Raises
        ------
        AuthError
            The endpoint is live and there is no key.
        """
        if self.live:
            return self._target.client()
        return EndpointClient(self.sandbox.url, Secret(self.sandbox.token))

    @property
    def account(self) -> str:
        """Under which name the log keeps this account: a salted fingerprint of the key.

        The sandbox's is ``"sandbox"``; in a log outside the folder, which others may share, it is one's own.
        """
        if not self.live and self.log_store.path != self.folder / "log.sqlite":
            return sandbox_account(self.folder)
        return self._target.account(self.log_store.salt)

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox that serves this folder, started at first use."""
        with self._lock:
            if self._closed:
                raise RequestError.of("workspace_closed", name=str(self.folder))
            if self._sandbox is None:
                from motion_widgets.sandbox import Sandbox

                self._sandbox = Sandbox(self.folder / "sandbox", speed=self._speed).start()
            return self._sandbox

    @property
    def hosting(self) -> Hosting:
        """Where media become public, and who agreed; for the endpoint that this workspace is at."""
        with self._lock:
            if self._hosting is None:
                clock = 1.0
                if not self.live:
                    from motion_widgets.sandbox.server import DEFAULT_SPEED

                    clock = self._speed or DEFAULT_SPEED
                self._hosting = Hosting(self.folder, self.log_store, self._target, clock=clock)
            return self._hosting

    def _mine(self) -> tuple[Any, ...]:
        return jobs.c.endpoint == self.endpoint, jobs.c.account == self.account

    # Jobs.

    @property
    def runner(self) -> Runner:
        """What drives this workspace's jobs.

        Raises
        ------
        RequestError
            The workspace was closed.
        """
        with self._lock:
            if self._closed:
                raise RequestError.of("workspace_closed", name=str(self.folder))
            account = self.account
            if self._runner is not None and self._runner.account != account:  # a key turned up meanwhile
                spawn(asyncio.to_thread(self._runner.close))
                self._runner = None
            if self._runner is None:
                self._runner = _runner_for(self, self._target, account)
            return self._runner

    def runner_for(self, row: JobRow) -> Runner | None:
        """Return the runner of a row's endpoint and account. None: the workspace is at another, or closed."""
        mine = (row.endpoint, row.account) == (self.endpoint, self.account)
        return self.runner if mine and not self._closed else None

    def at_work(self, job_ids: Iterable[str]) -> bool:
        """Return whether this process is at work on any of some jobs; nothing is read for it."""
        runner = self._runner
        return runner is not None and runner.drives_any(job_ids)

    def risks(self) -> list[str]:
        """Return what this machine's sleep puts at risk, or did: results whose links die. Empty: nothing."""
        return self._runner.vigil.said() if self._runner is not None else []

    def measure(self, req: MotionRequest) -> tuple[Clip | ClipError | None, Image | ClipError | None]:
        """Measure a request's clip and image; an error stands in for what could not be measured.

        Touches disk or network. None: the request names no file and no link.
        """
        return self._appraiser.measure(req)

    def check(self, req: MotionRequest) -> list[Finding]:
        """Measure a request's media and find all that is wrong with it, for this workspace's endpoint."""
        return self._appraiser.check(req, self._target, hosted=self.publish_to is not None)

    def judge(
        self, req: MotionRequest, clip: Clip | ClipError | None, image: Image | ClipError | None,
        *, hosted: bool | None = None, shots: Shots | None = None,
    ) -> list[Finding]:  # fmt: skip
        """Find all that is wrong with a request whose media were measured, for this workspace's endpoint.

        `hosted`: whether there is a place to publish clips. None: it is looked up, which touches the disk.
        `shots`: what `measure_shots` saw, for hints.
        """
        chosen = self.publish_to is not None if hosted is None else hosted
        return judge(req, clip, image, self._target, hosted=chosen, shots=shots)

    def estimate(self, req: MotionRequest) -> Estimate:
        """Measure a request's clip and estimate what it costs, at this workspace's prices."""
        return self._appraiser.estimate(req)

    def find(self, req: MotionRequest) -> Job | None:
        """Return the job that already answers for the same content. None: submitting would make a new one."""
        key = req.key
        row = self.log_store.latest(self.endpoint, self.account, [key]).get(key)
        return Job(self, row.id) if row is not None and row.state not in RETRYABLE else None

    def submit(self, req: MotionRequest, max_cost: float | None = None, *, new: bool = False) -> Job:
        """Submit a request, or attach to the job that already stands for the same content.

        Parameters
        ----------
        req
            The request; local media are measured now and published before it is sent.
        max_cost
            USD that it may cost at most. Required on a live endpoint, unless it was sent already.
        new
            Pay for a further repeat of the same content.

        Returns
        -------
        Job
            At once; it goes on in the background.

        Raises
        ------
        RequestError
            The request has errors, all of which are in `findings`; or a local file would become public and
            nobody consented (`consent`).
        BudgetError
            No `max_cost` on a live endpoint, or the estimate's upper end exceeds it, or what is left of your
            own budget.
        AuthError
            A live endpoint without a key.
        LogError
            The log or the results folder cannot be written.
        """
        runner = self.runner
        earlier = None if new else self.find(req)
        row = earlier.row if earlier is not None else None
        if earlier is not None and row is not None and row.state != State.PLANNED:
            if row.state == State.SUBMITTING and self._agreed(row, max_cost):
                runner.drive(earlier.id)  # should its driver have died before it was sent, it goes on here
            elif row.state in _UNDER_WAY:
                runner.follow(earlier.id)
            return earlier
        values, cost = self.prepare(req)
        self.require_bound(cost, max_cost)
        self.require_budget(cost)
        self.require_ready()
        self.hosting.require_consent(req)
        kept = keep_inputs(self.log_store, self.folder, req)
        row, _ = self.log_store.add_job({**values, **kept}, new=new)
        self._look_for_unshared()
        if row.state == State.PLANNED:
            runner.drive(row.id)
        elif row.state in _UNDER_WAY:
            runner.follow(row.id)
        return Job(self, row.id)

    def _agreed(self, row: JobRow, bound: float | None) -> bool:
        """Return whether a bound holds what an earlier job may cost."""
        if bound is None:
            return not self.live
        return (row.estimate_high or 0) <= bound_micro(bound)

    def plan_job(
        self, req: MotionRequest, known: dict[Path, tuple[str, str]] | None = None
    ) -> dict[str, Any]:
        """Return the log's columns of a valid request, copies of its local media kept. Nothing is sent.

        `known`: what was kept just now, by file (see `keep_inputs`).

        Raises
        ------
        RequestError
            The request has errors, or a local file would become public without consent.
        LogError
            The folder takes no files.
        """
        values, _ = self.prepare(req)
        self.hosting.require_consent(req)
        kept = keep_inputs(self.log_store, self.folder, req, known)
        self._look_for_unshared()
        return {**values, **kept}

    def require_bound(self, cost: Estimate, bound: float | None) -> None:
        """Raise BudgetError unless a price fits what may be spent (a live endpoint needs a bound)."""
        require_bound(cost, bound, live=self.live)

    def require_ready(self) -> None:
        """Raise unless the key is there and the results folder takes files; nothing is paid for in vain."""
        if self.live:
            self._target.need_key()
        require_writable(self.folder / "results")

    def prepare(self, req: MotionRequest) -> tuple[dict[str, Any], Estimate]:
        """Measure, check and price a request; give the log's columns for it.

        Raises
        ------
        RequestError
            The request has errors.
        """
        columns, cost = self._appraiser.prepare(req, self._target, hosted=self.publish_to is not None)
        where = {"endpoint": self.endpoint, "account": self.account, "sandbox": not self.live}
        return {**where, **columns}, cost

    def restore(self, path: str | Path) -> MotionRequest:
        """Return the request that a result was made of, by the result or the sidecar beside it.

        A result of this log is known by its id or its content; any other by its sidecar alone.

        Raises
        ------
        RequestError
            Nothing here and no sidecar tells what it was made of.
        """
        path = Path(path).expanduser()
        known = [jobs.c.id == path.stem]
        if path.suffix != ".json":
            with contextlib.suppress(OSError):
                known.append(jobs.c.result_sha == sha256_of(path))
        rows = self.log_store.rows(or_(*known), limit=1, newest=True)
        return self.request_of(rows[0]) if rows else read_sidecar(path, self.folder)

    def attach(self, an_id: str) -> Job | Run:
        """Take up a job or a run by its id, after a restart or in another notebook.

        What was sent is followed to its end; nothing is sent, so what is only planned stays so until a person
        submits it again (`submit`, `Plan.run`, `Run.retry`).

        Raises
        ------
        LogError
            The log holds no such id.
        """
        if an_id.startswith("run-"):
            from motion_widgets.sweep import Run

            run = Run(self, an_id)
            self._follow(run.rows())
            return run
        self._follow([self.log_store.job(an_id)])
        return Job(self, an_id)

    def _follow(self, rows: list[JobRow]) -> None:
        ids = [
            row.id
            for row in rows
            if row.state in _UNDER_WAY and (row.endpoint, row.account) == (self.endpoint, self.account)
        ]
        if ids:
            self.runner.follow(*ids)

    def jobs(self, *, limit: int = 50) -> list[Job]:
        """Return the newest jobs of this workspace's endpoint and account."""
        return [Job(self, row.id) for row in self.log_store.rows(*self._mine(), limit=limit, newest=True)]

    def balance(self, timeout: float = 30.0) -> float | None:
        """Ask the endpoint for the account's money in USD. None: unlimited, or not stated.

        Not to be called on the owned loop.
        """
        return spawn(self.runner.balance()).result(timeout)

    def close(self) -> None:
        """Stop the background work; jobs live on at the endpoint and in the log, which stays readable."""
        with self._lock:
            self._closed = True
            runner, self._runner = self._runner, None
        if runner is not None:  # not under the lock: what it waits for may need this workspace
            runner.close()
        with self._lock:
            sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            sandbox.stop()
        if self.outbox is not None:
            self.outbox.close()
        self.log_store.close()
        _OPEN.discard(self)

    def leave(self) -> None:
        """Wait for answers under way, and say how to take up what goes on without this interpreter."""
        if self._runner is not None:
            self._runner.see_off()
            self._runner.close()
        if self.outbox is not None:
            self.outbox.close()
        rows = self.log_store.rows(*self._mine(), jobs.c.state.in_(_UNDER_WAY))
        ids = [row.id for row in rows]
        if ids:
            print(say("still_running", count=len(ids), id=ids[0]))  # noqa: T201 - the last words of a script
        expiring = [row.expires_at or 0 for row in rows if row.state == State.COMPLETED]
        if expiring:
            when = f"{datetime.fromtimestamp(min(expiring) / 1e6, UTC):%Y-%m-%d %H:%M}"
            print(say("results_waiting", count=len(expiring), when=when))  # noqa: T201

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if not hasattr(self, "log"):  # a debugger may look at it while its log is being opened
            return "<Workspace, not opened>"
        where = "SANDBOX" if not self.live else f"LIVE, {self.endpoint}"
        return f"<Workspace {self.folder} ({where}), {len(self.log)} jobs>"


def publish(
    source: object, to: str | None = None, *, life: float | None = None, consent: bool = False,
    name: str | None = None, ws: Workspace | None = None,
) -> Published:  # fmt: skip
    """Return a local image or clip a public link, as `Workspace.publish` does.

    Parameters
    ----------
    ws
        Whose endpoint, consents and memory of links. None: the workspace of the working directory.

    Examples
    --------
    >>> mw.publish(samples.image, ws=ws).url.startswith("http")
    True
    """
    wishes: dict[str, Any] = {"life": life, "consent": consent, "name": name}
    if ws is not None:
        return ws.publish(source, to, **wishes)
    with Workspace() as own:
        return own.publish(source, to, **wishes)


def _runner_for(ws: Workspace, target: Target, account: str) -> Runner:
    """Make the runner of a target; it stays with that target whatever its workspace is switched to."""

    async def client() -> EndpointClient:
        if target.live:
            return target.client()
        sandbox = await asyncio.to_thread(lambda: ws.sandbox)
        return EndpointClient(sandbox.url, Secret(sandbox.token))

    hosting = ws.hosting if target.live else None

    async def publish(made: EndpointClient, row: JobRow) -> dict[str, Any]:
        await asyncio.to_thread(ws.bring_inputs, row)
        wire, doubts = await wire_of(made, row, ws.folder, hosting=hosting)
        for one in [one for one in doubts if one.severity == "warning"]:
            await asyncio.to_thread(ws.log_store.remark, row.id, one.message[:300])
        return wire

    return Runner(
        ws.log_store, endpoint=target.endpoint, account=account, client=client, publish=publish,
        known=functools.partial(known_wire, hosting=hosting), root=ws.folder,
        results=ws.folder / "results", trusted=target.here,
        shared=ws.outbox.shared if ws.outbox is not None else None,
    )  # fmt: skip


def _tell() -> None:
    """Wait for answers under way, then say what goes on without this interpreter, and how to take it up."""
    for ws in list(_OPEN):
        with contextlib.suppress(Exception):
            ws.leave()


# `atexit` comes too late where it can be helped: the threads that look up hosts have ended by then.
getattr(threading, "_register_atexit", atexit.register)(_tell)
