"""The rate at which an endpoint is polled that allows so many a second: most of it is used."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import CallGate, Priority
from motion_widgets.jobs.scheduling.poll_rate import PollRate


class Limited:
    """An endpoint, by a clock of its own, that takes `most` polls in any second."""

    def __init__(self, most, retry_after, monkeypatch):
        self.now, self.most, self.retry_after = 1e9, most, retry_after
        self.answered, self.refused, self._taken = 0, 0, deque()
        monkeypatch.setattr(timing, "now", lambda: self.now)

    def takes(self):
        while self._taken and self._taken[0] <= self.now - 1:
            self._taken.popleft()
        fine = len(self._taken) < self.most
        if fine:
            self._taken.append(self.now)
        self.answered += fine
        self.refused += not fine
        return fine


@pytest.mark.parametrize(("most", "retry_after"), [(1, 1), (2, 1), (5, 1), (5, 3), (20, 1), (20, 5)])
def test_most_of_the_rate_that_is_allowed_is_used(most, retry_after, monkeypatch):
    endpoint, rate = Limited(most, retry_after, monkeypatch), PollRate()
    began = endpoint.now
    while endpoint.now < began + 300:  # there is always one more to poll
        if rate.wait(endpoint.now) > 0:
            endpoint.now += rate.wait(endpoint.now) + 1e-6
        rate.sent()
        if endpoint.takes():
            rate.answered()
        else:
            rate.refused(endpoint.retry_after)
        endpoint.now += 0.002
    assert endpoint.answered >= 0.6 * most * 300
    assert endpoint.refused <= endpoint.answered / 5


def test_a_limit_that_is_lifted_is_forgotten(monkeypatch):
    endpoint, rate = Limited(5, 1, monkeypatch), PollRate()
    for _ in range(8):
        rate.answered() if endpoint.takes() else rate.refused(1)
    for _ in range(3000):
        endpoint.now += max(rate.wait(endpoint.now), 0) + 0.001
        rate.sent()
        rate.answered()
    assert rate.wait(endpoint.now) <= 0.05


def test_a_clock_put_back_does_not_make_the_wait_longer(monkeypatch):
    endpoint, rate = Limited(5, 1, monkeypatch), PollRate()
    rate.refused(20)
    endpoint.now -= 86400
    assert rate.wait(endpoint.now) <= timing.PAUSE


def test_of_polls_under_way_together_the_first_refusal_counts(monkeypatch):
    """The others say the same, not that the rate is lower still."""
    endpoint = Limited(5, 1, monkeypatch)

    async def story():
        gate = CallGate()

        async def poll():
            async with gate.slot(Priority.POLL):
                await asyncio.sleep(0)
                gate.poll_answered() if endpoint.takes() else gate.poll_refused(1)

        await asyncio.gather(*[poll() for _ in range(12)])
        went = []
        for _ in range(20):
            endpoint.now += 0.25
            waiting = asyncio.create_task(poll())
            gate._serve()
            for _ in range(10):
                await asyncio.sleep(0)
            went.append(waiting.done())
            waiting.cancel()
        return went

    went = asyncio.run(story())
    assert not any(went[:3]), "the pause"
    assert sum(went) >= 14
