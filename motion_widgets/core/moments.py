"""Moments as people give them: a day, or a time, on the clock of this machine unless a zone is given."""

from __future__ import annotations

from datetime import UTC, date, datetime

from motion_widgets.core.messages import say

__all__ = ["day_words", "local_words", "moment", "since_words"]


def moment(given: str | date) -> datetime:
    """Return the moment that a day, a time or their ISO text stands for; it has a time zone.

    A day begins at midnight, and what has no zone is meant as this machine's clock shows it; a zone that is
    given is kept.

    Raises
    ------
    ValueError
        It is neither a day nor a time, or lies outside of what the calendar of this machine covers.
    """
    if isinstance(given, datetime):  # pandas' own is one that does without a local zone
        found = datetime.combine(given.date(), given.timetz())
    elif isinstance(given, date):
        found = datetime(given.year, given.month, given.day)  # noqa: DTZ001 - its zone follows
    else:
        found = datetime.fromisoformat(str(given).strip())
    try:
        return found.astimezone() if found.tzinfo is None else found
    except (OverflowError, OSError) as error:
        raise ValueError(str(given)) from error


def local_words(found: datetime) -> str:
    """Return a moment as this machine's clock shows it: the day alone where it is midnight."""
    local = found.astimezone()
    return f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else f"{local:%Y-%m-%d %H:%M}"


def day_words(micro: int, now: datetime | None = None) -> str:
    """Return a moment (unix microseconds) to the minute: ``today 14:02``, ``12 May 14:02``."""
    found, now = _local(micro), (now or datetime.now(UTC)).astimezone()
    if found.date() == now.date():
        return say("when_today", time=f"{found:%H:%M}")
    return f"{_day(found, now)} {found:%H:%M}"


def since_words(micro: int) -> str:
    """Return how long ago a moment (unix microseconds) was: ``2 min ago``; its day where that is another."""
    found, now = _local(micro), datetime.now(UTC).astimezone()
    minutes = int((now - found).total_seconds() // 60)
    if 0 <= minutes < 60:
        return say("when_minutes", minutes=minutes) if minutes else say("when_now")
    return say("when_today", time=f"{found:%H:%M}") if found.date() == now.date() else _day(found, now)


def _local(micro: int) -> datetime:
    return datetime.fromtimestamp(micro / 1e6, UTC).astimezone()


def _day(found: datetime, now: datetime) -> str:
    year = f" {found.year}" if found.year != now.year else ""
    return f"{found.day} {say(f'month_{found.month}')}{year}"
