# ruff: noqa: ARG002
"""From axes to a plan: every cell with its status, its reason and its price; nothing is sent."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets import BudgetError, MotionRequest, RequestError, Sweep, measure_clip, measure_image
from motion_widgets.core.money import to_micro, to_usd
from motion_widgets.log.states import State
from motion_widgets.request.fields import WIRE_FIELDS
from motion_widgets.request.price import Estimate, require_bound
from motion_widgets.sweep.cells import Cell
from motion_widgets.sweep.design import Design
from motion_widgets.sweep.plan import Plan
from tests.jobs.endpoint import make_png, refusal, until

HIGH = {("std",): 0.22848, ("pro",): 0.36576}


def typed(plan):
    """Return a plan's cost as somebody types it who reads it."""
    return float(str(plan.cost).rpartition("$")[2])


def statuses(plan):
    return [cell.status for cell in plan.cells]


class TestAxes:
    def test_default_is_mode_by_orientation(self, req):
        cells = [values for values, _ in Sweep(req).requests()]
        assert [tuple(values.values()) for values in cells] == [
            ("std", "image"), ("std", "video"), ("pro", "image"), ("pro", "video")
        ]  # fmt: skip

    @pytest.mark.parametrize("field", WIRE_FIELDS)
    def test_any_wire_field_is_an_axis(self, req, field):
        values = [{"enabled": True}, {"enabled": False}] if field == "watermark_info" else ["x", "y"]
        cells = Sweep(req, **{field: values}).requests()
        assert [getattr(one, field) for _, one in cells] == values

    @pytest.mark.parametrize("single", ["pro", b"pro", {"enabled": True}, None, 5])
    def test_single_value_is_one_cell(self, req, single):
        assert len(Sweep(req, prompt=single).requests()) == 1

    def test_iterators_are_read_once(self, req):
        sweep = Sweep(req, prompt=(str(number) for number in range(3)))
        assert len(sweep.requests()) == len(sweep.requests()) == 3

    def test_what_is_no_axis(self, req):
        with pytest.raises(RequestError, match="model, prompt"):
            Sweep(req, resolution=["1080p"])
        with pytest.raises(RequestError, match="mode has no values"):
            Sweep(req, mode=[])

    def test_paths_clips_images_and_prompts(self, ws, req, endpoint, tmp_path):
        image = tmp_path / "red.png"
        image.write_bytes(make_png("red"))
        images = [image, measure_image(image), str(image), req.image_url]
        plan = Sweep(req, image_url=images, prompt=["a", None]).plan(ws)
        assert statuses(plan) == ["new", "new", *["double"] * 4, "new", "new"]
        assert plan.cells[2].labels == {"image_url": "red.png", "prompt": "a"}
        assert plan.cells[3].reason == "Duplicate of cell 2; it runs once."
        assert Sweep(req, video_url=measure_clip(req.video_url)).plan(ws).cells[0].status == "new"


