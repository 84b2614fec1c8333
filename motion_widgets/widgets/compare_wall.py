"""The compare wall: results of a run beside the reference clip, on one clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.sweep import Run
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.axis_words import axis_head
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.job_pictures import JobPictures
from motion_widgets.widgets.page_files import PlayerFiles
from motion_widgets.widgets.player_wall import PlayerWall, WallCell
from motion_widgets.widgets.row_text import REFUSED, billed, dotted, waited

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from motion_widgets.jobs.job import Job
    from motion_widgets.log.rows import JobRow
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["CompareWall"]

LATEST = 6
"""Results on the wall when no run is chosen."""
RUNS = 50
"""Runs to choose from."""
_TOLD = ("model", "mode", "character_orientation", "image_url", "video_url", "prompt")
"""Fields in which results are told apart."""
_POSTERS = 12
"""Results that have a picture until their clip is there."""


@dataclass
class _Layout:
    """What the wall shows, and the frame rate by which it steps."""

    fps: float
    cells: list[WallCell] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    shown: list[JobRow] = field(default_factory=list)
    """Jobs with a result."""
    absent: list[JobRow] = field(default_factory=list)
    """Jobs without one."""

    @classmethod
    def of(cls, rows: Sequence[JobRow]) -> _Layout:
        """Return an empty layout for these jobs; it steps by the slowest of their clips."""
        return cls(min([*(row.clip_fps for row in rows if row.clip_fps), 30.0]))

    def take(self, row: JobRow) -> bool:
        """Note a job; return whether it has a result to show."""
        has = row.state == State.COLLECTED and bool(row.result_path)
        (self.shown if has else self.absent).append(row)
        return has


def _differing(rows: Sequence[JobRow]) -> list[str]:
    """Return the fields in which jobs differ."""
    return [name for name in _TOLD if len({_value(row, name) for row in rows}) > 1]


def _value(row: JobRow, name: str) -> str:
    kept = {"image_url": row.image_name, "video_url": row.clip_name}
    return axis_head(name, str(kept.get(name) or getattr(row, name) or ""))


def _said_once(found: _Layout) -> str:
    """Return what all results share, and what is not shown and why."""
    lines = []
    if found.shown:
        differs = _differing(found.shown)
        same = dotted(*(_value(found.shown[0], name) for name in _TOLD if name not in differs))
        lines.append(say("wall_same", values=same))
    if found.absent:
        counts = Counter(map(_why_absent, found.absent))
        told = ", ".join(f"{count} {word}" for word, count in counts.items())
        lines.append(say("wall_not_shown", count=len(found.absent), why=told))
    return "".join(f"<div>{escape(one)}</div>" for one in lines)


def _why_absent(row: JobRow) -> str:
    if row.state == State.COLLECTED:
        return say("wall_lost")
    refused = row.state in (State.REJECTED, State.FAILED) and row.error_kind in REFUSED
    return say("why_refused") if refused else say(f"state_{row.state}")


class CompareWall(Panel):
    """Results side by side with one clock.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    run
        A run or its id. None: the latest results.

    Examples
    --------
    >>> wall = mw.CompareWall(ws)
    """

    def __init__(
        self, ws: Workspace | None = None, *, run: Run | str | None = None, watch: bool = True
    ) -> None:
        super().__init__(ws, watch=watch)
        self._job_ids: list[str] = []
        self._drawn: list[WallCell] = []
        self.choice = ui.control(w.Dropdown, say("wall_choice"), options=[(say("wall_latest"), "")])
        self.choice.observe(self.edge.guard(self._chosen), "value")
        self._empty = ui.html(ui.note(say("wall_empty")))
        self._files = PlayerFiles(self)
        self._wall: PlayerWall | None = None
        self._same = ui.html(cls="mw-wall-same")
        head = ui.flow(self.choice, self._same, cls="mw-wall-line")
        self._body = ui.Column(head, self.notice, self._empty, cls="mw-body mw-compare")
        self.fill(self._body)
        self.show_run(run) if run is not None else self.redraw()
        self.watch()

    @property
    def wall(self) -> PlayerWall:
        """The clips. It is made once there are any: its script would be saved with every notebook."""
        with self.lock:
            if self._wall is None:
                self._wall = PlayerWall(read=self._files.read, on_said=self._rated)
                self._body.children += (self._wall,)
            return self._wall

    def show_run(self, run: Run | str) -> None:
        """Put a run on the wall."""
        self._show([], choose=run.id if isinstance(run, Run) else run)

    def show_job(self, job: Job) -> None:
        """Put one job beside its reference clip."""
        self._show([job.id])

    def show_jobs(self, job_ids: Sequence[str]) -> None:
        """Put some jobs side by side, in this order."""
        self._show(job_ids)

    def _show(self, job_ids: Sequence[str], choose: str = "") -> None:
        self._files.look_again()
        self._offer(choose, job_ids)
        self.redraw()

    def _offer(self, choose: str | None = None, job_ids: Sequence[str] | None = None) -> None:
        names = self.ws.log_store.sweeps.names(RUNS, also=choose or self.choice.value)
        twice = {name for name, count in Counter(names.values()).items() if count > 1}
        told = [(dotted(name, one) if name in twice else name, one) for one, name in names.items()]
        options = [(say("wall_latest"), ""), *told]
        with self.lock:
            value = self.choice.value if choose is None else choose
            if list(self.choice.options) != options:
                self.choice.options = options
            ui.assign(self.choice, "value", value)
            if job_ids is not None:  # only now: choosing a run anew, as above, forgets them
                self._job_ids = list(job_ids)

    def _chosen(self, _: object) -> None:
        if self.choice.value:
            self._job_ids = []
        self.later("wall", self.redraw)

    def refresh(self) -> None:
        """Draw what there is of the chosen run; clips that are already on the wall play on."""
        self._offer()
        run_id = self.choice.value
        found = self._of_run(Run(self.ws, run_id)) if run_id else self._of_latest()
        with self.lock:
            ui.show(self._empty, not found.cells)
            if found.cells or self._wall is not None:
                ui.show(self.wall, found.cells)
            ui.assign(self._same, "value", _said_once(found))
            if found.cells != self._drawn:
                self._drawn = found.cells
                for name in ("fps", "rows", "columns"):
                    ui.assign(self.wall, name, getattr(found, name))
                self.wall.cells = [dict(cell) for cell in found.cells]
        pictures, shown = JobPictures.of(self.ws), found.shown[:_POSTERS]
        posters = {cell.get("id"): cell.get("poster", "") for cell in found.cells}
        # Another panel may have made some since they were read.
        if pictures.lacks(shown) or any(pictures.get(row) != posters[row.id] for row in shown):
            make = partial(pictures.make, self.ws, shown)
            self.later("posters", make, lambda _: self.later("wall", self.redraw))
        self._files.fetch()

    def _of_run(self, run: Run) -> _Layout:
        """Lay out what has a result: the second axis down, the others across, the reference clip first."""
        axes = [name for name, values in run.axes.items() if len(values) > 1] or list(run.axes)
        down = axes[1] if len(axes) > 1 else ""
        across = [name for name in axes if name != down]
        rows = run.rows()
        made = _Layout.of(rows)
        marks = self.ws.log_store.annotations.stars(rows)
        for cell, row in zip(run.cells, rows, strict=False):
            if not made.take(row):
                continue
            values = cell["values"]
            line = axis_head(down, values.get(down) or "") if down else ""
            column = dotted(*(axis_head(name, values.get(name) or "") for name in across))
            if line not in made.rows:
                made.rows.append(line)
                made.cells.append(self._reference(row, line))
            if column not in made.columns:
                made.columns.append(column)
            made.cells.append(self._cell(row, line, column, marks))
        made.columns.insert(0, say("wall_reference"))
        return made

    def _of_latest(self) -> _Layout:
        """Lay out the chosen jobs, or else the newest results, in one row."""
        log, chosen = self.ws.log_store.jobs, self._job_ids
        if chosen:
            rows = sorted(log.rows(jobs.c.id.in_(chosen)), key=lambda row: chosen.index(row.id))
        else:
            collected = jobs.c.state == State.COLLECTED.value
            rows = log.rows(*self.ws.connection.mine, collected, limit=LATEST, newest=True)
        made = _Layout.of(rows)
        rows = [row for row in rows if made.take(row)]
        if not rows:
            return made
        made.rows.append("")
        if len({row.clip_sha or row.video_url for row in rows}) == 1:
            made.cells.append(self._reference(rows[0], ""))
            made.columns.append(say("wall_reference"))
        marks, differs = self.ws.log_store.annotations.stars(rows), _differing(rows)
        for number, row in enumerate(rows, 1):
            column = dotted(str(number), *(_value(row, name) for name in differs))
            made.columns.append(column)
            made.cells.append(self._cell(row, "", column, marks))
        return made

    def _reference(self, row: JobRow, line: str) -> WallCell:
        cell: WallCell = {"row": line, "column": say("wall_reference"), "label": row.clip_name or ""}
        if row.clip_path:
            cell["caption"] = f"{row.clip_length:.2f} s" if row.clip_length else ""
            return self._files.place(cell, row, row.clip_path)
        cell["state"], cell["message"] = say("wall_no_clip"), say("wall_no_clip_why")
        return cell

    def _cell(self, row: JobRow, line: str, column: str, marks: Mapping[str, float]) -> WallCell:
        cell: WallCell = {"row": line, "column": column, "id": row.id, "stars": round(marks.get(row.id, 0))}
        cell["caption"] = dotted(billed(row), waited(row), "SANDBOX" if row.sandbox else "")
        if poster := JobPictures.of(self.ws).get(row):
            cell["poster"] = poster
        return self._files.place(cell, row, row.result_path or "")

    def _rated(self, job_id: str, what: str, value: object) -> None:
        """Write the stars that a person gave to a result on the wall."""
        on_wall = {cell.get("id") for cell in self._drawn}
        if what == "stars" and job_id in on_wall and (value is None or isinstance(value, int)):
            rate = self.ws.log_store.annotations.rate
            self.later(f"stars {job_id}", lambda: rate(job_id, stars=value), in_turn=True)
