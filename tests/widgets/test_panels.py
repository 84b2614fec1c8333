"""Monitor, board, table, wall, Go-live and Studio without a browser."""

from __future__ import annotations

import contextlib
import html
import os
import sqlite3
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from ipywidgets.widgets.widget import _instances

import motion_widgets as mw
from motion_widgets.log.states import State
from motion_widgets.widgets import GoLive
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.balance import Balance
from motion_widgets.widgets.history_strip import HistoryStrip
from motion_widgets.widgets.row_text import state_words
from motion_widgets.widgets.sweep_cells import cell_of_row
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.log.rows import JobRow

S = State


def request_of(ws: mw.Workspace, **changes: object) -> mw.MotionRequest:
    samples = ws.samples()
    base = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s
    )
    return base.replace(**changes)


def row_in(ws: mw.Workspace, state: State, **columns: object) -> str:
    """Write a job straight into a state, as another process would leave it."""
    values = {
        "endpoint": "sandbox",
        "account": "sandbox",
        "sandbox": True,
        "key": os.urandom(8).hex(),
        "model": "m",
    }
    row, _ = ws.log_store.jobs.add({**values, "estimate_high": 460_000, **columns})
    steps = {
        S.PLANNED: (),
        S.UNKNOWN: (S.SUBMITTING, state),
        S.REJECTED: (S.SUBMITTING, state),
        **dict.fromkeys((S.EXPIRED, S.COLLECTED), (S.SUBMITTING, S.SUBMITTED, S.COMPLETED, state)),
    }.get(state, (S.SUBMITTING, S.SUBMITTED, state))
    for step in steps:
        assert ws.log_store.transitions.move(row.id, step)
    return str(row.id)


def test_a_damaged_row_is_called_so_and_there_is_nothing_to_decide_on_it(ws: mw.Workspace) -> None:
    doubt, damaged = row_in(ws, State.UNKNOWN), row_in(ws, State.UNKNOWN, reserved=460_000)
    path = ws.log_store.database.path
    assert path is not None
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE jobs SET id = ? WHERE id = ?", ("<b>no id</b>", damaged))
    rows = ws.log_store.jobs.rows()
    assert [row.undecided for row in rows if row.id == doubt] == [True]
    [stand_in] = [row for row in rows if row.id != doubt]
    assert not stand_in.undecided
    table, monitor = mw.LogTable(ws, watch=False), mw.JobMonitor(ws, watch=False)
    assert table.to_decide == 1
    assert "1 with unknown outcome" in monitor._count.value
    drawn = {line._row.id: line for line in monitor._rows if line._row is not None}
    assert not any(map(ui.is_shown, drawn[stand_in.id]._actions.buttons))
    states = {row["id"]: row["cells"]["state"] for row in table.grid.view["rows"]}
    assert states[stand_in.id] == "\u2716 damaged row"
    strip = HistoryStrip(ws, watch=False)
    assert {one["id"]: (one["kind"], one["word"]) for one in strip.strip.items} == {
        doubt: ("doubt", "Charged? Decide\u2026"), stand_in.id: ("bad", "damaged row")
    }  # fmt: skip
    cell = cell_of_row(stand_in, None)
    assert (cell.called, cell.change) == ("damaged row", "")
    for panel in (table, monitor, strip):
        panel.close()


def test_an_unknown_job_offers_its_choices_in_words_and_write_off_ends_it(ws: mw.Workspace) -> None:
    job_id = row_in(ws, State.UNKNOWN, error_message="The answer never came <b>", reserved=460_000)
    monitor = mw.JobMonitor(ws, watch=False)
    first = monitor._rows[0]
    assert [one.description for one in first._actions.buttons] == [
        "Keep waiting",
        "Send again, same key (may charge twice: there is no price for it)",
        "Write off ($0.46 counts as spent)",
    ]
    assert "The answer never came &lt;b&gt;" in first._text.value
    assert "decide below" in monitor._count.value
    first._actions.buttons[0].click()
    until(lambda: first._actions.buttons[0].description == "Decide\u2026")
    assert "$0.46 stays reserved. Nothing is sent again" in first._text.value
    first._actions.buttons[0].click()
    until(lambda: first._actions.buttons[0].description == "Keep waiting")
    first._actions.buttons[2].click()
    until(lambda: ws.attach(job_id).state == "written_off")
    monitor.close()


