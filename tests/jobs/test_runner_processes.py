# ruff: noqa: ARG002
"""Kills, restarts, and several processes on one folder: never a second POST, never a lost result."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from motion_widgets import LogError
from motion_widgets.jobs.runner import Runner
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.schema import budgets
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from tests.jobs.endpoint import SERVER, Process, refusal, results_in, until

MAX = 0.50
ROOT = Path(__file__).parents[2]


@pytest.fixture
def process(tmp_path, endpoint, req, address):
    """Workers in processes of their own, on the folder and log of `spaces`: process(do=…) -> a context."""

    def make(**told):
        return Process(tmp_path / "ws", endpoint, req, log=address, **told)

    return make


def killed(process, point, **told):
    with process(die=point, **told) as run:
        assert run.code() == -9


@pytest.mark.parametrize("point", ["before intent", "after intent"])
def test_killed_before_anything_was_sent(process, spaces, endpoint, req, point):
    killed(process, point)
    assert endpoint.posts == []
    ws = spaces()
    job = ws.jobs()[0]
    until(lambda: job.state == "planned")
    until(lambda: ws.attach(job.id).resting)
    assert (job.row.reserved, endpoint.posts) == (0, []), "opening a folder spends nothing"
    assert ws.submit(req, max_cost=MAX).wait(30).id == job.id
    assert (job.state, len(endpoint.posts)) == ("collected", 1)


@pytest.mark.parametrize("point", ["after seal", "answer"])
def test_killed_when_it_may_have_been_sent(process, spaces, endpoint, req, *, point):
    killed(process, point)
    sent = len(endpoint.posts)
    ws = spaces()
    job = ws.jobs()[0].wait(30)
    assert (job.state, len(endpoint.posts)) == ("unknown", sent)
    assert "died" in job.error
    assert "Money may have been spent" in job.error
    assert ws.submit(req, max_cost=MAX).id == job.id
    assert len(endpoint.posts) == sent
    assert job.resend().wait(30).state == "collected"
    assert len(endpoint.charges) == 1
    assert len({(post.key, post.body) for post in endpoint.posts}) == 1


@pytest.mark.parametrize("point", ["after answer", "polls", "completed", "download", "before collected"])
def test_killed_once_the_task_id_was_known(process, spaces, endpoint, req, point):
    if point == "polls":
        endpoint.next_poll.extend([endpoint.working()] * 3)
    killed(process, point)
    job = spaces().jobs()[0].wait(30)
    assert (job.state, len(endpoint.posts)) == ("collected", 1)
    assert job.result.read_bytes() == endpoint.clip
    assert results_in(job.result.parents[1]) == [job.result]


def test_killed_while_the_post_was_under_way(process, spaces, endpoint, req):
    endpoint.next_post.append("charge hang")
    with process() as run:
        until(lambda: endpoint.posts)
        run.kill()
    job = spaces().jobs()[0].wait(30)
    assert (job.state, len(endpoint.posts), len(endpoint.charges)) == ("unknown", 1, 1)


def test_resend_that_is_killed_stays_unknown(tmp_path, spaces, endpoint, req):
    ws = spaces()
    endpoint.next_post.append("reset")
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert ws.log_store.transitions.intend(job.id, 1, owner="dead", seconds=-1, resend=True)
    until(lambda: job.state == "unknown")
    assert len(endpoint.posts) == 1


def test_the_other_process_watches_and_takes_over_when_the_driver_dies(process, spaces, endpoint, req):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    with process(lease=4.0) as run:  # a busy machine stops a process for a second now and then
        until(lambda: endpoint.polls)
        ws = spaces()
        job = ws.submit(req, max_cost=MAX)
        seen = job.row
        until(lambda: job.row.lease_until > seen.lease_until + timing.BEAT * 5e6)
        assert job.row.lease_owner == seen.lease_owner, "a living driver keeps its job"
        assert not job.resting
        run.kill()
    until(lambda: job.row.lease_owner == ws.connection.runner.owner)
    endpoint.next_poll.clear()
    assert job.wait(30).state == "collected"
    assert len(endpoint.posts) == 1


def test_four_processes_submit_the_same_at_once(process, endpoint, req):
    gate = SERVER.Event()
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(process(gate=gate, lease=5.0)) for _ in range(4)]
        assert [run.hear() for run in runs] == ["ready"] * 4
        gate.set()
        told = [(run.hear(), run.hear()) for run in runs]
    assert len({job_id for job_id, _ in told}) == 1
    assert {state for _, state in told} == {"collected"}
    assert (len(endpoint.posts), len(endpoint.charges)) == (1, 1)


def test_leaving_the_interpreter_waits_for_the_answer_of_a_post(tmp_path, spaces, endpoint, req, address):
    endpoint.next_post.append(lambda _: endpoint.let_go.wait(20) and None)
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    told = {"folder": str(tmp_path / "ws"), "log": address, "url": endpoint.url}
    told |= {"request": dataclasses.asdict(req), "do": "submit and leave"}
    command = [sys.executable, "-m", "tests.jobs.worker", json.dumps(told)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert [run.stdout.readline() for _ in range(2)] == ["ready\n", "leaving\n"]
        until(lambda: endpoint.posts)
        time.sleep(0.2)  # who did not wait would be gone by then
        endpoint.let_go.set()
        assert "at the endpoint. Return to" in run.stdout.read()
    assert run.returncode == 0
    endpoint.next_poll.clear()
    job = spaces().jobs()[0]
    assert job.task_id == "task_0001"
    assert (job.wait(30).state, len(endpoint.posts)) == ("collected", 1)


def test_attaching_in_a_fresh_process(process, spaces, endpoint, req):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    ws = spaces()
    job = ws.submit(req, max_cost=MAX)
    until(lambda: endpoint.polls)
    ws.close()
    endpoint.next_poll.clear()
    with process(do="attach", id=job.id) as run:
        assert (run.hear(), run.hear()) == ("ready", "collected")
    assert len(endpoint.posts) == 1


def test_writer_that_falls_asleep_in_its_turn_holds_the_others_up_for_a_while_only(postgres, monkeypatch):
    """A laptop is closed in the middle of a write: the server ends its turn, and nothing of it is kept."""
    # Half of it is how long a turn may idle; a busy machine stops this process for a second now and then.
    monkeypatch.setattr("motion_widgets.log.engine.BUSY_SECONDS", 8)
    address = postgres()
    with contextlib.closing(Log(address)) as asleep, contextlib.closing(Log(address)) as awake:
        awake.budgets.set("b", 5)
        with pytest.raises(LogError), asleep.database.write() as turn:  # noqa: PT012 - the turn's end raises
            turn.execute(update(budgets).values(limit_micro=9))
            awake.budgets.set("b", 7)
        assert awake.budgets.get("b") == (7, 0)
        asleep.budgets.set("b", 8)
        assert awake.budgets.get("b") == (8, 0), "it goes on when it wakes"


class TestSlowDriver:
    """A lease that ran out while its process was merely slow: the old driver must not send."""

    @pytest.fixture
    def silent(self, monkeypatch):
        """Runners that renew no lease and adopt nothing."""

        async def beating(_):
            return

        monkeypatch.setattr(Runner, "_beat", beating)

    def test_taken_over_between_intent_and_post(self, silent, spaces, req, endpoint):
        """Publishing took so long that another process took the job over and sent it."""
        self.take_over("seal", spaces(), spaces, req, endpoint)

    @staticmethod
    def take_over(step, ws, spaces, req, endpoint):
        """Let another process take a job over while its first driver hangs in a step."""
        log, held, slow = ws.log_store, threading.Event(), threading.Event()
        real = getattr(log.transitions, step)

        def hang(*a, **options):
            held.set()
            slow.wait(20)
            return real(*a, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log.transitions, step, hang)
            job = ws.submit(req, max_cost=MAX)
            assert held.wait(20)
        log.transitions.record(job.id, lease_until=0)
        with spaces() as other:
            assert other.submit(req, max_cost=MAX).wait(30).state == "collected"
        slow.set()
        until(lambda: not ws.connection.runner.drives(job.id))
        assert (len(endpoint.posts), job.state) == (1, "collected")

    def test_put_back_by_the_slow_driver_does_not_touch_the_new_ones_post(self, silent, ws, req, endpoint):
        """The old driver's 429 comes while the new driver's resend is under way."""
        endpoint.next_post.append(
            lambda _: endpoint.let_go.wait(20) and refusal(429, "rate_limit_error", Retry_After="0")
        )
        job = ws.submit(req, max_cost=MAX)
        until(lambda: endpoint.posts)
        log = ws.log_store
        log.transitions.record(job.id, lease_until=0)
        assert log.leases.claim_all([job.id], "new")
        assert log.transitions.move(job.id, State.UNKNOWN, owner="new")
        assert log.transitions.intend(job.id, 1, owner="new", resend=True, seconds=600)
        assert log.transitions.seal(job.id, job.row.body, owner="new", seconds=600)
        endpoint.let_go.set()
        until(lambda: any("slow" in (event.note or "") for event in log.jobs.events(job.id)))
        until(lambda: not ws.connection.runner.drives(job.id))
        assert (job.state, len(endpoint.posts)) == ("submitting", 1)

    def test_taken_over_before_the_intent(self, silent, spaces, req, endpoint):
        self.take_over("intend", spaces(), spaces, req, endpoint)

    def test_intent_needs_the_lease(self, ws, req):
        row, _ = ws.log_store.jobs.add(ws.preparation.plan_job(req))
        assert ws.log_store.leases.claim_all([row.id], "other")
        assert not ws.log_store.transitions.intend(row.id, 1, owner="me")
        assert ws.log_store.jobs.get(row.id).state == "planned"

    def test_seal_needs_the_lease_and_the_same_body(self, ws, req):
        log = ws.log_store
        row, _ = log.jobs.add(ws.preparation.plan_job(req))
        assert log.transitions.intend(row.id, 1, owner="me")
        assert not log.transitions.seal(row.id, "{}", owner="other")
        assert log.transitions.seal(row.id, "{}", owner="me")
        assert not log.transitions.seal(row.id, "{ }", owner="me")
        assert log.jobs.get(row.id).body == "{}"


class TestOneProcess:
    @staticmethod
    def answer_while_closing(ws, endpoint):
        """Let the answer to the POST come once the workspace is closing, and a moment later."""
        closing = ws.connection.runner.context.closing

        def let_go():
            closing.wait(30)
            time.sleep(0.1)
            endpoint.let_go.set()

        threading.Thread(target=let_go).start()

    def test_two_workspaces_on_one_folder_send_once(self, spaces, req, endpoint):
        endpoint.next_poll.extend([endpoint.working()] * 100_000)
        first, second = spaces(), spaces()
        job, same = first.submit(req, max_cost=MAX), second.submit(req, max_cost=MAX)
        assert job.id == same.id
        until(lambda: endpoint.polls)
        first.close()
        endpoint.next_poll.clear()
        assert same.wait(30).state == "collected"
        assert len(endpoint.posts) == 1

    def test_planned_job_moves_to_the_other_workspace_that_asked_for_it(self, spaces, req, endpoint):
        endpoint.next_post.append(refusal(429, "rate_limit_error", Retry_After="60"))
        first, second = spaces(), spaces()
        job = first.submit(req, max_cost=MAX)
        until(lambda: job.row.error_kind == "rate")
        same = second.submit(req, max_cost=MAX)
        first.close()
        assert same.wait(30).state == "collected"
        assert len(endpoint.charges) == 1

    def test_closing_while_a_post_is_under_way_keeps_its_answer(self, spaces, req, endpoint):
        endpoint.next_post.append(lambda _: endpoint.let_go.wait(20) and None)
        ws = spaces()
        job = ws.submit(req, max_cost=MAX)
        until(lambda: endpoint.posts)
        self.answer_while_closing(ws, endpoint)
        ws.close()
        assert (job.state, job.task_id) == ("submitted", "task_0001")
        assert job.resting, "nobody follows it here"
        assert spaces().attach(job.id).wait(30).state == "collected"
        assert len(endpoint.posts) == 1

    def test_closing_does_not_wait_for_ever(self, spaces, req, endpoint, monkeypatch):
        monkeypatch.setattr(timing, "PARTING", 0.2)
        endpoint.next_post.append(lambda _: endpoint.let_go.wait(20) and None)
        ws = spaces()
        job = ws.submit(req, max_cost=MAX)
        until(lambda: endpoint.posts)
        ws.close()
        assert job.state == "submitting"
        endpoint.let_go.set()
        until(lambda: job.state == "submitted")

    def test_an_interrupted_block_sends_nothing_that_was_not_on_its_way(
        self, spaces, req, endpoint, monkeypatch
    ):
        monkeypatch.setattr(timing, "CALLS", 1)
        endpoint.next_post.append(lambda _: endpoint.let_go.wait(20) and None)
        ws = spaces()
        jobs = [ws.submit(req.replace(prompt=one), max_cost=MAX) for one in "abc"]
        until(lambda: endpoint.posts)
        self.answer_while_closing(ws, endpoint)
        with pytest.raises(KeyboardInterrupt), ws:
            raise KeyboardInterrupt
        assert sorted(job.state for job in jobs) == ["planned", "planned", "submitted"]
        assert len(endpoint.posts) == 1
        assert sum(job.row.reserved for job in jobs) == jobs[0].row.estimate_high

    def test_closed_workspace_drives_nothing_more(self, spaces, req, endpoint):
        from motion_widgets import RequestError

        ws = spaces()
        endpoint.next_post.append(refusal(400))
        job = ws.submit(req, max_cost=MAX).wait(30)
        ws.close()
        for act in (job.retry, lambda: ws.submit(req, max_cost=MAX), lambda: ws.connection.runner):
            with pytest.raises(RequestError):
                act()
        assert job.state == "rejected"
        assert job.wait(1).id == job.id
        assert len(endpoint.posts) == 1

    def test_switching_away_and_back_goes_on(self, spaces, req, endpoint, monkeypatch):
        endpoint.next_poll.extend([endpoint.working()] * 100_000)
        ws = spaces()
        job = ws.submit(req, max_cost=MAX)
        until(lambda: endpoint.polls)
        ws.switch("sandbox", remember=False)
        assert job.wait(1).state in ("submitted", "running"), "nobody follows it, and waiting says so"
        endpoint.next_poll.clear()
        ws.switch(endpoint.url, key="test-key", remember=False)
        assert ws.attach(job.id).wait(30).state == "collected"


def test_many_jobs_at_once_with_resets_charge_each_once(ws, req, endpoint):
    for number in range(24):
        endpoint.next_post.append(
            "charge reset" if number % 5 == 0 else refusal(429, Retry_After="0") if number % 7 == 0 else None
        )
    endpoint.honours_keys = False
    jobs = [ws.submit(req.replace(prompt=str(number)), max_cost=MAX) for number in range(24)]
    for job in jobs:
        job.wait(60)
    states = [job.state for job in jobs]
    assert set(states) == {"collected", "unknown"}
    assert len(endpoint.charges) == 24
    assert len(set(endpoint.charges.values())) == 24
