"""The log as a table: search, filter, rate, tag, hide, and run again; paged in the database."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_left, format_usd
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.log.annotations import STARS, split_tags
from motion_widgets.log.axes import MEDIA
from motion_widgets.log.names import current_person
from motion_widgets.log.paging import page
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.sweep import Run
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.compare_wall import CompareWall
from motion_widgets.widgets.job_line import JobActions
from motion_widgets.widgets.job_pictures import job_picture
from motion_widgets.widgets.log_filters import chips, drop_view, offered, save_view, views
from motion_widgets.widgets.repeat_offer import RepeatOffer
from motion_widgets.widgets.row_grid import RowGrid, asked, part_words, view_of
from motion_widgets.widgets.row_text import dotted
from motion_widgets.widgets.undecided import Undecided, undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from motion_widgets.log.paging import Page
    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep.progress import Standing
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["LogTable"]

PAGE = 25
"""Rows drawn at once; they are paged in the database."""
TALL = 80
"""px of a picture, twice what is shown, for sharp screens."""
AGAIN = 30.0
"""s after which rows say anew how long ago they were."""
FRESH = 10.0
"""s after which the values of open filters are looked up again."""

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
    on_run
        Called with the id of a run that is to be compared, on a background thread. None: it is shown below
        the table.
    on_board
        Called with the id of a run whose board is to be opened, on a background thread. None: there is no
        such button.
    drawn
        Whether its page is read and drawn at once; False: by whoever makes it, with `redraw`.

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
        on_run: Callable[[str], object] | None = None,
        on_board: Callable[[str], object] | None = None,
        watch: bool = True,
        drawn: bool = True,
    ) -> None:
        super().__init__(ws, watch=watch)
        self._on_compare, self._on_load = on_compare, on_load
        self._on_run, self._on_board = on_run, on_board
        self._facets: list[dict[str, Any]] | None = None
        """The filters with the values that occur. None: nobody opened them yet."""
        self._facets_at = -FRESH
        self._drawn_at = time.monotonic()
        self._runs: dict[str, tuple[str, Standing[Run]]] = {}
        """How the runs on the page stand, each with the cells that it had."""
        self._hidden: list[str] = []
        self.grid = RowGrid(on_message=self._message, picture=self._picture)
        self.grid.actions = {
            "load": on_load is not None, "board": on_board is not None, "rerun": None, "again": None,
        }  # fmt: skip
        self.repeats = RepeatOffer(self, self.grid, self.rows)
        self.undecided = Undecided(self, JobActions(self))
        self.grid.observe(self.edge.guard(lambda _: self._redraw()), "ask")
        self.grid.observe(self.edge.guard(self.repeats.chosen), "chosen")
        self._undo = ui.button(self.edge, say("log_undo"), lambda: self._unhide(self._hidden))
        ui.show(self._undo, visible=False)
        self._body = ui.Column(self.undecided, self.notice, self._undo, self.grid, cls="mw-body")
        self.fill(self._body)
        if drawn:
            self.redraw()
        self.watch()

    @property
    def chosen(self) -> list[str]:
        """The ids of the rows that are ticked."""
        return list(self.grid.chosen)

    @property
    def to_decide(self) -> int:
        """How many jobs may have been charged and wait for a person's decision."""
        return len(undecided(self))

    # Drawing.

    def watch_jobs(self) -> None:
        """Draw again now and then: rows say how long ago they were."""
        if time.monotonic() - self._drawn_at > AGAIN:
            self.draw_again()

    def refresh(self) -> None:
        """Draw the page that is open, and what a person has to decide."""
        self._drawn_at = time.monotonic()
        told, store = dict(self.grid.ask), self.ws.log_store
        ask, first = asked(told)
        found = page(store, ask, first=first, size=PAGE)
        if first and not found.rows:  # what was there is gone
            first = max((found.total - 1) // PAGE * PAGE, 0)
            found = page(store, ask, first=first, size=PAGE)
        mine = store.annotations.of([row.id for row in found.rows], by=current_person())
        if self._facets is not None and time.monotonic() - self._facets_at > FRESH:
            self._look_up()
        narrowed = told.get("search") or told.get("values")
        said, last = say("log_no_match" if narrowed else "log_empty"), first + len(found.rows)
        if found.rows:
            said = say("log_page", first=f"{first + 1:,}", last=f"{last:,}", total=f"{found.total:,}")
        view = view_of(found, mine, told, retried=store.jobs.retried(found.rows))
        if self._facets is None and any(one["name"] in MEDIA for one in chips(told, None)):
            self._look_up()  # only the log knows what an image or a clip is called
        paging = {"first": first, "size": PAGE, "deleted": ask.deleted, "said": said}
        view |= {
            **paging, "groups": self._heads(view["rows"], found), "views": list(views(self.ws.folder)),
            "exports": not in_visitor_mode(),
        }  # fmt: skip
        self.undecided.draw(undecided(self))
        with self.lock:
            if self.grid.ask == told:  # else something newer was asked for, and draws itself
                # Read only now: what was looked up meanwhile is newer than the page.
                view |= {"facets": self._facets or [], "filters": chips(told, self._facets)}
                ui.assign(self.grid, "view", view)

    def _heads(self, rows: list[dict[str, Any]], found: Page) -> dict[str, dict[str, Any]]:
        """Return what stands above the rows of each run on the page, and above the single jobs."""
        groups = Counter(row["group"] for row in rows)
        if list(groups) == [""]:
            return {}
        self._runs = {one: known for one, known in self._runs.items() if one in groups}
        heads = {one: self._head(one) for one in groups if one not in ("", "\0")}
        for one, head in heads.items():
            before, whole = found.runs[one]
            head["facts"] = dotted(head["facts"], part_words(before, groups[one], whole))
        some = say("log_single_some", shown=groups[""], all=found.single)
        facts = some if groups[""] < found.single else f"{found.single:,}"
        alone = {"title": say("log_single"), "name": "", "facts": facts, "here": False}
        return heads | ({"": alone} if "" in groups else {})

    def _head(self, run_id: str) -> dict[str, Any]:
        row = self.ws.log_store.sweeps.get(run_id)
        if row is None:  # an imported job may name a run that is elsewhere
            return {"title": say("log_run", name=run_id), "name": "", "facts": "", "here": False}
        cells, standing = self._runs.get(run_id, ("", None))
        if standing is None or cells != row.cells:
            standing = Run(self.ws, run_id).standing()
            self._runs[run_id] = row.cells, standing
        standing.update()
        done = sum(one.state == State.COLLECTED for one in standing.rows)
        limit, used = standing.run.budget
        money = format_usd(used)
        if limit is not None:
            money = say("log_run_of", used=money, limit=format_left(limit))
        facts = say("log_run_facts", done=done, all=len(standing.rows), money=money)
        title = say("log_run", name=standing.run.name)
        return {"title": title, "name": row.title or "", "facts": facts, "here": True}

    def _picture(self, name: str) -> bytes | None:
        """Return a small picture of what went into a job, or of its result."""
        kind, _, job_id = name.partition(" ")
        row = self.ws.log_store.jobs.get(job_id)
        return job_picture(self.ws, row.image_path if kind == "in" else row.result_path, TALL)

    def _redraw(self) -> None:
        self.later("page", self.redraw)

    def _look_up(self) -> None:
        """Look up, off the callbacks, what the filters offer: in a long log it takes a while to find."""
        self._facets_at = time.monotonic()

        def take(found: list[dict[str, Any]]) -> None:
            self._facets = found
            told = {"facets": found, "filters": chips(self.grid.ask, found)}
            ui.assign(self.grid, "view", {**self.grid.view, **told})

        self.later("filters", lambda: offered(self.ws.log_store), take)

    # What a person does.

    def _message(self, content: dict[str, Any]) -> None:
        """Take what the page asks for to a thread that may block."""
        kind, what = content.get("type"), content.get("what")
        job_id, run_id = content.get("id"), content.get("run")
        if kind == "mark" and isinstance(job_id, str):
            name, mark = f"mark {job_id} {what}", partial(self._mark, content)
            self.later(name, mark, lambda _: self.announce(""), in_turn=True)
        elif kind == "open" and isinstance(job_id, str):
            self.repeats.open(job_id)
        elif kind == "again" and isinstance(job_id, str):
            self.repeats.again(job_id, content.get("which"))
        elif kind == "view":
            self._view(str(what), ui.typed(content.get("name", "")))
        elif kind == "rename" and isinstance(run_id, str):
            title = ui.typed(content.get("value", ""))
            rename = partial(self.ws.log_store.sweeps.rename, run_id, title)
            self.later(f"rename {run_id}", rename, lambda _: self._redraw(), in_turn=True)
        elif kind == "act":
            self._act(str(what), content)

    def _act(self, what: str, content: Mapping[str, Any]) -> None:
        ticked = content.get("chosen")
        if isinstance(ticked, list):  # the click overtook the ticks, which come while the kernel is idle
            ui.assign(self.grid, "chosen", [one for one in ticked if isinstance(one, str)])
        actions: dict[str, Callable[[], None]] = {
            "filters": self._look_up, "compare": self._to_wall, "load": self._load, "rerun": self.repeats.run,
            "delete": self._hide, "restore": lambda: self._unhide(self.chosen),
            "board": lambda: self._open_run(content, self._on_board),
            "wall": lambda: self._open_run(content, self._on_run or self._show_run),
            "export": lambda: self._export(str(content.get("kind"))),
        }  # fmt: skip
        if what in actions:
            actions[what]()

    def _open_run(self, content: Mapping[str, Any], show: Callable[[str], object] | None) -> None:
        run_id = content.get("run")
        if isinstance(run_id, str) and show is not None:
            self.later("run", lambda: show(run_id))

    def _show_run(self, run_id: str) -> None:
        self._wall().show_run(run_id)

    def _view(self, what: str, name: str) -> None:
        """Keep a view, open one, or forget it."""
        folder = self.ws.folder
        if what == "save":
            ask = dict(self.grid.ask)
            self.later("view", lambda: save_view(folder, name, ask), self._view_saved, in_turn=True)
        elif what == "drop":
            self.later("view", lambda: drop_view(folder, name), lambda _: self._redraw(), in_turn=True)
        elif what == "open":
            self.later("view", lambda: views(folder).get(name), self._view_opened)

    def _view_saved(self, name: str) -> None:
        self.announce(say("log_view_saved", name=name))
        self._redraw()

    def _view_opened(self, ask: dict[str, Any] | None) -> None:
        if ask is not None:
            self.grid.ask = ask

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
            written = ui.require_typed(value.get("tags", ""), say("log_tags"))
            wanted, tags = set(split_tags(written)), set(had.tags)
            for tag in sorted(wanted - tags):
                store.tag([job_id], tag)
            for tag in sorted(tags - wanted):
                store.untag([job_id], tag)
            self._facets_at = -FRESH
        self.redraw()

    def rows(self) -> list[JobRow]:
        """Return the chosen rows, in the order in which they were ticked."""
        found = {row.id: row for row in self.ws.log_store.jobs.rows(jobs.c.id.in_(self.chosen))}
        return [found[one] for one in self.chosen if one in found]

    def _to_wall(self) -> None:
        def work() -> list[str]:
            ids = [row.id for row in self.rows() if row.state == State.COLLECTED and row.result_path]
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

    def _export(self, kind: str) -> None:
        if kind not in _EXPORTS or in_visitor_mode():  # a visitor cannot fetch what is written
            return
        path = self.ws.folder / f"log.{'jsonl' if kind == 'json' else kind}"
        write = getattr(self.ws.log, f"to_{kind}")
        said = say("log_exported", path=str(path))
        self.later("export", lambda: write(path), lambda _: self.announce(said))
