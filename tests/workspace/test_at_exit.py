# ruff: noqa: F811
"""Scripts that submit and end at once: each job was accepted, or is named in the last words."""

from __future__ import annotations

import re
import subprocess
import sys
import threading

import pytest

from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.store import Log
from motion_widgets.workspace.at_exit import OPEN
from tests.jobs.conftest import clip_bytes, endpoint, hurry, req, spaces  # noqa: F401
from tests.jobs.endpoint import KEY, refusal, until

JOBS = 16
"""More than are sent at once."""
SCRIPT = """
import motion_widgets as mw
from motion_widgets.jobs.scheduling import timing
timing.PARTING = {parting}
ws = mw.Workspace({folder!r}, endpoint={url!r}, key={key!r})
req = mw.MotionRequest(
    model="kling-v2-6-motion-control", image_url={url!r} + "/media/image.png",
    video_url={url!r} + "/media/clip.mp4",
)
def submit_all():
    for one in range({jobs}):
        ws.submit(req.replace(prompt=str(one)), max_cost=0.5)
"""
ENDS = {
    "end": "submit_all()",
    "close": "submit_all()\nws.close()",
    "with": "with ws:\n    submit_all()",
    "exit": "import sys\nsubmit_all()\nsys.exit(3)",
    "error": "submit_all()\nraise ValueError('a bug of the script')",
    "error in with": "with ws:\n    submit_all()\n    raise ValueError('a bug of the script')",
}


@pytest.fixture
def end_of(tmp_path, endpoint):
    """Run a script to its end; give the rows of its jobs and what it said."""

    def run(end, parting=10.0):
        told = {"folder": str(tmp_path / "ws"), "url": endpoint.url, "key": KEY, "jobs": JOBS}
        words = SCRIPT.format(parting=parting, **told) + ENDS[end]
        done = subprocess.run(
            [sys.executable, "-c", words], capture_output=True, text=True, timeout=200, check=False
        )
        log = Log(tmp_path / "ws" / "log.sqlite")
        rows = log.jobs.rows()
        log.close()
        assert len(rows) == JOBS, done.stderr
        return rows, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("end", ["end", "close", "with", "exit", "error"])
def test_all_that_was_asked_for_is_sent_first(end_of, endpoint, end):
    rows, said, errors = end_of(end)
    assert all(row.task_id for row in rows), errors
    assert len(endpoint.posts) == len(endpoint.charges) == JOBS
    assert "not sent" not in said


def test_what_the_endpoint_has_no_room_for_is_named(end_of, endpoint):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    lock, taken = threading.Lock(), []

    def judge(_):
        with lock:
            if len(taken) < 5:
                taken.append(1)
                return None
        return refusal(429, "rate_limit_error", "too many tasks at once (1303), limit 5")

    endpoint.next_post.extend([judge] * 100_000)
    rows, said, errors = end_of("close")
    unsent = [row.id for row in rows if not row.task_id]
    assert {row.state for row in rows} <= {"planned", "submitted", "running"}, errors
    assert len(endpoint.charges) == 5 == JOBS - len(unsent)
    last = said.splitlines()[-1]
    assert re.search(rf"\b{len(unsent)} jobs? (was|were) not sent", last)
    assert all(one in last for one in unsent)


def test_what_a_rate_limit_holds_back_longer_than_a_moment_is_named(end_of, endpoint):
    endpoint.next_post.extend([refusal(429, "rate_limit_error", "slow down", Retry_After="200")] * 100_000)
    rows, said, errors = end_of("end", parting=1.0)
    assert {row.state for row in rows} == {"planned"}, errors
    assert endpoint.charges == {}
    assert all(row.id in said.splitlines()[-1] for row in rows)


def test_of_many_that_were_not_sent_some_are_named(spaces, req, endpoint, capsys, monkeypatch):
    monkeypatch.setattr("motion_widgets.workspace.at_exit.UNSENT_NAMED", 3)
    monkeypatch.setattr(timing, "PARTING", 0.1)
    endpoint.next_post.extend([refusal(429, "rate_limit_error", "slow down", Retry_After="200")] * 100_000)
    ws = spaces()
    for prompt in "abcde":
        ws.submit(req.replace(prompt=prompt), max_cost=0.5)
    ws.close()
    last = capsys.readouterr().out.splitlines()[-1]
    assert "5 jobs were not sent" in last
    assert last.count("job-") == 3
    assert "and 2 more" in last


def test_an_error_in_the_block_sends_nothing_more_and_names_what_was_not(end_of, endpoint):
    rows, said, errors = end_of("error in with")
    assert "a bug of the script" in errors
    unsent = [row.id for row in rows if not row.task_id]
    assert {row.state for row in rows} <= {"planned", "submitted", "running", "completed", "collected"}
    assert len(endpoint.charges) == JOBS - len(unsent)
    assert all(one in said for one in unsent)


def test_the_same_script_again_sends_what_was_left(end_of, endpoint):
    endpoint.next_post.extend([refusal(429, "rate_limit_error", "slow down", Retry_After="200")] * 12)
    end_of("end", parting=1.0)
    endpoint.next_post.clear()
    rows, said, _ = end_of("end")
    assert all(row.task_id for row in rows)
    assert len(endpoint.charges) == JOBS
    assert "not sent" not in said


def test_switching_while_it_is_left_breaks_nothing_off(spaces, req, endpoint):
    """As a Studio's button does on a thread of its own, while the cell below it closes the workspace."""
    ws = spaces()

    def switch(_):
        until(lambda: ws not in OPEN)  # it waits for this very answer
        other = threading.Thread(target=ws.switch, args=("sandbox",), kwargs={"remember": False})
        other.start()
        until(lambda: not ws.live)

    endpoint.on_post = switch
    job = ws.submit(req, max_cost=1)
    ws.close()
    until(lambda: job.task_id)


def test_a_workspace_that_is_closed_twice_speaks_once(spaces, req, endpoint, capsys):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    ws = spaces()
    ws.submit(req, max_cost=1)
    ws.close()
    assert "at the endpoint. Return to" in capsys.readouterr().out
    ws.close()
    assert capsys.readouterr().out == ""
