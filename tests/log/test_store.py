# ruff: noqa: ARG002
"""Which job answers for which content, whose money it is, and who drives it."""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.core.errors import BudgetError, LogError
from motion_widgets.log.leases import is_leased
from motion_widgets.log.names import new_id
from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.log.store import Log
from tests.log.conftest import VALUES

ROOT = Path(__file__).parents[2]


def test_ids_sort_by_the_order_they_were_made_in_and_never_repeat(monkeypatch):
    ids = [new_id("job") for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert ids == sorted(ids), "within a millisecond too"
    later = time.time_ns() + 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later - 10**7)
    ids = [new_id("job")]
    monkeypatch.setattr(time, "time_ns", lambda: later - 10**8)
    assert new_id("job") > ids[0], "the clock was put back a little"
    monkeypatch.setattr(time, "time_ns", lambda: later - 10**10)
    assert new_id("job") < ids[0], "it was wrong by more"


class TestIdentity:
    @pytest.mark.parametrize("state", list(State))
    def test_same_content_attaches_unless_it_ended_retryable(self, log, put, state):
        row = put(state)
        again, added = log.jobs.add(VALUES)
        assert added == (state in RETRYABLE)
        assert (again.id == row.id) == (state not in RETRYABLE)
        assert (again.repeat, again.attempt) == ((1, 2) if added else (1, 1))

    @pytest.mark.parametrize("state", list(State))
    def test_new_is_a_further_repeat(self, log, put, state):
        put(state)
        again, added = log.jobs.add(VALUES, new=True)
        assert (added, again.repeat, again.attempt) == (True, 2, 1)

    @pytest.mark.parametrize("state", list(State))
    def test_retry_is_the_next_attempt_at_the_same_repeat(self, log, put, state):
        row = put(state, prompt="wave", budget_id=None)
        again, added = log.jobs.add_attempt(row.id)
        assert added == (state in RETRYABLE)
        if added:
            assert (again.repeat, again.attempt, again.prompt) == (1, 2, "wave")
            assert again.idempotency_key != row.idempotency_key
            assert (again.task_id, again.body, again.cost, again.reserved) == (
                None,
                None,
                None,
                0,
            )
            assert log.jobs.add_attempt(row.id) == (again, False), "a second click gives the same attempt"

    def test_any_repeat_that_answers_is_attached_to(self, log, put, add):
        first = put(State.COLLECTED)
        second, _ = log.jobs.add(VALUES, new=True)
        assert log.transitions.intend(second.id, 1, owner="me")
        assert log.transitions.move(second.id, State.REJECTED)
        assert log.jobs.add(VALUES)[0].id == first.id
        assert log.jobs.latest("sandbox", "sandbox", ["k"])["k"].id == first.id

    @pytest.mark.parametrize("other", [{"endpoint": "apimart"}, {"account": "acct-2"}, {"key": "k2"}])
    def test_sandbox_and_other_accounts_never_match(self, log, put, other):
        put(State.COLLECTED)
        _, added = log.jobs.add({**VALUES, **other})
        assert added
        assert log.jobs.latest("elsewhere", "sandbox", ["k"]) == {}

    def test_planned_job_that_nobody_drives_is_paid_as_agreed_now(self, log, add):
        row = add(budget_id="old", estimate_high=100)
        taken, added = log.jobs.add({**VALUES, "budget_id": "new", "estimate_high": 120, "sweep_id": "run-2"})
        assert (taken.id, added) == (row.id, False)
        kept = log.jobs.get(row.id)
        assert [getattr(kept, name) for name in ("budget_id", "estimate_high", "sweep_id")] == [
            "new", 120, "run-2"
        ]  # fmt: skip

    def test_planned_job_of_a_living_driver_stays_as_it_is(self, log, add):
        row = add(budget_id="old")
        assert log.leases.claim_all([row.id], "driver")
        assert log.jobs.add({**VALUES, "budget_id": "new"})[0].budget_id == "old"

    def test_last_attempts_in_the_order_asked(self, log, put):
        rows = [put(State.FAILED, key=key) for key in "abc"]
        later = log.jobs.add_attempt(rows[1].id)[0]
        asked = [rows[2].id, rows[1].id, rows[0].id, "job-none"]
        assert [row.id for row in log.jobs.last_attempts(asked)] == [rows[2].id, later.id, rows[0].id]
        assert [len(one) for one in log.jobs.attempts(asked)] == [1, 2, 1]

    def test_twenty_threads_write_one_job(self, log):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            found = list(pool.map(lambda _: log.jobs.add(VALUES), range(60)))
        assert len({row.id for row, _ in found}) == 1
        assert sum(added for _, added in found) == 1

    def test_missing_ids_are_said(self, log):
        for look in (log.jobs.get, log.jobs.add_attempt):
            with pytest.raises(LogError, match="no job-none"):
                look("job-none")


