"""Monitor, board, table, wall, Go-live and Studio without a browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ipywidgets.widgets.widget import _instances

import motion_widgets as mw
from motion_widgets.log.states import State
from motion_widgets.widgets import GoLive, compare
from motion_widgets.widgets.words import state_words

from .conftest import until


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
    row, _ = ws.log_store.add_job({**values, "estimate_high": 460_000, **columns})
    path = {State.PLANNED: (), State.UNKNOWN: (State.SUBMITTING, State.UNKNOWN)}
    steps = path.get(state, (State.SUBMITTING, State.SUBMITTED, state))
    for step in steps:
        assert ws.log_store.move(row["id"], step)
    return str(row["id"])


def test_an_unknown_job_offers_its_choices_in_words_and_write_off_ends_it(ws: mw.Workspace) -> None:
    job_id = row_in(ws, State.UNKNOWN, error_message="The answer never came <b>")
    monitor = mw.JobMonitor(ws, watch=False)
    first = monitor._rows[0]
    assert [one.description for one in first._buttons] == ["Resend, same key (may charge twice)", "Write off"]
    assert "The answer never came &lt;b&gt;" in first._text.value
    assert "decide below" in monitor._count.value
    first._buttons[1].click()
    until(lambda: ws.attach(job_id).state == "written_off")
    monitor.close()


def test_every_state_has_words_and_a_mark() -> None:
    for state in State:
        words = state_words({"state": state.value, "progress": 40})
        assert len(words.split()) >= 2
        assert "state_" not in words


def test_the_board_plans_runs_and_then_has_nothing_new_to_pay(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws))
    until(lambda: board.start.description == "Run 4 cells in the SANDBOX (up to $1.78)")
    board.budget.value = "no money"
    assert board.start.disabled
    assert "no amount of USD" in board.notice.value
    board.budget.value = "5"
    board.start.click()
    board.start.click()
    until(lambda: board.run is not None and board.run.resting)
    until(lambda: board.start.description == "Nothing new to pay: follow the cells")
    assert len(ws.log) == 4
    until(lambda: "4 of 4 cells collected" in board._said.value)
    board.close()


def test_the_board_says_why_a_cell_cannot_run(ws: mw.Workspace) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws, video_url=ws.samples().clip_12s), watch=False)
    until(lambda: "2 of them cannot run" in board._said.value)
    assert "2.00 s too long" in board._matrix.value
    assert board.start.description.startswith("Run 2 cells")
    board.close()


def test_the_table_says_once_what_is_the_same_and_escapes_the_rest(ws: mw.Workspace) -> None:
    for name in ("a", "<i>b</i>"):
        row_in(ws, State.FAILED, prompt=name, mode="std", character_orientation="image")
    table = mw.LogTable(ws, watch=False)
    assert "mode <bdi>std</bdi>" in table._same.value
    assert "&lt;i&gt;b&lt;/i&gt;" in table._table.value
    assert "<i>b</i>" not in table._table.value
    table.state.value = "collected"
    until(lambda: "no such rows" in table._pages.value)
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
    (ws.folder / "results" / "job-x.mp4").write_bytes(b"clip")
    assert wall._read(str(ws.folder / "results" / "job-x.mp4")) == b"clip"
    for outside in (
        ws.folder / "log.sqlite",
        ws.folder / "sandbox" / "token",
        ws.folder / "results" / ".." / "log.sqlite",
    ):
        assert wall._read(str(outside)) is None
    wall.close()


@pytest.mark.parametrize(
    ("session", "voila", "start", "root"),
    [
        ("notebooks/studio.ipynb", "", "/srv/home/notebooks", "/srv/home"),
        ("studio.ipynb", "", "/srv/home", "/srv/home"),
        ("", "http://h/voila/render/a%20b/c/studio.ipynb?theme=dark", "/srv/a b/c", "/srv"),
        ("elsewhere/studio.ipynb", "", "/srv/home", "/srv/home"),
        ("", "", "/srv/home", "/srv/home"),
    ],
)
def test_the_servers_root_is_found_from_what_the_kernel_is_told(
    monkeypatch: pytest.MonkeyPatch, session: str, voila: str, start: str, root: str
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", session)
    monkeypatch.setenv("VOILA_REQUEST_URL", voila)
    monkeypatch.setattr(compare, "_START", Path(start))
    assert compare.server_root() == Path(root)


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
    assert "no API key" in panel.notice.value
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
