"""The log as a table: found, judged and tidied by its rows, and run again; paged in the database."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import MotionError
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.log.annotations import STARS, split_tags
from motion_widgets.log.ids import current_person
from motion_widgets.log.paging import facets, page
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.widgets.base import DEBOUNCE, SETTLE, Panel
from motion_widgets.widgets.controls import Column, assign, button, flow, show
from motion_widgets.widgets.row_grid import RowGrid
from motion_widgets.widgets.row_view import asked, value_words, view_of

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
"""s that the values on offer in the filters may be old: in a long log they take a while to find."""

_EXPORTS = ("csv", "parquet", "json")


class LogTable(Panel):
    """Shows the experiment log, newest first.

    Its rows are searched, filtered, sorted, rated, tagged and noted; chosen ones are compared, loaded into a
    form, run again at a named price, or put out of sight, which can be undone.

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
        """What the button that runs again names the price of: ids, endpoint; each request and price."""
        self._rerunning = False
        self._hidden: list[str] = []
        self.grid = RowGrid(on_message=self._message)
        self.grid.actions = {"compare": True, "load": on_load is not None, "rerun": None}
        self.grid.observe(lambda _: self.later("page", self._drawn), "ask")
        self.grid.observe(self._chosen, "chosen")
        self._undo = button(say("log_undo"), self._bring_back)
        show(self._undo, visible=False)
        exports = [button(say("log_export", kind=kind), partial(self._export, kind)) for kind in _EXPORTS]
        self._body = Column(self.grid, self.notice, self._undo, flow(*exports), cls="mw-body")
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
        view = {
            **view_of(found, mine),
            "facets": self._facets,
            "first": first,
            "size": PAGE,
            "deleted": ask.deleted,
        }
        last = first + len(found.rows)
        view["said"] = (
            say("log_page", first=f"{first + 1:,}", last=f"{last:,}", total=f"{found.total:,}")
            if found.rows
            else say("log_empty")
        )
        with self.lock:
            assign(self.grid, "view", view)

    def _offer(self) -> list[dict[str, Any]]:
        """Return the filters with the values that there are."""
        offered = []
        for name, values in facets(self.ws.log_store).items():
            if name == "created_by" and len(values) < 2:
                continue  # nobody works with others here
            told = [[value, value_words(name, value) or say("log_filter_none")] for value in values]
            offered.append({"name": name, "label": say(f"column_{name}"), "values": told})
        tags = [[tag, tag] for tag in self.ws.log_store.annotations.tags_used()]
        return [*offered, {"name": "tag", "label": say("filter_tag"), "values": tags}]

    def _drawn(self) -> None:
        self.refresh()

    # What a person does.

    def _message(self, content: dict[str, Any]) -> None:
        """Take what the page asks for to a thread that may block."""
        kind, what = content.get("type"), content.get("what")
        if kind == "mark" and isinstance(content.get("id"), str):
            self.later(f"mark {content['id']} {what}", partial(self._mark, content))
        elif kind == "act":
            actions = {
                "compare": self._to_wall, "load": self._load, "rerun": self._rerun,
                "delete": self._delete, "restore": self._restore,
            }  # fmt: skip
            action = actions.get(str(what))
            if action is not None:
                action()

    def _mark(self, content: Mapping[str, Any]) -> Callable[[], None]:
        store, job_id, value = self.ws.log_store, content["id"], content.get("value")
        if content["what"] == "stars":
            store.annotations.rate([job_id], stars=value if value in range(1, STARS + 1) else None)
        elif content["what"] == "usable":
            store.annotations.rate([job_id], usable=value if isinstance(value, bool) else None)
        elif content["what"] == "said" and isinstance(value, dict):
            had = store.annotations.of([job_id])[job_id]
            note = str(value.get("note", "")).strip()
            if note != had.note:
                store.annotations.note(job_id, note)
            wanted = set(split_tags(str(value.get("tags", ""))))
            for tag in sorted(wanted - set(had.tags)):
                store.annotations.tag([job_id], tag)
            for tag in sorted(set(had.tags) - wanted):
                store.annotations.untag([job_id], tag)
            self._facets_at = -FRESH
        self.refresh()
        return lambda: self.announce("")

    def _rows(self) -> list[JobRow]:
        """Return the chosen rows, in the order in which they were ticked."""
        found = {row.id: row for row in self.ws.log_store.jobs.rows(jobs.c.id.in_(self.chosen))}
        return [found[one] for one in self.chosen if one in found]

    def _to_wall(self) -> None:
        def work() -> Callable[[], None] | None:
            ids = [row.id for row in self._rows() if row.state == State.COLLECTED and row.result_path]
            if not ids:
                return lambda: self.announce(say("log_no_result"), bad=True)
            if self._on_compare is not None:
                self._on_compare(ids)
                return None
            return lambda: self._wall().show_jobs(ids)

        self.later("compare", work)

    def _wall(self) -> Any:
        """Return the wall below the table, made at first use."""
        from motion_widgets.widgets.compare_wall import CompareWall

        wall = next((one for one in self._body.children if isinstance(one, CompareWall)), None)
        if wall is None:
            wall = CompareWall(self.ws, watch=False)
            self._body.children += (wall,)
        return wall

    def _load(self) -> None:
        def work() -> Callable[[], None] | None:
            rows, on_load = self._rows(), self._on_load
            if not rows or on_load is None:
                return None
            request = self.ws.request_of(rows[0])

            def load() -> None:
                on_load(request)
                self.announce(say("log_loaded", id=rows[0].id))

            return load

        self.later("load", work)

    def _delete(self) -> None:
        ids = self.chosen

        def work() -> Callable[[], None]:
            self.ws.log_store.annotations.hide(ids)
            return lambda: self._put_away(ids)

        if ids:
            self.later("delete", work)

    def _put_away(self, ids: list[str]) -> None:
        self._hidden = ids
        self.grid.chosen = []
        self.announce(say("log_deleted", count=len(ids)))
        show(self._undo, visible=True)
        self.later("page", self._drawn)

    def _bring_back(self) -> None:
        self._unhide(self._hidden)

    def _restore(self) -> None:
        self._unhide(self.chosen)

    def _unhide(self, ids: list[str]) -> None:
        def work() -> Callable[[], None]:
            self.ws.log_store.annotations.unhide(ids)

            def done() -> None:
                self._hidden = []
                self.grid.chosen = []
                show(self._undo, visible=False)
                self.announce(say("log_restored", count=len(ids)))
                self.later("page", self._drawn)

            return done

        if ids:
            self.later("delete", work)

    # Running again, at the price that its button names.

    def _key(self) -> tuple[Any, ...]:
        return (*self.chosen, self.ws.endpoint, self.ws.account)

    def _chosen(self, _: object) -> None:
        self._offer_rerun(say("log_rerun_pricing") if self.chosen else None)
        if not self.chosen:
            return

        def work() -> Callable[[], None]:
            key, priced, wrong = self._key(), [], ""
            rows = self._rows()
            if len(rows) > MOST:
                wrong = text = say("log_rerun_many", most=MOST)
            else:
                try:
                    for row in rows:
                        request = self.ws.request_of(row)
                        priced.append((request, self.ws.preparation.prepare(request)[1].high))
                    price = format_usd(sum(high for _, high in priced))
                    text = say("log_rerun_live" if self.ws.live else "log_rerun", price=price)
                except MotionError as error:
                    wrong = say("log_rerun_no", id=row.id, reason=error)
                    text = say("log_rerun_bad")

            def take() -> None:
                self._priced = (None if wrong or not priced else key, priced)
                self._offer_rerun(text, ready=not wrong and bool(priced), why=wrong)

            return take

        self.later("price", work, delay=DEBOUNCE)

    def _offer_rerun(self, text: str | None, *, ready: bool = False, why: str = "") -> None:
        rerun = None if text is None else {"text": text, "ready": ready, "why": why, "live": self.ws.live}
        assign(self.grid, "actions", {**self.grid.actions, "rerun": rerun})

    def _rerun(self) -> None:
        with self.lock:
            key, priced = self._priced
            if self._rerunning or key is None or key != self._key():
                return
            self._rerunning = True
            self._offer_rerun(say("submitting"))

        def work() -> Callable[[], None]:
            started, wrong = 0, ""
            if key != self._key():  # the click overtook a change
                wrong = say("changed_after_click")
            else:
                try:
                    for request, price in priced:
                        self.ws.submit(request, max_cost=price, new=True)
                        started += 1
                except MotionError as error:
                    wrong = str(error)

            def done() -> None:
                self._rerunning = False
                self._priced = (None, [])
                self.grid.chosen = []
                begun = say("log_reran", count=started) if started else ""
                self.announce(" ".join(one for one in (begun, wrong) if one), bad=bool(wrong))

            return done

        self.later("rerun", work, delay=SETTLE)

    def _export(self, kind: str) -> None:
        def work() -> Callable[[], None]:
            path = self.ws.folder / f"log.{'jsonl' if kind == 'json' else kind}"
            getattr(self.ws.log, f"to_{kind}")(path)
            return lambda: self.announce(say("log_exported", path=str(path)))

        self.later("export", work)
