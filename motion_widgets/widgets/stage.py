"""The stage: a job while it runs, then its result beside the motion clip, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.jobs.job import Job
from motion_widgets.log.names import current_person
from motion_widgets.log.states import ENDS, FOLLOWED, UNDER_WAY, State
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.job_line import JobActions, JobDrawing
from motion_widgets.widgets.job_pictures import JobPictures
from motion_widgets.widgets.page_files import PlayerFiles
from motion_widgets.widgets.player_wall import PlayerWall, WallCell
from motion_widgets.widgets.row_grid import value_words
from motion_widgets.widgets.row_text import billed, dotted, price, state_words, took, waited
from motion_widgets.widgets.same_again import SameAgain
from motion_widgets.widgets.waiting import Waiting
from motion_widgets.widgets.welcome import Welcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.log.annotations import Annotation
    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["Stage"]


@dataclass(frozen=True)
class _Scene:
    """What the stage shows of a job."""

    row: JobRow
    cells: list[WallCell]
    drawing: JobDrawing
    said: Annotation | None
    risks: list[str] = field(default_factory=list)


class Stage(Panel):
    """Shows one job: its progress, then its result, which plays beside the motion clip on one clock.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    on_edit
        Called with a request that is to be changed in a form. None: that is not offered.
    on_sweep
        Called when a person wants to see settings compared, with the request whose they are. None: that is
        not offered.
    on_shown
        Called with the id of the job that is shown from now on.

    Examples
    --------
    >>> stage = mw.Stage(ws)
    >>> stage.show_job(job)
    """

    def __init__(
        self,
        ws: Workspace | None = None,
        *,
        on_edit: Callable[[MotionRequest], object] | None = None,
        on_sweep: Callable[[MotionRequest], object] | None = None,
        on_shown: Callable[[str], object] | None = None,
        watch: bool = True,
    ) -> None:
        super().__init__(ws, watch=watch)
        self._job_id, self._on_shown = "", on_shown
        self._mine: tuple[object, ...] = (self.ws.endpoint, self.ws.account)
        self._scene: _Scene | None = None
        self._waiting = Waiting()
        self._files = PlayerFiles(self)
        self.player = PlayerWall(
            view="sample",
            autoplay=True,
            read=self._files.read,
            on_said=self._said,
            heading=say("stage_heading"),
        )
        self._spoken, self._risks = ui.live_region(), ui.live_region()
        self.actions = JobActions(self, on_show=self.show_job, on_edit=on_edit, on_started=self.show_job)
        self.line = self.actions.line()
        self.again = SameAgain(self, on_edit=on_edit, on_submit=self.show_job)
        self.welcome = Welcome(self, self._greet, on_edit=on_edit, on_sweep=on_sweep, on_submit=self.show_job)
        self._screen = ui.make(w.Box, children=(self.player, self.welcome))
        self._screen.add_class("mw-screen")
        spoken = (self._risks, self._spoken)
        shown = (self._screen, self.line, self.again, self.notice)
        self.body = ui.Column(*spoken, *shown, cls="mw-body mw-stage mw-place")
        """From where the keyboard goes on once a job is shown."""
        self.fill(self.body)
        self.redraw()
        self.watch()

    @property
    def job(self) -> Job | None:
        """The job on the stage. None: there is none yet."""
        return Job(self.ws, self._job_id) if self._job_id else None

    def show_job(self, job: Job) -> None:
        """Show a job, whatever becomes of it."""
        self._job_id = job.id
        self.announce("")
        self.later("scene", self.redraw)

    # What the log says.

    def refresh(self) -> None:
        """Draw the job that is shown, at first the newest one."""
        mine = (self.ws.endpoint, self.ws.account)
        if mine != self._mine:  # another endpoint has jobs of its own
            self._mine, self._job_id = mine, ""
        job_id = self._job_id or self._newest()
        scene = self._scene_of(job_id) if job_id else None
        self._files.fetch()
        with self.lock:
            if self._job_id in ("", job_id):  # nobody chose another one meanwhile
                self._job_id = job_id
                self._draw(scene)
        if scene is None:
            self.welcome.draw()
        else:
            self.again.offer(scene.row if scene.row.state == State.COLLECTED else None)

    def _newest(self) -> str:
        rows = self.ws.log_store.jobs.rows(*self.ws.connection.mine, limit=1, newest=True)
        return rows[0].id if rows else ""

    def _scene_of(self, job_id: str) -> _Scene:
        log = self.ws.log_store
        row = log.jobs.get(job_id)
        if row.state in UNDER_WAY:
            self._waiting.learn(self.ws, log.jobs.totals(row.endpoint, row.account).count(ENDS))
            JobPictures.of(self.ws).make(self.ws, [row])
        said = log.annotations.of([job_id], by=current_person()).get(job_id)
        return _Scene(
            row, [self._motion(row), self._result(row)], self.actions.drawing(row), said,
            self.ws.connection.risks(),
        )  # fmt: skip

    def _motion(self, row: JobRow) -> WallCell:
        cell: WallCell = {"row": "", "column": say("stage_motion"), "label": row.clip_name or ""}
        if row.clip_path:
            return self._files.place(cell, row, row.clip_path)
        return {**cell, "state": say("wall_no_clip"), "message": say("wall_no_clip_why")}

    def _result(self, row: JobRow) -> WallCell:
        column = say("stage_sandbox" if row.sandbox else "stage_live")
        cell: WallCell = {"row": "", "column": column, "label": ""}
        cell["poster"] = JobPictures.of(self.ws).get(row)
        if row.state == State.COLLECTED:
            return self._files.place(cell, row, row.result_path or "")
        cell["state"] = state_words(row)
        if row.state in UNDER_WAY:
            cell["message"], cell["progress"] = self._wait(row), row.progress or 0
        return cell

    def _wait(self, row: JobRow) -> str:
        so_far, left = waited(row), self._waiting.left(row)
        if not so_far:
            return ""
        return say("stage_waiting_left" if left else "stage_waiting", waited=so_far, left=left)

    # Drawing.

    def _draw(self, scene: _Scene | None) -> None:
        before, self._scene = self._scene, scene
        ui.show(self.welcome, scene is None)
        ui.set_class(self._screen, "mw-welcome", scene is None)
        ui.assign(self.player, "view", "stage" if scene is not None else "sample")
        if scene is None:
            ui.show(self.again, visible=False)
            self.line.draw(None)
            if before is not None:  # a job of another endpoint, whose clips go
                self._put([])
                ui.assign(self.player, "note", "")
                ui.assign(self.player, "result", {})
            return
        row = scene.row
        if self._on_shown is not None and (before is None or before.row.id != row.id):
            self._on_shown(row.id)
        arrived = row.state == State.COLLECTED
        self._put(scene.cells)
        ui.assign(self.player, "fps", min(row.clip_fps or 30.0, 30.0))
        ui.assign(self.player, "note", _caption(row))
        ui.assign(self.player, "result", _result_of(row, scene.said) if arrived else {})
        quiet = not scene.drawing.wrong and not set(scene.drawing.actions) - {"show"}
        self.line.draw(None if quiet else scene.drawing)
        risks = "".join(ui.note(one, say("sleep_head"), kind="warning") for one in scene.risks)
        ui.speak(self._risks, risks)
        if arrived and before is not None and (before.row.id, before.row.state) != (row.id, row.state):
            ui.speak(self._spoken, escape(say("stage_here", name=_name(row))), cls="mw-only-spoken")

    def _greet(self, sample: str, still: str) -> None:
        """Show a sample result by its `path` while there is no job; `still` is a picture of it."""
        if self._scene is None:
            shown: WallCell = {"row": "", "column": say("stage_sample"), "poster": still}
            self._put([{**shown, "path": self._files.sample(Path(sample))} if sample else shown])

    def _put(self, cells: list[WallCell]) -> None:
        told = [dict(cell) for cell in cells]
        ui.assign(self.player, "columns", [cell["column"] for cell in cells])
        ui.assign(self.player, "cells", told)

    def watch_jobs(self) -> None:
        """Have the job polled often enough that its progress is seen to move, and its clock go on."""
        scene = self._scene
        if scene is None or scene.row.state not in UNDER_WAY:
            return
        if scene.row.state in FOLLOWED:
            self.ws.connection.watch([scene.row.id])
        with self.lock:
            if self._scene is scene:
                self._put([scene.cells[0], {**scene.cells[1], "message": self._wait(scene.row)}])

    # What a person says.

    def _said(self, job_id: str, what: str, value: object) -> None:
        job = Job(self.ws, job_id)
        calls: dict[str, Callable[[Any], object]] = {
            "stars": lambda stars: job.rate(stars=stars),
            "usable": lambda usable: job.rate(usable=usable),
            "note": lambda text: job.note(ui.typed(text)),
        }
        if what in calls:
            name, write = f"{what} {job_id}", partial(calls[what], value)
            self.later(name, write, lambda _: self.announce(""), in_turn=True)


def _caption(row: JobRow) -> str:
    """Return the settings, the money and the time of a job: ``std · as in the picture · $0.57 billed``."""
    high = price(row.estimate_high)
    money = say("stage_upto", usd=high) if high else ""
    if row.cost is not None:
        money = say("stage_billed", usd=billed(row))
    faces = value_words("character_orientation", row.character_orientation)
    return dotted(row.mode, faces, money or billed(row), took(row))


def _result_of(row: JobRow, said: Annotation | None) -> dict[str, Any]:
    stars = None if said is None or said.stars is None else round(said.stars)
    told = {"usable": None, "note": ""} if said is None else {"usable": said.usable, "note": said.note}
    return {"id": row.id, "name": _name(row), "stars": stars, **told}


def _name(row: JobRow) -> str:
    """Return by what name a result is saved: those of its picture and clip, and its mode."""
    names = [(one or "").rsplit(".", 1)[0] for one in (row.image_name, row.clip_name)]
    plain = "-".join(one for one in (*names, row.mode) if one) or row.id
    return "".join(sign if sign.isalnum() or sign in "-_. " else "-" for sign in plain)[:120] + ".mp4"
