# ruff: noqa: E501
"""Opening a log: new, again, too new, older, by many at once, and where it cannot be."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from motion_widgets.core.errors import LogError
from motion_widgets.log import engine, migrations, schema
from motion_widgets.log.recovery import damage_of, is_database
from motion_widgets.log.store import Log
from motion_widgets.log.untrusted_file import copy_log, lacks_wal
from tests.log.conftest import VALUES

ROOT = Path(__file__).parents[2]
OLD_ROWS = (
    (
        "INSERT INTO jobs (id, seq, state, endpoint, account, sandbox, key, repeat, attempt, created, "
        "idempotency_key, body) VALUES ('job-1', 1, 'submitting', 'sandbox', 'sandbox', true, 'k', 1, 1, 7, 'i', '{}')"
    ),
    "INSERT INTO events (job_id, at, to_state, note) VALUES ('job-1', 7, 'submitting', 'by a person')",
    "INSERT INTO budgets (id, limit_micro, used_micro) VALUES ('b', 500, 20)",
    (
        "INSERT INTO sweeps (id, endpoint, account, created, created_by, axes, cells) "
        "VALUES ('run-1', 'sandbox', 'sandbox', 7, 'me', '{}', '[]')"
    ),
    "INSERT INTO inputs (sha, name, size, path, created) VALUES ('5ha', 'a.png', 3, 'inputs/a.png', 7)",
)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_shape(place, version, *, said=None):
    """A log as an earlier version of this package left it, in a file or at a URL."""
    engine = create_engine(place if "://" in str(place) else f"sqlite:///{place}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)"))
        for step in migrations.MIGRATIONS[:version]:
            step(connection)
        connection.execute(text(f"INSERT INTO meta VALUES ('schema', '{said or version}')"))
        for row in OLD_ROWS:
            connection.execute(text(row))
    engine.dispose()


def test_fresh_log_has_all_tables_and_columns(log):
    with log.database.read() as connection:
        found = inspect(connection)
        for table in schema.metadata.sorted_tables:
            assert {one["name"] for one in found.get_columns(table.name)} == set(table.c.keys())


def test_reopened_log_is_the_same(log, add):
    row = add()
    log.close()
    again = Log(log.database.path)
    assert again.jobs.get(row.id) == row
    again.close()


@pytest.mark.parametrize("shape", range(1, migrations.SCHEMA))
def test_every_older_log_is_backed_up_and_carried_forward_with_its_rows(tmp_path, shape):
    path = tmp_path / "log.sqlite"
    of_shape(path, shape)
    log = Log(path)
    row = log.jobs.get("job-1")
    assert (row.state, row.key, row.body, row.created) == ("submitting", "k", "{}", 7)
    assert row.sent == (7 if shape == 1 else None), "a body stood for having been sent"
    assert row.deleted is None
    assert [one.note for one in log.jobs.events("job-1")] == ["by a person"]
    assert log.budgets.get("b") == (500, 20)
    assert log.sweeps.get("run-1").axes == "{}"
    with log.database.read() as connection:
        found = inspect(connection)
        for table in schema.metadata.sorted_tables:
            assert {one["name"] for one in found.get_columns(table.name)} == set(table.c.keys())
        indexes = {one["name"]: one["column_names"] for one in found.get_indexes("jobs")}
    assert {"jobs_state", "jobs_seq", "jobs_sweep", "jobs_filters", "jobs_lease"} <= indexes.keys()
    assert "image_name" in indexes["jobs_filters"]
    log.annotations.rate(["job-1"], stars=3)
    log.close()
    with sqlite3.connect(tmp_path / f"log.sqlite.schema{shape}.backup") as kept:
        assert kept.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == (str(shape),)
        assert kept.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
    kept.close()
    Log(path).close()
    assert len(list(tmp_path.glob("*.backup"))) == 1


@pytest.mark.parametrize("shape", range(1, migrations.SCHEMA))
def test_an_older_log_on_postgresql_is_carried_forward(postgres, shape):
    url = postgres()
    of_shape(url, shape)
    log = Log(url)
    assert log.jobs.get("job-1").sent == (7 if shape == 1 else None)
    with log.database.read() as connection:
        assert "jobs_lease" in {one["name"] for one in inspect(connection).get_indexes("jobs")}
    log.annotations.tag(["job-1"], "old")
    assert log.annotations.of(["job-1"])["job-1"].tags == ("old",)
    assert log.budgets.get("b") == (500, 20)
    log.close()


def test_newer_log_on_postgresql_is_refused(postgres):
    url = postgres()
    of_shape(url, 1, said=99)
    with pytest.raises(LogError, match=r"version 99.*Upgrade"):
        Log(url)


def test_newer_log_is_refused_in_words_and_nothing_changes(tmp_path):
    path = tmp_path / "log.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)")
        db.execute("INSERT INTO meta VALUES ('schema', '99')")
    db.close()
    before = digest(path)
    with pytest.raises(LogError, match=r"version 99.*Upgrade"):
        Log(path)
    assert digest(path) == before
    assert [one.name for one in tmp_path.iterdir()] == ["log.sqlite"]


def test_migration_that_fails_leaves_the_old_shape(tmp_path, monkeypatch):
    path = tmp_path / "log.sqlite"
    of_shape(path, 1)

    def broken(connection):
        migrations._second(connection)
        raise OSError("power")

    monkeypatch.setattr(migrations, "MIGRATIONS", (migrations._first, broken))
    with pytest.raises(LogError):
        Log(path)
    monkeypatch.undo()
    log = Log(path)
    assert log.jobs.get("job-1").sent == 7
    log.close()


@pytest.mark.parametrize("content", [b"this is no database, surely" * 100, b"\x00" * 4096])
def test_file_that_is_no_log(tmp_path, content):
    path = tmp_path / "log.sqlite"
    path.write_bytes(content)
    with pytest.raises(LogError, match="cannot be opened"):
        Log(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "url",
    [
        "/proc/nowhere/log.sqlite",
        "/dev/null/log.sqlite",
        "nonsense://x/y",
        "http://[",
        "sqlite:////dev/null/x",
    ],
)
def test_place_that_cannot_be_opened(url):
    with pytest.raises(LogError, match="cannot be opened"):
        Log(url)


def test_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(LogError, match="cannot be opened"):
        Log(tmp_path)


@pytest.mark.parametrize("name", ["a ? b#c%20.sqlite", "日本語.sqlite", "with space.sqlite"])
def test_any_name_is_a_path(tmp_path, name):
    Log(tmp_path / name).close()
    assert (tmp_path / name).exists()


def test_password_is_in_no_error():
    with pytest.raises(LogError) as caught:
        Log("postgresql+nodriver://me:hunter2@nowhere/log")
    assert "hunter2" not in f"{caught.value}{caught.value.params}"


@pytest.mark.parametrize("shape", range(migrations.SCHEMA))
def test_four_processes_open_it_at_once(tmp_path, shape):
    path = tmp_path / "log.sqlite"
    if shape:
        of_shape(path, shape)
    script = """
