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
from motion_widgets.request.fields import MODELS
from motion_widgets.sweep.progress import span
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets import sweep_board
from motion_widgets.widgets.cell_matrix import CellMatrix, MatrixCell
from tests.widgets.conftest import until
from tests.widgets.test_panels import request_of, row_in

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW = MatrixCell("new", "$0.35")
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
    assert matrix.show(["a", "b"], [["x"], ["y"]], [NEW] * 4) == 4
    assert matrix.show(["a", "b"], [["x"], ["y"]], [NEW, NEW, NEW, DONE]) == 1
    assert matrix.change({0: NEW, 3: DONE}) == 0
    assert [content["cells"] for content, _ in told] == [[[3, list(DONE)]]]
    state = matrix.get_state()["table"]
    assert state["cells"][3] == list(DONE)
    assert state["serial"] == told[-1][0]["serial"]


def test_a_page_that_missed_a_patch_gets_the_whole_and_one_that_did_not_gets_nothing(
    matrix: CellMatrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix.show(["a"], [["x"]], [NEW])
    told = sent(matrix, monkeypatch)
    matrix._on_message(matrix, {"type": "whole", "serial": matrix.table["serial"]}, [])
    assert told == []
    matrix._on_message(matrix, {"type": "whole", "serial": 1}, [])
    assert told[0][0]["table"]["cells"] == [list(NEW)]


def test_pictures_are_made_only_of_results_on_show(
    matrix: CellMatrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix.show(["a"], [["x"], ["y"]], [NEW, DONE])
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
    assert columns == [[mode, "sound kept"] for mode in ("std", "std", "pro", "pro")]
    assert corner == "Prompt"
    assert sorted(places) == list(range(12))
    for place, cell in zip(places, plan.cells, strict=True):
        assert rows[place // 4] == cell.values["prompt"]
        assert columns[place % 4][0] == cell.values["mode"]


def test_cells_without_a_picture_are_not_filled_in_yet_rather_than_invalid(ws: mw.Workspace) -> None:
    from motion_widgets.widgets.run_line import plan_line
    from motion_widgets.widgets.sweep_cells import layout_of_plan

    bare = mw.MotionRequest(model=MODELS[0], mode="std", character_orientation="image")
    plan = mw.Sweep(bare, mode=["std", "pro"]).plan(ws)
    assert {cell.state for cell in layout_of_plan(plan, None, {}, plan, {}).cells if cell} == {"unfilled"}
    assert "Add a picture and a clip in Create." in plan_line(plan)
    assert "cannot run" not in plan_line(plan)
    wrong = mw.Sweep(request_of(ws).replace(prompt="x" * 2501), mode=["std", "pro"]).plan(ws)
    assert "2 cannot run" in plan_line(wrong)


def test_axes_go_down_where_their_columns_would_be_too_many(ws: mw.Workspace) -> None:
    from motion_widgets.widgets.sweep_cells import plan_axes

    hooks = [f"https://h/{number}" for number in range(6)]
    axes = {"prompt": list("abcdefg"), "webhook": hooks, "mode": ["std", "pro"], "model": list(MODELS)}
    plan = mw.Sweep(request_of(ws), keep_original_sound=["yes", "no"], **axes).plan(ws)
    rows, columns, corner, places = plan_axes(plan)
    assert (len(rows), len(columns), corner) == (7 * 6, 2 * 2 * 2, "Prompt \u00b7 Webhook")
    assert sorted(places) == list(range(len(plan.cells)))


def told(**axes: str) -> dict[str, Any]:
    return {"values": axes, "job_id": "job-x"}


@pytest.mark.parametrize(
    ("axes", "cells", "rows", "columns", "places"),
    [
        (["mode", "prompt"],
         [told(mode="std", prompt="a"), told(mode="pro", prompt="b"), told(mode="pro", prompt="c")],
         ["a", "b", "c"], [["std"], ["pro"]], [0, 3, 5]),
        (["mode"], [told(mode="std"), told(mode="pro")] * 2, ["std", "pro"], [["#1"], ["#2"]], [0, 2, 1, 3]),
        (["mode"], [told(mode="std")], ["std"], [["cell"]], [0]),
        (["prompt", "webhook"], [told(prompt=f"p{n}", webhook=f"w{n}") for n in range(9)],
         [f"p{n} \u00b7 w{n}" for n in range(9)], [["cell"]], list(range(9))),
        (["mode", "prompt"], [told(mode="std"), told(prompt="a")], ["std", "–"], [["–"], ["a"]], [0, 3]),
        (["mode", "prompt", "character_orientation"],  # columns of one outer head stand together
         [told(mode=m, prompt=p, character_orientation=c) for p in "abc" for c in ("video", "image")
          for m in ("pro", "std")][:10],
         ["a", "b", "c"],
         [["pro", "faces as in the clip"], ["pro", "faces as in the picture"],
          ["std", "faces as in the clip"], ["std", "faces as in the picture"]],
         [0, 2, 1, 3, 4, 6, 5, 7, 8, 10]),
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
    for took in (4, 5, 5, 6, 5):  # the first four prove what such figures are worth
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
    assert board.notice.value == board.trim._said.value, "nothing stale is said beside a run"
    assert board.matrix.finished == "The run has ended: 4 of 4 collected, 0 failed."
    assert board.matrix.finished in board._spoken.value
    assert not board.matrix.sound
    board.sound.value = True
    assert board.matrix.sound
    until(lambda: [cell[0] for cell in board.matrix.table["cells"]] == ["collected"] * 4)
    small = board.matrix.pictures.small(board.matrix.table["cells"][0][6])
    assert small is not None
    assert small.startswith(b"\xff\xd8")
    board.close()


# --- the table ---


def test_a_run_planned_in_code_is_watched_by_its_id_paused_and_let_go(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_board, "AGAIN", 0.1)
    req = request_of(ws)
    cells = [{"mode": "std", "repeat": 1}, {"mode": "std", "repeat": 2}, {"prompt": "<b>bows</b>"}]
    run = mw.Sweep.listed(req, cells).plan(ws).run(budget=0.50)  # which pays for one
    run.wait(60)
    each = run.rows()[0].estimate_high or 0
    board = mw.SweepBoard(ws, run=run.id)
    until(lambda: len([cell for cell in board.matrix.table["cells"] if cell]) == 3)
    assert [one.layout.display for one in (board.axes.view, board.start)] == ["none", "none"]
    assert board.matrix.table["columns"] == [["#1"], ["#2"]]
    assert board.matrix.table["rows"] == ["\u2013", "<b>bows</b>"]
    until(lambda: "3 in this run: 1 \u2713 \u00b7 2 waiting" in board._said.value)
    assert board.hold.layout.display == "none", "it rests"
    assert board.retry.description == f"Send the waiting cells (up to ${2 * each / 1e6:.2f})"
    assert "The time left" not in board._said.value, "nothing is under way"
    other = ws.attach(run.id)  # as another process would
    other.pause()
    until(lambda: board.hold.layout.display != "none")
    assert board.hold.description == f"Resume (up to ${2 * each / 1e6:.2f})"
    ws.log_store.budgets.set(run.id, None)
    board.hold.click()
    until(lambda: board.matrix.finished == "The run has ended: 3 of 3 collected, 0 failed.")
    assert [cell and cell[0] for cell in board.matrix.table["cells"]].count("collected") == 3
    board.close()


def test_unknown_outcomes_of_a_run_are_decided_together_at_the_price_that_the_buttons_name(
    ws: mw.Workspace,
) -> None:
    broken = {"on": "submit", "kind": "status", "code": 502, "times": 3}
    ws.connection.sandbox.faults = {"fault": [broken]}
    cells = [{"prompt": str(one)} for one in range(5)]
    run = mw.Sweep.listed(request_of(ws), cells).plan(ws).run(budget=5)
    assert run.wait(60).counts() == {"unknown": 3, "planned": 2}
    each = run.rows()[0].estimate_high or 0
    board = mw.SweepBoard(ws, run=run.id, watch=False)
    until(lambda: ui.is_shown(board._runs.resend))
    price = f"${each * 3 / 1e6:.2f}"
    assert "Whether 3 requests in a row were accepted is unknown" in board._said.value
    assert board.hold.description == f"Resume (up to ${2 * each / 1e6:.2f})"
    assert board._runs.resend.description == (
        f"Send 3 of unknown outcome again, same keys (may charge up to {price} twice)"
    )
    assert board._runs.write_off.description == f"Write off 3 of unknown outcome ({price} counts as spent)"
    one = next(job for job in run.jobs if job.state == "unknown").write_off()
    board._runs.resend.click()  # the board has not noticed
    until(lambda: "changed as you clicked" in board.notice.value)
    assert run.counts()["unknown"] == 2
    board.redraw()
    until(lambda: board._runs.resend.description.startswith("Send 2 "))
    board._runs.resend.click()
    until(lambda: run.counts() == {"collected": 2, "written_off": 1, "planned": 2})
    board.redraw()
    until(lambda: not ui.is_shown(board._runs.resend))
    assert one.state == "written_off"
    board.close()


def test_a_run_without_a_typed_budget_has_what_its_button_named(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws, mode="pro"))
    board.axes.fix("mode")
    until(lambda: board.start.description == "Run 2 cells in the SANDBOX (up to $1.10)")
    board.start.click()
    until(lambda: board.matrix.finished == "The run has ended: 2 of 2 collected, 0 failed.")
    until(lambda: "$1.10 spent of $1.10" in board._said.value)  # 1.09728 are spent
    board.close()


def test_a_budget_below_the_price_buys_a_part_and_stays_the_runs_when_the_rest_is_added(
    ws: mw.Workspace,
) -> None:
    compared: list[str] = []
    board = mw.SweepBoard(ws, request=request_of(ws), on_compare=lambda run: compared.append(run.id))
    add = board._runs.addition
    until(lambda: board.start.description == "Run 4 cells in the SANDBOX (up to $1.79)")
    until(lambda: "2 \u00d7 2 = 4 cells" in board._said.value)
    board.budget.value = "nothing"
    assert "not an amount in USD" in board.notice.value
    board.budget.value = "0.10"
    assert (board.start.disabled, "not an amount" in board.notice.value) == (True, False)
    until(lambda: "at least 3 new cells and $1.24" in board.budget_field.gives_up.value)
    assert board.start.description.startswith("Run 4 cells"), "it would stop before the first"
    board.budget.value = "1.50"
    until(lambda: board.start.description == "Run 3 of 4 cells in the SANDBOX, a balanced part (up to $1.44)")
    assert "character_orientation interact can no longer be determined" in board.budget_field.gives_up.value
    assert ws.log_store.jobs.count() == 0, "nothing is written before the click"
    until(lambda: sorted(cell[0] for cell in board.matrix.table["cells"]) == ["left", "new", "new", "new"])
    board.start.click()
    until(lambda: board.matrix.finished == "The run has ended: 3 of 3 collected, 0 failed.")
    run = board.run
    assert run is not None
    states = [cell[0] for cell in board.matrix.table["cells"]]
    assert sorted(states) == ["collected", "collected", "collected", "other"]
    assert board.matrix.table["sums"]["rows"] == [
        "1 \u2713\n$0.34, mean of 1", "2 \u2713\n$0.55, mean of 2"
    ]  # fmt: skip
    until(lambda: board._runs.compare.description == "Compare 3 results")
    until(lambda: add.offer.description == "Add the other 1 \u00b7 $0.35\u2026")
    assert [ui.is_shown(one) for one in (board.start, board._runs.compare, add.offer)] == [False, True, True]
    assert "mw-primary" not in add.offer._dom_classes
    assert "$1.44 spent of $1.50" in board._said.value
    assert "balanced 3 of 4. It can tell the effect of each setting alone" in board._tells.value
    assert "interact can no longer" in board._tells.value
    assert "interact" not in board.budget_field.gives_up.value, "that was before the run"
    assert board._body.children[-2:] == (board.axes.view, board._foot)
    board._runs.compare.click()
    assert compared == [run.id]

    # The budget that was typed stays, and nothing goes past it.
    assert (board.budget.value, run.budget[0]) == ("1.50", 1.5)
    add.offer.click()
    assert "of this run&#x27;s budget of $1.50 only $0.06 is left" in add._said.value
    assert add.confirm.disabled
    add.confirm.click()
    assert (ws.log_store.jobs.count(), run.budget[0]) == (3, 1.5)

    # A new one for the whole run lets the rest through, into the same run.
    board.budget.value = "2.00"
    until(lambda: add.confirm.description == "Add 1 cell in the SANDBOX (up to $0.35)")
    until(lambda: not add.confirm.disabled)
    add.confirm.click()
    until(lambda: board.matrix.finished == "The run has ended: 4 of 4 collected, 0 failed.")
    assert board.run is not None
    assert (board.run.id, board.run.budget[0], ws.log_store.jobs.count()) == (run.id, 2.0, 4)
    until(lambda: not ui.is_shown(add.offer))
    assert board._tells.value == ""
    board.close()


@pytest.mark.parametrize(
    ("budget", "used", "said", "ready"),
    [
        (5.0, 1.0, "They cost up to $1.44; of this run's budget of $5.00, $4.00 is left.", True),
        (2.0, 1.0, "only $1.00 is left: it stops before that is exceeded. A new budget of $2.44", True),
        (1.5, 1.25, "only $0.25 is left. Type a new budget for the whole run: $2.69 holds", False),
        (None, 1.0, "this run has no budget", True),
    ],
)
def test_what_is_added_is_held_against_what_is_left_of_the_budget(
    ws: mw.Workspace, budget: float | None, used: float, said: str, ready: bool
) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws), watch=False)
    until(lambda: board._plan is not None)
    assert board._plan is not None
    rest = board._plan.beyond({board._plan.cells[0].key})
    add = board._runs.addition
    add.draw(rest, limit=budget, used=used)
    add.offer.click()
    assert said.replace("'", "&#x27;") in add._said.value
    assert add.confirm.disabled is not ready
    add.draw(rest, limit=budget, used=used)
    assert ui.is_shown(add.card), "it stays open while nothing changed"
    add.draw(None)
    assert not ui.is_shown(add.card)
    board.close()


def test_a_run_stays_on_the_board_while_its_axes_grow_and_goes_once_they_do_not_hold_it(
    ws: mw.Workspace,
) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws, character_orientation="image"))
    board.axes.fix("character_orientation")
    until(lambda: board.start.description.startswith("Run 2 cells"))
    board.start.click()
    until(lambda: board.matrix.finished)
    board.axes.vary("character_orientation")
    until(lambda: board._runs.addition.offer.description == "Add the other 2 \u00b7 $0.90\u2026")
    assert board.run is not None
    # The cells stand above the axes by now, and the buttons below both, the one that goes on as the last.
    assert board._body.children == (board._above, board._below, board.axes.view, board._foot)
    assert board._foot.children[-1].children[-1] is board._runs.compare
    until(lambda: board.run is not None and board.run.name in board.run_title._shown.value)
    board.run_title.change.click()
    assert board.run_title.field.value == board.run.name
    board.run_title.field.value = "hats <b>"
    board.run_title.save.click()
    until(lambda: "hats &lt;b&gt;" in board.run_title._shown.value)
    assert board.run.name == "hats <b>"
    assert not ui.is_shown(board.run_title.form)
    board.run_title.field.value = "x" * 500
    board.run_title.save.click()
    until(lambda: "cannot be the name of a run" in board.notice.value)
    board.axes.boxes["mode"]["std"].value = False
    until(lambda: board.run is None and board.start.description.startswith("Run 1 cell in"))
    assert board._body.children == (board.axes.view, board._above, board._below, board._foot)
    until(lambda: not ui.is_shown(board.run_title.view))
    board.close()


