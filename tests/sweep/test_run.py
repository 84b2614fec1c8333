"""A sweep at work: within its budget, found again, paid once."""

from __future__ import annotations

import time

import pytest

from motion_widgets import MotionRequest, MotionTimeout, RequestError, Sweep, Workspace
from motion_widgets.core.errors import LogError
from motion_widgets.jobs.runner import Runner
from motion_widgets.jobs.scheduling import timing
from motion_widgets.sweep.plan import run_id_of
from tests.jobs.endpoint import COST, KEY, Process, refusal, until

PROMPTS = ["a", "b", "c", "d"]


@pytest.fixture
def sweep(req):
    return Sweep(req, prompt=PROMPTS)


def test_all_cells_end_collected_and_the_frame_shows_them(ws, sweep, endpoint):
    run = sweep.plan(ws).run(budget=2).wait(60)
    assert run.counts() == {"collected": 4}
    assert (len(endpoint.posts), run.cost) == (4, pytest.approx(4 * COST))
    assert run.budget == (2.0, pytest.approx(4 * COST))
    frame = run.frame()
    assert sorted(frame["prompt"]) == PROMPTS
    assert set(frame["sweep_id"]) == {run.id}
    assert dict(frame.dtypes.astype(str)) == dict(ws.log.frame().dtypes.astype(str))
    assert [cell["values"]["prompt"] for cell in run.cells] == PROMPTS
    assert [row.prompt for row in run.rows()] == PROMPTS
    assert run.axes == {"prompt": PROMPTS}
    assert "4 collected" in repr(run)


def test_media_that_cells_share_are_kept_once(tmp_path, monkeypatch):
    with Workspace(tmp_path, endpoint="sandbox") as ws:
        samples = ws.samples()
        req = MotionRequest(
            model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s
        )
        kept, real = [], ws.log_store.files.add_input

        def add_input(sha, *, name, **more):
            kept.append(name)
            real(sha, name=name, **more)

        monkeypatch.setattr(ws.log_store.files, "add_input", add_input)
        plan = Sweep(req, prompt=PROMPTS).plan(ws)
        head = {"id": run_id_of(ws, plan.cells), "endpoint": ws.endpoint, "account": ws.account}
        ws.log_store.sweeps.save({**head, "axes": "{}", "cells": "[]", "paused": 1})  # nothing is sent
        rows = plan.run().rows()
        assert sorted(kept) == sorted([samples.image.name, samples.clip_6s.name])
        assert len({(row.image_path, row.image_sha, row.clip_path, row.clip_sha) for row in rows}) == 1
        assert (ws.folder / rows[0].clip_path).read_bytes() == samples.clip_6s.read_bytes()


def test_same_sweep_again_is_the_same_run_and_costs_nothing(ws, sweep, endpoint):
    first = sweep.plan(ws).run(budget=2).wait(60)
    plan = sweep.plan(ws)
    assert (plan.cost.high, {cell.status for cell in plan.cells}) == (0, {"done"})
    again = plan.run()
    assert (again.id, again.resting, len(endpoint.posts)) == (first.id, True, 4)
    assert again.budget[0] == 2.0, "a run without a new budget keeps its old one"


def test_order_of_the_cells_makes_no_other_run(ws, req):
    one = Sweep(req, prompt=["a", "b"]).plan(ws).run(budget=2)
    two = Sweep(req, prompt=["b", "a"]).plan(ws).run(budget=2)
    assert one.id == two.id
    one.wait(60)


def test_new_repeats_every_cell(ws, sweep, endpoint):
    first = sweep.plan(ws).run(budget=2).wait(60)
    second = sweep.plan(ws).run(budget=2, new=True).wait(60)
    assert (second.id != first.id, len(endpoint.charges)) == (True, 8)
    assert {row.repeat for row in second.rows()} == {2}
    assert second.budget[1] == pytest.approx(4 * COST)


def test_stops_before_the_budget_is_exceeded(ws, sweep, endpoint):
    run = sweep.plan(ws).run(budget=0.50).wait(60)
    counts = run.counts()
    assert run.budget[1] <= 0.50
    assert len(endpoint.posts) == counts["collected"] <= 2
    rest = [row for row in run.rows() if row.state == "planned"]
    assert all("Raise the budget" in row.error_message for row in rest)
    more = sweep.plan(ws).run(budget=3.0).wait(60)
    assert (more.id, more.counts()) == (run.id, {"collected": 4})
    assert len(endpoint.charges) == 4


def test_retry_starts_failed_cells_again_on_the_runs_budget(ws, sweep, endpoint):
    endpoint.next_post.append(refusal(400))
    endpoint.next_poll.append(endpoint.failed("no reason"))
    run = sweep.plan(ws).run(budget=2).wait(60)
    assert run.counts() == {"collected": 2, "rejected": 1, "failed": 1}
    with pytest.raises(RequestError):
        run.retry("all")
    assert run.retry("failed").wait(60).counts() == {"collected": 4}
    assert run.budget[1] == pytest.approx(4 * COST)
    assert len(ws.log) == 6


def test_unknown_cells_are_left_to_a_person(ws, sweep, endpoint):
    endpoint.next_post.append("reset")
    run = sweep.plan(ws).run(budget=2).wait(60)
    run.retry("failed").wait(60)
    sweep.plan(ws).run(budget=2).wait(60)
    assert run.counts() == {"unknown": 1, "collected": 3}
    assert len(endpoint.posts) == 4


