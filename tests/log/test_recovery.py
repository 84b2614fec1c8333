# ruff: noqa: E501, PT017
"""Logs that are damaged, read-only, on a full disk, or in a place that is not safe for them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from motion_widgets.core.errors import LogError
from motion_widgets.log import open_file, recovery
from motion_widgets.log.migrations import SCHEMA
from motion_widgets.log.store import Log
from tests.log.conftest import VALUES
from tests.log.test_open_file import digest, of_shape

ROOT = Path(__file__).parents[2]
PAGE = 4096
LONG = "a long answer " * 900
"""12 KB, which SQLite spreads over overflow pages."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A closed log of 60 jobs, some with rows longer than a page: its path and ids."""
    path = tmp_path_factory.mktemp("sound") / "log.sqlite"
    log = Log(path)
    ids = []
    for number in range(60):
        row, _ = log.jobs.add({**VALUES, "key": f"k{number}", "prompt": f"take {number}"})
        log.transitions.record(row.id, task_id=f"task-{number}", links='["https://h/x.mp4?sig=1"]')
        if number % 10 == 0:
            log.transitions.record(row.id, answer=LONG)
        ids.append(row.id)
    log.annotations.rate(ids[:1], stars=5)
    assert log.back_up() == path.with_name("log.sqlite.backup")
    log.close()
    return path, ids


@pytest.fixture
def hurt(sound, tmp_path):
    """hurt(how) -> the path of a copy to whose bytes `how` was done; its backup is beside it, if wanted."""

    def make(how, *, backup=True):
        path = tmp_path / "log.sqlite"
        path.write_bytes(how(bytearray(sound[0].read_bytes())))
        if backup:
            shutil.copyfile(f"{sound[0]}.backup", f"{path}.backup")
        return path

    return make


def spoiled(start, stop, fill=b"\xa5"):
    def how(data):
        data[start:stop] = fill * (min(stop, len(data)) - start)
        return data

    return how


def cut(share):
    return lambda data: data[: int(len(data) * share)]


HURTS = {
    "the first words": spoiled(0, 16),
    "the header": spoiled(0, 100),
    "the first page": spoiled(0, PAGE),
    "the first page, zeros": spoiled(0, PAGE, b"\0"),
    "a page in the middle": lambda data: spoiled(len(data) // 2 // PAGE * PAGE, len(data) // 2 // PAGE * PAGE + PAGE)(data),
    "the last tenth cut off": cut(0.9),
    "the last page cut off": lambda data: data[:-PAGE],
}  # fmt: skip


@pytest.mark.parametrize("how", HURTS)
def test_damaged_log_is_read_from_what_was_rescued_and_takes_nothing(hurt, sound, how):
    path = hurt(HURTS[how])
    before = digest(path)
    log = Log(path)
    found = {row.id: row for row in log.jobs.rows()}
    assert set(found) == set(sound[1]), "whatever SQLite no longer reads comes from the backup"
    assert all(row.task_id.startswith("task-") and row.key for row in found.values())
    with pytest.raises(LogError, match=r"is damaged .* rescued to log\.sqlite\.rescued\.jsonl"):
        log.jobs.add({**VALUES, "key": "new"})
    assert log.database.notices == [log.read_only]
    log.close()
    lines = [json.loads(line) for line in (path.parent / "log.sqlite.rescued.jsonl").read_text().splitlines()]
    assert {one["id"] for one in lines} == set(found)
    assert all({"id", "task_id", "state", "key", "links"} <= set(one) for one in lines)
    assert digest(path) == before, "the damaged file is left as it is"


def test_damaged_log_in_which_no_job_is_left_is_said_to_be_that(hurt):
    with pytest.raises(LogError, match=r"is damaged \(it ends after .*no job could be read"):
        Log(hurt(cut(0.05), backup=False))


@pytest.mark.parametrize("how", ["the header", "the first page", "the first page, zeros"])
def test_without_its_first_page_only_the_back_up_is_left(hurt, sound, how):
    path = hurt(HURTS[how], backup=False)
    with pytest.raises(LogError, match="no job"):
        recovery.rescue(path)
    assert recovery.rescue(hurt(HURTS[how])).jobs == len(sound[1])


@pytest.mark.parametrize("how", ["a page in the middle", "the last page cut off"])
def test_what_sqlite_still_reads_is_rescued_without_a_back_up(hurt, sound, how):
    made = recovery.rescue(hurt(HURTS[how], backup=False))
    assert 20 <= made.jobs <= len(sound[1])


def test_what_was_written_after_the_back_up_is_taken_from_the_damaged_log(sound, tmp_path):
    path = tmp_path / "log.sqlite"
    for ending in ("", ".backup"):
        shutil.copyfile(f"{sound[0]}{ending}", f"{path}{ending}")
    log = Log(path)
    log.transitions.record(sound[1][1], progress=77)
    new, _ = log.jobs.add({**VALUES, "key": "new"})
    log.close()
    path.write_bytes(spoiled(0, 16)(bytearray(path.read_bytes())))
    log = Log(path)
    assert (len(log.jobs.rows()), log.jobs.get(sound[1][1]).progress) == (len(sound[1]) + 1, 77)
    assert log.jobs.get(new.id).key == "new"
    log.close()


@pytest.mark.parametrize("shape", range(1, SCHEMA))
def test_a_back_up_from_before_a_migration_is_carried_forward(tmp_path, shape):
    path = tmp_path / "log.sqlite"
    of_shape(path, shape)
    Log(path).close()
    path.write_bytes(b"\xa5" * 100_000)
    log = Log(path)
    assert [(row.id, row.sent) for row in log.jobs.rows()] == [("job-1", 7 if shape == 1 else None)]
    assert "is damaged" in log.read_only
    log.close()


def test_a_back_up_is_whole_while_the_log_is_open_and_replaces_the_one_before(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    for number in range(2):
        log.jobs.add({**VALUES, "key": str(number)})
        kept = log.back_up()
        with contextlib.closing(sqlite3.connect(kept)) as db:
            assert db.execute("SELECT count(*) FROM jobs").fetchone() == (number + 1,)
    assert len(list(tmp_path.glob("*.backup"))) == 1
    log.close()


def test_a_log_on_a_server_is_backed_up_there(postgres):
    log = Log(postgres())
    assert log.back_up() is None
    log.close()


def test_what_is_not_a_job_is_rescued_where_sqlite_still_reads_it(hurt, sound):
    log = Log(hurt(HURTS["the first words"], backup=False))
    assert log.annotations.of()[sound[1][0]].stars == 5.0
    assert len(log.jobs.events(sound[1][1])) == 1
    log.close()


def test_the_salt_of_an_older_log_is_rescued_too(tmp_path):
    path = tmp_path / "log.sqlite"
    of_shape(path, 8)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO meta VALUES ('salt', 'grains')")
    rescued, carried = Log(recovery.rescue(path).log), Log(path)
    for log in (rescued, carried):
        with log.database.read() as connection:
            assert recovery.all_rows(connection)["salts"] == [{"salt": "grains"}]
        log.close()


def test_random_damage_never_ends_in_anything_but_a_sentence(sound, tmp_path):
    whole = sound[0].read_bytes()
    dice = random.Random(7)
    for number in range(20):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 5, 200])):
            start = dice.randrange(len(data))
            data[start : start + dice.choice([1, 8, 5000])] = dice.randbytes(dice.choice([1, 8]))
        path = tmp_path / f"{number}" / "log.sqlite"
        path.parent.mkdir()
        path.write_bytes(data)
        try:
            log = Log(path)
            log.jobs.rows()
            log.close()
        except LogError as error:
            assert "log.sqlite" in str(error)


