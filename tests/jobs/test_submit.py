# ruff: noqa: E501
"""What a submit does with every answer, and what it does to the money."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import sqlite3
import time
from collections import Counter

import pytest

from motion_widgets import BudgetError, LogError, RequestError, Sweep
from motion_widgets.endpoint import client as wire
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.engine import now_us
from motion_widgets.log.states import State
from tests import hostile
from tests.jobs.endpoint import COST, KEY, Say, make_png, refusal, until

MAX = 0.50
HIGH = 228_480  # 4 s of v2.6 std, in micro-dollars


def budget_job(ws, req, limit=1_000_000):
    """A planned job with a budget of its own."""
    ws.log_store.budgets.set("b", limit)
    row, _ = ws.log_store.jobs.add({**ws.preparation.plan_job(req), "budget_id": "b"})
    return row.id


def test_all_the_way_to_a_checked_result(ws, req, endpoint):
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, job.cost, job.task_id) == ("collected", COST, "task_0001")
    assert job.result.read_bytes() == endpoint.clip
    row = job.row
    assert row.result_path == f"results/{job.id}.mp4"
    assert row.result_size == len(endpoint.clip)
    assert row.reserved == 0
    assert (row.lease_owner, row.lease_until) == (None, None), "it ended with the job"
    assert [event.to_state for event in ws.log_store.jobs.events(job.id)][:3] == [
        "planned",
        "submitting",
        "submitted",
    ]
    assert endpoint.posts[0].authorization == f"Bearer {KEY}"
    assert not list((ws.folder / "results").rglob("*.part"))


def test_intent_body_and_reservation_are_committed_before_the_post(ws, req, endpoint):
    seen = []

    def look(post):
        with sqlite3.connect(ws.folder / "log.sqlite") as db:
            found = db.execute(
                "SELECT state, reserved, body, idempotency_key, used_micro FROM jobs, budgets WHERE budgets.id = 'b'"
            )
            seen.append((found.fetchone(), post.body.decode(), post.key))

    endpoint.on_post = look
    job_id = budget_job(ws, req)
    ws.connection.runner.drive(job_id)
    until(lambda: seen)
    (state, reserved, body, key, used), sent, sent_key = seen[0]
    assert (state, reserved, used) == ("submitting", HIGH, HIGH)
    assert (body, key) == (sent, sent_key)
    until(lambda: ws.attach(job_id).resting)
    assert ws.log_store.budgets.get("b") == (1_000_000, round(COST * 1e6))
    told = [(event.from_state, event.to_state) for event in ws.log_store.jobs.events(job_id)]
    assert told[:3] == [(None, "planned"), ("planned", "submitting"), ("submitting", "submitted")]


def test_budget_that_does_not_suffice_leaves_it_planned_and_says_why(ws, req, endpoint):
    job_id = budget_job(ws, req, HIGH - 1)
    before = ws.log_store.jobs.events(job_id)
    ws.connection.runner.drive(job_id)
    job = ws.attach(job_id)
    until(lambda: job.row.error_kind)
    until(lambda: not ws.connection.runner.drives(job_id))
    assert (job.state, job.row.error_kind, job.row.body) == ("planned", "budget", None)
    assert endpoint.posts == []
    assert (ws.log_store.jobs.events(job_id), ws.log_store.budgets.get("b")[1]) == (before, 0)


def test_paused_sweep_sends_nothing_and_says_why(ws, req, endpoint, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("motion_widgets.jobs.runner.Runner.drive", lambda *_, **__: None)
        run = Sweep(req, mode="std").plan(ws).run(budget=5).pause()
    run.drive()
    assert run.wait(30).counts() == {"planned": 1}
    assert run.rows()[0].error_kind == "held"
    assert (endpoint.posts, run.budget[1]) == ([], 0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(OSError("no more sockets"), "internal"), (RequestError("no more keys", code="key_missing"), "local")],
)
def test_endpoint_without_a_client_leaves_it_planned_and_says_why(
    ws, req, endpoint, monkeypatch, *, error, kind
):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr("motion_widgets.workspace.settings.EndpointClient", broken)
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, job.row.reserved, job.row.error_kind) == ("planned", 0, kind)
    assert str(error) in job.error
    assert endpoint.posts == []


def test_body_is_the_request_as_it_goes_over_the_wire(ws, req, endpoint):
    req = req.replace(watermark_info={"enabled": True})
    ws.submit(req, max_cost=MAX).wait(30)
    assert json.loads(endpoint.posts[0].body) == req.to_wire()


def test_local_file_is_published_between_the_intent_and_the_post(ws, req, monkeypatch, tmp_path):
    real, seen = wire.EndpointClient.upload_image, []

    async def upload_image(self, path):
        seen.append(ws.jobs()[0].row)
        return await real(self, path)

    monkeypatch.setattr(wire.EndpointClient, "upload_image", upload_image)
    image = tmp_path / "image.png"
    image.write_bytes(make_png("red"))
    ws.consent()
    job = ws.submit(req.replace(image_url=image), max_cost=MAX).wait(30)
    assert job.state == "collected"
    assert [(row.state, row.sent, row.reserved) for row in seen] == [("submitting", None, HIGH)]


@pytest.mark.parametrize(
    "answer",
    [
        "reset", "close", "charge reset", Say(200, b"<html>"), Say(200, {"code": 200, "data": []}),
        refusal(500, "server_error"), refusal(502), refusal(503), refusal(504), Say(502, b"<html>bad</html>"),
        refusal(409, "idempotency_result_indeterminate"), refusal(409, "idempotency_key_reused"),
        Say(404, b"<html>"), Say(405, {"detail": "Method Not Allowed"}),
        Say(200, b"{}", {"Content-Length": "900"}),
    ],
)  # fmt: skip
def test_unclear_answer_to_the_post_is_unknown_and_never_sent_again(ws, req, endpoint, answer):
    endpoint.next_post.append(answer)
    job_id = budget_job(ws, req)
    ws.connection.runner.drive(job_id)
    job = ws.attach(job_id)
    until(lambda: job.resting)
    assert job.state == "unknown"
    assert "nothing is sent again" in job.error.lower()
    ws.submit(req)  # attaches; what was sent needs no bound
    ws.attach(job_id)
    until(lambda: not ws.connection.runner.drives(job_id))
    assert len(endpoint.posts) == 1
    assert ws.log_store.budgets.get("b")[1] == HIGH, "the money may be spent, so it stays reserved"


def test_hanging_post_is_unknown(ws, req, endpoint, monkeypatch):
    impatient = functools.partial(wire.EndpointClient, submit_seconds=0.5)
    monkeypatch.setattr("motion_widgets.workspace.settings.EndpointClient", impatient)
    endpoint.next_post.append("hang")
    assert ws.submit(req, max_cost=MAX).wait(20).state == "unknown"
    until(lambda: endpoint.posts)  # it was sent, and may lie before a server that is slow
    assert len(endpoint.posts) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "parameters"), (401, "auth"), (402, "account"), (403, "auth")]
)
def test_refusals_end_rejected_and_give_the_money_back(ws, req, endpoint, status, kind):
    endpoint.next_post.append(refusal(status, "invalid_request_error", "invalid parameter"))
    job_id = budget_job(ws, req)
    ws.connection.runner.drive(job_id)
    job = ws.attach(job_id)
    until(lambda: job.resting)
    assert (job.state, job.row.error_kind, job.row.reserved) == ("rejected", kind, 0)
    assert ws.log_store.budgets.get("b")[1] == 0
    assert len(endpoint.posts) == 1


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    "said",
    [
        (
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        ("insufficient_user_quota", "no"),
        ("error", "Your balance is too low"),
        ("error", "credits exhausted"),
    ],
)
def test_missing_money_is_no_reason_to_slow_down(ws, req, endpoint, status, said):
    endpoint.next_post.append(refusal(status, *said))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, job.row.error_kind, len(endpoint.posts)) == ("rejected", "account", 1)
    assert "balance" in job.error


def test_quota_of_requests_is_a_reason_to_slow_down(ws, req, endpoint):
    endpoint.next_post.append(refusal(429, "rate_limit_error", "Quota exceeded: 60 requests a minute"))
    assert ws.submit(req, max_cost=MAX).wait(20).state == "collected"


def test_500_that_proves_nothing_was_accepted_is_rejected(ws, req, endpoint):
    endpoint.next_post.append(refusal(500, "server_error", "build_request_failed: mode"))
    assert ws.submit(req, max_cost=MAX).wait(20).state == "rejected"


@pytest.mark.parametrize(
    "answer",
    [
        refusal(429, "rate_limit_error", "slow", Retry_After="0"),
        refusal(429, "rate_limit_error", "slow"),
        refusal(429, "rate_limit_error", "too many tasks at once"),
        refusal(503, "idempotency_unavailable"),
        refusal(409, "idempotency_in_progress", Retry_After="0"),
    ],
)
def test_come_back_later_is_sent_again_with_the_same_key_and_body(ws, req, endpoint, answer):
    endpoint.next_post.extend([answer, answer])
    job_id = budget_job(ws, req)
    ws.connection.runner.drive(job_id)
    until(lambda: ws.attach(job_id).resting)
    assert ws.attach(job_id).state == "collected"
    assert len({(post.key, post.body) for post in endpoint.posts}) == 1
    assert (len(endpoint.posts), len(endpoint.charges)) == (3, 1)
    assert ws.log_store.budgets.get("b")[1] == round(COST * 1e6), "reserved and settled once"


def test_429_goes_back_to_planned_with_its_money_free_while_it_waits(ws, req, endpoint):
    endpoint.next_post.append(refusal(429, "rate_limit_error", "slow", Retry_After="60"))
    job_id = budget_job(ws, req)
    ws.connection.runner.drive(job_id)
    until(lambda: ws.log_store.jobs.get(job_id).error_kind == "rate")
    row = ws.log_store.jobs.get(job_id)
    assert (row.state, row.reserved, ws.log_store.budgets.get("b")[1]) == ("planned", 0, 0)
    assert not ws.attach(job_id).resting, "resumes by itself"
    second = ws.submit(req.replace(prompt="another"), max_cost=MAX)
    time.sleep(0.2)
    assert (second.state, len(endpoint.posts)) == ("planned", 1), "a pause holds for all submits"


def test_in_progress_then_a_refusal_stays_unknown(ws, req, endpoint):
    endpoint.next_post.extend([refusal(409, "idempotency_in_progress"), refusal(400)])
    assert ws.submit(req, max_cost=MAX).wait(20).state == "unknown"


def test_in_progress_for_ever_ends_unknown(ws, req, endpoint):
    endpoint.next_post.extend([refusal(409, "idempotency_in_progress")] * 50)
    assert ws.submit(req, max_cost=MAX).wait(20).state == "unknown"
    assert len(endpoint.posts) == timing.TRIES + 1


def test_in_progress_then_unavailable_may_still_be_charged_so_the_very_same_is_sent(ws, req, endpoint):
    """What is unavailable now did nothing now; the first try may have."""
    busy = refusal(409, "idempotency_in_progress")
    endpoint.next_post.extend([busy, refusal(503, "idempotency_unavailable", Retry_After="0")])
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, len(endpoint.posts), len(endpoint.charges)) == ("collected", 3, 1)
    assert len({(post.key, post.body) for post in endpoint.posts}) == 1
    assert [event.to_state for event in ws.log_store.jobs.events(job.id)][:3] == [
        "planned", "submitting", "submitted",
    ]  # fmt: skip


def test_closing_while_a_first_try_is_still_running_leaves_it_unknown(spaces, req, endpoint):
    ws = spaces()
    endpoint.next_post.append(refusal(409, "idempotency_in_progress", Retry_After="1"))
    job = ws.submit(req, max_cost=MAX)
    until(lambda: endpoint.posts)
    ws.close(send=False)
    again = spaces()
    row = again.log_store.jobs.get(job.id)
    assert (row.state, len(endpoint.posts)) == ("unknown", 1)
    assert "the workspace was closed before it was sent again" in row.error_message


def test_missing_money_is_said_where_the_balance_is_not_known(ws, req, endpoint):
    endpoint.balance_says = refusal(503)
    endpoint.next_post.append(refusal(402, "insufficient_user_quota", "too little"))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, job.row.error_kind) == ("rejected", "account")
    assert "$0.23" in job.error
    assert "too little" in job.error


def test_an_upload_that_fails_for_the_moment_is_made_again(ws, req, endpoint, tmp_path):
    endpoint.next_upload.extend([refusal(503), "reset"])
    local = tmp_path / "local.png"
    local.write_bytes(make_png())
    job = ws.submit(req.replace(image_url=str(local)), max_cost=MAX).wait(30)
    assert (job.state, endpoint.uploads, len(endpoint.posts)) == ("collected", 3, 1)


def test_an_upload_that_goes_on_failing_leaves_it_planned(ws, req, endpoint, tmp_path):
    endpoint.next_upload.extend([refusal(503)] * 50)
    local = tmp_path / "local.png"
    local.write_bytes(make_png())
    job = ws.submit(req.replace(image_url=str(local)), max_cost=MAX).wait(30)
    assert (job.state, job.row.reserved, endpoint.posts) == ("planned", 0, [])
    assert endpoint.uploads == timing.TRIES + 1


def test_refused_connection_is_planned_again_and_tried_until_it_works(spaces, req, endpoint, monkeypatch):
    ws = spaces()
    real = wire.EndpointClient.submit
    left = [3]

    async def submit(self, body, key, **options):
        if left[0]:
            left[0] -= 1
            self = wire.EndpointClient("http://127.0.0.1:9", ws.connection.secret)  # nobody listens there
        return await real(self, body, key, **options)

    monkeypatch.setattr(wire.EndpointClient, "submit", submit)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, len(endpoint.posts)) == ("collected", 1)
    states = [event.to_state for event in ws.log_store.jobs.events(job.id)]
    assert states[:7] == ["planned", "submitting"] * 3 + ["planned"]


def test_an_outage_of_days_does_not_break_the_waiting(monkeypatch):
    assert 0 < timing.backoff(10**9) <= 60


def test_answer_that_the_log_does_not_take_at_first_is_not_lost(ws, req, endpoint, monkeypatch):
    from motion_widgets.core.errors import LogError

    real, left = ws.log_store.transitions.move, [3]

    def move(job_id, to, **options):
        if to is State.SUBMITTED and left[0]:
            left[0] -= 1
            raise LogError("disk full")
        return real(job_id, to, **options)

    monkeypatch.setattr(ws.log_store.transitions, "move", move)
    assert ws.submit(req, max_cost=MAX).wait(20).state == "collected"
    assert len(endpoint.posts) == 1


def test_log_that_cannot_be_written_before_the_post_sends_nothing(ws, req, endpoint, monkeypatch):
    def broken(*_args, **_options):
        raise LogError("disk full")

    monkeypatch.setattr(ws.log_store.transitions, "intend", broken)
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, endpoint.posts) == ("planned", [])
    assert "disk full" in job.error


def test_database_that_stays_locked_sends_nothing(spaces, req, endpoint, monkeypatch):
    monkeypatch.setattr("motion_widgets.log.engine.BUSY_SECONDS", 1)  # less, and the job's own writers meet
    ws = spaces()
    with contextlib.closing(sqlite3.connect(ws.folder / "log.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogError, match="locked"):
            ws.submit(req, max_cost=MAX)
        other.execute("ROLLBACK")
        job = ws.submit(req, max_cost=MAX)
        until(lambda: job.state == "collected")
    assert len(endpoint.posts) == 1


def test_who_was_about_to_go_when_the_endpoint_was_full_is_held_back(ws, req, endpoint, monkeypatch):
    """One is refused for want of room; those whose body was sealed meanwhile wait until one ends."""
    real, first = ws.log_store.transitions.seal, []

    def seal(job_id, *a, **k):
        if first:  # the others come to this point once the first one was refused
            until(lambda: ws.connection.runner.context.limiter._refusals)
        first.append(job_id)
        return real(job_id, *a, **k)

    there, most = [0], [0]
    real_submit, real_task = wire.EndpointClient.submit, wire.EndpointClient.task

    async def submit(self, *a, **k):
        answer = await real_submit(self, *a, **k)
        there[0] += 1
        most[0] = max(most[0], there[0])
        return answer

    async def task(self, *a, **k):
        found = await real_task(self, *a, **k)
        there[0] -= found.state == "completed"
        return found

    monkeypatch.setattr(ws.log_store.transitions, "seal", seal)
    monkeypatch.setattr(wire.EndpointClient, "submit", submit)
    monkeypatch.setattr(wire.EndpointClient, "task", task)
    endpoint.next_post.append(refusal(429, "rate_limit_error", "too many tasks: 1 are allowed at once"))
    run = Sweep(req, prompt=[f"p{number}" for number in range(6)]).plan(ws).run(budget=5.0)
    run.wait(30)
    assert run.counts() == {"collected": 6}
    assert (len(endpoint.posts), len(endpoint.charges)) == (7, 6), "one in vain"
    assert most == [1]


def test_unforeseen_error_of_a_post_is_unknown(ws, req, endpoint, monkeypatch):
    async def submit(*_, **__):
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(wire.EndpointClient, "submit", submit)
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert job.state == "unknown"
    assert "ZeroDivisionError" in job.error


class TestAPersonDecides:
    @pytest.fixture
    def unknown(self, ws, req, endpoint):
        endpoint.next_post.append("charge reset")
        return ws.submit(req, max_cost=MAX).wait(20)

    def test_resend_uses_the_same_key_and_body(self, unknown, endpoint):
        assert unknown.resend().wait(20).state == "collected"
        assert len({(post.key, post.body) for post in endpoint.posts}) == 1
        assert (len(endpoint.posts), len(endpoint.charges)) == (2, 1)

    def test_resend_that_is_refused_stays_unknown(self, unknown, endpoint):
        endpoint.next_post.append(refusal(400))
        assert unknown.resend().wait(20).state == "unknown"

    def test_resend_that_cannot_be_sent_stays_unknown(self, unknown, endpoint):
        endpoint.next_post.append(refusal(429))
        assert unknown.resend().wait(20).state == "unknown"
        assert len(endpoint.posts) == 2

    def test_what_was_altered_since_is_not_sent_with_the_same_key(self, unknown, ws, endpoint):
        """Another program may write to the log; the same key goes with the same body."""
        ws.log_store.transitions.record(unknown.id, body='{"model": "another"}')
        assert unknown.resend().wait(20).state == "unknown"
        assert len(endpoint.posts) == 1
        assert "another" not in endpoint.posts[0].body.decode()

    def test_write_off_ends_it_and_the_next_submit_is_a_new_attempt(self, unknown, ws, req, endpoint):
        assert unknown.write_off().state == "written_off"
        with pytest.raises(RequestError):
            unknown.resend()
        with pytest.raises(RequestError):
            unknown.write_off()
        again = ws.submit(req, max_cost=MAX).wait(20)
        assert (again.id != unknown.id, again.row.attempt, again.row.repeat) == (True, 2, 1)
        assert len({post.key for post in endpoint.posts}) == 2

    def test_written_off_money_counts_as_spent(self, ws, req, endpoint):
        endpoint.next_post.append("reset")
        job_id = budget_job(ws, req)
        ws.connection.runner.drive(job_id)
        job = ws.attach(job_id)
        until(lambda: job.resting)
        job.write_off()
        assert ws.log_store.budgets.get("b")[1] == HIGH


def test_answer_after_a_write_off_is_kept(ws, req, endpoint):
    """Another process took a slow job for dead and a person wrote it off; then the answer came after all."""
    endpoint.next_post.append(lambda _: endpoint.let_go.wait(20) and None)
    job = ws.submit(req, max_cost=MAX)
    until(lambda: endpoint.posts)
    ws.log_store.transitions.move(job.id, State.UNKNOWN)
    job.write_off()
    endpoint.let_go.set()
    until(lambda: any("task_0001" in event.note for event in ws.log_store.jobs.events(job.id)))
    assert job.state == "written_off"


def test_late_answer_turns_unknown_into_submitted(ws, req, endpoint):
    endpoint.next_post.append(lambda _: endpoint.let_go.wait(20) and None)
    job = ws.submit(req, max_cost=MAX)
    until(lambda: endpoint.posts)
    ws.log_store.transitions.move(job.id, State.UNKNOWN)
    endpoint.let_go.set()
    until(lambda: job.state == "collected")
    assert len(endpoint.posts) == 1


class TestOnceOnly:
    def test_same_content_attaches(self, ws, req, endpoint):
        first = ws.submit(req, max_cost=MAX)
        again = [ws.submit(req, max_cost=MAX) for _ in range(5)]
        assert {job.id for job in again} == {first.id}
        first.wait(20)
        assert ws.submit(req).id == first.id, "what is there already needs no bound"
        assert len(endpoint.posts) == 1

    def test_new_pays_for_a_repeat(self, ws, req, endpoint):
        first = ws.submit(req, max_cost=MAX)
        second = ws.submit(req, max_cost=MAX, new=True)
        first.wait(20), second.wait(20)
        assert (first.row.repeat, second.row.repeat, len(endpoint.charges)) == (1, 2, 2)

    def test_retry_only_after_an_end_without_result(self, ws, req, endpoint):
        endpoint.next_post.append(refusal(400))
        job = ws.submit(req, max_cost=MAX).wait(20)
        again = job.retry()
        assert again.wait(20).state == "collected"
        assert (again.row.attempt, job.retry().id) == (2, again.id)
        with pytest.raises(RequestError):
            again.retry()

    def test_resubmitting_a_retried_job_attaches_to_the_last_attempt(self, ws, req, endpoint):
        endpoint.next_post.append(refusal(400))
        again = ws.submit(req, max_cost=MAX).wait(20).retry().wait(20)
        assert ws.submit(req, max_cost=MAX).id == again.id
        assert len(endpoint.posts) == 2

    def test_planned_job_of_a_dead_process_is_taken_up(self, ws, req, endpoint):
        row, _ = ws.log_store.jobs.add(ws.preparation.plan_job(req))
        ws.log_store.leases.claim_all([row.id], "dead", seconds=-1)
        with pytest.raises(BudgetError):
            ws.submit(req)
        job = ws.submit(req, max_cost=MAX).wait(20)
        assert (job.id, job.state, len(endpoint.posts)) == (row.id, "collected", 1)

    def test_planned_job_that_nobody_drives_rests(self, ws, req, endpoint):
        row, _ = ws.log_store.jobs.add(ws.preparation.plan_job(req))
        assert ws.attach(row.id).wait(5).state == "planned"
        assert endpoint.posts == []


class TestStops:
    """401, 402 and 403 stop all that was asked for before them."""

    @pytest.mark.parametrize("status", [401, 402, 403])
    def test_rest_of_a_run_stays_planned_and_goes_on_later(self, spaces, req, endpoint, status, monkeypatch):
        monkeypatch.setattr(timing, "CALLS", 1)
        ws = spaces()
        endpoint.next_post.extend([None, refusal(status, "payment_required", "balance too low")])
        sweep = Sweep(req, prompt=["a", "b", "c", "d"])
        run = sweep.plan(ws).run(budget=5.0).wait(30)
        assert run.counts() == {"collected": 1, "rejected": 1, "planned": 2}
        assert len(endpoint.posts) == 2
        said = [row.error_message for row in run.rows() if row.state == "planned"]
        assert all("balance too low" in one for one in said)
        assert ws.connection.runner.context.breaker.refusal() is not None
        assert run.budget[1] == COST
        assert run.retry("failed").wait(30).counts() == {"collected": 4}
        assert ws.connection.runner.context.breaker.refusal() is None
        assert (len(endpoint.charges), run.budget[1]) == (4, pytest.approx(4 * COST))

    def test_following_or_attaching_lifts_no_stop(self, ws, req, endpoint):
        done = ws.submit(req, max_cost=MAX).wait(20)
        endpoint.next_post.append(refusal(401))
        ws.submit(req.replace(prompt="x"), max_cost=MAX).wait(20)
        ws.attach(done.id)
        ws.submit(req)
        assert ws.connection.runner.context.breaker.refusal() is not None

    def test_next_submit_of_a_person_lifts_it(self, ws, req, endpoint):
        endpoint.next_post.append(refusal(401))
        ws.submit(req, max_cost=MAX).wait(20)
        assert ws.submit(req.replace(prompt="x"), max_cost=MAX).wait(20).state == "collected"


class TestDoubts:
    """Outcomes that are unknown, several in a row: no more is sent until a person says so."""

    @pytest.mark.parametrize("answer", ["reset", "charge reset", Say(502, b"<html>"), Say(404, b"<html>")])
    def test_many_single_jobs_stop_after_three(self, ws, req, endpoint, answer):
        endpoint.next_post.extend([answer] * 40)
        jobs = [ws.submit(req.replace(prompt=str(one)), max_cost=MAX) for one in range(40)]
        states = Counter(job.wait(30).state for job in jobs)
        assert (states, len(endpoint.posts)) == ({"unknown": 3, "planned": 37}, 3)
        waiting = [job.row for job in jobs if job.state == "planned"]
        assert {(row.error_kind, row.reserved) for row in waiting} == {("doubt", 0)}
        assert all("Whether 3 requests in a row" in row.error_message for row in waiting)

    def test_a_loop_that_goes_on_submitting_is_no_persons_word(self, ws, req, endpoint):
        endpoint.next_post.extend(["reset"] * 8)
        jobs = [ws.submit(req.replace(prompt=str(one)), max_cost=MAX).wait(30) for one in range(8)]
        assert [job.state for job in jobs] == ["unknown"] * 3 + ["planned"] * 5
        assert len(endpoint.posts) == 3
        endpoint.next_post.clear()
        assert ws.submit(req.replace(prompt="9"), max_cost=MAX).wait(30).state == "planned"
        assert ws.submit(req.replace(prompt="7"), max_cost=MAX).wait(30).state == "collected", "asked again"
        assert ws.submit(req.replace(prompt="10"), max_cost=MAX).wait(30).state == "collected"

    def test_after_a_persons_word_one_goes_as_a_probe(self, ws, req, endpoint):
        endpoint.next_post.extend(["reset"] * 4)
        jobs = [ws.submit(req.replace(prompt=str(one)), max_cost=MAX) for one in range(12)]
        for job in jobs:
            job.wait(30)
        waiting = [job for job in jobs if job.state == "planned"]
        ws.connection.runner.drive(*[job.id for job in waiting])
        for job in waiting:
            job.wait(30)
        assert Counter(job.state for job in jobs) == {"unknown": 4, "planned": 8}
        assert len(endpoint.posts) == 4
        waiting = [job for job in jobs if job.state == "planned"]
        ws.connection.runner.drive(*[job.id for job in waiting])
        assert {job.wait(30).state for job in waiting} == {"collected"}

    def test_an_outcome_in_between_that_is_known_starts_the_count_anew(self, ws, req, endpoint, monkeypatch):
        monkeypatch.setattr(timing, "CALLS", 1)
        answers = ["reset", "reset", None, "reset", "reset", refusal(400), "reset", "reset", None]
        endpoint.next_post.extend(answers)
        jobs = [ws.submit(req.replace(prompt=str(one)), max_cost=MAX) for one in range(len(answers))]
        states = Counter(job.wait(30).state for job in jobs)
        assert states == {"unknown": 6, "collected": 2, "rejected": 1}

    def test_sweep_pauses_and_says_so_in_every_process(self, spaces, req, endpoint):
        ws = spaces()
        endpoint.next_post.extend(["reset"] * 120)
        run = Sweep(req, prompt=[str(one) for one in range(30)]).plan(ws).run(budget=50).wait(60)
        assert (run.counts(), len(endpoint.posts), run.paused) == ({"unknown": 3, "planned": 27}, 3, True)
        assert "Whether 3 requests in a row" in run.summary()
        assert "Whether 3 requests in a row" in str(run.standing().outlook())
        other = spaces().attach(run.id)
        other.drive()
        other.wait(60)
        assert len(endpoint.posts) == 3
        endpoint.next_post.clear()
        assert run.resume().wait(60).counts() == {"unknown": 3, "collected": 27}
        assert run.resend().wait(60).counts() == {"collected": 30}
        assert len(set(endpoint.charges.values())) == len(endpoint.charges) == 30

    def test_resending_a_whole_run_stops_at_new_doubts_and_writing_off_ends_them(self, ws, req, endpoint):
        endpoint.next_post.extend(["reset"] * 6)
        run = Sweep(req, prompt=[str(one) for one in range(6)]).plan(ws).run(budget=50).wait(60)
        run.resume().wait(60)
        run.resume().wait(60)
        run.resume().wait(60)
        assert (run.counts(), len(endpoint.posts)) == ({"unknown": 6}, 6)
        endpoint.next_post.append("reset")
        assert run.resend().wait(60).counts() == {"unknown": 6}
        assert len(endpoint.posts) == 7, "the first of them said that it is no better"
        assert {row.error_kind for row in run.rows()} == {"unknown"}
        used = run.budget[1]
        assert run.write_off().counts() == {"written_off": 6}
        assert (run.budget[1], run.resend().counts()) == (used, {"written_off": 6})


class TestBounds:
    @pytest.mark.parametrize("bound", [float("nan"), float("inf"), -1, -0.01, True, "0.5", [1]], ids=repr)
    def test_what_is_no_amount(self, ws, req, endpoint, bound):
        with pytest.raises(BudgetError, match="not an amount"):
            ws.submit(req, max_cost=bound)
        assert endpoint.posts == []

    def test_live_requires_one_and_names_the_price(self, ws, req, endpoint):
        with pytest.raises(BudgetError, match=r"\$0\.17.\$0\.23") as caught:
            ws.submit(req)
        assert "max_cost=0.23" in str(caught.value)
        assert endpoint.posts == []
        assert len(ws.log) == 0

    def test_named_bound_suffices(self, ws, req):
        with pytest.raises(BudgetError) as caught:
            ws.submit(req, max_cost=0.2284)
        ws.submit(req, max_cost=caught.value.params["high"])

    @pytest.mark.parametrize("bound", [0, 0.1, 0.228479])
    def test_too_small(self, ws, req, endpoint, bound):
        with pytest.raises(BudgetError):
            ws.submit(req, max_cost=bound)
        assert endpoint.posts == []

    def test_numbers_of_numpy_and_whole_dollars(self, ws, req):
        import numpy as np

        assert ws.submit(req, max_cost=np.int64(1)).id == ws.submit(req, max_cost=1).id


def test_one_word_to_resend_sends_once_whatever_else_is_asked_meanwhile(ws, req, endpoint):
    """The cell that submits is run again while the resend is under way, and the resend's answer is lost."""
    endpoint.honours_keys = False
    endpoint.next_post.append("charge reset")
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert job.state == "unknown"
    endpoint.next_post.append(lambda _: endpoint.let_go.wait(20) and "reset")
    job.resend()
    until(lambda: len(endpoint.posts) == 2)
    assert ws.submit(req, max_cost=MAX).id == job.id
    endpoint.let_go.set()
    assert job.wait(30).state == "unknown"
    assert len(endpoint.posts) == 2


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
def test_tasks_that_the_endpoint_does_not_know_take_no_place_of_ones_own(
    spaces, req, endpoint, monkeypatch, address
):
    monkeypatch.setattr(timing, "ROOM", 3)
    endpoint.next_poll.extend(
        [lambda task: refusal(404) if task.startswith("task-foreign") else None] * 100_000
    )
    ws = spaces()
    ws.close()
    place = {"endpoint": ws.endpoint, "account": ws.account, "sandbox": 0, "state": "running"}
    with contextlib.closing(sqlite3.connect(address)) as db, db:
        for number in range(40):
            row = {**place, "task_id": f"task-foreign-{number}", "submitted": now_us(), "sent": 1}
            assert hostile.insert(db, "jobs", hostile.good_row("jobs", **row))
    again = spaces()
    until(lambda: len(endpoint.polls) >= 40)
    job = again.submit(req, max_cost=MAX).wait(60)
    assert (job.state, len(endpoint.posts)) == ("collected", 1)


