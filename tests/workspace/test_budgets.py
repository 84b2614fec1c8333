"""A person's budget counts from a moment that is meant where the person is."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from motion_widgets.request.price import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from zoneinfo import ZoneInfo


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[mw.Workspace]:
    with mw.Workspace(tmp_path / "ws", "sandbox") as made:
        yield made


def test_a_budget_from_today_on(ws: mw.Workspace, zone: ZoneInfo) -> None:
    """East of Greenwich today begins before it does in UTC."""
    today = date.today()  # noqa: DTZ011 - it is what a person writes
    midnight = datetime(today.year, today.month, today.day, tzinfo=zone)
    for since in (today, today.isoformat()):
        budget = ws.set_budget(50, "ana", since=since)
        assert budget.since == midnight
        assert str(budget).endswith(f"counted since {today}")
    assert ws.set_budget(50, "ana", since=budget.since).since == midnight, "what it says can be set again"


def test_what_was_sent_today_counts_and_yesterday_does_not(ws: mw.Workspace, zone: ZoneInfo) -> None:
    today = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for key, at, cost in (("a", today, 0.25), ("b", today - timedelta(seconds=1), 4.0)):
        values = {
            "endpoint": ws.endpoint,
            "account": ws.account,
            "sandbox": True,
            "key": key,
            "created_by": "ana",
        }
        row, _ = ws.log_store.jobs.add(values)
        sent = int(at.timestamp() * 1e6)
        ws.log_store.transitions.record(row.id, sent=sent, cost=round(cost * 1e6))
    assert ws.set_budget(50, "ana", since=today.date()).used == 0.25
    assert ws.set_budget(50, "ana").used == 4.25


def test_a_zone_that_is_given_is_kept(ws: mw.Workspace) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=9)))
    for since in (noon, noon.isoformat()):
        assert ws.set_budget(50, "ana", since=since).since == datetime(2026, 3, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize("since", [date.max, "9999-12-31", datetime.now(UTC) + timedelta(days=1), "soon", 5])
def test_what_is_no_past_moment(ws: mw.Workspace, since: object) -> None:
    with pytest.raises(mw.BudgetError, match="not a valid start date"):
        ws.set_budget(50, "ana", since=since)  # type: ignore[arg-type]


def test_the_limit_that_is_named_is_enough(ws: mw.Workspace) -> None:
    price = Estimate(0.34272, 0.34272)
    ws.set_budget(0.3427)
    with pytest.raises(
        mw.BudgetError, match=r"cost \$0\.35, but .* has only \$0\.34 of \$0\.34 left"
    ) as caught:
        ws.personal_budgets.require(price)
    named = re.search(r"ws\.set_budget\(([\d.]+), ", str(caught.value))
    assert named is not None
    assert ws.set_budget(float(named[1])).limit == 0.35
    ws.personal_budgets.require(price)
