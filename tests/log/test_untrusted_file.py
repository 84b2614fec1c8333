"""A log's file holds the tables and indexes of this package, and nothing that runs."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from motion_widgets.cli.main import main
from motion_widgets.core.errors import LogError
from motion_widgets.log import untrusted_file
from motion_widgets.log.merge import merge
from motion_widgets.log.migrations import SCHEMA
from motion_widgets.log.recovery import rescue
from motion_widgets.log.store import Log
from motion_widgets.workspace.bundle import merge_from
from tests import hostile
from tests.log.conftest import VALUES
from tests.log.test_open_file import of_shape
from tests.log.test_recovery import as_nobody

if TYPE_CHECKING:
    from pathlib import Path

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
ODD = {
    "trigger": "CREATE TRIGGER odd AFTER UPDATE ON jobs BEGIN DELETE FROM budgets; END",
    "view": f"CREATE VIEW odd AS {ENDLESS}",
    "virtual table": "CREATE VIRTUAL TABLE odd USING fts5(a)",
    "generated column": "ALTER TABLE jobs ADD COLUMN odd TEXT AS (hex(zeroblob(1000000))) VIRTUAL",
    "table": "CREATE TABLE odd (a)",
    "index on an expression": "CREATE INDEX odd ON jobs (hex(zeroblob(1000000)))",
    "partial index": "CREATE INDEX odd ON jobs (state) WHERE hex(zeroblob(1000000)) = ''",
}


def run(path, *statements):
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for one in statements:
            db.execute(one)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "log.sqlite"
    log = Log(path)
    log.jobs.add({"endpoint": "e", "account": "a", "sandbox": True, "key": "k"})
    log.close()
    return path


@pytest.mark.parametrize("statement", ODD.values(), ids=list(ODD))
def test_what_no_log_of_ours_has_is_refused_before_anything_runs(path, statement):
    run(path, statement)
    before = path.read_bytes()
    for opening in (Log, rescue_checked):
        with pytest.raises(LogError, match="which no log of this package has") as caught:
            opening(path)
        assert caught.value.code == "log_odd"
    assert path.read_bytes() == before


def rescue_checked(path):
    from motion_widgets.log.recovery import damage_of

    return damage_of(path, whole=True)


@pytest.mark.parametrize(
    "change", [("repeat, attempt)", "repeat, attempt) ON CONFLICT REPLACE"), ("seq BIGINT", "seq REAL")]
)
def test_a_table_of_ours_with_another_definition_is_refused(path, change):
    old, new = change
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'jobs'").fetchone()
        assert old in sql
        made = sql.replace(old, new, 1)
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'jobs'", (made,))
    with pytest.raises(LogError, match="table jobs"):
        Log(path)


def test_statistics_of_sqlite_are_no_trouble(path):
    run(path, "ANALYZE")
    Log(path).close()


@pytest.mark.parametrize("version", ["abc", "-1", "1e9", "9" * 5000, "", "\u0663"])
def test_a_schema_version_that_is_none_is_said(path, version):
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET value = ?", (version,))
    with pytest.raises(LogError) as caught:
        Log(path)
    assert caught.value.code == "log_odd"


def test_a_merge_and_a_read_only_log_are_refused_alike(path, tmp_path):
    run(path, ODD["view"])
    ours = Log(tmp_path / "ours.sqlite")
    with pytest.raises(LogError, match="view odd"):
        merge_from(ours, tmp_path, path)
    assert ours.jobs.count() == 0
    ours.close()


def test_a_statement_that_runs_away_ends(path, monkeypatch):
    monkeypatch.setattr(untrusted_file, "_STEPS", 1000)
    monkeypatch.setattr(untrusted_file, "_LOOKS", 100)
    with contextlib.closing(sqlite3.connect(path)) as db:
        with pytest.raises(sqlite3.OperationalError, match="interrupted"), untrusted_file.bounded(db):
            list(db.execute(ENDLESS))
        assert db.execute("SELECT count(*) FROM jobs").fetchone() == (1,), (
            "the limit is of that statement alone"
        )


def damage_schema(path: Path) -> None:
    """Spoil the table of contents so that SQLite's own words about it are no text."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute(
            "UPDATE sqlite_master SET name = CAST(x'fffe2061' AS TEXT), "
            "sql = CAST(x'435245415445205441424c4520fffe20' AS TEXT) WHERE name = 'jobs_state'"
        )


def test_a_damaged_schema_gives_the_damage_sentence_everywhere(path, tmp_path, capsys):
    damage_schema(path)
    with (
        contextlib.closing(sqlite3.connect(path)) as db,
        pytest.raises(UnicodeDecodeError),
    ):
        db.execute("SELECT * FROM jobs")
    log = Log(path)
    assert "is damaged" in log.read_only
    assert "rescued" in log.read_only
    assert log.jobs.count() == 1
    ours = Log(tmp_path / "ours.sqlite")
    assert merge(ours, log).added == 1
    log.close()
    fresh = Log(tmp_path / "fresh.sqlite")
    assert any("is damaged" in one for one in merge_from(fresh, tmp_path, path).conflicts)
    for one in (ours, fresh):
        one.close()
    assert main(["log", "check", "--folder", str(path.parent)]) == 1
    assert "is damaged" in capsys.readouterr().out
    assert main(["log", "rescue", "--folder", str(path.parent)]) == 0
    assert "1 job was read" in capsys.readouterr().out