def test_rescued_log_is_put_in_its_place_when_a_person_says_so(hurt, sound):
    path = hurt(HURTS["the header"])
    kept = recovery.replace_damaged(path, recovery.rescue(path))
    assert kept.read_bytes() == HURTS["the header"](bytearray(sound[0].read_bytes()))
    log = Log(path)
    assert [row.id for row in log.jobs.rows()] == sound[1]
    assert log.read_only == ""
    log.jobs.add({**VALUES, "key": "new"})
    log.close()


def test_damage_that_shows_later_stops_all_writing(sound, tmp_path, monkeypatch):
    monkeypatch.setattr(recovery, "QUICK", 0)  # as with a file too large to be looked at whole
    path = tmp_path / "log.sqlite"
    data = bytearray(sound[0].read_bytes())
    with contextlib.closing(sqlite3.connect(sound[0])) as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs'").fetchone()[0]
    data[(root - 1) * PAGE : (root - 1) * PAGE + 200] = b"\xa5" * 200
    path.write_bytes(data)
    log = Log(path)
    with pytest.raises(LogError, match="found to be damaged"):
        log.jobs.rows()
    with pytest.raises(LogError, match="nothing was sent"):
        log.budgets.set("b", 1)
    log.close()


# What is no log.


def test_zeros_are_said_to_be_zeros(tmp_path):
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"\0" * 100_000)
    with pytest.raises(LogError, match="nothing but zeros"):
        Log(path)


def test_database_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "other.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE songs (name TEXT)")
    before = digest(path)
    with pytest.raises(LogError, match=r"something else \(tables songs\)"):
        Log(path)
    assert digest(path) == before


def test_folder_is_said_to_be_one(tmp_path):
    with pytest.raises(LogError, match="it is a folder"):
        Log(tmp_path)


def test_empty_file_is_begun_anew_and_an_old_one_is_mentioned(tmp_path):
    path = tmp_path / "log.sqlite"
    path.touch()
    log = Log(path)
    assert log.database.notices == [], "another process may just be making it"
    log.close()
    path.unlink()
    path.touch()
    os.utime(path, (1, 1))
    log = Log(path)
    assert len(log.database.notices) == 1
    assert "was empty" in log.database.notices[0]
    log.budgets.set("b", 1)
    log.close()


# What may not be written.

