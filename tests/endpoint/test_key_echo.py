"""A peer that sends the key back, wherever a response has room for it: nothing kept or shown has it."""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import traceback
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from IPython.core.ultratb import VerboseTB
from ipywidgets import Widget

import motion_widgets as mw
from motion_widgets.core.background import spawn
from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.jobs.scheduling import timing
from tests.endpoint.traces import traces
from tests.jobs.conftest import HURRY
from tests.jobs.endpoint import make_clip, make_png, until
from tests.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PARTS = ("sk-Pl4nted", "Q7xZ2vN9", "mK5tR8wB", "3cY6h")


def the_key() -> str:
    """Return the key; no frame of this test holds it as a whole."""
    return "".join(_PARTS)


def echo(sign: str) -> str:
    """Return the key in many spellings, joined by a sign."""
    key = the_key()
    percent = "".join(f"%{ord(one):02x}" for one in key)
    packed = base64.b64encode(f"Bearer {key}".encode()).decode()
    ways = (key, key[:20], key[::-1], key.encode().hex(), packed, percent, quote(percent), key.upper())
    return sign.join(ways)


def said(body: object, *, status: str = "200 OK", head: str = "", content: bytes | None = None) -> bytes:
    raw = (body if isinstance(body, str) else json.dumps(body)).encode() if content is None else content
    lines = f"HTTP/1.1 {status}\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n{head}\r\n"
    return lines.encode() + raw


def task(**more: object) -> dict[str, Any]:
    return {"code": 200, "data": {"id": "task_1", "status": "processing", **more}}


def ok(head: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{head}".encode()


def chunked(raw: bytes) -> bytes:
    """Return a response whose chunks cut the key into pieces of three bytes."""
    pieces = [raw[at : at + 3] for at in range(0, len(raw), 3)]
    parts = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in [*pieces, b""])
    return ok("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n") + parts


def error(**more: object) -> dict[str, Any]:
    return {"error": {"code": 400, "message": "no", "type": "x", **more}}


def escaped() -> str:
    return "".join(f"\\u{ord(one):04x}" for one in the_key())


BODIES: dict[str, Callable[[], bytes]] = {
    "reason": lambda: said(error(), status=f"500 {echo(' ')}"),
    "reason of a success": lambda: said(task(), status=f"200 {echo(' ')}"),
    "header": lambda: said(error(), status="500 No", head=f"X-Note: {echo(' ')}\r\n"),
    "header's name": lambda: said(error(), status="500 No", head=f"X-{the_key()}: 1\r\n"),
    "request id": lambda: said(error(), status="400 No", head=f"X-Request-Id: {echo('-')}\r\n"),
    "request id in the body": lambda: said({"request_id": echo(" "), **error()}, status="400 No"),
    "redirect": lambda: said("", status="302 Go", head=f"Location: https://{the_key()}.example/\r\n"),
    "retry after": lambda: said(error(), status="429 Wait", head=f"Retry-After: {the_key()}\r\n"),
    "broken status line": lambda: ok("").replace(b"200 OK", echo(" ").encode()) + b"\r\n",
    "no HTTP at all": lambda: echo("\r\n").encode() + b"\r\n\r\n",
    "broken header": lambda: ok(f" {echo(' ')}\r\n\r\n"),
    "zeros in a header": lambda: ok(f"X: {chr(0).join(the_key())}\r\n\r\n"),
    "broken length": lambda: ok(f"Content-Length: {the_key()}\r\n\r\n"),
    "broken encoding": lambda: ok(f"Transfer-Encoding: {the_key()}\r\n\r\n"),
    "broken chunk": lambda: ok(f"Transfer-Encoding: chunked\r\n\r\n{the_key()}\r\n\r\n"),
    "early response": lambda: f"HTTP/1.1 103 {the_key()}\r\nX: {the_key()}\r\n\r\n".encode() + said(error()),
    "body cut off": lambda: said(echo(" "), status="500 No")[:-3],
    "html": lambda: said(f"<html><b>{echo('<br>')}</b></html>", status="502 Bad"),
    "chunks": lambda: chunked(echo(" ").encode()),
    "gzip": lambda: said(
        "", status="500 No", head="Content-Encoding: gzip\r\n", content=gzip.compress(echo(" ").encode())
    ),
    "larger than believed": lambda: said(echo(" ") + "x" * (1 << 20) + echo(" ")),
    "message": lambda: said(error(message=f"1301 {echo(' ')}"), status="400 No"),
    "escaped message": lambda: said('{"error": {"message": "' + escaped() + '"}}', status="400 No"),
    "type": lambda: said(error(type=echo("_")), status="400 No"),
    "code": lambda: said(error(code=echo("_")), status="400 No"),
    "failure inside a success": lambda: said({"success": False, "message": echo(" ")}),
    "other words": lambda: said({"note": echo(" ")}),
    "task id": lambda: said({"code": 200, "data": [{"task_id": f"task_{the_key()}"}]}),
    "field's name": lambda: said(task(**{the_key(): the_key()})),
    "status word": lambda: said(task(status=echo("_"))),
    "link": lambda: said(
        task(status="completed", result={"videos": [{"url": f"https://h.invalid/{echo('/')}.mp4"}]})
    ),
    "failed task": lambda: said(task(status="failed", error={"message": echo(" "), "code": the_key()})),
}  # fmt: skip


