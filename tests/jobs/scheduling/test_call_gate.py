"""Who may call first, and how polls hold back."""

from __future__ import annotations

import asyncio

import pytest

from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import CallGate, Priority


@pytest.fixture
def clock(monkeypatch):
    """A wall clock that only the test moves."""

    class Clock:
        now = 1e9

    monkeypatch.setattr(timing, "now", lambda: Clock.now)
    return Clock


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


class Crowd:
    """Callers that say when they are let in and stay until they are told to go."""

    def __init__(self):
        self.gate = CallGate()
        self.order = []
        self._doors = {}
        self._tasks = {}

    async def come(self, name, priority, rank=0.0):
        door = self._doors[name] = asyncio.Event()

        async def call():
            async with self.gate.slot(priority, rank):
                self.order.append(name)
                await door.wait()

        self._tasks[name] = asyncio.create_task(call())
        await settle()

    async def go(self, name):
        self._doors[name].set()
        await self._tasks[name]
        await settle()

    async def cancel(self, name):
        self._tasks[name].cancel()
        await settle()

    async def fill(self):
        for number in range(timing.CALLS):
            await self.come(f"first {number}", Priority.SUBMIT)
        self.order.clear()


def test_submits_go_before_polls_and_polls_by_when_they_were_due():
    async def story():
        crowd = Crowd()
        await crowd.fill()
        await crowd.come("late poll", Priority.POLL, 30)
        await crowd.come("early poll", Priority.POLL, 10)
        await crowd.come("submit", Priority.SUBMIT)
        for number in range(3):
            await crowd.go(f"first {number}")
        return crowd.order

    assert asyncio.run(story()) == ["submit", "early poll", "late poll"]


def test_downloads_go_by_soonest_expiry(clock):
    async def story():
        crowd = Crowd()
        for number in range(timing.DOWNLOADS):
            await crowd.come(f"first {number}", Priority.DOWNLOAD, clock.now)
        for name, expiry in (("c", 300), ("a", 100), ("b", 200)):
            await crowd.come(name, Priority.DOWNLOAD, clock.now + expiry)
        for number in range(3):
            await crowd.go(f"first {number}")
        return crowd.order[timing.DOWNLOADS :]

    assert asyncio.run(story()) == ["a", "b", "c"]


@pytest.mark.parametrize(("left", "polls"), [(timing.URGENT - 1, []), (timing.URGENT + 1, ["poll"])])
def test_a_download_that_waits_holds_polls_back_if_its_result_dies_soon(clock, left, polls):
    async def story():
        crowd = Crowd()
        for number in range(timing.DOWNLOADS):
            await crowd.come(f"first {number}", Priority.DOWNLOAD, clock.now)
        await crowd.come("file", Priority.DOWNLOAD, clock.now + left)
        await crowd.come("poll", Priority.POLL)
        before = crowd.order[timing.DOWNLOADS :]
        await crowd.go("first 0")
        return before, "poll" in crowd.order

    assert asyncio.run(story()) == (polls, True)


def test_files_never_keep_calls_from_going():
    async def story():
        crowd = Crowd()
        for number in range(100):
            await crowd.come(f"file {number}", Priority.DOWNLOAD, 1e12)
        await crowd.come("submit", Priority.SUBMIT)
        return len(crowd.order), crowd.order[-1]

    assert asyncio.run(story()) == (timing.DOWNLOADS + 1, "submit")


def test_who_gives_up_waiting_takes_no_slot():
    async def story():
        crowd = Crowd()
        await crowd.fill()
        await crowd.come("a", Priority.POLL, 1)
        await crowd.come("b", Priority.POLL, 2)
        await crowd.cancel("a")
        await crowd.go("first 0")
        await crowd.cancel("b")
        await crowd.come("c", Priority.POLL, 3)
        return crowd.order

    assert asyncio.run(story()) == ["b", "c"]


def test_after_a_pause_one_poll_goes_as_a_probe_and_submits_go_all_along(clock):
    async def story():
        crowd = Crowd()
        crowd.gate.pause(20)
        for number in range(4):
            await crowd.come(f"poll {number}", Priority.POLL, number)
        await crowd.come("submit", Priority.SUBMIT)
        seen = [list(crowd.order)]
        clock.now += 21
        await crowd.go("submit")
        seen.append(crowd.order[1:])
        crowd.gate.poll_answered()
        await crowd.go("poll 0")
        return [*seen, crowd.order[1:]]

    assert asyncio.run(story()) == [["submit"], ["poll 0"], ["poll 0", "poll 1", "poll 2"]]


def test_a_clock_put_back_does_not_make_a_pause_longer(clock):
    async def story():
        crowd = Crowd()
        crowd.gate.pause(20)
        await crowd.come("poll", Priority.POLL)
        clock.now -= 86400
        await crowd.come("one more", Priority.POLL, 1)
        clock.now += timing.PAUSE + 1
        await crowd.come("another", Priority.POLL, 2)
        return crowd.order

    assert asyncio.run(story()) == ["poll"]


def test_failures_of_all_jobs_share_one_budget(clock, monkeypatch):
    monkeypatch.setattr(timing, "backoff", lambda _: 30.0)

    async def story():
        crowd = Crowd()
        for _ in range(timing.RETRIES):
            crowd.gate.poll_failed()
        await crowd.come("while it lasts", Priority.POLL)
        await crowd.go("while it lasts")
        crowd.gate.poll_failed()
        await crowd.come("used up", Priority.POLL)
        before = list(crowd.order)
        clock.now += 31
        await crowd.come("submit", Priority.SUBMIT)
        crowd.gate.poll_answered()
        crowd.gate.poll_failed()
        await crowd.come("again", Priority.POLL, 1)
        return before, crowd.order

    before, after = asyncio.run(story())
    assert before == ["while it lasts"]
    assert "used up" in after
    assert "again" in after
