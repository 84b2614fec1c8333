"""How many submits go at once, after the endpoint said that it was too fast or too many."""

from __future__ import annotations

import asyncio

from motion_widgets.jobs.pace import Pace


async def entered(pace, names, wait=0.05):
    """Let all of `names` try for a moment; give those that passed."""
    passed = []

    async def one(name):
        await pace.enter(name)
        passed.append(name)

    tasks = [asyncio.create_task(one(name)) for name in names]
    await asyncio.sleep(wait)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return passed


def test_after_a_pause_one_goes_as_a_probe_then_twice_as_many():
    async def story():
        pace = Pace()
        pace.pause(0.01)
        counts = []
        for _ in range(4):
            passed = await entered(pace, "abcdefghij")
            counts.append(len(passed))
            for name in passed:
                pace.leave(name, accepted=True)
                pace.landed(name)
        return counts

    counts = asyncio.run(story())
    assert counts[0] == 1
    assert counts[1] == 2
    assert counts == sorted(counts)


def test_nothing_goes_during_a_pause():
    async def story():
        pace = Pace()
        pace.pause(60)
        return await entered(pace, "ab")

    assert asyncio.run(story()) == []


def test_too_many_at_once_keeps_to_those_that_run_and_goes_on_when_one_ends():
    async def story():
        pace = Pace()
        for name in "abc":
            await pace.enter(name)
            pace.leave(name, accepted=True)
        await pace.enter("d")
        pace.full("d")
        pace.leave("d", accepted=False)
        before = await entered(pace, "d")
        pace.landed("a")
        return before, await entered(pace, "d")

    assert asyncio.run(story()) == ([], ["d"])