def test_a_plan_asked_for_before_a_run_was_opened_does_not_take_it_off(ws: mw.Workspace) -> None:
    run = mw.Sweep(request_of(ws), mode=["std"]).plan(ws).run()
    # Its first plan, of other cells, is on its way.
    board = mw.SweepBoard(ws, request=request_of(ws), watch=False)
    board.follow(run)
    until(lambda: board.run is not None and board._plan is not None)
    assert board.run is not None
    assert board.run.id == run.id
    board.close()


def test_a_run_that_is_opened_while_another_one_starts_leaves_the_board_usable(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = mw.Sweep(request_of(ws), mode=["pro"]).plan(ws).run()
    board = mw.SweepBoard(ws, request=request_of(ws), watch=False)
    until(lambda: not board.start.disabled and board.start.description.startswith("Run "))
    begun, go, run = threading.Event(), threading.Event(), mw.Plan.run

    def slow(plan: mw.Plan, **told: Any) -> mw.Run:
        begun.set()
        go.wait(30)
        return run(plan, **told)

    monkeypatch.setattr(mw.Plan, "run", slow)
    board.start.click()
    assert begun.wait(30)
    board.follow(earlier)
    until(lambda: board.run is not None and board.run.id == earlier.id)
    go.set()
    until(lambda: board.run is not None and board.run.id != earlier.id and not board._runs._starting)
    board.close()


def test_chips_show_what_varies_and_values_come_and_go(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws, prompt="waves"), watch=False)
    axes = board.axes
    until(lambda: "fixed: v2.6" in axes._fixed.value)
    shown = [field for field, chip in axes.chips.items() if ui.is_shown(chip)]
    assert shown == ["mode", "character_orientation"]
    assert axes.more.description == "+ Model, Sound, Picture\u2026"
    axes.more.click()
    assert ui.is_shown(axes.menu)
    axes.add["prompt"].click()
    assert (ui.is_shown(axes.menu), ui.is_shown(axes.editors["prompt"])) == (False, True)
    assert ui.is_shown(axes.chips["prompt"])
    axes.lists["prompt"].value = "\n".join(["bows slowly, with cinematic light", *"abcdefg"])
    one = axes._values["prompt"].buttons[0]
    assert (one.description, one.tooltip) == ("bows slowly, with\u2026", "Take away: bows slowly, with\u2026")
    assert "and 4 more" in axes._own["prompt"].value
    assert "waves" in axes._own["prompt"].value
    one.click()
    assert axes.lists["prompt"].value == "\n".join("abcdefg")
    assert board.sweep().axes["prompt"] == ("waves", *"abcdefg")
    axes.fix("prompt")
    assert "prompt" not in board.sweep().axes
    assert not ui.is_shown(axes.chips["prompt"])
    board.close()


