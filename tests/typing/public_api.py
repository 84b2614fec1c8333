"""A notebook's steps with the types that a user's checker sees; never run, only checked."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import pandas as pd

import motion_widgets as mw


def one_request(folder: Path) -> None:
    with mw.Workspace(folder, endpoint="sandbox") as ws:
        assert_type(ws, mw.Workspace)
        samples = ws.samples()
        req = mw.MotionRequest(
            model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s, mode="std"
        )
        assert_type(req.replace(mode="pro"), mw.MotionRequest)
        findings = ws.check(req)
        for finding in findings:
            assert_type(finding, mw.Finding)
        assert_type(ws.estimate(req), mw.Estimate)
        job = ws.submit(req, max_cost=0.50)
        assert_type(job, mw.Job)
        assert_type(job.wait(), mw.Job)
        assert_type(job.wait(10), mw.Job)
        result: Path | None = job.result
        assert_type(result, Path | None)
        assert_type(job.cost, float | None)
        ws.submit(req, max_cost="much")  # type: ignore[arg-type]


def a_sweep(ws: mw.Workspace, req: mw.MotionRequest) -> None:
    sweep = mw.Sweep(req, mode=["std", "pro"])
    assert_type(sweep, mw.Sweep)
    assert_type(mw.Sweep.zipped(req, mode=["std"]), mw.Sweep)
    plan = sweep.plan(ws)
    assert_type(plan, mw.Plan)
    run = plan.run(budget=5.00)
    assert_type(run, mw.Run)
    assert_type(run.wait().frame(), pd.DataFrame)
    assert_type(run.price(), mw.Estimate)
    assert_type(run.jobs, list[mw.Job])


def media(clip: str) -> None:
    measured = mw.measure_clip(clip)
    assert_type(measured, mw.Clip)
    assert_type(measured.width, int)
    assert_type(mw.measure_image("hero.png"), mw.Image)


def errors(ws: mw.Workspace) -> None:
    try:
        ws.attach("job-unknown")
    except mw.RequestError as error:
        print(*error.findings)
    except mw.MotionError as error:
        assert_type(str(error), str)


def widgets(ws: mw.Workspace) -> None:
    assert_type(mw.Studio(ws, language="ja"), mw.Studio)
    assert_type(mw.SweepBoard(ws), mw.SweepBoard)
    mw.Studio(ws, tab=3)  # type: ignore[arg-type]
