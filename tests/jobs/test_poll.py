# ruff: noqa: E501
"""Following a task to its end, whatever the endpoint answers meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest

from motion_widgets import MotionTimeout
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.event_notes import event_words
from motion_widgets.log.states import State
from tests.jobs.endpoint import COST, Say, refusal, until

MAX = 0.50
FAR = 2**52
"""Unix microseconds of a moment that no test lives to see."""


def notes(ws, job):
    return " | ".join(event_words(event.note) for event in ws.log_store.jobs.events(job.id))


def test_failing_polls_keep_it_running(ws, req, endpoint):
    html = Say(200, b"<html>proxy</html>")
    endpoint.next_poll.extend(
        [endpoint.working(), refusal(500), refusal(502), html, "reset", "close", refusal(429, Retry_After="0")]
    )  # fmt: skip
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, job.error) == ("collected", None)
    assert len(endpoint.polls) == 8


def test_error_of_a_poll_is_shown_while_it_lasts(ws, req, endpoint):
    endpoint.next_poll.extend([refusal(500, message="overloaded")] * 10_000)
    job = ws.submit(req, max_cost=MAX)
    until(lambda: "overloaded" in (job.error or ""))
    assert job.state == "submitted"
    endpoint.next_poll.clear()
    assert job.wait(30).error is None


def test_status_backwards_and_unknown_words_are_still_working(ws, req, endpoint):
    words = ["processing", "queued", "polishing", "polishing", "submitted"]
    endpoint.next_poll.extend([endpoint.working(word, progress=80 - 10 * n) for n, word in enumerate(words)])
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert job.state == "collected"
    assert notes(ws, job).count("polishing") == 1
    states = [event.to_state for event in ws.log_store.jobs.events(job.id) if not event.note]
    assert states == ["planned", "submitting", "submitted", "running", "completed", "collected"]


def test_progress_never_goes_back(ws, req, endpoint):
    endpoint.next_poll.extend([endpoint.working(progress="45%"), *[endpoint.working(progress=0.1)] * 10_000])
    job = ws.submit(req, max_cost=MAX)
    until(lambda: len(endpoint.polls) > 5)
    assert job.row.progress == 45


def test_completed_without_a_link_vanishes_after_some_polls(ws, req, endpoint):
    endpoint.next_poll.extend([endpoint.completed(result={"videos": []})] * 50)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, job.cost, len(endpoint.polls)) == ("vanished", COST, timing.TRIES)
    assert "no link" in job.error


def test_link_that_comes_late_is_used(ws, req, endpoint):
    endpoint.next_poll.extend([endpoint.completed(result={})] * 2)
    assert ws.submit(req, max_cost=MAX).wait(30).state == "collected"


def test_task_that_is_unknown_for_a_while_is_followed(ws, req, endpoint):
    endpoint.next_poll.extend([refusal(404)] * (timing.GONE - 1) + [endpoint.working()] + [refusal(404)] * 3)
    assert ws.submit(req, max_cost=MAX).wait(30).state == "collected"


def test_task_that_stays_unknown_vanishes(ws, req, endpoint):
    endpoint.next_poll.extend([refusal(404)] * 100)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, len(endpoint.polls)) == ("vanished", timing.GONE)
    assert job.row.reserved > 0, "it may have been billed"


def test_failed_gives_the_reason_and_the_money_back(ws, req, endpoint):
    endpoint.next_poll.append(endpoint.failed("code 1301: content policy"))
    ws.log_store.budgets.set("b", 1_000_000)
    row, _ = ws.log_store.jobs.add({**ws.preparation.plan_job(req), "budget_id": "b"})
    ws.connection.runner.drive(row.id)
    job = ws.attach(row.id)
    until(lambda: job.resting)
    assert (job.state, job.row.error_kind, job.error) == (
        "failed",
        "moderation",
        "code 1301: content policy",
    )
    assert ws.log_store.budgets.get("b")[1] == 0


def test_failed_with_a_bill_costs_the_bill(ws, req, endpoint):
    endpoint.next_poll.append(endpoint.failed(cost=0.1))
    assert ws.submit(req, max_cost=MAX).wait(30).cost == 0.1


def test_cancelled_without_a_bill_keeps_its_money_reserved(ws, req, endpoint):
    endpoint.next_poll.append(endpoint.working("cancelled"))
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert job.state == "cancelled"
    assert job.row.reserved > 0, "nothing says that cancelled tasks are refunded"


def test_cost_above_the_estimate_is_the_truth(ws, req, endpoint):
    endpoint.next_poll.append(lambda task_id: endpoint.completed(task_id, cost=9.5))
    ws.log_store.budgets.set("b", 1_000_000)
    row, _ = ws.log_store.jobs.add({**ws.preparation.plan_job(req), "budget_id": "b"})
    ws.connection.runner.drive(row.id)
    job = ws.attach(row.id)
    until(lambda: job.state == "collected")
    assert (job.cost, ws.log_store.budgets.get("b")) == (9.5, (1_000_000, 9_500_000))


def test_completed_then_failed_the_first_end_wins(ws, req, endpoint):
    endpoint.next_poll.extend([None, endpoint.failed("changed its mind")])
    endpoint.next_download.append(refusal(500))
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert job.state == "collected"
    assert "the first end is kept" in notes(ws, job)


def test_completed_without_a_bill_keeps_its_estimate_reserved(ws, req, endpoint):
    endpoint.next_poll.append(lambda task_id: endpoint.completed(task_id, cost=None))
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, job.cost, job.row.reserved) == ("collected", None, 228_480)


class TestNoLongerOurs:
    """What is said of a job that somebody else decided on while its task was asked for is not written."""

    def said(self, endpoint, word):
        return {
            "working": endpoint.working(progress=40),
            "unknown word": endpoint.working("polishing"),
            "completed": endpoint.completed("task_0001"),
            "no link": endpoint.completed(result={}),
            "failed": endpoint.failed(),
            "failed with a bill": endpoint.failed(cost=0.1),
            "404": refusal(404),
            "500": refusal(500),
        }[word]

    def asked(self, ws, req, endpoint, then, said):
        """Follow a job until it is given up; give what stood in the log when the task answered, and now."""
        seen = []

        def answer(_):
            job = ws.jobs()[0]
            then(job)
            seen.append((job.row, ws.log_store.jobs.events(job.id)))
            return said

        endpoint.next_poll.append(answer)
        job = ws.submit(req, max_cost=MAX)
        until(lambda: seen and not ws.connection.runner.drives(job.id))
        assert len(endpoint.polls) == 1
        return seen[0], (job.row, ws.log_store.jobs.events(job.id))

    @pytest.mark.parametrize(
        "word",
        ["working", "unknown word", "completed", "no link", "failed", "failed with a bill", "404", "500"],
    )
    def test_taken_over_between_poll_and_write(self, ws, req, endpoint, word):
        def then(job):
            ws.log_store.transitions.record(job.id, lease_owner="other", lease_until=FAR)

        before, after = self.asked(ws, req, endpoint, then, self.said(endpoint, word))
        assert before == after
        assert after[0].lease_owner == "other"

    @pytest.mark.parametrize("word", ["working", "completed", "failed", "404"])
    def test_ended_between_poll_and_write(self, ws, req, endpoint, word):
        def then(job):
            ws.log_store.transitions.move(job.id, State.CANCELLED)

        before, after = self.asked(ws, req, endpoint, then, self.said(endpoint, word))
        assert before == after

    def test_taken_over_while_the_balance_was_asked_for(self, ws, req, endpoint):
        """A failed task's refund is looked for at the endpoint, so there are two calls of the log."""
        taken = []

        def balance():
            if endpoint.polls and not taken:
                taken.append(ws.jobs()[0].id)
                ws.log_store.transitions.record(taken[0], lease_owner="other", lease_until=FAR)

        endpoint.balance_says = balance
        endpoint.next_poll.append(endpoint.failed())
        job = ws.submit(req, max_cost=MAX)
        until(lambda: taken and not ws.connection.runner.drives(job.id))
        assert (job.state, job.row.lease_owner) == ("submitted", "other")


