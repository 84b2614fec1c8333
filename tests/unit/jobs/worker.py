# ruff: noqa: C901
"""A process of its own for the tests: opens a workspace, does one thing, and dies where it is told to.

Run by multiprocessing's fork server with this module preloaded, or as
``python -m tests.unit.jobs.worker '{"folder": …, "url": …, "request": …, "do": …}'``, which ends as
scripts do.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from motion_widgets import MotionRequest, Workspace
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.jobs import job, timing
from motion_widgets.jobs.download import Download
from motion_widgets.log.states import State
from motion_widgets.log.store import Log


def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def dies(point):
    """Patch one step so that the process is killed just before or after it."""
    real_intend, real_seal, real_move = Log.intend, Log.seal, Log.move
    real_task, real_judge = EndpointClient.task, Download._judge

    def intend(self, *a, **k):
        if point == "before intent":
            die()
        done = real_intend(self, *a, **k)
        if point == "after intent":
            die()
        return done

    def seal(self, *a, **k):
        done = real_seal(self, *a, **k)
        if point == "after seal":
            die()
        return done

    def move(self, job_id, to, **k):
        if point == "answer" and to is State.SUBMITTED:
            die()
        if point == "before collected" and to is State.COLLECTED:
            die()
        done = real_move(self, job_id, to, **k)
        if point == "after answer" and to is State.SUBMITTED:
            die()
        if point == "completed" and to is State.COMPLETED:
            die()
        return done

    polls = []

    async def task(self, *a, **k):
        polls.append(1)
        if point == "polls" and len(polls) == 3:
            die()
        return await real_task(self, *a, **k)

    def judge(self):
        if point == "download":
            die()
        return real_judge(self)

    Log.intend, Log.seal, Log.move, EndpointClient.task, Download._judge = intend, seal, move, task, judge


def work(told, say=print, gate=None):
    """Do as told; says ``ready``, then the job's id and how it ended."""
    timing.BEAT, timing.POLL, timing.BACKOFF, timing.STEP = 0.1, (0.005, 0.01), (0.005, 0.02), 0.002
    timing.LEASE = told.get("lease", 0.3)
    job.TICK = 0.01
    dies(told.get("die"))
    ws = Workspace(told["folder"], endpoint=told["url"], key="test-key")
    req = MotionRequest(**told["request"])
    say("ready")
    if gate is not None:
        gate.wait(60)
    if told["do"] == "submit":
        found = ws.submit(req, max_cost=0.5)
        say(found.id)
        say(found.wait(60).state)
    elif told["do"] == "submit and leave":
        ws.submit(req, max_cost=0.5)
        while not ws.log_store.count() or ws.jobs()[0].state != "submitting":
            time.sleep(0.005)
    elif told["do"] == "attach":
        say(ws.attach(told["id"]).wait(60).state)
    elif told["do"] == "run":
        run = ws.attach(told["id"]).wait(60)
        say((run.counts(), run.budget[0]))


if __name__ == "__main__":
    work(json.loads(sys.argv[1]))
