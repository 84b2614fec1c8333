"""What the runner does when no job is left, and when something fails that nobody expects to."""

from __future__ import annotations

import shutil
import threading

import pytest

from motion_widgets import Sweep
from motion_widgets.core import logging as our_logging
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.jobs import collect, poll
from motion_widgets.jobs.runner import Runner
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.jobs import Jobs
from motion_widgets.log.leases import Leases
from motion_widgets.log.store import Log
from motion_widgets.log.transitions import Transitions
from tests.jobs.endpoint import until

MAX = 0.50


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing was logged yet."""
    monkeypatch.setattr(our_logging, "_seen", {})


def test_the_log_is_backed_up_once_nothing_is_at_work(ws, req, monkeypatch):
    monkeypatch.setattr(timing, "BACKUP_AFTER", 0.01)
    backup = ws.folder / "log.sqlite.backup"
    job = ws.submit(req, max_cost=MAX).wait(30)
    until(backup.exists)
    until(lambda: not list(ws.folder.glob("log.sqlite.backup*.part")))
    copy = Log(backup)
    assert copy.jobs.get(job.id).state == "collected"
    copy.close()
    made = backup.stat().st_mtime_ns
    runner = ws.connection.runner
    until(lambda: runner._resting is not None and runner._resting.done())
    first = runner._resting
    ws.submit(req.replace(prompt="another"), max_cost=MAX).wait(30)
    until(lambda: runner._resting not in (None, first) and runner._resting.done())
    copy = Log(shutil.copyfile(ws.folder / "log.sqlite", ws.folder / "alone.sqlite"))
    assert {row.state for row in copy.jobs.rows()} == {"collected"}
    assert copy.jobs.count() == 2, "what was written since is in the file itself"
    copy.close()
    assert backup.stat().st_mtime_ns == made, "one in ten minutes is enough"


def test_no_rest_outlives_the_runner(spaces, req, monkeypatch):
    """Each rest but the last went on after the close, and wrote into a folder that might be gone by then."""
    monkeypatch.setattr(timing, "BACKUP_AFTER", 600.0)
    ws, rests = spaces(), []
    runner = ws.connection.runner
    for prompt in "ab":
        ws.submit(req.replace(prompt=prompt), max_cost=MAX).wait(30)
        until(lambda: runner._resting not in (None, *rests))
        rests.append(runner._resting)
    ws.close()
    until(lambda: all(one.done() for one in rests))


def test_nobody_waits_for_what_a_paused_run_does_not_send(ws, req, monkeypatch):
    """Thousands of them took minutes to turn down one by one, and closing a notebook waited for that."""
    monkeypatch.setattr(timing, "PARTING", 600.0)

    async def rests(self, *job_ids):
        """As where each of them waits for its turn."""

    monkeypatch.setattr(Runner, "_begin", rests)
    run = Sweep(req, prompt=["a", "b"]).plan(ws).run(budget=2)
    leaving = threading.Thread(target=ws.connection.runner.finish_submits, daemon=True)
    leaving.start()
    assert ws.connection.runner.drives(*[row.id for row in run.rows()])
    assert leaving.is_alive(), "what is not paused is waited for"
    run.pause()
    until(lambda: not leaving.is_alive())


# What nobody expected.


@pytest.fixture
def failing(monkeypatch, caplog):
    """failing(owner, name, …) lets a function raise so many times what nobody expects; returns its calls."""

    def fail(owner, name, *, times=1, when=lambda *_, **__: True):
        real, failed = getattr(owner, name), []

        def call(*args, **options):
            if len(failed) < times and when(*args, **options):
                failed.append(args)
                raise KeyError("odd")
            return real(*args, **options)

        monkeypatch.setattr(owner, name, call)
        return failed

    fail.logged = lambda: tracebacks(caplog)
    return fail


def tracebacks(caplog):
    return [one for one in caplog.records if one.name.startswith("motion_widgets") and one.exc_info]


STAGES = [
    (Leases, "claim_all"), (Jobs, "task_times"), (Transitions, "intend"),
    (poll._Polls, "_record_progress"), (poll._Polls, "_record_completed"),
    (collect, "_write_down"), (collect, "_fetch"),
]  # fmt: skip


@pytest.mark.parametrize("stage", STAGES, ids=lambda one: one[1])
def test_an_error_in_any_stage_is_logged_and_the_job_goes_on(ws, req, endpoint, failing, stage):
    failed = failing(*stage)
    endpoint.next_poll.append(endpoint.working(progress=10))
    job = ws.submit(req, max_cost=MAX)
    until(lambda: failed and failing.logged())
    if stage[1] == "intend":  # nothing was sent: it rests, and says why
        until(lambda: job.row.error_kind == "internal")
        assert (job.state, len(endpoint.posts)) == ("planned", 0)
        assert "KeyError: 'odd'" in job.row.error_message
        ws.connection.runner.drive(job.id)
    assert job.wait(30).state == "collected"
    assert job.row.error_kind is None
    assert (len(endpoint.posts), len(endpoint.charges)) == (1, 1)


def test_a_job_whose_lease_could_not_be_given_back_goes_on(ws, req, endpoint, failing):
    """The log takes nothing while a poll is written down, nor the release: the lease lived on undriven."""
    endpoint.next_poll.append(endpoint.working(progress=10))
    failed = failing(poll._Polls, "_record_progress"), failing(Leases, "release")
    job = ws.submit(req, max_cost=MAX)
    until(lambda: all(failed))
    assert job.wait(30).state == "collected"
    assert len(endpoint.charges) == 1


def test_a_paid_tasks_id_is_kept_when_the_rest_of_the_answer_cannot_be(ws, req, endpoint, failing, caplog):
    failed = failing(Transitions, "move", when=lambda *_, **facts: "request_id" in facts)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert failed
    assert (job.state, job.task_id, len(endpoint.posts)) == ("collected", "task_0001", 1)
    assert "task_0001" in tracebacks(caplog)[0].getMessage()


def test_an_error_after_the_post_leaves_the_outcome_unknown_and_sends_nothing_again(
    ws, req, endpoint, monkeypatch, caplog
):
    real = EndpointClient.submit

    async def submit(*args, **options):
        await real(*args, **options)
        raise KeyError("odd")

    monkeypatch.setattr(EndpointClient, "submit", submit)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, job.row.reserved > 0) == ("unknown", True)
    assert len(tracebacks(caplog)) == 1
    until(lambda: not ws.connection.runner.drives(job.id))
    assert (len(endpoint.posts), len(endpoint.charges)) == (1, 1)


def test_leases_are_renewed_after_an_error_in_renewing_them(ws, req, failing, caplog):
    failed = failing(Leases, "renew", times=3)
    runner = ws.connection.runner
    until(lambda: len(failed) == 3)
    assert len(tracebacks(caplog)) == 1
    assert not any(one.done() for one in runner._work)
    assert ws.submit(req, max_cost=MAX).wait(30).state == "collected"
    assert not any(one.done() for one in runner._work)
