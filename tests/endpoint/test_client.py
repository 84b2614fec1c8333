"""The calls that cost nothing: their errors, their bounds, and that the key goes to one origin only."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gzip
import logging
import pickle
import time
import traceback
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from motion_widgets.core.errors import RequestError
from motion_widgets.core.hosts import is_loopback
from motion_widgets.core.http import open_transport
from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.endpoint.errors import (
    AnswerError,
    AuthError,
    EndpointError,
    NotFoundError,
    OutcomeUnknown,
    RateLimitError,
    RedirectError,
    ServerError,
)
from tests.endpoint.wire import BODY, KEY, Asked, Wire, answer, drip, poll, run, says, submit, with_client

if TYPE_CHECKING:
    from pathlib import Path

RUNNING = {"code": 200, "data": {"id": "t", "status": "processing", "progress": 45}}
PROCESSING = {"data": {"status": "processing"}}
"""Of no task in particular."""


def test_task_is_asked_in_a_language_with_its_id_quoted() -> None:
    async def go() -> tuple[str, str]:
        async with Wire(says(200, PROCESSING)) as wire, EndpointClient(wire.url, Secret(KEY)) as client:
            task = await client.task("a/b?c", language="ja")
            assert wire.asked[0].headers["cache-control"] == "no-cache"
            return wire.asked[0].path, task.word

    assert run(go()) == ("/v1/tasks/a%2Fb%3Fc?language=ja", "processing")


def test_a_path_in_front_of_v1_is_kept() -> None:
    async def go() -> str:
        async with (
            Wire(says(200, RUNNING)) as wire,
            EndpointClient(wire.url + "/mirror/", Secret(KEY)) as client,
        ):
            await client.task("t")
            return wire.asked[0].path

    assert run(go()).startswith("/mirror/v1/tasks/t")


@pytest.mark.parametrize(
    ("status", "body", "cls"),
    [
        (404, {"error": {"message": "no task"}}, NotFoundError),
        (410, {"error": {"message": "gone"}}, NotFoundError),
        (404, b"<html>", ServerError),
        (410, b"", ServerError),
        (404, {"message": "no Route matched"}, ServerError),
        (500, {"error": {"message": "x"}}, ServerError),
        (502, b"<html>", ServerError),
        (503, b"", ServerError),
        (401, {"error": {"message": "x"}}, AuthError),
        (429, b"", RateLimitError),
        (303, b"", RedirectError),
        (200, b"<html><script>alert(1)</script></html>", AnswerError),
        (200, b'{"data": {"status": "runn', AnswerError),
        (200, b"", AnswerError),
        (200, {"data": {}}, AnswerError),
        (200, {"data": {"status": 7}}, AnswerError),
        (200, {"success": False, "message": "x"}, ServerError),
        (200, {"code": 404, "error": {"message": "x"}}, NotFoundError),
    ],
)
def test_poll_errors(status: int, body: object, cls: type[EndpointError]) -> None:
    with pytest.raises(cls) as caught:
        poll(says(status, body))
    assert type(caught.value) is cls
    assert not isinstance(caught.value, OutcomeUnknown)


def test_unreadable_answer_shows_its_first_characters_only() -> None:
    page = b"<html>Gateway\n\ttrouble " + b"x" * 5000
    with pytest.raises(AnswerError, match="<html>Gateway trouble x") as caught:
        poll(says(200, page))
    assert len(str(caught.value)) < 500


def test_a_failed_task_is_an_answer_not_an_error() -> None:
    body = {"code": 200, "data": {"status": "failed", "error": {"code": 1301, "message": "content policy"}}}
    task = poll(says(200, body))
    assert (task.state, task.error_code, task.error_message) == ("failed", "1301", "content policy")


class TestBounds:
    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize("paid", [True, False])
    def test_large_answers_are_refused_in_bounded_memory(self, zipped: bool, paid: bool) -> None:
        size = 256 << 20 if zipped else 8 << 20
        packed = zip_bomb(size) if zipped else b""
        headers = {"Content-Encoding": "gzip"} if zipped else {}

        async def play(_: Asked, writer: asyncio.StreamWriter) -> None:
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            length = len(packed) if zipped else size
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{head}\r\n".encode())
            for start in range(0, length, 1 << 16):
                writer.write(packed[start : start + (1 << 16)] if zipped else b" " * (1 << 16))
                await writer.drain()

        tracemalloc.start()
        try:
            with pytest.raises(OutcomeUnknown if paid else AnswerError, match="larger than 1 MiB"):
                (submit if paid else poll)(play)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 40 << 20

    def test_a_refusal_in_a_broken_encoding_is_still_a_refusal(self) -> None:
        with pytest.raises(AuthError):
            submit(says(401, b"no gzip", headers={"Content-Encoding": "gzip"}))

    def test_a_zipped_answer_is_read_although_none_was_asked_for(self) -> None:
        body = gzip.compress(b'{"data": {"status": "queued"}}')
        assert poll(says(200, body, headers={"Content-Encoding": "gzip"})).word == "queued"

    def test_slow_poll_ends_at_the_total_deadline(self) -> None:
        with pytest.raises(ServerError, match="did not send a complete response within 1 s"):
            poll(drip, call_seconds=1.0)

    def test_a_broken_poll_is_a_server_error(self) -> None:
        async def play(_: Asked, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        with pytest.raises(ServerError, match="broke"):
            poll(play)


def zip_bomb(size: int) -> bytes:
    """Pack `size` zeros without ever holding them."""
    import zlib

    packer = zlib.compressobj(wbits=31)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


class TestOrigin:
    @pytest.mark.parametrize("paid", [True, False])
    def test_redirect_names_both_hosts_and_takes_no_key_along(self, paid: bool) -> None:
        async def go() -> list[Asked]:
            async with Wire(says(200, RUNNING)) as other:
                target = f"http://localhost:{other.port}/v1/tasks/t"
                async with (
                    Wire(says(307, b"", headers={"Location": target})) as wire,
                    EndpointClient(wire.url, Secret(KEY)) as client,
                ):
                    with pytest.raises(RedirectError, match=r"127\.0\.0\.1 .* localhost"):
                        await (client.submit(BODY, "j") if paid else client.task("t"))
                return other.asked

        assert run(go()) == []

    @pytest.mark.parametrize("location", ["http://[broken", "/login", "", "//"])
    def test_odd_redirects_are_redirects(self, location: str) -> None:
        with pytest.raises(RedirectError):
            submit(says(302, b"", headers={"Location": location}))

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.com", "http://127.evil.com", "http://localhost.evil.com", "http://10.0.0.1",
            "ftp://example.com", "https://", "example.com", "", "https://h:99999", "https://[::1", "http://[::2]",
            "https://user:pw@example.com", "https://example.com/?key=1", "http://0.0.0.0",
        ],
    )  # fmt: skip
    def test_no_client_for_an_address_that_must_not_have_a_key(self, url: str) -> None:
        with pytest.raises(RequestError) as caught:
            EndpointClient(url, Secret(KEY))
        assert "pw" not in str(caught.value)

    @pytest.mark.parametrize(
        "url",
        ["http://127.0.0.1:1", "http://localhost", "http://[::1]:8", "https://example.com", "HTTPS://H/v1"],
    )
    def test_clients_for_https_and_loopback(self, url: str) -> None:
        EndpointClient(url, Secret(KEY))

    def test_loopback_is_no_matter_of_how_a_name_begins(self) -> None:
        assert is_loopback("http://127.9.9.9/x")
        assert not is_loopback("http://127.0.0.1.example.com")
        assert not is_loopback("http://[broken")

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com/x",
            "http://127.0.0.1:1/x",
            "http://localhost:{port}/x",
            "https://127.0.0.1:{port}",
        ],
    )
    def test_the_key_goes_to_no_other_origin(self, url: str) -> None:
        async def go() -> None:
            async with Wire(says(200, RUNNING)) as wire, EndpointClient(wire.url, Secret(KEY)) as client:
                request = httpx.Request("GET", url.format(port=wire.port))
                await client._transport.send(open_transport(request.url), request, at_once)

        with pytest.raises(RequestError, match="does not belong"):
            run(go())


async def at_once() -> None:
    """Wait for nothing before the first byte."""


def assert_keyless(text: object) -> None:
    assert KEY not in str(text)


def deep_traceback(error: BaseException) -> str:
    """Show a traceback with the locals of all frames, as IPython's ``%xmode Verbose`` does."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


