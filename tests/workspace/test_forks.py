# ruff: noqa: F811
"""Forked children of a process with jobs under way: they end at once and drive nothing of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.jobs.conftest import clip_bytes, endpoint, hurry, req  # noqa: F401
from tests.jobs.endpoint import KEY

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

OPEN = """
import json, multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
import motion_widgets as mw
from motion_widgets.core.background import spawn
from motion_widgets.jobs.scheduling import timing
timing.BEAT, timing.POLL, timing.BACKOFF = 0.1, (0.005, 0.01), (0.005, 0.02)
FORK = multiprocessing.get_context("fork")

def end(process, seconds=30):
    process.start()
    process.join(seconds)
    code = process.exitcode
    process.kill()
    return code

def fork(work):
    child = os.fork()
    if not child:
        work()
        sys.exit(0)  # as scripts do, with all hooks of the interpreter's end
    until = time.monotonic() + 100  # it only guards against hanging: a child may draw a result
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    return "hung"

def nothing():
    pass

def opened(folder, url=None):
    told = {{"endpoint": "sandbox", "speed": 200}} if url is None else {{"endpoint": url, "key": {key!r}}}
    return mw.Workspace(folder, **told)

def request(prompt):
    return mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url={url!r} + "/media/image.png",
        video_url={url!r} + "/media/clip.mp4", prompt=prompt,
    )

folder, url = {folder!r}, {url!r}
ws = opened(folder, url)
"""


@pytest.fixture
def script(tmp_path, endpoint):
    """Run a script of its own interpreter to its end; give what it says as JSON, and what else it said."""
    head = OPEN.format(folder=str(tmp_path / "ws"), url=endpoint.url, key=KEY)

    def run(words, deadline=120):
        program = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", head + words]
        done = subprocess.run(program, capture_output=True, text=True, timeout=deadline, check=False)
        assert done.returncode == 0, done.stderr
        first, *said = done.stdout.splitlines()
        return json.loads(first), said, done.stderr

    return run


UNDER_WAY = """
jobs = [ws.submit(request(str(one)), max_cost=0.5) for one in range(6)]
while any(job.task_id is None for job in jobs):
    time.sleep(0.01)
"""


def test_a_child_that_does_nothing_ends_at_once_and_says_nothing(script, endpoint):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    (codes, seconds), said, errors = script(
        UNDER_WAY
        + """
began = time.monotonic()
codes = [end(FORK.Process(target=nothing)), fork(nothing)]
with ProcessPoolExecutor(2, mp_context=FORK) as pool:
    codes += pool.map(abs, [0, 0])
took = time.monotonic() - began
print(json.dumps([codes, took]), flush=True)
"""
    )
    assert codes == [0, 0, 0, 0]
    print(f"{seconds:.2f} s")
    assert len([one for one in said if "at the endpoint. Return to" in one]) == 1, (
        "the parent's own last words"
    )
    assert errors == ""
    assert len(endpoint.posts) == 6


def test_a_child_never_touches_what_its_parent_drives(script, endpoint, tmp_path):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    told, _, errors = script(
        UNDER_WAY
        + """
def reads():
    rows = ws.log_store.jobs.rows()
    assert len(rows) == len(ws.log) == 6
    assert all(row.lease_owner == owner for row in rows)
    assert repr(ws) and str(jobs[0].state)

def tries():
    calls = (lambda: ws.submit(request("new"), max_cost=0.5), ws.balance, lambda: ws.attach(jobs[0].id))
    for call in calls:
        try:
            call()
        except mw.MotionError as error:
            assert "Open it here as well" in str(error), error
        else:
            os._exit(3)

def closes():
    with ws:
        pass

owner = jobs[0].row.lease_owner
codes = [code for work in (reads, tries, closes) for code in (fork(work), end(FORK.Process(target=work)))]
owners = sorted({job.row.lease_owner == owner for job in jobs})
print(json.dumps([codes, owners, [job.state for job in jobs]]), flush=True)
"""
    )
    codes, owners, states = told
    assert (codes, owners) == ([0] * 6, [True]), errors
    assert set(states) <= {"submitted", "running"}
    assert len(endpoint.posts) == len(endpoint.charges) == 6


def test_the_parent_goes_on_after_its_children(script, endpoint):
    endpoint.next_poll.extend([endpoint.working()] * 200)
    told, *_ = script(
        UNDER_WAY
        + """
codes = [fork(nothing) for _ in range(4)] + [end(FORK.Process(target=ws.close))]
print(json.dumps([codes, [job.wait(60).state for job in jobs]]), flush=True)
"""
    )
    assert told == [[0] * 5, ["collected"] * 6]
    assert len(endpoint.posts) == 6


def test_a_workspace_opened_in_a_child_works_there(script, endpoint):
    """Also where the fork comes while threads of the parent hold all kinds of locks."""
    endpoint.next_poll.extend([endpoint.working()] * 60)
    told, *_ = script(
        """
def works():
    with opened(folder, url) as mine:
        assert mine.submit(request("child " + str(os.getpid())), max_cost=0.5).wait(60).state == "collected"

codes = []
for one in range(8):
    ws.submit(request(str(one)), max_cost=0.5)
    codes += [fork(works)]
print(json.dumps([codes, sorted({ws.attach(job.id).wait(60).state for job in ws.jobs()})]), flush=True)
"""
    )
    assert told == [[0] * 8, ["collected"]]
    assert len(endpoint.posts) == len(set(endpoint.charges.values())) == 16


def test_a_child_of_a_workspace_at_the_sandbox_opens_its_own(script, tmp_path):
    told, *_ = script(
        f"""
box = opened({str(tmp_path / "box")!r})
samples = box.samples()
mine = mw.MotionRequest(model="kling-v2-6-motion-control", image_url=samples.image,
                        video_url=samples.clip_6s, character_orientation="video")
first = box.submit(mine)

def works():
    try:
        box.submit(mine.replace(prompt="child"))
    except mw.MotionError:
        with opened({str(tmp_path / "box")!r}) as own:
            assert own.submit(mine.replace(prompt="child")).wait(100).state == "collected"

code = fork(works)
print(json.dumps([code, first.wait(100).state]), flush=True)
""",
        deadline=300,
    )
    assert told == [0, "collected"]