def test_one_button_trims_a_clip_that_is_too_long_for_some_cells_for_all(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws, video_url=ws.samples().clip_12s))
    until(lambda: ui.is_shown(board.trim.view))
    assert "too long for 2 cells" in board.trim._said.value
    until(lambda: board.start.description.startswith("Run 2 cells"))
    board.trim.button.click()
    until(lambda: board.start.description.startswith("Run 4 cells"))
    assert not ui.is_shown(board.trim.view)
    assert board._plan is not None
    assert len({cell.request.video_url.source for cell in board._plan.cells}) == 1
    board.close()


def test_a_refused_cell_says_why_and_goes_back_into_the_form(ws: mw.Workspace) -> None:
    fails = {"on": "status", "kind": "failed", "match": "bad", "reason": "moderation", "times": 0}
    ws.connection.sandbox.faults = {"fault": [fails]}
    edited: list[mw.MotionRequest] = []
    base = request_of(ws, mode="std", character_orientation="image")
    run = mw.Sweep(base, prompt=["good", "bad"]).plan(ws).run().wait(60)
    board = mw.SweepBoard(ws, run=run.id, on_edit=edited.append, watch=False)
    until(lambda: len(board.matrix.table["cells"]) == 2)
    good, bad = (board.matrix.table["cells"][at] for at in (0, 1))
    assert (good[0], good[8], good[10]) == ("collected", run.jobs[0].row and good[8], "")
    assert (bad[7], bad[8], bad[10]) == ("refused", "content policy, refunded", run.jobs[1].id)
    assert board.matrix.table["sums"]["columns"] == ["1 \u2713 1 \u2715\n$0.34, mean of 1"]
    board.matrix._on_message(board.matrix, {"type": "change", "name": run.jobs[0].id}, [])
    board.matrix._on_message(board.matrix, {"type": "change", "name": run.jobs[1].id}, [])
    until(lambda: edited)
    assert [one.prompt for one in edited] == ["bad"]
    ws.log_store.annotations.rate(run.jobs[0].id, stars=4)
    board.redraw()
    assert board.matrix.table["cells"][0][9] == 4.0
    assert board.matrix.table["sums"]["rows"][0].endswith("\u2605 4.0, of 1")
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