def test_halted_job_says_why_and_is_followed_again_when_a_person_acts(ws, req, endpoint):
    endpoint.next_poll.append(refusal(401, message="bad key"))
    job = ws.submit(req, max_cost=MAX)
    until(lambda: not ws.connection.runner.drives(job.id))
    assert (job.state, len(endpoint.polls)) == ("submitted", 1)
    assert "bad key" in job.error
    job = ws.attach(job.id).wait(30)
    assert (job.state, job.error) == ("collected", None)


class TestWaiting:
    def test_timeout_leaves_the_job_alive(self, ws, req, endpoint):
        endpoint.next_poll.extend([endpoint.working()] * 10_000)
        job = ws.submit(req, max_cost=MAX)
        with pytest.raises(MotionTimeout, match=job.id):
            job.wait(0.1)
        endpoint.next_poll.clear()
        assert job.wait(30).state == "collected"

    def test_awaiting(self, ws, req):
        async def cell():
            return await ws.submit(req, max_cost=MAX)

        assert asyncio.run(asyncio.wait_for(cell(), 30)).state == "collected"

    def test_interrupt_prints_how_to_attach_and_raises(self, ws, req, endpoint, monkeypatch, capsys):
        endpoint.next_poll.extend([endpoint.working()] * 10_000)
        job = ws.submit(req, max_cost=MAX)

        def interrupt(_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(time, "sleep", interrupt)
            with pytest.raises(KeyboardInterrupt):
                job.wait()
        assert f'ws.attach("{job.id}")' in capsys.readouterr().out
        endpoint.next_poll.clear()
        assert ws.attach(job.id).wait(30).state == "collected"

    def test_interrupted_await_prints_it_too(self, ws, req, endpoint, capsys):
        endpoint.next_poll.extend([endpoint.working()] * 10_000)
        job = ws.submit(req, max_cost=MAX)

        async def cell():
            await asyncio.wait_for(job, 0.1)

        with pytest.raises(TimeoutError):
            asyncio.run(cell())
        assert f'ws.attach("{job.id}")' in capsys.readouterr().out