def test_an_unknown_job_is_given_the_task_id_that_a_person_found(ws: mw.Workspace) -> None:
    done = ws.submit(request_of(ws), max_cost=1).wait(60)
    task_id = done.row.task_id
    ws.log_store.transitions.record(done.id, task_id=None)  # as if its answer had been lost
    job_id = row_in(ws, State.UNKNOWN, reserved=460_000)
    monitor = mw.JobMonitor(ws, watch=False)
    first, second = monitor._rows[:2]
    assert (second._task, first._task.placeholder) == (None, "task_…")
    give = first.children[-1].children[1]
    assert give.description == "Follow this task"
    give.click()
    until(lambda: "task id" in monitor.notice.value)
    assert ws.attach(job_id).state == "unknown"
    first._task.value = f" {task_id} "
    give.click()
    until(lambda: ws.attach(job_id).state == "collected")
    assert ws.attach(job_id).task_id == task_id
    monitor.refresh()
    assert not ui.is_shown(first.children[-1])
    monitor.close()


AGAIN = ["Retry (there is no price for it)", "Change or repeat\u2026"]  # such a request has none today
ASK = ["Ask the endpoint again", AGAIN[1]]
ENDS = [
    (
        S.FAILED,
        {"error_kind": "moderation", "cost": 0},
        ["It was refunded.", "the clip or the prompt"],
        AGAIN[::-1],
    ),
    (S.FAILED, {"reserved": 460_000}, ["refund is not confirmed: $0.46 stays reserved"], AGAIN[::-1]),
    (S.FAILED, {"cost": 460_000}, ["billed $0.46 nevertheless"], AGAIN[::-1]),
    (
        S.VANISHED,
        {"task_id": "t7", "reserved": 460_000},
        ["$0.46 stays", "about task t7"],
        ASK,
    ),
    (S.EXPIRED, {"task_id": "t8", "cost": 460_000}, ["link expired", "It was billed $0.46."], ASK),
    (S.REJECTED, {"error_kind": "account"}, ["it cost nothing", "nothing more is sent"], AGAIN),
    (S.COLLECTED, {"cost": 920_000}, ["$0.92, outside the estimate", "Billed outside"], ["Show result"]),
]


@pytest.mark.parametrize(("state", "columns", "parts", "buttons"), ENDS)
def test_each_end_says_what_is_known_and_the_next_step(
    ws: mw.Workspace, state: State, columns: dict[str, object], parts: list[str], buttons: list[str]
) -> None:
    said = {} if state == State.COLLECTED else {"error_message": "the server's <b>words</b>"}
    row_in(ws, state, **said, **columns)
    monitor = mw.JobMonitor(ws, on_edit=lambda _: None, watch=False)
    first = monitor._rows[0]
    shown = [one.description for one in first._actions.buttons if one.layout.display is None]
    assert [one for one in [*parts, *map(html.escape, said.values())] if one not in first._text.value] == []
    assert shown == buttons
    monitor.close()


