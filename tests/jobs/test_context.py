"""The log is called in turn and off the loop, and what must not be lost is written in the end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading

import pytest

from motion_widgets.core.errors import LogError
from motion_widgets.jobs.context import ClientHolder, LogCalls
from motion_widgets.log.store import Log

PLAIN = {"endpoint": "e", "account": "a", "sandbox": False}


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    yield log
    log.close()


@pytest.fixture
def ids(log):
    return [log.jobs.add({**PLAIN, "key": str(number)})[0].id for number in range(20)]


def told(story):
    """Run a story with log calls of which the first is held until it says so."""
    free = threading.Event()

    async def run():
        db = LogCalls()
        held = asyncio.create_task(db(free.wait, 30))
        await asyncio.sleep(0)
        try:
            return await story(db, free)
        finally:
            free.set()
            await held

    return asyncio.run(run())


def test_calls_are_made_one_at_a_time_in_the_order_that_they_came(ids):
    inside, order = [], []

    def call(one):
        assert not inside
        inside.append(one)
        order.append(one)
        inside.remove(one)

    async def story(db, free):
        calls = [asyncio.create_task(db(call, one)) for one in ids]
        await asyncio.sleep(0)
        assert order == [], "the first call is still at work"
        free.set()
        await asyncio.gather(*calls)

    told(story)
    assert order == ids


def test_sending_waits_for_at_most_one_of_the_ordinary_calls(ids):
    order = []

    async def story(db, free):
        calls = [asyncio.create_task(db(order.append, one)) for one in ids]
        await asyncio.sleep(0)
        calls.append(asyncio.create_task(db.first(order.append, "mine")))
        calls.append(asyncio.create_task(db.persist(order.append, "mine too")))
        calls.append(asyncio.create_task(db.persist(order.append, "no hurry", ahead=False)))
        await asyncio.sleep(0)
        free.set()
        await asyncio.gather(*calls)

    told(story)
    assert [one for one in order if one in ids] == ids
    assert order.index("mine too") <= 3
    assert order[-1] == "no hurry", "what nothing waits for goes in turn"


def test_what_was_written_is_committed_once_a_call_returns(log, ids):
    async def story(db, free):
        free.set()
        written = await db(log.transitions.intend, ids[0], 1, owner="me")
        with contextlib.closing(Log(log.database.path)) as other:
            return written, other.jobs.get(ids[0]).state

    assert told(story) == (True, "submitting")


def test_an_error_is_its_callers_alone(log, ids):
    async def story(db, free):
        calls = [db(log.jobs.get, one) for one in (ids[0], "job-none", ids[1])]
        tasks = [asyncio.create_task(one) for one in calls]
        await asyncio.sleep(0)
        free.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, wrong, last = told(story)
    assert (first.id, last.id, wrong.code) == (ids[0], ids[1], "no_such_id")
    assert isinstance(wrong, LogError)


def test_who_gave_up_before_its_turn_writes_nothing(log, ids):
    async def story(db, free):
        one = asyncio.create_task(db(log.transitions.intend, ids[0], 1, owner="me"))
        other = asyncio.create_task(db(log.transitions.intend, ids[1], 1, owner="me"))
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.sleep(0)
        free.set()
        return await other

    assert told(story) is True
    assert [log.jobs.get(one).state for one in ids[:2]] == ["planned", "submitting"]


def test_what_must_not_be_lost_is_written_once_the_log_takes_it():
    left = [3]

    def write(value):
        if left[0]:
            left[0] -= 1
            raise LogError("disk full")
        return value

    assert asyncio.run(LogCalls().persist(write, 7)) == 7
    assert left == [0]


class Client:
    def __init__(self):
        self.closed = False

    async def aclose(self):
        self.closed = True


def test_all_who_call_at_once_share_one_client_and_the_next_after_closing_gets_another():
    async def make():
        await asyncio.sleep(0.01)
        return Client()

    async def story():
        holder = ClientHolder(make)
        first = await asyncio.gather(*[holder.get() for _ in range(5)])
        await holder.close()
        return first, await holder.get()

    first, second = asyncio.run(story())
    assert len(set(first)) == 1
    assert (first[0].closed, second.closed) == (True, False)


def test_the_context_is_frozen(ws):
    with pytest.raises(dataclasses.FrozenInstanceError):
        ws.connection.runner.context.owner = "somebody"
