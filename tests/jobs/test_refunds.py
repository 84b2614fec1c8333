"""The money of a task that failed without a bill: given back once the balance proves it, never before."""

from __future__ import annotations

import asyncio
import threading

import pytest

from motion_widgets import Sweep
from motion_widgets.endpoint import client as wire
from motion_widgets.jobs.refunds import RefundCheck
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.schema import jobs
from motion_widgets.log.transitions import event_words
from tests.jobs.endpoint import COST, Say, make_png, refusal, until

MAX = 0.50
HIGH = 228_480


@pytest.fixture(autouse=True)
def _own_looks(monkeypatch):
    """No look at the balance by the clock, unless a test asks for it; a busy machine may take its time."""
    monkeypatch.setattr(timing, "REVIEWS", ())
    monkeypatch.setattr(timing, "READING", 60.0)


def money(job):
    return job.row.cost, job.row.reserved


def notes(ws, job):
    return " | ".join(event_words(event.note) for event in ws.log_store.jobs.events(job.id))


def test_a_refund_that_the_balance_shows_frees_the_money(ws, req, endpoint):
    endpoint.next_poll.append(endpoint.failed())
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (money(job), job.state) == ((0, 0), "failed")
    assert "refunded" in notes(ws, job)


def test_a_silent_failure_that_was_charged_stays_reserved(ws, req, endpoint):
    endpoint.refunds = False
    endpoint.next_poll.append(endpoint.failed())
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert money(job) == (None, HIGH)
    assert "refund not confirmed" in notes(ws, job)


@pytest.mark.parametrize("shift", [5.0, -0.05], ids=["topped up", "somebody else spent"])
def test_a_balance_that_moved_otherwise_proves_nothing(ws, req, endpoint, shift):
    def fails(_):
        endpoint.balance += shift
        return endpoint.failed()

    endpoint.next_poll.append(fails)
    assert money(ws.submit(req, max_cost=MAX).wait(30)) == (None, HIGH)


def test_an_endpoint_without_a_balance_proves_nothing_and_delays_nothing(ws, req, endpoint, monkeypatch):
    endpoint.balance_says = refusal(503)
    endpoint.next_poll.append(endpoint.failed())
    assert money(ws.submit(req, max_cost=MAX).wait(30)) == (None, HIGH)
    assert len(endpoint.posts) == 1


def test_a_hanging_balance_does_not_keep_a_request_back(ws, req, endpoint, monkeypatch):
    monkeypatch.setattr(timing, "READING", 0.05)
    endpoint.balance_says = "hang"
    assert ws.submit(req, max_cost=MAX).wait(30).state == "collected"


def test_a_refund_that_comes_late_is_seen_by_a_later_look(ws, req, endpoint, monkeypatch):
    monkeypatch.setattr(timing, "REVIEWS", (0.02,) * 3000)
    endpoint.refunds = False
    endpoint.next_poll.append(endpoint.failed())
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert money(job) == (None, HIGH)
    endpoint.bills[job.task_id] = 0.0
    until(lambda: money(job) == (0, 0))
    assert "refunded" in notes(ws, job)


def test_a_log_that_takes_the_failure_late_ends_no_later_look(ws, req, endpoint, monkeypatch):
    """Another job's call of the log takes long; a look for the refund goes ahead of those that wait."""
    monkeypatch.setattr(timing, "REVIEWS", (0.02,) * 3000)
    real, db, calls = RefundCheck.is_refunded, ws.connection.runner.context.db, []

    async def is_refunded(self, row):
        proven, other = await real(self, row), threading.Event()
        calls.append(asyncio.create_task(db(other.wait, 30)))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.2, other.set)  # a look that comes too early waits by then
        return proven

    monkeypatch.setattr(RefundCheck, "is_refunded", is_refunded)
    endpoint.refunds = False
    endpoint.next_poll.append(endpoint.failed())
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert money(job) == (None, HIGH)
    endpoint.bills[job.task_id] = 0.0
    until(lambda: money(job) == (0, 0))


def test_in_a_sweep_it_is_decided_when_the_others_have_their_bills(ws, req, endpoint):
    """While others are under way the balance says nothing of one of them; the budget is whole at the end."""
    endpoint.next_poll.append(endpoint.failed())
    run = Sweep(req, prompt=["a", "b", "c", "d"]).plan(ws).run(budget=2).wait(60)
    assert run.counts() == {"failed": 1, "collected": 3}
    until(lambda: run.budget[1] == pytest.approx(3 * COST))


def test_it_is_decided_also_where_the_others_end_while_it_is_written_down(ws, req, endpoint, monkeypatch):
    """The last bill comes between the failed job's own look at the balance and its line in the log."""

    async def looks_too_early(self, row):
        while ws.log_store.jobs.count(jobs.c.state == "collected") < 3:
            await asyncio.sleep(0.01)
        return False

    monkeypatch.setattr(RefundCheck, "is_refunded", looks_too_early)
    endpoint.next_poll.append(endpoint.failed())
    run = Sweep(req, prompt=["a", "b", "c", "d"]).plan(ws).run(budget=2).wait(60)
    assert run.counts() == {"failed": 1, "collected": 3}
    until(lambda: run.budget[1] == pytest.approx(3 * COST))


def test_in_a_sweep_one_that_was_charged_is_never_believed_free(ws, req, endpoint):
    endpoint.refunds = False
    endpoint.next_poll.append(endpoint.failed())
    run = Sweep(req, prompt=["a", "b", "c", "d"]).plan(ws).run(budget=2).wait(60)
    assert run.counts() == {"failed": 1, "collected": 3}
    assert run.budget[1] == pytest.approx(3 * COST + HIGH / 1e6)