class TestPlan:
    def test_nothing_is_sent_or_written(self, ws, req, endpoint):
        plan = Sweep(req).plan(ws)
        assert (statuses(plan), endpoint.posts, len(ws.log)) == (["new"] * 4, [], 0)

    def test_each_link_is_measured_once(self, ws, req, endpoint):
        before = endpoint.requests
        Sweep(req, prompt=[str(number) for number in range(20)]).plan(ws)
        assert endpoint.requests - before <= 4

    def test_every_cell_is_judged_as_it_would_be_alone(self, ws, req, endpoint):
        axes = {
            "prompt": ["a", " ", "x" * 2501, 5, None, "half \ud800"], "mode": ["std", "turbo", None],
            "character_orientation": ["image", "video", []], "keep_original_sound": [True, "yes"],
            "watermark_info": [None, {"enabled": 1}, {"enabled": True}], "webhook": [None, "https://h:8/x"],
        }  # fmt: skip
        plan = Sweep(req, **axes).plan(ws)
        assert len(plan.cells) == 6 * 3 * 3 * 2 * 3 * 2
        for cell in plan.cells[::7]:
            alone = req.replace(**cell.values)
            clip, image = cell.request.video_url, cell.request.image_url
            assert list(cell.findings) == ws.preparation.judge(cell.request, clip, image)
            assert cell.key == cell.request.key == alone.key
            assert cell.estimate == (ws.estimate(cell.request) if alone.mode == "std" else None)

    def test_cost_is_that_of_the_new_cells(self, ws, req, endpoint):
        ws.submit(req, max_cost=0.5).wait(30)
        plan = Sweep(req, mode=["std", "pro", "turbo"], character_orientation=["image", "image"]).plan(ws)
        assert statuses(plan) == ["done", "double", "new", "double", "invalid", "invalid"]
        assert plan.cost.high == 0.36576
        assert plan.cost.low == 0.27432
        assert "turbo" in plan.cells[4].reason
        assert plan.cells[4].estimate is None
        assert "1 new, 2 double" not in repr(plan)
        assert "2 invalid" in repr(plan)

    def test_statuses_follow_the_log(self, ws, req, endpoint):
        sweep = Sweep(req, prompt=[str(number) for number in range(6)])
        endpoint.next_post.extend([refusal(400), "reset"])
        jobs = [ws.submit(one, max_cost=1).wait(30) for _, one in sweep.requests()[:3]]
        endpoint.next_poll.extend([endpoint.working()] * 100_000)
        running = ws.submit(sweep.requests()[3][1], max_cost=1)
        until(lambda: running.task_id)
        planned, _ = ws.log_store.jobs.add(ws.preparation.plan_job(sweep.requests()[4][1]))
        plan = sweep.plan(ws)
        assert statuses(plan) == ["new", "unknown", "done", "running", "new", "new"]
        ids = [None, jobs[1].id, jobs[2].id, running.id, planned.id, None]
        assert [cell.job_id for cell in plan.cells] == ids
        assert "not sent yet" in plan.cells[4].reason
        assert plan.cost.high == pytest.approx(3 * 0.22848)

    @pytest.mark.parametrize("state", [State.VANISHED, State.EXPIRED])
    def test_ends_that_may_have_cost_are_done(self, ws, req, endpoint, state):
        job = ws.submit(req, max_cost=1).wait(30)
        with ws.log_store.database.write() as connection:
            connection.exec_driver_sql(f"UPDATE jobs SET state = '{state}' WHERE id = '{job.id}'")
        assert Sweep(req, mode="std").plan(ws).cells[0].status == "done"

    def test_frame_has_fixed_dtypes(self, ws, req):
        full = Sweep(req).plan(ws).frame()
        odd = Sweep(req, mode="turbo", character_orientation=["image"]).plan(ws).frame()
        assert dict(full.dtypes.astype(str)) == dict(odd.dtypes.astype(str))
        assert list(full.columns) == [
            "mode", "character_orientation", "status", "reason", "estimate_low", "estimate_high", "job_id"
        ]  # fmt: skip
        assert str(full["estimate_high"].dtype) == "float64"
        assert str(odd["job_id"].dtype) == "string"
        assert odd["estimate_high"].isna().all()

    def test_unreachable_clip_is_priced_at_the_cap_and_said(self, ws, req, endpoint):
        plan = Sweep(req.replace(video_url=f"{endpoint.url}/gone.mp4")).plan(ws)
        assert statuses(plan) == ["new"] * 4
        assert plan.cost.length_unknown
        assert plan.cost.high == pytest.approx(10 * 0.05712 + 30 * 0.05712 + 10 * 0.09144 + 30 * 0.09144)

    def test_local_clip_is_invalid_on_a_live_endpoint(self, ws, req, tmp_path, clip_bytes):
        clip = tmp_path / "dance.mp4"
        clip.write_bytes(clip_bytes)
        cell = Sweep(req, video_url=[clip]).plan(ws).cells[0]
        assert cell.status == "invalid"
        assert "public https link" in cell.reason

    def test_file_changed_after_planning_is_not_sent(self, ws, req, tmp_path, endpoint):
        image = tmp_path / "hero.png"
        image.write_bytes(make_png("red"))
        plan = Sweep(req, image_url=[image]).plan(ws)
        image.write_bytes(make_png("blue"))
        with pytest.raises(RequestError, match=r"hero\.png has changed"):
            plan.run(budget=5)
        assert (endpoint.posts, len(ws.log)) == ([], 0)


