"""Jobs under way and lately ended, each with what can be done about it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from motion_widgets.core.errors import LogError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.log.states import ENDS, FOLLOWED, UNDER_WAY
from motion_widgets.sweep import Run
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.job_line import JobActions, JobLine
from motion_widgets.widgets.undecided import undecided

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.jobs.job import Job
    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["JobMonitor"]

PAGE = 8
"""Jobs shown at once; their rows are made at first use, and then only change what they say."""
RUNS = 3
"""Runs whose failures are grouped."""


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
        self.actions = JobActions(self, on_show=on_show, on_edit=on_edit)
        self._first = 0
        self._moving: list[JobRow] = []
        self._count, self._risks, self._clusters = ui.live_region(), ui.live_region(), ui.live_region()
        self._rows: list[JobLine] = []
        self._newer = ui.button(self.edge, say("newer"), lambda: self._turn(-PAGE))
        self._older = ui.button(self.edge, say("older"), lambda: self._turn(PAGE))
        self._above = (self._count, self.notice, self._risks, self._clusters)
        self._below = (ui.flow(self._newer, self._older),)
        self._body = ui.Column(*self._above, *self._below, cls="mw-body mw-jobs")
        self.fill(self._body)
        self.redraw()
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
            if doubts := undecided(self):
                said += ". " + say("jobs_unknown", count=len(doubts))
        drawn = [self.actions.drawing(row) for row in rows]
        clustered = self._clustered(rows)
        risks = "".join(ui.note(one, say("sleep_head"), kind="warning") for one in self.ws.connection.risks())
        self._moving = [row for row in rows if row.state in FOLLOWED]
        self.watch_jobs()
        with self.lock:
            ui.speak(self._count, escape(said))
            ui.speak(self._risks, risks)
            ui.speak(self._clusters, clustered)
            self._rows += [self.actions.line() for _ in drawn[len(self._rows) :]]
            ui.assign(self._body, "children", (*self._above, *self._rows, *self._below))
            for number, shown in enumerate(self._rows):
                shown.draw(drawn[number] if number < len(drawn) else None)
            ui.show(self._newer, self._first > 0)
            ui.show(self._older, more)

    def _clustered(self, rows: list[JobRow]) -> str:
        """Return, as HTML, which values the failures of these jobs' runs have in common."""
        failed = [row for row in rows if row.sweep_id and row.state in ENDS and row.error_kind]
        found = []
        for run_id in list(dict.fromkeys(row.sweep_id or "" for row in failed))[:RUNS]:
            with contextlib.suppress(LogError):  # an imported job may name a run that is elsewhere
                found += Run(self.ws, run_id).clusters()
        return "".join(ui.note(str(one), say("clusters_head"), kind="warning") for one in found)

    def watch_jobs(self) -> None:
        """Have the jobs on the page polled often enough that their progress is seen to move."""
        self.ws.connection.watch(row.id for row in self._moving)

    def _turn(self, by: int) -> None:
        self._first = max(self._first + by, 0)
        self.later("page", self.redraw)