def test_a_bill_that_comes_while_the_balance_is_read_is_no_proof(ws, req, endpoint):
    """One job works on and a second one fails, both charged; two more are billed after what is read."""
    endpoint.refunds, others, worked = False, [], threading.Event()

    def answer(task_id):
        if task_id == "task_0001":
            return None if worked.is_set() else endpoint.working()
        return endpoint.failed() if task_id == "task_0002" else None

    def read_early():
        if len(endpoint.posts) == 2:
            others.extend(ws.submit(req.replace(prompt=one), max_cost=MAX) for one in "cd")
            until(lambda: all(one.row.cost is not None for one in others))

    endpoint.next_poll.extend([answer] * 100_000)
    first = ws.submit(req.replace(prompt="a"), max_cost=MAX)
    until(lambda: first.task_id)
    endpoint.balance_says = read_early
    failing = ws.submit(req.replace(prompt="b"), max_cost=MAX)
    until(lambda: len(others) == 2 and failing.state == "failed")
    assert money(failing) == (None, HIGH)
    worked.set()
    assert [one.wait(30).state for one in (first, *others)] == ["collected"] * 3
    assert money(failing) == (None, HIGH)


def test_a_baseline_during_which_something_was_sent_is_none(ws, req, endpoint, tmp_path, monkeypatch):
    """One job is uploading; the balance that is read for the next one knows of its charge already."""
    monkeypatch.setattr(timing, "READING_AGAIN", 0.0)
    real, uploading, sent = wire.EndpointClient.upload_image, threading.Event(), threading.Event()

    async def upload_image(self, path):
        uploading.set()
        await asyncio.to_thread(sent.wait, 60)
        return await real(self, path)

    def read_late():
        sent.set()
        until(lambda: endpoint.charges)
        left = endpoint.balance - sum(endpoint.bills.values())
        return Say(200, {"success": True, "remain_balance": left})

    monkeypatch.setattr(wire.EndpointClient, "upload_image", upload_image)
    image = tmp_path / "image.png"
    image.write_bytes(make_png("red"))
    ws.consent()
    endpoint.refunds = False
    endpoint.next_poll.extend(
        [lambda task: endpoint.failed() if task == "task_0002" else endpoint.working()] * 100_000
    )
    first = ws.submit(req.replace(image_url=image), max_cost=MAX)
    assert uploading.wait(30)
    endpoint.balance_says = read_late
    second = ws.submit(req.replace(prompt="b"), max_cost=MAX)
    until(lambda: first.task_id and second.state == "failed")
    endpoint.next_poll.clear()
    assert first.wait(30).cost == COST
    assert second.wait(30).task_id == "task_0002"
    until(lambda: not ws.connection.runner.drives(first.id, second.id))
    assert money(second) == (None, HIGH), "it was charged"


def test_a_fresh_process_does_not_guess(spaces, req, endpoint):
    """It has no reading from before the request, so only the bill can tell."""
    closed = threading.Event()  # a poll of the closed one may still come to its answer
    endpoint.next_poll.extend(
        [lambda _: endpoint.failed() if closed.is_set() else endpoint.working()] * 100_000
    )
    first = spaces()
    job = first.submit(req, max_cost=MAX)
    until(lambda: job.task_id)
    first.close()
    closed.set()
    found = spaces().attach(job.id).wait(30)
    assert (found.state, money(found)) == ("failed", (None, HIGH))


def test_402_says_how_much_is_missing(ws, req, endpoint):
    endpoint.balance = 0.10
    endpoint.next_post.append(refusal(402, message="top up"))
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, job.row.error_kind) == ("rejected", "account")
    assert "top up" in job.error
    assert "$0.10 is left: $0.13 is missing" in job.error


def test_402_although_the_balance_covers_it_says_so(ws, req, endpoint):
    endpoint.next_post.append(refusal(402))
    assert "which covers it" in ws.submit(req, max_cost=MAX).wait(30).error


def test_402_with_an_unknown_balance_says_so(ws, req, endpoint):
    endpoint.balance_says = refusal(500)
    endpoint.next_post.append(refusal(402))
    assert "how much is missing is not known" in ws.submit(req, max_cost=MAX).wait(30).error


def test_402_pauses_a_sweep_and_each_cell_says_what_is_missing(ws, req, endpoint, monkeypatch):
    monkeypatch.setattr(timing, "CALLS", 1)
    endpoint.balance = 0.10 + COST
    endpoint.next_post.extend([None, *[refusal(402)] * 20])
    run = Sweep(req, prompt=["a", "b", "c", "d"]).plan(ws).run(budget=2).wait(60)
    assert run.counts() == {"collected": 1, "rejected": 1, "planned": 2}
    rest = [row.error_message for row in run.rows() if row.state in ("planned", "rejected")]
    assert all("$0.13 is missing" in one for one in rest)
    endpoint.balance, endpoint.next_post = 10.0, type(endpoint.next_post)()
    assert run.retry("failed").wait(60).counts() == {"collected": 4}


@pytest.mark.parametrize(("cost", "flagged"), [(9.5, True), (0.01, True), (COST, False)])
def test_a_bill_outside_the_estimate_is_flagged_in_the_log(ws, req, endpoint, cost, flagged):
    endpoint.next_poll.append(lambda task_id: endpoint.completed(task_id, cost=cost))
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert ("outside its estimate" in notes(ws, job)) is flagged
    assert (list(ws.log.outside()["id"]) == [job.id]) is flagged


def test_since_when_the_endpoint_does_not_answer_is_in_the_log(ws, req, endpoint):
    endpoint.next_poll.extend([refusal(503), refusal(503), endpoint.working(), refusal(503)])
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, job.error) == ("collected", None)
    assert notes(ws, job).count("does not respond") == 2, "once for each time that it was away"
