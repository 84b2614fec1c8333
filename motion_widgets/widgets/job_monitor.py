"""Jobs under way and lately done, each with what can be done about it."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.errors import LogError, MotionError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.jobs.job import Job
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import ENDS, FOLLOWED, RETRYABLE, UNDER_WAY, State
from motion_widgets.sweep import Run
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.controls import (
    Column,
    assign,
    button,
    flow,
    html,
    live_region,
    note,
    progress_bar,
    set_class,
    shared,
    show,
    status,
)
from motion_widgets.widgets.job_problem import problem_html
from motion_widgets.widgets.row_text import billed, cell_name, state_words, usd, waited

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["JobMonitor"]

PAGE = 8
"""Jobs shown at once; their rows are made at first use, and then only change what they say."""

_ACTIONS: dict[str, tuple[str, ...]] = {
    State.COLLECTED: ("show",),
    State.UNKNOWN: ("keep", "resend", "write_off"),
    State.PLANNED: ("go_on",),
    **dict.fromkeys(RETRYABLE, ("retry", "edit")),
    **dict.fromkeys((State.EXPIRED, State.VANISHED), ("edit",)),
}
_PAID = ("retry", "resend", "go_on")
"""What may spend money; live, its button says so."""
_SILENT = ("event_poll_failed", "the endpoint does not answer; asked again until it does")
"""The note of an event by which the endpoint stopped responding, and what earlier versions wrote."""
MOST = 3
"""Buttons of a row, and runs whose failures are looked at together."""


class _JobRow(w.HBox):
    """One job: its line, its bar, what is wrong with it, and what can be done."""

    def __init__(self, act: Callable[[str, str], None]) -> None:
        super().__init__(layout=shared(w.Layout, width="100%", flex_flow="row wrap"))
        self.add_class("mw-row")
        self._act = act
        self._job_id = ""
        self._actions: tuple[str, ...] = ()
        self._text = html()
        self._buttons = [button("", partial(self._click, number)) for number in range(MOST)]
        self.children = (self._text, *self._buttons)

    def draw(self, row: JobRow | None, text: str, actions: tuple[str, ...]) -> None:
        """Show a job, or nothing."""
        show(self, row is not None)
        if row is None:
            return
        self._job_id, self._actions = row.id, actions
        assign(self._text, "value", text)
        for number, shown in enumerate(self._buttons):
            show(shown, number < len(actions))
            if number < len(actions):
                action = actions[number]
                live = action in _PAID and not row.sandbox
                price = row.reserved if action == "write_off" else row.estimate_high
                label = say(f"action_{action}{'_live' if live else ''}", price=usd(price))
                assign(shown, "description", label)
                assign(shown, "tooltip", f"{label}: {row.id}")
                set_class(shown, "mw-live", live)

    def _click(self, number: int) -> None:
        if number < len(self._actions):
            self._act(self._actions[number], self._job_id)


class JobMonitor(Panel):
    """Follows the jobs of this workspace's endpoint and account.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    on_show
        Called with a job whose result is to be shown. None: the result's path is told.
    on_edit
        Called with a job's request that is to be changed or repeated. None: that is not offered.

    Examples
    --------
    >>> monitor = mw.JobMonitor(ws)
    """

    def __init__(
        self,
        ws: Workspace | None = None,
        *,
        on_show: Callable[[Job], None] | None = None,
        on_edit: Callable[[MotionRequest], None] | None = None,
        watch: bool = True,
    ) -> None:
        super().__init__(ws, watch=watch)
        self._on_show, self._on_edit = on_show, on_edit
        self._patient: set[str] = set()  # unknown jobs that a person left as they are for now
        self._first = 0
        self._moving: list[JobRow] = []
        self._count, self._risks, self._clusters = live_region(), live_region(), live_region()
        self._rows: list[_JobRow] = []
        self._newer = button(say("newer"), lambda: self._turn(-PAGE))
        self._older = button(say("older"), lambda: self._turn(PAGE))
        self._above = (self._count, self.notice, self._risks, self._clusters)
        self._below = (flow(self._newer, self._older),)
        self._body = Column(*self._above, *self._below, cls="mw-body")
        self.fill(self._body)
        self.refresh()
        self.watch()

    def refresh(self) -> None:
        """Draw the newest jobs."""
        mine = (jobs.c.endpoint == self.ws.endpoint, jobs.c.account == self.ws.account)
        log = self.ws.log_store
        rows = log.jobs.rows(*mine, limit=PAGE + 1, offset=self._first, newest=True)
        totals = log.jobs.totals(self.ws.endpoint, self.ws.account)
        unknown = totals.count([State.UNKNOWN])
        drawn = [self._drawing(row) for row in rows[:PAGE]]
        clustered = self._clustered(rows[:PAGE])
        risks = "".join(note(one, say("sleep_head"), kind="warning") for one in self.ws.connection.risks())
        self._moving = [row for row in rows[:PAGE] if row.state in FOLLOWED]
        self.watch_jobs()
        with self.lock:
            said = say("jobs_counts", running=totals.count(UNDER_WAY), done=totals.count(ENDS))
            if unknown:
                said += ". " + say("jobs_unknown", count=unknown)
            assign(self._count, "value", status(escape(said if rows or self._first else say("jobs_none"))))
            assign(self._risks, "value", status(risks))
            assign(self._clusters, "value", status(clustered))
            for _ in drawn[len(self._rows) :]:
                self._rows.append(_JobRow(self._act))
            assign(self._body, "children", (*self._above, *self._rows, *self._below))
            for number, shown in enumerate(self._rows):
                row = rows[number] if number < len(drawn) else None
                shown.draw(row, *(drawn[number] if row is not None else ("", ())))
            show(self._newer, self._first > 0)
            show(self._older, len(rows) > PAGE)

    def _drawing(self, row: JobRow) -> tuple[str, tuple[str, ...]]:
        """Return a job's HTML and what can be done about it."""
        driven = row.state == State.PLANNED and not Job(self.ws, row.id).resting
        waiting = row.id in self._patient
        wrong = problem_html(row, since=self._silent_since(row), driven=driven, waiting=waiting)
        if driven:
            return _line_of(row, wrong), ()
        if row.state == State.UNKNOWN and waiting:
            return _line_of(row, wrong), ("decide",)
        actions = _ACTIONS.get(row.state, ())
        return _line_of(row, wrong), tuple(
            one for one in actions if one != "edit" or self._on_edit is not None
        )

    def _silent_since(self, row: JobRow) -> int | None:
        """Return since when a task that is under way cannot be asked for; None: it can."""
        if row.state not in (State.SUBMITTED, State.RUNNING) or row.error_kind is None:
            return None
        said = [one.at for one in self.ws.log_store.jobs.events(row.id) if one.note in _SILENT]
        return int(said[-1]) if said else None

    def _clustered(self, rows: list[JobRow]) -> str:
        """Return where the failures of the runs that these jobs belong to lie, as HTML."""
        failed = [row for row in rows if row.sweep_id and row.state in ENDS and row.error_kind]
        found = []
        for run_id in list(dict.fromkeys(row.sweep_id or "" for row in failed))[:MOST]:
            with contextlib.suppress(LogError):  # an imported job may name a run that is elsewhere
                found += Run(self.ws, run_id).clusters()
        return "".join(note(str(one), say("clusters_head"), kind="warning") for one in found)

    def watch_jobs(self) -> None:
        """Have the jobs on the page asked for often enough that their bars move."""
        for row in self._moving:
            runner = self.ws.runner_for(row)
            if runner is not None:
                runner.watch(row.id)

    def _turn(self, by: int) -> None:
        self._first = max(self._first + by, 0)
        self.later("page", self._drawn)

    def _drawn(self) -> None:
        self.refresh()

    def _act(self, action: str, job_id: str) -> None:
        """Do what a button says; on a thread, guarded by the log itself against a second click."""

        def work() -> Callable[[], None] | None:
            job = Job(self.ws, job_id)
            if action in ("keep", "decide"):
                (self._patient.add if action == "keep" else self._patient.discard)(job_id)
                return self._drawn
            if action == "edit":
                request = self.ws.request_of(job.row)
                return lambda: self._on_edit(request) if self._on_edit is not None else None
            if action == "show":
                if self._on_show is not None:
                    self._on_show(job)
                    return None
                return lambda: self.announce(say("earlier_at", id=job_id, path=str(job.result)))
            try:
                if action == "go_on":
                    self.ws.connection.runner.drive(job_id)
                else:
                    getattr(job, action)()
            except MotionError as error:
                message = str(error)
                return lambda: self.announce(message, bad=True)
            return lambda: self.announce("")

        self.later(f"{action} {job_id}", work)


def _line_of(row: JobRow, wrong: str) -> str:
    """Return a job as HTML: state, settings, money, time, bar, and what is wrong."""
    money = billed(row) or say("estimated", price=usd(row.estimate_high))
    facts = [
        escape(cell_name(row)),
        escape(money),
        escape(waited(row)),
        f'<span class="mw-small mw-muted">{escape(row.id)}</span>',
    ]
    if row.sandbox:
        facts.append('<span class="mw-small mw-muted">SANDBOX</span>')
    bar = ""
    if row.state in (State.SUBMITTED, State.RUNNING, State.COMPLETED):
        done = row.progress or 0
        bar = progress_bar(done, say("progress_of", percent=done))
    told = " &nbsp; ".join(one for one in facts if one)
    return f"<div><b>{escape(state_words(row))}</b> &nbsp; {told}{bar}{wrong}</div>"