def test_a_button_that_names_no_price_spends_nothing(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, _ = ws.log_store.jobs.add(ws.preparation.plan_job(request_of(ws)))
    ws.log_store.transitions.move(row.id, S.SUBMITTING)
    ws.log_store.transitions.move(row.id, S.REJECTED)
    monitor = mw.JobMonitor(ws, watch=False)
    [retry] = [one for one in monitor._rows[0]._actions.buttons if one.description.startswith("Retry (")]
    assert "$" in retry.description
    with monkeypatch.context() as unpriced:  # as while a table of prices without its model was in use
        unpriced.setattr(type(ws.submission), "price", lambda *_: None)
        monitor.refresh()
        until(lambda: "there is no price" in retry.description)
        retry.click()
        until(lambda: "may be spent" in monitor.notice.value)
    assert len(ws.log) == 1
    monitor.close()


def test_a_task_that_cannot_be_polled_says_since_when(ws: mw.Workspace) -> None:
    from motion_widgets.log.transitions import event_note

    job_id = row_in(ws, State.RUNNING, error_kind="network", error_message="no route", task_id="t9")
    monitor = mw.JobMonitor(ws, watch=False)
    row = ws.log_store.jobs.get(job_id)
    assert monitor.actions.silent_since(row) is None
    ws.log_store.transitions.remark(job_id, event_note("event_poll_failed"))
    [event] = [one for one in ws.log_store.jobs.events(job_id) if one.note == "event_poll_failed"]
    assert monitor.actions.silent_since(row) == event.at
    monitor.close()


def test_a_request_goes_back_into_the_form_with_its_kept_files(ws: mw.Workspace) -> None:
    req = request_of(ws, mode="pro", prompt="wave", watermark_info={"enabled": True})
    ws.log_store.jobs.add(ws.preparation.plan_job(req))
    asked: list[mw.MotionRequest] = []
    monitor = mw.JobMonitor(ws, on_edit=asked.append, watch=False)
    monitor.actions.act("edit", ws.jobs()[0].id)
    until(lambda: asked)
    assert asked[0].key == req.key
    monitor.close()


def test_failures_that_lie_on_a_value_are_said_in_the_job_view_and_on_the_board(ws: mw.Workspace) -> None:
    base = request_of(ws)
    axes = {"prompt": ["fine", "bad"], "mode": ["std", "pro"], "character_orientation": ["image", "video"]}
    board = mw.SweepBoard(ws, request=base, watch=False)
    fails = {"on": "status", "kind": "failed", "match": "bad", "reason": "moderation", "times": 0}
    ws.connection.sandbox.faults = {"fault": [fails]}
    until(lambda: board._plan is not None)
    board.follow(mw.Sweep(base, **axes).plan(ws).run().wait(60))
    monitor = mw.JobMonitor(ws, watch=False)
    until(lambda: "bad failed" in board._clusters.value)
    for said in (monitor._clusters.value, board._clusters.value):
        assert "bad failed in 4 of 4 cells; the others in 0 of 4." in said
        assert "content policy" in said
    monitor.close()
    board.close()


def test_the_balance_stands_beside_the_price_and_says_whose_it_is(ws: mw.Workspace) -> None:
    ws.connection.sandbox.set_balance(0.1)
    form = mw.RequestForm(ws, request=request_of(ws, mode="std", character_orientation="image"), watch=False)
    until(lambda: "SANDBOX balance $0.10" in form.card.money.value)
    until(lambda: "$0.25 short" in form.card.money.value)
    until(lambda: not form.card.submit.disabled)  # the balance may be old; the endpoint decides
    form.close()


def test_what_is_left_of_ones_own_budget_stands_beside_the_price(ws: mw.Workspace) -> None:
    ws.set_budget(20)
    ws.set_budget(0, "somebody else")
    form = mw.RequestForm(ws, request=request_of(ws, mode="std", character_orientation="image"), watch=False)
    until(lambda: "$20.00 of your $20.00 budget is left" in form.card.money.value)
    assert "lacks" not in form.card.money.value
    form.close()
    ws.set_budget(0.10)
    studio = mw.Studio(ws)
    studio.form.load(request_of(ws, mode="std", character_orientation="image"))
    until(lambda: "$0.10 of your $0.10 budget is left" in studio._facts.value)
    until(lambda: "Your budget is $0.25 short" in studio.form.card.money.value)
    ws.set_budget(None)
    Balance.of(ws).look(ws)
    until(lambda: Balance.of(ws).look(ws) == 0.0)
    assert "no limit for you; $0.00 used" in Balance.of(ws).beside_price(ws, 5.0)
    studio.close()


def test_a_balance_that_is_not_said_is_not_known_and_blocks_nothing(ws: mw.Workspace) -> None:
    ws.connection.sandbox.faults = {"fault": [{"on": "balance", "kind": "status", "code": 503, "times": 0}]}
    form = mw.RequestForm(ws, request=request_of(ws, mode="std", character_orientation="image"), watch=False)
    until(lambda: "SANDBOX balance unknown" in form.card.money.value)
    until(lambda: not form.card.submit.disabled)
    form.close()


def test_the_balance_is_asked_for_once_a_minute_and_after_a_submit(ws: mw.Workspace) -> None:
    ws.connection.sandbox.faults = {"fault": []}
    balance = Balance.of(ws)
    assert [balance.look(ws) for _ in range(20)] == [0.0] * 20
    assert ws.connection.sandbox.faults.calls["balance"] == 1
    assert balance.text(ws).startswith("SANDBOX balance $")
    before = balance.text(ws)
    ws.submit(request_of(ws, mode="std", character_orientation="image")).wait(60)
    until(lambda: balance.look(ws) == 0.0)
    assert balance.text(ws) != before


def test_the_balance_is_asked_for_again_once_a_job_was_rejected(ws: mw.Workspace) -> None:
    balance = Balance.of(ws)
    assert balance.look(ws) == 0.0
    ws.connection.sandbox.set_balance(0.1)
    row_in(ws, State.REJECTED, error_kind="account")
    until(lambda: balance.look(ws) == 0.0)
    assert balance.text(ws) == "SANDBOX balance $0.10"


def test_every_state_has_words_and_a_mark() -> None:
    for state in State:
        words = state_words(cast("JobRow", SimpleNamespace(state=state.value, progress=40, drivable=True)))
        assert len(words.split()) >= 2
        assert "state_" not in words


def test_the_board_plans_runs_and_then_has_nothing_new_to_pay(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws))
    until(lambda: board.start.description == "Run 4 cells in the SANDBOX (up to $1.79)")
    board.budget.value = "no money"
    assert board.start.disabled
    assert "not an amount in USD" in board.notice.value
    board.budget.value = "5"
    board.start.click()
    board.start.click()
    until(lambda: board.run is not None and board.run.resting)
    until(lambda: not ui.is_shown(board.start))
    assert len(ws.log) == 4
    until(lambda: "4 in this run: 4 \u2713" in board._said.value)
    board.close()


