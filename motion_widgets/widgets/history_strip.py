"""The newest jobs as a strip of thumbnails: one is shown or edited with a click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from motion_widgets.core.messages import say
from motion_widgets.jobs.job import Job
from motion_widgets.log.annotations import visible
from motion_widgets.log.billing import refund_open
from motion_widgets.log.states import ENDS, UNDER_WAY, State
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.axis_words import axis_value
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.job_pictures import JobPictures
from motion_widgets.widgets.page_widget import PageWidget
from motion_widgets.widgets.row_text import billed, cell_name, dotted, price, state_words
from motion_widgets.widgets.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.log.annotations import Annotation
    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["HistoryStrip"]

LENGTH = 20
"""Jobs on the strip."""


class Strip(PageWidget, scripts=("children", "history_strip")):
    """Draws the strip; `on_act` is called with ``"show"``, ``"edit"`` or ``"all"`` and a job's id."""

    items = t.List(t.Dict()).tag(sync=True)
    """Per job `id`, `title`, `line`, `name`, `kind` (what colour it has), `picture` (a ``data:`` link) and
    `word` (instead of a picture, or over it)."""

    current = t.Unicode().tag(sync=True)
    """The job that is shown elsewhere."""

    all = t.Unicode().tag(sync=True)
    """What the link to all jobs says; ``""``: there is no link."""

    editable = t.Bool(default_value=True).tag(sync=True)
    """Whether settings can be brought back."""

    def __init__(self, on_act: Callable[[str, str], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._on_act = on_act

    def _receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        what, job_id = content.get("type"), str(content.get("id"))
        if what == "all" or (what in ("show", "edit") and any(one["id"] == job_id for one in self.items)):
            self._on_act(str(what), job_id)


class HistoryStrip(Panel):
    """The newest jobs of this workspace's endpoint and account, newest first.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    on_show
        Called with a job that is to be shown. None: its path is named.
    on_edit
        Called with the request of a job whose settings are to come back. None: that is not offered.
    on_all
        Called when all jobs are to be seen. None: that is not offered.

    Examples
    --------
    >>> strip = mw.HistoryStrip(ws)
    """

    def __init__(
        self,
        ws: Workspace | None = None,
        *,
        on_show: Callable[[Job], object] | None = None,
        on_edit: Callable[[MotionRequest], object] | None = None,
        on_all: Callable[[], object] | None = None,
        watch: bool = True,
    ) -> None:
        super().__init__(ws, watch=watch)
        self._on_show, self._on_edit, self._on_all = on_show, on_edit, on_all
        self._waiting = Waiting()
        self.strip = Strip(self._act, editable=on_edit is not None)
        self._body = ui.Column(self.strip, self.notice, cls="mw-body")
        self.fill(self._body)
        self.redraw()
        self.watch()

    def refresh(self) -> None:
        """Draw the newest jobs; their pictures follow as they are made."""
        log, mine = self.ws.log_store, self.ws.connection.mine
        rows = _last_attempts(log.jobs.rows(*mine, visible, limit=2 * LENGTH, newest=True))[:LENGTH]
        totals = log.jobs.totals(self.ws.endpoint, self.ws.account)
        if any(row.state in UNDER_WAY for row in rows):
            self._waiting.learn(self.ws, totals.count(ENDS))
        said = log.annotations.of([row.id for row in rows])
        pictures = JobPictures.of(self.ws)
        lacking = pictures.lacks(rows)  # before they are read: another panel may be making them
        items = [self._item(row, pictures.get(row), said.get(row.id)) for row in rows]
        count = sum(totals.counts.values())
        with self.lock:
            ui.show(self._body, bool(items))
            ui.assign(self.strip, "items", items)
            ui.assign(self.strip, "all", say("history_all", count=count) if self._on_all is not None else "")
        if lacking:
            self.later("pictures", lambda: pictures.make(self.ws, rows), self._pictured)

    def _pictured(self, _: object) -> None:
        self.later("pictured", self.redraw)

    def point_at(self, job_id: str) -> None:
        """Mark the job that is shown elsewhere."""
        ui.assign(self.strip, "current", job_id)

    def _item(self, row: JobRow, picture: str, said: Annotation | None) -> dict[str, str]:
        kind, word = _kind(row)
        line = self._line(row)
        if said is not None and said.stars:
            line = dotted(line, "★" * round(said.stars))
        faces = axis_value("character_orientation", row.character_orientation or "")
        return {
            "id": row.id, "title": dotted(row.mode, faces), "line": line, "kind": kind, "word": word,
            "picture": "" if kind in ("doubt", "bad") else picture,
            "name": dotted(state_words(row), cell_name(row)),
        }  # fmt: skip

    def _line(self, row: JobRow) -> str:
        if row.state in UNDER_WAY:
            left = self._waiting.left(row)
            return say("history_left", left=left) if left else say(f"state_{row.state}")
        if row.undecided or refund_open(row):
            return say("history_held", usd=price(row.reserved or row.estimate_high))
        if row.state in (State.FAILED, State.CANCELLED) and not row.cost:
            return say("refunded")
        if row.state in (State.REJECTED, State.PLANNED):
            return say("history_free")
        return billed(row)

    def _act(self, what: str, job_id: str) -> None:
        if what == "all":
            if self._on_all is not None:
                self._on_all()
        elif what == "show":
            self.point_at(job_id)
            self.show_result(job_id, self._on_show)
        elif self._on_edit is not None:
            self.later("edit", lambda: self.ws.request_of(Job(self.ws, job_id).row), self._on_edit)


def _last_attempts(rows: list[JobRow]) -> list[JobRow]:
    """Return of rows, newest first, those that no later attempt took the place of."""
    last: dict[tuple[str, int], JobRow] = {}
    for row in rows:
        last.setdefault((row.key, row.repeat), row)
    return list(last.values())


def _kind(row: JobRow) -> tuple[str, str]:
    """Return what colour a job has, and the word that stands instead of its picture or over it."""
    if row.state in UNDER_WAY:
        return "running", say("stage_percent", percent=row.progress or 0)
    if row.state == State.COLLECTED:
        return "done", ""
    if row.undecided:
        return "doubt", say("history_decide")
    if not row.drivable:
        return "bad", say("state_damaged")
    if row.state == State.PLANNED:
        return "waiting", say("state_planned")
    refused = row.error_kind == "moderation"
    return "bad", say("history_refused") if refused else say(f"state_{row.state}")
