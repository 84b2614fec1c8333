# ruff: noqa: C901
"""A process of its own for the tests: opens a workspace, does one thing, and dies where it is told to.

Run by multiprocessing's fork server with this module preloaded, or as
``python -m tests.jobs.worker '{"folder": …, "url": …, "request": …, "do": …}'``, which ends as
scripts do.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import sys
import threading
import time

from motion_widgets import MotionError, MotionRequest, Sweep, Workspace
from motion_widgets.core.hashing import sha256_of
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.jobs import job
from motion_widgets.jobs.context import LogCalls
from motion_widgets.jobs.download.download import Download
from motion_widgets.jobs.last_look import LastLook
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.shared_store import Shared
from motion_widgets.log.engine import Database
from motion_widgets.log.states import State
from motion_widgets.log.transitions import Transitions
from motion_widgets.workspace import connection


def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def dies(point):
    """Patch one step so that the process is killed just before it, or once what it wrote is committed."""
    real_intend, real_seal, real_move = Transitions.intend, Transitions.seal, Transitions.move
    real_task, real_judge, real_put = EndpointClient.task, Download._judge, Shared.put
    real_call, written = LogCalls.first, []

    def intend(self, *a, **k):
        if point == "before intent":
            die()
        written.extend(["intent"] * (point == "after intent"))
        return real_intend(self, *a, **k)

    def seal(self, *a, **k):
        written.extend(["seal"] * (point == "after seal"))
        return real_seal(self, *a, **k)

    def move(self, job_id, to, **k):
        if point == "answer" and to is State.SUBMITTED:
            die()
        if point == "before collected" and to is State.COLLECTED:
            die()
        written.extend(["answer"] * (point == "after answer" and to is State.SUBMITTED))
        written.extend(["end"] * (point == "completed" and to is State.COMPLETED))
        return real_move(self, job_id, to, **k)

    async def call(self, function, *a, **k):
        mine = []

        def noted(*a, **k):  # what another call wrote meanwhile need not be committed when this one is
            before = len(written)
            told = function(*a, **k)
            mine.extend(written[before:])
            return told

        done = await real_call(self, noted, *a, **k)
        if mine:  # committed, for that is what a call waits for
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

    def put(self, name, sha):
        if point == "before shared" and name.startswith("results/"):
            die()
        if point == "half shared" and name.startswith("results/"):
            half = self.folder.parent / "shared" / f"{name}.0000.part"
            half.parent.mkdir(parents=True, exist_ok=True)
            half.write_bytes((self.folder / name).read_bytes()[:1000])
            die()
        real_put(self, name, sha)
        if point == "after shared" and name.startswith("results/"):
            die()

    Shared.put, LogCalls.first = put, call
    Transitions.intend, Transitions.seal, Transitions.move, EndpointClient.task, Download._judge = (
        intend,
        seal,
        move,
        task,
        judge,
    )


def stops(point):
    """Patch one step so that the process is stopped there, the first time; none holds the log's lock."""
    real_intend, real_seal, real_move = Transitions.intend, Transitions.seal, Transitions.move
    real_submit, real_look, real_call = EndpointClient.submit, LastLook.is_clear, LogCalls.first
    real_wire, real_reads, real_writes = connection.wire_of, Database.read, Database.write
    left, turn = [point], threading.RLock()
    if point is None:
        return

    @contextlib.contextmanager
    def reads(self):
        with turn, real_reads(self) as open_now:
            yield open_now

    @contextlib.contextmanager
    def writes(self, *a, **k):
        with turn, real_writes(self, *a, **k) as open_now:
            yield open_now

    def at(step):
        if left == [step]:
            left.clear()
            with turn:  # else another thread may be stopped in the middle of a write
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # at once, whoever else runs

    def intend(self, *a, **k):
        at("before intent")
        done = real_intend(self, *a, **k)
        at("after intent")
        return done

    async def wire_of(*a, **k):
        at("publishing")
        return await real_wire(*a, **k)

    async def submit(self, *a, **k):
        at("before connecting")
        return await real_submit(self, *a, **k)

    async def is_clear(self, *a, **k):
        at("connected")
        return await real_look(self, *a, **k)

    def seal(self, *a, **k):
        at("before seal")
        done = real_seal(self, *a, **k)
        at("after seal")
        return done

    async def call(self, function, *a, **k):
        done = await real_call(self, function, *a, **k)
        at("sealed" if function.__name__ == "_seal" else "")
        return done

    def move(self, job_id, to, **k):
        at("answered" if to is State.SUBMITTED else "")
        return real_move(self, job_id, to, **k)

    Transitions.intend, Transitions.seal, Transitions.move = intend, seal, move
    EndpointClient.submit, LastLook.is_clear, LogCalls.first = submit, is_clear, call
    connection.wire_of, Database.read, Database.write = wire_of, reads, writes