class TestBudget:
    def test_live_needs_one_and_names_the_sum(self, ws, req):
        with pytest.raises(BudgetError, match=r"\$1\.19"):
            Sweep(req).plan(ws).run()

    def test_the_cost_shown_runs_the_whole_plan(self, ws, req, endpoint):
        plan = Sweep(req, prompt=["a", "b", "c"], mode=["std", "pro"]).plan(ws)
        shown = typed(plan)
        assert plan.cost.high == pytest.approx(1.78272), "and it is no whole number of cents"
        assert shown == 1.79
        assert plan.for_budget(shown) is plan
        run = plan.run(budget=shown).wait(60)
        assert run.counts() == {"collected": 6}
        assert run.cost <= shown
        assert len(endpoint.posts) == 6

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(st.integers(1, 10**7), st.integers(1, 30)), min_size=1, max_size=40))
    def test_any_cost_shown_buys_the_whole_plan(self, ws, req, cells):
        priced = [
            Cell(
                {"prompt": str(n)}, req, str(n), "new", "", Estimate(to_usd(rate * (s - 1)), to_usd(rate * s))
            )
            for n, (rate, s) in enumerate(cells)
        ]
        design = Design.listed(req, [cell.values for cell in priced])
        plan = Plan(design, ws, cells=priced)
        exact = sum(cell.estimate.high_micro for cell in priced)
        assert exact <= to_micro(typed(plan)) < exact + 10_000
        assert plan.for_budget(typed(plan)) is plan
        require_bound(plan.cost, typed(plan), live=True)

    def test_repeats_are_named_at_their_price(self, ws, req):
        Sweep(req, mode="std").plan(ws).run(budget=5).wait(30)
        with pytest.raises(BudgetError, match=r"0\.23"):
            Sweep(req, mode="std").plan(ws).run(new=True)

    @pytest.mark.parametrize("budget", [float("nan"), float("inf"), -1, "5", 0.01])
    def test_what_is_none(self, ws, req, budget, endpoint):
        with pytest.raises(BudgetError):
            Sweep(req).plan(ws).run(budget=budget)
        assert (endpoint.posts, len(ws.log)) == ([], 0)

    def test_planned_cells_need_one_too(self, ws, req, endpoint):
        """They were never sent, so running the plan is what pays for them."""
        for _, one in Sweep(req).requests():
            ws.log_store.jobs.add({**ws.preparation.plan_job(one), "budget_id": "old"})
        with pytest.raises(BudgetError):
            Sweep(req).plan(ws).run()
        run = Sweep(req).plan(ws).run(budget=0.5).wait(30)
        assert run.budget[1] <= 0.5, "and this run's budget holds for them"
        assert 0 < len(endpoint.posts) < 4


def test_no_valid_cell(ws, req):
    with pytest.raises(RequestError, match="turbo"):
        Sweep(req, mode=["turbo"]).plan(ws).run(budget=1)
    none = Sweep(req, where=lambda _: False).plan(ws)
    assert repr(none) == "<Plan of 0 cells; $0.00>"
    with pytest.raises(RequestError, match="excludes them all"):
        none.run(budget=1)


def test_local_media_on_the_sandbox(spaces, tmp_path, clip_bytes):
    ws = spaces(endpoint="sandbox", key=None)
    clip, copy, image = tmp_path / "dance.mp4", tmp_path / "copy.mp4", tmp_path / "hero.png"
    clip.write_bytes(clip_bytes)
    shutil.copy(clip, copy)
    image.write_bytes(make_png())
    req = MotionRequest(model="kling-v2-6-motion-control", image_url=image, video_url=clip)
    assert statuses(Sweep(req, video_url=[clip, copy]).plan(ws)) == ["new", "double"]
