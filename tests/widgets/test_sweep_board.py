"""The matrix, the counts and the log's table without a browser: what the page gets, and what it may ask."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.log.annotations import Annotation
from motion_widgets.log.paging import PageQuery, page
from motion_widgets.log.states import State
from motion_widgets.sweep.progress import span
from motion_widgets.widgets.cell_matrix import CellMatrix, MatrixCell
from tests.widgets.conftest import until
from tests.widgets.test_panels import request_of, row_in

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW = MatrixCell("new", "$0.34")
DONE = MatrixCell("collected", "$0.34", result="job-a")


@pytest.fixture
def matrix() -> Iterator[CellMatrix]:
    made = CellMatrix(picture=lambda name: name.encode())
    yield made
    made.close()


@pytest.fixture
def table(ws: mw.Workspace) -> Iterator[mw.LogTable]:
    made = mw.LogTable(ws, watch=False)
    yield made
    made.close()


def sent(widget: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], list[bytes]]]:
    """Collect the messages that go to the page."""
    told: list[tuple[dict[str, Any], list[bytes]]] = []
    monkeypatch.setattr(
        widget, "send", lambda content, buffers=None: told.append((content, list(buffers or [])))
    )
    return told


def ids(table: mw.LogTable) -> list[str]:
    return [row["id"] for row in table.grid.view["rows"]]


# --- the matrix ---


def test_only_cells_that_changed_are_sent_and_a_later_page_gets_what_is_true_by_then(
    matrix: CellMatrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = sent(matrix, monkeypatch)
    assert matrix.show(["a", "b"], ["x", "y"], [NEW] * 4) == 4
    assert matrix.show(["a", "b"], ["x", "y"], [NEW, NEW, NEW, DONE]) == 1
    assert matrix.change({0: NEW, 3: DONE}) == 0
    assert [content["cells"] for content, _ in told] == [[[3, list(DONE)]]]
    state = matrix.get_state()["table"]
    assert state["cells"][3] == list(DONE)
    assert state["serial"] == told[-1][0]["serial"]


def test_a_page_that_missed_a_patch_gets_the_whole_and_one_that_did_not_gets_nothing(
    matrix: CellMatrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix.show(["a"], ["x"], [NEW])
    told = sent(matrix, monkeypatch)
    matrix._on_message(matrix, {"type": "whole", "serial": matrix.table["serial"]}, [])
    assert told == []
    matrix._on_message(matrix, {"type": "whole", "serial": 1}, [])
    assert told[0][0]["table"]["cells"] == [list(NEW)]


def test_pictures_are_made_only_of_results_on_show(
    matrix: CellMatrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix.show(["a"], ["x", "y"], [NEW, DONE])
    told = sent(matrix, monkeypatch)
    matrix._on_message(matrix, {"type": "pictures", "names": ["../../etc/passwd", "job-a", 7]}, [])
    until(lambda: told)
    assert told == [({"type": "picture", "name": "job-a", "ok": True}, [b"job-a"])]


@pytest.mark.parametrize("content", [None, 7, {}, {"type": "open"}, {"type": "pictures", "names": 3}])
def test_nonsense_from_the_page_does_nothing(matrix: CellMatrix, content: object) -> None:
    matrix._on_message(matrix, content, [])


def test_the_longest_axis_goes_down_and_two_files_of_one_name_are_two_columns(
    ws: mw.Workspace,
) -> None:
    from motion_widgets.widgets.sweep_cells import plan_axes

    axes = {"mode": ["std", "pro"], "prompt": ["a", "b", "c"], "keep_original_sound": ["yes", "yes"]}
    plan = mw.Sweep(request_of(ws), **axes).plan(ws)
    rows, columns, corner, places = plan_axes(plan)
    assert rows == ["a", "b", "c"]
    assert columns == ["std \u00b7 yes", "std \u00b7 yes", "pro \u00b7 yes", "pro \u00b7 yes"]
    assert corner.startswith("prompt")
    assert sorted(places) == list(range(12))
    for place, cell in zip(places, plan.cells, strict=True):
        assert rows[place // 4] == cell.values["prompt"]
        assert columns[place % 4].startswith(cell.values["mode"])


def told(**axes: str) -> dict[str, Any]:
    return {"values": axes, "job_id": "job-x"}


@pytest.mark.parametrize(
    ("axes", "cells", "rows", "columns", "places"),
    [
        (["mode", "prompt"],
         [told(mode="std", prompt="a"), told(mode="pro", prompt="b"), told(mode="pro", prompt="c")],
         ["a", "b", "c"], ["std", "pro"], [0, 3, 5]),
        (["mode"], [told(mode="std"), told(mode="pro")] * 2, ["std", "pro"], ["#1", "#2"], [0, 2, 1, 3]),
        (["mode"], [told(mode="std")], ["std"], ["cell"], [0]),
        (["prompt", "webhook"], [told(prompt=f"p{n}", webhook=f"w{n}") for n in range(9)],
         [f"p{n} \u00b7 w{n}" for n in range(9)], ["cell"], list(range(9))),
        (["mode", "prompt"], [told(mode="std"), told(prompt="a")], ["std", "–"], ["–", "a"], [0, 3]),
    ],
)  # fmt: skip
def test_a_run_of_any_design_is_laid_out_by_its_own_axes(
    axes: list[str], cells: list[dict[str, Any]], rows: list[str], columns: list[str], places: list[int]
) -> None:
    from motion_widgets.widgets.sweep_cells import run_axes

    run: Any = SimpleNamespace(axes={name: [] for name in axes}, cells=cells)
    assert (*run_axes(run)[:2], run_axes(run)[3]) == (rows, columns, places)


# --- how a run stands ---


def test_a_standing_reads_what_changed_and_its_outlook_counts_it(ws: mw.Workspace) -> None:
    run = mw.Sweep(request_of(ws)).plan(ws).run()
    standing = run.standing()
    called = threading.Event()
    assert run.when_done(lambda ended: called.set() if ended is run else None) is run
    run.wait(60)
    standing.update()
    outlook = standing.outlook()
    assert standing.rows == run.rows()
    assert (outlook.done, outlook.running, outlook.failed, outlook.left) == (4, 0, 0, None)
    assert str(outlook).startswith("4 of 4 cells collected. 0 running, 0 failed. $1.78 spent or reserved.")
    assert standing.update() == []
    assert called.wait(30)


def test_what_is_left_is_a_span_that_earlier_jobs_tell_and_unknown_without_any(ws: mw.Workspace) -> None:
    minute = 60_000_000
    fields = {"model": "m", "mode": "std", "character_orientation": "image", "clip_length": 6.0}
    now = 1_700_000_000_000_000

    def cell(state: State, **more: object) -> str:
        return row_in(ws, state, **fields, **more)

    moving, waiting = cell(State.RUNNING, submitted=now), cell(State.PLANNED)
    keys = {"id": "run-x", "endpoint": "sandbox", "account": "sandbox", "axes": "{}"}
    cells = f'[{{"values": {{}}, "job_id": "{moving}"}}, {{"values": {{}}, "job_id": "{waiting}"}}]'
    ws.log_store.sweeps.save({**keys, "cells": cells})
    from motion_widgets.sweep import Run

    run = Run(ws, "run-x")
    assert run.standing()._left() is None
    for took in (4, 5, 5, 6):
        cell(State.COLLECTED, submitted=now, completed=now + took * minute)
    standing = run.standing()
    standing.outlook()
    left = standing._left()
    assert left is not None
    # One overdue, then one more of 4 to 6 minutes in its place.
    assert left.low < left.high
    assert left.low > 200


def test_spans_read_as_a_clock() -> None:
    assert [span(one) for one in (-3, 9, 61, 3661)] == ["0:00", "0:09", "1:01", "1:01:01"]


def test_the_end_of_a_run_is_said_once_in_words_and_in_the_pages_title(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws))
    until(lambda: not board.start.disabled)
    board.start.click()
    until(lambda: board.matrix.finished)
    assert board.matrix.finished == "The run has ended: 4 of 4 collected, 0 failed."
    assert board.matrix.finished in board._spoken.value
    assert not board.matrix.sound
    board.sound.value = True
    assert board.matrix.sound
    until(lambda: [cell[0] for cell in board.matrix.table["cells"]] == ["collected"] * 4)
    small = board.matrix._small(board.matrix.table["cells"][0][-1])
    assert small is not None
    assert small.startswith(b"\xff\xd8")
    board.close()


# --- the table ---


def test_a_run_planned_in_code_is_watched_by_its_id_paused_and_let_go(ws: mw.Workspace) -> None:
    req = request_of(ws)
    cells = [{"mode": "std", "repeat": 1}, {"mode": "std", "repeat": 2}, {"prompt": "<b>bows</b>"}]
    run = mw.Sweep.listed(req, cells).plan(ws).run(budget=0.50)  # which pays for one
    run.wait(60)
    board = mw.SweepBoard(ws, run=run.id)
    until(lambda: len([cell for cell in board.matrix.table["cells"] if cell]) == 3)
    assert [one.layout.display for one in (board.axes.view, board.start)] == ["none", "none"]
    assert board.matrix.table["columns"] == ["#1", "#2"]
    assert board.matrix.table["rows"] == ["\u2013", "<b>bows</b>"]
    until(lambda: "1 of 3 cells collected" in board._said.value)
    assert board.hold.layout.display == "none", "it rests"
    assert board.retry.description == "Send the waiting cells"
    assert "The time left" not in board._said.value, "nothing is under way"
    other = ws.attach(run.id)  # as another process would
    other.pause()
    until(lambda: board.hold.layout.display != "none")
    assert board.hold.description == "Resume"
    ws.log_store.budgets.set(run.id, None)
    board.hold.click()
    until(lambda: board.matrix.finished == "The run has ended: 3 of 3 collected, 0 failed.")
    assert [cell and cell[0] for cell in board.matrix.table["cells"]].count("collected") == 3
    board.close()


def test_a_budget_below_the_price_buys_a_balanced_part_that_the_button_names(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws))
    until(lambda: board.start.description == "Run 4 cells in the SANDBOX (up to $1.78)")
    board.budget.value = "nothing"
    assert "not an amount in USD" in board.notice.value
    board.budget.value = "0.10"
    assert (board.start.disabled, "not an amount" in board.notice.value) == (True, False)
    until(lambda: "at least 3 new cell(s) and $1.24" in board.budget_field.gives_up.value)
    assert board.start.description.startswith("Run 4 cells"), "it would stop before the first"
    board.budget.value = "1.50"
    until(lambda: board.start.description == "Run 3 of 4 cells in the SANDBOX, a balanced part (up to $1.44)")
    assert "character_orientation interact can no longer be determined" in board.budget_field.gives_up.value
    assert ws.log_store.jobs.count() == 0, "nothing is written before the click"
    until(lambda: sorted(cell[0] for cell in board.matrix.table["cells"]) == ["left", "new", "new", "new"])
    board.start.click()
    until(lambda: board.matrix.finished == "The run has ended: 3 of 3 collected, 0 failed.")
    states = [cell[0] for cell in board.matrix.table["cells"]]
    assert sorted(states) == ["collected", "collected", "collected", "new"]
    assert board.budget.value == "", "that money is spoken for"
    until(lambda: board.start.description == "Run 1 cells in the SANDBOX (up to $0.34)")
    assert "interact" not in board.budget_field.gives_up.value
    board.close()


def test_a_board_of_what_is_no_run_says_so(ws: mw.Workspace) -> None:
    job_id = row_in(ws, State.COLLECTED)
    for name, words in (("run-none", "There is no run-none"), (job_id, "is a job, but a board shows runs")):
        board = mw.SweepBoard(ws, run=name, watch=False)
        until(lambda board=board, words=words: words in board.notice.value)
        board.close()


def test_rows_are_found_sorted_and_filtered_in_the_database(ws: mw.Workspace) -> None:
    cheap = row_in(ws, State.COLLECTED, mode="std", prompt="Waves 100%", cost=100)
    dear = row_in(ws, State.COLLECTED, mode="pro", prompt="Turns", cost=900)
    none = row_in(ws, State.FAILED, mode="pro", prompt="Jumps", error_message="content policy")
    log = ws.log_store
    log.annotations.note(dear, "first")
    log.annotations.note(dear, "the good one")
    log.annotations.tag([cheap], "keeper")
    log.annotations.rate([cheap], stars=2)
    log.annotations.rate([dear], stars=5, usable=True)
    log.annotations.rate([dear], stars=4)

    def found(**asked: Any) -> list[str]:
        return [row.id for row in page(log, PageQuery(**asked)).rows]

    assert found() == [none, dear, cheap]
    assert found(sort="billed") == [dear, cheap, none]
    assert found(sort="billed", down=False) == [cheap, dear, none]
    assert found(sort="stars") == [dear, cheap, none]
    assert found(search="GOOD one") == [dear]
    assert found(search="first") == []
    assert found(search="keep") == [cheap]
    assert found(search="100%") == [cheap]
    assert found(search="%") == [cheap]
    assert found(values={"mode": "pro"}) == [none, dear]
    assert found(values={"mode": None}) == []
    assert found(tag="keeper") == [cheap]
    assert found(stars=4) == [dear]
    assert found(usable=True) == [dear]
    assert found(usable=False) == []
    log.annotations.hide([none])
    assert found() == [dear, cheap]
    assert found(deleted=True) == [none]
    assert page(log, PageQuery(), first=1, size=1).rows[0].id == cheap


@pytest.mark.parametrize(
    "ask",
    [
        {"sort": "id; DROP TABLE jobs"},
        {"values": {"key": "x", "mode": 7}},
        {"first": -5, "stars": "many", "usable": "yes", "down": None},
        {"values": 3, "search": None, "tag": None, "sort": ["a"]},
    ],
)
def test_nonsense_from_the_page_shows_the_plain_page(table: mw.LogTable, ask: dict[str, Any]) -> None:
    job_id = row_in(table.ws, State.FAILED)
    table.grid.ask = ask
    until(lambda: ids(table) == [job_id])


def test_a_text_pasted_into_the_search_is_cut_to_what_a_database_searches(table: mw.LogTable) -> None:
    row_in(table.ws, State.FAILED)
    found = row_in(table.ws, State.FAILED, prompt="x" * 700)
    table.grid.ask = {"search": "x\0" * 100_000}
    until(lambda: ids(table) == [found])
    assert "cannot be read" not in table.notice.value


def test_marks_go_into_the_log(table: mw.LogTable) -> None:
    job_id = row_in(table.ws, State.COLLECTED)
    marks = table.ws.log_store.annotations.of
    table._message({"type": "mark", "id": job_id, "what": "stars", "value": 4})
    until(lambda: marks([job_id])[job_id].stars == 4)
    table._message({"type": "mark", "id": job_id, "what": "usable", "value": False})
    until(lambda: marks([job_id])[job_id].usable is False)
    said = {"note": " <b>fine</b> ", "tags": "b, a,、 a"}
    table._message({"type": "mark", "id": job_id, "what": "said", "value": said})
    until(lambda: table.grid.view["rows"] and table.grid.view["rows"][0]["tags"] == ["a", "b"])
    row = table.grid.view["rows"][0]
    assert (row["stars"], row["usable"], row["note"]) == (4, False, "<b>fine</b>")
    table._message({"type": "mark", "id": job_id, "what": "said", "value": {"note": "", "tags": "b"}})
    until(lambda: marks([job_id])[job_id] == Annotation(usable=False, stars=4.0, tags=("b",)))


def test_rows_go_out_of_sight_and_come_back(table: mw.LogTable) -> None:
    first, second = row_in(table.ws, State.FAILED), row_in(table.ws, State.FAILED)
    table.grid.chosen = [first]
    table._message({"type": "act", "what": "delete"})
    until(lambda: ids(table) == [second])
    assert table.chosen == []
    table._undo.click()
    until(lambda: ids(table) == [second, first])
    alive = row_in(table.ws, State.RUNNING)
    table.grid.chosen = [alive, first]
    table._message({"type": "act", "what": "delete"})
    until(lambda: alive in table.notice.value)
    assert table.ws.log_store.jobs.count() == 3


def test_a_chosen_row_goes_back_into_the_form_and_results_to_the_wall(ws: mw.Workspace) -> None:
    job = ws.submit(request_of(ws, mode="std", prompt="wave")).wait(60)
    loaded: list[mw.MotionRequest] = []
    compared: list[list[str]] = []
    table = mw.LogTable(ws, on_compare=compared.append, on_load=loaded.append, watch=False)
    failed = row_in(ws, State.FAILED)
    table.grid.chosen = [job.id, failed]
    table._message({"type": "act", "what": "compare"})
    until(lambda: compared == [[job.id]])
    table.grid.chosen = [job.id]
    table._message({"type": "act", "what": "load"})
    until(lambda: loaded)
    assert (loaded[0].prompt, loaded[0].mode) == ("wave", "std")
    table.close()


def test_running_again_is_paid_once_per_click_at_the_price_that_the_button_names(ws: mw.Workspace) -> None:
    job = ws.submit(request_of(ws, mode="std", character_orientation="image")).wait(60)
    table = mw.LogTable(ws, watch=False)
    table.grid.chosen = [job.id]
    until(lambda: table.grid.actions["rerun"] and table.grid.actions["rerun"]["ready"])
    assert table.grid.actions["rerun"]["text"] == "Run again in the SANDBOX ($0.34)"
    for _ in range(2):
        table._message({"type": "act", "what": "rerun"})
    until(lambda: "1 job(s) started." in table.notice.value)
    assert len(ws.log) == 2
    table._message({"type": "act", "what": "rerun"})
    assert not table._rerunning
    table.close()


def test_a_row_that_cannot_run_again_says_why(table: mw.LogTable) -> None:
    table.grid.chosen = [row_in(table.ws, State.FAILED)]
    until(lambda: table.grid.actions["rerun"] and table.grid.actions["rerun"]["why"])
    assert not table.grid.actions["rerun"]["ready"]
    assert table.chosen[0] in table.grid.actions["rerun"]["why"]
