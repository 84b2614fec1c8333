"""The compare wall without a browser: what is on it, what is said once, and the stars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from motion_widgets.log.states import State
from motion_widgets.widgets import controls as ui
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
    wall.refresh()
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
