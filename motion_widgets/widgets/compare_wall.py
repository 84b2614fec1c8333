"""The compare wall: results of a run beside the reference clip, on one clock."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import ipywidgets as w

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.sweep import Run
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.player_wall import PlayerWall, WallCell
from motion_widgets.widgets.row_text import billed, state_words, waited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.jobs.job import Job
    from motion_widgets.log.rows import JobRow
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["CompareWall", "server_root"]

_START = Path.cwd()  # taken at import: a later os.chdir says nothing about the notebook's place
LATEST = 6
"""Results on the wall when no run is chosen."""
RUNS = 50
"""Runs to choose from."""
_LATEST = (say("wall_latest"), "")
_DOT = " \u00b7 "


@dataclass
class _Layout:
    """What the wall shows, and the frame rate by which it steps."""

    fps: float
    cells: list[WallCell] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Sequence[JobRow]) -> _Layout:
        """Return an empty layout for these jobs; it steps by the slowest of their clips."""
        return cls(min([*(row.clip_fps for row in rows if row.clip_fps), 30.0]))


def server_root() -> Path:
    """Return the folder that the Jupyter server or Voilà serves, as far as the kernel can tell.

    Both start a kernel in its notebook's folder and say where the notebook lies below their root. Where they
    do not, it is the working directory, and the page may have to ask the kernel for the bytes.
    """
    told = os.environ.get("JPY_SESSION_NAME", "")
    request = urlsplit(os.environ.get("VOILA_REQUEST_URL", "")).path
    if "/voila/render/" in request:
        told = unquote(request.split("/voila/render/", 1)[1])
    folders = PurePosixPath(told.replace("\\", "/").strip("/")).parts[:-1]
    if folders and _START.parts[-len(folders) :] == folders:
        return Path(*_START.parts[: -len(folders)])
    return _START


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
        self._absent: dict[str, JobRow] = {}
        """Jobs on the wall with a file that is not in this folder."""
        self._asked: set[str] = set()
        """Those that were looked for at the shared path."""
        self._lacking: dict[str, str] = {}
        """Those that are not there either, and why."""
        self.choice = ui.control(w.Dropdown, say("wall_choice"), options=[_LATEST])
        self.choice.observe(self._chosen, "value")
        self._empty = ui.html(ui.note(say("wall_empty")))
        self.wall = PlayerWall(read=self._read)
        self.fill(ui.Column(self.choice, self.notice, self._empty, self.wall, cls="mw-body"))
        self.show_run(run) if run is not None else self.refresh()
        self.watch()

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
        self._job_ids = list(job_ids)
        self._asked, self._lacking = set(), {}  # a person asks again for what did not come
        self._offer(choose)
        self.refresh()

    def _offer(self, choose: str | None = None) -> None:
        options = [_LATEST, *((run_id, run_id) for run_id in self.ws.log_store.sweeps.ids()[:RUNS])]
        with self.lock:
            value = self.choice.value if choose is None else choose
            if list(self.choice.options) != options:
                self.choice.options = options
            if value in [one for _, one in options]:
                ui.assign(self.choice, "value", value)

    def _chosen(self, _: object) -> None:
        if self.choice.value:
            self._job_ids = []
        self.later("wall", self.refresh)

    def refresh(self) -> None:
        """Draw what there is of the chosen run; clips that are already on the wall play on."""
        self._offer()
        run_id, self._absent = self.choice.value, {}
        found = self._of_run(Run(self.ws, run_id)) if run_id else self._of_latest()
        with self.lock:
            ui.show(self._empty, not found.cells)
            ui.show(self.wall, found.cells)
            if found.cells != self._drawn:
                self._drawn = found.cells
                for name in ("fps", "rows", "columns"):
                    ui.assign(self.wall, name, getattr(found, name))
                self.wall.cells = [dict(cell) for cell in found.cells]
        wanted = [row for job_id, row in self._absent.items() if job_id not in self._asked]
        if wanted:
            self._asked.update(row.id for row in wanted)
            self.later(f"fetch {wanted[0].id}", partial(self._fetch, wanted))

    def _fetch(self, rows: list[JobRow]) -> None:
        """Fetch from the shared path what is not here, and show it, or why it did not come."""
        for row in rows:
            try:
                self.ws.team.fetch_inputs(row)
                self.ws.result_of(row)
            except LogError as error:
                self._lacking[row.id] = str(error)
            self.refresh()

    def _of_run(self, run: Run) -> _Layout:
        """Lay a run out: its second axis down, the others across, the reference clip first in every row."""
        axes = [name for name, values in run.axes.items() if len(values) > 1] or list(run.axes)
        down = axes[1] if len(axes) > 1 else ""
        across = [name for name in axes if name != down]
        rows = run.rows()
        made = _Layout.of(rows)
        for cell, row in zip(run.cells, rows, strict=False):
            line = cell["values"].get(down, "") if down else ""
            column = _DOT.join(cell["values"][name] for name in across)
            if line not in made.rows:
                made.rows.append(line)
                made.cells.append(self._reference(row, line))
            if column not in made.columns:
                made.columns.append(column)
            made.cells.append(self._cell(row, line, column))
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
        made.rows.append("")
        if len({row.clip_sha or row.video_url for row in rows}) == 1:
            made.cells.append(self._reference(rows[0], ""))
            made.columns.append(say("wall_reference"))
        for number, row in enumerate(rows, 1):
            column = f"{number}. {row.mode}{_DOT}{row.character_orientation}"
            made.columns.append(column)
            made.cells.append(self._cell(row, "", column))
        return made

    def _reference(self, row: JobRow, line: str) -> WallCell:
        cell: WallCell = {"row": line, "column": say("wall_reference"), "label": row.clip_name or ""}
        if row.clip_path:
            cell["caption"] = f"{row.clip_length:.2f} s" if row.clip_length else ""
            self._place(cell, row, row.clip_path)
        else:
            cell["state"], cell["message"] = say("wall_no_clip"), say("wall_no_clip_why")
        return cell

    def _cell(self, row: JobRow, line: str, column: str) -> WallCell:
        facts = (billed(row), waited(row), "SANDBOX" if row.sandbox else "")
        cell: WallCell = {"row": line, "column": column, "label": column or row.mode or ""}
        cell["caption"] = _DOT.join(filter(None, facts))
        if row.state == State.COLLECTED and row.result_path:
            self._place(cell, row, row.result_path)
        else:
            cell["state"], cell["message"] = state_words(row), row.error_message or ""
        return cell

    def _place(self, cell: WallCell, row: JobRow, name: str) -> None:
        """Put a file of the folder into a cell, or say that it is on its way here."""
        path = self.ws.folder / name
        if self.ws.shared is None or path.is_file():
            root = server_root()  # the page reaches what lies below it; only the kernel reads other paths
            cell["path"] = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
            return
        self._absent[row.id] = row
        why = self._lacking.get(row.id, "")
        cell["state"] = say("shared_absent") if why else say("shared_fetching", place=self.ws.shared)
        cell["message"] = why

    def _read(self, path: str) -> bytes | None:
        """Return a clip for a page that cannot reach it; None: it is not a file of this workspace."""
        whole = Path(path) if Path(path).is_absolute() else server_root() / path
        whole = whole.resolve()
        allowed = [(self.ws.folder / name).resolve() for name in ("results", "inputs")]
        if not any(whole.is_relative_to(folder) for folder in allowed):
            return None
        return whole.read_bytes()

    def close(self) -> None:
        """Take the wall from the page."""
        self.wall.close()
        super().close()