class TestIntentAndSeal:
    """The intent reserves the money; the seal, with the exact body, is the last thing before the POST."""

    def test_all_of_the_intent_or_nothing(self, log, add):
        log.budgets.set("b", 100)
        row, other = add(budget_id="b"), add("other", budget_id="b")
        assert log.transitions.intend(row.id, 100, owner="me")
        after = log.jobs.get(row.id)
        assert (after.state, after.reserved, after.body, after.sent) == ("submitting", 100, None, None)
        assert log.transitions.seal(row.id, "{}", owner="me")
        after = log.jobs.get(row.id)
        assert (after.state, after.body) == ("submitting", "{}")
        assert after.sent >= row.created
        assert (after.lease_owner, log.budgets.get("b")) == ("me", (100, 100))
        assert [event.to_state for event in log.jobs.events(row.id)] == ["planned", "submitting"]
        with pytest.raises(BudgetError):
            log.transitions.intend(other.id, 1, owner="me")
        assert log.jobs.get(other.id) == other

    def test_need_the_lease_and_the_same_body(self, log, add):
        row = add()
        assert log.leases.claim_all([row.id], "other", 600)
        assert not log.transitions.intend(row.id, 1, owner="me")
        assert log.transitions.intend(row.id, 1, owner="other")
        assert not log.transitions.seal(row.id, "{}", owner="me")
        assert log.transitions.seal(row.id, "{}", owner="other")
        assert log.transitions.move(row.id, State.PLANNED, settle=0)
        assert log.transitions.intend(row.id, 1, owner="other"), "nothing of it was accepted: a body anew"
        assert log.transitions.seal(row.id, "{ }", owner="other")
        held = log.jobs.get(row.id)
        assert not log.transitions.seal(row.id, "{}", owner="other")
        assert log.jobs.get(row.id) == held

    def test_a_resend_takes_the_body_that_was_sent(self, log, put):
        row = put(State.UNKNOWN)
        log.transitions.record(row.id, body="{}")
        assert log.transitions.intend(row.id, 1, owner="me", resend=True)
        assert not log.transitions.seal(row.id, "{ }", owner="me", anyway=True)
        assert log.transitions.seal(row.id, "{}", owner="me", anyway=True)


class TestBudget:
    def test_reserve_then_give_back(self, log, add):
        log.budgets.set("b", 100)
        row = add(budget_id="b")
        for _ in range(5):  # planned and again must not use the budget up
            assert log.transitions.intend(row.id, 100, owner="me")
            assert log.budgets.get("b") == (100, 100)
            assert log.transitions.move(row.id, State.PLANNED, settle=0)
            assert log.budgets.get("b") == (100, 0)

    def test_settles_what_it_cost_less_or_more(self, log, add):
        log.budgets.set("b", 300)
        for key, cost in (("less", 60), ("more", 140)):
            row = add(key, budget_id="b")
            assert log.transitions.intend(row.id, 100, owner="me")
            assert log.transitions.move(row.id, State.SUBMITTED)
            assert log.transitions.move(row.id, State.COMPLETED, settle=cost, cost=cost)
            assert log.transitions.move(row.id, State.COLLECTED)
        assert log.budgets.get("b") == (300, 200)

    def test_resend_reserves_nothing_twice(self, log, put):
        log.budgets.set("b", 100)
        row = put(State.UNKNOWN, budget_id="b")
        assert log.transitions.intend(row.id, 100, owner="me", resend=True)
        assert log.budgets.get("b") == (100, 100)
        assert log.jobs.get(row.id).reserved == 100

    def test_write_off_keeps_it_as_spent(self, log, put):
        log.budgets.set("b", 100)
        put(State.WRITTEN_OFF, budget_id="b")
        assert log.budgets.get("b") == (100, 100)

    def test_too_little_changes_nothing(self, log, add):
        log.budgets.set("b", 99)
        row = add(budget_id="b")
        with pytest.raises(BudgetError, match=r"only \$0\.00 of"):
            log.transitions.intend(row.id, 100, owner="me")
        assert log.jobs.get(row.id) == row
        assert len(log.jobs.events(row.id)) == 1

    def test_budget_that_does_not_exist_pays_nothing(self, log, add):
        with pytest.raises(BudgetError):
            log.transitions.intend(add(budget_id="gone").id, 1, owner="me")

    def test_no_limit(self, log, add):
        log.budgets.set("b", None)
        assert log.transitions.intend(add(budget_id="b").id, 10**15, owner="me")

    def test_limit_may_change_and_what_was_used_stays(self, log, put, add):
        log.budgets.set("b", 150)
        put(State.SUBMITTED, budget_id="b")
        log.budgets.set("b", 250)
        assert log.budgets.get("b") == (250, 100)
        assert log.transitions.intend(add("other", budget_id="b").id, 100, owner="me")

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(prices=st.lists(st.integers(1, 60), min_size=2, max_size=12), limit=st.integers(0, 200))
    def test_threads_never_exceed_it(self, log, prices, limit):
        budget = new_id("b")
        log.budgets.set(budget, limit)
        rows = [log.jobs.add({**VALUES, "key": new_id("k"), "budget_id": budget})[0] for _ in prices]
        gate = threading.Barrier(len(prices))

        def take(row, price):
            gate.wait()
            try:
                return price if log.transitions.intend(row.id, price, owner="me") else 0
            except BudgetError:
                return 0

        with concurrent.futures.ThreadPoolExecutor(len(prices)) as pool:
            taken = sum(pool.map(take, rows, prices))
        assert log.budgets.get(budget) == (limit, taken)
        assert taken <= limit

    def test_four_processes_never_exceed_it(self, log, address):
        log.budgets.set("b", 1000)
        for number in range(200):
            log.jobs.add({**VALUES, "key": str(number), "budget_id": "b"})
        script = """
import sys
from motion_widgets.core.errors import BudgetError
from motion_widgets.log.store import Log
log = Log(sys.argv[1]); print("ready", flush=True); sys.stdin.readline()
taken = 0
for row in log.jobs.rows():
    try: taken += 30 if log.transitions.intend(row.id, 30, owner=sys.argv[2]) else 0
    except BudgetError: pass
print(taken)
"""
        command = [sys.executable, "-c", script, address]
        runs = [
            subprocess.Popen([*command, name], cwd=ROOT, stdin=-1, stdout=-1, stderr=-1, text=True)
            for name in "abcd"
        ]
        for run in runs:
            assert run.stdout.readline() == "ready\n"
        for run in runs:  # all of them, before the end of any is waited for
            run.stdin.write("\n")
            run.stdin.flush()
        told = [run.communicate(timeout=120) for run in runs]
        assert [one[1] for one in told] == [""] * 4, "nobody met a locked database"
        assert sum(int(one[0]) for one in told) == 990
        assert log.budgets.get("b") == (1000, 990)


