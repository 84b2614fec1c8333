"""One loop for all jobs: watched and unwatched ones, a machine that slept, a key that is no longer taken."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Priority
from motion_widgets.jobs.scheduling.timing import Clock
from tests.jobs.endpoint import refusal, until

MAX = 0.50
NIGHT = 9 * 3600.0
SIXTEEN = 16
"""Calls at once; more only queue up inside httpx, which is slow at that."""


@pytest.fixture
def clock(monkeypatch):
    """The wall clock, which may be put forward."""

    class Wall:
        ahead = 0.0

    monkeypatch.setattr(timing, "now", lambda: time.time() + Wall.ahead)
    return Wall


@pytest.fixture
def patient(monkeypatch):
    """Nothing is asked for by itself while a test runs."""
    monkeypatch.setattr(timing, "POLL", (300.0, 600.0))


def sent(ws, req, count):
    """Jobs that were accepted; where they are polled at once they may be further by now."""
    jobs = [ws.submit(req.replace(prompt=f"p{number}"), max_cost=MAX) for number in range(count)]
    until(lambda: all(job.task_id for job in jobs))
    return jobs


def asleep(ws, count):
    """Wait until so many jobs wait for their next poll: only who waits is woken."""
    until(lambda: len(ws.connection.runner.context.clock._sleepers) == count)


@pytest.mark.usefixtures("patient")
def test_after_a_night_asleep_each_job_is_asked_for_once_on_fresh_connections(
    ws, req, endpoint, clock, monkeypatch
):
    made = []
    init = EndpointClient.__init__
    monkeypatch.setattr(
        EndpointClient, "__init__", lambda self, *a, **k: (made.append(1), init(self, *a, **k))[1]
    )
    endpoint.next_poll.extend([endpoint.working()] * 100)
    jobs = sent(ws, req, 5)
    asleep(ws, 5)
    assert endpoint.polls == []
    clients = len(made)
    clock.ahead += NIGHT
    until(lambda: len(endpoint.polls) >= len(jobs))
    time.sleep(timing.BEAT * 4)
    assert sorted(endpoint.polls) == sorted(job.task_id for job in jobs)
    assert len(made) == clients + 1


@pytest.mark.usefixtures("patient")
def test_the_job_that_notices_the_gap_is_asked_for_on_a_fresh_connection_as_well(
    spaces, req, clock, monkeypatch
):
    """Nobody else looks at the clock: the old connection is dead without knowing it."""
    monkeypatch.setattr(timing, "BEAT", 1000.0)
    monkeypatch.setattr(timing, "SLICE", 0.05)
    used, task = [], EndpointClient.task
    monkeypatch.setattr(
        EndpointClient, "task", lambda self, *a, **k: (used.append(self), task(self, *a, **k))[1]
    )
    ws = spaces()
    sent(ws, req, 1)
    asleep(ws, 1)
    old = ws.connection.runner.context.client._client
    assert old is not None
    clock.ahead += NIGHT
    until(lambda: used)
    assert old not in used


@pytest.mark.usefixtures("patient")
def test_after_a_night_asleep_results_that_expire_first_are_fetched_first(
    ws, req, endpoint, clock, monkeypatch
):
    monkeypatch.setattr(timing, "DOWNLOADS", 1)
    life = {f"task_{number:04d}": 3600 * hours for number, hours in enumerate((5, 2, 6, 3, 1, 4), 1)}

    def ended(task_id):
        link = f"{endpoint.url}/result/{task_id}.mp4"
        video = {"url": [link], "expires_at": int(endpoint.now() + NIGHT + life[task_id])}
        return endpoint.completed(task_id, result={"videos": [video]})

    def others_wait(_):
        """Let the first download end once the five others stand in line."""
        waiting = ws.connection.runner.context.gate._waiting[Priority.DOWNLOAD]
        until(lambda: len(waiting) == 5)

    endpoint.next_poll.extend([ended] * 6)
    endpoint.next_download.append(others_wait)
    jobs = sent(ws, req, 6)
    asleep(ws, 6)
    clock.ahead += NIGHT
    until(lambda: all(job.state == "collected" for job in jobs))
    fetched = sorted((job.row for job in jobs), key=lambda row: row.collected)
    expiries = [row.expires_at for row in fetched[1:]]  # the first was under way before the others ended
    assert expiries == sorted(expiries)


@pytest.mark.usefixtures("patient")
def test_a_clock_put_back_does_not_stop_the_polls(ws, req, endpoint, clock):
    (job,) = sent(ws, req, 1)
    asleep(ws, 1)
    clock.ahead -= NIGHT
    until(lambda: job.state == "collected")


def test_waits_are_sliced_so_that_a_clock_put_forward_a_little_is_seen(clock, monkeypatch):
    monkeypatch.setattr(timing, "SLICE", 0.02)

    async def story():
        own = Clock(lambda *_: None)
        waiting = asyncio.create_task(own.sleep(50, "job"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        clock.ahead += 51
        await asyncio.wait_for(waiting, 20)

    asyncio.run(story())


def test_a_gap_is_noticed_once_whoever_looks_first(clock, monkeypatch):
    """A job whose slice ended between the jump and the next beat was asked for twice."""
    monkeypatch.setattr(timing, "BEAT", 0.1)
    gaps = []

    async def story():
        own = Clock(lambda *_: gaps.append("gap"))
        ticking = asyncio.create_task(own.run())
        other = asyncio.create_task(own.sleep_until(timing.now() + 900, "other"))
        await asyncio.sleep(0)
        clock.ahead += NIGHT
        assert await own.sleep_until(timing.now() - 1, "early"), "the first to look notices it"
        assert await other, "and wakes the others"
        early = asyncio.create_task(own.sleep_until(timing.now() + 900, "early"))
        await asyncio.sleep(timing.BEAT * 3)
        assert not early.done(), "nobody is woken for the same gap again"
        early.cancel()
        ticking.cancel()

    asyncio.run(story())
    assert gaps == ["gap"]


def test_watching_a_job_makes_it_be_asked_for_at_once_and_often(ws, req, endpoint, monkeypatch):
    monkeypatch.setattr(timing, "POLL", (0.02, 0.1))
    monkeypatch.setattr(timing, "UNWATCHED", 100_000)
    endpoint.next_poll.extend([endpoint.working(estimated_time=600)] * 10_000)
    (job,) = sent(ws, req, 1)
    until(lambda: endpoint.polls)
    time.sleep(0.5)
    asked = len(endpoint.polls)
    assert asked <= 2, "nobody looks"
    ws.connection.runner.watch(job.id)
    until(lambda: len(endpoint.polls) > asked + 3)


def test_waiting_for_a_job_is_watching_it(ws, req, endpoint, monkeypatch):
    monkeypatch.setattr(timing, "POLL", (0.02, 0.1))
    monkeypatch.setattr(timing, "UNWATCHED", 100_000)
    endpoint.next_poll.extend([endpoint.working(estimated_time=600)] * 5)
    assert sent(ws, req, 1)[0].wait(30).state == "collected"


def test_a_key_that_is_no_longer_taken_is_said_once_and_asked_with_no_more(ws, req, endpoint):
    runner, asked, refused, revoked = ws.connection.runner, set(), [], threading.Event()

    def answer(task_id):
        if task_id not in asked:
            asked.add(task_id)
            return endpoint.working()
        assert revoked.wait(60)
        refused.append(task_id)
        return refusal(401, message="revoked")

    endpoint.next_poll.extend([answer] * 100_000)
    # Whoever was refused first asks for the balance, and again for its task unless the others are refused.
    endpoint.balance_says = lambda: until(lambda: not revoked.is_set() or runner.calls_stopped) and None
    jobs = [ws.submit(req.replace(prompt=f"p{number}"), max_cost=MAX) for number in range(8)]
    until(lambda: all(job.state == "running" for job in jobs))
    revoked.set()
    for job in jobs:
        job.wait(30)
    assert len({job.error for job in jobs}) == 1
    assert "revoked" in jobs[0].error
    assert jobs[0].row.error_kind == "auth"
    polls = len(endpoint.polls)
    assert len(refused) <= len(jobs), "those that were on their way, and no loop"
    time.sleep(timing.BEAT * 5)
    assert len(endpoint.polls) == polls
    endpoint.next_poll.clear()
    endpoint.balance_says = None
    ws.attach(jobs[0].id)
    paid = [job for job in jobs if job.state != "planned"]
    until(lambda: all(job.state == "collected" for job in paid), 90)
    assert {job.error for job in paid} == {None}
    assert len(endpoint.posts) == len(paid)


def test_retry_after_on_a_poll_pauses_polls_and_submits(ws, req, endpoint):
    endpoint.next_poll.append(refusal(429, Retry_After="120"))
    first = ws.submit(req, max_cost=MAX)
    until(lambda: first.row.error_kind == "rate")
    other = ws.submit(req.replace(prompt="other"), max_cost=MAX)
    time.sleep(0.3)
    assert (len(endpoint.polls), len(endpoint.posts), other.state) == (1, 1, "planned")


def test_a_thousand_jobs_are_taken_up_in_one_transaction(ws, req, endpoint):
    rows = [
        ws.log_store.jobs.add({**ws.preparation.plan_job(req), "key": f"k{number}"})[0]
        for number in range(20)
    ]
    before = endpoint.requests
    ws.connection.runner.follow(*[row.id for row in rows])
    until(lambda: not any(ws.connection.runner.drives(row.id) for row in rows))
    assert {ws.log_store.jobs.get(row.id).lease_owner for row in rows} == {None}
    assert endpoint.requests == before, "what is only planned is not sent by following it"


def test_no_more_than_sixteen_calls_are_under_way_at_once(ws, req, endpoint):
    inside, most, lock = 0, 0, threading.Lock()
    full, beyond = threading.Event(), threading.Event()

    def held(*_):
        """Stay inside until all that may be are, and a moment longer: perhaps a seventeenth comes."""
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside >= timing.CALLS:
                full.set()
            if inside > SIXTEEN:
                beyond.set()
        if not full.wait(20):
            full.set()  # else each of the others waits as long
        beyond.wait(0.2)
        with lock:
            inside -= 1

    for number in range(timing.DOUBTS):  # few go until some were accepted
        ws.submit(req.replace(prompt=f"first {number}"), max_cost=MAX).wait(30)
    endpoint.on_post = held
    endpoint.next_poll.extend([held] * 200)
    jobs = [ws.submit(req.replace(prompt=f"p{number}"), max_cost=MAX) for number in range(40)]
    until(lambda: all(job.state == "collected" for job in jobs), 120)
    assert timing.CALLS <= most <= SIXTEEN
