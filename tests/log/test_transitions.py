"""One table of states, guarded in the database."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from motion_widgets.core.errors import BudgetError
from motion_widgets.log.states import ENDS, FOLLOWED, RETRYABLE, TRANSITIONS, State, sources
from motion_widgets.log.store import Log
from motion_widgets.log.transitions import event_note, event_words
from tests.log.conftest import VALUES


def test_a_note_comes_back_in_words():
    assert event_words(event_note("event_refund_seen")) == "the balance shows that it was refunded"
    billed = event_note("event_bill_outside", cost=0.9, low=0.1, high=0.2)
    assert billed.startswith("event_bill_outside {")
    assert event_words(billed) == "billed $0.90000, outside its estimate of $0.10000 to $0.20000"


@pytest.mark.parametrize(
    "text",
    [
        "the endpoint does not answer; asked again until it does",
        "event_none",
        "event_accepted",
        "event_accepted {",
        "event_accepted []",
        'event_accepted {"other": 1}',
        'event_bill_outside {"cost": 1, "low": 1}',
        "event_accepted " + "[" * 100_000,
        "",
    ],
    ids=["older", "no code", "no values", "half", "a list", "others", "one short", "deep", "nothing"],
)
def test_other_text_is_shown_as_it_is(text):
    assert event_words(text) == text


def test_nothing_is_nothing():
    assert event_words(None) == ""


def test_the_frame_of_events_is_in_words(log, add):
    job_id = add().id
    log.transitions.move(job_id, State.SUBMITTING, note=event_note("event_accepted", task="手-1"))
    assert log.transitions.move(job_id, State.UNKNOWN, note="by phone")
    from motion_widgets.log.view import LogView

    frame = LogView(log).events({"id": job_id})
    assert frame["note"].fillna("").tolist()[-1] == "by phone"
    assert "accepted as 手-1" in frame["note"].tolist()
    assert frame["note"].dtype == "string"


def test_table_knows_every_state_and_the_ends_of_faults_md():
    assert set(TRANSITIONS) == set(State)
    assert {str(state) for state in ENDS} == {
        "collected", "rejected", "failed", "cancelled", "vanished", "expired", "written_off"
    }  # fmt: skip
    assert RETRYABLE <= ENDS
    assert not FOLLOWED & ENDS


def test_only_the_intent_leads_to_sending():
    assert set(sources(State.SUBMITTING)) == {"planned", "unknown"}
    assert set(sources(State.SUBMITTED)) == {"submitting", "unknown"}


def test_nothing_that_was_sent_goes_back_to_planned_but_by_proof():
    assert sources(State.PLANNED) == ("submitting",)


@pytest.mark.parametrize("state", list(State))
def test_database_holds_to_the_table(log, put, state):
    for to in State:
        row = put(state, key=to)
        assert log.transitions.move(row.id, to) == (to in TRANSITIONS[state])
        assert log.jobs.get(row.id).state == (to if to in TRANSITIONS[state] else state)


def test_unknown_job_moves_nowhere(log):
    assert not log.transitions.move("job-none", State.SUBMITTED)
    assert not log.transitions.intend("job-none", 1, owner="me")


def test_refused_move_leaves_no_trace(log, put):
    row = put(State.COLLECTED)
    before = log.jobs.events(row.id), log.jobs.version()
    assert not log.transitions.move(row.id, State.FAILED, settle=0, cost=5)
    assert (log.jobs.events(row.id), log.jobs.version(), log.jobs.get(row.id)) == (*before, row)


class Moves(RuleBasedStateMachine):
    """Any sequence of moves, intents, seals and leases, by two owners, on a few jobs under one budget."""

    jobs = Bundle("jobs")
    LIMIT = 250

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.log = Log(Path(self.folder.name) / "log.sqlite")
        self.log.budgets.set("b", self.LIMIT)
        self.number = 0
        self.sent: dict[str, int] = {}

    def teardown(self):
        self.log.close()
        self.folder.cleanup()

    @rule(target=jobs)
    def add(self):
        self.number += 1
        return self.log.jobs.add({**VALUES, "key": str(self.number), "budget_id": "b"})[0].id

    @rule(
        job=jobs,
        to=st.sampled_from([state for state in State if state is not State.SUBMITTING]),
        settle=st.none() | st.integers(0, 100),
        owner=st.sampled_from([None, "a", "b"]),
    )
    def move(self, job, to, settle, owner):
        before = self.log.jobs.get(job)
        if settle is None and (to is State.PLANNED or to is State.REJECTED):
            settle = 0  # what was surely not accepted is always given back
        moved = self.log.transitions.move(job, to, settle=settle, owner=owner)
        mine = owner is None or before.lease_owner == owner
        assert moved == (mine and to in TRANSITIONS[State(before.state)])
        after = self.log.jobs.get(job)
        assert after.state == (to if moved else before.state)

    @rule(
        job=jobs,
        owner=st.sampled_from("ab"),
        resend=st.booleans(),
        price=st.integers(1, 100),
    )
    def intend(self, job, owner, resend, price):
        before, used = self.log.jobs.get(job), self.log.budgets.get("b")[1]
        try:
            intended = self.log.transitions.intend(job, price, owner=owner, resend=resend, seconds=1000)
        except BudgetError:
            assert used + price > self.LIMIT
            assert self.log.jobs.get(job) == before
            return
        source = State.UNKNOWN if resend else State.PLANNED
        assert intended == (before.state == source and before.lease_owner in (None, owner))
        after = self.log.jobs.get(job)
        if intended:
            assert after.lease_owner == owner
            assert after.body == before.body
            assert after.sent == (before.sent if resend else None)
        else:
            assert after == before

    @rule(job=jobs, owner=st.sampled_from("ab"), body=st.sampled_from(["{}", "{ }"]))
    def seal(self, job, owner, body):
        before = self.log.jobs.get(job)
        sealed = self.log.transitions.seal(job, body, owner=owner, seconds=1000)
        fits = before.state == "submitting" and before.lease_owner == owner
        assert sealed == (fits and before.body in (None, body))

    @rule(job=jobs, owner=st.sampled_from("ab"))
    def release(self, job, owner):
        self.log.leases.release(job, owner)

    @rule(job=jobs, owner=st.sampled_from("ab"))
    def claim(self, job, owner):
        before = self.log.jobs.get(job).lease_owner
        assert bool(self.log.leases.claim_all([job], owner, 1000)) == (before in (None, owner))

    @invariant()
    def events_tell_the_whole_way(self):
        for row in self.log.jobs.rows():
            told = self.log.jobs.events(row.id)
            assert told[0].from_state is None
            for one, after in itertools.pairwise(told):
                assert after.from_state == one.to_state
                assert State(after.to_state) in TRANSITIONS[State(one.to_state)]
            assert told[-1].to_state == row.state

    @invariant()
    def a_body_never_changes_and_is_there_once_sent(self):
        for row in self.log.jobs.rows():
            assert row.sent is None or row.body is not None

    @invariant()
    def reservations_are_part_of_what_is_used(self):
        limit, used = self.log.budgets.get("b")
        reserved = sum(row.reserved for row in self.log.jobs.rows())
        assert limit == self.LIMIT
        assert 0 <= reserved <= used


TestMoves = Moves.TestCase
TestMoves.settings = settings(
    max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
