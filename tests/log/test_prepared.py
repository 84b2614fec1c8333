"""A statement that goes to the driver directly is the one that SQLAlchemy would have run."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from sqlalchemy import bindparam, event, select, update

from motion_widgets.core.errors import LogError
from motion_widgets.log.prepared import Prepared
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from tests.log.conftest import VALUES

ONE = Prepared(select(jobs).where(jobs.c.id == bindparam("b_id")))
CHANGE = Prepared(update(jobs).where(jobs.c.id == bindparam("b_id"), jobs.c.state == "planned"))


def a_life(log):
    """Make the calls that every job needs, as a driver of it makes them."""
    log.set_budget("b", 1000)
    row, _ = log.add_job({**VALUES, "id": "job-1", "idempotency_key": "i", "budget_id": "b"})
    log.claim("job-1", "me")
    log.intend("job-1", 100, owner="me")
    log.seal("job-1", "{}", owner="me")
    log.move("job-1", State.SUBMITTED, owner="me", task_id="t")
    log.record("job-1", progress=50)
    log.move("job-1", State.COMPLETED, owner="me", settle=90, cost=90)
    log.release("job-1", "me")
    return row, log.job("job-1"), log.budget("b"), [one.to_state for one in log.events("job-1")]


def test_the_driver_is_given_what_sqlalchemy_would_give_it(tmp_path, monkeypatch):
    monkeypatch.setattr("motion_widgets.log.engine.now_us", lambda: 7)
    for name in ("insert", "leases", "transitions"):
        monkeypatch.setattr(f"motion_widgets.log.{name}.now_us", lambda: 7)
    told, said = [], []
    for heard in (False, True):
        log = Log(tmp_path / f"{heard}.sqlite")
        if heard:
            for engine in (log._reader, log._writer):
                event.listen(engine, "before_cursor_execute", lambda *_: None)
        with log.write() as connection:
            driver = connection.connection.dbapi_connection
        said.append([])
        driver.set_trace_callback(said[-1].append)
        told.append(a_life(log))
        log.close()
    assert told[0] == told[1]
    assert said[0] == said[1]
    assert len(said[0]) > 20


def test_columns_have_the_types_they_have_in_the_tables(log, add):
    row = add(clip_has_audio=False, clip_length=6.5)
    with log.read() as connection:
        found = ONE.row(connection, {"b_id": row.id})
        assert ONE.row(connection, {"b_id": "job-none"}) is None
    assert found == asdict(row)
    assert list(found) == list(jobs.c.keys())
    assert (found["sandbox"], found["clip_has_audio"], found["clip_length"]) == (True, False, 6.5)
    assert {type(found[name]) for name in ("sandbox", "clip_has_audio")} == {bool}


def test_only_the_columns_given_are_set_and_rows_are_counted(log, add):
    row = add(mode="std")
    with log.write() as connection:
        assert CHANGE.run(connection, {"b_id": row.id, "mode": "pro"}) == 1
        assert CHANGE.run(connection, {"b_id": row.id, "prompt": "wave"}) == 1
        assert CHANGE.run(connection, {"b_id": "job-none", "prompt": "wave"}) == 0
    assert log.job(row.id) == replace(row, mode="pro", prompt="wave")


def test_what_is_read_in_one_transaction_is_of_one_moment(tmp_path):
    log, other = Log(tmp_path / "log.sqlite"), Log(tmp_path / "log.sqlite")
    row, _ = log.add_job(VALUES)
    with log.read() as connection:
        assert ONE.row(connection, {"b_id": row.id}) == asdict(row)
        other.record(row.id, progress=50)
        assert ONE.row(connection, {"b_id": row.id}) == asdict(row)
    assert log.job(row.id).progress == 50
    log.close()
    other.close()


def test_what_the_database_refuses_is_said_and_takes_the_call_back(log, add):
    row = add()

    def change():
        with log.write() as connection:
            CHANGE.run(connection, {"b_id": row.id, "prompt": "wave"})
            CHANGE.run(connection, {"b_id": row.id, "endpoint": None})

    with pytest.raises(LogError, match="cannot be written"):
        change()
    assert log.job(row.id) == row