def test_a_rescue_runs_no_program_of_the_file(path):
    """A view in a damaged file, in the place of a table, and in its backup."""
    run(path, "ALTER TABLE events RENAME TO old", f"CREATE VIEW events AS {ENDLESS}")
    damage_schema(path)
    backup = path.with_name("log.sqlite.backup")
    backup.write_bytes(path.read_bytes())
    assert rescue(path).jobs == 1


def test_the_fixture_of_bad_rows_opens_in_a_new_process(tmp_path):
    path = tmp_path / "log.sqlite"
    count = hostile.fill(path)
    script = "import sys\nfrom motion_widgets.log.store import Log\nprint(Log(sys.argv[1]).jobs.count())"
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(count)]


def told(folder):
    return {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in folder.iterdir()}


@pytest.fixture
def medium(tmp_path, public):
    """medium(*endings) -> a copy of a log in use: of its file, and of what stands beside it."""
    log = Log(tmp_path / "log.sqlite")
    log.jobs.add(VALUES)

    def make(*endings):
        if "-wal" not in endings:
            log.database.checkpoint()
        for ending in ("", *endings):
            shutil.copyfile(tmp_path / f"log.sqlite{ending}", public / f"log.sqlite{ending}")
        return public / "log.sqlite"

    yield make
    log.close()


KINDS = [(), ("-wal",), ("-wal", "-shm")]


@pytest.mark.parametrize("beside", KINDS)
def test_reading_leaves_every_file_and_the_folder_as_they_are(medium, beside):
    path = medium(*beside)
    before = told(path.parent)
    log = Log(path, reading=True)
    assert log.jobs.count() == 1
    with pytest.raises(LogError, match="reading only"):
        log.jobs.add({**VALUES, "key": "new"})
    log.close()
    assert told(path.parent).keys() == before.keys()
    assert {name: told(path.parent)[name] for name in before if name != "log.sqlite-shm"} == {
        name: what for name, what in before.items() if name != "log.sqlite-shm"
    }, "SQLite's index of readers apart"


@pytest.mark.parametrize("beside", KINDS)
def test_a_log_on_media_that_take_nothing_is_read_and_says_so(medium, beside):
    path = medium(*beside)
    for one in path.parent.iterdir():
        one.chmod(0o444)
    path.parent.chmod(0o555)
    before = told(path.parent)
    count, refused = as_nobody(path)
    assert count == "1"
    assert refused.startswith("log_read_only ")
    assert told(path.parent) == before


def test_reading_brings_no_log_to_todays_shape(tmp_path):
    path = tmp_path / "log.sqlite"
    of_shape(path, 3)
    before = told(tmp_path)
    log = Log(path, reading=True)
    assert (log.jobs.count(), log.database.version) == (1, 3)
    log.close()
    assert told(tmp_path) == before


def test_reading_brings_no_log_on_postgresql_to_todays_shape(postgres):
    url = postgres()
    of_shape(url, 3)
    with pytest.raises(LogError, match=f"version 3; .* version {SCHEMA}"):
        Log(url, reading=True)
    Log(url).close()
    assert Log(url, reading=True).jobs.count() == 1


def test_reading_makes_no_log(tmp_path):
    with pytest.raises(LogError, match="cannot be opened"):
        Log(tmp_path / "none" / "log.sqlite", reading=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "log.sqlite").touch()
    with pytest.raises(LogError, match="is empty"):
        Log(tmp_path / "log.sqlite", reading=True)
    assert (tmp_path / "log.sqlite").stat().st_size == 0


def test_a_new_log_has_its_tables_in_the_file_itself(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    log.jobs.add(VALUES)
    copy = tmp_path / "copy.sqlite"
    shutil.copyfile(tmp_path / "log.sqlite", copy)
    with contextlib.closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == (str(SCHEMA),)
    with contextlib.closing(sqlite3.connect(tmp_path / "log.sqlite")) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    log.close()


@pytest.mark.parametrize("end", ["checkpoint", "close"])
def test_a_copy_of_the_file_alone_has_every_row_at_rest_and_after_closing(tmp_path, end):
    path = tmp_path / "log.sqlite"
    log, other = Log(path), Log(path)
    for number in range(3):
        log.jobs.add({**VALUES, "key": str(number)})
    assert other.jobs.count() == 3
    with other.database.write():
        pass  # it keeps the log open, so SQLite itself does not tidy up yet
    log.close() if end == "close" else log.database.checkpoint()
    assert path.with_name("log.sqlite-wal").exists()
    shutil.copyfile(path, tmp_path / "copy.sqlite")
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM jobs").fetchone() == (3,)
    log.close()
    other.close()


@pytest.mark.parametrize("reading", [False, True])
def test_a_copy_that_lacks_its_tables_is_no_empty_log(tmp_path, reading):
    """As earlier versions left it: with the tables in the write-ahead log."""
    with contextlib.closing(sqlite3.connect(tmp_path / "log.sqlite")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)")
        copy = tmp_path / "copy" / "log.sqlite"
        copy.parent.mkdir()
        shutil.copyfile(tmp_path / "log.sqlite", copy)
    before = told(copy.parent)
    with pytest.raises(LogError, match=r"copied without .*log\.sqlite-wal") as caught:
        Log(copy, reading=reading)
    assert caught.value.code == "log_without_wal"
    assert {name: what[0] for name, what in told(copy.parent).items()} == {
        name: what[0] for name, what in before.items()
    }
