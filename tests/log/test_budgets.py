"""Whose money a job is: budgets of people, beside that of a sweep. On both engines."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from motion_widgets.core.errors import BudgetError, LogError
from motion_widgets.log.budgets import person_budget_id
from motion_widgets.log.merge import merge
from motion_widgets.log.names import PERSON_VARIABLE, current_person
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from tests.log.conftest import VALUES

ROOT = Path(__file__).parents[2]
HERE = ("sandbox", "sandbox")


@pytest.fixture
def as_(monkeypatch):
    return lambda person: monkeypatch.setenv(PERSON_VARIABLE, person)


def used(log, person):
    return log.budgets.get_person(person, *HERE).used


class TestName:
    def test_user_at_host_unless_it_is_set(self, as_, monkeypatch):
        monkeypatch.delenv(PERSON_VARIABLE, raising=False)
        assert "@" in current_person()
        as_("  ana ")
        assert current_person() == "ana"

    @pytest.mark.parametrize("name", [" ", "a" * 81, "a\nb", "a\x00"])
    def test_what_is_no_name_is_said(self, monkeypatch, name):
        monkeypatch.setattr(os, "environ", {PERSON_VARIABLE: name})
        with pytest.raises(LogError, match="cannot be a person's name"):
            current_person()

    def test_it_stands_on_all_that_is_written(self, log, add, as_):
        as_("ana")
        row = add()
        log.annotations.rate([row.id], stars=3)
        log.annotations.note(row.id, "hands")
        log.annotations.tag([row.id], "hands")
        log.sweeps.save({"id": "run-1", "endpoint": "e", "account": "a", "axes": "{}", "cells": "[]"})
        log.mends.add(
            kind="clip", operation="mute", parameters={}, source_sha=None, source_name="a",
            source_path=None, result_sha="r", result_name="b", result_path="mended/b.mp4",
        )  # fmt: skip
        with log.database.read() as connection:
            from sqlalchemy import text

            for table in ("jobs", "sweeps", "mends", "ratings", "notes", "tags"):
                assert connection.execute(text(f"SELECT created_by FROM {table}")).scalar_one() == "ana"


class TestBudget:
    def test_is_reserved_settled_and_given_back(self, log, add, as_):
        as_("ana")
        log.budgets.set_person("ana", *HERE, 250)
        rows = [add(key) for key in "abc"]
        assert log.transitions.intend(rows[0].id, 100, owner="me")
        assert log.transitions.intend(rows[1].id, 100, owner="me")
        assert used(log, "ana") == 200
        with pytest.raises(BudgetError, match=r"budget of ana has only \$0\.00"):
            log.transitions.intend(rows[2].id, 100, owner="me")
        assert log.jobs.get(rows[2].id) == rows[2], "nothing of it was kept"
        assert log.transitions.move(rows[0].id, State.PLANNED, settle=0)
        assert log.transitions.move(rows[1].id, State.SUBMITTED)
        assert log.transitions.move(rows[1].id, State.COMPLETED, settle=120, cost=120)
        assert used(log, "ana") == 120, "the bill stands for the reservation"
        assert log.transitions.intend(rows[2].id, 100, owner="me")
        assert log.transitions.move(rows[2].id, State.SUBMITTED)
        assert log.transitions.move(rows[2].id, State.FAILED)
        assert used(log, "ana") == 220, "no refund is proven yet"
        assert log.transitions.settle(rows[2].id, 0, "proven")
        assert used(log, "ana") == 120

    def test_both_budgets_or_none(self, log, add, as_):
        as_("ana")
        log.budgets.set("run-1", 150)
        log.budgets.set_person("ana", *HERE, 90)
        row = add(budget_id="run-1")
        with pytest.raises(BudgetError, match="of ana"):
            log.transitions.intend(row.id, 100, owner="me")
        assert (log.budgets.get("run-1"), used(log, "ana")) == ((150, 0), 0)
        log.budgets.set_person("ana", *HERE, 500)
        assert log.transitions.intend(row.id, 100, owner="me")
        assert (log.budgets.get("run-1"), used(log, "ana")) == ((150, 100), 100)
        with pytest.raises(BudgetError, match="of run-1"):
            log.transitions.intend(add("other", budget_id="run-1").id, 100, owner="me")
        assert (log.budgets.get("run-1"), used(log, "ana")) == ((150, 100), 100)

    def test_who_has_it_sent_pays(self, log, add, as_):
        for person in ("ana", "bo"):
            log.budgets.set_person(person, *HERE, 100)
        as_("ana")
        row = add()
        as_("bo")
        assert log.transitions.intend(row.id, 60, owner="me")
        assert (used(log, "ana"), used(log, "bo")) == (0, 60)
        assert log.jobs.get(row.id).created_by == "bo"
        assert "bo" in log.jobs.events(row.id)[-1].note
        as_("cy")  # settled by whoever looks
        assert log.transitions.move(row.id, State.SUBMITTED)
        assert log.transitions.move(row.id, State.COMPLETED, settle=50, cost=50)
        assert (used(log, "ana"), used(log, "bo")) == (0, 50)

    def test_resend_reserves_nothing_twice_and_stays_the_senders(self, log, put, as_):
        as_("ana")
        log.budgets.set_person("ana", *HERE, 100)
        row = put(State.UNKNOWN)
        as_("bo")
        log.budgets.set_person("bo", *HERE, 0)
        assert log.transitions.intend(row.id, 100, owner="me", resend=True)
        assert (used(log, "ana"), used(log, "bo")) == (100, 0)

    @pytest.mark.parametrize("other", [{"endpoint": "apimart"}, {"account": "acct"}])
    def test_another_endpoint_or_account_is_another_budget(self, log, add, as_, other):
        as_("ana")
        log.budgets.set_person("ana", *HERE, 0)
        assert log.transitions.intend(add(**other).id, 100, owner="me")

    def test_setting_it_counts_what_was_spent_before(self, log, put, add, as_):
        as_("ana")
        put(State.UNKNOWN, "a")
        done = put(State.COMPLETED, "b")
        assert log.transitions.settle(done.id, 70, "billed")
        as_("bo")
        put(State.UNKNOWN, "c")
        assert log.budgets.set_person("ana", *HERE, 500).used == 170
        middle = log.jobs.get(done.id).created
        log.transitions.record(done.id, sent=middle - 10_000_000)
        assert log.budgets.set_person("ana", *HERE, 500, since=middle - 5_000_000).used == 100
        log.transitions.record(done.id, cost=None, reserved=70)
        assert log.transitions.settle(done.id, 90, "late")
        assert used(log, "ana") == 100, "what was sent before is settled elsewhere"
        assert log.budgets.set_person("ana", *HERE, None).used == 190
        as_("ana")
        assert log.transitions.intend(add("d").id, 10_000, owner="me"), "no limit"
        assert log.budgets.get_person("ana", *HERE).left is None

    def test_frame_says_what_is_left(self, log, put, as_):
        as_("ana")
        log.budgets.set_person("bo", *HERE, None)
        log.budgets.set_person("ana", *HERE, 2_000_000, since=86_400_000_000)
        put(State.UNKNOWN)
        frame = LogView(log).budgets()
        assert list(frame.columns) == ["person", "endpoint", "account", "limit", "used", "left", "since"]
        assert frame.loc[0, ["person", "limit", "used", "left"]].tolist() == ["ana", 2.0, 0.0001, 1.9999]
        assert str(frame.loc[0, "since"]) == "1970-01-02 00:00:00+00:00"
        assert frame.loc[1, ["limit", "left", "since"]].isna().all()
        assert LogView(log).budgets().dtypes.astype(str)["used"] == "float64"


def test_merged_and_imported_jobs_count_in_nobodys_budget(log, tmp_path, as_):
    as_("ana")
    log.budgets.set_person("ana", *HERE, 1000)
    with contextlib.closing(Log(tmp_path / "other.sqlite")) as other:
        for key, cost in (("x", 30), ("y", 40)):
            row, _ = other.jobs.add({**VALUES, "key": key})
            assert other.transitions.intend(row.id, 100, owner="me")
            assert other.transitions.move(row.id, State.SUBMITTED)
            assert other.transitions.move(row.id, State.FAILED, settle=cost, cost=cost)
        other.budgets.set_person("bo", *HERE, 5)
        merge(log, other)
        merge(log, other)
        assert (used(log, "ana"), used(log, "bo")) == (0, 0)
        assert log.budgets.set_person("ana", *HERE, 1000).used == 0, "nor when it is counted anew"
        frame = LogView(other).frame()
    with contextlib.closing(Log(tmp_path / "third.sqlite")) as third:
        third.budgets.set_person("ana", *HERE, 1000)
        assert LogView(third).import_frame(frame) == 2
        assert third.budgets.set_person("ana", *HERE, 1000).used == 0


TAKER = """
import os, sys
os.environ["MOTION_WIDGETS_USER"] = sys.argv[2]
from motion_widgets.core.errors import BudgetError
from motion_widgets.log.store import Log
log = Log(sys.argv[1]); print("ready", flush=True); sys.stdin.readline()
taken = 0
for row in log.jobs.rows():
    try: taken += 30 if log.transitions.intend(row.id, 30, owner=sys.argv[3]) else 0
    except BudgetError: pass
