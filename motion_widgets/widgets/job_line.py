"""One job as a row of a panel: its line, what is wrong with it, and buttons for what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.jobs.job import Job
from motion_widgets.log.states import ASKED_AGAIN, RETRYABLE, State
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.row_text import (
    billed,
    cell_name,
    changes_first,
    price,
    problem_html,
    state_words,
    waited,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.core.money import Micro
    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.price import Estimate
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.widgets.base import Panel

__all__ = ["JobActions", "JobDrawing", "JobLine"]

_ACTIONS: dict[str, tuple[str, ...]] = {
    State.COLLECTED: ("show",),
    State.UNKNOWN: ("keep", "resend", "write_off"),
    State.PLANNED: ("go_on",),
    **dict.fromkeys(RETRYABLE, ("retry", "edit")),
    **dict.fromkeys(ASKED_AGAIN, ("attach", "edit")),
}
_PAID = ("retry", "resend", "go_on")
"""What may spend money; live, its button says so."""
MOST = 3
"""Buttons of a row."""


@dataclass(frozen=True)
class JobDrawing:
    """What a row says about a job."""

    row: JobRow
    wrong: str
    """HTML of what is wrong with it; ``""``: nothing is."""
    actions: tuple[str, ...]
    named: Estimate | None
    """What its buttons name. None: they name no price, and spend nothing."""


class JobActions:
    """Finds what can be done about jobs, and does it; the rows of a panel share one.

    Parameters
    ----------
    host
        The panel.
    on_show
        Called with a job whose result is to be shown. None: its path is named.
    on_edit
        Called with the request of a job that is to be changed or repeated. None: that is not offered.
    on_started
        Called with the job that goes on after a button was clicked: a new one after a retry.
    """

    def __init__(
        self, host: Panel, *, on_show: Callable[[Job], object] | None = None,
        on_edit: Callable[[MotionRequest], object] | None = None,
        on_started: Callable[[Job], object] | None = None,
    ) -> None:  # fmt: skip
        self._host, self._on_show, self._on_edit, self._on_started = host, on_show, on_edit, on_started
        self._patient: set[str] = set()
        """Jobs of unknown outcome that a person left as they are for now."""
        self._named: dict[str, Estimate | None] = {}
        """What the buttons of a job name."""

    def drawing(self, row: JobRow) -> JobDrawing:
        """Return what there is to say about a job, what can be done, and what that would cost now. Blocks."""
        ws = self._host.ws
        driven = row.state == State.PLANNED and not Job(ws, row.id).resting
        waiting = row.state == State.UNKNOWN and row.id in self._patient
        retried = ws.log_store.jobs.retried([row]).get(row.id, "")
        since = self.silent_since(row)
        wrong = problem_html(row, since=since, driven=driven, waiting=waiting, retried=retried)
        actions = _ACTIONS.get(row.state, ()) if row.drivable else ()
        if retried:
            actions = ()
        elif changes_first(row):  # what is advised is the first button
            actions = tuple(sorted(actions, key=lambda one: one != "edit"))
        if driven or (waiting and row.drivable):
            actions = ("decide",) if waiting else ()
        elif self._on_edit is None:
            actions = tuple(one for one in actions if one != "edit")
        named = ws.submission.price(row) if set(actions) & {*_PAID} else None
        self._named[row.id] = named
        return JobDrawing(row, wrong, actions, named)

    def silent_since(self, row: JobRow) -> int | None:
        """Return since when a task under way cannot be polled (unix microseconds); None: it can."""
        if row.state not in (State.SUBMITTED, State.RUNNING) or row.error_kind is None:
            return None
        events = self._host.ws.log_store.jobs.events(row.id)
        failed = [one.at for one in events if one.note == "event_poll_failed"]
        return int(failed[-1]) if failed else None

    def act(self, action: str, job_id: str) -> None:
        """Do what a button says; the log itself guards against a second click."""
        ws, named = self._host.ws, self._named.get(job_id)
        bound = 0.0 if named is None else named.high  # what named no price spends nothing

        def act() -> Job:
            job = Job(ws, job_id)
            if action == "go_on":
                ws.submission.go_on(job_id, bound)
            elif action == "retry":
                return job.retry(bound)
            elif action == "resend":
                job.resend(bound)
            elif action == "attach":
                ws.attach(job_id)
            else:
                getattr(job, action)()
            return job

        name = f"{action} {job_id}"
        if action in ("keep", "decide"):
            (self._patient.add if action == "keep" else self._patient.discard)(job_id)
            self._host.later(name, self._host.redraw)
        elif action == "edit":
            self._host.later(name, lambda: ws.request_of(Job(ws, job_id).row), self._on_edit)
        elif action == "show":
            self._host.show_result(job_id, self._on_show)
        else:
            self._host.later(name, act, self._acted)

    def adopt(self, job_id: str, task_id: str) -> None:
        """Set the task id that a person typed for a job, and follow it."""
        job = Job(self._host.ws, job_id)
        self._host.later(f"adopt {job_id}", lambda: job.adopt(task_id), self._acted)

    def _acted(self, job: Job) -> None:
        self._host.announce("")
        if self._on_started is not None:
            self._on_started(job)

    def line(self) -> JobLine:
        """Make a row."""
        return JobLine(self._host, self)


class JobLine(w.HBox):
    """One job: its line, its progress, what is wrong with it, and what can be done."""

    def __init__(self, host: Panel, actions: JobActions) -> None:
        super().__init__(layout=ui.shared(w.Layout, width="100%", flex_flow="row wrap"))
        self.add_class("mw-row")
        self._row: JobRow | None = None
        self._edge, self._adopt = host.edge, actions.adopt
        self._task: w.Text | None = None  # made when it is needed, which is seldom
        self._text = ui.html()
        self._actions = ui.Choices(
            host.edge, lambda action: actions.act(action, self._row.id if self._row else ""), most=MOST
        )
        self.children = (self._text, *self._actions.buttons)

    def draw(self, drawn: JobDrawing | None) -> None:
        """Show a job, or nothing."""
        ui.show(self, drawn is not None)
        if drawn is not None:
            row = drawn.row
            if self._task is not None and (self._row is None or self._row.id != row.id):
                self._task.value = ""  # it was typed for another job
            self._row = row
            self._ask_for_task(wanted="resend" in drawn.actions)
            ui.assign(self._text, "value", _line_of(row, drawn.wrong))
            named = None if drawn.named is None else drawn.named.high_micro
            self._actions.offer(drawn.actions, partial(_draw_action, row, named))

    def _ask_for_task(self, *, wanted: bool) -> None:
        """Show where a person can type the task id that they found at the provider, or hide it."""
        if self._task is None and wanted:
            self._task = ui.control(w.Text, say("adopt_field"), placeholder=say("adopt_hint"))
            give = ui.button(self._edge, say("adopt_give"), self._give_task)
            self.children = (*self.children, ui.flow(self._task, give))
        if self._task is not None:
            ui.show(self.children[-1], wanted)

    def _give_task(self) -> None:
        if self._row is not None and self._task is not None:
            self._adopt(self._row.id, ui.typed(self._task.value))


def _draw_action(row: JobRow, named: Micro | None, shown: w.Button, action: str) -> None:
    live = action in _PAID and not row.sandbox
    amount = row.reserved if action == "write_off" else named
    label = say(f"action_{action}{'_live' if live else ''}", price=price(amount) or say("action_no_price"))
    ui.label_button(shown, label, tooltip=f"{label}: {row.id}", live=live)


def _line_of(row: JobRow, wrong: str) -> str:
    """Return a job as HTML: state, settings, money, time, progress, and what is wrong."""
    high = price(row.estimate_high)
    money = billed(row) or (say("estimated", price=high) if high else "")
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
