from __future__ import annotations

import contextlib
import functools
import os
import time
from collections import Counter

import pytest

from motion_widgets import MotionRequest, Workspace
from motion_widgets.jobs.scheduling import timing
from tests.jobs.endpoint import KEY, Endpoint, make_clip

HURRY = {
    "BEAT": 0.1, "POLL": (0.005, 0.01), "BACKOFF": (0.005, 0.02), "STEP": 0.002, "PARTING": 5.0, "LEASE": 1.5,
}  # fmt: skip

OVER = -2.0
"""The life (s) of a result that has expired at its submit, by an endpoint that dates in whole seconds."""

SOAK = os.environ.get("MW_SOAK") == "1"
"""Whether to take long (`make soak`)."""
SOAKED = []
"""What `test_kills` counted, for the table at the end of a soak."""


def pytest_terminal_summary(terminalreporter):
    if not (SOAK and SOAKED):
        return
    write = terminalreporter.write_line
    terminalreporter.section("kills")
    for name, died, between, rows, unknown, lost, twice in SOAKED:
        write(
            f"{name}: {len(died)} kills, {between} of them between intent and answer; {rows} jobs, "
            f"{unknown} unknown afterwards ({lost} of them charged), {twice} charged twice"
        )
    write("")
    total = Counter(one for _, died, *_ in SOAKED for one in died)
    for (window, moment), times in sorted(total.items(), key=lambda item: item[0]):
        write(f"{times:5}  {window:32}  {moment}")


@contextlib.contextmanager
def opening(**usual):
    """Yield what opens workspaces, with these options unless told otherwise; in the end all are closed."""
    with contextlib.ExitStack() as opened:
        yield lambda folder, **options: opened.enter_context(Workspace(folder, **usual | options))


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    for name, value in HURRY.items():
        monkeypatch.setattr(timing, name, value)
    monkeypatch.setattr("motion_widgets.jobs.job.TICK", 0.01)
    for name in ("APIMART_API_KEY", "APIMART_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("FOLDER", "LOG", "USER", "SHARED"):
        monkeypatch.delenv(f"MOTION_WIDGETS_{name}", raising=False)


@pytest.fixture(scope="session")
def clip_bytes(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("media") / "clip.mp4")


@pytest.fixture
def endpoint(clip_bytes):
    server = Endpoint(clip_bytes)
    yield server
    server.stop()


@pytest.fixture
def set_clock(monkeypatch):
    """Set this machine's clock so many s ahead of the right one, which the endpoint's always shows."""
    real = time.time_ns

    def put(ahead):
        monkeypatch.setattr(time, "time_ns", lambda: real() + int(ahead * 1e9))
        monkeypatch.setattr(time, "time", lambda: time.time_ns() / 1e9)

    yield put
    put(0)


@pytest.fixture
def spaces(tmp_path, endpoint, address):
    """Workspaces on one folder and log, at the scripted endpoint unless told otherwise."""
    with opening(endpoint=endpoint.url, key=KEY, log=address) as make:
        yield functools.partial(make, tmp_path / "ws")
        endpoint.let_go.set()


@pytest.fixture
def ws(spaces):
    return spaces()


@pytest.fixture
def req(endpoint):
    return MotionRequest(
        model="kling-v2-6-motion-control", image_url=f"{endpoint.url}/media/image.png",
        video_url=f"{endpoint.url}/media/clip.mp4", prompt="wave",
    )  # fmt: skip