class TestLeases:
    def test_living_lease_keeps_others_out(self, log, add):
        row = add()
        assert log.leases.claim_all([row.id], "a", 1000)
        assert log.leases.claim_all([row.id], "a", 1000), "one's own is renewed"
        assert not log.leases.claim_all([row.id], "b", 1000)
        assert is_leased(log.jobs.get(row.id))
        log.leases.release(row.id, "b")
        assert not log.leases.claim_all([row.id], "b", 1000), "only its owner gives it up"
        log.leases.release(row.id, "a")
        assert log.leases.claim_all([row.id], "b", 1000)

    def test_dead_lease_is_free(self, log, add):
        row = add()
        assert log.leases.claim_all([row.id], "a", -1)
        assert not is_leased(log.jobs.get(row.id))
        assert log.leases.claim_all([row.id], "b", 1000)
        log.leases.renew("a", 1000)
        assert log.jobs.get(row.id).lease_owner == "b", "the slow owner does not get it back"

    def test_intent_comes_with_a_lease(self, log, add):
        row = add()
        assert log.transitions.intend(row.id, 1, owner="a", seconds=1000)
        assert is_leased(log.jobs.get(row.id))
        assert not log.leases.claim_all([row.id], "b")


def test_version_grows_with_every_change(log, put):
    seen = [log.jobs.version()]
    row = put(State.COMPLETED)
    seen.append(log.jobs.version())
    log.transitions.record(row.id, progress=5)
    seen.append(log.jobs.version())
    assert seen == sorted(set(seen))


def test_run_is_written_whole_or_not_at_all(log, monkeypatch):
    sweep = {"id": "run-1", "endpoint": "sandbox", "account": "sandbox", "axes": "{}"}
    good = ({"mode": "std"}, VALUES)
    with pytest.raises(LogError):
        log.sweeps.add(sweep, [good, ({}, {**VALUES, "key": None})], limit=5, keep=False, new=False)
    assert (log.jobs.count(), log.sweeps.get("run-1"), log.budgets.get("run-1")) == (0, None, (None, 0))
    rows = log.sweeps.add(sweep, [good], limit=5, keep=False, new=False)
    assert (rows[0].sweep_id, rows[0].budget_id, log.budgets.get("run-1")) == ("run-1", "run-1", (5, 0))
    log.sweeps.add(sweep, [good], limit=0, keep=True, new=False)
    assert log.budgets.get("run-1") == (5, 0)
    assert log.sweeps.ids() == ["run-1"]


def test_second_log_object_sees_the_same(log, add, address):
    row = add()
    other = Log(address)
    assert other.jobs.get(row.id) == row
    other.close()


def test_closing_while_others_write_leaves_nobody_waiting(log):
    """Emptying the pool under a writer once let it wait 30 s for a connection that was gone."""
    done = threading.Event()

    def close():
        while not done.is_set():
            log.close()

    closing = threading.Thread(target=close)
    closing.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: log.budgets.set(str(number), 1), range(200), timeout=25))
    finally:
        done.set()
        closing.join()
    assert log.budgets.get("199") == (1, 0)
