"""Starting, stopping and sharing a folder."""

from __future__ import annotations

import contextlib
import json
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from motion_widgets.sandbox import Sandbox
from tests.loopback import free_port
from tests.sandbox.conftest import png, task_of


def test_importing_the_sandbox_is_light():
    """Nothing heavy, and of the client side only what the package itself loads."""
    code = (
        "import sys, motion_widgets; before = set(sys.modules); import motion_widgets.sandbox; "
        "heavy = {'starlette', 'uvicorn', 'moviepy', 'numpy', 'httpx', 'PIL'} & set(sys.modules); "
        "ours = [m for m in set(sys.modules) - before if m.startswith('motion_widgets.')]; "
        "own = [m for m in ours if 'sandbox' not in m]; "
        "import json; print(json.dumps([sorted(heavy), own]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [[], []]


def test_state_outlives_the_process(fresh, body, tmp_path):
    wire = fresh(port=free_port())
    task_id = task_of(wire.submit(body))
    before, url, token = wire.end(task_id), wire.sandbox.url, wire.sandbox.token
    media = wire.host(png(color="red"))
    wire.http.close()
    wire.sandbox.stop()
    with pytest.raises(httpx.TransportError):
        httpx.get(media)
    later = fresh(speed=20)
    assert later.sandbox.url == url  # the port used last is free again
    assert later.sandbox.token == token
    assert later.poll(task_id) == before
    assert later.balance == 49.54304
    assert httpx.get(before["result"]["videos"][0]["url"][0]).content == b"mp4"
    assert httpx.get(media).content == png(color="red")
    if hasattr(stat, "S_IMODE"):
        assert stat.S_IMODE((tmp_path / "sandbox" / "token").stat().st_mode) == 0o600


def test_two_servers_on_one_folder(fresh, body):
    one, two = fresh(), fresh()
    assert one.sandbox.url != two.sandbox.url
    assert one.sandbox.token == two.sandbox.token
    task_id = task_of(one.submit(body))
    assert two.end(task_id)["id"] == task_id
    link = two.end(task_id)["result"]["videos"][0]["url"][0]
    assert link.startswith(two.sandbox.url)
    assert httpx.get(link).content == b"mp4"
    two.sandbox.set_balance(7)
    assert one.balance == 7


def test_a_taken_port_is_said(fresh, tmp_path):
    wire = fresh()
    port = int(wire.sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(OSError):
        Sandbox(tmp_path / "other", port=port).start()
    for one in Path("/proc/self/fd").glob("*"):  # where there is such a folder
        with contextlib.suppress(OSError):  # another thread closed it
            assert str(tmp_path / "other") not in str(one.readlink())


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_speed_must_make_sense(tmp_path, speed):
    with pytest.raises(ValueError, match="positive"):
        Sandbox(tmp_path, speed=speed)
