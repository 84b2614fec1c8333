"""What the Studio costs a notebook that it is saved with, and what its panels share."""

from __future__ import annotations

import base64
import json
import re
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w
from sqlalchemy import event

import motion_widgets as mw
from motion_widgets.log.intake import NOBODY
from motion_widgets.log.rows import JobRow
from motion_widgets.log.states import State
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.base import STYLES
from motion_widgets.widgets.controls import control, html, shared, show
from motion_widgets.widgets.page_widget import PageWidget, style
from motion_widgets.widgets.player_wall import PlayerWall
from motion_widgets.widgets.tab_bar import TabBar
from tests.benchmarks.bench_studio import write_jobs
from tests.widgets.conftest import until
from tests.widgets.test_panels import row_in
from tests.widgets.test_request_form import fill

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

STATIC = Path(mw.__file__).parent / "widgets" / "static"
LIMIT = 350_000
"""Bytes of the saved state of an empty Studio, a third of them the scripts of its own widgets."""
FRONT_END = 120_000
"""Bytes of our scripts and styles as sent, the shared script with each widget; 120,000 are wanted."""


def parts(widget: w.Widget) -> set[w.Widget]:
    """Return a widget and all that it refers to."""
    found: set[w.Widget] = set()
    wanted = [widget]
    while wanted:
        one = wanted.pop()
        if one not in found:
            found.add(one)
            values = [getattr(one, name) for name in one.keys]
            flat = [
                each for value in values for each in (value if isinstance(value, list | tuple) else [value])
            ]
            wanted += [each for each in flat if isinstance(each, w.Widget)]
    return found


def saved(widget: w.Widget) -> object:
    """Return what Lab writes of a widget: what is not its default in the page, where scripts have none."""
    return widget._get_embed_state(drop_defaults=not hasattr(widget, "_esm"))


def test_the_saved_state_of_an_empty_studio_is_small(ws: mw.Workspace) -> None:
    studio = mw.Studio(ws)
    state = {one.model_id: saved(one) for one in parts(studio)}
    assert len(state) > 200, "all panels are there"
    assert len(json.dumps(state)) < LIMIT
    studio.close()


def test_our_front_end_is_small(ws: mw.Workspace) -> None:
    studio = mw.Studio(ws)
    own = {type(one).__name__: one.get_state() for one in parts(studio) if isinstance(one, PageWidget)}
    assert own.keys() >= {"Focus", "PlayerWall", "RowGrid", "TabBar"}, "all are there"
    sent = [one["_esm"] + one["_css"] for one in own.values()] + [style(name) for name in STYLES]
    assert 50_000 < sum(len(one.encode()) for one in sent) < FRONT_END
    studio.close()


def test_a_tab_that_is_none_opens_the_nearest_one() -> None:
    bar = TabBar(titles=["a", "b", "c"])
    for asked, opened in ((1, 1), (7, 2), (-4, 0)):
        bar.selected_index = asked
        assert bar.selected_index == opened
    bar.close()


def test_what_waits_for_a_decision_and_what_runs_stands_in_the_head(ws: mw.Workspace) -> None:
    values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "model": "m"}
    studio = mw.Studio(ws)
    studio._draw_head()
    assert studio.tabs.badges[-1] == ""
    assert "running" not in studio._facts.value
    for number, state in enumerate(("unknown", "running", "unknown")):
        ws.log_store.jobs.add({**values, "key": f"{number:016x}", "state": state})
    studio._draw_head()
    assert studio.tabs.badges == ["", "", "", "", "2 to decide"]
    assert "1 running" in studio._facts.value
    assert re.fullmatch(r"<h2 .*Motion studio</h2><span .*>SANDBOX · free</span>", studio._name.value)
    studio.close()


