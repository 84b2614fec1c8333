"""Jobs under way and lately ended, each with what can be done about it."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.errors import LogError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.jobs.job import Job
from motion_widgets.log.states import ENDS, FOLLOWED, RETRYABLE, UNDER_WAY, State
from motion_widgets.sweep import Run
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.row_text import billed, cell_name, problem_html, state_words, usd, waited

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
MOST = 3
"""Buttons of a row, and runs whose failures are grouped."""


class _JobRow(w.HBox):
    """One job: its line, its progress, what is wrong with it, and what can be done."""

    def __init__(self, act: Callable[[str, str], None]) -> None:
        super().__init__(layout=ui.shared(w.Layout, width="100%", flex_flow="row wrap"))
        self.add_class("mw-row")
        self._row: JobRow | None = None
        self._text = ui.html()
        self._actions = ui.Choices(lambda action: act(action, self._row.id if self._row else ""), most=MOST)
        self.children = (self._text, *self._actions.buttons)

    def draw(self, row: JobRow | None, text: str, actions: tuple[str, ...]) -> None:
        """Show a job, or nothing."""
        ui.show(self, row is not None)
        if row is not None:
            self._row = row
            ui.assign(self._text, "value", text)
            self._actions.offer(actions, partial(_draw_action, row))


def _draw_action(row: JobRow, shown: w.Button, action: str) -> None:
    live = action in _PAID and not row.sandbox
    price = row.reserved if action == "write_off" else row.estimate_high
    label = say(f"action_{action}{'_live' if live else ''}", price=usd(price))
    ui.label_button(shown, label, tooltip=f"{label}: {row.id}", live=live)


class JobMonitor(Panel):
    """Follows the jobs of this workspace's endpoint and account.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    on_show
        Called with a job whose result is to be shown. None: its path is named.
    on_edit
        Called with the request of a job that is to be changed or repeated. None: that is not offered.

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
        self._patient: set[str] = set()
        """Jobs of unknown outcome that a person left as they are for now."""
        self._first = 0
        self._moving: list[JobRow] = []
        self._count, self._risks, self._clusters = ui.live_region(), ui.live_region(), ui.live_region()
        self._rows: list[_JobRow] = []
        self._newer = ui.button(say("newer"), lambda: self._turn(-PAGE))
        self._older = ui.button(say("older"), lambda: self._turn(PAGE))
        self._above = (self._count, self.notice, self._risks, self._clusters)
        self._below = (ui.flow(self._newer, self._older),)
        self._body = ui.Column(*self._above, *self._below, cls="mw-body")
        self.fill(self._body)
        self.refresh()
        self.watch()

    def refresh(self) -> None:
        """Draw the newest jobs."""
        log, mine = self.ws.log_store, self.ws.connection.mine
        rows = log.jobs.rows(*mine, limit=PAGE + 1, offset=self._first, newest=True)
        more, rows = len(rows) > PAGE, rows[:PAGE]
        said = say("jobs_none")
        if rows or self._first:
            totals = log.jobs.totals(self.ws.endpoint, self.ws.account)
            said = say("jobs_counts", running=totals.count(UNDER_WAY), done=totals.count(ENDS))
            if unknown := totals.count([State.UNKNOWN]):
                said += ". " + say("jobs_unknown", count=unknown)
        drawn = [self._drawing(row) for row in rows]
        clustered = self._clustered(rows)
        risks = "".join(ui.note(one, say("sleep_head"), kind="warning") for one in self.ws.connection.risks())
        self._moving = [row for row in rows if row.state in FOLLOWED]
        self.watch_jobs()
        with self.lock:
            ui.speak(self._count, escape(said))
            ui.speak(self._risks, risks)
            ui.speak(self._clusters, clustered)
            self._rows += [_JobRow(self._act) for _ in drawn[len(self._rows) :]]
            ui.assign(self._body, "children", (*self._above, *self._rows, *self._below))
            for number, shown in enumerate(self._rows):
                if number < len(drawn):
                    shown.draw(rows[number], *drawn[number])
                else:
                    shown.draw(None, "", ())
            ui.show(self._newer, self._first > 0)
            ui.show(self._older, more)

    def _drawing(self, row: JobRow) -> tuple[str, tuple[str, ...]]:
        """Return a job's HTML and what can be done about it."""
        driven = row.state == State.PLANNED and not Job(self.ws, row.id).resting
        waiting = row.state == State.UNKNOWN and row.id in self._patient
        wrong = problem_html(row, since=self._silent_since(row), driven=driven, waiting=waiting)
        actions = _ACTIONS.get(row.state, ())
        if driven or waiting:
            actions = ("decide",) if waiting else ()
        elif self._on_edit is None:
            actions = tuple(one for one in actions if one != "edit")
        return _line_of(row, wrong), actions

    def _silent_since(self, row: JobRow) -> int | None:
        """Return since when a task under way cannot be polled (unix microseconds); None: it can."""
        if row.state not in (State.SUBMITTED, State.RUNNING) or row.error_kind is None:
            return None
        failed = [one.at for one in self.ws.log_store.jobs.events(row.id) if one.note == "event_poll_failed"]
        return int(failed[-1]) if failed else None

    def _clustered(self, rows: list[JobRow]) -> str:
        """Return, as HTML, which values the failures of these jobs' runs have in common."""
        failed = [row for row in rows if row.sweep_id and row.state in ENDS and row.error_kind]
        found = []
        for run_id in list(dict.fromkeys(row.sweep_id or "" for row in failed))[:MOST]:
            with contextlib.suppress(LogError):  # an imported job may name a run that is elsewhere
                found += Run(self.ws, run_id).clusters()
        return "".join(ui.note(str(one), say("clusters_head"), kind="warning") for one in found)

    def watch_jobs(self) -> None:
        """Have the jobs on the page polled often enough that their progress is seen to move."""
        for row in self._moving:
            runner = self.ws.runner_for(row)
            if runner is not None:
                runner.watch(row.id)

    def _turn(self, by: int) -> None:
        self._first = max(self._first + by, 0)
        self.later("page", self.refresh)

    def _act(self, action: str, job_id: str) -> None:
        """Do what a button says; the log itself guards against a second click."""

        def act() -> None:
            if action == "go_on":
                self.ws.connection.runner.drive(job_id)
            else:
                getattr(Job(self.ws, job_id), action)()

        name = f"{action} {job_id}"
        if action in ("keep", "decide"):
            (self._patient.add if action == "keep" else self._patient.discard)(job_id)
            self.later(name, self.refresh)
        elif action == "edit":
            self.later(name, lambda: self.ws.request_of(Job(self.ws, job_id).row), self._on_edit)
        elif action == "show":
            self.show_result(job_id, self._on_show)
        else:
            self.later(name, act, lambda _: self.announce(""))


def _line_of(row: JobRow, wrong: str) -> str:
    """Return a job as HTML: state, settings, money, time, progress, and what is wrong."""
    money = billed(row) or say("estimated", price=usd(row.estimate_high))
    small = '<span class="mw-small mw-muted">{}</span>'
    facts = [escape(cell_name(row)), escape(money), escape(waited(row)), small.format(escape(row.id))]
    if row.sandbox:
        facts.append(small.format("SANDBOX"))
    bar = ""
    if row.state in (State.SUBMITTED, State.RUNNING, State.COMPLETED):
        done = row.progress or 0
        bar = ui.progress_bar(done, say("progress_of", percent=done))
    shown = " &nbsp; ".join(one for one in facts if one)
    return f"<div><b>{escape(state_words(row))}</b> &nbsp; {shown}{bar}{wrong}</div>"
