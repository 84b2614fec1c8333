"""A sweep at work: within its budget, found again, paid once."""

from __future__ import annotations

import re
import time

import pandas as pd
import pytest

from motion_widgets import MotionRequest, MotionTimeout, RequestError, Sweep, Workspace
from motion_widgets.core.errors import LogError
from motion_widgets.core.money import format_usd
from motion_widgets.jobs.runner import Runner
from motion_widgets.jobs.scheduling import timing
from motion_widgets.sweep.plan import run_id_of
from tests.jobs.endpoint import COST, KEY, Process, refusal, until

PROMPTS = ["a", "b", "c", "d"]


@pytest.fixture
def noon(monkeypatch):
    """Set this process's clock to a zone where it is about noon: no day ends during a test."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", f"NOON{time.gmtime().tm_hour - 12:+d}")
        time.tzset()
        yield
    time.tzset()


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
    assert dict(frame.dtypes.astype(str)) == dict(ws.log.frame(hidden=True).dtypes.astype(str))
    assert [cell["values"]["prompt"] for cell in run.cells] == PROMPTS
    assert [row.prompt for row in run.rows()] == PROMPTS
    assert run.axes == {"prompt": PROMPTS}
    assert "4 collected" in repr(run)


def test_cells_are_added_to_a_run_on_its_own_budget_and_stay_when_its_plan_is_run_again(ws, sweep, endpoint):
    plan = sweep.plan(ws)
    each = plan.cells[0].estimate.high
    budget = 3 * each  # of four
    part = plan.edited(plan.frame().iloc[:2])
    run = part.run(budget=budget).wait(60)
    grown = plan.run(into=run).wait(60)
    assert grown.id == run.id
    assert grown.budget[0] == pytest.approx(budget), "nobody typed another one"
    assert grown.budget[1] <= grown.budget[0]
    assert grown.counts() == {"collected": 3, "planned": 1} or budget >= 4 * COST
    assert [cell["values"]["prompt"] for cell in grown.cells] == PROMPTS
    assert part.run(budget=budget).wait(60).axes == {"prompt": PROMPTS}, "a part begun again takes none away"
    assert plan.run(2.0, into=grown).wait(60).counts() == {"collected": 4}
    assert (grown.budget[0], len(endpoint.posts)) == (2.0, 4)


def test_cells_of_a_plan_that_grew_are_numbered_after_those_of_the_run(ws, req, endpoint):
    run = Sweep(req, prompt=["b", "d"]).plan(ws).run(budget=2).wait(60)
    wider = Sweep(req, prompt=["a", "b", "c", "d"]).plan(ws)
    more = wider.edited(wider.frame().iloc[[0, 2]])
    grown = more.run(into=run).wait(60)
    assert [(cell["number"], cell["values"]["prompt"]) for cell in grown.cells] == [
        (1, "b"), (2, "d"), (3, "a"), (4, "c")
    ]  # fmt: skip
    assert (grown.counts(), len(endpoint.posts)) == ({"collected": 4}, 4)


def test_a_run_is_called_by_its_axes_until_a_person_names_it(ws, sweep, endpoint, noon):
    run = sweep.plan(ws).run(budget=2)
    assert re.fullmatch(r"prompt \u00b7 today \d\d:\d\d", run.name)
    assert f"{run.id} ({run.name})" in repr(run)
    before = ws.log_store.jobs.version()
    run.name = "  hats,  second try "
    assert ws.log_store.jobs.version() > before, "views notice"
    assert ws.attach(run.id).name == "hats, second try"
    assert list(ws.log_store.sweeps.names()) == [run.id]
    for wrong in ("x" * 121, "a\0b"):
        with pytest.raises(LogError, match="1 to 120 characters"):
            run.name = wrong
    until(lambda: len(endpoint.posts) == len(PROMPTS))  # what was not sent yet would need a budget
    sweep.plan(ws).run()
    assert run.name == "hats, second try", "the same run again keeps its name"
    run.name = None
    assert run.name.startswith("prompt")
    run.wait(60)


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


def test_overlapping_sweeps_have_all_their_cells_and_say_what_each_cost(ws, req, endpoint):
    single = ws.submit(req.replace(prompt="c"), max_cost=1).wait(30)
    first = Sweep(req, prompt=["a", "b"]).plan(ws).run(budget=2).wait(60)
    endpoint.next_poll.append(endpoint.failed("no reason"))
    second = Sweep(req, prompt=["b", "c", "d"]).plan(ws).run(budget=2).wait(60)
    assert set(first.frame()["sweep_id"]) == {first.id}
    second.retry("failed").wait(60)
    frame, found = second.frame(), ws.log.frame({"sweep_id": second.id})
    assert sorted(frame["prompt"]) == ["b", "c", "d"]
    assert set(found["key"]) == set(frame["key"])
    assert sorted(found["prompt"]) == ["b", "c", "d", "d"], "the failed attempt was one at a cell of it"
    assert single.id in set(found["id"])
    assert set(ws.log.frame({"sweep_id": first.id})["id"]) == set(first.frame()["id"])
    bills = {row["prompt"]: row["cost"] for row in frame.to_dict("records")}
    own, before = bills["d"], bills["b"] + bills["c"]
    assert second.cost == pytest.approx(own + before)
    assert f"; {format_usd(own)} by this run, {format_usd(before)} for what was there already" in repr(second)
    assert repr(first).endswith(f"; {format_usd(first.cost)}>")


def test_a_cell_keeps_its_number_in_a_part_of_a_plan_and_in_the_run(ws, req):
    plan = Sweep(req, mode=["std", "turbo", "pro"], prompt=["a", "b"], seed=4).plan(ws)
    part = plan.edited(plan.frame()[plan.frame()["mode"] != "pro"])
    assert [cell.status for cell in part.cells] == ["new", "new", "invalid", "invalid"]
    run = plan.run(budget=3).wait(60)
    shown = ["mode", "prompt"]
    expected = plan.frame().query("status == 'new'")[shown]
    assert expected.index.tolist() == [1, 2, 5, 6]
    pd.testing.assert_frame_equal(run.frame()[shown].astype("string"), expected, check_index_type=False)
    assert run.describe().frame["prompt"].tolist() == expected["prompt"].tolist()
    assert ws.attach(run.id).frame().index.equals(run.frame().index)


def test_a_fraction_keeps_the_numbers_of_its_plan(ws, req):
    plan = Sweep(req, prompt=PROMPTS, mode=["std", "pro"]).plan(ws)
    part = plan.for_budget(1.70)
    assert 0 < len(part.cells) < len(plan.cells)
    shown = ["prompt", "mode", "status"]
    pd.testing.assert_frame_equal(part.frame()[shown], plan.frame()[shown].loc[part.frame().index])
    assert part.frame().index.tolist() != list(range(1, len(part.cells) + 1))
    again = part.edited(part.frame())
    assert [cell.key for cell in again.cells] == [cell.key for cell in part.cells]


def test_retry_of_attached_cells_needs_a_budget(ws, sweep, endpoint):
    """A job paid for outside of any run fails; the run it was attached to was given nothing to spend."""
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    jobs = [ws.submit(req, max_cost=1) for _, req in sweep.requests()]
    until(lambda: all(job.task_id for job in jobs))
    run = sweep.plan(ws).run()
    endpoint.next_poll.extendleft([endpoint.failed()] * 4)  # at once: a poll in between would find it ended
    assert run.wait(60).counts() == {"failed": 4}
    endpoint.next_poll.clear()
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
        assert (run.wait(60).counts(), endpoint.posts) == ({"planned": 4}, [])
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


def test_waiting_for_a_run_is_watching_its_jobs(ws, sweep, endpoint, monkeypatch):
    """Their bars move in a terminal, and after one job that took long nobody waits as long again."""
    monkeypatch.setattr(timing, "POLL", (0.005, 0.1))
    monkeypatch.setattr(timing, "UNWATCHED", 100_000)
    endpoint.next_poll.extend([endpoint.working(estimated_time=6000)] * 40)
    assert sweep.plan(ws).run(budget=2).wait(60).counts() == {"collected": 4}
