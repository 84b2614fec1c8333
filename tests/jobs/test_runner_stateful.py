"""Any order of submits, faults, kills, freezes, interrupts and a person's words, in two real processes.

What must hold whatever happens: an attempt is accepted at most once for each time that a person had it sent,
no end is lost, no result is there that fails its check, no budget is exceeded.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from motion_widgets import MotionRequest
from motion_widgets.log.states import ENDS
from motion_widgets.log.store import Log
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip
from tests.jobs.conftest import SOAK
from tests.jobs.endpoint import Endpoint, Process, Say, refusal, results_in

EXAMPLES = {"sqlite": 60, "postgresql": 30} if SOAK else {"sqlite": 12, "postgresql": 3}
STEPS = 30 if SOAK else 15
BUDGETS = {"small": 0.45, "large": 0.90}
"""USD by a sweep's prompt: room for one of its two cells at a time, and for both."""
PLENTY = 100_000

notebooks = st.sampled_from("ab")
picks = st.integers(0, 99)


class Notebooks(RuleBasedStateMachine):
    """Two notebooks, `a` and `b`, on one folder and log, each a process of its own that comes when needed."""

    def __init__(self, address, media):
        super().__init__()
        self.exits = contextlib.ExitStack()
        self.folder = Path(self.exits.enter_context(tempfile.TemporaryDirectory())) / "ws"
        self.address = address(self.folder)
        self.log = self.exits.enter_context(contextlib.closing(Log(self.address)))
        self.media = media
        self.endpoint = Endpoint(media.clip)
        self.exits.callback(self.endpoint.stop)
        self.open: dict[str, Process] = {}
        self.gates: list[threading.Event] = []
        self.words: Counter[str] = Counter()
        """By job, how often a person said "resend"."""
        self.frozen: set[str] = set()
        self.ended: dict[str, str] = {}
        self.failures = 0
        self.slow = False

    @initialize(honoured=st.booleans())
    def begin(self, honoured):
        self.endpoint.honours_keys = honoured

    # What people do.

    def at(self, which) -> Process:
        if which not in self.open:
            told = {"do": "notebook", "log": self.address, "media": self.media.measured}
            process = Process(self.folder, self.endpoint, self.media.req, **told)
            self.open[which] = process.__enter__()
            assert process.hear() == "ready"
        if which in self.frozen:
            self.frozen.remove(which)
            self.open[which].thaw()
        return self.open[which]

    def job(self, pick):
        rows = self.log.jobs.rows()
        return rows[pick % len(rows)]

    def any_job(self):
        return self.log.jobs.count() > 0

    @rule(which=notebooks, prompt=st.sampled_from("pqr"), new=st.sampled_from([False, False, False, True]))
    def submit(self, which, prompt, new):
        self.at(which).tell("submit", prompt, new)

    @rule(which=notebooks, prompt=st.sampled_from(sorted(BUDGETS)))
    def sweep(self, which, prompt):
        self.at(which).tell("sweep", prompt, BUDGETS[prompt])

    @precondition(any_job)
    @rule(which=notebooks, pick=picks, what=st.sampled_from(["attach", "retry", "write_off"]))
    def act(self, which, pick, what):
        self.at(which).tell(what, self.job(pick).id)

    @precondition(any_job)
    @rule(which=notebooks, pick=picks)
    def resend(self, which, pick):
        job_id = self.job(pick).id
        self.words[job_id] += 1
        if self.at(which).tell("resend", job_id).startswith("refused"):
            self.words[job_id] -= 1

    @precondition(any_job)
    @rule(which=notebooks, pick=picks, how=st.sampled_from(["sync", "await"]))
    def interrupt(self, which, pick, how):
        """A cell that waits is interrupted; what it waits for, and all else, goes on."""
        self.be(slow=True)
        job_id = self.job(pick).id
        assert self.at(which).tell("wait", job_id, how) == "waiting"
        assert self.at(which).interrupt() in {"interrupted", *ENDS, "unknown", "planned"}

    @rule(which=notebooks)
    def rest(self, which):
        """Somebody waits until nothing more happens by itself."""
        self.be(slow=False)
        self.go()
        assert self.at(which).tell("rest") is None

    # What happens to them.

    @rule(which=notebooks)
    def kill(self, which):
        if which in self.open:
            self.open.pop(which).__exit__()
            self.frozen.discard(which)

    @rule(which=notebooks)
    def freeze(self, which):
        """A laptop is closed: its leases end, and it wakes in the middle of what it did."""
        if which in self.open:
            with self.log.database.write():  # not in its turn to write, which would hold the other one up
                self.open[which].freeze()
            self.frozen.add(which)

    @rule(
        fault=st.sampled_from(
            [
                "charge reset", "charge close", "reset", refusal(400), refusal(402, "payment_required"),
                refusal(429, "rate_limit_error", Retry_After="0"), refusal(500), refusal(502),
                refusal(409, "idempotency_in_progress", Retry_After="0"),
                refusal(503, "idempotency_unavailable", Retry_After="0"),
                Say(200, {"code": 200}, charge=True),
            ]
        )
    )  # fmt: skip
    def next_post(self, fault):
        self.endpoint.next_post.append(fault)

    @rule(charged=st.booleans(), answered=st.booleans())
    def hold(self, charged, answered):
        """The next POST takes long: it is charged before or after that, or never, and answered or not."""
        self.endpoint.next_post.append(self.held(charged=charged, answered=answered)[0])

    def held(self, *, charged, answered):
        gate, arrived = threading.Event(), threading.Event()
        self.gates.append(gate)

        def answer(post):
            if charged:
                self.endpoint.accept(post.key)
            arrived.set()
            gate.wait(60)
            return "reset" if charged or not answered else None

        return answer, arrived

    @rule(which=notebooks, prompt=st.sampled_from("pqr"), charged=st.booleans(), gone=st.booleans())
    def strike(self, which, prompt, charged, gone):
        """Kill or freeze a notebook while its POST is under way."""
        self.go()  # after a 429 one POST at a time passes
        answer, arrived = self.held(charged=charged, answered=True)
        self.endpoint.next_post.appendleft(answer)
        self.at(which).tell("submit", prompt, True)
        assert arrived.wait(60)
        if gone:
            self.kill(which)
        else:
            self.freeze(which)

    @rule()
    def go(self):
        while self.gates:
            self.gates.pop().set()

    @rule(slow=st.booleans())
    def be(self, slow):
        """Tasks take for ever, or no time at all."""
        if slow and not self.slow:
            self.endpoint.next_poll.extend([self.endpoint.working()] * PLENTY)
        elif self.slow and not slow:
            self.endpoint.next_poll.clear()
        self.slow = slow

    @rule(fault=st.sampled_from(["reset", "failed", refusal(500), refusal(404), Say(200, b"<html>")]))
    def next_poll(self, fault):
        if fault == "failed":
            self.failures += 1
            fault = self.endpoint.failed()
        self.endpoint.next_poll.appendleft(fault)

    @rule(fault=st.sampled_from(["reset", "half", refusal(403), refusal(500), Say(200, b"<html>")]))
    def next_download(self, fault):
        clip = self.endpoint.clip
        if fault == "half":
            fault = Say(200, clip[: len(clip) // 2], {"Content-Length": str(len(clip))})
        self.endpoint.next_download.append(fault)

    # What always holds.

    @invariant()
    def accepted_once(self):
        charges = Counter(list(self.endpoint.charges.values()))
        rows = {row.idempotency_key: row for row in self.log.jobs.rows()}
        assert set(charges) <= set(rows), "a charge for what is not in the log"
        for key, times in charges.items():
            row = rows[key]
            assert times <= 1 + (0 if self.endpoint.honours_keys else self.words[row.id]), row
            assert row.state not in ("planned", "rejected"), "said to be surely not accepted"

    @invariant()
    def ends_stay(self):
        states = {row.id: row.state for row in self.log.jobs.rows()}
        assert self.ended.items() <= states.items()
        self.ended = {job_id: state for job_id, state in states.items() if state in ENDS}

    @invariant()
    def results_are_whole(self):
        collected = [row for row in self.log.jobs.rows() if row.state == "collected"]
        for row in collected:
            assert (self.folder / row.result_path).read_bytes() == self.endpoint.clip
        for path in (self.folder / "results").glob("*.mp4"):
            assert path.read_bytes() == self.endpoint.clip

    @invariant()
    def budgets_hold(self):
        for run_id in self.log.sweeps.ids():
            limit, used = self.log.budgets.get(run_id)
            assert used <= limit

    def teardown(self):
        try:
            if self.open:
                self.last_process_attaches()
        finally:
            for process in self.open.values():
                process.__exit__()
            self.go()
            self.exits.close()

    def last_process_attaches(self):
        for which in list(self.open):
            self.kill(which)
        self.endpoint.next_post.clear()
        self.endpoint.next_download.clear()
        self.slow = True
        self.rest("c")
        for row in self.log.jobs.rows():
            if row.state == "unknown" and self.endpoint.honours_keys:
                self.at("c").tell("resend", row.id)
        self.rest("c")
        self.check_invariants_at_rest()

    def check_invariants_at_rest(self):
        for check in (self.accepted_once, self.ends_stay, self.results_are_whole, self.budgets_hold):
            check()
        rows = self.log.jobs.rows()
        found = Counter(row.state for row in rows)
        assert found["failed"] <= self.failures
        assert set(found) <= {"planned", "unknown", "collected", "failed", "rejected", "written_off"}
        known = {row.task_id for row in rows} & set(self.endpoint.charges)
        assert {row.state for row in rows if row.task_id in known} <= {
            "collected",
            "failed",
            "written_off",
        }
        if self.endpoint.honours_keys:
            assert not found["unknown"]
        for run_id in self.log.sweeps.ids():
            mine = [row for row in rows if row.budget_id == run_id]
            used = sum((row.reserved or 0) + (row.cost or 0) for row in mine)
            assert self.log.budgets.get(run_id)[1] == used, "money that is neither reserved nor billed"
        results = {path.name for path in results_in(self.folder)}
        assert results == {Path(row.result_path).name for row in rows if row.result_path}


class Media:
    """A clip and an image at links that live as long as the test, measured once."""

    def __init__(self, endpoint):
        image, clip = f"{endpoint.url}/media/image.png", f"{endpoint.url}/media/clip.mp4"
        self.clip = endpoint.clip
        self.req = MotionRequest(model="kling-v2-6-motion-control", image_url=image, video_url=clip)
        self.measured = {"image_url": measure_image(image), "video_url": measure_clip(clip)}


@pytest.mark.timeout(7200 if SOAK else 180)
@pytest.mark.parametrize("engine", sorted(EXAMPLES))
def test_whatever_happens_nothing_is_paid_twice_or_lost(request, endpoint, engine):
    if engine == "postgresql":
        new_database = request.getfixturevalue("postgres")
    addresses = {"sqlite": lambda folder: str(folder / "log.sqlite"), "postgresql": lambda _: new_database()}
    media = Media(endpoint)
    run_state_machine_as_test(
        lambda: Notebooks(addresses[engine], media),
        settings=settings(
            max_examples=EXAMPLES[engine],
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=not SOAK,
            suppress_health_check=list(HealthCheck),
        ),
    )
