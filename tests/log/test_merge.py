# ruff: noqa: E501
"""Two people's logs in one: everything, nothing twice, and what differs is named. On both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import text, update

from motion_widgets.log.annotations import Annotation
from motion_widgets.log.merge import merge
from motion_widgets.log.names import current_person
from motion_widgets.log.recovery import all_rows, write_fresh
from motion_widgets.log.schema import jobs, metadata, sweeps
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from tests.log.conftest import PATHS, VALUES
from tests.log.test_imports import many


def rows_of(log):
    with log.database.read() as connection:
        return all_rows(connection)


@pytest.fixture
def other(tmp_path):
    made = Log(tmp_path / "other.sqlite")
    yield made
    made.close()


def put(log, state, key="k", **columns):
    row, _ = log.jobs.add({**VALUES, "key": key, **columns})
    for step in PATHS[state]:
        assert (
            log.transitions.intend(row.id, 100, owner="me")
            if step == "submitting"
            else log.transitions.move(row.id, step)
        )
    log.leases.release(row.id, "me")
    return row.id


def everything(log):
    rows = rows_of(log)
    for table in rows.values():
        for row in table:
            row.pop("seq", None)
    return {name: sorted(map(repr, table)) for name, table in rows.items()}


def test_the_union_with_events_sweeps_and_marks(log, other):
    mine = put(log, State.COLLECTED, "mine")
    theirs = put(other, State.FAILED, "theirs", account="them")
    other.annotations.rate([theirs], usable=False, stars=2)
    other.annotations.note(theirs, "hands melt")
    other.annotations.tag([theirs], "hands")
    other.sweeps.save({"id": "run-1", "endpoint": "sandbox", "account": "them", "axes": "{}", "cells": "[]"})
    other.budgets.set("run-1", 500)
    other.files.add_input("5ha", name="a.png", size=3, path="inputs/a.png")
    other.mends.add(
        kind="clip", operation="mute", parameters={}, source_sha=None, source_name="a", source_path=None,
        result_sha="r", result_name="b", result_path="mended/b.mp4",
    )  # fmt: skip
    done = merge(log, other)
    assert (done.added, done.advanced, done.same, done.conflicts) == (1, 0, 0, [])
    assert done.files == ["inputs/a.png", "mended/b.mp4"]
    assert {row.id for row in log.jobs.rows()} == {mine, theirs}
    assert log.annotations.of()[theirs] == Annotation(False, 2.0, "hands melt", ("hands",))
    assert [one.to_state for one in log.jobs.events(theirs)] == [
        one.to_state for one in other.jobs.events(theirs)
    ]
    assert (log.sweeps.ids(), log.budgets.get("run-1"), len(log.mends.find())) == (["run-1"], (500, 0), 1)


def test_the_same_plan_run_by_two_people_is_no_conflict_and_another_is(log, other):
    cells = '[{{"values": {{"mode": "{mode}"}}, "job_id": "{id}", "order": 1}}]'
    for one, job_id, mode in ((log, "job-a", "std"), (other, "job-b", "std")):
        values = {"id": "run-1", "endpoint": "sandbox", "account": "me", "axes": '{"mode": ["std"]}'}
        one.sweeps.save({**values, "cells": cells.format(mode=mode, id=job_id)})
    assert merge(log, other).conflicts == []
    assert "job-a" in log.sweeps.get("run-1").cells, "ours stays"
    with other.database.write() as connection:
        connection.execute(update(sweeps).values(cells=cells.format(mode="pro", id="job-b")))
    assert len(merge(log, other).conflicts) == 1


def test_merging_again_and_back_changes_nothing(log, other):
    put(log, State.COLLECTED, "same")
    put(other, State.COLLECTED, "same")
    put(other, State.UNKNOWN, "more")
    other.annotations.rate([other.jobs.rows()[0].id], stars=1)
    merge(log, other)
    before = everything(log)
    again = merge(log, other)
    assert (again.added, again.advanced) == (0, 0)
    assert everything(log) == before
    merge(other, log)
    third = merge(log, other)
    assert (third.added, everything(log)) == (0, before)


def test_the_same_content_made_apart_is_kept_as_a_further_repeat_and_named(log, other):
    mine = put(log, State.COLLECTED, "same")
    failed = put(other, State.FAILED, "same")
    second, _ = other.jobs.add_attempt(failed)
    done = merge(log, other)
    found = {row.id: (row.repeat, row.attempt) for row in log.jobs.rows()}
    assert found == {mine: (1, 1), failed: (2, 1), second.id: (2, 2)}
    assert any(failed in sentence and mine in sentence for sentence in done.conflicts)
    third, _ = other.jobs.add_attempt(other.jobs.rows()[0].id)
    other.transitions.move(third.id, State.REJECTED)
    fourth, _ = other.jobs.add_attempt(failed)
    merge(log, other)
    assert (log.jobs.get(fourth.id).repeat, log.jobs.get(fourth.id).attempt) == (2, 3)


def test_a_copy_that_went_on_brings_the_end(log, tmp_path):
    log.budgets.set("b", 1000)
    job_id = put(log, State.SUBMITTED, budget_id="b", task_id="t")
    copy = tmp_path / "copy.sqlite"
    write_fresh(copy, rows_of(log))
    other = Log(copy)
    other.transitions.move(job_id, State.COMPLETED)
    other.transitions.move(job_id, State.COLLECTED, settle=80, cost=80, result_path="results/x.mp4")
    used = log.budgets.get("b")[1]
    done = merge(log, other)
    other.close()
    row = log.jobs.get(job_id)
    assert (done.added, done.advanced, row.state, row.cost, row.reserved) == (
        0,
        1,
        "collected",
        80,
        0,
    )
    assert log.budgets.get("b")[1] == used - 20, "the bill stands for the reservation"
    assert [one.to_state for one in log.jobs.events(job_id)][-1] == "collected"


def test_the_end_that_a_copy_saw_settles_its_persons_budget_as_well(log, tmp_path):
    """Only the run's was settled: what was reserved stayed used of the person's until it was set anew."""
    mine = current_person(), "sandbox", "sandbox"
    log.budgets.set_person(*mine, 1000)
    billed, free = put(log, State.SUBMITTED, "a", task_id="a"), put(log, State.SUBMITTED, "b", task_id="b")
    write_fresh(tmp_path / "copy.sqlite", rows_of(log))
    other = Log(tmp_path / "copy.sqlite")
    other.transitions.move(billed, State.COMPLETED)
    other.transitions.move(billed, State.COLLECTED, settle=80, cost=80, result_path="results/x.mp4")
    other.transitions.move(free, State.FAILED, settle=0, cost=0)
    assert log.budgets.get_person(*mine).used == 200
    assert merge(log, other).advanced == 2
    other.close()
    assert log.budgets.get_person(*mine).used == 80
    assert log.budgets.set_person(*mine, 1000).used == 80, "as it is counted anew"


@pytest.mark.parametrize("merged", [False, True], ids=["a copy", "a colleague's"])
@pytest.mark.parametrize("end", [State.COLLECTED, State.FAILED, State.REJECTED])
def test_an_end_without_a_bill_frees_no_money_that_may_have_been_spent(log, tmp_path, end, merged):
    """It was free here then, and could be spent a second time."""
    log.budgets.set("b", 1000)
    job_id = put(
        log, State.SUBMITTING if end is State.REJECTED else State.SUBMITTED, budget_id="b", task_id="t"
    )
    write_fresh(tmp_path / "copy.sqlite", rows_of(log))
    other = Log(tmp_path / "copy.sqlite")
    if merged:  # what comes from elsewhere holds no money there
        other.transitions.record(job_id, reserved=0)
    if end is State.COLLECTED:
        other.transitions.move(job_id, State.COMPLETED)
    assert other.transitions.move(job_id, end, settle=0 if end is State.REJECTED else None)
    assert merge(log, other).advanced == 1
    other.close()
    held = 0 if end is State.REJECTED else 100
    assert (log.jobs.get(job_id).state, log.jobs.get(job_id).reserved) == (end, held)
    assert log.budgets.get("b")[1] == held


def test_two_ends_of_one_job_are_named_and_ours_stays(log, tmp_path):
    job_id = put(log, State.SUBMITTED)
    write_fresh(tmp_path / "copy.sqlite", rows_of(log))
    other = Log(tmp_path / "copy.sqlite")
    log.transitions.move(job_id, State.FAILED)
    other.transitions.move(job_id, State.CANCELLED)
    (sentence,) = merge(log, other).conflicts
    other.close()
    assert all(word in sentence for word in (job_id, "failed", "cancelled"))
    assert log.jobs.get(job_id).state == "failed"


@pytest.mark.parametrize(
    ("state", "sandbox", "here"),
    [
        (State.PLANNED, True, "planned"), (State.SUBMITTING, False, "unknown"), (State.RUNNING, True, "unknown"),
        (State.RUNNING, False, "running"), (State.UNKNOWN, False, "unknown"), (State.COLLECTED, True, "collected"),
    ],
)  # fmt: skip
def test_what_is_on_its_way_there_is_not_driven_here(log, other, state, sandbox, here):
    job_id = put(other, state, sandbox=sandbox, task_id="t")
    merge(log, other)
    row = log.jobs.get(job_id)
    assert (row.state, row.lease_owner, row.reserved) == (here, None, 0)


def test_an_older_rating_that_comes_later_does_not_count(log, tmp_path):
    job_id = put(log, State.COLLECTED)
    log.annotations.rate([job_id], stars=1)
    write_fresh(tmp_path / "copy.sqlite", rows_of(log))
    other = Log(tmp_path / "copy.sqlite")
    other.annotations.rate([job_id], stars=2)
    log.annotations.rate([job_id], stars=5)
    seq = log.jobs.version()
    merge(log, other)
    other.close()
    assert log.annotations.of()[job_id].stars == 5.0
    assert log.jobs.version() > seq, "views notice"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.mp4", "results/../../x", "C:\\x", "a\\..\\b", "\\\\host\\x"]
)
def test_paths_out_of_the_workspace_are_left_out_and_named(log, other, path):
    job_id = put(other, State.COLLECTED, result_path=path)
    done = merge(log, other)
    assert log.jobs.get(job_id).result_path is None
    assert len(done.conflicts) == 1
    assert done.files == []


@pytest.mark.parametrize("odd", ["../../x", "results/x", "a\\b", "", ".hidden", "x" * 300])
def test_ids_that_would_lead_a_result_astray_are_left_out_and_named(log, other, odd):
    job_id, fine = put(other, State.COLLECTED), put(other, State.COLLECTED, "b")
    with other.database.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(id=odd))
    done = merge(log, other)
    assert [row.id for row in log.jobs.rows()] == [fine]
    assert (done.added, len(done.conflicts)) == (1, 1)
    assert "cannot be used in file names" in done.conflicts[0]


def test_all_tables_of_a_log_go_with_it(log):
    assert set(rows_of(log)) == {table.name for table in metadata.sorted_tables} - {"meta"}


def test_many_jobs_into_a_log_of_many(log, other):
    for mine, name in ((log, "a"), (other, "b")):
        frame = many(2500)
        frame["id"] = frame["key"] = f"job-{name}" + frame["id"]
        LogView(mine).import_frame(frame)
    assert merge(log, other).added == 2500
    assert len(LogView(log)) == 5000


@pytest.mark.parametrize("title", ["x" * 121, "two\nlines", ""])
def test_a_name_of_a_run_that_is_none_is_left_out(log, other, title):
    other.sweeps.save({"id": "run-1", "endpoint": "sandbox", "account": "them", "axes": "{}", "cells": "[]"})
    with other.database.write() as connection:
        connection.execute(text("UPDATE sweeps SET title = :t"), {"t": title})
    assert "title" in merge(log, other).conflicts[0]
    assert log.sweeps.get("run-1").title is None


def test_the_name_of_a_run_comes_along_and_ours_stays(log, other):
    for one, title in ((log, None), (other, "theirs")):
        for run in ("run-1", "run-2"):
            one.sweeps.save({"id": run, "endpoint": "e", "account": "a", "axes": "{}", "cells": "[]"})
            one.sweeps.rename(run, title)
    log.sweeps.rename("run-2", "ours")
    assert merge(log, other).conflicts == []
    assert [log.sweeps.name(run) for run in ("run-1", "run-2")] == ["theirs", "ours"]
