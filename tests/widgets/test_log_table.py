# ruff: noqa: E501
"""The log's table without a browser: what a person decides, keeps, repeats and finds again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.log.paging import page
from motion_widgets.log.states import State
from motion_widgets.request.price import bound_micro
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets import log_table
from motion_widgets.widgets.log_filters import MOST, chips, offered
from tests.widgets.conftest import until
from tests.widgets.test_panels import row_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from motion_widgets.log.paging import Page, PageQuery


@pytest.fixture
def table(ws: mw.Workspace) -> Iterator[mw.LogTable]:
    made = mw.LogTable(ws, watch=False)
    yield made
    made.close()


def ids(table: mw.LogTable) -> list[str]:
    return [row["id"] for row in table.grid.view["rows"]]


def lost(ws: mw.Workspace, **columns: Any) -> str:
    return row_in(
        ws, State.UNKNOWN, **{"error_message": "The connection broke.", "reserved": 340_000, **columns}
    )


def buttons(table: mw.LogTable, line: int = 0) -> dict[str, Any]:
    """Return the buttons in sight of a job that is to be decided on."""
    row = table.undecided._lines[line].children[-1]
    return {one.description: one for one in row.children if ui.is_shown(one)}


def test_what_may_have_been_charged_is_pinned_on_top_and_counted(ws: mw.Workspace) -> None:
    first = lost(ws)
    lost(ws, account="someone else's")
    with_table = mw.LogTable(ws, watch=False)
    assert with_table.to_decide == 1
    assert "1 job may have been charged ($0.34 held)." in with_table.undecided._head.value
    assert first in with_table.undecided._lines[0]._text.value
    assert list(buttons(with_table)) == ["Ask the account now", "Send again\u2026", "Write off\u2026"]
    with_table.close()


def test_money_moves_after_a_second_click_only(ws: mw.Workspace) -> None:
    job_id = lost(ws)
    table = mw.LogTable(ws, watch=False)
    for step, sure in (("Send again\u2026", "charges twice"), ("Write off\u2026", "$0.34 counts as spent")):
        buttons(table)[step].click()
        until(lambda: "Cancel" in buttons(table))
        assert sure in table.undecided._lines[0]._said.value
        assert ws.log_store.jobs.get(job_id).state == State.UNKNOWN
        buttons(table)["Cancel"].click()
        until(lambda: "Cancel" not in buttons(table))
    buttons(table)["Write off\u2026"].click()
    until(lambda: "Write off \u00b7 $0.34" in buttons(table))
    buttons(table)["Write off \u00b7 $0.34"].click()
    until(lambda: ws.log_store.jobs.get(job_id).state == State.WRITTEN_OFF)
    table.redraw()
    assert table.to_decide == 0
    assert not ui.is_shown(table.undecided)
    table.close()


def test_asking_the_account_is_free_and_says_what_it_knows(ws: mw.Workspace) -> None:
    job_id = lost(ws)
    table = mw.LogTable(ws, watch=False)
    buttons(table)["Ask the account now"].click()
    until(lambda: "shows no charge for it yet" in table.undecided._lines[0]._said.value)
    assert ws.log_store.jobs.get(job_id).state == State.UNKNOWN
    table.close()


def test_a_view_keeps_a_search_for_every_table_of_the_folder(table: mw.LogTable) -> None:
    ask = {"search": "cat", "values": {"mode": "pro"}, "first": 25}
    table.grid.ask = ask
    table._message({"type": "view", "what": "save", "name": " cats  only "})
    until(lambda: table.grid.view["views"] == ["cats only"])
    other = mw.LogTable(table.ws, watch=False)
    other._message({"type": "view", "what": "open", "name": "cats only"})
    until(lambda: other.grid.ask == {"search": "cat", "values": {"mode": "pro"}})
    other._message({"type": "view", "what": "drop", "name": "cats only"})
    until(lambda: other.grid.view["views"] == [])
    for name in ("", "x" * 61, "a\0b"):
        other._message({"type": "view", "what": "save", "name": name})
        until(lambda: "cannot be the name of a view" in other.notice.value)
        other.announce("")
    assert MOST == 30
    other.close()


def test_a_slow_search_never_covers_what_was_asked_for_after_it(
    table: mw.LogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = row_in(table.ws, State.PLANNED)
    table.grid.ask = {"search": "nowhere"}
    until(lambda: "No row matches" in table.grid.view["said"])

    def overtaken(store: Any, ask: PageQuery, **paging: int) -> Page:
        found = page(store, ask, **paging)
        if ask.search:
            table.grid.ask = {"search": ""}
            until(lambda: ids(table) == [job_id])
        return found

    monkeypatch.setattr(log_table, "page", overtaken)
    table.refresh()
    assert ids(table) == [job_id]


def test_what_filters_offer_is_not_undone_by_a_page_that_was_begun_before(
    ws: mw.Workspace, table: mw.LogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offered_modes() -> list[str]:
        return [
            value for one in table.grid.view["facets"] if one["name"] == "mode" for value, _ in one["values"]
        ]

    row_in(ws, State.COLLECTED, mode="std")
    table._message({"type": "act", "what": "filters"})
    until(lambda: table.grid.view["facets"])
    row_in(ws, State.COLLECTED, mode="pro")
    before, real = table._facets, log_table.undecided

    def slowly(panel: Any) -> Any:
        until(lambda: table._facets is not before)
        return real(panel)

    monkeypatch.setattr(log_table, "undecided", slowly)
    monkeypatch.setattr(log_table, "FRESH", -1.0)
    table.refresh()
    assert sorted(offered_modes()) == ["pro", "std"]


def test_a_click_that_overtakes_a_tick_is_for_what_the_person_ticked(table: mw.LogTable) -> None:
    one, two, three = (row_in(table.ws, State.FAILED) for _ in range(3))
    table.grid.chosen = [one]  # the second tick is still on its way here
    table._message({"type": "act", "what": "delete", "chosen": [one, two]})
    until(lambda: ids(table) == [three])


def test_hidden_rows_are_a_filter_and_come_back(table: mw.LogTable) -> None:
    one, two = row_in(table.ws, State.FAILED), row_in(table.ws, State.FAILED)
    table.grid.chosen = [one]
    table._message({"type": "act", "what": "delete"})
    until(lambda: ids(table) == [two])
    table.grid.ask = {"values": {"deleted": True}}
    until(lambda: ids(table) == [one])
    assert table.grid.view["filters"] == [{"name": "deleted", "label": "Hidden rows", "text": "only"}]
    table.grid.chosen = [one]
    table._message({"type": "act", "what": "restore"})
    until(lambda: ids(table) == [])
    table.grid.ask = {}
    until(lambda: ids(table) == [two, one])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"image_name": "sha:ab"}, [("Picture", "cat")]),
        ({"mode": "pro", "tag": "keep"}, [("Quality", "pro"), ("Tag", "keep")]),
        ({"stars": 3, "since": 7}, [("Stars", "\u2605\u2605\u2605 or more"), ("Time", "last 7 days")]),
        ({"created_by": None}, [("By", "(none)")]),
        ({"stars": "3", "usable": 1, "since": 2, "nothing": "x", "mode": 7, "deleted": 1}, []),
    ],
)
def test_filters_are_chips_in_words(values: dict[str, Any], told: list[tuple[str, str]]) -> None:
    known = [{"name": "image_name", "label": "Picture", "values": [["sha:ab", "cat"]]}]
    assert [(one["label"], one["text"]) for one in chips({"values": values}, known)] == told


def test_what_can_be_filtered_by_has_its_values_in_words(ws: mw.Workspace) -> None:
    row_in(ws, State.FAILED, character_orientation="image")
    found = {one["name"]: one["values"] for one in offered(ws.log_store)}
    assert found["character_orientation"] == [["image", "as in the picture"]]
    assert found["state"] == [["failed", "failed"]]
    assert found["deleted"] == [[True, "only"]]
    assert "tag" not in found, "there is none"


def test_a_row_is_repeated_with_one_setting_changed_at_the_named_price(ws: mw.Workspace) -> None:
    samples = ws.samples()
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s, mode="std",
        character_orientation="image",
    )  # fmt: skip
    job = ws.submit(req).wait(60)
    table = mw.LogTable(ws, watch=False)
    table._message({"type": "open", "id": job.id})
    until(lambda: table.grid.actions["again"])
    assert table.grid.actions["again"] == {
        "id": job.id, "offers": ["pro \u00b7 $0.55", "as in the clip \u00b7 $0.35"]
    }  # fmt: skip
    for which in ("0", 7, None, True):
        table._message({"type": "again", "id": job.id, "which": which})
    table._message({"type": "again", "id": "another", "which": 0})
    assert ws.log_store.jobs.count() == 1
    table._message({"type": "again", "id": job.id, "which": 0})
    table._message({"type": "again", "id": job.id, "which": 0})
    until(lambda: len(table.chosen) == 2)
    made = ws.attach(table.chosen[1])
    assert (ws.log_store.jobs.count(), made.row.mode) == (2, "pro")
    assert made.row.estimate_high <= bound_micro(0.55)
    made.wait(60)
    table.close()


def test_a_runs_rows_stand_below_its_name_and_money(ws: mw.Workspace) -> None:
    samples = ws.samples()
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s,
        character_orientation="image",
    )  # fmt: skip
    run = mw.Sweep(req, mode=["std", "pro"]).plan(ws).run(budget=3.0).wait(60)
    row_in(ws, State.FAILED)
    opened: list[str] = []
    table = mw.LogTable(ws, on_board=opened.append, on_run=opened.append, watch=False)
    groups = table.grid.view["groups"]
    assert groups[run.id]["title"] == f"Sweep \u201c{run.name}\u201d"
    assert groups[run.id]["facts"] == "2 of 2 cells \u00b7 $0.89 of $3.00"
    assert (groups[""]["title"], groups[""]["facts"]) == ("Single jobs", "1")
    table._message({"type": "rename", "run": run.id, "value": "hats <b>"})
    until(lambda: "hats <b>" in table.grid.view["groups"][run.id]["title"])
    assert run.name == "hats <b>"
    for count, what in enumerate(("board", "wall"), 1):
        table._message({"type": "act", "what": what, "run": run.id})
        until(lambda count=count: opened == [run.id] * count)
    small = table.grid.pictures.small(f"out {run.rows()[0].id}")
    assert small is not None
    assert small[:2] == b"\xff\xd8"
    assert table.grid.pictures.small(f"in {run.rows()[0].id}") is not None
    table.grid.ask = {"group": ""}
    until(lambda: table.grid.view["groups"] == {})
    table.close()


ODD = [
    {}, {"type": "mark"}, {"type": "mark", "id": 7, "what": "stars", "value": 5}, {"type": "open", "id": None},
    {"type": "rename", "run": 5, "value": "x"}, {"type": "act"}, {"type": "act", "what": "drop tables"},
    {"type": "act", "what": ["delete"]}, {"type": "act", "what": "delete"}, {"type": "act", "what": "restore"},
    {"type": "act", "what": "export", "kind": "exe"}, {"type": "act", "what": "board", "run": 7},
    {"type": "act", "what": "load"}, {"type": "view", "what": "format"}, {"type": "view", "what": "open", "name": "?"},
    {"type": "again", "id": "job-1", "which": {}}, {"type": None, "id": "job-1"},
]  # fmt: skip
"""Messages that no page of ours sends."""


@pytest.mark.parametrize("content", ODD, ids=str)
def test_a_message_that_makes_no_sense_does_nothing(table: mw.LogTable, content: dict[str, Any]) -> None:
    one = row_in(table.ws, State.FAILED)
    table.refresh()
    table._message(content)
    table._message({"type": "mark", "id": one, "what": "stars", "value": 3})  # what comes after it is done
    store = table.ws.log_store
    until(lambda: store.annotations.of([one])[one].stars == 3)
    assert (ids(table), table.grid.ask, table.notice.value.count("bad")) == ([one], {}, 0)
    assert not (table.ws.folder / "log.exe").exists()
    assert store.jobs.get(one).state == State.FAILED


@pytest.mark.parametrize(
    ("what", "good", "odd"), [("stars", 4, [0, 6, -1, "4", None]), ("usable", True, ["yes", 1, None])]
)
def test_a_mark_out_of_its_range_takes_the_mark_away(
    table: mw.LogTable, what: str, good: object, odd: list[object]
) -> None:
    one = row_in(table.ws, State.COLLECTED)
    store = table.ws.log_store.annotations
    for value in odd:
        table._message({"type": "mark", "id": one, "what": what, "value": good})
        until(lambda: getattr(store.of([one])[one], what) == good)
        table._message({"type": "mark", "id": one, "what": what, "value": value})
        until(lambda: getattr(store.of([one])[one], what) is None)


def test_a_note_and_tags_are_what_the_box_says_at_last(table: mw.LogTable) -> None:
    one = row_in(table.ws, State.COLLECTED)
    store = table.ws.log_store.annotations
    for note, tags in ((" first ", "keep, dance"), ("second", "dance, hats"), ("second", ""), ("", "keep")):
        table._message({"type": "mark", "id": one, "what": "said", "value": {"note": note, "tags": tags}})
        wanted = (note.strip(), {tag for tag in tags.split(", ") if tag})
        until(lambda: (store.of([one])[one].note, set(store.of([one])[one].tags)) == wanted)  # noqa: B023


def test_what_has_no_result_is_not_compared_and_the_sentence_says_so(table: mw.LogTable) -> None:
    table.grid.chosen = [row_in(table.ws, State.FAILED)]
    table._message({"type": "act", "what": "compare"})
    until(lambda: "result" in table.notice.value)


def test_without_a_studio_a_table_has_a_wall_of_its_own(ws: mw.Workspace) -> None:
    samples = ws.samples()
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s
    )
    run = mw.Sweep(req, mode="std", character_orientation="image").plan(ws).run(budget=1.0).wait(60)
    table = mw.LogTable(ws, watch=False)

    def walls() -> list[mw.CompareWall]:
        return [one for one in table._body.children if isinstance(one, mw.CompareWall)]

    assert walls() == []
    for content in ({"what": "wall", "run": run.id}, {"what": "compare", "chosen": [run.jobs[0].id]}):
        table._message({"type": "act", **content})
        until(lambda: walls() and any(cell.get("path") for cell in walls()[0].wall.cells))
    assert len(walls()) == 1, "the second look is on the same wall"
    table._message({"type": "act", "what": "board", "run": run.id})  # there is no board here
    table.close()


@pytest.mark.parametrize(
    ("kind", "name"), [("csv", "log.csv"), ("parquet", "log.parquet"), ("json", "log.jsonl")]
)
def test_a_table_is_exported_beside_the_log(table: mw.LogTable, kind: str, name: str) -> None:
    one = row_in(table.ws, State.FAILED)
    table._message({"type": "act", "what": "export", "kind": kind})
    until(lambda: name in table.notice.value)
    from motion_widgets.log.exports import from_file

    assert from_file(table.ws.folder / name)["id"].tolist() == [one]