def test_settings_that_cannot_be_used_leave_all_planned_until_a_person_corrects_them(
    spaces, req, tmp_path, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    ws = spaces(endpoint="https://127.0.0.1:9", key=KEY)
    jobs = [ws.submit(req.replace(prompt=word), max_cost=MAX) for word in ("one", "two")]
    for job in jobs:
        job.wait(30)
        assert (job.state, job.row.reserved, job.row.error_kind) == ("planned", 0, "network")
        assert "SSL_CERT_FILE" in job.error
        assert "none.pem" not in job.error
    monkeypatch.delenv("SSL_CERT_FILE")
    again = ws.submit(req.replace(prompt="one"), max_cost=MAX)
    until(lambda: "cannot be reached" in (again.error or ""))  # nobody listens there; now it is asked


@pytest.mark.parametrize(
    ("status", "state"),
    [(413, "rejected"), (415, "rejected"), (404, "planned"), (401, "rejected"), (400, "rejected")],
)
def test_an_upload_that_is_refused_is_not_sent_again_and_never_unknown(
    ws, req, endpoint, tmp_path, *, status, state
):
    endpoint.next_upload.append(refusal(status, "invalid_request_error", "the image is too large"))
    local = tmp_path / "local.png"
    local.write_bytes(make_png())
    job = ws.submit(req.replace(image_url=str(local)), max_cost=MAX).wait(30)
    assert (job.state, job.row.reserved, endpoint.uploads, endpoint.posts) == (state, 0, 1, [])
    assert "the image is too large" in job.error


@pytest.mark.parametrize("timeout", ["5", [1], True, float("nan"), b"5"])
def test_a_time_to_wait_that_is_none(ws, req, endpoint, timeout):
    job = ws.submit(req, max_cost=MAX)
    with pytest.raises(RequestError, match="seconds"):
        job.wait(timeout)
    assert job.wait(10**400).state == "collected"


def test_the_timeout_of_wait_for_is_not_called_an_interrupt(ws, req, endpoint, capsys):
    endpoint.next_post.append("hang")

    async def cell():
        await asyncio.wait_for(job, 0.1)

    job = ws.submit(req, max_cost=MAX)
    with pytest.raises(TimeoutError):
        asyncio.run(cell())
    said = capsys.readouterr().out
    assert "nterrupt" not in said
    assert f'ws.attach("{job.id}")' in said
    endpoint.let_go.set()
