"""What a run sends when a person says so: never more than was named, by what it costs now."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update

from motion_widgets import BudgetError, RequestError, Sweep
from motion_widgets.log.schema import sweeps
from motion_widgets.sweep.run_cells import price_of
from tests.jobs.endpoint import COST, refusal


@pytest.fixture
def sweep(req):
    return Sweep(req, prompt=["a", "b", "c"])


@pytest.fixture
def planned(ws, sweep, monkeypatch):
    """A paused run of three cells that nobody drives."""
    with monkeypatch.context() as patch:
        patch.setattr("motion_widgets.jobs.runner.Runner.drive", lambda *_, **__: None)
        return sweep.plan(ws).run(budget=5).pause()


def test_a_paused_run_goes_on_for_what_was_named_and_no_cent_more(planned, endpoint):
    named = planned.price().high
    assert named >= 3 * COST
    with pytest.raises(BudgetError, match="may be spent"):
        planned.resume(2 * COST)
    assert (planned.paused, endpoint.posts, planned.counts()) == (True, [], {"planned": 3})
    assert planned.resume(named).wait(60).counts() == {"collected": 3}
    assert planned.price().high == 0


def test_failed_cells_are_tried_again_for_what_was_named(ws, sweep, endpoint):
    endpoint.next_post += [refusal(400), refusal(400)]
    run = sweep.plan(ws).run(budget=5).wait(60)
    named = run.price("failed").high
    assert (run.price().high, named >= 2 * COST) == (0, True)
    with pytest.raises(BudgetError):
        run.retry("failed", COST)
    assert (len(ws.log), len(endpoint.posts)) == (3, 3), "no attempt was written down"
    assert run.retry("failed", named).wait(60).counts() == {"collected": 3}


def test_unknown_cells_are_sent_again_for_what_was_named_and_only_as_they_were(ws, sweep, endpoint):
    endpoint.next_post.append("reset")
    run = sweep.plan(ws).run(budget=5).wait(60)
    named = run.price("unknown").high
    with pytest.raises(BudgetError):
        run.resend(named / 100)
    [odd] = [row for row in run.rows() if row.state == "unknown"]
    with pytest.raises(BudgetError):
        ws.attach(odd.id).resend(named / 100)
    ws.log_store.transitions.record(odd.id, prompt="another")
    with pytest.raises(RequestError, match="no longer asks for what it was planned for"):
        run.resend(named)
    assert len(endpoint.posts) == 3
    ws.log_store.transitions.record(odd.id, prompt=odd.prompt)
    assert run.resend(named).wait(60).counts() == {"collected": 3}


def test_a_price_is_of_now_and_never_of_the_row(ws, planned):
    rows = planned.rows()
    for row in rows:
        ws.log_store.transitions.record(row.id, estimate_low=0, estimate_high=1, clip_length=0.1)
    assert planned.price().high == price_of(ws, "planned", rows).high >= 3 * COST
    with pytest.raises(BudgetError):
        planned.resume(0.01)


def test_what_has_no_price_costs_nothing_as_it_cannot_be_sent(ws, planned, endpoint):
    for row in planned.rows():
        ws.log_store.transitions.record(row.id, model="another")
    assert planned.price().high == 0
    assert planned.resume(0).wait(30).counts() == {"planned": 3}
    assert endpoint.posts == []


def test_a_run_of_a_log_with_missing_jobs_and_strange_axes_is_a_run_all_the_same(ws, planned):
    cells = [*planned.cells, {"values": {"prompt": "d"}, "job_id": "job-none"}]
    cells[0] = {**cells[0], "values": {"x": "y"}}
    axes = {"x": ["y"], "prompt": ["a", "b", "c", "d"]}
    ws.log_store.sweeps.add(
        {
            "id": "run-odd", "endpoint": ws.endpoint, "account": ws.account,
            "axes": json.dumps(axes), "cells": json.dumps(cells), "stop_after": None,
        },
        [], limit=None, keep=False, new=False, order=[],
    )  # fmt: skip
    with ws.log_store.database.write() as connection:
        connection.execute(update(sweeps).where(sweeps.c.id == "run-odd").values(cells=json.dumps(cells)))
    run = ws.attach("run-odd")
    assert (list(run.axes), [cell["values"] for cell in run.cells]) == (
        ["prompt"], [{"prompt": ""}, {"prompt": "b"}, {"prompt": "c"}],
    )  # fmt: skip
    assert len(run.rows()) == len(run.cells) == 3
    assert (run.clusters(), "3 planned" in run.summary()) == ([], True)
    assert len(run.standing().rows) == 3
    assert len(run.extend(prompt=["e"]).cells) == 4
    with ws.log_store.database.write() as connection:
        connection.execute(update(sweeps).where(sweeps.c.id == "run-odd").values(cells="[]"))
    with pytest.raises(RequestError, match="no cells"):
        ws.attach("run-odd").extend(prompt=["e"])