def work(told, say=print, gate=None, hear=None):
    """Do as told; says ``ready``, then the job's id and how it ended (`Notebook` says what else there is)."""
    timing.BEAT, timing.POLL, timing.BACKOFF, timing.STEP = 0.1, (0.005, 0.01), (0.005, 0.02), 0.002
    timing.LEASE = told.get("lease", 0.3)
    job.TICK = 0.01
    dies(told.get("die"))
    stops(told.get("stop"))
    os.environ.update(told.get("environ", {}))
    key = told.get("key", "test-key")
    ws = Workspace(
        told["folder"], endpoint=told["url"], key=key, log=told.get("log"), shared=told.get("shared")
    )
    req = MotionRequest(**told["request"]).replace(**told.get("media", {}))
    say("ready")
    if gate is not None:
        gate.wait(60)
    if told["do"] == "submit":
        found = ws.submit(req, max_cost=0.5)
        say(found.id)
        say(found.wait(60).state)
    elif told["do"] == "submit and leave":
        ws.submit(req, max_cost=0.5)
        while ws.jobs()[0].row.sent is None:
            time.sleep(0.005)
        print("leaving", flush=True)
    elif told["do"] == "attach":
        say(ws.attach(told["id"]).wait(60).state)
    elif told["do"] == "run":
        run = ws.attach(told["id"]).wait(60)
        say((run.counts(), run.budget[0]))
    elif told["do"] == "run all":
        found = [ws.submit(req.replace(prompt=prompt), max_cost=0.5) for prompt in told["prompts"]]
        say([one.wait(60).state for one in found])
    elif told["do"] in ("resend", "write off"):
        unknown = [one for one in map(ws.attach, told["ids"]) if one.wait(60).state == "unknown"]
        for one in unknown:
            one.resend() if told["do"] == "resend" else one.write_off()
        say([one.wait(60).state for one in unknown])
    elif told["do"] == "notebook":
        Notebook(ws, req, say).serve(hear)
    elif told["do"] == "team":
        Colleague(ws, req, say).serve(hear)


class Notebook:
    """What a person does at a kernel, cell by cell: hears (method, *arguments), says what came of it."""

    def __init__(self, ws, req, say):
        self.ws, self.req, self.say = ws, req, say

    def serve(self, hear):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as an idle kernel
        while True:
            name, *arguments = hear()
            try:
                self.say(getattr(self, name)(*arguments))
            except MotionError as error:
                self.say(f"refused: {error}")
            except (KeyboardInterrupt, asyncio.CancelledError):  # the latter by asyncio, now and then
                self.say("interrupted")

    def submit(self, prompt, new):
        return self.ws.submit(self.req.replace(prompt=prompt), max_cost=0.5, new=new).id

    def sweep(self, prompt, budget):
        sweep = Sweep(self.req.replace(prompt=prompt), mode=["std", "pro"])
        return sweep.plan(self.ws).run(budget=budget).id

    def attach(self, an_id):
        return self.ws.attach(an_id).id

    def retry(self, job_id):
        return self.ws.attach(job_id).retry().id

    def resend(self, job_id):
        return self.ws.attach(job_id).resend().id

    def write_off(self, job_id):
        return self.ws.attach(job_id).write_off().id

    def rest(self):
        """Wait until nothing more happens by itself, here or in a process that lives."""
        for one in self.ws.jobs():
            self.ws.attach(one.id).wait(60)

    def wait(self, job_id, how):
        """Wait for a job as a cell does, ``"sync"`` or ``"await"``, until it rests or somebody interrupts."""
        found = self.ws.attach(job_id)

        async def cell():
            return await found

        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.say("waiting")
            return (found.wait() if how == "sync" else asyncio.run(cell())).state
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


class Colleague(Notebook):
    """What a person of a team does, waiting for each end."""

    def set_budget(self, usd):
        return dataclasses.asdict(self.ws.set_budget(usd))

    def budget(self):
        return dataclasses.asdict(self.ws.budget())

    def submit(self, prompt):
        found = self.ws.submit(self.req.replace(prompt=prompt), max_cost=0.5)
        return found.id, found.wait(60).state

    def look(self, job_id):
        """Return whether a result is whole in this folder, and which folder that is."""
        found = self.ws.attach(job_id)
        return [sha256_of(found.result) == found.row.result_sha, found.result.parents[1].name]

    def rerun(self, job_id, new):
        request = self.ws.request_of(self.ws.attach(job_id).row)
        found = self.ws.submit(request, max_cost=0.5, new=new)
        return found.id, found.wait(60).state


if __name__ == "__main__":
    work(json.loads(sys.argv[1]))
