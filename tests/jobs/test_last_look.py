"""A process that is stopped at any step, and goes on when others have decided: never a second paid POST."""

from __future__ import annotations

import threading

import pytest

from motion_widgets.jobs.last_look import LastLook
from motion_widgets.jobs.scheduling import timing
from tests.jobs.endpoint import Process, until

MAX = 0.50
UNSENT = [
    "before intent", "after intent", "publishing", "before connecting", "connected", "before seal",
    "after seal", "sealed",
]  # fmt: skip
SENT = ["in flight", "answered"]


@pytest.mark.parametrize("choice", ["none", "write off", "send again"])
@pytest.mark.parametrize("step", [*UNSENT, *SENT])
def test_stopped_at_any_step_it_sends_nothing_once_others_decided(ws, endpoint, req, step, choice):
    """SIGSTOP, a take-over, what a person then says, SIGCONT; the server, which ignores keys, counts."""
    endpoint.honours_keys = False
    with Process(ws.folder, endpoint, req, stop=step) as slow:
        if step == "in flight":
            frozen = threading.Event()

            def freeze(_):
                with ws.log_store.database.write():  # else it may be stopped in the middle of a write
                    slow.freeze()
                frozen.set()

            endpoint.on_post = freeze
            until(frozen.is_set)
            endpoint.on_post = lambda _: None
        slow.await_stop()
        job = ws.attach(ws.log_store.jobs.rows()[0].id)  # which is what takes it over
        until(lambda: job.state in ("planned", "unknown"))
        unknown = job.state == "unknown"
        assert unknown == (step in ("after seal", "sealed", *SENT))
        if choice == "write off":
            assert job.write_off().state == "written_off"
        elif choice == "send again":
            again = job.resend() if unknown else ws.submit(req, max_cost=MAX)
            assert again.id == job.id
            assert job.wait(30).state == "collected"
        slow.thaw()
        assert (slow.hear(), slow.hear()) == ("ready", job.id)
        ended = slow.hear()
    own, word = step in SENT, choice == "send again"
    if choice == "none" and not unknown:
        own = True  # nobody else sent it, and its own person had asked for it
    assert (len(endpoint.posts), len(endpoint.charges)) == (own + word, own + word)
    wanted = {"write off": {"written_off"}, "send again": {"collected"}}
    assert ended in wanted.get(choice, {"planned", "unknown", "collected"})


@pytest.mark.parametrize("resend", [False, True], ids=["first", "resend"])
def test_a_look_that_took_long_is_worth_nothing_and_repeated(ws, req, endpoint, monkeypatch, resend):
    monkeypatch.setattr(timing, "LEASE", 60.0)  # so that no other look takes long on a busy machine
    real, looks = LastLook._seal, []

    def seal(self, *a):
        sealed, leased = real(self, *a)
        looks.append(len(endpoint.posts))
        return sealed, leased - (100 if len(looks) == 1 else 0)

    job = None
    if resend:
        endpoint.next_post.append("reset")
        job = ws.submit(req, max_cost=MAX).wait(30)
        assert job.state == "unknown"
    monkeypatch.setattr(LastLook, "_seal", seal)
    job = job.resend() if job is not None else ws.submit(req, max_cost=MAX)
    assert job.wait(30).state == "collected"
    assert (looks, len(endpoint.posts)) == ([resend, resend], 1 + resend)
