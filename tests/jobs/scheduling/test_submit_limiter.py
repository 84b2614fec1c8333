"""How many submits go at once, after the endpoint said that it was too fast or too many."""

from __future__ import annotations

import asyncio

import pytest

from motion_widgets.endpoint.errors import error_from_answer
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.submit_limiter import SubmitLimiter


async def entered(limiter, names, wait=0.05):
    """Let all of `names` try for a moment; give those that passed."""
    passed = []

    async def one(name):
        await limiter.acquire(name)
        passed.append(name)

    tasks = [asyncio.create_task(one(name)) for name in names]
    await asyncio.sleep(wait)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return passed


def test_after_a_pause_one_goes_as_a_probe_then_twice_as_many():
    async def story():
        limiter = SubmitLimiter()
        limiter.pause(0.01)
        counts = []
        for _ in range(4):
            passed = await entered(limiter, "abcdefghij")
            counts.append(len(passed))
            for name in passed:
                limiter.release(name, accepted=True)
                limiter.task_ended(name)
        return counts

    counts = asyncio.run(story())
    assert counts[0] == 1
    assert counts[1] == 2
    assert counts == sorted(counts)


def test_few_go_until_one_was_accepted_and_one_at_a_time_while_there_is_a_doubt():
    async def story():
        limiter = SubmitLimiter()
        first = await entered(limiter, "abcdefghij")
        sending = [limiter.may_send(name) for name in first]
        limiter.doubt()
        held = [limiter.may_send(name) for name in first]
        for name in first:
            limiter.release(name, accepted=False)
        later = await entered(limiter, "klmnop")
        return len(first), sending, held, len(later)

    few, sending, held, later = asyncio.run(story())
    assert few == timing.DOUBTS
    assert all(sending)
    assert (sum(held), later) == (1, 1)


def test_nothing_goes_during_a_pause():
    async def story():
        limiter = SubmitLimiter()
        limiter.pause(60)
        return await entered(limiter, "ab")

    assert asyncio.run(story()) == []


def test_too_many_at_once_keeps_to_those_that_run_and_goes_on_when_one_ends():
    async def story():
        limiter = SubmitLimiter()
        for name in "abc":
            await limiter.acquire(name)
            limiter.release(name, accepted=True)
        await limiter.acquire("d")
        limiter.too_many("d")
        limiter.release("d", accepted=False)
        before = await entered(limiter, "d")
        limiter.task_ended("a")
        return before, await entered(limiter, "d")

    assert asyncio.run(story()) == ([], ["d"])


def test_who_was_let_in_before_a_refusal_is_held_back_until_there_is_room():
    async def story():
        limiter = SubmitLimiter()
        for name in "ab":
            await limiter.acquire(name)
            limiter.release(name, accepted=True)
        for name in "cde":
            await limiter.acquire(name)
        early = limiter.may_send("d")
        limiter.too_many("c", 2)
        limiter.release("c", accepted=False)
        late = limiter.may_send("d")
        limiter.task_ended("a")
        return early, late, limiter.may_send("d"), limiter.may_send("e")

    assert asyncio.run(story()) == (True, False, True, False), "one place, for one of the two"


def test_what_is_on_its_way_has_a_place():
    """Six go at once where five are taken: of those that had not gone yet only one may."""

    async def story():
        limiter = SubmitLimiter()
        await filled(limiter, 2)
        for name in "abcdef":
            await limiter.acquire(name)
        assert all(limiter.may_send(name) for name in "abc")  # on their way
        limiter.too_many("c", 5)
        limiter.release("c", accepted=False)
        return [limiter.may_send(name) for name in "def"]

    assert asyncio.run(story()) == [True, False, False]


def filled(limiter, count):
    """Have so many tasks accepted."""

    async def story():
        for number in range(count):
            await limiter.acquire(f"old {number}")
            limiter.release(f"old {number}", accepted=True)

    return story()


def test_an_announced_limit_is_never_probed_beyond():
    async def story():
        limiter = SubmitLimiter()
        await filled(limiter, 100)
        sent = [f"new {number}" for number in range(5)]
        for name in sent:
            await limiter.acquire(name)
        for name in sent:  # one burst is one piece of news
            assert limiter.too_many(name, 100)
            limiter.release(name, accepted=False)
        waiting = [asyncio.create_task(limiter.acquire(f"next {number}")) for number in range(300)]
        most = 0
        for _ in range(300):
            await asyncio.sleep(0.001)
            there = len(limiter._tasks)
            most = max(most, there)
            for name in list(limiter._submitting):
                limiter.release(name, accepted=True)
            limiter.task_ended(min(limiter._tasks))
        await asyncio.gather(*waiting)
        return most

    assert asyncio.run(story()) == 100


def test_an_announced_limit_that_others_share_is_felt_for():
    async def story():
        limiter = SubmitLimiter()
        await filled(limiter, 10)
        await limiter.acquire("refused")
        comes_back = limiter.too_many("refused", 100)
        limiter.release("refused", accepted=False)
        return comes_back, await entered(limiter, ["refused"])

    assert asyncio.run(story()) == (True, [])


def test_with_nothing_of_ours_there_a_refused_job_must_wait_by_itself():
    async def story():
        limiter = SubmitLimiter()
        await limiter.acquire("refused")
        return limiter.too_many("refused")

    assert asyncio.run(story()) is False


def test_the_longest_go_first_when_places_are_few():
    async def story():
        takes = {"short": 5.0, "long": 50.0, "middle": 20.0}
        limiter = SubmitLimiter(lambda group: takes[group])
        await filled_group(limiter)
        order = []

        async def one(name, group):
            await limiter.acquire(name, group)
            order.append(name)
            limiter.release(name, accepted=True)
            limiter.task_ended(name)

        await asyncio.gather(*[one(f"{group} {n}", group) for n in range(2) for group in takes])
        return order

    async def filled_group(limiter):
        limiter._capacity = 1.0

    order = asyncio.run(story())
    assert order == ["long 0", "long 1", "middle 0", "middle 1", "short 0", "short 1"]


def test_who_gives_up_waiting_takes_no_place():
    async def story():
        limiter = SubmitLimiter()
        await limiter.acquire("there")
        limiter.release("there", accepted=True)
        limiter._capacity = 1.0
        assert await entered(limiter, ["given up"]) == []
        assert limiter.crowded
        limiter.task_ended("there")
        return await entered(limiter, ["next"]), limiter.crowded

    assert asyncio.run(story()) == (["next"], False)


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        ("too many tasks: 100 are under way, 80 are allowed at once (1303)", 80),
        ("1303: too many tasks at once, limit 20", 20),
        ("parallel tasks over the limit of 5", 5),
        ("too many tasks at once (1303)", None),
        ("too many tasks, at most 5 of std, at most 3 of pro", None),
    ],
)
def test_a_limit_is_read_where_the_endpoint_says_one(message, limit):
    body = {"error": {"code": 429, "message": message}}
    error = error_from_answer(429, {}, body, "", host="h", paid=True)
    assert (error.kind, error.limit) == ("busy", limit)
