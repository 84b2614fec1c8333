# ruff: noqa: E501
"""Following a task to its end, whatever the endpoint answers meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque

import pytest

from motion_widgets import JobMonitor, MotionTimeout, RequestError
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.states import State
from motion_widgets.log.transitions import event_words
from tests.jobs.conftest import OVER
from tests.jobs.endpoint import COST, Say, refusal, until

MAX = 0.50
DAY = 86400.0
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


def test_completed_without_a_link_vanishes_once_a_result_would_have_expired(ws, req, endpoint):
    endpoint.next_poll.extend([endpoint.completed(result={"videos": []})] * 10_000)
    job = ws.submit(req, max_cost=MAX)
    until(lambda: len(endpoint.polls) > 3 * timing.GONE)
    assert job.state in ("submitted", "running")
    endpoint.clock_ahead = 2 * DAY
    assert (job.wait(30).state, job.cost) == ("vanished", COST)
    assert "no link" in job.error


def test_link_that_comes_late_is_used(ws, req, endpoint):
    endpoint.next_poll.extend([endpoint.completed(result={})] * 2)
    assert ws.submit(req, max_cost=MAX).wait(30).state == "collected"


def test_task_that_is_unknown_for_a_while_is_followed(ws, req, endpoint):
    endpoint.next_poll.extend([refusal(404)] * 20 + [endpoint.working()] + [refusal(404)] * 20)
    job = ws.submit(req, max_cost=MAX)
    assert (job.wait(30).state, job.error) == ("collected", None)


def test_unknown_task_is_shown_and_asked_for_ever_more_slowly(ws, req, endpoint):
    endpoint.next_poll.extend([refusal(404, message="no such task")] * 10_000)
    job = ws.submit(req, max_cost=MAX)
    until(lambda: "no such task" in (job.error or ""))
    assert job.state == "submitted"
    waits = [timing.missing_wait(times) for times in range(1, 1000)]
    assert waits == sorted(waits)
    assert waits[-1] <= timing.LONGEST
    endpoint.next_poll.clear()
    assert job.wait(30).state == "collected"


def test_task_that_is_unknown_after_the_life_of_a_result_vanishes(ws, req, endpoint, monkeypatch):
    monkeypatch.setattr(timing, "LIFE", OVER)
    endpoint.next_poll.extend([refusal(404)] * 100)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, len(endpoint.polls)) == ("vanished", timing.GONE)
    assert job.row.reserved > 0, "it may have been billed"
    endpoint.next_poll.clear()
    assert ws.submit(req).id == job.id, "no reason to pay again"
    assert ws.attach(job.id).wait(30).state == "collected", "a person's attach asks again"
    assert len(endpoint.posts) == 1


@pytest.mark.parametrize("clock", [(-7 * DAY, 0), (0, 7 * DAY)], ids=["behind, and put right", "put ahead"])
def test_a_clock_that_is_set_meanwhile_ends_no_task(ws, req, endpoint, set_clock, clock):
    """By what this machine's clock shows now, what was sent just now should have expired days ago."""
    endpoint.next_poll.extend([refusal(404)] * 10_000)
    set_clock(clock[0])
    job = ws.submit(req, max_cost=MAX)
    until(lambda: len(endpoint.polls) > timing.GONE)
    set_clock(clock[1])
    asked = len(endpoint.polls)
    until(lambda: len(endpoint.polls) > asked + 2 * timing.GONE)
    assert job.state in ("submitted", "running")
    endpoint.clock_ahead += 2 * DAY
    assert job.wait(30).state == "vanished", "now it is a day later there, too"


NOT_ITS_OWN = [
    Say(404, b"<html>proxy</html>", {"Content-Type": "text/html"}),
    Say(404, b"<!doctype html>", {}),
    Say(404, {"message": "no Route matched with those values"}),
    Say(404, {"timestamp": 1, "status": 404, "error": "Not Found", "path": "/v1"}),
    Say(410, b""),
]


@pytest.mark.parametrize("answer", NOT_ITS_OWN, ids=[str(number) for number in range(len(NOT_ITS_OWN))])
def test_somebody_elses_404_never_ends_a_task(ws, req, endpoint, monkeypatch, answer):
    monkeypatch.setattr(timing, "LIFE", OVER)
    endpoint.next_poll.extend([answer] * 30)
    assert ws.submit(req, max_cost=MAX).wait(30).state == "collected"


@pytest.mark.parametrize("end", ["vanished", "expired"])
def test_button_of_a_job_that_was_given_up_asks_again(ws, req, endpoint, monkeypatch, end):
    monkeypatch.setattr(timing, "LIFE", OVER)
    endpoint.expires_in = -5.0
    (endpoint.next_poll if end == "vanished" else endpoint.next_download).extend([refusal(404)] * 100)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert job.state == end
    for queue in (endpoint.next_poll, endpoint.next_download):
        queue.clear()
    monitor = JobMonitor(ws, watch=False)
    monitor.actions.act("attach", job.id)
    until(lambda: job.state == "collected")