READER = """
import os, sys
from motion_widgets.core.errors import LogError
from motion_widgets.log.migrations import SCHEMA
from motion_widgets.log.store import Log
import motion_widgets.core.messages, sqlalchemy.dialects.sqlite
if os.geteuid() == 0:
    os.setuid(65534)
log = Log(sys.argv[1])
print(len(log.jobs.rows()))
try:
    log.budgets.set("b", 1)
except LogError as error:
    print(error.code, error)
log.close()
"""


def as_nobody(path):
    """Open a log as somebody whom permissions hold."""
    ran = subprocess.run([sys.executable, "-c", READER, str(path)], cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_log_that_may_not_be_written_is_read(public, what):
    path = public / "log.sqlite"
    log = Log(path)
    log.jobs.add(VALUES)
    log.close()
    path.chmod(0o444 if what == "file" else 0o666)
    public.chmod(0o777 if what == "file" else 0o555)
    before = digest(path)
    first, second = as_nobody(path)
    assert first == "1"
    assert second.startswith("log_read_only ")
    assert "nothing was sent" in second
    assert digest(path) == before


def test_older_log_that_may_not_be_written_is_read_from_a_copy(public):
    path = public / "log.sqlite"
    of_shape(path, 1)
    path.chmod(0o444)
    public.chmod(0o555)
    before = digest(path)
    assert as_nobody(path)[0] == "1"
    assert digest(path) == before
    assert [one.name for one in public.iterdir()] == ["log.sqlite"]


FULL = """
import resource, signal, sys
from motion_widgets.core.errors import LogError
from motion_widgets.log.migrations import SCHEMA
from motion_widgets.log.store import Log
log = Log(sys.argv[1])
values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "prompt": "x" * 2000}
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
taken = 0
try:
    while taken < 1000:
        log.jobs.add({**values, "key": str(taken)}); taken += 1
except LogError as error:
    print(taken, error.code, error)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
print(log.jobs.count())
log.jobs.add({**values, "key": "after"})
print(log.jobs.count()); log.close()
"""


def test_full_disk_is_said_and_nothing_acknowledged_is_lost(tmp_path):
    ran = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "log.sqlite")], cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    said, held, after = ran.stdout.splitlines()
    taken, code, words = said.split(" ", 2)
    assert 0 < int(taken) < 1000
    assert code == "log_unwritable"
    assert "Nothing was sent" in words
    assert (int(held), int(after)) == (int(taken), int(taken) + 1)


# Places that are not safe.

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/homes {root}/net nfs4 rw 0 0
//server/share {root}/with\\040blank cifs rw 0 0
/dev/sdb1 {root}/net/local xfs rw 0 0
me@host:/ {root}/far fuse.sshfs rw 0 0
broken
"""


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    table = tmp_path / "mounts"
    table.write_text(MOUNTS.format(root=tmp_path))
    monkeypatch.setattr(open_file, "MOUNTS", table)
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("net", "nfs4"), ("net/a/b", "nfs4"), ("with blank", "cifs"), ("net/local", None), ("far", "fuse.sshfs"), ("here", None)],
)  # fmt: skip
def test_network_drives_are_seen(mounts, folder, kind):
    assert open_file.network_drive(mounts / folder / "log.sqlite") == kind


def test_on_a_network_drive_there_is_no_wal(mounts):
    path = mounts / "net" / "log.sqlite"
    log = Log(path)
    log.jobs.add(VALUES)
    assert log.jobs.count() == 1
    assert [one.name for one in path.parent.iterdir()] == ["log.sqlite"], "no -wal, no -shm"
    assert "network drive (nfs4)" in log.database.notices[0]
    log.close()


def test_log_that_came_to_a_network_drive_with_a_wal_loses_it(mounts):
    path = mounts / "net" / "log.sqlite"
    path.parent.mkdir()
    local = Log(mounts / "log.sqlite")
    local.jobs.add(VALUES)
    local.close()
    shutil.move(mounts / "log.sqlite", path)
    log = Log(path)
    with log.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    assert log.jobs.count() == 1
    log.close()


@pytest.mark.parametrize(
    ("folder", "service"),
    [
        ("OneDrive - Studio/ws", "OneDrive"), ("Dropbox (Me)", "Dropbox"), ("Library/Mobile Documents/x", "iCloud"),
        ("iCloudDrive", "iCloud"), ("Google Drive/My Drive", "Google Drive"), ("CloudStorage/GoogleDrive-me", "Google Drive"),
        ("plain", None), ("my dropbox notes", None),
    ],
)  # fmt: skip
def test_synced_folders_are_seen(tmp_path, folder, service):
    log = Log(tmp_path / folder / "log.sqlite")
    assert [service in notice for notice in log.database.notices] == ([True] if service else [])
    log.jobs.add(VALUES)
    log.close()


def test_a_back_up_that_fails_leaves_no_part(tmp_path, monkeypatch):
    path = tmp_path / "log.sqlite"
    of_shape(path, 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with contextlib.closing(sqlite3.connect(path)) as db, pytest.raises(OSError, match="No space"):
        recovery.back_up(db, tmp_path / "log.bak")
    assert [one.name for one in tmp_path.iterdir()] == ["log.sqlite"]
