"""Who may call first, and how polls hold back."""

from __future__ import annotations

import asyncio

import pytest

from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Gate, Lane


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
        self.gate = Gate()
        self.order = []
        self._doors = {}
        self._tasks = {}

    async def come(self, name, lane, rank=0.0):
        door = self._doors[name] = asyncio.Event()

        async def call():
            async with self.gate.slot(lane, rank):
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
            await self.come(f"first {number}", Lane.SUBMIT)
        self.order.clear()


def test_submits_go_before_polls_and_polls_by_when_they_were_due():
    async def story():
        crowd = Crowd()
        await crowd.fill()
        await crowd.come("late poll", Lane.POLL, 30)
        await crowd.come("early poll", Lane.POLL, 10)
        await crowd.come("submit", Lane.SUBMIT)
        for number in range(3):
            await crowd.go(f"first {number}")
        return crowd.order

    assert asyncio.run(story()) == ["submit", "early poll", "late poll"]


def test_downloads_go_by_soonest_expiry(clock):
    async def story():
        crowd = Crowd()
        for number in range(timing.DOWNLOADS):
            await crowd.come(f"first {number}", Lane.DOWNLOAD, clock.now)
        for name, expiry in (("c", 300), ("a", 100), ("b", 200)):
            await crowd.come(name, Lane.DOWNLOAD, clock.now + expiry)
        for number in range(3):
            await crowd.go(f"first {number}")
        return crowd.order[timing.DOWNLOADS :]

    assert asyncio.run(story()) == ["a", "b", "c"]


@pytest.mark.parametrize(("left", "polls"), [(timing.URGENT - 1, []), (timing.URGENT + 1, ["poll"])])
def test_a_download_that_waits_holds_polls_back_if_its_result_dies_soon(clock, left, polls):
    async def story():
        crowd = Crowd()
        for number in range(timing.DOWNLOADS):
            await crowd.come(f"first {number}", Lane.DOWNLOAD, clock.now)
        await crowd.come("file", Lane.DOWNLOAD, clock.now + left)
        await crowd.come("poll", Lane.POLL)
        before = crowd.order[timing.DOWNLOADS :]
        await crowd.go("first 0")
        return before, "poll" in crowd.order

    assert asyncio.run(story()) == (polls, True)


def test_files_never_keep_calls_from_going():
    async def story():
        crowd = Crowd()
        for number in range(100):
            await crowd.come(f"file {number}", Lane.DOWNLOAD, 1e12)
        await crowd.come("submit", Lane.SUBMIT)
        return len(crowd.order), crowd.order[-1]

    assert asyncio.run(story()) == (timing.DOWNLOADS + 1, "submit")


def test_who_gives_up_waiting_takes_no_slot():
    async def story():
        crowd = Crowd()
        await crowd.fill()
        await crowd.come("a", Lane.POLL, 1)
        await crowd.come("b", Lane.POLL, 2)
        await crowd.cancel("a")
        await crowd.go("first 0")
        await crowd.cancel("b")
        await crowd.come("c", Lane.POLL, 3)
        return crowd.order

    assert asyncio.run(story()) == ["b", "c"]


def test_after_a_pause_one_poll_goes_as_a_probe_and_submits_go_all_along(clock):
    async def story():
        crowd = Crowd()
        crowd.gate.pause(20)
        for number in range(4):
            await crowd.come(f"poll {number}", Lane.POLL, number)
        await crowd.come("submit", Lane.SUBMIT)
        seen = [list(crowd.order)]
        clock.now += 21
        await crowd.go("submit")
        seen.append(crowd.order[1:])
        crowd.gate.answered()
        await crowd.go("poll 0")
        return [*seen, crowd.order[1:]]

    assert asyncio.run(story()) == [["submit"], ["poll 0"], ["poll 0", "poll 1", "poll 2"]]


def test_a_clock_put_back_does_not_make_a_pause_longer(clock):
    async def story():
        crowd = Crowd()
        crowd.gate.pause(20)
        await crowd.come("poll", Lane.POLL)
        clock.now -= 86400
        await crowd.come("one more", Lane.POLL, 1)
        clock.now += timing.PAUSE + 1
        await crowd.come("another", Lane.POLL, 2)
        return crowd.order

    assert asyncio.run(story()) == ["poll"]


def test_failures_of_all_jobs_share_one_budget(clock, monkeypatch):
    monkeypatch.setattr(timing, "backoff", lambda _: 30.0)

    async def story():
        crowd = Crowd()
        for _ in range(timing.RETRIES):
            crowd.gate.failed()
        await crowd.come("while it lasts", Lane.POLL)
        await crowd.go("while it lasts")
        crowd.gate.failed()
        await crowd.come("used up", Lane.POLL)
        before = list(crowd.order)
        clock.now += 31
        await crowd.come("submit", Lane.SUBMIT)
        crowd.gate.answered()
        crowd.gate.failed()
        await crowd.come("again", Lane.POLL, 1)
        return before, crowd.order

    before, after = asyncio.run(story())
    assert before == ["while it lasts"]
    assert "used up" in after
    assert "again" in after
