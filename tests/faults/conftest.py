"""The real client against the sandbox, which plays a fault plan and counts every charge."""

from __future__ import annotations

import functools
import io

import httpx
import pytest
from PIL import Image

from motion_widgets import MotionRequest, measure_clip, measure_image
from motion_widgets.endpoint import client as wire
from motion_widgets.jobs.scheduling import timing
from motion_widgets.sandbox import Sandbox
from tests.jobs.conftest import HURRY, OVER, opening
from tests.jobs.endpoint import make_clip
from tests.sandbox.conftest import await_drawings

SPEED = 4000
IMPATIENT = {"submit": {"submit_seconds": 1.0}, "call": {"call_seconds": 0.6}}
"""Which calls have a short deadline; a submit that is to be answered waits for the clip to be measured."""


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    for name, value in HURRY.items():
        monkeypatch.setattr(timing, name, value)
    monkeypatch.setattr("motion_widgets.jobs.job.TICK", 0.04)
    for name in ("APIMART_API_KEY", "APIMART_BASE_URL", "MOTION_WIDGETS_FOLDER", "MOTION_WIDGETS_LOG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def impatient(monkeypatch):
    """impatient("submit") or ("call"): clients whose total deadline for that is short."""

    def make(call):
        made = functools.partial(wire.EndpointClient, **IMPATIENT[call])
        monkeypatch.setattr("motion_widgets.workspace.settings.EndpointClient", made)

    return make


@pytest.fixture
def late(monkeypatch):
    """The time after a result would have expired."""
    monkeypatch.setattr(timing, "LIFE", OVER)


@pytest.fixture(scope="session")
def result_bytes(tmp_path_factory):
    """The bytes of every result: a real clip of 3.2 s."""
    return make_clip(tmp_path_factory.mktemp("result_bytes") / "clip.mp4")


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    with Sandbox(folder, speed=SPEED, result_life=1e9, upload_life=1e9) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def media(served, result_bytes):
    """The measured image and clip, at links of the sandbox."""
    out = io.BytesIO()
    Image.new("RGB", (400, 400), "teal").save(out, "PNG")
    headers = {"Authorization": f"Bearer {served.token}"}

    def link(content):
        return httpx.post(
            f"{served.url}/sandbox/media", content=content, headers=headers, trust_env=False, timeout=30
        ).json()["url"]

    return measure_image(link(out.getvalue())), measure_clip(link(result_bytes), confirm=False)


class FaultySandbox:
    """The shared sandbox under a fault plan; counts begin with the test."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._before = len(sandbox.charges)

    def play(self, *rules, **head):
        self.sandbox.faults = {"fault": list(rules), **head}

    @property
    def posts(self) -> int:
        return self.sandbox.faults.calls["submit"]

    def calls(self, on: str) -> int:
        return self.sandbox.faults.calls[on]

    @property
    def charges(self):
        return self.sandbox.charges[self._before :]


@pytest.fixture
def faulty(served, result_bytes, monkeypatch):
    monkeypatch.setattr(  # of this test alone: other sandboxes of this process draw
        "motion_widgets.sandbox.rendering.worker.draw",
        lambda _i, _c, path, **_: path.write_bytes(result_bytes),
    )
    served.set_balance(1000)
    own = FaultySandbox(served)
    own.play()
    yield own
    served.faults = None
    await_drawings(served)


@pytest.fixture
def spaces(tmp_path, faulty):
    """Workspaces on one folder, for which the sandbox is a paid endpoint."""
    with opening(endpoint=faulty.sandbox.url, key=faulty.sandbox.token) as make:
        yield functools.partial(make, tmp_path / "ws")
        faulty.sandbox.faults = None


@pytest.fixture
def ws(spaces):
    return spaces()


@pytest.fixture
def req(media):
    image, clip = media
    return MotionRequest(
        model="kling-v2-6-motion-control", image_url=image, video_url=clip, mode="std", prompt="wave"
    )