def test_the_rows_of_a_run_stand_together_over_all_pages(ws: mw.Workspace) -> None:
    names = ["run-a", None, "run-b", "run-a", None, "run-b", "run-a"]
    made = [
        (row_in(ws, State.COLLECTED, sweep_id=name, cost=number * 100), name)
        for number, name in enumerate(names)
    ]

    def pages(**asked: Any) -> list[tuple[list[str | None], dict[str, tuple[int, int]]]]:
        ask = PageQuery(by_run=True, **asked)
        found = [page(ws.log_store, ask, first=first, size=2) for first in range(0, len(made), 2)]
        assert sorted(row.id for one in found for row in one.rows) == sorted(job for job, _ in made)
        return [([row.sweep_id for row in one.rows], one.runs) for one in found]

    newest = [
        (["run-a", "run-a"], {"run-a": (0, 3)}), (["run-a", "run-b"], {"run-a": (2, 3), "run-b": (0, 2)}),
        (["run-b", None], {"run-b": (1, 2)}), ([None], {}),
    ]  # fmt: skip
    assert pages() == newest
    assert pages(sort="billed") == newest
    assert [names for names, _ in pages(down=False)] == [
        ["run-a", "run-a"], ["run-a", None], ["run-b", "run-b"], [None]
    ]  # fmt: skip
    assert len(pages(sort="stars")) == 4
    found = page(ws.log_store, PageQuery(search=made[0][0], by_run=True))
    assert found.runs == {"run-a": (0, 1)}, "only what is asked for counts"
    assert page(ws.log_store, PageQuery()).runs == {}


