"""A day is a day where the person is, whichever zone that is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.core.moments import local_words, moment

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

PLACED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PLACED
@given(day=st.dates(date(1971, 1, 1), date(2037, 12, 31)))
def test_a_day_begins_at_midnight_where_the_person_is(zone: ZoneInfo, day: date) -> None:
    """Days on which the clocks change included."""
    for given_day in (day, day.isoformat(), f" {day.isoformat()} "):
        found = moment(given_day)
        assert found == datetime(day.year, day.month, day.day, tzinfo=zone)
        assert local_words(found) == day.isoformat()


def test_today_has_begun(zone: ZoneInfo) -> None:
    assert moment(date.today()) <= datetime.now(zone)  # noqa: DTZ011 - it is what a person writes


@PLACED
@given(at=st.datetimes(*(datetime.min.replace(year=year) for year in (1971, 2037))))  # noqa: DTZ901
def test_a_time_without_a_zone_is_local(zone: ZoneInfo, at: datetime) -> None:
    for one in (at, at.isoformat(), pd.Timestamp(at)):
        assert moment(one) == at.astimezone()
        assert moment(one).utcoffset() == at.replace(tzinfo=zone).utcoffset() or at.astimezone().fold


@pytest.mark.parametrize("hours", [-11, 0, 5.75, 14])
def test_a_zone_that_is_given_is_kept(zone: ZoneInfo, hours: float) -> None:
    at = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=hours)))
    for one in (at, at.isoformat(), pd.Timestamp(at)):
        assert moment(one) == at
        assert moment(one).utcoffset() == timedelta(hours=hours)
    assert moment("2026-03-29T02:30Z") == datetime(2026, 3, 29, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "given_text", ["", "tomorrow", "2026-13-01", "2026-02-30", "0001-01-01", "9999-12-31", "1e9", "\x00"]
)
def test_what_is_no_moment(zone: ZoneInfo, given_text: str) -> None:
    """What the calendar ends before, in some zone, is no moment or a moment, and never another error."""
    try:
        assert moment(given_text).tzinfo is not None
    except ValueError:
        return
    assert given_text in ("0001-01-01", "9999-12-31")


def test_what_pandas_calls_no_time() -> None:
    with pytest.raises(ValueError, match="NaT"):
        moment(pd.NaT)


def test_a_time_of_day_is_shown() -> None:
    assert local_words(datetime(2026, 3, 29, 2, 30).astimezone()) == "2026-03-29 02:30"
