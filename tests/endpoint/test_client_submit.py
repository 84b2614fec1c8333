"""The paid POST: what counts as accepted, as surely refused, and as unknown."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.endpoint.errors import (
    AuthError,
    EndpointError,
    IdempotencyError,
    NotSentError,
    OutcomeUnknown,
    PaymentError,
    RateLimitError,
    RedirectError,
    RefusedError,
    error_from_answer,
    parse_retry_after,
)
from tests.endpoint.wire import BODY, KEY, Asked, Wire, answer, drip, run, says, submit

TASK = {"code": 200, "data": [{"status": "submitted", "task_id": "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"}]}


def error_body(code: object = None, message: str = "words", kind: str = "") -> dict[str, object]:
    error = {"message": message, "type": kind, "code": code}
    return {"error": {name: value for name, value in error.items() if value not in (None, "")}}


@pytest.mark.parametrize(
    ("status", "body", "task_id"),
    [
        (200, TASK, "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"),
        (202, {"code": 202, "data": {"id": "task-unified-1-x", "status": "queued"}}, "task-unified-1-x"),
        (200, {"code": 200, "data": [{"id": "a"}]}, "a"),
        (200, {"code": 200, "data": {"task_id": "b", "id": "c"}}, "b"),
        (200, {"code": 200, "data": {"id": 17}}, "17"),
        (200, {"id": "flat", "status": "queued"}, "flat"),
        (200, {"code": 200, "data": [None, {"task_id": "second"}]}, "second"),
        # Two contradictory words: a task id is proof that it was taken.
        (200, {"success": False, "data": {"task_id": "d"}}, "d"),
        (200, {"code": 400, "error": {"message": "?"}, "data": {"task_id": "e"}}, "e"),
    ],
)
def test_accepted_in_every_shape(status: int, body: object, task_id: str) -> None:
    assert submit(says(status, body)).task_id == task_id


@pytest.mark.parametrize("base", ["/v1/", "/v1/videos/generations", "/v1/videos/generations/", "/v1/tasks/"])
def test_submit_sends_key_body_and_idempotency_key_once(base: str) -> None:
    async def go() -> list[Asked]:
        async with Wire(says(200, TASK)) as wire, EndpointClient(wire.url + base, Secret(KEY)) as client:
            await client.submit(BODY, "job-1")
            return wire.asked

    (asked,) = run(go())
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/videos/generations", BODY)
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["idempotency-key"] == "job-1"
    assert asked.headers["content-type"] == "application/json"


def test_what_is_called_off_at_the_last_moment_is_not_sent() -> None:
    connected: list[int] = []

    async def go() -> tuple[str, list[Asked]]:
        async with Wire(says(200, TASK)) as wire, EndpointClient(wire.url, Secret(KEY)) as client:

            async def off() -> bool:
                connected.append(wire.connections)
                return False

            with pytest.raises(NotSentError) as caught:
                await client.submit(BODY, "job-1", go=off)
            await client.submit(BODY, "job-2")
            return caught.value.code, wire.asked

    code, asked = run(go())
    assert code == "held_back"
    assert [one.headers["idempotency-key"] for one in asked] == ["job-2"]
    assert len(connected) == 1, "asked once, and late"


def test_replayed_answer_says_so_and_keeps_the_request_id() -> None:
    got = submit(says(200, TASK, headers={"Idempotency-Replayed": "true", "X-Request-Id": "req-9"}))
    assert (got.replayed, got.request_id) == (True, "req-9")
    assert json.loads(got.raw) == TASK


def test_raw_answer_can_be_stored_whatever_it_holds() -> None:
    body = b'{"data":{"id":"t","status":"\\ud800","note":"\\u0000 https://h/x.mp4?X-Amz-Signature=s3cr3t"}}'
    got = submit(says(200, body))
    got.raw.encode()
    got.status.encode()
    assert "s3cr3t" not in got.raw


REFUSALS = [
    (400, error_body(400, "bad", "invalid_request_error"), RefusedError, "parameters"),
    (400, error_body("1301", "content policy violation"), RefusedError, "moderation"),
    (400, error_body(400, "1201: parameter wrong"), RefusedError, "parameters"),
    (400, error_body(400, "video duration must be 3-10 s"), RefusedError, "media"),
    (400, error_body(400, "1303 too many tasks at once"), RateLimitError, "busy"),
    (401, error_body(None, "no", "authentication_error"), AuthError, "auth"),
    (401, error_body("x", "no", "apimart_error"), AuthError, "auth"),
    (402, error_body(402, "short of 0.4", "payment_required"), PaymentError, "account"),
    (403, error_body(403, "not for you", "permission_error"), AuthError, "auth"),
    (429, error_body(429, "slower", "rate_limit_error"), RateLimitError, "rate"),
    (429, error_body(429, "1303 parallel task over limit"), RateLimitError, "busy"),
    (429, error_body("insufficient_quota", "slower", "rate_limit_error"), PaymentError, "account"),
    (429, error_body(429, "slower", "insufficient_quota"), PaymentError, "account"),
    (400, error_body(1301, "no", "invalid_request_error"), RefusedError, "moderation"),
    (500, error_body(500, "build_request_failed: bad field", "server_error"), RefusedError, "parameters"),
    (402, b"<html>pay</html>", PaymentError, "account"),
    (404, error_body(404, "no such address"), RefusedError, "other"),
    (405, {"code": 405, "message": "method not allowed"}, RefusedError, "other"),
    (413, error_body(413, "body too large"), RefusedError, "other"),
    (415, error_body(415, "send JSON"), RefusedError, "other"),
    (422, error_body(422, "field model is required"), RefusedError, "parameters"),
    (200, {"code": 404, "message": "no such address"}, RefusedError, "other"),
    (302, b"", RedirectError, "network"),
    (307, b"", RedirectError, "network"),
    (200, {"code": 400, "error": {"message": "bad"}}, RefusedError, "other"),
    (200, {"code": "402", "message": "bad"}, PaymentError, "account"),
    (200, {"error": {"code": 401, "message": "bad"}}, AuthError, "auth"),
    (200, {"code": 500, "message": "build_request_failed: x"}, RefusedError, "parameters"),
    (200, {"code": 429, "data": None, "message": "slow"}, RateLimitError, "rate"),
]


@pytest.mark.parametrize(("status", "body", "cls", "kind"), REFUSALS)
def test_surely_not_accepted(status: int, body: object, cls: type[EndpointError], kind: str) -> None:
    with pytest.raises(cls) as caught:
        submit(says(status, body, headers={"X-Request-Id": "req-1"}))
    assert type(caught.value) is cls
    assert caught.value.not_accepted
    assert (caught.value.kind, caught.value.request_id) == (kind, "req-1")


UNKNOWN = [
    (500, error_body(500, "oops", "server_error")),
    (500, error_body(500, "the request build_request_failed: later")),
    (500, b""),
    (502, b"<html><body>Bad gateway</body></html>"),
    (503, error_body(503, "busy")),
    (504, error_body(504, "late")),
    (303, b""),
    (404, b""),
    (404, b"<html>nothing here</html>"),
    (404, {"detail": "Not Found"}),
    (405, b"no such method"),
    (422, {"detail": [{"loc": ["body"]}]}),
    (408, b""),
    (409, error_body("idempotency_result_indeterminate", "?")),
    (409, error_body(409, "?", "idempotency_result_indeterminate")),
    (409, error_body(409, "conflict")),
    (418, error_body(418, "teapot")),
    (200, {"success": False, "message": "no"}),
    (200, {"code": 500, "message": "no"}),
    (200, {"code": 302, "message": "no"}),
    (200, {"code": 1301, "message": "no"}),
    (200, {"code": 200, "data": []}),
    (200, {"code": 200, "data": {"status": "queued"}}),
    (200, {"code": 200, "data": {"id": ""}}),
    (200, {"code": 200, "data": {"id": True}}),
    (200, {"code": 200, "data": {"id": "two words"}}),
    (200, {"code": 200, "data": "task_1"}),
    (200, []),
    (200, b"null"),
    (200, b""),
    (200, b"<html>hello</html>"),
    (200, b'{"code": 200, "data": [{"task_id": "tas'),
    (200, b"[" * 100_000),
    (200, b'{"data": {"id": ' + b"9" * 5000 + b"}}"),
    (204, b""),
]


@pytest.mark.parametrize(("status", "body"), UNKNOWN)
def test_outcome_unknown(status: int, body: object) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        submit(says(status, body))
    assert not caught.value.not_accepted
    assert caught.value.kind == "unknown"


def test_reused_key_is_reported_as_our_bug() -> None:
    with pytest.raises(OutcomeUnknown, match="bug in motion-widgets"):
        submit(says(409, error_body("idempotency_key_reused")))


@pytest.mark.parametrize(
    ("status", "word"), [(409, "idempotency_in_progress"), (503, "idempotency_unavailable")]
)
@pytest.mark.parametrize("place", ["code", "type"])
def test_same_request_may_be_sent_again(status: int, word: str, place: str) -> None:
    body = error_body(word) if place == "code" else error_body(status, kind=word)
    with pytest.raises(IdempotencyError) as caught:
        submit(says(status, body, headers={"Retry-After": "7"}))
    assert caught.value.retry_after == 7
    assert caught.value.server_code == word


@pytest.mark.parametrize(
    ("body", "message", "server_code"),
    [
        ({"error": {"code": 400, "message": "m", "type": "t"}}, "m", "t"),
        ({"error": {"message": "m", "type": "t"}}, "m", "t"),
        ({"error": {"message": "m", "code": "c"}}, "m", "c"),
        ({"request_id": "r", "error": {"message": "m", "type": "t", "param": "p", "code": "c"}}, "m", "t"),
        ({"error": "m"}, "m", ""),
        ({"message": "m"}, "m", ""),
        ({"error": {"message": None, "type": None, "code": None}}, "", ""),
        ({"error": ["m"], "message": "n"}, "n", ""),
        ([1], "", ""),
        (None, "", ""),
    ],
)
def test_error_shapes(body: object, message: str, server_code: str) -> None:
    error = error_from_answer(400, {}, body, "excerpt", host="h", paid=True)
    assert (message or "excerpt") in str(error)
    assert error.server_code == server_code
    assert error.request_id == ("r" if isinstance(body, dict) and "request_id" in body else "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "type", "request_id", "data", "id", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(status=st.integers(300, 599), body=JSON, paid=st.booleans())
def test_any_error_body_becomes_a_typed_error(status: int, body: object, paid: bool) -> None:
    error = error_from_answer(status, {"retry-after": "soon"}, body, "", host="h", paid=paid)
    assert isinstance(error, EndpointError)
    str(error).encode()
    assert error.request_id != "None"
    if error.not_accepted and paid:
        refused = str(body).find("build_request_failed") >= 0
        assert status in (400, 401, 402, 403, 429) or status in range(300, 400) or refused


class TestRetryAfter:
    DATE = datetime(2026, 10, 1, 12, 0, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("7", 7),
            ("0", 0),
            ("-3", 0),
            ("1.5", 1.5),
            ("99999", 300),
            ("inf", 300),
            ("nan", None),
            ("soon", None),
            ("", None),
            ("Thu, 99 Foo 2026", None),
        ],
    )
    def test_seconds(self, value: str, seconds: float | None) -> None:
        assert parse_retry_after({"retry-after": value}) == seconds

    @pytest.mark.parametrize("skew", [timedelta(0), timedelta(days=400), -timedelta(hours=9)])
    @pytest.mark.parametrize(("wait", "seconds"), [(20, 20), (-20, 0), (4000, 300)])
    def test_date_counts_from_the_servers_own_clock(self, skew: timedelta, wait: int, seconds: int) -> None:
        now = self.DATE + skew
        headers = {
            "retry-after": format_datetime(now + timedelta(seconds=wait), usegmt=True),
            "date": format_datetime(now, usegmt=True),
        }
        assert parse_retry_after(headers) == seconds

    @pytest.mark.parametrize("date", ["rubbish", ""])
    def test_a_broken_date_header_is_not_an_error(self, date: str) -> None:
        past = format_datetime(self.DATE - timedelta(days=4000), usegmt=True)
        assert parse_retry_after({"retry-after": past, "date": date}) == 0

    def test_over_the_wire(self) -> None:
        headers = {
            "Date": format_datetime(self.DATE, usegmt=True),
            "Retry-After": format_datetime(self.DATE + timedelta(seconds=42), usegmt=True),
        }
        with pytest.raises(RateLimitError) as caught:
            submit(says(429, error_body(429), headers=headers))
        assert caught.value.retry_after == 42


class TestConnection:
    def test_reset_after_the_request_was_read_is_unknown(self) -> None:
        async def play(_: Asked, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        with pytest.raises(OutcomeUnknown):
            submit(play)

    @pytest.mark.parametrize(
        "part", [b"", b"HTTP/1.1 200", b"garbage\r\n\r\n", answer(200, TASK)[:-10], answer(200, TASK)[:40]]
    )
    def test_half_an_answer_is_unknown(self, part: bytes) -> None:
        async def play(_: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(part)

        with pytest.raises(OutcomeUnknown):
            submit(play)

    def test_refused_connection_was_not_sent(self) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))  # bound, never listening: nobody else gets the port
            url = f"http://127.0.0.1:{held.getsockname()[1]}"

            async def go() -> None:
                async with EndpointClient(url, Secret(KEY)) as client:
                    await client.submit(BODY, "job-1")

            with pytest.raises(NotSentError) as caught:
                run(go())
        assert caught.value.not_accepted
        assert "nothing was sent" in str(caught.value)

    def test_unknown_host_was_not_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def nowhere(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(socket, "getaddrinfo", nowhere)

        async def go() -> None:
            async with EndpointClient("https://api.invalid", Secret(KEY)) as client:
                await client.submit(BODY, "job-1")

        with pytest.raises(NotSentError, match=r"api\.invalid cannot be reached"):
            run(go())

    def test_host_that_lets_nobody_in_was_not_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its queue is full, so the connection is neither made nor refused."""
        monkeypatch.setattr("motion_widgets.endpoint.transport.CONNECT_SECONDS", 0.3)
        with socket.socket() as deaf, contextlib.ExitStack() as stack:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            for _ in range(8):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(deaf.getsockname())

            async def go() -> None:
                url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
                async with EndpointClient(url, Secret(KEY), submit_seconds=30) as client:
                    await client.submit(BODY, "job-1")

            with pytest.raises(NotSentError, match="Timeout") as caught:
                run(go())
        assert caught.value.not_accepted

    def test_silence_ends_at_the_total_deadline(self) -> None:
        async def play(_: Asked, __: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        with pytest.raises(OutcomeUnknown):
            submit(play, submit_seconds=1.0)

    def test_one_byte_at_a_time_ends_at_the_total_deadline(self) -> None:
        with pytest.raises(OutcomeUnknown):
            submit(drip, submit_seconds=1.0)

    def test_no_handshake_in_time_was_not_sent(self) -> None:
        async def go() -> None:
            held = asyncio.Event()

            async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await held.wait()
                writer.close()

            server = await asyncio.start_server(silent, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            async with EndpointClient(f"https://127.0.0.1:{port}", Secret(KEY), submit_seconds=0.2) as client:
                try:
                    await client.submit(BODY, "job-1")
                finally:
                    held.set()
                    server.close()

        with pytest.raises(NotSentError):
            run(go())

    def test_a_server_without_tls_is_final(self) -> None:
        async def go() -> None:
            async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                await writer.drain()
                writer.close()

            server = await asyncio.start_server(plain, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            async with EndpointClient(f"https://127.0.0.1:{port}", Secret(KEY)) as client:
                try:
                    await client.submit(BODY, "job-1")
                finally:
                    server.close()

        with pytest.raises(EndpointError) as caught:
            run(go())
        assert type(caught.value).__name__ == "TlsError"
        assert caught.value.not_accepted

    def test_a_proxy_that_refuses_got_neither_request_nor_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def go() -> list[Asked]:
            async with Wire(says(502, b"no")) as proxy:
                for name in ("HTTPS_PROXY", "https_proxy"):
                    monkeypatch.setenv(name, proxy.url)
                for name in ("NO_PROXY", "no_proxy"):
                    monkeypatch.delenv(name, raising=False)
                async with EndpointClient("https://api.invalid", Secret(KEY)) as client:
                    with pytest.raises(NotSentError):
                        await client.submit(BODY, "job-1")
                return proxy.asked

        (asked,) = run(go())
        assert asked.method == "CONNECT"
        assert "authorization" not in asked.headers

    def test_submit_never_reuses_a_connection(self) -> None:
        """A kept-alive connection that the server closes meanwhile would make a paid outcome unknown."""

        async def play(asked: Asked, writer: asyncio.StreamWriter) -> None:
            body = TASK if asked.method == "POST" else {"data": {"status": "running"}}
            writer.write(answer(200, body, close=False))
            await writer.drain()

        async def go() -> list[int]:
            async with Wire(play, keep=True) as wire, EndpointClient(wire.url, Secret(KEY)) as client:
                await client.task("t")
                await client.task("t")
                await client.submit(BODY, "job-1")
                await client.submit(BODY, "job-2")
                return [asked.connection for asked in wire.asked]

        first, second, third, fourth = run(go())
        assert first == second  # polls keep theirs
        assert len({second, third, fourth}) == 3
