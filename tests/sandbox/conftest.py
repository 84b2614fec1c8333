"""The sandbox as seen from outside: raw HTTP, media made here, never the toolkit's own client."""

from __future__ import annotations

import io
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import imageio_ffmpeg
import pytest
from PIL import Image

from motion_widgets.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
OFTEN = {"speed": 4000, "result_life": 1e9, "upload_life": 1e9, "max_in_flight": 500}
V26, V3 = "kling-v2-6-motion-control", "kling-v3-motion-control"


def png(width=400, height=500, kind="PNG", color="teal", **how) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, kind, **how)
    return out.getvalue()


class Wire:
    """A raw HTTP caller of one sandbox."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        self.http = httpx.Client(base_url=sandbox.url, headers=headers, timeout=60, trust_env=False)

    def host(self, content: bytes) -> str:
        answer = self.http.post("/sandbox/media", content=content, headers={"X-Filename": "../../x.png"})
        assert answer.status_code == 200, answer.text
        return answer.json()["url"]

    def submit(self, body, headers=None) -> httpx.Response:
        return self.http.post("/v1/videos/generations", json=body, headers=headers or {})

    def poll(self, task_id, **options) -> dict:
        answer = self.http.get(f"/v1/tasks/{task_id}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def end(self, task_id, **options) -> dict:
        return until(
            lambda: (data := self.poll(task_id, **options))["status"] in {"completed", "failed"} and data
        )

    @property
    def balance(self) -> float:
        return self.http.get("/v1/balance").json()["remain_balance"]


def until(condition, deadline=60.0):
    """Ask until it is so; the deadline only guards against hanging."""
    ends = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < ends, "did not come to pass"
        threading.Event().wait(0.02)
    return value


def refused(answer, *words, http=400, kind="invalid_request_error"):
    assert answer.status_code == http, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "type"}
    assert error["type"] == kind
    assert answer.headers["x-request-id"]
    for word in words:
        assert word in error["message"]
    return error


def task_of(answer) -> str:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"][0]["task_id"]


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Clips by content: clip(length, width, height, fps, source=…, audio=…, ext=…) -> bytes."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[tuple, bytes] = {}

    def make(length=3.2, width=360, height=360, fps=25, *, source="testsrc", audio=False, ext="mp4") -> bytes:
        key = (length, width, height, fps, source, audio, ext)
        if key not in made:
            path = folder / f"{len(made)}.{ext}"
            inputs = ["-f", "lavfi", "-i", f"{source}=s={width}x{height}:r={fps}"]
            if audio:
                inputs += ["-f", "lavfi", "-i", "sine"]
            codec = ["-c:v", "libvpx", "-deadline", "realtime"] if ext == "webm" else ["-c:v", "libx264"]
            rest = [*codec, "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-t", str(length)]
            if ext != "webm":
                rest += ["-video_track_timescale", "30000"]
            else:
                rest = [word for word in rest if word not in {"-preset", "ultrafast"}]
            subprocess.run([FFMPEG, "-loglevel", "error", "-y", *inputs, *rest, str(path)], check=True)
            made[key] = path.read_bytes()
        return made[key]

    return make


def await_drawings(sandbox: Sandbox) -> None:
    """Wait until all is drawn that was asked for, so that nobody draws it in earnest, or in another test."""
    tasks = sandbox._open().tasks
    until(lambda: all(task.drawn or task.failed for task in tasks.all()))


def stub(_image, _clip, target: Path, **_options):
    """A result of three bytes: what is judged and billed does not need pictures."""
    target.write_bytes(b"mp4")


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """One sandbox for all tests that only judge and bill."""
    with Sandbox(tmp_path_factory.mktemp("shared"), **OFTEN) as sandbox:
        yield Wire(sandbox)


@pytest.fixture
def wire(shared, monkeypatch):
    """The shared sandbox, with $50.00."""
    monkeypatch.setattr("motion_widgets.sandbox.rendering.worker.draw", stub)
    shared.sandbox.set_balance(50)
    yield shared
    await_drawings(shared.sandbox)


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Sandboxes of this test alone, all on one folder; each call serves it once more."""
    monkeypatch.setattr("motion_widgets.sandbox.rendering.worker.draw", stub)
    running = []

    def make(**options) -> Wire:
        running.append(Wire(Sandbox(tmp_path / "sandbox", **OFTEN | options).start()))
        return running[-1]

    yield make
    for wire in running:
        wire.http.close()
        wire.sandbox.stop()


@pytest.fixture
def body(shared, clip):
    """The documented request, with the sandbox's own media."""
    return {
        "model": V26,
        "prompt": "参考画像のキャラクターの向きに合わせて振り向いて手を振る",
        "image_url": shared.host(png()),
        "video_url": shared.host(clip(8)),
        "character_orientation": "image",
        "mode": "std",
        "keep_original_sound": "yes",
        "watermark_info": {"enabled": False},
    }


@pytest.fixture
def elsewhere():
    """Another host: paths to answers, given as {path: (status, headers, body)}; asked paths in `.asked`."""
    answers: dict[str, tuple[int, dict, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            status, headers, content = answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answers = [], answers
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
