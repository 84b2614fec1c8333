"""Everything in one widget: create, sweep, compare, log; money and endpoint always in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.errors import LogError, RequestError
from motion_widgets.core.hidden import variable
from motion_widgets.core.html import escape
from motion_widgets.core.messages import LANGUAGES, say, speak
from motion_widgets.core.messages import language as spoken
from motion_widgets.core.money import format_usd, to_usd
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.log.states import UNDER_WAY
from motion_widgets.request.findings import show
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.compare_wall import CompareWall
from motion_widgets.widgets.edge import DRAWING, WATCHING
from motion_widgets.widgets.go_live import GoLive
from motion_widgets.widgets.history_strip import HistoryStrip
from motion_widgets.widgets.log_table import LogTable
from motion_widgets.widgets.remembered import Remembered
from motion_widgets.widgets.request_form import RequestForm
from motion_widgets.widgets.stage import Stage
from motion_widgets.widgets.study_panel import StudyPanel
from motion_widgets.widgets.sweep_board import SweepBoard
from motion_widgets.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    import ipywidgets as w

    from motion_widgets.jobs.job import Job
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep import Run
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["Studio"]

TABS = ("create", "sweep", "compare", "study", "log")
CREATE, SWEEP, COMPARE, STUDY, LOG = range(5)


class Studio(Panel):
    """Form, jobs, sweep board, compare wall and log in one widget.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory, at first on the sandbox.
    tab
        Which tab is open at first: one of `TABS`. None: the one that was open last in this folder, as the
        form, the axes and the board are; for visitors and on Binder, where a finished sweep is ready,
        ``"compare"`` with the wall playing.
    language
        ``"en"`` or ``"ja"``, for all of this kernel. None: the browser's, if it is one of these.

    Raises
    ------
    RequestError
        There is no such `tab`, or there are no sentences in this `language`.

    Examples
    --------
    >>> studio = mw.Studio(ws)  # as the last line of a cell it is shown
    """

    _panels: tuple[Panel, ...] = ()
    golive: GoLive | None = None
    """Goes live and back. None: strangers drive this kernel."""

    def __init__(
        self, ws: Workspace | None = None, *, tab: str | None = None, language: str | None = None
    ) -> None:
        super().__init__(ws)
        if tab is not None and tab not in TABS:
            raise RequestError.of("tab_unknown", found=show(tab), known=", ".join(TABS))
        if language is not None:
            if language not in LANGUAGES:
                raise RequestError.of("language_unknown", found=show(language), known=", ".join(LANGUAGES))
            speak(language)
        self._browsers = language is None
        """Whether the browser's language is spoken."""
        self._build(tab)
        self.watch()

    def _build(self, tab: str | None) -> None:
        """Make the panels and show them."""
        ws = self.ws
        visited = in_visitor_mode()
        for_show = visited or bool(variable("BINDER_LAUNCH_HOST"))
        shown_off = tab is None and for_show and bool(ws.log_store.sweeps.ids())
        self.form = RequestForm(ws, on_submit=self._put_on_stage, on_show=self._put_on_stage, watch=False)
        self.board = SweepBoard(
            ws,
            request=self.form.request,
            on_run=self._started,
            on_show=self._show,
            on_compare=self._compare_run,
            on_edit=self._edit,
            watch=False,
        )
        self.history = HistoryStrip(
            ws,
            on_show=lambda job: self.stage.show_job(job),  # noqa: PLW0108 - the stage is made after it
            on_edit=self._edit, on_all=lambda: self._open(LOG), watch=False,
        )  # fmt: skip
        self.stage = Stage(ws, on_edit=self._edit, on_sweep=self._sweep, on_shown=self._on_stage, watch=False)
        self.compare = CompareWall(ws, watch=False)
        self.study = StudyPanel(ws, watch=False)
        self.table = LogTable(
            ws, on_compare=self._to_wall, on_load=self._edit, on_run=self._run_to_wall,
            on_board=self._to_board, watch=False, drawn=False,
        )  # fmt: skip
        self.golive = None if visited else GoLive(ws, on_switch=self._switched)
        shown = (self.form, self.stage, self.history)
        self._panels = (*shown, self.board, self.compare, self.study, self.table)
        create = ui.beside(*shown)
        self._views: tuple[w.DOMWidget, ...] = (create, self.board, self.compare, self.study, self.table)
        """What each tab shows."""
        for view in self._views:
            view.add_class("mw-tab-panel")
        self.tabs = TabBar(label=say("studio_title"), titles=[say(f"tab_{one}") for one in TABS])
        if shown_off:
            self.compare.show_run(ws.log_store.sweeps.ids()[0])
            self.compare.wall.autoplay = True
        self._memory = Remembered(ws, self.form, self.board, self.tabs, TABS)
        before, unread = self._restored()
        self.tabs.selected_index = COMPARE if shown_off else TABS.index(tab) if tab else before
        if self.tabs.selected_index == LOG:
            self.table.redraw()
        else:  # out of sight: a page of 100,000 rows takes as long as the rest of the Studio
            self.later("log", self._draw_table)
        self.tabs.observe(self.edge.guard(self._turned), "selected_index")
        sweep = ui.button(self.edge, say("sweep_these"), lambda: self._open(SWEEP))
        self.form.card.children += (ui.flow(sweep),)
        beside = ui.html(ui.note(say("visitor_head"))) if self.golive is None else self.golive
        self.fill(self._head(), beside, self.notice, *self._views)
        self.add_class("mw-studio")
        self.edge.run(self._draw_head, DRAWING)
        self.announce(" ".join((*ws.notices, *unread)), warns=True)
        self.tabs.observe(self.edge.guard(self._heard), "page_language")

    def _draw_table(self) -> None:
        if not self.closed:
            self.table.redraw()

    def _heard(self, _: object) -> None:
        """Draw everything anew in the browser's language, if nobody chose one and it can be spoken."""
        wanted = self.tabs.page_language
        if self._browsers and wanted in LANGUAGES and wanted != spoken():
            self.later("language", lambda: None, lambda _: self._translate(wanted))

    def _translate(self, wanted: str) -> None:
        self._memory.look(last=True)
        speak(wanted)
        req, tab, before = self.form.request, TABS[self.tabs.selected_index], self.children
        panels = (*self._panels, self.golive)
        self._build(tab)
        if req != self.form.request:  # findings come once somebody has put something in
            self.form.load(req)
        for panel in panels:
            if panel is not None:
                panel.close()
        for one in before:
            if one not in self.children:
                ui.close_inside(one)
                one.close()

    def _restored(self) -> tuple[int, tuple[str, ...]]:
        """Show what was open last; return the number of its tab, and what is to be said of it."""
        try:
            return self._memory.restore(), ()
        except LogError as error:
            return CREATE, (str(error),)

    def _head(self) -> w.Widget:
        self._name, self._facts = ui.html(cls="mw-name"), ui.html(cls="mw-facts")
        self._golive_button = ui.button(self.edge, say("golive_open"), self._toggle_golive, cls="mw-small")
        ui.show(self._golive_button, self.golive is not None)
        if self.golive is not None:
            ui.show(self.golive, visible=False)
        return ui.flow(self._name, self.tabs, self._facts, self._golive_button, cls="mw-head")

    # What the log says.

    def watch_jobs(self) -> None:
        """Watch the jobs that the stage and the board show."""
        self.stage.watch_jobs()
        self.board.watch_jobs()
        self.table.watch_jobs()

    def _tick(self) -> None:
        super()._tick()
        self.edge.run(self._memory.look, WATCHING)

    def refresh(self) -> None:
        """Draw every panel from the log, and the head; what goes wrong in a panel stays there."""
        drawn = [panel.redraw() for panel in self._panels]
        if not all(drawn):
            self.draw_again()
        Balance.of(self.ws).show(self, self._draw_head)
        self._draw_head()

    def _draw_head(self) -> None:
        with self.lock:  # also while it is read: else what was read first could be drawn last
            ws, balance = self.ws, Balance.of(self.ws)
            totals = ws.log_store.jobs.totals(ws.endpoint, ws.account)
            running, undecided = totals.count(UNDER_WAY), self.table.to_decide
            spent = say("head_spent", usd=format_usd(to_usd(totals.spent)))
            facts = [
                (say("head_running", count=running) if running else "", "", "mw-wide"),
                (balance.budget_text(ws), "", "mw-wide"),
                (balance.left(ws), balance.why or spent, ""),
            ]
            name = f'<h2 class="mw-title">{escape(say("studio_title"))}</h2>'
            tag = escape(say("head_live" if ws.live else "head_sandbox"))
            name += f'<span class="mw-tag{" mw-tag-live" if ws.live else ""}">{tag}</span>'
            said = "".join(
                f'<span class="{cls}" title="{escape(why)}">{escape(one)}</span>'
                for one, why, cls in facts
                if one
            )
            badge = say("head_undecided", count=undecided) if undecided else ""
            ui.assign(self._name, "value", name)
            ui.assign(self._facts, "value", said)
            ui.assign(self._golive_button, "description", say("golive_back" if ws.live else "golive_open"))
            ui.assign(self.tabs, "badges", ["", "", "", "", badge])

    # What a person does.

    def _toggle_golive(self) -> None:
        if self.golive is not None and ui.toggle(self.golive):
            self.focus(self.golive)

    def _open(self, tab: int) -> None:
        self.tabs.selected_index = tab
        self.focus(self._views[tab])

    def _turned(self, _: object) -> None:
        if self.tabs.selected_index == SWEEP:
            self.board.load(self.form.request)
        elif self.tabs.selected_index == STUDY:
            self.study.look()

    def _on_stage(self, job_id: str) -> None:
        self.history.point_at(job_id)
        self.form.card.point_at(job_id)

    def _put_on_stage(self, job: Job) -> None:
        self.stage.show_job(job)
        self.focus(self.stage.body)

    def _sweep(self, req: MotionRequest) -> None:
        self.form.load(req)
        self._open(SWEEP)

    def _started(self, run: Run) -> None:
        self.later("wall", lambda: self.compare.show_run(run))

    def _compare_run(self, run: Run) -> None:
        self.later("wall", lambda: self.compare.show_run(run), lambda _: self._open(COMPARE))

    def _show(self, job: Job) -> None:
        self.later("wall", lambda: self.compare.show_job(job), lambda _: self._open(COMPARE))

    def _to_wall(self, job_ids: list[str]) -> None:
        self.compare.show_jobs(job_ids)
        self._open(COMPARE)

    def _run_to_wall(self, run_id: str) -> None:
        self.compare.show_run(run_id)
        self._open(COMPARE)

    def _to_board(self, run_id: str) -> None:
        self._open(SWEEP)
        self.board.follow(run_id)

    def _edit(self, req: MotionRequest) -> None:
        self.form.load(req)
        self._open(CREATE)

    def _switched(self) -> None:
        self.draw_again()
        self.later("rotated", self.ws.preparation.rotated.notices, self._say_rotated)
        # The form's button names the endpoint.
        self.form.later("switched", lambda: None, lambda _: self.form.render())

    def _say_rotated(self, notices: list[str]) -> None:
        if notices:
            self.announce(" ".join(notices))

    def close(self) -> None:
        """Take the Studio from the page and stop looking at the log; jobs go on."""
        if not self.closed:
            self._memory.look(last=True)
        for panel in (*self._panels, self.golive):
            if panel is not None:
                panel.close()
        super().close()
