"""Calls that share a commit: each is still all or nothing, and none counts before all are committed."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import event

from motion_widgets.core.errors import BudgetError, LogError
from motion_widgets.log.states import State
from motion_widgets.log.store import Log


@pytest.fixture
def commits(log):
    """Count the commits of the writing connection."""
    made = []
    event.listen(log._writer, "commit", lambda _: made.append(1))
    return made


def intending(log, *rows, price=1):
    return [lambda row=row: log.intend(row.id, price, owner="me") for row in rows]


def intents(log, *rows):
    """Return how often each job was intended to be sent, by its events."""
    return [sum(one.to_state == State.SUBMITTING for one in log.events(row.id)) for row in rows]


def test_one_commit_serves_all(log, add, commits):
    rows = [add(f"k{number}") for number in range(5)]
    commits.clear()
    assert log.together(intending(log, *rows)) == [True] * 5
    assert (len(commits), intents(log, *rows)) == (1, [1] * 5)
    assert len({log.job(row.id).seq for row in rows}) == 5, "each change has a number of its own"


def test_one_that_is_refused_takes_back_its_own_writes_alone(log, add):
    log.set_budget("b", 100)
    rows = [add(f"k{number}", budget_id="b") for number in range(3)]
    prices = zip(rows, (60, 50, 40), strict=True)
    calls = [call for row, price in prices for call in intending(log, row, price=price)]
    first, refused, last = log.together(calls)
    assert (first, type(refused), last) == (True, BudgetError, True)
    assert [log.job(row.id).state for row in rows] == ["submitting", "planned", "submitting"]
    assert log.budget("b") == (100, 100)


def test_a_call_sees_what_was_written_and_others_only_what_is_committed(log, add, address):
    row, other = add(), Log(address)

    def looked():
        return log.job(row.id).state, other.job(row.id).state

    assert log.together([*intending(log, row), looked]) == [True, ("submitting", "planned")]
    assert other.job(row.id).state == "submitting"
    other.close()


def test_reading_alone_takes_no_turn(log, add, commits):
    row = add()
    commits.clear()
    assert log.together([lambda: log.job(row.id).id] * 3) == [row.id] * 3
    assert commits == []


@pytest.mark.parametrize("ending", ["", "ROLLBACK"], ids=["its statement", "the whole transaction"])
def test_where_the_database_fails_each_is_done_by_itself_and_once(log, add, ending):
    """Where a disk is full SQLite may end the whole transaction, and with it what was written before."""
    before, after = add("before"), add("after")

    def fails():
        with log.write() as connection:
            if ending:
                connection.exec_driver_sql(ending)
            connection.exec_driver_sql("SELECT no_such_column FROM no_such_table")

    first, failed, last = log.together([*intending(log, before), fails, *intending(log, after)])
    assert (first, type(failed), last) == (True, LogError, True)
    assert intents(log, before, after) == [1, 1]
    assert [log.job(row.id).state for row in (before, after)] == ["submitting"] * 2


def test_where_the_commit_fails_each_is_done_by_itself_and_once(log, add):
    rows = [add(f"k{number}") for number in range(3)]
    failing = [True]

    def fails(_):
        if failing:
            failing.pop()
            raise sqlite3.OperationalError("disk I/O error")

    event.listen(log._writer, "commit", fails)
    assert log.together(intending(log, *rows)) == [True] * 3
    assert (failing, intents(log, *rows)) == ([], [1] * 3)


def test_a_group_that_failed_leaves_the_log_free_for_others(log, add, address):
    def fails():
        raise ValueError

    row, other = add(), Log(address)
    (failed, done) = log.together([fails, *intending(log, row)])
    assert (type(failed), done) == (ValueError, True)
    assert other.move(row.id, State.SUBMITTED, task_id="t")
    assert log.job(row.id).state == "submitted"
    other.close()


def test_a_connection_that_an_interrupt_left_half_way_is_replaced(log, add):
    """As an interrupted cell may leave it: put back, and still in a transaction."""
    row = add()
    for take in (log.read, log.write):
        with take() as connection:
            driver = connection.connection.dbapi_connection
        driver.execute("SELECT 1" if log.path is None else "BEGIN")
    assert log.job(row.id).state == "planned"
    assert log.intend(row.id, 1, owner="me")
