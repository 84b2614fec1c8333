"""What one panel of the Studio hands to another: a request, a job or a run, and the tab that opens for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.core.messages import speak
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.studio import COMPARE, CREATE, LOG, STUDY, SWEEP
from tests.widgets.conftest import until
from tests.widgets.test_panels import request_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def studio(ws: mw.Workspace) -> Iterator[mw.Studio]:
    made = mw.Studio(ws, tab="create")
    yield made
    made.close()


def tab_is(studio: mw.Studio, wanted: int) -> None:
    until(lambda: studio.tabs.selected_index == wanted)


def walled(studio: mw.Studio) -> set[str]:
    """Return the jobs whose results are on the wall."""
    return {str(cell["id"]) for cell in studio.compare.wall.cells if cell.get("id")} & set(
        studio.ws.log.frame()["id"]
    )


def act(studio: mw.Studio, what: str, **more: Any) -> None:
    """Press a button of the log's table, as its page does."""
    studio.table._message({"type": "act", "what": what, **more})


@pytest.mark.parametrize("tab", ["jobs", "Create", "", 3])
def test_a_tab_that_there_is_not_is_said_with_those_there_are(ws: mw.Workspace, tab: object) -> None:
    with pytest.raises(mw.RequestError, match="create, sweep, compare, study, log"):
        mw.Studio(ws, tab=tab)  # type: ignore[arg-type]


def test_going_live_is_shown_and_put_away_by_one_button(studio: mw.Studio) -> None:
    assert not ui.is_shown(studio.golive)
    studio._golive_button.click()
    until(lambda: ui.is_shown(studio.golive))
    studio._golive_button.click()
    until(lambda: not ui.is_shown(studio.golive))
    assert studio.ws.endpoint == "sandbox"


def test_the_forms_request_is_swept_on_the_board(studio: mw.Studio) -> None:
    """The button below the form and a turn to the tab are the same: the board takes what the form has."""
    req = request_of(studio.ws, prompt="Waves twice")
    studio.form.load(req)
    (sweep,) = studio.form.card.children[-1].children
    sweep.click()
    tab_is(studio, SWEEP)
    until(lambda: studio.board._plan is not None and studio.board._plan.sweep.request.prompt == "Waves twice")


def test_jobs_of_the_log_go_to_the_wall_and_back_into_the_form(studio: mw.Studio) -> None:
    job = studio.ws.submit(request_of(studio.ws, prompt="Bows")).wait(60)
    studio.table.refresh()
    studio.tabs.selected_index = LOG
    studio.table.grid.chosen = [job.id]
    act(studio, "compare")
    tab_is(studio, COMPARE)
    until(lambda: walled(studio) == {job.id})

    act(studio, "load")
    tab_is(studio, CREATE)
    until(lambda: studio.form.request.prompt == "Bows")
    assert studio.form.request.key == job.row.key


def test_a_run_of_the_log_opens_on_the_board_and_on_the_wall(studio: mw.Studio) -> None:
    run = mw.Sweep(request_of(studio.ws), mode=["std", "pro"]).plan(studio.ws).run(budget=3.0).wait(60)
    act(studio, "board", run=run.id)
    tab_is(studio, SWEEP)
    until(lambda: studio.board.run is not None and studio.board.run.id == run.id)
    act(studio, "wall", run=run.id)
    tab_is(studio, COMPARE)
    until(lambda: walled(studio) == {job.id for job in run.jobs})


def test_a_result_of_the_board_is_compared_where_it_plays(studio: mw.Studio) -> None:
    run = mw.Sweep(request_of(studio.ws), mode=["std", "pro"]).plan(studio.ws).run(budget=3.0).wait(60)
    studio._compare_run(run)
    tab_is(studio, COMPARE)
    studio.tabs.selected_index = SWEEP
    studio._show(run.jobs[0])
    tab_is(studio, COMPARE)
    until(lambda: walled(studio) == {run.jobs[0].id})


def test_a_job_that_was_submitted_takes_the_stage(studio: mw.Studio) -> None:
    job = studio.ws.submit(request_of(studio.ws))
    studio._put_on_stage(job)
    until(lambda: studio.stage.job is not None and studio.stage.job.id == job.id)
    job.wait(60)


def test_all_of_the_history_is_the_log(studio: mw.Studio) -> None:
    studio.history._on_all()
    tab_is(studio, LOG)
    studio.tabs.selected_index = STUDY
    tab_is(studio, STUDY)


def test_the_browsers_language_is_spoken_where_nobody_chose_one(studio: mw.Studio) -> None:
    before = studio.form
    try:
        studio.form.load(request_of(studio.ws, prompt="stays"))
        studio.tabs.page_language = "xx"  # which nobody here speaks
        studio.tabs.page_language = "ja"
        until(lambda: studio.form is not before)
        assert studio.form.request.prompt == "stays"
        assert studio.tabs.titles[LOG] != "Log"
        assert before.closed
    finally:
        speak("en")


def test_a_language_that_a_person_chose_stays(ws: mw.Workspace) -> None:
    studio = mw.Studio(ws, tab="create", language="en")
    form = studio.form
    studio.tabs.page_language = "ja"
    studio._open(LOG)
    tab_is(studio, LOG)
    assert studio.form is form
    studio.close()
