"""A workspace ties an endpoint, a log and a folder together; it is what a notebook opens first.

In the folder: ``log.sqlite`` (unless the log is elsewhere), ``results/``, ``inputs/``, ``mended/`` and
``library/`` (visible, so that Jupyter serves them), ``samples/``, ``sandbox/`` and ``workspace.json``.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from motion_widgets.core.arguments import count_of
from motion_widgets.core.hidden import hidden, variable
from motion_widgets.endpoint.api_key import secret_of
from motion_widgets.jobs.job import Job
from motion_widgets.jobs.shared_store import Shared
from motion_widgets.log.names import current_person
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from motion_widgets.sweep.plan import Plan
from motion_widgets.sweep.run import Run
from motion_widgets.workspace.at_exit import OPEN, leave
from motion_widgets.workspace.budgets import PersonalBudgets
from motion_widgets.workspace.connection import Connection
from motion_widgets.workspace.folder import open_folder
from motion_widgets.workspace.inputs import make_folder
from motion_widgets.workspace.media import Media
from motion_widgets.workspace.preparation import Preparation
from motion_widgets.workspace.publishing import Publishing
from motion_widgets.workspace.settings import accept_prices, remembered, target_of, unbelieved
from motion_widgets.workspace.submission import Submission
from motion_widgets.workspace.team import Team

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from motion_widgets.core.facts import Clip, Image
    from motion_widgets.endpoint.api_key import Secret
    from motion_widgets.jobs.runner import Runner
    from motion_widgets.log.rows import JobRow
    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.media.samples import SampleMedia
    from motion_widgets.publishing.destination import Published
    from motion_widgets.request.findings import Findings
    from motion_widgets.request.price import Estimate, Prices
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep.design import Design
    from motion_widgets.workspace.budgets import Budget
    from motion_widgets.workspace.library import Library
    from motion_widgets.workspace.media import Mended
    from motion_widgets.workspace.settings import OnAnswer

__all__ = ["Workspace"]

LOG = "MOTION_WIDGETS_LOG"
SHARED = "MOTION_WIDGETS_SHARED"


class Workspace:
    """A folder with an endpoint and a log.

    >>> with mw.Workspace(folder, endpoint="sandbox") as ws:
    ...     print(ws.endpoint, ws.live)
    sandbox False

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
    visitor
        Whether strangers drive this kernel: the sandbox only, no secrets, in a folder that ends with it.
        None: under Voilà. False: nobody else opens the page.

    Raises
    ------
    LogError
        The folder or the log cannot be opened, or `shared` or ``MOTION_WIDGETS_USER`` is not usable.
    RequestError
        The endpoint is none of these, or a base URL came without a key, or a visitor may not have it.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        endpoint: str | None = None,
        log: str | None = None,
        key: str | None = None,
        *, shared: str | None = None, speed: float | None = None, visitor: bool | None = None,
    ) -> None:  # fmt: skip
        key_of, log_of = hidden(key), hidden(log)
        del key, log  # verbose tracebacks show the locals of this frame
        secret = secret_of(key_of)
        self.folder = open_folder(folder, visitor=visitor, elsewhere=bool(log_of() or shared))
        target = target_of(endpoint or remembered(self.folder), secret)
        for name in ("results", "inputs"):
            make_folder(self.folder / name)
        current_person()  # a wrong name is an error now, not in the middle of a job
        place = Shared(address, self.folder) if (address := shared or variable(SHARED)) else None
        self.log_store = Log(log_of() or variable(LOG) or self.folder / "log.sqlite")
        self.log = LogView(self.log_store, lambda: self.live)
        self.team = Team(self.log_store, self.folder, place)
        self.connection = Connection(
            self.folder, self.log_store, target, speed=speed,
            shared=self.team.shared, fetch_inputs=self._fetch_inputs,
        )  # fmt: skip
        self.preparation = Preparation(self.folder, self.log_store, self.connection)
        self.publishing = Publishing(self.folder, self.log_store, self.connection)
        self.personal_budgets = PersonalBudgets(self.log_store, self.connection)
        self.submission = Submission(
            self.log_store, self.folder, connection=self.connection, team=self.team,
            preparation=self.preparation, budgets=self.personal_budgets,
        )  # fmt: skip
        self.media = Media(self.log_store, self.folder)
        OPEN.add(self)
        self.notices = (
            *unbelieved(self.folder), *self.log_store.database.notices, *self.preparation.rotated.notices(),
        )  # fmt: skip
        for notice in self.notices:
            warnings.warn(notice, UserWarning, stacklevel=2)
        if not self.log_store.read_only and self.submission.under_way():
            _ = self.connection.runner  # jobs of an earlier kernel are followed on; that costs nothing

    def switch(
        self, endpoint: str, *, key: str | Secret | None = None, remember: bool = True,
        on_answer: OnAnswer | None = None,
    ) -> None:  # fmt: skip
        """Switch to ``"sandbox"`` or ``"apimart"``, because a person said so.

        `key` is as above. With `remember` the folder opens there the next time. `on_answer` is called with
        each request and what was answered.
        """
        key_of = hidden(key)
        del key
        self.connection.switch(endpoint, secret_of(key_of), remember=remember, on_answer=on_answer)

    @property
    def endpoint(self) -> str:
        """``"sandbox"``, ``"apimart"`` or a base address."""
        return self.connection.target.endpoint

    @property
    def live(self) -> bool:
        """Whether submitting spends real money."""
        return self.connection.target.live

    @property
    def account(self) -> str:
        """Under which name the log keeps this account (`Connection.account`)."""
        return self.connection.account

    @property
    def prices(self) -> Prices:
        """What a second costs: the folder's accepted ``prices.toml``, else what the toolkit ships."""
        return self.preparation.prices

    @prices.setter
    def prices(self, prices: Prices) -> None:
        self.preparation.prices = prices

    def accept_prices(self) -> None:
        """Let the folder's ``prices.toml`` count as it is now; a changed one has to be accepted again."""
        self.prices = accept_prices(self.folder)

    def balance(self, timeout: float | None = 30.0) -> float | None:
        """Ask the endpoint for the account's money in USD. None: unlimited, or not stated.

        Not to be called on the background loop. MotionTimeout: no answer within `timeout` s (None: wait).
        """
        return self.connection.balance(timeout)

    def check(self, req: MotionRequest) -> Findings:
        """Measure a request's media and find all that is wrong with it, for this workspace's endpoint."""
        return self.preparation.check(req)

    def estimate(self, req: MotionRequest) -> Estimate:
        """Measure a request's clip and estimate what it costs, at this workspace's prices."""
        return self.preparation.estimate(req)

    def plan(self, design: Design) -> Plan:
        """Measure, check and price every cell of a sweep; nothing is sent."""
        return Plan(design, self)

    # Jobs.

    def find(self, req: MotionRequest) -> Job | None:
        """Return the job that answers for the same content, by whichever key. None: there is none yet."""
        row = self.submission.find(req) or next(iter(self.preparation.rotated.paid([req.key])), None)
        return Job(self, row.id) if row is not None else None

    def submit(self, req: MotionRequest, max_cost: float | None = None, *, new: bool = False) -> Job:
        """Submit a request, or attach to the job that already stands for the same content.

        >>> job = ws.submit(req, max_cost=0.50)
        >>> ws.submit(req, max_cost=0.50).id == job.id  # the same content is not paid for twice
        True

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
            The request has errors (all in `findings`), or a local file would become public without consent.
        BudgetError
            No `max_cost` on a live endpoint, or the upper estimate exceeds it or what is left of your budget.
        AuthError
            A live endpoint without a key.
        LogError
            The log or the results folder cannot be written.
        """
        job = Job(self, self.submission.submit(req, max_cost, new=new))
        self.team.wake()
        return job

    def restore(self, path: str | Path) -> MotionRequest:
        """Return the request that a result was made of, by the result or the sidecar beside it.

        A result of this log is known by its id or its content; any other by its sidecar alone.

        Raises
        ------
        RequestError
            Nothing here and no sidecar tells what it was made of.
        """
        return self.team.restore(path)

    def attach(self, an_id: str, *, same_account: bool = False) -> Job | Run:
        """Take up a job or a run by its id, after a restart or in another notebook.

        What was sent is followed to its end; nothing is sent, so what is only planned stays so until a person
        submits it again (`submit`, `Plan.run`, `Run.retry`). A warning says what was sent with another key;
        with `same_account`, as this key is a new one of the same account, it is followed with this.

        >>> ws.attach(job.id)
        <Job ...: collected, $0.34, SANDBOX>

        Raises
        ------
        LogError, RequestError
            The log holds no such id; or, with `same_account`, it belongs to another endpoint.
        """
        an_id = str(an_id)  # whatever it is, the log holds no such id
        run = Run(self, an_id) if an_id.startswith("run-") else None
        rows = [self.log_store.jobs.get(an_id)] if run is None else run.rows()
        for notice in self.submission.take_up(rows, an_id, same_account=same_account):
            warnings.warn(notice, UserWarning, stacklevel=2)
        return Job(self, an_id) if run is None else run

    def jobs(self, *, limit: int = 50) -> list[Job]:
        """Return the newest jobs of this workspace's endpoint and account."""
        rows = self.log_store.jobs.rows(*self.connection.mine, limit=count_of(limit), newest=True)
        return [Job(self, row.id) for row in rows]

    def runner_for(self, row: JobRow) -> Runner | None:
        """Return what drives a job (`Connection.runner_for`). None: it is another endpoint's or account's."""
        return self.connection.runner_for(row)

    def _fetch_inputs(self, row: JobRow) -> None:
        """Fetch a job's inputs for the runner, which thereby keeps this workspace alive while it works."""
        self.team.fetch_inputs(row)

    # Sharing, publishing, budgets and media: names of the contract, kept by the collaborators.

    @property
    def shared(self) -> str | None:
        """Where results and inputs are shared, as it is shown. None: they are on this machine only."""
        return self.team.label

    def share(self, *, everything: bool = False) -> int:
        """Put on the shared path now what is only here; return how many files (`Team.share`)."""
        return self.team.share(everything=everything)

    def result_of(self, row: JobRow) -> Path | None:
        """Return a job's result, fetched from the shared path where it is not here (`Team.result_of`)."""
        return self.team.result_of(row)

    def request_of(self, row: JobRow) -> MotionRequest:
        """Return a job's request, ready to be sent again (`Team.request_of`).

        >>> ws.request_of(job.row).mode
        'std'
        """
        return self.team.request_of(row)

    @property
    def publish_to(self) -> str | None:
        """Where local clips are published when a job is submitted live. None: nowhere.

        A destination as `publish` takes it; the folder remembers it. Images go through the endpoint's upload.
        """
        return self.connection.links.publish_to

    @publish_to.setter
    def publish_to(self, to: str | None) -> None:
        self.connection.links.publish_to = to

    def consent(self, *to: str, given: bool = True) -> None:
        """Agree that local images and clips become public at destinations; the folder remembers it.

        None named: those that jobs use (the endpoint's upload and `publish_to`). `given=False` takes it back;
        what is public already stays so. Nothing that may show a person is published before.
        """
        self.connection.links.consent(*to, given=given)

    def publish(
        self, source: object, to: str | None = None, *, life: float | None = None, consent: bool = False,
        name: str | None = None,
    ) -> Published:  # fmt: skip
        """Return a public link of a local image or clip (`Publishing.publish`).

        >>> ws.publish(samples.image).url.startswith("http")
        True
        """
        return self.publishing.publish(source, to, life=life, consent=consent, name=name)

    def budget(self, person: str | None = None) -> Budget | None:
        """Return what a person (None: you) may spend here. None: no limit was set (`PersonalBudgets.of`).

        >>> ws.budget("bo") is None  # nobody set one
        True
        """
        return self.personal_budgets.of(person)

    def set_budget(
        self, limit: float | None, person: str | None = None, *, since: str | date | None = None
    ) -> Budget:
        """Set what a person (None: you) may spend here, in USD (`PersonalBudgets.set`).

        >>> ws.set_budget(50, "ana").left
        50.0
        """
        return self.personal_budgets.set(limit, person, since=since)

    def mend(self, source: str | Path | Clip | Image, operation: Operation, **how: Any) -> Mended:
        """Mend a local clip or image into ``mended/``, with its provenance in the log (`Media.mend`).

        >>> mended = ws.mend(samples.clip_12s, mw.Operation("trim_clip", {"start": 0.0, "length": 9.9}))
        >>> mended.result.length <= 10
        True
        """
        return self.media.mend(source, operation, **how)

    def undo_mend(self, mend_id: str) -> Path:
        """Take a mend back and return the file that it was made of (`Media.undo_mend`)."""
        return self.media.undo_mend(mend_id)

    @property
    def library(self) -> Library:
        """The clips and images in ``library/`` that are used again and again."""
        return self.media.library

    def samples(self) -> SampleMedia:
        """Return the reference image and clips that come with the toolkit, drawn at first use."""
        return self.media.samples()

    def close(self, *, send: bool = True) -> None:
        """Send what is still to be sent, if `send`, and say what was not and what goes on; the log stays."""
        leave(self, send=send)
        self.connection.close()
        self.log_store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(send=kind is None)  # an error or an interrupt spends nothing more

    def __dir__(self) -> list[str]:
        named = {*vars(type(self)), "folder", "log", "notices"} - {"runner_for", "result_of"}
        return [one for one in named if not one.startswith("_")]  # the rest is for the other rooms

    def __repr__(self) -> str:
        if not hasattr(self, "log"):  # a debugger may look at it while its log is being opened
            return "<Workspace, not opened>"
        where = "SANDBOX" if not self.live else f"LIVE, {self.endpoint}"
        return f"<Workspace {self.folder} ({where}), {len(self.log)} jobs>"
