"""Everything in one widget: build, sweep, runs, compare, log; money and endpoint always in sight."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import to_usd
from motion_widgets.log.states import ENDS, UNDER_WAY
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.compare_wall import CompareWall
from motion_widgets.widgets.controls import assign, button, flow, html, make, show
from motion_widgets.widgets.go_live import GoLive
from motion_widgets.widgets.job_monitor import JobMonitor
from motion_widgets.widgets.log_table import LogTable
from motion_widgets.widgets.request_form import RequestForm
from motion_widgets.widgets.sweep_board import SweepBoard

if TYPE_CHECKING:
    from collections.abc import Callable

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
        Which tab is open at first: one of `TABS`. None: ``"build"``; on Binder, where a finished sweep lies
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
        self._facts = html()
        self._golive_button = button(say("golive_open"), self._toggle_golive)
        show(self.golive, visible=False)
        self._head = flow(self._facts, self._golive_button, cls="mw-head")
        panels = (self.form, self.board, self.monitor, self.compare, self.table)
        self.tabs = make(w.Tab, children=panels, layout={"width": "100%"})
        self._title_tabs(0)
        if shown_off:
            self.compare.show_run(ws.log_store.sweeps.ids()[0])
            self.compare.wall.autoplay = True
        self.tabs.selected_index = COMPARE if shown_off else TABS.index(tab or "build")
        self.tabs.observe(self._turned, "selected_index")
        sweep = button(
            say("sweep_these"), lambda: setattr(self.tabs, "selected_index", SWEEP), cls="mw-sweep-these"
        )
        self.form.children[1].children[1].children[0].children += (flow(sweep),)
        self.fill(self._head, self.golive, self.notice, self.tabs)
        self._draw_head()
        self.watch()

    def _title_tabs(self, moving: int) -> None:
        runs = say("tab_runs_count", count=moving) if moving else say("tab_runs")
        titles = (say("tab_build"), say("tab_sweep"), runs, say("tab_compare"), say("tab_log"))
        if tuple(self.tabs.titles) != titles:
            self.tabs.titles = titles

    # What the log says.

    def watch_jobs(self) -> None:
        """Watch the jobs that the monitor shows."""
        self.monitor.watch_jobs()
        self.board.watch_jobs()

    def refresh(self) -> None:
        """Draw every panel from the log, and the head."""
        for panel in (self.form, self.board, self.monitor, self.compare, self.table):
            panel.refresh()
        Balance.of(self.ws).show(self, self._draw_head)
        self._draw_head()

    def _draw_head(self) -> None:
        ws = self.ws
        totals = ws.log_store.jobs.totals(ws.endpoint, ws.account)
        tag = say("head_live") if ws.live else say("head_sandbox")
        jobs_said, spent_said = (
            say("jobs_counts", running=totals.count(UNDER_WAY), done=totals.count(ENDS)),
            say("head_spent", usd=to_usd(totals.spent)),
        )
        balance = Balance.of(ws)
        facts = [
            (balance.text(ws), balance.why),
            (balance.budget_text(ws), ""),
            (jobs_said, ""),
            (spent_said, ""),
        ]
        with self.lock:
            assign(
                self._facts,
                "value",
                f'<div class="mw-facts"><span class="mw-title">{escape(say("studio_title"))}</span>'
                f'<span class="mw-tag{" mw-tag-live" if ws.live else ""}">{escape(tag)}</span>'
                + "".join(
                    f'<span class="mw-muted" title="{escape(why)}">{escape(one)}</span>'
                    for one, why in facts
                    if one
                )
                + "</div>",
            )
            assign(self._golive_button, "description", say("golive_back" if ws.live else "golive_open"))
            self._title_tabs(totals.count(UNDER_WAY))

    # What a person does.

    def _turned(self, _: object) -> None:
        if self.tabs.selected_index == SWEEP:
            self.board.load(self.form.request)

    def _submitted(self, _: Job) -> None:
        self.tabs.selected_index = RUNS

    def _started(self, run: Run) -> None:
        self.later("wall", lambda: self.compare.show_run(run))

    def _show(self, job: Job) -> None:
        def work() -> Callable[[], None]:
            self.compare.show_job(job)
            return lambda: setattr(self.tabs, "selected_index", COMPARE)

        self.later("show", work)

    def _to_wall(self, job_ids: list[str]) -> None:
        self.compare.show_jobs(job_ids)
        self.tabs.selected_index = COMPARE

    def _edit(self, req: MotionRequest) -> None:
        self.form.load(req)
        self.tabs.selected_index = BUILD

    def _toggle_golive(self) -> None:
        show(self.golive, self.golive.layout.display == "none")

    def _switched(self) -> None:
        self._seen = -1
        self.form.later("switched", lambda: self.form._render)  # noqa: SLF001 - the button names the endpoint

    def close(self) -> None:
        """Take the Studio from the page and stop looking at the log; jobs go on."""
        for panel in (self.form, self.board, self.monitor, self.compare, self.table, self.golive):
            panel.close()
        super().close()
