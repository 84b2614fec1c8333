"""The log as a table: search, filter, rate, tag, hide, and run again; paged in the database."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError, MotionError, RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.log.annotations import STARS, split_tags
from motion_widgets.log.ids import current_person
from motion_widgets.log.paging import facets, page
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import DEBOUNCE, SETTLE, Panel
from motion_widgets.widgets.compare_wall import CompareWall
from motion_widgets.widgets.row_grid import RowGrid, asked, value_words, view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["LogTable"]

PAGE = 25
"""Rows drawn at once; they are paged in the database."""
MOST = 20
"""Rows that one click runs again at most."""
FRESH = 10.0
"""s after which the filters' values are looked up again: in a long log they take a while to find."""

_EXPORTS = ("csv", "parquet", "json")


class LogTable(Panel):
    """Shows the experiment log, newest first.

    Its rows can be searched, filtered, sorted, rated, tagged and annotated. Chosen ones can be compared,
    loaded into a form, run again at a named price, or hidden, which can be undone.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    on_compare
        Called with the ids of the chosen jobs that have a result, on a background thread. None: they are
        shown below the table.
    on_load
        Called with the request of a chosen job. None: there is no such button.

    Examples
    --------
    >>> table = mw.LogTable(ws)
    """

    def __init__(
        self,
        ws: Workspace | None = None,
        *,
        on_compare: Callable[[list[str]], object] | None = None,
        on_load: Callable[[MotionRequest], object] | None = None,
        watch: bool = True,
    ) -> None:
        super().__init__(ws, watch=watch)
        self._on_compare, self._on_load = on_compare, on_load
        self._facets: list[dict[str, Any]] = []
        self._facets_at = -FRESH
        self._priced: tuple[Any, list[tuple[MotionRequest, float]]] = (None, [])
        """What the button names the price of: ids and endpoint; each request and its price (USD)."""
        self._rerunning = False
        self._hidden: list[str] = []
        self.grid = RowGrid(on_message=self._message)
        self.grid.actions = {"compare": True, "load": on_load is not None, "rerun": None}
        self.grid.observe(lambda _: self._redraw(), "ask")
        self.grid.observe(self._chosen, "chosen")
        self._undo = ui.button(say("log_undo"), lambda: self._unhide(self._hidden))
        ui.show(self._undo, visible=False)
        exports = [ui.button(say("log_export", kind=kind), partial(self._export, kind)) for kind in _EXPORTS]
        self._body = ui.Column(self.grid, self.notice, self._undo, ui.flow(*exports), cls="mw-body")
        self.fill(self._body)
        self.refresh()
        self.watch()

    @property
    def chosen(self) -> list[str]:
        """The ids of the rows that are ticked."""
        return list(self.grid.chosen)

    # Drawing.

    def refresh(self) -> None:
        """Draw the page that is open."""
        ask, first = asked(self.grid.ask)
        found = page(self.ws.log_store, ask, first=first, size=PAGE)
        if first and not found.rows:  # what was there is gone
            first = max((found.total - 1) // PAGE * PAGE, 0)
            found = page(self.ws.log_store, ask, first=first, size=PAGE)
        mine = self.ws.log_store.annotations.of([row.id for row in found.rows], by=current_person())
        if time.monotonic() - self._facets_at > FRESH:
            self._facets, self._facets_at = self._offer(), time.monotonic()
        said, last = say("log_empty"), first + len(found.rows)
        if found.rows:
            said = say("log_page", first=f"{first + 1:,}", last=f"{last:,}", total=f"{found.total:,}")
        paging = {"first": first, "size": PAGE, "deleted": ask.deleted, "said": said}
        with self.lock:
            ui.assign(self.grid, "view", {**view_of(found, mine), **paging, "facets": self._facets})

    def _redraw(self) -> None:
        self.later("page", self.refresh)

    def _offer(self) -> list[dict[str, Any]]:
        """Return the filters with the values that occur."""
        offered = []
        for name, values in facets(self.ws.log_store).items():
            if name == "created_by" and len(values) < 2:
                continue  # nobody shares this log
            told = [[value, value_words(name, value) or say("log_filter_none")] for value in values]
            offered.append({"name": name, "label": say(f"column_{name}"), "values": told})
        tags = [[tag, tag] for tag in self.ws.log_store.annotations.tags_used()]
        return [*offered, {"name": "tag", "label": say("filter_tag"), "values": tags}]

    # What a person does.

    def _message(self, content: dict[str, Any]) -> None:
        """Take what the page asks for to a thread that may block."""
        kind, what = content.get("type"), content.get("what")
        if kind == "mark" and isinstance(content.get("id"), str):
            name = f"mark {content['id']} {what}"
            self.later(name, partial(self._mark, content), lambda _: self.announce(""))
        elif kind == "act":
            actions: dict[str, Callable[[], None]] = {
                "compare": self._to_wall, "load": self._load, "rerun": self._rerun,
                "delete": self._hide, "restore": lambda: self._unhide(self.chosen),
            }  # fmt: skip
            if str(what) in actions:
                actions[str(what)]()

    def _mark(self, content: Mapping[str, Any]) -> None:
        store, job_id, value = self.ws.log_store.annotations, content["id"], content.get("value")
        if content["what"] == "stars":
            store.rate([job_id], stars=value if value in range(1, STARS + 1) else None)
        elif content["what"] == "usable":
            store.rate([job_id], usable=value if isinstance(value, bool) else None)
        elif content["what"] == "said" and isinstance(value, dict):
            had = store.of([job_id])[job_id]
            note = str(value.get("note", "")).strip()
            if note != had.note:
                store.note(job_id, note)
            wanted, tags = set(split_tags(str(value.get("tags", "")))), set(had.tags)
            for tag in sorted(wanted - tags):
                store.tag([job_id], tag)
            for tag in sorted(tags - wanted):
                store.untag([job_id], tag)
            self._facets_at = -FRESH
        self.refresh()

    def _rows(self) -> list[JobRow]:
        """Return the chosen rows, in the order in which they were ticked."""
        found = {row.id: row for row in self.ws.log_store.jobs.rows(jobs.c.id.in_(self.chosen))}
        return [found[one] for one in self.chosen if one in found]

    def _to_wall(self) -> None:
        def work() -> list[str]:
            ids = [row.id for row in self._rows() if row.state == State.COLLECTED and row.result_path]
            if not ids:
                raise LogError.of("log_no_result")
            if self._on_compare is not None:
                self._on_compare(ids)
            return ids

        def take(ids: list[str]) -> None:
            if self._on_compare is None:
                self._wall().show_jobs(ids)

        self.later("compare", work, take)

    def _wall(self) -> CompareWall:
        """Return the wall below the table, made at first use."""
        wall = next((one for one in self._body.children if isinstance(one, CompareWall)), None)
        if wall is None:
            wall = CompareWall(self.ws, watch=False)
            self._body.children += (wall,)
        return wall

    def _load(self) -> None:
        """Load the first chosen row's request."""
        chosen, on_load = self.chosen, self._on_load
        if not chosen or on_load is None:
            return

        def take(request: MotionRequest) -> None:
            on_load(request)
            self.announce(say("log_loaded", id=chosen[0]))

        self.later("load", lambda: self.ws.request_of(self.ws.log_store.jobs.get(chosen[0])), take)

    def _hide(self) -> None:
        ids = self.chosen
        if ids:
            said = say("log_deleted", count=len(ids))
            self.later(
                "delete", lambda: self.ws.log_store.annotations.hide(ids), lambda _: self._tidied(ids, said)
            )

    def _unhide(self, ids: list[str]) -> None:
        if ids:
            said = say("log_restored", count=len(ids))
            self.later(
                "delete", lambda: self.ws.log_store.annotations.unhide(ids), lambda _: self._tidied([], said)
            )

    def _tidied(self, hidden: list[str], said: str) -> None:
        self._hidden = hidden
        self.grid.chosen = []
        self.announce(said)
        ui.show(self._undo, hidden)
        self._redraw()

    # Running again, at the price that its button names.

    def _key(self) -> tuple[Any, ...]:
        return (*self.chosen, self.ws.endpoint, self.ws.account)

    def _chosen(self, _: object) -> None:
        self._offer_rerun(say("log_rerun_pricing") if self.chosen else None)
        if not self.chosen:
            return

        key = self._key()

        def take(priced: list[tuple[MotionRequest, float]]) -> None:
            self._priced = (key if priced else None, priced)
            price = format_usd(sum(high for _, high in priced))
            text = say("log_rerun_live" if self.ws.live else "log_rerun", price=price)
            self._offer_rerun(text, ready=bool(priced))

        def failed(message: str) -> None:
            many = len(self.chosen) > MOST
            self._priced = (None, [])
            self._offer_rerun(say("log_rerun_many", most=MOST) if many else say("log_rerun_bad"), why=message)

        self.later("price", self._prices, take, failed=failed, delay=DEBOUNCE)

    def _prices(self) -> list[tuple[MotionRequest, float]]:
        """Return each chosen row's request, and the most that it may cost (USD)."""
        rows, priced = self._rows(), []
        if len(rows) > MOST:
            raise LogError.of("log_rerun_many", most=MOST)
        for row in rows:
            try:
                request = self.ws.request_of(row)
                priced.append((request, self.ws.preparation.prepare(request)[1].high))
            except MotionError as error:
                raise LogError.of("log_rerun_no", id=row.id, reason=error) from error
        return priced

    def _offer_rerun(self, text: str | None, *, ready: bool = False, why: str = "") -> None:
        rerun = None if text is None else {"text": text, "ready": ready, "why": why, "live": self.ws.live}
        ui.assign(self.grid, "actions", {**self.grid.actions, "rerun": rerun})

    def _rerun(self) -> None:
        with self.lock:
            key, priced = self._priced
            if self._rerunning or key is None or key != self._key():
                return
            self._rerunning = True
            self._offer_rerun(say("submitting"))

        started = 0

        def work() -> None:
            nonlocal started
            if key != self._key():  # the click overtook a change
                raise RequestError.of("changed_after_click")
            for request, price in priced:
                self.ws.submit(request, max_cost=price, new=True)
                started += 1

        def done(wrong: str = "") -> None:
            self._rerunning = False
            self._priced = (None, [])
            self.grid.chosen = []
            begun = say("log_reran", count=started) if started else ""
            self.announce(f"{begun} {wrong}".strip(), bad=bool(wrong))

        self.later("rerun", work, lambda _: done(), failed=done, delay=SETTLE)

    def _export(self, kind: str) -> None:
        path = self.ws.folder / f"log.{'jsonl' if kind == 'json' else kind}"
        write = getattr(self.ws.log, f"to_{kind}")
        said = say("log_exported", path=str(path))
        self.later("export", lambda: write(path), lambda _: self.announce(said))
