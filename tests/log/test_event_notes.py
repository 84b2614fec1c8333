"""Notes of events are kept as codes, and those of older logs are shown as they are."""

from __future__ import annotations

import pytest

from motion_widgets.log.event_notes import event_note, event_words
from motion_widgets.log.states import State


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
        'event_bill_outside {"cost": "x", "low": 1, "high": 2}',
        "event_accepted " + "[" * 100_000,
        "",
    ],
    ids=["older", "no code", "no values", "half", "a list", "others", "a word", "deep", "nothing"],
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