def test_what_the_head_read_first_is_never_drawn_last(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = mw.Studio(ws)
    studio.closed = True  # nobody but these draws
    until(studio._watching.done)
    begun, go, left = threading.Event(), threading.Event(), Balance.left
    early, late = (threading.Thread(target=studio._draw_head) for _ in range(2))

    def slow(balance: Balance, ws: mw.Workspace) -> str:
        if threading.current_thread() is early:
            begun.set()
            go.wait(60)
        return left(balance, ws)

    class Lock:
        """The panel's own; the late one draws first where it is free, and else lets the early one go on."""

        def __init__(self, lock: Any) -> None:
            self._lock = lock

        def __enter__(self) -> None:
            if threading.current_thread() is not late:
                self._lock.acquire()
            elif not self._lock.acquire(blocking=False):
                go.set()
                self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()
            if threading.current_thread() is late:
                go.set()

    monkeypatch.setattr(studio, "lock", Lock(studio.lock))
    monkeypatch.setattr(Balance, "left", slow)
    early.start()
    assert begun.wait(60)
    row_in(ws, State.RUNNING)
    late.start()
    late.join(60)
    early.join(60)
    assert "1 running" in studio._facts.value
    monkeypatch.undo()
    studio.closed = False
    studio.close()


def test_a_submit_that_ends_while_the_stage_is_busy_holds_nothing_up(ws: mw.Workspace) -> None:
    studio, told = mw.Studio(ws), threading.Event()
    form = studio.form
    fill(form, ws.samples().clip_6s)
    form.notice.observe(lambda change: told.set() if "Submitted" in change["new"] else None, "value")
    with studio.stage.lock:  # as while one of its buttons brings settings back into the form
        form.card.submit.click()
        assert told.wait(60)
        assert form.lock.acquire(timeout=60), "the form waits for the stage, and the stage for the form"
        form.lock.release()
    (job,) = ws.jobs()
    until(lambda: studio.stage.job is not None and studio.stage.job.id == job.id)
    studio.close()


def test_the_head_takes_what_was_spent_from_the_database_as_a_sum(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, cost in enumerate((460_000, 240_000, None)):
        values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "model": "m", "cost": cost}
        ws.log_store.jobs.add({**values, "key": f"{number:016x}"})
    other = {"endpoint": "elsewhere", "account": "a", "sandbox": False, "model": "m", "cost": 990_000}
    ws.log_store.jobs.add({**other, "key": "f" * 16})
    received = {**values, "key": "e" * 16, "cost": 510_000, "person_budget_id": NOBODY}
    ws.log_store.jobs.add(received)  # a colleague paid for it
    studio = mw.Studio(ws)
    store, read = type(ws.log_store.jobs), []
    rows, here = store.rows, threading.current_thread()

    def reading(*args: Any, **options: Any) -> Any:
        found = rows(*args, **options)
        if threading.current_thread() is here:
            read.extend(found)
        return found

    monkeypatch.setattr(store, "rows", reading)
    studio._draw_head()
    assert "Spent $0.70" in studio._facts.value
    assert read == [], "no row is read for it, but those that wait for a decision"
    studio.close()


def test_showing_and_hiding_one_widget_leaves_those_that_share_its_layout() -> None:
    one, other = html("a"), html("b")
    assert one.layout is other.layout
    show(one, visible=False)
    assert (one.layout.display, other.layout.display) == ("none", None)
    assert one.layout.width == "100%"
    show(one, visible=True)
    assert one.layout is other.layout


def test_text_boxes_and_scripted_widgets_have_a_layout_of_their_own() -> None:
    """Another layout would redraw a box in which somebody types, and anywidget's views take none at all."""
    for make_one in (lambda: control(w.Text, "a"), lambda: control(w.Textarea, "b"), PlayerWall):
        one = make_one()
        layout = one.layout
        assert layout is not make_one().layout
        show(one, visible=False)
        assert (one.layout, layout.display) == (layout, "none")


def test_what_all_panels_share_outlives_each_of_them_and_is_made_anew_if_closed(ws: mw.Workspace) -> None:
    form = mw.RequestForm(ws, watch=False)
    layout = form.card.submit.layout
    form.close()
    assert layout.comm is not None
    layout.close()
    again = mw.RequestForm(ws, watch=False)
    assert again.card.submit.layout.comm is not None
    again.close()


def test_panels_share_one_stylesheet(ws: mw.Workspace) -> None:
    studio = mw.Studio(ws)
    assert studio.children[0] is studio.form.children[0]
    sheets = [one for one in parts(studio) if isinstance(one, w.HTML) and "<style>" in one.value]
    assert len(sheets) == 1
    studio.close()


def test_scripts_are_packed_as_they_stand() -> None:
    from motion_widgets.widgets.row_grid import RowGrid

    files = [(STATIC / f"{one}.js").read_text("utf-8") for one in ("shared", "children", "pictures")]
    assert RowGrid.script.startswith("".join(files)), "the shared helpers come first"
    packed = re.findall(r'atob\("([A-Za-z0-9+/=]+)"\)', str(RowGrid._esm))
    assert [zlib.decompress(base64.b64decode(one)).decode() for one in packed] == [RowGrid.script]
    assert RowGrid.script.count("export default") == 1
    assert RowGrid(on_message=lambda _: None)._words["save"] == mw.core.messages.MESSAGES["save"]


def test_styles_are_sent_without_what_only_their_authors_need() -> None:
    for path in STATIC.glob("*.css"):
        sent = style(path.stem)
        assert "/*" not in sent
        assert "\n" not in sent
    assert "display: none" in style("create"), "what is in quotation marks stays"


def test_layouts_are_shared_by_what_they_are_made_of() -> None:
    assert shared(w.Layout, width="1px") is shared(w.Layout, width="1px")
    assert shared(w.Layout, width="1px") is not shared(w.Layout, width="2px")


def test_opening_waits_for_the_logs_page_only_where_that_is_in_sight(ws: mw.Workspace) -> None:
    row_in(ws, State.PLANNED)
    readers: list[threading.Thread] = []

    def note(*given: object) -> None:
        if "count(jobs.sweep_id)" in str(given[2]):
            readers.append(threading.current_thread())

    event.listen(ws.log_store.database._reader, "before_cursor_execute", note)
    for tab in ("create", "log"):
        readers.clear()
        studio = mw.Studio(ws, tab=tab)
        assert (threading.current_thread() in readers) == (tab == "log")
        until(lambda studio=studio: len(studio.table.grid.view.get("rows", ())) == 1)
        studio.close()


def test_a_log_of_100_000_jobs_is_not_read_to_open_the_studio_or_to_refresh_it(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements, rows, texts = [0], [0], []
    real = JobRow.read.__func__  # type: ignore[attr-defined]

    def read(cls: type[JobRow], row: object) -> JobRow:
        rows[0] += 1
        found: JobRow = real(cls, row)
        return found

    def counted(call: Callable[[], object]) -> tuple[int, int]:
        statements[0] = rows[0] = 0
        call()
        return statements[0], rows[0]

    monkeypatch.setattr(JobRow, "read", classmethod(read))
    engine = ws.log_store.database._reader
    event.listen(engine, "before_cursor_execute", lambda *_: statements.__setitem__(0, statements[0] + 1))
    event.listen(engine, "before_cursor_execute", lambda *given: texts.append(given[2]))
    studio = mw.Studio(ws)
    few, none = counted(studio.refresh)
    studio.close()
    assert none == 0
    write_jobs(ws)
    opened: list[mw.Studio] = []
    openings = counted(lambda: opened.append(mw.Studio(ws)))
    for asked, read_here in (openings, counted(opened[0].refresh)):
        assert read_here < 200, "the rows of a page, never all"
        assert asked < 10 * few, "however many jobs there are; panels refresh in the background meanwhile"
    table = opened[0].table
    until(lambda: "100,000" in table.grid.view.get("said", ""))
    assert not [one for one in texts if "DISTINCT" in one], "filters are looked up when they are opened"
    table._message({"type": "act", "what": "filters"})
    until(lambda: table.grid.view["facets"])
    [modes] = [one["values"] for one in table.grid.view["facets"] if one["name"] == "mode"]
    assert [value for value, _ in modes] == ["pro", "std"]
    opened[0].close()