def test_the_board_says_why_a_cell_cannot_run(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws, video_url=ws.samples().clip_12s), watch=False)
    until(lambda: "2 cannot run" in board._said.value)
    until(lambda: len(board.matrix.table["cells"]) == 4)
    assert sum("2.00 s too long" in cell[5] for cell in board.matrix.table["cells"]) == 2
    assert board.start.description.startswith("Run 2 cells")
    board.close()


def test_the_table_says_once_what_is_the_same(ws: mw.Workspace) -> None:
    for name in ("a", "<i>b</i>"):
        row_in(ws, State.FAILED, prompt=name, mode="std", character_orientation="image")
    table = mw.LogTable(ws, watch=False)
    assert "quality std" in table.grid.view["same"]
    assert any(
        row["cells"]["prompt"] == "<i>b</i>" for row in table.grid.view["rows"]
    )  # the page takes it as text
    table.grid.ask = {"values": {"state": "collected"}}
    until(lambda: "No row matches" in table.grid.view["said"])
    table._export("csv")
    until((ws.folder / "log.csv").exists)
    table.close()


def test_closing_ends_every_connection_to_the_page(ws: mw.Workspace) -> None:
    before = set(_instances)
    studio = mw.Studio(ws)
    assert len(set(_instances) - before) > 100
    studio.close()
    until(lambda: set(_instances) <= before)


def test_the_wall_reads_only_clips_of_its_workspace(ws: mw.Workspace, tmp_path: Path) -> None:
    wall = mw.CompareWall(ws, watch=False)
    clip = ws.samples().clip_6s.read_bytes()
    (ws.folder / "results" / "job-x.mp4").write_bytes(clip)
    assert wall._files.read(str(ws.folder / "results" / "job-x.mp4")) == clip
    for outside in (
        ws.folder / "log.sqlite",
        ws.folder / "sandbox" / "token",
        ws.folder / "results" / ".." / "log.sqlite",
    ):
        assert wall._files.read(str(outside)) is None
    wall.close()


def test_a_typed_key_leaves_the_synced_field_at_once(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APIMART_API_KEY", raising=False)
    panel = GoLive(ws)
    assert panel.go.disabled
    panel.key.value = "sk-typed"
    assert panel.key.value == ""
    assert "sk-typed" not in repr(vars(panel)) + str(panel.get_state())
    assert not panel.go.disabled
    assert not ws.live
    panel.key.value = "two words"
    assert "not an API key" in panel.notice.value
    panel.close()


def test_a_kept_key_is_forgotten_where_it_is_entered(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"https://api.apimart.ai:443": "sk-kept-0123456789"}
    monkeypatch.setattr("keyring.get_password", lambda _, origin: held.get(origin))
    monkeypatch.setattr("keyring.delete_password", lambda _, origin: held.pop(origin))
    monkeypatch.delenv("APIMART_API_KEY", raising=False)
    monkeypatch.delenv("APIMART_BASE_URL", raising=False)
    panel = GoLive(ws)
    assert panel.forget.layout.display != "none"
    assert not panel.go.disabled
    panel.forget.click()
    until(lambda: "removed from this machine" in panel.notice.value)
    assert "https://api.apimart.ai:443" in panel.notice.value
    assert held == {}
    assert panel.forget.layout.display == "none"
    assert panel.go.disabled
    panel.close()


def test_a_key_that_cannot_be_kept_says_what_to_install(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.delenv("APIMART_API_KEY", raising=False)
    panel = GoLive(ws)
    panel.key.value = "sk-typed"
    panel.keep.value = True
    panel.go.click()
    until(lambda: "motion-widgets[keyring]" in panel.notice.value)
    assert ws.live
    panel.close()


def test_the_folder_remembers_only_what_a_person_switched_to(ws: mw.Workspace) -> None:
    ws.switch("apimart", key="sk-test")
    again = mw.Workspace(ws.folder)
    assert again.live
    again.close()
    ws.switch("sandbox")
    again = mw.Workspace(ws.folder)
    assert not again.live
    again.close()


def test_the_studio_opens_on_the_playing_wall_on_binder_only(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    mw.Sweep(request_of(ws), mode=["std"]).plan(ws).run().wait(60)
    studio = mw.Studio(ws)
    assert studio.tabs.selected_index == 0
    assert not studio.compare.wall.autoplay
    studio.close()
    monkeypatch.setenv("BINDER_LAUNCH_HOST", "https://mybinder.example")
    studio = mw.Studio(ws)
    assert studio.tabs.titles[studio.tabs.selected_index] == "Compare"
    assert studio.compare.wall.autoplay
    assert [cell.get("column") for cell in studio.compare.wall.cells] == ["reference", "std"]
    studio.close()
