"""Work on threads: what is told of it, and that threads are kept, let go and no burden at the end."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from motion_widgets.core import background
from motion_widgets.core.background import on_thread


def test_what_it_returns_and_what_it_raises_is_told() -> None:
    async def go() -> list[object]:
        return await asyncio.gather(on_thread(lambda: 7), on_thread(lambda: 1 // 0), return_exceptions=True)

    seven, error = asyncio.run(go())
    assert seven == 7
    assert isinstance(error, ZeroDivisionError)


def test_a_thread_is_kept_for_what_comes_next() -> None:
    async def go() -> set[threading.Thread]:
        return {await on_thread(threading.current_thread) for _ in range(50)}

    assert len(asyncio.run(go())) < 5, "one, unless what another test left behind ends just now"


def test_as_much_goes_on_at_once_as_there_is() -> None:
    together = threading.Barrier(9)

    async def go() -> None:
        works = [on_thread(lambda: together.wait(30)) for _ in range(8)]
        together.wait(30)  # on the loop itself: none of the eight waits for it
        await asyncio.gather(*works)

    asyncio.run(go())


def test_who_cancels_hears_no_more_and_the_thread_goes_on() -> None:
    let_go, ended = threading.Event(), threading.Event()

    def work() -> None:
        let_go.wait(30)
        ended.set()

    async def go() -> None:
        told = on_thread(work)
        told.cancel()
        with pytest.raises(asyncio.CancelledError):
            await told
        let_go.set()
        await asyncio.to_thread(ended.wait, 30)
        assert await on_thread(lambda: 3) == 3

    asyncio.run(go())
    assert ended.is_set()


def test_a_loop_that_was_closed_meanwhile_is_no_trouble() -> None:
    let_go = threading.Event()

    async def go() -> None:
        on_thread(lambda: let_go.wait(30))

    asyncio.run(go())
    let_go.set()

    async def after() -> int:
        return await on_thread(lambda: 5)

    assert asyncio.run(after()) == 5


def test_a_thread_that_nobody_wants_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "KEPT", 0.01)
    monkeypatch.setattr(background, "_idle", [])

    async def go() -> threading.Thread:
        return await on_thread(threading.current_thread)

    one = asyncio.run(go())
    one.join(30)
    assert not one.is_alive()
    other = asyncio.run(go())
    assert other is not one
    other.join(30)
    assert not other.is_alive()


def test_it_does_not_hold_up_the_end_of_the_interpreter() -> None:
    said = (
        "import asyncio, time\n"
        "from motion_widgets.core.background import on_thread\n"
        "async def go():\n"
        "    on_thread(lambda: time.sleep(600))\n"
        "asyncio.run(go())\n"
    )
    subprocess.run([sys.executable, "-c", said], check=True, timeout=60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_takes_threads_of_its_own() -> None:
    said = (
        "import asyncio, os\n"
        "from motion_widgets.core.background import on_thread\n"
        "async def go():\n"
        "    return await on_thread(os.getpid)\n"
        "asyncio.run(go())\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(0 if asyncio.run(go()) == os.getpid() else 1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", said], check=True, timeout=60)


def test_much_work_from_many_loops_is_told_to_the_right_one() -> None:
    async def many(number: int) -> list[int]:
        def work(one: int) -> int:
            time.sleep(0)
            return number * 1000 + one

        return list(await asyncio.gather(*[on_thread(lambda one=one: work(one)) for one in range(100)]))

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
