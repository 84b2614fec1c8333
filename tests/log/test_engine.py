"""Many processes that write one log at the same time, on both databases; statements are put together once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from motion_widgets.core.errors import LogError
from motion_widgets.log import engine
from motion_widgets.log.migrations import SCHEMA
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from tests.log.conftest import VALUES

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from motion_widgets.log.store import Log
log = Log(sys.argv[1]); print("ready", flush=True); sys.stdin.readline()
for number in range(int(sys.argv[3])):
    values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "key": f"{sys.argv[2]}-{number}"}
    row, added = log.jobs.add(values)
    assert added and log.transitions.intend(row.id, 5, owner=sys.argv[2])
    log.transitions.record(row.id, progress=number)
    log.annotations.rate([row.id], stars=number % 5 + 1)
    print(row.id)
log.close()
"""
EACH = 40


def test_four_processes_lose_nothing_and_meet_no_lock(log, address):
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, address, name, str(EACH)],
            cwd=ROOT, stdin=-1, stdout=-1, stderr=-1, text=True,
        )
        for name in "abcd"
    ]  # fmt: skip
    for run in runs:
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        run.stdin.write("\n")
        run.stdin.flush()
    told = [run.communicate(timeout=120) for run in runs]
    assert [one[1] for one in told] == [""] * 4, "nobody met a locked database"
    acknowledged = {job_id for one in told for job_id in one[0].split()}
    rows = log.jobs.rows()
    assert len(acknowledged) == 4 * EACH
    assert {row.id for row in rows} == acknowledged
    assert {row.state for row in rows} == {State.SUBMITTING}
    assert len({row.seq for row in rows}) == 4 * EACH, "each change has a number of its own"
    assert sum(len(log.jobs.events(row.id)) for row in rows) == 2 * 4 * EACH
    assert sum(one.stars is not None for one in log.annotations.of().values()) == 4 * EACH


def test_a_connection_that_an_interrupt_left_half_way_is_replaced(log, add):
    """As an interrupted cell may leave it: put back, and still in a transaction."""
    row = add()
    for take in (log.database.read, log.database.write):
        with take() as connection:
            driver = connection.connection.dbapi_connection
        with contextlib.suppress(sqlite3.ProgrammingError):  # SQLite's readers are closed again
            driver.execute("SELECT 1" if log.database.path is None else "BEGIN")
    assert log.jobs.get(row.id).state == "planned"
    assert log.transitions.intend(row.id, 1, owner="me")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_opens_connections_of_its_own(log, add):
    """Even where the fork happens while another thread writes."""
    row = add()
    with log.database.write():
        child = os.fork()
        if not child:
            status = 1
            with contextlib.suppress(BaseException):
                status = int(log.jobs.get(row.id).progress is not None)
            os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
    child = os.fork()
    if not child:
        status = 1
        with contextlib.suppress(BaseException):
            log.transitions.record(row.id, progress=50)
            status = 0
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert log.jobs.get(row.id).progress == 50
    log.transitions.record(row.id, progress=60)
    assert log.jobs.get(row.id).progress == 60


def test_a_process_of_another_version_writes_no_more(log, add, address):
    """The newer one may count budgets another way; what the older one would write goes past them."""
    row = add()
    newer = Log(address)
    with newer.database.write() as connection:
        connection.execute(text("UPDATE meta SET value = :v WHERE name = 'schema'"), {"v": str(SCHEMA + 1)})
    newer.close()
    writes = (
        lambda: add("another"),
        lambda: log.transitions.intend(row.id, 1, owner="me"),
        lambda: log.budgets.set("b", 1),
        lambda: log.annotations.rate([row.id], stars=1),
    )
    for write in writes:
        with pytest.raises(LogError, match=f"version {SCHEMA + 1}.*version {SCHEMA}.*restart the kernel"):
            write()
    assert "restart the kernel" in log.read_only, "whoever asks before sending is told as well"
    assert [one.state for one in log.jobs.rows()] == ["planned"]


def at_work(place):
    """Write a job to a log and read it; return its row."""
    log = Log(place)
    try:
        row, _ = log.jobs.add(VALUES)
        assert log.jobs.get(row.id) == log.jobs.rows()[0] == row
        return row
    finally:
        log.close()


def test_another_log_needs_no_statement_anew_and_keeps_its_own_rows(tmp_path):
    first = at_work(tmp_path / "first.sqlite")
    known = set(engine._COMPILED)
    assert known
    second = at_work(tmp_path / "second.sqlite")
    assert set(engine._COMPILED) == known
    assert first.id != second.id
