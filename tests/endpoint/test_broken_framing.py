"""Answers that are whole although what frames them is not: wrong encodings, wrong lengths, missing ends."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import TYPE_CHECKING

import pytest

from motion_widgets.endpoint import transport
from motion_widgets.endpoint.errors import AnswerError, OutcomeUnknown, PaymentError, ServerError
from tests.endpoint.wire import Asked, poll, submit, with_client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.endpoint.wire import Play

TASK_ID = "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"
SAID = {
    "POST /v1/videos/generations": {"code": 200, "data": [{"status": "submitted", "task_id": TASK_ID}]},
    "GET /v1/tasks/task_1": {"code": 200, "data": {"id": "task_1", "status": "processing"}},
    "POST /v1/uploads/images": {"url": "https://files.example/a.png"},
}
ENCODINGS = ["UTF-8", "none", "binary", "gzip", "br", "deflate", "gzip, br", "zstd", "aws-chunked", ""]
FRAMES = ["right", "too long", "no end of chunks", "no length", "half a chunk", "too long and open", "reset"]
PACKED = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip, cut": lambda body: gzip.compress(body)[:-6],
    "gzip, wrong sum": lambda body: gzip.compress(body)[:-8] + bytes(8),
    "deflate": zlib.compress,
    "BOM": lambda body: b"\xef\xbb\xbf" + body,
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "followed by more": lambda body: body + b"\n<script>track()</script>",
}


def framed(
    frame: str, encoding: str | None, pack: str = "plain", status: int = 200, body: object = None
) -> Play:
    """Play the answer that belongs to each call, framed like that."""

    async def play(asked: Asked, writer: asyncio.StreamWriter) -> None:
        said = SAID[f"{asked.method} {asked.path.partition('?')[0]}"] if body is None else body
        content = PACKED[pack](json.dumps(said).encode())
        lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json"]
        lines += [] if encoding is None else [f"Content-Encoding: {encoding}"]
        chunk = f"{len(content):x}\r\n".encode() + content + b"\r\n"
        if frame == "right":
            lines.append(f"Content-Length: {len(content)}")
        elif frame in ("too long", "too long and open", "reset"):
            lines.append(f"Content-Length: {len(content) + 100}")
        elif frame == "no end of chunks":
            lines.append("Transfer-Encoding: chunked")
            content = chunk
        elif frame == "half a chunk":
            lines.append("Transfer-Encoding: chunked")
            content = f"{len(content) + 9:x}\r\n".encode() + content
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await writer.drain()
        if frame == "too long and open":
            await asyncio.sleep(20)
        if frame == "reset":
            await asyncio.sleep(0.05)  # what was sent is on its way
            writer.transport.abort()

    return play


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "END_SECONDS", 0.1)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("encoding", [None, *ENCODINGS])
def test_a_task_id_that_arrived_counts(frame: str, encoding: str | None) -> None:
    assert submit(framed(frame, encoding)).task_id == TASK_ID


@pytest.mark.parametrize("pack", PACKED)
@pytest.mark.parametrize("encoding", [None, "gzip", "identity"])
@pytest.mark.parametrize("frame", ["right", "too long", "no end of chunks"])
def test_its_own_bytes_say_how_it_is_encoded(frame: str, encoding: str | None, pack: str) -> None:
    assert submit(framed(frame, encoding, pack)).task_id == TASK_ID


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("encoding", [None, "UTF-8", "gzip", "br"])
def test_polls_and_uploads_count_as_well(frame: str, encoding: str | None, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"png")
    play = framed(frame, encoding)
    assert poll(play).word == "processing"
    assert with_client(play, lambda client: client.upload_image(image)) == "https://files.example/a.png"


@pytest.mark.parametrize("frame", FRAMES)
def test_a_refusal_that_arrived_is_one(frame: str) -> None:
    body = {"error": {"message": "short of 0.4", "type": "payment_required", "code": 402}}
    with pytest.raises(PaymentError):
        submit(framed(frame, "br", status=402, body=body))


@pytest.mark.parametrize("frame", ["too long", "half a chunk", "reset"])
def test_what_breaks_off_within_the_json_is_unknown(frame: str) -> None:
    PACKED["cut"] = lambda body: body[:-12]
    try:
        with pytest.raises(OutcomeUnknown):
            submit(framed(frame, None, "cut"))
        with pytest.raises((ServerError, AnswerError)):
            poll(framed(frame, None, "cut"))
    finally:
        del PACKED["cut"]


def test_what_is_whole_at_the_deadline_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "END_SECONDS", 60.0)
    assert submit(framed("too long and open", None), submit_seconds=2.0).task_id == TASK_ID
