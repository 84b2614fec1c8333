"""A Studio that is opened again shows what was open: the form, the axes, the board and the tab."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import motion_widgets as mw
from motion_widgets.widgets import remembered
from motion_widgets.workspace.settings import keep_view, kept_view
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OPEN = """
import sys
import motion_widgets as mw
ws = mw.Workspace(sys.argv[1], endpoint="sandbox")
studio = mw.Studio(ws)
print(studio.tabs.selected_index, studio.form.request.mode, studio.form.request.prompt)
print([one for one, box in studio.board.axes.boxes["mode"].items() if box.value])
print(studio.board.axes.lists["prompt"].value.splitlines())
studio.close()
ws.close()
"""


def file_of(folder: Path) -> Path:
    [found] = folder.glob("workspace.view.*.json")
    return found


def test_another_process_finds_the_form_the_axes_and_the_tab(ws: mw.Workspace) -> None:
    studio = mw.Studio(ws)
    studio.form.load(studio.form.request.replace(mode="pro", prompt="turns\nand waves ü"))
    studio.board.axes.boxes["mode"]["pro"].value = False
    studio.board.axes.lists["prompt"].value = "one\ntwo"
    studio.tabs.selected_index = 1
    until(lambda: kept_view(ws.folder).get("tab") == "sweep")  # by itself, once nothing changes any more
    studio.close()
    command = [sys.executable, "-c", OPEN, str(ws.folder)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    assert said == "1 pro turns\nand waves ü\n['std']\n['one', 'two']\n"


def test_a_look_that_takes_long_takes_nothing_back_that_the_last_one_wrote(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = mw.Studio(ws)
    slow, overtaken, wrote = threading.Event(), threading.Event(), []

    def keep(folder: Path, view: dict[str, Any]) -> None:
        first = not slow.is_set()
        slow.set()
        if first:
            overtaken.wait(1)  # for as long as the last look could need, if it did not wait for this one
        keep_view(folder, view)
        wrote.append(view["request"]["prompt"])
        overtaken.set()

    monkeypatch.setattr(remembered, "keep_view", keep)
    studio.form.load(studio.form.request.replace(prompt="before"))
    until(slow.is_set)
    studio.form.load(studio.form.request.replace(prompt="after"))
    studio.close()
    until(lambda: len(wrote) == 2)
    assert wrote[-1] == "after"
    assert kept_view(ws.folder)["request"]["prompt"] == "after"


def test_the_run_on_the_board_comes_back_where_its_endpoint_is_open(ws: mw.Workspace) -> None:
    samples = ws.samples()
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s
    )
    run = mw.Sweep(req, mode=["std"]).plan(ws).run()
    run.wait(60)
    studio = mw.Studio(ws)
    studio.board.follow(run)
    until(lambda: studio.board.run is not None)
    studio.close()
    again = mw.Studio(ws)
    until(lambda: again.board.run is not None and again.board.run.id == run.id)
    again.close()
    keep_view(ws.folder, {**kept_view(ws.folder), "endpoint": "apimart"})
    third = mw.Studio(ws)
    third.refresh()
    assert third.board.run is None
    third.close()


def test_the_tab_that_is_asked_for_comes_before_the_remembered_one(ws: mw.Workspace) -> None:
    mw.Studio(ws, tab="log").close()
    assert kept_view(ws.folder)["tab"] == "log"
    for tab, opened in ((None, 4), ("compare", 2)):
        studio = mw.Studio(ws, tab=tab)
        assert studio.tabs.selected_index == opened
        studio.close()


def test_what_is_damaged_is_said_and_a_new_view_is_remembered(ws: mw.Workspace) -> None:
    mw.Studio(ws, tab="log").close()
    file_of(ws.folder).write_bytes(b'{"tab": 3')
    studio = mw.Studio(ws)
    assert "is damaged" in studio.notice.value
    assert studio.tabs.selected_index == 0
    studio.tabs.selected_index = 1
    studio.close()
    assert kept_view(ws.folder)["tab"] == "sweep"


def test_values_of_no_use_are_left_out(ws: mw.Workspace) -> None:
    view = {
        "tab": [],
        "request": {"mode": 7, "prompt": ["x"], "key": "sk"},
        "axes": {"mode": 3, "x": []},
        "run": {},
    }
    keep_view(ws.folder, view)
    studio = mw.Studio(ws)
    assert "Error" not in studio._trouble.value + studio.notice.value
    assert (studio.tabs.selected_index, studio.form.request.prompt) == (0, None)
    studio.close()


def test_a_studio_that_nobody_touched_writes_nothing(ws: mw.Workspace) -> None:
    mw.Studio(ws).close()
    assert not list(ws.folder.glob("workspace.view.*"))


def test_strangers_are_not_remembered(ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motion_widgets.widgets.remembered.in_visitor_mode", lambda: True)
    mw.Studio(ws, tab="log").close()
    assert not list(ws.folder.glob("workspace.view.*"))
