"""What holds a sweep's planned cells back, and which repeat a cell is: decided in the database."""

from __future__ import annotations

import json
import threading

import pytest

from motion_widgets.core.errors import HeldError
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from tests.log.conftest import VALUES

SWEEP = {"id": "run-1", "endpoint": "sandbox", "account": "sandbox", "axes": '{"mode": ["std", "pro"]}'}


def cells(count, **columns):
    return [
        ({}, {**VALUES, "key": f"k{one}", "mode": ("std", "pro")[one % 2], **columns}) for one in range(count)
    ]


def begin(log, count=6, **values):
    return log.sweeps.add({**SWEEP, **values}, cells(count), limit=None, keep=False, new=False)


def send(log, row, state):
    assert log.transitions.intend(row.id, 100, owner="me")
    if state is not State.REJECTED:
        assert log.transitions.move(row.id, State.SUBMITTED)
    assert log.transitions.move(row.id, state)
    log.leases.release(row.id, "me")


def test_a_paused_sweep_sends_nothing_and_keeps_its_money(log):
    rows = begin(log)
    assert log.transitions.intend(rows[0].id, 100, owner="me")
    log.sweeps.hold("run-1", paused=1)
    for row, act in ((rows[0], lambda an_id: log.transitions.seal(an_id, "{}", owner="me")), (rows[1], None)):
        with pytest.raises(HeldError, match=r"run-1 is paused.*resume"):
            act(row.id) if act else log.transitions.intend(row.id, 100, owner="me")
    assert (log.budgets.get("run-1"), log.jobs.get(rows[1].id).state) == ((None, 100), "planned")
    begin(log)
    with pytest.raises(HeldError):
        log.transitions.intend(rows[1].id, 100, owner="me")
    log.sweeps.hold("run-1", paused=None)
    assert log.transitions.seal(rows[0].id, "{}", owner="me")
    assert log.transitions.intend(rows[1].id, 100, owner="me")


def test_other_jobs_and_resends_are_not_held(log, add, put):
    begin(log)
    log.sweeps.hold("run-1", paused=1)
    assert log.transitions.intend(add("else").id, 100, owner="me")
    unknown = put("unknown", "unknown")
    log.transitions.record(unknown.id, sweep_id="run-1")
    assert log.transitions.intend(unknown.id, 100, owner="me", resend=True)
    assert log.transitions.seal(unknown.id, "{}", owner="me", anyway=True)
    assert log.transitions.move(unknown.id, State.UNKNOWN)
    assert log.transitions.intend(unknown.id, 100, owner="me", resend=True)
    assert log.transitions.seal(unknown.id, "{}", owner="me", anyway=True)


def test_a_failing_value_stops_by_its_last_attempts(log):
    rows = begin(log, 10, stop_after=json.dumps([2, 0.8]))
    std, pro = rows[::2], rows[1::2]
    send(log, pro[0], State.REJECTED)
    send(log, pro[1], State.REJECTED)
    assert log.sweeps.failing("run-1") == [], "nothing of the others has ended"
    send(log, std[0], State.COMPLETED)
    assert [(one.axis, one.value, one.failed, one.ended) for one in log.sweeps.failing("run-1")] == [
        ("mode", "pro", 2, 2)
    ]
    with pytest.raises(HeldError, match="failed in 2 of 2 cells, the others in 0 of 1"):
        log.transitions.intend(pro[2].id, 100, owner="me")
    assert log.transitions.intend(std[1].id, 100, owner="me"), "the others go on"
    again, added = log.jobs.add_attempt(pro[0].id)
    assert added
    assert log.sweeps.failing("run-1") == [], "what is tried again is open"
    assert log.transitions.intend(again.id, 100, owner="me")
    log.sweeps.hold("run-1", stop_after=None)
    assert log.transitions.intend(pro[2].id, 100, owner="me")


def test_a_failing_value_counts_the_cells_of_sweeps_that_overlap(log):
    """Cells that another sweep ran before, and attempts at this one's cells that another sweep made later."""
    first = begin(log, 6)
    send(log, first[1], State.VANISHED)
    send(log, first[0], State.COMPLETED)
    rule = {"id": "run-2", "stop_after": json.dumps([2, 0.8])}
    rows = begin(log, 8, **rule)
    assert [row.id for row in rows[:2]] == [row.id for row in first[:2]]
    send(log, rows[3], State.REJECTED)
    assert [(one.value, one.failed, one.ended) for one in log.sweeps.failing("run-2")] == [("pro", 2, 2)]
    with pytest.raises(HeldError, match="failed in 2 of 2 cells, the others in 0 of 1"):
        log.transitions.intend(rows[5].id, 100, owner="me")
    log.sweeps.save({**SWEEP, "id": "run-3", "cells": "[]"})
    again, added = log.jobs.add_attempt(rows[3].id, sweep_id="run-3", budget_id=None)
    assert added
    assert log.sweeps.failing("run-2") == [], "what another sweep tries again is open"
    send(log, again, State.REJECTED)
    assert [(one.value, one.failed, one.ended) for one in log.sweeps.failing("run-2")] == [("pro", 2, 2)]


def test_a_medium_is_one_value_whatever_it_is_called(log):
    axes = '{"image_url": ["a.png", "b.png"]}'
    names = [("/x/a.png", "a" * 64), ("/y/a.png", "a" * 64), ("/x/a.png", "a" * 64), ("b.png", "b" * 64)]
    media = [{"key": f"k{at}", "image_url": name, "image_sha": sha} for at, (name, sha) in enumerate(names)]
    rule = {**SWEEP, "axes": axes, "stop_after": json.dumps([2, 0.8])}
    made = [({}, {**VALUES, **one}) for one in media]
    rows = log.sweeps.add(rule, made, limit=None, keep=False, new=False)
    for at, state in {0: State.REJECTED, 1: State.REJECTED, 3: State.COMPLETED}.items():
        send(log, rows[at], state)
    assert [(one.failed, one.ended) for one in log.sweeps.failing("run-1")] == [(2, 2)]
    with pytest.raises(HeldError, match="failed in 2 of 2 cells"):
        log.transitions.intend(rows[2].id, 100, owner="me")


@pytest.mark.parametrize("new", [False, True])
def test_writers_at_once_agree_on_the_repeats(log, address, new):
    logs = [log, Log(address), Log(address)]
    made, ready = [], threading.Barrier(3)

    def go(own):
        wanted = [({}, {**VALUES, "key": "k", "repeat": number}) for number in (1, 2)]
        ready.wait(30)
        made.append(own.sweeps.add(SWEEP, wanted, limit=None, keep=False, new=new))

    threads = [threading.Thread(target=go, args=(one,)) for one in logs]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    for one in logs[1:]:
        one.close()
    found = sorted(row.repeat for rows in made for row in rows)
    assert found == ([1, 2, 3, 4, 5, 6] if new else [1, 1, 1, 2, 2, 2])
    assert log.jobs.count() == (6 if new else 2)


def test_jobs_are_written_in_the_running_order(log):
    rows = log.sweeps.add(SWEEP, cells(4), limit=None, keep=False, new=False, order=[3, 1, 4, 2])
    assert [row.key for row in rows] == ["k0", "k1", "k2", "k3"]
    assert [row.key for row in sorted(rows, key=lambda one: one.seq)] == ["k1", "k3", "k0", "k2"]
    assert [one["order"] for one in json.loads(log.sweeps.get("run-1").cells)] == [3, 1, 4, 2]