print(taken)
"""


def test_four_processes_of_two_people_never_exceed_any_of_three_budgets(log, address):
    log.budgets.set("run-1", 800)
    log.budgets.set_person("ana", *HERE, 500)
    log.budgets.set_person("bo", *HERE, 400)
    for number in range(120):
        log.jobs.add({**VALUES, "key": str(number), "budget_id": "run-1"})
    people = {"a": "ana", "b": "bo", "c": "ana", "d": "bo"}
    runs = {
        owner: subprocess.Popen(
            [sys.executable, "-c", TAKER, address, person, owner],
            cwd=ROOT, stdin=-1, stdout=-1, stderr=-1, text=True,
        )
        for owner, person in people.items()
    }  # fmt: skip
    for run in runs.values():
        assert run.stdout.readline() == "ready\n"
    for run in runs.values():  # all of them, before the end of any is waited for
        run.stdin.write("\n")
        run.stdin.flush()
    told = {owner: run.communicate(timeout=120) for owner, run in runs.items()}
    assert {one[1] for one in told.values()} == {""}
    taken = dict.fromkeys(("ana", "bo"), 0)
    for owner, person in people.items():
        taken[person] += int(told[owner][0])
    assert (used(log, "ana"), used(log, "bo")) == (taken["ana"], taken["bo"])
    assert taken["ana"] <= 500
    assert taken["bo"] <= 400
    assert log.budgets.get("run-1") == (800, 780)
    assert sum(taken.values()) == 780, "26 of 30 fit, whoever took them"


def test_killed_between_intent_and_answer_keeps_it_reserved(log, add, address):
    log.budgets.set_person("ana", *HERE, 100)
    row = add()
    script = """
