"""The background loop and its pool: results reach whoever waits, and threads are no burden at the end."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import CancelledError

import pytest

from motion_widgets.core.background import DaemonPool, on_owned_loop, owned_loop, spawn


def test_what_it_returns_and_what_it_raises_is_told() -> None:
    async def go() -> list[object]:
        works = [asyncio.to_thread(lambda: 7), asyncio.to_thread(lambda: 1 // 0)]
        return await asyncio.gather(*works, return_exceptions=True)

    seven, error = spawn(go()).result(30)
    assert seven == 7
    assert isinstance(error, ZeroDivisionError)


def test_arguments_are_passed_on() -> None:
    pool = DaemonPool(1)
    assert pool.submit(int, "ff", base=16).result(30) == 255
    assert list(pool.map(str, range(20))) == [str(one) for one in range(20)]


def test_all_work_runs_on_one_loop_with_one_pool() -> None:
    async def go() -> tuple[asyncio.AbstractEventLoop, bool, str, bool]:
        thread = await asyncio.to_thread(threading.current_thread)
        return asyncio.get_running_loop(), on_owned_loop(), thread.name, thread.daemon

    first, second = spawn(go()).result(30), spawn(go()).result(30)
    assert first == second == (owned_loop(), True, "motion-widgets-work", True)
    assert not on_owned_loop()


def test_a_thread_is_kept_for_what_comes_next() -> None:
    pool = DaemonPool()
    threads = set()
    for _ in range(50):
        threads.add(pool.submit(threading.get_ident).result(30))
        time.sleep(0.001)  # the thread is free a moment after its result is there
    assert len(threads) < 5


def test_as_much_goes_on_at_once_as_there_is() -> None:
    together, pool = threading.Barrier(9), DaemonPool(8)
    works = [pool.submit(together.wait, 30) for _ in range(8)]
    together.wait(30)
    assert {work.result(30) for work in works} <= set(range(9))


def test_more_work_than_threads_waits_for_its_turn() -> None:
    let_go, pool, at_once, most = threading.Event(), DaemonPool(3), [], []

    def work(number: int) -> int:
        at_once.append(number)
        most.append(len(at_once))
        let_go.wait(30)
        at_once.remove(number)
        return number

    works = [pool.submit(work, number) for number in range(30)]
    let_go.set()
    assert [one.result(30) for one in works] == list(range(30))
    assert max(most) <= 3


def test_who_cancels_hears_no_more_and_the_thread_goes_on() -> None:
    begun, let_go, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        let_go.wait(30)
        ended.set()

    async def go() -> None:
        told = asyncio.create_task(asyncio.to_thread(work))
        assert await asyncio.to_thread(begun.wait, 30)  # what is cancelled before it never runs
        told.cancel()
        with pytest.raises(asyncio.CancelledError):
            await told
        let_go.set()
        await asyncio.to_thread(ended.wait, 30)
        assert await asyncio.to_thread(lambda: 3) == 3

    spawn(go()).result(60)
    assert ended.is_set()


def test_what_is_cancelled_before_its_turn_is_never_begun() -> None:
    let_go, begun, pool = threading.Event(), [], DaemonPool(1)
    pool.submit(let_go.wait, 30)
    waiting = pool.submit(begun.append, 1)
    assert waiting.cancel()
    let_go.set()
    assert pool.submit(lambda: 5).result(30) == 5
    with pytest.raises(CancelledError):
        waiting.result(30)
    assert begun == []


def test_a_loop_that_was_closed_meanwhile_is_no_trouble() -> None:
    let_go, pool = threading.Event(), DaemonPool(1)

    async def go() -> None:
        asyncio.get_running_loop().run_in_executor(pool, let_go.wait, 30)

    asyncio.run(go())
    let_go.set()

    async def after() -> int:
        return await asyncio.get_running_loop().run_in_executor(pool, lambda: 5)

    assert asyncio.run(after()) == 5


def test_an_idle_thread_keeps_nothing_alive() -> None:
    class Large:
        pass

    pool, large = DaemonPool(1), Large()
    gone = weakref.ref(large)
    assert pool.submit(lambda one: one, large).result(30) is large
    del large
    pool.submit(lambda: None).result(30)
    gc.collect()
    assert gone() is None


def test_it_does_not_hold_up_the_end_of_the_interpreter() -> None:
    said = (
        "import asyncio, time\n"
        "from motion_widgets.core.background import spawn\n"
        "async def go():\n"
        "    asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)\n"
        "    asyncio.get_running_loop().create_task(asyncio.to_thread(time.sleep, 600))\n"
        "    await asyncio.sleep(0.05)\n"
        "spawn(go()).result()\n"
    )
    subprocess.run([sys.executable, "-c", said], check=True, timeout=60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_takes_threads_of_its_own() -> None:
    said = (
        "import asyncio, os\n"
        "from motion_widgets.core.background import spawn\n"
        "async def go():\n"
        "    return await asyncio.to_thread(os.getpid)\n"
        "spawn(go()).result()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(0 if spawn(go()).result(30) == os.getpid() else 1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", said], check=True, timeout=60)


def test_at_exit_the_threads_that_are_there_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = DaemonPool(4)
    let_go = threading.Event()

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        first = pool.submit(let_go.wait, 30)
        second = pool.submit(lambda: 2)
        third = pool.submit(lambda: 3)
        let_go.set()
        assert (first.result(30), second.result(30), third.result(30)) == (True, 2, 3)
    assert pool.submit(lambda: 4).result(30) == 4


def test_much_work_from_many_loops_is_told_to_the_right_one() -> None:
    pool = DaemonPool()

    async def many(number: int) -> list[int]:
        def work(one: int) -> int:
            time.sleep(0)
            return number * 1000 + one

        loop = asyncio.get_running_loop()
        return list(await asyncio.gather(*[loop.run_in_executor(pool, work, one) for one in range(100)]))

    told: dict[int, list[int]] = {}
    loops = [
        threading.Thread(target=lambda one=one: told.update({one: asyncio.run(many(one))}))
        for one in range(6)
    ]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join(60)
    assert told == {one: [one * 1000 + other for other in range(100)] for one in range(6)}
