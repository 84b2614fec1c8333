"""The compare wall without a browser: what is on it, what is said once, and the stars."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.log.states import State
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.job_pictures import JobPictures
from tests.widgets.conftest import until
from tests.widgets.test_panels import request_of, row_in

if TYPE_CHECKING:
    from motion_widgets.sweep import Run


@pytest.fixture
def run(ws: mw.Workspace) -> Run:
    """Two results, and a third cell that was refused."""
    fails = {"on": "status", "kind": "failed", "match": "bad", "reason": "moderation", "times": 0}
    ws.connection.sandbox.faults = {"fault": [fails]}
    base = request_of(ws, mode="std", character_orientation="image")
    return mw.Sweep(base, prompt=["good", "better", "bad"]).plan(ws).run().wait(60)


def test_only_results_are_on_the_wall_with_what_differs_and_the_rest_in_one_line(
    ws: mw.Workspace, run: Run
) -> None:
    wall = mw.CompareWall(ws, run=run, watch=False)
    assert [cell["column"] for cell in wall.wall.cells] == ["reference", "good", "better"]
    assert wall.wall.columns == ["reference", "good", "better"]
    assert "All: v2.6 \u00b7 std \u00b7 faces as in the picture" in wall._same.value
    assert "better" not in wall._same.value
    assert "1 not shown: 1 refused" in wall._same.value
    until(lambda: all(cell.get("poster", "").startswith("data:image/jpeg") for cell in wall.wall.cells[1:]))
    wall.close()


def test_stars_are_given_on_the_wall_to_what_is_on_it(ws: mw.Workspace, run: Run) -> None:
    wall = mw.CompareWall(ws, run=run, watch=False)
    [first, *_] = run.jobs
    refused = run.jobs[2]
    marks = ws.log_store.annotations.of
    for message in (
        {"type": "said", "id": refused.id, "what": "stars", "value": 5},
        {"type": "said", "id": first.id, "what": "note", "value": "no"},
        {"type": "said", "id": first.id, "what": "stars", "value": "5"},
        {"type": "said", "id": first.id, "what": "stars", "value": 4},
    ):
        wall.wall._on_message(wall.wall, message, [])
    until(lambda: marks().get(first.id) is not None)
    assert {job_id: one.stars for job_id, one in marks().items()} == {first.id: 4.0}
    wall.redraw()
    assert [cell.get("stars") for cell in wall.wall.cells] == [None, 4, 0]
    wall.close()


def test_nothing_to_show_is_said_with_the_reason(ws: mw.Workspace) -> None:
    job_id = row_in(ws, State.RUNNING)
    wall = mw.CompareWall(ws, watch=False)
    wall.show_jobs([job_id])
    assert ui.is_shown(wall._empty)
    assert wall._wall is None, "no player is made for nothing"
    assert "1 not shown: 1 running" in wall._same.value
    wall.close()


def posters(wall: mw.CompareWall) -> list[str]:
    return [cell.get("poster", "") for cell in wall.wall.cells if "id" in cell]


@pytest.mark.parametrize("moment", ["lacks", "make"])
def test_a_picture_that_another_panel_makes_meanwhile_is_drawn(
    ws: mw.Workspace, run: Run, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    mine, make = getattr(JobPictures, moment), JobPictures.make

    def overtaken(pictures: JobPictures, *told: Any) -> Any:
        make(pictures, ws, run.rows()[:2])
        return mine(pictures, *told)

    monkeypatch.setattr(JobPictures, moment, overtaken)
    wall = mw.CompareWall(ws, run=run, watch=False)
    until(lambda: all(posters(wall)))
    wall.close()


def test_jobs_that_are_put_on_the_wall_stay_there_while_another_run_appears(
    ws: mw.Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall, sweeps = mw.CompareWall(ws, run=run, watch=False), ws.log_store.sweeps
    second, names, begun, go = run.jobs[1].id, sweeps.names, threading.Event(), threading.Event()
    showing = threading.Thread(target=wall.show_jobs, args=([second],))

    def late(*told: Any, **more: Any) -> dict[str, str]:
        if threading.current_thread() is showing:
            begun.set()
            go.wait(60)
        return names(*told, **more)

    monkeypatch.setattr(sweeps, "names", late)
    showing.start()
    assert begun.wait(60)
    told = {"endpoint": "sandbox", "account": "sandbox", "axes": "{}", "cells": "[]"}
    sweeps.save({"id": "run-new", **told})
    wall.redraw()
    go.set()
    showing.join(60)
    assert [cell["id"] for cell in wall.wall.cells if "id" in cell] == [second]
    wall.close()


def test_a_run_that_is_older_than_those_on_offer_is_shown_and_stays(
    ws: mw.Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motion_widgets.widgets.compare_wall.RUNS", 1)
    told = {"endpoint": "sandbox", "account": "sandbox", "axes": "{}", "cells": "[]"}
    ws.log_store.sweeps.save({"id": "run-new", **told})
    wall = mw.CompareWall(ws, watch=False)
    wall.show_run(run)
    for _ in range(2):
        assert wall.choice.value == run.id
        assert wall.wall.columns == ["reference", "good", "better"]
        wall.redraw()
    with pytest.raises(mw.LogError, match="run-none"):
        wall.show_run("run-none")
    wall.close()


def test_results_in_two_axes_are_a_grid_with_a_reference_in_each_row(ws: mw.Workspace) -> None:
    base = request_of(ws, character_orientation="image")
    run = mw.Sweep(base, prompt=["bows", "waves"], mode=["std", "pro"]).plan(ws).run().wait(60)
    wall = mw.CompareWall(ws, run=run, watch=False)
    assert wall.wall.columns == ["reference", "bows", "waves"]
    assert wall.wall.rows == ["std", "pro"]
    assert len(wall.wall.cells) == 6
    wall.close()


def test_results_of_two_clips_that_are_links_have_no_one_reference(ws: mw.Workspace) -> None:
    (ws.folder / "results" / "a.mp4").write_bytes(ws.samples().clip_6s.read_bytes())
    for number in (1, 2):
        row_in(ws, State.COLLECTED, result_path="results/a.mp4", video_url=f"https://a.example/{number}.mp4")
    wall = mw.CompareWall(ws, watch=False)
    assert "reference" not in wall.wall.columns
    wall.show_jobs([job.id for job in ws.jobs()][:1])
    until(lambda: wall.wall.columns[0] == "reference")
    [reference, _] = wall.wall.cells
    assert "path" not in reference
    assert reference["state"]
    assert reference["message"]
    wall.close()


def test_a_run_that_this_log_does_not_have_leaves_the_wall_as_it_is(ws: mw.Workspace, run: Run) -> None:
    wall = mw.CompareWall(ws, run=run, watch=False)
    before = list(wall.wall.columns)
    with pytest.raises(mw.LogError, match="There is no run-of-somebody-else in the log"):
        wall.show_run("run-of-somebody-else")
    assert wall.choice.value == run.id
    wall.redraw()
    assert wall.wall.columns == before
    wall.close()
