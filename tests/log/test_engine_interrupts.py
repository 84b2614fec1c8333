"""Connections: they hold nothing back, are closed with the log, and an interrupt leaves nothing locked."""

from __future__ import annotations

import contextlib
import dis
import sqlite3
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from motion_widgets.log import engine
from motion_widgets.log.schema import jobs
from motion_widgets.log.store import Log
from tests.log.conftest import VALUES


def journal(log):
    """SQLite removes it when the last connection is closed."""
    return Path(f"{log.database.path}-wal")


def test_readers_do_not_wait_for_each_other(log, add):
    row = add()
    with log.database.read() as first, log.database.read() as second:
        assert first is not second
        assert first.execute(select(jobs.c.id)).scalar_one() == row.id
        assert second.execute(select(jobs.c.id)).scalar_one() == row.id
        told = []
        other = threading.Thread(target=lambda: told.append(log.jobs.get(row.id)))
        other.start()
        other.join(30)
        assert told == [row]


def test_what_was_read_is_held_no_longer_than_the_reading(log, add):
    row = add()
    log.jobs.get(row.id)
    with contextlib.closing(sqlite3.connect(log.database.path)) as db:
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    log.transitions.record(row.id, progress=50)
    assert log.jobs.get(row.id).progress == 50


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_the_midst_leaves_nothing_behind(log, add, error):
    row = add()

    def breaks(take):
        with take() as connection:
            connection.execute(select(jobs.c.id)).fetchone()
            raise error

    for take in (log.database.read, log.database.write):
        with pytest.raises(error):
            breaks(take)
    log.transitions.record(row.id, progress=50)
    assert log.jobs.get(row.id).progress == 50


def test_closing_closes_it_and_the_next_call_opens_another(log, add):
    row = add()
    assert journal(log).exists()
    log.close()
    assert not journal(log).exists()
    log.transitions.record(row.id, progress=50)
    assert (log.jobs.get(row.id).progress, journal(log).exists()) == (50, True)


def test_closing_in_the_midst_closes_it_afterwards(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    row, _ = log.jobs.add(VALUES)
    with log.database.read() as connection:
        log.close()
        assert connection.execute(select(jobs.c.id)).scalar_one() == row.id
        assert journal(log).exists()
    assert not journal(log).exists()


class Interrupting:
    """Raises a KeyboardInterrupt at the n-th moment in which one may come while a connection is taken.

    CPython looks for signals after a call, at a jump back and where a function goes on, not between any two
    steps of its bytecode; `with lock` relies on that.
    """

    FILES = frozenset({engine.__file__, contextlib.__file__})

    def __init__(self, moment):
        self.left = moment
        self.before = {}

    def __call__(self, frame, event, _):
        if event == "opcode":
            step = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            looks = step == "RESUME" or self.before.get(id(frame), "").startswith(("CALL", "JUMP_BACKWARD"))
            self.before[id(frame)] = step  # a frame that is kept alive keeps what it holds
            self.left -= looks
            if looks and not self.left:
                raise KeyboardInterrupt
        elif event == "call":
            if frame.f_code.co_filename not in self.FILES:
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self


def interrupted(use, moment):
    """Use a log, and interrupt that at a moment; say whether it had so many."""
    tracing, interrupting = sys.gettrace(), Interrupting(moment)
    sys._getframe().f_trace_opcodes = True  # Python 3.12 asks at `settrace` whether any frame wants them
    sys.settrace(interrupting)
    try:
        use()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(tracing)
    return interrupting.left <= 0


@pytest.mark.parametrize("take", ["read", "write"])
def test_an_interrupt_at_any_moment_leaves_the_log_as_usable_as_before(log, add, take):
    row, moment = add(), 0
    used = {
        "read": lambda: log.jobs.get(row.id),
        "write": lambda: log.transitions.record(row.id, progress=moment % 100),
    }
    used[take]()
    while interrupted(used[take], moment + 1):
        moment += 1
        other = threading.Thread(
            target=log.transitions.record, args=(row.id,), kwargs={"progress": 7}, daemon=True
        )
        other.start()
        other.join(20)
        assert not other.is_alive(), f"an interrupt at moment {moment} blocks the log"
        assert log.jobs.get(row.id).progress == 7
    assert moment > 10


class TestInterrupts:
    """Psycopg has sent a query and an interrupt comes: what tidies up on its way out fails after it."""

    @pytest.fixture
    def sent(self, monkeypatch):
        """Let the next query be interrupted just when it was sent; give how many still are to be."""
        from psycopg import Cursor

        # Which class has the method is psycopg's own business.
        base = next(one for one in Cursor.__mro__ if "_execute_send" in vars(one))
        left, real = [0], base._execute_send

        def send(*arguments, **options):
            real(*arguments, **options)
            if left[0] and threading.current_thread() is threading.main_thread():
                left[0] -= 1
                raise KeyboardInterrupt

        monkeypatch.setattr(base, "_execute_send", send)
        return left

    @pytest.mark.parametrize("call", ["job", "version", "record"])
    def test_one_gets_through_wherever_it_comes_and_the_log_goes_on(self, postgres, sent, call):
        with contextlib.closing(Log(postgres())) as log:
            row, _ = log.jobs.add(VALUES)
            calls = {
                "job": lambda: log.jobs.get(row.id),
                "version": log.jobs.version,
                "record": lambda: log.transitions.record(row.id, progress=50),
            }
            calls[call]()
            sent[0] = 1
            with pytest.raises(KeyboardInterrupt):
                calls[call]()
            assert sent[0] == 0
            calls[call]()
            assert log.jobs.get(row.id).id == row.id