def test_answer_about_another_task_is_not_believed(ws, req, endpoint):
    endpoint.next_poll.extend([lambda _: endpoint.completed("task_of_somebody_else")] * 5)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, len(endpoint.polls)) == ("collected", 6)
    assert "task_of" not in job.row.links


ENDS = [
    *[(word, "collected") for word in ("done", "Finished", "READY", "complete", "successful")],
    *[(word, "failed") for word in ("expired", "timeout", "timed_out", "rejected")],
    *[(word, "cancelled") for word in ("aborted", "canceled")],
]


@pytest.mark.parametrize(("word", "state"), ENDS)
def test_other_words_for_an_end(ws, req, endpoint, word, state):
    endpoint.next_poll.append(lambda task_id: endpoint.completed(task_id, status=word))
    assert ws.submit(req, max_cost=MAX).wait(30).state == state


def test_unknown_word_with_all_of_a_result_is_an_end(ws, req, endpoint):
    endpoint.next_poll.append(lambda task_id: endpoint.completed(task_id, status="delivered", progress=100))
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, job.row.server_word, len(endpoint.polls)) == ("collected", "delivered", 1)


class TestRefusedPolls:
    """A 401, 403 or redirect of one free poll does not stop the following of all."""

    PAGE = Say(403, b"<html>blocked</html>", {"Content-Type": "text/html"})

    @pytest.mark.parametrize("status", [401, 403, 307])
    def test_single_one_is_stray(self, ws, req, endpoint, status):
        endpoint.next_poll.append(refusal(status, Location="https://elsewhere.example/"))
        job = ws.submit(req, max_cost=MAX)
        assert (job.wait(30).state, job.error) == ("collected", None)

    @pytest.mark.parametrize("status", [401, 403])
    def test_account_that_is_refused_as_well_stops_all(self, ws, req, endpoint, status):
        endpoint.next_poll.extend([refusal(status)] * 100)
        endpoint.balance_says = refusal(status)
        job = ws.submit(req, max_cost=MAX).wait(30)
        assert ws.connection.runner.calls_stopped is not None
        assert (job.state, job.row.error_kind) == ("submitted", "auth")

    def test_three_jobs_in_a_row_stop_all(self, ws, req, endpoint):
        endpoint.next_poll.extend([refusal(403)] * 1000)
        for repeat in range(timing.REFUSED):
            ws.submit(req, max_cost=MAX, new=repeat > 0)
        until(lambda: ws.connection.runner.calls_stopped is not None)

    def test_page_never_stops_all(self, ws, req, endpoint):
        endpoint.next_poll.extend([self.PAGE] * 30)
        endpoint.balance_says = self.PAGE
        jobs = [ws.submit(req, max_cost=MAX, new=repeat > 0) for repeat in range(4)]
        assert [job.wait(30).state for job in jobs] == ["collected"] * 4


class TestAdopt:
    """A person found the task of a job of unknown outcome at the provider."""

    @pytest.fixture
    def job(self, ws, req, endpoint):
        endpoint.next_post.append("charge reset")
        job = ws.submit(req, max_cost=MAX).wait(30)
        assert job.state == "unknown"
        return job

    def test_task_is_followed(self, endpoint, job):
        assert job.adopt(" task_0001 ").wait(30).state == "collected"
        assert (job.task_id, job.cost, len(endpoint.posts)) == ("task_0001", COST, 1)

    def test_another_jobs_task_is_refused(self, ws, req, job):
        other = ws.submit(req, max_cost=MAX, new=True).wait(30)
        with pytest.raises(RequestError, match=other.id):
            job.adopt(other.task_id)
        assert job.state == "unknown"

    @pytest.mark.parametrize("task_id", ["", "two words", "x" * 201, None, 1.5, "a\nb"])
    def test_what_is_no_task_id_is_refused(self, job, task_id):
        with pytest.raises(RequestError, match="not a task id"):
            job.adopt(task_id)


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
    endpoint.balance_says = refusal(401)
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


def test_fifty_jobs_at_five_polls_a_second_are_all_followed(ws, req, endpoint):
    taken, answered, refused, lock = deque(), [], [], threading.Lock()

    def judge(task_id):
        with lock:
            now = time.monotonic()
            while taken and taken[0] <= now - 1:
                taken.popleft()
            if len(taken) >= 5:
                refused.append(task_id)
                return refusal(429, "rate_limit_error", "slow down", Retry_After="1")
            taken.append(now)
            answered.append(task_id)
            return endpoint.working()

    endpoint.next_poll.extend([judge] * 100_000)
    jobs = [ws.submit(req.replace(prompt=str(one)), max_cost=1) for one in range(50)]
    until(lambda: len(answered) >= 60, deadline=120)
    print(f"{len(answered)} answered, {len(refused)} refused")
    assert len(refused) <= len(answered) / 2
    endpoint.next_poll.clear()
    until(lambda: all(job.state == "collected" for job in jobs), deadline=120)
