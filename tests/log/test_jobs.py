"""Sums over many jobs, and finding the few that are under way among them."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from motion_widgets.log.billing import has_refund_open, refund_open
from motion_widgets.log.frame_reader import read_jobs
from motion_widgets.log.imports import insert_frame
from motion_widgets.log.jobs import in_states
from motion_widgets.log.merge import merge
from motion_widgets.log.rows import Totals
from motion_widgets.log.states import ENDS, UNDER_WAY, State
from motion_widgets.log.store import Log
from tests.log.test_paging import plans_of

MINE = ("sandbox", "sandbox")


@pytest.fixture
def several(log, put):
    for number, state in enumerate(
        [State.PLANNED, State.RUNNING, State.FAILED, State.COLLECTED, State.COLLECTED]
    ):
        row = put(state, f"k{number}")
        if state == State.COLLECTED:
            log.transitions.settle(row.id, 300 + number, "billed")
    put(State.COLLECTED, "other", account="theirs")
    return log


def test_totals_count_by_state_and_sum_up_what_was_billed(several):
    found = several.jobs.totals(*MINE)
    assert found == Totals({"planned": 1, "running": 1, "failed": 1, "collected": 2}, 2, 607)
    assert (found.count(UNDER_WAY), found.count(ENDS), found.count([State.UNKNOWN])) == (1, 3, 0)
    assert several.jobs.totals("sandbox", "theirs") == Totals({"collected": 1}, 0, 0)
    assert several.jobs.totals("sandbox", "nobody") == Totals({}, 0, 0)


@pytest.mark.parametrize("how", ["merge", "import"])
def test_what_came_from_elsewhere_was_not_paid_from_here(several, tmp_path, how):
    here = Log(tmp_path / "here.sqlite")
    if how == "merge":
        merge(here, several)
    else:
        with several.database.read() as connection:
            insert_frame(here, read_jobs(connection))
    totals = here.jobs.totals(*MINE)
    assert totals.counts["collected"] == several.jobs.totals(*MINE).counts["collected"] == 2
    assert (totals.billed, totals.spent) == (0, 0)
    planned = here.jobs.rows(in_states(*MINE, [State.PLANNED]))[0]
    assert here.transitions.intend(planned.id, 5, owner="me")  # from here on it is paid for here
    here.transitions.settle(planned.id, 4, "billed")
    assert here.jobs.totals(*MINE).spent == 4
    here.close()


def test_totals_are_summed_up_again_only_after_a_change(several):
    sums = []
    engine = several.database._reader
    event.listen(engine, "before_cursor_execute", lambda *given: sums.append("GROUP BY" in given[2]))
    first = several.jobs.totals(*MINE)
    assert several.jobs.totals(*MINE) is first
    assert sum(sums) == 1
    several.transitions.move(several.jobs.rows(in_states(*MINE, [State.RUNNING]))[0].id, State.COMPLETED)
    assert several.jobs.totals(*MINE).counts["completed"] == 1
    assert sum(sums) == 2


def test_few_jobs_under_way_are_found(several):
    assert [row.state for row in several.jobs.rows(in_states(*MINE, UNDER_WAY))] == ["running"]
    assert several.jobs.rows(in_states("sandbox", "theirs", UNDER_WAY)) == []


def test_open_refunds_are_counted_as_they_are_judged(several):
    judged = [row.id for row in several.jobs.rows() if refund_open(row)]
    assert [row.id for row in several.jobs.rows(has_refund_open())] == judged
    assert len(judged) == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda log: log.jobs.totals(*MINE),
        lambda log: log.jobs.rows(in_states(*MINE, UNDER_WAY)),
    ],
    ids=["sums", "under way"],
)
def test_sums_and_jobs_under_way_walk_no_whole_rows(tmp_path, ask):
    log = Log(tmp_path / "log.sqlite")
    said = plans_of(log, lambda: ask(log))
    log.close()
    assert any("COVERING INDEX jobs_totals (endpoint=? AND account=?" in one for one in said)
    assert not any("SCAN jobs" in one and "COVERING" not in one for one in said)