import sys
from motion_widgets.log.store import Log
print("ready", flush=True); sys.stdin.readline()
for number in range(3):
    log = Log(sys.argv[1] + str(number)) if sys.argv[2] == "0" else Log(sys.argv[1])
    log.budgets.set("b", 1)
    print(log.budgets.get("b")); log.close()
"""
    command = [sys.executable, "-c", script, str(path), str(shape)]
    runs = [subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, stderr=-1, text=True) for _ in range(4)]
    for run in runs:
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        run.stdin.write("\n")
        run.stdin.flush()
    told = [run.communicate(timeout=60) for run in runs]
    assert [one[1] for one in told] == [""] * 4
    assert len({one[0] for one in told}) == 1, "all agree on what they opened"


def test_wal_is_asked_for_again_while_the_file_is_locked():
    """This one change fails at once where others wait; of 600 first opens at the same time one met it."""
    asked = []

    class Cursor:
        def execute(self, statement):
            asked.append(statement)
            if len(asked) < 3:
                raise sqlite3.OperationalError("database is locked")

    engine._set_journal(Cursor(), "WAL")
    assert asked == ["PRAGMA journal_mode=WAL"] * 3


LOOKS = {
    "opened-again": lambda path: Log(path).close(),
    "looked-at": damage_of,
    "asked-what-it-is": is_database,
    "asked-for-its-journal": lacks_wal,
    "copied": lambda path: copy_log(path, path.with_name("copy.sqlite")),
}
ANOTHER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(db.execute("SELECT count(*) FROM jobs").fetchone()[0])
db.close()
"""


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_log_that_is_open_stays_whole_when_its_own_process_looks_at_the_file(tmp_path, look):
    """Closing a descriptor of a file lets go of all locks that SQLite has on it in this process.

    Another process then takes the log for closed and removes its journal, with all that is written from then on.
    """
    path = tmp_path / "log.sqlite"

    def seen_by_another():
        done = subprocess.run(
            [sys.executable, "-c", ANOTHER, str(path)], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    log = Log(path)
    log.jobs.add({**VALUES, "key": "before"}, new=False)
    look(path)
    assert seen_by_another() == 1
    log.jobs.add({**VALUES, "key": "after"}, new=False)
    assert seen_by_another() == 2
    log.close()
    assert damage_of(path, whole=True) is None
    assert seen_by_another() == 2
