"""What a row's money says: in rows, in frames and in the database it is the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from motion_widgets.log import billing
from motion_widgets.log.billing import SAME, group_by_cost
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from tests.log.conftest import VALUES

CENT = 10_000
"""Micro-dollars."""
MONEY = st.none() | st.integers(0, 3).map(lambda cents: cents * CENT)
ROW = st.fixed_dictionaries(
    {
        "state": st.sampled_from([str(one) for one in State]),
        "cost": MONEY, "estimate_low": MONEY, "estimate_high": MONEY,
        "reserved": st.sampled_from([0, CENT]), "sent": st.sampled_from([None, 1]),
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    log = Log(tmp_path_factory.mktemp("billing") / "log.sqlite")
    yield log
    log.close()


def write(log, *rows):
    """Put just these jobs into the log; return them as it reads them."""
    with log.database.write() as connection:
        connection.execute(delete(jobs))
        for number, row in enumerate(rows):
            named = {
                "id": f"job-{number:016}",
                "idempotency_key": str(number),
                "key": str(number),
                "seq": number + 1,
            }
            fixed = {"repeat": 1, "attempt": 1, "created": 1}
            connection.execute(insert(jobs).values({**VALUES, **named, **fixed, **row}))
    return log.jobs.rows()


def found(log, condition):
    with log.database.read() as connection:
        return set(connection.execute(select(jobs.c.id).where(condition)).scalars())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, max_size=6))
def test_a_condition_of_the_log_finds_the_rows_of_which_it_is_true(log, rows):
    rows = write(log, *rows)
    assert found(log, billing.outside_estimate()) == {row.id for row in rows if billing.outside(row)}
    assert found(log, billing.has_refund_open()) == {row.id for row in rows if billing.refund_open(row)}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, max_size=6))
def test_every_job_that_may_have_cost_money_is_in_one_group_and_no_other(log, rows):
    rows = write(log, *rows)
    groups = group_by_cost(rows)
    listed = [row.id for row in (*groups.billed, *groups.uncounted)]
    assert len(listed) == len(set(listed))
    left_out = [row for row in rows if row.id not in listed]
    assert all(not row.cost or row.state in ("planned", "rejected", "submitting") for row in left_out)
    assert set(map(id, groups.outside_estimate)) <= set(map(id, groups.billed))
    assert groups.total == sum(row.cost for row in groups.billed)


@pytest.mark.parametrize(
    ("columns", "group"),
    [
        ({"state": "collected", "cost": CENT}, "billed"),
        ({"state": "collected", "cost": 0}, "billed"),
        ({"state": "collected"}, "cost_unstated"),
        ({"state": "vanished"}, "cost_unstated"),
        ({"state": "running"}, "under_way"),
        ({"state": "unknown"}, "outcome_unknown"),
        ({"state": "written_off"}, "outcome_unknown"),
        ({"state": "submitting", "sent": 1}, "outcome_unknown"),
        ({"state": "failed", "cost": CENT}, "unrefunded"),
        ({"state": "cancelled", "reserved": CENT}, "refund_open"),
        ({"state": "submitting"}, None),
        ({"state": "planned", "reserved": CENT}, None),
        ({"state": "rejected"}, None),
        ({"state": "failed", "cost": 0}, None),
        ({"state": "failed"}, None),
    ],
)
def test_where_a_job_belongs(log, columns, group):
    groups = group_by_cost(write(log, columns))
    names = ("billed", "outcome_unknown", "cost_unstated", "under_way", "unrefunded", "refund_open")
    assert [name for name in names if getattr(groups, name)] == [group] * (group is not None)


@pytest.mark.parametrize(
    ("cost", "low", "high", "away"),
    [
        (100_000, 100_000, 100_000, False),
        (100_000 - SAME, 100_000, 100_000, False), (100_000 - SAME - 1, 100_000, 100_000, True),
        (100_000 + SAME, 100_000, 100_000, False), (100_000 + SAME + 1, 100_000, 100_000, True),
        (0, None, 100_000, False), (100_000, 0, None, False), (None, 0, 100_000, False),
    ],
)  # fmt: skip
def test_rounding_is_no_wrong_estimate(log, cost, low, high, away):
    (row,) = write(log, {"state": "collected", "cost": cost, "estimate_low": low, "estimate_high": high})
    assert billing.outside(row) is away


def test_what_a_job_may_have_cost_is_its_bill_or_its_estimate(log):
    rows = write(
        log,
        {"state": "collected", "cost": 3, "estimate_low": 1, "estimate_high": 9},
        {"state": "unknown", "estimate_low": 10, "estimate_high": 20},
        {"state": "unknown", "estimate_low": None, "estimate_high": None},
    )
    assert [billing.cost_range(row) for row in rows] == [(3, 3), (10, 20), (0, 0)]
    assert billing.cost_range(rows[0], billed=False) == (1, 9)
    assert billing.total_range(rows) == (13, 23)
    assert billing.total_range([]) == (0, 0)


def test_a_frame_has_a_price_where_something_was_paid_for_a_result(log):
    write(
        log,
        {"state": "collected", "cost": CENT}, {"state": "collected", "cost": 0}, {"state": "collected"},
        {"state": "failed", "cost": CENT}, {"state": "failed", "cost": 0},
    )  # fmt: skip
    frame = LogView(log).frame().sort_values("id")
    assert billing.is_billed(frame).tolist() == [True, True, False, True, False]
