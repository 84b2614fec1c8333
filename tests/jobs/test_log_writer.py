"""The log is called in turn, off the loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from motion_widgets.core.errors import LogError
from motion_widgets.jobs.log_writer import Scribe
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


def told(log, story):
    """Run a story with a scribe whose first call is held until it says so."""
    free = threading.Event()

    async def run():
        scribe = Scribe()
        held = asyncio.create_task(scribe.call(free.wait, 30))
        await asyncio.sleep(0)
        try:
            return await story(scribe, free)
        finally:
            free.set()
            await held
            scribe.close()

    return asyncio.run(run())


def test_it_answers_once_the_call_is_committed(log, ids):
    async def story(scribe, free):
        calls = [asyncio.create_task(scribe.call(log.transitions.intend, one, 1, owner="me")) for one in ids]
        await asyncio.sleep(0)
        free.set()
        return await asyncio.gather(*calls)

    assert told(log, story) == [True] * len(ids)
    assert {log.jobs.get(one).state for one in ids} == {"submitting"}


def test_an_error_is_its_callers_alone(log, ids):
    async def story(scribe, free):
        calls = [scribe.call(log.jobs.get, one) for one in (ids[0], "job-none", ids[1])]
        tasks = [asyncio.create_task(one) for one in calls]
        await asyncio.sleep(0)
        free.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, wrong, last = told(log, story)
    assert (first.id, last.id, wrong.code) == (ids[0], ids[1], "no_such_id")
    assert isinstance(wrong, LogError)


def test_who_gave_up_before_its_turn_writes_nothing(log, ids):
    async def story(scribe, free):
        one = asyncio.create_task(scribe.call(log.transitions.intend, ids[0], 1, owner="me"))
        other = asyncio.create_task(scribe.call(log.transitions.intend, ids[1], 1, owner="me"))
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.sleep(0)
        free.set()
        return await other

    assert told(log, story) is True
    assert [log.jobs.get(one).state for one in ids[:2]] == ["planned", "submitting"]


def test_after_its_end_it_still_writes_down_what_is_known(log, ids):
    async def story(scribe, free):
        free.set()
        scribe.close()
        return await scribe.call(log.transitions.intend, ids[0], 1, owner="me")

    assert told(log, story) is True
    assert log.jobs.get(ids[0]).state == "submitting"
