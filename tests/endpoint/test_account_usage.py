"""Periods that an account is asked about: whole, without gaps, and cut where no bill falls on two sides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.endpoint.account_usage import DATE_FORMATS, LATE, LONGEST, split_period

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = st.floats(0, 400).map(lambda days: timedelta(days=days))


@given(DAYS, st.lists(DAYS, max_size=20))
def test_pieces_join_to_the_period_and_none_is_longer_than_a_call_takes(length, busy):
    pieces = split_period(START, START + length, [START + one for one in busy])
    assert pieces[0][0] == START
    assert pieces[-1][1] == START + length
    assert [end for _, end in pieces[:-1]] == [start for start, _ in pieces[1:]]
    assert all(end - start <= LONGEST for start, end in pieces)


@given(DAYS, st.lists(DAYS, max_size=20))
def test_no_piece_ends_where_a_task_was_billed(length, busy):
    """At the very end of a piece, a second decides on which side a bill is counted, or whether on both."""
    moments = [START + one for one in busy]
    for _, end in split_period(START, START + length, moments)[:-1]:
        assert min((abs(end - moment) for moment in moments), default=LATE) >= LATE


def test_a_month_without_a_gap_between_its_bills_is_looked_through_once():
    """Each 2 min of half a month looked at all bills anew: minutes for the bills of a large account."""
    read = []

    class Bills(list):
        def __iter__(self):
            for moment in super().__iter__():
                read.append(moment)
                yield moment

    bills = Bills(START + timedelta(minutes=3 * one) for one in range(32 * 24 * 20))
    (first, cut), (again, last) = split_period(START, START + LONGEST + timedelta(days=1), bills)
    assert (first, again, last) == (START, cut, START + LONGEST + timedelta(days=1))
    assert LONGEST / 2 - LATE <= cut - START <= LONGEST / 2, "there is no better place"
    assert len(read) == len(bills)


@pytest.mark.parametrize(
    ("name", "written"),
    [("unix", "1767225600"), ("iso", "2026-01-01T00:00:00+00:00"), ("date", "2026-01-01")],
)
def test_a_moment_in_each_notation(name, written):
    assert DATE_FORMATS[name](START) == written
