"""Calls that are ended from elsewhere: in time, whatever the host does, and nothing is sent after that."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.endpoint.errors import NotSentError, OutcomeUnknown, RateLimitError, ServerError
from tests.endpoint.wire import BODY, KEY, Asked, Wire, answer, run, says

if TYPE_CHECKING:
    from collections.abc import Iterator

    from motion_widgets.endpoint.transport import Answer

RUNNING = {"code": 200, "data": {"id": "t", "status": "processing", "progress": 45}}


class Dripping:
    """Answers so many calls, then sends a header that never ends."""

    def __init__(self, whole: int) -> None:
        self.whole = whole
        self.dripping, self.gone = asyncio.Event(), asyncio.Event()

    async def __call__(self, _: Asked, writer: asyncio.StreamWriter) -> None:
        if self.whole:
            self.whole -= 1
            writer.write(answer(200, RUNNING, close=False))
            return
        self.dripping.set()
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            self.gone.set()


@pytest.mark.parametrize("kept", [False, True])
class TestAnAnswerThatNeverEnds:
    def test_is_given_up_at_the_deadline_and_its_connection_ends(self, kept: bool) -> None:
        async def go() -> None:
            play = Dripping(whole=int(kept))
            async with (
                Wire(play, keep=True) as wire,
                EndpointClient(wire.url, Secret(KEY), call_seconds=0.5) as client,
            ):
                if kept:
                    await client.task("t")
                with pytest.raises(ServerError, match=r"0\.5 s"):
                    await client.task("t")
                await play.gone.wait()
                assert {asked.connection for asked in wire.asked} == {1}
                play.whole = 1  # the next call has a connection of its own
                await client.task("t")
                assert wire.connections == 2

        run(go())

    def test_is_waited_for_no_longer_than_the_caller_does(self, kept: bool) -> None:
        async def go() -> None:
            play = Dripping(whole=int(kept))
            async with Wire(play, keep=True) as wire, EndpointClient(wire.url, Secret(KEY)) as client:
                if kept:
                    await client.task("t")
                call = asyncio.create_task(client.task("t"))
                await play.dripping.wait()
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                await play.gone.wait()

        run(go())


def test_a_paid_call_that_was_sent_is_unknown_at_its_deadline() -> None:
    async def go() -> None:
        play = Dripping(whole=0)
        async with Wire(play) as wire, EndpointClient(wire.url, Secret(KEY), submit_seconds=0.3) as client:
            with pytest.raises(OutcomeUnknown):
                await client.submit(BODY, "job-1")
            await play.gone.wait()
            assert len(wire.asked) == 1

    run(go())


@contextlib.contextmanager
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let no name be found before the event is set."""
    found, real = threading.Event(), socket.getaddrinfo

    def look(*args: object, **options: object) -> object:
        found.wait(30)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    try:
        yield found
    finally:
        found.set()


@pytest.mark.parametrize("how", ["deadline", "cancelled"])
def test_what_is_given_up_while_a_name_is_looked_up_is_never_sent(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_to_go: list[bool] = []

    async def go() -> list[Asked]:
        async def never(_: Asked, __: asyncio.StreamWriter) -> None: ...

        async def asked() -> bool:
            asked_to_go.append(True)
            return True

        async with Wire(never) as wire:
            seconds = 0.1 if how == "deadline" else 30.0
            url = f"http://localhost:{wire.port}"
            async with EndpointClient(url, Secret(KEY), submit_seconds=seconds) as client:
                with slow_names(monkeypatch) as found:
                    call = asyncio.create_task(client.submit(BODY, "job-1", go=asked))
                    if how == "cancelled":
                        await asyncio.sleep(0.05)
                        call.cancel()
                        with pytest.raises(asyncio.CancelledError):
                            await call
                    else:
                        with pytest.raises(NotSentError):
                            await call
                    found.set()
                    await asyncio.sleep(0.05)  # whatever might still be sent would be by now
            return wire.asked

    assert run(go()) == []
    assert asked_to_go == []


def test_calls_at_once_have_a_connection_each_and_these_are_kept() -> None:
    async def go() -> tuple[int, int]:
        all_there, count = asyncio.Event(), 0

        async def play(_: Asked, writer: asyncio.StreamWriter) -> None:
            nonlocal count
            count += 1
            if count == 8:
                all_there.set()
            await all_there.wait()
            writer.write(answer(200, RUNNING, close=False))

        async with Wire(play, keep=True) as wire, EndpointClient(wire.url, Secret(KEY)) as client:
            await asyncio.gather(*[client.task("t") for _ in range(8)])
            first = wire.connections
            await asyncio.gather(*[client.task("t") for _ in range(8)])
            return first, wire.connections

    assert run(go()) == (8, 8)


def test_closing_ends_what_was_kept_and_what_comes_after() -> None:
    async def go() -> None:
        ends, let_go = [], asyncio.Event()

        async def play(asked: Asked, writer: asyncio.StreamWriter) -> None:
            if "slow" in asked.path:
                await let_go.wait()
            writer.write(answer(200, {"data": {"status": "processing"}}, close=False))
            ends.append(asyncio.create_task(writer.wait_closed()))

        async with Wire(play, keep=True) as wire:
            client = EndpointClient(wire.url, Secret(KEY))
            await client.task("fast")
            slow = asyncio.create_task(client.task("slow"))
            await client.task("fast")
            await client.aclose()
            let_go.set()
            await slow
            await asyncio.gather(*ends)

    run(go())


def test_a_refusal_reaches_whoever_waits_before_anything_else_on_the_loop_goes_on() -> None:
    """Submits that are about to be sent look at what the last refusal said."""
    order: list[str] = []

    async def go() -> None:
        async with Wire(says(429, {"error": {"message": "too many"}})) as wire:
            client = EndpointClient(wire.url, Secret(KEY))
            judging = client._judge

            def judge(answer: Answer, *, paid: bool) -> object:
                asyncio.get_running_loop().call_soon(order.append, "another")
                return judging(answer, paid=paid)

            client._judge = judge  # type: ignore[method-assign]
            with pytest.raises(RateLimitError):
                await client.submit(BODY, "job-1")
            order.append("refusal")
            await asyncio.sleep(0)

    run(go())
    assert order == ["refusal", "another"]


@pytest.mark.parametrize("how", ["deadline", "cancelled"])
def test_a_connection_that_is_given_up_while_it_is_secured_ends(how: str) -> None:
    async def go() -> None:
        connected, gone = asyncio.Event(), asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connected.set()
            while await reader.read(1024):
                pass
            gone.set()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with EndpointClient(
            url, Secret(KEY), submit_seconds=0.3 if how == "deadline" else 30
        ) as client:
            call = asyncio.create_task(client.submit(BODY, "job-1"))
            await connected.wait()
            if how == "cancelled":
                call.cancel()
            with pytest.raises(NotSentError if how == "deadline" else asyncio.CancelledError):
                await call
            await gone.wait()
        server.close()

    run(go())
