"""The compare wall: results of a run beside the reference clip, on one clock."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import ipywidgets as w

from motion_widgets.core.errors import LogError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.sweep import Run
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.controls import Column, assign, control, html, show
from motion_widgets.widgets.player_wall import PlayerWall, WallCell
from motion_widgets.widgets.row_text import billed, state_words, waited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from motion_widgets.jobs.job import Job
    from motion_widgets.log.rows import JobRow
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["CompareWall", "server_root"]

_START = Path.cwd()  # taken at import: a later os.chdir says nothing about the notebook's place
LATEST = 6
"""Results on the wall when no run is chosen."""


def server_root() -> Path:
    """Return the folder that the Jupyter server or Voilà serves, as far as the kernel can tell.

    Both start a kernel in its notebook's folder and say where the notebook is below their root. Where they
    say nothing, the working directory is taken; the page then asks the kernel for the bytes.
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
        """Those that were asked for at the shared path."""
        self._lacking: dict[str, str] = {}
        """Why one of them did not come."""
        self.choice = control(w.Dropdown, say("wall_choice"), options=[(say("wall_latest"), "")])
        self.choice.observe(self._chosen, "value")
        self._empty = html(f'<div class="mw-note">{escape(say("wall_empty"))}</div>')
        self.wall = PlayerWall(read=self._read)
        body = Column(self.choice, self.notice, self._empty, self.wall, cls="mw-body")
        self.fill(body)
        self.show_run(run) if run is not None else self.refresh()
        self.watch()

    def show_run(self, run: Run | str) -> None:
        """Put a run on the wall."""
        self._job_ids = []
        run_id = run.id if isinstance(run, Run) else run
        self._offer(choose=run_id)
        self.refresh()

    def show_job(self, job: Job) -> None:
        """Put one job beside its reference clip."""
        self.show_jobs([job.id])

    def show_jobs(self, job_ids: Sequence[str]) -> None:
        """Put some jobs side by side, in this order."""
        self._job_ids = list(job_ids)
        self._offer(choose="")
        self.refresh()

    def _offer(self, choose: str | None = None) -> None:
        if choose is not None:  # a person asks again for what did not come
            self._asked, self._lacking = set(), {}
        options = [
            (say("wall_latest"), ""),
            *[(run_id, run_id) for run_id in self.ws.log_store.sweeps.ids()[:50]],
        ]
        with self.lock:
            value = self.choice.value if choose is None else choose
            if list(self.choice.options) != options:
                self.choice.options = options
            if self.choice.value != value and value in [one for _, one in options]:
                self.choice.value = value

    def _chosen(self, _: object) -> None:
        if self.choice.value:
            self._job_ids = []

        def work() -> Callable[[], None] | None:
            self.refresh()
            return None

        self.later("wall", work)

    def refresh(self) -> None:
        """Draw what there is of the chosen run; clips that are there already play on."""
        self._offer()
        run_id, self._absent = self.choice.value, {}
        cells, rows, columns, fps, length = (
            self._of_run(Run(self.ws, run_id)) if run_id else self._of_latest()
        )
        with self.lock:
            show(self._empty, not cells)
            show(self.wall, cells)
            if cells != self._drawn:
                self._drawn = cells
                assign(self.wall, "fps", fps)
                assign(self.wall, "length", length)
                assign(self.wall, "rows", rows)
                assign(self.wall, "columns", columns)
                self.wall.cells = [dict(cell) for cell in cells]
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

    def _place(self, cell: WallCell, row: JobRow, name: str) -> None:
        """Put a file into a cell, or say that it is on its way here."""
        if self.ws.shared is None or (self.ws.folder / name).is_file():
            cell["path"] = self._served(name)
            return
        self._absent[row.id] = row
        why = self._lacking.get(row.id, "")
        cell["state"] = say("shared_absent") if why else say("shared_fetching", place=self.ws.shared)
        cell["message"] = why

    def _of_run(self, run: Run) -> tuple[list[WallCell], list[str], list[str], float, float]:
        """Lay a run out: its second axis down, the others across, the reference clip first in every row."""
        axes = [name for name, values in run.axes.items() if len(values) > 1] or list(run.axes)
        down = axes[1] if len(axes) > 1 else ""
        across = [name for name in axes if name != down]
        rows, columns, cells, reference = [], [], [], say("wall_reference")
        found = run.rows()
        for cell, row in zip(run.cells, found, strict=False):
            line = cell["values"].get(down, "") if down else ""
            column = " \u00b7 ".join(cell["values"][name] for name in across)
            if line not in rows:
                rows.append(line)
                cells += self._reference(row, line, reference)
            if column not in columns:
                columns.append(column)
            cells.append(self._cell(row, line, column))
        return cells, rows, [reference, *columns], *self._clock(found)

    def _of_latest(self) -> tuple[list[WallCell], list[str], list[str], float, float]:
        if chosen := self._job_ids:
            found = self.ws.log_store.jobs.rows(jobs.c.id.in_(chosen))
            found.sort(key=lambda row: chosen.index(row.id))
        else:
            mine = (jobs.c.endpoint == self.ws.endpoint, jobs.c.account == self.ws.account)
            collected = jobs.c.state == State.COLLECTED.value
            found = self.ws.log_store.jobs.rows(*mine, collected, limit=LATEST, newest=True)
        cells, columns, reference = [], [], say("wall_reference")
        if found and len({row.clip_sha or row.video_url for row in found}) == 1:
            cells += self._reference(found[0], "", reference)
            columns.append(reference)
        for number, row in enumerate(found, 1):
            column = f"{number}. {row.mode} \u00b7 {row.character_orientation}"
            columns.append(column)
            cells.append(self._cell(row, "", column))
        return cells, [""], columns, *self._clock(found)

    @staticmethod
    def _clock(rows: list[JobRow]) -> tuple[float, float]:
        """Return the frame rate for stepping, and 0: the wall takes the longest clip's own length."""
        rates = [row.clip_fps for row in rows if row.clip_fps]
        return min([*rates, 30.0]), 0.0

    def _served(self, relative: str) -> str:
        """Return a file's path below the server's root, or its full path, which only the kernel can read."""
        path = self.ws.folder / relative
        try:
            return path.relative_to(server_root()).as_posix()
        except ValueError:
            return path.as_posix()

    def _reference(self, row: JobRow, line: str, column: str) -> list[WallCell]:
        if not row.clip_path:
            return [
                {
                    "row": line,
                    "column": column,
                    "label": row.clip_name or "",
                    "state": say("wall_no_clip"),
                    "message": say("wall_no_clip_why"),
                }
            ]
        length = f"{row.clip_length:.2f} s" if row.clip_length else ""
        made: WallCell = {
            "row": line,
            "column": column,
            "label": row.clip_name or "",
            "caption": length,
        }
        self._place(made, row, row.clip_path)
        return [made]

    def _cell(self, row: JobRow, line: str, column: str) -> WallCell:
        caption = " \u00b7 ".join(
            one for one in (billed(row), waited(row), "SANDBOX" if row.sandbox else "") if one
        )
        label = column or row.mode or ""
        cell: WallCell = {"row": line, "column": column, "label": label, "caption": caption}
        if row.state == State.COLLECTED and row.result_path:
            self._place(cell, row, row.result_path)
        else:
            cell["state"] = state_words(row)
            cell["message"] = row.error_message or ""
        return cell

    def _read(self, path: str) -> bytes | None:
        """Read a clip for a page that cannot reach it; only files of this workspace."""
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
