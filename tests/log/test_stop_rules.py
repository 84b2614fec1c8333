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
    return log.add_run({**SWEEP, **values}, cells(count), limit=None, keep=False, new=False)


def send(log, row, state):
    assert log.intend(row.id, 100, owner="me")
    if state is not State.REJECTED:
        assert log.move(row.id, State.SUBMITTED)
    assert log.move(row.id, state)
    log.release(row.id, "me")


def test_a_paused_sweep_sends_nothing_and_keeps_its_money(log):
    rows = begin(log)
    assert log.intend(rows[0].id, 100, owner="me")
    log.hold_sweep("run-1", paused=1)
    for row, act in ((rows[0], lambda an_id: log.seal(an_id, "{}", owner="me")), (rows[1], None)):
        with pytest.raises(HeldError, match=r"run-1 is paused.*resume"):
            act(row.id) if act else log.intend(row.id, 100, owner="me")
    assert (log.budget("run-1"), log.job(rows[1].id).state) == ((None, 100), "planned")
    begin(log)
    for body in (None, "{}"):
        with pytest.raises(HeldError):
            log.intend(rows[1].id, 100, owner="me", body=body)
    assert log.job(rows[1].id).body is None
    log.hold_sweep("run-1", paused=None)
    assert log.seal(rows[0].id, "{}", owner="me")
    assert log.intend(rows[1].id, 100, owner="me")


def test_other_jobs_and_resends_are_not_held(log, add, put):
    begin(log)
    log.hold_sweep("run-1", paused=1)
    assert log.intend(add("else").id, 100, owner="me")
    unknown = put("unknown", "unknown")
    log.record(unknown.id, sweep_id="run-1")
    assert log.intend(unknown.id, 100, owner="me", resend=True)
    assert log.seal(unknown.id, "{}", owner="me", anyway=True)
    assert log.move(unknown.id, State.UNKNOWN)
    assert log.intend(unknown.id, 100, owner="me", resend=True, body="{}")


def test_a_failing_value_stops_by_its_last_attempts(log):
    rows = begin(log, 10, stop_after=json.dumps([2, 0.8]))
    std, pro = rows[::2], rows[1::2]
    send(log, pro[0], State.REJECTED)
    send(log, pro[1], State.REJECTED)
    assert log.failing("run-1") == [], "nothing of the others has ended"
    send(log, std[0], State.COMPLETED)
    assert [(one.axis, one.value, one.failed, one.ended) for one in log.failing("run-1")] == [
        ("mode", "pro", 2, 2)
    ]
    with pytest.raises(HeldError, match="failed in 2 of 2 cells, the others in 0 of 1"):
        log.intend(pro[2].id, 100, owner="me")
    assert log.intend(std[1].id, 100, owner="me"), "the others go on"
    again, added = log.add_attempt(pro[0].id)
    assert added
    assert log.failing("run-1") == [], "what is tried again is open"
    assert log.intend(again.id, 100, owner="me")
    log.hold_sweep("run-1", stop_after=None)
    assert log.intend(pro[2].id, 100, owner="me")


@pytest.mark.parametrize("new", [False, True])
def test_writers_at_once_agree_on_the_repeats(log, address, new):
    logs = [log, Log(address), Log(address)]
    made, ready = [], threading.Barrier(3)

    def go(own):
        wanted = [({}, {**VALUES, "key": "k", "repeat": number}) for number in (1, 2)]
        ready.wait(30)
        made.append(own.add_run(SWEEP, wanted, limit=None, keep=False, new=new))

    threads = [threading.Thread(target=go, args=(one,)) for one in logs]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    for one in logs[1:]:
        one.close()
    found = sorted(row.repeat for rows in made for row in rows)
    assert found == ([1, 2, 3, 4, 5, 6] if new else [1, 1, 1, 2, 2, 2])
    assert log.count() == (6 if new else 2)


def test_jobs_are_written_in_the_running_order(log):
    rows = log.add_run(SWEEP, cells(4), limit=None, keep=False, new=False, order=[3, 1, 4, 2])
    assert [row.key for row in rows] == ["k0", "k1", "k2", "k3"]
    assert [row.key for row in sorted(rows, key=lambda one: one.seq)] == ["k1", "k3", "k0", "k2"]
    assert [one["order"] for one in json.loads(log.sweep("run-1").cells)] == [3, 1, 4, 2]