import os, signal, sys
os.environ["MOTION_WIDGETS_USER"] = "ana"
from motion_widgets.log.store import Log
log = Log(sys.argv[1])
assert log.transitions.intend(sys.argv[2], 100, owner="dead", seconds=-1)
assert log.transitions.seal(sys.argv[2], "{}", owner="dead")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script, address, row.id], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (log.jobs.get(row.id).reserved, used(log, "ana")) == (100, 100)
    assert log.transitions.move(row.id, State.UNKNOWN)
    assert used(log, "ana") == 100
    assert log.transitions.move(row.id, State.WRITTEN_OFF)
    assert used(log, "ana") == 100, "it may have been spent"


class People(RuleBasedStateMachine):
    """Two people, a sweep and all that becomes of jobs, in any order: each budget is the sum of its rows."""

    jobs = Bundle("jobs")
    people = st.sampled_from(["ana", "bo"])

    def __init__(self, url):
        super().__init__()
        memory = Path("/dev/shm")  # many small writes, none of which has to survive
        self.folder = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.log = Log(url or Path(self.folder.name) / "log.sqlite")
        self.log.budgets.set("run", 400)
        self.limits = {}
        self.before = os.environ.get(PERSON_VARIABLE)

    def teardown(self):
        if self.before is None:
            os.environ.pop(PERSON_VARIABLE, None)
        else:
            os.environ[PERSON_VARIABLE] = self.before
        self.log.close()
        self.folder.cleanup()

    @rule(target=jobs, person=people, sweep=st.booleans())
    def add(self, person, sweep):
        os.environ[PERSON_VARIABLE] = person
        number = self.log.jobs.count()
        row, _ = self.log.jobs.add({**VALUES, "key": str(number), "budget_id": "run" if sweep else None})
        self.log.transitions.record(row.id, created=number)  # so that nothing hangs on the clock
        return row.id

    @rule(person=people, limit=st.none() | st.integers(0, 300), since=st.none() | st.integers(0, 5))
    def set_limit(self, person, limit, since):
        self.log.budgets.set_person(person, *HERE, limit, since=since)
        self.limits[person] = limit

    @rule(job=jobs, person=people, price=st.integers(1, 100), resend=st.booleans())
    def intend(self, job, person, price, resend):
        os.environ[PERSON_VARIABLE] = person
        row, own = self.log.jobs.get(job), self.log.budgets.get_person(person, *HERE)
        run = self.log.budgets.get("run")
        try:
            self.log.transitions.intend(job, price, owner="me", resend=resend)
        except BudgetError:
            room = own is None or own.left is None or own.used + price <= own.limit
            fits = row.budget_id is None or run[1] + price <= run[0]
            assert not (room and fits)
            assert self.log.jobs.get(job) == row

    @rule(job=jobs, to=st.sampled_from(sorted(State)), cost=st.none() | st.integers(0, 100))
    def move(self, job, to, cost):
        if to is State.SUBMITTING:
            return
        if to in (State.PLANNED, State.REJECTED):
            self.log.transitions.move(job, to, settle=0)
        elif cost is None:
            self.log.transitions.move(job, to)
        else:
            self.log.transitions.move(job, to, settle=cost, cost=cost)

    @rule(job=jobs, cost=st.integers(0, 100))
    def late_bill(self, job, cost):
        if self.log.jobs.get(job).state not in (
            State.PLANNED,
            State.SUBMITTING,
        ):  # what was not sent has no bill
            self.log.transitions.settle(job, cost, "late")

    @rule(job=jobs)
    def seal(self, job):
        self.log.transitions.seal(job, "{}", owner="me")

    @invariant()
    def each_budget_is_the_sum_of_its_rows(self):
        rows = self.log.jobs.rows()
        for budget_id, held in [("run", "budget_id")] + [
            (person_budget_id(person, *HERE), "person_budget_id") for person in self.limits
        ]:
            total = sum(row.reserved + (row.cost or 0) for row in rows if getattr(row, held) == budget_id)
            assert self.log.budgets.get(budget_id)[1] == total
        for row in rows:
            if row.person_budget_id is not None:
                assert row.person_budget_id == person_budget_id(row.created_by, *HERE)


def test_any_order_of_events_keeps_the_sums(request, address):
    postgres = address.startswith("postgresql")
    fresh = request.getfixturevalue("postgres") if postgres else (lambda: None)
    run_state_machine_as_test(
        lambda: People(fresh()),
        settings=settings(
            max_examples=3 if postgres else 12,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