def test_cost_counts_every_attempt(ws, sweep, endpoint):
    endpoint.next_poll.append(endpoint.failed("charged all the same", cost=0.05))
    run = sweep.plan(ws).run(budget=2).wait(60)
    run.retry("failed").wait(60)
    assert run.cost == pytest.approx(4 * COST + 0.05)
    assert run.budget[1] == pytest.approx(4 * COST + 0.05)


def test_retry_of_attached_cells_needs_a_budget(ws, sweep, endpoint):
    """A job paid for outside of any run fails; the run it was attached to was given nothing to spend."""
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    jobs = [ws.submit(req, max_cost=1) for _, req in sweep.requests()]
    until(lambda: all(job.task_id for job in jobs))
    run = sweep.plan(ws).run()
    endpoint.next_poll.clear()
    endpoint.next_poll.extend([endpoint.failed()] * 4)
    assert run.wait(60).counts() == {"failed": 4}
    assert run.retry("failed").wait(30).counts() == {"planned": 4}
    assert len(endpoint.posts) == 4
    assert sweep.plan(ws).run(budget=2).wait(60).counts() == {"collected": 4}


def test_attached_run_in_a_fresh_process_is_followed_but_spends_nothing(
    spaces, req, sweep, endpoint, monkeypatch
):
    monkeypatch.setattr(timing, "CALLS", 1)
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    ws = spaces()
    endpoint.next_post.extend([None, None, refusal(402)])
    run = sweep.plan(ws).run(budget=2)
    until(lambda: run.counts().get("rejected"))
    until(lambda: len(endpoint.posts) == 3 and not run.counts().get("submitting"))
    ws.close()
    endpoint.next_poll.clear()
    with Process(ws.folder, endpoint, req, do="run", id=run.id) as other:
        assert other.hear() == "ready"
        assert other.hear() == ({"collected": 2, "planned": 1, "rejected": 1}, 2.0)
    assert len(endpoint.posts) == 3
    again = spaces().attach(run.id)
    assert again.retry("failed").wait(60).counts() == {"collected": 4}
    assert len(endpoint.charges) == 4


def test_run_that_is_not_there(ws):
    with pytest.raises(LogError, match="run-none"):
        ws.attach("run-none")


def test_wait_times_out_and_the_run_lives(ws, sweep, endpoint):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    run = sweep.plan(ws).run(budget=2)
    with pytest.raises(MotionTimeout, match=run.id):
        run.wait(0.05)
    endpoint.next_poll.clear()
    assert run.wait(60).counts() == {"collected": 4}


class TestInterrupted:
    def test_while_it_is_written_down_nothing_is_there(self, ws, sweep, endpoint, monkeypatch):
        real, left = ws.preparation.plan_job, [2]

        def plan_job(*given):
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            return real(*given)

        with monkeypatch.context() as patch:
            patch.setattr(ws.preparation, "plan_job", plan_job)
            with pytest.raises(KeyboardInterrupt):
                sweep.plan(ws).run(budget=2)
        assert (len(ws.log), ws.log_store.sweeps.ids(), endpoint.posts) == (0, [], [])
        assert sweep.plan(ws).run(budget=2).wait(60).counts() == {"collected": 4}

    def test_once_it_is_written_the_way_back_is_printed(self, ws, sweep, endpoint, monkeypatch, capsys):
        def drive(*_, **__):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Runner, "drive", drive)
            with pytest.raises(KeyboardInterrupt):
                sweep.plan(ws).run(budget=2)
        run_id = ws.log_store.sweeps.ids()[0]
        assert f'ws.attach("{run_id}")' in capsys.readouterr().out
        run = ws.attach(run_id)
        assert (run.wait(5).counts(), endpoint.posts) == ({"planned": 4}, [])
        assert sweep.plan(ws).run(budget=2).wait(60).counts() == {"collected": 4}
        assert len(endpoint.charges) == 4

    def test_in_wait(self, ws, sweep, endpoint, monkeypatch, capsys):
        endpoint.next_poll.extend([endpoint.working()] * 100_000)
        run = sweep.plan(ws).run(budget=2)

        def interrupt(_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(time, "sleep", interrupt)
            with pytest.raises(KeyboardInterrupt):
                run.wait()
        assert run.id in capsys.readouterr().out


def test_overlapping_sweeps_pay_shared_cells_once(ws, req, endpoint):
    first = Sweep(req, prompt=["a", "b"]).plan(ws).run(budget=2)
    second = Sweep(req, prompt=["b", "c"]).plan(ws).run(budget=2)
    first.wait(60), second.wait(60)
    assert (len(endpoint.charges), first.id != second.id) == (3, True)
    assert first.budget[1] + second.budget[1] == pytest.approx(3 * COST)


def test_two_workspaces_run_the_same_sweep_at_once(spaces, sweep, endpoint):
    first, second = spaces(), spaces()
    runs = [sweep.plan(ws).run(budget=2) for ws in (first, second)]
    assert {run.wait(60).id for run in runs} == {runs[0].id}
    assert len(endpoint.charges) == len(endpoint.posts) == 4


def test_rehearsal_on_the_sandbox_does_not_stand_for_live(spaces, req, endpoint):
    with Workspace(spaces().folder, endpoint="sandbox") as rehearsal:
        rehearsal.log_store.jobs.add({**rehearsal.preparation.plan_job(req)})
        sandbox_plan = Sweep(req, mode="std").plan(rehearsal)
        assert sandbox_plan.cells[0].job_id is not None
    live = spaces()
    assert Sweep(req, mode="std").plan(live).cells[0].job_id is None
    assert Sweep(req, mode="std").plan(live).run(budget=1).wait(30).counts() == {"collected": 1}
    assert KEY not in str(live.log.frame().to_dict())