class Echoing(LoopbackServer):
    """Sends raw bytes to every call with a key, and media to others."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.post = self.poll = b""
        super().__init__(_Handler)


class _Handler(BaseHTTPRequestHandler):
    own: Echoing

    def log_message(self, *_: object) -> None: ...

    def _raw(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        raw = self.own.post if self.command == "POST" else self.own.poll
        if self.path in self.own.files:
            raw = said("", content=self.own.files[self.path])
        elif self.headers["Authorization"] != f"Bearer {the_key()}":
            raw = said("", status="401 No")
        self.wfile.write(raw)
        self.close_connection = True

    do_GET = do_POST = _raw  # noqa: N815 - http.server's own names


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Echoing]:
    clip = make_clip(tmp_path_factory.mktemp("media") / "clip.mp4")
    made = Echoing({"/clip.mp4": clip, "/image.png": make_png()})
    yield made
    made.stop()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What all loggers say at DEBUG."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def shown(caught: BaseException) -> str:
    """Return all that a person or a debugger sees of an exception, its frames and causes."""
    parts = [repr(caught), str(vars(caught)), "".join(traceback.format_exception(caught))]
    parts.append(VerboseTB(theme_name="nocolor").text(type(caught), caught, caught.__traceback__))
    seen: BaseException | None = caught
    while seen is not None:
        frames = seen.__traceback__
        while frames is not None:
            parts.append(repr(frames.tb_frame.f_locals))
            frames = frames.tb_next
        seen = seen.__cause__ or seen.__context__
    return "\n".join(parts)


@pytest.mark.parametrize("call", ["submit", "task"])
@pytest.mark.parametrize("place", BODIES)
def test_no_call_brings_it_back(place: str, call: str, peer: Echoing, logged: io.StringIO) -> None:
    peer.post = peer.poll = BODIES[place]()
    answers: list[object] = []

    async def make() -> object:
        secret = Secret(the_key())
        async with EndpointClient(peer.url, secret, on_answer=lambda *one: answers.append(one)) as client:
            if call == "submit":
                return await client.submit(b"{}", "job-1")
            return await client.task("task_1")

    try:
        told = f"{spawn(make()).result(30)!r}"
    except mw.MotionError as caught:
        told = shown(caught)
    assert traces(told, the_key()) == []
    assert traces(repr(answers), the_key()) == []
    assert "receive_response_headers" in logged.getvalue()
    assert traces(logged.getvalue(), the_key()) == []


POLLED = ("link", "status word", "failed task")
PRODUCT = (*POLLED, "reason", "request id", "broken header", "message", "task id")


@pytest.mark.parametrize("place", PRODUCT)
def test_no_file_export_or_widget_has_it(
    place: str, peer: Echoing, logged: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in HURRY.items():
        monkeypatch.setattr(timing, name, value)
    hostile = BODIES[place]()
    accepted = {"code": 200, "data": [{"task_id": "task_1", "status": "submitted", "note": echo(" ")}]}
    peer.post = said(accepted, head=f"X-Request-Id: {echo('-')}\r\n") if place in POLLED else hostile
    peer.poll = hostile
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=f"{peer.url}/image.png", video_url=f"{peer.url}/clip.mp4"
    )
    with mw.Workspace(tmp_path, peer.url, key=the_key()) as ws:
        job = ws.submit(req, max_cost=1)
        until(lambda: job.state not in ("planned", "submitting"))
        until(lambda: place not in POLLED or job.resting or job.row.server_word)
        studio = mw.Studio(ws)
        until(lambda: job.id in repr(studio.history.strip.items))
        for kind in ("csv", "parquet", "json", "excel"):
            getattr(ws.log, f"to_{kind}")(tmp_path / f"log.{'xlsx' if kind == 'excel' else kind}")
        frame = ws.log.frame().to_csv() + ws.log.frame()["error_message"].to_string()
        state = json.dumps(Widget.get_manager_state(), default=str)
        told = "\n".join([repr(job), repr(job.row), str(job.error), frame, state, logged.getvalue()])
        studio.close()
    assert traces(told, the_key()) == []
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert traces(path.read_bytes().decode("latin-1"), the_key()) == [], path