def test_the_logs_filters_tell_two_files_of_one_name_apart(ws: mw.Workspace) -> None:
    rows = [row_in(ws, State.COLLECTED, image_name="hero.png", image_sha=sign * 64) for sign in "ab"]
    table = mw.LogTable(ws, watch=False)
    table._message({"type": "act", "what": "filters"})
    until(lambda: table.grid.view["facets"])
    [images] = [one["values"] for one in table.grid.view["facets"] if one["name"] == "image_name"]
    assert [text for _, text in images] == ["hero", "hero (2)"]
    for (value, _), row_id in zip(images, rows, strict=True):
        table.grid.ask = {"values": {"image_name": value}}
        until(lambda row_id=row_id: [row["id"] for row in table.grid.view["rows"]] == [row_id])
    table.close()


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


def test_a_text_pasted_into_the_search_is_one_sentence_until_it_is_shorter(table: mw.LogTable) -> None:
    row_in(table.ws, State.FAILED)
    found = row_in(table.ws, State.FAILED, prompt="x" * 700)
    table.grid.ask = {"search": "x\0" * 1_000_000}
    until(lambda: "More than 500 characters were given for Search the log" in table._trouble.value)
    assert len(table._trouble.value) < 1000
    table.grid.ask = {"search": "x\0" * 200}
    until(lambda: ids(table) == [found])
    assert "characters" not in table._trouble.value
    assert "cannot be read" not in table.notice.value


