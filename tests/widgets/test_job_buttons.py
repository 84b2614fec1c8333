"""The buttons of a job do what they say: each is clicked once, and the log shows what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from motion_widgets.core.money import format_price
from motion_widgets.log.states import State
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.job_line import JobActions
from tests.widgets.conftest import until
from tests.widgets.test_panels import request_of, row_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    import ipywidgets as w

    from motion_widgets.widgets.job_line import JobLine


@pytest.fixture
def monitor(ws: mw.Workspace) -> Iterator[mw.JobMonitor]:
    made = mw.JobMonitor(ws, watch=False)
    yield made
    made.close()


def line_of(monitor: mw.JobMonitor, job_id: str) -> JobLine:
    monitor.refresh()
    return next(one for one in monitor._rows if one._row is not None and one._row.id == job_id)


def button(monitor: mw.JobMonitor, job_id: str, words: str) -> w.Button:
    """Return the button of a job that begins so."""
    buttons = [one for one in line_of(monitor, job_id)._actions.buttons if ui.is_shown(one)]
    [found] = [one for one in buttons if one.description.startswith(words)]
    return found


def fails(ws: mw.Workspace, **fault: object) -> None:
    ws.connection.sandbox.faults = {"fault": [fault]}


def test_what_is_planned_is_sent_at_the_price_that_its_button_names(
    ws: mw.Workspace, monitor: mw.JobMonitor
) -> None:
    cells = [{"prompt": "bows"}, {"prompt": "waves"}]
    run = mw.Sweep.listed(request_of(ws), cells).plan(ws).run(budget=0.50)  # which pays for one
    run.wait(60)
    [waiting] = [row for row in run.rows() if row.state == State.PLANNED]
    sends = button(monitor, waiting.id, "Continue")
    assert sends.description == f"Continue ({format_price(ws.submission.price(waiting).high)})"
    ws.log_store.budgets.set(run.id, None)
    sends.click()
    until(lambda: ws.attach(waiting.id).state == "collected")
    assert run.counts() == {"collected": 2}


def test_a_job_of_unknown_outcome_is_sent_again_with_the_same_key(
    ws: mw.Workspace, monitor: mw.JobMonitor
) -> None:
    fails(ws, on="submit", kind="status", code=502, accepted=True)
    job = ws.submit(request_of(ws)).wait(60)
    assert job.state == "unknown"
    ws.connection.sandbox.faults = None
    button(monitor, job.id, "Send again").click()
    until(lambda: job.state == "collected")
    assert len(ws.connection.sandbox.charges) == 1, "its key kept it from being paid for twice"


def test_a_failed_job_is_retried_once_and_then_leads_to_its_next_attempt(
    ws: mw.Workspace, monitor: mw.JobMonitor
) -> None:
    fails(ws, on="status", kind="failed", reason="other")
    job = ws.submit(request_of(ws)).wait(60)
    assert job.state == "failed"
    button(monitor, job.id, "Retry").click()
    until(lambda: len(ws.log) == 2)
    [new] = [one for one in ws.jobs() if one.id != job.id]
    assert new.wait(60).state == "collected"
    assert not [one for one in line_of(monitor, job.id)._actions.buttons if ui.is_shown(one)]
    assert new.id in line_of(monitor, job.id)._text.value


def test_a_result_whose_link_was_dead_is_asked_for_again(ws: mw.Workspace, monitor: mw.JobMonitor) -> None:
    done = ws.submit(request_of(ws)).wait(60)
    task_id = done.row.task_id
    ws.log_store.transitions.record(done.id, task_id=None)
    job_id = row_in(ws, State.EXPIRED, task_id=task_id)  # as if it had been here for too long
    button(monitor, job_id, "Ask the endpoint again").click()
    until(lambda: mw.Job(ws, job_id).state == "collected")
    assert mw.Job(ws, job_id).result is not None
    assert len(ws.connection.sandbox.charges) == 1


def test_a_result_is_shown_or_where_nothing_shows_it_its_path_is_named(
    ws: mw.Workspace, monitor: mw.JobMonitor
) -> None:
    job = ws.submit(request_of(ws)).wait(60)
    button(monitor, job.id, "Show").click()
    until(lambda: str(job.result) in monitor.notice.value)
    shown: list[mw.Job] = []
    other = mw.JobMonitor(ws, on_show=shown.append, watch=False)
    button(other, job.id, "Show").click()
    until(lambda: [one.id for one in shown] == [job.id])
    other.close()


def test_whoever_made_the_buttons_hears_what_goes_on_after_a_click(
    ws: mw.Workspace, monitor: mw.JobMonitor
) -> None:
    started: list[str] = []
    actions = JobActions(monitor, on_started=lambda job: started.append(job.id))
    doubtful = row_in(ws, State.UNKNOWN)
    actions.act("write_off", doubtful)
    until(lambda: started == [doubtful])
    assert ws.attach(doubtful).state == "written_off"
    actions.act("write_off", doubtful)  # as a second click would
    until(lambda: "written_off" in monitor.notice.value)
    assert started == [doubtful]


def test_a_task_id_that_was_typed_for_one_job_is_not_there_for_the_next(
    ws: mw.Workspace, monitor: mw.JobMonitor
) -> None:
    first, second = row_in(ws, State.UNKNOWN), row_in(ws, State.UNKNOWN)
    line = line_of(monitor, second)
    line._task.value = "task_of_the_second"
    line.draw(monitor.actions.drawing(ws.log_store.jobs.get(second)))
    assert line._task.value == "task_of_the_second"
    line.draw(monitor.actions.drawing(ws.log_store.jobs.get(first)))
    assert line._task.value == ""
    line.draw(None)
    assert not ui.is_shown(line)


def test_a_live_job_is_not_marked_as_the_sandbox_s(ws: mw.Workspace, monitor: mw.JobMonitor) -> None:
    live = row_in(ws, State.FAILED, endpoint="https://api.apimart.ai", account="me", sandbox=False)
    here = row_in(ws, State.FAILED)
    said = {}
    for job_id in (live, here):
        line = monitor.actions.line()
        line.draw(monitor.actions.drawing(ws.log_store.jobs.get(job_id)))
        said[job_id] = line._text.value
    assert "SANDBOX" not in said[live]
    assert "SANDBOX" in said[here]


def test_a_task_that_cannot_be_asked_about_says_since_when(ws: mw.Workspace, monitor: mw.JobMonitor) -> None:
    fails(ws, on="status", kind="status", code=503, times=0)
    job = ws.submit(request_of(ws))
    until(lambda: job.row.state in ("submitted", "running") and job.row.error_kind)
    actions = JobActions(monitor)
    assert actions.silent_since(job.row) is not None
    assert "has not responded since" in line_of(monitor, job.id)._text.value
    ws.connection.sandbox.faults = None
    assert job.wait(60).state == "collected"
    assert actions.silent_since(job.row) is None