class TestKeyStaysSecret:
    PLAYS = (
        says(200, RUNNING),
        says(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        says(500, f"<html>{KEY}</html>".encode()),
        says(200, ('{"message": "' + KEY.replace("K", "\\u004b") + '", "success": false}').encode()),
        says(302, b"", headers={"Location": "https://example.com/"}),
        says(200, b"{"),
    )

    @pytest.mark.parametrize("number", range(6))
    def test_debug_logs_and_errors_never_hold_it(self, number: int, caplog: pytest.LogCaptureFixture) -> None:
        for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection", "asyncio"):
            caplog.set_level(logging.DEBUG, logger=name)
        for call in (poll, submit):
            try:
                call(self.PLAYS[number])
            except EndpointError as error:
                for text in (error, repr(error), vars(error), deep_traceback(error), pickle.dumps(error)):
                    assert_keyless(text)
        assert any(record.name.startswith("httpcore") for record in caplog.records)
        assert_keyless(caplog.text)
        for record in caplog.records:
            assert_keyless(vars(record))

    @pytest.mark.parametrize("kind", ["reset", "silence", "refused"])
    def test_broken_connections_drag_no_frame_along(self, kind: str) -> None:
        async def play(_: Asked, writer: asyncio.StreamWriter) -> None:
            if kind == "reset":
                writer.transport.abort()
            else:
                await asyncio.Event().wait()

        async def go() -> None:
            async with Wire(play) as wire:
                url = wire.url if kind != "refused" else "http://127.0.0.1:1"
                async with EndpointClient(url, Secret(KEY), submit_seconds=1.0) as client:
                    await client.submit(BODY, "j")

        with pytest.raises(EndpointError) as caught:
            run(go())
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert_keyless(deep_traceback(caught.value))

    def test_the_sent_request_lets_go_of_the_key(self) -> None:
        async def play(_: Asked, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        async def go(reply: Any) -> httpx.Request:
            async with Wire(reply) as wire, EndpointClient(wire.url, Secret(KEY)) as client:
                request = httpx.Request("GET", wire.url)
                with contextlib.suppress(httpx.HTTPError):
                    response = await client._transport.send(open_transport(request.url), request, at_once)
                    await response.aclose()
                (asked,) = wire.asked
                assert asked.headers["authorization"] == f"Bearer {KEY}"
                return request

        for reply in (play, says(200, RUNNING)):
            assert "authorization" not in run(go(reply)).headers

    def test_the_client_shows_it_nowhere(self) -> None:
        client = EndpointClient("https://example.com", Secret(KEY))
        for text in (repr(client), vars(client)):
            assert_keyless(text)
        with pytest.raises(TypeError):
            pickle.dumps(client)
        with pytest.raises(TypeError):
            copy.deepcopy(client)


class TestSmallCalls:
    def test_balance_of_account_and_of_key(self) -> None:
        async def go() -> list[str]:
            body = {"success": True, "remain_balance": 10.5, "used_balance": 2.3, "unlimited_quota": False}
            async with Wire(says(200, body)) as wire, EndpointClient(wire.url, Secret(KEY)) as client:
                assert (await client.balance()).remain == 10.5
                assert (await client.balance(account=False)).used == 2.3
                return [asked.path for asked in wire.asked]

        assert run(go()) == ["/v1/user/balance", "/v1/balance"]

    def test_its_clock_is_that_of_the_last_date_whatever_this_machines_is_set_to(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An answer without a date, such as a proxy's, says nothing of the time."""
        dated = says(200, PROCESSING, headers={"Date": "Sun, 01 Mar 2026 12:00:00 GMT"})
        real = time.time

        async def play(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await (dated if asked.connection == 1 else says(200, PROCESSING))(asked, writer)

        async def go() -> list[float]:
            async with Wire(play) as wire, EndpointClient(wire.url, Secret(KEY)) as client:
                moments = [client.now() - real()]
                await client.task("t")
                moments.append(client.now())
                monkeypatch.setattr(time, "time", lambda: real() + 1e6)
                moments.append(client.now())
                await client.task("t")
                return [*moments, client.now()]

        ahead, *told = run(go())
        assert abs(ahead) < 5
        noon = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
        assert told == sorted(told)
        assert told == pytest.approx([noon] * 3, abs=60)

    def test_balance_that_is_none(self) -> None:
        with pytest.raises(AnswerError):
            with_client(says(200, {"success": True}), lambda client: client.balance())

    def test_models(self) -> None:
        got = with_client(says(200, {"data": [{"id": "a"}, "b", 3, {}]}), lambda client: client.models())
        assert got == ("a", "b")

    def test_upload_sends_the_bytes_and_gives_the_link(self, tmp_path: Path) -> None:
        path = tmp_path / "my secret name.PNG"
        path.write_bytes(b"picture bytes")

        async def go() -> tuple[str, Asked]:
            body = {"url": "https://cdn.example.com/x.png", "bytes": 13}
            async with Wire(says(200, body)) as wire, EndpointClient(wire.url, Secret(KEY)) as client:
                return await client.upload_image(path), wire.asked[0]

        link, asked = run(go())
        assert link == "https://cdn.example.com/x.png"
        assert (asked.method, asked.path) == ("POST", "/v1/uploads/images")
        assert b"picture bytes" in asked.body
        assert b'name="file"' in asked.body
        assert b"my secret name" not in asked.body

    @pytest.mark.parametrize("body", [{}, {"url": None}, {"url": "file:///etc/passwd"}, {"url": ["x"]}, []])
    def test_upload_without_a_link_is_unreadable_and_never_unknown(
        self, body: object, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(b"x")
        with pytest.raises(AnswerError):
            with_client(says(200, body), lambda client: client.upload_image(path))

    @pytest.mark.parametrize("body", [{}, {"url": 3}, {"url": ""}, []])
    def test_host_without_a_link_is_unreadable(self, body: object, tmp_path: Path) -> None:
        path = tmp_path / "a.mp4"
        path.write_bytes(b"x")
        with pytest.raises(AnswerError):
            with_client(says(200, body), lambda client: client.host(path, ".mp4"))

    def test_answers_with_a_byte_order_mark_are_read(self) -> None:
        assert poll(says(200, b'\xef\xbb\xbf{"data": {"status": "queued"}}')).word == "queued"


def test_answer_helper_is_well_formed() -> None:
    assert answer(200, {}).endswith(b"\r\n\r\n{}")
