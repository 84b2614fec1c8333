"""The buttons of a run: what each sends or stops, and what was changed meanwhile stops a click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import motion_widgets as mw
from motion_widgets.core.money import format_price
from motion_widgets.jobs.runner import Runner
from motion_widgets.widgets import controls as ui
from tests.widgets.conftest import until
from tests.widgets.test_panels import request_of

if TYPE_CHECKING:
    import pytest

CELLS = [{"prompt": one} for one in ("bows", "waves", "turns")]


def shown(board: mw.SweepBoard, run: mw.Run) -> mw.SweepBoard:
    until(lambda: board._standing is not None and board._standing.run.id == run.id)
    return board


def fails(ws: mw.Workspace, **fault: object) -> None:
    ws.connection.sandbox.faults = {"fault": [fault]}


def test_a_run_is_held_between_two_cells_and_goes_on(ws: mw.Workspace) -> None:
    working = {"on": "status", "kind": "word", "times": 0}  # the first cell does not end before it is held
    ws.connection.sandbox.faults = {"max_in_flight": 1, "fault": [working]}
    run = mw.Sweep.listed(request_of(ws), CELLS).plan(ws).run()
    board = shown(mw.SweepBoard(ws, run=run.id), run)
    until(lambda: ui.is_shown(board.hold))
    board.hold.click()
    until(lambda: f"{run.id} is paused" in board.notice.value)
    assert ws.attach(run.id).paused
    ws.connection.sandbox.faults = None
    until(lambda: board.hold.description.startswith("Resume"))
    board.hold.click()
    until(lambda: run.counts() == {"collected": 3})
    assert not run.paused
    board.close()


def test_a_paused_run_names_the_price_of_what_comes_back_to_it(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell that was about to be sent comes back; the button named $0.00 until then, and was refused."""
    monkeypatch.setattr(Runner, "drive", lambda *_, **__: None)
    run = mw.Sweep.listed(request_of(ws), CELLS).plan(ws).run()
    whole = run.price().high
    run.pause()
    coming, going, _ = run.rows()
    ws.log_store.transitions.record(coming.id, state="submitting")
    ws.log_store.transitions.record(going.id, state="submitting", sent=1)
    board = shown(mw.SweepBoard(ws, run=run.id), run)
    until(lambda: f"up to {format_price(whole * 2 / 3)}" in board.hold.description)
    board.close()


def test_a_refusal_stands_until_the_next_click(ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that came to rest just then said over it that it is paused."""
    monkeypatch.setattr(Runner, "drive", lambda *_, **__: None)
    run = mw.Sweep.listed(request_of(ws), CELLS).plan(ws).run()
    run.pause()
    board = shown(mw.SweepBoard(ws, run=run.id, watch=False), run)
    until(lambda: "is paused" in board.notice.value)
    board._runs._named = {"planned": 0.0}  # as before a price was known
    board.hold.click()
    until(lambda: "at most $0.00" in board.notice.value)
    board._moved()
    until(lambda: board._rested)
    assert "at most $0.00" in board.notice.value
    until(lambda: f"up to {format_price(run.price().high)}" in board.hold.description)
    board.hold.click()
    until(lambda: not run.paused)
    until(lambda: "at most" not in board.notice.value)
    board.close()


def test_what_failed_is_sent_again_by_one_button(ws: mw.Workspace) -> None:
    fails(ws, on="status", kind="failed", match="waves", reason="other", times=0)
    run = mw.Sweep.listed(request_of(ws), CELLS).plan(ws).run()
    assert run.wait(60).counts() == {"collected": 2, "failed": 1}
    ws.connection.sandbox.faults = None
    board = shown(mw.SweepBoard(ws, run=run.id, watch=False), run)
    until(lambda: ui.is_shown(board._runs.retry))
    board._runs.retry.click()
    until(lambda: run.counts() == {"collected": 3})
    board.close()


def test_unknown_outcomes_of_a_run_are_written_off_together(ws: mw.Workspace) -> None:
    fails(ws, on="submit", kind="status", code=502, times=2)
    run = mw.Sweep.listed(request_of(ws), CELLS).plan(ws).run()
    until(lambda: run.counts() == {"unknown": 2, "collected": 1})
    board = shown(mw.SweepBoard(ws, run=run.id, watch=False), run)
    until(lambda: ui.is_shown(board._runs.write_off))
    board._runs.write_off.click()
    until(lambda: run.counts() == {"written_off": 2, "collected": 1})
    board.redraw()
    until(lambda: not ui.is_shown(board._runs.write_off))
    board._runs.write_off.click()  # a click that came too late finds nothing to decide
    board._runs.resend.click()
    assert run.counts() == {"written_off": 2, "collected": 1}
    board.close()


def test_a_plan_that_changed_after_the_click_is_not_sent(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws), watch=False)
    until(lambda: not board.start.disabled)
    offers = iter(["as it was", "another"])
    monkeypatch.setattr(board._runs, "_offer", lambda: next(offers, "another"))
    board.start.click()
    until(lambda: "changed as you clicked" in board.notice.value)
    assert len(ws.log) == 0
    until(lambda: not board.start.disabled)
    board.close()


def test_two_clicks_start_one_run(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws), watch=False)
    until(lambda: not board.start.disabled)
    plan: Any = board._plan
    board._runs.send(plan, 5.0)
    board._runs.send(plan, 5.0)
    until(lambda: board._standing is not None)
    run = board._standing.run
    assert run.wait(60).counts() == {"collected": 4}
    assert len(ws.log) == 4
    board.close()


def test_results_of_a_run_are_compared_by_whoever_was_asked_to(ws: mw.Workspace) -> None:
    run = mw.Sweep.listed(request_of(ws), CELLS[:1]).plan(ws).run().wait(60)
    compared: list[str] = []
    board = shown(mw.SweepBoard(ws, run=run.id, on_compare=lambda one: compared.append(one.id)), run)
    until(lambda: ui.is_shown(board._runs.compare))
    assert board._runs.compare.description == "Show the result"
    board._runs.compare.click()
    until(lambda: compared == [run.id])
    board.close()


def test_without_a_run_its_buttons_do_nothing(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws), watch=False)
    until(lambda: not board.start.disabled)
    for one in (board.hold, *board._runs.after_run, board._runs.compare):
        assert not ui.is_shown(one)
        one.click()  # as a page that is behind would
    assert len(ws.log) == 0
    assert board.notice.value.endswith("></div>"), "nothing is said"
    board.close()
