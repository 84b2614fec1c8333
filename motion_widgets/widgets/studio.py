"""Everything in one widget: build, sweep, runs, compare, log; money and endpoint always in sight."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import to_usd
from motion_widgets.log.states import ENDS, UNDER_WAY
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.compare_wall import CompareWall
from motion_widgets.widgets.go_live import GoLive
from motion_widgets.widgets.job_monitor import JobMonitor
from motion_widgets.widgets.log_table import LogTable
from motion_widgets.widgets.request_form import RequestForm
from motion_widgets.widgets.sweep_board import SweepBoard

if TYPE_CHECKING:
    from motion_widgets.jobs.job import Job
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep import Run
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["Studio"]

TABS = ("build", "sweep", "runs", "compare", "log")
BUILD, SWEEP, RUNS, COMPARE, LOG = range(5)


class Studio(Panel):
    """Form, sweep board, job monitor, compare wall and log in one widget.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory, at first on the sandbox.
    tab
        Which tab is open at first: one of `TABS`. None: ``"build"``; on Binder, where a finished sweep is
        ready, ``"compare"`` with the wall playing.

    Examples
    --------
    >>> studio = mw.Studio(ws)  # as the last line of a cell it is shown
    """

    def __init__(self, ws: Workspace | None = None, *, tab: str | None = None) -> None:
        super().__init__(ws)
        ws = self.ws
        shown_off = tab is None and "BINDER_LAUNCH_HOST" in os.environ and bool(ws.log_store.sweeps.ids())
        self.form = RequestForm(ws, on_submit=self._submitted, on_show=self._show, watch=False)
        self.board = SweepBoard(
            ws, request=self.form.request, on_run=self._started, on_show=self._show, watch=False
        )
        self.monitor = JobMonitor(ws, on_show=self._show, on_edit=self._edit, watch=False)
        self.compare = CompareWall(ws, watch=False)
        self.table = LogTable(ws, on_compare=self._to_wall, on_load=self._edit, watch=False)
        self.golive = GoLive(ws, on_switch=self._switched)
        self._panels: tuple[Panel, ...] = (self.form, self.board, self.monitor, self.compare, self.table)
        self._facts = ui.html()
        self._golive_button = ui.button(say("golive_open"), lambda: ui.toggle(self.golive))
        ui.show(self.golive, visible=False)
        head = ui.flow(self._facts, self._golive_button, cls="mw-head")
        self.tabs = ui.make(w.Tab, children=self._panels, layout={"width": "100%"})
        self._title_tabs(0)
        if shown_off:
            self.compare.show_run(ws.log_store.sweeps.ids()[0])
            self.compare.wall.autoplay = True
        self.tabs.selected_index = COMPARE if shown_off else TABS.index(tab or "build")
        self.tabs.observe(self._turned, "selected_index")
        sweep = ui.button(say("sweep_these"), lambda: self._open(SWEEP), cls="mw-sweep-these")
        self.form.card.children += (ui.flow(sweep),)
        self.fill(head, self.golive, self.notice, self.tabs)
        self._draw_head()
        self.watch()

    def _title_tabs(self, moving: int) -> None:
        runs = say("tab_runs_count", count=moving) if moving else say("tab_runs")
        titles = (say("tab_build"), say("tab_sweep"), runs, say("tab_compare"), say("tab_log"))
        if tuple(self.tabs.titles) != titles:
            self.tabs.titles = titles

    # What the log says.

    def watch_jobs(self) -> None:
        """Watch the jobs that the monitor and the board show."""
        self.monitor.watch_jobs()
        self.board.watch_jobs()

    def refresh(self) -> None:
        """Draw every panel from the log, and the head."""
        for panel in self._panels:
            panel.refresh()
        Balance.of(self.ws).show(self, self._draw_head)
        self._draw_head()

    def _draw_head(self) -> None:
        ws, balance = self.ws, Balance.of(self.ws)
        totals = ws.log_store.jobs.totals(ws.endpoint, ws.account)
        moving = totals.count(UNDER_WAY)
        facts = [
            (balance.text(ws), balance.why),
            (balance.budget_text(ws), ""),
            (say("jobs_counts", running=moving, done=totals.count(ENDS)), ""),
            (say("head_spent", usd=to_usd(totals.spent)), ""),
        ]
        tag = f'<span class="mw-tag{" mw-tag-live" if ws.live else ""}">{{}}</span>'
        head = f'<span class="mw-title">{escape(say("studio_title"))}</span>'
        head += tag.format(escape(say("head_live") if ws.live else say("head_sandbox")))
        for one, why in facts:
            if one:
                head += f'<span class="mw-muted" title="{escape(why)}">{escape(one)}</span>'
        with self.lock:
            ui.assign(self._facts, "value", f'<div class="mw-facts">{head}</div>')
            ui.assign(self._golive_button, "description", say("golive_back" if ws.live else "golive_open"))
            self._title_tabs(moving)

    # What a person does.

    def _open(self, tab: int) -> None:
        self.tabs.selected_index = tab

    def _turned(self, _: object) -> None:
        if self.tabs.selected_index == SWEEP:
            self.board.load(self.form.request)

    def _submitted(self, _: Job) -> None:
        self._open(RUNS)

    def _started(self, run: Run) -> None:
        self.later("wall", lambda: self.compare.show_run(run))

    def _show(self, job: Job) -> None:
        self.later("show", lambda: self.compare.show_job(job), lambda _: self._open(COMPARE))

    def _to_wall(self, job_ids: list[str]) -> None:
        self.compare.show_jobs(job_ids)
        self._open(COMPARE)

    def _edit(self, req: MotionRequest) -> None:
        self.form.load(req)
        self._open(BUILD)

    def _switched(self) -> None:
        self._seen = -1
        # The form's button names the endpoint.
        self.form.later("switched", lambda: None, lambda _: self.form.render())

    def close(self) -> None:
        """Take the Studio from the page and stop looking at the log; jobs go on."""
        for panel in (*self._panels, self.golive):
            panel.close()
        super().close()