def test_megabytes_of_tags_are_one_sentence_and_none_is_put_on(table: mw.LogTable) -> None:
    job_id = row_in(table.ws, State.COLLECTED)
    value = {"note": "", "tags": ",".join(map(str, range(1_000_000)))}
    table._message({"type": "mark", "id": job_id, "what": "said", "value": value})
    until(lambda: "characters were given for Tags" in table.notice.value)
    assert table.ws.log_store.annotations.of([job_id])[job_id].tags == ()


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
    assert table.grid.actions["rerun"]["text"] == "Run again \u00b7 $0.35"
    for _ in range(2):
        table._message({"type": "act", "what": "rerun"})
    until(lambda: "1 job started." in table.notice.value)
    assert len(ws.log) == 2
    table._message({"type": "act", "what": "rerun"})
    assert not table.repeats.busy
    table.close()


def test_a_price_that_comes_after_its_row_was_unticked_is_not_offered(
    table: mw.LogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go, ended, run = threading.Event(), threading.Event(), threading.Event(), table.edge.run
    pricing = list[int]()

    def late(_: object) -> mw.MotionRequest:
        pricing.append(threading.get_ident())
        begun.set()
        go.wait(60)
        return request_of(table.ws, mode="std", character_orientation="image")

    def watched(call: Any, *source: str) -> bool:
        went_well = run(call, *source)
        if [threading.get_ident()] == pricing and go.is_set():
            ended.set()
        return went_well

    monkeypatch.setattr(table.ws, "request_of", late)
    monkeypatch.setattr(table.edge, "run", watched)
    table.grid.chosen = [row_in(table.ws, State.FAILED)]
    assert begun.wait(60)
    table.grid.chosen = []
    go.set()
    until(ended.is_set)
    assert table.grid.actions["rerun"] is None


def test_a_row_that_cannot_run_again_says_why(table: mw.LogTable) -> None:
    table.grid.chosen = [row_in(table.ws, State.FAILED)]
    until(lambda: table.grid.actions["rerun"] and table.grid.actions["rerun"]["why"])
    assert not table.grid.actions["rerun"]["ready"]
    assert table.chosen[0] in table.grid.actions["rerun"]["why"]
