"""Accounts that an older version named with a log's salt get the name of today. On both engines."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import insert

from motion_widgets.log.budgets import person_budget_id
from motion_widgets.log.schema import salts
from motion_widgets.log.states import State
from motion_widgets.log.store import Log

LIVE = {"endpoint": "apimart", "sandbox": False}
NOW = "acct-now"


def before(salt):
    return f"acct-{salt}"


@pytest.fixture(autouse=True)
def person(monkeypatch):
    monkeypatch.setenv("MOTION_WIDGETS_USER", "ana")


@pytest.fixture
def salted(log):
    """A log of before: its rows under a name that its salt made."""
    with log.database.write() as connection:
        connection.execute(insert(salts), [{"salt": "one"}, {"salt": "two"}, {"salt": "other"}])
    return log


def names(log):
    return [(row.account, row.key, row.repeat, row.attempt) for row in log.jobs.rows()]


def test_rows_sweeps_and_budgets_are_renamed_once(salted, address, put):
    log = salted
    log.budgets.set_person("ana", "apimart", "acct-one", 900)
    mine = put(State.SUBMITTED, **{**LIVE, "account": "acct-one"})
    theirs = put(State.COLLECTED, "k2", **{**LIVE, "account": "acct-them"})
    elsewhere = put(State.COLLECTED, "k3", **{**LIVE, "account": "acct-one", "endpoint": "https://m.example"})
    log.sweeps.save(
        {"id": "run-1", "endpoint": "apimart", "account": "acct-one", "axes": "{}", "cells": "[]"}
    )
    log.budgets.set_person("ana", "apimart", "acct-one", 900)
    used = log.budgets.get_person("ana", "apimart", "acct-one").used
    assert used > 0
    version = log.jobs.version()
    log.accounts.carry("apimart", NOW, before)
    assert [log.jobs.get(one.id).account for one in (mine, theirs, elsewhere)] == [
        NOW,
        "acct-them",
        "acct-one",
    ]
    assert log.sweeps.get("run-1").account == NOW
    budget = log.budgets.get_person("ana", "apimart", NOW)
    assert (budget.limit, budget.used, budget.account) == (900, used, NOW)
    assert log.budgets.get_person("ana", "apimart", "acct-one") is None
    assert log.jobs.get(mine.id).person_budget_id == person_budget_id("ana", "apimart", NOW)
    assert log.jobs.version() > version, "views read them again"
    version = log.jobs.version()
    other = Log(address)
    for again in (log, other):
        again.accounts.forget()
        again.accounts.carry("apimart", NOW, before)
    other.close()
    assert log.jobs.version() == version, "there is nothing left to do"


def test_the_same_content_under_both_names_becomes_a_further_repeat(salted, put):
    log = salted
    put(State.COLLECTED, **{**LIVE, "account": NOW})
    put(State.FAILED, **{**LIVE, "account": "acct-one"})
    put(State.COLLECTED, **{**LIVE, "account": "acct-one"})
    put(State.COLLECTED, **{**LIVE, "account": "acct-two"})
    put(State.COLLECTED, "k2", **{**LIVE, "account": "acct-two"})
    log.accounts.carry("apimart", NOW, before)
    assert sorted(names(log)) == [
        (NOW, "k", 1, 1), (NOW, "k", 2, 1), (NOW, "k", 2, 2), (NOW, "k", 3, 1), (NOW, "k2", 1, 1),
    ]  # fmt: skip


def test_a_budget_under_both_names_counts_what_both_used(salted, put):
    log = salted
    for account, limit in ((NOW, 500), ("acct-one", 900)):
        put(State.SUBMITTED, **{**LIVE, "account": account})
        log.budgets.set_person("ana", "apimart", account, limit)
    used = [log.budgets.get_person("ana", "apimart", one).used for one in (NOW, "acct-one")]
    log.accounts.carry("apimart", NOW, before)
    left = log.budgets.people()
    assert [(one.account, one.limit, one.used) for one in left] == [(NOW, 500, sum(used))]


def test_rows_that_come_in_later_are_renamed_too(salted, put):
    log = salted
    log.accounts.carry("apimart", NOW, before)
    row = put(State.COLLECTED, **{**LIVE, "account": "acct-two"})
    log.accounts.carry("apimart", NOW, before)
    assert log.jobs.get(row.id).account == "acct-two", "it does not look at every turn"
    log.accounts.forget()
    log.accounts.carry("apimart", NOW, before)
    assert log.jobs.get(row.id).account == NOW


def test_several_processes_carry_the_same_log_forward_at_once(salted, address, put):
    for number in range(30):
        put(State.COLLECTED, f"k{number}", **{**LIVE, "account": "acct-one"})
    logs = [Log(address) for _ in range(4)]
    threads = [threading.Thread(target=one.accounts.carry, args=("apimart", NOW, before)) for one in logs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {row.account for row in salted.jobs.rows()} == {NOW}
    assert {row.repeat for row in salted.jobs.rows()} == {1}
    for one in logs:
        one.close()
