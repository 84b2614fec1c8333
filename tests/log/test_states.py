"""The states of a job: by what it goes from one to another, and what each group of them means."""

from __future__ import annotations

import pytest

from motion_widgets.log.states import (
    ASKED_AGAIN,
    ENDS,
    FOLLOWED,
    NO_RESULT,
    RETRYABLE,
    TRANSITIONS,
    UNDER_WAY,
    State,
    mark,
    sources,
)

BY = {
    "its intent is written down": {("planned", "submitting"), ("unknown", "submitting")},
    "nothing left this machine": {("submitting", "planned")},
    "it is refused": {("planned", "rejected"), ("submitting", "rejected")},
    "no answer tells": {("submitting", "unknown")},
    "it is accepted": {("submitting", "submitted"), ("unknown", "submitted")},
    "it is worked on": {("submitted", "running")},
    "it is done": {("submitted", "completed"), ("running", "completed")},
    "it fails": {
        (before, after) for before in ("submitted", "running") for after in ("failed", "cancelled")
    },
    "the endpoint knows it no more": {
        ("submitted", "vanished"), ("running", "vanished"), ("completed", "vanished"),
    },
    "its result is here": {("completed", "collected")},
    "its result's link is dead": {("completed", "expired")},
    "a person has the endpoint asked again": {("vanished", "running"), ("expired", "completed")},
    "a person gives it up": {("planned", "written_off"), ("unknown", "written_off")},
}  # fmt: skip


def test_every_transition_has_its_reason_and_there_is_no_other():
    assert {(str(one), str(to)) for one, onward in TRANSITIONS.items() for to in onward} == set.union(
        *BY.values()
    )


@pytest.mark.parametrize("state", list(State))
def test_sources_are_the_table_read_backwards(state):
    assert set(sources(state)) == {
        before for pairs in BY.values() for before, after in pairs if after == state
    }


def test_what_was_paid_for_and_ended_can_be_asked_for_again():
    assert {(str(one), str(to)) for one, to in ASKED_AGAIN.items()} == BY[
        "a person has the endpoint asked again"
    ]
    assert all(to in TRANSITIONS[one] for one, to in ASKED_AGAIN.items())


def test_the_groups():
    assert {"rejected", "failed", "cancelled", "vanished", "expired", "written_off"} == NO_RESULT
    assert NO_RESULT | {"collected"} == ENDS
    assert {"rejected", "failed", "cancelled", "written_off"} == RETRYABLE
    assert {"submitted", "running", "completed"} == FOLLOWED
    assert {"submitting", "submitted", "running", "completed"} == UNDER_WAY


def test_each_state_that_goes_on_has_a_sign_of_its_own_and_failures_share_one():
    signs = {state: mark(state) for state in State}
    assert {signs[state] for state in NO_RESULT} == {"\u2716"}
    others = {str(state): sign for state, sign in signs.items() if state not in NO_RESULT}
    assert others == {
        "planned": "\u25cb", "submitting": "\u2191", "submitted": "\u25b7", "running": "\u25b6",
        "completed": "\u2193", "collected": "\u2714", "unknown": "?",
    }  # fmt: skip
    with pytest.raises(ValueError, match="dreaming"):
        mark("dreaming")
